"""A plan of several shots, or of several takes: each is rendered, inspected, ranked, and what was chosen is joined.

Every take lies in ``OUT-stem.takes`` beside the clip, with what was found about it; after a failure the same command
goes on with those that are there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwake.assemble.join import FILMS
from stillwake.engines import Engine, Performance, load_engine
from stillwake.engines import frames as frames_of
from stillwake.errors import UsageError
from stillwake.inspection.ranking import fault_of, in_words, mended, ranked
from stillwake.makers import HOLDS, known
from stillwake.types import (
    Brief,
    Clip,
    ClipFinding,
    Inspection,
    Pixels,
    Plan,
    Progress,
    Record,
    Scene,
    Shot,
    Speech,
    Still,
    Take,
)
from stillwake.workflow.files import is_file, writing
from stillwake.workflow.proposing import Proposal
from stillwake.workflow.readying import readied, shown_scene
from stillwake.workflow.versions import package_versions

FINE = 12
"""x264's crf for a take that is encoded once more."""
MOST_MENDS = 2
"""How often a shot is tried again with a lever turned."""
SWAY = Fraction(1, 2)
"""Seconds by which a cut may be laid earlier or later, into motion that hides it."""
LARGEST_NOTE = 8 << 20


class TakeNote(Record):
    """What is kept beside a take: what it was made of, and what was found about it."""

    key: str
    take: Take
    inspection: Inspection


