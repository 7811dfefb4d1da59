"""The landmarks of one face, frame after frame."""

from __future__ import annotations

from types import TracebackType
from typing import Literal, Self

import numpy as np

from stillwake.perceive.drawn import drawn_face, find_drawn, frame_in, in_mesh_order, read
from stillwake.perceive.faces import CONFIRMED, PRESENT, box_of, confirm, settled
from stillwake.perceive.models import Crop, detect, read_mesh
from stillwake.types import Box, Floats, Pixels

_LARGE = 0.5
"""Of the faces that are at least so large as the largest, the one nearest to the place where it was is it again."""


class MeshReader:
    """Reads the mesh of a face in the frames of a clip; every frame by itself, so an error in one stays there.

    The crop is fixed by the box alone: what moves between two frames is the face, never the crop. Use as a context
    manager; the net is shared by the whole process and loaded on first use.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def mesh(
        self, pixels: Pixels, box: Box, *, roll: float = 0.0, kind: Literal["photo", "drawn"] = "photo"
    ) -> Floats | None:
        """(478, 3) float32 px of the frame, in mediapipe's order; None where the net sees no face in the box.

        ``pixels`` (H, W, 3) uint8 RGB; ``box`` the face's box in px, as `Face.box` has it; ``roll`` its tilt in
        degrees, which turns the crop upright. A ``drawn`` face has contours only, and nan elsewhere.
        """
        if kind == "drawn":
            reading = read(pixels, frame_in(box, roll), rounds=1)
            return in_mesh_order(drawn_face(reading)) if reading.face >= PRESENT else None
        x0, y0, x1, y1 = box
        side = 1.5 * max(x1 - x0, y1 - y0)
        mesh, presence = read_mesh(pixels, Crop((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2, side, roll))
        return mesh if presence >= PRESENT else None

    def look_for(
        self, pixels: Pixels, box: Box, *, kind: Literal["photo", "drawn"] = "photo"
    ) -> tuple[Box, float] | None:
        """Where a face is that was last seen in that box: its box and its roll in degrees, or None.

        The nearest of the large faces in the frame: whose it is, nothing says.
        """
        seen: list[tuple[Box, float]] = []
        if kind == "drawn":
            faces = (drawn_face(reading) for reading in find_drawn(pixels) if reading.face >= PRESENT)
            seen = [(face.box, face.roll) for face in faces]
        else:
            for place in detect(pixels):
                if place.score < CONFIRMED:
                    continue
                crop = settled(pixels, place)
                mesh, presence = read_mesh(pixels, crop)
                if presence >= PRESENT and confirm(pixels, box_of(mesh)) >= CONFIRMED:
                    seen.append((box_of(mesh), crop.angle))
        if not seen:
            return None
        largest = max(x1 - x0 for (x0, _, x1, _), _ in seen)
        large = [one for one in seen if one[0][2] - one[0][0] >= _LARGE * largest]
        was = np.array(box).reshape(2, 2).mean(0)
        return min(large, key=lambda one: float(np.hypot(*(np.array(one[0]).reshape(2, 2).mean(0) - was))))
