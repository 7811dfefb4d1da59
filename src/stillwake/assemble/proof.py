"""Is the joined film what the edit says? Seen and heard in the delivered file alone, one pass, memory flat.

The film's frames are held against those of the shots' clips, made small, and its sound against the recordings.
What cannot be told (a still picture sits nowhere in particular) is "unseen", never a pass.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from typing import Protocol

import numpy as np
import numpy.typing as npt

from stillwake.assemble.edit import Edit, Picture, Track
from stillwake.assemble.join import clip_frame, dissolved, fade_frames, fitted
from stillwake.assemble.mix import STAYS, spoken
from stillwake.errors import ClipError
from stillwake.inspection.stream import Timing, frames_within, timing
from stillwake.inspection.view import fitted as fitted_size
from stillwake.media import clip_sound, read_frames
from stillwake.media.loudness import loudness as measured_loudness
from stillwake.media.sound import ANALYSIS_RATE
from stillwake.types import (
    Clip,
    ClipFinding,
    Floats,
    Inspection,
    Pixels,
    Progress,
    Samples,
    Size,
    Sound,
    Verdict,
    no_progress,
)

Array = npt.NDArray[np.float64]

LONGEST = 128
"""Longest side in px of the pictures that are compared."""
REACH = 12
"""Frames to either side within which a picture is looked for."""
FEWEST = 10
"""Frames in which a picture must be seen alone to be placed."""
WINDOWS, WINDOW = 6, 20
"""How many stretches of a long picture are compared, and their frames; a shorter one is compared as a whole."""
OTHER = 10.0
"""Levels of 255 by which a pixel's median differs, wherever the picture is looked for, to be something else."""
COVERED = 0.35
"""Share of such pixels up to which they are a caption; beyond, another picture is shown."""
STILL = 1.0
"""Levels of 255, squared, of change within `SINCE` frames below which nothing moves."""
SINCE = 3
SHARP = (0.15, 0.05)
"""Share of the best difference, and levels squared, by which the places beside it must differ more."""
ASTRAY = 25.0
"""Levels squared of difference where it should be, from which a picture that is found nowhere is not there."""
APART = 4.0
"""Levels of 255 by which the two sides of a cut or a dissolve differ at least for it to be seen."""
AS_PLANNED = 0.15
"""By how much the share of light in a dissolve or fade may differ from the plan's, as a mean."""
DARK, LIT = 20.0, 32.0
"""Levels of 255 that nine in ten pixels of a black frame are below, and that some of the clip's tenth are above."""
OWN = 0.4
"""Share of a step in the film that the clip itself makes there, from which a cut is the clip's own."""
MOST_FINDINGS = 5
"""So many findings of one kind are told apart; the rest is counted."""

SEARCHED = 0.5
"""Seconds to either side within which speech is looked for."""
HEARD = 0.25
"""Correlation from which a recording is found in the film's sound."""
PIECES, PIECE = 4, 4.0
"""How many pieces of a recording are looked for, and how many seconds each is long at most."""
SHORTEST = 0.2
"""Seconds of speech that can be placed."""
IN_PLACE = 0.01
"""Seconds by which the film's sound may be off its place."""
TOO_LOUD, OFF = 0.5, 1.0
"""LU by which a film may differ from what was asked before it warns, and before it fails."""
TOLERANCE = 0.05
"""dB of true peak that two meters may differ by."""

_AGAIN = "join the film again"


def prove(
    film: Clip,
    edit: Edit,
    clips: Sequence[Clip | None],
    sound: Sound | None,
    on_progress: Progress = no_progress,
    *,
    loudness: float = -14.0,
    peak: float = -1.0,
) -> Inspection:
    """Whether a joined film is what its edit says.

    A shot's clip was drawn to what is heard while it is seen, so picture and speech must both be where the edit says:
    the sync after joining is by how much more the one is off its place than the other.

    Parameters
    ----------
    film
        The delivered file.
    edit, clips, sound
        What it was joined from, as `join` took them.
    on_progress
        Called as ``("prove", done, total)`` after each frame; raise `stillwake.errors.Cancelled` inside it to stop.
    loudness, peak
        LUFS and dB of full scale that were asked for.

    Raises
    ------
    stillwake.errors.ClipError
        The film or a clip cannot be decoded.
    """
    look = _Look(film, edit, clips)
    look.through(on_progress)
    ear = _Ear(film, edit, sound)
    findings = [
        *_measures(film, edit),
        *look.black(),
        *look.cuts(),
        *look.turns(),
        *look.places(),
        *ear.findings(loudness, peak),
        *_sync(edit, look, ear),
    ]
    return Inspection(
        clip=film.info, passed=all(finding.verdict != "fail" for finding in findings), findings=tuple(findings)
    )


