"""Faces in a picture: found by a detector, fitted by the mesh net, kept only where the two agree.

Fed with a dog, the mesh net draws a human face on it, so three things must hold. The net itself says that a face
lies in the crop. The full-range detector, shown the place again at three scales, confirms it: people score .6 and
more, animals 0. And the meshes read from seven crops agree: on a human face, photographed or painted, each point
wanders by about 1 % of the distance between the eyes; on animals and most drawings by 4 % and more.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from stillwake.perceive import topology as at
from stillwake.perceive.models import Crop, Detection, detect, read_mesh
from stillwake.types import Box, Floats, Pixels

# Crops around the fitted one: (side, turn in degrees, shift across, shift down), the last two in sides. About what
# a detector's box is off by.
_CROPS = ((0.9, 0, 0, 0), (1.12, 0, 0, 0), (1, -7, 0, 0), (1, 7, 0, 0), (1, 0, 0.05, 0.03), (1, 0, -0.05, -0.03))

MOST_FACES = 12
"""Faces fitted in one picture, the largest; in a crowd the rest is too small to animate anyway."""

# The limits below: python -m benchmarks.perceive --gate
PRESENT = 0.5
"""The mesh net's own score from which it says that a face lies in its crop (mediapipe's default)."""
CONFIRMED = 0.4
"""The detector's median score over three scales: people .60 to .95; animals 0 to .18, once .40, and then unsteady."""
STEADY = 0.045
"""Mean wander of the outline: people .012 to .033, altered pictures of them included; animals from .053."""

_CONFIRM_SIDE = 384
"""Side in px at which the detector is shown a place again: twice its net's input."""
_TILED = 900
"""Longest side in px from which a picture without a face is searched again in tiles."""
_FAINT, _FAINT_NEAR = 0.12, 0.3
"""Scores from which a detector's box is worth a closer look."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A mesh and how far to believe it.

    ``mesh`` (478, 3) float32 px, the median over the crops; ``presence`` the mesh net's own score 0..1, the lowest
    over the crops; ``wander`` (478,) float32, how far each point wanders between crops, in distances between the
    irises; ``crop`` the crop that fits the mesh; ``confirmed`` the detector's median score on it, 0..1.
    """

    mesh: Floats
    presence: float
    wander: Floats
    crop: Crop
    confirmed: float

    @property
    def box(self) -> Box:
        """The box around the mesh's outline in px."""
        return box_of(self.mesh)

    @property
    def unsteady(self) -> float:
        """Mean wander of the outline."""
        return float(self.wander[list(at.OVAL)].mean())

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
    crop = settled(pixels, detection)
    readings = [read_mesh(pixels, crop)]
    for scale, turn, across, down in _CROPS:
        nearby = Crop(crop.x + across * crop.side, crop.y + down * crop.side, crop.side * scale, crop.angle + turn)
        readings.append(read_mesh(pixels, nearby))
    meshes = np.stack([mesh for mesh, _ in readings])
    median = np.median(meshes, axis=0).astype(np.float32)
    distance = np.linalg.norm(median[at.IRISES[0], :2] - median[at.IRISES[1], :2])
    wander = np.linalg.norm(meshes[..., :2] - median[None, :, :2], axis=-1).mean(0) / max(distance, 1.0)
    presence = min(score for _, score in readings)
    confirmed = confirm(pixels, box_of(median)) if presence >= PRESENT else 0.0
    return Fit(median, presence, wander.astype(np.float32), crop, confirmed)


def settled(pixels: Pixels, detection: Detection) -> Crop:
    """The crop that the mesh of a detected face asks for, read twice."""
    (xl, yl), (xr, yr) = detection.eyes
    x0, y0, x1, y1 = detection.box
    crop = Crop((x0 + x1) / 2, (y0 + y1) / 2, 1.5 * detection.size, float(np.degrees(np.arctan2(yr - yl, xr - xl))))
    for _ in range(2):
        crop = crop_for(read_mesh(pixels, crop)[0])
    return crop


