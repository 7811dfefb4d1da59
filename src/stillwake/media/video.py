"""Clips out and in: films, animations, or a sequence of PNG pictures with its sound beside them.

Frames are drawn in the caller's thread and encoded in another, with a short queue between them, so that drawing
hides behind encoding. Every time is an integer index and a Fraction.

Colours: stills are sRGB; a film carries BT.709 with limited range, converted so and tagged so, with sRGB's
transfer curve taken for BT.709's as every camera and player does.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import wave
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from stillwake.errors import ClipError, OutputError, StillError
from stillwake.media.animations import (
    AVIF_QUALITY,
    FEWEST_COLOURS,
    WEBP_QUALITY,
    Apng,
    Avif,
    Gif,
    Palette,
    Sampler,
    WebP,
)
from stillwake.media.containers import (
    LARGEST_FILE,
    LONGEST_SECONDS,
    MOST_PIXELS,
    Opened,
    check_whole,
    decodable,
    foreign_errors,
    is_moving,
    opened_container,
    sound_in_words,
    tells_times,
    whole_length,
)
from stillwake.media.encoding import Frames, Sink, Takes, encode, fit, writing
from stillwake.media.files import (
    SEQUENCE_SOUND,
    PictureSequence,
    as_sequence,
    opened_input,
    shown,
    whole_file,
    whole_folder,
)
from stillwake.media.films import X264_WORST, Film, encoder_options
from stillwake.media.formats import carries_alpha, check_clip_output, format_of
from stillwake.media.moving_pictures import is_moving_picture, looked_through, pictures
from stillwake.media.sound import measured_sound
from stillwake.media.stills import read_png
from stillwake.media.wide import BT2020, HDR, Wide
from stillwake.types import Clip, ClipInfo, Pixels, Progress, Size, Sound, no_progress

if TYPE_CHECKING:
    import av

Picture = TypeVar("Picture")

MILLISECOND = Fraction(1, 1000)

PICTURE_BYTES = 256 * 2**20
"""Largest PNG of a sequence."""

PNG_LEVEL = 3
"""zlib's level for sequences."""

RATE_KEY = "frames-per-second"
"""The text in each PNG of a sequence that says how fast it runs; a sequence has no other place for it."""

FASTEST = 240
"""Frames a second, the limit of `stillwake.types.Rate`."""

SLOWEST = Fraction(1, 60)
"""Frames a second: a clip that shows a picture for minutes is a slide show, or damaged."""

MOSTLY = 0.75
"""Share of frames that must follow the one before after one frame's time, where some are missing from a rate."""

COARSEST = Fraction(1, 8)
"""A frame's share that a tick of the container's clock may be, to tell a missing frame from one that comes late."""

USUAL_RATES = tuple(
    Fraction(rate) for rate in ("25", "30", "30000/1001", "24", "24000/1001", "60", "60000/1001", "50", "15", "12")
)
"""Frames a second to try where a container neither names its rate nor counts finely enough to measure it."""


