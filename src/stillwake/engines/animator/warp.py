"""From a pose to the map that draws it: where in the still does each pixel of the frame come from?

The forward displacement u is linear in the pose; a frame needs its inverse, D(x) = -u(x + D(x)). Where the field
is smooth, plain fixed-point steps settle in seven rounds. Around the mouth the gradient of u reaches 1 and they
oscillate, so there both layers take Newton steps.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator.anatomy import Array
from stillwake.engines.animator.fields import Grid, Layer
from stillwake.engines.animator.parts import IntBox
from stillwake.types import Floats, Size

FIXED_POINT_STEPS = 7
NEWTON_STEPS = 3
"""The fewest with which the worst frame of five faces, every coefficient at its limit, misses by under half a pixel
(99.9 %): .41 px with these, .67 with six fixed-point steps, 2.5 with two of Newton's (2026-11-20)."""
BAND = 12
"""Cells in the height of what is drawn in one go: its map stays in the processor's cache."""
RUN = 4
"""Cells; the shortest stretch of a band that is worth drawing by itself."""
LEAST_DETERMINANT = 0.2
"""Newton's matrix is kept this far from singular; a fold has no inverse and must not throw a node away."""


def displacement(layer: Layer, pose: Floats) -> Floats:
    """Forward displacement of a layer's nodes, (h, w, 2) float32 px, for a pose (K,)."""
    active = np.flatnonzero(pose)
    if not len(active):
        return np.zeros((*layer.grid.shape, 2), np.float32)
    # Not a BLAS product: its threads spin for longer than this takes, at the encoder's expense.
    moved: Floats = np.einsum("k,kn->n", pose[active], layer.basis[active]).reshape(*layer.grid.shape, 2)
    return moved


def sample(field: Floats, grid: Grid, points: Array) -> Floats:
    """A field of a grid's nodes at points (N, 2) px, bilinear."""
    import cv2

    at = ((points - grid.origin) / grid.step).astype(np.float32)
    sampled: Floats = cv2.remap(
        field, at[None, :, 0].copy(), at[None, :, 1].copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )[0]
    return sampled


