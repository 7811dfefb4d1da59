"""One look at a still: its style, its faces, what was refused, the matte."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from stillwake.perceive.body import body_of
from stillwake.perceive.drawn import Reading, drawn_face, find_drawn, places
from stillwake.perceive.faces import MOST_FACES, PRESENT, Candidate, candidates, overlap
from stillwake.perceive.given import SAME, GivenFace, require_for, told_style, with_given
from stillwake.perceive.hands import find_hands
from stillwake.perceive.matte import matte_of
from stillwake.perceive.models import Crop
from stillwake.perceive.read import face_of
from stillwake.perceive.style import style_of
from stillwake.perceive.text import writing_in
from stillwake.types import Body, Eye, Face, Floats, Mouth, Pixels, Refused, Scene, Size, Still, Writing

_MOST_REFUSED = 3
_HINTED = 0.15
_MOVED = 0.5
_SEEN = 0.5
_SURE = 0.7
_HINT_OF_DRAWN = 0.3
"""The finder's score from which a place that could not be read is pointed at: of seven drawings whose face is turned
away, tilted or has its eyes shut, five are pointed at, and flowers and a sleeve besides (2026-11-29)."""


def perceive(still: Still, given: Sequence[GivenFace] = ()) -> Scene:
    """What is seen in the still: faces with contours, what only looked like one, the matte, the style.

    A ``given`` face takes the place of the one that is seen there, or is added.

    Raises
    ------
    stillwake.errors.FaceError
        A given face does not fit this picture, or cannot be read in it.
    stillwake.errors.StillwakeError
        The models cannot be loaded.
    """
    import cv2  # noqa: F401  its loader is not made for two threads at once

    for one in given:
        require_for(one, still)
    with ThreadPoolExecutor(1, "stillwake reader") as beside:
        # Lettering costs as much as all else together and needs nothing of it.
        writing = beside.submit(writing_in, still.pixels)
        return dataclasses.replace(_perceived(still, given), writing=writing.result())


def glance(still: Still) -> Scene:
    """The still's style, faces and matte alone: what a frame of a clip is asked for.

    Raises
    ------
    stillwake.errors.StillwakeError
        The models cannot be loaded.
    """
    return _glanced(still, ())


def _perceived(still: Still, given: Sequence[GivenFace]) -> Scene:
    """The scene but for its lettering."""
    glanced = _glanced(still, given)
    body = body_of(still.pixels)
    seen = {
        **glanced.seen,
        "hands": "mediapipe hands, our own finder and our own counting net",
        "body": "mediapipe pose",
        "writing": "rapidocr",
        "depth": "unseen: no depth model is part of stillwake yet",
    }
    hands = find_hands(still.pixels, _forearms(body), drawn=glanced.style == "drawn")
    return dataclasses.replace(glanced, seen=seen, hands=hands, body=body)


def _glanced(still: Still, given: Sequence[GivenFace]) -> Scene:
    pixels = still.pixels
    seen_by_mesh = candidates(pixels)
    largest = next((place.fit for place in seen_by_mesh if telling(place)), None)
    spots = places(pixels)
    drawings = find_drawn(pixels, spots)
    held = [place for place in seen_by_mesh if not place.why]
    read, sure = style_of(pixels, largest, fits=bool(held), drawing=drawings[0].sure if drawings else 0.0)
    style = told_style(given, read)
    if style == "drawn":
        held = []
        found = [drawn_face(reading) for reading in drawings[:MOST_FACES]]
    else:
        found = [without_covered_eyes(face_of(pixels, place.fit, style), drawings) for place in held[:MOST_FACES]]
    faces, numbers = with_given(pixels, found, given, style)
    # beside a face, a faint hint of another is not worth a word
    refused = [Refused(p.box, p.why) for p in seen_by_mesh if p not in held and (not faces or p.score >= _MOVED)]
    refused = [r for r in refused if all(overlap(r.box, face.box) <= SAME for face in faces)]
    if not faces and style == "drawn":
        refused = unread(spots)
    if not faces:
        refused = [*lying(pixels), *refused]
    matte = matte_of(pixels, [face.box for face in faces])
    seen = {
        "faces": (
            "our own nets for drawn faces"
            if style == "drawn"
            else "mediapipe full-range detector and face mesh with attention"
        )
        + "".join(f"; face {number} given by hand" for number in numbers),
        "matte": "mediapipe selfie segmentation, both models, guided filter",
        "style": f"{'face, edges and colours' if largest else 'edges and colours'}, {sure:.0%} sure"
        if style == read
        else "given by hand, with the face",
    }
    return Scene(still, style, faces, tuple(refused[:_MOST_REFUSED]), matte, seen, given=numbers)


def _forearms(body: Body | None) -> list[Floats]:
    """Elbow and wrist, (2, 2) px, of each arm whose wrist is seen: a hand may be looked for again there."""
    if body is None:
        return []
    return [body.joints[[elbow, wrist]] for elbow, wrist in ((13, 15), (14, 16)) if body.seen[wrist] > _SEEN]


def without_covered_eyes(face: Face, drawings: Sequence[Reading]) -> Face:
    """The face, less sure of an eye that the reader of drawn faces sees covered.

    The mesh draws both eyes alike, even under hair. The other net was taught what hair hides, and where it is sure of
    a photographed face (19 of 23 in shared/stills) it takes no eye in plain view for a covered one.
    """
    for seen in drawings:
        inside = face.box[0] < seen.crop.x < face.box[2] and face.box[1] < seen.crop.y < face.box[3]
        if inside and seen.sure >= _SURE:
            sides = {f"{name} eye": round(seen.eye(side), 3) for side, name in enumerate(("left", "right"))}
            trusted = {part: min(value, sides.get(part, 1.0)) for part, value in face.confidence.items()}
            trusted["eyes"] = min(trusted["eyes"], *sides.values())
            return dataclasses.replace(face, confidence=trusted)
    return face


def lying(pixels: Pixels) -> list[Refused]:
    """The faces that only show once the picture is turned, each with the turn that sets it upright."""
    height, width = pixels.shape[:2]
    for quarters, turn in ((1, "anticlockwise"), (3, "clockwise"), (2, "upside down")):
        turned = np.ascontiguousarray(np.rot90(pixels, quarters))
        boxes = [place.fit.box for place in candidates(turned) if not place.why]
        boxes += [drawn_face(reading).box for reading in find_drawn(turned)]
        if boxes:
            x0, y0, x1, y1 = boxes[0]
            box = {
                1: (width - y1, x0, width - y0, x1),
                2: (width - x1, height - y1, width - x0, height - y0),
                3: (y0, height - x1, y1, height - x0),
            }[quarters]
            how = "is upside down" if quarters == 2 else f"lies on its side; turned a quarter {turn} it would stand"
            return [Refused(box, f"the face {how}")]
    return []


def unread(spots: Sequence[tuple[Crop, float]]) -> list[Refused]:
    """Where a drawn face may be that could not be read: the finder's best place, if it is any good."""
    if not spots or spots[0][1] < _HINT_OF_DRAWN:
        return []
    crop, half = spots[0][0], spots[0][0].side / 2
    box = crop.x - half, crop.y - half, crop.x + half, crop.y + half
    return [Refused(box, "a drawn face may be there, but turned away, tilted far, covered or with its eyes shut")]


