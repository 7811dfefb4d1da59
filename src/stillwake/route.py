"""Scene + Report + Brief -> Plan: which engine, in which size, for how long, and the reason in words."""

from __future__ import annotations

from fractions import Fraction

from stillwake.errors import UsageError
from stillwake.moves import camera_of
from stillwake.perceive import crop_for, fill_of
from stillwake.readiness import require_ready
from stillwake.types import (
    MOTIONS,
    Box,
    Brief,
    CameraRecord,
    Family,
    Motion,
    Plan,
    Report,
    Scene,
    Shot,
    Size,
    Speech,
)

__all__ = [
    "family_and_motion",
    "motions_of",
    "natural_size",
    "plan",
    "require_moves",
    "require_repeat",
    "require_seconds",
]

LONGEST_SIDE = 1920
"""px; the long side of a clip unless a size is asked for: 1080p, the largest size the speed figures are given for."""
SIDES = (16, 4096)
"""px; the sides a clip may have: x264 codes in blocks of 16, and H.264 players stop at level 5.2's 4096."""

LOOP_SECONDS = Fraction(6)
"""How long a living loop is unless it is asked for: a blink or two and a breath and a half."""
LOOP_RANGE = (Fraction(1), Fraction(60))
"""Seconds a loop may have: shorter ones have no time for a breath, longer ones repeat themselves anyway."""

WITHOUT_FACE: tuple[Motion, ...] = ("breathe", "hair")
"""What of a person moves whose face must not: turned aside, or covered."""
BREATHES = 0.12
"""Such a person's face is at least this share of the picture's shorter side: smaller ones do not breathe visibly."""

_MOTIONS: dict[str, tuple[Family, str]] = {"echo": ("animator", "still")}
"""Family and motion of the engines that do not simply talk. A stranger's engine is asked to talk."""


def plan(scene: Scene, report: Report, brief: Brief, speech: Speech | None) -> Plan:
    """What will be rendered, with the reasons: a talking clip, or without ``speech`` a living loop.

    Whether the still is ready is asked only for engines that move a face: ``echo`` holds any picture.

    Raises
    ------
    stillwake.errors.UsageError
        The size asked for has odd sides, is too small or too large, or has not the picture's shape; the seconds are
        asked for a talking clip, or are too few or too many; a talking clip is to be repeated.
    stillwake.errors.NotReadyError
        The report shuts the gate of the engine's family.
    """
    engine = brief.engine or "animator"
    family, motion = family_and_motion(brief)
    reasons, warnings = [], []

    if brief.engine is not None:
        reasons.append(f"{engine}, because you asked for it")
    elif motion == "live" and (brief.camera or brief.brush or brief.ambient):
        reasons.append("an animator, because what is to move is in the picture: a generator would repaint all of it")
    elif motion == "live":
        reasons.append(
            "an animator, because nothing is to be said: a living loop moves what is in the picture and leaves the "
            "rest untouched, while a generator would repaint all of it"
        )
    else:
        reasons.append(
            "an animator, because a talking portrait needs lips that follow the sound and a background that stands "
            "still; a generator gives neither"
        )
    motions, camera = motions_of(scene, report, brief), camera_in(brief)
    gate = report.gates[family]
    if motion == "still":
        warnings.append(f"{engine} does not move anything: the picture stands still")
    elif motions == WITHOUT_FACE and brief.motion is None:
        warnings.append(f"the face stands still, hair and breath move: {gate.why}")
    elif motions or motion == "talk":
        if gate.verdict == "warn":
            warnings.append(f"the still is only just ready: {gate.why}")
    elif brief.motion is None and scene.faces:
        warnings.append(f"the person stands still: {gate.why}")
    reasons.extend(_moves(brief, camera, motions, motion))

    face = brief.face or (scene.given[0] if scene.given else 1)
    if face in scene.given and brief.face_file is not None:
        reasons.append(f"face {face}, as {brief.face_file.name} gives it")
    crop, shape = None, scene.still.size
    if brief.aspect is not None:
        crop = crop_for(scene, brief.aspect, face)
        shape = shape if crop is None else (round(crop[2] - crop[0]), round(crop[3] - crop[1]))
        reasons.append(f"{brief.aspect}, {_window(scene, crop)}")
    size, reason = _size(shape, brief.size, brief.aspect if crop is not None else None)
    reasons.append(reason)
    if size[0] * size[1] > 1.02 * shape[0] * shape[1]:
        what = "still" if crop is None else "part of the still it shows"
        warnings.append(f"the clip is larger than the {what} ({_words(shape)}): it will look soft")
    seconds, reason = _seconds(brief, speech)
    reasons.append(reason)
    require_repeat(brief)
    if brief.repeat > 1:
        total = float(seconds * brief.repeat)
        reasons.append(f"{brief.repeat} times over, {total:g} s in all, because you asked for it")
    if brief.max_mb is not None:
        reasons.append(f"at most {brief.max_mb:g} MB: quality is given up as far as that needs")
    if speech is not None:
        warnings.extend(speech.notes)

    shot = Shot(
        family=family,
        engine=engine,
        motion=motion,
        seconds=seconds,
        fps=brief.fps,
        size=size,
        crop=crop,
        seed=brief.seed,
        face=face,
        smooth=brief.smooth,
        loop=speech is None and (brief.loop or camera is None),
        repeat=brief.repeat,
        motions=motions,
        camera=camera,
        brush=brief.brush is not None,
        ambient=brief.ambient,
        strength=brief.strength,
        held=brief.still,
        reasons=tuple(reasons),
    )
    return Plan(shots=(shot,), warnings=tuple(warnings))


