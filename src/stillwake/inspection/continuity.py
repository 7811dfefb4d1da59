"""What breaks in a clip's motion: cuts, jumps, frozen stretches, frames that are missing or come twice.

A jump is a difference between two frames, as `motion` measures it, that is unlike its neighbours altogether, and a
repeated frame makes one vanish; what speaks for a missing one is weighed in `missing`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from stillwake.inspection.asked import Asked
from stillwake.inspection.changes import Change, told_apart
from stillwake.inspection.motion import FROZEN_STEPS, Motion, runs
from stillwake.inspection.stream import lying_in
from stillwake.types import ClipFinding, Pixels, Verdict

Drawn = Callable[[int], Pixels]
Array = npt.NDArray[np.float64]

SEEN = 0.6
"""Levels of 255 of usual change below which a clip is too quiet to show a frozen or a missing frame."""
FROZEN = (0.75, 0.22)
"""Levels of 255 of change over `FROZEN_STEPS` frames, and share of what is usual around, under which they are the same
frame: an encoder goes on polishing a frozen picture. Or `FROZEN_FAST`, where much moves. Of 80 clean pieces of film
and clips of ours two came as low, 76 of 80 frozen ones did (2026-11-28)."""
FROZEN_FAST = (1.2, 0.1)
LITTLE = (0.25, 0.3, 0.8, 0.38)
"""Where less than `SEEN` changes usually, a frozen stretch only warns: levels of 255 of usual change, over each step,
down to which one is looked for, share of it under which the frames are the same, times the usual change of the whole
picture that the steps before and after have, and share of it that the middle one of those within has: of 6 rests
between two sentences that looked frozen 4 had .43 and more. Of 132 frozen stretches 123 are told (120 with .3), of the
22 clips as they are none; with .2 one is, and five rests in the others (2026-11-30)."""
ABRUPT = 0.83
"""Times the usual step that the steps before and after a frozen stretch are: who comes to rest slows down first. With
it and `LITTLE` 36 of 42 frozen stretches of one half were told and 35 of 38 of the other, before that 52 in all; of 40
clean clips of ours 14 of which talk for 23 s one warns (2026-11-29; chosen with both halves in view)."""
STOPS = 0.7
"""Times the usual change of the whole picture that the steps before it have: 27 frozen stretches of one half had
.80 at least and 12 of the other .93; a head that came to rest before it blinked .57 (2026-11-28)."""
RESUMES = 2.5
"""Times the usual change of the whole picture, and that of the next step, by which it leaps after a stretch whose own
frames are lost: then half as much before it will do, for who has only rested sets off by an ordinary step."""
LONG = 8
"""Steps from which half as much will do: nobody rests so long so quietly in the midst of motion."""
SLOW = (0.25, 0.7)
"""Levels of 255, and share of the largest, that every step of a stretch reaches where the picture goes on slowly: an
encoder polishes a frozen one by fits. 39 frozen stretches had a step of .24 or less, or of half of the largest; a head
that turned slowly before it spoke had .33 to .36 throughout (2026-11-28)."""
REPEATED = 0.15
"""Share of its neighbours' change under which a single step shows the same frame twice."""
HELD = 1.0
"""Seconds around a repeated frame within which there must be no other: drawings are held on twos, and webcams stutter,
but then again and again."""
HELD_REACH = 6
"""Frames to either side of a seeming cut among which another leaps as far, if pictures are held for several frames."""
CAUGHT_UP = 1.4
"""Times the usual step by which the picture leaps after a repeated frame that stood for a lost one."""
DRAWN_STILL = 0.5
"""Times what usually changes around, up to which frames that were drawn stand still themselves: then nothing froze or
came twice, the face rested. Five such rests in 62 clips of ours changed by .14 to .44 of it (2026-12-01)."""
JUMP = (3.5, 0.15, 0.6)
"""Times the neighbours' mean change, share of the tiles and share of the moving tiles that stand out: from here on a
step warns, and from `JUMP_FAIL` on it fails: no clean piece of 60 reached that."""
JUMP_FAIL = (4.0, 0.15, 0.7)
JUMP_FILMED = 6.0
"""The first of them in a clip that a camera may have made: three webcams that stutter jumped by 4.1 to 5.0
(2026-11-29)."""
WIDE_REPEATED = 0.04
"""Share of the tiles that must change around a repeated frame: lips and lids alone move in fits."""
BEGUN = 0.3
"""Seconds at either end in which a frame may repeat: motion has only begun there, or has come to rest."""
MISSING = (3.0, 4.5)
"""How much must speak for a missing frame, as `missing` has it, to warn and to fail. Of 22 clean clips of ours 2.4 was
the most; of 110 frames left out of them 75 had 3 at the right place and 68 had 4.5 (2026-11-30)."""
TELLS = (6.0, 0.5)
"""How much must speak for one if there were one, and in which share of the steps, for a clip to pass: of 75 frames
left out of clips that have it 63 were told, of 35 of the others 12 (2026-11-30)."""


