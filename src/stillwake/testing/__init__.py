"""Fakes of hosted video providers and of two servers of one's own, for tests: real HTTP, strict, on this machine.

    with FakeProvider("runway", script=["create:429"]) as fake:
        os.environ.update(fake.env)

``python -m stillwake.testing runway`` starts one by hand. docs/fakes.md is the user's page. Each fake was written
from the provider's documentation and SDK, not from the adapters of stillwake, so that each may catch the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Self

from stillwake.testing.faults import FAULTS, FOREVER, MEANING, Fault

if TYPE_CHECKING:
    from stillwake.testing.server import Api, FakeServer, Job, Request

PROVIDERS: Mapping[str, str] = {
    "runway": "Runway",
    "kling": "Kling",
    "luma": "Luma",
    "did": "Did",
    "heygen": "HeyGen",
    "vllm": "Vllm",
    "comfyui": "ComfyUi",
}
"""Name -> class of its `Api`, in the module of that name."""

__all__ = ["FAULTS", "FOREVER", "MEANING", "PROVIDERS", "FakeProvider", "Fault", "faults_of"]


def _api(name: str) -> type[Api]:
    if name not in PROVIDERS:
        raise ValueError(f"no fake of {name!r}; there are {', '.join(PROVIDERS)}")
    found: type[Api] = getattr(import_module(f"stillwake.testing.{name}"), PROVIDERS[name])
    return found


def faults_of(name: str) -> dict[str, tuple[str, ...]]:
    """`FAULTS` as far as they fit one provider: step -> kinds.

    Raises
    ------
    ValueError
        There is no such fake.
    """
    return _api(name).faults()


class FakeProvider:
    """A provider of one's own, as a context manager; it serves between ``with`` and the end of its block.

    Parameters
    ----------
    name
        One of `PROVIDERS`.
    script
        What goes wrong: ``"step:kind"``, ``"step:kind:times"``, or `Fault`. Each hits so many requests of its step,
        in this order.
    polls
        How many answers about a job say that it is not done yet.
    seconds
        Time after which a job is done, in place of counting answers.
    width
        Pixels of the longer side of the clips; None for the size that was asked for, which takes longer to make.
    port
        0 takes a free one.
    balance
        What the account holds, in the provider's unit; None for plenty.
    link_seconds
        How long a link to a result is good.
    patience
        Seconds that a "silent" answer holds a client at most.
    retry_after
        Seconds that a 429 tells to wait.
    jwt
        Kling: whether ``env`` holds an access key and a secret key in place of an API key; both are accepted.
    concurrency
        How many jobs run at once: Runway shows THROTTLED for more, Kling and HeyGen refuse them. None for no limit.

    Raises
    ------
    ValueError
        There is no such fake, or it knows no such fault.
    """

    def __init__(
        self,
        name: str,
        *,
        script: Iterable[str | Fault] = (),
        polls: int = 2,
        seconds: float | None = None,
        width: int | None = 320,
        port: int = 0,
        balance: float | None = None,
        link_seconds: float = 3600.0,
        patience: float = 30.0,
        retry_after: int = 1,
        jwt: bool = False,
        concurrency: int | None = None,
    ) -> None:
        from stillwake.testing.server import FakeServer

        api = _api(name)
        self.name = name
        self._server: FakeServer = FakeServer(
            api,
            api.faults(),
            script,
            polls=polls,
            seconds=seconds,
            width=width,
            port=port,
            balance=balance,
            link_seconds=link_seconds,
            patience=patience,
            retry_after=retry_after,
            options={"jwt": jwt, "concurrency": concurrency},
        )

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def misbehave(self, fault: str | Fault) -> None:
        """One more fault, after those that are still to come.

        Raises
        ------
        ValueError
            This provider knows no such fault.
        """
        self._server.script.add(fault)

    def behave(self) -> None:
        """No fault any more."""
        self._server.script.clear()

    @property
    def url(self) -> str:
        """Where it serves: ``"http://127.0.0.1:49152"``."""
        return self._server.url

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that point a client at it: its address, its key."""
        return self._server.api.env()

    @property
    def unit(self) -> str:
        """What `spent` counts: credits, units, dollars; ``""`` where nothing is billed."""
        return self._server.api.unit

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in order: method, path, query, headers, body, step, status."""
        return list(self._server.requests)

    @property
    def strayed(self) -> list[Request]:
        """Requests that followed a "redirect" to where they had no business."""
        return list(self._server.strayed)

    @property
    def jobs(self) -> dict[str, Job]:
        """The jobs that were accepted, by the provider's names for them."""
        return dict(self._server.jobs)

    @property
    def creates(self) -> int:
        """How many jobs were accepted: what would be billed."""
        return len(self._server.jobs)

    @property
    def spent(self) -> float:
        """What they cost so far, in `unit`, less what was given back."""
        return self._server.spent

    @property
    def faults(self) -> Mapping[str, tuple[str, ...]]:
        """What this provider can be told to do wrong: step -> kinds."""
        return self._server.script.known

    def __repr__(self) -> str:
        return f"<FakeProvider {self.name} {self.url} creates={self.creates}>"
