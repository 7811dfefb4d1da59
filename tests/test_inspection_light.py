from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwake.inspection import light
from stillwake.inspection.asked import Asked
from stillwake.inspection.light import BLOCKS, STEPS, Light
from stillwake.inspection.stream import Shown
from stillwake.inspection.view import View
from stillwake.types import CameraMove, CameraRecord, ClipFinding, Floats, Pixels

FPS = Fraction(25)
SIZE = 192, 112
MEASURES = ("flicker", "local flicker", "exposure breathing", "colour drift")

Gain = Callable[[int], float | Floats]


@lru_cache(maxsize=1)
def a_picture() -> Floats:
    """Coloured texture, (H, W, 3) levels around 120, and a dark corner."""
    noise = np.random.default_rng(1).standard_normal((SIZE[1], SIZE[0], 3)).astype(np.float32)
    coarse, fine = cv2.GaussianBlur(noise, (0, 0), 12), cv2.GaussianBlur(noise, (0, 0), 1.5)
    picture: Floats = 120 + 30 * coarse / coarse.std() + 15 * fine / fine.std()
    picture[80:, :50] *= 0.15
    return picture


def steady(_: int) -> float:
    return 1.0


def frames(count: int, gain: Gain = steady, moving: bool = True, level: float = 1.0) -> Iterable[Pixels]:
    """A textured patch crosses the picture, a sensor's noise lies over all of it; the light is ``gain`` times."""
    picture, rng = a_picture(), np.random.default_rng(2)
    for index in range(count):
        frame = picture.copy()
        if moving:
            at = 10 + index * 3 % 120
            frame[30:75, at : at + 45] = 230 - 0.6 * picture[30:75, 20:65]
        noise = rng.normal(0, 1.2, frame.shape)
        yield np.clip(frame * gain(index) * level + noise, 0, 255).round().astype(np.uint8)


def watched(pictures: Iterable[Pixels], fps: Fraction = FPS) -> Light:
    watch = light.Watch(SIZE, fps)
    for index, pixels in enumerate(pictures):
        watch.take(View(Shown(index, (index + 0.5) / float(fps), pixels), None, None, None))
    return watch.finish()


def found(pictures: Iterable[Pixels], asked: Asked | None = None, fps: Fraction = FPS) -> dict[str, ClipFinding]:
    return {finding.check: finding for finding in light.check(watched(pictures, fps), asked or Asked(), fps)}


def wrong(findings: dict[str, ClipFinding]) -> set[str]:
    return {name for name, finding in findings.items() if finding.verdict != "pass"}


def lit_blocks(gain: Floats) -> Light:
    """Light that was never seen: blocks of many brightnesses under a gain, (N,)."""
    rng, count = np.random.default_rng(3), len(gain)
    blocks = rng.uniform(40, 200, (BLOCKS, BLOCKS)) * gain[:, None, None]
    blocks = blocks + rng.normal(0, 0.05, blocks.shape)
    return Light(
        index=np.arange(count),
        time=(np.arange(count) + 0.5) / float(FPS),
        blocks=np.rint(blocks * STEPS).astype(np.uint16),
        luma=blocks.mean((1, 2)),
        moments=np.zeros(0),
        colours=np.zeros((0, BLOCKS, BLOCKS, 3), np.float16),
        size=SIZE,
    )


def checked(seen: Light) -> dict[str, ClipFinding]:
    return {finding.check: finding for finding in light.check(seen, Asked(), FPS)}


# ----------------------------------------------------------------------------------------------------------- flicker


def test_a_clip_in_a_steady_light_is_clean() -> None:
    findings = found(frames(100))
    assert set(findings) == {*MEASURES, "black"}
    assert wrong(findings) == set()
    for finding in findings.values():
        assert finding.fix == ""
        assert finding.start is None


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(60000, 1001)])
def test_a_percent_in_every_other_frame_flickers_where_it_does(fps: Fraction) -> None:
    first, last = round(1.5 * fps), round(2.6 * fps)

    def gain(index: int) -> float:
        return 1.01 if first <= index < last and index % 2 else 1.0

    findings = found(frames(round(4 * fps), gain), fps=fps)
    finding = findings["flicker"]
    assert wrong(findings) == {"flicker"}
    assert finding.verdict == "fail"
    assert finding.measured == pytest.approx(0.9, abs=0.3)
    assert finding.start == pytest.approx(1.5, abs=0.12)
    assert finding.end == pytest.approx(2.6, abs=0.12)
    assert finding.box is None


