"""The hands of a picture: where they are, whether they are hands, and how many digits they show.

mediapipe's palm detector finds them in photographs; a net of our own that was taught on nothing but our own drawings
(``weights/drawn_hands.md``) finds them in drawings, and some more in photographs. mediapipe's landmarks are put on
either; both take an ear or a paw for a hand now and then, and the landmarks always show five fingers. So another net
of our own (``weights/digits.md``) looks at each upright crop and says whether it is a hand and how many digits it
counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from stillwake.perceive import finder, models
from stillwake.types import Floats, Hand, Pixels

WEIGHTS = Path(__file__).parent / "weights" / "digits.onnx"
FINDER = Path(__file__).parent / "weights" / "drawn_hands.onnx"
LONG = (640, 320)
"""Long sides in px of the picture the finder sees."""
FAINT = 0.3
"""A place that the finder gives less is not looked at. With `PLACED` nothing but hands comes through in one half of 77
drawings and paintings, and one other thing in the other half (``weights/drawn_hands.md``)."""
PLACED = 0.8
"""Landmarks on a place of the finder count from this score of their own net."""
SIDE = 96
"""Side of the net's input in px."""
ROOM = 1.5
"""Side of the upright crop in extents of the landmarks."""
IS_HAND = 0.5
"""A region below this is dropped: measured on the crops labelled "not a hand" (``benchmarks/hands.py``)."""
EXTRA = 0.0
"""`Hand.extra` above this is worth a warning: on pictures not learned 4 % false alarms [0-9] and 96 % [92-99] of the
sixth fingers put in by a warp, 86 % [79-93] of those pasted in (``weights/digits.md``, 2026-11-30)."""
EXTRA_DRAWN = 1.0
"""The same in drawings, higher because the sound ones are so few: none of 51 hands and 74 placebos reads as much."""
MISSING = 0.7
"""`Hand.missing` above this, on a hand with three straight digits, likewise: 3 % [0-7] and 85 % [78-90]."""
EDGE = 0.006
"""A landmark this near to the border, in longer sides of the picture, is cut by it; `NEAR` holds for small hands."""
NEAR = 0.03
"""The same in sizes of the hand: whichever is less."""
_MOST = 8
_TILE = 448
_PLACES = 12
"""Places of the finder that are looked at."""
_TURNS = (-9.0, 9.0)
_ROOMIER = 1.1
"""Side of the crop that landmarks are put on in sides of the crop that digits are counted in."""
_Found = tuple[Floats, Literal["left", "right"], float]
"""Landmarks in px, whose hand, how sure."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the net reads in one upright crop; the fields are those of `Hand`."""

    hand: float
    digits: float
    extra: float
    missing: float
    open: float


def upright(landmarks: Floats) -> models.Crop:
    """The square around the hand that is turned so that its fingers point up.

    Up is from the wrist to the middle of all joints of the four fingers: seen along the forearm, the knuckles of a
    bent hand lie beside its wrist and say nothing, while its fingers still have a direction.
    """
    way = landmarks[5:].mean(0) - landmarks[0]
    angle = float(np.degrees(np.arctan2(way[0], -way[1])))
    cos, sin = np.cos(np.radians(-angle)), np.sin(np.radians(-angle))
    turn = np.array([[cos, -sin], [sin, cos]], np.float32)
    turned = landmarks @ turn.T
    low, high = turned.min(0), turned.max(0)
    middle = (low + high) / 2 @ turn
    extent = max(float((high - low).max()), 1.5 * float(np.hypot(*(landmarks[9] - landmarks[0]))), 1.0)
    return models.Crop(float(middle[0]), float(middle[1]), ROOM * extent, angle)


def read(pixels: Pixels, crop: models.Crop) -> Reading:
    """What the net sees in the crop: the mean of four views, mirrored and turned."""
    views = []
    for turn in _TURNS:
        view = models.Crop(crop.x, crop.y, crop.side, crop.angle + turn).cut(pixels, SIDE)
        views += [view, view[:, ::-1]]
    return read_views(np.stack(views))


def read_views(views: Pixels) -> Reading:
    """The mean reading of several views of one hand, (N, SIDE, SIDE, 3) uint8 RGB."""
    count, flags, straight = models.own_net(WEIGHTS).run(None, {"views": np.ascontiguousarray(views)})
    share = np.exp(count - count.max(1, keepdims=True))
    share = (share / share.sum(1, keepdims=True)).mean(0)
    extra, missing, hand = flags.mean(0)
    return Reading(
        hand=_sigmoid(hand),
        digits=float(share @ np.arange(share.size)),
        extra=float(extra),
        missing=_sigmoid(missing),
        open=float(np.clip(straight.mean(), 0, 7)),
    )


