"""The still taken apart: a figure of known outline over a known picture, and what is painted behind it."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest

from stillwake.engines.animator.fill import fill_behind
from stillwake.engines.animator.layers import Layers, build_layers, cut_out, enlarged, lost_limb, stands_free
from stillwake.types import Body, Floats, Hand, Pixels, Scene, Size, Still, Style

WIDTH, HEIGHT = 540, 720
SIZE = (WIDTH, HEIGHT)
MAGENTA = np.array([230.0, 30.0, 170.0])


def noise(seed: int, size: Size = SIZE) -> Any:
    return np.random.default_rng(seed).normal(size=(size[1], size[0], 1))


@cache
def behind(size: Size = SIZE) -> Any:
    """A green picture with soft shapes and grain, (H, W, 3) float."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]] / np.array([size[1], size[0]])[:, None, None]
    slope = np.stack([60 + 70 * x, 110 + 60 * y, 90 + 40 * (1 - x)], -1)
    shapes = cv2.GaussianBlur(noise(1, size), (0, 0), 0.02 * max(size))[..., None] * 120
    return np.clip(slope + shapes + 5 * noise(2, size), 0, 255)


@cache
def outline(soft: float = 0.0, size: Size = SIZE) -> Floats:
    """How much there is of a head on shoulders, (H, W), to the fraction of a pixel."""
    width, height = size
    big = np.zeros((4 * height, 4 * width), np.uint8)
    for centre, radii in (((0.5, 0.36), (0.17, 0.17)), ((0.5, 1.0), (0.36, 0.42))):
        at, reach = ((int(4 * a * width), int(4 * b * height)) for a, b in (centre, radii))
        cv2.ellipse(big, at, reach, 0, 0, 360, 255, -1)
    cv2.rectangle(big, (int(1.76 * width), 2 * height), (int(2.24 * width), int(2.5 * height)), 255, -1)
    alpha = cv2.resize(big, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return cv2.GaussianBlur(alpha, (0, 0), soft) if soft else alpha


def seen_roughly(alpha: Floats) -> Floats:
    """The matte that a net would give: soft, and a little beside it."""
    return np.clip(np.roll(cv2.GaussianBlur(alpha, (0, 0), 5), (2, -1), (1, 0)), 0, 1).astype(np.float32)


def skin(size: Size = SIZE) -> Any:
    return np.clip(MAGENTA + 4 * noise(3, size), 0, 255)


def laid(alpha: Floats, below: Any, size: Size = SIZE) -> Pixels:
    return np.rint(alpha[..., None] * skin(size) + (1 - alpha[..., None]) * below).astype(np.uint8)


def scene_of(pixels: Pixels, matte: Floats | None, *, style: Style = "photo", **more: Any) -> Scene:
    return Scene(Still(pixels, "a.png", "0" * 64, more.pop("alpha", None)), style, (), (), matte, {}, **more)


@cache
def figure(soft: float = 0.0, scale: int = 2) -> tuple[Pixels, Layers]:
    pixels = laid(outline(soft), behind())
    return pixels, build_layers(scene_of(pixels, seen_roughly(outline(soft))), scale)


def rest(layers: Layers, below: Any) -> Any:
    """The subject where it was, over something, (H, W, 3) float."""
    assert layers.subject is not None
    own = layers.subject[:: layers.scale, :: layers.scale].astype(np.float64)
    return own[..., :3] + below * (1 - own[..., 3:] / 255)


def away(alpha: Floats) -> Any:
    """Px to the nearest place of the outline."""
    inside = (alpha > 0.5).astype(np.uint8)
    return cv2.distanceTransform(inside, cv2.DIST_L2, 5) + cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)


# -------------------------------------------------------------------------------------------------------- the cut-out

SOFTNESS = pytest.mark.parametrize("soft", [0.0, 1.5])
"""Px: a sharp edge, and one out of focus."""


