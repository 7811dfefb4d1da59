"""Clips out and in: H.264 and AAC in MP4, or a sequence of PNG pictures with its sound beside them.

The only place that encodes. Frames are drawn in the caller's thread and encoded in another, with a short queue
between them, so that drawing hides behind encoding. Every time is an integer index and a Fraction.

Colours: stills are sRGB; a film carries BT.709 with limited range, converted so and tagged so, with sRGB's
transfer curve taken for BT.709's as every camera and player does.
"""

from __future__ import annotations

import hashlib
import os
import queue
import re
import threading
import wave
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from stillwake.errors import ClipError, OutputError, StillError, UsageError
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
)
from stillwake.media.files import (
    SEQUENCE_SOUND,
    PictureSequence,
    as_sequence,
    check_output,
    opened_input,
    shown,
    whole_file,
    whole_folder,
    writing_fault,
)
from stillwake.media.sound import RESAMPLER, as_frame, measured_sound
from stillwake.media.stills import read_png
from stillwake.types import Clip, ClipInfo, Pixels, Progress, Samples, Size, Sound, no_progress

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer

QUEUE = 4
"""Frames between drawing and encoding: enough to even out both, 12 MB at 1080p."""

ENCODER_THREADS = 4
"""Fixed, since x264's choices depend on it: the same frames give the same file on every machine. On two cores
four are as fast as two (measured by benchmarks/encode.py)."""

SOUND_LEAD = Fraction(1, 2)
"""Seconds of sound given to the muxer ahead of the picture, so that neither waits for the other."""

SOUND_BITS = {1: 112_000, 2: 192_000}
"""Bits a second of AAC by channels: FFmpeg's own guide calls 64 a channel its default and 96 transparent enough."""

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

USUAL_RATES = tuple(
    Fraction(rate) for rate in ("25", "30", "30000/1001", "24", "24000/1001", "60", "60000/1001", "50", "15", "12")
)
"""Frames a second to try where a container neither names its rate nor counts finely enough to measure it."""

BT709, LIMITED = 1, 1
"""H.273's codes for BT.709 (matrix, primaries and transfer alike) and FFmpeg's for limited range."""


