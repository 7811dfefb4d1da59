"""Which px are hair: the net's answer on drawings of ours it never saw, and what surrounds it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
from training.hair.draw import Drawn, draw

from stillwake.media import open_still
from stillwake.perceive import perceive
from stillwake.perceive.hair import MIDDLE, SCALE, SIZE, HairMap, read_hair
from stillwake.readiness.character import colour_name, length_name
from stillwake.readiness.hair import hair_of
from stillwake.types import Eye, Face, Floats, Mouth, Pixels, Scene

LINE = np.array([(0, 0), (1, 0)], np.float32)


def a_face(roll: float = 0.0, size: float = SCALE, at: tuple[float, float] = MIDDLE) -> Face:
    """A face of which the net asks nothing but its box and its tilt."""
    eye, (x, y) = Eye(LINE, LINE, LINE, None), at
    box = (x - size / 2, y - size * 0.55, x + size / 2, y + size * 0.55)
    return Face(box, (eye, eye), Mouth(LINE, LINE, LINE, LINE), LINE, at, at, 0, 0, roll, "photo", {})


@cache
def drawn(seed: int) -> Drawn:
    return draw(np.random.default_rng([99, seed]))


def seen(one: Drawn) -> HairMap:
    return read_hair(np.ascontiguousarray(one.picture[..., ::-1]), a_face(), one.person.astype(np.float32))


def true_cells(one: Drawn) -> np.ndarray:
    return cv2.resize(one.hair.astype(np.float32), (SIZE[0] // 2, SIZE[1] // 2), interpolation=cv2.INTER_AREA) > 0.5


def test_hair_of_people_it_never_saw_is_found() -> None:
    both = either = 0
    for seed in range(40):
        said, true = seen(drawn(seed)).hair > 0.5, true_cells(drawn(seed))
        both += int((said & true).sum())
        either += int((said | true).sum())
    assert both / either > 0.6


@cache
def mira() -> Scene:
    return perceive(open_still(str(files("stillwake") / "stills" / "mira.png")))


def in_picture(found: HairMap, pixels: Pixels) -> Floats:
    height, width = pixels.shape[:2]
    placed: Floats = cv2.warpAffine(found.hair, found.back, (width, height))
    return placed


def test_a_lock_of_the_demos_portrait_is_hair_and_her_face_and_dress_are_none() -> None:
    scene = mira()
    assert scene.matte is not None
    face = scene.faces[0]
    share = in_picture(read_hair(scene.still.pixels, face, scene.matte), scene.still.pixels)
    x0, y0, x1, y1 = (int(v) for v in face.box)
    middle = (x0 + x1) // 2
    assert share[(y0 + y1) // 2 : y1 + (y1 - y0) // 3, x1 - 10 : x1 + 60].max() > 0.8
    assert share[(y0 + y1) // 2 + 10 : y1 - 10, middle - 20 : middle + 20].mean() < 0.2
    assert share[y1 + (y1 - y0) // 2 :, middle - 20 : middle + 20].mean() < 0.2


@pytest.mark.parametrize(("turn", "scale"), [(25, 1.0), (-40, 1.0), (0, 2.5), (0, 0.6)])
def test_a_head_that_is_tilted_or_of_another_size_has_the_same_hair(turn: float, scale: float) -> None:
    one = drawn(3)
    pixels, person = np.ascontiguousarray(one.picture[..., ::-1]), one.person.astype(np.float32)
    there = cv2.getRotationMatrix2D(MIDDLE, -turn, scale)
    there[:, 2] += 200
    size = (800, 900)
    moved = cv2.warpAffine(pixels, there, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    matte = cv2.warpAffine(person, there, size)
    face = a_face(turn, SCALE * scale, tuple(there[:, :2] @ np.array(MIDDLE) + there[:, 2]))
    upright, tilted = read_hair(pixels, a_face(), person), read_hair(moved, face, matte)
    head = np.s_[10:80, 20:84]
    assert np.abs(upright.hair - tilted.hair)[head].mean() < 0.05
    cell = np.array([[52.0, 20.0]])
    placed = (cell @ upright.back[:, :2].T + upright.back[:, 2]) @ there[:, :2].T + there[:, 2]
    assert placed == pytest.approx(cell @ tilted.back[:, :2].T + tilted.back[:, 2], abs=2)


def test_beyond_the_picture_there_is_no_hair() -> None:
    one = drawn(3)
    pixels = np.ascontiguousarray(one.picture[:, :104, ::-1])
    found = read_hair(pixels, a_face(), one.person[:, :104].astype(np.float32))
    assert found.hair[:, :51].max() > 0.5
    assert found.hair[:, 53:].max() == 0
    with pytest.raises(ValueError, match="read-only"):
        found.hair[0, 0] = 1


def test_the_same_head_gives_the_same_numbers() -> None:
    assert np.array_equal(seen(drawn(5)).hair, seen(drawn(5)).hair)


def test_dyed_ends_are_hair_still() -> None:
    heads = [one for seed in range(40) if (one := drawn(seed)).hair[150:].sum() > 300]
    assert len(heads) >= 10
    before, after = [], []
    for one in heads:
        lab = cv2.cvtColor(one.picture.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
        ends = one.hair & (np.arange(SIZE[1]) > 150)[:, None]
        lab[ends] += (0, 18, -14)
        dyed = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR) * 255, 0, 255).astype(np.uint8)
        cells = true_cells(one) & (np.arange(SIZE[1] // 2) > 75)[:, None]
        before.append(seen(one).hair[cells].mean())
        after.append(seen(Drawn(dyed, one.hair, one.person, one.face)).hair[cells].mean())
    assert np.mean(after) > np.mean(before) - 0.1


def test_the_demos_hair_is_named_by_its_crown_and_not_by_the_lock_that_the_net_is_sure_of() -> None:
    scene = mira()
    hair = hair_of(scene.still.pixels, scene.faces[0], scene.matte)
    assert hair is not None
    assert colour_name(hair.colour) == "light blue"


@pytest.mark.shared
@pytest.mark.parametrize(("name", "length"), [("photo/photo_36", "long "), ("drawn/drawn_43", "long ")])
def test_long_hair_under_a_hat_or_of_two_hues_is_called_long(shared: Path, name: str, length: str) -> None:
    """Grown from the crown alone the one was the hat, short and black, and the other ended where its hue changes."""
    (file,) = (shared / "stills").glob(f"{name}.*")
    scene = perceive(open_still(file))
    hair = hair_of(scene.still.pixels, scene.faces[0], scene.matte)
    assert hair is not None
    assert length_name(hair) == length
    assert colour_name(hair.colour) != "black"
