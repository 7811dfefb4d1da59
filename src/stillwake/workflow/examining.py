"""Any clip -> what its inspection finds, held against its record where there is one."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from stillwake.assemble.edit import changes, fits_its_film
from stillwake.errors import StillwakeError, UsageError
from stillwake.types import Clip, Inspection, Plan, Progress, RunRecord, Scene, Speech, no_progress
from stillwake.workflow.files import beside, is_file, record_path
from stillwake.workflow.film import FilmRecord

if TYPE_CHECKING:
    from stillwake.readiness import FrameJudge


def examine(
    path: Path,
    *,
    still: Path | None = None,
    sound: Path | None = None,
    transcript: str | None = None,
    language: str | None = None,
    loop: bool = False,
    engine: str | None = None,
    prompt: str | None = None,
    camera: str | None = None,
    judge: FrameJudge | None = None,
    report: Path | None = None,
    sheet: Path | None = None,
    overwrite: bool = False,
    on_note: Callable[[str], None] | None = None,
    on_progress: Progress = no_progress,
) -> Inspection:
    """What an inspection of any clip finds; what it cannot see without a still or a sound is "unseen".

    A clip that lies beside its record is held against that: against the plan, the words, the sound and the still of
    the record, as far as they are found. A film of ours is held against its edit: how long it is, and where another
    picture comes. What is given here outranks it.

    Parameters
    ----------
    path
        The clip, ours or a stranger's.
    still
        The picture it was made from.
    sound
        The recording it should follow; the clip's own sound if None.
    transcript
        What is said in it.
    language
        The language it is said in.
    loop
        Whether its end should flow into its beginning.
    engine
        The name of what made it, so that a fix names what can be turned there.
    prompt
        The words that a generator was given.
    camera
        How the camera should move, in words or as a file of key frames.
    judge
        A vision-language model that is asked whether a few frames show what the prompt names.
    report
        Where one self-contained page of it is written, if anywhere.
    sheet
        Where its faults and its telling moments are drawn, if anywhere; a ``.png``.
    overwrite
        Whether these two may be replaced.
    on_note
        Called with each thing that was looked for and could not be found or used, a sentence.
    on_progress
        Called with the stage and how far it is.

    Raises
    ------
    stillwake.errors.ClipError
        The file cannot be used as a clip.
    stillwake.errors.StillError, SoundError, TranscriptError
        The still, the sound or the transcript cannot be used.
    stillwake.errors.UsageError
        What was asked contradicts itself, or nobody knows the engine or the camera's move.
    stillwake.errors.OutputError
        The page or the sheet cannot be written.
    """
    from stillwake.inspection import Asked, contact_sheet
    from stillwake.inspection import examine as examine_clip
    from stillwake.inspection.levers import made_by
    from stillwake.media import check_output, open_clip, write_text
    from stillwake.moves import camera_of
    from stillwake.report import clip_page

    _require_other_files(path, (still, sound), (report, sheet))
    for out in (report, sheet):
        if out is not None:
            check_output(out, overwrite)
    if judge is not None and not (prompt or "").strip():
        raise UsageError(
            "Cannot ask the judge",
            "it is asked whether frames show what a prompt names, and there is none",
            "give the words with --prompt",
        )
    told: dict[str, Any] = {}
    if engine is not None:
        told["engine"], told["family"] = made_by(engine)
    if camera is not None and (move := camera_of(camera)) is not None:
        told |= {"camera": move, "still": False, "moving": True}
    if prompt is not None:
        told["prompt"] = prompt
    if loop:
        told["loop"] = True
    clip = open_clip(path)
    notes: list[str] = []

    def note(sentence: str) -> None:
        notes.append(sentence)
        if on_note is not None:
            on_note(sentence)

    record = _found_record(path, clip, note)
    if isinstance(record, FilmRecord):
        told |= {"frames": record.edit.frame_count, "changes": changes(record.edit.pictures)}
        record = None
    plan = None if record is None else record.plan
    on_progress("listen", 0, 1)
    speech = _meant_speech(path, record, sound, transcript, language, note)
    on_progress("listen", 1, 1)
    scene, plan = _meant_scene(clip, record, plan, still, note)
    asked = dataclasses.replace(Asked.of(plan), **told)
    examination = examine_clip(
        clip,
        still=None if scene is None else scene.still,
        scene=scene,
        speech=speech,
        plan=plan,
        asked=asked,
        judge=judge,
        on_progress=on_progress,
    )
    inspection = examination.inspection
    if report is not None:
        write_text(report, clip_page(clip, examination, asked=asked, notes=notes), overwrite)
    if sheet is not None:
        contact_sheet(
            clip,
            sheet,
            scene=scene,
            speech=speech,
            face=asked.face,
            findings=inspection.findings,
            timelines=examination.timelines,
            overwrite=overwrite,
        )
    return inspection


def _require_other_files(clip: Path, inputs: tuple[Path | None, ...], outputs: tuple[Path | None, ...]) -> None:
    """Nothing that is looked at, and nothing that is written, is written over."""
    taken = {os.path.realpath(one) for one in (clip, record_path(clip), *inputs) if one is not None}
    for out in outputs:
        if out is None:
            continue
        real = os.path.realpath(out)
        if real in taken:
            raise UsageError(
                f"Cannot write {out.name}",
                "the same file is the clip, belongs to it or is written already",
                "choose another name",
            )
        taken.add(real)


LARGEST_RECORD = 16 << 20
"""bytes; a record with a face's whole mesh has some 40,000."""


