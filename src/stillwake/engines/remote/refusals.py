"""Every way in which a provider can let one down, as an error that says what, why, and what to do."""

from __future__ import annotations

from stillwake.engines.remote.journal import Job
from stillwake.engines.remote.link import AnsweredError, WireError
from stillwake.engines.remote.provider import Ended, Meaning, Provider
from stillwake.errors import (
    AccountError,
    BusyError,
    Cancelled,
    JobFailedError,
    JobUnsureError,
    KeyRefusedError,
    ModerationError,
    ProviderError,
    ResultError,
    UnreachableError,
)

__all__ = [
    "ended", "gone", "not_enough", "refused", "remembered", "result_lost", "stopped", "unreachable", "unsure",
    "waited",
]  # fmt: skip

KINDS: dict[str, type[ProviderError]] = {
    kind.__name__: kind
    for kind in (
        AccountError, BusyError, JobFailedError, JobUnsureError, KeyRefusedError, ModerationError, ProviderError,
        ResultError, UnreachableError,
    )
}  # fmt: skip


def refused(provider: Provider, error: AnsweredError, meaning: Meaning, what: str, job: Job | None) -> ProviderError:
    """A refusal; ``job`` the one that goes on there, None where nothing was accepted."""
    title, words = provider.title, error.text
    told = f"it says: {words}" if words else f"it answered {error.status}"
    kept = f"; the job {job.id} is kept" if job is not None and job.provider_id else ""
    match meaning:
        case "key":
            name = provider.secret or "its key"
            return KeyRefusedError(what, f"{title} does not accept the key ({told})", f"check {name}{kept}")
        case "account":
            return AccountError(what, f"the account at {title} has no credit for it ({told})", "add credit there")
        case "busy":
            pause = error.retry_after or 0.0
            when = f"in {pause / 60:.0f} minutes" if pause > 90 else "later"
            return BusyError(
                what, f"{title} takes no more at the moment ({told})", f"run the same command again {when}{kept}"
            )
        case "moderated":
            return ModerationError(what, f"{title} will not make it ({told})", "change the picture or the words")
        case "gone":
            return ProviderError(
                what, f"{title} does not know what was asked for ({told})", "check the model or voice"
            )
        case "redirect":
            return UnreachableError(
                what,
                f"{title} points to another address, which is not followed",
                f"check {provider.base[0]} and the proxy",
            )
        case "stranger":
            return UnreachableError(
                what, f"something between here and {title} answered {error.status}", "check the network and the proxy"
            )
        case "server":
            return UnreachableError(
                what, f"{title} has a fault of its own ({told})", f"run the same command again later{kept}"
            )
    return ProviderError(what, f"{title} refused the request ({told})", "change what it names")


def unreachable(provider: Provider, error: WireError, what: str, job: Job | None) -> ProviderError:
    """No answer that can be used."""
    kept = f"; the job {job.id} goes on there" if job is not None and job.provider_id else ""
    why = f"{provider.title}: {error}"
    return UnreachableError(what, why, f"check the network, then run the same command again{kept}")


def unsure(provider: Provider, job: Job, why: str) -> JobUnsureError:
    """Whether it was accepted is not known."""
    return JobUnsureError(
        f"Cannot tell whether {provider.title} accepted the job {job.id}",
        f"{why}, so it may be made" + (", and be paid for" if provider.secret else ""),
        f"look for it on {provider.page}: if it is there, stillwake jobs adopt {job.id} ITS_ID; "
        f"if not, stillwake jobs resend {job.id}",
    )


def ended(provider: Provider, job: Job, end: Ended) -> ProviderError:
    """It ended without a clip."""
    words = f" ({end.words})" if end.words else ""
    what = f"Cannot get the clip of the job {job.id}"
    paid = "; it was paid for" if end.billed else "; whether it is paid for is not known" if end.billed is None else ""
    again = (
        "run the same command to ask again" if end.billed is False
        else f"to ask for it again and pay again: stillwake jobs resend {job.id}"
    )  # fmt: skip
    if end.why == "moderated":
        return ModerationError(
            what, f"{provider.title} will not make it{words}{paid}", f"change what is asked; {again}"
        )
    if end.why == "cancelled":
        return JobFailedError(what, f"it was cancelled at {provider.title}{words}{paid}", again)
    return JobFailedError(what, f"{provider.title} failed at it{words}{paid}", again)


def remembered(provider: Provider, job: Job) -> ProviderError:
    """What the journal says of a job that ended earlier and is not asked for anew by itself."""
    kind = KINDS.get(job.error_kind, JobFailedError)
    why = job.error or f"it ended as {job.state}"
    return kind(
        f"Cannot get the clip of the job {job.id}", why,
        f"to ask for it again and pay again: stillwake jobs resend {job.id}",
    )  # fmt: skip


def gone(provider: Provider, job: Job, words: str) -> ProviderError:
    """The provider does not know the job any more."""
    return JobFailedError(
        f"Cannot get the clip of the job {job.id}",
        f"{provider.title} does not know it any more ({words or 'not found'}); its id there is {job.provider_id}",
        f"look for it on {provider.page}, or ask again and pay again: stillwake jobs resend {job.id}"
        if provider.secret
        else "run the same command to ask again",
    )


def result_lost(provider: Provider, job: Job, why: str) -> ResultError:
    """It is made, and cannot be fetched whole."""
    return ResultError(
        f"Cannot fetch the clip of the job {job.id} from {provider.title}", why,
        f"the job is kept: try later with stillwake jobs resume {job.id}",
    )  # fmt: skip


def not_enough(provider: Provider, price: float | None, told: str) -> AccountError:
    """The account cannot pay it; nothing was asked."""
    need = "" if price is None else f", and the clip costs about ${price:.2f}"
    return AccountError(
        f"Cannot ask {provider.title} for a clip", f"the account there holds {told}{need}", "add credit there"
    )


def waited(provider: Provider, job: Job, seconds: float) -> BusyError:
    """Our own patience ended; the job has not."""
    return BusyError(
        f"Cannot wait any longer for {provider.title}",
        f"the job {job.id} is not done after {seconds / 60:.0f} minutes",
        f"it goes on there: stillwake jobs resume {job.id}, or the same command",
    )  # fmt: skip


def stopped(jobs: list[tuple[Provider, Job]]) -> Cancelled:
    """The user stopped the waiting."""
    error = Cancelled()
    going = [(provider, job) for provider, job in jobs if job.state == "running"]
    if going:
        provider, job = going[0]
        more = f" and {len(going) - 1} more" if len(going) > 1 else ""
        error.why = f"you asked for it; {provider.title} goes on with the job {job.id}{more}"
        error.fix = f"run the same command to go on, or stop it there: stillwake jobs cancel {job.id}"
    return error
