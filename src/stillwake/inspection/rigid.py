"""Does what should be rigid stay rigid? A background that warps, and texture that boils in place.

Points of the background are followed from a reference frame that is renewed every two seconds, so that no error adds
up (`points`), and asked how far they wobble together beyond what the camera does (`wobble`): a camera that stands
still explains nothing, and before one tiles say more than points (`tiles`). Something that goes its own way (a car, a
passer-by) goes further than a warp and is left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stillwake.inspection.points import FEWEST, Tracks, begin, follow
from stillwake.inspection.stream import Span, lying_in
from stillwake.inspection.tiles import ROAMS, Stirring, Tiles, fine
from stillwake.inspection.wobble import MOVING, SHORTEST, STEADY, Measured, measure, steady
from stillwake.types import Box, ClipFinding, Floats, Pixels, Size, Timeline

if TYPE_CHECKING:
    from stillwake.inspection.asked import Asked
    from stillwake.inspection.view import View

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LOOKS = 10.0
"""Frames a second that are looked at, about."""
RENEW, LIFE = 2.0, 4.0
"""Seconds after which a new reference begins, and for which each is followed: every moment is seen from two."""
GONE = 0.4
"""Share of its points below which a reference is given up: there was a cut, or the camera went elsewhere."""
PERSON, GROWN, PERSON_KEPT = 0.15, 0.035, 1.1
"""Matte from which on, share of the picture by which, and seconds for which a person hides the background."""
FEWEST_MOVING = 40
"""Tracks below which no camera that moves can be told from a warp: depth needs more than `FEWEST`."""
GRID = 16, 12
"""Cells across and down in which the warp is kept."""
WARP, BY_CAMERA, BY_NOISE = 0.2, 0.02, 1.5
"""Px of the clip by which neighbouring points may wobble together, share of the camera's movement by which they may
besides (depth that no model took out), and times the px that a point wanders on its own. Set on 2026-11-28 with half A
of real and rendered clips warped by 2 px where that can be seen outside the people, and not; half B, in brackets, was
looked at too. Found 28 of 31 [43 of 50] that can be seen, 34 of 50 [59 of 76] of all; alarms on clean clips 1 of 30
[3 of 38, two of them a toy that moves], none a failure; unseen 8 of 38 [2 of 40]. Start and end within 0.2 s 15 of 34
[36 of 59], box IoU 0.3 and more 28 of 34 [37 of 59]."""
WARP_FAILS, WIDELY = 0.9, 0.5
"""Px from which on, before a still camera, and share of the places seen at which, nothing but warping is left as a
reason: a single place may be a thing that moves by itself."""
LASTS = 0.3
"""Seconds for which a warp must last."""
PAUSE = 0.6
"""Seconds of rest within one warp that wobbles to and fro."""
ONSET, NEAR_EDGE = 0.3, 0.2
"""Share of its usual strength, above rest, at which a warp begins and ends, and seconds around the stretch where its
mean over time was too much within which that is looked for."""
WANES = 0.6
"""Share of its limit down to which a warp goes on."""
ALL_OVER = 0.35
"""Share of the places that can tell from which on a warp is taken to be all over: plain places go with the nearest."""
SPOT = 0.5
"""Share of its peak that a place must reach to belong to a warp."""
SEEN = 0.4
"""Share of the looked-at time in which enough tracks must be there."""
WENT = 0.012
"""Share of the longest side by which a camera may have gone before tiles are no use."""
ALONE = 1.6
"""Times its limit that what the tracks alone show must reach where tiles say that nothing stirs."""
HALF = 0.5
"""Share of its limit below which a place is not taken to warp, however far it lies aside."""
FEW_TILES = 3
"""Tiles that must stir together, and be known at all."""
COVERED = 0.06
"""Share of the picture that must show some background for a clip to pass."""
FOLLOWED = 0.45
"""Share of the background, all that is not people, that must be followed for a clip to pass: elsewhere it is too plain
for a warp to show. Of 51 clips of ours of photographs warped by 2 px (2026-11-28) the 4 that passed had .19 and .22 in
one half of the pictures, .27 and .43 in the other, and 27 of the 29 found had .45 and more."""
BOILS = 0.2
"""Share of the places that hold still whose texture may be another one."""
BOILS_FOR = 0.6
"""Seconds for which it must be."""
Cells = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True, eq=False)
class Rigid:
    """How rigid the background of the looked-at frames is; one entry each.

    ``times`` (T,) s; ``warp`` (T,) px of the clip by which the worst place wobbles, nan where too little could be
    followed, and ``limit`` (T,) px for that place; ``cells`` (T, 12, 16) px by which each place lies aside;
    ``camera`` (T,) px by which the camera has moved the picture since the reference; ``texture`` (T,) share 0..1 of
    the places that hold still whose texture is another one, nan where too few hold still, and ``texture_cells``
    (T, 12, 16) the same by place; ``tracks`` (T,) how many points were followed. ``free`` (12, 16) share 0..1 of each
    place that people leave free, on average. ``size`` px of the clip, ``step`` s
    between two looked-at frames, ``unseen`` why no warp could be seen, or "".
    """

    times: Floats
    warp: Floats
    limit: Floats
    cells: Floats
    camera: Floats
    texture: Floats
    texture_cells: Floats
    tracks: Floats
    free: Floats
    size: Size
    step: float
    unseen: str


class Watch:
    """Takes the frames of a clip one after the other and keeps numbers."""

    def __init__(self, size: Size, fps: Fraction, still: Pixels | None) -> None:
        del still  # a clip need not look like its still to be rigid
        self.size = size
        self._every = max(1, int(float(fps) / LOOKS + 0.5))
        self._step = self._every / float(fps)
        self._alive: list[Tracks] = []
        self._mattes: list[tuple[float, Floats]] = []
        self._hidden: tuple[list[tuple[float, Floats]], Pixels] | None = None
        self._times: list[float] = []
        self._rows: list[_Row] = []
        self._next = -1
        self._roams = 0.0
        self._free: Floats = np.zeros((GRID[1], GRID[0]), np.float32)

    def take(self, view: View) -> None:
        """Look at a frame if it is its turn."""
        if view.index < self._next:
            return
        self._next = view.index + self._every
        self.look(view.time, view.medium, view.people)

    def look(self, time: float, medium: Pixels, people: Floats | None) -> None:
        """Look at a frame: its brightness (h, w) uint8 and the people in it, or None."""
        if self._times and time - self._times[-1] > 3 * self._step:
            self._close(self._alive)  # a stretch was skipped
        busy = self._busy(time, medium.shape, people)
        self._free += _by_place(busy == 0)
        self._times.append(time)
        self._rows.append(_Row())
        detail = fine(medium) if any(one.tiles for one in self._alive) else None
        for tracks in self._alive:
            follow(tracks, medium, busy, len(self._times) - 1)
            if tracks.went > WENT * max(medium.shape) or self._roams > ROAMS:
                tracks.tiles = None  # they are for a camera that stands still
            if tracks.tiles and detail is not None:
                tracks.tiles.take(detail, busy)
        self._close([one for one in self._alive if one.stays < GONE])
        newest = self._alive[-1].began if self._alive else -np.inf
        if time - newest >= RENEW - 0.01:
            self._alive.append(begin(medium, busy, time, len(self._times) - 1))
            if self._roams <= ROAMS:
                detail = fine(medium) if detail is None else detail
                self._alive[-1].tiles = Tiles(detail, busy)
                self._alive[-1].tiles.take(detail, busy)
        self._close([one for one in self._alive if time - one.began >= LIFE - 0.01])

    def _busy(self, time: float, shape: tuple[int, ...], people: Floats | None) -> Pixels:
        """Where people are or were a moment ago, (h, w) uint8, generously; the same array until others are seen."""
        import cv2

        if people is not None and not (self._mattes and self._mattes[-1][1] is people):
            self._mattes = [*(one for one in self._mattes if one[0] > time - PERSON_KEPT), (time, people)][-6:]
        if self._hidden is not None and self._hidden[0] is self._mattes:
            return self._hidden[1]
        if not self._mattes:
            return np.zeros(shape[:2], np.uint8)
        seen = np.max([matte for _, matte in self._mattes], axis=0) > PERSON
        side = 2 * max(2, round(GROWN * max(seen.shape))) + 1
        grown = cv2.dilate(seen.astype(np.uint8), np.ones((side, side), np.uint8))
        busy: Pixels = cv2.resize(grown, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
        self._hidden = self._mattes, busy
        return busy

    def _close(self, which: list[Tracks]) -> None:
        """Measure what these references' tracks did and forget them."""
        closing = list(which)
        self._alive = [one for one in self._alive if all(one is not other for other in closing)]
        for one in closing:
            self._note_texture(one)
            scale = self.size[0] / one.picture.shape[1]
            measured = measure(
                np.array(one.first, np.float64) * scale,
                np.array(one.at, np.float64) * scale,
                np.array(one.seen),
                np.isnan(np.array(one.like)),
                np.array(one.trust, np.float64),
                self._step,
                max(self.size),
            )
            if measured is not None:
                self._note(one, measured)
            if one.tiles and len(one.looks) * self._step >= SHORTEST:
                stirring = one.tiles.measure(self._step)
                self._roams = max(self._roams, stirring.roams)
                self._note_tiles(one, stirring, scale)

    def _note(self, one: Tracks, measured: Measured) -> None:
        columns, rows = GRID
        x, y = (measured.at / np.array(self.size)).T
        cell = np.clip((y * rows).astype(int), 0, rows - 1) * columns + np.clip(
            (x * columns).astype(int), 0, columns - 1
        )
        for look, together, aside, camera, count, noise in zip(
            one.looks,
            measured.together,
            measured.field,
            measured.camera,
            measured.count,
            measured.noise,
            strict=True,
        ):
            known = np.isfinite(together)
            if count < (FEWEST_MOVING if camera > 2 * MOVING * max(self.size) else FEWEST) or not known.any():
                continue
            row = self._rows[look]
            limit = WARP + BY_CAMERA * camera + BY_NOISE * float(noise)
            row.note(cell[known], np.where(together > HALF * limit, aside, 0.0)[known])
            row.tops.append((float(together[known].max()), limit))
            row.camera, row.count = max(row.camera, camera), max(row.count, count)

    def _note_tiles(self, one: Tracks, stirring: Stirring, scale: float) -> None:
        """What the tiles of a background before a still camera did."""
        tall, wide = stirring.wobble.shape[1:]
        columns, rows = GRID
        y, x = np.mgrid[:tall, :wide]
        cell = (((y + 0.5) * rows / tall).astype(int) * columns + ((x + 0.5) * columns / wide).astype(int)).ravel()
        for look, wobble, limit, aside in zip(
            one.looks, stirring.wobble * scale, stirring.limit * scale, stirring.field * scale, strict=True
        ):
            known = np.isfinite(wobble).ravel()
            if int(known.sum()) < FEW_TILES:
                continue
            over = np.where(known, (wobble / limit).ravel(), -1)
            third = int(np.argsort(over)[-FEW_TILES])
            self._rows[look].stirs.append((float(wobble.ravel()[third]), float(limit.ravel()[third])))
            agreed = np.where(over > HALF, aside.ravel(), 0.0)
            self._rows[look].note(cell[known], agreed[known])

    def _note_texture(self, one: Tracks) -> None:
        """Which places that hold still show another texture than the reference, for longer than a moment."""
        boils = np.array(one.boils)
        holding = np.isfinite(boils)
        half = max(1, round(STEADY / self._step))
        share = steady(np.nan_to_num(boils), half) / np.maximum(steady(holding.astype(np.float64), half), 1e-9)
        columns, rows = GRID
        height, width = one.picture.shape
        cell = (one.first[:, 1] * rows / height).astype(int) * columns + (one.first[:, 0] * columns / width).astype(
            int
        )
        for k, look in enumerate(one.looks):
            if int(holding[k].sum()) < FEWEST:
                continue
            row = self._rows[look]
            row.boils.append(float(share[k][holding[k]].mean()))
            row.texture = np.full(columns * rows, np.nan, np.float16) if row.texture is None else row.texture
            np.fmax.at(row.texture, cell[holding[k]], share[k][holding[k]].astype(np.float16))

    def finish(self) -> Rigid:
        """All that was seen."""
        self._close(self._alive)
        still = self._roams <= ROAMS
        warp, limit = np.array([row.worst(still) for row in self._rows], np.float32).reshape(-1, 2).T
        boils = np.array([min(row.boils) if row.boils else np.nan for row in self._rows], np.float32)
        unseen = ""
        if not len(warp) or np.isfinite(warp).mean() < SEEN:
            unseen = "too little of the background can be followed"
        return Rigid(
            times=np.array(self._times, np.float32),
            warp=warp,
            limit=limit,
            cells=_stacked([row.cells for row in self._rows]),
            camera=np.array([row.camera for row in self._rows], np.float32),
            texture=boils,
            texture_cells=_stacked([row.texture for row in self._rows]),
            tracks=np.array([row.count for row in self._rows], np.float32),
            free=self._free / max(1, len(self._rows)),
            size=self.size,
            step=self._step,
            unseen=unseen,
        )


