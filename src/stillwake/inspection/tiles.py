"""Where a camera stands still, the background in small tiles: how far each one stirs from where it rests.

Points to follow are rare before a plain wall. Here every tile counts that has any texture, a single edge as well: to
first order, brightness changes by gradient times displacement, so that three sums a tile and frame are all that is
kept, and a least-squares field through the neighbours is found when the reference is given up. Two fields, of the
black and of the white squares of a chessboard, agree on a warp and not on noise. What changes instead of moving is
left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwake.types import Floats, Pixels

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

TILES = 32
"""Tiles along the longest side."""
SOFT, LOCAL = 1.2, 31
"""Px of blur against the codec's finest noise, and side of the window whose mean is taken out: light may change."""
FREE = 0.7
"""Share of a tile that must lie in the background."""
REACH = 1.3
"""Tiles, the deviation within which neighbours make up one displacement."""
TEXTURE = 0.3
"""Squared levels a px that a tile and its neighbours must have along their strongest direction to show anything."""
RIDGE, ASKEW = 0.5, 0.02
"""Squared levels a px added to every direction, and share of the strongest: what runs along an edge is not seen."""
CHANGED, GRAIN, OFTEN = 0.5, 3.0, 0.1
"""Share of a place's texture, squared levels, left over by the displacement, from which on the place has changed; and
share of the time from which on it is left out for good: something goes by."""
AVERAGED = 0.25
"""Seconds to either side over which the chessboard's products are averaged."""
ALIKE = 0.6
"""Share of their energy that the two fields must have in common."""
EXPLAINED = 0.3
"""Share of the changes in brightness that the displacement must explain."""
STIRS, UNSURE = 0.28, 0.56
"""Px of the medium picture by which a place may stir, and times the px by which its noise may move it."""
ROAMS = 1.0
"""Px of the medium picture by which half of the tiles may lie aside before the camera does not stand still."""


@dataclass(frozen=True, slots=True, eq=False)
class Stirring:
    """What the tiles of one reference did in F looked-at frames; all px are of the medium picture.

    ``wobble`` (F, rows, columns) px by which each place stirs, as an amplitude over half a second, nan where unknown;
    ``limit`` the same shape, px that its noise alone may show; ``field`` (F, rows, columns) px from where it rests;
    ``roams`` px by which half of the tiles lay aside at most: beyond `ROAMS` it was the camera.
    """

    wobble: Array
    limit: Array
    field: Array
    roams: float


def fine(medium: Pixels) -> Floats:
    """The picture's detail, (h, w) float32 levels, without the light and without the finest noise."""
    import cv2

    soft = cv2.GaussianBlur(medium.astype(np.float32), (0, 0), SOFT)
    detail: Floats = soft - cv2.blur(soft, (LOCAL, LOCAL))
    return detail


