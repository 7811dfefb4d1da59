"""From a written job to a kept clip, through every fault: nothing is paid twice, nothing paid is lost.

A `Task` is a generator of waits: between two of them it asks one thing of its provider, and writes down what came of
it. `drive` runs many of them with few threads. What happens in which state:

========= =================================================== =====================================================
state     what is done                                        what can go wrong, and where that leads
========= =================================================== =====================================================
written   balance looked at, files uploaded                   refused, unreachable: an error, still written
asking    the create is sent, once                            not sent, or "too many": written again, after a while
                                                              refused: failed, not billed
                                                              no answer, 5xx, garbage: asked again with the same key
                                                              where the provider has one, else unsure
running   asked how far it is; fetched when it is done        unreachable: an error, still running
                                                              ended without a clip: failed or cancelled
made      nothing; the kept clip is used                      the clip was lost here: running, fetched again
unsure    looked for, where the provider can be asked         not found: an error that says how to go on
failed    asked anew, if it is known not to be billed         otherwise an error that says how to ask anew
cancelled as failed
========= =================================================== =====================================================
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, TypeVar

from stillwake.engines.remote import refusals
from stillwake.engines.remote.journal import Job, Journal, Lease
from stillwake.engines.remote.link import (
    AnsweredError,
    GarbledError,
    Link,
    LostError,
    NotSentError,
    Pace,
    WireError,
)
from stillwake.engines.remote.order import File, fitted, placed
from stillwake.engines.remote.provider import Accepted, Done, Ended, Provider, Waiting
from stillwake.engines.remote.results import DamagedError, kept, untouched
from stillwake.errors import Cancelled, OutputError, StillwakeError
from stillwake.types import Progress, no_progress

__all__ = ["Task", "drive", "job_of", "too_long"]

THREADS = 8
"""Requests at once, over all jobs of a process."""
TRIES = 6
"""How often something is asked that can be asked again without harm."""
ROOM_SECONDS = 1800.0
"""How long a create is tried where "too many" means that earlier jobs have to end first."""
LONGEST_BACK_OFF = 60.0
LONGEST_TOLD = 600.0
"""Seconds: an answer that asks for a longer pause is told to the person instead of being waited out."""
FRESH_LINKS = 3
"""How often a link that has run out, or a clip that came damaged, is asked for again."""
CLEARLY = 0.5
"""A balance below this share of the estimate is clearly not enough; between, the provider is left to say it."""
REPLAYS = 23 * 3600.0
"""Seconds for which a create may be sent again with its key; HeyGen keeps them for a day."""
CREATED_MEANWHILE = 2.0
"""Seconds after a lost create before a server of one's own is asked whether it has it."""

T = TypeVar("T")
Waits = Generator[float, None, T]


