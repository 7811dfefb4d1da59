"""Real hands with a digit more or less: fan warps and pastes on labelled crops, split by repository.

The crops (``../shared/hands``, ``LABELS.tsv``) belong to others and stay where they lie. `TEST` names the
repositories on which the net is measured.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from training.hands.draw import SIDE, Truth

FOLDER = Path(__file__).parents[3] / "shared" / "hands"
TEST = frozenset({"echomimic_v2", "PAL4VST", "Index-anisora", "see-through"})
CANON = 192
"""Side of an upright crop in px."""
OUTSIDE = (255, 0, 255)
"""The colour with which the crops are filled beyond their picture."""

_MOSTLY_HAND = 0.75
"""A crop that is hand for more than this share is no ground."""


@dataclass
class Sample:
    """An upright crop (CANON, CANON, 3) RGB with landmarks (21, 2) in its px (None where nothing was found)."""

    name: str
    label: str
    repository: str
    picture: str
    pixels: np.ndarray
    points: np.ndarray | None


def load(folder: Path = FOLDER) -> list[Sample]:
    """All labelled crops, upright; needs the detector (mediapipe)."""
    from stillwake.perceive import hands

    found = []
    for line in (folder / "LABELS.tsv").read_text().splitlines()[1:]:
        name, label, repository, picture = line.split("\t")[:4]
        pixels = cv2.imread(str(folder / name))[..., ::-1].copy()
        outside = (np.abs(pixels.astype(int) - OUTSIDE).max(2) < 60).astype(np.uint8)
        if outside.mean() > 0.01:
            pixels = cv2.inpaint(pixels, cv2.dilate(outside, np.ones((5, 5), np.uint8)), 3, cv2.INPAINT_TELEA)
        places = hands._detect(pixels, 0, 0)
        if not places:
            wide = cv2.copyMakeBorder(pixels, 64, 64, 64, 64, cv2.BORDER_REPLICATE)
            places = hands._detect(wide, -64, -64)
        if places:
            # the crop was cut around one hand: take the one in its middle
            points = min(places, key=lambda one: float(np.hypot(*(one[0].mean(0) - 128))))[0]
            crop = hands.upright(points)
            matrix = crop.matrix(CANON)
            upright = cv2.warpAffine(
                pixels, matrix, (CANON, CANON), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT
            )
            found.append(Sample(name, label, repository, picture, upright, points @ matrix[:, :2].T + matrix[:, 2]))
        else:
            found.append(
                Sample(
                    name,
                    label,
                    repository,
                    picture,
                    cv2.resize(pixels, (CANON, CANON), interpolation=cv2.INTER_AREA),
                    None,
                )
            )
    return found


def save(samples: list[Sample], path: Path) -> None:
    """Keep them for a machine without the detector."""
    path.parent.mkdir(parents=True, exist_ok=True)
    none = np.full((21, 2), np.nan, np.float32)
    np.savez_compressed(
        path,
        words=np.array([(s.name, s.label, s.repository, s.picture) for s in samples]),
        pixels=np.stack([s.pixels for s in samples]),
        points=np.stack([none if s.points is None else s.points for s in samples]).astype(np.float32),
    )


def restore(path: Path) -> list[Sample]:
    """What `save` kept."""
    kept = np.load(path)
    return [
        Sample(*(str(w) for w in words), pixels, None if np.isnan(points).any() else points)
        for words, pixels, points in zip(kept["words"], kept["pixels"], kept["points"], strict=True)
    ]


def grounds(samples: list[Sample]) -> list[np.ndarray]:
    """What lies around the hands of the crops, (CANON, CANON, 3) each, the hands painted over from their border.

    Crops with no hand or with two give none: before the first a drawn hand would teach that an ear is one.
    """
    found = []
    for sample in samples:
        if sample.points is None or sample.label not in ("clean_five", "clean_holding"):
            continue
        hand = np.zeros((CANON, CANON), np.uint8)
        cv2.fillConvexPoly(hand, cv2.convexHull(sample.points.astype(np.int32)), 1)
        hand = cv2.dilate(hand, np.ones((25, 25), np.uint8))
        if hand.mean() < _MOSTLY_HAND:
            found.append(cv2.inpaint(sample.pixels, hand, 5, cv2.INPAINT_TELEA))
    return found


def straight(points: np.ndarray) -> np.ndarray:
    """Which digits, (5,) bool, the landmarks draw straight and as long as they should be."""
    which, palm = [], float(np.linalg.norm(points[9] - points[0]))
    for root in (1, 5, 9, 13, 17):
        bones = np.diff(points[root : root + 4], axis=0)
        reach = float(np.linalg.norm(points[root + 3] - points[root]))
        which.append(reach > 0.9 * float(np.linalg.norm(bones, axis=1).sum()) and reach > 0.4 * palm)
    return np.array(which)


@dataclass
class Fan:
    """A hand in polar form about a pivot behind its knuckles; angles in rad, 0 up and clockwise, radii in px.

    ``centre`` (5, R) the middle line of each digit at each radius, ``side`` (5, R, 2) where its sector ends towards
    smaller and larger angles, ``tip`` (5,) the radius of the tips, ``sound`` (5,) whether the digit lies along the
    radius and the picture shows a line or a gap on both of its sides, ``shown`` how many digits lie along the radius
    beside each other, ``length`` of a finger, ``skin`` (4,) its Lab colour and spread, ``order`` of the digits by
    angle.
    """

    pivot: np.ndarray
    centre: np.ndarray
    side: np.ndarray
    tip: np.ndarray
    sound: np.ndarray
    shown: int
    length: float
    skin: np.ndarray
    order: list[int]


_STEPS = 17
_APART = 1.3
"""A line between two digits differs from their skin this many times as much as the skin does from itself."""

SHOWN = 4
"""So many digits must lie beside each other, along the radius, before one more or less changes what is counted."""
_LEARNT = 3
"""The same in training, where a sixth digit may stand beside folded ones; the count is then not taught."""
_SLIM = 0.1
"""Finger lengths between the middle lines of two neighbours; less, and they lie over each other."""
_BENT = 0.3
"""rad; a digit that leaves its radius by more than this is not doubled or taken."""
_THUMB = 0.93
"""So much of a thumb's length must lie along the radius: one that stands across it would come off the hand."""
_FREE = 0.5
"""Share of a pasted finger that must lie off the hand: skin on skin is no finger."""
_fans: dict[str, Fan | None] = {}