def write_clip(
    path: str | os.PathLike[str],
    frames: Frames,
    *,
    fps: Fraction,
    frame_count: int,
    size: Size,
    sound: Sound | None = None,
    loop: bool = False,
    repeat: int = 1,
    max_bytes: int | None = None,
    overwrite: bool = False,
    on_progress: Progress = no_progress,
    preset: str = "medium",
    crf: int = 18,
) -> Clip:
    """The finished clip; the file is whole or not there at all.

    Parameters
    ----------
    path
        Its ending is the format, one of `CLIP_ENDINGS`: ``.mp4`` (H.264), ``.webm`` (VP9), ``.mov`` (ProRes 4444),
        ``.gif``, ``.webp``, ``.apng``, ``.avif``; or ``folder/%05d.png`` for a lossless sequence, with ``sound.wav``
        in the same folder.
    frames
        (H, W, 3) uint8 RGB arrays, or (H, W, 4) with straight alpha where the format carries it, each of which needs
        to hold only until the next is asked for; drawn in the caller's thread. Or a function that gives them anew
        each time: GIF, ``repeat`` and ``max_bytes`` need them several times. Of an iterator a lossless copy is kept
        on the disk meanwhile.
    fps
        Frames a second, exact; each frame lasts the same. GIF counts in hundredths of a second and WebP in
        thousandths: there each frame begins at the nearest.
    frame_count
        How many frames there will be.
    size
        (width, height) px; even for MP4.
    sound
        Starts with the first frame; longer than the picture, it is written to its end.
    loop
        Whether a GIF, WebP, APNG or AVIF runs for ever; once otherwise. Films cannot say it.
    repeat
        How many times over the frames are written.
    max_bytes
        The largest file that will do; quality is given up as far as that needs.
    overwrite
        Whether a file there may be replaced.
    on_progress
        Called as ``("render", done, total)`` in the caller's thread after each frame; where the frames are gone
        through again, as ``("encode", done, total)``, each time from 1 on.
    preset, crf
        x264's; VP9 takes the same share of its own scale of CRF.

    Raises
    ------
    stillwake.errors.UsageError
        The name ends with nothing we write, or that format cannot carry the sound, the transparency or the rate.
    stillwake.errors.OutputError
        The file cannot be written: it exists, no folder, disk full, larger than ``max_bytes`` whatever is given up.
    ValueError
        The frames differ from what was said, or the size is odd: the caller's mistake.
    """
    path = Path(path)
    total = frame_count * repeat
    if frame_count < 1:
        raise ValueError(f"frame_count must be at least 1, not {frame_count}")
    if repeat < 1:
        raise ValueError(f"repeat must be at least 1, not {repeat}")
    check_clip_output(path, overwrite, fps=fps, frame_count=total, sound=sound is not None, max_bytes=max_bytes)
    sequence = as_sequence(path)
    width, height = size
    even = format_of(path).even
    if width < 2 or height < 2 or (even and (width % 2 or height % 2)):
        raise ValueError(f"size must be {'even and ' if even else ''}at least 2 × 2 px, not {width} × {height}")
    if not SLOWEST <= fps <= FASTEST or fps.numerator > 10**6:
        raise ValueError(
            f"fps must lie between {SLOWEST} and {FASTEST}, a ratio of numbers up to a million, not {fps}"
        )
    what = f"Cannot write {shown(path)}"
    again = repeat > 1 or max_bytes is not None or path.suffix.lower() == ".gif"
    with (
        whole_folder(path, overwrite) if sequence else whole_file(path, overwrite) as part,
        Takes(frames, frame_count, size, path=path, folder=part.parent, again=again) as takes,
    ):
        if takes.alpha and not carries_alpha(path):
            check_clip_output(path, overwrite, alpha=True)
        work = _Work(takes, repeat, on_progress)
        if sequence:
            work.encode(_Pictures(part, path, sequence, fps, sound))
        else:
            _write_file(part, path, work, fps, sound, loop, max_bytes, preset, crf)
        try:
            if sequence:
                facts, digest = _probe_sequence(part, sequence, what), _sequence_digest(part, sequence, what)
            else:
                facts, digest = _probe(part, what, fps), _digest(part, what)
        except ClipError as error:
            raise OutputError(what, f"what was written does not read back ({error.why})", "check the disk") from error
        if facts.frame_count != total:
            raise OutputError(what, f"only {facts.frame_count} of {total} frames arrived", "check the disk")
        if path.suffix.lower() in (".gif", ".webp"):
            facts = replace(facts, fps=fps)  # their times are rounded, so a short one does not say its rate
    return Clip(path=path, info=facts.info(_clip_name(path, sequence), digest))


