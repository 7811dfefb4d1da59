from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from stillwake.assemble import mix
from stillwake.assemble.edit import Edit, Track
from stillwake.assemble.mix import RATE, limited, mixed
from stillwake.errors import SoundError
from stillwake.media import sound_from_samples, write_clip
from stillwake.media.loudness import Meter, loudness
from stillwake.types import Floats, Sound, Speech, Timed

ZERO = Fraction(0)


def an_edit(seconds: float | Fraction, *tracks: Track, fps: Fraction = Fraction(25)) -> Edit:
    return Edit(fps, (64, 64), round(Fraction(seconds) * fps), (), tracks)


def noise(seconds: float, level: float = 3000, rate: int = RATE, channels: int = 1, seed: int = 0) -> Sound:
    chance = np.random.default_rng(seed)
    return sound_from_samples(
        (chance.standard_normal((int(seconds * rate), channels)) * level).clip(-32768, 32767).astype(np.int16), rate
    )


def tone(seconds: float, hertz: float, level: float = 8000) -> Sound:
    time = np.arange(int(seconds * RATE)) / RATE
    return sound_from_samples((level * np.sin(2 * np.pi * hertz * time)).astype(np.int16), RATE)


def voice(seconds: float, level: float, seed: int = 3) -> Sound:
    """Syllables: noise that comes and goes, with peaks as far above its loudness as speech has them."""
    chance = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    body = np.convolve(chance.standard_normal(len(time)), np.ones(12) / 12, "same")
    syllables = np.maximum(0, np.sin(2 * np.pi * 2.3 * time)) * (np.sin(2 * np.pi * 0.31 * time) > -0.8)
    return sound_from_samples((body / np.abs(body).max() * syllables * level).astype(np.int16), RATE)


def laid(
    sound: Sound, start: Fraction = ZERO, begin: Fraction = ZERO, end: Fraction | None = None, **more: object
) -> Track:
    return replace(Track(0, sound, start, begin, sound.seconds if end is None else end), **more)  # type: ignore[arg-type]


def speech(sound: Sound, *words: tuple[float, float]) -> Speech:
    return Speech(sound, "en", "voice", tuple(Timed(a, b, "word") for a, b in words), (), ())


def unlevelled(edit: Edit) -> Floats:
    return np.concatenate(list(mix._Mix(edit).blocks()))


def heard(sound: Sound) -> npt.NDArray[np.int16]:
    return np.concatenate(list(sound.blocks()))


@pytest.mark.parametrize(("rate", "channels"), [(RATE, 1), (22_050, 1), (44_100, 2)])
def test_a_recording_cut_into_pieces_is_continuous_to_the_sample(rate: int, channels: int) -> None:
    sound = noise(4, rate=rate, channels=channels)
    whole = unlevelled(an_edit(5, laid(sound, Fraction(1, 7))))
    chance = np.random.default_rng(1)
    cuts = [ZERO, *(Fraction(int(at), 999_983) for at in np.sort(chance.integers(1, 4 * 999_983, 30))), Fraction(4)]
    pieces = [laid(sound, Fraction(1, 7) + a, a, b) for a, b in pairwise(cuts)]
    assert np.abs(whole).max() > 0.1
    np.testing.assert_array_equal(unlevelled(an_edit(5, *pieces)), whole)


def test_pieces_of_one_recording_that_overlap_or_go_back_are_each_where_they_should_be() -> None:
    sound = noise(3)
    samples = heard(sound)[:, 0] / np.float32(32768)
    edit = an_edit(
        4, laid(sound, ZERO, Fraction(1), Fraction(2)), laid(sound, Fraction(1, 2), ZERO, Fraction(1)),
        laid(sound, Fraction(2), ZERO, Fraction(1)),
    )  # fmt: skip
    expected = np.zeros(4 * RATE, np.float32)
    expected[:RATE] += samples[RATE : 2 * RATE]
    expected[RATE // 2 : 3 * RATE // 2] += samples[:RATE]
    expected[2 * RATE : 3 * RATE] += samples[:RATE]
    np.testing.assert_allclose(unlevelled(edit)[:, 1], expected, atol=1e-6)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, RATE])
def test_a_click_is_heard_at_its_sample_whatever_the_recording_s_rate(rate: int) -> None:
    samples = np.zeros(2 * rate, np.int16)
    samples[rate] = 30_000
    out = unlevelled(an_edit(3, laid(sound_from_samples(samples, rate), Fraction(1, 3))))
    assert int(np.abs(out[:, 0]).argmax()) == round(Fraction(4, 3) * RATE)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30_000, 1001), Fraction(24_000, 1001)])
