"""Drawn faces: found and read by two nets of our own, trained on nothing but our own drawings.

The finder looks at the picture, 640 and 320 px long, and says where a face's frame is centred, how large it is and how
it tilts; the reader looks at that frame, upright, 160 px, twice: the second time where the first reading puts it. It
says how far each point may be off, so that what it only guesses (an eye under hair) is not moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from stillwake.perceive.models import Crop
from stillwake.types import Box, Eye, Face, Floats, Mouth, Pixels

LONG = (640, 320)
"""Long sides in px of the picture the finder sees: the first for small faces, the second for those that fill it."""
SIDE = 160
"""Side in px of the frame the reader sees."""
CELL = 8
_MULTIPLE = 64

LIDS = (slice(0, 12), slice(15, 27))
"""The points of each eye's lids: seven of the upper, the inner five of the lower one."""
CHIN, MOUTH = 43, slice(48, 60)

FAINT = 0.2
"""A place that the finder gives less is not looked at."""
FACE = 0.5
"""The reader's own word for a face."""
MOST = 12


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One drawn face as the reader sees it.

    ``points`` (66, 2) float32 px of the picture; ``scale`` (66,) float32 px, the error it expects; ``visible`` (66,)
    0..1; ``face`` 0..1; ``open`` each eye's, 0..1; ``mouth_open``, ``mouth_drawn`` 0..1; ``covered`` (2,) the share of
    each eye's lids that is hidden; ``yaw``, ``pitch`` in degrees; ``crop`` where it looked; ``score`` the finder's.
    """

    points: Floats
    scale: Floats
    visible: Floats
    face: float
    open: tuple[float, float]
    mouth_open: float
    mouth_drawn: float
    covered: tuple[float, float]
    yaw: float
    pitch: float
    crop: Crop
    score: float

    @property
    def apart(self) -> float:
        """Distance of the eyes' middles in px."""
        return float(np.linalg.norm(self.points[LIDS[0]].mean(0) - self.points[LIDS[1]].mean(0)))


@lru_cache(maxsize=2)
def _net(name: str) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    weights = resources.files("stillwake.perceive") / "weights" / f"{name}.onnx"
    return ort.InferenceSession(weights.read_bytes(), options, providers=["CPUExecutionProvider"])


def frame_of(points: Floats) -> Crop:
    """The upright square in which a face with these points (66, 2) px is read."""
    left, right = points[LIDS[0]].mean(0), points[LIDS[1]].mean(0)
    eyes, mouth = (left + right) / 2, points[MOUTH].mean(0)
    across = right - left
    side = max(float(np.linalg.norm(across)) / 0.42, float(np.linalg.norm(points[CHIN] - eyes)) / 0.46)
    x, y = eyes + 0.5 * (mouth - eyes)
    return Crop(float(x), float(y), max(side, 4.0), float(np.degrees(np.arctan2(across[1], across[0]))))


def places(pixels: Pixels) -> list[tuple[Crop, float]]:
    """Where the finder sees the frame of a face, and how sure it is, best first; overlapping ones are dropped."""
    seen = sorted((place for long in LONG for place in _peaks(pixels, long)), key=lambda place: -place[1])
    found: list[tuple[Crop, float]] = []
    for crop, score in seen:
        if all(np.hypot(crop.x - o.x, crop.y - o.y) > 0.35 * max(crop.side, o.side) for o, _ in found):
            found.append((crop, score))
    return found[:MOST]


def _peaks(pixels: Pixels, long: int) -> list[tuple[Crop, float]]:
    """The finder's peaks in the picture seen ``long`` px long."""
    import cv2

    height, width = pixels.shape[:2]
    scale = long / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    down, right = -size[1] % _MULTIPLE, -size[0] % _MULTIPLE
    small = cv2.copyMakeBorder(small, 0, down, 0, right, cv2.BORDER_REPLICATE)
    cells = _net("drawn_find").run(None, {"pictures": np.ascontiguousarray(small[None, :, :, ::-1])})[0][0]
    sure = cells[0]
    peaks = (sure >= FAINT) & (sure >= cv2.dilate(sure, np.ones((3, 3), np.uint8)) - 1e-6)
    found = []
    for row, column in zip(*np.nonzero(peaks), strict=True):
        _, dx, dy, log_side, c, s = (float(value) for value in cells[:, row, column])
        x, y = (((at + 0.5 + d) * CELL) / scale - 0.5 for at, d in ((column, dx), (row, dy)))
        side = 64 * float(np.exp(np.clip(log_side, -4, 4))) / scale
        found.append((Crop(x, y, side, float(np.degrees(np.arctan2(s, c)))), float(sure[row, column])))
    return found


def read(pixels: Pixels, crop: Crop, score: float = 1.0, rounds: int = 2) -> Reading:
    """The face in a frame, read ``rounds`` times, each time where the last reading puts the frame."""
    for turn in range(rounds):
        view = crop.cut(pixels, SIDE)
        out = _net("drawn_face").run(None, {"pictures": np.ascontiguousarray(view[None, :, :, ::-1])})
        back = np.linalg.inv(np.vstack([crop.matrix(SIDE), [0, 0, 1]]))
        points = (out[0][0] @ back[:2, :2].T + back[:2, 2]).astype(np.float32)
        if turn < rounds - 1:
            crop = frame_of(points)
    attributes, per = out[2][0], crop.side / SIDE
    return Reading(
        points=points,
        scale=(out[1][0] * per).astype(np.float32),
        visible=out[3][0],
        face=float(attributes[0]),
        open=(float(attributes[1]), float(attributes[2])),
        mouth_open=float(attributes[3]),
        mouth_drawn=float(attributes[4]),
        covered=(1 - float(attributes[5]), 1 - float(attributes[6])),
        yaw=float(attributes[7]) * 60,
        pitch=float(attributes[8]) * 60,
        crop=crop,
        score=score,
    )