def test_a_faint_flicker_warns() -> None:
    finding = found(frames(100, lambda index: 1.0018 if index % 2 else 1.0))["flicker"]
    assert finding.verdict == "warn"
    assert finding.measured is not None
    assert light.FLICKER < finding.measured < light.FLICKER_FAIL


def still_blocks(gain: Floats, noise: float | Floats = 0.02, *, count: int = 100) -> Light:
    """Light that was never seen: blocks under a gain each, (N, 16, 16), that tremble by so many levels."""
    rng = np.random.default_rng(5)
    blocks = rng.uniform(60, 200, (BLOCKS, BLOCKS)) * gain + rng.normal(0, 1, (count, BLOCKS, BLOCKS)) * noise
    return replace(lit_blocks(np.ones(count)), blocks=np.rint(blocks * STEPS).astype(np.uint16))


def to_and_fro(percent: float, where: tuple[slice, slice], *, share: float = 1.0) -> Floats:
    """(100, 16, 16) gains: so many percent in every other frame from 1 to 2.2 s, in a share of those blocks."""
    chosen = np.zeros((BLOCKS, BLOCKS), bool)
    chosen[where] = np.random.default_rng(6).uniform(size=chosen[where].shape) < share
    gains = np.ones((100, BLOCKS, BLOCKS), np.float32)
    gains[25:55:2, chosen] += np.float32(percent / 100)
    return gains


def test_a_trace_of_flicker_in_the_blocks_that_are_quiet_is_found() -> None:
    """Three blocks of five tremble by a percent and show no flicker: a median over all of them sees none."""
    loud = np.random.default_rng(7).uniform(size=(BLOCKS, BLOCKS)) < 0.6
    noise = np.where(loud, 1.0, 0.02).astype(np.float32)

    def flickering(percent: float, *where: slice) -> dict[str, ClipFinding]:
        gains = to_and_fro(percent, (where[0], where[1]))
        gains[:, loud] = 1
        return checked(still_blocks(gains, noise))

    everywhere, rows, columns = slice(0, 16), slice(4, 12), slice(0, 8)
    steady, whole, part = (
        flickering(percent, *where)
        for percent, where in (
            (0.0, (everywhere, everywhere)),
            (0.15, (everywhere, everywhere)),
            (0.2, (rows, columns)),
        )
    )
    assert {steady[name].verdict for name in MEASURES[:2]} == {"pass"}
    finding = whole["flicker"]
    assert (finding.verdict, whole["local flicker"].verdict) == ("warn", "pass")
    assert finding.start == pytest.approx(1.0, abs=0.2)
    assert finding.end == pytest.approx(2.2, abs=0.2)
    finding = part["local flicker"]
    assert (finding.verdict, part["flicker"].verdict) == ("warn", "pass")
    x, y = SIZE[0] / BLOCKS, SIZE[1] / BLOCKS
    assert finding.box == (0, 4 * y, 8 * x, 12 * y)


def test_blocks_that_go_their_own_ways_do_not_flicker() -> None:
    """Every block of a quarter jumps for a few frames, one row after the other, as under an edge that slides."""
    gains = np.ones((100, BLOCKS, BLOCKS), np.float32)
    for index in range(20, 90):
        row = index % 8
        gains[index, row, :8] = 1.3 if index % 2 else 0.8
    findings = checked(still_blocks(gains))
    assert findings["flicker"].verdict == findings["local flicker"].verdict == "pass"


def test_a_camera_may_flicker_a_little_more() -> None:
    seen = still_blocks(to_and_fro(0.2, (slice(0, 16), slice(0, 16)), share=0.7))
    made, filmed = (
        {one.check: one.verdict for one in light.check(seen, Asked(), FPS, filmed=filmed)} for filmed in (False, True)
    )
    assert (made["flicker"], filmed["flicker"]) == ("warn", "pass")


