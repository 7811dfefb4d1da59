"""A face among other motions: its head is one displacement of many, its mouth and lids are patches on top.

Where only a face moves, `stillwake.engines.animator.render` draws it. Where the camera moves too, or hair sways, what
the head does is added to what they do, in one map; and mouth and lids, which are drawn anew, are drawn at twice the
size in boxes of their own and laid on top.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator import warp
from stillwake.engines.animator.anatomy import smoothstep
from stillwake.engines.animator.fields import EXPRESSION, WINDOW, Grid, Layer
from stillwake.engines.animator.gaze import Gaze
from stillwake.engines.animator.ink import double
from stillwake.engines.animator.parts import IntBox, Pose
from stillwake.engines.animator.render import Talk, Warp
from stillwake.engines.animator.rig import build_rig
from stillwake.engines.animator.tracks import Track
from stillwake.perceive.look import moved
from stillwake.types import Face, Floats, Pixels, Scene, Size

FEATHER = 0.12
"""How wide a patch's edge is, as a share of its shorter side."""


class Ride:
    """What a head does to the map of the layer it is in."""

    def __init__(self, head: Layer, track: Track) -> None:
        self._head, self._track = head, track
        self._index = warp.node_index(head.grid)

    def back(self, index: int, where: Floats) -> Floats:
        """(h, w, 2) px to add to the positions ``where`` (h, w, 2) px of frame ``index``."""
        pose = self._track.poses[index]
        if not pose.any():
            return np.zeros_like(where)
        u = warp.displacement(self._head, pose)
        return warp.looked_up(warp.invert_smooth(u, self._index, self._head.grid.step), self._head.grid, where)


