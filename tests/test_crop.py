"""Another shape for a still: the window, what lies beyond it, and the clip that comes of it."""

from __future__ import annotations

from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stillwake import media, route, workflow
from stillwake.doctor import demo_drawing, demo_still
from stillwake.engines import load_engine
from stillwake.engines.framed import Framed, perform
from stillwake.errors import UsageError
from stillwake.perceive import ASPECTS, crop_for, faces_within, fill_of, framed, perceive, place_of, scaled
from stillwake.perceive.crop import rect_of, visible
from stillwake.perceive.look import moved
from stillwake.types import Aspect, Box, Brief, Face, Hand, Pixels, Scene, Shot, Size, Still, Strokes

EVERY: tuple[Aspect, ...] = ("9:16", "4:5", "1:1", "16:9")


@pytest.fixture(scope="module")
def mira() -> Scene:
    """Our own drawing, at half its size."""
    scene = perceive(media.open_still(demo_drawing()))
    width, height = scene.still.size
    return scaled(scene, (width // 2, height // 2))


def a_still(pixels: Pixels, alpha: Pixels | None = None) -> Still:
    return Still(np.ascontiguousarray(pixels), "test.png", sha256(pixels.tobytes()).hexdigest(), alpha)


def speckled(size: Size, seed: int = 0) -> Pixels:
    """A picture whose borders are anything but plain."""
    noise = np.random.default_rng(seed).integers(0, 256, (size[1] // 8 + 1, size[0] // 8 + 1, 3), np.uint8)
    return np.kron(noise, np.ones((8, 8, 1), np.uint8))[: size[1], : size[0]]


def plain(size: Size) -> Pixels:
    """A wall in soft light, with a little grain."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    light = 150 + 30 * y / size[1] + 20 * np.sin(x / size[0] * 2)
    grain = np.random.default_rng(1).normal(0, 1.5, (size[1], size[0], 3))
    return np.clip(light[..., None] + grain, 0, 255).astype(np.uint8)


def with_faces(mira: Scene, pixels: Pixels, places: list[tuple[float, float, float]], **more: Any) -> Scene:
    """A scene of that picture with mira's face at (x, y, width) px, and an oval body below each in the matte."""
    face = mira.faces[0]
    height, width = pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    matte = np.zeros((height, width), np.float32)
    faces: list[Face] = []
    for left, top, wide in places:
        scale = wide / face.size
        shift = left - face.box[0] * scale, top - face.box[1] * scale
        faces += moved(mira, mira.still, lambda plane: plane, scale=(scale, scale), shift=shift).faces
        a, b, c, d = faces[-1].box
        middle, tall = (a + c) / 2, d - b
        matte[((x - middle) / (0.6 * wide)) ** 2 + ((y - (b + 0.35 * tall)) / (0.75 * tall)) ** 2 < 1] = 1
        matte[(y > d) & (np.abs(x - middle) < 0.9 * wide)] = 1
    faces.sort(key=lambda one: -one.size)
    return Scene(a_still(pixels), "drawn", tuple(faces), (), matte, {"faces": "a test", "matte": "a test"}, **more)


def a_hand(box: Box) -> Hand:
    corners = np.array([box[:2], box[2:]], np.float32)
    return Hand(np.repeat(corners, [10, 11], axis=0), box, "left", "left", 0.9, 0.95, 5.0, -2.0, 0.1, 5.0)


def inside(box: Box, crop: Box) -> bool:
    return crop[0] <= box[0] and crop[1] <= box[1] and box[2] <= crop[2] and box[3] <= crop[3]


def shape_of(crop: Box) -> Size:
    return round(crop[2] - crop[0]), round(crop[3] - crop[1])


# ------------------------------------------------------------------------------------------------------- the window


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(width=40, height=700, x=0.5, y=0.2, wide=0.5, aspect="16:9", wall=True)
@given(
    width=st.integers(40, 900),
    height=st.integers(40, 900),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    wide=st.floats(0.1, 0.6),
    aspect=st.sampled_from(EVERY),
    wall=st.booleans(),
)
def test_a_window_has_its_shape_even_sides_and_the_whole_face(
    mira: Scene, width: int, height: int, x: float, y: float, wide: float, aspect: Aspect, wall: bool
) -> None:
    side = wide * min(width, height) * 0.8
    picture = plain((width, height)) if wall else speckled((width, height))
    face = mira.faces[0]
    tall = side * (face.box[3] - face.box[1]) / face.size
    scene = with_faces(mira, picture, [(x * (width - side), y * max(0.0, height - tall), side)])
    crop = crop_for(scene, aspect)
    across, down = ASPECTS[aspect]
    if crop is None:
        assert width * down == pytest.approx(height * across, rel=0.005)
        return
    w, h = shape_of(crop)
    assert w * down == h * across
    assert w % 2 == 0
    assert h % 2 == 0
    assert all(value == round(value) for value in crop)
    found = scene.faces[0].box
    assert crop[0] <= found[0] + 0.02 * width, "nothing of the face is cut"
    assert found[2] <= crop[2] + 0.02 * width
    assert crop[1] <= max(0.0, found[1]) + 0.02 * height
    assert min(height, found[3]) <= crop[3] + 0.02 * height
    shown = framed(scene, crop)
    assert shown.still.size == (w, h)
    assert len(shown.faces) == 1
    assert shown.matte is not None
    assert shown.matte.shape == (h, w)
    seen = visible(rect_of(crop), (width, height))
    assert min(seen.size) > 0
    there = shown.still.pixels[seen.y0 - round(crop[1]) :, seen.x0 - round(crop[0]) :][: seen.size[1], : seen.size[0]]
    assert np.array_equal(there, picture[seen.y0 : seen.y1, seen.x0 : seen.x1]), (
        "the still is neither scaled nor moved"
    )
    assert crop_for(scene, aspect) == crop


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (16, 16), (17, 31)])
@pytest.mark.parametrize("aspect", EVERY)
def test_tiny_pictures_without_anybody_get_a_window_too(size: Size, aspect: Aspect) -> None:
    scene = Scene(a_still(speckled(size)), "photo", (), (), None, {"faces": "unseen: a test"})
    crop = crop_for(scene, aspect)
    if crop is not None:
        w, h = shape_of(crop)
        assert w * ASPECTS[aspect][1] == h * ASPECTS[aspect][0]
        assert framed(scene, crop).still.size == (w, h)


def test_a_still_of_that_shape_stays_as_it_is(mira: Scene) -> None:
    scene = with_faces(mira, speckled((450, 800)), [(100, 100, 200)])
    assert crop_for(scene, "9:16") is None
    assert framed(scene, None) is scene
    assert fill_of(scene, (0, 0, 450, 800)) == ""


def test_where_the_subject_allows_it_is_cut_and_the_face_lies_high_in_a_tall_window(mira: Scene) -> None:
    scene = with_faces(mira, speckled((1600, 900)), [(900, 200, 150)])
    for aspect in EVERY[:3]:
        crop = crop_for(scene, aspect)
        assert crop is not None
        assert fill_of(scene, crop) == ""
        assert shape_of(crop)[1] >= 880, "all of its height is used"
        middle = (crop[0] + crop[2]) / 2
        assert abs(middle - 975) < 0.1 * (crop[2] - crop[0])
    tall = with_faces(mira, speckled((900, 1600)), [(400, 700, 150)])
    crop = crop_for(tall, "4:5")
    assert crop is not None
    lids = np.concatenate([eye.upper_lid for eye in tall.faces[0].eyes])[:, 1].mean()
    assert 0.3 < (lids - crop[1]) / (crop[3] - crop[1]) < 0.45


def test_a_group_keeps_all_its_heads_before_a_backdrop_that_is_even(mira: Scene) -> None:
    scene = with_faces(
        mira, speckled((1600, 900)), [(100, 200, 160), (500, 220, 150), (900, 180, 155), (1300, 210, 150)]
    )
    crop = crop_for(scene, "9:16")
    assert crop is not None
    assert all(inside(face.box, crop) for face in scene.faces)
    assert fill_of(scene, crop) == "backdrop"
    assert crop[1] + crop[3] == pytest.approx(900, abs=2), "as much above as below"


def test_a_small_face_behind_may_go_and_the_one_that_is_meant_may_not(mira: Scene) -> None:
    scene = with_faces(mira, speckled((1600, 900)), [(300, 200, 200), (1450, 300, 40)])
    crop = crop_for(scene, "9:16")
    assert faces_within(scene, crop) == (1,)
    other = crop_for(scene, "9:16", face=2)
    assert other is not None
    assert inside(scene.faces[1].box, other)
    assert 2 in faces_within(scene, other)


def test_a_hand_is_not_cut_where_a_step_aside_saves_it(mira: Scene) -> None:
    hand = a_hand((1050.0, 500.0, 1150.0, 620.0))
    free = with_faces(mira, speckled((1600, 900)), [(800, 150, 160)])
    held = with_faces(mira, speckled((1600, 900)), [(800, 150, 160)], hands=(hand,))
    assert not inside(hand.box, crop_for(free, "9:16") or (0, 0, 0, 0))
    assert inside(hand.box, crop_for(held, "9:16") or (0, 0, 0, 0))


def test_a_product_without_anybody_lies_in_the_middle() -> None:
    pixels = plain((1600, 900))
    pixels[300:700, 1000:1200] = (200, 30, 40)
    scene = Scene(a_still(pixels), "photo", (), (), np.zeros((900, 1600), np.float32), {"faces": "a test"})
    for aspect in EVERY[:3]:
        crop = crop_for(scene, aspect)
        assert crop is not None
        assert inside((1000.0, 300.0, 1200.0, 700.0), crop)
        assert abs((crop[0] + crop[2]) / 2 - 1100) < 0.15 * (crop[2] - crop[0])


# -------------------------------------------------------------------------------------------------- what lies beyond


def test_a_plain_border_goes_on_without_a_seam(mira: Scene) -> None:
    size = (600, 800)
    scene = with_faces(mira, plain(size), [(230, 200, 140)])
    crop = (-400.0, 0.0, 1000.0, 700.0)
    assert fill_of(scene, crop) == "plain"
    shown = framed(scene, crop)
    pixels = shown.still.pixels.astype(float)
    for left, right in ((398, 402), (998, 1002)):
        apart = np.abs(pixels[:, left - 20 : left].mean(1) - pixels[:, right : right + 20].mean(1))
        assert apart.mean() < 2, "the light goes on"
        steps = np.abs(np.diff(pixels, axis=1)).mean((0, 2))
        assert steps[left : right - 1].max() < 1.5 * steps[500:900].mean(), "there is no edge"
    assert pixels[:, 100:300].std(axis=1).mean() == pytest.approx(pixels[:300, 410:600].std(axis=1).mean(), rel=0.6)
    assert shown.matte is not None
    assert shown.matte[:, :400].max() == shown.matte[:, 1000:].max() == 0
    assert np.array_equal(framed(scene, crop).still.pixels, shown.still.pixels)


def test_a_border_with_people_or_texture_gets_a_backdrop(mira: Scene) -> None:
    scene = with_faces(mira, plain((600, 800)), [(230, 200, 140)])
    assert fill_of(scene, (0.0, 0.0, 600.0, 1000.0)) == "backdrop", "the body reaches the lower edge"
    assert fill_of(scene, (0.0, -200.0, 600.0, 800.0)) == "plain"
    busy = with_faces(mira, speckled((600, 800)), [(230, 200, 140)])
    crop = (-400.0, 0.0, 1000.0, 800.0)
    assert fill_of(busy, crop) == "backdrop"
    shown = framed(busy, crop)
    beyond = np.concatenate([shown.still.pixels[:, :400], shown.still.pixels[:, 1000:]], axis=1).astype(float)
    assert np.abs(np.diff(beyond[:, :400], axis=1)).mean() < 2, "it is blurred"
    assert beyond.mean() < 0.9 * shown.still.pixels[:, 400:1000].mean(), "and darker"


def test_a_transparent_still_stays_transparent_around(mira: Scene) -> None:
    alpha = np.zeros((400, 400), np.uint8)
    alpha[50:, 100:300] = 255
    pixels = np.where(alpha[..., None] > 0, speckled((400, 400)), np.uint8(255)).astype(np.uint8)
    scene = with_faces(mira, pixels, [(150, 100, 100)])
    scene = moved(scene, a_still(pixels, alpha), lambda plane: plane, scale=(1, 1), shift=(0, 0))
    shown = framed(scene, (-150.0, 0.0, 550.0, 394.0))
    assert shown.still.alpha is not None
    assert shown.still.alpha[:, :150].max() == 0
    assert (shown.still.pixels[:, :150] == 255).all()
    assert np.array_equal(shown.still.alpha[:, 150:550], alpha[:394])


def test_everything_moves_with_the_window_and_what_is_outside_is_left_out(mira: Scene) -> None:
    hands = (a_hand((700.0, 500.0, 760.0, 580.0)), a_hand((1400.0, 500.0, 1460.0, 580.0)))
    scene = with_faces(
        mira, speckled((1600, 900)), [(100, 200, 220), (700, 200, 180), (1300, 200, 150)], hands=hands, given=(2, 3)
    )
    crop = (600.0, -100.0, 1162.0, 900.0)
    shown = framed(scene, crop)
    assert faces_within(scene, crop) == (2,)
    assert len(shown.faces) == len(shown.hands) == 1
    assert shown.given == (1,)
    shift = np.array([-600, 100])
    before, after = scene.faces[1], shown.faces[0]
    assert np.allclose(np.reshape(after.box, (2, 2)), np.reshape(before.box, (2, 2)) + shift, atol=1e-3)
    assert np.allclose(after.mouth.outer_upper, before.mouth.outer_upper + shift, atol=1e-3)
    assert np.allclose(after.jaw, before.jaw + shift, atol=1e-3)
    assert np.allclose(shown.hands[0].landmarks, hands[0].landmarks + shift, atol=1e-3)
    assert shown.matte is not None
    assert shown.matte[:100].max() == 0


def test_what_a_person_added_moves_along_and_ends_with_the_still() -> None:
    plane = np.zeros((200, 300), np.float32)
    plane[50:100, 100:200] = 1
    strokes = Strokes(plane.copy(), (np.array([[110, 60], [190, 90]], np.float32),), 12.0)
    scene = Scene(
        a_still(speckled((300, 200))), "photo", (), (), None, {}, depth=plane + 1, strokes=strokes, pinned=plane > 0
    )
    shown = scaled(framed(scene, (90.0, -20.0, 190.0, 80.0)), (50, 50))
    assert shown.depth is not None
    assert shown.strokes is not None
    assert shown.pinned is not None
    assert shown.depth.shape == shown.strokes.mask.shape == shown.pinned.shape == (50, 50)
    assert shown.strokes.mask[:34].max() == shown.pinned[:34].max() == 0
    assert shown.strokes.mask[36:, 6:].min() == 1
    assert shown.pinned[36:, 6:].all()
    assert shown.depth[0, 0] == shown.depth[20, 0] == 1, "what lies beyond is as far as the border"
    assert np.allclose(shown.strokes.paths[0], [[9.75, 39.75], [49.75, 54.75]])
    assert shown.strokes.speed == pytest.approx(6)


# --------------------------------------------------------------------------------------------------- the performance


def test_beyond_the_still_nothing_ever_moves(mira: Scene) -> None:
    crop = crop_for(mira, "16:9")
    assert crop is not None
    crop = (-300.0, 0.0, mira.still.size[0] + 300.0, float(mira.still.size[1]))
    place = (300.0, 0.0, 300.0 + mira.still.size[0], float(mira.still.size[1]))
    wide = framed(mira, crop)
    shot = Shot(
        family="animator", engine="animator", motion="live", seconds=Fraction(2), fps=Fraction(12),
        size=wide.still.size, seed=1, loop=True,
    )  # fmt: skip
    engine = load_engine("animator")
    with perform(engine, wide, shot, None, place) as performance:
        assert isinstance(performance, Framed)
        assert performance.size == wide.still.size
        assert performance.mask is not None
        assert not performance.mask[:, :300].any()
        assert not performance.mask[:, -300:].any()
        assert performance.mask.any()
        moves = False
        for index in range(performance.frame_count):
            apart = performance.frame(index) != wide.still.pixels
            assert not apart[~performance.mask].any()
            moves |= bool(apart.any())
        assert moves
        if performance.warps is None:
            return
        a, _, c, _ = performance.warps(5)[0].box
        assert a >= 300
        assert c <= 300 + mira.still.size[0]
    with perform(engine, wide, shot, None, None) as whole:
        assert not isinstance(whole, Framed)


def test_a_place_is_told_in_the_clips_pixels(mira: Scene) -> None:
    busy = with_faces(mira, speckled((600, 800)), [(230, 200, 140)])
    assert place_of(busy, None, (600, 800)) is None
    assert place_of(busy, (100.0, 0.0, 550.0, 800.0), (450, 800)) is None
    assert place_of(busy, (-400.0, 0.0, 1000.0, 800.0), (700, 400)) == (200.0, 0.0, 500.0, 400.0)


# --------------------------------------------------------------------------------------------------------- the walk


@pytest.mark.parametrize("aspect", EVERY)
def test_a_plan_says_what_is_cut_and_what_is_laid_around(aspect: Aspect) -> None:
    _, _, _, plan = workflow.propose(demo_still(), Brief(aspect=aspect))
    (shot,) = plan.shots
    across, down = ASPECTS[aspect]
    assert shot.size[0] * down == shot.size[1] * across
    assert shot.size[0] % 2 == shot.size[1] % 2 == 0
    assert any(reason.startswith(f"{aspect}, ") for reason in shot.reasons)
    assert (shot.crop is None) == (aspect == "1:1"), "the demo's still is square"
    assert type(plan).model_validate_json(plan.to_json()) == plan


@pytest.mark.parametrize("size", [(1080, 1080), (1920, 1080), (720, 1200)])
def test_a_size_must_have_the_shape_that_is_asked_for(size: Size) -> None:
    with pytest.raises(UsageError, match="it is not 9:16; try") as caught:
        workflow.propose(demo_still(), Brief(aspect="9:16", size=size))
    width, height = map(int, caught.value.fix.removeprefix("try ").split("x"))
    _, _, _, plan = workflow.propose(demo_still(), Brief(aspect="9:16", size=(width, height)))
    assert plan.shots[0].size == (width, height)


def test_sizes_are_held_to_the_window_not_to_the_still() -> None:
    assert route.size_for((720, 1280), (1080, 1920), "9:16")[0] == (1080, 1920)
    assert route.size_for((1800, 3200), None, "9:16")[0] == (1080, 1920)


@pytest.mark.parametrize(
    ("still", "aspect"),
    [
        pytest.param("photo", "9:16", marks=pytest.mark.slow),
        ("drawing", "1:1"),
        pytest.param("drawing", "9:16", marks=pytest.mark.slow),
        pytest.param("drawing", "16:9", marks=pytest.mark.slow),
    ],
)
def test_speech_in_another_shape_passes_its_inspection(tmp_path: Path, still: str, aspect: Aspect) -> None:
    picture = demo_still() if still == "photo" else demo_drawing()
    out = tmp_path / "out.mp4"
    record = workflow.animate(picture, Brief(say="Mama, come home now.", aspect=aspect), out, sheet=tmp_path / "s.png")
    assert record.inspection.passed, [f.why for f in record.inspection.findings if f.verdict == "fail"]
    found = {finding.check: finding.verdict for finding in record.inspection.findings}
    assert found["background raw"] == found["closures"] == "pass"
    (shot,) = record.plan.shots
    clip = media.open_clip(out)
    assert (clip.info.width, clip.info.height) == shot.size
    assert record.report.still.width == media.open_still(picture).size[0], "the report is about the whole still"
    again = workflow.examine(out, still=picture)
    background = next(finding for finding in again.findings if finding.check == "background")
    assert background.verdict == "pass", "the window is found again"


def test_the_face_that_is_meant_speaks_though_others_are_left_out(tmp_path: Path) -> None:
    """Two of our drawings side by side; the second face, which is smaller, is asked for and alone in the window."""
    from PIL import Image

    drawing = Image.open(demo_drawing()).convert("RGB").resize((300, 400), Image.Resampling.LANCZOS)
    both = Image.new("RGB", (1250, 400), drawing.getpixel((2, 2)))
    both.paste(drawing, (25, 0))
    both.paste(drawing.resize((270, 360), Image.Resampling.LANCZOS), (938, 40))
    path = tmp_path / "two.png"
    both.save(path)
    scene = perceive(media.open_still(path))
    assert len(scene.faces) == 2
    # Asked for the smaller one alone: the larger one counts, so both stay unless it is small enough to go.
    crop = crop_for(scene, "16:9", face=2)
    assert crop is not None
    assert 2 in faces_within(scene, crop)
    record = workflow.animate(path, Brief(face=2, seconds=Fraction(1), aspect="16:9"), tmp_path / "out" / "%05d.png")
    assert record.plan.shots[0].face == 2
    frames = [np.array(Image.open(p)).astype(int) for p in sorted((tmp_path / "out").glob("*.png"))]
    moved_at = np.argwhere(np.max([np.abs(f - frames[0]).max(-1) for f in frames], axis=0) > 12)
    x = scene.faces[1].box
    middle = (x[0] + x[2]) / 2 - crop[0]
    share = record.plan.shots[0].size[0] / (crop[2] - crop[0])
    assert abs(np.median(moved_at[:, 1]) - middle * share) < 0.6 * (x[2] - x[0]) * share
