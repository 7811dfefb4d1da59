"""Photograph, painting or drawing?

Where a human face is confirmed, what tells a drawing from a photograph or a painting is the face itself: drawn eyes
lie wide apart over a short lower face, the nose has no relief, skin is near white, and the mesh net, which has
never learnt drawn eyes, wanders between crops. Without a face only colour and edges are left, and they are weak, so
then only a clear case is called drawn.

Each decision is a logistic regression on a few measured features, fitted and judged by
``python -m benchmarks.perceive --style`` (the pictures are not part of the project): a random half of the pictures
sets the weights, the other half is judged, and the other way round, five times over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwake.perceive import topology as at
from stillwake.perceive.faces import Fit, crop_for
from stillwake.types import Floats, Pixels, Style

_FACE_SIDE = 160
_PICTURE_SIDE = 384
_NOSE = (129, 98, 97, 2, 326, 327, 358, 279, 4, 49)


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression: per feature its mean, spread and weight."""

    bias: float
    terms: Mapping[str, tuple[float, float, float]]

    def probability(self, features: Mapping[str, float]) -> float:
        """0..1, from features that include every term."""
        score = self.bias
        for name, (mean, spread, weight) in self.terms.items():
            score += weight * (features[name] - mean) / spread
        return float(1 / (1 + np.exp(-np.clip(score, -50, 50))))


FACE_DRAWN = Logistic(
    1.375,
    {
        "eyes wander": (-4.3925, 0.7888, 1.097),
        "outline wanders": (-3.6294, 0.5189, 0.728),
        "lines": (-1.0529, 0.3712, 0.404),
        "near white": (0.1583, 0.1702, 0.45),
        "nose relief": (0.4607, 1.1068, -1.753),
        "eyes to mouth": (0.9843, 0.1464, -2.133),
    },
)
"""Given a confirmed face. On unlearnt halves of 61 pictures: 100 % of photographs and paintings, 96 % of drawings."""
PICTURE_DRAWN = Logistic(
    0.104,
    {
        "picture flatness": (-1.4782, 0.9563, -0.589),
        "picture contrast": (3.0203, 1.0013, 0.61),
        "picture lines": (-0.9801, 0.2883, 0.457),
        "picture thin lines": (-4.277, 0.7957, 0.748),
        "picture grain": (-1.0816, 1.4422, -0.327),
    },
)
"""Without a face: of 68 pictures at .7, unlearnt halves, 92 % of photographs and paintings and 63 % of drawings."""
PAINTED = Logistic(
    -0.013,
    {
        "picture chroma": (0.2385, 0.1535, 0.461),
        "nose shading": (3.7979, 0.4485, 1.266),
        "picture thin lines": (-4.7253, 0.5579, -0.962),
        "picture grain": (-0.5775, 0.8237, 0.384),
    },
)
"""A weak guess: right for three in four of the pictures it was fitted on, and called 57 of 139 photographs of people
that nothing was fitted on paintings (2026-11-29)."""
PAINTED_CLEARLY = 0.9
"""Probability from which a picture is called a painting: 5 of those 139, and 2 of 19 paintings. What is said of the
others as photographs, in the report and by `readiness.file`, is said so that it holds for a painting too."""

CLEARLY = 0.7
"""Where neither our own finder sees a drawn face nor the mesh fits, colour and edges must say so much besides."""
ALONE = 0.96
"""Without any face, a picture is called drawn from this probability on: 12 of 15 drawings have more, and none of 26
photographs of hands, backs and crowds, of which 5 had .86 to .95 (2026-11-30)."""


def style_of(pixels: Pixels, largest: Fit | None, *, fits: bool, drawing: float) -> tuple[Style, float]:
    """The style, and how probable it is, .5 to 1.

    Parameters
    ----------
    pixels
        (H, W, 3) uint8 RGB.
    largest
        The largest face that the mesh confirms, or None.
    fits
        Whether a person's face is seen there well enough to be read.
    drawing
        How sure the finder of drawn faces is of one, 0 where it finds none. It finds those that look at us: a
        person's face beside which it finds none is not drawn (2 of 133 photographs were called so, 2026-11-29).
    """
    picture = picture_features(pixels)
    flat = PICTURE_DRAWN.probability(picture)
    if largest is None and drawing:
        return "drawn", drawing
    if largest is None:
        return ("drawn", flat) if flat > ALONE else ("photo", max(0.5, 1 - flat))
    face = face_features(pixels, largest)
    drawn = FACE_DRAWN.probability(face)
    if drawing and not fits:
        drawn = (drawn + flat) / 2  # a mesh that does not fit says less of the face
    if drawn > 0.5 and (drawing or (not fits and flat > CLEARLY)):
        return "drawn", drawn
    painted = PAINTED.probability(picture | face)
    if painted > PAINTED_CLEARLY:
        return "painting", (1 - drawn) * painted
    return "photo", max(0.5, (1 - drawn) * (1 - painted))


