from __future__ import annotations

import random
import struct
import threading
import time
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.codec.context import CodecContext
from PIL import Image

from stillwake.errors import Cancelled, ClipError, OutputError, OutputExistsError, UsageError
from stillwake.media import (
    CLIP_ENDINGS,
    carries_alpha,
    carries_sound,
    check_clip_output,
    clip_sound,
    is_animation,
    open_clip,
    open_still,
    read_frames,
    sound_from_samples,
    write_clip,
)
from stillwake.types import Clip, Pixels, Sound

WIDTH, HEIGHT = 128, 96
SIZE = (WIDTH, HEIGHT)
ANIMATIONS = (".gif", ".webp", ".apng", ".avif")
EXACT = (".mp4", ".webm", ".mov", ".apng", ".avif")


def still_part() -> Pixels:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.dstack([60 + x, 200 - y, 90 + (x + y) // 2]).astype(np.uint8)


def drawn(count: int, alpha: bool = False) -> Iterator[Pixels]:
    """A soft gradient with a square that moves 4 px a frame, in one buffer; with alpha, clear above and half clear."""
    still = still_part()
    if alpha:
        cover = np.full((HEIGHT, WIDTH), 255, np.uint8)
        cover[:16], cover[16:32] = 0, 100
        still = np.dstack([still, cover])
    frame = still.copy()
    for index in range(count):
        frame[:] = still
        at = 4 * index % (WIDTH - 24)
        frame[40:64, at : at + 24, :3] = (220, 160, 140)
        yield frame


def noisy(count: int) -> Iterator[Pixels]:
    chance = np.random.default_rng(1)
    still = still_part().astype(np.int16) + chance.integers(-20, 20, (HEIGHT, WIDTH, 3))
    for index in range(count):
        frame = np.clip(still, 0, 255).astype(np.uint8)
        frame[30:60, 30 + index : 70 + index] = chance.integers(0, 256, (30, 40, 3))
        yield frame


def written(path: Path, count: int = 10, fps: Fraction = Fraction(25), **options: Any) -> Clip:
    return write_clip(path, drawn(count), fps=fps, frame_count=count, size=SIZE, **options)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def tone(rate: int, seconds: float, channels: int = 1) -> Sound:
    times = np.arange(round(rate * seconds)) / rate
    wave = np.round(8000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)
    wave[round(rate * seconds / 2) :][: rate // 500] = 30_000
    return sound_from_samples(np.repeat(wave[:, None], channels, axis=1), rate)


def gif_blocks(data: bytes) -> list[tuple[str, bytes]]:
    """The blocks of a GIF by their names, read without any of our code."""
    place = 13 + (3 << ((data[10] & 7) + 1))
    found = []
    while data[place] != 0x3B:
        start = place
        if data[place] == 0x21:
            name, place = {0xF9: "control", 0xFF: "application"}[data[place + 1]], place + 2
        else:
            assert data[place] == 0x2C
            name, place = "picture", place + 11
        while data[place]:
            place += 1 + data[place]
        place += 1
        found.append((name, data[start:place]))
    assert place == len(data) - 1
    return found


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    place, found = 8, []
    while place < len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        found.append((name, data[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def riff_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    place, found = 12, []
    while place < len(data):
        name, length = struct.unpack_from("<4sI", data, place)
        found.append((name, data[place + 8 : place + 8 + length]))
        place += 8 + length + (length & 1)
    return found


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert not set(threading.enumerate()) - before  # those of an earlier test may end meanwhile


# --------------------------------------------------------------------------------------------------- in every format


@pytest.mark.parametrize("ending", CLIP_ENDINGS)
def test_frames_come_back_as_they_went_in(tmp_path: Path, ending: str) -> None:
    clip = written(tmp_path / f"a{ending}", 25, loop=True)
    assert (clip.info.frame_count, clip.info.width, clip.info.height) == (25, WIDTH, HEIGHT)
    assert clip.info == open_clip(clip.path).info
    assert clip.info.name == f"a{ending}"
    limit = {".apng": 0.0, ".mov": 1.0, ".gif": 3.5}.get(ending, 2.0)
    for index, (found, expected) in enumerate(zip(read_frames(clip), drawn(25), strict=True)):
        off = found.astype(int) - expected
        assert np.abs(off).mean() <= limit, index
        assert np.abs(off.mean(axis=(0, 1))).max() <= min(limit, 1.2), index  # no cast
    assert names(tmp_path) == [f"a{ending}"]
    assert is_animation(clip.path) == (ending in (".webp", ".apng", ".avif"))


@pytest.mark.parametrize("rate", ["12", "15", "24000/1001", "24", "25", "30000/1001", "30", "50", "60"])
@pytest.mark.parametrize("ending", [".webm", ".mov", ".apng", ".avif"])
def test_rates_are_exact(tmp_path: Path, ending: str, rate: str) -> None:
    fps = Fraction(rate)
    clip = written(tmp_path / f"a{ending}", 30, fps)
    assert clip.info.fps == open_clip(clip.path).info.fps == fps
    assert clip.info.frame_count == open_clip(clip.path).info.frame_count == 30


@pytest.mark.parametrize("ending", [".webm", ".mov", ".gif", ".webp", ".apng", ".avif"])
def test_the_same_frames_give_the_same_file(tmp_path: Path, ending: str) -> None:
    sound = tone(22_050, 1) if carries_sound(f"a{ending}") else None
    for name in "ab":
        written(tmp_path / f"{name}{ending}", 25, sound=sound, loop=True)
        time.sleep(1.1 if ending == ".avif" and name == "a" else 0)  # no date either
    assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


@pytest.mark.parametrize("ending", CLIP_ENDINGS)
def test_repeated_frames_come_again_from_an_iterator_and_from_a_function(tmp_path: Path, ending: str) -> None:
    again = written(tmp_path / f"a{ending}", 8, repeat=3)
    assert (again.info.frame_count, again.info.seconds) == (24, pytest.approx(0.96))
    frames = list(read_frames(again))
    for index, frame in enumerate(frames):
        assert np.abs(frame.astype(int) - frames[index % 8]).mean() < 2.5
    drawn_again = write_clip(
        tmp_path / f"b{ending}", lambda: drawn(8), fps=Fraction(25), frame_count=8, size=SIZE, repeat=3
    )
    assert drawn_again.info.sha256 == again.info.sha256
    assert names(tmp_path) == [f"a{ending}", f"b{ending}"]


def test_a_sequence_repeats_too(tmp_path: Path) -> None:
    clip = written(tmp_path / "f" / "%02d.png", 4, repeat=2)
    frames = list(read_frames(clip))
    assert len(frames) == 8
    assert np.array_equal(frames[1], frames[5])


def test_progress_tells_one_story(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    written(tmp_path / "a.webm", 5, repeat=2, on_progress=lambda *step: told.append(step))
    assert told == [("render", done, 10) for done in range(1, 11)]
    told.clear()
    written(tmp_path / "a.gif", 5, repeat=2, on_progress=lambda *step: told.append(step))
    assert told == [("render", done, 5) for done in range(1, 6)] + [("encode", done, 10) for done in range(1, 11)]


@pytest.mark.parametrize("ending", [".webm", ".mov", ".gif", ".webp", ".apng", ".avif"])
def test_odd_sides_are_fine_but_for_mp4(tmp_path: Path, ending: str) -> None:
    frames = [frame[:33, :35].copy() for frame in drawn(3)]
    clip = write_clip(tmp_path / f"a{ending}", iter(frames), fps=Fraction(25), frame_count=3, size=(35, 33))
    assert [frame.shape for frame in read_frames(clip)] == [(33, 35, 3)] * 3
    with pytest.raises(ValueError, match="even"):
        write_clip(tmp_path / "a.mp4", iter(frames), fps=Fraction(25), frame_count=3, size=(35, 33))


# ------------------------------------------------------------------------------------------------- sound and colours


@pytest.mark.parametrize(
    ("ending", "rate", "channels", "said"),
    [
        (".webm", 44_100, 2, "opus, 48000 Hz, stereo"),
        (".webm", 22_050, 1, "opus, 48000 Hz, mono"),
        (".mov", 44_100, 2, "pcm_s16le, 44100 Hz, stereo"),
        (".mov", 22_050, 1, "pcm_s16le, 48000 Hz, mono"),
    ],
)
def test_sound_is_carried_and_lies_where_it_lay(
    tmp_path: Path, ending: str, rate: int, channels: int, said: str
) -> None:
    sound = tone(rate, 2, channels)
    clip = written(tmp_path / f"a{ending}", 50, sound=sound)
    assert clip.info.sound == said
    heard = clip_sound(clip.path)
    assert heard is not None
    assert abs(heard.seconds - 2) < Fraction(1, 100)
    assert abs(int(np.abs(heard.mono.astype(int)).argmax()) / 16_000 - 1) < 0.004


def test_what_cannot_carry_sound_says_what_can(tmp_path: Path) -> None:
    for ending in ANIMATIONS:
        with pytest.raises(UsageError, match=rf"\{ending} cannot carry sound; end it with \.mp4, \.webm or \.mov, or"):
            written(tmp_path / f"a{ending}", sound=tone(48_000, 1))
        assert not carries_sound(f"a{ending}")
        assert clip_sound(written(tmp_path / f"a{ending}").path) is None
    assert [ending for ending in CLIP_ENDINGS if carries_sound(f"a{ending}")] == [".mp4", ".webm", ".mov"]
    assert carries_sound("f/%05d.png")


@pytest.mark.parametrize(("ending", "depth"), [(".webm", 1), (".mov", 16)])
def test_films_are_bt709_limited_and_say_so(tmp_path: Path, ending: str, depth: int) -> None:
    colour = np.array([200, 30, 30])
    frames = iter([np.full((HEIGHT, WIDTH, 3), colour, np.uint8)] * 3)
    clip = write_clip(tmp_path / f"a{ending}", frames, fps=Fraction(25), frame_count=3, size=SIZE, crf=4)
    with av.open(str(clip.path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
        frame = next(container.decode(video=0))
        kind = np.uint8 if depth == 1 else np.uint16
        planes = [float(np.frombuffer(plane, kind).reshape(plane.height, -1)[8, 8]) / depth for plane in frame.planes]
    red, green, blue = colour / 255
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    expected = [16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748]
    assert np.abs(np.array(planes[:3]) - expected).max() <= 1.0
    assert np.abs(next(read_frames(clip))[8, 8].astype(int) - colour).max() <= 2


# ------------------------------------------------------------------------------------------------------ transparency


def alpha_of(path: Path) -> Pixels:
    """The third frame as (H, W, 4), by a decoder that knows of transparency."""
    if path.suffix in (".webm", ".mov"):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if path.suffix == ".webm":
                assert b"\x53\xc0\x81\x01" in path.read_bytes()[:1000]  # Matroska's AlphaMode
                decoder = CodecContext.create("libvpx-vp9", "r")
                frames = [frame for packet in container.demux(stream) for frame in decoder.decode(packet)]
            else:
                frames = list(container.decode(stream))
            return np.asarray(frames[2].to_ndarray(format="rgba"))
    with Image.open(path) as image:
        image.seek(2)
        return np.array(image.convert("RGBA"))


@pytest.mark.parametrize("ending", [ending for ending in CLIP_ENDINGS if ending != ".mp4"])
def test_transparency_is_carried_straight(tmp_path: Path, ending: str) -> None:
    assert carries_alpha(f"a{ending}")
    clip = write_clip(
        tmp_path / f"a{ending}", drawn(5, alpha=True), fps=Fraction(25), frame_count=5, size=SIZE, loop=True
    )
    assert clip.info.frame_count == 5
    found = alpha_of(clip.path).astype(int)
    hard = ending == ".gif"
    assert np.abs(found[2:14, :, 3]).max() <= 3
    assert np.abs(found[18:30, 4:-4, 3] - (0 if hard else 100)).max() <= 4
    assert np.abs(found[34:, :, 3] - 255).max() <= 3
    expected = [frame.copy() for frame in drawn(5, alpha=True)][2].astype(int)
    off = np.abs(found - expected)[..., :3]
    assert off[34:].mean() < (5 if hard else 2.5)
    if not hard:
        assert off[18:30].mean() < 3  # not premultiplied: half clear is not half dark
    assert len(list(read_frames(clip))) == 5


def test_a_sequence_keeps_alpha_and_mp4_refuses_it(tmp_path: Path) -> None:
    write_clip(tmp_path / "f" / "%d.png", drawn(2, alpha=True), fps=Fraction(25), frame_count=2, size=SIZE)
    with Image.open(tmp_path / "f" / "1.png") as image:
        assert image.mode == "RGBA"
        assert np.array_equal(np.array(image), list(drawn(2, alpha=True))[1])
    with pytest.raises(UsageError, match=r"\.mp4 cannot carry transparency; end it with \.webm, \.mov, \.gif"):
        write_clip(tmp_path / "a.mp4", drawn(2, alpha=True), fps=Fraction(25), frame_count=2, size=SIZE)
    assert names(tmp_path) == ["f"]


# --------------------------------------------------------------------------------------------------------- animations


def test_loop_flags_are_in_the_bytes(tmp_path: Path) -> None:
    for loop in (True, False):
        for ending in ANIMATIONS:
            written(tmp_path / f"a{ending}", 5, loop=loop, overwrite=True)
        applications = [data for name, data in gif_blocks((tmp_path / "a.gif").read_bytes()) if name == "application"]
        assert applications == ([b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"] if loop else [])
        chunks = dict(png_chunks((tmp_path / "a.apng").read_bytes()))
        assert struct.unpack(">II", chunks[b"acTL"]) == (5, 0 if loop else 1)
        chunks = dict(riff_chunks((tmp_path / "a.webp").read_bytes()))
        assert struct.unpack("<IH", chunks[b"ANIM"])[1] == (0 if loop else 1)
        data = (tmp_path / "a.avif").read_bytes()
        at = data.index(b"elst") + 4
        assert data[at + 3] == (1 if loop else 0)  # ISO 23008-12, 9.6.1: the edit list repeats
        lasting = struct.unpack_from(">Q", data, data.index(b"mvhd") + 4 + 24)[0]
        assert lasting == (2**64 - 1 if loop else 5 * 1000)


def test_a_gifs_still_parts_keep_their_colours(tmp_path: Path) -> None:
    clip = written(tmp_path / "a.gif", 20)
    blocks = gif_blocks(clip.path.read_bytes())
    controls = [data for name, data in blocks if name == "control"]
    assert len(controls) == 20
    assert {data[3] for data in controls} == {1 << 2 | 1}  # left as it is, and one colour is transparent
    boxes = [struct.unpack("<4H", data[1:9]) for name, data in blocks if name == "picture"]
    assert boxes[0] == (0, 0, WIDTH, HEIGHT)
    for index, (left, top, width, height) in enumerate(boxes[1:], 1):
        assert 4 * index - 4 <= left
        assert left + width <= 4 * index + 24
        assert top >= 40
        assert top + height <= 64
    frames = list(read_frames(clip))
    untouched = np.ones((HEIGHT, WIDTH), bool)
    untouched[40:64, : 4 * 19 + 24] = False
    for frame in frames[1:]:
        assert np.array_equal(frame[untouched], frames[0][untouched])
    # Where the square has passed, the same pixels come back with the same colours.
    assert np.array_equal(frames[19][40:64, 30:70], frames[0][40:64, 30:70])


def test_a_gifs_dither_keeps_the_mean_and_few_colours_stay_pure(tmp_path: Path) -> None:
    ramp = np.repeat(np.linspace(0, 255, 128).astype(np.uint8)[None], HEIGHT, axis=0)
    frame = np.dstack([ramp, ramp[:, ::-1], np.roll(ramp, 40, axis=1)])
    clip = write_clip(tmp_path / "a.gif", iter([frame] * 2), fps=Fraction(10), frame_count=2, size=SIZE)
    found = next(read_frames(clip)).astype(float)
    tiles = (found - frame).reshape(HEIGHT // 8, 8, WIDTH // 8, 8, 3).mean(axis=(1, 3))
    assert np.abs(tiles).mean() < 4
    flat = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    flat[:, :40], flat[:, 40:80], flat[:, 80:] = (250, 10, 20), (255, 255, 255), (0, 60, 200)
    clip = write_clip(tmp_path / "b.gif", iter([flat] * 2), fps=Fraction(10), frame_count=2, size=SIZE)
    assert all(np.array_equal(frame, flat) for frame in read_frames(clip))


@pytest.mark.parametrize("rate", ["12", "24000/1001", "24", "30", "50", "33"])
def test_a_gif_is_as_long_as_it_should_be(tmp_path: Path, rate: str) -> None:
    fps = Fraction(rate)
    clip = written(tmp_path / "a.gif", 77, fps)
    assert (clip.info.fps, clip.info.frame_count) == (fps, 77)
    delays = [
        struct.unpack("<H", data[4:6])[0] for name, data in gif_blocks(clip.path.read_bytes()) if name == "control"
    ]
    assert abs(sum(delays) - 100 * 77 / fps) <= Fraction(1, 2)
    assert min(delays) >= 2
    assert max(delays) - min(delays) <= 1
    ends = np.cumsum(delays)
    assert np.abs(ends - np.arange(1, 78) * float(100 / fps)).max() <= 0.5001


def test_rates_a_format_cannot_say(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too fast for GIF"):
        written(tmp_path / "a.gif", fps=Fraction(60))
    with pytest.raises(UsageError, match="APNG cannot say 999999/10007 frames"):
        written(tmp_path / "a.apng", fps=Fraction(999_999, 10_007))
    for ending in (".webp", ".apng", ".avif"):
        with pytest.raises(UsageError, match="is a still, not a clip"):
            written(tmp_path / f"a{ending}", 1)
    assert written(tmp_path / "one.gif", 1).info.frame_count == 1
    assert names(tmp_path) == ["one.gif"]


def test_a_webp_whose_pictures_last_longer_has_all_its_frames(tmp_path: Path) -> None:
    held = [frame.copy() for frame in drawn(4) for _ in range(5)]
    for rate in ("24", "30000/1001", "60"):
        clip = write_clip(
            tmp_path / f"{Fraction(rate).numerator}.webp", iter(held), fps=Fraction(rate), frame_count=20, size=SIZE
        )
        assert (clip.info.fps, clip.info.frame_count) == (Fraction(rate), 20)
        lasting = [
            int.from_bytes(data[12:15], "little")
            for name, data in riff_chunks(clip.path.read_bytes())
            if name == b"ANMF"
        ]
        assert sum(lasting) == round(20_000 / Fraction(rate))
        for frame, expected in zip(read_frames(clip), held, strict=True):
            assert np.abs(frame.astype(int) - expected).mean() < 2
        assert sum(1 for _ in read_frames(open_clip(clip.path))) == open_clip(clip.path).info.frame_count


@pytest.mark.parametrize(
    ("ending", "alpha"),
    [(end, alpha) for end in CLIP_ENDINGS for alpha in (False, True) if (end, alpha) != (".mp4", True)],
)
def test_frames_that_are_all_alike_are_a_clip_too(tmp_path: Path, ending: str, alpha: bool) -> None:
    frame = next(drawn(1, alpha))
    clip = write_clip(
        tmp_path / f"a{ending}", iter([frame] * 30), fps=Fraction(25), frame_count=30, size=SIZE, loop=True
    )
    assert (clip.info.fps, clip.info.frame_count) == (25, 30)
    found = list(read_frames(clip))
    assert len(found) == 30
    assert np.abs(found[29].astype(int) - frame[..., :3])[34:].mean() < 4
    if ending == ".webp":
        chunks = dict(riff_chunks(clip.path.read_bytes()))
        assert list(chunks) == [b"VP8X", b"ANIM", b"ANMF"]
        assert int.from_bytes(chunks[b"ANMF"][12:15], "little") == 1200
        with Image.open(clip.path) as image:
            assert image.size == SIZE
            assert (np.array(image.convert("RGBA"))[..., 3] == 255).all() != alpha


def test_an_apng_is_lossless_where_only_a_part_is_written(tmp_path: Path) -> None:
    clip = written(tmp_path / "a.apng", 12, Fraction(30000, 1001))
    controls = [
        struct.unpack(">IIIIIHHBB", data) for name, data in png_chunks(clip.path.read_bytes()) if name == b"fcTL"
    ]
    assert {control[5:7] for control in controls} == {(1001, 30000)}
    assert controls[0][1:3] == SIZE
    assert controls[1][1:3] == (28, 24)
    with Image.open(clip.path) as image:  # somebody else's reader
        for index, expected in enumerate(drawn(12)):
            image.seek(index)
            assert np.array_equal(np.array(image.convert("RGB")), expected)
    with av.open(str(clip.path)) as container:
        for found, expected in zip(container.decode(video=0), drawn(12), strict=True):
            assert np.array_equal(found.to_ndarray(format="rgb24"), expected)


def test_stills_are_no_clips_and_animations_no_stills(tmp_path: Path) -> None:
    frame = Image.fromarray(next(drawn(1)))
    for ending, kind in (("webp", "WebP"), ("png", "PNG"), ("avif", "AVIF")):
        frame.save(tmp_path / f"still.{ending}")
        with pytest.raises(ClipError, match=f"it is an? {kind} picture, not a video"):
            open_clip(tmp_path / f"still.{ending}")
    for ending in ANIMATIONS:
        with pytest.raises(Exception, match="not a still"):
            open_still(written(tmp_path / f"a{ending}").path)


def test_strangers_animations_open(tmp_path: Path) -> None:
    pages = [Image.fromarray(frame) for frame in drawn(6)]
    for name, options in (("a.gif", {}), ("a.webp", {}), ("b.png", {"default_image": True}), ("a.avif", {})):
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:], duration=40, **options)
        clip = open_clip(tmp_path / name)
        assert clip.info.fps == 25, name
        assert clip.info.frame_count == (5 if options else 6), name
        assert sum(1 for _ in read_frames(clip)) == clip.info.frame_count
    pages[0].save(tmp_path / "u.webp", save_all=True, append_images=pages[1:], duration=[40, 400, 40, 40, 40, 40])
    clip = open_clip(tmp_path / "u.webp")
    assert clip.info.seconds == pytest.approx(0.6, abs=0.05)
    assert sum(1 for _ in read_frames(clip)) == clip.info.frame_count


# ------------------------------------------------------------------------------------------------------ a size limit


@pytest.mark.parametrize("share", [0.3, 0.6])
@pytest.mark.parametrize("ending", [".mp4", ".webm", ".gif", ".webp", ".avif"])
def test_a_size_limit_is_met_and_used(tmp_path: Path, ending: str, share: float) -> None:
    def write(name: str, limit: int | None) -> int:
        clip = write_clip(
            tmp_path / f"{name}{ending}", noisy(20), fps=Fraction(25), frame_count=20, size=SIZE, max_bytes=limit
        )
        assert clip.info.frame_count == 20
        return clip.path.stat().st_size

    free = write("free", None)
    limit = round(free * share)
    size = write("bound", limit)
    assert 0.7 * limit <= size <= limit
    assert write("wide", 2 * free) == free
    assert len(names(tmp_path)) == 3


@pytest.mark.parametrize("ending", CLIP_ENDINGS)
def test_a_size_limit_that_cannot_be_met_leaves_nothing(tmp_path: Path, ending: str) -> None:
    sound = tone(48_000, 1) if carries_sound(f"a{ending}") else None
    with pytest.raises(OutputError, match=r"the smallest it can be is .* and the limit is 900 bytes; make it shorter"):
        written(tmp_path / f"a{ending}", 25, sound=sound, max_bytes=900)
    assert names(tmp_path) == []
    with pytest.raises(UsageError, match="no size limit"):
        written(tmp_path / "f" / "%d.png", max_bytes=900)


# --------------------------------------------------------------------------------------------- when writing goes wrong


@pytest.mark.parametrize("ending", CLIP_ENDINGS)
def test_cancelling_leaves_nothing_and_the_old_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    path.write_text("old")
    with pytest.raises(OutputExistsError):
        written(path)
    for stage in ("render", "encode") if ending not in (".mov", ".apng") else ("render",):

        def stop(now: str, done: int, total: int, stage: str = stage) -> None:
            if (now, done) == (stage, 17):
                raise Cancelled

        with pytest.raises(Cancelled):
            written(path, 30, overwrite=True, on_progress=stop, max_bytes=1000)
        assert names(tmp_path) == [path.name]
        assert path.read_text() == "old"


@pytest.mark.parametrize("ending", ANIMATIONS)
@pytest.mark.parametrize("count", [4, 6])
def test_a_wrong_count_leaves_nothing(tmp_path: Path, ending: str, count: int) -> None:
    with pytest.raises(ValueError, match=r"of 5 frames|more than 5"):
        write_clip(tmp_path / f"a{ending}", drawn(count), fps=Fraction(25), frame_count=5, size=SIZE)
    with pytest.raises(ValueError, match="repeat"):
        written(tmp_path / f"a{ending}", repeat=0)
    assert names(tmp_path) == []


@pytest.mark.parametrize("ending", [".gif", ".apng"])
def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"stillwake.media.animations.{'_packed' if ending == '.gif' else '_chunk'}", full)
    with pytest.raises(OutputError, match="the disk is full; free some space"):
        written(tmp_path / f"a{ending}", 30)
    assert names(tmp_path) == []


def test_a_picture_too_large_for_webp_is_one_sentence(tmp_path: Path) -> None:
    frames = iter([np.zeros((2, 20_000, 3), np.uint8)] * 2)
    with pytest.raises(OutputError, match="the encoder failed"):
        write_clip(tmp_path / "a.webp", frames, fps=Fraction(25), frame_count=2, size=(20_000, 2))
    assert names(tmp_path) == []


def test_a_check_says_beforehand_what_writing_would(tmp_path: Path) -> None:
    check_clip_output(tmp_path / "a.GIF", fps=Fraction(25), frame_count=10, alpha=True, max_bytes=10)
    for path, asked in (
        ("a.gif", {"sound": True}),
        ("a.gif", {"fps": Fraction(60)}),
        ("a.mp4", {"alpha": True}),
        ("a.webp", {"frame_count": 1}),
        ("a.xyz", {}),
    ):
        with pytest.raises(UsageError):
            check_clip_output(tmp_path / path, **asked)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"one picture only; end it with .*\.apng .*%05d\.png"):
        check_clip_output(tmp_path / "a.png")


@pytest.mark.parametrize("ending", [".gif", ".apng"])
def test_memory_does_not_grow_with_the_length(tmp_path: Path, ending: str) -> None:
    peaks = []
    for count in (30, 120):
        tracemalloc.start()
        written(tmp_path / f"{count}{ending}", count)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 20 * WIDTH * HEIGHT * 3


# ---------------------------------------------------------------------------------------------------- damaged files


@pytest.mark.parametrize("ending", ANIMATIONS)
def test_damaged_animations_open_or_are_refused(
    tmp_path: Path, ending: str, capfd: pytest.CaptureFixture[str]
) -> None:
    data = written(tmp_path / f"a{ending}", 6).path.read_bytes()
    path = tmp_path / f"b{ending}"
    capfd.readouterr()
    chance = random.Random(1)
    refused, said = 0, []
    for case in range(120):
        bad = bytearray(data)
        if case % 3 == 0:
            bad = bad[: chance.randrange(len(bad))]
        elif case % 3 == 1:
            for _ in range(chance.choice((1, 4))):
                bad[chance.randrange(min(len(bad), 200))] = chance.randrange(256)
        else:
            at = chance.randrange(len(bad) - 8)
            bad[at : at + 4] = chance.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF)).to_bytes(4, "big")
        path.write_bytes(bad)
        try:
            clip = open_clip(path)
            clip_sound(path)
            for frame, _ in zip(read_frames(clip), range(100), strict=False):
                assert frame.shape == (clip.info.height, clip.info.width, 3)
        except ClipError as error:
            refused += 1
            said.append(str(error))
    assert refused > 20
    assert not [sentence for sentence in said if ". " in sentence]
    assert capfd.readouterr() == ("", "")
