"""The form of a drawn hand: digits of balls and bones in 3-D, and a canvas that keeps what is nearest."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

PALM, ARM, PROP, FIRST = 1, 2, 3, 10
"""Names on the canvas; digits are called `FIRST` and up: fingers in order, `THUMB` and the next, then odd ones."""
THUMB, ODD = FIRST + 20, FIRST + 30
POSES = ("open", "spread", "together", "relaxed", "half", "fist", "point", "mixed", "pinch", "row")
ON_VIEW = (0.2, 0.14, 0.12, 0.16, 0.1, 0.05, 0.05, 0.06, 0.05, 0.07)
"""How often each pose comes where fingers are to be counted."""


@dataclass
class Digit:
    """A finger: four joints (4, 3), radii (4,), its name on the canvas."""

    joints: np.ndarray
    radii: np.ndarray
    name: int


def turn(axis: list[float] | np.ndarray, angle: float) -> np.ndarray:
    """Rotation by ``angle`` about ``axis``."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def finger(
    rng: np.random.Generator, root: np.ndarray, lean: float, length: float, radius: float, curl: float, name: int
) -> Digit:
    """A finger from its knuckle: ``lean`` sideways, ``curl`` 0 straight to 1 in the fist."""
    ahead = np.array([np.sin(lean), np.cos(lean), 0.0])
    axis = np.array([np.cos(lean), -np.sin(lean), 0.0])
    bend = curl * np.array([1.35, 1.75, 1.1]) * rng.uniform(0.85, 1.1, 3) + rng.normal(0, 0.05, 3)
    bones = length * np.array([0.48, 0.29, 0.23])
    joints, angle, side = [root], 0.0, rng.normal(0, 0.035)
    for k in range(3):
        angle += bend[k]
        joints.append(joints[-1] + turn([0, 0, 1], side * (k + 1)) @ turn(axis, -angle) @ ahead * bones[k])
    return Digit(np.array(joints), radius * np.array([1.08, 1.0, 0.9, 0.76]), name)


def digits_of(rng: np.random.Generator, n: int, kind: str, poses: Sequence[float] = ON_VIEW) -> list[Digit]:
    """The digits of a hand of ``n``, in one of the ``poses``, weighted like `POSES`.

    A "gap" is left where one of five was, its place empty.
    """
    if kind == "gap":
        whole = digits_of(rng, n + 1, "plain", poses)
        del whole[int(rng.integers(n))]
        return whole
    thumbs = 2 if kind == "thumbs" else 0 if kind == "no thumb" else 1
    fingers = n - thumbs - (kind in ("fork", "stub"))
    wide = (fingers / 4) ** rng.uniform(0.25, 0.95)
    across = np.linspace(-0.38, 0.38, fingers) * wide + rng.normal(0, 0.01, fingers)
    place = np.linspace(0, 1, fingers)
    length = (
        np.interp(place, [0, 0.33, 0.66, 1], [0.80, 0.90, 0.83, 0.66])
        * rng.uniform(0.82, 1.15)
        * rng.uniform(0.96, 1.04, fingers)
    )
    radius = (
        0.108
        * np.interp(place, [0, 0.33, 0.66, 1], [1, 1.03, 0.97, 0.85])
        * (4 / fingers) ** 0.4
        * rng.uniform(0.8, 1.12)
    )
    pose = str(rng.choice(POSES, p=poses))
    fan = {
        "spread": rng.uniform(0.14, 0.25),
        "together": rng.uniform(-0.02, 0.03),
        "row": rng.uniform(-0.01, 0.05),
    }.get(pose, rng.uniform(0.02, 0.12))
    low, high = {
        "open": (0, 0.12),
        "spread": (0, 0.1),
        "together": (0, 0.12),
        "relaxed": (0.08, 0.33),
        "half": (0.35, 0.6),
        "fist": (0.75, 1),
        "point": (0.7, 1),
        "mixed": (0, 0.9),
        "pinch": (0.15, 0.4),
        "row": (0.05, 0.3),
    }[pose]
    common, slope = rng.uniform(low, high), rng.uniform(0, 0.07)
    free = rng.integers(1, 3) if pose == "point" else 0
    found = []
    for k in range(fingers):
        curl = rng.uniform(low, high) if pose == "mixed" else common + slope * k + rng.normal(0, 0.04)
        if k < free:
            curl = rng.uniform(0, 0.1)
        root = np.array([across[k], 0.93 - 0.1 * ((across[k] / wide + 0.08) / 0.45) ** 2, 0.0])
        found.append(
            finger(
                rng,
                root,
                (k - (fingers - 1) / 2) * fan + rng.normal(0, 0.03),
                length[k],
                radius[k],
                max(curl, -0.05),
                FIRST + k,
            )
        )
    out = rng.uniform(0.1, 0.55) if pose in ("together", "fist") else rng.uniform(0.35, 1.1)
    for k in range(thumbs):
        lean = -(out + k * rng.uniform(0.3, 0.55))
        ahead = np.array([np.sin(lean), np.cos(lean), -rng.uniform(0, 0.6)])
        joints = [np.array([-0.2 * wide, 0.12, -0.05])]
        for bone in (0.42, 0.34, 0.27):
            ahead /= np.linalg.norm(ahead)
            joints.append(joints[-1] + ahead * bone)
            ahead = turn([0, 0, 1], -rng.uniform(-0.15, 0.35)) @ ahead
        found.append(Digit(np.array(joints), np.array([0.17, 0.13, 0.112, 0.088]) * rng.uniform(0.88, 1.1), THUMB + k))
    if kind == "fork":
        source = found[int(rng.integers(fingers))]
        away = turn([0, 0, 1], float(rng.choice([-1, 1])) * rng.uniform(0.3, 0.6))
        joints = source.joints.copy()
        joints[2:] = joints[1] + (joints[2:] - joints[1]) @ away.T
        found.append(Digit(joints, source.radii * 0.95, ODD))
    if kind == "stub":
        way = float(rng.choice([-1, 1]))
        root = np.array([way * 0.38 * wide, rng.uniform(0.3, 0.8), rng.normal(0, 0.06)])
        found.append(
            finger(
                rng,
                root,
                way * rng.uniform(0.25, 0.95),
                rng.uniform(0.4, 0.75),
                rng.uniform(0.07, 0.1),
                rng.uniform(0, 0.25),
                ODD + 1,
            )
        )
    if kind == "fused":
        k = int(rng.integers(fingers - 1))
        for t in (0.25, 0.5, 0.75):
            a, b = found[k], found[k + 1]
            found.append(Digit(a.joints * (1 - t) + b.joints * t, (a.radii + b.radii) * 0.46, a.name))
        found[k + 1] = Digit(found[k + 1].joints, found[k + 1].radii, found[k].name)
    return found


