"""Every check of the five signs, in order, and why those that nothing looks at yet are ``unseen``.

A check without a detector is named in every report, so that a clean report cannot be taken for a complete one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from stillwake.types import Finding, SignName

_JUDGE = "only a vision-language model can answer this: give one with --judge"
_ASK = "a vision-language model may: give one with --judge"
_DIGITS = f"fingers are counted, not measured; {_ASK}"
_BODY = f"no limits for joints have been measured; {_ASK}"

CHECKS: Mapping[SignName, Mapping[str, str]] = MappingProxyType(
    {
        "character": {
            "eye colour": "",
            "eye size": "",
            "hair tone": "",
            "description": "",
            "ears": _JUDGE,
            "accessories": _JUDGE,
            "clothing": _JUDGE,
        },
        "anatomy": {
            "hands": "",
            "whole hands": "",
            "digits": "",
            "finger separation": _DIGITS,
            "finger lengths": _DIGITS,
            "wrists": "",
            "spare hand": "",
            "proportions": _BODY,
        },
        "expression": {
            "mouth corners": "",
            "mouth state": "",
            "expression": "",
            "gaze": f"the corners of people's eyes differ by as much as a squint; {_ASK}",
            "eyes and mouth agree": _JUDGE,
            "one feeling": _JUDGE,
        },
        "framing": {
            "shot": "",
            "face in the frame": "",
            "head in the frame": "",
            "feet": "",
            "lower edge": "",
            "one picture": "",
            "borders": "",
            "one subject": "",
            "distance": "",
        },
        "background": {
            "repetition": "",
            "pseudo-text": "",
            "seams": "",
            "geometry": "",
            "meeting edges": "",
            "clocks": "",
        },
    }
)
"""Sign -> check -> why it is unseen; an empty reason: a module of this room looks, where there is something to see."""

ANIMATOR_CHECKS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        (
            "face",
            "style",
            "face size",
            "yaw",
            "pitch",
            "roll",
            "mouth uncovered",
            "eyes uncovered",
            "light from behind",
            "one speaker",
        ),
        "",
    )
)
"""What an animator alone needs: a face that it can move."""

FILE_CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "resolution": "",
        "aspect": "",
        "softness": "",
        "compression": "",
        "texture": "",
    }
)


def unseen(check: str, why: str) -> Finding:
    """The finding of a check that could not look."""
    return Finding(check=check, verdict="unseen", why=why)
