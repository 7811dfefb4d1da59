"""Sign 5, background: textures that come again, and lettering that reads as nonsense."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from stillwake.readiness import signals
from stillwake.readiness.limits import Limit
from stillwake.readiness.unlooked import unseen
from stillwake.types import Finding, Scene, Writing

_BENCH = "benchmarks/readiness.py, between the 5 % and 1 % thresholds of both halves"
REPEAT = Limit(0.96, None, "correlation", _BENCH)
TEXT = Limit(0.93, None, "confidence", _BENCH)
LIMITS = {"repetition": REPEAT, "pseudo-text": TEXT}
_SMALLEST = 0.012
"""Height of a line over the picture's: smaller lettering is no more than texture, to the reader and in a video."""
_HINT = 0.5
"""A reader less sure than this mostly looks at texture, not at lettering."""
_FOREIGN = 0.75
"""The limit for lines that are not in Latin letters, which no dictionary here can vouch for; a guess."""


def background_findings(scene: Scene) -> list[Finding]:
    """The findings about repetition and lettering."""
    return [_repetition(scene), _lettering(scene)]


def _repetition(scene: Scene) -> Finding:
    found = signals.repetition(scene.still.pixels, scene.matte)
    if found is None:
        small = min(scene.still.size) < 256
        return unseen("repetition", "the picture is under 256 px" if small else "nothing but smooth areas lie behind")
    verdict, limit = REPEAT.high(found.strength)
    dx, dy = found.period
    return Finding(
        check="repetition",
        verdict=verdict,
        measured=round(found.strength, 2),
        unit=REPEAT.unit,
        limit=limit,
        box=found.box,
        why="no texture comes again exactly"
        if verdict == "pass"
        else f"the same piece of texture comes again every {max(abs(dx), abs(dy))} px",
        fix="" if verdict == "pass" else "inpaint the repeating area, or generate the still again",
    )


def readable(line: Writing) -> int:
    """How many letters and digits a line has."""
    return sum(c.isalnum() for c in line.text)


@lru_cache(maxsize=1)
def _words() -> frozenset[str]:
    """English words, from the dictionary that comes with the speech recogniser; empty where it is missing."""
    try:
        from pocketsphinx import get_model_path

        path = Path(get_model_path()) / "en-us" / "cmudict-en-us.dict"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except (ImportError, OSError):
        return frozenset()
    return frozenset(line.split(maxsplit=1)[0].partition("(")[0] for line in lines if line.strip())


def is_language(text: str) -> bool:
    """Whether every word of three letters and more is an English one, and there is one."""
    tokens = [token for token in re.findall(r"[^\W\d_]+", text.lower()) if len(token) >= 3]
    return bool(tokens) and all(token in _words() for token in tokens)


def doubtful(scene: Scene) -> list[Writing]:
    """The lines that are large enough to be read and yet are not, the least certain first.

    The reader is as sure of well-formed words as can be (1.00 at the median) and less so of malformed letters (.78);
    a word of the dictionary is believed whatever the confidence.
    """
    height = scene.still.size[1]
    lines = [
        line
        for line in scene.writing
        if readable(line) >= 3
        and line.box[3] - line.box[1] >= max(10, _SMALLEST * height)
        and _HINT <= line.confidence < (TEXT.warn if line.text.isascii() else _FOREIGN)
        and not is_language(line.text)
    ]
    return sorted(lines, key=lambda line: line.confidence)


def _lettering(scene: Scene) -> Finding:
    if not scene.looked_for("writing"):
        return unseen("pseudo-text", "nothing looked for lettering")
    lines = doubtful(scene)
    if lines:
        line = lines[0]
        return Finding(
            check="pseudo-text",
            verdict="warn",
            measured=round(line.confidence, 2),
            unit=TEXT.unit,
            limit=TEXT.warn,
            box=line.box,
            why="there is lettering that cannot be read with certainty; what was read is not repeated here",
            fix="paint the lettering out, or write it anew as an overlay after animating",
        )
    count = sum(readable(line) >= 3 and line.confidence >= _HINT for line in scene.writing)
    why = f"{count} line{'s' if count != 1 else ''} of lettering that can be read" if count else "no lettering is seen"
    return Finding(check="pseudo-text", verdict="pass", why=why)
