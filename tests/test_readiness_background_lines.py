"""Straight lines of the background, on rooms drawn here whose faults are known to the pixel."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stillwake.readiness import background, geometry
from stillwake.readiness.background import line_findings
from stillwake.types import Box, Finding, Floats, Pixels

WIDE, HIGH = 960, 720
LEVEL = 430.0
FIGURE = (400, 560)
"""From where to where, across, the figure stands."""


def room(
    *,
    left: float = 0.0,
    right: float = 0.0,
    slope: float = 0.03,
    twice: float = 0.0,
    smear: tuple[int, int] | None = None,
) -> Pixels:
    """A wall over a floor, their line shifted by so many px to the left and the right of the figure.

    ``twice`` px: it comes out as two on the right; ``smear``: from where to where it is smeared away.
    """
    y, x = np.mgrid[0:HIGH, 0:WIDE].astype(np.float64)
    middle = sum(FIGURE) / 2
    line = LEVEL + slope * (x - middle) + np.where(x < middle, left, right)
    soft = np.ones((HIGH, WIDE))
    if smear is not None:
        soft[:, smear[0] : smear[1]] = 60.0
    floor = np.clip((y - line) / soft + 0.5, 0, 1)
    if twice:
        floor = np.where(x < middle, floor, 0.5 * floor + 0.5 * np.clip(y - line - twice + 0.5, 0, 1))
    wall, wood = np.array([196.0, 186, 170]), np.array([96.0, 70, 52])
    return np.rint(wall + (wood - wall) * floor[..., None]).astype(np.uint8)


def with_figure(pixels: Pixels) -> tuple[Pixels, Floats]:
    """The picture with a figure before it, and the figure's matte."""
    drawn, matte = pixels.copy(), np.zeros((HIGH, WIDE), np.float32)
    for plane, ink in ((drawn, (40, 60, 120)), (matte, (1.0,))):
        cv2.rectangle(plane, (FIGURE[0], 260), (FIGURE[1], HIGH), ink, -1)
        cv2.circle(plane, (480, 200), 90, ink, -1)
    return drawn, cv2.GaussianBlur(matte, (0, 0), 1)


def looked(pixels: Pixels, matte: Floats | None) -> dict[str, Finding]:
    size = pixels.shape[1], pixels.shape[0]
    return {f.check: f for f in line_findings(geometry.strips(pixels, matte), size)}


def edges(pixels: Pixels) -> Finding:
    return looked(*with_figure(pixels))["meeting edges"]


def holds(box: Box | None, x: float, y: float) -> bool:
    return box is not None and box[0] <= x <= box[2] and box[1] <= y <= box[3]


@pytest.mark.parametrize("slope", [0.0, 0.03, -0.25])
def test_a_line_that_goes_on_behind_the_figure_meets(slope: float) -> None:
    found = edges(room(slope=slope))
    assert found.verdict == "pass"
    assert found.measured == 0


def boards(pixels: Pixels, *, below: float, left: float = 0.0) -> Pixels:
    """The room with a second floor's edge, alike, so many px below the first, to the left by so many lower still."""
    other = room(left=left)
    cut = round(LEVEL + below / 2)
    drawn = pixels.copy()
    drawn[cut:] = other[cut - round(below) : HIGH - round(below)]
    return drawn


@pytest.mark.parametrize(("below", "verdict"), [(80.0, "pass"), (400.0, "warn")])
def test_a_line_that_has_its_like_beside_it_is_not_said_to_be_off(below: float, verdict: str) -> None:
    """Brickwork: which of its courses comes out where cannot be told; the other one, which meets, passes."""
    assert edges(boards(room(right=0.04 * HIGH), below=below)).verdict == verdict


@pytest.mark.parametrize("share", [0.01, 0.02, 0.04])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_line_that_comes_out_at_another_height_is_found_with_its_size_and_place(
    share: float, sign: int, side: str
) -> None:
    shift = sign * share * HIGH
    found = edges(room(left=shift) if side == "left" else room(right=shift))
    assert found.verdict == "warn"
    assert found.measured == pytest.approx(share, abs=0.003)
    assert found.unit == "of the height"
    assert holds(found.box, 480, LEVEL)
    assert "inpaint" in found.fix


