"""Camera moves in words, or as key frames: "slow push in, slight tilt up" -> `CameraMove`.

Cameras are spoken of as on a set: a **push-in** walks towards the subject, a **zoom** only enlarges; a **pan** turns
left or right, a **tilt** up or down; a **truck** walks sideways, a **pedestal** rises; an **orbit** goes round the
subject; a **dolly zoom** backs off while the subject keeps its size. What each of them does to the pixels is
`stillwake.engines.animator.camera`'s.
"""

from __future__ import annotations

import difflib
import json
import re
import stat
from itertools import pairwise
from pathlib import Path
from typing import cast, get_args

from pydantic import ValidationError

from stillwake.errors import UsageError
from stillwake.types import CameraMove, CameraRecord, Move

__all__ = ["KINDS", "camera_of", "is_key_frame_file"]

KINDS: tuple[str, ...] = get_args(Move)
"""Every move there is."""

LARGEST_FILE = 1 << 20
MOST_MOVES = 4

_WHAT = "Cannot move the camera"
_WORDS = {
    "push": "push", "dolly": "push", "pull": "pull", "zoom": "zoom", "pan": "pan", "tilt": "tilt", "truck": "truck",
    "track": "truck", "slide": "truck", "pedestal": "pedestal", "crane": "pedestal", "boom": "pedestal",
    "rise": "pedestal", "orbit": "orbit", "arc": "orbit", "drift": "drift", "float": "drift", "handheld": "hand-held",
    "vertigo": "dolly-zoom", "dollyzoom": "dolly-zoom", "still": "still", "static": "still", "locked": "still",
    "none": "still",
}  # fmt: skip
_ENDINGS = ("ing", "es", "s", "ed")
_DEFAULT = {
    "push": "in", "pull": "out", "zoom": "in", "pan": "right", "tilt": "up", "truck": "right", "pedestal": "up",
    "orbit": "right",
}  # fmt: skip
_DIRECTIONS = {
    "in": "in", "closer": "in", "forward": "in", "forwards": "in", "out": "out", "back": "out", "away": "out",
    "backward": "out", "backwards": "out", "left": "left", "right": "right", "up": "up", "upward": "up",
    "upwards": "up", "down": "down", "downward": "down", "downwards": "down",
}  # fmt: skip
_ALLOWED = {
    "push": ("in", "out"), "pull": ("out", "in"), "zoom": ("in", "out"), "pan": ("left", "right", "up", "down"),
    "tilt": ("up", "down"), "truck": ("left", "right", "in", "out"), "pedestal": ("up", "down"),
    "orbit": ("left", "right"),
}  # fmt: skip
_STRENGTHS = {
    "slow": 0.6, "slowly": 0.6, "slight": 0.5, "slightly": 0.5, "gentle": 0.6, "gently": 0.6, "subtle": 0.4,
    "subtly": 0.4, "soft": 0.6, "softly": 0.6, "small": 0.5, "tiny": 0.3, "fast": 1.5, "quick": 1.5, "quickly": 1.5,
    "strong": 1.5, "strongly": 1.5, "big": 1.5, "dramatic": 1.8, "wide": 1.4, "large": 1.5,
}  # fmt: skip
_FILLERS = frozenset(
    (
        *("a", "an", "the", "of", "to", "towards", "toward", "around", "round", "camera", "shot", "move", "moves"),
        *("moving", "movement", "very", "with", "it", "on", "subject", "and", "is", "while", "from"),
    )
)


def is_key_frame_file(text: str) -> bool:
    """Whether what was written for a camera is the name of a key-frame file rather than words."""
    return text.lower().endswith(".json")


def camera_of(text: str) -> CameraRecord | None:
    """The camera that the words ask for, or that the key-frame file of that name holds; None is a still camera.

    Raises
    ------
    stillwake.errors.UsageError
        A word is not known, moves contradict each other, or the file cannot be used.
    """
    if is_key_frame_file(text):
        return _from_file(Path(text))
    plain = re.sub(r"dolly[\s-]*zoom", "dollyzoom", text.lower())
    plain = re.sub(r"hand[\s-]*held", "handheld", plain)
    moves: list[CameraMove] = []
    still = False
    for phrase in (part for whole in re.split(r"[,;+&]|\band\b|\bthen\b", plain) for part in _apart(whole)):
        move = _move(phrase)
        if move == "still":
            still = True
        elif isinstance(move, CameraMove):
            moves.append(move)
    if not moves and not still:
        raise UsageError(_WHAT, "no move was named", "write it like --camera 'slow push in, slight tilt up'")
    if moves and still:
        raise UsageError(_WHAT, "it cannot move and stand still at once", "name the moves alone")
    if len(moves) > MOST_MOVES:
        raise UsageError(_WHAT, f"{len(moves)} moves at once are too many", f"name at most {MOST_MOVES}")
    if re.search(r"\bthen\b", plain):
        raise UsageError(
            _WHAT, "words describe one move, not one after the other", "give key frames: --camera moves.json"
        )
    kinds = [move.kind for move in moves]
    for one in kinds:
        other = _opposite(one)
        if other in kinds:
            raise UsageError(_WHAT, f"{one} and {other} undo each other", "leave one of them out")
    if len(set(kinds)) < len(kinds):
        raise UsageError(_WHAT, f"{next(k for k in kinds if kinds.count(k) > 1)} is named twice", "name it once")
    return CameraRecord(moves=tuple(moves)) if moves else None


