"""The journal: every job is written down before anything of it is sent, and after every step.

One SQLite file in the house's folder "jobs", written ahead and flushed with every step, so that a process that is
killed at any moment leaves a state to go on from. Many processes and threads may use it at once; who works on a job
holds its lease, and a lease whose owner is dead may be taken over. No key is ever in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from stillwake.engines.remote.order import File, Wire, placed
from stillwake.errors import OutputError, UsageError
from stillwake.home import home

__all__ = ["FREE", "Job", "Journal", "Lease", "State", "journal"]

State = Literal["written", "asking", "running", "made", "failed", "cancelled", "unsure"]
"""written: nothing that costs was sent. asking: the create may be on its way. running: accepted, its id is known.
made: its clip is kept here. failed, cancelled: it ended so. unsure: whether it was accepted is not known."""

FREE: frozenset[State] = frozenset({"made", "failed", "cancelled"})
"""States in which nothing runs anywhere."""

LEASE_SECONDS = 30.0
"""Without a sign of life for so long, a lease is anybody's."""
BEAT_SECONDS = 5.0
BUSY_SECONDS = 60.0
"""How long a write waits for others."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
  key TEXT PRIMARY KEY, id TEXT UNIQUE NOT NULL, engine TEXT NOT NULL, model TEXT NOT NULL, name TEXT NOT NULL,
  created REAL NOT NULL, changed REAL NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL, asked REAL,
  provider_id TEXT, past TEXT NOT NULL, request TEXT NOT NULL, uploaded TEXT NOT NULL,
  seconds REAL NOT NULL, seed INTEGER,
  price REAL, cost REAL, cost_told TEXT NOT NULL, billed INTEGER,
  result TEXT, sha256 TEXT, error_kind TEXT NOT NULL, error TEXT NOT NULL,
  owner TEXT, beat REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS voices (
  number INTEGER PRIMARY KEY, engine TEXT NOT NULL, voice TEXT NOT NULL, name TEXT NOT NULL, consent TEXT NOT NULL,
  recording TEXT NOT NULL, made REAL NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the journal has it.

    ``id`` is ours, ``provider_id`` the provider's, None before it is known; ``name`` of the clip it was asked for, ""
    where nobody said; ``created`` and ``changed`` seconds since 1970; ``attempt`` counts from 1, ``past`` holds what
    became of earlier ones; ``request`` without its files' bytes, ``uploaded`` what those are called there.

    ``price`` is the estimate in USD, ``cost`` what the provider says it cost, None where nobody said, ``cost_told`` in
    its own words; ``billed`` whether an ended job is known to have been billed. ``result`` is the kept clip;
    ``error`` why it is not made, in words.
    """

    key: str
    id: str
    engine: str
    model: str
    name: str
    created: float
    changed: float
    state: State
    attempt: int
    asked: float | None
    provider_id: str | None
    past: tuple[tuple[int, str | None, str], ...]
    request: Mapping[str, Any]
    uploaded: Mapping[str, Any]
    seconds: float
    seed: int | None
    price: float | None
    cost: float | None
    cost_told: str
    billed: bool | None
    result: Path | None
    sha256: str | None
    error_kind: str
    error: str
    owner: str | None = None

    @property
    def ask_key(self) -> str:
        """What tells this attempt from all others at the provider: 40 letters and digits."""
        return f"sw{self.attempt:02d}{self.key[:36]}"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a job."""

    token: str

    @classmethod
    def new(cls) -> Lease:
        """One that nobody else has: this machine, this process, and a number of its own."""
        return cls(f"{_machine()}/{os.getpid()}/{uuid.uuid4().hex[:12]}")

    @staticmethod
    def is_dead(token: str) -> bool:
        """Whether its owner is known to be dead: a process of this machine that is no more."""
        machine, process, _ = (*token.split("/"), "", "")[:3]
        if machine != _machine() or not process.isdecimal():
            return False
        if os.name == "nt":  # there, 0 is no question but a signal
            return False
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return _is_defunct(int(process))


def _is_defunct(process: int) -> bool:
    """Whether a process has ended and only waits for its parent to notice."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")
    except (OSError, IndexError):
        return False


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        boot = ""
    return re.sub(r"[^\w.-]", "", f"{socket.gethostname()}{boot}") or "here"


