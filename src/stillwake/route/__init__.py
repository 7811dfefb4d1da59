"""Scene + Report + Brief + Speech -> Plan: the right kind of engine, with the reason in words and the price.

``asks`` reads what a brief wants, ``rules`` is the table that chooses the family, ``animating`` and ``generating`` lay
out its shots, ``planning`` brings them together with what stands against them.
"""

from stillwake.route.animating import WITHOUT_FACE, motions_of
from stillwake.route.asks import Asks, asks_of
from stillwake.route.contradictions import require_moves, require_repeat, require_seconds, require_sense
from stillwake.route.planning import against, plan
from stillwake.route.rules import RULES, Rule, decided
from stillwake.route.shape import natural_size, size_for

__all__ = [
    "RULES",
    "WITHOUT_FACE",
    "Asks",
    "Rule",
    "against",
    "asks_of",
    "decided",
    "motions_of",
    "natural_size",
    "plan",
    "require_moves",
    "require_repeat",
    "require_seconds",
    "require_sense",
    "size_for",
]
