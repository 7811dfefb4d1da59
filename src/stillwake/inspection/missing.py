"""Is a frame missing before another? Each place of the picture is asked, as far as it moves evenly.

Where motion goes on evenly a step, the difference between two frames, is the mean of its neighbours; if a frame was
left out it is twice that. How well a place keeps to it is known from the steps around, and so how likely what is seen
there is with a frame missing and with none: lips move in fits and say little, hair, a head or a camera beside them
much. Student's t stands for the noise, for even what moves evenly may twitch once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stillwake.inspection.view import median
from stillwake.types import Floats, Size

TILES: Size = (24, 18)
"""The picture is asked in so many places across and down: of 110 frames left out 75 are told, of 16 x 12 places 70."""
AROUND = 0.25
"""Seconds to either side of a step, five steps at least, from which it is known how evenly a place moves."""
LEAST = 0.08
"""Levels of 255 of usual change from which a place says anything."""
EVEN = 0.4
"""Median likeness of its steps to the mean of their neighbours from which on it does."""
FEWEST = 9
"""How many places must say something."""
FLOOR = 0.04
"""The least by which a place's step may stray from what it should be, in means of its neighbours: .03 to .1 were tried
and told alike."""
FREEDOM = 12
"""Degrees of freedom of Student's t; 6 and a clipped Gaussian told alike."""
SETS_OFF = 0.3
"""The smaller of the steps before and after over the larger below which something there sets off or stops, and speaks
for no missing frame: a clean clip in which a mouth twitched told 5.5 of one without this, 1.5 with it."""


class Step(NamedTuple):
    """The step to a frame in each place, (N,) all: ``size`` its root mean square in levels of 255.

    ``gain`` how many times the mean of its neighbours it is, ``likeness`` -1..1 how it resembles that.
    """

    frame: int
    size: Floats
    gain: Floats
    likeness: Floats


def step_of(frame: int, before: Floats, here: Floats, after: Floats) -> Step:
    """What a step is beside its neighbours, all three differences of frames (H, W) in levels of 255."""
    import cv2

    mean = (before + after) / 2
    square, common, own = (
        cv2.resize(product, TILES, interpolation=cv2.INTER_AREA).ravel()
        for product in (mean * mean, mean * here, here * here)
    )
    return Step(
        frame,
        size=np.sqrt(own),
        gain=common / np.maximum(square, 1e-4),
        likeness=common / np.sqrt(np.maximum(square * own, 1e-6)),
    )


def missing(steps: Sequence[Step], at: int) -> tuple[float, float]:
    """How much one of these steps speaks for a missing frame, and how much it would if there were one.

    Both are sums over the places of the log of the ratio of likelihoods, over the root of their number; 0 where too
    little moves evenly to say anything. ``steps`` follow one another.
    """
    around = [step for k, step in enumerate(steps) if abs(k - at) > 1]
    if at < 2 or at + 2 >= len(steps):
        return 0.0, 0.0
    gains = np.stack([step.gain for step in around])
    usual, even = median(gains), median(np.stack([step.likeness for step in around]))
    spread = 1.48 * median(np.abs(gains - usual)) + FLOOR
    telling = (median(np.stack([step.size for step in around])) > LEAST) & (even > EVEN)
    if (count := int(telling.sum())) < FEWEST:
        return 0.0, 0.0
    here, before, after = steps[at], steps[at - 1].size, steps[at + 1].size
    said = _unlikely((here.gain - usual) / spread) - _unlikely((here.gain - 2 * usual) / spread)
    goes_on = np.minimum(before, after) > SETS_OFF * np.maximum(before, after)
    said = np.where(goes_on, said, np.minimum(said, 0.0))
    weight = even[telling] / np.sqrt(count)
    return float(weight @ said[telling]), float(weight @ _unlikely(usual / spread)[telling])


def _unlikely(strays: Floats) -> Floats:
    """Minus the log of how likely it is to stray by so many spreads, but for a constant."""
    log: Floats = (FREEDOM + 1) / 2 * np.log1p(strays**2 / FREEDOM)
    return log
