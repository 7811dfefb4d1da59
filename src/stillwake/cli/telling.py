"""What is shown: results on standard output, words and progress on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stillwake.errors import StillwakeError

if TYPE_CHECKING:
    from stillwake.types import Finding, Inspection, Plan, Progress, Report, RunRecord, Scene
    from stillwake.workflow.film import FilmPlan, FilmRecord


def report_lines(report: Report) -> Iterator[str]:
    """What the five signs say of a still, in lines."""
    from stillwake.readiness import advice

    still = report.still
    stopped = report.ready and report.gates["animator"].verdict == "fail"
    word = "not ready" if not report.ready else "ready, but not for an animator" if stopped else "ready"
    yield f"{still.name}: {word} ({report.style}, {still.width}×{still.height})"
    for sign in report.signs:
        yield f"  {sign.sign:<11} {sign.verdict}"
        yield from _finding_lines(sign.findings)
    yield f"  {'file':<11} {report.file.verdict}"
    yield from _finding_lines(report.file.findings)
    for family, gate in report.gates.items():
        yield f"  for {'an' if family == 'animator' else 'a'} {family}: {gate.verdict}, {gate.why}"
    if told := advice(report):
        yield f"  {told}"
    if report.judge is not None and report.judge.note:
        yield f"  judge:      {report.judge.note}"


_TOLD = frozenset({"description", "expression", "shot"})
"""Checks that say what was read in the picture, which the person can hold against what they meant."""


def _finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        if finding.verdict in ("warn", "fail"):
            at = "" if finding.box is None else f" [at {', '.join(f'{v:.0f}' for v in finding.box)}]"
            yield f"    {finding.verdict}: {finding_words(finding)}{at}"
        elif finding.check in _TOLD:
            yield f"    {finding.check}: {finding.why}"
    missing = [finding.check for finding in findings if finding.verdict == "unseen"]
    if missing:
        yield f"    unseen: {', '.join(missing)}"


def finding_words(finding: Finding) -> str:
    """A finding in one line: what was measured, why, and what to do."""
    return f"{_named(finding)}: {finding.why}" + (f"; {finding.fix}" if finding.fix else "")


def _named(finding: Finding) -> str:
    return f"{finding.check} {finding.amount}".rstrip()


def plan_lines(plan: Plan) -> Iterator[str]:
    """A plan with its reasons, its price and its warnings."""
    from stillwake.makers import known

    for shot in plan.shots:
        times = f"{shot.repeat} × " if shot.repeat > 1 else ""
        takes = f", {shot.takes} takes" if shot.takes > 1 else ""
        engine = f"{shot.engine} {shot.model}".rstrip()
        yield (
            f"{engine} ({shot.family}), {shot.motion}, {times}{float(shot.seconds):.2f} s, "
            f"{shot.size[0]}×{shot.size[1]}, "
            f"{shot.fps} frames/s, {shot.frame_count} frames, seed {shot.seed}{takes}"
        )
        if shot.family == "generator" and shot.prompt:
            yield f"  prompt: {shot.prompt}"
        yield from (f"  {reason}" for reason in shot.reasons)
    unknown = [
        shot for shot in plan.shots
        if (maker := known(shot.engine, shot.model)) is not None and maker.cost(shot.seconds) is None
    ]  # fmt: skip
    cost = f"${plan.price:.2f}" if plan.price or unknown else "nothing"
    if unknown:
        cost = f"{cost} and more, nobody knows how much" if plan.price else "nobody knows how much"
    wait = "" if plan.wait is None else f", takes about {_duration(plan.wait)}"
    yield f"costs {cost}{wait}"
    yield from (f"  note: {warning}" for warning in plan.warnings)


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )


def inspection_lines(inspection: Inspection) -> Iterator[str]:
    """Every finding of an inspection, a line each."""
    clip = inspection.clip
    yield (
        f"{clip.name}: {'passed' if inspection.passed else 'did not pass'} "
        f"({clip.frame_count} frames, {clip.width}×{clip.height}, {clip.fps} frames/s)"
    )
    for finding in inspection.findings:
        where = "" if finding.start is None else f" at {finding.start:.2f} s"
        if finding.start is not None and finding.end is not None and finding.end - finding.start > 0.1:
            where = f" from {finding.start:.2f} to {finding.end:.2f} s"
        if finding.box is not None:
            where += f" [at {', '.join(f'{value:.0f}' for value in finding.box)}]"
        fix = f"; {finding.fix}" if finding.fix and finding.verdict in ("warn", "fail") else ""
        yield f"  {finding.verdict:<7} {_named(finding)}{where}: {finding.why}{fix}"


def record_lines(record: RunRecord) -> Iterator[str]:
    """A run: its plan, its takes, its inspection, its times."""
    yield from plan_lines(record.plan)
    for take in record.takes:
        turned = f", {take.changed}" if take.changed else ""
        taken = ", taken" if take.chosen else ""
        yield f"shot {take.shot}, take {take.rank}{taken}: seed {take.seed}{turned}: {take.why} ({take.name})"
    yield from inspection_lines(record.inspection)
    seconds = record.seconds
    yield (
        f"{seconds['total']:.1f} s in all: first frame after {seconds['before_first_frame']:.1f} s, "
        f"rendered in {seconds['render']:.1f} s, inspected in {seconds['inspect']:.1f} s"
        if "render" in seconds
        else f"{seconds['total']:.1f} s in all, {seconds['takes']:.1f} s of it for the takes"
    )


def edit_lines(film: FilmPlan) -> Iterator[str]:
    """A film's edit: shots, sounds, captions."""
    edit = film.laid.edit
    width, height = edit.size
    yield (
        f"{film.board.path.name}: {float(edit.seconds):.2f} s, {edit.frame_count} frames, {width}×{height}, "
        f"{edit.fps} frames/s"
    )
    for picture in edit.pictures:
        begin, end = float(picture.start / edit.fps), float(picture.end / edit.fps)
        how = "" if picture.transition == "cut" else f", {picture.transition} of {picture.frames} frames"
        yield f"  shot {picture.shot + 1} ({picture.name}): {begin:.2f} to {end:.2f} s{how}"
    for track in edit.tracks:
        whose = "the film's" if track.shot is None else f"shot {track.shot + 1}"
        part = "" if track.loops else f", its seconds {float(track.begin):.2f} to {float(track.end):.2f}"
        yield f"  sound {track.sound.name} ({whose}): from {float(track.start):.2f} s{part}"
    for caption in film.captions:
        words = caption.text.replace("\n", " / ")
        yield f"  caption: {float(caption.start):.2f} to {float(caption.end):.2f} s: {words}"
    yield from (f"  note: {note}" for note in film.notes)


