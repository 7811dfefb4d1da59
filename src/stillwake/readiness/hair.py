"""Hair: its colour, how far it hangs, and the patches of it that go on in another hue.

What of it has which hue is looked for where a net (`perceive.hair`) sees hair, or, if it sees hardly any, in what is
grown from the crown by colour; what the net surely takes for none is no patch of it.

Where hair turns into a dress or a wall, lightness or texture breaks too; where only its hue was changed, light and
shade run on, strand by strand. So lightness is compared across the border of a patch, as structural similarity does
(Wang et al., 2004), along the lean that fits best. What this takes for hair: a hat, veil or collar as light as the
hair, without an outline, of which the net is not sure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwake.perceive.hair import PERSON, HairMap, face_oval, read_hair
from stillwake.readiness.signals import lab_of
from stillwake.types import Box, Face, Floats, Pixels

Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]

WIDTH = 96
"""px of the face's width at which hair is looked at: strands melt into areas, edges stay."""
_CANVAS = (int(4.4 * WIDTH), int(5.2 * WIDTH))
"""px (width, height) of what is looked at around the face."""
_ABOVE = 1.9 * WIDTH
"""px of the canvas above the face's middle."""
_LEAST_SEED = 150
"""px around the forehead that the hair's colour is taken from, at least: half a lock."""
_TONE = 6.0
"""Lab units in a and b by which strands of one head differ from what their lightness lets expect."""
_FARTHEST = 45.0
"""The same from which it is another thing: hair is shifted by 10 to 25."""
_EDGE = 6.0
"""L per px from which an outline or a fold parts two patches."""
_SMALLEST = 0.02
"""Area of a patch in squares of the face's width: a glint, an ear or an ornament is smaller."""
_LARGEST = 1.5
"""The same at most: tips of long hair reach .8, a coat 3."""
_WITHIN = 0.5
"""Share of a patch's rim from which the hair goes on around it: shade, a glint or a ribbon, and no tips. Of dyed tips
in 42 stills the middle one has .18, nine in ten under .48; of patches in 180 stills as they are the middle one .42."""
_RIM = 4
"""px of that rim."""
_HAIR = 0.1
"""How surely the net takes a patch for hair, on average, below which it is none. Of nine patches warned of in 181
pictures the two below were a sleeve and mail; of clean and dyed stills .05 and .2 part the same ones."""
_SURE = 0.7
"""The same from which a px is hair that the colour is named after, and that says how far the hair hangs: .7, .85 and
.95 were tried on the lengths of 57 stills, told by eye."""
_LIKELY = 0.5
"""The same from which what has the colours of the sure hair is hair. Of 132 stills with ends dyed by 25 Lab .78 are
warned of at a limit that 9 of 168 stills as they are exceed; .59 where hair is grown from crown and temples
(2026-11-30). With .3 and .4 less by .12 and .11, with .7 by .05."""
_OTHER, _SHADED = 8.0, 15.0
"""Lab units in a and b from which it is another hue, even where the hair itself has several, and L by which it may be
lighter or darker than the sure hair. Without the one .74 of those ends, without the other .76; with 7.5 or 20 .77."""
_ENOUGH = 0.5
"""Areas of what was grown from the crown from which it is asked for that: of a flat crown, which the net takes for a
hat, a lock of .11 is left; where it rightly names another colour there are .58 and more."""
_TIPS = 0.98
"""Share of the hair that hangs above what counts as its end."""
_NEAR = (1.5, 5.5)
"""px from the hair between which a patch is held against it: nearer, a hue that fades in has not arrived."""
_APART = 7
"""px between the two sides: over a hue that fades in, and less than a strand keeps its lightness for."""
_LEANS = (0, 20, -20, 40, -40, 60, -60)
"""Degrees from the upright along which the sides are compared, as strands may lean; the best one counts."""
_STEP = 5.0
"""Lab units in a and b by which the two sides differ at least."""
_ONE_HUE = 10.0
"""The same around a patch's hue: what differs more is another patch, and patches that differ less count as one."""
_RUNS_ON = 4.0
"""L of difference and of outline between two sides up to which lightness runs on: hair over clothes mostly has 5."""
_GRAIN = 9.0
"""The same squared, 3 L: two smooth sides that differ by less are alike without any strands to follow."""
_LONGEST = 0.3
"""Widths of the face from which a longer border proves no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Hair:
    """What is seen of the hair.

    ``colour`` its median Lab; ``below`` how far it hangs under the chin in heights of the face, negative above it;
    ``changed`` 0..., how clearly its hue changes on the way down (the length of the border over which lightness runs
    on, in widths of the face, times the squared likeness of its sides); ``box`` of the changed part in px, None
    without one.
    """

    colour: Floats
    below: float
    changed: float
    box: Box | None


@dataclass(frozen=True, slots=True, eq=False)
class _Canvas:
    """The head at one size and upright: Lab, lightness smoothed, and masks of the person and the face, all (H, W).

    ``share`` (H, W) is how surely the net takes a px for hair, 0..1; ``top`` and ``chin`` are the rows of the face,
    ``middle`` its column, all in px of the canvas.
    """

    lab: Floats
    even: Floats
    strands: Floats
    edges: Floats
    person: Mask
    face: Mask
    share: Floats
    top: int
    chin: int
    middle: float
    back: Floats

    @property
    def height(self) -> int:
        """Height of the face in px of the canvas."""
        return self.chin - self.top


def hair_of(pixels: Pixels, face: Face, matte: Floats | None) -> Hair | None:
    """The hair of a face; None without a matte, or where too little of the head shows around the face.

    ``pixels`` (H, W, 3) uint8 RGB, ``matte`` (H, W) 0..1.
    """
    if matte is None:
        return None
    seen = read_hair(pixels, face, matte)
    canvas = _drawn(pixels, face, matte, seen)
    if (grown := _grown(canvas)) is None:
        return None
    hair, _ = grown
    changed, patch = _changed(canvas, *(_known(canvas) or grown))
    sure = canvas.share > _SURE
    if sure.sum() < _ENOUGH * hair.sum():
        sure = hair
    lowest = max(int(np.quantile(np.nonzero(mask)[0], _TIPS)) for mask in (hair, sure))
    colour: Floats = np.median(canvas.lab[sure], 0).astype(np.float32)
    box = _box(canvas, patch) if changed > 0 else None
    return Hair(colour, (lowest - canvas.chin) / max(1, canvas.height), changed, box)


def _drawn(pixels: Pixels, face: Face, matte: Floats, found: HairMap) -> _Canvas:
    import cv2

    x0, y0, x1, y1 = face.box
    scale = WIDTH / max(1.0, x1 - x0)
    width, height = _CANVAS
    there = cv2.getRotationMatrix2D(((x0 + x1) / 2, (y0 + y1) / 2), face.roll, scale)
    there[:, 2] += (width / 2 - (x0 + x1) / 2, _ABOVE - (y0 + y1) / 2)
    person = cv2.warpAffine(matte.astype(np.float32), there, (width, height)) > PERSON
    outline = face.mesh[:468, :2] if face.mesh is not None else np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    placed = (outline @ there[:, :2].T + there[:, 2]).astype(np.float32)
    # Only the part with the person in it is looked at.
    seen = np.concatenate([placed, np.argwhere(person)[:, ::-1].astype(np.float32)])
    left, top = (int(v) for v in np.maximum(seen.min(0) - 8, 0))
    right, bottom = (int(v) for v in np.minimum(seen.max(0) + 9, (width, height)))
    there[:, 2] -= (left, top)
    placed -= np.array([left, top], np.float32)
    person = person[top:bottom, left:right]
    width, height, middle = right - left, bottom - top, width / 2 - left
    share = cv2.warpAffine(found.hair, there @ np.vstack([found.back, [0, 0, 1]]), (width, height))
    shown = cv2.GaussianBlur(pixels, (0, 0), 0.35 / scale) if scale < 1 else pixels
    lab = lab_of(cv2.warpAffine(shown, there, (width, height), flags=cv2.INTER_LINEAR))
    even = np.dstack([cv2.bilateralFilter(np.ascontiguousarray(lab[..., i]), 7, 8, 3) for i in range(3)])
    fine = cv2.GaussianBlur(lab[..., 0], (0, 0), 1.0)
    edges = np.hypot(cv2.Sobel(fine, cv2.CV_32F, 1, 0), cv2.Sobel(fine, cv2.CV_32F, 0, 1)) / 8
    inside = face_oval(face, there, (width, height))
    rows = np.nonzero(inside.any(1))[0]
    brow, chin = (int(rows[0]), int(rows[-1])) if len(rows) else (0, 1)
    return _Canvas(
        lab=lab, even=even, strands=cv2.GaussianBlur(lab[..., 0], (0, 0), 1.5), edges=edges, person=person,
        face=inside > 0, share=share, top=brow, chin=chin, middle=middle,
        back=cv2.invertAffineTransform(there).astype(np.float32),
    )  # fmt: skip


def _rows(canvas: _Canvas) -> Floats:
    """How far down each row lies, (H, 1): 0 at the top of the face, 1 at the chin."""
    rows: Floats = (np.arange(len(canvas.face))[:, None] - canvas.top) / np.float32(max(1, canvas.height))
    return rows


def _grown(canvas: _Canvas) -> tuple[Mask, Floats] | None:
    """The hair that hangs together with the crown, and its deviation as `_like` has it; None without a crown."""
    import cv2

    row = _rows(canvas)
    away = cv2.distanceTransform((~canvas.face).astype(np.uint8), cv2.DIST_L2, 5) / WIDTH
    sown = canvas.person & ~canvas.face & (row < 0.15) & (away > 0.03) & (away < 0.32)
    if (found := _like(canvas, sown, np.zeros_like(sown), np.inf)) is None:
        return None
    alike, deviation = found
    _, parts = cv2.connectedComponents(alike.astype(np.uint8), connectivity=4)
    own = np.unique(parts[sown & alike])
    hair = np.isin(parts, own[own > 0])
    return (hair, deviation) if hair.any() else None


def _known(canvas: _Canvas) -> tuple[Mask, Floats] | None:
    """What the net takes for hair, of the colours of what it is sure of in the upper half; None if of too little.

    It need not hang together: a fringe, a lock behind a ribbon and the hair below a hat are hair; a speck is none.
    """
    import cv2

    sown = canvas.person & ~canvas.face & (canvas.share > _SURE) & (_rows(canvas) < 0.5)
    likely = canvas.share > _LIKELY
    if (found := _like(canvas, sown, likely, _OTHER)) is None:
        return None
    alike, deviation = found
    _, parts, stats, _ = cv2.connectedComponentsWithStats((alike & likely).astype(np.uint8), connectivity=4)
    own = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= _SMALLEST * WIDTH**2)
    hair = np.isin(parts, own[own > 0])
    return (hair, deviation) if hair.any() else None


def _like(canvas: _Canvas, sown: Mask, likely: Mask, other: float) -> tuple[Mask, Floats] | None:
    """What has the colours of a seed, and each pixel's deviation from its hue (H, W, 2); None if that is too small.

    From ``other`` Lab units in a and b on it is another hue, however far the seed itself strays. The deviation is nan
    where no hair can be: on the face, the background, in other lightness, and, but for what is ``likely`` hair, on the
    neck and in the colours of the skin.
    """
    if sown.sum() < _LEAST_SEED:
        return None
    weights, row = np.array([0.5, 1, 1], np.float32), _rows(canvas)
    strands = canvas.even[sown]
    strands = strands[np.linalg.norm((strands - np.median(strands, 0)) * weights, axis=1) < 22]
    if len(strands) < 2 * _LEAST_SEED // 3:
        return None
    dark, light = np.percentile(strands[:, 0], [2, 98])
    # Shading moves a and b with L: what counts is the distance from the line that the seed's pixels lie on.
    line, *_ = np.linalg.lstsq(np.c_[strands[:, 0], np.ones(len(strands))], strands[:, 1:], rcond=None)
    spread = 1.48 * float(np.median(np.abs(strands[:, 1:] - strands[:, :1] * line[0] - line[1])))
    lightness = np.clip(canvas.even[..., 0], dark - 5, light + 8)[..., None]
    deviation = canvas.even[..., 1:] - (lightness * line[0] + line[1])
    skin_rows = canvas.face & (row > 0.45) & (row < 0.8)
    skin = np.median(canvas.even[skin_rows], 0) if skin_rows.any() else np.zeros(3)
    darkest, lightest = (np.where(likely, _SHADED, reach) for reach in (8, 10))
    free = canvas.person & ~canvas.face
    free &= (canvas.even[..., 0] > dark - darkest) & (canvas.even[..., 0] < light + lightest)
    aside = np.abs(np.arange(canvas.face.shape[1]) - canvas.middle)
    free &= likely | ~((row > 0.85) & (row < 1.45) & (aside < 0.28 * WIDTH))  # the neck
    if np.linalg.norm((np.median(strands, 0) - skin) * weights) > 14:
        free &= likely | (np.linalg.norm((canvas.even - skin) * np.array([0.6, 1, 1]), axis=2) >= 12)
    alike: Mask = free & (np.linalg.norm(deviation, axis=2) < min(max(_TONE, 2.5 * spread), other))
    kept: Floats = np.where(free[..., None], deviation, np.nan).astype(np.float32)
    return alike, kept


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """The px of patches near the hair (N), their L, that of the hair across the border, and the line between them.

    ``line`` is by how much L on the way leaves the range between both ends.
    """

    y: Index
    x: Index
    patch: Floats
    hair: Floats
    line: Floats

    @property
    def run_on(self) -> Mask:
        """Where lightness runs on, (N,)."""
        there: Mask = np.abs(self.patch - self.hair) + self.line < _RUNS_ON
        return there

    def weight(self, here: Mask) -> float:
        """How clearly those px are hair that goes on."""
        length = int((self.run_on & here).sum()) / (_NEAR[1] - _NEAR[0]) / WIDTH
        if length <= 0:
            return 0.0
        one, other = self.patch[here], self.hair[here]
        both = 2 * float(((one - one.mean()) * (other - other.mean())).mean())
        apart = float(one.var() + other.var() + (one.mean() - other.mean()) ** 2 + (self.line[here] ** 2).mean())
        return min(length, _LONGEST) * max(0.0, (both + _GRAIN) / (apart + _GRAIN)) ** 2


def _sides(canvas: _Canvas, hair: Mask, near: Mask, deviation: Floats, lean: float) -> _Sides:
    """What lies across the border of the hair from the px that are ``near`` it, ``lean`` degrees from the upright."""
    y, x = np.nonzero(near)
    up, aside = (round(_APART * float(way(np.radians(lean)))) for way in (np.cos, np.sin))
    inside = (y >= up) & (x >= aside) & (x < hair.shape[1] + min(aside, 0))
    y, x = y[inside], x[inside]
    across = hair[y - up, x - aside]
    across &= np.linalg.norm(deviation[y, x] - deviation[y - up, x - aside], axis=1) > _STEP
    y, x = y[across], x[across]
    path = np.array([
        canvas.strands[np.rint(y - up * t).astype(int), np.rint(x - aside * t).astype(int)]
        for t in (0, 0.2, 0.4, 0.6, 0.8, 1)
    ])  # fmt: skip
    low, high = np.minimum(path[0], path[-1]), np.maximum(path[0], path[-1])
    line: Floats = np.maximum(low - path.min(0), 0) + np.maximum(path.max(0) - high, 0)
    return _Sides(y, x, path[0], path[-1], line)


def _changed(canvas: _Canvas, hair: Mask, deviation: Floats) -> tuple[float, Mask]:
    """How clearly the hue changes on the way down, and the patches where it does."""
    import cv2

    row = _rows(canvas)
    size = np.linalg.norm(deviation, axis=2)
    odd = ~hair & np.isfinite(size) & (size >= _TONE) & (size < _FARTHEST) & (row > 0.15) & (canvas.edges < _EDGE)
    _, parts, boxes, _ = cv2.connectedComponentsWithStats(odd.astype(np.uint8), connectivity=4)
    away = cv2.distanceTransform((~hair).astype(np.uint8), cv2.DIST_L2, 5)
    near = odd & (away > _NEAR[0]) & (away < _NEAR[1])
    sides = [_sides(canvas, hair, near, deviation, lean) for lean in _LEANS]
    part = np.concatenate([parts[one.y, one.x][one.run_on] for one in sides])
    hues = np.concatenate([deviation[one.y, one.x][one.run_on] for one in sides])
    found: list[tuple[float, Floats, Mask]] = []
    for index in np.unique(part):
        left, top, wide, high, _ = boxes[index]
        at = np.s_[top : top + high, left : left + wide]
        hue = np.median(hues[part == index], 0)
        alike = (parts[at] == index) & (np.linalg.norm(deviation[at] - hue, axis=2) < _ONE_HUE)
        _, pieces, stats, _ = cv2.connectedComponentsWithStats(alike.astype(np.uint8), connectivity=4)
        numbered = np.zeros_like(parts)
        numbered[at] = pieces
        for piece, (*_, area) in enumerate(stats[1:], 1):
            if _SMALLEST <= area / WIDTH**2 <= _LARGEST:
                weight = max(one.weight(numbered[one.y, one.x] == piece) for one in sides)
                patch = numbered == piece
                if weight > 0 and not _within(hair, patch) and canvas.share[patch].mean() > _HAIR:
                    found.append((weight, hue, patch))
    best, where = 0.0, np.zeros_like(hair)
    for _, hue, _ in found:
        # Tips are dyed on both sides of the face: patches of one hue count together.
        same = [(weight, patch) for weight, other, patch in found if np.linalg.norm(other - hue) < _ONE_HUE]
        total, most = sum(weight for weight, _ in same), max(weight for weight, _ in same)
        if total > best:
            best, where = total, np.any([patch for weight, patch in same if weight > 0.3 * most], 0)
    return best, where


def _within(hair: Mask, patch: Mask) -> bool:
    """Whether a patch lies within the hair, which goes on below it in its old hue."""
    import cv2

    rim = cv2.dilate(patch.astype(np.uint8), np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8)).astype(bool) & ~patch
    return float(hair[rim].mean()) > _WITHIN


def _box(canvas: _Canvas, patch: Mask) -> Box:
    """The box of a patch in px of the still."""
    y, x = np.nonzero(patch)
    corners = np.array([(a, b) for a in (x.min(), x.max()) for b in (y.min(), y.max())], np.float32)
    placed = corners @ canvas.back[:, :2].T + canvas.back[:, 2]
    (x0, y0), (x1, y1) = placed.min(0), placed.max(0)
    return float(x0), float(y0), float(x1), float(y1)
