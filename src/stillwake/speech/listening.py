"""A recording -> its timeline: by its transcript, by recognised words, or by phones alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from stillwake.errors import TranscriptError
from stillwake.speech import align as aligning
from stillwake.speech.levels import levels, sounding
from stillwake.speech.phones import ARPABET_IPA
from stillwake.speech.recognise import Recogniser, phones, stretches
from stillwake.speech.timeline import visemes
from stillwake.speech.voice import DEFAULT_LANGUAGE
from stillwake.types import Floats, Samples, Sound, Speech, Timed

RATE = 16_000
MISSING_SHARE = 0.35
UNCOVERED_SHARE = 0.45
"""A transcript that misses more of its words, or leaves more of the sound without words, is another text."""
FIT, FIT_FOREIGN = 0.10, -0.10
"""The least `_fit` of an alignment. Measured on synthetic voices, clean, in a room and at 10 dB of noise, and on
recordings: right transcripts 0.17 to 0.60, wrong ones at most 0.05; in five other languages 0.04 to 0.52, and at
most -0.33."""
GAP_S = 0.15
"""Less than this between recognised words is a border, no missing word."""
SURE_ENOUGH = 0.40
"""Mean posterior of the recognised words, when nobody said that it is English: on recordings 0.58 and 0.65 for
English, 0.26 to 0.45 for French, Chinese and singing; noise brings English down to 0.12."""
_CLASS_OF = {
    phone: number
    for number, members in enumerate(
        ("T D", "S Z SH ZH CH JH", "TH DH HH F V", "K G NG", "N M", "B P", "L R W ER", "IY IH Y EY EH",
         "AE AA AH AY AW", "AO OW UW UH OY"), 1)
    for phone in members.split()
}  # fmt: skip
_JUDGED_PIECES = 8
_FOREIGN = "the phonemes are what an English ear hears; with a transcript they would be surer"


def listen(sound: Sound, transcript: str | None = None, language: str | None = None) -> Speech:
    """The timeline of a recording.

    With a transcript it is aligned to it ("aligned"). Without one, English is recognised and aligned
    ("recognised"); where that fails, or in another language, single phones are recognised ("phonemes").

    Raises
    ------
    stillwake.errors.TranscriptError
        The transcript is empty, or does not fit the recording.
    stillwake.errors.VoiceUnavailableError
        The transcript has words that no dictionary here knows, and espeak-ng cannot read its language.
    """
    samples = sound.mono
    level = levels(samples)
    if transcript is not None:
        return _aligned(sound, level, transcript, language or DEFAULT_LANGUAGE)
    if not sounding(level).any():
        return _finished(sound, language or "und", "phonemes", (), (), 1.0, ("nothing sounds in the recording",))
    if language is None or language.lower().split("-")[0] in ("en", "eng"):
        found = _recognised(sound, level, language)
        if found is not None:
            return found
    return _by_phones(sound, level, language)


def hear(sound: Sound, language: str | None = None) -> Speech:
    """The phonemes of a recording alone, no words ("phonemes"): three times as quick as `listen`, in any language.

    Lips are timed by them as well as by words: 75 of 75 animated takes within 40 ms either way, four real speakers
    with the same correlation (2026-11-29). Single closures are less sure: a quarter of the M, B and P are others.
    """
    return _by_phones(sound, levels(sound.mono), language)


def _finished(
    sound: Sound,
    language: str,
    source: str,
    words: Iterable[Timed],
    phonemes: Iterable[Timed],
    confidence: float,
    notes: tuple[str, ...] = (),
) -> Speech:
    found = tuple(phonemes)
    return Speech(
        sound=sound,
        language=language,
        source=source,  # type: ignore[arg-type]
        words=tuple(words),
        phonemes=found,
        visemes=visemes(found, float(sound.seconds)),
        confidence=round(confidence, 3),
        notes=notes,
    )


def _as_ipa(phones: Iterable[Timed]) -> list[Timed]:
    """ARPABET phones as IPA, none beginning before the one before has ended."""
    ipa: list[Timed] = []
    for phone in phones:
        start = max(phone.start, ipa[-1].end if ipa else 0.0)
        if phone.end > start:
            ipa.append(Timed(round(start, 4), round(phone.end, 4), ARPABET_IPA[phone.label]))
    return ipa


def _aligned(sound: Sound, level: Floats, transcript: str, language: str) -> Speech:
    what = f"Cannot align the transcript with {sound.name}"
    if not transcript.strip():
        raise TranscriptError(what, "the transcript is empty", "write down what is said, or leave it out")
    tokens = aligning.tokens_of(transcript, language)
    if not tokens:
        raise TranscriptError(what, "there is no word in it", "write down what is said, or leave it out")
    fix = "correct the transcript, or leave it out"
    if not sounding(level).any():
        raise TranscriptError(what, "nothing sounds in the recording", "choose another recording")
    seconds = float(sound.seconds)
    if len(tokens) > 8 * seconds + 5:
        raise TranscriptError(what, f"{len(tokens)} words cannot be said in {seconds:.1f} s", fix)
    found = aligning.align(sound.mono, tokens)
    if found is None:
        raise TranscriptError(what, "its words are not what is said there", fix)
    uncovered = _uncovered(level, found.phones)
    if found.missing > MISSING_SHARE * found.tokens:
        raise TranscriptError(what, f"{found.missing} of its {found.tokens} words are not said there", fix)
    if uncovered > UNCOVERED_SHARE:
        raise TranscriptError(what, f"it leaves {uncovered:.0%} of the sound without words", fix)
    fit = _fit(sound.mono, level, found)
    if fit < (FIT if language.lower().startswith("en") else FIT_FOREIGN):
        raise TranscriptError(what, "its words do not sound like what is said there", fix)
    notes = []
    if found.missing:
        notes.append(f"{found.missing} of {found.tokens} words of the transcript were not heard")
    if not language.lower().startswith("en"):
        notes.append(f"{language} was aligned with English acoustics: phoneme times are less exact")
    return _finished(sound, language, "aligned", found.words, _as_ipa(found.phones), _confidence(fit), tuple(notes))


def _uncovered(level: Floats, phones: Iterable[Timed]) -> float:
    """The share of what sounds that no phone covers."""
    loud = sounding(level)
    free = loud.copy()
    for phone in phones:
        free[round(phone.start * 100) : round(phone.end * 100)] = False
    return float(free.sum() / max(1, loud.sum()))


def _confidence(fit: float) -> float:
    """A fit as a number from 0 to 1: clean speech with its own words has about 1, what is refused less than 0.3."""
    return float(np.clip((fit + 0.1) / 0.7, 0, 1))


def _fit(samples: Samples, level: Floats, found: aligning.Alignment) -> float:
    """How well aligned phones agree with the sound, about 0.6 for clear speech down to -1.

    The share of the time in which a free phone recognition hears a phone of the same class, less what gives a forced
    path away: the share of phones at the model's least length, the spread of lengths, words not heard.
    """
    pieces = list(stretches(samples, level))
    pieces = pieces[:: -(-len(pieces) // _JUDGED_PIECES)]
    same = either = 0
    for start, end in pieces:
        count = round((end - start) * 100) + 1
        heard = _classes(phones(_piece(samples, start, end)), 0.0, count)
        placed = _classes(found.phones, start, count)
        same += int(((heard == placed) & (placed > 0)).sum())
        either += int(((heard > 0) | (placed > 0)).sum())
    lengths = np.array([phone.end - phone.start for phone in found.phones])
    shortest = float((lengths < 0.031).mean())
    spread = float(np.log(np.maximum(lengths, 0.005)).std())
    return same / max(1, either) - shortest - 0.5 * max(0.0, spread - 0.5) - 0.5 * found.missing / found.tokens


def _classes(timed: Iterable[Timed], start: float, count: int) -> npt.NDArray[np.int8]:
    """The class of the phone at every 10 ms from ``start``, 0 where there is none."""
    classes = np.zeros(count, np.int8)
    for phone in timed:
        first, last = round((phone.start - start) * 100), round((phone.end - start) * 100)
        if last > 0 and first < count:
            classes[max(0, first) : last] = _CLASS_OF[phone.label]
    return classes


def _recognised(sound: Sound, level: Floats, language: str | None) -> Speech | None:
    """The recording by its English words, or None when they are too unsure to trust."""
    recogniser = Recogniser()
    words: list[Timed] = []
    ipa: list[Timed] = []
    sure: list[tuple[float, float]] = []
    for start, end in stretches(sound.mono, level):
        piece = _piece(sound.mono, start, end)
        rough = phones(piece)
        if not rough:
            continue
        heard = recogniser.words(piece, start)
        found = aligning.align(piece, heard.tokens) if heard else None
        spoken = sum(phone.end - phone.start for phone in rough)
        sure.append((heard.confidence if heard and found else 0.0, spoken))
        chosen = _filled(found.phones, rough) if found else rough
        ipa += [Timed(p.start + start, p.end + start, p.label) for p in chosen]
        if found:
            words += [Timed(w.start + start, w.end + start, w.label) for w in found.words]
    if not sure:
        return _finished(sound, language or "und", "phonemes", (), (), 1.0, ("nobody speaks in the recording",))
    confidence = float(np.average([s for s, _ in sure], weights=[w for _, w in sure]))
    if confidence < (SURE_ENOUGH if language is None else SURE_ENOUGH / 2):
        return None
    return _finished(sound, language or "en", "recognised", words, _as_ipa(ipa), confidence)


def _filled(phones: Sequence[Timed], rough: Sequence[Timed]) -> list[Timed]:
    """The phones of the words, and in their pauses what was heard without any words, where it is not only a border."""
    gaps = zip([0.0, *(p.end for p in phones)], [*(p.start for p in phones), float("inf")], strict=True)
    found = list(phones)
    for start, end in gaps:
        if end - start > GAP_S:
            inside = [p for p in rough if p.start < end and p.end > start]
            clipped = [Timed(max(p.start, start), min(p.end, end), p.label) for p in inside]
            clipped = [p for p in clipped if p.end - p.start >= 0.03]
            if sum(p.end - p.start for p in clipped) > GAP_S:
                found += clipped
    return sorted(found, key=lambda phone: phone.start)


def _by_phones(sound: Sound, level: Floats, language: str | None) -> Speech:
    found: list[Timed] = []
    for start, end in stretches(sound.mono, level):
        found += [Timed(p.start + start, p.end + start, p.label) for p in phones(_piece(sound.mono, start, end))]
    covered = 1 - _uncovered(level, found)
    notes = (_FOREIGN,) if found else ("nobody speaks in the recording",)
    return _finished(sound, language or "und", "phonemes", (), _as_ipa(found), min(0.5, covered), notes)


def _piece(samples: Samples, start: float, end: float) -> Samples:
    return samples[round(start * RATE) : round(end * RATE)]