def test_a_percent_at_random_flickers() -> None:
    gains = 1 + np.random.default_rng(4).normal(0, 0.01, 100)
    finding = found(frames(100, lambda k: float(gains[k])))["flicker"]
    assert finding.verdict == "fail"
    assert finding.start == pytest.approx(0.0, abs=0.6)
    assert finding.end == pytest.approx(4.0, abs=0.6)


def test_what_a_camera_does_to_its_exposure_warns_where_nobody_says_that_it_was_made() -> None:
    def gain(index: int) -> float:
        return (1 + 0.01 * np.sin(2 * np.pi * index / 50)) * (1.004 if index % 2 else 1.0)

    seen = watched(frames(100, gain))
    made, filmed = (
        {one.check: one for one in light.check(seen, Asked(), FPS, filmed=filmed)} for filmed in (False, True)
    )
    for name in ("flicker", "exposure breathing"):
        assert (made[name].verdict, filmed[name].verdict) == ("fail", "warn")
        assert filmed[name].measured == made[name].measured
        assert "camera" in filmed[name].why
    strong = watched(frames(100, lambda index: 1.03 if index % 2 else 1.0))
    assert {one.verdict for one in light.check(strong, Asked(), FPS, filmed=True) if one.check == "flicker"} == {
        "fail"
    }


def test_another_scene_is_no_change_of_the_light() -> None:
    """A darker, redder picture from the cut on; within the second scene the exposure swings."""
    tint = np.array([0.9, 0.55, 0.4], np.float32)
    pictures = [*frames(60), *((one * tint).astype(np.uint8) for one in frames(100))]
    told, untold = (
        {one.check: one for one in light.check(watched(pictures), Asked(), FPS, cuts=cuts)} for cuts in ((60,), ())
    )
    assert (untold["colour drift"].verdict, wrong(told)) == ("warn", set())
    swinging = [
        *pictures[:60],
        *((one * tint).astype(np.uint8) for one in frames(100, lambda k: 1 + 0.015 * np.sin(k / 8))),
    ]
    findings = {one.check: one for one in light.check(watched(swinging), Asked(), FPS, cuts=(60,))}
    breathing = findings["exposure breathing"]
    assert breathing.verdict == "fail"
    assert breathing.start == pytest.approx(2.4, abs=0.5)


def test_what_moves_does_not_flicker() -> None:
    """A dark half that slides in and out changes nearly half of the blocks, each at its own time."""
    picture = a_picture()

    def sliding() -> Iterable[Pixels]:
        for index in range(100):
            frame = picture.copy()
            edge = round(80 + 70 * np.sin(index / 6))
            frame[:, :edge] *= 0.4
            yield np.clip(frame, 0, 255).astype(np.uint8)

    assert wrong(found(sliding())) == set()


@pytest.mark.parametrize(
    "gain",
    [
        lambda k: 1 + 0.01 * (k // 10),  # a stair upwards
        lambda k: 1 - 0.015 * (k // 12 % 3),  # a stair down, and back at once
        lambda k: 1.15 if k == 40 else 1.0,  # one flash
        lambda k: 1.3 if k >= 40 else 1.0,  # the light is switched on
        lambda k: 1 + 0.0025 * k,  # it grows light
    ],
    ids=["stair", "stairs", "flash", "switch", "dawn"],
)
def test_a_light_that_is_set_anew_is_no_flicker(gain: Gain) -> None:
    findings = found(frames(75, gain))
    assert findings["flicker"].verdict == "pass", findings["flicker"].why
    assert findings["local flicker"].verdict == "pass", findings["local flicker"].why


@settings(max_examples=25, deadline=None)
@given(st.floats(0.7, 5.0), st.integers(0, 60), st.integers(25, 60), st.integers(0, 1))
def test_any_flicker_is_found_where_it_is(percent: float, first: int, frames_long: int, phase: int) -> None:
    count, last = 125, first + frames_long
    k = np.arange(count)
    gain = 1 + percent / 100 * ((k >= first) & (k < last) & (k % 2 == phase))
    finding = checked(lit_blocks(gain))["flicker"]
    assert finding.verdict == "fail"
    assert finding.measured == pytest.approx(percent, rel=0.35)
    assert finding.start == pytest.approx(first / 25, abs=0.17)
    assert finding.end == pytest.approx(last / 25, abs=0.17)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-0.03, 0.03), min_size=1, max_size=12), st.integers(9, 20))
