"""The people in a picture, as a soft matte whose edge follows the hair.

Two small person nets see the whole picture and, where faces are small, the surroundings of each face again at a
larger scale. A guided filter (He, Sun and Tang, 2013) then draws the net's soft edge onto the picture's own edges.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stillwake.perceive.models import segment
from stillwake.types import Box, Floats, Pixels

_NET_SIDE = 256
_WORK_SIDE = 1024
"""Longest side in px at which the edge is refined; larger pictures get their matte enlarged from there."""
_SMALL_FACE = 0.3
"""A face under this share of the picture's height is looked at again, closer."""
_CLOSER = 3
"""So many faces at most are looked at again."""


def _resized(pixels: Pixels, width: int, height: int) -> Pixels:
    import cv2

    down = width * height < pixels.shape[0] * pixels.shape[1]
    drawn: Pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA if down else cv2.INTER_LINEAR)
    return drawn


def _people(pixels: Pixels) -> Floats:
    """The mean of both nets, drawn onto the edges of ``pixels``."""
    import cv2

    height, width = pixels.shape[:2]
    small = _resized(pixels, _NET_SIDE, _NET_SIDE)
    both = (segment(small) + segment(small, wide=True)) / 2
    # the nets' edge is three or four of their pixels wide: steepen it, then let the picture place it
    t = np.clip((both - 0.2) / 0.6, 0, 1)
    steep = t * t * (3 - 2 * t)
    grown = cv2.resize(steep, (width, height), interpolation=cv2.INTER_LINEAR)
    guide = cv2.GaussianBlur(pixels, (0, 0), 0.7).astype(np.float32) / 255
    radius = max(2, round(2.5 * max(height, width) / _NET_SIDE))
    smooth = cv2.ximgproc.guidedFilter(guide, grown, radius, 1e-4)
    # the filter greys what the nets were sure of: stretch the middle back
    people: Floats = np.clip((smooth - 0.08) / 0.84, 0, 1).astype(np.float32)
    return people


def matte_of(pixels: Pixels, faces: Sequence[Box]) -> Floats:
    """(H, W) float32 0..1, 1 on people.

    ``faces`` boxes in px, largest first. Without faces the nets alone decide.
    """
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, _WORK_SIDE / max(height, width))
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    picture = _resized(pixels, w, h) if scale < 1 else pixels
    matte = _people(picture)
    for box in faces[:_CLOSER]:
        x0, y0, x1, y1 = (v * scale for v in box)
        side = max(x1 - x0, y1 - y0)
        if side > _SMALL_FACE * h:
            continue
        # head and shoulders fill about the share of the window that they fill in a portrait
        left, right = int(max(0, (x0 + x1) / 2 - 1.8 * side)), int(min(w, (x0 + x1) / 2 + 1.8 * side))
        top, bottom = int(max(0, y0 - 0.9 * side)), int(min(h, y1 + 1.7 * side))
        if right - left < 32 or bottom - top < 32:
            continue
        closer = _people(np.ascontiguousarray(picture[top:bottom, left:right]))
        weight = np.minimum.outer(_ramp(bottom - top, top > 0, bottom < h), _ramp(right - left, left > 0, right < w))
        part = matte[top:bottom, left:right]
        matte[top:bottom, left:right] = part + weight * (closer - part)
    if scale < 1:
        matte = cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR)
    return matte


def _ramp(length: int, fade_in: bool, fade_out: bool) -> Floats:
    """(length,) float32: 1 in the middle, falling to 0 over the outer 15 % where the window cuts the picture."""
    edge = max(1.0, 0.15 * length)
    x = np.arange(length) + 0.5
    up = np.clip(x / edge, 0, 1) if fade_in else np.ones(length)
    down = np.clip((length - x) / edge, 0, 1) if fade_out else np.ones(length)
    return np.minimum(up, down).astype(np.float32)
