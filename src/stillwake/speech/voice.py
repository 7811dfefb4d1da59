"""Words -> a synthesised voice with the exact time of every phoneme, in every language espeak-ng speaks.

espeak-ng is not linked into this process: `stillwake.speech.espeak_worker` runs it in one of its own, one call a
process. That start costs about 40 ms and buys thread safety and safety from texts that crash it.
"""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from stillwake.errors import TranscriptError, UsageError, VoiceUnavailableError
from stillwake.types import Samples, Timed

DEFAULT_LANGUAGE = "en-us"
LEAD_S, TAIL_S = 0.2, 0.35
"""Silence before the first and after the last sound, in which the mouth opens and comes to rest."""
MAX_CHARACTERS = 200_000
_BURST_S = 0.08
MAX_SECONDS = 3600.0
"""The longest speech made in one go: an hour of it is 159 MB of samples."""
_WORD, _END, _PHONEME = 1, 5, 7
_SCRIPTS = (
    (r"[\u3040-\u30ff]", "ja"),
    (r"[\uac00-\ud7af\u1100-\u11ff]", "ko"),
    (r"[\u4e00-\u9fff]", "cmn"),
    (r"[\u0400-\u04ff]", "ru"),
    (r"[\u0370-\u03ff]", "el"),
    (r"[\u0590-\u05ff]", "he"),
    (r"[\u0600-\u06ff]", "ar"),
    (r"[\u0900-\u097f]", "hi"),
    (r"[\u0e00-\u0e7f]", "th"),
    (r"[\u10a0-\u10ff]", "ka"),
    (r"[\u0530-\u058f]", "hy"),
)


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of the synthesiser.

    ``name`` is what ``--voice`` takes, ``title`` says it in words, ``languages`` are its BCP 47 tags, its own
    first; ``gender`` is "male", "female" or "". Any of `variants` can follow the name after a plus: "en-us+f3".
    """

    name: str
    title: str
    languages: tuple[str, ...]
    gender: str
    identifier: str
    priority: int = 5


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """What the synthesiser made: samples (N,) int16 at ``rate`` Hz, words and phonemes with their times."""

    samples: Samples
    rate: int
    language: str
    words: tuple[Timed, ...]
    phonemes: tuple[Timed, ...]


def _ask(question: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    """The worker's packets, one after the other; closing the iterator ends the worker.

    Raises
    ------
    stillwake.errors.VoiceUnavailableError
        espeak-ng is not installed, answered with an error code, or crashed.
    """
    what = "Cannot speak"
    try:
        import espeakng_loader
    except ImportError as error:
        raise VoiceUnavailableError(what, "espeak-ng is not installed", "run: pip install espeakng-loader") from error
    question |= {"library": espeakng_loader.get_library_path(), "data": espeakng_loader.get_data_path()}
    worker = Path(__file__).with_name("espeak_worker.py")
    # -I and -S: only the standard library, and nothing of the caller's environment, reaches the worker
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(worker)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018  both are pipes
        try:
            with process.stdin as pipe:
                pipe.write(json.dumps(question).encode())
            while head := process.stdout.read(5):
                length = struct.unpack("<I", head[1:])[0] if len(head) == 5 else 0
                payload = process.stdout.read(length)
                if len(head) < 5 or len(payload) < length:
                    break
                if head[:1] == b"F":
                    why = f"espeak-ng failed ({json.loads(payload)['why']})"
                    raise VoiceUnavailableError(what, why, "choose another voice, or install espeakng-loader again")
                yield head[:1], payload
            code = process.wait()
        except BrokenPipeError:
            code = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
    if code != 0:
        why = f"espeak-ng ended with status {code} at this text"
        raise VoiceUnavailableError(what, why, "shorten or simplify the text, or choose another voice")


@lru_cache(maxsize=1)
def _catalogue() -> tuple[tuple[Voice, ...], tuple[str, ...]]:
    """Every voice, and the names of the variants."""
    listed = json.loads(dict(_ask({"do": "voices"}))[b"J"])
    voices: dict[str, Voice] = {}
    variants = set()
    for one in listed:
        tags = tuple(tag.lower() for _, tag in one["languages"])
        if one["identifier"].startswith("!v/"):
            variants.add(one["identifier"].removeprefix("!v/"))
        elif tags and not one["identifier"].startswith("mb/"):  # MBROLA's recordings do not come with the wheel
            tail = one["identifier"].rsplit("/", 1)[-1].lower()
            name = tail if tags[0] in voices else tags[0]
            gender = {1: "male", 2: "female"}.get(one["gender"], "")
            voices[name] = Voice(name, one["name"].strip(), tags, gender, one["identifier"], one["languages"][0][0])
    return tuple(voices[name] for name in sorted(voices)), tuple(sorted(variants))


def voices() -> tuple[Voice, ...]:
    """Every voice that can be had, by name.

    Raises
    ------
    stillwake.errors.VoiceUnavailableError
        espeak-ng is not installed.
    """
    return _catalogue()[0]


def variants() -> tuple[str, ...]:
    """The colours a voice can take, after a plus: "f3" in "en-us+f3"."""
    return _catalogue()[1]


def _speaks(voice: Voice, language: str) -> bool:
    return any(tag == language or tag.startswith(language + "-") for tag in voice.languages) or any(
        language.startswith(tag + "-") for tag in voice.languages
    )


def _of_language(language: str) -> Voice:
    """The voice of a BCP 47 tag: the exact one, else the most usual one of its language."""
    wanted = language.lower().replace("_", "-")
    if wanted in {"en", "eng"}:
        wanted = DEFAULT_LANGUAGE  # the alignment model and dictionary are American too
    known = voices()
    for rank in (
        lambda v: wanted in (v.name, v.languages[0], v.identifier.lower()),
        lambda v: wanted in v.languages,
        lambda v: _speaks(v, wanted),
        lambda v: v.name.split("-")[0] == wanted.split("-")[0],
    ):
        if found := [voice for voice in known if rank(voice)]:
            return min(found, key=lambda v: (v.priority, v.name != f"{wanted}-{wanted}", len(v.name), v.name))
    names = [voice.name for voice in known]
    near = [voice.name for voice in known if voice.title.lower().startswith(wanted)]
    near += [name for name in get_close_matches(wanted, names, 4, 0.5) if name not in near]
    raise VoiceUnavailableError(
        f"Cannot speak the language {language!r}",
        "no voice speaks it",
        f"try {' or '.join(near[:4])}" if near else "stillwake.speech.voices() lists the languages",
    )


def choose(voice: str | None = None, language: str | None = None) -> tuple[Voice, str]:
    """The voice that is meant, and what espeak-ng calls it (variant included).

    ``voice`` is a name, a language, a title, or a variant alone ("f3"), with a variant after a plus if wanted.

    Raises
    ------
    stillwake.errors.VoiceUnavailableError
        No such voice, variant or language; the message names the close ones.
    stillwake.errors.UsageError
        Both are given and the voice does not speak the language.
    """
    if voice is None:
        found = _of_language(language or DEFAULT_LANGUAGE)
        return found, found.identifier
    base, _, variant = (part.strip() for part in voice.partition("+"))
    colours = {name.lower(): name for name in variants()}
    if not variant and base.lower() in colours:
        base, variant = "", base
    if variant and variant.lower() not in colours:
        near = get_close_matches(variant.lower(), list(colours), 4, 0.4) or ["f3", "m3", "whisper"]
        raise VoiceUnavailableError(
            f"Cannot speak as {voice!r}", f"there is no variant {variant!r}", f"try {' or '.join(near)}"
        )
    if base:
        wanted = base.lower().replace("_", "-")
        known = {v.name: v for v in voices()}
        known |= {v.title.lower(): v for v in voices()} | {v.identifier.lower(): v for v in voices()}
        if wanted in known:
            found = known[wanted]
        elif any(wanted in v.languages for v in voices()):
            found = _of_language(wanted)
        else:
            near = [name for name in known if name.startswith(wanted)]
            near += get_close_matches(wanted, [*known, *colours], 4, 0.6)
            named = list(dict.fromkeys(known[n].name if n in known else n for n in near))[:4]
            raise VoiceUnavailableError(
                f"Cannot speak as {voice!r}",
                "there is no voice of that name",
                f"try {' or '.join(named)}" if named else "stillwake.speech.voices() lists the voices",
            )
        if language and not _speaks(found, language.lower().replace("_", "-")):
            raise UsageError(
                f"Cannot speak {language} as {voice!r}",
                f"that voice speaks {found.languages[0]}",
                "leave out one of the two, or choose a voice of that language",
            )
    else:
        found = _of_language(language or DEFAULT_LANGUAGE)
    return found, found.identifier + (f"+{colours[variant.lower()]}" if variant else "")


def language_of(text: str) -> str | None:
    """The language that a text's script gives away, or None for Latin letters, which could be many."""
    letters = sum(character.isalpha() for character in text)
    for pattern, language in _SCRIPTS:
        found = len(re.findall(pattern, text))
        # kana decides even among many Chinese characters
        if found and (found > 0.4 * letters or language == "ja"):
            return language
    return None


