"""Scenes with drawn hands at the ends of arms, of which it is known where each hand is and which way it points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from training.drawn_faces.finish import background, finished, litter, worn_out
from training.drawn_faces.paint import Canvas as Paper
from training.drawn_faces.paint import curve, darker, mixed
from training.hair import dress
from training.hair.person import Person
from training.hair.sheet import SKIN, Sheet, any_colour, oval
from training.hands import form
from training.hands.draw import borders
from training.hands.form import ARM, FIRST, PALM, Canvas, Digit, Placing, turn
from training.hands.ink import drawing
from training.hands.light import photograph

from stillwake.perceive.hands import upright

SIDE = 320
"""Side of a scene in px."""
MOST = 6
"""Hands of one scene at most; more are not drawn."""
BATCH = 50
"""Scenes made at a time."""
_FINER = 1.5
_SMALLEST = 14.0
"""px in the scene; a hand that is smaller counts neither way."""
_PHOTOGRAPHS = 0.2
_HAND_LABEL = 10
"""What the sheet calls the first hand; the next ones follow."""
_LENGTH = 1.83
"""From the wrist to the tip of the middle finger, in units of the hand's own space."""
_POSES = (0.11, 0.08, 0.11, 0.2, 0.15, 0.12, 0.08, 0.07, 0.05, 0.03)
"""How often each of `form.POSES` comes: people in pictures mostly rest or hold their hands."""


