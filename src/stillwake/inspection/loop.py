"""Does a loop's end flow into its beginning, in position and in speed? And does it play forwards and then back?"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stillwake.inspection.stream import Shown
from stillwake.inspection.view import View
from stillwake.types import ClipFinding, Floats, Pixels

if TYPE_CHECKING:
    from stillwake.inspection.evidence import Evidence

SEAM = 1.28
"""How many ordinary steps the step over the seam may go along its way: seven loops of ours encoded at crf 18 and 23
went 0 to 1.2, and 1.3 to 2.9 without their last frame (2026-11-28)."""
DRAWN = 1.5
"""How many ordinary steps it may be where the frames are at hand as they were drawn: whole loops have 1.0."""
ASTRAY = 3.5
"""How many ordinary steps it may be in all, aside and a key frame's texture included: those loops had 1.1 to 2.5."""
TURNS = -0.5
"""Likeness of the motion before and after the seam below which it turns round there: those loops had .2 to .9, played
there and back -.6 to -1."""
FAST = 0.35
"""Share of the usual motion that there must be on both sides of a seam to speak of its speed."""
SWINGS = 2.8
"""How many times as far as in half of that time something comes from where it turns, if it came to rest there: 4 for a
pendulum, 2 for what turns at full speed."""
SPEED = 2.0
"""Times by which the speed may change over the seam."""
KEPT = 5
"""Frames kept at either end."""
QUIET = 0.03
"""Levels of 255 of mean change a step below which a clip moves too little to have a seam."""
SEEMS = 4.0
"""Ordinary steps that lie at most between the last frame and the first of a clip that seems to be meant as a loop."""
THUMB = (32, 18)
"""Size of the pictures in which forwards and backwards are told apart."""
MIRRORED = 0.25
"""Difference of frames that mirror each other, over that of frames a quarter apart, below which it is mirrored:
60 clips had .6 and more, played there and back .02 to .15."""
NOISY = 0.7
"""Share of an ordinary step that the codec's noise may have: in a clip that hardly moves, it hides the seam."""
CALM = 0.3
"""Share of the most that a pixel moves up to which another stands still: if none does, nothing shows noise."""
LEAST_FRAMES = 12


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """Both ends of a clip, small.

    ``first`` and ``last`` (K, h, w) float32 levels, softened, in order; ``moving`` (h, w) float32, mean change a step;
    ``thumbs`` (N, 18, 32) uint8; ``start`` the first frame itself, (H, W, 3) uint8, or None.
    """

    first: Floats
    last: Floats
    moving: Floats
    thumbs: Pixels
    start: Pixels | None

    @property
    def count(self) -> int:
        """How many frames there are."""
        return len(self.thumbs)


class Watch:
    """Takes one frame after the other; the ends are kept, and a thumbnail of each."""

    def __init__(self) -> None:
        self._first: list[Floats] = []
        self._last: deque[Floats] = deque(maxlen=KEPT)
        self._moving: Floats | None = None
        self._thumbs: list[Pixels] = []
        self._start: Pixels | None = None

    def take(self, view: View) -> None:
        """Measure one frame."""
        import cv2

        soft = view.soft
        if self._start is None:
            self._start, self._moving = view.pixels.copy(), np.zeros_like(soft)
        if self._last and self._moving is not None:
            self._moving += cv2.absdiff(soft, self._last[-1])
        if len(self._first) < KEPT:
            self._first.append(soft)
        self._last.append(soft)
        thumb: Pixels = np.rint(cv2.resize(soft, THUMB, interpolation=cv2.INTER_AREA)).astype(np.uint8)
        self._thumbs.append(thumb)

    def finish(self) -> Ends:
        """What was seen."""
        empty = np.zeros((0, 8, 8), np.float32)
        return Ends(
            first=np.stack(self._first) if self._first else empty,
            last=np.stack(self._last) if self._last else empty,
            moving=np.zeros((8, 8), np.float32)
            if self._moving is None
            else self._moving / max(1, len(self._thumbs) - 1),
            thumbs=np.array(self._thumbs, np.uint8).reshape(-1, THUMB[1], THUMB[0]),
            start=self._start,
        )


@dataclass(frozen=True, slots=True)
class Seam:
    """The step from the last frame to the first.

    ``along`` how far it goes their way and ``wide`` its size, in those beside it; ``noise`` the codec's part of that;
    ``likeness`` -1..1 of the motion before and after; ``before`` and ``after`` how fast it is there, in the clip's
    usual steps; ``pace`` the greater of the speeds at the very ends, likewise, 0 where it turns as a pendulum does.
    """

    along: float
    wide: float
    noise: float
    likeness: float
    before: float
    after: float
    pace: float


