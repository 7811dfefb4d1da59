"""Hair without a net: grown from the crown by colour, and the patches below it that go on in another hue.

Where hair turns into a dress or a wall, lightness or texture breaks too; where only its hue was changed, lightness
runs on. So a patch of another hue counts by how much of its border with the hair shows no step of lightness. What this
takes for hair: a hat, veil or collar as light as the hair, without an outline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from stillwake.readiness.signals import lab_of
from stillwake.types import Box, Face, Floats, Pixels

Mask = npt.NDArray[np.bool_]

WIDTH = 96
"""px of the face's width at which hair is looked at: strands melt into areas, edges stay."""
_CANVAS = (int(4.4 * WIDTH), int(5.2 * WIDTH))
_ABOVE = 1.9 * WIDTH
"""px of the canvas above the face's middle."""
_PERSON = 0.75
_LEAST_SEED = 150
_TONE = 7.0
"""Lab units in a and b by which strands of one head differ from what their lightness lets expect."""
_FARTHEST = 45.0
_STEP = 3.5
"""L over 6 px across a border up to which lightness runs on."""
_EDGE = 6.0
"""L per px from which an outline or a fold parts two patches."""
_SMALLEST = 0.012
"""Area of a patch in squares of the face's width."""
_LARGEST = 1.5
"""The same at most: tips of long hair reach .8, a coat 3."""
_TIPS = 0.98
"""Share of the hair that hangs above what counts as its end."""
_ONE_HUE = 0.75
"""Length of a patch's mean deviation over the mean length of its deviations: 1 where all point one way."""


@dataclass(frozen=True, slots=True, eq=False)
class Hair:
    """What is seen of the hair.

    ``colour`` its median Lab; ``below`` how far it hangs under the chin in heights of the face, negative above it;
    ``changed`` 0..0.5, how clearly its hue changes on the way down (the share of the border that shows no step, times
    the border's length in widths of the face); ``box`` of the changed part in px, None without one.
    """

    colour: Floats
    below: float
    changed: float
    box: Box | None


@dataclass(frozen=True, slots=True, eq=False)
class _Canvas:
    """The head at one size and upright: Lab, lightness smoothed, and masks of the person and the face, all (H, W)."""

    lab: Floats
    even: Floats
    smooth: Floats
    edges: Floats
    person: Mask
    face: Mask
    top: int
    chin: int
    back: Floats

    @property
    def height(self) -> int:
        """Height of the face in px of the canvas."""
        return self.chin - self.top


def hair_of(pixels: Pixels, face: Face, matte: Floats | None) -> Hair | None:
    """The hair of a face; None without a matte, or where too little of the head shows around the face.

    ``pixels`` (H, W, 3) uint8 RGB, ``matte`` (H, W) 0..1.
    """
    if matte is None:
        return None
    canvas = _drawn(pixels, face, matte)
    found = [one for one in (_grown(canvas, "crown"), _grown(canvas, "sides")) if one is not None]
    if not found:
        return None
    hair, _ = found[0]
    best, box = 0.0, None
    for grown, deviation in found:
        value, patch = _changed(canvas, grown, deviation)
        if value > best:
            best, box = value, _box(canvas, patch)
    lowest = int(np.quantile(np.nonzero(hair)[0], _TIPS))
    colour: Floats = np.median(canvas.lab[hair], 0).astype(np.float32)
    return Hair(colour, (lowest - canvas.chin) / max(1, canvas.height), best, box)


