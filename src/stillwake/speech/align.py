"""When each phone of a known text is spoken: forced alignment with pocketsphinx, long recordings included.

Two passes. The first finds the words of a section of at most `SECTION_S` seconds with a beam search over a word
graph that is the transcript itself, with rare ways around a word that was not spoken; where a section ends within
the transcript the search may end anywhere, so that no guess of the speaking rate is needed. The second aligns the
phones of chunks of at most `CHUNK_S` seconds, cut in pauses that the first pass found: its memory grows with the
length times the number of states (measured elsewhere: 200 s in one piece took 1.1 GB).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwake.speech.levels import levels, quietest, sounding
from stillwake.speech.phones import arpabet
from stillwake.speech.voice import DEFAULT_LANGUAGE, plain, pronounce
from stillwake.types import Samples, Timed

RATE = 16_000
"""Hz; the acoustic model's. At any other rate its times are silently wrong."""
HOP_S = 0.01
WINDOW_DELAY_S = 0.012
"""A frame of the front end stands for the middle of its 25.6 ms window, not for its start."""
PADDING_S = 0.2
"""Faint noise put before and after what is aligned: the model wants to begin and end in silence."""
SECTION_S, CHUNK_S = 100.0, 20.0
DOUBT = 0.08
"""More than this share of words squeezed or gone around, and of sound swallowed, and a wider search is tried."""
_SKIP_PROBABILITY, _SKIP_MORE_PROBABILITY = 1e-30, 1e-6
_WIDE = {"beam": 1e-80, "wbeam": 1e-60, "pbeam": 1e-80}
_BEAMS: tuple[dict[str, float], ...] = ({}, _WIDE)
_SEARCHES: tuple[tuple[int, dict[str, float]], ...] = ((0, {}), (0, _WIDE), (3, _WIDE))
"""First every word in its place, then with ways around up to three words in a row."""
_SILENT = frozenset({"SIL", "+NSN+", "+SPN+"})


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the transcript as it stands there, with the ways it may be read, each a run of spoken words.

    A spoken word is a tuple of alternative pronunciations, each a string of ARPABET phones.
    """

    label: str
    readings: tuple[tuple[tuple[str, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Phones (ARPABET) and words in seconds; ``missing`` tokens found no sound."""

    phones: tuple[Timed, ...]
    words: tuple[Timed, ...]
    tokens: int
    missing: int


@dataclass(frozen=True, slots=True)
class _Heard:
    """A token that the first pass found: which reading it was, and when, in seconds."""

    token: int
    reading: int
    start: float
    end: float


# --------------------------------------------------------------------------------------------------- transcripts


@lru_cache(maxsize=1)
def dictionary() -> dict[str, tuple[str, ...]]:
    """The English dictionary that comes with pocketsphinx: a word's pronunciations in ARPABET."""
    from pocketsphinx import get_model_path

    found: dict[str, list[str]] = {}
    with (Path(get_model_path()) / "en-us" / "cmudict-en-us.dict").open(encoding="utf-8") as lines:
        for line in lines:
            word, _, phones = line.strip().partition(" ")
            found.setdefault(word.partition("(")[0], []).append(phones.strip())
    return {word: tuple(dict.fromkeys(phones)) for word, phones in found.items()}


_ABBREVIATIONS = {"dr", "mr", "mrs", "ms", "st", "vs", "etc", "jr", "sr", "prof", "inc", "ltd", "no", "e.g", "i.e"}
_EDGE = re.compile(r"^[^\w$£€+\-']+|[^\w%']+$")


