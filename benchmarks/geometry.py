"""The background's straight lines: what the checks find of lines that do not meet, double, bend or break off.

    python -m benchmarks.geometry [FOLDER] [--only FAULT] [--sheet FOLDER]

Three kinds of pictures. ``rendered``: rooms, coasts, shelves and doors out of formulas, behind a figure drawn here.
``behind``: the same backgrounds behind the people of the stills in FOLDER (default: ``../shared/stills``, left out
where it is missing), cut out with their matte; the matte the checks get is found anew in the picture so made.
``still``: the stills themselves, with the lines that pass behind people and the verticals marked by hand.
In the first two a fault is drawn by the formula, in the third by a warp of what lies around the marked line, the
people filled in before and laid on top again after. Where a line is, how far it is seen and where it is hidden is
never asked of the checks. Placebos are the same edit without a fault: the line is moved on both sides alike.

Faults: ``meet`` a line that comes out from behind the subject higher or lower; ``double`` one that comes out as two;
``bend`` an upright that bows out over a part of its length; ``break`` a line that is smeared away for a stretch.
Halves are split by the hash of the still's name (of the rendered picture's); the limit is set on the clean pictures of
one half for at most 5 % alarms and recall is read on the other, both ways round, with 95 % intervals by bootstrap over
the pictures. ``hard`` are clean pictures made to deceive: furniture that ends on either side at another height, a
corner of the room behind the subject, hills, cables. What a check cannot see is counted as not found.

What this cannot say: drawn lines are straighter than a camera's, and faults cleaner than a generator's own.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks import PICTURES
from benchmarks.readiness import half, interval, overlap
from stillwake.media import open_still
from stillwake.perceive.look import perceive
from stillwake.perceive.matte import matte_of
from stillwake.readiness import geometry
from stillwake.readiness.background import line_findings
from stillwake.types import Box, Finding, Floats, Pixels, Scene

SHARED = Path(__file__).parents[2] / "shared" / "stills"
MOST = 1024
"""px of the longest side of the pictures made here."""
STRENGTHS: dict[str, tuple[float, ...]] = {
    "meet": (0.01, 0.02, 0.04), "double": (0.01, 0.02, 0.04), "bend": (0.01, 0.02, 0.04), "break": (0.03, 0.06, 0.12),
}  # fmt: skip
"""Shares of the picture's height; of its width for ``break``."""
CHECK = {"meet": "meeting edges", "double": "meeting edges", "bend": "geometry", "break": "meeting edges"}
Array = npt.NDArray[np.float64]
Name = Literal["meet", "double", "bend", "break"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: its name, its strength, and where it sits, in px; ``side`` -1 left, 1 right, 0 both: a placebo."""

    name: Name
    much: float
    side: int
    at: tuple[float, float]
    long: float


@dataclass(frozen=True, slots=True)
class Case:
    """A clean picture: ``make`` gives it, or with a fault; ``faults`` those it can be given, box and all."""

    name: str
    group: str
    stratum: str
    hard: bool
    matte: Floats | None
    make: Callable[[Fault | None], Pixels]
    faults: dict[str, list[tuple[Fault, Box]]] = field(default_factory=dict)


def seeded(name: str) -> np.random.Generator:
    """Chance that is the same for the same name."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big"))


# ------------------------------------------------------------------------------------------------ drawn backgrounds


