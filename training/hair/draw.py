"""Drawn people from the head to the waist, of whom it is known which px are hair."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from training.drawn_faces.finish import background, finished, litter, worn_out
from training.drawn_faces.paint import Canvas, curve, noise
from training.hair import dress
from training.hair.person import Person
from training.hair.sheet import BODY, FINER, HAIR, SKIN, WORN, Sheet, any_colour

from stillwake.perceive.hair import MIDDLE, SCALE, SIZE

HAIR_BIT, PERSON_BIT, FACE_BIT = 1, 2, 4
"""What the masks of a drawing are kept as."""
BATCH = 50
"""Drawings made at a time."""


@dataclass
class Drawn:
    """One drawing: ``picture`` (256, 208, 3) uint8 BGR and three masks (256, 208).

    ``hair`` is the truth; ``person`` and ``face`` are as detectors give them, with their errors.
    """

    picture: np.ndarray
    hair: np.ndarray
    person: np.ndarray
    face: np.ndarray


def batch(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Drawings as 8-bit Lab (50, 256, 208, 3), and their masks as bits (50, 256, 208) uint8."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([1, seed])
    made = [draw(rng) for _ in range(BATCH)]
    lab = np.stack([cv2.cvtColor(one.picture, cv2.COLOR_BGR2LAB) for one in made])
    return lab, np.stack([one.hair * HAIR_BIT + one.person * PERSON_BIT + one.face * FACE_BIT for one in made]).astype(
        np.uint8
    )


def draw(rng: np.random.Generator) -> Drawn:
    """One person as the product would look at them."""
    u, (width, height) = rng.uniform, (SIZE[0] * FINER, SIZE[1] * FINER)
    s, who = Sheet(_scene(rng, height, width)), Person(rng)
    s.scale *= math.exp(rng.normal(0, 0.13))
    s.at = s.at + rng.normal(0, 0.07, 2) * s.scale
    _paint(s, who)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(np.clip(rng.normal(0, 5), -15, 15)), 1.0)
    lean = rng.normal(0, 0.04)
    turn = np.array([[1, lean, -lean * s.at[1]], [0, 1, 0]]) @ np.vstack([turn, [0, 0, 1]])
    image = cv2.warpAffine(s.canvas.pixels, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    label = cv2.warpAffine(s.label, turn, (width, height), flags=cv2.INTER_NEAREST)
    if who.style != "cel":
        image = _lit(rng, image, label, who.style)
    picture = worn_out(rng, finished(rng, image, 0.6), *SIZE)
    hair, body = (
        cv2.resize(mask.astype(np.float32), SIZE, interpolation=cv2.INTER_AREA) > 0.5
        for mask in (label == HAIR, label > 0)
    )
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
    across, down = (x - MIDDLE[0]) / (u(0.44, 0.54) * SCALE), (y - MIDDLE[1]) / (u(0.42, 0.66) * SCALE)
    return Drawn(picture, hair, _matte(rng, body, hair), across**2 + down**2 < 1)


def _paint(s: Sheet, who: Person) -> None:
    """Everything, from behind to before."""
    rng, u = who.rng, who.rng.uniform
    tied = ("behind" if rng.random() < 0.6 else "before") if rng.random() < 0.25 else ""
    if tied == "behind":
        who.tied(s)
    who.behind(s)
    dress.body(s, who)
    dress.face(s, who)
    who.before(s)
    if tied == "before":
        who.tied(s)
    for chance in (0.45, 0.1):
        if rng.random() < chance:
            dress.worn(s, who)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.6, 0.25, 0.15]))):  # an arm, a hand, a staff before it all
        path = curve(np.array([u(-1.5, 1.5), u(0.4, 2.6)]) + np.cumsum(rng.normal(0, 0.4, (3, 2)), 0), 16)
        s.stroke(path, u(0.08, 0.35), who.skin if rng.random() < 0.6 else any_colour(rng), SKIN)


def _scene(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """What lies behind: a drawn ground, or blurred things as a lens leaves them."""
    ground = background(rng, height, width)
    if rng.random() < 0.5:
        litter(rng, Canvas(ground), int(rng.integers(4, 30)))
        ground = cv2.GaussianBlur(ground, (0, 0), rng.uniform(0.5, 14))
        rough = noise(rng, height, width, rng.uniform(6, 80))[..., None] - 0.5
        ground = np.clip(ground * (1 + rough * rng.uniform(0, 0.9)), 0, 255).astype(np.uint8)
    return ground


def _lit(rng: np.random.Generator, image: np.ndarray, label: np.ndarray, style: str) -> np.ndarray:
    """Light from a side, cloth, hair and skin with some texture; painted, or out of focus or sharp."""
    u, (h, w) = rng.uniform, label.shape
    turn, (y, x) = u(0, 2 * np.pi), np.mgrid[0:h, 0:w].astype(np.float32) / h - 0.5
    light = 1 + u(0, 0.9) * (x * math.cos(turn) + y * math.sin(turn))
    cloth = np.isin(label, (BODY, WORN))
    folds = noise(rng, h, w, u(14, 70)) - 0.5 + 0.5 * (noise(rng, h, w, u(5, 20)) - 0.5)
    light += cloth * folds * u(0, 0.9) * (rng.random() < 0.7)
    light += (label == HAIR) * (noise(rng, h, w, u(20, 90)) - 0.5) * u(0, 0.8)
    light += (label == SKIN) * (noise(rng, h, w, u(30, 90)) - 0.5) * u(0, 0.4)
    if rng.random() < 0.5:
        light *= 1 + rng.normal(0, 1, (h, w)) * u(0.01, 0.08) * cloth
    out = (image * np.clip(light, 0.15, 2)[..., None]).clip(0, 255).astype(np.float32)
    if style == "paint":
        out = cv2.bilateralFilter(out, 9, u(15, 60), 5)
    elif rng.random() < 0.7:
        out = cv2.GaussianBlur(out, (0, 0), u(0.5, 2.2))
    return np.clip(out, 0, 255).astype(np.uint8)


def _matte(rng: np.random.Generator, body: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """The person as a net cuts them out: rounded, a little too wide or too narrow, at times without strands."""
    u = rng.uniform
    soft = cv2.GaussianBlur(body.astype(np.float32), (0, 0), u(0.5, 3.5))
    soft += (noise(rng, *body.shape, u(8, 40)) - 0.5) * u(0, 0.5)
    kept: np.ndarray = soft > u(0.3, 0.75)
    if rng.random() < 0.15:
        kept &= ~(hair & (noise(rng, *body.shape, u(20, 60)) < u(0.1, 0.35)))
    if rng.random() < 0.1:  # nobody was told from the background
        kept[:] = True
    return kept
