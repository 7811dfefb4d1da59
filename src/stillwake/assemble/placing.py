"""Where a picture sits in a joined film, and how it begins: the film's frames against those of the shot's clip.

Both are made small; frames are kept only while their picture is being looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby

import numpy as np

from stillwake.assemble.edit import Edit, Picture
from stillwake.assemble.findings import AGAIN, named
from stillwake.assemble.join import clip_frame, dissolved, fitted
from stillwake.inspection.stream import Timing, frames_within, timing
from stillwake.media import read_frames
from stillwake.types import Clip, ClipFinding, Floats, Pixels, Size

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


def runs(frames: list[int]) -> Iterator[tuple[int, int]]:
    """(first, last + 1) of every stretch of frames that follow each other."""
    for _, run in groupby(enumerate(frames), lambda pair: pair[1] - pair[0]):
        members = [frame for _, frame in run]
        yield members[0], members[-1] + 1


def _grey(thumb: Pixels) -> Pixels:
    import cv2

    grey: Pixels = cv2.cvtColor(thumb, cv2.COLOR_RGB2GRAY)
    return grey


def alone(picture: Picture, after: Picture | None, fades: dict[int, float]) -> range:
    """The frames of the film in which a picture is seen alone and in full light."""
    first = picture.start + (picture.frames if picture.transition == "dissolve" else 0)
    last = picture.end if after is None else min(picture.end, after.start)
    while first < last and first in fades:
        first += 1
    while last > first and last - 1 in fades:
        last -= 1
    return range(first, last)


class Sources:
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

    def seen(self, frames: Sequence[int]) -> list[Pixels]:
        """What each picture that covers one of those frames of the film should show there."""
        found: list[Pixels] = []
        for picture in self.edit.pictures:
            covered = [frame for frame in frames if picture.start <= frame < picture.end]
            if covered:
                found += self.thumbs(picture, covered).values()
        return found

    def _read(self, shot: int, clip: Clip, wanted: set[int]) -> Iterator[tuple[int, Pixels]]:
        if shot not in self._times:
            self._times[shot] = timing(clip)
        times, rate = self._times[shot], float(clip.info.fps)
        if not wanted:
            return
        if times.even:
            spans = tuple((first / rate, last / rate) for first, last in runs(sorted(wanted)))
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
class Place:
    """Looks for a picture within some frames of where it should be.

    ``shift`` by how many frames it is late, None where that is not known, with the reason in ``why``; ``wrong`` when
    it is not there at all.
    """

    sources: Sources
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
                why=f"{named(picture)} is not to be seen from {start:.2f} to {end:.2f} s: {self.why}", fix=AGAIN,
            )  # fmt: skip
        if self.shift is None:
            return ClipFinding(check=name, verdict="unseen", start=start, end=end, why=f"{named(picture)}: {self.why}")
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
            why=f"{named(picture)} comes {frames} {'late' if self.shift > 0 else 'early'}"
            if off
            else f"{named(picture)} sits on its frame",
            fix=AGAIN if off else "",
        )


# --------------------------------------------------------------------------------------------- where a picture begins


@dataclass(slots=True)
class Turn:
    """Looks at the frames in which one picture follows another.

    ``off`` by how many frames a cut is late, or by which mean share of light a dissolve or fade differs from the
    plan; None where that is not known, with the reason in ``why``.
    """

    sources: Sources
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
        what = f"the {picture.transition} to {named(picture)} at {float(picture.start / fps):.2f} s"
        if self.missing:
            return ClipFinding(
                check=name, verdict="fail", start=start, end=end, why=f"{what} is missing: {self.why}", fix=AGAIN
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
            fix=AGAIN if over else "",
        )


def _light(thumb: Pixels) -> Floats:
    """Levels as light, 0..1; the simple power law will do for small pictures."""
    light: Floats = (thumb.astype(np.float32) / 255) ** 2.2
    return light