class Ground:
    """A background under way: colours (h, w, 3) 0..255, painted over by half planes with soft edges."""

    def __init__(self, height: int, width: int, chance: np.random.Generator) -> None:
        self.y, self.x = np.mgrid[0:height, 0:width].astype(np.float64)
        self.height, self.width, self.chance = height, width, chance
        self.colours = np.zeros((height, width, 3))
        self.soft = float(chance.choice([0.7, 1.0, 1.6, 2.5]))
        self.tables = chance.uniform(-1, 1, (4, 64, 64)).astype(np.float32)

    def noise(self, across: float, down: float, which: int = 0) -> Array:
        """Smooth noise, about -1..1, with so many knots across and down."""
        at = (self.x / self.width * across + 3) % 63, (self.y / self.height * down + 5) % 63
        first = cv2.remap(self.tables[which % 4], at[0].astype(np.float32), at[1].astype(np.float32), cv2.INTER_CUBIC)
        other = ((2.7 * at[0]) % 63).astype(np.float32), ((2.7 * at[1]) % 63).astype(np.float32)
        return np.asarray(first + 0.5 * cv2.remap(self.tables[(which + 1) % 4], *other, cv2.INTER_CUBIC), np.float64)

    def paint(self, share: Array, colour: Array) -> None:
        """Lay a colour, (3,) or (h, w, 3), over it."""
        self.colours += (colour - self.colours) * share[..., None]

    def below(self, line: Array, soft: float | Array | None = None) -> Array:
        """Share, 0..1, of what lies under a line y(x), (h, w) or (w,)."""
        return np.clip((self.y - line) / (2 * (self.soft if soft is None else soft)) + 0.5, 0, 1)

    def right(self, line: Array) -> Array:
        """The same, to the right of a line x(y)."""
        return np.clip((self.x - line) / (2 * self.soft) + 0.5, 0, 1)


def colour(chance: np.random.Generator, *, far_from: Array | None = None) -> Array:
    """A muted colour, at least 45 levels away from another one."""
    while True:
        grey = chance.uniform(40, 235)
        found = np.clip(grey + chance.normal(0, 22, 3), 0, 255)
        if far_from is None or np.linalg.norm(found - far_from) / 3**0.5 > 45:
            return np.asarray(found, np.float64)


KINDS = ("sea", "floor", "table", "shelves", "rail", "doors", "pillars")
HARD = ("apart", "corner", "hills", "cables")
LINED = ("sea", "floor", "table", "shelves", "rail")
UPRIGHT = ("doors", "pillars")