def find_hands(pixels: Pixels, joints: Iterable[Floats] | None = None, *, drawn: bool = False) -> tuple[Hand, ...]:
    """The hands of the picture, largest first; what our own net does not take for a hand is left out.

    ``pixels`` (H, W, 3) uint8 RGB; ``joints`` forearms as (2, 2) arrays, elbow and wrist in px: a second look is
    taken around each wrist where no hand was found; in what is ``drawn`` mediapipe looks at overlapping parts of the
    picture too, which in photographs brings most of its false hands.
    """
    height, width = pixels.shape[:2]
    found = _detect(pixels, 0, 0)
    for x0, y0, length in _tiles(width, height) if drawn else ():
        found += _detect(pixels[y0 : y0 + length, x0 : x0 + length], x0, y0)
    ours = _placed(pixels)
    for forearm in joints or ():
        elbow, wrist = np.asarray(forearm, np.float32)
        reach = float(np.hypot(*(wrist - elbow)))
        if any(np.hypot(*(points[0] - wrist)) < 0.6 * reach for points, *_ in found + ours):
            continue
        centre = wrist + 0.35 * (wrist - elbow)
        x0, y0 = (int(max(0, v - 1.3 * reach)) for v in centre)
        x1, y1 = int(min(width, centre[0] + 1.3 * reach)), int(min(height, centre[1] + 1.3 * reach))
        if min(x1 - x0, y1 - y0) >= 32:
            found += _detect(pixels[y0:y1, x0:x1], x0, y0)
    hands: list[Hand] = []
    for points, own, score in sorted(found, key=lambda one: -one[2]) + ours:
        (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
        box = (x0, y0, x1, y1)
        if any(shared_part(box, other.box) > 0.4 for other in hands):
            continue
        seen = read(pixels, upright(points))
        if seen.hand < IS_HAND:
            continue
        side: Literal["left", "right"] = "left" if (box[0] + box[2]) / 2 < width / 2 else "right"
        hands.append(Hand(points, box, side, own, score, seen.hand, seen.digits, seen.extra, seen.missing, seen.open))
    return tuple(sorted(hands, key=lambda hand: -hand.size)[:_MOST])


def cut_off(hand: Hand, size: tuple[int, int]) -> bool:
    """Whether the picture's border, ``size`` (width, height), cuts the hand: a landmark lies on it or beyond."""
    width, height = size
    margin = margin_of(hand, size)
    x, y = hand.landmarks[:, 0], hand.landmarks[:, 1]
    return bool((x < margin).any() or (y < margin).any() or (x > width - margin).any() or (y > height - margin).any())


def margin_of(hand: Hand, size: tuple[int, int]) -> float:
    """How near to the border a landmark counts as cut by it, in px."""
    return min(EDGE * max(size), NEAR * hand.size)


def shared_part(one: Iterable[float], other: Iterable[float]) -> float:
    """Shared area in areas of the smaller box."""
    a, b = tuple(one), tuple(other)
    shared = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    return shared / max(1e-6, min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])))


def _placed(pixels: Pixels) -> list[_Found]:
    """Landmarks on each place of our own finder where they find a hold, the surest place first.

    They are put on twice, the second time where the first ones say that the hand is.
    """
    found: list[_Found] = []
    for place, _ in finder.places(FINDER, pixels, LONG, FAINT, _PLACES):
        first = models.read_hand(pixels, place)
        around = upright(first[0])
        closer = models.Crop(around.x, around.y, _ROOMIER * around.side, around.angle)
        points, likely, right = max(first, models.read_hand(pixels, closer), key=lambda seen: seen[1])
        if likely >= PLACED:
            found.append((points, "right" if right > 0.5 else "left", max(right, 1 - right)))
    return found


def _tiles(width: int, height: int) -> list[tuple[int, int, int]]:
    """Overlapping squares of half the shorter side, at least 448 px: (x0, y0, side)."""
    side = min(max(_TILE, min(width, height) // 2), min(width, height))

    def starts(length: int) -> list[int]:
        n = 1 if length <= side else 1 + int(np.ceil((length - side) / (0.6 * side)))
        return [round(v) for v in np.linspace(0, length - side, n)]

    return [(x, y, side) for y in starts(height) for x in starts(width)]


@lru_cache(maxsize=1)
def _detector() -> models.Net:
    return models.Net(
        {"image": np.zeros((64, 64, 3), np.uint8)},
        chatters=True,
        binary_graph_path="mediapipe/modules/hand_landmark/hand_landmark_tracking_cpu.binarypb",
        side_inputs={"model_complexity": 1, "num_hands": _MOST, "use_prev_landmarks": False},
        calculator_params={
            "palmdetectioncpu__TensorsToDetectionsCalculator.min_score_thresh": 0.4,
            "handlandmarkcpu__ThresholdingCalculator.threshold": 0.4,
        },
        outputs=["multi_hand_landmarks", "multi_handedness"],
    )


def _detect(pixels: Pixels, x0: int, y0: int) -> list[_Found]:
    """(landmarks in px of the whole picture, whose hand, how sure) of each region that the detector takes for one.

    The net was taught on mirrored pictures: what it calls a left hand is a right one.
    """
    height, width = pixels.shape[:2]
    answer = _detector().run(image=np.ascontiguousarray(pixels))
    found: list[_Found] = []
    for hand, sides in zip(answer.multi_hand_landmarks or (), answer.multi_handedness or (), strict=True):
        points = np.array([(p.x * width - 0.5 + x0, p.y * height - 0.5 + y0) for p in hand.landmark], np.float32)
        read = sides.classification[0]
        found.append((points, "right" if read.label == "Left" else "left", float(read.score)))
    return found


def _sigmoid(logit: float) -> float:
    return float(1 / (1 + np.exp(-float(logit))))
