from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwake.assemble import lettering
from stillwake.assemble.captions import Caption
from stillwake.assemble.edit import Edit, Picture
from stillwake.assemble.join import clip_frame, fade_frames, fitted, join, mixed_light
from stillwake.assemble.lettering import Lettering, font_for
from stillwake.errors import ClipError, OutputExistsError, UnavailableError, UsageError
from stillwake.media import open_clip, read_frames, sound_from_samples, write_clip
from stillwake.types import Clip, ClipInfo, Pixels

FPS = Fraction(25)
SIZE = 128, 72
BITS = 8


def numbered(index: int, colour: tuple[int, int, int], size: tuple[int, int] = SIZE) -> Pixels:
    """A frame that says its number in black and white bars across its upper half."""
    frame = np.full((size[1], size[0], 3), colour, np.uint8)
    for bit in range(BITS):
        left, right = bit * size[0] // BITS, (bit + 1) * size[0] // BITS
        frame[: size[1] // 2, left:right] = 230 if index >> bit & 1 else 25
    return frame


def number(frame: Pixels) -> int:
    width = frame.shape[1] // BITS
    quarter = frame.shape[0] // 4
    return sum(int(frame[quarter, bit * width + width // 2].mean() > 128) << bit for bit in range(BITS))


def a_clip(
    folder: Path, name: str, count: int, colour: tuple[int, int, int] = (90, 120, 150), fps: Fraction = FPS
) -> Clip:
    frames = (numbered(index, colour) for index in range(count))
    return write_clip(
        folder / f"{name}.mp4", frames, fps=fps, frame_count=count, size=SIZE, preset="ultrafast", crf=10
    )


def plain(folder: Path, name: str, level: int, count: int, size: tuple[int, int] = SIZE) -> Clip:
    frames = (np.full((size[1], size[0], 3), level, np.uint8) for _ in range(count))
    return write_clip(folder / f"{name}.mp4", frames, fps=FPS, frame_count=count, size=size, preset="ultrafast", crf=5)


def an_edit(*pictures: Picture, size: tuple[int, int] = SIZE, fps: Fraction = FPS) -> Edit:
    return Edit(fps, size, pictures[-1].end, pictures, ())


def joined(
    edit: Edit, clips: list[Clip | None], folder: Path, *captions: Caption, name: str = "film.mp4"
) -> list[Pixels]:
    film = join(edit, clips, folder / name, sound=None, captions=captions)
    assert (film.info.frame_count, film.info.fps) == (edit.frame_count, edit.fps)
    assert (film.info.width, film.info.height) == edit.size
    return list(read_frames(film))


def test_every_frame_of_every_picture_is_the_one_the_edit_names(tmp_path: Path) -> None:
    clips: list[Clip | None] = [a_clip(tmp_path, "one", 60), None, a_clip(tmp_path, "two", 50, (150, 60, 60))]
    pictures = (
        Picture(0, "one", 0, 10, 3), Picture(2, "two", 10, 30, 20), Picture(0, "one", 30, 50, 40),
        Picture(2, "two", 50, 55, 0), Picture(0, "one", 55, 60, 0),
    )  # fmt: skip
    frames = joined(an_edit(*pictures), clips, tmp_path)
    expected = [*range(3, 13), *range(20, 40), *range(40, 60), *range(5), *range(5)]
    assert [number(frame) for frame in frames] == expected
    red = [int(frame[-4:, :, 0].mean()) > int(frame[-4:, :, 2].mean()) for frame in frames]
    assert red == [10 <= k < 30 or 50 <= k < 55 for k in range(60)]
    original = list(read_frames(clips[0]))  # type: ignore[arg-type]
    worst = max(float(np.abs(frames[k].astype(int) - original[k + 3]).mean()) for k in range(10))
    assert worst < 2.0, "levels: decoded and encoded once more, and no colour moved"


@pytest.mark.parametrize("rate", ["12", "24", "24000/1001", "30", "50"])
def test_a_clip_of_another_rate_shows_what_is_seen_at_each_moment(rate: str, tmp_path: Path) -> None:
    fps = Fraction(rate)
    clip = a_clip(tmp_path, "clip", int(2 * fps) + 2, fps=fps)
    frames = joined(an_edit(Picture(0, "clip", 0, 40, 2)), [clip], tmp_path)
    for index, frame in enumerate(frames):
        middle = (index + Fraction(1, 2)) / FPS
        seen = number(frame) - 2
        assert seen / fps <= middle <= (seen + 1) / fps


@given(st.integers(0, 100_000), st.sampled_from(["25", "24000/1001", "30000/1001", "12", "60"]))
def test_a_clip_of_the_film_s_rate_is_never_off_by_a_frame(frame: int, rate: str) -> None:
    fps = Fraction(rate)
    info = ClipInfo(name="c", sha256="", width=2, height=2, fps=fps, frame_count=10**6, seconds=1.0)
    picture = Picture(0, "c", 7, 200_000, 11)
    assert clip_frame(picture, frame + 7, fps, Clip(Path("c"), info)) == frame + 11


def test_a_dissolve_adds_light(tmp_path: Path) -> None:
    clips: list[Clip | None] = [plain(tmp_path, "dark", 40, 20), plain(tmp_path, "bright", 220, 20)]
    edit = an_edit(Picture(0, "dark", 0, 12), Picture(1, "bright", 9, 20, 0, "dissolve", 3))
    levels = [float(frame.mean()) for frame in joined(edit, clips, tmp_path)]
    light = {level: ((level / 255 + 0.055) / 1.055) ** 2.4 for level in (40, 220)}
    for frame, share in ((9, 0.25), (10, 0.5), (11, 0.75)):
        mean = light[40] * (1 - share) + light[220] * share
        assert levels[frame] == pytest.approx(255 * (1.055 * mean ** (1 / 2.4) - 0.055), abs=2.5)
    assert levels[8] == pytest.approx(40, abs=2)
    assert levels[12] == pytest.approx(220, abs=2)


def test_light_that_is_mixed_with_itself_stays() -> None:
    frame = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    np.testing.assert_array_equal(mixed_light(frame, frame, 0.4), frame)


@pytest.mark.parametrize("frames", [9, 10])
def test_a_fade_goes_through_black_half_in_each_picture(frames: int, tmp_path: Path) -> None:
    clips: list[Clip | None] = [plain(tmp_path, "one", 200, 30)]
    edit = an_edit(Picture(0, "one", 0, 15, 0, "fade", frames), Picture(0, "one", 15, 30, 15, "fade", frames))
    levels = np.array([float(frame.mean()) for frame in joined(edit, clips, tmp_path)])
    assert levels[0] < 2, "the film begins in black"
    assert levels[15] < 2
    first, last = 15 - frames // 2, 15 + frames - frames // 2
    assert (np.diff(levels[first - 1 : 15]) < 0).all()
    assert (np.diff(levels[16 : last + 1]) > 0).all()
    assert levels[[first - 1, last, last + 3]] == pytest.approx(200, abs=2)
    planned = fade_frames(edit)
    assert set(planned) == {*range(frames - frames // 2), *range(first, last)}
    for frame, left in planned.items():
        assert levels[frame] == pytest.approx(200 * left, abs=3)


def test_a_frame_of_another_shape_lies_before_itself_and_is_not_stretched() -> None:
    upright = np.full((160, 90, 3), 200, np.uint8)
    cv2.circle(upright, (45, 80), 30, (20, 20, 20), -1)
    wide = fitted(upright, (320, 180))
    assert wide.shape == (180, 320, 3)
    dark = wide[:, :, 0] < 60
    ys, xs = np.nonzero(dark[:, 112:208])
    assert np.ptp(xs) == pytest.approx(np.ptp(ys), abs=2)
    assert np.ptp(xs) == pytest.approx(60 * 180 / 160, abs=3)
    side = wide[:, :100].astype(int)
    assert side.max() < 180, "what is beside it is darker"
    assert np.abs(np.diff(side, axis=1)).max() < 12, "and soft"


@pytest.mark.parametrize("size", [(132, 72), (126, 72), (64, 36), (256, 144)])
def test_a_frame_of_nearly_the_same_shape_covers_all(size: tuple[int, int]) -> None:
    frame = np.full((72, 128, 3), 180, np.uint8)
    if abs(size[0] / size[1] / (128 / 72) - 1) < 0.02:
        np.testing.assert_array_equal(np.unique(fitted(frame, size)), [180])
    else:
        assert len(np.unique(fitted(frame, size))) > 1


def test_captions_are_read_in_their_frames_only_and_above_the_last_twentieth(tmp_path: Path) -> None:
    size = 320, 180
    clips: list[Clip | None] = [plain(tmp_path, "grey", 120, 30, size)]
    edit = an_edit(Picture(0, "grey", 0, 30), size=size)
    captions = (
        Caption(Fraction(1, 5), Fraction(2, 5), "Hello"),
        Caption(Fraction(2, 5), Fraction(41, 50), "over\nthere, gypsy"),
    )
    frames = joined(edit, clips, tmp_path, *captions)
    touched = [np.abs(frame.astype(int) - 120).max(axis=2) > 12 for frame in frames]
    # The second ends in the middle of frame 20, which it no longer has.
    assert [bool(area.any()) for area in touched] == [5 <= k < 20 for k in range(30)]
    heights = [int(np.nonzero(area.any(axis=1))[0].min()) for area in touched[5:20]]
    assert max(heights[5:]) < min(heights[:5]), "two lines are higher than one"
    for area, frame in zip(touched[5:20], frames[5:20], strict=True):
        assert not area[171:].any()
        assert not area[:, :16].any()
        assert frame.max() > 220
        assert frame.min() < 50


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (640, 640), (160, 90)])
def test_a_caption_s_lines_fit_whatever_the_film_s_shape(size: tuple[int, int]) -> None:
    text = "The quick brown fox jumps over the lazy dog\nand everybody in the village has seen it do so."
    overlay = Lettering(size).overlay(text)
    height = overlay.left.shape[0]
    opaque = overlay.left[..., 0] < 0.5
    xs = np.nonzero(opaque.any(axis=0))[0] + overlay.x
    assert xs.min() >= 0.045 * size[0]
    assert xs.max() <= 0.955 * size[0]
    assert overlay.y + height <= round(0.95 * size[1])
    assert abs((xs.min() + xs.max()) / 2 - size[0] / 2) < 0.02 * size[0]
    assert overlay.y > 0.5 * size[1]


def test_lines_that_are_too_long_are_broken_between_words_and_alike() -> None:
    from PIL import ImageFont

    tall = Lettering((720, 1280))
    lines, font = tall._lines("one two three four five six seven eight nine ten eleven twelve", font_for("a"))
    assert " ".join(lines) == "one two three four five six seven eight nine ten eleven twelve"
    assert isinstance(font, ImageFont.FreeTypeFont)
    lengths = [font.getlength(line) for line in lines]
    assert max(lengths) <= 0.9 * 720
    assert min(lengths) > 0.6 * max(lengths)
    word, _ = tall._lines("W" * 60, font_for("W"))
    assert "".join(word) == "W" * 60
    assert len(word) > 1


def test_letters_that_the_carried_font_lacks_come_from_a_system_s_font(monkeypatch: pytest.MonkeyPatch) -> None:
    carried = font_for("abc äöü Привет Ελλάδα")
    assert carried.name == "DejaVuSans.ttf"
    lacking = next(
        chr(c) for c in sorted(lettering._letters(carried.parent / "STIXGeneral.ttf") - lettering._letters(carried))
    )
    monkeypatch.setattr(lettering, "FOLDERS", (str(carried.parent),))
    assert font_for(f"a{lacking}").name.startswith("STIXGeneral")


def test_letters_that_no_font_has_are_named_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lettering, "FOLDERS", ())
    clips: list[Clip | None] = [plain(tmp_path, "grey", 120, 5)]
    with pytest.raises(UnavailableError, match="漢字") as refused:
        join(
            an_edit(Picture(0, "grey", 0, 5)), clips, tmp_path / "film.mp4", sound=None,
            captions=[Caption(Fraction(0), Fraction(1), "Kanji: 漢字")],
        )  # fmt: skip
    assert "K" not in refused.value.why
    assert not (tmp_path / "film.mp4").exists()


def test_a_clip_one_frame_short_holds_its_last_and_two_frames_short_is_refused(tmp_path: Path) -> None:
    clips: list[Clip | None] = [a_clip(tmp_path, "one", 20)]
    frames = joined(an_edit(Picture(0, "one", 0, 21)), clips, tmp_path)
    assert [number(frame) for frame in frames] == [*range(20), 19]
    with pytest.raises(ClipError, match=r"shot 1 \(one\).*0\.08 s before its picture"):
        join(an_edit(Picture(0, "one", 0, 22)), clips, tmp_path / "short.mp4", sound=None)
    with pytest.raises(ClipError, match="has no clip"):
        join(an_edit(Picture(0, "one", 0, 5)), [None], tmp_path / "none.mp4", sound=None)
    assert not (tmp_path / "short.mp4").exists()


def test_a_name_that_is_no_film_s_and_one_that_is_taken_are_refused(tmp_path: Path) -> None:
    clips: list[Clip | None] = [a_clip(tmp_path, "one", 5)]
    edit = an_edit(Picture(0, "one", 0, 5))
    with pytest.raises(UsageError, match=r"\.mp4"):
        join(edit, clips, tmp_path / "film.gif", sound=None)
    taken = tmp_path / "one.mp4"
    before = taken.read_bytes()
    with pytest.raises(OutputExistsError):
        join(edit, clips, taken, sound=None)
    assert taken.read_bytes() == before


@pytest.mark.parametrize("ending", ["webm", "mov"])
def test_other_films_carry_picture_and_sound(ending: str, tmp_path: Path) -> None:
    clips: list[Clip | None] = [a_clip(tmp_path, "one", 10)]
    sound = sound_from_samples(np.zeros((19_200, 2), np.int16), 48_000)
    film = join(an_edit(Picture(0, "one", 0, 10)), clips, tmp_path / f"film.{ending}", sound=sound)
    assert open_clip(film.path).info.sound is not None
    assert [number(frame) for frame in read_frames(film)] == list(range(10))


def test_no_clip_stays_open_and_stopping_leaves_no_film(tmp_path: Path) -> None:
    clips: list[Clip | None] = [a_clip(tmp_path, "one", 30), a_clip(tmp_path, "two", 30)]
    edit = an_edit(*(Picture(k % 2, "x", 5 * k, 5 * k + 5, 5 * (k // 2)) for k in range(10)))
    seen: list[tuple[str, int, int]] = []

    def open_files() -> int:
        links = [str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
        return sum(str(tmp_path) in link for link in links)

    def stop(stage: str, done: int, total: int) -> None:
        seen.append((stage, done, total))
        if done == 22:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        join(edit, clips, tmp_path / "film.mp4", sound=None, on_progress=stop)
    assert seen == [("join", done, 50) for done in range(1, 23)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.mp4", "two.mp4"]
    if Path("/proc/self/fd").is_dir():
        assert open_files() == 0
