"""Do the landmarks and the pixels agree? One confidence for the face, one for both eyes, one for the mouth.

A covered mouth does not stop the mesh: it draws lips on the hand. Two things give it away. The lips wander between
crops while the eyes stand still, and the pixels lack what lips have: a dark line, or an opening, where they meet,
and a colour of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwake.perceive import topology as at
from stillwake.perceive.faces import Fit, crop_for
from stillwake.perceive.style import Logistic
from stillwake.types import Floats, Pixels

_SIDE = 256
Points = npt.NDArray[np.float64]

MOUTH_SEEN = Logistic(
    0.412,
    {
        "lips wander": (-4.0569, 1.0332, -1.82),
        "lips wander more than eyes": (0.9069, 0.923, -1.642),
        "line or opening": (2.1302, 1.1044, 1.475),
        "redness": (0.4484, 0.6948, 0.446),
    },
)
"""On unlearnt halves of 27 pictures: 99 % of mouths covered with drawn things told, no bare mouth refused, moustaches
and beards included; a heavily altered picture (grey, noisy, soft) is refused in .4 %."""
GLASSES = Logistic(
    0.56,
    {
        "bridge": (1.9217, 1.1424, 2.567),
        "eyes wander": (-4.7994, 0.6485, 2.301),
        "rims": (2.368, 0.7204, 1.212),
    },
)
"""On unlearnt halves of 27 pictures: 96 % of glasses and covers drawn in code told, all five real pairs among the
pictures; 95 % of bare eyes left alone."""


def trust(pixels: Pixels, found: Fit) -> dict[str, float]:
    """Confidence 0..1 for "face", "left eye", "right eye", "eyes" and "mouth"; a pair of glasses covers both eyes."""
    upright = Upright.of(pixels, found)
    eyes = round(1 - GLASSES.probability(eye_features(upright, found)), 3)
    return {
        "face": round(found.presence * min(1.0, found.confirmed / 0.6) * _falling(found.unsteady, 0.03, 0.09), 3),
        "left eye": eyes,
        "right eye": eyes,
        "eyes": eyes,
        "mouth": round(MOUTH_SEEN.probability(mouth_features(upright, found)), 3),
    }


def _falling(value: float, good: float, bad: float) -> float:
    """1 up to ``good``, 0 from ``bad`` on, in between on a line through the logarithm."""
    if value <= good:
        return 1.0
    return float(np.clip(np.log(bad / value) / np.log(bad / good), 0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Upright:
    """A face cut upright, 256 px: its Lab pixels and the mesh's points in it, (478, 2) px."""

    lab: Floats
    points: Points

    @classmethod
    def of(cls, pixels: Pixels, found: Fit) -> Upright:
        """The upright cut of a fitted face."""
        import cv2

        crop = crop_for(found.mesh, 1.25)
        turn = crop.matrix(_SIDE).astype(np.float64)
        points = found.mesh[:, :2].astype(np.float64) @ turn[:, :2].T + turn[:, 2]
        lab: Floats = cv2.cvtColor(crop.cut(pixels, _SIDE).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        return cls(lab, points)

    def at(self, image: Floats, where: Points) -> Floats:
        """``image`` sampled bilinearly at (..., 2) px."""
        import cv2

        x, y = (np.ascontiguousarray(where[..., axis], np.float32) for axis in (0, 1))
        flat = cv2.remap(image, x.reshape(1, -1), y.reshape(1, -1), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        sampled: Floats = flat.reshape(*where.shape[:-1], *image.shape[2:])
        return sampled

    def inside(self, *contours: tuple[int, ...]) -> npt.NDArray[np.bool_]:
        """The polygon through these landmarks, the second row backwards."""
        import cv2

        mask = np.zeros((_SIDE, _SIDE), np.uint8)
        outline = [*contours[0], *(i for contour in contours[1:] for i in reversed(contour))]
        cv2.fillPoly(mask, [np.round(self.points[outline] * 16).astype(np.int32)], 1, shift=4)
        return mask > 0


def _grown(mask: npt.NDArray[np.bool_], radius: float) -> npt.NDArray[np.bool_]:
    import cv2

    side = 2 * max(1, round(radius)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    grown: npt.NDArray[np.bool_] = cv2.dilate(mask.astype(np.uint8), kernel) > 0
    return grown


def mouth_features(upright: Upright, found: Fit) -> dict[str, float]:
    """What speaks for real lips: steady points, a line or opening between them, a colour of their own."""
    import cv2

    points, lab = upright.points, upright.lab
    width = max(4.0, float(np.linalg.norm(points[291] - points[61])))
    outer = upright.inside(at.OUTER_UPPER, at.OUTER_LOWER)
    inner = upright.inside(at.INNER_UPPER, at.INNER_LOWER)
    ring = _grown(outer, 0.16 * width) & ~_grown(outer, 0.05 * width)
    lips = outer & ~_grown(inner, 0.02 * width)
    if lips.sum() < 20:
        lips = outer
    lip, skin = np.median(lab[lips], axis=0), np.median(lab[ring], axis=0)
    across = (points[291] - points[61]) / width
    down = np.array([-across[1], across[0]])
    upper, lower = points[list(at.INNER_UPPER)], points[list(at.INNER_LOWER)]
    gap = float(np.median(np.linalg.norm(upper - lower, axis=1)[3:8])) / width
    # the light across the line where the lips meet, at nine places along it
    soft = cv2.GaussianBlur(lab[..., 0], (0, 0), max(0.6, 0.012 * width))
    steps = np.linspace(-0.14, 0.14, 29)
    middle = ((upper + lower) / 2)[1:-1]
    light = upright.at(soft, middle[:, None] + steps[None, :, None] * width * down)
    depths = []
    for row in light:
        lowest = 8 + int(np.argmin(row[8:21]))
        depths.append(min(row[:lowest].max(), row[lowest + 1 :].max()) - row[lowest])
    opening = 0.0
    if gap > 0.05 and inner.sum() > 20:
        opening = float(np.linalg.norm(np.median(lab[inner], axis=0) - lip))
    lip_wander = float(found.wander[list(at.LIPS)].mean()) + 1e-4
    eye_wander = float(found.wander[list(at.EYES)].mean()) + 1e-4
    return {
        "lips wander": float(np.log(lip_wander)),
        "lips wander more than eyes": float(np.log(lip_wander / eye_wander)),
        "line or opening": float(np.log(max(float(np.percentile(depths, 35)), opening / 2, 0) + 2)),
        "redness": float(np.clip(lip[1] - skin[1], -15, 15)) / 10,
    }


def eye_features(upright: Upright, found: Fit) -> dict[str, float]:
    """What speaks for glasses or a cover: a bar across the nose, rims below the eyes, eyes that wander."""
    import cv2

    points, lab = upright.points, upright.lab
    left, right = points[at.IRISES[0]], points[at.IRISES[1]]
    apart = max(8.0, float(np.linalg.norm(right - left)))
    across = (right - left) / apart
    down = np.array([-across[1], across[0]])
    soft = cv2.GaussianBlur(lab[..., 0], (0, 0), 0.8)
    yellow = cv2.GaussianBlur(lab[..., 2], (0, 0), 0.8)

    def grid(image: Floats, origin: Points, u: Points, v: Points) -> Floats:
        """``image`` at origin + u·across + v·down, (v, u), lengths in eye distances."""
        offsets = u[None, :, None] * across + v[:, None, None] * down
        return upright.at(image, origin + offsets * apart)

    middle = (left + right) / 2
    steps = np.linspace(-0.22, 0.36, 59)
    nose = np.linspace(-0.1, 0.1, 9)
    # silver has the light of skin but not its colour
    bridge = max(_bar(grid(soft, middle, nose, steps)), 1.5 * _bar(grid(yellow, middle, nose, steps)))
    rims = []
    for eye in (left, right):
        angles = np.radians(np.linspace(25, 155, 27))
        radii = np.linspace(0.2, 0.62, 43)
        rays = np.cos(angles)[None, :, None] * across + np.sin(angles)[None, :, None] * down
        polar = upright.at(soft, eye + radii[:, None, None] * rays * apart)
        rims.append(_bar(polar, strip=7))
    return {
        "bridge": float(np.log(bridge + 1)),
        "rims": float(np.log(np.mean(rims) + 1)),
        "eyes wander": float(np.log(found.wander[list(at.EYES)].mean() + 1e-4)),
    }


def _bar(light: Floats, strip: int = 9) -> float:
    """How strongly a thin bar, dark or bright, runs across the columns of ``light``: units of L.

    Along each column what a window of 13 samples closes (or opens) is the bar's contrast. It is taken where a strip
    of neighbouring columns agrees, so that a bar may be tilted or curved but not broken, then averaged over strips.
    """
    import cv2

    window = np.ones((13, 1), np.uint8)
    found = []
    for how in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT):
        contrast = cv2.morphologyEx(light, how, window)
        contrast = cv2.dilate(contrast, np.ones((3, 1), np.uint8))
        strips = [
            float(np.percentile(contrast[:, i : i + strip], 25, axis=1).max())
            for i in range(0, light.shape[1] - strip + 1, max(1, strip // 2))
        ]
        found.append(float(np.mean(strips)))
    return max(found)
