"""What is about the hair and is none: skin, a face, clothes, and what is worn on the head."""

from __future__ import annotations

import numpy as np
from training.drawn_faces.paint import Colour, curve, darker, hsv, mixed
from training.hair.person import Person
from training.hair.sheet import BODY, SKIN, WORN, Sheet, any_colour, oval, sides_of


def body(s: Sheet, who: Person, arms: float = 0.35) -> None:
    """Neck, shoulders and clothes; ``arms`` the chance of each of four arms."""
    rng, u = who.rng, who.rng.uniform
    neck, drop, wide = u(0.14, 0.3), who.chin + u(-0.05, 0.32), u(0.7, 1.5)
    column = np.array([(-neck, 0.2), (neck, 0.2), (neck * 1.1, drop + 0.3), (-neck * 1.1, drop + 0.3)])
    s.fill(column, darker(who.skin, u(0.65, 0.95)), SKIN)
    cloth = any_colour(rng)
    if rng.random() < 0.3:  # like the hair
        cloth = mixed(who.tones.at(rng, u(-1, 1)), any_colour(rng), u(0, 0.4))
    bare = rng.random() < 0.2
    right = np.array([
        (neck * u(0.8, 1.3), drop - u(-0.05, 0.12)), (wide * 0.6, drop + u(0.05, 0.25)),
        (wide, drop + u(0.25, 0.6)), (wide * u(0.9, 1.3), 3.5),
    ])  # fmt: skip
    left = right * (-1, 1) + rng.normal(0, 0.03, right.shape)
    shape = np.vstack([curve(left[::-1], 20), curve(right, 20)])
    if rng.random() < 0.15:
        cloth = hsv(u(0, 360), u(0, 0.12), u(0.75, 1.0))
    ink, thin = darker(mixed(cloth, who.ink, 0.5), u(0.1, 0.5)), u(0.006, 0.02)
    for side in (-1, 1):  # one arm may be behind the body, both before it, or none seen
        if rng.random() < arms:
            _arm(s, who, (side * wide * 0.95, drop + 0.5), who.skin if bare or rng.random() < 0.3 else cloth, ink)
    s.fill(shape, who.skin if bare else cloth, SKIN if bare else BODY)
    if who.style == "cel" and rng.random() < 0.8:
        s.stroke(shape, thin, ink, BODY)
    for _ in range(int(rng.integers(0, 9))):  # folds, straps, lapels, patterns
        what, at = rng.random(), np.array([u(-wide, wide), u(drop, 3.0)])
        colour = darker(cloth, u(0.5, 1.4)) if what < 0.6 else any_colour(rng)
        if what < 0.8:
            path = curve(at + np.cumsum(rng.normal(0, 0.25, (4, 2)), 0), 20)
            s.stroke(path, u(0.01, 0.16) * np.sin(np.linspace(0.1, 3, 20)), colour, BODY)
        else:
            s.fill(at + rng.normal(0, u(0.05, 0.4), (int(rng.integers(3, 6)), 2)), colour, BODY)
    for _ in range(int(rng.integers(0, 12)) if rng.random() < 0.6 else 0):  # folds as lines
        at = np.array([u(-wide, wide), u(drop + 0.1, 3.0)])
        s.stroke(curve(at + np.cumsum(rng.normal((0, 0.08), 0.12, (3, 2)), 0), 10), thin, ink, BODY)
    if rng.random() < 0.45:  # an open neckline
        low = (u(-0.1, 0.1), drop + u(0.1, 0.7))
        s.fill(np.array([(-neck * 1.3, drop - 0.02), (neck * 1.3, drop - 0.02), low]), who.skin, SKIN)
    if rng.random() < 0.5:
        _trimmings(s, who, drop, wide, cloth)
    if rng.random() < 0.35:
        _collar(s, who, neck, drop)
    for side in (-1, 1):
        if rng.random() < arms:
            _arm(s, who, (side * wide * 0.85, drop + 0.45), who.skin if bare or rng.random() < 0.3 else cloth, ink)


