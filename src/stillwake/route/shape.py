"""In which shape and size a clip is made of a still, and what of the still it shows."""

from __future__ import annotations

from fractions import Fraction

from stillwake.errors import UsageError
from stillwake.perceive import crop_for, fill_of
from stillwake.types import Box, Brief, Scene, Size

LONGEST_SIDE = 1920
"""px; the long side of a clip unless a size is asked for: 1080p, the largest size the speed figures are given for."""
SIDES = (16, 4096)
"""px; the sides a clip may have: x264 codes in blocks of 16, and H.264 players stop at level 5.2's 4096."""


def shape_of(scene: Scene, brief: Brief, face: int) -> tuple[Box | None, Size, list[str], list[str]]:
    """What a clip shows of the still, its size, the reasons for both, and warnings.

    Raises
    ------
    stillwake.errors.UsageError
        The size asked for has odd sides, is too small or too large, or has not the picture's shape.
    """
    reasons, warnings = [], []
    crop, shape = None, scene.still.size
    if brief.aspect is not None:
        crop = crop_for(scene, brief.aspect, face)
        shape = shape if crop is None else (round(crop[2] - crop[0]), round(crop[3] - crop[1]))
        reasons.append(f"{brief.aspect}, {_window(scene, crop)}")
    size, reason = size_for(shape, brief.size, brief.aspect if crop is not None else None)
    reasons.append(reason)
    if size[0] * size[1] > 1.02 * shape[0] * shape[1]:
        what = "still" if crop is None else "part of the still it shows"
        warnings.append(f"the clip is larger than the {what} ({_words(shape)}): it will look soft")
    return crop, size, reasons, warnings


def _window(scene: Scene, crop: Box | None) -> str:
    """What the clip shows of the still, and what lies around it, in words."""
    if crop is None:
        return "the still's own shape"
    width, height = scene.still.size
    x0, y0, x1, y1 = (round(v) for v in crop)
    part = min(width, x1) - max(0, x0), min(height, y1) - max(0, y0)
    what = "all of the still" if part == scene.still.size else f"{_words(part)} of the still, laid around the subject"
    fill = fill_of(scene, crop)
    if fill and scene.still.alpha is not None:
        return f"{what}; around it nothing"
    around = {"": "", "plain": "; its plain border goes on", "backdrop": " before itself, larger and blurred"}
    return what + around[fill]


def natural_size(still: Size) -> Size:
    """The clip's (width, height) in px for a still: its own, with even sides, the long one at most 1920."""
    shrink = min(Fraction(1), Fraction(LONGEST_SIDE, max(still)))
    return _even(still[0] * shrink), _even(still[1] * shrink)


def _even(side: Fraction) -> int:
    """The nearest even number of px, at least `SIDES`' lower end; H.264's colour planes have half the sides."""
    return max(SIDES[0], 2 * round(side / 2))


def _words(size: Size) -> str:
    return f"{size[0]}×{size[1]}"


def size_for(still: Size, asked: Size | None, aspect: str | None = None) -> tuple[Size, str]:
    """The clip's size, and why; ``still`` is what it shows of the still, which has that ``aspect``."""
    if asked is None:
        size, shape = natural_size(still), aspect or "the still's shape"
        if size == still:
            return size, f"{_words(size)}, the still's own {'pixels' if aspect else 'size'}"
        if max(still) > LONGEST_SIDE:
            return size, f"{_words(size)}, {shape} with its long side at {max(size)}"
        return size, f"{_words(size)}, the still's size with even sides"
    what = f"Cannot make a clip of {_words(asked)}"
    if min(asked) < SIDES[0] or max(asked) > SIDES[1]:
        raise UsageError(what, f"sides run from {SIDES[0]} to {SIDES[1]} px", f"try {_suggestion(still, asked)}")
    if asked[0] % 2 or asked[1] % 2:
        raise UsageError(what, "both sides must be even", f"try {_suggestion(still, asked)}")
    # A side may be off by the rounding of both sides to even numbers, no more.
    if abs(asked[0] - Fraction(asked[1] * still[0], still[1])) > 2 and (
        abs(asked[1] - Fraction(asked[0] * still[1], still[0])) > 2
    ):
        why = f"it is not {aspect}" if aspect else f"it would distort the still, which is {_words(still)}"
        raise UsageError(what, why, f"try {_suggestion(still, asked)}")
    return asked, f"{_words(asked)}, because you asked for it"


def _suggestion(still: Size, asked: Size) -> str:
    """The size of the still's shape that lies nearest to what was asked, for an error's fix."""
    height = Fraction(min(max(asked[1], SIDES[0]), SIDES[1]))
    if max(still) * height / still[1] > SIDES[1]:
        height = Fraction(SIDES[1] * still[1], max(still))
    return f"{_even(height * still[0] / still[1])}x{_even(height)}"
