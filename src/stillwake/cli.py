"""The command line. It reads what is asked, calls the rooms, and shows what they say; it computes nothing.

Results go to standard output, words and progress to standard error. Nothing heavy is imported until a verb runs,
so that ``stillwake --help`` answers at once.
"""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from cyclopts import App, CycloptsError, Parameter

from stillwake import __version__
from stillwake.errors import (
    Cancelled,
    InputError,
    NotReadyError,
    OutputError,
    StillError,
    StillwakeError,
    TranscriptError,
    UsageError,
)

if TYPE_CHECKING:
    from fractions import Fraction

    from stillwake.engines.remote import Job
    from stillwake.readiness import EndpointJudge
    from stillwake.types import Brief, Finding, Inspection, Plan, Progress, Report, RunRecord, Scene, Size
    from stillwake.workflow.film import FilmPlan, FilmRecord

__all__ = ["app", "main"]

app = App(
    name="stillwake",
    help="Brings a still to life: checks it, animates it on an ordinary CPU, and proves that the clip is clean.",
    help_epilogue=(
        "Exit status: 0 good; 1 our own fault; 2 wrong usage; 3 the input cannot be used; 4 not ready, or the clip "
        "did not pass; 5 the output cannot be written; 6 an engine or a voice is not available; 7 it would cost more "
        "than the budget, or somebody has to agree first; 8 a hosted engine did not do it; 130 interrupted."
    ),
    help_format="plaintext",
    version=__version__,
    default_parameter=Parameter(negative=(), show_default=False),
    suppress_keyboard_interrupt=False,
)


# ---------------------------------------------------------------------------------------------- what can be asked

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
                transcript=_text(self.transcript),
                language=self.language,
                face=self.face,
                face_file=self.face_file,
                fps=None if self.fps is None else _rate(self.fps),
                size=None if self.size is None else _size(self.size),
                aspect=self.aspect,
                engine=self.engine,
                model=self.model,
                smooth=self.smooth,
                seconds=None if self.seconds is None else _length(self.seconds),
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
            "budget": _money(self.budget), "allow_paid": self.allow_paid, "keep_face": self.keep_face,
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

DEMO_WORDS = (
    "Good morning. A minute ago I was a photograph, and photographs keep their mouths shut. "
    "Now my lips move, my eyes blink, and behind me nothing stirs."
)
"""Two sentences with several closures, and long enough for the time of the lips to be measured."""

LONGEST_TEXT = 1 << 20
"""bytes of a transcript file; ten hours of speech are half of that."""


def _rate(text: str) -> Fraction:
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


def _length(text: str) -> Fraction:
    from fractions import Fraction

    try:
        seconds = Fraction(text) if len(text) <= 32 else None
    except (ValueError, ZeroDivisionError):
        seconds = None
    if seconds is None or not 0 < seconds <= 36000:
        raise UsageError(f"Cannot use --seconds {text[:32]}", "it is not a length in seconds", "try 6 or 7.5")
    return seconds


def _money(text: str | None) -> float | None:
    """USD."""
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


def _size(text: str) -> Size:
    sides = text.lower().replace("×", "x").split("x")
    if len(sides) != 2 or not all(side.isascii() and side.isdigit() and len(side) <= 5 for side in sides):
        raise UsageError(f"Cannot use --size {text}", "it is not a width and a height", "write it like 1280x720")
    return int(sides[0]), int(sides[1])


def _text(words_or_file: str | None) -> str | None:
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


# ------------------------------------------------------------------------------------------------------ the verbs


@app.command
def check(
    stills: Annotated[list[Path], Parameter(help="The pictures.")],
    /,
    *,
    face: Annotated[int | None, Parameter(help="Which face, 1 being the largest.", metavar="N")] = None,
    face_file: FaceFile = None,
    family: Annotated[
        Literal["animator", "generator"] | None,
        Parameter(name="--for", help="Exit 4 only where this family of engines cannot take it."),
    ] = None,
    page: Annotated[
        Path | None,
        Parameter(name="--report", help="Also write one self-contained page; of one picture.", metavar="FILE"),
    ] = None,
    judge: Annotated[
        str | None,
        Parameter(
            help="Also ask a vision-language model behind an OpenAI-compatible endpoint, as in "
            "http://localhost:11434/v1. The crops it is asked about are sent there. A key goes into "
            "STILLWAKE_JUDGE_KEY.",
            metavar="URL",
        ),
    ] = None,
    judge_model: JudgeModel = None,
    overwrite: Overwrite = False,
    manner: Manner = EVERYDAY,
) -> int:
    """Whether a still is ready, by five signs, and what to mend.

    The signs are character, anatomy, expression, framing and background; each check passes, warns, fails, or is
    unseen where nothing could look. Ready means that no check fails.
    """
    from stillwake.workflow import look

    asked = _asked(judge, judge_model)
    if face_file is not None and len(stills) > 1:
        raise UsageError("Cannot use --face-file", "it is one picture's, and there are several", "check one at a time")
    if page is not None:
        from stillwake.media import check_output

        if len(stills) > 1:
            raise UsageError(
                "Cannot write the report", "there are several pictures and one page", "check one picture at a time"
            )
        check_output(page, overwrite)
    worst = 0
    for still in stills:
        try:
            with _watching(manner.quiet or asked is None) as on_progress:
                scene, report = look(still, face=face, face_file=face_file, judge=asked, on_progress=on_progress)
        except InputError as error:
            if len(stills) == 1:
                raise
            _complain(error, manner.verbose)
            worst = max(worst, error.exit_status)
            continue
        if page is not None:
            from stillwake.media import write_text
            from stillwake.report import page as page_of

            write_text(page, page_of(report, scene.still), overwrite)
        _write(report.to_json() if manner.json else "\n".join(_report_lines(report)))
        ready = report.ready if family is None else report.gates[family].verdict != "fail"
        worst = max(worst, 0 if ready else NotReadyError.exit_status)
    return worst


