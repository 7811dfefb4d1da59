"""Is it one picture? Grids, strips and before-and-after pairs, and the borders around a picture.

Where two pictures meet side by side, every row steps at the same column: hardly a post or a door runs so straight from
edge to edge. What is level does, a horizon, a table, the end of a figure cut off; but there all columns step the same
way, and between two pictures they do not. Or a gutter of one colour lies between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from stillwake.readiness.signals import lab_of
from stillwake.types import Box, Floats, Pixels, Size

LONGEST = 640
"""px of the longer side at which it is looked at."""
SMALLEST = 128
"""px of the shorter side of a picture below which nobody can tell."""
STEP, BESIDE = 5.0, 1.5
"""Lab units by which a row steps where pictures meet, and times the steps beside it: a drawn line has both."""
BOTH_WAYS = 0.1
"""Share of its places that step the other way than most from which a level line is no horizon."""
SIDES = 0.15
"""Share of the picture that lies on either side of a line between two."""
PLAIN = (97.0, 3.0, 3.0)
"""Lightness from which and chroma up to which a place is paper, and lightness up to which it is black."""
SHOWS = 0.85, 0.4
"""Share of a line's places that must be none of that on one side, or on both: boxes on paper have straight edges."""
HALF = 0.5
"""Share of its length at which a line must part, to be one."""
EQUAL, NEARLY, OTHERWISE = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4), 0.012, 0.65
"""Where equal pictures meet, how near to it in shares of the side, and what of a line's doubt is left there: of 252
pictures seven have a line of .5 and more of their length, and one of these lies at such a place."""
EVEN = 2.0
"""Lab units by which a gutter or a border may differ from its one colour, as root mean square."""
APART = 8.0
"""Lab units by which what lies beside a gutter or a border differs from it, at a place where it can be seen."""
BORDER = 0.02
"""Share of the side from which a border counts."""
STRAIGHT = 0.7
"""Share of its length at which a border must end at once."""
PAPER = 0.3
"""Share of what lies within that has the border's colour, from which that is the ground, and something lies on it."""
INSIDE = 0.4
"""Share of a side that borders leave at least; else it is something small on a ground of one colour."""


Borders = tuple[int, int, int, int]
"""px at the left, top, right and bottom."""


@dataclass(frozen=True, slots=True)
class Line:
    """Between two pictures: ``share`` 0..1 of its length at which they part, ``way`` it runs, ``box`` px."""

    share: float
    way: Literal["upright", "level"]
    box: Box


def between(pixels: Pixels) -> Line | None:
    """The line at which two pictures meet most clearly; None where the picture is too small to tell.

    ``pixels`` (H, W, 3) uint8 RGB.
    """
    if min(pixels.shape[:2]) < SMALLEST:
        return None
    lab, scale = _small(pixels)
    height, width = pixels.shape[:2]
    found = [
        *((share, "upright", at) for share, at in _lines(lab, level=False)),
        *((share, "level", at) for share, at in _lines(lab.transpose(1, 0, 2), level=True)),
    ]
    share, way, (first, last) = max(found, default=(0.0, "upright", (0, 0)))
    low, high = (first - 1) / scale, (last + 1) / scale
    box = (low, 0.0, high, float(height)) if way == "upright" else (0.0, low, float(width), high)
    return Line(share, "upright" if way == "upright" else "level", box)


def borders(pixels: Pixels) -> Borders:
    """The borders of one colour, each ended by a straight edge; ``pixels`` as for `between`.

    Something before a ground of one colour ends at no straight edge.
    """
    if min(pixels.shape[:2]) < SMALLEST:
        return 0, 0, 0, 0
    lab, scale = _small(pixels)
    height, width = lab.shape[:2]
    left, right = _both(lab)
    kept = lab[:, left : width - right]
    top, bottom = _both(kept.transpose(1, 0, 2))
    if top + bottom and not left + right:  # the sides may end only between those above and below
        left, right = _both(lab[top : height - bottom])
    if left + right > (1 - INSIDE) * width or top + bottom > (1 - INSIDE) * height:
        return 0, 0, 0, 0
    return round(left / scale), round(top / scale), round(right / scale), round(bottom / scale)


def inner(around: Borders, size: Size) -> Box:
    """What such borders leave of a picture of (W, H) px."""
    left, top, right, bottom = around
    return float(left), float(top), float(size[0] - right), float(size[1] - bottom)


def _small(pixels: Pixels) -> tuple[Floats, float]:
    """Lab (h, w, 3) of the picture made small, and by how much."""
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    if scale < 1:
        size = (round(width * scale), round(height * scale))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return lab_of(pixels), scale


