"""Pictures and sounds as they were sent: really decoded, and held against the provider's limits."""

from __future__ import annotations

import base64
import binascii
import io
import threading
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256


class UnfitError(Exception):
    """What was sent is not a picture or sound that the provider takes; the message says why."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that reached the provider: a picture, a sound, a video.

    Parameters
    ----------
    data
        Its bytes.
    mime
        What it is, by its bytes.
    size
        (width, height) px of a picture; (0, 0) otherwise.
    """

    data: bytes
    mime: str
    size: tuple[int, int] = (0, 0)

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes."""
        return sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider takes as a picture.

    Parameters
    ----------
    mimes
        By content, whatever the name says.
    most_bytes
        Of the file.
    least_side, most_side
        Pixels of either side.
    aspect
        Smallest and largest width over height.
    """

    mimes: tuple[str, ...] = ("image/jpeg", "image/png", "image/webp")
    most_bytes: int = 10 * 2**20
    least_side: int = 1
    most_side: int = 10**5
    aspect: tuple[float, float] = (0.0, 1e9)


_MIMES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif", "BMP": "image/bmp"}
_DECODING = threading.Lock()


@lru_cache(maxsize=64)
def _decoded(data: bytes) -> tuple[str, tuple[int, int]]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return _MIMES.get(image.format or "", f"image/{(image.format or 'unknown').lower()}"), image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnfitError(f"the image cannot be decoded ({error})") from None


def picture(data: bytes, limits: Limits) -> Sent:
    """The picture, decoded to its last pixel.

    Raises
    ------
    UnfitError
        It is none, or beyond a limit.
    """
    if len(data) > limits.most_bytes:
        raise UnfitError(f"Asset size exceeds {limits.most_bytes / 2**20:g}MB")
    with _DECODING:  # so that equal pictures that come at once are decoded once
        mime, (width, height) = _decoded(data)
    if mime not in limits.mimes:
        raise UnfitError(f"Unsupported asset type {mime}; supported are {', '.join(limits.mimes)}")
    if min(width, height) < limits.least_side or max(width, height) > limits.most_side:
        raise UnfitError(
            f"Invalid asset dimensions. Each side must have {limits.least_side} to {limits.most_side} px. "
            f"Got {width}x{height}."
        )
    low, high = limits.aspect
    if not low <= width / height <= high:
        raise UnfitError(
            f"Invalid asset aspect ratio. width / height ratio must be between {low:g} and {high:g}. "
            f"Got {width / height:.3f}."
        )
    return Sent(data, mime, (width, height))


_SOUNDS = ((b"RIFF", "audio/wav"), (b"ID3", "audio/mpeg"), (b"OggS", "audio/ogg"), (b"fLaC", "audio/flac"))


def sound(data: bytes, most_bytes: int = 15 * 2**20) -> Sent:
    """The sound, opened and decoded once.

    Raises
    ------
    UnfitError
        It is none, or too large.
    """
    if len(data) > most_bytes:
        raise UnfitError(f"the audio exceeds {most_bytes / 2**20:g}MB")
    mime = next((mime for start, mime in _SOUNDS if data.startswith(start)), "")
    if not mime and data[4:8] == b"ftyp":
        mime = "audio/mp4"
    if not mime and data[:1] == b"\xff" and len(data) > 1 and data[1] & 0xE0 == 0xE0:
        mime = "audio/mpeg"
    if not mime:
        raise UnfitError("not a sound that is known")
    seconds_of(data)
    return Sent(data, mime)


@lru_cache(maxsize=32)
def seconds_of(data: bytes) -> float:
    """How long a sound is.

    Raises
    ------
    UnfitError
        It cannot be decoded.
    """
    import av

    try:
        with av.open(io.BytesIO(data), "r") as opened:
            stream = opened.streams.audio[0]
            samples = sum(frame.samples for frame in opened.decode(stream))
            return float(samples / stream.rate)
    except (av.FFmpegError, OSError, IndexError, ValueError) as error:
        raise UnfitError(f"the audio cannot be decoded ({error})") from None


def raw_base64(value: str) -> bytes:
    """The bytes of strict base64, without a ``data:`` before it.

    Raises
    ------
    UnfitError
        It is something else.
    """
    if value.startswith("data:"):
        raise UnfitError("base64 must come without the data: prefix")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise UnfitError("not base64") from None


def data_uri(value: str) -> tuple[str, bytes]:
    """(MIME type, bytes) of a base64 data URI.

    Raises
    ------
    UnfitError
        It is something else.
    """
    head, comma, body = value.partition(",")
    mime, *parameters = head.removeprefix("data:").split(";")
    if not value.startswith("data:") or not comma or "base64" not in parameters:
        raise UnfitError("Invalid data URI.")
    if "/" not in mime:
        raise UnfitError("Unsupported asset type. Data URIs must include the content type of the value they encode.")
    try:
        return mime, base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise UnfitError("Invalid data URI.") from None


@lru_cache(maxsize=1)
def placeholder() -> Sent:
    """A grey gradient, for a picture that stands at somebody's URL: a fake fetches nothing."""
    from PIL import Image

    data = io.BytesIO()
    Image.linear_gradient("L").resize((512, 512)).convert("RGB").save(data, "PNG")
    return Sent(data.getvalue(), "image/png", (512, 512))