@SOFTNESS
def test_the_outline_is_found_to_the_fraction_of_a_pixel(soft: float) -> None:
    _, layers = figure(soft)
    assert layers.lost == ""
    assert layers.alpha is not None
    wrong = np.abs(layers.alpha - outline(soft))
    assert wrong.mean() < (0.001 if soft == 0 else 0.003)
    assert wrong[away(outline(soft)) < 4].mean() < (0.02 if soft == 0 else 0.09)
    assert np.abs(seen_roughly(outline(soft)) - outline(soft)).mean() > 0.008, "the rough matte is worse by far"


@SOFTNESS
def test_the_rim_is_narrow(soft: float) -> None:
    _, layers = figure(soft)
    assert layers.alpha is not None
    rim = (layers.alpha > 0.02) & (layers.alpha < 0.98)
    assert rim.any()
    assert 2 * away(outline(soft))[rim].max() <= 7
    assert (layers.alpha[outline(soft) > 0.999][away(outline(soft))[outline(soft) > 0.999] > 7] == 1).all(), "no holes"


def test_what_is_known_about_the_cut_is_said() -> None:
    _, layers = figure()
    assert layers.cut is not None
    assert 0 < layers.cut.moved < 0.05
    assert layers.cut.unsure < 0.02
    x0, y0, x1, y1 = layers.box
    there = layers.alpha > 0.004  # type: ignore[operator]
    assert there[y0:y1, x0:x1].sum() == there.sum()
    assert there[:, x0].any()
    assert there[y0].any()
    assert y1 == HEIGHT


def test_where_both_sides_look_alike_the_cut_is_unsure() -> None:
    pixels = np.rint(np.clip(behind() + 6 * outline()[..., None], 0, 255)).astype(np.uint8)
    cut = cut_out(pixels, seen_roughly(outline()))
    assert cut is None or cut.unsure > 0.5


def test_the_same_still_gives_the_same_layers() -> None:
    pixels, layers = figure()
    again = build_layers(scene_of(pixels, seen_roughly(outline())))
    assert np.array_equal(again.plate, layers.plate)
    assert np.array_equal(again.subject, layers.subject)


# ---------------------------------------------------------------------------------------------------------- two layers


def reddest(pixels: Any) -> float:
    return float((pixels[..., 0].astype(float) - pixels[..., 1]).max())


@SOFTNESS
@pytest.mark.parametrize("scale", [2, 3])
def test_nothing_of_the_subject_is_left_behind_it(soft: float, scale: int) -> None:
    _, layers = figure(soft, scale)
    assert np.linalg.norm(layers.plate - MAGENTA, axis=-1).min() > 120
    assert reddest(layers.plate) < reddest(behind()) + 15, "not even a shade of it"


def test_strands_that_the_matte_does_not_know_are_not_left_behind() -> None:
    strands = np.rint(outline() * 255).astype(np.uint8)
    for angle in np.linspace(np.pi, 2 * np.pi, 17):
        way = np.array([np.cos(angle) * 0.17 * WIDTH, np.sin(angle) * 0.17 * HEIGHT])
        start, stop = (np.array([0.5 * WIDTH, 0.36 * HEIGHT]) + share * way for share in (0.9, 1.2))
        cv2.line(strands, start.astype(int).tolist(), stop.astype(int).tolist(), 255, 2, cv2.LINE_AA)
    alpha = strands / np.float32(255)
    layers = build_layers(scene_of(laid(alpha, behind()), seen_roughly(outline())))
    assert reddest(layers.plate) < reddest(behind()) + 25


@SOFTNESS
def test_beside_the_subject_the_plate_is_the_still(soft: float) -> None:
    pixels, layers = figure(soft)
    far = away(outline(soft)) * (outline(soft) < 0.5) > 0.02 * HEIGHT
    assert far.mean() > 0.3
    assert np.array_equal(layers.plate[::2, ::2][far], pixels[far])


