"""The animator's shot of a plan: what moves of the still, and for how long."""

from __future__ import annotations

from fractions import Fraction

from stillwake.errors import UsageError
from stillwake.makers import known
from stillwake.readiness import require_ready
from stillwake.readiness.face import YAW
from stillwake.route.asks import Asks
from stillwake.route.contradictions import LOOP_RANGE, camera_in, family_and_motion
from stillwake.route.shape import shape_of
from stillwake.types import MOTIONS, Brief, CameraRecord, Motion, Report, Scene, Shot, Speech

LOOP_SECONDS = Fraction(6)
"""How long a living loop is unless it is asked for: a blink or two and a breath and a half."""

WITHOUT_FACE: tuple[Motion, ...] = ("breathe", "hair")
"""What of a person moves whose face must not: turned aside, or covered."""
BREATHES = 0.12
"""Such a person's face is at least this share of the picture's shorter side: smaller ones do not breathe visibly."""

DRAWN_IN_A_SECOND = 30.0
"""Frames of 1280 x 720 that are drawn, encoded and inspected in a second here, on two cores (benchmarks living_speed,
2026-11-28: 38 with a camera, less the inspection)."""
BEFORE_THE_FIRST = 5.0
"""Seconds until the first frame stands: looking at the still, and the rig (benchmarks door, 2026-11-27)."""


def realised(brief: Brief, asks: Asks) -> Brief:
    """The brief with what its prompt asks of an animator as that takes it: the camera, what drifts by, a loop."""
    found: dict[str, object] = {}
    silent = brief.say is None and brief.sound is None
    if brief.camera is None and asks.camera is not None:
        found["camera"] = ", ".join(_in_words(move.kind, move.strength) for move in asks.camera.moves)
    if brief.ambient is None and asks.ambient is not None:
        found["ambient"] = asks.ambient
    if silent and asks.first("loop"):
        found["loop"] = True
    return brief.model_copy(update=found) if found else brief


def _in_words(kind: str, strength: float) -> str:
    adverb = "subtle " if strength < 0.5 else "slow " if strength < 1 else "fast " if strength > 1 else ""
    return adverb + (kind if kind in ("hand-held", "dolly-zoom") else kind.replace("-", " "))


def animator_shot(
    scene: Scene, report: Report, brief: Brief, speech: Speech | None, face: int, *, open_gate: bool = True
) -> tuple[Shot, list[str]]:
    """The shot, with its reasons, and warnings; ``brief`` is a realised one.

    Without ``open_gate`` what the still's gate stops is planned all the same.

    Raises
    ------
    stillwake.errors.UsageError
        The size is none that a clip of this still may have.
    stillwake.errors.NotReadyError
        The report shuts the animator's gate.
    """
    engine = brief.engine or "animator"
    _, motion = family_and_motion(brief)
    reasons: list[str] = []
    warnings: list[str] = []
    camera = camera_in(brief)
    motions = motions_of(scene, report, brief) if open_gate else brief.motion or MOTIONS
    gate = report.gates["animator"]
    if motion == "still":
        warnings.append(f"{engine} does not move anything: the picture stands still")
    elif motions == WITHOUT_FACE and brief.motion is None:
        warnings.append(f"the face stands still, hair and breath move: {gate.why}")
    elif motions or motion == "talk":
        if gate.verdict == "warn":
            warnings.append(f"the still is only just ready: {gate.why}")
    elif brief.motion is None and scene.faces:
        warnings.append(f"the person stands still: {gate.why}")
    maker = known(engine, brief.model or "")
    if maker is not None and not maker.local:
        reasons.append("the still and what is said are sent there")
        warnings.extend(maker.caution())
    speaks_itself = motion == "talk" and brief.voice is not None and maker is not None and "voices" in maker.can
    if speaks_itself and speech is not None:
        warnings.append("its own voice says the words: how long that takes is only guessed at here")
    for option, value in (
        ("--negative", brief.negative),
        ("--hold", brief.hold),
        ("--guidance", brief.guidance),
        ("--steps", brief.steps),
    ):
        if value is not None:
            warnings.append(f"{option} is a generator's: it changes nothing here")
    if motion == "talk" and brief.loop:
        warnings.append("a talking clip ends with its words, so it is no loop; a loop without words closes")
    if (motion == "talk" or motions == MOTIONS) and face <= len(scene.faces) and gate.verdict != "fail":
        seen = scene.faces[face - 1]
        reasons.append(f"yaw {abs(seen.yaw):.0f} of {YAW.fail:g} degrees, face {seen.size:.0f} px wide: {gate.why}")
    reasons.extend(_moves(brief, camera, motions, motion))
    if face in scene.given and brief.face_file is not None:
        reasons.append(f"face {face}, as {brief.face_file.name} gives it")
    crop, size, said, told = shape_of(scene, brief, face)
    reasons += said
    warnings += told
    seconds, reason = _seconds(brief, speech)
    reasons.append(reason)
    if brief.repeat > 1:
        total = float(seconds * brief.repeat)
        reasons.append(f"{brief.repeat} times over, {total:g} s in all, because you asked for it")
    if brief.max_mb is not None:
        reasons.append(f"at most {brief.max_mb:g} MB: quality is given up as far as that needs")
    if speech is not None:
        warnings.extend(speech.notes)
    shot = Shot(
        family="animator",
        engine=engine,
        model=brief.model or "",
        motion=motion,
        prompt=brief.prompt or "",
        voice=(brief.voice or "") if speaks_itself else "",
        say=(brief.say or "") if speaks_itself else "",
        expression=brief.expression,
        seconds=seconds,
        fps=brief.rate,
        size=size,
        crop=crop,
        seed=brief.seed,
        face=face,
        smooth=brief.smooth,
        loop=speech is None and motion != "talk" and (brief.loop or camera is None),
        repeat=brief.repeat,
        motions=motions,
        camera=camera,
        brush=brief.brush is not None,
        ambient=brief.ambient,
        strength=brief.strength,
        held=brief.still,
        reasons=tuple(reasons),
    )
    if engine in ("animator", "echo"):
        pixels = size[0] * size[1] / (1280 * 720)
        drawn = shot.frame_count * pixels / DRAWN_IN_A_SECOND
        shot = shot.model_copy(update={"wait": round(BEFORE_THE_FIRST + drawn, 1)})
    return shot, warnings