def _drawn(pixels: Pixels, face: Face, matte: Floats) -> _Canvas:
    import cv2

    x0, y0, x1, y1 = face.box
    scale = WIDTH / max(1.0, x1 - x0)
    width, height = _CANVAS
    there = cv2.getRotationMatrix2D(((x0 + x1) / 2, (y0 + y1) / 2), face.roll, scale)
    there[:, 2] += (width / 2 - (x0 + x1) / 2, _ABOVE - (y0 + y1) / 2)
    shown = cv2.GaussianBlur(pixels, (0, 0), 0.35 / scale) if scale < 1 else pixels
    shown = cv2.warpAffine(shown, there, (width, height), flags=cv2.INTER_LINEAR)
    person = cv2.warpAffine(matte.astype(np.float32), there, (width, height)) > _PERSON
    lab = lab_of(shown)
    even = np.dstack([cv2.bilateralFilter(np.ascontiguousarray(lab[..., i]), 7, 8, 3) for i in range(3)])
    fine = cv2.GaussianBlur(lab[..., 0], (0, 0), 1.0)
    edges = np.hypot(cv2.Sobel(fine, cv2.CV_32F, 1, 0), cv2.Sobel(fine, cv2.CV_32F, 0, 1)) / 8
    inside = np.zeros((height, width), np.uint8)
    outline = face.mesh[:468, :2] if face.mesh is not None else np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    placed = (outline @ there[:, :2].T + there[:, 2]).astype(np.float32)
    if face.mesh is not None:
        cv2.fillPoly(inside, [cv2.convexHull(placed).astype(np.int32)[:, 0]], 1)
    else:
        low, high = placed.min(0), placed.max(0)
        middle, half = (low + high) / 2, (high - low) / 2
        cv2.ellipse(inside, tuple(int(v) for v in middle), tuple(int(v) for v in half), 0, 0, 360, 1, -1)
    rows = np.nonzero(inside.any(1))[0]
    top, chin = (int(rows[0]), int(rows[-1])) if len(rows) else (0, 1)
    return _Canvas(
        lab=lab, even=even, smooth=cv2.GaussianBlur(lab[..., 0], (0, 0), 3.0), edges=edges, person=person,
        face=inside > 0, top=top, chin=chin, back=cv2.invertAffineTransform(there).astype(np.float32),
    )  # fmt: skip


def _grown(canvas: _Canvas, seed: Literal["crown", "sides"]) -> tuple[Mask, Floats] | None:
    """The hair that hangs together with a seed, and each pixel's deviation from its hue (H, W, 2); None without one.

    The deviation is nan where no hair can be: on the face, the neck, the background, skin, other lightness.
    """
    import cv2

    height, width = canvas.face.shape
    yy, xx = np.mgrid[:height, :width]
    away = cv2.distanceTransform((~canvas.face).astype(np.uint8), cv2.DIST_L2, 5) / WIDTH
    row = (yy - canvas.top) / max(1, canvas.height)
    near = (row < 0.15) & (away > 0.03) & (away < 0.32)
    if seed == "sides":
        near = (row > 0.05) & (row < 0.45) & (away > 0.04) & (away < 0.25)
    sown = canvas.person & ~canvas.face & near
    if sown.sum() < _LEAST_SEED:
        return None
    weights = np.array([0.5, 1, 1], np.float32)
    strands = canvas.even[sown]
    strands = strands[np.linalg.norm((strands - np.median(strands, 0)) * weights, axis=1) < 22]
    if len(strands) < 2 * _LEAST_SEED // 3:
        return None
    dark, light = np.percentile(strands[:, 0], [2, 98])
    # Shading moves a and b with L: what counts is the distance from the line that the seed's pixels lie on.
    line, *_ = np.linalg.lstsq(np.c_[strands[:, 0], np.ones(len(strands))], strands[:, 1:], rcond=None)
    spread = 1.48 * float(np.median(np.abs(strands[:, 1:] - strands[:, :1] * line[0] - line[1])))
    lightness = np.clip(canvas.even[..., 0], dark - 5, light + 8)[..., None]
    deviation = canvas.even[..., 1:] - (lightness * line[0] + line[1])
    skin_rows = canvas.face & (row > 0.45) & (row < 0.8)
    skin = np.median(canvas.even[skin_rows], 0) if skin_rows.any() else np.zeros(3)
    free = canvas.person & ~canvas.face & (canvas.even[..., 0] > dark - 8) & (canvas.even[..., 0] < light + 10)
    free &= ~((row > 0.85) & (row < 1.45) & (np.abs(xx - width / 2) < 0.28 * WIDTH))  # the neck
    if np.linalg.norm((np.median(strands, 0) - skin) * weights) > 14:
        free &= np.linalg.norm((canvas.even - skin) * np.array([0.6, 1, 1]), axis=2) >= 12
    alike = free & (np.linalg.norm(deviation, axis=2) < max(_TONE, 2.5 * spread))
    _, parts = cv2.connectedComponents(alike.astype(np.uint8), connectivity=4)
    own = np.unique(parts[sown & alike])
    hair = np.isin(parts, own[own > 0])
    if not hair.any():
        return None
    kept: Floats = np.where(free[..., None], deviation, np.nan).astype(np.float32)
    return hair, kept