def without(rigid: Rigid, spans: Sequence[Span]) -> Rigid:
    """The same, where nothing is known of the looks in some spans, s."""
    hidden = lying_in(rigid.times, ((start - rigid.step, end + rigid.step) for start, end in spans))
    if not hidden.any():
        return rigid
    return replace(
        rigid,
        warp=np.where(hidden, np.float32(np.nan), rigid.warp),
        cells=np.where(hidden[:, None, None], np.float32(np.nan), rigid.cells),
        texture=np.where(hidden, np.float32(np.nan), rigid.texture),
        texture_cells=np.where(hidden[:, None, None], np.float32(np.nan), rigid.texture_cells),
    )


def _by_place(flags: Flags) -> Floats:
    """The share of each place, (12, 16), of which it is true."""
    import cv2

    share: Floats = cv2.resize(flags.astype(np.float32), GRID, interpolation=cv2.INTER_AREA)
    return share


def _stacked(rows: list[Cells | None]) -> Floats:
    """(T, 12, 16), nan where nothing is known."""
    none = np.full(GRID[0] * GRID[1], np.nan, np.float16)
    stacked = np.array([none if row is None else row for row in rows], np.float32)
    return stacked.reshape(-1, GRID[1], GRID[0])


@dataclass(slots=True, eq=False)
class _Row:
    """What is kept of a looked-at frame: ``tops`` and ``stirs`` px and limit by each reference's tracks and tiles."""

    cells: Cells | None = None
    texture: Cells | None = None
    tops: list[tuple[float, float]] = field(default_factory=list)
    stirs: list[tuple[float, float]] = field(default_factory=list)
    boils: list[float] = field(default_factory=list)
    camera: float = 0.0
    count: int = 0

    def note(self, cell: npt.NDArray[np.int64], aside: Array) -> None:
        """Note px by which places that warp lie aside, 0 where nothing warps."""
        self.cells = np.full(GRID[0] * GRID[1], np.nan, np.float16) if self.cells is None else self.cells
        np.fmax.at(self.cells, cell, aside.astype(np.float16))

    def worst(self, still: bool) -> tuple[float, float]:
        """Px and limit; where the camera stands still tiles are believed, and tracks alone less so."""
        tracks = min(self.tops, key=_times_over, default=None)
        if not still or not self.stirs:
            return tracks or (np.nan, np.nan)
        tiles = max(self.stirs, key=_times_over)
        alone = (tracks[0], ALONE * tracks[1]) if tracks else tiles
        return max(tiles, alone, key=_times_over)