def camera_in(brief: Brief) -> CameraRecord | None:
    """The camera that the brief asks for, or None where it stands still.

    Raises
    ------
    stillwake.errors.UsageError
        Its words are not understood, or the file of its key frames cannot be used.
    """
    return None if brief.camera is None else camera_of(brief.camera)


def motions_of(scene: Scene, report: Report, brief: Brief) -> tuple[Motion, ...]:
    """What of the person moves: what was asked for, else everything that the still is ready for.

    A still whose camera moves, whose water flows or through which snow drifts needs no person in it.

    Raises
    ------
    stillwake.errors.NotReadyError
        A person has to move, and the still is not ready for that.
    """
    family, motion = family_and_motion(brief)
    if motion == "still" or brief.motion == ():
        return ()
    others = brief.camera is not None or brief.brush is not None or brief.ambient is not None
    if motion == "live" and brief.motion is None and report.gates[family].verdict == "fail":
        largest = max((face.size for face in scene.faces), default=0.0)
        if largest >= BREATHES * min(scene.still.size):
            return WITHOUT_FACE
        if others:
            return ()
    require_ready(report, family, speaks=motion == "talk")
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


def require_moves(brief: Brief) -> None:
    """Nothing, where what is to move does not contradict itself; known before anything is looked at.

    Raises
    ------
    stillwake.errors.UsageError
        It contradicts itself.
    """
    _, motion = family_and_motion(brief)
    moving = {"--camera": brief.camera, "--brush": brief.brush, "--ambient": brief.ambient}
    given = [name for name, value in moving.items() if value is not None]
    camera = camera_in(brief)
    if motion == "still" and given:
        raise UsageError(f"Cannot use {given[0]}", f"{brief.engine} does not move anything", "leave one of them out")
    if (brief.depth or brief.depth_model) and camera is None:
        raise UsageError("Cannot use a depth map", "nothing moves in depth", "give a --camera, or leave out the depth")
    if brief.depth is not None and brief.depth_model is not None:
        raise UsageError("Cannot tell how near things are", "there are two answers", "give --depth or --depth-model")
    if brief.loop and motion == "talk":
        raise UsageError("Cannot make a loop", "a talking clip ends with its words", "leave out --loop")
    if motion == "talk" and {"face", "mouth"} & set(brief.still):
        raise UsageError("Cannot hold the face still", "it is to speak", "leave out --still, or the words")
    if motion == "live" and brief.motion == () and not given:
        raise UsageError("Cannot animate", "nothing is to move", "give --camera, --brush or --ambient, or a --motion")


def family_and_motion(brief: Brief) -> tuple[Family, str]:
    """What the brief asks for, known before anything is looked at: a motion other than "still" needs a ready face."""
    silent = brief.say is None and brief.sound is None
    return _MOTIONS.get(brief.engine or "", ("animator", "live" if silent else "talk"))


def require_seconds(brief: Brief) -> None:
    """Nothing, where the length asked for is one the brief may have.

    Raises
    ------
    stillwake.errors.UsageError
        The seconds are asked for a talking clip, or are too few or too many.
    """
    if brief.seconds is None:
        return
    if brief.say is not None or brief.sound is not None:
        raise UsageError(
            "Cannot choose the length", "a talking clip is as long as what is said", "leave out --seconds"
        )
    least, most = LOOP_RANGE
    if not least <= brief.seconds <= most:
        raise UsageError(
            f"Cannot make a loop of {float(brief.seconds):g} s",
            f"loops run from {least} to {most} seconds",
            "choose another --seconds",
        )


