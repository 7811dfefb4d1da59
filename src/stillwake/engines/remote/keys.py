"""Keys of accounts: where they come from, and that they go nowhere but into the header they are for.

The environment is asked first, then the system's keyring under the service "stillwake". A `Key` shows itself as
"(key)" wherever it is printed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stillwake.errors import EngineUnavailableError

__all__ = ["Key", "KlingTokens", "found"]

SERVICE = "stillwake"
"""The keyring's service; the user name there is the environment variable's."""

TOKEN_SECONDS = 1800
"""How long a token of Kling's lives: exp = now + 1800, nbf = now - 5 (vercel/ai, klingai)."""
EARLY = 300
"""Seconds before its end a token is made anew."""


class Key:
    """A secret. Only `reveal` gives it."""

    __slots__ = ("_reveal",)

    def __init__(self, value: str) -> None:
        self._reveal: Callable[[], str] = lambda: value

    def reveal(self) -> str:
        """The secret itself, for a header."""
        return self._reveal()

    def __repr__(self) -> str:
        return "(key)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "(key)"

    def __reduce__(self) -> Any:
        raise TypeError("a key is not written anywhere")


def found(name: str) -> Key | None:
    """The key of that environment variable's name, from the environment or the keyring; None where neither has it.

    Raises
    ------
    stillwake.errors.EngineUnavailableError
        It holds what no key does: a line's end, a quotation mark that was typeset.
    """
    value = os.environ.get(name, "").strip()
    key = Key(value) if value else _from_keyring(name)
    if key is not None and not (key.reveal().isascii() and key.reveal().isprintable()):
        raise EngineUnavailableError(f"Cannot use {name}", "it holds letters that no key has", "copy the key again")
    return key


def _from_keyring(name: str) -> Key | None:
    """What the system's keyring has; any failure of it counts as nothing."""
    try:
        import keyring

        value = keyring.get_password(SERVICE, name)
    except Exception:  # a keyring is foreign code on top of foreign services: whatever it raises, there is no key
        return None
    return Key(value.strip()) if value and value.strip() else None


@dataclass(slots=True)
class KlingTokens:
    """Tokens out of Kling's older pair of keys, each used until shortly before its end.

    Parameters
    ----------
    access, secret
        The pair.
    now
        Seconds since 1970.
    """

    access: Key
    secret: Key
    now: Callable[[], float] = time.time
    _token: Key | None = None
    _until: float = 0.0

    def token(self) -> Key:
        """One that is good for another five minutes at least.

        Raises
        ------
        stillwake.errors.EngineUnavailableError
            PyJWT is not installed.
        """
        try:
            import jwt
        except ImportError as error:
            raise EngineUnavailableError(
                "Cannot ask Kling", "its older keys need PyJWT", "run: pip install 'stillwake[remote]'"
            ) from error
        now = self.now()
        if self._token is None or now > self._until - EARLY:
            claims = {"iss": self.access.reveal(), "exp": int(now) + TOKEN_SECONDS, "nbf": int(now) - 5}
            import warnings

            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # the length of the secret is Kling's choice
                    signed = jwt.encode(claims, self.secret.reveal(), algorithm="HS256", headers={"typ": "JWT"})
            except Exception:  # whatever it says might quote the secret
                raise EngineUnavailableError(
                    "Cannot ask Kling", "KLING_SECRET_KEY cannot sign", "set it to the secret key as Kling shows it"
                ) from None
            self._token, self._until = Key(signed), now + TOKEN_SECONDS
        return self._token
