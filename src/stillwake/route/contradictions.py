"""Briefs that contradict themselves, told before anything is looked at."""

from __future__ import annotations

from fractions import Fraction

from stillwake.errors import UsageError
from stillwake.makers import MAKERS, named, takers
from stillwake.moves import camera_of
from stillwake.types import Brief, CameraRecord, Family

LOOP_RANGE = (Fraction(1), Fraction(60))
"""Seconds a loop may have: shorter ones have no time for a breath, longer ones repeat themselves anyway."""
GENERATED_SECONDS = Fraction(600)
"""Seconds a generated shot may have: ten minutes are 150 segments, and nobody would watch them."""

_STILL = frozenset(("echo",))
"""Engines that move nothing."""


def require_sense(brief: Brief) -> None:
    """Nothing, where the brief does not contradict itself.

    Raises
    ------
    stillwake.errors.UsageError
        It does; the sentence names the fields and says what to leave out.
    """
    require_engine(brief)
    require_options(brief)
    require_moves(brief)
    require_seconds(brief)
    require_repeat(brief)


def require_engine(brief: Brief) -> None:
    """Nothing, where the engine that is named can be asked for what the brief wants.

    Raises
    ------
    stillwake.errors.UsageError
        It cannot.
    """
    if brief.prompt is not None and not brief.prompt.strip():
        raise UsageError("Cannot plan", "the prompt is empty", "say what should happen, or leave out --prompt")
    family, motion = family_and_motion(brief)
    if brief.engine is None:
        return
    name = named(brief.engine)
    title = MAKERS[name].title if name else brief.engine
    speaks = brief.say is not None or brief.sound is not None
    if family == "generator" and speaks:
        raise UsageError(
            f"Cannot make a person speak with {title}",
            "a generator follows no sound",
            "leave out --engine, or choose an animator: --engine animator",
        )
    if motion == "still" and brief.prompt is not None:
        raise UsageError("Cannot use --prompt", f"{brief.engine} does not move anything", "leave one of them out")
    for option, value in (("--brush", brief.brush), ("--ambient", brief.ambient)):
        if family == "generator" and value is not None and not (option == "--brush" and "brush" in _can(name)):
            raise UsageError(
                f"Cannot use {option} with {title}", "it takes none", "leave one of them out, or say it in --prompt"
            )


def require_options(brief: Brief) -> None:
    """Nothing, where what is asked of a model, of an end and of a look can be asked of the engine that is named.

    Raises
    ------
    stillwake.errors.UsageError
        It cannot; says which engines it can be asked of.
    """
    family, _ = family_and_motion(brief)
    name = None if brief.engine is None else named(brief.engine)
    title = MAKERS[name].title if name else brief.engine or "our animator"
    speaks = brief.say is not None or brief.sound is not None
    if brief.model is not None and brief.engine is None:
        raise UsageError("Cannot use --model", "it does not say whose", "name its engine with --engine")
    if speaks and brief.end_frame is not None:
        raise UsageError("Cannot use --end-frame", "a talking clip ends with its words", "leave one of them out")
    if brief.engine is not None and family == "animator" and brief.end_frame is not None:
        raise UsageError(
            f"Cannot use --end-frame with {title}",
            "an animator moves what is in one picture",
            f"choose one of {', '.join(takers('end frame'))}",
        )
    hosted = name is not None and MAKERS[name].family == "animator" and not MAKERS[name].local
    if hosted and not speaks:
        raise UsageError(
            f"Cannot animate with {title}",
            "it makes people speak, and there is nothing to say",
            "give the words with --say TEXT or a recording with --sound FILE",
        )
    if brief.expression is not None and "expression" not in _can(name):
        raise UsageError(
            f"Cannot use --expression with {title}",
            "it takes none",
            f"choose --engine {' or '.join(key for key, maker in MAKERS.items() if 'expression' in maker.could)}",
        )


def _can(name: str | None) -> frozenset[str]:
    return frozenset() if name is None else MAKERS[name].could


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
    if motion == "generate":
        return
    if motion == "still" and given:
        raise UsageError(f"Cannot use {given[0]}", f"{brief.engine} does not move anything", "leave one of them out")
    if (brief.depth or brief.depth_model) and camera is None:
        raise UsageError("Cannot use a depth map", "nothing moves in depth", "give a --camera, or leave out the depth")
    if brief.depth is not None and brief.depth_model is not None:
        raise UsageError("Cannot tell how near things are", "there are two answers", "give --depth or --depth-model")
    if motion == "talk" and {"face", "mouth"} & set(brief.still):
        raise UsageError("Cannot hold the face still", "it is to speak", "leave out --still, or the words")
    if motion == "live" and brief.motion == () and not given and brief.prompt is None:
        raise UsageError("Cannot animate", "nothing is to move", "give --camera, --brush or --ambient, or a --motion")


def family_and_motion(brief: Brief) -> tuple[Family, str]:
    """What the brief asks for, known before anything is looked at: a motion other than "still" needs a ready face."""
    if brief.engine in _STILL:
        return "animator", "still"
    known = None if brief.engine is None else named(brief.engine)
    if known is not None and MAKERS[known].family == "generator":
        return "generator", "generate"
    silent = brief.say is None and brief.sound is None
    return "animator", "live" if silent else "talk"


def require_seconds(brief: Brief) -> None:
    """Nothing, where the length asked for is one the brief may have.

    Raises
    ------
    stillwake.errors.UsageError
        The seconds are asked for a talking clip, or are too few or too many.
    """
    if brief.seconds is None:
        return
    if (brief.say is not None or brief.sound is not None) and not brief.loop:
        raise UsageError(
            "Cannot choose the length", "a talking clip is as long as what is said", "leave out --seconds"
        )
    least, most = LOOP_RANGE
    if brief.prompt is not None or family_and_motion(brief)[0] == "generator":
        most = GENERATED_SECONDS
    if not least <= brief.seconds <= most:
        what = "loop" if most is LOOP_RANGE[1] else "clip"
        raise UsageError(
            f"Cannot make a {what} of {float(brief.seconds):g} s",
            f"{what}s run from {least} to {most} seconds",
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


def camera_in(brief: Brief) -> CameraRecord | None:
    """The camera that the brief asks for, or None where it stands still.

    Raises
    ------
    stillwake.errors.UsageError
        Its words are not understood, or the file of its key frames cannot be used.
    """
    return None if brief.camera is None else camera_of(brief.camera)