class Task:
    """The work on one job.

    Parameters
    ----------
    job
        As it is in the journal.
    files
        What it sends, by id; None to read what the journal kept.
    until
        "made", or "running": then it ends as soon as the job is accepted.
    """

    def __init__(
        self, job: Job, provider: Provider, link: Link, journal: Journal, pace: Pace, *,
        files: dict[str, File] | None = None, until: str = "made",
    ) -> None:  # fmt: skip
        self.job, self.provider, self.link, self.journal, self.pace = job, provider, link, journal, pace
        self.files, self.until = files, until
        self.lease = Lease.new()
        self.progress: float | None = None
        self.stage = "waiting for"
        self.error: StillwakeError | None = None
        self._random = random.Random(job.key)
        self._start = time.monotonic()
        self._balance_seen = False

    @property
    def what(self) -> str:
        """What does not happen when this fails."""
        if self.job.provider_id:
            return f"Cannot go on with the job {self.job.id} at {self.provider.title}"
        return f"Cannot ask {self.provider.title} for a clip"

    def note(self, **changes: Any) -> None:
        """Write down."""
        self.job = self.journal.note(self.job, **changes)

    # --------------------------------------------------------------------------------------------------- the walk

    def work(self) -> Waits[None]:
        """The waits, in seconds; it returns when the job is made, or raises.

        Raises
        ------
        stillwake.errors.StillwakeError
            It cannot be made, or not now; the journal has what to go on from.
        """
        try:
            yield from self._claimed()
            while True:
                match self.job.state:
                    case "made":
                        if untouched(self.job.result, self.job.sha256):
                            return
                        yield from self._claimed()
                        if self.job.state == "made" and not untouched(self.job.result, self.job.sha256):
                            self.note(state="running", result=None, sha256=None)
                    case "written":
                        yield from self._ask()
                    case "asking":
                        yield from self._settle(
                            "the work on it was broken off while it was being asked for", left_over=True
                        )
                    case "unsure":
                        yield from self._look_again()
                    case "running":
                        if self.until == "running":
                            return
                        yield from self._wait()
                    case _:  # failed, cancelled
                        if self.job.billed is not False:
                            raise refusals.remembered(self.provider, self.job)
                        self.job = self.journal.anew(self.job, f"{self.job.state}: {self.job.error}")
        finally:
            self.journal.release(self.lease)

    def _claimed(self) -> Waits[None]:
        """Wait until nobody else works on it; then what they left is read."""
        while not self.journal.claim(self.job, self.lease):
            self.stage = "another stillwake waits for"
            self._patience()
            yield min(0.5, 0.02 + self.pace.scale)
            self.job = self.journal.read(self.job.key)
            if self.job.state == "made" or (self.until == "running" and self.job.state == "running"):
                return
        self.stage = "waiting for"
        self.job = self.journal.read(self.job.key)

    def _patience(self) -> None:
        passed = time.monotonic() - self._start
        if passed > self.pace.patience:
            raise refusals.waited(self.provider, self.job, passed)

    # ------------------------------------------------------------------------------------------------ asking for it

    def _ask(self) -> Waits[None]:
        """From written to running."""
        files = self.files if self.files is not None else self.journal.files_of(self.job)
        yield from self._solvent()
        body = self.job.request["body"]
        uploaded: dict[str, Any] = {}
        self.stage = "sending to"
        for mark, way in placed(body):
            if way == "upload" and mark not in uploaded:
                file = files[mark]
                uploaded[mark] = yield from self._patiently(partial(self.provider.upload, self.link, file))
        self.stage = "waiting for"
        if self._asking(asked=time.time(), uploaded=uploaded):
            yield from self._create(files)
        else:
            yield from self._claimed()

    def _create(self, files: dict[str, File]) -> Waits[None]:
        """Send the create, and again only where that can do no harm."""
        body = fitted(self.job.request["body"], files, self.job.uploaded)
        tries, started = 0, time.monotonic()
        while True:
            tries += 1
            try:
                self.provider.refresh(self.link)
                accepted = self.provider.create(self.link, body, self.job)
            except NotSentError as error:
                self.note(state="written")
                if tries >= TRIES:
                    raise refusals.unreachable(self.provider, error, self.what, None) from None
                yield self._back_off(tries)
                if not self._asking():
                    yield from self._claimed()
                    return
            except AnsweredError as error:
                meaning = self.provider.meaning(error)
                if meaning == "busy":
                    self.note(state="written")
                    passed = time.monotonic() - started
                    waits = self.provider.makes_room and passed < ROOM_SECONDS * self.pace.scale
                    if (tries >= TRIES and not waits) or too_long(error):
                        raise refusals.refused(self.provider, error, meaning, self.what, None) from None
                    self.stage = "no room yet at"
                    yield self._back_off(tries, error.retry_after)
                    if not self._asking():
                        yield from self._claimed()
                        return
                elif meaning == "server" or error.status in (302, 303):  # these may follow on something done
                    yield from self._settle(str(error))
                    return
                elif meaning == "taken":
                    yield from self._settle("it says that it has it already")
                    return
                else:
                    failure = refusals.refused(self.provider, error, meaning, self.what, None)
                    if meaning in ("moderated", "refused", "gone"):
                        self.note(state="failed", billed=0, error_kind=type(failure).__name__, error=failure.why)
                    else:  # a key, an account, a proxy: nothing of the job itself
                        self.note(state="written")
                    raise failure from None
            except (LostError, GarbledError) as error:
                yield from self._settle(str(error))
                return
            else:
                self._accepted(accepted)
                return

    def _asking(self, **changes: Any) -> bool:
        """Write down that the create goes out now; not where somebody else has taken the job over meanwhile."""
        job = self.journal.ask(self.job, self.lease, **changes)
        self.job = job or self.job
        return job is not None

    def _accepted(self, accepted: Accepted) -> None:
        changes: dict[str, Any] = {} if accepted.price is None else {"price": accepted.price}
        try:
            self.note(state="running", provider_id=accepted.id, error="", error_kind="", **changes)
        except OutputError as error:  # the disk is full at the worst moment: the id must not be lost
            raise OutputError(
                f"Cannot write down the job {self.job.id}",
                f"{self.provider.title} accepted it as {accepted.id}, and {error.why}",
                f"free the disk, then: stillwake jobs adopt {self.job.id} {accepted.id}",
            ) from error

    def _settle(self, why: str, *, left_over: bool = False) -> Waits[None]:
        """Find out whether a create was accepted; where that cannot be known, say so.

        ``left_over``: somebody else's create, of a process that is no more; one that was never received is sent now.
        """
        for tries in range(1, TRIES + 1):
            yield self._back_off(tries) if tries > 1 else CREATED_MEANWHILE * self.pace.scale
            try:
                self.provider.refresh(self.link)
                found = self.provider.find(self.link, self.job)
                if found is not None:
                    self._accepted(Accepted(found))
                    return
                if self.provider.lists:
                    if tries >= 2:  # asked twice, seconds apart: it was never received
                        self.note(state="written", error="" if left_over else why)
                        if left_over:
                            return
                        raise refusals.unreachable(self.provider, LostError(why), self.what, None)
                    continue
                if not self.provider.idempotent or time.time() - (self.job.asked or 0) > REPLAYS:
                    break
                files = self.files if self.files is not None else self.journal.files_of(self.job)
                body = fitted(self.job.request["body"], files, self.job.uploaded)
                self._accepted(self.provider.create(self.link, body, self.job))
                return
            except AnsweredError as error:
                meaning = self.provider.meaning(error)
                if meaning in ("key", "account", "moderated"):
                    self.note(state="unsure", error=why)
                    break
                if meaning in ("refused", "gone", "stranger") and not self.provider.idempotent:
                    break
                # The same request with its key is refused: perhaps because it is there already, in words of its own.
            except WireError:
                if not (self.provider.idempotent or self.provider.lists):
                    break
        self.note(state="unsure", error=why)
        raise refusals.unsure(self.provider, self.job, why)

    def _look_again(self) -> Waits[None]:
        """An unsure job, met again: looked for once more, where that can be done."""
        why = self.job.error or "the connection broke"
        if self.provider.lists or (
            self.provider.idempotent
            and time.time() - (self.job.asked or 0) <= REPLAYS
            and self.job.provider_id is None
        ):
            self.note(state="asking")
            yield from self._settle(why)
            return
        with contextlib.suppress(WireError):
            self.provider.refresh(self.link)
            found = self.provider.find(self.link, self.job)
            if found is not None:
                self._accepted(Accepted(found))
                return
        raise refusals.unsure(self.provider, self.job, why)

    def _solvent(self) -> Waits[None]:
        """Look at the account, once; what it does not tell is no reason to stop."""
        if self._balance_seen:
            return
        self._balance_seen = True
        try:
            self.provider.refresh(self.link)
            balance = self.provider.balance(self.link)
        except AnsweredError as error:
            if self.provider.meaning(error) == "key":
                raise refusals.refused(self.provider, error, "key", self.what, None) from None
            return
        except WireError:
            return
        yield 0.0
        price = self.job.price
        if balance is not None and (
            not balance.any or (balance.usd is not None and price is not None and balance.usd < CLEARLY * price)
        ):
            raise refusals.not_enough(self.provider, price, balance.told)

    # ------------------------------------------------------------------------------------------- waiting, fetching

    def _wait(self) -> Waits[None]:
        """From running to made."""
        pause, links = self.provider.first, 0
        why = ""
        while True:
            self._patience()
            state = yield from self._status()
            if isinstance(state, Waiting):
                self.progress = state.progress
                self.stage = "in the queue of" if state.queued else "waiting for"
                yield self._jittered(pause)
                pause = min(self.provider.most, pause * 1.2)
            elif isinstance(state, Ended):
                failure = refusals.ended(self.provider, self.job, state)
                self.note(
                    state="cancelled" if state.why == "cancelled" else "failed", cost=state.cost,
                    cost_told=state.cost_told, billed=None if state.billed is None else int(state.billed),
                    error_kind=type(failure).__name__, error=failure.why,
                )  # fmt: skip
                raise failure
            else:
                if links >= FRESH_LINKS:
                    raise refusals.result_lost(self.provider, self.job, why)
                links += 1
                self.stage, self.progress = "fetching from", None
                lost = yield from self._fetched(state)
                if lost is None:
                    return
                why = lost
                yield self._back_off(links)

    def _status(self) -> Waits[Waiting | Done | Ended]:
        """How far it is; what cannot be understood is asked again for a while."""
        tries = missing = 0
        provider_id = self.job.provider_id or ""
        while True:
            tries += 1
            try:
                self.provider.refresh(self.link)
                return self.provider.status(self.link, provider_id)
            except AnsweredError as error:
                meaning = self.provider.meaning(error)
                if meaning == "gone":
                    missing += 1  # a job that was just accepted may not be known everywhere yet
                    if missing >= 4:
                        # A server of one's own that was started anew has forgotten it, and it cost nothing.
                        why = f"{self.provider.title} does not know it any more"
                        billed = None if self.provider.secret else 0
                        self.note(state="failed", billed=billed, error_kind="JobFailedError", error=why)
                        raise refusals.gone(self.provider, self.job, error.text) from None
                elif meaning in ("key", "account", "refused", "moderated") or tries >= TRIES or too_long(error):
                    raise refusals.refused(self.provider, error, meaning, self.what, self.job) from None
                yield self._back_off(tries, error.retry_after)
            except WireError as error:
                if tries >= TRIES:
                    raise refusals.unreachable(self.provider, error, self.what, self.job) from None
                yield self._back_off(tries)

    def _fetched(self, done: Done) -> Waits[str | None]:
        """None once the clip is kept; otherwise why a fresh link is needed."""
        target = self.journal.result_path(self.job, done.ending)
        tries = 0
        while True:
            tries += 1
            try:
                digest = kept(target, lambda file: self.link.fetch(done.url, file, own=done.own))
            except DamagedError as error:
                return f"what came is damaged: {error}"
            except AnsweredError as error:
                if error.status < 500 and error.status != 429:
                    return f"the link to it does not work ({error.status})"
                if tries >= 3:
                    return f"the store answered {error.status}"
                yield self._back_off(tries, error.retry_after)
            except WireError as error:
                if tries >= 3:
                    return str(error)
                yield self._back_off(tries)
            else:
                self.note(
                    state="made", result=target, sha256=digest, cost=done.cost, cost_told=done.cost_told, billed=1,
                    error="", error_kind="",
                )  # fmt: skip
                return None

    # ------------------------------------------------------------------------------------------------------- pace

    def _patiently(self, ask: Callable[[], T]) -> Waits[T]:
        """What may be asked as often as one likes."""
        tries = 0
        while True:
            tries += 1
            try:
                self.provider.refresh(self.link)
                return ask()
            except AnsweredError as error:
                meaning = self.provider.meaning(error)
                if meaning not in ("busy", "server") or tries >= TRIES or too_long(error):
                    raise refusals.refused(self.provider, error, meaning, self.what, None) from None
                yield self._back_off(tries, error.retry_after)
            except WireError as error:
                if tries >= TRIES:
                    raise refusals.unreachable(self.provider, error, self.what, None) from None
                yield self._back_off(tries)

    def _back_off(self, tries: int, told: float | None = None) -> float:
        """Seconds: twice as many each time, or what was told, and a little more by chance of the job's own."""
        usual = min(LONGEST_BACK_OFF, 2.0 ** (tries - 1))
        return self._jittered(usual if told is None else max(told, 0.1))

    def _jittered(self, seconds: float) -> float:
        return seconds * (1 + 0.25 * self._random.random()) * self.pace.scale


