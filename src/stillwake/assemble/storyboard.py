"""A storyboard: a film's shots in a TOML file, and every fault of it with its line, its field and the fix.

What is checked here is what the text itself and the names of its files tell. How long things are, and so whether a
speech runs into the next, is known when they have been heard: `stillwake.assemble.laying`.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from stillwake.assemble.edit import Transition
from stillwake.assemble.lines import Lines, Place, Unreadable
from stillwake.errors import (
    Cancelled,
    EngineUnavailableError,
    FaceError,
    InputError,
    SoundError,
    StillError,
    StillwakeError,
    TranscriptError,
    VoiceUnavailableError,
)
from stillwake.makers import MAKERS, named
from stillwake.media.files import opened_input, shown
from stillwake.moves import is_key_frame_file
from stillwake.types import Ambience, Aspect, Brief, Expression, HeldPart, Motion, Record, Size

__all__ = ["SIZES", "Bed", "Board", "StoryShot", "Storyboard", "open_storyboard"]

LARGEST = 1 << 20
"""bytes; an hour of film in words has a tenth of that."""
MOST_SHOTS = 500
LONGEST = 36_000
"""Seconds of anything; films end before."""
SIDES = (16, 4096)
"""px, as `stillwake.route` has them for clips."""

SIZES: dict[Aspect, Size] = {"16:9": (1920, 1080), "9:16": (1080, 1920), "1:1": (1080, 1080), "4:5": (1080, 1350)}
"""The size of a film of that shape, unless it is said."""

USUAL = {"dissolve": Fraction(1, 2), "fade": Fraction(1)}
"""Seconds of a transition unless they are said."""

_EXPONENT = 12
"""A number with more digits before or after its point is none that means anything here."""


# ------------------------------------------------------------------------------------------------------- the record


def _number(value: Any, info: ValidationInfo) -> Any:
    """A number as it stands in the file, exactly; text in quotes is none but in our own JSON, and neither is true."""
    if isinstance(value, str) and info.mode == "json" and re.fullmatch(r"-?[0-9]{1,18}(/[0-9]{1,18})?", value):
        value = Fraction(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        raise PydanticCustomError("number", "it should be a number, without quotes")
    if isinstance(value, float):
        if not math.isfinite(value):  # what is too large or too fine comes so too
            raise PydanticCustomError("number", "it should be an ordinary number")
        return Fraction(str(value))
    return Fraction(value)


def _plain(value: Any, info: ValidationInfo) -> Any:
    return float(_number(value, info))


def _rate(value: Any, info: ValidationInfo) -> Any:
    """Frames a second; 29.97 is what everybody writes for 30000/1001."""
    if isinstance(value, str):
        try:
            value = Fraction(value) if len(value) <= 16 else None
        except (ValueError, ZeroDivisionError):
            value = None
        if value is None:
            raise PydanticCustomError("rate", "it should be a rate like 25, 29.97 or '24000/1001'")
    rate = _number(value, info)
    ntsc = Fraction(round(rate) * 1000, 1001)
    if rate.denominator != 1 and rate.denominator != 1001 and abs(rate - ntsc) < Fraction(6, 1000):
        rate = ntsc
    if not 1 <= rate <= 240 or rate.numerator > 10**6:
        raise PydanticCustomError("rate", "it should be a rate from 1 to 240, like 25, 29.97 or '24000/1001'")
    return rate


def _sides(value: Any) -> Any:
    found = re.fullmatch(r"\s*([0-9]{1,5})\s*[x×]\s*([0-9]{1,5})\s*", value) if isinstance(value, str) else None
    if found is not None:
        return int(found[1]), int(found[2])
    if isinstance(value, list | tuple) and len(value) == 2 and all(type(side) is int for side in value):
        return tuple(value)
    raise PydanticCustomError("size", "it should be a width and a height, like '1280x720'")


def _caption(value: Any) -> Any:
    if value is True or (isinstance(value, str) and not value.strip()):
        raise PydanticCustomError("caption", "it should be a text, or false for none")
    return value


_Exact = PlainSerializer(str, return_type=str, when_used="json")
Seconds = Annotated[Fraction, BeforeValidator(_number), _Exact, Field(gt=0, le=LONGEST)]
"""More than none; "3/2" in JSON."""
Moment = Annotated[Fraction, BeforeValidator(_number), _Exact, Field(ge=0, le=LONGEST)]
"""A second of a recording, or a length that may be none."""
FilmRate = Annotated[Fraction, BeforeValidator(_rate), _Exact]
_Decibel = Annotated[float, BeforeValidator(_plain), Field(ge=-60, le=24, allow_inf_nan=False)]
_File = Annotated[Path, Field(strict=False)]
_Name = Annotated[str, Field(min_length=1, max_length=80)]


class Bed(Record):
    """What sounds under the whole film.

    ``gain`` dB; ``fade_in`` and ``fade_out`` seconds; ``duck`` dB by which it goes down while somebody speaks;
    ``loop``: it begins again until the film ends.
    """

    file: _File
    gain: _Decibel = 0.0
    fade_in: Moment = Fraction(0)
    fade_out: Moment = Fraction(0)
    duck: Annotated[float, BeforeValidator(_plain), Field(ge=0, le=60)] = 0.0
    loop: bool = False


class StoryShot(Record):
    """One shot: a ``still`` that is brought to life, or a finished ``clip``, and what is said meanwhile.

    It speaks if it has ``say``, or the seconds from ``begin`` to ``end`` of a ``sound``; ``voice_over``: nobody in
    the picture does. Its picture comes by a ``transition``; ``lead`` seconds before that its speech begins, and
    ``tail`` seconds before its speech ends it goes. The other fields are those of a `Brief`, but for ``hold`` and
    ``hold_mask``, which are called ``still`` and ``still_mask`` there, and ``conditioning``, which is ``hold`` there.
    """

    name: _Name | None = None
    still: _File | None = None
    clip: _File | None = None
    keep_sound: bool = False

    say: str | None = None
    voice: str | None = None
    sound: _File | None = None
    begin: Moment | None = None
    end: Moment | None = None
    transcript: str | None = None
    language: str | None = None
    voice_over: bool = False
    gain: _Decibel = 0.0
    caption: Annotated[str | Literal[False] | None, BeforeValidator(_caption)] = None

    seconds: Seconds | None = None
    transition: Transition = "cut"
    transition_seconds: Seconds | None = None
    lead: Moment = Fraction(0)
    tail: Moment = Fraction(0)

    engine: str = "auto"
    model: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    prompt: Annotated[str, Field(max_length=5000)] | None = None
    negative: Annotated[str, Field(max_length=5000)] | None = None
    end_frame: _File | None = None
    conditioning: Annotated[float, BeforeValidator(_plain), Field(ge=0, le=1)] | None = None
    guidance: Annotated[float, BeforeValidator(_plain), Field(ge=0, le=50)] | None = None
    steps: int | None = Field(None, ge=1, le=500)
    expression: Expression | None = None
    camera: Annotated[str, Field(max_length=1000)] | None = None
    loop: bool = False
    motion: tuple[Motion, ...] | None = None
    strength: Annotated[float, BeforeValidator(_plain), Field(ge=0, le=1)] = 1.0
    hold: tuple[HeldPart, ...] = ()
    hold_mask: _File | None = None
    brush: _File | None = None
    ambient: Ambience | None = None
    depth: _File | None = None
    depth_model: _File | None = None
    face: int | None = Field(None, ge=1, le=1000)
    face_file: _File | None = None
    smooth: bool = False
    keep_face: bool = False
    reference: bool = False
    prefer: Literal["predictable", "range"] | None = None
    takes: int = Field(1, ge=1, le=50)
    seed: int = Field(0, ge=0, lt=2**63)

    @property
    def speaks(self) -> bool:
        """Whether something is said in it."""
        return self.say is not None or self.sound is not None

    @property
    def talks(self) -> bool:
        """Whether somebody in its picture says it."""
        return self.speaks and self.clip is None and not self.voice_over

    @property
    def change(self) -> Fraction:
        """Seconds of the transition into it."""
        return Fraction(0) if self.transition == "cut" else self.transition_seconds or USUAL[self.transition]


class Storyboard(Record):
    """A film in words: its shots in order, and what holds for all of them.

    ``size`` (width, height) px, or else the usual one of its ``aspect``; ``loudness`` LUFS; ``captions`` whether they
    are drawn into the picture; ``budget`` USD, the most that rendering may cost; ``sound`` what sounds under the whole
    film.
    """

    schema_: Literal["stillwake/storyboard@1"] = Field("stillwake/storyboard@1", alias="schema")
    title: str = Field("", max_length=200)
    size: Annotated[Size, BeforeValidator(_sides)] | None = None
    aspect: Aspect | None = None
    fps: FilmRate = Fraction(25)
    loudness: Annotated[float, BeforeValidator(_plain), Field(ge=-40, le=-5)] = -14.0
    captions: Literal["burn", "none"] = "none"
    budget: Annotated[float, BeforeValidator(_plain), Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    sound: Bed | None = None
    shots: Annotated[tuple[StoryShot, ...], Field(min_length=1, max_length=MOST_SHOTS)] = Field(alias="shot")

    @property
    def picture(self) -> Size:
        """(width, height) of the film in px."""
        return self.size or SIZES[self.aspect or "16:9"]

    @property
    def shape(self) -> Aspect:
        """The aspect of the film."""
        return _shape(self.picture) or "16:9"

    def portable(self) -> Storyboard:
        """The storyboard as a record keeps it: a file is a name, so that it says nothing about the machine."""
        bed = None if self.sound is None else _named(self.sound)
        return self.model_copy(update={"sound": bed, "shots": tuple(_named(shot) for shot in self.shots)})


_Named = TypeVar("_Named", bound=Record)


def _named(record: _Named) -> _Named:
    """A record whose files are names."""
    files = {name: value for name in type(record).model_fields if isinstance(value := getattr(record, name), Path)}
    names: dict[str, Any] = {name: Path(shown(path)) for name, path in files.items()}
    if isinstance(record, StoryShot) and record.camera is not None and is_key_frame_file(record.camera):
        names["camera"] = shown(record.camera)
    return record.model_copy(update=names)


def _shape(size: Size) -> Aspect | None:
    """The aspect of a size, to the rounding of its sides; None where it is another."""
    return next((name for name, usual in SIZES.items() if _alike(size, usual)), None)


def _alike(size: Size, other: Size) -> bool:
    """Whether the sizes have one shape, but for two px of rounding."""
    across, down = Fraction(size[1] * other[0], other[1]), Fraction(size[0] * other[1], other[0])
    return abs(size[0] - across) <= 2 or abs(size[1] - down) <= 2


# ------------------------------------------------------------------------------------------- the record in its file


@dataclass(frozen=True, slots=True)
class Board:
    """A storyboard that was read: ``path`` where it lies, and on which line everything stands."""

    record: Storyboard
    path: Path
    lines: Lines

    @property
    def shots(self) -> tuple[StoryShot, ...]:
        """The shots in order."""
        return self.record.shots

    def file(self, name: Path) -> Path:
        """Where a file lies that the storyboard names."""
        return self.path.parent / name

    def label(self, shot: int) -> str:
        """What a shot is called, counted from 1: "shot 7 (coast)"."""
        return f"shot {shot + 1} ({self.title(shot)})"

    def title(self, shot: int) -> str:
        """The shot's name, or else that of its picture without the ending."""
        one = self.shots[shot]
        picture = one.still or one.clip
        return _clean(one.name or (picture.stem if picture is not None else "") or "unnamed")

    def fault(self, shot: int, field: str, why: str, fix: str) -> InputError:
        """The error for what is wrong with a shot's field."""
        return _fault(self.path, self.lines.line(("shot", shot, field)), f"{self.label(shot)}: {why}", fix)

    def bed_fault(self, why: str, fix: str) -> InputError:
        """The error for what is wrong with the sound under the film."""
        return _fault(self.path, self.lines.line(("sound", "file")), f"the film's sound: {why}", fix)

    def told(self, error: StillwakeError, shot: int) -> StillwakeError:
        """The same error, saying which shot it is about and on which line, in the words of a storyboard."""
        if isinstance(error, Cancelled):
            return error
        line = self.lines.line(("shot", shot, _field(error, self.shots[shot])))
        error.what = f"{error.what} ({shown(self.path)}, line {line}, {self.label(shot)})"
        error.why, error.fix = _as_fields(error.why), _as_fields(error.fix)
        error.args = (error.what, error.why, error.fix)
        return error