def telling(place: Candidate) -> bool:
    """Whether a face, real, painted or drawn, lies there, so that its features tell the style.

    The detector hesitates on drawings (.15 to .7), but not as it does on animals (0 to .1).
    """
    return place.fit.presence >= PRESENT and place.fit.confirmed >= _HINTED


def scaled(scene: Scene, size: Size) -> Scene:
    """The same scene at another size: picture, matte, boxes and every contour.

    ``size`` (width, height) in px. Coordinates count from the centre of the top left pixel, so a point moves as
    (x + ½)·s - ½; lengths that have no direction (an iris's radius, depth) take the geometric mean of both scales.

    Raises
    ------
    ValueError
        The size is not positive.
    """
    import cv2

    if min(size) < 1:
        raise ValueError(f"size must be at least 1 × 1, not {size[0]} × {size[1]}")
    width, height = scene.still.size
    if (width, height) == tuple(size):
        return scene
    sx, sy = size[0] / width, size[1] / height
    down = sx * sy < 1
    how = cv2.INTER_AREA if down else cv2.INTER_LANCZOS4
    smooth = cv2.INTER_AREA if down else cv2.INTER_LINEAR
    still = dataclasses.replace(
        scene.still,
        pixels=cv2.resize(scene.still.pixels, size, interpolation=how),
        alpha=None if scene.still.alpha is None else cv2.resize(scene.still.alpha, size, interpolation=smooth),
    )

    def plane(values: Floats) -> Floats:
        resized: Floats = cv2.resize(values, size, interpolation=smooth)
        return resized

    return moved(scene, still, plane, scale=(sx, sy), shift=(0, 0))