@dataclass(frozen=True, slots=True)
class Made:
    """A take that lies on the shelf."""

    take: Take
    shot: Shot
    clip: Clip
    inspection: Inspection


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of a plan: the finished clip, what was found about it, all takes, and the plan as carried out."""

    clip: Clip
    inspection: Inspection
    takes: tuple[Take, ...]
    plan: Plan


def takes_folder(out: Path) -> Path:
    """Where the takes of a clip lie, beside its record: ``hello.takes``, and ``frames.takes`` beside ``frames/``."""
    sequence = "%" in out.name
    return out.parent.with_name(f"{out.parent.name}.takes") if sequence else out.with_name(f"{out.stem}.takes")


def is_simple(plan: Plan) -> bool:
    """Whether a plan is one shot of one take that an animator draws: no take is kept apart then."""
    return len(plan.shots) == 1 and plan.shots[0].takes == 1 and plan.shots[0].family == "animator"


def carried_out(found: Proposal, brief: Brief, out: Path, at: Path, crf: int, on_progress: Progress) -> Carried:
    """The plan's clip, written to ``at``, which will become ``out``.

    Raises
    ------
    stillwake.errors.StillwakeError
        As the engines and the encoders do; takes that were finished stay.
    """
    many = len(found.plan.shots) > 1
    if many and out.suffix.lower() not in FILMS:
        raise UsageError(
            f"Cannot write {out.name}", "several shots are joined into a film", "end its name with .mp4, .webm or .mov"
        )
    if many and brief.max_mb is not None:
        raise UsageError("Cannot use --max-mb", "several shots are joined into a film", "leave it out")
    work = _Work(found, brief, out, crf, on_progress)
    chosen = work.chosen()
    plan = found.plan.model_copy(
        update={
            "shots": tuple(one.shot for one in chosen),
            "price": round(sum(take.price for take in work.takes), 4),
            "warnings": tuple(dict.fromkeys((*found.plan.warnings, *work.notes))),
        }
    )
    if len(chosen) == 1:
        clip, inspection = work.alone(chosen[0], at)
    else:
        clip, inspection = work.joined(chosen, at)
    work.draw_lineup(chosen)
    names = {one.take.name for one in chosen}
    takes = tuple(take.model_copy(update={"chosen": take.name in names}) for take in work.takes)
    return Carried(clip, inspection, takes, plan)


class _Work:
    """The shelf, and all takes so far."""

    def __init__(self, found: Proposal, brief: Brief, out: Path, crf: int, on_progress: Progress) -> None:
        self.on_progress, self.budget, self.out_crf = on_progress, brief.budget, crf
        self.max_bytes = None if brief.max_mb is None else round(brief.max_mb * 1_000_000)
        self.folder = takes_folder(out)
        self.ending = out.suffix.lower() if out.suffix.lower() in FILMS else ".mp4"
        self.speech = found.speech
        self.queue = list(found.plan.shots)
        self.planned = sum(shot.price for shot in found.plan.shots)
        self.extra = 0.0
        self.takes: list[Take] = []
        self.notes: list[str] = []
        self._begun: set[str] = set()
        self.rows: list[tuple[Made, bool]] = []
        self._scene = found.scene
        self._engines: dict[str, Engine] = {}
        alone = len(self.queue) == 1 and self.ending == out.suffix.lower() and self.max_bytes is None
        self.crf = crf if alone else min(crf, FINE)

    # ------------------------------------------------------------------------------------------------- the choosing

    def chosen(self) -> list[Made]:
        """The best take of each shot, in order; a shot that a mend makes shorter becomes two."""
        found: list[Made] = []
        anchor: Pixels | None = None
        index = mends = 0
        carry = 0
        while index < len(self.queue):
            shot = self.queue[index]
            first = 1 if shot.anchor == "before" and found else 0
            self._begin(index, anchor)
            made = [self._take(index, shot, take, anchor) for take in range(shot.takes)]
            mended_shots: tuple[Shot, ...] = (shot,)
            while mends < MOST_MENDS:
                best = made[ranked([one.inspection for one in made])[0]]
                fault = None if best.inspection.passed or shot.family == "animator" else fault_of(best.inspection)
                if fault is None:
                    break
                seed = max(one.shot.seed for one in (*made, *found)) + 1
                again = mended(best.shot, fault, seed)
                if again is None or not self._may_spend(again[0]):
                    break
                mends += 1
                mended_shots, words = again
                try:
                    made.append(self._take(index, mended_shots[0], 0, anchor, words))
                except UsageError:  # its model cannot be told that: what there is stays
                    mended_shots = (shot,)
                    break
            order = ranked([one.inspection for one in made])
            best = made[order[0]]
            if len(mended_shots) > 1 and best is made[-1]:
                self.queue[index : index + 1] = mended_shots
            self._tell_ranks(made, order)
            shown = self._cut(best, index, first, carry)
            carry += best.shot.frame_count - shown
            if shown != best.shot.frame_count:
                best = dataclasses.replace(best, shot=best.shot.model_copy(update={"seconds": shown / best.shot.fps}))
            found.append(best)
            if index + 1 < len(self.queue) and self.queue[index + 1].anchor == "before":
                anchor = self._frame_of(best.clip, min(first + shown, best.clip.info.frame_count) - 1)
            index, mends = index + 1, 0
        return found

    def _may_spend(self, shots: tuple[Shot, ...]) -> bool:
        cost = sum(shot.price for shot in shots)
        makers = [maker for shot in shots if (maker := known(shot.engine, shot.model)) is not None]
        if any(maker.cost(HOLDS) is None for maker in makers):
            return False  # nobody knows what it costs
        if cost == 0:
            return True
        if self.budget is None or self.planned + self.extra + cost > self.budget:
            return False
        self.extra += cost
        return True

    def _tell_ranks(self, made: list[Made], order: list[int]) -> None:
        for rank, number in enumerate(order):
            one = made[number]
            take = one.take.model_copy(update={"rank": rank + 1, "why": in_words(one.inspection)})
            self.takes.append(take)
            self.rows.append((dataclasses.replace(one, take=take), rank == 0))

    # ------------------------------------------------------------------------------------------------------ one take

    def _take(self, index: int, shot: Shot, number: int, anchor: Pixels | None, changed: str = "") -> Made:
        """A take, rendered and inspected, or as it lies on the shelf."""
        from stillwake.media import write_text

        shot, scene, path, key = self._asked(index, shot, number, anchor)
        if (there := self._there(path, key, shot)) is not None:
            return there
        self.on_progress("ready", 0, 1)
        engine = self._engine(shot)
        asked = _as_made(shot)
        speech = self.speech if shot.motion == "talk" else None
        if shot.family == "animator":
            scene, asked, performance = readied(engine, self._scene, asked, speech, self.on_progress)
        else:
            performance = engine.prepare(scene, asked, speech, self.on_progress)
        self.notes += getattr(performance, "notes", ())
        with performance:
            clip = self._written(path, performance, scene, shot, speech)
            plan = Plan(shots=(asked,))
            inspection = self._inspected(clip, scene, speech, performance if shot.family == "animator" else None, plan)
        take = Take(
            shot=index + 1, name=path.name, seed=shot.seed, hold=shot.hold, seconds=shot.seconds, price=shot.price,
            changed=changed, passed=inspection.passed, made_with=getattr(performance, "made_with", {}),
        )  # fmt: skip
        note = TakeNote(key=key, take=take, inspection=inspection)
        write_text(path.with_name(f"{path.name}.json"), note.model_dump_json(indent=2) + "\n", overwrite=True)
        return Made(take, shot, clip, inspection)

    def _asked(self, index: int, shot: Shot, number: int, anchor: Pixels | None) -> tuple[Shot, Scene, Path, str]:
        """One take's own shot, what it begins from, where it will lie, and what it is made of, as a hash."""
        shot = shot.model_copy(update={"seed": shot.seed + number, "takes": 1, "price": shot.price / shot.takes})
        if shot.anchor == "before" and anchor is not None:
            scene = _scene_of(anchor, shown_scene(self._scene, shot)[0])
        else:
            scene, _ = shown_scene(self._scene, shot)
        key = _key(shot, scene)
        return shot, scene, self.folder / f"{index + 1:02d}-seed{shot.seed}-{key[:6]}{self.ending}", key

    def _engine(self, shot: Shot) -> Engine:
        if shot.engine not in self._engines:
            self._engines[shot.engine] = load_engine(shot.engine, shot.model)
        return self._engines[shot.engine]

    def _begin(self, index: int, anchor: Pixels | None) -> None:
        """Ask a hosted engine for all that can be asked for by now, so that it is waited for once."""
        coming = [(index, self.queue[index], anchor)]
        coming += [(at, self.queue[at], None) for at in range(index + 1, len(self.queue))]
        for at, shot, start in coming:
            if shot.family == "animator" or (shot.anchor == "before" and start is None and at):
                continue
            begin = getattr(self._engine(shot), "begin", None)
            if begin is None:
                continue
            for number in range(shot.takes):
                asked, scene, path, key = self._asked(at, shot, number, start)
                if key not in self._begun and self._there(path, key, asked) is None:
                    begin(scene, _as_made(asked), None)
                self._begun.add(key)

    def _there(self, path: Path, key: str, shot: Shot) -> Made | None:
        """The take that lies there, if it is this very one, whole."""
        from pydantic import ValidationError

        from stillwake.errors import InputError
        from stillwake.media import open_clip
        from stillwake.media.files import opened_input

        at = path.with_name(f"{path.name}.json")
        if not (is_file(path) and is_file(at)):
            return None
        try:
            with opened_input(at, "Cannot use a take", InputError, LARGEST_NOTE) as file:
                note = TakeNote.model_validate_json(file.read(LARGEST_NOTE + 1))
            clip = open_clip(path)
        except (InputError, ValidationError, ValueError, RecursionError):
            return None
        if note.key != key or note.inspection.clip.sha256 != clip.info.sha256:
            return None
        return Made(note.take.model_copy(update={"reused": True}), shot, clip, note.inspection)

    def _written(self, path: Path, performance: Performance, scene: Scene, shot: Shot, speech: Speech | None) -> Clip:
        from stillwake.assemble.colour import matched
        from stillwake.media import write_clip

        with writing(path):
            path.parent.mkdir(exist_ok=True)

        def frames() -> Iterator[Pixels]:
            drawn = frames_of(performance)
            return drawn if shot.family == "animator" else matched(drawn, scene.still.pixels)

        return write_clip(
            path, frames, fps=performance.fps, frame_count=performance.frame_count, size=performance.size,
            sound=None if speech is None else speech.sound, crf=self.crf, overwrite=True, on_progress=self.on_progress,
        )  # fmt: skip

    def _inspected(
        self, clip: Clip, scene: Scene, speech: Speech | None, performance: Performance | None, plan: Plan
    ) -> Inspection:
        from stillwake.inspection import inspect

        return inspect(
            clip, still=scene.still, scene=scene if scene.seen else None, speech=speech, performance=performance,
            plan=plan, on_progress=self.on_progress,
        )  # fmt: skip

    # -------------------------------------------------------------------------------------------------- the cutting

    def _cut(self, best: Made, index: int, first: int, carry: int) -> int:
        """How many frames of a shot are shown: as planned, moved a little where more motion hides the cut."""
        wanted = best.shot.frame_count + carry
        has = best.clip.info.frame_count - first
        if index + 1 >= len(self.queue) or best.shot.family != "generator":
            return min(wanted, has) if best.shot.family == "generator" else best.shot.frame_count
        after = self.queue[index + 1]
        if after.family != "generator":
            return min(wanted, has)
        sway = int(SWAY * best.shot.fps)
        spare = int((after.made or after.seconds) * after.fps) - after.frame_count - 1
        low, high = max(1, wanted - min(sway, max(0, spare))), min(has, wanted + min(sway, after.frame_count // 2))
        faults = [f.start for f in best.inspection.findings if f.verdict == "fail" and f.start is not None]
        if faults:  # the next segment begins from a good frame, where there is one within reach
            high = max(low, min(high, int(min(faults) * best.shot.fps) - first))
        if high <= low:
            return max(1, min(wanted, has))
        return _liveliest(best.clip, first + low, first + high) - first

    def _frame_of(self, clip: Clip, index: int) -> Pixels:
        from stillwake.media import read_frames

        for number, frame in enumerate(read_frames(clip)):
            if number == index:
                return frame.copy()
        raise AssertionError("the take has that frame")

    # ------------------------------------------------------------------------------------------------- the finishing

    def alone(self, one: Made, at: Path) -> tuple[Clip, Inspection]:
        """The only shot, as the finished clip."""
        from stillwake.media import open_clip, read_frames, write_clip

        with writing(at):
            at.parent.mkdir(exist_ok=True)
        whole = one.clip.info.frame_count == one.shot.frame_count and self.max_bytes is None
        if whole and at.suffix.lower() == self.ending:
            with writing(at):
                shutil.copyfile(one.clip.path, at)
            clip = open_clip(at)
            return clip, one.inspection.model_copy(update={"clip": clip.info})
        count = min(one.clip.info.frame_count, one.shot.frame_count)

        def frames() -> Iterator[Pixels]:
            return (frame for _, frame in zip(range(count), read_frames(one.clip), strict=False))

        clip = write_clip(
            at, frames, fps=one.shot.fps, frame_count=count, size=one.shot.size,
            sound=None if self.speech is None or one.shot.motion != "talk" else self.speech.sound,
            loop=one.shot.loop, max_bytes=self.max_bytes, crf=self.out_crf, on_progress=self.on_progress,
        )  # fmt: skip
        scene, shot = shown_scene(self._scene, one.shot)
        return clip, self._inspected(clip, scene, None, None, Plan(shots=(shot,)))

    def joined(self, chosen: list[Made], at: Path) -> tuple[Clip, Inspection]:
        """The shots, one after the other, with the sound of what is said, and the proof that they lie right."""
        from stillwake.assemble.edit import Edit, Picture, Track
        from stillwake.assemble.join import join
        from stillwake.assemble.mix import mixed
        from stillwake.assemble.proof import prove

        with writing(at):
            at.parent.mkdir(exist_ok=True)
        pictures, tracks, start = [], [], 0
        fps = chosen[0].shot.fps
        for index, one in enumerate(chosen):
            first = 1 if one.shot.anchor == "before" and index else 0
            end = start + min(one.shot.frame_count, one.clip.info.frame_count - first)
            pictures.append(Picture(shot=index, name=one.take.name, start=start, end=end, first=first))
            if one.shot.motion == "talk" and self.speech is not None:
                voice, begin = self.speech.sound, Fraction(start) / fps
                tracks.append(Track(index, voice, begin, Fraction(0), voice.seconds, speech=self.speech))
            start = end
        edit = Edit(fps, chosen[0].shot.size, start, tuple(pictures), tuple(tracks))
        clips = [one.clip for one in chosen]
        sound = mixed(edit, on_progress=self.on_progress)
        clip = join(edit, clips, at, sound=sound, crf=self.out_crf, on_progress=self.on_progress)
        proof = prove(clip, edit, clips, sound, self.on_progress)
        findings = list(proof.findings)
        for picture, one in zip(pictures, chosen, strict=True):
            findings += _shifted(one.inspection.findings, Fraction(picture.start - picture.first) / fps, picture.name)
        passed = all(finding.verdict != "fail" for finding in findings)
        return clip, Inspection(clip=clip.info, passed=passed, findings=tuple(findings))

    def draw_lineup(self, chosen: list[Made]) -> None:
        """A page of all takes beside them, where there is something to compare."""
        from stillwake.inspection.lineup import Row, lineup

        if len(self.rows) <= len(chosen):
            return
        rows = [
            Row(
                made.clip,
                (f"shot {made.take.shot}, " if len(chosen) > 1 else "")
                + f"{made.take.rank}. seed {made.take.seed}"
                + (f" ({made.take.changed})" if made.take.changed else ""),
                made.take.why,
                best,
            )
            for made, best in self.rows
        ]
        lineup(rows[:40], self.folder / "takes.png", overwrite=True)


def _shifted(findings: tuple[ClipFinding, ...], by: Fraction, name: str) -> list[ClipFinding]:
    """What was found in a take, at its times in the clip that it is a part of; what passed there is left out."""
    return [
        finding.model_copy(
            update={
                "start": None if finding.start is None else round(finding.start + float(by), 3),
                "end": None if finding.end is None else round(finding.end + float(by), 3),
                "why": f"{name}: {finding.why}",
            }
        )
        for finding in findings
        if finding.verdict in ("fail", "warn")
    ]


def _as_made(shot: Shot) -> Shot:
    """The shot as its engine makes it, which may be longer than what is shown of it."""
    return shot if shot.made is None else shot.model_copy(update={"seconds": shot.made})


def _scene_of(frame: Pixels, scene: Scene) -> Scene:
    """A frame that a segment begins from, as a scene in which nobody has looked for anything; what was added stays."""
    sha256 = hashlib.sha256(frame.tobytes()).hexdigest()
    still = Still(frame, scene.still.name, sha256)
    nobody = Scene(still, scene.style, (), (), None, {})
    return dataclasses.replace(nobody, strokes=scene.strokes, pinned=scene.pinned, end=scene.end)


def _key(shot: Shot, scene: Scene) -> str:
    """What a take is made of, as a hash: two alike are the same take."""
    asked = shot.model_dump(mode="json", exclude={"reasons", "price", "wait", "takes"})
    pictures: list[npt.NDArray[Any]] = [scene.still.pixels]
    if scene.end is not None:
        pictures.append(scene.end.pixels)
    if scene.strokes is not None:
        pictures += [scene.strokes.mask, *scene.strokes.paths]
    hashes = [hashlib.sha256(np.ascontiguousarray(picture).tobytes()).hexdigest() for picture in pictures]
    text = json.dumps([asked, hashes, package_versions()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _liveliest(clip: Clip, low: int, high: int) -> int:
    """The frame of ``low`` .. ``high`` before which most moves, where a cut is seen least."""
    import cv2

    from stillwake.media import read_frames

    best, most, before = low, -1.0, None
    for index, frame in enumerate(read_frames(clip)):
        if index > high:
            break
        if index < low - 1:
            continue
        small = cv2.resize(frame, (96, 54), interpolation=cv2.INTER_AREA).astype(np.float32)
        if before is not None and index >= low and (moved := float(np.abs(small - before).mean())) > most:
            best, most = index, moved
        before = small
    return best
