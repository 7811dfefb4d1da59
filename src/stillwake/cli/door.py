"""The door: a command in, an exit status out; every error becomes one sentence."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from cyclopts import CycloptsError

from stillwake.cli import telling
from stillwake.cli.verbs import app
from stillwake.errors import Cancelled, StillwakeError, UsageError


@contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C and SIGTERM both raise `KeyboardInterrupt`, once; the tidying up that follows is not disturbed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        for other in (signal.SIGINT, signal.SIGTERM):
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _usage(error: CycloptsError) -> UsageError:
    """What cyclopts found wrong with the command, as one sentence of ours."""
    verb = " ".join(["stillwake", *(error.command_chain or ())])
    words = " ".join(str(error).split()).partition(" Available commands:")[0]
    why = words.rstrip(".?").replace(". Did you mean", ", did you mean")
    return UsageError(f"Cannot run {verb}", why[:1].lower() + why[1:], f"see {verb} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status of a command.

    Parameters
    ----------
    argv
        The words after ``stillwake``; those of the process if None.
    """
    tokens = list(sys.argv[1:] if argv is None else argv)
    verbose = "-v" in tokens or "--verbose" in tokens
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without × or a name that is no text: no reason to fail
    run: Callable[..., int | None] = app
    with _stoppable():
        try:
            status = run(tokens, exit_on_error=False, print_error=False, verbose=False, result_action="return_value")
            sys.stdout.flush()
        except CycloptsError as error:
            telling.complain(_usage(error), False)
            return UsageError.exit_status
        except StillwakeError as error:
            telling.complain(error, verbose)
            return error.exit_status
        except KeyboardInterrupt:
            telling.complain(Cancelled(), False)
            return Cancelled.exit_status
        except BrokenPipeError:
            # The reader has what it wanted (stillwake ... | head); Python would complain again in its last flush.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except Exception as error:  # the outermost door: a fault of ours must still end in a sentence
            if verbose:
                raise
            words = " ".join(str(error).split())[:300]
            telling.say(
                f"Something went wrong inside stillwake ({type(error).__name__}: {words}): this is our fault; please "
                "report it with what the same command prints with -v."
            )
            return 1
    return status or 0
