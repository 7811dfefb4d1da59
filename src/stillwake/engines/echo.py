"""The engine that holds the still: the smallest that keeps every promise, and the one to copy."""

from __future__ import annotations

from fractions import Fraction
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from stillwake.errors import UsageError
from stillwake.types import Family, Pixels, Progress, Scene, Shot, Size, Speech, no_progress

__all__ = ["Echo"]


class Echo:
    """Shows the still for as long as the shot lasts; nothing moves, so nothing can go wrong."""

    name = "echo"
    family: Family = "animator"
    motions = frozenset({"still"})
    summary = "holds the still; for trying things out, and the engine to copy"

    def missing(self, model: str = "") -> str | None:
        """None: it needs nothing."""
        return None

    def prepare(self, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress) -> Held:
        """The still, ready to be held.

        Raises
        ------
        stillwake.errors.UsageError
            The shot asks for a motion other than "still".
        """
        if shot.motion not in self.motions:
            raise UsageError(
                f"Cannot render with {self.name}",
                f"it cannot do the motion {shot.motion}",
                f"ask for {' or '.join(sorted(self.motions))}, or choose another engine",
            )
        return Held(scene.still.pixels, shot.fps, shot.frame_count)


class Held:
    """A still that is held: every frame is the picture itself, and no pixel may ever differ."""

    def __init__(self, pixels: Pixels, fps: Fraction, frame_count: int) -> None:
        self._pixels = pixels
        self.size: Size = (pixels.shape[1], pixels.shape[0])
        self.fps = fps
        self.frame_count = frame_count
        self.mask: npt.NDArray[np.bool_] | None = np.zeros(pixels.shape[:2], bool)

    def frame(self, index: int) -> Pixels:
        """The still, whatever the index."""
        return self._pixels

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to give back."""