def _measures(film: Clip, edit: Edit) -> Iterator[ClipFinding]:
    """Frame count, size and rate."""
    info = film.info
    right = info.frame_count == edit.frame_count
    yield ClipFinding(
        check="film length", verdict="pass" if right else "fail", measured=float(info.frame_count), unit="frames",
        limit=float(edit.frame_count), why=f"the film has {info.frame_count} frames"
        + ("" if right else f", the edit {edit.frame_count}"), fix="" if right else _AGAIN,
    )  # fmt: skip
    size = (info.width, info.height)
    yield ClipFinding(
        check="film size", verdict="pass" if size == edit.size else "fail",
        why=f"the film is {size[0]} × {size[1]} px"
        + ("" if size == edit.size else f", the edit {edit.size[0]} × {edit.size[1]}"),
        fix="" if size == edit.size else _AGAIN,
    )  # fmt: skip
    yield ClipFinding(
        check="frame rate", verdict="pass" if info.fps == edit.fps else "fail", measured=float(info.fps),
        unit="frames a second", limit=float(edit.fps), why=f"the film shows {info.fps} frames a second"
        + ("" if info.fps == edit.fps else f", the edit {edit.fps}"), fix="" if info.fps == edit.fps else _AGAIN,
    )  # fmt: skip


def _named(picture: Picture) -> str:
    return f"shot {picture.shot + 1} ({picture.name})"


# ------------------------------------------------------------------------------------------------------ what is seen


class _Watcher(Protocol):
    """Something that looks at some of the film's frames."""

    @property
    def first(self) -> int:
        """The first of them."""

    @property
    def last(self) -> int:
        """The one after the last."""

    def take(self, frame: int, thumb: Pixels) -> None:
        """Look at one of them."""

    def finish(self) -> None:
        """Judge what was seen, and let go of it."""


