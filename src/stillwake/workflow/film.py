"""A storyboard -> a film with its record: everything is planned first, each shot is rendered once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from pydantic import Field

from stillwake.assemble.captions import Caption, captions_of, check_captions, write_captions
from stillwake.assemble.edit import EditRecord, record_of
from stillwake.assemble.laying import Heard, Laid, laid, window
from stillwake.assemble.storyboard import Board, Storyboard, open_storyboard, transcript_of
from stillwake.errors import BudgetError, InputError, UsageError
from stillwake.types import Clip, Inspection, Progress, Record, Seconds, Size, Sound, Speech, no_progress
from stillwake.workflow.files import record_path, staged, writing
from stillwake.workflow.shots import Job, Made, Shelf, job_of, plan_shot, telling
from stillwake.workflow.versions import package_versions
from stillwake.workflow.watch import Watch

__all__ = ["FilmPlan", "FilmRecord", "assemble", "plan_film"]

ROUNDED = Fraction(1, 100)
"""Seconds by which a recording may be shorter than somebody who looked at a player has written."""
SHORTEST = Fraction(1, 20)
"""Seconds of a recording, as `stillwake.media` has it."""


class FilmShot(Record):
    """A shot of a film, counted from 1: its clip and the clip's record, by name, and whether that passed.

    ``line`` is where it stands in the storyboard; ``reused``: it had been rendered before; ``passed`` None for a clip
    that came finished.
    """

    shot: int
    name: str
    line: int
    clip: str
    sha256: str
    record: str | None
    reused: bool
    passed: bool | None


class CaptionRecord(Record):
    """A `Caption` as a file has it."""

    start: Seconds
    end: Seconds
    text: str


class FilmRecord(Record):
    """Everything about a film, written beside it as OUT.json.

    ``passed``: neither the film nor a shot of it has a finding that fails.
    """

    schema_: Literal["stillwake/film@1"] = Field("stillwake/film@1", alias="schema")
    storyboard: Storyboard
    edit: EditRecord
    shots: tuple[FilmShot, ...]
    captions: tuple[CaptionRecord, ...]
    notes: tuple[str, ...]
    inspection: Inspection
    passed: bool
    versions: dict[str, str]
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class FilmPlan:
    """A film before its shots are rendered: its edit, its captions, what there is to say about them.

    ``jobs`` are the shots to be made of stills, ``clips`` those that came finished, each by its shot; ``files`` where
    the sound of each track lies, None where a voice made it.
    """

    board: Board
    laid: Laid
    captions: tuple[Caption, ...]
    notes: tuple[str, ...]
    jobs: dict[int, Job]
    clips: dict[int, Clip]
    files: tuple[Path | None, ...]

    @property
    def record(self) -> EditRecord:
        """The edit to be written down."""
        return record_of(self.laid.edit)


def plan_film(storyboard: Path, *, shots: Path | None = None, on_progress: Progress = no_progress) -> FilmPlan:
    """The film as it would be made: everything is read, heard, seen and laid, and nothing rendered.

    Parameters
    ----------
    storyboard
        A TOML file.
    shots
        The folder in which shots lie that were rendered before; those need no look at their stills.
    on_progress
        Called with the stage ("listen", "plan") and how many shots are done.

    Raises
    ------
    stillwake.errors.StillwakeError
        Every fault of a shot says which, and on which line of the storyboard.
    """
    from stillwake.assemble.lettering import require_letters

    board = open_storyboard(storyboard)
    ears = _Ears(board)
    heard: list[Heard] = []
    clips: dict[int, Clip] = {}
    count = len(board.shots)
    stills = _stills(board)
    for shot in range(count):
        on_progress("listen", shot, count)
        with telling(board, shot):
            heard.append(ears.hear(shot, clips))
    bed = ears.bed()
    on_progress("listen", count, count)
    film = laid(board, heard, bed)
    captions, notes = captions_of(board, film)
    if board.record.captions == "burn":
        require_letters(caption.text for caption in captions)
    shelf = None if shots is None else Shelf(shots)
    jobs = {shot: job_of(board, film, shot, *stills[shot]) for shot in range(count) if shot in stills}
    told = [
        f"{board.label(shot)}: {note}"
        for shot, one in enumerate(heard)
        if one.speech is not None
        for note in one.speech.notes
    ]
    planned: dict[str, tuple[str, ...]] = {}
    price = 0.0
    for number, (shot, job) in enumerate(jobs.items()):

        def tick(stage: str, done: int, total: int, number: int = number) -> None:
            on_progress("plan", number, len(jobs))

        tick("", 0, 0)
        if job.key not in planned:
            made = None if shelf is None else shelf.find(job)
            plan = plan_shot(board, job, tick) if made is None else made.record.plan
            price += plan.price if made is None else 0.0
            planned[job.key] = plan.warnings
        told += [f"{board.label(shot)}: {warning}" for warning in planned[job.key]]
    on_progress("plan", len(jobs), len(jobs))
    if board.record.budget is not None and price > board.record.budget:
        raise BudgetError(
            f"Cannot spend it ({board.path.name}, line {board.lines.line(('budget',))})",
            f"the shots that are to be rendered cost ${price:.2f}, and the budget is ${board.record.budget:.2f}",
            "raise the budget, or give a shot another engine or fewer takes",
        )
    files = tuple(ears.file(track.sound) for track in film.edit.tracks)
    return FilmPlan(board, film, captions, tuple(dict.fromkeys((*notes, *told))), jobs, clips, files)


def _stills(board: Board) -> dict[int, tuple[Size, str]]:
    """Size and hash of every shot's still."""
    from stillwake.media import open_still

    known: dict[Path, tuple[Size, str]] = {}
    found = {}
    for index, shot in enumerate(board.shots):
        if shot.still is None:
            continue
        path = board.file(shot.still)
        if path not in known:
            with telling(board, index):
                still = open_still(path)
            known[path] = still.size, still.sha256
        found[index] = known[path]
    return found