def _times_over(one: tuple[float, float]) -> float:
    return one[0] / one[1]


def check(rigid: Rigid, asked: Asked) -> list[ClipFinding]:
    """Does the background warp, does its texture boil?"""
    why = ""
    if asked.brush:
        why = "a brush moves the background, as was asked for"
    elif asked.ambient is not None:
        why = f"{asked.ambient} drifts through all of the picture, as was asked for"
    return [*_check_warp(rigid, why), *_check_texture(rigid, why)]


def _check_warp(rigid: Rigid, why: str) -> list[ClipFinding]:
    name = "warp"
    if why or rigid.unseen:
        return [ClipFinding.unseen(name, why or rigid.unseen)]
    limit = rigid.limit
    above = np.nan_to_num(rigid.warp / limit)
    findings = []
    for first, last in _lasting(_events(above > 1, rigid.step, LASTS), above, rigid.step):
        peak = first + int(above[first:last].argmax())
        start, end = _edges(rigid.cells, first, last, rigid.step)
        still = float(rigid.camera[peak]) < MOVING * max(rigid.size)
        strength = _strength(rigid.cells[start:end])
        widely = float((strength[strength >= 0] > limit[peak]).mean()) > WIDELY
        measured = float(rigid.warp[peak])
        findings.append(
            ClipFinding(
                check=name,
                verdict="fail" if still and widely and measured > WARP_FAILS else "warn",
                measured=measured,
                unit="px",
                limit=float(limit[peak]),
                start=_edge(rigid, start, -1),
                end=_edge(rigid, end - 1, 1),
                box=_warped(strength, rigid.size),
                why=f"neighbouring points of the background wobble together by {measured:.2f} px, beyond what "
                "the camera does",
                fix="render that part again, or use an engine that leaves the background alone",
            )
        )
    if findings:
        return findings
    seen, free = np.isfinite(rigid.cells).mean(0) > SEEN, rigid.free > SEEN
    covered, followed = float(seen.mean()), float((seen & free).sum() / max(1, free.sum()))
    if covered < COVERED or followed < FOLLOWED:
        why = (
            f"only {covered:.0%} of the picture are background that can be followed"
            if covered < COVERED
            else f"only {followed:.0%} of the background can be followed: the rest is too plain to show a warp"
        )
        return [ClipFinding.unseen(name, why)]
    known = np.isfinite(rigid.warp)
    worst = int(np.nanargmax(np.where(known, above, -1)))
    return [
        ClipFinding(
            check=name,
            verdict="pass",
            measured=float(rigid.warp[worst]),
            unit="px",
            limit=float(limit[worst]),
            why=f"points of the background wobble together by at most {rigid.warp[worst]:.2f} px, seen in "
            f"{covered:.0%} of the picture and {known.mean():.0%} of the time",
        )
    ]


