"""Everything about a face that depends on the still alone, built once in a second or two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator.anatomy import Anatomy, Array, measure
from stillwake.engines.animator.fields import COEFFICIENTS, LIMITS, Grid, grid_for, layered_fields
from stillwake.engines.animator.lids import without_lashes
from stillwake.engines.animator.mouth import Interior, paint_interior_textures
from stillwake.types import Face, Floats, Pixels, Scene, Size

MOVES = 0.1
"""A node counts as moving when the coefficients at their limits may move it by more px than this."""
BAND_ROWS = 48
"""Height in px of the bands the picture is drawn in, each only as wide as what moves in it."""

MARGIN = 6
"""Nodes around the mouth's box: more than head motion at its limits carries a node."""

IntBox = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The fields of one layer over a box of nodes.

    ``basis`` (K, h * w * 2) float32 px per unit; ``nodes`` (h, w, 2) float32 px; ``box`` (column, row, column,
    row) of the box in the rig's grid of nodes.
    """

    basis: Floats
    nodes: Floats
    box: IntBox

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of nodes."""
        return self.nodes.shape[0], self.nodes.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class Rig:
    """A face ready to be posed.

    ``source`` (H, W, 3) uint8 RGB; ``doubled`` the same at twice the size, sampled in its place because bilinear
    sampling of it is sharper and cheaper than bicubic sampling of the source; ``skin`` it without lashes; ``head``
    the fields over everything that moves, each side of the rest line by its own layer; ``upper`` and ``lower``
    both layers around the mouth, ``core`` the box of head nodes in which they stand in for it; ``mask`` (H, W)
    bool; ``region`` and ``bands`` px boxes of what is redrawn; ``mouth_box`` the px box of the exact cut.
    """

    face: Anatomy
    source: Pixels
    doubled: Pixels
    skin: Pixels
    grid: Grid
    head: Layer
    upper: Layer
    lower: Layer
    mask: npt.NDArray[np.bool_]
    region: IntBox
    bands: tuple[IntBox, ...]
    core: IntBox
    mouth_box: IntBox
    interior: Interior


def build_rig(scene: Scene, face: Face) -> Rig:
    """The rig of one of the scene's faces; the face needs a mesh."""
    import cv2

    if face.mesh is None:
        raise ValueError("a rig needs a face with a mesh")
    source = scene.still.pixels
    height, width = source.shape[:2]
    anatomy = measure(source, face.mesh)
    grid = grid_for((width, height), anatomy)
    upper, lower = layered_fields(anatomy, grid, (width, height), scene.matte)

    moving = _moving_nodes(upper, lower)
    drawn = cv2.dilate(moving.astype(np.uint8), np.ones((3, 3))).astype(bool)
    drawn[[0, -1]] = drawn[:, [0, -1]] = False
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    region = _cells((columns[0], rows[0], columns[-1], rows[-1]), grid, (width, height))
    box = (columns[0] - 1, rows[0] - 1, columns[-1] + 2, rows[-1] + 2)
    weight = moving[box[1] : box[3], box[0] : box[2]].astype(np.float32)
    weight[[0, -1]], weight[:, [0, -1]] = weight[[1, -2]], weight[:, [1, -2]]  # a zeroed pad would fold the border
    head_nodes = grid.nodes[box[1] : box[3], box[0] : box[2]]
    upper = upper[box[1] : box[3], box[0] : box[2]] * weight[..., None, None]
    lower = lower[box[1] : box[3], box[0] : box[2]] * weight[..., None, None]

    core = _around_mouth(anatomy, head_nodes)
    around = _grown(core, head_nodes)
    inner = np.s_[around[1] : around[3], around[0] : around[2]]
    local_x, local_y = anatomy.local(head_nodes.astype(np.float64))
    is_lower = local_y > anatomy.line_heights(local_x, (anatomy.upper_line + anatomy.lower_line) / 2)
    base = np.where(is_lower[..., None, None], lower, upper)
    bands = _bands(drawn, grid, (width, height))
    mask = _mask(moving, grid, (width, height))
    return Rig(
        face=anatomy,
        source=source,
        doubled=double(source),
        skin=without_lashes(source, anatomy.eyes),
        grid=grid,
        head=Layer(_pack(base), head_nodes, box),
        upper=Layer(_pack(upper[inner]), head_nodes[inner], around),
        lower=Layer(_pack(lower[inner]), head_nodes[inner], around),
        mask=mask,
        region=region,
        bands=bands,
        core=core,
        mouth_box=_inside(core, box, grid, region),
        interior=paint_interior_textures(source, anatomy),
    )


def double(pixels: Pixels) -> Pixels:
    """A Lanczos copy at twice the size in which pixel 2x is source pixel x exactly, so rest is the source itself."""
    import cv2

    height, width = pixels.shape[:2]
    halve = np.array([[0.5, 0, 0], [0, 0.5, 0]], np.float32)
    doubled: Pixels = cv2.warpAffine(
        pixels,
        halve,
        (2 * width, 2 * height),
        flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return doubled


def _moving_nodes(upper: Floats, lower: Floats) -> npt.NDArray[np.bool_]:
    farthest = [np.linalg.norm(field, axis=-1) @ LIMITS for field in (upper, lower)]
    reach = np.maximum(farthest[0], farthest[1])
    moving = reach > MOVES
    moving[[0, -1]] = moving[:, [0, -1]] = False
    found: npt.NDArray[np.bool_] = moving
    return found


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


def _around_mouth(face: Anatomy, nodes: Floats) -> IntBox:
    """The nodes between which the cut can ever lie, as a box; beyond it each side has one layer only."""
    x, y = face.local(nodes.astype(np.float64))
    lines = face.local(np.concatenate([face.upper_line, face.lower_line]).astype(np.float64))
    width, unit = face.mouth_width, face.opening_unit
    near = (x > lines[0].min() - 0.42 * width) & (x < lines[0].max() + 0.42 * width)
    near &= (y > lines[1].min() - 0.45 * unit) & (y < lines[1].max() + 0.85 * unit + 0.4 * face.gap)
    rows, columns = np.flatnonzero(near.any(1)), np.flatnonzero(near.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _grown(core: IntBox, nodes: Floats) -> IntBox:
    """A box of nodes with a margin, so that an inverse near its edge finds the field it looks for beyond it."""
    return (
        max(0, core[0] - MARGIN),
        max(0, core[1] - MARGIN),
        min(nodes.shape[1], core[2] + MARGIN),
        min(nodes.shape[0], core[3] + MARGIN),
    )


def _inside(core: IntBox, box: IntBox, grid: Grid, region: IntBox) -> IntBox:
    """The px box of a box of nodes less its outermost ring, which a bilinear enlargement needs."""
    step, (column, row) = grid.step, grid.first
    left, top = box[0] + column, box[1] + row
    return (
        max((core[0] + left + 1) * step, region[0]),
        max((core[1] + top + 1) * step, region[1]),
        min((core[2] + left - 1) * step, region[2]),
        min((core[3] + top - 1) * step, region[3]),
    )


def _pack(field: Array) -> Floats:
    """(h, w, K, 2) -> (K, h * w * 2), so that a pose is one matrix product."""
    packed: Floats = np.ascontiguousarray(field.transpose(2, 0, 1, 3).reshape(len(COEFFICIENTS), -1), np.float32)
    return packed
