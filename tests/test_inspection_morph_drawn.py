from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest

from stillwake.inspection import morph, morph_drawn
from stillwake.inspection.asked import Asked
from stillwake.inspection.stream import Shown
from stillwake.inspection.view import View
from stillwake.types import Box, ClipFinding, Floats, Pixels

FPS = Fraction(25)
SECONDS = 6.0
Frame = Callable[[float], tuple[Pixels, Floats | None]]
Field = Callable[[Floats, Floats], tuple[Floats, Floats]]


@lru_cache(maxsize=1)
def a_drawing() -> tuple[Pixels, Floats, Box]:
    """The drawn portrait that comes with stillwake, half as large; its contours and the box around its face."""
    import cv2

    from stillwake.doctor import demo_drawing
    from stillwake.media import open_still
    from stillwake.perceive import MeshReader, glance
    from stillwake.types import Still

    whole = open_still(demo_drawing()).pixels
    picture = cv2.resize(whole, (whole.shape[1] // 2, whole.shape[0] // 2), interpolation=cv2.INTER_AREA)
    face = glance(Still(picture, "mira", "0" * 64)).faces[0]
    assert face.kind == "drawn"
    with MeshReader() as reader:
        mesh = reader.mesh(picture, face.box, roll=face.roll, kind="drawn")
    assert mesh is not None
    return picture, mesh, face.box


def watched(frame: Frame, seconds: float = SECONDS) -> morph.Shape:
    pixels = frame(0.0)[0]
    watch = morph.Watch(morph_drawn.DRAWN, (pixels.shape[1], pixels.shape[0]), FPS, None, None)
    for index in range(int(seconds * FPS)):
        time = (index + 0.5) / float(FPS)
        pixels, mesh = frame(time)
        watch.take(View(Shown(index, time, pixels), mesh, None, None))
    return watch.finish()


def findings(shape: morph.Shape) -> dict[str, ClipFinding]:
    return {finding.check: finding for finding in morph.check(shape, Asked())}


def step(time: float, start: float, end: float) -> float:
    """0 to 1: on within the span, each edge 0.6 s wide with its middle there."""
    t = float(np.clip(min(time - start, end - time) / 0.6 + 0.5, 0, 1))
    return t * t * (3 - 2 * t)


def filmed(share: Callable[[float], float], field: Field) -> Frame:
    """The drawing, bent by so much of a field, before a hand-held camera; the contours see the camera alone."""
    import cv2

    picture, mesh, _ = a_drawing()
    height, width = picture.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    dx, dy = field(x, y)
    noise = np.random.default_rng(1).normal(0, 2, picture.shape).astype(np.float32)
    shaken = np.random.default_rng(2).normal(0, 0.3, (1000, *mesh.shape)).astype(np.float32)

    def frame(time: float) -> tuple[Pixels, Floats]:
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), 4 * np.sin(1.7 * time), 1 + 0.05 * np.sin(1.1 * time))
        turn[:, 2] += 6 * np.sin(2.3 * time), 4 * np.sin(1.3 * time)
        back = cv2.invertAffineTransform(turn).astype(np.float32)
        u, v = back[0, 0] * x + back[0, 1] * y + back[0, 2], back[1, 0] * x + back[1, 1] * y + back[1, 2]
        bent = np.float32(share(time))
        left, up = (cv2.remap(d, u, v, cv2.INTER_LINEAR) for d in (dx, dy))
        pixels = cv2.remap(picture, u - bent * left, v - bent * up, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        pixels = np.clip(pixels + np.roll(noise, round(70 * time), 0), 0, 255).astype(np.uint8)
        moved = mesh + shaken[round(25 * time) % 1000]
        moved[:, :2] = moved[:, :2] @ turn[:, :2].T.astype(np.float32) + turn[:, 2].astype(np.float32)
        return pixels, moved

    return frame


def nothing(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    return np.zeros_like(x), np.zeros_like(y)


def wide_jaw(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The lower face is wider by 15 %."""
    mesh = a_drawing()[1]
    nose, chin = mesh[1, :2], mesh[152, :2]
    half = float(np.linalg.norm(mesh[234, :2] - mesh[454, :2])) / 2
    near = np.exp(-(((y - (nose[1] + chin[1]) / 2) / half) ** 4) - ((x - nose[0]) / (1.3 * half)) ** 4)
    return (0.15 * (x - nose[0]) * near).astype(np.float32), np.zeros_like(y)


def large_eyes(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Both eyes are larger by 15 %."""
    mesh = a_drawing()[1]
    dx, dy = np.zeros_like(x), np.zeros_like(y)
    for ends in ((33, 133), (362, 263)):
        cx, cy = mesh[list(ends), :2].mean(0)
        near = np.exp(-((np.hypot(x - cx, y - cy) / (0.8 * np.ptp(mesh[list(ends), 0]))) ** 4))
        dx, dy = dx + 0.15 * (x - cx) * near, dy + 0.15 * (y - cy) * near
    return dx.astype(np.float32), dy.astype(np.float32)


@lru_cache(maxsize=1)
def a_quiet_one() -> morph.Shape:
    return watched(filmed(lambda _: 0.0, nothing))


def test_a_drawn_head_that_is_moved_turned_and_enlarged_keeps_its_face() -> None:
    found = findings(a_quiet_one())
    assert found["morph"].verdict == "pass"
    assert found["morph"].measured is not None
    assert found["morph"].measured < 0.7 * morph_drawn.LIMIT
    assert (found["morph"].start, found["morph"].box, found["morph"].fix) == (None, None, "")
    assert found["subject colours"].verdict == "pass"


@pytest.mark.parametrize("field", [wide_jaw, large_eyes])
def test_a_drawn_face_that_changes_and_returns_is_found_while_it_does(field: Field) -> None:
    found = findings(watched(filmed(lambda time: step(time, 2.0, 4.0), field)))["morph"]
    assert found.verdict in ("warn", "fail")
    assert found.start == pytest.approx(1.7, abs=0.2)
    assert found.end == pytest.approx(4.3, abs=0.2)
    assert found.box is not None
    box = a_drawing()[2]
    assert box[0] - 40 < (found.box[0] + found.box[2]) / 2 < box[2] + 40
    assert box[1] - 40 < (found.box[1] + found.box[3]) / 2 < box[3] + 40
    assert "%" in found.why
    assert found.fix


def test_a_jaw_that_stays_wide_is_found_up_to_the_end() -> None:
    found = findings(watched(filmed(lambda time: step(time, 3.5, 99), wide_jaw)))["morph"]
    assert found.verdict in ("warn", "fail")
    assert found.start == pytest.approx(3.2, abs=0.2)
    assert found.end == pytest.approx(SECONDS, abs=0.1)


def test_what_cannot_be_measured_is_unseen() -> None:
    picture, mesh, _ = a_drawing()
    small = ((mesh - mesh[1]) * 0.2 + mesh[1]).astype(np.float32)
    for other, word in ((None, "no drawn face"), (small, "px wide")):
        found = findings(watched(lambda time, other=other: (picture, other), 1.0))  # type: ignore[misc]
        assert {one.verdict for one in found.values()} == {"unseen"}
        assert all(word in one.why for one in found.values())
    short = findings(watched(filmed(lambda _: 0.0, nothing), 1.0))["morph"]
    assert short.verdict == "unseen"
    assert "frames" in short.why


def test_the_still_is_what_frames_are_compared_with() -> None:
    picture, mesh, _ = a_drawing()
    watch = morph.Watch(morph_drawn.DRAWN, (picture.shape[1], picture.shape[0]), FPS, picture, mesh)
    for index in range(4):
        watch.take(View(Shown(index, (index + 0.5) / float(FPS), picture), mesh, None, None))
    shape = watch.finish()
    assert shape.misfit == pytest.approx(0, abs=0.5)
    spots = np.c_[shape.front, np.ones(len(shape.front))] @ shape.back[0].astype(np.float64).T
    assert spots == pytest.approx(mesh[list(morph_drawn.BONE), :2], abs=0.5)


def test_a_face_at_the_edge_or_beyond_it_does_not_break_the_watch() -> None:
    picture, mesh, _ = a_drawing()
    watch = morph.Watch(morph_drawn.DRAWN, (picture.shape[1], picture.shape[0]), FPS, picture, mesh)
    for index, shift in enumerate((0, 300, 5000, -5000)):
        moved = mesh + np.float32(shift)
        watch.take(View(Shown(2 * index, (2 * index + 0.5) / float(FPS), picture), moved, None, None))
    assert np.isfinite(watch.finish().measures).all()


def test_little_is_kept_of_each_frame() -> None:
    shape = a_quiet_one()
    arrays = (shape.time, shape.measures, shape.nuisance, shape.misfit, shape.points, shape.back, shape.colours)
    assert sum(array.nbytes for array in arrays) / (SECONDS * FPS) < 400
    assert np.isfinite(shape.measures).all()
    assert shape.measures.shape[1] == len(morph_drawn.MEASURES) == len(morph_drawn.USUAL)


def test_its_timeline_runs_along_the_clip() -> None:
    (line,) = morph.timelines(a_quiet_one())
    assert line.name == "morph"
    assert float(line.times[-1]) > SECONDS - 0.3
