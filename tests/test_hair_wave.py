"""Hair that sways: where it is found, and what its wave never does."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
import pytest

from stillwake.engines.animator.fields import Grid, grid_over
from stillwake.engines.animator.hair import STEEPEST, Hair, find_hair, whole_turns
from stillwake.media import open_still
from stillwake.perceive import perceive
from stillwake.types import Floats, Scene, Still

COUNT = 25


def grid_of(scene: Scene) -> Grid:
    width, height = scene.still.size
    return grid_over(np.array([[-8, -8], [width + 8, height + 8]]), 8, (width, height))


@cache
def mira() -> Scene:
    return perceive(open_still(str(files("stillwake") / "stills" / "mira.png")))


@cache
def astronaut() -> Scene:
    from skimage import data

    return perceive(Still(np.ascontiguousarray(data.astronaut()), "astronaut.png", "0" * 64))


def found(scene: Scene) -> Hair:
    assert scene.matte is not None
    hair, why = find_hair(scene, scene.faces[0], grid_of(scene), scene.matte)
    assert hair is not None, why
    assert why == ""
    return hair


@cache
def hair() -> Hair:
    return found(mira())


def pixels_of(field: Floats, scene: Scene) -> Floats:
    """A field of the nodes as px of the picture, the way it is drawn."""
    from stillwake.engines.animator.warp import enlarge

    width, height = scene.still.size
    return enlarge(field, grid_of(scene), (0, 0, width // 8 * 8, height // 8 * 8)).copy()


def face_oval(scene: Scene) -> Floats:
    """1 between the jaw and the eyes' upper lids, as (H, W)."""
    import cv2

    face = scene.faces[0]
    lids = np.concatenate([face.eyes[1].upper_lid[::-1], face.eyes[0].upper_lid[::-1]])
    mask = np.zeros(scene.still.pixels.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.concatenate([face.jaw, lids]).astype(np.int32)], 1)
    return mask.astype(np.float32)


def test_the_loop_closes_to_the_last_bit() -> None:
    for turns in (None, 1, 2, 3):
        for index in (0, 7):
            one, other = (hair().displacement(k, COUNT, turns=turns) for k in (index, index + COUNT))
            assert np.array_equal(one, other)
            assert one.dtype == np.float32


def test_the_step_over_the_seam_is_a_step_like_any_other() -> None:
    steps = [
        np.abs(hair().displacement(k + 1, COUNT, turns=2) - hair().displacement(k, COUNT, turns=2)).mean()
        for k in range(COUNT)
    ]
    assert steps[-1] < 1.3 * max(steps[-2], steps[0])


def test_turns_pass_as_often_as_asked() -> None:
    assert [whole_turns(seconds) for seconds in (0.5, 2.9, 5.0, 8.7, 30)] == [1, 1, 2, 3, 10]
    node = np.unravel_index(np.abs(hair().displacement(0, 1)).argmax(), hair().basis.shape[1:])
    path = np.array([hair().displacement(k, 120, turns=3)[node] for k in range(120)])
    assert np.abs(np.fft.rfft(path))[1:].argmax() + 1 == 3


@pytest.mark.parametrize("scene", [mira, astronaut])
def test_the_face_never_moves(scene: object) -> None:
    seen = scene()  # type: ignore[operator]
    one = found(seen)
    oval = face_oval(seen)
    for index in range(0, COUNT, 4):
        field = pixels_of(one.displacement(index, COUNT), seen)
        inside = oval[: field.shape[0], : field.shape[1]] > 0
        assert inside.any()
        assert not field[inside].any()


@pytest.mark.parametrize("scene", [mira, astronaut])
def test_hair_moves_visibly_and_no_line_is_stretched_by_more_than_a_third(scene: object) -> None:
    one = found(scene())  # type: ignore[operator]
    fields = [one.displacement(index, 16) for index in range(16)]
    face = scene().faces[0].size  # type: ignore[operator]
    assert 0.008 * face < max(float(np.abs(field).max()) for field in fields) < 0.12 * face
    for field in fields:
        for axis in (0, 1):
            assert np.abs(np.diff(field, axis=axis)).max() / 8 <= STEEPEST + 1e-3


def test_nothing_outside_the_zone_moves_and_half_the_strength_is_half_the_way() -> None:
    one = hair()
    field = pixels_of(one.displacement(5, COUNT), mira())
    x0, y0, x1, y1 = one.zone
    assert field[y0:y1, x0:x1].any()
    field[y0:y1, x0:x1] = 0
    assert not field.any()
    half = one.displacement(5, COUNT, strength=0.5)
    assert np.allclose(2 * half, one.displacement(5, COUNT), atol=1e-5)
    assert not one.displacement(5, COUNT, strength=0.0).any()


def test_roots_hold_and_tips_move() -> None:
    one, face = hair(), mira().faces[0]
    height = face.chin[1] - face.box[1]
    moved = np.max([np.abs(one.displacement(k, 12)).max(2) for k in range(12)], 0)
    y = grid_of(mira()).nodes[..., 1]
    on_hair = pixels_of(np.dstack([moved, moved]), mira())[..., 0] * (one.mask[: y.max().astype(int) // 8 * 8] > 0.5)
    rows = on_hair.max(1)
    tips = rows[int(face.chin[1]) :].max()
    crown = rows[: int(face.box[1] - 0.05 * height)].max()
    assert crown < 0.25 * tips


def test_the_mask_is_hair_and_not_clothes_or_background() -> None:
    one, scene = hair(), mira()
    assert one.mask.shape == scene.still.pixels.shape[:2]
    assert one.mask.dtype == np.float32
    assert one.mask.min() >= 0
    assert one.mask.max() <= 1
    colour = np.median(scene.still.pixels[one.mask > 0.8], 0)
    assert colour[2] > colour[0] + 20  # blue
    assert one.mask[-20:].max() < 0.2


def test_the_same_still_gives_the_same_wave() -> None:
    again = found(mira())
    assert np.array_equal(again.basis, hair().basis)
    assert np.array_equal(again.mask, hair().mask)
    assert again.zone == hair().zone


def test_a_landscape_a_bald_head_and_a_small_face_have_no_hair_to_move() -> None:
    import dataclasses

    scene = mira()
    face, size = scene.faces[0], scene.still.pixels.shape[:2]
    hair_or_none, why = find_hair(scene, face, grid_of(scene), np.zeros(size, np.float32))
    assert hair_or_none is None
    assert why == "no hair seen above the forehead"
    all_there = np.ones(size, np.float32)
    flat = Still(np.full((*size, 3), (60, 110, 60), np.uint8), "meadow.png", "0" * 64)
    landscape = dataclasses.replace(scene, still=flat)
    hair_or_none, why = find_hair(landscape, face, grid_of(scene), all_there)
    assert hair_or_none is None
    assert why
    from stillwake.perceive import scaled

    small = scaled(scene, (96, 96))
    assert small.matte is not None
    hair_or_none, why = find_hair(small, small.faces[0], grid_of(small), small.matte)
    assert hair_or_none is None
    assert "too small" in why


def test_arrays_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        hair().basis[0] = 1
