"""Strangers' audio and video files, opened so that they can reach nothing but themselves.

The container is told by its first bytes and its demuxer named, never guessed by FFmpeg, so that a playlist which
calls itself ``line.mp4`` cannot make it open other files or addresses; the file is handed over as an open handle,
so that a name such as ``concat:a|b`` means nothing; the decoders are a short list of common ones.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from io import BufferedReader
from typing import TYPE_CHECKING, NamedTuple

from stillwake.errors import InputError
from stillwake.media.files import opened_input
from stillwake.media.kinds import HEAD, kind_of

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

LARGEST_FILE = 16 * 2**30
"""Bytes: two hours from a camera at 16 Mbit/s."""

LONGEST_SECONDS = 2 * 60 * 60
"""Seconds of a recording or clip. The 16 kHz track of one is held in memory: 230 MB for two hours."""

MOST_PIXELS = 8192 * 4320
"""Pixels of a clip's frame (8K): beyond, decoding one frame takes hundreds of megabytes."""

DECODERS = (
    "h264,hevc,av1,libdav1d,libaom-av1,vp8,vp9,libvpx,libvpx-vp9,mpeg4,mpeg2video,mpeg1video,h263,flv,msmpeg4v2,"
    "msmpeg4,wmv1,wmv2,wmv3,vc1,mjpeg,prores,dnxhd,ffv1,huffyuv,ffvhuff,utvideo,png,apng,qtrle,rawvideo,theora,vp6f,gif,"
    "aac,aac_latm,mp3,mp3float,mp2,mp2float,mp1,mp1float,ac3,eac3,opus,libopus,vorbis,libvorbis,flac,alac,wavpack,"
    "speex,libspeex,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,wmav1,wmav2,wmapro,adpcm_ms,adpcm_ima_wav,"
    "adpcm_ima_qt,gsm,gsm_ms,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_u8,pcm_s8,pcm_f32le,"
    "pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw"
)
"""The decoders a stranger's file may choose among: what cameras, phones, browsers and editors write."""

DECLARED = frozenset({"mov", "matroska", "flac", "wav", "caf", "aiff", "au", "flv", "asf"})
"""Containers whose length is known from their header, so that a cut shows; the others' is a guess of FFmpeg's."""

_DEMUXERS = tuple(
    (re.compile(pattern, re.DOTALL), name)
    for pattern, name in (
        (rb"RIFF....WAVE|RIFX....WAVE|RF64....WAVE", "wav"),
        (rb"RIFF....AVI ", "avi"),
        (rb"fLaC", "flac"),
        (rb"OggS", "ogg"),
        (rb"....(ftyp|moov|mdat|wide|free|skip|pnot)", "mov"),
        (rb"\x1aE\xdf\xa3", "matroska"),
        (rb"FORM....AIF[FC]", "aiff"),
        (rb"\.snd", "au"),
        (rb"caff", "caf"),
        (rb"#!AMR", "amr"),
        (rb"0&\xb2u\x8ef\xcf\x11", "asf"),
        (rb"FLV\x01", "flv"),
        (rb"\0\0\x01\xba", "mpeg"),
        (rb"G.{187}G.{187}G", "mpegts"),
        (rb"wvpk", "wv"),
        (rb"\xff[\xf0\xf1\xf8\xf9]", "aac"),
        (rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]", "mp3"),
    )
)


def container_format(head: bytes) -> str | None:
    """The demuxer for a file that begins with these bytes, its ID3 tag taken off, or None for none we open."""
    return next((name for pattern, name in _DEMUXERS if pattern.match(head)), None)


class Opened(NamedTuple):
    """An open container, its demuxer's name, and whether its own header says how long it is."""

    container: InputContainer
    format: str
    declared: bool


