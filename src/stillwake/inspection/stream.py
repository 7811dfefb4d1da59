"""Frames and times out of a finished clip: exact, in windows, never all held."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from stillwake.errors import ClipError
from stillwake.types import Clip, Pixels

BT709_FROM_LINES = 720
"""An untagged picture of at least this many lines is read as BT.709, a smaller one as BT.601, as players do."""
SEARCH_RATHER = 250
"""Frames from which searching the file is quicker than decoding on: x264 sets a key frame every 250 at the latest."""

Span = tuple[float, float]
"""(start, end) in seconds; the end is outside."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When each frame is shown, read from the packets without decoding.

    ``ticks`` the frames' presentation times in order, in units of ``tick`` seconds; ``direct`` whether the frames
    can be decoded from anywhere as they lie in the file: it is a film, upright, at a constant rate.
    """

    ticks: tuple[int, ...]
    tick: Fraction
    direct: bool

    def seconds(self, index: int) -> Fraction:
        """When the frame appears, in seconds after the first."""
        return (self.ticks[index] - self.ticks[0]) * self.tick

    def worst(self, fps: Fraction) -> tuple[Fraction, int]:
        """How far the frame that is furthest from index / fps is from it in seconds, and which one it is."""
        return max(
            ((abs(self.seconds(index) - index / fps), index) for index in range(len(self.ticks))),
            default=(
                Fraction(0),
                0,
            ),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A decoded frame: its index, the middle of the time it is shown in seconds, and (H, W, 3) uint8 RGB."""

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
    from av.error import FFmpegError

    from stillwake.media import is_animation

    if clip.path.is_dir() or "%" in clip.path.name or is_animation(clip.path):
        return Timing(tuple(range(clip.info.frame_count)), 1 / clip.info.fps, direct=False)
    import av

    try:
        with av.open(str(clip.path)) as box:
            video = box.streams.video[0]
            tick = Fraction(video.time_base or 1)
            ticks = [p.pts for p in box.demux(video) if p.pts is not None and p.size and not p.is_discard]
        with av.open(str(clip.path)) as box:
            upright = next((frame.rotation == 0 for frame in box.decode(video=0)), False)
    except (OSError, FFmpegError, IndexError) as error:
        raise _unreadable(clip, error) from error
    found = Timing(tuple(sorted(ticks)), tick, direct=False)
    steady = len(ticks) == clip.info.frame_count and found.worst(clip.info.fps)[0] <= max(tick, 1 / clip.info.fps / 4)
    return Timing(found.ticks, tick, direct=upright and steady)


def frames_within(clip: Clip, times: Timing, spans: tuple[Span, ...]) -> Iterator[Shown]:
    """The frames whose middle lies in one of the spans, in order; spans are ordered and do not overlap.

    Each is valid until the next is asked for. Between spans the file is searched, where that is possible.

    Raises
    ------
    stillwake.errors.ClipError
        It cannot be read.
    """
    step = float(1 / clip.info.fps)
    middles = [(index + 0.5) * step for index in range(clip.info.frame_count)]
    runs = [(bisect_left(middles, start), bisect_left(middles, end)) for start, end in spans]
    runs = [(first, last) for first, last in runs if last > first]
    for index, pixels in _film(clip, times, runs) if times.direct else _streamed(clip, runs):
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
    import av
    from av.error import FFmpegError

    place = {tick: index for index, tick in enumerate(times.ticks)}
    try:
        with av.open(str(clip.path)) as box:
            stream = box.streams.video[0]
            stream.thread_type = "AUTO"
            frames, at = box.decode(stream), -1
            for first, last in runs:
                if first - at > SEARCH_RATHER:
                    box.seek(times.ticks[first], stream=stream, backward=True, any_frame=False)
                    frames = box.decode(stream)
                for frame in frames:
                    at = place.get(frame.pts, at) if frame.pts is not None else at
                    if at >= first:
                        yield at, rgb(frame)
                    if at >= last - 1:
                        break
    except (OSError, FFmpegError) as error:
        raise _unreadable(clip, error) from error


def rgb(frame: Any) -> Pixels:
    """A decoded frame as (H, W, 3) uint8 RGB, by the colour matrix it is tagged with."""
    from av.video.reformatter import Colorspace

    tagged = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 6: Colorspace.ITU601}.get(int(frame.colorspace))
    matrix = tagged or (Colorspace.ITU709 if frame.height >= BT709_FROM_LINES else Colorspace.ITU601)
    pixels: Pixels = frame.to_ndarray(format="rgb24", src_colorspace=matrix)
    return pixels


def _unreadable(clip: Clip, error: Exception) -> ClipError:
    return ClipError(f"Cannot inspect {clip.info.name}", f"it cannot be decoded ({error})", "render the clip again")
