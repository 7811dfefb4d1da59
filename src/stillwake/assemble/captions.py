"""Captions: what is said in a film, in lines to be read."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption of a film: shown from ``start`` to ``end``, exact film seconds; ``text`` of at most two lines.

    The lines are joined by a line feed.
    """

    start: Fraction
    end: Fraction
    text: str
