"""Drawn faces: found and read by two nets of our own, trained on nothing but our own drawings.

The finder looks at the picture, 640 and 320 px long, and says where a face's frame is centred, how large it is and how
it tilts; the reader looks at that frame, upright, 160 px, twice: the second time where the first reading puts it. It
says how far each point may be off, so that what it only guesses (an eye under hair) is not moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stillwake.perceive import finder
from stillwake.perceive import topology as at
from stillwake.perceive.finder import Place
from stillwake.perceive.models import Crop, own_net
from stillwake.types import Box, Eye, Face, Floats, Mouth, Pixels

LONG = (640, 320)
"""Long sides in px of the picture the finder sees: the first for small faces, the second for those that fill it."""
SIDE = 160
"""Side in px of the frame the reader sees."""

LIDS = (slice(0, 12), slice(15, 27))
"""The points of each eye's lids: seven of the upper, the inner five of the lower one."""
CHIN, MOUTH = 43, slice(48, 60)

FAINT = 0.2
"""A place that the finder gives less is not read."""
SURE = 0.38
"""`Reading.sure` from which a face is there. In shared/stills (benchmarks/drawn_faces.py) all 37 drawn faces reach
.51, and nothing in the stills without a face (animals, a train, lettering) more than .13."""
MOST = 12
"""Places read in one picture."""

_GUESSED = (0.03, 0.08)
"""Expected error of the middle point, in distances between the eyes: up to the first all is seen, from the second on
all is guessed."""
_DOUBTFUL = 0.025
"""`Reading.guessed` from which a tighter frame is tried."""
_EYE_ERROR, _MOUTH_ERROR = (0.03, 0.07), (0.05, 0.10)
_EYE_COVERED, _MOUTH_COVERED = (0.3, 0.55), (0.3, 0.6)
"""The same for an eye's and the mouth's own points, and for the share of them that something hides."""


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
        return max(1.0, float(np.linalg.norm(self.points[LIDS[0]].mean(0) - self.points[LIDS[1]].mean(0))))

    @property
    def sure(self) -> float:
        """How sure it is that a face is there, 0..1: finder and reader agree, and the points are seen, not guessed."""
        return self.score * self.face * _falling(self.guessed, _GUESSED)

    @property
    def guessed(self) -> float:
        """The error that the middle one of its points expects, in distances between the eyes."""
        return float(np.median(self.scale)) / self.apart

    def eye(self, side: int) -> float:
        """How far an eye's lids may be believed, 0..1; ``side`` 0 the viewer's left."""
        error = float(self.scale[LIDS[side]].mean()) / self.apart
        return _falling(error, _EYE_ERROR) * _falling(self.covered[side], _EYE_COVERED)

    @property
    def mouth(self) -> float:
        """How far the mouth's outline may be believed, 0..1."""
        error = float(self.scale[MOUTH].mean()) / self.apart
        hidden = 1 - float(self.visible[MOUTH].mean())
        return self.mouth_drawn * _falling(error, _MOUTH_ERROR) * _falling(hidden, _MOUTH_COVERED)


def _falling(value: float, span: tuple[float, float]) -> float:
    """1 up to the span's start, 0 from its end on, a line between."""
    return float(np.clip((span[1] - value) / (span[1] - span[0]), 0, 1))


def _weights(name: str) -> Path:
    return Path(__file__).parent / "weights" / f"{name}.onnx"


def frame_of(points: Floats) -> Crop:
    """The upright square in which a face with these points (66, 2) px is read."""
    left, right = points[LIDS[0]].mean(0), points[LIDS[1]].mean(0)
    eyes, mouth = (left + right) / 2, points[MOUTH].mean(0)
    across = right - left
    side = max(float(np.linalg.norm(across)) / 0.42, float(np.linalg.norm(points[CHIN] - eyes)) / 0.46)
    x, y = eyes + 0.5 * (mouth - eyes)
    return Crop(float(x), float(y), max(side, 4.0), float(np.degrees(np.arctan2(across[1], across[0]))))


def find_drawn(pixels: Pixels, spots: Sequence[Place] | None = None) -> list[Reading]:
    """The drawn faces in a picture (H, W, 3) uint8 RGB, largest first; ``spots`` its `places`, where known."""
    readings = (read(pixels, crop, score) for crop, score in (places(pixels) if spots is None else spots))
    return sorted((r for r in readings if r.sure >= SURE), key=lambda r: -r.crop.side)


def places(pixels: Pixels) -> list[Place]:
    """Where the finder sees the frame of a face, and how sure it is, best first; overlapping ones are dropped."""
    return finder.places(_weights("drawn_find"), pixels, LONG, FAINT, MOST)


def read(pixels: Pixels, crop: Crop, score: float = 1.0, rounds: int = 2) -> Reading:
    """The face in a frame, read ``rounds`` times, each time where the last reading puts the frame.

    A doubtful reading is compared with one of a tighter frame, and the surer of the two is kept.
    """
    for _ in range(rounds - 1):
        crop = frame_of(_read(pixels, crop, score).points)
    reading = _read(pixels, crop, score)
    if rounds > 1 and reading.guessed > _DOUBTFUL:
        turn, up = np.radians(crop.angle), 0.05 * crop.side
        tighter = Crop(
            crop.x + up * float(np.sin(turn)), crop.y - up * float(np.cos(turn)), 0.75 * crop.side, crop.angle
        )
        return min(reading, _read(pixels, tighter, score), key=lambda r: r.guessed)
    return reading


