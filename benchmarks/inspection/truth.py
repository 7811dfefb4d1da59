"""What was done to a take, where and when, and which checks may answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from stillwake.types import Box, Clip, Pixels

from .takes import Mask, Take

LARGE = 0.6
"""Share of the frame from which a place is no place: a finding need not say where."""


@dataclass(frozen=True)
class Truth:
    """``start``, ``end`` in seconds, None for the whole clip; ``edges`` whether a finding should have just those.

    ``box`` around what was touched, px of the clip, None for most of the frame; ``value`` what a measurement should
    read, where one can; ``note`` the variant, for whoever reads the record; ``lights`` the brightness of the place in
    each frame from ``start`` to ``end`` before and after, levels of 255, where that is the injury.
    """

    start: float | None = None
    end: float | None = None
    box: Box | None = None
    value: float | None = None
    edges: bool = True
    note: str = ""
    lights: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True)
class Injured:
    """The take as it was left, and the truth about it."""

    take: Take
    truth: Truth


Make = Callable[[Take, float, np.random.Generator], Injured | None]
"""Injures a take by so much; None where there is nothing to injure."""


def box_of(region: Mask) -> Box | None:
    """The box around a region; None where it covers most of the frame."""
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    if not len(rows):
        return None
    box = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
    return None if (box[2] - box[0]) * (box[3] - box[1]) > LARGE * region.size else box


def light_of(frames: list[Pixels], box: Box | None) -> np.ndarray:
    """Mean level of 255 within a box, or in all of the picture, in each frame."""
    x0, y0, x1, y1 = (None,) * 4 if box is None else (round(value) for value in box)
    return np.array([float(frame[y0:y1, x0:x1].mean()) for frame in frames])


def left_of(lights: tuple[np.ndarray, np.ndarray], shown: np.ndarray) -> float:
    """How much of a flicker is left in a file: its change from frame to frame over what was put in.

    ``lights`` as `Truth` has them; ``shown`` (n,) the same of the decoded frames.
    """
    before, after = lights
    put, kept = np.diff(np.log(after + 1) - np.log(before + 1)), np.diff(np.log(shown + 1) - np.log(before + 1))
    return float(np.sqrt((kept**2).mean() / max(float((put**2).mean()), 1e-12)))


def left_in(clip: Clip, truth: Truth) -> float | None:
    """`left_of` the flicker that is the injury, in a clip's decoded frames; None where it is another one."""
    from stillwake.media import read_frames

    if truth.lights is None or truth.start is None or truth.end is None:
        return None
    first, last = (round(at * float(clip.info.fps)) for at in (truth.start, truth.end))
    return left_of(truth.lights, light_of(list(islice(read_frames(clip), first, last)), truth.box))


def in_the_middle(take: Take, seconds: float, rng: np.random.Generator) -> tuple[int, int] | None:
    """First and last (outside) frame of so long a stretch about the middle of the take; None if it is too short."""
    count, wanted = len(take.frames), round(seconds * float(take.fps))
    room = count - wanted
    if room < 0.6 * float(take.fps):
        return None
    first = round(room * rng.uniform(0.35, 0.65))
    return first, first + wanted


def ramp(take: Take, first: int, last: int, rise: float, *, returns: bool = True) -> np.ndarray:
    """(n,) 0..1 for every frame: up within ``rise`` s from ``first`` on, down again before ``last`` if it returns."""
    at = np.arange(len(take.frames), dtype=np.float64)
    steps = max(1.0, rise * float(take.fps))
    up = np.clip((at - first) / steps, 0, 1)
    down = np.clip((last - at) / steps, 0, 1) if returns else 1.0
    share = np.minimum(up, down)
    return share * share * (3 - 2 * share)


def with_frames(take: Take, frames: list) -> Take:
    """The take with other frames."""
    return replace(take, frames=frames)
