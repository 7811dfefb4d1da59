"""Moving pictures written: GIF, APNG, WebP and AVIF.

GIF and APNG are put together here, frame by frame, since Pillow would hold all frames in memory and has no exact
times; of either, only what changed is written. WebP and AVIF are Pillow's.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from stillwake.errors import OutputError
from stillwake.media.encoding import writing
from stillwake.media.files import shown
from stillwake.types import Pixels, Size

if TYPE_CHECKING:
    from PIL import Image

MOST_COLOURS = 255
"""Colours of a GIF; the 256th is the transparent one."""

FEWEST_COLOURS = 3

SAMPLED_FRAMES = 24
"""Frames a GIF's palette is made from, evenly spaced."""

SAMPLED_PIXELS = 2**17
"""Pixels of all those frames together."""

SETTLED = 50
"""A palette is done when no more than one pixel in so many still changes its colour."""

BAYER = 8
"""Side of the dither's tile: 64 thresholds."""

TABLE_BITS = 6
"""Bits a channel of the table that finds a colour's place in the palette."""

PNG_LEVEL = 6
"""zlib's level for APNG, which is made to be sent."""

WEBP_QUALITY, AVIF_QUALITY = 85, 75
"""The qualities that are tried first: WebP's as we found it clean, AVIF's as Pillow has it."""

WEBP_METHOD = 4

AVIF_THREADS = 4
"""Fixed, since how libavif divides a picture depends on it: the same frames give the same file on every machine."""

AVIF_SPEED = 8
"""Of 0 to 10."""

TICKS = 1000
"""Ticks a frame lasts in AVIF, times its rate's denominator: fine enough to be read back exactly."""


