"""Draws one anime face into a picture and says where everything lies.

A `Portrait` is sampled first (what kind of person and drawing); it sets its features on a `Head`, paints back to
front (back hair, body, ears, face, nose, mouth, eyes, brows, front hair, things worn) and hands back 66 points.
Variety matters more than beauty: half of the drawings stay close to everyday bright anime, half are wild.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from training.drawn_faces.head import Head
from training.drawn_faces.paint import WHITE, Canvas, Colour, along, curve, darker, hsv, mixed

POINTS = 66
"""Order of the points, left and right being the viewer's: 0-6 upper lid of the left eye, 7-11 the inner five of its
lower lid, 12-14 its iris' centre, right end and lower end; 15-29 the right eye alike; 30-33, 34-37 brows; 38 nose;
39-47 the face's outline from the left over the chin (43); 48-54 the mouth's upper outline, 55-59 the lower one back;
60-62 inner upper, 63-65 inner lower lip line, left to right."""


def _mirror() -> np.ndarray:
    to = np.arange(POINTS)
    for a, b in ((0, 15), (15, 0)):
        to[a : a + 7] = np.arange(b + 6, b - 1, -1)
        to[a + 7 : a + 12] = np.arange(b + 11, b + 6, -1)
        to[a + 12 : a + 15] = np.arange(b + 12, b + 15)
    to[30:38] = np.arange(37, 29, -1)
    to[39:48] = np.arange(47, 38, -1)
    to[48:55] = np.arange(54, 47, -1)
    to[55:60] = np.arange(59, 54, -1)
    to[60:63], to[63:66] = np.arange(62, 59, -1), np.arange(65, 62, -1)
    return to


MIRROR = _mirror()
"""Where each point comes from when the picture is mirrored."""


@dataclass
class Drawn:
    """A drawing and its truth.

    ``canvas`` (H, W, 3) uint8 as painted; ``points`` (66, 2) px; ``visible`` (66,) 1 seen, 0 hidden but known, -1 not
    drawn or outside; ``open`` whether each eye is; ``mouth_open``, ``mouth_drawn``; ``yaw``, ``pitch`` in radians.
    """

    canvas: np.ndarray
    points: np.ndarray
    visible: np.ndarray
    open: tuple[bool, bool]
    mouth_open: bool
    mouth_drawn: bool
    yaw: float
    pitch: float


class Portrait:
    """One person, sampled; `paint` draws it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.everyday = self.chance(0.55)
        weights = [0.78, 0.08, 0.09, 0.05] if self.everyday else [0.42, 0.15, 0.25, 0.18]
        self.kind = self.pick(["anime", "chibi", "semi", "film"], weights)
        self._head()
        self._features()
        self._colours()

    # ------------------------------------------------------------------------------------------ chances

    def u(self, low: float, high: float) -> float:
        """A number between."""
        return float(self.rng.uniform(low, high))

    def g(self, spread: float) -> float:
        """A normal number about 0."""
        return float(self.rng.normal(0, spread))

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return bool(self.rng.random() < share)

    def pick(self, what: list[Any], weights: list[float] | None = None) -> Any:
        """One of them."""
        p = None if weights is None else np.array(weights) / np.sum(weights)
        return what[int(self.rng.choice(len(what), p=p))]

    # ------------------------------------------------------------------------------------------ the person

    def _head(self) -> None:
        u, kind = self.u, self.kind
        yaw = math.radians(self.g(15) if self.everyday else self.g(22) if self.chance(0.75) else u(-60, 60))
        chin = {"anime": u(0.88, 1.25), "chibi": u(0.68, 1.0), "semi": u(1.1, 1.42), "film": u(0.95, 1.3)}[kind]
        if self.everyday and kind == "anime":
            chin = u(0.82, 1.18)
        self.head = Head(
            chin=chin,
            cheek=u(0.0, 0.4) * min(1.0, chin),
            top=-u(1.0, 1.5),
            round=u(1.1, 2.2) if kind != "chibi" else u(1.6, 2.8),
            taper=u(0.55, 1.0) if kind != "chibi" else u(0.45, 0.75),
            depth=u(0.6, 1.0),
            bump=u(0, 0.16),
            yaw=float(np.clip(yaw, -1.05, 1.05)),
            pitch=math.radians(float(np.clip(self.g(9), -25, 25))),
            roll=math.radians(float(np.clip(self.g(12), -50, 50)) if self.chance(0.75) else u(-50, 50)),
        )

    def _features(self) -> None:
        u, kind, head = self.u, self.kind, self.head
        half = {"anime": u(0.22, 0.37), "chibi": u(0.25, 0.42), "semi": u(0.18, 0.27), "film": u(0.18, 0.30)}[kind]
        tall = {"anime": u(0.55, 1.3), "chibi": u(0.75, 1.45), "semi": u(0.32, 0.7), "film": u(0.45, 1.05)}[kind]
        apart = max(half + u(0.07, 0.24), u(0.42, 0.58) if kind != "semi" else u(0.38, 0.5))
        self.half, self.apart = half, min(apart, 1.0 - half * 0.75)
        self.eye_line = u(-0.08, 0.10) if kind != "chibi" else u(0, 0.22)
        self.height = 2 * half * tall
        states = ["open", "half", "closed", "smiling", "wink"]
        both = self.pick(states, [0.72, 0.1, 0.06, 0.07, 0.05])
        wink = int(self.rng.integers(2))
        self.eyes = []
        shape = self._eye_shape()
        for side in (0, 1):
            state = both
            if both == "wink":
                state = self.pick(["closed", "smiling"]) if side == wink else self.pick(["open", "half"], [0.8, 0.2])
            self.eyes.append(self._eye(side, state, shape))
        self._iris_shape(tall)
        self._brow_shape()
        lowest = self.eye_line + self.below
        nose = self.eye_line + (head.chin - self.eye_line) * u(0.36, 0.6)
        self.nose = min(head.chin - 0.3, max(lowest * 0.6 + 0.06, nose))
        self.mouth_at = self.nose + (head.chin - self.nose) * u(0.25, 0.56)
        self._mouth()

    def _eye_shape(self) -> dict[str, float]:
        u = self.u
        share = u(0.48, 0.72)
        self.above, self.below = self.height * share, self.height * (1 - share)
        return {
            "tilt": math.radians(self.g(7)), "pu": u(1.6, 3.8), "qu": u(0.5, 1.0), "pl": u(1.6, 4.2),
            "ql": u(0.5, 1.0), "skew": u(-0.35, 0.35), "skew_low": u(-0.4, 0.4), "drop": u(-0.24, 0.24),
            "lid": u(0.15, 0.6), "arc": u(0.08, 0.4), "sag": u(-0.2, 0.9), "power": u(1.7, 2.8),
            "narrow": u(0.84, 1.0),
        }  # fmt: skip

    def _eye(self, side: int, state: str, s: dict[str, float]) -> dict[str, Any]:
        """Lids of one eye in face space, from the inner corner to the outer one."""
        t = np.linspace(-1, 1, 25)  # -1 inner, 1 outer
        sign = -1 if side == 0 else 1
        wobble = 1 + self.g(0.03)
        base = s["drop"] * self.height * 0.5 * t
        if state in ("open", "half"):
            open_share = s["lid"] if state == "half" else 1.0
            tu = t + s["skew"] * 0.35 * (1 - t**2)
            tl = t + s["skew_low"] * 0.35 * (1 - t**2)
            upper = -self.above * open_share * (1 - np.abs(tu) ** s["pu"]) ** s["qu"] * wobble + base
            lower = self.below * (1 - np.abs(tl) ** s["pl"]) ** s["ql"] * wobble + base
            xl = self.half * t * s["narrow"]
            xl[[0, -1]] = self.half * t[[0, -1]]
        else:
            bend = s["arc"] * (-1.3 if state == "smiling" else 1) * (self.u(0.2, 1) if state == "closed" else 1)
            sag = self.below * s["sag"]
            upper = sag + self.height * bend * (1 - np.abs(t) ** s["power"]) + base * 0.5
            lower, xl = upper.copy(), self.half * t
        c, n = math.cos(s["tilt"]), math.sin(s["tilt"])

        def place(x: np.ndarray, y: np.ndarray) -> np.ndarray:
            return np.stack([sign * (self.apart + x * c + y * n), self.eye_line - x * n + y * c], -1)

        x = self.half * t
        return {"state": state, "sign": sign, "place": place, "x": x, "up": upper, "low": np.interp(x, xl, lower),
                "upper": place(x, upper), "lower": place(xl, lower)}  # fmt: skip

    def _iris_shape(self, tall: float) -> None:
        u = self.u
        ry = self.height * (u(0.4, 0.62) if self.kind != "film" or self.chance(0.5) else u(0.28, 0.5))
        rx = min(ry * u(0.6, 1.06), self.half * u(0.68, 0.95))
        if tall < 0.6:
            ry = self.height * u(0.5, 0.72)
            rx = ry * u(0.88, 1.1)
        self.rx = max(rx, self.half * 0.28)
        self.ry = min(ry, self.rx * 1.75)
        rests = self.below - self.ry + u(-0.1, 0.12) * self.height
        self.iris_y = rests if self.chance(0.6) else u(-0.16, 0.10) * self.height + (self.below - self.above) / 2
        wide = 2.2 if self.chance(0.35) else 1.0
        gaze = float(np.clip(self.g(0.14) * wide, -0.6, 0.6)) * self.half
        stray = [self.g(0.12) * self.half if self.chance(0.6) else 0.0 for _ in (0, 1)]
        self.iris_x = [gaze + s for s in stray]
        self.iris_y += float(np.clip(self.g(0.07) * wide, -0.3, 0.3)) * self.height

    def _brow_shape(self) -> None:
        u = self.u
        level = self.eye_line - self.above - (u(0.06, 0.34) if self.chance(0.8) else u(-0.02, 0.1))
        length, angle, arch = self.half * u(0.7, 1.25), self.g(0.22 if self.everyday else 0.36), u(0, 0.14)
        if self.chance(0.06):
            length *= 0.35
        self.brows = []
        for sign in (-1, 1):
            a, lift, t = angle + self.g(0.06), self.g(0.03), np.linspace(-1, 1, 13)
            x = self.apart + length * t + u(-0.05, 0.05)
            y = (
                level
                + lift
                - a * 0.5 * length * t
                - arch * (1 - t**2) * u(0.6, 1.4)
                + arch * 0.5 * np.clip(t, 0, 1) ** 2
            )
            self.brows.append(np.stack([sign * x, y], 1))

    def _mouth(self) -> None:
        u, t = self.u, np.linspace(-1, 1, 25)
        kinds = ["line", "tiny", "open", "cat", "lips", "smirk", "grin", "none", "round", "parted", "wave", "small"]
        weights = [0.28, 0.10, 0.23, 0.04, 0.07, 0.05, 0.05, 0.015, 0.05, 0.035, 0.015, 0.10]
        if self.kind == "semi" and self.chance(0.55):
            kinds, weights = ["lips", "parted"], [0.75, 0.25]
        kind = self.pick(kinds, weights)
        wide, room = u(0.11, 0.38), self.head.chin - self.mouth_at
        if self.everyday:
            wide = u(0.10, 0.30)
        smile = (0.1 + self.g(0.28)) * wide
        base = smile * (0.5 - t**2) if self.chance(0.8) else -smile * np.abs(t) ** 1.5
        slant = self.g(0.06) * wide * 2 * t
        opened = kind in ("open", "grin", "round", "parted", "small")
        if kind == "tiny":
            wide *= u(0.25, 0.5)
            base, slant = base * 0.4, slant * 0.4
        if kind == "smirk":
            base = base * 0.4 - u(0.15, 0.45) * wide * np.where(t > 0, t**2, 0)
            base = base if self.chance(0.5) else base[::-1]
        if kind == "cat":
            base = u(0.15, 0.45) * wide * np.abs(np.sin(np.pi * t)) - 0.1 * wide * t**2
        if kind == "wave":
            base = u(0.08, 0.2) * wide * np.sin(t * np.pi * u(1.2, 2.6) + u(0, 6))
        upper = base + slant
        lower = upper.copy()
        if opened:
            tall = min(room * u(0.25, 0.85), u(0.08, 0.5))
            if kind == "round":
                wide = u(0.05, 0.16)
                tall = min(room * 0.8, wide * u(0.9, 2.4))
                base, slant = base * 0, slant * 0
            if kind == "grin":
                wide, tall = u(0.26, 0.48), min(tall, u(0.1, 0.22))
            if kind == "small":  # a little hole, often aslant
                wide = u(0.035, 0.14)
                tall = min(room * 0.5, wide * u(0.35, 1.4))
                base, slant = base * 0.4, self.g(0.35) * wide * t
            if kind == "parted":
                tall = min(tall, u(0.04, 0.18))
            shape = "oval" if kind == "round" else self.pick(["D", "oval", "wedge", "box"], [0.48, 0.27, 0.13, 0.12])
            power, root = {"D": (2.2, 0.6), "oval": (2.0, 0.5), "wedge": (1.15, 1.0), "box": (5.0, 0.45)}[shape]
            profile = (1 - np.abs(np.clip(t + u(-0.1, 0.1) * (1 - t * t), -1, 1)) ** power) ** root
            upper = (base if shape != "oval" else base * 0.5 - tall * u(0.2, 0.5) * np.sqrt(1 - t**2)) + slant
            if self.chance(0.15):  # an upper lip with a dip, as a cat's
                upper = upper + u(0.05, 0.2) * wide * np.exp(-((t / 0.25) ** 2))
            lower = base + slant + tall * profile
            if self.chance(0.1):  # turned over: a shout, a pout
                lower, upper = np.maximum(base + slant, 2 * (base + slant) - upper), base + slant - tall * profile
            lower = np.maximum(lower, upper)
        inner_upper, inner_lower = upper, lower
        if kind in ("lips", "parted"):
            thick = u(0.03, 0.10) * (1.2 if self.kind == "semi" else 0.9)
            swell = (1 - np.abs(t) ** u(1.5, 2.5)) ** u(0.6, 1)
            bow = 1 - u(0, 0.5) * np.exp(-((t / 0.18) ** 2))
            upper = inner_upper - thick * swell * bow * u(0.6, 1.1)
            lower = inner_lower + thick * swell * u(0.9, 1.6)
            wide = max(wide, 0.15)
        x = (self.g(0.03) if self.chance(0.8) else u(-0.2, 0.2)) + wide * t
        if self.chance(0.4) and abs(self.head.yaw) > 0.25:  # drawn on the near cheek, against perspective
            x = x - math.copysign(u(0, 0.18), self.head.yaw)
        lines = {}
        for name, y in (
            ("upper", upper),
            ("lower", lower),
            ("inner_upper", inner_upper),
            ("inner_lower", inner_lower),
        ):
            lines[name] = np.stack([x, np.minimum(self.mouth_at + y, self.head.chin - 0.05)], 1)
        self.mouth = lines | {"kind": kind, "open": opened and np.ptp(lower - upper) > 0.01, "wide": wide}

    # ------------------------------------------------------------------------------------------ the colours

    def _colours(self) -> None:
        u = self.u
        if self.everyday:
            self.skin = hsv(u(8, 32), u(0.04, 0.25), u(0.93, 1.0))
            if self.chance(0.12):
                self.skin = hsv(u(10, 30), u(0.3, 0.55), u(0.55, 0.85))
        else:
            self.skin = self.pick([hsv(u(8, 35), u(0.05, 0.4), u(0.8, 1)), hsv(u(8, 32), u(0.3, 0.65), u(0.3, 0.8)),
                                   hsv(u(0, 360), u(0, 0.35), u(0.5, 1))], [0.6, 0.22, 0.18])  # fmt: skip
        tone = u(0.72, 0.93)
        cold = mixed(
            self.skin, hsv(u(-30, 30) if self.chance(0.7) else u(200, 300), u(0.25, 0.6), u(0.6, 0.95)), u(0.1, 0.4)
        )
        self.shade_skin = darker(cold, tone)
        self.hair = self.pick([hsv(u(15, 50), u(0.2, 0.6), u(0.6, 1)), hsv(u(0, 40), u(0.2, 0.7), u(0.1, 0.55)),
                               hsv(u(0, 360), u(0.15, 0.7), u(0.4, 1)),
                               hsv(0, u(0, 0.12), u(0.05, 0.95))])  # fmt: skip
        self.shade_hair = darker(mixed(self.hair, hsv(u(200, 330), 0.5, 0.5), u(0, 0.3)), u(0.55, 0.88))
        self.ink = self.pick([hsv(u(0, 30), u(0.2, 0.7), u(0.05, 0.35)), (20.0, 18.0, 18.0), darker(self.hair, 0.3)])
        self.line_kind = self.pick(["ink", "own", "none"], [0.45, 0.45, 0.1])
        self.line_width = self.pick([u(0.006, 0.014), u(0.014, 0.028), u(0.028, 0.05)], [0.45, 0.42, 0.13])
        self.shading = self.pick(["flat", "cel", "soft", "paint"], [0.2, 0.4, 0.28, 0.12])
        iris = hsv(u(0, 360), u(0.3, 0.95), u(0.35, 1))
        if self.chance(0.25):
            iris = hsv(u(10, 40), u(0.4, 0.9), u(0.15, 0.6))
        other = hsv(u(0, 360), u(0.3, 0.95), u(0.35, 1))
        self.irises = [iris, other if self.chance(0.04) else iris]

    def _line(self, of: Colour) -> Colour:
        if self.line_kind == "ink":
            return self.ink
        return darker(of, 0.45) if self.line_kind == "own" else darker(of, 0.85)

    # ------------------------------------------------------------------------------------------ painting

    def paint(self, pixels: np.ndarray, scale: float, at: np.ndarray) -> Drawn:
        """Draw the person over a background, ``scale`` px to half a face's width, the eyes' middle at ``at`` px."""
        head, c = self.head, Canvas(pixels)
        head.scale, head.at = scale, np.zeros(2)
        head.at = np.asarray(at, float) - head.on(np.array([[0.0, self.eye_line]]))[0]
        self.c, self.s, self.lw = c, scale, max(0.6, self.line_width * scale)
        self._hair_shape()
        if not self.chance(0.04):
            self._back_hair()
        if not self.chance(0.06):
            self._body()
        self._ears()
        inside = self._skin()
        self._nose()
        self._draw_mouth()
        self.iris_at: list[np.ndarray | None] = [None, None]
        self._eye_style()
        for side in (0, 1):
            self._draw_eye(side)
        self._draw_brows(c)
        without_hair = pixels.copy()
        cover = np.zeros(c.shape, np.uint8)
        hair = Canvas(pixels.copy())
        hair.cover = cover
        self._front_hair(hair)
        if self.chance(0.6):
            self._cast_shadow(cover, inside)
            without_hair = pixels.copy()
        self._lay_hair(hair.pixels, cover, without_hair)
        c.cover = self.hidden
        self._worn()
        c.cover = None
        return self._truth()

    def shade(self, points: np.ndarray, colour: Colour, share: float, blur: float, inside: np.ndarray) -> None:
        """A shadow within a mask, hard or soft as the drawing's shading is."""
        soft = {"flat": 0.0, "cel": 0.0, "soft": blur, "paint": blur * 0.7}[self.shading]
        self.c.soft(points, colour, share, soft * self.s, inside)

    def _skin(self) -> np.ndarray:
        """The face's own shape, filled, shaded and outlined; its mask."""
        u, c, head = self.u, self.c, self.head
        left, right = head.outline(-0.6)
        crown = head.shell(0.9, head.top * 0.92, -0.6)
        outline = np.vstack([left, right[::-1][1:]])
        face = np.vstack([outline, crown[::-1]])
        inside = c.mask(face)
        c.fill(face, self.skin)
        skin2 = self.shade_skin
        if self.shading != "flat":
            if self.chance(0.5):
                side, o = self.pick([-1, 1]), u(0.25, 0.85)
                strip = [[side * o, -1], [side * o * 1.1, 0], [side * o * 0.8, head.chin * 0.7],
                         [side * 0.1, head.chin + 0.1], [side * 1.4, head.chin + 0.1], [side * 1.4, -1]]  # fmt: skip
                self.shade(head.on(np.array(strip)), skin2, u(0.3, 1), u(0.02, 0.1), inside)
            if self.chance(0.5):  # under the fringe
                x = np.linspace(-1.1, 1.1, 20)
                v = self.eye_line - u(-0.15, 0.55) + self.rng.normal(0, 0.06, 20)
                self.shade(
                    np.vstack([head.on(np.stack([x, v], 1)), crown[::-1]]), skin2, u(0.3, 1), u(0.02, 0.1), inside
                )
            if self.chance(0.25) or self.kind == "semi":  # sockets
                for sign in (-1, 1):
                    e, y = sign * self.apart, self.eye_line
                    ring = [[e - 0.3, y - 0.2], [e, y - 0.33], [e + 0.3, y - 0.16], [e, y + 0.1]]
                    self.c.soft(head.on(np.array(ring)), skin2, u(0.1, 0.5), u(0.04, 0.1) * self.s, inside)
            if self.shading in ("soft", "paint") and self.chance(0.7):
                self._light(inside)
        if self.chance(0.55):
            self._blush(inside)
        if self.line_kind != "none" or self.chance(0.5):
            width = self.lw * np.clip(1 + 0.5 * np.sin(np.linspace(0, 9, len(outline)) + u(0, 6)), 0.4, 2)
            c.brush(outline, width, self._line(self.skin))
        if self.chance(0.05):
            a = np.array([self.u(-0.8, 0.8), self.u(-0.5, 0.8)])
            c.line(head.on(np.stack([a, a + np.array([self.g(0.1), u(0.1, 0.4)])])), darker(self.skin, 0.6), self.lw)
        return inside

    def _light(self, inside: np.ndarray) -> None:
        """Light falling off over the face."""
        h, w = self.c.shape
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        middle = self.head.on(np.array([[self.u(-0.6, 0.6), self.u(-0.5, 0.4)]]))[0]
        far = np.clip(np.hypot(x - middle[0], y - middle[1]) / (1.4 * self.s), 0, 1)
        dark = 1 - self.u(0.08, 0.4) * far[..., None] ** 2
        self.c.lay(np.clip(self.c.pixels * dark, 0, 255).astype(np.uint8), inside)

    def _blush(self, inside: np.ndarray) -> None:
        u = self.u
        colour = mixed(self.skin, hsv(u(-15, 20), u(0.4, 0.9), u(0.85, 1)), u(0.2, 0.9))
        wide, turn = u(0.12, 0.28), np.linspace(0, 2 * np.pi, 20)
        blur, share, lines = u(0.02, 0.12), u(0.2, 0.9), self.chance(0.3)
        for sign in (-1, 1):
            o = np.array([sign * (self.apart + u(-0.03, 0.2)), self.eye_line + self.below + u(0.02, 0.2)])
            spot = o + np.stack([wide * np.cos(turn), wide * 0.55 * np.sin(turn)], 1)
            self.c.soft(self.head.on(spot), colour, share, blur * self.s, inside)
            if lines:
                for j in range(3):
                    tick = o + np.array([[-0.06 + 0.06 * j, 0.04], [-0.02 + 0.06 * j, -0.04]])
                    self.c.line(self.head.on(tick), mixed(self.skin, (60.0, 60.0, 220.0), 0.6), self.lw * 0.7)
        if self.chance(0.15):
            bar = np.array(
                [[-0.5, self.nose - 0.12], [0.5, self.nose - 0.12], [0.5, self.nose + 0.08], [-0.5, self.nose + 0.08]]
            )
            self.c.soft(self.head.on(bar), colour, u(0.2, 0.7), 0.1 * self.s, inside)

    def _nose(self) -> None:
        u, c, head, s = self.u, self.c, self.head, self.s
        kind = self.pick(["none", "dot", "line", "shade", "bend", "full", "glint", "nostrils"],
                         [0.12, 0.22, 0.16, 0.16, 0.1, 0.7 if self.kind == "semi" else 0.08, 0.08, 0.06])  # fmt: skip
        colour = self._line(self.skin) if self.chance(0.6) else darker(self.skin, u(0.5, 0.85))
        tip = head.on(np.array([[0, self.nose]]), 0.12)[0]
        sign = math.copysign(1, head.yaw) if abs(head.yaw) > 0.15 else self.pick([-1, 1])
        width = self.lw * u(0.5, 1.0)
        if kind == "dot":
            c.disc(tip, max(0.7, u(0.012, 0.032) * s), colour)
        elif kind == "line":
            c.line(np.array([tip - np.array([u(-0.04, 0.04), u(0.04, 0.14)]) * s, tip]), colour, width)
        elif kind == "bend":
            bend = np.array(
                [[sign * 0.02, self.nose - u(0.1, 0.3)], [sign * 0.05, self.nose - 0.03], [0, self.nose + 0.02]]
            )
            c.line(head.on(bend, 0.12), colour, width)
        elif kind == "shade":
            c.soft(tip + np.array([[0, -0.12], [sign * u(0.04, 0.12), 0.02], [-sign * 0.02, 0.03]]) * s,
                   darker(self.skin, u(0.65, 0.88)), u(0.5, 1), u(0, 0.02) * s)  # fmt: skip
        elif kind in ("full", "nostrils"):
            if kind == "full":
                side = [[-0.02 * sign, self.eye_line], [-0.09 * sign, self.nose - 0.05],
                        [-0.1 * sign, self.nose + 0.03],
                        [0, self.nose + 0.05], [-0.03 * sign, self.nose - 0.1]]  # fmt: skip
                c.soft(head.on(np.array(side), 0.1), darker(self.skin, u(0.7, 0.9)), u(0.3, 0.9), u(0.01, 0.04) * s)
                ridge = [[0.02, self.eye_line + 0.1], [0.03, self.nose - 0.05], [-0.02, self.nose - 0.03]]
                c.soft(head.on(np.array(ridge), 0.1), WHITE, u(0, 0.5), u(0.01, 0.03) * s)
            wing = u(0.05, 0.11)
            for q in (-1, 1):
                curl = [
                    [q * wing * 0.4, self.nose + 0.05],
                    [q * wing * 0.8, self.nose + 0.035],
                    [q * wing, self.nose + 0.05],
                ]
                c.brush(head.on(np.array(curl), 0.08), np.full(3, width), darker(self.skin, u(0.4, 0.75)))
        elif kind == "glint":
            c.disc(tip, 0.025 * s, WHITE)

    def _draw_mouth(self) -> None:
        u, c, m, s = self.u, self.c, self.mouth, self.s
        if m["kind"] == "none":
            return
        upper, lower, iu, il = (self.head.on(m[k]) for k in ("upper", "lower", "inner_upper", "inner_lower"))
        width = self.lw * u(0.55, 1.4)
        colour = self.pick([self._line(self.skin), hsv(u(-10, 25), u(0.4, 0.9), u(0.2, 0.7)), self.ink,
                            mixed(self.skin, hsv(u(-10, 25), 0.6, 0.5), u(0.25, 0.6))],
                           [0.42, 0.24, 0.2, 0.14])  # fmt: skip
        if m["kind"] in ("lips", "parted"):
            lip = mixed(darker(self.skin, u(0.75, 1)), hsv(u(-20, 15), u(0.4, 0.9), u(0.5, 1)), u(0.15, 0.9))
            c.soft(np.vstack([upper, lower[::-1]]), lip, u(0.25, 1), u(0, 0.02) * s * self.pick([0, 1]))
            if self.chance(0.4):
                shine = np.vstack([(il * 0.6 + lower * 0.4)[8:-8], (il * 0.3 + lower * 0.7)[8:-8][::-1]])
                c.soft(shine, WHITE, u(0.2, 0.8), u(0.004, 0.015) * s)
            if self.chance(0.25):
                for edge in (upper, lower):
                    c.brush(edge[3:-3], np.full(19, 0.6 * width), mixed(self.skin, colour, u(0.3, 0.9)))
        if m["open"]:
            self._inside(iu, il)
            if m["kind"] == "grin" and self.chance(0.4):
                c.line((iu + il) / 2, colour, width * 0.6)
            way = self.rng.random()
            if way < 0.55:
                c.brush(iu, width * np.sin(np.linspace(0.4, 2.74, 25)) * 1.2, colour)
                c.brush(il, np.full(25, width * 0.9), colour)
            elif way < 0.8:
                c.brush(iu, np.full(25, width), colour)
            elif way < 0.9:
                c.brush(il[4:-4], np.full(17, width), colour)
            return
        n = len(iu)
        swell = self.pick(
            [np.ones(n), np.sin(np.linspace(0.1, np.pi - 0.1, n)), np.abs(np.cos(np.linspace(0, np.pi, n))) + 0.35]
        )
        faint = colour if self.chance(0.65) else mixed(self.skin, colour, u(0.25, 0.85))
        if self.chance(0.12):  # broken: only the ends, or only the middle
            i = int(self.rng.integers(6, 12))
            for part in (slice(0, i), slice(n - i, n)):
                c.brush(iu[part], 1.2 * width * swell[part], faint)
        else:
            c.brush(iu, 1.25 * width * u(0.6, 1.25) * swell, faint)
        if m["kind"] in ("line", "tiny", "smirk", "wave") and self.chance(0.16):  # a lower lip with no upper one
            self._lower_lip(iu, il, colour)
        elif self.chance(0.3):  # the shadow under the lower lip
            under = (iu + self._down() * s * u(0.06, 0.16))[9:-9]
            c.brush(under, np.full(len(under), width * 0.8), mixed(self.skin, colour, u(0.2, 0.6)))
        if self.chance(0.12):
            for i, q in ((0, -1), (-1, 1)):
                tick = np.array([iu[i] + [0, -0.03 * s], iu[i] + [q * 0.02 * s, 0.03 * s]])
                c.line(tick, colour, width * 0.8)

    def _lower_lip(self, iu: np.ndarray, il: np.ndarray, colour: Colour) -> None:
        """A spot or a bow under a shut mouth, darker than the skin, lighter than what an open mouth shows."""
        u, m, s, down = self.u, self.mouth, self.s, self._down()
        middle = iu.mean(0) + down * s * u(0.03, 0.15)
        across = (iu[-1] - iu[0]) * u(0.15, 0.5)
        turn, tall = np.linspace(0, np.pi, 14), m["wide"] * s * u(0.08, 0.4)
        bow = middle + np.outer(np.cos(turn), across) + np.outer(np.sin(turn), down * tall)
        if self.chance(0.6):
            tone = darker(mixed(self.skin, hsv(u(-10, 20), u(0.3, 0.8), u(0.6, 1)), u(0.1, 0.5)), u(0.75, 1))
            self.c.soft(bow, tone, u(0.4, 1), u(0, 0.02) * s)
        else:
            self.c.brush(bow, np.full(14, 0.7 * self.lw), mixed(self.skin, colour, u(0.3, 0.8)))

    def _down(self) -> np.ndarray:
        return np.array([-math.sin(self.head.roll), math.cos(self.head.roll)])

    def _inside(self, iu: np.ndarray, il: np.ndarray) -> None:
        """What shows in an open mouth."""
        u, m = self.u, self.mouth
        poly = np.vstack([iu, il[::-1]])
        colour = self.pick([hsv(u(-15, 15), u(0.4, 0.85), u(0.25, 0.7)), hsv(u(-15, 20), u(0.2, 0.6), u(0.7, 1)),
                            hsv(0, u(0, 0.5), u(0, 0.3)), WHITE], [0.5, 0.28, 0.15, 0.07])  # fmt: skip
        down = self._down()
        tall = max(2.0, float(((il - iu) @ down).max()))
        plain = m["kind"] in ("small", "round") and self.chance(0.7)
        if plain and self.chance(0.5):  # the flesh of the lips, hardly darker than the skin
            colour = mixed(self.skin, hsv(u(-10, 25), u(0.35, 0.7), u(0.6, 1)), u(0.35, 0.9))
        upper_teeth, lower_teeth = not plain and (self.chance(0.4) or m["kind"] == "grin"), self.chance(0.1)
        tongue, fang = not plain and self.chance(0.6), not plain and self.chance(0.12)
        teeth_tall = tall * u(0.12, 0.45) * (2 if m["kind"] == "grin" and self.chance(0.6) else 1)
        white: Colour = (u(228, 255),) * 3

        def paint(c: Canvas) -> None:
            c.fill(poly, colour)
            if tongue:
                turn = np.linspace(0, 2 * np.pi, 20)
                middle = il.mean(0) + (il[-1] - il[0]) * u(-0.12, 0.12) + down * tall * u(-0.15, 0.35)
                across = (il[-1] - il[0]) * u(0.22, 0.45)
                blob = middle + np.outer(np.cos(turn), across) + np.outer(np.sin(turn), down * tall * u(0.25, 0.5))
                c.fill(blob, mixed(colour, hsv(u(-10, 20), u(0.3, 0.6), 1), u(0.5, 1)))
            if upper_teeth:
                c.fill(np.vstack([iu, (iu + down * teeth_tall)[::-1]]), white)
            if lower_teeth:
                c.fill(np.vstack([il - down * tall * u(0.1, 0.3), il[::-1]]), white)
            if fang:
                i = int(self.rng.integers(5, 20))
                c.fill(np.array([iu[i - 2], iu[i + 2], iu[i] + down * tall * 0.4]), WHITE)

        self.c.within(self.c.mask(poly), paint)

    # ------------------------------------------------------------------------------------------ eyes

    def _eye_style(self) -> None:
        u = self.u
        glints = []
        if self.chance(0.9):
            glints.append((u(-0.5, 0.5), u(-0.7, -0.1), u(0.12, 0.42), u(0.8, 1.5)))
        if self.chance(0.55):
            glints.append((u(-0.6, 0.6), u(0, 0.7), u(0.06, 0.25), u(0.7, 1.3)))
        if self.chance(0.25):
            glints.append((u(-0.6, 0.6), u(-0.8, 0.8), u(0.04, 0.16), 1.0))
        ink = self.ink if self.chance(0.6) else darker(self.hair, u(0.15, 0.55))
        if self.chance(0.12):
            ink = hsv(u(0, 40), u(0.3, 0.8), u(0.2, 0.55))
        own, depth, pupil = self.chance(0.65), u(0.05, 0.4), hsv(u(0, 360), u(0, 0.4), u(0, 0.2))
        thin = 0.75 if self.kind in ("semi", "film") else 1.0
        low = u(0.008, 0.035) if self.chance(0.72) else (u(0.03, 0.06) if self.chance(0.3) else 0.0)
        self.style = {
            "ink": ink,
            "lash": self.pick([u(0.02, 0.05), u(0.05, 0.10), u(0.10, 0.17)], [0.35, 0.45, 0.2]) * thin,
            "thin": u(0.2, 1), "rise": u(1, 4), "end": u(1.2, 8),
            "wing": u(0.02, 0.14) if self.chance(0.45) else 0.0, "lift": u(-0.03, 0.08),
            "spikes": int(self.rng.integers(1, 5)) if self.chance(0.35) else 0, "spike": u(0.05, 0.16),
            "lower_spikes": int(self.rng.integers(1, 4)) if self.chance(0.12) else 0,
            "white": mixed(WHITE, self.skin if self.chance(0.3) else (222.0, 214.0, 218.0),
                           u(0, 0.8) if self.chance(0.45) else 0),
            "dark": [darker(i, depth) if own else pupil for i in self.irises],
            "ramp": u(0.3, 1) if self.chance(0.8) else 0.0, "crescent": u(0.2, 0.7) if self.chance(0.5) else 0.0,
            "rays": int(self.rng.integers(6, 18)) if self.chance(0.18) else 0,
            "pupil": self.pick(["oval", "none", "ring", "star", "slit"], [0.66, 0.23, 0.05, 0.03, 0.03]),
            "pupil_size": u(0.3, 0.6), "pupil_y": u(-0.15, 0.1), "rim": u(0.3, 1) if self.chance(0.75) else 0.0,
            "rim_width": u(0.5, 1.5), "lid_shadow": u(0.15, 0.7) if self.chance(0.55) else 0.0,
            "shadow_tall": u(0.03, 0.12),
            "glints": glints, "low": low, "low_from": u(0, 0.55), "low_to": 1 - u(0, 0.35),
            "low_full": self.chance(0.3), "low_ink": ink if self.chance(0.5) else mixed(self.skin, ink, u(0.25, 0.8)),
            "side": self.chance(0.3), "crease": u(0.03, 0.1) if self.chance(0.55) else 0.0,
            "crease_ink": mixed(self.skin, ink, u(0.2, 0.8)), "crease_short": self.chance(0.6),
            "plain": self.chance(0.1 if self.kind == "chibi" else 0.012), "out": u(-0.05, 0.02),
        }  # fmt: skip

    def _draw_eye(self, side: int) -> None:
        e, st, c, s, head = self.eyes[side], self.style, self.c, self.s, self.head
        upper, lower = head.on(e["upper"]), head.on(e["lower"])
        seen = e["state"] in ("open", "half")
        if seen:
            mask = c.mask(np.vstack([upper, lower[::-1]]))
            c.within(mask, lambda k: self._ball(k, side, upper, lower))
            self._measure_iris(side)
            if st["low"] > 0:
                a, b = (0.0, 1.0) if st["low_full"] else (st["low_from"], st["low_to"])
                part = lower[int(a * 24) : int(b * 24) + 1]
                if len(part) > 2:
                    c.brush(part, st["low"] * s * np.sin(np.linspace(0.25, np.pi - 0.1, len(part))), st["low_ink"])
            if st["side"]:
                bend = curve(np.vstack([upper[-1], lower[-1] * 0.5 + lower[-4] * 0.5, lower[-6]]), 10)
                c.brush(bend, np.linspace(st["lash"] * s * 0.6, 1, 10), st["ink"])
            if st["crease"] > 0:
                fold = head.on(e["upper"] - np.array([0, st["crease"]]))
                c.line(fold[4:-3] if not st["crease_short"] else fold[9:], st["crease_ink"], self.lw * 0.7)
        lash = st["lash"] * s * (1 if seen else 0.7)
        t = np.linspace(0, 1, len(upper))
        width = lash * (st["thin"] + (1 - st["thin"]) * np.clip(t * st["rise"], 0, 1) ** 0.7)
        width = width * np.clip((1.02 - t) * st["end"], 0.12, 1)
        path = upper
        if st["wing"] > 0:
            d = upper[-1] - upper[-3]
            d = d / (np.linalg.norm(d) + 1e-6) * st["wing"] * s
            path = np.vstack([upper, upper[-1] + d * 0.5, upper[-1] + d - self._down() * st["lift"] * s])
            width = np.concatenate([width, [width[-1], 0.5]])
        c.brush(path, width, st["ink"])
        middle = head.on(e["place"](np.array([0.0]), np.array([0.0])))[0]
        for j in range(st["spikes"]):
            i = 24 - 3 * j
            a, b = upper[i], upper[max(0, i - 2)]
            d = (a - middle) / (np.linalg.norm(a - middle) + 1e-6) - self._down() * (0.5 if seen else -0.5)
            c.fill(np.array([a, b, (a + b) / 2 + d * st["spike"] * s]), st["ink"])
        if seen:
            for j in range(st["lower_spikes"]):
                i = 20 - 3 * j
                tip = (
                    lower[i]
                    + (self._down() + 0.3 * (upper[-1] - upper[0]) / (np.linalg.norm(upper[-1] - upper[0]) + 1e-6))
                    * st["spike"]
                    * 0.7
                    * s
                )
                c.line(np.array([lower[i], tip]), st["ink"], self.lw * 0.8)

    def _ball(self, c: Canvas, side: int, upper: np.ndarray, lower: np.ndarray) -> None:
        """The eyeball: white, iris, pupil, glints, the lid's shadow."""
        e, st, rx, ry = self.eyes[side], self.style, self.rx, self.ry
        iris, dark = self.irises[side], st["dark"][side]
        opening = np.vstack([upper, lower[::-1]])
        c.fill(opening, st["ink"] if st["plain"] else st["white"])
        turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
        middle = e["place"](np.array([self.iris_x[side] * e["sign"]]), np.array([self.iris_y]))[0]

        def oval(x: float, y: float, a: float, b: float) -> np.ndarray:
            return self.head.on(middle + np.stack([x + a * np.cos(turn), y + b * np.sin(turn)], 1), st["out"])

        disc = oval(0, 0, rx, ry)
        c.fill(disc, iris)
        if st["ramp"] > 0:
            c.within(c.mask(disc), lambda k: self._ramp(k, disc, iris, dark, st["ramp"]))
        for j in range(st["rays"]):
            a = 2 * np.pi * j / st["rays"] + 0.3
            ray = np.array([[rx * r * math.cos(a), ry * r * math.sin(a)] for r in (0.35, 0.9)]) + middle
            c.line(self.head.on(ray), mixed(iris, dark, 0.4), 1)
        if st["crescent"] > 0:
            c.fill(oval(0, ry * 0.45, rx * 0.7, ry * 0.4), mixed(iris, WHITE, st["crescent"]))
        p = st["pupil_size"]
        if st["pupil"] == "oval":
            c.fill(oval(0, st["pupil_y"] * ry, rx * p, ry * p), dark)
        elif st["pupil"] == "slit":
            c.fill(oval(0, 0, rx * 0.15, ry * 0.7), dark)
        elif st["pupil"] == "ring":
            c.line(oval(0, 0, rx * 0.55, ry * 0.55), dark, max(1, self.lw), True)
        elif st["pupil"] == "star":
            a = np.linspace(0, 2 * np.pi, 10, endpoint=False)
            r = np.where(np.arange(10) % 2, 0.25, 0.6)
            c.fill(
                self.head.on(middle + np.stack([rx * r * np.sin(a), -ry * r * np.cos(a)], 1)), mixed(iris, WHITE, 0.8)
            )
        if st["rim"] > 0:
            c.line(disc, mixed(iris, dark, st["rim"]), max(1, st["rim_width"] * self.lw), True)
        if st["lid_shadow"] > 0:
            strip = np.vstack([upper, (upper + self._down() * st["shadow_tall"] * self.s)[::-1]])
            c.lay(darker(self.shade_skin, 0.55), c.mask(strip), st["lid_shadow"])
        for x, y, r, tall in st["glints"]:
            c.fill(oval(x * rx, y * ry, r * rx, r * rx * tall), WHITE)

    def _ramp(self, c: Canvas, disc: np.ndarray, light: Colour, dark: Colour, share: float) -> None:
        """Dark above, light below, across an iris."""
        low, high = disc.min(0), disc.max(0)
        x0, y0 = np.maximum(np.floor(low).astype(int), 0)
        x1, y1 = np.ceil(high).astype(int) + 1
        part = c.pixels[y0:y1, x0:x1]
        if part.size == 0:
            return
        t = np.clip(1.15 - np.linspace(0, 1.15, part.shape[0]), 0, 1)[:, None, None] * share
        part[:] = (np.array(light) * (1 - t) + np.array(dark) * t).astype(np.uint8)

    def _measure_iris(self, side: int) -> None:
        """Centre, right end and lower end of the iris' visible part."""
        e = self.eyes[side]
        x, y = self.iris_x[side] * e["sign"], self.iris_y
        left, right = max(x - self.rx, -self.half), min(x + self.rx, self.half)
        middle = (left + right) / 2
        top = max(y - self.ry, float(np.interp(middle, e["x"], e["up"])))
        bottom = min(y + self.ry, float(np.interp(middle, e["x"], e["low"])))
        bottom = max(bottom, top + 0.01)
        centre = e["place"](np.array([middle]), np.array([(top + bottom) / 2]))[0]
        ends = [[0, 0], [(right - left) / 2, 0], [0, (bottom - top) / 2]]
        self.iris_at[side] = self.head.on(centre + np.array(ends), self.style["out"])

    def _draw_brows(self, c: Canvas) -> None:
        u = self.u
        self.no_brows = self.chance(0.05)
        self.brow_lines = [self.head.on(b, 0.04) for b in self.brows]
        if self.no_brows:
            return
        colour = self.pick(
            [darker(self.hair, u(0.4, 0.95)), self.ink, mixed(self.skin, self.hair, 0.6)], [0.5, 0.3, 0.2]
        )
        width = self.pick([u(0.012, 0.03), u(0.03, 0.07), u(0.07, 0.11)], [0.4, 0.45, 0.15]) * self.s
        taper, t = u(0, 1), np.linspace(0, 1, 13)
        self.brow_width, self.brow_colour = width, colour
        for line in self.brow_lines:
            swell = taper * np.sin(np.pi * np.clip(t * 0.9 + 0.1, 0, 1)) + (1 - taper) * (1 - 0.8 * t)
            c.brush(line, width * swell, colour)

    # ------------------------------------------------------------------------------------------ hair, body, things

    def _hair_shape(self) -> None:
        u = self.u
        self.hair_wide, self.hair_top = u(1.04, 1.28), self.head.top - u(0.08, 0.35)
        self.hair_line = self._line(self.hair)
        self.hair_lw = max(0.6, self.lw * u(0.5, 1.1))

    def _lock(self, root: np.ndarray, tip: np.ndarray, wide: float, bend: float, out: float = 0.12) -> np.ndarray:
        """A pointed lock of hair from root to tip, face space, as a polygon in px."""
        t = np.linspace(0, 1, 12)[:, None]
        d = tip - root
        n = np.array([-d[1], d[0]])
        middle = root * (1 - t) + tip * t + n * bend * np.sin(np.pi * t)
        w = wide * (1 - t**2.2) * np.minimum(1, 0.5 + 2 * t) / (np.linalg.norm(n) + 1e-6)
        return self.head.on(np.vstack([middle - n * w / 2, (middle + n * w / 2)[::-1]]), out)

    def _back_hair(self) -> None:
        u, c, head = self.u, self.c, self.head
        long = self.pick([u(0.3, 0.9), u(0.9, 1.8), u(1.8, 4)], [0.35, 0.35, 0.3])
        wide = self.hair_wide * u(1.0, 1.45)
        crown = head.shell(self.hair_wide, self.hair_top, 0.0)
        n = int(self.rng.integers(4, 10))
        x = np.linspace(wide, -wide, 2 * n + 1)
        y = np.where(np.arange(2 * n + 1) % 2, long - u(0.05, 0.5), long) + self.rng.normal(0, 0.08, 2 * n + 1)
        flow = u(-0.3, 0.3)
        hem = head.placed(np.stack([x + flow * long * 0.3, y], 1))
        shape = np.vstack([crown, hem])
        colour = self.shade_hair if self.chance(0.7) else self.hair
        c.fill(shape, colour)
        if self.line_kind != "none":
            c.line(shape, self.hair_line, self.hair_lw, True)
        for _ in range(int(self.rng.integers(0, 12))):
            a = u(-1, 1) * self.hair_wide
            strand = head.placed(
                np.array([[a * 0.8, 0], [a, long * 0.5], [a + flow * long * 0.3, long * u(0.6, 0.95)]])
            )
            c.line(curve(strand, 12), darker(colour, u(0.6, 0.95)), self.hair_lw)
        if self.chance(0.22):  # tails
            for sign in self.pick([(-1, 1), (1,), (-1,)]):
                a, b = np.array([sign * 0.9, head.top * 0.6]), np.array([sign * u(1.2, 2.4), u(0.3, 3)])
                t = np.linspace(0, 1, 14)[:, None]
                path = a * (1 - t) + b * t + np.array([sign * u(0.1, 0.8), 0]) * np.sin(np.pi * t)
                w = u(0.25, 0.6) * np.sin(np.pi * np.clip(t * 0.85 + 0.12, 0, 1))
                tail = head.placed(np.vstack([path - [1, 0] * w, (path + [1, 0] * w)[::-1]]))
                c.fill(tail, colour)
                c.line(tail, self.hair_line, self.hair_lw, True)

    def _body(self) -> None:
        u, c, head, s = self.u, self.c, self.head, self.s
        wide, neck = u(0.9, 2.0), u(0.26, 0.45)
        lean = self.g(0.2)
        chin = head.on(np.array([[0, head.chin - 0.05]]))[0]

        def at(points: list[list[float]]) -> np.ndarray:  # a body stands more upright than its head
            p = np.array(points, float)
            r = head.roll * 0.4 + lean * 0.3
            turn = np.array([[math.cos(r), math.sin(r)], [-math.sin(r), math.cos(r)]])
            return chin + p * s @ turn

        cloth = hsv(u(0, 360), u(0, 0.9), u(0.1, 1))
        torso = [
            [-wide, 4],
            [-wide, u(0.6, 1.0)],
            [-neck - 0.25, u(0.35, 0.5)],
            [neck + 0.25, u(0.35, 0.5)],
            [wide, u(0.6, 1.0)],
            [wide, 4],
        ]
        c.fill(at([[-neck, -0.5], [neck, -0.5], [neck + 0.08, 0.8], [-neck - 0.08, 0.8]]), self.skin)
        c.fill(
            at([[-neck, -0.3], [neck, -0.3], [neck * 0.9, u(0.1, 0.45)], [-neck * 0.9, u(0.0, 0.35)]]), self.shade_skin
        )
        c.fill(at(torso), cloth)
        if self.line_kind != "none":
            c.line(at(torso), self._line(cloth), self.lw, True)
            for q in (-1, 1):
                c.line(at([[q * neck, -0.3], [q * (neck + 0.08), 0.5]]), self._line(self.skin), self.lw)
        if self.chance(0.6):
            c.fill(
                at([[-neck - 0.05, 0.35], [neck + 0.05, 0.35], [0, u(0.8, 1.6)]]),
                self.skin if self.chance(0.5) else WHITE,
            )
        if self.chance(0.5):
            second = hsv(u(0, 360), u(0, 0.9), u(0.1, 1))
            for q in (-1, 1):
                c.fill(at([[q * (neck + 0.3), 0.3], [q * (neck + 0.7), 0.8], [0, u(1.0, 1.5)], [0, 0.9]]), second)
        if self.chance(0.25):  # a choker or a chain, close under the chin
            band, y = hsv(u(0, 360), u(0, 0.9), u(0, 1)), u(-0.12, 0.3)
            t = np.linspace(-1, 1, 12)
            strip = np.stack([t * (neck + 0.04), y + 0.08 * (1 - t**2)], 1)
            c.brush(at(strip.tolist()), np.full(12, u(0.02, 0.16) * s), band)
            if self.chance(0.6):
                c.disc(at([[0, y + 0.12]])[0], u(0.03, 0.1) * s, hsv(u(0, 360), u(0, 0.9), u(0.2, 1)))
        if self.chance(0.35):
            knot = hsv(u(0, 360), u(0.2, 0.9), u(0.2, 1))
            y = u(0.6, 1.1)
            for q in (-1, 1):
                c.fill(at([[0, y], [q * 0.4, y - 0.18], [q * 0.38, y + 0.2]]), knot)
            c.fill(at([[-0.08, y - 0.08], [0.08, y - 0.08], [0.08, y + 0.08], [-0.08, y + 0.08]]), darker(knot, 0.8))

    def _ears(self) -> None:
        u, head, c = self.u, self.head, self.c
        if self.chance(0.12):
            return
        long = u(0.5, 1.2) if self.chance(0.06) else 0.0
        for sign in (-1, 1):
            shape = np.array(
                [[0.9, -0.1], [1.06 + long, -0.16 - long * 0.4], [1.13, 0.05], [1.04, 0.3], [0.9, 0.34]]
            ) * [sign, 1]
            flat = head.turned(shape[:, 0], shape[:, 1] + self.eye_line, np.full(5, -0.05))
            c.fill(curve(flat, 20, True) if not long else flat, self.skin)
            c.line(curve(flat, 20, True) if not long else flat, self._line(self.skin), self.lw, True)

    def _front_hair(self, c: Canvas) -> None:
        u, head = self.u, self.head
        kind = self.pick(["fringe", "blunt", "parted", "swept", "none", "over one eye", "bald"],
                         [0.5, 0.13, 0.14, 0.13, 0.03, 0.06, 0.01] if self.everyday else
                         [0.34, 0.13, 0.16, 0.14, 0.08, 0.1, 0.05])  # fmt: skip
        if kind == "bald":
            return
        brow = self.eye_line - self.above
        level = brow + self.pick([u(-0.5, -0.2), u(-0.25, -0.02), u(-0.04, 0.22)], [0.4, 0.42, 0.18])
        n = int(self.rng.integers(3, 9))
        part = float(np.clip(self.g(0.35), -0.8, 0.8))
        x = np.sort(np.linspace(-0.92, 0.92, n) + self.rng.normal(0, 0.05, n))
        tips = np.full(n, level) + self.rng.normal(0, 0.09, n)
        if kind == "parted":
            tips = level + 0.35 * np.abs(x - part) ** 0.8 - u(0.1, 0.4) + self.rng.normal(0, 0.04, n)
        if kind == "swept":
            tips = level + (x * self.pick([-1, 1]) * u(0.1, 0.3)) + self.rng.normal(0, 0.05, n)
        if kind == "blunt":
            tips = np.full(n, level) + self.rng.normal(0, 0.015, n)
        if kind == "none":
            tips = np.full(n, brow - u(0.35, 0.6))
        if kind == "over one eye":
            side = self.pick([-1, 1])
            tips = np.where(x * side > 0.05, self.eye_line + self.below + u(0.0, 0.35), tips)
        if self.chance(0.25) and n > 3:  # one long lock between the eyes
            tips[int(np.argmin(np.abs(x - part * 0.3)))] += u(0.1, 0.45)
        notch = u(0.04, 0.3) if kind != "blunt" else u(0.0, 0.05)
        bend = u(-0.12, 0.12) if kind != "swept" else self.pick([-1, 1]) * u(0.1, 0.25)
        edge: list[np.ndarray] = []
        for i in range(n):
            a = np.array([x[i], tips[i]])
            if i:
                before = np.array([x[i - 1], tips[i - 1]])
                valley = (a + before) / 2 - [self.g(0.02), notch * u(0.5, 1.2)]
                for p, q in ((before, valley), (valley, a)):
                    t = np.linspace(0, 1, 6)[1:, None]
                    edge += list(p * (1 - t) + q * t + np.array([bend, 0.0]) * np.sin(np.pi * t) * 0.5)
            else:
                edge.append(a)
        start, stop = np.array([[-1.0, self.eye_line + u(-0.3, 0.3)]]), np.array([[1.0, self.eye_line + u(-0.3, 0.3)]])
        crown = head.shell(self.hair_wide, self.hair_top, self.eye_line)
        cap = np.vstack([crown, head.on(np.vstack([stop, np.array(edge)[::-1], start]), 0.12)])
        c.fill(cap, self.hair)
        self._hair_inside(c, crown, cap, x, tips, notch)
        if self.line_kind != "none":
            c.line(cap, self.hair_line, self.hair_lw, True)
        for sign in (-1, 1):  # the locks before the ears
            if self.chance(0.72):
                for _ in range(int(self.rng.integers(1, 4))):
                    root = np.array([sign * u(0.88, 1.06), u(-0.7, -0.2)])
                    tip = np.array([sign * u(0.74, 1.2), self.pick([u(0.2, 0.8), u(0.8, 2.4)])])
                    lock = self._lock(root, tip, u(0.1, 0.34), u(-0.12, 0.12))
                    c.fill(lock, self.hair if self.chance(0.7) else self.shade_hair)
                    if self.line_kind != "none":
                        c.line(lock, self.hair_line, self.hair_lw, True)
        for _ in range(int(self.rng.integers(0, 4))):  # loose strands over the face
            a = u(-0.9, 0.9)
            lock = self._lock(
                np.array([a * 0.7, head.top * 0.7]),
                np.array([a + self.g(0.1), level + u(0, 0.5)]),
                u(0.02, 0.1),
                u(-0.15, 0.15),
            )
            c.fill(lock, self.hair)
        if self.chance(0.15):
            tuft = self._lock(
                np.array([u(-0.3, 0.3), head.top]), np.array([u(-0.9, 0.9), head.top - u(0.2, 0.7)]), 0.1, u(-0.5, 0.5)
            )
            c.fill(tuft, self.hair)
            c.line(tuft, self.hair_line, self.hair_lw, True)

    def _hair_inside(
        self, c: Canvas, crown: np.ndarray, cap: np.ndarray, x: np.ndarray, tips: np.ndarray, notch: float
    ) -> None:
        """Second tone, strands and the ring of light in the fringe."""
        u, head = self.u, self.head
        mask = c.mask(cap)
        cover, c.cover = c.cover, None
        if self.shading != "flat" and self.chance(0.7):
            for i in range(len(x)):
                lock = self._lock(
                    np.array([x[i] * 0.7, head.top * 0.6]),
                    np.array([x[i], tips[i] - 0.02]),
                    u(0.08, 0.25),
                    u(-0.1, 0.1),
                )
                c.soft(lock, self.shade_hair, u(0.3, 0.9), 0 if self.shading == "cel" else 0.03 * self.s, mask)
        if self.chance(0.5):
            turn = np.linspace(-0.9, 0.9, 24)
            y = head.top * u(0.4, 0.75)
            zig = np.where(np.arange(24) % 2, u(0.02, 0.12), 0)
            tall = u(0.04, 0.16)
            band = np.vstack(
                [
                    np.stack([turn, y + zig + 0.1 * turn**2], 1),
                    np.stack([turn, y + tall - zig + 0.1 * turn**2], 1)[::-1],
                ]
            )
            c.soft(head.on(band, 0.15), mixed(self.hair, WHITE, u(0.3, 0.8)), u(0.4, 1), u(0, 0.03) * self.s, mask)
        for i in range(len(x) - 1):
            if self.chance(0.7):
                a = np.array(
                    [
                        [(x[i] + x[i + 1]) / 2, (tips[i] + tips[i + 1]) / 2 - notch],
                        [(x[i] + x[i + 1]) * 0.38, head.top * u(0.3, 0.8)],
                    ]
                )
                c.line(
                    head.on(a, 0.13), self.hair_line if self.chance(0.6) else self.shade_hair, self.hair_lw * u(0.5, 1)
                )
        c.cover = cover

    def _cast_shadow(self, cover: np.ndarray, inside: np.ndarray) -> None:
        """The fringe's shadow on the face."""
        u = self.u
        shift = np.array([[1, 0, u(-0.04, 0.04) * self.s], [0, 1, u(0.02, 0.14) * self.s]], np.float32)
        shadow = cv2.min(cv2.warpAffine(cover, shift, cover.shape[::-1]), inside)
        if self.chance(0.35):
            shadow = cv2.GaussianBlur(shadow, (0, 0), u(0.01, 0.05) * self.s)
        ratio = np.array(self.shade_skin) / np.maximum(np.array(self.skin), 1)
        self.c.lay(np.clip(self.c.pixels * np.minimum(ratio, 1), 0, 255).astype(np.uint8), shadow, u(0.4, 1))

    def _lay_hair(self, hair: np.ndarray, cover: np.ndarray, bare: np.ndarray) -> None:
        """The front hair over the face, opaque or thin; eyes and brows may be drawn through it."""
        u, c = self.u, self.c
        solid = 1.0 if self.chance(0.72) else u(0.4, 0.95)
        edge = cv2.GaussianBlur(cover, (0, 0), u(0.005, 0.02) * self.s) if self.chance(0.15) else cover
        c.lay(hair, edge, solid)
        hidden = cover.copy() if solid > 0.75 else np.zeros_like(cover)
        if self.chance(0.35):
            through = np.zeros_like(cover)
            lines = Canvas(np.zeros((*cover.shape, 3), np.uint8))
            lines.cover = through
            if self.chance(0.6):
                for e in self.eyes:
                    shape = np.vstack([self.head.on(e["upper"]), self.head.on(e["lower"])[::-1]])
                    lines.fill(shape, WHITE)
                    lines.line(shape, WHITE, self.style["lash"] * self.s + 2, True)
            if not self.no_brows:
                for line in self.brow_lines:
                    lines.brush(line, np.full(len(line), self.brow_width + 2), WHITE)
            share = u(0.3, 1)
            c.lay(bare, through, share)
            if share > 0.55:
                hidden = cv2.subtract(hidden, through)
        self.hidden = hidden

    def _worn(self) -> None:
        """Hats, bands, ears of animals, flowers, glasses, a hand before the mouth; each covers what lies under it."""
        u, c, head, s = self.u, self.c, self.head, self.s
        some = hsv(u(0, 360), u(0, 0.9), u(0.1, 1))
        if self.chance(0.12):  # a hat
            brim = head.top * u(0.35, 0.75)
            crown = head.shell(self.hair_wide * 1.06, self.hair_top - u(0, 0.5), brim)
            c.fill(crown, some)
            c.line(crown, darker(some, 0.4), self.lw)
            wide = u(1.1, 2.2)
            turn = np.linspace(0, 2 * np.pi, 40)
            c.fill(
                head.placed(np.stack([wide * np.cos(turn), brim + u(0.1, 0.3) * np.sin(turn)], 1)),
                darker(some, u(0.6, 1)),
            )
        elif self.chance(0.08):  # a band
            t = np.linspace(-1.1, 1.1, 20)
            y = head.top * u(0.5, 0.8) + 0.12 * t**2
            c.brush(head.on(np.stack([t, y], 1), 0.2), np.full(20, u(0.06, 0.25) * s), some)
        if self.chance(0.1):
            inner = mixed(some, self.skin, 0.6)
            for sign in (-1, 1):
                ear = head.placed(
                    np.array([[0.35, head.top * 0.85], [u(0.6, 0.9), head.top - u(0.2, 0.7)], [0.95, head.top * 0.6]])
                    * [sign, 1]
                )
                c.fill(ear, self.hair if self.chance(0.6) else some)
                c.fill((ear - ear.mean(0)) * 0.5 + ear.mean(0), inner)
        for _ in range(int(self.rng.integers(1, 3)) if self.chance(0.35) else 0):
            o = head.placed(np.array([[u(-1.1, 1.1), u(head.top, -0.3)]]))[0]
            size, colour = s * u(0.06, 0.35), hsv(u(0, 360), u(0, 0.9), u(0.2, 1))
            if self.chance(0.5):
                for sign in (-1, 1):
                    c.fill(o + np.array([[0, 0], [1, -0.6], [1.1, 0.5]]) * [sign, 1] * size, colour)
                c.disc(o, size * 0.25, darker(colour, 0.8))
            else:
                petals = int(self.rng.integers(4, 7))
                for i in range(petals):
                    a = 2 * np.pi * i / petals
                    c.disc(o + 0.6 * size * np.array([math.cos(a), math.sin(a)]), 0.42 * size, colour)
                c.disc(o, 0.3 * size, darker(colour, 0.7))
        if self.chance(0.13):
            self._glasses()
        if self.chance(0.1):
            self._hand()

    def _glasses(self) -> None:
        u, c, head = self.u, self.c, self.head
        colour = hsv(u(0, 360), u(0, 0.9), u(0.1, 1)) if self.chance(0.4) else hsv(0, 0, u(0, 0.35))
        wide, tall = self.half * u(1.1, 1.6), self.half * u(0.75, 1.5)
        width, dy, power = max(0.7, self.s * u(0.01, 0.045)), u(-0.05, 0.14), u(2, 6)
        turn = np.linspace(0, 2 * np.pi, 30, endpoint=False)
        half_rim, tint = self.chance(0.15), self.chance(0.3)
        cover, c.cover = c.cover, None  # thin rims hide nothing
        for sign in (-1, 1):
            x = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** (2 / power)
            y = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** (2 / power)
            rim = head.on(np.stack([sign * self.apart + wide * x, self.eye_line + dy + tall * y], 1), 0.12)
            if tint:
                c.soft(rim, hsv(u(0, 360), u(0, 0.9), 1) if self.chance(0.5) else WHITE, u(0.08, 0.45), 0)
            c.line(rim[:16] if half_rim else rim, colour, width, not half_rim)
            if self.chance(0.3):
                c.line(np.array([rim[20], rim[10]]) * 0.6 + rim.mean(0) * 0.4, WHITE, width)
            arm = head.turned(
                np.array([sign * (self.apart + wide), sign * 1.05]),
                np.full(2, self.eye_line + dy - 0.1),
                np.array([0.7 * head.depth, 0.0]),
            )
            c.line(arm, colour, width)
        bridge = np.array(
            [
                [-self.apart + wide, self.eye_line + dy],
                [0, self.eye_line + dy - 0.05],
                [self.apart - wide, self.eye_line + dy],
            ]
        )
        c.line(head.on(curve(bridge, 8), 0.15), colour, width)
        c.cover = cover

    def _hand(self) -> None:
        u, c, s = self.u, self.c, self.s
        o = self.head.on(np.array([[u(-1, 1), u(0.35, 1.4)]]), 0.3)[0]
        colour, a, z = (
            self.skin if self.chance(0.7) else hsv(u(0, 360), u(0, 0.9), u(0.1, 1)),
            u(0, 2 * np.pi),
            s * u(0.1, 0.18),
        )
        d = np.array([math.cos(a), math.sin(a)])
        n = np.array([-d[1], d[0]])
        for i in range(int(self.rng.integers(2, 5))):
            start = o + n * i * z * 0.95
            stop = start + d * z * u(2, 4.5)
            for colour_now, wide in ((self._line(colour), z + 2 * self.lw), (colour, z)):
                c.brush(np.array([start, stop]), np.full(2, wide), colour_now)
                c.disc(stop, wide / 2, colour_now)
        palm = o + np.outer([-1, 3.5, 4, -1], n * z) + np.outer([-1, -1, 2.5, 2.5], -d * z)
        c.fill(palm, colour)

    # ------------------------------------------------------------------------------------------ the truth

    def _truth(self) -> Drawn:
        head = self.head
        points, visible = np.zeros((POINTS, 2)), np.ones(POINTS)
        for i, e in enumerate(self.eyes):
            upper, lower = head.on(e["upper"]), head.on(e["lower"])
            if e["sign"] < 0:
                upper, lower = upper[::-1], lower[::-1]
            o = 15 * i
            points[o : o + 7], points[o + 7 : o + 12] = along(upper, 7), along(lower, 7)[1:6]
            iris = self.iris_at[i]
            if iris is None:
                points[o + 12 : o + 15], visible[o + 12 : o + 15] = upper.mean(0), -1
            else:
                points[o + 12 : o + 15] = iris
            line = self.brow_lines[i] if e["sign"] > 0 else self.brow_lines[i][::-1]
            points[30 + 4 * i : 34 + 4 * i] = along(line, 4)
        if self.no_brows:
            visible[30:38] = -1
        points[38] = head.on(np.array([[0, self.nose]]), 0.12)[0]
        left, right = head.outline(self.eye_line)
        points[39:44], points[43:48] = along(left, 5), along(right, 5)[::-1]
        m = {k: head.on(self.mouth[k]) for k in ("upper", "lower", "inner_upper", "inner_lower")}
        points[48:55], points[55:60] = along(m["upper"], 7), along(m["lower"], 7)[1:6][::-1]
        points[60:63], points[63:66] = along(m["inner_upper"], 5)[1:4], along(m["inner_lower"], 5)[1:4]
        if self.mouth["kind"] == "none":
            visible[48:66] = -1
        h, w = self.c.shape
        at = np.round(points).astype(int)
        inside = (at >= 0).all(1) & (at[:, 0] < w) & (at[:, 1] < h)
        covered = np.zeros(POINTS, bool)
        covered[inside] = self.hidden[at[inside, 1], at[inside, 0]] > 128
        visible[covered & (visible == 1)] = 0
        visible[~inside] = -1
        return Drawn(
            canvas=self.c.pixels,
            points=points.astype(np.float32),
            visible=visible.astype(np.float32),
            open=(self.eyes[0]["state"] in ("open", "half"), self.eyes[1]["state"] in ("open", "half")),
            mouth_open=bool(self.mouth["open"]),
            mouth_drawn=self.mouth["kind"] != "none",
            yaw=head.yaw,
            pitch=head.pitch,
        )
