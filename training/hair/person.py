"""Somebody's hair: its tones in light and shade, its cut, and the locks it is drawn of."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from training.drawn_faces.paint import Colour, curve, darker, hsv
from training.hair.sheet import HAIR, WORN, Sheet, any_colour, oval, sides_of


class Tones:
    """The colours that one head of hair takes with its light: a and b run with L along a line."""

    def __init__(self, rng: np.random.Generator, natural: bool) -> None:
        u = rng.uniform
        if natural:
            light, warm = u(8, 78), u(0.0, 1.0)
            self.base = np.array([light, u(1, 14) * warm, u(2, 30) * warm * min(1.0, light / 40 + 0.3)])
        else:
            colour = np.array([[hsv(u(0, 360), u(0.05, 0.85), u(0.15, 1.0))]], np.float32) / 255
            self.base = cv2.cvtColor(colour, cv2.COLOR_BGR2LAB)[0, 0]
        self.depth = u(4, 26)
        turn, drift = u(0, 2 * np.pi), u(0, 0.45) * (0.4 if natural else 1)
        self.line = np.array([math.cos(turn), math.sin(turn)]) * drift
        if rng.random() < 0.5:  # shade keeps the hue and loses some colour
            self.line = self.base[1:] / max(20.0, self.base[0]) * u(0.3, 1.1)
        self.spread = u(0.0, 2.0)

    def at(self, rng: np.random.Generator, shade: float) -> Colour:
        """``shade`` -1 (deep) to 1 (shine)."""
        light = float(np.clip(self.base[0] + shade * self.depth * (1.0 if shade < 0 else 0.8), 2, 99))
        hue = self.base[1:] + self.line * (light - self.base[0]) + rng.normal(0, self.spread, 2)
        b, g, r = cv2.cvtColor(np.array([[[light, *hue]]], np.float32), cv2.COLOR_LAB2BGR)[0, 0].clip(0, 1) * 255
        return float(b), float(g), float(r)


@dataclass(frozen=True)
class Cut:
    """How somebody wears the hair; lengths in widths of the face, heights from its centre, y down.

    ``wide`` and ``high`` reach of the hair beside and above the centre, ``end`` where it ends, ``flare`` outwards at
    the ends, ``wave`` and ``waves`` size and number of its waves, ``part`` place of the parting, ``ragged`` spread of
    the ends, ``fringe`` its lower end (-1: none), ``locks`` share of ``end`` that hangs before the shoulders.
    """

    wide: float
    high: float
    end: float
    flare: float
    wave: float
    waves: float
    part: float
    ragged: float
    fringe: float
    locks: float
    curly: bool

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Cut:
        """Short, to the chin, long, up, or curly."""
        u = rng.uniform
        kind = rng.choice(5, p=[0.17, 0.2, 0.33, 0.15, 0.15])
        end = (u(-0.15, 0.3), u(0.35, 0.9), u(0.8, 3.2), u(-0.2, 0.2), u(0.2, 1.6))[kind]
        return cls(
            wide=u(0.5, 0.74) + (0.1 if kind == 4 else 0), high=u(0.62, 0.98), end=end, flare=rng.normal(0.1, 0.25),
            wave=abs(rng.normal(0, 0.03)) if kind != 4 else u(0.03, 0.13), waves=u(1, 7), part=rng.normal(0, 0.16),
            ragged=u(0.02, 0.35), fringe=u(-0.55, 0.02) if rng.random() < 0.75 else -1.0, locks=u(0.5, 1.15),
            curly=bool(kind == 4),
        )  # fmt: skip


class Person:
    """Somebody of one hair colour, in one of three styles: "cel", "paint" or "photo"."""

    def __init__(self, rng: np.random.Generator) -> None:
        u = rng.uniform
        self.rng = rng
        self.style = str(rng.choice(["cel", "paint", "photo"], p=[0.4, 0.25, 0.35]))
        self.tones = Tones(rng, rng.random() < (0.35 if self.style == "cel" else 0.8))
        self.cut = Cut.drawn(rng)
        human = rng.random() < 0.93
        self.skin = hsv(u(10, 28), u(0.08, 0.6), u(0.35, 1.0)) if human else hsv(u(0, 360), 0.3, u(0.4, 1))
        self.chin, self.cheek = u(0.46, 0.68), u(0.42, 0.52)
        self.line = -u(0.42, 0.66)
        """Height of the hairline."""
        self.fall = rng.normal(0, 0.08) if rng.random() < 0.8 else rng.normal(0, 0.6)
        """How far what hangs is blown aside, a width of its length."""
        self.ink, self.ink_width = darker(self.tones.at(rng, -1), u(0, 0.35)), u(0.006, 0.02)
        self.lit = float(rng.choice([-1, 1])) * u(0, 0.8)
        self.ring = u(-0.75, -0.3) if rng.random() < 0.6 else None
        """Height of the band of shine, if there is one."""
        self.far = u(0.25, 0.8)
        """How much darker the hair behind the neck is."""
        self.flat = self.style == "cel" and rng.random() < 0.45
        """Two tones and no lines within the hair."""
        self._lit_and_shade = self.tones.at(rng, u(-0.2, 0.5)), self.tones.at(rng, u(-1.2, -0.6))

    def tone(self, shade: float) -> Colour:
        """The colour of hair in that light, -1 (deep) to 1 (shine)."""
        return self._lit_and_shade[int(shade < -0.45)] if self.flat else self.tones.at(self.rng, shade)

    def lock(self, s: Sheet, path: np.ndarray, width: float, dim: float = 0.0, tip: float = 0.12) -> None:
        """One lock along a path (N, 2): a tapering stroke, its light changing on the way; outlined in cels.

        ``dim`` how much darker it is, ``tip`` the share of its length over which it tapers.
        """
        rng, t = self.rng, np.linspace(0, 1, len(path))
        wide = width * np.clip(np.minimum(1.0, (1 - t) / tip) ** 0.7, 0.08, 1)
        root = rng.normal(0, 0.45 if self.style != "cel" else 0.25) - dim
        if self.style == "cel":
            if rng.random() < (0.15 if self.flat else 0.6):
                s.stroke(path, wide + 2 * self.ink_width, self.ink, HAIR)
            s.stroke(path, wide, self.tone(np.round(root * 1.4) / 1.4 if rng.random() < 0.6 else root), HAIR)
            if self.ring is not None and rng.random() < 0.7:
                near = np.nonzero(np.abs(path[:, 1] - self.ring) < 0.07)[0]
                if len(near) > 2:
                    s.stroke(path[near], wide[near] * 0.8, self.tone(root + 0.8), HAIR)
            return
        pieces = max(2, len(path) // 4)
        for a in range(0, len(path) - 1, pieces):
            part = path[a : a + pieces + 1]
            if len(part) > 1:
                x, y = part[len(part) // 2]
                shine = 0.8 if self.ring is not None and abs(y - self.ring) < 0.09 else 0.0
                tone = self.tone(float(np.clip(root + self.lit * x * 0.9 + shine, -1.3, 1.3)))
                s.stroke(part, wide[a : a + pieces + 1], tone, HAIR)

    def hang(self, side: float, front: bool) -> np.ndarray:
        """The path (28, 2) of a lock that goes from the parting to ``side`` (-1..1: the ears) and hangs from there."""
        rng, cut, sign = self.rng, self.cut, math.copysign(1.0, side)
        out = cut.wide * (abs(side) + rng.normal(0, 0.04))
        top = -cut.high * math.sqrt(max(0.02, 1 - (side * 0.85) ** 2)) - 0.05
        end = cut.end + rng.normal(0, cut.ragged) * (1 if cut.end > 0.4 else 0.4)
        if front:
            end = min(end, cut.end * cut.locks + rng.normal(0, 0.06))
        points = [
            (cut.part, -cut.high + 0.02 * abs(rng.normal())),
            (cut.part * 0.4 + sign * out * 0.62, min(top, -0.3)),
            (sign * out, -0.28 + 0.1 * rng.normal()),
        ]
        if end > 0:
            steps = max(1, int(end / 0.45))
            for t in np.arange(1, steps + 1) / steps:
                bend = sign * cut.flare * (1 - math.cos(t * 2.2)) * 0.45 + self.fall * t * end
                x = sign * out * (1 - 0.1 * front * t) + bend + rng.normal(0, 0.02)
                points.append((x, -0.2 + (end + 0.2) * t))
        else:
            points.append((sign * out * 1.02, max(-0.2, end)))
        path = curve(np.array(points), 28)
        if cut.wave > 0.004:
            t = np.cumsum(np.r_[0, np.linalg.norm(np.diff(path, axis=0), axis=1)])
            begin = rng.uniform(0, 6.3 if cut.curly else 1.5)
            path[:, 0] += cut.wave * np.sin(t * cut.waves * 2.2 + begin) * np.clip(t, 0, 1)
        return path

    def behind(self, s: Sheet) -> None:
        """What hangs behind the head and the body."""
        rng, cut = self.rng, self.cut
        s.fill(oval(0, -0.25, cut.wide, cut.high - 0.22), self.tone(-self.far), HAIR)
        if cut.end < 0.05:
            return
        if rng.random() < 0.85:  # the mass of it; without, it hangs in strings
            left, right = self.hang(-1.0, False)[8:], self.hang(1.0, False)[8:]
            share = np.linspace(0, 1, 14)[1:-1, None]
            hem = right[-1] * (1 - share) + left[-1] * share
            hem[:, 1] += rng.normal(0, 0.06 + 0.3 * cut.ragged, len(hem))
            s.fill(np.vstack([right, hem, left[::-1]]), self.tone(-self.far), HAIR)
        for side in rng.permutation(np.linspace(-1.05, 1.05, int(rng.integers(14, 34)))):
            self.lock(s, self.hang(side, False)[8:], rng.uniform(0.07, 0.22), self.far)

    def before(self, s: Sheet) -> None:
        """The cap, the fringe and the locks before the face and the shoulders."""
        rng, u, cut = self.rng, self.rng.uniform, self.cut
        t, dip = np.linspace(np.pi, 2 * np.pi, 30), np.linspace(1, -1, 24)
        outer = np.stack([cut.wide * np.cos(t), -0.3 + (cut.high - 0.3) * np.sin(t)], 1)
        rim = self.line + 0.12 * np.abs(dip) + 0.7 * np.clip(np.abs(dip) - 0.75, 0, 1)
        inner = np.stack([dip * self.cheek * 0.98, rim], 1)
        s.fill(np.vstack([outer, inner]), self.tone(-0.2), HAIR)
        if self.style == "cel" and rng.random() < 0.7:
            s.stroke(outer, self.ink_width, self.ink, HAIR)
        over = int(rng.integers(0, 8) if self.flat else rng.integers(16, 46))
        for side in rng.permutation(np.linspace(-1, 1, over)):  # over the skull
            path = self.hang(side, False)
            upper = path[path[:, 1] < self.line + 0.3 * side**2]
            if len(upper) > 3:
                self.lock(s, upper, u(0.05, 0.14), 0.0, 0.05)
        if cut.end > 0.1:
            for side in rng.permutation(np.linspace(0.78, 1.06, int(rng.integers(3, 9)))):
                for sign in (-1, 1):
                    if rng.random() < 0.85:
                        self.lock(s, self.hang(sign * side, True), u(0.06, 0.24), 0.05, 0.25)
        if cut.fringe > -0.9:
            swept = rng.normal(0, 0.2)
            for x in rng.permutation(np.linspace(-0.48, 0.48, int(rng.integers(7, 20)))):
                root = (cut.part + x * 0.3, -cut.high + 0.06)
                middle = (x * 0.85 + cut.part * 0.2, self.line - 0.05)
                end = (x + swept * 0.5, min(cut.fringe + 0.25 * abs(x) + rng.normal(0, 0.05), 0.5))
                self.lock(s, curve(np.array([root, middle, end]), 16), u(0.06, 0.17), 0.0, 0.45)
        for _ in range(int(rng.integers(0, 14))):  # strays
            path = self.hang(math.copysign(u(0.6, 1.15), rng.normal()), False) + rng.normal(0, 0.05, 2)
            self.lock(s, path[int(u(0, 12)) :], u(0.008, 0.02))

    def tied(self, s: Sheet) -> None:
        """Buns, a ponytail or two, plaits."""
        (self._buns, self._tails, self._tails, self._plaits)[int(self.rng.integers(0, 4))](s)

    def _buns(self, s: Sheet) -> None:
        rng, u = self.rng, self.rng.uniform
        for side in (-1.0, 1.0) if rng.random() < 0.5 else (float(rng.choice([-1, 0, 1])),):
            x, y, r = side * u(0.3, 0.6), -self.cut.high - u(-0.15, 0.12), u(0.14, 0.32)
            s.fill(oval(x, y, r, r * u(0.8, 1.1)), self.tone(-0.5), HAIR)
            for _ in range(9):
                arc = oval(x, y, r * u(0.3, 0.9), r * u(0.3, 0.9), u(0, 6.3))
                self.lock(s, arc[: int(u(8, 20))], u(0.03, 0.09))

    def _tails(self, s: Sheet) -> None:
        rng, u = self.rng, self.rng.uniform
        start, length, swing, reach = u(-0.7, 0.1), u(0.7, 2.8), u(-0.1, 0.9), u(0.45, 0.75)
        for side in sides_of(rng, 0.5):
            for _ in range(int(rng.integers(6, 14))):
                a = np.array([side * reach, start]) + rng.normal(0, 0.03, 2)
                aside = side * np.array([0, 0.25 + swing * 0.4, 0.2 + swing * 0.6, swing * 0.5 + side * self.fall])
                down = np.array([0, u(-0.15, 0.15), length * 0.55, length])
                astray = rng.normal(0, 1, (4, 2)) * np.array([[0], [0.05], [0.08], [0.12]])
                self.lock(s, curve(a + np.stack([aside, down], 1) + astray, 24), u(0.08, 0.2), 0.1, 0.3)
            if rng.random() < 0.7:
                s.fill(oval(side * reach, start, u(0.04, 0.1), u(0.05, 0.14)), any_colour(rng), WORN)

    def _plaits(self, s: Sheet) -> None:
        rng, u = self.rng, self.rng.uniform
        for side in sides_of(rng, 0.6):
            at, r = np.array([side * u(0.35, 0.6), u(0.0, 0.6)]), u(0.08, 0.17)
            step = np.array([side * rng.normal(0.05, 0.12), 1.0]) * r * 1.1
            for k in range(int(rng.integers(5, 15))):
                link = oval(at[0], at[1], r, r * 0.72, 0.6 if k % 2 else -0.6)
                if self.style == "cel":
                    s.fill(at + (link - at) * 1.12, self.ink, HAIR)
                s.fill(link, self.tone(rng.normal(-0.1, 0.4)), HAIR)
                self.lock(s, link[3:17], r * 0.3)
                at = at + step
            s.fill(oval(at[0], at[1], r * 0.6, r * 0.4), any_colour(rng), WORN)
            for _ in range(6):
                brush = np.array([at, at + rng.normal((0, 0.15), 0.06), at + rng.normal((0, 0.3), 0.08)])
                self.lock(s, curve(brush, 8), u(0.03, 0.09))
