"""What a brief asks for: cues, each with the words that it was read from.

A prompt is read clause by clause with `stillwake.route.lexicon`: what is denied ("no zoom, nothing behind her moves")
asks for nothing, and words that only describe the picture ("cinematic, 4k, by the sea") neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from re import Pattern
from typing import Literal, NamedTuple, cast

from stillwake.route import lexicon as lex
from stillwake.types import Ambience, Brief, CameraMove, CameraRecord, Move

CueKind = Literal[
    "speech", "loop", "small", "camera", "camera beyond", "ambience", "environment", "action", "change", "range",
    "reference", "final", "face", "predictable", "brush",
]  # fmt: skip
"""What may be asked for."""


class Cue(NamedTuple):
    """One thing that is asked for: its kind, the words that say so, and the clause they stand in, counted from 0.

    A clause of -1 means that it was said outside the prompt.
    """

    kind: CueKind
    words: str
    clause: int = -1


@dataclass(frozen=True, slots=True)
class Asks:
    """All that is asked for; ``camera`` and ``ambient`` as our animator takes them, where the prompt names them."""

    cues: tuple[Cue, ...] = ()
    clauses: tuple[str, ...] = ()
    camera: CameraRecord | None = None
    ambient: Ambience | None = None

    def first(self, *kinds: CueKind) -> Cue | None:
        """The first cue of one of these kinds."""
        return next((cue for cue in self.cues if cue.kind in kinds), None)

    def words(self, *kinds: CueKind) -> str:
        """What was said of these kinds, quoted, for a sentence."""
        said = dict.fromkeys(cue.words for cue in self.cues if cue.kind in kinds)
        return " and ".join(f"“{words}”" for words in list(said)[:2])


def asks_of(brief: Brief) -> Asks:
    """What the brief asks for."""
    cues = list(_said(brief))
    found = _read(brief.prompt or "")
    return Asks((*cues, *found.cues), found.clauses, found.camera, found.ambient)


def _said(brief: Brief) -> Iterator[Cue]:
    """What the brief asks for outside its prompt."""
    if brief.say is not None or brief.sound is not None:
        yield Cue("speech", "words to say" if brief.say is not None else "a recording")
    if brief.loop:
        yield Cue("loop", "a loop")
    if brief.camera is not None:
        yield Cue("camera", "--camera")
    if brief.brush is not None:
        yield Cue("brush", brief.brush.name)
    if brief.ambient is not None:
        yield Cue("ambience", brief.ambient)
    if brief.keep_face:
        yield Cue("face", "--keep-face")
    if brief.reference:
        yield Cue("reference", "--reference")
    if brief.prefer is not None:
        yield Cue("range" if brief.prefer == "range" else "predictable", f"--prefer {brief.prefer}")


# ------------------------------------------------------------------------------------------------------ the prompt

_BOUNDS = re.compile(r"[.;,!?\n:()]+|\s(?:-|–|—)\s|\b(?:and then|then|while|whilst|but|and|plus|after that|finally)\b")
_NEW_SUBJECT = re.compile(
    r"^(?:he|she|they|it|we|i|you|the|a|an|his|her|their|its|my|our|let|keep|make|have|add|with|only|just)\b"
)
_DROPPED = re.compile(
    r"close[- ]?ups?|head[- ]?shots?|full[- ]?body|half[- ]?body|long exposure|open shade|film grain|soft focus"
    r"|splash (?:screen|art|page|image)|key ?(?:visual|art)|motion (?:poster|graphics?)|open mouth"
    r"|action (?:figure|hero|pose)|(?:another|next|second|separate|other|new) shot"
)
"""Names of kinds of picture, whose words mean something else in them."""


_STATES = re.compile(
    r"\b(?:remains?|stays?|keeps?|kept|(?:is|are) (?=parked|closed|seated|dressed|fixed|locked|covered|surrounded"
    r"|placed|mounted|isolated|framed|cent\w+red|focused|blurred|turned))\s?(?:\w+ly )?\w+ed\b"
)
"""What already is so: "the car remains parked"."""


def _read(prompt: str) -> Asks:
    plain = " ".join(prompt.lower().replace("’", "'").split())
    plain = re.sub(r"\b2\.5 ?d\b", "parallax", plain)
    plain = re.sub(r"(\d)[.,](\d)", r"\1\2", plain)  # no end of a sentence
    plain = re.sub(r"\b(?:says?|saying|speaks?|talks?) (?:nothing|not a word|no words?)\b", " ", plain)
    plain = _STATES.sub(" ", plain)
    plain = re.sub(r"[a-z]{4,}", _spelt, _DROPPED.sub(" ", plain))
    cues: list[Cue] = []
    whole: tuple[tuple[CueKind, tuple[Pattern[str], ...]], ...] = (
        ("face", lex.FACE_PHRASES), ("final", lex.FINAL_PHRASES), ("range", lex.RANGE_PHRASES),
        ("reference", lex.REFERENCE_PHRASES), ("predictable", lex.PREDICTABLE_PHRASES),
    )  # fmt: skip
    rest = plain
    for kind, patterns in whole:
        for match in _matches(patterns, rest):
            cues.append(Cue(kind, match))
            if kind in ("face", "final"):
                rest = rest.replace(match, " . ")  # what it forbids is not asked for
    if len(rest.split()) <= 2 and _Words.of(rest).which(lex.PLACES - lex.STYLE_PLACES):
        cues.append(Cue("environment", rest))  # "traffic": a word alone is what should happen
    clauses, denied_before = [], False
    moves, ambient = None, None
    for number, (clause, joined) in enumerate(_clauses(rest)):
        clauses.append(clause)
        asked, denied = _without_denials(clause)
        if joined and denied_before and not _NEW_SUBJECT.match(clause):
            asked, denied = "", True
        denied_before = denied
        if not asked.strip():
            continue
        for cue in _clause_cues(asked, number):
            cues.append(cue)
            if cue.kind == "camera" and moves is None:
                moves = _moves_in(asked)
            if cue.kind == "ambience" and ambient is None:
                ambient = _ambient_in(asked)
    return Asks(tuple(cues), tuple(clauses), moves, ambient)


@cache
def _vocabulary() -> frozenset[str]:
    known = (lex.SPEAK, lex.SMALL, lex.SMALL_PARTS, lex.SOFT, lex.STIRS, lex.PLACES, lex.FLOWS, lex.ACT, lex.PERSON)
    return frozenset().union(*known, lex.HARMLESS, lex.AMBIENT, lex.DRIFTS, lex.WILD, lex.FAST)


def _spelt(word: re.Match[str]) -> str:
    """A word that is nearly one of those that decide much, as that word."""
    said = word.group()
    if said in lex.NAMES or set(lex.stems(said)) & _vocabulary():
        return said
    for right in lex.MISSPELT:
        near = abs(len(right) - len(said)) <= 1 and right[0] == said[0] and right[-1] == said[-1]
        if near and len(right) > 4 and _off_by_one(said, right):
            return right
    return said


def _off_by_one(said: str, right: str) -> bool:
    """Whether a letter is missing, too many, or two neighbours are exchanged; another letter makes another word."""
    if len(said) == len(right):
        differ = [index for index, pair in enumerate(zip(said, right, strict=True)) if pair[0] != pair[1]]
        return len(differ) == 2 and differ[1] == differ[0] + 1 and sorted(said) == sorted(right)
    short, long = sorted((said, right), key=len)
    return any(long[:index] + long[index + 1 :] == short for index in range(len(long)))


def _clauses(text: str) -> Iterator[tuple[str, bool]]:
    """Each clause, and whether it goes on the sentence before ("and pan", "or zoom")."""
    at, joined = 0, False
    for bound in _BOUNDS.finditer(text):
        if clause := text[at : bound.start()].strip():
            yield clause, joined
        at, joined = bound.end(), bound.group().strip() == "and"
    if clause := text[at:].strip():
        yield clause, joined


def _without_denials(clause: str) -> tuple[str, bool]:
    """What is left of a clause when what it denies is gone, and whether it denied anything."""
    if stands := next(_matches(lex.STANDS, clause), None):
        _, _, after = clause.partition(stands)
        # "the background stands still": the subject before it, and what it stands against, ask for nothing.
        return (after if "camera" in stands or "shot" in stands else ""), True
    found = min((m for pattern in lex.NO if (m := pattern.search(clause))), key=lambda m: m.start(), default=None)
    if found is None:
        return clause, False
    rest = clause[found.end() :]
    yet = min((m for pattern in lex.YET if (m := pattern.search(rest))), key=lambda m: m.start(), default=None)
    return f"{clause[: found.start()]} {rest[yet.end() :] if yet else ''}", True


def _matches(patterns: Iterable[Pattern[str]], text: str) -> Iterator[str]:
    for pattern in patterns:
        for match in pattern.finditer(text):
            yield match.group()


def _clause_cues(clause: str, number: int) -> Iterator[Cue]:
    """What one clause asks for; nothing is denied in it any more."""
    said = clause if len(clause) <= 60 else clause[:59] + "…"

    def cue(kind: CueKind) -> Cue:
        return Cue(kind, said, number)

    for change in _matches(lex.CHANGE_PHRASES, clause):
        yield cue("change")
        clause = clause.replace(change, " ")
    if any(pattern.search(clause) for pattern in lex.BEYOND):
        yield cue("camera beyond")
        return
    if looped := next(_matches(lex.LOOP_PHRASES, clause), ""):
        yield cue("loop")
        clause = clause.replace(looped, " ")
    moving, clause = _camera_in(clause)
    if moving:
        yield cue("camera")
    words = _Words.of(clause)
    crowd = words.has(frozenset(("crowd", "people", "audience", "pedestrian")))
    phrase = next(_matches(lex.SPEAK_PHRASES, clause), "")
    spoken = bool(phrase) or (not crowd and words.has(lex.SPEAK))
    if spoken:
        yield cue("speech")
    if phrase:
        clause = clause.replace(phrase, " ")
        words = _Words.of(clause)
    yield from (cue(kind) for kind in _happenings(words, clause, spoken=spoken))


@dataclass(frozen=True, slots=True)
class _Words:
    """A clause's words, each with all first forms that it may come from; ``named`` those with an article before."""

    forms: tuple[frozenset[str], ...]
    named: tuple[bool, ...] = ()

    @classmethod
    def of(cls, clause: str) -> _Words:
        found = re.findall(r"[a-z0-9]+(?:'[a-z]+)*", clause)
        named = [
            before in lex.ARTICLES and not word.endswith("ing")
            for before, word in zip(["", *found], found, strict=False)
        ]
        return cls(tuple(frozenset(lex.stems(word)) for word in found), tuple(named))

    def has(self, known: frozenset[str]) -> bool:
        """Whether one of them is known."""
        return any(form & known for form in self.forms)

    def has_both(self, known: frozenset[str], others: frozenset[str]) -> bool:
        """Whether one of them is known and another one of them is one of the others."""
        ours = {index for index, form in enumerate(self.forms) if form & known}
        theirs = {index for index, form in enumerate(self.forms) if form & others}
        return bool(ours and theirs) and len(ours | theirs) > 1

    def done(self, known: frozenset[str]) -> frozenset[str]:
        """Those that are known and no names of things: to plate, and not the plate."""
        return frozenset().union(
            *(form & known for form, thing in zip(self.forms, self.named, strict=True) if not thing)
        )

    def which(self, known: frozenset[str]) -> frozenset[str]:
        """Those that are known, in their first forms."""
        return frozenset().union(*(form & known for form in self.forms))


