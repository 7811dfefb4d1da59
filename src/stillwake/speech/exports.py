"""A timeline as a file: our own record, and the three formats of Rhubarb Lip Sync.

The layout of the formats follows Rhubarb 1.13 (JsonExporter, TsvExporter and XmlExporter): times in hundredths of
a second, one cue to a line, shapes A to H and X.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple
from xml.sax.saxutils import escape

from pydantic import Field

from stillwake.errors import UsageError
from stillwake.speech.phones import RHUBARB_END, RHUBARB_OF, arpabet
from stillwake.speech.timeline import RELEASE, closed_up
from stillwake.types import Record, Speech, Timed

FORMATS = ("json", "rhubarb-json", "rhubarb-tsv", "rhubarb-xml")
Format = Literal["json", "rhubarb-json", "rhubarb-tsv", "rhubarb-xml"]
CLOSURE_CS = 4
"""The shortest closed cue, in hundredths of a second: at 25 frames a second no moment of sampling can miss it."""
PAUSE_S = 0.1
"""A pause shorter than this gets no X."""


class WordRecord(Record):
    """A word from ``start`` to ``end`` seconds."""

    start: float
    end: float
    word: str


class PhonemeRecord(Record):
    """A phoneme in IPA from ``start`` to ``end`` seconds."""

    start: float
    end: float
    phoneme: str


class VisemeRecord(Record):
    """A mouth shape of `stillwake.types.VISEMES` from ``start`` to ``end`` seconds."""

    start: float
    end: float
    viseme: str


class SpeechRecord(Record):
    """The timeline of a sound, as it is written to disk."""

    schema_: Literal["stillwake/speech@1"] = Field("stillwake/speech@1", alias="schema")
    name: str
    seconds: float
    language: str
    source: Literal["voice", "aligned", "recognised", "phonemes"]
    confidence: float
    notes: tuple[str, ...]
    words: tuple[WordRecord, ...]
    phonemes: tuple[PhonemeRecord, ...]
    visemes: tuple[VisemeRecord, ...]


class Cue(NamedTuple):
    """One of Rhubarb's mouth shapes, in hundredths of a second."""

    start: int
    end: int
    value: str


def record(speech: Speech) -> SpeechRecord:
    """The speech as a record."""
    return SpeechRecord(
        name=speech.sound.name,
        seconds=round(float(speech.sound.seconds), 6),
        language=speech.language,
        source=speech.source,
        confidence=speech.confidence,
        notes=speech.notes,
        words=tuple(WordRecord(start=_ms(w.start), end=_ms(w.end), word=w.label) for w in speech.words),
        phonemes=tuple(PhonemeRecord(start=_ms(p.start), end=_ms(p.end), phoneme=p.label) for p in speech.phonemes),
        visemes=tuple(VisemeRecord(start=_ms(v.start), end=_ms(v.end), viseme=v.label) for v in speech.visemes),
    )


def _ms(seconds: float) -> float:
    return round(seconds, 4)


_FREE = {
    "T": "BF", "D": "BF", "K": "BCEF", "G": "BCEF", "CH": "BF", "JH": "BF", "TH": "BF", "DH": "BF", "S": "BF",
    "Z": "BF", "SH": "BF", "ZH": "BF", "N": "BCFH", "NG": "BCEF", "L": "BEFH", "R": "BEF", "Y": "BCF",
}  # fmt: skip
"""The shapes in which the lips can say a consonant (Rhubarb's animation rules)."""
_BORROW_S, _BORROW_SHARE = 0.025, 0.35
"""How much of such a consonant may show its neighbour's shape: about the error of a phone's border (88 % of aligned
borders lie within 30 ms of the hand-labelled ones), and never so much that its own shape goes."""


def _shapes(phonemes: Sequence[Timed], seconds: float) -> list[tuple[float, float, str]]:
    """Rhubarb's shapes for the phonemes, times in seconds, X where there is none."""
    pieces: list[list[Any]] = []  # [start, end, shape or "" for the next one's, phone]
    now = 0.0
    for one in closed_up(phonemes, PAUSE_S):
        if one.start > now:
            pieces.append([now, one.start, "X", ""])
        phones = arpabet(one.label) or ("HH",)
        step = (one.end - one.start) / len(phones)
        for index, phone in enumerate(phones):
            start = one.start + index * step
            end = one.end if index == len(phones) - 1 else start + step
            if phone == "HH":
                pieces.append([start, end, "", ""])
            elif phone in ("P", "B"):
                shut = start + (end - start) * RELEASE
                pieces += [[start, shut, "A", phone], [shut, end, "", ""]]
            elif phone in RHUBARB_END:
                turn = start + (end - start) * 0.6
                pieces += [[start, turn, RHUBARB_OF[phone], phone], [turn, end, RHUBARB_END[phone], phone]]
            else:
                pieces.append([start, end, RHUBARB_OF.get(phone, "B"), phone])
        now = one.end
    if now < seconds:
        pieces.append([now, seconds, "X", ""])
    following = "X"
    for piece in reversed(pieces):
        if not piece[2]:
            piece[2] = "B" if following in "AGX" else following
        following = piece[2]
    for before, after in pairwise(pieces):
        for consonant, other in ((before, after), (after, before)):
            if other[2] != consonant[2] and other[2] in _FREE.get(consonant[3], ""):
                borrowed = min(_BORROW_S, _BORROW_SHARE * (consonant[1] - consonant[0]))
                border = before[1] - borrowed if consonant is before else before[1] + borrowed
                before[1] = after[0] = border
                break
    return [(start, end, shape) for start, end, shape, _ in pieces]


