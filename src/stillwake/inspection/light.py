"""Does the light hold? Flicker of the whole picture or of a part, exposure that breathes, colours that drift, black.

The brightness of 16 x 16 blocks is kept for every frame, as logarithms: a light that changes by a percent moves all
blocks it reaches by a hundredth at the same time, whatever they show; motion moves some blocks, each its own way. So
a median over blocks knows of the light and not of the motion. Flicker is less than an encoder's own trembling, and
left in some blocks only: there a mean counts each block by how quiet it is, and none for more than the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from stillwake.inspection.stream import lying_in
from stillwake.types import Box, ClipFinding, Floats, Size, Timeline

if TYPE_CHECKING:
    from stillwake.inspection.asked import Asked
    from stillwake.inspection.view import View

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BLOCKS = 16
"""Brightness is read in this many blocks across and down."""
STEPS = 256
"""Steps of a level of 255 in which blocks are kept: half the memory of a float, and finer than any flicker."""
DARK = 8.0
"""Levels added before a logarithm, so that noise in the dark counts little."""
LIT = 24.0
"""Mean level of 255 below which a picture is too dark to judge its light by."""
WHITE = 246.0
"""Level from which a block is white and shows no light that grows."""
QUIET = 0.05
"""Percent by which a block usually trembles that halves what it tells of a flicker: of .02 to .3 what parted flickers
of 1 % from clean clips best, on 22 takes, and with `MOVES` on 41 (2026-11-29)."""
MOVES, SPREAD = 0.6, 0.5
"""Percent beyond which a block's change counts for no more, unless most blocks change so: it is motion then; and how
many times the blocks' own spread is taken off that, for what they do not share is motion too."""
ALIKE = 0.5
"""Share of what the blocks do around a flicker that follows its course, below which it is motion: an edge that slides
over them had .17, trees, water and hands in films up to .44, most flickers of 1 % that an encoder left .5 to 1
(2026-11-29)."""
FLICKER_WINDOW = 0.8
"""Seconds over which flicker is measured, and `FLICKER_DROPPED` the frames of it that count for nothing: one flash, a
step of the exposure or a cut is no flicker."""
FLICKER_DROPPED = 4
FLICKER, FLICKER_FAIL = 0.09, 0.17
"""Percent by which the light jumps to and fro, from which on it warns and fails. Of 70 clean clips of ours one is
above, .11 under a moving camera; of flickers of 1 % of which an encoder left a third or more 52 of 53 are found, of
the others 4 of 11 (`benchmarks.flicker`, 2026-11-29)."""
LOCAL_FLICKER, LOCAL_FLICKER_FAIL = 0.09, 0.25
"""The same within a part of the picture, beyond the whole's. Of those 70 one is above, .12; of flickers of 1 % in a
strip or a quarter 24 of 44 are found in the half this was set on and 14 of 20 in the other, of 2 % 41 and 19."""
FLICKER_FILMED, LOCAL_FLICKER_FILMED = 0.14, 0.15
"""From where on they warn in a clip that a camera may have made: of 29 films four and one are above, of webcams and
phones whose exposure hunts, and of a bird that fills the picture."""
BREATH_WINDOW = 4.0
"""Seconds in which a slow swing of the exposure is looked for."""
BREATH_PERIODS = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2)
"""Seconds of one breath."""
BREATH = 0.42
"""Percent by which the exposure swings to either side. The clean ones reached .34; swings of 1 % in 2 s gave .7 to 1.1
in clips of more than 2 s."""
BREATH_FAIL = 0.6
"""Percent from which it fails: two of 60 clean pieces came between, both of webcams and crowds."""
FILMED_FAIL = {"flicker": 1.0, "local flicker": 1.0, "exposure breathing": 4.0}
"""Percent from which they fail in a clip of which nothing says that it was made and not filmed: a camera sets its
exposure as it goes. Two webcams flickered by .27 and .51 and swung by 2.8 and 3.0 (2026-11-29); what a clip made from
a still may do is far less."""
BREATH_FIT = 0.6
"""Share of the brightness's course that one sine must explain: an exposure that steps does not breathe."""
RETURNS = 0.4
"""Share of its greatest rise, or fall, by which an exposure that breathes goes the other way as well: one that was set
anew slowly does not come back, and a sine explains most of it all the same."""
STEPPED = 0.5
"""Percent from which a change from one frame to the next that stands alone, thrice all those within `ALONE` frames
of it, is a step or a cut: it is taken out before a swing is looked for, for a sine explains most of a stair too."""
ALONE = 2
DRIFT_ENDS = 0.6
"""Seconds at the beginning and at the end whose colours are compared."""
DRIFT, DRIFT_FILMED = 2.3, 5.0
"""CIELAB units by which most of the picture may have shifted at the end: what is just noticed, and what a camera may
do, or bring into view. Clean clips of ours reached .25, under a moving camera 1.1; those shifted by 3 and 6 measured
2.35 and 4.3 at least; of 13 pieces of film a webcam's reached 4.3, the others 1.3 (2026-11-29)."""
TINTED, COLOURED = (4.0, 96.0), 0.05
"""Lightness between which a place takes a tint (white paper hardly does: drawings on it shifted by 6 measured .9), and
the share of the picture that must."""
BLACK = 20.0
"""Mean level below which a frame is black, if the clip's median is at least twice as bright."""
LEAST_FRAMES = 8
EDGE = 0.5
"""Share of a flicker's strength from which a frame belongs to it."""
RESTS, FAINT, ABOVE, LULL = 0.3, (0.1, 0.6), 1.6, 0.25
"""A flicker goes on from there as long as frames stand out by `ABOVE` times the most that is usual where it rests,
below that share of its strength, held within the next two, with `LULL` seconds between them at most. Start and end
were within 0.2 s in 14 of 16 encoded flickers of 1 and 2 % (9 before), on which these were chosen (2026-11-29)."""


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """The light of each looked-at frame; every array has one entry a frame, in order.

    ``index`` the frame's number; ``time`` s, the middle of its time; ``blocks`` (N, 16, 16) uint16, brightness in
    1 / `STEPS` levels; ``luma`` mean brightness 0..255; ``moments`` (K,) s and ``colours`` (K, 16, 16, 3) float16
    CIELAB, twice a second; ``size`` of the clip in px.
    """

    index: npt.NDArray[np.int64]
    time: Array
    blocks: npt.NDArray[np.uint16]
    luma: Array
    moments: Array
    colours: npt.NDArray[np.float16]
    size: Size