class _Work:
    """A clip's frames, repeated, going through one encoder after the other, and how far they are."""

    def __init__(self, takes: Takes, repeat: int, on_progress: Progress) -> None:
        self.takes, self.repeat, self.on_progress = takes, repeat, on_progress
        self.size, self.alpha = takes.size, takes.alpha
        self.frame_count = takes.frame_count
        self.total = takes.frame_count * repeat
        self.stage = "render"

    def encode(self, sink: Sink) -> None:
        """Write all frames, as often as they repeat."""
        stage, self.stage = self.stage, "encode"
        frames = (pixels for _ in range(self.repeat) for pixels in self.takes())
        encode(sink, frames, stage, self.total, self.on_progress)

    def sample(self) -> Pixels:
        """Some pixels of all the frames, (N, 3)."""
        stage, self.stage = self.stage, "encode"
        sampler = Sampler(self.frame_count, self.size)
        for index, pixels in enumerate(self.takes()):
            sampler.look(index, pixels)
            self.on_progress(stage, index + 1, self.frame_count)
        return sampler.pixels


def _write_file(
    part: Path,
    path: Path,
    work: _Work,
    fps: Fraction,
    sound: Sound | None,
    loop: bool,
    max_bytes: int | None,
    preset: str,
    crf: int,
) -> None:
    """Write the clip to ``part``, in the format of ``path``, with the least loss that meets the limit."""
    ending = path.suffix.lower()
    size, alpha, total = work.size, work.alpha, work.total
    losses, halving = (0.0, 0.0), 1.0
    sink: Callable[[Path, float], Sink]
    match ending:
        case ".gif":
            sample = work.sample()

            def sink(part: Path, loss: float) -> Sink:
                palette = Palette.of(sample, max(FEWEST_COLOURS, round(256 / 2**loss) - 1))
                return Gif(part, path, size, fps, palette=palette, loop=loop)

            losses, halving = (0.0, 6.0), 3.0
        case ".webp" | ".avif":
            kind, best = (WebP, WEBP_QUALITY) if ending == ".webp" else (Avif, AVIF_QUALITY)

            def sink(part: Path, loss: float) -> Sink:
                return kind(part, path, fps, frame_count=total, quality=round(best - loss), loop=loop)

            losses, halving = (0.0, float(best)), 25.0
        case ".apng":

            def sink(part: Path, loss: float) -> Sink:
                return Apng(part, path, size, fps, frame_count=total, alpha=alpha, loop=loop)

        case _:

            def sink(part: Path, loss: float) -> Sink:
                options = encoder_options(ending, preset, loss, alpha)
                return Film(part, path, size, fps, sound=sound, alpha=alpha, options=options)

            losses, halving = (float(crf), float(X264_WORST)), 6.0
    if not format_of(path).shrinks:
        losses = losses[0], losses[0]
    what = f"Cannot write {shown(path)}"
    fit(part, max_bytes, lambda part, loss: work.encode(sink(part, loss)), losses=losses, halving=halving, what=what)


# --------------------------------------------------------------------------------------------- PNG sequence, written


