from fractions import Fraction

import cv2
import numpy as np
import pytest

from stillwake.inspection import rigid, tiles
from stillwake.inspection.asked import Asked
from stillwake.inspection.stream import Shown
from stillwake.inspection.view import View
from stillwake.types import ClipFinding, Floats, Pixels

SIZE = 384, 288
SECONDS, FPS = 4.0, 10
TIMES = (np.arange(int(SECONDS * FPS)) + 0.5) / FPS
Y, X = np.mgrid[: SIZE[1], : SIZE[0]].astype(np.float32)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    cv2.setNumThreads(1)


def a_wall(seed: int = 1, detail: float = 2.5) -> Floats:
    """A textured wall, larger than the picture on every side by 40 px."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((SIZE[1] + 80, SIZE[0] + 80)).astype(np.float32)
    fine = cv2.GaussianBlur(noise, (0, 0), detail)
    coarse = cv2.GaussianBlur(noise, (0, 0), 14)
    wall: Floats = 128 + 40 * fine / fine.std() + 25 * coarse / coarse.std()
    return wall


def seen_at(wall: Floats, dx: Floats | float, dy: Floats | float, seed: int = 0) -> Pixels:
    noise = np.random.default_rng(seed).normal(0, 1.5, (SIZE[1], SIZE[0]))
    x, y = (X + 40 + dx).astype(np.float32), (Y + 40 + dy).astype(np.float32)
    grey: Pixels = np.clip(cv2.remap(wall, x, y, cv2.INTER_CUBIC) + noise, 0, 255).astype(np.uint8)
    return grey


def findings_of(frames: list[Pixels], asked: Asked | None = None, people: Floats | None = None) -> list[ClipFinding]:
    return rigid.check(watched(frames, people), asked or Asked())


def watched(frames: list[Pixels], people: Floats | None = None) -> rigid.Rigid:
    watch = rigid.Watch(SIZE, Fraction(FPS), None)
    for k, grey in enumerate(frames):
        rgb = np.repeat(grey[..., None], 3, axis=2)
        watch.take(View(Shown(k, float(TIMES[k]), rgb), None, None, people))
    return watch.finish()


def named(findings: list[ClipFinding], name: str) -> ClipFinding:
    return next(one for one in findings if one.check == name)


def wobble(t: float, amplitude: float, centre: tuple[int, int] = (110, 100)) -> tuple[Floats, Floats]:
    near = np.exp(-((X - centre[0]) ** 2 + (Y - centre[1]) ** 2) / (2 * 45**2))
    return amplitude * near * np.float32(np.sin(5 * t)), amplitude * near * np.float32(np.cos(6 * t))


def test_a_still_wall_passes() -> None:
    wall = a_wall()
    found = findings_of([seen_at(wall, 0, 0, k) for k in range(len(TIMES))])
    assert named(found, "warp").verdict == "pass"
    assert named(found, "texture").verdict == "pass"


def test_a_warp_is_found_where_and_when_it_is() -> None:
    wall = a_wall()
    frames = []
    for k, t in enumerate(TIMES):
        dx, dy = wobble(float(t), 2.0 if 1.5 < t < 3 else 0.0)
        frames.append(seen_at(wall, dx, dy, k))
    found = named(findings_of(frames), "warp")
    assert found.verdict in ("warn", "fail")
    assert found.start == pytest.approx(1.5, abs=0.2)
    assert found.end == pytest.approx(3.0, abs=0.2)
    assert found.box is not None
    x0, y0, x1, y1 = found.box
    assert x0 < 110 < x1
    assert y0 < 100 < y1
    assert (x1 - x0) * (y1 - y0) < 0.4 * SIZE[0] * SIZE[1]
    assert found.fix


def test_a_camera_that_moves_past_layers_is_no_warp() -> None:
    far, near = a_wall(2), a_wall(3)
    post = (X > 230) & (X < 330)
    frames = []
    for k, t in enumerate(TIMES):
        away = 12 * np.sin(0.4 * t)
        frames.append(np.where(post, seen_at(near, 1.6 * away, 0, k), seen_at(far, away, 0, k)))
    assert named(findings_of(frames), "warp").verdict in ("pass", "unseen")


def test_a_shaken_camera_is_no_warp_and_a_warp_before_it_is_found() -> None:
    wall = a_wall(4)
    shaken, warped = [], []
    for k, t in enumerate(TIMES):
        sx, sy = 6 * np.sin(1.7 * t), 5 * np.sin(2.3 * t + 1)
        dx, dy = wobble(float(t), 3.0)
        shaken.append(seen_at(wall, sx, sy, k))
        warped.append(seen_at(wall, sx + dx, sy + dy, k))
    assert named(findings_of(shaken), "warp").verdict == "pass"
    assert named(findings_of(warped), "warp").verdict in ("warn", "fail")


def test_texture_that_boils_in_place_is_a_warning() -> None:
    coarse = cv2.GaussianBlur(a_wall(5, 10), (0, 0), 8)
    walls = [a_wall(seed, 1.5) for seed in (6, 7, 8)]
    fine = [one - cv2.GaussianBlur(one, (0, 0), 3) for one in walls]
    frames = []
    for k, t in enumerate(TIMES):
        frames.append(seen_at(coarse + 0.8 * fine[int(t * 2) % 3], 0, 0, k))
    assert named(findings_of(frames), "texture").verdict == "warn"


def test_a_plain_wall_is_unseen() -> None:
    plain = np.full((SIZE[1] + 80, SIZE[0] + 80), 120, np.float32)
    found = findings_of([seen_at(plain, 0, 0, k) for k in range(len(TIMES))])
    assert {one.verdict for one in found} == {"unseen"}


@pytest.mark.parametrize(("textured", "verdict"), [(0.3, "unseen"), (0.75, "pass")])
def test_a_background_of_which_most_is_plain_does_not_pass(textured: float, verdict: str) -> None:
    def half_plain(k: int) -> Pixels:
        frame = seen_at(a_wall(), 0, 0, k)
        frame[:, int(textured * SIZE[0]) :] = seen_at(np.full_like(a_wall(), 120), 0, 0, k)[
            :, int(textured * SIZE[0]) :
        ]
        return frame

    found = named(findings_of([half_plain(k) for k in range(len(TIMES))]), "warp")
    assert found.verdict == verdict, found.why
    assert verdict == "pass" or "too plain" in found.why


def test_people_hide_the_background() -> None:
    wall = a_wall()
    people = np.ones((240, 320), np.float32)
    found = findings_of([seen_at(wall, 0, 0, k) for k in range(len(TIMES))], people=people)
    assert named(found, "warp").verdict == "unseen"


@pytest.mark.parametrize("asked", [Asked(brush=True), Asked(ambient="snow")])
def test_what_was_asked_for_is_unseen(asked: Asked) -> None:
    found = findings_of([seen_at(a_wall(), 0, 0, k) for k in range(20)], asked)
    assert {one.verdict for one in found} == {"unseen"}
    assert "asked" in found[0].why


def test_no_frame_at_all_is_unseen() -> None:
    found = rigid.check(rigid.Watch(SIZE, Fraction(25), None).finish(), Asked())
    assert [one.verdict for one in found] == ["unseen", "unseen"]


def test_the_timeline_has_a_value_a_look() -> None:
    wall = a_wall()
    seen = watched([seen_at(wall, 0, 0, k) for k in range(20)])
    (line,) = rigid.timelines(seen)
    assert (line.name, line.unit, len(line.values)) == ("warp", "px", 20)


def test_edges_alone_show_a_warp_before_a_camera_that_stands_still() -> None:
    shelf = np.full((SIZE[1] + 80, SIZE[0] + 80), 110, np.float32)
    for k in range(70, SIZE[1], 30):
        shelf[k : k + 8] += 14  # boards with no corner to follow
    shelf = cv2.GaussianBlur(shelf, (0, 0), 1.5)
    still, warped = [], []
    for k, t in enumerate(TIMES):
        dx, dy = wobble(float(t), 2.0 if 1.5 < t < 3 else 0.0)
        still.append(seen_at(shelf, 0, 0, k))
        warped.append(seen_at(shelf, dx, dy, k))
    assert named(findings_of(still), "warp").verdict == "pass"
    found = named(findings_of(warped), "warp")
    assert found.verdict in ("warn", "fail")
    assert found.start == pytest.approx(1.5, abs=0.2)
    assert found.end == pytest.approx(3.0, abs=0.2)


def stirring(frames: list[Pixels]) -> tiles.Stirring:
    free = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    first = tiles.Tiles(tiles.fine(frames[0]), free)
    for frame in frames:
        first.take(tiles.fine(frame), free)
    return first.measure(1 / FPS)


def test_tiles_measure_a_wobble_where_it_is_and_nothing_elsewhere() -> None:
    wall = a_wall()
    seen = stirring([seen_at(wall, *wobble(float(t), 1.0), k) for k, t in enumerate(TIMES)])
    strength = seen.wobble.mean(0)
    there = strength[round(100 / SIZE[0] * tiles.TILES), round(110 / SIZE[0] * tiles.TILES)]
    assert there == pytest.approx(1.3, abs=0.4)  # sine and cosine of 1 px
    assert strength[-5:-1, -5:-1].max() < 0.1
    assert seen.roams < tiles.ROAMS


def test_tiles_take_a_small_drift_for_the_camera_s_and_say_when_it_roams() -> None:
    wall = a_wall()
    shaken = stirring([seen_at(wall, 0.3 * np.sin(3 * t), 0, k) for k, t in enumerate(TIMES)])
    assert np.nanmax(shaken.wobble / shaken.limit) < 1
    assert shaken.roams < tiles.ROAMS
    assert stirring([seen_at(wall, 2.0 * t, 0, k) for k, t in enumerate(TIMES)]).roams > tiles.ROAMS
