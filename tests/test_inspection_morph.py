from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest

from stillwake.inspection import morph, morph_mesh
from stillwake.inspection.asked import Asked
from stillwake.inspection.stream import Shown
from stillwake.inspection.view import View
from stillwake.perceive import MeshReader
from stillwake.types import ClipFinding, Floats, Pixels

FPS = Fraction(25)
SECONDS = 6.0
COUNT = int(SECONDS * FPS)
LEFT, RIGHT = (33, 133, 145, 159), (362, 263, 374, 386)


@lru_cache(maxsize=1)
def a_face() -> tuple[Pixels, Floats]:
    """Scikit-image's astronaut, and the mesh that the reader sees in it."""
    import skimage.data

    picture = np.ascontiguousarray(skimage.data.astronaut()[:300, 60:360])  # type: ignore[no-untyped-call]
    with MeshReader() as reader:
        mesh = reader.mesh(picture, (110, 60, 220, 190))
    assert mesh is not None
    return picture, mesh


def a_view(index: int, pixels: Pixels, mesh: Floats | None) -> View:
    return View(Shown(index, (index + 0.5) / float(FPS), pixels), mesh, None, None)


def watched(frame: Callable[[float], tuple[Pixels, Floats | None]], seconds: float = SECONDS) -> morph.Shape:
    size = frame(0.0)[0].shape[1], frame(0.0)[0].shape[0]
    watch = morph.Watch(morph_mesh.PHOTOGRAPHED, size, FPS, None, None)
    for index in range(int(seconds * FPS)):
        watch.take(a_view(index, *frame((index + 0.5) / float(FPS))))
    return watch.finish()


def findings(shape: morph.Shape) -> dict[str, ClipFinding]:
    return {finding.check: finding for finding in morph.check(shape, Asked())}


def turned(mesh: Floats, yaw: float, pitch: float, scale: float = 1.0) -> Floats:
    """The mesh turned about its middle, in radians."""
    middle = mesh.mean(0)
    c, s, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    moved: Floats = (scale * (mesh - middle) @ turn.T + middle).astype(np.float32)
    return moved


def talking(mesh: Floats, time: float) -> Floats:
    """The head turns, nods and comes nearer, the mouth opens and shuts, and the mesh trembles."""
    moved = mesh.copy()
    low = [17, 14, 87, 317, 84, 314, 152, 148, 377, 176, 400, 199, 200, 18]
    moved[low, 1] += 4 * np.sin(2 * np.pi * 2.3 * time) ** 2
    moved += np.random.default_rng(round(1000 * time)).normal(0, 0.12, moved.shape).astype(np.float32)
    return turned(moved, 0.25 * np.sin(1.9 * time), 0.1 * np.sin(2.7 * time), 1 + 0.06 * np.sin(1.1 * time))


def step(time: float, start: float, end: float) -> float:
    """0 to 1: on within the span, each edge 0.6 s wide with its middle there."""
    t = float(np.clip(min(time - start, end - time) / 0.6 + 0.5, 0, 1))
    return t * t * (3 - 2 * t)


def wide_jaw(mesh: Floats, share: float) -> Floats:
    """The lower face wider by a share, smoothly."""
    moved = mesh.copy()
    low = np.clip((mesh[:, 1] - mesh[4, 1]) / (mesh[152, 1] - mesh[4, 1]) * 2, 0, 1)
    moved[:, 0] += share * low * (mesh[:, 0] - mesh[4, 0])
    return moved


def flat() -> Pixels:
    return np.full((300, 300, 3), 128, np.uint8)


@lru_cache(maxsize=1)
def a_talk() -> morph.Shape:
    mesh = a_face()[1]
    return watched(lambda time: (flat(), talking(mesh, time)))


def test_a_head_that_turns_and_talks_keeps_its_face() -> None:
    found = findings(a_talk())
    assert found["morph"].verdict == "pass"
    assert found["morph"].measured is not None
    assert found["morph"].measured < 0.7
    assert (found["morph"].start, found["morph"].box, found["morph"].fix) == (None, None, "")
    assert found["subject colours"].verdict == "pass"


def test_a_jaw_that_widens_and_returns_is_found_while_it_is_wide() -> None:
    mesh = a_face()[1]
    shape = watched(lambda time: (flat(), talking(wide_jaw(mesh, 0.15 * step(time, 2.0, 4.0)), time)))
    found = findings(shape)["morph"]
    assert found.verdict in ("warn", "fail")
    assert found.start == pytest.approx(1.7, abs=0.2)
    assert found.end == pytest.approx(4.3, abs=0.2)
    assert found.box is not None
    assert found.box[3] > float(mesh[152, 1]) - 15, "the chin is in it"
    assert found.why
    assert found.fix


