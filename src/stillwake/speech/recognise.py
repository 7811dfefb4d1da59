"""What is said when nobody wrote it down: words with a language model, or bare phones, with pocketsphinx."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from stillwake.speech.align import HOP_S, PADDING_S, RATE, WINDOW_DELAY_S, Token, decoder, padded
from stillwake.speech.levels import quietest, sounding
from stillwake.types import Floats, Samples, Timed

CHUNK_S = 25.0
_NOT_SPOKEN = frozenset({"SIL", "+NSN+", "+SPN+"})
_WORD_SETTINGS: dict[str, Any] = {"beam": 1e-60, "pbeam": 1e-60, "wbeam": 1e-40, "maxhmmpf": 4000}
"""Beams wider than the default hear words that it misses; the limit on active states pays for them, and without one
noise costs several times what speech does."""
_PHONE_SETTINGS: dict[str, Any] = {"lw": 0.8, "beam": 1e-20, "pbeam": 1e-20}


@dataclass(frozen=True, slots=True)
class Recognised:
    """Words as tokens to be aligned, in the stretch of sound where they were heard, and how sure that is, 0..1."""

    start: float
    end: float
    tokens: tuple[Token, ...]
    confidence: float


def stretches(samples: Samples, level: Floats) -> Iterator[tuple[float, float]]:
    """Consecutive pieces of at most `CHUNK_S` seconds in which something sounds, cut where it is quietest."""
    heard = sounding(level)
    limit = len(samples) / RATE
    start = 0.0
    while start < limit:
        end = limit if limit - start <= CHUNK_S else quietest(level, start + CHUNK_S / 2, start + CHUNK_S)
        if heard[round(start / HOP_S) : round(end / HOP_S)].any():
            yield start, end
        start = end


def phones(samples: Samples) -> list[Timed]:
    """The phones (ARPABET) that an English ear hears in any speech; silence, noise and most music give none."""
    from pocketsphinx import get_model_path

    engine = decoder(allphone=f"{get_model_path()}/en-us/en-us-phone.lm.bin", **_PHONE_SETTINGS)
    engine.start_utt()
    try:
        engine.process_raw(padded(samples), full_utt=True)
        engine.end_utt()
    except RuntimeError:
        return []
    offset = PADDING_S - WINDOW_DELAY_S
    limit = len(samples) / RATE
    found = []
    for segment in engine.seg():
        start = max(0.0, segment.start_frame * HOP_S - offset)
        end = min(limit, (segment.end_frame + 1) * HOP_S - offset)
        if segment.word not in _NOT_SPOKEN and segment.word[0] not in "<[" and end > start:
            found.append(Timed(start, end, segment.word))
    return found


_idle: list[Any] = []
"""Decoders with a language model whose recognisers are gone."""


class Recogniser:
    """English words in pieces of sound; the language model (27 MB) stays in memory for the next one."""

    def __init__(self) -> None:
        self._engine: Any = None
        self._return: weakref.finalize[[Any], Recogniser] | None = None

    def _ready(self) -> Any:
        """A decoder of our own, new or as good as that."""
        if _idle:
            engine = _idle.pop()
            engine.reinit_feat()  # the features' mean is all that it keeps of what it heard before
        else:
            from pocketsphinx import Decoder

            engine = Decoder(cmn="batch", dither=False, loglevel="FATAL", **_WORD_SETTINGS)
        self._return = weakref.finalize(self, _idle.append, engine)
        self._return.atexit = False
        return engine

    def words(self, samples: Samples, start: float = 0.0) -> Recognised | None:
        """The words in a piece of at most about 30 s that begins at ``start``, or None when there are none."""
        self._engine = self._engine or self._ready()
        engine = self._engine
        end = start + len(samples) / RATE
        try:
            engine.start_utt()
            engine.process_raw(padded(samples), full_utt=True)
            engine.end_utt()
        except RuntimeError:  # it stays broken
            self._engine = None
            if self._return is not None:
                self._return.detach()
            return None
        if engine.hyp() is None:
            return None
        tokens: list[Token] = []
        sure: list[tuple[float, int]] = []
        for segment in engine.seg():
            word = segment.word.partition("(")[0]
            known = _pronunciations(engine, word) if word and word[0] not in "<[" else ()
            if known:
                tokens.append(Token(word, ((known,),)))
                sure.append((float(segment.prob), segment.end_frame - segment.start_frame + 1))
        if not tokens:
            return None
        prob, length = np.array(sure).T
        return Recognised(start, end, tuple(tokens), float(np.clip((prob * length).sum() / length.sum(), 0, 1)))


def _pronunciations(engine: Any, word: str) -> tuple[str, ...]:
    """A word's pronunciations in ARPABET, the first one first; none where the decoder does not know it."""
    names = itertools.chain([word], (f"{word}({number})" for number in itertools.count(2)))
    found = itertools.takewhile(lambda phones: phones is not None, map(engine.lookup_word, names))
    return tuple(dict.fromkeys(found))