def require_repeat(brief: Brief) -> None:
    """Nothing, where the clip may be repeated as often as is asked.

    Raises
    ------
    stillwake.errors.UsageError
        A talking clip is to be repeated.
    """
    if brief.repeat > 1 and (brief.say is not None or brief.sound is not None):
        raise UsageError(
            "Cannot repeat the clip", "only a loop can be, and what is said is none", "leave out --repeat"
        )


def _seconds(brief: Brief, speech: Speech | None) -> tuple[Fraction, str]:
    require_seconds(brief)
    if speech is not None:
        return speech.sound.seconds, f"{float(speech.sound.seconds):.2f} s, as long as {speech.sound.name}"
    if brief.seconds is None:
        loops = brief.loop or brief.camera is None
        return LOOP_SECONDS, f"{float(LOOP_SECONDS):g} s{', its end flowing into its beginning' if loops else ''}"
    return brief.seconds, f"{float(brief.seconds):g} s, because you asked for it"


def _window(scene: Scene, crop: Box | None) -> str:
    """What the clip shows of the still, and what lies around it, in words."""
    if crop is None:
        return "the still's own shape"
    width, height = scene.still.size
    x0, y0, x1, y1 = (round(v) for v in crop)
    part = min(width, x1) - max(0, x0), min(height, y1) - max(0, y0)
    what = "all of the still" if part == scene.still.size else f"{_words(part)} of the still, laid around the subject"
    fill = fill_of(scene, crop)
    if fill and scene.still.alpha is not None:
        return f"{what}; around it nothing"
    around = {"": "", "plain": "; its plain border goes on", "backdrop": " before itself, larger and blurred"}
    return what + around[fill]


def natural_size(still: Size) -> Size:
    """The clip's (width, height) in px for a still: its own, with even sides, the long one at most 1920."""
    shrink = min(Fraction(1), Fraction(LONGEST_SIDE, max(still)))
    return _even(still[0] * shrink), _even(still[1] * shrink)


def _even(side: Fraction) -> int:
    """The nearest even number of px, at least `SIDES`' lower end; H.264's colour planes have half the sides."""
    return max(SIDES[0], 2 * round(side / 2))


def _words(size: Size) -> str:
    return f"{size[0]}×{size[1]}"


def _size(still: Size, asked: Size | None, aspect: str | None = None) -> tuple[Size, str]:
    """The clip's size, and why; ``still`` is what it shows of the still, which has that ``aspect``."""
    if asked is None:
        size, shape = natural_size(still), aspect or "the still's shape"
        if size == still:
            return size, f"{_words(size)}, the still's own {'pixels' if aspect else 'size'}"
        if max(still) > LONGEST_SIDE:
            return size, f"{_words(size)}, {shape} with its long side at {max(size)}"
        return size, f"{_words(size)}, the still's size with even sides"
    what = f"Cannot make a clip of {_words(asked)}"
    if min(asked) < SIDES[0] or max(asked) > SIDES[1]:
        raise UsageError(what, f"sides run from {SIDES[0]} to {SIDES[1]} px", f"try {_suggestion(still, asked)}")
    if asked[0] % 2 or asked[1] % 2:
        raise UsageError(what, "both sides must be even", f"try {_suggestion(still, asked)}")
    # A side may be off by the rounding of both sides to even numbers, no more.
    if abs(asked[0] - Fraction(asked[1] * still[0], still[1])) > 2 and (
        abs(asked[1] - Fraction(asked[0] * still[1], still[0])) > 2
    ):
        why = f"it is not {aspect}" if aspect else f"it would distort the still, which is {_words(still)}"
        raise UsageError(what, why, f"try {_suggestion(still, asked)}")
    return asked, f"{_words(asked)}, because you asked for it"


def _suggestion(still: Size, asked: Size) -> str:
    """The size of the still's shape that lies nearest to what was asked, for an error's fix."""
    height = Fraction(min(max(asked[1], SIDES[0]), SIDES[1]))
    if max(still) * height / still[1] > SIDES[1]:
        height = Fraction(SIDES[1] * still[1], max(still))
    return f"{_even(height * still[0] / still[1])}x{_even(height)}"
