"""A living still: what moves, what must not, and that it is all one picture, camera or none."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from stillwake.doctor import demo_drawing
from stillwake.engines import alpha_of, frames
from stillwake.engines.animator import Animator, warp
from stillwake.engines.animator.living import Living
from stillwake.engines.animator.render import Talk
from stillwake.engines.framed import Framed, perform
from stillwake.errors import NotReadyError
from stillwake.inspection.folds import FOLD_SHARE, LARGEST_GROUP, folded
from stillwake.media import open_still
from stillwake.perceive import perceive, scaled
from stillwake.types import (
    CameraMove,
    CameraRecord,
    Face,
    Floats,
    Hand,
    Pixels,
    Scene,
    Shot,
    Size,
    Sound,
    Speech,
    Still,
    Strokes,
    Timed,
)

COUNT = 100
PUSH = CameraRecord(moves=(CameraMove(kind="push-in"),))
ORBIT = CameraRecord(moves=(CameraMove(kind="orbit-left"),))
Mask = np.ndarray[Any, np.dtype[np.bool_]]


def shot(scene: Scene, **changes: Any) -> Shot:
    asked = {"family": "animator", "engine": "animator", "motion": "live", "seconds": Fraction(4), "fps": Fraction(25)}
    return Shot(**{**asked, "size": scene.still.size, "seed": 3, "loop": True, **changes})


def prepared(scene: Scene, speech: Speech | None = None, **changes: Any) -> Talk | Living:
    return Animator().prepare(scene, shot(scene, **changes), speech)


Make = Callable[..., Any]


@pytest.fixture(scope="module")
def living(astronaut: Scene, mira: Scene) -> Make:
    """The performance of a scene by its name, prepared once for all tests that ask for the same."""
    made: dict[str, Talk | Living] = {}

    def living(name: str, **changes: Any) -> Talk | Living:
        key = repr((name, sorted(changes.items())))
        if key not in made:
            made[key] = prepared({"astronaut": astronaut, "mira": mira}[name], **changes)
        return made[key]

    return living


def all_frames(performance: Talk | Living, step: int = 1) -> Iterator[Pixels]:
    with performance:
        for index in range(0, performance.frame_count, step):
            yield performance.frame(index)


def changed(performance: Talk | Living, still: Pixels, step: int = 1) -> Mask:
    """Where any frame differs from the still, (H, W)."""
    ever = np.zeros(still.shape[:2], bool)
    for frame in all_frames(performance, step):
        ever |= (frame != still).any(-1)
    return ever


def step_between(a: Pixels, b: Pixels) -> float:
    return float(np.abs(a.astype(np.int16) - b).mean())


def hull(size: Size, *contours: Floats) -> Mask:
    mask = np.zeros(size[::-1], np.uint8)
    points = np.concatenate(contours)[:, :2].astype(np.float32)
    cv2.fillConvexPoly(mask, np.round(cv2.convexHull(points)[:, 0]).astype(np.int32), 1)
    return mask > 0


def around(size: Size, box: tuple[float, ...], reach: float) -> Mask:
    mask = np.zeros(size[::-1], bool)
    x0, y0, x1, y1 = (round(v) for v in (box[0] - reach, box[1] - reach, box[2] + reach, box[3] + reach))
    mask[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True
    return mask


def eyes_of(face: Face, size: Size, reach: float) -> Mask:
    """Boxes around both eyes."""
    mask = np.zeros(size[::-1], bool)
    for eye in face.eyes:
        points = np.concatenate([eye.upper_lid, eye.lower_lid])
        mask |= around(size, (*points.min(0), *points.max(0)), reach)
    return mask


BOTH = pytest.mark.parametrize("name", ["astronaut", "mira"])
PICTURES = ("astronaut", "mira")


# ------------------------------------------------------------------------------------------------------------ the loop


@BOTH
@pytest.mark.parametrize("motions", [("blink", "breathe", "sway", "hair"), ("breathe",)])
def test_a_loop_begins_with_the_still_to_the_last_bit(
    name: str, motions: tuple[str, ...], living: Make, request: pytest.FixtureRequest
) -> None:
    still = request.getfixturevalue(name).still.pixels
    performance = living(name, motions=motions)
    with performance:
        assert np.array_equal(performance.frame(0), still)
    assert changed(performance, still, 5).mean() > 0.002


@BOTH
@pytest.mark.parametrize("camera", [None, ORBIT])
def test_the_order_in_which_frames_are_asked_for_does_not_matter(
    name: str, camera: CameraRecord | None, living: Make
) -> None:
    performance = living(name, camera=camera)
    with performance:
        first = {index: performance.frame(index).copy() for index in (5, 90, 44, 0, 99)}
        for index in (99, 5, 0, 90, 44, 5):
            assert np.array_equal(performance.frame(index), first[index])
        with pytest.raises(IndexError):
            performance.frame(performance.frame_count)
        with pytest.raises(IndexError):
            performance.frame(-1)


@pytest.mark.parametrize(("name", "camera"), [("mira", None), ("astronaut", ORBIT)])
def test_the_same_shot_gives_the_same_frames(
    name: str, camera: CameraRecord | None, living: Make, request: pytest.FixtureRequest
) -> None:
    one = living(name, camera=camera)
    other = prepared(request.getfixturevalue(name), camera=camera)
    with one, other:
        for index in (13, 60):
            assert np.array_equal(one.frame(index), other.frame(index))


@pytest.mark.parametrize(("name", "camera"), [("mira", None), ("astronaut", None), ("mira", ORBIT)])
def test_the_seam_is_a_step_like_any_other(name: str, camera: CameraRecord | None, living: Make) -> None:
    performance = living(name, camera=camera, motions=("breathe", "sway", "hair"))
    with performance:
        seen = [performance.frame(index % COUNT).copy() for index in range(-3, 4)]
    steps = [step_between(a, b) for a, b in itertools.pairwise(seen)]
    assert steps[2] < 1.3 * max(steps[1], steps[3]) + 0.02
    assert steps[2] > 0.5 * min(steps[1], steps[3]) - 0.02


@pytest.mark.parametrize(("name", "camera"), [("mira", None), ("astronaut", None), ("mira", ORBIT)])
def test_nothing_jumps(name: str, camera: CameraRecord | None, living: Make) -> None:
    performance = living(name, camera=camera, motions=("breathe", "sway", "hair"))
    seen = [frame.copy() for frame in all_frames(performance)]
    steps = [step_between(a, b) for a, b in zip(seen, [*seen[1:], seen[0]], strict=True)]
    assert max(steps) < 4 * np.median(steps) + 0.02


# ------------------------------------------------------------------------------------------------ what must not change


@BOTH
@pytest.mark.parametrize("held", [(), ("face",)])
def test_pixels_outside_the_mask_never_change(
    name: str, held: tuple[str, ...], living: Make, request: pytest.FixtureRequest
) -> None:
    still = request.getfixturevalue(name).still.pixels
    performance = living(name, held=held)
    assert performance.mask is not None
    assert performance.mask.dtype == np.bool_
    assert 0.02 < performance.mask.mean() < 0.7
    assert not (changed(performance, still, 2) & ~performance.mask).any()


def with_hand(scene: Scene) -> Scene:
    """The scene with a hand on the chest, where breath would move it."""
    face = scene.faces[0]
    at = np.array([face.chin[0], min(scene.still.size[1] - 20.0, face.chin[1] + 0.3 * face.size)])
    points = (at + np.random.default_rng(1).uniform(-10, 10, (21, 2))).astype(np.float32)
    box = (*(float(v) for v in points.min(0)), *(float(v) for v in points.max(0)))
    return dataclasses.replace(scene, hands=(Hand(points, box, "left", "left", 0.9, 0.9, 5.0, -3.0, 0.1, 4.0),))


def held_area(scene: Scene, part: str) -> Mask:
    """What a person would call that part, measured here and not by the code."""
    face, size = scene.faces[0], scene.still.size
    match part:
        case "face":
            return hull(size, face.jaw, *(eye.brow for eye in face.eyes))
        case "eyes":
            return np.any([hull(size, eye.upper_lid, eye.lower_lid) for eye in face.eyes], 0)
        case "mouth":
            return hull(size, face.mouth.outer_upper, face.mouth.outer_lower)
        case "hands":
            return np.any([hull(size, hand.landmarks) for hand in scene.hands], 0)
    assert scene.matte is not None
    if part == "background":
        return scene.matte < 0.1
    below = scene.matte > 0.6
    below[: int(face.chin[1]) + 1] = False
    return below


HELD = (
    ("astronaut", ("face", "hands")), ("astronaut", ("mouth",)), ("astronaut", ("background",)),
    ("mira", ("face", "hands")), ("mira", ("eyes",)), ("mira", ("body",)),
)  # fmt: skip


@pytest.mark.parametrize(("name", "held"), HELD)
def test_what_is_told_to_stand_still_does_to_the_last_bit(
    name: str, held: tuple[str, ...], living: Make, request: pytest.FixtureRequest
) -> None:
    scene = with_hand(request.getfixturevalue(name))
    performance = prepared(scene, held=held)
    area = np.any([held_area(scene, part) for part in held], 0)
    assert area.sum() > 20
    pixels = scene.still.pixels
    free = changed(living(name), pixels, 3)
    for part in held:
        assert (free & held_area(scene, part)).any(), "else this would show nothing"
    moved = changed(performance, pixels, 3)
    assert not (moved & area).any()
    assert moved.any(), "the rest goes on living"
    with performance:
        assert np.array_equal(performance.frame(0), pixels)


@BOTH
def test_what_is_painted_still_stands_still(name: str, request: pytest.FixtureRequest) -> None:
    scene = request.getfixturevalue(name)
    face = scene.faces[0]
    pinned = np.zeros(scene.still.pixels.shape[:2], bool)
    pinned[int(face.box[1]) : int(face.chin[1]), int(face.box[0]) : int(face.chin[0])] = True
    pinned[-40:-14, 70:200] = True
    moved = changed(prepared(dataclasses.replace(scene, pinned=pinned)), scene.still.pixels, 3)
    assert not (moved & pinned).any()
    assert moved.any()


def test_where_everything_is_held_nothing_is_left_to_move(astronaut: Scene) -> None:
    everything = np.ones((256, 256), bool)
    held = dataclasses.replace(astronaut, pinned=everything, strokes=stream((256, 256)))
    with pytest.raises(NotReadyError, match="nothing in it can move"):
        prepared(held)
    performance = prepared(held, camera=PUSH)
    assert any("the face stands still" in note for note in performance.notes)  # type: ignore[union-attr]
    with performance:
        assert not np.array_equal(performance.frame(50).copy(), performance.frame(0))
    with pytest.raises(NotReadyError, match="left to move"):
        prepared(held, spoken(), motion="talk")


def test_hair_that_is_held_stands_still(mira: Scene, living: Make) -> None:
    held, free = living("mira", held=("hair",)), living("mira", motions=("hair",))
    assert isinstance(free, Living)
    assert free.parts.hair is not None
    hair = free.parts.hair.mask > 0.5
    assert (changed(free, mira.still.pixels, 3) & hair).sum() > 300
    assert not (changed(held, mira.still.pixels, 3) & hair).any()


@BOTH
def test_at_no_strength_nothing_moves(name: str, living: Make, request: pytest.FixtureRequest) -> None:
    still = request.getfixturevalue(name).still.pixels
    assert not changed(living(name, strength=0.0), still).any()


def test_at_half_strength_it_moves_half_as_far(living: Make) -> None:
    far = []
    for strength in (0.5, 1.0):
        performance = living("mira", strength=strength, motions=("breathe", "sway", "hair"))
        with performance:
            maps = performance.warps(40)
        far.append(max(float(np.abs(one.map - _identity(one)).max()) for one in maps))
    assert far[0] == pytest.approx(far[1] / 2, rel=0.15)


def _identity(drawn: Any) -> Any:
    x0, y0, x1, y1 = drawn.box
    return np.dstack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)))


# -------------------------------------------------------------------------------------------------- what was asked for


@BOTH
def test_only_blinking_moves_the_eyes_alone(name: str, living: Make, request: pytest.FixtureRequest) -> None:
    scene = request.getfixturevalue(name)
    moved = changed(living(name, motions=("blink",)), scene.still.pixels)
    assert (moved & eyes_of(scene.faces[0], scene.still.size, 0)).sum() > 30
    assert not (moved & ~eyes_of(scene.faces[0], scene.still.size, 0.2 * scene.faces[0].size)).any()


@BOTH
@pytest.mark.parametrize("motions", [("breathe",), ("hair",)])
def test_without_blinking_the_lids_stay_open(
    name: str, motions: tuple[str, ...], living: Make, request: pytest.FixtureRequest
) -> None:
    scene = request.getfixturevalue(name)
    eyes = eyes_of(scene.faces[0], scene.still.size, 0)

    def furthest(motions: tuple[str, ...]) -> float:
        performance = living(name, motions=motions)
        step = 1 if "blink" in motions else 5
        return max(step_between(frame[eyes], scene.still.pixels[eyes]) for frame in all_frames(performance, step))

    assert furthest(motions) < 0.5 * furthest(("blink",))


def test_only_hair_leaves_the_face_alone(mira: Scene, living: Make) -> None:
    moved = changed(living("mira", motions=("hair",)), mira.still.pixels, 3)
    assert moved.sum() > 500
    assert not (moved & held_area(mira, "mouth")).any()
    assert not (moved & eyes_of(mira.faces[0], mira.still.size, 0)).any()


def test_hair_moves_before_a_background_that_stands_still(mira: Scene, living: Make) -> None:
    swinging = living("mira", motions=("hair",))
    assert isinstance(swinging, Living)
    assert swinging.layered
    assert not getattr(living("mira", motions=("blink",)), "layered", False)
    moved = changed(swinging, mira.still.pixels, 4)
    alpha = swinging.parts.layers.alpha
    assert alpha is not None
    import cv2

    near = cv2.dilate((alpha > 0.004).astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    assert moved.any()
    assert not moved[~near].any()


def test_the_background_beside_the_hair_does_not_come_and_go() -> None:
    """It is filled in a little beyond the subject; the still's own tones must not fade in whenever the hair rests."""
    mira = scaled(perceive(open_still(demo_drawing())), (512, 512))
    assert mira.matte is not None
    noise = np.random.default_rng(1).standard_normal((*mira.matte.shape, 3)).astype(np.float32)
    blots = cv2.GaussianBlur(noise, (0, 0), 3)
    behind = 1 - np.clip(50 * cv2.dilate(mira.matte, np.ones((3, 3))), 0, 1)
    pixels = np.clip(mira.still.pixels + 60 * blots / blots.std() * behind[..., None], 0, 255).astype(np.uint8)
    scene = dataclasses.replace(mira, still=dataclasses.replace(mira.still, pixels=pixels))
    with prepared(scene, motions=("hair",)) as performance:
        assert isinstance(performance, Living)
        assert performance.layered
        alpha = performance.parts.layers.alpha
        assert alpha is not None
        beside = cv2.dilate((alpha > 0.004).astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
        for index in (1, 2, 97, 98):  # it sways by 3 px at most
            away = (performance.frame(index).astype(np.float32) - pixels) * beside[..., None]
            assert np.abs(cv2.GaussianBlur(away, (0, 0), 3)).max() < 12, index
        assert (performance.frame(0) == pixels).all()


def test_breath_moves_the_chest_and_not_the_background_far_away(astronaut: Scene, living: Make) -> None:
    moved = changed(living("astronaut", motions=("breathe",)), astronaut.still.pixels, 5)
    assert astronaut.matte is not None
    assert (moved & (astronaut.matte > 0.9)).mean() > 0.05
    away = cv2.dilate((astronaut.matte > 0.3).astype(np.uint8), np.ones((25, 25))) == 0
    assert away.any()
    assert not (moved & away).any()


@BOTH
def test_nothing_that_could_move_is_refused(name: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(NotReadyError, match="nothing in it can move"):
        prepared(request.getfixturevalue(name), motions=())


# ------------------------------------------------------------------------------------------------------ a camera moves


def spoken(*labels: str, seconds: float = 4.0) -> Speech:
    count = int(16000 * seconds)
    samples = (8000 * np.sin(np.arange(count) * 0.1)).astype(np.int16)
    sound = Sound("t", "0" * 64, 16000, 1, Fraction(count, 16000), samples, lambda: iter([samples[:, None]]))
    labels = labels or ("rest", "AA", "AA", "MBP", "AA", "AE", "MBP", "AA", "rest", "rest")
    edges = np.linspace(0, seconds, len(labels) + 1)
    visemes = tuple(Timed(float(a), float(b), v) for a, b, v in zip(edges[:-1], edges[1:], labels, strict=True))
    return Speech(sound, "en", "voice", (), visemes, visemes)


@BOTH
def test_a_mouth_opens_in_a_moving_picture(name: str, request: pytest.FixtureRequest) -> None:
    scene = request.getfixturevalue(name)
    talking = prepared(scene, spoken(), motion="talk", camera=PUSH, loop=False, motions=())
    silent = prepared(scene, spoken("rest"), motion="talk", camera=PUSH, loop=False, motions=())
    standing = prepared(scene, spoken(), motion="talk", loop=False, motions=())
    quiet = prepared(scene, spoken("rest"), motion="talk", loop=False, motions=())
    assert isinstance(talking, Living)
    assert isinstance(standing, Talk)
    near = around(scene.still.size, scene.faces[0].box, 0.3 * scene.faces[0].size)
    opened, there = [], []
    with talking, silent, standing, quiet:
        for index in range(0, COUNT, 5):
            one, other = (
                np.abs(a.frame(index).astype(np.int16) - b.frame(index)).max(-1) > 40
                for a, b in ((talking, silent), (standing, quiet))
            )
            assert not one[~near].any()
            opened.append(float(one.sum()))
            there.append(float(other.sum()))
    assert max(there) > 20
    assert max(opened) > 0.7 * max(there), "as much changes as where the camera stands"
    assert np.corrcoef(opened, there)[0, 1] > 0.9, "and when it should"


@BOTH
def test_a_face_under_a_moving_camera_is_the_one_it_is_without(name: str, request: pytest.FixtureRequest) -> None:
    scene = request.getfixturevalue(name)
    asked = {"motion": "talk", "motions": ("sway", "blink", "breathe")}
    moving, standing = (prepared(scene, spoken(), camera=camera, **asked) for camera in (PUSH, None))
    assert isinstance(moving, Living)
    camera, face = moving.parts.camera, scene.faces[0]
    assert camera is not None
    size = scene.still.size
    inside = cv2.erode(hull(size, face.jaw, *(eye.brow for eye in face.eyes)).astype(np.uint8), np.ones((3, 3))) > 0
    wrong, stood = [], []
    with moving, standing:
        for index in range(4, COUNT, 6):
            seen = camera.where(moving.parts.near[-1], camera.pose(index, COUNT))
            where = warp.enlarge(seen, moving.parts.grid, (0, 0, *size)).copy()
            there = cv2.remap(inside.astype(np.uint8), where, None, cv2.INTER_NEAREST) > 0
            frame = moving.frame(index).astype(np.int16)
            for image, found in ((standing.frame(index), wrong), (scene.still.pixels, stood)):
                shown = cv2.remap(image, where, None, cv2.INTER_LINEAR)
                found.append(float(np.abs(frame - shown)[there].mean()))
    assert np.mean(stood) > 3, "it speaks, blinks and turns"
    assert np.mean(wrong) < 0.5 * np.mean(stood)
    assert max(wrong) < 0.7 * max(stood)


@BOTH
def test_a_face_blinks_in_a_moving_picture(name: str, living: Make, request: pytest.FixtureRequest) -> None:
    scene = request.getfixturevalue(name)
    one, other = (living(name, camera=PUSH, motions=motions) for motions in (("breathe", "blink"), ("breathe",)))
    near = eyes_of(scene.faces[0], scene.still.size, 0.3 * scene.faces[0].size)
    most = 0
    shut = np.flatnonzero(one.parts.patches._track.blink)
    assert len(shut) >= 4
    with one, other:
        for index in (*(int(n) for n in shut), 0, 50):
            difference = np.abs(one.frame(index).astype(np.int16) - other.frame(index)).max(-1)
            assert difference[~near].max() <= 2, "the mouth's sharpness does not blink along"
            most = max(most, int((difference > 40).sum()))
    assert most > 15


@BOTH
@pytest.mark.parametrize("camera", [PUSH, ORBIT])
def test_a_moving_camera_shows_the_still_all_along(name: str, camera: CameraRecord, living: Make) -> None:
    """What the map says a pixel shows is what the pixel is, but for what is filled in and laid on top."""
    performance = living(name, camera=camera, motions=())
    assert isinstance(performance, Living)
    with performance:
        for index in (0, 30, 77):
            frame = performance.frame(index)
            front = performance.warps(index)[-1].map
            shown = cv2.remap(performance._still, front, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            alpha = performance.parts.layers.alpha
            assert alpha is not None
            inside = cv2.erode(
                (cv2.remap(alpha, front, None, cv2.INTER_LINEAR) > 0.99).astype(np.uint8), np.ones((9, 9))
            )
            wrong = np.abs(frame.astype(np.int16) - shown)[inside > 0]
            assert len(wrong) > 2000
            assert np.median(wrong) <= 2
            assert np.percentile(wrong, 99) < 25


@BOTH
def test_a_clip_that_is_no_loop_goes_one_way(name: str, living: Make) -> None:
    performance = living(name, camera=PUSH, motions=(), loop=False)
    with performance:
        sizes = [float(np.median(np.diff(performance.warps(index)[-1].map[..., 0], axis=1))) for index in (0, 50, 99)]
    assert sizes[0] > sizes[1] > sizes[2]
    assert sizes[0] / sizes[2] > 1.08


FOLDS: dict[str, dict[str, Any]] = {
    "loop": {},
    "push": {"camera": PUSH},
    "orbit": {"camera": ORBIT},
    "hand-held": {"camera": CameraRecord(moves=(CameraMove(kind="hand-held", strength=3.0),))},
    "held": {"held": ("face",)},
}


@BOTH
@pytest.mark.parametrize("asked", FOLDS)
def test_nothing_folds(name: str, asked: str, living: Make) -> None:
    performance = living(name, **FOLDS[asked])
    count = pixels = 0
    with performance:
        for index in range(0, COUNT, 15):
            maps = performance.warps(index)
            assert maps
            for one in maps:
                turned = folded(one.map, one.cut)
                count, pixels = count + int(turned.sum()), pixels + turned.size
                assert turned.sum() <= LARGEST_GROUP
                assert np.isfinite(one.map).all()
    assert count <= FOLD_SHARE * pixels + LARGEST_GROUP


# ------------------------------------------------------------------------------------------------------ without a face


def landscape(size: Size = (320, 200), **more: Any) -> Scene:
    """Hills under a sky, and nobody there."""
    width, height = size
    noise = np.random.default_rng(4).normal(size=(height, width))
    grain = cv2.GaussianBlur(noise, (0, 0), 1.2) * 40
    y = np.linspace(0, 1, height)[:, None, None]
    pixels = np.where(y < 0.5, [120.0, 160.0, 220.0], [70.0, 110.0, 60.0]) + grain[..., None]
    still = Still(np.clip(pixels, 0, 255).astype(np.uint8), "hills.png", "0" * 64)
    return Scene(still, "photo", (), (), np.zeros((height, width), np.float32), {}, **more)


def stream(size: Size = (320, 200)) -> Strokes:
    width, height = size
    mask = np.zeros((height, width), np.float32)
    mask[height // 2 : -height // 8, width // 8 : -width // 8] = 1
    path = np.array([[0.2 * width, 0.7 * height], [0.8 * width, 0.7 * height]], np.float32)
    return Strokes(mask, (path,), 30.0)


def test_a_still_without_a_face_has_a_camera() -> None:
    scene = landscape()
    for camera, says in ((PUSH, "only enlarges"), (ORBIT, "becomes pan-left")):
        performance = prepared(scene, camera=camera, motions=())
        assert any(says in note for note in performance.notes)  # type: ignore[union-attr]
        assert changed(performance, scene.still.pixels, 20).mean() > 0.5


def test_only_what_is_brushed_flows() -> None:
    scene = landscape(strokes=stream())
    performance = prepared(scene, brush=True, motions=())
    assert performance.mask is not None
    moved = changed(performance, scene.still.pixels, 9)
    assert moved.mean() > 0.1
    assert not (moved & (stream().mask == 0)).any()
    assert not (moved & ~performance.mask).any()
    with performance:
        seen = [performance.frame(index % COUNT).copy() for index in (98, 99, 0, 1)]
        steps = [step_between(a, b) for a, b in itertools.pairwise(seen)]
        assert steps[1] < 1.3 * max(steps[0], steps[2])


def test_a_brush_leaves_what_is_pinned_and_goes_along_with_a_camera() -> None:
    pinned = np.zeros((200, 320), bool)
    pinned[120:150, 140:180] = True
    scene = landscape(strokes=stream(), pinned=pinned)
    moved = changed(prepared(scene, brush=True, motions=()), scene.still.pixels, 9)
    assert moved.any()
    assert not (moved & pinned).any()
    flowing, dry = (prepared(scene, brush=brush, camera=PUSH, motions=()) for brush in (True, False))
    with flowing, dry:
        difference = np.abs(flowing.frame(40).astype(np.int16) - dry.frame(40)).max(-1)
    assert (difference[110:160] > 10).mean() > 0.05
    assert difference[:80].max() <= 2
    assert difference[126:144, 146:174].max() <= 2, "what is pinned does not flow under a camera either"


@pytest.mark.parametrize("kind", ["snow", "rain", "petals", "dust", "embers"])
def test_only_what_drifts_through_moves(kind: str) -> None:
    scene = landscape()
    performance = prepared(scene, ambient=kind, motions=(), seconds=Fraction(2))
    moved = changed(performance, scene.still.pixels, 7)
    assert 0.002 < moved.mean() < 0.95
    with performance:
        again = performance.frame(7).copy()
        performance.frame(30)
        assert np.array_equal(performance.frame(7), again)


def test_what_drifts_far_away_is_behind_the_subject(mira: Scene) -> None:
    assert mira.matte is not None
    performance = prepared(mira, ambient="snow", camera=PUSH, motions=())
    bare = prepared(mira, camera=PUSH, motions=())
    on, off = 0.0, 0.0
    with performance, bare:
        for index in range(0, COUNT, 9):
            difference = np.abs(performance.frame(index).astype(np.int16) - bare.frame(index)).max(-1) > 8
            solid = cv2.erode((mira.matte > 0.95).astype(np.uint8), np.ones((21, 21))) > 0
            on, off = on + difference[solid].mean(), off + difference[mira.matte < 0.02].mean()
    assert on < 0.8 * off


@pytest.mark.parametrize("size", [(64, 64), (4000, 300), (61, 47), (16, 200)])
def test_stills_of_any_shape(size: Size) -> None:
    scene = landscape(size, strokes=stream(size))
    for asked in ({"camera": ORBIT}, {"brush": True}, {"ambient": "snow"}, {"camera": PUSH, "ambient": "embers"}):
        performance = prepared(scene, motions=(), seconds=Fraction(1), **asked)
        assert performance.size == size
        with performance:
            for index in (0, 12, 24):
                frame = performance.frame(index)
                assert frame.shape == (size[1], size[0], 3)
                assert frame.dtype == np.uint8


@pytest.mark.parametrize(("name", "size"), [("mira", (255, 257)), ("astronaut", (96, 96))])
@pytest.mark.parametrize("camera", [None, PUSH])
def test_faces_of_any_size(name: str, size: Size, camera: CameraRecord | None, request: pytest.FixtureRequest) -> None:
    other = scaled(request.getfixturevalue(name), size)
    performance = prepared(other, camera=camera, seconds=Fraction(1))
    with performance:
        frame = performance.frame(12).copy()
        assert frame.shape == (size[1], size[0], 3)
        if camera is None:
            assert np.array_equal(performance.frame(0), other.still.pixels)


# ---------------------------------------------------------------------------------------------------- see-through ones


@pytest.fixture(scope="module")
def cut_out(mira: Scene) -> Scene:
    """The drawing before nothing: on white, with its matte as alpha."""
    assert mira.matte is not None
    alpha = np.rint(np.clip(mira.matte * 1.2 - 0.1, 0, 1) * 255).astype(np.uint8)
    share = alpha[..., None] / 255
    pixels = np.rint(mira.still.pixels * share + 255 * (1 - share)).astype(np.uint8)
    return dataclasses.replace(mira, still=dataclasses.replace(mira.still, pixels=pixels, alpha=alpha))


@pytest.mark.parametrize("camera", [None, PUSH])
def test_a_transparent_stills_frames_have_an_alpha_that_moves(camera: CameraRecord | None, cut_out: Scene) -> None:
    still = cut_out.still
    assert still.alpha is not None
    performance = prepared(cut_out, camera=camera)
    with performance:
        seen = [frame.copy() for frame in frames(performance, still.alpha)]
    assert {frame.shape for frame in seen} == {(256, 256, 4)}
    covers = np.array([frame[..., 3] for frame in seen[::6]])
    assert np.ptp(covers.astype(np.int16), axis=0).max() > 60
    solid = cv2.erode((still.alpha == 255).astype(np.uint8), np.ones((21, 21))) > 0
    assert (covers[:, solid] == 255).all(), "never thinner than it is"
    if camera is None:
        assert np.array_equal(seen[0][..., 3], still.alpha)
        there = still.alpha == 255
        assert np.array_equal(seen[0][..., :3][there], still.pixels[there])
    for frame in seen[::25]:
        rim = (frame[..., 3] > 60) & (frame[..., 3] < 250)
        near = cv2.dilate((frame[..., 3] == 255).astype(np.uint8), np.ones((9, 9))) > 0
        assert np.median(frame[..., :3][rim & near]) < 235, "its colours, not the white it was laid on"


def test_the_alpha_goes_where_the_picture_goes(cut_out: Scene) -> None:
    performance = prepared(cut_out, camera=ORBIT)
    assert isinstance(performance, Living)
    with performance:
        for index in (0, 33, 71):
            frame, alpha = performance.frame(index).copy(), alpha_of(performance, index)
            assert alpha is not None
            white = (frame >= 253).all(-1)
            assert white[alpha == 0].all()
            assert alpha[~white].min() > 0


def test_a_solid_stills_frames_have_its_own_alpha(living: Make, mira: Scene) -> None:
    performance = living("mira")
    faint = np.full((256, 256), 200, np.uint8)
    with performance:
        assert alpha_of(performance, 3) is None
        (one, *_) = (frame.copy() for frame in frames(performance, faint))
        assert (one[..., 3] == 200).all()
        (plain, *_) = frames(performance)
        assert plain.shape == (256, 256, 3)


# -------------------------------------------------------------------------------------------- within a larger picture


def test_within_a_larger_picture_the_rest_stands_still(cut_out: Scene, mira: Scene) -> None:
    place = (0.0, 40.0, 256.0, 200.0)
    for scene in (mira, cut_out):
        whole = perform(Animator(), scene, shot(scene, camera=PUSH), None, place)
        assert isinstance(whole, Framed)
        beyond = np.ones((256, 256), bool)
        beyond[40:200] = False
        with whole:
            for index in (0, 50):
                assert np.array_equal(whole.frame(index)[beyond], scene.still.pixels[beyond])
                assert not np.array_equal(whole.frame(index), scene.still.pixels)
                alpha = alpha_of(whole, index)
                assert (alpha is None) == (scene.still.alpha is None)
                if alpha is not None:
                    assert alpha.shape == (256, 256)
                    assert not alpha[beyond].any()
            assert whole.warps is not None
            assert all(one.box[1] >= 40 and one.box[3] <= 200 for one in whole.warps(50))
        assert whole.notes == whole.inner.notes  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------------------------------- what it costs


def resident() -> int:
    """Bytes of memory that are in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="nothing tells how much memory is in use")
def test_memory_does_not_grow_with_the_clip(mira: Scene) -> None:
    scene = dataclasses.replace(mira, strokes=stream((256, 256)))
    performance = prepared(scene, camera=PUSH, brush=True, ambient="snow", seconds=Fraction(11))
    with performance:
        for index in range(60):
            performance.frame(index)
        before = resident()
        for index in range(60, 260):
            performance.frame(index)
        assert resident() - before < 8 << 20


def test_threads_are_given_back(living: Make) -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        with living("mira", camera=PUSH) as performance:
            assert cv2.getNumThreads() == 1
            performance.frame(3)
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)


def test_the_still_is_left_alone(living: Make, mira: Scene, astronaut: Scene) -> None:
    before = [scene.still.pixels.copy() for scene in (mira, astronaut)]
    for name in PICTURES:
        for camera in (None, PUSH):
            list(all_frames(living(name, camera=camera), 20))
    for scene, pixels in zip((mira, astronaut), before, strict=True):
        assert np.array_equal(scene.still.pixels, pixels)
        assert not scene.still.pixels.flags.writeable