def test_what_is_painted_behind_it_goes_on_as_it_is_around() -> None:
    _, layers = figure()
    plate = layers.plate[::2, ::2].astype(np.float64)
    near = (outline() > 0.5) & (away(outline()) < 0.02 * WIDTH)
    soft, true = (cv2.GaussianBlur(image, (0, 0), 4)[near] for image in (plate, behind()))
    assert np.abs(soft - true).mean() < 8
    assert np.linalg.norm(soft - true, axis=-1).max() < 60
    grain = [(image - cv2.GaussianBlur(image, (0, 0), 2))[near].std() for image in (plate, behind())]
    assert 0.4 * grain[1] < grain[0] < 1.1 * grain[1]


@SOFTNESS
@pytest.mark.parametrize("scale", [2, 3])
def test_put_together_again_it_is_the_still(soft: float, scale: int) -> None:
    pixels, layers = figure(soft, scale)
    wrong = np.abs(rest(layers, layers.plate[::scale, ::scale].astype(np.float64)) - pixels)
    assert wrong.mean() < 0.3
    assert np.percentile(wrong, 99.9) < 20
    inside = (outline(soft) > 0.5) & (away(outline(soft)) > 6)
    assert wrong[inside].max() <= 1


@SOFTNESS
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (20, 200, 40), (30, 60, 230)])
def test_on_another_colour_no_fringe_is_seen(soft: float, colour: tuple[int, int, int]) -> None:
    _, layers = figure(soft)
    below = np.array(colour, np.float64)
    shown, true = rest(layers, below), outline(soft)[..., None] * skin() + (1 - outline(soft)[..., None]) * below
    rim = away(outline(soft)) < 5
    wrong = shown - true
    assert np.abs(wrong[rim]).mean() < (3 if soft == 0 else 9)
    assert np.abs(wrong[rim].mean(0)).max() < (2 if soft == 0 else 5), (
        "neither lighter nor darker, nor of the old background's colour"
    )
    assert np.abs(wrong[away(outline(soft)) > 8]).max() <= 1.5, "and nothing glows further out"


def test_premultiplied_colours_never_exceed_their_alpha() -> None:
    for soft in (0.0, 1.5):
        layers = figure(soft)[1]
        assert layers.subject is not None
        assert (layers.subject[..., :3] <= layers.subject[..., 3:]).all()


@pytest.mark.parametrize("scale", [2, 3])
def test_an_enlarged_still_holds_every_pixel_of_it(scale: int) -> None:
    for size in (SIZE, (61, 47)):
        pixels = laid(outline(0.0, size), behind(size), size)
        assert np.array_equal(enlarged(pixels, scale)[::scale, ::scale], pixels)
        assert enlarged(pixels, scale).shape == (scale * size[1], scale * size[0], 3)


def test_crisp_layers_are_as_sharp_between_pixels_as_the_still_is() -> None:
    pixels = behind().astype(np.uint8)
    scene = scene_of(pixels, None)

    def sharpness(image: Pixels) -> float:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F))[4:-4, 4:-4].mean())

    def between(layers: Layers) -> float:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        shift = np.array([[3, 0, 0.9], [0, 3, 0.9]], np.float32)
        return sharpness(cv2.warpAffine(layers.plate, shift, SIZE, flags=flags))

    crisp, plain = (between(build_layers(scene, 3, crisp=crisp)) for crisp in (True, False))
    assert crisp == pytest.approx(sharpness(pixels), rel=0.15)
    assert plain < 0.85 * crisp


# --------------------------------------------------------------------------------------- what is not to be moved apart


def hand_at(x: float, y: float) -> Hand:
    around = np.random.default_rng(0).uniform(-30, 30, (21, 2)).astype(np.float32)
    points = np.array([x, y], np.float32) + around
    box = (*(float(v) for v in points.min(0)), *(float(v) for v in points.max(0)))
    return Hand(points, box, "left", "left", 0.9, 0.9, 5.0, -3.0, 0.1, 5.0)


