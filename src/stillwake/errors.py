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


class Cancelled(StillwakeError):  # noqa: N818  not a fault, so not named one
    """The user stopped the work; nothing half-written is left."""

    exit_status = 130

    def __init__(self, what: str = "Stopped") -> None:
        super().__init__(what, "you asked for it", "run the same command to start again")
        self.args = (what,)  # so that it pickles