def _arm(s: Sheet, who: Person, shoulder: tuple[float, float], colour: Colour, ink: Colour) -> None:
    """An arm that hangs, is bent before the body, or raised; outlined in cels."""
    rng, u = who.rng, who.rng.uniform
    side, turn = np.sign(shoulder[0]), float(rng.choice([u(-0.3, 0.5), u(0.2, 1.2), u(2.0, 3.0)], p=[0.5, 0.3, 0.2]))
    upper, lower, wide = u(0.7, 1.1), u(0.6, 1.0), u(0.16, 0.36)
    elbow = np.array(shoulder) + upper * np.array([side * np.sin(turn), np.cos(turn)])
    bend = turn + u(-2.4, 0.3)
    hand = elbow + lower * np.array([side * np.sin(bend), np.cos(bend)])
    path = curve(np.array([shoulder, elbow, hand]), 20)
    widths = wide * np.linspace(1.1, 0.65, 20)
    if who.style == "cel":
        s.stroke(path, widths + 0.03, ink, BODY)
    s.stroke(path, widths, colour, BODY)
    s.fill(oval(hand[0], hand[1], u(0.1, 0.18), u(0.14, 0.24), bend), who.skin, SKIN)


def _trimmings(s: Sheet, who: Person, drop: float, wide: float, cloth: Colour) -> None:
    """A tie, a bow, buttons, stripes or frills."""
    rng, u = who.rng, who.rng.uniform
    kind, colour = int(rng.integers(0, 5)), any_colour(rng)
    if kind == 0:
        end = drop + u(0.6, 1.6)
        s.fill(np.array([(-0.06, drop), (0.06, drop), (0.12, end), (0, end + 0.12), (-0.12, end)]), colour, BODY)
    elif kind == 1:
        r = u(0.15, 0.4)
        for side in (-1, 1):
            s.fill(np.array([(0, drop + 0.1), (side * r, drop - 0.05), (side * r, drop + 0.3)]), colour, BODY)
            s.fill(
                np.array([(0, drop + 0.1), (side * r * 0.7, drop + u(0.4, 0.9)), (side * 0.02, drop + 0.3)]),
                colour,
                BODY,
            )
    elif kind == 2:
        for y in np.arange(drop + 0.3, 3.0, u(0.2, 0.4)):
            s.fill(oval(u(-0.02, 0.02), y, 0.03, 0.03), colour, BODY)
        s.stroke(np.array([(0.08, drop), (0.08, 3.2)]), 0.012, darker(cloth, 0.5), BODY)
    elif kind == 3:
        gap = u(0.12, 0.4)
        for y in np.arange(drop + 0.35, 3.0, gap):
            s.stroke(np.array([(-wide * 0.8, y), (0, y + 0.05), (wide * 0.8, y)]), gap * u(0.2, 0.5), colour, BODY)
    else:
        r, y = u(0.06, 0.16), drop + u(0.0, 1.2)
        for x in np.arange(-wide * 0.8, wide * 0.8, r * 1.3):
            s.fill(oval(x, y + 0.1 * x * x, r, r * 0.9), darker(colour, u(0.85, 1.1)), BODY)


def _collar(s: Sheet, who: Person, neck: float, drop: float) -> None:
    """A collar, a scarf or fur, at times of the hair's colour."""
    rng, u = who.rng, who.rng.uniform
    colour = any_colour(rng) if rng.random() < 0.6 else who.tones.at(rng, u(-1, 1))
    for side in (-1, 1):
        ends = (side * neck * 1.5, drop - 0.15), (side * u(0.4, 0.8), drop + u(0, 0.5))
        points = np.array([(side * 0.05, drop + 0.25), *ends])
        if rng.random() < 0.4:
            for _ in range(14):
                tuft = points[rng.integers(0, 3)] + rng.normal(0, 0.12, 2)
                hairs = np.array([tuft, tuft + rng.normal(0, 0.1, 2)])
                s.stroke(hairs, u(0.02, 0.08), darker(colour, u(0.7, 1.2)), BODY)
        s.fill(points, colour, BODY)