def _read(pixels: Pixels, crop: Crop, score: float) -> Reading:
    """One look at a frame."""
    view = crop.cut(pixels, SIDE)
    out = own_net(_weights("drawn_face")).run(None, {"pictures": np.ascontiguousarray(view[None, :, :, ::-1])})
    back = np.linalg.inv(np.vstack([crop.matrix(SIDE), [0, 0, 1]]))
    attributes = out[2][0]
    return Reading(
        points=(out[0][0] @ back[:2, :2].T + back[:2, 2]).astype(np.float32),
        scale=(out[1][0] * crop.side / SIDE).astype(np.float32),
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


def drawn_face(reading: Reading) -> Face:
    """A reading as a face with named contours; what is closed has both its contours on one line."""
    p = reading.points
    eyes = tuple(_eye(reading, side) for side in (0, 1))
    upper, lower = p[48:55], np.concatenate([p[48:49], p[59:54:-1], p[54:55]])
    inner_upper, inner_lower = (np.concatenate([p[48:49], p[a : a + 3], p[54:55]]) for a in (60, 63))
    if reading.mouth_open < 0.5:
        inner_upper = inner_lower = (inner_upper + inner_lower) / 2
    sides = [reading.eye(side) for side in (0, 1)]
    confidence = {
        "face": min(1.0, reading.sure / 0.6),
        "eyes": min(sides),
        "left eye": sides[0],
        "right eye": sides[1],
        "mouth": reading.mouth,
    }
    return Face(
        box=_box(reading),
        eyes=(eyes[0], eyes[1]),
        mouth=Mouth(upper.copy(), lower, inner_upper.copy(), inner_lower.copy()),
        jaw=p[39:48].copy(),
        nose_tip=(float(p[38, 0]), float(p[38, 1])),
        chin=(float(p[CHIN, 0]), float(p[CHIN, 1])),
        yaw=reading.yaw,
        pitch=reading.pitch,
        roll=frame_of(p).angle,
        kind="drawn",
        confidence={part: round(value, 3) for part, value in confidence.items()},
    )


def frame_in(box: Box, roll: float = 0.0) -> Crop:
    """About the frame in which a face with that box, as `drawn_face` gives it, is read."""
    side = max(box[2] - box[0], box[3] - box[1])
    lower = 0.11 * side
    x = (box[0] + box[2] - 1) / 2 - lower * float(np.sin(np.radians(roll)))
    y = (box[1] + box[3] - 1) / 2 + lower * float(np.cos(np.radians(roll)))
    return Crop(x, y, max(1.15 * side, 4.0), roll)


def in_mesh_order(face: Face) -> Floats:
    """The contours of a face as (478, 3) px where the mesh has them, nan where it has other points; z is nan too."""
    mesh = np.full((478, 3), np.nan, np.float32)
    for side, eye in enumerate(face.eyes):
        for line, indices in ((eye.upper_lid, at.UPPER_LIDS), (eye.lower_lid, at.LOWER_LIDS), (eye.brow, at.BROWS)):
            mesh[list(indices[side]), :2] = _spread(line, len(indices[side]))
        if eye.iris is not None:
            x, y, radius = eye.iris
            rim = [(radius, 0), (0, -radius), (-radius, 0), (0, radius)]
            mesh[at.IRISES[side], :2] = x, y
            mesh[list(at.IRIS_RIMS[side]), :2] = np.array(rim) + np.array(eye.iris[:2])
    lips = face.mouth
    for line, order in (
        (lips.outer_upper, at.OUTER_UPPER),
        (lips.outer_lower, at.OUTER_LOWER),
        (lips.inner_upper, at.INNER_UPPER),
        (lips.inner_lower, at.INNER_LOWER),
        (face.jaw, at.JAW),
    ):
        mesh[list(order), :2] = _spread(line, len(order))
    mesh[at.NOSE_TIP, :2], mesh[at.CHIN, :2] = face.nose_tip, face.chin
    return mesh


def _spread(line: Floats, count: int) -> Floats:
    """``count`` points at equal distances along a contour (N, 2)."""
    steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    along = np.linspace(0, steps[-1], count)
    return np.stack([np.interp(along, steps, line[:, axis]) for axis in (0, 1)], 1).astype(np.float32)


def _eye(reading: Reading, side: int) -> Eye:
    p, o = reading.points, 15 * side
    upper = p[o : o + 7].copy()
    lower = np.concatenate([upper[:1], p[o + 7 : o + 12], upper[-1:]])
    iris = None
    if reading.open[side] < 0.5:
        lower = upper.copy()
    elif reading.eye(side) > 0:
        x, y = p[o + 12]
        iris = float(x), float(y), float(np.linalg.norm(p[o + 13] - p[o + 12]))
    return Eye(upper, lower, p[30 + 4 * side : 34 + 4 * side].copy(), iris)


def _box(reading: Reading) -> Box:
    """The box around the face in px, the forehead as high above the eyes as four fifths of the chin below them."""
    p = reading.points
    eyes = (p[LIDS[0]].mean(0) + p[LIDS[1]].mean(0)) / 2
    around = np.vstack([p, eyes - 0.8 * (p[CHIN] - eyes)])
    low, high = around.min(0), around.max(0)
    return float(low[0]), float(low[1]), float(high[0]) + 1, float(high[1]) + 1
