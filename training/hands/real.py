"""Real hands with a digit more or less: fan warps and pastes on labelled crops, split by repository.

The crops (``../shared/hands``, ``LABELS.tsv``) belong to others and stay where they lie. `TEST` names the
repositories that are never trained on.
"""

from __future__ import annotations

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
            places = [(points, score) for points, score in hands._detect(wide, -64, -64)]
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


def angles(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Pivot in the palm, the angle of each digit about it (0 up, clockwise), and the palm's length in px."""
    pivot = 0.55 * points[0] + 0.45 * points[9]
    palm = float(np.linalg.norm(points[9] - points[0]))
    middles = np.array([(points[k] + points[k + 2]) / 2 for k in (2, 6, 10, 14, 18)])
    d = middles - pivot
    return pivot, np.arctan2(d[:, 0], -d[:, 1]), palm


def straight(points: np.ndarray) -> np.ndarray:
    """Which digits, (5,) bool, the landmarks draw straight and as long as they should be."""
    which, palm = [], float(np.linalg.norm(points[9] - points[0]))
    for root in (1, 5, 9, 13, 17):
        bones = np.diff(points[root : root + 4], axis=0)
        reach = float(np.linalg.norm(points[root + 3] - points[root]))
        which.append(reach > 0.9 * float(np.linalg.norm(bones, axis=1).sum()) and reach > 0.4 * palm)
    return np.array(which)


def fan(pixels: np.ndarray, pivot: np.ndarray, turned, near: float, far: float) -> np.ndarray:
    """Turn the picture about the pivot by ``turned`` (angle out -> angle in), fading in between two radii."""
    side = len(pixels)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    dx, dy = x - pivot[0], y - pivot[1]
    r, a = np.hypot(dx, dy), np.arctan2(dx, -dy)
    fade = np.clip((r - near) / (far - near), 0, 1)
    s = a + (turned(a) - a) * fade * fade * (3 - 2 * fade)
    return cv2.remap(
        pixels,
        (pivot[0] + r * np.sin(s)).astype(np.float32),
        (pivot[1] - r * np.cos(s)).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )


def sectors(at: np.ndarray) -> list[tuple[float, float, int]]:
    """The angular sector of each finger that stands free enough of its neighbours: (from, to, finger)."""
    order = np.argsort(at)
    found = []
    for place, k in enumerate(order):
        before = at[k] - at[order[place - 1]] if place else 0.42
        after = at[order[place + 1]] - at[k] if place < 4 else 0.42
        if min(before, after) > 0.1:
            found.append((at[k] - min(before, 0.5) / 2, at[k] + min(after, 0.5) / 2, int(k)))
    return found


def inject(rng: np.random.Generator, sample: Sample, what: str) -> np.ndarray | None:
    """The crop with a digit more ("extra", "paste"), a digit less ("missing"), or a placebo ("widen", "shift").

    None where the hand does not show its digits apart.
    """
    assert sample.points is not None  # the caller chose
    pivot, at, palm = angles(sample.points)
    pivot = pivot + rng.normal(0, 0.03 * palm, 2)
    free = sectors(at)
    if what in ("extra", "missing", "paste"):
        # a bent finger repeated is no sixth finger
        apart = straight(sample.points)
        free = [s for s in free if apart[s[2]]] if apart.sum() >= 2 else []
    if not free:
        return None
    if what == "missing" and len(free) > 1:
        free = [s for s in free if s[2] != 0 or rng.random() < 0.3]
    low, high, finger = free[rng.integers(len(free))]
    low, high = low + rng.normal(0, 0.03), high + rng.normal(0, 0.03)
    width, limit = high - low, rng.uniform(2.3, 3.0)
    if width < 0.1 or max(abs(low), abs(high)) + width > limit:
        return None
    near, far = palm * rng.uniform(0.25, 0.5), palm * rng.uniform(0.75, 1.05)
    half = width / 2
    if what == "extra":
        out, back = (
            [-limit, low - half, high - half - 1e-4, high - half, high + half, limit],
            [-limit, low, high, low, high, limit],
        )
    elif what == "missing":
        middle = (low + high) / 2
        out, back = [-limit, middle - 1e-4, middle, limit], [-limit, low, high, limit]
    elif what == "widen":
        more = half * rng.uniform(0.15, 0.5)
        out, back = [-limit, low - more, high + more, limit], [-limit, low, high, limit]
    elif what == "shift":
        by = rng.choice([-1, 1]) * half * rng.uniform(0.5, 1)
        out, back = [-limit, low + by, high + by, limit], [-limit, low, high, limit]
    else:
        return paste(rng, sample, pivot, at, palm, (low, high, finger))
    return fan(sample.pixels, pivot, lambda a: np.interp(a, out, back), near, far)


def paste(
    rng: np.random.Generator,
    sample: Sample,
    pivot: np.ndarray,
    at: np.ndarray,
    palm: float,
    sector: tuple[float, float, int],
    *,
    placebo: bool = False,
) -> np.ndarray | None:
    """A finger's sector, turned about the palm into the gap between thumb and index (or the gap onto itself)."""
    gap = (at[0] + at[1]) / 2
    low, high, _ = sector
    if abs(at[0] - at[1]) < 0.5 or abs(gap - (low + high) / 2) < 0.3:
        return None
    by = 0.0 if placebo else gap - (low + high) / 2 + rng.normal(0, 0.04)
    side = len(sample.pixels)
    turned = cv2.getRotationMatrix2D(
        (float(pivot[0]), float(pivot[1])), -np.degrees(by), rng.uniform(0.85, 1.0) if not placebo else 1.0
    )
    moved = cv2.warpAffine(sample.pixels, turned, (side, side), borderMode=cv2.BORDER_REFLECT)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    a, r = np.arctan2(x - pivot[0], -(y - pivot[1])), np.hypot(x - pivot[0], y - pivot[1])
    middle = gap if placebo else (low + high) / 2 + by
    mask = ((np.abs(a - middle) < (high - low) / 2) & (r > palm * 0.45)).astype(np.float32)
    mask = cv2.GaussianBlur(mask, (0, 0), palm * 0.035)[..., None]
    return np.clip(sample.pixels * (1 - mask) + moved * mask, 0, 255).astype(np.uint8)


def variant(rng: np.random.Generator, samples: list[Sample]) -> tuple[np.ndarray, Truth]:
    """One training picture (SIDE, SIDE, 3) out of the real crops, and what is true of it."""
    clean = [s for s in samples if s.label == "clean_five" and s.points is not None]
    other = [s for s in samples if s.label in ("clean_holding", "two_hands")]
    nothing = [s for s in samples if s.label == "not_hand"]
    dice = rng.random()
    if dice < 0.12:
        sample = nothing[rng.integers(len(nothing))]
        return part(rng, sample.pixels, rng.uniform(0.6, 1), free=True), Truth(0.0, None, None, None, None)
    if dice < 0.17:
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
    if dice < 0.27:
        sample = other[rng.integers(len(other))]
        single = sample.label == "clean_holding" and sample.points is not None
        bent = int(straight(sample.points).sum()) if sample.points is not None else None
        return part(rng, sample.pixels, rng.uniform(0.85, 1), free=sample.points is None), Truth(
            1.0, None, 0.0 if single else None, None, bent
        )
    while True:
        sample = clean[rng.integers(len(clean))]
        apart = int(straight(sample.points).sum())
        what = str(
            rng.choice(
                ["plain", "extra", "paste", "missing", "widen", "shift"], p=[0.24, 0.27, 0.09, 0.14, 0.13, 0.13]
            )
        )
        pixels = sample.pixels if what == "plain" else inject(rng, sample, what)
        if pixels is None:
            continue
        n = {"extra": 6, "paste": 6, "missing": 4}.get(what, 5)
        truth = Truth(1.0, n, float(n > 5), float(n < 5), int(np.clip(apart + (n - 5), 0, 7)))
        return part(rng, pixels, rng.uniform(0.88, 1.0), free=False), truth


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
