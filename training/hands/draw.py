"""Hands drawn by our own code: capsules in 3-D, three to seven digits, shaded as photo, paint, cel or line art.

Nothing here comes from a data set. `draw` hands back the picture and what is true of it: digits built, digits on
view, straight digits on view, and a map of the digits and of the borders between them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np

SIDE = 112
"""Side of a drawn picture in px."""
PALM, ARM, PROP, FIRST = 1, 2, 3, 10
POSES = ("open", "spread", "together", "relaxed", "half", "fist", "point", "mixed", "pinch", "row")


@dataclass
class Truth:
    """What is true of a drawn picture; None where it cannot be told from it."""

    hand: float
    digits: int | None
    extra: float | None
    missing: float | None
    straight: int | None


@dataclass
class Digit:
    """A finger: four joints (4, 3), radii (4,), and whether its bones are in a line."""

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


def digits_of(rng: np.random.Generator, n: int, kind: str) -> tuple[list[Digit], float, str]:
    """The digits of a hand, the palm's width, and the pose."""
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
    pose = str(rng.choice(POSES, p=[0.2, 0.14, 0.12, 0.16, 0.1, 0.05, 0.05, 0.06, 0.05, 0.07]))
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
        found.append(
            Digit(np.array(joints), np.array([0.17, 0.13, 0.112, 0.088]) * rng.uniform(0.88, 1.1), FIRST + 20 + k)
        )
    if kind == "fork":
        source = found[int(rng.integers(fingers))]
        away = turn([0, 0, 1], float(rng.choice([-1, 1])) * rng.uniform(0.3, 0.6))
        joints = source.joints.copy()
        joints[2:] = joints[1] + (joints[2:] - joints[1]) @ away.T
        found.append(Digit(joints, source.radii * 0.95, FIRST + 30))
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
                FIRST + 31,
            )
        )
    if kind == "fused":
        k = int(rng.integers(fingers - 1))
        for t in (0.25, 0.5, 0.75):
            a, b = found[k], found[k + 1]
            found.append(Digit(a.joints * (1 - t) + b.joints * t, (a.radii + b.radii) * 0.46, a.name))
        found[k + 1] = Digit(found[k + 1].joints, found[k + 1].radii, found[k].name)
    return found, wide, pose


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


