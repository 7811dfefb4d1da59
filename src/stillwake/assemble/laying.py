"""A storyboard and what is heard in it -> the edit: on which frame every picture begins, on which sample every sound.

Pictures begin and end on frames. A speech begins on the frame on which its picture stands alone, less its lead, and
goes on from there to the sample: a recording that goes on over several shots is laid once, and each of its shots
begins on the frame nearest to its part. What an animator is given to hear is the film's own sound from that frame on,
so that what its lips follow is what will be heard with them.

A picture holds on in silence as long as the transition after it takes, and as long as the next speech leads: nobody
is cut short, and nobody speaks into another.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from stillwake.assemble.edit import Edit, Picture, Track
from stillwake.assemble.storyboard import Board, StoryShot
from stillwake.errors import InputError
from stillwake.media import sound_part
from stillwake.types import Sound, Speech, Timed

__all__ = ["Heard", "Laid", "Spoken", "laid"]

LIVES = Fraction(6)
"""Seconds a shot without speech lasts if nothing says how long, as `stillwake.route` has it for living stills."""
EDGE = Fraction(1, 100)
"""Seconds in which a clip's own sound comes and goes, so that a cut does not click."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What is heard in a shot, and how long its picture is.

    ``speech`` what is said, its timeline counting from where it begins; ``source`` the whole recording of which it is
    a part, from ``begin`` seconds on, or None where it is one by itself. Of a finished clip: ``seconds`` its length,
    and ``own`` its sound where that is kept.
    """

    speech: Speech | None = None
    source: Sound | None = None
    begin: Fraction = Fraction(0)
    seconds: Fraction | None = None
    own: Sound | None = None

    @property
    def end(self) -> Fraction:
        """Where in its source the speech ends."""
        return self.begin + (Fraction(0) if self.speech is None else self.speech.sound.seconds)

    def continues(self, before: Heard) -> bool:
        """Whether it is the same recording, from the moment on at which the one before ends."""
        return self.source is not None and self.source is before.source and self.begin == before.end


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """A speech in the film: the shot it belongs to, its timeline, and where the film has its beginning and its end."""

    shot: int
    speech: Speech
    start: Fraction
    end: Fraction


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """An edit; who ``spoke`` when; and for each shot what its picture is to follow, None where it follows nothing."""

    edit: Edit
    spoken: tuple[Spoken, ...]
    followed: tuple[Speech | None, ...]

    def frames(self, shot: int) -> int:
        """How many frames of a shot's picture are seen."""
        picture = self.edit.pictures[shot]
        return picture.end - picture.start


def laid(board: Board, heard: Sequence[Heard], bed: Sound | None = None) -> Laid:
    """The edit of a storyboard.

    Parameters
    ----------
    board
        The storyboard.
    heard
        For each of its shots, what is heard.
    bed
        What sounds under the film, if anything.

    Raises
    ------
    stillwake.errors.InputError
        Something does not fit: a speech would run into the next or past the end of the film, a transition is longer
        than its shot, a clip ends before its picture.
    """
    laying = _Laying(board, heard)
    for shot in range(len(heard)):
        laying.lay(shot)
    laying.check()
    return laying.finished(bed)


