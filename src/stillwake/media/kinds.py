"""What a file is by its first bytes, in words for a sentence, whatever its name says."""

from __future__ import annotations

import re

HEAD = 4096
"""Bytes to look at."""

_KINDS = tuple(
    (re.compile(pattern, re.DOTALL), name)
    for pattern, name in (
        (rb"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (rb"\xff\xd8\xff", "a JPEG picture"),
        (rb"RIFF....WEBP", "a WebP picture"),
        (rb"(II\*\0|MM\0\*|II\+\0|MM\0\+)", "a TIFF picture"),
        (rb"BM.{4}\0\0\0\0.{4}[\x0c-\x7c]\0\0\0", "a BMP picture"),
        (rb"GIF8[79]a", "a GIF"),
        (rb"....ftyp(avif|avis)", "an AVIF picture"),
        (rb"....ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)", "a HEIC picture"),
        (rb"(\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n)", "a JPEG XL picture"),
        (rb"(\0\0\0\x0cjP  \r\n\x87\n|\xffO\xffQ)", "a JPEG 2000 picture"),
        (rb"8BPS", "a Photoshop document"),
        (rb"gimp xcf", "a GIMP document"),
        (rb"(\xef\xbb\xbf)?\s*(<\?xml.{0,200}?)?(<!doctype html|<html|<!DOCTYPE HTML)", "a web page"),
        (rb"(\xef\xbb\xbf)?\s*<(.{0,2000}?<)?svg[\s>]", "an SVG drawing"),
        (rb"%PDF-", "a PDF document"),
        (rb"(%!PS|\xc5\xd0\xd3\xc6)", "a PostScript drawing"),
        (rb"\0\0\x01\0[\x01-\x40]\0", "an icon"),
        (rb"(\xef\xbb\xbf)?\s*(#EXTM3U|ffconcat version|\[playlist\])", "a playlist"),
        (rb"(\xef\xbb\xbf)?\s*(<\?xml.{0,500}?)?<(MPD|smil)[\s>]", "a playlist"),
        (rb"(RIFF|RIFX|RF64)....WAVE|fLaC|OggS|FORM....AIF[FC]|\.snd|caff|#!AMR|wvpk|ID3", "a sound"),
        (rb"....ftyp(M4A|M4B|F4A)", "a sound"),
        (rb"\xff(?=[\xe2-\xe7\xf0-\xff])[\xe2-\xff][^\xff\0]", "a sound"),
        (rb"MThd", "a MIDI file"),
        (rb"....(ftyp|moov|mdat|wide)|\x1aE\xdf\xa3|RIFF....AVI ", "a video"),
        (rb"FLV\x01|0&\xb2u\x8ef\xcf\x11|\0\0\x01\xba", "a video"),
        (rb"G.{187}G.{187}G", "a video"),
        (rb"PK\x03\x04", "a ZIP archive"),
        (rb"\x1f\x8b", "a gzip archive"),
        (rb"(7z\xbc\xaf\x27\x1c|Rar!\x1a\x07)", "an archive"),
        (rb"(\x7fELF|MZ)", "a program"),
    )
)  # fmt: skip


def kind_of(head: bytes) -> str | None:
    """What a file that begins with these bytes is ("a GIF", "a video"), or None when it is nothing we know."""
    return next((name for pattern, name in _KINDS if pattern.match(head)), None)
