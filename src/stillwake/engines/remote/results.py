"""What came: fetched into a part file, proven whole by decoding every frame once, then given its name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from stillwake.errors import InputError, OutputError

__all__ = ["DamagedError", "kept", "proven"]

SMALLEST = 256
"""Bytes; no clip is smaller."""
FULL = (28, 122)
"""ENOSPC, EDQUOT."""


class DamagedError(Exception):
    """What came is no clip, or not a whole one; the message says why, a clause."""


def kept(target: Path, fetch: Callable[[BinaryIO], str]) -> str:
    """Fetch a clip to where it is to be kept; gives its sha256.

    Parameters
    ----------
    target
        Where; its ending says the format.
    fetch
        Writes the bytes to an open file, and gives their content type.

    Raises
    ------
    DamagedError
        What came is no whole clip; nothing is left of it.
    stillwake.errors.OutputError
        The disk is full, or it cannot be written.
    """
    part = target.with_name(f".{target.stem}.{uuid.uuid4().hex[:8]}{target.suffix}")
    try:
        with part.open("wb") as file:
            Path(part).chmod(0o600)
            kind = fetch(file)
            file.flush()
            os.fsync(file.fileno())
        digest = proven(part, kind)
        part.replace(target)
    except OSError as error:
        raise OutputError(
            f"Cannot keep the clip in {target.parent}", (error.strerror or type(error).__name__).lower(),
            "free the disk; the job is kept, and the same command goes on" if error.errno in FULL
            else "look at the folder",
        ) from error  # fmt: skip
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return digest


def proven(path: Path, kind: str = "") -> str:
    """The sha256 of a clip whose every frame was decoded.

    Raises
    ------
    DamagedError
        It is none, or not whole.
    """
    from stillwake.media import open_clip

    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(512)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if head.lstrip()[:1] == b"<" or kind.startswith(("text/", "application/json", "application/xml")):
        raise DamagedError("a page came instead of a clip")
    if size < SMALLEST:
        raise DamagedError(f"only {size} bytes came")
    try:
        open_clip(path)
        _decoded(path)
    except InputError as error:
        raise DamagedError(error.why) from None
    return digest


def _decoded(path: Path) -> None:
    """Decode every frame of a clip; they are not converted, which would take twice as long again.

    Raises
    ------
    stillwake.errors.ClipError
        One cannot be.
    """
    from stillwake.errors import ClipError
    from stillwake.media import read_frames
    from stillwake.media.containers import foreign_errors, opened_container
    from stillwake.media.moving_pictures import is_moving_picture
    from stillwake.media.video import film_stream

    if is_moving_picture(path):
        for _ in read_frames(path):
            pass
        return
    frames = packets = 0
    foreign = foreign_errors()
    with opened_container(path, "Cannot read it", ClipError, "a video", animated=True) as opened:
        stream = film_stream(opened, "Cannot read it")
        try:
            for packet in opened.container.demux(stream):
                packets += bool(packet.size and not packet.is_discard)
                for frame in stream.decode(packet):
                    if frame.is_corrupt:
                        raise ClipError("Cannot read it", f"frame {frames} is damaged", "fetch it again")
                    frames += 1
        except foreign as error:
            raise ClipError("Cannot read it", f"it is damaged near frame {frames}", "fetch it again") from error
    if frames < packets:
        raise ClipError("Cannot read it", f"only {frames} of {packets} frames can be decoded", "fetch it again")


def untouched(path: Path | None, sha256: str | None) -> bool:
    """Whether a kept clip is there as it was kept."""
    if path is None or sha256 is None:
        return False
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False