def check(
    motion: Motion,
    asked: Asked,
    fps: Fraction,
    *,
    changes: Sequence[Change] = (),
    filmed: bool = False,
    lacking: int | None = None,
    drawn: Drawn | None = None,
) -> list[ClipFinding]:
    """Cuts and jumps, frozen stretches, missing and repeated frames.

    ``changes`` the fades and dissolves that nobody asked for; ``filmed`` whether a camera may have made the clip:
    nothing says otherwise; ``lacking`` the frame before which one is known to be missing, as `lacking` has it;
    ``drawn`` gives the frame of an index as it was drawn, where what drew the clip is at hand.
    """
    if np.isfinite(motion.step).sum() < 6:
        return [ClipFinding.unseen(name, "there are too few frames") for name in ("cut", "freeze", "dropped frames")]
    frozen = _frozen(motion, fps, drawn)
    another = [one for one in changes if one.another]
    cuts = _cuts(motion, another, asked, fps, filmed)
    counted = asked.ours and asked.frames == int(motion.index[-1]) + 1
    dropped = _dropped(motion, fps, counted=counted, lacking=lacking, drawn=drawn)
    if filmed:
        dropped = _only_warning(dropped, "; webcams leave some out too")
    broken = [*_without_catching_up(cuts, frozen, asked, fps), *frozen, *dropped]
    if asked.ours:  # every frame was drawn and is counted: what looks broken is how the motion was made
        broken = _only_warning(broken)
    return broken


def _only_warning(findings: list[ClipFinding], why: str = "") -> list[ClipFinding]:
    """The same findings; what fails warns, and why is said besides."""
    changed = [{"verdict": "warn", "why": one.why + why} if one.verdict == "fail" else {} for one in findings]
    return [one.model_copy(update=update) for one, update in zip(findings, changed, strict=True)]


def _cuts(motion: Motion, changes: Sequence[Change], asked: Asked, fps: Fraction, filmed: bool) -> list[ClipFinding]:
    """Cuts, jumps and other ``changes`` of the scene."""
    frame, fails = float(1 / fps), JUMP_FILMED if filmed else JUMP_FAIL[0]
    numbers = np.arange(int(motion.index[-1]) + 2)
    meant = lying_in(numbers, ((first - 1, last + 1) for first, last in asked.changes))
    found: list[tuple[int, Verdict, str, float]] = [
        (cut, "fail", "another scene begins", float(motion.jump[k]) if k >= 0 else np.nan)
        for cut in motion.cuts
        for k in [_entry(motion, cut)]
        if not _is_held(motion, k) and not meant[cut]
    ]
    height, share, moved = motion.jump, motion.jump_share, motion.jump_moved
    for k in _jumps(motion):
        index = int(motion.index[k])
        near = meant[max(0, index - 2) : index + 3].any() or any(abs(index - other[0]) <= 3 for other in found)
        if near or _is_held(motion, int(k)):
            continue
        strong = all(v[k] >= limit for v, limit in zip((height, share, moved), (fails, *JUMP_FAIL[1:]), strict=True))
        found.append((index, "fail" if strong else "warn", "the picture jumps", float(height[k])))
    slow = told_apart([_slowly(one, fps, filmed) for one in changes])
    if not found:
        return slow or [_one_take(asked)]
    found.sort(key=lambda one: (one[1] != "fail", one[0]))
    return slow + told_apart([
        ClipFinding(
            check="cut" if what.startswith("another") else "jump",
            verdict=verdict,
            measured=1.0 if not np.isfinite(size) else round(size, 2),
            unit="times the change beside it",
            limit=JUMP[0],
            start=(index - 0.5) * frame,
            end=(index + 0.5) * frame,
            why=f"{what} at {index * frame:.2f} s",
            fix="render it again as one take; a cut that is wanted belongs between clips",
        )
        for index, verdict, what, size in found
    ])  # fmt: skip


