"""Captions: what is said in a film, in lines to be read, out of the times of its words.

Where a cue ends is chosen for a whole speech at once: at the ends of sentences and clauses and in pauses, rather than
as full as a line can be. The limits are those of broadcasters: two lines of 42 letters (of Chinese, Japanese and
Korean, whose letters are wide, 16), one to seven seconds, 17 letters a second (Netflix, Timed Text Style Guide, 2024;
BBC, Subtitle Guidelines, 1.2).
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from stillwake.assemble.edit import Edit
from stillwake.assemble.laying import Laid, Spoken
from stillwake.assemble.storyboard import Board
from stillwake.errors import UsageError
from stillwake.media.files import shown, write_text
from stillwake.types import Timed

__all__ = ["ENDINGS", "Caption", "captions_of", "check_captions", "cues", "text_of", "whole_text", "write_captions"]

LINE = 42
"""Letters of a line; `WIDE` of them are a wide one."""
WIDE = 42 / 16
SHORTEST, LONGEST = 1.0, 7.0
"""Seconds."""
FASTEST = 17.0
"""Letters a second that are read without haste."""
LINGERS = 0.5
"""Seconds a cue stays after its last word, where nothing follows."""
PAUSE, BREAK = 0.25, 1.5
"""Seconds of silence at which a cue may well end, and over which none goes on."""

ENDINGS = (".srt", ".vtt")

_SENTENCE = tuple(".!?…。！？؟।｡")  # noqa: RUF001  they are other scripts' own
_CLAUSE = tuple(",;:–—、，；：،")  # noqa: RUF001
_CLOSING = "\"'”’»)]}）」』】〉》›"  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption of a film: shown from ``start`` to ``end``, exact film seconds; ``text`` of at most two lines.

    The lines are joined by a line feed.
    """

    start: Fraction
    end: Fraction
    text: str


# ------------------------------------------------------------------------------------------------------- of a film


def captions_of(board: Board, film: Laid) -> tuple[tuple[Caption, ...], tuple[str, ...]]:
    """The captions of a film, in order, none over another; and sentences about what has none.

    A shot's ``caption`` is shown instead of the words that were heard, as long as they are; without a speech, as
    long as its picture is there and nobody speaks over it.
    """
    found: list[Caption] = []
    notes: list[str] = []
    for spoken in film.spoken:
        shot = board.shots[spoken.shot]
        if shot.caption is False:
            continue
        words = _told(spoken, shot.caption if isinstance(shot.caption, str) else None, shot.say)
        if not words and spoken.speech.phonemes:
            notes.append(
                f"What is said in {board.label(spoken.shot)} was heard as sounds, not as words, so that it has no "
                "captions: give its transcript, or a caption."
            )
        found += cues(words, spoken.start, spoken.end)
    for index, shot in enumerate(board.shots):
        if not isinstance(shot.caption, str) or any(spoken.shot == index for spoken in film.spoken):
            continue
        picture = film.edit.pictures[index]
        start, end = _free(*_seen_alone(film.edit, index), found)
        if end - start < SHORTEST:
            start, end = _free(picture.start / film.edit.fps, picture.end / film.edit.fps, found)
        if end - start < min(Fraction(1), (picture.end - picture.start) / film.edit.fps):
            notes.append(f"The caption of {board.label(index)} is left out: somebody speaks over all of it.")
        else:
            found += cues(_even(shot.caption, float(start), float(end)), start, end)
    return tuple(sorted(found, key=lambda caption: caption.start)), tuple(notes)


def _told(spoken: Spoken, caption: str | None, say: str | None) -> list[Timed]:
    """The words of a speech in film seconds, or a caption in their stead."""
    at = float(spoken.start)
    words = [Timed(word.start + at, word.end + at, word.label) for word in spoken.speech.words]
    if caption is None:
        return words if say is None else whole_text(say, words)
    heard = words or [Timed(one.start + at, one.end + at, "") for one in spoken.speech.phonemes]
    start, end = (heard[0].start, heard[-1].end) if heard else (at, float(spoken.end))
    return _even(caption, start, end)


