"""The anatomy of a drawn face: its contours, laid onto the lines the artist drew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stillwake.engines.animator.anatomy import (
    LINE_POINTS,
    Anatomy,
    Array,
    EyeLine,
    cheapest_path,
    dense,
    eye_line,
    smoothstep,
)
from stillwake.types import Eye, Face, Floats, Mouth, Pixels

EYES_TO_CHIN = 0.53
"""The eyes' distance from the chin in face heights: drawn eyes sit lower than a person's."""
OPEN_GAP = 0.12
"""A drawn mouth whose inner contours lie further apart than this share of its width is open."""
WIDEST_OPENING = 0.31
"""What the widest viseme opens, in opening units (`stillwake.engines.animator.tracks.POSES`)."""
EXTENSION = 0.35
"""How far beyond a contour's ends its line is looked for, in its own lengths."""
VALLEY, ALIKE = 5.0, 14.0
"""Closed painted lips: their parting is darker than both by so many levels of L*, and in colour (a*, b*) they differ
by no more than that."""
TALLEST_LIPS = 0.45
"""Height of closed painted lips as a share of their width, at most."""
HANGING = 0.5
"""Share of an open mouth's width by which the middle of its upper line may hang below its corners: in 33 drawn stills
it hangs by .10 at most, a closed smile by .31, and where a chin was read as a mouth by .75."""
SLANT = np.radians(10)
"""The most an eye's own frame leans against the face's."""
TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
"""Down times this is across."""
FAINT = 6.0
"""Levels of L* by which a line must stand out to be believed."""


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A picture along a line: ``lab`` (N, M, 3), where row n crosses the line's point n at the offsets (M,) px."""

    lab: Floats
    offsets: Array