def test_rain_before_the_face_is_no_other_face_unless_the_change_is_sure() -> None:
    mesh, verdicts = a_face()[1], []
    for most in (0.06, 0.09, 0.25):
        shape = watched(lambda time, most=most: (flat(), talking(wide_jaw(mesh, most * step(time, 2.0, 4.0)), time)))
        dry, wet = (morph.check(shape, Asked(ambient=ambient))[0] for ambient in (None, "rain"))
        verdicts.append((dry.verdict, wet.verdict))
        if wet.verdict == "unseen":
            assert "rain drifts over the face" in wet.why
    assert ("warn", "unseen") in verdicts
    assert verdicts[-1] == ("fail", "fail")


def test_a_jaw_that_stays_wide_is_found_up_to_the_end() -> None:
    mesh = a_face()[1]
    shape = watched(lambda time: (flat(), talking(wide_jaw(mesh, 0.15 * step(time, 3.5, 99)), time)))
    found = findings(shape)["morph"]
    assert found.verdict in ("warn", "fail")
    assert found.start == pytest.approx(3.2, abs=0.2)
    assert found.end == pytest.approx(SECONDS, abs=0.1)


def test_eyes_that_grow_below_a_mesh_that_does_not_see_it_are_found() -> None:
    import cv2

    picture, mesh = a_face()
    noise = np.random.default_rng(1).normal(0, 2, picture.shape).astype(np.float32)
    x, y = np.meshgrid(*(np.arange(300, dtype=np.float32),) * 2)

    def frame(time: float) -> tuple[Pixels, Floats]:
        dx, dy = np.zeros_like(x), np.zeros_like(y)
        for eye in (LEFT, RIGHT):
            cx, cy = mesh[list(eye), :2].mean(0)
            weight = np.exp(-((np.hypot(x - cx, y - cy) / 16) ** 4)) * 0.15 * step(time, 2.0, 4.0)
            dx, dy = dx + weight * (x - cx), dy + weight * (y - cy)
        warped = cv2.remap(picture, x - dx, y - dy, cv2.INTER_CUBIC)
        return np.clip(warped + np.roll(noise, round(70 * time), 0), 0, 255).astype(np.uint8), talking(mesh, 0.0)

    found = findings(watched(frame))["morph"]
    assert found.verdict in ("warn", "fail")
    assert found.start == pytest.approx(1.7, abs=0.2)
    assert found.end == pytest.approx(4.3, abs=0.2)
    assert found.box is not None
    eyes = mesh[[*LEFT, *RIGHT], :2].mean(0)
    assert found.box[0] < eyes[0] < found.box[2]
    assert found.box[1] < eyes[1] < found.box[3]


def test_hair_that_changes_its_colour_is_found() -> None:
    mesh = a_face()[1]

    def frame(time: float) -> tuple[Pixels, Floats]:
        pixels = np.full((300, 300, 3), (190, 140, 110), np.uint8)
        hair = np.array([90, 60, 40]) + step(time, 2.5, 99) * np.array([60, 0, -20])
        pixels[: int(mesh[10, 1])] = hair.astype(np.uint8)
        return pixels, mesh

    found = findings(watched(frame))["subject colours"]
    assert found.verdict == "warn"
    assert "hair" in found.why
    assert found.start == pytest.approx(2.5, abs=0.3)
    assert found.box is not None
    assert found.box[1] < float(mesh[10, 1])


def test_what_cannot_be_measured_is_unseen() -> None:
    mesh = a_face()[1]
    for other, word in (
        (None, "no face"),
        (((mesh - mesh.mean(0)) * 0.3 + mesh.mean(0)).astype(np.float32), "48 px"),
    ):
        found = findings(watched(lambda time, other=other: (flat(), other), 1.0))  # type: ignore[misc]
        assert {one.verdict for one in found.values()} == {"unseen"}
        assert all(word in one.why for one in found.values())
    short = findings(watched(lambda time: (flat(), talking(mesh, time)), 1.0))["morph"]
    assert short.verdict == "unseen"
    assert "frames" in short.why


def test_the_still_is_what_frames_are_compared_with() -> None:
    picture, mesh = a_face()
    watch = morph.Watch(morph_mesh.PHOTOGRAPHED, (300, 300), FPS, picture, mesh)
    for index in range(4):
        watch.take(a_view(index, picture, mesh))
    shape = watch.finish()
    assert shape.misfit == pytest.approx(0, abs=0.5)
    spots = np.c_[shape.front, np.ones(len(shape.front))] @ shape.back[0].astype(np.float64).T
    assert spots == pytest.approx(mesh[list(morph_mesh.KEPT), :2], abs=0.5)


