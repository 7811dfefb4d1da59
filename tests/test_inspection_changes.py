"""Fades and dissolves: told for what they are, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from time import process_time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwake.inspection import changes, continuity, light, morph, motion, rigid
from stillwake.inspection.asked import Asked
from stillwake.inspection.changes import Change
from stillwake.inspection.light import Light
from stillwake.inspection.motion import Motion
from stillwake.inspection.stream import Shown
from stillwake.inspection.view import View
from stillwake.types import ClipFinding, Floats, Pixels

FPS = Fraction(25)
SIZE = 192, 112
COUNT = 100

Course = Callable[[int], Floats]


@lru_cache(maxsize=8)
def a_world(seed: int) -> Floats:
    """Coloured texture, twice as wide as the picture, (H, 2 W, 3) levels around 120."""
    noise = np.random.default_rng(seed).standard_normal((SIZE[1], 2 * SIZE[0], 3)).astype(np.float32)
    coarse, fine = cv2.GaussianBlur(noise, (0, 0), 12), cv2.GaussianBlur(noise, (0, 0), 1.5)
    world: Floats = np.clip(120 + 35 * coarse / coarse.std() + 15 * fine / fine.std(), 0, 255)
    return world


@lru_cache(maxsize=1)
def a_body() -> Floats:
    """Where somebody stands, (H, 2 W, 3) 0..1."""
    body = np.zeros((SIZE[1], 2 * SIZE[0], 3), np.float32)
    body[40:85, 70:120] = 1
    return body


def placed(picture: Floats, right: float, down: float) -> Floats:
    """The part of a world that is seen when it lies so many px aside, (H, W, 3)."""
    shown: Floats = cv2.warpAffine(picture, np.array([[1, 0, right], [0, 1, down]]), SIZE, flags=cv2.INTER_LINEAR)
    return shown


def scene(seed: int = 1, speed: float = 0.0, moving: bool = True) -> Course:
    """A camera that pans over a world by px a frame, and somebody who sways before it."""

    def frame(index: int) -> Floats:
        picture = placed(a_world(seed), -speed * index, 0)
        if moving:
            right, down = 8 * np.cos(index / 6), 8 * np.sin(index / 6)
            person, mask = placed(215 - 0.5 * a_world(seed), right, down), placed(a_body(), right, down)
            picture = picture * (1 - mask) + person * mask
        return picture

    return frame


def pictures(course: Course, count: int = COUNT) -> list[Pixels]:
    rng = np.random.default_rng(2)
    return [
        np.clip(course(k) + rng.normal(0, 1.2, (SIZE[1], SIZE[0], 3)), 0, 255).round().astype(np.uint8)
        for k in range(count)
    ]


def lit(left: Callable[[int], float], colour: float = 0.0, of: Course | None = None) -> Course:
    """A scene of which so much is left in each frame, the rest is one level."""
    of = of or scene()
    return lambda k: of(k) * left(k) + colour * (1 - left(k))


def through(middle: float, half: float, blank: float = 0.5) -> Callable[[int], float]:
    """1, and 0 about the middle, in frames."""
    return lambda k: float(np.clip((abs(k - middle) - blank) / half, 0, 1))


def mixed(one: Course, other: Course, first: int, steps: int) -> Course:
    """One scene that dissolves into another."""

    def frame(index: int) -> Floats:
        share = float(np.clip((index - first + 1) / (steps + 1), 0, 1))
        return one(index) * (1 - share) + other(index) * share

    return frame


def light_of(frames: Iterable[Pixels]) -> Light:
    watch = light.Watch(SIZE, FPS)
    for index, pixels in enumerate(frames):
        watch.take(View(Shown(index, (index + 0.5) / float(FPS), pixels), None, None, None))
    return watch.finish()


def motion_of(frames: Iterable[Pixels]) -> Motion:
    watch = motion.Watch(SIZE, FPS)
    for index, pixels in enumerate(frames):
        watch.take(View(Shown(index, (index + 0.5) / float(FPS), pixels), None, None, None))
    return watch.finish()


def found(course: Course, count: int = COUNT) -> tuple[Change, ...]:
    return changes.changes(light_of(pictures(course, count)))


def all_findings(course: Course, asked: Asked | None = None, filmed: bool = False) -> list[ClipFinding]:
    """What all that looks at light and motion says of a clip."""
    asked = asked or Asked()
    frames = pictures(course)
    seen, moved = light_of(frames), motion_of(frames)
    told = changes.unasked(changes.changes(seen), asked)
    hidden = changes.frames(told, asked)
    moved = motion.without(moved, hidden)
    return [
        *light.check(seen, asked, FPS, cuts=moved.cuts, changes=hidden, filmed=filmed),
        *changes.check(told, asked, FPS, filmed=filmed),
        *continuity.check(moved, asked, FPS, changes=told, filmed=filmed),
    ]


def wrong(findings: list[ClipFinding]) -> dict[str, str]:
    return {one.check: one.verdict for one in findings if one.verdict in ("warn", "fail")}


# -------------------------------------------------------------------------------------------------------------- fades


@pytest.mark.parametrize(
    ("steps", "level", "colour", "speed"),
    [
        (4, 0, "black", 0.0),
        (40, 0, "black", 0.0),
        (12, 255, "white", 0.0),
        (12, 110, "one colour", 0.0),
        (12, 0, "black", 1.5),
        (40, 255, "white", 1.5),
    ],
)
def test_a_fade_is_told_with_its_colour_from_when_to_when(steps: int, level: float, colour: str, speed: float) -> None:
    of = scene(speed=speed)
    (one,) = found(lit(lambda k: min(1.0, k / steps), level, of))
    assert (one.kind, one.colour, one.another, one.first) == ("in", colour, False, 0)
    assert one.last == pytest.approx(steps, abs=2)
    (one,) = found(lit(lambda k: min(1.0, (COUNT - 1 - k) / steps), level, of))
    assert (one.kind, one.colour, one.another, one.last) == ("out", colour, False, COUNT - 1)
    assert one.first == pytest.approx(COUNT - 1 - steps, abs=2)
    (one,) = found(lit(through(50, steps), level, of))
    assert (one.kind, one.colour) == ("through", colour)
    assert one.first == pytest.approx(50 - steps, abs=2)
    assert one.last == pytest.approx(50 + steps, abs=2)
    assert one.blank >= 1


def test_what_fades_to_black_and_comes_back_at_once_or_the_other_way_is_a_fade() -> None:
    (one,) = found(lit(lambda k: min(1.0, max(0, 50 - k) / 10) if k < 53 else 1.0))
    assert (one.kind, one.another) == ("through", False)
    assert (one.first, one.last) == (pytest.approx(40, abs=2), pytest.approx(52, abs=1))
    (one,) = found(lit(lambda k: 1.0 if k < 50 else min(1.0, max(0, k - 53) / 10)))
    assert (one.first, one.last) == (pytest.approx(50, abs=1), pytest.approx(63, abs=2))


def test_a_clip_may_end_before_it_is_all_dark_and_begin_after() -> None:
    (one,) = found(lit(lambda k: min(1.0, 0.2 + (COUNT - 1 - k) / 15)))
    assert (one.kind, one.blank) == ("out", 1)
    (one,) = found(lit(lambda k: min(1.0, 0.2 + k / 15)))
    assert (one.kind, one.first) == ("in", 0)


def test_another_picture_behind_the_black_is_told() -> None:
    dark = through(50, 10)
    (one,) = found(lit(dark, of=lambda k: scene(1)(k) if k < 50 else scene(5)(k)))
    assert (one.kind, one.another) == ("through", True)


@pytest.mark.parametrize(
    "left",
    [
        lambda k: 0.0 if 50 <= k < 55 else 1.0,  # black at once: a fault of its own
        lambda k: 0.0 if k < 3 else 1.0,
        lambda k: 0.0 if 50 <= k < 55 else 0.5 if k in (49, 55) else 1.0,
        lambda k: (0.0, 0.0, 0.0, 0.1, 0.2)[min(4, abs(k - 50))] if abs(k - 50) < 5 else 1.0,  # nearly at once
        lambda k: 0.4 + 0.6 * float(np.clip(abs(k - 50) / 20, 0, 1)),  # darker, and back
        lambda k: 1 + 0.1 * float(np.sin(k / 8)),
        lambda k: 0.5 + 0.5 * min(1.0, k / 30),
    ],
)
def test_light_that_only_changes_and_black_that_comes_at_once_are_no_fades(left: Callable[[int], float]) -> None:
    assert found(lit(left)) == ()


def test_a_curtain_of_one_colour_is_no_fade_of_the_picture() -> None:
    def curtained(index: int) -> Floats:
        picture = scene()(index)
        picture[:, : int(SIZE[0] * np.clip((index - 40) / 20, 0, 1))] = 90
        return picture

    assert [one.kind for one in found(curtained)] == ["wipe"]


@given(st.integers(4, 30), st.integers(35, 65), st.sampled_from([0.0, 255.0]), st.floats(0.5, 6))
@settings(max_examples=8)
def test_any_fade_through_is_found(half: int, middle: int, level: float, blank: float) -> None:
    (one,) = found(lit(through(middle, half, blank), level))
    assert one.first == pytest.approx(middle - blank - half, abs=2.5)
    assert one.last == pytest.approx(middle + blank + half, abs=2.5)


# ---------------------------------------------------------------------------------------------------------- dissolves


@pytest.mark.parametrize("steps", [4, 10, 25, 50])
@pytest.mark.parametrize("speed", [0.0, 0.25])
def test_a_dissolve_is_told_from_when_to_when(steps: int, speed: float) -> None:
    (one,) = found(mixed(scene(1, speed), scene(5, speed), 30, steps))
    assert (one.kind, one.another, one.blank, one.colour) == ("dissolve", True, 0, "")
    assert one.first == pytest.approx(30, abs=3)
    assert one.last == pytest.approx(30 + steps - 1, abs=3)


def test_two_dissolves_are_told_apart() -> None:
    twice = mixed(mixed(scene(1), scene(5), 20, 8), scene(7), 60, 8)
    assert [one.kind for one in found(twice)] == ["dissolve", "dissolve"]


@pytest.mark.parametrize(
    "course",
    [
        scene(),
        scene(speed=1.9),
        mixed(scene(1), scene(5), 50, 0),  # a cut
        lambda k: scene(1)(k) * (0.4 if k < 50 else 0.4 + 0.6 * min(1.0, (k - 50) / 20)),  # lamps that are lit
        lambda k: placed(a_world(1), -1.9 * min(k, 50), 0),  # a pan that ends
        lambda k: np.where(  # something comes to stand before much of it
            np.arange(SIZE[0])[None, :, None] < 0.45 * SIZE[0] * np.clip((k - 40) / 12, 0, 1), 252.0, scene(1)(k)
        ),
        lambda k: np.where(  # something passes close by
            np.abs(np.arange(SIZE[0])[None, :, None] - 8 * (k - 40)) < 70, scene(5)(k), scene(1)(k)
        ),
    ],
)
def test_what_moves_cuts_or_is_lit_is_no_change(course: Course) -> None:
    assert found(course) == ()


def wiped(one: Course, other: Course, first: int, steps: int) -> Course:
    """One scene that is uncovered from the left over another."""

    def frame(index: int) -> Floats:
        edge = SIZE[0] * float(np.clip((index - first + 1) / (steps + 1), 0, 1))
        return np.where(np.arange(SIZE[0])[None, :, None] < edge, other(index), one(index))

    return frame


def swept(index: int) -> Floats:
    """A camera that holds, sweeps to another place within .5 s, and holds."""
    return placed(a_world(1), -float(np.clip((index - 40) * 15, 0, 190)), 0)


@pytest.mark.parametrize(
    ("course", "first", "last"),
    [
        (wiped(scene(1), scene(5), 40, 6), 40, 45),
        (wiped(scene(1), scene(5), 40, 15), 40, 54),
        (wiped(scene(1), scene(5), 30, 30), 30, 59),
        (swept, 41, 52),
    ],
)
def test_a_wipe_and_a_sweep_are_told_from_when_to_when(course: Course, first: int, last: int) -> None:
    (one,) = found(course)
    assert (one.kind, one.another, one.colour) == ("wipe", True, "")
    assert one.first == pytest.approx(first, abs=4)
    assert one.last == pytest.approx(last, abs=4)
    assert wrong(all_findings(course)) == {"cut": "fail"}
    assert wrong(all_findings(course, filmed=True)) == {"cut": "warn"}, "a camera may sweep"


def test_twelve_minutes_of_cuts_is_looked_through_in_seconds() -> None:
    rng = np.random.default_rng(5)
    count, every = 18_000, 50
    scenes = rng.uniform(20, 230, (count // every, 256))
    levels = scenes[np.arange(count) // every] + 5 * np.sin(np.arange(count) / 20)[:, None]
    blocks = np.rint(levels * light.STEPS).astype(np.uint16).reshape(count, 16, 16)
    seen = replace(
        light_of([]), index=np.arange(count), time=(np.arange(count) + 0.5) / 25, blocks=blocks, luma=levels.mean(1)
    )
    began = process_time()
    assert changes.changes(seen) == ()
    assert process_time() - began < 10, "a sixth of that as a rule; each cut looked at by itself takes minutes"


def test_a_clip_of_a_few_frames_or_with_frames_left_out_tells_nothing() -> None:
    for count in (0, 1, 2, 5):
        assert found(scene(), count) == ()
    seen = light_of(pictures(lit(through(50, 10))))
    kept = np.r_[0:20, 22:COUNT]
    assert changes.changes(replace(seen, index=seen.index[kept], time=seen.time[kept], blocks=seen.blocks[kept])) == ()


def test_frames_are_counted_from_the_clips_beginning() -> None:
    seen = light_of(pictures(lit(through(50, 10))))
    (here,), (later,) = changes.changes(seen), changes.changes(replace(seen, index=seen.index + 7))
    assert (later.first, later.last) == (here.first + 7, here.last + 7)


# ----------------------------------------------------------------------------------------------------------- findings


@pytest.mark.parametrize(
    ("course", "made", "filmed"),
    [
        (lit(lambda k: min(1.0, k / 15)), {"fade": "warn"}, {"fade": "warn"}),
        (lit(lambda k: min(1.0, (COUNT - 1 - k) / 15)), {"fade": "warn"}, {"fade": "warn"}),
        (lit(through(50, 12)), {"fade": "fail"}, {"fade": "warn"}),
        (lit(through(50, 12), 255), {"fade": "fail"}, {"fade": "warn"}),
        (lit(through(50, 12, 4)), {"fade": "fail"}, {"fade": "warn"}),
        (mixed(scene(1), scene(5), 40, 20), {"cut": "fail"}, {"cut": "fail"}),
        (lit(through(50, 12), of=lambda k: scene(1 if k < 50 else 5)(k)), {"cut": "fail"}, {"cut": "fail"}),
        (scene(), {}, {}),
    ],
)
def test_a_change_is_told_once_and_taken_for_no_other_fault(
    course: Course, made: dict[str, str], filmed: dict[str, str]
) -> None:
    assert wrong(all_findings(course)) == made
    assert wrong(all_findings(course, filmed=True)) == filmed


def test_without_knowing_of_the_change_others_speak() -> None:
    """So that the test above can fail."""
    frames = pictures(lit(through(50, 12)))
    seen, moved = light_of(frames), motion_of(frames)
    others = wrong([*light.check(seen, Asked(), FPS), *continuity.check(moved, Asked(), FPS)])
    assert {"black"} < set(others)


def test_a_finding_says_what_when_and_how_long() -> None:
    (one,) = [finding for finding in all_findings(lit(through(50, 12))) if finding.check == "fade"]
    assert one.why.startswith("the picture fades to black and back, for 1.0")
    assert (one.start, one.end) == (pytest.approx(1.5, abs=0.1), pytest.approx(2.54, abs=0.1))
    (one,) = [finding for finding in all_findings(mixed(scene(1), scene(5), 40, 20)) if finding.check == "cut"]
    assert one.why.startswith("another scene comes in a dissolve at 2.0")
    assert (one.start, one.end) == (pytest.approx(1.6, abs=0.12), pytest.approx(2.4, abs=0.12))
    assert "but in a fade" in next(f.why for f in all_findings(lit(through(50, 12))) if f.check == "black")


def test_many_changes_are_counted() -> None:
    many = tuple(
        Change(k, k + 5, "dissolve" if k % 20 else "through", "black", bool(k % 20), 1) for k in range(0, 400, 10)
    )
    fades = changes.check(many, Asked(), FPS, filmed=False)
    assert len(fades) == changes.MOST_FINDINGS
    assert fades[0].why.endswith("; 15 more follow")
    moved = motion_of(pictures(scene(), 30))
    cuts = [one for one in continuity.check(moved, Asked(), FPS, changes=many) if one.check == "cut"]
    assert len(cuts) == changes.MOST_FINDINGS
    assert cuts[0].why.endswith("; 15 more follow")
    assert len(changes.told_apart(fades[:3])) == 3


def test_a_fault_beside_a_fade_is_still_found() -> None:
    def flickers(index: int) -> float:
        return through(75, 10)(index) * (1 + 0.02 * (index % 2) * (20 <= index < 50))

    assert {"fade": "fail", "flicker": "fail"}.items() <= wrong(all_findings(lit(flickers))).items()
    black = lit(lambda k: through(75, 10)(k) * (0.0 if 20 <= k < 23 else 1.0))
    assert {"fade", "black"} <= set(wrong(all_findings(black)))


@pytest.mark.parametrize(
    ("course", "meant"),
    [
        (mixed(scene(1), scene(5), 40, 20), ((40, 59),)),
        (lit(through(50, 12), of=lambda k: scene(1 if k < 50 else 5)(k)), ((38, 62),)),
        (mixed(scene(1), scene(5), 50, 0), ((50, 50),)),
        (lit(lambda k: min(1.0, k / 15)), ((0, 15),)),
    ],
)
def test_a_change_that_was_meant_is_none(course: Course, meant: tuple[tuple[int, int], ...]) -> None:
    assert wrong(all_findings(course)) != {}
    findings = all_findings(course, Asked(changes=meant))
    assert wrong(findings) == {}
    assert any("but where it was meant to" in finding.why for finding in findings)
    elsewhere = tuple((first + 25, last + 25) for first, last in meant)
    assert wrong(all_findings(course, Asked(changes=elsewhere))) != {}


# --------------------------------------------------------------------------------------------- what is not looked at


def test_steps_within_a_change_say_nothing() -> None:
    moved = motion_of(pictures(mixed(scene(1), scene(5), 50, 0)))
    assert moved.cuts == (50,)
    hidden = motion.without(moved, [(49, 51)])
    assert hidden.cuts == ()
    within = (moved.index >= 49) & (moved.index <= 52)
    assert np.isnan(hidden.jump[within]).all()
    rests = motion.without(replace(moved, camera=np.ones_like(moved.camera)), [(49, 51)]).camera == 0
    np.testing.assert_array_equal(rests.all(1), (moved.index >= 48) & (moved.index <= 53))
    assert np.isfinite(hidden.jump[moved.index > 54]).any()
    assert motion.without(moved, []) is moved


def test_looks_within_a_change_are_unknown() -> None:
    looks = 40
    seen = rigid.Rigid(
        times=np.arange(looks, dtype=np.float32) / 10,
        warp=np.full(looks, 2.0, np.float32),
        limit=np.full(looks, 0.3, np.float32),
        cells=np.full((looks, 12, 16), 2.0, np.float32),
        camera=np.zeros(looks, np.float32),
        texture=np.ones(looks, np.float32),
        texture_cells=np.ones((looks, 12, 16), np.float32),
        tracks=np.full(looks, 80, np.float32),
        free=np.ones((12, 16), np.float32),
        size=SIZE,
        step=0.1,
        unseen="",
    )
    hidden = rigid.without(seen, [(1.0, 2.0)])
    unknown = np.isnan(hidden.warp)
    assert unknown[10:21].all()
    assert not unknown[:9].any()
    assert not unknown[22:].any()
    for part in (hidden.texture, hidden.cells[:, 0, 0], hidden.texture_cells[:, 0, 0]):
        np.testing.assert_array_equal(np.isnan(part), unknown)
    assert rigid.without(seen, []) is seen


def test_scenes_lie_between_cuts_and_changes_to_another_picture() -> None:
    back = Change(20, 29, "through", "black", False, 2)
    other = Change(40, 49, "dissolve", "", True, 0)
    ends = Change(90, 99, "out", "black", False, 2)
    assert changes.scenes((), Asked(), (), 100) == [(0, 99)]
    assert changes.scenes((back, ends), Asked(), (), 100) == [(0, 99)]
    assert changes.scenes((back, other, ends), Asked(), (70,), 100) == [(0, 39), (50, 69), (70, 99)]
    assert changes.scenes((), Asked(changes=((0, 9), (40, 49), (70, 70))), (70,), 100) == [
        (10, 39),
        (50, 69),
        (70, 99),
    ]
    hidden = [(0, 9), (18, 31), (38, 51)]
    assert changes.frames((other, back), Asked(changes=((0, 9), (70, 70)))) == hidden
    start = Change(0, 9, "in", "black", False, 2)
    assert changes.frames((start,), Asked()) == [(0, 11)]


def a_shape(count: int = 60) -> morph.Shape:
    rows = np.arange(count)
    return morph.Shape(
        time=rows / 10,
        measures=np.random.default_rng(5).normal(0, 0.01, (count, 3)).astype(np.float32),
        nuisance=np.zeros((count, 9), np.float32),
        misfit=np.ones(count, np.float32),
        points=np.random.default_rng(4).uniform(-1, 1, (count, 4, 2)).astype(np.float16),
        back=np.zeros((count, 2, 4), np.float32),
        colours=np.repeat(np.where(rows < 20, 30.0, 60.0)[:, None, None], 6, 1).reshape(count, 2, 3),
        front=np.random.default_rng(3).uniform(-1, 1, (4, 3)).astype(np.float32),
        width=120.0,
        seconds=6.0,
        unseen="",
        yardstick=morph.Yardstick(("a", "b", "c"), (1.0, 1.0, 1.0), 1.0, 1.6, 9.0, 2.0, 12.0),
    )


def test_a_face_is_compared_within_the_longest_scene_alone() -> None:
    whole = a_shape()
    assert morph.within(whole, [(0.0, 6.0)]) is whole
    faded = morph.within(whole, [(0.0, 6.0)], [(2.45, 2.95)])
    assert (len(faded.time), faded.span, faded.seconds) == (55, None, 6.0)
    one = morph.within(whole, [(0.0, 1.95), (1.98, 5.45)])
    assert (one.span, one.seconds) == ((1.98, 5.45), 5.45)
    np.testing.assert_allclose(one.time, np.arange(20, 55) / 10)
    for part in ("measures", "nuisance", "misfit", "points", "back", "colours"):
        assert len(getattr(one, part)) == 35, part
    of_both, of_one = (
        next(finding for finding in morph.check(shape, Asked()) if finding.check == "subject colours")
        for shape in (whole, one)
    )
    assert of_both.verdict == "warn", "two people's skin"
    assert of_one.verdict == "pass"
    assert of_one.why.endswith("from 2.0 to 5.5 s, its longest scene")