def face(s: Sheet, who: Person) -> None:
    """The face with its features, the ears, at times a beard or glasses."""
    rng, u = who.rng, who.rng.uniform
    if rng.random() < 0.8:
        for side in (-1, 1):
            s.fill(oval(side * who.cheek * 1.02, 0.0, 0.07, u(0.1, 0.17)), darker(who.skin, 0.9), SKIN)
    t = np.linspace(0, np.pi, 24)
    narrow = 1 - 0.25 * np.sin(t) ** u(1.5, 4)
    jaw = np.stack([who.cheek * np.cos(t) * narrow, who.chin * np.sin(t) ** u(0.7, 1.0)], 1)
    top = np.stack([who.cheek * np.cos(t + np.pi), 0.75 * np.sin(t + np.pi)], 1)
    s.fill(np.vstack([jaw, top]), who.skin, SKIN)
    if who.style != "cel":
        for side in (-1, 1):
            s.shade(oval(side * 0.4, 0.1, 0.25, 0.5), darker(who.skin, u(0.6, 1.15)), u(0.1, 0.6), 0.1)
    size, level = (u(0.6, 1.3) if who.style == "cel" else u(0.4, 0.7)), u(-0.12, 0.08)
    iris, dark = any_colour(rng), darker(who.skin, u(0.1, 0.5))
    for side in (-1, 1):
        x = side * 0.22
        s.fill(oval(x, level, 0.1 * size**0.5, 0.09 * size), (245, 245, 245), SKIN)
        s.fill(oval(x, level, 0.05 * size**0.5, 0.085 * size), iris, SKIN)
        s.fill(oval(x, level, 0.02, 0.035 * size), darker(iris, 0.2), SKIN)
        lash = curve(np.array([(x - 0.11, level), (x, level - 0.1 * size), (x + 0.11, level)]), 12)
        s.stroke(lash, 0.015, dark, SKIN)
        brow = lash - (0, u(0.06, 0.14))
        if brow[:, 1].min() > who.line:
            s.stroke(brow, u(0.01, 0.045), who.tones.at(rng, -0.6), SKIN)
    if rng.random() < 0.5:
        s.shade(oval(0.02, 0.12, 0.04, 0.16), darker(who.skin, 0.8), 0.5, 0.03)
    mouth = curve(np.array([(-u(0.06, 0.2), 0.34), (0, 0.34 + u(-0.02, 0.05)), (u(0.06, 0.2), 0.34)]), 12)
    s.stroke(mouth, u(0.01, 0.06), hsv(u(-10, 10), u(0.3, 0.7), u(0.4, 0.9)), SKIN)
    if rng.random() < 0.12:  # a beard, of the hair's colour or near it, and no hair of the head
        for _ in range(60):
            x, y = u(-0.42, 0.42), u(0.25, 0.5)
            tone = who.tones.at(rng, rng.normal(-0.3, 0.4))
            s.stroke(np.array([(x, y), (x, y + u(0.05, 0.2))]), u(0.02, 0.06), tone, SKIN)
    if rng.random() < 0.12:
        for side in (-1, 1):
            glass = oval(side * 0.22, level, u(0.13, 0.2), u(0.1, 0.18))
            if rng.random() < 0.35:
                s.fill(glass, (20, 20, 20), WORN)
            s.stroke(np.vstack([glass, glass[:1]]), 0.012, any_colour(rng), WORN)


def worn(s: Sheet, who: Person) -> None:
    """Something on the head, at times of a colour like the hair's."""
    rng, u = who.rng, who.rng.uniform
    kind = int(rng.choice(6, p=[0.4, 0.14, 0.18, 0.1, 0.08, 0.1]))
    colour = any_colour(rng)
    if rng.random() < 0.25:
        colour = mixed(who.tones.at(rng, u(-1, 1)), colour, u(0, 0.5))
    (_hat, _band, _bows, _animal_ears, _headphones, _veil)[kind](s, who, colour, who.cut.wide * u(1.0, 1.15))