@pytest.mark.parametrize(
    ("still", "frames", "seen"), [(26, 23, False), (26, 19, True), (24, 23, True), (None, 23, True)]
)
def test_after_a_still_that_turns_away_a_frame_at_the_edge_is_no_reference(
    still: int | None, frames: int, seen: bool
) -> None:
    picture, mesh = a_face()  # looks straight ahead
    known = (None, None) if still is None else (picture, turned(mesh, np.radians(still), 0.0))
    watch = morph.Watch(morph_mesh.PHOTOGRAPHED, (300, 300), FPS, *known)
    for index in range(8):
        watch.take(a_view(index, picture, turned(mesh, np.radians(frames), 0.0)))
    assert bool(len(watch.finish().time)) == seen


def test_little_is_kept_of_each_frame() -> None:
    shape = a_talk()
    arrays = (shape.time, shape.measures, shape.nuisance, shape.misfit, shape.points, shape.back, shape.colours)
    assert sum(array.nbytes for array in arrays) / COUNT < 700
    assert np.isfinite(shape.measures).all()
    assert shape.measures.shape[1] == len(morph_mesh.MEASURES) == len(morph_mesh.USUAL)


def test_its_timeline_runs_along_the_clip() -> None:
    (line,) = morph.timelines(a_talk())
    assert line.name == "morph"
    assert len(line.times) == len(line.values)
    assert float(line.times[-1]) > SECONDS - 0.3


@pytest.mark.parametrize("seconds", [6.0, 15.9])
def test_every_step_of_a_short_clip_is_tried(seconds: float) -> None:
    tried = np.concatenate(list(morph._pairs(seconds)))
    places = morph._places(seconds)
    wanted = {
        (first, last)
        for first in range(len(places) - 1)
        for last in range(first + 1, len(places))
        if places[last] - places[first] > morph.SHORTEST - 1e-6
    }
    assert len(tried) == len(wanted)
    assert {(int(first), int(last)) for first, last in tried} == wanted


def test_a_step_of_a_long_clip_is_never_far_from_a_tried_one() -> None:
    seconds = 400.0
    tried = morph._places(seconds)[np.concatenate(list(morph._pairs(seconds)))]
    rng = np.random.default_rng(3)
    for start, end in np.sort(rng.uniform(1.0, seconds - 1.0, (300, 2)), 1):
        length = end - start
        if length < 2 * morph.SHORTEST:
            continue
        off = np.abs(tried - (start, end)).sum(1).min()
        assert off <= max(2 * morph.STRIDE, 4 * min(length, seconds - length) / morph.FINE)
    assert len(tried) < 230 * seconds


def test_what_is_summed_beneath_ramps_is_what_the_steps_weigh() -> None:
    rng = np.random.default_rng(4)
    time, seconds = np.sort(rng.uniform(0, 9.0, 110)), 9.0
    columns, places = np.c_[np.ones(110), rng.normal(size=(110, 3))], morph._places(9.0)
    sums, squares = morph._beneath(time, places, columns)
    for first, last in np.concatenate(list(morph._pairs(seconds)))[::7]:
        step = morph._step(time, places[first], places[[last]], morph.RAMP, seconds)[0]
        assert sums[first] - sums[last] == pytest.approx(step @ columns, abs=1e-9)
        assert squares[first] - 2 * sums[last, 0] + squares[last] == pytest.approx(step @ step, abs=1e-9)


def test_a_change_late_in_a_long_clip_is_dated() -> None:
    """Three minutes, made of the same six seconds: time and memory grow with the length, no faster."""
    talk, times = a_talk(), 30
    seconds = SECONDS * times
    time = np.concatenate([talk.time + SECONDS * index for index in range(times)])
    measures = np.tile(talk.measures, (times, 1))
    measures[(time > 101.3) & (time < 132.6)] += 2 * np.array(talk.yardstick.usual, np.float32)
    tiled = {
        name: np.concatenate([getattr(talk, name)] * times)
        for name in ("nuisance", "misfit", "points", "back", "colours")
    }
    long = replace(talk, time=time, measures=measures, seconds=seconds, **tiled)
    tracemalloc.start()
    found = morph.morph(long)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found is not None
    assert found.span == pytest.approx((101.3, 132.6), abs=0.4)
    assert peak < 150e6
