"""Takes of one shot, ranked by what their inspections found, and what to turn for the next one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

from stillwake.inspection.levers import FAULTS, Fault
from stillwake.makers import known
from stillwake.types import ClipFinding, Inspection, Shot

USUAL_HOLD = 0.5
"""How firmly an engine keeps to the picture where nobody says, on our scale of 0..1."""
STEP = 0.25
"""By how much a mend turns it."""
SHORTEST_HALF = Fraction(3, 2)
"""Seconds of a segment below which splitting it once more mends nothing."""

Mend = Literal["hold more", "hold less", "shorter", "another seed"]

MENDS: dict[Fault, Mend] = {
    "identity": "hold more", "background": "hold more", "start": "hold more", "still picture": "hold less",
    "stuck": "hold less", "colours": "shorter", "fading": "shorter", "camera": "another seed", "light": "another seed",
    "seam": "another seed", "cut": "another seed", "sharpness": "another seed",
}  # fmt: skip
"""What is tried against a fault. What is not here is no fault of the picture: a file's frame rate, a sound."""


class Severity(NamedTuple):
    """How bad a take is, less being better: failures, how far they fail, warnings, how far those go."""

    fails: int
    beyond: float
    warns: int
    near: float


def severity(inspection: Inspection) -> Severity:
    """How bad what was found is."""
    of = {verdict: [f for f in inspection.findings if f.verdict == verdict] for verdict in ("fail", "warn")}
    sizes = {verdict: sum(_size(finding) for finding in found) for verdict, found in of.items()}
    return Severity(len(of["fail"]), round(sizes["fail"], 3), len(of["warn"]), round(sizes["warn"], 3))


def _size(finding: ClipFinding) -> float:
    """How far a measure lies beyond its limit, as a ratio from 1 on, at most 10."""
    if not finding.measured or not finding.limit:
        return 1.0
    ratio = abs(finding.measured / finding.limit)
    return min(10.0, max(ratio, 1 / max(ratio, 0.1)))


def ranked(inspections: Sequence[Inspection]) -> list[int]:
    """The takes' numbers, the best first; equals keep their order."""
    return sorted(range(len(inspections)), key=lambda take: severity(inspections[take]))


def in_words(inspection: Inspection) -> str:
    """What is wrong with a take, the worst first, as a clause."""
    found = [f for f in inspection.findings if f.verdict == "fail"] + [
        f for f in inspection.findings if f.verdict == "warn"
    ]
    if not found:
        return "nothing was found against it"
    said = [
        f"{finding.check} {'fails' if finding.verdict == 'fail' else 'warns'}{_value(finding)}" for finding in found
    ]
    return ", ".join(said[:3]) + (f" and {len(said) - 3} more" if len(said) > 3 else "")


def _value(finding: ClipFinding) -> str:
    return "" if finding.measured is None else f" ({finding.measured:.3g} {finding.unit}".rstrip() + ")"


def fault_of(inspection: Inspection) -> Fault | None:
    """The worst fault that failed and that a lever is known against."""
    failed = [f for f in inspection.findings if f.verdict == "fail" and FAULTS.get(f.check) in MENDS]
    return FAULTS[max(failed, key=_size).check] if failed else None


def mended(shot: Shot, fault: Fault, seed: int) -> tuple[tuple[Shot, ...], str] | None:
    """The shot with a lever turned against a fault, as one take with that seed, and what was turned, in words.

    A shot that is to be shorter becomes two, the second begun from the first one's last good frame. None where the
    lever is at its end already.
    """
    once = shot.model_copy(update={"takes": 1, "seed": seed, "price": shot.price / shot.takes})
    if shot.wait is not None:
        once = once.model_copy(update={"wait": shot.wait / shot.takes})
    hold = USUAL_HOLD if shot.hold is None else shot.hold
    mend = MENDS[fault]
    if mend in ("hold more", "hold less") and not _can_be_held(shot):
        mend = "shorter" if mend == "hold more" and shot.seconds >= 2 * SHORTEST_HALF else "another seed"
    match mend:
        case "hold more" if hold < 1:
            more = min(1.0, hold + STEP)
            return (
                once.model_copy(update={"hold": more}),
            ), f"{fault}: hold on the picture up from {hold:g} to {more:g}"
        case "hold less" if hold > 0:
            less = max(0.0, hold - STEP)
            return (
                (once.model_copy(update={"hold": less}),),
                f"{fault}: hold on the picture down from {hold:g} to {less:g}",
            )
        case "shorter" if shot.seconds >= 2 * SHORTEST_HALF:
            first = Fraction(shot.frame_count // 2) / shot.fps
            second = once.model_copy(update={"anchor": "before", "seed": seed + 1})
            halves = _as_long(once, first), _as_long(second, shot.seconds - first)
            return halves, f"{fault}: {float(shot.seconds):.3g} s in two segments"
        case "another seed":
            return (once,), f"{fault}: another seed"
        case _:
            return None


def _can_be_held(shot: Shot) -> bool:
    """Whether its engine can be told how firmly to keep to the picture; a stranger's is asked."""
    maker = known(shot.engine, shot.model)
    return maker is None or "conditioning" in maker.can


def _as_long(shot: Shot, seconds: Fraction) -> Shot:
    """The shot with another length, made and paid for as its engine makes that."""
    maker = known(shot.engine, shot.model)
    if maker is None or shot.made is None:
        return shot.model_copy(update={"seconds": seconds})
    if maker.local and shot.model:  # a model of one's own: its engine knows its lengths, and none costs anything
        return shot.model_copy(update={"seconds": seconds, "made": None})
    made = maker.length_for(seconds)
    return shot.model_copy(update={"seconds": seconds, "made": made, "price": maker.cost(made) or 0.0})