class _Pictures:
    """A folder of PNG pictures being written, with the sound beside them."""

    def __init__(
        self, folder: Path, path: Path, sequence: PictureSequence, fps: Fraction, sound: Sound | None
    ) -> None:
        self.folder, self.path, self.sequence, self.fps, self.sound = folder, path, sequence, fps, sound

    def __enter__(self) -> Self:
        from PIL import PngImagePlugin

        self.text = PngImagePlugin.PngInfo()
        self.text.add_text(RATE_KEY, str(self.fps))
        return self

    def take(self, pixels: Pixels) -> Pixels:
        """A copy of the frame."""
        return pixels.copy()

    def write(self, frames: Iterator[Pixels]) -> None:
        """Write each picture, then the sound."""
        from PIL import Image

        for index, frame in enumerate(frames):
            with writing(self.path):
                Image.fromarray(frame).save(
                    self.folder / self.sequence.name(index), "PNG", compress_level=PNG_LEVEL, pnginfo=self.text
                )
        if self.sound is None:
            return
        with writing(self.path), wave.open(str(self.folder / SEQUENCE_SOUND), "wb") as file:
            file.setparams((self.sound.channels, 2, self.sound.rate, 0, "NONE", ""))
            for block in self.sound.blocks():
                file.writeframes(block.astype("<i2", copy=False).tobytes())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing: the folder itself is removed by whoever made it."""


# --------------------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class _Facts:
    """What probing found: upright size, frames a second, how many frames, the sound in words."""

    size: Size
    fps: Fraction
    frame_count: int
    sound: str | None

    def info(self, name: str, digest: str) -> ClipInfo:
        """The clip as a record names it."""
        return ClipInfo(
            name=name, sha256=digest, width=self.size[0], height=self.size[1], fps=self.fps,
            frame_count=self.frame_count, seconds=float(self.frame_count / self.fps), sound=self.sound,
        )  # fmt: skip


def open_clip(path: str | os.PathLike[str]) -> Clip:
    """The clip: size, exact frames a second, frames counted, what sound it has. Its frames stay in the file.

    Parameters
    ----------
    path
        A video file, an animation (GIF, WebP, APNG, AVIF), a picture sequence such as ``frames/%05d.png``, or the
        folder that holds one.

    Raises
    ------
    stillwake.errors.ClipError
        No picture in it, damaged, cut off, too long, too large, or not readable.
    """
    path = Path(path)
    what = f"Cannot open {shown(path)}"
    if sequence := _found_sequence(path, what):
        facts = _probe_sequence(sequence.folder, sequence, what)
        return Clip(
            path=path, info=facts.info(_clip_name(path, sequence), _sequence_digest(sequence.folder, sequence, what))
        )
    digest = _digest(path, what)
    return Clip(path=path, info=_probe(path, what).info(shown(path), digest))


def read_frames(clip: Clip | str | os.PathLike[str]) -> Iterator[Pixels]:
    """Every frame in order, upright, (H, W, 3) uint8 RGB, each an array of its own.

    A clip whose pictures do not last equally long comes at its mean rate: each frame is the picture that is to be
    seen at its middle.

    Raises
    ------
    stillwake.errors.ClipError
        The clip is damaged or has changed; raised where the damage is, after the frames before it.
    """
    if not isinstance(clip, Clip):
        clip = open_clip(clip)
    what = f"Cannot read {shown(clip.path)}"
    if sequence := _found_sequence(clip.path, what):
        return _read_sequence(sequence, clip.info, what)
    return _read_moving_picture(clip, what) if is_moving_picture(clip.path) else _read_film(clip, what)


def clip_sound(path: str | os.PathLike[str]) -> Sound | None:
    """The clip's sound from its first picture on, or None when it has none.

    Raises
    ------
    stillwake.errors.ClipError
        The clip or its sound is damaged, cut off, or not readable.
    """
    path = Path(path)
    what = f"Cannot open {shown(path)}"
    if sequence := _found_sequence(path, what):
        beside = sequence.folder / SEQUENCE_SOUND
        return measured_sound(beside, what, ClipError) if beside.exists() else None
    if is_moving_picture(path):
        return None
    with opened_container(path, what, ClipError, "a video", animated=True) as opened:
        if not opened.container.streams.audio:
            return None
    return measured_sound(path, what, ClipError)


def _clip_name(path: Path, sequence: PictureSequence | None) -> str:
    """What a record calls the clip: the file's name, or the folder's."""
    return shown(sequence.folder.resolve()) if sequence else shown(path)


def _digest(path: Path, what: str) -> str:
    with opened_input(path, what, ClipError, LARGEST_FILE) as file:
        try:
            return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ClipError(what, f"the disk cannot read it ({error.strerror})", "copy it and try the copy") from error


def _probe(path: Path, what: str, known: Fraction | None = None) -> _Facts:
    """Read every frame's time and decode the first picture; ``known`` is the rate where it was written just now."""
    return _probe_pictures(path, what, known) if is_moving_picture(path) else _probe_film(path, what)


