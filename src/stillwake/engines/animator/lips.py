"""A photographed mouth: two layers cut at the lip line, and what opens between them painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stillwake.engines.animator import warp
from stillwake.engines.animator.anatomy import Anatomy, Array
from stillwake.engines.animator.fields import EXPRESSION, INDEX, JAW_DROP, Layer
from stillwake.engines.animator.mouth import Interior, draw_interior
from stillwake.engines.animator.parts import Bent, IntBox, MouthPart, Pose
from stillwake.types import Floats, Pixels

SUBPIXEL_BITS = 8
CONTACT = 0.5
"""How dark the line is where lips touch that were apart in the still. Set by eye."""
PARTED = 0.35
"""Px of opening below which a closed mouth's inside is not painted; it fades in over the next 1.2 px."""


@dataclass(frozen=True, slots=True, eq=False)
class _Inverse:
    """One layer's forward displacement and its inverse, (h, w, 2) px at the nodes of its grid."""

    u: Floats
    back: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Parted(Bent):
    """Both layers solved; ``parted`` the largest change of the lips' distance since the still, px."""

    upper: _Inverse
    lower: _Inverse
    parted: float


class CutMouth(MouthPart):
    """``upper`` and ``lower`` both layers on the finer grid around the mouth, ``box`` the px both draw together."""

    def __init__(self, face: Anatomy, upper: Layer, lower: Layer, box: IntBox, interior: Interior) -> None:
        self.face, self.upper, self.lower, self.box, self.interior = face, upper, lower, box, interior
        self._index = warp.node_index(upper.grid)

    @property
    def reach(self) -> tuple[IntBox, ...]:
        """The box around the mouth, wherever the head is."""
        return (self.box,)

    def bend(self, pose: Pose) -> Parted:
        """Both layers, the lips and the mouth's map, which at rest is exactly the identity."""
        face, grid = self.face, self.upper.grid
        layers = []
        for layer in (self.upper, self.lower):
            u = warp.displacement(layer, pose.coefficients)
            layers.append(_Inverse(u, warp.invert_steep(u, self._index, grid.step)))
        upper, lower = layers
        still = face.upper_line, face.lower_line
        lips = (still[0] + warp.sample(upper.u, grid, still[0]), still[1] + warp.sample(lower.u, grid, still[1]))
        down = face.down.astype(np.float32)
        crossed = np.minimum((lips[1] - lips[0]) @ down, 0)[:, None] * down  # lips that cross meet halfway
        lips = (lips[0] + crossed * np.float32(0.5), lips[1] - crossed * np.float32(0.5))
        distance = (lips[1] - lips[0]) @ down
        mouth = warp.enlarge(2 * (grid.nodes + upper.back), grid, self.box)
        under = warp.enlarge(2 * (grid.nodes + lower.back), grid, self.box)
        self._join(mouth, under, (lips[0] + lips[1]) / 2)
        return Parted(
            map=mouth,
            box=self.box,
            lips=lips,
            opening=float(distance.max()),
            upper=upper,
            lower=lower,
            parted=float(np.abs(distance - (still[1] - still[0]) @ down).max()),
        )

    def _join(self, upper: Floats, lower: Floats, line: Floats) -> None:
        """Write the lower layer's map below the ``line`` (65, 2) px into the upper one's, over the mouth box."""
        import cv2

        face, box = self.face, self.box
        far = 4 * face.face_height
        ends = line[0] - face.across * far, line[-1] + face.across * far
        outline = [ends[0], *line, ends[1], ends[1] + face.down * far, ends[0] + face.down * far]
        below = np.zeros(upper.shape[:2], np.uint8)
        corners = np.round((np.array(outline) - box[:2]) * 2**SUBPIXEL_BITS).astype(np.int32)
        cv2.fillPoly(below, [corners], 1, shift=SUBPIXEL_BITS)
        cv2.copyTo(lower, below, upper)

    def missed(self, bent: Bent) -> Floats:
        """How far the inverse misses, at every node of the box by the layer that draws there, (N,) px."""
        assert isinstance(bent, Parted)
        grid = self.upper.grid
        x0, y0, x1, y1 = self.box
        x, y = grid.nodes[..., 0], grid.nodes[..., 1]
        inside = (x > x0) & (x < x1) & (y > y0) & (y < y1)
        upper = warp.residual(bent.upper.u, bent.upper.back, self._index, grid.step)
        lower = warp.residual(bent.lower.u, bent.lower.back, self._index, grid.step)
        along, below = self.face.local(grid.nodes.astype(np.float64))
        line = (bent.lips[0] + bent.lips[1]) / 2
        drawn: Floats = np.where(below > self.face.line_heights(along, line), lower, upper)
        return drawn[inside]

    def paint(self, frame: Pixels, bent: Bent, pose: Pose) -> None:
        """Paint what opens between the lips, or the shadow between lips that newly touch."""
        assert isinstance(bent, Parted)
        face = self.face
        if face.opened:
            touching = 1 - bent.opening / (0.03 * face.mouth_width)
            if touching > 0:
                self._draw_contact(frame, bent.lips, touching)
            strength = min(1.0, bent.parted / (0.035 * face.mouth_width))
        else:
            strength = min(1.0, (bent.opening - PARTED) / 1.2)
        if bent.opening > PARTED and strength > 0:
            draw_interior(
                frame,
                face,
                self.interior,
                bent.lips,
                self._skull_motion(pose.coefficients),
                float(pose.coefficients[INDEX["roll"]]),
                float(pose.coefficients[INDEX["jaw"]]) * JAW_DROP * face.opening_unit,
                pose.tongue,
                strength,
            )

    def _skull_motion(self, coefficients: Floats) -> Array:
        """How the upper teeth move: with the head alone, px."""
        line = self.face.upper_line
        head = coefficients.copy()
        head[: len(EXPRESSION)] = 0
        if not head.any():
            return np.zeros(2)
        u = warp.displacement(self.upper, head)
        moved: Array = warp.sample(u, self.upper.grid, line[len(line) // 2][None])[0].astype(np.float64)
        return moved

    def _draw_contact(self, frame: Pixels, lips: tuple[Floats, Floats], strength: float) -> None:
        """The shadow between lips that were apart in the still and now touch."""
        import cv2

        width = self.face.mouth_width
        line = (lips[0] + lips[1]) / 2
        margin = 2 + int(0.05 * width)
        x0, y0 = np.maximum(np.floor(line.min(0)).astype(int) - margin, 0)
        x1, y1 = np.minimum(np.ceil(line.max(0)).astype(int) + margin, (frame.shape[1], frame.shape[0]))
        shadow = np.zeros((y1 - y0, x1 - x0), np.uint8)
        points = np.round((line - (x0, y0)) * 2**SUBPIXEL_BITS).astype(np.int32)
        thickness = max(1, round(0.012 * width))
        inner = slice(len(line) // 16, -(len(line) // 16))  # not quite to the corners, where the lips always touch
        cv2.polylines(shadow, [points[inner]], False, 255, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
        dark = cv2.GaussianBlur(shadow.astype(np.float32), (0, 0), max(0.7, 0.009 * width))
        shade = 1 - dark * np.float32(CONTACT * strength / 255)
        mouth = frame[y0:y1, x0:x1]
        mouth[:] = (mouth * shade[..., None] + 0.5).astype(np.uint8)
