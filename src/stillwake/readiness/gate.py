"""The report with its five signs, and the two gates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stillwake.errors import NotReadyError, UsageError
from stillwake.readiness.anatomy import anatomy_findings
from stillwake.readiness.background import background_findings
from stillwake.readiness.character import character_findings
from stillwake.readiness.expression import expression_findings
from stillwake.readiness.face import face_findings
from stillwake.readiness.file import file_findings
from stillwake.readiness.framing import framing_findings
from stillwake.readiness.unlooked import ANIMATOR_CHECKS, CHECKS, FILE_CHECKS, unseen
from stillwake.readiness.views import measure
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
    looked = {finding.check: finding for finding in _looked(scene, number - 1)}
    signs = []
    for name in SIGNS:
        findings = tuple(looked.get(c) or unseen(c, why or _NO_FACE) for c, why in CHECKS[name].items())
        signs.append(Sign(sign=name, verdict=worst([f.verdict for f in findings]), findings=findings))
    of_file = tuple(looked.get(c) or unseen(c, why) for c, why in FILE_CHECKS.items())
    file = FileFindings(verdict=worst([f.verdict for f in of_file]), findings=of_file)
    moved = tuple(looked.get(c) or unseen(c, why or _NO_FACE) for c, why in ANIMATOR_CHECKS.items())
    everything = [*file.findings, *(finding for sign in signs for finding in sign.findings)]
    width, height = scene.still.size
    return Report(
        still=StillInfo(name=scene.still.name, sha256=scene.still.sha256, width=width, height=height),
        style=scene.style,
        ready=all(finding.verdict != "fail" for finding in everything),
        gates={
            "animator": _animator(moved, [f for f in everything if f.check == "face in the frame"]),
            "generator": _generator(everything),
        },
        signs=(signs[0], signs[1], signs[2], signs[3], signs[4]),
        file=file,
    )


def _looked(scene: Scene, index: int) -> Iterator[Finding]:
    """What every module of this room finds; ``index`` counts the faces from 0."""
    face = scene.faces[index] if scene.faces else None
    yield from face_findings(scene, index).values()
    if face is not None:
        seen = measure(scene.still.pixels, face) if face.mesh is not None or face.kind == "drawn" else None
        yield from character_findings(scene, face, seen)
        yield from expression_findings(face, seen)
    yield from anatomy_findings(scene)
    yield from framing_findings(scene, face)
    yield from background_findings(scene)
    yield from file_findings(scene)


def _because(findings: Iterable[Finding]) -> str:
    return "; ".join(finding.why for finding in findings)


def _animator(findings: tuple[Finding, ...], shared: list[Finding]) -> Gate:
    """The animator is stopped by faults in what it moves: the face."""
    moved = [*findings, *shared]
    verdict = worst([finding.verdict for finding in moved])
    if verdict in ("fail", "warn"):
        return Gate(verdict=verdict, why=_because(f for f in moved if f.verdict == verdict), findings=findings)
    return Gate(verdict="pass", why="a face of good size looks at us with its mouth in plain view", findings=findings)


def _generator(findings: list[Finding]) -> Gate:
    """A generator repaints everything, so it is stopped by any fault of the five signs and the file."""
    verdict = worst([finding.verdict for finding in findings])
    if verdict in ("fail", "warn"):
        return Gate(verdict=verdict, why=_because(f for f in findings if f.verdict == verdict))
    missing = sum(finding.verdict == "unseen" for finding in findings)
    return Gate(
        verdict=verdict, why=f"nothing was found against it; {missing} of {len(findings)} checks could not look"
    )


def advice(report: Report, price: float = 0.0) -> str:
    """What to do before anything is spent on a video; empty where no sign warns or fails.

    ``price`` USD is what the video would cost, 0 where nobody knows or it is free.
    """
    faulty = [sign.sign for sign in report.signs if sign.verdict in ("warn", "fail")]
    if not faulty:
        return ""
    named = faulty[0] if len(faulty) == 1 else f"{', '.join(faulty[:-1])} and {faulty[-1]}"
    return (
        f"mend {named} in the still, by inpainting it or generating it again, until all five signs pass: "
        f"a still costs cents and {f'this video ${price:.2f}' if price else 'a video costs credits'}, and no prompt "
        "mends a picture"
    )


def require_ready(report: Report, family: Family, *, speaks: bool = True) -> None:
    """Nothing, where that family's gate is open; ``speaks`` says what an animator is asked for.

    Raises
    ------
    stillwake.errors.NotReadyError
        The gate is shut; the error names the first fault, the others with it, and what to do about the first.
    """
    gate = report.gates[family]
    if gate.verdict != "fail":
        return
    findings = [*gate.findings, *report.file.findings, *(f for sign in report.signs for f in sign.findings)]
    faults = [finding for finding in findings if finding.verdict == "fail"]
    what = (
        f"Cannot generate from {report.still.name}"
        if family != "animator"
        else f"Cannot make {report.still.name} speak"
        if speaks
        else f"Cannot make {report.still.name} live"
    )
    fix = next((finding.fix for finding in faults if finding.fix), "choose another picture")
    if family == "animator" and not speaks:
        fix += "; or move something else in it, with --camera, --brush or --ambient"
    raise NotReadyError(what, gate.why, fix)
