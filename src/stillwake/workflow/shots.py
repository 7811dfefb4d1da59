"""The shots of a film: what each asks of an engine, and its clip, rendered once and used again.

A finished shot lies as ``NN-name.mp4`` with its record in a folder beside the film, and beside it a key: everything
that its frames depend on, hashed. A shot whose key is found there is not rendered again, wherever in the film it has
moved to. The key is written last, so that a shot which was broken off has none.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from stillwake.assemble.laying import Laid
from stillwake.assemble.storyboard import Board, brief_of
from stillwake.errors import InputError, OutputError, StillwakeError, UsageError
from stillwake.moves import is_key_frame_file
from stillwake.route import size_for
from stillwake.route.contradictions import LOOP_RANGE
from stillwake.types import Aspect, Brief, Clip, Plan, Progress, RunRecord, Size, Speech, no_progress
from stillwake.workflow.files import record_path
from stillwake.workflow.making import animate
from stillwake.workflow.proposing import proposed
from stillwake.workflow.versions import package_versions
from stillwake.workflow.watch import Watch

CRF = 12
"""x264's for a shot, which is decoded and encoded once more: what that loses is not seen."""
SAME_SHAPE = 0.005
"""A still so near to the film's shape is taken as it is, and the film's edge cuts what is over:
`stillwake.perceive.crop.SAME`."""
KEY = ".key"
LARGEST_RECORD = 16 << 20
"""bytes; `stillwake.workflow.examining` has the same."""

_FILES = ("face_file", "brush", "depth", "depth_model", "still_mask", "end_frame")


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A shot that has to be made: its still, what it asks, what it follows, its ``key`` and its files' ``stem``."""

    shot: int
    picture: Path
    brief: Brief
    speech: Speech | None
    frames: int
    key: str
    stem: str


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A shot's clip with its record, and whether it had been rendered before."""

    clip: Clip
    record: RunRecord
    reused: bool


# --------------------------------------------------------------------------------------------------- what is to do


def job_of(board: Board, film: Laid, shot: int, still: Size, sha256: str) -> Job:
    """What is to be made of a shot's still, which has that size and hash."""
    speech = film.followed[shot]
    count = film.frames(shot)
    size = size_of(still, board.record.picture, board.record.shape)
    with telling(board, shot):
        if speech is not None:
            brief = brief_of(board, shot, size, None)
        else:
            seconds, repeat = _lengths(board, shot, count)
            brief = brief_of(board, shot, size, seconds, repeat)
        key = _key(brief, speech, sha256)
    one = board.shots[shot]
    assert one.still is not None
    name = re.sub(r"[^\w-]+", "-", board.title(shot)).strip("-")[:40]
    return Job(shot, board.file(one.still), brief, speech, count, key, f"{shot + 1:02d}-{name or 'shot'}")