def body_with(**seen: tuple[float, float]) -> Body:
    joints, sure = np.zeros((33, 2), np.float32), np.zeros(33, np.float32)
    for name, at in seen.items():
        joints[int(name.removeprefix("joint"))], sure[int(name.removeprefix("joint"))] = at, 0.9
    return Body(joints, sure)


def test_a_hand_outside_the_cut_out_refuses_to_part_it() -> None:
    pixels, layers = figure()
    matte = seen_roughly(outline())
    lost = build_layers(scene_of(pixels, matte, hands=(hand_at(60, 120),)))
    if lost.subject is None:
        assert lost.lost == "the cut-out loses a hand"
        assert lost.alpha is None
        assert np.array_equal(lost.plate[::2, ::2], pixels), "and the still stays in one piece"
    else:
        assert lost.alpha is not None
        assert lost.alpha[120, 60] > 0.9, "or the hand is cut out with it"
    assert layers.alpha is not None
    assert lost_limb(scene_of(pixels, matte, hands=(hand_at(60, 120),)), layers.alpha) == "a hand"
    assert lost_limb(scene_of(pixels, matte, hands=(hand_at(270, 600),)), layers.alpha) == ""
    assert lost_limb(scene_of(pixels, matte, hands=(hand_at(-200, 120),)), layers.alpha) == "", "beyond the picture"


def test_an_arm_outside_the_cut_out_refuses_to_part_it() -> None:
    pixels, layers = figure()
    matte = seen_roughly(outline())
    arm = {"joint13": (40.0, 200.0), "joint15": (50.0, 90.0)}
    lost = build_layers(scene_of(pixels, matte, body=body_with(**arm)))
    assert lost.subject is None
    assert lost.lost == "the cut-out loses an arm or a leg"
    assert layers.alpha is not None
    one = {"joint13": (40.0, 200.0), "joint11": (200.0, 600.0)}
    assert lost_limb(scene_of(pixels, matte, body=body_with(**one)), layers.alpha) == "", "one joint may be a slip"


@pytest.mark.parametrize(
    ("matte", "says"),
    [
        (None, "no person"),
        (np.zeros((HEIGHT, WIDTH), np.float32), "no person"),
        (np.ones((HEIGHT, WIDTH), np.float32), "no person"),
        (np.full((HEIGHT, WIDTH), 0.5, np.float32), "no person"),
        (np.eye(HEIGHT, WIDTH, dtype=np.float32), "no person"),
    ],
)
def test_without_a_person_there_is_one_layer(matte: Floats | None, says: str) -> None:
    pixels = figure()[0]
    layers = build_layers(scene_of(pixels, matte), 3)
    assert says in layers.lost
    assert layers.subject is None
    assert layers.alpha is None
    assert np.array_equal(layers.plate[::3, ::3], pixels)


def test_a_matte_of_something_else_is_not_believed() -> None:
    elsewhere = np.roll(seen_roughly(outline()), 200, 1)
    elsewhere[:, :200] = 0
    layers = build_layers(scene_of(figure()[0], elsewhere))
    if layers.subject is None:
        assert layers.lost
    else:
        assert layers.cut is not None
        assert layers.cut.unsure > 0.2, "what is cut along nothing says so, and carries half as much"


# -------------------------------------------------------------------------------------------------- transparent stills


def on_white(alpha: Floats) -> tuple[Pixels, Pixels]:
    cover = np.rint(alpha * 255).astype(np.uint8)
    return laid(cover / np.float32(255), 255.0), cover


@pytest.mark.parametrize("scale", [2, 3])
@SOFTNESS
def test_a_transparent_stills_colours_are_its_own(soft: float, scale: int) -> None:
    pixels, cover = on_white(outline(soft))
    layers = build_layers(scene_of(pixels, None, alpha=cover), scale)
    assert layers.subject is not None
    own = layers.subject[::scale, ::scale].astype(np.float64)
    assert np.array_equal(own[..., 3], cover)
    assert np.abs(own[..., :3] - skin() * (cover / 255)[..., None]).max() <= 2
    assert (layers.plate == 255).all()
    assert layers.lost == ""


