"""Scene + Report + Brief + Speech -> Plan: which kind of engine, which one, for how long and how much, in words."""

from __future__ import annotations

from collections.abc import Collection

from stillwake.errors import NotReadyError
from stillwake.makers import MAKERS, known, named, nearest
from stillwake.readiness import advice, require_ready
from stillwake.route.animating import animator_shot, motions_of, realised
from stillwake.route.asks import Asks, asks_of
from stillwake.route.contradictions import family_and_motion, require_sense
from stillwake.route.generating import Facts, generator_shots, no_facts
from stillwake.route.rules import SCENE, decided
from stillwake.types import Brief, Family, Obstacle, Plan, Report, Scene, Shot, Speech

OURS = ("animator", "echo")
NO_WORDS = Obstacle(
    kind="no words",
    what="Cannot make the person speak",
    why="the prompt asks for speech, and there is nothing to say",
    fix="give the words with --say TEXT or a recording with --sound FILE",
)


def plan(
    scene: Scene,
    report: Report,
    brief: Brief,
    speech: Speech | None,
    *,
    installed: Collection[str] = OURS,
    force: bool = False,
    facts: Facts = no_facts,
) -> Plan:
    """What will be rendered, with the reasons, the price, and what stands against it.

    Nothing here looks at pixels: the same scene, report and brief give the same plan. ``installed`` are the engines
    that can run here, ``facts`` what this machine knows of their models; ``force`` lifts what the five signs have
    against the still.

    Raises
    ------
    stillwake.errors.UsageError
        The brief contradicts itself; the size asked for has odd sides, is too small or too large, or has not the
        picture's shape.
    """
    require_sense(brief)
    asks = asks_of(brief)
    families, rule, why = _families(brief, asks)
    shots: list[Shot] = []
    warnings: list[str] = []
    for family in _in_order(families, asks):
        if family == "animator":
            meant = realised(_of_animator(brief, families), asks)
            face = brief.face or (scene.given[0] if scene.given else 1)
            opened = _animator_gate(scene, report, meant) is None
            shot, told = animator_shot(scene, report, meant, speech, face, open_gate=opened)
            new = [shot]
            if brief.takes > 1:
                told.append("an animator makes the same clip every time: one take is made")
        else:
            new, told = generator_shots(
                scene,
                report,
                _of_generator(brief, asks, families),
                asks,
                installed,
                alone=len(families) == 1,
                facts=facts,
            )
        if not shots:
            new[0] = new[0].model_copy(update={"reasons": (why, *new[0].reasons)})
        shots += new
        warnings += told
    if brief.prompt is not None and len(asks.cues) == len(asks_of(brief.model_copy(update={"prompt": None})).cues):
        warnings.append(
            "nothing in the prompt was understood as motion (it is read in English): say --engine where it should be "
            "generated"
        )
    waits = [shot.wait for shot in shots]
    drawn = Plan(
        still=report.still,
        brief=brief,
        rule=rule,
        shots=tuple(shots),
        wait=None if None in waits else round(sum(wait for wait in waits if wait is not None), 1),
        warnings=tuple(dict.fromkeys(warnings)),
    )
    return against(scene, report, drawn, installed=installed, force=force)


def against(
    scene: Scene, report: Report, plan: Plan, *, installed: Collection[str] = OURS, force: bool = False
) -> Plan:
    """The plan with what stands against carrying it out; ``force`` makes warnings of what the five signs have.

    What it costs is read from the table again: an edited plan may have another engine, or more takes.
    """
    shots = tuple(shot.model_copy(update={"price": _price(shot)}) for shot in plan.shots)
    plan = plan.model_copy(update={"shots": shots, "price": round(sum(shot.price for shot in shots), 4)})
    brief = plan.brief or Brief()
    obstacles: list[Obstacle] = []
    warnings = list(plan.warnings)
    asks = asks_of(brief)
    for family in plan.families:
        gate = (
            _animator_gate(scene, report, realised(_of_animator(brief, plan.families), asks))
            if family == "animator"
            else _generator_gate(report, plan.price)
        )
        if gate is not None and force and (family == "generator" or scene.faces):
            warnings.append(f"forced, although {gate.why}")
        elif gate is not None:
            obstacles.append(gate)
    if asks.first("speech") and plan.rule.startswith("speech") and brief.say is None and brief.sound is None:
        obstacles.append(NO_WORDS)
    obstacles += [here for shot in plan.shots if (here := _not_here(shot, installed))]
    if over := _over_budget(brief, plan):
        obstacles.append(over)
    return plan.model_copy(
        update={
            "warnings": tuple(dict.fromkeys(warnings)),
            "obstacles": tuple({obstacle.why: obstacle for obstacle in obstacles}.values()),
        }
    )


