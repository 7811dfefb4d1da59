"""Rig + track -> frames."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator import warp
from stillwake.engines.animator.fields import EXPRESSION
from stillwake.engines.animator.gaze import Gaze
from stillwake.engines.animator.parts import Bent, IntBox, Pose
from stillwake.engines.animator.rig import Rig
from stillwake.engines.animator.tracks import Track
from stillwake.types import Floats, Pixels, Size


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


class OneThread:
    """While frames are drawn, as a context, OpenCV takes one thread.

    The encoder has the other cores; threads for a millisecond's work only get into its way.
    """

    def __enter__(self) -> Self:
        import cv2

        self._threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import cv2

        cv2.setNumThreads(self._threads)


class Talk(OneThread):
    """A performance: every frame of a talking face, drawn when it is asked for."""

    def __init__(
        self,
        rig: Rig,
        track: Track,
        fps: Fraction,
        only: tuple[IntBox, ...] | None = None,
        gaze: Gaze | None = None,
    ) -> None:
        """A face that plays ``track``; with ``only`` px boxes, nothing beyond them is kept up to date."""
        self._rig, self._track, self._gaze = rig, track, gaze
        self._bands = rig.bands if only is None else only
        self.fps = fps
        self.frame_count = len(track.poses)
        self.size: Size = (rig.source.shape[1], rig.source.shape[0])
        self.mask: npt.NDArray[np.bool_] | None = rig.mask
        self._buffer = rig.source.copy()
        redrawn = rig.face.mesh is None or gaze is not None  # a drawing, and eyes that move, are redrawn in it
        self._picture = rig.doubled.copy() if redrawn else rig.doubled
        self._room = warp.room_for(rig.head.grid, self._bands)
        self._head_index = warp.node_index(rig.head.grid)

    def frame(self, index: int) -> Pixels:
        """The frame of that index, (H, W, 3) uint8 RGB; valid until the next call."""
        if not 0 <= index < self.frame_count:
            raise IndexError(f"frame {index} of {self.frame_count}")
        track = self._track
        return self.draw(track.poses[index], float(track.blink[index]), float(track.tongue[index]), track.looks(index))

    def draw(
        self, coefficients: Floats, blink: float = 0.0, tongue: float = 0.0, looks: Floats | None = None
    ) -> Pixels:
        """The face in any pose (K,), which is what a contact sheet of visemes asks for."""
        import cv2

        rig, out = self._rig, self._buffer
        pose = Pose(coefficients, blink, tongue)
        for a, b, c, d in (*rig.mouth.boxes, *rig.lids.boxes):
            self._picture[2 * b : 2 * d, 2 * a : 2 * c] = rig.doubled[2 * b : 2 * d, 2 * a : 2 * c]
        if self._gaze is not None:
            self._gaze.redraw(self._picture, rig.doubled, np.zeros(2, np.float32) if looks is None else looks)
        rig.mouth.redraw(self._picture, pose)
        rig.lids.redraw(self._picture, pose)
        grid = rig.head.grid
        where = 2 * grid.nodes  # into the doubled still
        if not coefficients.any():
            for a, b, c, d in self._bands:
                out[b:d, a:c] = self._picture[2 * b : 2 * d : 2, 2 * a : 2 * c : 2]
        else:
            where = 2 * (grid.nodes + self._back(warp.displacement(rig.head, coefficients)))
            bent = rig.mouth.bend(pose) if coefficients[: len(EXPRESSION)].any() else None
            for band in self._bands:  # band by band, so that the map never leaves the processor's cache
                a, b, c, d = band
                part = warp.enlarge(where, grid, band, self._room)
                _lay_over(part, band, bent)
                cv2.remap(
                    self._picture, part, None, cv2.INTER_LINEAR, dst=out[b:d, a:c], borderMode=cv2.BORDER_REPLICATE
                )
            if bent is not None:
                rig.mouth.paint(out, bent, pose)
        rig.lids.finish(out, where, grid, pose)
        return out

    def warps(self, index: int) -> tuple[Warp, ...]:
        """How the frame of that index is drawn, one map a layer."""
        return (self.warp(index),)

    def warp(self, index: int) -> Warp:
        """How the frame of that index is drawn."""
        import cv2

        rig, track = self._rig, self._track
        grid = rig.head.grid
        pose = Pose(track.poses[index], float(track.blink[index]), float(track.tongue[index]))
        u = warp.displacement(rig.head, pose.coefficients)
        back, bent = self._back(u), rig.mouth.bend(pose)
        x0, y0, x1, y1 = rig.region
        where = warp.enlarge(2 * (grid.nodes + back), grid, rig.region)
        cut = np.zeros((y1 - y0, x1 - x0), np.uint8)
        if pose.coefficients[: len(EXPRESSION)].any():
            _lay_over(where, rig.region, bent)
            outline = np.concatenate([bent.lips[0], bent.lips[1][::-1]]) - (x0, y0)
            cv2.fillPoly(cut, [np.round(outline).astype(np.int32)], 1)
            around = max(7, grid.step | 1)  # the tear, and the pixels a gradient across it reads
            cut = cv2.dilate(cut, np.ones((around, around)))
        missed = warp.residual(u, back, self._head_index, grid.step)
        x, y = grid.nodes[..., 0], grid.nodes[..., 1]
        a, b, c, d = bent.box
        bends = (x > a) & (x < c) & (y > b) & (y < d) if bent.map is not None else np.zeros(x.shape, bool)
        return Warp(
            box=(x0, y0, x1, y1),
            map=where * np.float32(0.5),
            residual=np.concatenate([missed[~bends], rig.mouth.missed(bent)]),
            cut=cut.astype(bool),
            lips=bent.lips,
            opening=bent.opening,
        )

    def _back(self, u: Floats) -> Floats:
        """The inverse of the head's displacement."""
        return warp.invert_smooth(u, self._head_index, self._rig.head.grid.step)


def _lay_over(part: Floats, box: IntBox, bent: Bent | None) -> None:
    """Write what the mouth makes of the map into it wherever their boxes overlap."""
    if bent is None or bent.map is None:
        return
    x0, y0 = max(box[0], bent.box[0]), max(box[1], bent.box[1])
    x1, y1 = min(box[2], bent.box[2]), min(box[3], bent.box[3])
    if x0 < x1 and y0 < y1:
        a, b = box[:2]
        c, d = bent.box[:2]
        part[y0 - b : y1 - b, x0 - a : x1 - a] = bent.map[y0 - d : y1 - d, x0 - c : x1 - c]
