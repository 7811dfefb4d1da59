"""Where a face looks: yaw, pitch and roll from the depth of its mesh."""

from __future__ import annotations

import numpy as np

from stillwake.perceive import topology as at
from stillwake.types import Floats

# What the depth reads for a known turn, in degrees, 0 to 50: ten frontal portraits turned in 3-D about their own
# depth and read again (spread 1 to 3.4 degrees; python -m benchmarks.perceive --yaw). The mesh under-scales turns,
# the more the further: a clear three-quarter view reads 22. The last pair is a near-profile.
_YAW_READ = (0.0, 7.6, 15.0, 21.8, 26.5, 33.0, 50.0)
_YAW_TRUE = (0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 80.0)
_PITCH_LEVEL = 9.8
"""What the depth reads for a level face, the median of 14 frontal portraits: the chin lies behind the forehead."""
_PITCH_SCALE = 1 / 0.86
"""Turned up and down in the same way by 10 to 30 degrees, pitch reads .79 to .88 of the truth."""


def angles(mesh: Floats) -> tuple[float, float, float]:
    """(yaw, pitch, roll) in degrees: positive to the viewer's right, downwards, and clockwise.

    Yaw and pitch come from the mesh's depth: a six-point pose fit reads an open mouth as a turned head.
    """
    points = mesh.astype(np.float64)
    eyes = points[at.CORNER_RIGHT] - points[at.CORNER_LEFT]
    roll = np.arctan2(eyes[1], eyes[0])
    ears = points[at.EAR_RIGHT] - points[at.EAR_LEFT]
    read = float(np.degrees(np.arctan2(ears[2], np.hypot(ears[0], ears[1]))))
    yaw = float(np.copysign(np.interp(abs(read), _YAW_READ, _YAW_TRUE), read))
    down = points[at.CHIN] - points[at.FOREHEAD]
    pitch = (float(np.degrees(np.arctan2(down[2], np.hypot(down[0], down[1])))) - _PITCH_LEVEL) * _PITCH_SCALE
    return yaw, pitch, float(np.degrees(roll))