def seam(ends: Ends) -> Seam | None:
    """How the end flows into the beginning; None where too little moves."""
    if ends.count < LEAST_FRAMES or len(ends.first) < 4 or float(ends.moving.mean()) < QUIET:
        return None
    weight = ends.moving / float(ends.moving.max())
    last, first = ends.last, ends.first

    def size(change: Floats) -> float:
        return float(np.sqrt((weight * change**2).mean()))

    over = first[0] - last[-1]
    before, after = last[-1] - last[-2], first[1] - first[0]
    incoming, outgoing = (last[-1] - last[-4]) / 3, (first[3] - first[0]) / 3
    # what is usual is measured as the ends are: over three steps, where noise counts a third
    usual = size(ends.moving) * 1.1
    beside = max((size(before) + size(after)) / 2, 0.5 * usual)
    product = float((weight * incoming * outgoing).mean())
    noise = _noise(ends)
    # a key frame's texture goes no way at all: what lies along the motion is the motion's
    middle = (before + after) / 2
    way = size(middle)

    def steps(change: Floats) -> float:
        return float((weight * change * middle).mean()) / max(way**2, 1e-9)

    # over fine texture two steps do not look twice as far as one
    two = max(1.2, (steps(last[-1] - last[-3]) + steps(first[2] - first[0])) / 2)
    along = max(0.0, 1 + (steps(over) - 1) / (two - 1)) if way > FAST * beside else size(over) / beside

    def pace(here: Floats, near: Floats, far: Floats) -> float:
        """The speed at a frame, from the frames two and four steps away: theirs less what it grows by in between."""
        two, four = (float((weight * _beyond(there - here, noise)).mean()) for there in (near, far))
        return max(0.0, two - four / 4)

    paces = [pace(side[0], side[2], side[4]) for side in (first, last[::-1]) if len(side) > 4]
    return Seam(
        along=along,
        wide=size(over) / beside,
        noise=noise / beside,
        likeness=product / max(size(incoming) * size(outgoing), 1e-9),
        before=size(incoming) / usual,
        after=size(outgoing) / usual,
        pace=max(paces, default=np.inf) / float((weight * ends.moving).mean()),
    )


def _beyond(change: Floats, noise: float) -> Floats:
    """How far a change goes beyond the noise: over an edge it grows with the way, where its square does not."""
    return np.maximum(np.abs(change) - np.float32(noise), np.float32(0))


def _noise(ends: Ends) -> float:
    """The codec's share of the difference of two frames far apart, levels: what still parts show, if there are any."""
    calm = ends.moving <= min(float(np.percentile(ends.moving, 20)), CALM * float(ends.moving.max()))
    apart = ends.first[0] - ends.last[-1]
    weight = float((ends.moving / float(ends.moving.max())).mean())
    return float(np.sqrt((apart[calm] ** 2).mean() * weight)) if calm.any() else 0.0