def _families(brief: Brief, asks: Asks) -> tuple[tuple[Family, ...], str, str]:
    """The kinds of engine the brief needs, the rule that says so, and its reason in words."""
    if brief.engine is not None:
        family, _ = family_and_motion(brief)
        reason = f"{brief.engine}, because you asked for it"
        rule, why = decided(brief, asks)
        if rule.family not in (family, "both") and brief.engine != "echo":
            other = "an animator" if rule.family == "animator" else "a generator"
            reason += f"; without that, {other} would be chosen: {why}"
        return (family,), "asked for", reason
    rule, why = decided(brief, asks)
    if rule.family == "both":
        return ("animator", "generator"), rule.name, why
    return (rule.family,), rule.name, f"{'an' if rule.family == 'animator' else 'a'} {rule.family}, because {why}"


def _in_order(families: tuple[Family, ...], asks: Asks) -> tuple[Family, ...]:
    """The families in the order in which their shots are seen: as the prompt tells it, the speech first otherwise."""
    spoken = [cue.clause for cue in asks.cues if cue.kind == "speech" and cue.clause >= 0]
    scenes = [cue.clause for cue in asks.cues if cue.kind in SCENE]
    if len(families) > 1 and spoken and scenes and max(scenes) < min(spoken):
        return tuple(reversed(families))
    return families


def _of_animator(brief: Brief, families: tuple[Family, ...]) -> Brief:
    """The animator's part of a brief."""
    return brief if len(families) == 1 else brief.model_copy(update={"seconds": None, "takes": 1})


def _of_generator(brief: Brief, asks: Asks, families: tuple[Family, ...]) -> Brief:
    """The generator's part of a brief: where somebody also speaks, what the prompt says besides."""
    if len(families) == 1:
        return brief
    number = {cue.clause for cue in asks.cues if cue.kind in (*SCENE, "camera", "ambience")}
    spoken = {cue.clause for cue in asks.cues if cue.kind == "speech"}
    kept = [clause for index, clause in enumerate(asks.clauses) if index in number or index not in spoken]
    return brief.model_copy(update={"prompt": ", ".join(kept), "say": None, "sound": None, "transcript": None})


def _animator_gate(scene: Scene, report: Report, brief: Brief) -> Obstacle | None:
    try:
        motions_of(scene, report, brief)
    except NotReadyError as error:
        fix = (
            f"{error.fix}; or let a generator have it (--engine wan), which needs no frontal face and speaks no words"
        )
        return Obstacle(kind="not ready", what=error.what, why=error.why, fix=fix if scene.faces else error.fix)
    return None


def _generator_gate(report: Report, price: float) -> Obstacle | None:
    try:
        require_ready(report, "generator")
    except NotReadyError as error:
        cheapest = advice(report, price) or error.fix
        return Obstacle(
            kind="not ready", what=error.what, why=error.why, fix=f"{cheapest}; --force spends all the same"
        )
    return None


def _not_here(shot: Shot, installed: Collection[str]) -> Obstacle | None:
    if shot.engine in installed:
        return None
    name = named(shot.engine)
    if name is None:
        near = nearest(shot.engine)
        hint = f"did you mean {near}" if near else f"choose one of {', '.join(installed)}"
        return Obstacle(
            kind="not here",
            what=f"Cannot render with {shot.engine}",
            why="no engine of that name is installed",
            fix=hint,
        )
    return Obstacle(
        kind="not here",
        what=f"Cannot render with {shot.engine}",
        why=f"no engine for {MAKERS[name].title} is ready here",
        fix="stillwake engines says what it needs; or make the clip there from this plan and join it with stillwake "
        "assemble",
    )


def _price(shot: Shot) -> float:
    """USD for all takes of a shot, 0 where nobody knows."""
    maker = known(shot.engine, shot.model)
    cost = maker.cost(shot.made or shot.seconds * shot.repeat) if maker is not None else 0.0
    return round((cost or 0.0) * shot.takes, 4)


def _over_budget(brief: Brief, plan: Plan) -> Obstacle | None:
    price = plan.price
    if brief.budget is None:
        return None
    for shot in plan.shots:
        maker = known(shot.engine, shot.model)
        if maker is not None and maker.cost(shot.seconds) is None:
            return Obstacle(
                kind="budget",
                what="Cannot spend it",
                why=f"nobody knows what {maker.title} costs, and there is a budget",
                fix="look its price up and leave out --budget, or choose another engine",
            )
    if price <= brief.budget:
        return None
    once = sum(shot.price / shot.takes for shot in plan.shots)
    fits = int(brief.budget / once) if once else 0
    return Obstacle(
        kind="budget",
        what="Cannot spend it",
        why=f"it costs ${price:.2f}, and the budget is ${brief.budget:.2f}",
        fix=f"--takes {fits} fits" if fits else "raise --budget, make it shorter, or choose another engine",
    )