def ground(
    kind: str,
    size: tuple[int, int],
    name: str,
    level: float,
    uprights: list[float],
    middle: float,
    fault: Fault | None,
) -> Array:
    """A background (h, w, 3): its main line at ``level`` px at ``middle`` px, its uprights at those px."""
    height, width = size
    chance = seeded(f"{name} {kind}")
    g = Ground(height, width, chance)
    wall = colour(chance)
    under = colour(chance, far_from=wall)
    slope = float(chance.normal(0, 0.012 if kind == "sea" else 0.05))
    line = level + slope * (g.x - middle)
    g.colours[:] = wall
    g.colours += (g.y / height - 0.5)[..., None] * chance.uniform(-25, 25) + (g.x / width - 0.5)[
        ..., None
    ] * chance.uniform(-25, 25)
    g.colours += g.noise(6, 6)[..., None] * chance.uniform(0, 4)
    moved = line.copy()
    soft: float | Array = g.soft
    twice: Array | None = None
    if fault is not None and fault.name == "meet":
        moved += np.where(fault.side * (g.x - middle) >= 0, fault.much, 0)
    if fault is not None and fault.name == "double":
        twice = (fault.side * (g.x - middle) > 0) * np.ones_like(line)
    if fault is not None and fault.name == "break":
        inside = np.clip((fault.long / 2 - np.abs(g.x - fault.at[0])) / (0.01 * width) + 1, 0, 1)
        soft = g.soft + inside * 0.035 * height

    def step(at: Array, below: Array) -> None:
        if twice is None:
            g.paint(g.below(at, soft), below)
            return
        assert fault is not None
        share = 0.5 * g.below(at, soft) + 0.5 * g.below(at + fault.much, soft)
        g.paint(np.where(twice > 0, share, g.below(at, soft)), below)

    if kind == "sea":
        g.colours += 10 * np.clip(g.noise(5, 9, 1), 0, 1)[..., None]
        step(moved, under + 6 * g.noise(9, 60, 2)[..., None])
    elif kind in ("floor", "corner"):
        skirt = colour(chance, far_from=under)
        at = moved if kind == "floor" else level + np.where(g.x > middle, 0.22, -0.05) * (g.x - middle)
        if chance.random() < 0.5:
            step(at - 0.045 * height, skirt)
        step(at, under + 5 * g.noise(30, 30, 2)[..., None])
    elif kind == "table":
        for _ in range(4):  # things out of focus on the wall
            x, w = chance.uniform(0, width), chance.uniform(0.05, 0.15) * width
            spot = np.clip((w - np.abs(g.x - x)) / (0.03 * width), 0, 1) * np.clip(
                (level - 0.05 * height - g.y) / (0.03 * height), 0, 1
            )
            g.paint(0.6 * spot, colour(chance))
        step(moved, under + 4 * g.noise(4, 50, 1)[..., None])
    elif kind == "shelves":
        away = chance.uniform(0.3, 0.7) * height
        for k in range(-3, 4):
            at = level + k * 0.16 * height
            tilt = slope * 2 * (at - away) / height
            row = at + tilt * (g.x - middle) + (moved - line if k == 0 else 0)
            thick = 0.018 * height
            if k == 0:
                step(row, under)
                g.paint(
                    g.below(
                        row
                        + thick
                        + (fault.much if twice is not None and fault else 0) * (0 if twice is None else twice)
                    ),
                    wall,
                )
            else:
                g.paint(g.below(row) * (1 - g.below(row + thick)), under)
    elif kind == "rail":
        step(moved, under)
        g.paint(g.below(moved + 0.03 * height + (0 if twice is None or fault is None else fault.much * twice)), wall)
    elif kind in UPRIGHT:
        g.paint(g.below(level + 0 * g.x), under)
        for k, x in enumerate(uprights):
            lean = float(chance.normal(0, 0.01))
            at = x + lean * (g.y - height / 2)
            if fault is not None and fault.name == "bend" and abs(fault.at[0] - x) < 2:
                t = np.clip((g.y - fault.at[1]) / fault.long + 0.5, 0, 1)
                at = at + fault.side * fault.much * np.sin(np.pi * t) ** 2
            thick = (0.025 if kind == "pillars" else 0.10) * width
            post = colour(chance, far_from=wall)
            share = g.right(at) * (1 - g.right(at + thick))
            g.paint(
                share * (g.y > 0.04 * height) if kind == "doors" else share, post + 3 * g.noise(8, 8, k)[..., None]
            )
            if kind == "doors":
                inner = g.right(at + 0.012 * width) * (1 - g.right(at + thick - 0.012 * width)) * (g.y > 0.06 * height)
                g.paint(inner, post * 0.7)
    elif kind == "apart":
        for sign in (-1, 1):
            one = colour(chance, far_from=wall)
            at = level + chance.uniform(-0.06, 0.06) * height
            g.paint(g.below(at + 0 * g.x) * (sign * (g.x - middle) > 0), one)
    elif kind == "hills":
        for k in range(3):
            far = level + (k - 1) * 0.05 * height + 0.05 * height * g.noise(4 + 2 * k, 0, k)
            g.paint(g.below(far), colour(chance))
    elif kind == "cables":
        for k in range(6):
            sag = chance.uniform(0.02, 0.12) * height
            t = (g.x - middle) / width
            at = level - 0.2 * height + k * 0.06 * height + chance.normal(0, 0.1) * (g.x - middle) + 4 * sag * t * t
            g.paint(np.clip(1.6 - np.abs(g.y - at), 0, 1), np.full(3, 30.0))
    return g.colours


