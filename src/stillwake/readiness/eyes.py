"""The two eyes of a face held against each other: the colours of their irises, and whether both are in view."""

from __future__ import annotations

import numpy as np

from stillwake.readiness.signals import Plane, ciede2000, lab_of, luma
from stillwake.types import Eye, Floats, Pixels

SMALLEST_IRIS = 4.5
"""px of radius; irises of 4.7 and 5.3 px still told 10 Lab from none, smaller ones were not at hand."""

_TALL = 1.5
"""Height of an iris over its width, at most: drawn ones are tall, and what is too much lies beyond the lids."""
_INSIDE = 0.9
"""Share of the iris's ellipse that is looked at: its rim is outline, lash and shadow."""
_WHITE = (72.0, 14.0)
"""L from which, and chroma up to which, a pixel is the white of the eye or a light, not the iris."""
_LIGHTS = 0.9
"""Quantile of lightness above which an iris shows reflections."""
_FEWEST = 20
_MOST = 4000
"""px of one iris that are looked at, at most; more tell no more."""
_ROUNDS = 8

_Part = tuple[Floats, Floats]
"""An iris's Lab (N, 3) and heights (N,)."""


def _around(eye: Eye, pixels: Pixels) -> tuple[int, int, int, int]:
    """The window (left, top, right, bottom) in px of the lids and the iris, inside the picture."""
    x, y, radius = eye.iris or (*eye.upper_lid.mean(0), 0.0)
    points = np.concatenate([eye.upper_lid, eye.lower_lid, [(x - radius, y - radius), (x + radius, y + radius)]])
    height, width = pixels.shape[:2]
    left, top = (max(0, int(v) - 2) for v in points.min(0))
    right, bottom = (min(n, int(v) + 3) for v, n in zip(points.max(0), (width, height), strict=True))
    return left, top, right, bottom


def _iris(pixels: Pixels, eye: Eye) -> _Part | None:
    """Lab (N, 3) of an iris's pixels and how far down each lies in it (N,), 0..1; None where too little is seen."""
    import cv2

    if eye.iris is None or eye.iris[2] < SMALLEST_IRIS:
        return None
    x, y, radius = eye.iris
    left, top, right, bottom = _around(eye, pixels)
    if right - left < 4 or bottom - top < 4:
        return None
    opening = np.zeros((bottom - top, right - left), np.uint8)
    ring = np.concatenate([eye.upper_lid, eye.lower_lid[::-1]]) - (left, top)
    cv2.fillPoly(opening, [np.round(ring).astype(np.int32)], 1)
    opening = cv2.erode(opening, np.ones((2 * max(1, int(0.12 * radius)) + 1,) * 2, np.uint8))
    yy, xx = np.mgrid[top:bottom, left:right]
    inside = (opening > 0) & (np.hypot((xx - x) / radius, (yy - y) / (_TALL * radius)) < _INSIDE)
    lab = lab_of(pixels[top:bottom, left:right])
    inside &= ~((lab[..., 0] > _WHITE[0]) & (np.hypot(lab[..., 1], lab[..., 2]) < _WHITE[1]))
    rows = np.nonzero(inside)[0]
    if len(rows) < _FEWEST:
        return None
    first, last = np.quantile(rows, (0.02, 0.98))
    down = ((rows - first) / max(1.0, float(last - first))).astype(np.float32)
    colours = lab[inside]
    unlit = colours[:, 0] <= np.quantile(colours[:, 0], _LIGHTS)
    step = 1 + len(colours) // _MOST
    return colours[unlit][::step], down[unlit][::step]


def iris_difference(pixels: Pixels, eyes: tuple[Eye, Eye]) -> float | None:
    """CIEDE2000 between the irises at the same lightness and the same height in them; None where one is not seen.

    Irises run from dark to light and, when drawn, from one colour at the top to another below; shade and lids hide
    different parts of the two. So the colour is not averaged: a and b of all pixels are explained by lightness, by
    height (to its square) and by which eye they belong to, and what belongs to the eye counts (analysis of
    covariance; outliers lose their weight, Holland and Welsch, 1977). The same once more in equal light, and the
    smaller difference is the answer: one that light explains is none. ``pixels`` (H, W, 3) uint8 RGB.
    """
    left, right = (_iris(pixels, eye) for eye in eyes)
    if left is None or right is None:
        return None
    return min(_between(left, right), _between(*_in_one_light(left, right)))


def _in_one_light(one: _Part, two: _Part) -> tuple[_Part, _Part]:
    """Both irises as if the light on them were the same: their linear RGB times what makes their medians equal."""
    import cv2

    linear = [cv2.cvtColor(colours[None], cv2.COLOR_LAB2LRGB)[0] for colours, _ in (one, two)]
    light = [max(1e-4, float(np.median(rgb @ np.array((0.2126, 0.7152, 0.0722), np.float32)))) for rgb in linear]
    mean = (light[0] * light[1]) ** 0.5
    lit = [np.clip(rgb * np.float32(mean / own), 0, 1) for rgb, own in zip(linear, light, strict=True)]
    first, second = (cv2.cvtColor(rgb[None], cv2.COLOR_LRGB2LAB)[0] for rgb in lit)
    return (first, one[1]), (second, two[1])


