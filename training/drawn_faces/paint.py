"""A canvas with the few strokes that faces are drawn with: fills, brush lines, soft shades, all anti-aliased."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Colour = tuple[float, float, float]
"""Blue, green, red, 0..255."""

_BITS = 4
WHITE: Colour = (255.0, 255.0, 255.0)


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """A colour from hue in degrees, saturation and value 0..1."""
    h, s, v = (hue % 360) / 60, min(1.0, max(0.0, saturation)), min(1.0, max(0.0, value))
    k = int(h)
    f = h - k
    p, q, t = v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f))
    r, g, b = ((v, t, p), (q, v, p), (p, v, t), (p, q, v), (t, p, v), (v, p, q))[k % 6]
    return 255 * b, 255 * g, 255 * r


def darker(colour: Colour, factor: float) -> Colour:
    """The colour times a factor."""
    return tuple(min(255.0, max(0.0, c * factor)) for c in colour)  # type: ignore[return-value]


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """``share`` of b in a."""
    return tuple(x * (1 - share) + y * share for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def curve(points: np.ndarray, count: int = 24, closed: bool = False) -> np.ndarray:
    """A Catmull-Rom curve of ``count`` points through (N, 2) points."""
    p = np.asarray(points, float)
    if closed:
        q, spans = np.vstack([p[-1], p, p[0], p[1]]), len(p)
    else:
        q, spans = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]]), len(p) - 1
    t = np.linspace(0, spans - 1e-6, count)
    i = t.astype(int)
    f = (t - i)[:, None]
    a, b, c, d = q[i], q[i + 1], q[i + 2], q[i + 3]
    return 0.5 * (2 * b + (c - a) * f + (2 * a - 5 * b + 4 * c - d) * f**2 + (3 * b - a - 3 * c + d) * f**3)


def along(points: np.ndarray, count: int) -> np.ndarray:
    """``count`` points at equal distances along a path (N, 2)."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(steps)])
    t = np.linspace(0, at[-1], count)
    return np.stack([np.interp(t, at, points[:, 0]), np.interp(t, at, points[:, 1])], 1)


def noise(rng: np.random.Generator, height: int, width: int, cell: float) -> np.ndarray:
    """Smooth noise (height, width) float32 0..1 with features of about ``cell`` px."""
    grid = rng.random((max(2, int(height / cell) + 2), max(2, int(width / cell) + 2))).astype(np.float32)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.round(np.clip(points, -3000, 6000) * 2**_BITS).astype(np.int32).reshape(-1, 1, 2)


class Canvas:
    """(H, W, 3) uint8 BGR ``pixels``; ``cover`` (H, W) uint8, where something asked what was painted, else None."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels
        self.cover: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def fill(self, points: np.ndarray, colour: Colour) -> None:
        """A filled polygon."""
        cv2.fillPoly(self.pixels, [_fixed(points)], colour, cv2.LINE_AA, _BITS)
        if self.cover is not None:
            cv2.fillPoly(self.cover, [_fixed(points)], 255, cv2.LINE_AA, _BITS)

    def line(self, points: np.ndarray, colour: Colour, width: float, closed: bool = False) -> None:
        """A line of constant width; under one px it grows paler instead of thinner."""
        if width < 1:
            self.soft(np.zeros((0, 2)), colour, max(0.15, width), 0, outline=(points, closed))
            return
        if width < 3.2:
            self.brush(points if not closed else np.vstack([points, points[:1]]), np.full(1, width), colour)
            return
        cv2.polylines(self.pixels, [_fixed(points)], closed, colour, round(width), cv2.LINE_AA, _BITS)
        if self.cover is not None:
            cv2.polylines(self.cover, [_fixed(points)], closed, 255, round(width), cv2.LINE_AA, _BITS)

    def brush(self, points: np.ndarray, width: np.ndarray, colour: Colour) -> None:
        """A line whose width in px is given for each point (or once)."""
        p = np.asarray(points, float)
        if len(p) < 2:
            return
        w = np.maximum(np.broadcast_to(np.asarray(width, float), (len(p),)), 0.7)
        d = np.gradient(p, axis=0)
        n = np.stack([-d[:, 1], d[:, 0]], 1)
        n /= np.linalg.norm(n, axis=1, keepdims=True) + 1e-6
        side = n * w[:, None] / 2
        self.fill(np.vstack([p + side, (p - side)[::-1]]), colour)

    def disc(self, centre: np.ndarray, radius: float, colour: Colour) -> None:
        """A filled circle."""
        turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        self.fill(np.asarray(centre) + max(0.6, radius) * np.stack([np.cos(turn), np.sin(turn)], 1), colour)

    def mask(self, points: np.ndarray) -> np.ndarray:
        """(H, W) uint8, 255 inside a polygon."""
        mask = np.zeros(self.shape, np.uint8)
        cv2.fillPoly(mask, [_fixed(points)], 255, cv2.LINE_AA, _BITS)
        return mask

    def lay(self, layer: np.ndarray | Colour, mask: np.ndarray, share: float = 1.0) -> None:
        """Blend a colour, or another picture, in where the mask is."""
        x, y, w, h = cv2.boundingRect(mask)
        if w == 0:
            return
        at = slice(y, y + h), slice(x, x + w)
        weight = (mask[at].astype(np.float32) * np.float32(share / 255))[..., None]
        over = layer[at].astype(np.float32) if isinstance(layer, np.ndarray) else np.array(layer, np.float32)
        under = self.pixels[at].astype(np.float32)
        self.pixels[at] = (under + (over - under) * weight + 0.5).astype(np.uint8)

    def soft(
        self,
        points: np.ndarray,
        colour: Colour,
        share: float,
        blur: float,
        inside: np.ndarray | None = None,
        outline: tuple[np.ndarray, bool] | None = None,
    ) -> None:
        """A polygon, or an ``outline``, laid in with a share and a soft edge of ``blur`` px, within a mask."""
        mask = np.zeros(self.shape, np.uint8)
        if outline is None:
            cv2.fillPoly(mask, [_fixed(points)], 255, cv2.LINE_AA, _BITS)
        else:
            cv2.polylines(mask, [_fixed(outline[0])], outline[1], 255, 1, cv2.LINE_AA, _BITS)
        if blur > 0.4:
            mask = cv2.GaussianBlur(mask, (0, 0), blur)
        self.lay(colour, mask if inside is None else cv2.min(mask, inside), share)

    def within(self, mask: np.ndarray, paint: Callable[[Canvas], None]) -> None:
        """Paint on a copy and keep of it what lies inside the mask."""
        if min(cv2.boundingRect(mask)[2:]) < 2:
            return
        copy = Canvas(self.pixels.copy())
        paint(copy)
        self.lay(copy.pixels, mask)
