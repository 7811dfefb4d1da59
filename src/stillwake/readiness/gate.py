"""The report with its five signs, and the two gates."""

from __future__ import annotations

from collections.abc import Iterable

from stillwake.errors import NotReadyError, UsageError
from stillwake.readiness.face import face_findings
from stillwake.readiness.unlooked import CHECKS, FILE_CHECKS, unseen
from stillwake.types import (
    SIGNS,
    Family,
    FileFindings,
    Finding,
    Gate,
    Report,
    Scene,
    Sign,
    StillInfo,
    worst,
)

_NO_FACE = "there is no face to look at"


def check(scene: Scene, face: int | None = None) -> Report:
    """The report on a scene: exactly five signs, every check named, and a gate for each family of engines.

    ``face`` counts from 1, the largest; None takes the largest.

    Raises
    ------
    stillwake.errors.UsageError
        There is no face of that number.
    """
    number = 1 if face is None else face
    if number < 1 or (face is not None and scene.faces and number > len(scene.faces)):
        count = len(scene.faces)
        raise UsageError(
            f"Cannot use face {number} of {scene.still.name}",
            f"it shows {count} face{'s' if count != 1 else ''}",
            f"choose --face 1{f' to --face {count}' if count > 1 else ''}, 1 being the largest",
        )
    looked = {**_file_findings(scene), **face_findings(scene, number - 1)}
    signs = []
    for name in SIGNS:
        findings = tuple(looked.get(c) or unseen(c, why or _NO_FACE) for c, why in CHECKS[name].items())
        signs.append(Sign(sign=name, verdict=worst([f.verdict for f in findings]), findings=findings))
    of_file = tuple(looked.get(c) or unseen(c, why) for c, why in FILE_CHECKS.items())
    animator = _animator(looked)
    width, height = scene.still.size
    return Report(
        still=StillInfo(name=scene.still.name, sha256=scene.still.sha256, width=width, height=height),
        style=scene.style,
        ready=animator.verdict != "fail",
        gates={"animator": animator, "generator": _generator(signs)},
        signs=(signs[0], signs[1], signs[2], signs[3], signs[4]),
        file=FileFindings(verdict=worst([f.verdict for f in of_file]), findings=of_file),
    )


def _file_findings(scene: Scene) -> dict[str, Finding]:
    width, height = scene.still.size
    if scene.style == "drawn":
        style = Finding(
            check="style",
            verdict="fail",
            why="it is drawn, and the animator cannot move drawn faces yet",
            fix="use a photograph or a painting",
        )
    else:
        style = Finding(check="style", verdict="pass", why=f"it is a {scene.style}")
    resolution = Finding(
        check="resolution",
        verdict="pass",
        measured=min(width, height),
        unit="px",
        why=f"{width} × {height} px; what counts is the size of the face",
    )
    return {"style": style, "resolution": resolution}


def _because(findings: Iterable[Finding]) -> str:
    return "; ".join(finding.why for finding in findings)


def _animator(looked: dict[str, Finding]) -> Gate:
    """The animator is stopped by faults in what it moves."""
    verdict = worst([finding.verdict for finding in looked.values()])
    if verdict in ("fail", "warn"):
        return Gate(verdict=verdict, why=_because(f for f in looked.values() if f.verdict == verdict))
    return Gate(verdict="pass", why="a face of good size looks at us with its mouth in plain view")


def _generator(signs: Iterable[Sign]) -> Gate:
    """A generator repaints everything, so it is stopped by any fault; most are not looked for yet."""
    findings = [finding for sign in signs for finding in sign.findings]
    faults = [f for f in findings if f.verdict == "fail" and f.check not in _ANIMATOR_ONLY]
    if faults:
        return Gate(verdict="warn", why=_because(faults))
    missing = sum(f.verdict == "unseen" for f in findings)
    return Gate(verdict="unseen", why=f"{missing} of {len(findings)} checks have no detector yet")


_ANIMATOR_ONLY = frozenset({"face", "face size", "yaw", "pitch", "roll", "mouth uncovered", "eyes uncovered"})


def require_ready(report: Report, family: Family) -> None:
    """Nothing, where that family's gate is open.

    Raises
    ------
    stillwake.errors.NotReadyError
        The gate is shut; the error names the first fault, the others with it, and what to do about the first.
    """
    gate = report.gates[family]
    if gate.verdict != "fail":
        return
    findings = [*report.file.findings, *(finding for sign in report.signs for finding in sign.findings)]
    faults = [finding for finding in findings if finding.verdict == "fail"]
    what = (
        f"Cannot make {report.still.name} speak"
        if family == "animator"
        else f"Cannot generate from {report.still.name}"
    )
    fix = next((finding.fix for finding in faults if finding.fix), "choose another picture")
    raise NotReadyError(what, gate.why, fix)