def strip_along(pixels: Pixels, line: Array, down: Array, reach: float, step: float = 0.5) -> Strip:
    """The picture within ``reach`` px of a line (N, 2), along ``down``."""
    import cv2

    offsets = np.arange(-reach, reach + step / 2, step)
    at = (line[:, None] + offsets[None, :, None] * down).astype(np.float32)
    maps = at[..., 0].copy(), at[..., 1].copy()
    across = cv2.remap(pixels, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Strip(cv2.cvtColor(across.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), offsets)


def measure_contours(pixels: Pixels, face: Face) -> Anatomy:
    """The anatomy of a drawn face; ``pixels`` (H, W, 3) uint8 RGB."""
    roll = np.radians(face.roll)
    across = np.array([np.cos(roll), np.sin(roll)])
    down = np.array([-across[1], across[0]])
    between = np.mean([(e.upper_lid.mean(0) + e.lower_lid.mean(0)) / 2 for e in face.eyes], 0)
    chin = np.array(face.chin, np.float64)
    height = float(max((chin - between) @ down / EYES_TO_CHIN, 1.2 * face.size, 16.0))
    upper, lower = mouth_lines(pixels, face.mouth, down, height)
    gap = float(np.median(((lower - upper) @ down)[LINE_POINTS // 3 : -LINE_POINTS // 3]))
    width = max(2.0, float((upper[-1] - upper[0]) @ across))
    centre = (upper[0] + upper[-1]) / 2
    centre = centre + down * float(((upper + lower) / 2 - centre)[LINE_POINTS // 2] @ down)
    return Anatomy(
        across=across,
        down=down,
        centre=centre,
        half_left=width / 2,
        half_right=width / 2,
        mouth_width=width,
        face_height=height,
        opening_unit=_opening_unit(width, height, gap, float((chin - centre) @ down)),
        upper_line=upper.astype(np.float32),
        lower_line=lower.astype(np.float32),
        gap=max(0.0, gap),
        eyes=(_eye(pixels, face.eyes[0], down), _eye(pixels, face.eyes[1], down)),
        oval=_oval(face, across, down, height),
        chin=np.array(face.chin, np.float32),
        solid=_solid(face, between, across, down, height),
    )


def is_misread(mouth: Mouth) -> bool:
    """Whether an open mouth's upper line hangs as no lip does: then the chin was taken for it."""
    upper, lower = dense(mouth.inner_upper.astype(np.float64)), dense(mouth.inner_lower.astype(np.float64))
    width = float(np.linalg.norm(upper[-1] - upper[0]))
    down = (upper[-1] - upper[0]) @ TURN.T / max(width, 1e-6)
    middle = LINE_POINTS // 2
    hangs = float((upper[middle] - (upper[0] + upper[-1]) / 2) @ down)
    return hangs > HANGING * width and float((lower[middle] - upper[middle]) @ down) > OPEN_GAP * width


def _opening_unit(width: float, height: float, gap: float, to_chin: float) -> float:
    """A drawn mouth opens further than a person's, never below the chin, and in an open still as far as there."""
    widest = min(0.62 * float(np.clip(width, 0.15 * height, 0.26 * height)), 0.62 * to_chin)
    return max(gap if gap > 0.4 * widest else widest, 1.0) / WIDEST_OPENING


def _oval(face: Face, across: Array, down: Array, height: float) -> Floats:
    """Jaw and, over the forehead, half an ellipse from ear side to ear side."""
    left, right = face.jaw[0].astype(np.float64), face.jaw[-1].astype(np.float64)
    turn = np.linspace(0, np.pi, 12)[1:-1, None]
    arc = (left + right) / 2 + (right - left) / 2 * np.cos(turn) - down * 0.45 * height * np.sin(turn)
    oval: Floats = np.concatenate([face.jaw, arc]).astype(np.float32)
    return oval


def _solid(face: Face, between: Array, across: Array, down: Array, height: float) -> Floats:
    """A smooth head, turned as the face is: highest on the midline between nose and mouth."""
    middle = between + down * 0.22 * height + across * 0.5 * height * np.sin(np.radians(face.yaw)) * 0.4
    steps = np.linspace(-1, 1, 11)
    x, y = (v.ravel() for v in np.meshgrid(0.6 * height * steps, 0.75 * height * steps))
    depth = 0.42 * height * np.exp(-((x / (0.48 * height)) ** 2) - (y / (0.62 * height)) ** 2)
    points = middle + x[:, None] * across + y[:, None] * down
    solid: Floats = np.concatenate([points, depth[:, None]], 1).astype(np.float32)
    return solid


# ------------------------------------------------------------------------------------------------- the mouth


def mouth_lines(pixels: Pixels, mouth: Mouth, down: Array, height: float) -> tuple[Array, Array]:
    """The upper and the lower line of the mouth, each (65, 2) px from corner to corner; one line where it is closed.

    Contours are a few per cent of the face off, and what the artist drew is exact: a closed mouth's line is the
    darkest path near them, as long as it goes on; an open mouth's edges are where the skin ends.
    """
    inner_upper, inner_lower = dense(mouth.inner_upper.astype(np.float64)), dense(mouth.inner_lower.astype(np.float64))
    middle = slice(LINE_POINTS // 3, -LINE_POINTS // 3)
    gap = float(np.median(((inner_lower - inner_upper) @ down)[middle]))
    width = float(np.linalg.norm(inner_upper[-1] - inner_upper[0]))
    if gap <= OPEN_GAP * width:
        line = _closed_line(pixels, (inner_upper + inner_lower) / 2, down, max(0.12 * width, 0.022 * height))
        return line, line.copy()
    outer_upper, outer_lower = dense(mouth.outer_upper.astype(np.float64)), dense(mouth.outer_lower.astype(np.float64))
    parting = _parting(pixels, outer_upper, outer_lower, down)
    if parting is not None:
        return parting, parting.copy()
    reach = min(0.03 * height, 0.3 * gap)
    return _edge(pixels, outer_upper, down, reach, 1), _edge(pixels, outer_lower, down, reach, -1)


def _parting(pixels: Pixels, upper: Array, lower: Array, down: Array) -> Array | None:
    """The dark line between two painted lips of one colour, which are easily taken for an open mouth, or None."""
    import cv2

    middle = (upper + lower) / 2
    half = float(np.median(((lower - upper) @ down)[LINE_POINTS // 3 : -LINE_POINTS // 3])) / 2
    if 2 * half > TALLEST_LIPS * np.linalg.norm(upper[-1] - upper[0]):
        return None
    strip = strip_along(pixels, middle, down, half, max(0.25, half / 24))
    lab = cv2.GaussianBlur(strip.lab, (0, 0), sigmaX=1.0, sigmaY=1.5)
    place = strip.offsets / half
    near = np.abs(place) < 0.6
    path = cheapest_path(lab[:, near, 0].astype(np.float64) + 4.0 * place[near] ** 2, 2.0) + int(near.argmax())
    inner = np.arange(LINE_POINTS // 5, LINE_POINTS - LINE_POINTS // 5)
    at = place[path[inner]][:, None]

    def side(sign: int) -> Floats:
        band = (sign * (place - at) > 0.2) & (np.abs(place) < 0.85)
        means: Floats = (lab[inner] * band[..., None]).sum(1) / np.maximum(band.sum(1), 1)[:, None]
        return means

    above, under = side(-1), side(1)
    valley = np.minimum(above[:, 0], under[:, 0]) - lab[inner, path[inner], 0]
    alike = np.linalg.norm((above - under)[:, 1:], axis=1)
    if np.median(valley) < VALLEY or np.median(alike) > ALIKE:
        return None
    offset = cv2.GaussianBlur(strip.offsets[path][None].astype(np.float32), (0, 0), 1.5)[0].astype(np.float64)
    offset *= 1 - np.abs(np.linspace(-1, 1, LINE_POINTS)) ** 6
    parting: Array = middle + offset[:, None] * down
    return parting


def _closed_line(pixels: Pixels, line: Array, down: Array, reach: float) -> Array:
    import cv2

    share = np.linspace(-EXTENSION, 1 + EXTENSION, 2 * LINE_POINTS)
    long = np.stack([_extrapolated(line[:, k], share) for k in (0, 1)], 1)
    strip = strip_along(pixels, long, down, reach)
    light = cv2.GaussianBlur(strip.lab[..., 0], (0, 0), sigmaX=0.6, sigmaY=1.5)
    base = np.percentile(light, 75, axis=1)
    prior = (strip.offsets / reach) ** 2
    path = cheapest_path(light.astype(np.float64) + 6.0 * prior, 2.0)
    contrast = base - light[np.arange(len(path)), path]
    inside = (share > 0.25) & (share < 0.75)
    core = float(np.median(contrast[inside]))
    if core < FAINT:
        return line
    drawn = contrast > 0.3 * core
    first = last = len(share) // 2
    while first > 1 and drawn[first - 2 : first].any() and share[first] > -EXTENSION:
        first -= 1
    while last < len(share) - 2 and drawn[last + 1 : last + 3].any():
        last += 1
    first, last = min(first, int(np.searchsorted(share, 0.08))), max(last, int(np.searchsorted(share, 0.92)))
    offset = cv2.GaussianBlur(strip.offsets[path][None].astype(np.float32), (0, 0), 2.0)[0].astype(np.float64)
    found: Array = dense((long + offset[:, None] * down)[first : last + 1])
    return found


def _extrapolated(values: Array, share: Array) -> Array:
    """Values (65,) at shares of their length, going on straight beyond both ends."""
    own = np.linspace(0, 1, len(values))
    at = np.interp(share, own, values)
    slopes = (values[8] - values[0]) / own[8], (values[-1] - values[-9]) / own[8]
    extrapolated: Array = at + np.minimum(share, 0) * slopes[0] + np.maximum(share - 1, 0) * slopes[1]
    return extrapolated


def _edge(pixels: Pixels, line: Array, down: Array, reach: float, into: int) -> Array:
    """``line`` moved to where the skin ends; ``into`` +1 where the mouth lies below the line, -1 above."""
    import cv2

    strip = strip_along(pixels, line, down, 2 * reach)
    skin = strip.lab[:, : max(1, len(strip.offsets) // 6)] if into > 0 else strip.lab[:, -len(strip.offsets) // 6 :]
    away = np.linalg.norm(strip.lab - np.median(skin, (0, 1)), axis=-1)
    rise = into * np.gradient(cv2.GaussianBlur(away, (0, 0), sigmaX=0.8, sigmaY=1.0), axis=1)
    strength = np.minimum(rise / max(1.0, float(np.percentile(rise.max(1), 60))), 1.0)
    near = np.abs(strip.offsets) <= reach
    prior = (strip.offsets[near] / reach) ** 2
    path = cheapest_path(20.0 * (1 - strength[:, near]) + 8.0 * prior, 3.0)
    offset = cv2.GaussianBlur(strip.offsets[near][path][None].astype(np.float32), (0, 0), 1.5)[0].astype(np.float64)
    ends = 1 - np.abs(np.linspace(-1, 1, len(line))) ** 8
    moved: Array = line + (offset * ends)[:, None] * down
    return moved


# -------------------------------------------------------------------------------------------------- the eyes


def _eye(pixels: Pixels, eye: Eye, down: Array) -> EyeLine:
    """The eye with its upper contour on the middle of the lash band."""
    import cv2

    upper, lower = eye.upper_lid.astype(np.float64), eye.lower_lid.astype(np.float64)
    if eye.iris is not None:
        line = dense(upper)
        tall = float(((lower - upper) @ down).max())
        reach = max(1.5, 0.16 * tall)
        strip = strip_along(pixels, line, down, reach)
        light = cv2.GaussianBlur(strip.lab[..., 0], (0, 0), sigmaX=max(0.6, 0.05 * tall), sigmaY=2.0)
        path = cheapest_path(light.astype(np.float64) + 14.0 * (strip.offsets / reach) ** 2, 3.0)
        offset = cv2.GaussianBlur(strip.offsets[path][None].astype(np.float32), (0, 0), 4.0)[0].astype(np.float64)
        offset *= smoothstep(1 - np.abs(np.linspace(-1, 1, LINE_POINTS)), 0.0, 0.25)
        upper = (line + offset[:, None] * down)[:: LINE_POINTS // 16]
    tilt = upper[-1] - upper[0]
    slant = np.arctan2(tilt @ down, tilt @ (down @ TURN))
    slant = float(np.clip(slant, -SLANT, SLANT))
    across = np.cos(slant) * (down @ TURN) + np.sin(slant) * down
    return eye_line(upper, lower, eye.brow.astype(np.float64), across)
