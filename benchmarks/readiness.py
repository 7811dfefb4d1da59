"""The checks of the still against faults of known place and strength: recall at 5 % and 1 % false alarms.

    python -m benchmarks.readiness [FOLDER] [--only CHECK]
    python -m benchmarks.readiness [FOLDER] --many 200

FOLDER holds stills (default: ``../shared/stills``, skipped where it is missing). Each still is a clean case; faults
are put into copies with masks that the checks did not make: eyes and mouth from the full-range face detector's key
points (the checks use the mesh), in drawings from labels of our own, the tips of hair from outlines marked by hand,
tiles in the corner with the fewest people, seams anywhere, clocks and lettering at places drawn by chance.
Stills are split in halves by the hash of their name; thresholds are set on the clean stills of one half, and recall
and alarms are read on the other, both ways round, with 95 % intervals by bootstrap over the stills. What a check could
not see is counted, never dropped. The product's own limits, which lie between the 5 % and the 1 % thresholds of both
halves, stand beside: they have seen all stills. A box counts as right when it shares at least .3 of the smaller one of
it and the injected region.

With ``--many`` that many stills (the folder's, again and again) are opened, seen and checked one after the other, and
the memory held after each tenth of them is printed.

What this cannot say: injected faults are cleaner than a generator's own, so the recall is an upper bound.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import PICTURES
from stillwake.media import open_still
from stillwake.perceive.drawn import drawn_face, find_drawn
from stillwake.perceive.faces import MOST_FACES, candidates
from stillwake.perceive.look import perceive
from stillwake.perceive.models import detect
from stillwake.perceive.read import face_of
from stillwake.perceive.text import writing_in
from stillwake.readiness import check
from stillwake.readiness.background import background_findings
from stillwake.readiness.character import character_findings
from stillwake.readiness.expression import expression_findings
from stillwake.readiness.file import file_findings
from stillwake.readiness.framing import framing_findings
from stillwake.readiness.views import measure
from stillwake.types import Box, Finding, Pixels, Scene, Still

SHARED = Path(__file__).parents[2] / "shared" / "stills"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to spoil a still: its check, its strengths, and whether large values are the bad ones."""

    check: str
    strengths: tuple[float, ...]
    bar: tuple[float, float] | None
    high: bool
    spoil: Callable[[Scene, float, np.random.Generator], tuple[Pixels, Box] | None]
    unit: str


LABELS = json.loads((Path(__file__).parent / "drawn_landmarks.json").read_text())["faces"]


def _label(scene: Scene) -> dict[str, Any] | None:
    """What was marked by hand on the largest face of a drawing."""
    for label in LABELS.get(scene.still.name, []) if scene.faces else []:
        x0, y0, x1, y1 = scene.faces[0].box
        x, y = np.mean([p for eye in label["eyes"] for p in eye["upper"] or [eye["iris"] or (x0, y0)]], 0)
        if x0 < x < x1 and y0 < y < y1:
            return label
    return None


def _keys(scene: Scene) -> tuple[np.ndarray, np.ndarray, float] | None:
    """The largest face's eyes by the detector's key points, or as marked by hand, and their distance."""
    if scene.style == "drawn":
        label = _label(scene)
        if label is None or any(eye["iris"] is None for eye in label["eyes"]):
            return None
        left, right = (np.array(eye["iris"]) for eye in label["eyes"])
        return left, right, float(np.linalg.norm(right - left))
    found = detect(scene.still.pixels)
    if not found or not scene.faces:
        return None
    x0, y0, x1, y1 = scene.faces[0].box
    for face in found:
        left, right = (np.array(e) for e in face.eyes)
        middle = (left + right) / 2
        if x0 < middle[0] < x1 and y0 < middle[1] < y1 and face.score > 0.3:
            apart = float(np.linalg.norm(right - left))
            return (left, right, apart) if apart > 20 else None
    return None


def _box_around(x: float, y: float, r: float) -> Box:
    return x - r, y - r, x + r, y + r