class Stage:
    """The sheet of one scene, and the hands that were put on it: x, y, side and roll of each in px of the sheet."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.size = int(SIDE * _FINER)
        ground = background(rng, self.size, self.size)
        if rng.random() < 0.4:
            litter(rng, Paper(ground), int(rng.integers(2, 20)))
        self.sheet = Sheet(ground)
        self.places: list[tuple[float, float, float, float]] = []
        self.drawn: list[int] = []
        """px of each hand when it was drawn."""

    def hand(self, wrist: np.ndarray, way: float, length: float, skin: np.ndarray | None) -> np.ndarray:
        """Draw a hand with its forearm, which points along ``way`` (radians, 0 is up, clockwise).

        ``wrist`` (2,) and ``length``, from the wrist to the fingertips, in px of the sheet. Hands back where the elbow
        is, (2,) px.
        """
        rng = self.rng
        digits = _digits(rng)
        bend = rng.normal(0, 0.4)
        long = rng.uniform(1.6, 3.0)
        elbow = np.array([math.sin(bend) * long, -math.cos(bend) * long, rng.normal(0, 0.5) * long])
        rotation = _view(rng)
        ahead = (rotation @ -elbow)[:2] * (1, -1)  # px, y down
        now = math.atan2(ahead[0], -ahead[1])
        rotation = turn([0, 0, 1], -(way - now)) @ rotation
        points = np.concatenate([d.joints for d in digits] + [np.zeros((1, 3)), elbow[None]])
        flat = (points @ rotation.T)[:, :2] * (1, -1)
        low, high = flat.min(0) - 0.4, flat.max(0) + 0.4
        scale = length / _LENGTH
        window = float((high - low).max()) * scale
        side = int(np.clip(window, 200, 448))
        zoom = side / window
        middle = (low + high) / 2
        put = Placing(rotation, scale * zoom, side / 2 - middle * scale * zoom)
        canvas = Canvas(side)
        form.flesh(rng, canvas, put, digits, elbow)
        if rng.random() < 0.3:
            form.held(rng, canvas, put)
        corner = wrist + (low + high) / 2 * scale - window / 2
        way_in = np.array([[zoom, 0, -corner[0] * zoom], [0, zoom, -corner[1] * zoom]], np.float32)
        self._put(canvas, put, digits, way_in, skin)
        joints = np.array([put(j)[:2] for j in _in_order(digits)]) / zoom + corner
        frame = upright(joints.astype(np.float32))
        self.places.append((frame.x, frame.y, frame.side, math.radians(frame.angle)))
        return np.asarray(put(elbow)[:2] / zoom + corner)

    def no_hand(self) -> None:
        """A foot, a paw, an ear, a bare limb."""
        rng = self.rng
        window = math.exp(rng.uniform(math.log(40), math.log(300)))
        side = int(np.clip(window, 160, 320))
        canvas = Canvas(side)
        rotation = turn([0, 0, 1], rng.uniform(-3, 3)) @ turn([1, 0, 0], rng.normal(0, 0.3))
        put = Placing(rotation, side * rng.uniform(0.18, 0.3), np.full(2, side / 2))
        form.no_hand(rng, canvas, put)
        zoom, corner = side / window, rng.uniform(0, self.size, 2) - window / 2
        self._put(canvas, put, [], np.array([[zoom, 0, -corner[0] * zoom], [0, zoom, -corner[1] * zoom]]), None)

    def likeness(self) -> None:
        """What has fingers and is none: tassels, feathers, fur, petals, buckles."""
        rng, u = self.rng, self.rng.uniform
        at, size = u(0, self.size, 2), math.exp(u(math.log(14), math.log(110)))
        colour, ink = any_colour(rng), any_colour(rng)
        lined, way, kind = rng.random() < 0.6, u(-math.pi, math.pi), rng.random()
        if kind < 0.8:
            self._tuft(at, size, way, colour, ink if lined else None, petals=kind > 0.55)
        else:
            self._buckle(at, size, way, colour, ink)

    def _tuft(
        self, at: np.ndarray, size: float, way: float, colour: np.ndarray, ink: np.ndarray | None, *, petals: bool
    ) -> None:
        """Leaves that grow out of one place: all around it, or one way, as fur does; ``ink`` of their lines."""
        rng, u, s = self.rng, self.rng.uniform, self.sheet
        count = int(rng.integers(3, 9))
        spread = 2 * math.pi * (1 - 1 / count) if petals else u(0, 1.6)
        for turned in np.linspace(-spread / 2, spread / 2, count) + rng.normal(0, 0.06, count):
            root = at if petals else at + turned * size * u(0.2, 0.4) * np.array([math.cos(way), math.sin(way)])
            end = root + _ahead(way + turned) * size * u(0.6, 1.0)
            path = curve(np.array([root, (root + end) / 2 + rng.normal(0, 0.08 * size, 2), end]), 12)
            wide = size * u(0.1, 0.3) * np.sin(np.linspace(0.5 if not petals else 0.2, 2.9, 12))
            if ink is not None:
                s.stroke((path - s.at) / s.scale, (wide + 2) / s.scale, ink, SKIN)
            s.stroke((path - s.at) / s.scale, wide / s.scale, darker(colour, u(0.85, 1.1)), SKIN)

    def _buckle(self, at: np.ndarray, size: float, way: float, colour: np.ndarray, ink: np.ndarray) -> None:
        """A ring within a ring, and a pin across."""
        u, s = self.rng.uniform, self.sheet
        middle, radius = (at - s.at) / s.scale, size / 2 / s.scale
        for share in (1.0, u(0.6, 0.8)):
            ring = oval(*middle, radius * share, radius * share * u(0.6, 1), way)
            s.fill(ring, colour if share == 1 else ink, SKIN)
        path = np.array([at - _ahead(way) * size * 0.6, at + _ahead(way) * size * 0.6])
        s.stroke((path - s.at) / s.scale, size * u(0.05, 0.2) / s.scale, darker(colour, u(0.6, 1.2)), SKIN)

    def _put(
        self, canvas: Canvas, put: Placing, digits: Sequence[Digit], way_in: np.ndarray, skin: np.ndarray | None
    ) -> None:
        """Draw what is on the canvas into the sheet; ``way_in`` (2, 3) leads from the sheet's px to the canvas'."""
        rng, side = self.rng, len(canvas.name)
        pixels = self.sheet.canvas.pixels
        behind = cv2.warpAffine(pixels, way_in, (side, side), borderMode=cv2.BORDER_REPLICATE)[..., ::-1]
        if rng.random() < _PHOTOGRAPHS:
            picture = photograph(rng, canvas, put, digits, behind=behind)
        else:
            border = borders(canvas, put.scale)
            picture = drawing(rng, canvas, put, digits, border, behind=behind, skin=skin)
        changed = (np.abs(picture - behind).max(2) > 1).astype(np.float32)
        shape = self.size, self.size
        back = {"flags": cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR, "borderMode": cv2.BORDER_CONSTANT}
        share = cv2.warpAffine(changed, way_in, shape, **back)[..., None]
        new = cv2.warpAffine(picture[..., ::-1].astype(np.float32), way_in, shape, **back)
        pixels[:] = np.clip(pixels * (1 - share) + new * share, 0, 255).astype(np.uint8)
        if digits:
            hand = ((canvas.name == PALM) | (canvas.name >= FIRST)).astype(np.float32)
            there = cv2.warpAffine(hand, way_in, shape, **back) > 0.5
            arm = cv2.warpAffine((canvas.name == ARM).astype(np.float32), way_in, shape, **back) > 0.5
            self.sheet.label[arm] = SKIN
            self.sheet.label[there] = _HAND_LABEL + len(self.drawn)
            self.drawn.append(int(there.sum()))

    def truth(self) -> np.ndarray:
        """(MOST, 4) float32: x, y, side, roll in px of the scene; a side below 0 counts neither way, 0 is none."""
        found = np.zeros((MOST, 4), np.float32)
        for k, (x, y, side, roll) in enumerate(self.places):
            seen = (self.sheet.label == _HAND_LABEL + k).sum()
            sure = seen > 0.5 * self.drawn[k] and side / 1.5 > _SMALLEST * _FINER
            sure &= 0.02 * self.size < x < 0.98 * self.size and 0.02 * self.size < y < 0.98 * self.size
            at = ((v + 0.5) / _FINER - 0.5 for v in (x, y))
            found[k] = (*at, side / _FINER * (1 if sure else -1), roll)
        return found


def scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A scene (320, 320, 3) uint8 BGR and its hands (MOST, 4), as `Stage.truth` gives them."""
    u, stage = rng.uniform, Stage(rng)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.2, 0.68, 0.12]))):
        _somebody(stage)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.6, 0.28, 0.12]))):
        stage.no_hand()
    for _ in range(int(rng.choice([0, 1, 3, 6], p=[0.45, 0.25, 0.2, 0.1]))):
        stage.likeness()
    alone = [0.75, 0.2, 0.05] if stage.places else [0.35, 0.45, 0.2]
    for _ in range(int(rng.choice(3, p=alone))):
        if len(stage.places) < MOST:
            length = math.exp(u(math.log(22), math.log(260)))
            wrist, way = u(0.1, 0.9, 2) * stage.size, u(-math.pi, math.pi)
            elbow = stage.hand(wrist, way, length, None)
            if rng.random() < 0.3:
                _upper_arm(stage.sheet, rng, elbow, elbow + rng.normal(0, 2 * length, 2), length, any_colour(rng))
    if rng.random() < 0.3:  # something before it all
        s = stage.sheet
        for _ in range(int(rng.integers(1, 4))):
            path = curve(u(0, stage.size, 2) + np.cumsum(rng.normal(0, 0.2 * stage.size, (4, 2)), 0), 20)
            s.stroke((path - s.at) / s.scale, u(1, 12) / s.scale, any_colour(rng), SKIN)
    picture = finished(rng, stage.sheet.canvas.pixels, 0.5)
    return worn_out(rng, picture, SIDE, SIDE), stage.truth()


