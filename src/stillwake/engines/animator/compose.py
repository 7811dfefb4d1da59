"""Scene + Shot -> what moves: the parts of a living still, built in the order in which they need each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator import warp
from stillwake.engines.animator.ambient import build_ambient
from stillwake.engines.animator.anatomy import Anatomy, smoothstep
from stillwake.engines.animator.camera import plan_camera
from stillwake.engines.animator.fields import grid_over
from stillwake.engines.animator.filters import disc
from stillwake.engines.animator.flow import build_flow
from stillwake.engines.animator.gaze import Gaze
from stillwake.engines.animator.hair import Hair, find_hair, whole_turns
from stillwake.engines.animator.layers import build_layers, stands_free
from stillwake.engines.animator.living import Living, Moving
from stillwake.engines.animator.nearness import carried, nearness, rim_nodes, subject_nodes
from stillwake.engines.animator.parts import eyes_seen
from stillwake.engines.animator.render import Talk
from stillwake.engines.animator.ride import Patches, Ride
from stillwake.engines.animator.rig import build_head, build_rig
from stillwake.engines.animator.tracks import Track, chosen, live_track, talk_track
from stillwake.errors import NotReadyError
from stillwake.types import Face, Floats, HeldPart, Scene, Shot, Speech

STEP = 8
"""Px between the nodes of the common grid."""
SCALE = 2
"""How many times larger layers are kept that a moving camera samples. Three times would keep a little more of the
finest grain (.88 to .99 of it before `build_layers` makes up for the rest, against .83 to .97), for an eighth more
time."""
APPROACH = 0.04
"""Over how much of the picture's longer side motion dies down towards what is held."""

Mask = npt.NDArray[np.bool_]


