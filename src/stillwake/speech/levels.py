"""How loud a sound is over time, and where it pauses."""

from __future__ import annotations

import numpy as np

from stillwake.types import Floats, Samples

RATE = 16_000
HOP = 160
"""Samples between levels: 10 ms."""
SILENCE_DB = -60.0
"""Full scale is 0 dB; digital silence is set to -100 dB. A room at -60 dB is quieter than any 8 bit recording."""


def levels(samples: Samples) -> Floats:
    """The level of every 10 ms in dB below full scale, (ceil(N / 160),) float32, from windows of 20 ms."""
    count = -(-len(samples) // HOP)
    power = np.zeros(count, np.float32)
    block = HOP * 6000  # a minute at a time: squares of an hour would be 230 MB
    for first in range(0, len(samples), block):
        piece = samples[first : first + block].astype(np.float32) / 32768
        piece -= piece.mean()
        squares = np.pad(piece * piece, (0, -len(piece) % HOP)).reshape(-1, HOP).mean(axis=1)
        power[first // HOP : first // HOP + len(squares)] = squares
    if count > 1:
        power = (power + np.append(power[1:], power[-1])) / 2
    return np.asarray(10 * np.log10(power + 1e-10), np.float32)


def loudness_limits(level: Floats) -> tuple[float, float]:
    """The noise floor and the level of loud speech, in dB: the 5 % and 95 % points of what is not digital silence."""
    heard = level[level > -95]
    if not len(heard):
        return -100.0, -100.0
    low, high = np.percentile(heard, (5, 95))
    return float(low), float(high)


def sounding(level: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Where something is clearly louder than the background, per 10 ms.

    The limit lies a third of the way (in dB) from the floor up to loud speech, and never below `SILENCE_DB`.
    """
    low, high = loudness_limits(level)
    return level > max(SILENCE_DB, min(low + (high - low) / 3, high - 12))


def quietest(level: Floats, start: float, end: float) -> float:
    """The middle of the quietest 0.2 s between two times, in seconds."""
    first, last = round(start * 100), min(len(level), round(end * 100))
    if last - first < 20:
        return (start + end) / 2
    smooth = np.convolve(level[first:last], np.full(20, 1 / 20), "valid")
    return (first + int(np.argmin(smooth)) + 10) / 100