def _slowly(change: Change, fps: Fraction, filmed: bool) -> ClipFinding:
    """A scene that another one follows in a dissolve, a fade or a wipe; a camera may have swept to it."""
    start, end = change.seconds(fps)
    ways = {"dissolve": "in a dissolve", "wipe": "in a wipe, a slide or a fast pan"}
    how = ways.get(change.kind, f"through {change.colour}")
    return ClipFinding(
        check="cut",
        verdict="warn" if filmed and change.kind == "wipe" else "fail",
        measured=1.0,
        unit="cuts",
        limit=0.0,
        start=start,
        end=end,
        why=f"another scene comes {how} at {(start + end) / 2:.2f} s",
        fix="render it again as one take; a change that is wanted belongs between clips",
    )


def _is_held(motion: Motion, k: int) -> bool:
    """Whether entry k leaps only because pictures are held: beside it nothing changes, and others leap as far."""
    if k < 0:
        return False
    own, beside = float(motion.mean[k]), motion.mean[[at for at in (k - 1, k + 1) if 0 <= at < len(motion.mean)]]
    others = np.sort(np.delete(motion.mean[max(0, k - HELD_REACH) : k + HELD_REACH + 1], min(k, HELD_REACH)))
    return bool(beside.max() < REPEATED * own and len(others) > 1 and others[-2] > own / 1.5)


def _without_catching_up(
    cuts: list[ClipFinding], frozen: list[ClipFinding], asked: Asked, fps: Fraction
) -> list[ClipFinding]:
    """The cuts and jumps but for those with which a frozen picture catches up: they are the freeze's own end."""
    ends = [finding.end for finding in frozen if finding.end is not None]
    near = 2.5 / float(fps)
    kept = [
        cut for cut in cuts if cut.check != "jump" or all(cut.start is None or abs(cut.start - e) > near for e in ends)
    ]
    return kept or [_one_take(asked)]


def _one_take(asked: Asked) -> ClipFinding:
    return ClipFinding(
        check="cut", verdict="pass", measured=0.0, unit="cuts and jumps", limit=0.0,
        why=f"nothing cuts or jumps but where it was meant to, {len(asked.changes)} times"
        if asked.changes
        else "it is one take: nothing cuts or jumps",
    )  # fmt: skip


def _entry(motion: Motion, index: int) -> int:
    """Which entry is the step to that frame; -1 where there is none."""
    at = int(np.searchsorted(motion.index, index))
    return at if at < len(motion.index) and motion.index[at] == index else -1