_FIELDS = {"still": "hold", "still-mask": "hold_mask", "hold": "conditioning"}
"""Options of the command line that a storyboard calls otherwise."""

_ABOUT: tuple[tuple[type[StillwakeError], tuple[str, ...]], ...] = (
    (EngineUnavailableError, ("engine", "still")),
    (VoiceUnavailableError, ("voice", "language", "say")),
    (TranscriptError, ("transcript", "sound", "say")),
    (SoundError, ("sound",)),
    (FaceError, ("face_file",)),
    (StillError, ("still",)),
)


def _field(error: StillwakeError, shot: StoryShot) -> str:
    """The field that an error is about, as far as it tells."""
    named = [_as_field(name) for name in re.findall(r"--([a-z][a-z-]*)", f"{error.what} {error.why} {error.fix}")]
    about = next((names for kind, names in _ABOUT if isinstance(error, kind)), ())
    given = shot.model_fields_set
    return next((name for name in (*about, *named) if name in given), "still" if "still" in given else "clip")


def _as_field(option: str) -> str:
    return _FIELDS.get(option, option.replace("-", "_"))


def _as_fields(words: str) -> str:
    return re.sub(r"--([a-z][a-z-]*)", lambda found: _as_field(found[1]), words)


def _fault(path: Path, line: int, why: str, fix: str) -> InputError:
    return InputError(f"Cannot use {shown(path)}, line {line}", why, fix)


