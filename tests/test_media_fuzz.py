"""Damaged real files: a typed error or a valid result, never a crash, a hang or somebody else's exception."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from stillwake.errors import InputError
from stillwake.media import clip_sound, open_clip, open_sound, open_still, read_frames

CASES = 60  # of each kind below, in the ordinary suite
SLOW_CASES = 600
SECONDS = 10.0  # a hang, for files this small


# ------------------------------------------------------------------------------------------------------- material


def picture(mode: str = "RGB") -> Image.Image:
    y, x = np.mgrid[0:72, 0:80]
    pixels = np.dstack([x * 3, y * 3, (x * y) % 251, 255 - (x + y)]).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def saved(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    picture(mode).save(file, kind, **options)
    return file.getvalue()


def with_orientation() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a picture drawn in code"
    return exif


@cache
def stills() -> dict[str, bytes]:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    sixteen = io.BytesIO()
    Image.fromarray(np.arange(80 * 72, dtype=np.uint16).reshape(72, 80) * 11).save(sixteen, "PNG")
    return {
        "png": saved("PNG"),
        "png palette": saved("PNG", "P"),
        "png alpha": saved("PNG", "RGBA", icc_profile=profile),
        "png 16 bit": sixteen.getvalue(),
        "apng": saved("PNG", save_all=True, append_images=[picture().rotate(90)]),
        "jpeg": saved("JPEG", exif=with_orientation(), icc_profile=profile),
        "jpeg progressive": saved("JPEG", progressive=True),
        "jpeg cmyk": saved("JPEG", "CMYK"),
        "jpeg grey": saved("JPEG", "L"),
        "webp": saved("WEBP", exif=with_orientation()),
        "webp lossless": saved("WEBP", "RGBA", lossless=True),
        "webp animated": saved("WEBP", save_all=True, append_images=[picture().rotate(90)]),
        "avif": saved("AVIF", speed=10, exif=with_orientation(), icc_profile=profile),
        "avif alpha": saved("AVIF", "RGBA", speed=10),
        "bmp": saved("BMP"),
        "bmp palette": saved("BMP", "P"),
        "tiff": saved("TIFF", icc_profile=profile),
        "tiff lzw": saved("TIFF", compression="tiff_lzw"),
        "tiff deflate": saved("TIFF", "CMYK", compression="tiff_adobe_deflate"),
        "tiff jpeg": saved("TIFF", compression="jpeg"),
        "tiff fax": saved("TIFF", "1", compression="group4"),
        "tiff pages": saved("TIFF", save_all=True, append_images=[picture().rotate(90)]),
    }


def encoded(container: str, sound: str | None, video: str | None, rate: int = 16000, layout: str = "mono") -> bytes:
    """Half a second of a sweep and of a moving square."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        # Every stream has to be there before the first packet.
        film = out.add_stream(video, rate=Fraction(12), width=64, height=48) if video else None
        voice = out.add_stream(sound, rate=rate, layout=layout) if sound else None
        if film:
            film.pix_fmt = "yuv420p" if video != "mjpeg" else "yuvj420p"
            for index in range(6):
                pixels = np.full((48, 64, 3), 40 * index, np.uint8)
                pixels[10:20, 8 * index : 8 * index + 8] = 255
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 12)
                out.mux(film.encode(frame))
            out.mux(film.encode(None))
        if voice:
            channels = voice.codec_context.channels
            t = np.arange(rate // 2) / rate
            wave = (9000 * np.sin(2 * np.pi * (200 + 400 * t) * t)).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(np.repeat(wave, channels)[None], format="s16", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            out.mux(voice.encode(frame))
            out.mux(voice.encode(None))
    return file.getvalue()


@cache
def sounds() -> dict[str, bytes]:
    return {
        "wav": encoded("wav", "pcm_s16le", None),
        "wav float": encoded("wav", "pcm_f32le", None, layout="5.1"),
        "wav adpcm": encoded("wav", "adpcm_ms", None),
        "flac": encoded("flac", "flac", None),
        "mp3": encoded("mp3", "libmp3lame", None),
        "m4a": encoded("ipod", "aac", None),
        "alac": encoded("mov", "alac", None),
        "aac": encoded("adts", "aac", None),
        "opus": encoded("ogg", "libopus", None, 48000),
        "webm": encoded("webm", "libopus", None, 48000),
        "mka": encoded("matroska", "flac", None, layout="stereo"),
        "aiff": encoded("aiff", "pcm_s16be", None),
        "au": encoded("au", "pcm_s16be", None),
        "caf": encoded("caf", "pcm_s16be", None),
        "avi": encoded("avi", "pcm_s16le", "mpeg4"),
        "mp4": encoded("mp4", "aac", "libx264"),
        "ts": encoded("mpegts", "mp2", "mpeg2video", 48000),
        "flv": encoded("flv", "libmp3lame", "flv", 44100),
    }


@cache
def clips() -> dict[str, bytes]:
    return {
        "mp4": encoded("mp4", "aac", "libx264"),
        "mov": encoded("mov", "pcm_s16le", "mjpeg"),
        "mkv": encoded("matroska", "flac", "ffv1"),
        "webm": encoded("webm", None, "libvpx"),
        "webm vp9": encoded("webm", "libopus", "libvpx-vp9", 48000),
        "avi": encoded("avi", None, "mpeg4"),
        "ts": encoded("mpegts", None, "mpeg2video"),
        "av1": encoded("mp4", None, "libsvtav1"),
        "flv": encoded("flv", None, "flv"),
        "wmv": encoded("asf", None, "wmv2"),
    }


# --------------------------------------------------------------------------------------------------------- damage


def flipped(data: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.choice((1, 3, 20))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return data


def flipped_early(data: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.choice((1, 4))):
        data[chance.randrange(min(len(data), 160))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return data


def cut(data: bytearray, chance: random.Random) -> bytearray:
    return data[: chance.randrange(len(data))]


def spliced(data: bytearray, chance: random.Random) -> bytearray:
    start, end = sorted(chance.randrange(len(data)) for _ in range(2))
    at = chance.randrange(len(data))
    return data[:at] + data[start:end] + data[at:] if chance.random() < 0.5 else data[:start] + data[end:]


def inserted(data: bytearray, chance: random.Random) -> bytearray:
    at = chance.randrange(len(data))
    junk = chance.choice((bytes(64), b"\xff" * 64, chance.randbytes(64), b"\0\0\0\x01" * 8, b"tEXtzTXtiCCPeXIf" * 4))
    return data[:at] + junk + data[at:]


def numbers(data: bytearray, chance: random.Random) -> bytearray:
    at = chance.randrange(max(1, len(data) - 8))
    value = chance.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000, 0xFFFE))
    data[at : at + 4] = value.to_bytes(4, chance.choice(("big", "little")))
    return data


DAMAGES: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    flipped,
    flipped_early,
    cut,
    spliced,
    inserted,
    numbers,
)


def damaged(material: dict[str, bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """``count`` damaged files of every kind, the same ones for the same seed."""
    for name, data in material.items():
        chance = random.Random(f"{seed} {name}")
        for number in range(count):
            broken = bytearray(data)
            damages = [chance.choice(DAMAGES) for _ in range(chance.choice((1, 1, 2)))]
            for damage in damages:
                broken = damage(broken, chance) or bytearray(b"\0")
            yield f"{name} #{number} {'+'.join(d.__name__ for d in damages)}", bytes(broken)


# --------------------------------------------------------------------------------------------------------- opening


def refused_well(error: InputError) -> bool:
    """False; a refusal says in one sentence what happened, why, and what to do."""
    assert error.what.startswith("Cannot ")
    assert error.why
    assert error.fix
    assert "\n" not in str(error)
    return False


def try_still(path: Path) -> bool:
    try:
        still = open_still(path)
    except InputError as error:
        return refused_well(error)
    width, height = still.size
    assert min(width, height) >= 64
    assert width * height <= 50_000_000
    assert not still.pixels.flags.writeable
    assert still.alpha is None or still.alpha.dtype == np.uint8
    return True


def try_sound(path: Path) -> bool:
    try:
        sound = open_sound(path)
        total = sum(len(block) for block in sound.blocks())
    except InputError as error:
        return refused_well(error)
    assert Fraction(total, sound.rate) == sound.seconds
    assert abs(len(sound.mono) / 16000 - sound.seconds) < 0.01
    return True


def try_clip(path: Path) -> bool:
    try:
        clip = open_clip(path)
        sound = clip_sound(path)
        shapes = {frame.shape for frame, _ in zip(read_frames(clip), range(500), strict=False)}
    except InputError as error:
        return refused_well(error)
    assert shapes == {(clip.info.height, clip.info.width, 3)}
    assert sound is None or sound.seconds > 0
    return True


OPENERS = {"still": (stills, try_still), "sound": (sounds, try_sound), "clip": (clips, try_clip)}


def attack(what: str, count: int, seed: int, path: Path) -> tuple[int, int]:
    """Open ``count`` damaged files of every kind; how many opened, how many were refused."""
    material, opener = OPENERS[what]
    opened = refused = 0
    for name, data in damaged(material(), count, seed):
        path.write_bytes(data)
        began = time.perf_counter()
        try:
            good = opener(path)
        except BaseException as error:
            error.add_note(f"in {name}")
            raise
        assert time.perf_counter() - began < SECONDS, name
        opened, refused = opened + good, refused + (not good)
    return opened, refused


@pytest.mark.parametrize("what", OPENERS)
def test_the_undamaged_files_open(what: str, tmp_path: Path) -> None:
    material, opener = OPENERS[what]
    refused = set()
    for name, data in material().items():
        (tmp_path / "file").write_bytes(data)
        if not opener(tmp_path / "file"):
            refused.add(name)
    assert refused == ({"apng", "webp animated", "tiff pages"} if what == "still" else set())


@pytest.mark.parametrize("what", OPENERS)
def test_damaged_files_open_or_are_refused(what: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    OPENERS[what][0]()  # some encoders print; what is tested does not
    capfd.readouterr()
    opened, refused = attack(what, CASES, 1, tmp_path / "file")
    assert capfd.readouterr() == ("", "")
    total = CASES * len(OPENERS[what][0]())
    assert opened + refused == total
    assert opened > total / 20  # damage that spares the contents: the openers are not simply shut
    assert refused > total / 20


@pytest.mark.parametrize("what", OPENERS)
@given(data=st.data())
@settings(max_examples=150, deadline=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_that_begins_like_a_file_opens_or_is_refused(what: str, tmp_path: Path, data: st.DataObject) -> None:
    material, opener = OPENERS[what]
    begin = material()[data.draw(st.sampled_from(sorted(material())))]
    kept = data.draw(st.integers(1, 120))
    (tmp_path / "file").write_bytes(begin[:kept] + data.draw(st.binary(max_size=400)))
    opener(tmp_path / "file")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", OPENERS)
def test_many_damaged_files_open_or_are_refused(what: str, tmp_path: Path) -> None:
    attack(what, SLOW_CASES, 2, tmp_path / "file")
