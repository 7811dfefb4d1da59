"""Whether what a reader read in the picture can be language at all."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np

from stillwake.types import Face, Scene, Writing

SMALLEST = 0.012
"""Height of a line over the picture's: smaller lettering is no more than texture, to the reader and in a video."""
SMALLEST_PX = 10
LEAST_LETTERS = 3
"""Letters and digits below which a line is mostly no line: buttons, eyes and folds read as one or two."""
HINT = 0.35
"""A reader less sure than this mostly looks at texture, not at lettering."""
FOREIGN = 0.28
"""Share of the reader's doubt that counts where no Latin letters are read, which no dictionary here vouches for."""
NUMBERS = 0.4
"""The same where all that is read are figures, which no dictionary vouches for either: a year written by hand was read
with .86."""
FOREIGN_SURE = 0.85
"""A line in another script read with this confidence: the picture has lettering that cannot be judged here."""
RAREST = -6.8
"""Log-probability of three letters in a row that no word has; foreign names reach -6.5 (nvidia, shinjuku)."""
WIDE = 2.2
"""Width over height from which a box that reads as one or two letters holds lettering that was not read."""
LEGIBLE = 40.0
"""Levels of 255 between the dark and the light of a line (5 % and 95 %) below which it is dim texture: two folds of a
black coat that read as letters had 29 and 40 (2026-11-29)."""
CERTAIN = 0.5
"""The doubt in a line that is no language whatever the reader's confidence."""
_BETWEEN_LETTERS = re.compile(r"[A-Za-z][+!?%*=<>|~^;:$#][A-Za-z]")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A line, how much there is to doubt in it (0..1), and why; the text itself is never passed on."""

    line: Writing
    much: float
    why: str


def letters(line: Writing) -> int:
    """How many letters and digits a line has."""
    return sum(c.isalnum() for c in line.text)


@lru_cache(maxsize=1)
def words() -> frozenset[str]:
    """English words, from the dictionary that comes with the speech recogniser; empty where it is missing."""
    try:
        from pocketsphinx import get_model_path

        path = Path(get_model_path()) / "en-us" / "cmudict-en-us.dict"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except (ImportError, OSError):
        return frozenset()
    return frozenset(line.split(maxsplit=1)[0].partition("(")[0] for line in lines if line.strip())


@lru_cache(maxsize=1)
def _runs() -> tuple[Counter[str], Counter[str]]:
    """How often three letters follow each other in the dictionary's words, and two that a third follows."""
    spelt = [f"^^{word}$" for word in words() if word.isalpha()]
    threes = Counter(chain.from_iterable((word[i : i + 3] for i in range(len(word) - 2)) for word in spelt))
    twos: Counter[str] = Counter()
    for run, count in threes.items():
        twos[run[:2]] += count
    return threes, twos


def rarest(word: str) -> float:
    """The least log-probability of a letter after the two before it, in the dictionary's words; 0 without one."""
    if not words():
        return 0.0
    threes, twos = _runs()
    spelt = f"^^{word.lower()}$"
    runs = [spelt[i : i + 3] for i in range(len(spelt) - 2)]
    return min(math.log((threes[run] + 0.1) / (twos[run[:2]] + 2.7)) for run in runs)


def is_language(text: str) -> bool:
    """Whether every word of three letters and more is an English one, and there is one.

    Words that the reader ran together (TheFool) are parted where a capital begins.
    """
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()
    tokens = [token for token in re.findall(r"[^\W\d_]+", parted) if len(token) >= 3]
    return bool(tokens) and all(token in words() for token in tokens)


def _is_latin(text: str) -> bool:
    latin = sum(c.isascii() and c.isalnum() for c in text)
    return 2 * latin >= sum(c.isalnum() for c in text)


def _doubt(line: Writing) -> Doubt | None:
    """What there is to doubt in one line; None where it is nothing that could be read.

    The reader is as sure of well-formed words as can be (1.00 at the median) and less so of malformed letters (.78);
    a word of the dictionary is believed whatever the confidence.
    """
    wide, high = line.box[2] - line.box[0], line.box[3] - line.box[1]
    if letters(line) < LEAST_LETTERS:
        unread = wide > WIDE * high and high > 2 * SMALLEST_PX
        return Doubt(line, CERTAIN, "it is a line of lettering of which hardly a letter is read") if unread else None
    if line.confidence < HINT:
        return None
    if is_language(line.text):
        return Doubt(line, 0.0, "")
    unsure = 1 - line.confidence
    if not any(c.isalpha() for c in line.text):
        return Doubt(line, NUMBERS * unsure, "its figures cannot be read with certainty")
    if not _is_latin(line.text):
        return Doubt(line, FOREIGN * unsure, "its signs cannot be read with certainty")
    if _BETWEEN_LETTERS.search(line.text):
        return Doubt(line, max(CERTAIN, unsure), "it has signs in it that are no letters")
    drawn_out = re.sub(r"(.)\1{2,}", r"\1\1", line.text.lower())  # ooops, hellooo
    if is_language(drawn_out):
        return Doubt(line, 0.0, "")
    names = [token for token in re.findall(r"[a-z]+", drawn_out) if len(token) >= 4]
    if any(token not in words() and rarest(token) < RAREST for token in names):
        return Doubt(line, max(CERTAIN, unsure), "it has letters in an order that no word has")
    return Doubt(line, unsure, "it cannot be read with certainty")


def _on_a_mouth(line: Writing, faces: tuple[Face, ...]) -> bool:
    """Whether the middle of a line lies on a mouth: a row of teeth reads as letters."""
    x, y = (line.box[0] + line.box[2]) / 2, (line.box[1] + line.box[3]) / 2
    for face in faces:
        outline = [*face.mouth.outer_upper, *face.mouth.outer_lower]
        across, down = [float(p[0]) for p in outline], [float(p[1]) for p in outline]
        if min(across) <= x <= max(across) and min(down) <= y <= max(down):
            return True
    return False


def _is_legible(scene: Scene, line: Writing) -> bool:
    """Whether a line stands out from what it is written on."""
    width, height = scene.still.size
    x0, y0, x1, y1 = (round(value) for value in line.box)
    part = scene.still.pixels[max(0, y0) : min(height, y1), max(0, x0) : min(width, x1)]
    if not part.size:
        return False
    dark, light = np.percentile(part.astype(np.float32).mean(-1), (5, 95))
    return bool(light - dark > LEGIBLE)


def doubts(scene: Scene) -> list[Doubt]:
    """What there is to doubt in every line large enough to be read, the most doubtful first."""
    height = scene.still.size[1]
    least = max(SMALLEST_PX, SMALLEST * height)
    lines = [line for line in scene.writing if line.box[3] - line.box[1] >= least]
    shown = [line for line in lines if not _on_a_mouth(line, scene.faces) and _is_legible(scene, line)]
    found = [_doubt(line) for line in shown]
    return sorted((doubt for doubt in found if doubt), key=lambda doubt: -doubt.much)


def is_foreign(scene: Scene) -> bool:
    """Whether the picture has lettering in another script, read with confidence, that nothing here can judge."""
    return any(
        letters(line) >= 2 and line.confidence >= FOREIGN_SURE and not _is_latin(line.text) for line in scene.writing
    )