def _check_texture(rigid: Rigid, why: str) -> list[ClipFinding]:
    name = "texture"
    known = np.isfinite(rigid.texture)
    if not why and (not len(known) or known.mean() < SEEN):
        why = "the camera moves, or the background is too plain"
    if why:
        return [ClipFinding.unseen(name, why)]
    share = np.nan_to_num(rigid.texture)
    worst = float(share.max())
    events = _events(share > BOILS, rigid.step, BOILS_FOR)
    if not events:
        return [
            ClipFinding(
                check=name,
                verdict="pass",
                measured=worst,
                unit="share",
                limit=BOILS,
                why=f"of the places that hold still at most {worst:.0%} change their texture",
            )
        ]
    return [
        ClipFinding(
            check=name,
            verdict="warn",
            measured=float(share[first:last].max()),
            unit="share",
            limit=BOILS,
            start=_edge(rigid, first, -1),
            end=_edge(rigid, last - 1, 1),
            box=_box(rigid.texture_cells[first:last], rigid.size),
            why=f"{share[first:last].max():.0%} of the places that hold still change their texture",
            fix="look at the background there: texture or lettering crawls; render that part again",
        )
        for first, last in events
    ]


def timelines(rigid: Rigid) -> list[Timeline]:
    """How far the background warps along the clip, with the limit that holds most of the time."""
    limit = rigid.limit[np.isfinite(rigid.limit)]
    return [Timeline("warp", "px", rigid.times, rigid.warp, float(np.median(limit)) if len(limit) else None)]


