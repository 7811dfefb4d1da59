"""What a person does with jobs and voices: list, go on, stop, take over, ask again, forget; copy a voice."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from stillwake.engines.remote import refusals
from stillwake.engines.remote.driving import TRIES, Task, drive, job_of, too_long
from stillwake.engines.remote.engine import PROVIDERS, provider_of
from stillwake.engines.remote.journal import FREE, Job, Journal, Lease, journal
from stillwake.engines.remote.link import AnsweredError, Link, Pace, WireError, plain
from stillwake.engines.remote.order import File
from stillwake.engines.remote.provider import Done, Ended, Provider, Voice
from stillwake.errors import (
    ConsentError,
    JobFailedError,
    ProviderError,
    SoundError,
    StillwakeError,
    UnavailableError,
    UsageError,
)
from stillwake.types import Progress, no_progress

__all__ = ["adopt", "cancel", "clone_voice", "forget", "jobs", "resend", "resume", "resume_all", "voices"]

LARGEST_RECORDING = 30 << 20

T = TypeVar("T")


def jobs() -> tuple[Job, ...]:
    """Every job of the journal, the newest first."""
    return journal().all()


def resume(job_id: str, on_progress: Progress = no_progress, pace: Pace | None = None) -> Job:
    """Go on with a job until its clip is kept.

    Parameters
    ----------
    job_id
        The beginning of its id is enough.
    on_progress, pace
        As elsewhere.

    Raises
    ------
    stillwake.errors.StillwakeError
        As `stillwake.engines.remote.engine.RemoteEngine.prepare`.
    """
    book = journal()
    job = book.find(job_id)
    if job.state in ("failed", "cancelled"):  # a person who names it wants this one, not another
        raise refusals.remembered(provider_of(job.engine), job)
    return job_of(_driven([job], on_progress, pace)[0])


def resume_all(
    wanted: Sequence[Job], on_progress: Progress = no_progress, pace: Pace | None = None
) -> list[Job | StillwakeError]:
    """Go on with many jobs at once; gives each one, or why it is not made."""
    return _driven(list(wanted), on_progress, pace)


def _driven(wanted: list[Job], on_progress: Progress, pace: Pace | None) -> list[Job | StillwakeError]:
    pace = Pace.of_environment() if pace is None else pace
    book = journal()
    links: dict[str, tuple[Provider, Link]] = {}
    try:
        tasks = []
        for job in wanted:
            if job.engine not in links:
                provider = provider_of(job.engine)
                links[job.engine] = provider, provider.link(pace)
            provider, link = links[job.engine]
            tasks.append(Task(job, provider, link, book, pace))
        return drive(tasks, on_progress=on_progress)
    finally:
        for _, link in links.values():
            link.close()


def cancel(job_id: str, pace: Pace | None = None) -> Job:
    """Stop a job; what it has cost by then may not come back.

    Raises
    ------
    stillwake.errors.UsageError
        It does not run, or the provider has no way to stop one.
    stillwake.errors.ProviderError
        The provider did not do it.
    """
    book = journal()
    job = book.find(job_id)
    what = f"Cannot cancel the job {job.id}"
    if job.state in FREE:
        raise UsageError(what, f"it is {job.state} already", "see stillwake jobs")
    if job.state == "written":
        with _held(book, job, what):
            return book.note(
                job, state="cancelled", billed=0, error_kind="JobFailedError", error="it was cancelled here"
            )
    if job.provider_id is None:
        raise UsageError(
            what, "whether the provider has it is not known", f"look there, then stillwake jobs adopt {job.id} ITS_ID"
        )
    provider = provider_of(job.engine)
    end: Ended | None = None
    with _link(provider, pace) as link:
        there = job.provider_id
        before = _asked(provider, link, what, lambda: provider.status(link, there), job, gone_is_fine=True)
        if isinstance(before, Done):
            raise UsageError(what, "it is done there", f"fetch it: stillwake jobs resume {job.id}")
        _asked(provider, link, what, lambda: provider.cancel(link, there), job, gone_is_fine=True)
        with contextlib.suppress(WireError):  # some say what it has cost
            state = provider.status(link, there)
            end = state if isinstance(state, Ended) else None
    if book.read(job.key).state == "made":
        raise UsageError(what, "its clip came meanwhile", "see stillwake jobs")
    billed = False if not provider.secret else None if end is None else end.billed
    return book.note(
        job, state="cancelled", billed=None if billed is None else int(billed), cost=None if end is None else end.cost,
        cost_told="" if end is None else end.cost_told, error_kind="JobFailedError",
        error=f"it was cancelled at {provider.title}",
    )  # fmt: skip


def adopt(job_id: str, provider_id: str, pace: Pace | None = None) -> Job:
    """Say which of the provider's jobs this one is; it is asked whether it has it.

    Raises
    ------
    stillwake.errors.UsageError
        The job has another id already, or that cannot be one.
    stillwake.errors.ProviderError
        The provider does not know it.
    """
    book = journal()
    job = book.find(job_id)
    what = f"Cannot take {plain(provider_id, 60)!r} for the job {job.id}"
    if job.state in ("made", "running"):
        raise UsageError(
            what, f"it is {job.state}, as {job.provider_id}", f"go on with: stillwake jobs resume {job.id}"
        )
    wanted = provider_id.strip()
    if not wanted or len(wanted) > 200 or not wanted.isprintable() or any(sign in wanted for sign in " /?#%\\"):
        raise UsageError(what, "it cannot be an id", "copy it from the provider's page")
    other = next((each for each in book.all() if each.provider_id == wanted and each.engine == job.engine), None)
    if other is not None and other.key != job.key:
        raise UsageError(what, f"it is the job {other.id}", "copy the other id from the provider's page")
    provider = provider_of(job.engine)
    with _link(provider, pace) as link:
        state = _asked(provider, link, what, lambda: provider.status(link, wanted), None)
    if isinstance(state, Ended):
        raise JobFailedError(
            what, f"that one ended without a clip ({state.words or state.why})",
            f"to ask again: stillwake jobs resend {job.id}",
        )  # fmt: skip
    with _held(book, job, what):
        return book.note(job, state="running", provider_id=wanted, error="", error_kind="")


def resend(job_id: str, on_progress: Progress = no_progress, pace: Pace | None = None) -> Job:
    """Ask for a job anew, whatever became of the last attempt: it may be paid for twice, and a person said so.

    Raises
    ------
    stillwake.errors.UsageError
        It runs, or is made.
    stillwake.errors.StillwakeError
        As `resume`.
    """
    book = journal()
    job = book.find(job_id)
    if job.state in ("made", "running"):
        raise UsageError(
            f"Cannot ask for the job {job.id} again",
            f"it is {job.state}",
            f"go on with: stillwake jobs resume {job.id}",
        )
    with _held(book, job, f"Cannot ask for the job {job.id} again"):
        job = book.read(job.key)
        if job.state in ("made", "running"):  # somebody else's process, in the meantime
            raise UsageError(
                f"Cannot ask for the job {job.id} again", f"it is {job.state}", f"stillwake jobs resume {job.id}"
            )
        book.files_of(job)
        if job.state != "written":
            job = book.anew(job, f"{job.state}, asked for again by a person")
    return job_of(_driven([job], on_progress, pace)[0])


def forget(job_id: str, *, running: bool = False) -> None:
    """Take a job and its clip out of the journal.

    Parameters
    ----------
    job_id
        The beginning of its id is enough.
    running
        Even one that runs, or may run, and may have been paid for.

    Raises
    ------
    stillwake.errors.UsageError
        It runs, or may run.
    """
    book = journal()
    job = book.find(job_id)
    if job.state not in FREE and job.state != "written" and not running:
        raise UsageError(
            f"Cannot forget the job {job.id}", f"it is {job.state}, and may be paid for",
            f"go on with it: stillwake jobs resume {job.id}",
        )  # fmt: skip
    with _held(book, job, f"Cannot forget the job {job.id}"):
        book.forget(job)


@contextlib.contextmanager
def _held(book: Journal, job: Job, what: str) -> Iterator[None]:
    """The job's lease, so that nobody else changes it meanwhile."""
    lease = Lease.new()
    if not book.claim(job, lease):
        raise UsageError(what, "another stillwake works on it", "wait for it, or stop it")
    try:
        yield
    finally:
        book.release(lease)