def plain(text: str) -> str:
    """The text with every control, format, private and unpaired character turned into a space; same length.

    espeak-ng reads commands behind U+0001; there is no way to pass them on purpose.
    """
    return "".join(" " if unicodedata.category(character)[0] == "C" else character for character in text)


def speak(text: str, voice: str | None = None, language: str | None = None, words_per_minute: int = 165) -> Spoken:
    """The text spoken, with `LEAD_S` of silence before and `TAIL_S` after it.

    The text is plain text: SSML, phoneme brackets and control characters have no meaning.

    Raises
    ------
    stillwake.errors.TranscriptError
        There is nothing to say, or more than an hour of it.
    stillwake.errors.VoiceUnavailableError
        The voice does not exist, or espeak-ng failed.
    """
    clean = plain(text)
    if not clean.strip():
        raise TranscriptError("Cannot speak", "the text is empty", "give at least one word")
    if len(clean) > MAX_CHARACTERS:
        raise TranscriptError(
            "Cannot speak",
            f"the text has {len(clean)} characters, the most is {MAX_CHARACTERS}",
            "split it into several clips",
        )
    found, identifier = choose(voice, language or (None if voice else language_of(clean)))
    chunks: list[bytes] = []
    events: list[tuple[int, int, int, int, str]] = []
    rate = heard = 0
    question = {"do": "say", "voice": identifier, "text": clean, "words_per_minute": words_per_minute, "pitch": 50}
    packets = _ask(question)
    for letter, payload in packets:
        if letter == b"S":
            chunks.append(payload)
            heard += len(payload) // 2
            if heard > MAX_SECONDS * 22050:
                packets.close()  # type: ignore[attr-defined]  # a generator
                raise TranscriptError(
                    "Cannot speak", "the text is more than an hour of speech", "split it into several clips"
                )
        elif letter == b"E":
            events += [tuple(event) for event in json.loads(payload)]
        else:
            rate = json.loads(payload)["rate"]
    if not any(kind == _PHONEME and label for kind, _, _, _, label in events):
        raise TranscriptError(
            "Cannot speak", f"nothing in the text can be pronounced in {found.languages[0]}", "give at least one word"
        )
    lead, tail = round(LEAD_S * rate), round(TAIL_S * rate)
    voiced = np.frombuffer(b"".join(chunks), np.int16)
    samples = np.concatenate([np.zeros(lead, np.int16), voiced, np.zeros(tail, np.int16)])
    words, phonemes = _timeline(events, clean, samples, lead, rate)
    return Spoken(samples, rate, found.languages[0], words, phonemes)


