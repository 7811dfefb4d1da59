"""The animator on a face drawn here, line by line: flat skin, black hair, two eyes with lashes, a plain mouth."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import pytest

from stillwake.engines.animator import Animator
from stillwake.engines.animator.contours import is_misread
from stillwake.engines.animator.fields import COEFFICIENTS, EXPRESSION, INDEX, LIMITS
from stillwake.engines.animator.ink import double, edge_widths
from stillwake.engines.animator.parts import Pose
from stillwake.engines.animator.render import Talk
from stillwake.engines.animator.rig import Rig, build_rig
from stillwake.engines.animator.tracks import Track, held_weights, hold_frames, pose_table, talk_track
from stillwake.errors import NotReadyError
from stillwake.types import VISEMES, Eye, Face, Mouth, Scene, Shot, Sound, Speech, Still, Timed

SKIN, INK, HAIR, IRIS = (252, 228, 210), (70, 36, 40), (60, 70, 130), (60, 140, 90)
SIZE = 480
CENTRE = 240.0


def curve(x0: float, x1: float, y0: float, rise: float, count: int) -> np.ndarray:
    """An arc from (x0, y0) to (x1, y0) whose middle lies ``rise`` px higher."""
    t = np.linspace(0, 1, count)
    return np.stack([x0 + (x1 - x0) * t, y0 - rise * np.sin(np.pi * t)], 1).astype(np.float32)


def polygon(image: np.ndarray, points: np.ndarray, colour: tuple[int, int, int]) -> None:
    cv2.fillPoly(image, [np.round(points * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)


def line(image: np.ndarray, points: np.ndarray, colour: tuple[int, int, int], weight: int) -> None:
    cv2.polylines(image, [np.round(points * 16).astype(np.int32)], False, colour, weight, cv2.LINE_AA, 4)


def drawn(opened: bool = False, strand: bool = False, half: float = 28.0) -> tuple[np.ndarray, Face]:
    """The picture at twice the size and halved, so that its lines are soft as artists' are, and its face."""
    image = np.full((2 * SIZE, 2 * SIZE, 3), (180, 205, 225), np.uint8)
    cv2.ellipse(image, (480, 420), (330, 360), 0, 0, 360, HAIR, -1, cv2.LINE_AA)
    cv2.ellipse(image, (480, 500), (240, 290), 0, 0, 360, SKIN, -1, cv2.LINE_AA)
    cv2.ellipse(image, (480, 500), (240, 290), 0, 0, 180, INK, 4, cv2.LINE_AA)
    eyes = []
    for left in (160.0, 260.0):
        upper, lower = curve(left, left + 60, 232, 26, 33), curve(left, left + 60, 232, -22, 33)
        polygon(image, np.concatenate([upper, lower[::-1]]) * 2, (255, 255, 255))
        cv2.ellipse(image, (int(2 * (left + 30)), 464), (32, 42), 0, 0, 360, IRIS, -1, cv2.LINE_AA)
        line(image, upper * 2, INK, 12)
        line(image, lower * 2, INK, 3)
        brow = curve(left + 5, left + 55, 185, 6, 4)
        line(image, brow * 2, INK, 5)
        eyes.append(Eye(upper[:: 32 // 6][:7], lower[:: 32 // 6][:7], brow, (left + 30, 232.0, 20.0)))
    eyes = [
        Eye(curve(left, left + 60, 232, 26, 7), curve(left, left + 60, 232, -22, 7), eye.brow, eye.iris)
        for left, eye in zip((160.0, 260.0), eyes, strict=True)
    ]
    if strand:
        line(image, np.float32([[186, 150], [190, 262]]) * 2, HAIR, 14)
    if opened:
        left, right, low = CENTRE - half, CENTRE + half, -26 * half / 28
        upper, lower = curve(left, right, 318, 3, 33), curve(left, right, 318, low, 33)
        polygon(image, np.concatenate([upper, lower[::-1]]) * 2, (150, 60, 70))
        line(image, upper * 2, INK, 5)
        line(image, lower * 2, INK, 4)
        mouth = Mouth(curve(left, right, 318, 3, 7), curve(left, right, 318, low, 7),
                      *(curve(left + 3, right - 3, 319, rise, 5) for rise in (2, 0.85 * low)))  # fmt: skip
    else:
        middle = curve(216, 264, 320, -4, 33)
        line(image, middle * 2, INK, 5)
        outer, inner = curve(216, 264, 320, -4, 7), curve(216, 264, 320, -4, 5)
        mouth = Mouth(outer, outer, inner, inner)
    angle = np.linspace(np.pi, 0, 9)
    jaw = np.stack([CENTRE + 120 * np.cos(angle), 250 + 145 * np.sin(angle)], 1).astype(np.float32)
    face = Face(
        box=(120.0, 150.0, 360.0, 395.0), eyes=(eyes[0], eyes[1]), mouth=mouth, jaw=jaw, nose_tip=(240.0, 280.0),
        chin=(240.0, 395.0), yaw=0.0, pitch=0.0, roll=0.0, kind="drawn",
        confidence={"face": 1.0, "eyes": 1.0, "left eye": 1.0, "right eye": 1.0, "mouth": 1.0},
    )  # fmt: skip
    return cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA), face


def scene_of(pixels: np.ndarray, face: Face) -> Scene:
    matte = np.zeros(pixels.shape[:2], np.float32)
    cv2.ellipse(matte, (240, 210), (165, 182), 0, 0, 360, 1.0, -1)
    matte[380:, 190:290] = 1.0
    return Scene(Still(pixels, "drawn.png", "0" * 64), "drawn", (face,), (), matte, {})


@pytest.fixture(scope="module")
def scene() -> Scene:
    return scene_of(*drawn())


@pytest.fixture(scope="module")
def rig(scene: Scene) -> Rig:
    return build_rig(scene, scene.faces[0])


@pytest.fixture(scope="module")
def open_rig() -> Rig:
    scene = scene_of(*drawn(opened=True))
    return build_rig(scene, scene.faces[0])


def still_track(count: int = 1) -> Track:
    zero = np.zeros(count, np.float32)
    return Track(np.zeros((count, len(COEFFICIENTS)), np.float32), zero, zero)


def talk_of(rig: Rig) -> Talk:
    return Talk(rig, still_track(), Fraction(25))


def viseme(rig: Rig, name: str) -> np.ndarray:
    return pose_table(rig.face)[0][VISEMES.index(name)]


def spoken(seconds: float = 3.0) -> Speech:
    count = int(16000 * seconds)
    samples = (8000 * np.sin(np.arange(count) * 0.1)).astype(np.int16)
    sound = Sound("t", "0" * 64, 16000, 1, Fraction(count, 16000), samples, lambda: iter([samples[:, None]]))
    labels = ["rest", "AA", "MBP", "IY", "S", "OW", "MBP", "UW", "K", "FV", "AH", "rest"]
    edges = np.linspace(0, seconds, len(labels) + 1)
    visemes = tuple(Timed(float(a), float(b), v) for a, b, v in zip(edges[:-1], edges[1:], labels, strict=True))
    return Speech(sound, "en", "voice", (), visemes, visemes)


def shot(**changes: Any) -> Shot:
    base = {"family": "animator", "engine": "animator", "motion": "talk", "seconds": Fraction(3), "fps": Fraction(25)}
    return Shot(**{**base, "size": (SIZE, SIZE), "seed": 0, **changes})


# ------------------------------------------------------------------------------------------------ the promises


@pytest.mark.parametrize("which", ["rig", "open_rig"])
def test_rest_is_the_still_byte_for_byte_before_and_after(which: str, request: pytest.FixtureRequest) -> None:
    rig = request.getfixturevalue(which)
    talk, rest = talk_of(rig), np.zeros(len(COEFFICIENTS), np.float32)
    assert (talk.draw(rest) == rig.source).all()
    assert (talk.draw(viseme(rig, "AA"), 1.0) != rig.source).any() or rig.face.opened
    assert (talk.draw(rest) == rig.source).all()
    assert (talk.draw(np.full(len(COEFFICIENTS), 1e-12, np.float32)) == rig.source).all()


def test_pixels_outside_the_mask_never_change(rig: Rig) -> None:
    talk, table = talk_of(rig), pose_table(rig.face)[0].copy()
    changed = np.zeros(rig.mask.shape, bool)
    for number, pose in enumerate(table):
        pose[len(EXPRESSION) :] = LIMITS[len(EXPRESSION) :] * np.sin(number + np.arange(len(LIMITS) - len(EXPRESSION)))
        changed |= (talk.draw(pose, (number % 3) / 2) != rig.source).any(2)
    assert changed.sum() > 1000
    assert not (changed & ~rig.mask).any()


def test_frames_are_a_pure_function_of_their_index(rig: Rig) -> None:
    track = talk_track(rig.face, spoken(), Fraction(25), 75, 1, blinks=True, held=True)
    forward = Talk(rig, track, Fraction(25))
    frames = {index: forward.frame(index).copy() for index in range(0, 75, 5)}
    fresh = Talk(build_rig(scene_of(*drawn()), drawn()[1]), track, Fraction(25))
    for index in (45, 0, 70, 20, 45):
        assert (fresh.frame(index) == frames[index]).all()


def test_the_inverse_is_exact_and_never_folds(rig: Rig) -> None:
    poses = np.zeros((9, len(COEFFICIENTS)), np.float32)
    poses[:, len(EXPRESSION) :] = LIMITS[len(EXPRESSION) :] * np.sin(np.arange(9)[:, None] + np.arange(8))
    talk = Talk(rig, Track(poses, np.zeros(9, np.float32), np.zeros(9, np.float32)), Fraction(25))
    for index in range(9):
        seen = talk.warp(index)
        dx, dy = np.gradient(seen.map, axis=1), np.gradient(seen.map, axis=0)
        assert (dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0] > 0).all()
        assert np.percentile(seen.residual, 99.9) < 0.5


# --------------------------------------------------------------------------------------------------- the mouth


def test_visemes_open_in_the_order_of_speech_and_closures_close(rig: Rig, open_rig: Rig) -> None:
    for each in (rig, open_rig):
        heights = [each.mouth.bend(Pose(viseme(each, v))).opening for v in ("MBP", "S", "EH", "AA")]
        assert heights == sorted(heights)
        assert heights[0] < 0.02 * each.face.mouth_width
        assert heights[-1] > 0.3 * each.face.mouth_width


def test_a_closure_shows_the_artists_own_closed_mouth(rig: Rig) -> None:
    assert (talk_of(rig).draw(viseme(rig, "MBP")) == rig.source).all()


def test_an_open_mouth_keeps_its_character_at_its_widest_and_closes_to_a_line(open_rig: Rig) -> None:
    assert open_rig.face.opened
    assert (talk_of(open_rig).draw(viseme(open_rig, "AA")) == open_rig.source).all()
    shut = talk_of(open_rig).draw(viseme(open_rig, "MBP"))
    inside = shut[332:338, 232:248].reshape(-1, 3)
    assert np.abs(inside.astype(int) - SKIN).max() < 12  # skin again where the mouth was, and no patch


def test_a_little_hole_speaks_as_wide_as_a_line_would_and_closes_to_one() -> None:
    scene = scene_of(*drawn(opened=True, half=5.0))
    little = build_rig(scene, scene.faces[0])
    assert little.face.opened
    assert (talk_of(little).draw(viseme(little, "rest")) == little.source).all()
    width = {name: np.ptp(little.mouth.bend(Pose(viseme(little, name))).lips[0][:, 0]) for name in ("MBP", "AA", "IY")}
    assert width["MBP"] == pytest.approx(10, abs=3)
    assert width["AA"] > 15
    assert width["IY"] > width["AA"]
    shut, spoken_aa = (talk_of(little).draw(viseme(little, name)).copy() for name in ("MBP", "AA"))
    dark = [int((frame[300:360, 200:280].sum(2) < 400).sum()) for frame in (shut, little.source, spoken_aa)]
    assert dark == sorted(dark)
    assert dark[2] > 4 * dark[1]


def test_the_lifted_mouth_leaves_plain_skin(rig: Rig) -> None:
    x0, y0, _, _ = rig.mouth.box
    plate = rig.mouth._plate[2 * (310 - y0) : 2 * (335 - y0), 2 * (205 - x0) : 2 * (275 - x0)]
    assert np.abs(plate - SKIN).max() < 8


def test_the_mouth_is_drawn_in_the_pictures_ink_as_crisp_as_its_lines(rig: Rig) -> None:
    assert np.abs(rig.mouth.ink.colour - INK).max() < 45
    own = edge_widths(rig.doubled, rig.face.upper_line.astype(float)[8:-8], rig.face.down, 4.0)
    new = []
    for name in ("AA", "EH", "OW", "UW", "S"):  # a line's place between the pixels tells as much as its softness
        shown = double(talk_of(rig).draw(viseme(rig, name)))
        lips = rig.mouth.bend(Pose(viseme(rig, name))).lips[0].astype(float)[8:-8]
        new.append(edge_widths(shown, lips - rig.face.down * 2, rig.face.down, 3.0))
    assert abs(np.median(np.concatenate(new)) / np.median(own) - 1) < 0.25


def test_a_turned_mouth_widens_less_on_the_far_side(scene: Scene) -> None:
    turned = replace(scene.faces[0], yaw=35.0)
    rig = build_rig(replace(scene, faces=(turned,)), turned)
    lips = rig.mouth.bend(Pose(viseme(rig, "IY"))).lips[0][:, 0]
    near, far = rig.face.upper_line[0, 0] - lips[0], lips[-1] - rig.face.upper_line[-1, 0]
    assert 0 < far < near


def test_a_mouth_that_is_not_seen_is_refused(scene: Scene) -> None:
    covered = replace(scene.faces[0], confidence={"face": 1.0, "eyes": 1.0, "mouth": 0.2})
    with pytest.raises(NotReadyError, match="mouth is not seen"):
        Animator().prepare(replace(scene, faces=(covered,)), shot(), spoken())


@pytest.mark.parametrize("turn", [0.0, 20.0, -35.0])
def test_a_chin_that_was_taken_for_a_mouth_is_refused(scene: Scene, turn: float) -> None:
    """Its lines would be drawn over the chin; a wide smile, and a mouth open as far as it goes, are mouths."""

    def mouth(hangs: float, gap: float) -> Mouth:
        cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        upper, lower = curve(215, 265, 290, -hangs, 7), curve(215, 265, 290, -hangs - gap, 7)
        lines = [(line - (240, 290)) @ np.array([[cos, sin], [-sin, cos]]) + (240, 290) for line in (upper, lower)]
        above, below = (line.astype(np.float32) for line in lines)
        return Mouth(above, below, above, below)

    assert is_misread(mouth(38, 14))
    assert not is_misread(mouth(16, 0)), "the largest smile that was seen"
    assert not is_misread(mouth(16, 40)), "and it laughs"
    assert not is_misread(mouth(38, 0)), "a line that hangs so far is a clown's, but a line"
    chin = replace(scene.faces[0], mouth=mouth(38, 14))
    with pytest.raises(NotReadyError, match="chin was taken"):
        Animator().prepare(replace(scene, faces=(chin,)), shot(), spoken())


# ----------------------------------------------------------------------------------------------------- the eyes


def test_a_closed_eye_shows_no_iris_and_one_lash_line(rig: Rig) -> None:
    shown = talk_of(rig).draw(np.zeros(len(COEFFICIENTS), np.float32), 1.0).astype(int)
    for left in (160, 260):
        eye = shown[200:262, left : left + 60]
        assert (np.abs(eye - IRIS).sum(2) > 60).all()
        dark = (eye[:, 30].sum(1) < 450).astype(int)
        assert (np.diff(dark) == 1).sum() == 1


def test_hair_stays_in_front_of_a_closing_eye() -> None:
    scene = scene_of(*drawn(strand=True))
    rig = build_rig(scene, scene.faces[0])
    shown = talk_of(rig).draw(np.zeros(len(COEFFICIENTS), np.float32), 1.0).astype(int)
    assert np.abs(shown[215:250, 188] - HAIR).max() < 40


@pytest.mark.parametrize("name", ["left eye", "right eye"])
def test_an_eye_that_is_not_seen_never_moves_while_the_other_blinks(scene: Scene, name: str) -> None:
    sure = {**scene.faces[0].confidence, name: 0.3}
    face = replace(scene.faces[0], confidence=sure)
    rig = build_rig(replace(scene, faces=(face,)), face)
    changed = (talk_of(rig).draw(np.zeros(len(COEFFICIENTS), np.float32), 1.0) != rig.source).any(2)
    left, right = changed[190:270, 150:230].any(), changed[190:270, 250:330].any()
    assert (left, right) == (name != "left eye", name != "right eye")


def test_an_eye_closed_in_the_still_never_blinks(scene: Scene) -> None:
    eye = scene.faces[0].eyes[0]
    closed = replace(eye, upper_lid=eye.lower_lid, iris=None)
    face = replace(scene.faces[0], eyes=(closed, closed))
    rig = build_rig(replace(scene, faces=(face,)), face)
    assert (talk_of(rig).draw(np.zeros(len(COEFFICIENTS), np.float32), 1.0) == rig.source).all()


# --------------------------------------------------------------------------------------------------- the tracks


def test_held_shapes_stand_for_two_frames_and_lose_no_closure() -> None:
    from stillwake.speech import raster

    weights = raster(spoken(), Fraction(25), 75)
    held = held_weights(weights, hold_frames(Fraction(25)))
    assert ((held == 0) | (held == 1)).all()
    shut = [VISEMES.index(name) for name in ("MBP", "FV")]
    closed = weights[:, shut] > 0.99
    assert (held[:, shut][closed] == 1).all()
    assert not held[:, shut[0]][~closed[:, 0]].any(), "a closure held over into a vowel"
    for start in range(0, 74, 2):
        if not closed[start : start + 2].any():
            assert (held[start] == held[start + 1]).all()


@pytest.mark.parametrize(("fps", "count"), [("12", 1), ("24", 2), ("25", 2), ("30000/1001", 2), ("60", 5)])
def test_a_drawing_stands_for_a_twelfth_of_a_second(fps: str, count: int) -> None:
    assert hold_frames(Fraction(fps)) == count


def test_smooth_moves_the_mouth_on_every_frame_and_the_head_always_does(scene: Scene) -> None:
    held = Animator().prepare(scene, shot(), spoken())._track
    smooth = Animator().prepare(scene, shot().model_copy(update={"smooth": True}), spoken())._track
    jaw, yaw = INDEX["jaw"], INDEX["yaw"]
    assert len(np.unique(held.poses[:, jaw])) < 20 < len(np.unique(smooth.poses[:, jaw]))
    assert (held.poses[:, yaw] == smooth.poses[:, yaw]).all()


def test_mouth_and_lids_ride_on_the_head(rig: Rig) -> None:
    """A pose and its head's motion commute: the drawn mouth lies where the head carries it."""
    talk, pose = talk_of(rig), viseme(rig, "AA").copy()
    before = talk.draw(pose).astype(float)[..., 1].copy()
    pose[INDEX["shift_x"]] = LIMITS[INDEX["shift_x"]]
    after = talk.draw(pose).astype(float)[..., 1].copy()
    box = np.s_[300:360, 205:275]
    nose = np.s_[170:200, 160:320]

    def shift(part: Any) -> float:
        return cv2.phaseCorrelate(before[part], after[part])[0][0]

    assert abs(shift(box) - shift(nose)) < 0.3


def test_a_lock_before_an_eye_stays_before_it_when_it_closes() -> None:
    from stillwake.doctor import demo_drawing
    from stillwake.media import open_still
    from stillwake.perceive import perceive

    scene = perceive(open_still(demo_drawing()))
    shot = Shot(
        family="animator", engine="animator", motion="live", seconds=Fraction(6), fps=Fraction(25),
        size=scene.still.size, seed=0, loop=True, motions=("blink",),
    )  # fmt: skip
    eye = scene.faces[0].eyes[1]
    x0, y0 = eye.upper_lid.min(0).astype(int)
    x1, y1 = (eye.lower_lid.max(0) + np.array([40, 30])).astype(int)
    still = scene.still.pixels[y0:y1, x0:x1].astype(int)
    lock = (np.abs(still - (54, 65, 113)).max(2) < 12) | (np.abs(still - (92, 122, 158)).max(2) < 12)
    assert lock.sum() > 500, "both locks are there"
    with Animator().prepare(scene, shot, None) as performance:
        changed = [
            np.abs(performance.frame(index)[y0:y1, x0:x1].astype(int) - still).max(2) > 24 for index in range(150)
        ]
    shut = max(changed, key=lambda where: where.sum())
    assert shut.mean() > 0.2, "the eye closes"
    assert shut[lock].mean() < 0.03, "and no skin is painted over the hair"
