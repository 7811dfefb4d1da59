"""What one decoded face shows: how far the mouth is open, how far the eyes are, how bright the teeth are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwake.inspection.view import median
from stillwake.types import Box, Floats, Pixels

# Points of the mesh, in mediapipe's order.
INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
CORNERS = (61, 291)
EYE_CORNERS = (33, 133, 362, 263)
"""Outer and inner corner of the viewer's left eye, inner and outer of the right one: bone, so the skull's frame."""
LIDS = ((159, 145, 33, 133), (386, 374, 362, 263))
"""For each eye the middle of the upper and lower lid, and its corners."""

FOREHEAD, CHIN = 10, 152
DRAWN_FOREHEAD = 0.8
"""How high a drawn face reaches above its eyes, over how far its chin lies below: as its box is made where it is read.
Read in a box without its forehead, a mouth that is shut may be read as open by .1 widths."""

TEETH_WIDTH = 0.36
"""Width of the patch in which teeth are looked for, in mouth widths: the four upper incisors."""
TEETH_BELOW = (0.0, 0.10)
"""Where that patch begins and ends below the resting upper lip's edge, in mouth widths."""
TEETH_GRID = (8, 24)
"""Rows and columns of points in it."""
LEAST_TEETH = 24
"""Points bare in two frames below which the change of their brightness is unseen."""
LIP_EDGE = 0.02
"""How far within the mesh's inner lip line a point counts as bare, in mouth widths: about what the mesh trembles."""

PATCH = (32, 24)
"""Points (across, down) of a mouth's picture, which is `PATCH_WIDTH` mouth widths wide."""
PATCH_WIDTH = 1.5
PATCH_SEARCH = 5
"""Points to each side by which it is looked for again: an upper lip that rises takes the corners along."""


@dataclass(frozen=True, slots=True, eq=False)
class Skull:
    """Where the head is: middle of the eyes (2,) px, unit vectors along and down the face, eye distance px."""

    middle: Floats
    along: Floats
    down: Floats
    scale: float

    def place(self, points: Floats) -> Floats:
        """Points (N, 2) px in the head's own frame, in eye distances."""
        moved = points - self.middle
        placed: Floats = np.stack([moved @ self.along, moved @ self.down], -1) / np.float32(self.scale)
        return placed


def skull(mesh: Floats) -> Skull:
    """Where the head of a mesh (478, 3) is, from the four eye corners."""
    corners = mesh[list(EYE_CORNERS), :2].astype(np.float32)
    across = corners[2:].mean(0) - corners[:2].mean(0)
    scale = float(np.linalg.norm(across))
    along = (across / max(scale, 1e-6)).astype(np.float32)
    return Skull(corners.mean(0), along, np.array([-along[1], along[0]], np.float32), scale)


def opening(mesh: Floats, head: Skull) -> float:
    """Gap between the inner lips in eye distances: mean of the three middle pairs, down the face, never below 0."""
    upper, lower = (mesh[list(line[4:7]), :2] for line in (INNER_UPPER, INNER_LOWER))
    return max(0.0, float(((lower - upper) @ head.down).mean()) / head.scale)


def width(mesh: Floats, head: Skull) -> float:
    """Distance of the mouth's corners in eye distances."""
    return float(np.linalg.norm(mesh[CORNERS[1], :2] - mesh[CORNERS[0], :2])) / head.scale


def eyes_open(mesh: Floats) -> float:
    """Lid gap over eye width, the mean of both eyes: about .3 open, under .12 closed."""
    ratios = []
    for upper, lower, left, right in LIDS:
        gap = np.linalg.norm(mesh[upper, :2] - mesh[lower, :2])
        ratios.append(gap / max(1e-6, float(np.linalg.norm(mesh[right, :2] - mesh[left, :2]))))
    return float(np.mean(ratios))


def upper_edge(mesh: Floats, head: Skull) -> float:
    """How far the middle of the upper lip's lower edge lies below the eyes, in eye distances."""
    return float(head.place(mesh[[13], :2].astype(np.float32))[0, 1])