def blur(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian, of at least .3 px."""
    return cv2.GaussianBlur(values, (0, 0), float(max(sigma, 0.3)))


def noise(rng: np.random.Generator, side: int, grain: float, channels: int = 1) -> np.ndarray:
    """Smooth noise of unit spread, (side, side, channels)."""
    small = max(3, min(side, int(side / grain) + 2))
    field = cv2.resize(
        rng.normal(0, 1, (small, small, channels)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC
    )
    field = field.reshape(side, side, channels)
    return field / (field.std() + 1e-6)


def clouds(rng: np.random.Generator, side: int, grain: float, octaves: int = 4, channels: int = 1) -> np.ndarray:
    """Noise of several scales, (side, side, channels), the largest ``grain`` px."""
    parts = [noise(rng, side, max(1.2, grain / 2**k), channels) * 0.6**k for k in range(octaves)]
    return np.sum(parts, axis=0) / 1.4


def spread(values: np.ndarray, mask: np.ndarray, sigma: float) -> np.ndarray:
    """Blurred within the mask (float32) alone, and carried on beyond it."""
    return blur(values * mask, sigma) / (blur(mask, sigma) + 1e-4)


class Canvas:
    """A z-buffer: depth and name of what is nearest, for balls on a line (capsules)."""

    def __init__(self, side: int) -> None:
        self.depth = np.full((side, side), -1e9, np.float32)
        self.name = np.zeros((side, side), np.uint8)
        self.y, self.x = np.mgrid[0:side, 0:side].astype(np.float32)

    def capsule(self, a: np.ndarray, b: np.ndarray, ra: float, rb: float, name: int) -> None:
        """Draw one, in px; z towards the viewer."""
        side, reach = len(self.depth), max(ra, rb) + 1
        x0, y0 = (int(max(0, min(a[k], b[k]) - reach)) for k in (0, 1))
        x1, y1 = (int(min(side, max(a[k], b[k]) + reach + 1)) for k in (0, 1))
        if x0 >= x1 or y0 >= y1:
            return
        x, y = self.x[y0:y1, x0:x1], self.y[y0:y1, x0:x1]
        d = b[:2] - a[:2]
        t = np.clip(((x - a[0]) * d[0] + (y - a[1]) * d[1]) / (d @ d + 1e-6), 0, 1)
        q = (ra + (rb - ra) * t) ** 2 - (x - a[0] - t * d[0]) ** 2 - (y - a[1] - t * d[1]) ** 2
        z = np.where(q > 0, a[2] + (b[2] - a[2]) * t + np.sqrt(np.maximum(q, 0)), -1e9)
        for c, r in ((a, ra), (b, rb)):
            q = r * r - (x - c[0]) ** 2 - (y - c[1]) ** 2
            z = np.maximum(z, np.where(q > 0, c[2] + np.sqrt(np.maximum(q, 0)), -1e9))
        nearer = z > self.depth[y0:y1, x0:x1]
        self.depth[y0:y1, x0:x1][nearer] = z[nearer]
        self.name[y0:y1, x0:x1][nearer] = name


class Placing:
    """From the hand's own space to px of the canvas."""

    def __init__(self, rotation: np.ndarray, scale: float, shift: np.ndarray) -> None:
        self.rotation, self.scale, self.shift = rotation, scale, shift

    def __call__(self, p: np.ndarray) -> np.ndarray:
        """(3,) px, z towards the viewer, of a point (3,)."""
        q = self.rotation @ p * self.scale
        return np.array([q[0] + self.shift[0], -q[1] + self.shift[1], q[2]])


@dataclass
class Nail:
    """Its middle, the way it faces, the way of its finger, (3,) each; the finger's radius and name."""

    at: np.ndarray
    up: np.ndarray
    along: np.ndarray
    radius: float
    name: int

    def mask(self, canvas: Canvas, put: Placing, facing: float) -> np.ndarray:
        """Where it lies on the canvas (side, side) 0 to 1, ``facing`` being how much of it is turned to the viewer."""
        mask = np.zeros_like(canvas.depth)
        way = (put.rotation @ self.along)[:2] * [1, -1]
        size = self.radius * put.scale
        axes = max(1, int(size * 0.85)), max(1, int(size * 0.62 * facing))
        at = tuple(put(self.at)[:2].astype(int).tolist())
        cv2.ellipse(mask, at, axes, float(np.degrees(np.arctan2(way[1], way[0]))), 0, 360, 1.0, -1, cv2.LINE_AA)
        return mask


def nail_of(digit: Digit) -> Nail:
    """The nail on the last bone of a digit."""
    thumb = THUMB <= digit.name < ODD
    along = digit.joints[3] - digit.joints[2]
    up = np.cross(along, [0.8, 0, 0.6] if thumb else [1.0, 0, 0])
    up = up / (np.linalg.norm(up) + 1e-6)
    at = digit.joints[3] + up * digit.radii[3] * 0.75
    return Nail(at, -up if up[2] < 0 and not thumb else up, along, float(digit.radii[3]), digit.name)


def flesh(
    rng: np.random.Generator, canvas: Canvas, put: Placing, digits: Sequence[Digit], elbow: np.ndarray | None = None
) -> None:
    """Put the digits on the canvas, the palm that holds them, the skin between them, and the arm.

    The arm goes to ``elbow`` (3,), or somewhere below the wrist.
    """
    scale = put.scale
    roots = sorted(float(d.joints[0][0]) for d in digits if d.name < THUMB)
    apart = min(0.25, float(np.median(np.diff(roots)))) if len(roots) > 1 else 0.0
    for d in digits:
        for k in range(3):
            name = PALM if THUMB <= d.name < ODD and k == 0 else d.name
            canvas.capsule(put(d.joints[k]), put(d.joints[k + 1]), d.radii[k] * scale, d.radii[k + 1] * scale, name)
        if d.name < THUMB:
            foot = np.array([d.joints[0][0] * 0.45, 0.05, -0.02])
            knuckle = max(d.radii[0] * 1.25, 0.55 * apart) * scale
            canvas.capsule(put(foot), put(d.joints[0]), 0.2 * scale, knuckle, PALM)
    webs(rng, canvas, put, digits)
    wrist, reach = rng.uniform(0.16, 0.25), rng.uniform(0.6, 1.7)
    end = (
        np.array([np.sin(rng.normal(0, 0.3)) * reach, -reach, rng.normal(0, 0.3) * reach]) if elbow is None else elbow
    )
    canvas.capsule(put(np.zeros(3)), put(end), wrist * scale, wrist * rng.uniform(1, 1.5) * scale, ARM)


def held(rng: np.random.Generator, canvas: Canvas, put: Placing) -> None:
    """Something long before or behind the hand."""
    centre = np.array([rng.normal(0, 0.2), rng.uniform(0.5, 1.2), rng.choice([-1, 1]) * rng.uniform(0.15, 0.3)])
    way = turn([0, 0, 1], rng.uniform(0, 3.1)) @ np.array([1.0, 0, 0]) * rng.uniform(0.3, 1.3)
    thick = rng.uniform(0.03, 0.25) * put.scale
    canvas.capsule(put(centre - way), put(centre + way), thick, thick * rng.uniform(0.6, 1), PROP)


def slender(rng: np.random.Generator, digits: Sequence[Digit]) -> None:
    """Thin the fingers towards pointed tips, as drawings have them."""
    thin, tip = rng.uniform(0.65, 1.0), rng.uniform(0.45, 1.0)
    for d in digits:
        d.radii = d.radii * thin * np.array([1.1, 1.05, 0.5 + 0.5 * tip, tip])


def webs(rng: np.random.Generator, canvas: Canvas, put: Placing, digits: Sequence[Digit]) -> None:
    """The skin between neighbouring fingers, between thumb and index, and the ball below the little one."""
    fingers = sorted((d for d in digits if d.name < THUMB), key=lambda d: d.name)
    high = rng.uniform(0.05, 0.4)
    for a, b in itertools.pairwise(fingers):
        thick = min(a.radii[0], b.radii[0]) * rng.uniform(0.5, 0.8) * put.scale
        for share in (0, high / 2, high):
            ends = [put(d.joints[0] + (d.joints[1] - d.joints[0]) * share - [0, 0, 0.03]) for d in (a, b)]
            canvas.capsule(ends[0], ends[1], thick, thick, PALM)
    for d in digits:
        if THUMB <= d.name < ODD and fingers:
            near = fingers[0].joints[0]
            for t, thick in ((0.35, 0.13), (0.6, 0.1), (0.85, 0.075)):
                a = d.joints[0] + (d.joints[1] - d.joints[0]) * t
                b = np.array([near[0] * 0.9, near[1] * (0.35 + 0.5 * t), -0.03])
                r = thick * rng.uniform(0.8, 1.1) * put.scale
                canvas.capsule(put(a), put(b), r, r, PALM)
    if fingers:
        last = fingers[-1].joints[0]
        r = rng.uniform(0.13, 0.2) * put.scale
        canvas.capsule(
            put(np.array([last[0] * 0.65, 0.1, -0.08])), put(last * [0.95, 0.55, 0] - [0, 0, 0.08]), r, r * 0.9, PALM
        )


def creases(rng: np.random.Generator, canvas: Canvas, put: Placing, digits: Sequence[Digit], back: bool) -> np.ndarray:
    """Where the skin folds: at the joints, and on the palm's side its lines. (side, side) 0 to 1."""
    found = np.zeros_like(canvas.depth)

    def stroke(points: np.ndarray, strength: float) -> None:
        at = np.array([put(q)[:2] for q in points])
        cv2.polylines(found, [np.rint(at * 8).astype(np.int32)], False, float(strength), 1, cv2.LINE_AA, 3)

    for d in digits:
        for j, joint in enumerate(d.joints[1:3]):
            along = d.joints[j + 2] - d.joints[j]
            along = along / (np.linalg.norm(along) + 1e-6)
            across = np.cross(along, [0, 0, 1.0])
            across /= np.linalg.norm(across) + 1e-6
            for _ in range(int(rng.integers(0, 4) if back else rng.integers(1, 3))):
                c = joint + along * rng.normal(0, 0.025) + np.array([0, 0, d.radii[1] if back else -d.radii[1]])
                r = d.radii[1] * rng.uniform(0.4, 0.85)
                bow = c + along * rng.normal(0, 0.02)
                stroke(np.array([c - across * r, bow, c + across * r]), rng.uniform(0.25, 1))
    if not back:
        t = np.linspace(0, 1, 9)[:, None]
        # around the ball of the thumb, across the middle, below the fingers
        for line in (
            [(-0.36, 0.62), (-0.1, 0.5), (0.02, 0.1)],
            [(-0.36, 0.66), (0, 0.6), (0.3, 0.4)],
            [(0.4, 0.7), (0.1, 0.74), (-0.12, 0.92)],
        ):
            a, b, c = np.array(line) + rng.normal(0, 0.03, (3, 2))
            curve = (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t * t * c
            stroke(np.c_[curve, np.full(9, -0.2)], rng.uniform(0.3, 1))
        for _ in range(int(rng.integers(0, 5))):
            a, b = rng.uniform([-0.35, 0.1], [0.35, 0.9], (2, 2))
            stroke(np.c_[np.array([a, a * 0.4 + b * 0.6]), [-0.2, -0.2]], rng.uniform(0.1, 0.4))
    return blur(found, rng.uniform(0.7, 1.3)) * (canvas.name > 0)


def nail_masks(canvas: Canvas, put: Placing, digits: Sequence[Digit]) -> list[np.ndarray]:
    """One soft mask (side, side) for each nail that is turned to the viewer."""
    found = []
    for nail in map(nail_of, digits):
        facing = float((put.rotation @ nail.up)[2])
        if facing < 0.2:
            continue
        mask = nail.mask(canvas, put, facing)
        found.append(blur(mask * (canvas.name == nail.name), 0.8))
    return found


def sleeve(rng: np.random.Generator, canvas: Canvas, put: Placing) -> np.ndarray:
    """Where a sleeve lies over the arm, (side, side) bool."""
    cut = put(np.array([0, rng.uniform(-0.5, -0.05), 0]))[:2]
    up = (put(np.array([0, 1.0, 0])) - put(np.zeros(3)))[:2]
    below = canvas.x * up[0] + canvas.y * up[1] < cut @ up
    arm = ((canvas.name == ARM) & below).astype(np.uint8)
    wide = cv2.dilate(arm, np.ones((5, 5), np.uint8), iterations=int(rng.integers(1, 12))) > 0
    return wide & below & (canvas.name < FIRST)


def no_hand(rng: np.random.Generator, canvas: Canvas, put: Placing) -> None:
    """What a hand detector mistakes for hands: bare limbs, feet, paws, ears and faces, as capsules."""
    kinds = (_limb, _foot, _head, _ear)
    kinds[rng.integers(len(kinds))](rng, canvas, put)


def _limb(rng: np.random.Generator, canvas: Canvas, put: Placing) -> None:
    """One that is bent."""
    points = [rng.uniform(-1.2, 1.2, 3) * [1, 1, 0.3] for _ in range(3)]
    radius = rng.uniform(0.15, 0.45)
    for a, b in itertools.pairwise(points):
        canvas.capsule(put(a), put(b), radius * put.scale, radius * rng.uniform(0.7, 1) * put.scale, ARM)


def _foot(rng: np.random.Generator, canvas: Canvas, put: Placing) -> None:
    """A foot or a paw: a long body and a row of short toes."""
    toes, radius = int(rng.integers(3, 6)), rng.uniform(0.09, 0.16)
    heel = np.array([rng.normal(0, 0.2), -rng.uniform(0.5, 1.1), 0])
    for k in range(toes):
        root = np.array([(k - (toes - 1) / 2) * 1.75 * radius, 0.75 - 0.12 * k * rng.uniform(0.3, 1), 0])
        r = radius * (1.35 if k == 0 and rng.random() < 0.6 else 1)
        canvas.capsule(put(heel), put(root), rng.uniform(0.25, 0.4) * put.scale, r * 1.2 * put.scale, PALM)
        tip = root + np.array([0, rng.uniform(0.05, 0.2), 0])
        canvas.capsule(put(root), put(tip), r * put.scale, r * 0.9 * put.scale, FIRST + k)


def _head(rng: np.random.Generator, canvas: Canvas, put: Placing) -> None:
    """One with features."""
    low, high = np.array([0, -0.2, 0]), np.array([0, 0.3, 0])
    canvas.capsule(put(low), put(high), rng.uniform(0.5, 0.8) * put.scale, 0.75 * put.scale, ARM)
    for x in (-0.3, 0.3, 0):
        a = np.array([x, rng.uniform(-0.1, 0.3), 0.65])
        b = a + np.array([rng.uniform(-0.1, 0.1), 0, 0])
        canvas.capsule(put(a), put(b), 0.1 * put.scale, 0.08 * put.scale, PROP)


def _ear(rng: np.random.Generator, canvas: Canvas, put: Placing) -> None:
    """An ear, or lips: nested arcs."""
    for ring in range(int(rng.integers(1, 4))):
        r, start, sweep = 0.3 + 0.22 * ring, rng.uniform(0, 6), rng.uniform(2, 5.5)
        points = [np.array([r * np.cos(start + t), 1.3 * r * np.sin(start + t), 0]) for t in np.linspace(0, sweep, 9)]
        for a, b in itertools.pairwise(points):
            canvas.capsule(put(a), put(b), 0.12 * put.scale, 0.12 * put.scale, PALM)
