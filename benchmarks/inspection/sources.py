"""Where takes come from: a name, what it has, and how to load it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .takes import Half, Take, half_of


@dataclass(frozen=True)
class Source:
    """A take that is not loaded yet: what `Take` has of the same name, whether it has a face and sound, its length.

    ``prepare`` makes what ``load`` reads, and says whether there is something to load.
    """

    name: str
    source: str
    kind: str
    face: bool
    sound: bool
    seconds: float
    load: Callable[[], Take | None]
    prepare: Callable[[], bool] = lambda: True

    @property
    def half(self) -> Half:
        """The half it belongs to."""
        return half_of(self.source)

    @property
    def ours(self) -> bool:
        """Whether stillwake drew it."""
        return self.kind not in ("real", "spoken")


def shuffled(sources: Iterable[Source], salt: str = "") -> list[Source]:
    """In an order that is the same everywhere and has nothing to do with their names."""
    return sorted(sources, key=lambda s: hashlib.sha1((s.name + salt).encode()).digest())


def some(sources: Iterable[Source], count: int | None) -> list[Source]:
    """At most so many, each kind in its turn."""
    kinds: dict[str, list[Source]] = {}
    for source in shuffled(sources):
        kinds.setdefault(source.kind, []).append(source)
    queues, chosen = list(kinds.values()), []
    while any(queues) and (count is None or len(chosen) < count):
        for queue in queues:
            if queue and (count is None or len(chosen) < count):
                chosen.append(queue.pop(0))
    return chosen