def batch(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """50 scenes and their hands."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([4, seed])
    made = [scene(rng) for _ in range(BATCH)]
    return np.stack([m[0] for m in made]), np.stack([m[1] for m in made])


def _somebody(stage: Stage) -> None:
    """Somebody from head to waist, with up to two arms before the body."""
    rng, u, s, who = stage.rng, stage.rng.uniform, stage.sheet, Person(stage.rng)
    s.scale = math.exp(u(math.log(36), math.log(230)))
    s.at = np.array([u(0.2, 0.8), u(0.1, 0.55)]) * stage.size
    tied = ("behind" if rng.random() < 0.6 else "before") if rng.random() < 0.25 else ""
    if tied == "behind":
        who.tied(s)
    who.behind(s)
    dress.body(s, who, arms=0.0)
    dress.face(s, who)
    who.before(s)
    if tied == "before":
        who.tied(s)
    if rng.random() < 0.4:
        dress.worn(s, who)
    skin = np.array(who.skin[::-1]) if rng.random() < 0.75 else None
    cloth, size = mixed(any_colour(rng), who.skin, float(rng.random() < 0.3)), u(0.55, 1.25) * s.scale
    for side in (-1, 1):
        if rng.random() < 0.35 or len(stage.places) >= MOST:
            continue
        shoulder = s.px(np.array([[side * u(0.5, 1.1), who.chin + u(0.3, 0.8)]]))[0]
        wrist = shoulder + np.array([side * rng.normal(0.0, 0.9), rng.normal(0.4, 0.9)]) * s.scale
        back = wrist - shoulder  # the forearm comes from about the shoulder, or from below it
        way = math.atan2(back[0], -back[1]) + (u(-0.9, 0.9) if rng.random() < 0.6 else -side * u(0.6, 2.2))
        if rng.random() < 0.5:
            _upper_arm(s, rng, wrist - _ahead(way) * size * 1.2, shoulder, size, cloth)
            stage.hand(wrist, way, size, skin)
        else:
            _upper_arm(s, rng, stage.hand(wrist, way, size, skin), shoulder, size, cloth)


def _ahead(way: float) -> np.ndarray:
    return np.array([math.sin(way), -math.cos(way)])


def _upper_arm(
    s: Sheet, rng: np.random.Generator, elbow: np.ndarray, shoulder: np.ndarray, size: float, colour: tuple
) -> None:
    """From the elbow to the shoulder, both in px, beside a hand of ``size`` px."""
    path = curve(np.array([shoulder, (shoulder + elbow) / 2 + rng.normal(0, 0.1 * size, 2), elbow]), 14)
    path = (path - s.at) / s.scale
    wide = size * rng.uniform(0.22, 0.5) * np.linspace(1.1, 0.8, 14) / s.scale
    if rng.random() < 0.6:
        s.stroke(path, wide + 2 / s.scale, darker(colour, rng.uniform(0.1, 0.6)), SKIN)
    s.stroke(path, wide, colour, SKIN)


def _digits(rng: np.random.Generator) -> list[Digit]:
    """A hand, most often whole, of an artist's form or a photograph's."""
    n = int(rng.choice([5, 6, 4, 3], p=[0.8, 0.08, 0.09, 0.03]))
    kind = "fused" if n == 5 and rng.random() < 0.07 else "no thumb" if n == 4 and rng.random() < 0.3 else "plain"
    digits = form.digits_of(rng, n, kind, _POSES)
    if rng.random() < 0.75:
        form.slender(rng, digits)
    return digits


def _view(rng: np.random.Generator) -> np.ndarray:
    """A rotation (3, 3): palm or back, tilted, mirrored; more from the side than the net that counts digits sees."""
    rotation = turn([0, 1, 0], rng.normal(0, 0.6) + (np.pi if rng.random() < 0.5 else 0))
    rotation = turn([1, 0, 0], rng.normal(0, 0.5)) @ rotation
    return np.diag([-1, 1, 1]) @ rotation if rng.random() < 0.5 else rotation


def _in_order(digits: Sequence[Digit]) -> list[np.ndarray]:
    """The joints as a detector's landmarks have them: the wrist, the thumb, four fingers; 21 of them, some twice."""
    thumbs = [d for d in digits if form.THUMB <= d.name < form.ODD]
    fingers = sorted((d for d in digits if d.name < form.THUMB), key=lambda d: d.name)
    chosen = [*(thumbs[:1] or fingers[:1]), *(fingers[round(i)] for i in np.linspace(0, len(fingers) - 1, 4))]
    return [np.zeros(3), *(joint for d in chosen for joint in d.joints)]
