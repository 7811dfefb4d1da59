from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stillwake.errors import TranscriptError, UsageError, VoiceUnavailableError
from stillwake.media import open_sound, sound_from_samples
from stillwake.speech import export, hear, listen, raster, say, voices
from stillwake.types import VISEMES, Speech

TEXT = "Bob may buy my puppy a very fine warm coat. Nobody believes me, but problems become simple."
MBP, FV, REST = (VISEMES.index(name) for name in ("MBP", "FV", "rest"))


@pytest.fixture(scope="module")
def spoken() -> Speech:
    return say(TEXT)


def test_the_voice_speaks_every_word_with_its_phonemes(spoken: Speech) -> None:
    assert [word.label for word in spoken.words] == TEXT.split()
    assert [p.label for p in spoken.phonemes][:3] == ["b", "ɑ", "b"]
    assert spoken.source == "voice"
    assert spoken.language == "en-us"


def test_visemes_cover_the_sound_without_gaps(spoken: Speech) -> None:
    assert spoken.visemes[0].start == 0
    assert spoken.visemes[-1].end == pytest.approx(float(spoken.sound.seconds))
    for one, other in zip(spoken.visemes, spoken.visemes[1:], strict=False):
        assert one.end == other.start
        assert one.label != other.label


@pytest.mark.parametrize("fps", [Fraction(10), Fraction(12), Fraction(24000, 1001), Fraction(25), Fraction(60)])
def test_no_closure_is_lost_at_any_frame_rate(spoken: Speech, fps: Fraction) -> None:
    count = int(spoken.sound.seconds * fps) + 1
    weights = raster(spoken, fps, count)
    assert weights.shape == (count, len(VISEMES))
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    times = (np.arange(count) + 0.5) / float(fps)
    for viseme in spoken.visemes:
        if viseme.label in ("MBP", "FV"):
            near = (times > viseme.start - 1 / float(fps)) & (times < viseme.end + 1 / float(fps))
            assert (weights[near, VISEMES.index(viseme.label)] == 1).any(), viseme


def test_silence_is_rest(spoken: Speech) -> None:
    weights = raster(spoken, Fraction(25), 400)
    beyond = int(float(spoken.sound.seconds) * 25)
    assert (weights[beyond:, REST] == 1).all()
    assert (weights[:2, REST] == 1).all()


@pytest.mark.parametrize("text", ["", "  \n", "\x00\x01", "..."])
def test_nothing_to_say_is_refused(text: str) -> None:
    with pytest.raises(TranscriptError):
        say(text)


def test_an_unknown_voice_names_close_ones() -> None:
    with pytest.raises(VoiceUnavailableError, match="en-us"):
        say("hello", voice="en-uss")
    with pytest.raises(VoiceUnavailableError):
        say("hello", language="xx")
    with pytest.raises(UsageError):
        say("hello", voice="de", language="fr")
    assert len(voices()) > 100


def test_a_transcript_gives_back_the_voices_own_times(spoken: Speech) -> None:
    heard = listen(spoken.sound, TEXT)
    assert heard.source == "aligned"
    assert [word.label for word in heard.words] == [word.label for word in spoken.words]
    apart = [abs(a.start - b.start) for a, b in zip(heard.words, spoken.words, strict=True)]
    assert np.median(apart) < 0.03
    assert max(apart) < 0.15


def test_a_wrong_transcript_is_refused(spoken: Speech) -> None:
    with pytest.raises(TranscriptError):
        listen(spoken.sound, "The quick brown fox jumps over the lazy dog while seven wizards count the stars above.")
    with pytest.raises(TranscriptError):
        listen(spoken.sound, "")


def test_silence_keeps_the_mouth_shut() -> None:
    sound = sound_from_samples(np.zeros(32000, np.int16), 16000, "nothing")
    heard = listen(sound)
    assert [viseme.label for viseme in heard.visemes] == ["rest"]
    with pytest.raises(TranscriptError):
        listen(sound, "hello")


def test_rhubarb_formats(spoken: Speech) -> None:
    tsv = [line.split("\t") for line in export(spoken, "rhubarb-tsv").splitlines()]
    assert tsv[0] == ["0.00", "X"]
    assert tsv[-1] == [f"{float(spoken.sound.seconds):.2f}", "X"]
    with pytest.raises(UsageError):
        export(spoken, "srt")


def test_words_that_were_not_said_are_named(spoken: Speech) -> None:
    words = TEXT.split()
    heard = listen(spoken.sound, " ".join([*words[:5], "wonderful", "elephants", *words[5:]]))
    assert {"wonderful", "elephants"} & {word.label for word in heard.words} == set()
    assert any("2 of" in note for note in heard.notes)