def _line(points: np.ndarray, digit: int, pivot: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, float, bool]:
    """The digit's angle at each radius, the radius of its tip, whether it runs outward all the way."""
    joints = points[1 + 4 * digit + (digit == 0) : 5 + 4 * digit]
    last = joints[-1] + 0.35 * (joints[-1] - joints[-2])
    dense = np.concatenate(
        [a + np.linspace(0, 1, 8)[:, None] * (b - a) for a, b in itertools.pairwise([*joints, last])]
    )
    away = dense - pivot
    r, angle = np.hypot(*away.T), np.arctan2(away[:, 0], -away[:, 1])
    along = _THUMB if digit == 0 else 0.8
    outward = float(r[-1] - r[0]) > along * float(np.hypot(*(dense[-1] - dense[0]))) and bool(
        (np.diff(r) > -0.2).all()
    )
    rising = np.maximum.accumulate(r) + np.arange(len(r)) * 1e-4
    return np.interp(radii, rising, angle), float(r[-1]), outward


def _seam(
    far: np.ndarray, radii: np.ndarray, one: np.ndarray, two: np.ndarray, low: int, high: int
) -> tuple[np.ndarray, float]:
    """The line between two digits along which the picture differs most from their skin, (R,) and by how much."""
    share = np.linspace(0.2, 0.8, _STEPS)
    angle = one[:, None] + share * (two - one)[:, None]
    column = (angle + np.pi) / (2 * np.pi) * (far.shape[1] - 1)
    cost = far[np.arange(len(radii))[:, None], np.clip(np.rint(column), 0, far.shape[1] - 1).astype(int)]
    best, came = cost[low].copy(), []
    for k in range(low + 1, high):
        near = np.stack([np.r_[-1e9, best[:-1]] - 0.3, best, np.r_[best[1:], -1e9] - 0.3])
        came.append(near.argmax(0))
        best = near.max(0) + cost[k]
    at = [int(best.argmax())]
    for step in came[::-1]:
        at.append(at[-1] + int(step[at[-1]]) - 1)
    way = np.array(at[::-1], float)
    seen = float(np.median(cost[np.arange(low, high), np.array(at[::-1])]))
    way = cv2.GaussianBlur(way[:, None], (1, 9), 0)[:, 0] if len(way) > 8 else way
    place = np.interp(np.arange(len(radii)), np.arange(low, high), share[0] + way * (share[1] - share[0]))
    return one + place * (two - one), seen