def tokens_of(transcript: str, language: str = DEFAULT_LANGUAGE) -> tuple[Token, ...]:
    """The transcript's words with their pronunciations.

    English words come from the dictionary; all others, numbers, symbols and abbreviations are read by the
    synthesiser, whose IPA becomes the nearest ARPABET. What cannot be pronounced at all (a lone dash) is left out.
    """
    english = language.lower().startswith("en")
    known = dictionary() if english else {}
    raw = re.sub(r"\[[^\]]{0,80}\]", " ", plain(transcript)).replace("’", "'").split()
    if not english and re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", transcript):
        raw = _unspaced(raw)
    asked: dict[str, None] = {}
    plans: list[tuple[str, list[list[str]]]] = []  # a label and its readings, each a list of lookups
    for label in raw:
        if not re.search(r"[\w$£€%&@+]", label):
            continue  # read alone, "!" would become "exclamation"
        bare = _EDGE.sub("", label).strip("'-").lower() or label.lower()
        parts = [part for part in re.split(r"[-–—/…]+|\.{2,}", bare) if part]
        if english and bare in _ABBREVIATIONS and label.endswith("."):
            readings = [[label]]
        elif parts and all(part in known and part not in _ABBREVIATIONS - {"no"} for part in parts):
            readings = [parts]
        elif digits := re.fullmatch(r"\d{2,6}", bare):
            number = digits.group()
            readings = [[number], [" ".join(number)]]
            if len(number) == 4:
                readings.append([f"{number[:2]} {number[2:]}"])
        elif parts and not re.search(r"[\d$£€%&@+]", bare):
            spelled = label.strip('.,;:!?"()') if label.isupper() and len(bare) < 6 else None
            readings = [[spelled]] if spelled else [parts]
        else:
            readings = [[_EDGE.sub("", label) or label]]
        plans.append((label, readings))
        asked.update((look, None) for reading in readings for look in reading if look not in known)
    spoken = dict(zip(asked, pronounce(tuple(asked), language), strict=True)) if asked else {}
    tokens = []
    for label, plan in plans:
        readings_of = tuple(
            run for reading in plan if (run := tuple(w for look in reading for w in _words(look, known, spoken)))
        )
        if readings_of:
            tokens.append(Token(label, tuple(dict.fromkeys(readings_of))))
    return tuple(tokens)


def _unspaced(raw: list[str]) -> list[str]:
    """Runs of Chinese characters or kana one by one; everything else as it is."""
    pieces = (re.findall(r"[\u4e00-\u9fff]|[\u3040-\u30ff]+|[^\u3040-\u30ff\u4e00-\u9fff]+", word) for word in raw)
    return [piece for run in pieces for piece in run]


def _words(look: str, known: dict[str, tuple[str, ...]], spoken: dict[str, str]) -> list[tuple[str, ...]]:
    if look in known:
        return [known[look]]
    words = []
    for ipa in spoken[look].split():
        # the flap in "later" is a d or a t to the model
        ways = dict.fromkeys(" ".join(arpabet(variant)) for variant in (ipa, ipa.replace("ɾ", "t")))
        if phones := tuple(way for way in ways if way):
            words.append(phones)
    return words


# ------------------------------------------------------------------------------------------------------ decoding


def decoder(**settings: Any) -> Any:
    """A fresh pocketsphinx decoder: one that failed once stays broken, and without a dictionary it costs 10 ms.

    Its search through the lattice ("bestpath") is off: over a fixed text it can only lose, and does lose, the last
    words, with their closures.
    """
    from pocketsphinx import Decoder

    fixed = {"cmn": "batch", "dither": False, "loglevel": "FATAL"}
    return Decoder(**({"lm": None, "dict": None, "bestpath": False} | settings | fixed))


def padded(samples: Samples) -> bytes:
    """The samples between two stretches of faint noise, dithered by the same noise every time.

    pocketsphinx's own dither draws from the clock, and without any the logarithm of digital silence derails it.
    """
    noise = np.random.default_rng(0)
    pad = noise.normal(0, 4, (2, round(PADDING_S * RATE)))
    body = samples + noise.normal(0, 1, len(samples))
    whole: Samples = np.clip(np.rint(np.concatenate([pad[0], body, pad[1]])), -32768, 32767).astype(np.int16)
    return whole.tobytes()