def check_clip_output(path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Nothing: returns when a clip can be written there.

    Raises
    ------
    stillwake.errors.UsageError
        The name ends with nothing we write.
    stillwake.errors.OutputError
        As `check_output`.
    """
    if as_sequence(path) is None and Path(path).suffix.lower() != ".mp4":
        suffix = Path(path).suffix
        raise UsageError(
            f"Cannot write {shown(path)}",
            f"{suffix} is no format it writes" if suffix else "its name has no ending that tells the format",
            "end it with .mp4, or with /%05d.png for a sequence of pictures",
        )
    check_output(path, overwrite)


def write_clip(
    path: str | os.PathLike[str],
    frames: Iterator[Pixels],
    *,
    fps: Fraction,
    frame_count: int,
    size: Size,
    sound: Sound | None = None,
    overwrite: bool = False,
    on_progress: Progress = no_progress,
    preset: str = "medium",
    crf: int = 18,
) -> Clip:
    """The finished clip; the file is whole or not there at all.

    Parameters
    ----------
    path
        ``name.mp4``, or ``folder/%05d.png`` for a lossless sequence, with ``sound.wav`` in the same folder.
    frames
        (H, W, 3) uint8 RGB arrays, each of which needs to hold only until the next is asked for; drawn in the
        caller's thread.
    fps
        Frames a second, exact; each frame lasts the same.
    frame_count
        How many frames there will be.
    size
        (width, height) px; even for MP4.
    sound
        Starts with the first frame; longer than the picture, it is written to its end.
    overwrite
        Whether a file there may be replaced.
    on_progress
        Called as ``("render", done, frame_count)`` in the caller's thread after each frame.
    preset, crf
        x264's.

    Raises
    ------
    stillwake.errors.UsageError
        The name ends with nothing we write.
    stillwake.errors.OutputError
        The file cannot be written: it exists, no folder, disk full.
    ValueError
        The frames differ from what was said, or the size is odd: the caller's mistake.
    """
    path = Path(path)
    check_clip_output(path, overwrite)
    sequence = as_sequence(path)
    width, height = size
    if width < 2 or height < 2 or (not sequence and (width % 2 or height % 2)):
        raise ValueError(f"size must be even and at least 2 × 2 px, not {width} × {height}")
    if frame_count < 1:
        raise ValueError(f"frame_count must be at least 1, not {frame_count}")
    if not SLOWEST <= fps <= FASTEST or fps.numerator > 10**6:
        raise ValueError(
            f"fps must lie between {SLOWEST} and {FASTEST}, a ratio of numbers up to a million, not {fps}"
        )
    what = f"Cannot write {shown(path)}"
    with whole_folder(path, overwrite) if sequence else whole_file(path, overwrite) as part:
        sink: _Sink = (
            _Pictures(part, path, sequence, fps, sound)
            if sequence
            else _Film(part, path, size, fps, sound, preset, crf)
        )
        with sink:
            with _Encoding(sink) as encoding:
                _draw(iter(frames), encoding, frame_count, size, on_progress)
            sink.finish()
        try:
            if sequence:
                facts, digest = _probe_sequence(part, sequence, what), _sequence_digest(part, sequence, what)
            else:
                facts, digest = _probe(part, what), _digest(part, what)
        except ClipError as error:
            raise OutputError(what, f"what was written does not read back ({error.why})", "check the disk") from error
        if facts.frame_count != frame_count:
            raise OutputError(what, f"only {facts.frame_count} of {frame_count} frames arrived", "check the disk")
    return Clip(path=path, info=facts.info(_clip_name(path, sequence), digest))


def _draw(frames: Iterator[Pixels], encoding: _Encoding, frame_count: int, size: Size, on_progress: Progress) -> None:
    shape = (size[1], size[0], 3)
    for index in range(frame_count):
        pixels = next(frames, None)
        if pixels is None:
            raise ValueError(f"there are only {index} of {frame_count} frames")
        if pixels.shape != shape or pixels.dtype != np.uint8:
            raise ValueError(f"frame {index} must be {shape} uint8, not {pixels.shape} {pixels.dtype}")
        encoding.put(pixels)
        on_progress("render", index + 1, frame_count)
    if next(frames, None) is not None:
        raise ValueError(f"there are more than {frame_count} frames")


class _Sink(Protocol):
    """Where frames go. ``take`` runs in the drawing thread, ``write`` in the encoding one."""

    def take(self, pixels: Pixels) -> Any:
        """A copy of the frame, in whatever form ``write`` wants."""

    def write(self, taken: Any) -> None:
        """Encode the next frame."""

    def finish(self) -> None:
        """Write what is left; the file is complete."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _Encoding:
    """A thread that writes frames to a sink, fed through a short queue; as a context manager it leaves no thread."""

    def __init__(self, sink: _Sink) -> None:
        self.sink = sink
        self.frames: queue.Queue[Any] = queue.Queue(QUEUE)
        self.failure: BaseException | None = None
        self.abandoned = False
        self.thread = threading.Thread(target=self._write, name="stillwake encoder", daemon=True)

    def _write(self) -> None:
        while (taken := self.frames.get()) is not None:
            # After a failure the queue is still emptied, so that the drawing thread never waits for ever.
            if self.failure is None and not self.abandoned:
                try:
                    self.sink.write(taken)
                except BaseException as failure:  # whatever it is, it is raised again in the drawing thread
                    self.failure = failure

    def put(self, pixels: Pixels) -> None:
        """Hand a frame over, waiting while the queue is full; raises what the encoder raised."""
        taken = self.sink.take(pixels)
        if self.failure is not None:
            raise self.failure
        self.frames.put(taken)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandoned = kind is not None
        self.frames.put(None)
        self.thread.join()
        if kind is None and self.failure is not None:
            raise self.failure


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn what FFmpeg, Pillow and the system raise while writing into an OutputError."""
    try:
        yield
    except foreign_errors() as error:
        if isinstance(error, OSError) and error.errno:
            raise writing_fault(path, error) from error
        raise OutputError(
            f"Cannot write {shown(path)}", f"the encoder failed ({error})", "try another size"
        ) from error


# ---------------------------------------------------------------------------------------------------- MP4, written


class _Film:
    """An MP4 being written."""

    def __init__(
        self, part: Path, path: Path, size: Size, fps: Fraction, sound: Sound | None, preset: str, crf: int
    ) -> None:
        self.part, self.path, self.size, self.fps, self.sound = part, path, size, fps, sound
        self.options = {"preset": preset, "crf": str(crf)}
        self.index = 0

    def __enter__(self) -> Self:
        import av
        from av.video.reformatter import VideoReformatter

        with _writing(self.path):
            # "file:" keeps FFmpeg from reading a protocol into a name such as "a:b.mp4".
            self.container = av.open(f"file:{self.part}", "w", format="mp4", options={"movflags": "+faststart"})
            self.video = self.container.add_stream("libx264", rate=self.fps, options=self.options)
            context = self.video.codec_context
            context.width, context.height = self.size
            context.pix_fmt = "yuv420p"
            context.time_base = 1 / self.fps
            context.thread_count = ENCODER_THREADS
            context.colorspace = context.color_primaries = context.color_trc = BT709
            context.color_range = LIMITED
            self.reformatter = VideoReformatter()
            self.voice = _Voice(self.container, self.sound) if self.sound is not None else None
        return self

    def take(self, pixels: Pixels) -> av.VideoFrame:
        """The frame in YUV: converted here, it is half as many bytes to keep."""
        import av
        from av.video.reformatter import ColorRange, Colorspace, Interpolation

        with _writing(self.path):
            return self.reformatter.reformat(
                av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(pixels), format="rgb24"),
                format="yuv420p",
                src_colorspace=Colorspace.ITU709,
                dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.MPEG,
                interpolation=Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP,
                threads=1,
            )

    def write(self, taken: av.VideoFrame) -> None:
        """Encode the next frame, and the sound up to half a second past it."""
        with _writing(self.path):
            taken.pts, taken.time_base = self.index, 1 / self.fps
            if self.voice is not None:
                self.voice.write_until(self.index / self.fps + SOUND_LEAD)
            self._encode(taken)
            self.index += 1

    def finish(self) -> None:
        """Drain both encoders and move the index to the front."""
        with _writing(self.path):
            if self.voice is not None:
                self.voice.write_until(None)
            self._encode(None)
            self.container.close()

    def _encode(self, frame: av.VideoFrame | None) -> None:
        self.container.mux(self.video.encode(frame))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            # PyAV writes the index on closing, whatever happened; without a name there is nothing to rewrite.
            self.part.unlink(missing_ok=True)
            with suppress(*foreign_errors()):
                self.container.close()
        # The encoders hold threads and frames until they are collected: let go of them now.
        del self.container, self.video, self.voice


class _Voice:
    """The sound's stream in an MP4, resampled once and fed in step with the picture."""

    def __init__(self, container: OutputContainer, sound: Sound) -> None:
        import av

        # 44.1 kHz stays as it is; all else becomes 48 kHz, the rate of film.
        rate = sound.rate if sound.rate in (44_100, 48_000) else 48_000
        layout = "mono" if sound.channels == 1 else "stereo"
        self.container = container
        self.stream = container.add_stream("aac", rate=rate, layout=layout, bit_rate=SOUND_BITS[sound.channels])
        self.resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate, options=RESAMPLER)
        self.rate, self.given = sound.rate, 0
        self.blocks: Iterator[Samples] | None = sound.blocks()

    def write_until(self, seconds: Fraction | None) -> None:
        """Encode the sound up to that time, or all that is left."""
        while self.blocks is not None and (seconds is None or self.given < seconds * self.rate):
            block = next(self.blocks, None)
            if block is None:
                self.blocks = None
                self._encode(self.resampler.resample(None))
                self.container.mux(self.stream.encode(None))
                return
            frame = as_frame(block, self.rate)
            frame.pts, frame.time_base = self.given, Fraction(1, self.rate)
            self.given += len(block)
            self._encode(self.resampler.resample(frame))

    def _encode(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            self.container.mux(self.stream.encode(frame))


# --------------------------------------------------------------------------------------------- PNG sequence, written


class _Pictures:
    """A folder of PNG pictures being written, with the sound beside them."""

    def __init__(
        self, folder: Path, path: Path, sequence: PictureSequence, fps: Fraction, sound: Sound | None
    ) -> None:
        self.folder, self.path, self.sequence, self.fps, self.sound = folder, path, sequence, fps, sound
        self.index = 0

    def __enter__(self) -> Self:
        from PIL import PngImagePlugin

        self.text = PngImagePlugin.PngInfo()
        self.text.add_text(RATE_KEY, str(self.fps))
        return self

    def take(self, pixels: Pixels) -> Pixels:
        """A copy of the frame."""
        return pixels.copy()

    def write(self, taken: Pixels) -> None:
        """Write the next picture."""
        from PIL import Image

        with _writing(self.path):
            Image.fromarray(taken).save(
                self.folder / self.sequence.name(self.index), "PNG", compress_level=PNG_LEVEL, pnginfo=self.text
            )
            self.index += 1

    def finish(self) -> None:
        """Write the sound."""
        if self.sound is None:
            return
        with _writing(self.path), wave.open(str(self.folder / SEQUENCE_SOUND), "wb") as file:
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
        A video file, a picture sequence such as ``frames/%05d.png``, or the folder that holds one.

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
    return _read_film(clip, what)


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
    with opened_container(path, what, ClipError, "a video") as opened:
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


def _probe(path: Path, what: str) -> _Facts:
    """Read every packet's time and decode the first picture."""
    foreign = foreign_errors()
    with opened_container(path, what, ClipError, "a video") as opened:
        container = opened.container
        stream = _film_stream(opened, what)
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
        if opened.declared and container.duration:
            whole = Fraction(container.duration + (container.start_time or 0), 1_000_000)
            check_whole(whole, end, what, ClipError)
        if first is None or not times:
            raise ClipError(what, "there is no picture in it that can be decoded", "export it again")
        size = _upright_size(first)
        if size[0] * size[1] > MOST_PIXELS:
            raise ClipError(what, f"its frames are {size[0]} × {size[1]} px", "make it smaller")
        fps, frame_count = _rate(np.sort(np.array(times, np.int64)), stream, what)
        if frame_count > LONGEST_SECONDS * fps:
            raise ClipError(what, f"it is longer than {LONGEST_SECONDS // 3600} hours", "cut it")
        heard = next(iter(container.streams.audio), None)
        return _Facts(size, fps, frame_count, None if heard is None else sound_in_words(heard))


def _film_stream(opened: Opened, what: str) -> av.VideoStream:
    container = opened.container
    stream = next((stream for stream in container.streams.video if is_moving(stream)), None)
    if stream is None:
        why = "it is a sound without a picture" if container.streams.audio else "there is no picture in it"
        raise ClipError(what, why, "give a video")
    if not decodable(stream) or not stream.time_base:
        raise ClipError(what, "its picture is in a format we do not decode", "save it as H.264 in MP4")
    return stream


def _rate(times: npt.NDArray[np.int64], stream: av.VideoStream, what: str) -> tuple[Fraction, int]:
    """Frames a second and how many, from the packets' times in ticks, ascending.

    Evenly spaced times are exact when a tick is much finer than a frame. A container that counts in milliseconds
    rounds every time: then the rate it names, or a usual one, is believed if it explains every time within a tick.
    Times that no rate explains within half a frame come at their mean rate.
    """
    tick = stream.time_base or Fraction(1, 1000)
    count, span = len(times), int(times[-1] - times[0])
    named = [
        Fraction(rate.numerator, rate.denominator)
        for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate)
        if rate is not None and rate.denominator  # a damaged file may say 1/0
    ]
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
    size = (info.width, info.height)
    with (
        opened_container(clip.path, what, ClipError, "a video") as opened,
        closing(_pictures(opened, what)) as pictures,
    ):
        shown_frame: av.VideoFrame | None = None
        zero = Fraction(0)
        given = 0
        convert = _ToRgb(size, what)
        for frame in pictures:
            if frame.pts is None or not frame.time_base:
                raise ClipError(what, f"frame {given} has no time", "export it again")
            time = frame.pts * frame.time_base
            if shown_frame is None:
                zero = time
            else:
                while given < info.frame_count and (given + Fraction(1, 2)) / info.fps < time - zero:
                    yield convert(shown_frame)
                    given += 1
            shown_frame = frame
        while shown_frame is not None and given < info.frame_count:
            yield convert(shown_frame)
            given += 1
        if given < info.frame_count:
            raise ClipError(what, "it has changed since it was opened", "start again")