def _asked(url: str | None, model: str | None) -> EndpointJudge | None:
    if url is None and model is None:
        return None
    if url is None or model is None:
        raise UsageError(
            "Cannot ask a judge",
            "it takes both its address and its model",
            "give both, as in --judge http://localhost:11434/v1 --judge-model qwen2.5-vl",
        )
    from stillwake.readiness import EndpointJudge

    return EndpointJudge(url, model)


@app.command
def plan(
    still: Still,
    /,
    *,
    words: Words = Words(),
    moves: Moves = STILL_LIFE,
    wishes: Wishes = NO_WISHES,
    force: Annotated[bool, Parameter(help="Plan on where the five signs have something against the still.")] = False,
    out: Annotated[
        Path | None,
        Parameter(name=["--out", "-o"], help="Write the plan there, for animate --plan.", metavar="PLAN.json"),
    ] = None,
    overwrite: Overwrite = False,
    manner: Manner = EVERYDAY,
) -> int:
    """Which kind of engine fits and why, which one, in which size, for how long, and what it costs.

    Nothing is rendered and nothing is spent. What stands against carrying the plan out is said, with exit status 4
    (the still), 6 (the engine is not here) or 7 (the budget).
    """
    from stillwake.media import check_output, write_text
    from stillwake.workflow import portable_plan, propose

    if out is not None:
        check_output(out, overwrite)
    _, _, _, drawn = propose(still, words.brief(moves, wishes), force=force)
    drawn = portable_plan(drawn)
    if out is not None:
        write_text(out, drawn.model_dump_json(indent=2) + "\n", overwrite)
    _write(drawn.to_json() if manner.json else "\n".join(_plan_lines(drawn)))
    return _stopped(drawn)


def _stopped(plan: Plan) -> int:
    """What stands against a plan, said; the exit status of the first of it."""
    from stillwake.workflow import error_of

    errors = [error_of(obstacle) for obstacle in plan.obstacles]
    for error in errors:
        _say(str(error))
    return errors[0].exit_status if errors else 0


@app.command
def animate(
    still: Annotated[Path | None, Parameter(help="The picture.", show_default=False)] = None,
    /,
    *,
    out: Annotated[
        Path | None,
        Parameter(
            name=["--out", "-o"],
            help="The clip, .mp4 .webm .mov .gif .webp .apng or .avif, or frames/%05d.png for lossless frames.",
            metavar="OUT",
        ),
    ] = None,
    words: Words = Words(),
    moves: Moves = STILL_LIFE,
    wishes: Wishes = NO_WISHES,
    resume: Annotated[
        bool, Parameter(help="Go on with the run that was broken off last; nothing is paid for twice.")
    ] = False,
    plan: Annotated[
        Path | None,
        Parameter(help="Carry out this plan, as stillwake plan -o writes it, perhaps edited.", metavar="PLAN.json"),
    ] = None,
    force: Annotated[bool, Parameter(help="Go on where the five signs have something against the still.")] = False,
    dry_run: Annotated[bool, Parameter(help="Print the plan, with its price, and stop.")] = False,
    sheet: Annotated[
        Path | None, Parameter(help="Also write a contact sheet of the clip, a PNG.", metavar="FILE")
    ] = None,
    overwrite: Overwrite = False,
    manner: Manner = EVERYDAY,
) -> int:
    """Make a still speak or, without words, live: a loop, a camera move, brushed water; writes OUT and OUT.json."""
    from stillwake.workflow import Run, animate, broken_off, open_plan, portable_plan, propose, record_path

    brief, drawn = words.brief(moves, wishes), None
    plain = brief == Words().brief()
    if resume and not (plain and still is None and out is None and plan is None):
        raise UsageError(
            "Cannot use --resume with a brief", "the run that was broken off has its own", "say --resume alone"
        )
    if plan is not None:
        if not plain:
            raise UsageError(
                "Cannot use --plan with a brief", "the plan has its own", "edit the plan, or leave out --plan"
            )
        drawn = open_plan(plan)
        brief = drawn.brief or brief
    if not resume and still is None:
        raise UsageError(
            "Cannot animate", "no still was named", "name one (stillwake animate --help), or --resume a run"
        )
    if dry_run and still is not None:
        shown = portable_plan(drawn if drawn is not None else propose(still, brief, force=force)[3])
        _write(shown.to_json() if manner.json else "\n".join(_plan_lines(shown)))
        return _stopped(shown)
    if resume:
        run = broken_off()
        if not manner.quiet:
            _say(f"going on with {run.picture.name} -> {run.out}")
    elif still is None or out is None:
        raise UsageError("Cannot animate", "nothing says where to", "name the clip with --out OUT.mp4")
    else:
        run = Run(picture=still, brief=brief, out=out, sheet=sheet, overwrite=overwrite, force=force, plan=drawn)
    with _watching(manner.quiet) as on_progress:
        record = animate(
            run.picture, run.brief, run.out, overwrite=run.overwrite, sheet=run.sheet, plan=run.plan,
            force=run.force, on_progress=on_progress,
        )  # fmt: skip
    if not manner.quiet:
        _say("\n".join(_record_lines(record)))
    _write(record.to_json() if manner.json else str(run.out))
    return _judge(record.inspection, f"{run.out} and {record_path(run.out).name} are kept: look at them")