def test_the_sound_is_exactly_as_long_as_the_film(fps: Fraction) -> None:
    edit = Edit(fps, (64, 64), 37, (), (laid(noise(9)),))
    out = mixed(edit)
    assert out is not None
    assert len(heard(out)) == out.seconds * RATE == round(edit.seconds * RATE)
    assert (out.rate, out.channels) == (RATE, 2)


def test_two_fades_that_cross_keep_their_power() -> None:
    sound = tone(2, 100)
    samples = np.abs(unlevelled(an_edit(2, laid(sound)))[:, 0])
    rising = np.abs(unlevelled(an_edit(2, laid(sound, fade_in=Fraction(1))))[:, 0])
    falling = np.abs(unlevelled(an_edit(1, laid(sound, end=Fraction(1), fade_out=Fraction(1))))[:, 0])
    power = rising[:RATE] ** 2 + falling**2
    np.testing.assert_allclose(power, samples[:RATE] ** 2, atol=1e-4)
    assert rising[:240].max() < 0.003
    assert falling[-240:].max() < 0.003
    np.testing.assert_array_equal(rising[RATE:], samples[RATE:])


def test_a_bed_goes_down_under_speech_without_a_step_and_comes_up_again() -> None:
    bed = laid(sound_from_samples(np.full(10 * RATE, 10_000, np.int16), RATE), duck=12.0, shot=None)
    quiet = sound_from_samples(np.zeros(4 * RATE, np.int16), RATE)
    talk = laid(quiet, Fraction(3), speech=speech(quiet, (0.5, 1.0), (1.4, 2.5)))
    level = 20 * np.log10(unlevelled(an_edit(10, bed, talk))[:, 0] / (10_000 / 32768))
    assert np.abs(level[: int(3.2 * RATE)]).max() < 1e-4
    assert np.abs(level[int(3.5 * RATE) : int(5.5 * RATE)] + 12).max() < 1e-3, "the breath between counts"
    assert np.abs(level[int(6.1 * RATE) :]).max() < 1e-4
    assert np.abs(np.diff(level)).max() < 0.002, "dB a sample"


def test_what_is_not_heard_of_a_speech_ducks_nothing_and_nobody_ducks_for_himself() -> None:
    bed = laid(sound_from_samples(np.full(6 * RATE, 10_000, np.int16), RATE), duck=12.0, shot=None)
    quiet = sound_from_samples(np.zeros(4 * RATE, np.int16), RATE)
    talk = laid(quiet, Fraction(1), Fraction(2), Fraction(4), speech=speech(quiet, (0.5, 1.5)))
    own = replace(bed, speech=speech(bed.sound, (1, 2)))
    for track in (bed, own):
        np.testing.assert_allclose(unlevelled(an_edit(6, track, talk)), 10_000 / 32768, rtol=1e-5)


