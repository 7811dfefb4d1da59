"""A still and a brief -> a finished clip with its record."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stillwake.engines import Performance, load_engine
from stillwake.engines import frames as frames_of
from stillwake.errors import TranscriptError
from stillwake.types import (
    Brief,
    Clip,
    Inspection,
    Pixels,
    Plan,
    Progress,
    RunRecord,
    Scene,
    Shot,
    Sound,
    Speech,
    Take,
    no_progress,
)
from stillwake.workflow.files import Staged, record_path, staged, writing
from stillwake.workflow.plans import portable, portable_plan
from stillwake.workflow.proposing import Proposal, proposed
from stillwake.workflow.readying import readied
from stillwake.workflow.runs import Run, written_down
from stillwake.workflow.takes import carried_out, is_simple
from stillwake.workflow.versions import package_versions
from stillwake.workflow.watch import Watch

if TYPE_CHECKING:
    from pydantic import JsonValue

CRF = 18
"""x264's for a clip to be looked at: no loss that is seen."""


def animate(
    picture: Path,
    brief: Brief,
    out: Path,
    *,
    overwrite: bool = False,
    sheet: Path | None = None,
    speech: Speech | None = None,
    crf: int = CRF,
    plan: Plan | None = None,
    force: bool = False,
    on_progress: Progress = no_progress,
) -> RunRecord:
    """The record of a finished clip: the clip lies at ``out`` and the record beside it.

    A clip that does not pass its inspection is kept, with its record: look at ``record.inspection``. On any other
    failure nothing is left behind, and what should have been overwritten is as it was.

    Parameters
    ----------
    picture
        The still's file.
    brief
        What the person should say, and how the clip should be.
    out
        Its ending is the format: ``.mp4``, ``.webm``, ``.mov``, ``.gif``, ``.webp``, ``.apng``, ``.avif``, or
        ``folder/%05d.png`` for lossless frames.
    overwrite
        Whether ``out``, its record and the sheet may be replaced.
    sheet
        Where a contact sheet of the clip is written, if anywhere; a ``.png``.
    speech
        What the brief says is spoken, or the part of it that this clip shows, where somebody has listened already.
    crf
        x264's, smaller being better: a clip that goes into a film is encoded once more.
    plan
        A plan of this still that was made before, and perhaps edited: it is carried out as it is.
    force
        Whether to go on where the five signs have something against the still.
    on_progress
        Called with the stage ("look", "listen", "ready", "render", "encode", "inspect") and how far it is; "encode"
        comes only where the frames are gone through again, each time from the first. Raise
        `stillwake.errors.Cancelled` inside it to stop.

    Raises
    ------
    stillwake.errors.StillwakeError
        Every one of them may come from here; each says what happened, why, and what to do.
    """
    from stillwake.media import check_clip_output, check_output

    watch = Watch()
    speaks = brief.say is not None or brief.sound is not None
    max_bytes = None if brief.max_mb is None else round(brief.max_mb * 1_000_000)
    check_clip_output(out, overwrite, fps=brief.rate, sound=speaks, max_bytes=max_bytes)
    record_at = record_path(out)
    for path in (record_at, *([sheet] if sheet is not None else [])):
        check_output(path, overwrite)
    found = proposed(picture, brief, on_progress, watch, speech=speech, force=force, plan=plan, carry_out=True)
    run = Run(picture=picture, brief=brief, out=out, sheet=sheet, overwrite=overwrite, force=force, plan=plan)
    places = _Places(out, record_at, sheet, overwrite)
    with written_down(run, found.plan):
        if is_simple(found.plan):
            return _drawn(found, brief, places, max_bytes, crf, on_progress, watch)
        return _carried(found, brief, places, crf, on_progress, watch)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where a run's files will lie, and whether what lies there may be replaced."""

    out: Path
    record: Path
    sheet: Path | None
    overwrite: bool

    def staged(self) -> AbstractContextManager[Staged]:
        return staged(self.out, self.record, self.sheet, self.overwrite)