def rhubarb_cues(speech: Speech) -> list[Cue]:
    """Rhubarb's mouth cues: they cover the sound without gaps, and no closure is shorter than `CLOSURE_CS`."""
    total = max(1, round(float(speech.sound.seconds) * 100))
    cues: list[Cue] = []
    for start, end, value in _shapes(speech.phonemes, total / 100):
        first, last = max(round(start * 100), 0), min(round(end * 100), total)
        if cues and cues[-1].value == value:
            cues[-1] = cues[-1]._replace(end=max(last, cues[-1].end))
        elif last > first or value == "A":
            cues.append(Cue(first, last, value))
    return _joined(_long_enough(cues), total)


def _long_enough(cues: list[Cue]) -> list[Cue]:
    """Every closed cue as long as `CLOSURE_CS`, at the cost of its neighbours, the earlier one first."""
    cues = list(cues)
    for index, cue in enumerate(cues):
        short = CLOSURE_CS - (cue.end - cue.start)
        if cue.value != "A" or short <= 0:
            continue
        for side in (-1, 1, -1):
            if not 0 <= index + side < len(cues) or short <= 0:
                continue
            other = cues[index + side]
            if other.value == "A":
                continue
            take = min(short if side == 1 else -(-short // 2), max(0, other.end - other.start - 1))
            if side < 0:
                cues[index + side] = other._replace(end=other.end - take)
                cues[index] = cues[index]._replace(start=cues[index].start - take)
            else:
                cues[index + side] = other._replace(start=other.start + take)
                cues[index] = cues[index]._replace(end=cues[index].end + take)
            short -= take
    return cues


def _joined(cues: list[Cue], total: int) -> list[Cue]:
    """The cues without gaps, empty ones and equal neighbours."""
    joined: list[Cue] = []
    for cue in cues:
        start = joined[-1].end if joined else 0
        if cue.end <= start:
            continue
        if joined and joined[-1].value == cue.value:
            joined[-1] = joined[-1]._replace(end=cue.end)
        else:
            joined.append(Cue(start, cue.end, cue.value))
    if not joined:
        return [Cue(0, total, "X")]
    joined[-1] = joined[-1]._replace(end=total)
    return joined


def export(speech: Speech, format: str = "json") -> str:
    """The timeline as text: one of `FORMATS`.

    Raises
    ------
    stillwake.errors.UsageError
        The format is unknown.
    """
    if format == "json":
        return record(speech).to_json() + "\n"
    total = max(1, round(float(speech.sound.seconds) * 100))
    cues = rhubarb_cues(speech)
    if format == "rhubarb-json":
        lines = ",\n".join(
            f'    {{ "start": {c.start / 100:.2f}, "end": {c.end / 100:.2f}, "value": "{c.value}" }}' for c in cues
        )
        name = json.dumps(speech.sound.name, ensure_ascii=False)
        return (
            f'{{\n  "metadata": {{\n    "soundFile": {name},\n    "duration": {total / 100:.2f}\n  }},\n'
            f'  "mouthCues": [\n{lines}\n  ]\n}}\n'
        )
    if format == "rhubarb-tsv":
        return "".join(f"{c.start / 100:.2f}\t{c.value}\n" for c in cues) + f"{total / 100:.2f}\tX\n"
    if format == "rhubarb-xml":
        rows = "\n".join(
            f'    <mouthCue start="{c.start / 100:.2f}" end="{c.end / 100:.2f}">{c.value}</mouthCue>' for c in cues
        )
        return (
            '<?xml version="1.0" encoding="utf-8"?>\n<rhubarbResult>\n  <metadata>\n'
            f"    <soundFile>{escape(speech.sound.name)}</soundFile>\n    <duration>{total / 100:.2f}</duration>\n"
            f"  </metadata>\n  <mouthCues>\n{rows}\n  </mouthCues>\n</rhubarbResult>\n"
        )
    raise UsageError(f"Cannot export as {format}", "there is no such format", f"choose one of {', '.join(FORMATS)}")