def recoloured(scene: Scene, strength: float, chance: np.random.Generator) -> tuple[Pixels, Box] | None:
    """One iris shifted by that many Lab units in a hue drawn by chance."""
    keys = _keys(scene)
    if keys is None:
        return None
    x, y = keys[(side := int(chance.integers(2)))]
    radius = 0.15 * keys[2]  # the key point may lie half an iris off
    if scene.style == "drawn" and (label := _label(scene)) is not None:
        radius = 1.4 * label["eyes"][side]["iris_radius"]  # drawn irises are taller than wide
    height, width = scene.still.pixels.shape[:2]
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    weight = np.clip((1.25 * radius - np.hypot(xx - x, yy - y)) / (0.25 * radius), 0, 1)[..., None]
    angle = chance.uniform(0, 2 * np.pi)
    lab = cv2.cvtColor(scene.still.pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab[..., 1:] += weight * strength * np.array([np.cos(angle), np.sin(angle)], np.float32)
    spoilt = np.clip(np.round(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255), 0, 255).astype(np.uint8)
    return np.where(weight > 0, spoilt, scene.still.pixels), _box_around(x, y, 1.25 * radius)


def _pushed(pixels: Pixels, dx: np.ndarray, dy: np.ndarray) -> Pixels:
    height, width = pixels.shape[:2]
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    drawn: Pixels = cv2.remap(
        pixels,
        (xx + dx).astype(np.float32),
        (yy + dy).astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    return drawn


def enlarged(scene: Scene, strength: float, chance: np.random.Generator) -> tuple[Pixels, Box] | None:
    """One eye enlarged by that factor, fading into its surroundings."""
    keys = _keys(scene)
    if keys is None:
        return None
    x, y = keys[int(chance.integers(2))]
    reach = 0.42 * keys[2]
    height, width = scene.still.pixels.shape[:2]
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.hypot(xx - x, yy - y) / reach
    fade = np.clip((1 - away) / 0.5, 0, 1)
    fade = fade * fade * (3 - 2 * fade)
    shrink = (1 / strength - 1) * fade
    return _pushed(scene.still.pixels, shrink * (xx - x), shrink * (yy - y)), _box_around(x, y, 0.5 * reach)


def lifted(scene: Scene, strength: float, chance: np.random.Generator) -> tuple[Pixels, Box] | None:
    """One mouth corner lifted by that share of the eye distance."""
    keys = _keys(scene)
    if keys is None:
        return None
    left, right, apart = keys
    along = (right - left) / apart
    down = np.array([-along[1], along[0]])
    side = 1 if chance.integers(2) else -1
    x, y = (left + right) / 2 + down * 1.05 * apart + along * side * 0.38 * apart
    reach = 0.22 * apart
    if scene.style == "drawn":
        mouth = (_label(scene) or {"mouth": {"state": "none"}})["mouth"]
        if mouth["state"] not in ("open", "closed"):
            return None
        x, y = mouth["right" if side == 1 else "left"]
        reach = min(reach, 0.5 * float(np.linalg.norm(np.subtract(mouth["right"], mouth["left"]))))
    height, width = scene.still.pixels.shape[:2]
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    push = np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * reach**2)) * strength * apart
    return _pushed(scene.still.pixels, push * down[0], push * down[1]), _box_around(x, y, 0.25 * apart)


def softened(scene: Scene, strength: float, chance: np.random.Generator) -> tuple[Pixels, Box] | None:
    """Made smaller by area and enlarged again by that factor."""
    pixels = scene.still.pixels
    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (round(width / strength), round(height / strength)), interpolation=cv2.INTER_AREA)
    how = (cv2.INTER_CUBIC, cv2.INTER_LANCZOS4, cv2.INTER_LINEAR)[int(chance.integers(3))]
    return cv2.resize(small, (width, height), interpolation=how), (0, 0, width, height)