def _probe_pictures(path: Path, what: str, known: Fraction | None) -> _Facts:
    found = looked_through(path, what)
    with closing(pictures(path, found, what)) as decoded:
        next(decoded)
    if found.exact and len(set(found.lasting)) == 1 and SLOWEST <= 1 / found.lasting[0] <= FASTEST:
        return _Facts(found.size, 1 / found.lasting[0], len(found.lasting), None)
    times = list(accumulate(found.lasting, initial=Fraction(0)))
    for fps in [known] if known else sorted(USUAL_RATES, key=lambda rate: (math.ceil(rate), rate.denominator)):
        # A picture that does not change is written once and lasts for several frames.
        frames = [round(time * fps) for time in times]
        if all(abs(time - frame / fps) <= MILLISECOND for time, frame in zip(times, frames, strict=True)) and all(
            frame < after for frame, after in pairwise(frames)
        ):
            return _Facts(found.size, fps, frames[-1], None)
    ticks = np.array([round(time / MILLISECOND) for time in times[:-1]], np.int64)
    fps, frame_count = _rate(ticks, MILLISECOND, [], what)
    return _Facts(found.size, fps, frame_count, None)


def _probe_film(path: Path, what: str) -> _Facts:
    foreign = foreign_errors()
    with opened_container(path, what, ClipError, "a video", animated=True) as opened:
        container = opened.container
        stream = film_stream(opened, what)
        times: list[int] = []
        first: av.VideoFrame | None = None
        end = Fraction(0)
        try:
            for packet in container.demux():
                stamp = packet.pts if packet.pts is not None else packet.dts
                if stamp is not None and packet.time_base:
                    end = max(end, (stamp + (packet.duration or 0)) * packet.time_base)
                if packet.stream_index != stream.index:
                    continue
                if packet.size and not packet.is_discard:
                    times.append(stamp if stamp is not None else len(times))
                    if len(times) > LONGEST_SECONDS * 240:
                        raise ClipError(what, f"it is longer than {LONGEST_SECONDS // 3600} hours", "cut it")
                if first is None:
                    first = next(iter(stream.decode(packet)), None)
        except foreign as error:
            raise ClipError(what, "it is damaged or cut off", "export it again") from error
        if (whole := whole_length(opened)) is not None:
            check_whole(whole, end, what, ClipError)
        if first is None or not times:
            raise ClipError(what, "there is no picture in it that can be decoded", "export it again")
        size = _upright_size(first)
        if size[0] * size[1] > MOST_PIXELS:
            raise ClipError(what, f"its frames are {size[0]} × {size[1]} px", "make it smaller")
        named = [
            Fraction(rate.numerator, rate.denominator)
            for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate)
            if rate is not None and rate.denominator  # a damaged file may say 1/0
        ]
        tick = stream.time_base or Fraction(1, 1000)
        fps, frame_count = _rate(np.sort(np.array(times, np.int64)), tick, named, what)
        if frame_count > LONGEST_SECONDS * fps:
            raise ClipError(what, f"it is longer than {LONGEST_SECONDS // 3600} hours", "cut it")
        heard = next(iter(container.streams.audio), None)
        return _Facts(size, fps, frame_count, None if heard is None else sound_in_words(heard))


def film_stream(opened: Opened, what: str) -> av.VideoStream:
    """The stream whose pictures are read: the first film, no cover and no thumbnail.

    Raises
    ------
    stillwake.errors.ClipError
        There is none, or none that we decode.
    """
    container = opened.container
    moving = [stream for stream in container.streams.video if is_moving(stream)]
    # Before its film an AVIF has a picture for those who show one only.
    stream = next((stream for stream in moving if stream.frames > 1), moving[0] if moving else None)
    if stream is None:
        why = "it is a sound without a picture" if container.streams.audio else "there is no picture in it"
        raise ClipError(what, why, "give a video")
    if not decodable(stream) or not stream.time_base:
        raise ClipError(what, "its picture is in a format we do not decode", "save it as H.264 in MP4")
    return stream