def test_a_looping_bed_fills_the_film_and_crosses_evenly() -> None:
    bed = noise(2.5, seed=4)
    out = unlevelled(an_edit(20, laid(bed, Fraction(1), Fraction(1, 2), loops=True, fade_out=Fraction(1))))[:, 0]
    samples = heard(bed)[:, 0] / np.float32(32768)
    assert not out[:RATE].any()
    np.testing.assert_array_equal(out[RATE : int(2.5 * RATE)], samples[RATE // 2 : 2 * RATE])
    again = round(2.5 * RATE)  # a round is 2 s less the half second that crosses
    np.testing.assert_array_equal(out[again + RATE // 2 : again + 3 * RATE // 2], samples[RATE : 2 * RATE])
    power = (out[RATE : 19 * RATE].reshape(-1, RATE // 10) ** 2).mean(axis=1)
    assert 10 * np.log10(power.max() / power.min()) < 1.0, "dB between one tenth of a second and another"
    assert np.abs(out[-50:]).max() < 0.01


def test_where_a_bed_begins_again_nothing_clicks() -> None:
    ramp = sound_from_samples(np.linspace(-9000, 9000, 2 * RATE).astype(np.int16), RATE)
    out = unlevelled(an_edit(10, laid(ramp, loops=True)))[:, 0]
    assert out.max() - out.min() > 0.4
    assert np.abs(np.diff(out)).max() < 0.001


def test_the_limiter_holds_peaks_between_samples_and_leaves_the_rest_alone() -> None:
    time = np.arange(2 * RATE)
    body = (0.2 * np.sin(2 * np.pi * 440 / RATE * time)).astype(np.float32)
    body[RATE : RATE + 400] = 1.4 * np.sin(np.pi / 2 * time[:400] + np.pi / 4)  # its samples show .99 of 1.4
    samples = np.stack([body, 0.5 * body], 1)
    out = np.concatenate(list(limited(iter(np.array_split(samples, 7)), -3.0)))
    meter = Meter(RATE, (1.0, 1.0))
    meter.add(out)
    assert -3.4 < meter.finish().true_peak <= -2.9
    assert out.shape == samples.shape
    before = RATE - 2 * mix.LOOK_AHEAD
    np.testing.assert_array_equal(out[:before], samples[:before])
    np.testing.assert_allclose(out[-100:], samples[-100:], atol=1e-4)
    np.testing.assert_allclose(out[:, 1], out[:, 0] / 2, atol=1e-6)
    whole = np.concatenate(list(limited(iter([samples]), -3.0)))
    np.testing.assert_allclose(out, whole, atol=1e-6)


def bursts() -> Sound:
    """White noise that is there for a twentieth of a second in five: AAC's peaks are far above its own."""
    samples = heard(noise(4, 6000))[:, 0].copy()
    samples[np.arange(len(samples)) % 9600 >= 2400] = 0
    return sound_from_samples(samples, RATE)


@pytest.mark.parametrize("sound", [voice(5, 5000), voice(5, 30_000), bursts()], ids=["quiet", "loud", "bursts"])
def test_a_delivered_film_is_as_loud_as_it_should_be_and_its_peaks_stay_under(sound: Sound, tmp_path: Path) -> None:
    out = mixed(an_edit(sound.seconds, laid(sound)))
    assert out is not None
    assert out.notes == ()
    path, count = tmp_path / "film.mp4", int(sound.seconds * 25)
    frames = (np.zeros((64, 64, 3), np.uint8) for _ in range(count))
    write_clip(path, frames, fps=Fraction(25), frame_count=count, size=(64, 64), sound=out)
    found = loudness(path, "Cannot hear", SoundError)
    assert found is not None
    assert found.integrated == pytest.approx(-14, abs=0.3)
    assert found.true_peak <= -1.0


def test_a_very_quiet_mix_is_raised_so_far_and_no_further_and_says_so() -> None:
    out = mixed(an_edit(3, laid(noise(3, 30))))
    assert out is not None
    gain = 20 * np.log10(np.abs(heard(out).astype(float)).std() / np.abs(heard(noise(3, 30)).astype(float)).std())
    assert gain == pytest.approx(mix.MOST_GAIN, abs=0.3)
    (note,) = out.notes
    assert note.startswith(mix.STAYS)
    assert "noise" in note


def test_rare_peaks_are_not_crushed_to_make_the_rest_loud() -> None:
    samples = heard(noise(3, 150))[:, 0].copy()
    samples[RATE::RATE] = 30_000
    out = mixed(an_edit(3, laid(sound_from_samples(samples, RATE))))
    assert out is not None
    (note,) = out.notes
    assert "crushed" in note


def test_silence_stays_silent() -> None:
    out = mixed(an_edit(1, laid(sound_from_samples(np.zeros(RATE, np.int16), RATE))))
    assert out is not None
    assert not heard(out).any()
    assert "silent" in out.notes[0]


def test_a_film_without_tracks_has_no_sound() -> None:
    assert mixed(an_edit(1)) is None


def test_the_same_edit_gives_the_same_samples_and_its_name_is_their_digest() -> None:
    edit = an_edit(2, laid(voice(2, 9000)), laid(noise(0.7, 500), loops=True, duck=6.0))
    first, second = mixed(edit), mixed(edit)
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(heard(first), heard(second))
    assert first.sha256 == second.sha256 == hashlib.sha256(heard(first).tobytes()).hexdigest()
    np.testing.assert_array_equal(first.mono, second.mono)
    assert len(first.mono) == 32_000


def test_progress_is_told_while_it_is_mixed_and_not_while_it_is_heard() -> None:
    seen: list[tuple[str, int, int]] = []
    caller = threading.current_thread()

    def tell(stage: str, done: int, total: int) -> None:
        assert threading.current_thread() is caller
        seen.append((stage, done, total))

    out = mixed(an_edit(3, laid(noise(3))), on_progress=tell)
    assert out is not None
    told = len(seen)
    assert told > 2
    assert {stage for stage, _, _ in seen} == {"mix"}
    assert seen[-1][1] == seen[-1][2]
    heard(out)
    assert len(seen) == told
