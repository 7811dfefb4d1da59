"""Rig + track -> frames."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator import warp
from stillwake.engines.animator.anatomy import Array
from stillwake.engines.animator.fields import EXPRESSION, INDEX, JAW_DROP
from stillwake.engines.animator.lids import draw_lids, eye_box
from stillwake.engines.animator.mouth import draw_interior
from stillwake.engines.animator.rig import IntBox, Rig
from stillwake.engines.animator.tracks import Track
from stillwake.types import Floats, Pixels, Size

SUBPIXEL_BITS = 8
CONTACT = 0.5
"""How dark the line is where lips touch that were apart in the still. Set by eye."""
PARTED = 0.35
"""Px of opening below which a closed mouth's inside is not painted; it fades in over the next 1.2 px."""


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """How one frame was drawn, for the inspection.

    ``box`` px; ``map`` (h, w, 2) float32 px: where in the still each pixel of the box comes from; ``residual``
    (N,) float32 px: how far the inverse misses at the nodes where it is used; ``cut`` (h, w) bool: the mouth's
    cut and inside, where a tear is wanted; ``lips`` the inner contours, each (65, 2) px; ``opening`` px.
    """

    box: IntBox
    map: Floats
    residual: Floats
    cut: npt.NDArray[np.bool_]
    lips: tuple[Floats, Floats]
    opening: float


@dataclass(frozen=True, slots=True, eq=False)
class _Inverse:
    """One layer's forward displacement and its inverse, (h, w, 2) px at the nodes of its grid."""

    u: Floats
    back: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Posed:
    """A pose solved around the mouth.

    ``upper`` and ``lower`` by layer; ``lips`` the inner contours in the frame, (65, 2) px each; ``opening``
    their largest distance and ``parted`` the largest change of it since the still, px; ``mouth`` (h, w, 2) px where
    in the doubled still the mouth box comes from, each side of the cut by its own layer.
    """

    upper: _Inverse
    lower: _Inverse
    lips: tuple[Floats, Floats]
    opening: float
    parted: float
    mouth: Floats