def _changed(canvas: _Canvas, hair: Mask, deviation: Floats) -> tuple[float, Mask]:
    """How clearly the hue changes on the way down, and the patch where it does."""
    import cv2

    height, width = hair.shape
    row = (np.arange(height)[:, None] - canvas.top) / max(1, canvas.height)
    size = np.linalg.norm(deviation, axis=2)
    odd = ~hair & np.isfinite(size) & (size >= _TONE) & (size < _FARTHEST) & (row > 0.15) & (canvas.edges < _EDGE)
    away, nearest = cv2.distanceTransformWithLabels(
        (~hair).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    hair_y, hair_x = np.nonzero(hair)
    order = np.zeros(int(nearest.max()) + 1, np.int64)
    order[nearest[hair_y, hair_x]] = np.arange(len(hair_y))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(odd.astype(np.uint8), connectivity=4)
    best, where = 0.0, np.zeros_like(hair)
    for index in range(1, count):
        left, top, wide, high, pixels = stats[index]
        area = pixels / WIDTH**2
        if not _SMALLEST <= area <= _LARGEST:
            continue
        part = np.s_[top : top + high, left : left + wide]
        patch = np.zeros_like(hair)
        patch[part] = parts[part] == index
        turned = deviation[part][patch[part]]
        mean = float(np.linalg.norm(turned.mean(0)))
        if mean < _TONE or mean < _ONE_HUE * float(np.linalg.norm(turned, axis=1).mean()):
            continue
        y, x = np.nonzero(patch & (away > 2.5) & (away < 7))
        if len(y) < 12:
            continue
        to_y, to_x = hair_y[order[nearest[y, x]]] - y, hair_x[order[nearest[y, x]]] - x
        far = np.hypot(to_y, to_x) + 1e-6
        from_y = np.clip(np.rint(y + to_y + 3 * to_y / far).astype(int), 0, height - 1)
        from_x = np.clip(np.rint(x + to_x + 3 * to_x / far).astype(int), 0, width - 1)
        pairs = hair[from_y, from_x]
        under = y - from_y > 0.35 * np.hypot(y - from_y, x - from_x)
        level = np.abs(canvas.smooth[y, x] - canvas.smooth[from_y, from_x]) < _STEP
        other = np.linalg.norm(deviation[y, x] - deviation[from_y, from_x], axis=1) > 5
        runs_on = int((pairs & under & level & other).sum())
        # A border of one px is met by the pixels of a strip 4.5 px deep.
        value = min(runs_on / 4.5 / WIDTH, 0.5) * runs_on / max(1, int(pairs.sum())) * min(area, 0.15) / 0.15
        if value > best:
            best, where = value, patch
    return best, where


def _box(canvas: _Canvas, patch: Mask) -> Box:
    """The box of a patch in px of the still."""
    y, x = np.nonzero(patch)
    corners = np.array([(a, b) for a in (x.min(), x.max()) for b in (y.min(), y.max())], np.float32)
    placed = corners @ canvas.back[:, :2].T + canvas.back[:, 2]
    (x0, y0), (x1, y1) = placed.min(0), placed.max(0)
    return float(x0), float(y0), float(x1), float(y1)
