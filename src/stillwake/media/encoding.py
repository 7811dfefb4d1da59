"""Frames on their way into a file: drawn in the caller's thread, encoded in another, as often as a format asks.

A format that must see the frames before it can write them, a clip that runs several times over, and a file with a
size limit need the frames more than once. Whoever can draw them again hands over a function; of an iterator a
lossless copy is kept on the disk, so that memory stays flat.
"""

from __future__ import annotations

import math
import queue
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import numpy as np

from stillwake.errors import OutputError
from stillwake.media.containers import foreign_errors
from stillwake.media.files import shown, writing_fault
from stillwake.types import Pixels, Progress, Size

Frames = Iterator[Pixels] | Callable[[], Iterator[Pixels]]
"""The frames themselves, or a function that draws them anew each time it is called."""

QUEUE = 4
"""Frames between drawing and encoding: enough to even out both, 12 MB at 1080p."""

COPY_LEVEL = 1
"""zlib's level for the lossless copy, of which each frame is the difference to the one before."""

MOST_TRIES = 6
"""Encodings of one clip on the way to a size limit."""

AIM, ENOUGH = 0.92, 0.8
"""Shares of a size limit: what is aimed at, and what is good enough to stop."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what FFmpeg, Pillow and the system raise while writing into an OutputError."""
    try:
        yield
    except foreign_errors() as error:
        if isinstance(error, OSError) and error.errno:
            raise writing_fault(path, error) from error
        raise OutputError(
            f"Cannot write {shown(path)}", f"the encoder failed ({error})", "try another size"
        ) from error


# ------------------------------------------------------------------------------------------------------ drawn frames


class Takes:
    """The frames of a clip, checked, as often as they are wanted; as a context manager it leaves no copy.

    Parameters
    ----------
    frames
        As `write_clip` takes them.
    frame_count, size
        What was said about them.
    path
        The clip, for sentences.
    folder
        Where a copy may lie.
    again
        Whether they will be wanted more than once.
    """

    def __init__(self, frames: Frames, frame_count: int, size: Size, *, path: Path, folder: Path, again: bool) -> None:
        self.source, self.frame_count, self.size, self.path = frames, frame_count, size, path
        self.folder = folder
        self.copied = again and not callable(frames)
        self.copy: _Copy | None = None

    def __enter__(self) -> Self:
        drawn = self.source() if callable(self.source) else iter(self.source)
        begun = self._checked(drawn)
        first = next(begun)
        self.alpha = first.shape[2] == 4
        self.begun: Iterator[Pixels] | None = chain([first], begun)
        return self

    def __call__(self) -> Iterator[Pixels]:
        """All the frames, from the first on."""
        begun, self.begun = self.begun, None
        if begun is not None:
            return self._copying(begun) if self.copied else begun
        if self.copy is not None:
            return self.copy.frames()
        if callable(self.source):
            return self._checked(self.source())
        raise ValueError("these frames are to be had once")

    def _checked(self, frames: Iterator[Pixels]) -> Iterator[Pixels]:
        width, height = self.size
        shape = (height, width, 3)
        for index in range(self.frame_count):
            pixels = next(frames, None)
            if pixels is None:
                raise ValueError(f"there are only {index} of {self.frame_count} frames")
            if index == 0 and pixels.shape == (height, width, 4):
                shape = (height, width, 4)
            if pixels.shape != shape or pixels.dtype != np.uint8:
                raise ValueError(f"frame {index} must be {shape} uint8, not {pixels.shape} {pixels.dtype}")
            yield pixels
        if next(frames, None) is not None:
            raise ValueError(f"there are more than {self.frame_count} frames")

    def _copying(self, frames: Iterator[Pixels]) -> Iterator[Pixels]:
        with writing(self.path):
            self.copy = _Copy(self.folder)
        for pixels in frames:
            with writing(self.path):
                self.copy.add(pixels)
            yield pixels

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.begun = None
        if self.copy is not None:
            self.copy.file.close()


class _Copy:
    """Frames on the disk, lossless, in a file that has no name."""

    def __init__(self, folder: Path) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder, prefix=".stillwake-")  # noqa: SIM115  closed by Takes
        self.last: Pixels | None = None

    def add(self, pixels: Pixels) -> None:
        """Write the next frame."""
        step = pixels if self.last is None else pixels - self.last  # modulo 256, so nothing is lost
        packed = zlib.compress(step.tobytes(), COPY_LEVEL)
        self.file.write(len(packed).to_bytes(8, "big"))
        self.file.write(packed)
        self.last = pixels.copy()

    def frames(self) -> Iterator[Pixels]:
        """All of them, each valid until the next is asked for."""
        assert self.last is not None
        shape = self.last.shape
        self.file.seek(0)
        frame: Pixels = np.zeros(shape, np.uint8)
        while head := self.file.read(8):
            frame += np.frombuffer(zlib.decompress(self.file.read(int.from_bytes(head, "big"))), np.uint8).reshape(
                shape
            )
            yield frame


# ----------------------------------------------------------------------------------------------------- two threads