def test_an_alpha_that_is_only_faint_is_no_cut_out() -> None:
    pixels = figure()[0]
    faint = np.full((HEIGHT, WIDTH), 255, np.uint8)
    faint[:, 100:] = 200
    scene = scene_of(pixels, seen_roughly(outline()), alpha=faint)
    assert not stands_free(scene.still)
    layers = build_layers(scene)
    assert np.array_equal(layers.plate, figure()[1].plate)
    assert np.array_equal(layers.subject, figure()[1].subject)
    assert not stands_free(scene_of(pixels, None).still)
    assert stands_free(scene_of(*on_white(outline())[:1], None, alpha=on_white(outline())[1]).still)


# -------------------------------------------------------------------------------------------------- what is painted in


def holes(size: Size) -> dict[str, Any]:
    width, height = size
    return {
        "middle": np.s_[height // 3 : 2 * height // 3 + 1, width // 3 : 2 * width // 3 + 1],
        "one column": np.s_[:, width // 2 : width // 2 + 1],
        "one row": np.s_[height // 2 : height // 2 + 1],
        "one pixel": np.s_[height // 2 : height // 2 + 1, width // 2 : width // 2 + 1],
        "a corner": np.s_[:1, :1],
        "a side": np.s_[:, : max(1, width // 4)],
        "all but a column": np.s_[:, 1:],
    }


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("size", [(270, 180), (67, 101), (16, 16), (200, 3)])
@pytest.mark.parametrize("name", holes(SIZE))
def test_a_hole_is_filled_and_the_rest_left_alone(name: str, size: Size, drawn: bool) -> None:
    hole = np.zeros(size[::-1], bool)
    hole[holes(size)[name]] = True
    pixels = behind(size).astype(np.uint8)
    pixels[hole] = MAGENTA
    before = pixels.copy()
    filled = fill_behind(pixels, hole, drawn=drawn)
    assert np.array_equal(pixels, before), "the picture that was given is not drawn in"
    assert np.array_equal(filled[~hole], before[~hole])
    assert np.linalg.norm(filled[hole] - MAGENTA, axis=-1).min() > 60
    assert filled.dtype == np.uint8


def test_no_hole_and_nothing_but_a_hole_leave_the_picture() -> None:
    pixels = behind().astype(np.uint8)
    for hole in (np.zeros((HEIGHT, WIDTH), bool), np.ones((HEIGHT, WIDTH), bool)):
        filled = fill_behind(pixels, hole, drawn=False)
        assert np.array_equal(filled, pixels)
        assert filled is not pixels


def test_a_line_goes_on_through_a_hole_and_a_slope_goes_on_rising() -> None:
    ramp = np.linspace(40, 210, WIDTH)[None, :, None].repeat(HEIGHT, 0).repeat(3, 2).astype(np.uint8)
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[300:400, 200:300] = True
    pixels = ramp.copy()
    pixels[hole] = 0
    for drawn in (False, True):
        assert np.abs(fill_behind(pixels, hole, drawn=drawn).astype(int) - ramp)[hole].max() < 40
    lines = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    lines[340:360] = 30
    pixels = lines.copy()
    pixels[hole] = 255
    middle = fill_behind(pixels, hole, drawn=False)[:, 208:216].mean((1, 2))
    assert middle[345:355].mean() < middle[305:325].mean() - 60


def test_a_photographs_grain_goes_on_and_a_drawings_lines_are_not_mirrored() -> None:
    pixels = behind().astype(np.uint8)
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[300:400, 200:300] = True
    near = np.zeros_like(hole)
    near[304:320, 204:296] = True

    def grain(image: Pixels) -> float:
        return float((image - cv2.GaussianBlur(image.astype(np.float64), (0, 0), 2))[near].std())

    photo, drawn = (grain(fill_behind(pixels, hole, drawn=drawn)) for drawn in (False, True))
    assert photo > 0.5 * grain(pixels)
    assert drawn < 0.25 * grain(pixels)