@app.command
def assemble(
    storyboard: Annotated[Path, Parameter(help="The storyboard, a TOML file; docs/assemble.md says what it holds.")],
    /,
    *,
    out: Annotated[
        Path | None, Parameter(name=["--out", "-o"], help="The film, .mp4 .webm or .mov.", metavar="OUT")
    ] = None,
    captions: Annotated[
        Path | None, Parameter(help="Also write the captions, a .srt or .vtt.", metavar="FILE")
    ] = None,
    otio: Annotated[
        Path | None, Parameter(help="Also write the edit for an editor's program, an .otio.", metavar="FILE")
    ] = None,
    sheet: Annotated[
        Path | None, Parameter(help="Also write a page with a picture of each shot, a PNG.", metavar="FILE")
    ] = None,
    dry_run: Annotated[bool, Parameter(help="Plan all of it and print the edit; render nothing.")] = False,
    overwrite: Overwrite = False,
    manner: Manner = EVERYDAY,
) -> int:
    """Make a film of a storyboard: render its shots, lay, mix, join and inspect them; writes OUT and OUT.json.

    Every shot is planned before the first is rendered. Finished shots lie in OUT's .shots folder and are used again:
    after a failure or a change the same command goes on from there.
    """
    from stillwake.workflow.film import assemble, plan_film

    with _watching(manner.quiet) as on_progress:
        if dry_run:
            shots = None if out is None else out.with_name(f"{out.stem}.shots")
            film = plan_film(storyboard, shots=shots, on_progress=on_progress)
        elif out is None:
            raise UsageError(
                f"Cannot assemble {storyboard.name}", "nothing says where to", "name the film with -o OUT.mp4"
            )
        else:
            record = assemble(
                storyboard,
                out,
                captions=captions,
                otio=otio,
                sheet=sheet,
                overwrite=overwrite,
                on_progress=on_progress,
            )
    if dry_run:
        _write(film.record.to_json() if manner.json else "\n".join(_edit_lines(film)))
        return 0
    if not manner.quiet:
        _say("\n".join(_film_lines(record)))
    _write(record.to_json() if manner.json else str(out))
    bad = [f"shot {shot.shot} ({shot.name})" for shot in record.shots if shot.passed is False]
    if record.inspection.passed and bad:
        what = f"{record.inspection.clip.name} did not pass its inspection"
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        _say(str(NotReadyError(what, f"{bad[0]} did not{more}", "see the records of the shots")))
        return NotReadyError.exit_status
    return _judge(record.inspection, f"{out} and its record are kept: look at them")