def _lines(lab: Floats, *, level: bool) -> Iterator[tuple[float, tuple[int, int]]]:
    """The share of its rows that part at each column that may lie between two pictures, and the columns it takes."""
    width = lab.shape[1]
    low, high = round(SIDES * width), round((1 - SIDES) * width)
    yield from _seams(lab, max(low, 6), min(high, width - 6), level=level)
    middle = lab[:, low:high]
    even = np.flatnonzero(_unevenness(middle, np.median(middle, axis=0)) < EVEN) + low
    for run in np.split(even, np.flatnonzero(np.diff(even) > 1) + 1):
        if not len(run):
            continue
        first, last = int(run[0]), int(run[-1])
        colour = lab[:, first : last + 1].mean((0, 1))
        sides = [lab[:, at] for at in (first - 2, last + 2)]
        share = min(float((_apart(side, colour) > APART).mean()) for side in sides)
        yield _certain(share, (first + last + 1) / 2 / width), (first, last)


def _seams(lab: Floats, low: int, high: int, *, level: bool) -> Iterator[tuple[float, tuple[int, int]]]:
    """The same of two pictures that touch; ``level`` where the picture was turned, and a column is a row of it."""
    at = np.arange(low, high)
    step = lab[:, at + 1] - lab[:, at - 2]
    size = np.linalg.norm(step, axis=2)
    beside = [np.linalg.norm(lab[:, at + k + 3] - lab[:, at + k], axis=2) for k in (-5, 1)]
    parts = (size > STEP) & (size > BESIDE * np.maximum(*beside))
    paper = _plain(lab[:, at - 2]), _plain(lab[:, at + 1])
    shows = ~(paper[0] & paper[1])
    share = (parts & shows).sum(0) / np.maximum(shows.sum(0), 1)
    among = (shows.mean(0) > SHOWS[0]) | (np.minimum(*((~one).mean(0) for one in paper)) > SHOWS[1])
    for k in np.flatnonzero((share > HALF) & among).tolist():
        sure = 1.0
        if level:
            steps = step[parts[:, k], k]
            ahead = float((steps @ np.linalg.svd(steps, full_matrices=False)[2][0] > 0).mean())
            sure = min(1.0, min(ahead, 1 - ahead) / BOTH_WAYS)
        yield _certain(float(share[k]) * sure, (at[k] + 0.5) / lab.shape[1]), (int(at[k]) - 1, int(at[k]))


def _both(lab: Floats) -> tuple[int, int]:
    """The borders at the left and the right; one alone, or two of two colours, only where it is white or black.

    A floor that is drawn in one colour has a straight edge too.
    """
    sides = _border(lab), _border(lab[:, ::-1])
    colours = np.median(lab[:, 0], axis=0), np.median(lab[:, -1], axis=0)
    if all(sides) and float(_apart(*colours)) < APART:
        return sides
    left, right = (px if _plain(colour) else 0 for px, colour in zip(sides, colours, strict=True))
    return left, right


def _certain(share: float, place: float) -> float:
    """The share, and more of it where a picture is cut into equal ones."""
    equal = min(abs(place - part) for part in EQUAL) < NEARLY
    return 1 - (1 - share) * OTHERWISE if equal and share > HALF else share


def _border(lab: Floats) -> int:
    """How many columns at the left have the colour of the first and end at once."""
    width = lab.shape[1]
    colour = np.median(lab[:, 0], axis=0)
    same = _unevenness(lab, colour) < EVEN
    count = width if same.all() else int(np.argmin(same))
    if not BORDER * width <= count < (1 - INSIDE) * width or count + 2 >= width:
        return 0
    ends = float((_apart(lab[:, count + 2], colour) > APART).mean()) > STRAIGHT
    return count if ends and float((_apart(lab[:, count:], colour) < APART).mean()) < PAPER else 0


def _unevenness(lab: Floats, colour: Floats) -> Floats:
    """How far each column's places differ from one colour, or one each, Lab units, root mean square."""
    uneven: Floats = np.sqrt((_apart(lab, colour) ** 2).mean(0))
    return uneven


def _apart(lab: Floats, colour: Floats) -> Floats:
    away: Floats = np.linalg.norm(lab - colour, axis=-1)
    return away


def _plain(lab: Floats) -> npt.NDArray[np.bool_]:
    """Where it is white paper or black."""
    white = (lab[..., 0] > PLAIN[0]) & (np.hypot(lab[..., 1], lab[..., 2]) < PLAIN[1])
    plain: npt.NDArray[np.bool_] = white | (lab[..., 0] < PLAIN[2])
    return plain
