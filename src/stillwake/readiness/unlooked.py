"""Every check of the five signs, in order, and why those that nothing looks at yet are ``unseen``.

A check without a detector is named in every report, so that a clean report cannot be taken for a complete one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from stillwake.types import Finding, SignName

_JUDGE = "only a vision-language model can answer this, and none is part of stillwake yet"
_HANDS = "no detector looks for hands yet"
_BODY = "no detector looks for joints yet"
_EYES = "the colour and size of the irises are not compared yet"
_COLOURS = "hair is not told apart from clothes yet"
_TEXTURE = "nothing looks for repetition, seams or geometry in the background yet"

CHECKS: Mapping[SignName, Mapping[str, str]] = MappingProxyType(
    {
        "character": {
            "face": "",
            "eye colour": _EYES,
            "eye shape": _EYES,
            "hair tone": _COLOURS,
            "ears": _JUDGE,
            "accessories": _JUDGE,
            "clothing": _JUDGE,
            "description": _JUDGE,
        },
        "anatomy": {
            "proportions": _BODY,
            "digits": _HANDS,
            "finger separation": _HANDS,
            "finger lengths": _HANDS,
            "wrists": _HANDS,
            "whole hands": _HANDS,
            "hands at rest": _HANDS,
        },
        "expression": {
            "mouth corners": "the height of the mouth's corners is not compared yet",
            "gaze": "the mesh draws both eyes alike, so it cannot tell whether they look the same way",
            "mouth state": "no limit for a half-open mouth has been measured yet",
            "eyes and mouth agree": _JUDGE,
            "one feeling": _JUDGE,
        },
        "framing": {
            "face size": "",
            "yaw": "",
            "pitch": "",
            "roll": "",
            "face in the frame": "",
            "mouth uncovered": "",
            "eyes uncovered": "",
            "one speaker": "",
            "feet": _BODY,
            "hands at the edge": _HANDS,
            "distance": "nothing measures how far the background lies behind the person yet",
        },
        "background": {
            "repetition": _TEXTURE,
            "seams": _TEXTURE,
            "geometry": _TEXTURE,
            "meeting edges": _TEXTURE,
            "pseudo-text": "nothing reads text yet",
            "clocks": "nothing looks for clock faces yet",
        },
    }
)
"""Sign -> check -> why it is unseen; an empty reason: `stillwake.readiness.face` looks, where there is a face."""

FILE_CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "style": "",
        "resolution": "",
        "softness": "nothing measures softness yet",
        "texture": "nothing measures texture and painterly blending yet",
    }
)


def unseen(check: str, why: str) -> Finding:
    """The finding of a check that could not look."""
    return Finding(check=check, verdict="unseen", why=why)