def tiled(scene: Scene, strength: float, chance: np.random.Generator) -> tuple[Pixels, Box] | None:
    """A piece of texture of that many px laid side by side over a corner, its seams blended, saved as JPEG 92."""
    pixels = scene.still.pixels.copy()
    height, width = pixels.shape[:2]
    n = int(strength)
    reps = min(5, min(height, width) // (2 * n) + 1)
    if reps < 2 or n * reps > min(height, width):
        return None
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = cv2.blur(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 4)), (n, n))
    places = [(int(chance.integers(0, height - n)), int(chance.integers(0, width - n))) for _ in range(30)]
    y, x = sorted(places, key=lambda p: detail[p[0] + n // 2, p[1] + n // 2])[24]
    if detail[y + n // 2, x + n // 2] < 1.5:
        return None
    sheet = np.tile(pixels[y : y + n, x : x + n], (reps, reps, 1))
    corners = [(top, left) for top in (0, height - n * reps) for left in (0, width - n * reps)]
    matte = np.zeros((height, width), np.float32) if scene.matte is None else scene.matte
    people = [float(matte[t : t + n * reps, f : f + n * reps].mean()) for t, f in corners]
    top, left = corners[int(np.argmin(people))]
    if min(people) > 0.5:
        return None  # hardly any background to lay it on
    pixels[top : top + n * reps, left : left + n * reps] = sheet
    _, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    again: Pixels = np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
    return again, (left, top, left + n * reps, top + n * reps)


def joined(scene: Scene, strength: float, chance: np.random.Generator) -> tuple[Pixels, Box] | None:
    """One side of a straight line across the picture lighter or darker by so many levels, saved as JPEG 92."""
    pixels = scene.still.pixels.astype(np.float32)
    height, width = pixels.shape[:2]
    turned = bool(chance.integers(2))
    at = int(chance.uniform(0.25, 0.75) * (width if turned else height))
    part = np.s_[:, :at] if turned else np.s_[:at]
    pixels[part] += strength if chance.integers(2) else -strength
    whole = np.clip(np.round(pixels), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", whole[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    again: Pixels = np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
    return again, (at - 6, 0, at + 6, height) if turned else (0, at - 6, width, at + 6)


def timed(scene: Scene, strength: float, chance: np.random.Generator) -> tuple[Pixels, Box] | None:
    """A clock with marks or numerals, twelve or a few more or fewer; its radius that share of the short side."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = scene.still.pixels.shape[:2]
    r = max(12, round(strength * min(height, width)))
    x, y = int(chance.integers(r + 1, width - r - 1)), int(chance.integers(r + 1, height - r - 1))
    big = 4 * r
    image = Image.new("RGBA", (2 * big, 2 * big), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    light, dark = (tuple(int(v) for v in chance.integers(*span, 3)) for span in ((190, 256), (0, 70)))
    face, ink = (light, dark) if chance.random() < 0.7 else (dark, light)
    pen.ellipse((2, 2, 2 * big - 2, 2 * big - 2), fill=face, outline=ink, width=int(big * chance.uniform(0.03, 0.1)))
    count = 12 if chance.random() < 0.6 else int(chance.integers(10, 15))
    numerals, font = chance.random() < 0.5, ImageFont.load_default(int(0.2 * big))
    for k in range(count):
        angle = 2 * np.pi * k / count + (0 if numerals else chance.normal(0, 0.02))
        away = np.array([np.sin(angle), -np.cos(angle)]) * big
        if numerals:
            pen.text(tuple(big + 0.75 * away), str(k or count), font=font, fill=ink, anchor="mm")
        else:
            pen.line((*(big + 0.72 * away), *(big + 0.88 * away)), fill=ink, width=int(0.04 * big))
    for length in (0.45, 0.68):
        angle = chance.uniform(0, 2 * np.pi)
        tip = big + length * big * np.array([np.sin(angle), -np.cos(angle)])
        pen.line((big, big, *tip), fill=ink, width=int(0.06 * big))
    drawn = np.array(image.resize((2 * r, 2 * r), Image.Resampling.LANCZOS)).astype(np.float32)
    share = drawn[..., 3:] / 255
    pixels = scene.still.pixels.copy()
    part = pixels[y - r : y + r, x - r : x + r]
    part[:] = np.round(part * (1 - share) + drawn[..., :3] * share).astype(np.uint8)
    return pixels, (x - r, y - r, x + r, y + r)


_WORDS = (
    "HARBOUR",
    "Morning",
    "Library",
    "OPEN DAILY",
    "Coffee",
    "STATION",
    "Bakery",
    "Winter",
    "Museum",
    "EXIT ONLY",
)


def lettered(scene: Scene, strength: float, chance: np.random.Generator) -> tuple[Pixels, Box] | None:
    """A word whose letters are damaged: that share of them has its halves exchanged or is turned round."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = scene.still.pixels.shape[:2]
    size = max(24, int(chance.uniform(0.05, 0.08) * height))
    font = ImageFont.load_default(size)
    word = str(chance.choice(_WORDS))
    letters = []
    for letter in word:
        w = max(4, int(font.getlength(letter)) + 2)
        tile = Image.new("L", (w, int(1.4 * size)), 0)
        ImageDraw.Draw(tile).text((1, 0), letter, font=font, fill=255)
        ink = np.array(tile)
        if letter != " " and chance.random() < strength:
            kind = int(chance.integers(3))
            rows = np.nonzero(ink.any(1))[0]
            top, bottom = rows[0], rows[-1] + 1
            body, half = ink[top:bottom].copy(), (bottom - top) // 2
            if kind == 0:
                ink[top : top + half], ink[top + half : top + 2 * half] = body[half : 2 * half], body[:half]
            elif kind == 1:
                ink[top:bottom] = body[::-1, ::-1]
            else:
                ink[top:bottom] = np.maximum(body, np.roll(body[:, ::-1], w // 3, axis=1))
        letters.append(ink)
    ink = np.concatenate(letters, 1)
    if ink.shape[1] >= width - 4 or ink.shape[0] >= height - 4:
        return None
    x = int(chance.integers(2, width - ink.shape[1] - 1))
    y = int(chance.integers(2, height - ink.shape[0] - 1))
    pixels = scene.still.pixels.astype(np.float32)
    part = pixels[y : y + ink.shape[0], x : x + ink.shape[1]]
    colour = 20.0 if part.mean() > 110 else 235.0
    soft = cv2.GaussianBlur(ink.astype(np.float32) / 255, (0, 0), 0.7)[..., None]
    part += soft * (colour - part)
    rows = np.nonzero(ink.any(1))[0]
    return np.round(pixels).astype(np.uint8), (x, y + rows[0], x + ink.shape[1], y + rows[-1] + 1)


def beheaded(scene: Scene, strength: float, chance: np.random.Generator) -> tuple[Pixels, Box] | None:
    """Cropped at the top, that many eye distances above the eyes; 1.3 is high on the forehead, .7 over the brows."""
    keys = _keys(scene)
    if keys is None:
        return None
    left, right, apart = keys
    cut = int((left[1] + right[1]) / 2 - strength * apart)
    height = scene.still.pixels.shape[0]
    if cut < 4 or height - cut < 128:
        return None
    middle = (left[0] + right[0]) / 2
    return np.ascontiguousarray(scene.still.pixels[cut:]), (middle - apart, -0.5, middle + apart, 0.6 * apart)


HAIR_TIPS: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "drawn_00": (
        ((0.21, 0.72), (0.36, 0.72), (0.4, 1), (0.22, 1)),
        ((0.62, 0.72), (0.76, 0.7), (0.8, 1), (0.63, 1)),
    ),
    "drawn_03": (
        ((0.27, 0.6), (0.38, 0.62), (0.39, 0.76), (0.32, 0.77), (0.27, 0.72)),
        ((0.63, 0.62), (0.73, 0.62), (0.74, 0.72), (0.68, 0.77), (0.62, 0.76)),
    ),
    "drawn_04": (
        ((0.27, 0.62), (0.34, 0.62), (0.35, 0.72), (0.3, 0.72)),
        ((0.68, 0.62), (0.79, 0.62), (0.79, 0.74), (0.72, 0.77), (0.66, 0.72)),
    ),
    "drawn_05": (
        ((0.3, 0.62), (0.38, 0.6), (0.42, 0.72), (0.41, 0.82), (0.36, 0.82), (0.31, 0.76)),
        ((0.62, 0.6), (0.69, 0.6), (0.71, 0.7), (0.64, 0.85), (0.6, 0.82)),
    ),
    "drawn_06": (
        ((0.32, 0.52), (0.37, 0.54), (0.41, 0.66), (0.38, 0.68), (0.34, 0.62)),
        ((0.62, 0.58), (0.73, 0.56), (0.71, 0.72), (0.64, 0.84), (0.59, 0.76)),
    ),
    "drawn_07": (
        ((0.22, 0.7), (0.38, 0.68), (0.42, 0.99), (0.24, 0.99)),
        ((0.62, 0.66), (0.79, 0.72), (0.8, 0.99), (0.62, 0.99)),
    ),
    "drawn_12": (
        ((0.33, 0.58), (0.4, 0.58), (0.4, 0.72), (0.38, 0.83), (0.31, 0.83), (0.33, 0.72)),
        ((0.64, 0.58), (0.73, 0.58), (0.77, 0.8), (0.68, 0.82), (0.65, 0.72)),
    ),
    "drawn_13": (
        ((0.18, 0.4), (0.28, 0.38), (0.28, 0.46), (0.22, 0.54), (0.16, 0.5)),
        ((0.63, 0.42), (0.73, 0.4), (0.74, 0.5), (0.66, 0.57), (0.62, 0.52)),
    ),
    "drawn_14": (
        ((0.14, 0.48), (0.27, 0.48), (0.3, 0.66), (0.24, 0.66), (0.16, 0.58)),
        ((0.76, 0.52), (0.87, 0.52), (0.88, 0.6), (0.82, 0.65), (0.73, 0.63)),
        ((0.59, 0.46), (0.65, 0.46), (0.64, 0.58), (0.6, 0.58)),
    ),
    "drawn_36": (((0.11, 0.4), (0.15, 0.39), (0.16, 0.44), (0.13, 0.45)),),
    "drawn_37": (((0.66, 0.5), (0.78, 0.62), (0.92, 0.98), (0.8, 0.98), (0.72, 0.82), (0.64, 0.66)),),
    "drawn_40": (
        ((0.12, 0.65), (0.27, 0.62), (0.22, 0.98), (0.02, 0.98)),
        ((0.68, 0.62), (0.82, 0.62), (0.98, 0.98), (0.82, 0.98)),
    ),
    "drawn_43": (
        ((0.02, 0.72), (0.2, 0.62), (0.24, 0.8), (0.1, 0.98), (0, 0.98)),
        ((0.62, 0.7), (0.82, 0.62), (0.92, 0.95), (0.7, 0.98)),
    ),
    "drawn_44": (
        ((0.24, 0.42), (0.38, 0.42), (0.38, 0.54), (0.27, 0.56), (0.24, 0.52)),
        ((0.64, 0.4), (0.74, 0.4), (0.76, 0.56), (0.64, 0.54)),
    ),
    "drawn_46": (
        ((0.24, 0.36), (0.36, 0.36), (0.33, 0.46), (0.24, 0.5)),
        ((0.6, 0.48), (0.7, 0.46), (0.7, 0.58), (0.66, 0.76), (0.6, 0.7)),
    ),
    "drawn_48": (((0.73, 0.48), (0.85, 0.48), (0.86, 0.66), (0.78, 0.72), (0.72, 0.64)),),
    "drawn_51": (((0.23, 0.32), (0.31, 0.32), (0.31, 0.43), (0.26, 0.44)),),
    "drawn_52": (((0.39, 0.46), (0.47, 0.44), (0.5, 0.6), (0.42, 0.64)),),
    "drawn_53": (
        ((0.23, 0.3), (0.29, 0.3), (0.3, 0.42), (0.24, 0.44)),
        ((0.48, 0.3), (0.53, 0.3), (0.53, 0.4), (0.5, 0.42)),
    ),
    "drawn_55": (
        ((0.5, 0.62), (0.58, 0.6), (0.62, 0.98), (0.5, 0.98)),
        ((0.14, 0.62), (0.26, 0.6), (0.22, 0.98), (0.02, 0.98)),
        ((0.66, 0.55), (0.74, 0.62), (0.98, 0.95), (0.9, 0.98)),
    ),
    "drawn_60": (
        ((0.5, 0.38), (0.57, 0.38), (0.59, 0.47), (0.54, 0.46)),
        ((0.82, 0.36), (0.93, 0.36), (0.92, 0.45), (0.8, 0.46)),
    ),
    "drawn_61": (
        ((0.3, 0.5), (0.38, 0.5), (0.42, 0.66), (0.36, 0.68), (0.3, 0.6)),
        ((0.74, 0.52), (0.86, 0.5), (0.84, 0.62), (0.74, 0.68)),
    ),
    "drawn_64": (
        ((0.1, 0.68), (0.19, 0.64), (0.16, 0.8), (0.1, 1), (0.03, 1)),
        ((0.27, 0.62), (0.36, 0.62), (0.4, 0.78), (0.3, 0.78)),
        ((0.68, 0.62), (0.79, 0.6), (0.76, 0.78), (0.66, 0.8)),
    ),
    "drawn_65": (
        ((0.26, 0.56), (0.36, 0.54), (0.4, 0.74), (0.33, 0.78), (0.24, 0.7)),
        ((0.66, 0.68), (0.74, 0.62), (0.7, 0.78), (0.56, 0.93)),
        ((0.86, 0.58), (0.98, 0.58), (0.99, 0.78), (0.9, 0.78)),
    ),
    "drawn_66": (
        ((0.27, 0.32), (0.38, 0.32), (0.36, 0.42), (0.26, 0.44)),
        ((0.6, 0.32), (0.72, 0.3), (0.72, 0.42), (0.62, 0.45)),
    ),
    "drawn_70": (
        ((0.33, 0.62), (0.38, 0.62), (0.36, 0.78), (0.28, 0.88), (0.29, 0.78)),
        ((0.58, 0.64), (0.66, 0.62), (0.64, 0.76), (0.54, 0.98), (0.5, 0.98), (0.58, 0.8)),
        ((0.74, 0.48), (0.86, 0.48), (0.88, 0.64), (0.8, 0.7), (0.74, 0.66)),
    ),
    "drawn_71": (
        ((0.18, 0.48), (0.33, 0.5), (0.4, 0.66), (0.28, 0.66)),
        ((0.74, 0.48), (0.95, 0.46), (0.9, 0.6), (0.72, 0.66)),
    ),
    "drawn_77": (
        ((0.61, 0.44), (0.71, 0.42), (0.69, 0.54), (0.63, 0.63), (0.63, 0.54)),
        ((0.4, 0.32), (0.45, 0.32), (0.46, 0.4), (0.41, 0.4)),
    ),
    "drawn_78": (
        ((0.64, 0.42), (0.75, 0.42), (0.72, 0.52), (0.66, 0.58), (0.63, 0.52)),
        ((0.36, 0.36), (0.45, 0.36), (0.44, 0.45), (0.37, 0.43)),
    ),
    "drawn_80": (
        ((0.37, 0.3), (0.43, 0.3), (0.46, 0.39), (0.4, 0.4)),
        ((0.57, 0.3), (0.63, 0.28), (0.62, 0.38), (0.55, 0.4)),
    ),
    "drawn_81": (
        ((0.4, 0.3), (0.45, 0.32), (0.45, 0.42), (0.41, 0.42)),
        ((0.54, 0.38), (0.61, 0.37), (0.61, 0.44), (0.605, 0.56), (0.57, 0.5)),
    ),
    "photo_07": (
        ((0.27, 0.4), (0.36, 0.42), (0.38, 0.56), (0.35, 0.56)),
        ((0.7, 0.42), (0.8, 0.4), (0.77, 0.52), (0.68, 0.62), (0.66, 0.56)),
    ),
    "photo_22": (
        ((0.27, 0.62), (0.2, 0.72), (0.02, 0.9), (0.1, 1), (0.24, 0.86), (0.33, 0.72)),
        ((0.72, 0.62), (0.79, 0.62), (0.86, 0.85), (0.88, 1), (0.74, 1), (0.7, 0.8)),
    ),
    "photo_27": (
        ((0.2, 0.38), (0.31, 0.38), (0.32, 0.58), (0.24, 0.54)),
        ((0.69, 0.38), (0.8, 0.38), (0.76, 0.52), (0.68, 0.58)),
    ),
    "photo_31": (
        ((0.1, 0.55), (0.32, 0.55), (0.34, 0.78), (0.18, 0.76)),
        ((0.68, 0.55), (0.88, 0.52), (0.84, 0.7), (0.68, 0.74)),
    ),
    "photo_36": (((0.15, 0.45), (0.33, 0.42), (0.34, 0.6), (0.3, 0.88), (0.15, 0.92), (0.1, 0.6)),),
    "photo_38": (
        ((0.22, 0.58), (0.32, 0.55), (0.36, 0.85), (0.26, 0.85), (0.12, 0.68)),
        ((0.69, 0.56), (0.76, 0.54), (0.8, 0.62), (0.74, 0.72), (0.7, 0.7)),
    ),
    "photo_40": (
        ((0.33, 0.42), (0.4, 0.45), (0.4, 0.62), (0.28, 0.64)),
        ((0.8, 0.42), (0.88, 0.4), (0.86, 0.6), (0.74, 0.66), (0.7, 0.6)),
    ),
    "photo_41": (
        ((0.22, 0.42), (0.3, 0.44), (0.3, 0.62), (0.25, 0.68), (0.23, 0.56)),
        ((0.7, 0.54), (0.76, 0.52), (0.78, 0.68), (0.7, 0.78), (0.66, 0.74)),
    ),
    "photo_53": (((0.29, 0.33), (0.4, 0.33), (0.37, 0.5), (0.29, 0.49)),),
    "photo_54": (
        ((0.36, 0.3), (0.44, 0.28), (0.42, 0.42), (0.35, 0.38)),
        ((0.6, 0.25), (0.66, 0.25), (0.64, 0.4), (0.6, 0.36)),
    ),
    "photo_55": (
        ((0.2, 0.5), (0.26, 0.45), (0.3, 0.62), (0.22, 0.62)),
        ((0.72, 0.45), (0.78, 0.45), (0.74, 0.62), (0.68, 0.62)),
    ),
    "photo_59": (
        ((0.31, 0.48), (0.333, 0.48), (0.335, 0.57), (0.315, 0.6)),
        ((0.41, 0.48), (0.44, 0.47), (0.445, 0.58), (0.43, 0.63), (0.405, 0.61)),
    ),
    "photo_61": (((0.36, 0.58), (0.41, 0.56), (0.4, 0.7), (0.39, 0.84), (0.34, 0.82), (0.36, 0.7)),),
}
"""Where the tips of the hair are, in shares of width and height, marked by hand before the check was run.

On every still whose hair hangs loose to the jaw or lower, in a bob, locks or curls.
"""


def dyed(scene: Scene, strength: float, chance: np.random.Generator) -> tuple[Pixels, Box] | None:
    """The tips of the hair shifted by that many Lab units in a hue drawn by chance."""
    outlines = HAIR_TIPS.get(Path(scene.still.name).stem)
    if outlines is None:
        return None
    height, width = scene.still.pixels.shape[:2]
    lab = cv2.cvtColor(scene.still.pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    weight = np.zeros((height, width), np.float32)
    for outline in outlines:
        marked = np.zeros((height, width), np.uint8)
        cv2.fillPoly(marked, [np.array([(x * width, y * height) for x, y in outline], np.int32)], 1)
        away = (lab - np.median(lab[marked > 0], 0)) * np.array([0.6, 1, 1], np.float32)
        weight[(marked > 0) & (np.linalg.norm(away, axis=2) < 22)] = 1
    weight = cv2.GaussianBlur(weight, (0, 0), max(1.5, 0.006 * max(height, width)))
    angle = chance.uniform(0, 2 * np.pi)
    lab[..., 1:] += weight[..., None] * strength * np.array([np.cos(angle), np.sin(angle)], np.float32)
    spoilt = np.clip(np.round(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255), 0, 255).astype(np.uint8)
    y, x = np.nonzero(weight > 0.5)
    return np.where(weight[..., None] > 0.02, spoilt, scene.still.pixels), (x.min(), y.min(), x.max(), y.max())


def laid_out(scene: Scene, strength: float, chance: np.random.Generator) -> tuple[Pixels, Box] | None:
    """So many views of it, nearer, aside or turned round, side by side or, four, as a grid; half with a gutter."""
    height, width = scene.still.pixels.shape[:2]
    across, down = {2: (2, 1), 3: (3, 1), 4: (2, 2)}[int(strength)]
    gap = int(chance.choice([0, 0, 2, max(3, width // 60)]))
    paper = np.full(3, chance.choice([0, 255, 128]), np.uint8)
    shown = np.full((down * height + (down - 1) * gap, across * width + (across - 1) * gap, 3), paper, np.uint8)
    for row in range(down):
        for column in range(across):
            near = chance.uniform(0.6, 1)
            wide, high = round(near * width), round(near * height)
            x, y = int(chance.integers(0, width - wide + 1)), int(chance.integers(0, height - high + 1))
            view = cv2.resize(scene.still.pixels[y : y + high, x : x + wide], (width, height))
            view = view[:, ::-1] if chance.random() < 0.5 else view
            top, left = row * (height + gap), column * (width + gap)
            shown[top : top + height, left : left + width] = view
    if int(strength) == 4:
        return shown, (0, 0, shown.shape[1], shown.shape[0])
    return shown, (0.9 * width, 0, shown.shape[1] - 0.9 * width, height)


def bordered(scene: Scene, strength: float, chance: np.random.Generator) -> tuple[Pixels, Box] | None:
    """A border of one colour and that share of the side: above and below, at both sides, or all around."""
    height, width = scene.still.pixels.shape[:2]
    way = int(chance.integers(3))
    x, y = (0 if way == 0 else round(strength * width), 0 if way == 1 else round(strength * height))
    colour = [int(chance.choice([0, 255]))] * 3
    if chance.random() < 0.3:
        colour = chance.integers(0, 256, 3).tolist()
    shown = cv2.copyMakeBorder(scene.still.pixels, y, y, x, x, cv2.BORDER_CONSTANT, value=colour)
    box = (0, 0, width + 2 * x, y) if way != 1 else (0, 0, x, height)
    return np.asarray(shown, np.uint8), (0, 0, width + 2 * x, height + 2 * y) if way == 2 else box


FAULTS = (
    Fault("eye colour", (5, 10, 20), (10, 0.90), True, recoloured, "Lab"),
    Fault("eye size", (1.15, 1.3, 1.5), (1.3, 0.90), True, enlarged, "times"),
    Fault("hair tone", (10, 15, 25), (15, 0.80), True, dyed, "Lab"),
    Fault("mouth corners", (0.05, 0.10, 0.15), (0.10, 0.85), True, lifted, "eye distances"),
    Fault("softness", (1.3, 1.5, 2), (2, 0.95), True, softened, "times"),
    Fault("repetition", (64, 96, 128), (64, 0.80), True, tiled, "px"),
    Fault("seams", (3, 5, 8), None, True, joined, "levels"),
    Fault("clocks", (0.04, 0.06, 0.10), None, True, timed, "of the short side"),
    Fault("pseudo-text", (0.4, 0.7, 1.0), (0.7, 0.80), True, lettered, "of the letters"),
    Fault("one picture", (2, 3, 4), None, True, laid_out, "views"),
    Fault("borders", (0.03, 0.06, 0.12), None, True, bordered, "of the side"),
    Fault("head in the frame", (1.3, 1.0, 0.7), (1.0, 0.90), False, beheaded, "eye distances over the eyes"),
)


ODD_EYES = ("drawn_37", "drawn_40", "drawn_51", "drawn_81", "drawn_82")
"""Stills whose irises have two clearly different colours, to the eye of somebody who knew no measure of them."""
UNLIKE_EYES = (
    "drawn_43",
    "drawn_44",
    "drawn_46",
    "drawn_52",
    "drawn_53",
    "drawn_60",
    "drawn_61",
    "drawn_65",
    "drawn_66",
    "drawn_70",
    "drawn_77",
    "drawn_79",
    "photo_42",
)
"""Those whose irises differ in hue when one looks for it, to the same eye; all others were called the same."""

NOT_CLEAN = {
    "pseudo-text": ("drawn_43", "drawn_55"),
    "eye colour": (*ODD_EYES, *UNLIKE_EYES),
    "hair tone": ("drawn_45", "drawn_79"),
}
"""Stills that have the fault already, by looking: letters that do not exist, eyes of two colours,
purple hair with beige tips and fair hair with red ones."""


def _again(scene: Scene, pixels: Pixels, name: str) -> Scene:
    """The spoilt still seen anew, by as much as that check looks at."""
    still = Still(np.ascontiguousarray(pixels), scene.still.name, "0" * 64)
    faces: tuple = ()  # type: ignore[type-arg]
    if name in ("eye colour", "eye size", "hair tone", "mouth corners", "head in the frame"):
        if scene.style == "drawn":
            faces = tuple(drawn_face(reading) for reading in find_drawn(still.pixels))
        else:
            held = [p for p in candidates(still.pixels) if not p.why]
            held.sort(key=lambda place: place.fit.box[0] - place.fit.box[2])
            faces = tuple(face_of(still.pixels, place.fit, scene.style) for place in held[:MOST_FACES])
    matte = scene.matte if name in ("repetition", "hair tone") else None
    writing = writing_in(still.pixels) if name == "pseudo-text" else ()
    return Scene(still, scene.style, faces, (), matte, {"writing": "rapidocr"}, writing=writing)


def _finding(scene: Scene, name: str) -> Finding | None:
    face = scene.faces[0] if scene.faces else None
    found: list[Finding] = []
    if name in ("softness",):
        found = file_findings(scene)
    elif name in ("repetition", "seams", "clocks", "pseudo-text"):
        found = background_findings(scene) if name == "pseudo-text" else background_findings(replace(scene, seen={}))
    elif face is not None and name == "hair tone":
        found = character_findings(scene, face, None)
    elif name in ("one picture", "borders"):
        found = framing_findings(replace(scene, body=None, matte=None), None)
    elif face is not None and name == "head in the frame":
        found = framing_findings(scene, face)
    elif face is not None:
        seen = measure(scene.still.pixels, face)
        found = character_findings(scene, face, seen) if name.startswith("eye") else expression_findings(face, seen)
    return next((f for f in found if f.check == name and f.verdict != "unseen"), None)


def _value(finding: Finding | None, high: bool) -> float | None:
    if finding is None:
        return None
    if finding.measured is None:
        return None
    return finding.measured if high else -finding.measured


def overlap(a: Box | None, b: Box) -> float:
    """The shared area over the smaller box's; without a box the whole picture is meant."""
    if a is None:
        return 1.0 if b[0] <= 0 and b[1] <= 0 else 0.0
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return max(0.0, wide) * max(0.0, high) / max(smaller, 1e-6)


def half(name: str) -> int:
    """Which half a still belongs to: 0 sets thresholds, 1 is reported."""
    return hashlib.sha256(name.encode()).digest()[0] % 2


def interval(hits: list[bool], chance: np.random.Generator) -> str:
    """The 95 % interval of a share, by bootstrap."""
    if not hits:
        return "[none]"
    draws = chance.integers(0, len(hits), (2000, len(hits)))
    low, upper = np.quantile(np.array(hits, float)[draws].mean(1), (0.025, 0.975))
    return f"[{low:.2f}, {upper:.2f}]"


def measured(scenes: list[Scene], fault: Fault) -> Iterator[str]:
    """The lines of one fault's table."""
    clean_of = [s for s in scenes if Path(s.still.name).stem not in NOT_CLEAN.get(fault.check, ())]
    clean = {s.still.name: _value(_finding(s, fault.check), fault.high) for s in clean_of}
    limits: dict[int, dict[float, float]] = {}
    for fold in (0, 1):
        setting = [-9.0 if v is None else v for name, v in clean.items() if half(name) != fold]
        limits[fold] = {rate: float(np.quantile(setting, 1 - rate, method="higher")) for rate in (0.05, 0.01)}
    values = {name: v for name, v in clean.items() if v is not None}
    for rate in (0.05, 0.01):
        wrong = sum(v > limits[half(name)][rate] for name, v in values.items())
        yield (
            f"  clean: thresholds for {rate:.0%} alarms {abs(limits[1][rate]):.3f} and {abs(limits[0][rate]):.3f}; on "
            f"the halves they were not set on {wrong} of {len(clean)} alarm, {len(clean) - len(values)} unseen"
        )
    if fault.check == "eye colour":
        yield _real_eyes(scenes)
    if fault.check == "mouth corners":
        yield _corners_by_hand(scenes, 0.10)
    for strength in fault.strengths:
        hits: dict[float, list[bool]] = {0.05: [], 0.01: []}
        product: list[bool] = []
        pointed: list[bool] = []
        by: dict[str, list[bool]] = {}
        unseen = 0
        for scene in clean_of:
            name = scene.still.name
            seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
            if clean[name] is None and fault.check not in ("softness", "repetition", "seams", "clocks", "pseudo-text"):
                continue  # the check had said of the clean still that it cannot see
            spoilt = fault.spoil(scene, strength, np.random.default_rng(seed))
            if spoilt is None:
                continue
            found = _finding(_again(scene, spoilt[0], fault.check), fault.check)
            value = _value(found, fault.high)
            if value is None:
                unseen += 1
                continue
            for rate, hit in hits.items():
                hit.append(value > limits[half(name)][rate])
            by.setdefault(scene.style, []).append(hits[0.05][-1])
            product.append(found is not None and found.verdict in ("warn", "fail"))
            if product[-1] and found is not None:
                pointed.append(overlap(found.box, spoilt[1]) >= 0.3)
        count = len(product)
        if not count:
            yield f"  {strength:g} {fault.unit}: nothing could be spoilt"
            continue
        mark = f" <- bar {fault.bar[1]:.2f}" if fault.bar and fault.bar[0] == strength else ""
        strata = ", ".join(f"{k} {np.mean(v):.2f} of {len(v)}" for k, v in sorted(by.items()))
        yield (
            f"  {strength:g} {fault.unit}: recall at 5 % {np.mean(hits[0.05]):.2f} "
            f"{interval(hits[0.05], np.random.default_rng(0))}, at 1 % {np.mean(hits[0.01]):.2f}, with the product's "
            f"limit {np.mean(product):.2f}; {count} spoilt, {unseen} unseen; box right {np.mean(pointed or [0]):.2f}; "
            f"{strata}{mark}"
        )


def _real_eyes(scenes: list[Scene]) -> str:
    """How many of the pairs that somebody called odd, a little unlike and the same are warned about."""
    told: dict[str, list[bool]] = {"odd": [], "a little unlike": [], "the same": []}
    for scene in scenes:
        stem = Path(scene.still.name).stem
        found = _finding(scene, "eye colour")
        if found is not None:
            kind = "odd" if stem in ODD_EYES else "a little unlike" if stem in UNLIKE_EYES else "the same"
            told[kind].append(found.verdict != "pass")
    counts = ", ".join(f"{kind}: {sum(warned)} of {len(warned)}" for kind, warned in told.items())
    return f"  as they are, warned about by the product's limit, among pairs labelled by eye as {counts}"


def _corners_by_hand(scenes: list[Scene], strength: float) -> str:
    """What a reader without error would find in drawings: their corners as marked by hand, one of them lifted."""
    level: dict[str, float] = {}
    for scene in scenes:
        label = _label(scene) if scene.style == "drawn" else None
        if label is None or label["mouth"]["state"] not in ("open", "closed"):
            continue
        irises = [np.array(eye["iris"]) for eye in label["eyes"] if eye["iris"]]
        if len(irises) == 2:
            along = irises[1] - irises[0]
            across = np.array([-along[1], along[0]]) / float(along @ along)
            level[scene.still.name] = float(np.subtract(label["mouth"]["right"], label["mouth"]["left"]) @ across)
    limits = {
        fold: float(np.quantile([abs(v) for name, v in level.items() if half(name) != fold], 0.95, method="higher"))
        for fold in (0, 1)
    }
    hits = [
        abs(v + way * strength) > limits[half(name)] for name, v in level.items() for way in (-1, 1)
    ]  # either corner may be the lifted one
    crooked = sum(abs(v) > 0.05 for v in level.values())
    return (
        f"  marked by hand, {len(level)} clean drawings: {crooked} are as crooked as .05; a reader without error "
        f"would find {np.mean(hits):.2f} lifted by {strength:g}"
    )


def held_mib() -> float:
    """Memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def many(paths: list[Path], count: int) -> Iterator[str]:
    """The memory held while a long folder is checked."""
    began = time.perf_counter()
    for index in range(count):
        check(perceive(open_still(paths[index % len(paths)])))
        if (index + 1) % max(1, count // 10) == 0:
            each = (time.perf_counter() - began) / (index + 1)
            yield f"{index + 1} stills: {held_mib():.0f} MiB held, {each:.2f} s a still"


def main() -> None:
    """Print one table a fault, and the alarms of all checks on the clean stills."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=SHARED)
    parser.add_argument("--only", default=None)
    parser.add_argument("--many", type=int, default=0, metavar="COUNT")
    asked = parser.parse_args()
    if not asked.folder.is_dir():
        print(f"no stills at {asked.folder.name}: skipped")
        return
    paths = sorted(p for p in asked.folder.rglob("*") if p.suffix.lower() in PICTURES)
    if asked.many:
        for line in many(paths, asked.many):
            print(line, flush=True)
        return
    scenes, fails, warns, seconds = [], {}, {}, []
    for path in paths:
        scene = perceive(open_still(path))
        began = time.process_time()
        report = check(scene)
        seconds.append((time.process_time() - began) / (scene.still.size[0] * scene.still.size[1] / 1e6))
        for finding in (*report.file.findings, *(f for sign in report.signs for f in sign.findings)):
            if finding.verdict in ("fail", "warn"):
                (fails if finding.verdict == "fail" else warns).setdefault(finding.check, []).append(path.stem)
        scenes.append(scene)
    print(f"{len(scenes)} stills; all checks beyond the detectors: median {np.median(seconds):.2f} s a megapixel")
    for word, kind in (("fail", fails), ("warn", warns)):
        for name, stems in sorted(kind.items()):
            print(f"  {word} {name}: {len(stems)} ({', '.join(stems[:12])})")
    for fault in FAULTS:
        if asked.only in (None, fault.check):
            print(fault.check, flush=True)
            for line in measured(scenes, fault):
                print(line, flush=True)


if __name__ == "__main__":
    main()
