"""Whole files or none, and strangers' files opened without stepping into a trap.

Whatever is written goes into a temporary file beside its target and takes the target's name in one step at the
end, so that a reader never sees half a file and a failure leaves nothing. Whatever is read must be a regular
file: a pipe would block, a device could do anything.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from stillwake.errors import InputError, OutputError, OutputExistsError

PATTERN = re.compile(r"(?P<head>[^%]*)%(?:0(?P<digits>[1-9]))?d(?P<tail>[^%]*\.png)", re.IGNORECASE)
"""The name of a picture sequence: one counter, printf's way, and ``.png``."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when something cannot take more bytes; only a writer hears these."""


def shown(path: str | os.PathLike[str]) -> str:
    """The file's name for a sentence: without its folder, control characters made visible, at most 80 letters."""
    name = Path(path).name or str(path)
    printable = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)
    return printable if len(printable) <= 80 else f"{printable[:38]}…{printable[-38:]}"


# --------------------------------------------------------------------------------------------------------- reading


def opened_input(path: str | os.PathLike[str], what: str, refusal: type[InputError], limit: int) -> BufferedReader:
    """The open file, at its start, regular, not empty and at most ``limit`` bytes long.

    Parameters
    ----------
    path
        Where it lies.
    what
        What the person wanted, for the sentence: ``"Cannot open hero.jpg"``.
    refusal
        The kind of error to raise.
    limit
        Bytes.

    Raises
    ------
    stillwake.errors.InputError
        Of the kind ``refusal``: missing, a folder, a pipe or device, not readable, empty, too large.
    """
    try:
        _require_regular(Path(path).stat(), what, refusal)
        # Without O_NONBLOCK, a pipe put there between the two looks would hold us for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise refusal(what, *_reading_fault(error)) from error
    except ValueError as error:  # a name with a zero byte in it
        raise refusal(what, "its name holds a zero byte", "rename the file") from error
    file = os.fdopen(handle, "rb")
    try:
        facts = os.fstat(handle)
        _require_regular(facts, what, refusal)
        if facts.st_size == 0:
            raise refusal(what, "the file is empty", "export or download it again")
        if facts.st_size > limit:
            raise refusal(
                what,
                f"it is {facts.st_size / 2**20:.0f} MB and the limit is {limit / 2**20:.0f} MB",
                "export it smaller",
            )
    except BaseException:
        file.close()
        raise
    return file


def _require_regular(facts: os.stat_result, what: str, refusal: type[InputError]) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise refusal(what, "it is a folder", "name a file inside it")
    if not stat.S_ISREG(facts.st_mode):
        raise refusal(what, "it is a pipe or a device, not a file", "save it to a file first")


def _reading_fault(error: OSError) -> tuple[str, str]:
    """Why and fix of a file that does not open."""
    known = {
        errno.ENOENT: ("there is no such file", "check the path"),
        errno.ENOTDIR: ("a part of its path is a file, not a folder", "check the path"),
        errno.EACCES: ("you are not allowed to read it", "change its permissions"),
        errno.EPERM: ("you are not allowed to read it", "change its permissions"),
        errno.ENAMETOOLONG: ("its name is too long", "check the path"),
        errno.ELOOP: ("its links lead in a circle", "name the file itself"),
    }
    return known.get(error.errno or 0, (f"the system says: {error.strerror or error}", "copy it and try the copy"))


# --------------------------------------------------------------------------------------------------------- writing


def writing_fault(path: str | os.PathLike[str], error: OSError) -> OutputError:
    """The error for an output that could not be written."""
    known = {
        errno.ENOSPC: ("the disk is full", "free some space or write elsewhere"),
        errno.EDQUOT: ("your disk quota is used up", "free some space or write elsewhere"),
        errno.EFBIG: ("the file grows past the size the system allows", "write to another disk or raise the limit"),
        errno.EACCES: ("you are not allowed to write there", "choose another folder or change its permissions"),
        errno.EPERM: ("you are not allowed to write there", "choose another folder or change its permissions"),
        errno.EROFS: ("that disk can only be read", "choose another folder"),
        errno.ENOENT: ("its folder has gone", "make the folder again"),
        errno.ENAMETOOLONG: ("the name is too long", "choose a shorter one"),
        errno.ELOOP: ("its links lead in a circle", "choose another name"),
    }
    why, fix = known.get(error.errno or 0, (f"the system says: {error.strerror or error}", "try another folder"))
    return OutputError(f"Cannot write {shown(path)}", why, fix)