class _Ears:
    """What is heard in the shots, each recording opened once and each part of it listened to once."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._sounds: dict[Path, Sound] = {}
        self._speeches: dict[tuple[object, ...], Speech] = {}
        self._files: dict[Sound, Path] = {}
        self._chains = _chains(board)

    def hear(self, shot: int, clips: dict[int, Clip]) -> Heard:
        """What is heard in a shot; a finished clip is noted under its number."""
        from stillwake.media import clip_sound, open_clip

        one = self.board.shots[shot]
        heard = self._spoken(shot) if one.speaks else Heard()
        if one.clip is None:
            return heard
        path = self.board.file(one.clip)
        clip = clips[shot] = open_clip(path)
        own = None
        if one.keep_sound:
            own = clip_sound(path)
            if own is None:
                raise self.board.fault(shot, "keep_sound", f"{clip.info.name} has no sound", "leave out keep_sound")
            self._files[own] = path
        return replace(heard, seconds=clip.info.frame_count / clip.info.fps, own=own)

    def bed(self) -> Sound | None:
        """What sounds under the film."""
        asked = self.board.record.sound
        if asked is None:
            return None
        try:
            return self._sound(self.board.file(asked.file))
        except InputError as error:
            raise self.board.bed_fault(error.why, error.fix) from error

    def file(self, sound: Sound) -> Path | None:
        """Where a sound lies; None where a voice made it."""
        return self._files.get(sound)

    def _sound(self, path: Path) -> Sound:
        from stillwake.media import open_sound

        if path not in self._sounds:
            self._sounds[path] = open_sound(path)
            self._files[self._sounds[path]] = path
        return self._sounds[path]

    def _spoken(self, shot: int) -> Heard:
        from stillwake.media import sound_part
        from stillwake.speech import listen, say

        one = self.board.shots[shot]
        if one.say is not None:
            return Heard(
                self._once(
                    ("say", one.say, one.voice, one.language),
                    lambda: say(one.say or "", voice=one.voice, language=one.language),
                )
            )
        assert one.sound is not None
        path = self.board.file(one.sound)
        source = self._sound(path)
        begin = one.begin or Fraction(0)
        end = source.seconds if one.end is None else one.end
        has = f"{source.name} has {float(source.seconds):.2f} s"
        if end > source.seconds + ROUNDED:
            raise self.board.fault(shot, "end", f"end is {float(end):g}, and {has}", "let it end before")
        # To whole samples, so that a part begins exactly where the one before ends.
        first, last = (round(second * source.rate) for second in (begin, min(end, source.seconds)))
        begin, end = Fraction(first, source.rate), Fraction(last, source.rate)
        if end - begin < SHORTEST:
            field = "begin" if one.begin is not None else "end"
            raise self.board.fault(
                shot,
                field,
                f"it is to be heard from {float(begin):g} to {float(end):g} s, and {has}",
                "choose more of it",
            )
        words = transcript_of(self.board, shot)

        def heard(begin: Fraction, end: Fraction) -> Speech:
            part = source if begin == 0 and end == source.seconds else sound_part(source, begin, end)
            return self._once((path, begin, end, words, one.language), lambda: listen(part, words, one.language))

        chain = self._chains.get(shot)
        if chain is None:
            return Heard(heard(begin, end), source, begin)
        # What goes on over several shots is understood better as a whole: nobody begins in the middle of a word.
        until = source.seconds if chain[1] is None else min(chain[1], source.seconds)
        start = Fraction(round(chain[0] * source.rate), source.rate)
        whole = heard(start, Fraction(round(until * source.rate), source.rate))
        return Heard(_divided(whole, begin - start, end - begin), source, begin)

    def _once(self, key: tuple[object, ...], listens: Callable[[], Speech]) -> Speech:
        if key not in self._speeches:
            self._speeches[key] = listens()
        return self._speeches[key]


def _chains(board: Board) -> dict[int, tuple[Fraction, Fraction | None]]:
    """Shot -> the first and the last second of its recording, where that goes on over several without a transcript."""
    found: dict[int, tuple[Fraction, Fraction | None]] = {}
    chain: list[int] = []
    speaking = [index for index, shot in enumerate(board.shots) if shot.speaks]
    for index in speaking:
        one, before = board.shots[index], board.shots[chain[-1]] if chain else None
        goes_on = (
            before is not None
            and one.sound is not None
            and (one.sound, one.language) == (before.sound, before.language)
            and one.begin is not None
            and one.begin == before.end
            and one.transcript is before.transcript is None
        )
        chain = [*chain, index] if goes_on else [index]
        if len(chain) > 1:
            ends = board.shots[chain[0]].begin or Fraction(0), one.end
            found |= dict.fromkeys(chain, ends)
    return found


def _divided(speech: Speech, begin: Fraction, seconds: Fraction) -> Speech:
    """A part of a speech; a word that is cut belongs to the part with its middle."""
    first, last = float(begin), float(begin + seconds)
    kept = tuple(word for word in speech.words if first <= (word.start + word.end) / 2 < last)
    return window(replace(speech, words=kept), begin, seconds)


# -------------------------------------------------------------------------------------------------------- the film


def assemble(
    storyboard: Path,
    out: Path,
    *,
    captions: Path | None = None,
    otio: Path | None = None,
    sheet: Path | None = None,
    overwrite: bool = False,
    on_progress: Progress = no_progress,
) -> FilmRecord:
    """The record of a finished film: the film lies at ``out`` and the record beside it.

    Shots are rendered into ``OUT-stem.shots`` beside it, and what is finished there is used again: after a failure
    the same command goes on where it stopped. A film that does not pass its inspection is kept: look at
    ``record.inspection``.

    Parameters
    ----------
    storyboard
        A TOML file; docs/assemble.md says what may stand in it.
    out
        ``.mp4``, ``.webm`` or ``.mov``.
    captions
        Where captions are also written, if anywhere: ``.srt`` or ``.vtt``.
    otio
        Where the edit is written for an editor's program, if anywhere: ``.otio``.
    sheet
        Where a page with a picture of each shot is written, if anywhere: ``.png``.
    overwrite
        Whether the film and what is written beside it may be replaced.
    on_progress
        Called with the stage ("listen", "plan", "shots", "mix", "join", "prove") and how far it is.

    Raises
    ------
    stillwake.errors.StillwakeError
        Every fault of a shot says which, and on which line of the storyboard.
    """
    from stillwake.assemble.join import join
    from stillwake.assemble.mix import mixed
    from stillwake.assemble.proof import prove
    from stillwake.assemble.sheet import film_sheet

    watch = Watch()
    _check_outputs(storyboard, out, captions, otio, sheet, overwrite)
    folder = out.with_name(f"{out.stem}.shots")
    with watch.stage("plan"):
        plan = plan_film(storyboard, shots=folder, on_progress=on_progress)
    board, film = plan.board, plan.laid
    _require_other_files(plan, (out, captions, otio, sheet))
    with watch.stage("shots"):
        made = _render(plan, Shelf(folder), on_progress)
    clips = [plan.clips[shot] if shot in plan.clips else made[shot].clip for shot in range(len(board.shots))]
    with watch.stage("mix"):
        sound = mixed(film.edit, loudness=board.record.loudness, on_progress=on_progress)
    burnt = plan.captions if board.record.captions == "burn" else ()
    record_at = record_path(out)
    with staged(out, record_at, sheet, overwrite) as places:
        with watch.stage("join"):
            clip = join(film.edit, clips, places.clip, sound=sound, captions=burnt, on_progress=on_progress)
        with watch.stage("prove"):
            inspection = prove(clip, film.edit, clips, sound, on_progress, loudness=board.record.loudness)
        if places.sheet is not None:
            with watch.stage("sheet"):
                film_sheet(clip, film.edit, places.sheet, title=board.record.title)
        shots = tuple(_shot_record(board, shot, clips[shot], made.get(shot)) for shot in range(len(clips)))
        record = FilmRecord(
            storyboard=board.record.portable(),
            edit=record_of(film.edit),
            shots=shots,
            captions=tuple(CaptionRecord(start=one.start, end=one.end, text=one.text) for one in plan.captions),
            notes=(*plan.notes, *(() if sound is None else sound.notes)),
            inspection=inspection,
            passed=inspection.passed and all(shot.passed is not False for shot in shots),
            versions=package_versions(),
            seconds=watch.finish(),
        )
        with writing(record_at):
            places.record.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if captions is not None:
        write_captions(plan.captions, captions, overwrite)
    if otio is not None:
        _write_timeline(plan, clips, otio, folder, overwrite)
    return record


def _shot_record(board: Board, shot: int, clip: Clip, made: Made | None) -> FilmShot:
    return FilmShot(
        shot=shot + 1,
        name=board.title(shot),
        line=board.lines.line(("shot", shot)),
        clip=clip.path.name,
        sha256=clip.info.sha256,
        record=None if made is None else record_path(clip.path).name,
        reused=made is not None and made.reused,
        passed=None if made is None else made.record.inspection.passed,
    )


def _check_outputs(
    storyboard: Path, out: Path, captions: Path | None, otio: Path | None, sheet: Path | None, overwrite: bool
) -> None:
    """Nothing, where everything can be written, known before anything is read."""
    from stillwake.assemble.join import FILMS
    from stillwake.media import check_clip_output, check_output
    from stillwake.media.files import shown

    if out.suffix.lower() not in FILMS:
        raise UsageError(
            f"Cannot write {shown(out)}", "a film with sound is .mp4, .webm or .mov", "end its name with .mp4"
        )
    check_clip_output(out, overwrite, sound=True)
    taken = {os.path.realpath(storyboard)}
    for path in (out, record_path(out), captions, otio, sheet):
        if path is None:
            continue
        check_output(path, overwrite)
        if os.path.realpath(path) in taken:
            raise UsageError(
                f"Cannot write {shown(path)}", "the storyboard or another output has that name", "choose another"
            )
        taken.add(os.path.realpath(path))
    if captions is not None:
        check_captions(captions)
    if otio is not None and otio.suffix.lower() != ".otio":
        raise UsageError(f"Cannot write {shown(otio)}", "an OpenTimelineIO file is .otio", "end its name with .otio")
    if sheet is not None and sheet.suffix.lower() != ".png":
        raise UsageError(f"Cannot write {shown(sheet)}", "a sheet is a .png", "end its name with .png")


def _require_other_files(plan: FilmPlan, outputs: Sequence[Path | None]) -> None:
    """Nothing, where no file that the storyboard names is written over."""
    from stillwake.media.files import shown

    board = plan.board
    bed = board.record.sound
    named = {os.path.realpath(board.file(bed.file))} if bed is not None else set()
    for shot in board.shots:
        named |= {os.path.realpath(board.file(at)) for at in (shot.still, shot.clip, shot.sound) if at is not None}
    for path in outputs:
        if path is not None and os.path.realpath(path) in named:
            raise UsageError(f"Cannot write {shown(path)}", "the film is made of it", "choose another name")


def _render(plan: FilmPlan, shelf: Shelf, on_progress: Progress) -> dict[int, Made]:
    """The shots that are made of stills, each rendered once; what was finished before stays as it is."""
    made: dict[int, Made] = {}
    known: dict[str, Made] = {}
    jobs = list(plan.jobs.values())
    first = {job.key: job for job in reversed(jobs)}  # a shot that comes twice lies under the first one's name
    there = [job for job in first.values() if shelf.find(job) is not None]
    shelf.settle(there)
    total, done = sum(job.frames for job in jobs), 0

    def watched(stage: str, now: int, of: int) -> None:
        share = now * job.frames // max(1, of) if stage == "render" else 0
        on_progress("shots", min(total, done + share), total)

    for job in jobs:
        on_progress("shots", done, total)
        if job.key not in known:
            known[job.key] = shelf.find(first[job.key]) or shelf.make(plan.board, job, watched)
        made[job.shot] = known[job.key]
        done += job.frames
    on_progress("shots", total, total)
    return made


def _write_timeline(plan: FilmPlan, clips: Sequence[Clip], path: Path, folder: Path, overwrite: bool) -> None:
    """The edit for an editor's program; what a voice said is written beside the shots, that it can be laid there."""
    import wave

    from stillwake.assemble.otio import timeline_of
    from stillwake.media import write_text
    from stillwake.media.files import whole_file

    sounds: list[str] = []
    for track, file in zip(plan.laid.edit.tracks, plan.files, strict=True):
        if file is None:
            file = folder / f"voice-{track.sound.sha256[:12]}.wav"
            if not file.is_file():
                folder.mkdir(exist_ok=True)
                with whole_file(file, overwrite=True) as part, wave.open(str(part), "wb") as wav:
                    wav.setparams((track.sound.channels, 2, track.sound.rate, 0, "NONE", ""))
                    for block in track.sound.blocks():
                        wav.writeframes(block.astype("<i2", copy=False).tobytes())
        sounds.append(_url(file, path))
    board = plan.board
    text = timeline_of(
        plan.laid.edit,
        title=board.record.title or path.stem,
        clips=clips,
        clip_urls=[_url(clip.path, path) for clip in clips],
        sound_urls=sounds,
        captions=plan.captions,
    )
    write_text(path, text, overwrite)


def _url(file: Path, timeline: Path) -> str:
    """Where a file lies, as a timeline's folder sees it."""
    from urllib.parse import quote

    try:
        at = Path(os.path.relpath(os.path.realpath(file), os.path.realpath(timeline.parent)))
    except ValueError:  # on another disk
        at = Path(file.name)
    return quote(at.as_posix())
