from __future__ import annotations

import errno
import os
import signal
import struct
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from stillwake.errors import Cancelled, ClipError, OutputError, OutputExistsError, UsageError
from stillwake.media import clip_sound, films, open_clip, read_frames, sound_from_samples, write_clip
from stillwake.types import Clip, Pixels, Sound

WIDTH, HEIGHT = 128, 96
SIZE = (WIDTH, HEIGHT)


def background() -> Pixels:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.dstack([60 + x, 200 - y, 90 + (x + y) // 2]).astype(np.uint8)


def drawn(count: int) -> Iterator[Pixels]:
    """A soft gradient with a square that moves 4 px a frame, in one buffer used again and again."""
    still = background()
    frame = still.copy()
    for index in range(count):
        frame[:] = still
        at = 4 * index % (WIDTH - 24)
        frame[40:64, at : at + 24] = (220, 160, 140)
        yield frame


def flashes(count: int, lit: set[int]) -> Iterator[Pixels]:
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for index in range(count):
        frame[:] = 240 if index in lit else 20
        yield frame


def ticks(rate: int, seconds: float, times: list[Fraction], channels: int = 1) -> Sound:
    samples = np.zeros((round(seconds * rate), channels), np.int16)
    for time in times:
        at = round(time * rate)
        samples[at : at + rate // 1000] = 20_000
    return sound_from_samples(samples, rate)


def written(path: Path, count: int = 10, fps: Fraction = Fraction(25), **options: Any) -> Clip:
    return write_clip(path, drawn(count), fps=fps, frame_count=count, size=SIZE, **options)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert not set(threading.enumerate()) - before  # those of an earlier test may end meanwhile


# --------------------------------------------------------------------------------------------------- what is written


@pytest.mark.parametrize("fps", ["25", "30000/1001", "24000/1001", "60", "12", "2997/125", "15/2"])
def test_every_frame_has_its_exact_time(tmp_path: Path, fps: str) -> None:
    rate = Fraction(fps)
    clip = written(tmp_path / "a.mp4", 40, rate)
    assert (clip.info.fps, clip.info.frame_count, clip.info.width, clip.info.height) == (rate, 40, WIDTH, HEIGHT)
    assert clip.info.seconds == pytest.approx(float(40 / rate))
    assert open_clip(tmp_path / "a.mp4") == clip
    with av.open(str(tmp_path / "a.mp4")) as container:
        frames = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert frames == [index / rate for index in range(40)]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("fps", ["25", "30000/1001", "7/3", "1", "240", "999999/10007"])
def test_short_clips_have_their_rate_too(tmp_path: Path, fps: str, count: int) -> None:
    clip = written(tmp_path / "a.mp4", count, Fraction(fps))
    assert (clip.info.fps, clip.info.frame_count) == (Fraction(fps), count)
    assert sum(1 for _ in read_frames(clip)) == count


def test_names_that_mean_something_to_ffmpeg_are_names(tmp_path: Path) -> None:
    folder = tmp_path / "a:b|c %d é"
    folder.mkdir()
    for name in ("http:x.mp4", "concat:a|b.mp4", "-.mp4", "%05d.mp4", "ü" * 100 + ".MP4"):
        assert written(folder / name, 2).info.frame_count == 2
        assert open_clip(folder / name).info.frame_count == 2
    assert len(names(folder)) == 5


def test_what_the_encoder_does_not_take_is_an_error_not_a_crash(tmp_path: Path) -> None:
    frames = iter([np.zeros((2, 40_000, 3), np.uint8)])
    with pytest.raises(OutputError, match="the encoder failed"):
        write_clip(tmp_path / "a.mp4", frames, fps=Fraction(25), frame_count=1, size=(40_000, 2))
    with pytest.raises(OutputError, match="the encoder failed"):
        written(tmp_path / "a.mp4", preset="nonsense")
    assert names(tmp_path) == []


def test_frames_come_back_as_they_went_in(tmp_path: Path) -> None:
    clip = written(tmp_path / "a.mp4", 25, crf=8)
    for index, (found, expected) in enumerate(zip(read_frames(clip), drawn(25), strict=True)):
        off = found.astype(int) - expected
        assert np.abs(off).mean() < 1.5, index
        assert np.abs(off.mean(axis=(0, 1))).max() < 0.5, index  # no cast: matrix and range agree both ways
        assert found.flags.owndata or found.base is not None


@pytest.mark.parametrize(
    "colour", [(255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 30, 30), (30, 30, 200), (212, 160, 133)]
)
def test_colours_are_bt709_limited_and_say_so(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    path = tmp_path / "a.mp4"
    frames = iter([np.full((HEIGHT, WIDTH, 3), colour, np.uint8)] * 3)
    write_clip(path, frames, fps=Fraction(25), frame_count=3, size=SIZE, crf=4)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
        assert (context.pix_fmt, context.profile) == ("yuv420p", "High")
        frame = next(container.decode(video=0))
        planes = [float(np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[8, 8]) for plane in frame.planes]
    red, green, blue = (value / 255 for value in colour)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue  # ITU-R BT.709-6, items 3.2 to 3.4 and 5.2
    expected = [16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748]
    assert np.abs(np.array(planes) - expected).max() <= 1.0
    assert np.abs(next(read_frames(path))[8, 8].astype(int) - colour).max() <= 2


def test_the_index_stands_before_the_pictures(tmp_path: Path) -> None:
    written(tmp_path / "a.mp4")
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_the_same_frames_give_the_same_file(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        written(tmp_path / name, 60, sound=ticks(22_050, 2.4, [Fraction(1)]))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize(
    ("rate", "channels", "kept"), [(22_050, 1, 48_000), (44_100, 2, 44_100), (48_000, 2, 48_000), (8_000, 1, 48_000)]
)
def test_sound_lies_where_it_lay(tmp_path: Path, rate: int, channels: int, kept: int) -> None:
    times = [Fraction(1, 2), Fraction(3, 2), Fraction(7, 2)]
    sound = ticks(rate, 4, times, channels)
    clip = written(tmp_path / "a.mp4", 100, sound=sound)
    assert clip.info.sound == f"aac, {kept} Hz, {'mono' if channels == 1 else 'stereo'}"
    heard = clip_sound(tmp_path / "a.mp4")
    assert heard is not None
    assert (heard.rate, heard.channels, heard.seconds) == (kept, channels, 4)
    for time in times:
        start = round((time - Fraction(1, 10)) * 16_000)
        window = np.abs(heard.mono[start : start + 3_200].astype(float))
        first = start + int(np.argmax(window > window.max() / 2))
        assert abs(first / 16_000 - time) < 0.002


def test_sound_longer_than_the_picture_is_kept_and_a_clip_may_be_silent(tmp_path: Path) -> None:
    written(tmp_path / "a.mp4", 10, sound=ticks(48_000, 3, [Fraction(2)]))
    heard = clip_sound(tmp_path / "a.mp4")
    assert heard is not None
    assert heard.seconds == 3
    assert written(tmp_path / "b.mp4").info.sound is None
    assert clip_sound(tmp_path / "b.mp4") is None


def synchrony(folder: Path, seconds: int, fps: Fraction, rate: int) -> float:
    """Seconds between flash and click, at most, in a clip that long with a flash and a click every now and then."""
    count = int(seconds * fps)
    lit = set(range(int(fps), count, max(int(fps), count // 7)))
    sound = ticks(rate, seconds, [index / fps for index in sorted(lit)])
    clip = write_clip(
        folder / "a.mp4", flashes(count, lit), fps=fps, frame_count=count, size=SIZE, sound=sound, preset="ultrafast"
    )
    seen = [index for index, frame in enumerate(read_frames(clip)) if frame[::8, ::8].mean() > 130]
    assert seen == sorted(lit)
    heard = clip_sound(folder / "a.mp4")
    assert heard is not None
    off = []
    for index in seen:
        start = round((index / fps - Fraction(1, 5)) * 16_000)
        window = np.abs(heard.mono[start : start + 6_400].astype(float))
        off.append(abs((start + int(np.argmax(window > window.max() / 2))) / 16_000 - index / fps))
    return float(max(off))


def test_picture_and_sound_stay_together(tmp_path: Path) -> None:
    assert synchrony(tmp_path, 40, Fraction(30000, 1001), 22_050) < 0.002


@pytest.mark.slow
def test_picture_and_sound_stay_together_for_ten_minutes(tmp_path: Path) -> None:
    assert synchrony(tmp_path, 600, Fraction(30000, 1001), 44_100) < 0.002


# --------------------------------------------------------------------------------------------------------- sequences


def test_a_sequence_is_lossless_and_knows_its_rate_and_sound(tmp_path: Path) -> None:
    rate = Fraction(24000, 1001)
    clip = written(tmp_path / "frames" / "%05d.png", 12, rate, sound=ticks(22_050, 0.5, [Fraction(1, 4)], 2))
    assert names(tmp_path / "frames") == [*(f"{index:05d}.png" for index in range(12)), "sound.wav"]
    assert (clip.info.name, clip.info.fps, clip.info.frame_count) == ("frames", rate, 12)
    assert clip.info.sound == "pcm_s16le, 22050 Hz, stereo"
    for path in (tmp_path / "frames", tmp_path / "frames" / "%05d.png"):
        assert open_clip(path).info == clip.info
        for found, expected in zip(read_frames(path), drawn(12), strict=True):
            assert np.array_equal(found, expected)
        heard = clip_sound(path)
        assert heard is not None
        assert heard.seconds == Fraction(1, 2)
    assert names(tmp_path) == ["frames"]


def test_odd_sizes_are_fine_in_a_sequence(tmp_path: Path) -> None:
    frame = np.arange(33 * 35 * 3, dtype=np.uint8).reshape(33, 35, 3)
    clip = write_clip(tmp_path / "f" / "%d.png", iter([frame]), fps=Fraction(25), frame_count=1, size=(35, 33))
    assert np.array_equal(next(read_frames(clip)), frame)


def test_a_strangers_sequence_opens(tmp_path: Path) -> None:
    for index in (7, 8, 9, 10):
        Image.new("L", (40, 30), index).save(tmp_path / f"shot_{index}.png")
    clip = open_clip(tmp_path)
    assert (clip.info.fps, clip.info.frame_count, clip.info.width) == (25, 4, 40)
    assert [int(frame[0, 0, 0]) for frame in read_frames(clip)] == [7, 8, 9, 10]
    assert clip_sound(tmp_path) is None
    (tmp_path / "shot_9.png").unlink()
    with pytest.raises(ClipError, match=r"shot_9.png is missing"):
        open_clip(tmp_path)
    Image.new("L", (41, 30)).save(tmp_path / "shot_9.png")
    with pytest.raises(ClipError, match=r"shot_9.png has another size"):
        list(read_frames(tmp_path))
    (tmp_path / "shot_9.png").write_bytes(b"no picture")
    with pytest.raises(ClipError, match=r"shot_9.png: it is damaged"):
        list(read_frames(tmp_path))


# --------------------------------------------------------------------------------------------- when writing goes wrong


def test_names_and_sizes_that_cannot_be(tmp_path: Path) -> None:
    for name in ("a.mkv", "a", "a.png", ".mp4"):
        with pytest.raises(UsageError, match=r"\.mp4.*%05d\.png"):
            written(tmp_path / name)
    with pytest.raises(ValueError, match="even"):
        write_clip(tmp_path / "a.mp4", iter([]), fps=Fraction(25), frame_count=1, size=(33, 32))
    with pytest.raises(ValueError, match="frame_count"):
        write_clip(tmp_path / "a.mp4", iter([]), fps=Fraction(25), frame_count=0, size=SIZE)
    with pytest.raises(ValueError, match="fps"):
        write_clip(tmp_path / "a.mp4", iter([]), fps=Fraction(23.976), frame_count=1, size=SIZE)
    (tmp_path / "a.mp4").write_text("old")
    with pytest.raises(OutputExistsError):
        written(tmp_path / "a.mp4")
    assert names(tmp_path) == ["a.mp4"]


@pytest.mark.parametrize("name", ["a.mp4", "frames/%05d.png"])
def test_frames_that_differ_from_what_was_said(tmp_path: Path, name: str) -> None:
    def wrong(shape: tuple[int, ...], kind: type) -> Iterator[Any]:
        yield np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        yield np.zeros(shape, kind)

    for frames, why in (
        (drawn(2), "only 2 of 3"),
        (drawn(4), "more than 3"),
        (wrong((HEIGHT, WIDTH + 2, 3), np.uint8), "frame 1 must be"),
        (wrong((HEIGHT, WIDTH, 3), np.float32), "frame 1 must be"),
    ):
        with pytest.raises(ValueError, match=why):
            write_clip(tmp_path / name, frames, fps=Fraction(25), frame_count=3, size=SIZE)
        assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["a.mp4", "frames/%05d.png"])
@pytest.mark.parametrize(
    "failure", [RuntimeError("a fault of the engine's"), KeyboardInterrupt(), OSError(5, "its disk")]
)
def test_a_fault_in_drawing_leaves_nothing_and_passes_through(
    tmp_path: Path, name: str, failure: BaseException
) -> None:
    def failing() -> Iterator[Pixels]:
        yield from drawn(30)
        raise failure

    with pytest.raises(type(failure)) as caught:
        write_clip(tmp_path / name, failing(), fps=Fraction(25), frame_count=60, size=SIZE)
    assert caught.value is failure
    assert names(tmp_path) == []


def test_cancelling_leaves_nothing_and_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("old")
    seen: list[tuple[str, int, int]] = []

    def stop(stage: str, done: int, total: int) -> None:
        seen.append((stage, done, total))
        if done == 17:
            raise Cancelled

    with pytest.raises(Cancelled):
        written(tmp_path / "a.mp4", 60, overwrite=True, on_progress=stop)
    assert seen == [("render", done, 60) for done in range(1, 18)]
    assert names(tmp_path) == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_text() == "old"


@pytest.mark.parametrize("name", ["a.mp4", "frames/%05d.png"])
def test_a_fault_of_the_sound_reaches_the_caller(tmp_path: Path, name: str) -> None:
    sound = ticks(48_000, 4, [])

    def broken() -> Iterator[Any]:
        yield next(sound.blocks())
        raise ClipError("Cannot read it", "gone", "look for it")

    bad = Sound("x", "", 48_000, 1, Fraction(4), sound.mono, broken)
    with pytest.raises(ClipError):
        written(tmp_path / name, 100, sound=bad)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["a.mp4", "frames/%05d.png"])
def test_a_full_disk_while_encoding_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if name == "a.mp4":
        monkeypatch.setattr("stillwake.media.films.Film._encode", full)
    else:
        monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OutputError, match="the disk is full; free some space"):
        written(tmp_path / name, 60)
    assert names(tmp_path) == []


LIMITED = """
    import resource, sys
    from fractions import Fraction
    import numpy as np
    from stillwake.errors import OutputError
    from stillwake.media import write_clip
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    noise = np.random.default_rng(1)
    frames = (noise.integers(0, 256, (96, 128, 3), np.uint8) for _ in range(60))
    try:
        write_clip(sys.argv[1], frames, fps=Fraction(25), frame_count=60, size=(128, 96))
    except OutputError as error:
        print(error)
"""


@pytest.mark.parametrize("limit", [10, 40_000, 300_000])
def test_a_file_past_the_systems_limit_is_removed(tmp_path: Path, limit: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIMITED), str(tmp_path / "a.mp4"), str(limit)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("Cannot write a.mp4: the file grows past the size the system allows;")
    assert done.stderr == ""
    assert names(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_really_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", disk], capture_output=True).returncode:
        pytest.skip("this root may not mount")
    try:
        noise = np.random.default_rng(1)
        for name in ("a.mp4", "frames/%05d.png"):
            frames = (noise.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(120))
            with pytest.raises(OutputError, match="the disk is full"):
                write_clip(disk / name, frames, fps=Fraction(25), frame_count=120, size=SIZE)
            assert names(disk) == []
    finally:
        subprocess.run(["umount", disk], check=True)


INTERRUPTED = """
    import signal, sys, time
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background hands it on ignored
    from fractions import Fraction
    import numpy as np
    from stillwake.media import write_clip
    def frames():
        for index in range(10_000):
            if index == 30:
                print("drawing", flush=True)
            time.sleep(0.002)
            yield np.full((96, 128, 3), index % 200, np.uint8)
    write_clip(sys.argv[1], frames(), fps=Fraction(25), frame_count=10_000, size=(128, 96))
"""


@pytest.mark.parametrize("name", ["a.mp4", "frames/%05d.png"])
def test_ctrl_c_half_way_leaves_nothing(tmp_path: Path, name: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED), str(tmp_path / name)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "drawing\n"
        assert names(tmp_path) != []
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert names(tmp_path) == []


# ------------------------------------------------------------------------------------------------- strangers' clips


def encoded(path: Path, container: str, codec: str, times: list[int], base: Fraction, **options: Any) -> Path:
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=options.pop("rate", Fraction(25)), width=64, height=48)
        stream.codec_context.time_base = base
        for name, value in options.items():
            setattr(stream.codec_context, name, value)
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 + 4 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = time, base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def levels(path: Path) -> list[int]:
    """Each frame's number, told by its grey."""
    return [round((float(frame.mean()) - 10) / 4) for frame in read_frames(path)]


@pytest.mark.parametrize("rate", ["25", "30000/1001", "24000/1001", "30", "60"])
def test_a_container_that_counts_in_milliseconds_has_its_exact_rate(tmp_path: Path, rate: str) -> None:
    fps = Fraction(rate)
    path = encoded(tmp_path / "a.mkv", "matroska", "ffv1", list(range(50)), 1 / fps, rate=fps, pix_fmt="yuv420p")
    clip = open_clip(path)
    assert (clip.info.fps, clip.info.frame_count) == (fps, 50)
    assert levels(path) == list(range(50))


def test_uneven_frames_come_at_their_mean_rate(tmp_path: Path) -> None:
    times = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 25, 26, 27, 28, 29]  # a second and a half in which nothing changed
    path = encoded(tmp_path / "a.mp4", "mp4", "mpeg4", times, Fraction(1, 10), rate=Fraction(10))
    clip = open_clip(path)
    found = levels(path)
    assert len(found) == clip.info.frame_count
    assert clip.info.seconds == pytest.approx(3.0, rel=0.1)
    assert found[0] <= 1
    assert found[-1] == 14
    assert found == sorted(found)
    held = found.count(9) / float(clip.info.fps)
    assert held == pytest.approx(1.6, abs=0.3)


def test_an_untagged_small_clip_is_bt601_and_a_tagged_one_what_it_says(tmp_path: Path) -> None:
    frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), (200, 40, 40), np.uint8), format="rgb24")
    for tag, matrix in ((2, "ITU601"), (1, "ITU709"), (5, "ITU601")):
        with av.open(str(tmp_path / "a.mp4"), "w") as out:
            stream = out.add_stream("libx264", rate=25, width=64, height=48, options={"crf": "1"})
            stream.codec_context.colorspace = tag
            yuv = frame.reformat(
                format="yuv420p", dst_colorspace=matrix, src_color_range="JPEG", dst_color_range="MPEG"
            )
            yuv.pts = 0
            out.mux(stream.encode(yuv))
            out.mux(stream.encode(None))
        assert np.abs(next(read_frames(tmp_path / "a.mp4"))[20, 20].astype(int) - (200, 40, 40)).max() <= 3, tag


def test_a_clip_filmed_upright_comes_upright(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    written(path, 3)
    data = path.read_bytes()
    # The track header's matrix: the identity, replaced by a phone's quarter turn clockwise (ISO 14496-12, 8.3.2).
    plain = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    turned = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, HEIGHT << 16, 0, 0x40000000)
    at = data.index(plain, data.index(b"tkhd"))
    path.write_bytes(data[:at] + turned + data[at + 36 :])
    clip = open_clip(path)
    assert (clip.info.width, clip.info.height) == (HEIGHT, WIDTH)
    found = next(read_frames(clip)).astype(int)
    assert np.abs(found - np.rot90(next(drawn(1)), -1)).mean() < 2


def test_what_is_no_clip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    for content, why in (
        (b"words", "it is not a video"),
        (b"", "the file is empty"),
        (b"#EXTM3U\n#EXTINF:1,\nother.ts\n", "it is a playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "it is a playlist"),
        (b"GIF89a" + bytes(40), "it is a GIF"),
        (b"\0\0\0\x20ftypisom" + bytes(100), "damaged or cut off|no picture"),
    ):
        path.write_bytes(content)
        with pytest.raises(ClipError, match=why):
            open_clip(path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ClipError, match="a folder without numbered PNG pictures"):
        open_clip(tmp_path / "folder")
    with pytest.raises(ClipError, match="no such file"):
        open_clip(tmp_path / "missing.mp4")


def test_a_sound_is_no_clip(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.m4a"), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(ClipError, match="a sound without a picture"):
        open_clip(tmp_path / "a.m4a")


def test_a_damaged_clip_is_refused_where_the_damage_is(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    clip = written(path, 60)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - len(data) // 4])
    with pytest.raises(ClipError, match=r"cut off|damaged"):
        open_clip(path)
    with pytest.raises(ClipError):
        list(read_frames(clip))
    start = data.index(b"mdat") + (len(data) - data.index(b"mdat")) * 2 // 3
    path.write_bytes(data[:start] + bytes(400) + data[start + 400 :])
    seen = 0
    with pytest.raises(ClipError, match=r"damaged|decoded"):  # noqa: PT012  how far it came matters
        for _ in read_frames(clip):
            seen += 1
    assert seen < 60


def test_leaving_a_clip_half_read_closes_it(tmp_path: Path) -> None:
    clip = written(tmp_path / "a.mp4", 60)
    for _ in range(3):
        frames = read_frames(clip)
        next(frames)
        frames.close()  # type: ignore[attr-defined]
    assert not [link for link in Path("/proc/self/fd").iterdir() if link.exists() and "a.mp4" in str(link.resolve())]


def test_the_same_small_frames_give_the_same_file(tmp_path: Path) -> None:
    """320 px: half of it is no multiple of what the widest registers hold."""
    y, x = np.mgrid[0:240, 0:320].astype(np.float32)
    waves = 40 * np.sin(x / 9) * np.cos(y / 7) + 25 * np.sin(x / 3.1 + y / 4.3)
    picture = np.clip(np.stack([110 + waves, 130 + 0.8 * waves, 150 - y / 4], -1), 0, 255)
    shifts = (np.array([[1, 0, -0.7 * index], [0, 1, 0]]) for index in range(33))
    drawn = (cv2.warpAffine(picture, s, (320, 240), borderMode=cv2.BORDER_REFLECT) for s in shifts)
    frames = [np.clip(np.rint(one), 0, 255).astype(np.uint8) for one in drawn]
    made = set()
    for number in range(24):
        dirt = [np.full(size, 37 * number % 256, np.uint8) for size in (1 << 10, 1 << 14, 1 << 17, 1 << 19) * 8]
        del dirt  # memory that was used for something else
        path = tmp_path / f"{number}.mp4"
        clip = write_clip(path, list(frames), fps=Fraction(16), frame_count=33, size=(320, 240), preset="medium")
        made.add(clip.info.sha256)
    assert len(made) == 1
    if cv2.checkHardwareSupport(films.AVX_512):  # what goes wrong there hangs on what the memory held before
        assert films.encoder_options(".mp4", "medium", 18, False)["x264-params"] == "asm=avx2"