def finished(colours: Array, name: str) -> Pixels:
    """Grain, and JPEG 92."""
    chance = seeded(f"{name} grain")
    grain = chance.normal(0, float(chance.choice([0, 1, 2.5])) + 1e-6, (*colours.shape[:2], 1))
    whole = np.clip(np.rint(colours + grain), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", whole[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def figure(name: str) -> tuple[Pixels, Floats]:
    """A figure of our own on nothing: colours (h, w, 3) and what it covers, 0..1."""
    chance = seeded(f"{name} figure")
    height, width = ((720, 1280), (1024, 768), (800, 800))[int(chance.integers(3))]
    covered = np.zeros((height, width), np.uint8)
    picture = np.zeros((height, width, 3), np.uint8)
    x = int(chance.uniform(0.4, 0.6) * width)
    head = int(chance.uniform(0.09, 0.15) * height)
    top = int(chance.uniform(0.12, 0.25) * height) + head
    skin, cloth, hair = ((int(c[0]), int(c[1]), int(c[2])) for c in (colour(chance) for _ in range(3)))
    wide = int(chance.uniform(1.6, 2.2) * head)
    body = np.array(
        [
            (x - head // 3, top),
            (x + head // 3, top),
            (x + wide, top + 2 * head),
            (x + int(1.2 * wide), height),
            (x - int(1.2 * wide), height),
            (x - wide, top + 2 * head),
        ],
        np.int32,
    )
    for plane, inks in ((picture, (hair, cloth, skin)), (covered, (255, 255, 255))):
        cv2.ellipse(plane, (x, top), (int(1.25 * head), int(1.5 * head)), 0, 0, 360, inks[0], -1, cv2.LINE_AA)
        cv2.fillPoly(plane, [body], inks[1], cv2.LINE_AA)
        cv2.ellipse(plane, (x, top), (head, int(1.25 * head)), 0, 0, 360, inks[2], -1, cv2.LINE_AA)
    return picture, covered.astype(np.float32) / 255


def composed(
    name: str, group: str, stratum: str, kind: str, picture: Pixels, over: Floats, matte: Callable[[Pixels], Floats]
) -> Case | None:
    """A case out of a background and whoever stands before it; None where nothing of the line would be seen."""
    height, width = over.shape
    chance = seeded(f"{name} {kind} place")
    solid = over > 0.5
    if not solid.any():
        return None
    # a row in which the subject hides the middle and leaves both sides free; the masks are those of the cut-out
    rows = []
    for y in range(int(0.12 * height), int(0.9 * height), 4):
        band = solid[max(0, y - int(0.05 * height)) : y + int(0.05 * height)]
        any_, x = band.any(0), np.flatnonzero(solid[y])
        if len(x) < 0.06 * width:
            continue
        columns = np.flatnonzero(any_)
        if columns[0] > 0.16 * width and columns[-1] < 0.84 * width:
            rows.append((y, int(x[0]), int(x[-1])))
    # uprights stand where nobody does
    free = [
        c for c in range(int(0.05 * width), int(0.86 * width), 8) if solid[:, c : c + int(0.14 * width)].mean() < 0.08
    ]
    uprights: list[float] = []
    for c in chance.permutation(free).tolist() if free else []:
        if all(abs(c - u) > 0.15 * width for u in uprights):
            uprights.append(float(c))
    if (kind in UPRIGHT and len(uprights) < 2) or (kind not in UPRIGHT and not rows):
        return None
    level, left, right = rows[int(chance.integers(len(rows)))] if rows else (int(0.8 * height), 0, width)
    middle = (left + right) / 2
    if kind in UPRIGHT:
        level = int(0.82 * height)
    share = over[..., None]

    def make(fault: Fault | None) -> Pixels:
        behind = ground(kind, (height, width), name, level, uprights, middle, fault)
        return finished(behind * (1 - share) + picture * share, name)

    faults: dict[str, list[tuple[Fault, Box]]] = {}
    side = 1 if chance.random() < 0.5 else -1
    edge = width if side > 0 else 0.0
    if kind in LINED:
        near = float(left if side < 0 else right)
        way = -1 if chance.random() < 0.5 else 1
        faults["meet"], faults["double"], faults["break"] = [], [], []
        for s in STRENGTHS["meet"]:
            high = (s + 0.03) * height
            box = (left - 0.03 * width, level - high, right + 0.03 * width, level + high)
            faults["meet"].append((Fault("meet", way * s * height, side, (middle, level), 0), box))
            box = (min(near, edge), level - 0.03 * height, max(near, edge), level + high)
            faults["double"].append((Fault("double", s * height, side, (middle, level), 0), box))
        first, last = (0.0, left - 0.03 * width) if left > width - right else (right + 0.03 * width, float(width))
        for s in STRENGTHS["break"] if last - first > 0.3 * width else ():
            x, long = (first + last) / 2, s * width
            box = (x - long / 2, level - 0.04 * height, x + long / 2, level + 0.04 * height)
            faults["break"].append((Fault("break", s, side, (x, level), long), box))
    elif kind in UPRIGHT:
        x, y, long = uprights[0], chance.uniform(0.35, 0.5) * height, 0.35 * height
        faults["bend"] = [
            (
                Fault("bend", s * height, side, (x, y), long),
                (x - s * height, y - long / 2, x + 0.1 * width + s * height, y + long / 2),
            )
            for s in STRENGTHS["bend"]
        ]
    return Case(f"{name} {kind}", group, stratum, kind in HARD, matte(make(None)), make, faults)


# ------------------------------------------------------------------------------------------------ marked stills

HIDDEN: dict[str, tuple[tuple[float, float], tuple[float, float], float]] = {
    "drawn_13": ((0.0, 0.819), (1.0, 0.832), 0.50),
    "drawn_14": ((0.0, 0.567), (1.0, 0.567), 0.45),
    "drawn_36": ((0.0, 0.799), (1.0, 0.799), 0.38),
    "drawn_75": ((0.288, 0.976), (0.80, 0.933), 0.547),
    "photo_11": ((0.0, 0.360), (1.0, 0.390), 0.66),
    "photo_54": ((0.0, 0.975), (0.83, 0.652), 0.536),
}
"""Lines that pass behind somebody, from left to right in shares of width and height, and where they are hidden."""
EDGES: dict[str, tuple[tuple[float, float], tuple[float, float], float, float]] = {
    "drawn_36": ((0.0, 0.799), (1.0, 0.799), 0.80, 1.0),
    "drawn_75": ((0.288, 0.976), (0.80, 0.933), 0.29, 0.48),
    "photo_11": ((0.0, 0.360), (1.0, 0.390), 0.30, 0.45),
    "photo_54": ((0.0, 0.975), (0.83, 0.652), 0.02, 0.36),
    "photo_61": ((0.0, 0.511), (0.36, 0.502), 0.02, 0.35),
}
"""Lines in the open, and from where to where across the picture they are seen."""
UPRIGHTS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "drawn_12": ((0.910, 0.12), (0.902, 0.52)),
    "drawn_75": ((0.155, 0.10), (0.155, 0.90)),
    "photo_00": ((0.966, 0.02), (0.963, 0.68)),
    "photo_02": ((0.175, 0.05), (0.175, 0.95)),
    "photo_20": ((0.068, 0.25), (0.068, 0.60)),
    "photo_54": ((0.209, 0.21), (0.227, 0.616)),
    "photo_56": ((0.790, 0.15), (0.790, 0.90)),
    "photo_57": ((0.155, 0.02), (0.155, 0.50)),
}
"""Posts, frames and corners, from top to bottom; the places were read off the stills by eye, within a hundredth."""
FAULTY = {"photo_00": "the shore lies 3 % of the height lower on the right of the head than on its left"}
"""Stills that have the fault already, by looking: a picture by a generator."""


def filled(pixels: Pixels, matte: Floats) -> Pixels:
    """The picture with the people painted over by what surrounds them."""
    height, width = matte.shape
    scale = min(1.0, 320 / max(height, width))
    size = (round(width * scale), round(height * scale))
    hole = (cv2.dilate(cv2.resize(matte, size), np.ones((5, 5))) > 0.1).astype(np.uint8)
    small = cv2.inpaint(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), hole, 4, cv2.INPAINT_TELEA)
    soft = cv2.GaussianBlur(np.clip(cv2.dilate(matte, np.ones((5, 5))) * 3, 0, 1), (0, 0), 1.5)[..., None]
    over = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.rint(pixels * (1 - soft) + over * soft), 0, 255).astype(np.uint8)