class Journal:
    """The file.

    Parameters
    ----------
    folder
        Where it lies, beside ``files`` (what is to be sent) and ``results`` (what came).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._local = threading.local()
        self._leases: set[str] = set()
        self._guard = threading.Lock()
        self._beating: threading.Thread | None = None

    # -------------------------------------------------------------------------------------------------- the file

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction."""
        try:
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        try:
            return self._connection().execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def _connection(self) -> sqlite3.Connection:
        held = getattr(self._local, "held", None)
        if held is not None and held[0] == os.getpid():
            connection: sqlite3.Connection = held[1]
            return connection
        path = self.folder / "jobs.sqlite"
        if not path.exists():
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        end = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._laid_out(connection)
                break
            except sqlite3.OperationalError as error:
                # Turning to a journal written ahead does not wait for others by itself, whatever the time limit.
                if "locked" not in str(error) or time.monotonic() > end:
                    connection.close()
                    raise
                time.sleep(0.01)
        self._local.held = (os.getpid(), connection)
        return connection

    @staticmethod
    def _laid_out(connection: sqlite3.Connection) -> None:
        """Written ahead, flushed with every step, with the tables in it."""
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            connection.execute("BEGIN IMMEDIATE")
            try:
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute("PRAGMA user_version=1")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _fault(self, error: sqlite3.Error) -> OutputError:
        return OutputError(
            f"Cannot keep the journal of paid jobs in {self.folder}",
            str(error),
            "free the disk, or set STILLWAKE_HOME",
        )

    # ---------------------------------------------------------------------------------------------------- entries

    def enter(
        self, key: str, wire: Wire, *, engine: str, name: str, price: float | None, now: float | None = None
    ) -> Job:
        """The job of that key: as it is there, or new, with the files it needs kept beside it."""
        if (found := self._by_key(key)) is not None:
            if found.state in ("written", "failed", "cancelled", "unsure"):
                self._keep(wire.files)
            return found
        self._keep(wire.files)
        moment = time.time() if now is None else now
        request = {
            "path": wire.path, "body": wire.body, "form": wire.form,
            "files": [[file.id, file.name, file.mime] for file in wire.files],
        }  # fmt: skip
        with self._writing() as connection:
            for length in range(8, 65, 4):
                taken = connection.execute("SELECT 1 FROM jobs WHERE id=? AND key<>?", (key[:length], key)).fetchone()
                if taken is None:
                    break
            values = {
                "key": key, "id": key[:length], "engine": engine, "model": wire.model, "name": name, "created": moment,
                "changed": moment, "state": "written", "attempt": 1, "past": "[]", "request": json.dumps(request),
                "uploaded": "{}", "seconds": float(wire.seconds), "seed": wire.seed, "price": price, "cost_told": "",
                "error_kind": "", "error": "", "beat": 0.0,
            }  # fmt: skip
            connection.execute(
                f"INSERT OR IGNORE INTO jobs ({','.join(values)}) VALUES ({','.join('?' * len(values))})",
                tuple(values.values()),
            )
        entered = self._by_key(key)
        assert entered is not None
        return entered

    def note(self, job: Job, **changes: Any) -> Job:
        """The job with those fields changed, on disk before this returns."""
        self._note(job, changes, None)
        return self.read(job.key)

    def ask(self, job: Job, lease: Lease, **changes: Any) -> Job | None:
        """The job in state "asking", on disk before its create may be sent; None where the lease is another's now.

        A process that slept for longer than a lease lives finds that somebody else went on with its job.
        """
        return self.read(job.key) if self._note(job, {"state": "asking", **changes}, lease) else None

    def _note(self, job: Job, changes: dict[str, Any], lease: Lease | None) -> bool:
        """Write fields of a job; with a lease only while that is the job's. Gives whether they were written."""
        changes["changed"] = time.time()
        for name in ("past", "uploaded"):
            if name in changes:
                changes[name] = json.dumps(changes[name])
        if isinstance(changes.get("result"), Path):
            changes["result"] = changes["result"].name
        columns = ", ".join(f"{name}=?" for name in changes)
        with self._writing() as connection:
            done = connection.execute(
                f"UPDATE jobs SET {columns} WHERE key=? AND (? IS NULL OR owner=?)",
                (*changes.values(), job.key, *([None if lease is None else lease.token] * 2)),
            )
        return done.rowcount > 0

    def anew(self, job: Job, why: str) -> Job:
        """The job as a further attempt: nothing sent, what became of the last one kept in ``past``."""
        past = [*job.past, (job.attempt, job.provider_id, why)]
        return self.note(
            job, state="written", attempt=job.attempt + 1, past=past, provider_id=None, asked=None, billed=None,
            uploaded={}, cost=None, cost_told="", error="", error_kind="", result=None, sha256=None,
        )  # fmt: skip

    def knows(self, key: str) -> bool:
        """Whether a job of that key is there."""
        return self._by_key(key) is not None

    def read(self, key: str) -> Job:
        """The job of that key."""
        found = self._by_key(key)
        if found is None:
            raise UsageError("Cannot go on with the job", "it was forgotten meanwhile", "run the command again")
        return found

    def find(self, text: str) -> Job:
        """The job whose id begins so.

        Raises
        ------
        stillwake.errors.UsageError
            There is none, or there are several.
        """
        wanted = text.strip().lower()
        what = f"Cannot find the job {text[:40]!r}"
        if not re.fullmatch(r"[0-9a-f]{1,64}", wanted):
            raise UsageError(what, "it is no id of a job", "see them with: stillwake jobs")
        rows = self._rows("SELECT * FROM jobs WHERE substr(id,1,?)=?", (len(wanted), wanted))
        if len(rows) != 1:
            why = "there are several that begin so" if rows else "the journal has none of that id"
            raise UsageError(what, why, "see them with: stillwake jobs")
        return self._job(rows[0])

    def all(self) -> tuple[Job, ...]:
        """Every job, the newest first."""
        return tuple(self._job(row) for row in self._rows("SELECT * FROM jobs ORDER BY created DESC, key"))

    def forget(self, job: Job) -> None:
        """Take a job out, with its clip and with those of its files that no other job needs."""
        with self._writing() as connection:
            connection.execute("DELETE FROM jobs WHERE key=?", (job.key,))
        if job.result is not None:
            job.result.unlink(missing_ok=True)
        self.tidy()

    def _by_key(self, key: str) -> Job | None:
        rows = self._rows("SELECT * FROM jobs WHERE key=?", (key,))
        return self._job(rows[0]) if rows else None

    def _job(self, row: sqlite3.Row) -> Job:
        return Job(
            key=row["key"], id=row["id"], engine=row["engine"], model=row["model"], name=row["name"],
            created=row["created"], changed=row["changed"], state=row["state"], attempt=row["attempt"],
            asked=row["asked"], provider_id=row["provider_id"],
            past=tuple((number, name, why) for number, name, why in json.loads(row["past"])),
            request=json.loads(row["request"]), uploaded=json.loads(row["uploaded"]),
            seconds=row["seconds"], seed=row["seed"], price=row["price"],
            cost=row["cost"], cost_told=row["cost_told"],
            billed=None if row["billed"] is None else bool(row["billed"]),
            result=None if row["result"] is None else self.folder / "results" / Path(row["result"]).name,
            sha256=row["sha256"], error_kind=row["error_kind"], error=row["error"], owner=row["owner"],
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------------ files

    def _keep(self, files: tuple[File, ...]) -> None:
        """What is to be sent, so that a job can go on without its command."""
        folder = self._room("files")
        for file in files:
            path = folder / file.id
            if path.exists():
                continue
            part = folder / f".{file.id}.{uuid.uuid4().hex[:8]}"
            try:
                part.write_bytes(file.data)
                part.replace(path)
            except OSError as error:
                part.unlink(missing_ok=True)
                raise OutputError(
                    f"Cannot keep what is to be sent in {folder}", error.strerror or "", "free the disk"
                ) from error

    def files_of(self, job: Job) -> dict[str, File]:
        """What is to be sent for a job, by id.

        Raises
        ------
        stillwake.errors.UsageError
            It is not there any more.
        """
        found = {}
        for mark, name, mime in job.request["files"]:
            path = self.folder / "files" / mark
            try:
                found[mark] = File(mark, name, mime, path.read_bytes())
            except OSError as error:
                raise UsageError(
                    f"Cannot go on with the job {job.id}", "its picture is not kept any more",
                    "run the command it came from",
                ) from error  # fmt: skip
        return found

    def tidy(self) -> None:
        """Remove files that no job needs to send any more."""
        needed = {
            mark
            for row in self._rows("SELECT request FROM jobs WHERE state NOT IN ('made','running')")
            for mark, _ in placed(json.loads(row["request"])["body"])
        }
        folder = self.folder / "files"
        if folder.is_dir():
            for path in folder.iterdir():
                old = time.time() - path.stat().st_mtime > 3600 if path.exists() else False
                if path.name not in needed and old:  # one that was just written may be needed in a moment
                    path.unlink(missing_ok=True)

    def _room(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def result_path(self, job: Job, ending: str) -> Path:
        """Where a job's clip is to be kept."""
        return self._room("results") / f"{job.id}-{job.attempt}{ending}"

    # ----------------------------------------------------------------------------------------------------- leases

    def claim(self, job: Job, lease: Lease) -> bool:
        """Take the job's lease, unless somebody who lives has it."""
        with self._writing() as connection:
            row = connection.execute("SELECT owner, beat FROM jobs WHERE key=?", (job.key,)).fetchone()
            if row is None:
                return False
            held = row["owner"]
            stale = time.time() - row["beat"] > LEASE_SECONDS
            if held is not None and held != lease.token and not stale and not Lease.is_dead(held):
                return False
            connection.execute("UPDATE jobs SET owner=?, beat=? WHERE key=?", (lease.token, time.time(), job.key))
        with self._guard:
            self._leases.add(lease.token)
            if self._beating is None or not self._beating.is_alive():
                self._beating = threading.Thread(target=self._beat, name="stillwake journal", daemon=True)
                self._beating.start()
        return True

    def release(self, lease: Lease) -> None:
        """Give back what was taken with that lease."""
        with self._guard:
            self._leases.discard(lease.token)
        with self._writing() as connection:
            connection.execute("UPDATE jobs SET owner=NULL WHERE owner=?", (lease.token,))

    def _beat(self) -> None:
        """A sign of life for every lease of this process, until there has been none for a minute."""
        idle = 0
        while True:
            time.sleep(BEAT_SECONDS)
            with self._guard:
                tokens = list(self._leases)
                idle = 0 if tokens else idle + 1
                if idle > 12:
                    self._beating = None
                    return
            if tokens:
                with contextlib.suppress(OutputError), self._writing() as connection:
                    marks = ",".join("?" * len(tokens))
                    connection.execute(f"UPDATE jobs SET beat=? WHERE owner IN ({marks})", (time.time(), *tokens))

    # ----------------------------------------------------------------------------------------------------- voices

    def note_voice(self, engine: str, voice: str, name: str, consent: str, recording: str) -> None:
        """That a voice was copied: of which recording (its sha256), and who agreed."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO voices (engine, voice, name, consent, recording, made) VALUES (?,?,?,?,?,?)",
                (engine, voice, name, consent, recording, time.time()),
            )

    def voices(self) -> tuple[dict[str, Any], ...]:
        """Every voice that was copied, the newest first."""
        return tuple(dict(row) for row in self._rows("SELECT * FROM voices ORDER BY number DESC"))


_OPEN: dict[Path, Journal] = {}
_OPENING = threading.Lock()


def journal() -> Journal:
    """The house's journal; STILLWAKE_HOME moves it."""
    folder = home("jobs")
    with _OPENING:
        return _OPEN.setdefault(folder, Journal(folder))