def _happenings(words: _Words, clause: str, *, spoken: bool) -> Iterator[CueKind]:
    """What happens in a clause besides camera, speech and change."""
    soft, person, part = words.has(lex.SOFT), words.has(lex.PERSON), words.has(lex.SMALL_PARTS)
    if any(pattern.search(clause) for pattern in lex.GO_PHRASES) and not (soft and part):
        yield "action"
        return
    if (drifting := words.which(frozenset(lex.AMBIENT))) and not words.has(lex.WILD):
        others = words.which(lex.PLACES) - drifting - lex.STYLE_PLACES - {"wind", "breeze"}
        if not others and (words.has(lex.DRIFTS) or len(words.forms) <= 3) and not _acts(words, lex.DRIFTS, person):
            yield "ambience"
            return
    glancing = words.has(lex.SMALL) or any(pattern.search(clause) for pattern in lex.GAZE_PHRASES)
    if glancing:
        yield "small"
        if not _acts(words, lex.SMALL | lex.MILD_ACT | lex.GLANCE_WORDS, person):
            return
    windy = words.has(lex.WINDS)
    cloth = words.which(lex.PLACES) - lex.STYLE_PLACES - lex.WINDS
    if part and not cloth and (windy or words.has(lex.FLOWS | lex.STIRS | lex.PART_DOES)):
        yield "small"
        if not _acts(words, lex.FLOWS | lex.MILD_ACT | lex.PART_DOES, person):
            return
    if soft and words.has(lex.STIRS) and not cloth and not words.has(lex.ACT - lex.MILD_ACT - lex.STIRS):
        yield "small"
        return
    if words.has(lex.EVENTS) or (cloth and words.has_both(cloth, lex.FLOWS | lex.ACT)):
        if not (person and words.has(lex.ACT - lex.MILD_ACT - lex.FLOWS) and not words.has(lex.EVENTS)):
            yield "environment"
            return
        yield "action"
        return
    if words.has(lex.STREAMS) or (words.has_both(lex.STYLE_PLACES, lex.FLOWS) and not person):
        yield "environment"
        return
    harmless = lex.HARMLESS | lex.SPEAK | lex.SMALL
    does = any(
        not harmless & set(lex.stems(verb))
        for pattern in (lex.PREDICATE, lex.MADE)
        for verb in pattern.findall(clause)
    )
    if (_acts(words, frozenset(), person) and not spoken) or (does and not (soft and part)):
        yield "action"
    elif windy and words.has(frozenset(("blow", "pick", "gust", "howl", "strong"))):
        yield "small" if soft else "environment"


