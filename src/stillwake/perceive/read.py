"""A face read in a known place: by the mesh in a photograph or a painting, by our own net in a drawing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from stillwake.errors import FaceError
from stillwake.perceive import topology as at
from stillwake.perceive.agreement import trust
from stillwake.perceive.drawn import drawn_face, find_drawn, frame_in, read
from stillwake.perceive.faces import PRESENT, Fit, fit
from stillwake.perceive.models import Detection
from stillwake.perceive.pose import angles
from stillwake.types import Box, Eye, Face, Floats, Mouth, Pixels, Style


def read_face(pixels: Pixels, box: Box, kind: Literal["photo", "drawn"], roll: float = 0.0) -> Face:
    """The face in a box that a person gave; ``roll`` about how far it tilts clockwise, in degrees.

    Raises
    ------
    stillwake.errors.FaceError
        Nothing here can read a face of that kind, or none is seen in the box.
    """
    what = "Cannot read the face in that box"
    if kind == "drawn":
        return _read_drawn(pixels, box, roll)
    found = fit_in(pixels, box, roll)
    if found.presence < PRESENT:
        raise FaceError(
            what, "no face is seen in its box", "draw it from ear to ear and from the forehead to the chin"
        )
    return face_of(pixels, found, "photo")


def _read_drawn(pixels: Pixels, box: Box, roll: float) -> Face:
    """The drawn face in a box: the finder's own place there if it has one, else the box itself."""
    x, y, side = (box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2, max(box[2] - box[0], box[3] - box[1])
    near = [r for r in find_drawn(pixels) if np.hypot(r.crop.x - x, r.crop.y - y) < 0.35 * side]
    if near:
        return drawn_face(near[0])
    reading = read(pixels, frame_in(box, roll), rounds=3)
    if reading.face < PRESENT:
        raise FaceError(
            "Cannot read the face in that box",
            "no drawn face is seen in its box",
            "draw it from ear to ear and from the forehead to the chin, or give the contours too",
        )
    return drawn_face(reading)


def fit_in(pixels: Pixels, box: Box, roll: float = 0.0) -> Fit:
    """The mesh that is read in a box, whether a face is seen there or not."""
    x, y = (box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2
    across, down = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    return fit(pixels, Detection(box, ((x - across, y - down), (x + across, y + down)), 1.0))


def face_of(pixels: Pixels, found: Fit, style: Style) -> Face:
    """A fit as a face with named contours."""
    mesh = found.mesh

    def contour(indices: Iterable[int]) -> Floats:
        return np.ascontiguousarray(mesh[list(indices), :2])

    def eye(side: int) -> Eye:
        rim = mesh[list(at.IRIS_RIMS[side]), :2]
        centre = mesh[at.IRISES[side], :2]
        radius = float(np.linalg.norm(rim - centre, axis=1).mean())
        return Eye(
            contour(at.UPPER_LIDS[side]),
            contour(at.LOWER_LIDS[side]),
            contour(at.BROWS[side]),
            (float(centre[0]), float(centre[1]), radius),
        )

    yaw, pitch, roll = angles(mesh)
    return Face(
        box=found.box,
        eyes=(eye(0), eye(1)),
        mouth=Mouth(
            contour(at.OUTER_UPPER), contour(at.OUTER_LOWER), contour(at.INNER_UPPER), contour(at.INNER_LOWER)
        ),
        jaw=contour(at.JAW),
        nose_tip=(float(mesh[at.NOSE_TIP, 0]), float(mesh[at.NOSE_TIP, 1])),
        chin=(float(mesh[at.CHIN, 0]), float(mesh[at.CHIN, 1])),
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        kind="drawn" if style == "drawn" else "photo",
        confidence=trust(pixels, found),
        mesh=mesh.copy(),
    )