def fan_of(pixels: np.ndarray, points: np.ndarray) -> Fan | None:
    """The hand in polar form; None where its fingers do not run side by side."""
    roots, tips = points[[5, 9, 13, 17]], points[[8, 12, 16, 20]]
    lengths = np.linalg.norm(tips - roots, axis=1)
    length = float(np.median(lengths))
    ahead = (tips - roots).mean(0)
    if length < 24 or np.hypot(*ahead) < 0.75 * length:
        return None
    ahead = ahead / np.hypot(*ahead)
    pivot = roots.mean(0) - 0.85 * length * ahead
    radii = np.arange(0, 1.5 * len(pixels))
    lines = [_line(points, k, pivot, radii) for k in range(5)]
    centre = np.stack([one[0] for one in lines])
    if float(np.abs(centre).max()) > 2.2:
        return None
    tip = np.array([one[1] for one in lines])
    start = int(1.25 * length)
    bend = np.array([float(np.ptp(c[start : max(start + 1, int(t))])) for c, t in zip(centre, tip, strict=True)])
    order = [int(k) for k in np.argsort(centre[:, start])]
    # the picture in polar form: how far each place is from the skin along the middle lines of the digits
    columns = 720
    grid = np.linspace(-np.pi, np.pi, columns)
    x = pivot[0] + radii[:, None] * np.sin(grid)
    y = pivot[1] - radii[:, None] * np.cos(grid)
    lab = cv2.cvtColor(cv2.GaussianBlur(pixels, (0, 0), 0.8), cv2.COLOR_RGB2LAB).astype(np.float32)
    polar = cv2.remap(lab, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    skin = []
    for k in range(5):
        rows = np.arange(start, max(start + 4, int(tip[k] - 0.1 * length)))
        skin.append(polar[rows, np.rint((centre[k, rows] + np.pi) / (2 * np.pi) * (columns - 1)).astype(int)])
    tones = np.concatenate(skin)
    tone = np.median(tones, 0)
    spread = float(np.median(np.linalg.norm(tones - tone, axis=1)))
    side = np.zeros((5, len(radii), 2))
    sound = np.array([one[2] for one in lines]) & (bend < _BENT)
    shown = sound & straight(points)
    reach = 0.2 * length / np.maximum(radii, 0.5 * length)
    for place, k in enumerate(order):
        cap = reach * (1.25 if k == 0 else 1)
        if place == 0:
            side[k, :, 0] = centre[k] - cap
        if place == 4:
            side[k, :, 1] = centre[k] + cap
            continue
        other = order[place + 1]
        low, high = start, int(max(start + 6, min(tip[k], tip[other]) - 0.12 * length))
        gap = (centre[other] - centre[k])[low:high]
        own = np.concatenate([skin[k], skin[other]])
        middle = np.median(own, 0)
        own_far = np.linalg.norm(own - middle, axis=1)
        far = np.linalg.norm(polar - middle, axis=2) / (float(np.median(own_far)) + 3)
        far = np.minimum(far, 6)
        line, seen = _seam(far, radii, centre[k], centre[other], low, high)
        apart = float(gap.min()) * float(radii[low]) > _SLIM * length
        shown[k] &= apart
        shown[other] &= apart
        apart &= seen > _APART
        sound[k] &= apart
        sound[other] &= apart
        side[k, :, 1] = np.minimum(line, centre[k] + cap)
        side[other, :, 0] = np.maximum(line, centre[other] - reach * (1.25 if other == 0 else 1))
    return Fan(pivot, centre, side, tip, sound, int(shown.sum()), length, np.array([*tone, spread]), order)


def warp(
    pixels: np.ndarray, fan: Fan, pieces: list[tuple[np.ndarray, np.ndarray, float]], near: float, far: float
) -> np.ndarray:
    """Lay out the hand anew: sectors (from, to, stretch) side by side about the pivot, faded in from near to far.

    What lies outside the pieces is squeezed or stretched, and nothing moves at the back of the hand's fan.
    """
    side, radii = len(pixels), np.arange(fan.centre.shape[1])
    back = 2.5
    grid = np.linspace(-np.pi, np.pi, 721).astype(np.float32)
    total = sum((b - a) * stretch for a, b, stretch in pieces)
    middle = (pieces[0][0] + pieces[-1][1]) / 2
    place = middle - total / 2
    out = [np.full(len(radii), -np.pi), np.full(len(radii), -back)]
    into = [*out]
    joints = []
    for k, (a, b, stretch) in enumerate(pieces):
        if k and float(np.abs(a - pieces[k - 1][1]).max()) > 1e-6:
            joints.append(place)
        out += [place + 1e-5, place + (b - a) * stretch - 1e-5]
        into += [a, b]
        place = place + (b - a) * stretch
    out += [np.full(len(radii), back), np.full(len(radii), np.pi)]
    into += [*out[-2:]]
    knots, values = np.maximum.accumulate(np.array(out), 0), np.array(into)
    table = np.stack([np.interp(grid, knots[:, k], values[:, k]) for k in range(len(radii))]).astype(np.float32)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    dx, dy = x - np.float32(fan.pivot[0]), y - np.float32(fan.pivot[1])
    r, a = np.hypot(dx, dy), np.arctan2(dx, -dy)
    # nearest in the angle: a joint must not be interpolated across
    source = table[
        np.clip(np.rint(r), 0, len(radii) - 1).astype(int), np.rint((a + np.pi) / (2 * np.pi) * 720).astype(int)
    ]
    cell = grid[np.rint((a + np.pi) / (2 * np.pi) * 720).astype(int)]
    fade = np.clip((r - near) / (far - near), 0, 1)
    s = a + (source + (a - cell) - a) * fade * fade * (3 - 2 * fade)
    done = cv2.remap(
        pixels,
        (fan.pivot[0] + r * np.sin(s)).astype(np.float32),
        (fan.pivot[1] - r * np.cos(s)).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    if joints:
        soft = cv2.GaussianBlur(done, (0, 0), 1.1)
        row = np.clip(np.rint(r), 0, len(radii) - 1).astype(int)
        close = np.min([np.abs(a - joint[row]) * r for joint in joints], axis=0)
        mask = np.clip(2.2 - close, 0, 1)[..., None] * np.clip((r - near) / 4, 0, 1)[..., None]
        done = np.clip(done * (1 - mask) + soft * mask, 0, 255).astype(np.uint8)
    return done


def choices(fan: Fan, what: str, side: int) -> list[int]:
    """The digits that can be doubled or taken so that it shows: apart, long enough beyond the fade, in the picture."""
    found = []
    for k in range(5):
        r = np.array([fan.tip[k]])
        at = fan.centre[k][min(int(fan.tip[k]), fan.centre.shape[1] - 1)]
        x, y = fan.pivot[0] + r * np.sin(at), fan.pivot[1] - r * np.cos(at)
        inside = 3 < x[0] < side - 4 and 3 < y[0] < side - 4
        long = fan.tip[k] > (1.5 if k == 0 else 1.6) * fan.length
        if fan.sound[k] and inside and long and not (what == "paste" and k == 0):
            found.append(k)
    return found


def inject(rng: np.random.Generator, sample: Sample, what: str, least: int = SHOWN) -> np.ndarray | None:
    """The crop with a digit more ("extra", "paste", "beside"), a digit less ("missing"), or a placebo.

    The placebos are "widen" and "shift" (one digit) and "swap": one digit doubled and another one taken, with every
    trace of the warp and five digits. None where the hand does not show its digits apart, or fewer than ``least``.
    """
    assert sample.points is not None  # the caller chose
    if sample.name not in _fans:
        _fans[sample.name] = fan_of(sample.pixels, sample.points)
    fan = _fans[sample.name]
    if fan is None:
        return None
    if what not in ("widen", "shift") and fan.shown < least:
        return None
    free = choices(fan, what, len(sample.pixels))
    if len(free) < (2 if what in ("swap", "missing", "extra") else 1):
        return None
    near = fan.length * rng.uniform(0.75, 0.95)
    far = fan.length * rng.uniform(1.1, 1.3)
    if what == "missing" and len(free) > 1:
        free = [k for k in free if k != 0 or rng.random() < 0.3]
    k = int(free[rng.integers(len(free))])
    far = max(near + 4, min(far, float(fan.tip[k]) - 0.5 * fan.length))
    low, high = fan.side[k, :, 0], fan.side[k, :, 1]
    if what in ("paste", "beside"):
        return paste(rng, sample.pixels, fan, k, beside=what == "beside")
    if what == "extra":
        pieces = [(low, high, 1.0), (low, high, float(rng.uniform(0.85, 1.0)))]
        if rng.random() < 0.5:
            pieces = pieces[::-1]
    elif what == "missing":
        around = 0.02
        pieces = [(low - around, low, 1.0), (high, high + around, 1.0)]
    elif what == "widen":
        pieces = [(low, high, float(rng.uniform(1.15, 1.45)))]
    elif what == "shift":
        edge, more = 0.3 * (high - low), float(rng.choice([-1, 1]) * rng.uniform(0.4, 0.8))
        pieces = [(low - edge, low, 1 + more), (low, high, 1.0), (high, high + edge, 1 - more)]
    elif what == "swap":
        other = int(rng.choice([j for j in free if j != k]))
        pieces, at = [], None
        for j in sorted((k, other), key=fan.order.index):
            a, b = fan.side[j, :, 0], fan.side[j, :, 1]
            pieces.append((a - 0.02 if at is None else at, a, 1.0))
            pieces += [(a, b, 1.0)] * (2 if j == k else 0)
            at = b
        pieces.append((at, at + 0.02, 1.0))
    else:
        raise ValueError(what)
    wide = max(float(np.abs(p[0]).max()) for p in pieces) + float((high - low)[int(fan.length) :].max())
    if wide > 2.4 or any(float((b - a).min()) < -1e-6 for a, b, _ in pieces):
        return None
    return warp(sample.pixels, fan, pieces, near, far)


def paste(rng: np.random.Generator, pixels: np.ndarray, fan: Fan, k: int, *, beside: bool) -> np.ndarray | None:
    """A finger turned about the pivot into the gap between thumb and index, or beside the little finger.

    None where it would lie on another finger or outside the picture.
    """
    side = len(pixels)
    radii = np.arange(fan.centre.shape[1])
    low, high = fan.side[k, :, 0], fan.side[k, :, 1]
    width = high - low
    start, end = int(1.1 * fan.length), int(fan.tip[k])
    scale = float(rng.uniform(0.8, 0.95))
    if beside:
        last = 4
        way = float(np.sign(fan.centre[4, start] - fan.centre[1, start]))
        goal = fan.centre[last] + way * (width * 0.8 + 0.03 + rng.uniform(0, 0.12))
    else:
        gap = np.abs(fan.centre[1] - fan.centre[0])
        if float((gap - width)[start:end].min()) < 0.3 * float(width[start:end].mean()):
            return None
        goal = (fan.centre[0] + fan.centre[1]) / 2
    rows = slice(int(1.2 * fan.length), max(int(1.2 * fan.length) + 2, end))
    by = float(np.median((goal - (low + high) / 2)[rows])) + rng.normal(0, 0.03)
    if abs(by) < 0.25:
        return None
    r = scale * fan.tip[k]
    at = fan.centre[k][end] + by
    x, y = fan.pivot[0] + r * np.sin(at), fan.pivot[1] - r * np.cos(at)
    if not (2 < x < side - 3 and 2 < y < side - 3):
        return None
    rows = np.arange(1.2 * fan.length, fan.tip[k])
    angle = fan.centre[k][rows.astype(int)] + by
    under = cv2.remap(
        cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.float32),
        (fan.pivot[0] + scale * rows * np.sin(angle)).astype(np.float32)[None],
        (fan.pivot[1] - scale * rows * np.cos(angle)).astype(np.float32)[None],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )[0]
    off = np.linalg.norm(under - fan.skin[:3], axis=1) > 2 * (fan.skin[3] + 3)
    if not len(off) or float(off.mean()) < _FREE:
        return None
    turned = cv2.getRotationMatrix2D((float(fan.pivot[0]), float(fan.pivot[1])), -np.degrees(by), scale)
    moved = cv2.warpAffine(pixels, turned, (side, side), borderMode=cv2.BORDER_REFLECT)
    yy, xx = np.mgrid[0:side, 0:side].astype(np.float32)
    dx, dy = xx - fan.pivot[0], yy - fan.pivot[1]
    radius, angle = np.hypot(dx, dy) / scale, np.arctan2(dx, -dy) - by
    row = np.clip(np.rint(radius), 0, len(radii) - 1).astype(int)
    inside = (angle > low[row]) & (angle < high[row]) & (radius > 0.8 * fan.length) & (radius < fan.tip[k] + 4)
    mask = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.6)[..., None]
    return np.clip(pixels * (1 - mask) + moved * mask, 0, 255).astype(np.uint8)


