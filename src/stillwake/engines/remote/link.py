"""The wire: one HTTP client for every provider, with its own time limits, and answers that cannot do harm.

Plain httpx, not the providers' SDKs: those send a create again after a 5xx or a lost connection without an
idempotency key, which may bill twice, and runwayml's own waiting never sees a job that was cancelled (measured
against a local fake, 2026-11). Here nothing is sent twice by the client; who may send again is `driving`'s to decide,
and the errors below say whether anything can have been received.

Certificates are checked, proxies are those of the environment, and a redirect is never followed.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stillwake.engines.remote.keys import Key
from stillwake.engines.remote.order import File
from stillwake.errors import UsageError

if TYPE_CHECKING:
    import ssl

    import httpx

__all__ = [
    "Answer", "AnsweredError", "GarbledError", "Link", "LostError", "NotSentError", "Pace", "WireError", "base_url",
    "plain", "quoted",
]  # fmt: skip

LARGEST_ANSWER = 4 << 20
"""Bytes of JSON; a longer answer is not read on."""
LARGEST_RESULT = 2 << 30
LONGEST_QUOTE = 300
"""Characters of a provider's own words in a message of ours."""
SLOWEST_ANSWER = 120.0
"""Seconds from the first byte of a JSON answer to its last."""
LEAST_SPEED = 2_000
"""Bytes a second of a result, below which its sender is taken for one that plays for time."""


class WireError(Exception):
    """No usable answer; the message says why, a clause."""


class NotSentError(WireError):
    """Nothing was sent: no name, no route, refused, no certificate."""


class LostError(WireError):
    """The connection broke, or nobody answered in time: it may have been received."""


class GarbledError(WireError):
    """An answer came, with a status that says "done", and it cannot be understood."""


class AnsweredError(WireError):
    """An answer that says no: its ``status``, its JSON (None where it was none), and how long to wait."""

    def __init__(self, status: int, body: Any, text: str, retry_after: float | None = None) -> None:
        super().__init__(f"it answered {status}" + (f": {text}" if text else ""))
        self.status, self.body, self.text, self.retry_after = status, body, text, retry_after

    @property
    def is_theirs(self) -> bool:
        """Whether it is JSON, and so most likely the provider's own words rather than those of something between."""
        return self.body is not None