def test_no_stair_flickers_whatever_its_steps(steps: list[float], every: int) -> None:
    gain = np.repeat(np.exp(np.cumsum(steps)), every)
    findings = checked(lit_blocks(gain))
    assert findings["flicker"].verdict == "pass", findings["flicker"].why


# ----------------------------------------------------------------------------------------------------- local flicker


def overlap(box: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """Intersection over union."""
    wide = max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
    high = max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (box, other)]
    return wide * high / (sum(areas) - wide * high)


@pytest.mark.parametrize("corner", [(0, 0), (96, 0), (96, 56), (44, 30)])
@pytest.mark.parametrize("kind", ["alternate", "random"])
def test_a_quarter_that_flickers_is_found_in_its_place(corner: tuple[int, int], kind: str) -> None:
    x, y = corner
    waves = {"alternate": np.arange(75) % 2 * 0.01, "random": np.random.default_rng(5).normal(0, 0.01, 75)}

    def gain(index: int) -> Floats:
        lit = np.ones((SIZE[1], SIZE[0], 1), np.float32)
        if 25 <= index < 60:
            lit[y : y + 56, x : x + 96] += waves[kind][index]
        return lit

    findings = found(frames(75, gain))
    finding = findings["local flicker"]
    assert wrong(findings) == {"local flicker"}
    assert finding.box is not None
    assert overlap(finding.box, (x, y, x + 96, y + 56)) >= 0.3
    assert finding.start == pytest.approx(1.0, abs=0.2)
    assert finding.end == pytest.approx(2.4, abs=0.2)


def test_when_everything_flickers_no_part_does_so_alone() -> None:
    findings = found(frames(75, lambda k: 1.02 if k % 2 else 1.0))
    assert wrong(findings) == {"flicker"}


# --------------------------------------------------------------------------------------------- exposure that breathes


def test_an_exposure_that_breathes_is_found() -> None:
    findings = found(frames(150, lambda k: 1 + 0.01 * np.sin(2 * np.pi * k / 50)))
    finding = findings["exposure breathing"]
    assert wrong(findings) == {"exposure breathing"}
    assert finding.verdict == "fail"
    assert finding.measured == pytest.approx(1.0, abs=0.25)
    assert "every 2.0 s" in finding.why
    assert finding.start == pytest.approx(0.0, abs=0.5)
    assert finding.end == pytest.approx(6.0, abs=0.5)


def test_it_is_told_from_when_to_when_it_breathes() -> None:
    def gain(index: int) -> float:
        return 1 + (0.01 * np.sin(2 * np.pi * (index - 75) / 50) if 75 <= index < 200 else 0.0)

    finding = found(frames(275, gain))["exposure breathing"]
    assert finding.verdict == "fail"
    assert finding.start == pytest.approx(3.0, abs=0.75)
    assert finding.end == pytest.approx(8.0, abs=0.75)


@settings(max_examples=20, deadline=None)
@given(st.floats(1.0, 3.0), st.floats(1.0, 3.0), st.floats(0, 6.3))
def test_a_breath_of_any_length_is_found(percent: float, period: float, phase: float) -> None:
    time = np.arange(250) / 25
    finding = checked(lit_blocks(1 + percent / 100 * np.sin(2 * np.pi * time / period + phase)))["exposure breathing"]
    assert finding.verdict == "fail"
    assert finding.measured == pytest.approx(percent, rel=0.35)


