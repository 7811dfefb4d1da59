"""Sound out of any audio or video file: a 16 kHz track for analysis, and the samples themselves, streamed.

Time zero is the first sample, or in a video the first picture: what the file says about encoder delay is honoured
by FFmpeg's decoders and demuxers, so nothing is added or taken here a second time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stillwake.errors import InputError, SoundError
from stillwake.media.containers import (
    LARGEST_FILE,
    LONGEST_SECONDS,
    Opened,
    check_whole,
    decodable,
    foreign_errors,
    is_moving,
    opened_container,
    whole_length,
)
from stillwake.media.files import opened_input, shown
from stillwake.types import Samples, Sound

if TYPE_CHECKING:
    import av

ANALYSIS_RATE = 16_000
"""Hz of `Sound.mono`: what the speech models were trained at."""

RESAMPLER = {"filter_size": "64", "cutoff": "0.98"}
"""swresample's filter: at 16 kHz 7.5 kHz passes with -0.6 dB, 8.5 kHz is down 69 dB, clicks stay where they are
(measured 2026-11 with FFmpeg 8.0; its defaults: -2.9 and -26 dB). Its soxr is not in PyAV's wheels."""

BLOCK = 16_384
"""Samples a block, at most."""

GAP_SECONDS = Fraction(1, 10)
"""A hole in the timestamps this long is silence to be kept; below, it is the wobble of live recordings."""

LONGEST_GAP = 300
"""Seconds: a live recording may pause for minutes; damaged timestamps leap by hours."""

SHORTEST_SECONDS = Fraction(1, 20)
MOST_LOST = Fraction(1, 10)
"""The share of a recording that may be undecodable; it becomes silence and is noted."""


def open_sound(path: str | os.PathLike[str]) -> Sound:
    """The recording, or the sound of a video: its 16 kHz track in memory, its samples streamed from the file.

    More than two channels are mixed down to two. Small damage becomes silence and stands in `Sound.notes`.

    Raises
    ------
    stillwake.errors.SoundError
        No sound in it, nothing that can be decoded, damaged, cut off, too long, too short, or not readable.
    """
    what = f"Cannot open {shown(path)}"
    return measured_sound(Path(path), what, SoundError)


def measured_sound(path: Path, what: str, refusal: type[InputError]) -> Sound:
    """The sound of a file, having decoded it once from end to end.

    Parameters
    ----------
    path
        The file.
    what, refusal
        What the person wanted, and the kind of error to raise.
    """
    digest, fingerprint = _fingerprint(path, what, refusal)
    tally = _Tally()
    mono = _Analysis()
    for block in _decoded(path, what, refusal, tally):
        mono.add(block, tally.rate)
    seconds = Fraction(tally.samples, tally.rate or 1)
    if tally.samples == 0:
        why = "none of its sound can be decoded" if tally.lost else "its sound has no length"
        raise refusal(what, why, "export it again")
    if seconds < SHORTEST_SECONDS:
        raise refusal(what, f"its sound is only {float(seconds) * 1000:.0f} ms long", "give a longer recording")
    if tally.lost > MOST_LOST * seconds:
        raise refusal(
            what,
            f"it is damaged: {float(tally.lost):.1f} of {float(seconds):.1f} seconds cannot be decoded",
            "export it again",
        )

    def blocks() -> Iterator[Samples]:
        if _stamp(path) != fingerprint:
            raise refusal(what, "the file has changed since it was opened", "start again")
        return _decoded(path, what, refusal, _Tally())

    notes = () if not tally.lost else (f"{float(tally.lost):.2f} s of it cannot be decoded and are silent",)
    return Sound(
        name=shown(path), sha256=digest, rate=tally.rate, channels=tally.channels, seconds=seconds,
        mono=mono.finished(), blocks=blocks, notes=notes,
    )  # fmt: skip