@contextmanager
def opened_container(
    path: str | os.PathLike[str], what: str, refusal: type[InputError], noun: str, *, animated: bool = False
) -> Iterator[Opened]:
    """The container, closed at the end.

    Parameters
    ----------
    path
        The file.
    what
        What the person wanted: ``"Cannot open line.m4a"``.
    refusal
        The kind of error to raise.
    noun
        What the file should be: ``"a recording"``.
    animated
        Whether a GIF or an animated AVIF will do.

    Raises
    ------
    stillwake.errors.InputError
        Of the kind ``refusal``: the file does not open, is no container we know, or is cut off.
    """
    import av

    with opened_input(path, what, refusal, LARGEST_FILE) as file:
        try:
            name, declared = _looked_over(file, what, refusal, noun, animated)
            container = av.open(
                _Handle(file),
                "r",
                format=name,
                options={
                    "codec_whitelist": DECODERS,
                    "format_whitelist": name,
                    "protocol_whitelist": "file",
                    "max_pixels": str(MOST_PIXELS),
                },
                metadata_errors="replace",
                buffer_size=1 << 17,
            )
        except foreign_errors() as error:
            why = "it is a GIF that is damaged or cut off" if name == "gif" else "it is damaged or cut off"
            raise refusal(what, why, "export it again") from error
        try:
            yield Opened(container, name, declared)
        finally:
            container.close()


class _Handle:
    """A file for PyAV. A damaged file makes FFmpeg seek to places before the start; PyAV would print each of them."""

    def __init__(self, file: BufferedReader) -> None:
        self.read, self.tell, self.file = file.read, file.tell, file

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """The new position, or -1, FFmpeg's sign for a place that is not there."""
        try:
            return self.file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1


def tells_times(opened: Opened) -> bool:
    """Whether the container says when each picture is seen: AVI only counts them in the order they are decoded."""
    return opened.format != "avi"


def whole_length(opened: Opened) -> Fraction | None:
    """Where the container's header says that it ends, in seconds of its own clock, or None if it does not say."""
    container = opened.container
    if not opened.declared or not container.duration:
        return None
    # Matroska counts from 0, whenever its first picture comes (RFC 9559, Duration, as FFmpeg writes and reads it).
    start = 0 if opened.format == "matroska" else container.start_time or 0
    return Fraction(container.duration + start, 1_000_000)


def check_whole(whole: Fraction, end: Fraction, what: str, refusal: type[InputError]) -> None:
    """Refuse a file that ends before its header says it does.

    Parameters
    ----------
    whole, end
        Seconds: where the header says it ends, and where its last packet does.
    what, refusal
        As in `opened_container`.
    """
    # A writer may round, and a header may count a picture that is held; half a second, or 2 % up to five, are neither.
    if whole - end > min(Fraction(5), max(Fraction(1, 2), whole / 50)):
        raise refusal(
            what,
            f"it is cut off: it ends after {float(end):.1f} of {float(whole):.1f} seconds",
            "copy, export or download it again",
        )


def foreign_errors() -> tuple[type[Exception], ...]:
    """What PyAV raises for a damaged file, beside its own errors those of the Python it is written in."""
    import av

    return (av.FFmpegError, OSError, ValueError, ArithmeticError, LookupError, MemoryError)


def is_moving(stream: av.VideoStream) -> bool:
    """Whether a video stream is a film, not a cover picture or a thumbnail."""
    from av.stream import Disposition

    return not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)


def sound_in_words(stream: av.AudioStream) -> str:
    """Codec, rate and channels: ``"aac, 48000 Hz, mono"``."""
    context: av.AudioCodecContext | None = stream.codec_context
    if context is None:
        return "of an unknown format"
    channels = {1: "mono", 2: "stereo"}.get(context.channels, f"{context.channels} channels")
    return f"{context.name}, {context.sample_rate} Hz, {channels}"


def decodable(stream: av.AudioStream | av.VideoStream) -> bool:
    """Whether a stream's decoder is one of those a stranger's file may choose."""
    context: av.CodecContext | None = stream.codec_context
    return context is not None and context.name in DECODERS.split(",")


