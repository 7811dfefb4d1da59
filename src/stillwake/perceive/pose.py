"""Where a face looks: yaw, pitch and roll from the depth of its mesh."""

from __future__ import annotations

import numpy as np

from stillwake.perceive import topology as at
from stillwake.types import Floats


def angles(mesh: Floats) -> tuple[float, float, float]:
    """(yaw, pitch, roll) in degrees: positive to the viewer's right, downwards, and clockwise.

    Yaw and pitch come from the mesh's depth: a six-point pose fit reads an open mouth as a turned head.
    """
    points = mesh.astype(np.float64)
    eyes = points[at.CORNER_RIGHT] - points[at.CORNER_LEFT]
    roll = np.arctan2(eyes[1], eyes[0])
    ears = points[at.EAR_RIGHT] - points[at.EAR_LEFT]
    yaw = np.arctan2(ears[2], np.hypot(ears[0], ears[1]))
    down = points[at.CHIN] - points[at.FOREHEAD]
    pitch = np.arctan2(down[2], np.hypot(down[0], down[1]))
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))
