"""Do the landmarks and the pixels agree? One confidence for the face, one for the eyes, one for the mouth."""

from __future__ import annotations

import numpy as np

from stillwake.perceive import topology as at
from stillwake.perceive.faces import Fit
from stillwake.types import Pixels


def _falling(value: float, good: float, bad: float) -> float:
    """1 up to ``good``, 0 from ``bad`` on, in between on a line through the logarithm."""
    if value <= good:
        return 1.0
    return float(np.clip(np.log(bad / value) / np.log(bad / good), 0, 1))


def trust(pixels: Pixels, found: Fit) -> dict[str, float]:
    """Confidence 0..1 for "face", "eyes" and "mouth"."""
    lips = float(found.wander[list(at.LIPS)].mean())
    eyes = float(found.wander[list(at.EYES)].mean())
    oval = float(found.wander[list(at.OVAL)].mean())
    return {
        "face": round(found.presence * _falling(oval, 0.02, 0.06), 3),
        "eyes": round(_falling(eyes, 0.011, 0.03), 3),
        "mouth": round(_falling(lips, 0.014, 0.03), 3),
    }