@dataclass(frozen=True, slots=True)
class Pace:
    """How time is spent: every wait is multiplied by ``scale``; an answer may take ``answer`` seconds.

    ``patience`` seconds are waited for a job in all; then it stays in the journal.
    """

    scale: float = 1.0
    answer: float = 60.0
    patience: float = 6 * 3600.0

    @classmethod
    def of_environment(cls) -> Pace:
        """As STILLWAKE_PACE, STILLWAKE_ANSWER and STILLWAKE_PATIENCE say.

        Raises
        ------
        stillwake.errors.UsageError
            One of them is no number.
        """

        def number(name: str, usual: float) -> float:
            text = os.environ.get(name, "").strip()
            if not text:
                return usual
            try:
                value = float(text)
            except ValueError:
                value = -1.0
            if not 0 <= value < 1e9:
                raise UsageError(f"Cannot use {name}", "it is no number of seconds", "set it to one, or not at all")
            return value

        usual = cls()
        return cls(
            number("STILLWAKE_PACE", usual.scale), max(0.05, number("STILLWAKE_ANSWER", usual.answer)),
            number("STILLWAKE_PATIENCE", usual.patience),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that says yes: its JSON and its headers, by small names."""

    body: Any
    headers: Mapping[str, str]


def base_url(variable: str, usual: str) -> str:
    """Where a provider is, without a slash at the end: as the environment says, or as usual.

    Raises
    ------
    stillwake.errors.UsageError
        It is no address, or a key would go unprotected over somebody else's network.
    """
    text = os.environ.get(variable, "").strip() or usual
    what = f"Cannot use {variable}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username:
        raise UsageError(what, "it is not the address of a server", "write it like https://host:port")
    del port
    if parts.scheme == "http" and not _is_near(host):
        raise UsageError(what, f"http:// to {host[:80]} would send everything readable for all", "write https://")
    return text.rstrip("/")


def _is_near(host: str) -> bool:
    """Whether a host is this machine or one of its own network."""
    host = host.rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if all(re.fullmatch(r"\d+|0x[0-9a-f]+", part, re.IGNORECASE) for part in host.split(".")):
            return True  # 127.1, 0x7f000001: an address in another spelling, which no provider uses
        return host == "localhost" or "." not in host or host.endswith((".local", ".lan", ".internal", ".localhost"))
    return address.is_loopback or address.is_private or address.is_link_local


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


_SECURE: list[ssl.SSLContext] = []
_SECURING = threading.Lock()


def _secured() -> ssl.SSLContext:
    """The certificates, read once for all clients."""
    import httpx

    with _SECURING:
        if not _SECURE:
            _SECURE.append(httpx.create_ssl_context())
        return _SECURE[0]


class Link:
    """The connection to one provider.

    Parameters
    ----------
    base
        Its address, as `base_url` gives it.
    headers
        Sent with everything that goes to that address, and to no other: the key.
    pace
        How long an answer may take.
    """

    def __init__(self, base: str, headers: Mapping[str, str], pace: Pace, secrets: tuple[Key, ...] = ()) -> None:
        import httpx

        self.base, self.pace = base, pace
        self._headers, self._secrets = dict(headers), secrets
        self._timeout = httpx.Timeout(pace.answer, connect=min(15.0, pace.answer), pool=600.0)
        self._kept = self._client(httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=20))
        # A create goes over a connection of its own: one that was kept may have been closed at that very moment, and
        # then nobody can say whether it was received.
        self._fresh = self._client(httpx.Limits(max_connections=16, max_keepalive_connections=0))

    def _client(self, limits: httpx.Limits) -> httpx.Client:
        import httpx

        return httpx.Client(
            verify=_secured(), timeout=self._timeout, limits=limits, follow_redirects=False,
            trust_env=not _is_loopback(urlsplit(self.base).hostname or ""),  # no proxy between us and ourselves
            headers={"User-Agent": "stillwake", "Accept": "application/json"},
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"Link({self.base!r})"

    def close(self) -> None:
        """Close its connections."""
        self._kept.close()
        self._fresh.close()

    def also(self, headers: Mapping[str, str]) -> None:
        """Send these too from now on, in place of those of the same name."""
        self._headers = {**self._headers, **headers}  # others may be reading the old ones

    def clean(self, text: str) -> str:
        """Somebody else's words, fit to be quoted: short, in one line, without markup, and without our keys."""
        return quoted(text, self._secrets)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        form: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
        empty: bool = False,
    ) -> Answer:
        """A request to the provider and its JSON.

        Parameters
        ----------
        method, path, query, headers
            ``path`` begins with a slash.
        body
            Sent as JSON.
        form
            Sent as multipart/form-data; a `File` among the values becomes a file.
        once
            It creates something: over a fresh connection.
        empty
            An answer without a body will do.

        Raises
        ------
        WireError
            One of its kinds.
        """
        told = {**self._headers, **(headers or {})}
        return self._asked(
            self._fresh if once else self._kept, method, self.base + path, body, form, query, told, empty
        )

    def put(self, url: str, *, form: Mapping[str, Any]) -> None:
        """A form to an address that the provider named, without the key.

        Raises
        ------
        WireError
            One of its kinds.
        """
        self._asked(self._kept, "POST", self._allowed(url), None, form, None, {"Accept": "*/*"}, True)

    def _asked(
        self, client: httpx.Client, method: str, url: str, body: Any, form: Mapping[str, Any] | None,
        query: Mapping[str, str] | None, headers: Mapping[str, str], empty: bool,
    ) -> Answer:  # fmt: skip
        options: dict[str, Any] = {"headers": dict(headers)}
        if query:
            options["params"] = dict(query)
        if form is not None:  # every value as a part: httpx would write a form without files otherwise
            options["files"] = [
                (name, (value.name, value.data, value.mime) if isinstance(value, File) else (None, str(value)))
                for name, value in form.items()
            ]
        elif body is not None:
            options["content"] = json.dumps(body, ensure_ascii=True, allow_nan=False).encode()
            options["headers"]["Content-Type"] = "application/json"
        with self._streamed(client, method, url, options) as response:
            data = b"".join(self._chunks(response, LARGEST_ANSWER, SLOWEST_ANSWER))
            status = response.status_code
            told = {name.lower(): value for name, value in response.headers.items()}
        parsed = _json(data)
        if not 200 <= status < 300:
            raise AnsweredError(status, parsed, self.clean(words_of(parsed, data)), _retry_after(told))
        if parsed is None and not empty:
            raise GarbledError(
                "a page came instead of an answer" if data.lstrip()[:1] == b"<" else "its answer cannot be read"
            )
        return Answer(parsed, told)

    def fetch(self, url: str, target: Any, *, own: bool = False) -> str:
        """What lies at an address, written to an open file; gives its content type.

        Parameters
        ----------
        url
            As the provider named it, or with ``own`` a path of the provider's, asked for with the key.
        target
            A file, open for writing bytes.
        own
            As above.

        Raises
        ------
        WireError
            One of its kinds.
        """
        headers = {"Accept": "video/*, image/*, */*"} | (self._headers if own else {})
        address = self.base + url if own else self._allowed(url)
        with self._streamed(self._kept, "GET", address, {"headers": headers}) as response:
            if response.status_code != 200:
                data = b"".join(self._chunks(response, 65536, 30.0))
                parsed = _json(data)
                told = {name.lower(): value for name, value in response.headers.items()}
                raise AnsweredError(
                    response.status_code, parsed, self.clean(words_of(parsed, data)), _retry_after(told)
                )
            expected = response.headers.get("content-length", "")
            held = 0
            for chunk in self._chunks(response, LARGEST_RESULT, None):
                target.write(chunk)
                held += len(chunk)
            if expected.isdecimal() and int(expected) != held and "content-encoding" not in response.headers:
                raise LostError("the connection broke in the middle of the clip")
            return str(response.headers.get("content-type", ""))

    def _allowed(self, url: str) -> str:
        """An address that came in an answer, if it may be asked."""
        try:
            url.encode()  # half of a surrogate pair is JSON, and no address
            parts, own = urlsplit(url), urlsplit(self.base)
            host = parts.hostname or ""
            _ = parts.port
        except ValueError:
            raise GarbledError("the address it names is none") from None
        if not host or parts.username or parts.scheme not in ("http", "https"):
            raise GarbledError("the address it names is none")
        near = own.scheme == "http" and _is_near(own.hostname or "")
        if parts.scheme == "http" and not near:
            raise GarbledError("the address it names is not protected (http://)")
        if not near and _is_near(host):
            raise GarbledError("the address it names is one of this network")
        return url

    @contextmanager
    def _streamed(
        self, client: httpx.Client, method: str, url: str, options: Mapping[str, Any]
    ) -> Iterator[httpx.Response]:
        import httpx

        try:
            with client.stream(method, url, **options) as response:
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise NotSentError(f"it cannot be reached ({quoted(str(error), self._secrets) or 'no answer'})") from None
        except httpx.ProxyError:
            raise NotSentError("the proxy refuses") from None
        except httpx.TimeoutException:
            raise LostError(f"no answer came within {self.pace.answer:g} s") from None
        except httpx.DecodingError:
            raise GarbledError("its answer cannot be read") from None
        except httpx.LocalProtocolError:
            raise NotSentError("the request cannot be written as HTTP") from None
        except (httpx.InvalidURL, UnicodeError):
            raise GarbledError("the address it names is none") from None
        except httpx.HTTPError:
            raise LostError("the connection broke") from None

    def _chunks(self, response: httpx.Response, most: int, seconds: float | None) -> Iterator[bytes]:
        """A body's bytes, no more than that, no slower than that."""
        start, held = time.monotonic(), 0
        for chunk in response.iter_bytes():
            held += len(chunk)
            if held > most:
                raise GarbledError(f"its answer is longer than {most >> 20} MiB")
            passed = time.monotonic() - start
            if passed > (seconds if seconds is not None else 120 + held / LEAST_SPEED):
                raise LostError("its answer does not end")
            yield chunk


