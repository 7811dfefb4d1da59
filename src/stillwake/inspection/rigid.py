"""Does what should be rigid stay rigid? A background that warps, and texture that boils in place.

Points of the background are followed from a reference frame that is renewed every two seconds, so that no error adds
up. A camera moves them all alike: a robust similarity takes that out, frame by frame. What a track does in step with
the camera's own course (depth, a lens, a slanted wall) is taken out track by track, never more than that course can
bring about: a camera that stands still explains nothing. What is left is noise, which every track has for itself, or
warping, which neighbours share: the measure is the product of a track's residual and its neighbours' mean, in which
noise cancels. Before a camera that stands still tiles say more than points: `tiles`. Something that goes its own way
(a car, a passer-by) goes further than a warp and is left out.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stillwake.inspection.tiles import ROAMS, Stirring, Tiles, fine, medians
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
SHORTEST = 1.2
"""Seconds of tracks below which they say nothing about a wobble."""
GONE = 0.4
"""Share of its points below which a reference is given up: there was a cut, or the camera went elsewhere."""
MOST = 96
"""Points followed from one reference."""
SPREAD = 12, 8
"""Cells across and down over which the points are spread."""
WINDOW = 15
"""Side of the window in px of the medium picture by which a point is followed."""
CORNER, EDGE = 5e-5, 0.03
"""Strength of a point to be followed: the lesser eigenvalue of its structure, as OpenCV scales it, and so much of the
greater one, for an edge shows what goes across it."""
FIRM = 2e-4
"""Eigenvalue at which half of a residual counts: a point on an edge says little about the way along it."""
BACK = 0.5
"""Px of the medium picture by which a point followed forth and back may miss itself."""
LIKE = 0.7
"""Correlation of a point's surroundings with the reference below which it is lost."""
PERSON, GROWN, PERSON_KEPT = 0.15, 0.035, 1.1
"""Matte from which on, share of the picture by which, and seconds for which a person hides the background."""
FEWEST, FEWEST_MOVING = 12, 40
"""Tracks below which no camera can be told from a warp; the second where the camera moves: depth needs more."""
SURE = 3.0
"""How much the tracks must be able to show in every direction, in firm corners, for the camera to be known."""
NEAR, REACH = 0.06, 0.13
"""Share of the longest side within which neighbours count (deviation), and end."""
STEADY = 0.25
"""Seconds to either side over which a product of residuals is averaged."""
MOVING = 0.005
"""Share of the longest side by which a camera must move before a track may follow its course: a warp of 4 px seemed a
camera that moves by less."""
ASIDE = 0.05
"""Share of its main course that a second course of a camera must have: what is smaller may be the warp itself."""
FOLLOWS = 0.4
"""How much of the camera's movement may come back in a single track, by depth or by the lens."""
AWAY = 0.015
"""Share of the longest side beyond which a residual is something that moves by itself."""
AGREE = 0.45
"""Share of the residuals' energy that neighbours must have in common: noise has none."""
COMMON = 0.25
"""How much a place's tracks must be able to show in common: three firm neighbours do."""
STAYS = 0.5
"""Share of the points around that must stay: where most are lost something moves by itself."""
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
COARSE = 4
"""How much smaller the picture is in which a place must look the same for its texture to be compared."""
HOLDS = 0.9
"""Correlation of the coarse surroundings with the reference from which on a place holds still."""
CHANGED = 0.7
"""Correlation of the fine surroundings with the reference below which their texture is another one."""
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


@dataclass(slots=True, eq=False)
class _Tracks:
    """The points of one reference: where they were in each looked-at frame, px of the medium picture."""

    picture: Pixels
    coarse: Pixels
    patches: Floats
    coarse_patches: Floats
    first: Floats
    trust: Floats
    last: Floats
    looks: list[int]
    at: list[Floats]
    seen: list[Flags]
    like: list[Floats]
    boils: list[Floats]
    began: float
    tiles: Tiles | None

    @property
    def stays(self) -> float:
        """Share of the points that were found again or, their texture being another one, at least hold still."""
        there = self.seen[-1] | np.isfinite(self.boils[-1])
        return float(there.mean()) if len(there) else 1.0

    @property
    def went(self) -> float:
        """Px of the medium picture by which most corners have gone; 0 where too few are seen."""
        seen = self.seen[-1] & (np.linalg.eigvalsh(self.trust)[:, 0] > 0.3)
        if int(seen.sum()) < FEWEST:
            return 0.0
        return float(np.hypot(*np.median(self.at[-1][seen] - self.first[seen], axis=0)))


