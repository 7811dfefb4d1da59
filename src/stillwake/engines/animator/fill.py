"""What lies behind something that moves aside: the picture continued into a hole, quickly and a little way.

Only the first few per cent of the picture's width of a hole ever come into view. There, lines and tones that run on
(Navier-Stokes inpainting, Bertalmio, Bertozzi and Sapiro, 2001, at a quarter of the size) with the grain of what lies
on the other side of the rim, mirrored about it, look best; patch-based filling is better deep inside, but sets wrong
objects at the rim and costs seconds. A drawing's lines mirrored are squiggles, so it gets the tones alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator.filters import blurred
from stillwake.types import Floats, Pixels

_SMALLER = 4
_RADIUS = 4.0
_GRAIN = 1 / 200
"""Blur, as a share of the longer side, that parts tones from grain."""
_REACH = 0.06
"""How far into the hole the grain is carried, as a share of the longer side."""
_GAIN = 0.8
_SEAM = 3.0
"""px of the hole over which the picture's own tones at the rim give way to the inpainted ones."""


def fill_behind(pixels: Pixels, hole: npt.NDArray[np.bool_], *, drawn: bool) -> Pixels:
    """The picture (H, W, 3) uint8 with the ``hole`` (H, W) filled from around it; the rest is as it was.

    A picture that is all hole comes back as it is.
    """
    import cv2

    if not hole.any() or hole.all():
        return pixels.copy()
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    longer = max(hole.shape)
    margin = int(0.08 * longer) + 8
    y0, y1 = max(0, int(rows[0]) - margin), min(hole.shape[0], int(rows[-1]) + 1 + margin)
    x0, x1 = max(0, int(columns[0]) - margin), min(hole.shape[1], int(columns[-1]) + 1 + margin)
    part, inside = np.ascontiguousarray(pixels[y0:y1, x0:x1]), hole[y0:y1, x0:x1].astype(np.uint8)
    if inside.all():
        return pixels.copy()
    tones = _tones(part, inside)
    distance, nearest = cv2.distanceTransformWithLabels(inside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    sigma = longer * _GRAIN
    known = 1 - inside.astype(np.float32)
    smooth = blurred(part.astype(np.float32) * known[..., None], sigma)
    smooth /= np.maximum(blurred(known, sigma), 1e-3)[..., None]
    filled = tones
    if not drawn:
        grain = (part - smooth) * known[..., None]
        mirrored = cv2.remap(
            grain, _mirror(inside, nearest, longer / 160), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        filled = filled + mirrored * (_GAIN * np.exp(-((distance / (_REACH * longer)) ** 2)))[..., None]
    # where the hole begins, the tones are those beside it
    seam = np.clip(distance / _SEAM, 0, 1)[..., None]
    filled = filled * seam + (smooth + (filled - tones)) * (1 - seam)
    out = pixels.copy()
    target = out[y0:y1, x0:x1]
    np.copyto(target, np.clip(np.rint(filled), 0, 255).astype(np.uint8), where=hole[y0:y1, x0:x1, None])
    return out


def _tones(part: Pixels, inside: Pixels) -> Floats:
    """Lines and tones continued into the hole, (h, w, 3) float32."""
    import cv2

    height, width = inside.shape
    small = max(2, -(-width // _SMALLER)), max(2, -(-height // _SMALLER))
    # The mean of what is known in each small pixel: nothing of the hole's own colour is left at its rim.
    known = cv2.resize(1 - inside.astype(np.float32), small, interpolation=cv2.INTER_AREA)
    shrunk = cv2.resize(part * (1 - inside[..., None]).astype(np.float32), small, interpolation=cv2.INTER_AREA)
    shrunk = np.clip(shrunk / np.maximum(known, 1e-3)[..., None], 0, 255).astype(np.uint8)
    missing = (known < 0.25).astype(np.uint8)
    painted = cv2.inpaint(shrunk, missing, _RADIUS, cv2.INPAINT_NS)
    # Where fronts meet the method leaves specks.
    np.copyto(painted, cv2.medianBlur(painted, 5), where=missing[..., None].astype(bool))
    tones: Floats = cv2.resize(painted.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return tones


def _mirror(inside: Pixels, nearest: npt.NDArray[np.int32], sigma: float) -> Floats:
    """(h, w, 2) float32 px: each place of the hole mirrored about the nearest point of its rim, smoothly."""
    import cv2

    ys, xs = np.nonzero(inside == 0)
    index = np.zeros(int(nearest.max()) + 1, np.int64)
    index[nearest[ys, xs]] = np.arange(len(ys))
    chosen = index[nearest]
    y, x = np.mgrid[: inside.shape[0], : inside.shape[1]].astype(np.float32)
    weight = inside.astype(np.float32)
    across = np.stack([2 * (xs[chosen] - x), 2 * (ys[chosen] - y)], -1).astype(np.float32)
    # at half the size: a smooth field's blur costs a quarter there
    half = cv2.resize(across * weight[..., None], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    share = cv2.resize(weight, (half.shape[1], half.shape[0]), interpolation=cv2.INTER_AREA)
    soft = blurred(half, sigma / 2) / np.maximum(blurred(share, sigma / 2), 1e-3)[..., None]
    soft = cv2.resize(soft, (inside.shape[1], inside.shape[0]), interpolation=cv2.INTER_LINEAR)
    mirrored: Floats = (np.stack([x, y], -1) + soft).astype(np.float32)
    return mirrored