def _found_record(path: Path, clip: Clip, note: Callable[[str], None]) -> RunRecord | FilmRecord | None:
    """The record beside a clip or film, if it is this one's; otherwise a note, where there is something to note."""
    from pydantic import Field, TypeAdapter, ValidationError

    from stillwake.errors import InputError
    from stillwake.media.files import opened_input, shown

    at = record_path(path)
    if not is_file(at):
        return None
    kinds: TypeAdapter[RunRecord | FilmRecord] = TypeAdapter(
        Annotated[RunRecord | FilmRecord, Field(discriminator="schema_")]
    )
    name, without = shown(at), "the clip is inspected without it"
    try:
        with opened_input(at, f"Cannot use {name}", InputError, LARGEST_RECORD) as file:
            record = kinds.validate_json(file.read(LARGEST_RECORD + 1))
    except (InputError, ValidationError, ValueError, RecursionError) as error:
        why = error.why if isinstance(error, InputError) else "it is damaged or no record of stillwake's"
        note(f"{name} cannot be used: {why}; {without}.")
        return None
    fits = fits_its_film(record.edit) if isinstance(record, FilmRecord) else bool(record.plan.shots)
    if record.inspection.clip.sha256 != clip.info.sha256 or not fits:
        note(f"{name} is the record of another clip, or of another version of this one; {without}.")
        return None
    return record


def _meant_speech(
    path: Path,
    record: RunRecord | None,
    sound: Path | None,
    transcript: str | None,
    language: str | None,
    note: Callable[[str], None],
) -> Speech | None:
    """What should be heard: what was given, else what the record says; None where only the clip itself tells."""
    from stillwake.media import clip_sound, open_sound
    from stillwake.speech import listen

    if sound is not None or transcript is not None or language is not None:
        heard = open_sound(sound) if sound is not None else clip_sound(path)
        if heard is not None:
            return listen(heard, transcript, language)
        if transcript is not None:
            raise UsageError(
                f"Cannot inspect {path.name} with a transcript",
                "the clip has no sound",
                "give the recording with --sound",
            )
    if record is None or (record.brief.say is None and record.brief.sound is None):
        return None
    try:
        return _spoken_again(path, record)
    except StillwakeError as error:
        note(f"What the record says was spoken cannot be heard again: {error.why}; the clip's own sound must do.")
        return None


def _spoken_again(path: Path, record: RunRecord) -> Speech:
    """The record's words by the same voice, or its recording, which must be as long as it was."""
    from stillwake.errors import SoundError
    from stillwake.media import open_sound
    from stillwake.speech import listen, say

    brief, shot = record.brief, record.plan.shots[0]
    if brief.say is not None:
        speech = say(brief.say, voice=brief.voice, language=brief.language)
        heard, what = speech.sound, "the voice"
    else:
        at = beside(path, str(brief.sound))
        if at is None:
            raise SoundError(
                "Cannot hear it", f"{Path(str(brief.sound)).name[:80]} does not lie beside it", "put it there"
            )
        heard, what = open_sound(at), at.name
    if abs(heard.seconds - shot.seconds) > 1 / shot.fps:
        lengths = f"{float(heard.seconds):.2f} s long, it was {float(shot.seconds):.2f} s"
        raise SoundError("Cannot hear it", f"{what} is {lengths}", "find the one that was used")
    return speech if brief.say is not None else listen(heard, brief.transcript, brief.language)


def _meant_scene(
    clip: Clip, record: RunRecord | None, plan: Plan | None, still: Path | None, note: Callable[[str], None]
) -> tuple[Scene | None, Plan | None]:
    """What is seen in the still, as the clip shows it, and the plan with its face counted there."""
    from stillwake.media import open_still
    from stillwake.perceive import GivenFace, as_shown, faces_within, framed, perceive, scaled

    size = (clip.info.width, clip.info.height)
    picture = None
    if still is not None:
        picture = open_still(still)
    elif record is not None:
        name = record.report.still.name
        try:
            at = beside(clip.path, name)
            picture = None if at is None else open_still(at)
        except StillwakeError:
            picture = None
        if picture is None or picture.sha256 != record.report.still.sha256:
            why = "does not lie beside it" if picture is None else "is not the picture of that name beside it"
            note(f"The still {name[:80]!r} that the clip was made from {why}; give it with --still.")
            picture = None
    if picture is None:
        return None, plan
    if record is None or plan is None or picture.sha256 != record.report.still.sha256:
        return scaled(as_shown(perceive(picture), size), size), plan
    given = () if record.face is None else (GivenFace(record.face, "the record's face"),)
    scene, shot = perceive(picture, given), plan.shots[0]
    numbers = faces_within(scene, shot.crop)
    scene = scaled(framed(scene, shot.crop), size)
    if shot.face in numbers:  # of those that are left in the picture
        first = shot.model_copy(update={"face": numbers.index(shot.face) + 1})
        plan = plan.model_copy(update={"shots": (first, *plan.shots[1:])})
    return scene, plan
