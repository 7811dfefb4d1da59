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
class _Posed:
    """A pose solved.

    ``where`` in the doubled still the head's nodes come from, and the maps of both layers over the mouth box, px; then
    the node fields (h, w, 2) px they were made from.
    """

    where: Floats
    upper_map: Floats
    lower_map: Floats
    below: Floats
    lips: tuple[Floats, Floats]
    opening: float
    parted: float
    skull: Array
    u: Floats
    inverse: Floats
    u_upper: Floats
    upper: Floats
    u_lower: Floats
    lower: Floats
    is_lower: npt.NDArray[np.bool_]


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
        self._node_along, self._node_below = rig.face.local(rig.upper.grid.nodes.astype(np.float64))
        a, b, c, d = rig.mouth_box
        grid = np.dstack(np.meshgrid(np.arange(a, c), np.arange(b, d))).astype(np.float64)
        along, below = rig.face.local(grid)
        self._along, self._below = along, below.astype(np.float32)
        self._columns = np.linspace(along.min(), along.max(), 4 * (c - a))
        span = self._columns[-1] - self._columns[0]
        self._column = ((along - self._columns[0]) / span * (len(self._columns) - 1)).astype(np.float32)
        self._zero = np.zeros_like(self._column)
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
            posed = self._solve(pose)
            where = posed.where
            for band in rig.bands:  # band by band, so that the map never leaves the processor's cache
                a, b, c, d = band
                cv2.remap(
                    rig.doubled,
                    warp.enlarge(where, grid, band, self._room),
                    None,
                    cv2.INTER_LINEAR,
                    dst=out[b:d, a:c],
                    borderMode=cv2.BORDER_REPLICATE,
                )
            if pose[: len(EXPRESSION)].any():
                self._draw_mouth(posed, pose, tongue)
        if blink > 0:
            for eye, box in zip(rig.face.eyes, self._eye_boxes, strict=True):
                draw_lids(out, box[:2], rig.doubled, rig.skin, warp.enlarge(where, grid, box), eye, blink)
        return out

    def warp(self, index: int) -> Warp:
        """How the frame of that index is drawn."""
        rig = self._rig
        pose = self._track.poses[index]
        posed = self._solve(pose)
        x0, y0, x1, y1 = rig.region
        where = warp.enlarge(posed.where, rig.head.grid, rig.region)
        cut = np.zeros((y1 - y0, x1 - x0), np.uint8)
        if pose[: len(EXPRESSION)].any():
            import cv2

            a, b, c, d = rig.mouth_box
            select = (posed.below > 0)[..., None]
            where[b - y0 : d - y0, a - x0 : c - x0] = np.where(select, posed.lower_map, posed.upper_map)
            outline = np.concatenate([posed.lips[0], posed.lips[1][::-1]]) - (x0, y0)
            cv2.fillPoly(cut, [np.round(outline).astype(np.int32)], 1)
            cut = cv2.dilate(cut, np.ones((7, 7)))  # the tear, and the pixels a gradient across it reads
        return Warp(
            box=(x0, y0, x1, y1),
            map=where * np.float32(0.5),
            residual=_missed(rig, posed, self._head_index, self._mouth_index),
            cut=cut.astype(bool),
            lips=posed.lips,
            opening=posed.opening,
        )

    # ------------------------------------------------------------------------------------------ the maps

    def _solve(self, pose: Floats) -> _Posed:
        """Maps into the doubled still; at rest they are exactly the identity."""
        rig = self._rig
        head, mouth = rig.head.grid, rig.upper.grid
        u = warp.displacement(rig.head, pose)
        inverse = warp.invert_smooth(u, self._head_index, head.step)
        u_upper = warp.displacement(rig.upper, pose)
        upper = warp.invert_steep(u_upper, self._mouth_index, mouth.step)
        u_lower = warp.displacement(rig.lower, pose)
        lower = warp.invert_steep(u_lower, self._mouth_index, mouth.step)
        lips = (
            rig.face.upper_line + warp.sample(u_upper, mouth, rig.face.upper_line),
            rig.face.lower_line + warp.sample(u_lower, mouth, rig.face.lower_line),
        )
        down = rig.face.down.astype(np.float32)
        crossed = np.minimum((lips[1] - lips[0]) @ down, 0)[:, None] * down  # lips that cross meet halfway
        lips = (lips[0] + crossed * np.float32(0.5), lips[1] - crossed * np.float32(0.5))
        distance = (lips[1] - lips[0]) @ down
        middle = (lips[0] + lips[1]) / 2
        along, heights = rig.face.local(middle)
        below = self._below - self._look_up(np.interp(self._columns, along, heights))

        is_lower = self._node_below > np.interp(self._node_along, along, heights)
        return _Posed(
            where=2 * (head.nodes + inverse),
            upper_map=warp.enlarge(2 * (mouth.nodes + upper), mouth, rig.mouth_box),
            lower_map=warp.enlarge(2 * (mouth.nodes + lower), mouth, rig.mouth_box),
            below=below,
            lips=lips,
            opening=float(distance.max()),
            parted=float(np.abs(distance - (rig.face.lower_line - rig.face.upper_line) @ down).max()),
            skull=self._skull_motion(pose),
            u=u,
            inverse=inverse,
            u_upper=u_upper,
            upper=upper,
            u_lower=u_lower,
            lower=lower,
            is_lower=is_lower,
        )

    def _look_up(self, heights: Array) -> Floats:
        """Heights given at `_columns`, at every pixel of the mouth box."""
        import cv2

        row = heights.astype(np.float32)[None]
        found: Floats = cv2.remap(row, self._column, self._zero, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return found

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

    # ------------------------------------------------------------------------------------------ the mouth

    def _draw_mouth(self, posed: _Posed, pose: Floats, tongue: float) -> None:
        import cv2

        rig, face, out = self._rig, self._rig.face, self._buffer
        a, b, c, d = rig.mouth_box

        def layer(where: Floats) -> Pixels:
            drawn: Pixels = cv2.remap(rig.doubled, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            return drawn

        upper, lower = layer(posed.upper_map), layer(posed.lower_map)
        share = np.clip(posed.below + np.float32(0.5), 0, 1)  # the cut is as soft as a pixel, no staircase
        mouth = out[b:d, a:c]
        cv2.blendLinear(upper, lower, 1 - share, share, dst=mouth)
        if face.opened:
            touching = 1 - posed.opening / (0.03 * face.mouth_width)
            if touching > 0:
                self._draw_contact(mouth, posed, touching)
            strength = min(1.0, posed.parted / (0.035 * face.mouth_width))
        else:
            strength = min(1.0, (posed.opening - PARTED) / 1.2)
        if posed.opening > PARTED and strength > 0:
            jaw = float(pose[INDEX["jaw"]]) * JAW_DROP * face.opening_unit
            draw_interior(
                out,
                face,
                rig.interior,
                posed.lips,
                posed.skull,
                float(pose[INDEX["roll"]]),
                jaw,
                tongue,
                strength,
            )

    def _draw_contact(self, mouth: Pixels, posed: _Posed, strength: float) -> None:
        """The shadow between lips that were apart in the still and now touch."""
        face = self._rig.face
        line = (posed.lips[0] + posed.lips[1]) / 2
        ends = face.local(line[[0, -1]].astype(np.float64))[0]
        middle, half = ends.mean(), (ends[1] - ends[0]) / 2
        fade = np.clip(1 - np.abs((self._along - middle) / half) ** 4, 0, 1).astype(np.float32)
        bell = np.exp(-((posed.below / np.float32(0.012 * face.mouth_width)) ** 2))
        shade = 1 - np.float32(0.38 * strength) * fade * bell
        mouth[:] = (mouth * shade[..., None] + 0.5).astype(np.uint8)


def _missed(rig: Rig, posed: _Posed, head_index: Floats, mouth_index: Floats) -> Floats:
    """How far the inverse misses at every node, each where its layer draws, (N,) px."""
    head, mouth = rig.head.grid, rig.upper.grid
    x0, y0, x1, y1 = rig.mouth_box
    x, y = head.nodes[..., 0], head.nodes[..., 1]
    around = ~((x > x0) & (x < x1) & (y > y0) & (y < y1))
    x, y = mouth.nodes[..., 0], mouth.nodes[..., 1]
    within = (x > x0) & (x < x1) & (y > y0) & (y < y1)
    upper = warp.residual(posed.u_upper, posed.upper, mouth_index, mouth.step)
    lower = warp.residual(posed.u_lower, posed.lower, mouth_index, mouth.step)
    elsewhere = warp.residual(posed.u, posed.inverse, head_index, head.step)
    return np.concatenate([elsewhere[around], np.where(posed.is_lower, lower, upper)[within]])
