"""A generator to test with: it pans over the still, differs with every seed, and can be told what to do wrong."""

from __future__ import annotations

from fractions import Fraction
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from stillwake.types import Family, Pixels, Progress, Scene, Shot, Size, Speech, no_progress


class ToyGenerator:
    """Registered under the name of an engine that everybody knows, so that the router may choose it.

    A seed in ``flickers`` flickers; below a hold of ``firm`` the picture's middle swells; ``warm`` shifts every clip's
    colours; what was asked of it is in ``asked``.
    """

    name = "wan"
    family: Family = "generator"
    summary = "a toy"
    motions = frozenset({"generate"})
    flickers: frozenset[int] = frozenset()
    firm = 0.0
    warm = 0
    dies_at: int | None = None
    asked: list[tuple[Shot, Pixels]] = []  # noqa: RUF012  the tests read it

    def missing(self, model: str = "") -> str | None:
        return None

    def prepare(
        self, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress
    ) -> ToyPerformance:
        ToyGenerator.asked.append((shot, scene.still.pixels))
        if ToyGenerator.dies_at == shot.seed:
            raise KeyboardInterrupt
        return ToyPerformance(scene.still.pixels, shot)


class ToyPerformance:
    mask = None

    def __init__(self, still: Pixels, shot: Shot) -> None:
        self.still, self.shot = still, shot
        self.size: Size = (still.shape[1], still.shape[0])
        self.fps: Fraction = shot.fps
        self.frame_count = shot.frame_count
        self.pace = 1 + shot.seed % 3  # whole px: nothing flickers by being interpolated

    def frame(self, index: int) -> Pixels:
        shift = np.array([[1, 0, -self.pace * index], [0, 1, 0]], np.float64)
        drawn = cv2.warpAffine(self.still, shift, self.size, borderMode=cv2.BORDER_REFLECT).astype(np.float32)
        if self.shot.seed in ToyGenerator.flickers:
            drawn *= 1.06 if index % 2 else 0.94
        drawn += np.array([ToyGenerator.warm, 0, -ToyGenerator.warm], np.float32)
        return np.clip(np.rint(drawn), 0, 255).astype(np.uint8)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
