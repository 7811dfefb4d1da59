"""The signals behind the checks, on pictures drawn here whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from stillwake.perceive.hair import HairMap
from stillwake.perceive.hands import EXTRA, EXTRA_DRAWN, MISSING
from stillwake.readiness import hair as hairs
from stillwake.readiness import signals
from stillwake.readiness.background import background_findings
from stillwake.readiness.character import HAIR_TONE, colour_name
from stillwake.readiness.eyes import iris_colour, iris_difference, likeness
from stillwake.readiness.hair import hair_of
from stillwake.readiness.lettering import doubts, is_language
from stillwake.types import Eye, Face, Floats, Hand, Mouth, Pixels, Scene, Still, Writing


def noise(height: int = 512, width: int = 512, *, seed: int = 0, blur: float = 0.6) -> Pixels:
    """Texture with detail at every scale, so that its edges are as sharp as its size allows."""
    chance = np.random.default_rng(seed)
    whole = sum(
        cv2.GaussianBlur(chance.normal(0, 40 * s, (height, width)).astype(np.float32), (0, 0), s) for s in (blur, 2, 6)
    )
    grey = np.clip(128 + whole, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grey[..., None], 3, 2))


@pytest.mark.parametrize(
    ("one", "two", "known"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
        ((50, 0, 0), (50, -1, 2), 2.3669),
    ],
)
def test_ciede2000_is_that_of_sharma_wu_and_dalal(
    one: tuple[float, float, float], two: tuple[float, float, float], known: float
) -> None:
    assert signals.ciede2000(one, two) == pytest.approx(known, abs=1e-4)
    assert signals.ciede2000(two, one) == pytest.approx(known, abs=1e-4)


def an_eye(x: float, iris: tuple[int, int, int], pixels: Pixels) -> Eye:
    cv2.ellipse(pixels, (int(x), 60), (30, 18), 0, 0, 360, (245, 245, 245), -1)
    cv2.circle(pixels, (int(x), 60), 12, iris, -1)
    cv2.circle(pixels, (int(x), 60), 4, (10, 10, 10), -1)
    t = np.linspace(np.pi, 0, 9)
    upper = np.stack([x + 30 * np.cos(t), 60 - 18 * np.sin(t)], 1).astype(np.float32)
    lower = np.stack([x + 30 * np.cos(t), 60 + 18 * np.sin(t)], 1).astype(np.float32)
    return Eye(upper, lower, upper - 20, (x, 60.0, 12.0))


def test_the_iris_has_the_colour_it_was_drawn_in() -> None:
    pixels = np.full((120, 240, 3), (224, 180, 150), np.uint8)
    eyes = an_eye(60, (70, 110, 60), pixels), an_eye(170, (60, 90, 160), pixels)
    left, right = (iris_colour(pixels, eye) for eye in eyes)
    assert left is not None
    assert right is not None
    drawn = signals.lab_of(np.array([[(70, 110, 60), (60, 90, 160)]], np.uint8))[0]
    assert np.abs(left - drawn[0]).max() < 0.5
    assert np.abs(right - drawn[1]).max() < 0.5
    assert colour_name(right) == "blue"
    difference = iris_difference(pixels, eyes)
    assert difference is not None
    assert difference > 20


def shaded(x: float, top: tuple[int, int, int], foot: tuple[int, int, int], light: float, pixels: Pixels) -> Eye:
    """An eye whose iris runs from one colour to another, in more or less light."""
    eye = an_eye(x, (0, 0, 0), pixels)
    for y in range(48, 73):
        for at in range(int(x) - 12, int(x) + 13):
            if np.hypot(at - x, y - 60) <= 12:
                share = (y - 48) / 24
                pixels[y, at] = np.clip(light * ((1 - share) * np.array(top) + share * np.array(foot)), 0, 255)
    return eye


@pytest.mark.parametrize(("light", "lid"), [(0.6, 42), (0.8, 42), (1.0, 54)])
def test_light_and_what_a_lid_hides_are_no_difference_of_colour(light: float, lid: int) -> None:
    pixels = np.full((120, 240, 3), (224, 180, 150), np.uint8)
    eyes = [shaded(x, (40, 45, 90), (200, 120, 60), shade, pixels) for x, shade in ((60, 1.0), (170, light))]
    eyes[1] = replace(eyes[1], upper_lid=np.maximum(eyes[1].upper_lid, np.array([-1e9, lid], np.float32)))
    difference = iris_difference(pixels, (eyes[0], eyes[1]))
    assert difference is not None
    assert difference < 3


def test_irises_of_one_lightness_that_end_in_other_colours_differ() -> None:
    pixels = np.full((120, 240, 3), (224, 180, 150), np.uint8)
    eyes = (
        shaded(60, (40, 45, 90), (200, 120, 60), 1.0, pixels),
        shaded(170, (40, 60, 40), (120, 150, 60), 1.0, pixels),
    )
    difference = iris_difference(pixels, eyes)
    assert difference is not None
    assert difference > 15


def test_an_iris_in_the_shadow_of_its_lid_is_named_by_its_lit_part() -> None:
    pixels = np.full((120, 240, 3), (224, 180, 150), np.uint8)
    eye = an_eye(60, (60, 90, 160), pixels)
    pixels[:62] = pixels[:62] * 0.2
    lit = iris_colour(pixels, eye)
    assert lit is not None
    assert colour_name(lit, eye=True) == "blue"


def test_hair_over_an_eye_makes_the_eyes_unlike() -> None:
    pixels = np.full((120, 240, 3), (224, 180, 150), np.uint8)
    eyes = an_eye(60, (70, 110, 60), pixels), an_eye(170, (70, 110, 60), pixels)
    assert likeness(pixels, eyes) > 0.9
    for x in range(20, 110, 7):
        cv2.line(pixels, (x, 20), (x - 14, 100), (150, 155, 160), 5)
    assert likeness(pixels, eyes) < 0.3


def test_eyes_that_look_to_the_side_are_alike() -> None:
    pixels = np.full((120, 240, 3), (224, 180, 150), np.uint8)
    eyes = []
    for x in (60, 170):
        eye = an_eye(x, (245, 245, 245), pixels)
        cv2.circle(pixels, (x + 14, 60), 12, (70, 110, 60), -1)
        eyes.append(replace(eye, iris=(x + 14.0, 60.0, 12.0)))
    assert likeness(pixels, (eyes[0], eyes[1])) > 0.9


def test_a_small_iris_says_nothing() -> None:
    pixels = np.zeros((120, 240, 3), np.uint8)
    eye = an_eye(60, (70, 110, 60), pixels)
    assert iris_colour(pixels, replace(eye, iris=(60.0, 60.0, 4.4))) is None
    assert iris_colour(pixels, replace(eye, iris=None)) is None
    assert iris_difference(pixels, (eye, replace(eye, iris=None))) is None


def test_softness_tells_an_enlarged_picture() -> None:
    sharp = noise()
    small = cv2.resize(sharp, (256, 256), interpolation=cv2.INTER_AREA)
    soft = cv2.resize(small, (512, 512), interpolation=cv2.INTER_CUBIC)
    before, after = signals.softness(sharp), signals.softness(soft)
    assert before is not None
    assert after is not None
    assert before < 3 < 4.4 < after


def test_softness_needs_detail() -> None:
    assert signals.softness(np.full((512, 512, 3), 90, np.uint8)) is None
    assert signals.softness(noise(100, 100)) is None


@pytest.mark.parametrize("period", [64, 96])
def test_a_tile_laid_side_by_side_is_found_with_its_period_and_place(period: int) -> None:
    pixels = noise(768, 768)
    tile = pixels[300 : 300 + period, 200 : 200 + period].copy()
    count = 320 // period
    pixels[: count * period, : count * period] = np.tile(tile, (count, count, 1))
    found = signals.repetition(pixels)
    assert found is not None
    assert found.strength > 0.95
    assert max(abs(found.period[0]), abs(found.period[1])) % period == 0
    assert found.box[0] < 200
    assert found.box[1] < 200


def test_noise_and_bricks_are_no_repetition() -> None:
    plain = signals.repetition(noise(768, 768))
    assert plain is None or plain.strength < 0.5
    bricks = noise(768, 768, seed=3)
    for y in range(0, 768, 32):
        bricks[y : y + 4] = 60
        for x in range((y // 32 % 2) * 32, 768, 64):
            bricks[y : y + 32, x : x + 4] = 60
    laid = signals.repetition(bricks)
    assert laid is None or laid.strength < 0.93


def test_people_are_left_out_of_the_repetition() -> None:
    pixels = noise(512, 512)
    pixels[:256, :256] = np.tile(pixels[:64, :64], (4, 4, 1))
    assert signals.repetition(pixels, np.ones((512, 512), np.float32)) is None


def test_blending_is_told_from_lines_and_blocks_of_colour() -> None:
    blocks = np.full((512, 512, 3), 230, np.uint8)
    for x in range(40, 480, 60):
        cv2.rectangle(blocks, (x, 60), (x + 40, 450), (90, 140, 60), -1)
        cv2.rectangle(blocks, (x, 60), (x + 40, 450), (10, 10, 10), 2)
    strokes = np.clip(128 + cv2.GaussianBlur(noise(blur=2).astype(np.float32) - 128, (0, 0), 2), 0, 255)
    clean, painted = signals.blended(blocks), signals.blended(strokes.astype(np.uint8))
    assert clean is not None
    assert painted is not None
    assert clean < 0.1 < 0.8 < painted
    assert signals.blended(blocks, np.zeros((512, 512), np.float32)) is None


def test_blocks_of_compression_are_counted_on_their_grid() -> None:
    smooth = cv2.GaussianBlur(noise(blur=3), (0, 0), 6)
    _, data = cv2.imencode(".jpg", smooth, [cv2.IMWRITE_JPEG_QUALITY, 8])
    rough = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert signals.blockiness(rough) > 4 > 1.5 > signals.blockiness(smooth)


def a_head(tips: tuple[int, int, int], coat: tuple[int, int, int]) -> tuple[Pixels, Face, Floats]:
    """A face in brown hair that falls on a coat, its strands drawn as light and shade, and its matte."""
    pixels = np.full((640, 520, 3), 200, np.uint8)
    matte = np.zeros((640, 520), np.float32)
    cv2.rectangle(pixels, (60, 470), (460, 640), coat, -1)
    cv2.rectangle(matte, (60, 470), (460, 640), 1.0, -1)
    cv2.ellipse(pixels, (260, 260), (150, 190), 0, 0, 360, (96, 60, 40), -1)
    cv2.ellipse(matte, (260, 260), (150, 190), 0, 0, 360, 1.0, -1)
    for x in (115, 340):
        cv2.rectangle(pixels, (x, 260), (x + 65, 400), (96, 60, 40), -1)
        cv2.rectangle(pixels, (x, 400), (x + 65, 560), tips, -1)
        cv2.rectangle(matte, (x, 260), (x + 65, 560), 1.0, -1)
    strands = 6 * np.sin(np.arange(520) * 0.8)[None, :, None]
    pixels = np.clip(pixels + strands, 0, 255).astype(np.uint8)
    cv2.ellipse(pixels, (260, 290), (90, 120), 0, 0, 360, (225, 180, 160), -1)
    cv2.rectangle(pixels, (225, 400), (295, 480), (215, 170, 150), -1)
    line = np.array([(200, 260), (220, 260)], np.float32)
    eye, mouth = Eye(line, line, line, None), Mouth(line, line, line, line)
    face = Face((170, 170, 350, 410), (eye, eye), mouth, line, (260, 300), (260, 410), 0, 0, 0, "photo", {})
    return pixels, face, cv2.GaussianBlur(matte, (0, 0), 1)


@pytest.mark.parametrize(
    ("tips", "coat", "changed"),
    [
        ((96, 60, 40), (40, 60, 120), False),
        ((62, 72, 30), (40, 60, 120), True),  # as light, but green
        ((96, 60, 40), (90, 110, 50), False),  # it is the coat that is green, and lighter than the hair
        ((96, 60, 40), (62, 72, 30), False),  # as light as the hair, but no tips are that large
        ((200, 160, 90), (40, 60, 120), False),  # far lighter: a scarf, a hand, another thing
    ],
)
def test_hair_that_turns_green_on_the_way_down_is_told_from_a_green_coat(
    tips: tuple[int, int, int], coat: tuple[int, int, int], changed: bool
) -> None:
    pixels, face, matte = a_head(tips, coat)
    hair = hair_of(pixels, face, matte)
    assert hair is not None
    assert colour_name(hair.colour) in ("brown", "dark brown", "red-brown")
    assert (hair.changed > HAIR_TONE.warn) == changed
    if changed:
        assert hair.box is not None
        assert hair.box[1] == pytest.approx(400, abs=25)
    assert hair_of(pixels, face, None) is None


@pytest.mark.parametrize(("below", "changed"), [(0.26, True), (0.43, False)])
def test_strands_that_run_on_into_another_hue_are_hair_and_others_are_cloth(below: float, changed: bool) -> None:
    pixels, face, matte = a_head((62, 72, 30), (40, 60, 120))  # green ends, as light as the brown hair
    x = np.arange(520)
    locks = ((x >= 115) & (x < 180) | (x >= 340) & (x < 405))[None, :, None]
    marked = pixels.astype(float)
    marked[260:400] += np.where(locks, 28 * np.sin(0.26 * x)[None, :, None], 0)
    marked[400:560] += np.where(locks, 28 * np.sin(below * x)[None, :, None], 0)
    hair = hair_of(np.clip(marked, 0, 255).astype(np.uint8), face, matte)
    assert hair is not None
    assert (hair.changed > HAIR_TONE.warn) == changed


@pytest.mark.parametrize(("until", "changed"), [(500, False), (560, True)])
def test_another_hue_that_the_hair_goes_on_around_is_shade(until: int, changed: bool) -> None:
    pixels, face, matte = a_head((96, 60, 40), (40, 60, 120))
    for x in (115, 340):
        inset = 10 if until < 560 else 0  # shade inside the lock, or all of its end
        pixels[420:until, x + inset : x + 65 - inset] += np.array((-34, 12, -10), np.int8).view(np.uint8)
    hair = hair_of(pixels, face, matte)
    assert hair is not None
    assert (hair.changed > HAIR_TONE.warn) == changed


def a_map(rows: int) -> HairMap:
    """What the net would say of `a_head`, were hair whatever lies above that row of the picture."""
    back = np.array([[360 / 56, 0, 260 - 52 * 360 / 56], [0, 360 / 56, 290 - 49 * 360 / 56]], np.float32)
    share = np.zeros((128, 104), np.float32)
    share[: round((rows - back[1, 2]) / back[1, 1]), 20:84] = 1
    return HairMap(share, back)


def test_ends_that_the_net_takes_for_no_hair_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, face, matte = a_head((62, 72, 30), (40, 60, 120))
    for rows, changed in ((560, True), (380, False)):
        seen = a_map(rows)
        monkeypatch.setattr("stillwake.readiness.hair.read_hair", lambda *_, seen=seen: seen)
        hair = hair_of(pixels, face, matte)
        assert hair is not None
        assert (hair.changed > HAIR_TONE.warn) == changed


def test_ends_of_hair_below_a_hat_are_seen_where_the_net_knows_the_hair(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, face, matte = a_head((62, 72, 30), (40, 60, 120))
    hat = (matte > 0.5) & (np.arange(640)[:, None] < 185)
    pixels[hat] = (40, 60, 140)
    share = a_map(560).hair.copy()
    share[: round((190 - a_map(0).back[1, 2]) / a_map(0).back[1, 1])] = 0
    for sure, changed in ((1.0, True), (0.65, False)):  # grown from the crown it is a hat
        seen = HairMap(share * np.float32(sure), a_map(0).back)
        monkeypatch.setattr("stillwake.readiness.hair.read_hair", lambda *_, seen=seen: seen)
        found = hair_of(pixels, face, matte)
        assert found is not None
        assert (found.changed > HAIR_TONE.warn) == changed


@pytest.mark.parametrize(
    ("top", "side", "sure", "taken"),
    [(580, 60, 1.0, True), (580, 60, 0.55, True), (580, 60, 0.45, False), (580, 14, 1.0, False), (425, 40, 1.0, True)],
)
def test_what_the_net_takes_for_hair_is_hair_anywhere_but_for_specks(
    top: int, side: int, sure: float, taken: bool
) -> None:
    """A brown square of so many px on the coat or before the neck, of which the net is so sure."""
    pixels, face, matte = a_head((96, 60, 40), (40, 60, 120))
    at = np.s_[top : top + side, 230 : 230 + side]
    pixels[at] = (96, 60, 40)
    canvas = hairs._drawn(pixels, face, matte, a_map(560))
    there = cv2.invertAffineTransform(canvas.back)
    y, x = (round(float(v)) for v in (there[:, :2] @ (230 + side / 2, top + side / 2) + there[:, 2])[::-1])
    reach = round(side / 2 * there[0, 0])
    canvas.share[y - reach : y + reach, x - reach : x + reach] = sure
    known = hairs._known(canvas)
    assert known is not None
    assert bool(known[0][y, x]) == taken


def test_strands_as_light_as_skin_are_hair_where_the_net_takes_them_for_it() -> None:
    even = np.zeros((120, 96, 3), np.float32) + np.float32([55, 10, 20])
    even[:20, :, 0] = np.linspace(40, 70, 96)
    face = np.zeros((120, 96), bool)
    face[40:80, 30:66] = True
    even[face] = (85, 10, 20)
    even[90:, :48, 0] = 68  # nearer the skin than the hair's middle, and within its light
    even[90:, 48:60, 0] = 28  # in the hair's shade
    nothing, everywhere = np.zeros((120, 96), np.float32), np.ones((120, 96), bool)
    canvas = hairs._Canvas(
        even, even, even[..., 0], nothing, everywhere, face, nothing, top=40, chin=79, middle=48.0, back=np.eye(2, 3)
    )
    sown = np.zeros_like(face)
    sown[:20] = True
    for likely in (False, True):
        found = hairs._like(canvas, sown, np.full_like(face, likely), 8.0)
        assert found is not None
        alike, deviation = found
        assert alike[110, 10] == np.isfinite(deviation[110, 10, 0]) == likely
        assert np.isfinite(deviation[110, 55, 0]) == likely
        assert alike[110, 90]
    assert alike[110, 55]


@pytest.mark.parametrize("how", ["known", "grown"])
def test_another_hue_is_one_however_far_the_hair_itself_strays(how: str) -> None:
    even = np.zeros((120, 96, 3), np.float32) + np.float32([55, 10, 20])
    even[:60, :, 1] += np.tile(np.float32([-6, -6, 6, 6]), 24)  # streaks
    even[60:, :, 1] += 10
    plain, face = np.zeros((120, 96), np.float32), np.zeros((120, 96), bool)
    face[40:80, 30:66] = True
    canvas = hairs._Canvas(
        even, even, plain, plain, np.ones_like(face), face, plain + 1, top=40, chin=79, middle=48.0, back=np.eye(2, 3)
    )
    found = hairs._known(canvas) if how == "known" else hairs._grown(canvas)
    assert found is not None
    assert found[0][:20].all()
    assert found[0][110].all() == (how == "grown")


def test_hair_hangs_as_far_as_the_net_is_sure_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, face, matte = a_head((62, 72, 30), (40, 60, 120))  # grown from the crown, it ends where it turns green
    found = []
    for rows in (380, 480, 560):
        seen = a_map(rows)
        monkeypatch.setattr("stillwake.readiness.hair.read_hair", lambda *_, seen=seen: seen)
        hair = hair_of(pixels, face, matte)
        assert hair is not None
        found.append(hair.below)
    assert found[0] < 0.1 < found[1] - 0.1 < found[2] - 0.3
    assert found[2] == pytest.approx((560 - 410) / 240, abs=0.12)


@pytest.mark.parametrize("turned", [False, True])
def test_a_step_across_the_whole_picture_is_a_seam(turned: bool) -> None:
    pixels = cv2.GaussianBlur(noise(320, 480), (0, 0), 1.5).astype(np.float32)
    pixels[200:] += 6
    spoilt = np.clip(pixels, 0, 255).astype(np.uint8)
    found = signals.seam(np.ascontiguousarray(spoilt.swapaxes(0, 1)) if turned else spoilt)
    assert found is not None
    assert found.strength > 10
    assert abs(found.step - 6) < 2.5
    x0, y0, x1, y1 = found.box
    assert ((x0, x1) if turned else (y0, y1)) == pytest.approx((193, 207), abs=2)
    clean = signals.seam(noise(320, 480))
    assert clean is not None
    assert clean.strength < 5
    assert signals.seam(noise(200, 480)) is None


def test_a_dial_is_told_from_a_wheel_and_a_ball() -> None:
    def a_disc(marks: int, reach: tuple[float, float]) -> Pixels:
        pixels = cv2.GaussianBlur(noise(480, 640), (0, 0), 3)
        cv2.circle(pixels, (420, 200), 70, (240, 235, 225), -1, cv2.LINE_AA)
        for k in range(marks):
            away = 70 * np.array([np.sin(2 * np.pi * k / marks), np.cos(2 * np.pi * k / marks)])
            ends = [tuple(int(v) for v in (420, 200) + share * away) for share in reach]
            cv2.line(pixels, ends[0], ends[1], (30, 30, 30), 3, cv2.LINE_AA)
        return pixels

    clock = signals.dial(a_disc(12, (0.72, 0.88)))
    assert clock.strength > 0.5
    assert clock.box == pytest.approx((350, 130, 490, 270), abs=6)
    assert signals.dial(a_disc(0, (0, 0))).strength < 0.25
    assert signals.dial(a_disc(4, (0.1, 0.95))).strength < 0.25
    assert signals.dial(noise(40, 40)).box is None


def test_an_edge_half_across_at_the_border_or_beside_another_is_no_seam() -> None:
    half, border, joint = (cv2.GaussianBlur(noise(), (0, 0), 1.5).astype(np.float32) for _ in range(3))
    half[300:, :200] += 6
    border[:10] += 6
    joint[200:207] += 6
    for pixels in (half, border, joint):
        found = signals.seam(np.clip(pixels, 0, 255).astype(np.uint8))
        assert found is not None
        assert found.strength < 5


def reading(*lines: Writing, contrast: int = 200) -> Scene:
    """A picture whose every part is dark and light by turns, in which somebody read these lines."""
    pixels = np.zeros((720, 1280, 3), np.uint8)
    pixels[:, ::3] = contrast
    still = Still(pixels, "sign.png", "0" * 64)
    return Scene(still, "photo", (), (), None, {"writing": "a builder"}, writing=lines)


@pytest.mark.parametrize(
    ("text", "confidence", "size", "verdict"),
    [
        ("Mxruiu6", 0.78, (200, 40), "warn"),
        ("HARBOUR", 0.78, (200, 40), "pass"),  # a word of the dictionary
        ("Wuseum", 0.99, (200, 40), "pass"),
        ("Wusenm", 0.99, (200, 40), "warn"),  # no word has n before m there
        ("Schokolade", 0.99, (200, 40), "pass"),  # a word of another language
        ("S+ATION", 0.99, (200, 40), "warn"),
        ("2018", 0.86, (200, 40), "pass"),  # written by hand
        ("2018", 0.7, (200, 40), "warn"),
        ("Ooops!", 0.99, (200, 40), "pass"),  # a word drawn out
        ("Wusnnnm", 0.99, (200, 40), "warn"),
        ("TheHarbour", 0.8, (200, 40), "pass"),  # two words that the reader ran together
        ("TheHarbuor", 0.8, (200, 40), "warn"),
        ("HABN侠", 0.8, (200, 40), "warn"),  # Latin letters, mostly
        ("Mxruiu6", 0.78, (200, 6), "pass"),  # too small to be read
        ("Mxruiu6", 0.3, (200, 40), "pass"),  # texture
        ("Mx", 0.78, (60, 40), "pass"),  # a button
        ("Mx", 0.78, (200, 40), "warn"),  # a line of which two letters are read
        ("ローファイ", 0.8, (200, 40), "pass"),
        ("ローファイ", 0.6, (200, 40), "warn"),
    ],
)
def test_lettering_is_doubted_where_it_is_no_language(
    text: str, confidence: float, size: tuple[int, int], verdict: str
) -> None:
    scene = reading(Writing((100, 100, 100 + size[0], 100 + size[1]), text, confidence))
    (found,) = [f for f in background_findings(scene) if f.check == "pseudo-text"]
    assert found.verdict == verdict
    assert (found.box is not None) == (verdict == "warn")
    assert text not in found.why


def test_lettering_in_a_script_without_a_dictionary_is_not_judged() -> None:
    nonsense = Writing((100, 100, 300, 140), "Mxruiu6", 0.78)
    scene = reading(nonsense, Writing((100, 200, 300, 240), "むこう側", 0.97))
    (found,) = [f for f in background_findings(scene) if f.check == "pseudo-text"]
    assert found.verdict == "unseen"


def test_folds_in_the_dark_are_no_lettering() -> None:
    line = Writing((100, 100, 300, 140), "Mxruiu6", 0.4)
    (dim,), (clear,) = (
        [f for f in background_findings(reading(line, contrast=level)) if f.check == "pseudo-text"]
        for level in (35, 60)
    )
    assert (dim.verdict, clear.verdict) == ("pass", "warn")


def test_a_row_of_teeth_is_no_lettering() -> None:
    upper = np.array([(100, 120), (200, 100), (300, 120)], np.float32)
    mouth = Mouth(upper, upper + np.float32((0, 40)), upper, upper)
    scene = reading(Writing((100, 100, 300, 140), "ruthare", 0.47))
    eye = Eye(upper, upper, upper, None)
    face = Face((0, 0, 400, 400), (eye, eye), mouth, upper, (200, 90), (200, 200), 0, 0, 0, "photo", {})
    assert doubts(scene)
    assert not doubts(replace(scene, faces=(face,)))


def test_words_are_looked_up_whole() -> None:
    assert is_language("OPEN DAILY")
    assert not is_language("OPENN DAILY")
    assert not is_language("12:30")


def a_hand(points: Floats, **read: float) -> Hand:
    (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
    seen = {"hand": 1.0, "digits": 5.0, "extra": -4.0, "missing": 0.1, "open": 5.0} | read
    return Hand(points, (x0, y0, x1, y1), "left", "left", 0.9, **seen)


@pytest.mark.parametrize(
    ("read", "verdict"),
    [
        ({}, "pass"),
        ({"extra": EXTRA + 0.1, "digits": 6.0}, "warn"),
        ({"missing": MISSING + 0.01}, "warn"),
        ({"missing": MISSING + 0.01, "open": 2.0}, "unseen"),
        ({"open": 0.5}, "unseen"),
        ({"open": 2.0, "extra": EXTRA + 0.1}, "warn"),
        ({"open": 0.5, "extra": EXTRA + 0.1}, "unseen"),
        ({"extra": EXTRA_DRAWN + 0.1, "digits": 6.0}, "warn"),
    ],
)
def test_digits_are_told_only_where_they_are_on_view(read: dict[str, float], verdict: str) -> None:
    from stillwake.readiness.anatomy import anatomy_findings

    points = np.stack([np.linspace(500, 620, 21), np.linspace(300, 480, 21)], 1).astype(np.float32)
    still = Still(np.zeros((720, 1280, 3), np.uint8), "hand.png", "0" * 64)
    for style, hands, known in (
        ("photo", (a_hand(points, **read),), verdict),
        ("drawn", (a_hand(points, **read),), "warn" if read.get("extra", 0) > EXTRA_DRAWN else "unseen"),
        ("photo", (a_hand(points, **read), a_hand(points + 50)), "unseen"),
    ):
        scene = Scene(still, style, (), (), None, {"hands": "a builder"}, hands=hands)  # type: ignore[arg-type]
        (found,) = [f for f in anatomy_findings(scene) if f.check == "digits"]
        assert found.verdict == known
        assert bool(found.fix) == (known == "warn")
        if known == "warn":
            what = "extra" if "extra" in read else "missing"
            assert found.measured == pytest.approx(read[what])
            assert found.limit == (MISSING if what == "missing" else EXTRA_DRAWN if style == "drawn" else EXTRA)
            assert ("missing" in found.unit) == (what == "missing")


def test_a_hand_over_the_edge_is_partial_and_one_inside_is_whole() -> None:
    from stillwake.readiness.anatomy import anatomy_findings

    points = np.stack([np.linspace(500, 620, 21), np.linspace(300, 480, 21)], 1).astype(np.float32)
    still = Still(np.zeros((720, 1280, 3), np.uint8), "hand.png", "0" * 64)

    def verdict(shift: float) -> tuple[str, str]:
        hand = a_hand(points + np.array([0, shift], np.float32))
        scene = Scene(still, "photo", (), (), None, {"hands": "a builder"}, hands=(hand,))
        found = {f.check: f for f in anatomy_findings(scene)}
        return found["hands"].verdict, found["whole hands"].verdict

    assert verdict(0) == ("pass", "pass")
    assert verdict(260) == ("pass", "warn")
    assert verdict(235) == ("pass", "warn"), "within 1.2 % of the edge"
    assert verdict(200) == ("pass", "pass")


def a_figure(end: int, *, ragged: int = 0) -> Pixels:
    """Somebody on white, 400 px high, whose body ends in row ``end``, evenly or ``ragged`` by so many px."""
    pixels = np.full((400, 400, 3), 250, np.uint8)
    cv2.circle(pixels, (200, 90), 50, (220, 180, 160), -1)
    cv2.rectangle(pixels, (180, 130), (220, 170), (220, 180, 160), -1)
    for x in range(120, 280):
        pixels[160 : end + 1 - x * 7919 % (ragged + 1), x] = (60, 40, 90)
    return pixels


FACE = (160.0, 50.0, 240.0, 140.0)


def test_a_figure_that_ends_in_mid_air_is_told_where() -> None:
    end = signals.severed(a_figure(330), FACE)
    assert end is not None
    assert end.share > 0.99
    assert end.width == pytest.approx(2, abs=0.01)
    assert (end.box[0], end.box[2]) == (120, 280)
    assert end.box[1] < 330 < end.box[3]


def test_a_figure_at_the_very_top_ends_there() -> None:
    pixels = np.full((400, 400, 3), 250, np.uint8)
    pixels[:9, 150:250] = 60
    end = signals.severed(pixels, (150, 0, 250, 9))
    assert end is not None
    assert (end.share, end.width) == (1, 1)


@pytest.mark.parametrize(
    "pixels",
    [a_figure(399), a_figure(330, ragged=40), np.concatenate([a_figure(330)[:380], noise(20, 400)])],
    ids=["runs out of the frame", "a torn hem", "a floor below"],
)
def test_another_end_is_none(pixels: Pixels) -> None:
    end = signals.severed(pixels, FACE)
    assert end is None or end.share < 0.3