def size_of(still: Size, film: Size, shape: Aspect) -> Size:
    """The film's size; for a still that is taken whole and is not quite of its shape, one that covers the film."""
    across, down = (int(part) for part in shape.split(":"))
    if abs(Fraction(still[0] * down, still[1] * across) - 1) >= SAME_SHAPE:
        return film  # another shape is laid out anew
    try:
        return size_for(still, film)[0]
    except UsageError:
        scale = max(Fraction(film[0], still[0]), Fraction(film[1], still[1]))
        width, height = (2 * -(-side * scale // 2) for side in still)
        return int(width), int(height)


def _lengths(board: Board, shot: int, count: int) -> tuple[Fraction, int]:
    """Seconds of a shot without speech, and how often they repeat: at least as many frames as are seen."""
    fps, (least, most) = board.record.fps, LOOP_RANGE
    one = board.shots[shot]
    if count / fps <= most or one.prompt is not None:
        return max(least, count / fps), 1
    if one.camera is not None and not one.loop:
        raise board.fault(
            shot,
            "camera",
            f"a camera moves for at most {most} s, and this shot has {float(count / fps):.1f} s",
            "make two shots of it, or say loop = true",
        )
    repeat = -(-count // int(most * fps))
    return -(-count // repeat) / fps, repeat


@contextmanager
def telling(board: Board, shot: int) -> Iterator[None]:
    """Whatever goes wrong inside says which shot it is about, and on which line."""
    try:
        yield
    except StillwakeError as error:
        if f"{board.path.name}, line " in error.what:
            raise
        raise board.told(error, shot) from error.__cause__


def _key(brief: Brief, speech: Speech | None, sha256: str) -> str:
    """Everything that a shot's frames depend on, hashed."""
    files = {name: _hash(path) for name in _FILES if (path := getattr(brief, name)) is not None}
    if brief.camera is not None and is_key_frame_file(brief.camera):
        files["camera"] = _hash(Path(brief.camera))
    known = brief.model_copy(update=dict.fromkeys((*files, "sound", "say", "transcript")))
    followed = None
    if speech is not None:
        timed = (speech.words, speech.phonemes, speech.visemes)
        lines = [[(round(t.start, 4), round(t.end, 4), t.label) for t in line] for line in timed]
        followed = [speech.sound.sha256, speech.language, speech.source, lines]
    whole = [known.model_dump(mode="json"), files, sha256, followed, CRF, package_versions()]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _hash(path: Path) -> str:
    from stillwake.media.files import opened_input, shown

    with opened_input(path, f"Cannot open {shown(path)}", InputError, 1 << 32) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plan_shot(board: Board, job: Job, on_progress: Progress = no_progress) -> Plan:
    """The plan of a shot, which can be carried out.

    Raises
    ------
    stillwake.errors.StillwakeError
        It cannot.
    """
    with telling(board, job.shot):
        found = proposed(job.picture, job.brief, on_progress, Watch(), speech=job.speech, carry_out=True)
    return found.plan


# ------------------------------------------------------------------------------------------------------- the folder


class Shelf:
    """The folder of a film's shots."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stems: dict[str, str] = {}
        """Key -> the stem of the files that have it."""
        for path in sorted(folder.glob(f"*{KEY}")) if folder.is_dir() else ():
            key = _read_key(path)
            if key:
                self._stems.setdefault(key[0], path.name.removesuffix(KEY))

    def find(self, job: Job) -> Made | None:
        """The shot as it was rendered before, if it was and its files are whole."""
        from stillwake.media import open_clip

        stem = self._stems.get(job.key)
        if stem is None:
            return None
        at = self.folder / f"{stem}.mp4"
        key = _read_key(self.folder / f"{stem}{KEY}")
        try:
            clip = open_clip(at)
            record = _record(record_path(at))
        except (InputError, ValueError):
            return None
        hashes = {clip.info.sha256, record.inspection.clip.sha256}
        if key is None or key[0] != job.key or hashes != {key[1]}:
            return None
        return Made(clip, record, True)

    def settle(self, jobs: list[Job]) -> None:
        """Give finished shots the names that they have in the film now."""
        moves = [(self._stems[job.key], job) for job in jobs if self._stems.get(job.key, job.stem) != job.stem]
        with _writing(self.folder):
            for stem, job in moves:  # two shots may have changed places
                self._move(stem, f"moving-{job.key[:16]}", job.key)
            for _, job in moves:
                self._move(self._stems[job.key], job.stem, job.key)

    def _move(self, stem: str, to: str, key: str) -> None:
        for ending in (".mp4.json", ".mp4", KEY):
            (self.folder / f"{stem}{ending}").replace(self.folder / f"{to}{ending}")
        self._stems[key] = to

    def make(self, board: Board, job: Job, on_progress: Progress) -> Made:
        """Render a shot; it is finished when its key lies beside it."""
        from stillwake.media import open_clip, write_text

        with _writing(self.folder):
            self.folder.mkdir(exist_ok=True)
            (self.folder / f"{job.stem}{KEY}").unlink(missing_ok=True)
        out = self.folder / f"{job.stem}.mp4"
        with telling(board, job.shot):
            record = animate(
                job.picture, job.brief, out, overwrite=True, speech=job.speech, crf=CRF, on_progress=on_progress
            )
            clip = open_clip(out)
            write_text(self.folder / f"{job.stem}{KEY}", f"{job.key} {clip.info.sha256}\n", overwrite=True)
        self._stems[job.key] = job.stem
        return Made(clip, record, False)


def _read_key(path: Path) -> tuple[str, str] | None:
    """A shot's key, and the hash of the clip that has it."""
    try:
        with path.open("rb") as file:
            words = file.read(200).decode("ascii").split()
    except (OSError, ValueError):
        return None
    return (words[0], words[1]) if len(words) == 2 else None


def _record(path: Path) -> RunRecord:
    from stillwake.media.files import opened_input

    with opened_input(path, f"Cannot use {path.name}", InputError, LARGEST_RECORD) as file:
        return RunRecord.model_validate_json(file.read(LARGEST_RECORD + 1))


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    from stillwake.media.files import writing_fault

    try:
        yield
    except FileExistsError as error:
        raise OutputError(
            f"Cannot write the shots into {folder.name}", "a file has that name", "rename it, or the film"
        ) from error
    except OSError as error:
        raise writing_fault(folder, error) from error
