"""The drawn portrait of the demo: ``python -m training.drawn_faces.portrait FILE.png``, drawn by the generator.

The seed was chosen by looking at thirty-two, when the generator drew eleven kinds of mouths (commit 715d8f7), and the
demo's picture is of that day: now that it draws twelve, the same seed is somebody else.
"""

from __future__ import annotations

import math
import sys

import cv2
import numpy as np
from training.drawn_faces.face import Portrait
from training.drawn_faces.paint import hsv
from training.drawn_faces.samples import laid_out

SEED = 27
SIZE = (768, 768)
"""Width and height in px."""
_FINER = 2


def portrait(seed: int = SEED) -> np.ndarray:
    """The portrait, (768, 768, 3) uint8 BGR."""
    rng = np.random.default_rng([21, seed])
    person = Portrait(rng)
    while not _plain(person):
        person = Portrait(rng)
    person.head.roll = math.radians(3)
    person.skin, person.shade_skin = hsv(20, 0.11, 1.0), hsv(12, 0.24, 0.93)
    person.hair, person.shade_hair = hsv(212, 0.42, 0.62), hsv(226, 0.5, 0.44)
    person.ink, person.line_kind, person.line_width, person.shading = hsv(20, 0.5, 0.2), "own", 0.014, "cel"
    person.irises = [hsv(28, 0.75, 0.85)] * 2
    width, height = SIZE[0] * _FINER, SIZE[1] * _FINER
    fall = np.linspace(0, 1, height)[:, None, None]
    paper = np.array(hsv(205, 0.22, 0.97)) * (1 - fall) + np.array(hsv(35, 0.14, 1.0)) * fall
    canvas = np.repeat(paper, width, 1).astype(np.uint8)
    middle, side = laid_out(person)
    scale = 0.5 * width / side
    person.paint(canvas, scale, np.array([0.5 * width, 0.49 * height]) - middle * scale)
    return cv2.resize(canvas, SIZE, interpolation=cv2.INTER_AREA)


def _plain(person: Portrait) -> bool:
    """Whether it is an everyday face that looks at us with open eyes and shut lips."""
    head = person.head
    return (
        person.everyday
        and person.kind == "anime"
        and abs(head.yaw) < 0.2
        and abs(head.pitch) < 0.12
        and all(eye["state"] == "open" for eye in person.eyes)
        and person.mouth["kind"] in ("line", "tiny")
        and person.half > 0.29
        and 0.9 < head.chin < 1.1
    )


if __name__ == "__main__":
    cv2.imwrite(sys.argv[1], portrait())