SHARES = {
    "plain": 0.22, "extra": 0.24, "paste": 0.07, "beside": 0.06, "missing": 0.17, "swap": 0.12, "widen": 0.06,
    "shift": 0.06,
}  # fmt: skip
"""What is done to a clean hand in training."""


def variant(rng: np.random.Generator, samples: list[Sample]) -> tuple[np.ndarray, Truth]:
    """One training picture (SIDE, SIDE, 3) out of the real crops, and what is true of it."""
    clean = [s for s in samples if s.label == "clean_five" and s.points is not None]
    other = [s for s in samples if s.label in ("clean_holding", "two_hands")]
    nothing = [s for s in samples if s.label == "not_hand"]
    dice = rng.random()
    if dice < 0.25:
        sample = nothing[rng.integers(len(nothing))]
        return part(rng, sample.pixels, rng.uniform(0.6, 1), free=True), Truth(0.0, None, None, None, None)
    if dice < 0.35:
        # patches of the same pictures that no landmark lies in
        sample = samples[rng.integers(len(samples))]
        if sample.points is not None:
            for _ in range(8):
                size = int(CANON * rng.uniform(0.25, 0.45))
                x, y = rng.integers(0, CANON - size, 2)
                inside = ((sample.points > (x - 8, y - 8)) & (sample.points < (x + size + 8, y + size + 8))).all(1)
                if not inside.any():
                    return part(rng, sample.pixels[y : y + size, x : x + size], 1.0, free=True), Truth(
                        0.0, None, None, None, None
                    )
    if dice < 0.45:
        sample = other[rng.integers(len(other))]
        single = sample.label == "clean_holding" and sample.points is not None
        bent = int(straight(sample.points).sum()) if sample.points is not None else None
        return part(rng, sample.pixels, rng.uniform(0.85, 1), free=sample.points is None), Truth(
            1.0, None, 0.0 if single else None, None, bent
        )
    while True:
        sample = clean[rng.integers(len(clean))]
        apart = int(straight(sample.points).sum())
        what = str(rng.choice(list(SHARES), p=list(SHARES.values())))
        pixels = sample.pixels if what == "plain" else inject(rng, sample, what, _LEARNT)
        if pixels is None:
            continue
        if what == "plain" and rng.random() < 0.2:
            # the border of the picture runs through the hand
            return part(rng, cut(rng, pixels), rng.uniform(0.88, 1.0), free=False), Truth(1.0, None, None, None, None)
        n = {"extra": 6, "paste": 6, "beside": 6, "missing": 4}.get(what, 5)
        fan = _fans.get(sample.name)
        sure = n == 5 or (fan is not None and fan.shown >= SHOWN)
        straight_now = int(np.clip(apart + (n - 5), 0, 7))
        truth = Truth(1.0, n if sure else None, float(n > 5), float(n < 5) if sure else None, straight_now)
        return part(rng, pixels, rng.uniform(0.88, 1.0), free=False), truth


