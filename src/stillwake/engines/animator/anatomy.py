"""The face's own frame, its lip lines and its eyes: what every motion is measured in.

Lengths are in units of the face, so that a pose means the same on every still: ``mouth_width`` (corner to
corner), ``face_height`` (hairline to chin, landmarks 10 to 152) and ``opening_unit``, a mix of both, so that a
pursed mouth still opens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwake.types import Face, Floats, Pixels

Array = npt.NDArray[Any]

# Landmark numbers of mediapipe's 478-point mesh, each path from the viewer's left to the right.
OUTER_UPPER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
UPPER_BODY = (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306, 62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292)
LOWER_BODY = (77, 90, 180, 85, 16, 315, 404, 320, 307, 96, 89, 179, 86, 15, 316, 403, 319, 325)
CORNERS = (61, 291, 78, 308, 76, 306, 62, 292)
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
CHEEKS = (50, 280, 205, 425, 101, 330)
EYES = (  # upper lid, lower lid, lower edge of the brow
    (
        (33, 246, 161, 160, 159, 158, 157, 173, 133),
        (33, 7, 163, 144, 145, 153, 154, 155, 133),
        (46, 53, 52, 65, 55),
    ),
    (
        (362, 398, 384, 385, 386, 387, 388, 466, 263),
        (362, 382, 381, 380, 374, 373, 390, 249, 263),
        (285, 295, 282, 283, 276),
    ),
)
LINE_POINTS = 65
"""Points of a lip line: enough that the polygon's corners never show at 4K."""

CLOSED_GAP = 0.035
"""A mouth that is open by less than this share of its width in the still counts as closed."""


def smoothstep(x: npt.ArrayLike, low: Any, high: Any) -> Array:
    """0 below ``low``, 1 above ``high``, a cubic ease between."""
    t = np.clip((np.asarray(x, np.float64) - low) / (high - low), 0.0, 1.0)
    eased: Array = t * t * (3.0 - 2.0 * t)
    return eased


