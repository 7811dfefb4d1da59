"""The server under every fake: real HTTP on 127.0.0.1, the faults, the jobs, the links to what was made."""

from __future__ import annotations

import itertools
import json
import random
import re
import select
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from stillwake.testing.clips import Order, Studio
from stillwake.testing.faults import FAULTS, Fault, Script


@dataclass(slots=True)
class Request:
    """A request as it came.

    Parameters
    ----------
    method, path
        ``"POST"``, ``"/v1/image_to_video"``; percent signs decoded, without the query.
    query
        The query's fields.
    headers
        By name in small letters.
    body
        Its bytes.
    step
        What it was for: a key of `FAULTS`, or ``""``.
    status
        What was answered; 0 where the connection was closed without an answer.
    seconds
        How long the answer is held back, by a "slow" fault.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    step: str = ""
    status: int = 0
    seconds: float = 0.0

    @property
    def json(self) -> Any:
        """The body as JSON.

        Raises
        ------
        ValueError
            It is none.
        """
        return json.loads(self.body)

    @property
    def is_json(self) -> bool:
        """Whether it says that it is JSON."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower() == "application/json"

    def form(self) -> list[Part]:
        """The parts of a multipart body, in order.

        Raises
        ------
        ValueError
            It is no multipart/form-data.
        """
        kind = self.headers.get("content-type", "")
        boundary = re.search(r'boundary="?([^";]+)"?', kind)
        if not kind.lower().startswith("multipart/form-data") or not boundary:
            raise ValueError("the body is no multipart/form-data")
        mark = b"--" + boundary[1].encode()
        pieces = (b"\r\n" + self.body).split(b"\r\n" + mark)
        if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
            raise ValueError("the multipart body is not complete")
        return [Part.of(piece) for piece in pieces[1:-1]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a form: its name, the file name or None, its content type, its bytes."""

    name: str
    filename: str | None
    mime: str
    data: bytes

    @classmethod
    def of(cls, piece: bytes) -> Part:
        """From what stands between two boundaries."""
        head, _, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        halves = (line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n"))
        lines = {key.strip().lower(): value.strip() for key, _, value in halves}
        told = lines.get("content-disposition", "")
        name = re.search(r'\bname="([^"]*)"', told)
        filename = re.search(r'\bfilename="([^"]*)"', told)
        if not name:
            raise ValueError("a part of the form has no name")
        return cls(name[1], filename[1] if filename else None, lines.get("content-type", "text/plain"), data)

    @property
    def text(self) -> str:
        """The part as UTF-8."""
        return self.data.decode("utf-8", "replace")


@dataclass(slots=True)
class Answer:
    """What is sent back: JSON, or bytes with their type."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    mime: str = "application/json"

    @property
    def data(self) -> bytes:
        """The body's bytes."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


class RefusedError(Exception):
    """The provider refuses; holds its answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status, answer.body)
        self.answer = answer


