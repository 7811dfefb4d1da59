"""Another shape for a still: which part of it to show, and what to lay around it where it does not reach.

Nothing is ever stretched. The window is laid so that heads stay whole and the rest of the subject as far as it may;
where the still ends, a plain border goes on as it is, and anything else gets the still itself, larger and blurred.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from stillwake.perceive.look import moved
from stillwake.types import Aspect, Box, Face, Floats, Pixels, Scene, Size

Fill = Literal["", "plain", "backdrop"]
"""What lies beyond the still: nothing does, its border going on, or the still itself, larger and blurred."""

ASPECTS: dict[Aspect, tuple[int, int]] = {"9:16": (9, 16), "4:5": (4, 5), "1:1": (1, 1), "16:9": (16, 9)}

EYE_LINE: dict[Aspect, float] = {"9:16": 0.36, "4:5": 0.40, "1:1": 0.42, "16:9": 0.42}
"""Where the eyes should lie, as a share of the height from the top: the upper third, lower where a head fills more."""

SAME = 0.005
"""A still whose shape is so near to the one that is asked for has it already."""
WORK = 320
"""px; the long side of the copy on which windows are weighed."""
COUNTS = 0.4
"""A face of at least so much of the main one's size is never cut away."""
HAIR = (0.15, 0.45, 0.05)
"""What belongs to a head beside, above and below the face's box at least, in its widths and heights."""
REACH = (0.15, 1.3)
"""How far beside and above the face's box the matte is followed to find hair, ears and hats; what hangs or sticks out
further at the sides may be cut, as photographers do."""
AIR = (0.05, 0.15, 0.15)
"""What should be left free beside, above and below a head, in the face's widths and heights."""
NEARLY = 0.98
"""Share of a head that is a whole one where rounding says so."""
BODY = 2.0
"""Face heights below the chin over which the body's weight falls to a third: a bust says more than knees."""

HAND_CUT, HAND_LOST = 0.22, 0.10
"""What a hand costs that is halved, and one that is left out."""
BEYOND: dict[Fill, tuple[float, float]] = {"": (0.0, 0.0), "plain": (0.03, 0.25), "backdrop": (0.2, 1.0)}
"""What it costs to go beyond the still at all, and the whole window's share of it."""
SLIVER, NARROW = 0.3, 0.1
"""What a backdrop costs that shows on less than this share of the window: it looks like a mistake."""
OFF_EYES = 0.5
"""What it costs to lie off the eye line by a whole height."""
OFF_MIDDLE: dict[Fill, float] = {"": 3.0, "plain": 12.0, "backdrop": 5.0}
"""What it costs to lie off the middle by a whole width, squared; a picture's own emptiness is easier to bear."""
LEAD = 0.06
"""Of the width: how much more room there is before a face that looks aside."""

STRIP = 0.02
"""Of the long side: how deep a border is looked at and mirrored."""
TEXTURE, SPOTS, DRIFT = 3.0, 12.0, 8.0
"""Levels of 255 of a plain border: what its pixels differ from their surroundings (their root mean square, and one in
a hundred of them), and what its two edges differ."""
SUBJECT = 0.02
"""Share of a border that may be a person's in a plain one."""

BACKDROP_BLUR, BACKDROP_LIGHT = 0.035, 0.72
"""The backdrop's blur, as a share of the long side, and what is left of its light."""


