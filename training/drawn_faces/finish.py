"""Backgrounds before the drawing, and what happens to a picture after it: styles, light, compression, scaling."""

from __future__ import annotations

import cv2
import numpy as np
from training.drawn_faces.paint import Canvas, Colour, curve, hsv, noise

_FONTS = (0, 1, 2, 3, 4, 6, 7)


def _any(rng: np.random.Generator) -> Colour:
    return hsv(rng.uniform(0, 360), rng.uniform(0, 0.9), rng.uniform(0, 1))


def background(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A picture (height, width, 3) uint8 to draw on: plain, a gradient, noise, stripes or a litter of shapes."""
    u = rng.uniform
    plain = hsv(u(0, 360), u(0, 0.5), u(0.5, 1)) if rng.random() < 0.7 else _any(rng)
    if rng.random() < 0.25:
        plain = (255.0,) * 3 if rng.random() < 0.7 else (0.0,) * 3
    im = np.empty((height, width, 3), np.uint8)
    im[:] = np.array(plain).astype(np.uint8)
    kind = rng.random()
    if kind < 0.3:
        a, b, turn = np.array(_any(rng)), np.array(_any(rng)), u(0, 2 * np.pi)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
        t = np.clip((x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn) + 0.5, 0, 1)[..., None]
        im[:] = (a * (1 - t) + b * t).astype(np.uint8)
    elif kind < 0.45:
        a, b = np.array(_any(rng)), np.array(_any(rng))
        n = 0.6 * noise(rng, height, width, u(4, 60)) + 0.4 * noise(rng, height, width, u(4, 60))
        t = np.clip((n - 0.5) * u(0.5, 3) + 0.5, 0, 1)[..., None]
        im[:] = (a * (1 - t) + b * t).astype(np.uint8)
    if rng.random() < 0.5:
        litter(rng, Canvas(im), int(rng.integers(1, 14)))
    if rng.random() < 0.3:
        im = cv2.GaussianBlur(im, (0, 0), u(1, 8))
    return im


def litter(rng: np.random.Generator, c: Canvas, count: int) -> None:
    """Discs, rings, rags, ribbons, lettering, stripes: what pictures are full of and no face is made of."""
    u, (h, w) = rng.uniform, c.shape
    size = max(h, w)
    for _ in range(count):
        colour, o = _any(rng), np.array([u(-0.1, 1.1) * w, u(-0.1, 1.1) * h])
        what = int(rng.choice(7, p=[0.17, 0.17, 0.17, 0.17, 0.04, 0.14, 0.14]))
        if what == 0:
            c.disc(o, u(0.01, 0.15) * size, colour)
            if rng.random() < 0.5:
                c.disc(o, u(0.005, 0.07) * size, _any(rng))
        elif what == 1:
            c.fill(o + rng.normal(0, u(0.02, 0.25) * size, (int(rng.integers(3, 7)), 2)), colour)
        elif what == 2:
            path = curve(o + np.cumsum(rng.normal(0, 0.1 * size, (4, 2)), 0), 24)
            c.brush(path, u(1, 10) * np.sin(np.linspace(0.1, 3, 24)), colour)
        elif what == 3:
            text = "".join(chr(int(rng.integers(33, 122))) for _ in range(int(rng.integers(2, 10))))
            at = (int(o[0]), int(o[1]))
            cv2.putText(c.pixels, text, at, int(rng.choice(_FONTS)), u(0.3, 2.2), colour, int(u(1, 5)), cv2.LINE_AA)
        elif what == 4:
            gap = u(5, 30)
            for j in range(int(size / gap)):
                c.line(np.array([[0, j * gap], [w, j * gap + o[1] * 0.2]]), colour, u(1, 3))
        elif what == 5:
            turn, a = np.linspace(0, 2 * np.pi, 30, endpoint=False), u(0, np.pi)
            e = np.stack([u(2, 0.2 * size) * np.cos(turn), u(2, 0.2 * size) * np.sin(turn)], 1)
            e = e @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) + o
            c.fill(e, colour)
            c.line(e, _any(rng), u(1, 4), True)
        else:
            for _ in range(int(rng.integers(3, 12))):
                c.disc(o + rng.normal(0, 0.06 * size, 2), u(0.01, 0.04) * size, colour)


def finished(rng: np.random.Generator, im: np.ndarray, keep: float = 0.4) -> np.ndarray:
    """The style and the light a drawing may come in; ``keep`` the share left as it is."""
    u, (h, w) = rng.uniform, im.shape[:2]
    if rng.random() < keep:
        return im
    if rng.random() < 0.12:  # light from behind
        grey = cv2.cvtColor(im, cv2.COLOR_BGR2GRAY)
        glow = cv2.GaussianBlur(cv2.threshold(grey, int(u(180, 235)), 255, 0)[1], (0, 0), u(4, 14))
        im = cv2.addWeighted(im, 1, np.repeat(glow[..., None], 3, 2), u(0.1, 0.5), 0)
    if rng.random() < 0.18:  # paint
        if rng.random() < 0.5:
            im = cv2.bilateralFilter(im, 7, u(30, 90), 5)
        if rng.random() < 0.5:
            im = cv2.medianBlur(im, int(rng.choice([3, 5, 7])))
        grain = noise(rng, h, w, float(2 ** rng.integers(2, 5)))
        im = np.clip(im * (1 + (grain - 0.5) * u(0.03, 0.2))[..., None], 0, 255).astype(np.uint8)
    if rng.random() < 0.1:  # dappled
        n = cv2.GaussianBlur(noise(rng, h, w, u(16, 120)), (0, 0), 3)
        t = np.clip((n - u(0.3, 0.7)) * u(2, 12) + 0.5, 0, 1)[..., None]
        im = (im * (1 - t + t * np.array(hsv(u(0, 360), u(0.1, 0.6), 1)) / 255 * u(0.5, 1))).astype(np.uint8)
    if rng.random() < 0.15:  # tinted, dark, or washed out
        tint, lift = np.array(hsv(u(0, 360), u(0, 0.5), u(0.6, 1))) / 255, np.array(hsv(u(0, 360), u(0, 1), u(0, 0.3)))
        im = np.clip(im * tint * u(0.7, 1.3) + lift, 0, 255).astype(np.uint8)
    way = rng.random()
    if way < 0.06:
        im = cv2.cvtColor(cv2.cvtColor(im, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    elif way < 0.10:  # line art
        grey = cv2.cvtColor(im, cv2.COLOR_BGR2GRAY)
        soft = cv2.GaussianBlur(grey, (0, 0), u(3, 9)).astype(np.float32)
        im = cv2.cvtColor(np.clip(255 - (soft - grey) * u(2, 6), 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    if rng.random() < 0.7:
        f = (im.astype(np.float32) / 255) ** u(0.6, 1.3)
        middle = f.mean()
        f = (f - middle) * u(0.6, 1.3) + middle * u(0.85, 1.2)
        if rng.random() < 0.6:
            grey = f.mean(2, keepdims=True)
            f = grey + (f - grey) * u(0.5, 1.5)
        im = np.clip(f * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:  # an unsteady hand
        a, cell = u(0.003, 0.008) * w, u(0.04, 0.2) * w
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        dx, dy = ((noise(rng, h, w, cell) - 0.5) * 2 * a for _ in range(2))
        im = cv2.remap(im, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return im


def worn_out(rng: np.random.Generator, im: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture at its final size, with the damage that copies suffer."""
    u = rng.uniform
    if rng.random() < 0.15:
        im = cv2.GaussianBlur(im, (0, 0), u(0.4, 1.6) * im.shape[1] / width)
    if rng.random() < 0.35:
        small = u(0.25, 1.0)
        im = cv2.resize(im, (max(12, int(width * small)), max(12, int(height * small))), interpolation=cv2.INTER_AREA)
        how = int(
            rng.choice(
                [cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4, cv2.INTER_NEAREST], p=[0.4, 0.35, 0.17, 0.08]
            )
        )
        im = cv2.resize(im, (width, height), interpolation=how)
    else:
        im = cv2.resize(im, (width, height), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.2:
        soft = cv2.GaussianBlur(im, (0, 0), u(0.6, 1.6)).astype(np.float32)
        im = np.clip(im.astype(np.float32) * 2 - soft, 0, 255).astype(np.uint8)
    if rng.random() < 0.22:
        grain = rng.normal(0, u(1, 9), im.shape if rng.random() < 0.5 else (*im.shape[:2], 1))
        im = np.clip(im + grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        im = cv2.imdecode(cv2.imencode(".jpg", im, [cv2.IMWRITE_JPEG_QUALITY, int(u(20, 95))])[1], cv2.IMREAD_COLOR)
    return im