# -------------------------------------------------------------------------------------------------------- reading


def open_storyboard(path: Path) -> Board:
    """The storyboard in a TOML file.

    Raises
    ------
    stillwake.errors.InputError
        It cannot be read, or something in it is wrong: the line, the field and what to do.
    """
    what = f"Cannot use {shown(path)}"
    with opened_input(path, what, InputError, LARGEST) as file:
        raw = file.read(LARGEST + 1)
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _fault(path, line, "it is not UTF-8 text", "save it as UTF-8") from error
    try:
        lines = Lines.of(text)
    except Unreadable as error:
        raise _fault(path, error.line, error.why, "see docs/assemble.md for what a storyboard looks like") from error
    values = _parsed(path, text)
    if not values.get("shot"):
        raise _fault(path, lines.line(("shot",)), "it has no shot", "begin one with [[shot]] and its still")
    try:
        record = Storyboard.model_validate(values)
    except ValidationError as error:
        # A tuple one of whose members was refused is also called too short.
        details = [one for one in error.errors(include_url=False) if one["type"] != "too_short"]
        first = min(details, key=lambda one: lines.line(_place(one)))
        raise _refused(path, lines, values, first) from error
    board = Board(record, path, lines)
    _check_film(board)
    for index in range(len(board.shots)):
        _check_shot(board, index)
    _check_files(board)
    return board


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=_float)
    except tomllib.TOMLDecodeError as error:
        words = str(error)
        found = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)", words)
        line = int(found[1]) if found is not None and found[1] else text.rstrip("\n").count("\n") + 1
        why = words[: found.start()] if found is not None else words
        raise _fault(
            path, line, f"it is not TOML: {_clean(why[:1].lower() + why[1:])}", "mend that line; text stands in quotes"
        ) from error
    except (ValueError, RecursionError) as error:  # a number of five thousand digits
        raise _fault(path, 1, "a number in it is too long to be one", "write it with fewer digits") from error


