"""Pictures in: one file -> one `Still`, upright, in sRGB, or one sentence that says why not.

Everything is checked from the header first: a 20 KB file can claim 160 megapixels. A file is read once, into
memory; what is hashed is what is decoded.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import struct
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from stillwake.errors import StillError
from stillwake.media.files import opened_input, shown
from stillwake.media.kinds import HEAD, kind_of
from stillwake.types import Pixels, Still

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "TIFF")
"""Pillow's names of what is opened; the rest of its decoders are never tried on a stranger's file."""

NAMES = "PNG, JPEG, WebP, AVIF, BMP or TIFF"

LARGEST_FILE = 64 * 2**20
"""Bytes."""

MOST_PIXELS = 50_000_000
"""Pixels. Cameras of 2026 make 45 to 50 megapixels; decoded, that is 150 MB."""

SMALLEST_SIDE = 64
"""px: what a face itself needs at least, so no smaller picture can hold one."""

LONGEST_SIDE = 32_766
"""px: OpenCV's remap, which moves the picture, counts in 16 bit."""

_one_at_a_time = threading.Lock()
"""Warnings, logging and the standard error stream belong to the whole process."""


def open_still(path: str | os.PathLike[str]) -> Still:
    """The picture: upright (EXIF), converted to sRGB (embedded profile), 8 bit, read-only.

    Transparent parts are laid on white, as a browser shows them, and the alpha is kept beside. What opening
    changed stands in `Still.notes`.

    Raises
    ------
    stillwake.errors.StillError
        Not a picture of the six formats, damaged, cut off, an animation, too small, too large, or not readable.
    """
    what = f"Cannot open {shown(path)}"
    with opened_input(path, what, StillError, LARGEST_FILE) as file:
        try:
            data = file.read(LARGEST_FILE + 1)
        except OSError as error:
            raise StillError(
                what, f"the disk cannot read it ({error.strerror})", "copy it and try the copy"
            ) from error
    _check_kind(data, what)
    with silence():
        try:
            pixels, alpha, notes = _decoded(data, what)
        except StillError:
            raise
        except picture_errors() as error:
            raise StillError(what, damage(error), "export or download it again") from error
    return Still(
        pixels=pixels, alpha=alpha, name=shown(path), sha256=hashlib.sha256(data).hexdigest(), notes=tuple(notes)
    )


def read_png(path: str | os.PathLike[str], limit: int) -> tuple[Pixels, dict[str, str]]:
    """The pixels of a PNG, (H, W, 3) uint8 as they are, and its texts by their keys.

    Raises
    ------
    stillwake.errors.StillError
        It is no PNG, damaged, larger than ``limit`` bytes or 50 megapixels, or not readable.
    """
    from PIL import Image

    what = f"Cannot open {shown(path)}"
    with opened_input(path, what, StillError, limit) as file, silence():
        try:
            with Image.open(file, formats=("PNG",)) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise StillError(what, f"it is {image.width} × {image.height} px", "make it smaller")
                pixels = np.array(image.convert("RGB"))
                return pixels, dict(getattr(image, "text", {}))
        except picture_errors() as error:
            raise StillError(what, damage(error), "write it again") from error


def picture_errors() -> tuple[type[Exception], ...]:
    """What Pillow raises for a damaged file: its parsers let Python's own errors through."""
    from PIL import Image, ImageCms

    return (
        OSError, SyntaxError, ValueError, TypeError, ArithmeticError, LookupError, EOFError, MemoryError,
        NotImplementedError, AttributeError, RuntimeError, struct.error,
        Image.DecompressionBombError, ImageCms.PyCMSError,
    )  # fmt: skip


def damage(error: Exception) -> str:
    """Why a picture did not decode, from what Pillow said."""
    said = str(error)
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    if "truncated" in said or "not enough" in said.lower() or isinstance(error, EOFError):
        return "it is cut off: the file ends before the picture does"
    return "it is damaged"


@contextmanager
def silence() -> Iterator[None]:
    """Keep Pillow from warning and logging about what becomes a note or an error of ours."""
    logger, handler = logging.getLogger("PIL"), logging.NullHandler()
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)


@contextmanager
def _decoder_heard() -> Iterator[list[str]]:
    """What libtiff and dav1d print meanwhile: they write to the process's own error stream and often go on after."""
    said: list[str] = []
    try:
        kept = os.dup(2)
        file = tempfile.TemporaryFile()  # noqa: SIM115  closed below; not to be had, it is done without
    except OSError:  # no error stream, or no room to write down what goes there
        yield said
        return
    try:
        os.dup2(file.fileno(), 2)
        yield said
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        with file:
            file.seek(0)
            said += file.read(10_000).decode("utf-8", "replace").splitlines()


