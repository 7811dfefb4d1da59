"""Where a clip fades in, out or through one colour, or one picture gives way to another.

An editor's changes are no faults of light or motion, but all that watches these would take them for one. They are read
from the brightness of blocks that `light` keeps: in a fade each block goes the same share of its way to one level, so
their contrast shrinks to nothing and grows again; in a dissolve each goes the same share of its way to another
picture's; and where one picture holds, and soon after another one does, a wipe or a slide lies between.

The limits were set by looking, on ten edits of two clips of ours; 132 fades, 44 dissolves and 44 slides that
`benchmarks.inspection` made of others, and 53 takes as they are, came after (2026-11-30).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from stillwake.inspection.asked import Asked
from stillwake.inspection.light import STEPS, Light
from stillwake.inspection.motion import runs
from stillwake.types import ClipFinding, Floats

Kind = Literal["in", "out", "through", "dissolve", "wipe"]

LEAST_CONTRAST = 5.0
"""Levels of 255 by which a picture's blocks usually differ, below which no fade of it can be told."""
BLANK, BLANK_END = 0.1, 0.3
"""Share of the usual contrast below which a frame is blank; the first or last of a clip may have that much left."""
DARKEST, LIGHTEST = 48, 208
"""Mean level of 255 of a blank frame up to which it is called black, and from which white."""
RISE = 0.12
"""Share of the usual contrast by which it grows in a second where a picture fades in."""
SHORTEST = 0.1
"""Seconds that one side of a fade lasts at least, and three frames: a black frame that comes at once is a fault."""
LEAP = 0.6
"""Share of a fade that one frame may take."""
KEPT, NEAR = 0.9, 3
"""Correlation with the frame so many further on that a frame has which shows a third of the picture or more."""
FULL = 0.97
"""Share of its full contrast from which a picture is there."""
HALVES = (1.5, 1.0, 0.7, 0.45, 0.3, 0.2, 0.12)
"""Seconds before and after its middle at which a dissolve is looked for: the wider, the less of it is missed."""
APART, UNLIKE = 10.0, 0.7
"""Levels of 255 (root mean square) by which two pictures differ, and their correlation below which they are two."""
ALONG = 0.3
"""Share of that difference by which a frame of a dissolve may lie beside the way from one picture to the other, and by
which both pictures may change beside it."""
STEP = (-0.06, 0.45)
"""The share of the way that a dissolve's frames go, at least and at most."""
MIDDLE = 0.2, 0.8
"""The share of the way by which a dissolve is timed: moving pictures blur where it begins and ends."""
BESIDE = 0.16
"""Seconds for which both pictures hold beside a dissolve."""
OTHER, CHANGED = 0.5, 0.6
"""Correlation of two pictures below which, and share of their blocks that differ from which on, they are two whatever
lies between: a wipe, a slide, a zoom."""
DIFFERS = 8.0
"""Levels of 255 by which a block does."""
HOLDS, HELD_FOR = 0.3, 0.4
"""Share of the difference up to which a picture is still itself, and seconds before and after for which it must be:
under a camera that goes on moving none is."""
ARRIVED = 0.06
"""Share of the way beyond what either picture goes by itself, from which such a change has begun, or is not over."""
ALONE = 4.0
"""Times the steps beside it that a step is which is a cut, and no part of a slower change."""
BLURRED = 2
"""Frames before and after a change in which nothing is judged either."""
MOST_FINDINGS = 5
"""So many findings of one kind are told apart; the rest is counted."""
AMONG = 4096
"""Frames looked at together."""


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of a clip that shows no picture in full: the frames ``first`` to ``last``, both of it.

    ``kind``: the clip fades "in" or "out", "through" one colour, or its picture becomes another in a "dissolve" or a
    "wipe", which stands for slides, zooms and fast pans too; ``colour`` in words, "" where there is none; ``another``
    whether what comes after is another picture than before; ``blank`` how many frames show nothing.
    """

    first: int
    last: int
    kind: Kind
    colour: str
    another: bool
    blank: int

    def seconds(self, fps: Fraction) -> tuple[float, float]:
        """When it begins and ends."""
        return float(self.first / fps), float((self.last + 1) / fps)


def changes(light: Light) -> tuple[Change, ...]:
    """All fades and dissolves of a clip, in order. Nothing is told of a clip with frames left out."""
    count = len(light.index)
    if count < 2 or int(light.index[-1] - light.index[0]) != count - 1:
        return ()
    blocks = light.blocks.reshape(count, -1)
    fps = (count - 1) / max(float(light.time[-1] - light.time[0]), 1e-9)
    fades = list(_fades(blocks, fps))
    taken = np.zeros(count, bool)
    for one in fades:
        taken[one.first : one.last + 1] = True
    found = [*fades, *_others(blocks, fps, taken, "dissolve")]
    for one in found:
        taken[one.first : one.last + 1] = True
    found += _others(blocks, fps, taken, "wipe")
    begins = int(light.index[0])
    moved = (replace(one, first=one.first + begins, last=one.last + begins) for one in found)
    return tuple(sorted(moved, key=lambda one: one.first))


def unasked(found: Sequence[Change], asked: Asked) -> tuple[Change, ...]:
    """Those changes that do not lie where one was asked for."""
    return tuple(one for one in found if all(one.last < first or one.first > last for first, last in asked.changes))


def frames(found: Sequence[Change], asked: Asked) -> list[tuple[int, int]]:
    """The frames, first to last, of all changes that were found or asked for but cuts, in which nothing is judged.

    Those beside what was found belong to them: nobody sees where a change begins to the frame.
    """
    meant = [(first, last) for first, last in asked.changes if first < last]
    return sorted([*((max(0, one.first - BLURRED), one.last + BLURRED) for one in found), *meant])


def scenes(found: Sequence[Change], asked: Asked, cuts: Sequence[int], frame_count: int) -> list[tuple[int, int]]:
    """The frames, first to last, of each scene: between ``cuts`` and the changes to another picture, meant or not."""
    turns = [(one.first, one.last + 1) for one in found if one.another]
    turns += [(first, last + 1 if last > first else first) for first, last in asked.changes]
    turns = sorted([*turns, *((cut, cut) for cut in cuts)])
    starts = [0, *(after for _, after in turns)]
    ends = [*(first for first, _ in turns), frame_count]
    return [(first, end - 1) for first, end in zip(starts, ends, strict=True) if end > first]


def _levels(blocks: npt.NDArray[np.uint16]) -> Floats:
    levels: Floats = blocks.astype(np.float32) / np.float32(STEPS)
    return levels


# ------------------------------------------------------------------------------------------------------------- fades


def _fades(blocks: npt.NDArray[np.uint16], fps: float) -> Iterator[Change]:
    count = len(blocks)
    contrast = np.concatenate([_levels(blocks[k : k + AMONG]).std(1) for k in range(0, count, AMONG)])
    usual = float(np.percentile(contrast, 75))
    if usual < LEAST_CONTRAST:
        return
    blank = contrast < BLANK * usual
    for end in (0, count - 1):
        blank[end] |= bool(contrast[end] < BLANK_END * usual)
    for first, last in runs(blank):
        before = 0 if first == 0 else _ramp(blocks, contrast, first, -1, usual, fps)
        after = 0 if last == count else _ramp(blocks, contrast, last - 1, 1, usual, fps)
        if not before and not after:
            continue
        start, end = first - before, last - 1 + after
        kind: Kind = "in" if first == 0 else "out" if last == count else "through"
        level = float(_levels(blocks[(first + last - 1) // 2]).mean())
        yield Change(
            start,
            end,
            kind,
            "black" if level < DARKEST else "white" if level > LIGHTEST else "one colour",
            kind == "through" and _alike(blocks[max(0, start - 1)], blocks[min(count - 1, end + 1)]) < UNLIKE,
            last - first,
        )


def _ramp(blocks: npt.NDArray[np.uint16], contrast: Floats, at: int, way: int, usual: float, fps: float) -> int:
    """How many frames it takes from a blank one to the picture in full; 0 where no picture fades there."""
    least = RISE * usual / fps
    k, count = at, len(contrast)
    while 0 <= k + way < count:
        further = k + 2 * way
        grows = contrast[k + way] > contrast[k] + least
        grows |= 0 <= further < count and bool(contrast[further] > contrast[k] + 2 * least)
        if not grows:
            break
        k += way
    course = contrast[at : k + way : way] if k + way >= 0 else contrast[at::way]
    top = float(course.max())
    full = int(np.argmax(course >= FULL * top))
    if full < max(3, round(SHORTEST * fps)) or top < max(LEAST_CONTRAST, 3 * float(course[0])):
        return 0
    if float(np.diff(course[: full + 1]).max()) > LEAP * (top - float(course[0])):
        return 0
    shown = [(at + way * j, at + way * min(full, j + NEAR)) for j in range(1, full) if course[j] > top / 3]
    return full - 1 if all(_alike(blocks[one], blocks[other]) > KEPT for one, other in shown) else 0


def _alike(one: npt.NDArray[np.uint16], other: npt.NDArray[np.uint16]) -> float:
    """The correlation of two pictures' blocks, -1..1."""
    a, b = _levels(one), _levels(other)
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(1e-6, float(np.sqrt((a * a).sum() * (b * b).sum()))))


