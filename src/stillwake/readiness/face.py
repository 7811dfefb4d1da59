"""The findings about the face that is to speak: is it there, large enough, turned to us, whole and uncovered?

Every limit is a `Limit` with its source. ``fail`` stops the animator; ``warn`` does not.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from stillwake.readiness.limits import Limit
from stillwake.readiness.signals import face_light
from stillwake.readiness.unlooked import unseen
from stillwake.types import Box, Face, Finding, Scene

FACE = Limit(0.4, 0.0, "", "what is not a face never gets this far: benchmarks/perceive.py --gate")
SIZE = Limit(100, 64, "px", "the mesh net sees 192 px; under 100 px nobody has tried the animator")
YAW = Limit(20, 30, "°", "the animator is untested beyond 25°; further round half of the mouth is hidden")
PITCH = Limit(18, 30, "°", "beyond 30° the upper lip hides the mouth's line")
ROLL = Limit(25, 45, "°", "the rig turns with the face; beyond 45° nothing has been tried")
MOUTH = Limit(0.5, 0.25, "", "benchmarks/perceive.py --mouths: drawn hands, masks and microphones")
EYES = Limit(0.5, 0.0, "", "benchmarks/perceive.py --eyes: glasses and covers drawn on")
EDGE = Limit(0.0, 0.06, "of the face", "a chin or mouth outside the picture cannot be moved")
BACKLIGHT = Limit(55.0, None, "L", "set by looking: none of 71 stills' frontal faces is that much darker")
LIMITS = {
    "light from behind": BACKLIGHT,
    "face": FACE,
    "face size": SIZE,
    "yaw": YAW,
    "pitch": PITCH,
    "roll": ROLL,
    "mouth uncovered": MOUTH,
    "eyes uncovered": EYES,
    "face in the frame": EDGE,
}


def face_findings(scene: Scene, index: int) -> dict[str, Finding]:
    """Check -> finding for everything that looks at a face; ``index`` counts from 0, the largest first."""
    if not scene.faces:
        return {"face": _no_face(scene)}
    face = scene.faces[index]
    findings = [_face(face), _size(face), _in_frame(scene, face), _speaker(scene, index), _backlight(scene, face)]
    findings += [
        _turn("yaw", abs(face.yaw), YAW, face.box, _side(face.yaw, "left", "right")),
        _turn("pitch", abs(face.pitch), PITCH, face.box, _side(face.pitch, "up", "down")),
        _turn("roll", abs(face.roll), ROLL, face.box, _side(face.roll, "anticlockwise", "clockwise")),
        _mouth(face),
        _eyes(face),
    ]
    return {finding.check: finding for finding in findings}


def _no_face(scene: Scene) -> Finding:
    fix = "choose a picture in which a face is seen from the front, or give the face with --face-file"
    if scene.refused:
        refused = scene.refused[0]
        return Finding(check="face", verdict="fail", box=refused.box, why=refused.why, fix=fix)
    return Finding(check="face", verdict="fail", why="no face was found in it", fix=fix)


def _face(face: Face) -> Finding:
    sure = face.confidence["face"]
    return Finding(
        check="face",
        verdict="pass" if sure >= FACE.warn else "warn",
        measured=round(sure, 3),
        limit=FACE.warn,
        box=face.box,
        why="a face is there" if sure >= FACE.warn else "a face is there, but its features are hard to pin down",
        fix="" if sure >= FACE.warn else "choose a sharper picture",
    )


def _size(face: Face) -> Finding:
    verdict, limit = SIZE.low(face.size)
    why = {
        "pass": "the face is large enough",
        "warn": "the face is small, so lips and teeth have few pixels",
        "fail": "the face is too small: its lips are only a few pixels high",
    }[verdict]
    return Finding(
        check="face size",
        verdict=verdict,
        measured=round(face.size, 1),
        unit=SIZE.unit,
        limit=limit,
        box=face.box,
        why=why,
        fix="" if verdict == "pass" else "crop to the face from a larger original",
    )


def _side(angle: float, negative: str, positive: str) -> str:
    return positive if angle > 0 else negative


def _turn(check: Literal["yaw", "pitch", "roll"], angle: float, limit: Limit, box: Box, side: str) -> Finding:
    verdict, held = limit.high(angle)
    verb = {"yaw": "turned to the", "pitch": "tilted", "roll": "leaning"}[check]
    how = {"pass": "within reach", "warn": "near the end of what can be animated", "fail": "too far to be animated"}
    return Finding(
        check=check,
        verdict=verdict,
        measured=round(angle, 1),
        unit=limit.unit,
        limit=held,
        box=box,
        why=f"the face is {verb} {side} by {angle:.0f}°, {how[verdict]}" if angle >= 1 else "the face is straight",
        fix="" if verdict == "pass" else "choose a picture in which the face looks at the camera",
    )


def _in_frame(scene: Scene, face: Face) -> Finding:
    width, height = scene.still.size
    x0, y0, x1, y1 = face.box
    outside = {
        "left": -0.5 - x0,
        "right": x1 - width - 0.5,
        "top": -0.5 - y0,
        "bottom": y1 - height - 0.5,
    }
    side, most = max(outside.items(), key=lambda item: item[1])
    share = max(0.0, most) / max(1.0, x1 - x0 if side in ("left", "right") else y1 - y0)
    verdict, limit = EDGE.high(share)
    if verdict == "fail" and side == "top":
        verdict = "warn"  # a cut forehead looks odd but nothing there has to move
    return Finding(
        check="face in the frame",
        verdict=verdict,
        measured=round(share, 3),
        unit=EDGE.unit,
        limit=limit,
        box=face.box,
        why="the whole face lies in the picture" if verdict == "pass" else f"the face is cut off at the {side}",
        fix="" if verdict == "pass" else "choose a picture with room around the face",
    )


def _mouth(face: Face) -> Finding:
    value = face.confidence["mouth"]
    verdict, limit = MOUTH.low(value)
    middle = np.concatenate([face.mouth.outer_upper, face.mouth.outer_lower])
    (x0, y0), (x1, y1) = middle.min(0), middle.max(0)
    return Finding(
        check="mouth uncovered",
        verdict=verdict,
        measured=round(value, 3),
        limit=limit,
        box=(float(x0), float(y0), float(x1) + 1, float(y1) + 1),
        why={
            "pass": "the lips are seen",
            "warn": "the lips are hard to make out",
            "fail": "the lips cannot be seen: a hand, a mask or something else covers them",
        }[verdict],
        fix="" if verdict == "pass" else "choose a picture with the mouth in plain view",
    )


def _eyes(face: Face) -> Finding:
    value = face.confidence["eyes"]
    return EYES.finding(
        "eyes uncovered",
        value,
        low=True,
        digits=3,
        box=face.box,
        good="both eyes are seen",
        bad="glasses, hair or a shadow lie over the eyes: no blinking",
        fix="choose a picture with both eyes in plain view if they should blink",
    )


def _backlight(scene: Scene, face: Face) -> Finding:
    light = face_light(scene.still.pixels, face, scene.matte)
    if light is None:
        return unseen("light from behind", "no background is set apart from the person")
    value = light[1] - light[0]
    verdict, limit = BACKLIGHT.high(value)
    if light[0] > 40:
        verdict = "pass"  # a face in good light before a white wall
    return Finding(
        check="light from behind",
        verdict=verdict,
        measured=round(value, 1),
        unit=BACKLIGHT.unit,
        limit=limit,
        box=face.box,
        why="the face has light of its own"
        if verdict == "pass"
        else "the light comes from behind, and the face is dark",
        fix="" if verdict == "pass" else "choose a picture lit from the front, or lighten the face first",
    )


def _speaker(scene: Scene, index: int) -> Finding:
    count = len(scene.faces)
    face = scene.faces[index]
    if count == 1:
        return Finding(check="one speaker", verdict="pass", measured=1, unit="faces", box=face.box, why="one face")
    which = "the largest" if index == 0 else f"number {index + 1} by size"
    return Finding(
        check="one speaker",
        verdict="warn",
        measured=count,
        unit="faces",
        limit=1,
        box=face.box,
        why=f"there are {count} faces; {which} speaks",
        fix=f"choose another with --face 1 to --face {count}",
    )
