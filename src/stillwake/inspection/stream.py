"""Frames and times out of a finished clip: exact, in windows, never all held."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stillwake.errors import ClipError
from stillwake.types import Clip, Pixels

if TYPE_CHECKING:
    import av

SEARCH_RATHER = 250
"""Frames from which searching the file is quicker than decoding on: x264 sets a key frame every 250 at the latest."""

ROUNDED = Fraction(101, 100)
"""Ticks by which a frame of a constant rate may be off its place, in a container whose clock rounds its time."""

Span = tuple[float, float]
"""(start, end) in seconds; the end is outside."""


def lying_in(values: npt.NDArray[Any], spans: Iterable[tuple[float, float]]) -> npt.NDArray[np.bool_]:
    """Which of some values, (N,) and ascending, lie in any of the spans, both ends of which belong to it."""
    inside = np.zeros(len(values), bool)
    for first, last in spans:
        inside[np.searchsorted(values, first) : np.searchsorted(values, last, side="right")] = True
    return inside


@dataclass(frozen=True, slots=True)
class Timing:
    """When each frame is shown, read from the packets without decoding.

    ``ticks`` the frames' presentation times in order, in units of ``tick`` seconds; ``direct`` whether a frame can
    be found in the file by its time; ``even`` whether frames come at the clip's rate, each at index / fps as far as
    the container's clock can say it. Where they do not, each frame keeps its own time.
    """

    ticks: tuple[int, ...]
    tick: Fraction
    direct: bool
    even: bool = True

    def seconds(self, index: int) -> Fraction:
        """When the frame appears, in seconds after the first."""
        return (self.ticks[index] - self.ticks[0]) * self.tick

    def worst(self, fps: Fraction) -> tuple[Fraction, int]:
        """How far the frame that is furthest from index / fps is from it in seconds, and which one it is."""
        if not self.ticks:
            return Fraction(0), 0
        # In whole numbers: two hours are 200,000 frames.
        frame = self.tick * fps
        up, down, first = frame.numerator, frame.denominator, self.ticks[0]
        apart, index = max((abs((tick - first) * up - index * down), index) for index, tick in enumerate(self.ticks))
        return Fraction(apart, down) / fps, index

    def middles(self, fps: Fraction) -> list[float]:
        """The middle of the time that each frame is shown, in seconds; the last one lasts a frame of the rate."""
        step = float(1 / fps)
        if self.even:
            return [(index + 0.5) * step for index in range(len(self.ticks))]
        tick, first = float(self.tick), self.ticks[0] if self.ticks else 0
        begin = [(each - first) * tick for each in self.ticks]
        return [(here + after) / 2 for here, after in zip(begin, [*begin[1:], begin[-1] + step], strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A decoded frame: its index, the middle of the time it is shown in seconds, and (H, W, 3) uint8 RGB.

    Where the frames do not come evenly, the index counts the pictures in the file, and the time is their own.
    """

    index: int
    time: float
    pixels: Pixels


def timing(clip: Clip) -> Timing:
    """When each frame of a clip is shown; of a folder of pictures, and of most animations, as its fps says.

    Raises
    ------
    stillwake.errors.ClipError
        It cannot be read.
    """
    from stillwake.media import is_animation

    if clip.path.is_dir() or "%" in clip.path.name or is_animation(clip.path):
        return Timing(tuple(range(clip.info.frame_count)), 1 / clip.info.fps, direct=False)
    from stillwake.media.containers import foreign_errors, opened_container, tells_times
    from stillwake.media.video import film_stream

    what = _what(clip)
    try:
        with opened_container(clip.path, what, ClipError, "a video", animated=True) as opened:
            video = film_stream(opened, what)
            tick = Fraction(video.time_base or 1)
            packets, by_time = opened.container.demux(video), tells_times(opened)
            found = [(p.pts, p.dts) for p in packets if p.size and not p.is_discard]
    except foreign_errors() as error:
        raise ClipError(what, "it is damaged or cut off", "export it again") from error
    stamped = [pts for pts, _ in found if pts is not None]
    if len(stamped) == len(found) and by_time:
        times = Timing(tuple(sorted(stamped)), tick, direct=len(set(stamped)) == len(stamped))
    else:
        dts = [stamp for pair in found if (stamp := pair[0] if pair[0] is not None else pair[1]) is not None]
        whole = dts if len(dts) == len(found) else range(len(found))
        times = Timing(tuple(sorted(whole)), tick if whole is dts else 1 / clip.info.fps, direct=False)
    fps = clip.info.fps
    even = len(times.ticks) == clip.info.frame_count and times.worst(fps)[0] <= times.tick * ROUNDED
    return Timing(times.ticks, times.tick, times.direct, even)


