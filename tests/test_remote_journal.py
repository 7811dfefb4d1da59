"""Nothing is paid twice and nothing paid is lost: killed at any moment, two at once, interrupted, out of patience."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.remote_kit import FAST, engine_of, house, offline, scene_of, shot_of, speech_of

from stillwake.engines.remote import Pace, asked_for, jobs
from stillwake.engines.remote.engine import order_of, provider_of
from stillwake.engines.remote.journal import Journal, Lease, journal
from stillwake.engines.remote.order import key_of
from stillwake.errors import (
    BusyError,
    Cancelled,
    JobUnsureError,
    OutputError,
    StillwakeError,
    UsageError,
)
from stillwake.testing import FakeProvider

__all__ = ["house", "offline"]

NURSERY = """
import json, os, sys
sys.path.insert(0, {root!r})
import cv2, av, httpx, numpy  # what is loaded late otherwise: it must not be what is killed
import stillwake.media, stillwake.engines.generated, stillwake.engines.remote.desk, stillwake.engines.remote.driving
from tests.remote_kit import engine_of, scene_of, shot_of, speech_of
from stillwake.engines.remote import Pace
cv2.setNumThreads(1)
scenes = scene_of()
print("ready", flush=True)
for line in sys.stdin:
    told = json.loads(line)
    child = os.fork()
    if not child:
        end = "nothing"
        try:
            os.environ.update(told["env"])
            name, pace = told["name"], Pace(scale=told["scale"], answer=20.0, patience=60.0)
            shot = shot_of(name, seed=told["seed"])
            with engine_of(name, pace).prepare(scenes, shot, speech_of(name)) as performance:
                end = performance.made_with["job"]
        except BaseException as error:
            end = repr(error)
        finally:
            with open(told["out"] + ".part", "w") as out:
                out.write(end)
            os.replace(told["out"] + ".part", told["out"])
            os._exit(0)
    print(child, flush=True)
"""


class Nursery:
    """Processes that ask for a clip, each at once: everything is loaded before it is forked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", NURSERY.format(root=str(Path(__file__).parents[1]))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.born = 0
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def birth(self, name: str, seed: int, scale: float = 0.004) -> tuple[int, Path]:
        """(pid, the file in which it writes how it ended)."""
        assert self.process.stdin is not None
        self.born += 1
        out = self.folder / f"end{self.born}"
        told = {"name": name, "seed": seed, "scale": scale, "out": str(out), "env": dict(os.environ)}
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()
        return int(self._line()), out

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    made = Nursery(tmp_path_factory.mktemp("nursery"))
    yield made
    made.close()


def written(out: Path) -> str:
    limit = time.monotonic() + 60
    while not out.exists() and time.monotonic() < limit:
        time.sleep(0.005)
    return out.read_text()


def use(monkeypatch: pytest.MonkeyPatch, fake: FakeProvider) -> None:
    for variable, value in fake.env.items():
        monkeypatch.setenv(variable, value)


def again(name: str, seed: int, pace: Pace = FAST) -> str:
    """The same command once more; how it ended."""
    try:
        with engine_of(name, pace).prepare(scene_of(), shot_of(name, seed=seed), speech_of(name)) as performance:
            performance.frame(0)
    except StillwakeError as error:
        return type(error).__name__
    return "clip"


@pytest.mark.parametrize("name", ["runway", pytest.param("kling", marks=pytest.mark.slow)])
def test_killed_at_any_moment(monkeypatch: pytest.MonkeyPatch, nursery: Nursery, name: str) -> None:
    chance = random.Random(20261128)
    with FakeProvider(name, polls=3, width=64) as fake:
        use(monkeypatch, fake)
        again(name, 1000)  # the clip is encoded, once for all
        states = set()
        for seed in range(1, 11):
            before, known = set(fake.jobs), {job.key for job in jobs()}
            asked = len(fake.requests)
            # Killed after so many requests and a little while: before anything, at the create, while it runs.
            wanted, pause = (0, 1, 2, 3, 5)[seed % 5], chance.random() * 0.02
            child, out = nursery.birth(name, seed)
            limit = time.monotonic() + 10
            while len(fake.requests) - asked < wanted and time.monotonic() < limit and not out.exists():
                time.sleep(0.0005)
            time.sleep(pause)
            os.kill(child, signal.SIGKILL)
            time.sleep(0.01)
            states.update([job.state for job in jobs() if job.key not in known] or ["nothing"])
            ended = again(name, seed)
            accepted = set(fake.jobs) - before
            assert len(accepted) <= 1, f"seed {seed}: created {len(accepted)} times after {wanted} requests"
            assert ended == "clip" or (ended == "JobUnsureError" and name == "runway"), ended
            if ended == "clip":
                assert len(accepted) == 1
                assert accepted <= {job.provider_id for job in jobs()}
        assert len(states) >= 2, f"the kills hit too few states: {states}"


