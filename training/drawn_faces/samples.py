"""What the two nets learn from: framed faces with their points, and whole scenes with the places of faces."""

from __future__ import annotations

import math

import cv2
import numpy as np
from training.drawn_faces.face import POINTS, Drawn, Portrait
from training.drawn_faces.finish import background, finished, litter, worn_out
from training.drawn_faces.paint import Canvas, darker, hsv

FACE_SIDE = 160
"""Side in px of the picture the landmark net reads."""
SCENE_SIDE = 320
"""Side in px of the scenes the detector learns on."""

BATCH = 50
"""Drawings made at a time."""

Frame = tuple[np.ndarray, float]


def frame_of(points: np.ndarray) -> Frame:
    """Centre (2,) px and side in px of the square a face is read in, from its 66 points; the product's rule."""
    left, right = points[0:12].mean(0), points[15:27].mean(0)
    eyes, mouth = (left + right) / 2, points[48:60].mean(0)
    side = max(float(np.linalg.norm(right - left)) / 0.42, float(np.linalg.norm(points[43] - eyes)) / 0.46)
    return eyes + 0.5 * (mouth - eyes), side


def laid_out(portrait: Portrait) -> tuple[np.ndarray, float]:
    """Centre, relative to the eyes' middle, and side of the frame of a person drawn at scale 1."""
    head = portrait.head
    head.scale, head.at = 1.0, np.zeros(2)
    points = np.zeros((POINTS, 2))
    for i, e in enumerate(portrait.eyes):
        points[15 * i : 15 * i + 12] = np.vstack([head.on(e["upper"]), head.on(e["lower"])]).mean(0)
    points[48:60] = np.vstack([head.on(portrait.mouth["upper"]), head.on(portrait.mouth["lower"])]).mean(0)
    points[43] = head.outline(portrait.eye_line)[0][-1]
    centre, side = frame_of(points)
    return centre - head.on(np.array([[0.0, portrait.eye_line]]))[0], side


