"""Hair: what of a head and what hangs from it is hair, by a net of our own.

The net (``weights/hair.md``) looks at the head upright and at one size, in Lab, with the matte and the face beside.
It learned from our own drawings alone. A beard, brows and fur are no hair to it; a hat is none either.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stillwake.perceive.models import own_net
from stillwake.types import Face, Floats, Pixels

WEIGHTS = Path(__file__).parent / "weights" / "hair.onnx"
SCALE = 56
"""px of a face's width in what the net looks at."""
SIZE = (208, 256)
"""px, width and height of it."""
MIDDLE = (104.0, 98.0)
"""px of the face's centre in it."""
CELL = 2
"""px of it a cell of the answer."""
PERSON = 0.75
"""Matte from which a px is the person: less lets the background in between strands."""


@dataclass(frozen=True, slots=True, eq=False)
class HairMap:
    """What the net sees, in cells: 28 a face's width, rows from above the head down to the chest.

    ``hair`` (128, 104) 0..1, how surely it is hair, 0 beyond the picture; ``back`` (2, 3) float32 maps a cell (x, y)
    to px of the picture.
    """

    hair: Floats
    back: Floats

    def __post_init__(self) -> None:
        self.hair.setflags(write=False)
        self.back.setflags(write=False)


def read_hair(pixels: Pixels, face: Face, matte: Floats) -> HairMap:
    """The hair of a face. ``pixels`` (H, W, 3) uint8 RGB, ``matte`` (H, W) 0..1."""
    import cv2

    seen, inside, there = _looked_at(pixels, face, matte)
    (shares,) = own_net(WEIGHTS).run(None, {"pictures": seen[None]})
    within = cv2.resize(inside, (SIZE[0] // CELL, SIZE[1] // CELL), interpolation=cv2.INTER_AREA) > 0.5
    hair: Floats = np.where(within, shares[0], 0).astype(np.float32)
    back = cv2.invertAffineTransform(there)
    back[:, 2] += back[:, :2].sum(1) * (CELL - 1) / 2
    back[:, :2] *= CELL
    return HairMap(hair, back.astype(np.float32))


def _looked_at(pixels: Pixels, face: Face, matte: Floats) -> tuple[Pixels, Floats, Floats]:
    """What the net takes (256, 208, 5) uint8, where the picture is (256, 208), and the way there (2, 3)."""
    import cv2

    x0, y0, x1, y1 = face.box
    scale = SCALE / max(1.0, x1 - x0)
    there = cv2.getRotationMatrix2D(((x0 + x1) / 2, (y0 + y1) / 2), face.roll, scale)
    there[:, 2] += (MIDDLE[0] - (x0 + x1) / 2, MIDDLE[1] - (y0 + y1) / 2)
    shown = cv2.GaussianBlur(pixels, (0, 0), 0.4 / scale) if scale < 1 else pixels
    inside = cv2.warpAffine(np.ones(pixels.shape[:2], np.float32), there, SIZE)
    lab = cv2.cvtColor(cv2.warpAffine(shown, there, SIZE, flags=cv2.INTER_LINEAR), cv2.COLOR_RGB2LAB)
    lab[inside < 0.5] = (0, 128, 128)
    person = cv2.warpAffine(matte.astype(np.float32), there, SIZE) > PERSON
    seen = np.dstack([lab, (person & (inside >= 0.5)).astype(np.uint8), face_oval(face, there, SIZE)])
    return np.ascontiguousarray(seen), inside, there


def face_oval(face: Face, there: Floats, size: tuple[int, int]) -> Pixels:
    """A face on a canvas of ``size`` (width, height) that ``there`` (2, 3) maps the picture onto.

    (height, width) uint8, 1 within the hull of its mesh, or an ellipse in its box, else 0.
    """
    import cv2

    oval = np.zeros(size[::-1], np.uint8)
    if face.mesh is not None:
        outline = (face.mesh[:468, :2] @ there[:, :2].T + there[:, 2]).astype(np.float32)
        cv2.fillPoly(oval, [cv2.convexHull(outline).astype(np.int32)[:, 0]], 1)
    else:
        x0, y0, x1, y1 = face.box
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) @ there[:, :2].T + there[:, 2]
        low, high = corners.min(0), corners.max(0)
        centre, half = (low + high) / 2, (high - low) / 2
        cv2.ellipse(oval, tuple(int(v) for v in centre), tuple(int(v) for v in half), 0, 0, 360, 1, -1)
    return oval
