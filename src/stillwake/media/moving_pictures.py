"""Moving pictures read: WebP and APNG, whose times FFmpeg does not read or not exactly; Pillow decodes them.

Their times are read from the file's own chunks, without decoding. GIF and AVIF are read as films are.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Generator
from dataclasses import dataclass
from fractions import Fraction
from io import BufferedReader
from pathlib import Path

import numpy as np

from stillwake.errors import ClipError
from stillwake.media.containers import LONGEST_SECONDS, MOST_PIXELS
from stillwake.media.files import opened_input, shown
from stillwake.media.kinds import HEAD, kind_of
from stillwake.media.stills import damage, picture_errors, silence
from stillwake.types import Pixels, Size

LARGEST_FILE = 512 * 2**20
"""Bytes: Pillow reads a WebP into memory as a whole."""

UNSAID = Fraction(1, 10)
"""Seconds of a frame that says 0, as browsers show it."""

_APNG = re.compile(rb"\x89PNG\r\n\x1a\n.*?acTL", re.DOTALL)
"""A PNG that is animated says so before its pixels."""


@dataclass(frozen=True, slots=True)
class MovingPicture:
    """What the chunks of an animation say.

    ``size``; ``lasting`` each frame's seconds; ``exact`` whether these are exact, not rounded to milliseconds;
    ``skipped`` how many pictures Pillow shows before the first frame.
    """

    size: Size
    lasting: tuple[Fraction, ...]
    exact: bool
    skipped: int = 0


def is_moving_picture(path: str | os.PathLike[str]) -> bool:
    """Whether a clip is a WebP or an animated PNG, by its first bytes: FFmpeg does not read these, Pillow does.

    Raises
    ------
    stillwake.errors.ClipError
        The file does not open.
    """
    with opened_input(path, f"Cannot open {shown(path)}", ClipError, 2**63) as file:
        head = file.read(HEAD)
    return kind_of(head) == "a WebP picture" or _APNG.match(head) is not None


def is_animation(path: str | os.PathLike[str]) -> bool:
    """Whether a clip is a WebP, an animated PNG or an AVIF: FFmpeg tells their frames' times wrong or not at all.

    Raises
    ------
    stillwake.errors.ClipError
        The file does not open.
    """
    with opened_input(path, f"Cannot open {shown(path)}", ClipError, 2**63) as file:
        head = file.read(HEAD)
    return kind_of(head) in ("a WebP picture", "an AVIF picture") or _APNG.match(head) is not None


def looked_through(path: Path, what: str) -> MovingPicture:
    """The size and the times of a WebP or APNG.

    Raises
    ------
    stillwake.errors.ClipError
        It holds one picture only, is damaged, cut off, too long or too large.
    """
    with opened_input(path, what, ClipError, LARGEST_FILE) as file:
        try:
            head = file.read(4)
            found = _webp(file, what) if head == b"RIFF" else _apng(file, what)
        except (struct.error, IndexError) as error:
            raise ClipError(what, "it is damaged or cut off", "export it again") from error
    width, height = found.size
    if width * height > MOST_PIXELS:
        raise ClipError(what, f"its frames are {width} × {height} px", "make it smaller")
    if width * height == 0:
        raise ClipError(what, "it is damaged", "export it again")
    if sum(found.lasting) > LONGEST_SECONDS:
        raise ClipError(what, f"it is longer than {LONGEST_SECONDS // 3600} hours", "cut it")
    return found


def _cut_off(what: str) -> ClipError:
    return ClipError(what, "it is cut off: the file ends before the pictures do", "copy, export or download it again")


def _webp(file: BufferedReader, what: str) -> MovingPicture:
    """RFC 9649, sections 2.3 to 2.7."""
    end = file.seek(0, os.SEEK_END)
    file.seek(4)
    whole = 8 + struct.unpack("<I", file.read(4))[0]
    if whole > end:
        raise _cut_off(what)
    place, size, lasting = 12, (0, 0), []
    while place + 8 <= whole:
        file.seek(place)
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"VP8X":
            data = file.read(10)
            size = int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
        elif name == b"ANMF":
            milliseconds = int.from_bytes(file.read(16)[12:15], "little")
            lasting.append(Fraction(milliseconds, 1000) or UNSAID)
        place += 8 + length + (length & 1)
    if place > whole + 1:
        raise _cut_off(what)
    if not lasting:
        raise ClipError(what, "it is a WebP picture, not a video", "name a video")
    return MovingPicture(size, tuple(lasting), exact=False)


def _apng(file: BufferedReader, what: str) -> MovingPicture:
    """PNG, third edition, sections 5.3 and 11.3.6."""
    end = file.seek(0, os.SEEK_END)
    place, size, lasting, said, skipped = 8, (0, 0), [], 0, 0
    while True:
        file.seek(place)
        if place + 12 > end:
            raise _cut_off(what)
        length, name = struct.unpack(">I4s", file.read(8))
        if name == b"IEND":
            break
        if name == b"IHDR":
            size = struct.unpack(">II", file.read(8))
        elif name == b"acTL":
            said = struct.unpack(">I", file.read(4))[0]
        elif name == b"fcTL":
            above, below = struct.unpack(">HH", file.read(26)[20:24])
            lasting.append(Fraction(above, below or 100) or UNSAID)
        elif name == b"IDAT" and not lasting:
            skipped = 1
        place += 12 + length
    if not lasting or len(lasting) != said:
        raise ClipError(what, f"only {len(lasting)} of its {said} frames are there", "export it again")
    return MovingPicture(size, tuple(lasting), exact=True, skipped=skipped)


def pictures(path: Path, found: MovingPicture, what: str) -> Generator[Pixels, None, None]:
    """Every frame in order, (H, W, 3) uint8 RGB, without its transparency.

    Raises
    ------
    stillwake.errors.ClipError
        It is damaged; raised where the damage is, after the frames before it.
    """
    from PIL import Image

    foreign = picture_errors()
    with opened_input(path, what, ClipError, LARGEST_FILE) as file:
        try:
            with silence():
                image = Image.open(file, formats=("WEBP", "PNG"))
        except foreign as error:
            raise ClipError(what, damage(error), "export it again") from error
        with image:
            for index in range(len(found.lasting)):
                try:
                    with silence():
                        image.seek(index + found.skipped)
                        pixels = np.array(image.convert("RGB"))
                except foreign as error:
                    raise ClipError(
                        what, f"frame {index} does not decode ({damage(error)})", "export it again"
                    ) from error
                if pixels.shape[1::-1] != found.size:
                    raise ClipError(what, "it is damaged", "export it again")
                yield pixels