# ------------------------------------------------------------------------------------------------------------ voices


def voices(engine: str, pace: Pace | None = None) -> list[tuple[str, str, str]]:
    """(id, name, language) of every voice of an engine; the id is what ``--voice`` takes.

    Raises
    ------
    stillwake.errors.UsageError
        It has none.
    stillwake.errors.ProviderError
        It does not tell.
    """
    provider = provider_of(engine)
    with _link(provider, pace) as link:
        what = f"Cannot list the voices of {provider.title}"
        found: list[Voice] = _asked(provider, link, what, lambda: provider.voices(link), None) or []
    return [(voice.id, voice.name, voice.language) for voice in found]


def clone_voice(
    engine: str, recording: str | os.PathLike[str], name: str, consent: str, pace: Pace | None = None
) -> str:
    """Have a voice copied from a recording; gives the copy's id. It is written down who agreed, when, and to what.

    Parameters
    ----------
    engine
        heygen or runway.
    recording
        A sound file.
    name
        What the copy is called.
    consent
        Whose voice it is, and that they agree: "Ada Byron agreed on 2026-11-02".
    pace
        As elsewhere.

    Raises
    ------
    stillwake.errors.ConsentError
        ``consent`` says nothing; nothing was sent.
    stillwake.errors.SoundError
        The recording cannot be used.
    stillwake.errors.ProviderError
        The provider did not do it.
    """
    from stillwake.media import open_sound

    said, called = plain(consent, 500), plain(name, 100)
    if not said:
        raise ConsentError(
            "Cannot copy a voice", "nobody said whose it is and that they agree", 'add --consent "NAME agreed on DATE"'
        )
    if not called:
        raise UsageError("Cannot copy a voice", "it has no name", "give one")
    if engine not in PROVIDERS:
        provider_of(engine)
    sound = open_sound(recording)
    path = Path(recording)
    if path.stat().st_size > LARGEST_RECORDING:
        raise SoundError(
            f"Cannot copy the voice of {sound.name}",
            f"it is larger than {LARGEST_RECORDING >> 20} MiB",
            "give a shorter one",
        )
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    from stillwake.engines.remote.order import voice_file

    provider = provider_of(engine)
    file: File = voice_file(sound, LARGEST_RECORDING)
    pace = Pace.of_environment() if pace is None else pace
    what = f"Cannot copy the voice of {sound.name}"
    with _link(provider, pace) as link:
        try:
            voice = provider.clone(link, file, called)
        except AnsweredError as error:
            raise refusals.refused(provider, error, provider.meaning(error), what, None) from None
        except WireError as error:  # it may have been copied: asked once, never again by itself
            raise refusals.unreachable(provider, error, what, None) from None
        journal().note_voice(engine, voice, called, said, digest)
        start, pause = time.monotonic(), provider.first
        while (ready := _asked(provider, link, what, lambda: provider.cloned(link, voice), None)) is not True:
            if isinstance(ready, str):
                raise JobFailedError(what, f"{provider.title} failed at it ({ready})", "give a clearer recording")
            if time.monotonic() - start > pace.patience:
                raise ProviderError(what, f"the copy {voice} is not ready yet", "list the voices later")
            time.sleep(pause * pace.scale)
    return voice