def _acts(words: _Words, but: frozenset[str], person: bool) -> bool:
    """Whether somebody or something does something other than ``but``."""
    done = words.done(lex.ACT) - but
    return bool(done if person else done - lex.MILD_ACT)


_SOMEBODY = re.compile(r"\b(?:he|she|they|him|her|his|head|body|hair|eyes?)\b")
_ADVERBS = re.compile(r"(?:(?:a|the|very|slow|gent|slight|subtl|smooth|soft|steady|stead)\w*\s+)*")


def _camera_in(clause: str) -> tuple[list[CameraMove], str]:
    """The camera's moves that a clause names, and the rest of it.

    A verb that could be anybody's is the camera's where one is named, or where nothing but an adverb comes before it:
    "slowly move in".
    """
    strength = 1.0
    for word in re.findall(r"[a-z]+", clause):
        strength *= lex.FAST.get(word, 1.0)
    strength = min(1.5, max(0.3, strength))
    named, somebody = lex.CAMERA.search(clause), _SOMEBODY.search(clause)
    moves: list[CameraMove] = []
    rest = clause
    for pattern, kind, needs_camera in lex.MOVES:
        found = pattern.search(rest)
        if found is None:
            continue
        first = not somebody and kind != "drift" and _ADVERBS.fullmatch(rest[: found.start()])
        if needs_camera and not named and not first:
            continue
        rest = f"{rest[: found.start()]} {rest[found.end() :]}"
        others = {move.kind.split("-")[0] for move in moves}
        if kind.split("-")[0] not in others and not (kind == "drift" and moves):
            moves.append(CameraMove(kind=cast(Move, kind), strength=strength))
    return moves, lex.CAMERA.sub(" ", rest) if moves else rest


def _moves_in(clause: str) -> CameraRecord | None:
    moves, _ = _camera_in(clause)
    return CameraRecord(moves=tuple(moves[:2])) if moves else None


def _ambient_in(clause: str) -> Ambience | None:
    found = _Words.of(clause).which(frozenset(lex.AMBIENT))
    return cast(Ambience, lex.AMBIENT[min(found)]) if found else None
