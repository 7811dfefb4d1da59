"""Photograph, painting or drawing?"""

from __future__ import annotations

from stillwake.types import Pixels, Style


def style_of(pixels: Pixels) -> Style:
    """The picture's style."""
    return "photo"