def noise(rng: np.random.Generator, side: int, grain: float, channels: int = 1) -> np.ndarray:
    """Smooth noise of unit spread, (side, side, channels)."""
    small = max(3, min(side, int(side / grain) + 2))
    field = cv2.resize(
        rng.normal(0, 1, (small, small, channels)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC
    )
    field = field.reshape(side, side, channels)
    return field / (field.std() + 1e-6)


def background(rng: np.random.Generator, side: int, skin: np.ndarray) -> np.ndarray:
    """A ground: plain, shaded, shapes, folds of cloth, stripes; a quarter of them near the skin's colour."""
    one, two = rng.uniform(0, 255, 3), rng.uniform(0, 255, 3)
    if rng.random() < 0.25:
        one = skin * rng.uniform(0.5, 1.1) + rng.normal(0, 14, 3)
    if rng.random() < 0.2:
        one = two = np.full(3, rng.choice([255.0, 245, 20, 0]))
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    way = rng.uniform(0, 6.28)
    ramp = np.clip((x - 0.5) * np.cos(way) + (y - 0.5) * np.sin(way) + 0.5, 0, 1)[..., None]
    ground = (
        (one * (1 - ramp) + two * ramp).astype(np.float32)
        if rng.random() < 0.6
        else np.full((side, side, 3), one, np.float32)
    )
    for _ in range(int(rng.choice([0, 0, 2, 5, 10, 16]))):
        colour = tuple(
            float(v) for v in (rng.uniform(0, 255, 3) if rng.random() < 0.75 else skin * rng.uniform(0.5, 1.1))
        )
        a, b = (tuple(int(v) for v in rng.integers(-20, side + 20, 2)) for _ in range(2))
        kind = rng.integers(3)
        if kind == 0:
            cv2.line(ground, a, b, colour, int(rng.integers(1, 30)), cv2.LINE_AA)
        elif kind == 1:
            axes = (int(rng.integers(4, 90)), int(rng.integers(4, 90)))
            cv2.ellipse(ground, a, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(ground, a, b, colour, -1)
    if rng.random() < 0.35:
        wave = np.sin((x * np.cos(way) + y * np.sin(way)) * rng.uniform(10, 70) + 2.5 * noise(rng, side, 40)[..., 0])
        ground *= (1 + rng.uniform(0.04, 0.22) * wave)[..., None]
    ground = cv2.GaussianBlur(ground, (0, 0), float(rng.choice([0.6, 0.8, 2, 5, 10])))
    return ground + noise(rng, side, rng.uniform(1, 6), 3) * rng.choice([0, 0, 3, 9]) * rng.random()


def no_hand(rng: np.random.Generator, side: int, canvas: Canvas, put) -> None:
    """What a hand detector mistakes for hands: bare limbs, feet, paws, ears and faces, as capsules."""
    kind = rng.integers(4)
    if kind == 0:  # a limb, bent
        points = [rng.uniform(-1.2, 1.2, 3) * [1, 1, 0.3] for _ in range(3)]
        radius = rng.uniform(0.15, 0.45)
        for a, b in itertools.pairwise(points):
            canvas.capsule(put(a), put(b), radius * put.scale, radius * rng.uniform(0.7, 1) * put.scale, ARM)
    elif kind == 1:  # a foot or a paw: a long body and a row of short toes
        toes, radius = int(rng.integers(3, 6)), rng.uniform(0.09, 0.16)
        heel = np.array([rng.normal(0, 0.2), -rng.uniform(0.5, 1.1), 0])
        for k in range(toes):
            root = np.array([(k - (toes - 1) / 2) * 1.75 * radius, 0.75 - 0.12 * k * rng.uniform(0.3, 1), 0])
            r = radius * (1.35 if k == 0 and rng.random() < 0.6 else 1)
            canvas.capsule(put(heel), put(root), rng.uniform(0.25, 0.4) * put.scale, r * 1.2 * put.scale, PALM)
            canvas.capsule(
                put(root),
                put(root + np.array([0, rng.uniform(0.05, 0.2), 0])),
                r * put.scale,
                r * 0.9 * put.scale,
                FIRST + k,
            )
    elif kind == 2:  # a head with features
        canvas.capsule(
            put(np.array([0, -0.2, 0])),
            put(np.array([0, 0.3, 0])),
            rng.uniform(0.5, 0.8) * put.scale,
            0.75 * put.scale,
            ARM,
        )
        for x in (-0.3, 0.3, 0):
            a = np.array([x, rng.uniform(-0.1, 0.3), 0.65])
            canvas.capsule(
                put(a), put(a + np.array([rng.uniform(-0.1, 0.1), 0, 0])), 0.1 * put.scale, 0.08 * put.scale, PROP
            )
    else:  # an ear, lips: nested arcs
        for ring in range(int(rng.integers(1, 4))):
            r, start, sweep = 0.3 + 0.22 * ring, rng.uniform(0, 6), rng.uniform(2, 5.5)
            ring_points = [
                np.array([r * np.cos(start + t), 1.3 * r * np.sin(start + t), 0]) for t in np.linspace(0, sweep, 9)
            ]
            for a, b in itertools.pairwise(ring_points):
                canvas.capsule(put(a), put(b), 0.12 * put.scale, 0.12 * put.scale, PALM)


class Placing:
    """From the hand's own space to px of the canvas."""

    def __init__(self, rotation: np.ndarray, scale: float, shift: np.ndarray) -> None:
        self.rotation, self.scale, self.shift = rotation, scale, shift

    def __call__(self, p: np.ndarray) -> np.ndarray:
        """(3,) px, z towards the viewer, of a point (3,)."""
        q = self.rotation @ p * self.scale
        return np.array([q[0] + self.shift[0], -q[1] + self.shift[1], q[2]])


def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, Truth]:
    """Picture (SIDE, SIDE, 3) uint8 RGB; map (28, 28, 2) uint8 of digits and their borders; what is true of it."""
    side = SIDE * 2
    real = rng.random() > 0.1
    n = int(rng.choice([5, 6, 7, 4, 3], p=[0.46, 0.3, 0.05, 0.15, 0.04]))
    kind = "plain"
    if n >= 6:
        kind = str(rng.choice(["plain", "fork", "stub", "thumbs"], p=[0.66, 0.1, 0.14, 0.1]))
    elif n == 5:
        kind = str(rng.choice(["plain", "fused", "stump"], p=[0.9, 0.07, 0.03]))
    elif n == 4 and rng.random() < 0.2:
        kind = "no thumb"
    digits, _wide, _pose = digits_of(rng, n, "plain" if kind == "stump" else kind)
    if kind == "stump":
        k = int(rng.integers(4))
        digits[k].joints = digits[k].joints[0] + (digits[k].joints - digits[k].joints[0]) * rng.uniform(0.3, 0.5)
    rotation = turn([0, 1, 0], rng.normal(0, 0.45) + (np.pi if rng.random() < 0.5 else 0))
    rotation = turn([0, 0, 1], rng.normal(0, 0.35)) @ turn([1, 0, 0], rng.normal(0, 0.42)) @ rotation
    if rng.random() < 0.5:
        rotation = np.diag([-1, 1, 1]) @ rotation
    points = np.concatenate([d.joints for d in digits] + [np.array([[0, 0, 0]])]) @ rotation.T
    low, high = points[:, :2].min(0) - 0.1, points[:, :2].max(0) + 0.1
    scale = side * rng.uniform(0.58, 0.8) / max(high - low)
    middle = (low + high) / 2 * scale
    put = Placing(
        rotation, scale, np.array([side / 2 - middle[0], side / 2 + middle[1]]) + rng.normal(0, 0.03 * side, 2)
    )
    canvas = Canvas(side)
    nails = []
    if not real:
        put = Placing(
            turn([0, 0, 1], rng.uniform(-3, 3)) @ turn([1, 0, 0], rng.normal(0, 0.3)),
            side * rng.uniform(0.25, 0.45),
            side / 2 + rng.normal(0, 0.06 * side, 2),
        )
        if rng.random() < 0.8:
            no_hand(rng, side, canvas, put)
    else:
        for d in digits:
            thumb = FIRST + 20 <= d.name < FIRST + 30
            for k in range(3):
                name = PALM if thumb and k == 0 else d.name
                canvas.capsule(
                    put(d.joints[k]), put(d.joints[k + 1]), d.radii[k] * scale, d.radii[k + 1] * scale, name
                )
            if d.name < FIRST + 20:
                foot = np.array([d.joints[0][0] * 0.45, 0.05, -0.02])
                canvas.capsule(put(foot), put(d.joints[0]), 0.2 * scale, d.radii[0] * 1.25 * scale, PALM)
            along = d.joints[3] - d.joints[2]
            up = np.cross(along, [1.0, 0, 0]) if not thumb else np.cross(along, [0.8, 0, 0.6])
            up = up / (np.linalg.norm(up) + 1e-6)
            nails.append(
                (
                    d.joints[3] + up * d.radii[3] * 0.75,
                    -up if up[2] < 0 and not thumb else up,
                    along,
                    d.radii[3],
                    d.name,
                )
            )
        wrist = rng.uniform(0.16, 0.25)
        reach = rng.uniform(0.6, 1.7)
        end = np.array([np.sin(rng.normal(0, 0.3)) * reach, -reach, rng.normal(0, 0.3) * reach])
        canvas.capsule(put(np.zeros(3)), put(end), wrist * scale, wrist * rng.uniform(1, 1.5) * scale, ARM)
        if rng.random() < 0.13:
            centre = np.array(
                [rng.normal(0, 0.2), rng.uniform(0.5, 1.2), rng.choice([-1, 1]) * rng.uniform(0.15, 0.3)]
            )
            way = turn([0, 0, 1], rng.uniform(0, 3.1)) @ np.array([1.0, 0, 0]) * rng.uniform(0.3, 1.3)
            thick = rng.uniform(0.03, 0.25)
            canvas.capsule(
                put(centre - way), put(centre + way), thick * scale, thick * rng.uniform(0.6, 1) * scale, PROP
            )
    name, depth = canvas.name, canvas.depth
    picture, border = shade(rng, canvas, put, digits if real else [], nails)
    if not real:
        return finish(rng, picture), maps(name * 0, border * 0), Truth(0.0, None, None, None, None)
    visible, straight = 0, 0
    for key in {d.name for d in digits}:
        area = int((name == key).sum())
        seen = area > 0.003 * side * side
        d = next(d for d in digits if d.name == key)
        tip = put(d.joints[3])[:2].astype(int)
        box = name[max(0, tip[1] - 4) : tip[1] + 5, max(0, tip[0] - 4) : tip[0] + 5]
        tip_seen = bool((box == key).any())
        visible += seen and tip_seen
        bones = np.diff(d.joints, axis=0)
        bones /= np.linalg.norm(bones, axis=1, keepdims=True)
        flat = np.linalg.norm((put(d.joints[3]) - put(d.joints[0]))[:2]) / (
            scale * np.linalg.norm(np.diff(d.joints, axis=0), axis=1).sum()
        )
        straight += seen and tip_seen and float(bones[0] @ bones[2]) > 0.6 and flat > 0.62
    built = len({d.name for d in digits})
    if built > 5:
        truth = Truth(1.0, visible, 1.0, 0.0, straight) if visible > 5 else Truth(1.0, None, None, None, straight)
    elif built == 5:
        truth = Truth(1.0, 5 if visible >= 3 else None, 0.0, 0.0, straight)
    else:
        sure = visible == built
        truth = Truth(1.0, built if sure else None, 0.0, 1.0 if sure and straight >= min(3, built) else None, straight)
    if kind in ("fused", "stump"):
        truth.digits, truth.missing = None, None
    del depth
    return finish(rng, picture), maps(name, border), truth


def maps(name: np.ndarray, border: np.ndarray) -> np.ndarray:
    """Digits and borders at a quarter of the picture's size, uint8."""
    both = np.stack([(name >= FIRST).astype(np.float32), np.clip(cv2.GaussianBlur(border, (0, 0), 2) * 2, 0, 1)], 2)
    return (cv2.resize(both, (SIDE // 4, SIDE // 4), interpolation=cv2.INTER_AREA) * 255).astype(np.uint8)


def shade(rng, canvas, put, digits, nails):
    """Colour what was drawn, over a background; also hand back the borders between digits."""
    name, depth, side = canvas.name, canvas.depth, len(canvas.name)
    scale, shape = put.scale, name > 0
    z = np.where(shape, depth, 0).astype(np.float32)
    palm = np.isin(name, (PALM, ARM)).astype(np.float32)
    soft = max(scale * 0.06, 1)
    z = np.where(palm > 0, cv2.GaussianBlur(z * palm, (0, 0), soft) / (cv2.GaussianBlur(palm, (0, 0), soft) + 1e-4), z)
    gx, gy = (cv2.Sobel(z, cv2.CV_32F, *k, ksize=3) / 8 for k in ((1, 0), (0, 1)))
    nz = 1 / np.sqrt(1 + gx * gx + gy * gy)
    border = np.zeros((side, side), np.float32)
    for k in ((0, 1), (1, 0), (1, 1), (1, -1)):
        other, far = np.roll(name, k, (0, 1)), np.roll(depth, k, (0, 1))
        jump = (np.abs(depth - far) > 0.05 * scale) & shape & (other > 0)
        between = (name != other) & (name >= FIRST) & (other >= FIRST)
        border = np.maximum(border, (jump | between).astype(np.float32))
    style = str(rng.choice(["photo", "paint", "cel", "line"], p=[0.6, 0.12, 0.2, 0.08]))
    drawn = style in ("cel", "line")
    tones = np.array([[236, 208, 198], [226, 182, 160], [205, 150, 120], [165, 108, 80], [110, 66, 48]], float)
    skin = tones[rng.integers(5)] + rng.normal(0, 9, 3)
    if drawn:
        skin = (
            np.clip(skin * 0.35 + np.array([250, 222, 210]) * 0.65, 0, 255)
            if rng.random() < 0.8
            else rng.uniform(40, 255, 3)
        )
    if style == "line" and rng.random() < 0.6:
        skin = np.full(3, rng.uniform(215, 255))
    light = turn([0, 0, 1], rng.uniform(0, 6.28)) @ np.array([rng.uniform(0.2, 1), 0, 1])
    light /= np.linalg.norm(light)
    lit = np.clip((-gx * light[0] - gy * light[1] + light[2]) * nz, 0, 1)
    ambient = rng.uniform(0.3, 0.75)
    shading = ambient + (1 - ambient) * lit
    if style == "cel":
        shading = np.where(lit > rng.uniform(0.3, 0.7), 1, rng.uniform(0.7, 0.92))
    elif style == "line":
        shading = np.ones_like(lit)
    colour = (skin * shading[..., None]).astype(np.float32)
    if not drawn:
        colour *= (1 - rng.uniform(0.1, 0.5) * np.clip(cv2.GaussianBlur(border, (0, 0), scale * 0.03) * 3, 0, 1))[
            ..., None
        ]
        colour *= (1 - rng.uniform(0, 0.4) * (1 - nz) ** 2)[..., None]
        colour += (1 - nz)[..., None] * np.array([10, -4, -6], np.float32)
        colour += noise(rng, side, rng.uniform(1, 5), 3) * rng.uniform(0.5, 6)
        colour *= 1 + noise(rng, side, scale * 0.25) * rng.uniform(0, 0.09)
    if style == "paint":
        colour = np.round(colour / 22) * 22 + noise(rng, side, 5) * 6
    crease = np.zeros((side, side), np.float32)
    for d in digits:
        across = put.rotation @ np.cross(d.joints[3] - d.joints[0], [0, 0, 1.0])
        across = across[:2] / (np.linalg.norm(across[:2]) + 1e-6) * [1, -1] * d.radii[1] * scale * 0.8
        for joint in d.joints[1:3]:
            for _ in range(int(rng.integers(0, 4))):
                at = put(joint)[:2] + rng.normal(0, 0.02 * scale, 2)
                cv2.line(
                    crease,
                    *(tuple(int(v) for v in at + s * across) for s in (-1, 1)),
                    float(rng.uniform(0.2, 1)),
                    1,
                    cv2.LINE_AA,
                )
    if rng.random() < 0.6 and digits:
        for _ in range(4):
            a, b = (put(np.array([rng.uniform(-0.4, 0.4), rng.uniform(0.2, 0.85), 0]))[:2] for _ in range(2))
            cv2.line(
                crease,
                tuple(a.astype(int).tolist()),
                tuple(b.astype(int).tolist()),
                float(rng.uniform(0.2, 0.8)),
                1,
                cv2.LINE_AA,
            )
    crease = cv2.GaussianBlur(crease, (0, 0), 1.2)
    colour *= (1 - rng.uniform(0.1, 0.55) * crease * (rng.random() < (0.3 if drawn else 0.9)))[..., None]
    ink = rng.uniform(0, 70, 3) if drawn else skin * 0.25
    if rng.random() < 0.92:
        width = rng.uniform(0.9, 2.4) if drawn else rng.uniform(0.6, 1.8)
        line = np.clip(cv2.GaussianBlur(border, (0, 0), width) * (2.2 if drawn else 1.5), 0, 1) * rng.uniform(
            *((0.5, 1) if drawn else (0.1, 0.65))
        )
        colour = colour * (1 - line[..., None]) + ink * line[..., None]
    paint = rng.uniform(20, 230, 3) if rng.random() < 0.25 else skin + np.array([14, 4, 10])
    if rng.random() < 0.85:
        for at, up, along, r, key in nails:
            facing = float((put.rotation @ up)[2])
            if facing < 0.2:
                continue
            way = (put.rotation @ along)[:2] * [1, -1]
            mask = np.zeros((side, side), np.float32)
            axes = (max(1, int(r * scale * 0.85)), max(1, int(r * scale * 0.62 * facing)))
            cv2.ellipse(
                mask,
                tuple(put(at)[:2].astype(int).tolist()),
                axes,
                float(np.degrees(np.arctan2(way[1], way[0]))),
                0,
                360,
                1.0,
                -1,
                cv2.LINE_AA,
            )
            mask = (mask * (name == key) * rng.uniform(0.4, 0.9))[..., None]
            colour = colour * (1 - mask) + paint * shading[..., None] * mask
    for key in (PROP,):
        colour = np.where((name == key)[..., None], rng.uniform(10, 240, 3) * shading[..., None], colour)
    if rng.random() < 0.6 and digits:
        cut = put(np.array([0, rng.uniform(-0.45, -0.08), 0]))
        up = put(np.array([0, 1.0, 0])) - put(np.zeros(3))
        below = ((canvas.x - cut[0]) * up[0] + (canvas.y - cut[1]) * up[1]) < 0
        cloth = (
            cv2.dilate(
                ((name == ARM) & below).astype(np.uint8), np.ones((5, 5), np.uint8), iterations=int(rng.integers(1, 9))
            )
            > 0
        )
        cloth &= below & ~(name >= FIRST)
        colour = np.where(
            cloth[..., None], rng.uniform(10, 240, 3) * (0.7 + 0.3 * noise(rng, side, 25) * 0.4)[..., :1], colour
        )
        shape = shape | cloth
    ground = background(rng, side, skin)
    if rng.random() < 0.4:
        shadow = cv2.GaussianBlur(
            np.roll(shape.astype(np.float32), tuple(rng.integers(-12, 13, 2)), (0, 1)), (0, 0), rng.uniform(3, 14)
        )
        ground *= (1 - rng.uniform(0.1, 0.5) * shadow)[..., None]
    alpha = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), rng.uniform(0.6, 1.6))[..., None]
    picture = ground * (1 - alpha) + colour * alpha
    if drawn or rng.random() < 0.06:
        edge = cv2.morphologyEx(shape.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).astype(
            np.float32
        )
        edge = np.clip(cv2.GaussianBlur(edge, (0, 0), rng.uniform(0.6, 1.6)) * 1.4, 0, 1)[..., None] * rng.uniform(
            0.4, 1
        )
        picture = picture * (1 - edge) + ink * edge
    return np.clip(picture, 0, 255), border


def finish(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """As a camera, a network or a file would hand it over: exposure, softness, compression, grain."""
    out = cv2.resize(picture.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.35:
        s = rng.uniform(0.35, 0.9)
        out = cv2.resize(
            cv2.resize(out, None, fx=s, fy=s, interpolation=cv2.INTER_AREA),
            (SIDE, SIDE),
            interpolation=cv2.INTER_CUBIC,
        )
    bytes_ = np.clip(out, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        bytes_ = cv2.imdecode(cv2.imencode(".jpg", bytes_, [1, int(rng.integers(30, 95))])[1], 1)
    return bytes_
