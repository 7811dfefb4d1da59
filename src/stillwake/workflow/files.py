"""Where a run's files lie, and how they take their places together."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def record_path(out: Path) -> Path:
    """Where the record of a clip lies.

    ``hello.mp4.json`` beside ``hello.mp4``, and ``frames.json`` beside the folder of ``frames/%05d.png``.
    """
    if "%" in out.name:
        return out.parent.with_name(out.parent.name + ".json")
    return out.with_name(out.name + ".json")


def beside(path: Path, name: str) -> Path | None:
    """The file of that bare name in the clip's folder, beside its record; a name that leads elsewhere is none."""
    if not name or name in (".", "..") or Path(name).name != name or "\0" in name:
        return None
    at = record_path(path).parent / name
    return at if is_file(at) else None


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that can be none is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, a folder that may not be looked into
        return False


def lies_here(path: Path) -> bool:
    """Whether there is such a file or folder; a name that can be none is none."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class Staged:
    """Where a run's files are made before they take their places, under the names they will have."""

    clip: Path
    record: Path
    sheet: Path | None


@contextmanager
def staged(out: Path, record_at: Path, sheet: Path | None, overwrite: bool) -> Iterator[Staged]:
    """A hidden folder beside the output; when the block ends well, what lies in it takes its place, all together.

    Until then whatever lies at the targets is as it was, and on any failure, Ctrl-C included, it stays so.
    """
    from stillwake.media.files import as_sequence, whole_file, whole_folder

    sequence = as_sequence(out)
    beside = out.parent.parent if sequence else out.parent
    with writing(out):
        stage = Path(tempfile.mkdtemp(prefix=".stillwake-", dir=beside))
    try:
        clip = stage / "clip" / out.parent.name / out.name if sequence else stage / "clip" / out.name
        for folder in ("clip", "record", "sheet"):
            (stage / folder).mkdir()
        places = Staged(
            clip=clip,
            record=stage / "record" / record_at.name,
            sheet=None if sheet is None else stage / "sheet" / sheet.name,
        )
        yield places
        if sequence:
            with whole_folder(out, overwrite) as folder_part:
                for picture in clip.parent.iterdir():
                    picture.replace(folder_part / picture.name)
        else:
            with whole_file(out, overwrite) as part:
                clip.replace(part)
        if sheet is not None and places.sheet is not None:
            with whole_file(sheet, overwrite) as part:
                shutil.copyfile(places.sheet, part)  # a sheet may lie on another disk
        with whole_file(record_at, overwrite) as part:
            places.record.replace(part)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A fault of the disk inside becomes a sentence about that output."""
    from stillwake.media.files import writing_fault

    try:
        yield
    except OSError as error:
        raise writing_fault(path, error) from error
