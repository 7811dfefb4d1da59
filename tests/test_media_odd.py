"""Odd and hostile clips: each is read right, or refused in one sentence."""

from __future__ import annotations

import os
import resource
import struct
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from stillwake.errors import ClipError
from stillwake.inspection.stream import frames_within, timing
from stillwake.media import clip_sound, open_clip, read_frames
from stillwake.media.loudness import loudness
from stillwake.media.wide import HLG, PQ, Wide
from stillwake.types import Clip

TICK = Fraction(1, 25)


def odd(
    path: Path,
    codec: str = "libx264",
    *,
    container: str | None = None,
    times: Any = range(12),
    base: Fraction = TICK,
    rate: Any = 25,
    size: tuple[int, int] = (64, 48),
    pixels: str = "yuv420p",
    colour: tuple[int, int, int] | None = None,
    films: int = 1,
    sounds: int = 0,
    options: dict[str, str] | None = None,
    **tags: Any,
) -> Path:
    """A film whose frame k is of the grey 20 + 6 k, or all of one colour."""
    with av.open(str(path), "w", format=container) as out:
        streams = [out.add_stream(codec, rate=rate, width=size[0], height=size[1], options=options or {})
                   for _ in range(films)]  # fmt: skip
        for stream in streams:
            stream.pix_fmt, stream.codec_context.time_base = pixels, base
            for name, value in tags.items():
                setattr(stream.codec_context, name, value)
        voices = [out.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=48_000, layout="stereo")
                  for _ in range(sounds)]  # fmt: skip
        full = "JPEG" if tags.get("color_range") == 2 else "MPEG"
        for number, at in enumerate(times):
            shade = colour or (20 + 6 * number % 200,) * 3
            frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), shade, np.uint8), format="rgb24")
            frame = frame.reformat(
                format=pixels, dst_colorspace="ITU601", src_color_range="JPEG", dst_color_range=full,
                interpolation="BILINEAR",
            )  # fmt: skip
            frame.pts, frame.time_base = at, base
            for stream in streams:
                out.mux(stream.encode(frame))
        for stream in streams:
            out.mux(stream.encode(None))
        for voice in voices:
            wave = (0.1 * np.sin(np.arange(24_000) * 0.06)).astype(np.float32)
            for start in range(0, 24_000, 960):
                block = np.repeat(wave[start : start + 960], 2)[None]
                part = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="flt", layout="stereo")
                part.sample_rate, part.pts, part.time_base = 48_000, start, Fraction(1, 48_000)
                out.mux(voice.encode(part))
            out.mux(voice.encode(None))
    return path


def seen(clip: Clip, *spans: tuple[float, float]) -> list[tuple[int, float, int]]:
    """Index, time and the number that each frame shows."""
    return [
        (shown.index, shown.time, round((float(shown.pixels.mean()) - 20) / 6))
        for shown in frames_within(clip, timing(clip), spans or ((0.0, 1e9),))
    ]


def turned(path: Path, degrees: int) -> Path:
    """The film with the matrix of a phone that was held otherwise in its track's header (ISO 14496-12, 8.3.2)."""
    data = path.read_bytes()
    one = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    matrix = {
        90: (0, 0x10000, 0, -0x10000, 0, 0, 48 << 16, 0, 0x40000000),
        180: (-0x10000, 0, 0, 0, -0x10000, 0, 64 << 16, 48 << 16, 0x40000000),
        270: (0, -0x10000, 0, 0x10000, 0, 0, 0, 64 << 16, 0x40000000),
    }[degrees]
    at = data.index(one, data.index(b"tkhd"))
    path.write_bytes(data[:at] + struct.pack(">9i", *matrix) + data[at + 36 :])
    return path


# --------------------------------------------------------------------------------------------------------- no clips


def _text(path: Path) -> None:
    path.write_text("words, words " * 50)


def _sdp(path: Path) -> None:
    path.write_text("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n")