class Rect(NamedTuple):
    """Whole px; x1 and y1 are outside."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def size(self) -> Size:
        """(width, height)."""
        return self.x1 - self.x0, self.y1 - self.y0


# ---------------------------------------------------------------------------------------------------- which part


def crop_for(scene: Scene, aspect: Aspect, face: int = 1) -> Box | None:
    """The window of that shape, in whole px of the still, with even sides; None where the still has the shape.

    It may reach beyond the still. Faces that count stay in it with their hair.

    Parameters
    ----------
    scene
        What was seen.
    aspect
        The shape.
    face
        The face that matters most, 1 being the largest.
    """
    width, height = scene.still.size
    unit = ASPECTS[aspect]
    if abs(width * unit[1] / (height * unit[0]) - 1) < SAME:
        return None
    subject = _Subject(scene, face)
    must = subject.must
    inside = max(2, 2 * int(min(width / unit[0], height / unit[1]) // 2))
    most = max(inside, 2 * int(max(width / unit[0], height / unit[1]) // 2))  # beyond it on two sides at most
    least = max(inside, min(most, _around((NEARLY * (must[2] - must[0]), NEARLY * (must[3] - must[1])), unit)))
    sides = _Borders(scene)
    best: tuple[float, Rect] | None = None
    for k in sorted({2 * round(k / 2) for k in np.geomspace(least, most, 24)}):
        if not least <= k <= most:
            continue
        size = unit[0] * k, unit[1] * k
        middle = subject.middle[0] + LEAD * size[0] * subject.looks
        line = subject.middle[1] if subject.eyes is None else subject.eyes
        at = 0.5 if subject.eyes is None else EYE_LINE[aspect]
        need = [subject.need if subject.fits(size, axis) else must for axis in (0, 1)]
        xs = _places(middle - size[0] / 2, size[0], width, (need[0][0], need[0][2]))
        ys = _places(line - at * size[1], size[1], height, (need[1][1], need[1][3]))
        for x, y in product(xs, ys):
            rect = Rect(x, y, x + size[0], y + size[1])
            fill = sides.fill(rect)
            if fill == "backdrop" and not _even_bars(rect, (width, height), len(xs), len(ys)):
                continue
            begun, whole = BEYOND[fill]
            beyond = _beyond(rect, (width, height))
            cost = subject.lost(rect) + begun + whole * beyond
            cost += SLIVER if fill == "backdrop" and beyond < NARROW else 0.0
            cost += OFF_MIDDLE[fill] * ((x + size[0] / 2 - middle) / size[0]) ** 2
            cost += OFF_EYES * abs((line - y) / size[1] - at)
            if best is None or cost < best[0] - 1e-9:
                best = cost, rect
    assert best is not None
    x0, y0, x1, y1 = best[1]
    return float(x0), float(y0), float(x1), float(y1)


def _around(size: tuple[float, float], unit: tuple[int, int]) -> int:
    """The least even k whose window holds a size."""
    return max(2, 2 * int(np.ceil(max(size[0] / unit[0], size[1] / unit[1]) / 2 - 1e-9)))


def _places(wanted: float, side: int, whole: int, need: tuple[float, float]) -> list[int]:
    """Where a window of that side may begin, so that it holds what it must: nearest to what is wanted, and others."""
    low, high = sorted((0, whole - side))
    low, high = max(low, int(np.ceil(need[1] - side))), min(high, int(np.floor(need[0])))
    if low > high:
        return [round((need[0] + need[1] - side) / 2)]
    near = round(float(np.clip(wanted, low, high)))
    middle = round(float(np.clip((whole - side) / 2, low, high)))
    return sorted({near, middle, *(round(float(v)) for v in np.linspace(low, high, 5))})


def _even_bars(rect: Rect, still: Size, across: int, down: int) -> bool:
    """Whether a backdrop shows as much on one side as on the other, wherever the window may be moved."""
    return all(
        side <= whole or places == 1 or abs(2 * at + side - whole) <= 2
        for side, whole, places, at in zip(rect.size, still, (across, down), rect[:2], strict=True)
    )


def _beyond(rect: Rect, still: Size) -> float:
    """Share of a window that lies beyond the still."""
    seen = visible(rect, still)
    return 1 - seen.size[0] * seen.size[1] / (rect.size[0] * rect.size[1])


class _Subject:
    """Who and what a picture is of: heads that stay whole, hands, and the weight of the rest."""

    def __init__(self, scene: Scene, face: int) -> None:
        self.scene = scene
        width, height = scene.still.size
        self.scale = min(1.0, WORK / max(width, height))
        faces = scene.faces
        self.main: Face | None = faces[face - 1] if 1 <= face <= len(faces) else None
        counting = [f for f in faces if self.main is not None and f.size >= COUNTS * self.main.size]
        if self.main is not None and self.main not in counting:
            counting.append(self.main)
        heads = [_head(scene, f.box) for f in counting]
        boxes = [f.box for f in counting]
        if not heads and scene.refused:  # an animal's, or somebody's who looks away
            boxes = [scene.refused[0].box]
            heads = [_head(scene, boxes[0])]
        self.heads = heads
        self.looks = 0.0 if self.main is None else float(np.clip(self.main.yaw / 30, -1, 1))
        self.eyes = self._eye_line(boxes)
        self.must = self._need(boxes, (0.0, 0.0, 0.0))
        self.need = self._need(boxes, AIR)
        self.weight = self._weight()
        self._sums: Floats = np.pad(self.weight.cumsum(0, dtype=np.float64).cumsum(1), ((1, 0), (1, 0)))
        self.middle = self._middle()
        self.hands = [hand.box for hand in scene.hands if hand.hand >= 0.5]

    def fits(self, size: Size, axis: int) -> bool:
        """Whether the heads fit with their air, across (0) or down (1)."""
        return self.need[axis + 2] - self.need[axis] <= size[axis]

    def _eye_line(self, boxes: Sequence[Box]) -> float | None:
        if self.main is not None:
            lids = np.concatenate([eye.upper_lid for eye in self.main.eyes])
            return float(lids[:, 1].mean())
        return None if not boxes else float(0.6 * boxes[0][1] + 0.4 * boxes[0][3])

    def _need(self, boxes: Sequence[Box], air: tuple[float, float, float]) -> Box:
        """Around all heads with their air, within the still."""
        width, height = self.scene.still.size
        if not boxes:
            return width / 2, height / 2, width / 2, height / 2
        grown = []
        for (x0, y0, x1, y1), (a, b, c, d) in zip(self.heads, boxes, strict=True):
            w, h = c - a, d - b
            grown.append((x0 - air[0] * w, y0 - air[1] * h, x1 + air[0] * w, y1 + air[2] * h))
        x0, y0 = (min(box[k] for box in grown) for k in (0, 1))
        x1, y1 = (max(box[k] for box in grown) for k in (2, 3))
        return max(0.0, x0), max(0.0, y0), min(float(width), x1), min(float(height), y1)

    def _weight(self) -> Floats:
        """(h, w) of the small copy, its sum 1: people, less so far below the face; without people what stands out."""
        import cv2

        width, height = self.scene.still.size
        small = max(1, round(width * self.scale)), max(1, round(height * self.scale))
        matte = self.scene.matte
        if matte is not None and float(matte.mean()) > 0.02 and (self.heads or not self.scene.refused):
            weight = cv2.resize(matte, small, interpolation=cv2.INTER_AREA)
            if self.main is not None:
                x0, y0, x1, y1 = self.main.box
                rows = (np.arange(small[1]) + 0.5) / self.scale
                weight = weight * np.exp(-np.maximum(0, rows - y1) / (BODY * (y1 - y0)))[:, None]
            elif len(there := np.flatnonzero((weight > 0.5).any(axis=1))):
                top, tall = there[0], there[-1] + 1 - there[0]  # whoever it is, the head is above
                weight = weight * np.exp(-np.maximum(0, np.arange(small[1]) - top) / (0.4 * tall))[:, None]
        else:
            weight = _striking(cv2.resize(self.scene.still.pixels, small, interpolation=cv2.INTER_AREA))
        for line in self.scene.writing if self.main is None else ():
            x0, y0, x1, y1 = (round(v * self.scale) for v in line.box)
            weight[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] += 0.5
        total = float(weight.sum())
        spread: Floats = (weight / total if total > 0 else np.full_like(weight, 1 / weight.size)).astype(np.float32)
        return spread

    def _middle(self) -> tuple[float, float]:
        """Where the window's middle belongs: the heads', drawn a little to the whole subject's."""
        y, x = (float((self.weight.sum(1 - k) * (np.arange(self.weight.shape[k]) + 0.5)).sum()) for k in (0, 1))
        x, y = x / self.scale, y / self.scale
        if self.heads:
            x0, x1 = min(head[0] for head in self.heads), max(head[2] for head in self.heads)
            x = 0.65 * (x0 + x1) / 2 + 0.35 * x
        return x, y

    def lost(self, rect: Rect) -> float:
        """What a window costs by what it leaves out."""
        height, width = self.weight.shape
        x0, x1 = (int(np.clip(round(v * self.scale), 0, width)) for v in (rect.x0, rect.x1))
        y0, y1 = (int(np.clip(round(v * self.scale), 0, height)) for v in (rect.y0, rect.y1))
        s = self._sums
        cost = 1.0 - float(s[y1, x1] - s[y0, x1] - s[y1, x0] + s[y0, x0])
        for a, b, c, d in self.hands:
            kept = max(0.0, min(c, rect.x1) - max(a, rect.x0)) * max(0.0, min(d, rect.y1) - max(b, rect.y0))
            share = kept / max(1e-6, (c - a) * (d - b))
            cost += HAND_CUT * 4 * share * (1 - share) + HAND_LOST * (1 - share)
        return cost