def sound_from_samples(samples: Samples, rate: int, name: str = "voice") -> Sound:
    """A sound made of samples in memory.

    Parameters
    ----------
    samples
        (N,) or (N, channels) int16; one or two channels.
    rate
        Hz.
    name
        What a record calls it.

    Raises
    ------
    ValueError
        The samples are of another shape or type, or there are none.
    """
    samples = np.asarray(samples)
    if samples.ndim == 1:
        samples = samples[:, None]
    if samples.dtype != np.int16 or samples.ndim != 2 or samples.shape[1] not in (1, 2) or not len(samples):
        raise ValueError(f"samples must be (N,) or (N, 1 or 2) int16, not {samples.shape} {samples.dtype}")
    kept = samples.copy()
    kept.setflags(write=False)

    def blocks() -> Iterator[Samples]:
        return (kept[at : at + BLOCK] for at in range(0, len(kept), BLOCK))

    mono = _Analysis()
    for block in blocks():
        mono.add(block, rate)
    digest = hashlib.sha256(kept.tobytes()).hexdigest()
    return Sound(
        name=name, sha256=digest, rate=rate, channels=kept.shape[1], seconds=Fraction(len(kept), rate),
        mono=mono.finished(), blocks=blocks,
    )  # fmt: skip


def sound_part(sound: Sound, begin: Fraction, end: Fraction) -> Sound:
    """The sound from its second ``begin`` to ``end``, to the nearest sample; silence where it does not reach.

    Parts that follow each other meet without a sample missing or said twice.

    Parameters
    ----------
    sound
        The whole; its samples stay where they are and are streamed.
    begin, end
        Seconds of it, before its first sample and after its last one too.

    Raises
    ------
    ValueError
        The part has no sample.
    """
    first, last = round(begin * sound.rate), round(end * sound.rate)
    if last <= first:
        raise ValueError(f"a part from {begin} to {end} seconds has no sample")
    at = round(Fraction(first * ANALYSIS_RATE, sound.rate))
    mono = np.zeros(round(Fraction(last * ANALYSIS_RATE, sound.rate)) - at, np.int16)
    inside = sound.mono[max(0, at) : max(0, at + len(mono))]
    mono[max(0, -at) : max(0, -at) + len(inside)] = inside

    def blocks() -> Iterator[Samples]:
        yield from _silence(min(last, 0) - first, sound.channels)
        at = 0
        if last > 0:
            for block in sound.blocks():
                piece = block[max(0, first - at) : last - at]
                at += len(block)
                if len(piece):
                    yield piece
                if at >= last:
                    break
        yield from _silence(last - max(at, first, 0), sound.channels)

    digest = hashlib.sha256(f"{sound.sha256} {first} {last}".encode()).hexdigest()
    return Sound(
        name=sound.name, sha256=digest, rate=sound.rate, channels=sound.channels,
        seconds=Fraction(last - first, sound.rate), mono=mono, blocks=blocks, notes=sound.notes,
    )  # fmt: skip


def _silence(count: int, channels: int) -> Iterator[Samples]:
    for at in range(0, count, BLOCK):
        yield np.zeros((min(BLOCK, count - at), channels), np.int16)


def _fingerprint(path: Path, what: str, refusal: type[InputError]) -> tuple[str, tuple[int, ...]]:
    """The file's SHA-256, and what shows cheaply that it changed."""
    with opened_input(path, what, refusal, LARGEST_FILE) as file:
        try:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise refusal(what, f"the disk cannot read it ({error.strerror})", "copy it and try the copy") from error
    return digest, _stamp(path)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        facts = path.stat()
    except OSError:
        return ()
    return facts.st_size, facts.st_mtime_ns, facts.st_ino


# -------------------------------------------------------------------------------------------------------- decoding


@dataclass(slots=True)
class _Tally:
    """What a decoding has seen so far: Hz, channels of the blocks, samples given, seconds lost to damage."""

    rate: int = 0
    channels: int = 0
    samples: int = 0
    lost: Fraction = Fraction(0)


