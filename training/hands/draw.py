"""Hands drawn by our own code: capsules in 3-D, three to seven digits, as photograph, paint, cel or line art.

Nothing here comes from a data set; `draw` may be given pictures to put behind its hands. It hands back the picture and
what is true of it: digits built, digits on view, straight digits on view, and a map of the digits and of the borders
between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from training.hands import form
from training.hands.form import FIRST, Canvas, Digit, Placing, turn
from training.hands.ink import drawing
from training.hands.light import photograph

SIDE = 112
"""Side of a drawn picture in px."""
_PHOTOGRAPHS = 0.75
"""Share of the pictures that look photographed; the rest is drawn or painted."""


@dataclass
class Truth:
    """What is true of a drawn picture; None where it cannot be told from it."""

    hand: float
    digits: int | None
    extra: float | None
    missing: float | None
    straight: int | None


def _kind_of(rng: np.random.Generator, n: int) -> str:
    """How a hand of so many digits comes by them."""
    if n >= 6:
        return str(rng.choice(["plain", "fork", "stub", "thumbs"], p=[0.66, 0.1, 0.14, 0.1]))
    if n == 5:
        return str(rng.choice(["plain", "fused", "stump"], p=[0.9, 0.07, 0.03]))
    return str(rng.choice(["plain", "no thumb", "gap"], p=[0.6, 0.15, 0.25])) if n == 4 else "plain"


def _placing(rng: np.random.Generator, side: int, digits: Sequence[Digit]) -> Placing:
    """A view of the hand, tilted and mirrored, that fills the canvas as an upright crop is filled."""
    rotation = turn([0, 1, 0], rng.normal(0, 0.45) + (np.pi if rng.random() < 0.5 else 0))
    rotation = turn([0, 0, 1], rng.normal(0, 0.35)) @ turn([1, 0, 0], rng.normal(0, 0.42)) @ rotation
    if rng.random() < 0.5:
        rotation = np.diag([-1, 1, 1]) @ rotation
    points = np.concatenate([d.joints for d in digits] + [np.array([[0, 0, 0]])]) @ rotation.T
    low, high = points[:, :2].min(0) - 0.1, points[:, :2].max(0) + 0.1
    scale = side * rng.uniform(0.58, 0.8) / max(high - low)
    middle = (low + high) / 2 * scale
    shift = np.array([side / 2 - middle[0], side / 2 + middle[1]]) + rng.normal(0, 0.03 * side, 2)
    return Placing(rotation, scale, shift)


def draw(rng: np.random.Generator, grounds: Sequence[np.ndarray] = ()) -> tuple[np.ndarray, np.ndarray, Truth]:
    """Picture (SIDE, SIDE, 3) uint8 RGB; map (28, 28, 2) uint8 of digits and their borders; what is true of it.

    ``grounds`` are pictures (n, n, 3) uint8 without a hand, to be put behind some of the photographed ones.
    """
    side = SIDE * 2
    canvas = Canvas(side)
    digits: list[Digit] = []
    kind, photographed = "", rng.random() < _PHOTOGRAPHS
    if rng.random() > 0.1:
        n = int(rng.choice([5, 6, 7, 4, 3], p=[0.4, 0.28, 0.04, 0.24, 0.04]))
        kind = _kind_of(rng, n)
        digits = form.digits_of(rng, n, "plain" if kind == "stump" else kind)
        if kind == "stump":
            k = int(rng.integers(4))
            digits[k].joints = digits[k].joints[0] + (digits[k].joints - digits[k].joints[0]) * rng.uniform(0.3, 0.5)
        if not photographed and rng.random() < 0.7:
            form.slender(rng, digits)
        put = _placing(rng, side, digits)
        form.flesh(rng, canvas, put, digits)
        if rng.random() < 0.13:
            form.held(rng, canvas, put)
    else:
        rotation = turn([0, 0, 1], rng.uniform(-3, 3)) @ turn([1, 0, 0], rng.normal(0, 0.3))
        put = Placing(rotation, side * rng.uniform(0.25, 0.45), side / 2 + rng.normal(0, 0.06 * side, 2))
        if rng.random() < 0.8:
            form.no_hand(rng, canvas, put)
    border = borders(canvas, put.scale)
    if photographed:
        picture = photograph(rng, canvas, put, digits, grounds)
    else:
        picture = drawing(rng, canvas, put, digits, border, grounds)
    if not digits:
        return finish(rng, picture), maps(canvas.name * 0, border * 0), Truth(0.0, None, None, None, None)
    truth = _truth(canvas, put, digits)
    if kind in ("fused", "stump"):
        truth.digits, truth.missing = None, None
    return finish(rng, picture), maps(canvas.name, border), truth


def _truth(canvas: Canvas, put: Placing, digits: Sequence[Digit]) -> Truth:
    """What can be told from the picture: hidden digits make it unsure."""
    name, side = canvas.name, len(canvas.name)
    visible, straight = 0, 0
    for key in {d.name for d in digits}:
        d = next(d for d in digits if d.name == key)
        tip = put(d.joints[3])[:2].astype(int)
        at_tip = name[max(0, tip[1] - 4) : tip[1] + 5, max(0, tip[0] - 4) : tip[0] + 5] == key
        seen = int((name == key).sum()) > 0.003 * side * side and bool(at_tip.any())
        visible += seen
        bones = np.diff(d.joints, axis=0)
        length = float(np.linalg.norm(bones, axis=1).sum())
        bones /= np.linalg.norm(bones, axis=1, keepdims=True)
        flat = float(np.linalg.norm((put(d.joints[3]) - put(d.joints[0]))[:2])) / (put.scale * length)
        straight += seen and float(bones[0] @ bones[2]) > 0.6 and flat > 0.62
    built = len({d.name for d in digits})
    if built > 5:
        return Truth(1.0, visible, 1.0, 0.0, straight) if visible > 5 else Truth(1.0, None, None, None, straight)
    if built == 5:
        return Truth(1.0, 5 if visible >= 3 else None, 0.0, 0.0, straight)
    sure = visible == built
    return Truth(1.0, built if sure else None, 0.0, 1.0 if sure and straight >= min(3, built) else None, straight)


def borders(canvas: Canvas, scale: float) -> np.ndarray:
    """Where one digit ends before another or before the palm, (side, side) 0 or 1."""
    name, depth = canvas.name, canvas.depth
    found = np.zeros_like(depth)
    for k in ((0, 1), (1, 0), (1, 1), (1, -1)):
        other, far = np.roll(name, k, (0, 1)), np.roll(depth, k, (0, 1))
        jump = (np.abs(depth - far) > 0.05 * scale) & (name > 0) & (other > 0)
        between = (name != other) & (name >= FIRST) & (other >= FIRST)
        found = np.maximum(found, (jump | between).astype(np.float32))
    return found


def maps(name: np.ndarray, border: np.ndarray) -> np.ndarray:
    """Digits and borders at a quarter of the picture's size, uint8."""
    both = np.stack([(name >= FIRST).astype(np.float32), np.clip(cv2.GaussianBlur(border, (0, 0), 2) * 2, 0, 1)], 2)
    return (cv2.resize(both, (SIDE // 4, SIDE // 4), interpolation=cv2.INTER_AREA) * 255).astype(np.uint8)


def finish(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """As a camera, a network or a file would hand it over: exposure, softness, compression, grain."""
    out = cv2.resize(picture.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.35:
        s = rng.uniform(0.35, 0.9)
        out = cv2.resize(
            cv2.resize(out, None, fx=s, fy=s, interpolation=cv2.INTER_AREA),
            (SIDE, SIDE),
            interpolation=cv2.INTER_CUBIC,
        )
    bytes_ = np.clip(out, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        bytes_ = cv2.imdecode(cv2.imencode(".jpg", bytes_, [1, int(rng.integers(30, 95))])[1], 1)
    return bytes_
