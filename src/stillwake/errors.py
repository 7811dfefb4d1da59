"""Every error a user can meet: what happened, why, and what to do, in one sentence each.

StillwakeError                  exit status
├── UsageError                  2   the command or the brief contradicts itself
├── InputError                  3   an input cannot be used
│   ├── StillError                  the picture
│   ├── FaceError                   a face that was given by hand
│   ├── SoundError                  the recording
│   ├── TranscriptError             the words do not fit the recording
│   └── ClipError                   the clip
├── NotReadyError               4   the still is not ready, or the clip did not pass
├── OutputError                 5   the output cannot be written
│   └── OutputExistsError           it is already there
├── UnavailableError            6   an engine or a voice is not here
│   ├── EngineUnavailableError
│   └── VoiceUnavailableError
├── BudgetError                 7   it would cost more than may be spent
├── ConsentError                7   somebody has to agree first: to a licence, to a voice being copied
├── ProviderError               8   a hosted engine or a server did not do it
│   ├── KeyRefusedError             it does not accept the key
│   ├── AccountError                the account there has no credit, or not this right
│   ├── BusyError                   too many requests, and waiting did not help
│   ├── UnreachableError            no answer, or none that can be understood
│   ├── ModerationError             it will not make that
│   ├── JobFailedError              it accepted the work and failed at it
│   ├── JobUnsureError              whether it accepted the work is not known
│   └── ResultError                 what it made cannot be fetched, or is damaged
└── Cancelled                   130 the user stopped it
"""

from __future__ import annotations

from typing import ClassVar


class StillwakeError(Exception):
    """Something the user can act on.

    Parameters
    ----------
    what
        What did not happen, a clause without a full stop: ``"Cannot open hero.jpg"``.
    why
        The cause, likewise: ``"the file ends after 312 of 1024 rows"``.
    fix
        What to do now, an order: ``"export it again"``.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, what: str, why: str, fix: str) -> None:
        super().__init__(what, why, fix)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        return f"{self.what}: {self.why}; {self.fix}."


class UsageError(StillwakeError):
    """The command or the brief contradicts itself."""

    exit_status = 2


class InputError(StillwakeError):
    """An input cannot be used."""

    exit_status = 3


class StillError(InputError):
    """The picture cannot be used."""


class FaceError(InputError):
    """A face that was given by hand cannot be used."""


class SoundError(InputError):
    """The recording cannot be used."""


class TranscriptError(InputError):
    """The words do not fit the recording, or there are none."""


class ClipError(InputError):
    """The clip cannot be used."""


class NotReadyError(StillwakeError):
    """The still is not ready to be animated, or the clip did not pass its inspection."""

    exit_status = 4


class OutputError(StillwakeError):
    """The output cannot be written: no such folder, not allowed, disk full."""

    exit_status = 5


class OutputExistsError(OutputError):
    """The output is already there and nobody said it may be replaced."""


class UnavailableError(StillwakeError):
    """An engine or a voice is not available on this machine."""

    exit_status = 6


class EngineUnavailableError(UnavailableError):
    """The engine is unknown, or what it needs is not installed."""


class VoiceUnavailableError(UnavailableError):
    """The voice or its language is unknown."""


class BudgetError(StillwakeError):
    """It would cost more than may be spent; nothing was spent."""

    exit_status = 7


class ConsentError(StillwakeError):
    """Somebody has to agree first: to the licence of weights, to a voice being copied."""

    exit_status = 7


class ProviderError(StillwakeError):
    """A hosted engine, or a server of one's own, did not do what was asked."""

    exit_status = 8


class KeyRefusedError(ProviderError):
    """The key is wrong, expired, or not allowed to do this."""


class AccountError(ProviderError):
    """The account has no credit left, or its plan does not have this."""


class BusyError(ProviderError):
    """There are too many requests at once or today, and waiting did not help."""


class UnreachableError(ProviderError):
    """No answer came, or none that can be understood; nothing was asked for a second time."""


class ModerationError(ProviderError):
    """The provider will not make that of this picture, or of these words."""


class JobFailedError(ProviderError):
    """The work was accepted, and failed or was stopped there."""


class JobUnsureError(ProviderError):
    """The connection broke while the work was being asked for: it may have been accepted, and be paid for."""


class ResultError(ProviderError):
    """What was made cannot be fetched any more, or what came is damaged."""


class Cancelled(StillwakeError):  # noqa: N818  not a fault, so not named one
    """The user stopped the work; nothing half-written is left."""

    exit_status = 130

    def __init__(self, what: str = "Stopped") -> None:
        super().__init__(what, "you asked for it", "run the same command to start again")
        self.args = (what,)  # so that it pickles
