"""Grids, strips and borders: is it one picture, and does it fill its frame?"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwake.readiness import panels
from stillwake.readiness.framing import BORDERS, PANELS, framing_findings
from stillwake.types import Finding, Floats, Pixels, Scene, Still

SIZE = 240, 300


@lru_cache(maxsize=16)
def a_picture(seed: int, size: tuple[int, int] = SIZE) -> Pixels:
    """Coloured texture with something before it, (H, W, 3)."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((size[1], size[0], 3)).astype(np.float32)
    coarse, fine = cv2.GaussianBlur(noise, (0, 0), 25), cv2.GaussianBlur(noise, (0, 0), 2)
    picture: Floats = rng.uniform(70, 190, 3) + 30 * coarse / coarse.std() + 10 * fine / fine.std()
    middle = (int(size[0] * rng.uniform(0.3, 0.7)), int(size[1] * 0.5))
    cv2.ellipse(picture, middle, (size[0] // 5, size[1] // 3), 0, 0, 360, rng.uniform(0, 255, 3).tolist(), -1)
    return np.clip(picture, 0, 255).astype(np.uint8)


def laid(across: int, down: int, gap: int = 0, paper: int = 255, first: int = 0) -> Pixels:
    """Pictures beside and below each other."""
    wide, high = SIZE
    shown = np.full((down * high + (down - 1) * gap, across * wide + (across - 1) * gap, 3), paper, np.uint8)
    for k in range(across * down):
        y, x = (high + gap) * (k // across), (wide + gap) * (k % across)
        shown[y : y + high, x : x + wide] = a_picture(first + k)
    return shown


def findings(pixels: Pixels) -> dict[str, Finding]:
    still = Still(np.ascontiguousarray(pixels), "still.png", "0" * 64)
    return {one.check: one for one in framing_findings(Scene(still, "photo", (), (), None, {}), None)}


def compressed(pixels: Pixels, quality: int) -> Pixels:
    _, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    again: Pixels = np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
    return again


# ------------------------------------------------------------------------------------------------------------ panels


@pytest.mark.parametrize(("across", "down"), [(2, 1), (3, 1), (2, 2), (4, 1)])
@pytest.mark.parametrize(("gap", "paper"), [(0, 255), (1, 255), (3, 0), (12, 255), (14, 60)])
def test_pictures_side_by_side_are_no_still(across: int, down: int, gap: int, paper: int) -> None:
    found = findings(laid(across, down, gap, paper))["one picture"]
    assert found.verdict == "fail", found
    assert "side by side" in found.why
    assert found.box is not None
    edges = [column * (SIZE[0] + gap) - gap / 2 for column in range(1, across)]
    middle = (found.box[0] + found.box[2]) / 2
    assert min(abs(edge - middle) for edge in edges) < 4 + gap


def test_two_pictures_one_above_the_other_are_told_where_they_differ_both_ways() -> None:
    line = panels.between(laid(1, 2))
    assert line is not None
    assert line.way == "level"
    assert line.share > PANELS.warn
    assert "one above the other" in findings(laid(1, 2))["one picture"].why


@pytest.mark.parametrize("quality", [95, 60])
def test_a_compressed_and_enlarged_grid_is_still_one(quality: int) -> None:
    grid = compressed(laid(2, 2), quality)
    for scale in (1.0, 3.0):
        shown = cv2.resize(grid, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        assert findings(shown)["one picture"].verdict == "fail"


def with_line(way: Literal["post", "door", "horizon", "frame", "cut-out"]) -> Pixels:
    """A picture with a line that runs straight through much of it."""
    picture = a_picture(3, (480, 480)).astype(np.float32)
    if way == "post":
        picture[:, 200:215] = 60 + 20 * np.sin(np.arange(480) / 9)[:, None, None]
        picture[:40, 200:215] = a_picture(3, (480, 480))[:40, 200:215]
        picture[300:, 190:225] = 90
    elif way == "door":
        picture[100:, 300:] *= 0.7
    elif way == "horizon":
        picture[300:] *= 0.5
    elif way == "frame":
        picture[40:300, 60:64] = picture[40:300, 300:304] = picture[40:44, 60:304] = 20
    else:
        picture[360:] = 255
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("way", ["post", "door", "horizon", "frame", "cut-out"])
def test_a_straight_line_in_a_picture_parts_no_two(
    way: Literal["post", "door", "horizon", "frame", "cut-out"],
) -> None:
    found = findings(with_line(way))["one picture"]
    assert found.verdict == "pass", found


@given(st.integers(0, 200))
@settings(max_examples=15)
def test_one_picture_is_one(seed: int) -> None:
    found = findings(a_picture(seed))
    assert (found["one picture"].verdict, found["borders"].verdict) == ("pass", "pass")


def test_two_things_on_white_paper_are_one_picture() -> None:
    paper = np.full((400, 600, 3), 255, np.uint8)
    for x in (60, 360):
        paper[80:320, x : x + 180] = cv2.resize(a_picture(x), (180, 240))
    found = findings(paper)
    assert (found["one picture"].verdict, found["borders"].verdict) == ("pass", "pass")


# ----------------------------------------------------------------------------------------------------------- borders


@pytest.mark.parametrize(
    ("colour", "around"),
    [
        *((colour, around) for colour in ((0, 0, 0), (255, 255, 255), (40, 90, 160)) for around in (
            (0, 40, 0, 40), (30, 0, 30, 0), (20, 20, 20, 60),
        )),
        ((0, 0, 0), (0, 0, 0, 50)),
        ((255, 255, 255), (12, 0, 0, 0)),
        ((0, 0, 0), (0, 40, 0, 20)),
    ],
)  # fmt: skip
def test_a_border_is_measured_and_what_to_crop_is_said(
    colour: tuple[int, int, int], around: tuple[int, int, int, int]
) -> None:
    left, top, right, bottom = around
    shown = cv2.copyMakeBorder(a_picture(4), top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour)
    np.testing.assert_allclose(panels.borders(shown), around, atol=2)
    found = findings(shown)
    assert found["borders"].verdict == "warn"
    assert found["one picture"].verdict == "pass"
    assert "crop it to the" in found["borders"].fix
    assert (found["lower edge"].why == "a border lies below: crop it first") == (bottom > 0)
    for name, px in zip(("left", "top", "right", "bottom"), around, strict=True):
        assert (name in found["borders"].why) == (px > 0)


def test_a_border_too_narrow_to_matter_or_round_what_is_small_is_none() -> None:
    narrow = cv2.copyMakeBorder(a_picture(4), 2, 2, 0, 0, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    assert 2 / narrow.shape[0] < BORDERS.warn
    assert findings(narrow)["borders"].verdict == "pass"
    small = cv2.copyMakeBorder(a_picture(4), 300, 300, 300, 300, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    assert panels.borders(small) == (0, 0, 0, 0)


def test_a_sky_over_a_ridge_is_no_border() -> None:
    hills = a_picture(4).copy()
    for x in range(SIZE[0]):
        hills[: 40 + int(18 * np.sin(x / 17) + 12 * np.sin(x / 5)), x] = 255
    assert panels.borders(hills) == (0, 0, 0, 0)


def test_a_floor_of_one_colour_is_no_border() -> None:
    room = a_picture(4).copy()
    room[250:] = (90, 70, 60)
    assert panels.borders(room) == (0, 0, 0, 0)
    room[:40] = (200, 210, 220)
    assert panels.borders(room) == (0, 0, 0, 0), "nor a floor and a ceiling"


def test_a_line_that_parts_a_picture_into_equal_ones_is_surer() -> None:
    def parted(at: int) -> float:
        picture = a_picture(3, (480, 480)).astype(np.int16)
        picture[: int(480 * 0.66), at:] += 60
        line = panels.between(np.clip(picture, 0, 255).astype(np.uint8))
        assert line is not None
        return line.share

    assert parted(240) > parted(200) + 0.08
    assert parted(200) == pytest.approx(0.62, abs=0.06)


def test_what_stands_before_a_ground_of_one_colour_has_no_border() -> None:
    shown = np.full((400, 300, 3), 250, np.uint8)
    cv2.circle(shown, (150, 220), 120, (90, 60, 40), -1)
    assert panels.borders(shown) == (0, 0, 0, 0)


def test_a_picture_of_one_colour_or_a_tiny_one_has_neither() -> None:
    plain = np.full((300, 200, 3), 128, np.uint8)
    assert panels.borders(plain) == (0, 0, 0, 0)
    assert panels.between(plain) == panels.Line(0.0, "upright", panels.between(plain).box)  # type: ignore[union-attr]
    tiny = findings(np.full((64, 300, 3), 128, np.uint8))
    assert (tiny["one picture"].verdict, tiny["borders"].verdict) == ("unseen", "unseen")
