"""Clip -> Inspection: is the clip clean? Seen in the decoded frames, one module a failure.

`evidence` looks at the clip once; each check turns what was seen into findings. What cannot be seen is a finding
with the verdict "unseen" and the reason, never a pass.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from stillwake.inspection import background, closures, folds, length, loop, moves, picture, sync
from stillwake.inspection.sheet import contact_sheet
from stillwake.types import Clip, ClipFinding, Inspection, Plan, Progress, Scene, Speech, Still, no_progress

if TYPE_CHECKING:
    from stillwake.engines import Performance
    from stillwake.inspection.evidence import Evidence

__all__ = ["CHECKS", "contact_sheet", "inspect", "summary"]

log = logging.getLogger(__name__)

Check = Callable[["Evidence"], list[ClipFinding]]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("length", length.check),
    ("sync", sync.check),
    ("closures", closures.check_closures),
    ("silence", closures.check_silence),
    ("background raw", background.check_raw),
    ("background", background.check_decoded),
    ("folds", folds.check),
    ("teeth", picture.check_teeth),
    ("freeze", picture.check_freeze),
    ("flicker", picture.check_flicker),
    ("loop seam", loop.check),
    ("sharpness", moves.check),
)
"""Every check with the name it fails under; one check may give several findings."""


def inspect(
    clip: Clip,
    *,
    still: Still | None = None,
    scene: Scene | None = None,
    speech: Speech | None = None,
    performance: Performance | None = None,
    plan: Plan | None = None,
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
        How long the clip should be, and which face speaks.
    on_progress
        Called with "inspect"; raise `stillwake.errors.Cancelled` inside it to stop.

    Raises
    ------
    stillwake.errors.ClipError
        The clip cannot be decoded.
    """
    from stillwake.inspection.evidence import gather

    evidence = gather(
        clip, still=still, scene=scene, speech=speech, performance=performance, plan=plan, on_progress=on_progress
    )
    findings: list[ClipFinding] = []
    for name, check in CHECKS:
        try:
            findings += check(evidence)
        except Exception as error:  # a fault of a check must neither pass the clip nor take the run with it
            log.exception("the check %s failed", name)
            findings.append(
                ClipFinding(
                    check=name, verdict="unseen", why=f"the check itself failed ({type(error).__name__}: {error})"
                )
            )
    return Inspection(
        clip=clip.info, passed=all(finding.verdict != "fail" for finding in findings), findings=tuple(findings)
    )


def summary(inspection: Inspection) -> Iterator[str]:
    """One line a finding for people, what is wrong first."""
    order = ("fail", "warn", "pass", "unseen")
    marks = {"fail": "FAIL", "warn": "warn", "pass": "ok", "unseen": "unseen"}
    for finding in sorted(inspection.findings, key=lambda f: order.index(f.verdict)):
        at = "" if finding.start is None else f" (at {finding.start:.2f} s)"
        fix = f" -> {finding.fix}" if finding.fix and finding.verdict in ("fail", "warn") else ""
        yield f"{marks[finding.verdict]:<7}{finding.check}: {finding.why}{at}{fix}"