def frames_within(clip: Clip, times: Timing, spans: tuple[Span, ...]) -> Iterator[Shown]:
    """The frames whose middle lies in one of the spans, in order; spans are ordered and do not overlap.

    Each is valid until the next is asked for. Between spans the file is searched, where that is possible.

    Raises
    ------
    stillwake.errors.ClipError
        It cannot be read, or is damaged; raised where the damage is.
    """
    from stillwake.media import is_animation

    middles = times.middles(clip.info.fps)
    runs = [(bisect_left(middles, start), bisect_left(middles, end)) for start, end in spans]
    runs = [(first, last) for first, last in runs if last > first]
    film = not (clip.path.is_dir() or "%" in clip.path.name or is_animation(clip.path))
    for index, pixels in _film(clip, times, runs) if film else _streamed(clip, runs):
        yield Shown(index, middles[index], pixels)


def _streamed(clip: Clip, runs: list[tuple[int, int]]) -> Iterator[tuple[int, Pixels]]:
    from stillwake.media import read_frames

    wanted = iter(runs)
    first, last = next(wanted, (0, 0))
    for index, pixels in enumerate(read_frames(clip)):
        if index >= last:
            first, last = next(wanted, (0, 0))
            if last == 0:
                return
        if index >= first:
            yield index, pixels


def _film(clip: Clip, times: Timing, runs: list[tuple[int, int]]) -> Iterator[tuple[int, Pixels]]:
    from stillwake.media.containers import opened_container
    from stillwake.media.video import ToRgb, film_stream

    what, count = _what(clip), len(times.ticks)
    place = {tick: index for index, tick in enumerate(times.ticks)} if times.direct else {}
    rgb = ToRgb((clip.info.width, clip.info.height), what, exact=False)
    with opened_container(clip.path, what, ClipError, "a video", animated=True) as opened:
        stream = film_stream(opened, what)
        stream.thread_type = "AUTO"
        frames, at = _decoded(opened.container, stream, what), -1
        for first, last in runs:
            if times.direct and first - at > SEARCH_RATHER:
                frames.close()
                opened.container.seek(times.ticks[first], stream=stream, backward=True, any_frame=False)
                frames = _decoded(opened.container, stream, what)
            for frame in frames:
                # Of a duplicated or missing time the order is all that is known.
                at = place.get(frame.pts, at + 1) if frame.pts is not None else at + 1
                if first <= at < last:
                    if frame.is_corrupt:  # before, it may be one that refers to what lies before the place searched
                        raise _damaged(frame, what)
                    yield at, rgb(frame)
                if at >= last - 1:
                    break
            else:
                raise ClipError(what, f"only {at + 1} of {count} frames can be decoded", "export or download it again")


def _decoded(
    container: av.container.InputContainer, stream: av.VideoStream, what: str
) -> Generator[av.VideoFrame, None, None]:
    from stillwake.media.containers import foreign_errors

    frame = None
    try:
        for frame in container.decode(stream):
            yield frame
    except foreign_errors() as error:
        raise _damaged(frame, what) from error


def _damaged(frame: av.VideoFrame | None, what: str) -> ClipError:
    where = "" if frame is None or frame.time is None else f" near {frame.time:.1f} s"
    return ClipError(what, f"it is damaged{where}", "export or download it again")


def _what(clip: Clip) -> str:
    return f"Cannot inspect {clip.info.name}"