def _run(decoder: Any, pcm: bytes) -> bool:
    """Decode one utterance; False when every path fell out of the beam."""
    decoder.start_utt()
    try:
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
    except RuntimeError:  # "Failed to stop utterance processing"
        return False
    return True


def _teach(engine: Any, words: dict[str, tuple[str, ...]]) -> None:
    """Give the decoder these words by keys of ours, so that no spelling of the transcript reaches it."""
    for key, pronunciations in words.items():
        for index, phones in enumerate(pronunciations):
            engine.add_word(key if index == 0 else f"{key}({index + 1})", phones, update=False)


def _base(word: str) -> str:
    """A key without the mark of its alternative pronunciation."""
    return word.partition("(")[0]


def _find_words(samples: Samples, tokens: Sequence[Token], open_end: bool) -> list[_Heard] | None:
    """The first pass: which tokens are heard and when, or None when no path fits.

    ``open_end`` lets the search end after any token.
    """
    pcm = padded(samples)
    loud = sounding(levels(samples))
    best: tuple[float, list[_Heard]] | None = None
    for skips, beams in _SEARCHES:
        words, arcs = _graph(tokens, open_end, skips)
        engine = decoder(**beams)
        _teach(engine, words)
        engine.add_fsg("text", engine.create_fsg("text", 0, len(tokens), arcs))
        engine.activate_search("text")
        if not _run(engine, pcm) or engine.hyp() is None:
            continue
        heard = _tokens_heard(engine, words)
        passed = heard[-1].token + 1 if heard and open_end else len(tokens)
        doubt = _squeezed(heard, tokens) + _swallowed(heard, loud) + (passed - len(heard)) / max(1, passed)
        if doubt <= DOUBT:
            return heard
        if best is None or doubt < best[0]:
            best = doubt, heard
    return best[1] if best else None


def _swallowed(heard: Sequence[_Heard], loud: npt.NDArray[np.bool_]) -> float:
    """The share of what sounds outside of the words: the silence model swallows speech once the words are lost."""
    free = loud.copy()
    for one in heard:
        free[max(0, round(one.start / HOP_S) - 10) : round(one.end / HOP_S) + 10] = False
    return float(free.sum() / max(1, loud.sum()))


def _graph(
    tokens: Sequence[Token], open_end: bool, skips: int
) -> tuple[dict[str, tuple[str, ...]], list[tuple[int, int, float, str] | tuple[int, int, float]]]:
    """The words by their keys, and the arcs between the states before and after each token.

    ``skips`` is how many tokens in a row may be gone around, at a price.
    """
    words: dict[str, tuple[str, ...]] = {}
    arcs: list[tuple[int, int, float, str] | tuple[int, int, float]] = []
    spare = len(tokens)
    for token, one in enumerate(tokens):
        share = 1.0 / len(one.readings)
        for reading, run in enumerate(one.readings):
            here = token
            for index, pronunciations in enumerate(run):
                key = f"t{token}r{reading}w{index}"
                words[key] = pronunciations
                there = token + 1 if index == len(run) - 1 else (spare := spare + 1)
                arcs.append((here, there, share if index == 0 else 1.0, key))
                if index == 0:
                    for skip in range(1, min(skips, token) + 1):
                        price = _SKIP_PROBABILITY * _SKIP_MORE_PROBABILITY ** (skip - 1)
                        arcs.append((token - skip, there, share * price, key))
                here = there
    last = 1 if open_end else max(1, len(tokens) - skips)
    arcs += [(token, len(tokens), 1e-3 if open_end else _SKIP_PROBABILITY) for token in range(last, len(tokens))]
    return words, arcs


