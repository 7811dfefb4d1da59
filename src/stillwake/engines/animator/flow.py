"""Water that flows and clouds that drift where a person brushed them, in a loop that closes on itself.

Two copies of the texture run along the strokes, half a period apart. Each starts behind the still, passes it and ends
ahead of it; it is faded out while it jumps back, and by then the other one is seen alone (Chuang and others, 2005, do
this for rivers in still pictures). When the jump comes differs from place to place, so that the picture as a whole
never pulses. A mean of two textures is flatter than either; what it loses is given back. What would show double
outlines, hard clouds above all, does not flow: a wave runs through it.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator import warp
from stillwake.engines.animator.anatomy import Array, smoothstep
from stillwake.engines.animator.fields import Grid
from stillwake.engines.animator.fill import fill_behind
from stillwake.engines.animator.filters import disc
from stillwake.engines.animator.ink import double
from stillwake.engines.animator.parts import IntBox
from stillwake.types import Floats, Pixels, Strokes

Mask = npt.NDArray[np.bool_]
Mode = Literal["flow", "wave"]

GENTLE = 0.018
"""Speed where none is asked for, in longer sides of the picture a second."""
PERIOD = 2.0
"""Seconds after which a copy takes over from the other, about: a loop holds whole periods."""
FADE = 0.3
"""The share of a period over which one copy gives way to the other: the shorter, the more is seen of one alone."""
MOST_GHOST, MOST_GHOST_DRAWN = 34.0, 20.0
"""Levels by which the two copies may differ in their most different twentieth. Of a photograph water reads 16 and soft
clouds 18, of drawings clouds 22 to 30 and a meadow 27, all of them seen double (photo 61, drawn 14 and 76, 2026-11-28;
the study read up to 47 on drawn clouds)."""
LEAST_AREA = 0.6
"""To what share of itself a texture may be squeezed anywhere: below it, it is seen to crumple."""

_LONGEST = (0.055, 0.08)
"""How far a copy travels in a period, and may travel where it is fast, in longer sides of the picture: further in,
what was continued has no grain left."""
_BRIEFEST = 0.4
"""Seconds of the shortest period: more jumps than that are seen as flicker."""
_SHARE = 0.25
"""How far it may travel in any case, in sides of a square as large as what moves."""
_KNOTS, _KNOTS_SHARE = 0.14, 0.4
"""Distance of the knots of the noise by which the jump is spread, in longer sides of the picture, and at most in sides
of a square as large as what moves."""
_WAVE = (0.0023, 0.07)
"""Amplitude and length of the wave, in longer sides of the picture."""
_LONGER = 2.0
"""How many times as far apart the knots are along the course."""
_ODD = (22.0, 38.0)
"""Levels by which a thing stands out of the median around it that is no part of a texture (a boat, a bird): in all its
parts, and in one of them."""
_ROUGH = 12.0
"""Levels by which a tenth of a texture may stand out; of one that is rougher, a thing must stand out the more."""
_ODD_AREA = 0.00003
"""The smallest such thing, as a share of the picture."""
_ODD_MOST, _MOST_THINGS = (0.04, 0.02), 8
"""Shares of what moves that one such thing, and all within it, may have at most, and how many they may be. With these
boats and buoys are found and clouds are not (photo 61, drawn 14 and 76, 2026-11-28)."""
_RIM = 0.0045
"""How far inside the painted area motion begins, in longer sides of the picture."""
_OVER, _BESIDE = 0.02, (0.002, 0.015)
"""From which share of a pixel on something lies over the texture there; and how far from it the texture begins to
move, and moves as everywhere, in longer sides of the picture."""
_BAND = 8
"""Cells in the height of what is drawn in one go: its maps stay in the processor's cache."""
_ALONE = 5
"""Cells in a row that are not worth being drawn otherwise than those beside them."""
_SOLID = 0.9999
"""The mean of a cell, rounded as it is, through which nothing shines."""
_SHARPEN = (-0.5, 0.4)
"""The least and the most that is added to the doubled picture of what a blur takes away."""
_SAMPLE = 400
"""Px to either side of what is measured to find out how much sampling softens."""
_ROUNDS = 30
"""Steps of relaxation on each level: then a node is a hundredth of the speed from rest, the furthest a tenth."""
_STEPS = 12
"""Steps of a path to either side. The cubic through them misses it by under .3 px at 99 of 100 places."""
_SMALL = 4
"""What is only looked at on the whole is looked at in this part of the size."""


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """A texture in motion.

    ``source`` (2H, 2W, 3) uint8 RGB, pixel 2x being the plate's pixel x: the texture, continued beyond what was
    painted, and without the things in it that stand still; ``soft`` (H, W) float32 0..1 where it lies over the plate;
    ``box`` px, outside of which that is 0; ``ghost`` the mean and the 95th percentile of how much the two copies
    differ, in levels; ``speed`` px/s and ``cycles``, the whole periods in the loop, as they came about; ``reasons``
    what was done other than asked, clauses.

    The rest is for the maps: ``trace`` (3, h, w, 2) on the nodes of ``grid``, a path's cubic in seconds; ``spread``
    (h, w) 0..1 when in the period each place jumps; ``period`` s; ``wave`` (4, h, w, 2) px, the parts that go with the
    cosine and sine of one and of two turns; ``tones`` (h, w, 3) the texture without its detail; ``cover`` the mean of
    ``soft`` in each cell, ``cells`` (h, w) whether it is 0 (0), 1 (2) or between (1) around each node; ``room`` to
    draw in, so that one frame is drawn at a time.
    """

    source: Pixels
    soft: Floats
    box: IntBox
    mode: Mode
    ghost: tuple[float, float]
    speed: float
    cycles: int
    reasons: tuple[str, ...]
    grid: Grid
    trace: Floats
    spread: Floats
    period: float
    wave: Floats
    tones: Floats
    cover: Floats
    cells: npt.NDArray[np.uint8]
    room: _Room

    def __post_init__(self) -> None:
        for array in (self.source, self.soft, self.trace, self.spread, self.wave, self.tones, self.cover, self.cells):
            array.setflags(write=False)

    def maps(self, index: int, count: int) -> tuple[Floats, Floats | None, Floats | None]:
        """The maps of frame ``index`` of a loop of ``count``: of the first copy, of the second, the first's weight.

        Maps are (h, w, 2) float32 px on the nodes of the grid: the position x of a frame shows the source at
        x + d(x). The weight (h, w) is 0..1, at most places either; the second copy has the rest. A wave has one
        copy. Frames ``index`` and ``index + count`` are the same to the last bit.
        """
        rows, columns = self.grid.shape
        return self._maps(index, count, (slice(0, rows), slice(0, columns)))

    def _maps(self, index: int, count: int, part: tuple[slice, slice]) -> tuple[Floats, Floats | None, Floats | None]:
        """The maps on some rows and columns of the nodes."""
        phase = (index % count) * self.cycles / count
        if self.mode == "wave":
            angles = 2 * np.pi * phase * np.array([1, 1, 2, 2])
            parts = np.where([True, False, True, False], np.cos(angles), np.sin(angles)).astype(np.float32)
            moved: Floats = np.einsum("k,khwc->hwc", parts, self.wave[:, part[0], part[1]])
            return moved, None, None
        trace, spread = self.trace[:, :, part[0], part[1]], self.spread[part]
        first, weight = _copy(trace, spread, self.period, phase / 2)
        second, _ = _copy(trace, spread, self.period, phase / 2 + 0.5)
        return first, second, weight

    def draw(
        self,
        out: Pixels,
        index: int,
        count: int,
        at: Floats | None = None,
        soft: Floats | None = None,
        hidden: Mask | None = None,
    ) -> None:
        """Lay frame ``index`` of ``count`` over ``out`` (H, W, 3) uint8 RGB.

        ``at`` (h, w, 2) px says for the nodes of the grid where in the plate they are, when the camera moves, and
        ``soft`` (H, W) where the texture lies in that view; None: as the plate has it. Cells (h, w) that are
        ``hidden`` by what is drawn later may be left out.
        """
        if at is not None and soft is None:
            soft = self._soft_at(at)
        cover = self.cover if soft is None else _cover(soft, self.grid.step)
        if hidden is not None:
            cover = np.where(hidden[1 : 1 + cover.shape[0], 1 : 1 + cover.shape[1]], np.float32(0), cover)
        soft = self.soft if soft is None else soft
        rows, columns = np.flatnonzero(cover.any(1)), np.flatnonzero(cover.any(0))
        if not len(rows):
            return
        # The nodes of the cells that are drawn, and those around them.
        part = slice(int(rows[0]), int(rows[-1]) + 3), slice(int(columns[0]), int(columns[-1]) + 3)
        inner = cover[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        view = _View(out, self.source, self.grid.part(*part), soft, inner, self.room)
        nodes = (self.grid.nodes if at is None else at)[part]
        if at is None:
            first, second, weight = self._maps(index, count, part)
        else:
            first, second, weight = self.maps(index, count)
            where = self._index(nodes)
            first = _sampled(first, where)
            if second is not None and weight is not None:
                second, weight = _sampled(second, where), _sampled(weight, where)
        if second is None or weight is None:
            view.lay_one(nodes + first)
        else:
            tones = [self._tones_at(nodes + moved) for moved in (first, second)]
            view.lay_two(nodes + first, nodes + second, weight, tones)

    def _tones_at(self, places: Floats) -> Floats:
        import cv2

        index = self._index(places)
        tones: Floats = cv2.remap(self.tones, index, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        return tones

    def covers(self, at: Floats) -> npt.NDArray[np.uint8]:
        """(h, w) for the cells of a view in which the nodes are ``at``: 0 no texture, 2 nothing else, 1 in between."""
        import cv2

        covers: npt.NDArray[np.uint8] = cv2.remap(
            self.cells, self._index(at), None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
        )
        return covers

    def _soft_at(self, at: Floats) -> Floats:
        """Where the texture lies in the view in which the nodes are ``at``, (H, W)."""
        import cv2

        height, width = self.soft.shape
        covers, step = self.covers(at), self.grid.step
        whole = cv2.resize((covers[1:-1, 1:-1] == 2).astype(np.float32), None, fx=step, fy=step, interpolation=0)
        seen: Floats = self.room.array("soft", self.soft.shape)
        seen[:] = whole[:height, :width]
        for x0, y0, x1, y1 in warp.runs(self.grid, (width, height), covers == 1):
            places = warp.enlarge(at, self.grid, (x0, y0, x1, y1))
            cv2.remap(
                self.soft, places, None, cv2.INTER_LINEAR, dst=seen[y0:y1, x0:x1], borderMode=cv2.BORDER_REPLICATE
            )
        return seen

    def _index(self, places: Floats) -> Floats:
        """Places (h, w, 2) px counted in nodes of the grid."""
        index: Floats = (places - self.grid.origin) * np.float32(1 / self.grid.step)
        return index


def _sampled(field: Floats, where: Floats) -> Floats:
    """A field of nodes at places counted in nodes."""
    import cv2

    sampled: Floats = cv2.remap(field, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return sampled


def _copy(trace: Floats, spread: Floats, period: float, start: float) -> tuple[Floats, Floats]:
    """A copy's map (h, w, 2) px and its weight (h, w); ``start`` in runs of a copy, each two periods long."""
    import cv2

    along = spread + np.float32(start % 1)
    along = along - np.floor(along)
    ahead = 2 * along - 1
    weight = np.clip((1 - np.abs(ahead)) * np.float32(1 / FADE) + np.float32(0.5 - 0.5 / FADE), 0, 1)
    longest = 0.5 + FADE / 2  # beyond it the copy is not seen
    back = np.clip(ahead, -longest, longest) * np.float32(period)  # seconds back along the path
    moved: Floats = cv2.merge(list(((trace[2] * back + trace[1]) * back + trace[0]) * back))
    return moved, weight


def _cover(soft: Floats, step: int) -> Floats:
    """The mean of a mask (H, W) in each cell, (h, w)."""
    import cv2

    height, width = soft.shape
    rows, columns = -(-height // step), -(-width // step)
    if (rows * step, columns * step) != soft.shape:
        border = (0, rows * step - height, 0, columns * step - width)
        soft = cv2.copyMakeBorder(soft, *border, cv2.BORDER_REPLICATE)
    cover: Floats = cv2.resize(soft, (columns, rows), interpolation=cv2.INTER_AREA)
    return cover


class _Room:
    """Arrays that are written again and again: new pages cost more than the sums."""

    def __init__(self) -> None:
        self._held: dict[str, Array] = {}

    def array(self, name: str, shape: tuple[int, ...], kind: npt.DTypeLike = np.float32) -> Array:
        """An array for that use; what it held before is gone."""
        size = math.prod(shape)
        held = self._held.get(name)
        if held is None or held.size < size:
            held = self._held[name] = np.empty(size, kind)
        return held[:size].reshape(shape)


class _View:
    """The part of a frame that a texture lies over, drawn band by band so that nothing leaves the processor's cache.

    ``grid`` its nodes and one more to each side; ``soft`` (H, W) of the whole frame; ``cover`` (h - 2, w - 2) its
    mean in each cell.
    """

    def __init__(self, out: Pixels, source: Pixels, grid: Grid, soft: Floats, cover: Floats, room: _Room) -> None:
        self.out, self.source, self.grid, self.soft, self.cover, self.room = out, source, grid, soft, cover, room

    def lay_one(self, where: Floats) -> None:
        """Lay one copy over the frame; ``where`` (h, w, 2) px it comes from."""
        self._lay_all(np.ones(self.cover.shape, np.uint8), [2 * where], None)

    def lay_two(self, first: Floats, second: Floats, weight: Floats, tones: list[Floats]) -> None:
        """Lay two copies over the frame, and each alone where the other is not seen.

        ``weight`` (h, w) of the first. ``tones`` (h, w, 3) of each, the copies without their detail: the mean of two
        textures that know nothing of each other has the contrast sqrt(w0² + w1²), so its detail is divided by that.
        """
        import cv2

        rest = 1 - weight
        gain = 1 / np.sqrt(weight * weight + rest * rest)
        mean = tones[0] * weight[..., None] + tones[1] * rest[..., None]
        blend = [weight * gain, rest * gain, mean * (gain - 1)[..., None]]
        square = np.ones((3, 3), np.uint8)  # a cell's pixels lie between its node and those around
        needs = (cv2.dilate(weight, square) > 0) + 2 * (cv2.erode(weight, square) < 1).astype(np.uint8)
        self._lay_all(needs[1:-1, 1:-1], [2 * first, 2 * second], blend)

    def _lay_all(self, needs: Pixels, wheres: list[Floats], blend: list[Array] | None) -> None:
        """Lay over the frame what each cell needs: 1 the first copy, 2 the second, 3 both."""
        import cv2

        needs = np.where(self.cover > 0, needs, 0)
        columns = needs.shape[1]
        starts = range(0, len(needs), _BAND)
        need = np.bitwise_or.reduceat(needs, starts, 0)
        solid = np.minimum.reduceat(self.cover, starts, 0) >= _SOLID
        # Cells alone cost more than they spare.
        close = np.ones((1, _ALONE), np.uint8)
        need[cv2.morphologyEx((need == 3).astype(np.uint8), cv2.MORPH_CLOSE, close) > 0] = 3
        solid &= cv2.morphologyEx((~solid & (need > 0)).astype(np.uint8), cv2.MORPH_CLOSE, close) == 0
        ends = np.diff(need * 2 + solid, axis=1) != 0
        for band, row in enumerate(starts):
            if not need[band].any():
                continue
            maps = [self._enlarged(where, row, 0, columns, f"map {n}") for n, where in enumerate(wheres)]
            edges = [0, *(np.flatnonzero(ends[band]) + 1).tolist(), columns]
            for start, stop in itertools.pairwise(edges):
                copies = int(need[band, start])
                if not copies:
                    continue
                box, inner = self._boxes(row, start, stop)
                parts = [part[inner] for n, part in enumerate(maps) if copies >> n & 1]
                shares = []
                if len(parts) == 2 and blend is not None:
                    large = (self._enlarged(share, row, start, stop, f"share {n}") for n, share in enumerate(blend))
                    shares = [share[: box[3] - box[1], : box[2] - box[0]] for share in large]
                self._lay(box, parts, shares, bool(solid[band, start]))

    def _lay(self, box: IntBox, maps: list[Floats], shares: list[Array], solid: bool) -> None:
        """Lay one or both copies over one box of the frame; ``solid`` where nothing shines through."""
        import cv2

        target = self.out[box[1] : box[3], box[0] : box[2]]
        if len(maps) == 1 and solid:
            _remap(self.source, maps[0], target)
            return
        laid = [
            _remap(self.source, part, self.room.array(f"copy {n}", (*part.shape[:2], 3), np.uint8))
            for n, part in enumerate(maps)
        ]
        seen = laid[0]
        if shares:
            # Several times as fast as OpenCV's blendLinear, and rounded once: noise of a level is seen in a sky.
            total, part = (self.room.array(f"sum {n}", seen.shape) for n in (0, 1))
            np.multiply(laid[0], cv2.cvtColor(shares[0], cv2.COLOR_GRAY2RGB), out=total)
            np.multiply(laid[1], cv2.cvtColor(shares[1], cv2.COLOR_GRAY2RGB), out=part)
            total += part
            total -= shares[2]
            np.maximum(total, 0, out=total)
            cv2.convertScaleAbs(total, dst=target if solid else seen)
        if not solid:
            soft = self.soft[box[1] : box[3], box[0] : box[2]]
            cv2.blendLinear(seen, target, soft, 1 - soft, dst=target)

    def _boxes(self, row: int, start: int, stop: int) -> tuple[IntBox, tuple[slice, slice]]:
        """Some columns of cells of the band that begins at ``row``: px of the frame, and of the band."""
        step = self.grid.step
        left, top = ((self.grid.first[k] + 1) * step for k in (0, 1))
        height, width = self.soft.shape
        x0, x1 = left + start * step, min(width, left + stop * step)
        y0 = top + row * step
        y1 = min(height, y0 + min(_BAND, len(self.cover) - row) * step)
        return (x0, y0, x1, y1), (slice(0, y1 - y0), slice(x0 - left, x1 - left))

    def _enlarged(self, values: Array, row: int, start: int, stop: int, name: str) -> Array:
        """Values (h, w[, C]) of the nodes as pixels of some columns of the band that begins at ``row``."""
        import cv2

        step = self.grid.step
        part = values[row : row + _BAND + 2, start : stop + 2]
        shape = (part.shape[0] * step, part.shape[1] * step, *part.shape[2:])
        room = self.room.array(name, shape, part.dtype)
        cv2.resize(part, shape[1::-1], dst=room, interpolation=cv2.INTER_LINEAR)
        return room[step:, step:]


def _remap(source: Pixels, where: Floats, into: Pixels) -> Pixels:
    """The source at places of a map; beyond its edge it is mirrored, because a texture goes on there, too."""
    import cv2

    seen: Pixels = cv2.remap(source, where, None, cv2.INTER_LINEAR, dst=into, borderMode=cv2.BORDER_REFLECT_101)
    return seen


# ------------------------------------------------------------------------------------------------------ the building


def build_flow(
    pixels: Pixels,
    strokes: Strokes,
    grid: Grid,
    *,
    keep_out: Floats | None,
    drawn: bool,
    seconds: float,
    loop: bool,
    seed: int,
    strength: float = 1.0,
) -> Flow:
    """What the strokes make of a plate (H, W, 3) uint8 RGB.

    ``grid`` covers the whole picture, with a pad node on each side. ``keep_out`` (H, W) float32 0..1 is what lies over
    the plate: it does not move and none of it is in the texture. ``strength`` scales the speed, and the wave. A clip
    that is no ``loop`` flows in the same way: it could go round.
    """
    longer = max(pixels.shape[:2])
    asked = (strokes.speed or GENTLE * longer) * strength
    over = np.zeros_like(strokes.mask) if keep_out is None else keep_out
    covered = _beside(over, longer)
    mask = strokes.mask * (covered < 0.5)
    things, count = _things(_shrunk(pixels), _shrunk(mask))
    loose = 1 - _enlarged(things, mask)
    # A brush is never exact: what lies at its rim does not move, and none of it is in the texture.
    inner = _feathered(strokes.mask, max(2, round(_RIM * longer))) * loose
    soft = _in_bytes(inner * (1 - covered))
    free: Floats = np.where(covered < 0.5, inner, 0)
    inside = _on_nodes(mask, grid) > 0.02
    side = float(np.sqrt((mask > 0.5).sum()))
    course = _course(grid, inside, strokes.paths)
    spread = _spread(grid, inside, course, max(float(grid.step), min(_KNOTS * longer, _KNOTS_SHARE * side)), seed)
    speed, cycles, trace = _paced(course, spread, grid, inside, asked, seconds, (longer, side))
    period = seconds / cycles
    wave = _wave(course, inside, grid, longer, strength)
    reach = 8 + round(max(speed * period * (0.5 + FADE / 2), 2 * _WAVE[0] * longer * strength))
    part = _around(_box(free), reach, pixels)
    texture = _continued(pixels, free, part, drawn)
    ghost = _ghost(_shrunk(texture), _shrunk(free), trace, period, grid)
    most = MOST_GHOST_DRAWN if drawn else MOST_GHOST
    mode: Mode = strokes.mode or ("flow" if ghost[1] <= most else "wave")
    reasons = [f"{count} thing{'s' * (count > 1)} in it stood out and stand{'s' * (count == 1)} still"] * (count > 0)
    if mode == "wave" and strokes.mode is None:
        reasons.append(f"it waves, because its outlines would be seen double if it flowed ({ghost[1]:.0f} levels)")
    if mode == "flow" and speed < asked:
        reasons.append(f"it flows at {speed:.0f} px/s instead of {asked:.0f}: what is faster crumples")
    if mode == "flow" and ghost[1] > most:
        reasons.append(f"its outlines are seen double ({ghost[1]:.0f} levels, at most {most:.0f} are good)")
    return Flow(
        source=_doubled(texture, free, part), soft=soft, box=_box(soft), mode=mode, ghost=ghost, speed=speed,
        cycles=cycles, reasons=tuple(reasons), grid=grid, trace=trace, spread=spread, period=period, wave=wave,
        tones=_tones(texture, grid), cover=_cover(soft, grid.step),
        cells=warp.coverage(soft, grid), room=_Room(),
    )  # fmt: skip


def _paced(
    course: Floats, spread: Floats, grid: Grid, inside: Mask, asked: float, seconds: float, sides: tuple[float, float]
) -> tuple[float, int, Floats]:
    """The speed px/s, the number of periods and the paths for which nothing crumples.

    ``sides`` px: the picture's longer one, and that of a square as large as what moves. The faster it flows, the
    shorter are its periods; only then is it slowed down.
    """
    far, furthest = (min(share * sides[0], _SHARE * sides[1]) for share in _LONGEST)
    speed = min(asked, furthest / _BRIEFEST)
    period = max(_BRIEFEST, min(PERIOD, far / max(speed, 1e-3)))
    cycles = max(1, math.ceil(seconds / period - 0.3))
    while True:
        trace = _trace(course * np.float32(speed), grid, seconds / cycles)
        if _least_area(trace, spread, seconds / cycles, grid, inside) >= LEAST_AREA:
            return speed, cycles, trace
        if seconds / (cycles + 1) >= _BRIEFEST:
            cycles += 1
        else:
            speed *= 0.85


def _box(soft: Floats) -> IntBox:
    rows, columns = np.flatnonzero(soft.any(1)), np.flatnonzero(soft.any(0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _grown(mask: Floats, radius: float) -> Floats:
    import cv2

    grown: Floats = cv2.dilate(mask, disc(radius))
    return grown


def _blurred(field: Floats, sigma: float) -> Floats:
    import cv2

    blurred: Floats = cv2.GaussianBlur(field, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return blurred


def _shrunk(field: Array) -> Floats:
    import cv2

    size = tuple(max(1, side // _SMALL) for side in field.shape[1::-1])
    small: Floats = cv2.resize(field, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return small


def _enlarged(small: Floats, like: Floats) -> Floats:
    import cv2

    large: Floats = cv2.resize(small, like.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return large


def _on_nodes(field: Floats, grid: Grid) -> Floats:
    """The mean (h, w) of a field of the picture in each cell; beyond the edge, as at the edge."""
    import cv2

    mean = cv2.blur(field, (grid.step, grid.step), borderType=cv2.BORDER_REPLICATE)
    nodes: Floats = cv2.remap(mean, grid.nodes, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return nodes


def _feathered(mask: Floats, rim: int) -> Floats:
    """A mask that rises from 0 at its rim, and is 0 outside; at the picture's edge it goes on."""
    import cv2

    inner = cv2.erode(mask, disc(rim))
    soft = cv2.GaussianBlur(inner, (2 * rim + 1, 2 * rim + 1), 0.45 * rim, borderType=cv2.BORDER_REPLICATE)
    within: Floats = np.minimum(soft, 1)
    return within


def _beside(over: Floats, longer: int) -> Floats:
    """What lies over the texture, 1, and less and less of its surroundings: strands of hair that the matte missed."""
    import cv2

    away = cv2.distanceTransform((over <= _OVER).astype(np.uint8), cv2.DIST_L2, 5)
    low, high = (share * longer for share in _BESIDE)
    return 1 - smoothstep(away, low, high).astype(np.float32)


def _in_bytes(soft: Array) -> Floats:
    """A mask that is 0 and 1 where it nearly is."""
    levels: Floats = (np.rint(soft * 255) / 255).astype(np.float32)
    return levels


def _things(small: Floats, mask: Floats) -> tuple[Floats, int]:
    """Where something in the mask is no texture, (h, w) 0..1 at the small size, and how many things there are."""
    import cv2

    longer = max(mask.shape)
    width = max(3, int(0.05 * longer)) | 1
    levels = np.clip(small, 0, 255).astype(np.uint8)
    odd = cv2.absdiff(levels, cv2.medianBlur(levels, width)).max(2) * (mask > 0.5)
    rough = max(1.0, float(np.percentile(odd[mask > 0.5], 90)) / _ROUGH) if (mask > 0.5).any() else 1.0
    sure = odd > _ODD[1] * rough
    # What hangs together with a thing belongs to it: a boat's wake.
    closed = cv2.morphologyEx((odd > _ODD[0] * rough).astype(np.uint8), cv2.MORPH_CLOSE, disc(1.5))
    count, parts, facts, _ = cv2.connectedComponentsWithStats(closed)
    seeds = np.bincount(parts[sure], minlength=count)
    area = facts[:, cv2.CC_STAT_AREA] / max(1, int((mask > 0.5).sum()))
    chosen = (seeds > 0) & (area < _ODD_MOST[0]) & (facts[:, cv2.CC_STAT_AREA] >= _ODD_AREA * mask.size)
    chosen[0] = False
    frame = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    beside = parts[_grown((mask <= 0.5).astype(np.float32), 3) > 0]
    # What the brush caught at its rim is no texture. Of what lies within, a few things are, and many are the texture:
    # clouds with outlines; so is what runs out of the picture.
    within = chosen & ~np.isin(np.arange(count), np.concatenate([frame, beside]))
    caught = chosen & np.isin(np.arange(count), beside)
    if within.sum() > _MOST_THINGS or area[within].sum() > _ODD_MOST[1]:
        within[:] = False
    kept = within | caught
    if not kept.any():
        return np.zeros_like(mask), 0
    grown = _grown(kept[parts].astype(np.float32), 0.006 * longer + 1)
    return np.minimum(1, 1.6 * _blurred(grown, 1.0)), int(within.sum())


# -------------------------------------------------------------------------------------------------------- the course


def _course(grid: Grid, inside: Mask, paths: tuple[Floats, ...]) -> Floats:
    """Which way it goes at every node, (h, w, 2), 1 long on the paths.

    Between them it is as smooth as can be (Laplace). The rim of what moves holds nothing back: beyond it there is
    nothing to agree with.
    """
    fixed = np.zeros((*grid.shape, 3), np.float32)
    for path in paths:
        for start, end in itertools.pairwise(path):
            way = end - start
            length = float(np.linalg.norm(way))
            steps = np.linspace(0, 1, max(2, round(length / grid.step) + 1))[:, None]
            at = np.rint((start + way * steps - grid.origin) / grid.step).astype(int)
            columns, rows = np.clip(at, 0, np.array(grid.shape[::-1]) - 1).T
            np.add.at(fixed, (rows, columns), np.array([*(way / length), 1], np.float32))
    on = fixed[..., 2] > 0
    known = np.zeros((*grid.shape, 2), np.float32)
    length = np.maximum(np.linalg.norm(fixed[on, :2], axis=1, keepdims=True), 1e-3)
    known[on] = fixed[on, :2] / length
    course = _smoothest(known, on, inside | on)
    return _smoothest(course, inside | on, np.ones_like(inside))


def _smoothest(known: Floats, fixed: Mask, inside: Mask) -> Floats:
    """Fields (h, w, C) that are ``known`` where ``fixed`` and as smooth as can be elsewhere ``inside``.

    From coarse to fine: every level starts where the one above it, of half its size, came to rest.
    """
    import cv2

    height, width = inside.shape
    if max(height, width) <= 4:
        start = np.broadcast_to(known[fixed].mean(0), known.shape).astype(np.float32)
    else:
        odd = ((0, height % 2), (0, width % 2))
        held = np.pad(fixed, odd).astype(np.float32)
        share = cv2.resize(held, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        half = cv2.resize(
            np.pad(known, (*odd, (0, 0))) * held[..., None], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA
        )
        half = half / np.maximum(share, 1e-6)[..., None]
        there = cv2.resize(np.pad(inside, odd).astype(np.float32), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        above = _smoothest(half, share > 0, there > 0)
        start = cv2.resize(above, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)[:height, :width]
    kernel = np.array([[1, 4, 1], [4, 0, 4], [1, 4, 1]], np.float32)
    weight = inside.astype(np.float32)
    around = cv2.filter2D(weight, -1, kernel, borderType=cv2.BORDER_CONSTANT)
    free = inside & ~fixed & (around > 0)
    share = np.where(free, 1 / np.maximum(around, 1), 0).astype(np.float32)[..., None]
    rest = np.where(fixed[..., None], known, np.where(free[..., None], 0, start)).astype(np.float32)
    field = np.where(fixed[..., None], known, start).astype(np.float32)
    for _ in range(_ROUNDS):
        field = cv2.filter2D(field * weight[..., None], -1, kernel, borderType=cv2.BORDER_CONSTANT) * share + rest
    return field


def _spread(grid: Grid, inside: Mask, course: Floats, knots: float, seed: int) -> Floats:
    """When each node jumps, (h, w) in runs of a copy: smooth noise, and as many nodes at one time as at another.

    Half a run is enough: by then the other copy jumps. The noise is longer along the course, where a change in time
    squeezes the texture, than across it, where it only shears it a little.
    """
    import cv2

    along = _mean_way(course, inside)
    axes = np.stack([along / _LONGER, np.array([-along[1], along[0]])]) / knots
    at = grid.nodes @ axes.T
    at = (at - at.min((0, 1)) + 1).astype(np.float32)
    columns, rows = np.ceil(at.max((0, 1))).astype(int) + 2
    noise = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    smooth = cv2.remap(noise, at, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    ranked = np.sort(smooth[inside])
    rank = np.searchsorted(ranked, smooth.ravel()) / max(1, len(ranked))
    return _blurred(rank.reshape(grid.shape).astype(np.float32) / 2, 1.0)


def _mean_way(course: Floats, inside: Mask) -> Array:
    """The way it goes on the whole, (2,), one long; to the right where there is none."""
    mean: Array = course[inside].mean(0, dtype=np.float64) if inside.any() else np.zeros(2)
    length = float(np.linalg.norm(mean))
    return mean / length if length > 1e-3 else np.array([1.0, 0.0])


def _trace(course: Floats, grid: Grid, period: float) -> Floats:
    """Where the current carries each node, a cubic of the seconds, (3, 2, h, w): its coefficients.

    Time runs backwards: a frame shows what the current will have carried to it.
    """
    longest = period * (0.5 + FADE / 2)
    step = longest / _STEPS
    index = warp.node_index(grid)
    current = course * np.float32(1 / grid.step)  # nodes a second
    moved = []
    for way in (-step, step):
        at = index.copy()
        for _ in range(_STEPS):
            halfway = at - np.float32(way / 2) * _sampled(current, at)
            at = at - np.float32(way) * _sampled(current, halfway)
            moved.append(at - index)
    seconds = np.concatenate([np.arange(1, _STEPS + 1) * way for way in (-step, step)])
    fit = np.linalg.pinv(seconds[:, None] ** np.arange(1, 4)) * grid.step
    trace: Floats = np.einsum("ck,khwd->cdhw", fit.astype(np.float32), np.stack(moved))
    return trace


def _least_area(trace: Floats, spread: Floats, period: float, grid: Grid, inside: Mask) -> float:
    """To what share of itself the texture is squeezed where it is squeezed most."""
    least = np.inf
    for start in np.arange(0, 1, 1 / 8):
        moved, weight = _copy(trace, spread, period, float(start))
        down, across = np.gradient(moved, grid.step, axis=(0, 1))
        area = (1 + across[..., 0]) * (1 + down[..., 1]) - across[..., 1] * down[..., 0]
        seen = inside & (weight > 0.05)
        if seen.any():
            least = min(least, float(np.percentile(area[seen], 0.5)))
    return least


def _wave(course: Floats, inside: Mask, grid: Grid, longer: int, strength: float) -> Floats:
    """A wave along the course, (4, h, w, 2) px: what goes with the cosine and sine of one and of two turns.

    Where it would crumple the picture it is lower.
    """
    amplitude, length = (share * longer for share in _WAVE)
    way = course / np.maximum(np.linalg.norm(course, axis=2, keepdims=True), 1e-3)
    aside = np.stack([-way[..., 1], way[..., 0]], -1)
    mean = _mean_way(way, inside)
    along = grid.nodes @ mean * (2 * np.pi / length)
    across = grid.nodes @ np.array([-mean[1], mean[0]]) / length
    slow, side, quick = along - 2 * across, 1.3 * along - 4 * across, 2.3 * along + 3 * across - 1
    parts = np.stack(
        [
            -np.sin(slow)[..., None] * way - 0.6 * np.sin(side)[..., None] * aside,
            np.cos(slow)[..., None] * way + 0.6 * np.cos(side)[..., None] * aside,
            -0.5 * np.sin(quick)[..., None] * way,
            0.5 * np.cos(quick)[..., None] * way,
        ]
    ) * (amplitude * strength)  # fmt: skip
    steepest = 0.0
    for turn in np.arange(0, 2 * np.pi, np.pi / 6):
        moved = np.einsum(
            "k,khwc->hwc", np.array([np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)]), parts
        )
        down, across = np.gradient(moved, grid.step, axis=(0, 1))
        steepest = max(steepest, float((-across[..., 0] - down[..., 1])[inside].max(initial=0)))
    lower = min(1.0, (1 - LEAST_AREA) / max(steepest, 1e-6))
    wave: Floats = (parts * lower).astype(np.float32)
    return wave


# ------------------------------------------------------------------------------------------------------- the texture


def _ghost(small: Floats, free: Floats, trace: Floats, period: float, grid: Grid) -> tuple[float, float]:
    """The mean and the 95th percentile of how much two copies a period apart differ, in levels."""
    import cv2

    seen = free > 0.5
    if not seen.any():
        return 0.0, 0.0
    half = np.float32(period / 2)
    soft = _blurred(small, 3 / _SMALL)
    height, width = seen.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    nodes = np.stack([x, y], -1) * _SMALL + (_SMALL - 1) / 2
    nodes = ((nodes - grid.origin) * np.float32(1 / grid.step)).astype(np.float32)
    copies = []
    for back in (half, -half):
        path = cv2.merge(list(((trace[2] * back + trace[1]) * back + trace[0]) * back))
        moved = _sampled(path, nodes) * np.float32(1 / _SMALL)
        where = np.stack([x, y], -1) + moved
        copies.append(cv2.remap(soft, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))
    apart = _blurred((np.abs(copies[0] - copies[1]).max(2) * seen).astype(np.float32), 6 / _SMALL)[seen]
    return float(apart.mean()), float(np.percentile(apart, 95))


def _around(box: IntBox, reach: int, pixels: Pixels) -> tuple[slice, slice]:
    """The rows and columns from which a box is ever drawn."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = box
    return slice(max(0, y0 - reach), min(height, y1 + reach)), slice(max(0, x0 - reach), min(width, x1 + reach))


def _continued(pixels: Pixels, free: Floats, part: tuple[slice, slice], drawn: bool) -> Pixels:
    """The picture (H, W, 3) whose texture goes on where something else stands in that part of it.

    What leaves the painted area, or passes a thing in it, then meets more of the same. Half the size is enough.
    """
    import cv2

    texture = pixels.copy()
    here = np.ascontiguousarray(pixels[part])
    inner = free[part]
    height, width = inner.shape
    if not inner.size or inner.min() > 0.5:
        return texture
    size = (-(-width // 2), -(-height // 2))
    hole = cv2.resize(inner, size, interpolation=cv2.INTER_AREA) < 0.5
    filled = fill_behind(cv2.resize(here, size, interpolation=cv2.INTER_AREA), hole, drawn=drawn)
    large = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)
    share = _blurred(cv2.resize(hole.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR), 1.2)
    texture[part] = cv2.blendLinear(large, here, share, 1 - share)
    return texture


def _doubled(texture: Pixels, free: Floats, part: tuple[slice, slice]) -> Pixels:
    """The picture at twice its size, sharpened by as much as sampling it between its pixels softens it."""
    import cv2

    height, width = texture.shape[:2]
    doubled: Pixels = cv2.resize(texture, (2 * width, 2 * height), interpolation=cv2.INTER_NEAREST)
    here = np.ascontiguousarray(texture[part])
    if not here.size:
        return doubled
    large = double(here)
    soft = cv2.GaussianBlur(large, (0, 0), 1.0)
    gain = _softness(here, large, soft, free[part])
    rows, columns = (slice(2 * side.start, 2 * side.stop) for side in part)
    cv2.addWeighted(large, 1 + gain, soft, -gain, 0, dst=doubled[rows, columns])
    return doubled


def _softness(here: Pixels, large: Pixels, soft: Pixels, free: Floats) -> float:
    """How much of what the blur takes away is to be added to the doubled picture."""
    import cv2

    middle = np.argwhere(free > 0.5)
    if not len(middle):
        return 0.0
    y, x = np.median(middle, 0).astype(int)
    rows, columns = slice(max(0, y - _SAMPLE // 2), y + _SAMPLE // 2), slice(max(0, x - _SAMPLE), x + _SAMPLE)
    twice = tuple(slice(2 * side.start, 2 * side.stop) for side in (rows, columns))
    seen = free[rows, columns] > 0.5
    wide, blurred = large[twice], soft[twice]

    def sharpness(image: Pixels) -> float:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F))[seen[: grey.shape[0], : grey.shape[1]]].mean())

    def sampled(gain: float) -> float:
        sharper = cv2.addWeighted(wide, 1 + gain, blurred, -gain, 0)
        shifts = [np.array([[2, 0, 2 * shift], [0, 2, 2 * shift]], np.float32) for shift in (0.125, 0.25, 0.375)]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = seen.shape[::-1]
        border = cv2.BORDER_REPLICATE
        return float(
            np.mean([sharpness(cv2.warpAffine(sharper, by, size, flags=flags, borderMode=border)) for by in shifts])
        )

    # Where a texture is squeezed it gains more than it loses where it is stretched.
    wanted, plain, much = 0.97 * sharpness(here[rows, columns]), sampled(0.0), sampled(0.35)
    return float(np.clip(0.35 * (wanted - plain) / max(1e-3, much - plain), *_SHARPEN))


def _tones(texture: Pixels, grid: Grid) -> Floats:
    """The texture without its detail, (h, w, 3) on the nodes."""
    import cv2

    soft = _blurred(_shrunk(texture), grid.step / _SMALL)
    where = ((grid.nodes + 0.5) / _SMALL - 0.5).astype(np.float32)
    tones: Floats = cv2.remap(soft, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return tones
