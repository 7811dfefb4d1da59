"""Sign 4, framing: which shot it is, and what the frame cuts by accident."""

from __future__ import annotations

from typing import Final

import numpy as np

from stillwake.perceive.body import ANKLES, HIPS, KNEES
from stillwake.perceive.body import FEET as SOLES
from stillwake.readiness import panels, signals
from stillwake.readiness.limits import Limit
from stillwake.readiness.unlooked import unseen
from stillwake.types import Body, Box, Face, Finding, Scene

_BENCH = "benchmarks/readiness.py, between the 5 % and 1 % thresholds of both halves"
HEADROOM = Limit(
    0.25,
    0.0,
    "face heights",
    f"{_BENCH}; it fails where the frame runs through the forehead: no clean still is under .11",
)
RIVAL = Limit(
    0.8, None, "of the largest face", "the sides of a face by the detector differ by a tenth from look to look"
)
FEET = Limit(
    -0.4, None, "foot lengths", "24 people on foot, cut by hand: whole ones with a little room below reach -.41"
)
CONTRAST = Limit(
    8.0, None, "ΔE", "set by looking at the 71 stills: below it subject and background run into each other"
)
SEVERED = Limit(
    0.5,
    None,
    "of its width",
    "set by looking: seven of 71 stills are such cut-outs, .64 and more; of the others one has .32, the rest none",
)
PANELS = Limit(
    0.78,
    0.9,
    "of a line",
    "71 stills and 181 pictures nobody had chosen reach .73; benchmarks/readiness.py lays pictures side by side",
)
BORDERS = Limit(panels.BORDER, None, "of the side", "less is hardly seen; none of those 252 pictures has any")
LIMITS = {
    "head in the frame": HEADROOM,
    "one picture": PANELS,
    "borders": BORDERS,
    "one subject": RIVAL,
    "feet": FEET,
    "lower edge": SEVERED,
    "distance": CONTRAST,
}

_SHOULDERS: Final = (11, 12)
_SURE_KNEE, _THIGH = 0.7, 0.4
"""How surely a knee must be seen, and how much of the shin's height the thigh's must be, for somebody to stand: of ten
people who sit or end at the hips the net draws knees into the picture, those who sit with .86, the others with .65."""
_SHIN = 0.5
"""Lengths of a shin by which the ankles may lie below the picture for the feet to be what the frame cuts."""
_LEG = 1.05
"""Lengths of the trunk that a leg must have for its foot to be cut: where a robe or the frame hides legs the net draws
short ones into the picture (.82 to 1.0 in three paintings); of ten people cut there by hand nine have 1.1 and more."""
_SURE = 0.5
_SOMEBODY = 0.05
"""Share of the picture that the matte gives to a person from which, without a face, nobody says that none is there."""
_STUMP = (1.2, 6.0)
"""Widths of the face between which the lower end of half a figure is: narrower are feet, wider is what it sits on."""
_TIGHT = 0.6
"""Height of a face over the picture's from which a cut forehead is a manner of framing."""


def framing_findings(scene: Scene, face: Face | None) -> list[Finding]:
    """The findings about the shot, what the frame cuts, whether it is one picture of one subject, and its distance."""
    feet = _feet(scene)
    around = panels.borders(scene.still.pixels)
    return [
        _shot(scene, face, cut=feet.verdict == "warn"),
        _head(scene, face),
        feet,
        _lower_edge(scene, face) if not around[3] else unseen("lower edge", "a border lies below: crop it first"),
        _one_picture(scene, around),
        _borders(scene, around),
        _subject(scene),
        _distance(scene),
    ]


def _inside(scene: Scene, body: Body, joints: tuple[int, ...]) -> bool:
    """Whether all these joints are seen within the picture."""
    width, height = scene.still.size
    points = body.joints[list(joints)]
    within = (points > -0.5).all() and (points[:, 0] < width).all() and (points[:, 1] < height).all()
    return bool(within and (body.seen[list(joints)] > _SURE).all())


