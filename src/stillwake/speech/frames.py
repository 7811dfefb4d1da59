"""Timed mouth shapes -> blend weights for every frame, in which no closure is ever lost.

Shapes blend by dominance after Cohen and Massaro (1993, "Modeling coarticulation in synthetic visual speech"):
every shape pulls on the mouth with a strength that rises before it is due and falls after it, lips more
stubbornly than tongue and jaw. Closures (p b m, f v) and rest are then imposed as hard constraints, because a
viewer sees a missing closure at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from stillwake.types import VISEMES, Floats, Timed

_INDEX = {viseme: index for index, viseme in enumerate(VISEMES)}
_CLOSURES = frozenset({"MBP", "FV"})
_STRENGTH = {
    "rest": 1.0, "MBP": 1.6, "FV": 1.4, "TH": 0.8, "TDN": 0.6, "L": 0.7, "S": 0.8, "CH": 1.1, "K": 0.45, "R": 0.9,
    "W": 1.3, "AA": 1.1, "AE": 1.1, "AH": 0.8, "EH": 1.0, "IY": 1.0, "OW": 1.2, "UW": 1.2,
}  # fmt: skip
"""How hard each shape insists: rounded lips and open vowels most, the tongue's consonants (k g, t d n) least."""
_SPREAD_S = 0.045
"""Standard deviation of the pull over time; with a vowel's own length about the 55 ms x 1.35 that looked right."""
_SPREAD_CLOSURE_S, _SPREAD_REST_S = 0.022, 0.030
_NEGLIGIBLE = 0.03
"""Weights below this are set to nothing, smoothly: tails must not keep a resting mouth moving."""
_OPENING_S = 0.03
"""The shortest opening between two closures that gets a frame of its own where one can be spared."""


def _anchors(wanted: npt.NDArray[np.float64], gaps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Whole frames nearest to the wanted ones (least squares) that keep the gaps to the one before.

    With the gaps taken away the frames only have to rise: isotonic regression, by pooling adjacent violators.
    """
    shift = np.cumsum(gaps)
    pools: list[tuple[float, int]] = []  # mean, size
    for value in wanted - shift:
        mean, size = float(value), 1
        while pools and pools[-1][0] > mean:
            other, count = pools.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        pools.append((mean, size))
    rising = np.repeat([mean for mean, _ in pools], [size for _, size in pools])
    anchors: npt.NDArray[np.int64] = np.floor(rising + 0.5).astype(np.int64) + shift
    return anchors


def _frame_owners(visemes: Sequence[Timed], fps: Fraction, frame_count: int) -> npt.NDArray[np.int8]:
    """Which closure (index into VISEMES) owns each frame, or -1.

    Every closure owns the frames that fall in it, and at least the nearest free one. Between two closures with an
    opening of `_OPENING_S` between them a frame stays free, unless that would push a closure off by more than one.
    """
    owners = np.full(frame_count, -1, np.int8)
    rate = float(fps)
    closures = [v for v in visemes if v.label in _CLOSURES and v.start * rate < frame_count]
    if not closures:
        return owners
    starts, ends = np.array([(v.start, v.end) for v in closures]).T
    # frame i stands for (i + 1/2) / fps
    wanted = (starts + ends) / 2 * rate - 0.5
    gaps = np.ones(len(closures), np.int64)
    gaps[1:] += starts[1:] - ends[:-1] >= _OPENING_S
    anchors = _anchors(wanted, gaps)
    while (crowded := np.abs(anchors - wanted) > 1.01).any():
        near = crowded | np.append(crowded[1:], False) | np.insert(crowded[:-1], 0, False)
        if (gaps[near] == 1).all():
            break
        gaps[near] = 1
        anchors = _anchors(wanted, gaps)
    first = np.ceil(starts * rate - 0.5 - 1e-9).astype(np.int64)
    last = np.ceil(ends * rate - 0.5 - 1e-9).astype(np.int64) - 1
    done = -2
    for index, one in enumerate(closures):
        anchor = int(np.clip(anchors[index], 0, frame_count - 1))
        begin = min(anchor, max(int(first[index]), done + int(gaps[index]), 0))
        limit = int(anchors[index + 1] - gaps[index + 1]) if index + 1 < len(closures) else frame_count - 1
        done = max(anchor, min(int(last[index]), limit, frame_count - 1))
        owners[begin : done + 1] = _INDEX[one.label]
    return owners


def blend(visemes: Sequence[Timed], fps: Fraction, frame_count: int) -> Floats:
    """Weights of each of `VISEMES` for every frame, (frame_count, len(VISEMES)) float32, each row summing to 1.

    Frame i stands for the time (i + 1/2) / fps. Where the lips must be closed the row is exactly one-hot, and so
    it is, "rest", in the middle of silence.
    """
    from scipy.special import ndtr

    weights = np.zeros((frame_count, len(VISEMES)), np.float32)
    if not visemes:
        weights[:, _INDEX["rest"]] = 1
        return weights
    rate = float(fps)
    starts = np.array([v.start for v in visemes])
    ends = np.array([v.end for v in visemes])
    kinds = np.array([_INDEX[v.label] for v in visemes])
    # the border between two shapes is as sharp as the sharper of them
    own = np.array([
        _SPREAD_CLOSURE_S if v.label in _CLOSURES else _SPREAD_REST_S if v.label == "rest" else _SPREAD_S
        for v in visemes
    ])  # fmt: skip
    border = np.minimum(own[:-1], own[1:])
    rise, fall = np.append(own[0], border), np.append(border, own[-1])
    # the first and the last shape go on beyond the sound
    starts[0], ends[-1] = -10.0, max(ends[-1], frame_count / rate) + 10.0
    first = np.clip(np.floor((starts - 4 * rise) * rate - 0.5), 0, frame_count).astype(np.int64)
    last = np.clip(np.ceil((ends + 4 * fall) * rate - 0.5) + 1, 0, frame_count).astype(np.int64)
    lengths = last - first
    segment = np.repeat(np.arange(len(kinds)), lengths)
    frame = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths) + first[segment]
    time = (frame + 0.5) / rate
    pull = ndtr((time - starts[segment]) / rise[segment]) - ndtr((time - ends[segment]) / fall[segment])
    strength = np.array([_STRENGTH[v] for v in VISEMES])[kinds]
    np.add.at(weights, (frame, kinds[segment]), np.maximum(pull, 0) * strength[segment])
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    np.maximum(weights - _NEGLIGIBLE, 0, out=weights)
    weights /= weights.sum(axis=1, keepdims=True)
    owners = _frame_owners(visemes, fps, frame_count)
    owned = np.flatnonzero(owners >= 0)
    weights[owned] = 0
    weights[owned, owners[owned]] = 1
    # a frame that nobody owns is never wholly closed: it is the opening between two closures
    for viseme in _CLOSURES:
        full = np.flatnonzero((owners < 0) & (weights[:, _INDEX[viseme]] > 0.85))
        weights[full, _INDEX[viseme]] = 0.85
        rest = weights[full].sum(axis=1) - 0.85
        others = np.where(rest > 1e-6, 0.15 / np.maximum(rest, 1e-6), 0)
        keep = weights[full, _INDEX[viseme]]
        weights[full] *= others[:, None]
        weights[full, _INDEX[viseme]] = keep
        weights[full, _INDEX["AH"]] += np.where(rest > 1e-6, 0, 0.15)
    return weights