def _cut(path: Path) -> None:
    odd(path, options={"preset": "ultrafast"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _cut_webm(path: Path) -> None:
    odd(path, "libvpx", container="webm", times=range(40), options={"deadline": "realtime", "cpu-used": "8"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _no_frames(path: Path) -> None:
    """A film's header and not one frame in it: only the sound was written."""
    with av.open(str(path), "w", format="matroska") as out:
        out.add_stream("ffv1", rate=25, width=64, height=48).pix_fmt = "yuv420p"
        voice = out.add_stream("pcm_s16le", rate=48_000, layout="mono")
        part = av.AudioFrame.from_ndarray(np.zeros((1, 9600), np.int16), format="s16", layout="mono")
        part.sample_rate, part.pts = 48_000, 0
        out.mux(voice.encode(part))
        out.mux(voice.encode(None))


def _sound(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as out:
        voice = out.add_stream("aac", rate=48_000, layout="mono")
        part = av.AudioFrame.from_ndarray(np.zeros((1, 9600), np.float32), format="fltp", layout="mono")
        part.sample_rate, part.pts = 48_000, 0
        out.mux(voice.encode(part))
        out.mux(voice.encode(None))


def _too_slow(path: Path) -> None:
    odd(path, times=[0, 1, 9000], base=Fraction(1), rate=1)


NO_CLIPS: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (_text, "it is not a video"),
    "empty": (lambda path: path.write_bytes(b""), "the file is empty"),
    "folder": (lambda path: path.mkdir(), "a folder without numbered PNG pictures"),
    "fifo": (lambda path: os.mkfifo(path), "a pipe or a device"),
    "playlist": (lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"), "it is a playlist"),
    "concat": (lambda path: path.write_text("ffconcat version 1.0\nfile '/etc/passwd'\n"), "it is a playlist"),
    "concat without its word": (lambda path: path.write_text("file '/etc/passwd'\n"), "it is not a video"),
    "sdp": (_sdp, "it is not a video"),
    "cut mp4": (_cut, "damaged or cut off"),
    "cut webm": (_cut_webm, "it is cut off: it ends after"),
    "no frames": (_no_frames, "damaged or cut off"),
    "sound only": (_sound, "a sound without a picture"),
    "hours apart": (_too_slow, "its frames' times"),
}


@pytest.mark.parametrize("name", NO_CLIPS)
def test_what_is_no_clip_is_one_sentence(tmp_path: Path, name: str, run: Callable[..., Any]) -> None:
    path = tmp_path / "clip.mp4"
    make, why = NO_CLIPS[name]
    make(path)
    with pytest.raises(ClipError, match=why):
        open_clip(path)
    ran = run("inspect", path)
    assert ran.status == 3
    assert why in ran.sentence


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_clip_that_may_not_be_read_is_one_sentence(tmp_path: Path) -> None:
    path = odd(tmp_path / "a.mp4")
    path.chmod(0)
    with pytest.raises(ClipError, match="not allowed"):
        open_clip(path)


def test_a_clip_that_vanishes_or_shrinks_is_one_sentence(tmp_path: Path) -> None:
    path = odd(tmp_path / "a.mp4", times=range(60), sounds=1)
    clip, times = open_clip(path), timing(open_clip(path))
    frames = frames_within(clip, times, ((0.0, 9.0),))
    next(frames)
    with path.open("r+b") as file:  # the index stands before the pictures or after them: either way they are gone
        file.truncate(path.stat().st_size // 3)
    for act in (lambda: timing(clip), lambda: list(frames_within(clip, times, ((0.0, 9.0),)))):
        with pytest.raises(ClipError, match=r"damaged|cut off|decoded"):
            act()
    path.unlink()
    for act in (lambda: timing(clip), lambda: list(frames_within(clip, times, ((0.0, 9.0),)))):
        with pytest.raises(ClipError, match="no such file"):
            act()
    with pytest.raises(ClipError, match="no such file"):
        loudness(path, "Cannot inspect a.mp4", ClipError)


def test_damage_is_told_where_it_is(tmp_path: Path) -> None:
    path = odd(tmp_path / "a.mkv", "mjpeg", container="matroska", times=range(50), pixels="yuvj420p")
    clip, times = open_clip(path), timing(open_clip(path))
    data = bytearray(path.read_bytes())
    at = len(data) // 2
    data[at : at + 40] = bytes(40)
    path.write_bytes(data)
    try:
        found = [shown.index for shown in frames_within(clip, times, ((0.0, 9.0),))]
    except ClipError as error:
        assert "damaged" in error.why or "can be decoded" in error.why  # noqa: PT017
    else:
        assert found == list(range(50))


# ----------------------------------------------------------------------------------------------------------- times


def test_frames_of_a_phone_keep_their_own_times(tmp_path: Path) -> None:
    times = [0, 3000, 6400, 9000, 12_800, 15_000, 18_000, 21_900, 24_000, 27_000, 30_000]
    clip = open_clip(odd(tmp_path / "a.mp4", times=times, base=Fraction(1, 90_000), rate=30))
    found = seen(clip)
    assert [shown for _, _, shown in found] == list(range(11))
    middles = [(here + after) / 2 / 90_000 for here, after in pairwise(times)]
    assert [time for _, time, _ in found][:-1] == pytest.approx(middles)
    assert [shown for _, _, shown in seen(clip, (0.1, 0.2))] == [k for k, at in enumerate(middles) if 0.1 <= at < 0.2]


def test_missing_frames_leave_the_rate_as_it_is(tmp_path: Path) -> None:
    kept = [k for k in range(40) if k not in (12, 13, 20)]
    clip = open_clip(odd(tmp_path / "a.mp4", times=kept))
    assert (clip.info.fps, clip.info.frame_count) == (25, 40)
    times = timing(clip)
    assert (len(times.ticks), times.even) == (37, False)
    assert [time for _, time, _ in seen(clip)][-1] == pytest.approx(39.5 / 25)
    assert sum(1 for _ in read_frames(clip)) == 40


def test_two_frames_at_one_time_are_both_seen(tmp_path: Path) -> None:
    clip = open_clip(odd(tmp_path / "a.mkv", "ffv1", container="matroska", times=[0, 1, 2, 3, 3, 4, 5, 6, 7, 8]))
    assert clip.info.fps == 25
    assert [shown for _, _, shown in seen(clip)] == list(range(10))


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_an_avi_that_knows_no_times_comes_in_order(tmp_path: Path, codec: str) -> None:
    path = odd(tmp_path / "a.avi", codec, times=range(24), options={"bf": "2", "qmax": "4"})
    clip = open_clip(path)
    assert clip.info.fps == 25
    assert [shown for _, _, shown in seen(clip)] == list(range(24))
    assert [round((float(frame.mean()) - 20) / 6) for frame in read_frames(clip)] == list(range(24))


@pytest.mark.parametrize(
    ("name", "times"),
    [("late.mkv", range(50, 62)), ("late.mp4", range(50, 62)), ("before.mkv", range(-3, 9)), ("late.ts", range(12))],
)
def test_the_first_frame_may_come_at_any_time(tmp_path: Path, name: str, times: range) -> None:
    clip = open_clip(odd(tmp_path / name, times=times, options={"bf": "2"}))
    assert (clip.info.fps, clip.info.frame_count) == (25, 12)
    assert [(index, shown) for index, _, shown in seen(clip)] == [(k, k) for k in range(12)]
    assert seen(clip)[0][1] == pytest.approx(0.02)


def test_frames_that_an_edit_list_cuts_away_are_not_seen(tmp_path: Path) -> None:
    clip = open_clip(odd(tmp_path / "a.mp4", times=range(-3, 12), options={"bf": "2"}))
    assert clip.info.frame_count == 12
    assert [shown for _, _, shown in seen(clip)] == list(range(3, 15))


@pytest.mark.parametrize("sounds", [0, 1])
def test_one_frame_is_a_clip(tmp_path: Path, sounds: int) -> None:
    clip = open_clip(odd(tmp_path / "a.mp4", times=[0], sounds=sounds))
    assert (clip.info.fps, clip.info.frame_count) == (25, 1)
    assert len(seen(clip)) == 1
    assert (clip_sound(clip.path) is None) == (sounds == 0)


def test_two_hours_are_searched_not_decoded(tmp_path: Path) -> None:
    path = odd(tmp_path / "a.mp4", "mpeg4", times=range(0, 7200, 4), base=Fraction(1), rate=1, colour=(90, 90, 90))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    clip = open_clip(path)
    times = timing(clip)
    found = list(frames_within(clip, times, ((0.0, 12.0), (3600.0, 3612.0), (7188.0, 7300.0))))
    assert [shown.index for shown in found] == [0, 1, 2, 900, 901, 902, 1797, 1798, 1799]
    assert time.perf_counter() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    long = odd(tmp_path / "b.mp4", "mpeg4", times=range(0, 7300, 50), base=Fraction(1), rate=1)
    with pytest.raises(ClipError, match="longer than 2 hours"):
        open_clip(long)


def test_two_hours_of_times_are_compared_at_once() -> None:
    from stillwake.inspection.stream import Timing

    times = Timing(tuple(3003 * k for k in range(216_000)), Fraction(1, 90_000), direct=True)
    start = time.perf_counter()
    assert times.worst(Fraction(30_000, 1001)) == (0, 215_999)
    assert time.perf_counter() - start < 2


# ---------------------------------------------------------------------------------------------------- sizes, turns


@pytest.mark.parametrize("size", [(1, 1), (33, 35), (8192, 16), (16, 8192)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    clip = open_clip(odd(tmp_path / "a.mkv", "ffv1", container="matroska", times=range(3), size=size, pixels="bgr0"))
    assert (clip.info.width, clip.info.height) == size
    for shown in frames_within(clip, timing(clip), ((0.0, 9.0),)):
        assert shown.pixels.shape == (size[1], size[0], 3)


def test_frames_larger_than_8k_are_refused(tmp_path: Path) -> None:
    path = odd(tmp_path / "a.mkv", "mjpeg", container="matroska", times=[0], size=(9000, 3950), pixels="yuvj420p")
    with pytest.raises(ClipError, match=r"9000 × 3950 px"):
        open_clip(path)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_clip_is_seen_upright_and_searched(tmp_path: Path, degrees: int) -> None:
    path = turned(odd(tmp_path / "a.mp4", times=range(6)), degrees)
    clip = open_clip(path)
    assert (clip.info.width, clip.info.height) == ((64, 48) if degrees == 180 else (48, 64))
    assert [shown for _, _, shown in seen(clip, (0.08, 0.16))] == [2, 3]
    shapes = {shown.pixels.shape for shown in frames_within(clip, timing(clip), ((0.0, 1.0),))}
    assert shapes == {next(read_frames(clip)).shape}


def test_frames_that_change_their_size_are_refused(tmp_path: Path) -> None:
    small, large = odd(tmp_path / "a.ts", times=range(4)), odd(tmp_path / "b.ts", times=range(4, 8), size=(96, 64))
    path = tmp_path / "c.ts"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(ClipError):
        list(frames_within(open_clip(path), timing(open_clip(path)), ((0.0, 9.0),)))


def test_of_several_tracks_the_first_is_read(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv"):
        clip = open_clip(odd(tmp_path / name, films=2, sounds=2, times=range(12)))
        assert [shown for _, _, shown in seen(clip)] == list(range(12))
        assert clip_sound(clip.path) is not None


# ---------------------------------------------------------------------------------------------------------- colours

RED = (200, 60, 50)


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "tags"),
    [
        ("a.mp4", "libx264", "yuv420p", {}),
        ("full.mp4", "libx264", "yuvj420p", {"color_range": 2}),
        ("full.mov", "mjpeg", "yuvj420p", {"color_range": 2}),
        ("ten.mp4", "libx264", "yuv420p10le", {}),
        ("wide.mp4", "libx264", "yuv444p", {}),
        ("four.mp4", "libx264", "yuv422p", {}),
        ("ten.mov", "prores_ks", "yuv422p10le", {}),
        ("rgb.mkv", "ffv1", "bgr0", {}),
        ("lace.ts", "mpeg2video", "yuv420p", {"options": {"flags": "+ilme+ildct", "qscale": "2", "b": "4M"}}),
    ],
)
def test_colours_are_what_they_were(tmp_path: Path, name: str, codec: str, pixels: str, tags: dict[str, Any]) -> None:
    options = {"crf": "4", **tags.pop("options", {})} if codec == "libx264" else tags.pop("options", None)
    path = odd(tmp_path / name, codec, times=range(3), pixels=pixels, colour=RED, options=options, **tags)
    clip = open_clip(path)
    assert np.abs(next(read_frames(clip))[20, 20].astype(int) - RED).max() <= 3
    first = next(frames_within(clip, timing(clip), ((0.0, 1.0),)))
    assert np.abs(first.pixels[20, 20].astype(int) - RED).max() <= 5


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mov", "prores_ks", {"profile": "4"}),
        ("a.webm", "libvpx-vp9", {"cpu-used": "8", "deadline": "realtime"}),
    ],
)
def test_transparency_is_left_out(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    pixels = "yuva420p" if name.endswith("webm") else "yuva444p10le"
    path = odd(tmp_path / name, codec, times=range(3), pixels=pixels, colour=RED, options=options)
    clip = open_clip(path)
    for shown in frames_within(clip, timing(clip), ((0.0, 1.0),)):
        assert np.abs(shown.pixels[20, 20].astype(int) - RED).max() <= 6


def _pq(light: np.ndarray) -> np.ndarray:
    """The inverse of BT.2100's PQ, light in units of 203 cd/m²."""
    power = (light * 203 / 10_000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def test_hdr_looks_like_what_was_filmed() -> None:
    shade = np.array(RED) / 255
    linear = np.where(shade <= 0.04045, shade / 12.92, ((shade + 0.055) / 1.055) ** 2.4)
    to_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    code = np.round(65_535 * _pq(to_2020 @ linear)).astype(np.uint16).reshape(1, 1, 3)
    assert np.abs(Wide(PQ, True)(code)[0, 0].astype(int) - RED).max() <= 2
    white = np.full((1, 1, 3), round(65_535 * 0.75), np.uint16)
    assert Wide(HLG, True)(white).min() >= 240, "HLG's reference white is 75 % (BT.2408)"
    assert Wide(HLG, True)(np.full((1, 1, 3), 65_535, np.uint16)).min() == 255
    ramp = Wide(PQ, True)(np.repeat(np.arange(0, 65_536, 256, dtype=np.uint16), 3).reshape(1, -1, 3)).astype(int)
    assert (np.diff(ramp[0, :, 0]) >= 0).all(), "brighter stays brighter"


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_an_hdr_clip_is_read_by_its_tags(tmp_path: Path, transfer: int) -> None:
    """Half of PQ's code is about a tenth of white's light: mid grey, where its code alone would be another."""
    path = odd(
        tmp_path / "a.mkv", "libx265", times=range(2), pixels="yuv420p10le", colour=(128, 128, 128),
        options={"x265-params": "log-level=none", "crf": "4"}, color_trc=transfer, color_primaries=9, colorspace=9,
    )  # fmt: skip
    clip = open_clip(path)
    code = np.full((1, 1, 3), round(128 / 255 * 65_535), np.uint16)
    expected = int(Wide(transfer, True)(code)[0, 0, 0])
    for frame in (next(read_frames(clip)), next(frames_within(clip, timing(clip), ((0.0, 1.0),))).pixels):
        assert np.abs(frame[20, 20].astype(int) - expected).max() <= 4
    assert expected != 128
