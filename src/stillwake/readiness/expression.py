"""Sign 3, expression: level corners, a mouth that is open or closed, and the feeling they show in words."""

from __future__ import annotations

import numpy as np

from stillwake.readiness.character import TURNED, around
from stillwake.readiness.face import SIZE
from stillwake.readiness.limits import Limit
from stillwake.readiness.unlooked import unseen
from stillwake.readiness.views import Measures
from stillwake.types import Box, Face, Finding

CORNERS = Limit(
    0.04,
    None,
    "eye distances",
    "benchmarks/readiness.py: of 66 people's own photographs, who smile crookedly, 7 lie above, of 26 stills none",
)
CORNERS_DRAWN = Limit(
    0.065,
    None,
    "eye distances",
    "benchmarks/readiness.py with the drawn stills, between the 5 % and 1 % thresholds of both halves",
)
LIMITS = {"mouth corners": CORNERS, "mouth corners, drawn": CORNERS_DRAWN}
_TURNED = {"photo": TURNED, "drawn": 25.0}
"""Degrees of yaw beyond which one corner is lifted by the turn itself, by the face's kind."""
_PARTED, _OPEN = 0.03, 0.10
"""The lips' gap over the eye distance from which a mouth is parted, and open; set by looking at 33 photographs."""


def expression_findings(face: Face, seen: Measures | None) -> list[Finding]:
    """The findings about the mouth's corners, its opening and what the face says."""
    checks = ("mouth corners", "mouth state", "expression")
    if seen is None:
        return [unseen(check, "the face has no landmarks") for check in checks]
    if face.confidence["mouth"] < 0.5:
        return [unseen(check, "the lips are covered or hard to make out") for check in checks]
    if abs(face.yaw) > _TURNED[face.kind]:
        why = f"the face is turned by {abs(face.yaw):.0f}°, which lifts one corner by itself"
        return [unseen("mouth corners", why), _state(face, seen), _named(face, seen)]
    if SIZE.low(face.size)[0] == "fail":  # what the animator refuses too
        why = f"the face is under {SIZE.fail:.0f} px, and a lifted corner a px or two"
        return [unseen("mouth corners", why), _state(face, seen), _named(face, seen)]
    return [_corners(face, seen), _state(face, seen), _named(face, seen)]


def _mouth_box(face: Face) -> Box:
    points = np.concatenate([face.mouth.outer_upper, face.mouth.outer_lower])
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    rim = 0.15 * (x1 - x0)
    return float(x0 - rim), float(y0 - rim), float(x1 + rim) + 1, float(y1 + rim) + 1


def _corners(face: Face, seen: Measures) -> Finding:
    limit = CORNERS if face.kind == "photo" else CORNERS_DRAWN
    return limit.finding(
        "mouth corners",
        abs(seen.corners),
        digits=3,
        box=_mouth_box(face),
        good="the mouth's corners are level",
        bad=f"the mouth's corner on the {'left' if seen.corners > 0 else 'right'} sits higher",
        fix="inpaint the mouth, or generate the still again; if the crooked smile is meant, let it stand",
    )


def _state(face: Face, seen: Measures) -> Finding:
    words = "closed" if seen.gap < _PARTED else "parted" if seen.gap < _OPEN else "open"
    return Finding(
        check="mouth state",
        verdict="pass",
        measured=round(max(0.0, seen.gap), 3),
        unit="eye distances",
        box=_mouth_box(face),
        why=f"the mouth is {words}",
    )


def _named(face: Face, seen: Measures) -> Finding:
    """The feeling as the geometry shows it; it is told, not judged: what moves people is not in these numbers."""
    wide, smiling = min(seen.lids) > 0.2, seen.smile > 0.05
    if seen.gap > 0.3:
        named = "laughing or crying out" if seen.smile > 0.03 else "crying out or surprised"
    elif smiling:
        named = "smiling with open lips" if seen.gap > _PARTED else "smiling"
    elif wide and seen.gap > _OPEN:
        named = "surprised"
    elif max(seen.lids) < 0.06:
        named = "eyes closed, at rest"
    elif seen.smile < -0.06:
        named = "the corners drawn down: sad or stern"
    else:
        named = "calm"
    box = around(face.eyes)
    mouth = _mouth_box(face)
    return Finding(
        check="expression",
        verdict="pass",
        box=(min(box[0], mouth[0]), box[1], max(box[2], mouth[2]), mouth[3]),
        why=f"read from lids and lips: {named}",
    )
