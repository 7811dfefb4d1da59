"""The displacement fields of a face: one for each coefficient, on a coarse grid.

A pose is a short vector of named coefficients; the forward displacement of a frame is their weighted sum, so a
frame costs one small matrix product. The mouth has two layers, cut at the lip line: the upper one never hears of
the lower lip and the other way round, and what opens between them is painted (`stillwake.engines.animator.mouth`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator.anatomy import (
    CORNERS,
    INNER_LOWER,
    INNER_UPPER,
    LOWER_BODY,
    OUTER_LOWER,
    OUTER_UPPER,
    OVAL,
    UPPER_BODY,
    Anatomy,
    smoothstep,
)
from stillwake.types import Floats, Size

Array = npt.NDArray[Any]

EXPRESSION = ("jaw", "lower", "upper", "wide", "pucker", "press", "close", "smile", "tuck", "brow")
HEAD = ("yaw", "pitch", "roll", "shift_x", "shift_y", "breath", "sway_cos", "sway_sin")
COEFFICIENTS = EXPRESSION + HEAD
"""Full scale 1: ``jaw`` drops the lower lip by .38 opening units, ``lower`` .16, ``upper`` .13; ``wide`` and
``smile`` move a corner by .11 and .10 mouth widths, ``pucker`` by .13 inwards; ``close`` brings the lips of an
open mouth together; ``press`` thins them, ``tuck`` raises the lower one under the teeth; ``brow`` .035 face
heights; ``yaw``, ``pitch``, ``roll`` radians; shifts in face heights; ``breath`` .02 and sway .012 face heights."""
INDEX = {name: number for number, name in enumerate(COEFFICIENTS)}

LIMITS = np.array(
    [*(1.0, 1.0, 1.0, 1.2, 1.2, 1.0, 1.0, 1.0, 1.0, 1.0), *(0.09, 0.09, 0.010, 0.006, 0.008, 1.0, 0.7, 0.7)],
    np.float32,
)
"""The largest value of each coefficient a track may use: what the motion mask is computed for."""

WINDOW = np.array([1.6, 1.8, 2.1])
"""How far anything moves, in face heights from the mouth: to either side, up, and down."""
MARGIN = 6
"""Nodes around the mouth's box: more than head motion at its limits carries a node."""

JAW_DROP = 0.38
LOWER_DROP, UPPER_RAISE = 0.16, 0.13
"""Full-scale openings in opening units. Set by eye on sheets of visemes: speech opens .2 to .3 mouth widths, and
a jaw at full scale reads as shouting."""
HALO = (-0.075, -0.018)
"""Where motion fades across the silhouette, in face heights, inside being negative. The narrower the strip outside,
the less background moves: at most a tenth of it may."""
GIVES_WAY = 1.9
"""How wide that strip is at least for the jaw, in how far it would move the place at full scale. The ease is 1.5 times
as steep as a straight line, and full is more than speech opens: what lies between chin and background keeps .31 of
its size at least, where it was folded over before (27 stills, 2026-12-01)."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Coarse nodes at the centres of ``step`` x ``step`` px cells, in a window of the picture.

    A bilinear enlargement of node values by ``step`` is exactly aligned with the pixels. ``nodes`` (h, w, 2)
    float32 px; node (0, 0) is the centre of the cell ``first`` (column, row); cell (0, 0) starts at pixel (0, 0),
    and one pad cell lies beyond each edge of the picture.
    """

    step: int
    first: tuple[int, int]
    nodes: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of nodes."""
        return self.nodes.shape[0], self.nodes.shape[1]

    @property
    def origin(self) -> Floats:
        """Position of the first node, (2,) px."""
        first: Floats = self.nodes[0, 0]
        return first

    def part(self, rows: slice, columns: slice) -> Grid:
        """Some of its rows and columns, each slice with a start and a stop."""
        first = (self.first[0] + columns.start, self.first[1] + rows.start)
        return Grid(self.step, first, self.nodes[rows, columns])


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The fields of one layer on a grid: ``basis`` (K, h * w * 2) float32 px per unit."""

    grid: Grid
    basis: Floats


