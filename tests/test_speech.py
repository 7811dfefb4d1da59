from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from stillwake.errors import TranscriptError, UsageError, VoiceUnavailableError
from stillwake.media import sound_from_samples
from stillwake.speech import export, listen, raster, say, voices
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