class Tiles:
    """Compares frames with a reference, tile by tile."""

    def __init__(self, detail: Floats, busy: Pixels) -> None:
        import cv2

        height, width = detail.shape
        longest = max(height, width)
        self._size = max(8, round(TILES * width / longest)), max(8, round(TILES * height / longest))
        self._detail = detail
        self._x = cv2.Sobel(detail, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
        self._y = cv2.Sobel(detail, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
        free = (busy == 0).astype(np.float32)
        for border in (np.s_[:3], np.s_[-3:], np.s_[:, :3], np.s_[:, -3:]):
            free[border] = 0
        self._free = free
        self._shape = [self._mean(one * other) for one, other in self._pairs()]
        self._texture = self._mean(detail * detail)
        self._rows: list[tuple[Floats, Floats, Floats, Floats]] = []
        self._seen: tuple[Pixels, Floats, Floats] | None = None

    def _pairs(self) -> list[tuple[Floats, Floats]]:
        return [(self._x, self._x), (self._x, self._y), (self._y, self._y)]

    def _mean(self, values: Floats) -> Floats:
        """The mean of each tile."""
        import cv2

        mean: Floats = cv2.resize(values, self._size, interpolation=cv2.INTER_AREA)
        return mean

    def take(self, detail: Floats, busy: Pixels) -> None:
        """Compare a frame's detail; ``busy`` may be the array of the frame before, where people are the same."""
        if self._seen is None or self._seen[0] is not busy:
            seen = (busy == 0).astype(np.float32) * self._free
            self._seen = busy, seen, self._mean(seen)
        _, seen, free = self._seen
        apart = self._detail - detail
        apart *= seen
        self._rows.append((self._mean(self._x * apart), self._mean(self._y * apart), self._mean(apart * apart), free))

    def measure(self, step: float) -> Stirring:
        """How far the tiles stirred; ``step`` s between two frames."""
        import cv2

        push = np.array([row[:2] for row in self._rows], np.float64).swapaxes(0, 1)
        energy = np.array([row[2] for row in self._rows], np.float64)
        free = np.array([row[3] for row in self._rows]) > FREE
        shape = np.array(self._shape, np.float64)[:, None] * free
        push, energy = push * free, energy * free
        push, energy, roams = _without_drift(shape, push, energy)
        around, ridge = _near(shape), RIDGE
        ridges = ridge + ASKEW * np.maximum(around[0], around[2])
        moved = _solved(around, _near(push), ridges)
        rest = np.median(moved, axis=1, keepdims=True)
        at_rest = _times(shape, rest)
        energy = np.maximum(energy - 2 * (rest * push).sum(0) + (rest * at_rest).sum(0), 0)
        aside = moved - rest
        shown = 2 * (aside * (push - at_rest)).sum(0) - (aside * _times(shape, aside)).sum(0)
        left = _near(energy - shown)
        changed = (left > CHANGED * _near(self._texture * free) + GRAIN) & free
        lost = (changed.mean(0) > OFTEN).astype(np.uint8)
        kept = free & ~(cv2.dilate(lost, np.ones((3, 3), np.uint8)) > 0) & ~changed
        one, other = (self._half(shape * kept, push * kept, colour, ridge / 2) for colour in (0, 1))
        half = max(1, round(AVERAGED / step))
        shared = _steady((one * other).sum(0) * kept, half)
        both = _steady((one**2 + other**2).sum(0) / 2 * kept, half)
        explained = _steady(_near(shown * kept), half) / (_steady(_near(energy * kept), half) + 0.1)
        wobble = np.sqrt(2 * np.maximum(shared, 0) / (_steady(kept.astype(np.float64), half) + 1e-9))
        wobble[(shared < ALIKE * (both + 1e-4)) | (explained < EXPLAINED)] = 0
        strongest = np.maximum(around[0], around[2])
        known = kept & (strongest > TEXTURE)
        limit = STIRS + UNSURE * np.sqrt((np.maximum(left, 0) + 0.05) / (strongest + 0.1))
        return Stirring(np.where(known, wobble, np.nan), limit, np.hypot(*aside) * kept, roams)

    def _half(self, shape: Array, push: Array, colour: int, ridge: float) -> Array:
        """The field (2, F, rows, columns) that the squares of one colour show, without what lasts for one frame."""
        squares = np.indices(shape.shape[2:]).sum(0) % 2 == colour
        moved = _solved(_near(shape * squares), _near(push * squares), ridge)
        moved -= np.median(moved, axis=1, keepdims=True)
        longer = np.concatenate([moved[:, :1], moved, moved[:, -1:]], axis=1)
        middle: Array = np.median(np.stack([longer[:, :-2], longer[:, 1:-1], longer[:, 2:]]), axis=0)
        return middle


def _near(values: Array) -> Array:
    """Each place with its neighbours: the last two axes are rows and columns."""
    import cv2

    flat = np.ascontiguousarray(values, np.float32).reshape(-1, *values.shape[-2:])
    soft = [cv2.GaussianBlur(one, (0, 0), REACH, borderType=cv2.BORDER_CONSTANT) for one in flat]
    return np.array(soft, np.float64).reshape(values.shape)


def _times(shape: Array, moved: Array) -> Array:
    """What a displacement (2, ...) pushes, by the structure (3, ...) of its place."""
    return np.stack([shape[0] * moved[0] + shape[1] * moved[1], shape[1] * moved[0] + shape[2] * moved[1]])


def _solved(shape: Array, push: Array, ridge: Array | float) -> Array:
    """The displacement (2, ...) px out of what it pushed."""
    a, b, c = shape[0] + ridge, shape[1], shape[2] + ridge
    moved: Array = np.stack([c * push[0] - b * push[1], a * push[1] - b * push[0]]) / (a * c - b * b)
    return moved


def _without_drift(shape: Array, push: Array, energy: Array) -> tuple[Array, Array, float]:
    """Without a small similarity of each frame, robustly fitted; and px by which half of the tiles lay aside."""
    rows, columns = energy.shape[1:]
    y, x = np.mgrid[:rows, :columns].astype(np.float64)
    y, x = (y - y.mean()) * 2 / max(rows, columns), (x - x.mean()) * 2 / max(rows, columns)
    one, none = np.ones_like(x), np.zeros_like(x)
    ways = np.array([[one, none, x, -y], [none, one, y, x]])
    total = shape[0] + shape[2]
    push, energy = push.copy(), energy.copy()
    textured = total > 4
    some = textured.any((1, 2))
    if not some.any():
        return push, np.maximum(energy, 0), 0.0
    shape, before, total, textured = shape[:, some], push[:, some], total[some], textured[some]
    even = weight = 1 / (total + 20)  # no tile counts for much more than others
    pushed = np.stack([_times(shape, ways[:, way, None]) for way in range(4)], axis=1)
    for _ in range(4):
        # in one go: in parts they would wake the threads of BLAS, which then keep a core busy with waiting
        normal = np.einsum("iarc,ibkrc,krc->kab", ways, pushed, weight) + 0.3 * np.eye(4)
        against = np.einsum("iarc,ikrc,krc->ka", ways, before, weight)
        course = np.linalg.solve(normal, against[..., None])[..., 0]
        moved = np.einsum("ka,iarc->ikrc", course, ways)
        off = np.hypot(*_solved(shape, before - _times(shape, moved), 4.0))
        spread = 1.48 * medians(off.reshape(len(off), -1), textured.reshape(len(off), -1))
        weight = even / (1 + (off / np.maximum(0.1, spread)[:, None, None]) ** 2)
    aside = medians(np.hypot(*moved).reshape(len(off), -1), textured.reshape(len(off), -1))
    pushes = _times(shape, moved)
    energy[some] += (moved * (pushes - 2 * before)).sum(0)
    push[:, some] -= pushes
    return push, np.maximum(energy, 0), float(aside.max())


def medians(values: Array, counted: Flags) -> Array:
    """The median of each row's values, (F, N), that are counted; inf where none is."""
    ordered = np.sort(np.where(counted, values, np.inf), axis=1)
    count, row = counted.sum(1), np.arange(len(values))
    middle: Array = (ordered[row, np.maximum(count - 1, 0) // 2] + ordered[row, count // 2]) / 2
    return middle


def _steady(values: Array, half: int) -> Array:
    """Mean over so many frames to either side."""
    sums = np.cumsum(np.concatenate([np.zeros((1, *values.shape[1:])), values]), axis=0)
    frames = np.arange(len(values))
    low, high = np.maximum(frames - half, 0), np.minimum(frames + half + 1, len(values))
    steady: Array = (sums[high] - sums[low]) / (high - low).reshape(-1, *[1] * (values.ndim - 1))
    return steady