@pytest.mark.parametrize(
    "gain",
    [
        lambda k: 1 + 0.02 * (k // 30),  # stairs
        lambda k: 1.05 if k >= 70 else 1.0,  # one step
        lambda k: 1.6 if k >= 70 else 1.0,  # as much as a cut
        lambda k: 1 + 0.0008 * k,  # a slow dawn
    ],
    ids=["stair", "step", "leap", "dawn"],
)
def test_a_light_that_is_set_anew_does_not_breathe(gain: Gain) -> None:
    finding = found(frames(150, gain))["exposure breathing"]
    assert finding.verdict == "pass", finding.why


@pytest.mark.parametrize("seconds", [0.6, 1.0, 2.0])
@pytest.mark.parametrize("percent", [-6.0, 5.0])
def test_a_light_that_is_set_anew_slowly_is_said_to_be(seconds: float, percent: float) -> None:
    share = np.clip((np.arange(200) - 100) / (25 * seconds) + 0.5, 0, 1)
    seen = lit_blocks(1 + percent / 100 * share * share * (3 - 2 * share))
    finding = checked(seen)["exposure breathing"]
    assert finding.verdict == "fail"
    assert finding.why.startswith("the exposure is set anew, by ")
    assert finding.start == pytest.approx(4 - seconds / 2, abs=0.4)
    assert finding.end == pytest.approx(4 + seconds / 2, abs=0.6)
    (filmed,) = [one for one in light.check(seen, Asked(), FPS, filmed=True) if one.check == "exposure breathing"]
    assert filmed.verdict == "warn"


@pytest.mark.parametrize("drift", [-3.0, 0.0, 3.0])
def test_a_breath_in_a_light_that_drifts_is_a_breath(drift: float) -> None:
    time = np.arange(200) / 25
    finding = checked(lit_blocks(1 + 0.015 * np.sin(2 * np.pi * time / 2) + drift / 100 * time / 8))[
        "exposure breathing"
    ]
    assert finding.verdict == "fail"
    assert finding.why.startswith("the exposure swings by 1.")


def test_too_short_a_clip_shows_no_slow_swing() -> None:
    findings = found(frames(40))
    assert wrong(findings) == {"exposure breathing"}
    assert findings["exposure breathing"].verdict == "unseen"
    assert "1.6 s" in findings["exposure breathing"].why


# ------------------------------------------------------------------------------------------------------ colour drift


def drifting(count: int, red: float) -> Iterable[Pixels]:
    """From its middle on the picture goes redder, by so many levels at the end."""
    for index, frame in enumerate(frames(count, moving=False)):
        share = max(0.0, 2 * index / (count - 1) - 1)
        yield np.clip(frame + share * np.float32([red, 0, 0]), 0, 255).round().astype(np.uint8)


def test_a_camera_may_let_its_colours_drift_a_little() -> None:
    seen = watched(drifting(150, 12.0))
    made, filmed = (
        {one.check: one for one in light.check(seen, Asked(), FPS, filmed=filmed)}["colour drift"]
        for filmed in (False, True)
    )
    assert (made.verdict, filmed.verdict) == ("warn", "pass")
    assert made.measured == filmed.measured


def test_colours_that_drift_are_found_from_where_they_do() -> None:
    finding = found(drifting(150, 40.0))["colour drift"]
    assert finding.verdict == "warn"
    assert finding.measured > light.DRIFT_FILMED
    assert "redder" in finding.why
    assert finding.start is not None
    assert 2.5 <= finding.start <= 5.0
    assert finding.end == pytest.approx(6.0, abs=0.6)
    assert "the still" in finding.fix


@pytest.mark.parametrize(("across", "verdict"), [(0.3, "warn"), (0.0, "unseen")])
def test_a_figure_on_white_paper_is_judged_by_itself(across: float, verdict: str) -> None:
    """White takes no tint: of a drawing most of the picture holds whatever happens to its figure."""

    def on_paper() -> Iterable[Pixels]:
        for frame in drifting(150, 40.0):
            paper = np.full_like(frame, 255)
            wide = round(across * frame.shape[1])
            paper[:, :wide] = np.minimum(frame[:, :wide], 200)
            yield paper

    finding = found(on_paper())["colour drift"]
    assert finding.verdict == verdict
    assert finding.measured is None or finding.measured > light.DRIFT_FILMED


def test_colours_that_come_back_or_hardly_move_hold() -> None:
    assert found(drifting(150, 4.0))["colour drift"].verdict == "pass"
    there = list(drifting(100, 40.0))
    assert found([*there, *there[::-1]])["colour drift"].verdict == "pass"
    assert found(drifting(30, 40.0))["colour drift"].verdict == "unseen", "1.2 s are too short"


@pytest.mark.parametrize(("red", "verdict"), [(12.0, "pass"), (40.0, "warn")])
def test_a_camera_that_was_asked_for_brings_other_colours(red: float, verdict: str) -> None:
    asked = Asked(camera=CameraRecord(moves=(CameraMove(kind="pan-left"),)))
    finding = {one.check: one for one in light.check(watched(drifting(150, red)), asked, FPS)}["colour drift"]
    assert finding.verdict == verdict


# ------------------------------------------------------------------------------------------------------------- black


def test_black_frames_are_counted() -> None:
    findings = found(frames(75, lambda k: 0.02 if k in (40, 41) else 1.0))
    finding = findings["black"]
    assert (finding.verdict, finding.measured) == ("fail", 2.0)
    assert finding.why == "2 frames are black"
    assert finding.start == pytest.approx(1.6)
    assert finding.end == pytest.approx(1.68)
    assert findings["flicker"].verdict == "pass", "two black frames are no flicker"


def test_in_the_dark_nothing_is_judged() -> None:
    findings = found(frames(75, lambda k: 1.0 + 0.03 * (k % 2), level=0.1))
    assert {findings[name].verdict for name in MEASURES} == {"unseen"}
    assert {findings[name].why for name in MEASURES} == {"the picture is too dark"}
    assert findings["black"].verdict == "unseen"


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_handful_of_frames_is_too_few(count: int) -> None:
    seen = watched(frames(count))
    findings = {finding.check: finding for finding in light.check(seen, Asked(), FPS)}
    assert {findings[name].verdict for name in MEASURES} == {"unseen"}
    assert light.timelines(seen, FPS) == []


def test_between_two_windows_there_is_no_step() -> None:
    seen = lit_blocks(np.r_[np.ones(50), 1.4 * np.ones(50)])
    apart = Light(np.r_[0:50, 400:450], seen.time, seen.blocks, seen.luma, seen.moments, seen.colours, seen.size)
    logs = light._logs(apart)
    assert np.abs(light._gain(logs, apart)).max() < 0.5
    assert np.abs(light._middle(light._first(logs, apart), light._weights(apart))).max() < 0.5
    assert light._gain(light._logs(seen), seen).max() > 30


# ------------------------------------------------------------------------------------------- timelines, and how little


def test_both_timelines_have_an_entry_a_frame() -> None:
    seen = watched(frames(60, lambda k: 1.01 if k % 2 else 1.0))
    flicker, exposure = light.timelines(seen, FPS)
    assert (flicker.name, exposure.name) == ("flicker", "exposure")
    assert len(flicker.values) == len(exposure.values) == 60
    assert flicker.values.max() > light.FLICKER
    assert flicker.values.max() == pytest.approx(checked(seen)["flicker"].measured, abs=1e-3)
    assert [one.limit for one in light.timelines(seen, FPS, filmed=True)] == [light.FLICKER_FILMED, None]
    assert np.ptp(exposure.values) == pytest.approx(1.0, abs=0.3)


def test_little_is_kept_of_a_frame() -> None:
    watch, drawn = light.Watch(SIZE, FPS), list(frames(100, moving=False))

    def take(first: int, last: int) -> None:
        for index in range(first, last):
            watch.take(View(Shown(index, index / 25, drawn[index % 100]), None, None, None))

    tracemalloc.start()
    take(0, 50)
    held = tracemalloc.get_traced_memory()[0]
    take(50, 350)
    kept = tracemalloc.get_traced_memory()[0] - held
    tracemalloc.stop()
    assert kept / 300 < 1024