@dataclass(slots=True)
class Job:
    """A job that was accepted.

    Parameters
    ----------
    id
        The provider's.
    number
        0 for the first.
    body
        What was asked, with the provider's names.
    order
        The clip to be made.
    price
        What it costs when it succeeds, in the provider's unit.
    created
        Seconds since 1970.
    polls
        How often its state was asked.
    end
        "succeeded", "failed", "moderated", "input moderated", "cancelled", "deleted", or "" while it runs.
    charged
        What it has cost so far.
    """

    id: str
    number: int
    body: dict[str, Any]
    order: Order
    price: float
    created: float
    polls: int = 0
    end: str = ""
    charged: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path, the step it is for, and what answers it."""

    method: str
    path: re.Pattern[str]
    step: str
    answer: Callable[..., Answer]


def route(method: str, path: str, step: str, answer: Callable[..., Answer]) -> Route:
    """A route; ``{name}`` in a path stands for what has no slash."""
    return Route(method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), step, answer)


class Api(ABC):
    """What one provider answers. The server behind it carries jobs, links and faults.

    Attributes
    ----------
    name
        As `FakeProvider` is asked for it.
    unknown
        Faults that this provider does not have, by step; "*" for the whole step.
    own
        Faults that the provider's own answers carry out, though the server could, by step.
    unit
        What `Job.price` counts.
    funds
        What the account holds at first.
    leaks
        Headers that must not reach a link to a result: they are keys.
    """

    name: ClassVar[str]
    unknown: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    own: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    unit: ClassVar[str] = ""
    funds: ClassVar[float] = 10_000.0
    leaks: ClassVar[tuple[str, ...]] = ("authorization", "x-api-key")

    def __init__(self, fake: FakeServer) -> None:
        self.fake = fake
        self.routes = self.paths()

    @abstractmethod
    def paths(self) -> list[Route]:
        """The routes."""

    @abstractmethod
    def env(self) -> dict[str, str]:
        """The environment that points a client here."""

    @abstractmethod
    def guard(self, request: Request) -> None:
        """Check the key and what every request must carry; raises `RefusedError`."""

    @abstractmethod
    def error(self, status: int, message: str, code: str | int | None = None) -> Answer:
        """An error in the provider's own JSON."""

    def trouble(self, kind: str, step: str) -> Answer:
        """What is answered where a fault keeps the provider from doing anything."""
        told = {
            "429": (429, "Too many requests"),
            "500": (500, "Internal server error"),
            "502": (502, "Bad gateway"),
            "503": (503, "Service unavailable"),
            "wrong key": (401, "Invalid API key"),
            "empty account": (402, "Insufficient credits"),
            "moderated": (400, "The input was refused by moderation"),
            "gone": (404, "Not found"),
        }
        status, message = told[kind]
        return self.error(status, message)

    def broke(self) -> RefusedError:
        """The refusal of a job that the account cannot pay."""
        return RefusedError(self.trouble("empty account", "create"))

    @classmethod
    def faults(cls) -> dict[str, tuple[str, ...]]:
        """`FAULTS` without what this provider does not have."""
        left = {
            step: tuple(kind for kind in kinds if kind not in cls.unknown.get(step, ()))
            for step, kinds in FAULTS.items()
        }
        return {step: kinds for step, kinds in left.items() if kinds and "*" not in cls.unknown.get(step, ())}