# -------------------------------------------------------------------------------------------------------------- GIF


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """The colours of a whole GIF, and how a pixel finds its own: by its colour and its place alone.

    ``colours`` (N, 3) uint8; ``table`` the place of the nearest of them by the first `TABLE_BITS` of each channel;
    ``dither`` (`BAYER`, `BAYER`) int16, what is added to a pixel's channels before it looks.
    """

    colours: Pixels
    table: Pixels
    dither: npt.NDArray[np.int16]

    @classmethod
    def of(cls, sample: Pixels, most: int) -> Self:
        """A palette of at most so many colours for these pixels, (N, 3) uint8."""
        from PIL import Image

        own = np.unique(sample, axis=0)
        if len(own) <= most:
            return cls(own, _nearest(own), np.zeros((BAYER, BAYER), np.int16))
        settled = len(sample) // SETTLED
        reduced = Image.fromarray(sample[None]).quantize(
            most, Image.Quantize.MEDIANCUT, kmeans=settled, dither=Image.Dither.NONE
        )
        colours = np.unique(np.array(reduced.getpalette("RGB"), np.uint8).reshape(-1, 3)[:most], axis=0)
        # As far apart as neighbouring colours lie: then a tone between two is made of both, and no third joins in.
        apart = colours[:, None].astype(np.int32) - colours[None]
        squares = (apart**2).sum(axis=2)
        np.fill_diagonal(squares, 3 * 256**2)
        spread = float(np.sqrt(squares.min(axis=1) / 3).mean()) if len(colours) > 1 else 0.0
        return cls(colours, _nearest(colours), np.rint(_bayer() * spread).astype(np.int16))

    def places(self, pixels: Pixels) -> Pixels:
        """Each pixel's place in the palette, (H, W) uint8, of (H, W, 3) uint8."""
        height, width = pixels.shape[:2]
        seen = pixels.astype(np.int16)
        if self.dither.any():
            seen += np.tile(self.dither, (-(-height // BAYER), -(-width // BAYER)))[:height, :width, None]
            np.clip(seen, 0, 255, out=seen)
        cells = (seen >> (8 - TABLE_BITS)).astype(np.int32)
        found: Pixels = self.table[cells[..., 0] << 2 * TABLE_BITS | cells[..., 1] << TABLE_BITS | cells[..., 2]]
        return found


def _nearest(colours: Pixels) -> Pixels:
    """The nearest colour's place for the middle of each cell of the colour cube."""
    side = 1 << TABLE_BITS
    steps = (np.arange(side) + 0.5) * (256 / side) - 0.5
    palette = colours.astype(np.float32)
    found = np.empty(side**3, np.uint8)
    blue = np.stack([np.zeros(side * side), np.repeat(steps, side), np.tile(steps, side)], axis=1).astype(np.float32)
    for index, red in enumerate(steps):  # a slice at a time: 4 MB
        blue[:, 0] = red
        # Without the pixel's own square, which is the same for every colour.
        far = (palette**2).sum(axis=1) - 2 * blue @ palette.T
        found[index * side * side : (index + 1) * side * side] = far.argmin(axis=1)
    return found


def _bayer() -> npt.NDArray[np.float64]:
    """Bayer's thresholds, from -½ to ½, their mean 0."""
    order = np.zeros((1, 1))
    while len(order) < BAYER:
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    return (order + 0.5) / BAYER**2 - 0.5


class Sampler:
    """Pixels of frames evenly spaced in a clip."""

    def __init__(self, frame_count: int, size: Size) -> None:
        self.every = max(1, frame_count // SAMPLED_FRAMES)
        taken = -(-frame_count // self.every)
        self.step = max(1, size[0] * size[1] * taken // SAMPLED_PIXELS) | 1  # odd, so that it leaves no column out
        self.parts: list[Pixels] = []

    def look(self, index: int, pixels: Pixels) -> None:
        """Note some pixels of the frame, if it is one of those to be looked at."""
        if index % self.every == 0:
            flat = pixels.reshape(-1, pixels.shape[2])[:: self.step]
            self.parts.append(flat[flat[:, 3] >= 128, :3] if flat.shape[1] == 4 else flat.copy())

    @property
    def pixels(self) -> Pixels:
        """All of them, (N, 3); one black one where everything was transparent."""
        found = np.concatenate(self.parts)
        return found if len(found) else np.zeros((1, 3), np.uint8)


class _Whole:
    """What sinks that write their file in one go have in common: nothing to open or to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing: the file itself is removed by whoever made it."""

    def take(self, pixels: Pixels) -> Pixels:
        """A copy of the frame."""
        return pixels.copy()


class Gif(_Whole):
    """A GIF being written: one palette, unchanged pixels left out, its length exact to a hundredth of a second."""

    def __init__(self, part: Path, path: Path, size: Size, fps: Fraction, *, palette: Palette, loop: bool) -> None:
        self.part, self.path, self.size, self.fps, self.palette, self.loop = part, path, size, fps, palette, loop

    def write(self, frames: Iterator[Pixels]) -> None:
        """Encode all frames (GIF89a, sections 17 to 27)."""
        width, height = self.size
        clear = len(self.palette.colours)
        bits = max(1, clear.bit_length())  # so that 2 ** bits > clear
        table = self.palette.colours.tobytes().ljust(3 << bits, b"\0")
        last: Pixels | None = None
        ended = 0
        with self.part.open("wb") as file:
            with writing(self.path):
                file.write(b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80 | (bits - 1) << 4 | bits - 1, 0, 0))
                file.write(table)
                if self.loop:
                    file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")
            for index, frame in enumerate(frames):
                until = round(100 * (index + 1) / self.fps)
                delay, ended = until - ended, until
                places = self.palette.places(frame[..., :3])
                if frame.shape[2] == 4:
                    # What was seen may have to vanish: each frame is whole and cleared away before the next.
                    places[frame[..., 3] < 128] = clear
                    left, top, picture, disposal = 0, 0, places, 2
                elif last is None:
                    left, top, picture, disposal = 0, 0, places, 1
                else:
                    left, top, picture = _changed(places, last, clear)
                    disposal = 1
                last = places
                with writing(self.path):
                    file.write(struct.pack("<4BHBB", 0x21, 0xF9, 4, disposal << 2 | 1, min(delay, 65_535), clear, 0))
                    file.write(struct.pack("<BHHHHB", 0x2C, left, top, picture.shape[1], picture.shape[0], 0))
                    file.write(_packed(picture))
            with writing(self.path):
                file.write(b"\x3b")


def _changed(places: Pixels, last: Pixels, clear: int) -> tuple[int, int, Pixels]:
    """Left, top and pixels of the part that differs from the last frame; what does not differ in it is clear."""
    differs = places != last
    left, top, right, bottom = _bounds(differs)
    return left, top, np.where(differs, places, np.uint8(clear))[top:bottom, left:right]


def _bounds(differs: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom around all that is true; the first pixel where nothing is."""
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        return 0, 0, 1, 1
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _packed(picture: Pixels) -> bytes:
    """A GIF picture's data: LZW with codes from 8 bits on, in blocks."""
    from PIL import Image

    return b"\x08" + Image.fromarray(np.ascontiguousarray(picture)).tobytes("gif", "L", 8, 0) + b"\0"


# ------------------------------------------------------------------------------------------------------------- APNG


class Apng(_Whole):
    """An APNG being written, lossless, each frame exactly as long as its rate says."""

    def __init__(
        self, part: Path, path: Path, size: Size, fps: Fraction, *, frame_count: int, alpha: bool, loop: bool
    ) -> None:
        self.part, self.path, self.size, self.fps = part, path, size, fps
        self.frame_count, self.alpha, self.loop = frame_count, alpha, loop

    def write(self, frames: Iterator[Pixels]) -> None:
        """Encode all frames (PNG, third edition, sections 11.2 and 11.3.6)."""
        width, height = self.size
        last: Pixels | None = None
        number = 0
        with self.part.open("wb") as file:
            with writing(self.path):
                file.write(b"\x89PNG\r\n\x1a\n")
                file.write(_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6 if self.alpha else 2, 0, 0, 0)))
                file.write(_chunk(b"acTL", struct.pack(">II", self.frame_count, 0 if self.loop else 1)))
            for frame in frames:
                left, top, right, bottom = (
                    (0, 0, width, height) if last is None else _bounds((frame != last).any(axis=2))
                )
                data = _png_data(frame[top:bottom, left:right])
                place = right - left, bottom - top, left, top
                seconds = self.fps.denominator, self.fps.numerator
                with writing(self.path):
                    file.write(_chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, *place, *seconds, 0, 0)))
                    if last is None:
                        file.write(_chunk(b"IDAT", data))
                    else:
                        number += 1
                        file.write(_chunk(b"fdAT", struct.pack(">I", number) + data))
                number += 1
                last = frame
            with writing(self.path):
                file.write(_chunk(b"IEND", b""))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _png_data(picture: Pixels) -> bytes:
    """The compressed pixels of a PNG without what is around them."""
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(held, "PNG", compress_level=PNG_LEVEL)
    data, place = held.getvalue(), 8
    found = b""
    while place < len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        if name == b"IDAT":
            found += data[place + 8 : place + 8 + length]
        place += 12 + length
    return found


# ---------------------------------------------------------------------------------------------------- WebP and AVIF


class _Reel:
    """Frames that arrive one by one, in the shape of an image with pages, as Pillow's writers look through it."""

    def __init__(self, frames: Iterator[Pixels], count: int) -> None:
        self.frames, self.n_frames = frames, count
        self.page: Image.Image | None = None

    def seek(self, page: int) -> None:
        """Go on to the next frame; Pillow asks for each once, in order."""
        from PIL import Image

        self.page = Image.fromarray(next(self.frames))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.page, name)


def _save(part: Path, path: Path, frames: Iterator[Pixels], frame_count: int, kind: str, **options: Any) -> None:
    from PIL import Image

    first = Image.fromarray(next(frames))
    with writing(path):
        try:
            first.save(part, kind, save_all=True, append_images=[_Reel(frames, frame_count - 1)], **options)
        except RuntimeError as error:  # what Pillow makes of whatever its encoders refuse
            raise ValueError(str(error)) from error


class WebP(_Whole):
    """An animated WebP being written; its frames begin at the nearest millisecond."""

    def __init__(self, part: Path, path: Path, fps: Fraction, *, frame_count: int, quality: int, loop: bool) -> None:
        self.part, self.path, self.fps, self.frame_count = part, path, fps, frame_count
        self.quality, self.loop = quality, loop

    def write(self, frames: Iterator[Pixels]) -> None:
        """Encode all frames."""
        ends = [round(1000 * index / self.fps) for index in range(self.frame_count + 1)]
        _save(
            self.part, self.path, frames, self.frame_count, "WEBP",
            duration=np.diff(ends).tolist(), loop=0 if self.loop else 1, quality=self.quality, method=WEBP_METHOD,
        )  # fmt: skip
        with writing(self.path):
            _set_in_motion(self.part, ends[-1], self.loop)


def _set_in_motion(part: Path, milliseconds: int, loop: bool) -> None:
    """Make an animation of one frame of the still that libwebp makes of frames all alike (RFC 9649, section 2.7)."""
    from PIL import Image

    data = part.read_bytes()
    if b"ANIM" in (data[12:16], data[30:34]):
        return
    with Image.open(io.BytesIO(data)) as image:
        (width, height), alpha = image.size, image.mode == "RGBA"
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    picture = data[30:] if data[12:16] == b"VP8X" else data[12:]
    frame = bytes(6) + sides + milliseconds.to_bytes(3, "little") + b"\0" + picture
    flags = 0x02 | (0x10 if alpha else 0)
    chunks = b"VP8X" + struct.pack("<IB3x", 10, flags) + sides
    chunks += b"ANIM" + struct.pack("<IIH", 6, 0, 0 if loop else 1)
    chunks += b"ANMF" + struct.pack("<I", len(frame)) + frame + bytes(len(frame) & 1)
    part.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks)