@app.command
def inspect(
    clip: Annotated[Path, Parameter(help="The clip: any video file.")],
    /,
    *,
    still: Annotated[Path | None, Parameter(help="The still it was made from.", metavar="STILL")] = None,
    sound: Annotated[
        Path | None, Parameter(help="The recording it should follow; the clip's own if not given.", metavar="FILE")
    ] = None,
    transcript: Annotated[
        str | None, Parameter(help="What is said in it: the words, or a text file.", metavar="TEXT|FILE")
    ] = None,
    language: Annotated[str | None, Parameter(help="The language, as in en, en-gb, fr, cmn.", metavar="CODE")] = None,
    loop: Annotated[bool, Parameter(help="It is meant as a loop: its end must flow into its beginning.")] = False,
    engine: Annotated[
        str | None,
        Parameter(
            help="What made it: animator, runway, kling, luma, svd, wan, did, heygen, ... A fix then names what can "
            "be turned there.",
            metavar="NAME",
        ),
    ] = None,
    prompt: Annotated[str | None, Parameter(help="The words that a generator was given.", metavar="TEXT")] = None,
    camera: Annotated[
        str | None,
        Parameter(
            help="How the camera should move, as in 'slow push in', or a JSON of key frames.", metavar="WORDS|FILE"
        ),
    ] = None,
    judge: Annotated[
        str | None,
        Parameter(
            help="Also ask a vision-language model behind an OpenAI-compatible endpoint, as in "
            "http://localhost:11434/v1, whether the clip shows what --prompt names. A few frames are sent there. "
            "A key goes into STILLWAKE_JUDGE_KEY.",
            metavar="URL",
        ),
    ] = None,
    judge_model: JudgeModel = None,
    page: Annotated[
        Path | None,
        Parameter(
            name="--report", help="Also write one self-contained page: faults, frames, measures.", metavar="FILE"
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        Parameter(help="Also write a contact sheet: the faults and the telling moments, a PNG.", metavar="FILE"),
    ] = None,
    overwrite: Overwrite = False,
    manner: Manner = EVERYDAY,
) -> int:
    """Whether a clip can be delivered: where it is not clean, the second, the place, the size of the fault, the fix.

    A clip of stillwake's own is held against its record, if that lies beside it; nothing need be said again. What
    could not be seen is called unseen, never good.
    """
    from stillwake.workflow import examine

    asked = _asked(judge, judge_model)
    with _watching(manner.quiet) as on_progress:
        inspection = examine(
            clip,
            still=still,
            sound=sound,
            transcript=_text(transcript),
            language=language,
            loop=loop,
            engine=engine,
            prompt=prompt,
            camera=camera,
            judge=asked,
            report=page,
            sheet=sheet,
            overwrite=overwrite,
            on_note=None if manner.quiet else _say,
            on_progress=on_progress,
        )
    _write(inspection.to_json() if manner.json else "\n".join(_inspection_lines(inspection)))
    return _judge(inspection, f"{page.name} shows it" if page is not None else "see the findings")


@app.command
def speech(
    sound: Annotated[Path | None, Parameter(help="A recording: any sound or video file.")] = None,
    /,
    *,
    say: Annotated[str | None, Parameter(help="Words for a voice to say instead.", metavar="TEXT")] = None,
    voice: Annotated[str | None, Parameter(help="The voice that says them.", metavar="NAME")] = None,
    transcript: Annotated[
        str | None, Parameter(help="What is said in the recording: the words, or a text file.", metavar="TEXT|FILE")
    ] = None,
    language: Annotated[str | None, Parameter(help="The language, as in en, en-gb, fr, cmn.", metavar="CODE")] = None,
    format: Annotated[Format, Parameter(help="Our own record, or one of Rhubarb Lip Sync's formats.")] = "json",
    voices: Annotated[bool, Parameter(help="List the voices and stop.")] = False,
    out: Out = None,
    overwrite: Overwrite = False,
    manner: Manner = EVERYDAY,
) -> None:
    """When which sound is spoken and which shape the mouth has: the timeline of a recording or of words."""
    if voices:
        _list_voices(language, manner)
        return
    from stillwake.media import check_output, write_text
    from stillwake.speech import export
    from stillwake.types import Brief
    from stillwake.workflow import hear

    if out is not None:
        check_output(out, overwrite)
    brief = Brief(say=say, voice=voice, sound=sound, transcript=_text(transcript), language=language)
    heard = hear(brief)
    if not manner.quiet:
        for note in heard.notes:
            _say(note)
    text = export(heard, format)
    if out is None:
        _write(text.removesuffix("\n"))
    else:
        write_text(out, text, overwrite)


@app.command
def perceive(
    still: Still,
    /,
    *,
    face: Annotated[
        int | None, Parameter(help="One face alone, 1 being the largest, to be edited and given back.", metavar="N")
    ] = None,
    face_file: FaceFile = None,
    mesh: Annotated[bool, Parameter(help="Also the dense mesh of each face.")] = False,
    out: Out = None,
    overwrite: Overwrite = False,
    manner: Manner = EVERYDAY,
) -> None:
    """What is seen in a still, as JSON: faces with their contours, and what only looked like one.

    A face can be put right by hand: write it with --face N -o FACE.json, edit it, and give it back with --face-file.
    One that nobody finds is given by its box alone: {"schema": "stillwake/face@1", "box": [left, top, right, bottom]}.
    """
    from stillwake.media import check_output, write_text
    from stillwake.perceive import record_of, text_of, written
    from stillwake.workflow import look

    del manner  # the answer is JSON in any case
    if out is not None:
        check_output(out, overwrite)
    scene, _ = look(still, face=face, face_file=face_file)
    if face is None:
        record, text = None, json.dumps(_scene(scene, mesh))
    else:
        if not scene.faces:
            raise StillError(f"Cannot use face {face} of {scene.still.name}", "no face was found in it", _GIVE_A_BOX)
        record = record_of(scene.faces[face - 1], scene.still, mesh=mesh)
        text = json.dumps(written(record))
    if out is None:
        _write(text)
    else:
        write_text(out, text + "\n" if record is None else text_of(record), overwrite)


jobs = App(
    name="jobs",
    help="Work that hosted engines were asked for: list it, go on with it, cancel it.",
    default_parameter=app.default_parameter,
)
app.command(jobs)

JobId: TypeAlias = Annotated[str, Parameter(help="The job; the beginning of its id is enough.", metavar="ID")]


@jobs.default
def list_jobs(*, manner: Manner = EVERYDAY) -> None:
    """Every job that was asked for, the newest first: its state, its price, and what to do about it."""
    from stillwake.engines import remote

    for job in remote.jobs():
        _write(json.dumps(_job_row(job)) if manner.json else _job_line(job))


@jobs.command
def resume(job: JobId, /, *, manner: Manner = EVERYDAY) -> None:
    """Go on with a job until its clip is kept here; plain repetition of its animate then takes it."""
    from stillwake.engines import remote

    with _watching(manner.quiet) as on_progress:
        _tell_job(remote.resume(job, on_progress), manner)


@jobs.command
def cancel(job: JobId, /, *, manner: Manner = EVERYDAY) -> None:
    """Stop a job at its provider; what it has cost by then may not come back."""
    from stillwake.engines import remote

    _tell_job(remote.cancel(job), manner)


@jobs.command
def adopt(
    job: JobId,
    provider_id: Annotated[str, Parameter(help="The id that the provider's own page shows.", metavar="PROVIDER_ID")],
    /,
    *,
    manner: Manner = EVERYDAY,
) -> None:
    """Say which of the provider's jobs this one is, where the connection broke before its id came."""
    from stillwake.engines import remote

    _tell_job(remote.adopt(job, provider_id), manner)


@jobs.command
def resend(job: JobId, /, *, manner: Manner = EVERYDAY) -> None:
    """Ask for a job again, whatever became of it: it may then be paid for twice, and you say so."""
    from stillwake.engines import remote

    with _watching(manner.quiet) as on_progress:
        _tell_job(remote.resend(job, on_progress), manner)


@jobs.command
def forget(
    job: JobId,
    /,
    *,
    running: Annotated[bool, Parameter(help="Even one that runs, or may run, and may have been paid for.")] = False,
    manner: Manner = EVERYDAY,
) -> None:
    """Take a job and its kept clip out of the journal."""
    from stillwake.engines import remote

    remote.forget(job, running=running)


def _tell_job(job: Job, manner: Manner) -> None:
    _write(json.dumps(_job_row(job)) if manner.json else _job_line(job))


def _job_row(job: Job) -> dict[str, Any]:
    """A job for scripts; the file of its clip is a name."""
    return {
        "id": job.id, "engine": job.engine, "model": job.model, "state": job.state, "clip": job.name,
        "provider_id": job.provider_id, "seconds": job.seconds, "price": job.price, "cost": job.cost,
        "cost_told": job.cost_told, "created": job.created, "result": None if job.result is None else job.result.name,
        "why": job.error,
    }  # fmt: skip


def _job_line(job: Job) -> str:
    from datetime import datetime

    when = datetime.fromtimestamp(job.created).strftime("%Y-%m-%d %H:%M")
    paid = job.cost_told or (f"${job.cost:.2f}" if job.cost is not None else f"~${job.price:.2f}" if job.price else "")
    line = f"{job.id:<10} {job.engine:<8} {job.state:<10} {when}  {job.seconds:>5.1f} s  {paid:<12} {job.name}"
    return f"{line.rstrip()}{f'  {job.error}' if job.error else ''}"


@app.command
def voices(
    engine: Annotated[str, Parameter(help="A hosted engine: heygen, did, runway.", metavar="ENGINE")],
    /,
    *,
    clone: Annotated[
        Path | None, Parameter(help="A recording of the voice to be copied there.", metavar="RECORDING")
    ] = None,
    name: Annotated[str | None, Parameter(help="What the copy is called.", metavar="NAME")] = None,
    consent: Annotated[
        str | None,
        Parameter(help="Whose voice it is, who agreed to its being copied; it is written down.", metavar="PERSON"),
    ] = None,
    manner: Manner = EVERYDAY,
) -> None:
    """The voices of a hosted engine, for --voice; with --clone, one more, copied from a recording."""
    from stillwake.engines import remote

    if clone is not None:
        voice = remote.clone_voice(engine, clone, name or clone.stem, consent or "")
        _write(json.dumps({"id": voice, "name": name or clone.stem}) if manner.json else voice)
        return
    if name is not None or consent is not None:
        raise UsageError("Cannot copy a voice", "there is no recording of it", "give one with --clone RECORDING")
    for number, title, language in remote.voices(engine):
        row = {"id": number, "name": title, "language": language}
        _write(json.dumps(row) if manner.json else f"{number:<34} {language:<10} {title}".rstrip())


@app.command
def engines(
    *,
    download: Annotated[
        str | None, Parameter(help="Fetch the weights of this engine, after showing their licence.", metavar="ENGINE")
    ] = None,
    model: Annotated[str | None, Parameter(help="Others than its usual ones, by their id.", metavar="ID")] = None,
    accept_licence: Annotated[
        str | None, Parameter(help="The licence that you accept, by its name.", metavar="LICENCE")
    ] = None,
    manner: Manner = EVERYDAY,
) -> None:
    """The engines that are installed, and whether they can run here; with --download, the weights of one."""
    from stillwake.engines import engine_names, load_engine

    if download is not None:
        from stillwake.engines.diffusion import weights

        with _watching(manner.quiet) as on_progress:
            _write(str(weights.download(download, model or "", accept_licence or "", on_progress)))
        return
    if model is not None or accept_licence is not None:
        raise UsageError("Cannot use --model here", "nothing is to be fetched", "say which engine's with --download")
    for name in engine_names():
        try:
            engine = load_engine(name)
        except StillwakeError as error:
            row: dict[str, Any] = {"name": name, "available": False, "why": error.why, "fix": error.fix}
            line = f"{name:<10} not available: {error.why}; {error.fix}"
        else:
            row = {
                "name": name,
                "available": True,
                "family": engine.family,
                "motions": sorted(engine.motions),
                "summary": engine.summary,
            }
            line = f"{name:<10} {engine.family:<10} {', '.join(sorted(engine.motions)):<12} {engine.summary}"
        _write(json.dumps(row) if manner.json else line)


@app.command
def doctor(*, manner: Manner = EVERYDAY) -> int:
    """Whether this machine has everything: one line for each thing that is needed."""
    from stillwake.doctor import examine_machine
    from stillwake.errors import UnavailableError

    healthy = True
    for thing in examine_machine():
        healthy = healthy and thing.good
        if manner.json:
            _write(json.dumps({"name": thing.name, "good": thing.good, "words": thing.words, "fix": thing.fix}))
        else:
            _write(
                f"{'ok ' if thing.good else 'BAD'} {thing.name:<22} {thing.words}"
                + (f"; {thing.fix}" if thing.fix else "")
            )
    return 0 if healthy else UnavailableError.exit_status


@app.command
def demo(
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="The folder to write into.", metavar="FOLDER")] = Path(
        "demo"
    ),
    overwrite: Overwrite = False,
    manner: Manner = EVERYDAY,
) -> int:
    """Make two talking portraits: of a photograph, NASA's astronaut that comes with scikit-image, and of a drawing."""
    from stillwake.doctor import demo_drawing, demo_still

    stills = {"astronaut": demo_still(), "mira": demo_drawing()}
    with _output_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    status = 0
    for name, still in stills.items():
        status = status or animate(
            still,
            out=out / f"{name}.mp4",
            words=Words(say=DEMO_WORDS),
            sheet=out / f"{name}-sheet.png",  # a name of its own: the still is called mira.png
            overwrite=overwrite,
            manner=manner,
        )
    if not manner.quiet:
        made = " and ".join(str(out / f"{name}.mp4") for name in stills)
        _say(f"The talking portraits lie in {made}, a record and a contact sheet beside each.")
    return status


