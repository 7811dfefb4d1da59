"""The landmarks of one face, frame after frame."""

from __future__ import annotations

from types import TracebackType
from typing import Literal, Self

from stillwake.perceive.drawn import drawn_face, frame_in, in_mesh_order, read
from stillwake.perceive.faces import PRESENT
from stillwake.perceive.models import Crop, read_mesh
from stillwake.types import Box, Floats, Pixels


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
