"""A gaze that wanders a little: irises that move under lids which do not.

Nothing is drawn anew. Inside the opening between the lids the picture is shifted, wholly at the iris, not at all at
the lids and in the corners, so that the white of the eye gives way on one side and follows on the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stillwake.engines.animator.anatomy import smoothstep
from stillwake.engines.animator.parts import IntBox
from stillwake.types import Eye, Face, Floats, Pixels

FURTHEST = 0.25
"""Iris radii by which an iris may move: further, the white would be stretched by more than half."""
_LID = 0.35
"""Iris radii from a lid over which the picture comes free."""
_CORNER = 1.9
"""Iris radii from its middle at which the white stands still."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ball:
    """One eye in px of the enlarged still.

    Its ``box``, the places ``at`` (h, w, 2) in it, how far each of them goes along, ``share`` (h, w, 1), and the
    iris's ``radius``.
    """

    box: IntBox
    at: Floats
    share: Floats
    radius: float


class Gaze:
    """The irises of a face in a still enlarged ``scale`` times, pixel S x being pixel x."""

    def __init__(self, face: Face, seen: tuple[bool, bool], scale: int, shape: tuple[int, ...]) -> None:
        found = (_ball(eye, scale, shape) for eye, there in zip(face.eyes, seen, strict=True) if there)
        self._balls = tuple(ball for ball in found if ball is not None)
        self.boxes = tuple(ball.box for ball in self._balls)

    def __bool__(self) -> bool:
        return bool(self._balls)

    def redraw(self, picture: Pixels, still: Pixels, towards: Floats) -> None:
        """Draw the eyes into ``picture`` as they look ``towards`` (2,), in iris radii; ``still`` is never changed."""
        import cv2

        for ball in self._balls:
            x0, y0, x1, y1 = ball.box
            source = still[y0:y1, x0:x1]
            if not towards.any():
                picture[y0:y1, x0:x1] = source
                continue
            where = ball.at - ball.share * (np.clip(towards, -FURTHEST, FURTHEST) * np.float32(ball.radius))
            picture[y0:y1, x0:x1] = cv2.remap(source, where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _ball(eye: Eye, scale: int, shape: tuple[int, ...]) -> _Ball | None:
    """The eye, or None where no iris is seen or hardly any of it lies open."""
    import cv2

    if eye.iris is None:
        return None
    x, y, radius = (float(value) * scale for value in eye.iris)
    opening = np.concatenate([eye.upper_lid, eye.lower_lid[::-1]]).astype(np.float64) * scale
    low, high = np.floor(opening.min(0)).astype(int) - 2, np.ceil(opening.max(0)).astype(int) + 3
    x0, y0 = max(0, int(low[0])), max(0, int(low[1]))
    x1, y1 = min(shape[1], int(high[0])), min(shape[0], int(high[1]))
    if x1 - x0 < 8 or y1 - y0 < 6 or radius < 2 * scale:
        return None
    inside = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillPoly(inside, [np.round(opening - (x0, y0)).astype(np.int32)], 1)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    at = np.stack(np.meshgrid(np.arange(x1 - x0), np.arange(y1 - y0)), -1).astype(np.float32)
    away = np.linalg.norm(at - np.array([x - x0, y - y0], np.float32), axis=-1) / radius
    free = smoothstep(depth, 0, _LID * radius)
    share = (free * (1 - smoothstep(away, 1.0, _CORNER))).astype(np.float32)
    if float(share.max(initial=0.0)) < 0.6:
        return None
    return _Ball((x0, y0, x1, y1), at, share[..., None], radius)