def mirrored(thumbs: Pixels) -> tuple[float, int] | None:
    """How much the second half is the first one backwards, 0 being quite, and the frame where it turns.

    None where too little moves to tell, or where it comes to rest at the turn, as a pendulum does.
    """
    count = len(thumbs)
    if count < 2 * LEAST_FRAMES:
        return None
    wide = thumbs.astype(np.float32)
    moves = np.abs(np.diff(wide, axis=0)).mean((1, 2))
    usual = float(np.median(moves))
    apart = float(np.abs(wide - np.roll(wide, count // 4, 0)).mean())
    if apart < 0.5 or usual <= 0:
        return None
    best, middle = np.inf, 0
    for end in (count - 2, count - 1, count):
        half = (end + 1) // 2
        there = wide[1 : half - 1] if end == count else wide[: half - 1]
        back = wide[end - np.arange(1, half - 1)] if end == count else wide[end - np.arange(half - 1)]
        value = float(np.abs(there - back).mean()) / apart
        if value < best:
            best, middle = value, end
    return (best, middle // 2) if not _rests(wide, middle) else None


def _rests(pictures: Floats, middle: int) -> bool:
    """Whether what plays backwards from frame ``middle`` / 2 on came to rest there."""
    turn, after = middle // 2, (middle + 1) // 2
    reach = max(2, len(pictures) // 16)

    noise = 2 * float(np.abs(pictures[turn - reach] - pictures[after + reach]).mean())
    near, far = (float(_beyond(pictures[turn - step] - pictures[turn], noise).mean()) for step in (reach, 2 * reach))
    return near <= 0 or far > SWINGS * near


def check(evidence: Evidence) -> list[ClipFinding]:
    """The seam of a clip that is a loop, or seems to be meant as one."""
    asked = evidence.asked
    if asked.loop is False or (asked.loop is None and evidence.sound is not None):
        return []  # who speaks does not go round
    raw = _raw(evidence)
    ends = raw or evidence.ends
    found = seam(ends)
    name = "loop seam"
    if found is None or found.noise > NOISY:
        return [ClipFinding.unseen(name, "it moves too little to show a seam")] if asked.loop else []
    if not asked.loop and found.wide > SEEMS:
        return []
    step = float(1 / evidence.fps)
    length = evidence.clip.info.frame_count * step / asked.repeat
    speed = _speed(found, bool(asked.loop), length, step) if asked.ambient is None else []
    return [*_position(found, bool(asked.loop), raw is not None, length, step), *speed, *_mirror(evidence)]


def _position(found: Seam, certain: bool, drawn: bool, length: float, step: float) -> list[ClipFinding]:
    # what was drawn has no codec's noise in it, and all of the step counts
    limit = DRAWN if drawn else ASTRAY
    astray = drawn or found.wide > ASTRAY
    over = found.wide > limit or (not drawn and found.along > SEAM)
    return [
        ClipFinding(
            check="loop seam",
            verdict="pass" if not over else "fail" if certain else "warn",
            measured=round(found.wide if astray else found.along, 3),
            unit="ordinary steps",
            limit=limit if astray else SEAM,
            start=length - step if over else None,
            end=length if over else None,
            why=f"from its last frame to its first it is {found.wide if astray else found.along:.2f} ordinary steps"
            + ("" if certain else ", if it is meant as a loop"),
            fix="make it anew with an end that meets the beginning, or cross-fade the last half second"
            if over
            else "",
        )
    ]


def _speed(found: Seam, certain: bool, length: float, step: float) -> list[ClipFinding]:
    name = "loop speed"
    if min(found.before, found.after) < FAST:
        if max(found.before, found.after) < SPEED * FAST:
            return [
                ClipFinding(check=name, verdict="pass", why="it comes to rest at the seam"),
            ]
        change = max(found.before, found.after) / max(min(found.before, found.after), 0.1)
    else:
        change = max(found.before, found.after) / min(found.before, found.after)
    back = found.likeness < TURNS and min(found.before, found.after) >= FAST
    turns = back and found.pace >= FAST
    uneven = change > SPEED
    over = turns or uneven
    return [
        ClipFinding(
            check=name,
            verdict="pass" if not over else "fail" if turns and certain else "warn",
            measured=round(found.likeness, 3) if turns or not over else round(change, 2),
            unit="likeness of the motion before and after" if turns or not over else "times as fast",
            limit=TURNS if turns or not over else SPEED,
            start=length - 2 * step if over else None,
            end=length if over else None,
            why="the motion turns round at the seam"
            if turns
            else f"the speed changes {change:.1f} times over the seam"
            if uneven
            else "it comes to rest at the seam"
            if back
            else "the motion goes on over the seam",
            fix="let it go on the same way over the seam: not there and back, but round" if over else "",
        )
    ]


def _mirror(evidence: Evidence) -> list[ClipFinding]:
    count = evidence.ends.count // evidence.asked.repeat
    found = mirrored(evidence.ends.thumbs[:count])
    if found is None or found[0] > MIRRORED:
        return []
    value, turn = found
    at = float(turn / evidence.fps)
    return [
        ClipFinding(
            check="ping-pong",
            verdict="warn",
            measured=round(value, 3),
            unit="difference of mirrored frames",
            limit=MIRRORED,
            start=max(0.0, at - float(1 / evidence.fps)),
            end=at + float(1 / evidence.fps),
            why=f"it plays forwards, and from {at:.2f} s on the same frames backwards",
            fix="make a loop that goes round; there and back shows wherever something falls, flows or blinks",
        )
    ]


def _raw(evidence: Evidence) -> Ends | None:
    """The ends as they were drawn; None for a clip of somebody else."""
    performance = evidence.performance
    if performance is None or performance.frame_count < LEAST_FRAMES:
        return None
    watch = Watch()
    count = performance.frame_count
    drawn = [*range(KEPT), *range(count - KEPT, count)]
    for index in drawn:
        watch.take(View(Shown(index, float(index), performance.frame(index)), None, None, None))
    raw, seen = watch.finish(), evidence.ends
    return Ends(raw.first, raw.last, seen.moving, seen.thumbs, raw.start)
