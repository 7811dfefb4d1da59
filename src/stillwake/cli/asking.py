"""What can be asked on the command line: the options that several verbs share, and what their words mean."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from cyclopts import Parameter

from stillwake.errors import TranscriptError, UsageError

if TYPE_CHECKING:
    from fractions import Fraction

    from stillwake.types import Brief, Size

PLAIN = Parameter(negative=(), show_default=False)
"""How every verb takes its options: no --no-such, no defaults in the help."""

FaceFile: TypeAlias = Annotated[
    Path | None,
    Parameter(help="A face put right by hand, as stillwake perceive --face N -o FILE writes it.", metavar="FILE"),
]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Manner:
    """How it is said."""

    json: Annotated[bool, Parameter(help="Write the record as one line of JSON.")] = False
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], help="No progress and no summary.")] = False
    verbose: Annotated[bool, Parameter(name=["--verbose", "-v"], help="With an error, show where it came from.")] = (
        False
    )


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Words:
    """What is said, and how the clip should be."""

    say: Annotated[str | None, Parameter(help="Words for the person to say.", metavar="TEXT")] = None
    voice: Annotated[
        str | None,
        Parameter(
            help="The voice that says them; stillwake speech --voices lists ours, stillwake voices a hosted engine's.",
            metavar="NAME",
        ),
    ] = None
    sound: Annotated[Path | None, Parameter(help="A recording instead: any sound or video file.", metavar="FILE")] = (
        None
    )
    transcript: Annotated[
        str | None, Parameter(help="What is said in the recording: the words, or a text file.", metavar="TEXT|FILE")
    ] = None
    language: Annotated[str | None, Parameter(help="The language, as in en, en-gb, fr, cmn.", metavar="CODE")] = None
    face: Annotated[int | None, Parameter(help="Which face, 1 being the largest.", metavar="N")] = None
    face_file: FaceFile = None
    fps: Annotated[
        str | None,
        Parameter(
            help="Frames per second: 25, 29.97, 24000/1001; if not given 25, or what a generator makes.",
            metavar="RATE",
        ),
    ] = None
    size: Annotated[
        str | None, Parameter(help="Size of the clip; the still's own, at most 1920, if not given.", metavar="WxH")
    ] = None
    aspect: Annotated[
        Literal["9:16", "1:1", "4:5", "16:9"] | None,
        Parameter(help="Another shape than the still's: cut where the subject allows, else extended.", metavar="W:H"),
    ] = None
    engine: Annotated[str | None, Parameter(help="Which engine; stillwake engines lists them.", metavar="NAME")] = None
    model: Annotated[
        str | None,
        Parameter(
            help="Which model of that engine: its name there, a folder of weights, or an id on the hub.",
            metavar="NAME|FOLDER",
        ),
    ] = None
    seconds: Annotated[
        str | None,
        Parameter(
            help="How long a loop (6 if not given) or a generated clip is; a talking clip has its words' length.",
            metavar="S",
        ),
    ] = None
    smooth: Annotated[
        bool, Parameter(help="Move a drawn mouth on every frame; it holds its shapes on twos otherwise.", negative="")
    ] = False
    repeat: Annotated[int, Parameter(help="Write a living loop so many times over, 1 to 100.", metavar="N")] = 1
    max_mb: Annotated[
        float | None,
        Parameter(help="The largest file that will do, in MB; quality is given up for it.", metavar="MB"),
    ] = None
    seed: Annotated[int, Parameter(help="The same seed gives the same frames.", metavar="N")] = 0

    def brief(self, moves: Moves | None = None, wishes: Wishes | None = None) -> Brief:
        """The brief that these words, what moves besides, and what should happen ask for."""
        from pydantic import ValidationError

        from stillwake.types import Brief

        try:
            return Brief(
                say=self.say,
                voice=self.voice,
                sound=self.sound,
                transcript=transcript_of(self.transcript),
                language=self.language,
                face=self.face,
                face_file=self.face_file,
                fps=None if self.fps is None else rate_of(self.fps),
                size=None if self.size is None else size_of(self.size),
                aspect=self.aspect,
                engine=self.engine,
                model=self.model,
                smooth=self.smooth,
                seconds=None if self.seconds is None else length_of(self.seconds),
                repeat=self.repeat,
                max_mb=self.max_mb,
                seed=self.seed,
                **({} if moves is None else moves.asked()),
                **({} if wishes is None else wishes.asked()),
            )
        except ValidationError as error:
            first = error.errors()[0]
            option = "--" + "-".join(str(part) for part in first["loc"]).replace("_", "-")
            raise UsageError(
                f"Cannot use {option} {first['input']}", first["msg"][:1].lower() + first["msg"][1:], "choose another"
            ) from error


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Wishes:
    """What should happen, and what may be spent on it."""

    prompt: Annotated[
        str | None,
        Parameter(
            help="What should happen, in words: what an animator can do of it it does, for the rest a generator is "
            "planned.",
            metavar="TEXT",
        ),
    ] = None
    negative: Annotated[
        str | None, Parameter(help="What should not be seen in what is generated.", metavar="TEXT")
    ] = None
    end_frame: Annotated[
        Path | None, Parameter(help="The picture that a generated clip should end on.", metavar="PICTURE")
    ] = None
    hold: Annotated[
        float | None,
        Parameter(
            help="How firmly a generator keeps to the picture, 0 to 1: the conditioning weight.", metavar="SHARE"
        ),
    ] = None
    guidance: Annotated[
        float | None, Parameter(help="How firmly it keeps to the prompt, in its own numbers.", metavar="G")
    ] = None
    steps: Annotated[int | None, Parameter(help="In how many steps a local generator draws.", metavar="N")] = None
    expression: Annotated[
        Literal["neutral", "happy", "serious", "surprise"] | None,
        Parameter(help="What the person looks like while speaking, where a hosted engine does that.", metavar="LOOK"),
    ] = None
    takes: Annotated[
        int,
        Parameter(
            help="So many takes of what is generated, one seed each; they are inspected and ranked.", metavar="N"
        ),
    ] = 1
    budget: Annotated[
        str | None, Parameter(help="The most that may be spent, as in 5USD; more is refused.", metavar="MONEY")
    ] = None
    allow_paid: Annotated[bool, Parameter(help="An engine that costs money may be chosen without being named.")] = (
        False
    )
    keep_face: Annotated[bool, Parameter(help="The face must stay what it is, frame to frame.")] = False
    reference: Annotated[bool, Parameter(help="The still is a reference, not the deliverable.")] = False
    prefer: Annotated[
        Literal["predictable", "range"] | None, Parameter(help="A predictable clip, or range.", metavar="WHICH")
    ] = None

    def asked(self) -> dict[str, Any]:
        """The fields of a brief."""
        return {
            "prompt": self.prompt, "negative": self.negative, "end_frame": self.end_frame, "hold": self.hold,
            "guidance": self.guidance, "steps": self.steps, "expression": self.expression, "takes": self.takes,
            "budget": money_of(self.budget), "allow_paid": self.allow_paid, "keep_face": self.keep_face,
            "reference": self.reference, "prefer": self.prefer,
        }  # fmt: skip


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Moves:
    """What moves besides a mouth."""

    camera: Annotated[
        str | None,
        Parameter(
            help="A move in words, as in 'slow push in, slight tilt up', or a JSON of key frames.",
            metavar="WORDS|FILE",
        ),
    ] = None
    brush: Annotated[
        Path | None,
        Parameter(help="Brush strokes: what flows, and which way; a JSON, or a PNG beside one.", metavar="FILE"),
    ] = None
    ambient: Annotated[
        Literal["snow", "rain", "petals", "dust", "embers"] | None,
        Parameter(help="What drifts through the picture: snow, rain, petals, dust or embers.", metavar="KIND"),
    ] = None
    motion: Annotated[
        str | None,
        Parameter(
            help="What of the person moves by itself: any of blink,gaze,breathe,sway,hair, or none; all if not given.",
            metavar="LIST",
        ),
    ] = None
    strength: Annotated[float, Parameter(help="How far everything moves, 0 to 1.", metavar="SHARE")] = 1.0
    still: Annotated[
        str | None,
        Parameter(
            help="What must not move: any of face,eyes,mouth,hair,hands,body,background, or a PNG, white there.",
            metavar="LIST|FILE",
        ),
    ] = None
    depth: Annotated[
        Path | None, Parameter(help="A depth map for the camera, white where things are near.", metavar="FILE")
    ] = None
    depth_model: Annotated[Path | None, Parameter(help="An ONNX depth model that makes one.", metavar="FILE")] = None
    loop: Annotated[bool, Parameter(help="Bring the camera back, so that the clip loops.", negative="")] = False

    def asked(self) -> dict[str, Any]:
        """The fields of a brief."""
        parts, mask = _held(self.still)
        return {
            "camera": self.camera, "brush": self.brush, "ambient": self.ambient, "motion": _motions(self.motion),
            "strength": self.strength, "still": parts, "still_mask": mask, "depth": self.depth,
            "depth_model": self.depth_model, "loop": self.loop,
        }  # fmt: skip


NO_WORDS = Words()
STILL_LIFE = Moves()
NO_WISHES = Wishes()


def _motions(text: str | None) -> tuple[str, ...] | None:
    from stillwake.types import MOTIONS

    if text is None:
        return None
    return () if text.strip().lower() == "none" else tuple(_each(text, "--motion", (*MOTIONS, "none")))


def _held(text: str | None) -> tuple[tuple[str, ...], Path | None]:
    """The parts that are named, and the file that is."""
    from typing import get_args

    from stillwake.types import HeldPart

    names: list[str] = []
    files: list[str] = []
    for part in (text or "").split(","):
        (files if part.strip().lower().endswith(".png") else names).append(part)
    if len(files) > 1:
        raise UsageError("Cannot use --still", "there are two masks", "paint both into one")
    return (
        tuple(_each(",".join(names), "--still", get_args(HeldPart))) if text and names else (),
        Path(files[0].strip()) if files else None,
    )


def _each(text: str, option: str, known: Sequence[str]) -> Iterator[str]:
    """The words of a list with commas, each once, each one of those that are known."""
    import difflib

    seen = set()
    for word in (part.strip().lower() for part in text.split(",")):
        if word == "none" and word in known:
            raise UsageError(f"Cannot use {option} {text[:40]}", "none stands alone", "leave out the rest")
        if word not in known:
            near = difflib.get_close_matches(word, known, 1)
            hint = f"did you mean {near[0]}" if near else f"choose from {', '.join(known)}"
            raise UsageError(f"Cannot use {option} {word[:40]}", "there is no such part", hint)
        if word not in seen:
            yield word
        seen.add(word)


JudgeModel: TypeAlias = Annotated[str | None, Parameter(help="The model's name there.", metavar="NAME")]
Still: TypeAlias = Annotated[Path, Parameter(help="The picture: PNG, JPEG, WebP, AVIF, BMP or TIFF.")]
Out: TypeAlias = Annotated[Path | None, Parameter(name=["--out", "-o"], help="The file to write.", metavar="OUT")]
Overwrite: TypeAlias = Annotated[bool, Parameter(help="Replace what is already there.")]
Format: TypeAlias = Literal["json", "rhubarb-json", "rhubarb-tsv", "rhubarb-xml"]

EVERYDAY = Manner()

_NTSC = {"23.976": 24000, "23.98": 24000, "29.97": 30000, "47.952": 48000, "59.94": 60000, "119.88": 120000}
"""Decimal names of the rates that are really n/1001 (SMPTE ST 170 and its multiples)."""


LONGEST_TEXT = 1 << 20
"""bytes of a transcript file; ten hours of speech are half of that."""


def rate_of(text: str) -> Fraction:
    """Frames a second, from "25", "29.97" or "24000/1001"."""
    from fractions import Fraction

    if text in _NTSC:
        return Fraction(_NTSC[text], 1001)
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"Cannot use --fps {text}", "it is not a number", "try 25, 29.97 or 24000/1001") from error
    if not 1 <= rate <= 240:
        raise UsageError(f"Cannot use --fps {text}", "rates run from 1 to 240", "try 25, 29.97 or 24000/1001")
    return rate


def length_of(text: str) -> Fraction:
    """Seconds, from "6" or "7.5"."""
    from fractions import Fraction

    try:
        seconds = Fraction(text) if len(text) <= 32 else None
    except (ValueError, ZeroDivisionError):
        seconds = None
    if seconds is None or not 0 < seconds <= 36000:
        raise UsageError(f"Cannot use --seconds {text[:32]}", "it is not a length in seconds", "try 6 or 7.5")
    return seconds


def money_of(text: str | None) -> float | None:
    """USD, from "5USD" or "$5"."""
    import re

    if text is None:
        return None
    what = f"Cannot use --budget {text[:32]}"
    found = re.fullmatch(r"\s*(\$|us\$)?\s*(-?\d{1,9}(?:[.,]\d{1,4})?)\s*([a-z$€£¥]*)\s*", text.lower())
    if found is None:
        raise UsageError(what, "it is no amount of money", "write it like 5USD")
    if found[3] not in ("", "usd", "$", "dollar", "dollars"):
        raise UsageError(what, "prices are known in USD alone", "write it like 5USD")
    amount = float(found[2].replace(",", "."))
    if amount < 0:
        raise UsageError(
            what, "nobody can spend less than nothing", "write it like 5USD, or 0USD for free engines alone"
        )
    return amount


def size_of(text: str) -> Size:
    """Width and height in px, from "1280x720"."""
    sides = text.lower().replace("×", "x").split("x")
    if len(sides) != 2 or not all(side.isascii() and side.isdigit() and len(side) <= 5 for side in sides):
        raise UsageError(f"Cannot use --size {text}", "it is not a width and a height", "write it like 1280x720")
    return int(sides[0]), int(sides[1])


def transcript_of(words_or_file: str | None) -> str | None:
    """The words themselves, or those in the file of that name."""
    if words_or_file is None:
        return None
    path = Path(words_or_file)
    what = f"Cannot read the transcript {path.name}"
    try:
        if not path.is_file():
            if path.suffix.lower() == ".txt" and len(words_or_file.split()) == 1:
                raise TranscriptError(what, "there is no such file", "check the name and the folder")
            return words_or_file
        if path.stat().st_size > LONGEST_TEXT:
            raise TranscriptError(what, "it is larger than 1 MiB", "give the words alone")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TranscriptError(what, "it is not UTF-8 text", "save it as plain UTF-8 text") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return words_or_file
        raise TranscriptError(what, error.strerror or "it cannot be read", "check the file") from error