class Watch:
    """Takes one frame after the other; about half a kilobyte is kept of each."""

    def __init__(self, size: Size, fps: Fraction) -> None:
        self._size = size
        self._every = max(1, round(fps / 2))
        self._rows: list[tuple[int, float, float]] = []
        self._blocks: list[npt.NDArray[np.uint16]] = []
        self._moments: list[float] = []
        self._colours: list[npt.NDArray[np.float16]] = []

    def take(self, view: View) -> None:
        """Measure one frame."""
        import cv2

        grey = cv2.resize(view.small, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
        self._rows.append((view.index, view.time, float(view.small.mean())))
        self._blocks.append(np.rint(grey * STEPS).astype(np.uint16))
        if len(self._rows) % self._every == 1 or self._every == 1:
            rgb = cv2.resize(view.small_rgb.astype(np.float32) / 255, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
            self._moments.append(view.time)
            self._colours.append(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float16))

    def finish(self) -> Light:
        """The numbers of all frames taken."""
        table = np.array(self._rows, np.float64).reshape(-1, 3)
        return Light(
            index=table[:, 0].astype(np.int64),
            time=table[:, 1],
            blocks=np.array(self._blocks, np.uint16).reshape(-1, BLOCKS, BLOCKS),
            luma=table[:, 2],
            moments=np.array(self._moments),
            colours=np.array(self._colours, np.float16).reshape(-1, BLOCKS, BLOCKS, 3),
            size=self._size,
        )


def check(
    light: Light,
    asked: Asked,
    fps: Fraction,
    *,
    cuts: Sequence[int] = (),
    changes: Sequence[tuple[int, int]] = (),
    filmed: bool = False,
) -> list[ClipFinding]:
    """Flicker, local flicker, breathing exposure, drifting colours, black frames.

    ``cuts`` the frames that begin another scene: light and colours are compared within each alone. ``changes`` the
    frames, first to last, in which the picture fades or becomes another, and is not judged. ``filmed`` whether a
    camera may have made it: nothing says otherwise.
    """
    changing = lying_in(light.index, changes)
    black = _black(light, fps, changing)
    names = ("flicker", "local flicker", "exposure breathing", "colour drift")
    if len(light.index) < LEAST_FRAMES:
        return [*(ClipFinding.unseen(name, "there are too few frames") for name in names), black]
    if float(np.median(light.luma)) < LIT:
        return [*(ClipFinding.unseen(name, "the picture is too dark") for name in names), black]
    logs, scenes = _logs(light), _scenes(light, cuts, changing)
    found = [
        *_flickers(light, logs, changing, fps, filmed),
        _worst([_breathing(_during(light, rows), logs[rows], fps, filmed) for rows in scenes]),
        _worst([_drift(_during(light, rows), asked, DRIFT_FILMED if filmed else DRIFT) for rows in scenes]),
    ]
    return [*(_as_filmed(one) if filmed else one for one in found), black]


def _scenes(light: Light, cuts: Sequence[int], changing: Flags) -> list[slice]:
    """The entries of each scene; ``cuts`` the frames that begin another. A scene of a few frames tells nothing."""
    turns = np.flatnonzero(np.diff(changing)) + 1
    edges = np.unique([0, *np.searchsorted(light.index, sorted(cuts)), *turns, len(light.index)]).tolist()
    long = [
        slice(first, last) for first, last in pairwise(edges) if last - first >= LEAST_FRAMES and not changing[first]
    ]
    return long or [slice(0, len(light.index))]


def _during(light: Light, rows: slice) -> Light:
    """The light of some entries."""
    time = light.time[rows]
    moments = (light.moments >= time[0]) & (light.moments <= time[-1])
    return replace(
        light,
        index=light.index[rows],
        time=time,
        blocks=light.blocks[rows],
        luma=light.luma[rows],
        moments=light.moments[moments],
        colours=light.colours[moments],
    )


def _worst(findings: list[ClipFinding]) -> ClipFinding:
    """Of the findings about each scene the worst; one that saw nothing counts where no other saw more."""
    order = ("unseen", "pass", "warn", "fail")
    return max(findings, key=lambda one: (order.index(one.verdict), one.measured or 0.0))


def _as_filmed(finding: ClipFinding) -> ClipFinding:
    """What fails in a clip made from a still, as a warning where a camera does as much."""
    most = FILMED_FAIL.get(finding.check)
    if finding.verdict != "fail" or most is None or finding.measured is None or finding.measured > most:
        return finding
    why = f"{finding.why}; a camera that sets its exposure as it goes does so too"
    return finding.model_copy(update={"verdict": "warn", "why": why})


def _logs(light: Light) -> Floats:
    """Logarithms of the blocks; a black frame, which has a finding of its own, counts as the one before it."""
    logs: Floats = np.log(light.blocks.astype(np.float32) / np.float32(STEPS) + np.float32(DARK))
    black = _are_black(light)
    if black.any() and not black.all():
        last = np.maximum.accumulate(np.where(black, -1, np.arange(len(logs))))
        logs = logs[np.where(last < 0, int(np.flatnonzero(~black)[0]), last)]
    return logs


def _are_black(light: Light) -> Flags:
    """Which frames are black, (N,); none where the clip is dark anyway."""
    if not len(light.luma) or float(np.median(light.luma)) < 2 * BLACK:
        return np.zeros(len(light.luma), bool)
    return light.luma < BLACK


def _second(logs: Floats, light: Light) -> Floats:
    """How far each frame's blocks lie from the mean of the frames before and after, in percent; 0 beside a gap."""
    second = np.zeros_like(logs)
    second[1:-1] = 100 * (logs[1:-1] - (logs[:-2] + logs[2:]) / 2)
    gap = np.flatnonzero(np.diff(light.index) != 1)
    second[gap] = 0
    second[np.minimum(gap + 1, len(second) - 1)] = 0
    return second


def _first(logs: Floats, light: Light) -> Floats:
    """How far each frame's blocks lie from those of the frame before, in percent; 0 after a gap."""
    first = np.zeros_like(logs)
    first[1:] = 100 * np.diff(logs, axis=0)
    first[1:][np.diff(light.index) != 1] = 0
    return first


def _weights(light: Light) -> Floats:
    """How much each block tells of the light, (16, 16).

    By its brightness, for in the dark a percent is no level of 255; and little where it is white.
    """
    level = np.median(light.blocks[:: max(1, len(light.blocks) // 200)], axis=0).astype(np.float32) / STEPS
    weights: Floats = np.where(level > WHITE, 0.05, 1.0).astype(np.float32) * np.minimum(level, 128) + np.float32(1)
    return weights


def _middle(change: Floats, weights: Floats) -> Array:
    """The weighted median over all blocks, (N,). ``change`` (N, ...), ``weights`` (...)."""
    flat = change.reshape(len(change), -1).astype(np.float64)
    order = np.argsort(flat, axis=1)
    reached = np.cumsum(weights.ravel()[order], axis=1)
    at = (reached < reached[:, -1:] / 2).sum(axis=1)
    middle: Array = flat[np.arange(len(flat)), order[np.arange(len(flat)), at]]
    return middle


def _trust(change: Floats, weights: Floats) -> Floats:
    """How much each block tells of a flicker, (16, 16): as ``weights``, and the more the less it trembles by itself.

    ``change`` (N, 16, 16) percent, from frame to frame.
    """
    usual = np.median(np.abs(change[:: max(1, len(change) // 2000)]), axis=0)
    trust: Floats = (weights / (usual**2 + QUIET**2)).astype(np.float32)
    return trust


def _held(change: Floats) -> Floats:
    """The changes of some blocks, (N, blocks), none larger than `MOVES` or what most share. ``change`` (N, ...)."""
    flat = change.reshape(len(change), -1)
    middle = np.median(flat, axis=1, keepdims=True)
    spread = np.median(np.abs(flat - middle), axis=1, keepdims=True)
    most = np.maximum(MOVES, np.abs(middle) - SPREAD * spread)
    held: Floats = np.clip(flat, -most, most)
    return held


def _common(change: Floats, trust: Floats) -> tuple[Array, Array]:
    """The change that some blocks share, percent (N,), and its standard error; ``trust`` (...) as `_trust` says."""
    held, share = _held(change), trust.ravel() / trust.sum()
    common = held @ share
    error = np.sqrt(((held - common[:, None]) ** 2) @ share**2)
    return common.astype(np.float64), error.astype(np.float64)


def _where_alike(change: Floats, trust: Floats, common: Array, strength: Array, limit: float, fps: Fraction) -> Array:
    """The strength but for where the blocks go different ways, as in motion: 0 there, if it is over the limit."""
    half, share = round(FLICKER_WINDOW / 2 * float(fps)), trust.ravel() / trust.sum()
    left = strength.copy()
    over = np.flatnonzero(left > limit)
    for at in over[np.argsort(-left[over], kind="stable")].tolist():
        around = slice(max(0, at - half), at + half + 1)
        if left[at] <= limit:
            continue
        held, course = _held(change[around]), common[around]
        alike = (course @ held) / np.sqrt((held**2).sum(0) * (course**2).sum() + 1e-9)
        if float(share @ np.maximum(alike, 0) ** 2) >= ALIKE:
            break
        left[around] = 0
    return left


def _beyond(common: Array, error: Array) -> Array:
    """A shared change less its standard error: what is left is no chance."""
    surely: Array = np.sign(common) * np.maximum(0.0, np.abs(common) - error)
    return surely


def _strength(common: Array, steps: Array, fps: Fraction) -> Array:
    """How strongly the light flickers around each frame, percent (N,).

    The root mean square of ``common`` over a window, but for its largest few, and only as far as ``steps``, the change
    from frame to frame in percent (N,), goes to and fro: an exposure that is set anew in stairs does not flicker.
    """
    width = min(len(common), max(LEAST_FRAMES, round(FLICKER_WINDOW * float(fps))))
    windows = np.lib.stride_tricks.sliding_window_view(common, width)
    squares = np.sort(windows**2, axis=1)[:, : width - FLICKER_DROPPED]
    strength = np.sqrt(squares.mean(axis=1))
    changes = np.lib.stride_tricks.sliding_window_view(steps, width)
    ups, downs = np.maximum(changes, 0).sum(1), np.maximum(-changes, 0).sum(1)
    strength = np.minimum(strength, 2 * np.minimum(ups, downs) / width)
    half = width // 2
    around: Array = np.pad(strength, (half, len(common) - len(strength) - half), mode="edge")
    return around


def _parts() -> Iterator[tuple[slice, slice]]:
    """The parts of the picture in which flicker is looked for: quarters at every second block, and strips."""
    for y in range(0, 9, 2):
        for x in range(0, 9, 2):
            yield slice(y, y + 8), slice(x, x + 8)
    for at in range(0, 13, 2):
        yield slice(at, at + 4), slice(0, BLOCKS)
        yield slice(0, BLOCKS), slice(at, at + 4)


def _course(
    second: Floats, first: Floats, trusts: tuple[Floats, Floats], limit: float, fps: Fraction, *, least: float = 0.0
) -> tuple[Array, Array]:
    """How far the light of some blocks stands out in each frame, percent (N,), and how strongly it flickers.

    ``second`` and ``first`` (N, ...) percent as `_second` and `_first` have them, ``trusts`` (...) those of each; over
    the ``limit`` they must be alike. Where no frame stands out by ``least`` the strength is not measured, and is 0.
    """
    common = _beyond(*_common(second, trusts[0]))
    if np.abs(common).max() <= least:
        return common, np.zeros_like(common)
    strength = _strength(common, _common(first, trusts[1])[0], fps)
    return common, _where_alike(second, trusts[0], common, strength, limit, fps)


def _whole(second: Floats, first: Floats, weights: Floats, limit: float, fps: Fraction) -> tuple[Array, Array]:
    return _course(second, first, (_trust(second, weights), _trust(first, weights)), limit, fps)


def _flickers(light: Light, logs: Floats, changing: Flags, fps: Fraction, filmed: bool) -> list[ClipFinding]:
    limit, local_limit = (FLICKER_FILMED, LOCAL_FLICKER_FILMED) if filmed else (FLICKER, LOCAL_FLICKER)
    weights = _weights(light)
    second, first = _second(logs, light), _first(logs, light)
    beside = _grown_by_one(changing)
    second[beside], first[beside] = 0, 0
    common, strength = _whole(second, first, weights, limit, fps)
    limits = limit, FLICKER_FAIL
    findings = [_flicker("flicker", light, common, strength, limits, None, fps, "the whole picture's light flickers")]
    for change in (second, first):
        change -= _middle(change, weights).astype(np.float32)[:, None, None]
    trust, trust_first = _trust(second, weights), _trust(first, weights)
    best, where, shared = np.zeros_like(strength), (slice(0, 0), slice(0, 0)), common
    for part in _parts():
        trusts = trust[part], trust_first[part]
        alone, local = _course(second[:, *part], first[:, *part], trusts, local_limit, fps, least=local_limit)
        if local.max() > best.max():
            best, where, shared = local, part, alone
    box = None if best.max() <= local_limit else _grown(second, shared, best, where, light)
    limits = local_limit, LOCAL_FLICKER_FAIL
    findings.append(_flicker("local flicker", light, shared, best, limits, box, fps, "a part of the picture flickers"))
    return findings


def _grown_by_one(flags: Flags) -> Flags:
    """True beside each True as well, (N,)."""
    grown = flags.copy()
    grown[1:] |= flags[:-1]
    grown[:-1] |= flags[1:]
    return grown


def _grown(second: Floats, shared: Array, strength: Array, where: tuple[slice, slice], light: Light) -> Box:
    """The box of all blocks that flicker along with the part that does so most, px."""
    during = strength > EDGE * strength.max()
    wave = shared[during]
    square = max(float(wave @ wave), 1e-9)
    along = np.tensordot(wave, second[during].astype(np.float64), axes=(0, 0)) / square
    inside = np.abs(along - 1) < 0.5
    inside[where] |= along[where] > 0.25
    rows, columns = np.flatnonzero(inside.mean(1) > 0.2), np.flatnonzero(inside.mean(0) > 0.2)
    if not len(rows) or not len(columns):
        rows, columns = np.arange(BLOCKS)[where[0]], np.arange(BLOCKS)[where[1]]
    x, y = light.size[0] / BLOCKS, light.size[1] / BLOCKS
    return float(columns[0] * x), float(rows[0] * y), float((columns[-1] + 1) * x), float((rows[-1] + 1) * y)


def _flicker(
    name: str,
    light: Light,
    common: Array,
    strength: Array,
    limits: tuple[float, float],
    box: Box | None,
    fps: Fraction,
    what: str,
) -> ClipFinding:
    value, (limit, fails) = float(strength.max()), limits
    over = value > limit
    start = end = None
    if over:
        first, last = _flickering(np.abs(common), strength, fps)
        start, end = float(light.time[first]) - 1.5 / float(fps), float(light.time[last]) + 1.5 / float(fps)
        start = max(0.0, start)
    return ClipFinding(
        check=name,
        verdict="pass" if not over else "fail" if value > fails else "warn",
        measured=round(value, 3),
        unit="%",
        limit=limit,
        start=start,
        end=end,
        box=box,
        why=f"{what} by {value:.2f} %" if over else f"no flicker above {limit:g} % ({value:.2f} %)",
        fix="steady the exposure, or take a deflicker filter over it" if over else "",
    )


def _flickering(size: Array, strength: Array, fps: Fraction) -> tuple[int, int]:
    """The first and the last frame that flicker, from how far each stands out, (N,), and `_strength` around it."""
    value = float(strength.max())
    rest = size[strength < RESTS * value]
    usual = float(np.percentile(rest, 95)) if len(rest) else 0.0
    active = np.flatnonzero(size > np.clip(ABOVE * usual, FAINT[0] * value, FAINT[1] * value))
    high = np.flatnonzero((size > EDGE / 2 * value) & (strength > EDGE * value))
    if not len(high):
        high = np.array([int(strength.argmax())])
    near = np.concatenate([active[active < high[0]], high[[0, -1]], active[active > high[-1]]])
    first, last = int(np.flatnonzero(near == high[0])[0]), int(np.flatnonzero(near == high[-1])[-1])
    most = max(1, round(LULL * float(fps)))
    while first > 0 and near[first] - near[first - 1] <= most:
        first -= 1
    while last < len(near) - 1 and near[last + 1] - near[last] <= most:
        last += 1
    return int(near[first]), int(near[last])


def _gain(logs: Floats, light: Light) -> Array:
    """The exposure of each frame against the first, percent (N,): the common change from frame to frame, added up."""
    common = _middle(np.diff(logs, axis=0), _weights(light))
    common[np.diff(light.index) != 1] = 0
    gain: Array = np.concatenate([[0.0], np.cumsum(common)])
    gain *= 100.0
    return gain


def _steps_alone(steps: Array) -> Array:
    """Those of the changes from frame to frame, (N,) percent, that stand alone; 0 elsewhere."""
    width = 2 * ALONE + 1
    around = np.lib.stride_tricks.sliding_window_view(np.pad(np.abs(steps), ALONE), width)
    beside = np.delete(around, ALONE, axis=1).max(axis=1)
    alone: Array = np.where((np.abs(steps) > STEPPED) & (np.abs(steps) > 3 * beside), steps, 0.0)
    return alone


def _level(logs: Floats, light: Light) -> Array:
    """The exposure of each frame against what is usual, percent (N,): what all blocks share.

    Unlike `_gain` it knows nothing of one frame's likeness to the next, but it misses no change that an encoder lets
    through block by block.
    """
    level: Array = 100.0 * _middle(logs - np.median(logs, axis=0), _weights(light))
    return level


class _Swings(NamedTuple):
    """What a course (N,) does in each window, (S,): ``swing`` to either side, percent, and its ``period``, s.

    ``returns`` whether it comes back; ``starts`` where the windows begin, ``width`` how many frames they have.
    """

    swing: Array
    period: Array
    returns: Flags
    starts: npt.NDArray[np.int64]
    width: int


def _swings(gain: Array, fps: Fraction) -> _Swings:
    gain = gain - np.cumsum(_steps_alone(np.diff(gain, prepend=gain[0])))
    width = min(len(gain), round(BREATH_WINDOW * float(fps)))
    time = np.arange(width) / float(fps)
    base = np.stack([np.ones(width), time], -1)
    plain = base @ np.linalg.pinv(base)
    starts = np.unique(
        np.append(np.arange(0, len(gain) - width + 1, max(1, round(float(fps) / 4))), len(gain) - width)
    )
    windows = np.stack([gain[at : at + width] for at in starts])
    flat = windows - windows @ plain.T
    total = np.maximum((flat**2).sum(1), 1e-9)
    swing, period = np.zeros(len(starts)), np.zeros(len(starts))
    for length in BREATH_PERIODS:
        if width / float(fps) < 1.4 * length:
            continue
        turn = 2 * np.pi * time / length
        design = np.concatenate([base, np.stack([np.sin(turn), np.cos(turn)], -1)], 1)
        fit = windows @ np.linalg.pinv(design).T
        left = ((windows - fit @ design.T) ** 2).sum(1)
        size = np.hypot(fit[:, 2], fit[:, 3]) * (1 - left / total > BREATH_FIT)
        period = np.where(size > swing, length, period)
        swing = np.maximum(swing, size)
    rise = (windows - np.minimum.accumulate(windows, axis=1)).max(1)
    fall = (np.maximum.accumulate(windows, axis=1) - windows).max(1)
    returns = np.minimum(rise, fall) > RETURNS * np.maximum(rise, fall)
    return _Swings(swing, period, returns, starts, width)


def _breathing(light: Light, logs: Floats, fps: Fraction, filmed: bool) -> ClipFinding:
    name = "exposure breathing"
    seconds = len(logs) / float(fps)
    if seconds < 1.5 * BREATH_PERIODS[1]:
        return ClipFinding.unseen(name, f"{seconds:.1f} s are too short to show a slow swing")
    courses = [_gain(logs, light), _level(logs, light)]
    found = [_swings(course, fps) for course in courses]
    breaths = [np.where(one.returns, one.swing, 0.0) for one in found]
    chosen = max(range(len(found)), key=lambda k: float(breaths[k].max()))
    swing, gain = breaths[chosen], courses[chosen]
    _, period, _, starts, width = found[chosen]
    best = int(swing.argmax())
    value = float(swing[best])
    over = value > BREATH
    once = max(range(len(found)), key=lambda k: float(found[k].swing.max()))
    if not over and (swung := float(found[once].swing.max())) > BREATH:
        return _set_anew(light, courses[once], swung, fps, filmed)
    high = np.flatnonzero(swing > max(BREATH, EDGE * value)) if over else np.array([best])
    start, end = float(light.time[starts[high[0]]]), float(light.time[starts[high[-1]] + width - 1])
    if over:
        first = float(light.index[0] / fps)
        start, end = (
            first + at for at in _swinging(gain, fps, float(period[best]), value, start - first, end - first)
        )
    return ClipFinding(
        check=name,
        verdict="pass" if not over else "fail" if value > BREATH_FAIL else "warn",
        measured=round(value, 3),
        unit="% to either side",
        limit=BREATH,
        start=start if over else None,
        end=end if over else None,
        why=f"the exposure swings by {value:.2f} % to either side every {period[best]:.1f} s"
        if over
        else f"the exposure holds: no swing above {BREATH:g} % to either side",
        fix="lock the exposure, or take the swing out with a deflicker filter" if over else "",
    )


def _set_anew(light: Light, gain: Array, swing: float, fps: Fraction, filmed: bool) -> ClipFinding:
    """An exposure that changes slowly and does not come back soon; ``swing`` as far as a sine follows it."""
    width = min(len(gain) - 1, round(BREATH_PERIODS[-1] * float(fps)))
    steps = gain[width:] - gain[:-width]
    first = int(np.abs(steps).argmax())
    size = float(abs(steps[first]))
    share = (gain[first : first + width + 1] - gain[first]) / float(steps[first])
    ends = int(np.argmax(share > 1 - EDGE / 5))
    begins = int(np.flatnonzero(share[: ends + 1] < EDGE / 5)[-1])
    start, end = float(light.time[first + begins]), float(light.time[first + ends])
    return ClipFinding(
        check="exposure breathing",
        verdict="fail" if swing > BREATH_FAIL and not filmed else "warn",
        measured=round(swing, 3),
        unit="% to either side",
        limit=BREATH,
        start=start,
        end=end,
        why=f"the exposure is set anew, by {size:.1f} % within {end - start:.1f} s",
        fix="lock the exposure, or level it by hand from there on",
    )


def _swinging(
    gain: Array, fps: Fraction, period: float, value: float, start: float, end: float
) -> tuple[float, float]:
    """From when to when the exposure swings, to a quarter of a period; ``start`` and ``end`` if nothing tells.

    In seconds from the first entry of ``gain``.
    """
    width = max(3, round(period * float(fps)))
    if len(gain) <= width + 2:
        return start, end
    windows = np.lib.stride_tricks.sliding_window_view(gain, width)
    trend = np.linspace(-0.5, 0.5, width)
    slopes = (windows * trend).sum(1) / (trend**2).sum()
    flat = windows - windows.mean(1)[:, None] - slopes[:, None] * trend
    swings = np.flatnonzero(np.sqrt(2 * (flat**2).mean(1)) > 0.6 * value)
    if not len(swings):
        return start, end
    runs = np.split(swings, np.flatnonzero(np.diff(swings) > width) + 1)
    longest = max(runs, key=len)
    quarter = width / 4
    first, last = longest[0] + quarter, longest[-1] + width - quarter
    if longest[0] == 0:
        first = 0.0
    if longest[-1] + width >= len(gain):
        last = float(len(gain))
    return float(first / float(fps)), float(last / float(fps))


def _drift(light: Light, asked: Asked, limit: float) -> ClipFinding:
    """How far the colours of most of what has one have gone at the end from where they were at the beginning."""
    name = "colour drift"
    length = float(light.moments[-1] - light.moments[0]) if len(light.moments) else 0.0
    if len(light.moments) < 4:
        return ClipFinding.unseen(name, f"{length:.1f} s are too short to show a drift")
    if asked.camera is not None:  # other colours come into view
        limit = max(limit, DRIFT_FILMED)
    colours = light.colours.astype(np.float32).reshape(len(light.moments), -1, 3)
    first = np.median(colours[light.moments <= light.moments[0] + DRIFT_ENDS], axis=0)
    coloured = (first[:, 0] > TINTED[0]) & (first[:, 0] < TINTED[1])
    if coloured.mean() < COLOURED:
        return ClipFinding.unseen(name, "the picture is all but white or black, which takes no tint")
    away = np.median((colours - first)[:, coloured], axis=1)
    size = np.linalg.norm(away, axis=1)
    tail = away[light.moments >= light.moments[-1] - DRIFT_ENDS]
    value = float(np.linalg.norm(np.median(tail, axis=0)))
    over = value > limit
    start = None
    if over:
        late = np.flatnonzero(size < 0.5 * limit)
        start = float(light.moments[late[-1]] if len(late) else light.moments[0])
    shift = np.median(tail, axis=0)
    return ClipFinding(
        check=name,
        verdict="warn" if over else "pass",
        measured=round(value, 2),
        unit="ΔE",
        limit=limit,
        start=start,
        end=float(light.moments[-1]) if over else None,
        why=f"at the end most of what has a colour is {_direction(shift)} than at the beginning, by {value:.1f} ΔE"
        if over
        else f"the colours hold: {value:.1f} ΔE from beginning to end",
        fix="make it in shorter segments, each begun from the still, and match their colours" if over else "",
    )


def _direction(shift: Floats) -> str:
    """A CIELAB shift in words."""
    names = (("lighter", "darker"), ("redder", "greener"), ("yellower", "bluer"))
    axis = int(np.abs(shift).argmax())
    return names[axis][0 if shift[axis] > 0 else 1]


def _black(light: Light, fps: Fraction, changing: Flags) -> ClipFinding:
    if not len(light.luma) or float(np.median(light.luma)) < 2 * BLACK:
        return ClipFinding.unseen("black", "the picture is dark anyway")
    dark = np.flatnonzero(_are_black(light) & ~changing)
    faded = " but in a fade" if (_are_black(light) & changing).any() else ""
    half = 0.5 / float(fps)
    return ClipFinding(
        check="black",
        verdict="fail" if len(dark) else "pass",
        measured=float(len(dark)),
        unit="frames",
        limit=0.0,
        start=float(light.time[dark[0]]) - half if len(dark) else None,
        end=float(light.time[dark[-1]]) + half if len(dark) else None,
        why=f"{len(dark)} frame{'s are' if len(dark) > 1 else ' is'} black"
        if len(dark)
        else f"no frame is black{faded}",
        fix="render it again" if len(dark) else "",
    )


def timelines(
    light: Light, fps: Fraction, *, changes: Sequence[tuple[int, int]] = (), filmed: bool = False
) -> list[Timeline]:
    """Flicker and exposure along the clip; ``changes`` and ``filmed`` as `check` has them."""
    if len(light.index) < LEAST_FRAMES:
        return []
    logs = _logs(light)
    time = light.time.astype(np.float32)
    limit = FLICKER_FILMED if filmed else FLICKER
    second, first = _second(logs, light), _first(logs, light)
    beside = _grown_by_one(lying_in(light.index, changes))
    second[beside], first[beside] = 0, 0
    strength = _whole(second, first, _weights(light), limit, fps)[1]
    return [
        Timeline("flicker", "%", time, strength.astype(np.float32), limit),
        Timeline("exposure", "%", time, _gain(logs, light).astype(np.float32)),
    ]