class Watch:
    """Takes the frames of a clip one after the other and keeps numbers."""

    def __init__(self, size: Size, fps: Fraction, still: Pixels | None) -> None:
        del still  # a clip need not look like its still to be rigid
        self.size = size
        self._every = max(1, int(float(fps) / LOOKS + 0.5))
        self._step = self._every / float(fps)
        self._alive: list[_Tracks] = []
        self._mattes: list[tuple[float, Floats]] = []
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
            _follow(tracks, medium, busy, len(self._times) - 1)
            if tracks.went > WENT * max(medium.shape) or self._roams > ROAMS:
                tracks.tiles = None  # they are for a camera that stands still
            if tracks.tiles and detail is not None:
                tracks.tiles.take(detail, busy)
        self._close([one for one in self._alive if one.stays < GONE])
        newest = self._alive[-1].began if self._alive else -np.inf
        if time - newest >= RENEW - 0.01:
            self._alive.append(_begin(medium, busy, time, len(self._times) - 1))
            if self._roams <= ROAMS:
                detail = fine(medium) if detail is None else detail
                self._alive[-1].tiles = Tiles(detail, busy)
                self._alive[-1].tiles.take(detail, busy)
        self._close([one for one in self._alive if time - one.began >= LIFE - 0.01])

    def _busy(self, time: float, shape: tuple[int, ...], people: Floats | None) -> Pixels:
        """Where people are or were a moment ago, (h, w) uint8, generously."""
        import cv2

        if people is not None and not (self._mattes and self._mattes[-1][1] is people):
            self._mattes = [*(one for one in self._mattes if one[0] > time - PERSON_KEPT), (time, people)][-6:]
        if not self._mattes:
            return np.zeros(shape[:2], np.uint8)
        seen = np.max([matte for _, matte in self._mattes], axis=0) > PERSON
        side = 2 * max(2, round(GROWN * max(seen.shape))) + 1
        grown = cv2.dilate(seen.astype(np.uint8), np.ones((side, side), np.uint8))
        busy: Pixels = cv2.resize(grown, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
        return busy

    def _close(self, which: list[_Tracks]) -> None:
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

    def _note(self, one: _Tracks, measured: _Measured) -> None:
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

    def _note_tiles(self, one: _Tracks, stirring: Stirring, scale: float) -> None:
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

    def _note_texture(self, one: _Tracks) -> None:
        """Which places that hold still show another texture than the reference, for longer than a moment."""
        boils = np.array(one.boils)
        holding = np.isfinite(boils)
        half = max(1, round(STEADY / self._step))
        share = _steady(np.nan_to_num(boils), half) / np.maximum(_steady(holding.astype(np.float64), half), 1e-9)
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


def _patches(picture: Pixels, points: Floats) -> Floats:
    """The surroundings of points, (N, 11, 11) float32 of mean 0 and deviation 1, or less where there is no texture."""
    import cv2

    count, side = len(points), 11
    if not count:
        return np.zeros((0, side, side), np.float32)
    dy, dx = np.mgrid[-5:6, -5:6].astype(np.float32)
    across = (points[:, 0, None, None] + dx).reshape(count * side, side).astype(np.float32)
    down = (points[:, 1, None, None] + dy).reshape(count * side, side).astype(np.float32)
    cut = cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cut = cut.reshape(count, side, side).astype(np.float32)
    cut -= cut.mean((1, 2), keepdims=True)
    patches: Floats = cut / np.sqrt((cut**2).mean((1, 2), keepdims=True) + 1)
    return patches


def _begin(medium: Pixels, busy: Pixels, time: float, look: int) -> _Tracks:
    """A new reference with corners spread over the background."""
    import cv2

    height, width = medium.shape
    values = cv2.cornerEigenValsAndVecs(medium, 7, 3)[..., :2]
    strength = values.min(-1) + EDGE * values.max(-1)
    strength[busy > 0] = 0
    edge = WINDOW // 2 + 2
    for border in (np.s_[:edge], np.s_[-edge:], np.s_[:, :edge], np.s_[:, -edge:]):
        strength[border] = 0
    peak = (strength == cv2.dilate(strength, np.ones((9, 9), np.uint8))) & (strength > CORNER)
    y, x = np.nonzero(peak)
    strong = np.argsort(-strength[y, x], kind="stable")
    y, x = y[strong], x[strong]
    cell = (y * SPREAD[1] // height) * SPREAD[0] + x * SPREAD[0] // width
    # the best of every cell first, then every second best
    by_cell = np.argsort(cell, kind="stable")
    starts = np.flatnonzero(np.diff(cell[by_cell], prepend=-1))
    rank = np.empty(len(cell), np.int64)
    rank[by_cell] = np.arange(len(cell)) - np.repeat(starts, np.diff(np.append(starts, len(cell))))
    chosen = np.argsort(rank, kind="stable")[:MOST]
    points = np.stack([x[chosen], y[chosen]], -1).astype(np.float32)
    count = len(points)
    coarse = _coarse(medium)
    return _Tracks(
        picture=medium.copy(),
        coarse=coarse,
        patches=_patches(medium, points),
        coarse_patches=_patches(coarse, points / COARSE),
        first=points,
        trust=_trust(medium, x[chosen], y[chosen]),
        last=points,
        looks=[look],
        at=[points],
        seen=[np.ones(count, bool)],
        like=[np.ones(count, np.float32)],
        boils=[np.zeros(count, np.float32)],
        began=time,
        tiles=None,
    )


def _trust(medium: Pixels, x: npt.NDArray[np.int64], y: npt.NDArray[np.int64]) -> Floats:
    """How much each point's place says, by direction: (N, 2, 2) float32, eigenvalues 0..1."""
    import cv2

    found = cv2.cornerEigenValsAndVecs(medium, 7, 3)[y, x].reshape(-1, 3, 2)
    values, first, second = found[:, 0], found[:, 1], found[:, 2]
    share = values / (values + FIRM)
    trust: Floats = (
        share[:, 0, None, None] * first[:, :, None] * first[:, None]
        + share[:, 1, None, None] * second[:, :, None] * second[:, None]
    ).astype(np.float32)
    return trust


def _follow(tracks: _Tracks, medium: Pixels, busy: Pixels, look: int) -> None:
    """Find the points of the reference in this frame."""
    import cv2

    tracks.looks.append(look)
    first, before = tracks.first, tracks.seen[-1]
    if not len(first):
        tracks.at.append(first)
        tracks.seen.append(before)
        tracks.like.append(tracks.like[-1])
        tracks.boils.append(tracks.boils[-1])
        return
    guess = tracks.last.copy()
    if before.any():
        guess[~before] = first[~before] + np.median(guess[before] - first[before], axis=0)
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 12, 0.02)
    now, found, _ = cv2.calcOpticalFlowPyrLK(
        tracks.picture,
        medium,
        first,
        guess.copy(),
        winSize=(WINDOW, WINDOW),
        maxLevel=2,
        criteria=stop,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        minEigThreshold=1e-6,
    )
    back, returned, _ = cv2.calcOpticalFlowPyrLK(
        medium,
        tracks.picture,
        now,
        first + np.float32(0.7),
        winSize=(WINDOW, WINDOW),
        maxLevel=1,
        criteria=stop,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        minEigThreshold=1e-6,
    )
    height, width = medium.shape
    edge = WINDOW / 2
    inside = ((now > edge) & (now < np.array([width, height]) - edge)).all(1)
    x, y = np.clip(np.nan_to_num(now).round().astype(int), 0, [width - 1, height - 1]).T
    free = inside & (busy[y, x] == 0)
    like = (_patches(medium, now) * tracks.patches).mean((1, 2))
    missed = np.linalg.norm(np.einsum("nij,nj->ni", tracks.trust, back - first), axis=1)
    seen = (found[:, 0] > 0) & (returned[:, 0] > 0) & (missed < BACK) & free & (like > LIKE)
    tracks.last = np.where(seen[:, None], now, guess).astype(np.float32)
    tracks.at.append(now)
    tracks.seen.append(seen)
    tracks.like.append(np.where(free, like, np.nan).astype(np.float32))
    holds = (_patches(_coarse(medium), first / COARSE) * tracks.coarse_patches).mean((1, 2)) > HOLDS
    x, y = first.round().astype(int).T
    holds &= busy[y, x] == 0
    here = np.fmax(like, (_patches(medium, first) * tracks.patches).mean((1, 2)))
    tracks.boils.append(np.where(holds, here < CHANGED, np.nan).astype(np.float32))


def _coarse(medium: Pixels) -> Pixels:
    import cv2

    height, width = medium.shape
    small: Pixels = cv2.resize(medium, (width // COARSE, height // COARSE), interpolation=cv2.INTER_AREA)
    return small


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """What the tracks of one reference did: F frames, N tracks.

    ``at`` (N, 2) px where they rest; ``together`` (F, N) px by which each wobbles with its neighbours, nan where
    unknown; ``camera`` (F,) px; ``count`` (F,) tracks; ``noise`` (F,) px that each has for itself; ``field`` (F, N) px
    by which it lies aside with its neighbours.
    """

    at: Array
    together: Array
    camera: Array
    count: npt.NDArray[np.int64]
    noise: Array
    field: Array


def measure(
    first: Array, at: Array, seen: Flags, hidden: Flags, trust: Array, step: float, longest: int
) -> _Measured | None:
    """How far tracks wobble with their neighbours, beyond what the camera does.

    Parameters
    ----------
    first
        (N, 2) px where they began.
    at
        (F, N, 2) px where they were.
    seen
        (F, N) whether they were found.
    hidden
        (F, N) whether a person or the picture's edge hid them.
    trust
        (N, 2, 2) how much of a displacement each can show, by direction.
    step
        Seconds between two frames.
    longest
        Longest side of the clip, px.
    """
    if len(at) * step < SHORTEST:
        return None
    kept = seen.mean(0) >= 0.5
    if int(kept.sum()) < FEWEST:
        return None
    stays = _staying(first, kept, hidden.mean(0) < 0.3, longest)[kept]
    rest, at, seen, trust = first[kept], at[:, kept], seen[:, kept], trust[kept]
    weight = np.linalg.eigvalsh(trust)[:, 0]
    count = seen.sum(1)
    usable = np.flatnonzero((count >= FEWEST) & ((seen * weight).sum(1) >= SURE))
    if len(usable) * step < SHORTEST:
        return None
    residual = np.full(at.shape, np.nan)
    course = np.zeros((len(at), 4))
    for again in range(2):
        moved, course[usable] = _similar(rest, at[usable], seen[usable] * weight)
        residual[usable] = np.where(seen[usable][..., None], at[usable] - moved, np.nan)
        middle = _median(residual, 0)
        if not again:
            rest = rest + middle
    residual -= middle
    camera = np.hypot(course[:, 0], course[:, 1]) + np.hypot(course[:, 2], course[:, 3])
    residual = _without_camera(residual, course, longest)
    away = np.hypot(residual[..., 0], residual[..., 1]) > AWAY * longest
    residual[:, away.sum(0) > 2] = np.nan
    residual[away] = np.nan
    residual[:, stays < STAYS] = np.nan
    together, noise, aside = _together(residual, trust, rest, step, longest)
    return _Measured(rest, together, camera, np.isfinite(residual[..., 0]).sum(1), noise, aside)


def _staying(first: Array, kept: Flags, free: Flags, longest: int) -> Array:
    """Share of the points around each that could be followed, of those that nothing hid: (N,) 0..1."""
    apart = np.hypot(*(first[:, None] - first[None]).transpose(2, 0, 1)) / longest
    near = np.exp(-(apart**2) / (2 * NEAR**2)) * (free | kept)
    staying: Array = near @ kept / np.maximum(near.sum(1), 1e-9)
    return staying


def _similar(rest: Array, at: Array, trust: Array) -> tuple[Array, Array]:
    """Where similarities take the points, (F, N, 2) px, and those similarities, (F, 4): shift, growth and turn in px.

    ``at`` (F, N, 2) px where they were in each frame, ``trust`` (F, N) how much each counts.
    """
    x, p = rest[:, 0] + 1j * rest[:, 1], at[..., 0] + 1j * at[..., 1]
    weight, seen = trust, trust > 0
    for _ in range(5):
        total = weight.sum(1)
        mx, mp = ((weight * one).sum(1) / total for one in (x, p))
        apart = x - mx[:, None]
        turned = (weight * np.conj(apart) * (p - mp[:, None])).sum(1)
        gain = turned / ((weight * np.abs(apart) ** 2).sum(1) + 1e-9)
        moved = mp[:, None] + gain[:, None] * apart
        off = np.abs(p - moved)
        scale = np.maximum(1.0, 1.48 * medians(off, seen))
        weight = trust / (1 + (off / scale[:, None]) ** 2)
    everywhere = x - x.mean()
    shift = (moved - x).mean(1)
    size = float(np.sqrt((np.abs(everywhere) ** 2).mean()))
    course = np.stack([shift.real, shift.imag, (gain.real - 1) * size, gain.imag * size], -1)
    return np.stack([moved.real, moved.imag], -1), course


def _without_camera(residual: Array, course: Array, longest: int) -> Array:
    """The residual (F, N, 2) without what each track does in step with the camera's course (F, 4), or drifts."""
    frames = len(course)
    t = np.linspace(-1, 1, frames)
    line = np.stack([np.ones(frames), t], -1)
    centred = course - line @ np.linalg.lstsq(line, course, rcond=None)[0]
    along, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    sizes = sizes / np.sqrt(frames)
    travelled = float(np.sqrt((course.std(0) ** 2).sum()))
    kept = range(4) if sizes[0] > MOVING * longest else ()
    basis = [along[:, k] * np.sqrt(frames) for k in kept if sizes[k] > ASIDE * sizes[0]]
    if travelled > MOVING * longest:
        basis += [1.5 * t**2 - 0.5, 2.5 * t**3 - 1.5 * t]
    moves = np.stack(basis, -1) if basis else np.zeros((frames, 0))
    most = FOLLOWS * travelled
    out = residual.copy()
    when, which = np.unique(np.isfinite(residual[..., 0]), axis=1, return_inverse=True)
    for number, ok in enumerate(when.T):  # what was seen in the same frames is solved together
        tracks = np.flatnonzero(which.ravel() == number)
        if ok.sum() < 6:
            out[:, tracks] = np.nan
            continue
        b = np.concatenate([line[ok], moves[ok]], axis=1)
        seen = np.ix_(ok, tracks)
        solved = np.linalg.lstsq(b, residual[seen].reshape(len(b), -1), rcond=None)[0]
        rests, follows = ((b[:, part] @ solved[part]).reshape(len(b), -1, 2) for part in (np.s_[:2], np.s_[2:]))
        size = np.sqrt((follows**2).sum(-1).mean(0))
        out[seen] -= rests + follows * np.minimum(1.0, most / np.maximum(size, 1e-9))[:, None]
    return out


def _together(residual: Array, trust: Array, rest: Array, step: float, longest: int) -> tuple[Array, Array, Array]:
    """Px by which each track's surroundings wobble together, (F, N), nan where unknown; noise (F,); field (F, N).

    ``residual`` (F, N, 2) px is weighted by ``trust`` (N, 2, 2) on both sides of the product and the product by what
    two tracks can show in common, so that a place with few firm points is not thought to stand still.
    """
    apart = np.hypot(*(rest[:, None] - rest[None]).transpose(2, 0, 1)) / longest
    near = np.exp(-(apart**2) / (2 * NEAR**2)) * (apart < REACH)
    pairs = near.copy()
    np.fill_diagonal(pairs, 0)
    known = np.isfinite(residual[..., 0])
    shown = np.where(known[..., None], np.einsum("nij,tnj->tni", trust, np.nan_to_num(residual)), 0)
    around = np.einsum("ij,tjc->tic", pairs, shown)
    common = pairs * np.einsum("nij,mij->nm", trust, trust) / 2
    both = (shown * around).sum(-1)
    could = known * (known @ common)
    alone = (shown**2).sum(-1)
    could_alone = known * (np.einsum("nij,nij->n", trust, trust) / 2)
    half = max(1, round(STEADY / step))
    both, could, alone, could_alone = (_steady(one, half) for one in (both, could, alone, could_alone))
    enough = known & (could > COMMON)
    shared = np.maximum(both, 0) / np.maximum(could, 1e-9)
    agree = shared @ near / ((alone / np.maximum(could_alone, 1e-9)) @ near + 1e-6)
    wobble = np.where(enough & (agree > AGREE), np.sqrt(2 * shared), 0.0)
    lower = np.full_like(wobble, np.nan)
    for i in range(len(rest)):
        beside = np.flatnonzero(pairs[i] > 0.2)
        if len(beside) >= 2:
            lower[:, i] = np.minimum(wobble[:, i], np.sort(wobble[:, beside], axis=1)[:, -2])
    lower[~enough] = np.nan
    apiece = np.where(known, alone / np.maximum(could_alone, 1e-9) - shared, np.nan)
    aside = np.hypot(*np.einsum("ij,tjc->cti", near, shown))
    aside /= np.maximum(known @ (near * np.einsum("nii->n", trust)[None] / 2).T, 0.1)
    return lower, np.sqrt(np.maximum(_median(apiece, 1), 0)), aside


def _median(values: Array, axis: int) -> Array:
    """The median of what is known, 0 where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a row of nan alone
        median: Array = np.nan_to_num(np.nanmedian(values, axis=axis))
    return median


def _steady(values: Array, half: int) -> Array:
    """Mean over so many frames to either side."""
    sums = np.cumsum(np.concatenate([np.zeros((1, values.shape[1])), values]), axis=0)
    frames = np.arange(len(values))
    low, high = np.maximum(frames - half, 0), np.minimum(frames + half + 1, len(values))
    steady: Array = (sums[high] - sums[low]) / (high - low)[:, None]
    return steady


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
        return [ClipFinding(check=name, verdict="unseen", why=why or rigid.unseen)]
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
        return [ClipFinding(check=name, verdict="unseen", why=why)]
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
        return [ClipFinding(check=name, verdict="unseen", why=why)]
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