class Patches:
    """What of a face is drawn anew, in boxes, to be laid over a picture that moves.

    A photographed mouth and its lids are painted where the head has carried them: they are drawn at twice the size and
    moved by the camera alone. A drawn one is redrawn in the still, and moves with everything else.
    """

    def __init__(self, scene: Scene, face: Face, track: Track, fps: Fraction, seen: tuple[bool, bool]) -> None:
        """``seen`` which eyes look anywhere."""
        self._track = track
        self._redrawn = face.mesh is None
        if self._redrawn:
            rig = build_rig(scene, face)
            self._corner = np.zeros(2, np.float32)
            self._picture = rig.doubled.copy()
            mouths, lids = (
                tuple((2 * a, 2 * b, 2 * c, 2 * d) for a, b, c, d in part.boxes) for part in (rig.mouth, rig.lids)
            )
            self._boxes = (*mouths, *lids)
            matte = None
        else:
            closer, self._corner = _closer(scene, face)
            rig = build_rig(closer, closer.faces[0])
            mouths, lids = rig.redrawn(rig.mouth), rig.redrawn(rig.lids)
            self._boxes = (*mouths, *lids)
            gaze = Gaze(closer.faces[0], seen, 2, rig.doubled.shape) if track.gaze is not None else None
            self._talk = Talk(rig, track, fps, self._boxes, gaze or None)
            matte = closer.matte
        self._rig = rig
        self._mouths = len(mouths)
        self._weights = [_window(box, matte) for box in self._boxes]

    def _drawn(self, index: int) -> Pixels:
        """The face of frame ``index`` at twice the size, right in the boxes alone."""
        if not self._redrawn:
            return self._talk.frame(index)
        rig, track = self._rig, self._track
        pose = Pose(track.poses[index], float(track.blink[index]), float(track.tongue[index]))
        for x0, y0, x1, y1 in self._boxes:
            self._picture[y0:y1, x0:x1] = rig.doubled[y0:y1, x0:x1]
        rig.mouth.redraw(self._picture, pose)
        rig.lids.redraw(self._picture, pose)
        return self._picture

    def warps(self, index: int) -> tuple[Warp, ...]:
        """How what is painted at twice the size is drawn; nothing for a drawn face, which moves with the rest."""
        return () if self._redrawn else self._talk.warps(index)

    def covers(self, index: int, seen: Floats, shown: Floats, grid: Grid, size: Size) -> npt.NDArray[np.bool_] | None:
        """Where nothing but the patches of frame ``index`` is seen, (H, W); None where there are none."""
        if self._at_rest(index):
            return None
        covered = np.zeros((size[1], size[0]), bool)
        for (a, b, c, d), _, share in self._placed(index, seen, shown, grid, size):
            covered[b:d, a:c] |= share > 0.99
        return covered

    def _at_rest(self, index: int) -> bool:
        return not any(self._active(index))

    def _active(self, index: int) -> tuple[bool, bool]:
        """Whether the mouth, and whether the lids, are drawn anew: what is not would only lose sharpness by it."""
        return bool(self._track.poses[index, : len(EXPRESSION)].any()), bool(self._track.blink[index] > 0)

    def lay(self, out: Pixels, index: int, seen: Floats, shown: Floats, grid: Grid) -> None:
        """Lay the patches of frame ``index`` over ``out`` (H, W, 3).

        The nodes of the grid see the place ``seen`` (h, w, 2) px of the picture and show ``shown`` of the still, where
        what is there comes from.
        """
        import cv2

        if self._at_rest(index):
            return
        drawn = self._drawn(index)
        for (a, b, c, d), part, share in self._placed(index, seen, shown, grid, (out.shape[1], out.shape[0])):
            patch = cv2.remap(drawn, part, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            target = out[b:d, a:c]
            target[:] = cv2.blendLinear(patch, target.copy(), share, 1 - share)

    def _placed(
        self, index: int, seen: Floats, shown: Floats, grid: Grid, size: Size
    ) -> Iterator[tuple[IntBox, Floats, Floats]]:
        """For each patch that is drawn and in view: its px box in the frame, its map and how much of it is laid."""
        import cv2

        at = ((shown if self._redrawn else seen) - self._corner) * np.float32(2)
        x, y = at[..., 0], at[..., 1]
        near = 2.0 * grid.step + 1
        speaks, blinks = self._active(index)
        drawn = slice(0 if speaks else self._mouths, None if blinks else self._mouths)
        for (x0, y0, x1, y1), weight in zip(self._boxes[drawn], self._weights[drawn], strict=True):
            inside = (x > x0 - near) & (x < x1 + near) & (y > y0 - near) & (y < y1 + near)
            inside[[0, -1]] = inside[:, [0, -1]] = False
            rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
            if not len(rows):
                continue
            box = _cells(rows, columns, grid, size)
            part = warp.enlarge(at, grid, box)
            yield box, part, cv2.remap(weight, part - np.array([x0, y0], np.float32), None, cv2.INTER_LINEAR)


def _window(box: IntBox, matte: Floats | None) -> Floats:
    """How much of a box is laid over what is there, (h, w) float32: none at its edges, all in its middle."""
    x0, y0, x1, y1 = box
    across, down = np.arange(x1 - x0), np.arange(y1 - y0)
    inward = np.minimum.outer(np.minimum(down, down[::-1]), np.minimum(across, across[::-1]))
    weight: Floats = smoothstep(inward, 1, 2 + FEATHER * min(x1 - x0, y1 - y0)).astype(np.float32)
    return weight if matte is None else weight * matte[y0:y1, x0:x1]


def _cells(rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], grid: Grid, size: tuple[int, int]) -> IntBox:
    step, (column, row) = grid.step, grid.first
    return (
        max(0, (int(columns[0]) + column) * step),
        max(0, (int(rows[0]) + row) * step),
        min(size[0], (int(columns[-1]) + column + 1) * step),
        min(size[1], (int(rows[-1]) + row + 1) * step),
    )


def _closer(scene: Scene, face: Face) -> tuple[Scene, Floats]:
    """The surroundings of one face at twice the size, and where they begin in the picture, (2,) px."""
    import cv2

    width, height = scene.still.size
    middle = face.mouth.inner_upper.mean(0)
    reach = 0.8 * float(max(WINDOW)) * max(face.size, face.box[3] - face.box[1])
    x0, y0 = max(0, int(middle[0] - reach)), max(0, int(middle[1] - reach))
    x1, y1 = min(width, int(middle[0] + reach)), min(height, int(middle[1] + reach))
    cut = double(np.ascontiguousarray(scene.still.pixels[y0:y1, x0:x1]))
    still = dataclasses.replace(scene.still, pixels=cut, alpha=None)
    only = dataclasses.replace(scene, faces=(face,), seen=dict(scene.seen), depth=None, strokes=None, pinned=None)

    def plane(values: Floats) -> Floats:
        part: Floats = cv2.resize(values[y0:y1, x0:x1], (2 * (x1 - x0), 2 * (y1 - y0)), interpolation=cv2.INTER_LINEAR)
        return part

    closer = moved(only, still, plane, scale=(2, 2), shift=(-0.5 - 2 * x0, -0.5 - 2 * y0))
    return closer, np.array([x0, y0], np.float32)
