"""How loud a recording or a clip's sound is, streamed: its length costs no memory.

Integrated loudness by ITU-R BS.1770-4 with both gates, true peak by its annex 2; proven on the signals of EBU Tech
3341. The usual libraries hold the whole recording, and a sound of `stillwake.types` is 16 bits and cannot peak above
full scale, so the file is decoded here once more, to floating point. The filters are numpy's: scipy.signal takes over
a second to import, as long as many a clip takes to be inspected.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stillwake.errors import InputError
from stillwake.media.containers import LONGEST_SECONDS, decodable, foreign_errors, opened_container

if TYPE_CHECKING:
    import av

Array = npt.NDArray[np.float64]
Samples = npt.NDArray[np.float32] | npt.NDArray[np.float64]

BLOCK, STEP = 4, 0.1
"""A gating block is 400 ms and begins every 100 ms (BS.1770-4, annex 1)."""
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0
"""LUFS, and LU below what passes the first gate."""
SILENT = -70.0
"""LUFS below which nothing is to be heard: the absolute gate."""
WEIGHTS = {"BL": 1.41, "BR": 1.41, "SL": 1.41, "SR": 1.41, "LFE": 0.0, "LFE2": 0.0}
"""By loudspeaker: those at the sides count for more, the subwoofer not at all (BS.1770-4, table 3)."""
OVERSAMPLED = 4
CLIPPED_RUN = 3
"""Samples in a row at full scale that are no music: a curve that passes there touches it once or twice."""
FULL_SCALE = 32_766 / 32_768
"""As near to full scale as 16 bits and their rounding come."""
PIECE = 4096
"""Samples that are looked at together for their true peak."""
REACH = 12
"""Samples on either side that make up what lies between two of them."""
DECAYED = 0.15
"""Seconds after which a sound is gone from the weighting's filter: 280 dB down, by its slowest pole at 38 Hz."""
TOGETHER = 16_384
"""Samples of a file that are measured together, at least: a packet alone has a thousand or so."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud a sound is.

    ``integrated`` LUFS, -inf where nothing passes the gate; ``true_peak`` and ``sample_peak`` in dB of full scale;
    ``clipped`` how many times it stays at full scale; ``seconds`` how long it is; ``rate`` Hz and ``channels``.
    """

    integrated: float
    true_peak: float
    sample_peak: float
    clipped: int
    seconds: float
    rate: int
    channels: int

    @property
    def silent(self) -> bool:
        """Whether nothing in it can be heard."""
        return self.integrated < SILENT