def _json(data: bytes) -> Any:
    """The JSON object or list, None where it is none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def words_of(body: Any, data: bytes) -> str:
    """What an answer says in words, wherever the providers put it."""
    if body is None:
        text = data[:4000].decode("utf-8", "replace")
        title = re.search(r"<title>([^<]*)</title>", text, re.IGNORECASE)
        return f"a page, {title[1].strip()!r}" if title else "" if "<" in text else text
    found: list[str] = []
    queue: list[Any] = [body]
    while queue and len(found) < 2:
        at = queue.pop(0)
        if isinstance(at, dict):
            for name in (
                "message", "description", "detail", "error", "failure", "failure_message", "failure_reason",
                "issues", "msg",
            ):  # fmt: skip
                inner = at.get(name)
                if isinstance(inner, str) and inner.strip():
                    found.append(inner)
                elif isinstance(inner, dict | list):
                    queue.append(inner)
        elif isinstance(at, list):
            queue.extend(at[:3])
    return "; ".join(found)


def plain(text: object, most: int = LONGEST_QUOTE) -> str:
    """Somebody else's words in one line, without markup and control characters, no longer than ``most``."""
    words = re.sub(r"<[^<>]{0,500}>", " ", str(text)[: 20 * most])
    words = "".join(letter if letter.isprintable() else " " for letter in words)
    words = re.sub(r"\s+", " ", words).strip()
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def quoted(text: object, secrets: tuple[Key, ...] = ()) -> str:
    """The same, and none of those secrets in it, in whatever way they are written."""
    import base64

    words = str(text)[: 20 * LONGEST_QUOTE]
    for key in secrets:
        secret = key.reveal()
        coded = base64.b64encode(secret.encode()).decode()
        for form in (secret, coded, coded.rstrip("=")):
            if len(form) >= 4:
                words = words.replace(form, "(key)")
    words = re.sub(r"\bey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", "(key)", words)  # any token of theirs
    return plain(words).rstrip(" .")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait, up to an hour."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        from email.utils import parsedate_to_datetime

        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return min(3600.0, max(0.0, seconds)) if seconds == seconds else None