class _link:  # noqa: N801  a context manager
    def __init__(self, provider: Provider, pace: Pace | None) -> None:
        self.provider, self.pace = provider, Pace.of_environment() if pace is None else pace

    def __enter__(self) -> Link:
        if line := self.provider.missing():
            raise UnavailableError(
                f"Cannot ask {self.provider.title}", "something it needs is not here", f"run: {line}"
            )
        self.link = self.provider.link(self.pace)
        return self.link

    def __exit__(self, *_: object) -> None:
        self.link.close()


def _asked(
    provider: Provider, link: Link, what: str, ask: Callable[[], T], job: Job | None, *, gone_is_fine: bool = False
) -> T | None:
    """What may be asked as often as one likes, with a little patience; None where what is not there will do."""
    tries = 0
    while True:
        tries += 1
        try:
            provider.refresh(link)
            return ask()
        except AnsweredError as error:
            meaning = provider.meaning(error)
            if meaning == "gone" and gone_is_fine:
                return None
            if meaning not in ("busy", "server") or tries >= TRIES or too_long(error):
                raise refusals.refused(provider, error, meaning, what, job) from None
            pause = error.retry_after if error.retry_after is not None else 2.0 ** (tries - 1)
        except WireError as error:
            if tries >= TRIES:
                raise refusals.unreachable(provider, error, what, job) from None
            pause = 2.0 ** (tries - 1)
        time.sleep(pause * link.pace.scale)