def _head(scene: Scene, face: Box) -> Box:
    """A face's box with the hair and what is worn on it, within the still."""
    import cv2

    width, height = scene.still.size
    x0, y0, x1, y1 = face
    w, h = x1 - x0, y1 - y0
    box = [x0 - HAIR[0] * w, y0 - HAIR[1] * h, x1 + HAIR[0] * w, y1 + HAIR[2] * h]
    a, b = max(0, round(x0 - REACH[0] * w)), max(0, round(y0 - REACH[1] * h))
    c, d = min(width, round(x1 + REACH[0] * w)), min(height, round(y1))
    if scene.matte is not None and c > a and d > b:
        _, parts = cv2.connectedComponents((scene.matte[b:d, a:c] > 0.5).astype(np.uint8))
        u, v = int(np.clip((x0 + x1) / 2 - a, 0, c - a - 1)), int(np.clip(y0 + 0.6 * h - b, 0, d - b - 1))
        if parts[v, u]:
            own = parts == parts[v, u]
            rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
            box = [min(box[0], a + float(columns[0])), min(box[1], b + float(rows[0])),
                   max(box[2], a + float(columns[-1]) + 1), box[3]]  # fmt: skip
    return max(0.0, box[0]), max(0.0, box[1]), min(float(width), box[2]), min(float(height), box[3])