def _decoded(path: Path, what: str, refusal: type[InputError], tally: _Tally) -> Iterator[Samples]:
    """The samples of a file's first sound stream, (n, 1 or 2) int16, from time zero on.

    Holes in the timestamps come as silence; what cannot be decoded as well, and is counted in ``tally.lost``.
    """
    with opened_container(path, what, refusal, "a sound or video file") as opened:
        if not opened.container.streams.audio:
            if opened.container.streams.video:
                raise refusal(what, "it is a video without sound", "give one with sound, or a recording")
            raise refusal(what, "there is no sound in it, or its index is cut off", "export it again")
        yield from _Decoding(opened, what, refusal, tally).blocks()


class _Decoding:
    """One pass over a container's first sound stream."""

    def __init__(self, opened: Opened, what: str, refusal: type[InputError], tally: _Tally) -> None:
        container = opened.container
        self.opened, self.what, self.refusal, self.tally = opened, what, refusal, tally
        self.stream = container.streams.audio[0]
        self.foreign = foreign_errors()
        self.convert = _Converter()
        self.damaged = False  # since the last good frame
        self.held: list[Samples] = []
        self.zero: Fraction | None = None
        self.last: int | None = None
        video = next((s for s in container.streams.video if is_moving(s)), None)
        if video is not None and video.start_time is not None and video.time_base is not None:
            self.zero = video.start_time * video.time_base
        if not decodable(self.stream):
            raise refusal(what, "its sound is in a format we do not decode", "save it as WAV, FLAC, MP3 or M4A")

    def blocks(self) -> Iterator[Samples]:
        """Every block from time zero on, silence where there is a hole."""
        for frame in self._frames():
            try:
                block = self.convert(frame)
            except self.foreign:
                self._lose(Fraction(frame.samples, frame.sample_rate or ANALYSIS_RATE))
                continue
            time = self._time(frame)
            if not self.tally.rate:
                self._begin(time)
            if time is not None and self.zero is not None:
                gap = time - self.zero - self._position()
                if self._position() == 0:
                    if gap < 0:  # the sound of a video begins before its first picture
                        block = block[round(-gap * self.tally.rate) :]
                    elif gap > 0:
                        yield from self._give_silence(gap)
                elif gap > (Fraction(1, 1000) if self.damaged else GAP_SECONDS):
                    yield from self._give_silence(gap)
            self.damaged = False
            if len(block):
                yield from self._give(block)

    def _begin(self, start: Fraction | None) -> None:
        """Learn Hz, channels and where time begins from the first frame."""
        self.tally.rate, self.tally.channels = self.convert.rate, self.convert.channels
        if not 4000 <= self.tally.rate <= 384_000:
            raise self.refusal(self.what, f"its sampling rate is {self.tally.rate} Hz", "export it at 48000 Hz")
        if start is None:
            self.zero = None
            return
        if self.zero is None:
            self.zero = start
        if self.opened.format == "mov" and self.stream.duration and self.stream.time_base:
            # An AAC encoder pads its last packet; the container knows where the sound really ends.
            end = ((self.stream.start_time or 0) + self.stream.duration) * self.stream.time_base
            self.last = round((end - self.zero) * self.tally.rate)

    def _time(self, frame: av.AudioFrame) -> Fraction | None:
        return None if frame.pts is None or not frame.time_base else frame.pts * frame.time_base

    def _position(self) -> Fraction:
        return Fraction(self.tally.samples + sum(map(len, self.held)), self.tally.rate)

    def _give(self, block: Samples) -> Iterator[Samples]:
        """Hand a block on, holding back what lies past the declared end until more comes than padding."""
        tally = self.tally
        held = sum(map(len, self.held))
        if self.last is not None and tally.samples + held + len(block) > self.last:
            keep = max(0, self.last - tally.samples - held)
            if keep:
                yield from self._count(block[:keep])
                block = block[keep:]
            self.held.append(block)
            if held + len(block) <= 4096:
                return
            block = np.concatenate(self.held)
            self.held, self.last = [], None
        yield from self._count(block)

    def _count(self, block: Samples) -> Iterator[Samples]:
        self.tally.samples += len(block)
        if self.tally.samples > LONGEST_SECONDS * self.tally.rate:
            raise self.refusal(
                self.what, f"it is longer than {LONGEST_SECONDS // 3600} hours", "cut it into shorter pieces"
            )
        yield block

    def _give_silence(self, gap: Fraction) -> Iterator[Samples]:
        count = round(gap * self.tally.rate)
        if gap > LONGEST_GAP:
            raise self.refusal(self.what, "its timestamps are damaged", "export it again")
        for at in range(0, count, BLOCK):
            yield from self._give(np.zeros((min(BLOCK, count - at), self.tally.channels), np.int16))

    def _lose(self, seconds: Fraction) -> None:
        self.damaged = True
        self.tally.lost += seconds

    def _frames(self) -> Iterator[av.AudioFrame]:
        """Every frame that decodes; at the end, whether the file was as long as it says."""
        container, rate = self.opened.container, Fraction(1, 1_000_000)
        if container.duration is not None and self.opened.declared and container.duration * rate > LONGEST_SECONDS:
            raise self.refusal(
                self.what, f"it is longer than {LONGEST_SECONDS // 3600} hours", "cut it into shorter pieces"
            )
        end = Fraction(0)
        try:
            for packet in container.demux():
                if packet.pts is not None and packet.time_base:
                    end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
                if packet.stream_index != self.stream.index:
                    continue
                try:
                    yield from self.stream.decode(packet)
                except self.foreign:
                    step = (packet.duration or 0) * (packet.time_base or Fraction(0))
                    self._lose(min(step or Fraction(1, 40), Fraction(10)))
        except self.foreign as error:
            at = float(self._position()) if self.tally.rate else 0.0
            raise self.refusal(
                self.what, f"it is damaged or cut off after {at:.1f} seconds", "export it again"
            ) from error
        if (whole := whole_length(self.opened)) is not None:
            check_whole(whole, end, self.what, self.refusal)