def test_the_share_is_the_same_in_a_picture_twice_as_large() -> None:
    pixels, matte = with_figure(room(left=0.03 * HIGH))
    large = cv2.resize(pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    found = looked(large, cv2.resize(matte, large.shape[1::-1]))["meeting edges"]
    assert found.verdict == "warn"
    assert found.measured == pytest.approx(0.03, abs=0.003)
    assert holds(found.box, 2 * 480, 2 * LEVEL)


def test_two_things_that_end_at_different_heights_are_no_line() -> None:
    pixels = room()
    pixels[: int(LEVEL) + 60, :480] = (196, 186, 170)
    pixels[int(LEVEL) - 30 :, 480:] = (90, 150, 190)
    assert edges(pixels).verdict == "unseen"


def test_a_corner_of_the_room_is_no_fault() -> None:
    y, x = np.mgrid[0:HIGH, 0:WIDE]
    line = LEVEL + np.where(x > 480, 0.35 * (x - 480), 0)
    pixels = np.where((y > line)[..., None], (96, 70, 52), (196, 186, 170)).astype(np.uint8)
    assert edges(pixels).verdict != "warn"


def test_hills_are_no_line() -> None:
    y, x = np.mgrid[0:HIGH, 0:WIDE]
    hills = LEVEL + 26 * np.sin(x / 45) + 14 * np.sin(x / 19 + 1)
    pixels = np.where((y > hills)[..., None], (70, 110, 60), (200, 220, 240)).astype(np.uint8)
    assert edges(pixels).verdict == "unseen"


def test_a_line_that_comes_out_as_two_is_found_where_there_are_two() -> None:
    found = edges(room(twice=22, slope=0))
    assert found.verdict == "warn"
    assert "two" in found.why
    assert found.measured == pytest.approx(22 / HIGH, abs=0.005)
    assert holds(found.box, 640, LEVEL + 11)
    assert not holds(found.box, 300, LEVEL)


def test_a_rail_with_two_sides_is_not_doubled() -> None:
    pixels = room(slope=0)
    pixels[int(LEVEL) + 22 :] = (196, 186, 170)
    assert edges(pixels).verdict == "pass"


def test_an_edge_that_is_smeared_away_is_found() -> None:
    found = edges(room(smear=(150, 220)))
    assert found.verdict == "warn"
    assert "breaks off" in found.why
    assert found.unit == "of the longest side"
    assert found.measured == pytest.approx(70 / WIDE, abs=0.02)
    assert holds(found.box, 185, LEVEL + 0.03 * (185 - 480))


def test_windows_in_a_row_are_no_broken_line() -> None:
    pixels = np.full((HIGH, WIDE, 3), (196, 186, 170), np.uint8)
    for x in (60, 380, 700):
        cv2.rectangle(pixels, (x, 200), (x + 230, 420), (90, 110, 140), -1)
    assert looked(pixels, None)["meeting edges"].verdict == "unseen"


def posts(bow: float, count: int = 4, at: int = 1) -> Pixels:
    """Posts before a wall, one of them bowed out by so many px over a third of its height."""
    y, x = np.mgrid[0:HIGH, 0:WIDE].astype(np.float64)
    drawn = np.full((HIGH, WIDE, 3), (196.0, 186, 170))
    for k in range(count):
        t = np.clip((y - 0.5 * HIGH) / (0.35 * HIGH) + 0.5, 0, 1)
        left = 120 + 220 * k + (bow * np.sin(np.pi * t) ** 2 if k == at else 0)
        share = np.clip(x - left + 0.5, 0, 1) * np.clip(left + 40 - x + 0.5, 0, 1)
        drawn += share[..., None] * (np.array([70.0, 52, 44]) - drawn)
    return np.rint(drawn).astype(np.uint8)


def test_straight_posts_pass() -> None:
    found = looked(posts(0), None)["geometry"]
    assert found.verdict == "pass"
    assert found.measured is not None
    assert found.measured < 0.002


@pytest.mark.parametrize("share", [0.015, 0.03])
def test_a_bent_post_among_straight_ones_is_found_with_its_size_and_place(share: float) -> None:
    found = looked(posts(share * HIGH), None)["geometry"]
    assert found.verdict == "warn"
    assert found.measured == pytest.approx(share, abs=0.003)
    assert holds(found.box, 340 + share * HIGH, HIGH / 2) or holds(found.box, 380 + share * HIGH, HIGH / 2)
    assert not holds(found.box, 120, HIGH / 2)


def test_a_bent_thing_alone_may_be_meant_so() -> None:
    assert looked(posts(0.03 * HIGH, count=1, at=0), None)["geometry"].verdict == "unseen"


def test_arches_hair_and_waves_are_not_bent_uprights() -> None:
    pixels = posts(0, count=3, at=9)
    y = np.arange(0, HIGH)
    for k, sway in enumerate((16, 25, 40)):
        x = 760 + 60 * k + sway * np.sin(y / (35 + 20 * k))
        cv2.polylines(pixels, [np.stack([x, y], 1).astype(np.int32)], False, (90, 40, 30), 3, cv2.LINE_AA)
    assert looked(pixels, None)["geometry"].verdict != "warn"


def test_nothing_to_look_at_is_unseen_with_a_reason() -> None:
    for pixels in (np.full((HIGH, WIDE, 3), 128, np.uint8), cv2.resize(room(left=20), (320, 240))):
        for found in looked(pixels, None).values():
            assert found.verdict == "unseen"
            assert found.why


@pytest.mark.parametrize("shape", [(1, 2000), (500, 3), (385, 20), (400, 400), (2000, 40)])
def test_odd_pictures_are_looked_at_without_a_stumble(shape: tuple[int, int]) -> None:
    chance = np.random.default_rng(0)
    blocks = chance.integers(0, 256, (shape[0] // 40 + 1, shape[1] // 40 + 1, 3))
    pixels = np.kron(blocks, np.ones((40, 40, 1)))[: shape[0], : shape[1]].astype(np.uint8)
    matte = (chance.random(shape) > 0.7).astype(np.float32)
    assert {f.verdict for f in looked(pixels, matte).values()} <= {"pass", "warn", "unseen"}


def test_lines_on_people_are_not_the_background() -> None:
    pixels = posts(0.03 * HIGH)
    assert geometry.strips(pixels, np.ones((HIGH, WIDE), np.float32)) == []
    assert geometry.strips(pixels, None)


def test_none_of_it_has_earned_a_fail() -> None:
    for limit in (background.BEND, background.MEET, background.BREAK):
        assert limit.fail is None


def test_a_segment_beyond_the_line_lies_not_on_it() -> None:
    """Segments of another length reach past the strip's last reading; what is not there was not seen."""
    (line, *_) = geometry.strips(room(), np.zeros((HIGH, WIDE), np.float32))
    at = line.origin + line.along * geometry.STEP * np.float32([[len(line.seen) + 9], [len(line.seen) + 60]])
    assert not geometry._lies_on(at.ravel().astype(np.float32), line)