def _float(text: str) -> Fraction | float:
    """A number of a TOML, exactly; one that is not ordinary as the float that says so."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return float("nan")
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_EXPONENT or number.adjusted() > _EXPONENT:
        return float("nan")
    return Fraction(number)


def _place(error: ErrorDetails) -> Place:
    """Where in the TOML a value stands that pydantic refused."""
    location = tuple("shot" if part == "shots" else part for part in error["loc"])
    return location[: 3 if location[:1] == ("shot",) else 2]


def _refused(path: Path, lines: Lines, values: dict[str, Any], error: ErrorDetails) -> InputError:
    """What pydantic refused, as a sentence."""
    place = _place(error)
    line, field = lines.line(place), str(place[-1])
    known: type[Record] = Storyboard
    where = ""
    if place[:1] == ("shot",) and len(place) > 1 and isinstance(place[1], int):
        known = StoryShot
        one = values["shot"][place[1]] if isinstance(values["shot"], list) else {}
        where = f"shot {place[1] + 1}{_called(one)}: "
    elif place[:1] == ("sound",) and len(place) > 1:
        known, where = Bed, "the film's sound: "
    if error["type"] == "extra_forbidden":
        names = [info.alias or name for name, info in known.model_fields.items()]
        return _fault(path, line, f"{where}there is no field {_quoted(field)}", _nearest(field, names))
    if error["type"] == "missing":
        return _fault(path, line, f"{where}{field} is missing", f"give it, as in {field} = ...")
    if place == ("shot",) or (place[:1] == ("shot",) and len(place) == 2):
        if error["type"] == "too_long":
            return _fault(path, line, f"it has more than {MOST_SHOTS} shots", "make several films of it")
        return _fault(path, line, f"{where}a shot is a table of its own", "begin it with [[shot]]")
    if place == ("sound",):
        return _fault(path, line, "the film's sound is a table of its own", "begin it with [sound]")
    if error["type"] == "literal_error":
        info = known.model_fields.get("schema_" if field == "schema" else field)
        names = _choices(None if info is None else info.annotation)
        return _fault(path, line, f"{where}{field} is {_quoted(error['input'])}", _nearest(str(error["input"]), names))
    words = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    words = words if words.startswith("it ") else f"it {words}"
    value = "" if error["type"] in ("string_too_long",) else f" is {_quoted(error['input'])}"
    return _fault(path, line, f"{where}{field}{value}, and {_clean(words)}", "see docs/assemble.md")


def _called(shot: Any) -> str:
    """What a shot that was refused is called, in brackets, as far as it says."""
    if not isinstance(shot, dict):
        return ""
    name, picture = shot.get("name"), shot.get("still", shot.get("clip"))
    called = name if isinstance(name, str) else Path(picture).stem if isinstance(picture, str) else ""
    return f" ({_clean(called[:80])})" if called else ""


def _choices(annotation: Any) -> list[str]:
    """Every word that a type allows."""
    words = [argument for argument in get_args(annotation) if isinstance(argument, str)]
    return words or [word for argument in get_args(annotation) for word in _choices(argument)]


def _nearest(word: str, names: list[str]) -> str:
    near = difflib.get_close_matches(word[:80].lower(), names, 1, 0.6)
    return f"did you mean {near[0]}" if near else f"there are {', '.join(names)}"


def _quoted(value: Any) -> str:
    if isinstance(value, Fraction):
        return f"{float(value):g}"
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    text = _clean(text if len(text) <= 40 else f"{text[:38]}…")
    return f"'{text}'" if isinstance(value, str) else text


def _clean(words: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words)


# -------------------------------------------------------------------------------------------------------- checking


def _check_film(board: Board) -> None:
    """Nothing, where what holds for the whole film can be."""
    record = board.record
    if record.size is None:
        return
    line = board.lines.line(("size",))
    width, height = record.size
    said = f"size is {width}x{height}"
    if record.aspect is not None:
        raise _fault(board.path, line, "there are both a size and an aspect", "leave one of them out")
    if min(record.size) < SIDES[0] or max(record.size) > SIDES[1]:
        raise _fault(board.path, line, f"{said}, and sides run from {SIDES[0]} to {SIDES[1]} px", "choose another")
    if width % 2 or height % 2:
        raise _fault(
            board.path, line, f"{said}, and both sides must be even", f"try {width // 2 * 2}x{height // 2 * 2}"
        )
    if _shape(record.size) is None:
        shape = min(SIZES, key=lambda name: abs(SIZES[name][0] / SIZES[name][1] - width / height))
        near = (2 * round(height * SIZES[shape][0] / SIZES[shape][1] / 2), height)
        raise _fault(
            board.path, line, f"{said}, and a film is {', '.join(SIZES)}", f"try {near[0]}x{near[1]}, which is {shape}"
        )


_OF_A_SPEECH = ("voice", "transcript", "language", "voice_over", "lead", "tail", "gain")
_OF_A_CLIP = frozenset(
    (
        *("name", "clip", "keep_sound", "say", "voice", "sound", "begin", "end", "transcript", "language", "gain"),
        *("voice_over", "caption", "seconds", "transition", "transition_seconds", "lead", "tail"),
    )
)
"""Fields that a finished clip may have; the others are about how a picture is made."""


def _check_shot(board: Board, index: int) -> None:
    """Nothing, where what is said of a shot does not contradict itself."""
    for field, why, fix in _contradictions(board, index):
        raise board.fault(index, field, why, fix)


def _contradictions(board: Board, index: int) -> Iterator[tuple[str, str, str]]:
    shot = board.shots[index]
    given = shot.model_fields_set
    if shot.still is None and shot.clip is None:
        yield "name", "it has no picture", "give its still, or a clip"
    if shot.still is not None and shot.clip is not None:
        yield "clip", "it has both a still and a clip", "leave one of them out"
    if shot.say is not None and shot.sound is not None:
        yield "sound", "it has both words to say and a sound", "leave one of them out"
    if shot.say is not None and not shot.say.strip():
        yield "say", "there is nothing to say", "give the words, or leave out say"
    for field in ("begin", "end", "transcript"):
        if field in given and shot.sound is None:
            yield field, f"{field} belongs to a recording", f"give its sound, or leave out {field}"
    if shot.begin is not None and shot.end is not None and shot.end <= shot.begin:
        yield "end", f"end is {float(shot.end):g} and begin is {float(shot.begin):g}", "let it end after it begins"
    if shot.voice is not None and shot.say is None:
        yield "voice", "a voice says words, and there are none", "give the words with say, or leave out voice"
    for field in _OF_A_SPEECH:
        if field in given and not shot.speaks and getattr(shot, field):
            if field == "gain" and shot.keep_sound:
                continue
            yield field, f"{field} belongs to a speech", f"give say or sound, or leave out {field}"
    if shot.keep_sound and shot.clip is None:
        yield "keep_sound", "only a clip has a sound of its own", "leave out keep_sound"
    if shot.clip is not None:
        for field in sorted(given - _OF_A_CLIP, key=lambda name: board.lines.line(("shot", index, name))):
            yield (
                field,
                f"a finished clip is shown as it is, and {field} is not",
                f"leave out {field}, or give a still",
            )
    if index == 0 and shot.lead:
        yield "lead", "nothing goes before the first shot for its speech to begin over", "leave out lead"
    if index == len(board.shots) - 1 and shot.tail:
        yield "tail", "nothing follows the last shot for its speech to run on over", "leave out tail"
    if shot.tail and shot.seconds is not None:
        yield "tail", "tail and seconds both say when its picture ends", "leave one of them out"
    if index == 0 and shot.transition == "dissolve":
        yield "transition", "nothing goes before the first shot to dissolve from", "leave it out, or fade"
    if shot.transition == "cut" and shot.transition_seconds is not None:
        yield "transition_seconds", "a cut takes no time", "leave it out, or say transition = 'dissolve'"
    if "name" in given and not (shot.name or "").strip():
        yield "name", "its name is blank", "give it letters, or leave it out"


def _check_files(board: Board) -> None:
    """Nothing, where every file that is named is there."""
    for index, shot in enumerate(board.shots):
        for field in shot.model_fields_set:
            value = getattr(shot, field)
            if field == "camera" and isinstance(value, str) and is_key_frame_file(value):
                value = Path(value)
            if isinstance(value, Path) and (lost := _lost(board, value)):
                raise board.fault(index, field, *lost)
        if (
            shot.transcript is not None
            and _is_text_file(shot.transcript)
            and (lost := _lost(board, Path(shot.transcript.strip())))
        ):
            raise board.fault(index, "transcript", *lost)
    if board.record.sound is not None and (lost := _lost(board, board.record.sound.file)):
        raise board.bed_fault(*lost)


def _lost(board: Board, name: Path) -> tuple[str, str] | None:
    """Why there is no such file, and what to do; None where there is one."""
    at = board.file(name)
    try:
        if at.exists():
            return None
        near = difflib.get_close_matches(at.name, [one.name for one in _some(at.parent)], 1, 0.75)
    except (OSError, ValueError):
        near = []
    fix = f"did you mean {shown(near[0])}" if near else "check the path: it counts from the storyboard's folder"
    return f"there is no file {_quoted(str(name))}", fix


def _some(folder: Path) -> Iterator[Path]:
    """The files of a folder, not more than a few thousand."""
    for number, one in enumerate(folder.iterdir()):
        if number == 2000:
            return
        yield one


# ---------------------------------------------------------------------------------------------- what a shot asks for


def _is_text_file(words: str) -> bool:
    return words.strip().lower().endswith(".txt") and len(words.split()) == 1


def transcript_of(board: Board, shot: int) -> str | None:
    """What is said in a shot's recording: the words themselves, or those in the text file that is named.

    Raises
    ------
    stillwake.errors.InputError
        The file cannot be read.
    """
    words = board.shots[shot].transcript
    if words is None or not _is_text_file(words):
        return words
    at = board.file(Path(words.strip()))
    try:
        with opened_input(at, f"Cannot read the transcript {shown(at)}", TranscriptError, LARGEST) as file:
            return file.read(LARGEST + 1).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise board.fault(shot, "transcript", f"{shown(at)} is not UTF-8 text", "save it as UTF-8") from None
    except TranscriptError as error:
        raise board.told(error, shot) from error


_SAME = (
    *("face", "smooth", "motion", "strength", "ambient", "loop", "seed", "prompt", "takes", "keep_face", "reference"),
    *("prefer", "negative", "guidance", "steps", "expression"),
)
_FILES = ("face_file", "brush", "depth", "depth_model", "end_frame")


def _lies_here(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or none
        return False


def brief_of(board: Board, shot: int, size: Size, seconds: Fraction | None, repeat: int = 1) -> Brief:
    """What a shot asks of an engine, at the film's rate and shape; ``seconds`` None where it is its speech's.

    What nobody in the picture says is no part of it.
    """
    one = board.shots[shot]
    values: dict[str, Any] = {name: getattr(one, name) for name in _SAME}
    values |= {name: board.file(at) for name in _FILES if (at := getattr(one, name)) is not None}
    if one.talks:
        # The film has its sound already: a hosted engine follows that, and does not speak with a voice of its own.
        ours = (known := named(one.engine)) is None or MAKERS[known].local
        values |= {"say": one.say, "voice": one.voice if ours else None, "language": one.language}
        if one.sound is not None:
            values |= {"sound": board.file(one.sound), "transcript": transcript_of(board, shot)}
    camera = one.camera
    if camera is not None and is_key_frame_file(camera):
        camera = str(board.file(Path(camera)))
    model = one.model
    if model is not None and _lies_here(board.file(Path(model))):
        model = str(board.file(Path(model)))
    return Brief(
        **values,
        model=model,
        hold=one.conditioning,
        camera=camera,
        still=one.hold,
        still_mask=None if one.hold_mask is None else board.file(one.hold_mask),
        engine=None if one.engine == "auto" else one.engine,
        fps=board.record.fps,
        size=size,
        aspect=board.record.shape,
        seconds=seconds,
        repeat=repeat,
    )