@dataclass(frozen=True, slots=True, eq=False)
class EyeLine:
    """One eye in its own frame: ``origin`` the viewer's left corner, ``across`` to the right one, ``down`` normal.

    ``x`` (128,) positions along the eye in px from -.25 to 1.25 widths; ``upper``, ``lower``, ``brow`` (128,)
    heights in px below the line through the corners.
    """

    origin: Array
    across: Array
    down: Array
    width: float
    x: Array
    upper: Array
    lower: Array
    brow: Array


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """A face measured: axes, lengths, lip lines, eyes. All positions in px of the still.

    ``across`` and ``down`` are unit vectors along the eyes and down the face; ``centre`` is the middle of the lip
    line; ``half_left`` and ``half_right`` the distances from there to the corners, which differ when the face is
    turned. ``upper_line`` and ``lower_line`` (65, 2) are the inner edges of the lips, one line in a closed mouth;
    ``gap`` the distance between them in the middle, px. ``oval`` (N, 2) runs round the face; ``solid`` (N, 3) are
    points of it and how far each stands before the ears, px. Only a photographed face has a ``mesh`` (478, 3).
    """

    across: Array
    down: Array
    centre: Array
    half_left: float
    half_right: float
    mouth_width: float
    face_height: float
    opening_unit: float
    upper_line: Floats
    lower_line: Floats
    gap: float
    eyes: tuple[EyeLine, EyeLine]
    oval: Floats
    chin: Floats
    solid: Floats
    mesh: Floats | None = None

    @property
    def opened(self) -> bool:
        """Whether the mouth is open in the still."""
        return self.gap > CLOSED_GAP * self.mouth_width

    @property
    def smile(self) -> float:
        """How broadly the mouth smiles in the still, 0..1: the corners' height over the middle of the lower lip line.

        A level line gives 0, corners a seventh of the mouth's width above it 1.
        """
        below = self.local(self.lower_line)[1]
        lift = float(below[LINE_POINTS // 2] - (below[0] + below[-1]) / 2) - self.gap / 2
        return float(np.clip(7 * lift / self.mouth_width, 0.0, 1.0))

    @property
    def landmarks(self) -> Floats:
        """The mesh of a photographed face, (478, 3) px."""
        if self.mesh is None:
            raise ValueError("a drawn face has no mesh")
        return self.mesh

    @property
    def points(self) -> Floats:
        """The mesh in the picture, (478, 2) px."""
        return self.landmarks[:, :2]

    @property
    def hinge(self) -> float:
        """The mesh's depth at the jaw's joints, px."""
        z = self.landmarks[:, 2]
        return float((z[234] + z[454]) / 2)

    def local(self, xy: Array) -> tuple[Array, Array]:
        """Positions along and down the face from the mouth's centre, px; ``xy`` (..., 2)."""
        offset = xy - self.centre
        return offset @ self.across, offset @ self.down

    def half(self, x: Array) -> Array:
        """Half the mouth's width on the side of ``x``, blended through the middle so that no field has a kink."""
        share = smoothstep(x, -0.25 * self.mouth_width, 0.25 * self.mouth_width)
        blended: Array = self.half_left + (self.half_right - self.half_left) * share
        return blended

    def line_heights(self, x: Array, line: Floats) -> Array:
        """Height of a lip line above positions ``x`` along the face, px; constant beyond the corners."""
        along, below = self.local(line)
        heights: Array = np.interp(x, along, below)
        return heights


def measure(pixels: Pixels, face: Face) -> Anatomy:
    """The anatomy of a face, from its mesh or, if drawn, its contours; ``pixels`` (H, W, 3) uint8 RGB."""
    from stillwake.engines.animator.contours import measure_contours

    return measure_contours(pixels, face) if face.mesh is None else measure_mesh(pixels, face.mesh)


def measure_mesh(pixels: Pixels, mesh: Floats) -> Anatomy:
    """The anatomy of a photographed face; ``mesh`` (478, 3) px."""
    points = mesh[:, :2].astype(np.float64)
    across = points[263] - points[33]
    across /= np.linalg.norm(across)
    down = np.array([-across[1], across[0]])
    mouth_width = float(np.linalg.norm(points[291] - points[61]))
    face_height = float(np.linalg.norm(points[10] - points[152]))
    middle = (points[13] + points[14]) / 2
    corners = (points[78] + points[308]) / 2
    along = float((middle - corners) @ across)
    centre = corners + across * along
    half_left = max(0.2 * mouth_width, float((centre - points[61]) @ across))
    half_right = max(0.2 * mouth_width, float((points[291] - centre) @ across))
    upper, lower = lip_lines(pixels, points, down, mouth_width)
    gap = float(np.median(((lower - upper) @ down)[LINE_POINTS // 3 : -LINE_POINTS // 3]))
    hinge = (mesh[234, 2] + mesh[454, 2]) / 2
    return Anatomy(
        across=across,
        down=down,
        centre=centre,
        half_left=half_left,
        half_right=half_right,
        mouth_width=mouth_width,
        face_height=face_height,
        opening_unit=0.5 * mouth_width + 0.14 * face_height,
        upper_line=upper.astype(np.float32),
        lower_line=lower.astype(np.float32),
        gap=max(0.0, gap),
        eyes=(
            eye_line(*(points[list(path)] for path in EYES[0])),
            eye_line(*(points[list(path)] for path in EYES[1])),
        ),
        oval=mesh[list(OVAL), :2],
        chin=mesh[152, :2],
        solid=np.concatenate([mesh[:468:3, :2], hinge - mesh[:468:3, 2:]], 1),
        mesh=mesh,
    )


def lip_lines(pixels: Pixels, points: Array, down: Array, mouth_width: float) -> tuple[Array, Array]:
    """Inner edges of the upper and the lower lip, each (65, 2) px from corner to corner.

    The mesh knows the lips to a few pixels; a fringe of the wrong side sticks to a lip for the whole clip. So the
    lines are snapped to the picture: a closed mouth is cut along its darkest path, an open one along the two
    strongest edges, both found by dynamic programming near the mesh's contour.
    """
    upper, lower = dense(points[list(INNER_UPPER)]), dense(points[list(INNER_LOWER)])
    gap = float(np.median(((lower - upper) @ down)[LINE_POINTS // 3 : -LINE_POINTS // 3]))
    if gap < CLOSED_GAP * mouth_width:
        line = snap(pixels, (upper + lower) / 2, down, 0.06 * mouth_width, mouth_width, edge=None)
        return line, line.copy()
    reach = min(0.05 * mouth_width, 0.45 * gap)
    inset = 0.006 * mouth_width * (1 - np.abs(np.linspace(-1, 1, LINE_POINTS)) ** 4)[:, None] * down
    snapped_upper = snap(pixels, upper, down, reach, mouth_width, edge=1) - inset
    snapped_lower = snap(pixels, lower, down, reach, mouth_width, edge=-1) + inset
    return snapped_upper, snapped_lower


def dense(contour: Array) -> Array:
    """A contour resampled at `LINE_POINTS` points, shape-preserving (PCHIP) along its length."""
    from scipy.interpolate import PchipInterpolator

    lengths = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(contour, axis=0), axis=1))]
    at = np.linspace(0.0, lengths[-1], LINE_POINTS)
    return np.stack([PchipInterpolator(lengths, contour[:, k])(at) for k in (0, 1)], 1)


def snap(
    pixels: Pixels,
    line: Array,
    down: Array,
    reach: float,
    mouth_width: float,
    edge: int | None,
) -> Array:
    """``line`` moved along ``down`` by at most ``reach`` px onto its darkest path, or onto its strongest edge.

    ``edge`` +1 looks for a lip above the line and teeth or shadow below it, -1 for the opposite; the lip is the
    redder side (a* of Lab), or failing colour the side whose tone is nearer to the lip's own.
    """
    import cv2

    offsets = np.arange(-reach, reach + 1e-3, max(0.5, mouth_width / 160))
    samples = (line[:, None] + offsets[None, :, None] * down).astype(np.float32)
    soft = cv2.GaussianBlur(pixels, (0, 0), max(0.6, mouth_width / 120))
    maps = samples[..., 0].copy(), samples[..., 1].copy()
    strip = cv2.remap(soft, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    prior = (offsets / reach) ** 2
    if edge is None:
        cost = cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY).astype(np.float64) + 12.0 * prior
        slope = 3.0
    else:
        lab = cv2.cvtColor(strip, cv2.COLOR_RGB2LAB).astype(np.float64)
        jump = np.gradient(lab, axis=1)
        redness = np.maximum(-edge * jump[..., 1], 0.0)
        colourful = float(np.percentile(redness.max(1), 50)) > 3.0  # else a grey still, where only tone tells
        strength = redness + np.abs(jump[..., 0]) * (0.08 if colourful else 1.0)
        strength /= max(1.0, float(np.percentile(strength, 95)))
        cost = 20.0 * (1.0 - np.minimum(strength, 1.0)) + 6.0 * prior
        slope = 4.0
    path = cheapest_path(cost, slope)
    moved = cv2.GaussianBlur(offsets[path][None].astype(np.float32), (0, 0), 2)[0].astype(np.float64)
    moved *= 1 - np.abs(np.linspace(-1, 1, len(line))) ** 6
    snapped: Array = line + moved[:, None] * down
    return snapped


def cheapest_path(cost: Array, slope: float) -> npt.NDArray[np.intp]:
    """For each row of ``cost`` the column of the cheapest path, ``slope`` per column of change (Viterbi)."""
    rows, columns = cost.shape
    total, back = cost.copy(), np.zeros(cost.shape, np.intp)
    step = np.abs(np.subtract.outer(np.arange(columns), np.arange(columns))) * slope
    for row in range(1, rows):
        ways = total[row - 1][None] + step
        back[row] = ways.argmin(1)
        total[row] += ways.min(1)
    path = np.empty(rows, np.intp)
    path[-1] = total[-1].argmin()
    for row in range(rows - 1, 0, -1):
        path[row - 1] = back[row, path[row]]
    return path


def eye_line(upper: Array, lower: Array, brow: Array, across: Array | None = None) -> EyeLine:
    """An eye from its contours, each (N, 2) px from the viewer's left to the right.

    ``across`` is where the eye's corners need not lie level, else the line through them.
    """
    from scipy.interpolate import PchipInterpolator

    if across is None:
        across = (upper[-1] - upper[0]) / max(1e-6, float(np.linalg.norm(upper[-1] - upper[0])))
    width = float((upper[-1] - upper[0]) @ across)
    down = np.array([-across[1], across[0]])
    origin = upper[0]
    x = np.linspace(-0.25 * width, 1.25 * width, 128)

    def curve(contour: Array) -> Array:
        along, below = (contour - origin) @ across, (contour - origin) @ down
        order = np.argsort(along)
        along, below = along[order], below[order]
        keep = np.r_[True, np.diff(along) > min(0.3, 0.02 * (along[-1] - along[0]))]  # PCHIP wants rising positions
        if keep.sum() < 2:  # an eye seen edge-on, or smaller than a pixel
            return np.full(len(x), below.mean())
        heights: Array = PchipInterpolator(along[keep], below[keep])(np.clip(x, along[keep][0], along[keep][-1]))
        return heights

    along = (brow - origin) @ across
    order = np.argsort(along)
    return EyeLine(
        origin=origin,
        across=across,
        down=down,
        width=width,
        x=x,
        upper=curve(upper),
        lower=curve(lower),
        brow=np.interp(x, along[order], ((brow - origin) @ down)[order]),
    )