def confirm(pixels: Pixels, box: Box) -> float:
    """The full-range detector's median score for a face in that box, at three scales; 0 where it sees none.

    On the whole picture one bearded face in glasses scored .33, less than a railway signal; shown closer, .73 and 0.
    """
    x, y, side = (box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2, max(box[2] - box[0], box[3] - box[1])
    scores = []
    for wider in (2.0, 3.0, 4.5):
        cut = Crop(x, y, wider * side).cut(pixels, _CONFIRM_SIDE)
        half = _CONFIRM_SIDE / 2
        here = (half - half / wider, half - half / wider, half + half / wider, half + half / wider)
        scores.append(max((d.score for d in detect(cut) if overlap(d.box, here) > 0.3), default=0.0))
    return float(np.median(scores))


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A place that a detector boxed with a score, the mesh fitted there, and why it is no face; empty when it is."""

    box: Box
    score: float
    fit: Fit
    why: str


def candidates(pixels: Pixels) -> list[Candidate]:
    """Every place where a face was looked for: those that hold, the largest first, then the others, best score first.

    Places where neither detector is moved are not listed.
    """
    boxed = [d for d in detect(pixels) if d.score >= _FAINT]
    for seen in detect(pixels, near=True)[:3]:
        if seen.score >= _FAINT_NEAR and not any(overlap(seen.box, d.box) > 0.2 for d in boxed):
            boxed.append(seen)
    found = _examined(pixels, boxed)
    if all(place.why for place in found) and max(pixels.shape[:2]) > _TILED:
        # the detector sees the whole picture 192 px wide: small faces need a closer look
        found += [place for place in _examined(pixels, _in_tiles(pixels)) if not place.why]
    return sorted(found, key=lambda c: (1, -c.score) if c.why else (0, c.fit.box[0] - c.fit.box[2]))


def _examined(pixels: Pixels, boxed: Iterable[Detection]) -> list[Candidate]:
    found: list[Candidate] = []
    for place in itertools.islice(boxed, 2 * MOST_FACES):
        if any(not c.why and overlap(c.box, place.box) > 0.3 for c in found):
            continue
        fitted = fit(pixels, place)
        if not any(not c.why and overlap(c.fit.box, fitted.box) > 0.3 for c in found):
            found.append(Candidate(place.box, place.score, fitted, _doubt(fitted, place.score)))
    return found


def _in_tiles(pixels: Pixels) -> list[Detection]:
    """What the full-range detector boxes with a fair score in squares of 40 % of the longer side, best first."""
    height, width = pixels.shape[:2]
    side = round(0.4 * max(height, width))
    boxed = []
    for y in _starts(height, side):
        for x in _starts(width, side):
            for d in detect(np.ascontiguousarray(pixels[y : y + side, x : x + side])):
                if d.score >= _FAINT_NEAR:
                    x0, y0, x1, y1 = d.box
                    left, right = ((ex + x, ey + y) for ex, ey in d.eyes)
                    boxed.append(Detection((x0 + x, y0 + y, x1 + x, y1 + y), (left, right), d.score))
    return sorted(boxed, key=lambda d: -d.score)


def _starts(length: int, side: int) -> list[int]:
    """Where tiles of that side start, overlapping by about a quarter."""
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (0.75 * side))) + 1
    return [round(i * (length - side) / (count - 1)) for i in range(count)]


def _doubt(found: Fit, score: float) -> str:
    if found.presence < PRESENT or found.confirmed < CONFIRMED:
        if score < _FAINT_NEAR:
            return "it shows no person's face from the front: an animal, a pattern or a head turned away"
        return (
            "what looks like a face is no person's that can be read: an animal's, a drawn one that is turned away, "
            "tilted far or has its eyes shut, or a pattern"
        )
    if found.unsteady > STEADY:
        return "a face is there, but it is turned away, covered or too blurred to find its features"
    return ""


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)
