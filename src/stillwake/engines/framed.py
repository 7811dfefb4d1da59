"""A performance within a larger picture that stands still: for windows that reach beyond the still.

The engine sees the still's own part alone, so that nothing it moves can pull at the edge between the two.
"""

from __future__ import annotations

import dataclasses
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stillwake.engines import Engine, Performance, alpha_of
from stillwake.perceive import faces_within, framed
from stillwake.types import Box, Pixels, Progress, Scene, Shot, Size, Speech, no_progress


def perform(
    engine: Engine,
    scene: Scene,
    shot: Shot,
    speech: Speech | None,
    place: Box | None,
    on_progress: Progress = no_progress,
) -> Performance:
    """What the engine makes of the shot, everything outside ``place`` standing still; all may move where that is None.

    Raises
    ------
    stillwake.errors.StillwakeError
        As the engine's ``prepare`` does.
    """
    if place is None:
        return engine.prepare(scene, shot, speech, on_progress)
    inner = framed(scene, place)
    numbers = faces_within(scene, place)
    face = numbers.index(shot.face) + 1 if shot.face in numbers else shot.face
    own = shot.model_copy(update={"size": inner.still.size, "face": face})
    return Framed(
        engine.prepare(inner, own, speech, on_progress), scene.still.pixels, (round(place[0]), round(place[1]))
    )


class Framed:
    """A performance that is laid into a picture at ``corner`` (left, top) px."""

    def __init__(self, inner: Performance, picture: Pixels, corner: tuple[int, int]) -> None:
        self.inner, self.corner = inner, corner
        self.size: Size = (picture.shape[1], picture.shape[0])
        self.fps, self.frame_count = inner.fps, inner.frame_count
        self._picture = picture.copy()
        (x, y), (width, height) = corner, inner.size
        self._place = np.s_[y : y + height, x : x + width]
        self.mask: npt.NDArray[np.bool_] | None = None
        if inner.mask is not None:
            self.mask = np.zeros(picture.shape[:2], bool)
            self.mask[self._place] = inner.mask
        self.warps = self._warps if getattr(inner, "warps", None) is not None else None
        self.notes: tuple[str, ...] = getattr(inner, "notes", ())
        self.layered: bool = getattr(inner, "layered", False)
        self._there = np.zeros(picture.shape[:2], np.uint8)

    def frame(self, index: int) -> Pixels:
        """The frame of that index; valid until the next call."""
        self._picture[self._place] = self.inner.frame(index)
        return self._picture

    def alpha(self, index: int) -> Pixels | None:
        """How much there is of each pixel of that frame, as the engine says it; nothing around its place."""
        inner = alpha_of(self.inner, index)
        if inner is None:
            return None
        self._there[self._place] = inner
        return self._there

    def _warps(self, index: int) -> tuple[Any, ...]:
        """How the frame of that index is drawn, as the engine's own ``warps`` say it, in its place."""
        x, y = self.corner
        moved = []
        for drawn in self.inner.warps(index):  # type: ignore[attr-defined]
            a, b, c, d = drawn.box
            moved.append(dataclasses.replace(drawn, box=(a + x, b + y, c + x, d + y)))
        return tuple(moved)

    def __enter__(self) -> Self:
        self.inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.inner.__exit__(kind, error, trace)
