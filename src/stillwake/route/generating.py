"""The generator's shots of a plan: which one, in how many segments, for how much."""

from __future__ import annotations

from collections.abc import Callable, Collection
from fractions import Fraction

from stillwake.errors import UsageError
from stillwake.makers import HOLDS, MAKERS, Ability, Maker, named, takers
from stillwake.moves import is_key_frame_file
from stillwake.route.asks import Asks
from stillwake.route.contradictions import camera_in
from stillwake.route.segments import longest, segments_of
from stillwake.route.shape import shape_of
from stillwake.types import Brief, CameraRecord, Report, Scene, Shot

LOCAL_FIRST = ("wan", "ltx", "framepack", "cogvideox", "hunyuan")
"""Engines that run on one's own machine and take a prompt, in the order in which they are thought of."""
WITHOUT_PROMPT = ("svd", *LOCAL_FIRST)
"""The same where nothing is said: Stable Video Diffusion takes no words."""

FIRM = 0.8
"""How firmly an engine is asked to keep to a picture whose face or lettering must stay. A judgement."""

Facts = Callable[[str, str], Maker | None]
"""(engine, model) -> what is known of it on this machine; None where that is no more than the table says."""


def no_facts(engine: str, model: str) -> Maker | None:
    """Nothing that the table of makers does not say."""
    return None


UNKNOWN = Maker("an engine of your own", "generator", local=True, can=frozenset(("prompt", "seed")))
"""What is known of an engine that a stranger registers."""


def generator_for(brief: Brief, asks: Asks, installed: Collection[str]) -> tuple[str, str]:
    """The engine that would make it, and why that one, a clause, or "" where it was asked for.

    Free and installed before free and to be installed; one that costs money only where that is allowed, and then the
    cheapest that is installed, else the cheapest.
    """
    if brief.engine is not None:
        name = named(brief.engine) if brief.engine not in installed else brief.engine
        return name or brief.engine, ""
    needs = needs_of(brief)
    free = [
        name for name in (LOCAL_FIRST if brief.prompt else WITHOUT_PROMPT) if MAKERS[name].fitting(needs) is not None
    ] or ["diffusion"]
    here = next((name for name in free if name in installed), None)
    if here is not None:
        return here, "which runs here and costs nothing"
    if brief.allow_paid:
        paid = [
            name for name, maker in MAKERS.items()
            if maker.family == "generator" and not maker.local and maker.price is not None
            and (brief.prompt is None or "prompt" in maker.can) and (not asks.first("loop") or "loop" in maker.could)
            and maker.fitting(needs_of(brief)) is not None
        ]  # fmt: skip
        ready = [name for name in paid if name in installed] or paid
        seconds = brief.seconds or HOLDS
        cheapest = min(ready, key=lambda name: _cost(MAKERS[name], brief, seconds))
        return cheapest, "the cheapest that does it, since you allow paid engines"
    return free[0], "which runs on one's own machine and costs nothing"


def needs_of(brief: Brief) -> frozenset[Ability]:
    """What an engine has to take for this brief: what cannot be left out without making another clip."""
    given: dict[Ability, bool] = {
        "end frame": brief.end_frame is not None,
        "brush": brief.brush is not None,
        "conditioning": brief.hold is not None,
    }
    return frozenset(ability for ability, asked in given.items() if asked)


def model_for(engine: str, brief: Brief, loops: bool, facts: Facts = no_facts) -> tuple[str, Maker, str]:
    """The model of the engine that does what is asked, with its facts, and why that one, a clause, or "".

    ``facts`` knows what lies on this machine better than the table of makers.

    Raises
    ------
    stillwake.errors.UsageError
        The one that was named, or any, does not take what is asked; says which engines do.
    """
    maker, needs = MAKERS.get(engine, UNKNOWN), needs_of(brief)
    here = facts(engine, brief.model or "")
    if here is not None:
        if not here.can.issuperset(needs):
            raise _refused(f"{here.title} ({here.model})", engine, min(needs - here.can))
        return brief.model or "", here, ""
    if maker is UNKNOWN:
        return brief.model or "", maker, ""
    if brief.model is not None:
        named_one = maker.of(brief.model)
        known = brief.model == maker.model or brief.model in maker.models
        if known and not maker.local and not named_one.can.issuperset(needs):
            raise _refused(f"{maker.title} ({brief.model})", engine, min(needs - named_one.can))
        if maker.local and not maker.can.issuperset(needs):
            raise _refused(maker.title, engine, min(needs - maker.can))
        return brief.model, named_one, ""
    wish: frozenset[Ability] = needs | ({"loop"} if loops and "loop" in maker.could else frozenset())
    fitting = maker.fitting(wish)
    if fitting is None:
        fitting = maker.fitting(needs)
    if fitting is None:
        raise _refused(maker.title, engine, min(needs - maker.could, default=min(needs)))
    why = f"{fitting}, which takes {' and '.join(sorted(wish - maker.can))}" if fitting else ""
    return fitting, maker.of(fitting), why


_OPTIONS: dict[Ability, str] = {"end frame": "--end-frame", "brush": "--brush", "conditioning": "--hold"}


def _refused(title: str, engine: str, ability: Ability) -> UsageError:
    maker = MAKERS.get(engine, UNKNOWN)
    here = next((name for name, model in maker.models.items() if ability in model.can), None)
    others = ", ".join(other for other in takers(ability) if other != maker.title)
    fix = f"choose --model {here}" if here else f"choose one that does: {others}" if others else "leave it out"
    return UsageError(f"Cannot use {_OPTIONS[ability]} with {title}", "it takes none", f"{fix}; or leave it out")