def film_lines(record: FilmRecord) -> Iterator[str]:
    """A film that was made: its shots and its inspection."""
    for shot in record.shots:
        how = "as it came" if shot.passed is None else "passed" if shot.passed else "did not pass"
        yield f"shot {shot.shot} ({shot.name}): {shot.clip}, {how}{', rendered before' if shot.reused else ''}"
    yield from (f"  note: {note}" for note in record.notes)
    yield from inspection_lines(record.inspection)
    seconds = record.seconds
    yield f"{seconds['total']:.1f} s in all, {seconds['shots']:.1f} s of them for the shots"


def _numbers(values: Any) -> Any:
    """Arrays and tuples as nested lists, rounded to a hundredth of a px."""
    import numpy as np

    return np.round(np.asarray(values, float), 2).tolist()


def scene_row(scene: Scene, mesh: bool) -> dict[str, Any]:
    """The record of a scene; each of its faces can be cut out, edited and given back."""
    from stillwake.perceive import record_of, written

    width, height = scene.still.size
    return {
        "schema": "stillwake/scene@1",
        "still": {
            "name": scene.still.name,
            "sha256": scene.still.sha256,
            "width": width,
            "height": height,
            "notes": list(scene.still.notes),
        },
        "style": scene.style,
        "faces": [written(record_of(face, scene.still, mesh=mesh)) for face in scene.faces],
        "given": list(scene.given),
        "refused": [{"box": _numbers(refused.box), "why": refused.why} for refused in scene.refused],
        "matte": None if scene.matte is None else {"share": round(float(scene.matte.mean()), 4)},
        "seen": dict(scene.seen),
    }


def write(text: str) -> None:
    """A result, to standard output."""
    print(text, flush=True)


def say(text: str) -> None:
    """Words, to standard error."""
    print(text, file=sys.stderr, flush=True)


STAGES = {
    "look": "looking at the still",
    "judge": "asking the judge",
    "listen": "listening",
    "ready": "getting ready",
    "load": "loading the model",
    "generate": "generating",
    "download": "fetching weights",
    "send": "sending",
    "wait": "waiting for the engine",
    "fetch": "fetching the clip",
    "render": "rendering",
    "encode": "encoding",
    "inspect": "inspecting",
    "plan": "planning",
    "shots": "rendering the shots",
    "mix": "mixing",
    "join": "joining",
    "prove": "inspecting the film",
}


@contextmanager
def watching(quiet: bool) -> Iterator[Progress]:
    """A progress callback that draws a bar on standard error, where somebody looks at one."""
    from stillwake.types import no_progress

    if quiet or not sys.stderr.isatty():
        yield no_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True) as bars:

        def on_progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(STAGES.get(stage, stage), total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield on_progress


def complain(error: StillwakeError, verbose: bool) -> None:
    """An error, as its sentence; with ``verbose`` also where it came from."""
    if verbose:
        import traceback

        say("".join(traceback.format_exception(error)).rstrip())
    say(str(error))