class Meter:
    """Measures a sound block by block.

    Parameters
    ----------
    rate
        Hz.
    weights
        One a channel, from `WEIGHTS`, 1 for every other loudspeaker. A single channel is heard from two
        loudspeakers, as players do, and counts twice.
    """

    def __init__(self, rate: int, weights: tuple[float, ...]) -> None:
        self.rate, self.channels = rate, len(weights)
        self._weights = np.array(weights) * (2 if len(weights) == 1 else 1)
        self._length = math.ceil(rate * DECAYED)
        self._size = 2 ** math.ceil(math.log2(4 * self._length))
        self._response = response_of(k_weighting(rate), self._size)
        self._heard = np.zeros((self._length, self.channels))
        self._hop = round(rate * STEP)
        self._rest = np.zeros(0)
        self._hops: list[float] = []
        self._samples = self._clipped = 0
        self._sample_peak = self._true_peak = 0.0
        self._over = 1 if rate >= 192_000 else 2 if rate >= 96_000 else OVERSAMPLED
        self._taps = between_taps(self._over)
        # No peak between samples is higher than this many times the highest sample near it.
        self._most = max(float(np.abs(self._taps[phase :: self._over]).sum()) for phase in range(self._over))
        self._before = np.zeros((2 * REACH, self.channels))
        self._run = np.zeros(self.channels, np.int64)

    def add(self, block: Samples) -> None:
        """Take the next samples, (n, channels), full scale at 1."""
        if not len(block):
            return
        samples = np.asarray(block, np.float64)
        samples = np.where(np.isfinite(samples), samples, 0.0)
        self._samples += len(samples)
        power = np.concatenate([self._rest, self._weighted(samples) ** 2 @ self._weights])
        hops = len(power) // self._hop
        self._hops += power[: hops * self._hop].reshape(hops, self._hop).mean(axis=1).tolist()
        self._rest = power[hops * self._hop :].copy()  # a view would hold the whole block
        self._peaks(samples)
        self._count_clipped(np.abs(samples))

    def _weighted(self, samples: Array) -> Array:
        """The samples through the weighting's filter, by overlap and save."""
        joined = np.concatenate([self._heard, samples])
        self._heard = joined[-self._length :].copy()
        weighted = np.empty_like(samples)
        step = self._size - self._length
        for at in range(0, len(samples), step):
            piece = joined[at : at + self._size]
            full = np.fft.irfft(np.fft.rfft(piece, self._size, axis=0) * self._response[:, None], self._size, axis=0)
            weighted[at : at + step] = full[self._length : len(piece)]
        return weighted

    def _peaks(self, samples: Array) -> None:
        joined = np.concatenate([self._before, samples])
        for at in range(0, len(samples), PIECE):
            piece = joined[at : at + PIECE + len(self._before)]
            highest = float(np.abs(piece).max())
            self._sample_peak = max(self._sample_peak, highest)
            self._true_peak = max(self._true_peak, highest)
            if self._over > 1 and highest * self._most > self._true_peak:
                for channel in piece.T:
                    for phase in range(self._over):
                        fine = np.convolve(channel, self._taps[phase :: self._over], "valid")
                        added = fine[2 * REACH - len(piece) :]
                        self._true_peak = max(self._true_peak, float(np.abs(added).max()))
        self._before = joined[-len(self._before) :].copy()

    def _count_clipped(self, loud: Array) -> None:
        for channel in range(self.channels):
            full = loud[:, channel] >= FULL_SCALE
            if not full.any():
                self._run[channel] = 0
                continue
            edges = np.diff(np.concatenate([[0], full.astype(np.int8), [0]]))
            starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
            lengths = ends - starts
            if starts[0] == 0:
                known = self._run[channel]
                lengths[0] += known
                self._clipped -= int(known >= CLIPPED_RUN)
            self._clipped += int((lengths >= CLIPPED_RUN).sum())
            self._run[channel] = lengths[-1] if full[-1] else 0

    def finish(self) -> Loudness:
        """What was measured."""
        return Loudness(
            integrated=self._integrated(),
            true_peak=_decibels(self._true_peak),
            sample_peak=_decibels(self._sample_peak),
            clipped=self._clipped,
            seconds=self._samples / self.rate,
            rate=self.rate,
            channels=self.channels,
        )

    def _integrated(self) -> float:
        hops = np.array(self._hops)
        if len(hops) < BLOCK:  # shorter than a block: what there is, as one
            rest = [float(self._rest.mean())] if len(self._rest) else []
            blocks = np.array([np.mean([*hops, *rest])]) if len(hops) or rest else np.zeros(0)
        else:
            blocks = np.convolve(hops, np.full(BLOCK, 1 / BLOCK), "valid")
        blocks = blocks[blocks > _power(ABSOLUTE_GATE)]
        if not len(blocks):
            return -math.inf
        kept = blocks[blocks > blocks.mean() * 10 ** (RELATIVE_GATE / 10)]
        return _lufs(float(kept.mean()))


def k_weighting(rate: int) -> Array:
    """BS.1770's two filters at any rate, (2, 6) second-order sections: the head's shelf, then the bass cut.

    The standard gives coefficients at 48 kHz alone; these are the analogue filters they come from, as De Man found
    them (2014), and at 48 kHz they agree with the standard to its last digits.
    """
    k = math.tan(math.pi * 1681.974450955533 / rate)
    gain, q = 10 ** (3.999843853973347 / 20), 0.7071752369554196
    band = gain**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = [
        (gain + band * k / q + k * k) / a0,
        2 * (k * k - gain) / a0,
        (gain - band * k / q + k * k) / a0,
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / q + k * k) / a0,
    ]
    k, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    return np.array([shelf, [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]])


