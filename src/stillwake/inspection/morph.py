"""Does the subject's face become another one? Its shape is measured apart from pose and expression.

How a kind of face is measured stands in `morph_mesh` and `morph_drawn`. Those measures follow pose and expression too,
but a morph is "the same pose and expression, another shape": every step in time that a morph could be is fitted to
every measure together with pose and expression, and counts by how far it goes beyond what real faces do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from stillwake.inspection.asked import Asked
from stillwake.inspection.stream import Span, lying_in
from stillwake.inspection.view import View, median
from stillwake.types import Box, ClipFinding, Floats, Pixels, Size, Timeline

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

STRAINS = ("moves sideways", "moves up or down", "widens", "lengthens", "shears")
"""How a region may change, in the words of the measures' names."""
POSE = ("yaw", "pitch", "roll", "size")
EXPRESSION = ("mouth's opening", "mouth's width", "lids", "brows", "mouth's corners")
EASE = np.array([0.02, 0.02, 0.05, 0.03, 0.03, 0.03, 0.02, 0.03, 0.03, 0.02, 0.02, 0.02])
"""How far each of these, and yaw squared, pitch squared and yaw by pitch, has to vary in a clip before a measure is
believed to follow it: in radians, the size's logarithm, and halves of the face's width."""

LEAST_FACE = 48.0
"""Width of a face in px below which its shape is unseen."""
MISFIT = (1.8, 3.0)
"""A frame that fits the reference worse than so many times the clip's median plus so many levels is left out: a hand
lies over the face there, or it is blurred."""
MOST_TURN = 0.45
"""Radians from the clip's usual yaw beyond which a frame is left out: half of the cheek is hidden."""
LEAST_FRAMES = 25
"""Frames below which nothing can be told from pose and expression."""
LEAST_TOLD, LEAST_INSIDE = 0.25, 8
"""A step counts when so much of it is not explained by pose and expression, and so many frames lie on either side."""
EARLIEST, SHORTEST, STRIDE, RAMP = 0.5, 1.0, 0.25, 0.7
"""Seconds: when a step may begin, how long it lasts at least, between two tried ones, and from off to on."""
FINE, BLOCK = 32, 4096
"""Two tried ones lie further apart, twice each time, where a step and what is outside it last longer than so many of
them: the share of it that a wrong place misses stays the same. And how many are fitted at a time."""
RAMPS, WIDER, NEARBY = (0.2, 0.4, 0.6, 0.8, 1.0, 1.4), 0.005, np.arange(-0.5, 0.51, 0.05)
"""Seconds from off to on of the steps with which a change is dated, how much more of it a wider one has to explain,
and the seconds around the step found at which they are tried. Start and end were within 0.2 s in 35 of 39 morphs by
15 % that came in 0.6 s (2026-11-29; 4 of 39 when the middle of the way was told)."""
ALIKE = np.array([0.15, 0.12, 0.15, 0.10, 0.15, 0.09, 0.03, 0.04, 0.06])
"""How far each of `POSE` and `EXPRESSION` has to differ to be another one."""
APART, NOISE, STRONGEST = 0.7, 1.7, 16
"""A change counts by the share that it explains, against the root of two squares: what is usual, the more the further
pose and expression are apart (from 1 / `APART` such differences on, with their square), and `NOISE` times what the
change leaves of the measure; a step counts by the mean of its `STRONGEST` measures. The best of 96 settings on the
clips of `morph_mesh.USUAL` and 177 morphs put into them, each person scored with what is usual for the others."""
TRUSTED = 0.8
"""Seconds at the clip's beginning that show the true face: what changes back soon after them changes from there on."""
MOVED, MARGIN = 0.45, 0.08
"""The box holds the points that moved by that share of the furthest, and a margin in face widths."""
COLOUR_LIMITS = {"skin": 4.0, "hair": 12.0}
"""How far each may go and stay, in Lab's a and b: in the clean clips above skin went up to 2.9, hair up to 9.8 (a head
that turns shows other hair)."""


