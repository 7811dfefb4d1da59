"""Sign 5, background: textures that come again, seams, nonsense lettering, lines that do not meet or bend, clocks."""

from __future__ import annotations

from collections.abc import Sequence

from stillwake.readiness import geometry, signals
from stillwake.readiness.lettering import doubts, is_foreign
from stillwake.readiness.limits import Limit
from stillwake.readiness.unlooked import unseen
from stillwake.types import Box, Finding, Scene, Size

_BENCH = "benchmarks/readiness.py, between the 5 % and 1 % thresholds of both halves"
REPEAT = Limit(0.96, None, "correlation", _BENCH)
TEXT = Limit(0.07, None, "doubt", _BENCH)
SEAM = Limit(10.0, None, "times the usual step", _BENCH)
CLOCK = Limit(0.25, None, "share", _BENCH)
_LINES = "benchmarks/geometry.py"
BEND = Limit(0.0105, None, "of the height", f"{_LINES}: above every clean picture, drawn ones reach .0101")
MEET = Limit(0.007, None, "of the height", f"set by looking: less is hardly seen; {_LINES} counts the alarms")
BREAK = Limit(
    geometry.BREAK[0], None, "of the longest side", f"set by looking: less is hardly seen; {_LINES} counts the alarms"
)
LIMITS = {
    "repetition": REPEAT,
    "seams": SEAM,
    "pseudo-text": TEXT,
    "geometry": BEND,
    "meeting edges": MEET,
    "clocks": CLOCK,
}


def background_findings(scene: Scene) -> list[Finding]:
    """The findings about repetition, seams, lettering, straight lines and clocks."""
    lines = line_findings(geometry.strips(scene.still.pixels, scene.matte), scene.still.size)
    return [_repetition(scene), _seams(scene), _lettering(scene), *lines, _clocks(scene)]


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


def line_findings(lines: list[geometry.Strip], size: Size) -> list[Finding]:
    """The findings about uprights and about edges that should meet, out of the strips of a picture of that size."""
    return [_uprights(lines, size), _edges(lines, size)]


def _uprights(lines: list[geometry.Strip], size: Size) -> Finding:
    worst = geometry.bent([one for one in map(geometry.upright, lines) if one is not None], max(size))
    if worst is None:
        return unseen("geometry", "the background has too few long straight uprights to compare")
    return BEND.finding(
        "geometry",
        worst.off / size[1],
        digits=4,
        bad_box=_around((worst.top, worst.bottom, worst.worst), size),
        good="the uprights of the background are straight",
        bad="an upright of the background bows out where those beside it are straight",
        fix="inpaint the bent part, or generate the still again",
    )


def _edges(lines: list[geometry.Strip], size: Size) -> Finding:
    height = size[1]
    met = [meeting for line in lines for meeting in geometry.meetings(line, lines)]
    gone = [gap for line in lines for gap in geometry.breaks(line)]
    worst = max(met, key=lambda meeting: meeting.off, default=None)
    if gone and (worst is None or worst.off <= MEET.warn * height):
        longest = max(gone, key=lambda gap: gap.long)
        return BREAK.finding(
            "meeting edges",
            longest.long / max(size),
            digits=4,
            bad_box=_around(longest.ends, size),
            good="no line of the background breaks off",
            bad="a line of the background breaks off and goes on further along, with nothing before it",
            fix="inpaint the line through, or generate the still again",
        )
    if worst is None:
        return unseen("meeting edges", "no straight line of the background goes on behind the subject")
    return MEET.finding(
        "meeting edges",
        worst.off / height,
        digits=4,
        bad_box=_around(worst.ends, size),
        good="the lines that pass behind the subject meet",
        bad="a line that passes behind the subject comes out as two"
        if worst.doubled
        else "a line that passes behind the subject comes out beside itself",
        fix="inpaint the background on one side, or generate the still again",
    )


def _around(points: Sequence[tuple[float, float]], size: Size) -> Box:
    """The box around some points and a little more, cut at the picture's edge."""
    width, height = size
    more = 0.02 * max(size)
    across, down = [x for x, _ in points], [y for _, y in points]
    left, top = max(0.0, min(across) - more), max(0.0, min(down) - more)
    return left, top, min(float(width), max(across) + more), min(float(height), max(down) + more)