def whole_text(text: str, words: Sequence[Timed]) -> list[Timed]:
    """Every word of a text that was said, with the times of those that the voice told.

    espeak-ng tells of "was a" and "of the" as of one word, the first; the second shares its time.
    """
    tokens = text.split()
    if not words:
        return []
    matcher = difflib.SequenceMatcher(None, tokens, [word.label for word in words], autojunk=False)
    found: list[Timed] = []
    for kind, first, last, begin, end in matcher.get_opcodes():
        if kind == "equal":
            found += words[begin:end]
        elif kind == "insert":
            continue
        elif begin < end:
            found += _even(" ".join(tokens[first:last]), words[begin].start, words[end - 1].end)
        elif found:
            before = found.pop()
            found += _even(" ".join([before.label, *tokens[first:last]]), before.start, before.end)
        else:
            found += _even(" ".join(tokens[first:last]), max(0.0, words[0].start - 0.2), words[0].start)
    return found


def _even(text: str, start: float, end: float) -> list[Timed]:
    """A text's words, each as long as its letters' share of the time."""
    words = text.split()
    total = sum(_width(word) + 1 for word in words)
    found, now = [], start
    for word in words:
        until = now + (end - start) * (_width(word) + 1) / total
        found.append(Timed(now, until, word))
        now = until
    return found


