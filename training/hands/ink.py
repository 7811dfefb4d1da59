"""Drawn hands as paint, cel or line art, before grounds of shapes and plain colours. Colours are RGB, 0 to 255."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from training.hands.form import (
    ARM,
    PALM,
    PROP,
    Canvas,
    Digit,
    Placing,
    blur,
    creases,
    nail_masks,
    noise,
    sleeve,
    spread,
    turn,
)
from training.hands.light import ground_of

TONES = np.array([[236, 208, 198], [226, 182, 160], [205, 150, 120], [165, 108, 80], [110, 66, 48]], float)


def background(rng: np.random.Generator, side: int, skin: np.ndarray) -> np.ndarray:
    """A ground: plain, shaded, shapes, folds of cloth, stripes; a quarter of them near the skin's colour."""
    one, two = rng.uniform(0, 255, 3), rng.uniform(0, 255, 3)
    if rng.random() < 0.25:
        one = skin * rng.uniform(0.5, 1.1) + rng.normal(0, 14, 3)
    if rng.random() < 0.2:
        one = two = np.full(3, rng.choice([255.0, 245, 20, 0]))
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    way = rng.uniform(0, 6.28)
    ramp = np.clip((x - 0.5) * np.cos(way) + (y - 0.5) * np.sin(way) + 0.5, 0, 1)[..., None]
    ground = (
        (one * (1 - ramp) + two * ramp).astype(np.float32)
        if rng.random() < 0.6
        else np.full((side, side, 3), one, np.float32)
    )
    for _ in range(int(rng.choice([0, 0, 2, 5, 10, 16]))):
        colour = tuple(
            float(v) for v in (rng.uniform(0, 255, 3) if rng.random() < 0.75 else skin * rng.uniform(0.5, 1.1))
        )
        a, b = (tuple(int(v) for v in rng.integers(-20, side + 20, 2)) for _ in range(2))
        kind = rng.integers(3)
        if kind == 0:
            cv2.line(ground, a, b, colour, int(rng.integers(1, 30)), cv2.LINE_AA)
        elif kind == 1:
            axes = (int(rng.integers(4, 90)), int(rng.integers(4, 90)))
            cv2.ellipse(ground, a, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(ground, a, b, colour, -1)
    if rng.random() < 0.35:
        wave = np.sin((x * np.cos(way) + y * np.sin(way)) * rng.uniform(10, 70) + 2.5 * noise(rng, side, 40)[..., 0])
        ground *= (1 + rng.uniform(0.04, 0.22) * wave)[..., None]
    ground = cv2.GaussianBlur(ground, (0, 0), float(rng.choice([0.6, 0.8, 2, 5, 10])))
    return ground + noise(rng, side, rng.uniform(1, 6), 3) * rng.choice([0, 0, 3, 9]) * rng.random()


def _skin(rng: np.random.Generator, style: str) -> np.ndarray:
    """One colour: an artist's is lighter, sometimes no skin's at all."""
    skin = TONES[rng.integers(5)] + rng.normal(0, 9, 3)
    if style == "line" and rng.random() < 0.6:
        return np.full(3, rng.uniform(215, 255))
    if style == "paint":
        return skin
    if rng.random() < 0.8:
        return np.clip(skin * 0.35 + np.array([250, 222, 210]) * 0.65, 0, 255)
    return rng.uniform(40, 255, 3)


def _shading(rng: np.random.Generator, style: str, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How bright each place is, and how far it is turned to the viewer, (side, side) 0 to 1."""
    gx, gy = (cv2.Sobel(z, cv2.CV_32F, *k, ksize=3) / 8 for k in ((1, 0), (0, 1)))
    facing = 1 / np.sqrt(1 + gx * gx + gy * gy)
    lamp = turn([0, 0, 1], rng.uniform(0, 6.28)) @ np.array([rng.uniform(0.2, 1), 0, 1])
    lamp /= np.linalg.norm(lamp)
    lit = np.clip((-gx * lamp[0] - gy * lamp[1] + lamp[2]) * facing, 0, 1)
    if style == "cel":
        return np.where(lit > rng.uniform(0.3, 0.7), 1, rng.uniform(0.7, 0.92)), facing
    if style == "line":
        return np.ones_like(lit), facing
    ambient = rng.uniform(0.3, 0.75)
    return ambient + (1 - ambient) * lit, facing


def _ink(rng: np.random.Generator, style: str, skin: np.ndarray) -> np.ndarray:
    """The colour of the lines: near black, or the skin's own, much darker and redder."""
    if style != "paint" and rng.random() < 0.5:
        return rng.uniform(0, 70, 3)
    return skin * rng.uniform(0.2, 0.6) * [1.1, 0.8, 0.8]


def _lined(picture: np.ndarray, where: np.ndarray, ink: np.ndarray, width: float, strength: float) -> np.ndarray:
    """The picture with lines of ``width`` px where ``where`` (side, side) is 1."""
    line = (np.clip(blur(where, width) * 2.2, 0, 1) * strength)[..., None]
    return picture * (1 - line) + ink * line


def _ground(
    rng: np.random.Generator, side: int, skin: np.ndarray, ink: np.ndarray, grounds: Sequence[np.ndarray]
) -> np.ndarray:
    """Shapes and plain colours, or what stands behind photographed hands, drawn: flat, some with its edges inked."""
    if rng.random() < 0.4:
        return background(rng, side, skin)
    ground = (np.clip(ground_of(rng, side, skin / 255, grounds), 0, 1) * 255).astype(np.uint8)
    ground = cv2.bilateralFilter(cv2.medianBlur(ground, 7), 9, 60, 9)
    if rng.random() < 0.5:
        edges = cv2.Canny(ground, 40, 90).astype(np.float32) / 255
        return _lined(ground.astype(np.float32), edges, ink, rng.uniform(0.6, 1.4), rng.uniform(0.3, 1))
    return ground.astype(np.float32)


def drawing(
    rng: np.random.Generator,
    canvas: Canvas,
    put: Placing,
    digits: Sequence[Digit],
    border: np.ndarray,
    grounds: Sequence[np.ndarray] = (),
    *,
    behind: np.ndarray | None = None,
    skin: np.ndarray | None = None,
) -> np.ndarray:
    """What is on the canvas, (side, side, 3); ``border`` (side, side) is where lines between digits are drawn.

    ``behind`` (side, side, 3) is what it is drawn over, where that is known, and ``skin`` (3,) the colour.
    """
    name, side, scale = canvas.name, len(canvas.name), put.scale
    shape = name > 0
    style = str(rng.choice(["paint", "cel", "line"], p=[0.25, 0.6, 0.15]))
    painted = style == "paint"
    skin = _skin(rng, style) if skin is None else skin
    ink = _ink(rng, style, skin)
    z = np.where(shape, canvas.depth, 0).astype(np.float32)
    palm = np.isin(name, (PALM, ARM)).astype(np.float32)
    z = np.where(palm > 0, spread(z, palm, max(scale * 0.08, 1)), z)
    shading, facing = _shading(rng, style, z)
    tint = np.array([1.0, rng.uniform(0.8, 1.0), rng.uniform(0.78, 1.05)]) ** (1 - shading[..., None])
    colour = (skin * shading[..., None] * tint).astype(np.float32)
    nooks = np.clip(blur(border, scale * 0.03) * 3, 0, 1)[..., None]
    if painted:
        colour *= 1 - rng.uniform(0.1, 0.5) * nooks
        colour *= (1 - rng.uniform(0, 0.4) * (1 - facing) ** 2)[..., None]
        colour += (1 - facing)[..., None] * np.array([10, -4, -6], np.float32)
        colour += noise(rng, side, rng.uniform(1, 5), 3) * rng.uniform(0.5, 6)
        colour *= 1 + noise(rng, side, scale * 0.4) * rng.uniform(0, 0.05)
        if rng.random() < 0.3:
            colour = np.round(colour / 22) * 22 + noise(rng, side, 5) * 3
    elif rng.random() < 0.4:
        colour *= 1 - rng.uniform(0.05, 0.25) * (nooks > rng.uniform(0.2, 0.6)) * [0.6, 1, 0.9]
    if rng.random() < 0.35:
        for d in digits:
            c, r = put(d.joints[3]), d.radii[3] * scale * rng.uniform(1, 2)
            warm = np.exp(-((canvas.x - c[0]) ** 2 + (canvas.y - c[1]) ** 2) / (2 * r * r)) * (name == d.name)
            colour *= 1 - warm[..., None] * np.array([0, 0.16, 0.12])
    back = float((put.rotation @ np.array([0, 0, 1.0]))[2]) > 0
    if rng.random() < (0.8 if painted else 0.3):
        folds = creases(rng, canvas, put, digits, back) * rng.uniform(0.1, 0.7)
        folds = folds[..., None] * (0.6 if painted else 1)
        colour = colour * (1 - folds) + (0 if painted else ink) * folds
    width = rng.uniform(0.5, 2.0)
    if rng.random() < 0.92:
        strength = rng.uniform(0.1, 0.5) if painted else rng.uniform(0.4, 1)
        colour = _lined(colour, border, ink, width, strength)
    if rng.random() < (0.5 if style == "cel" else 0.8):
        polish = rng.uniform(20, 230, 3) if rng.random() < 0.25 else skin + np.array([14, 4, 10])
        for mask in nail_masks(canvas, put, digits):
            mask = (mask * rng.uniform(0.3, 0.9))[..., None]
            colour = colour * (1 - mask) + polish * shading[..., None] * mask
    colour = np.where((name == PROP)[..., None], rng.uniform(10, 240, 3) * shading[..., None], colour)
    if digits and rng.random() < 0.65:
        cloth = sleeve(rng, canvas, put)
        dye = rng.uniform(10, 250, 3) * (0.75 + 0.1 * noise(rng, side, 25))
        colour = np.where(cloth[..., None], dye, colour)
        shape = shape | cloth
    picture = _ground(rng, side, skin, ink, grounds) if behind is None else behind.astype(np.float32)
    if rng.random() < 0.3:
        cast = np.roll(shape.astype(np.float32), tuple(rng.integers(-12, 13, 2)), (0, 1))
        picture *= (1 - rng.uniform(0.1, 0.5) * blur(cast, rng.uniform(1, 14)))[..., None]
    alpha = blur(shape.astype(np.float32), rng.uniform(0.6, 1.6))[..., None]
    picture = picture * (1 - alpha) + colour * alpha
    if rng.random() < (0.06 if painted else 0.93):
        rim = cv2.morphologyEx(shape.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        picture = _lined(picture, rim.astype(np.float32), ink, max(0.5, 0.7 * width), rng.uniform(0.4, 1))
    return np.clip(picture, 0, 255)
