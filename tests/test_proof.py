from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from stillwake.assemble.captions import Caption
from stillwake.assemble.edit import Edit, Picture, Track
from stillwake.assemble.join import join
from stillwake.assemble.mix import mixed
from stillwake.assemble.proof import prove
from stillwake.media import clip_sound, read_frames, sound_from_samples, write_clip
from stillwake.types import Clip, ClipFinding, Inspection, Pixels, Samples, Sound, Speech, Timed

FPS = Fraction(25)
SIZE = 192, 108
RATE = 48_000
ZERO = Fraction(0)


def a_scene(seed: int) -> Pixels:
    chance = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(chance.normal(0, 60, (SIZE[1], SIZE[0], 3)), (0, 0), 5)
    tint = chance.uniform(70, 180, 3)
    return np.clip(tint + 2.5 * noise + chance.normal(0, 6, noise.shape), 0, 255).astype(np.uint8)


def talking(seed: int, count: int, moves: bool = True) -> list[Pixels]:
    """A picture that stands still but for a mouth that opens and shuts as if somebody spoke."""
    scene, chance = a_scene(seed), np.random.default_rng(seed + 100)
    heights = chance.uniform(0, 6, count // 3 + 2)
    course = np.interp(np.arange(count), 3 * np.arange(len(heights)), heights)
    frames = []
    for index in range(count):
        frame = scene.copy()
        opening = course[index] if moves else 3.0
        cv2.ellipse(frame, (96, 70), (14, 2 + round(opening)), 0, 0, 360, (40, 15, 15), -1, cv2.LINE_AA)
        frames.append(frame)
    return frames


def a_voice(seconds: float, seed: int) -> Sound:
    chance = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    course = np.repeat(chance.uniform(0, 1, int(seconds * 8) + 1) ** 2, RATE // 8)[: len(time)]
    body = np.convolve(chance.standard_normal(len(time)), np.ones(12) / 12, "same")
    return sound_from_samples((9000 * body * course).clip(-32768, 32767).astype(np.int16), RATE, f"voice {seed}")


def spoken(sound: Sound, shot: int, start: Fraction, begin: Fraction = ZERO, end: Fraction | None = None) -> Track:
    told = Speech(sound, "en", "voice", (Timed(0.1, float(sound.seconds) - 0.1, "words"),), (), ())
    return Track(shot, sound, start, begin, sound.seconds if end is None else end, speech=told)


@dataclass(frozen=True)
class Joined:
    edit: Edit
    clips: list[Clip | None]
    sound: Sound
    film: Clip

    def proven(self, film: Clip | None = None) -> Inspection:
        return prove(film or self.film, self.edit, self.clips, self.sound)

    def frames(self) -> list[Pixels]:
        return list(read_frames(self.film))

    def samples(self) -> Samples:
        heard = clip_sound(self.film.path)
        assert heard is not None
        return np.concatenate(list(heard.blocks()))

    def injured(self, path: Path, frames: list[Pixels] | None = None, samples: Samples | None = None) -> Inspection:
        frames = self.frames() if frames is None else frames
        samples = self.samples() if samples is None else samples
        film = write_clip(
            path / "hurt.mp4", iter(frames), fps=FPS, frame_count=len(frames), size=SIZE,
            sound=sound_from_samples(samples, RATE), preset="veryfast", overwrite=True,
        )  # fmt: skip
        return self.proven(film)


PICTURES = (
    Picture(0, "talk", 0, 60, 0, "fade", 10),
    Picture(1, "coast", 52, 100, 4, "dissolve", 8),
    Picture(2, "answer", 100, 140, 0),
    Picture(0, "talk", 140, 180, 75, "fade", 12),
    Picture(3, "still", 180, 200, 0),
    Picture(2, "answer", 200, 240, 80),
)


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Joined:
    folder = tmp_path_factory.mktemp("film")
    drawn = [talking(1, 120), talking(2, 60), talking(3, 120), talking(4, 20, moves=False)]
    clips: list[Clip | None] = [
        write_clip(
            folder / f"{number}.mp4", iter(frames), fps=FPS, frame_count=len(frames), size=SIZE, preset="veryfast"
        )
        for number, frames in enumerate(drawn)
    ]
    first, second = a_voice(4.6, 1), a_voice(4.8, 2)
    bed = Track(None, a_voice(3, 9), ZERO, ZERO, Fraction(3), gain=-22.0, duck=6.0, loops=True)
    tracks = (
        spoken(first, 0, ZERO, end=Fraction(12, 5)),
        spoken(first, 0, Fraction(140, 25), Fraction(3), Fraction(23, 5)),
        spoken(second, 2, Fraction(4), end=Fraction(8, 5)),
        spoken(second, 2, Fraction(8), Fraction(16, 5), Fraction(24, 5)),
        bed,
    )
    edit = Edit(FPS, SIZE, 240, PICTURES, tracks)
    captions = [
        Caption(Fraction(1), Fraction(3), "Some words"),
        Caption(Fraction(17, 4), Fraction(5), "and more\nof them"),
    ]
    sound = mixed(edit)
    assert sound is not None
    film = join(edit, clips, folder / "film.mp4", sound=sound, captions=captions)
    return Joined(edit, clips, sound, film)


def of(inspection: Inspection, check: str, verdict: str | None = None) -> list[ClipFinding]:
    return [f for f in inspection.findings if f.check == check and verdict in (None, f.verdict)]


def failed(inspection: Inspection) -> set[str]:
    return {finding.check for finding in inspection.findings if finding.verdict in ("fail", "warn")}


def said(inspection: Inspection) -> str:
    return "\n".join(f"{f.verdict} {f.check}: {f.why}" for f in inspection.findings)


def test_a_clean_film_passes_and_what_cannot_be_told_is_said(joined: Joined) -> None:
    clean = joined.proven()
    assert failed(clean) == set(), said(clean)
    assert clean.passed
    assert {f.check for f in clean.findings if f.verdict == "pass"} == {
        "film length", "film size", "frame rate", "black", "stray cuts", "planned cuts", "dissolves", "fades",
        "picture place", "sound length", "film sound", "sound at cuts", "loudness", "true peak", "speech place",
        "joined sync",
    }, said(clean)  # fmt: skip
    (unseen,) = of(clean, "picture place", "unseen")
    assert "still" in unseen.why
    (place,) = of(clean, "picture place", "pass")
    assert "5 are as planned" in place.why
    (sync,) = of(clean, "joined sync", "pass")
    assert "5 are as planned" in sync.why
    assert abs(sync.measured or 0.0) < 1


@pytest.mark.parametrize("late", [2, -2])
def test_a_picture_shifted_by_two_frames_is_found_where_it_is(joined: Joined, tmp_path: Path, late: int) -> None:
    frames = joined.frames()
    part = frames[200:240]
    frames[200:240] = [part[min(39, max(0, k - late))] for k in range(40)]
    found = joined.injured(tmp_path, frames)
    assert failed(found) == {"picture place", "joined sync"}, said(found)
    (place,) = of(found, "picture place", "fail")
    assert place.measured == late
    assert (place.start, place.end) == (8.0, 9.6)
    (sync,) = of(found, "joined sync", "fail")
    assert sync.measured == pytest.approx(40 * late, abs=2)
    assert sync.start == 8.0


@pytest.mark.parametrize("milliseconds", [60, -60])
def test_a_sound_shifted_by_60_ms_is_found(joined: Joined, tmp_path: Path, milliseconds: int) -> None:
    samples, count = joined.samples(), abs(milliseconds) * RATE // 1000
    quiet = np.zeros((count, 2), np.int16)
    shifted = np.concatenate([quiet, samples[:-count]] if milliseconds > 0 else [samples[count:], quiet])
    found = joined.injured(tmp_path, samples=shifted)
    assert {"film sound", "speech place", "joined sync"} <= failed(found), said(found)
    assert not failed(found) & {"picture place", "planned cuts", "black", "film length", "sound length"}, said(found)
    assert of(found, "film sound")[0].measured == pytest.approx(milliseconds, abs=1)
    assert all(f.measured == pytest.approx(-milliseconds, abs=2) for f in of(found, "joined sync", "fail"))
    assert len(of(found, "joined sync", "fail")) == 5, "the coast is seen while the talk goes on"


def test_sound_that_drops_a_piece_in_its_midst_is_found_from_there_on(joined: Joined, tmp_path: Path) -> None:
    samples = joined.samples()
    cut = int(5.8 * RATE)
    found = joined.injured(
        tmp_path, samples=np.concatenate([samples[: cut - 4800], samples[cut:], np.zeros((4800, 2), np.int16)])
    )
    assert {f.start for f in of(found, "joined sync", "fail")} == {5.6, 8.0}, said(found)
    late = of(found, "speech place", "fail")
    assert {round(f.start or 0, 1) for f in late} == {5.6, 8.0}, said(found)
    assert min(f.measured or 0 for f in late) == pytest.approx(-100, abs=2)


@pytest.mark.parametrize(("level", "said_of_it"), [(0, "is gone"), (30_000, "clicks")])
def test_a_gap_or_a_click_at_a_cut_is_found(joined: Joined, tmp_path: Path, level: int, said_of_it: str) -> None:
    samples = joined.samples().copy()
    first = int(8 * RATE)
    wave = np.sin(2 * np.pi * 3000 / RATE * np.arange(600))
    samples[first - 300 : first + 300] = (level * wave).astype(np.int16)[:, None]
    found = joined.injured(tmp_path, samples=samples)
    (cut,) = of(found, "sound at cuts", "fail")
    assert said_of_it in cut.why
    assert cut.start == 8.0
    assert failed(found) <= {"sound at cuts", "true peak", "loudness"}, said(found)


def test_a_black_frame_is_found_at_its_time(joined: Joined, tmp_path: Path) -> None:
    frames = joined.frames()
    frames[120] = np.zeros_like(frames[120])
    found = joined.injured(tmp_path, frames)
    assert "black" in failed(found), said(found)
    assert failed(found) <= {"black", "stray cuts"}, said(found)
    (black,) = of(found, "black")
    assert (black.start, black.end, black.measured) == (4.8, 4.84, 1.0)


def test_a_cut_that_is_dropped_is_found(joined: Joined, tmp_path: Path) -> None:
    frames = joined.frames()
    frames[100:140] = [frames[99 - abs(k - 20)] for k in range(40)]
    found = joined.injured(tmp_path, frames)
    missing = of(found, "planned cuts", "fail")
    assert [f.start for f in missing] == [4.0], said(found)
    assert "missing" in missing[0].why
    assert [f.start for f in of(found, "picture place", "fail")] == [4.0], said(found)


@pytest.mark.parametrize("late", [1, -1, 3])
def test_a_cut_beside_its_frame_is_found(joined: Joined, tmp_path: Path, late: int) -> None:
    frames = joined.frames()
    for frame in range(100, 100 + late) if late > 0 else range(100 + late, 100):
        frames[frame] = frames[99] if late > 0 else frames[100]
    found = joined.injured(tmp_path, frames)
    (cut,) = of(found, "planned cuts", "fail")
    assert cut.measured == late, said(found)
    assert cut.start == 4.0


def test_a_cut_that_nobody_planned_is_found(joined: Joined, tmp_path: Path) -> None:
    frames = joined.frames()
    frames[20:30] = frames[220:230]
    found = joined.injured(tmp_path, frames)
    assert [round(f.start or 0, 2) for f in of(found, "stray cuts", "fail")] == [0.78, 1.18], said(found)


def test_a_cut_inside_a_clip_is_the_clip_s_own(joined: Joined, tmp_path: Path) -> None:
    spliced = [*talking(1, 60), *talking(7, 60)]
    clip = write_clip(tmp_path / "own.mp4", iter(spliced), fps=FPS, frame_count=120, size=SIZE, preset="veryfast")
    edit = Edit(FPS, SIZE, 110, (Picture(0, "spliced", 0, 110, 5),), ())
    film = join(edit, [clip], tmp_path / "film.mp4", sound=None)
    found = prove(film, edit, [clip], None)
    assert of(found, "stray cuts", "pass"), said(found)
    assert found.passed


@pytest.mark.parametrize("frames", [239, 243])
def test_a_wrong_length_is_found(joined: Joined, tmp_path: Path, frames: int) -> None:
    film = joined.frames()
    found = joined.injured(tmp_path, (film + [film[-1]] * 3)[:frames])
    (length,) = of(found, "film length")
    assert (length.verdict, length.measured, length.limit) == ("fail", frames, 240)
    assert failed(found) == {"film length"}, said(found)


def test_a_sound_that_is_too_short_or_missing_is_found(joined: Joined, tmp_path: Path) -> None:
    short = joined.injured(tmp_path, samples=joined.samples()[: 9 * RATE])
    assert of(short, "sound length")[0].measured == pytest.approx(-600, abs=1)
    assert "sound length" in failed(short)
    silent = write_clip(
        tmp_path / "silent.mp4", iter(joined.frames()), fps=FPS, frame_count=240, size=SIZE, preset="veryfast"
    )
    mute = joined.proven(silent)
    assert failed(mute) == {"sound length"}, said(mute)
    assert {f.verdict for f in of(mute, "joined sync")} == {"unseen"}


def test_a_dissolve_or_a_fade_that_became_a_cut_is_found(joined: Joined, tmp_path: Path) -> None:
    frames = joined.frames()
    frames[52:56] = [frames[51]] * 4
    frames[56:60] = [frames[60]] * 4
    found = joined.injured(tmp_path, frames)
    assert [f.start for f in of(found, "dissolves", "fail")] == [2.08], said(found)
    frames = joined.frames()
    frames[134:140], frames[140:146] = [frames[133]] * 6, [frames[146]] * 6
    found = joined.injured(tmp_path, frames)
    (fade,) = of(found, "fades", "fail")
    assert fade.start == pytest.approx(134 / 25)


@pytest.mark.parametrize(("gain", "check"), [(-6.0, "loudness"), (5.0, "true peak")])
def test_a_film_that_is_too_quiet_or_too_loud_is_found(
    joined: Joined, tmp_path: Path, gain: float, check: str
) -> None:
    loud = (joined.samples() * 10 ** (gain / 20)).clip(-32768, 32767).astype(np.int16)
    found = joined.injured(tmp_path, samples=loud)
    assert check in failed(found), said(found)
    assert failed(found) <= {"loudness", "true peak"}, said(found)


def test_one_recording_under_several_pictures_is_held_against_each_of_them(joined: Joined, tmp_path: Path) -> None:
    voice = a_voice(9.6, 5)
    edit = replace(joined.edit, tracks=(spoken(voice, 0, ZERO),))
    sound = mixed(edit)
    assert sound is not None
    one = Joined(edit, joined.clips, sound, join(edit, joined.clips, tmp_path / "one.mp4", sound=sound))
    clean = one.proven()
    assert clean.passed
    (sync,) = of(clean, "joined sync", "pass")
    assert "5 are as planned" in sync.why, "but not the still one"
    samples = one.samples()
    drifts = np.concatenate([samples[: int(5.6 * RATE)], samples[int(5.68 * RATE) :], np.zeros((3840, 2), np.int16)])
    found = one.injured(tmp_path, samples=drifts)
    assert [f.start for f in of(found, "joined sync", "fail")] == [5.6, 8.0], said(found)
    assert all(f.measured == pytest.approx(80, abs=1) for f in of(found, "joined sync", "fail"))


def test_speech_that_leads_its_picture_is_in_sync_with_it(joined: Joined, tmp_path: Path) -> None:
    voice = a_voice(4, 6)
    edit = replace(joined.edit, tracks=(spoken(voice, 2, Fraction(7, 2)),))
    sound = mixed(edit)
    found = prove(join(edit, joined.clips, tmp_path / "film.mp4", sound=sound), edit, joined.clips, sound)
    assert found.passed
    assert of(found, "joined sync", "pass"), said(found)


def test_progress_is_told_and_can_stop_it(joined: Joined) -> None:
    seen: list[tuple[str, int, int]] = []

    def stop(stage: str, done: int, total: int) -> None:
        seen.append((stage, done, total))
        if done == 5:
            raise KeyboardInterrupt

    run: Callable[[], Inspection] = lambda: prove(joined.film, joined.edit, joined.clips, joined.sound, stop)  # noqa: E731
    with pytest.raises(KeyboardInterrupt):
        run()
    assert seen == [("prove", done, 240) for done in range(1, 6)]