# ------------------------------------------------------------------------------------------------- what is shown


def _list_voices(language: str | None, manner: Manner) -> None:
    from dataclasses import asdict

    from stillwake.speech import voices

    for voice in voices():
        if language is not None and not any(
            spoken == language or spoken.startswith(f"{language}-") for spoken in voice.languages
        ):
            continue
        if manner.json:
            _write(json.dumps(asdict(voice), ensure_ascii=False))
        else:
            _write(f"{voice.name:<20} {', '.join(voice.languages):<24} {voice.title}")


def _report_lines(report: Report) -> Iterator[str]:
    from stillwake.readiness import advice

    still = report.still
    stopped = report.ready and report.gates["animator"].verdict == "fail"
    word = "not ready" if not report.ready else "ready, but not for an animator" if stopped else "ready"
    yield f"{still.name}: {word} ({report.style}, {still.width}×{still.height})"
    for sign in report.signs:
        yield f"  {sign.sign:<11} {sign.verdict}"
        yield from _finding_lines(sign.findings)
    yield f"  {'file':<11} {report.file.verdict}"
    yield from _finding_lines(report.file.findings)
    for family, gate in report.gates.items():
        yield f"  for {'an' if family == 'animator' else 'a'} {family}: {gate.verdict}, {gate.why}"
    if told := advice(report):
        yield f"  {told}"
    if report.judge is not None and report.judge.note:
        yield f"  judge:      {report.judge.note}"


