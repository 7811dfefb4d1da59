"""What a fake can be told to do wrong: at which step, what, how often."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FOREVER = 10**9
"""Times that never run out."""

BEFORE = ("429", "500", "502", "503", "slow", "silent", "drop", "html", "redirect")
"""What can happen to any request before the provider's own code has seen it."""

FAULTS: Mapping[str, tuple[str, ...]] = {
    "upload": (*BEFORE, "broken json", "wrong type", "wrong key"),
    "create": (
        *BEFORE,
        "throttled",
        "moderated",
        "dropped after accepting",
        "broken json",
        "wrong type",
        "empty account",
        "wrong key",
    ),
    "status": (
        *BEFORE,
        "throttled",
        "cancelled",
        "moderated",
        "failed",
        "broken json",
        "wrong type",
        "wrong key",
        "gone",
    ),
    "fetch": (*BEFORE, "expired link", "damaged file", "truncated file", "gone"),
    "cancel": (*BEFORE, "wrong key", "gone"),
    "balance": (*BEFORE, "broken json", "wrong type", "empty account", "wrong key"),
}
"""Step -> the kinds that can happen there; `faults_of` leaves out what a provider does not know."""

MEANING: Mapping[str, str] = {
    "429": "too many requests, with Retry-After; nothing was accepted",
    "500": "the provider's own error; nothing was accepted",
    "502": "a bad gateway, in the provider's JSON; nothing was accepted",
    "503": "unavailable, in the provider's JSON; nothing was accepted",
    "slow": "does what was asked and answers some seconds later",
    "silent": "accepts nothing and never answers, until the client gives up",
    "drop": "closes the connection; nothing was accepted",
    "dropped after accepting": "accepts and bills the job, then closes the connection without an answer",
    "html": "an HTML page of a proxy: 502, and 200 where a file was fetched; nothing was accepted",
    "redirect": "302 to another port, where whatever arrives is kept in `strayed`; nothing was accepted",
    "broken json": "does what was asked; half of the answer is missing",
    "wrong type": "does what was asked; every field of the answer has another type",
    "throttled": "Runway: the state THROTTLED while it lasts; Kling: 1303, too many at once",
    "moderated": "create: what was sent is not allowed; status: what was made is not allowed",
    "failed": "the job ends in failure",
    "cancelled": "the job ends because somebody cancelled it",
    "empty account": "no credit is left: create refuses, balance shows nothing",
    "wrong key": "401: the key is not accepted",
    "gone": "404: no such job, no such file",
    "expired link": "403 for this link, for good; asking for the status gives a fresh one",
    "damaged file": "of the right length, with rubbish in the middle",
    "truncated file": "ends long before its Content-Length",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour.

    Parameters
    ----------
    step
        A key of `FAULTS`.
    kind
        One of that step's.
    times
        How many requests it hits; `FOREVER`.
    seconds
        How long ``slow`` takes.
    """

    step: str
    kind: str
    times: int = 1
    seconds: float = 2.0

    def __post_init__(self) -> None:
        if self.step not in FAULTS:
            raise ValueError(f"no step {self.step!r}; there are {', '.join(FAULTS)}")
        if self.kind not in FAULTS[self.step]:
            raise ValueError(f"no fault {self.kind!r} at {self.step}; there are {', '.join(FAULTS[self.step])}")
        if self.times < 1:
            raise ValueError(f"times must be at least 1, not {self.times}")

    @classmethod
    def of(cls, words: str | Fault) -> Fault:
        """From ``"step:kind"``, ``"step:kind:times"`` or ``"step:kind:times:seconds"``; times may be ``forever``.

        Raises
        ------
        ValueError
            It says something else.
        """
        if isinstance(words, Fault):
            return words
        step, _, rest = words.partition(":")
        kind, *more = rest.split(":")
        if len(more) > 2:
            raise ValueError(f"a fault is step:kind:times:seconds, not {words!r}")
        times = FOREVER if more[:1] == ["forever"] else int(more[0]) if more else 1
        return cls(step, kind, times, float(more[1])) if len(more) > 1 else cls(step, kind, times)


class Script:
    """Faults that are still to come, in the order they were told; threads may share it."""

    def __init__(self, known: Mapping[str, tuple[str, ...]], faults: Iterable[str | Fault] = ()) -> None:
        self.known = known
        self.waiting: list[list[Fault | int]] = []
        self.lock = threading.Lock()
        for fault in faults:
            self.add(fault)

    def add(self, fault: str | Fault) -> None:
        """One more.

        Raises
        ------
        ValueError
            This provider has no such step or fault.
        """
        fault = Fault.of(fault)
        if fault.kind not in self.known.get(fault.step, ()):
            raise ValueError(f"this provider knows no fault {fault.kind!r} at {fault.step}")
        with self.lock:
            self.waiting.append([fault, fault.times])

    def take(self, step: str) -> Fault | None:
        """The next fault at a step, which is used up by this; None for good behaviour."""
        with self.lock:
            for entry in self.waiting:
                fault, left = entry
                assert isinstance(fault, Fault)
                assert isinstance(left, int)
                if fault.step == step:
                    if left == 1:
                        self.waiting.remove(entry)
                    elif left < FOREVER:
                        entry[1] = left - 1
                    return fault
        return None

    def clear(self) -> None:
        """Good behaviour from now on."""
        with self.lock:
            self.waiting.clear()