def _rate(times: npt.NDArray[np.int64], tick: Fraction, named: list[Fraction], what: str) -> tuple[Fraction, int]:
    """Frames a second and how many, from the frames' times in ticks, ascending, and the rates the container names.

    Evenly spaced times are exact when a tick is much finer than a frame. A container that counts in milliseconds
    rounds every time: then the rate it names, or a usual one, is believed if it explains every time within a tick.
    Where frames are missing, or a picture lasts for several, the rate is believed that puts every frame at a whole
    number of frames: the missing ones count. Times that no rate explains within half a frame come at their mean rate.
    """
    count, span = len(times), int(times[-1] - times[0])
    candidates = [rate for rate in (*named, *USUAL_RATES) if 0 < rate <= FASTEST]
    if count == 1:
        return candidates[0], 1
    mean = (count - 1) / (span * tick) if span > 0 else Fraction(0)
    if not SLOWEST <= mean <= FASTEST:
        raise ClipError(what, f"its frames' times say {float(mean):.3g} a second", "export it again")
    steps = np.diff(times)
    if (steps == steps[0]).all() and steps[0] >= 100:
        return mean, count
    frames = np.arange(count, dtype=np.float64)

    def off(rate: Fraction) -> float:
        return float(np.abs((times - times[0]) - frames * float(1 / (rate * tick))).max())

    for rate in candidates:
        if off(rate) <= 1.01:
            return rate, count
    for rate in candidates:
        exact = (times - times[0]) * float(rate * tick)
        places = np.rint(exact)
        steps = np.diff(places)
        # A frame must be some ticks long, or any rate would do; most frames must follow at once, or it is no rate.
        if rate * tick <= COARSEST and (np.abs(exact - places) <= 1.01 * float(rate * tick)).all():
            if (steps == 1).mean() >= MOSTLY and (steps >= 0).all():
                return rate, int(places[-1]) + 1
            break
    mean = mean.limit_denominator(1001)
    if off(mean) <= 0.5 / (mean * tick):
        return mean, count
    return mean, max(1, round((span * tick + 1 / mean) * mean))


def _turns(frame: av.VideoFrame) -> int:
    """Quarter turns, counterclockwise, that set a frame upright."""
    return round(frame.rotation / 90) % 4


def _upright_size(frame: av.VideoFrame) -> Size:
    return (frame.height, frame.width) if _turns(frame) % 2 else (frame.width, frame.height)


def _read_film(clip: Clip, what: str) -> Iterator[Pixels]:
    """The frames of a video file, one for each index, the picture that is seen at the frame's middle."""
    info = clip.info
    with (
        opened_container(clip.path, what, ClipError, "a video", animated=True) as opened,
        closing(_pictures(opened, what)) as found,
    ):
        timed = (
            _timed(found, what) if tells_times(opened) else ((Fraction(n) / info.fps, f) for n, f in enumerate(found))
        )
        yield from _paced(timed, info, ToRgb((info.width, info.height), what), what)


def _timed(found: Iterator[av.VideoFrame], what: str) -> Iterator[tuple[Fraction, av.VideoFrame]]:
    for number, frame in enumerate(found):
        if frame.pts is None or not frame.time_base:
            raise ClipError(what, f"frame {number} has no time", "export it again")
        yield frame.pts * frame.time_base, frame


def _read_moving_picture(clip: Clip, what: str) -> Iterator[Pixels]:
    """The frames of a WebP or APNG, likewise."""
    found = looked_through(clip.path, what)
    if found.size != (clip.info.width, clip.info.height):
        raise ClipError(what, "it has changed since it was opened", "start again")
    with closing(pictures(clip.path, found, what)) as frames:
        if len(found.lasting) == clip.info.frame_count:
            yield from frames
        else:
            times = accumulate(found.lasting, initial=Fraction(0))
            yield from _paced(zip(times, frames, strict=False), clip.info, np.copy, what)