def _shot(scene: Scene, face: Face | None, *, cut: bool) -> Finding:
    body = scene.body
    share = 0.0 if face is None else (face.box[3] - face.box[1]) / scene.still.size[1]
    if face is None and body is None and scene.matte is not None and float(scene.matte.mean()) > _SOMEBODY:
        return unseen("shot", "no face is seen; what stands out may be somebody turned away, an animal or a thing")
    if face is None and body is None:
        why = "no person is seen: a scene or a product"
    elif body is not None and _inside(scene, body, ANKLES) and share < 0.3:
        why = "a full shot, but for the feet" if cut else "a full shot, head to feet"
    elif body is not None and (_inside(scene, body, KNEES) or _inside(scene, body, HIPS)) and share < 0.4:
        why = "a medium shot"
    elif body is None and share < 0.2:
        why = "a medium or a full shot: the face is small, and no body is made out that would tell which"
    else:
        why = "a close-up" if share > 0.5 else "a bust"
    return Finding(check="shot", verdict="pass", box=None if face is None else face.box, why=why)


def _head(scene: Scene, face: Face | None) -> Finding:
    if face is None:
        return unseen("head in the frame", "no face is seen, so nobody knows where the head ends")
    value = signals.headroom(face)
    verdict, limit = HEADROOM.low(value)
    x0, y0, x1, y1 = face.box
    if verdict == "fail" and y1 - y0 > _TIGHT * scene.still.size[1]:
        verdict, limit = "warn", HEADROOM.warn  # a close-up as tight as that is chosen
    return Finding(
        check="head in the frame",
        verdict=verdict,
        measured=round(value, 2),
        unit=HEADROOM.unit,
        limit=limit,
        box=(x0, max(-0.5, y0 - 0.35 * (face.box[3] - y0)), x1, y0 + 0.2 * (face.box[3] - y0)),
        why={
            "pass": "the head has room at the top",
            "warn": "the frame cuts the top of the head",
            "fail": "the frame cuts through the forehead",
        }[verdict],
        fix=""
        if verdict == "pass"
        else "extend the picture upwards (outpaint), or generate the still again with room above the head",
    )


def _feet(scene: Scene) -> Finding:
    body = scene.body
    if body is None:
        reason = "no whole body is seen" if scene.looked_for("body") else "nothing looked for a body"
        return unseen("feet", reason)
    height = scene.still.size[1]
    legs = [side for side in (0, 1) if _stands(scene, body, side)]
    if not legs and body.joints[list(KNEES), 1].min() < height:
        return unseen("feet", "nobody stands there, or the knees are covered or hard to make out")
    if not legs:
        return Finding(
            check="feet", verdict="pass", why="the shot ends above the knees, so the feet are left out on purpose"
        )
    ankles = body.joints[[ANKLES[side] for side in legs]]
    shin = max(1.0, float(np.linalg.norm(ankles - body.joints[[KNEES[side] for side in legs]], axis=1).mean()))
    foot = max(1.0, 0.35 * shin)
    lowest = max(float(body.joints[list(SOLES[side::2]), 1].max()) for side in legs)
    beyond = (lowest - (height - 1)) / foot
    ankle = (float(ankles[:, 1].max()) - (height - 1)) / shin
    cut = beyond > FEET.warn and ankle < _SHIN
    if cut and _leg(body) < _LEG:
        return unseen("feet", "the legs are covered or hard to make out, so nobody knows where they end")
    return Finding(
        check="feet",
        verdict="warn" if cut else "pass",
        measured=round(beyond, 2),
        unit=FEET.unit,
        limit=FEET.warn,
        box=(
            float(body.joints[list(SOLES + ANKLES), 0].min()) - foot,
            float(min(body.joints[list(ANKLES), 1].min(), height - 2 * foot)),
            float(body.joints[list(SOLES + ANKLES), 0].max()) + foot,
            float(height),
        ),
        why="the frame cuts the feet"
        if cut
        else "the feet are in the picture"
        if beyond < 0
        else "the shot ends at the shins",
        fix="extend the picture downwards (outpaint), or crop it above the knees" if cut else "",
    )


def _stands(scene: Scene, body: Body, side: int) -> bool:
    """Whether that leg is surely seen, and straight down from the hip: of who sits the net guesses the feet."""
    hip, knee, ankle = (float(body.joints[pair[side], 1]) for pair in (HIPS, KNEES, ANKLES))
    sure = float(body.seen[KNEES[side]]) > _SURE_KNEE
    return sure and _inside(scene, body, (KNEES[side],)) and knee - hip > _THIGH * (ankle - knee)


