"""Straight edges of the background, and where they do not meet: numbers out of pixels, without any verdict.

Segments come from LSD (Grompone von Gioi, Jakubowicz, Morel and Randall, 2010, in OpenCV). The longest are each laid
out as a strip, the picture resampled along the segment's whole line and a little to both sides; in it everything is
read: where the line is seen, where the subject hides it, and where it comes out again.

The constants below were set by looking at drawn rooms, coasts and shelves and at 71 stills, so that none of what is
clean there is called off; what that costs in faults, and the alarms on pictures that they had not seen, counts
``../benchmarks/geometry.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from stillwake.types import Floats, Pixels

Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

SMALLEST = 384
"""px of the longest side below which a picture has too few for its lines to be held against each other."""
SIDE = 768
"""px of the longest side at which lines are looked for; also at half of it, for backgrounds out of focus."""
SEEDS = 24
"""The longest segments that are followed, at each of the two sizes."""
REACH = 0.06
"""How far to either side of a line is looked, as a share of the longest side."""
STEP = 2
"""px along a line from one reading to the next."""
LEAST_CONTRAST = 7.0
"""ΔE between the two sides of an edge (CIE76); fainter ones are left alone."""
NEAR = 0.08
"""A line that goes in behind the subject is looked at from this share of the longest side on, ..."""
FAR = 0.06
"""... and so much of the picture must be left beyond the subject."""
GAP = 0.035
"""How far from the subject a line may end, as a share of the longest side: hair, shadow, a matte that is too wide."""
HIDDEN = 0.02
"""What is hidden for less, as a share of the longest side, is not asked about."""
LONG, SAME_WAY, LIKE = 0.10, 0.023, 8.0
"""To be off, a line must be seen over this share of the longest side, come out turned by no more than this slope, and
have the same two colours within this ΔE and a tenth of the step between them."""
OFF = 3.5
"""px at the size looked at from which on a line is off: what lies between this and what it may miss is left open."""
ALONE = 0.025
"""Within this share of the longest side all that looks like the line beyond the subject must lie: turned, one line
shows at several offsets."""
ALONG, BESIDE = 0.9976, (0.012, 3.5)
"""Cosine of the angle, 4 degrees, up to which two lines run along each other; from which share of the longest side on
they are two, not the edges of one board; and how many times as far apart as one of them seems to be off they may lie
for it to be taken for the other. Of 121 photographs of people that no limit was set by a shutter, a bench, brickwork
and a railing before a roof seemed off (2026-11-29): the railing still does. Were every line with its like at any
distance left alone, one in five faults of drawn rooms would be missed, those of shelves."""
APART, PART = 5, 0.75
"""px at least between the two of a doubled line, and the share of its step that either of them makes at most."""
STEEP = 50.0
"""Degrees from the level up to which a line counts that goes on behind the subject."""
NEAR_SHARE, MATCH, SURE, NONE = 0.7, 0.6, 0.75, 0.25
"""Share of the readings with the line's step: to be a line; to come out again; to be a fault; to be absent."""
BARE = 5
"""px to either side of a line that must be plain where it is said to be gone."""
LEANING = 25.0
"""Degrees from the vertical up to which a line is an upright."""
UPRIGHT_LONG = 0.18
"""Share of the longest side from which on an upright is looked at."""
END_ROUGH, STRAIGHT = 0.7, 1.3
"""px at the size looked at: what the two ends of an upright may stray, and what it may leave their line in between."""
COMPANY, PARALLEL = 2, 12.0
"""An upright is bent only beside so many straight ones, each within so many degrees of it."""
BREAK = (0.02, 0.15)
"""Shares of the longest side between which a stretch counts in which a line is gone; from the first on it is told."""
SAME, AIM = 1.5, 0.01
"""px by which a line may miss its continuation at the size looked at, and what is added for every px from the middle
of the one end to that of the other, half a degree: kerbs, lenses and hands are no straighter. Where three standard
errors of the fitted slope are more, they are added instead."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A picture along one line: n readings ``STEP`` px apart, in px of the size looked at.

    ``mean`` (n, 2 * reach + 13, 3) float32 Lab, of 3 px across; ``peak`` (n, 2 * reach + 1) bool: a step of colour
    like the line's own, with its two colours beside it, lies there, so many px to the line's sides; ``plain`` (n,)
    bool: nothing at all lies at the line; ``matte`` (n,) float32; ``seen`` (n,) bool: the line itself is there;
    ``seed`` the first and the last reading of the segment; ``origin`` and ``along`` (2,) float32 px; ``contrast`` ΔE;
    ``scale`` px looked at over px of the picture; ``side`` the longest side in px looked at.
    """

    mean: Floats
    peak: Flags
    plain: Flags
    matte: Floats
    seen: Flags
    seed: tuple[int, int]
    origin: Floats
    along: Floats
    contrast: float
    scale: float
    side: int

    @property
    def reach(self) -> int:
        """How many px to either side."""
        return self.peak.shape[1] // 2

    def place(self, i: float, d: float = 0.0) -> tuple[float, float]:
        """(x, y) in the picture of a reading, d px to the side."""
        x = self.origin[0] + i * STEP * self.along[0] - d * self.along[1]
        y = self.origin[1] + i * STEP * self.along[1] + d * self.along[0]
        return float((x + 0.5) / self.scale - 0.5), float((y + 0.5) / self.scale - 0.5)