def face_samples(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Two finishes of one drawing: picture (160, 160, 3) uint8, points (66, 2) px, visible (66,), attributes (9,).

    The attributes: face (1, 0, or -1 where it is neither), left and right eye open, mouth open, mouth drawn, the
    share of each eye that is seen, yaw and pitch in units of 60 degrees.
    """
    canvas = int(FACE_SIDE * (2 if rng.random() < 0.3 else 1.5))
    if rng.random() < 0.08:
        im = background(rng, canvas, canvas)
        litter(rng, Canvas(im), int(rng.integers(2, 16)))
        if rng.random() < 0.7:
            decoy(rng, im, canvas * rng.uniform(0.15, 0.6), rng.uniform(0.25, 0.75, 2) * canvas)
        empty = np.zeros((POINTS, 2), np.float32), -np.ones(POINTS, np.float32), np.zeros(9, np.float32)
        return [(worn_out(rng, finished(rng, im), FACE_SIDE, FACE_SIDE), *empty)]
    portrait = Portrait(rng)
    astray = rng.random() < 0.14
    if not astray and rng.random() < 0.85:  # the detector sees to the roll
        portrait.head.roll = float(np.clip(rng.normal(0, 0.13), -0.6, 0.6))
    middle, side = laid_out(portrait)
    zoom = (
        math.exp(rng.uniform(math.log(0.12), math.log(3.5)))
        if astray
        else math.exp(float(np.clip(rng.normal(0, 0.12), -0.3, 0.4)))
    )
    shift = rng.uniform(-0.6, 0.6, 2) / min(1.0, zoom) if astray else np.clip(rng.normal(0, 0.045, 2), -0.2, 0.2)
    scale = canvas / (side * zoom)
    centre = canvas / 2 + shift * canvas
    im = background(rng, canvas, canvas)
    drawn = portrait.paint(im, scale, centre - middle * scale)
    is_face = 1.0
    if astray:
        off = float(np.linalg.norm(shift)) * zoom  # in sides of the face's own frame
        near = off < 0.22 * zoom and 0.65 < zoom < 1.6
        is_face = 1.0 if near and off < 0.12 else 0.0 if off > 0.35 or not 0.55 < zoom < 2.2 else -1.0
    attributes = np.array(
        [
            is_face,
            *drawn.open,
            drawn.mouth_open,
            drawn.mouth_drawn,
            *_seen(drawn),
            drawn.yaw / 1.047,
            drawn.pitch / 1.047,
        ],
        np.float32,
    )
    points = ((drawn.points + 0.5) * FACE_SIDE / canvas - 0.5).astype(np.float32)
    visible = drawn.visible if is_face == 1 else -np.ones(POINTS, np.float32)
    keep = 0.5 if portrait.everyday else 0.15
    return [
        (worn_out(rng, finished(rng, drawn.canvas.copy(), keep), FACE_SIDE, FACE_SIDE), points, visible, attributes)
        for _ in range(2)
    ]


def _seen(drawn: Drawn) -> tuple[float, float]:
    return tuple(float((drawn.visible[o : o + 12] == 1).mean()) for o in (0, 15))  # type: ignore[return-value]


def scene_sample(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A scene (320, 320, 3) uint8 and its faces (4, 4) float32: x, y, side px, roll; side 0 where there is none."""
    c = SCENE_SIDE
    im = background(rng, c, c)
    if rng.random() < 0.5:
        litter(rng, Canvas(im), int(rng.integers(1, 12)))
    faces = np.zeros((4, 4), np.float32)
    taken: list[tuple[np.ndarray, float]] = []
    things = ["decoy"] * int(rng.choice([0, 1, 2, 3], p=[0.45, 0.3, 0.15, 0.1]))
    things += ["face"] * int(rng.choice([0, 1, 2, 3], p=[0.12, 0.55, 0.2, 0.13]))
    many = len(things) > 1
    for thing in rng.permutation(things):
        side = math.exp(rng.uniform(math.log(20), math.log(180 if many else 330)))
        at = rng.uniform(0.05, 0.95, 2) * c
        if side > 200:
            at = rng.uniform(0.3, 0.7, 2) * c
        if any(np.linalg.norm(at - o) < 1.1 * (side + s) for o, s in taken):
            continue
        taken.append((at, side))
        if thing == "decoy":
            decoy(rng, im, side * rng.uniform(0.3, 1), at)
            continue
        portrait = Portrait(rng)
        if rng.random() < 0.25:
            portrait.head.roll = math.radians(rng.uniform(-65, 65))
        middle, one = laid_out(portrait)
        scale = side / one
        drawn = portrait.paint(im, scale, at - middle * scale)
        if rng.random() < 0.1:  # something before it, but not over the face
            litter(rng, Canvas(im[int(min(c - 2, at[1] + 0.6 * side)) :]), 2)
        hidden = (drawn.visible[:30] != 1).mean() > 0.75 and (drawn.visible[48:60] != 1).all()
        faces[int((faces[:, 2] > 0).sum())] = (*at, -side if hidden else side, portrait.head.roll)
    im = finished(rng, im, 0.45)
    return worn_out(rng, im, c, c), faces


def decoy(rng: np.random.Generator, im: np.ndarray, size: float, at: np.ndarray) -> None:
    """Something that is no face from the front: the back of a head, a torso, an animal, a hand."""
    what = rng.random()
    if what < 0.25:
        _animal(rng, Canvas(im), size, at)
        return
    person = Portrait(rng)
    c = Canvas(im)
    person.head.scale, person.head.at = size, np.asarray(at, float)
    person.c, person.s, person.lw = c, size, max(0.6, person.line_width * size)
    person._hair_shape()
    if what < 0.6:
        person._back_hair()
        if rng.random() < 0.7:
            person._body()
        crown = person.head.shell(person.hair_wide, person.hair_top, 0.0)
        nape = person.head.shell(person.hair_wide, rng.uniform(0.9, 1.6), 0.0)
        shape = np.vstack([crown, nape[::-1]])
        c.fill(shape, person.hair)
        if person.line_kind != "none":
            c.line(shape, person.hair_line, person.hair_lw, True)
        for _ in range(int(rng.integers(0, 14))):
            a = rng.uniform(-0.9, 0.9)
            strand = np.array([[0.2 * a, person.head.top * 0.8], [a, 0.0], [a * 0.9, rng.uniform(0.3, 1.2)]])
            c.line(person.head.placed(strand), darker(person.hair, rng.uniform(0.5, 0.9)), person.hair_lw)
    elif what < 0.85:
        person.head.at = person.head.at - [0.0, 0.9 * size]
        person._body()
        for sign in (-1, 1):  # folds and a bust, which detectors take for eyes
            bow = np.stack([np.linspace(0.15, 0.8, 12) * sign, 1.0 + 0.4 * np.sin(np.linspace(0.2, 2.6, 12))], 1)
            c.line(np.asarray(at) + bow * size, darker(person.skin, rng.uniform(0.4, 0.8)), person.lw)
        for j in range(int(rng.integers(0, 6))):
            c.disc(
                np.asarray(at) + np.array([0, 0.3 * j]) * size,
                0.05 * size,
                hsv(rng.uniform(0, 360), 0.5, rng.uniform(0, 1)),
            )
    else:
        person.head.at = np.asarray(at, float) - [0.0, 0.8 * size]
        person._hand()


def _animal(rng: np.random.Generator, c: Canvas, size: float, at: np.ndarray) -> None:
    """A cat, a dog, a bear or a bird, drawn simply: round eyes apart, a muzzle, ears on top."""
    u = rng.uniform
    fur = hsv(u(0, 60) if rng.random() < 0.7 else u(0, 360), u(0, 0.7), u(0.2, 1))
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    tilt = rng.normal(0, 0.2)
    rotate = np.array([[math.cos(tilt), math.sin(tilt)], [-math.sin(tilt), math.cos(tilt)]])

    def put(points: np.ndarray) -> np.ndarray:
        return np.asarray(at) + np.asarray(points, float) @ rotate * size

    def oval(x: float, y: float, a: float, b: float) -> np.ndarray:
        return put(np.stack([x + a * np.cos(turn), y + b * np.sin(turn)], 1))

    ink = darker(fur, 0.3)
    c.fill(oval(u(-0.4, 0.4), 1.8, u(0.9, 1.5), u(1, 1.6)), fur)
    pointed = rng.random() < 0.5
    for sign in (-1, 1):
        ear = (
            put(np.array([[0.35, -0.6], [u(0.7, 1.0), -u(1.1, 1.6)], [0.95, -0.3]]) * [sign, 1])
            if pointed
            else oval(sign * 0.75, -0.75, u(0.25, 0.45), u(0.25, 0.6))
        )
        c.fill(ear, fur if rng.random() < 0.6 else ink)
        c.line(ear, ink, max(1, 0.03 * size), True)
    head = oval(0, 0, 1, u(0.75, 1.0))
    c.fill(head, fur)
    c.line(head, ink, max(1, 0.03 * size), True)
    apart, eye = u(0.35, 0.6), u(0.06, 0.24)
    white = rng.random() < 0.5
    for sign in (-1, 1):
        if white:
            c.fill(oval(sign * apart, -0.1, eye * 1.3, eye * 1.3), (255.0, 255.0, 255.0))
        c.fill(
            oval(sign * apart, -0.1, eye * u(0.4, 1), eye), ink if rng.random() < 0.6 else hsv(u(20, 220), 0.8, 0.8)
        )
        c.disc(put(np.array([[sign * apart - 0.05, -0.15]]))[0], 0.05 * size, (255.0, 255.0, 255.0))
    muzzle = hsv(u(10, 50), u(0, 0.4), u(0.6, 1))
    c.fill(oval(0, u(0.3, 0.5), u(0.3, 0.6), u(0.22, 0.4)), muzzle)
    c.fill(oval(0, u(0.15, 0.3), u(0.08, 0.2), u(0.06, 0.14)), ink)
    c.line(put(np.array([[0, 0.35], [0, 0.5], [-0.2, 0.6]])), ink, max(1, 0.03 * size))
    c.line(put(np.array([[0, 0.5], [0.2, 0.6]])), ink, max(1, 0.03 * size))
    for sign in (-1, 1):
        for j in range(int(rng.integers(0, 4))):
            c.line(put(np.array([[sign * 0.4, 0.35 + 0.08 * j], [sign * 1.1, 0.25 + 0.15 * j]])), ink, 1)


def faces_batch(seed: int) -> tuple[np.ndarray, ...]:
    """Pictures, points, visibilities and attributes of 50 drawings, two finishes each."""
    rng = np.random.default_rng([1, seed])
    made = [sample for _ in range(BATCH) for sample in face_samples(rng)]
    return tuple(np.stack([m[i] for m in made]) for i in range(4))


def scenes_batch(seed: int) -> tuple[np.ndarray, ...]:
    """50 scenes and their faces."""
    rng = np.random.default_rng([2, seed])
    made = [scene_sample(rng) for _ in range(BATCH)]
    return np.stack([m[0] for m in made]), np.stack([m[1] for m in made])


def alone() -> None:
    """Each process draws on one thread."""
    cv2.setNumThreads(1)