def _paced(
    timed: Iterator[tuple[Fraction, Picture]], info: ClipInfo, convert: Callable[[Picture], Pixels], what: str
) -> Iterator[Pixels]:
    """One frame for each index: the picture that is seen at its middle, of pictures with the times they begin at."""
    seen: Picture | None = None
    zero = Fraction(0)
    given = 0
    for time, picture in timed:
        if seen is None:
            zero = time
        else:
            while given < info.frame_count and (given + Fraction(1, 2)) / info.fps < time - zero:
                yield convert(seen)
                given += 1
        seen = picture
    while seen is not None and given < info.frame_count:
        yield convert(seen)
        given += 1
    if given < info.frame_count:
        raise ClipError(what, "it has changed since it was opened", "start again")


def _pictures(opened: Opened, what: str) -> Generator[av.VideoFrame, None, None]:
    """Every picture that decodes, in the order they are seen; refuses the first that does not."""
    stream = film_stream(opened, what)
    stream.thread_type = "AUTO"
    foreign = foreign_errors()
    packets = frames = 0
    try:
        for packet in opened.container.demux(stream):
            packets += bool(packet.size and not packet.is_discard)
            for frame in stream.decode(packet):
                if frame.is_corrupt:
                    raise ClipError(what, f"frame {frames} is damaged", "export it again")
                frames += 1
                yield frame
    except foreign as error:
        raise ClipError(what, f"it is damaged near frame {frames}", "export it again") from error
    if frames < packets:
        raise ClipError(what, f"only {frames} of {packets} frames can be decoded", "export it again")


class ToRgb:
    """Converts decoded frames to RGB by their tags; untagged ones as players do, by their height.

    HDR (PQ or HLG) is brought to what a common screen shows, wide colours (BT.2020) to sRGB's; transparency is left
    out. ``exact`` is right to the level; without it a frame is on average one level darker, at a fifth of the time.
    """

    def __init__(self, size: Size, what: str, *, exact: bool = True) -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        self.size, self.what = size, what
        self.reformatter = VideoReformatter()
        self.foreign = foreign_errors()
        # Without both flags swscale's answer is up to three levels too dark.
        careful = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
        self.interpolation = Interpolation.BILINEAR | (careful if exact else 0)
        self.wide: tuple[tuple[int, bool], Wide] | None = None

    def __call__(self, frame: av.VideoFrame) -> Pixels:
        """The frame upright, (H, W, 3) uint8.

        Raises
        ------
        stillwake.errors.ClipError
            It has another size than the clip, or colours that cannot be converted.
        """
        if _upright_size(frame) != self.size:
            raise ClipError(self.what, "its frames change their size", "export it again")
        transfer, primaries = int(frame.color_trc), int(frame.color_primaries)
        kind = (transfer, primaries == BT2020)
        try:
            if transfer in HDR or primaries == BT2020:
                if self.wide is None or self.wide[0] != kind:
                    self.wide = kind, Wide(*kind)
                pixels = self.wide[1](self._planes(frame, "rgb48le"))
            else:
                pixels = self._planes(frame, "rgb24")
        except self.foreign as error:
            raise ClipError(self.what, "its colours are in a format we do not convert", "save it as H.264") from error
        turns = _turns(frame)
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels

    def _planes(self, frame: av.VideoFrame, layout: str) -> npt.NDArray[Any]:
        from av.video.reformatter import ColorRange, Colorspace

        matrices = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 7: Colorspace.SMPTE240M,
                    9: Colorspace.BT2020, 10: Colorspace.BT2020}  # fmt: skip
        # Untagged: BT.709 from 720 lines on, BT.601 below, the rule of ITU-R BT.709 and BT.601's own domains.
        matrix = matrices.get(frame.colorspace, Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601)
        full = frame.color_range == 2 or frame.format.name.startswith("yuvj") or frame.format.is_rgb
        converted = self.reformatter.reformat(
            frame,
            format=layout,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=self.interpolation,
            threads=1,
        )
        return np.asarray(converted.to_ndarray())


