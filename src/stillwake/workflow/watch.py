"""How long each stage of a run took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from stillwake.types import Pixels


class Watch:
    """Wall-clock seconds of each stage, by name, in the order they first ran."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time inside to that stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start

    def note_first(self, frames: Iterator[Pixels], name: str) -> Iterator[Pixels]:
        """The same frames; the time from the start until the first one stood is noted, once."""
        for index, frame in enumerate(frames):
            if index == 0 and name not in self._seconds:
                self._seconds[name] = time.perf_counter() - self._start
            yield frame

    def finish(self) -> dict[str, float]:
        """Stage -> seconds, rounded to a millisecond, with the total last."""
        return {
            name: round(s, 3) for name, s in (*self._seconds.items(), ("total", time.perf_counter() - self._start))
        }
