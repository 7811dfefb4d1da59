"""Runs that ask others for work: written down before the first request, so that one command goes on with them.

A run lies in ``runs`` in `stillwake.home`, one file each, from before anything is asked for until its clip lies where
it should, or an error says that it never will. What is left there was broken off: by a kill, a lost network, an answer
that did not come in time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from stillwake.errors import (
    BusyError,
    Cancelled,
    InputError,
    JobUnsureError,
    OutputError,
    ResultError,
    StillwakeError,
    UnreachableError,
    UsageError,
)
from stillwake.home import home
from stillwake.makers import MAKERS
from stillwake.types import Brief, Plan, Record
from stillwake.workflow.files import lies_here
from stillwake.workflow.plans import FILES

GOES_ON = (BusyError, Cancelled, JobUnsureError, OutputError, ResultError, UnreachableError)
"""What may be otherwise the next time: the run is kept."""
LARGEST_RUN = 8 << 20
KEPT = 200
"""Runs; of more, the oldest are forgotten."""


class Run(Record):
    """A run as it was asked for; files are named in full, since the next command may be given elsewhere."""

    schema_: Literal["stillwake/run@1"] = Field("stillwake/run@1", alias="schema")
    picture: Path
    brief: Brief
    out: Path
    sheet: Path | None = None
    overwrite: bool = False
    force: bool = False
    plan: Plan | None = None


def asks_others(plan: Plan) -> bool:
    """Whether carrying out the plan asks another machine, or one's own for longer than a person waits."""
    return any(
        shot.family == "generator" or not getattr(MAKERS.get(shot.engine), "local", True) for shot in plan.shots
    )


@contextmanager
def written_down(run: Run, plan: Plan) -> Iterator[None]:
    """The run lies in the home while the block runs, and after it where it was broken off.

    Raises
    ------
    stillwake.errors.OutputError
        The home cannot be written: nothing is asked for that could be lost.
    """
    if not asks_others(plan):
        yield
        return
    from stillwake.engines.remote import asked_for
    from stillwake.media import write_text

    folder = home("runs")
    for old in sorted(folder.glob("*.json"))[: -KEPT + 1]:
        old.unlink(missing_ok=True)
    same = [at for at in folder.glob("*.json") if _opened(at) == _whole(run)]
    at = same[0] if same else folder / f"{time.time_ns():020d}-{os.getpid()}.json"
    write_text(at, _whole(run).model_dump_json(indent=2) + "\n", overwrite=True)
    token = asked_for.set(run.out.name)
    try:
        yield
    except GOES_ON:
        raise
    except StillwakeError:
        at.unlink(missing_ok=True)
        raise
    finally:
        asked_for.reset(token)
    at.unlink(missing_ok=True)


def broken_off() -> Run:
    """The run that was broken off last.

    Raises
    ------
    stillwake.errors.UsageError
        There is none.
    """
    for at in sorted(home("runs").glob("*.json"), reverse=True):
        if (run := _opened(at)) is not None:
            return run
    raise UsageError(
        "Cannot go on", "no run was broken off here", "give the still and -o OUT; stillwake jobs lists what was paid"
    )


def _whole(run: Run) -> Run:
    """The run with its files named in full."""
    brief = run.brief
    named: dict[str, Path | str] = {
        name: getattr(brief, name).absolute() for name in FILES if getattr(brief, name) is not None
    }
    for name in ("camera", "model"):
        value = getattr(brief, name)
        if value is not None and lies_here(Path(value)):
            named[name] = str(Path(value).absolute())
    return run.model_copy(
        update={
            "picture": run.picture.absolute(),
            "out": run.out.absolute(),
            "sheet": None if run.sheet is None else run.sheet.absolute(),
            "brief": brief.model_copy(update=named),
        }
    )


def _opened(at: Path) -> Run | None:
    """The run in that file; None where it cannot be read."""
    from stillwake.media.files import opened_input

    try:
        with opened_input(at, "Cannot use a run", InputError, LARGEST_RUN) as file:
            return Run.model_validate_json(file.read(LARGEST_RUN + 1))
    except (InputError, ValidationError, ValueError, RecursionError):
        return None
