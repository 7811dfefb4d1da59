from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stillwake.inspection import background, evidence, mouth
from stillwake.inspection.evidence import _comparison, _followed, face_place
from stillwake.inspection.stream import Shown
from stillwake.inspection.view import View
from stillwake.media import open_still
from stillwake.perceive import MeshReader, perceive, scaled
from stillwake.types import Floats, Pixels, Scene


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


def test_a_matte_that_leaves_out_part_of_the_face_says_nothing_of_the_background() -> None:
    """What it takes for a wall moves with the head."""
    scene = mira()
    assert scene.matte is not None
    x0, y0, x1, y1 = (round(value) for value in scene.faces[0].box)
    matte = scene.matte.copy()
    matte[y0 : y0 + (y1 - y0) // 3, x0:x1] = 0
    halved = replace(scene, matte=matte)
    size = scene.still.size
    assert background.holds_face(scene)
    assert background.background_of(scene, None, size) is not None
    assert not background.holds_face(halved)
    assert background.background_of(halved, None, size) is None
    clip: Any = SimpleNamespace(info=SimpleNamespace(width=size[0], height=size[1]))
    times: Any = None
    assert "part of the face" in str(_comparison(clip, times, scene.still.pixels, halved, None))
    assert "no matte" in str(_comparison(clip, times, scene.still.pixels, replace(scene, matte=None), None))
    promised = np.zeros(matte.shape, bool)
    assert background.background_of(halved, promised, size) is not None, "an engine that draws knows better"


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_a_matte_holds_its_face_at_any_size(scale: float) -> None:
    scene = mira()
    assert background.holds_face(scaled(scene, (round(640 * scale), round(640 * scale))))


def test_where_there_is_no_face_the_matte_is_believed() -> None:
    assert background.holds_face(replace(mira(), faces=()))
    assert not background.holds_face(replace(mira(), faces=(), matte=None))


def test_light_changes_teeth_and_what_moves_over_them_does_not() -> None:
    teeth = np.repeat(np.linspace(120, 200, 8, dtype=np.float32)[:, None], 24, 1)
    assert mouth.teeth_step(teeth, teeth + 10) == pytest.approx(10)
    assert mouth.teeth_step(teeth + 10, teeth) == pytest.approx(-10)
    shaded = teeth.copy()
    shaded[:5] -= 40  # a lip's shadow wanders over the upper rows: most points are darker, the light ones are not
    assert float(np.median(shaded - teeth)) == -40
    assert abs(mouth.teeth_step(teeth, shaded)) < 1
    covered = teeth.copy()
    covered[5:] = np.nan  # a lip covers the lighter rows: those still bare are as they were
    assert np.nanpercentile(covered, 75) < np.percentile(teeth, 75) - 20
    assert mouth.teeth_step(teeth, covered) == 0
    covered[:5] += 6
    assert mouth.teeth_step(teeth, covered) == 0, "lighter where they are bare, darker as a whole"
    covered[:] = np.nan
    covered[0, :20] = 100
    assert np.isnan(mouth.teeth_step(teeth, covered)), "too few are bare in both"


def a_mouth_at(place: tuple[float, float], eyes: float, gap: int) -> tuple[Pixels, Floats]:
    """A drawn face's frame, and its mesh: lips around a ``place``, ``gap`` px apart; ``eyes`` px between the eyes."""
    import cv2

    pixels = np.full((120, 120, 3), 220, np.uint8)
    x, y = place
    cv2.ellipse(
        pixels, (round(x * 16), round(y * 16)), (14 * 16, (3 + gap) * 16), 0, 0, 360, (150, 60, 60), -1, cv2.LINE_AA, 4
    )
    cv2.ellipse(
        pixels, (round(x * 16), round(y * 16)), (12 * 16, gap * 16), 0, 0, 360, (40, 10, 10), -1, cv2.LINE_AA, 4
    )
    mesh = np.zeros((478, 3), np.float32)
    mesh[list(mouth.CORNERS), :2] = (x - 14, y), (x + 14, y)
    mesh[list(mouth.EYE_CORNERS), 0] = x + np.array([-0.7, -0.3, 0.3, 0.7]) * eyes
    mesh[list(mouth.EYE_CORNERS), 1] = 30
    return pixels, mesh


def test_a_mouths_picture_changes_as_it_opens_and_not_as_the_head_moves_or_the_eyes_shut() -> None:
    pixels, mesh = a_mouth_at((60, 80), 40, 0)
    first = mouth.Template.of(pixels, mesh, mouth.skull(mesh))
    assert first.unlike(pixels, mesh, mouth.skull(mesh), 40) < 0.1
    changed = []
    for place, eyes, gap in (((60, 80), 40, 0), ((63.5, 77.25), 36, 0), ((60, 80), 40, 2), ((63.5, 77.25), 36, 8)):
        pixels, mesh = a_mouth_at(place, eyes, gap)
        mesh[list(mouth.CORNERS), :2] += (1.5, -1)  # the corners of drawn lips are not found twice alike
        changed.append(first.unlike(pixels, mesh, mouth.skull(mesh), 40))
    assert max(changed[:2]) < 0.35 * changed[2] < 0.35 * changed[3]
    dark, mesh = a_mouth_at((116, 118), 40, 0)
    assert np.isfinite(first.unlike(dark, mesh, mouth.skull(mesh), 40)), "a mouth at the picture's edge"
    assert np.isfinite(first.unlike(dark, mesh - 400, mouth.skull(mesh), 40)), "one beyond it"


def test_a_drawn_head_does_not_shrink_while_its_eyes_are_shut() -> None:
    watch = evidence._Mouth((), "", drawn=True)
    for index in range(12):
        pixels, mesh = a_mouth_at((60, 80), 26 if index == 9 else 40, 1)
        watch.take(View(Shown(index, index / 25, pixels), mesh, None, None))
    seen = watch.finish()
    assert seen.unit == pytest.approx(28)
    assert seen.unlike.max() < 1