def _timeline(
    events: list[tuple[int, int, int, int, str]], text: str, samples: Samples, lead: int, rate: int
) -> tuple[tuple[Timed, ...], tuple[Timed, ...]]:
    """Words and phonemes (IPA as the synthesiser writes it) in seconds of the padded sound."""
    tokens = [match.span() for match in re.finditer(r"\S+", text)]
    starts = [start for start, _ in tokens]
    phonemes: list[Timed] = []
    words: list[list[Any]] = []  # [start, end, token]
    ends: list[int] = []
    following = len(samples) - lead - round(TAIL_S * rate)
    for kind, sample, *_ in reversed(events):
        ends.append(following)
        if kind in (_PHONEME, _END):
            following = sample
    word_start: int | None = None
    token = -1
    for (kind, sample, position, _, label), end in zip(events, reversed(ends), strict=True):
        if kind == _WORD:
            # positions count characters from 1; "1984" and "well-known" are several words of one token
            token, word_start = bisect_right(starts, max(0, position - 1)) - 1, sample
        elif kind == _PHONEME and label and end > sample:
            start = sample
            if word_start is not None and 0 < sample - word_start < _BURST_S * rate:
                start = word_start  # the silence before a burst belongs to the stop that begins the word
                if phonemes and phonemes[-1].end > (lead + start) / rate:
                    phonemes[-1] = Timed(phonemes[-1].start, (lead + start) / rate, phonemes[-1].label)
            word_start = None
            phonemes.append(Timed((lead + start) / rate, (lead + end) / rate, label))
            if words and words[-1][2] == token:
                words[-1][1] = phonemes[-1].end
            elif token >= 0:
                if words:
                    words[-1][1] = min(words[-1][1], phonemes[-1].start)
                words.append([phonemes[-1].start, phonemes[-1].end, token])
    labels = [text[slice(*tokens[token])] for _, _, token in words]
    named = [Timed(start, end, label) for (start, end, _), label in zip(words, labels, strict=True) if end > start]
    return tuple(named), tuple(phoneme for phoneme in phonemes if phoneme.end > phoneme.start)


@lru_cache(maxsize=64)
def pronounce(texts: tuple[str, ...], language: str = DEFAULT_LANGUAGE) -> tuple[str, ...]:
    """The IPA of each text, its words apart by spaces; numbers and abbreviations are read out.

    Raises
    ------
    stillwake.errors.VoiceUnavailableError
        No voice speaks the language, or espeak-ng is missing.
    """
    if not texts:
        return ()
    _, identifier = choose(None, language)
    question = {"do": "pronounce", "voice": identifier, "texts": [plain(text) for text in texts]}
    return tuple(json.loads(dict(_ask(question))[b"J"]))