class Yardstick(NamedTuple):
    """By what a change counts: ``names`` (M,) of the measures and ``usual`` (M,) of how far each goes in clean clips.

    ``limit`` and ``sure`` times the usual from which a change warns and fails; ``restless`` as
    `morph_mesh.RESTLESS`, and ``told`` times the usual from which a change is told of a restless face all the same;
    ``hair`` how far its colour may go, as `COLOUR_LIMITS`.
    """

    names: tuple[str, ...]
    usual: tuple[float, ...]
    limit: float
    sure: float
    restless: float
    told: float
    hair: float


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What each looked-at frame shows of the face's shape; every array has one entry a frame, in order.

    ``time`` the middle of the frame in seconds; ``measures`` (N, M) float32, logarithms and shares;
    ``nuisance`` (N, `POSE` and `EXPRESSION`) float32, radians and halves of the face's width; ``misfit`` how badly
    the frame, drawn into the reference's layout, fits it, in levels of 255; ``points`` (N, K, 2) float16 of the face
    turned to the front, in units of about half its width; ``back`` (N, 2, 4) float32, which take such a point
    (x, y, z, 1) to px of the frame; ``colours`` (N, 2, 3) float32 CIELAB of skin and hair; nan where no face was
    read. ``front`` (K, 3) the reference's points; ``width`` of the face in px, the median; ``seconds`` the length of
    what was looked at; ``unseen`` why nothing was measured, or ""; ``yardstick`` what the measures are;
    ``span`` s of the only scene that was looked at, None for all of the clip.
    """

    time: Array
    measures: Floats
    nuisance: Floats
    misfit: Floats
    points: npt.NDArray[np.float16]
    back: Floats
    colours: Floats
    front: Floats
    width: float
    seconds: float
    unseen: str
    yardstick: Yardstick
    span: Span | None = None


class Look(NamedTuple):
    """One frame, as `Shape` keeps it: (M,), (`POSE` and `EXPRESSION`,), levels, (K, 2), (2, 4)."""

    measures: Floats
    nuisance: Floats
    misfit: float
    points: Floats
    back: Floats


class Reference(Protocol):
    """The face that all frames are compared with; ``kept`` (K, 3) its own `Shape.front`."""

    kept: Floats

    def look(self, grey: Pixels, mesh: Floats) -> Look:
        """What a frame (H, W) uint8 with this mesh (478, 3) px shows of the face's shape."""


class Kind(NamedTuple):
    """How a kind of face is measured: ``rate`` frames a second.

    ``begin`` makes a frame, grey, with its mesh the reference, or says None: it turns away too far, and where another
    already did so (its last argument) it must turn away by less; ``width`` of a mesh's face in px; ``places`` in a
    mesh where skin is, and where hair is, (N, 2) px each; ``unread`` what is said where no frame was measured.
    """

    rate: float
    begin: Callable[[Pixels, Floats, bool], Reference | None]
    width: Callable[[Floats], float]
    places: Callable[[Floats], tuple[Floats, Floats]]
    yardstick: Yardstick
    unread: str


