"""Two filters that masks and soft fields are made with."""

from __future__ import annotations

from stillwake.types import Floats, Pixels


def disc(radius: float) -> Pixels:
    """A round structuring element of that radius, px, at least one."""
    import cv2

    n = max(1, round(radius))
    element: Pixels = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * n + 1, 2 * n + 1))
    return element


def blurred(field: Floats, sigma: float) -> Floats:
    """A Gaussian blur by ``sigma`` px, at least half a one."""
    import cv2

    soft: Floats = cv2.GaussianBlur(field, (0, 0), max(0.5, float(sigma)))
    return soft