def _pictures(opened: Opened, what: str) -> Generator[av.VideoFrame, None, None]:
    """Every picture that decodes, in the order they are seen; refuses the first that does not."""
    stream = _film_stream(opened, what)
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


class _ToRgb:
    """Converts decoded frames to RGB by their tags; untagged ones as players do, by their height."""

    def __init__(self, size: Size, what: str) -> None:
        from av.video.reformatter import VideoReformatter

        self.size, self.what = size, what
        self.reformatter = VideoReformatter()
        self.foreign = foreign_errors()

    def __call__(self, frame: av.VideoFrame) -> Pixels:
        from av.video.reformatter import ColorRange, Colorspace, Interpolation

        if _upright_size(frame) != self.size:
            raise ClipError(self.what, "its frames change their size", "export it again")
        matrices = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 7: Colorspace.SMPTE240M,
                    9: Colorspace.BT2020, 10: Colorspace.BT2020}  # fmt: skip
        # Untagged: BT.709 from 720 lines on, BT.601 below, the rule of ITU-R BT.709 and BT.601's own domains.
        matrix = matrices.get(frame.colorspace, Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601)
        full = frame.color_range == 2 or frame.format.name.startswith("yuvj") or frame.format.is_rgb
        try:
            rgb = self.reformatter.reformat(
                frame,
                format="rgb24",
                src_colorspace=matrix,
                dst_colorspace=matrix,
                src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
                dst_color_range=ColorRange.JPEG,
                # Without both flags swscale's answer is up to three levels too dark.
                interpolation=Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT,
                threads=1,
            )
            pixels = np.asarray(rgb.to_ndarray(), np.uint8)
        except self.foreign as error:
            raise ClipError(self.what, "its colours are in a format we do not convert", "save it as H.264") from error
        turns = _turns(frame)
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


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
