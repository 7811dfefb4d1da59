"""Still -> Scene: what is seen in a picture, by which detector, and how sure it is."""

from __future__ import annotations

from stillwake.perceive.crop import ASPECTS, as_shown, crop_for, faces_within, fill_of, framed, place_of
from stillwake.perceive.depth import model_depth, open_depth
from stillwake.perceive.given import GivenFace, open_face, record_of, text_of, written
from stillwake.perceive.look import glance, perceive, scaled
from stillwake.perceive.matte import people
from stillwake.perceive.reader import MeshReader
from stillwake.perceive.strokes import open_mask, open_strokes

__all__ = [
    "ASPECTS",
    "GivenFace",
    "MeshReader",
    "as_shown",
    "crop_for",
    "faces_within",
    "fill_of",
    "framed",
    "glance",
    "model_depth",
    "open_depth",
    "open_face",
    "open_mask",
    "open_strokes",
    "people",
    "perceive",
    "place_of",
    "record_of",
    "scaled",
    "text_of",
    "written",
]