def face_features(pixels: Pixels, face: Fit) -> dict[str, float]:
    """The measured features of a fitted face, from its upright crop of 160 px."""
    import cv2

    crop = crop_for(face.mesh, 1.1)
    turn = crop.matrix(_FACE_SIDE).astype(np.float64)
    points = face.mesh[:, :2] @ turn[:, :2].T + turn[:, 2]
    lab = _lab(crop.cut(pixels, _FACE_SIDE))
    soft = cv2.GaussianBlur(lab, (0, 0), 1.2)
    slope = np.sqrt(sum(_slope(soft[..., channel]) ** 2 for channel in range(3)))
    inside = np.zeros((_FACE_SIDE, _FACE_SIDE), np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(points[list(_NOSE)]).astype(np.int32)), 1)
    nose = inside > 0
    if not nose.any():  # a nose under one pixel: the mesh is no face's
        nose[:] = True
    low, high = np.percentile(soft[..., 0][nose], [3, 97])
    eyes = (points[at.IRISES[0]] + points[at.IRISES[1]]) / 2
    mouth = (points[13] + points[14]) / 2
    apart = max(1e-6, float(np.linalg.norm(points[at.IRISES[0]] - points[at.IRISES[1]])))
    return {
        "eyes wander": float(np.log(face.wander[list(at.EYES)].mean() + 1e-4)),
        "outline wanders": float(np.log(face.wander[list(at.OVAL)].mean() + 1e-4)),
        "lines": _edges(lab)["lines"],
        "near white": float((lab[..., 0] > 88).mean()),
        "nose relief": float(np.log(slope[nose].mean() + 0.1)),
        "nose shading": float(np.log(high - low + 0.5)),
        "eyes to mouth": float(np.linalg.norm(mouth - eyes)) / apart,
    }


def picture_features(pixels: Pixels) -> dict[str, float]:
    """The measured features of a whole picture, seen 384 px wide or high; names start with "picture"."""
    import cv2

    height, width = pixels.shape[:2]
    scale = _PICTURE_SIDE / max(height, width)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    lab = _lab(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))
    chroma = float(np.hypot(lab[..., 1], lab[..., 2]).mean()) / 50
    return {f"picture {name}": value for name, value in (_edges(lab) | {"chroma": chroma}).items()}


def _lab(pixels: Pixels) -> Floats:
    import cv2

    lab: Floats = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab


def _slope(channel: Floats) -> Floats:
    """The gradient's length, in units of the channel per px."""
    import cv2

    across = cv2.Sobel(channel, -1, 1, 0, scale=0.125)
    down = cv2.Sobel(channel, -1, 0, 1, scale=0.125)
    length: Floats = np.hypot(across, down)
    return length


def _edges(lab: Floats) -> dict[str, float]:
    """Flatness, contrast between steep and flat, thin dark lines, grain: logarithms of shares of L."""
    import cv2

    light = cv2.GaussianBlur(lab[..., 0], (0, 0), 0.8)
    slope = _slope(light)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    lines: npt.NDArray[np.float32] = cv2.morphologyEx(light, cv2.MORPH_BLACKHAT, kernel)
    flat, middle, steep = np.percentile(slope, [30, 50, 98])
    grain = lab[..., 0] - cv2.GaussianBlur(lab[..., 0], (0, 0), 1.2)
    return {
        "flatness": float(np.log(flat + 0.05)),
        "contrast": float(np.log((steep + 0.2) / (middle + 0.1))),
        "lines": float(np.log((lines.mean() + 0.02) / (slope.mean() + 0.05))),
        "thin lines": float(np.log((lines > 10).mean() + 0.003)),
        "grain": float(np.log(grain[slope <= flat].std() + 0.02)),
    }