class _Converter:
    """Frames of any format to (n, 1 or 2) int16 at the first frame's rate."""

    def __init__(self) -> None:
        self.rate = self.channels = 0
        self.key: tuple[object, ...] = ()

    def __call__(self, frame: av.AudioFrame) -> Samples:
        import av

        if not self.rate:
            self.rate, self.channels = frame.sample_rate, min(2, len(frame.layout.channels) or 1)
        key = (frame.format.name, frame.layout.name, frame.sample_rate)
        if key != self.key:
            self.resampler = av.AudioResampler(
                format="s16", layout="mono" if self.channels == 1 else "stereo", rate=self.rate, options=RESAMPLER
            )
            self.key = key
        parts = [part.to_ndarray().reshape(-1, self.channels) for part in self.resampler.resample(frame)]
        return np.concatenate(parts) if parts else np.zeros((0, self.channels), np.int16)


class _Analysis:
    """The 16 kHz mono track, grown block by block."""

    def __init__(self) -> None:
        import av

        self.resampler = av.AudioResampler(format="s16", layout="mono", rate=ANALYSIS_RATE, options=RESAMPLER)
        self.bytes = bytearray()

    def add(self, block: Samples, rate: int) -> None:
        """Take the next block, (n, 1 or 2) int16 at ``rate`` Hz."""
        for part in self.resampler.resample(as_frame(block, rate)):
            self.bytes += part.to_ndarray().tobytes()

    def finished(self) -> Samples:
        """The whole track, (N,) int16."""
        for part in self.resampler.resample(None):
            self.bytes += part.to_ndarray().tobytes()
        return np.frombuffer(bytes(self.bytes), np.int16)


def as_frame(block: Samples, rate: int) -> av.AudioFrame:
    """PyAV's frame of a block, (n, 1 or 2) int16 at ``rate`` Hz."""
    import av

    layout = "mono" if block.shape[1] == 1 else "stereo"
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), format="s16", layout=layout)
    frame.sample_rate = rate
    return frame
