"""Still -> Scene: what is seen in a picture, by which detector, and how sure it is."""

from __future__ import annotations

from stillwake.perceive.look import perceive, scaled
from stillwake.perceive.reader import MeshReader

__all__ = ["MeshReader", "perceive", "scaled"]
