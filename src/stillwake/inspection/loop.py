"""Does a loop's end flow into its beginning?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stillwake.inspection.stream import frames_within
from stillwake.types import ClipFinding, Pixels

if TYPE_CHECKING:
    from stillwake.inspection.evidence import Evidence

SEAM = 1.5
"""How many times the steps beside it the step over the seam may be. Raw frames of a loop whose motions have whole
periods give 1.00; three decoded ones, an eighth of their size, 1.25 to 1.31: a clip begins with a key frame."""
SMALLER = 8
"""Decoded frames are compared so many times smaller: a key frame's texture is not the frame's before it."""
QUIET = 0.02
"""Levels of 255 of mean change below which a step counts as so much: the encoder's own trembling."""


def check(evidence: Evidence) -> list[ClipFinding]:
    """The step from the last frame to the first over the steps beside it, for a clip that was planned as a loop."""
    plan = evidence.plan
    if plan is None or not plan.shots or not plan.shots[0].loop:
        return []
    count = evidence.clip.info.frame_count // plan.shots[0].repeat
    if count < 5:
        return [ClipFinding(check="loop seam", verdict="unseen", why="the loop is too short to have a seam")]
    step = float(1 / evidence.fps)
    frames = _raw(evidence) or _decoded(evidence, step)
    if len(frames) != 4:
        return [ClipFinding(check="loop seam", verdict="unseen", why="its first and last frames cannot be read")]
    first, second, before, last = frames
    beside = max(_change(first, second), _change(before, last), QUIET)
    value = _change(last, first) / beside
    good = value <= SEAM
    return [
        ClipFinding(
            check="loop seam",
            verdict="pass" if good else "fail",
            measured=round(value, 3),
            unit="times the steps beside it",
            limit=SEAM,
            start=None if good else (count - 1) * step,
            end=None if good else count * step,
            why=f"the step from its last frame to its first is {value:.2f} times those beside it",
            fix="" if good else "render the loop again, with another length",
        )
    ]


def _raw(evidence: Evidence) -> list[Pixels]:
    """The first two and the last two frames as they were drawn; empty for a clip of somebody else."""
    performance = evidence.performance
    if performance is None:
        return []
    count = performance.frame_count
    return [performance.frame(index).copy() for index in (0, 1, count - 2, count - 1)]


def _decoded(evidence: Evidence, step: float) -> list[Pixels]:
    import cv2

    count = evidence.clip.info.frame_count
    ends = ((0.0, 2 * step), ((count - 2) * step, count * step))
    size = tuple(max(1, side // SMALLER) for side in (evidence.clip.info.width, evidence.clip.info.height))
    return [
        cv2.resize(shown.pixels, size, interpolation=cv2.INTER_AREA)
        for shown in frames_within(evidence.clip, evidence.timing, ends)
    ]


def _change(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(np.int16) - other).mean())
