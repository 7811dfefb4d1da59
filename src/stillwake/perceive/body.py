"""Hands and the joints of the largest person, by mediapipe's nets.

Both always answer with a whole hand and a whole body: what they cannot see they draw where it would be, also beyond
the edge of the picture. That is what tells a cut hand from a whole one; it is no proof that five fingers are there.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from stillwake.perceive.models import BLANK, Net
from stillwake.types import Body, Floats, Hand, Pixels

MOST_HANDS = 6
_SIDE = 1280
"""Longest side in px that the nets are shown; their own crops are far smaller."""


@lru_cache(maxsize=1)
def _hand_net() -> Net:
    return Net(
        {"image": BLANK},
        binary_graph_path="mediapipe/modules/hand_landmark/hand_landmark_tracking_cpu.binarypb",
        side_inputs={"model_complexity": 1, "num_hands": MOST_HANDS, "use_prev_landmarks": False},
        calculator_params={
            "palmdetectioncpu__TensorsToDetectionsCalculator.min_score_thresh": 0.4,
            "handlandmarkcpu__ThresholdingCalculator.threshold": 0.5,
        },
        outputs=["multi_hand_landmarks", "multi_handedness"],
    )


@lru_cache(maxsize=1)
def _body_net() -> Net:
    return Net(
        {"image": BLANK},
        binary_graph_path="mediapipe/modules/pose_landmark/pose_landmark_cpu.binarypb",
        side_inputs={
            "model_complexity": 1,
            "smooth_landmarks": False,
            "enable_segmentation": False,
            "smooth_segmentation": False,
            "use_prev_landmarks": False,
        },
        calculator_params={
            "posedetectioncpu__TensorsToDetectionsCalculator.min_score_thresh": 0.5,
            "poselandmarkbyroicpu__tensorstoposelandmarksandsegmentation__ThresholdingCalculator.threshold": 0.5,
        },
        outputs=["pose_landmarks"],
    )


def _shown(pixels: Pixels) -> Pixels:
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    if scale == 1:
        return np.ascontiguousarray(pixels)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    drawn: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return drawn


def _points(landmarks: object, pixels: Pixels) -> Floats:
    """(N, 2) float32 px of the picture, counted at pixel centres."""
    height, width = pixels.shape[:2]
    return np.array([(p.x * width - 0.5, p.y * height - 0.5) for p in landmarks.landmark], np.float32)  # type: ignore[attr-defined]


def hands_of(pixels: Pixels) -> tuple[Hand, ...]:
    """The hands in the picture, largest first; ``pixels`` (H, W, 3) uint8 RGB."""
    answer = _hand_net().run(image=_shown(pixels))
    found = [
        Hand(_points(marks, pixels), "left" if side.classification[0].label == "Left" else "right",
             float(side.classification[0].score))
        for marks, side in zip(answer.multi_hand_landmarks or [], answer.multi_handedness or [], strict=True)
    ]  # fmt: skip
    held: list[Hand] = []
    for hand in sorted(found, key=lambda hand: -hand.score):
        if all(_overlap(hand, other) < 0.7 for other in held):  # the same hand, found twice
            held.append(hand)
    return tuple(sorted(held, key=lambda hand: -hand.size))


def _overlap(a: Hand, b: Hand) -> float:
    """The share of the smaller box that both cover."""
    wide = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    high = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    area = min((h.box[2] - h.box[0]) * (h.box[3] - h.box[1]) for h in (a, b))
    return max(0.0, wide) * max(0.0, high) / max(area, 1.0)


def body_of(pixels: Pixels) -> Body | None:
    """The joints of the most prominent person, or None; ``pixels`` (H, W, 3) uint8 RGB."""
    marks = _body_net().run(image=_shown(pixels)).pose_landmarks
    if marks is None:
        return None
    return Body(_points(marks, pixels), np.array([p.visibility for p in marks.landmark], np.float32))