# ------------------------------------------------------------------------------------------------ PNG sequence, read


def _found_sequence(path: Path, what: str) -> PictureSequence | None:
    """The sequence a path means: a pattern, or a folder whose pictures are numbered."""
    if sequence := as_sequence(path):
        return sequence
    try:
        if not path.is_dir():
            return None
        names = sorted(entry.name for entry in os.scandir(path) if entry.name.lower().endswith(".png"))
    except (OSError, ValueError):
        return None
    found = re.fullmatch(r"(.*?)(\d+)(\.png)", names[0], re.IGNORECASE) if names else None
    if found is None:
        raise ClipError(what, "it is a folder without numbered PNG pictures", "name a video, or such a folder")
    digits = len(found[2]) if found[2].startswith("0") else 1
    return PictureSequence(path, found[1], digits, found[3])


def _indices(folder: Path, sequence: PictureSequence, what: str) -> range:
    """The frames' indices; the first may be any."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(index for entry in entries if (index := sequence.index(entry.name)) is not None)
    except OSError as error:
        raise ClipError(what, f"its folder does not open ({error.strerror})", "check the path") from error
    if not found:
        raise ClipError(what, "there are no such pictures in the folder", "check the pattern")
    expected = range(found[0], found[0] + len(found))
    if found[-1] != expected[-1]:
        lost = next(index for index, there in zip(expected, found, strict=True) if index != there)
        raise ClipError(what, f"{sequence.name(lost)} is missing", "write the sequence again")
    return expected


def _sequence_digest(folder: Path, sequence: PictureSequence, what: str) -> str:
    """SHA-256 of all pictures' bytes, one after the other."""
    digest = hashlib.sha256()
    for index in _indices(folder, sequence, what):
        with opened_input(folder / sequence.name(index), what, ClipError, PICTURE_BYTES) as file:
            digest.update(file.read())
    return digest.hexdigest()


def _probe_sequence(folder: Path, sequence: PictureSequence, what: str) -> _Facts:
    indices = _indices(folder, sequence, what)
    pixels, rate = _read_picture(folder / sequence.name(indices[0]), what)
    sound = None
    if (beside := folder / SEQUENCE_SOUND).exists():
        with opened_container(beside, what, ClipError, "a sound") as opened:
            if opened.container.streams.audio:
                sound = sound_in_words(opened.container.streams.audio[0])
    return _Facts((pixels.shape[1], pixels.shape[0]), rate, len(indices), sound)


def _read_sequence(sequence: PictureSequence, info: ClipInfo, what: str) -> Iterator[Pixels]:
    indices = _indices(sequence.folder, sequence, what)
    if len(indices) != info.frame_count:
        raise ClipError(what, "it has changed since it was opened", "start again")
    for index in indices:
        pixels, _ = _read_picture(sequence.folder / sequence.name(index), what)
        if pixels.shape != (info.height, info.width, 3):
            raise ClipError(what, f"{sequence.name(index)} has another size", "write the sequence again")
        yield pixels


def _read_picture(path: Path, what: str) -> tuple[Pixels, Fraction]:
    """A picture of a sequence, and the frames a second it names, 25 when it names none."""
    try:
        pixels, text = read_png(path, PICTURE_BYTES)
    except StillError as error:
        raise ClipError(what, f"{shown(path)}: {error.why}", error.fix) from error
    try:
        rate = Fraction(text.get(RATE_KEY, "25"))
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= FASTEST:
        raise ClipError(what, f"{shown(path)} names a frame rate that makes no sense", "write the sequence again")
    return pixels, rate
