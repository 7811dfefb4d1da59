"""Texture that flows along brush strokes: its loop, its speed, its sharpness, and all that it leaves alone."""

from __future__ import annotations

import dataclasses
import itertools
from functools import cache
from typing import Any, Literal

import cv2
import numpy as np
import pytest

from stillwake.engines.animator.fields import Grid, grid_over
from stillwake.engines.animator.flow import LEAST_AREA, Flow, build_flow
from stillwake.types import Floats, Pixels, Strokes

WIDTH, HEIGHT = 640, 360
COUNT, FPS = 100, 25
SECONDS = COUNT / FPS


def grid() -> Grid:
    return grid_over(np.array([[-8.0, -8.0], [WIDTH + 8, HEIGHT + 8]]), 8, (WIDTH, HEIGHT))


@cache
def water() -> Pixels:
    """A sheet of soft ripples, and no two places alike."""
    noise = np.random.default_rng(5).normal(size=(HEIGHT, WIDTH))
    ripples = cv2.GaussianBlur(noise, (0, 0), sigmaX=3.0, sigmaY=1.6) * 60 + cv2.GaussianBlur(noise, (0, 0), 1.0) * 10
    sheet = np.clip(np.array([90.0, 120.0, 140.0]) + ripples[..., None], 0, 255).astype(np.uint8)
    sheet.setflags(write=False)
    return sheet


@cache
def clouds() -> Pixels:
    """Flat white shapes with hard outlines on blue, as they are drawn."""
    noise = cv2.GaussianBlur(np.random.default_rng(2).normal(size=(HEIGHT, WIDTH)), (0, 0), 14)
    sheet = np.where(noise[..., None] > 0.01, [250, 250, 252], [90, 150, 230]).astype(np.uint8)
    sheet.setflags(write=False)
    return sheet


def mask(x0: int = 80, y0: int = 60, x1: int = 560, y1: int = 300) -> Floats:
    area = np.zeros((HEIGHT, WIDTH), np.float32)
    area[y0:y1, x0:x1] = 1
    return area


RIGHT = np.array([[150, 180], [490, 180]], np.float32)


def strokes(
    area: Floats | None = None,
    *paths: Floats,
    speed: float | None = 40.0,
    mode: Literal["flow", "wave"] | None = None,
) -> Strokes:
    return Strokes(mask() if area is None else area, paths or (RIGHT,), speed, mode)


def built(pixels: Pixels, brush: Strokes, **other: Any) -> Flow:
    asked: dict[str, Any] = {"keep_out": None, "drawn": False, "seconds": SECONDS, "loop": True, "seed": 0}
    return build_flow(pixels, brush, grid(), **{**asked, **other})


@cache
def flowing() -> Flow:
    return built(water(), strokes())


@cache
def waving() -> Flow:
    return built(water(), strokes(mode="wave"))


FLOWS = pytest.mark.parametrize("flow", [flowing, waving], ids=["flow", "wave"])


def drawn(flow: Flow, index: int, pixels: Pixels | None = None, count: int = COUNT, **view: Any) -> Pixels:
    frame = (water() if pixels is None else pixels).copy()
    flow.draw(frame, index, count, **view)
    return frame


def step(a: Pixels, b: Pixels) -> float:
    return float(np.abs(a.astype(np.int16) - b).mean())


# ------------------------------------------------------------------------------------------------------------ the loop


def test_water_flows() -> None:
    flow = flowing()
    assert flow.mode == "flow"
    assert flow.speed == 40
    assert flow.reasons == ()
    assert flow.cycles * flow.period == pytest.approx(SECONDS)
    assert flow.source.shape == (2 * HEIGHT, 2 * WIDTH, 3)
    assert flow.soft.shape == (HEIGHT, WIDTH)
    assert flow.box[0] >= 80
    assert flow.box[3] <= 300


@FLOWS
def test_the_loop_closes_on_itself(flow: Any) -> None:
    flow = flow()
    for index in (0, 1, 37):
        assert np.array_equal(drawn(flow, index), drawn(flow, index + COUNT))
        assert np.array_equal(drawn(flow, index), drawn(flow, index - COUNT))
    first, second, weight = flow.maps(0, COUNT)
    for one, other in zip((first, second, weight), flow.maps(COUNT, COUNT), strict=True):
        assert (one is None and other is None) or np.array_equal(one, other)