def _looked_over(
    file: BufferedReader, what: str, refusal: type[InputError], noun: str, animated: bool
) -> tuple[str, bool]:
    """The demuxer's name and whether a length is declared; refuses what is no container or shows that it is cut."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(HEAD)
    kind = kind_of(head)
    body, start = head, 0
    if head.startswith(b"ID3"):
        start = _id3_length(head)
        file.seek(start)
        body = file.read(HEAD)
        if start >= size:
            raise refusal(what, "the file ends before the sound begins", "export or download it again")
    name = container_format(body) or ("mp3" if start else None)
    if animated and kind == "a GIF":
        name, kind = "gif", None
    elif animated and head[4:12] == b"ftypavis":
        kind = None
    if name is None or kind in ("a playlist", "an AVIF picture", "a HEIC picture"):
        raise refusal(what, f"it is {kind}, not {noun}" if kind else f"it is not {noun}", f"name {noun}")
    missing = {
        "wav": _riff_missing,
        "avi": _riff_missing,
        "caf": _caf_missing,
        "ogg": _ogg_missing,
        "gif": _gif_missing,
    }.get(name)
    if missing and (lost := missing(file, size)) > 0:
        raise refusal(
            what, f"it is cut off ({_bytes(lost)} are missing at the end)", "copy, export or download it again"
        )
    file.seek(0)
    return name, name in DECLARED or (name == "mp3" and re.search(rb"Xing|Info|VBRI", body[:512]) is not None)


def _bytes(count: int) -> str:
    return (
        f"{count / 2**20:.1f} MB"
        if count >= 2**20
        else f"{count / 2**10:.0f} KB"
        if count >= 2**11
        else f"{count} bytes"
    )


def _id3_length(head: bytes) -> int:
    """Bytes of the ID3v2 tag a file begins with (ID3v2.4, section 3.1: seven bits a byte)."""
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False))


def _riff_missing(file: BufferedReader, size: int) -> int:
    """Bytes that the longest top chunk claims and the file lacks; writers to a pipe claim 0 or about 2 or 4 GiB."""
    file.seek(0)
    order = ">" if file.read(4) == b"RIFX" else "<"
    place = 12
    while place + 8 <= size:
        file.seek(place)
        name, length = struct.unpack(f"{order}4sI", file.read(8))
        if length >= 0x7FFFF000:
            return 0
        if place + 8 + length > size:
            # The last chunk's padding byte is often left out, and a wrong length of a small chunk harms nobody.
            return place + 8 + length - size if name in (b"data", b"LIST") else 0
        place += 8 + length + (length & 1)
    return 0


def _caf_missing(file: BufferedReader, size: int) -> int:
    """Bytes that the data chunk claims and the file lacks (Core Audio Format; -1 is an unknown length)."""
    place = 8
    while place + 12 <= size:
        file.seek(place)
        name, length = struct.unpack(">4sq", file.read(12))
        if length < 0:
            return 0
        if place + 12 + length > size:
            return place + 12 + length - size if name == b"data" else 0
        place += 12 + length
    return 0


def _ogg_missing(file: BufferedReader, size: int) -> int:
    """Bytes that the last page claims and the file lacks (RFC 3533; a page is at most 65,307 bytes)."""
    file.seek(max(0, size - 65_307))
    tail = file.read()
    place = tail.rfind(b"OggS")
    if place < 0:
        return 0
    segments = tail[place + 26] if place + 26 < len(tail) else 255
    table = tail[place + 27 : place + 27 + segments]
    return max(0, place + 27 + segments + sum(table) - len(tail))


def _gif_missing(file: BufferedReader, size: int) -> int:
    """Bytes that the last block of a GIF claims and the file lacks (GIF89a, sections 15 to 27)."""
    file.seek(10)
    flags = file.read(1)[0] if size > 10 else 0
    place = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while place < size:
        file.seek(place)
        mark = file.read(1)
        if mark == b"!":
            place += 2
        elif mark == b",":
            flags = (file.read(9) + bytes(9))[8]
            place += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        else:  # the end, which many leave out, or damage, which is for the decoder to tell
            return 0
        length = 1
        while length:
            file.seek(place)
            length = (file.read(1) or b"\1")[0]
            place += 1 + length
            if place > size:
                return place - size
    return place - size
