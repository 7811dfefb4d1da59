"""The recogniser in a process of its own: it holds the interpreter while it works, and frames would wait for it.

Run by `stillwake.inspection.hearing`. Every inspection pays for what it imports, so it resamples nothing.

stdin: a line of JSON ``{"language": ..., "lengths": [...]}``, then as many int16 samples at 16 kHz, one stretch after
the other. stdout: a JSON list, one entry a stretch, ``{"why": ...}`` or ``{"language", "source", "confidence",
"words", "phonemes", "visemes"}`` with lists of ``[start, end, label]``.
"""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from typing import Any

import numpy as np

from stillwake.errors import StillwakeError
from stillwake.speech.levels import RATE
from stillwake.speech.listening import hear
from stillwake.types import Samples, Sound, Timed


def heard(samples: Samples, language: str | None) -> dict[str, Any]:
    """What is recognised in one stretch, or why nothing is."""
    sound = Sound(
        name="clip", sha256="", rate=RATE, channels=1, seconds=Fraction(len(samples), RATE), mono=samples,
        blocks=lambda: iter((samples[:, None],)),
    )  # fmt: skip
    try:
        speech = hear(sound, language)
    except StillwakeError as error:
        return {"why": f"{error.what}: {error.why}"}
    return {
        "language": speech.language,
        "source": speech.source,
        "confidence": speech.confidence,
        "words": _plain(speech.words),
        "phonemes": _plain(speech.phonemes),
        "visemes": _plain(speech.visemes),
    }


def _plain(timed: tuple[Timed, ...]) -> list[list[Any]]:
    return [[one.start, one.end, one.label] for one in timed]


def main() -> None:
    """Answer what stdin asks."""
    asked = json.loads(sys.stdin.buffer.readline())
    samples = np.frombuffer(sys.stdin.buffer.read(), "<i2")
    answers, at = [], 0
    for length in asked["lengths"]:
        answers.append(heard(np.ascontiguousarray(samples[at : at + length]).astype(np.int16), asked["language"]))
        at += length
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