def test_killed_while_the_create_is_on_its_way(monkeypatch: pytest.MonkeyPatch, nursery: Nursery) -> None:
    for name, expected in (("heygen", "clip"), ("kling", "clip"), ("runway", "JobUnsureError")):
        with FakeProvider(name, polls=1, width=64, script=["create:slow:1:0.5"]) as fake:
            use(monkeypatch, fake)
            child, _ = nursery.birth(name, 77)
            limit = time.monotonic() + 20
            while not fake.creates and time.monotonic() < limit:
                time.sleep(0.002)
            os.kill(child, signal.SIGKILL)
            time.sleep(0.01)
            (told,) = [job for job in jobs() if job.engine == name]
            assert told.state == "asking"
            # HeyGen says that the first request is still going on, for as long as it is.
            assert again(name, 77, Pace(scale=0.1, answer=20.0, patience=60.0)) == expected
            assert fake.creates == 1, "paid twice"


def test_two_processes_ask_once(monkeypatch: pytest.MonkeyPatch, nursery: Nursery) -> None:
    with FakeProvider("runway", polls=4, width=64) as fake:
        use(monkeypatch, fake)
        pair = [nursery.birth("runway", 5) for _ in range(2)]
        first, second = (written(out) for _, out in pair)
        assert first == second == jobs()[0].id
        assert fake.creates == 1


def test_the_second_takes_over_when_the_first_is_killed(monkeypatch: pytest.MonkeyPatch, nursery: Nursery) -> None:
    with FakeProvider("luma", seconds=1.0, width=64) as fake:
        use(monkeypatch, fake)
        first, _ = nursery.birth("luma", 6)
        limit = time.monotonic() + 20
        while not any(job.state == "running" for job in jobs()) and time.monotonic() < limit:
            time.sleep(0.005)
        _, out = nursery.birth("luma", 6)
        time.sleep(0.2)
        os.kill(first, signal.SIGKILL)
        assert written(out) == jobs()[0].id
        assert fake.creates == 1