def compose(scene: Scene, shot: Shot, speech: Speech | None, face: Face | None) -> Talk | Living:
    """The performance of a shot; ``face`` is the one that moves, or None.

    Raises
    ------
    stillwake.errors.NotReadyError
        Nothing in the still can move.
    """
    wants_hair = face is not None and "hair" in shot.motions and shot.motion == "live"
    see_through = stands_free(scene.still)
    alone = shot.camera is None and not shot.brush and shot.ambient is None and not see_through
    if face is not None and alone and not wants_hair and not shot.held and scene.pinned is None:
        return _talk(scene, shot, speech, face, None, hair=False)[0]
    size = scene.still.size
    grid = grid_over(np.array([[-STEP, -STEP], [size[0] + STEP, size[1] + STEP]], float), STEP, size)
    turned = shot.camera is not None
    layers = build_layers(scene, SCALE if turned else 2, crisp=turned)
    notes: list[str] = []
    hair = None
    if face is not None and wants_hair:
        subject = layers.alpha if layers.alpha is not None else scene.matte
        why = f"{layers.lost}" if layers.alpha is None and not turned else ""
        if subject is not None and not why:
            hair, why = find_hair(scene, face, grid, subject)
        if hair is None:
            notes.append(
                f"the hair goes along with the head alone: {why or 'nobody stands apart from the background'}"
            )
    pinned = held_mask(scene, shot.held, face, hair)
    free = None if pinned is None else _freedom(pinned)
    if hair is not None and free is not None:
        hair = replace(hair, basis=hair.basis * warp.at_nodes(free, grid)[None, ..., None])
        if not hair.basis.any():
            hair = None
            notes.append("the hair stands still: nothing of it is left to move")
    talk: Talk | None = None
    ride: Ride | None = None
    patches: Patches | None = None
    gaze: Gaze | None = None
    track: Track | None = None
    if face is not None and alone and hair is None and pinned is None:
        return _talk(scene, shot, speech, face, None, hair=False)[0]
    try:
        if face is not None and not turned:
            talk, ride = _talk(scene, shot, speech, face, free, hair=hair is not None)
        elif face is not None:
            anatomy, head = build_head(scene, face, free)
            track = _track(shot, speech, face, anatomy, hair=hair is not None)
            ride = Ride(head, track)
            if shot.motion == "talk" or ("blink" in shot.motions and track.blink.any()):
                patches = Patches(scene, face, track, shot.fps, _looking(face, shot))
            if track.gaze is not None:
                source = layers.plate if layers.subject is None else layers.subject
                gaze = Gaze(face, _looking(face, shot), layers.scale, source.shape) or None
    except NotReadyError as error:
        if shot.motion == "talk":
            raise
        notes.append(f"the face stands still: {error.why}")
    near = nearness(scene, layers, grid)
    camera = None
    if shot.camera is not None:
        limit, _ = carried(scene, layers)
        middle = None if face is None else ((face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2)
        flat = layers.lost if layers.subject is None and scene.depth is None else ""
        camera = plan_camera(
            shot.camera, grid, size, near, rim_nodes(layers, grid), limit,
            loop=shot.loop, strength=shot.strength, towards=middle, flat=flat,
            subject=subject_nodes(layers, grid),
        )  # fmt: skip
        notes.extend(camera.reasons)
    flow = None
    seconds = shot.frame_count / float(shot.fps)
    if shot.brush and scene.strokes is not None:
        plate = np.ascontiguousarray(layers.plate[:: layers.scale, :: layers.scale])
        out = np.zeros(plate.shape[:2], np.float32)
        if layers.subject is None and scene.matte is not None:
            out = np.maximum(out, scene.matte)
        if pinned is not None:
            out[pinned] = 1
        flow = build_flow(
            plate, scene.strokes, grid, keep_out=out, drawn=scene.style == "drawn", seconds=seconds, loop=shot.loop,
            seed=shot.seed, strength=shot.strength,
        )  # fmt: skip
        notes.extend(flow.reasons)
    ambient = None
    if shot.ambient is not None:
        ambient = build_ambient(shot.ambient, size, seconds, shot.seed, shot.strength)
    if all(part is None for part in (talk, ride, hair, camera, flow, ambient)):
        raise NotReadyError(
            "Cannot animate", "nothing in it can move by itself", "give --camera, --brush or --ambient"
        )
    moving = Moving(
        grid=grid, layers=layers, near=near, camera=camera, talk=talk, ride=ride, patches=patches, gaze=gaze,
        track=track, hair=hair,
        turns=whole_turns(seconds), strength=shot.strength, flow=flow, ambient=ambient, pinned=pinned,
        see_through=see_through,
    )  # fmt: skip
    return Living(scene.still.pixels, moving, shot.fps, shot.frame_count, tuple(notes))


def _talk(
    scene: Scene, shot: Shot, speech: Speech | None, face: Face, free: Floats | None, *, hair: bool
) -> tuple[Talk, Ride]:
    rig = build_rig(scene, face, free)
    track = _track(shot, speech, face, rig.face, hair=hair)
    gaze = None
    if track.gaze is not None:
        gaze = Gaze(face, _looking(face, shot), 2, rig.doubled.shape) or None
    return Talk(rig, track, shot.fps, gaze=gaze), Ride(rig.head, track)


def _looking(face: Face, shot: Shot) -> tuple[bool, bool]:
    """Which eyes may look anywhere: both are seen, told to stand still neither, and drawn neither.

    A drawn iris is one shape up to its lids, and bends where a real one slides beneath them.
    """
    both = all(eyes_seen(face)) and face.mesh is not None and not {"face", "eyes"} & set(shot.held)
    return both, both


def _track(shot: Shot, speech: Speech | None, face: Face, anatomy: Anatomy, *, hair: bool) -> Track:
    blinks = any(eyes_seen(face)) and not {"face", "eyes"} & set(shot.held)
    held = face.mesh is None and not shot.smooth
    if speech is None or shot.motion == "live":
        track = live_track(shot.fps, shot.frame_count, shot.seed, blinks, held)
    else:
        track = talk_track(anatomy, speech, shot.fps, shot.frame_count, shot.seed, blinks, held)
    return chosen(track, shot.motions, shot.strength, hair=hair)


def held_mask(scene: Scene, parts: tuple[HeldPart, ...], face: Face | None, hair: Hair | None) -> Mask | None:
    """The pixels (H, W) that may not move: the named parts of the person, and what a person painted."""
    import cv2

    if not parts and scene.pinned is None:
        return None
    height, width = scene.still.pixels.shape[:2]
    mask = np.zeros((height, width), np.uint8) if scene.pinned is None else scene.pinned.astype(np.uint8)
    people = np.zeros(mask.shape, bool) if scene.matte is None else scene.matte > 0.5

    def fill(points: Floats, grown: float = 0.0) -> None:
        shape = np.zeros_like(mask)
        hull = cv2.convexHull(points.astype(np.float32))[:, 0]
        cv2.fillConvexPoly(shape, np.round(hull).astype(np.int32), 1)
        if grown >= 1:
            shape = cv2.dilate(shape, disc(grown))
        np.maximum(mask, shape, out=mask)

    faces = scene.faces if face is None else (face,)
    for part in parts:
        if part == "background":
            mask |= (~people).astype(np.uint8)
        elif part == "body":
            body = people.copy()
            for one in faces:
                body[: int(one.chin[1])] = False
            mask |= body.astype(np.uint8)
        elif part == "hair" and hair is not None:
            mask |= (hair.mask > 0.3).astype(np.uint8)
        elif part == "hands":
            for hand in scene.hands:
                fill(hand.landmarks[:, :2], 0.15 * max(hand.box[2] - hand.box[0], hand.box[3] - hand.box[1]))
        for one in faces:
            if part == "face":
                fill(np.concatenate([one.jaw, *(eye.brow for eye in one.eyes)]), 0.06 * one.size)
            elif part == "eyes":
                for eye in one.eyes:
                    fill(np.concatenate([eye.upper_lid, eye.lower_lid]), 0.06 * one.size)
            elif part == "mouth":
                fill(np.concatenate([one.mouth.outer_upper, one.mouth.outer_lower]), 0.04 * one.size)
    return mask > 0


def _freedom(pinned: Mask) -> Floats:
    """How far each place may move, (H, W) float32: 0 where it is pinned and a cell beyond, 1 far from it."""
    import cv2

    distance = cv2.distanceTransform(1 - pinned.astype(np.uint8), cv2.DIST_L2, 3)
    free: Floats = smoothstep(distance, 2.0 * STEP, 2.0 * STEP + APPROACH * max(pinned.shape)).astype(np.float32)
    return free
