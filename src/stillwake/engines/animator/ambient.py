"""Snow, rain, petals, dust and embers that drift through a picture and close their loop by themselves.

A particle runs along its path again and again, and several share one path, evenly spaced, so that in one loop each
moves up to where the next one was: any speed closes, however short the loop. Where a path begins anew its particle is
outside the picture, or faded. There are three planes: the far one lies behind the subject. Shapes are drawn by formula
at their exact places, in one go for a plane, only where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator.anatomy import smoothstep
from stillwake.types import Floats, Pixels, Size

Array = npt.NDArray[Any]

AMBIENTS = ("snow", "rain", "petals", "dust", "embers")


@dataclass(frozen=True, slots=True)
class _Plane:
    """What one plane of particles is like, at 720 px; lengths in px, speeds in heights of the picture a second.

    ``number`` in a picture of 16:9; ``length`` from and to, half the longer side of a particle, ``slim`` the other
    side over it; ``soft`` px of its edge; ``alpha``; ``colour`` RGB; ``speed`` (negative: upwards); ``slope`` px to
    the right for each px down; ``sway`` px to either side and ``beat`` swings a second.
    """

    number: int
    length: tuple[float, float]
    alpha: float
    colour: tuple[float, float, float]
    speed: float
    slim: float = 1.0
    soft: float = 1.0
    slope: float = 0.0
    sway: float = 0.0
    beat: float = 0.3
    far: bool = False


_KINDS: dict[str, tuple[_Plane, ...]] = {
    "snow": (
        _Plane(150, (1.1, 1.9), 0.70, (238, 243, 250), 0.06, soft=1.2, slope=0.12, sway=12, far=True),
        _Plane(56, (2.1, 3.7), 0.88, (250, 252, 255), 0.11, soft=2.0, slope=0.15, sway=26),
        _Plane(10, (7.0, 12.0), 0.45, (250, 252, 255), 0.20, soft=9.0, slope=0.18, sway=40),
    ),
    "rain": (
        _Plane(110, (10, 15), 0.30, (176, 190, 208), 1.1, slim=0.045, slope=-0.10, far=True),
        _Plane(50, (20, 30), 0.36, (188, 201, 218), 1.7, slim=0.040, slope=-0.10),
        _Plane(10, (42, 60), 0.22, (196, 208, 224), 2.6, slim=0.040, soft=2.5, slope=-0.10),
    ),
    "petals": (
        _Plane(30, (2.6, 4.2), 0.70, (236, 196, 208), 0.05, slim=0.60, slope=0.35, sway=16, beat=0.25, far=True),
        _Plane(9, (5.5, 8.5), 0.92, (250, 208, 219), 0.09, slim=0.62, slope=0.40, sway=28, beat=0.3),
        _Plane(9, (5.0, 8.0), 0.92, (244, 188, 204), 0.10, slim=0.62, slope=0.45, sway=24, beat=0.35),
        _Plane(4, (15, 21), 0.50, (248, 204, 216), 0.17, slim=0.62, soft=9.0, slope=0.5, sway=40, beat=0.3),
    ),
    "dust": (
        _Plane(100, (1.0, 1.6), 0.50, (255, 236, 200), -0.010, soft=1.2, slope=-0.8, sway=12, beat=0.12, far=True),
        _Plane(50, (1.5, 2.5), 0.65, (255, 238, 206), -0.016, soft=1.8, slope=-0.8, sway=18, beat=0.14),
        _Plane(12, (6.0, 11.0), 0.22, (255, 240, 212), -0.024, soft=8.0, slope=-0.8, sway=30, beat=0.10),
    ),
    "embers": (
        _Plane(90, (1.0, 1.7), 0.90, (255, 120, 36), -0.09, soft=1.4, slope=-0.15, sway=14, beat=0.5, far=True),
        _Plane(56, (1.6, 2.8), 1.40, (255, 138, 44), -0.15, soft=1.8, slope=-0.18, sway=22, beat=0.6),
        _Plane(9, (5.0, 9.0), 0.60, (255, 118, 36), -0.26, soft=7.0, slope=-0.2, sway=36, beat=0.5),
    ),
}  # fmt: skip
_LIFE = 9.0
"""Seconds a speck of dust is seen."""
_FAINT = 0.004
"""Covering less than this changes no level of a pixel by one."""
_ADDED = ("embers",)
"""Light adds to what is behind it; everything else covers."""


@dataclass(frozen=True, slots=True, eq=False)
class _Swarm:
    """The particles of one plane, (n,) each: their place on their path, and the path.

    ``member`` of ``sharing`` particles on the path, which advance by ``rounds`` of their distances in a loop; ``x``,
    ``y`` px where the path begins, ``dx``, ``dy`` how far it leads; ``sway`` px, ``swings`` and ``turns`` on the whole
    path with their ``phase`` (n, 3) in turns; ``shift`` how far along
    a path's particles are at first; ``long`` and ``wide`` half sides px; ``angle`` of the longer
    side and ``lean`` px it leads sideways for each px down; ``reach`` px around a particle.
    """

    colour: Floats
    alpha: float
    soft: float
    far: bool
    member: Array
    sharing: Array
    rounds: Array
    x: Array
    y: Array
    dx: Array
    dy: Array
    sway: float
    swings: Array
    turns: Array
    phase: Array
    shift: Array
    long: Array
    wide: Array
    angle: float
    lean: float
    reach: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Ambient:
    """Particles for a picture of ``size`` (width, height) px; one thread at a time may draw them."""

    kind: str
    size: Size
    swarms: tuple[_Swarm, ...]
    _covered: Floats

    def draw(self, frame: Pixels, index: int, count: int, *, behind: Floats | None = None) -> None:
        """Draw the particles of frame ``index`` of a loop of ``count`` into ``frame`` (H, W, 3) uint8 RGB, in place.

        ``behind`` (H, W) float32 0..1 is the subject's matte: the far plane is hidden by it. Frames ``index`` and
        ``index + count`` are the same to the last bit.
        """
        if frame.shape != (self.size[1], self.size[0], 3) or frame.dtype != np.uint8:
            raise ValueError(f"the frame must be uint8 of {self.size[0]}x{self.size[1]}, not {frame.shape}")
        if not frame.flags.c_contiguous:
            raise ValueError("the frame must lie in memory in one piece")
        flat = frame.reshape(-1, 3)
        for swarm in self.swarms:
            placed = self._placed(swarm, index % count, count)
            if placed is None:
                continue
            y, x, alpha = placed
            if behind is not None and swarm.far:
                alpha *= 1 - behind[y, x]
            # Where particles overlap what they cover adds up, and each place is painted once, with the sum.
            at = y * self.size[0] + x
            np.add.at(self._covered, at, alpha)
            share = np.minimum(self._covered.take(at), 2 if self.kind in _ADDED else 1)[:, None]
            self._covered[at] = 0
            below = flat.take(at, axis=0).astype(np.float32)
            below += share * (swarm.colour if self.kind in _ADDED else swarm.colour - below)
            below += np.float32(0.5)
            flat[at] = np.minimum(below, 255, out=below).astype(np.uint8)

    def _placed(self, swarm: _Swarm, index: int, count: int) -> tuple[Array, Array, Floats] | None:
        """The pixels that are touched, (p,) rows and columns, and how much of each is covered, (p,) float32."""
        whole = swarm.sharing * count
        way = ((swarm.member * count + swarm.rounds * index) % whole / whole + swarm.shift) % 1
        spun = np.sin(2 * np.pi * (swarm.turns * way[:, None] + swarm.phase[:, 1:]))  # (n, 2), -1..1
        x = swarm.x + swarm.dx * way + swarm.sway * np.sin(2 * np.pi * (swarm.swings * way + swarm.phase[:, 0]))
        y = swarm.y + swarm.dy * way
        alpha, wide, angle = np.full(len(x), swarm.alpha), swarm.wide, np.full(len(x), swarm.angle)
        if self.kind == "petals":  # a petal turns in its plane and tips over
            wide = wide * (0.25 + 0.75 * np.abs(spun[:, 0]))
            angle = np.pi * (swarm.turns[:, 1] * way + swarm.phase[:, 2])
        elif self.kind == "dust":
            alpha *= np.sin(np.pi * way) * (0.75 + 0.25 * spun[:, 0])
        elif self.kind == "embers":
            alpha *= (1 - way) ** 0.7 * smoothstep(way, 0, 0.05) * (0.65 + 0.35 * spun[:, 0])
        rx, ry = swarm.reach
        width, height = self.size
        side = rx + abs(swarm.lean) * ry
        seen = (x > -side) & (x < width - 1 + side) & (y > -ry) & (y < height - 1 + ry) & (alpha > 0)
        if not seen.any():
            return None
        x, y, alpha, wide, angle = (v[seen] for v in (x, y, alpha, wide, angle))
        across, down = np.arange(-rx, rx + 1), np.arange(-ry, ry + 1)
        rows = np.rint(y).astype(np.int64)[:, None] + down
        off = rows - y[:, None]
        middle = np.rint(x[:, None] + swarm.lean * off).astype(np.int64)  # a streak's box leans as it does
        off_x = across.astype(np.float32) + (middle - x[:, None]).astype(np.float32)[:, :, None]
        off_y = off.astype(np.float32)[:, :, None]
        cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        one_over_long, one_over_wide = ((1 / v).astype(np.float32) for v in (swarm.long[seen], wide))
        along = off_x * (cos * one_over_long)[:, None, None] + off_y * (sin * one_over_long)[:, None, None]
        beside = off_y * (cos * one_over_wide)[:, None, None] - off_x * (sin * one_over_wide)[:, None, None]
        along *= along
        beside *= beside
        along += beside
        # An ellipse with an edge of ``soft`` px, measured along its shorter side.
        steep = (np.minimum(swarm.long[seen], wide) / swarm.soft).astype(np.float32)[:, None, None]
        shape = (1 - np.sqrt(along, out=along)) * steep + np.float32(0.5)
        np.minimum(shape, np.minimum(1, steep + np.float32(0.5)), out=shape)
        shape *= alpha.astype(np.float32)[:, None, None]
        place = np.flatnonzero(shape > _FAINT)
        line, column = np.divmod(place, len(across))
        py, px = rows.ravel()[line], middle.ravel()[line] + across[column]
        inside = (py >= 0) & (py < height) & (px >= 0) & (px < width)
        return py[inside], px[inside], shape.ravel()[place[inside]]


def build_ambient(kind: str, size: Size, seconds: float, seed: int = 0, strength: float = 1.0) -> Ambient:
    """The particles of ``kind``, one of `AMBIENTS`, for a loop of ``seconds`` in a picture of ``size``.

    ``size`` (width, height) px; ``strength`` is how many there are, 1 being usual; the same seed gives the same
    particles at every frame rate.

    Raises
    ------
    ValueError
        No such kind.
    """
    if kind not in _KINDS:
        raise ValueError(f"no ambient {kind!r}; there are {', '.join(AMBIENTS)}")
    random = np.random.default_rng([AMBIENTS.index(kind), seed])
    swarms = [_swarm(kind, plane, size, max(0.1, seconds), strength, random) for plane in _KINDS[kind]]
    return Ambient(kind, size, tuple(s for s in swarms if len(s.x)), np.zeros(size[0] * size[1], np.float32))


def _swarm(
    kind: str, plane: _Plane, size: Size, seconds: float, strength: float, random: np.random.Generator
) -> _Swarm:
    width, height = size
    unit = min(size) / 720
    wanted = max(1, round(plane.number * strength * (width / height) / (16 / 9))) if strength > 0 else 0
    longest = max(0.5, plane.length[1] * unit)
    soft = max(1.0, plane.soft * unit)
    leaning = float(np.arctan2(1.0, plane.slope)) if kind == "rain" else 0.0  # a drop streaks the way it falls
    lean = plane.slope if kind == "rain" else 0.0
    ry = longest + soft / 2 + 1
    rx = max(0.5, longest * plane.slim) + soft + 1 if kind == "rain" else ry
    far = abs(plane.speed) * height * _LIFE if kind == "dust" else height + 2 * ry + 2
    paths: list[tuple[float, ...]] = []
    while len(paths) < wanted:
        takes = _LIFE if kind == "dust" else far / (abs(plane.speed) * height)
        takes *= random.uniform(0.8, 1.25)
        sharing, rounds = max(1, round(takes / seconds)), max(1, round(seconds / takes))
        takes = seconds * sharing / rounds
        down = far * np.sign(plane.speed)
        right = plane.slope * far * (1 if kind == "rain" else random.uniform(0.5, 1.5))
        begin_x = random.uniform(min(0, -right) - ry, width + max(0, -right) + ry)
        begin_y = random.uniform(0, height) - down / 2 if kind == "dust" else (-ry - 1 if down > 0 else height + ry)
        long = max(0.5, random.uniform(*plane.length) * unit)
        shift, phase = random.uniform() / sharing, random.uniform(size=3)
        swings = plane.beat * takes * random.uniform(0.8, 1.2)
        turns = takes * random.uniform(0.25, 0.6, size=2) * (5 if kind == "embers" else 1)
        for member in range(sharing):
            paths.append((member, sharing, rounds, begin_x, begin_y, right, down, swings, *turns, *phase, long, shift))
    columns = np.array(paths, np.float64).reshape(-1, 15)
    whole = columns[:, :3].astype(np.int64)
    return _Swarm(
        colour=np.array(plane.colour, np.float32), alpha=plane.alpha, soft=soft, far=plane.far,
        member=whole[:, 0], sharing=whole[:, 1], rounds=whole[:, 2],
        x=columns[:, 3], y=columns[:, 4], dx=columns[:, 5], dy=columns[:, 6],
        sway=plane.sway * unit, swings=columns[:, 7], turns=columns[:, 8:10], phase=columns[:, 10:13],
        shift=columns[:, 14], long=columns[:, 13], wide=np.maximum(0.5, columns[:, 13] * plane.slim), angle=leaning,
        lean=lean, reach=(int(np.ceil(rx)), int(np.ceil(ry))),
    )  # fmt: skip