def _between(one: _Part, two: _Part) -> float:
    """CIEDE2000 that is left between two irises once lightness and height are accounted for."""
    lab = np.concatenate([one[0], two[0]]).astype(np.float64)
    down = np.concatenate([one[1], two[1]]).astype(np.float64)
    counts = len(one[1]), len(two[1])
    eye = np.repeat((-0.5, 0.5), counts)
    alike = np.repeat([count**-0.5 for count in counts], counts)
    known = np.stack([eye, np.ones(len(eye)), lab[:, 0] / 50, down, down**2], 1)
    weights, between = alike, np.zeros(2)
    for _ in range(_ROUNDS):
        fitted, *_ = np.linalg.lstsq(known * weights[:, None], lab[:, 1:] * weights[:, None], rcond=None)
        away = np.linalg.norm(lab[:, 1:] - known @ fitted, axis=1)
        weights = alike / np.sqrt(1 + (away / (1.5 * (np.median(away) + 1))) ** 2)
        between = fitted[0]
    lightness, *middle = np.median(lab, 0)
    (a1, b1), (a2, b2) = middle + between / 2, middle - between / 2
    return ciede2000((float(lightness), float(a1), float(b1)), (float(lightness), float(a2), float(b2)))


def iris_colour(pixels: Pixels, eye: Eye) -> Floats | None:
    """Median Lab (3,) of the iris's lighter part, by which people name an eye; the rest lies in the lid's shadow.

    None where too little of it is seen.
    """
    found = _iris(pixels, eye)
    if found is None:
        return None
    colours, _ = found
    median: Floats = np.median(colours[colours[:, 0] >= np.quantile(colours[:, 0], 0.6)], 0).astype(np.float32)
    return median


def brightest(pixels: Pixels, eye: Eye) -> float:
    """Lightness L of the brightest tenth between the lids, 0..100: the white of the eye, where it is seen."""
    import cv2

    ring = np.concatenate([eye.upper_lid, eye.lower_lid[::-1]])
    height, width = pixels.shape[:2]
    x0, y0 = (int(np.clip(v, 0, n - 1)) for v, n in zip(ring.min(0), (width, height), strict=True))
    x1, y1 = (int(np.clip(v + 2, 1, n)) for v, n in zip(ring.max(0), (width, height), strict=True))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return 0.0
    opening = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillPoly(opening, [np.round(ring - (x0, y0)).astype(np.int32)], 1)
    lightness = lab_of(pixels[y0:y1, x0:x1])[..., 0][opening > 0]
    return float(np.quantile(lightness, 0.9)) if lightness.size else 0.0


_PATCH = (64, 44)
"""px of an eye's patch: its corners lie at 10 and 54 across, its lids' highest and lowest points at 10 and 34 down."""


def _patch(grey: Plane, eye: Eye, corner: tuple[int, int]) -> Plane:
    """One eye level and at one size, width and height each; ``corner`` (x, y) says where ``grey`` begins."""
    import cv2

    left, right = (eye.upper_lid[i].astype(np.float64) - corner for i in (0, -1))
    along = right - left
    down = np.array([-along[1], along[0]]) / max(1e-6, float(np.linalg.norm(along)))
    heights = (np.concatenate([eye.upper_lid, eye.lower_lid]) - corner - left) @ down
    top, bottom = float(heights.min()), max(float(heights.max()), float(heights.min()) + 1)
    source = np.array([left + top * down, right + top * down, left + bottom * down], np.float32)
    turn = cv2.getAffineTransform(source, np.array([(10, 10), (54, 10), (10, 34)], np.float32))
    patch: Plane = cv2.GaussianBlur(cv2.warpAffine(grey, turn, _PATCH), (0, 0), 1.2)
    return patch


def likeness(pixels: Pixels, eyes: tuple[Eye, Eye]) -> float:
    """Correlation, -1..1, of one eye with the other one: low where something lies over one of them.

    The other eye is mirrored, or, for a look to the side, as it is; the better of the two counts.
    """
    points = np.concatenate([eye.upper_lid for eye in eyes])
    rim = float(np.ptp(points[:, 0]))
    height, width = pixels.shape[:2]
    (x0, y0), (x1, y1) = points.min(0) - rim, points.max(0) + rim
    left, top = max(0, int(x0)), max(0, int(y0))
    part = luma(pixels[top : min(height, int(y1) + 1), left : min(width, int(x1) + 1)])
    if min(part.shape) < 4:
        return 1.0
    one, two = (_patch(part, eye, (left, top)) for eye in eyes)
    return max(_agreement(one, two[:, ::-1]), _agreement(one, two))


def _agreement(one: Plane, two: Plane) -> float:
    """The best correlation of two patches within a few px of each other."""
    best, a = -1.0, one[6:38, 10:54]
    for down in range(-4, 5, 2):
        for along in range(-8, 9, 2):
            b = two[6 + down : 38 + down, 10 + along : 54 + along]
            spread = float(a.std() * b.std())
            if spread > 0:
                best = max(best, float(((a - a.mean()) * (b - b.mean())).mean()) / spread)
    return best
