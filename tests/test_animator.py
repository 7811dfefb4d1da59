from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from stillwake.engines.animator import Animator, anatomy, warp
from stillwake.engines.animator.fields import COEFFICIENTS, EXPRESSION, INDEX, LIMITS
from stillwake.engines.animator.ink import double
from stillwake.engines.animator.parts import Pose
from stillwake.engines.animator.render import Talk
from stillwake.engines.animator.rig import Rig, build_rig
from stillwake.engines.animator.tracks import Track, live_track, pose_table, talk_track
from stillwake.errors import NotReadyError, UsageError
from stillwake.types import VISEMES, Scene, Shot, Sound, Speech, Still, Timed

RESIDUAL_PX = 0.5
FOLD_SHARE = 1e-6


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A real photograph of a smiling face, from a wheel."""
    data = pytest.importorskip("skimage.data")
    from stillwake.perceive import perceive

    return perceive(Still(np.ascontiguousarray(data.astronaut()), "astronaut.png", "0" * 64))


@pytest.fixture(scope="module")
def rig(scene: Scene) -> Rig:
    return build_rig(scene, scene.faces[0])


def still_track(count: int = 1) -> Track:
    zero = np.zeros(count, np.float32)
    return Track(np.zeros((count, len(COEFFICIENTS)), np.float32), zero, zero)


def lively_track(rig: Rig, count: int = 40) -> Track:
    """Every viseme in turn, blended, with the head at its limits."""
    table, tongue = pose_table(rig.face)
    order = np.random.default_rng(3).permutation(len(VISEMES))
    weights = np.zeros((count, len(VISEMES)), np.float32)
    at = np.linspace(0, len(order) - 1, count)
    for place, viseme in enumerate(order):
        weights[:, viseme] += np.exp(-(((at - place) / 0.7) ** 2))
    weights /= weights.sum(1, keepdims=True)
    poses = weights @ table
    for number, name in enumerate(("yaw", "pitch", "roll", "shift_x", "shift_y", "breath", "sway_cos")):
        poses[:, INDEX[name]] += LIMITS[INDEX[name]] * np.sin(at * (0.4 + 0.1 * number))
    return Track(poses.astype(np.float32), np.clip(np.sin(at), 0, 1).astype(np.float32), weights @ tongue)


def tone(seconds: float, loud: float = 8000.0) -> Sound:
    samples = (loud * np.sin(np.arange(int(16000 * seconds)) * 0.1)).astype(np.int16)
    return Sound("tone", "0" * 64, 16000, 1, Fraction(len(samples), 16000), samples, lambda: iter([samples[:, None]]))


def spoken(seconds: float = 3.0, loud: float = 8000.0) -> Speech:
    edges = np.linspace(0, seconds, 13)
    labels = ["rest", "AA", "MBP", "IY", "S", "OW", "rest", "rest", "K", "FV", "AH", "rest"]
    visemes = tuple(Timed(float(a), float(b), v) for a, b, v in zip(edges[:-1], edges[1:], labels, strict=True))
    return Speech(tone(seconds, loud), "en", "voice", (), visemes, visemes)


def opening(talk: Talk, pose: Any) -> float:
    return talk._rig.mouth.bend(Pose(pose)).opening


# ------------------------------------------------------------------------------------------------ the promises


def test_rest_is_the_still_byte_for_byte(rig: Rig) -> None:
    talk = Talk(rig, still_track(), Fraction(25))
    assert (talk.frame(0) == rig.source).all()


def test_the_warp_itself_is_the_identity_at_rest(rig: Rig) -> None:
    almost = Track(np.full((1, len(COEFFICIENTS)), 1e-12, np.float32), np.zeros(1), np.zeros(1))
    assert (Talk(rig, almost, Fraction(25)).frame(0) == rig.source).all()


def test_pixels_outside_the_mask_never_change(rig: Rig) -> None:
    talk = Talk(rig, lively_track(rig), Fraction(25))
    changed = np.zeros(rig.mask.shape, bool)
    for index in range(talk.frame_count):
        changed |= (talk.frame(index) != rig.source).any(2)
    assert changed.sum() > 1000
    assert not (changed & ~rig.mask).any()


def test_at_most_a_tenth_of_the_background_is_in_the_mask(scene: Scene, rig: Rig) -> None:
    assert scene.matte is not None
    background = scene.matte < 0.5
    assert (rig.mask & background).sum() <= 0.10 * background.sum()


def test_frames_are_a_pure_function_of_their_index(rig: Rig) -> None:
    track = lively_track(rig, 12)
    forward = [Talk(rig, track, Fraction(25)).frame(i).copy() for i in range(12)]
    talk = Talk(rig, track, Fraction(25))
    for index in (7, 0, 11, 3, 7):
        assert (talk.frame(index) == forward[index]).all()


def test_the_inverse_is_exact_and_never_folds(rig: Rig) -> None:
    talk = Talk(rig, lively_track(rig), Fraction(25))
    misses, folded, total = [], 0, 0
    for index in range(0, talk.frame_count, 2):
        seen = talk.warp(index)
        misses.append(seen.residual)
        dx, dy = np.gradient(seen.map, axis=1), np.gradient(seen.map, axis=0)
        turned = dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0] <= 0
        folded, total = folded + int((turned & ~seen.cut).sum()), total + turned.size
    assert np.percentile(np.concatenate(misses), 99.9) < RESIDUAL_PX
    assert folded <= FOLD_SHARE * total


def test_a_jaw_that_ends_against_the_background_folds_nowhere(scene: Scene) -> None:
    alone = build_rig(replace(scene, matte=None), scene.faces[0])  # nothing but the face's hull is the person
    pose = pose_table(alone.face)[0][VISEMES.index("AA")] * np.float32(1.12)
    forward = warp.displacement(alone.head, pose)
    below = alone.head.grid.nodes[..., 1] > alone.face.centre[1] + 0.3 * alone.face.opening_unit
    down, across = np.gradient(forward, alone.head.grid.step, axis=(0, 1))
    kept = (1 + across[..., 0]) * (1 + down[..., 1]) - across[..., 1] * down[..., 0]
    assert np.abs(forward).max() > 0.05 * alone.face.face_height
    assert kept[below].min() > 0.25


def test_a_frame_outside_the_clip_is_refused(rig: Rig) -> None:
    talk = Talk(rig, still_track(3), Fraction(25))
    with pytest.raises(IndexError):
        talk.frame(3)
    with pytest.raises(IndexError):
        talk.frame(-1)


# --------------------------------------------------------------------------------------------------- the mouth


def test_lips_meet_in_a_closure_even_from_a_smile(rig: Rig) -> None:
    assert rig.face.opened
    table, _ = pose_table(rig.face)
    talk = Talk(rig, still_track(), Fraction(25))
    assert opening(talk, table[VISEMES.index("rest")]) > 0.08 * rig.face.mouth_width
    assert opening(talk, table[VISEMES.index("MBP")]) < 0.02 * rig.face.mouth_width


def test_visemes_open_in_the_order_of_speech(rig: Rig) -> None:
    table, _ = pose_table(rig.face)
    talk = Talk(rig, still_track(), Fraction(25))
    heights = [opening(talk, table[VISEMES.index(v)]) for v in ("MBP", "S", "EH", "AA")]
    assert heights == sorted(heights)
    assert heights[-1] > 0.2 * rig.face.mouth_width


def test_a_closed_mouth_needs_no_closing_and_a_viseme_keeps_its_full_opening(rig: Rig) -> None:
    closed = replace(rig.face, gap=0.0)
    table, _ = pose_table(closed)
    assert (table[:, INDEX["close"]] == 0).all()
    half_open = replace(rig.face, gap=0.05 * rig.face.mouth_width)
    assert pose_table(half_open)[0][VISEMES.index("AA"), INDEX["jaw"]] < table[VISEMES.index("AA"), INDEX["jaw"]]


def test_a_broad_smile_gives_way_to_words_and_comes_back(rig: Rig) -> None:
    assert rig.face.smile > 0.5
    smile = pose_table(rig.face)[0][:, INDEX["smile"]]
    assert smile[VISEMES.index("rest")] == 0
    assert smile[VISEMES.index("OW")] < -0.2
    level = np.stack([rig.face.upper_line[:, 0], np.full(anatomy.LINE_POINTS, 100.0)], 1).astype(np.float32)
    upright = replace(rig.face, across=np.array([1.0, 0.0]), down=np.array([0.0, 1.0]), gap=0.0)
    assert replace(upright, upper_line=level, lower_line=level).smile == 0


def test_lips_that_newly_touch_cast_a_shadow(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    pose = pose_table(rig.face)[0][VISEMES.index("MBP")]
    shaded = Talk(rig, still_track(), Fraction(25)).draw(pose).astype(int).copy()
    monkeypatch.setattr("stillwake.engines.animator.lips.CONTACT", 0.0)
    plain = Talk(rig, still_track(), Fraction(25)).draw(pose).astype(int).copy()
    assert (shaded <= plain).all()
    assert (plain - shaded).max() > 15


def test_the_mouth_opens_without_a_pop(rig: Rig) -> None:
    talk = Talk(rig, still_track(), Fraction(25))
    pose = np.zeros(len(COEFFICIENTS), np.float32)
    before = talk.draw(pose).astype(int).copy()
    largest = 0
    for jaw in np.linspace(0, 0.2, 41)[1:]:
        pose[INDEX["jaw"]] = jaw
        now = talk.draw(pose).astype(int).copy()
        largest = max(largest, int(np.percentile(np.abs(now - before)[rig.mask].max(-1), 99.9)))
        before = now
    assert 0 < largest < 40


# ----------------------------------------------------------------------------------------------------- the eyes


def test_a_blink_changes_the_eyes_and_nothing_else(rig: Rig) -> None:
    talk = Talk(rig, still_track(), Fraction(25))
    rest = np.zeros(len(COEFFICIENTS), np.float32)
    changed = (talk.draw(rest, 1.0) != rig.source).any(2)
    near = np.zeros_like(changed)
    for eye in rig.face.eyes:
        x, y = eye.origin + eye.across * eye.width / 2
        reach = int(1.2 * eye.width)
        near[int(y) - reach : int(y) + reach, int(x) - reach : int(x) + reach] = True
    assert changed.sum() > 50
    assert not (changed & ~near).any()


# --------------------------------------------------------------------------------------------------- the tracks


def test_the_first_and_the_last_frame_are_the_still(rig: Rig) -> None:
    track = talk_track(rig.face, spoken(), Fraction(25), 76, seed=1, blinks=True)
    assert np.abs(track.poses[[0, -1]][:, len(EXPRESSION) :]).max() == 0
    assert track.blink[0] == track.blink[-1] == 0


def test_nothing_in_the_mouth_moves_in_silence(rig: Rig) -> None:
    quiet = Speech(tone(4.0, loud=0.0), "en", "voice", (), (), (Timed(0.0, 4.0, "rest"),))
    track = talk_track(rig.face, quiet, Fraction(25), 100, seed=0, blinks=True)
    brow = INDEX["brow"]
    mouth = [i for i in range(len(EXPRESSION)) if i != brow]
    assert (track.poses[:, mouth] == 0).all()


def test_the_seed_decides_head_and_blinks_but_never_the_mouth(rig: Rig) -> None:
    first, again, other = (talk_track(rig.face, spoken(), Fraction(25), 76, s, blinks=True) for s in (5, 5, 6))
    assert (first.poses == again.poses).all()
    assert (first.poses[:, INDEX["yaw"]] != other.poses[:, INDEX["yaw"]]).any()
    assert (first.poses[:, INDEX["jaw"]] == other.poses[:, INDEX["jaw"]]).all()


def test_no_track_leaves_the_limits_that_the_mask_was_made_for(rig: Rig) -> None:
    for seed in range(5):
        track = talk_track(rig.face, spoken(8.0, loud=30000), Fraction(30000, 1001), 240, seed, blinks=True)
        assert (np.abs(track.poses) <= LIMITS + 1e-6).all()


def test_eyes_that_cannot_be_trusted_are_left_alone(scene: Scene) -> None:
    face = replace(scene.faces[0], confidence={"face": 1.0, "eyes": 0.2, "mouth": 1.0})
    shot = Shot(family="animator", engine="animator", motion="talk", seconds=Fraction(3), fps=Fraction(25),
                size=scene.still.size, seed=0)  # fmt: skip
    talk = Animator().prepare(replace(scene, faces=(face,)), shot, spoken())
    assert (talk._track.blink == 0).all()


# ------------------------------------------------------------------------------------------------ the arithmetic


def test_newton_inverts_a_stretch_exactly() -> None:
    step, count = 4, 40
    x, y = np.meshgrid(np.arange(count, dtype=np.float32), np.arange(count, dtype=np.float32))
    index = np.dstack([x, y])
    middle = count / 2 * step
    u = np.dstack([0.5 * (x * step - middle), -0.3 * (y * step - middle)]).astype(np.float32)  # x -> 1.5 x, y -> 0.7 y
    inverse = warp.invert_steep(u, index, step)
    inner = np.s_[15:25, 10:30]
    expected = np.dstack([(x * step - middle) * (1 / 1.5 - 1), (y * step - middle) * (1 / 0.7 - 1)])
    raster = 0.8 * step / 64  # remap rounds positions to 1/32 of a cell
    assert np.abs(inverse - expected)[inner].max() <= raster
    assert warp.residual(u, inverse, index, step)[inner].max() <= 1.5 * raster


def test_fixed_point_steps_invert_a_shift_exactly() -> None:
    index = np.dstack(np.meshgrid(np.arange(20, dtype=np.float32), np.arange(20, dtype=np.float32)))
    u = np.full((20, 20, 2), (3.25, -1.5), np.float32)
    assert (warp.invert_smooth(u, index, 8) == -u).all()


def test_enlarged_nodes_are_the_pixels_own_coordinates(rig: Rig) -> None:
    x0, y0, x1, y1 = rig.region
    pixels = warp.enlarge(rig.head.grid.nodes, rig.head.grid, rig.region)
    x, y = np.meshgrid(np.arange(x0, x1), np.arange(y0, y1))
    assert np.abs(pixels - np.dstack([x, y])).max() < 1e-3


def test_doubling_keeps_every_pixel_of_the_still() -> None:
    still = np.random.default_rng(0).integers(0, 256, (31, 45, 3), np.uint8)
    assert (double(still)[::2, ::2] == still).all()


def test_the_lip_line_snaps_to_the_dark_line_of_a_closed_mouth() -> None:
    pixels = np.full((120, 200, 3), (210, 160, 140), np.uint8)
    pixels[63:65] = (90, 40, 40)
    x = np.linspace(50, 150, anatomy.LINE_POINTS)
    line = np.stack([x, np.full_like(x, 60.0)], 1)
    snapped = anatomy.snap(pixels, line, np.array([0.0, 1.0]), 6.0, 100.0, edge=None)
    assert np.abs(snapped[15:-15, 1] - 63.5).max() < 1.0
    assert np.abs(snapped[[0, -1], 1] - 60).max() < 1e-6


def test_an_open_lip_snaps_to_where_red_meets_teeth() -> None:
    pixels = np.full((120, 200, 3), (190, 90, 90), np.uint8)
    pixels[58:] = (235, 230, 220)
    x = np.linspace(50, 150, anatomy.LINE_POINTS)
    line = np.stack([x, np.full_like(x, 60.0)], 1)
    snapped = anatomy.snap(pixels, line, np.array([0.0, 1.0]), 5.0, 100.0, edge=1)
    assert np.abs(snapped[15:-15, 1] - 57.5).max() < 1.0


# -------------------------------------------------------------------------------------------------- the refusals


def a_shot(**changes: Any) -> Shot:
    base = {"family": "animator", "engine": "animator", "motion": "talk", "seconds": Fraction(3), "fps": Fraction(25)}
    return Shot(**{**base, "size": (512, 512), "seed": 0, **changes})


@pytest.mark.parametrize("changes", [{"motion": "dance"}, {"face": 2}])
def test_a_shot_it_cannot_draw_is_refused(scene: Scene, changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Animator().prepare(scene, a_shot(**changes), spoken())


def test_a_talking_shot_without_speech_is_refused(scene: Scene) -> None:
    with pytest.raises(UsageError, match="--say"):
        Animator().prepare(scene, a_shot(), None)


def test_a_face_without_a_mesh_is_refused(scene: Scene) -> None:
    bare = replace(scene, faces=(replace(scene.faces[0], mesh=None),))
    with pytest.raises(NotReadyError):
        Animator().prepare(bare, a_shot(), spoken())


def test_the_rig_is_the_same_with_any_number_of_threads() -> None:
    """The last bits of a matrix product depend on how many threads the BLAS library takes; frames must not."""
    import os
    import subprocess
    import sys

    program = """