def response_of(sections: Array, size: int) -> npt.NDArray[np.complex128]:
    """What second-order sections, (n, 6), do to each frequency of a real Fourier transform of ``size``."""
    later = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    powers = np.stack([np.ones_like(later), later, later**2])
    response: npt.NDArray[np.complex128] = ((sections[:, :3] @ powers) / (sections[:, 3:] @ powers)).prod(0)
    return response


def between_taps(over: int) -> Array:
    """The low-pass that draws ``over`` samples where there was one, by a Kaiser window; gain ``over``."""
    if over == 1:
        return np.ones(1)
    taps = np.sinc(np.arange(-REACH * over, REACH * over + 1) / over) * np.kaiser(2 * REACH * over + 1, 6.0)
    return np.asarray(taps / taps.sum() * over)


def loudness(path: str | os.PathLike[str], what: str, refusal: type[InputError]) -> Loudness | None:
    """How loud the first sound of a file is, or None where it has none that is long enough to be measured.

    Parameters
    ----------
    path
        A sound or a film.
    what, refusal
        What the person wanted, and the kind of error to raise.

    Raises
    ------
    stillwake.errors.InputError
        Of the kind ``refusal``: the file does not open, is damaged or too long.
    """
    meter: Meter | None = None
    held: list[npt.NDArray[np.float32]] = []
    for rate, weights, block in _floats(path, what, refusal):
        meter = meter or Meter(rate, weights)
        held.append(block)
        if sum(map(len, held)) >= TOGETHER:
            meter.add(np.concatenate(held))
            held.clear()
    if meter is None:
        return None
    if held:
        meter.add(np.concatenate(held))
    return meter.finish()


def _floats(
    path: str | os.PathLike[str], what: str, refusal: type[InputError]
) -> Iterator[tuple[int, tuple[float, ...], npt.NDArray[np.float32]]]:
    """Hz, the channels' weights and the samples, (n, channels), of the first sound; damaged packets are left out."""
    import av

    foreign = foreign_errors()
    with opened_container(path, what, refusal, "a sound or video file", animated=True) as opened:
        stream = next(iter(opened.container.streams.audio), None)
        if stream is None or not decodable(stream):
            return
        first: tuple[int, str] | None = None
        seconds = Fraction(0)
        resampler: av.AudioResampler | None = None
        weights: tuple[float, ...] = ()
        for frame in _frames(opened.container, stream, what, refusal, foreign):
            if first is None:
                if not 4000 <= frame.sample_rate <= 384_000:
                    return
                first = frame.sample_rate, frame.layout.name
                weights = tuple(WEIGHTS.get(channel.name, 1.0) for channel in frame.layout.channels)
                resampler = av.AudioResampler(format="flt", layout=frame.layout.name, rate=frame.sample_rate)
            seconds += Fraction(frame.samples, frame.sample_rate or 1)
            if seconds > LONGEST_SECONDS:
                raise refusal(what, f"its sound is longer than {LONGEST_SECONDS // 3600} hours", "cut it")
            try:
                parts = resampler.resample(frame) if resampler is not None else []
            except foreign:  # it changes its rate or its channels, which no meter can follow
                continue
            for part in parts:
                yield first[0], weights, np.asarray(part.to_ndarray(), np.float32).reshape(-1, len(weights))


def _frames(
    container: av.container.InputContainer,
    stream: av.AudioStream,
    what: str,
    refusal: type[InputError],
    foreign: tuple[type[Exception], ...],
) -> Iterator[av.AudioFrame]:
    try:
        for packet in container.demux(stream):
            try:
                decoded = stream.decode(packet)
            except foreign:
                continue
            yield from decoded
    except foreign as error:
        raise refusal(what, "its sound is damaged or cut off", "export it again") from error


def _lufs(power: float) -> float:
    return -0.691 + 10 * math.log10(power) if power > 0 else -math.inf


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _decibels(peak: float) -> float:
    return 20 * math.log10(peak) if peak > 0 else -math.inf
