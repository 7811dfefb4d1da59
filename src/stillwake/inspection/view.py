"""One decoded frame as every check sees it: what several of them need is made once."""

from __future__ import annotations

from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from stillwake.inspection.stream import Shown
from stillwake.types import Box, Floats, Pixels, Size

SMALL = 320
"""Longest side in px of the picture in which motion and light are measured."""
SOFT = 1.2
"""Sigma in px of that picture by which it is softened: a codec's noise goes, what moves stays."""
MEDIUM = 640
"""Longest side in px of the picture in which points are tracked."""


class Place(NamedTuple):
    """Where a face is looked for: ``box`` in px of the clip, ``roll`` in degrees and ``kind``, as `Face` has them."""

    box: Box
    roll: float
    kind: Literal["photo", "drawn"] = "photo"


def fitted(size: Size, longest: int) -> Size:
    """The size with its longest side no longer than that; both at least 8 px."""
    scale = min(1.0, longest / max(size))
    return max(8, round(size[0] * scale)), max(8, round(size[1] * scale))


class View:
    """A decoded frame.

    ``index`` its number; ``time`` the middle of its time in seconds; ``pixels`` (H, W, 3) uint8 RGB, valid until the
    next frame is asked for; ``mesh`` (478, 3) float32 px of the face, or None; ``place`` where that face was looked
    for, or None; ``people`` (h, w) float32 0..1 at the size of ``small``, 1 on people: of this frame or one up to half
    a second before it; None where nobody looked.
    """

    def __init__(self, shown: Shown, mesh: Floats | None, place: Place | None, people: Floats | None) -> None:
        self.index, self.time, self.pixels = shown.index, shown.time, shown.pixels
        self.mesh, self.place, self.people = mesh, place, people

    def draw(self) -> None:
        """Make now what is asked of every frame."""
        _ = self.soft, self.grey

    @property
    def size(self) -> Size:
        """(width, height) in px."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @cached_property
    def small_rgb(self) -> Pixels:
        """The frame with its longest side at most `SMALL`, each pixel the mean of those it covers."""
        size = fitted(self.size, SMALL)
        picture = self.pixels
        while picture.shape[1] >= 2 * size[0] and not picture.shape[1] % 2 and not picture.shape[0] % 2:
            picture = resized(picture, (picture.shape[1] // 2, picture.shape[0] // 2))  # halving is the quick way
        return resized(picture, size)

    @cached_property
    def small(self) -> Floats:
        """Brightness 0..255, float32, at that size."""
        import cv2

        grey: Floats = cv2.cvtColor(self.small_rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
        return grey

    @cached_property
    def soft(self) -> Floats:
        """The same, softened by `SOFT`."""
        import cv2

        soft: Floats = cv2.GaussianBlur(self.small, (0, 0), SOFT)
        return soft

    @cached_property
    def grey(self) -> Pixels:
        """Brightness, (H, W) uint8, at full size."""
        import cv2

        grey: Pixels = cv2.cvtColor(self.pixels, cv2.COLOR_RGB2GRAY)
        return grey

    @cached_property
    def medium(self) -> Pixels:
        """Brightness, uint8, with the longest side at most `MEDIUM`."""
        return resized(self.grey, fitted(self.size, MEDIUM))


def median(values: Floats) -> Floats:
    """The median down the first axis, no nan among them: of some hundred, sorting them all is the quickest."""
    ordered, count = np.sort(values, axis=0), len(values)
    middle: Floats = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    return middle


def resized(picture: Pixels, size: Size) -> Pixels:
    """The picture at another, smaller size; itself where it has it already."""
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    import cv2

    drawn: Pixels = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return drawn