def motions_of(scene: Scene, report: Report, brief: Brief) -> tuple[Motion, ...]:
    """What of the person moves: what was asked for, else everything that the still is ready for.

    A still whose camera moves, whose water flows or through which snow drifts needs no person in it.

    Raises
    ------
    stillwake.errors.NotReadyError
        A person has to move, and the still is not ready for that.
    """
    _, motion = family_and_motion(brief)
    if motion == "still" or brief.motion == ():
        return ()
    others = brief.camera is not None or brief.brush is not None or brief.ambient is not None
    if motion == "live" and brief.motion is None and report.gates["animator"].verdict == "fail":
        largest = max((face.size for face in scene.faces), default=0.0)
        if largest >= BREATHES * min(scene.still.size):
            return WITHOUT_FACE
        if others:
            return ()
    require_ready(report, "animator", speaks=motion == "talk")
    return brief.motion or MOTIONS


def _moves(brief: Brief, camera: CameraRecord | None, motions: tuple[Motion, ...], motion: str) -> list[str]:
    """What moves besides a mouth, in words, where it was chosen."""
    said = []
    if camera is not None:
        how = "in key frames" if camera.keys else ", ".join(move.kind for move in camera.moves)
        said.append(f"the camera: {how}{', out and back' if brief.loop else ''}")
    if brief.brush is not None:
        said.append(f"what {brief.brush.name} paints")
    if brief.ambient is not None:
        said.append(f"{brief.ambient} {'drift' if brief.ambient.endswith('s') else 'drifts'} through")
    if motion == "live" and motions != MOTIONS and motions:
        said.append(f"of the person: {', '.join(motions)}")
    if brief.strength != 1:
        said.append(f"{brief.strength:.0%} as far as usual, because you asked for it")
    if brief.still or brief.still_mask is not None:
        names = [*brief.still, *([brief.still_mask.name] if brief.still_mask is not None else [])]
        said.append(f"still: {', '.join(names)}")
    return said


def _seconds(brief: Brief, speech: Speech | None) -> tuple[Fraction, str]:
    if speech is not None:
        return speech.sound.seconds, f"{float(speech.sound.seconds):.2f} s, as long as {speech.sound.name}"
    if brief.seconds is None:
        loops = brief.loop or brief.camera is None
        return LOOP_SECONDS, f"{float(LOOP_SECONDS):g} s{', its end flowing into its beginning' if loops else ''}"
    if brief.seconds > LOOP_RANGE[1]:
        raise UsageError(
            f"Cannot make a loop of {float(brief.seconds):g} s",
            f"loops run from {LOOP_RANGE[0]} to {LOOP_RANGE[1]} seconds",
            "choose another --seconds, or --repeat it",
        )
    return brief.seconds, f"{float(brief.seconds):g} s, because you asked for it"
