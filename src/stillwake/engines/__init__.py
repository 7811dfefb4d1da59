"""Plan -> frames: what an engine is, and where engines come from.

An engine registers under the entry point group ``stillwake.engines``; ours enter by the same door as a
stranger's. `stillwake.engines.echo` is the one to copy, and `stillwake.engines.conformance` the promise that
every engine keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from stillwake.errors import EngineUnavailableError
from stillwake.makers import Maker, named, nearest
from stillwake.types import Family, Pixels, Progress, Scene, Shot, Size, Speech, no_progress

__all__ = ["Available", "Engine", "Performance", "alpha_of", "engine_names", "facts_of", "frames", "load_engine"]


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

    def missing(self, model: str = "") -> str | None:
        """None when it can run here, with that model where one is named, else the line that installs what it needs."""

    def prepare(
        self, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress
    ) -> Performance:
        """Ready the shot; ``scene`` is at the shot's size already.

        Work that takes long tells ``on_progress`` how far it is, which may raise `stillwake.errors.Cancelled`.

        Raises
        ------
        stillwake.errors.UsageError
            The shot asks for a motion or a thing this engine does not have.
        stillwake.errors.NotReadyError
            The scene lacks what the motion needs.
        """


def frames(performance: Performance, alpha: Pixels | None = None) -> Iterator[Pixels]:
    """Every frame in order; each is valid until the next is asked for.

    With ``alpha`` (H, W) uint8, the still's, frames are (H, W, 4) RGBA, not premultiplied: the engine says where its
    subject has gone (`alpha_of`), or else the still's own alpha goes for every frame.
    """
    for index in range(performance.frame_count):
        if alpha is None:
            yield performance.frame(index)
        else:
            moved = alpha_of(performance, index)
            yield _see_through(performance.frame(index), alpha if moved is None else moved)


def alpha_of(performance: Performance, index: int) -> Pixels | None:
    """How much there is of each pixel of a frame, (H, W) uint8, where an engine moves what stands before nothing."""
    alpha = getattr(performance, "alpha", None)
    moved: Pixels | None = None if alpha is None else alpha(index)
    return moved


def _see_through(frame: Pixels, alpha: Pixels) -> Pixels:
    """A frame that lies on white, (H, W, 3), taken off it: (H, W, 4)."""
    import cv2

    missing = cv2.cvtColor(cv2.bitwise_not(frame), cv2.COLOR_RGB2RGBA)
    share = cv2.merge([np.maximum(alpha, 1)] * 4)
    lifted: Pixels = cv2.bitwise_not(cv2.divide(missing, share, scale=255))
    lifted[..., 3] = alpha
    return lifted


def engine_names() -> tuple[str, ...]:
    """The registered engines, ours first, then by name."""
    from importlib.metadata import entry_points

    names = {point.name for point in entry_points(group="stillwake.engines")}
    ours = [name for name in ("animator", "echo") if name in names]
    return (*ours, *sorted(names - set(ours)))


class Available(Collection[str]):
    """The engines that can run here, each asked only when somebody wants to know: one may look into a keyring.

    ``chosen`` is asked with ``model``, the others with the usual one of each.
    """

    def __init__(self, chosen: str | None = None, model: str | None = None) -> None:
        self._chosen, self._model = chosen, model
        self._known: dict[str, bool] = {}

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if name not in self._known:
            same = self._chosen is not None and name in (self._chosen, named(self._chosen))
            try:
                load_engine(name, self._model if same else None)
            except EngineUnavailableError:
                self._known[name] = False
            else:
                self._known[name] = True
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in engine_names() if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def facts_of(name: str, model: str) -> Maker | None:
    """What an engine that runs here knows of a model of its own: lengths, rate, what it takes; None if nothing."""
    try:
        facts = getattr(load_engine(name, model), "facts", None)
    except EngineUnavailableError:
        return None
    known: Maker | None = None if facts is None else facts(model)
    return known


def load_engine(name: str, model: str | None = None) -> Engine:
    """The engine of that name, constructed but not readied; ``model`` is the one it will be asked for.

    Raises
    ------
    stillwake.errors.EngineUnavailableError
        No engine of that name is registered, it cannot be imported, or what it needs is not installed.
    """
    from importlib.metadata import entry_points

    points = {point.name: point for point in entry_points(group="stillwake.engines")}
    if name not in points and (known := named(name)) in points:
        name = known or name
    if name not in points:
        near = nearest(name) if named(name) is None else None
        choice = f"choose one of {', '.join(engine_names())}"
        raise EngineUnavailableError(
            f"Cannot render with {name}",
            "no engine of that name is installed",
            f"did you mean {near}; otherwise {choice}" if near else choice,
        )
    try:
        engine: Engine = points[name].load()()
    except (ImportError, AttributeError) as error:
        raise EngineUnavailableError(
            f"Cannot render with {name}", f"it does not import ({error})", "install its package again"
        ) from error
    if line := engine.missing(model) if model else engine.missing():
        raise EngineUnavailableError(f"Cannot render with {name}", "something it needs is not here", f"run: {line}")
    return engine
