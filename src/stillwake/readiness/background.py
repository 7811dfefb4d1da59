"""Sign 5, background: textures that come again, seams, lettering that reads as nonsense, and clocks."""

from __future__ import annotations

from stillwake.readiness import signals
from stillwake.readiness.lettering import doubts, is_foreign
from stillwake.readiness.limits import Limit
from stillwake.readiness.unlooked import unseen
from stillwake.types import Finding, Scene

_BENCH = "benchmarks/readiness.py, between the 5 % and 1 % thresholds of both halves"
REPEAT = Limit(0.96, None, "correlation", _BENCH)
TEXT = Limit(0.07, None, "doubt", _BENCH)
SEAM = Limit(10.0, None, "times the usual step", _BENCH)
CLOCK = Limit(0.25, None, "share", _BENCH)
LIMITS = {"repetition": REPEAT, "seams": SEAM, "pseudo-text": TEXT, "clocks": CLOCK}


def background_findings(scene: Scene) -> list[Finding]:
    """The findings about repetition, seams, lettering and clocks."""
    return [_repetition(scene), _seams(scene), _lettering(scene), _clocks(scene)]


def _repetition(scene: Scene) -> Finding:
    found = signals.repetition(scene.still.pixels, scene.matte)
    if found is None:
        small = min(scene.still.size) < 256
        return unseen("repetition", "the picture is under 256 px" if small else "nothing but smooth areas lie behind")
    dx, dy = found.period
    return REPEAT.finding(
        "repetition",
        found.strength,
        box=found.box,
        good="no texture comes again exactly",
        bad=f"the same piece of texture comes again every {max(abs(dx), abs(dy))} px",
        fix="inpaint the repeating area, or generate the still again",
    )


def _seams(scene: Scene) -> Finding:
    found = signals.seam(scene.still.pixels)
    if found is None:
        return unseen("seams", "the picture is under 256 px")
    return SEAM.finding(
        "seams",
        found.strength,
        digits=1,
        bad_box=found.box,
        good="no straight seam runs across it",
        bad=f"a straight step of {abs(found.step):.1f} levels runs across it, as where two pieces were joined",
        fix="blend or inpaint along the line, or generate the still again in one piece",
    )


def _lettering(scene: Scene) -> Finding:
    if not scene.looked_for("writing"):
        return unseen("pseudo-text", "nothing looked for lettering")
    lines = doubts(scene)
    worst = lines[0].much if lines else 0.0
    verdict, limit = TEXT.high(worst)
    if verdict != "pass" and is_foreign(scene):
        return unseen("pseudo-text", "there is lettering in a script whose words no dictionary here knows")
    if verdict != "pass":
        why = f"there is lettering that reads as nonsense: {lines[0].why}; what was read is not repeated here"
    else:
        why = f"{len(lines)} line{'s' if len(lines) != 1 else ''} of lettering that can be read" if lines else (
            "no lettering is seen"
        )  # fmt: skip
    return Finding(
        check="pseudo-text",
        verdict=verdict,
        measured=round(worst, 3),
        unit=TEXT.unit,
        limit=limit,
        box=lines[0].line.box if verdict != "pass" else None,
        why=why,
        fix="" if verdict == "pass" else "paint the lettering out, or write it anew as an overlay after animating",
    )


def _clocks(scene: Scene) -> Finding:
    """Presence alone: whether the time is right is not asked, since in motion no generator keeps it."""
    found = signals.dial(scene.still.pixels)
    return CLOCK.finding(
        "clocks",
        found.strength,
        bad_box=found.box,
        good="no clock face is seen",
        bad="there is a clock face, and its marks and hands melt in motion",
        fix="inpaint it away or turn it from view, or leave the place out of what moves",
    )