def _exists(path: Path) -> OutputExistsError:
    return OutputExistsError(
        f"Cannot write {shown(path)}", "it is already there", "say --overwrite or choose another name"
    )


@dataclass(frozen=True, slots=True)
class PictureSequence:
    """A picture sequence by its pattern: ``folder / f"{head}{index:0{digits}d}{tail}"``, the first index being 0."""

    folder: Path
    head: str
    digits: int
    tail: str

    def name(self, index: int) -> str:
        """The file's name of that frame."""
        return f"{self.head}{index:0{self.digits}d}{self.tail}"

    def index(self, name: str) -> int | None:
        """The frame's index, or None when that name is none of this sequence."""
        digits = name[len(self.head) : len(name) - len(self.tail)]
        if not (digits.isascii() and digits.isdecimal()) or len(digits) > 9 or name != self.name(int(digits)):
            return None
        return int(digits)


def as_sequence(path: str | os.PathLike[str]) -> PictureSequence | None:
    """The picture sequence a path such as ``frames/%05d.png`` means, or None."""
    path = Path(path)
    found = PATTERN.fullmatch(path.name)
    if not found:
        return None
    return PictureSequence(path.parent, found["head"], int(found["digits"] or 1), found["tail"])


def check_output(path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Nothing: returns when the path can be written, to say what is wrong before hours of work.

    Parameters
    ----------
    path
        A file, or a picture sequence such as ``frames/%05d.png``, which stands for its folder.
    overwrite
        Whether what is there may be replaced.

    Raises
    ------
    stillwake.errors.OutputExistsError
        It is there and may not be replaced.
    stillwake.errors.OutputError
        It is a folder, its own folder is missing or may not be written, the name is too long.
    """
    _target(Path(path), overwrite)


def _target(path: Path, overwrite: bool) -> Path:
    """The real file or folder to write, links resolved, having checked that it can be done."""
    sequence = as_sequence(path)
    target = sequence.folder if sequence else path
    what = f"Cannot write {shown(path)}"
    try:
        # A link to the target is written through, as every other program does.
        target = Path(os.path.realpath(target))
        try:
            facts = os.lstat(target)
        except (FileNotFoundError, NotADirectoryError):
            facts = None
        _check_folder(target.parent, what)
        if facts is not None and sequence:
            _check_sequence(sequence, target, facts, overwrite, what)
        elif facts is not None:
            if stat.S_ISDIR(facts.st_mode):
                raise OutputError(what, "it is a folder", "name a file inside it")
            if not stat.S_ISREG(facts.st_mode):
                raise OutputError(what, "it is a pipe or a device, not a file", "choose another name")
            if not overwrite:
                raise _exists(path)
            if not os.access(target, os.W_OK):
                raise OutputError(what, "it is write-protected", "choose another name or change its permissions")
    except OSError as error:
        raise writing_fault(path, error) from error
    except ValueError as error:
        raise OutputError("Cannot write", "the name holds a zero byte", "choose another name") from error
    return target


def _check_folder(folder: Path, what: str) -> None:
    try:
        is_folder = stat.S_ISDIR(folder.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise OutputError(what, f"there is no folder {folder.name or folder}", "make the folder first") from error
    if not is_folder:
        raise OutputError(what, f"{folder.name} is a file, not a folder", "choose another folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(
            what,
            f"you are not allowed to write into {folder.name or folder}",
            "choose another folder or change its permissions",
        )


SEQUENCE_SOUND = "sound.wav"
"""The sound's file beside the pictures of a sequence."""


def _check_sequence(
    sequence: PictureSequence, folder: Path, facts: os.stat_result, overwrite: bool, what: str
) -> None:
    """Refuse a folder that holds anything but an earlier run of the same sequence: it is replaced as a whole."""
    if not stat.S_ISDIR(facts.st_mode):
        raise OutputError(what, f"{folder.name} is a file, not a folder", "choose another folder")
    if folder == Path.cwd():
        raise OutputError(what, "the pictures need a folder of their own", "write to frames/%05d.png")
    there = [entry.name for entry in folder.iterdir()]
    for name in there:
        if sequence.index(name) is None and name != SEQUENCE_SOUND:
            raise OutputError(what, f"the folder holds other files ({shown(name)})", "choose a new folder")
    if there and not overwrite:
        raise _exists(folder)


def _beside(target: Path) -> Path:
    """A name in the target's folder that nobody has, short enough wherever the target's own is."""
    return target.with_name(f".stillwake-{secrets.token_hex(6)}.part")


def _sync(path: Path) -> None:
    """Have the bytes on the disk: a full network disk says so here, or never."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def whole_file(path: str | os.PathLike[str], overwrite: bool = False) -> Iterator[Path]:
    """A temporary file beside the target, empty, that takes its name when the block ends well.

    On any failure, Ctrl-C included, it is removed and the target is as it was.

    Raises
    ------
    stillwake.errors.OutputExistsError
        The target is there, or came to be meanwhile, and ``overwrite`` is False.
    stillwake.errors.OutputError
        It cannot be written; also when the block raises OSError because the disk is full.
    """
    path = Path(path)
    target = _target(path, overwrite)
    part = _beside(target)
    try:
        try:
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        except OSError as error:
            raise writing_fault(path, error) from error
        try:
            yield part
        except OSError as error:
            if error.errno in FULL:
                raise writing_fault(path, error) from error
            raise
        try:
            _sync(part)
            if overwrite:
                part.replace(target)
            else:
                _place_new(part, target)
        except FileExistsError as error:
            raise _exists(path) from error
        except OSError as error:
            raise writing_fault(path, error) from error
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _place_new(part: Path, target: Path) -> None:
    """Give the file its name unless somebody has taken it; FileExistsError then."""
    try:
        os.link(part, target)
    except OSError as error:
        if error.errno == errno.EEXIST:
            raise
        # No hard links here (FAT, some network disks): claim the name, then replace our own claim.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        part.replace(target)


@contextmanager
def whole_folder(path: str | os.PathLike[str], overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder that takes the place of a picture sequence's folder when the block ends well.

    Parameters
    ----------
    path
        The sequence, ``frames/%05d.png``.
    overwrite
        Whether an earlier sequence there may be replaced. It is, as a whole: no frame of it is left.

    Raises
    ------
    stillwake.errors.OutputExistsError
        The folder is there with pictures in it, and ``overwrite`` is False.
    stillwake.errors.OutputError
        It cannot be written, or the folder holds other things.
    """
    path = Path(path)
    target = _target(path, overwrite)
    part, old = _beside(target), _beside(target)
    try:
        try:
            part.mkdir()
        except OSError as error:
            raise writing_fault(path, error) from error
        try:
            yield part
        except OSError as error:
            if error.errno in FULL:
                raise writing_fault(path, error) from error
            raise
        _target(path, overwrite)  # somebody may have put something there meanwhile
        try:
            if overwrite and target.exists():
                target.rename(old)
            part.rename(target)
        except OSError as error:
            raise writing_fault(path, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def write_text(path: str | os.PathLike[str], text: str, overwrite: bool = False) -> None:
    """Write a text file in UTF-8, whole or not at all.

    Raises
    ------
    stillwake.errors.OutputError
        It cannot be written.
    """
    with whole_file(path, overwrite) as part:
        try:
            part.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise writing_fault(path, error) from error
