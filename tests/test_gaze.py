"""Irises that move under lids which do not."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from stillwake.engines.animator import Animator
from stillwake.engines.animator.gaze import FURTHEST, Gaze
from stillwake.engines.animator.ink import double
from stillwake.engines.animator.tracks import live_track
from stillwake.types import Eye, Face, Mouth, Pixels, Scene, Shot

SIDE = 200


def eye(x: float) -> Eye:
    """An open eye of 60 px around x, its iris of 12 px in the middle."""
    along = np.linspace(-30, 30, 13)
    arch = 14 * (1 - (along / 30) ** 2)
    upper, lower = (np.stack([x + along, 100 + sign * arch], -1).astype(np.float32) for sign in (-1, 1))
    return Eye(upper, lower, upper - np.float32([0, 20]), (x, 100.0, 12.0))


def face() -> Face:
    """A face of two eyes; nothing else of it is asked for."""
    line = np.zeros((3, 2), np.float32)
    return Face(
        box=(0, 0, SIDE, SIDE), yaw=0, pitch=0, roll=0, kind="photo", eyes=(eye(50), eye(150)),
        mouth=Mouth(line, line, line, line), jaw=line, nose_tip=(100, 120), chin=(100, 180),
        confidence={"eyes": 1.0}, mesh=None,
    )  # fmt: skip


def picture() -> Pixels:
    """White eyes with dark irises in skin."""
    import cv2

    canvas = np.full((SIDE, SIDE, 3), (200, 160, 140), np.uint8)
    for one in face().eyes:
        outline = np.concatenate([one.upper_lid, one.lower_lid[::-1]])
        cv2.fillPoly(canvas, [np.round(outline).astype(np.int32)], (245, 245, 245))
        assert one.iris is not None
        cv2.circle(canvas, (round(one.iris[0]), round(one.iris[1])), round(one.iris[2]), (40, 60, 90), -1)
    return canvas


def looking(towards: tuple[float, float]) -> Pixels:
    """The picture at twice its size, with eyes that look there."""
    still = double(picture())
    drawn = still.copy()
    Gaze(face(), (True, True), 2, still.shape).redraw(drawn, still, np.array(towards, np.float32))
    return drawn


def middle(drawn: Pixels, x: int) -> float:
    """Where the iris of the eye around x lies, px of the still."""
    row = drawn[200, 2 * (x - 30) : 2 * (x + 30), 0] < 120
    return float(np.flatnonzero(row).mean()) / 2 + x - 30


@pytest.mark.parametrize("reach", [-0.2, -0.1, 0.1, 0.2])
def test_both_irises_move_as_far_as_asked(reach: float) -> None:
    drawn = looking((reach, 0.0))
    for x in (50, 150):
        assert middle(drawn, x) - middle(looking((0.0, 0.0)), x) == pytest.approx(12 * reach, abs=0.5)


def test_lids_and_all_around_them_stay() -> None:
    import cv2

    still, drawn = double(picture()), looking((0.2, 0.1))
    changed = np.abs(still.astype(int) - drawn).max(2) > 0
    inside = np.zeros(changed.shape, np.uint8)
    for one in face().eyes:
        outline = 2 * np.concatenate([one.upper_lid, one.lower_lid[::-1]])
        cv2.fillPoly(inside, [np.round(outline).astype(np.int32)], 1)
    assert changed.any()
    assert not changed[inside == 0].any()


def test_straight_ahead_is_the_still() -> None:
    assert (looking((0.0, 0.0)) == double(picture())).all()


def test_no_iris_leaves_its_eye() -> None:
    assert (looking((5.0, 0.0)) == looking((FURTHEST, 0.0))).all()


def test_an_eye_without_an_iris_looks_nowhere() -> None:
    blind = dataclasses.replace(eye(50), iris=None)
    one = dataclasses.replace(face(), eyes=(blind, blind), confidence={})
    assert not Gaze(one, (True, True), 2, (400, 400, 3))
    assert not Gaze(face(), (False, False), 2, (400, 400, 3))


def test_eyes_wander_and_come_back_to_where_they_were() -> None:
    track = live_track(Fraction(25), 200, 3, blinks=False)
    assert track.gaze is not None
    assert not track.gaze[0].any()
    assert not track.gaze[-1].any()
    assert 0.08 < float(np.abs(track.gaze).max()) <= FURTHEST
    resting = (track.gaze == 0).all(1).mean()
    assert 0.3 < float(resting) < 0.95


def test_a_photographed_face_looks_aside_and_a_drawn_one_does_not(astronaut: Scene, mira: Scene) -> None:
    for scene, moves in ((astronaut, True), (mira, False)):
        shot = Shot(
            family="animator", engine="animator", motion="live", seconds=Fraction(8), fps=Fraction(12),
            size=scene.still.size, seed=1, loop=True, motions=("gaze",),
        )  # fmt: skip
        with Animator().prepare(scene, shot, None) as performance:
            still = performance.frame(0).copy()
            apart = [np.abs(performance.frame(i).astype(int) - still).max() for i in range(0, 96, 3)]
        assert (max(apart) > 12) == moves