def cut(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """The crop as it is cut out of a picture that ends within it: the last line goes on."""
    side = len(pixels)
    edge = int(side * rng.uniform(0.15, 0.4))
    turns = int(rng.integers(4))
    out = np.rot90(pixels, turns).copy()
    out[:edge] = out[edge]
    return np.ascontiguousarray(np.rot90(out, -turns))


def part(rng: np.random.Generator, pixels: np.ndarray, share: float, *, free: bool) -> np.ndarray:
    """A turned and moved part of the crop, SIDE px wide, with a colour of its own."""
    side = len(pixels)
    turned = cv2.getRotationMatrix2D(
        (side / 2, side / 2), rng.uniform(-180, 180) if free else rng.normal(0, 8), SIDE / side / share
    )
    turned[:, 2] += SIDE / 2 - side / 2 + rng.normal(0, 2.5, 2)
    out = cv2.warpAffine(pixels, turned, (SIDE, SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    if rng.random() < 0.35:
        hsv = cv2.cvtColor(out, cv2.COLOR_RGB2HSV).astype(np.float32)
        hsv += [rng.normal(0, 7), 0, 0]
        hsv *= [1, rng.uniform(0.5, 1.3), rng.uniform(0.7, 1.2)]
        out = cv2.cvtColor(np.clip(hsv, 0, [179, 255, 255]).astype(np.uint8), cv2.COLOR_HSV2RGB)
    if rng.random() < 0.15:
        # flatter and lined, towards a drawing
        flat = cv2.bilateralFilter(out, 7, 45, 6)
        grey = cv2.cvtColor(flat, cv2.COLOR_RGB2GRAY)
        lines = (
            cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 9, 4)[..., None] / 255.0
        )
        out = (flat * (0.35 + 0.65 * cv2.GaussianBlur(lines, (0, 0), 0.6)[..., None])).astype(np.uint8)
    if rng.random() < 0.3:
        out = cv2.imdecode(cv2.imencode(".jpg", out, [1, int(rng.integers(30, 95))])[1], 1)
    return out
