"""Everything about a face that depends on the still alone, built once in a second or two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator import warp
from stillwake.engines.animator.anatomy import Anatomy, Array, measure
from stillwake.engines.animator.cel_lids import CelLids
from stillwake.engines.animator.cel_mouth import CelMouth
from stillwake.engines.animator.fields import (
    COEFFICIENTS,
    LIMITS,
    MARGIN,
    Grid,
    Layer,
    head_grid,
    layered_fields,
    mouth_grid,
)
from stillwake.engines.animator.ink import double
from stillwake.engines.animator.lids import SkinLids
from stillwake.engines.animator.lips import CutMouth
from stillwake.engines.animator.mouth import paint_interior_textures
from stillwake.engines.animator.parts import IntBox, MouthPart, Part, eyes_seen
from stillwake.errors import NotReadyError
from stillwake.types import Face, Floats, Pixels, Scene, Size

MOVES = 0.1
"""A node counts as moving when the coefficients at their limits may move it by more px than this."""
BAND_ROWS = 96
"""Height in px of the bands the picture is drawn in, each only as wide as what moves in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Rig:
    """A face ready to be posed.

    ``source`` (H, W, 3) uint8 RGB; ``doubled`` the same at twice the size, sampled in its place because bilinear
    sampling of it is sharper and cheaper than bicubic sampling of the source; ``head`` the fields over everything
    that moves, each side of the rest line by its own layer; ``mask`` (H, W) bool; ``region`` and ``bands`` px boxes
    of what is redrawn; ``mouth`` and ``lids`` what is more than head.
    """

    face: Anatomy
    source: Pixels
    doubled: Pixels
    head: Layer
    mask: npt.NDArray[np.bool_]
    region: IntBox
    bands: tuple[IntBox, ...]
    mouth: MouthPart
    lids: Part

    def redrawn(self, part: Part) -> tuple[IntBox, ...]:
        """The px boxes, on the raster of the head's grid, in which mouth or lids are more than the head's map."""
        grid, (x0, y0, x1, y1) = self.head.grid, self.region
        most = np.abs(self.head.basis).reshape(len(COEFFICIENTS), *grid.shape, 2).max(-1).transpose(1, 2, 0) @ LIMITS
        boxes = []
        for a, b, c, d in part.reach:
            x, y = grid.nodes[..., 0], grid.nodes[..., 1]
            near = (x > a - grid.step) & (x < c + grid.step) & (y > b - grid.step) & (y < d + grid.step)
            margin = float(most[near].max(initial=0.0)) + 2 if self.face.mesh is None else 0.0
            step = grid.step
            boxes.append(
                (
                    max(x0, int((a - margin) // step * step)),
                    max(y0, int((b - margin) // step * step)),
                    min(x1, int(-(-(c + margin) // step) * step)),
                    min(y1, int(-(-(d + margin) // step) * step)),
                )
            )
        return tuple(box for box in boxes if box[0] < box[2] and box[1] < box[3])


def build_rig(scene: Scene, face: Face, free: Floats | None = None) -> Rig:
    """The rig of one of the scene's faces, which moves by its mesh or, where it is drawn, by its contours.

    ``free`` (H, W) float32 0..1 is how far each place may move; everywhere if None.

    Raises
    ------
    stillwake.errors.NotReadyError
        Nothing of it may move.
    """
    source = scene.still.pixels
    size = scene.still.size
    anatomy = measure(source, face)
    doubled = double(source)
    mouth: MouthPart
    lids: Part
    if face.mesh is None:
        mouth, lids = CelMouth(source, doubled, anatomy, face), CelLids(source, doubled, anatomy, face)
        head, mask, region, bands = _head(anatomy, size, scene.matte, free, (*mouth.boxes, *lids.boxes))
    else:
        head, mask, region, bands = _head(anatomy, size, scene.matte, free)
        upper, lower, moves_too = _mouth(anatomy, size, scene.matte, free)
        mask |= moves_too
        interior = paint_interior_textures(source, anatomy)
        mouth = CutMouth(anatomy, upper, lower, _mouth_box(upper.grid, region), interior)
        eyes = tuple(eye for eye, seen in zip(anatomy.eyes, eyes_seen(face), strict=True) if seen)
        lids = SkinLids(source, doubled, eyes, region, head.grid.step)
    return Rig(anatomy, source, doubled, head, mask, region, bands, mouth, lids)


def build_head(scene: Scene, face: Face, free: Floats | None = None) -> tuple[Anatomy, Layer]:
    """The fields of everything that moves with a face, without what draws its mouth and lids.

    Raises
    ------
    stillwake.errors.NotReadyError
        Nothing of it may move.
    """
    anatomy = measure(scene.still.pixels, face)
    return anatomy, _head(anatomy, scene.still.size, scene.matte, free)[0]


def _head(
    face: Anatomy, size: Size, matte: Floats | None, free: Floats | None, redrawn: tuple[IntBox, ...] = ()
) -> tuple[Layer, npt.NDArray[np.bool_], IntBox, tuple[IntBox, ...]]:
    """The layer over everything that moves, the mask of it, and the region and bands it is drawn in.

    The boxes ``redrawn`` count as moving.
    """
    import cv2

    grid = head_grid(face, size)
    upper, lower = layered_fields(face, grid, size, matte)
    along, below = face.local(grid.nodes.astype(np.float64))
    is_lower = below > face.line_heights(along, (face.upper_line + face.lower_line) / 2)
    base = np.where(is_lower[..., None, None], lower, upper) * _freedom(free, grid)
    moving = _moving_nodes(base)
    x, y = grid.nodes[..., 0], grid.nodes[..., 1]
    for x0, y0, x1, y1 in redrawn:
        moving |= (x > x0 - grid.step) & (x < x1 + grid.step) & (y > y0 - grid.step) & (y < y1 + grid.step)
    drawn = cv2.dilate(moving.astype(np.uint8), np.ones((3, 3))).astype(bool)
    drawn[[0, -1]] = drawn[:, [0, -1]] = False
    if not drawn.any():
        raise NotReadyError("Cannot animate", "nothing of the face is left to move", "hold less of it still")
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    region = _cells((columns[0], rows[0], columns[-1], rows[-1]), grid, size)
    within = slice(int(rows[0]) - 1, int(rows[-1]) + 2), slice(int(columns[0]) - 1, int(columns[-1]) + 2)
    weight = moving[within].astype(np.float32)
    weight[[0, -1]], weight[:, [0, -1]] = weight[[1, -2]], weight[:, [1, -2]]  # a zeroed pad would fold the border
    layer = Layer(grid.part(*within), _pack(base[within] * weight[..., None, None]))
    return layer, _mask(moving, grid, size), region, _bands(drawn, grid, size)


def _mouth(
    face: Anatomy, size: Size, matte: Floats | None, free: Floats | None
) -> tuple[Layer, Layer, npt.NDArray[np.bool_]]:
    """Both layers around the mouth, and the mask of what they move."""
    grid = mouth_grid(face, size)
    upper, lower = (field * _freedom(free, grid) for field in layered_fields(face, grid, size, matte))
    moving = _moving_nodes(upper) | _moving_nodes(lower)
    weight = moving[..., None, None].astype(np.float32)
    return Layer(grid, _pack(upper * weight)), Layer(grid, _pack(lower * weight)), _mask(moving, grid, size)


def _freedom(free: Floats | None, grid: Grid) -> Floats | float:
    """How far the nodes may move, (h, w, 1, 1), or 1."""
    return 1.0 if free is None else warp.at_nodes(free, grid)[..., None, None]


def _moving_nodes(field: Floats) -> npt.NDArray[np.bool_]:
    moving: npt.NDArray[np.bool_] = np.linalg.norm(field, axis=-1) @ LIMITS > MOVES
    return moving


def _mask(moving: npt.NDArray[np.bool_], grid: Grid, size: Size) -> npt.NDArray[np.bool_]:
    """The pixels between a moving node and its neighbours: all others are the still's own."""
    import cv2

    step, (column, row) = grid.step, grid.first
    reach = cv2.resize(moving.astype(np.float32), None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR) > 0
    mask = np.zeros((size[1], size[0]), bool)
    x0, y0 = max(0, column * step), max(0, row * step)
    inside = reach[y0 - row * step :, x0 - column * step :][: size[1] - y0, : size[0] - x0]
    mask[y0 : y0 + inside.shape[0], x0 : x0 + inside.shape[1]] = inside
    return mask


def _cells(nodes: IntBox, grid: Grid, size: Size) -> IntBox:
    """The px box of the cells of a box of nodes, both ends included."""
    step, (column, row) = grid.step, grid.first
    c0, r0, c1, r1 = (int(v) for v in nodes)
    return (
        max(0, (c0 + column) * step),
        max(0, (r0 + row) * step),
        min(size[0], (c1 + column + 1) * step),
        min(size[1], (r1 + row + 1) * step),
    )


def _bands(moving: npt.NDArray[np.bool_], grid: Grid, size: Size) -> tuple[IntBox, ...]:
    rows = np.flatnonzero(moving.any(1))
    stride = max(1, round(BAND_ROWS / grid.step))
    bands = []
    for start in range(int(rows[0]), int(rows[-1]) + 1, stride):
        stop = min(start + stride, int(rows[-1]) + 1)
        columns = np.flatnonzero(moving[start:stop].any(0))
        if len(columns):
            bands.append(_cells((columns[0], start, columns[-1], stop - 1), grid, size))
    return tuple(bands)


def _mouth_box(grid: Grid, region: IntBox) -> IntBox:
    """The px box of the mouth's grid less its margin."""
    step, (column, row) = grid.step, grid.first
    rows, columns = grid.shape
    return (
        max((column + MARGIN) * step, region[0]),
        max((row + MARGIN) * step, region[1]),
        min((column + columns - MARGIN) * step, region[2]),
        min((row + rows - MARGIN) * step, region[3]),
    )


def _pack(field: Array) -> Floats:
    """(h, w, K, 2) -> (K, h * w * 2), so that a pose is one matrix product."""
    packed: Floats = np.ascontiguousarray(field.transpose(2, 0, 1, 3).reshape(len(COEFFICIENTS), -1), np.float32)
    return packed