import hashlib
import numpy as np
from skimage import data
from stillwake.perceive import glance, scaled
from stillwake.types import Still
scene = scaled(glance(Still(np.ascontiguousarray(data.astronaut()), "astronaut.png", "0" * 64)), (448, 448))
from stillwake.engines.animator.rig import build_rig
rig = build_rig(scene, scene.faces[0])
layers = rig.head, rig.mouth.upper, rig.mouth.lower
print(hashlib.sha256(b"".join(layer.basis.tobytes() for layer in layers)).hexdigest())
"""
    pytest.importorskip("skimage")
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True, text=True, check=True, env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
        ).stdout
        for threads in ("1", "2")
    }  # fmt: skip
    assert len(answers) == 1


@pytest.mark.parametrize(("fps", "count"), [("25", 150), ("30000/1001", 90), ("12", 12), ("60", 61)])
def test_a_living_loop_flows_into_itself_in_position_and_in_speed(fps: str, count: int) -> None:
    track = live_track(Fraction(fps), count, 3, True)
    assert not track.poses[0].any()
    assert track.blink[0] == track.blink[-1] == 0
    around = np.concatenate([track.poses[-2:], track.poses[:2]]).astype(np.float64)
    before, over, after = np.diff(around, axis=0)
    assert np.abs(over - (before + after) / 2).max() < 0.12 * max(np.abs(np.diff(track.poses, axis=0)).max(), 1e-6)
    assert (np.abs(track.poses) <= LIMITS).all()


def test_a_living_loop_blinks_and_keeps_the_mouth(rig: Rig) -> None:
    track = live_track(Fraction(25), 150, 0, True)
    assert track.blink.max() > 0.9
    assert not live_track(Fraction(25), 150, 0, False).blink.any()
    assert not track.poses[:, : len(EXPRESSION)].any()


@pytest.mark.parametrize("width", [0.0, 0.5, 2.0, 30.0])
def test_an_eye_of_any_size_has_a_line(width: float) -> None:
    from stillwake.engines.animator.anatomy import eye_line

    along = np.linspace(0, width, 9)
    bow = np.sin(np.linspace(0, np.pi, 9)) * width / 4
    line = eye_line(
        np.c_[100 + along, 50 - bow], np.c_[100 + along, 50 + bow], np.c_[100 + along, 40 - bow], np.array([1.0, 0.0])
    )
    assert np.isfinite(line.upper).all()
    assert np.isfinite(line.lower).all()
    assert line.upper.min() == pytest.approx(-width / 4, abs=max(0.02, 0.01 * width))
