from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from stillwake.media import open_still
from stillwake.perceive import hands
from stillwake.perceive.look import perceive
from stillwake.perceive.models import Crop
from stillwake.types import Floats, Pixels


def a_hand(fingers: int = 4, side: int = 192) -> Pixels:
    """A flat hand, palm up, with a thumb and so many fingers."""
    picture = np.full((side, side, 3), (60, 90, 120), np.uint8)
    skin = (226, 182, 160)
    cv2.ellipse(picture, (side // 2, 130), (30, 36), 0, 0, 360, skin, -1, cv2.LINE_AA)
    cv2.line(picture, (side // 2, 140), (side // 2, side), skin, 34, cv2.LINE_AA)
    for k in range(fingers):
        turn = np.radians(-22 + 44 * k / max(1, fingers - 1))
        root = (int(side / 2 + 26 * np.sin(1.6 * turn)), int(126 - 24 * np.cos(turn)))
        tip = (int(root[0] + 62 * np.sin(turn)), int(root[1] - 62 * np.cos(turn)))
        cv2.line(picture, root, tip, skin, 48 // max(4, fingers), cv2.LINE_AA)
    cv2.line(picture, (side // 2 - 18, 140), (side // 2 - 62, 92), skin, 16, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), 0.7)


def landmarks(turn: float = 0.0, x: float = 100, y: float = 100) -> Floats:
    """A made-up upright hand, turned clockwise by so many degrees about its wrist."""
    points = [(0.0, 0.0)]
    for k in range(5):
        points += [(-30 + 15 * k, -40 - 15 * j) for j in range(4)]
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return (np.array(points) @ np.array([[cos, sin], [-sin, cos]]) + (x, y)).astype(np.float32)


def a_found(points: Floats) -> hands.Hand:
    (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
    return hands.Hand(points, (x0, y0, x1, y1), "left", "left", 1.0, 1.0, 5.0, -3.0, 0.0, 5.0)


@pytest.mark.parametrize("turn", [-120, -30, 0, 45, 170])
def test_the_crop_follows_the_turn_of_the_hand(turn: float) -> None:
    crop = hands.upright(landmarks(turn))
    straight = hands.upright(landmarks(0))
    assert np.isclose((crop.angle - straight.angle - turn + 180) % 360, 180, atol=0.01)
    assert np.isclose(crop.side, straight.side, rtol=1e-4)


def test_all_landmarks_lie_inside_the_crop() -> None:
    points = landmarks(77, 300, 200)
    matrix = hands.upright(points).matrix(96)
    inside = points @ matrix[:, :2].T + matrix[:, 2]
    assert inside.min() > 0
    assert inside.max() < 95


def test_more_fingers_read_as_more() -> None:
    crop = Crop(95.5, 95.5, 192)
    four, six = hands.read(a_hand(3), crop), hands.read(a_hand(6), crop)
    assert four.digits < six.digits
    assert four.extra < six.extra


def test_a_hand_is_a_hand_and_an_empty_ground_is_none() -> None:
    crop = Crop(95.5, 95.5, 192)
    assert hands.read(a_hand(), crop).hand > hands.IS_HAND
    assert hands.read(np.full((192, 192, 3), 120, np.uint8), crop).hand < hands.read(a_hand(), crop).hand


def test_the_same_crop_gives_the_same_numbers() -> None:
    crop = Crop(95.5, 95.5, 192)
    assert hands.read(a_hand(), crop) == hands.read(a_hand(), crop)


def test_nothing_is_found_where_nothing_is() -> None:
    assert hands.find_hands(np.full((200, 300, 3), 90, np.uint8)) == ()
    assert (
        hands.find_hands(np.zeros((40, 40, 3), np.uint8), [np.array([[5, 5], [20, 20]], np.float32)], drawn=True) == ()
    )


def test_a_landmark_beyond_the_border_cuts_the_hand() -> None:
    assert not hands.cut_off(a_found(landmarks()), (200, 200))
    assert hands.cut_off(a_found(landmarks(x=25)), (200, 200))
    assert hands.cut_off(a_found(landmarks(y=199)), (200, 200))


def test_a_small_hand_may_lie_nearer_to_the_border_of_a_large_picture() -> None:
    hand = a_found(landmarks(x=36))
    assert hands.margin_of(hand, (4000, 4000)) < hands.EDGE * 4000
    assert not hands.cut_off(hand, (4000, 4000))


def test_the_weights_stay_small() -> None:
    assert hands.WEIGHTS.stat().st_size <= 5_000_000
    assert hands.WEIGHTS.with_suffix(".md").is_file()


@pytest.mark.shared
def test_both_hands_of_a_drawing_are_found(shared: Path) -> None:
    scene = perceive(open_still(shared / "stills" / "drawn" / "drawn_51.png"))
    assert scene.style == "drawn"
    assert {hand.side for hand in scene.hands} == {"left", "right"}


@pytest.mark.shared
def test_hands_of_real_pictures_are_found(shared: Path) -> None:
    crops = [shared / "hands" / f"hand_{k:04d}.jpg" for k in (34, 44, 48)]
    for path in crops:
        pixels = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        (hand, *_) = hands.find_hands(pixels)
        assert 4 < hand.digits < 6
        assert hand.landmarks.shape == (21, 2)
        assert not hand.landmarks.flags.writeable