# ------------------------------------------------------------------------------------------------ another picture


def _others(
    blocks: npt.NDArray[np.uint16], fps: float, taken: npt.NDArray[np.bool_], kind: Literal["dissolve", "wipe"]
) -> Iterator[Change]:
    """Where another picture comes in that way, outside the frames ``taken``."""
    taken, cuts = taken.copy(), np.cumsum(_at_once(blocks))
    told = _dissolve if kind == "dissolve" else _wipe
    for half in HALVES:
        reach = round(half * fps)
        if reach < 2 or 2 * reach + 1 > len(blocks):
            continue
        for middle in _between_two(blocks, reach, UNLIKE if kind == "dissolve" else OTHER):
            if cuts[middle + reach] > cuts[middle - reach]:
                continue
            if taken[middle - reach : middle + reach + 1].any():
                continue
            found = told(blocks, middle, reach, fps)
            if found is not None:
                taken[middle - reach : middle + reach + 1] = True
                yield Change(*found, kind, "", True, 0)


def _at_once(blocks: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """Before which frames the picture changes at once, and not in those beside them, (N,)."""
    step = np.zeros(len(blocks), np.float32)
    for start in range(1, len(blocks), AMONG):
        some = _levels(blocks[start - 1 : start + AMONG])
        step[start : start + len(some) - 1] = np.sqrt((np.diff(some, axis=0) ** 2).mean(1))
    around = np.lib.stride_tricks.sliding_window_view(np.pad(step, 2), 5)
    beside = np.delete(around, 2, axis=1).max(1)
    at_once: npt.NDArray[np.bool_] = (step > APART) & (step > ALONE * beside)
    return at_once


def _between_two(blocks: npt.NDArray[np.uint16], reach: int, unlike: float) -> list[int]:
    """The frames before and after which, at that distance, lie two pictures; those furthest apart first."""
    found: list[tuple[float, int]] = []
    for start in range(reach, len(blocks) - reach, AMONG):
        middles = np.arange(start, min(start + AMONG, len(blocks) - reach))
        before, after = _levels(blocks[middles - reach]), _levels(blocks[middles + reach])
        apart = np.sqrt(((after - before) ** 2).mean(1))
        before, after = before - before.mean(1, keepdims=True), after - after.mean(1, keepdims=True)
        size = np.sqrt((before**2).sum(1) * (after**2).sum(1))
        alike = (before * after).sum(1) / np.maximum(size, 1e-6)
        two = (apart > APART) & (alike < unlike)
        found += zip(apart[two].tolist(), middles[two].tolist(), strict=True)
    return [middle for _, middle in sorted(found, key=lambda one: (-one[0], one[1]))]


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """The frames around a change from one picture to another: from frame ``first`` on, ``share`` of the way each.

    ``frames`` (N, blocks) levels; ``one`` and ``other`` the pictures, ``size`` how far apart, levels.
    """

    first: int
    frames: Floats
    one: Floats
    other: Floats
    share: Floats
    size: float


def _way(blocks: npt.NDArray[np.uint16], middle: int, reach: int, beside: int) -> _Way:
    first, last = max(0, middle - reach - beside), min(len(blocks), middle + reach + beside + 1)
    frames = _levels(blocks[first:last])
    one, other = frames[middle - reach - first], frames[middle + reach - first]
    way = other - one
    share: Floats = ((frames - one) @ way) / float(way @ way)
    return _Way(first, frames, one, other, share, float(np.sqrt((way * way).mean())))


def _dissolve(blocks: npt.NDArray[np.uint16], middle: int, reach: int, fps: float) -> tuple[int, int] | None:
    """The first and last frame of a dissolve around there; None where one picture does not become the other so."""
    way = _way(blocks, middle, reach, max(2, round(BESIDE * fps)))
    share = way.share
    along = way.one + np.clip(share, 0, 1)[:, None] * (way.other - way.one)
    aside = np.sqrt(((way.frames - along) ** 2).mean(1))
    steps = np.diff(share)
    if aside.max() > ALONG * way.size or steps.min() < STEP[0] or steps.max() > STEP[1]:
        return None
    inside = np.flatnonzero((share > MIDDLE[0]) & (share < MIDDLE[1]))
    if not len(inside) or inside[0] == 0 or inside[-1] == len(share) - 1:
        return None
    low, high = int(inside[0]) - 1, int(inside[-1]) + 1
    rate = float(share[high] - share[low]) / (high - low)
    begins, ends = low - float(share[low]) / rate, high + (1 - float(share[high])) / rate
    if begins < 0 or ends > len(share) - 1:
        return None
    return way.first + int(begins) + 1, way.first + max(int(begins) + 1, int(np.ceil(ends)) - 1)


def _wipe(blocks: npt.NDArray[np.uint16], middle: int, reach: int, fps: float) -> tuple[int, int] | None:
    """The same of a change in any other way, between two pictures that hold; None where it comes at once."""
    held = round(HELD_FOR * fps)
    way = _way(blocks, middle, reach, held)
    if float((np.abs(way.other - way.one) > DIFFERS).mean()) < CHANGED or np.diff(way.share).max() > LEAP:
        return None
    from_one, from_other = (np.sqrt(((way.frames - end) ** 2).mean(1)) / way.size for end in (way.one, way.other))
    before, after = middle - reach - way.first + 1, len(way.frames) - (middle + reach - way.first)
    if min(before, after) < held / 2 or max(from_one[:before].max(), from_other[-after:].max()) > HOLDS:
        return None
    there = way.share > 0.5
    halfway, left = int(np.argmax(there)), int(np.flatnonzero(~there)[-1])
    low, high = ARRIVED + float(way.share[:before].max()), 1 - ARRIVED + min(0.0, float(way.share[-after:].min()) - 1)
    begun = np.flatnonzero(way.share[:halfway] < low)
    arrived = np.flatnonzero(way.share[left:] > high)
    if not len(begun) or not len(arrived):
        return None
    return way.first + int(begun[-1]) + 1, way.first + left + max(0, int(arrived[0]) - 1)


# ----------------------------------------------------------------------------------------------------------- findings


def check(found: Sequence[Change], asked: Asked, fps: Fraction, *, filmed: bool) -> list[ClipFinding]:
    """Fades in, out, and to one colour and back, that nobody asked for; `continuity` says where another picture comes.

    ``filmed`` whether a camera may have made the clip: a fade within it is an editor's, and warns.
    """
    told = [one for one in found if not one.another]
    if not told:
        why = "nothing fades but where it was meant to" if asked.changes else "nothing fades in or out"
        return [ClipFinding(check="fade", verdict="pass", measured=0.0, unit="fades", limit=0.0, why=why)]
    return told_apart([_finding(one, fps, filmed) for one in told])


def told_apart(findings: list[ClipFinding]) -> list[ClipFinding]:
    """The first `MOST_FINDINGS` of one kind, the first of which says how many more there are."""
    if len(findings) <= MOST_FINDINGS:
        return findings
    first, *others = findings[:MOST_FINDINGS]
    why = f"{first.why}; {len(findings) - MOST_FINDINGS} more follow"
    return [first.model_copy(update={"why": why}), *others]


def _finding(one: Change, fps: Fraction, filmed: bool) -> ClipFinding:
    start, end = one.seconds(fps)
    what = {
        "in": f"the clip fades in from {one.colour}",
        "out": f"the clip fades out to {one.colour}",
        "through": f"the picture fades to {one.colour} and back",
    }[one.kind]
    return ClipFinding(
        check="fade",
        verdict="fail" if one.kind == "through" and not filmed else "warn",
        measured=round(end - start, 3),
        unit="s",
        limit=0.0,
        start=start,
        end=end,
        why=f"{what}, for {end - start:.2f} s",
        fix="cut it off, unless it was meant; fades belong where clips are joined"
        if one.kind != "through"
        else "render it again as one take, unless it was meant",
    )