def _drawn(
    found: Proposal,
    brief: Brief,
    into: _Places,
    max_bytes: int | None,
    crf: int,
    on_progress: Progress,
    watch: Watch,
) -> RunRecord:
    """The record of a clip that an animator draws in one shot."""
    from stillwake.media import check_clip_output

    scene, speech, plan = found.scene, found.speech, found.plan
    (shot,) = plan.shots
    check_clip_output(into.out, into.overwrite, fps=shot.fps, frame_count=shot.frame_count * shot.repeat)

    on_progress("ready", 0, 1)
    with watch.stage("prepare"):
        scene, shot, performance = readied(load_engine(shot.engine, shot.model), scene, shot, speech, on_progress)
        plan = plan.model_copy(update={"warnings": (*plan.warnings, *getattr(performance, "notes", ()))})
        speech, shot = _as_spoken(performance, speech, shot, brief)
    with performance, into.staged() as places:
        on_progress("ready", 1, 1)
        with watch.stage("render"):
            sound = None if speech is None else speech.sound
            alpha = scene.still.alpha
            clip = _render(performance, shot, places.clip, sound, alpha, max_bytes, crf, on_progress, watch)
        with watch.stage("inspect"):
            inspection = _inspect(
                clip, scene, speech, performance, plan.model_copy(update={"shots": (shot,)}), on_progress
            )
        if places.sheet is not None:
            with watch.stage("sheet"):
                _draw_sheet(clip, places.sheet, scene, speech, shot.face)
        record = _record(brief, found, plan, inspection, watch, made_with=dict(getattr(performance, "made_with", {})))
        with writing(into.record):
            places.record.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return record


def _carried(found: Proposal, brief: Brief, into: _Places, crf: int, on_progress: Progress, watch: Watch) -> RunRecord:
    """The record of a clip of several shots or takes."""
    with into.staged() as places:
        with watch.stage("takes"):
            carried = carried_out(found, brief, into.out, places.clip, crf, on_progress)
        if places.sheet is not None:
            with watch.stage("sheet"):
                _draw_sheet(carried.clip, places.sheet, found.scene, None, brief.face or 1)
        record = _record(brief, found, carried.plan, carried.inspection, watch, carried.takes)
        with writing(into.record):
            places.record.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return record


def _as_spoken(
    performance: Performance, speech: Speech | None, shot: Shot, brief: Brief
) -> tuple[Speech | None, Shot]:
    """What is heard in the clip: where an engine says the words with a voice of its own, that, as long as it is."""
    from stillwake.speech import listen

    own: Sound | None = getattr(performance, "sound", None)
    if own is None:
        return speech, shot
    try:
        heard = listen(own, shot.say or None, brief.language)
    except TranscriptError:  # the clip is paid for: that its words are not heard in it is the inspection's to say
        heard = listen(own, None, brief.language)
    return heard, shot.model_copy(update={"seconds": performance.frame_count / performance.fps})


def _record(
    brief: Brief,
    found: Proposal,
    plan: Plan,
    inspection: Inspection,
    watch: Watch,
    takes: tuple[Take, ...] = (),
    made_with: dict[str, JsonValue] | None = None,
) -> RunRecord:
    return RunRecord(
        brief=portable(brief),
        face=found.given[0].record if found.given else None,
        report=found.report,
        plan=portable_plan(plan),
        takes=takes,
        made_with=made_with or {},
        inspection=inspection,
        versions=package_versions(),
        seconds=watch.finish(),
    )


def _render(
    performance: Performance,
    shot: Shot,
    out: Path,
    sound: Sound | None,
    alpha: Pixels | None,
    max_bytes: int | None,
    crf: int,
    on_progress: Progress,
    watch: Watch,
) -> Clip:
    from stillwake.media import carries_alpha, write_clip

    alpha = alpha if carries_alpha(out) else None
    return write_clip(
        out,
        lambda: watch.note_first(frames_of(performance, alpha), "before_first_frame"),
        fps=performance.fps,
        frame_count=performance.frame_count,
        size=performance.size,
        sound=sound,
        loop=shot.loop,
        repeat=shot.repeat,
        max_bytes=max_bytes,
        crf=crf,
        on_progress=on_progress,
    )


def _inspect(
    clip: Clip, scene: Scene, speech: Speech | None, performance: Performance, plan: Plan, on_progress: Progress
) -> Inspection:
    from stillwake.inspection import inspect

    return inspect(
        clip,
        still=scene.still,
        scene=scene,
        speech=speech,
        performance=performance,
        plan=plan,
        on_progress=on_progress,
    )


def _draw_sheet(clip: Clip, sheet: Path, scene: Scene, speech: Speech | None, face: int) -> None:
    from stillwake.inspection import contact_sheet

    contact_sheet(clip, sheet, scene=scene, speech=speech, face=face)