class FakeServer:
    """The server of one fake. `FakeProvider` is the door; here is what its `Api` calls.

    Parameters
    ----------
    make
        Builds the `Api`.
    faults
        What goes wrong.
    polls
        Answers about a job before it is done.
    seconds
        Seconds before a job is done, in place of counting answers.
    width
        As `Studio` takes it.
    port
        0 for a free one.
    balance
        What the account holds; None for the provider's usual.
    link_seconds
        How long a link to a result lives.
    patience
        Seconds after which a "silent" answer is given up.
    retry_after
        What Retry-After says.
    """

    def __init__(
        self,
        make: Callable[[FakeServer], Api],
        known: Mapping[str, tuple[str, ...]],
        faults: Iterable[str | Fault],
        *,
        polls: int,
        seconds: float | None,
        width: int | None,
        port: int,
        balance: float | None,
        link_seconds: float,
        patience: float,
        retry_after: int,
        options: Mapping[str, Any],
    ) -> None:
        self.polls, self.seconds = polls, seconds
        self.link_seconds, self.patience, self.retry_after = link_seconds, patience, retry_after
        self.options = options
        self.script = Script(known, faults)
        self.studio = Studio(width)
        self.lock = threading.RLock()
        self.stopped = threading.Event()
        self.requests: list[Request] = []
        self.strayed: list[Request] = []
        self.jobs: dict[str, Job] = {}
        self.links: dict[str, tuple[Job, float]] = {}
        self.dead_links: set[str] = set()
        self.numbers = itertools.count()
        self.http = _Server(self, port)
        self.elsewhere: _Server | None = None
        self.api = make(self)
        self.balance = self.api.funds if balance is None else balance

    # ------------------------------------------------------------------------------------------------- running

    @property
    def url(self) -> str:
        """``"http://127.0.0.1:8801"``."""
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    def start(self) -> None:
        """Serve from now on."""
        self.http.run()

    def stop(self) -> None:
        """Close every connection and free the port."""
        self.stopped.set()
        for server in (self.http, self.elsewhere):
            if server is not None:
                server.end()

    def elsewhere_url(self) -> str:
        """Another port of ours, at which nobody has any business."""
        with self.lock:
            if self.elsewhere is None:
                self.elsewhere = _Server(self, 0, astray=True)
                self.elsewhere.run()
            return f"http://127.0.0.1:{self.elsewhere.server_address[1]}/elsewhere"

    # ---------------------------------------------------------------------------------------------------- jobs

    def accept(self, name: str, body: dict[str, Any], order: Order, price: float, **extra: Any) -> Job:
        """A new job, billed; raises `RefusedError` where the account cannot pay it."""
        with self.lock:
            if self.balance - self.spent < price:
                raise self.api.broke()
            job = Job(name, next(self.numbers), body, order, price, time.time(), charged=price, extra=extra)
            self.jobs[job.id] = job
            return job

    @property
    def spent(self) -> float:
        """What all jobs cost, less what was given back."""
        with self.lock:
            return sum(job.charged for job in self.jobs.values())

    def finish(self, job: Job, end: str, *, refund: bool = False) -> None:
        """End a job, unless it has ended."""
        with self.lock:
            if not job.end:
                job.end = end
                if refund:
                    job.charged = 0.0

    def share(self, job: Job) -> float:
        """Count a question about a job, and say how far it is: 0 at first, below 1 while it runs."""
        with self.lock:
            if self.seconds is not None:
                done = (time.time() - job.created) / self.seconds if self.seconds else 1.0
            else:
                done = job.polls / self.polls if self.polls else 1.0
            job.polls += 1
            if done >= 1:
                self.finish(job, "succeeded")
            return 1.0 if job.end else done

    def link(self, job: Job) -> str:
        """A fresh address of what a job made, good for `link_seconds`."""
        token = f"{random.getrandbits(96):024x}"
        with self.lock:
            self.links[token] = (job, time.time() + self.link_seconds)
        return f"{self.url}/results/{token}/{job.id}.mp4?expires={int(time.time() + self.link_seconds)}"

    # ------------------------------------------------------------------------------------------------ answering

    def answer(self, request: Request, wire: Wire) -> Answer | None:
        """The answer, or None where the connection is to be closed without one."""
        with self.lock:
            self.requests.append(request)
        found = self._found(request)
        if isinstance(found, Answer):
            return found
        chosen, parts = found
        request.step = chosen.step
        fault = self.script.take(chosen.step) if chosen.step else None
        try:
            return self._faulted(fault, request, chosen, parts, wire)
        except RefusedError as refused:
            return refused.answer

    def _found(self, request: Request) -> Answer | tuple[Route, dict[str, str]]:
        routes = [*self.api.routes, route("GET", "/results/{token}/{name}", "fetch", self._result)]
        allowed = []
        for candidate in routes:
            match = candidate.path.fullmatch(request.path)
            if match and candidate.method == ("GET" if request.method == "HEAD" else request.method):
                return candidate, match.groupdict()
            if match:
                allowed.append(candidate.method)
        if allowed:
            refusal = self.api.error(405, "Method not allowed")
            refusal.headers["Allow"] = ", ".join(allowed)
            return refusal
        return self.api.error(404, f"No such path: {request.path}")

    def _faulted(
        self, fault: Fault | None, request: Request, chosen: Route, parts: dict[str, str], wire: Wire
    ) -> Answer | None:
        kind = fault.kind if fault else ""
        request.seconds = fault.seconds if fault and kind == "slow" else 0.0
        match "" if kind in self.api.own.get(chosen.step, ()) else kind:
            case "drop":
                return None
            case "silent":
                wire.wait(self.patience, self.stopped)
                return None
            case "html":
                page = (
                    f"<html><head><title>{'Sign in' if chosen.step == 'fetch' else '502 Bad Gateway'}</title></head>"
                )
                status = 200 if chosen.step == "fetch" else 502
                return Answer(status, f"{page}<body>nginx</body></html>".encode(), mime="text/html")
            case "redirect":
                return Answer(302, b"", {"Location": self.elsewhere_url()}, "text/plain")
            case "429" | "500" | "502" | "503" | "wrong key" | "empty account" | "gone" if not (
                kind == "empty account" and chosen.step == "balance"
            ):
                trouble = self.api.trouble(kind, chosen.step)
                if kind == "429":
                    trouble.headers["Retry-After"] = str(self.retry_after)
                return trouble
        if chosen.answer != self._result:
            self.api.guard(request)
        answer = chosen.answer(request, kind, **parts)
        match kind:
            case "slow":
                self.stopped.wait(request.seconds)
            case "dropped after accepting":
                return None
            case "broken json":
                data = answer.data
                return Answer(answer.status, data[: max(1, len(data) // 2)], answer.headers)
            case "wrong type":
                return Answer(answer.status, mistyped(json.loads(answer.data or b"{}")) or [7], answer.headers)
            case "damaged file":
                data, third = answer.data, len(answer.data) // 3
                noise = random.Random(0).randbytes(third)
                return Answer(answer.status, data[:third] + noise + data[2 * third :], answer.headers, answer.mime)
            case "truncated file":
                data = answer.data
                answer.headers["Content-Length"] = str(len(data))
                return Answer(answer.status, data[: len(data) // 2], answer.headers, answer.mime)
        return answer

    def _result(self, request: Request, kind: str, token: str, name: str) -> Answer:
        with self.lock:
            job, expires = self.links.get(token, (None, 0.0))
            if kind == "expired link":
                self.dead_links.add(token)
            dead = token in self.dead_links or time.time() > expires
        if any(header in request.headers for header in self.api.leaks):
            # As S3 does with a presigned link: the key has no business here.
            return _xml(400, "InvalidArgument", "Only one auth mechanism allowed")
        if job is None:
            return _xml(404, "NoSuchKey", "The specified key does not exist.")
        if dead:
            return _xml(403, "AccessDenied", "Request has expired")
        return ranged(request, self.studio.clip(job.order))


def _xml(status: int, code: str, message: str) -> Answer:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status, text.encode(), mime="application/xml")


def ranged(request: Request, data: bytes) -> Answer:
    """A video, or the part of it from ``Range: bytes=N-`` on."""
    wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
    if not wanted:
        return Answer(200, data, {"Accept-Ranges": "bytes"}, "video/mp4")
    start = int(wanted[1])
    if start >= len(data):
        return Answer(416, b"", {"Content-Range": f"bytes */{len(data)}"}, "video/mp4")
    return Answer(206, data[start:], {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}, "video/mp4")


def mistyped(value: Any) -> Any:
    """The same JSON with every leaf of another type."""
    match value:
        case dict():
            return {key: mistyped(inner) for key, inner in value.items()}
        case list():
            return {"0": "a list once"}
        case bool() | None:
            return "yes"
        case int() | float():
            return "many"
        case _:
            return 7


# -------------------------------------------------------------------------------------------------------- the wire


class Wire:
    """The client's connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def wait(self, seconds: float, stopped: threading.Event) -> None:
        """Until the client closes, the server stops, or so many seconds have gone."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not stopped.is_set():
            try:
                readable, _, _ = select.select([self.connection], [], [], 0.05)
                if readable and not self.connection.recv(1, socket.MSG_PEEK):
                    return
            except (OSError, ValueError):
                return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    allow_reuse_address = True

    def __init__(self, fake: FakeServer, port: int, *, astray: bool = False) -> None:
        self.fake, self.astray = fake, astray
        self.open: set[socket.socket] = set()
        self.guarding = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)
        self.thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.005}, name="stillwake fake", daemon=True
        )

    def run(self) -> None:
        self.thread.start()

    def end(self) -> None:
        if self.thread.is_alive():
            self.shutdown()
            self.thread.join()
        with self.guarding:
            for connection in self.open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.guarding:
            self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.guarding:
            self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        import sys

        if not isinstance(sys.exc_info()[1], OSError):  # a client that went away is no error of ours
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "stillwake-fake"
    sys_version = ""
    disable_nagle_algorithm = True
    server: _Server

    def answer(self) -> None:
        """Read the request whole, then answer it in one write."""
        address = urlsplit(self.path)
        request = Request(
            self.command,
            unquote(address.path),
            dict(parse_qsl(address.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self._body(),
        )
        if self.server.astray:
            self.server.fake.strayed.append(request)
            self._send(request, Answer(200, b"<html>nobody lives here</html>", mime="text/html"))
            return
        try:
            answer = self.server.fake.answer(request, Wire(self.connection))
        except Exception as error:  # our own mistake: told, not hidden behind a closed connection
            self._send(request, Answer(599, f"the fake itself failed: {error!r}".encode(), mime="text/plain"))
            raise
        if answer is None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(request, answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815  http.server's names

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, request: Request, answer: Answer) -> None:
        request.status = answer.status
        data = answer.data
        told = dict(answer.headers)
        told.setdefault("Content-Length", str(len(data)))
        if data:
            told.setdefault("Content-Type", answer.mime)
        lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in told.items()]
        if int(told["Content-Length"]) > len(data):
            self.close_connection = True
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.wfile.write(head if request.method == "HEAD" or answer.status == 204 else head + data)

    def log_message(self, format: str, *args: Any) -> None:
        pass