@FLOWS
def test_the_seam_is_a_step_like_any_other(flow: Any) -> None:
    frames = [drawn(flow(), index) for index in (COUNT - 2, COUNT - 1, 0, 1, 2)]
    before, seam, after, later = (step(a, b) for a, b in itertools.pairwise(frames))
    assert seam == pytest.approx((before + after + later) / 3, rel=0.2)


@FLOWS
def test_it_never_pulses(flow: Any) -> None:
    frames = [drawn(flow(), index) for index in range(0, COUNT, 2)]
    steps = [step(a, b) for a, b in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert max(steps) < 1.15 * np.mean(steps)
    assert min(steps) > 0.85 * np.mean(steps)


def test_it_is_the_same_every_time_and_another_with_another_seed() -> None:
    again, other = built(water(), strokes()), built(water(), strokes(), seed=1)
    assert np.array_equal(drawn(again, 7), drawn(flowing(), 7))
    assert not np.array_equal(drawn(other, 7), drawn(flowing(), 7))


def test_a_clip_of_any_length_holds_whole_periods() -> None:
    for seconds in (0.5, 1.0, 3.3, 30.0):
        flow = built(water(), strokes(), seconds=seconds)
        assert flow.cycles >= 1
        assert flow.cycles * flow.period == pytest.approx(seconds)
        assert flow.period <= 3.0


# ------------------------------------------------------------------------------------------------------- what it shows


@pytest.mark.parametrize(
    ("speed", "way"), [(25.0, (1, 0)), (60.0, (1, 0)), (40.0, (-1, 0)), (40.0, (0, 1)), (40.0, (0.6, -0.8))]
)
def test_the_speed_is_the_one_asked_for(speed: float, way: tuple[float, float]) -> None:
    path = np.array([[320, 180], [320 + 80 * way[0], 180 + 80 * way[1]]], np.float32)
    flow = built(water(), strokes(None, path, speed=speed))
    assert flow.speed == speed
    part = np.s_[110:250, 200:440]
    window = cv2.createHanningWindow((240, 140), cv2.CV_32F)
    moved = []
    for index in range(0, COUNT, 10):
        pair = [cv2.cvtColor(drawn(flow, n)[part], cv2.COLOR_RGB2GRAY).astype(np.float32) for n in (index, index + 2)]
        shift, _ = cv2.phaseCorrelate(*pair, window)
        moved.append(np.array(shift) * FPS / 2)
    assert np.median(moved, 0) == pytest.approx(np.array(way) * speed, abs=0.15 * speed)


def sharpness(pixels: Pixels, where: Any) -> float:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F))[where].mean())


@FLOWS
def test_it_stays_as_sharp_as_it_was(flow: Any) -> None:
    flow = flow()
    solid = flow.soft == 1
    was = sharpness(water(), solid)
    seen = np.array([sharpness(drawn(flow, index), solid) for index in range(0, COUNT, 5)]) / was
    assert seen.min() > 0.85
    assert seen.max() < 1.10
    assert seen.std() < 0.02


def test_the_contrast_of_the_mean_of_two_copies_is_given_back() -> None:
    flow = flowing()
    _, _, weight = flow.maps(20, COUNT)
    assert weight is not None
    half = np.abs(cv2.resize(weight, None, fx=8, fy=8)[8 : 8 + HEIGHT, 8 : 8 + WIDTH] - 0.5) < 0.1
    half &= flow.soft == 1
    assert half.sum() > 1000
    frame = drawn(flow, 20)
    assert sharpness(frame, half) == pytest.approx(sharpness(water(), half), rel=0.12)
    assert frame[half].mean(0) == pytest.approx(water()[half].mean(0), abs=4)


def test_most_places_show_one_copy() -> None:
    flow = flowing()
    inside = cv2.remap(mask(), flow.grid.nodes, None, cv2.INTER_LINEAR) > 0.5
    both = []
    for index in range(0, COUNT, 10):
        first, second, weight = flow.maps(index, COUNT)
        assert second is not None
        assert weight is not None
        assert first.shape == second.shape == (*weight.shape, 2)
        assert weight.min() >= 0
        assert weight.max() <= 1
        both.append(((weight > 0) & (weight < 1))[inside].mean())
    assert np.mean(both) < 0.4
    assert np.ptp(both) < 0.1