def _seen_alone(edit: Edit, shot: int) -> tuple[Fraction, Fraction]:
    """From when to when a picture is there without the transitions at its ends: nobody reads in the dark."""
    picture = edit.pictures[shot]
    after = edit.pictures[shot + 1] if shot + 1 < len(edit.pictures) else None
    first = picture.start + (picture.frames if picture.transition == "dissolve" else picture.frames // 2)
    last = picture.end
    if after is not None:
        last = after.start if after.transition == "dissolve" else picture.end - after.frames // 2
    return first / edit.fps, last / edit.fps


def _free(start: Fraction, end: Fraction, taken: Sequence[Caption]) -> tuple[Fraction, Fraction]:
    """The longest stretch between two moments in which no caption is shown."""
    edges = [start]
    for caption in sorted(taken, key=lambda one: one.start):
        if caption.end > start and caption.start < end:
            edges += [caption.start, caption.end]
    edges.append(end)
    stretches = [(max(start, one), min(end, other)) for one, other in zip(edges[::2], edges[1::2], strict=True)]
    return max(stretches, key=lambda stretch: stretch[1] - stretch[0])


# ----------------------------------------------------------------------------------------------------- of a speech


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word, or what fits of it, or a wide letter: ``glued`` to the one before without a space."""

    start: float
    end: float
    text: str
    width: float
    glued: bool


def cues(words: Iterable[Timed], start: Fraction, end: Fraction) -> list[Caption]:
    """The captions of what is said between two moments of a film: readable, in order, none over another.

    Parameters
    ----------
    words
        With their times in film seconds and their punctuation.
    start, end
        No caption is shown outside.
    """
    pieces = [piece for word in words for piece in _pieces(word, float(start), float(end))]
    if not pieces:
        return []
    spans = _divided(pieces, float(end))
    texts = ["\n".join(_lines(pieces[first:last])) for first, last in spans]
    found: list[Caption] = []
    for number, (first, last) in enumerate(spans):
        begins, ends = pieces[first].start, pieces[last - 1].end
        limit = pieces[spans[number + 1][0]].start if number + 1 < len(spans) else float(end)
        needs = max(SHORTEST, _width(texts[number]) / FASTEST)
        ends = min(limit, max(ends + LINGERS, begins + needs), max(ends, begins + LONGEST))
        if 0 < limit - ends < PAUSE and limit - begins <= LONGEST:
            ends = limit  # a caption that goes and another that comes at once flicker
        if ends - begins < needs:  # too late to be read: it comes before its first word
            free = float(found[-1].end) if found else float(start)
            begins = max(free, ends - needs)
        exact = max(_milliseconds(begins), found[-1].end if found else start)
        until = min(_milliseconds(ends), end)
        if until > exact:
            found.append(Caption(exact, until, texts[number]))
    return found


def _milliseconds(seconds: float) -> Fraction:
    """A time as caption files can say it."""
    return Fraction(round(seconds * 1000), 1000)


def _width(text: str) -> float:
    """How wide a text is in letters: Chinese ones and their like are wide, accents are none."""
    wide = 0.0
    for letter in text:
        if unicodedata.category(letter) in ("Mn", "Me", "Cf", "Cc"):
            continue
        wide += WIDE if unicodedata.east_asian_width(letter) in ("W", "F") else 1.0
    return wide


def _pieces(word: Timed, start: float, end: float) -> list[_Piece]:
    """A word as pieces that fit into a line; wide letters stand for themselves, with the punctuation after them."""
    text = "".join(letter for letter in word.label if letter.isprintable()).strip()
    if not text:
        return []
    texts: list[str] = []
    for letter in text:
        wide = unicodedata.east_asian_width(letter) in ("W", "F")
        mark = unicodedata.category(letter)[0] in "PMZ"
        opening = unicodedata.category(letter) in ("Ps", "Pi")
        before = texts[-1] if texts else ""
        fits = _width(before + letter) <= LINE
        after_opening = bool(before) and unicodedata.category(before[-1]) in ("Ps", "Pi")
        was_wide = bool(before) and any(unicodedata.east_asian_width(one) in ("W", "F") for one in before)
        if texts and fits and (after_opening or (mark and not opening) or not (wide or was_wide or opening)):
            texts[-1] += letter
        else:
            texts.append(letter)
    whole = sum(map(_width, texts)) or 1.0
    found, now = [], word.start
    for number, part in enumerate(texts):
        until = now + (word.end - word.start) * _width(part) / whole
        glued = number > 0
        found.append(_Piece(min(max(now, start), end), min(max(until, start), end), part, _width(part), glued))
        now = until
    return found


def _ends_with(text: str, marks: tuple[str, ...]) -> bool:
    return text.rstrip(_CLOSING).endswith(marks)


def _ends_sentence(text: str) -> bool:
    """Whether a word ends a sentence; a title or an initial with its full stop does not."""
    bare = text.strip(_CLOSING)
    if re.fullmatch(r"(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|No|Nr|z\.B)\.", bare):
        return False
    return _ends_with(text, _SENTENCE)


def _divided(pieces: Sequence[_Piece], end: float) -> list[tuple[int, int]]:
    """Where the cues of a speech begin and end, as slices of its pieces: what costs least altogether."""
    count = len(pieces)
    best = [0.0] + [math.inf] * count
    before = [0] * (count + 1)
    for last in range(1, count + 1):
        width = 0.0
        for first in range(last - 1, -1, -1):
            width += pieces[first].width
            if first < last - 1 and width > 2 * LINE:
                break
            cost = best[first] + _cost(pieces, first, last, end)
            if cost < best[last]:
                best[last], before[last] = cost, first
    spans: list[tuple[int, int]] = []
    last = count
    while last:
        spans.append((before[last], last))
        last = before[last]
    return spans[::-1]


def _cost(pieces: Sequence[_Piece], first: int, last: int, end: float) -> float:
    """What a cue of these pieces costs: one at all, ill broken, too fast, too short. A single piece is always one."""
    cue = pieces[first:last]
    lines = _lines(cue)
    pauses = [after.start - one.end for one, after in pairwise(cue)]
    limit = pieces[last].start if last < len(pieces) else end
    if len(cue) > 1 and (
        len(lines) > 2 or max(pauses) > BREAK or cue[-1].end - cue[0].start > LONGEST or max(map(_width, lines)) > LINE
    ):
        return math.inf
    cost = 1.0
    text = cue[-1].text
    if last < len(pieces):
        pause = limit - cue[-1].end
        if _ends_sentence(text):
            cost += 0.0
        elif _ends_with(text, _CLAUSE):
            cost += 0.3 if pause < PAUSE else 0.1
        elif pause >= PAUSE:
            cost += 0.4
        else:
            cost += 2.5 if pieces[last].glued else 1.5
    cost += 0.4 * sum(_ends_sentence(one.text) for one in cue[:-1])
    cost += 0.6 * sum(pause for pause in pauses if pause > PAUSE)
    time = max(0.05, min(limit, cue[0].start + LONGEST) - cue[0].start)
    total = sum(map(_width, lines))
    cost += 1.5 * max(0.0, total / time / FASTEST - 1)
    cost += 2.0 * max(0.0, SHORTEST - time)
    if (
        total < 12
        and len(pieces) > 1
        and not (_ends_sentence(text) and (first == 0 or _ends_sentence(pieces[first - 1].text)))
    ):
        cost += 0.5
    return cost


def _lines(pieces: Sequence[_Piece]) -> list[str]:
    """One line if it fits; else two that are nearly alike, broken at punctuation if there is any near the middle."""
    whole = _written(pieces)
    if _width(whole) <= LINE or len(pieces) == 1:
        return [whole]
    best: tuple[float, list[str]] | None = None
    for place in range(1, len(pieces)):
        lines = [_written(pieces[:place]), _written(pieces[place:])]
        widths = [_width(line) for line in lines]
        cost = abs(widths[0] - widths[1]) + 100 * sum(max(0.0, width - LINE) for width in widths)
        text = pieces[place - 1].text
        cost -= 25 if _ends_sentence(text) else 12 if _ends_with(text, _CLAUSE) else 0
        cost += 8 if pieces[place].glued and pieces[place].width < WIDE else 0
        if best is None or cost < best[0]:
            best = cost, lines
    assert best is not None
    return best[1]


def _written(pieces: Sequence[_Piece]) -> str:
    return "".join(
        piece.text if number == 0 or piece.glued else f" {piece.text}" for number, piece in enumerate(pieces)
    )


# ------------------------------------------------------------------------------------------------------- as a file


def check_captions(path: Path) -> None:
    """Nothing, where the name is that of a caption file we write.

    Raises
    ------
    stillwake.errors.UsageError
        It is not.
    """
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"Cannot write the captions to {shown(path)}", "they are written as .srt or .vtt", "end its name with .srt"
        )


def text_of(captions: Sequence[Caption], ending: str) -> str:
    """A caption file's text: SubRip for ".srt", WebVTT for ".vtt"."""
    import pysubs2

    ending = ending.lower()
    file = pysubs2.SSAFile()
    for caption in captions:
        event = pysubs2.SSAEvent(start=round(caption.start * 1000), end=round(caption.end * 1000))
        event.plaintext = _escaped(caption.text, ending)
        file.append(event)
    text = str(file.to_string(ending.removeprefix("."))).rstrip("\n")
    return text + "\n" if text else ""


def _escaped(text: str, ending: str) -> str:
    """The text with nothing in it that a caption file means otherwise: pysubs2 reads braces and backslashes as ASS."""
    text = text.translate({ord("{"): "(", ord("}"): ")", ord("\\"): "/"}).replace("-->", "→")
    if ending == ".vtt":
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text


def write_captions(captions: Sequence[Caption], path: Path, overwrite: bool = False) -> None:
    """Write a caption file, whole or not at all.

    Raises
    ------
    stillwake.errors.UsageError, OutputError
        Its name has another ending; it cannot be written.
    """
    check_captions(path)
    write_text(path, text_of(captions, path.suffix), overwrite)
