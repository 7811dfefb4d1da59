"""Light, skin and grounds for drawn hands that should look photographed.

Colours are RGB, 0 to 1; `Canvas` gives depth in px towards the viewer and the name of what is nearest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from training.hands.form import (
    ARM,
    FIRST,
    PALM,
    PROP,
    THUMB,
    Canvas,
    Digit,
    Placing,
    blur,
    clouds,
    creases,
    nail_masks,
    noise,
    sleeve,
    spread,
)

TONES = (
    np.array(
        [
            [240, 205, 188],
            [226, 182, 158],
            [208, 160, 130],
            [190, 138, 108],
            [160, 110, 82],
            [124, 82, 60],
            [88, 56, 42],
        ],
        np.float32,
    )
    / 255
)
_GAMMA = 1.6


def relief(rng: np.random.Generator, canvas: Canvas, put: Placing, digits: Sequence[Digit], back: bool) -> np.ndarray:
    """Depth (side, side) px as skin has it: the palm in one, digits that grow out of it, knuckles, sinews."""
    name, scale = canvas.name, put.scale
    shape = name > 0
    z = np.where(shape, canvas.depth, canvas.depth[shape].min()).astype(np.float32)
    palm = np.isin(name, (PALM, ARM)).astype(np.float32)
    z = np.where(palm > 0, spread(z, palm, scale * rng.uniform(0.06, 0.11)), z)
    near = np.clip(blur(palm, scale * 0.06) * 2.2, 0, 1)
    for key in np.unique(name[name >= FIRST]):
        own = (name == key).astype(np.float32)
        joined = spread(z, np.maximum(own, palm), scale * 0.05)
        weight = own * near * (np.abs(joined - z) < 0.12 * scale)
        smooth = spread(z, own, scale * 0.012)
        z = np.where((own > 0) & (weight < 0.5), smooth, z * (1 - weight) + joined * weight)
    for d in digits:
        for joint in d.joints[1:3]:
            c, wide = put(joint), d.radii[1] * scale * 0.6
            near_joint = np.exp(-((canvas.x - c[0]) ** 2 + (canvas.y - c[1]) ** 2) / (2 * wide**2))
            z = z + (name == d.name) * near_joint * scale * 0.012 * rng.uniform(-0.3, 1)
    if back and rng.random() < 0.6:
        sinews = np.zeros_like(z)
        for d in (d for d in digits if d.name < THUMB):
            ends = put(np.array([d.joints[0][0] * 0.4, 0.15, 0.2])), put(d.joints[0] + [0, -0.03, 0.1])
            a, b = (tuple(int(v) for v in end[:2]) for end in ends)
            cv2.line(sinews, a, b, 1.0, max(1, int(0.05 * scale)), cv2.LINE_AA)
        z = z + blur(sinews, scale * 0.025) * palm * scale * rng.uniform(0.01, 0.04)
    return z.astype(np.float32)


@dataclass
class Light:
    """What falls on a hand: ``diffuse`` (side, side, 3), ``shine`` and ``shadow`` (side, side), its normals."""

    diffuse: np.ndarray
    shine: np.ndarray
    shadow: np.ndarray
    normal: np.ndarray


def lit(rng: np.random.Generator, z: np.ndarray, shape: np.ndarray, scale: float) -> Light:
    """One lamp with the shadows it casts, light from all around that nooks get less of, light through the skin."""
    gx, gy = (cv2.Sobel(z, cv2.CV_32F, *k, ksize=3) / 8 for k in ((1, 0), (0, 1)))
    normal = np.dstack([-gx, -gy, np.ones_like(gx)])
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    around = rng.uniform(0, 6.28) if rng.random() < 0.35 else rng.normal(-np.pi / 2, 0.9)  # mostly from above
    high = rng.uniform(0.25, 1.35)
    lamp = np.array([np.cos(around) * np.cos(high), np.sin(around) * np.cos(high), np.sin(high)])
    warm = rng.normal(0, 0.06)
    colour = np.array([1 + warm, 1, 1 - warm]) * rng.uniform(0.5, 1.1)
    through = np.array([0.38, 0.2, 0.14]) * rng.uniform(0.3, 1.6)  # red goes deepest
    diffuse = np.clip(((normal @ lamp)[..., None] + through) / (1 + through), 0, 1)
    ground = np.where(shape, z, z[shape].min() - scale * rng.uniform(0, 0.5)).astype(np.float32)
    flat = float(np.hypot(*lamp[:2])) + 1e-6
    way, rise = lamp[:2] / flat, lamp[2] / flat
    shadow = np.zeros_like(z)
    for step in np.geomspace(2, 0.9 * scale, 12):
        moved = np.array([[1, 0, -way[0] * step], [0, 1, -way[1] * step]], np.float32)
        other = cv2.warpAffine(ground, moved, z.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        shadow = np.maximum(shadow, np.clip((other - ground - rise * step) / (0.02 * scale + 0.12 * step), 0, 1))
    shadow = blur(shadow, rng.uniform(0.8, 0.04 * scale)) * rng.uniform(0.3, 0.95)
    diffuse = diffuse * (1 - shadow[..., None]) * colour
    nooks = np.zeros_like(z)
    for size, weight in ((0.02, 0.35), (0.05, 0.4), (0.12, 0.5)):
        nooks += weight * np.clip((blur(ground, size * scale) - ground) / (size * scale * 1.2), 0, 1)
    seen = np.clip(1 - nooks * rng.uniform(0.35, 1.0), 0.12, 1)
    above, below = (1 + rng.normal(0, 0.06, 3) for _ in range(2))
    share = 0.5 - 0.5 * normal[..., 1:2]
    ambient = (above * share + below * (1 - share) * rng.uniform(0.4, 0.95)) * (0.6 + 0.4 * normal[..., 2:3])
    diffuse = diffuse + ambient * rng.uniform(0.25, 0.75) * seen[..., None] ** np.array([0.8, 1, 1.05])
    half = lamp + np.array([0, 0, 1.0])
    half /= np.linalg.norm(half)
    shine = np.clip(normal @ half, 0, 1) ** rng.uniform(6, 40) * (1 - shadow)
    shine = shine * rng.choice([0, 0.04, 0.1, 0.22]) * rng.uniform(0.3, 1)
    return Light(diffuse.astype(np.float32), shine.astype(np.float32), shadow, normal)


def skin_of(
    rng: np.random.Generator,
    canvas: Canvas,
    put: Placing,
    digits: Sequence[Digit],
    folds: np.ndarray,
    tone: np.ndarray,
) -> np.ndarray:
    """The skin's own colour (side, side, 3): blotches, redder tips and knuckles, darker folds."""
    side = len(canvas.name)
    skin = np.broadcast_to(tone, (side, side, 3)) * (1 + clouds(rng, side, put.scale * 0.3, 3) * rng.uniform(0, 0.05))
    red = np.zeros_like(canvas.depth)
    for d in digits:
        for j, weight in ((3, 1.0), (2, 0.4), (1, 0.6), (0, 0.5)):
            c, r = put(d.joints[j]), d.radii[j] * put.scale * 1.1
            near = np.exp(-((canvas.x - c[0]) ** 2 + (canvas.y - c[1]) ** 2) / (2 * r * r))
            red = np.maximum(red, weight * near)
    red = red * (canvas.name > 0) * rng.uniform(0, 0.8)
    skin = skin * (1 + red[..., None] * np.array([0.04, -0.10, -0.08]) * rng.uniform(0.3, 1.6))
    skin = skin + clouds(rng, side, put.scale * 0.2, 2, 3) * rng.uniform(0, 0.008)
    skin = skin * (1 - folds[..., None] * np.array([0.12, 0.22, 0.22]) * rng.uniform(0.3, 1.6))
    if rng.random() < 0.4:
        skin = skin * (1 + noise(rng, side, 1.4) * rng.uniform(0, 0.03))
    return skin.astype(np.float32)


