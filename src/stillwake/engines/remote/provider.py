"""What every provider is: a pure half that makes the request, and a wire half whose every method asks one thing.

``prepare`` touches nothing but its order. The others ask over a `Link` and read the answers with care: what is
missing or of another type is a `GarbledError`, never a crash.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import quote

from stillwake.engines.remote.keys import found
from stillwake.engines.remote.link import AnsweredError, GarbledError, Link, Pace, base_url
from stillwake.errors import EngineUnavailableError, UsageError

if TYPE_CHECKING:
    from stillwake.engines.remote.journal import Job
    from stillwake.engines.remote.order import File, Order, Wire

__all__ = [
    "Accepted", "Balance", "Done", "Ended", "Meaning", "Provider", "Voice", "Waiting", "in_path", "number_at",
    "text_at", "value_at",
]  # fmt: skip

Meaning = Literal["key", "account", "busy", "moderated", "gone", "taken", "refused", "server", "redirect", "stranger"]
"""What an answer that says no means. taken: a job of that key is there already; stranger: something between us and
the provider spoke."""
Why = Literal["failed", "moderated", "cancelled"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A job that was accepted: its id there, and its price in USD where that was told."""

    id: str
    price: float | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """It is not done; ``progress`` 0..1 where that is told."""

    progress: float | None = None
    queued: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """It is done: where the clip is (``own``: a path of the provider's, asked for with the key), and what it cost.

    ``cost`` in USD where that can be said, ``cost_told`` in the provider's own unit.
    """

    url: str
    own: bool = False
    cost: float | None = None
    cost_told: str = ""
    ending: str = ".mp4"


@dataclass(frozen=True, slots=True)
class Ended:
    """It ended without a clip; ``billed`` None where nobody says whether it is paid for."""

    why: Why
    words: str
    billed: bool | None = None
    cost: float | None = None
    cost_told: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account holds: USD, or None with whether there is ``any`` credit at all; in its own words."""

    usd: float | None
    any: bool
    told: str


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of a provider's; ``language`` as it says it, "" where it does not."""

    id: str
    name: str
    language: str


