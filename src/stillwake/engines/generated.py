"""What a generator made, as the shot asks for it: its size, its rate, its number of frames.

A generator has sizes and rates of its own. The still is laid whole into the nearest of its sizes, so that nothing of
it is lost (`laid_in`), and the same window is cut out of what comes back. Frames between two of its own are moved
along the optical flow, never only mixed: mixing shows every edge twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Any, Self

import numpy as np

from stillwake.errors import ResultError
from stillwake.types import Pixels, Shot, Size

__all__ = ["Between", "Generated", "Window", "best_size", "laid_in", "resized"]

STRETCH = 0.02
"""A shape that differs by less is stretched to. A judgement: faces are not seen to change by 2 %."""
SHORT = Fraction(9, 10)
"""A judgement. A clip shorter than this share of what was asked is no clip of it; else its last frame is held."""
FLOW_SIDE = 512
"""px; the larger side at which the optical flow is measured."""
NEAR = Fraction(1, 50)
"""Of a frame's length: so near to one of the source's frames, that one is taken as it is."""
CUT = 40.0
"""Mean difference in levels between the two pictures moved to the middle, from which on they show different things,
and the nearer one is taken. Of 169 pairs four frames apart in 16 films (2026-11-28) 168 differ by 12 at most, and the
one across a cut by 83."""


@dataclass(frozen=True, slots=True)
class Window:
    """Where the still lies in a generator's picture: ``left``, ``top``, ``width``, ``height`` in whole px."""

    left: int
    top: int
    width: int
    height: int


def best_size(still: Size, sizes: Iterable[Size]) -> Size:
    """Of the sizes a generator has, (width, height) px, the one in which the still lies largest without being cut.

    Raises
    ------
    ValueError
        There are none.
    """

    def covered(size: Size) -> tuple[float, int]:
        scale = min(size[0] / still[0], size[1] / still[1])
        return round(still[0] * still[1] * scale * scale / (size[0] * size[1]), 2), size[0] * size[1]

    return max(sizes, key=covered)


def laid_in(pixels: Pixels, size: Size) -> tuple[Pixels, Window]:
    """A picture (H, W, 3) uint8 laid whole into one of that size, and where it lies; its edges go on mirrored."""
    import cv2

    height, width = pixels.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = (
        size if abs(size[0] * height / (size[1] * width) - 1) <= STRETCH
        else (min(size[0], round(width * scale)), min(size[1], round(height * scale)))
    )  # fmt: skip
    drawn = resized(pixels, inner)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    if inner != size:
        right, bottom = size[0] - inner[0] - left, size[1] - inner[1] - top
        drawn = np.asarray(cv2.copyMakeBorder(drawn, top, bottom, left, right, cv2.BORDER_REFLECT_101), np.uint8)
    return drawn, Window(left, top, *inner)


def resized(pixels: Pixels, size: Size) -> Pixels:
    """A picture at another size: averaged when it shrinks, cubic when it grows; itself where nothing changes."""
    import cv2

    height, width = pixels.shape[:2]
    if (width, height) == tuple(size):
        return pixels
    shrinks = size[0] * size[1] < width * height
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC), np.uint8)