def _cost(maker: Maker, brief: Brief, seconds: Fraction) -> float:
    segments = segments_of(brief.prompt or "", seconds, brief.rate, maker)
    return sum(maker.cost(segment.made) or 0.0 for segment in segments)


def generator_shots(
    scene: Scene,
    report: Report,
    brief: Brief,
    asks: Asks,
    installed: Collection[str],
    *,
    alone: bool = True,
    facts: Facts = no_facts,
) -> tuple[list[Shot], list[str]]:
    """The shots, each with its reasons, and warnings; not ``alone``, they have the rate of the shots beside them.

    Raises
    ------
    stillwake.errors.UsageError
        The size is none that a clip of this still may have.
    """
    engine, why = generator_for(brief, asks, installed)
    loops = brief.loop or asks.first("loop") is not None
    model, maker, why_model = model_for(engine, brief, loops, facts)
    fps = brief.fps or (maker.rate() if alone else None) or brief.rate
    title = f"{maker.title} ({maker.model})" if maker.model else maker.title
    crop, size, shaped, warnings = shape_of(scene, brief, brief.face or 1)
    prompt = brief.prompt or ""
    if brief.camera is not None and maker is not UNKNOWN and not maker.can & {"camera", "prompt"}:
        others = ", ".join(other for other in takers("prompt") if other != maker.title)
        raise UsageError(
            f"Cannot use --camera with {maker.title}", "it takes neither a camera nor words", f"choose one of {others}"
        )
    if brief.camera is not None and not is_key_frame_file(brief.camera):
        prompt = f"{brief.camera}, {prompt}" if prompt else brief.camera
    keeps = brief.keep_face or asks.first("face", "final") is not None
    segments = segments_of(prompt, brief.seconds, fps, maker, goes_on=not keeps)
    held = "conditioning" in maker.can or maker is UNKNOWN
    shots = []
    for index, segment in enumerate(segments):
        seconds = segment.frames / fps
        reasons = [", ".join(part for part in (title, why, why_model) if part)] if index == 0 else []
        if index == 0 and not maker.local:
            reasons.append(f"the still{', the end frame' if brief.end_frame else ''} and the words are sent there")
        if len(segments) > 1:
            reasons.append(f"segment {index + 1} of {len(segments)}: {_why_segments(maker)}")
            reasons.append(_anchored(index, keeps))
        if segment.made > seconds:
            reasons.append(
                f"{float(segment.made):.3g} s are made, the length it has, and {float(seconds):.3g} s are used"
            )
        shots.append(
            Shot(
                family="generator",
                engine=engine,
                model=model,
                motion="generate",
                prompt=segment.prompt,
                negative=brief.negative or "",
                ends=brief.end_frame is not None and index + 1 == len(segments),
                guidance=brief.guidance,
                steps=brief.steps,
                anchor="before" if index and not keeps else "still",
                made=segment.made,
                takes=brief.takes,
                seconds=seconds,
                fps=fps,
                size=size,
                crop=crop,
                seed=brief.seed + index * brief.takes,
                face=brief.face or 1,
                motions=(),
                camera=asks.camera if brief.camera is None else _camera(brief),
                loop=brief.loop or (len(segments) == 1 and loops and "loop" in maker.can),
                brush=brief.brush is not None,
                strength=brief.strength,
                hold=brief.hold if brief.hold is not None else FIRM if keeps and held else None,
                wait=None if maker.wait is None else round(maker.wait * float(segment.made) * brief.takes, 1),
                reasons=tuple(reasons + (shaped if index == 0 else [])),
            )
        )
    if brief.takes > 1:
        first = shots[0]
        said = f"{brief.takes} takes, seeds {first.seed} to {first.seed + brief.takes - 1}"
        shots[0] = first.model_copy(update={"reasons": (*first.reasons, f"{said}: generators differ every time")})
    warnings.extend(maker.caution())
    if prompt and "prompt" not in maker.can and maker is not UNKNOWN:
        warnings.append(f"{maker.title} takes no prompt: the words change nothing there")
    for option, value, ability in (
        ("--negative", brief.negative, "negative"),
        ("--guidance", brief.guidance, "guidance"),
        ("--steps", brief.steps, "steps"),
    ):
        if value is not None and ability not in maker.can and maker is not UNKNOWN:
            warnings.append(f"{maker.title} takes no {option}: it changes nothing there")
    if brief.seed and "seed" not in maker.can and maker is not UNKNOWN:
        warnings.append(f"{maker.title} takes no seed: it only tells one take from another")
    if keeps:
        warnings.append("a generator repaints everything: look at the face and at lettering in every take")
    if brief.camera is not None and is_key_frame_file(brief.camera):
        warnings.append("a generator takes no key frames: the camera's file is held against the clip, no more")
    if brief.repeat > 1:
        warnings.append("a generated clip is written once: --repeat is an animator's loops'")
    if brief.seconds is None:
        total = float(sum(shot.seconds for shot in shots))
        shots[0] = shots[0].model_copy(
            update={"reasons": (*shots[0].reasons, f"{total:g} s, as long as it keeps to its prompt")}
        )
    return shots, warnings


def _camera(brief: Brief) -> CameraRecord | None:
    """The camera that is asked for, as far as our own words have it: a generator reads others too."""
    try:
        return camera_in(brief)
    except UsageError:
        return None


def _why_segments(maker: Maker) -> str:
    return f"{maker.title} keeps to its prompt for about {float(longest(maker)):.3g} s"


def _anchored(index: int, keeps: bool) -> str:
    if index == 0 or keeps:
        return "it begins from the still" + (", so that what must not change is shown again" if keeps else "")
    return "it begins from the last good frame before, its colours matched to the still, the cut laid into motion"