def _apart(phrase: str) -> list[list[str]]:
    """The words of a phrase, parted before every further verb and the adverbs that lead to it."""
    parts: list[list[str]] = [[]]
    seen = ""
    for word in re.findall(r"[^\s\-_/]+", phrase.strip(" .!")):
        verb = _verb(word)
        if verb and seen and (verb != seen or any(part in _DIRECTIONS for part in parts[-1])):
            adverbs: list[str] = []
            while parts[-1] and parts[-1][-1] in _STRENGTHS:
                adverbs.insert(0, parts[-1].pop())
            parts.append(adverbs)
        seen = verb or seen
        parts[-1].append(word)
    return parts


def _move(words: list[str]) -> CameraMove | str | None:
    """One move of a phrase; "still", or None for a phrase that says nothing."""
    strength, verb, direction = 1.0, "", ""
    for before, word in pairwise(["", *words]):
        if word in _STRENGTHS:
            strength *= _STRENGTHS[word]
        elif word in _DIRECTIONS:
            if direction not in ("", _DIRECTIONS[word]) and before != "to":  # "from left to right" goes right
                raise UsageError(_WHAT, f"{direction!r} and {word!r} are two ways at once", "leave one of them out")
            direction = _DIRECTIONS[word]
        elif found := _verb(word):
            verb = found
        elif word not in _FILLERS:
            known = [*_WORDS, *_STRENGTHS, *_DIRECTIONS]
            near = difflib.get_close_matches(word, known, 1)
            hint = f"did you mean {near[0]}" if near else f"moves are {', '.join(KINDS)}"
            raise UsageError(_WHAT, f"{word[:40]!r} is not a word for a move", hint)
    if not verb:
        if direction:
            raise UsageError(_WHAT, f"{direction!r} says where to, not how", "write it like 'pan left' or 'push in'")
        return None
    if verb == "still":
        return "still"
    strength = min(3.0, max(0.05, strength))
    if verb in ("drift", "hand-held", "dolly-zoom"):
        return CameraMove(kind=cast(Move, verb), strength=strength)
    direction = direction or _DEFAULT[verb]
    if direction not in _ALLOWED[verb]:
        raise UsageError(_WHAT, f"there is no {verb} {direction}", f"{verb} goes {' or '.join(_ALLOWED[verb])}")
    if verb == "pan" and direction in ("up", "down"):
        verb = "tilt"
    if direction in ("in", "out") and verb in ("push", "pull", "truck"):
        verb = "push" if direction == "in" else "pull"
    return CameraMove(kind=cast(Move, f"{verb}-{direction}"), strength=strength)


def _verb(word: str) -> str | None:
    if word in _WORDS:
        return _WORDS[word]
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        for candidate in (stem, stem[:-1] if len(stem) > 2 and stem[-1] == stem[-2] else stem, stem + "e"):
            if stem != word and candidate in _WORDS:
                return _WORDS[candidate]
    return None


def _opposite(kind: str) -> str:
    turned = {"in": "out", "out": "in", "left": "right", "right": "left", "up": "down", "down": "up"}
    verb, _, direction = kind.rpartition("-")
    swapped = {"push": "pull", "pull": "push"}.get(verb, verb)
    return f"{swapped}-{turned[direction]}" if direction in turned else ""


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)[:80]


def _from_file(path: Path) -> CameraRecord:
    what = f"Cannot use the camera moves of {_printable(path.name)}"
    try:
        seen = path.stat()
        if not stat.S_ISREG(seen.st_mode):  # a pipe would be waited for
            raise UsageError(what, "it is not a file", "give a JSON file of key frames")
        if seen.st_size > LARGEST_FILE:
            raise UsageError(what, "the file is larger than 1 MB", "key frames need a few lines")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(what, (error.strerror or "it cannot be read").lower(), "check the path") from error
    except UnicodeDecodeError as error:
        raise UsageError(what, "it is not text", "give a JSON file of key frames") from error
    except ValueError as error:  # a NUL in the name
        raise UsageError(what, "there can be no such file", "check the path") from error
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(what, "it is not JSON", "see the camera's key frames in docs/living.md") from error
    try:
        record = CameraRecord.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = _printable(".".join(str(part) for part in first["loc"])) or "the file"
        raise UsageError(
            what, f"{where}: {first['msg'][:1].lower() + first['msg'][1:]}", "see the key frames in docs/living.md"
        ) from error
    times = [key.at for key in record.keys]
    if record.moves:
        raise UsageError(what, "it holds words", "give the words with --camera and key frames in the file")
    if len(record.keys) < 2 or times[0] != 0 or times[-1] != 1 or any(b <= a for a, b in pairwise(times)):
        raise UsageError(
            what, "its key frames do not run from 0 to 1", "begin at 0, end at 1, each later than the last"
        )
    return record