def too_long(error: AnsweredError) -> bool:
    """Whether the pause it asks for is too long to be waited out."""
    return error.retry_after is not None and error.retry_after > LONGEST_TOLD


def drive(
    tasks: Sequence[Task], *, on_progress: Progress = no_progress, threads: int = THREADS
) -> list[Job | StillwakeError]:
    """Run tasks to their ends; gives the job, or why it is not made, in their order.

    Raises
    ------
    stillwake.errors.Cancelled
        The user stopped it, by ``on_progress`` or by a key; jobs that run go on at their providers, and the error
        says how to go on or to stop them.
    """
    if not tasks:
        return []
    works = [task.work() for task in tasks]
    numbers = itertools.count()
    due: list[tuple[float, int, int]] = [(time.monotonic(), next(numbers), index) for index in range(len(tasks))]
    heapq.heapify(due)
    busy: dict[Future[float | None], int] = {}
    left = len(tasks)
    pool = ThreadPoolExecutor(min(threads, len(tasks)), thread_name_prefix="stillwake remote")
    stopping = threading.Event()

    def step(index: int) -> float | None:
        if stopping.is_set():
            return None
        try:
            return next(works[index])
        except StopIteration:
            return None
        except StillwakeError as error:
            tasks[index].error = error
            return None

    told: tuple[str, int, int] | None = None
    try:
        while left:
            while due and len(busy) < threads and due[0][0] <= time.monotonic():
                _, _, index = heapq.heappop(due)
                busy[pool.submit(step, index)] = index
            pause = 0.25 if not due or len(busy) >= threads else max(0.0, min(0.25, due[0][0] - time.monotonic()))
            if busy:
                done, _ = wait(busy, timeout=pause, return_when=FIRST_COMPLETED)
            else:
                time.sleep(pause)
                done = set()
            for future in done:
                index = busy.pop(future)
                seconds = future.result()
                if seconds is None:
                    left -= 1
                else:
                    heapq.heappush(due, (time.monotonic() + seconds, next(numbers), index))
            now = _shown(tasks, left)
            if now != told:
                told = now
            on_progress(*now)
    except (KeyboardInterrupt, Cancelled) as error:
        stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)  # what is on its way is written down first
        for work in works:
            work.close()
        raise refusals.stopped([(task.provider, task.job) for task in tasks]) from error
    except BaseException:
        stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)
        for work in works:
            work.close()
        raise
    pool.shutdown()
    with contextlib.suppress(StillwakeError, OSError):
        tasks[0].journal.tidy()
    return [task.error if task.error is not None else task.job for task in tasks]


def _shown(tasks: Sequence[Task], left: int) -> tuple[str, int, int]:
    """What is to be seen of it: one job's own progress, or how many of many are done."""
    if len(tasks) == 1:
        task = tasks[0]
        return f"{task.stage} {task.provider.title}", round(100 * (task.progress or 0.0)), 100
    return f"waiting for {tasks[0].provider.title}", len(tasks) - left, len(tasks)


def job_of(outcome: Job | StillwakeError) -> Job:
    """The job, or the error raised.

    Raises
    ------
    stillwake.errors.StillwakeError
        It is one.
    """
    if isinstance(outcome, StillwakeError):
        raise outcome
    return outcome