def least_area(flow: Flow) -> float:
    """To what share of itself a cell that is seen is ever squeezed."""
    nodes, least = flow.grid.nodes, np.inf
    inside = cv2.remap(flow.soft, nodes, None, cv2.INTER_LINEAR) > 0.5
    for index in range(0, COUNT, 4):
        first, second, weight = flow.maps(index, COUNT)
        for moved, seen in ((first, weight), (second, None if weight is None else 1 - weight)):
            if moved is None:
                continue
            down, across = np.gradient(nodes + moved, 8, axis=(0, 1))
            area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
            where = inside if seen is None else inside & (seen > 0.05)
            least = min(least, float(np.percentile(area[where], 0.5)))
    return least


def line(*points: tuple[float, float]) -> Floats:
    return np.array(points, np.float32)


CURRENTS = {
    "straight": (RIGHT,),
    "bent": (line((120, 280), (300, 260), (420, 180), (430, 80)),),
    "apart": (line((300, 180), (120, 180)), line((340, 180), (520, 180))),
    "together": (line((120, 180), (300, 180)), line((520, 180), (340, 180))),
    "round": (line((250, 100), (390, 100)), line((390, 260), (250, 260))),
    "across": (line((320, 80), (320, 280)), line((120, 180), (520, 180))),
}


@pytest.mark.parametrize("speed", [20.0, 80.0, 600.0])
@pytest.mark.parametrize("current", CURRENTS)
def test_nothing_ever_folds(current: str, speed: float) -> None:
    flow = built(water(), strokes(None, *CURRENTS[current], speed=speed, mode="flow"))
    assert least_area(flow) > LEAST_AREA - 0.1
    if flow.speed < speed - 0.5:
        assert any(f"instead of {speed:.0f}" in reason for reason in flow.reasons)


def test_a_wave_is_low_enough_not_to_fold() -> None:
    for current in CURRENTS.values():
        assert least_area(built(water(), strokes(None, *current, mode="wave"), strength=5.0)) > LEAST_AREA - 0.1


def test_strength_scales_speed_and_wave() -> None:
    assert built(water(), strokes(), strength=0.5).speed == 20
    half = built(water(), strokes(mode="wave"), strength=0.5)
    assert np.abs(half.maps(9, COUNT)[0]).max() == pytest.approx(
        np.abs(waving().maps(9, COUNT)[0]).max() / 2, rel=0.01
    )
    assert np.array_equal(drawn(built(water(), strokes(mode="wave"), strength=0.0), 9)[:60], water()[:60])


def test_without_a_speed_it_is_gentle() -> None:
    assert 5 < built(water(), strokes(speed=None)).speed < 25


# ---------------------------------------------------------------------------------------------------- what it leaves


@FLOWS
def test_nothing_outside_the_paint_changes(flow: Any) -> None:
    flow = flow()
    outside = mask() == 0
    for index in range(0, COUNT, 9):
        frame = drawn(flow, index)
        assert np.array_equal(frame[outside], water()[outside])
        assert np.array_equal(frame[flow.soft == 0], water()[flow.soft == 0])
    assert not np.array_equal(frame, water())


def test_what_is_painted_still_stands_still() -> None:
    area = mask()
    area[140:220, 280:360] = 0
    flow = built(water(), strokes(area))
    for index in (5, 40, 80):
        assert np.array_equal(drawn(flow, index)[140:220, 280:360], water()[140:220, 280:360])
    assert step(drawn(flow, 5)[140:220, 200:260], water()[140:220, 200:260]) > 1


def red(pixels: Pixels) -> Any:
    return (pixels[..., 0] > 170) & (pixels[..., 2] < 110)


@pytest.mark.parametrize("way", [1, -1])
def test_the_shore_is_not_dragged_along(way: int) -> None:
    coast = water().copy()
    coast[:, :200] = (220, 60, 50)
    path = np.array([[320 - 80 * way, 180], [320 + 80 * way, 180]], np.float32)
    flow = built(coast, strokes(mask(200, 0, WIDTH, HEIGHT), path))
    for index in range(0, COUNT, 10):
        assert not red(drawn(flow, index, coast)[:, 202:]).any()


def test_what_lies_over_it_is_neither_moved_nor_smeared() -> None:
    still = water().copy()
    over = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.circle(over, (320, 180), 50, 1.0, -1, cv2.LINE_AA)
    still[over > 0] = (230, 40, 40)
    flow = built(still, strokes(), keep_out=over)
    for index in range(0, COUNT, 10):
        frame = drawn(flow, index, still)
        assert np.array_equal(frame[over > 0.02], still[over > 0.02])
        assert not red(frame)[over == 0].any()


