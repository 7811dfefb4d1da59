"""What a part of the face does in a frame, beyond riding on the head: where photo and drawing differ.

The head is one smooth field for every picture. A photographed mouth bends the map and is painted after it, a
photographed lid slides over the finished frame; a drawn mouth and a drawn lid are redrawn in the still itself,
before the map carries them along, so that nothing of a drawing can slide against anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stillwake.engines.animator.fields import Grid
from stillwake.types import Face, Floats, Pixels

IntBox = tuple[int, int, int, int]
SEEN = 0.5
"""Below this confidence a part is not seen and left alone."""


def eyes_seen(face: Face) -> tuple[bool, bool]:
    """Whether the viewer's left and right eye are seen: not under hair, glasses or a hand."""
    both = face.confidence.get("eyes", 0.0)
    left, right = (face.confidence.get(f"{side} eye", both) >= SEEN for side in ("left", "right"))
    return left, right


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """``coefficients`` (K,) float32, ``blink`` 0 open to 1 closed, ``tongue`` 0..1 raised."""

    coefficients: Floats
    blink: float = 0.0
    tongue: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Bent:
    """What a part made of a pose.

    ``map`` (h, w, 2) px where in the doubled still the part's ``box`` comes from, or None where it follows the head;
    ``lips`` the inner contours, (65, 2) px each; ``opening`` their largest distance, px.
    """

    map: Floats | None
    box: IntBox
    lips: tuple[Floats, Floats]
    opening: float


class Part:
    """A part that does nothing; the real ones do what they need of the steps of a frame.

    ``boxes`` px of the still that `redraw` may draw in.
    """

    boxes: tuple[IntBox, ...] = ()

    @property
    def reach(self) -> tuple[IntBox, ...]:
        """The px of the frame, of a head at rest where the still is redrawn, in which the part ever draws."""
        return self.boxes

    def redraw(self, picture: Pixels, pose: Pose) -> None:
        """Before the map: draw the part into ``picture``, the still (2 H, 2 W, 3) uint8 RGB at twice its size.

        Whatever another frame drew in the ``boxes`` is gone.
        """

    def finish(self, frame: Pixels, where: Floats, grid: Grid, pose: Pose) -> None:
        """After the map: paint into ``frame`` (H, W, 3) what the still does not show.

        ``where`` (h, w, 2) px says for the nodes of ``grid`` where in the doubled still they come from.
        """


class MouthPart(Part):
    """A mouth: it may bend the map, too."""

    def bend(self, pose: Pose) -> Bent:
        """The part in that pose."""
        raise NotImplementedError

    def paint(self, frame: Pixels, bent: Bent, pose: Pose) -> None:
        """After the map: paint what opens between the lips."""

    def missed(self, bent: Bent) -> Floats:
        """How far the inverse misses at the nodes that ``bent.map`` comes from, (N,) px."""
        return np.zeros(0, np.float32)