def looked_up(field: Floats, grid: Grid, where: Floats) -> Floats:
    """A field (h, w[, c]) of a grid's nodes at positions (m, n, 2) px, bilinear; beyond the grid its edge goes on."""
    import cv2

    at = (where - grid.origin) * np.float32(1 / grid.step)
    found: Floats = cv2.remap(field, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found


def at_nodes(field: Floats, grid: Grid) -> Floats:
    """A field (H, W) of the picture at the nodes of a grid, bilinear; beyond the picture its edge goes on."""
    import cv2

    found: Floats = cv2.remap(field, grid.nodes, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found


def invert_smooth(u: Floats, index: Floats, step: int) -> Floats:
    """The inverse of a gentle field by fixed-point steps; ``index`` (h, w, 2) are the nodes' own indices."""
    import cv2

    moved = u * np.float32(1 / step)  # in nodes
    at = index - moved
    for _ in range(FIXED_POINT_STEPS):
        at = cv2.subtract(index, cv2.remap(moved, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    inverse: Floats = (at - index) * np.float32(step)
    return inverse


def invert_steep(u: Floats, index: Floats, step: int) -> Floats:
    """The inverse of a field whose gradient may pass 1, by Newton steps."""
    import cv2

    scale = np.float32(1 / step)
    du_dy, du_dx = np.gradient(u, axis=(0, 1))
    gradient = np.concatenate([du_dx, du_dy], -1) * scale  # ux_x, uy_x, ux_y, uy_y
    inverse = -u
    for _ in range(NEWTON_STEPS):
        at = index + inverse * scale
        here = cv2.remap(gradient, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        error = cv2.remap(u, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) + inverse
        missed_x, missed_y = error[..., 0], error[..., 1]
        xx, xy, yx, yy = here[..., 0] + 1, here[..., 1], here[..., 2], here[..., 3] + 1
        share = 1 / np.maximum(xx * yy - xy * yx, LEAST_DETERMINANT)
        limit = 4 * step
        inverse[..., 0] -= np.clip((yy * missed_x - yx * missed_y) * share, -limit, limit)
        inverse[..., 1] -= np.clip((xx * missed_y - xy * missed_x) * share, -limit, limit)
    return inverse


def residual(u: Floats, inverse: Floats, index: Floats, step: int) -> Floats:
    """How far the inverse misses, (h, w) float32 px: |D(x) + u(x + D(x))|."""
    import cv2

    at = index + inverse * np.float32(1 / step)
    error: Floats = inverse + cv2.remap(u, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    missed: Floats = np.linalg.norm(error, axis=-1).astype(np.float32)
    return missed


def room_for(grid: Grid, boxes: tuple[IntBox, ...]) -> Floats:
    """Room for `enlarge` to write each of the boxes into, again and again: new pages cost more than the sums."""
    areas = [_enlarged_shape(grid, box) for box in boxes]
    return np.empty(max(rows * columns for rows, columns in areas) * 2, np.float32)


def _enlarged_shape(grid: Grid, box: IntBox) -> tuple[int, int]:
    columns, rows = ((-(-box[2 + k] // grid.step) + 2 - box[k] // grid.step) * grid.step for k in (0, 1))
    return rows, columns


def enlarge(values: Floats, grid: Grid, box: IntBox, room: Floats | None = None) -> Floats:
    """Values of a grid's nodes as pixels of ``box``, whose corners lie on the raster of the cells.

    ``room`` is from `room_for` and holds the result until it is used again.
    """
    import cv2

    step = grid.step
    left, top = grid.first[0] + 1, grid.first[1] + 1  # a pad node on each side
    c0, r0 = box[0] // step - left, box[1] // step - top
    c1, r1 = -(-box[2] // step) + 2 - left, -(-box[3] // step) + 2 - top
    shape = (*_enlarged_shape(grid, box), 2)
    into = None if room is None else room[: shape[0] * shape[1] * 2].reshape(shape)
    big = cv2.resize(values[r0:r1, c0:c1], shape[1::-1], dst=into, interpolation=cv2.INTER_LINEAR)
    cut: Floats = big[step : step + box[3] - box[1], step : step + box[2] - box[0]]
    return cut


def node_index(grid: Grid) -> Floats:
    """(h, w, 2) float32: each node's own column and row."""
    rows, columns = grid.shape
    index: Floats = np.dstack(np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)))
    return index


def coverage(mask: Floats, grid: Grid) -> npt.NDArray[np.uint8]:
    """(h, w) for the three cells around each node: 0 the mask is not there, 2 it covers all, 1 in between."""
    import cv2

    step = grid.step
    rows, columns = grid.shape
    padded = cv2.copyMakeBorder(
        mask, step, rows * step - step - mask.shape[0], step, columns * step - step - mask.shape[1],
        cv2.BORDER_REPLICATE,
    )  # fmt: skip
    cells = padded.reshape(rows, step, columns, step)
    around = np.ones((3, 3), np.uint8)
    solid = cv2.erode((cells.min((1, 3)) > 0.998).astype(np.uint8), around)
    there = cv2.dilate((cells.max((1, 3)) > 0.002).astype(np.uint8), around)
    covers: npt.NDArray[np.uint8] = (solid + there).astype(np.uint8)
    return covers


def runs(grid: Grid, size: Size, wanted: npt.NDArray[np.bool_] | None) -> Iterator[IntBox]:
    """Boxes px that cover the cells (h, w) that are wanted, and not many others; None: the whole picture."""
    step = grid.step
    rows, columns = -(-size[1] // step), -(-size[0] // step)
    starts = range(0, rows, BAND)
    ends = [min(size[1], (row + BAND) * step) for row in starts]
    if wanted is None:
        for row, end in zip(starts, ends, strict=True):
            yield 0, row * step, size[0], end
        return
    some = np.zeros((len(starts), columns + 2), bool)
    np.logical_or.reduceat(wanted[1 : rows + 1, 1 : columns + 1], starts, axis=0, out=some[:, 1:-1])
    bands, edges = np.nonzero(some[:, 1:] != some[:, :-1])
    place = (-1, 0, 0)
    for band, first, last in zip(bands[::2].tolist(), edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if band == place[0] and first - place[2] <= RUN:
            place = (band, place[1], last)
            continue
        if place[0] >= 0:
            yield place[1] * step, starts[place[0]] * step, min(size[0], place[2] * step), ends[place[0]]
        place = (band, first, last)
    if place[0] >= 0:
        yield place[1] * step, starts[place[0]] * step, min(size[0], place[2] * step), ends[place[0]]
