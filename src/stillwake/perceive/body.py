"""The joints of the most prominent person, by mediapipe's net.

It always answers with a whole body: what it cannot see it draws where it would be, also beyond the picture's edge.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from stillwake.perceive.models import BLANK, Net
from stillwake.types import Body, Pixels

HIPS, KNEES, ANKLES = (23, 24), (25, 26), (27, 28)
"""Left and right, in mediapipe's order."""
FEET = (29, 30, 31, 32)
"""Heels and toes, left and right by turns."""
_NEAR, _ROOM = 0.25, 0.25
"""Shares of the picture's height: ankles so near its lower edge are looked at again, with so much grey below."""
_SIDE = 1280
"""Longest side in px that the nets are shown; their own crops are far smaller."""


@lru_cache(maxsize=1)
def _body_net() -> Net:
    return Net(
        {"image": BLANK},
        chatters=True,
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


def body_of(pixels: Pixels) -> Body | None:
    """The joints of the most prominent person, or None; ``pixels`` (H, W, 3) uint8 RGB.

    The net squeezes legs into the picture: where ankles come near its lower edge it looks again with room below, and
    the feet are where they lie lower.
    """
    height, width = pixels.shape[:2]
    shown = _shown(pixels)
    body = _looked(shown, (width, height))
    if body is None:
        return None
    knees, ankles = (body.joints[list(pair), 1] for pair in (KNEES, ANKLES))
    if knees.min() > height or ankles.max() < (1 - _NEAR) * height:
        return body
    room = np.full((round(_ROOM * len(shown)), *shown.shape[1:]), 127, np.uint8)
    again = _looked(np.concatenate([shown, room]), (width, height * (1 + len(room) / len(shown))))
    if again is None or again.joints[list(FEET), 1].max() <= body.joints[list(FEET), 1].max():
        return body
    shin = float(np.linalg.norm(body.joints[list(KNEES)] - body.joints[list(ANKLES)], axis=1).max())
    if np.linalg.norm(again.joints[list(KNEES)] - body.joints[list(KNEES)], axis=1).max() > 0.5 * shin:
        return body  # that is somebody else, or a guess
    joints = body.joints.copy()
    joints[[*ANKLES, *FEET]] = again.joints[[*ANKLES, *FEET]]
    return Body(joints, body.seen.copy())


def _looked(shown: Pixels, size: tuple[float, float]) -> Body | None:
    """The joints in a picture that is so many px wide and high, of which ``shown`` is what the net is given."""
    marks = _body_net().run(image=shown).pose_landmarks
    if marks is None:
        return None
    joints = [(mark.x * size[0] - 0.5, mark.y * size[1] - 0.5) for mark in marks.landmark]
    return Body(np.array(joints, np.float32), np.array([mark.visibility for mark in marks.landmark], np.float32))