def sleeved(
    rng: np.random.Generator, canvas: Canvas, put: Placing, colour: np.ndarray, cloth: np.ndarray, bright: np.ndarray
) -> np.ndarray:
    """The colour with cloth where ``cloth`` says so; ``bright`` (side, side) lights its folds."""
    up = (put(np.array([0, 1.0, 0])) - put(np.zeros(3)))[:2]
    along = (canvas.x * up[0] + canvas.y * up[1]) / np.hypot(*up) / put.scale
    dye = rng.uniform(0.03, 0.95) * (1 - rng.random() * 0.5 * rng.random(3))
    wave = np.sin(along * rng.uniform(8, 40) + clouds(rng, len(along), 30)[..., 0] * 2)
    folded = (bright * 0.8 * (1 + rng.uniform(0.03, 0.2) * wave) + 0.1)[..., None]
    colour = np.where(cloth[..., None], dye * folded, colour)
    rim = cv2.morphologyEx(cloth.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return colour * (1 - 0.35 * rng.random() * blur(rim.astype(np.float32), 1)[..., None])


def photograph(
    rng: np.random.Generator,
    canvas: Canvas,
    put: Placing,
    digits: Sequence[Digit],
    grounds: Sequence[np.ndarray] = (),
    *,
    behind: np.ndarray | None = None,
) -> np.ndarray:
    """What is on the canvas as a photograph (side, side, 3), 0 to 255; ``grounds`` are pictures to stand before.

    ``behind`` (side, side, 3) is what the hand stands before, where that is known: it stays as it is.
    """
    name, side = canvas.name, len(canvas.name)
    shape = name > 0
    back = float((put.rotation @ np.array([0, 0, 1.0]))[2]) > 0
    tone = TONES[rng.integers(len(TONES))] * rng.uniform(0.9, 1.1) + rng.normal(0, 0.02, 3)
    if not back and tone.mean() < 0.5:
        tone = tone * 0.6 + np.array([0.8, 0.62, 0.52]) * 0.4  # palms are lighter
    picture = ground_of(rng, side, tone, grounds) if behind is None else behind.astype(np.float32) / 255
    if shape.any():
        folds = creases(rng, canvas, put, digits, back)
        z = relief(rng, canvas, put, digits, back) - folds * put.scale * rng.uniform(0.004, 0.02)
        light = lit(rng, z, shape, put.scale)
        skin, shine = skin_of(rng, canvas, put, digits, folds, tone), light.shine
        polish = rng.uniform(0.05, 0.9, 3) if rng.random() < 0.2 else tone * [1.06, 1, 1] + 0.05
        gloss = rng.uniform(0, 0.35) * np.clip(light.normal[..., 2], 0, 1) ** 6 * 0.5
        for mask in nail_masks(canvas, put, digits):
            shine = shine + mask * gloss
            rim = np.clip(mask * (1 - mask) * 4, 0, 1)[..., None]
            mask = mask[..., None] * rng.uniform(0.3, 0.9)
            skin = (skin * (1 - mask) + polish * mask) * (1 - 0.25 * rng.random() * rim)
        colour = np.clip(skin, 0.01, 1) ** _GAMMA * light.diffuse * 1.15 + shine[..., None]
        colour = np.clip(colour * rng.uniform(0.75, 1.15), 0, 1.4) ** (1 / _GAMMA)
        held = rng.uniform(0.02, 0.95, 3) * (light.diffuse * 0.8 + 0.1) + 2 * shine[..., None]
        colour = np.where((name == PROP)[..., None], held, colour)
        if digits and rng.random() < 0.65:
            bright = light.diffuse.mean(2)
            bright = np.where(shape, bright, spread(bright, shape.astype(np.float32), put.scale * 0.15))
            cloth = sleeve(rng, canvas, put)
            colour = sleeved(rng, canvas, put, colour, cloth, bright)
            shape = shape | cloth
        if rng.random() < 0.55:
            cast = light.shadow * ~shape
            if rng.random() < 0.5:
                cast = np.roll(shape.astype(np.float32), tuple(rng.integers(-14, 15, 2)), (0, 1))
                cast = blur(cast, rng.uniform(2, 14))
            picture = picture * (1 - rng.uniform(0.1, 0.6) * cast)[..., None]
        mask = shape.astype(np.float32)
        alpha = blur(mask, rng.uniform(0.6, 1.6))[..., None]
        colour = colour.astype(np.float32)
        beyond = np.dstack([spread(np.ascontiguousarray(colour[..., k]), mask, 1.5) for k in range(3)])
        picture = picture * (1 - alpha) + np.where(shape[..., None], colour, beyond) * alpha
    if behind is not None:
        return np.clip(picture * 255, 0, 255)
    picture = picture * (1 + rng.normal(0, 0.05, 3)) + rng.normal(0, 0.015, 3)
    if rng.random() < 0.3:
        grey = picture.mean(2, keepdims=True)
        picture = grey + (picture - grey) * rng.uniform(0.4, 1.4)
    picture = np.clip(picture, 0, 1) ** np.exp(rng.normal(0, 0.18))
    picture = picture + noise(rng, side, rng.uniform(1.2, 3), 3) * rng.choice([0, 0, 0.01, 0.03]) * rng.random()
    return np.clip(picture * 255, 0, 255)


def _muted(rng: np.random.Generator) -> np.ndarray:
    colour = np.float32([[[rng.uniform(0, 360), rng.beta(1.2, 3) * 0.9, rng.uniform(0.05, 1)]]])
    return cv2.cvtColor(colour, cv2.COLOR_HSV2RGB)[0, 0]


def ground_of(rng: np.random.Generator, side: int, skin: np.ndarray, grounds: Sequence[np.ndarray]) -> np.ndarray:
    """What lies behind a hand: cloth, walls, other skin, foliage, in one to four parts; or half the time a picture."""
    if len(grounds) and rng.random() < 0.5:
        whole = grounds[rng.integers(len(grounds))]
        size = int(len(whole) * rng.uniform(0.5, 1))
        x, y = rng.integers(0, len(whole) - size + 1, 2)
        part = np.rot90(whole[y : y + size, x : x + size], int(rng.integers(4)) if rng.random() < 0.3 else 0)
        part = np.ascontiguousarray(part[:, ::-1] if rng.random() < 0.5 else part)
        part = cv2.resize(part, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
        return part * rng.uniform(0.7, 1.15) + rng.normal(0, 0.03, 3)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side

    def across() -> tuple[np.ndarray, np.ndarray]:
        way = rng.uniform(0, 6.28)
        cos, sin = np.cos(way), np.sin(way)
        return (x - 0.5) * cos + (y - 0.5) * sin, (x - 0.5) * sin - (y - 0.5) * cos

    def cloth() -> np.ndarray:
        along, over = across()
        bumps = clouds(rng, side, rng.uniform(20, 90))[..., 0]
        fold = np.sin(along * rng.uniform(2, 18) + bumps * rng.uniform(0.5, 2.5)) + 0.5 * bumps
        out = _muted(rng) * (1 + rng.uniform(0.04, 0.25) * fold[..., None])
        if rng.random() < 0.25:
            out = out * (1 + 0.1 * np.sign(np.sin(over * rng.uniform(20, 160)))[..., None] * rng.uniform(0.2, 1))
        return out + noise(rng, side, rng.uniform(1.2, 3)) * rng.choice([0, 0.01, 0.04])

    def wall() -> np.ndarray:
        one, two = _muted(rng), _muted(rng)
        share = np.clip(across()[0] + 0.5, 0, 1)[..., None] * 0.3
        return one * (1 - share) + two * share + clouds(rng, side, 60) * rng.uniform(0, 0.03)

    def body() -> np.ndarray:
        tone = skin * rng.uniform(0.75, 1.1) + rng.normal(0, 0.02, 3)
        return tone * (1 + rng.uniform(-0.8, 0.8) * across()[0][..., None]) + clouds(rng, side, 50) * 0.02

    def growth() -> np.ndarray:
        one, two = _muted(rng), _muted(rng)
        share = 0.5 + 0.5 * np.tanh(clouds(rng, side, rng.uniform(10, 70), 5) * rng.uniform(0.6, 2))
        return one + (two - one) * share

    makers: list[Callable[[], np.ndarray]] = [cloth, wall, body, growth]
    ground = makers[rng.choice(4, p=[0.38, 0.4, 0.1, 0.12])]()
    for _ in range(int(rng.choice([0, 1, 1, 2, 3]))):
        other = makers[rng.choice(4, p=[0.5, 0.22, 0.25, 0.03])]()
        ragged = clouds(rng, side, rng.uniform(60, 200), 2)[..., 0] * 0.12 * rng.random()
        edge = (across()[0] + ragged + rng.uniform(-0.35, 0.35)) * side / rng.choice([1.0, 2, 8])
        share = np.clip(edge, 0, 1)[..., None]
        ground = ground * (1 - share) + other * share
    return blur(ground.astype(np.float32), rng.choice([0.3, 0.3, 1, 2, 5, 9]))