def lip_step(face: Anatomy) -> int:
    """Px between the nodes around the mouth: 64 cells over the face's height are fine enough for a lip."""
    return max(2, round(face.face_height / 64))


def grid_over(corners: Array, step: int, size: Size) -> Grid:
    """A grid that covers the points ``corners`` (N, 2) px as far as they lie in the picture, and a pad."""
    low = np.maximum(np.floor(corners.min(0) / step).astype(int), -1)
    high = np.minimum(np.ceil(corners.max(0) / step).astype(int), [-(-size[0] // step), -(-size[1] // step)])
    columns, rows = np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1)
    x, y = np.meshgrid(columns * step + (step - 1) / 2, rows * step + (step - 1) / 2)
    return Grid(step, (int(low[0]), int(low[1])), np.stack([x, y], -1).astype(np.float32))


def head_grid(face: Anatomy, size: Size) -> Grid:
    """The grid of all that moves: head, chest and hair are smooth, so coarser than around the mouth."""
    reach = WINDOW * np.float64(face.face_height)
    corners = [
        face.centre + face.across * x + face.down * y for x in (-reach[0], reach[0]) for y in (-reach[1], reach[2])
    ]
    return grid_over(np.array(corners), round(1.5 * lip_step(face)), size)


def mouth_grid(face: Anatomy, size: Size) -> Grid:
    """The grid between whose nodes the cut can ever lie, with `MARGIN` nodes around it.

    Beyond it each side of the rest line has one layer only. Near the margin an inverse finds the field it looks for.
    """
    x, y = face.local(np.concatenate([face.upper_line, face.lower_line]).astype(np.float64))
    width, unit, step = face.mouth_width, face.opening_unit, lip_step(face)
    margin = MARGIN * step
    sides = (x.min() - 0.42 * width - margin, x.max() + 0.42 * width + margin)
    ends = (y.min() - 0.45 * unit - margin, y.max() + 0.85 * unit + 0.9 * face.gap + margin)
    corners = [face.centre + face.across * a + face.down * b for a in sides for b in ends]
    return grid_over(np.array(corners), step, size)


def layered_fields(face: Anatomy, grid: Grid, size: Size, matte: Floats | None) -> tuple[Floats, Floats]:
    """Displacement per unit of every coefficient for the upper and the lower layer, (h, w, K, 2) float32 px.

    A drawn face's expression is drawn anew and moves no pixel, so there both layers are the head alone. Where a jaw
    ends against the background, the further it drops the sooner it gives way.
    """
    still = np.zeros((*grid.shape, len(EXPRESSION), 2))
    upper, lower = (still, still) if face.mesh is None else _expression_fields(face, grid)
    head, outside = _head_fields(face, grid, size, matte)
    inner, outer = (edge * face.face_height for edge in HALO)
    drop = np.maximum(*(np.linalg.norm(field[..., INDEX["jaw"], :], axis=-1) for field in (upper, lower)))
    gives_way = np.repeat(1 - smoothstep(outside, inner, outer)[..., None], len(EXPRESSION), -1)
    gives_way[..., INDEX["jaw"]] = 1 - smoothstep(outside, np.minimum(inner, outer - GIVES_WAY * drop), outer)
    upper, lower = (field * gives_way[..., None] for field in (upper, lower))
    return (
        np.concatenate([upper, head], 2).astype(np.float32),
        np.concatenate([lower, head], 2).astype(np.float32),
    )


# ------------------------------------------------------------------------------------------------ expression


def _controls(face: Anatomy, points: Array, upper_lip: Array, lower_lip: Array, inner: Array) -> Array:
    """Displacement of control points per unit of each expression coefficient, (N, 2 * K).

    ``points`` (N, 2) px; ``upper_lip``, ``lower_lip`` (N,) bool; ``inner`` (N,) 1 on the lip line falling to 0
    at the lip's outer edge and beyond.
    """
    width, height, unit = face.mouth_width, face.face_height, face.opening_unit
    x, y_face = face.local(points)
    half = face.half(x)
    y = y_face - face.line_heights(x, _middle_line(face))
    lips = upper_lip | lower_lip
    t = np.clip(x / half, -1.25, 1.25)
    profile = np.clip(1 - np.abs(t) ** 2.15, 0, 1)  # how an opening is shared out along the lip
    below = smoothstep(y, 0, 0.02 * height)
    hinge = face.hinge
    depth = _depth_at(face, points)
    swing = np.clip(
        (hinge - depth) / (hinge - face.landmarks[152, 2] + 1e-6), 0, 1.15
    )  # the chin swings most, the jaw's angle least
    out = np.zeros((len(points), len(EXPRESSION), 2))

    def put(name: str, dx: Any, dy: Any) -> None:
        out[:, INDEX[name]] = (
            np.broadcast_to(dx, len(points))[:, None] * face.across
            + np.broadcast_to(dy, len(points))[:, None] * face.down
        )

    drop = JAW_DROP * unit
    cheek = (
        0.30
        * np.exp(-((np.maximum(0, -y) / (0.13 * height)) ** 2))
        * smoothstep(np.abs(x) / half, 0.7, 1.1)
        * swing
        * (1 - below)
    )
    jaw_y = drop * np.where(lower_lip, 0.16 + 0.84 * profile, np.maximum(below * swing, cheek))
    jaw_y = np.where(upper_lip, drop * (0.16 * (1 - profile) - 0.02 * profile), jaw_y)
    pull = np.where(lips, (1 - profile) * smoothstep(np.abs(t), 0.3, 1), cheek / 0.30 * 0.7)
    put("jaw", -np.sign(x) * drop * 0.14 * pull, jaw_y)

    def near(centre: float, spread: float) -> Array:
        bell: Array = np.exp(-(((y - centre) / spread) ** 2)) * np.clip(1 - (x / (half * 1.15)) ** 2, 0, 1)
        return bell

    put(
        "lower",
        0,
        LOWER_DROP * unit * np.where(lower_lip, profile**0.6, 0.75 * near(0.07 * height, 0.07 * height) * below),
    )
    put(
        "upper",
        0,
        -UPPER_RAISE
        * unit
        * np.where(upper_lip, profile**0.7, 0.45 * near(-0.06 * height, 0.05 * height) * (1 - below)),
    )

    def beside(spread: float) -> Array:  # 1 inside the mouth, fading outside the corner
        return np.where(np.abs(x) > half, np.exp(-(((np.abs(x) - half) / (spread * height)) ** 2)), 1.0)

    side = np.sign(x) * np.minimum(np.abs(x) / half, 1) * beside(0.14)
    level = np.exp(-((y / (0.16 * height)) ** 2))
    foreshortened = 2 * half / width  # the far side of a turned face moves less
    put(
        "wide",
        0.11 * width * foreshortened * side * level,
        -0.012 * width * np.abs(side) * level * smoothstep(np.abs(t), 0.5, 1),
    )
    put(
        "pucker",
        -0.13
        * width
        * foreshortened
        * np.clip(x / half, -1, 1)
        * np.exp(-((y / (0.10 * height)) ** 2))
        * beside(0.10),
        0.03 * unit * np.clip(y / (0.09 * height), -1, 1) * np.exp(-((y / (0.14 * height)) ** 2)) * profile,
    )
    put(
        "press",
        0.02 * width * foreshortened * side * level,
        np.where(lips, -0.30 * y, -0.12 * y * np.exp(-((y / (0.1 * height)) ** 2)) * profile),
    )
    _put_close(face, put, x, y, upper_lip, lower_lip, inner, below, swing, near)
    corner = np.exp(-(((np.abs(x) - half) / (0.13 * height)) ** 2 + ((y + 0.02 * height) / (0.14 * height)) ** 2))
    put("smile", 0.10 * width * foreshortened * np.sign(x) * corner, -0.10 * width * corner)
    put(
        "tuck",
        0,
        np.where(
            lower_lip,
            -0.10 * unit * profile * np.clip(1.2 - y / (0.12 * height), 0, 1.2),
            -0.05 * unit * near(0.08 * height, 0.07 * height) * below,
        ),
    )
    eye_y = face.local(face.points[[33, 263]])[1].mean()
    brow_y = face.local(face.points[[105, 334]])[1].mean()
    brow = np.where(y_face < eye_y, np.exp(-(((y_face - brow_y) / (0.12 * height)) ** 2)), 0)
    put("brow", 0, -0.035 * height * brow * smoothstep(eye_y - y_face, 0.05 * height, 0.16 * height))
    return out.reshape(len(points), -1)


def _put_close(
    face: Anatomy,
    put: Any,
    x: Array,
    y: Array,
    upper_lip: Array,
    lower_lip: Array,
    inner: Array,
    below: Array,
    swing: Array,
    near: Any,
) -> None:
    """Full scale 1 brings an open mouth's lips together exactly, all along the line.

    What is wider than a grin is the jaw's doing and goes back the way of the jaw; the rest the lips share, the
    lower one taking the larger part. The inner edge moves most, the outer edge least: lips that close over teeth
    stretch.
    """
    height = face.face_height
    upper_at = face.line_heights(x, face.upper_line)
    lower_at = face.line_heights(x, face.lower_line)
    gap = np.maximum(lower_at - upper_at, 0.0)
    by_jaw = max(0.0, face.gap - 0.16 * face.mouth_width)
    jaw_share = by_jaw / max(face.gap, 1e-6)
    by_lips = gap * (1 - jaw_share)
    sideways = 1 - smoothstep(np.abs(x) / face.half(x), 0.6, 1.5)
    rise = np.where(lower_lip, gap * jaw_share, by_jaw * sideways * smoothstep(y, 0, 1.2 * face.gap + 1e-6) * swing)
    up = 0.62 * by_lips * (0.35 + 0.65 * inner)
    down = 0.38 * by_lips * (0.30 + 0.70 * inner)
    dy = np.where(
        lower_lip,
        -(rise + up),
        np.where(upper_lip, down, -rise - 0.18 * by_lips * near(0.08 * height, 0.07 * height) * below),
    )
    put("close", 0, dy if face.opened else 0.0)


def _middle_line(face: Anatomy) -> Floats:
    line: Floats = (face.upper_line + face.lower_line) / 2
    return line


def _depth_at(face: Anatomy, points: Array) -> Array:
    """Mesh depth at control points: their own for landmarks, the nearest landmark's for added ones."""
    from scipy.spatial import cKDTree

    depth: Array = face.landmarks[:468, 2][cKDTree(face.points[:468]).query(points)[1]]
    return depth


def _expression_fields(face: Anatomy, grid: Grid) -> tuple[Array, Array]:
    import cv2

    height, width = face.face_height, face.mouth_width
    landmarks = face.points[:468].astype(np.float64)
    x, y_face = face.local(landmarks)
    y = y_face - face.line_heights(x, _middle_line(face))
    below = y > 0.01 * height
    ids = np.arange(468)
    inner_ids = set(INNER_UPPER) | set(INNER_LOWER)
    upper_lip = np.isin(ids, OUTER_UPPER + UPPER_BODY) & ~np.isin(ids, CORNERS)
    lower_lip = np.isin(ids, OUTER_LOWER + LOWER_BODY) & ~np.isin(ids, CORNERS)
    corner = np.isin(ids, CORNERS)
    inner_landmark = np.isin(ids, sorted(inner_ids)) & ~corner  # replaced by the snapped lines
    half = face.half(x)
    beside_mouth = np.abs(x) < half * 0.95

    centre = landmarks[list(OVAL)].mean(0)
    ring = np.concatenate([centre + (landmarks[list(OVAL[::2])] - centre) * k for k in (1.28, 1.6, 2.0)])
    nodes = grid.nodes.reshape(-1, 2).astype(np.float64)
    node_x, node_y = face.local(nodes)
    box = (np.abs(node_x) < 1.15 * height) & (np.abs(node_y + 0.2 * height) < 1.2 * height)

    lips = np.zeros(grid.shape, np.uint8)
    hull = cv2.convexHull(landmarks[list(OUTER_UPPER + OUTER_LOWER)].astype(np.float32))
    cv2.fillConvexPoly(lips, np.round((hull[:, 0] - grid.origin) / grid.step).astype(np.int32), 1)
    far = cv2.distanceTransform(1 - lips, cv2.DIST_L2, 5) * grid.step
    away = smoothstep(far, 0.02 * height, 0.10 * height)[..., None]

    fields = []
    for is_upper in (True, False):
        line = (face.upper_line if is_upper else face.lower_line)[2:-2:3].astype(np.float64)
        drop = inner_landmark | (lower_lip if is_upper else upper_lip)
        if is_upper:  # the upper layer never hears of the chin under the mouth, the lower one never of the nose
            drop |= below & beside_mouth & (y < 0.22 * height) & ~corner & ~upper_lip
        else:
            drop |= ~below & beside_mouth & (y > -0.12 * height) & ~corner & ~lower_lip
        keep = ~drop
        own_lip = upper_lip if is_upper else lower_lip
        points = np.concatenate([landmarks[keep], line])
        on_line = np.r_[np.zeros(keep.sum(), bool), np.ones(len(line), bool)]
        lip = np.r_[own_lip[keep] | corner[keep], np.ones(len(line), bool)]
        inner = _inner_share(face, points, is_upper) * lip
        inner[on_line] = 1.0
        none = np.zeros(len(points), bool)
        values = _controls(face, points, lip if is_upper else none, none if is_upper else lip, inner)
        known = np.concatenate([points, ring])
        values = np.concatenate([values, np.zeros((len(ring), values.shape[1]))])
        flat = np.zeros((len(nodes), values.shape[1]), np.float32)
        flat[box] = _wendland(known, values, 0.75 * height, nodes[box])
        field = flat.reshape(*grid.shape, -1)
        # Blurring away from the lips matters more than the kernel: it takes the creases out of cheek and chin.
        soft = np.dstack(
            [cv2.GaussianBlur(field[..., i], (0, 0), 0.035 * height / grid.step) for i in range(field.shape[2])]
        )
        fields.append((field * (1 - away) + soft * away).reshape(*grid.shape, len(EXPRESSION), 2))

    radius = np.sqrt((node_x / (0.95 * height)) ** 2 + ((node_y + 0.2 * height) / (1.05 * height)) ** 2)
    fade = (1 - smoothstep(radius, 0.62, 1.0)).reshape(grid.shape)[..., None, None]
    return _join_layers(face, grid, fields[0] * fade, fields[1] * fade, width)


def _inner_share(face: Anatomy, points: Array, is_upper: bool) -> Array:
    """1 at the lip line, 0 at the lip's outer edge, linear between; for the points of one lip."""
    x, y = face.local(points)
    line = face.line_heights(x, face.upper_line if is_upper else face.lower_line)
    outer = face.local(face.points[list(OUTER_UPPER if is_upper else OUTER_LOWER)])
    edge = np.interp(x, outer[0], outer[1])
    thickness = np.maximum(np.abs(edge - line), 0.02 * face.mouth_width)
    share: Array = np.clip(1 - np.abs(y - line) / thickness, 0, 1)
    return share


def _wendland(points: Array, values: Array, radius: float, at: Array) -> Floats:
    """Interpolation of scattered vectors with Wendland's C2 kernel (1 - d)^4 (4 d + 1), ridge 8e-3.

    Source: H. Wendland, Piecewise polynomial, positive definite and compactly supported radial functions of
    minimal degree, 1995. The last bits of a matrix product depend on how many threads BLAS takes, so on the
    machine; everything is double and the result is rounded to 1e-4 px: the same still gives the same frames.
    """

    def kernel(where: Array) -> Array:
        square = (where**2).sum(1)[:, None] + (points**2).sum(1)[None] - 2 * where @ points.T
        distance = np.sqrt(np.maximum(square, 0.0)) / radius
        rest = np.maximum(1 - distance, 0.0)
        rest *= rest
        k: Array = rest * rest * (4 * distance + 1)
        return k

    centre = points.mean(0)
    points, at = points - centre, at - centre
    weights = np.linalg.solve(kernel(points) + 8e-3 * np.eye(len(points)), values)
    out = np.empty((len(at), values.shape[1]), np.float32)
    for start in range(0, len(at), 4096):
        out[start : start + 4096] = np.round(kernel(at[start : start + 4096]) @ weights, 4)
    return out


def _join_layers(face: Anatomy, grid: Grid, upper: Array, lower: Array, width: float) -> tuple[Array, Array]:
    """Beyond the corners one blended field; past its own side of the cut a layer keeps its lip-line value.

    The second rule leaves no gradient across the cut, where an inverse would otherwise wander to the wrong lip.
    """
    import cv2

    height = face.face_height
    nodes = grid.nodes.astype(np.float64)
    x, y = face.local(nodes)
    middle = _middle_line(face)
    ends = face.local(middle[[0, -1]])[0]
    distance = y - face.line_heights(x, middle)
    outward = np.maximum(x - ends[1], ends[0] - x)
    joined = smoothstep(outward, -0.11 * width, 0.03 * width)
    band = np.maximum(0.02 * height, 0.02 * height + 0.35 * np.maximum(outward, 0))
    share = smoothstep(distance / band, -1.0, 1.0)
    mixed = upper * (1 - share[..., None, None]) + lower * share[..., None, None]
    weight = joined[..., None, None]
    upper, lower = upper * (1 - weight) + mixed * weight, lower * (1 - weight) + mixed * weight
    held = []
    for field, line, beyond in ((upper, face.upper_line, 1), (lower, face.lower_line, -1)):
        past = y - face.line_heights(x, line)
        at = ((nodes - face.down * past[..., None] - grid.origin) / grid.step).astype(np.float32)
        keep = ((past * beyond > 0) * (1 - joined))[..., None]
        flat = field.reshape(*grid.shape, -1).astype(np.float32)
        on_line = np.dstack(
            [
                cv2.remap(flat[..., i], at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                for i in range(flat.shape[2])
            ]
        )
        held.append((flat * (1 - keep) + on_line * keep).reshape(field.shape))
    return held[0], held[1]


# ------------------------------------------------------------------------------------------------------ head


def _head_fields(face: Anatomy, grid: Grid, size: Size, matte: Floats | None) -> tuple[Array, Array]:
    """Head, chest and hair, (h, w, 8, 2) px per unit, and each node's signed distance outside the person, px.

    Yaw and pitch are parallax by the mesh's depth that dies at the silhouette, so nothing behind the head comes
    into view; roll and shifts are rigid on the head and fade over the neck and within the halo.
    """
    import cv2
    from scipy.ndimage import distance_transform_edt

    height = face.face_height
    across, down, nodes = face.across, face.down, grid.nodes.astype(np.float64)
    x, y = face.local(nodes)
    outside = _distance_outside(face, grid, size, matte)
    dface = _distance_outside_oval(face, grid, size)

    relief = _relief(face, grid)
    covered = dface <= 0
    nearest = distance_transform_edt(~covered, return_indices=True)[1]
    rim = cv2.GaussianBlur(
        relief[nearest[0], nearest[1]].astype(np.float32), (0, 0), max(1, 0.05 * height / grid.step)
    )
    relief = np.where(covered, relief, rim * np.exp(-((dface / (0.22 * height)) ** 2))).astype(np.float32)
    relief = cv2.GaussianBlur(relief, (0, 0), max(1, 0.02 * height / grid.step))
    relief = relief * smoothstep(-outside, -0.03 * height, 0.12 * height)

    chin = float(face.local(face.chin[None])[1][0])
    neck = 1 - smoothstep(y, chin - 0.05 * height, chin + 0.75 * height)
    halo = 1 - smoothstep(outside, *(place * height for place in HALO))
    from_sides = np.minimum(nodes[..., 0], size[0] - 1 - nodes[..., 0])
    from_edge = np.minimum(from_sides, nodes[..., 1])
    edge = smoothstep(from_edge, 0, 0.25 * height)
    rigid = neck * halo * edge * (1 - smoothstep(np.abs(x), 0.9 * height, 1.5 * height))
    pivot = nodes - (face.centre + down * (chin + 0.45 * height))

    out = np.zeros((*grid.shape, len(HEAD), 2))
    out[..., 0, :] = (relief * neck * edge)[..., None] * across
    out[..., 1, :] = (relief * neck * edge)[..., None] * down
    out[..., 2, :] = np.stack([-pivot[..., 1], pivot[..., 0]], -1) * rigid[..., None]
    out[..., 3, :] = rigid[..., None] * across * height
    out[..., 4, :] = rigid[..., None] * down * height
    chest = smoothstep(y, chin + 0.02 * height, chin + 0.7 * height) * halo
    chest = chest * smoothstep(from_sides, 0, 0.15 * height)
    chest = (
        chest
        * (1 - smoothstep(np.abs(x), 0.9 * height, 1.5 * height))
        * (1 - smoothstep(y, 1.2 * height, 2.0 * height))
    )
    out[..., 5, 0] = chest * 0.007 * height * np.clip(x / (0.8 * height), -1, 1)
    out[..., 5, 1] = -chest * 0.02 * height
    hair = smoothstep(dface, 0.03 * height, 0.22 * height) * halo * smoothstep(y, -0.75 * height, 0.25 * height)
    hair = hair * (1 - 0.6 * smoothstep(y, chin, chin + 0.8 * height)) * edge
    hair = hair * (1 - smoothstep(np.abs(x), 0.9 * height, 1.5 * height))
    phase = 2 * np.pi * (y / (1.1 * height) + 0.25 * x / height)
    sway = np.array([0.012, 0.002]) * height
    out[..., 6, :] = (hair * np.cos(phase))[..., None] * sway  # the two parts of a travelling wave
    out[..., 7, :] = (hair * np.sin(phase))[..., None] * sway
    return out, outside


def _distance_outside(face: Anatomy, grid: Grid, size: Size, matte: Floats | None) -> Array:
    """Distance of each node from the silhouette, px, negative inside; without a matte the face's hull stands in."""
    import cv2

    w, h = size
    scale = min(1.0, 160.0 / face.face_height)  # a distance needs no full resolution
    small = (max(1, round(w * scale)), max(1, round(h * scale)))
    if matte is None:
        person = np.zeros((small[1], small[0]), np.uint8)
        hull = cv2.convexHull((face.oval * scale).astype(np.float32))[:, 0]
        cv2.fillConvexPoly(person, hull.astype(np.int32), 1)
    else:
        person = (cv2.resize(matte, small, interpolation=cv2.INTER_AREA) > 0.5).astype(np.uint8)
        if face.mesh is None:  # mattes are made for people, and lose parts of drawn ones
            cv2.fillPoly(person, [(face.oval * scale).astype(np.int32)], 1)
    at = ((grid.nodes + 0.5) * scale - 0.5).astype(np.float32)

    def distance(mask: Array) -> Array:
        field = cv2.distanceTransform(mask, cv2.DIST_L2, 5) / scale
        sampled: Array = cv2.remap(field, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return sampled.astype(np.float64)

    return distance(1 - person) - distance(person)


def _distance_outside_oval(face: Anatomy, grid: Grid, size: Size) -> Array:
    import cv2

    mask = np.zeros(grid.shape, np.uint8)
    oval = np.round((face.oval - grid.origin) / grid.step).astype(np.int32)
    cv2.fillPoly(mask, [oval], 1)
    distance: Array = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5) * grid.step
    return distance.astype(np.float64)


def _relief(face: Anatomy, grid: Grid) -> Array:
    """How far each node stands before the ears, px: thin-plate spline of the face's solid points."""
    from scipy.interpolate import RBFInterpolator

    height = face.face_height
    x, y = face.local(grid.nodes.astype(np.float64))
    near = (np.abs(x) < 0.75 * height) & (y < 0.6 * height) & (y > -1.1 * height)
    spline = RBFInterpolator(face.solid[:, :2] / height, face.solid[:, 2], kernel="thin_plate_spline", smoothing=1e-3)
    relief = np.zeros(grid.shape)
    relief[near] = spline(grid.nodes[near] / height)
    clipped: Array = np.clip(relief, -0.05 * height, 0.8 * height)
    return clipped