class Sink(Protocol):
    """Where frames go. ``take`` runs in the drawing thread, ``write`` in the encoding one."""

    def take(self, pixels: Pixels) -> Any:
        """A copy of the frame, in whatever form ``write`` wants."""

    def write(self, frames: Iterator[Any]) -> None:
        """Encode what ``take`` gave, frame by frame, and complete the file."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _AbandonedError(Exception):
    """Drawing has failed: there are no more frames, and the file shall not be completed."""


class _Encoding:
    """A thread that writes frames to a sink, fed through a short queue; as a context manager it leaves no thread."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.frames: queue.Queue[Any] = queue.Queue(QUEUE)
        self.failure: BaseException | None = None
        self.abandoned = self.emptied = False
        self.thread = threading.Thread(target=self._write, name="stillwake encoder", daemon=True)

    def _write(self) -> None:
        try:
            self.sink.write(self._arriving())
        except BaseException as failure:  # whatever it is, it is raised again in the drawing thread
            self.failure = failure
        # After a failure the queue is still emptied, so that the drawing thread never waits for ever.
        while not self.emptied:
            self.emptied = self.frames.get() is None

    def _arriving(self) -> Iterator[Any]:
        while (taken := self.frames.get()) is not None:
            if self.abandoned:
                break
            yield taken
        else:
            self.emptied = True
        if self.abandoned:
            raise _AbandonedError

    def put(self, pixels: Pixels) -> None:
        """Hand a frame over, waiting while the queue is full; raises what the encoder raised."""
        taken = self.sink.take(pixels)
        if self.failure is not None:
            raise self.failure
        self.frames.put(taken)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandoned = kind is not None
        try:
            self.frames.put(None)
            self.thread.join()
        except BaseException:  # Ctrl-C while the file is being completed
            self.abandoned = True
            self.frames.put(None)
            self.thread.join()
            raise
        if kind is None and self.failure is not None:
            raise self.failure


def encode(sink: Sink, frames: Iterator[Pixels], stage: str, total: int, on_progress: Progress) -> None:
    """Write all frames to a sink.

    Parameters
    ----------
    sink
        Where to; opened and closed here.
    frames
        Drawn in this thread.
    stage, total, on_progress
        ``on_progress(stage, done, total)`` is called after each frame.
    """
    with sink, _Encoding(sink) as encoding:
        for done, pixels in enumerate(frames, 1):
            encoding.put(pixels)
            on_progress(stage, done, total)


# ------------------------------------------------------------------------------------------------------- a size limit


def fit(
    part: Path,
    max_bytes: int | None,
    attempt: Callable[[Path, float], None],
    *,
    losses: tuple[float, float],
    halving: float,
    what: str,
) -> None:
    """Write a file that is at most so large, and no smaller than it must be.

    Parameters
    ----------
    part
        The file.
    max_bytes
        Its limit, or None.
    attempt
        Writes a file with a loss; a greater loss makes a smaller file.
    losses
        The least loss, which is tried first, and the greatest that is tried; equal where nothing can be given up.
    halving
        The loss that about halves a file: the first guess, replaced by what is measured.
    what
        What the person wanted, for the sentence.

    Raises
    ------
    stillwake.errors.OutputError
        Even with the greatest loss the file is larger.
    """
    least, greatest = losses
    attempt(part, least)
    size = part.stat().st_size
    if max_bytes is None or size <= max_bytes:
        return
    trial = part.with_suffix(".trial")
    over: tuple[float, int] = (least, size)
    under: tuple[float, int] | None = None
    kept, smallest, slope = 0, size, 1 / halving
    try:
        for number in range(1, MOST_TRIES if greatest > least else 1):
            loss = over[0] + math.log2(over[1] / (AIM * max_bytes)) / slope
            if under is not None:
                edge = (under[0] - over[0]) / 10
                loss = min(max(loss, over[0] + edge), under[0] - edge)
            elif number == MOST_TRIES - 1:
                loss = greatest
            loss = min(loss, greatest)
            attempt(trial, loss)
            size = trial.stat().st_size
            smallest = min(smallest, size)
            other = over
            if size <= max_bytes:
                under = (loss, size)
                if size > kept:
                    kept = size
                    trial.replace(part)
                if size >= ENOUGH * max_bytes:
                    break
            else:
                over = (loss, size)
                if loss == greatest:
                    break
            # Next time along the line through the two that enclose the limit, or through the last two.
            there = under or (loss, size)
            base = over if under else other
            if there[0] > base[0]:
                slope = max(math.log2(base[1] / there[1]) / (there[0] - base[0]), 0.1 / halving)
    finally:
        trial.unlink(missing_ok=True)
    if not kept:
        raise OutputError(
            what,
            f"the smallest it can be is {amount(smallest)} and the limit is {amount(max_bytes)}",
            "make it shorter, slower or smaller (--size)",
        )


def amount(count: int) -> str:
    """Bytes in words, rounded: ``"1.4 MB"``, in thousands as size limits are."""
    for unit, name in ((10**6, "MB"), (10**3, "KB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"