def test_another_language_is_aligned_with_its_own_pronunciation() -> None:
    text = "Guten Morgen, meine Freunde. Heute probieren wir etwas Neues im Park."
    spoken = say(text, language="de")
    heard = listen(spoken.sound, text, "de")
    assert heard.source == "aligned"
    assert any("less exact" in note for note in heard.notes)
    closed = [v for v in spoken.visemes if v.label == "MBP"]
    near = [any(abs(v.start - w.start) < 0.08 for w in heard.visemes if w.label == "MBP") for v in closed]
    assert sum(near) >= 0.8 * len(near)


def test_another_language_without_a_transcript_is_heard_as_phones() -> None:
    heard = listen(say("Guten Morgen, meine Freunde.", language="de").sound, language="de")
    assert heard.source == "phonemes"
    assert heard.language == "de"
    assert heard.notes
    assert len(heard.phonemes) > 10


def test_english_without_a_transcript_finds_words_and_is_the_same_twice() -> None:
    sound = say("Please bring the paper back before seven. People remember the money.", voice="en-us+f5").sound
    one, other = (listen(sound, language="en") for _ in range(2))
    assert one.source == "recognised"
    assert (one.phonemes, one.words, one.visemes) == (other.phonemes, other.words, other.visemes)
    assert len(one.words) >= 8


def test_the_phonemes_alone_time_the_mouth_in_any_language() -> None:
    from stillwake.inspection.sync import expected_opening

    for text, language in (
        ("Please bring the paper back before seven.", "en-us"),
        ("Guten Morgen, meine Freunde, heute backen wir Apfelkuchen.", "de"),
    ):
        spoken = say(text, language=language)
        heard = hear(spoken.sound, language)
        assert (heard.source, heard.words, heard.language) == ("phonemes", (), language)
        end = float(spoken.sound.seconds)
        (_, asked), (_, found) = (expected_opening(one.visemes, 0, end) for one in (spoken, heard))
        fits = [np.corrcoef(asked[30:-30], np.roll(found, shift)[30:-30])[0, 1] for shift in range(-30, 31)]
        assert max(fits) > 0.5
        assert abs(int(np.argmax(fits)) - 30) <= 8, "within 40 ms"


@pytest.mark.parametrize("kind", ["noise", "chord", "clicks"])
def test_no_mouth_moves_in_noise_or_music(kind: str) -> None:
    rng, time = np.random.default_rng(0), np.arange(48000) / 16000
    samples = {
        "noise": rng.normal(0, 2000, 48000),
        "chord": 3000 * sum(np.sin(2 * np.pi * f * time) for f in (220, 277, 330)),
        "clicks": 20000 * (np.arange(48000) % 8000 == 0),
    }[kind]
    heard = listen(sound_from_samples(np.asarray(samples).astype(np.int16), 16000, kind))
    moving = sum(v.end - v.start for v in heard.visemes if v.label != "rest")
    assert moving < 0.1 * 3
    with pytest.raises(TranscriptError):
        listen(sound_from_samples(np.asarray(samples).astype(np.int16), 16000, kind), TEXT)


@pytest.mark.parametrize("count", [1, 100, 800, 8000])
def test_hardly_any_sound_is_no_fault(count: int) -> None:
    samples = np.random.default_rng(0).normal(0, 3000, count).astype(np.int16)
    heard = listen(sound_from_samples(samples, 16000, "scrap"))
    assert heard.visemes[-1].end == pytest.approx(count / 16000)


def test_speech_in_a_long_recording_keeps_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from stillwake.speech import align

    monkeypatch.setattr(align, "SECTION_S", 20.0)  # the first pass cuts it, more than once
    text = "Maybe the best problem is the simple one, but nobody can prove it. Bring me the brown paper bag, please. "
    spoken = say(text * 8, voice="en-us")
    assert float(spoken.sound.seconds) > 50
    heard = listen(spoken.sound, text * 8, "en")
    assert [word.label for word in heard.words] == [word.label for word in spoken.words]
    apart = np.array([a.start - b.start for a, b in zip(heard.words, spoken.words, strict=True)])
    assert np.abs(apart).max() < 0.2
    assert abs(np.median(apart[-40:]) - np.median(apart[:40])) < 0.01


@pytest.mark.shared
def test_real_recordings_are_heard(shared: Path) -> None:
    radio = listen(open_sound(shared / "speech" / "sadtalker_RD_Radio40_000.flac"))
    assert radio.source == "recognised"
    assert {"federal", "court", "unconstitutional"} <= {word.label for word in radio.words}
    with pytest.raises(TranscriptError):
        listen(radio.sound, TEXT)
    french = listen(open_sound(shared / "speech" / "sadtalker_fayu.flac"))
    assert french.source == "phonemes"
    assert french.notes