def _tokens_heard(engine: Any, words: dict[str, tuple[str, ...]]) -> list[_Heard]:
    heard: list[_Heard] = []
    for segment in engine.seg():
        key = _base(segment.word)
        if key not in words:
            continue
        start, end = segment.start_frame * HOP_S - PADDING_S, (segment.end_frame + 1) * HOP_S - PADDING_S
        token, reading = map(int, re.findall(r"\d+", key)[:2])
        if heard and heard[-1].token == token:
            heard[-1] = _Heard(token, reading, heard[-1].start, end)
        else:
            heard.append(_Heard(token, reading, start, end))
    return heard


def _squeezed(heard: Sequence[_Heard], tokens: Sequence[Token]) -> float:
    """The share of words with hardly more time than the model's three frames a phone: they are not really there."""
    tight = 0
    for one in heard:
        count = sum(len(pronunciations[0].split()) for pronunciations in tokens[one.token].readings[one.reading])
        tight += one.end - one.start <= 3.4 * HOP_S * count
    return tight / max(1, len(heard))


def _find_phones(samples: Samples, words: Sequence[tuple[str, ...]]) -> list[list[Timed]] | None:
    """The second pass: for each spoken word its phones, in seconds of the samples, or None when it cannot be."""
    keys = [f"w{index}" for index in range(len(words))]
    pcm = padded(samples)
    for beams in _BEAMS:
        engine = decoder(**beams)
        _teach(engine, dict(zip(keys, words, strict=True)))
        engine.set_align_text(" ".join(keys))
        if not _run(engine, pcm) or engine.hyp() is None:
            continue
        try:
            engine.set_alignment()
            # from here on `hyp` would crash the interpreter: there are no words to ask for
            if not _run(engine, pcm) or (found := engine.get_alignment()) is None:
                continue
        except RuntimeError:  # the hypothesis cannot be aligned
            continue
        offset = PADDING_S - WINDOW_DELAY_S
        phones: dict[str, list[Timed]] = {key: [] for key in keys}
        # values are copied at once: an entry that outlives its iterator crashes the interpreter
        for word in found:
            key = _base(word.name)
            for phone in word:
                if key in phones:
                    start = phone.start * HOP_S - offset
                    phones[key].append(Timed(start, start + phone.duration * HOP_S, phone.name))
        return [phones[key] for key in keys]
    return None


def _spread(words: Sequence[tuple[str, ...]], start: float, end: float) -> list[list[Timed]]:
    """Phones at equal lengths over the time of their words: what is left when the second pass fails."""
    runs = [pronunciations[0].split() for pronunciations in words]
    step = (end - start) / sum(map(len, runs))
    spread, now = [], start
    for run in runs:
        spread.append([Timed(now + i * step, now + (i + 1) * step, phone) for i, phone in enumerate(run)])
        now += len(run) * step
    return spread


# ------------------------------------------------------------------------------------------------- long recordings


def align(samples: Samples, tokens: Sequence[Token]) -> Alignment | None:
    """The phones and words of a transcript in a sound of (N,) int16 at 16 kHz, or None when they do not fit.

    Finding a place for each word is all that is asked here; whether the sound is really those words is judged by
    `stillwake.speech.listen`.
    """
    heard = _find_all(samples, tokens)
    if not heard:
        return None
    phones: list[Timed] = []
    words: list[Timed] = []
    limit = len(samples) / RATE
    for group, start, end in _chunks(heard, limit):
        first, last = round(start * RATE), round(end * RATE)
        everything = _with_missing(group, heard, len(tokens))
        for attempt in dict.fromkeys((tuple(everything), tuple((h.token, h.reading) for h in group))):
            runs = [tokens[token].readings[reading] for token, reading in attempt]
            found = _find_phones(samples[first:last], [word for run in runs for word in run])
            if found is not None:
                break
        else:
            attempt = tuple((h.token, h.reading) for h in group)
            runs = [tokens[h.token].readings[h.reading] for h in group]
            found = []
            for h, run in zip(group, runs, strict=True):
                found += _spread(run, h.start - start, h.end - start)
        spoken = iter(found)
        for (token, _), run in zip(attempt, runs, strict=True):
            timed = [Timed(p.start + start, min(limit, p.end + start), p.label) for _ in run for p in next(spoken)]
            timed = [Timed(max(0.0, p.start), p.end, p.label) for p in timed if p.label not in _SILENT]
            timed = [p for p in timed if p.end > p.start]
            if timed:
                phones += timed
                words.append(Timed(timed[0].start, timed[-1].end, tokens[token].label))
    return Alignment(tuple(phones), tuple(words), len(tokens), len(tokens) - len(heard))


