"""Everything before a frame is drawn: what is seen, whether it is ready, what is heard, what would be made."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stillwake.engines import Available, facts_of, load_engine
from stillwake.errors import BudgetError, EngineUnavailableError, NotReadyError, StillwakeError, UsageError
from stillwake.makers import MAKERS, named
from stillwake.types import Brief, Obstacle, Plan, Progress, Report, Scene, Speech, Strokes, no_progress
from stillwake.workflow.watch import Watch

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from stillwake.perceive import GivenFace
    from stillwake.readiness import Judge


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

    scene = perceive(open_still(picture), given_faces(face_file))
    face = number_of(scene, face)
    report = check(scene, face)
    if judge is not None:
        report = judged(scene, report, judge, face=face, on_progress=on_progress)
    return scene, report


def given_faces(face_file: Path | None) -> tuple[GivenFace, ...]:
    """The face that a person put right, if there is a file of it."""
    from stillwake.perceive import open_face

    return () if face_file is None else (open_face(face_file),)


def number_of(scene: Scene, face: int | None) -> int | None:
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
    voice = None if speaks_itself(brief) else brief.voice
    speech = say(brief.say or "", voice=voice, language=brief.language)
    return lambda: speech


def speaks_itself(brief: Brief) -> bool:
    """Whether a hosted engine says the words with a voice of its own: ours only tells then about how long it takes."""
    name = None if brief.engine is None else named(brief.engine)
    return brief.voice is not None and name is not None and "voices" in MAKERS[name].could


def _already(speech: Speech) -> Callable[[], Speech | None]:
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


def propose(picture: Path, brief: Brief, *, force: bool = False) -> tuple[Scene, Report, Speech | None, Plan]:
    """Everything up to the plan: what is seen, whether it is ready, what is heard, and what would be rendered.

    What stands against carrying it out is in the plan's ``obstacles``; ``force`` lifts what the five signs have
    against the still.

    Raises
    ------
    stillwake.errors.StillwakeError
        As `look`, `hear` and `stillwake.route.plan` do.
    """
    found = proposed(picture, brief, no_progress, Watch(), force=force)
    return found.scene, found.report, found.speech, found.plan


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A plan with all that it stands on; ``given`` are the faces that a person gave."""

    given: tuple[GivenFace, ...]
    scene: Scene
    report: Report
    speech: Speech | None
    plan: Plan


def proposed(
    picture: Path,
    brief: Brief,
    on_progress: Progress,
    watch: Watch,
    *,
    speech: Speech | None = None,
    force: bool = False,
    plan: Plan | None = None,
    carry_out: bool = False,
) -> Proposal:
    """As `propose`; ``watch`` notes the stages, and ``speech`` is what was heard already.

    A ``plan`` that was made before is taken as it is. Where the plan is to be ``carry_out``, what stands against it is
    an error, as early as it is known.
    """
    from stillwake import route
    from stillwake.media import open_still
    from stillwake.perceive import open_mask, open_strokes, perceive
    from stillwake.readiness import check

    if speech is None:
        _require_one_thing_to_say(brief)
    route.require_sense(brief)
    installed = Available(brief.engine, brief.model)
    if brief.engine is not None and (carry_out or named(brief.engine) is None):
        load_engine(brief.engine, brief.model)

    def planned(speech: Speech | None) -> Plan:
        return route.plan(scene, report, brief, speech, installed=installed, force=force, facts=facts_of)

    on_progress("look", 0, 1)
    with watch.stage("open"):
        still = open_still(picture)
        given = given_faces(brief.face_file)
        end = None if brief.end_frame is None else open_still(brief.end_frame)
        strokes = None if brief.brush is None else open_strokes(brief.brush, still.size)
        pinned = None if brief.still_mask is None else open_mask(brief.still_mask, still.size)
    with watch.stage("speech"):
        finish_hearing = _begin_to_hear(brief) if speech is None else _already(speech)
    with watch.stage("perceive"):
        scene = perceive(still, given)
    with watch.stage("check"):
        report = check(scene, number_of(scene, brief.face))
        if plan is not None:
            _require_fitting(plan, scene)
        early = plan or planned(speech)
        early = route.against(scene, report, early, installed=installed, force=force)
        if carry_out and early.obstacles:
            raise error_of(early.obstacles[0])
    with watch.stage("paint"):
        scene, painted = painted_scene(scene, brief, strokes, pinned)
        if end is not None:
            scene = dataclasses.replace(scene, end=end)
    on_progress("look", 1, 1)
    on_progress("listen", 0, 1)
    with watch.stage("speech"):
        speech = finish_hearing()
    on_progress("listen", 1, 1)
    with watch.stage("plan"):
        plan = early if plan is not None else planned(speech)
        if painted:
            plan = plan.model_copy(update={"warnings": (*plan.warnings, painted)})
    return Proposal(given, scene, report, speech, plan)


def _require_fitting(plan: Plan, scene: Scene) -> None:
    """Nothing, where a plan that was made before, and perhaps edited, can be carried out on this still."""
    from stillwake import route

    what = f"Cannot carry out the plan with {scene.still.name}"
    if plan.still is not None and plan.still.sha256 != scene.still.sha256:
        raise UsageError(
            what, f"it is for another picture, {plan.still.name[:80]}", "plan again, or set still in it to null"
        )
    for number, shot in enumerate(plan.shots):
        if shot.face > max(1, len(scene.faces)):
            raise UsageError(what, f"shots.{number}.face: there is no face {shot.face}", "choose another")
        shape = scene.still.size
        if shot.crop is not None:
            shape = round(shot.crop[2] - shot.crop[0]), round(shot.crop[3] - shot.crop[1])
            if min(shape) < 16:
                raise UsageError(what, f"shots.{number}.crop: it shows nothing", "choose a larger one, or null")
        route.size_for(shape, shot.size)


def error_of(obstacle: Obstacle) -> StillwakeError:
    """The error that an obstacle is where a plan is carried out."""
    kinds: dict[str, type[StillwakeError]] = {
        "not ready": NotReadyError,
        "budget": BudgetError,
        "not here": EngineUnavailableError,
        "no words": UsageError,
    }
    return kinds[obstacle.kind](obstacle.what, obstacle.why, obstacle.fix)


def painted_scene(
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