def inside(mesh: Floats, shape: tuple[int, int]) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
    """The pixels well inside the lips: a mask (0 or 1) of the mouth's box, and the box's corner (x, y)."""
    import cv2

    outline = mesh[[*INNER_UPPER, *INNER_LOWER[-2:0:-1]], :2]
    low = np.maximum(np.floor(outline.min(0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(outline.max(0)).astype(int) + 3, (shape[1], shape[0]))
    if (high <= low).any():
        return np.zeros((0, 0), np.uint8), (0, 0)
    mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    cv2.fillPoly(mask, [np.round(outline - low).astype(np.int32)], 1)
    side = 2 * max(1, round(LIP_EDGE * float(np.ptp(outline[:, 0])))) + 1
    return cv2.erode(mask, np.ones((side, side), np.uint8)), (int(low[0]), int(low[1]))


def teeth_patch(pixels: Pixels, mesh: Floats, head: Skull, rest_edge: float, mouth_width: float) -> Floats:
    """The brightness of the upper incisors, 0..255, on a grid that is fixed to the skull; nan where lips cover it.

    `TEETH_GRID` points. ``rest_edge`` is `upper_edge` of the mouth at rest, ``mouth_width`` its `width`. Upper teeth
    move with the skull, so a point that stays uncovered should keep its brightness.
    """
    import cv2

    patch = np.full(TEETH_GRID, np.nan, np.float32)
    mask, (x0, y0) = inside(mesh, (pixels.shape[0], pixels.shape[1]))
    if not mask.any():
        return patch
    middle = float(head.place(mesh[list(CORNERS), :2].astype(np.float32)).mean(0)[0])
    rows = rest_edge + mouth_width * np.linspace(*TEETH_BELOW, TEETH_GRID[0], dtype=np.float32)
    columns = middle + mouth_width * np.linspace(-TEETH_WIDTH / 2, TEETH_WIDTH / 2, TEETH_GRID[1], dtype=np.float32)
    x, y = np.meshgrid(columns, rows)
    at = head.middle + head.scale * (x[..., None] * head.along + y[..., None] * head.down)
    where = (at - (x0, y0)).astype(np.float32)
    box = pixels[y0 : y0 + mask.shape[0], x0 : x0 + mask.shape[1]]
    luma = cv2.GaussianBlur(cv2.cvtColor(box, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.0)
    bare = cv2.remap(mask, where[..., 0], where[..., 1], cv2.INTER_NEAREST, borderValue=0) > 0
    light = cv2.remap(luma, where[..., 0], where[..., 1], cv2.INTER_LINEAR)
    patch[bare] = light[bare]
    return patch


def teeth_step(before: Floats, after: Floats) -> float:
    """By how many levels the teeth became lighter; nan where few points are bare in both patches.

    Two looks must agree, and the smaller change counts: the median at points bare in both, which a lip's shadow
    changes as it wanders over them, and the upper quartile of each patch, which a lip changes as it covers teeth.
    """
    bare = np.isfinite(before) & np.isfinite(after)
    if int(bare.sum()) < LEAST_TEETH:
        return float("nan")
    there = float(median(after[bare] - before[bare]))
    over = float(np.nanpercentile(after, 75) - np.nanpercentile(before, 75))
    return 0.0 if there * over <= 0 else min(there, over, key=abs)


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A mouth's picture, (h, w, 3) float32 RGB of `PATCH` points that lie ``step`` eye distances apart.

    It is laid around the middle between the corners, at an eye distance that is given: that of a head whose eyes are
    shut is not to be trusted in a drawing.
    """

    picture: Floats
    step: float

    @classmethod
    def of(cls, pixels: Pixels, mesh: Floats, head: Skull) -> Template:
        """The mouth as it is in a frame."""
        step = PATCH_WIDTH * max(width(mesh, head), 0.1) / PATCH[0]
        return cls(_patch(pixels, mesh, head, step * head.scale, 0), step)

    def unlike(self, pixels: Pixels, mesh: Floats, head: Skull, scale: float) -> float:
        """How far a frame's mouth differs from it at the place that fits best, levels of 255 (root mean square).

        ``scale`` px of an eye distance.
        """
        import cv2

        there = _patch(pixels, mesh, head, self.step * scale, PATCH_SEARCH)
        least = float(cv2.matchTemplate(there, self.picture, cv2.TM_SQDIFF).min())
        return float(np.sqrt(max(least, 0.0) / self.picture.size))


def _patch(pixels: Pixels, mesh: Floats, head: Skull, step: float, margin: int) -> Floats:
    """The picture around a mouth at points ``step`` px apart, float32 RGB; ``margin`` points more on every side."""
    import cv2

    middle = mesh[list(CORNERS), :2].astype(np.float32).mean(0)
    across, down = (
        (np.arange(count + 2 * margin, dtype=np.float32) - (count - 1) / 2 - margin) * np.float32(step)
        for count in PATCH
    )
    at = middle + across[None, :, None] * head.along + down[:, None, None] * head.down
    many = max(1, int(step))  # px to a point, of which the mean is taken
    last = (pixels.shape[1] - many, pixels.shape[0] - many)
    low = np.clip(np.floor(at.min((0, 1)) - 2 * step), 0, np.maximum(last, 0)).astype(int)
    size = np.maximum((np.ceil(at.max((0, 1)) + 2 * step).astype(int) - low) // many, 1)
    size = np.minimum(size, np.maximum((pixels.shape[1] - low[0], pixels.shape[0] - low[1]), many) // many)
    box = pixels[low[1] : low[1] + size[1] * many, low[0] : low[0] + size[0] * many]
    if many > 1:
        box = cv2.resize(box, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA)
    where = ((at - low + 0.5) / many - 0.5).astype(np.float32)
    patch = cv2.remap(box, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    found: Floats = patch.astype(np.float32)
    return found


def box_of(mesh: Floats) -> Box:
    """The face's box in px, as `Face.box` has it: a drawn face, whose contours end at its brows, with its forehead."""
    from stillwake.perceive.topology import LOWER_LIDS, UPPER_LIDS

    points = mesh[:468, :2]
    if not np.isfinite(points[FOREHEAD]).all():
        eyes = np.mean([points[list(lid)].mean(0) for lid in (*UPPER_LIDS, *LOWER_LIDS)], 0)
        points = np.vstack([points, eyes - DRAWN_FOREHEAD * (points[CHIN] - eyes)])
    low, high = np.nanmin(points, 0), np.nanmax(points, 0)
    return float(low[0]), float(low[1]), float(high[0]) + 1, float(high[1]) + 1