def _frozen(motion: Motion, fps: Fraction, drawn: Drawn | None) -> list[ClipFinding]:
    frame, name = float(1 / fps), "freeze"
    seen = np.isfinite(motion.far)
    if seen.sum() < 3 * FROZEN_STEPS or float(np.percentile(motion.far[seen], 75)) < LITTLE[0] * FROZEN_STEPS:
        return [ClipFinding.unseen(name, "it moves too little to show a frozen frame")]
    alike = runs(np.array([_still(motion, k, fps) for k in range(len(motion.far))]))
    found = [
        (first - FROZEN_STEPS, last - 1, _moves_little(motion, (first + last - 1) // 2, fps))
        for first, last in alike
        if _abrupt(motion, first, last, fps) and not _rests(motion, first - FROZEN_STEPS, last - 1, fps, drawn)
    ]
    if not found:
        return [
            ClipFinding(
                check=name, verdict="pass", measured=0.0, unit="s", limit=round(FROZEN_STEPS * frame, 3),
                why="the picture never freezes while it moves",
            )
        ]  # fmt: skip
    stretches = [(int(motion.index[first]), int(motion.index[last]), little) for first, last, little in found]
    return told_apart([
        ClipFinding(
            check=name,
            verdict="warn" if little else "fail",
            measured=round((last - first + 1) * frame, 3),
            unit="s",
            limit=round(FROZEN_STEPS * frame, 3),
            start=first * frame,
            end=(last + 1) * frame,
            why=f"the picture stands still for {last - first + 1} frames while it should move",
            fix="render it again, or cut the stretch out",
        )
        for first, last, little in stretches
    ])  # fmt: skip


def _usual(motion: Motion, k: int, fps: Fraction) -> float:
    """The lesser of what usually changes over `FROZEN_STEPS` steps before and after those that lead to entry k."""
    reach, first = max(6, round(float(fps))), k - FROZEN_STEPS
    return _least(motion.far, first - reach, first + 1, k + FROZEN_STEPS, k + FROZEN_STEPS + reach)


def _moves_little(motion: Motion, k: int, fps: Fraction) -> bool:
    """Whether the clip moves so little around entry k that `LITTLE` is what counts."""
    return _usual(motion, k, fps) < SEEN * FROZEN_STEPS


def _still(motion: Motion, k: int, fps: Fraction) -> bool:
    """Whether the frames from `FROZEN_STEPS` before entry k to it are the same while those around them move."""
    if k - FROZEN_STEPS < 1 or k + 2 >= len(motion.step):
        return False
    usual, value = _usual(motion, k, fps), float(motion.far[k])
    if _moves_little(motion, k, fps):
        return usual >= LITTLE[0] * FROZEN_STEPS and value <= min(FROZEN[0], LITTLE[1] * usual)
    return any(value <= min(most, share * usual) for most, share in (FROZEN, FROZEN_FAST))


def _abrupt(motion: Motion, first: int, last: int, fps: Fraction) -> bool:
    """Whether motion stops and starts again at once around the entries ``first`` to ``last`` - 1 of a freeze."""
    reach, start = max(6, round(float(fps))), first - FROZEN_STEPS
    within = motion.step[start + 1 : last]
    if within.min() >= max(SLOW[0], SLOW[1] * within.max()):
        return False
    little = _moves_little(motion, (first + last - 1) // 2, fps)
    sides = slice(max(0, start - 1), start + 1), slice(last, last + 2)
    before, after = (motion.step[side] for side in sides)
    if len(before) < 2 or len(after) < 2:
        return False
    usual, whole = (
        _least(values, start - reach, start + 1, last, last + reach) for values in (motion.step, motion.mean)
    )
    leap, then = motion.mean[last : last + 2]
    long = not little and last - first + FROZEN_STEPS >= LONG
    need = ABRUPT / 2 if long or leap >= RESUMES * max(whole, float(then)) else ABRUPT
    stops, starts = (float(motion.mean[side].max()) for side in sides)
    if little and (
        min(stops, starts) < LITTLE[2] * whole or np.median(motion.mean[start + 1 : last]) > LITTLE[3] * whole
    ):
        return False
    return bool(min(before.max(), after.max()) >= need * usual and stops >= min(STOPS, need) * whole)


def _rests(motion: Motion, first: int, last: int, fps: Fraction, drawn: Drawn | None) -> bool:
    """Whether what was drawn stands still from entry ``first`` to ``last`` too; False where it is not at hand."""
    if drawn is None:
        return False
    across, reach = last - first, round(float(fps))
    starts = [*range(first - across, max(0, first - reach) - 1, -across)]
    starts += range(last, min(len(motion.index) - 1, last + reach) - across + 1, across)

    def change(begin: int) -> float:
        before = drawn(int(motion.index[begin])).astype(np.float32)  # the next may be drawn into the same array
        return float(np.abs(drawn(int(motion.index[begin + across])) - before).mean())

    others = [change(k) for k in starts[:: 1 + len(starts) // 16]]
    return bool(others) and change(first) <= DRAWN_STILL * float(np.median(others))


def _jumps(motion: Motion) -> list[int]:
    """The steps that stand out from those around."""
    high = (motion.jump >= JUMP[0]) & (motion.jump_share >= JUMP[1]) & (motion.jump_moved >= JUMP[2])
    return [int(k) for k in np.flatnonzero(high)]


def _least(values: Array, a: int, b: int, c: int, d: int) -> float:
    """The lesser of the medians of two stretches of entries; 0 where neither has any to speak of."""
    sides = [values[max(0, a) : max(0, b)], values[c:d]]
    medians = [float(np.nanmedian(side)) for side in sides if np.isfinite(side).sum() >= 3]
    return min(medians, default=0.0)


def _dropped(
    motion: Motion, fps: Fraction, *, counted: bool, lacking: int | None, drawn: Drawn | None
) -> list[ClipFinding]:
    """Frames that are missing or come twice; ``counted`` whether there are as many as were drawn.

    Then none is missing unless another comes twice, however the picture moves. ``lacking`` and ``drawn`` as `check`
    has them.
    """
    frame, name = float(1 / fps), "dropped frames"
    step = motion.step
    found: list[tuple[int, Verdict, str]] = []
    repeated = [k for k in _repeated(motion, fps) if not _rests(motion, k - 1, k, fps, drawn)]
    for k in repeated:
        usual = _least(step, k - round(float(fps)), k, k + 1, k + 1 + round(float(fps)))
        leaps = float(step[k + 1]) >= CAUGHT_UP * usual and not _turns(motion, k)
        found.append((k, "fail" if leaps else "warn", "is shown twice" + (", and one is lost" if leaps else "")))
    others = [*_jumps(motion), *(_entry(motion, cut) for cut in motion.cuts)]
    for first, last in runs(motion.missing >= MISSING[0]):
        k = first + int(np.argmax(motion.missing[first:last]))
        if all(abs(k - other) > 1 for other in others):
            sure = motion.missing[k] >= MISSING[1]
            found.append((k, "fail" if sure else "warn", "is missing" if sure else "seems to be missing"))
    if lacking is not None and not any("missing" in what for *_, what in found):
        found.append((_entry(motion, lacking), "warn", "is missing, most likely"))
    if counted and not repeated:
        return [
            ClipFinding(
                check=name, verdict="pass", measured=0.0, unit="frames", limit=0.0,
                why="there are as many frames as were drawn, and none comes twice",
            )
        ]  # fmt: skip
    if not found:
        if float(np.nanpercentile(step, 75)) < SEEN:
            return [ClipFinding.unseen(name, "it moves too little to show a missing frame")]
        if float((motion.tells >= TELLS[0]).mean()) < TELLS[1]:
            return [
                ClipFinding.unseen(name, "no frame comes twice, but too little moves evenly to show a missing one")
            ]
        return [
            ClipFinding(
                check=name, verdict="pass", measured=0.0, unit="frames", limit=0.0,
                why="no frame is seen to be missing or repeated",
            )
        ]  # fmt: skip
    return told_apart([
        ClipFinding(
            check=name,
            verdict=verdict,
            measured=1.0,
            unit="frames",
            limit=0.0,
            start=(int(motion.index[k]) - 0.5) * frame,
            end=(int(motion.index[k]) + 0.5) * frame,
            why=f"a frame {what} at {int(motion.index[k]) * frame:.2f} s",
            fix="export it again without dropping frames, at a constant rate",
        )
        for k, verdict, what in sorted(found)
    ])  # fmt: skip


def _turns(motion: Motion, k: int) -> bool:
    """Whether what moved before entry k comes back after it, as lips do that meet: nothing need be lost there.

    Motion that goes on leads further from where it was than each of its steps.
    """
    if k + 2 >= len(motion.far) or k < 2:
        return False
    return bool(motion.far[k + 2] < max(motion.step[k - 1], motion.step[k + 1]))


def _goes_on(motion: Motion, k: int, reach: int) -> bool:
    """Whether the whole picture changes at entry k: what stands still may be lips that turn round."""
    usual = float(np.nanmedian(motion.mean[max(0, k - reach) : k + reach + 1]))
    return bool(motion.mean[k] > REPEATED * usual)


def _repeated(motion: Motion, fps: Fraction) -> list[int]:
    """The steps that show the frame before again, once, while everything around moves."""
    step = motion.step
    beside = np.full(len(step), np.nan)
    beside[1:-1] = np.minimum(step[:-2], step[2:])
    wide = np.zeros(len(step))
    wide[1:-1] = np.minimum(motion.spread[:-2], motion.spread[2:])
    same = np.flatnonzero((step < REPEATED * beside) & (beside >= 2 * SEEN) & (wide >= WIDE_REPEATED))
    reach, edge = round(HELD * float(fps)), round(BEGUN * float(fps))
    usual = [_least(step, int(k) - reach, int(k), int(k) + 1, int(k) + 1 + reach) for k in same]
    near = np.flatnonzero(step < 1.3 * REPEATED * np.nan_to_num(beside))  # of these, one alone is no habit
    return [
        int(k)
        for k, level in zip(same, usual, strict=True)
        if edge <= k < len(step) - edge
        and step[k] < REPEATED * level
        and (np.abs(near - k) <= reach).sum() <= 1
        and level >= 2 * SEEN
        and not (_turns(motion, int(k)) and _goes_on(motion, int(k), reach))
    ]
