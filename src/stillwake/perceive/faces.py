"""Faces in a picture: found by a detector, fitted by the mesh net, kept only where the two agree.

A face detector confirms every face before its mesh is believed: fed with a dog, the mesh net draws a human face on
it. The mesh is then read from several crops of the same face. On a human face, photographed or painted, the crops
agree within about 1 % of the distance between the eyes; on animals and most drawings they do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stillwake.perceive import topology as at
from stillwake.perceive.models import Crop, Detection, read_mesh
from stillwake.types import Box, Floats, Pixels

# Crops around the fitted one: (side, turn in degrees, shift across, shift down), the last two in sides. About what
# a detector's box is off by.
_CROPS = ((0.9, 0, 0, 0), (1.12, 0, 0, 0), (1, -7, 0, 0), (1, 7, 0, 0), (1, 0, 0.05, 0.03), (1, 0, -0.05, -0.03))

MOST_FACES = 12
"""Faces fitted in one picture, the largest; in a crowd the rest is too small to animate anyway."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A mesh and how far to believe it.

    ``mesh`` (478, 3) float32 px, the median over the crops; ``presence`` the mesh net's own score 0..1, the lowest
    over the crops; ``wander`` (478,) float32, how far each point wanders between crops, in distances between the
    irises; ``crop`` the crop that fits the mesh; ``detection`` what confirmed it.
    """

    mesh: Floats
    presence: float
    wander: Floats
    crop: Crop
    detection: Detection

    @property
    def box(self) -> Box:
        """The box around the mesh's outline in px."""
        return box_of(self.mesh)

    @property
    def between_eyes(self) -> float:
        """Distance of the irises in px."""
        return float(np.linalg.norm(self.mesh[at.IRISES[0], :2] - self.mesh[at.IRISES[1], :2]))


def box_of(mesh: Floats) -> Box:
    """The box around a mesh in px; its right and lower side lie outside the last pixel."""
    low, high = mesh[:468, :2].min(0), mesh[:468, :2].max(0)
    return float(low[0]), float(low[1]), float(high[0]) + 1, float(high[1]) + 1


def crop_for(mesh: Floats, scale: float = 1.5) -> Crop:
    """The upright square around a mesh, ``scale`` times its longer side: the framing the net was trained on."""
    across = mesh[at.CORNER_RIGHT, :2] - mesh[at.CORNER_LEFT, :2]
    angle = float(np.arctan2(across[1], across[0]))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = mesh[:468, :2] @ turn.T
    low, high = upright.min(0), upright.max(0)
    x, y = ((low + high) / 2) @ turn
    return Crop(float(x), float(y), float(scale * (high - low).max()), float(np.degrees(angle)))


def fit(pixels: Pixels, detection: Detection) -> Fit:
    """The mesh of a detected face, read from seven crops around where its own first reading puts it."""
    (xl, yl), (xr, yr) = detection.eyes
    x0, y0, x1, y1 = detection.box
    crop = Crop((x0 + x1) / 2, (y0 + y1) / 2, 1.5 * detection.size, float(np.degrees(np.arctan2(yr - yl, xr - xl))))
    for _ in range(2):
        crop = crop_for(read_mesh(pixels, crop)[0])
    readings = [read_mesh(pixels, crop)]
    for scale, turn, across, down in _CROPS:
        nearby = Crop(crop.x + across * crop.side, crop.y + down * crop.side, crop.side * scale, crop.angle + turn)
        readings.append(read_mesh(pixels, nearby))
    meshes = np.stack([mesh for mesh, _ in readings])
    median = np.median(meshes, axis=0).astype(np.float32)
    distance = np.linalg.norm(median[at.IRISES[0], :2] - median[at.IRISES[1], :2])
    wander = np.linalg.norm(meshes[..., :2] - median[None, :, :2], axis=-1).mean(0) / max(distance, 1.0)
    return Fit(median, min(score for _, score in readings), wander.astype(np.float32), crop, detection)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)