@dataclass(frozen=True, slots=True)
class Meeting:
    """A line that the subject hides and that comes out again.

    ``off`` by how much it comes out beside itself, px of the picture, 0 where that is no more than the reading's own
    error; ``doubled``: it comes out as two, so far apart; ``ends`` (x, y) px where it goes in and comes out, or
    between which it is seen twice.
    """

    off: float
    doubled: bool
    ends: tuple[tuple[float, float], tuple[float, float]]


def _levels(pixels: Pixels, matte: Floats | None) -> Iterator[tuple[Floats, Floats, float]]:
    """Lab, matte and scale at the size looked at, and at half of it."""
    import cv2

    height, width = pixels.shape[:2]
    for side in (SIDE, SIDE // 2):
        scale = min(1.0, side / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
        lab: Floats = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        people = (
            np.zeros(size[::-1], np.float32)
            if matte is None
            else cv2.resize(matte.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        )
        yield lab, people, scale


def segments(lab: Floats, matte: Floats) -> Floats:
    """(n, 4) x0, y0, x1, y1 of the straight segments that lie in the background, the longest first, px."""
    import cv2

    grey = np.clip(lab[..., 0] * 2.55, 0, 255).astype(np.uint8)
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(grey)[0]
    if found is None:
        return np.zeros((0, 4), np.float32)
    lines: Floats = found[:, 0]
    length = np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1])
    order = np.argsort(-length, kind="stable")
    lines, length = lines[order], length[order]
    lines = lines[length >= 0.03 * max(lab.shape)]
    share = np.linspace(0, 1, 9)[None, :, None]
    at = lines[:, None, :2] * (1 - share) + lines[:, None, 2:] * share
    column = np.clip(at[..., 0], 0, lab.shape[1] - 1).astype(int)
    row = np.clip(at[..., 1], 0, lab.shape[0] - 1).astype(int)
    kept: Floats = lines[(matte[row, column] < 0.15).mean(1) > 0.8]
    return kept


def strip(lab: Floats, matte: Floats, segment: Floats, scale: float) -> Strip | None:
    """The strip along a segment; None where it is no edge that can be followed."""
    import cv2

    height, width = lab.shape[:2]
    start, end = segment[:2].astype(np.float64), segment[2:].astype(np.float64)
    length = float(np.hypot(*(end - start)))
    along = (end - start) / length
    normal = np.array([-along[1], along[0]])
    # the line's two ends at the picture's edge
    low, high = -1e9, 1e9
    for at, way, most in zip(start, along, (width - 1, height - 1), strict=True):
        if abs(way) > 1e-6:
            one, two = sorted(((0 - at) / way, (most - at) / way))
            low, high = max(low, one), min(high, two)
    first = start + along * low
    count = int((high - low) / STEP) + 1
    if count < 16:
        return None
    reach = max(12, round(REACH * max(height, width)))
    run = np.arange(count)[:, None] * STEP
    side = np.arange(-reach - 6, reach + 7)[None]
    x = (first[0] + run * along[0] + side * normal[0]).astype(np.float32)
    y = (first[1] + run * along[1] + side * normal[1]).astype(np.float32)
    colours: Floats = cv2.remap(lab, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    people: Floats = cv2.remap(matte, x[:, reach + 6 : reach + 7], y[:, reach + 6 : reach + 7], cv2.INTER_LINEAR)[:, 0]
    # mean colour of the 3 px 2 .. 4 px before and after each place
    mean: Floats = cv2.blur(colours, (3, 1))
    before, after = mean[:, 3:-9], mean[:, 9:-3]
    a, b = (int(np.clip(value, 0, count - 1)) for value in (np.ceil(-low / STEP), (length - low) / STEP))
    if b - a < 4:
        return None
    upper, lower = np.median(before[a : b + 1, reach], 0), np.median(after[a : b + 1, reach], 0)
    contrast = float(np.linalg.norm(lower - upper))
    if contrast < LEAST_CONTRAST:
        return None
    level: Floats = mean @ ((lower - upper) / contrast**2).astype(np.float32)
    across = level[:, 9:-3] - level[:, 3:-9]
    outside = (x < 0) | (y < 0) | (x > width - 1) | (y > height - 1)
    peak: Flags = (across >= cv2.dilate(across, np.ones((1, 5), np.float32)) - 1e-6) & (across > 0.4) & (across < 2.2)
    peak &= ~outside[:, 6:-6]
    rows, columns = np.nonzero(peak)
    near = 6.0 + 0.45 * contrast
    other = (np.linalg.norm(before[rows, columns] - upper, axis=1) > near) | (
        np.linalg.norm(after[rows, columns] - lower, axis=1) > near
    )
    peak[rows[other], columns[other]] = False
    seen = peak[:, reach - 1 : reach + 2].any(1) & (people < 0.2)
    bare = slice(reach - BARE, reach + BARE + 1)
    change = np.linalg.norm(after[:, bare] - before[:, bare], axis=2)
    plain: Flags = (change < np.maximum(2.5, 0.35 * contrast)).all(1) & ~outside[:, reach + 6]
    way_f, first_f = along.astype(np.float32), first.astype(np.float32)
    return Strip(mean, peak, plain, people, seen, (a, b), first_f, way_f, contrast, scale, max(height, width))


def strips(pixels: Pixels, matte: Floats | None) -> list[Strip]:
    """The strips along the longest straight edges of the background, at both sizes; none in a very small picture."""
    if max(pixels.shape) < SMALLEST:
        return []
    found: list[Strip] = []
    for lab, people, scale in _levels(pixels, matte):
        laid: list[Strip] = []
        for segment in segments(lab, people)[: 3 * SEEDS]:
            if len(laid) < SEEDS and not any(_lies_on(segment, line) for line in laid):
                line = strip(lab, people, segment, scale)
                laid += [line] if line is not None else []
        found += laid
    return found


def _lies_on(segment: Floats, line: Strip) -> bool:
    """Whether a segment is a part of a line that is already laid out: on it, the same way round, and seen there."""
    start, end = segment[:2] - line.origin, segment[2:] - line.origin
    across = [float(-p[0] * line.along[1] + p[1] * line.along[0]) for p in (start, end)]
    first, last = (float(p @ line.along) / STEP for p in (start, end))
    if max(map(abs, across)) > 1.5 or last < first:
        return False
    part = line.seen[max(0, round(first)) : max(1, round(last))]
    return len(part) > 0 and bool(part.mean() > 0.6)


def _runs(flags: Flags, bridge: int = 0) -> list[tuple[int, int]]:
    """(first, past the last) of every run of True; runs closer than ``bridge`` are one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    found: list[tuple[int, int]] = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if found and start - found[-1][1] <= bridge:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
    return found


_TILTS = np.linspace(-0.045, 0.045, 13)
"""Slopes, up to 2.6 degrees, by which the line may come out turned: a lens bends it, and its direction is measured."""


def _hits(line: Strip, fit: Floats, rows: Rows) -> Flags:
    """(tilts, rows, 2 * most + 1): whether the line's step lies at each offset from its continuation, 1 px aside too.

    ``fit`` the line's own offsets, base and slope; the tilts turn about the middle of the rows.
    """
    import cv2

    most = line.reach - 2
    wide = cv2.dilate(line.peak.astype(np.uint8), np.ones((1, 3), np.uint8)) > 0
    run = (rows - rows.mean())[None, :, None] * STEP
    expected = (fit[0] + fit[1] * rows)[None, :, None] + np.arange(-most, most + 1)[None, None]
    at = np.rint(expected + _TILTS[:, None, None] * run).astype(int) + line.reach
    found: Flags = wide[rows[None, :, None], np.clip(at, 0, wide.shape[1] - 1)] & (at >= 0) & (at < wide.shape[1])
    return found


@dataclass(frozen=True, slots=True)
class _Way:
    """One side's readings of a hidden line: those seen next to the subject, and those beyond it, subject first."""

    close: Rows
    beyond: Rows
    start: int
    stop: int


def _ways(line: Strip) -> Iterator[_Way]:
    """Every place where the line, long enough to be one, runs in behind the subject."""
    near, far, gap = (round(share * line.side / STEP) for share in (NEAR, FAR, GAP))
    for start, stop in _runs(line.matte > 0.5, round(0.03 * line.side / STEP)):
        forward = line.seed[1] <= start + 2
        if stop - start < HIDDEN * line.side / STEP or not (forward or line.seed[0] >= stop - 2):
            continue
        before, after = np.arange(start - 1, -1, -1), np.arange(stop, len(line.seen))
        close, beyond = (before, after) if forward else (after, before)
        close = close[: next(iter(np.flatnonzero(line.matte[close] > 0.5)), len(close))]  # up to whoever stands next
        free = [run for run in _runs(line.matte[beyond] < 0.2) if run[1] - run[0] >= far]
        if not free:
            continue
        beyond = beyond[free[0][0] : free[0][1]]
        begin = np.flatnonzero(line.seen[close[: gap + 1]])
        if not len(begin):
            continue
        close = close[begin[0] :]
        if len(close) >= near and line.seen[close[:near]].mean() >= NEAR_SHARE:
            yield _Way(close, beyond, start, stop)


def _fit(line: Strip, close: Rows) -> tuple[Floats, Rows, float] | None:
    """((base, slope), readings, aim): the line's offset in px at reading i is base + slope * i; None where it is lost.

    It is fitted where it is seen from the subject on, up to the first longer stop; ``aim`` is how far the slope may be
    wrong, px a px.
    """
    near = NEAR * line.side / STEP
    used = close[line.seen[close]]
    lost = np.flatnonzero(np.diff(np.abs(used - used[0])) > near / 2)
    used = used[: lost[0] + 1] if len(lost) else used
    if abs(used[-1] - used[0]) < 0.85 * near:
        return None
    offset = line.peak[used][:, line.reach - 1 : line.reach + 2].argmax(1) - 1.0
    slope, base = np.polyfit(used, offset, 1)
    rough = max(0.3, float((offset - slope * used - base).std()))
    aim = max(AIM, 3 * rough / (STEP * float(used.std()) * len(used) ** 0.5))
    return np.array([base, slope], np.float32), used, aim


def _repeated(line: Strip, way: _Way, off: float, lines: Sequence[Strip]) -> bool:
    """Whether another line with its two colours runs along this one, but for what comes out ``off`` px beside it.

    Courses of bricks, boards, slats, shutters: beyond the subject one is easily taken for the other.
    """
    least, most = BESIDE[0] * line.side, BESIDE[1] * abs(off)
    rows = way.close[line.seen[way.close]]
    ours = _colours(line, rows, np.zeros(len(rows), np.float32))
    for other in lines:
        if other.side != line.side or float(other.along @ line.along) < ALONG:
            continue
        apart = other.origin + other.along * STEP * sum(other.seed) / 2 - line.origin
        away = float(apart[1] * line.along[0] - apart[0] * line.along[1])
        before = way.close.min() <= float(apart @ line.along) / STEP <= way.close.max()
        if not least < abs(away) < most or (not before and abs(away - off) < least):
            continue
        rows = np.flatnonzero(other.seen)
        if not len(rows):
            continue
        theirs = _colours(other, rows, np.zeros(len(rows), np.float32))
        if (np.linalg.norm(ours - theirs, axis=1) < LIKE + 0.25 * line.contrast).all():
            return True
    return False


def meetings(line: Strip, lines: Sequence[Strip] = ()) -> Iterator[Meeting]:
    """Every place where the subject hides the line and it, or its like beside it, comes out again.

    Beyond the subject the strip is read along every parallel of the line's continuation, a little turned too, as in a
    Hough transform: which of them is a line with the same step between the same two colours? It is the same line when
    it lies on the continuation. It comes out beside itself when nothing lies there, and nothing lies on its own side
    where the other one would come from. It is doubled when a second one runs beside it that has no such origin. Where
    there are several alike nobody can say which is which; ``lines`` are all that the background shows.
    """
    far, gap = round(FAR * line.side / STEP), round(GAP * line.side / STEP)
    if abs(line.along[0]) < np.cos(np.radians(STEEP)):
        return
    for way in _ways(line):
        fitted = _fit(line, way.close)
        if fitted is None:
            continue
        fit, used, aim = fitted
        middle = (way.start + way.stop) / 2
        back = _hits(line, fit, used).mean(1)
        for skip in (0, gap):
            rows = way.beyond[skip : skip + 2 * far]
            if len(rows) < far:
                continue
            out = _out(line, fit, rows, float(rows.mean() - middle) * STEP)
            if out is None:
                continue
            ends = (way.start, way.stop) if way.close[0] < way.start else (way.stop - 1, way.start - 1)
            doubled = False
            if abs(out.off) <= SAME + aim * abs(float(rows.mean() - used.mean())) * STEP:
                off = 0.0
                second = _second(line, fit, used, rows, out, back)
                if second:
                    off, doubled, ends = abs(second), True, (int(rows[0]), int(rows[-1]))
            elif abs(out.off) >= OFF and _is_off(line, fit, used, rows, out, back):
                if _repeated(line, way, out.here, lines):
                    continue
                off = abs(out.off)
            else:
                continue
            at = [float(fit[0] + fit[1] * i) for i in ends]
            places = line.place(ends[0], at[0]), line.place(ends[1], at[1] + out.here)
            yield Meeting(off / line.scale, doubled, places)
            break


@dataclass(frozen=True, slots=True)
class _Out:
    """Where a line comes out: px beside its continuation where it is seen, and by all that is known; its slope."""

    here: int
    off: float
    turn: float
    hits: Flags
    tilt: int


def _out(line: Strip, fit: Floats, rows: Rows, distance: float) -> _Out | None:
    """Where the line comes out, ``distance`` px from the middle of what is hidden; None where it is not seen.

    Of equals the least turned and moved. A line bent by the lens comes out turned and so beside itself, but in the
    middle, half way, it would meet: the smaller one of both distances counts.
    """
    hits = _hits(line, fit, rows)
    share = hits.mean(1, dtype=np.float32)
    most = share.shape[1] // 2
    charged = share - 2 * np.abs(_TILTS)[:, None] - 0.003 * np.abs(np.arange(-most, most + 1))[None]
    tilt, at = (int(i) for i in np.unravel_index(int(charged.argmax()), charged.shape))
    if share[tilt, at] < MATCH:
        return None
    here, turn = at - most, float(_TILTS[tilt])
    # where exactly, by the steps themselves
    path = fit[0] + fit[1] * rows + here + turn * (rows - rows.mean()) * STEP + line.reach
    side = np.clip(np.rint(path).astype(int)[:, None] + np.arange(-2, 3), 0, 2 * line.reach)
    there = line.peak[rows[:, None], side]
    exact = here + float((side - path[:, None])[there].mean()) if there.any() else float(here)
    inside = exact - turn * distance
    off = 0.0 if exact * inside <= 0 else float(np.sign(exact) * min(abs(exact), abs(inside)))
    return _Out(here, off, turn, hits, tilt)


def _second(line: Strip, fit: Floats, used: Rows, rows: Rows, out: _Out, back: Floats) -> int:
    """How many px to a second line beside the one that comes out, in the readings that show the first; 0 without one.

    Between them they make the line's own step: outside lie its two colours, neither of them makes most of it alone.
    """
    most = out.hits.shape[2] // 2
    mine = out.hits[out.tilt]
    both = (mine & mine[:, out.here + most, None]).mean(0)
    straight = np.abs(_TILTS) < SAME_WAY / 2
    offset = np.arange(-most, most + 1) - out.here
    origin = np.interp(offset, np.arange(-most, most + 1), np.convolve(back[straight].max(0), np.ones(5), "same"))
    found = offset[(both >= SURE) & (origin < NONE) & (np.abs(offset) >= APART)]
    if not len(found) or np.ptp(found) > 3:
        return 0
    second = int(np.median(found))
    path = fit[0] + fit[1] * rows + out.here + out.turn * (rows - rows.mean()) * STEP
    ours = _colours(line, used, fit[0] + fit[1] * used)
    first, last = (_colours(line, rows, path + at) for at in sorted((0, second)))
    steps = [float(np.linalg.norm(pair[1] - pair[0])) for pair in (first, last)]
    outside = np.linalg.norm(np.stack([first[0], last[1]]) - ours, axis=1)
    return second if max(steps) < PART * line.contrast and (outside < LIKE + 0.1 * line.contrast).all() else 0


def _is_off(line: Strip, fit: Floats, used: Rows, rows: Rows, out: _Out, back: Floats) -> bool:
    """Whether what comes out beside the continuation is the line, and no other could be meant."""
    share = out.hits.mean(1)
    most = share.shape[1] // 2
    level, straight = np.abs(_TILTS) <= SAME_WAY, np.abs(_TILTS) < SAME_WAY / 2
    if abs(used[-1] - used[0]) < LONG * line.side / STEP or abs(out.turn) > SAME_WAY:
        return False
    if share[out.tilt, out.here + most] < SURE or share[straight, most - 1 : most + 2].max() > NONE:
        return False
    if np.ptp(np.flatnonzero(share[level].max(0) >= MATCH)) > ALONE * line.side:
        return False
    alone = np.abs(np.arange(-most, most + 1)) > 4
    origin = back[straight, max(0, most + out.here - 2) : most + out.here + 3]
    if back[np.ix_(level, alone)].max() > 0.5 or (abs(out.here) > 4 and origin.max() > NONE):
        return False
    mine = _colours(line, used, fit[0] + fit[1] * used)
    other = _colours(line, rows, fit[0] + fit[1] * rows + out.here + out.turn * (rows - rows.mean()) * STEP)
    return bool((np.linalg.norm(mine - other, axis=1) < LIKE + 0.1 * line.contrast).all())


def _colours(line: Strip, rows: Rows, offset: Floats) -> Floats:
    """(2, 3) Lab: the median colours on both sides of a line at so many px to the side."""
    at = np.clip(np.rint(offset).astype(int) + line.reach, 0, 2 * line.reach)
    both: Floats = np.stack([np.median(line.mean[rows, at + 3], 0), np.median(line.mean[rows, at + 9], 0)])
    return both


def traced(line: Strip) -> tuple[Rows, Floats]:
    """Readings and offsets (px to the side) of the edge that the segment belongs to, as far as it can be followed."""
    import cv2

    joined = cv2.dilate((line.peak & (line.matte < 0.15)[:, None]).astype(np.uint8), np.ones((5, 3), np.uint8))
    _, labels = cv2.connectedComponents(joined, connectivity=8)
    a, b = line.seed
    of = labels[a : b + 1, line.reach]
    of = of[of > 0]
    if not len(of):
        return np.zeros(0, np.intp), np.zeros(0, np.float32)
    mine = (labels == np.bincount(of).argmax()) & line.peak
    rows = np.flatnonzero(mine.any(1))
    first = mine[rows].argmax(1)
    last = mine.shape[1] - 1 - mine[rows][:, ::-1].argmax(1)
    one = last - first <= 3
    return rows[one], ((first + last) / 2 - line.reach)[one].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Upright:
    """A line that stands: straight, or bowed out in between.

    ``off`` by how much it leaves the straight line through its two ends, px of the picture; ``straight`` whether that
    is no more than the reading's own error; ``top``, ``bottom`` and ``worst`` (x, y) px.
    """

    off: float
    straight: bool
    top: tuple[float, float]
    bottom: tuple[float, float]
    worst: tuple[float, float]


def upright(line: Strip) -> Upright | None:
    """The line as an upright; None where it does not stand, is short, or is nothing that was meant to be straight.

    What was meant to be straight is so at both ends, and both lie on one line; what leaves it in between goes to one
    side only. Hair, trees, curtains and arches do not.
    """
    import cv2

    if abs(line.along[1]) < np.cos(np.radians(LEANING)):
        return None
    rows, offset = traced(line)
    if len(rows) < UPRIGHT_LONG * line.side / STEP or len(rows) < 0.85 * (rows[-1] - rows[0] + 1):
        return None
    fifth = len(rows) // 5
    ends = np.r_[0:fifth, len(rows) - fifth : len(rows)]
    slope, base = np.polyfit(rows[ends], offset[ends], 1)
    away = (offset - slope * rows - base).astype(np.float32)
    if away[ends].std() > END_ROUGH:
        return None
    away = cv2.medianBlur(away[:, None], 5)[:, 0]
    away = cv2.blur(away[:, None], (1, 5))[:, 0]
    at = int(np.abs(away).argmax())
    most = float(away[at])
    straight = abs(most) < STRAIGHT
    if not straight and (-away * np.sign(most)).max() > max(1.0, 0.25 * abs(most)):
        return None
    first, last = line.place(rows[0], offset[0]), line.place(rows[-1], offset[-1])
    top, bottom = (first, last) if first[1] < last[1] else (last, first)
    return Upright(abs(most) / line.scale, straight, top, bottom, line.place(rows[at], offset[at]))


def bent(found: list[Upright], side: float) -> Upright | None:
    """The upright that is bent most among others that are straight; None where there are too few to compare.

    A straight one is returned where none is bent. ``side`` the picture's longest, px.
    """
    straight: list[Upright] = []
    for one in found:
        if one.straight and all(_apart(one, other) > 0.02 * side for other in straight):
            straight.append(one)
    crooked = [one for one in found if not one.straight]
    worst = max(crooked, key=lambda one: one.off, default=None)
    if worst is not None:
        others = [one for one in straight if _apart(one, worst) > 0.01 * side and _turned(one, worst) < PARALLEL]
        return worst if len(others) >= COMPANY else None
    return max(straight, key=lambda one: one.off) if len(straight) > COMPANY else None


def _apart(one: Upright, other: Upright) -> float:
    """How many px between two uprights, across, at the middle of the first."""
    y = (one.top[1] + one.bottom[1]) / 2
    (x0, y0), (x1, y1) = other.top, other.bottom
    return abs((one.top[0] + one.bottom[0]) / 2 - (x0 + (y - y0) * (x1 - x0) / max(y1 - y0, 1e-6)))


def _turned(one: Upright, other: Upright) -> float:
    """Degrees between two uprights."""
    a, b = (np.arctan2(u.bottom[0] - u.top[0], u.bottom[1] - u.top[1]) for u in (one, other))
    return abs(float(np.degrees(a - b)))


@dataclass(frozen=True, slots=True)
class Break:
    """A stretch in which a line is gone, though nothing lies over it: ``long`` px, its two ends (x, y) px."""

    long: float
    ends: tuple[tuple[float, float], tuple[float, float]]


def breaks(line: Strip) -> Iterator[Break]:
    """Every stretch between two parts of the line, each longer, where it is smeared away.

    What lies to both sides is there as before, and between the two there is no step. A thin line that is gone, or the
    side of a thing that ends, leaves the same on both sides and is not told from a row of things.
    """
    least = round(BREAK[0] * line.side / STEP)
    runs = [run for run in _runs(line.seen, 3) if run[1] - run[0] >= 3]
    for (a, b), (c, d) in pairwise(runs):
        gap = c - b
        if not least <= gap <= BREAK[1] * line.side / STEP:
            continue
        long = max(NEAR * line.side / STEP, 0.6 * gap)
        if min(b - a, d - c) < long or min(line.seen[a:b].mean(), line.seen[c:d].mean()) < 0.8:
            continue
        inside = slice(b + 1, c - 1)
        sides = np.stack([np.median(line.mean[inside, i], 0) for i in (3, -4)])
        ours = np.stack([np.median(line.mean[np.r_[a:b, c:d], i], 0) for i in (3, -4)])
        if (np.linalg.norm(sides - ours, axis=1) > LIKE).any() or np.linalg.norm(
            ours[0] - ours[1]
        ) < 0.6 * line.contrast:
            continue
        if line.matte[b - 2 : c + 2].max() > 0.05 or line.plain[inside].mean() < 0.9:
            continue
        yield Break(gap * STEP / line.scale, (line.place(b), line.place(c)))
