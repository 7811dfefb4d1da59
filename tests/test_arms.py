"""Which hand ends which arm, and whether a wrist can do that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from stillwake.media import open_still
from stillwake.perceive import hands
from stillwake.perceive.look import perceive
from stillwake.readiness.arms import BEND, SMALLEST, SPARE, arms_of, spare_finding, wrists_finding
from stillwake.readiness.limits import Finding
from stillwake.types import Body, Floats, Hand, Scene, Still

LEFT, RIGHT = (700.0, 500.0), (300.0, 500.0)
"""Where the person's wrists are, who faces the viewer."""


def a_hand(
    wrist: Sequence[float], *, bend: float = 0.0, size: float = 100.0, own: str = "left", sure: float = 0.99
) -> Hand:
    """A hand that goes on from a forearm that points down, bent by so many degrees."""
    fan = np.array([(0.0, 0.0)] + [((k - 2.5) * 8.0 * j / 4, 25.0 * j) for k in range(5) for j in range(1, 5)])
    cos, sin = np.cos(np.radians(bend)), np.sin(np.radians(bend))
    points = (fan @ np.array([[cos, sin], [-sin, cos]]) * size / 100 + wrist).astype(np.float32)
    (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
    return Hand(points, (x0, y0, x1, y1), "left", own, sure, 1.0, 5.0, -4.0, 0.1, 5.0)  # type: ignore[arg-type]


def a_body(long: float = 200.0, seen: float = 1.0) -> Body:
    """Somebody whose forearms hang down, so long."""
    joints = np.zeros((33, 2), np.float32)
    joints[[15, 16]] = LEFT, RIGHT
    joints[[13, 14]] = joints[[15, 16]] - (0, long)
    return Body(joints, np.full(33, seen, np.float32))


def asked(found: Sequence[Hand], body: Body | None) -> Finding:
    still = Still(np.zeros((900, 1000, 3), np.uint8), "arms.png", "0" * 64)
    seen = {"hands": "a builder", "body": "a builder"}
    return wrists_finding(Scene(still, "photo", (), (), None, seen, hands=tuple(found), body=body))


def test_each_hand_ends_its_own_arm() -> None:
    found = arms_of((a_hand(LEFT), a_hand(RIGHT, own="right")), a_body())
    assert [arm.side for arm in found] == ["left", "right"]
    assert [arm.bend for arm in found] == [pytest.approx(0, abs=1)] * 2
    assert asked([a_hand(LEFT), a_hand(RIGHT, own="right")], a_body()).verdict == "pass"


@pytest.mark.parametrize("own", ["left", "right"])
def test_the_other_hand_on_an_arm_is_told_and_pointed_at(own: str) -> None:
    both = [a_hand(LEFT, own=own), a_hand(RIGHT, own=own)]
    wrong = both[0 if own == "right" else 1]
    found = asked(both, a_body())
    assert found.verdict == "warn"
    assert found.box == wrong.box
    assert f"a {own} hand" in found.why
    assert found.fix


def test_a_hand_of_which_nobody_is_sure_is_not_told() -> None:
    assert asked([a_hand(LEFT, own="right", sure=0.8)], a_body()).verdict == "pass"


@pytest.mark.parametrize("way", [-1, 1])
@pytest.mark.parametrize(
    ("bend", "verdict"), [(60, "pass"), (BEND.warn - 5, "pass"), (BEND.warn + 5, "warn"), (170, "warn")]
)
def test_a_wrist_bends_only_so_far(bend: float, way: int, verdict: str) -> None:
    found = asked([a_hand(RIGHT, own="right", bend=way * bend)], a_body())
    assert found.verdict == verdict
    assert found.measured == pytest.approx(bend, abs=1)


@pytest.mark.parametrize(
    ("found", "body", "why"),
    [
        ([a_hand(LEFT)], None, "no arms"),
        ([], a_body(), "no hand"),
        ([a_hand(LEFT, own="right")], a_body(seen=0.4), "no hand"),
        ([a_hand((LEFT[0] + 80, LEFT[1]), own="right")], a_body(), "no hand"),
        ([a_hand(LEFT, size=0.9 * SMALLEST, own="right")], a_body(), "no hand"),
        ([a_hand(LEFT, bend=170)], a_body(long=60), "forearm"),
    ],
)
def test_what_is_not_surely_an_arm_and_its_hand_is_unseen(found: list[Hand], body: Body | None, why: str) -> None:
    told = asked(found, body)
    assert told.verdict == "unseen"
    assert why in told.why


def test_of_two_hands_at_one_wrist_neither_is_told() -> None:
    assert arms_of((a_hand(LEFT), a_hand((LEFT[0] + 20, LEFT[1]), own="right")), a_body()) == []


def test_of_two_wrists_that_lie_together_neither_is_told() -> None:
    body = a_body()
    joints = body.joints.copy()
    joints[16] = joints[15] + (60, 0)
    assert arms_of((a_hand(LEFT, own="right"),), replace(body, joints=joints)) == []


def whose(found: Sequence[Hand], body: Body | None, faces: int = 1) -> Finding:
    still = Still(np.zeros((900, 1000, 3), np.uint8), "arms.png", "0" * 64)
    people = (SimpleNamespace(box=(450, 100, 550, 220)),) * faces
    return spare_finding(Scene(still, "photo", people, (), None, {}, hands=tuple(found), body=body))  # type: ignore[arg-type]


def test_a_hand_that_begins_at_no_wrist_is_told_and_pointed_at() -> None:
    sound, spare = a_hand(LEFT), a_hand((500, 700))
    found = whose([sound, spare], a_body())
    assert (found.verdict, found.box) == ("warn", spare.box)
    assert "no arm" in found.why
    assert found.fix
    assert whose([sound, a_hand(RIGHT)], a_body()).verdict == "pass"


@pytest.mark.parametrize(("share", "verdict"), [(0.9, "pass"), (1.1, "warn")])
def test_a_hand_may_begin_a_little_away_from_where_the_wrist_is_seen(share: float, verdict: str) -> None:
    size = a_hand(LEFT).size
    found = whose([a_hand((LEFT[0] + share * SPARE.warn * size, LEFT[1]))], a_body())
    assert found.verdict == verdict
    assert found.measured == pytest.approx(share * SPARE.warn, abs=0.01)


@pytest.mark.parametrize("seen", [1.0, 0.2])
def test_one_person_has_two_hands(seen: float) -> None:
    beside = a_hand((RIGHT[0] + 60, RIGHT[1]))
    found = whose([a_hand(LEFT), a_hand(RIGHT), beside], a_body(seen=seen))
    assert (found.verdict, found.measured, found.limit) == ("warn", 3, 2)
    assert found.box == beside.box


@pytest.mark.parametrize(
    ("found", "body", "faces", "why"),
    [
        ([a_hand((500, 700))], a_body(), 2, "one face"),
        ([a_hand((500, 700))], a_body(), 0, "one face"),
        ([a_hand((500, 700))], None, 1, "no arms"),
        ([], a_body(), 1, "no hand"),
        ([a_hand((500, 700), size=0.9 * SMALLEST)], a_body(), 1, "no hand"),
        ([a_hand((500, 700))], a_body(seen=0.4), 1, "hidden"),
    ],
)
def test_whose_a_hand_is_may_be_unseen(found: list[Hand], body: Body | None, faces: int, why: str) -> None:
    told = whose(found, body, faces)
    assert told.verdict == "unseen"
    assert why in told.why


@pytest.mark.shared
def test_a_hand_copied_to_where_none_is_is_told(shared: Path) -> None:
    from benchmarks.arms import copied

    still = open_still(shared / "stills" / "photo" / "photo_59.jpg")
    scene = perceive(still)
    assert spare_finding(scene).verdict == "pass"
    changed = copied(scene, scene.hands[0], np.random.default_rng(1))
    assert changed is not None
    pixels, box = changed
    found = spare_finding(perceive(replace(still, pixels=pixels)))
    assert found.verdict == "warn"
    assert found.box is not None
    assert np.allclose(found.box, box, atol=0.4 * scene.hands[0].size)


@pytest.mark.shared
def test_a_mirrored_hand_is_the_other_hand(shared: Path) -> None:
    told = []
    for line in (shared / "hands" / "LABELS.tsv").read_text().splitlines()[1:90]:
        name, label = line.split("\t")[:2]
        pixels = cv2.imread(str(shared / "hands" / name))
        if label == "clean_five":
            both = [hands.find_hands(np.ascontiguousarray(way)) for way in (pixels[..., ::-1], pixels[:, ::-1, ::-1])]
            if all(len(found) == 1 and found[0].score > 0.9 for found in both):
                told.append(both[0][0].handedness != both[1][0].handedness)
    assert len(told) >= 15
    assert np.mean(told) > 0.9


def test_the_detector_was_taught_on_mirrored_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = [SimpleNamespace(x=0.4 + 0.01 * k, y=0.3 + 0.02 * k) for k in range(21)]
    told = SimpleNamespace(classification=[SimpleNamespace(label="Left", score=0.97)])
    answer = SimpleNamespace(multi_hand_landmarks=[SimpleNamespace(landmark=marks)], multi_handedness=[told])
    monkeypatch.setattr(hands, "_detector", lambda: SimpleNamespace(run=lambda image: answer))
    monkeypatch.setattr(hands, "read", lambda *_: hands.Reading(1.0, 5.0, -4.0, 0.1, 5.0))
    (found,) = hands.find_hands(np.zeros((200, 200, 3), np.uint8))
    assert (found.handedness, found.score) == ("right", 0.97)


@pytest.mark.shared
@pytest.mark.parametrize(("name", "arms"), [("photo_11.jpg", 2), ("photo_53.jpg", 2), ("photo_59.jpg", 2)])
def test_people_have_their_own_hands(shared: Path, name: str, arms: int) -> None:
    scene = perceive(open_still(shared / "stills" / "photo" / name))
    assert scene.body is not None
    found = arms_of(scene.hands, scene.body)
    assert len(found) == arms
    assert all(arm.side == arm.hand.handedness for arm in found)
    assert wrists_finding(scene).verdict == "pass"


@pytest.mark.shared
def test_a_hand_mirrored_in_its_place_is_told(shared: Path) -> None:
    from benchmarks.arms import mirrored

    still = open_still(shared / "stills" / "photo" / "photo_24.jpg")
    scene = perceive(still)
    assert scene.body is not None
    (arm,) = arms_of(scene.hands, scene.body)
    changed: Floats = mirrored(still.pixels, arm.hand)
    found = wrists_finding(perceive(replace(still, pixels=changed)))
    assert found.verdict == "warn"
    assert found.box is not None
    assert np.hypot(found.box[0] - arm.hand.box[0], found.box[1] - arm.hand.box[1]) < 0.5 * arm.hand.size