def _striking(pixels: Pixels) -> Floats:
    """What stands out from a picture's border, in colour and in detail, (H, W) float32: more so in the middle."""
    import cv2

    height, width = pixels.shape[:2]
    lab = cv2.cvtColor(cv2.GaussianBlur(pixels, (0, 0), 2), cv2.COLOR_RGB2LAB).astype(np.float32)
    rim = max(1, min(height, width) // 20)
    border = np.concatenate([
        lab[:rim].reshape(-1, 3), lab[-rim:].reshape(-1, 3), lab[:, :rim].reshape(-1, 3), lab[:, -rim:].reshape(-1, 3),
    ])  # fmt: skip
    middle = np.median(border, axis=0)
    apart = np.sqrt(((lab - middle) ** 2).sum(-1))
    own = float(np.percentile(np.sqrt(((border - middle) ** 2).sum(-1)), 80))
    colour = np.maximum(0, apart - own)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = cv2.GaussianBlur(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), (0, 0), 4)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    near = np.exp(-(((x / width - 0.5) / 0.45) ** 2 + ((y / height - 0.5) / 0.45) ** 2))
    found: Floats = near * (colour / max(1.0, float(colour.max())) + 0.5 * detail / max(1.0, float(detail.max())))
    return found.astype(np.float32)


# ------------------------------------------------------------------------------------------------- what lies beyond


def visible(rect: Rect, still: Size) -> Rect:
    """The part of a window that the still fills."""
    x0, y0 = max(0, rect.x0), max(0, rect.y0)
    return Rect(x0, y0, max(x0, min(still[0], rect.x1)), max(y0, min(still[1], rect.y1)))


def rect_of(crop: Box) -> Rect:
    """A window in whole px."""
    return Rect(*(round(v) for v in crop))


def fill_of(scene: Scene, crop: Box) -> Fill:
    """What lies beyond the still in that window."""
    return _Borders(scene).fill(rect_of(crop))