_TOLD = frozenset({"description", "expression", "shot"})
"""Checks that say what was read in the picture, which the person can hold against what they meant."""


def _finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        if finding.verdict in ("warn", "fail"):
            at = "" if finding.box is None else f" [at {', '.join(f'{v:.0f}' for v in finding.box)}]"
            yield f"    {finding.verdict}: {_finding_words(finding)}{at}"
        elif finding.check in _TOLD:
            yield f"    {finding.check}: {finding.why}"
    missing = [finding.check for finding in findings if finding.verdict == "unseen"]
    if missing:
        yield f"    unseen: {', '.join(missing)}"


def _finding_words(finding: Finding) -> str:
    return f"{finding.check}{_measured(finding)}: {finding.why}" + (f"; {finding.fix}" if finding.fix else "")


def _measured(finding: Finding) -> str:
    if finding.measured is None:
        return ""
    limit = "" if finding.limit is None else f" (limit {finding.limit:.4g})"
    return f" {finding.measured:.4g} {finding.unit}".rstrip() + limit


def _plan_lines(plan: Plan) -> Iterator[str]:
    from stillwake.makers import known

    for shot in plan.shots:
        times = f"{shot.repeat} × " if shot.repeat > 1 else ""
        takes = f", {shot.takes} takes" if shot.takes > 1 else ""
        engine = f"{shot.engine} {shot.model}".rstrip()
        yield (
            f"{engine} ({shot.family}), {shot.motion}, {times}{float(shot.seconds):.2f} s, "
            f"{shot.size[0]}×{shot.size[1]}, "
            f"{shot.fps} frames/s, {shot.frame_count} frames, seed {shot.seed}{takes}"
        )
        if shot.family == "generator" and shot.prompt:
            yield f"  prompt: {shot.prompt}"
        yield from (f"  {reason}" for reason in shot.reasons)
    unknown = [
        shot for shot in plan.shots
        if (maker := known(shot.engine, shot.model)) is not None and maker.cost(shot.seconds) is None
    ]  # fmt: skip
    cost = f"${plan.price:.2f}" if plan.price or unknown else "nothing"
    if unknown:
        cost = f"{cost} and more, nobody knows how much" if plan.price else "nobody knows how much"
    wait = "" if plan.wait is None else f", takes about {_duration(plan.wait)}"
    yield f"costs {cost}{wait}"
    yield from (f"  note: {warning}" for warning in plan.warnings)


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )


