"""Phonemes of every language have a mouth, and transcripts a pronunciation."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from stillwake.media import sound_from_samples
from stillwake.speech import export, voices
from stillwake.speech.align import decoder, dictionary, tokens_of
from stillwake.speech.exports import CLOSURE_CS, SpeechRecord, rhubarb_cues
from stillwake.speech.phones import ARPABET_IPA, VISEME_OF, arpabet, shapes, symbols
from stillwake.speech.timeline import visemes
from stillwake.speech.voice import pronounce, speak
from stillwake.types import VISEMES, Speech, Timed


def test_every_map_ends_in_a_viseme() -> None:
    assert set(VISEME_OF.values()) <= set(VISEMES)
    for phone, ipa in ARPABET_IPA.items():
        assert symbols(ipa) == (ipa,)
        assert arpabet(ipa) == (phone,)


@pytest.mark.parametrize(
    ("ipa", "bare"),
    [("ˈɔːɹ", ("ɔ", "ɹ")), ("t͡ʃ", ("tʃ",)), ("ˈɔ̃", ("ɔ̃",)), ("i5", ("i",)), ("n̩", ("n",)), ("ç", ("ç",)), ("", ())],
)
def test_marks_are_stripped(ipa: str, bare: tuple[str, ...]) -> None:
    assert symbols(ipa) == bare


def test_closures_of_affricates_and_diphthongs() -> None:
    assert [viseme for viseme, _ in shapes("pf")] == ["MBP", "FV"]
    assert shapes("tʃ") == (("CH", 1.0),)
    assert shapes("aʊ") == (("AA", 0.6), ("UW", 0.4))
    assert shapes("h") == ()


@pytest.mark.parametrize("language", ["de", "fr", "cmn", "ja", "ru", "ar", "hi", "ko", "vi", "pl", "sw"])
def test_other_languages_have_a_mouth(language: str) -> None:
    texts = {"cmn": "妈妈爱我", "ja": "ぱぱとまま", "ru": "мама и папа", "ar": "باب", "hi": "पापा", "ko": "아빠 엄마"}
    spoken = speak(texts.get(language, "mama papa bobo"), language=language)
    labels = [viseme for phoneme in spoken.phonemes for bare in symbols(phoneme.label) for viseme, _ in shapes(bare)]
    assert "MBP" in labels
    assert len(labels) >= len(spoken.phonemes) * 0.8


def test_transcripts_are_pronounced() -> None:
    tokens = tokens_of("Dr. Zoltan's e-mail cost $5 in 1984 — OK?")
    assert [token.label for token in tokens] == ["Dr.", "Zoltan's", "e-mail", "cost", "$5", "in", "1984", "OK?"]
    said = [[way for word in token.readings[0] for way in word] for token in tokens]
    assert said[0] == ["D AA K T ER"]
    assert said[3] == list(dictionary()["cost"])
    assert "F AY V" in said[4]
    # nineteen eighty-four as well as nineteen hundred and ...
    assert any(reading[0] == ("N AY N T IY N",) for reading in tokens[6].readings)


def test_what_cannot_be_said_is_left_out() -> None:
    assert tokens_of("— … [music] !") == ()


def test_the_decoder_takes_every_phone_of_ours() -> None:
    engine = decoder()
    engine.add_word("all", " ".join(sorted({phone for ipa in VISEME_OF for phone in arpabet(ipa)})), update=False)
    assert engine.lookup_word("all") is not None


def test_pronounce_is_ipa() -> None:
    assert arpabet(pronounce(("photograph",))[0]) == ("F", "OW", "D", "AH", "G", "R", "AE", "F")


@pytest.mark.parametrize(
    "text",
    ["<speak><break time='9999s'/>x</speak>", "\x01+10v x \x01", "[[h@l'oU]] x", "%n%s" * 50, "\ud800x", "a" * 3000],
)
def test_hostile_texts_are_plain_words(text: str) -> None:
    assert 0 < len(speak(text).samples) < 22050 * 120


def test_the_same_words_are_the_same_samples() -> None:
    one, other = (speak("Breathy voices draw noise.", voice="en-us+whisper") for _ in range(2))
    assert np.array_equal(one.samples, other.samples)
    assert one.phonemes == other.phonemes


def test_every_voice_has_a_name_of_its_own() -> None:
    assert len({voice.name for voice in voices()}) == len({voice.identifier for voice in voices()})


# ---------------------------------------------------------------------------------------------------------- files


def a_speech(*phonemes: tuple[float, float, str], seconds: float = 1.0) -> Speech:
    timed = tuple(Timed(*one) for one in phonemes)
    sound = sound_from_samples(np.zeros(round(seconds * 16000), np.int16), 16000, 'a "b" & c.wav')
    return Speech(sound, "en", "aligned", (), timed, visemes(timed, seconds))


def test_rhubarb_json_is_laid_out_as_rhubarbs() -> None:
    text = export(a_speech((0.2, 0.3, "m"), (0.3, 0.6, "ɑ")), "rhubarb-json")
    assert text == (
        '{\n  "metadata": {\n    "soundFile": "a \\"b\\" & c.wav",\n    "duration": 1.00\n  },\n  "mouthCues": [\n'
        '    { "start": 0.00, "end": 0.20, "value": "X" },\n    { "start": 0.20, "end": 0.30, "value": "A" },\n'
        '    { "start": 0.30, "end": 0.60, "value": "D" },\n    { "start": 0.60, "end": 1.00, "value": "X" }\n  ]\n}\n'
    )
    assert json.loads(text)["metadata"]["duration"] == 1


def test_rhubarb_tsv_and_xml_hold_the_same_cues() -> None:
    speech = a_speech((0.2, 0.3, "f"), (0.3, 0.6, "oʊ"))
    assert export(speech, "rhubarb-tsv") == "0.00\tX\n0.20\tG\n0.30\tE\n0.48\tF\n0.60\tX\n1.00\tX\n"
    root = ET.fromstring(export(speech, "rhubarb-xml").encode())
    assert [(cue.get("start"), cue.text) for cue in root.iter("mouthCue")] == [
        ("0.00", "X"), ("0.20", "G"), ("0.30", "E"), ("0.48", "F"), ("0.60", "X")
    ]  # fmt: skip
    assert root.findtext("metadata/soundFile") == 'a "b" & c.wav'


def test_a_closure_of_any_length_and_place_shows_at_25_frames() -> None:
    for start in np.arange(0.2, 0.3, 0.003):
        for length in (0.012, 0.03, 0.05):
            end = float(start) + length
            cues = rhubarb_cues(a_speech((0.1, float(start), "ɑ"), (float(start), end, "b"), (end, 0.5, "i")))
            assert [cue.value for cue in cues].count("A") == 1
            assert all(cue.end - cue.start >= CLOSURE_CS for cue in cues if cue.value == "A")
            frames = [(i + 0.5) / 25 for i in range(25)]
            assert any(cue.start / 100 <= t < cue.end / 100 for cue in cues if cue.value == "A" for t in frames)
            assert all(one.end == other.start for one, other in pairwise(cues))


def test_our_record_survives_json() -> None:
    speech = replace(a_speech((0.2, 0.3, "m")), words=(Timed(0.2, 0.3, "m"),), notes=("a note",))
    record = SpeechRecord.model_validate_json(export(speech))
    assert record.schema_ == "stillwake/speech@1"
    assert [(p.start, p.end, p.phoneme) for p in record.phonemes] == [(0.2, 0.3, "m")]
    assert record.seconds == float(Fraction(1))
