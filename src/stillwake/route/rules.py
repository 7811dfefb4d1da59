"""The router's table: which kind of engine a brief needs, rule by rule, each with its reason in words.

Rules are asked in order and the first that holds decides. What only a generator can do comes before what an animator
does better, because an animator that cannot do what was asked does nothing for it; speech comes before all of them,
because no generator follows a sound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from stillwake.route.asks import Asks, CueKind
from stillwake.types import Brief, Family

SCENE: tuple[CueKind, ...] = ("change", "camera beyond", "environment", "action")
"""What only a generator can do."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table.

    ``name``; the ``family`` it chooses, "both" for a shot of each; ``holds`` the words that make it hold, or "";
    ``reason`` a clause, ``{words}`` standing for those words.
    """

    name: str
    family: Family | Literal["both"]
    holds: Callable[[Brief, Asks], str]
    reason: str


def _cue(*kinds: CueKind) -> Callable[[Brief, Asks], str]:
    return lambda brief, asks: asks.words(*kinds)


def _environment(brief: Brief, asks: Asks) -> str:
    """What moves around, where no brush says how: with one an animator can."""
    return "" if brief.brush is not None else asks.words("environment")


def _speech(brief: Brief, asks: Asks) -> str:
    if brief.say is not None or brief.sound is not None:
        return "there are words to say" if brief.say is not None else "there is a recording to follow"
    said = asks.words("speech")
    return f"{said} asks for speech" if said else ""


def _speech_and_scene(brief: Brief, asks: Asks) -> str:
    if not _speech(brief, asks):
        return ""
    return asks.words("change", "camera beyond", "action") or _environment(brief, asks)


def _takes(brief: Brief, asks: Asks) -> str:
    if said := asks.words("range"):
        return said
    quiet = asks.first("camera", "ambience", "small", "loop", "brush", "final", "face", "predictable")
    return f"{brief.takes} takes" if brief.takes > 1 and quiet is None else ""


RULES: tuple[Rule, ...] = (
    Rule(
        "speech and scene", "both", _speech_and_scene,
        "speech in sync needs an animator, and {words} needs a generator, which follows no sound: a shot of each",
    ),
    Rule(
        "speech", "animator", _speech,
        "{words}: a talking portrait needs lips that follow the sound and a background that stands still; a generator "
        "gives neither",
    ),
    Rule(
        "predictable", "animator", lambda brief, asks: "you prefer a predictable clip" if brief.prefer == "predictable"
        and not asks.first(*SCENE) else "",
        "{words}: an animator makes the same clip every time, and a generator another one",
    ),
    Rule("range", "generator", lambda brief, asks: "you prefer range" if brief.prefer == "range" else "",
         "{words}: a generator differs with every seed, while an animator only moves what is there"),
    Rule("end frame", "generator", lambda brief, asks: "you gave the picture to end on" if brief.end_frame else "",
         "{words}: what lies between two pictures has to be invented"),
    Rule("change", "generator", _cue("change"),
         "{words} makes new pictures: an animator only moves what is in this one"),
    Rule("camera beyond", "generator", _cue("camera beyond"),
         "{words} shows what the picture does not hold: beyond 2.5D it has to be invented"),
    Rule("environment", "generator", _environment,
         "{words} moves the surroundings: an animator leaves them as they are"),
    Rule("action", "generator", _cue("action"),
         "{words} is an action: bodies that move show what was hidden, which has to be invented"),
    Rule("range", "generator", _takes,
         "{words} asks for range: a generator differs with every seed, while an animator makes the same clip again"),
    Rule("reference", "generator", _cue("reference"),
         "{words}: the still is a reference, not the deliverable, so it may be painted anew"),
    Rule("what is brushed", "animator", _cue("brush"),
         "{words} says what flows in the picture, and the rest must not: a generator would repaint all of it"),
    Rule("the still is final", "animator", _cue("final"),
         "{words}: the still is the deliverable, and a generator would repaint all of it"),
    Rule("the face stays", "animator", _cue("face"),
         "{words}: the face must stay what it is from frame to frame, and a generator can morph it"),
    Rule("camera in the picture", "animator", _cue("camera"),
         "{words} is a move that depth in the picture carries: nothing has to be invented for it"),
    Rule("ambience", "animator", _cue("ambience"),
         "{words} drifts before the picture, which itself need not change"),
    Rule("living loop", "animator", _cue("loop"),
         "{words}: a living photo must close without a seam, and leave what does not live untouched"),
    Rule("small motion", "animator", _cue("small"),
         "{words} is motion of what is in the picture: an animator moves it and repaints nothing"),
    Rule("living loop", "animator", lambda brief, asks: "nothing else is asked",
         "nothing is to be said and nothing large to happen: a living loop moves what is in the picture and leaves "
         "the rest untouched, while a generator would repaint all of it"),
)  # fmt: skip
"""The table. Its last line always holds."""


def decided(brief: Brief, asks: Asks) -> tuple[Rule, str]:
    """The first rule that holds, and its reason in words."""
    for rule in RULES:
        if words := rule.holds(brief, asks):
            return rule, rule.reason.format(words=words)
    raise AssertionError("the last rule always holds")
