"""Films written: H.264 and AAC in MP4, VP9 and Opus in WebM, ProRes 4444 and plain sound in QuickTime.

Colours are BT.709 with limited range, converted so and tagged so; transparency is straight, not premultiplied.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

import numpy as np

from stillwake.media.containers import foreign_errors
from stillwake.media.encoding import writing
from stillwake.media.sound import RESAMPLER, as_frame
from stillwake.types import Pixels, Samples, Size, Sound

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer

ENCODER_THREADS = 4
"""Fixed, since the encoders' choices depend on it: the same frames give the same file on every machine. On two cores
four are as fast as two (measured by benchmarks/encode.py)."""

SOUND_LEAD = Fraction(1, 2)
"""Seconds of sound given to the muxer ahead of the picture, so that neither waits for the other."""

AVX_512 = 13
"""OpenCV's number of that instruction set, `cv2.CPU_AVX_512F`."""

BT709, LIMITED = 1, 1
"""H.273's codes for BT.709 (matrix, primaries and transfer alike) and FFmpeg's for limited range."""

X264_WORST, VP9_WORST = 51, 63
"""The greatest CRF of either encoder."""


@dataclass(frozen=True, slots=True)
class _Making:
    """How a film is made: FFmpeg's names of what it consists of; sound in bits a second by channels."""

    muxer: str
    codec: str
    opaque: str
    transparent: str
    sound: str
    samples: str
    sound_bits: dict[int, int]
    sound_rates: tuple[int, ...]


_MAKINGS = {
    # AAC: FFmpeg's own guide calls 64 kbit/s a channel its default and 96 transparent enough.
    ".mp4": _Making(
        "mp4", "libx264", "yuv420p", "", "aac", "fltp", {1: 112_000, 2: 192_000}, (48_000, 44_100)
    ),
    # Opus: speech is transparent from 64 kbit/s on, music in stereo from 128 (RFC 6716, section 2.1.1).
    ".webm": _Making(
        "webm", "libvpx-vp9", "yuv420p", "yuva420p", "libopus", "s16", {1: 80_000, 2: 144_000}, (48_000,)
    ),
    ".mov": _Making(
        "mov", "prores_ks", "yuv444p10le", "yuva444p10le", "pcm_s16le", "s16", {}, (48_000, 44_100)
    ),
}  # fmt: skip


def encoder_options(ending: str, preset: str, crf: float, alpha: bool) -> dict[str, str]:
    """The video encoder's options for films of that ending, from x264's preset and CRF."""
    if ending == ".mp4":
        return {"preset": preset, "crf": f"{crf:g}"} | _repeatable()
    if ending == ".webm":
        # Both scales run from perfect to unwatchable; 18 becomes 22. Row threads are off: with four tile columns
        # they gain little, and the bytes must not hang on their timing.
        return {
            "crf": str(round(crf * VP9_WORST / X264_WORST)),
            "b": "0",
            "deadline": "good",
            "cpu-used": "3",
            "tile-columns": "2",
            "row-mt": "0",
        } | ({"auto-alt-ref": "0"} if alpha else {})  # libvpx refuses hidden frames with alpha
    return {"profile": "4", "vendor": "apl0"} | ({"alpha_bits": "16"} if alpha else {})


def _repeatable() -> dict[str, str]:
    """What x264 needs to give the same file for the same frames.

    Its AVX-512 code for macroblock trees reads memory that nobody wrote, wherever half the width is no multiple of
    64: of 25 encodings of one clip of 320 x 240 there were 14 different ones, of 10 of 720 x 1280 three; without
    AVX-512, or without those trees, one (measured 2026-11-28). It is no slower without.
    """
    import cv2

    return {"x264-params": "asm=avx2"} if cv2.checkHardwareSupport(AVX_512) else {}


class Film:
    """A film being written."""

    def __init__(
        self,
        part: Path,
        path: Path,
        size: Size,
        fps: Fraction,
        *,
        sound: Sound | None,
        alpha: bool,
        options: dict[str, str],
    ) -> None:
        self.part, self.path, self.size, self.fps, self.sound = part, path, size, fps, sound
        self.alpha, self.options = alpha, options
        self.making = _MAKINGS[path.suffix.lower()]
        self.pixels = self.making.transparent if alpha else self.making.opaque
        self.index = 0

    def __enter__(self) -> Self:
        import av
        from av.video.reformatter import VideoReformatter

        with writing(self.path):
            # "file:" keeps FFmpeg from reading a protocol into a name such as "a:b.mp4". Matroska would write a
            # random number into each file if it were not to be exact to the bit.
            self.container = av.open(
                f"file:{self.part}",
                "w",
                format=self.making.muxer,
                options={"fflags": "+bitexact"} if self.making.muxer == "webm" else {"movflags": "+faststart"},
            )
            self.video = cast(
                "av.VideoStream", self.container.add_stream(self.making.codec, rate=self.fps, options=self.options)
            )
            context = self.video.codec_context
            context.width, context.height = self.size
            context.pix_fmt = self.pixels
            context.time_base = 1 / self.fps
            context.thread_count = ENCODER_THREADS
            context.colorspace = context.color_primaries = context.color_trc = BT709
            context.color_range = LIMITED
            self.reformatter = VideoReformatter()
            self.voice = _Voice(self.container, self.sound, self.making) if self.sound is not None else None
        return self

    def take(self, pixels: Pixels) -> av.VideoFrame:
        """The frame in YUV: converted here, it is half as many bytes to keep in an MP4."""
        import av
        from av.video.reformatter import ColorRange, Colorspace, Interpolation

        with writing(self.path):
            return self.reformatter.reformat(
                av.VideoFrame.from_numpy_buffer(
                    np.ascontiguousarray(pixels), format="rgba" if self.alpha else "rgb24"
                ),
                format=self.pixels,
                src_colorspace=Colorspace.ITU709,
                dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.MPEG,
                interpolation=Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP,
                threads=1,
            )

    def write(self, frames: Iterator[av.VideoFrame]) -> None:
        """Encode each frame, and the sound up to half a second past it; then drain both encoders and close."""
        for frame in frames:
            with writing(self.path):
                frame.pts, frame.time_base = self.index, 1 / self.fps
                if self.voice is not None:
                    self.voice.write_until(self.index / self.fps + SOUND_LEAD)
                self._encode(frame)
                self.index += 1
        with writing(self.path):
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
    """The sound's stream in a film, resampled once and fed in step with the picture."""

    def __init__(self, container: OutputContainer, sound: Sound, making: _Making) -> None:
        import av

        # 44.1 kHz stays as it is where the codec has it; all else becomes 48 kHz, the rate of film.
        rate = sound.rate if sound.rate in making.sound_rates else making.sound_rates[0]
        layout = "mono" if sound.channels == 1 else "stereo"
        self.container = container
        self.stream = cast("av.AudioStream", container.add_stream(making.sound, rate=rate, layout=layout))
        if making.sound_bits:
            self.stream.bit_rate = making.sound_bits[sound.channels]
        self.resampler = av.AudioResampler(format=making.samples, layout=layout, rate=rate, options=RESAMPLER)
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
