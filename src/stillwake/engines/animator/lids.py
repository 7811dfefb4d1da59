"""A blink: a layer of lid and lashes that slides down over the unchanged eye."""

from __future__ import annotations

import numpy as np

from stillwake.engines.animator import warp
from stillwake.engines.animator.anatomy import Array, EyeLine, smoothstep
from stillwake.engines.animator.fields import Grid
from stillwake.engines.animator.parts import IntBox, Part, Pose
from stillwake.types import Floats, Pixels

RIGID = 0.17
"""Height of the strip with the lashes, in eye widths: it moves and does not stretch, so lashes stay lashes."""
OVERSHOOT = 0.035
"""The lid's edge starts this far below the lid's contour, in eye widths, or the white waterline shows as dots."""
FULL_TRAVEL = 0.97
SHADE, CONTACT = 0.10, 0.22
"""How much darker the lowered lid is, and the line where it meets the lower one. Set by eye."""


class SkinLids(Part):
    """The lids of a photograph, of those ``eyes`` that are seen: they slide over the finished frame."""

    def __init__(self, source: Pixels, doubled: Pixels, eyes: tuple[EyeLine, ...], region: IntBox, step: int) -> None:
        self._doubled, self._eyes = doubled, eyes
        self._skin = without_lashes(source, eyes)
        self._boxes = [eye_box(eye, region, step) for eye in eyes]

    @property
    def reach(self) -> tuple[IntBox, ...]:
        """The boxes of the eyes, wherever the head is."""
        return tuple(self._boxes)

    def finish(self, frame: Pixels, where: Floats, grid: Grid, pose: Pose) -> None:
        """Lower the lids."""
        if pose.blink > 0:
            for eye, box in zip(self._eyes, self._boxes, strict=True):
                at = warp.enlarge(where, grid, box)
                draw_lids(frame, box[:2], self._doubled, self._skin, at, eye, pose.blink)


def without_lashes(source: Pixels, eyes: tuple[EyeLine, ...]) -> Pixels:
    """A copy of the still (H, W, 3) smoothed along the lids, lashes thinned.

    A lowered lid is stretched skin, and lashes would be stretched into streaks with it. The smoothing runs along
    the lid alone, so the shade from brow to lash stays.
    """
    import cv2

    skin = source.copy()
    for eye in eyes:
        size = max(3, int(0.05 * eye.width) | 1)
        middle = eye.origin + eye.across * eye.width / 2
        reach = np.array([1.1 * eye.width, 0.9 * eye.width])
        x0, y0 = np.maximum(0, (middle - reach).astype(int))
        x1, y1 = np.minimum((source.shape[1], source.shape[0]), (middle + reach).astype(int))
        if x1 - x0 < size or y1 - y0 < size:
            continue
        crop = source[y0:y1, x0:x1]
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        filled = cv2.morphologyEx(crop, cv2.MORPH_CLOSE, kernel)
        skin[y0:y1, x0:x1] = cv2.GaussianBlur(filled, (0, 0), 0.09 * eye.width, sigmaY=max(0.6, 0.015 * eye.width))
    return skin


def eye_box(eye: EyeLine, region: IntBox, step: int) -> IntBox:
    """The px box, on the raster of ``step``, that a blink may change wherever the head is, within ``region``."""
    width = eye.width
    ends = [
        eye.origin + eye.across * a + eye.down * b
        for a in (-0.3 * width, 1.3 * width)
        for b in (min(float(eye.brow.min()), -0.3 * width), 0.4 * width)
    ]
    margin = 8 + 0.2 * width
    low, high = np.min(ends, 0) - margin, np.max(ends, 0) + margin
    return (
        max(region[0], int(low[0] // step * step)),
        max(region[1], int(low[1] // step * step)),
        min(region[2], int(-(-high[0] // step) * step)),
        min(region[3], int(-(-high[1] // step) * step)),
    )


def draw_lids(
    frame: Pixels,
    origin: tuple[int, int],
    doubled: Pixels,
    skin: Pixels,
    where: Floats,
    eye: EyeLine,
    closed: float,
) -> None:
    """Lower one eye's lid in ``frame`` by ``closed`` 0..1.

    ``frame`` (H, W, 3) uint8 RGB; ``where`` (h, w, 2) float32 is the frame's map into ``doubled``, the still at
    twice its size over the eye's box, whose top left pixel is ``origin``; ``skin`` is the still `without_lashes`.
    The lid is drawn in the still's own coordinates, so it rides along with every motion of the head.
    """
    import cv2

    width = eye.width
    source = where * np.float32(0.5)
    offset = source - eye.origin.astype(np.float32)
    along, below = offset @ eye.across.astype(np.float32), offset @ eye.down.astype(np.float32)
    column = ((along - eye.x[0]) / (eye.x[-1] - eye.x[0]) * (len(eye.x) - 1)).astype(np.float32)
    zero = np.zeros_like(column)

    def at(curve: Array) -> Floats:
        row = curve.astype(np.float32)[None]
        heights: Floats = cv2.remap(row, column, zero, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return heights

    upper, lower, brow = at(eye.upper), at(eye.lower), at(eye.brow)
    taper = smoothstep(along, -0.16 * width, 0.10 * width) * (1 - smoothstep(along, 0.90 * width, 1.16 * width))
    travel = (np.maximum(lower - upper, 0) * closed * taper * FULL_TRAVEL).astype(np.float32)
    edge = upper + OVERSHOOT * width
    top = brow + (upper - brow) * 0.15
    lid = edge + travel
    strip = np.minimum(RIGID * width, 0.55 * np.maximum(edge - top, 1))
    strip_top, moved_top = edge - strip, edge - strip + travel
    stretch = np.clip((below - top) / np.maximum(moved_top - top, 1e-3), 0, 1)
    from_y = np.where(below > moved_top, below - travel, top + (strip_top - top) * stretch)
    from_y = np.where(below < top, below, from_y)
    cover = np.clip((lid - below) / max(1.2, 0.03 * width) + 0.5, 0, 1) * (travel > 0.05)
    lookup = (source + (from_y - below)[..., None] * eye.down.astype(np.float32)).astype(np.float32)
    lowered = cv2.remap(doubled, lookup * 2, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    plain = cv2.remap(skin, lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    stretched = smoothstep(stretch, 0.10, 0.45) * (1 - smoothstep(below - moved_top, -0.02 * width, 0.05 * width))
    stretched = (stretched * smoothstep(travel, 0, 0.12 * width)).astype(np.float32)[..., None]
    lowered = lowered + (plain.astype(np.float32) - lowered) * stretched
    covered = smoothstep(below, upper - 0.05 * width, upper + 0.08 * width) * (below < lid) * taper * closed
    shade = 1 - SHADE * covered * np.clip((lid - below) / (travel + 1e-3), 0, 1)
    shade = shade * (
        1 - CONTACT * closed * taper * np.exp(-(((below - lid) / (0.022 * width)) ** 2)) * (travel > 0.05)
    )
    target = frame[origin[1] : origin[1] + where.shape[0], origin[0] : origin[0] + where.shape[1]]
    cover = cover.astype(np.float32)[..., None]
    mixed = (target * (1 - cover) + lowered * cover) * shade[..., None].astype(np.float32)
    changed = (cover[..., 0] > 0) | (shade < 0.999)
    target[changed] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)[changed]