def test_a_boat_stands_still_and_leaves_no_second_one() -> None:
    still = water().copy()
    still[170:180, 300:330] = (245, 245, 245)
    flow = built(still, strokes())
    assert any("1 thing" in reason for reason in flow.reasons)
    for index in range(0, COUNT, 10):
        frame = drawn(flow, index, still)
        assert np.array_equal(frame[170:180, 300:330], still[170:180, 300:330])
        frame[166:184, 296:334] = 0
        assert frame.max() < 240


def test_hard_outlines_wave_unless_they_are_told_to_flow() -> None:
    flow = built(clouds(), strokes(), drawn=True)
    assert flow.mode == "wave"
    assert flow.ghost[1] > 34
    assert any("double" in reason for reason in flow.reasons)
    first, second, weight = flow.maps(11, COUNT)
    assert second is None
    assert weight is None
    assert np.abs(first).max() < 0.02 * WIDTH
    told = built(clouds(), strokes(mode="flow"), drawn=True)
    assert told.mode == "flow"
    assert any("double" in reason for reason in told.reasons)
    assert flowing().ghost[1] < 34


# ------------------------------------------------------------------------------------------------------ under a camera


@FLOWS
def test_a_camera_that_stands_is_none(flow: Any) -> None:
    flow = flow()
    plain = drawn(flow, 13)
    seen = drawn(flow, 13, at=flow.grid.nodes, soft=flow.soft)
    assert np.abs(plain.astype(np.int16) - seen).max() <= 2
    assert np.abs(plain.astype(np.int16) - drawn(flow, 13, at=flow.grid.nodes)).max() <= 2


@FLOWS
def test_a_camera_that_moves_takes_it_along(flow: Any) -> None:
    flow = flow()
    at = flow.grid.nodes + np.array([16, 8], np.float32)
    seen = drawn(flow, 13, np.roll(water(), (-8, -16), (0, 1)), at=at)
    plain = np.roll(drawn(flow, 13), (-8, -16), (0, 1))
    difference = np.abs(plain.astype(np.int16) - seen)[40:320, 40:600]
    assert difference.mean() < 0.3
    assert np.percentile(difference, 99.5) <= 6


def test_a_picture_of_odd_size_and_a_mask_to_its_edges() -> None:
    odd = np.ascontiguousarray(water()[:347, :613])
    whole = Strokes(np.ones((347, 613), np.float32), (RIGHT,), 30.0)
    nodes = grid_over(np.array([[-8.0, -8.0], [621, 355]]), 8, (613, 347))
    flow = build_flow(odd, whole, nodes, keep_out=None, drawn=False, seconds=2, loop=True, seed=3)
    assert flow.box == (0, 0, 613, 347)
    frame = odd.copy()
    flow.draw(frame, 3, 50)
    assert sharpness(frame, np.s_[:]) == pytest.approx(sharpness(odd, np.s_[:]), rel=0.15)


@pytest.mark.parametrize("way", [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_where_it_runs_in_over_the_pictures_edge_it_is_no_streak(way: tuple[int, int]) -> None:
    path = np.array([[320, 180], [320 + 90 * way[0], 180 + 90 * way[1]]], np.float32)
    flow = built(water(), strokes(np.ones((HEIGHT, WIDTH), np.float32), path, speed=60.0))
    edges = (np.s_[:, :16], np.s_[:, -16:], np.s_[:16], np.s_[-16:])
    for index in range(0, COUNT, 10):
        frame = cv2.cvtColor(drawn(flow, index), cv2.COLOR_RGB2GRAY).astype(np.float32)
        still = cv2.cvtColor(water(), cv2.COLOR_RGB2GRAY).astype(np.float32)
        for edge in edges:
            for axis in (0, 1):
                roughness = [np.abs(np.diff(image[edge], axis=axis)).mean() for image in (frame, still)]
                assert roughness[0] > 0.7 * roughness[1]


def test_nothing_left_to_move_draws_nothing() -> None:
    flow = built(water(), strokes(), keep_out=np.ones((HEIGHT, WIDTH), np.float32))
    assert flow.soft.max() == 0
    assert np.array_equal(drawn(flow, 5), water())
    assert dataclasses.replace(flow).cycles >= 1