def moved(
    scene: Scene,
    still: Still,
    plane: Callable[[Floats], Floats],
    *,
    scale: tuple[float, float],
    shift: tuple[float, float],
) -> Scene:
    """The scene with another picture, to which every coordinate is scaled and then shifted, in px.

    ``plane`` makes of the matte, and of everything else that has a value for each pixel, what fits the new picture.
    """
    sx, sy = scale
    both = float(np.sqrt(sx * sy))

    def points(p: Floats) -> Floats:
        there: Floats = ((p + 0.5) * np.array([sx, sy]) - 0.5 + np.array(shift)).astype(np.float32)
        return there

    def point(p: tuple[float, float]) -> tuple[float, float]:
        return (p[0] + 0.5) * sx - 0.5 + shift[0], (p[1] + 0.5) * sy - 0.5 + shift[1]

    def box(b: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        # x1 and y1 lie outside the last pixel: the pixel before them is what scales
        (x0, y0), (x1, y1) = point((b[0], b[1])), point((b[2] - 1, b[3] - 1))
        return x0, y0, x1 + 1, y1 + 1

    def eye(e: Eye) -> Eye:
        iris = None if e.iris is None else (*point(e.iris[:2]), e.iris[2] * both)
        return Eye(points(e.upper_lid), points(e.lower_lid), points(e.brow), iris)

    def face(f: Face) -> Face:
        mesh = None
        if f.mesh is not None:
            mesh = np.concatenate([points(f.mesh[:, :2]), f.mesh[:, 2:] * np.float32(both)], axis=1)
        return dataclasses.replace(
            f,
            box=box(f.box),
            eyes=(eye(f.eyes[0]), eye(f.eyes[1])),
            mouth=Mouth(*(points(c) for c in _contours(f.mouth))),
            jaw=points(f.jaw),
            nose_tip=point(f.nose_tip),
            chin=point(f.chin),
            confidence=dict(f.confidence),
            mesh=mesh,
        )

    return dataclasses.replace(
        scene,
        still=still,
        faces=tuple(face(f) for f in scene.faces),
        refused=tuple(Refused(box(r.box), r.why) for r in scene.refused),
        matte=None if scene.matte is None else plane(scene.matte),
        seen=dict(scene.seen),
        hands=tuple(
            dataclasses.replace(hand, landmarks=points(hand.landmarks), box=box(hand.box)) for hand in scene.hands
        ),
        body=None if scene.body is None else Body(points(scene.body.joints), scene.body.seen.copy()),
        writing=tuple(Writing(box(line.box), line.text, line.confidence) for line in scene.writing),
        depth=None if scene.depth is None else plane(scene.depth),
        strokes=None
        if scene.strokes is None
        else dataclasses.replace(
            scene.strokes,
            mask=plane(scene.strokes.mask),
            paths=tuple(points(path) for path in scene.strokes.paths),
            speed=None if scene.strokes.speed is None else scene.strokes.speed * both,
        ),
        # Where a pixel of the old picture that is pinned shows in the least, the new one is.
        pinned=None if scene.pinned is None else plane(scene.pinned.astype(np.float32)) > 0,
    )


def _contours(mouth: Mouth) -> tuple[Floats, Floats, Floats, Floats]:
    return mouth.outer_upper, mouth.outer_lower, mouth.inner_upper, mouth.inner_lower
