"""Nothing is paid twice and nothing paid is lost: killed at any moment, two at once, interrupted, out of patience."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.test_remote_kit import FAST, engine_of, house, offline, scene_of, shot_of, speech_of

from stillwake.engines.remote import Pace, asked_for, jobs
from stillwake.engines.remote.journal import Journal, Lease, journal
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

CHILD = """
import sys, time
sys.path.insert(0, {root!r})
import cv2, av, httpx, numpy  # what is loaded late otherwise: it must not be what is killed
from tests.test_remote_kit import engine_of, scene_of, shot_of, speech_of, FAST
from stillwake.engines.remote import Pace
import stillwake.media
engine, shot = engine_of({name!r}, Pace(scale={scale}, answer=20.0, patience=60.0)), shot_of({name!r}, seed={seed})
scene, speech = scene_of(), speech_of({name!r})
print("ready", flush=True)
sys.stdin.readline()
with engine.prepare(scene, shot, speech) as performance:
    print("made", performance.made_with["job"], flush=True)
"""


def child(name: str, seed: int, scale: float = 0.004) -> subprocess.Popen[str]:
    code = CHILD.format(root=str(Path(__file__).parents[1]), name=name, seed=seed, scale=scale)
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.stderr.read() if process.stderr else ""


def end(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def again(name: str, seed: int, pace: Pace = FAST) -> str:
    """The same command once more; how it ended."""
    try:
        with engine_of(name, pace).prepare(scene_of(), shot_of(name, seed=seed), speech_of(name)) as performance:
            performance.frame(0)
    except StillwakeError as error:
        return type(error).__name__
    return "clip"


@pytest.mark.parametrize("name", ["kling", "runway"])
def test_killed_at_any_moment(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    chance = random.Random(20261128)
    with FakeProvider(name, polls=3, width=64) as fake:
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
        again(name, 1000)  # the clip is encoded, once for all
        processes = [child(name, seed) for seed in range(1, 6)]
        states = set()
        for seed, process in enumerate(processes, 1):
            ready(process)
            before, known = set(fake.jobs), {job.key for job in jobs()}
            asked = len(fake.requests)
            go(process)
            # Killed after so many requests and a little while: before anything, at the create, while it runs.
            wanted, pause = (0, 1, 2, 3, 5)[seed - 1], chance.random() * 0.02
            limit = time.monotonic() + 10
            while len(fake.requests) - asked < wanted and time.monotonic() < limit and process.poll() is None:
                time.sleep(0.0005)
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            states.update([job.state for job in jobs() if job.key not in known] or ["nothing"])
            ended = again(name, seed)
            accepted = set(fake.jobs) - before
            assert len(accepted) <= 1, f"seed {seed}: created {len(accepted)} times after {wanted} requests"
            assert ended == "clip" or (ended == "JobUnsureError" and name == "runway"), ended
            if ended == "clip":
                assert len(accepted) == 1
                assert accepted <= {job.provider_id for job in jobs()}
        assert len(states) >= 2, "every kill hit the same state"


def test_killed_while_the_create_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, expected in (("heygen", "clip"), ("kling", "clip"), ("runway", "JobUnsureError")):
        with FakeProvider(name, polls=1, width=64, script=["create:slow:1:1.0"]) as fake:
            for variable, value in fake.env.items():
                monkeypatch.setenv(variable, value)
            process = child(name, 77)
            ready(process)
            go(process)
            limit = time.monotonic() + 20
            while not fake.creates and time.monotonic() < limit:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            (told,) = [job for job in jobs() if job.engine == name]
            assert told.state == "asking"
            # HeyGen says that the first request is still going on, for as long as it is.
            assert again(name, 77, Pace(scale=0.1, answer=20.0, patience=60.0)) == expected
            assert fake.creates == 1, "paid twice"


def test_two_processes_ask_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("runway", polls=4, width=64) as fake:
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
        pair = [child("runway", 5), child("runway", 5)]
        for process in pair:
            ready(process)
        for process in pair:
            go(process)
        first, second = (end(process) for process in pair)
        assert first == second
        assert fake.creates == 1


def test_many_threads_ask_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("luma", polls=2, width=64) as fake:
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
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
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
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
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
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
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
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
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)

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
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
        engine = engine_of("kling", Pace(scale=0.001, patience=0.1))
        with pytest.raises(BusyError, match="it goes on there: stillwake jobs resume") as caught:
            engine.prepare(scene_of(), shot_of("kling"), None)
        assert caught.value.exit_status == 8
        assert jobs()[0].state == "running"


def test_unsure_is_said_again_and_nothing_more_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("runway", width=64, script=["create:dropped after accepting"]) as fake:
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
        for _ in range(3):
            with pytest.raises(JobUnsureError, match="stillwake jobs adopt"):
                engine_of("runway").prepare(scene_of(), shot_of("runway"), None)
        assert fake.creates == 1


def test_four_takes_differ_even_where_there_is_no_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("luma", polls=0, width=64) as fake:
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
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
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
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
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
        with pytest.raises(OutputError, match="Cannot keep the journal"):
            engine_of("runway").prepare(scene_of(), shot_of("runway"), None)
        assert not fake.requests


def test_ids_are_found_by_their_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("runway", polls=0, width=64) as fake:
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
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