def test_many_threads_ask_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("luma", polls=2, width=64) as fake:
        use(monkeypatch, fake)
        ends: list[str] = []
        threads = [threading.Thread(target=lambda: ends.append(again("luma", 3))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ends == ["clip"] * 6
        assert fake.creates == 1


def test_what_is_made_is_used_again_without_a_request_and_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("runway", polls=1, width=64) as fake:
        use(monkeypatch, fake)
        assert again("runway", 1) == "clip"
        count = len(fake.requests)
        assert again("runway", 1) == "clip"
        assert len(fake.requests) == count
        monkeypatch.delenv("RUNWAYML_API_SECRET")
        assert again("runway", 1) == "clip"
        assert again("runway", 2) == "EngineUnavailableError"
        assert len(fake.requests) == count


def test_a_kept_clip_that_is_damaged_or_gone_is_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("kling", polls=1, width=64) as fake:
        use(monkeypatch, fake)
        assert again("kling", 1) == "clip"
        (job,) = jobs()
        assert job.result is not None
        job.result.write_bytes(b"rubbish")
        assert again("kling", 1) == "clip"
        job.result.unlink()
        assert again("kling", 1) == "clip"
        assert fake.creates == 1


def test_begin_sends_all_before_anything_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("runway", polls=3, width=64) as fake:
        use(monkeypatch, fake)
        engine = engine_of("runway")
        shots = [shot_of("runway", seed=seed) for seed in range(4)]
        token = asked_for.set("hello.mp4")
        for shot in shots:
            engine.begin(scene_of(), shot, None)
        asked_for.reset(token)
        assert fake.creates == 4
        assert not [request for request in fake.requests if request.step == "status"]
        assert {(job.state, job.name) for job in jobs()} == {("running", "hello.mp4")}
        for shot in shots:
            with engine.prepare(scene_of(), shot, None) as performance:
                assert performance.frame_count == 120
        assert fake.creates == 4


@pytest.mark.parametrize("how", [Cancelled, KeyboardInterrupt])
def test_stopping_leaves_the_job_there_and_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, how: type[BaseException]
) -> None:
    with FakeProvider("runway", seconds=60.0, width=64) as fake:
        use(monkeypatch, fake)

        def stop(stage: str, done: int, total: int) -> None:
            if any(job.state == "running" for job in jobs()):
                raise how()

        with pytest.raises(Cancelled) as caught:
            engine_of("runway").prepare(scene_of(), shot_of("runway"), None, stop)
        (job,) = jobs()
        assert job.state == "running"
        assert job.owner is None
        assert f"stillwake jobs cancel {job.id}" in str(caught.value)
        assert fake.creates == 1


def test_patience_ends_before_the_job_does(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("kling", seconds=60.0, width=64) as fake:
        use(monkeypatch, fake)
        engine = engine_of("kling", Pace(scale=0.001, patience=0.1))
        with pytest.raises(BusyError, match="it goes on there: stillwake jobs resume") as caught:
            engine.prepare(scene_of(), shot_of("kling"), None)
        assert caught.value.exit_status == 8
        assert jobs()[0].state == "running"


def test_unsure_is_said_again_and_nothing_more_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("runway", width=64, script=["create:dropped after accepting"]) as fake:
        use(monkeypatch, fake)
        for _ in range(3):
            with pytest.raises(JobUnsureError, match="stillwake jobs adopt"):
                engine_of("runway").prepare(scene_of(), shot_of("runway"), None)
        assert fake.creates == 1


def test_four_takes_differ_even_where_there_is_no_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("luma", polls=0, width=64) as fake:
        use(monkeypatch, fake)
        for seed in range(4):
            again("luma", seed)
        assert fake.creates == 4


# ----------------------------------------------------------------------------------------------------- the file


def test_a_lease_of_the_dead_is_taken_over_and_one_of_the_living_is_not(house: Path) -> None:
    from stillwake.engines.remote.engine import order_of, provider_of
    from stillwake.engines.remote.order import key_of

    wire = provider_of("runway").prepare(order_of("runway", scene_of(), shot_of("runway"), None))
    book = journal()
    job = book.enter(key_of("runway", wire, 7), wire, engine="runway", name="", price=0.25)
    mine, other = Lease.new(), Lease.new()
    assert book.claim(job, mine)
    assert book.claim(job, mine), "one's own is given again"
    assert not book.claim(job, other)
    book.release(mine)
    assert book.claim(job, other)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = Lease("/".join([other.token.split("/")[0], str(gone.pid), "x"]))
    with sqlite3.connect(house / "jobs" / "jobs.sqlite") as connection:
        connection.execute("UPDATE jobs SET owner=?", (dead.token,))
    connection.close()
    assert book.claim(job, mine)
    with sqlite3.connect(house / "jobs" / "jobs.sqlite") as connection:
        connection.execute("UPDATE jobs SET owner='another-machine/1/x', beat=?", (time.time() - 100,))
    connection.close()
    assert book.claim(job, mine), "a machine that gave no sign of life"


def test_only_the_owner_may_read_the_journal(monkeypatch: pytest.MonkeyPatch, house: Path) -> None:
    with FakeProvider("runway", polls=0, width=64) as fake:
        use(monkeypatch, fake)
        again("runway", 1)
    for path in house.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.parent.name == "files" or "sqlite-" in path.name, path
    assert house.stat().st_mode & 0o077 == 0


def test_a_journal_that_cannot_be_written_is_an_error_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, house: Path
) -> None:
    (house / "jobs").mkdir(parents=True)
    (house / "jobs" / "jobs.sqlite").write_bytes(b"this is no database" * 100)
    with FakeProvider("runway", width=64) as fake:
        use(monkeypatch, fake)
        with pytest.raises(OutputError, match="Cannot keep the journal"):
            engine_of("runway").prepare(scene_of(), shot_of("runway"), None)
        assert not fake.requests


def test_ids_are_found_by_their_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("runway", polls=0, width=64) as fake:
        use(monkeypatch, fake)
        again("runway", 1)
        again("runway", 2)
    book = journal()
    first = jobs()[0]
    assert book.find(first.id[:6]).key == first.key
    for text in ("", "zz", "%", "ffffffffffffffff"):
        with pytest.raises(UsageError, match="see them with: stillwake jobs"):
            book.find(text)


def test_many_write_at_once(house: Path) -> None:
    from stillwake.engines.remote.engine import order_of, provider_of
    from stillwake.engines.remote.order import key_of

    wire = provider_of("luma").prepare(order_of("luma", scene_of(), shot_of("luma"), None))
    (house / "jobs").mkdir(parents=True)

    def write(seed: int) -> None:
        book = Journal(house / "jobs")
        job = book.enter(key_of("luma", wire, seed), wire, engine="luma", name="", price=None)
        for state in ("asking", "running", "failed"):
            job = book.note(job, state=state)

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [job.state for job in jobs()] == ["failed"] * 12


def test_many_jobs_at_once_need_few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    from stillwake.engines.remote import resume_all

    with FakeProvider("luma", polls=2, width=64) as fake:
        use(monkeypatch, fake)
        for seed in range(40):
            wire_into_the_journal("luma", seed)
        most = 0

        def watch(stage: str, done: int, total: int) -> None:
            nonlocal most
            most = max(most, sum(thread.name.startswith("stillwake remote") for thread in threading.enumerate()))

        ends = resume_all(jobs(), watch, FAST)
        assert [getattr(end, "state", end) for end in ends] == ["made"] * 40
        assert most <= 8
        assert fake.creates == 40


def wire_into_the_journal(name: str, seed: int) -> None:
    from stillwake.engines.remote.engine import order_of, provider_of
    from stillwake.engines.remote.order import key_of

    wire = provider_of(name).prepare(order_of(name, scene_of(), shot_of(name), speech_of(name)))
    journal().enter(key_of(name, wire, seed), wire, engine=name, name="", price=None)


def test_one_bad_job_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from stillwake.engines.remote import resume_all

    with FakeProvider("luma", polls=0, width=64, script=["create:drop"]) as fake:
        use(monkeypatch, fake)
        for seed in range(5):
            wire_into_the_journal("luma", seed)
        ends = resume_all(jobs(), pace=FAST)
        assert sorted(type(end).__name__ for end in ends) == ["Job"] * 4 + ["JobUnsureError"]
        assert fake.creates == 4


def test_a_pause_that_is_asked_for_is_kept_and_a_long_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from stillwake.engines.remote.link import _retry_after

    assert _retry_after({"retry-after": "7"}) == 7
    assert _retry_after({"retry-after": "soon"}) is None
    assert _retry_after({}) is None
    assert _retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert _retry_after({"retry-after": "nan"}) is None
    with FakeProvider("runway", polls=0, width=64, script=["create:429"], retry_after=300) as fake:
        use(monkeypatch, fake)
        start = time.monotonic()
        assert again("runway", 1) == "clip"
        assert time.monotonic() - start > 0.29, "300 s at a thousandth"
    with FakeProvider("runway", polls=0, width=64, script=["create:429"], retry_after=1800) as fake:
        use(monkeypatch, fake)
        with pytest.raises(BusyError, match="again in 30 minutes"):
            engine_of("runway").prepare(scene_of(), shot_of("runway", seed=2), None)
        assert again("runway", 2) == "clip"


def test_a_disk_that_is_full_just_after_the_create_does_not_lose_the_id(monkeypatch: pytest.MonkeyPatch) -> None:
    from stillwake.engines.remote import adopt, resume

    real = Journal.note

    def note(self: Journal, job: object, **changes: object) -> object:
        if changes.get("state") == "running":
            raise OutputError("Cannot keep the journal", "database or disk is full", "free the disk")
        return real(self, job, **changes)  # type: ignore[arg-type]

    with FakeProvider("runway", polls=0, width=64) as fake:
        use(monkeypatch, fake)
        monkeypatch.setattr(Journal, "note", note)
        with pytest.raises(OutputError, match="stillwake jobs adopt") as caught:
            engine_of("runway").prepare(scene_of(), shot_of("runway"), None)
        (there,) = fake.jobs
        assert there in caught.value.fix
        monkeypatch.setattr(Journal, "note", real)
        (job,) = jobs()
        assert again("runway", 7) == "JobUnsureError"
        adopt(job.id, there, FAST)
        assert resume(job.id, pace=FAST).state == "made"
        assert fake.creates == 1


def test_a_create_that_a_dead_process_never_sent_is_sent_where_the_server_tells(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with FakeProvider("comfyui", polls=0, width=64) as fake:
        use(monkeypatch, fake)
        shot = shot_of("comfyui", tmp_path)
        with FakeProvider("comfyui", script=["create:429:forever"]) as busy:
            use(monkeypatch, busy)
            with pytest.raises(BusyError):
                engine_of("comfyui").prepare(scene_of(), shot, None)
        use(monkeypatch, fake)
        (job,) = jobs()
        journal().note(job, state="asking", asked=time.time())
        with engine_of("comfyui").prepare(scene_of(), shot, None):
            pass
        assert fake.creates == 1


def test_who_slept_past_its_lease_does_not_ask_a_second_time(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-Z while the picture is on its way, the same command elsewhere, then fg."""
    from stillwake.engines.remote.driving import Task

    with FakeProvider("runway", polls=0, width=64) as fake:
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
        engine, shot, scene = engine_of("runway"), shot_of("runway"), scene_of()
        book, provider = journal(), provider_of("runway")
        wire = provider.prepare(order_of("runway", scene, shot, None))
        key = key_of("runway", wire, shot.seed)
        job = book.enter(key, wire, engine="runway", name="", price=None)
        link = provider.link(engine.pace)
        sleeper = Task(job, provider, link, book, engine.pace, files={file.id: file for file in wire.files})
        steps = sleeper.work()
        next(steps)  # it has the lease, and has looked at the account
        assert fake.creates == 0
        with book._writing() as connection:
            connection.execute("UPDATE jobs SET beat=0")
        with engine.prepare(scene, shot, None):
            pass
        assert fake.creates == 1
        for _ in steps:
            pass
        link.close()
        assert fake.creates == 1
        assert sleeper.job.state == "made"