class Avif(_Whole):
    """An animated AVIF being written."""

    def __init__(self, part: Path, path: Path, fps: Fraction, *, frame_count: int, quality: int, loop: bool) -> None:
        self.part, self.path, self.fps, self.frame_count = part, path, fps, frame_count
        self.quality, self.loop = quality, loop

    def write(self, frames: Iterator[Pixels]) -> None:
        """Encode all frames, then put right what Pillow has no option for."""
        _save(
            self.part, self.path, frames, self.frame_count, "AVIF",
            duration=TICKS * self.fps.denominator, quality=self.quality, speed=AVIF_SPEED, max_threads=AVIF_THREADS,
        )  # fmt: skip
        with writing(self.path):
            _set_clock(self.part, TICKS * self.fps.numerator, self.loop, f"Cannot write {shown(self.path)}")


def _set_clock(part: Path, ticks: int, loop: bool, what: str) -> None:
    """Give an AVIF its ticks a second instead of Pillow's 1000, no date, and how often it runs (ISO 14496-12)."""
    with part.open("r+b") as file:
        place = 0
        while len(head := file.read(8)) == 8:
            length, name = struct.unpack(">I4s", head)
            if name == b"moov":
                break
            place += length
            file.seek(place)
        else:
            raise OutputError(what, "the encoder wrote no animation", "write .webp instead")
        boxes = bytearray(file.read(length - 8))
        lasting = _duration(boxes)
        for name, at in _boxes(boxes, 0, len(boxes)):
            # All of version 1, which libavif always writes: dates and durations of 64 bits.
            if name in (b"mvhd", b"mdhd", b"tkhd"):
                boxes[at + 4 : at + 20] = bytes(16)
            if name in (b"mvhd", b"mdhd"):
                struct.pack_into(">I", boxes, at + 20, ticks)
            if name in (b"mvhd", b"tkhd") and not loop:
                struct.pack_into(">Q", boxes, at + (24 if name == b"mvhd" else 28), lasting)
            if name == b"elst" and not loop:
                boxes[at + 3] = 0
        file.seek(place + 8)
        file.write(boxes)


def _duration(boxes: bytearray) -> int:
    """Ticks the frames last, by the first track's media header."""
    at = next(at for name, at in _boxes(boxes, 0, len(boxes)) if name == b"mdhd")
    return int(struct.unpack_from(">Q", boxes, at + 24)[0])


def _boxes(data: bytearray, start: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Name of each box and where its contents start, those inside the boxes of a movie as well."""
    while start + 8 <= end:
        length, name = struct.unpack_from(">I4s", data, start)
        yield name, start + 8
        if name in (b"trak", b"mdia", b"edts"):
            yield from _boxes(data, start + 8, start + length)
        start += max(8, length)
