"""What perception promises, on a public-domain portrait and on things drawn in code."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from stillwake.perceive import MeshReader, models, perceive, scaled
from stillwake.perceive import topology as at
from stillwake.perceive.faces import CONFIRMED, STEADY, candidates, crop_for, overlap
from stillwake.perceive.pose import angles
from stillwake.perceive.style import Logistic
from stillwake.types import Face, Pixels, Scene, Still


def a_still(pixels: Pixels, name: str = "test.png") -> Still:
    return Still(np.ascontiguousarray(pixels), name, "0" * 64)


@cache
def portrait() -> Pixels:
    """Eileen Collins, NASA, public domain; comes with scikit-image."""
    from skimage import data

    return np.array(data.astronaut()[0:320, 60:400])


@cache
def seen() -> Scene:
    return perceive(a_still(portrait()))


def face() -> Face:
    return seen().faces[0]


def turned(pixels: Pixels, degrees: float) -> Pixels:
    """Turned clockwise about the middle."""
    import cv2

    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1)
    return np.asarray(cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def test_one_face_with_contours_that_run_from_left_to_right_and_meet_in_the_corners() -> None:
    assert len(seen().faces) == 1
    found = face()
    mouth = found.mouth
    for contour in (mouth.outer_upper, mouth.outer_lower, mouth.inner_upper, mouth.inner_lower, found.jaw):
        assert contour.dtype == np.float32
        assert contour[0, 0] < contour[-1, 0]
    for row in (mouth.outer_upper, mouth.outer_lower, mouth.inner_upper, mouth.inner_lower):
        assert (np.diff(row[:, 0]) > 0).all()
    np.testing.assert_array_equal(mouth.outer_upper[[0, -1]], mouth.outer_lower[[0, -1]])
    np.testing.assert_array_equal(mouth.inner_upper[[0, -1]], mouth.inner_lower[[0, -1]])
    left, right = found.eyes
    assert left.upper_lid[:, 0].max() < right.upper_lid[:, 0].min()
    for eye in found.eyes:
        np.testing.assert_array_equal(eye.upper_lid[[0, -1]], eye.lower_lid[[0, -1]])
        assert (np.diff(eye.upper_lid[:, 0]) > 0).all()
        assert eye.brow[:, 1].mean() < eye.upper_lid[:, 1].mean() < eye.lower_lid[:, 1].mean()
        assert eye.iris is not None
        x, y, radius = eye.iris
        assert eye.upper_lid[0, 0] < x < eye.upper_lid[-1, 0]
        assert 0.1 < radius / np.ptp(eye.upper_lid[:, 0]) < 0.35
        assert eye.upper_lid[:, 1].min() - 1 < y < eye.lower_lid[:, 1].max() + 1
    assert mouth.outer_lower[:, 1].max() < found.chin[1]
    x0, y0, x1, y1 = found.box
    assert x0 < found.nose_tip[0] < x1
    assert y0 < found.nose_tip[1] < y1


def test_landmarks_lie_where_a_person_sees_them() -> None:
    # read off the picture by eye, in px of the cut above; +- 3 px
    found = face()
    (xl, yl, _), (xr, yr, _) = (eye.iris for eye in found.eyes if eye.iris)
    np.testing.assert_allclose([xl, yl, xr, yr], EYES_BY_EYE, atol=3)
    np.testing.assert_allclose(found.mouth.outer_upper[[0, -1]].ravel(), CORNERS_BY_EYE, atol=4)


EYES_BY_EYE = (142.5, 101, 186, 103.3)
CORNERS_BY_EYE = (143, 140, 187, 140)


def test_the_portrait_is_a_trusted_photograph_that_looks_at_us() -> None:
    found = face()
    assert seen().style == "photo"
    assert found.kind == "photo"
    assert min(found.confidence.values()) > 0.6
    assert abs(found.yaw) < 20
    assert abs(found.pitch) < 15
    assert not seen().refused


def test_everything_that_nobody_looked_at_is_said() -> None:
    assert {"faces", "matte", "style", "hands", "depth", "writing", "body"} <= set(seen().seen)
    for part in ("depth",):
        assert seen().seen[part].startswith("unseen: ")


def test_the_same_still_gives_the_same_scene() -> None:
    again = perceive(a_still(portrait()))
    assert again.faces[0].mesh is not None
    assert face().mesh is not None
    np.testing.assert_array_equal(again.faces[0].mesh, face().mesh)
    assert again.matte is not None
    assert seen().matte is not None
    np.testing.assert_array_equal(again.matte, seen().matte)
    assert again.faces[0].confidence == face().confidence


def test_a_mirrored_portrait_looks_the_other_way() -> None:
    width = portrait().shape[1]
    mirrored = perceive(a_still(portrait()[:, ::-1])).faces[0]
    assert mirrored.yaw == pytest.approx(-face().yaw, abs=6)
    assert mirrored.roll == pytest.approx(-face().roll, abs=2)
    corners = mirrored.mouth.outer_upper[[-1, 0]] * [-1, 1] + [width - 1, 0]
    np.testing.assert_allclose(corners, face().mouth.outer_upper[[0, -1]], atol=0.02 * face().size)


@pytest.mark.parametrize("degrees", [-20, 15])
def test_a_turned_portrait_has_that_much_more_roll(degrees: float) -> None:
    found = perceive(a_still(turned(portrait(), degrees))).faces[0]
    assert found.roll == pytest.approx(face().roll + degrees, abs=2.5)
    assert found.yaw == pytest.approx(face().yaw, abs=8)


def test_a_rigidly_turned_mesh_reads_as_the_calibration_says() -> None:
    flat = np.zeros((478, 3), np.float32)
    flat[at.EAR_LEFT], flat[at.EAR_RIGHT] = (-50, 0, 0), (50, 0, 0)
    flat[at.CORNER_LEFT], flat[at.CORNER_RIGHT] = (-30, -10, 0), (30, -10, 0)
    flat[at.FOREHEAD], flat[at.CHIN] = (0, -60, 0), (0, 60, 0)
    away = flat.copy()
    away[at.EAR_RIGHT, 2], away[at.EAR_LEFT, 2] = 20, -20  # the viewer's right side lies further away
    assert angles(flat)[0] == 0
    assert angles(away)[0] == pytest.approx(30, abs=1)
    away[:, 2] *= -1
    assert angles(away)[0] == pytest.approx(-30, abs=1)


def test_a_picture_on_its_side_is_refused_with_the_turn_that_helps() -> None:
    scene = perceive(a_still(np.rot90(portrait())))  # turned a quarter anticlockwise
    if scene.faces:
        assert abs(scene.faces[0].roll) > 60
        return
    assert "turned a quarter clockwise" in scene.refused[0].why
    upright = face().box
    width = portrait().shape[1]
    there = (upright[1], width - upright[2], upright[3], width - upright[0])
    assert overlap(scene.refused[0].box, there) > 0.7


def test_the_matte_covers_the_person_and_leaves_the_background() -> None:
    matte = seen().matte
    assert matte is not None
    assert matte.shape == portrait().shape[:2]
    assert matte.dtype == np.float32
    assert 0 <= matte.min() <= matte.max() <= 1
    x, y = (round(v) for v in face().nose_tip)
    assert matte[y, x] > 0.95
    assert matte[:40, :30].max() < 0.1  # the flag and the wall
    x0, y0, x1, _ = (round(v) for v in face().box)
    assert matte[y0:y, x0 + 10 : x1 - 10].mean() > 0.9


def clouds(seed: int) -> Pixels:
    import cv2

    random = np.random.default_rng(seed)
    sky = sum(
        cv2.resize(random.normal(0, 1 / side, (side, side, 3)).astype(np.float32), (400, 400), interpolation=3) * 40
        for side in (4, 8, 16, 32)
    )
    return np.clip(128 + sky * 20, 0, 255).astype(np.uint8)


def smiley() -> Pixels:
    """A face as a child draws it: a disc with dots and an arc."""
    import cv2

    image = np.full((300, 300, 3), 235, np.uint8)
    cv2.circle(image, (150, 150), 90, (250, 210, 60), -1)
    for x in (120, 180):
        cv2.circle(image, (x, 125), 9, (30, 30, 30), -1)
    cv2.ellipse(image, (150, 165), (45, 35), 0, 20, 160, (30, 30, 30), 5)
    return image


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((200, 300, 3), 128, np.uint8),
        np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (200, 1, 3)),
        np.random.default_rng(0).integers(0, 256, (240, 320, 3)).astype(np.uint8),
        clouds(1),
        np.zeros((1, 1, 3), np.uint8),
        np.full((3, 900, 3), 60, np.uint8),
    ],
    ids=["grey", "ramp", "noise", "clouds", "1x1", "sliver"],
)
def test_no_face_where_there_is_none(pixels: Pixels) -> None:
    scene = perceive(a_still(pixels))
    assert scene.faces == ()
    assert scene.matte is not None
    assert scene.matte.shape == pixels.shape[:2]
    for refused in scene.refused:
        assert refused.why


def test_a_small_face_in_a_large_picture_is_found() -> None:
    pixels = np.full((1500, 2400, 3), (120, 140, 110), np.uint8)
    height, width = portrait().shape[:2]
    pixels[1000 : 1000 + height, 1700 : 1700 + width] = portrait()
    (found,) = perceive(a_still(pixels)).faces
    expected = np.add(face().box, (1700, 1000, 1700, 1000))
    np.testing.assert_allclose(found.box, expected, atol=4)


def test_a_smiley_is_drawn_if_it_is_a_face_at_all() -> None:
    scene = perceive(a_still(smiley()))
    assert not scene.faces or scene.style == "drawn"


def test_a_cat_is_refused_with_a_reason() -> None:
    from skimage import data

    scene = perceive(a_still(data.chelsea()))
    assert scene.faces == ()
    assert scene.refused


def test_people_are_far_from_the_limits_of_the_gate() -> None:
    (place,) = [c for c in candidates(portrait()) if not c.why]
    assert place.fit.confirmed > CONFIRMED + 0.3
    assert place.fit.unsteady < STEADY / 2


def over_the_mouth(colour: tuple[int, int, int]) -> Pixels:
    """The lips under a shaded disc."""
    pixels = portrait().astype(np.float32)
    lips = np.concatenate([face().mouth.outer_upper, face().mouth.outer_lower])
    x, y = lips.mean(0)
    radius = 0.75 * np.ptp(lips[:, 0])
    rows, columns = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]]
    r = np.hypot(columns - x, rows - y) / radius
    inside = np.clip((1 - r) * 12, 0, 1)[..., None]
    disc = np.array(colour) * np.clip(1.05 - 0.45 * r**2, 0, 2)[..., None]
    return np.clip(pixels * (1 - inside) + disc * inside, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("colour", [(214, 160, 130), (40, 40, 44), (150, 185, 215)], ids=["skin", "black", "blue"])
def test_a_covered_mouth_is_not_trusted(colour: tuple[int, int, int]) -> None:
    scene = perceive(a_still(over_the_mouth(colour)))
    assert not scene.faces or scene.faces[0].confidence["mouth"] < 0.3


def test_glasses_drawn_on_take_the_trust_from_the_eyes_and_leave_it_to_the_mouth() -> None:
    import cv2

    pixels = portrait().copy()
    irises = [eye.iris for eye in face().eyes if eye.iris]
    apart = irises[1][0] - irises[0][0]
    for x, y, _ in irises:
        size = (round(0.42 * apart), round(0.34 * apart))
        cv2.ellipse(pixels, (round(x), round(y + 0.06 * apart)), size, 0, 0, 360, (25, 25, 28), 2, cv2.LINE_AA)
    bridge = [
        (round(x + s * 0.42 * apart), round(y + 0.04 * apart)) for (x, y, _), s in zip(irises, (1, -1), strict=True)
    ]
    cv2.line(pixels, bridge[0], bridge[1], (25, 25, 28), 2, cv2.LINE_AA)
    found = perceive(a_still(pixels)).faces[0]
    assert found.confidence["eyes"] < 0.5
    assert found.confidence["mouth"] > 0.5


# ------------------------------------------------------------------------------------------------------- scaling


def test_scaling_moves_every_coordinate_about_pixel_centres() -> None:
    scene = seen()
    width, height = scene.still.size
    twice = scaled(scene, (2 * width, 3 * height))
    assert twice.still.size == (2 * width, 3 * height)
    assert twice.matte is not None
    assert twice.matte.shape == (3 * height, 2 * width)
    before, after = scene.faces[0], twice.faces[0]
    stretch = np.array([2, 3])
    np.testing.assert_allclose(after.mouth.inner_upper, (before.mouth.inner_upper + 0.5) * stretch - 0.5, rtol=1e-5)
    np.testing.assert_allclose(after.jaw, (before.jaw + 0.5) * stretch - 0.5, rtol=1e-5)
    np.testing.assert_allclose(after.chin, (np.array(before.chin) + 0.5) * stretch - 0.5, rtol=1e-5)
    assert before.mesh is not None
    assert after.mesh is not None
    np.testing.assert_allclose(after.mesh[:, :2], (before.mesh[:, :2] + 0.5) * stretch - 0.5, rtol=1e-5)
    np.testing.assert_allclose(after.mesh[:, 2], before.mesh[:, 2] * np.sqrt(6), rtol=1e-5)
    assert after.eyes[0].iris is not None
    assert before.eyes[0].iris is not None
    assert after.eyes[0].iris[2] == pytest.approx(before.eyes[0].iris[2] * np.sqrt(6))
    assert after.confidence == before.confidence
    assert not after.jaw.flags.writeable


def test_scaling_keeps_a_box_that_spans_the_picture() -> None:
    from dataclasses import replace

    from stillwake.types import Refused

    scene = replace(seen(), refused=(Refused((0, 0, *seen().still.size), "all"),), seen=dict(seen().seen))
    half = scaled(scene, (85, 80))
    x0, y0, x1, y1 = half.refused[0].box
    # the first and last pixel's centres move inwards by the half pixel that each gains
    assert (x0, y0) == (-0.375, -0.375)
    assert (x1, y1) == (85.375 - 0, 80.375)


def test_scaling_there_and_back_and_to_the_same_size() -> None:
    scene = seen()
    width, height = scene.still.size
    assert scaled(scene, (width, height)) is scene
    back = scaled(scaled(scene, (777, 555)), (width, height))
    np.testing.assert_allclose(back.faces[0].box, scene.faces[0].box, atol=1e-3)
    np.testing.assert_allclose(back.faces[0].jaw, scene.faces[0].jaw, atol=1e-3)


def test_scaling_refuses_an_empty_size() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        scaled(seen(), (0, 10))


# -------------------------------------------------------------------------------------------------- the mesh reader


def test_the_reader_agrees_with_perception_and_ignores_the_order_of_frames() -> None:
    brighter = np.clip(portrait().astype(int) + 25, 0, 255).astype(np.uint8)
    with MeshReader() as reader:
        first = reader.mesh(portrait(), face().box, roll=face().roll)
        reader.mesh(brighter, face().box, roll=face().roll)
        again = reader.mesh(portrait(), face().box, roll=face().roll)
    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first, again)
    assert face().mesh is not None
    off = np.linalg.norm(first[list(at.LIPS), :2] - face().mesh[list(at.LIPS), :2], axis=1)
    apart = np.linalg.norm(first[at.IRISES[0], :2] - first[at.IRISES[1], :2])
    assert off.mean() < 0.03 * apart


def test_the_reader_follows_a_face_that_moves() -> None:
    moved = np.roll(portrait(), (3, 5), axis=(0, 1))
    with MeshReader() as reader:
        before = reader.mesh(portrait(), face().box)
        after = reader.mesh(moved, face().box)
    assert before is not None
    assert after is not None
    shift = (after - before)[list(at.LIPS), :2].mean(0)
    np.testing.assert_allclose(shift, (5, 3), atol=0.6)


def test_the_reader_sees_nothing_in_an_empty_frame() -> None:
    with MeshReader() as reader:
        assert reader.mesh(np.full((200, 200, 3), 90, np.uint8), (50, 50, 150, 150)) is None


# -------------------------------------------------------------------------------------------------------- the models


def test_a_crop_maps_pixels_to_themselves_and_corners_to_corners() -> None:
    random = np.random.default_rng(3)
    pixels = random.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    whole = models.Crop(31.5, 31.5, 64)
    np.testing.assert_array_equal(whole.cut(pixels, 64), pixels)
    turn = models.Crop(10, 20, 40, 90).matrix(40).astype(float)
    # a quarter clockwise: what lies to the right of the centre comes out above
    np.testing.assert_allclose(turn @ [10, 20, 1], [19.5, 19.5], atol=1e-5)
    np.testing.assert_allclose(turn @ [10 + 7, 20, 1], [19.5, 12.5], atol=1e-5)


def test_a_large_crop_is_averaged_not_sampled() -> None:
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[:, ::2] = 200
    small = models.Crop(399.5, 399.5, 800).cut(stripes, 100)
    # a pixel of the result covers eight stripes; sampling would leave 0 and 200
    assert np.ptp(small[10:-10, 10:-10]) <= 20
    assert abs(float(small.mean()) - 100) < 2


@pytest.mark.parametrize("side", [64, 70, 110, 128, 230, 400, 560])
def test_a_crop_of_any_size_keeps_everything_in_its_place(side: int) -> None:
    y, x = np.mgrid[:900, :900]
    places = np.stack([x, y, x + y], -1).astype(np.float32)  # each pixel says where it is
    crop = models.Crop(431.2, 447.9, side, 20)
    matrix = np.vstack([crop.matrix(64), [0, 0, 1]])
    v, u = np.mgrid[:64, :64]
    wanted = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(matrix).T
    np.testing.assert_allclose(crop.cut(places, 64)[..., :2], wanted[..., :2], atol=0.02 * side / 64)


def test_the_crop_around_a_mesh_stands_upright() -> None:
    assert face().mesh is not None
    crop = crop_for(face().mesh)
    assert crop.angle == pytest.approx(face().roll)
    x0, y0, x1, y1 = face().box
    assert x0 < crop.x < x1
    assert y0 < crop.y < y1


def test_loading_is_silent_and_leaves_out_matplotlib(tmp_path: os.PathLike[str]) -> None:
    script = (
        "import numpy as np, sys\n"
        "from stillwake.perceive import perceive\n"
        "from stillwake.types import Still\n"
        "perceive(Still(np.full((64, 64, 3), 90, np.uint8), 'a', '0'))\n"
        "assert 'matplotlib' not in sys.modules\n"
        "import mediapipe.python.solutions.drawing_utils as drawing\n"
        "assert callable(drawing.plt.figure)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, check=False, timeout=120)
    assert done.stderr == b""
    assert done.returncode == 0


def test_only_known_chatter_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with models._without_chatter():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nE0000 something broke\n")
    assert capfd.readouterr().err == "E0000 something broke\n"


def test_a_logistic_regression_is_a_half_at_its_mean() -> None:
    model = Logistic(0.0, {"a": (3.0, 2.0, 1.5)})
    assert model.probability({"a": 3.0}) == 0.5
    assert model.probability({"a": 5.0}) == pytest.approx(1 / (1 + np.exp(-1.5)))


# ----------------------------------------------------------------------------------- pictures that lie beside us


def shared_pixels(folder: object, name: str) -> npt.NDArray[np.uint8]:
    from pathlib import Path

    from PIL import Image

    path = next(Path(str(folder)).glob(f"stills/*/{name}.*"))
    return np.array(Image.open(path).convert("RGB"))


@pytest.mark.shared
@pytest.mark.parametrize("name", ["photo_13", "photo_17", "photo_20"])
def test_animals_are_refused(shared: object, name: str) -> None:
    scene = perceive(a_still(shared_pixels(shared, name)))
    assert scene.faces == ()
    assert scene.refused
    assert scene.refused[0].why


@pytest.mark.shared
def test_five_people_largest_first(shared: object) -> None:
    scene = perceive(a_still(shared_pixels(shared, "photo_48")))
    sizes = [found.size for found in scene.faces]
    assert len(sizes) == 5
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["photo_07", "photo_23", "photo_30", "photo_41", "photo_42"])
def test_glasses_statue_moustache_beard_and_robot_are_people(shared: object, name: str) -> None:
    scene = perceive(a_still(shared_pixels(shared, name)))
    assert len(scene.faces) == 1
    assert scene.style != "drawn"
    assert scene.faces[0].confidence["mouth"] > 0.5


@pytest.mark.shared
@pytest.mark.parametrize("name", ["drawn_03", "drawn_40", "drawn_64", "drawn_79"])
def test_drawings_are_drawn(shared: object, name: str) -> None:
    scene = perceive(a_still(shared_pixels(shared, name)))
    assert scene.style == "drawn"
    assert all(found.kind == "drawn" for found in scene.faces)


@pytest.mark.parametrize(
    ("by_face", "by_picture", "fits", "drawing", "style"),
    [
        (0.9, 0.3, True, 0.8, "drawn"),
        (0.9, 0.9, True, 0.0, "photo"),  # a person's face, and the finder of drawn ones finds none
        (0.9, 0.8, False, 0.0, "drawn"),
        (0.9, 0.3, False, 0.0, "photo"),  # half a face, and nothing else speaks for a drawing
        (0.4, 0.9, False, 0.9, "drawn"),  # the mesh fits nothing, and a drawn face is there
        (0.4, 0.9, True, 0.9, "photo"),
        (0.1, 0.8, False, 0.6, "photo"),  # a photograph in which the finder of drawn faces sees one too
        (None, 0.1, False, 0.5, "drawn"),
        (None, 0.97, False, 0.0, "drawn"),
        (None, 0.9, False, 0.0, "photo"),  # a thing before a white wall, a back, a hand
    ],
)
def test_style_is_read_from_the_face_that_is_there(
    monkeypatch: pytest.MonkeyPatch, by_face: float | None, by_picture: float, fits: bool, drawing: float, style: str
) -> None:
    from stillwake.perceive import style as styles

    pixels = seen().still.pixels
    largest = candidates(pixels)[0].fit if by_face is not None else None
    monkeypatch.setattr(styles, "FACE_DRAWN", Logistic(float(np.log(by_face / (1 - by_face))) if by_face else 0, {}))
    monkeypatch.setattr(styles, "PICTURE_DRAWN", Logistic(float(np.log(by_picture / (1 - by_picture))), {}))
    monkeypatch.setattr(styles, "PAINTED", Logistic(-9, {}))
    found, sure = styles.style_of(pixels, largest, fits=fits, drawing=drawing)
    assert found == style
    assert 0.5 <= sure <= 1


def test_legs_that_end_near_the_lower_edge_are_looked_at_again_with_room_below(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from stillwake.perceive import body
    from stillwake.types import Body

    heights: list[int] = []

    def looked(lower: float, knees: float = 70.0) -> object:
        """A net that draws the feet where the picture ends, but lower where there is room."""

        def answer(pixels: Pixels, size: tuple[float, float]) -> Body:
            assert size == (60, len(pixels))
            heights.append(len(pixels))
            joints = np.zeros((33, 2), np.float32)
            joints[[25, 26], 1] = knees if len(pixels) == 100 else 70.0
            joints[[*body.ANKLES, *body.FEET], 1] = 98.0 if len(pixels) == 100 else lower
            return Body(joints, np.ones(33, np.float32))

        return answer

    def feet(*asked: float) -> float:
        heights.clear()
        monkeypatch.setattr(body, "_looked", looked(*asked))
        found = body.body_of(np.zeros((100, 60, 3), np.uint8))
        assert found is not None
        return float(found.joints[list(body.FEET), 1].max())

    assert feet(112.0) == 112.0
    assert heights == [100, 125]
    assert feet(90.0) == 98.0
    assert feet(112.0, 20.0) == 98.0, "those are the knees of somebody else"
    assert feet(112.0, 120.0) == 98.0
    assert heights == [100], "the shot ends above the knees"
