"""Timed phonemes -> timed mouth shapes that cover the sound without a gap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stillwake.speech.phones import shapes, symbols
from stillwake.types import Timed

REST_S = 0.15
"""A pause shorter than this does not bring the mouth to rest: its neighbours meet in the middle."""
RELEASE = 0.8
"""The share of a p or b for which the lips are together; the rest is the burst, with the next shape. Chosen on
hand-labelled English, where it hardly matters between 0.7 and 0.9."""
_BURSTING = frozenset("pbɓ")


def bare_phonemes(timed: Iterable[Timed]) -> tuple[Timed, ...]:
    """Single phonemes without stress, length and tone; a run of several shares its time (vowels take 1.5 parts)."""
    bare: list[Timed] = []
    for one in timed:
        parts = symbols(one.label)
        weights = [1.5 if any(letter in "aeiouæɑɔəɛɪʊʌɚɝɜ" for letter in part) else 1.0 for part in parts]
        now = one.start
        for part, weight in zip(parts, weights, strict=True):
            end = now + (one.end - one.start) * weight / sum(weights)
            bare.append(Timed(now, end, part))
            now = end
        if bare and parts:
            bare[-1] = Timed(bare[-1].start, one.end, bare[-1].label)
    return tuple(bare)


def closed_up(phonemes: Sequence[Timed], rest: float = REST_S) -> list[Timed]:
    """The phonemes with every pause shorter than ``rest`` seconds divided among its neighbours.

    A stop takes the whole pause before it: it is its closure.
    """
    result: list[Timed] = []
    for one in phonemes:
        if result and 0 < one.start - result[-1].end < rest:
            before = result[-1]
            meet = before.end if one.label[0] in "pbtdkɡgʈɖqcɟ" else (before.end + one.start) / 2
            result[-1] = Timed(before.start, meet, before.label)
            one = Timed(meet, one.end, one.label)
        result.append(one)
    return result


def visemes(phonemes: Sequence[Timed], seconds: float) -> tuple[Timed, ...]:
    """The mouth shapes of bare phonemes over a sound of ``seconds``; "rest" where there is no phoneme.

    h and the glottal stop take the shape of what follows, or else of what went before. Equal neighbours are one.
    """
    pieces: list[list[object]] = []  # [start, end, viseme or None for "as the next one"]
    now = 0.0
    for one in closed_up(phonemes):
        start, end = max(one.start, now), min(one.end, seconds)
        if end <= start:
            continue
        if start > now:
            pieces.append([now, start, "rest"])
        found = shapes(one.label)
        if one.label in _BURSTING:
            shut = start + (end - start) * RELEASE
            pieces += [[start, shut, "MBP"], [shut, end, None]]
        elif not found:
            pieces.append([start, end, None])
        else:
            begin = start
            for index, (viseme, share) in enumerate(found):
                stop = end if index == len(found) - 1 else begin + (end - start) * share
                pieces.append([begin, stop, viseme])
                begin = stop
        now = end
    if now < seconds:
        pieces.append([now, seconds, "rest"])
    following: object = None
    for piece in reversed(pieces):
        if piece[2] is None:
            piece[2] = following if following not in (None, "rest", "MBP", "FV") else "AH"
        following = piece[2]
    merged: list[Timed] = []
    for start_, end_, label in pieces:
        if merged and merged[-1].label == label:
            merged[-1] = Timed(merged[-1].start, float(end_), merged[-1].label)  # type: ignore[arg-type]
        else:
            merged.append(Timed(float(start_), float(end_), str(label)))  # type: ignore[arg-type]
    return tuple(merged)