def _inspection_lines(inspection: Inspection) -> Iterator[str]:
    clip = inspection.clip
    yield (
        f"{clip.name}: {'passed' if inspection.passed else 'did not pass'} "
        f"({clip.frame_count} frames, {clip.width}×{clip.height}, {clip.fps} frames/s)"
    )
    for finding in inspection.findings:
        where = "" if finding.start is None else f" at {finding.start:.2f} s"
        if finding.start is not None and finding.end is not None and finding.end - finding.start > 0.1:
            where = f" from {finding.start:.2f} to {finding.end:.2f} s"
        if finding.box is not None:
            where += f" [at {', '.join(f'{value:.0f}' for value in finding.box)}]"
        fix = f"; {finding.fix}" if finding.fix and finding.verdict in ("warn", "fail") else ""
        yield f"  {finding.verdict:<7} {finding.check}{_measured(finding)}{where}: {finding.why}{fix}"


def _record_lines(record: RunRecord) -> Iterator[str]:
    yield from _plan_lines(record.plan)
    for take in record.takes:
        turned = f", {take.changed}" if take.changed else ""
        taken = ", taken" if take.chosen else ""
        yield f"shot {take.shot}, take {take.rank}{taken}: seed {take.seed}{turned}: {take.why} ({take.name})"
    yield from _inspection_lines(record.inspection)
    seconds = record.seconds
    yield (
        f"{seconds['total']:.1f} s in all: first frame after {seconds['before_first_frame']:.1f} s, "
        f"rendered in {seconds['render']:.1f} s, inspected in {seconds['inspect']:.1f} s"
        if "render" in seconds
        else f"{seconds['total']:.1f} s in all, {seconds['takes']:.1f} s of it for the takes"
    )


def _edit_lines(film: FilmPlan) -> Iterator[str]:
    edit = film.laid.edit
    width, height = edit.size
    yield (
        f"{film.board.path.name}: {float(edit.seconds):.2f} s, {edit.frame_count} frames, {width}×{height}, "
        f"{edit.fps} frames/s"
    )
    for picture in edit.pictures:
        begin, end = float(picture.start / edit.fps), float(picture.end / edit.fps)
        how = "" if picture.transition == "cut" else f", {picture.transition} of {picture.frames} frames"
        yield f"  shot {picture.shot + 1} ({picture.name}): {begin:.2f} to {end:.2f} s{how}"
    for track in edit.tracks:
        whose = "the film's" if track.shot is None else f"shot {track.shot + 1}"
        part = "" if track.loops else f", its seconds {float(track.begin):.2f} to {float(track.end):.2f}"
        yield f"  sound {track.sound.name} ({whose}): from {float(track.start):.2f} s{part}"
    for caption in film.captions:
        words = caption.text.replace("\n", " / ")
        yield f"  caption: {float(caption.start):.2f} to {float(caption.end):.2f} s: {words}"
    yield from (f"  note: {note}" for note in film.notes)


def _film_lines(record: FilmRecord) -> Iterator[str]:
    for shot in record.shots:
        how = "as it came" if shot.passed is None else "passed" if shot.passed else "did not pass"
        yield f"shot {shot.shot} ({shot.name}): {shot.clip}, {how}{', rendered before' if shot.reused else ''}"
    yield from (f"  note: {note}" for note in record.notes)
    yield from _inspection_lines(record.inspection)
    seconds = record.seconds
    yield f"{seconds['total']:.1f} s in all, {seconds['shots']:.1f} s of them for the shots"