def _events(over: Flags, step: float, lasts: float) -> list[tuple[int, int]]:
    """(first, last + 1) of every stretch that lasts, pauses within it left in."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], over.astype(np.int8), [0]])))
    joined: list[tuple[int, int]] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if joined and (first - joined[-1][1]) * step < PAUSE:
            joined[-1] = joined[-1][0], last
        else:
            joined.append((first, last))
    return [(first, last) for first, last in joined if (last - first) * step >= lasts]


def _lasting(events: list[tuple[int, int]], above: Array | Floats, step: float) -> list[tuple[int, int]]:
    """The stretches grown as long as the warp is only weaker, not gone, and joined where they meet."""
    grown: list[tuple[int, int]] = []
    for first, last in events:
        for low, high in _events(above > WANES, step, 0):
            if low <= first and last <= high:
                first, last = low, high
        if grown and first < grown[-1][1]:
            first, last = grown[-1][0], max(last, grown.pop()[1])
        grown.append((first, last))
    return grown


def _strength(cells: Floats) -> Floats:
    """The amplitude of each place over some time, (12, 16) px; -1 where nothing is known."""
    known = np.isfinite(cells)
    square = (np.nan_to_num(cells) ** 2).sum(0) / np.maximum(known.sum(0), 1)
    strength: Floats = np.where(known.mean(0) > 0.5, np.sqrt(2 * square), -1).astype(np.float32)
    return strength


def _edges(cells: Floats, first: int, last: int, step: float) -> tuple[int, int]:
    """Where the field itself begins and ends, near a stretch whose mean over time was too much."""
    strength = _strength(cells[first:last])
    if strength.max() <= 0:
        return first, last
    among = strength >= SPOT * strength.max()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a look of nan alone
        course = np.nan_to_num(np.sqrt(np.nanmean(cells[:, among] ** 2, axis=1)))
    rest = float(np.percentile(course, 10))
    level = rest + ONSET * (float(np.median(course[first:last])) - rest)
    reach = round(NEAR_EDGE / step)
    low, high = max(0, first - reach), min(len(course), last + reach)
    over = course > level
    begin = first
    while begin > low and over[begin - 1]:
        begin -= 1
    while begin < min(last - 1, first + reach) and not over[begin]:
        begin += 1
    end = last
    while end < high and over[end]:
        end += 1
    while end > max(begin + 1, last - reach) and not over[end - 1]:
        end -= 1
    return begin, end


def _warped(strength: Floats, size: Size) -> Box | None:
    """The places, (12, 16), that come near the strongest, as a box; what is too plain to tell goes with its like."""
    if strength.max() <= 0:
        return None
    known = strength >= 0
    warped = strength >= SPOT * float(np.percentile(strength[known], 95))
    if warped[known].mean() > ALL_OVER:
        y, x = np.nonzero(known)
        rows, columns = np.indices(strength.shape)
        nearest = ((rows[..., None] - y) ** 2 + (columns[..., None] - x) ** 2).argmin(-1)
        warped = warped[y, x][nearest]
    return _around(warped, size)


def _around(places: Flags, size: Size) -> Box:
    y, x = np.nonzero(places)
    wide, high = size[0] / GRID[0], size[1] / GRID[1]
    return float(x.min() * wide), float(y.min() * high), float((x.max() + 1) * wide), float((y.max() + 1) * high)


def _edge(rigid: Rigid, look: int, side: int) -> float:
    """Where a stretch begins or ends at a look, s: the clip's own end where it comes near it."""
    begin, finish = float(rigid.times[0]) - rigid.step / 2, float(rigid.times[-1]) + rigid.step / 2
    at = float(rigid.times[look]) + side * rigid.step / 2
    return max(0.0, begin) if at - begin < STEADY and side < 0 else finish if finish - at < STEADY and side > 0 else at


def _most(cells: Floats) -> Floats:
    """The greatest value of each place, (12, 16); -1 where nothing is known."""
    most: Floats = np.nan_to_num(cells, nan=-1).max(0, initial=-1)
    return most


def _box(cells: Floats, size: Size) -> Box | None:
    """The cells, (T, 12, 16), that come near the peak, as a box in px of the clip."""
    most = _most(cells)
    if most.max() <= 0:
        return None
    return _around(most >= SPOT * most.max(), size)
