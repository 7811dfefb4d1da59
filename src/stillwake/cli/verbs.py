"""The verbs: each reads what is asked, calls the rooms, and shows what they say; it computes nothing.

Nothing heavy is imported until a verb runs, so that ``stillwake --help`` answers at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from stillwake import __version__
from stillwake.cli import telling
from stillwake.cli.asking import (
    EVERYDAY,
    NO_WISHES,
    NO_WORDS,
    PLAIN,
    STILL_LIFE,
    FaceFile,
    Format,
    JudgeModel,
    Manner,
    Moves,
    Out,
    Overwrite,
    Still,
    Wishes,
    Words,
    transcript_of,
)
from stillwake.cli.jobs import jobs
from stillwake.errors import InputError, NotReadyError, OutputError, StillError, StillwakeError, UsageError

if TYPE_CHECKING:
    from stillwake.readiness import EndpointJudge
    from stillwake.types import Inspection, Plan

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
    default_parameter=PLAIN,
    suppress_keyboard_interrupt=False,
)
app.command(jobs)

DEMO_WORDS = (
    "Good morning. A minute ago I was a photograph, and photographs keep their mouths shut. "
    "Now my lips move, my eyes blink, and behind me nothing stirs."
)
"""Two sentences with several closures, and long enough for the time of the lips to be measured."""

_GIVE_A_BOX = 'give its box with --face-file: {"schema": "stillwake/face@1", "box": [left, top, right, bottom]}'


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
            with telling.watching(manner.quiet or asked is None) as on_progress:
                scene, report = look(still, face=face, face_file=face_file, judge=asked, on_progress=on_progress)
        except InputError as error:
            if len(stills) == 1:
                raise
            telling.complain(error, manner.verbose)
            worst = max(worst, error.exit_status)
            continue
        if page is not None:
            from stillwake.media import write_text
            from stillwake.report import page as page_of

            write_text(page, page_of(report, scene.still), overwrite)
        telling.write(report.to_json() if manner.json else "\n".join(telling.report_lines(report)))
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
    words: Words = NO_WORDS,
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
    telling.write(drawn.to_json() if manner.json else "\n".join(telling.plan_lines(drawn)))
    return _stopped(drawn)


def _stopped(plan: Plan) -> int:
    """What stands against a plan, said; the exit status of the first of it."""
    from stillwake.workflow import error_of

    errors = [error_of(obstacle) for obstacle in plan.obstacles]
    for error in errors:
        telling.say(str(error))
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
    words: Words = NO_WORDS,
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
        telling.write(shown.to_json() if manner.json else "\n".join(telling.plan_lines(shown)))
        return _stopped(shown)
    if resume:
        run = broken_off()
        if not manner.quiet:
            telling.say(f"going on with {run.picture.name} -> {run.out}")
    elif still is None or out is None:
        raise UsageError("Cannot animate", "nothing says where to", "name the clip with --out OUT.mp4")
    else:
        run = Run(picture=still, brief=brief, out=out, sheet=sheet, overwrite=overwrite, force=force, plan=drawn)
    with telling.watching(manner.quiet) as on_progress:
        record = animate(
            run.picture, run.brief, run.out, overwrite=run.overwrite, sheet=run.sheet, plan=run.plan,
            force=run.force, on_progress=on_progress,
        )  # fmt: skip
    if not manner.quiet:
        telling.say("\n".join(telling.record_lines(record)))
    telling.write(record.to_json() if manner.json else str(run.out))
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

    with telling.watching(manner.quiet) as on_progress:
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
        telling.write(film.record.to_json() if manner.json else "\n".join(telling.edit_lines(film)))
        return 0
    if not manner.quiet:
        telling.say("\n".join(telling.film_lines(record)))
    telling.write(record.to_json() if manner.json else str(out))
    bad = [f"shot {shot.shot} ({shot.name})" for shot in record.shots if shot.passed is False]
    if record.inspection.passed and bad:
        what = f"{record.inspection.clip.name} did not pass its inspection"
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        telling.say(str(NotReadyError(what, f"{bad[0]} did not{more}", "see the records of the shots")))
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
    with telling.watching(manner.quiet) as on_progress:
        inspection = examine(
            clip,
            still=still,
            sound=sound,
            transcript=transcript_of(transcript),
            language=language,
            loop=loop,
            engine=engine,
            prompt=prompt,
            camera=camera,
            judge=asked,
            report=page,
            sheet=sheet,
            overwrite=overwrite,
            on_note=None if manner.quiet else telling.say,
            on_progress=on_progress,
        )
    telling.write(inspection.to_json() if manner.json else "\n".join(telling.inspection_lines(inspection)))
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
    brief = Brief(say=say, voice=voice, sound=sound, transcript=transcript_of(transcript), language=language)
    heard = hear(brief)
    if not manner.quiet:
        for note in heard.notes:
            telling.say(note)
    text = export(heard, format)
    if out is None:
        telling.write(text.removesuffix("\n"))
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
        record, text = None, json.dumps(telling.scene_row(scene, mesh))
    else:
        if not scene.faces:
            raise StillError(f"Cannot use face {face} of {scene.still.name}", "no face was found in it", _GIVE_A_BOX)
        record = record_of(scene.faces[face - 1], scene.still, mesh=mesh)
        text = json.dumps(written(record))
    if out is None:
        telling.write(text)
    else:
        write_text(out, text + "\n" if record is None else text_of(record), overwrite)


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
        telling.write(json.dumps({"id": voice, "name": name or clone.stem}) if manner.json else voice)
        return
    if name is not None or consent is not None:
        raise UsageError("Cannot copy a voice", "there is no recording of it", "give one with --clone RECORDING")
    for number, title, language in remote.voices(engine):
        row = {"id": number, "name": title, "language": language}
        telling.write(json.dumps(row) if manner.json else f"{number:<34} {language:<10} {title}".rstrip())


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

        with telling.watching(manner.quiet) as on_progress:
            telling.write(str(weights.download(download, model or "", accept_licence or "", on_progress)))
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
        telling.write(json.dumps(row) if manner.json else line)


@app.command
def doctor(*, manner: Manner = EVERYDAY) -> int:
    """Whether this machine has everything: one line for each thing that is needed."""
    from stillwake.doctor import examine_machine
    from stillwake.errors import UnavailableError

    healthy = True
    for thing in examine_machine():
        healthy = healthy and thing.good
        if manner.json:
            telling.write(json.dumps({"name": thing.name, "good": thing.good, "words": thing.words, "fix": thing.fix}))
        else:
            telling.write(
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
        telling.say(f"The talking portraits lie in {made}, a record and a contact sheet beside each.")
    return status


def _list_voices(language: str | None, manner: Manner) -> None:
    from dataclasses import asdict

    from stillwake.speech import voices

    for voice in voices():
        if language is not None and not any(
            spoken == language or spoken.startswith(f"{language}-") for spoken in voice.languages
        ):
            continue
        if manner.json:
            telling.write(json.dumps(asdict(voice), ensure_ascii=False))
        else:
            telling.write(f"{voice.name:<20} {', '.join(voice.languages):<24} {voice.title}")


def _judge(inspection: Inspection, fix: str) -> int:
    if inspection.passed:
        return 0
    worst = [finding for finding in inspection.findings if finding.verdict == "fail"]
    why = "; ".join(telling.finding_words(finding) for finding in worst[:1]) or "a finding failed"
    more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
    telling.say(str(NotReadyError(f"{inspection.clip.name} did not pass its inspection", why + more, fix)))
    return NotReadyError.exit_status


@contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"Cannot write {path}", error.strerror or "it failed", "choose another place") from error