class Watch:
    """Takes one frame after the other and keeps its numbers.

    ``still`` (H, W, 3) uint8 RGB at the clip's size and ``still_mesh`` (478, 3) px in it are the reference; without
    them it is the first frame that may be one.
    """

    def __init__(self, kind: Kind, size: Size, fps: Fraction, still: Pixels | None, still_mesh: Floats | None) -> None:
        self.size = size
        self._kind = kind
        self._every = max(1, round(float(fps) / kind.rate))
        self._frame = 1 / float(fps)
        self._reference: Reference | None = None
        self._rows: list[tuple[float, Look, Floats, float]] = []
        self._last = 0.0
        self._small = self._turned = False
        if still is not None and still_mesh is not None:
            self._begin(_grey(still), still_mesh)

    def _begin(self, grey: Pixels, mesh: Floats) -> None:
        self._small = self._kind.width(mesh) < LEAST_FACE
        self._reference = None if self._small else self._kind.begin(grey, mesh, self._turned)
        self._turned = self._turned or (self._reference is None and not self._small)

    def take(self, view: View) -> None:
        """Measure a frame."""
        self._last = view.time
        mesh = view.mesh
        if view.index % self._every or mesh is None:
            return
        if self._reference is None:
            self._begin(view.grey, mesh)
        if self._reference is None:
            return
        look = self._reference.look(view.grey, mesh)
        look = look._replace(points=look.points.astype(np.float16))
        self._rows.append((view.time, look, _colours(view, self._kind.places(mesh)), self._kind.width(mesh)))

    def finish(self) -> Shape:
        """All that was seen."""
        rows, yardstick = self._rows, self._kind.yardstick
        width = float(np.median([row[3] for row in rows])) if rows else 0.0
        unseen = "" if rows else self._kind.unread
        if (self._small and not rows) or 0 < width < LEAST_FACE:
            unseen = f"the face is less than {LEAST_FACE:.0f} px wide"
        count = len(rows)
        kept = np.zeros((0, 3), np.float32) if self._reference is None else self._reference.kept

        def all_of(part: str, *shape: int, kind: type = np.float32) -> Any:
            return np.array([getattr(row[1], part) for row in rows], kind).reshape(count, *shape)

        return Shape(
            time=np.array([row[0] for row in rows], np.float64),
            measures=all_of("measures", len(yardstick.names)),
            nuisance=all_of("nuisance", len(POSE) + len(EXPRESSION)),
            misfit=all_of("misfit"),
            points=all_of("points", len(kept), 2, kind=np.float16),
            back=all_of("back", 2, 4),
            colours=np.array([row[2] for row in rows], np.float32).reshape(count, 2, 3),
            front=kept,
            width=width,
            seconds=self._last + self._frame / 2,
            unseen=unseen,
            yardstick=yardstick,
        )


def within(shape: Shape, scenes: Sequence[Span], hidden: Sequence[Span] = ()) -> Shape:
    """What was seen in the longest of some scenes, s, alone, and not in some spans of it.

    A face is compared with none of another scene's, nor with one that fades.
    """
    seen = ~lying_in(shape.time, hidden)
    before = np.concatenate([[0], np.cumsum(seen)])
    counts = [int(np.diff(before[np.searchsorted(shape.time, scene)])[0]) for scene in scenes]
    longest = counts.index(max(counts))
    kept = seen & lying_in(shape.time, [scenes[longest]])
    if kept.all():
        return shape
    return replace(
        shape,
        time=shape.time[kept],
        measures=shape.measures[kept],
        nuisance=shape.nuisance[kept],
        misfit=shape.misfit[kept],
        points=shape.points[kept],
        back=shape.back[kept],
        colours=shape.colours[kept],
        seconds=min(shape.seconds, scenes[longest][1]),
        span=scenes[longest] if len(scenes) > 1 else None,
    )


def flow_between(*, refinements: int) -> Any:
    """Dense inverse search for layouts of a hundred px or so (Kroeger et al., 2016, in OpenCV).

    At a quarter of the layout, as the preset has it, eyes that grow by 15 % are found half as often; fewer turns and
    patches take half the time and find as much (91 clips).
    """
    import cv2

    # The stubs of cv2 do not know it.
    flow: Any = getattr(cv2, "DISOpticalFlow_create")(cv2.DISOPTICAL_FLOW_PRESET_FAST)  # noqa: B009
    flow.setFinestScale(0)
    flow.setGradientDescentIterations(8)
    flow.setPatchStride(5)
    flow.setVariationalRefinementIterations(refinements)
    return flow


def _grey(pixels: Pixels) -> Pixels:
    import cv2

    grey: Pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return grey