_LOST_PIXELS = re.compile(r"(\w*(Decode|Fill)\w*|JPEGLib|tempfile\.tif): ")
"""How libtiff begins what it says about pixels it could not decode; of odd tags it says other things."""


def _check_kind(data: bytes, what: str) -> None:
    """Refuse by the first bytes what is not one of the six formats, and name it."""
    head = data[:HEAD]
    kind = kind_of(head)
    if kind in ("a PNG picture", "a JPEG picture", "a WebP picture", "an AVIF picture", "a BMP picture"):
        pass
    elif kind == "a TIFF picture":
        if head[8:10] == b"CR":
            raise StillError(what, "it is a camera's raw file", "develop it to JPEG or PNG first")
    elif kind in ("a GIF", "a video"):
        raise StillError(what, f"it is {kind}, not a still", "save one frame of it as PNG and open that")
    elif kind == "an SVG drawing":
        raise StillError(what, "it is an SVG drawing, which has no pixels", "export it as PNG")
    else:
        why = f"it is {kind}" if kind else "it is not a picture"
        raise StillError(what, why, f"give a picture as {NAMES}")
    if kind == "a WebP picture" and (size := _webp_size(head)):
        # Pillow's decoder takes the memory for the whole canvas when it opens the file.
        _check_size(size, what)


def _webp_size(head: bytes) -> tuple[int, int] | None:
    """(width, height) of a WebP by its header (RFC 9649, sections 2.5 to 2.7), or None."""
    if len(head) < 30:
        return None
    chunk = head[12:16]
    if chunk == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _check_size(size: tuple[int, int], what: str) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        raise StillError(
            what,
            f"it is {width} × {height} px, {width * height / 1e6:.0f} megapixels, and the limit is "
            f"{MOST_PIXELS / 1e6:.0f}",
            "make it smaller",
        )
    if min(size) < SMALLEST_SIDE:
        raise StillError(
            what, f"it is {width} × {height} px and each side must be at least {SMALLEST_SIDE}", "use a larger picture"
        )
    if max(size) > LONGEST_SIDE:
        raise StillError(what, f"it is {width} × {height} px and the limit is {LONGEST_SIDE} a side", "crop it")


def _decoded(data: bytes, what: str) -> tuple[Pixels, Pixels | None, list[str]]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    notes: list[str] = []
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise StillError(
            what, f"it unfolds to more than {MOST_PIXELS / 1e6:.0f} megapixels", "make it smaller"
        ) from error
    except UnidentifiedImageError as error:
        raise StillError(what, "it is damaged or cut off near its beginning", "export or download it again") from error
    with image:
        _check_size(image.size, what)
        _check_single(image, what)
        _check_tiles(image, what)
        orientation = _orientation(image)  # before loading: a TIFF turns itself and forgets
        if image.format in ("TIFF", "AVIF"):
            with _decoder_heard() as said:
                image.load()
            if image.format == "TIFF" and any(map(_LOST_PIXELS.match, said)):
                raise StillError(what, "it is damaged: a part of it cannot be decoded", "export it again")
        else:
            image.load()
        upright: Image.Image = image
        try:
            if orientation is None:
                raise ValueError("EXIF data that do not parse")
            upright = ImageOps.exif_transpose(image)
        except picture_errors():
            notes.append("its EXIF data are damaged, so its orientation was not read")
        else:
            if 2 <= orientation <= 8:
                notes.append("turned upright as its EXIF orientation says")
        profile = image.info.get("icc_profile")
        colour, alpha = _eight_bit(upright, what, notes)
        pixels = _in_srgb(colour, profile, notes)
    if alpha is not None:
        pixels, alpha = _on_white(pixels, alpha, what, notes)
    return pixels, alpha, notes


def _check_single(image: Image.Image, what: str) -> None:
    """Refuse what holds more than one picture, except a JPEG's previews and a TIFF's thumbnails."""
    if image.format in ("JPEG", "MPO") or getattr(image, "n_frames", 1) == 1:
        # An MPO is a phone's or camera's JPEG with a depth map, a gain map or a preview behind it.
        return
    if image.format != "TIFF":
        raise StillError(what, "it is an animation, not a still", "save one frame of it as PNG and open that")
    for page in range(1, min(getattr(image, "n_frames", 1), 16)):
        image.seek(page)
        if not int(_tag(image, 254)) & 1:  # NewSubfileType, bit 0: a smaller copy of another page
            raise StillError(what, "it has more than one page", "save the page you want as PNG")
    image.seek(0)


def _check_tiles(image: Image.Image, what: str) -> None:
    """Refuse a TIFF whose tiles are far larger than its picture, and a raw file that calls itself TIFF."""
    if image.format != "TIFF":
        return
    if _tag(image, 50706):  # DNGVersion
        raise StillError(what, "it is a camera's raw file", "develop it to JPEG or PNG first")
    if int(_tag(image, 322)) * int(_tag(image, 323)) > MOST_PIXELS:  # TileWidth, TileLength
        raise StillError(what, "it is damaged (its tiles are larger than any picture)", "export it again")