class Provider(ABC):
    """One provider.

    ``name`` as the engine is called, ``title`` in a sentence; ``base`` the variable that moves it and its usual
    address; ``secret`` the variable of its key, "" where it needs none; ``page`` where a person can look.
    ``idempotent``: the same create may be sent again with the job's `ask_key`; ``lists``: `find` tells of every job
    there is, so that one it does not know was never accepted; ``makes_room``: "too many" there means at once, not
    today. ``first`` and ``most`` seconds between two questions.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    base: ClassVar[tuple[str, str]]
    secret: ClassVar[str]
    idempotent: ClassVar[bool] = False
    lists: ClassVar[bool] = False
    makes_room: ClassVar[bool] = False
    first: ClassVar[float] = 3.0
    most: ClassVar[float] = 15.0
    page: ClassVar[str] = "its page"

    @abstractmethod
    def prepare(self, order: Order) -> Wire:
        """The request, checked.

        Raises
        ------
        stillwake.errors.UsageError
            It asks for what the model does not have.
        """

    def missing(self, model: str = "") -> str | None:
        """None, or the order that makes it available."""
        if not self.secret or found(self.secret) is not None:
            return None
        return f"export {self.secret}=YOUR_KEY"

    def link(self, pace: Pace) -> Link:
        """The connection, with the key in its headers."""
        key = found(self.secret) if self.secret else None
        if key is None and self.secret:
            raise EngineUnavailableError(
                f"Cannot ask {self.title}", "there is no key for it", f"run: export {self.secret}=YOUR_KEY"
            )
        secrets = () if key is None else (key,)
        return Link(base_url(*self.base), self.headers(key.reveal() if key else ""), pace, secrets)

    def headers(self, key: str) -> dict[str, str]:
        """What goes with every request."""
        return {"Authorization": f"Bearer {key}"} if key else {}

    def refresh(self, link: Link) -> None:  # noqa: B027  most have nothing that runs out
        """Renew what runs out, before a request."""

    def upload(self, link: Link, file: File) -> Any:
        """Send a file before the request that names it; gives what stands for it there."""
        raise NotImplementedError(f"{self.title} takes no uploads")

    @abstractmethod
    def create(self, link: Link, body: Any, job: Job) -> Accepted:
        """Ask for the job, once."""

    def find(self, link: Link, job: Job) -> str | None:
        """The id of the job there, if it was accepted; None where it does not have it, or cannot be asked."""
        return None

    @abstractmethod
    def status(self, link: Link, provider_id: str) -> Waiting | Done | Ended:
        """How far the job is."""

    def cancel(self, link: Link, provider_id: str) -> None:
        """Stop it.

        Raises
        ------
        stillwake.errors.UsageError
            It has no way to.
        """
        raise UsageError(f"Cannot cancel a job at {self.title}", "it has no way to", "let it finish")

    def balance(self, link: Link) -> Balance | None:
        """What the account holds; None where it does not say."""
        return None

    def voices(self, link: Link) -> list[Voice]:
        """The voices that can speak."""
        raise UsageError(f"Cannot list voices of {self.title}", "it has none", "ask did, heygen or runway")

    def clone(self, link: Link, recording: File, name: str) -> str:
        """Ask for a copy of a voice; gives its id."""
        raise UsageError(f"Cannot copy a voice at {self.title}", "it does not do that", "choose heygen or runway")

    def cloned(self, link: Link, voice: str) -> bool | str:
        """Whether a copy is ready; words where it failed."""
        return True

    def meaning(self, error: AnsweredError) -> Meaning:
        """What a refusal means; `usual_meaning` where the provider says nothing special."""
        return usual_meaning(error)


def usual_meaning(error: AnsweredError) -> Meaning:
    """What an HTTP status alone means."""
    status = error.status
    if 300 <= status < 400:
        return "redirect"
    if status >= 500:
        return "server"
    if not error.is_theirs and status not in (401, 404, 410, 429):
        return "stranger"
    return {
        401: "key", 402: "account", 403: "key", 404: "gone", 408: "server", 410: "gone", 429: "busy", 451: "moderated",
    }.get(status, "refused")  # type: ignore[return-value]  # fmt: skip


def value_at(body: Any, *path: str | int) -> Any:
    """What stands there in an answer; None where nothing does."""
    for step in path:
        if isinstance(step, str) and isinstance(body, dict):
            body = body.get(step)
        elif isinstance(step, int) and isinstance(body, list) and 0 <= step < len(body):
            body = body[step]
        else:
            return None
    return body


def text_at(body: Any, *path: str | int) -> str:
    """The text that must stand there.

    Raises
    ------
    stillwake.engines.remote.link.GarbledError
        It does not.
    """
    value = value_at(body, *path)
    if not isinstance(value, str) or not value:
        raise GarbledError(f"its answer has no {path[-1]}")
    return value


def id_at(body: Any, *path: str | int) -> str:
    """The id that must stand there, fit for an address."""
    value = text_at(body, *path)
    if not re.fullmatch(r"[\w.:~|@=+-]{1,200}", value) or not value.strip("."):
        raise GarbledError(f"its answer has no {path[-1]} that can be one")
    return value


def number_at(body: Any, *path: str | int) -> float | None:
    """The number that stands there, as a number or as text; None where none does."""
    value = value_at(body, *path)
    if isinstance(value, str) and len(value) < 40:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def share_at(body: Any, *path: str | int, of: float = 1.0) -> float | None:
    """A share 0..1 that may stand there, told out of ``of``."""
    value = number_at(body, *path)
    return None if value is None else min(1.0, max(0.0, value / of))


def in_path(text: str) -> str:
    """An id as a part of a path."""
    return quote(text, safe="")
