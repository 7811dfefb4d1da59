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


def people(pixels: Pixels) -> Floats:
    """(H, W) float32 0..1, 1 on people: the mean of both nets, whose edge nobody drew onto the picture's."""
    import cv2

    small = _resized(pixels, _NET_SIDE, _NET_SIDE)
    both = (segment(small) + segment(small, wide=True)) / 2
    # the nets' edge is three or four of their pixels wide: steepen it
    t = np.clip((both - 0.2) / 0.6, 0, 1)
    grown: Floats = cv2.resize(t * t * (3 - 2 * t), pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return grown


def _drawn(pixels: Pixels) -> Floats:
    """`people`, drawn onto the edges of ``pixels``."""
    import cv2

    height, width = pixels.shape[:2]
    grown = people(pixels)
    guide = cv2.GaussianBlur(pixels, (0, 0), 0.7).astype(np.float32) / 255
    radius = max(2, round(2.5 * max(height, width) / _NET_SIDE))
    smooth = guided(guide, grown, radius, 1e-2)
    # the filter greys what the nets were sure of: stretch the middle back
    drawn: Floats = np.clip((smooth - 0.08) / 0.84, 0, 1).astype(np.float32)
    return drawn


def guided(guide: Floats, soft: Floats, radius: int, smoothness: float) -> Floats:
    """``soft`` (H, W) drawn onto the edges of ``guide`` (H, W, 3), both 0..1, by boxes of ``radius`` px.

    The guided filter for a colour guide (He, Sun and Tang, 2013, equations 19 to 21). OpenCV's own lies in a part
    that the ordinary OpenCV, which other packages install over ours, does not carry.
    """
    import cv2

    size = (2 * radius + 1,) * 2

    def mean(plane: Floats) -> Floats:
        blurred: Floats = cv2.blur(plane, size, borderType=cv2.BORDER_REFLECT)
        return blurred

    r, g, b = (guide[..., i] - np.float32(0.5) for i in range(3))
    mean_r, mean_g, mean_b, mean_soft = mean(r), mean(g), mean(b), mean(soft)
    rr, gg = mean(r * r) - mean_r**2 + smoothness, mean(g * g) - mean_g**2 + smoothness
    bb, rg = mean(b * b) - mean_b**2 + smoothness, mean(r * g) - mean_r * mean_g
    rb, gb = mean(r * b) - mean_r * mean_b, mean(g * b) - mean_g * mean_b
    soft_r, soft_g = mean(r * soft) - mean_r * mean_soft, mean(g * soft) - mean_g * mean_soft
    soft_b = mean(b * soft) - mean_b * mean_soft
    # the inverse of the symmetric 3 x 3 covariance, by its cofactors
    i_rr: Floats = gg * bb - gb * gb
    i_gg: Floats = rr * bb - rb * rb
    i_bb: Floats = rr * gg - rg * rg
    i_rg, i_rb, i_gb = rb * gb - rg * bb, rg * gb - gg * rb, rb * rg - rr * gb
    whole = rr * i_rr + rg * i_rg + rb * i_rb
    a_r = (i_rr * soft_r + i_rg * soft_g + i_rb * soft_b) / whole
    a_g = (i_rg * soft_r + i_gg * soft_g + i_gb * soft_b) / whole
    a_b = (i_rb * soft_r + i_gb * soft_g + i_bb * soft_b) / whole
    rest = mean_soft - a_r * mean_r - a_g * mean_g - a_b * mean_b
    drawn: Floats = mean(a_r) * r + mean(a_g) * g + mean(a_b) * b + mean(rest)
    return drawn


def matte_of(pixels: Pixels, faces: Sequence[Box]) -> Floats:
    """(H, W) float32 0..1, 1 on people.

    ``faces`` boxes in px, largest first. Without faces the nets alone decide.
    """
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, _WORK_SIDE / max(height, width))
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    picture = _resized(pixels, w, h) if scale < 1 else pixels
    matte = _drawn(picture)
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
        closer = _drawn(np.ascontiguousarray(picture[top:bottom, left:right]))
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
