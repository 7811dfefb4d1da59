"""Plan -> frames: what an engine is, and where engines come from.

An engine registers under the entry point group ``stillwake.engines``; ours enter by the same door as a
stranger's. `stillwake.engines.echo` is the one to copy, and `stillwake.engines.conformance` the promise that
every engine keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from stillwake.errors import EngineUnavailableError
from stillwake.types import Family, Pixels, Scene, Shot, Size, Speech

__all__ = ["Engine", "Performance", "engine_names", "frames", "load_engine"]


@runtime_checkable
class Performance(Protocol):
    """A shot that is ready to be drawn: a pure function from the frame's index to its pixels.

    ``frame(i)`` is a fresh or reused (H, W, 3) uint8 RGB array, valid until the next call; the same index gives
    the same bytes, in any order. ``mask`` (H, W) bool is True where pixels may ever differ from the still, or None
    where an engine promises nothing. Use as a context manager.
    """

    size: Size
    fps: Fraction
    frame_count: int
    mask: npt.NDArray[np.bool_] | None

    def frame(self, index: int) -> Pixels:
        """The frame of that index, 0 up to ``frame_count`` - 1."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Engine(Protocol):
    """Turns a shot into a performance.

    A constructor without arguments costs nothing; what is heavy is loaded in ``prepare``. ``motions`` are the
    motions it can draw; ``summary`` is one line for ``stillwake engines``.
    """

    name: str
    family: Family
    motions: frozenset[str]
    summary: str

    def missing(self) -> str | None:
        """None when it can run here, else the line that installs what it needs."""

    def prepare(self, scene: Scene, shot: Shot, speech: Speech | None) -> Performance:
        """Ready the shot; ``scene`` is at the shot's size already.

        Raises
        ------
        stillwake.errors.UsageError
            The shot asks for a motion or a thing this engine does not have.
        stillwake.errors.NotReadyError
            The scene lacks what the motion needs.
        """


def frames(performance: Performance) -> Iterator[Pixels]:
    """Every frame in order; each is valid until the next is asked for."""
    for index in range(performance.frame_count):
        yield performance.frame(index)


def engine_names() -> tuple[str, ...]:
    """The registered engines, ours first, then by name."""
    from importlib.metadata import entry_points

    names = {point.name for point in entry_points(group="stillwake.engines")}
    ours = [name for name in ("animator", "echo") if name in names]
    return (*ours, *sorted(names - set(ours)))


def load_engine(name: str) -> Engine:
    """The engine of that name, constructed but not readied.

    Raises
    ------
    stillwake.errors.EngineUnavailableError
        No engine of that name is registered, it cannot be imported, or what it needs is not installed.
    """
    from importlib.metadata import entry_points

    points = {point.name: point for point in entry_points(group="stillwake.engines")}
    if name not in points:
        raise EngineUnavailableError(
            f"Cannot render with {name}",
            "no engine of that name is installed",
            f"choose one of {', '.join(engine_names())}",
        )
    try:
        engine: Engine = points[name].load()()
    except ImportError as error:
        raise EngineUnavailableError(
            f"Cannot render with {name}", f"it does not import ({error})", "install its package again"
        ) from error
    if line := engine.missing():
        raise EngineUnavailableError(
            f"Cannot render with {name}", "something it needs is not installed", f"run: {line}"
        )
    return engine