def place_of(scene: Scene, crop: Box | None, size: Size) -> Box | None:
    """Where the still lies in a clip of that size, in whole px, if what lies beyond it is no part of it.

    None where nothing lies beyond, or only the still's own border, which may be taken for a part of it.
    """
    if crop is None or fill_of(scene, crop) != "backdrop":
        return None
    rect = rect_of(crop)
    seen = visible(rect, scene.still.size)
    x, y = size[0] / rect.size[0], size[1] / rect.size[1]
    return (
        float(np.ceil((seen.x0 - rect.x0) * x)),
        float(np.ceil((seen.y0 - rect.y0) * y)),
        float(np.floor((seen.x1 - rect.x0) * x)),
        float(np.floor((seen.y1 - rect.y0) * y)),
    )


class _Borders:
    """Which of a still's borders are plain enough to go on as they are."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.depth = depth_of(scene.still.size)
        self._known: dict[tuple[str, int, int], bool] = {}
        self._strips: dict[str, _Border] = {}

    def fill(self, rect: Rect) -> Fill:
        """What lies beyond the still in a window."""
        sides = self.open(rect)
        if not sides:
            return ""
        return "plain" if all(self.plain(side, rect) for side in sides) else "backdrop"

    def open(self, rect: Rect) -> list[str]:
        """The sides on which a window goes beyond the still."""
        width, height = self.scene.still.size
        beyond = {"left": rect.x0 < 0, "top": rect.y0 < 0, "right": rect.x1 > width, "bottom": rect.y1 > height}
        return [side for side, there in beyond.items() if there]

    def plain(self, side: str, rect: Rect) -> bool:
        """Whether a border, as far as the window shows it, has neither texture nor people."""
        seen = visible(rect, self.scene.still.size)
        span = (seen.y0, seen.y1) if side in ("left", "right") else (seen.x0, seen.x1)
        key = (side, *span)
        if key not in self._known:
            self._known[key] = self._look(side, *span)
        return self._known[key]

    def _look(self, side: str, start: int, stop: int) -> bool:
        if stop - start < 2 * self.depth:
            return False
        if side not in self._strips:
            self._strips[side] = _Border.of(self.scene, side, self.depth)
        return self._strips[side].plain(start, stop, self.depth)


@dataclass(frozen=True, slots=True, eq=False)
class _Border:
    """A still's border, (depth, length, 3) float32, with what is often asked of its columns, each (length, 3).

    A window is one of hundreds: what can be told from a column's sums and extremes is not told from its pixels.
    """

    strip: Floats
    mean: Floats
    squares: Floats
    least: Floats
    most: Floats
    outer: Floats
    inner: Floats
    people: Floats | None

    @classmethod
    def of(cls, scene: Scene, side: str, depth: int) -> _Border:
        strip = _strip(scene.still.pixels, side, depth).astype(np.float32)
        half = max(1, depth // 2)
        return cls(
            strip=strip,
            mean=strip.mean(axis=0),
            squares=np.square(strip).mean(axis=0),
            least=strip.min(axis=0),
            most=strip.max(axis=0),
            outer=strip[:half].mean(axis=0),
            inner=strip[half:].mean(axis=0),
            people=None if scene.matte is None else _strip(scene.matte, side, depth).max(axis=0),
        )

    def plain(self, start: int, stop: int, depth: int) -> bool:
        """Whether it has neither texture nor people from ``start`` to ``stop``."""
        at = np.s_[start:stop]
        if self.people is not None and float(self.people[at].mean()) > SUBJECT:
            return False
        line = _along(self.mean[at], depth)
        power = float((self.squares[at] - 2 * line * self.mean[at] + line**2).mean())
        if power > TEXTURE**2:
            return False
        if float(np.maximum(self.most[at] - line, line - self.least[at]).max()) > SPOTS:
            spots = np.count_nonzero(np.abs(self.strip[:, at] - line) > SPOTS)
            if spots > 0.01 * depth * line.size:
                return False
        drift = np.abs(_along(self.outer[at], depth) - _along(self.inner[at], depth))
        return bool(np.count_nonzero(drift > DRIFT) <= 0.02 * drift.size)


def depth_of(still: Size) -> int:
    """How many px of a border are looked at and mirrored."""
    return max(4, min(round(STRIP * max(still)), min(still)))


def _strip(picture: npt.NDArray[np.generic], side: str, depth: int) -> npt.NDArray[np.generic]:
    """A border, (depth, length, ...), its outermost line first."""
    match side:
        case "top":
            return picture[:depth]
        case "bottom":
            return picture[::-1][:depth]
        case "left":
            return np.swapaxes(picture[:, :depth], 0, 1)
        case _:
            return np.swapaxes(picture[:, ::-1][:, :depth], 0, 1)


def _along(line: Floats, depth: int) -> Floats:
    """A border's mean line, (length, ...), blurred along it; what is blurred so far is blurred in coarser steps."""
    import cv2

    length = len(line)
    coarse = max(2, length // max(1, depth // 16))
    row = line[None] if coarse == length else cv2.resize(line[None], (coarse, 1), interpolation=cv2.INTER_AREA)
    sigma = depth / 2 * coarse / length
    smooth: Floats = cv2.GaussianBlur(row, (0, 0), sigmaX=sigma, sigmaY=0.1, borderType=cv2.BORDER_REPLICATE)
    if coarse != length:
        smooth = cv2.resize(smooth, (length, 1), interpolation=cv2.INTER_LINEAR)
    return smooth.reshape(line.shape)


# ------------------------------------------------------------------------------------------------------ the scene


def framed(scene: Scene, crop: Box | None) -> Scene:
    """The scene as a window shows it: the picture cut or extended, what is outside left out, the rest moved along.

    Faces, hands and lines whose middle lies outside are dropped; `faces_within` says which faces stay. Beyond the
    still nobody is and nothing was brushed: the matte is 0 there; a still with transparency is transparent.
    """
    if crop is None:
        return scene
    rect = rect_of(crop)
    x, y = rect.x0, rect.y0
    kept = faces_within(scene, crop)
    still = scene.still
    seen = visible(rect, still.size)
    inner = np.s_[seen.y0 : seen.y1, seen.x0 : seen.x1]
    pixels = still.pixels[inner]
    alpha = None if still.alpha is None else still.alpha[inner]
    around = ((seen.y0 - y, rect.y1 - seen.y1), (seen.x0 - x, rect.x1 - seen.x1))
    if seen != rect:
        if alpha is not None:
            alpha = np.pad(alpha, around)
            pixels = np.pad(pixels, (*around, (0, 0)), constant_values=255)
        elif fill_of(scene, crop) == "plain":
            pixels = _continued(pixels, around, depth_of(still.size))
        else:
            pixels = _on_backdrop(pixels, around)
    smaller = dataclasses.replace(
        still, pixels=np.ascontiguousarray(pixels), alpha=None if alpha is None else np.ascontiguousarray(alpha)
    )
    picture = dataclasses.replace(
        scene,
        faces=tuple(scene.faces[number - 1] for number in kept),
        given=tuple(kept.index(number) + 1 for number in scene.given if number in kept),
        refused=tuple(one for one in scene.refused if _within(one.box, rect)),
        hands=tuple(hand for hand in scene.hands if _within(hand.box, rect)),
        writing=tuple(line for line in scene.writing if _within(line.box, rect)),
        seen=dict(scene.seen),
    )

    def plane(values: Floats) -> Floats:
        return np.pad(values[inner], around)

    shown = moved(picture, smaller, plane, scale=(1, 1), shift=(-x, -y))
    if scene.depth is not None:
        shown = dataclasses.replace(
            shown, depth=np.pad(scene.depth[inner], around, mode="edge"), seen=dict(shown.seen)
        )
    return shown


def as_shown(scene: Scene, size: Size) -> Scene:
    """The scene as a clip of that size shows it: in the window `crop_for` lays, where the still has another shape."""
    width, height = scene.still.size
    if abs(size[0] * height / (size[1] * width) - 1) < 2 * SAME:
        return scene
    for aspect, (across, down) in ASPECTS.items():
        if abs(size[0] * down / (size[1] * across) - 1) < SAME:
            return framed(scene, crop_for(scene, aspect, scene.given[0] if scene.given else 1))
    return scene


def faces_within(scene: Scene, crop: Box | None) -> tuple[int, ...]:
    """The numbers, 1 being the largest, of the faces that a window keeps, in their order."""
    rect = None if crop is None else rect_of(crop)
    return tuple(n for n, face in enumerate(scene.faces, 1) if rect is None or _within(face.box, rect))


def _within(box: Box, rect: Rect) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return rect.x0 <= x < rect.x1 and rect.y0 <= y < rect.y1


Around = tuple[tuple[int, int], tuple[int, int]]
"""px above and below, left and right."""


def _continued(pixels: Pixels, around: Around, depth: int) -> Pixels:
    """A picture whose plain borders go on: their colours, ever smoother, with their own grain."""
    for side, count in (
        ("left", around[1][0]),
        ("right", around[1][1]),
        ("top", around[0][0]),
        ("bottom", around[0][1]),
    ):
        if count:
            more = _more(np.ascontiguousarray(_strip(pixels, side, depth)).astype(np.float32), count)
            match side:
                case "top":
                    pixels = np.concatenate([more[::-1], pixels])
                case "bottom":
                    pixels = np.concatenate([pixels, more])
                case "left":
                    pixels = np.concatenate([np.swapaxes(more[::-1], 0, 1), pixels], axis=1)
                case _:
                    pixels = np.concatenate([pixels, np.swapaxes(more, 0, 1)], axis=1)
    return pixels


def _more(strip: Floats, count: int) -> Pixels:
    """So many lines beyond a border, (count, length, 3), the nearest first."""
    import cv2

    depth, length = strip.shape[:2]
    near = _along(strip.mean(axis=0), depth)[None]
    grain = strip - near
    far: Floats = cv2.GaussianBlur(
        near, (0, 0), sigmaX=max(1.0, length / 12), sigmaY=0.1, borderType=cv2.BORDER_REPLICATE
    ).reshape(near.shape)
    share = np.clip(np.arange(count, dtype=np.float32) / max(1, 12 * depth), 0, 1)[:, None, None]
    lines = near + (far - near) * share
    # At the seam the border's own grain, mirrored; further out one as strong that has no pattern.
    held = np.exp(-np.arange(count, dtype=np.float32) / max(1.0, depth / 3))[:, None, None]
    order = np.concatenate([np.arange(depth), np.arange(depth)[::-1]])
    strength = 1.4826 * np.median(np.abs(grain), axis=(0, 1))
    noise = cv2.GaussianBlur(np.random.default_rng(0).standard_normal((count, length), np.float32), (0, 0), 0.6)
    noise /= max(1e-6, float(noise.std()))
    lines = lines + grain[np.resize(order, count)] * held + noise[..., None] * strength * np.sqrt(1 - held**2)
    drawn: Pixels = np.clip(np.rint(lines), 0, 255).astype(np.uint8)
    return drawn


def _on_backdrop(pixels: Pixels, around: Around) -> Pixels:
    """A picture before itself, larger, blurred and darker."""
    import cv2

    height, width = pixels.shape[:2]
    (top, bottom), (left, right) = around
    whole = (left + width + right, top + height + bottom)
    small = max(1, round(whole[0] / 8)), max(1, round(whole[1] / 8))
    grow = max(small[0] / width, small[1] / height)
    cover = max(small[0], round(width * grow)), max(small[1], round(height * grow))
    tiny = cv2.resize(pixels, cover, interpolation=cv2.INTER_AREA if grow < 1 else cv2.INTER_LINEAR)
    a, b = (cover[0] - small[0]) // 2, (cover[1] - small[1]) // 2
    tiny = tiny[b : b + small[1], a : a + small[0]].astype(np.float32) * BACKDROP_LIGHT
    tiny = cv2.GaussianBlur(tiny, (0, 0), max(0.8, BACKDROP_BLUR * max(small)), borderType=cv2.BORDER_REPLICATE)
    canvas: Pixels = np.clip(np.rint(cv2.resize(tiny, whole, interpolation=cv2.INTER_CUBIC)), 0, 255).astype(np.uint8)
    canvas[top : top + height, left : left + width] = pixels
    return canvas