class Between:
    """Two neighbouring frames, and any picture between them along the optical flow."""

    def __init__(self, first: Pixels, second: Pixels) -> None:
        self.first, self.second = first, second
        self._flows: tuple[Any, Any] | None = None

    def at(self, share: float) -> Pixels:
        """The picture ``share`` 0..1 of the way from the first to the second, (H, W, 3) uint8.

        Each is moved to that moment (Jiang et al., Super SloMo, 2018: flows at t from both flows between the frames)
        and they are mixed by nearness. Where they show different things, as at a cut, the nearer frame is taken.
        """
        import cv2

        if np.array_equal(self.first, self.second):
            return self.first
        forth, back = self._flow()
        to_first = -(1 - share) * share * forth + share * share * back
        to_second = (1 - share) * (1 - share) * forth - share * (1 - share) * back
        a, b = _moved(self.first, to_first), _moved(self.second, to_second)
        if float(cv2.absdiff(a, b).mean()) > CUT:
            return self.first if share < 0.5 else self.second
        return np.asarray(cv2.addWeighted(a, 1 - share, b, share, 0), np.uint8)

    def _flow(self) -> tuple[Any, Any]:
        import cv2

        if self._flows is None:
            height, width = self.first.shape[:2]
            scale = min(1.0, FLOW_SIDE / max(width, height))
            small = (max(16, round(width * scale)), max(16, round(height * scale)))
            grey = [
                cv2.cvtColor(cv2.resize(frame, small, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
                for frame in (self.first, self.second)
            ]
            dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
            flows = []
            for one, other in (grey, grey[::-1]):
                flow = np.asarray(dis.calc(one, other, None), np.float32)
                grown = np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
                grown *= np.array([width / small[0], height / small[1]], np.float32)
                flows.append(grown)
            self._flows = flows[0], flows[1]
        return self._flows


def _moved(frame: Pixels, flow: Any) -> Pixels:
    import cv2

    height, width = frame.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.asarray(
        cv2.remap(frame, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


class Generated:
    """A performance out of frames that exist: ``frames()`` begins them anew, each (H, W, 3) uint8.

    ``count`` of them at ``fps``; ``window`` is the part that is shown, all of it if None. Asked in order, every one is
    read once; asked backwards, they are read again from the first.

    Raises
    ------
    stillwake.errors.ResultError
        There are far fewer frames than the shot needs.
    """

    mask = None

    def __init__(
        self,
        frames: Callable[[], Iterator[Pixels]],
        *,
        fps: Fraction,
        count: int,
        shot: Shot,
        window: Window | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.size: Size = shot.size
        self.fps, self.frame_count, self.notes = shot.fps, shot.frame_count, notes
        self._frames, self._source_fps, self._count, self._window = frames, fps, count, window
        made, asked = count / fps, shot.seconds
        if count < 1 or made < SHORT * asked - 1 / fps:
            raise ResultError(
                "Cannot use the clip that came",
                f"it is {float(made):.2f} s long, and {float(asked):.2f} s were asked for",
                "ask for it again with another --seed",
            )
        self._reader: Iterator[Pixels] | None = None
        self._at = -1
        self._pair: tuple[Pixels, Pixels] | None = None
        self._between: Between | None = None

    def frame(self, index: int) -> Pixels:
        """The frame of that index, fresh or as it was read; valid until the next call."""
        position = index / self.fps * self._source_fps
        whole = int(position)
        rest = position - whole
        if rest > 1 - NEAR:
            whole, rest = whole + 1, Fraction(0)
        if rest < NEAR or whole + 1 >= self._count:
            return self._pictures(min(whole, self._count - 1))[0]
        pair = self._pictures(whole)
        if self._between is None or self._between.first is not pair[0]:
            self._between = Between(*pair)
        return self._between.at(float(rest))

    def _pictures(self, index: int) -> tuple[Pixels, Pixels]:
        """The frame of that index of the source and the one after it, as they are shown."""
        if self._reader is None or index < self._at or self._pair is None:
            self._reader, self._at = self._frames(), 0
            first = self._shown(next(self._reader))
            self._pair = first, self._next(first)
        while self._at < index:
            after = self._pair[1]
            self._pair, self._at = (after, self._next(after)), self._at + 1
        return self._pair

    def _next(self, last: Pixels) -> Pixels:
        assert self._reader is not None
        following = next(self._reader, None)
        return last if following is None else self._shown(following)

    def _shown(self, frame: Pixels) -> Pixels:
        if (window := self._window) is not None:
            rows = slice(window.top, window.top + window.height)
            frame = frame[rows, window.left : window.left + window.width]
        shown = np.ascontiguousarray(resized(frame, self.size))
        return shown.copy() if np.shares_memory(shown, frame) else shown

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        close = getattr(self._reader, "close", None)
        if close is not None:
            close()
        self._reader = self._pair = self._between = None
