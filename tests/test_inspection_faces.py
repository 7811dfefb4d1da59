from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
import pytest

from stillwake.inspection import mouth
from stillwake.inspection.evidence import _followed, face_place
from stillwake.media import open_still
from stillwake.perceive import MeshReader, perceive
from stillwake.types import Scene


@lru_cache(maxsize=1)
def mira() -> Scene:
    return perceive(open_still(str(files("stillwake") / "stills" / "mira.png")))


def test_a_drawn_face_is_read_in_the_box_it_was_found_in() -> None:
    """Its contours end at the brows: in a box about those alone, lips that are shut may read as open."""
    scene = mira()
    place = face_place(scene, 0, scene.still.size)
    assert place is not None
    assert place.kind == "drawn"
    with MeshReader() as reader:
        mesh = reader.mesh(scene.still.pixels, place.box, roll=place.roll, kind=place.kind)
    assert mesh is not None
    box, side = mouth.box_of(mesh), place.box[3] - place.box[1]
    assert np.abs(np.subtract(box, place.box)).max() < 0.08 * side
    assert _followed(place.box, box) == place.box, "it has not moved"


def test_the_box_of_a_mesh_is_about_its_points() -> None:
    mesh = np.random.default_rng(1).uniform(20, 60, (478, 3)).astype(np.float32)
    assert mouth.box_of(mesh) == pytest.approx((20, 20, 61, 61), abs=1)