class _Laying:
    """A film as far as it has been laid, in frames; what sounds in seconds."""

    def __init__(self, board: Board, heard: Sequence[Heard]) -> None:
        self.board, self.heard, self.fps = board, heard, board.record.fps
        self.shots = board.shots
        self.overlap = [self._dissolve(shot) for shot in self.shots]
        self.dark = [self._fade(shot) for shot in self.shots]
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.spoken: list[Spoken] = []
        self.voiced = 0
        """The frame on which the last speech has ended."""

    def _frames(self, seconds: Fraction) -> int:
        """The nearest whole number of frames."""
        return math.floor(seconds * self.fps + Fraction(1, 2))

    def _dissolve(self, shot: StoryShot) -> int:
        return max(1, self._frames(shot.change)) if shot.transition == "dissolve" else 0

    def _fade(self, shot: StoryShot) -> int:
        """Half of a fade: as long as it takes to become dark, and again to become light."""
        return max(1, self._frames(shot.change / 2)) if shot.transition == "fade" else 0

    def _lead(self, shot: int) -> int:
        return self._frames(self.shots[shot].lead)

    def _speaks_next(self, shot: int) -> int | None:
        """The first shot after this one in which something is said."""
        return next((k for k in range(shot + 1, len(self.heard)) if self.heard[k].speech is not None), None)

    def _goes_on(self, shot: int) -> bool:
        """Whether the next that is said is the same recording, going on."""
        following = self._speaks_next(shot)
        return following is not None and self.heard[following].continues(self.heard[shot])

    # ------------------------------------------------------------------------------------------------ one shot

    def lay(self, shot: int) -> None:
        """Place a shot's picture after the one before, and what is said in it."""
        start = self.ends[-1] - self.overlap[shot] if self.ends else 0
        self.starts.append(start)
        if self.heard[shot].speech is None:
            self.ends.append(start + self._silent_frames(shot, start))
        else:
            self.ends.append(self._spoken_until(shot, start))

    def _spoken_until(self, shot: int, start: int) -> int:
        """Where the picture of a shot ends in which something is said; it is noted when that begins and ends."""
        heard, one = self.heard[shot], self.shots[shot]
        assert heard.speech is not None
        begins = self._begins(shot, start)
        ends = begins + heard.speech.sound.seconds
        self.spoken.append(Spoken(shot, heard.speech, begins, ends))
        goes_on = self._goes_on(shot)
        self.voiced = self._frames(ends) if goes_on else math.ceil(ends * self.fps)
        following = shot + 1 if shot + 1 < len(self.shots) else None
        if one.tail:
            until = self.voiced - self._frames(one.tail)
            if until <= start:
                long = float((self.voiced - start) / self.fps)
                raise self.board.fault(
                    shot, "tail", f"its picture would be gone before it is there: it has {long:.2f} s", "shorten tail"
                )
            if (
                following is not None
                and goes_on
                and self.heard[following].speech is not None
                and self._lead(following)
            ):
                raise self.board.fault(
                    following,
                    "lead",
                    f"its recording goes on from {self.board.label(shot)}, whose tail says already when it is seen",
                    "leave out lead, or that tail",
                )
        elif following is None:
            until = self.voiced
        else:
            until = self.voiced + self.overlap[following]
            if self.heard[following].speech is not None:
                until += self._lead(following)
            if not (goes_on and self.heard[following].speech is not None):
                until += self.dark[following]
        if one.seconds is not None:
            asked = start + self._frames(one.seconds)
            if asked < self.voiced:
                long = float((self.voiced - start) / self.fps)
                raise self.board.fault(
                    shot, "seconds", f"what is said needs {long:.2f} s", "leave out seconds, or give it a tail"
                )
            until = max(until, asked)
        self._require_clip(shot, until - start, "what is said over it")
        return until

    def _begins(self, shot: int, start: int) -> Fraction:
        """The second of the film at which a shot's speech begins."""
        lead = self._lead(shot)
        before = self.spoken[-1] if self.spoken else None
        if before is not None and self.heard[shot].continues(self.heard[before.shot]):
            tail = self._frames(self.shots[before.shot].tail) if before.shot == shot - 1 else 0
            if start - lead + tail == self.voiced:
                return before.end
        first = start + self.overlap[shot] + self.dark[shot] - lead
        if first < 0:
            raise self.board.fault(
                shot,
                "lead",
                f"its speech would begin {float(-first / self.fps):.2f} s before the film",
                f"lead by at most {float((first + lead) / self.fps):.2f} s",
            )
        begins = first / self.fps
        if before is not None and begins < before.end:
            raise self._runs_into(shot, before, before.end - begins)
        return begins

    def _runs_into(self, shot: int, before: Spoken, over: Fraction) -> InputError:
        other, lead = self.board.label(before.shot), self.shots[shot].lead
        why = f"its speech would begin {float(over):.2f} s before that of {other} has ended"
        if lead > over:
            return self.board.fault(shot, "lead", why, f"lead by at most {_down(lead - over)} s")
        if tail := self.shots[before.shot].tail:
            most = tail - over + lead
            least = f"leave out the tail of {other}" if most <= 0 else f"lower the tail of {other} to {_down(most)}"
            field = "lead" if lead else "say" if self.shots[shot].say is not None else "sound"
            return self.board.fault(shot, field, why, f"{least}, or put a shot without speech between them")
        return self.board.fault(shot, "lead", why, "shorten lead, or give the shots between them more seconds")

    def _silent_frames(self, shot: int, start: int) -> int:
        """How many frames a shot lasts in which nothing is said: as asked, or as long as somebody speaks over it."""
        one, heard = self.shots[shot], self.heard[shot]
        if one.seconds is not None:
            count = max(1, self._frames(one.seconds))
            self._require_clip(shot, count, "the seconds it is to last")
            return count
        following = shot + 1
        while (
            following < len(self.shots)
            and self.heard[following].speech is None
            and self.shots[following].seconds is None
        ):
            following += 1
        sharing = following - shot
        until = max(self.voiced, start)
        if following < len(self.shots) and (self.heard[following].speech is not None):
            until += self._lead(following)
            if self.spoken and self.heard[following].continues(self.heard[self.spoken[-1].shot]):
                until += self.overlap[following]
        shared = until - start + sum(self.overlap[shot + 1 : following])
        if until - start >= sharing:
            count = -(-shared // sharing)
            if heard.seconds is not None and sharing > 1:
                count = min(count, math.floor(heard.seconds * self.fps))
            self._require_clip(shot, count, "what is said over it")
            return count
        return max(1, self._frames(LIVES) if heard.seconds is None else math.floor(heard.seconds * self.fps))

    def _require_clip(self, shot: int, count: int, why: str) -> None:
        """Nothing, where a finished clip is as long as its picture, but for one frame that may be held."""
        has = self.heard[shot].seconds
        if has is not None and (count - 1) / self.fps > has:
            raise self.board.fault(
                shot,
                "seconds" if self.shots[shot].seconds is not None else "clip",
                f"the clip has {float(has):.2f} s, and {why} needs {float(count / self.fps):.2f} s",
                "give a longer clip, or another shot after it",
            )

    # ------------------------------------------------------------------------------------------------ all of them

    def check(self) -> None:
        """Nothing, where every transition fits into its shots and the last speech into the film."""
        lengths = [end - start for start, end in zip(self.starts, self.ends, strict=True)]
        changes = [dissolve + dark for dissolve, dark in zip(self.overlap, self.dark, strict=True)]
        for shot, length in enumerate(lengths):
            after = changes[shot + 1] if shot + 1 < len(changes) else 0
            if changes[shot] + after < length:
                continue
            blamed = shot if changes[shot] >= length or not after else shot + 1
            named = "it" if blamed == shot else self.board.label(shot)
            raise self.board.fault(
                blamed,
                "transition_seconds" if self.shots[blamed].transition_seconds is not None else "transition",
                f"{named} is on screen for {float(length / self.fps):.2f} s, and transitions take "
                f"{float((changes[shot] + after) / self.fps):.2f} s of them",
                "shorten the transition, or give the shot more seconds",
            )
        if self.voiced > self.ends[-1]:
            last = self.spoken[-1].shot
            over = float((self.voiced - self.ends[-1]) / self.fps)
            raise self.board.fault(
                last,
                "tail",
                f"its speech would run on for {over:.2f} s after the film",
                "shorten tail, or give the shots after it more seconds",
            )

    def finished(self, bed: Sound | None) -> Laid:
        """The edit."""
        pictures = tuple(
            Picture(
                shot=shot,
                name=self.board.title(shot),
                start=self.starts[shot],
                end=self.ends[shot],
                transition=one.transition,
                frames=self.overlap[shot] or 2 * self.dark[shot],
            )
            for shot, one in enumerate(self.shots)
        )
        total = self.ends[-1]
        tracks = [*self._voices(), *self._own_sounds()]
        if bed is not None:
            tracks.append(self._bed(bed, total / self.fps))
        followed: list[Speech | None] = [None] * len(self.shots)
        for spoken in self.spoken:
            if self.shots[spoken.shot].talks:
                begin = self.starts[spoken.shot] / self.fps - spoken.start
                count = self.ends[spoken.shot] - self.starts[spoken.shot]
                followed[spoken.shot] = window(spoken.speech, begin, count / self.fps)
        edit = Edit(self.fps, self.board.record.picture, total, pictures, tuple(tracks))
        return Laid(edit, tuple(self.spoken), tuple(followed))

    def _voices(self) -> list[Track]:
        """What is said; a recording that goes on is one."""
        tracks: list[Track] = []
        last: Spoken | None = None
        for spoken in self.spoken:
            heard, gain = self.heard[spoken.shot], self.shots[spoken.shot].gain
            sound = spoken.speech.sound if heard.source is None else heard.source
            timed = moved(spoken.speech, sound, heard.begin)
            before = tracks[-1] if tracks else None
            if (
                last is not None
                and before is not None
                and before.speech is not None
                and heard.continues(self.heard[last.shot])
                and spoken.start == last.end
                and gain == before.gain
            ):
                tracks[-1] = dataclasses.replace(before, end=heard.end, speech=_joined(before.speech, timed))
            else:
                tracks.append(Track(spoken.shot, sound, spoken.start, heard.begin, heard.end, gain=gain, speech=timed))
            last = spoken
        return tracks

    def _own_sounds(self) -> list[Track]:
        """The sounds that finished clips bring along."""
        tracks = []
        for shot, heard in enumerate(self.heard):
            if heard.own is None:
                continue
            seconds = min(heard.own.seconds, (self.ends[shot] - self.starts[shot]) / self.fps)
            after = self.overlap[shot + 1] if shot + 1 < len(self.shots) else 0
            tracks.append(
                Track(
                    shot,
                    heard.own,
                    self.starts[shot] / self.fps,
                    Fraction(0),
                    seconds,
                    gain=0.0 if heard.speech is not None else self.shots[shot].gain,
                    fade_in=min(seconds / 2, max(EDGE, self.overlap[shot] / self.fps)),
                    fade_out=min(seconds / 2, max(EDGE, after / self.fps)),
                )
            )
        return tracks

    def _bed(self, sound: Sound, seconds: Fraction) -> Track:
        asked = self.board.record.sound
        assert asked is not None
        return Track(
            None,
            sound,
            Fraction(0),
            Fraction(0),
            sound.seconds if asked.loop else min(sound.seconds, seconds),
            gain=asked.gain,
            fade_in=min(asked.fade_in, seconds),
            fade_out=min(asked.fade_out, seconds),
            duck=asked.duck,
            loops=asked.loop,
        )


def _down(seconds: Fraction) -> str:
    """Seconds rounded down, so that who follows the advice is safe."""
    return f"{math.floor(seconds * 100) / 100:g}"


# ------------------------------------------------------------------------------------------------ parts of a speech


def window(speech: Speech, begin: Fraction, seconds: Fraction) -> Speech:
    """What is heard of a speech from its second ``begin`` on, in silence before and after it.

    Its sound is at most a sample shorter than the seconds, never longer, so that it fills as many frames.
    """
    rate = speech.sound.rate
    first = round(begin * rate)
    sound = sound_part(speech.sound, Fraction(first, rate), Fraction(first + max(1, math.floor(seconds * rate)), rate))
    return _retimed(speech, sound, -first / rate)


def moved(speech: Speech, sound: Sound, at: Fraction) -> Speech:
    """The same speech within a longer sound, in which it begins ``at`` a second."""
    return speech if sound is speech.sound else _retimed(speech, sound, float(at))


def _retimed(speech: Speech, sound: Sound, by: float) -> Speech:
    seconds = float(sound.seconds)
    return dataclasses.replace(
        speech,
        sound=sound,
        words=_within(speech.words, by, seconds),
        phonemes=_within(speech.phonemes, by, seconds),
        visemes=_covering(_within(speech.visemes, by, seconds), seconds),
    )


def _within(timed: Sequence[Timed], by: float, seconds: float) -> tuple[Timed, ...]:
    """Labels moved in time, those that are left of them within 0..seconds."""
    placed = (Timed(max(0.0, one.start + by), min(seconds, one.end + by), one.label) for one in timed)
    return tuple(one for one in placed if one.end - one.start > 1e-6)


def _covering(timed: Sequence[Timed], seconds: float) -> tuple[Timed, ...]:
    """Mouth shapes that cover the whole sound, at rest where there were none."""
    found: list[Timed] = []
    now = 0.0
    for one in (*timed, Timed(seconds, seconds, "")):
        if one.start > now + 1e-6:
            found.append(Timed(now, one.start, "rest"))
        if one.label:
            found.append(one)
        now = max(now, one.end)
    merged: list[Timed] = []
    for one in found:
        if merged and merged[-1].label == one.label == "rest":
            merged[-1] = Timed(merged[-1].start, one.end, "rest")
        else:
            merged.append(one)
    return tuple(merged)


def _joined(one: Speech, other: Speech) -> Speech:
    """Two timelines of one sound, the first before the second."""
    shapes = [shape for shape in (*one.visemes, *other.visemes) if shape.label != "rest"]
    return dataclasses.replace(
        one,
        words=(*one.words, *other.words),
        phonemes=(*one.phonemes, *other.phonemes),
        visemes=_covering(shapes, float(one.sound.seconds)),
        confidence=min(one.confidence, other.confidence),
        notes=tuple(dict.fromkeys((*one.notes, *other.notes))),
    )
