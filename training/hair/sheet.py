"""A canvas that knows what each of its px shows, in widths of a face.

Lengths are widths of the face's box, from its centre, y down. Colours are BGR, 0 to 255.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from training.drawn_faces.paint import Canvas, Colour, hsv

from stillwake.perceive.hair import MIDDLE, SCALE

FINER = 2
"""px of a drawing in one of the finished picture."""
OTHER, BODY, SKIN, HAIR, WORN = range(5)
"""What a px shows: background, clothes, skin, hair, what is worn on the head or in the hair (hats, bows, glasses)."""


class Sheet:
    """A canvas, the ``label`` (H, W) of each of its px, and the way from widths of the face to px."""

    def __init__(self, ground: np.ndarray) -> None:
        self.canvas = Canvas(ground)
        self.label = np.zeros(ground.shape[:2], np.uint8)
        self.scale = float(SCALE * FINER)
        self.at = np.array(MIDDLE) * FINER

    def px(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 2) in px."""
        return np.asarray(points, float) * self.scale + self.at

    def fill(self, points: np.ndarray, colour: Colour, what: int) -> None:
        """A polygon."""
        self._filled(self.px(points), colour, what)

    def stroke(self, points: np.ndarray, width: np.ndarray | float, colour: Colour, what: int) -> None:
        """A brush line along points (N, 2), of one width or one for each point."""
        p = self.px(points)
        w = np.maximum(np.broadcast_to(np.asarray(width, float), len(p)) * self.scale, 1.0)
        d = np.gradient(p, axis=0)
        n = np.stack([-d[:, 1], d[:, 0]], 1)
        n /= np.linalg.norm(n, axis=1, keepdims=True) + 1e-6
        side = n * w[:, None] / 2
        self._filled(np.vstack([p + side, (p - side)[::-1]]), colour, what)

    def shade(self, points: np.ndarray, colour: Colour, share: float, blur: float) -> None:
        """A polygon laid in softly; what it lies on stays what it is."""
        self.canvas.soft(self.px(points), colour, share, blur * self.scale)

    def _filled(self, there: np.ndarray, colour: Colour, what: int) -> None:
        self.canvas.fill(there, colour)
        cv2.fillPoly(self.label, [np.round(there).astype(np.int32)], what)


def oval(x: float, y: float, wide: float, high: float, turn: float = 0.0) -> np.ndarray:
    """Forty points (40, 2) of an ellipse of half axes ``wide`` and ``high``, turned by radians."""
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    p = np.stack([wide * np.cos(t), high * np.sin(t)], 1)
    c, s = math.cos(turn), math.sin(turn)
    return p @ np.array([[c, s], [-s, c]]) + np.array([x, y])


def any_colour(rng: np.random.Generator) -> Colour:
    """Any colour, pale ones more often than loud ones."""
    u = rng.uniform
    return hsv(u(0, 360), u(0, 0.9) * u(0.2, 1), u(0.04, 1))


def sides_of(rng: np.random.Generator, both: float) -> tuple[float, ...]:
    """Both sides (-1 is left), with the chance ``both``, or one of them."""
    return (-1.0, 1.0) if rng.random() < both else (float(rng.choice([-1, 1])),)