def _numbers(values: Any) -> Any:
    """Arrays and tuples as nested lists, rounded to a hundredth of a px."""
    import numpy as np

    return np.round(np.asarray(values, float), 2).tolist()


_GIVE_A_BOX = 'give its box with --face-file: {"schema": "stillwake/face@1", "box": [left, top, right, bottom]}'


def _scene(scene: Scene, mesh: bool) -> dict[str, Any]:
    """The record of a scene; each of its faces can be cut out, edited and given back."""
    from stillwake.perceive import record_of, written

    width, height = scene.still.size
    return {
        "schema": "stillwake/scene@1",
        "still": {
            "name": scene.still.name,
            "sha256": scene.still.sha256,
            "width": width,
            "height": height,
            "notes": list(scene.still.notes),
        },
        "style": scene.style,
        "faces": [written(record_of(face, scene.still, mesh=mesh)) for face in scene.faces],
        "given": list(scene.given),
        "refused": [{"box": _numbers(refused.box), "why": refused.why} for refused in scene.refused],
        "matte": None if scene.matte is None else {"share": round(float(scene.matte.mean()), 4)},
        "seen": dict(scene.seen),
    }


def _judge(inspection: Inspection, fix: str) -> int:
    if inspection.passed:
        return 0
    worst = [finding for finding in inspection.findings if finding.verdict == "fail"]
    why = "; ".join(_finding_words(finding) for finding in worst[:1]) or "a finding failed"
    more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
    _say(str(NotReadyError(f"{inspection.clip.name} did not pass its inspection", why + more, fix)))
    return NotReadyError.exit_status


def _write(text: str) -> None:
    """A result, to standard output."""
    print(text, flush=True)


def _say(text: str) -> None:
    """Words, to standard error."""
    print(text, file=sys.stderr, flush=True)


STAGES = {
    "look": "looking at the still",
    "judge": "asking the judge",
    "listen": "listening",
    "ready": "getting ready",
    "load": "loading the model",
    "generate": "generating",
    "download": "fetching weights",
    "send": "sending",
    "wait": "waiting for the engine",
    "fetch": "fetching the clip",
    "render": "rendering",
    "encode": "encoding",
    "inspect": "inspecting",
    "plan": "planning",
    "shots": "rendering the shots",
    "mix": "mixing",
    "join": "joining",
    "prove": "inspecting the film",
}


@contextmanager
def _watching(quiet: bool) -> Iterator[Progress]:
    """A progress callback that draws a bar on standard error, where somebody looks at one."""
    from stillwake.types import no_progress

    if quiet or not sys.stderr.isatty():
        yield no_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True) as bars:

        def on_progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(STAGES.get(stage, stage), total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield on_progress


# ------------------------------------------------------------------------------------------------------- the door


@contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"Cannot write {path}", error.strerror or "it failed", "choose another place") from error


@contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C and SIGTERM both raise `KeyboardInterrupt`, once; the tidying up that follows is not disturbed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        for other in (signal.SIGINT, signal.SIGTERM):
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _complain(error: StillwakeError, verbose: bool) -> None:
    if verbose:
        import traceback

        _say("".join(traceback.format_exception(error)).rstrip())
    _say(str(error))


def _usage(error: CycloptsError) -> UsageError:
    """What cyclopts found wrong with the command, as one sentence of ours."""
    verb = " ".join(["stillwake", *(error.command_chain or ())])
    words = " ".join(str(error).split()).partition(" Available commands:")[0]
    why = words.rstrip(".?").replace(". Did you mean", ", did you mean")
    return UsageError(f"Cannot run {verb}", why[:1].lower() + why[1:], f"see {verb} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status of a command.

    Parameters
    ----------
    argv
        The words after ``stillwake``; those of the process if None.
    """
    tokens = list(sys.argv[1:] if argv is None else argv)
    verbose = "-v" in tokens or "--verbose" in tokens
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without × or a name that is no text: no reason to fail
    run: Callable[..., int | None] = app
    with _stoppable():
        try:
            status = run(tokens, exit_on_error=False, print_error=False, verbose=False, result_action="return_value")
            sys.stdout.flush()
        except CycloptsError as error:
            _complain(_usage(error), False)
            return UsageError.exit_status
        except StillwakeError as error:
            _complain(error, verbose)
            return error.exit_status
        except KeyboardInterrupt:
            _complain(Cancelled(), False)
            return Cancelled.exit_status
        except BrokenPipeError:
            # The reader has what it wanted (stillwake ... | head); Python would complain again in its last flush.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except Exception as error:  # the outermost door: a fault of ours must still end in a sentence
            if verbose:
                raise
            words = " ".join(str(error).split())[:300]
            _say(
                f"Something went wrong inside stillwake ({type(error).__name__}: {words}): this is our fault; please "
                "report it with what the same command prints with -v."
            )
            return 1
    return status or 0