def _colours(view: View, places: Sequence[Floats]) -> Floats:
    """CIELAB of skin and hair, (2, 3): the medians over some points (N, 2) px of each, in the small picture."""
    import cv2

    picture = view.small_rgb
    scale = picture.shape[1] / view.pixels.shape[1]
    found = []
    for points in places:
        at = ((points + 0.5) * scale - 0.5).astype(np.float32)
        rgb = cv2.remap(picture, at[:, 0], at[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        found.append(median(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)))
    return np.array(found, np.float32)


# -------------------------------------------------------------------------------------------------------- what changed


class Fit(NamedTuple):
    """What a face's measures are before any step is fitted to them.

    ``measures`` and ``freed`` (F, M) of the ``used`` (N,) frames, calmed, and what pose and expression leave of them;
    ``away`` (F, P) pose and expression, from the usual; ``known`` (F, K) what they explain with, ``solved`` (K, F) by
    how much; ``time`` (F,) seconds.
    """

    time: Array
    measures: Array
    freed: Array
    away: Array
    used: Flags
    known: Array
    solved: Array


class Steps(NamedTuple):
    """Steps in time that a morph could be, fitted to every measure together with pose and expression.

    ``change`` (S, M) how far each measure goes; ``share`` (S, M) how much it explains of what pose and expression
    leave, 0..1; ``rest`` (S, M) what it leaves; ``spans`` (S, 2) seconds; ``apart`` (S,) how far pose and expression
    within the step differ from those outside it.
    """

    change: Array
    share: Array
    rest: Array
    spans: Array
    apart: Array


def fit(shape: Shape) -> Fit | None:
    """What is left of the measures; None where there are too few frames to tell them from pose and expression."""
    away = shape.nuisance.astype(np.float64)
    away -= np.median(away, 0)
    used = (shape.misfit < MISFIT[0] * np.median(shape.misfit) + MISFIT[1]) & (abs(away[:, 0]) < MOST_TURN)
    if int(used.sum()) < LEAST_FRAMES:
        return None
    measures, away = _calmed(shape.measures[used].astype(np.float64)), _calmed(away[used])
    known = np.c_[away, away[:, 0] ** 2, away[:, 1] ** 2, away[:, 0] * away[:, 1]]
    known = np.c_[np.ones(len(away)), known - known.mean(0)]
    ease = np.diag(np.r_[0.0, EASE**2])
    solved = np.linalg.solve(known.T @ known / len(known) + ease, known.T / len(known))
    freed = measures - known @ (solved @ measures)
    return Fit(shape.time[used], measures, freed, away, used, known, solved)


def fitted(found: Fit, seconds: float) -> Iterator[Steps]:
    """Every step that a morph could be, some thousands at a time; none where none could be told from a move.

    A step is what one ramp adds and a later one takes back, so its sum with anything is the difference of theirs:
    time grows with the clip's length, and so does what is held.
    """
    count = len(found.time)
    places = _places(seconds)
    columns = np.c_[np.ones(count), found.solved.T, found.known, found.away, found.measures]
    sums, squares = _beneath(found.time, places, columns)
    ends = np.cumsum([1, found.known.shape[1], found.known.shape[1], found.away.shape[1]])
    follows = found.known.T @ found.measures
    total = np.maximum((found.measures * found.freed).sum(0), 1e-12)
    for pairs in _pairs(seconds):
        first, last = pairs.T
        inside, by, of, moved, went = np.split(sums[first] - sums[last], ends, axis=1)
        inside = inside[:, 0]
        outside = count - inside
        energy = squares[first] - 2 * sums[last, 0] + squares[last] - (by * of).sum(1)
        told = energy > LEAST_TOLD * inside * outside / count
        told &= np.minimum(inside, outside) >= LEAST_INSIDE
        if not told.any():
            continue
        pairs, inside, outside, energy, by, moved, went = (
            a[told] for a in (pairs, inside, outside, energy, by, moved, went)
        )
        change = (went - by @ follows) / energy[:, None]
        explained = change**2 * energy[:, None]
        differ = moved / inside[:, None] - (found.away.sum(0) - moved) / outside[:, None]
        yield Steps(
            change=change,
            share=np.clip(explained / total, 0, 1),
            rest=np.sqrt(np.maximum(total - explained, 0) / count),
            spans=places[pairs],
            apart=np.sqrt(((differ / ALIKE) ** 2).sum(1)),
        )


def _calmed(values: Array) -> Array:
    """The median of each three frames."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    calmed: Array = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), 0)
    return calmed


def _ramp(time: Array, at: Array, wide: float = RAMP) -> Array:
    """0..1, of the shape that both give together: from off to on in ``wide`` seconds, at half height at its place."""
    up = np.clip((time - at) / wide + 0.5, 0, 1)
    smooth: Array = up * up * (3 - 2 * up)
    return smooth


def _step(time: Array, start: float, end: Array, wide: float, seconds: float) -> Array:
    """0..1 (S, T): on from ``start`` to each ``end`` (S,), at half height there; a last end has no way down."""
    up, down = _ramp(time, np.array([start]), wide), 1 - _ramp(time, end[:, None], wide)
    step: Array = np.minimum(up, np.where(end[:, None] >= seconds, 1.0, down))
    return step


def _places(seconds: float) -> Array:
    """Seconds (G,) at which a step may begin or end; the last is the clip's end, where nothing ends."""
    places: Array = np.r_[np.arange(EARLIEST, seconds - 0.4, STRIDE), seconds]
    return places


def _pairs(seconds: float) -> Iterator[npt.NDArray[np.int64]]:
    """Pairs (S, 2) of `_places` between which a step may lie, `BLOCK` at a time.

    The longer a step and what is outside it, the coarser: there are about two hundred a second, however long the clip.
    """
    places = _places(seconds)
    last = len(places) - 1
    block: list[npt.NDArray[np.int64]] = []
    for level in range(max(1, last).bit_length()):
        stride = 1 << level
        near, far = (STRIDE * stride * FINE // 2 if level else 0.0), STRIDE * stride * FINE
        for first in range(0, last, stride):
            ends = np.arange(first, last, stride)[1:]
            length = places[[*ends, last]] - places[first]
            least = np.minimum(length, seconds - length)
            told = (length > SHORTEST - 1e-6) & (least >= near) & (least < far)
            partners = np.array([*ends, last])[told]
            block.append(np.stack([np.full(len(partners), first), partners], 1))
            if sum(map(len, block)) >= BLOCK:
                yield np.concatenate(block)
                block = []
    if block:
        yield np.concatenate(block)


def _beneath(time: Array, places: Array, columns: Array) -> tuple[Array, Array]:
    """The sums (G, C) of columns (T, C) beneath a ramp at each place, and (G,) of its square; 0 for the last place."""
    after = np.concatenate([np.cumsum(columns[::-1], 0)[::-1], np.zeros((1, columns.shape[1]))])
    first = np.searchsorted(time, places - RAMP / 2)
    over = np.searchsorted(time, places + RAMP / 2)
    sums, squares = after[over], (len(time) - over).astype(np.float64)
    for step in range(int((over - first).max())):
        frame = np.minimum(first + step, len(time) - 1)
        on = np.where(first + step < over, _ramp(time[frame], places), 0.0)
        sums += on[:, None] * columns[frame]
        squares += on * on
    sums[-1], squares[-1] = 0.0, 0.0
    return sums, squares


class Morph(NamedTuple):
    """The step that stands out most.

    ``score`` by how many times what is usual; ``span`` seconds, from where it begins to where it is over; ``measure``
    which one stands out most, ``change`` by how much; ``box`` px of the clip; ``line`` (N,) that measure's change
    along the used frames, ``time`` theirs; ``restless`` how far the face moves besides, as `morph_mesh.RESTLESS`
    counts it.
    """

    score: float
    span: tuple[float, float]
    measure: str
    change: float
    box: Box
    line: Array
    time: Array
    restless: float


def scores(steps: Steps, usual: Array) -> tuple[Array, Array]:
    """(S, M) by how many times each change exceeds the usual, and (S,) the mean of the `STRONGEST` of each step."""
    wide = usual[None] * np.hypot(1.0, (APART * steps.apart) ** 2)[:, None]
    times = np.abs(steps.change) * steps.share / np.hypot(wide, NOISE * steps.rest)
    return times, np.sort(times, 1)[:, -STRONGEST:].mean(1)


def morph(shape: Shape) -> Morph | None:
    """The step that stands out most; None where none could be told from a move."""
    found = fit(shape)
    if found is None:
        return None
    usual = np.array(shape.yardstick.usual)
    score, best, times = -1.0, None, np.zeros(0)
    for steps in fitted(found, shape.seconds):
        each, total = scores(steps, usual)
        at = int(total.argmax())
        if total[at] > score:
            score, times, best = float(total[at]), each[at], Steps(*(one[at] for one in steps))
    if best is None:
        return None
    top = int(times.argmax())
    strongest = np.argsort(times)[-STRONGEST:]
    # All that changed in one line, each measure as far as it is above its noise.
    weights = best.change[strongest] / (best.rest[strongest] ** 2 + 1e-6)
    start, end = (float(value) for value in best.spans)
    if start < TRUSTED and end < shape.seconds - SHORTEST:
        start, end = end, shape.seconds
    span, step = _sharpened(found.freed[:, strongest] @ weights, (start, end), shape.seconds, found)
    line = found.freed[:, top] * np.sign(best.change[top])
    line -= np.median(line[step < 0.5]) if (step < 0.5).any() else 0.0
    return Morph(
        score=score,
        span=span,
        measure=shape.yardstick.names[top],
        change=float(best.change[top]),
        box=_where(shape, found, step),
        line=line,
        time=found.time,
        restless=float(np.median(NOISE * best.rest / usual)),
    )


def _sharpened(
    line: Array, span: tuple[float, float], seconds: float, found: Fit
) -> tuple[tuple[float, float], Array]:
    """When a line (F,), freed of pose and expression, begins to change and has changed back, s, and the step it takes.

    Of the steps near the span and as steep as any of `RAMPS` it is the one that explains the line best; a wider ramp
    has to explain more by `WIDER`. A long step was found on a coarse grid: the first look around it is as coarse.
    """
    length = span[1] - span[0]
    coarse = max(1.0, min(length, seconds - length) / (STRIDE * FINE))
    told = span, np.zeros(len(found.time))
    for near in (NEARBY,) if coarse == 1 else (NEARBY * 2 * coarse, NEARBY):
        starts = np.maximum(span[0] + near, 0.1)
        ends = np.array([seconds]) if span[1] >= seconds else np.minimum(span[1] + near, seconds - 0.05)
        most = 0.0
        for ramp in RAMPS:
            explained, (start, end), step = _best_step(line, starts, ends, ramp, seconds, found)
            if explained > (1 + WIDER) * most:
                most, span = explained, (start, end)
                over = seconds if end >= seconds else min(seconds, end + ramp / 2)
                told = (max(0.0, start - ramp / 2), over), step
    return told


def _best_step(
    line: Array, starts: Array, ends: Array, ramp: float, seconds: float, found: Fit
) -> tuple[float, tuple[float, float], Array]:
    """How much of a line (F,) the step explains that explains most of it, its span, s, and the step (F,)."""
    best = 0.0, (float(starts[0]), float(ends[-1])), np.zeros(len(line))
    for start in starts:
        later = ends[ends - start > 0.5]
        steps = _step(found.time, start, later, ramp, seconds)
        left = steps - (steps @ found.solved.T) @ found.known.T
        explained = (left @ line) ** 2 / np.maximum((left * steps).sum(1), 1e-9)
        at = int(explained.argmax()) if len(later) else -1
        if at >= 0 and explained[at] > best[0]:
            best = float(explained[at]), (float(start), float(later[at])), steps[at]
    return best


def _where(shape: Shape, found: Fit, step: Array) -> Box:
    """The box in px around the points that moved most against the others, in the middle of the step."""
    points = _calmed(shape.points[found.used].astype(np.float64).reshape(len(step), -1))
    left = step - found.known @ (found.solved @ step)
    moved = (left @ points / max(float(left @ step), 1e-9)).reshape(-1, 2)
    flat = shape.front[:, :2].astype(np.float64)
    plane = np.zeros((2 * len(flat), 4))
    plane[0::2, 0] = plane[1::2, 1] = 1
    plane[0::2, 2:], plane[1::2, 2:] = flat, np.stack([flat[:, 1], -flat[:, 0]], 1)
    weights = np.ones(len(flat))
    own = moved
    for _ in range(8):
        root = np.repeat(np.sqrt(weights), 2)
        fitted = np.linalg.lstsq(plane * root[:, None], moved.ravel() * root, rcond=None)[0]
        own = moved - (plane @ fitted).reshape(-1, 2)
        size = np.linalg.norm(own, axis=1)
        weights = 1 / (1 + (size / max(float(np.median(size)), 1e-6)) ** 2)
    size = np.linalg.norm(own, axis=1)
    much = np.flatnonzero(size > MOVED * size.max())
    rows = np.flatnonzero(found.used)
    on = rows[step > 0.5] if (step > 0.5).any() else rows
    back = shape.back[on[len(on) // 2]].astype(np.float64)
    spots = np.c_[shape.front[much], np.ones(len(much))] @ back.T
    low, high = spots.min(0), spots.max(0)
    margin = MARGIN * shape.width
    return float(low[0]) - margin, float(low[1]) - margin, float(high[0]) + margin, float(high[1]) + margin


# ----------------------------------------------------------------------------------------------------------- findings


def check(shape: Shape, asked: Asked) -> list[ClipFinding]:
    """Whether the face's shape changes, and whether its colours or the hair's do."""
    return [_check_shape(shape, asked), _check_colours(shape)]


def _check_shape(shape: Shape, asked: Asked) -> ClipFinding:
    name = "morph"
    if shape.unseen:
        return ClipFinding.unseen(name, shape.unseen)
    found = morph(shape)
    if found is None:
        return ClipFinding.unseen(name, _untold(shape))
    yardstick = shape.yardstick
    if found.score <= yardstick.told and found.restless > yardstick.restless:
        return ClipFinding(
            check=name,
            verdict="unseen",
            why="the face is too small, or moves and changes its expression too much, to compare its shape",
        )
    over = found.score > yardstick.limit
    if over and asked.ambient is not None and found.score <= yardstick.sure:
        return ClipFinding.unseen(name, f"{asked.ambient} drifts over the face, as was asked for: it seems to change")
    part = f"{found.measure} changes by {100 * abs(found.change):.0f} %"
    if ":" in found.measure or "moves" in found.measure:
        part = f"{found.measure} by {100 * abs(found.change):.1f} % of the face"
    elif found.measure.endswith(STRAINS[2:]):
        part = f"{_turned(found.measure, found.change)} by {100 * abs(found.change):.0f} %"
    return ClipFinding(
        check=name,
        verdict=("fail" if found.score > yardstick.sure else "warn") if over else "pass",
        measured=found.score,
        unit="times the usual",
        limit=yardstick.limit,
        start=found.span[0] if over else None,
        end=found.span[1] if over else None,
        box=found.box if over else None,
        why="with the same pose and expression the face is another one "
        f"from {found.span[0]:.1f} to {found.span[1]:.1f} s: {part}"
        if over
        else "the face keeps its shape" + _looked_at(shape),
        fix="the face was not held: cut the clip before it changes, or render it shorter or with another seed"
        if over
        else "",
    )


def _looked_at(shape: Shape) -> str:
    """What else is said where only one scene of a clip was looked at."""
    return "" if shape.span is None else f", from {shape.span[0]:.1f} to {shape.span[1]:.1f} s, its longest scene"


def _turned(measure: str, change: float) -> str:
    """The measure's words, the other way round where it shrinks."""
    if change >= 0:
        return measure
    return measure.replace(" widens", " narrows").replace(" lengthens", " shortens")


def _untold(shape: Shape) -> str:
    if len(shape.time) < LEAST_FRAMES:
        return f"the face is seen in only {len(shape.time)} of the frames looked at"
    return "the head turns, or something covers the face, too much of the time to compare its shape"


def _check_colours(shape: Shape) -> ClipFinding:
    name = "subject colours"
    if shape.unseen:
        return ClipFinding.unseen(name, shape.unseen)
    if len(shape.time) < LEAST_FRAMES:
        return ClipFinding.unseen(name, _untold(shape))
    limits = {**COLOUR_LIMITS, "hair": shape.yardstick.hair}
    parts = [(part, _drift(shape, row), limit) for row, (part, limit) in enumerate(limits.items())]
    part, (amount, start, end), limit = max(parts, key=lambda one: one[1][0] / one[2])
    over = amount > limit
    row = int(np.argmin(np.abs(shape.time - (start + end) / 2)))
    return ClipFinding(
        check=name,
        verdict="warn" if over else "pass",
        measured=amount,
        unit="Lab",
        limit=limit,
        start=start if over else None,
        end=end if over else None,
        box=_part_box(shape, row, part) if over else None,
        why=f"the colour of the {part} drifts by {amount:.1f} in Lab from {start:.1f} to {end:.1f} s"
        if over
        else f"skin and hair keep their colours, within {amount:.1f} in Lab" + _looked_at(shape),
        fix="look at the colours there; render it shorter or with another seed" if over else "",
    )


def _drift(shape: Shape, row: int) -> tuple[float, float, float]:
    """The furthest that a colour goes and stays: its distance in a and b, and when, in seconds."""
    calm = _calmed(shape.colours[:, row, 1:].astype(np.float64))
    calm -= calm.mean(0)
    count, total = len(calm), max(float((calm**2).sum()), 2e-9)
    places = _places(shape.seconds)
    sums, squares = _beneath(shape.time, places, np.c_[np.ones(count), calm])
    most, span = 0.0, (0.0, shape.seconds)
    for pairs in _pairs(shape.seconds):
        first, last = pairs.T
        inside, went = np.split(sums[first] - sums[last], [1], axis=1)
        inside = inside[:, 0]
        told = np.minimum(inside, count - inside) >= LEAST_INSIDE
        if not told.any():
            continue
        energy = (squares[first] - 2 * sums[last, 0] + squares[last] - inside**2 / count)[told]
        change = went[told] / energy[:, None]
        share = np.clip((change**2).sum(1) * energy / total, 0, 1)
        size = np.linalg.norm(change, axis=1) * share
        best = int(size.argmax())
        if size[best] > most:
            start, end = places[pairs[told][best]]
            most, span = float(size[best]), (float(start), float(end))
    return most, *span


def _part_box(shape: Shape, row: int, part: str) -> Box:
    """The box in px of the skin or the hair in one frame."""
    spots = np.c_[shape.front, np.ones(len(shape.front))] @ shape.back[row].astype(np.float64).T
    low, high = spots.min(0), spots.max(0)
    if part == "hair":
        low, high = np.array([low[0], low[1] - 0.25 * (high[1] - low[1])]), np.array([high[0], low[1] + 1])
    return float(low[0]), float(low[1]), float(high[0]) + 1, float(high[1]) + 1


def timelines(shape: Shape) -> list[Timeline]:
    """How far the measure that stands out most has gone, in per cent, along the clip."""
    found = None if shape.unseen else morph(shape)
    if found is None:
        return []
    return [
        Timeline(
            name="morph",
            unit="%",
            times=found.time.astype(np.float32),
            values=(100 * found.line).astype(np.float32),
        )
    ]