def _leg(body: Body) -> float:
    """Length of the legs, hip to ankle, in lengths of the trunk, of what lies between left and right."""
    middle = [body.joints[list(pair)].mean(0) for pair in (_SHOULDERS, HIPS, KNEES, ANKLES)]
    trunk, thigh, shin = (float(length) for length in np.linalg.norm(np.diff(middle, axis=0), axis=1))
    return (thigh + shin) / max(1.0, trunk)


def _lower_edge(scene: Scene, face: Face | None) -> Finding:
    name = "lower edge"
    if face is None:
        return unseen(name, "no person is seen")
    end = signals.severed(scene.still.pixels, face.box)
    standing = scene.body is not None and _inside(scene, scene.body, ANKLES)
    if end is None or standing or not _STUMP[0] < end.width < _STUMP[1]:
        return Finding(check=name, verdict="pass", why="the figure does not end in mid-air")
    return SEVERED.finding(
        name,
        end.share,
        bad_box=end.box,
        good="the figure does not end in mid-air",
        bad="the figure ends on a straight line above the picture's lower edge, and hangs in the air",
        fix="crop the still there, or generate it again with a body that runs out of the frame",
    )


def _one_picture(scene: Scene, around: panels.Borders) -> Finding:
    x0, y0, x1, y1 = (int(v) for v in panels.inner(around, scene.still.size))
    line = panels.between(scene.still.pixels[y0:y1, x0:x1])
    if line is None:
        return unseen("one picture", f"the picture is under {panels.SMALLEST} px")
    where = "side by side" if line.way == "upright" else "one above the other"
    return PANELS.finding(
        "one picture",
        line.share,
        bad_box=(line.box[0] + x0, line.box[1] + y0, line.box[2] + x0, line.box[3] + y0),
        good="it is one picture",
        bad=f"two pictures meet here, {where}: it is a grid or a strip, and an engine would move all of it as one",
        fix="cut one picture out of it and give that",
    )


def _borders(scene: Scene, around: panels.Borders) -> Finding:
    width, height = scene.still.size
    if min(width, height) < panels.SMALLEST:
        return unseen("borders", f"the picture is under {panels.SMALLEST} px")
    shares = [px / side for px, side in zip(around, (width, height, width, height), strict=True)]
    x0, y0, x1, y1 = panels.inner(around, scene.still.size)
    bands: tuple[Box, ...] = ((0, 0, x0, height), (0, 0, width, y0), (x1, 0, width, height), (0, y1, width, height))
    widest = int(np.argmax(shares))
    *most, last = [name for name, px in zip(("left", "top", "right", "bottom"), around, strict=True) if px] or [""]
    where = f"{', '.join(most)} and {last}" if most else last
    return BORDERS.finding(
        "borders",
        shares[widest],
        digits=3,
        bad_box=bands[widest],
        good="it fills its frame",
        bad=f"a border of one colour lies at the {where}; an engine takes it for part of the scene",
        fix=f"crop it to the {x1 - x0:.0f} × {y1 - y0:.0f} px from ({x0:.0f}, {y0:.0f}) on",
    )


def _subject(scene: Scene) -> Finding:
    if not scene.faces:
        return unseen("one subject", "no face is seen, and nothing else tells what the picture is about")
    first, *others = sorted(scene.faces, key=lambda face: -face.size)
    if not others:
        return Finding(check="one subject", verdict="pass", box=first.box, why="one face is what it is about")
    rival = others[0]
    return RIVAL.finding(
        "one subject",
        rival.size / first.size,
        box=first.box,
        bad_box=rival.box,
        good=f"of {len(scene.faces)} faces one stands out",
        bad=f"{len(scene.faces)} faces of a size ask for the eye, and whoever watches cannot tell whom it is about",
        fix="crop to one of them, or choose who speaks with --face",
    )


def _distance(scene: Scene) -> Finding:
    told = None if scene.matte is None else signals.separation(scene.still.pixels, scene.matte)
    if told is None:
        return unseen("distance", "no person is set apart from a background")
    contrast, sharper = told
    verdict, limit = CONTRAST.low(contrast)
    if sharper > 2:
        verdict = "pass"  # blur sets the subject apart where colour does not
    return Finding(
        check="distance",
        verdict=verdict,
        measured=round(contrast, 1),
        unit=CONTRAST.unit,
        limit=limit,
        why="subject and background are told apart"
        if verdict == "pass"
        else "subject and background run into each other in colour and sharpness, so they will move as one sheet",
        fix=""
        if verdict == "pass"
        else "blur or lighten the background, or generate the still again with more distance",
    )