def _hat(s: Sheet, who: Person, colour: Colour, wide: float) -> None:
    rng, u = who.rng, who.rng.uniform
    edge, crown = u(-0.66, -0.3), -who.cut.high - u(0.05, 0.9)
    t = np.linspace(np.pi, 2 * np.pi, 20)
    s.fill(np.stack([wide * np.cos(t) * u(0.8, 1.05), edge + (edge - crown) * np.sin(t)], 1), colour, WORN)
    for _ in range(int(rng.integers(0, 6))):  # seams and folds
        x = u(-wide, wide) * 0.7
        fold = curve(np.array([(x, edge), (x * 0.8, (edge + crown) / 2), (x * 0.4, crown + 0.1)]), 10)
        s.stroke(fold, u(0.01, 0.1), darker(colour, u(0.6, 1.3)), WORN)
    if rng.random() < 0.4:
        s.fill(oval(0, (edge + crown) / 2, u(0.08, 0.3), u(0.06, 0.2)), any_colour(rng), WORN)
    if rng.random() < 0.6:  # a brim
        brim = oval(0, edge, wide * u(1.0, 2.2), u(0.06, 0.2), rng.normal(0, 0.08))
        s.fill(brim, darker(colour, u(0.7, 1.1)), WORN)
    if rng.random() < 0.5:
        band = curve(np.array([(-wide, edge - 0.02), (0, edge + 0.03), (wide, edge - 0.02)]), 16)
        s.stroke(band, u(0.04, 0.12), any_colour(rng), WORN)


def _band(s: Sheet, who: Person, colour: Colour, wide: float) -> None:
    top = -who.cut.high * 0.8
    band = curve(np.array([(-wide, -0.35), (-wide * 0.5, top), (wide * 0.5, top), (wide, -0.35)]), 20)
    s.stroke(band, who.rng.uniform(0.04, 0.16), colour, WORN)


def _bows(s: Sheet, who: Person, colour: Colour, wide: float) -> None:
    u = who.rng.uniform
    for side in sides_of(who.rng, 0.5):
        at, r = np.array([side * u(0.35, 1.0) * wide, u(-0.9, 0.2)]), u(0.12, 0.4)
        for way in (-1, 1):
            s.fill(at + r * np.array([(0, 0), (way, -0.6), (way * 1.1, 0.5)]), colour, WORN)
        s.fill(oval(at[0], at[1], 0.06, 0.07), darker(colour, 0.8), WORN)


def _animal_ears(s: Sheet, who: Person, colour: Colour, wide: float) -> None:
    rng, u = who.rng, who.rng.uniform
    for side in (-1, 1):
        foot = np.array([side * u(0.45, 0.8) * wide, -who.cut.high + 0.12])
        tip = np.array([side * u(0.6, 1.1) * wide, -who.cut.high - u(0.2, 0.7)])
        outer = colour if rng.random() < 0.6 else who.tones.at(rng, 0)
        ear = np.array([foot, tip, foot])
        s.fill(ear + np.array([(-0.2, 0), (0, 0), (0.2, 0.1)]), outer, WORN)
        ear[1] = tip * 0.7 + foot * 0.3
        s.fill(ear + np.array([(-0.1, 0), (0, 0), (0.1, 0.05)]), any_colour(rng), WORN)


def _headphones(s: Sheet, who: Person, colour: Colour, wide: float) -> None:
    u = who.rng.uniform
    s.stroke(oval(0, -0.2, wide * 1.02, who.cut.high - 0.15)[20:], u(0.04, 0.1), colour, WORN)
    for side in (-1, 1):
        s.fill(oval(side * wide, 0.0, u(0.1, 0.2), u(0.15, 0.28)), colour, WORN)


def _veil(s: Sheet, who: Person, colour: Colour, wide: float) -> None:
    u = who.rng.uniform
    low, t = u(0.3, 2.6), np.linspace(np.pi, 2 * np.pi, 20)
    outer = np.stack([wide * 1.15 * np.cos(t), -0.3 + (who.cut.high - 0.15) * np.sin(t)], 1)
    right = np.array([(wide * 1.2, -0.3), (wide * u(1.1, 1.6), low), (wide * 0.9, low), (wide * 0.75, -0.4)])
    brow = np.array([(0, -who.cut.high + u(0.08, 0.3))])
    s.fill(np.vstack([outer, right, brow, right[::-1] * (-1, 1)]), colour, WORN)
