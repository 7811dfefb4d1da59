"""The whole walk in one place: what the command line and the other doors call.

picture -> Still -> Scene -> Report -> Plan -> Clip -> Inspection -> OUT.json
"""

from __future__ import annotations

import dataclasses
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillwake.engines import Performance, load_engine
from stillwake.engines import frames as frames_of
from stillwake.errors import StillwakeError, UsageError
from stillwake.types import (
    Brief,
    Clip,
    Inspection,
    Pixels,
    Plan,
    Progress,
    Report,
    RunRecord,
    Scene,
    Shot,
    Sound,
    Speech,
    Strokes,
    no_progress,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from stillwake.perceive import GivenFace
    from stillwake.readiness import FrameJudge, Judge

__all__ = ["animate", "examine", "hear", "look", "package_versions", "propose", "record_path"]

PACKAGES = (
    "stillwake",
    "mediapipe",
    "numpy",
    "opencv-contrib-python",
    "onnxruntime",
    "rapidocr",
    "scipy",
    "pillow",
    "av",
    "pocketsphinx",
    "espeakng-loader",
    "pydantic",
)
"""The packages whose version may change a frame, a time or a record."""


def package_versions() -> dict[str, str]:
    """Name -> version of Python and of every package that may change the result; "missing" where there is none."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "missing"
    return versions


def record_path(out: Path) -> Path:
    """Where the record of a clip lies.

    ``hello.mp4.json`` beside ``hello.mp4``, and ``frames.json`` beside the folder of ``frames/%05d.png``.
    """
    if "%" in out.name:
        return out.parent.with_name(out.parent.name + ".json")
    return out.with_name(out.name + ".json")


def look(
    picture: Path,
    *,
    face: int | None = None,
    face_file: Path | None = None,
    judge: Judge | None = None,
    on_progress: Progress = no_progress,
) -> tuple[Scene, Report]:
    """What is seen in a picture, and whether it is ready; ``judge`` is asked what pixels cannot settle.

    ``face_file`` holds a face that a person put right; it is the one that counts unless ``face`` names another.

    Raises
    ------
    stillwake.errors.StillError, FaceError
        It cannot be used as a picture; the face file cannot be used, or not with this picture.
    """
    from stillwake.media import open_still
    from stillwake.perceive import perceive
    from stillwake.readiness import check, judged

    scene = perceive(open_still(picture), _given(face_file))
    face = _number(scene, face)
    report = check(scene, face)
    if judge is not None:
        report = judged(scene, report, judge, face=face, on_progress=on_progress)
    return scene, report


def _given(face_file: Path | None) -> tuple[GivenFace, ...]:
    from stillwake.perceive import open_face

    return () if face_file is None else (open_face(face_file),)


def _number(scene: Scene, face: int | None) -> int | None:
    """The face that counts, from 1: the one asked for, else the one a person gave; None is the largest."""
    return face if face is not None or not scene.given else scene.given[0]


def hear(brief: Brief) -> Speech:
    """The brief's words spoken by a voice, or its recording with a timeline.

    Raises
    ------
    stillwake.errors.UsageError
        There is nothing to say, or both words and a recording.
    stillwake.errors.SoundError, TranscriptError, VoiceUnavailableError
        The sound, the words or the voice cannot be used.
    """
    speech = _begin_to_hear(brief)()
    if speech is None:
        raise UsageError(
            "Cannot make the person speak",
            "there is nothing to say",
            "give the words with --say TEXT or a recording with --sound FILE",
        )
    return speech


def _begin_to_hear(brief: Brief) -> Callable[[], Speech | None]:
    """What finishes the hearing: first comes what fails fast and costs little, the slow part when it is called.

    Where there is nothing to say it gives None.
    """
    from stillwake.media import open_sound
    from stillwake.speech import listen, say

    _require_one_thing_to_say(brief)
    if brief.say is None and brief.sound is None:
        return lambda: None
    if brief.sound is not None:
        sound = open_sound(brief.sound)
        return lambda: listen(sound, brief.transcript, brief.language)
    speech = say(brief.say or "", voice=brief.voice, language=brief.language)
    return lambda: speech


def _require_one_thing_to_say(brief: Brief) -> None:
    what = "Cannot make the person speak"
    if brief.say is not None and brief.sound is not None:
        raise UsageError(what, "there are both words and a recording", "give either --say or --sound")
    if brief.sound is None and brief.say is None and (brief.voice or brief.transcript or brief.language):
        raise UsageError(
            what, "there is nothing to say", "give the words with --say TEXT or a recording with --sound FILE"
        )
    if brief.sound is not None and brief.voice is not None:
        raise UsageError(
            what, "a voice cannot be chosen for a recording", "leave out --voice, or give words with --say"
        )
    if brief.say is not None and brief.transcript is not None:
        raise UsageError(
            what, "a transcript belongs to a recording", "leave out --transcript, or give the recording with --sound"
        )


def propose(picture: Path, brief: Brief) -> tuple[Scene, Report, Speech | None, Plan]:
    """Everything up to the plan: what is seen, whether it is ready, what is heard, and what would be rendered.

    Raises
    ------
    stillwake.errors.StillwakeError
        As `look`, `hear` and `stillwake.route.plan` do.
    """
    _, scene, report, speech, plan = _propose(picture, brief, no_progress, _Watch())
    return scene, report, speech, plan


def _propose(
    picture: Path, brief: Brief, on_progress: Progress, watch: _Watch
) -> tuple[tuple[GivenFace, ...], Scene, Report, Speech | None, Plan]:
    from stillwake import route
    from stillwake.media import open_still
    from stillwake.perceive import open_mask, open_strokes, perceive
    from stillwake.readiness import check

    _require_one_thing_to_say(brief)
    route.require_seconds(brief)
    route.require_repeat(brief)
    route.require_moves(brief)
    if brief.engine is not None:
        load_engine(brief.engine)
    on_progress("look", 0, 1)
    with watch.stage("open"):
        still = open_still(picture)
        given = _given(brief.face_file)
        strokes = None if brief.brush is None else open_strokes(brief.brush, still.size)
        pinned = None if brief.still_mask is None else open_mask(brief.still_mask, still.size)
    with watch.stage("speech"):
        finish_hearing = _begin_to_hear(brief)
    with watch.stage("perceive"):
        scene = perceive(still, given)
    with watch.stage("check"):
        report = check(scene, _number(scene, brief.face))
        route.motions_of(scene, report, brief)
    with watch.stage("paint"):
        scene, painted = _painted(scene, brief, strokes, pinned)
    on_progress("look", 1, 1)
    on_progress("listen", 0, 1)
    with watch.stage("speech"):
        speech = finish_hearing()
    on_progress("listen", 1, 1)
    with watch.stage("plan"):
        plan = route.plan(scene, report, brief, speech)
        if painted:
            plan = plan.model_copy(update={"warnings": (*plan.warnings, painted)})
    return given, scene, report, speech, plan


def _painted(
    scene: Scene, brief: Brief, strokes: Strokes | None, pinned: npt.NDArray[np.bool_] | None
) -> tuple[Scene, str]:
    """The scene with what a person added to it, and what had to be changed about that in words, or ""."""
    from stillwake.perceive import model_depth, open_depth

    depth, note, seen = None, "", dict(scene.seen)
    if brief.depth is not None:
        depth, note = open_depth(brief.depth, scene.still, scene.matte)
        seen["depth"] = "a map given by hand"
    elif brief.depth_model is not None:
        depth, note = model_depth(brief.depth_model, scene.still, scene.matte)
        seen["depth"] = f"{brief.depth_model.name}, a model given by hand"
    if depth is None and strokes is None and pinned is None:
        return scene, note
    return dataclasses.replace(scene, depth=depth, strokes=strokes, pinned=pinned, seen=seen), note


def animate(
    picture: Path,
    brief: Brief,
    out: Path,
    *,
    overwrite: bool = False,
    sheet: Path | None = None,
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
    on_progress
        Called with the stage ("look", "listen", "ready", "render", "encode", "inspect") and how far it is; "encode"
        comes only where the frames are gone through again, each time from the first. Raise
        `stillwake.errors.Cancelled` inside it to stop.

    Raises
    ------
    stillwake.errors.StillwakeError
        Every one of them may come from here; each says what happened, why, and what to do.
    """
    from stillwake.engines.framed import perform
    from stillwake.media import check_clip_output, check_output
    from stillwake.perceive import faces_within, framed, place_of, scaled

    watch = _Watch()
    speaks = brief.say is not None or brief.sound is not None
    max_bytes = None if brief.max_mb is None else round(brief.max_mb * 1_000_000)
    check_clip_output(out, overwrite, fps=brief.fps, sound=speaks, max_bytes=max_bytes)
    record_at = record_path(out)
    for path in (record_at, *([sheet] if sheet is not None else [])):
        check_output(path, overwrite)
    given, scene, report, speech, plan = _propose(picture, brief, on_progress, watch)
    (shot,) = plan.shots
    check_clip_output(out, overwrite, fps=shot.fps, frame_count=shot.frame_count * shot.repeat)

    on_progress("ready", 0, 1)
    with watch.stage("prepare"):
        engine = load_engine(shot.engine)
        place = place_of(scene, shot.crop, shot.size)
        numbers = faces_within(scene, shot.crop)
        scene = scaled(framed(scene, shot.crop), shot.size)
        if shot.face in numbers:  # of those that are left in the picture
            shot = shot.model_copy(update={"face": numbers.index(shot.face) + 1})
        performance = perform(engine, scene, shot, speech, place)
        plan = plan.model_copy(update={"warnings": (*plan.warnings, *getattr(performance, "notes", ()))})
    with performance, _staged(out, record_at, sheet, overwrite) as staged:
        on_progress("ready", 1, 1)
        with watch.stage("render"):
            sound = None if speech is None else speech.sound
            clip = _render(performance, shot, staged.clip, sound, scene.still.alpha, max_bytes, on_progress, watch)
        with watch.stage("inspect"):
            inspection = _inspect(clip, scene, speech, performance, Plan(shots=(shot,)), on_progress)
        if staged.sheet is not None:
            with watch.stage("sheet"):
                _draw_sheet(clip, staged.sheet, scene, speech, shot.face)
        record = RunRecord(
            brief=_portable(brief),
            face=given[0].record if given else None,
            report=report,
            plan=plan,
            inspection=inspection,
            versions=package_versions(),
            seconds=watch.finish(),
        )
        with _writing(record_at):
            staged.record.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return record


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
    the record, as far as they are found. What is given here outranks it.

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


def _found_record(path: Path, clip: Clip, note: Callable[[str], None]) -> RunRecord | None:
    """The record beside a clip, if it is this clip's; otherwise a note, where there is something to note."""
    from pydantic import ValidationError

    from stillwake.errors import InputError
    from stillwake.media.files import opened_input, shown

    at = record_path(path)
    if not _is_file(at):
        return None
    name, without = shown(at), "the clip is inspected without it"
    try:
        with opened_input(at, f"Cannot use {name}", InputError, LARGEST_RECORD) as file:
            record = RunRecord.model_validate_json(file.read(LARGEST_RECORD + 1))
    except (InputError, ValidationError, ValueError, RecursionError) as error:
        why = error.why if isinstance(error, InputError) else "it is damaged or no record of stillwake's"
        note(f"{name} cannot be used: {why}; {without}.")
        return None
    if record.inspection.clip.sha256 != clip.info.sha256 or not record.plan.shots:
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
        at = _beside(path, str(brief.sound))
        if at is None:
            raise SoundError(
                "Cannot hear it", f"{Path(str(brief.sound)).name[:80]} does not lie beside it", "put it there"
            )
        heard, what = open_sound(at), at.name
    if abs(heard.seconds - shot.seconds) > 1 / shot.fps:
        lengths = f"{float(heard.seconds):.2f} s long, it was {float(shot.seconds):.2f} s"
        raise SoundError("Cannot hear it", f"{what} is {lengths}", "find the one that was used")
    return speech if brief.say is not None else listen(heard, brief.transcript, brief.language)


def _beside(path: Path, name: str) -> Path | None:
    """The file of that bare name in the clip's folder, beside its record; a name that leads elsewhere is none."""
    if not name or name in (".", "..") or Path(name).name != name or "\0" in name:
        return None
    at = record_path(path).parent / name
    return at if _is_file(at) else None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, a folder that may not be looked into
        return False


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
            at = _beside(clip.path, name)
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


@dataclass(frozen=True, slots=True)
class _Staged:
    """Where a run's files are made before they take their places, under the names they will have."""

    clip: Path
    record: Path
    sheet: Path | None


@contextmanager
def _staged(out: Path, record_at: Path, sheet: Path | None, overwrite: bool) -> Iterator[_Staged]:
    """A hidden folder beside the output; when the block ends well, what lies in it takes its place, all together.

    Until then whatever lies at the targets is as it was, and on any failure, Ctrl-C included, it stays so.
    """
    from stillwake.media.files import as_sequence, whole_file, whole_folder

    sequence = as_sequence(out)
    beside = out.parent.parent if sequence else out.parent
    with _writing(out):
        stage = Path(tempfile.mkdtemp(prefix=".stillwake-", dir=beside))
    try:
        clip = stage / "clip" / out.parent.name / out.name if sequence else stage / "clip" / out.name
        for folder in ("clip", "record", "sheet"):
            (stage / folder).mkdir()
        staged = _Staged(
            clip=clip,
            record=stage / "record" / record_at.name,
            sheet=None if sheet is None else stage / "sheet" / sheet.name,
        )
        yield staged
        if sequence:
            with whole_folder(out, overwrite) as folder_part:
                for picture in clip.parent.iterdir():
                    picture.replace(folder_part / picture.name)
        else:
            with whole_file(out, overwrite) as part:
                clip.replace(part)
        if sheet is not None and staged.sheet is not None:
            with whole_file(sheet, overwrite) as part:
                shutil.copyfile(staged.sheet, part)  # a sheet may lie on another disk
        with whole_file(record_at, overwrite) as part:
            staged.record.replace(part)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    from stillwake.media.files import writing_fault

    try:
        yield
    except OSError as error:
        raise writing_fault(path, error) from error


def _render(
    performance: Performance,
    shot: Shot,
    out: Path,
    sound: Sound | None,
    alpha: Pixels | None,
    max_bytes: int | None,
    on_progress: Progress,
    watch: _Watch,
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


def _portable(brief: Brief) -> Brief:
    """The brief as a record keeps it: a file is a name, so that the record says nothing about the machine."""
    from stillwake.media.files import shown
    from stillwake.moves import is_key_frame_file

    names = ("sound", "face_file", "brush", "depth", "depth_model", "still_mask")
    files = {name: getattr(brief, name) for name in names}
    short: dict[str, Path | str] = {name: Path(shown(path)) for name, path in files.items() if path is not None}
    if brief.camera is not None and is_key_frame_file(brief.camera):
        short["camera"] = shown(Path(brief.camera))
    return brief.model_copy(update=short)


class _Watch:
    """Wall-clock seconds of each stage, by name, in the order they first ran."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time inside to that stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start

    def note_first(self, frames: Iterator[Pixels], name: str) -> Iterator[Pixels]:
        """The same frames; the time from the start until the first one stood is noted, once."""
        for index, frame in enumerate(frames):
            if index == 0 and name not in self._seconds:
                self._seconds[name] = time.perf_counter() - self._start
            yield frame

    def finish(self) -> dict[str, float]:
        """Stage -> seconds, rounded to a millisecond, with the total last."""
        return {
            name: round(s, 3) for name, s in (*self._seconds.items(), ("total", time.perf_counter() - self._start))
        }