def _find_all(samples: Samples, tokens: Sequence[Token]) -> list[_Heard] | None:
    """The first pass over a recording of any length, section after section."""
    heard: list[_Heard] = []
    start, token = 0.0, 0
    limit = len(samples) / RATE
    level = levels(samples)
    while token < len(tokens) and start < limit - 0.05:
        last = limit - start <= 1.3 * SECTION_S
        # in the middle of a word the search would find no end
        end = limit if last else quietest(level, start + 0.8 * SECTION_S, start + SECTION_S)
        # nobody speaks more than 6 words a second for long
        reach = tokens[token:] if last else tokens[token : token + int(6 * SECTION_S)]
        piece = samples[round(start * RATE) : round(end * RATE)]
        found = _find_words(piece, reach, open_end=not last or len(reach) < len(tokens) - token)
        if found is None and last:
            found = _find_words(piece, reach, open_end=True)
        if found is None:
            return None
        if not found:
            start = end
            continue
        placed = [_Heard(h.token + token, h.reading, h.start + start, h.end + start) for h in found]
        if not last:
            placed = placed[: _safe_cut(placed)]
        heard += placed
        start, token = placed[-1].end, placed[-1].token + 1
    return heard


def _safe_cut(heard: Sequence[_Heard]) -> int:
    """How many of a section's tokens to keep: up to the longest pause in its last third, as its very end is unsure."""
    unsure = [i for i in range(1, len(heard)) if heard[i].start > heard[0].start + 2 / 3 * SECTION_S]
    return max(unsure, key=lambda i: heard[i].start - heard[i - 1].end, default=len(heard))


def _chunks(heard: Sequence[_Heard], limit: float) -> list[tuple[list[_Heard], float, float]]:
    """Runs of tokens and the stretch of sound each is in, about `CHUNK_S` long at most, cut in long pauses."""
    chunks: list[tuple[list[_Heard], float, float]] = []
    first, start = 0, max(0.0, heard[0].start - 0.3)
    while first < len(heard):
        final = len(heard) == first + 1 or heard[-1].end - start <= CHUNK_S
        if final:
            cut, end = len(heard), min(limit, heard[-1].end + 0.3)
            following = end
        else:
            within = [i for i in range(first + 1, len(heard)) if heard[i - 1].end - start <= CHUNK_S] or [first + 1]
            # a long pause, or a lesser one later on
            cut = max(within, key=lambda i: min(0.5, heard[i].start - heard[i - 1].end) * (heard[i].start - start))
            gap = heard[cut].start - heard[cut - 1].end
            end = heard[cut - 1].end + min(0.3, gap / 2)
            following = heard[cut].start - min(0.3, gap / 2)
        chunks.append((list(heard[first:cut]), start, end))
        first, start = cut, following
    return chunks


def _with_missing(group: Sequence[_Heard], heard: Sequence[_Heard], total: int) -> list[tuple[int, int]]:
    """The group's tokens and those between them, or at the transcript's ends, that the first pass went around."""
    first = 0 if group[0] is heard[0] else group[0].token
    last = total - 1 if group[-1] is heard[-1] else group[-1].token
    reading = {h.token: h.reading for h in group}
    # more than a few in a row were left out by the speaker, not swallowed
    kept = []
    for token in range(first, last + 1):
        if token in reading or min(abs(token - h.token) for h in group) <= 2:
            kept.append((token, reading.get(token, 0)))
    return kept
