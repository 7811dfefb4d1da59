"""Captions are readable: two short lines, neither too fast nor too brief, broken where one breathes."""

from __future__ import annotations

import unicodedata
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwake.assemble.captions import Caption, captions_of, cues, text_of, whole_text, write_captions
from stillwake.assemble.laying import Heard, laid
from stillwake.assemble.storyboard import open_storyboard
from stillwake.errors import OutputExistsError, UsageError
from stillwake.media import sound_from_samples
from stillwake.types import Speech, Timed

F = Fraction


def said(text: str, start: float = 0.2, letters: float = 14, pauses: dict[str, float] | None = None) -> list[Timed]:
    """A text's words, so many letters a second, with a pause after some marks."""
    found, now = [], start
    for word in text.split():
        until = now + (len(word) + 1) / letters
        found.append(Timed(now, until, word))
        now = until + (pauses or {}).get(word[-1], 0.0)
    return found


def texts(words: list[Timed], end: Fraction | int | None = None) -> list[str]:
    return [cue.text for cue in cues(words, F(0), F(words[-1].end) + 1 if end is None else F(end))]


def letters(text: str) -> float:
    return sum(42 / 16 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def test_cues_end_where_sentences_and_clauses_do() -> None:
    text = (
        "Good morning. A minute ago I was a photograph, and photographs keep their mouths shut. "
        "Now my lips move, my eyes blink, and behind me nothing stirs."
    )
    assert texts(said(text, pauses={".": 0.4, ",": 0.1})) == [
        "Good morning.",
        "A minute ago I was a photograph,\nand photographs keep their mouths shut.",
        "Now my lips move, my eyes blink,\nand behind me nothing stirs.",
    ]


def test_a_title_is_no_end_of_a_sentence() -> None:
    words = said(
        "Yesterday in the afternoon we went to see Dr. Smith. He has never been well liked by anybody at all."
    )
    assert texts(words)[0].endswith("Smith.")


def test_without_punctuation_pauses_divide() -> None:
    one, other = "somebody said a number of words and went", "on to say many more of them after a rest"
    words = said(f"{one} {other} and then again some")
    later = [Timed(word.start + 0.8, word.end + 0.8, word.label) for word in words]
    assert texts(words[:8] + later[8:]) == [one, "on to say many more of them\nafter a rest and then again some"]
    far = [Timed(word.start + 2, word.end + 2, word.label) for word in words]
    assert texts(words[:1] + far[1:])[0] == "somebody", "no cue stands through a long silence"


def test_wide_letters_have_sixteen_to_a_line_and_marks_stay_with_them() -> None:
    text = "昨天我在图书馆里看到了一本非常有意思的书，它讲的是一个小女孩怎样学会了和照片说话的故事。"  # noqa: RUF001
    found = cues([Timed(0.2, 10.2, text)], F(0), F(11))
    assert "".join(cue.text for cue in found).replace("\n", "") == text
    lines = [line for cue in found for line in cue.text.split("\n")]
    assert all(letters(line) <= 42 for line in lines)
    assert not any(line[0] in "，。" for line in lines)  # noqa: RUF001
    assert found[0].text.endswith("，")  # noqa: RUF001
    assert found[1].start == pytest.approx(0.2 + 10 * 21 / 45, abs=0.3), "a letter's time is its share of the word's"


def test_a_word_that_is_longer_than_a_line_is_divided() -> None:
    (cue,) = cues([Timed(0, 6, "a" * 60)], F(0), F(7))
    assert cue.text == "a" * 42 + "\n" + "a" * 18


def test_a_short_cue_stays_for_a_second_where_there_is_room() -> None:
    (cue,) = cues([Timed(2.0, 2.3, "Yes.")], F(0), F(9))
    assert (cue.start, cue.end) == (2, 3)
    (cue,) = cues([Timed(2.0, 2.3, "Yes.")], F(0), F(5, 2))
    assert (cue.start, cue.end) == (F(3, 2), F(5, 2)), "it comes earlier where it cannot stay"
    (cue,) = cues([Timed(0.1, 0.3, "Yes.")], F(0), F(1, 2))
    assert (cue.start, cue.end) == (0, F(1, 2)), "and never goes beyond what is said"


_WORDS = st.lists(
    st.tuples(
        st.text(st.sampled_from("abcdefgh.,!?-'()\"é早上好，。{}<&"), min_size=1, max_size=30),  # noqa: RUF001
        st.floats(0.02, 3),
        st.floats(0, 2.5),
    ),
    min_size=1,
    max_size=40,
)


@given(_WORDS, st.fractions(0, 3, max_denominator=1000))
def test_cues_of_anything_keep_the_limits(spoken: list[tuple[str, float, float]], start: Fraction) -> None:
    words, now = [], float(start) + 0.1
    for label, long, pause in spoken:
        words.append(Timed(now, now + long, label))
        now += long + pause
    end = F(round(now * 1000), 1000) + 1
    found = cues(words, start, end)
    assert start <= found[0].start
    assert found[-1].end <= end
    assert all(one.end <= other.start for one, other in pairwise(found))
    for cue in found:
        lines = cue.text.split("\n")
        assert len(lines) <= 2
        assert all(0 < letters(line) <= 42.001 for line in lines)
        assert cue.end - cue.start <= F(7002, 1000)
    plain = "".join(cue.text for cue in found).replace("\n", "").replace(" ", "")
    assert plain == "".join(word.label for word in words)


def test_words_that_a_voice_does_not_tell_are_shown_all_the_same() -> None:
    told = [Timed(0, 0.4, "I"), Timed(0.4, 1.0, "was"), Timed(1.2, 2.0, "there."), Timed(2.5, 3.0, "25")]
    found = whole_text("I was a there. so 25", told)
    assert [word.label for word in found] == ["I", "was", "a", "there.", "so", "25"]
    assert (found[1].start, found[2].end) == (0.4, 1.0)
    assert found[0] == told[0]
    assert whole_text("a b", [Timed(1, 2, "b")])[0].label == "a"
    assert whole_text("a b", []) == []


def test_a_voice_of_ours_has_every_word_captioned() -> None:
    from stillwake.speech import say

    text = "A minute ago I was a photograph of the sea."
    words = whole_text(text, say(text).words)
    assert " ".join(word.label for word in words) == text
    assert all(one.end <= other.start + 1e-9 for one, other in pairwise(words))


# -------------------------------------------------------------------------------------------------------- of a film


def heard(words: list[Timed], seconds: int, source: str = "voice") -> Heard:
    sound = sound_from_samples(np.zeros(8000 * seconds, np.int16), 8000)
    phonemes = (Timed(0.5, 1.0, "a"),)
    return Heard(Speech(sound, "en", source, tuple(words), phonemes, (Timed(0, float(seconds), "rest"),)))  # type: ignore[arg-type]


def film_of(folder: Path, text: str, *parts: Heard) -> tuple[tuple[Caption, ...], tuple[str, ...]]:
    for name in ("a.png", "s.wav"):
        (folder / name).write_bytes(b"x")
    path = folder / "film.toml"
    path.write_text(text)
    board = open_storyboard(path)
    return captions_of(board, laid(board, parts))


HELLO = '[[shot]]\nstill = "a.png"\nsound = "s.wav"\n'
LIVE = '[[shot]]\nstill = "a.png"\n'


def test_captions_stand_where_the_words_are_in_the_film(tmp_path: Path) -> None:
    hello = heard(said("Hello there."), 2)
    found, notes = film_of(tmp_path, LIVE + "seconds = 3\n" + HELLO + HELLO, Heard(), hello, hello)
    assert [(cue.text, float(cue.start)) for cue in found] == [("Hello there.", 3.2), ("Hello there.", 5.2)]
    assert notes == ()


def test_a_caption_of_ones_own_stands_instead(tmp_path: Path) -> None:
    hello = heard(said("Hello there."), 2)
    text = HELLO + 'caption = "Bonjour"\n' + HELLO + "caption = false\n" + LIVE + 'caption = "The coast."\n'
    found, notes = film_of(tmp_path, text, hello, hello, Heard())
    assert [cue.text for cue in found] == ["Bonjour", "The coast."]
    assert 4 <= found[1].start < found[1].end <= 10
    assert notes == ()


def test_a_caption_waits_until_its_picture_is_seen(tmp_path: Path) -> None:
    text = LIVE + "seconds = 2\n" + LIVE + 'seconds = 3\ncaption = "The coast."\ntransition = "{}"\n'
    (fade,), _ = film_of(tmp_path, text.format("fade"), Heard(), Heard())
    assert (fade.start, fade.end) == (F(2) + F(13, 25), 5), "half of a fade of a second, to whole frames"
    (dissolve,), _ = film_of(tmp_path, text.format("dissolve"), Heard(), Heard())
    assert dissolve.start == 2


def test_a_caption_gives_way_to_what_is_said_over_its_picture(tmp_path: Path) -> None:
    hello = heard(said("Hello there my friend.", start=0.1, letters=6), 4)
    text = HELLO + "tail = 3\n" + LIVE + 'caption = "The coast."\nseconds = 3\n'
    found, notes = film_of(tmp_path, text, hello, Heard())
    assert [cue.text for cue in found] == ["Hello there my friend."]
    assert "shot 2 (a)" in notes[0]
    found, _ = film_of(tmp_path, text.replace("seconds = 3", "seconds = 8"), hello, Heard())
    assert [cue.text for cue in found] == ["Hello there my friend.", "The coast."]
    assert found[0].end <= found[1].start


def test_speech_without_words_says_that_it_has_no_captions(tmp_path: Path) -> None:
    found, notes = film_of(tmp_path, HELLO, heard([], 2, "phonemes"))
    assert found == ()
    assert "shot 1 (a)" in notes[0]
    assert "transcript" in notes[0]


# ---------------------------------------------------------------------------------------------------------- as files

CAPTIONS = (Caption(F(1, 2), F(5, 2), "One & two\n<three>"), Caption(F(3), F(3723004, 1000), "a {b} \\N --> c"))


def test_files_say_the_same_and_nothing_else() -> None:
    assert text_of(CAPTIONS, ".srt") == (
        "1\n00:00:00,500 --> 00:00:02,500\nOne & two\n<three>\n\n2\n00:00:03,000 --> 01:02:03,004\na (b) /N → c\n"
    )
    assert text_of(CAPTIONS, ".vtt") == (
        "WEBVTT\n\n1\n00:00:00.500 --> 00:00:02.500\nOne &amp; two\n&lt;three&gt;\n\n"
        "2\n00:00:03.000 --> 01:02:03.004\na (b) /N → c\n"
    )
    assert text_of((), ".srt") == ""


def test_a_file_of_captions_is_written_whole_and_only_where_it_may(tmp_path: Path) -> None:
    path = tmp_path / "film.VTT"
    write_captions(CAPTIONS, path)
    assert path.read_text(encoding="utf-8").startswith("WEBVTT")
    with pytest.raises(OutputExistsError):
        write_captions(CAPTIONS, path)
    with pytest.raises(UsageError, match=r"\.srt or \.vtt"):
        write_captions(CAPTIONS, tmp_path / "film.txt")
