"""``stillwake jobs``: work that hosted engines were asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from cyclopts import App, Parameter

from stillwake.cli import telling
from stillwake.cli.asking import EVERYDAY, PLAIN, Manner

if TYPE_CHECKING:
    from stillwake.engines.remote import Job

jobs = App(
    name="jobs",
    help="Work that hosted engines were asked for: list it, go on with it, cancel it.",
    default_parameter=PLAIN,
)

JobId: TypeAlias = Annotated[str, Parameter(help="The job; the beginning of its id is enough.", metavar="ID")]


@jobs.default
def list_jobs(*, manner: Manner = EVERYDAY) -> None:
    """Every job that was asked for, the newest first: its state, its price, and what to do about it."""
    from stillwake.engines import remote

    for job in remote.jobs():
        telling.write(json.dumps(_job_row(job)) if manner.json else _job_line(job))


@jobs.command
def resume(job: JobId, /, *, manner: Manner = EVERYDAY) -> None:
    """Go on with a job until its clip is kept here; plain repetition of its animate then takes it."""
    from stillwake.engines import remote

    with telling.watching(manner.quiet) as on_progress:
        _tell_job(remote.resume(job, on_progress), manner)


@jobs.command
def cancel(job: JobId, /, *, manner: Manner = EVERYDAY) -> None:
    """Stop a job at its provider; what it has cost by then may not come back."""
    from stillwake.engines import remote

    _tell_job(remote.cancel(job), manner)


@jobs.command
def adopt(
    job: JobId,
    provider_id: Annotated[str, Parameter(help="The id that the provider's own page shows.", metavar="PROVIDER_ID")],
    /,
    *,
    manner: Manner = EVERYDAY,
) -> None:
    """Say which of the provider's jobs this one is, where the connection broke before its id came."""
    from stillwake.engines import remote

    _tell_job(remote.adopt(job, provider_id), manner)


@jobs.command
def resend(job: JobId, /, *, manner: Manner = EVERYDAY) -> None:
    """Ask for a job again, whatever became of it: it may then be paid for twice, and you say so."""
    from stillwake.engines import remote

    with telling.watching(manner.quiet) as on_progress:
        _tell_job(remote.resend(job, on_progress), manner)


@jobs.command
def forget(
    job: JobId,
    /,
    *,
    running: Annotated[bool, Parameter(help="Even one that runs, or may run, and may have been paid for.")] = False,
    manner: Manner = EVERYDAY,
) -> None:
    """Take a job and its kept clip out of the journal."""
    from stillwake.engines import remote

    remote.forget(job, running=running)


def _tell_job(job: Job, manner: Manner) -> None:
    telling.write(json.dumps(_job_row(job)) if manner.json else _job_line(job))


def _job_row(job: Job) -> dict[str, Any]:
    """A job for scripts; the file of its clip is a name."""
    return {
        "id": job.id, "engine": job.engine, "model": job.model, "state": job.state, "clip": job.name,
        "provider_id": job.provider_id, "seconds": job.seconds, "price": job.price, "cost": job.cost,
        "cost_told": job.cost_told, "created": job.created, "result": None if job.result is None else job.result.name,
        "why": job.error,
    }  # fmt: skip


def _job_line(job: Job) -> str:
    from datetime import datetime

    when = datetime.fromtimestamp(job.created).strftime("%Y-%m-%d %H:%M")
    paid = job.cost_told or (f"${job.cost:.2f}" if job.cost is not None else f"~${job.price:.2f}" if job.price else "")
    line = f"{job.id:<10} {job.engine:<8} {job.state:<10} {when}  {job.seconds:>5.1f} s  {paid:<12} {job.name}"
    return f"{line.rstrip()}{f'  {job.error}' if job.error else ''}"
