"""Clip -> Inspection: is the clip clean? Seen in the decoded frames, one module a failure.

`evidence` looks at the clip once; each check turns what was seen into findings. What cannot be seen is a finding
with the verdict "unseen" and the reason, never a pass.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from stillwake.errors import Cancelled
from stillwake.inspection import (
    background,
    changes,
    closures,
    continuity,
    file,
    folds,
    lacking,
    length,
    light,
    loop,
    morph,
    motion,
    moves,
    picture,
    prompt,
    rigid,
    start,
    sync,
)
from stillwake.inspection.asked import Asked
from stillwake.inspection.levers import with_lever
from stillwake.inspection.sheet import contact_sheet
from stillwake.types import Clip, ClipFinding, Inspection, Plan, Progress, Scene, Speech, Still, Timeline, no_progress

if TYPE_CHECKING:
    from stillwake.engines import Performance
    from stillwake.inspection.evidence import Evidence
    from stillwake.readiness import FrameJudge

__all__ = ["CHECKS", "Asked", "Examination", "contact_sheet", "examine", "inspect", "summary"]

log = logging.getLogger(__name__)

Check = Callable[["Evidence"], list[ClipFinding]]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("length", length.check),
    ("file", lambda e: file.check(e.facts, e.blocks, e.asked, e.still)),
    ("first frame", start.check),
    ("sync", sync.check),
    ("closures", closures.check_closures),
    ("silence", closures.check_silence),
    ("still mouth", picture.check_still_mouth),
    ("teeth", picture.check_teeth),
    ("morph", lambda e: morph.check(e.shape, e.asked)),
    ("background raw", background.check_raw),
    ("background", background.check_decoded),
    ("warp", lambda e: rigid.check(e.rigid, e.asked)),
    ("folds", folds.check),
    (
        "light",
        lambda e: light.check(e.light, e.asked, e.fps, cuts=e.motion.cuts, changes=e.changing, filmed=e.filmed),
    ),
    ("fade", lambda e: changes.check(e.changes, e.asked, e.fps, filmed=e.filmed)),
    (
        "continuity",
        lambda e: continuity.check(
            e.motion,
            e.asked,
            e.fps,
            changes=e.changes,
            filmed=e.filmed,
            lacking=lacking.lacking(e),
            drawn=e.as_drawn,
        ),
    ),
    ("motion", lambda e: motion.check(e.motion, e.asked, e.seen.change)),
    ("loop seam", loop.check),
    ("sharpness", moves.check),
)
"""Every check with the name it fails under; one check may give several findings. `examine` adds the judge's."""

TIMELINES: tuple[Callable[[Evidence], list[Timeline]], ...] = (
    sync.timelines,
    lambda e: morph.timelines(e.shape),
    lambda e: rigid.timelines(e.rigid),
    lambda e: light.timelines(e.light, e.fps, changes=e.changing, filmed=e.filmed),
    lambda e: motion.timelines(e.motion),
)
"""What can be drawn along a clip."""


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """What an inspection found, and the measures along the clip to draw it by."""

    inspection: Inspection
    timelines: tuple[Timeline, ...]


def inspect(
    clip: Clip,
    *,
    still: Still | None = None,
    scene: Scene | None = None,
    speech: Speech | None = None,
    performance: Performance | None = None,
    plan: Plan | None = None,
    asked: Asked | None = None,
    judge: FrameJudge | None = None,
    on_progress: Progress = no_progress,
) -> Inspection:
    """Whether a clip is clean, from its decoded frames and sound; any clip will do.

    Parameters
    ----------
    clip
        The clip on disk.
    still
        What it was made from; without it the background is compared with the clip's own first frame.
    scene
        What was seen in the still, at any size; without it a face is looked for in the clip.
    speech
        What is said when; without it the clip's own sound is recognised, and closures warn at most.
    performance
        What drew the frames, still open: raw frames and maps are drawn again on a sample.
    plan
        What was meant: how long the clip should be, which face speaks, what moves.
    asked
        What was meant, for a clip without a plan.
    judge
        A vision-language model that is asked whether a few frames show what ``asked.prompt`` names.
    on_progress
        Called with "inspect", and "judge" where one is asked; raise `stillwake.errors.Cancelled` inside it to stop.

    Raises
    ------
    stillwake.errors.ClipError
        The clip cannot be decoded.
    """
    return examine(
        clip,
        still=still,
        scene=scene,
        speech=speech,
        performance=performance,
        plan=plan,
        asked=asked,
        judge=judge,
        on_progress=on_progress,
    ).inspection


def examine(
    clip: Clip,
    *,
    still: Still | None = None,
    scene: Scene | None = None,
    speech: Speech | None = None,
    performance: Performance | None = None,
    plan: Plan | None = None,
    asked: Asked | None = None,
    judge: FrameJudge | None = None,
    on_progress: Progress = no_progress,
) -> Examination:
    """What `inspect` finds, with the measures along the clip; the same parameters and errors."""
    from stillwake.inspection.evidence import gather

    evidence = gather(
        clip,
        still=still,
        scene=scene,
        speech=speech,
        performance=performance,
        plan=plan,
        asked=asked,
        on_progress=on_progress,
    )
    findings: list[ClipFinding] = []
    shown: Check = partial(_prompt_shown, judge=judge, on_progress=on_progress)
    for name, check in (*CHECKS, (prompt.CHECK, shown)):
        try:
            findings += check(evidence)
        except Cancelled:
            raise
        except Exception as error:  # a fault of a check must neither pass the clip nor take the run with it
            log.exception("the check %s failed", name)
            findings.append(
                ClipFinding(
                    check=name, verdict="unseen", why=f"the check itself failed ({type(error).__name__}: {error})"
                )
            )
    findings = [with_lever(finding, evidence.asked) for finding in findings]
    lines: list[Timeline] = []
    for drawn in TIMELINES:
        try:
            lines += drawn(evidence)
        except Exception:
            log.exception("a timeline could not be drawn")
    inspection = Inspection(
        clip=clip.info, passed=all(finding.verdict != "fail" for finding in findings), findings=tuple(findings)
    )
    return Examination(inspection, tuple(lines))


def _prompt_shown(evidence: Evidence, judge: FrameJudge | None, on_progress: Progress) -> list[ClipFinding]:
    return prompt.check(evidence.clip, evidence.timing, evidence.asked.prompt, judge, on_progress)


def summary(inspection: Inspection) -> Iterator[str]:
    """One line a finding for people, what is wrong first."""
    order = ("fail", "warn", "pass", "unseen")
    marks = {"fail": "FAIL", "warn": "warn", "pass": "ok", "unseen": "unseen"}
    for finding in sorted(inspection.findings, key=lambda f: order.index(f.verdict)):
        at = "" if finding.start is None else f" (at {finding.start:.2f} s)"
        fix = f" -> {finding.fix}" if finding.fix and finding.verdict in ("fail", "warn") else ""
        yield f"{marks[finding.verdict]:<7}{finding.check}: {finding.why}{at}{fix}"
