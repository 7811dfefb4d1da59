"""One face seen eight times: upright and mirrored, a little turned, a little nearer and further.

The nets have habits: they draw one eye larger, one corner lower. A mirrored view turns the habit round, so the
median over both keeps the face and loses the habit (``../benchmarks/readiness.py``: eye size, corners).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stillwake.perceive import topology as at
from stillwake.perceive.drawn import drawn_face, frame_in, in_mesh_order, read
from stillwake.perceive.models import Crop, read_mesh
from stillwake.types import Face, Floats, Pixels

_TURNS = ((0.0, 1.5), (-6.0, 1.4), (6.0, 1.6), (0.0, 1.75))
"""(degrees more than the face's own roll, side of the crop in face heights)."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What the eight meshes agree on, each the median.

    ``iris_ratio`` ln of the viewer's left iris radius over the right one's; ``iris_radius`` the smaller one in px;
    ``lid_ratio`` ln of the lids' areas; ``corners`` how much higher the viewer's left mouth corner lies than the
    right one, ``gap`` how far the lips part, ``smile`` how far the corners lie above the middle of the lips,
    ``brows`` how far the brows lie above the eyes, ``lids`` how far they open: all over the distance between the
    eyes.

    ``size_ratio`` adds .4 of the lids' ratio to the irises': the net draws irises nearly alike whatever it sees, and
    lids move with expression; their sum tells more than either.
    """

    iris_ratio: float
    iris_radius: float
    lid_ratio: float
    corners: float
    gap: float
    smile: float
    brows: float
    lids: tuple[float, float]

    @property
    def size_ratio(self) -> float:
        """Ln of how much larger the viewer's left eye is than the right one."""
        return self.iris_ratio + 0.4 * self.lid_ratio


def measure(pixels: Pixels, face: Face) -> Measures:
    """The measures of a face that was found in ``pixels`` (H, W, 3) uint8 RGB; nan where a drawn eye is closed."""
    x0, y0, x1, y1 = face.box
    side = max(x1 - x0, y1 - y0)
    middle = (x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2
    reach = 1.4 * side
    left, top = int(max(0, middle[0] - reach)), int(max(0, middle[1] - reach))
    part = pixels[top : int(middle[1] + reach) + 1, left : int(middle[0] + reach) + 1]
    mirrored = np.ascontiguousarray(part[:, ::-1])
    rows = []
    for turn, scale in _TURNS:
        x, y = middle[0] - left, middle[1] - top
        crop = Crop(x, y, scale * side, face.roll + turn)
        rows.append(_of_mesh(_read(part, crop, face.kind)))
        crop = Crop(part.shape[1] - 1 - x, y, scale * side, -face.roll - turn)
        rows.append(_turned_round(_of_mesh(_read(mirrored, crop, face.kind))))
    middle_of = np.median(np.array(rows), 0)
    return Measures(
        float(middle_of[0]), float(middle_of[1]), float(middle_of[2]), float(middle_of[3]), float(middle_of[4]),
        float(middle_of[5]), float(middle_of[6]), (float(middle_of[7]), float(middle_of[8])),
    )  # fmt: skip


def _read(pixels: Pixels, crop: Crop, kind: Literal["photo", "drawn"]) -> Floats:
    """The landmarks in a view, (478, 3) px; ``crop`` framed as the mesh net likes it."""
    if kind == "photo":
        return read_mesh(pixels, crop)[0]
    side = crop.side / 1.5
    box = crop.x - side / 2 + 0.5, crop.y - side / 2 + 0.5, crop.x + side / 2 + 0.5, crop.y + side / 2 + 0.5
    return in_mesh_order(drawn_face(read(pixels, frame_in(box, crop.angle), rounds=1)))


def _of_mesh(mesh: Floats) -> list[float]:
    p = mesh[:, :2].astype(np.float64)
    radii = [float(np.linalg.norm(p[list(at.IRIS_RIMS[s])] - p[at.IRISES[s]], axis=1).mean()) for s in (0, 1)]
    eyes = [p[list(at.UPPER_LIDS[s] + at.LOWER_LIDS[s])].mean(0) for s in (0, 1)]
    along = eyes[1] - eyes[0]
    apart = float(np.linalg.norm(along))
    down = np.array([-along[1], along[0]]) / apart

    def depth(*points: int) -> float:
        return float((p[list(points)].mean(0) - eyes[0]) @ down) / apart

    areas = [_area(p[list(at.UPPER_LIDS[s] + at.LOWER_LIDS[s][::-1])]) for s in (0, 1)]
    lids = [
        float((p[list(at.LOWER_LIDS[s][2:7])].mean(0) - p[list(at.UPPER_LIDS[s][2:7])].mean(0)) @ down) / apart
        for s in (0, 1)
    ]
    corners = depth(61, 78) - depth(291, 308)
    return [
        float(np.log(radii[0] / radii[1])),
        min(radii),
        float(np.log(max(areas[0], 1e-3) / max(areas[1], 1e-3))),
        -corners,
        depth(14) - depth(13),
        depth(13, 14) - depth(61, 291, 78, 308),
        -depth(*at.BROWS[0], *at.BROWS[1]),
        *lids,
    ]


def _turned_round(row: list[float]) -> list[float]:
    return [-row[0], row[1], -row[2], -row[3], *row[4:7], row[8], row[7]]


def _area(ring: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    x, y = ring.T
    return abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2