class _Look:
    """One pass over the film's frames."""

    def __init__(self, film: Clip, edit: Edit, clips: Sequence[Clip | None]) -> None:
        self.film, self.edit = film, edit
        self.sources = _Sources(edit, clips, fitted_size(edit.size, LONGEST))
        self.fades = fade_frames(edit)
        self._steps: list[float] = []
        self._dark: list[int] = []
        self._found_cuts: list[int] = []
        pictures = edit.pictures
        follows = [*pictures[1:], None]
        self.placed = [
            _Place(self.sources, picture, _alone(picture, after, self.fades))
            for picture, after in zip(pictures, follows, strict=True)
        ]
        self.turned = [
            _Turn(self.sources, before, picture, self.fades)
            for before, picture in zip([None, *pictures], pictures, strict=False)
            if before is not None or picture.transition == "fade"
        ]

    def through(self, on_progress: Progress) -> None:
        """Look at every frame of the film."""
        import cv2
        from scenedetect import FrameTimecode
        from scenedetect.detectors import AdaptiveDetector

        watchers: list[_Watcher] = [*self.placed, *self.turned]
        waiting = deque(sorted(watchers, key=lambda one: one.first))
        active: list[_Watcher] = []
        scenes, rate = AdaptiveDetector(min_scene_len=1), float(self.edit.fps)
        size, total = self.sources.size, self.film.info.frame_count
        before: Pixels | None = None
        times = timing(self.film)
        for shown in frames_within(self.film, times, ((-1.0, float("inf")),)):
            index = shown.index
            thumb: Pixels = cv2.resize(shown.pixels, size, interpolation=cv2.INTER_AREA)
            found = scenes.process_frame(FrameTimecode(index, rate), cv2.cvtColor(thumb, cv2.COLOR_RGB2BGR))
            self._found_cuts += [int(time.frame_num) for time in found]
            self._steps.append(0.0 if before is None else float(cv2.absdiff(thumb, before).mean()))
            before = thumb
            if _is_dark(thumb):
                self._dark.append(index)
            while waiting and waiting[0].first <= index:
                active.append(waiting.popleft())
            for watcher in active:
                if index < watcher.last:
                    watcher.take(index, thumb)
                if index >= watcher.last - 1:
                    watcher.finish()
            active = [watcher for watcher in active if index < watcher.last - 1]
            on_progress("prove", min(index + 1, total), total)
        for watcher in [*active, *waiting]:  # the film ends before they do
            watcher.finish()

    def black(self) -> list[ClipFinding]:
        """Frames that are black and were not planned so."""
        name, fps = "black", self.edit.fps
        dark = [frame for frame in self._dark if self.fades.get(frame, 1.0) > 0.5]
        runs = list(_runs(dark))
        bad = []
        for first, last in runs:
            source = [thumb for frame in {first, last - 1} for thumb in self.sources.seen_at(frame)]
            if not source or not any(_is_dark(thumb, LIT) for thumb in source):
                bad.append((first, last))
        if not bad:
            return [
                ClipFinding(
                    check=name, verdict="pass", measured=0.0, unit="frames", limit=0.0,
                    why="no frame is black but those of its fades" if self.fades else "no frame is black",
                )
            ]  # fmt: skip
        return [
            ClipFinding(
                check=name, verdict="fail", measured=float(last - first), unit="frames", limit=0.0,
                start=float(first / fps), end=float(last / fps),
                why=f"{last - first} {'frame is' if last - first == 1 else 'frames are'} black at "
                f"{float(first / fps):.2f} s and no fade was planned there" + _more(bad, place),
                fix=_AGAIN,
            )
            for place, (first, last) in enumerate(bad[:MOST_FINDINGS])
        ]  # fmt: skip

    def cuts(self) -> list[ClipFinding]:
        """Cuts where none was planned."""
        name, fps = "stray cuts", self.edit.fps
        planned = {
            frame
            for picture in self.edit.pictures
            for frame in range(picture.start - picture.frames // 2 - 1, picture.start + picture.frames + 2)
        }
        stray = [cut for cut in self._found_cuts if cut not in planned and not self._is_own(cut)]
        if not stray:
            return [
                ClipFinding(
                    check=name, verdict="pass", measured=0.0, unit="cuts", limit=0.0,
                    why="nothing cuts but where it was planned",
                )
            ]  # fmt: skip
        return [
            ClipFinding(
                check=name, verdict="fail", measured=float(len(stray)), unit="cuts", limit=0.0,
                start=float((cut - Fraction(1, 2)) / fps), end=float((cut + Fraction(1, 2)) / fps),
                why=f"the film cuts at {float(cut / fps):.2f} s, and neither the edit nor the shot's clip does"
                + _more(stray, place),
                fix=_AGAIN,
            )
            for place, cut in enumerate(stray[:MOST_FINDINGS])
        ]  # fmt: skip

    def _is_own(self, cut: int) -> bool:
        """Whether the clip itself leaps there, or within two frames of it: where it is, `places` tells."""
        steps = []
        for frame in range(cut - 2, cut + 3):
            before, after = self.sources.seen_at(frame - 1), self.sources.seen_at(frame)
            if before and after:
                steps.append(float(np.abs(after[-1].astype(np.int16) - before[-1]).mean()))
        return bool(steps) and cut < len(self._steps) and max(steps) > OWN * self._steps[cut]

    def turns(self) -> list[ClipFinding]:
        """Planned cuts, dissolves and fades."""
        kinds = {"cut": "planned cuts", "dissolve": "dissolves", "fade": "fades"}
        found: list[ClipFinding] = []
        for kind, name in kinds.items():
            turned = [turn for turn in self.turned if turn.picture.transition == kind]
            if turned:
                found += _together(name, [turn.finding(name, self.edit.fps) for turn in turned])
        return found

    def places(self) -> list[ClipFinding]:
        """Whether each picture sits where it should."""
        return _together("picture place", [place.finding(self.edit.fps) for place in self.placed])


def _grey(thumb: Pixels) -> Pixels:
    import cv2

    grey: Pixels = cv2.cvtColor(thumb, cv2.COLOR_RGB2GRAY)
    return grey


def _is_dark(thumb: Pixels, limit: float = DARK) -> bool:
    """Whether nine in ten pixels are darker."""
    return float((thumb <= limit).mean()) >= 0.9


def _runs(frames: list[int]) -> Iterator[tuple[int, int]]:
    """(first, last + 1) of every stretch of frames that follow each other."""
    for _, run in groupby(enumerate(frames), lambda pair: pair[1] - pair[0]):
        members = [frame for _, frame in run]
        yield members[0], members[-1] + 1


def _more(found: Sequence[object], place: int) -> str:
    more = len(found) - MOST_FINDINGS
    return f"; {more} more follow" if more > 0 and place == 0 else ""


def _together(name: str, findings: list[ClipFinding]) -> list[ClipFinding]:
    """One finding for all that are well, each of the others its own, one for all that could not be seen."""
    wrong = [finding for finding in findings if finding.verdict in ("fail", "warn")]
    well = [finding for finding in findings if finding.verdict == "pass"]
    unseen = [finding for finding in findings if finding.verdict == "unseen"]
    said = wrong[:MOST_FINDINGS]
    if len(wrong) > MOST_FINDINGS:
        said[0] = said[0].model_copy(update={"why": said[0].why + _more(wrong, 0)})
    if well:
        worst = max(well, key=lambda finding: abs(finding.measured or 0.0))
        why = worst.why if len(well) == 1 else f"{len(well)} are as planned"
        if len(well) > 1 and worst.measured:
            why += f"; the furthest off: {worst.why}"
        said.append(worst.model_copy(update={"why": why, "start": None, "end": None}))
    if unseen:
        why = unseen[0].why if len(unseen) == 1 else f"{len(unseen)} cannot be told, the first: {unseen[0].why}"
        said.append(ClipFinding(check=name, verdict="unseen", why=why))
    return said


def _alone(picture: Picture, after: Picture | None, fades: dict[int, float]) -> range:
    """The frames of the film in which a picture is seen alone and in full light."""
    first = picture.start + (picture.frames if picture.transition == "dissolve" else 0)
    last = picture.end if after is None else min(picture.end, after.start)
    while first < last and first in fades:
        first += 1
    while last > first and last - 1 in fades:
        last -= 1
    return range(first, last)


class _Sources:
    """The clips' frames as the film should show them, small."""

    def __init__(self, edit: Edit, clips: Sequence[Clip | None], size: Size) -> None:
        self.edit, self.clips, self.size = edit, clips, size
        self._times: dict[int, Timing] = {}

    def thumbs(self, picture: Picture, frames: Iterable[int]) -> dict[int, Pixels]:
        """What the picture should show at those frames of the film; its first or last frame where it ends earlier."""
        clip = self.clips[picture.shot]
        if clip is None:
            return {}
        last = clip.info.frame_count - 1
        wanted = {
            frame: min(
                last, max(0, clip_frame(picture, min(max(frame, picture.start), picture.end - 1), self.edit.fps, clip))
            )
            for frame in frames
        }
        read = {index: self._thumb(pixels) for index, pixels in self._read(picture.shot, clip, set(wanted.values()))}
        return {frame: read[index] for frame, index in wanted.items() if index in read}

    def seen_at(self, frame: int) -> list[Pixels]:
        """What each picture that covers a frame of the film should show there."""
        covering = [picture for picture in self.edit.pictures if picture.start <= frame < picture.end]
        return [thumb for picture in covering for thumb in self.thumbs(picture, [frame]).values()]

    def _read(self, shot: int, clip: Clip, wanted: set[int]) -> Iterator[tuple[int, Pixels]]:
        if shot not in self._times:
            self._times[shot] = timing(clip)
        times, rate = self._times[shot], float(clip.info.fps)
        if not wanted:
            return
        if times.even:
            spans = tuple((first / rate, last / rate) for first, last in _runs(sorted(wanted)))
            for shown in frames_within(clip, times, spans):
                yield shown.index, shown.pixels
            return
        for index, pixels in enumerate(read_frames(clip)):
            if index in wanted:
                yield index, pixels
            if index >= max(wanted):
                return

    def _thumb(self, pixels: Pixels) -> Pixels:
        import cv2

        small: Pixels = cv2.resize(fitted(pixels, self.edit.size), self.size, interpolation=cv2.INTER_AREA)
        return small


# ---------------------------------------------------------------------------------------------- where a picture sits


@dataclass(slots=True)
class _Place:
    """Looks for a picture within some frames of where it should be.

    ``shift`` by how many frames it is late, None where that is not known, with the reason in ``why``; ``wrong`` when
    it is not there at all.
    """

    sources: _Sources
    picture: Picture
    alone: range
    shift: int | None = None
    why: str = "the film ends before it"
    wrong: bool = False
    _thumbs: dict[int, Pixels] = field(default_factory=dict)

    @property
    def reach(self) -> int:
        """Frames to either side in which it is looked for."""
        return min(REACH, (len(self.alone) - FEWEST + 4) // 2)

    @property
    def first(self) -> int:
        """The first frame that is looked at."""
        return self.alone.start

    @property
    def last(self) -> int:
        """The one after the last."""
        return max(self.alone.stop, self.alone.start + 1)

    def windows(self) -> list[int]:
        """The frames that are compared."""
        inner = self.alone[self.reach : len(self.alone) - self.reach]
        if len(inner) <= WINDOWS * WINDOW:
            return list(inner)
        starts = np.linspace(0, len(inner) - WINDOW, WINDOWS).astype(int)
        return [inner[int(start) + k] for start in starts for k in range(WINDOW)]

    def take(self, frame: int, thumb: Pixels) -> None:
        """Keep a frame that will be compared."""
        if len(self.alone) >= FEWEST and self._is_near(frame):
            self._thumbs[frame] = _grey(thumb)

    def _is_near(self, frame: int) -> bool:
        inner = len(self.alone) - 2 * self.reach
        if inner <= WINDOWS * WINDOW:
            return True
        starts = np.linspace(0, inner - WINDOW, WINDOWS).astype(int)
        at = frame - self.alone.start
        return bool(((starts <= at) & (at < starts + WINDOW + 2 * self.reach)).any())

    def finish(self) -> None:
        """Compare."""
        thumbs, self._thumbs = self._thumbs, {}
        if len(self.alone) < FEWEST:
            self.why = f"it is seen alone for {len(self.alone)} frames only"
            return
        frames = [
            frame
            for frame in self.windows()
            if all(frame + shift in thumbs for shift in range(-self.reach, self.reach + 1))
        ]
        if len(frames) < 4:
            self.wrong = True
            return
        source = self.sources.thumbs(self.picture, [*frames, *(frame + SINCE for frame in frames)])
        if not source:
            self.why = "it has no clip"
            return
        self._compare(thumbs, source, frames)

    def _compare(self, thumbs: dict[int, Pixels], source: dict[int, Pixels], frames: list[int]) -> None:
        meant = np.stack([_grey(source[frame]) for frame in frames]).astype(np.float32)
        later = np.stack([_grey(source[frame + SINCE]) for frame in frames]).astype(np.float32)
        moves = ((later - meant) ** 2).mean(axis=0)
        shifts = range(-self.reach, self.reach + 1)
        other = np.full(meant.shape[1:], np.inf, np.float32)
        squares: list[Floats] = []
        for shift in shifts:
            apart = np.stack([thumbs[frame + shift] for frame in frames]) - meant
            other = np.minimum(other, np.median(np.abs(apart[:: max(1, len(frames) // 24)]), axis=0))
            squares.append((apart**2).mean(axis=0))
        if float((other > OTHER).mean()) > COVERED:
            self.wrong, self.why = True, "something else is shown there"
            return
        weight = np.where(other > OTHER, 0, np.minimum(moves, np.percentile(moves, 99.5)))
        if float(weight.max()) < STILL:
            self.why = "nothing moves in it, so it sits nowhere in particular"
            return
        cost = np.array([float((square * weight).sum() / weight.sum()) for square in squares])
        at = min(range(len(cost)), key=lambda k: (cost[k], abs(shifts[k])))
        beside = min(cost[k] for k in (at - 1, at + 1) if 0 <= k < len(cost))
        if beside - cost[at] >= SHARP[0] * cost[at] + SHARP[1]:
            self.shift, self.why = shifts[at], ""
        elif cost[self.reach] > ASTRAY:
            self.wrong, self.why = True, "it is shown at another moment, or changed"
        else:
            self.why = "it moves too little, or the same again and again"

    def finding(self, fps: Fraction) -> ClipFinding:
        """What was found."""
        name, picture = "picture place", self.picture
        start, end = float(picture.start / fps), float(picture.end / fps)
        if self.wrong:
            return ClipFinding(
                check=name, verdict="fail", start=start, end=end,
                why=f"{_named(picture)} is not to be seen from {start:.2f} to {end:.2f} s: {self.why}", fix=_AGAIN,
            )  # fmt: skip
        if self.shift is None:
            return ClipFinding(
                check=name, verdict="unseen", start=start, end=end, why=f"{_named(picture)}: {self.why}"
            )
        off = self.shift != 0
        frames = f"{abs(self.shift)} {'frame' if abs(self.shift) == 1 else 'frames'}"
        frames = f"at least {frames}" if abs(self.shift) == self.reach else frames
        return ClipFinding(
            check=name,
            verdict="fail" if off else "pass",
            measured=float(self.shift),
            unit="frames",
            limit=0.0,
            start=start,
            end=end,
            why=f"{_named(picture)} comes {frames} {'late' if self.shift > 0 else 'early'}"
            if off
            else f"{_named(picture)} sits on its frame",
            fix=_AGAIN if off else "",
        )


# --------------------------------------------------------------------------------------------- where a picture begins


@dataclass(slots=True)
class _Turn:
    """Looks at the frames in which one picture follows another.

    ``off`` by how many frames a cut is late, or by which mean share of light a dissolve or fade differs from the
    plan; None where that is not known, with the reason in ``why``.
    """

    sources: _Sources
    before: Picture | None
    picture: Picture
    fades: dict[int, float]
    off: float | None = None
    why: str = "the film ends before it"
    missing: bool = False
    _thumbs: dict[int, Pixels] = field(default_factory=dict)

    @property
    def frames(self) -> range:
        """The frames that are looked at."""
        start, count = self.picture.start, self.picture.frames
        if self.picture.transition == "fade":
            return range(start - (count // 2 if self.before is not None else 0), start + count - count // 2)
        if self.picture.transition == "dissolve":
            return range(start, start + count)
        reach = min(REACH, self.picture.end - start, start - self.before.start if self.before is not None else 0)
        return range(start - reach, start + reach)

    @property
    def first(self) -> int:
        """The first frame that is looked at."""
        return max(0, self.frames.start)

    @property
    def last(self) -> int:
        """The one after the last."""
        return max(self.frames.stop, self.first + 1)

    def take(self, frame: int, thumb: Pixels) -> None:
        """Keep a frame."""
        if frame in self.frames and (self.picture.transition == "fade" or frame not in self.fades):
            self._thumbs[frame] = thumb

    def finish(self) -> None:
        """Judge what was seen."""
        thumbs, self._thumbs = self._thumbs, {}
        frames = sorted(thumbs)
        if len(frames) < 2:
            self.missing = bool(self.frames) and not frames
            self.why = "it is too short to be seen" if frames else "the film ends before it"
            return
        after = self.sources.thumbs(self.picture, frames)
        if self.picture.transition == "fade":
            self._fade(thumbs, frames, after)
            return
        before = {} if self.before is None else self.sources.thumbs(self.before, frames)
        if len(before) == len(after) == len(frames):
            self._turn(thumbs, frames, before, after)
        else:
            self.why = "a clip is missing"

    def _turn(
        self, thumbs: dict[int, Pixels], frames: list[int], before: dict[int, Pixels], after: dict[int, Pixels]
    ) -> None:
        """How much of the later picture is in each frame."""
        shares = []
        for frame in frames:
            under, over, seen = (_light(one[frame]) for one in (before, after, thumbs))
            apart = over - under
            if float(np.abs(after[frame].astype(np.int16) - before[frame]).mean()) < APART:
                self.why = "both sides of it look alike"
                return
            shares.append(float((apart * (seen - under)).sum() / (apart**2).sum()))
        if self.picture.transition == "dissolve":
            self.off = float(
                np.mean([abs(s - dissolved(self.picture, f)) for s, f in zip(shares, frames, strict=True)])
            )
            return
        later = [share > 0.5 for share in shares]
        planned = [frame >= self.picture.start for frame in frames]
        if later == planned:
            self.off = 0.0
        elif any(later) and later == sorted(later):
            self.off = float(frames[later.index(True)] - self.picture.start)
        else:
            self.missing = True
            self.why = "the picture before goes on" if not any(later) else "there is no cut"

    def _fade(self, thumbs: dict[int, Pixels], frames: list[int], after: dict[int, Pixels]) -> None:
        meant = dict(after)
        if self.before is not None:
            meant |= self.sources.thumbs(self.before, [frame for frame in frames if frame < self.picture.start])
        apart = []
        for frame in frames:
            lit = meant[frame] > 2 * DARK
            if frame in self.fades and lit.mean() > 0.05:
                ratio = thumbs[frame][lit] / meant[frame][lit].astype(np.float32)
                apart.append(abs(float(np.median(ratio)) - self.fades[frame]))
        if not apart:
            self.why = "its pictures are dark anyway"
            return
        self.off = float(np.mean(apart))

    def finding(self, name: str, fps: Fraction) -> ClipFinding:
        """What was found."""
        picture, cut = self.picture, self.picture.transition == "cut"
        start, end = float(self.first / fps), float(self.last / fps)
        if cut:
            start = end = float(picture.start / fps)
        what = f"the {picture.transition} to {_named(picture)} at {float(picture.start / fps):.2f} s"
        if self.missing:
            return ClipFinding(
                check=name, verdict="fail", start=start, end=end, why=f"{what} is missing: {self.why}", fix=_AGAIN
            )
        if self.off is None:
            return ClipFinding(check=name, verdict="unseen", start=start, end=end, why=f"{what}: {self.why}")
        limit = 0.0 if cut else AS_PLANNED
        over = abs(self.off) > limit
        if cut:
            said = f"{what} comes {abs(self.off):.0f} frames {'late' if self.off > 0 else 'early'}"
        else:
            said = f"{what} differs from the plan by {self.off:.0%} of the light"
        return ClipFinding(
            check=name,
            verdict="fail" if over else "pass",
            measured=self.off if cut else round(self.off, 3),
            unit="frames" if cut else "of the light",
            limit=limit,
            start=start,
            end=end,
            why=f"{what} is on its frame" if cut and not over else said,
            fix=_AGAIN if over else "",
        )


def _light(thumb: Pixels) -> Floats:
    """Levels as light, 0..1; the simple power law will do for small pictures."""
    light: Floats = (thumb.astype(np.float32) / 255) ** 2.2
    return light


# ------------------------------------------------------------------------------------------------------ what is heard


class _Ear:
    """The film's sound, held against the mix and against every recording in which somebody speaks."""

    def __init__(self, film: Clip, edit: Edit, sound: Sound | None) -> None:
        self.film, self.edit, self.mix = film, edit, sound
        self.sound = clip_sound(film.path) if film.info.sound is not None else None
        self.lags = {number: self.lag(track) for number, track in enumerate(edit.tracks) if track.speech is not None}

    def findings(self, loudness: float, peak: float) -> Iterator[ClipFinding]:
        """Length, place, loudness and peaks of the whole; the place of every speech."""
        yield self._length()
        if self.sound is None or self.mix is None:
            return
        yield self._whole()
        yield from self._level(loudness, peak)
        speeches = [self._speech(number) for number in self.lags]
        if speeches:
            yield from _together("speech place", speeches)

    def _length(self) -> ClipFinding:
        name, frame = "sound length", 1 / self.edit.fps
        if self.sound is None or self.mix is None:
            bad = (self.sound is None) != (self.mix is None)
            why = (
                "the film has no sound"
                if self.sound is None
                else "the film has a sound that the edit knows nothing of"
            )
            return ClipFinding(check=name, verdict="fail" if bad else "unseen", why=why, fix=_AGAIN if bad else "")
        apart = self.sound.seconds - self.edit.seconds
        over = abs(apart) > frame
        return ClipFinding(
            check=name, verdict="fail" if over else "pass", measured=float(apart) * 1000, unit="ms",
            limit=float(frame) * 1000,
            why=f"the sound ends {abs(float(apart)) * 1000:.0f} ms {'after' if apart > 0 else 'before'} the picture",
            fix=_AGAIN if over else "",
        )  # fmt: skip

    def _whole(self) -> ClipFinding:
        """Whether the whole sound sits where it was mixed: pieces from its beginning to its end."""
        assert self.mix is not None
        name, mix = "film sound", self.mix.mono
        seconds = len(mix) / ANALYSIS_RATE
        length = min(PIECE, seconds)
        found = []
        for start in np.linspace(0, max(0.0, seconds - length), max(1, min(8, int(seconds / length)))):
            lag = self._found(mix, float(start), float(start), length)
            if lag is not None:
                found.append((float(start), lag))
        if not found:
            loud = float(np.abs(mix.astype(np.float32)).mean()) if len(mix) else 0.0
            return ClipFinding(
                check=name, verdict="fail" if loud > 50 else "unseen",
                why="what was mixed is not to be heard in it" if loud > 50 else "it is too quiet to be placed",
                fix=_AGAIN if loud > 50 else "",
            )  # fmt: skip
        at, lag = max(found, key=lambda one: abs(one[1]))
        over = abs(lag) > IN_PLACE
        return ClipFinding(
            check=name, verdict="fail" if over else "pass", measured=round(1000 * lag, 2), unit="ms",
            limit=1000 * IN_PLACE, start=at if over else None, end=at + length if over else None,
            why=f"the sound comes {abs(lag) * 1000:.0f} ms {'late' if lag > 0 else 'early'} at {at:.1f} s"
            if over
            else f"the sound sits where it was mixed, in all {len(found)} places that were heard",
            fix=_AGAIN if over else "",
        )  # fmt: skip

    def _level(self, loudness: float, peak: float) -> Iterator[ClipFinding]:
        heard = measured_loudness(self.film.path, f"Cannot prove {self.film.info.name}", ClipError)
        assert self.mix is not None
        if heard is None or heard.silent:
            planned = any("silent" in note for note in self.mix.notes)
            yield ClipFinding(
                check="loudness", verdict="warn" if planned else "fail", why="the film's sound is silent throughout",
                fix="" if planned else _AGAIN,
            )  # fmt: skip
            return
        apart = heard.integrated - loudness
        note = next((note for note in self.mix.notes if note.startswith(STAYS)), None)
        verdict: Verdict = "pass" if abs(apart) <= TOO_LOUD else "warn" if abs(apart) <= OFF else "fail"
        why = f"it plays at {heard.integrated:.1f} LUFS, {loudness:g} were asked for"
        if verdict == "fail" and apart < 0 and note is not None:
            verdict, why = "warn", note
        yield ClipFinding(
            check="loudness", verdict=verdict, measured=round(heard.integrated, 2), unit="LUFS", limit=loudness,
            why=why, fix="" if verdict == "pass" else "give a louder recording, or join the film again",
        )  # fmt: skip
        over = heard.true_peak > peak + TOLERANCE
        yield ClipFinding(
            check="true peak", verdict="fail" if over else "pass", measured=round(heard.true_peak, 2), unit="dBTP",
            limit=peak, why=f"its highest peak is at {heard.true_peak:.1f} dB of full scale",
            fix=_AGAIN if over else "",
        )  # fmt: skip

    def _speech(self, number: int) -> ClipFinding:
        track, (lag, why) = self.edit.tracks[number], self.lags[number]
        name = "speech place"
        who = f"{track.sound.name} (shot {'?' if track.shot is None else track.shot + 1})"
        start, end = float(track.start), float(track.start + track.end - track.begin)
        if lag is None:
            verdict: Verdict = "unseen" if why else "fail"
            return ClipFinding(
                check=name, verdict=verdict, start=start, end=end,
                why=f"{who}: {why}" if why else f"{who} is not to be heard where it should be",
                fix="" if why else _AGAIN,
            )  # fmt: skip
        limit = 1 / self.edit.fps
        over = abs(lag) > limit
        return ClipFinding(
            check=name, verdict="fail" if over else "pass", measured=round(1000 * lag, 2), unit="ms",
            limit=float(limit) * 1000, start=start, end=end,
            why=f"{who} is heard {abs(lag) * 1000:.1f} ms {'late' if lag > 0 else 'early'}"
            if abs(lag) >= 0.0005
            else f"{who} is heard where it should be",
            fix=_AGAIN if over else "",
        )  # fmt: skip

    def lag(self, track: Track, span: tuple[float, float] | None = None) -> tuple[float | None, str]:
        """By how many seconds a speech is late, or None and why that cannot be told, "" where it is missing.

        ``span`` the seconds of the film in which it is listened to; all of it if None.
        """
        if self.sound is None:
            return None, "the film has no sound"
        first, last = (0.0, float(self.edit.seconds)) if span is None else span
        spans = [(max(first, start), min(last, end)) for start, end in spoken(track) if end > first and start < last]
        pieces = list(_pieces(spans))
        if not pieces:
            return None, "nobody speaks in it for long enough"
        own = track.sound.mono
        offset = float(track.begin - track.start)
        found = [lag for at, length in pieces if (lag := self._found(own, at, at + offset, length)) is not None]
        if found:
            return float(np.median(found)), ""
        in_mix = self.mix is not None and any(
            _correlated(self.mix.mono, own, at, at + offset, length) is not None for at, length in pieces
        )
        return None, "" if in_mix else "other sounds cover it"

    def _found(self, own: Samples, at: float, own_at: float, length: float) -> float | None:
        assert self.sound is not None
        return _correlated(self.sound.mono, own, at, own_at, length)


def _pieces(spans: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """(start, length) of pieces of speech, in seconds of the film, spread over all of it."""
    joined: list[list[float]] = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] < SHORTEST:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    cut = [(at, min(PIECE, end - at)) for start, end in joined for at in np.arange(start, end, PIECE).tolist()]
    long = [piece for piece in cut if piece[1] >= SHORTEST]
    longest = sorted(long, key=lambda piece: -piece[1])[: 4 * PIECES]
    longest.sort()
    step = max(1, len(longest) // PIECES)
    yield from longest[::step][: PIECES + 1]


def _correlated(film: Samples, own: Samples, at: float, own_at: float, length: float) -> float | None:
    """By how many seconds a piece of a recording comes late in the film, None where it is not found.

    ``at`` where it should be, and ``own_at`` where it is in the recording, both in seconds. Differences of samples are
    correlated: low notes, in which all sounds are alike, count less.
    """
    from scipy.signal import correlate

    first, own_first = round(at * ANALYSIS_RATE), round(own_at * ANALYSIS_RATE)
    piece = own[max(0, own_first) : own_first + round(length * ANALYSIS_RATE)].astype(np.float64)
    reach = round(SEARCHED * ANALYSIS_RATE)
    around = np.zeros(len(piece) + 2 * reach)
    begin = first - reach
    there = film[max(0, begin) : begin + len(around)]
    around[max(0, -begin) : max(0, -begin) + len(there)] = there
    if len(piece) < SHORTEST * ANALYSIS_RATE:
        return None
    piece, around = np.diff(piece), np.diff(around)
    energy = np.concatenate([[0.0], np.cumsum(around**2)])
    energy = energy[len(piece) :] - energy[: -len(piece)]
    own_energy = float((piece**2).sum())
    if own_energy < len(piece) * 4:
        return None
    likeness = correlate(around, piece, mode="valid", method="fft")
    likeness = likeness / np.sqrt(np.maximum(energy[: len(likeness)], 1e-3 * own_energy) * own_energy)
    best = int(likeness.argmax())
    return (best - reach) / ANALYSIS_RATE if likeness[best] >= HEARD else None


# -------------------------------------------------------------------------------------------------- both together


def _sync(edit: Edit, look: _Look, ear: _Ear) -> list[ClipFinding]:
    """By how much each picture that is seen while somebody speaks is late against what is said, after joining."""
    name, fps = "joined sync", edit.fps
    found = []
    for place in look.placed:
        picture = place.picture
        start, end = float(picture.start / fps), float(picture.end / fps)
        for track in edit.tracks:
            if not any(a < end and b > start for a, b in spoken(track)):
                continue
            lag, why = ear.lag(track, (start, end))
            if place.shift is None or lag is None:
                if track.shot == picture.shot:
                    why = place.why or why or "its speech is not there"
                    found.append(
                        ClipFinding(
                            check=name, verdict="unseen", start=start, end=end, why=f"{_named(picture)}: {why}"
                        )
                    )
                continue
            apart = float(place.shift / fps) - lag
            over = abs(apart) > 1 / fps
            found.append(
                ClipFinding(
                    check=name, verdict="fail" if over else "pass", measured=round(1000 * apart, 2), unit="ms",
                    limit=float(1000 / fps), start=start, end=end,
                    why=f"{_named(picture)}: the picture comes {abs(apart) * 1000:.0f} ms "
                    f"{'before' if apart < 0 else 'after'} what is said",
                    fix=_AGAIN if over else "",
                )
            )  # fmt: skip
    return _together(name, found) if found else []