class Talk:
    """A performance: every frame of a talking face, drawn when it is asked for."""

    def __init__(self, rig: Rig, track: Track, fps: Fraction) -> None:
        self._rig, self._track = rig, track
        self.fps = fps
        self.frame_count = len(track.poses)
        self.size: Size = (rig.source.shape[1], rig.source.shape[0])
        self.mask: npt.NDArray[np.bool_] | None = rig.mask
        self._buffer = rig.source.copy()
        self._room = warp.room_for(rig.head.grid, rig.bands)
        self._head_index = warp.node_index(rig.head.grid)
        self._mouth_index = warp.node_index(rig.upper.grid)
        self._eye_boxes = [eye_box(eye, rig.region, rig.head.grid.step) for eye in rig.face.eyes]

    def __enter__(self) -> Self:
        import cv2

        # The encoder has the other cores; threads for a millisecond's work only get into its way.
        self._threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import cv2

        cv2.setNumThreads(self._threads)

    def frame(self, index: int) -> Pixels:
        """The frame of that index, (H, W, 3) uint8 RGB; valid until the next call."""
        if not 0 <= index < self.frame_count:
            raise IndexError(f"frame {index} of {self.frame_count}")
        track = self._track
        return self.draw(track.poses[index], float(track.blink[index]), float(track.tongue[index]))

    def draw(self, pose: Floats, blink: float = 0.0, tongue: float = 0.0) -> Pixels:
        """The face in any pose (K,), which is what a contact sheet of visemes asks for."""
        import cv2

        rig, out = self._rig, self._buffer
        grid = rig.head.grid
        where = 2 * grid.nodes  # into the doubled still
        if not pose.any():
            for a, b, c, d in rig.bands:
                out[b:d, a:c] = rig.source[b:d, a:c]
        else:
            where = 2 * (grid.nodes + self._solve_head(pose).back)
            posed = self._solve_mouth(pose) if pose[: len(EXPRESSION)].any() else None
            for band in rig.bands:  # band by band, so that the map never leaves the processor's cache
                a, b, c, d = band
                part = warp.enlarge(where, grid, band, self._room)
                if posed is not None:
                    _lay_over(part, band, posed.mouth, rig.mouth_box)
                cv2.remap(
                    rig.doubled, part, None, cv2.INTER_LINEAR, dst=out[b:d, a:c], borderMode=cv2.BORDER_REPLICATE
                )
            if posed is not None:
                self._draw_mouth(posed, pose, tongue)
        if blink > 0:
            for eye, box in zip(rig.face.eyes, self._eye_boxes, strict=True):
                draw_lids(out, box[:2], rig.doubled, rig.skin, warp.enlarge(where, grid, box), eye, blink)
        return out

    def warp(self, index: int) -> Warp:
        """How the frame of that index is drawn."""
        import cv2

        rig = self._rig
        pose = self._track.poses[index]
        head, posed = self._solve_head(pose), self._solve_mouth(pose)
        x0, y0, x1, y1 = rig.region
        where = warp.enlarge(2 * (rig.head.grid.nodes + head.back), rig.head.grid, rig.region)
        cut = np.zeros((y1 - y0, x1 - x0), np.uint8)
        if pose[: len(EXPRESSION)].any():
            _lay_over(where, rig.region, posed.mouth, rig.mouth_box)
            outline = np.concatenate([posed.lips[0], posed.lips[1][::-1]]) - (x0, y0)
            cv2.fillPoly(cut, [np.round(outline).astype(np.int32)], 1)
            cut = cv2.dilate(cut, np.ones((7, 7)))  # the tear, and the pixels a gradient across it reads
        return Warp(
            box=(x0, y0, x1, y1),
            map=where * np.float32(0.5),
            residual=self._missed(head, posed),
            cut=cut.astype(bool),
            lips=posed.lips,
            opening=posed.opening,
        )

    # ------------------------------------------------------------------------------------------ the maps

    def _solve_head(self, pose: Floats) -> _Inverse:
        u = warp.displacement(self._rig.head, pose)
        return _Inverse(u, warp.invert_smooth(u, self._head_index, self._rig.head.grid.step))

    def _solve_mouth(self, pose: Floats) -> _Posed:
        """Both layers, the lips and the mouth's map, which at rest is exactly the identity."""
        rig = self._rig
        grid = rig.upper.grid
        layers = []
        for layer in (rig.upper, rig.lower):
            u = warp.displacement(layer, pose)
            layers.append(_Inverse(u, warp.invert_steep(u, self._mouth_index, grid.step)))
        upper, lower = layers
        still = rig.face.upper_line, rig.face.lower_line
        lips = (still[0] + warp.sample(upper.u, grid, still[0]), still[1] + warp.sample(lower.u, grid, still[1]))
        down = rig.face.down.astype(np.float32)
        crossed = np.minimum((lips[1] - lips[0]) @ down, 0)[:, None] * down  # lips that cross meet halfway
        lips = (lips[0] + crossed * np.float32(0.5), lips[1] - crossed * np.float32(0.5))
        distance = (lips[1] - lips[0]) @ down
        mouth = warp.enlarge(2 * (grid.nodes + upper.back), grid, rig.mouth_box)
        under = warp.enlarge(2 * (grid.nodes + lower.back), grid, rig.mouth_box)
        self._join(mouth, under, (lips[0] + lips[1]) / 2)
        return _Posed(
            upper=upper,
            lower=lower,
            lips=lips,
            opening=float(distance.max()),
            parted=float(np.abs(distance - (still[1] - still[0]) @ down).max()),
            mouth=mouth,
        )

    def _join(self, upper: Floats, lower: Floats, line: Floats) -> None:
        """Write the lower layer's map below the ``line`` (65, 2) px into the upper one's, over the mouth box."""
        import cv2

        face, box = self._rig.face, self._rig.mouth_box
        far = 4 * face.face_height
        ends = line[0] - face.across * far, line[-1] + face.across * far
        outline = [ends[0], *line, ends[1], ends[1] + face.down * far, ends[0] + face.down * far]
        below = np.zeros(upper.shape[:2], np.uint8)
        corners = np.round((np.array(outline) - box[:2]) * 2**SUBPIXEL_BITS).astype(np.int32)
        cv2.fillPoly(below, [corners], 1, shift=SUBPIXEL_BITS)
        cv2.copyTo(lower, below, upper)

    def _missed(self, all_over: _Inverse, posed: _Posed) -> Floats:
        """How far the inverse misses at every node, each where its layer draws, (N,) px."""
        rig = self._rig
        head, mouth = rig.head.grid, rig.upper.grid
        x0, y0, x1, y1 = rig.mouth_box

        def inside(nodes: Floats) -> npt.NDArray[np.bool_]:
            x, y = nodes[..., 0], nodes[..., 1]
            found: npt.NDArray[np.bool_] = (x > x0) & (x < x1) & (y > y0) & (y < y1)
            return found

        upper = warp.residual(posed.upper.u, posed.upper.back, self._mouth_index, mouth.step)
        lower = warp.residual(posed.lower.u, posed.lower.back, self._mouth_index, mouth.step)
        elsewhere = warp.residual(all_over.u, all_over.back, self._head_index, head.step)
        along, below = rig.face.local(mouth.nodes.astype(np.float64))
        line = (posed.lips[0] + posed.lips[1]) / 2
        drawn = np.where(below > rig.face.line_heights(along, line), lower, upper)
        return np.concatenate([elsewhere[~inside(head.nodes)], drawn[inside(mouth.nodes)]])

    # ------------------------------------------------------------------------------------------ the mouth

    def _draw_mouth(self, posed: _Posed, pose: Floats, tongue: float) -> None:
        """Paint what opens between the lips, or the shadow between lips that newly touch."""
        face = self._rig.face
        if face.opened:
            touching = 1 - posed.opening / (0.03 * face.mouth_width)
            if touching > 0:
                self._draw_contact(posed, touching)
            strength = min(1.0, posed.parted / (0.035 * face.mouth_width))
        else:
            strength = min(1.0, (posed.opening - PARTED) / 1.2)
        if posed.opening > PARTED and strength > 0:
            draw_interior(
                self._buffer,
                face,
                self._rig.interior,
                posed.lips,
                self._skull_motion(pose),
                float(pose[INDEX["roll"]]),
                float(pose[INDEX["jaw"]]) * JAW_DROP * face.opening_unit,
                tongue,
                strength,
            )

    def _skull_motion(self, pose: Floats) -> Array:
        """How the upper teeth move: with the head alone, px."""
        rig = self._rig
        line = rig.face.upper_line
        head = pose.copy()
        head[: len(EXPRESSION)] = 0
        if not head.any():
            return np.zeros(2)
        u = warp.displacement(rig.upper, head)
        moved: Array = warp.sample(u, rig.upper.grid, line[len(line) // 2][None])[0].astype(np.float64)
        return moved

    def _draw_contact(self, posed: _Posed, strength: float) -> None:
        """The shadow between lips that were apart in the still and now touch."""
        import cv2

        width = self._rig.face.mouth_width
        line = (posed.lips[0] + posed.lips[1]) / 2
        margin = 2 + int(0.05 * width)
        x0, y0 = np.maximum(np.floor(line.min(0)).astype(int) - margin, 0)
        x1, y1 = np.minimum(np.ceil(line.max(0)).astype(int) + margin, self.size)
        shadow = np.zeros((y1 - y0, x1 - x0), np.uint8)
        points = np.round((line - (x0, y0)) * 2**SUBPIXEL_BITS).astype(np.int32)
        thickness = max(1, round(0.012 * width))
        inner = slice(len(line) // 16, -(len(line) // 16))  # not quite to the corners, where the lips always touch
        cv2.polylines(shadow, [points[inner]], False, 255, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
        dark = cv2.GaussianBlur(shadow.astype(np.float32), (0, 0), max(0.7, 0.009 * width))
        shade = 1 - dark * np.float32(CONTACT * strength / 255)
        mouth = self._buffer[y0:y1, x0:x1]
        mouth[:] = (mouth * shade[..., None] + 0.5).astype(np.uint8)


def _lay_over(part: Floats, box: IntBox, mouth: Floats, mouth_box: IntBox) -> None:
    """Write the mouth's map into another one wherever their boxes overlap."""
    x0, y0 = max(box[0], mouth_box[0]), max(box[1], mouth_box[1])
    x1, y1 = min(box[2], mouth_box[2]), min(box[3], mouth_box[3])
    if x0 < x1 and y0 < y1:
        a, b = box[:2]
        c, d = mouth_box[:2]
        part[y0 - b : y1 - b, x0 - a : x1 - a] = mouth[y0 - d : y1 - d, x0 - c : x1 - c]
