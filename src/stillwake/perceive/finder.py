"""Where our own finders see something in a picture: the square in which it is to be read, and how sure they are.

One kind of net finds drawn faces and drawn hands: for each cell of 8 px it says how likely a thing is centred there,
where exactly, how large it is and how it is turned.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from stillwake.perceive.models import Crop, own_net
from stillwake.types import Pixels

CELL = 8
_MULTIPLE = 64
_UNIT = 64
"""px of the picture seen; sides are told as logarithms of their share of it."""
_APART = 0.35
"""Two places whose middles are nearer than that, in sides of the larger, are one thing."""

Place = tuple[Crop, float]
"""The square around a thing, upright by its own turn, and how sure the finder is, 0..1."""


def places(weights: Path, pixels: Pixels, longs: Iterable[int], faint: float, most: int) -> list[Place]:
    """Where the finder sees something, best first, ``most`` at most; of those that overlap the surest.

    ``pixels`` (H, W, 3) uint8 RGB; ``longs`` the long sides in px at which it looks at them; ``faint`` the least that
    counts.
    """
    seen = sorted((place for long in longs for place in _peaks(weights, pixels, long, faint)), key=lambda p: -p[1])
    found: list[Place] = []
    for crop, score in seen:
        if all(np.hypot(crop.x - o.x, crop.y - o.y) > _APART * max(crop.side, o.side) for o, _ in found):
            found.append((crop, score))
    return found[:most]


def _peaks(weights: Path, pixels: Pixels, long: int, faint: float) -> list[Place]:
    """The finder's peaks in the picture seen ``long`` px long."""
    import cv2

    height, width = pixels.shape[:2]
    scale = long / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    down, right = -size[1] % _MULTIPLE, -size[0] % _MULTIPLE
    small = cv2.copyMakeBorder(small, 0, down, 0, right, cv2.BORDER_REPLICATE)
    cells = own_net(weights).run(None, {"pictures": np.ascontiguousarray(small[None, :, :, ::-1])})[0][0]
    sure = cells[0]
    peaks = (sure >= faint) & (sure >= cv2.dilate(sure, np.ones((3, 3), np.uint8)) - 1e-6)
    found = []
    for row, column in zip(*np.nonzero(peaks), strict=True):
        _, dx, dy, log_side, c, s = (float(value) for value in cells[:, row, column])
        x, y = (((cell + 0.5 + d) * CELL) / scale - 0.5 for cell, d in ((column, dx), (row, dy)))
        side = _UNIT * float(np.exp(np.clip(log_side, -4, 4))) / scale
        found.append((Crop(x, y, side, float(np.degrees(np.arctan2(s, c)))), float(sure[row, column])))
    return found