def marked(scene: Scene) -> Case | None:
    """A still with the faults that its marked lines can be given."""
    stem = Path(scene.still.name).stem
    pixels = scene.still.pixels
    height, width = pixels.shape[:2]
    matte = np.zeros((height, width), np.float32) if scene.matte is None else scene.matte
    behind = filled(pixels, matte) if matte.any() else pixels
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)

    def on(line: tuple[tuple[float, float], tuple[float, float]], where: Floats, *, down: bool) -> Floats:
        (x0, y0), (x1, y1) = ((a * width, b * height) for a, b in line)
        if down:
            return np.asarray(x0 + (where - y0) * (x1 - x0) / (y1 - y0), np.float32)
        return np.asarray(y0 + (where - x0) * (y1 - y0) / (x1 - x0), np.float32)

    def make(fault: Fault | None) -> Pixels:
        if fault is None:
            return pixels
        if fault.name == "bend":
            away = np.abs(x - on(UPRIGHTS[stem], y, down=True))
            flat = max(0.03 * width, abs(fault.much))
            near = np.clip(1 - (away - flat) / (3 * abs(fault.much) + 0.02 * width), 0, 1)
            t = np.clip((y - fault.at[1]) / fault.long + 0.5, 0, 1)
            dx = fault.side * fault.much * np.sin(np.pi * t) ** 2 * near
            spoilt = cv2.remap(behind, (x - dx).astype(np.float32), y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        else:
            line = (HIDDEN[stem] if fault.name != "break" else EDGES[stem])[:2]
            away = np.abs(y - on(line, x, down=False))
            there = (fault.side * (x - fault.at[0]) >= 0).astype(np.float32)
            if fault.name == "break":
                inside = np.clip((fault.long / 2 - np.abs(x - fault.at[0])) / (0.01 * width) + 1, 0, 1)
                inside = inside * np.clip(2 - away / (0.03 * height), 0, 1)
                smeared = cv2.GaussianBlur(behind, (1, 2 * round(0.06 * height) + 1), 0.02 * height)
                spoilt = behind + inside[..., None] * (smeared.astype(np.float32) - behind)
            else:
                near = (
                    np.clip(1 - (away - 1.2 * abs(fault.much)) / (3 * abs(fault.much) + 0.01 * height), 0, 1) * there
                )
                shifted = cv2.remap(
                    behind,
                    x,
                    (y - fault.much * near).astype(np.float32),
                    cv2.INTER_CUBIC,
                    borderMode=cv2.BORDER_REFLECT,
                )
                spoilt = shifted if fault.name == "meet" else behind + 0.5 * (shifted.astype(np.float32) - behind)
        share = matte[..., None]
        return np.clip(np.rint(pixels * share + spoilt * (1 - share)), 0, 255).astype(np.uint8)

    faults: dict[str, list[tuple[Fault, Box]]] = {}
    chance = seeded(stem)
    if stem in HIDDEN and stem not in FAULTY:
        (a, b, at), side = HIDDEN[stem], 1 if chance.random() < 0.5 else -1
        middle = at * width
        level = float(on((a, b), np.float32(middle), down=False))
        hidden = np.flatnonzero(matte[int(np.clip(level, 0, height - 1))] > 0.5)
        left, right = (float(hidden.min()), float(hidden.max())) if len(hidden) else (middle, middle)
        edge = width if side > 0 else 0.0
        faults["meet"], faults["double"] = [], []
        for s in STRENGTHS["meet"]:
            high = (s + 0.05) * height
            box = (left, level - high, right, level + high)
            faults["meet"].append((Fault("meet", s * height, side, (middle, level), 0), box))
            high += 0.05 * height
            box = (min(middle, edge), level - high, max(middle, edge), level + high)
            faults["double"].append((Fault("double", s * height, side, (middle, level), 0), box))
    if stem in EDGES:
        a, b, first, last = EDGES[stem]
        at = (first + last) / 2 * width
        level = float(on((a, b), np.float32(at), down=False))
        faults["break"] = []
        for s in STRENGTHS["break"]:
            long = s * width
            box = (at - long / 2, level - 0.05 * height, at + long / 2, level + 0.05 * height)
            if s < 0.5 * (last - first):
                faults["break"].append((Fault("break", s, 1, (at, level), long), box))
    if stem in UPRIGHTS:
        (x0, y0), (x1, y1) = UPRIGHTS[stem]
        at, middle, long = (x0 + x1) / 2 * width, (y0 + y1) / 2 * height, 0.55 * (y1 - y0) * height
        side = -1 if at > width / 2 else 1
        box = (at - 0.05 * width, middle - long / 2, at + 0.05 * width, middle + long / 2)
        faults["bend"] = [(Fault("bend", s * height, side, (at, middle), long), box) for s in STRENGTHS["bend"]]
    return Case(stem, stem, f"still {scene.style}", stem in FAULTY, scene.matte, make, faults)


# ------------------------------------------------------------------------------------------------------ the table


def rendered(count: int) -> Iterator[Case]:
    """Figures of our own before drawn backgrounds."""
    for index in range(count):
        name = f"rendered {index:02d}"
        picture, over = figure(name)
        soft = cv2.GaussianBlur(cv2.dilate(over, np.ones((3, 3))), (0, 0), 1.5)

        def known(_: Pixels, soft: Floats = soft) -> Floats:
            return soft

        for kind in dict.fromkeys((KINDS[index % 7], KINDS[(index * 3 + 1) % 7], HARD[index % 4])):
            case = composed(name, name, "rendered", kind, picture, over, known)
            if case is not None:
                yield case


def stills(folder: Path, seen: Callable[[Path], Scene]) -> Iterator[Case]:
    """The stills themselves, and their people before drawn backgrounds."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURES)
    for index, path in enumerate(paths):
        scene = seen(path)
        case = marked(scene)
        if case is not None:
            yield case
        if scene.matte is None:
            continue
        height, width = scene.matte.shape
        scale = min(1.0, MOST / max(height, width))
        size = (round(width * scale), round(height * scale))
        picture = cv2.resize(scene.still.pixels, size, interpolation=cv2.INTER_AREA)
        over = np.clip(cv2.resize(scene.matte, size, interpolation=cv2.INTER_AREA) * 1.2 - 0.1, 0, 1)
        faces = [(f.box[0] * scale, f.box[1] * scale, f.box[2] * scale, f.box[3] * scale) for f in scene.faces]
        for kind in (
            LINED[index % len(LINED)],
            LINED[(index + 2) % len(LINED)],
            UPRIGHT[index % 2],
            HARD[index % len(HARD)],
        ):
            behind = composed(
                path.stem,
                path.stem,
                f"behind {scene.style}",
                kind,
                picture,
                over,
                lambda p, faces=faces: matte_of(p, faces),
            )
            if behind is not None:
                yield behind


@dataclass(frozen=True, slots=True)
class Reading:
    """What the checks say of a picture: findings, each signal's value (None: nothing was seen), s a megapixel."""

    findings: dict[str, Finding]
    values: dict[str, float | None]
    seconds: float


def read(pixels: Pixels, matte: Floats | None) -> Reading:
    """The checks over one picture."""
    height, width = pixels.shape[:2]
    began = time.process_time()
    lines = geometry.strips(pixels, matte)
    findings = line_findings(lines, (width, height))
    seconds = (time.process_time() - began) / (height * width / 1e6)
    met = [meeting for line in lines for meeting in geometry.meetings(line, lines)]
    gone = [gap.long / width for line in lines for gap in geometry.breaks(line)]
    bent = geometry.bent([u for u in map(geometry.upright, lines) if u is not None], max(height, width))
    values: dict[str, float | None] = {
        "meet": max((m.off / height for m in met), default=None),
        "double": max((m.off / height for m in met if m.doubled), default=0.0 if met else None),
        "bend": None if bent is None else bent.off / height,
        "break": max(gone, default=0.0 if lines else None),
    }
    return Reading({f.check: f for f in findings}, values, seconds)


def share(hits: list[bool]) -> str:
    """The share of hits, its 95 % interval and how many there are."""
    return f"{np.mean(hits):.2f} {interval(hits, np.random.default_rng(0))} of {len(hits)}" if hits else "none"


def table(cases: list[Case], only: str | None, sheet: Path | None) -> Iterator[str]:
    """The lines of the table."""
    clean = {case.name: read(case.make(None), case.matte) for case in cases}
    seconds = [reading.seconds for reading in clean.values()]
    yield f"{len(cases)} clean pictures; median {np.median(seconds):.2f}, at most {max(seconds):.2f} s a megapixel"
    strata = sorted({case.stratum for case in cases})
    for check in ("meeting edges", "geometry"):
        for stratum in (*strata, "hard"):
            of = [c for c in cases if (c.hard if stratum == "hard" else c.stratum == stratum and not c.hard)]
            said = [clean[c.name].findings[check].verdict for c in of]
            warned = [c.name for c in of if clean[c.name].findings[check].verdict == "warn"]
            yield (
                f"  clean, {check}, {stratum}: {said.count('warn')} of {len(of)} warn, {said.count('pass')} pass, "
                f"{said.count('unseen')} unseen{': ' if warned else ''}{', '.join(warned[:8])}"
            )
    for name, strengths in STRENGTHS.items():
        if only not in (None, name):
            continue
        limits = {}
        for fold in (0, 1):
            values = [clean[c.name].values[name] for c in cases if half(c.group) != fold and c.name not in FAULTY]
            limits[fold] = float(np.quantile([v or 0.0 for v in values], 0.95, method="higher"))
        wrong = [(clean[c.name].values[name] or 0.0) > limits[half(c.group)] for c in cases if c.name not in FAULTY]
        yield f"{name}: limits at 5 % {limits[1]:.4f} and {limits[0]:.4f}; on the other halves {share(wrong)} alarm"
        if name == "meet":
            moved = [(c, c.faults["meet"][1][0]) for c in cases if c.faults.get("meet")]
            same = [read(c.make(replace(fault, side=0)), c.matte).findings[CHECK[name]].verdict for c, fault in moved]
            yield f"  placebos: {same.count('warn')} of {len(same)} warn, {same.count('unseen')} unseen"
        for k, strength in enumerate(strengths):
            hits: list[bool] = []
            said: list[bool] = []
            boxed: list[bool] = []
            unseen = 0
            by: dict[str, list[bool]] = {}
            for case in cases:
                if len(case.faults.get(name, ())) <= k:
                    continue
                fault, box = case.faults[name][k]
                pixels = case.make(fault)
                found = read(pixels, case.matte)
                value, finding = found.values[name], found.findings[CHECK[name]]
                unseen += value is None
                hits.append(value is not None and value > limits[half(case.group)])
                said.append(finding.verdict == "warn")
                by.setdefault(case.stratum, []).append(said[-1])
                if said[-1]:
                    boxed.append(overlap(finding.box, box) >= 0.3)
                if sheet is not None:
                    shown(pixels, box, finding, sheet / f"{name}-{strength:g}-{case.name}.jpg")
            yield (
                f"  {strength:g}: recall at 5 % {share(hits)}, with the product's limit {share(said)}; "
                f"{unseen} unseen; box right {np.mean(boxed or [0]):.2f}; "
                + ", ".join(f"{s} {np.mean(v):.2f} of {len(v)}" for s, v in sorted(by.items()))
            )


def shown(pixels: Pixels, box: Box, finding: Finding, path: Path) -> None:
    """Write the picture with the injected box in green and the finding's in red."""
    drawn = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    for corners, ink in ((box, (0, 200, 0)), (finding.box, (0, 0, 255))):
        if corners is not None and (ink[1] or finding.verdict == "warn"):
            x0, y0, x1, y1 = (int(v) for v in corners)
            cv2.rectangle(drawn, (x0, y0), (x1, y1), ink, 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), drawn)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=SHARED)
    parser.add_argument("--only", choices=tuple(STRENGTHS), default=None)
    parser.add_argument("--count", type=int, default=30, help="rendered figures")
    parser.add_argument("--sheet", type=Path, default=None, metavar="FOLDER", help="write every spoilt picture there")
    asked = parser.parse_args()
    cases = list(rendered(asked.count))
    if asked.folder.is_dir():
        cases += stills(asked.folder, lambda path: perceive(open_still(path)))
    else:
        print(f"no stills at {asked.folder.name}: drawn pictures only")
    for line in table(cases, asked.only, asked.sheet):
        print(line, flush=True)


if __name__ == "__main__":
    main()