def _orientation(image: Image.Image) -> int | None:
    """The EXIF orientation, 1 when none is named, None when the EXIF data are damaged."""
    try:
        orientation = image.getexif().get(0x0112, 1)
    except picture_errors():
        return None
    return orientation if isinstance(orientation, int) else 1


def _tag(image: Image.Image, number: int) -> Any:
    value = image.tag_v2.get(number, 0)  # type: ignore[attr-defined]
    return value if isinstance(value, int) or number == 50706 else 0


def _eight_bit(image: Image.Image, what: str, notes: list[str]) -> tuple[Image.Image, Pixels | None]:
    """The picture in a mode colour management understands (L, RGB, CMYK, LAB), and its alpha."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        wide = np.asarray(image).astype(np.uint32)
        key = image.info.get("transparency")
        alpha = np.where(wide == key, 0, 255).astype(np.uint8) if isinstance(key, int) else None
        notes.append("reduced from 16 to 8 bit")
        # 65535 / 255 = 257; Pillow's own conversion would clip everything above 255.
        return Image.fromarray(((wide + 128) // 257).astype(np.uint8)), alpha
    if image.mode in ("I", "F"):
        raise StillError(what, "it holds numbers of 32 bit, not colours", "export it with 8 or 16 bit")
    if image.mode in ("L", "RGB", "CMYK", "LAB") and "transparency" not in image.info:
        return image, None
    if image.mode in ("1", "YCbCr", "HSV", "RGBX"):
        return image.convert("L" if image.mode == "1" else "RGB"), None
    if image.has_transparency_data:
        whole = image.convert("RGBA")
        return whole.convert("RGB"), np.asarray(whole.getchannel("A"))
    return image.convert("RGB"), None


def _in_srgb(image: Image.Image, profile: object, notes: list[str]) -> Pixels:
    """The picture's pixels in sRGB, (H, W, 3) uint8, own memory."""
    from PIL import ImageCms

    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(image, lab, ImageCms.createProfile("sRGB"), outputMode="RGB")
        notes.append("converted from CIELAB to sRGB")
        return np.array(converted)
    if isinstance(profile, bytes) and profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            # Relative colorimetric with black point compensation: what browsers do with photographs.
            transform = ImageCms.buildTransform(
                source,
                ImageCms.createProfile("sRGB"),
                image.mode,
                "RGB",
                ImageCms.Intent.RELATIVE_COLORIMETRIC,
                ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
            if image.mode == "RGB" and _changes_nothing(transform):
                return np.array(image)
            converted = transform.apply(image)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            notes.append("its colour profile is damaged or does not fit and was ignored")
        else:
            notes.append("converted from its colour profile to sRGB")
            return np.array(converted)
    if image.mode == "CMYK":
        notes.append("converted from CMYK without a profile, so colours are approximate")
    return np.array(image.convert("RGB"))


def _changes_nothing(transform: Any) -> bool:
    """Whether a colour transform is the identity but for rounding: the profile is sRGB under some name."""
    from PIL import Image

    steps = np.linspace(0, 255, 16).astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(64, 64, 3)
    there = np.asarray(transform.apply(Image.fromarray(lattice)))
    # Different sRGB profiles in circulation (HP's, the ICC's v2 and v4, LittleCMS's) agree within two levels.
    return bool(np.abs(there.astype(np.int16) - lattice).max() <= 2)


def _on_white(pixels: Pixels, alpha: Pixels, what: str, notes: list[str]) -> tuple[Pixels, Pixels | None]:
    """The picture laid on white, and its alpha, or None when nothing was transparent."""
    lowest, highest = int(alpha.min()), int(alpha.max())
    if lowest == 255:
        return pixels, None
    if highest == 0:
        raise StillError(what, "it is transparent everywhere", "export it again with something to see")
    notes.append("transparent parts were laid on white")
    out = np.empty_like(pixels)
    for channel in range(3):  # one at a time: a third of the memory
        colour = pixels[..., channel].astype(np.uint16)
        cover = alpha.astype(np.uint16)
        out[..., channel] = (colour * cover + 255 * (255 - cover) + 127) // 255
    return out, np.array(alpha)


def as_jpeg(pixels: Pixels, *, longest: int = 1600, quality: int = 88) -> bytes:
    """(H, W, 3) uint8 RGB as the bytes of a JPEG, made smaller where its longer side is over ``longest`` px."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    held = io.BytesIO()
    image.save(held, "JPEG", quality=quality)
    return held.getvalue()
