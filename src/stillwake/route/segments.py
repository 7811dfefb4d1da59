"""A long generated shot as segments: no longer each than its engine keeps to a prompt, every one with its beat."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from stillwake.makers import Maker

SHORTEST = Fraction(2)
"""Seconds below which a segment shows nothing: motion needs about one to begin and one to be seen."""

_SEQUENCE = re.compile(
    r"\s*(?:[,;.]?\s*\b(?:and then|then|after that|afterwards|finally|next,|in the end|followed by)\b,?"
    r"|;|\.(?=\s))\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Segment:
    """``prompt``, the ``frames`` that are shown of it, and the ``made`` seconds that its engine makes."""

    prompt: str
    frames: int
    made: Fraction


def beats(prompt: str) -> tuple[str, ...]:
    """What happens one after the other in a prompt; one beat where nothing is said to follow."""
    parts = tuple(part.strip(" ,;.") for part in _SEQUENCE.split(prompt))
    return tuple(part for part in parts if part) or ("",)


def longest(maker: Maker) -> Fraction:
    """Seconds a segment of that engine may show: as long as it holds its prompt and can make at all.

    Where its shortest clip is longer than that, all of it: it is made and paid for anyway.
    """
    if not maker.lengths:
        return maker.holds
    return max(maker.lengths[0], min(maker.holds, maker.lengths[-1]))


def segments_of(
    prompt: str, seconds: Fraction | None, fps: Fraction, maker: Maker, *, goes_on: bool = True
) -> tuple[Segment, ...]:
    """The segments of a generated shot, whose frames are together those of ``seconds``.

    Where each ``goes_on`` from the last frame of the one before, that frame is made once more and not shown.

    Without ``seconds`` each beat has one segment. Where there are fewer segments than beats, neighbours share one;
    where there are more, a beat goes on in the next, with its words again: what a prompt does not repeat is forgotten.
    """
    said, most = beats(prompt), longest(maker)
    if seconds is None:
        seconds = most * len(said)
    total = max(1, -int(-seconds * fps // 1))
    fewest = -int(-total // max(1, int(most * fps)))
    fitting = max(1, int(total / (SHORTEST * fps)))
    count = max(fewest, min(len(said), fitting))
    found = []
    for index in range(count):
        frames = total * (index + 1) // count - total * index // count
        if len(said) > count:
            words = ", then ".join(said[len(said) * index // count : len(said) * (index + 1) // count])
        else:
            words = said[index * len(said) // count]
        again = 1 if goes_on and index else 0
        found.append(Segment(words, frames, maker.length_for((frames + again) / fps)))
    return tuple(found)
