"""The signals behind the checks: numbers out of pixels, without any verdict.

Each takes pixels (H, W, 3) uint8 RGB and what was seen in them; each returns None where it cannot see.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from stillwake.types import Box, Face, Floats, Pixels

Plane = npt.NDArray[np.float32]

# --------------------------------------------------------------------------------------------------------- colours


def lab_of(pixels: Pixels) -> Floats:
    """CIE Lab of (H, W, 3) uint8 RGB, float32, L 0..100."""
    import cv2

    lab: Floats = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab


def face_light(pixels: Pixels, face: Face, matte: Floats | None) -> tuple[float, float] | None:
    """Lightness L of the face's middle and of the background, medians, 0..100; None without a background."""
    if matte is None:
        return None
    away = matte < 0.1
    if away.mean() < 0.1:
        return None
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = face.box
    w, h = x1 - x0, y1 - y0
    left, right = (int(np.clip(v, 0, width)) for v in (x0 + 0.25 * w, x1 - 0.25 * w))
    top, bottom = (int(np.clip(v, 0, height)) for v in (y0 + 0.25 * h, y1 - 0.15 * h))
    if right - left < 4 or bottom - top < 4:
        return None
    step = max(1, int(np.sqrt(height * width / 250_000)))
    behind = lab_of(np.ascontiguousarray(pixels[::step, ::step]))[..., 0][away[::step, ::step]]
    return float(np.median(lab_of(pixels[top:bottom, left:right])[..., 0])), float(np.median(behind))


def ciede2000(one: tuple[float, float, float], two: tuple[float, float, float]) -> float:
    """The CIEDE2000 difference of two Lab colours (Sharma, Wu and Dalal, 2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    dh = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    dl, dc = l2 - l1, c2 - c1
    dbig = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh) / 2)
    ml, mc = (l1 + l2) / 2, (c1 + c2) / 2
    if c1 * c2 == 0:
        mh = h1 + h2
    elif abs(h1 - h2) <= 180:
        mh = (h1 + h2) / 2
    else:
        mh = (h1 + h2 + 360) / 2 if h1 + h2 < 360 else (h1 + h2 - 360) / 2
    t = (
        1 - 0.17 * np.cos(np.radians(mh - 30)) + 0.24 * np.cos(np.radians(2 * mh))
        + 0.32 * np.cos(np.radians(3 * mh + 6)) - 0.20 * np.cos(np.radians(4 * mh - 63))
    )  # fmt: skip
    sl = 1 + 0.015 * (ml - 50) ** 2 / np.sqrt(20 + (ml - 50) ** 2)
    sc, sh = 1 + 0.045 * mc, 1 + 0.015 * mc * t
    rc = 2 * np.sqrt(mc**7 / (mc**7 + 25.0**7))
    rt = -np.sin(np.radians(60 * np.exp(-(((mh - 275) / 25) ** 2)))) * rc
    return float(np.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dbig / sh) ** 2 + rt * (dc / sc) * (dbig / sh)))


# ------------------------------------------------------------------------------------------------------------ file


def luma(pixels: Pixels) -> Plane:
    """(H, W) float32 luma, 0..255."""
    import cv2

    grey: Plane = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return grey


_TILE = 64
_TILES = 400


def softness(pixels: Pixels) -> float | None:
    """How steeply the spectrum falls near the Nyquist limit, in ln units; larger is softer.

    The picture is cut into tiles of 64 px under a Hann window. The tiles with the most detail count (the subject's
    edges, where even a defocused picture is sharp): their mean log power at .25 to .45 of Nyquist minus that at .65
    to .9. None where no tile has detail, or the picture is smaller than two tiles.
    """
    grey = luma(pixels)
    height, width = grey.shape
    if min(height, width) < 2 * _TILE:
        return None
    step = max(_TILE // 2, int(np.sqrt(height * width / _TILES)))
    window = np.outer(np.hanning(_TILE), np.hanning(_TILE)).astype(np.float32)
    tiles = np.stack([
        grey[y : y + _TILE, x : x + _TILE]
        for y in range(0, height - _TILE + 1, step) for x in range(0, width - _TILE + 1, step)
    ])  # fmt: skip
    tiles = (tiles - tiles.mean((1, 2), keepdims=True)) * window
    power = np.abs(np.fft.rfft2(tiles)) ** 2
    fy, fx = np.fft.fftfreq(_TILE)[:, None], np.fft.rfftfreq(_TILE)[None]
    radius = np.hypot(fy, fx) / 0.5
    middle, fine = (radius > 0.25) & (radius < 0.45), (radius > 0.65) & (radius < 0.9)
    energy = power[:, middle].mean(1)
    enough = energy > _TILE**2 * 2.0
    if enough.sum() < 3:
        return None
    chosen = np.argsort(energy)[::-1][: max(3, int(0.2 * enough.sum()))]
    falls = np.log(power[chosen][:, middle].mean(1) + 1) - np.log(power[chosen][:, fine].mean(1) + 1)
    return float(np.quantile(falls, 0.3))


TEXTURE_SIDE = 768
"""px of the longest side at which blending is looked at."""
FLAT, LINE = 6.0, 45.0
"""Levels within 7 × 7 px: up to the first they are one colour, from the second on they hold a line or an edge."""


def blended(pixels: Pixels, matte: Floats | None = None) -> float | None:
    """Share of the figure, 0..1, that is neither one colour nor a line: soft shading, skin, brush strokes, grain.

    Without a ``matte`` (H, W) of the whole picture; None where too little is seen.
    """
    import cv2

    height, width = pixels.shape[:2]
    scale = TEXTURE_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    grey = cv2.cvtColor(cv2.resize(pixels, size, interpolation=how), cv2.COLOR_RGB2GRAY)
    figure = np.ones(grey.shape, bool) if matte is None else cv2.resize(matte, size) > 0.6
    if figure.sum() < 4096:
        return None
    window = np.ones((7, 7), np.uint8)
    within = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, window)[figure]
    return float(((within > FLAT) & (within <= LINE)).mean())


def blockiness(pixels: Pixels) -> float:
    """How much stronger the steps on a grid of 8 px are than elsewhere, as a ratio; 1 without JPEG's blocks."""
    grey = luma(pixels)
    ratios = []
    for plane in (grey, grey.T):
        steps = np.abs(np.diff(plane, axis=1))
        flat = steps[:, 2:] + steps[:, :-2] < 6  # where nothing but a block's edge would step
        columns = np.array([
            steps[:, 1:-1][:, i::8][flat[:, i::8]].mean() if flat[:, i::8].any() else 0.0 for i in range(8)
        ])  # fmt: skip
        ratios.append(columns.max() / (np.median(columns) + 0.05))
    return float(min(ratios))


# ------------------------------------------------------------------------------------------------------ background


@dataclass(frozen=True, slots=True)
class Repeat:
    """A texture that comes again: how exactly (0..1), after how many px, and where."""

    strength: float
    period: tuple[int, int]
    box: Box


_BLOCK = 256
_MOST_BLOCKS = 400
"""So many at most are looked at: up to 6 megapixels half of each lies in the next one, in larger pictures less."""
_LAGS = (24, 150)


def repetition(pixels: Pixels, matte: Floats | None = None) -> Repeat | None:
    """The most exact repetition of a texture, people left out; None where nothing has texture.

    Blocks of 256 px, freed of shading (high pass, sigma 4) and contrast (divided by the deviation, sigma 12); the
    autocorrelation's peak at 24 to 150 px proposes a shift. Then the picture itself is compared with itself at that
    shift in windows of 33 px: only pieces copied to the pixel correlate as fully as the strength says, bricks and
    fences do not.
    """
    import cv2

    grey = luma(pixels)
    height, width = grey.shape
    if min(height, width) < _BLOCK:
        return None
    high = grey - cv2.GaussianBlur(grey, (0, 0), 4)
    spread = np.sqrt(cv2.GaussianBlur(high * high, (0, 0), 12))
    even = high / (spread + 2.0)
    best: Repeat | None = None
    step = max(_BLOCK // 2, round((height * width / _MOST_BLOCKS) ** 0.5))
    for y in sorted({*range(0, height - _BLOCK, step), height - _BLOCK}):
        for x in sorted({*range(0, width - _BLOCK, step), width - _BLOCK}):
            if matte is not None and float(matte[y : y + _BLOCK, x : x + _BLOCK].mean()) > 0.7:
                continue
            if float((spread[y : y + _BLOCK, x : x + _BLOCK] > 1.2).mean()) < 0.3:
                continue
            block = even[y : y + _BLOCK, x : x + _BLOCK]
            for dx, dy in _shifts(block):
                strength = _copied(grey, spread, (x, y), (dx, dy))
                if best is None or strength > best.strength:
                    best = Repeat(strength, (dx, dy), (float(x), float(y), float(x + _BLOCK), float(y + _BLOCK)))
    return best


_BLUR = 6.0
_SEEN = _LAGS[1] + 25
"""Lags that are looked at: those asked for, and what the blur's kernel reaches beyond them."""


@lru_cache(maxsize=1)
def _lags() -> tuple[Plane, npt.NDArray[np.bool_]]:
    """One over how many px of a block overlap at each lag, and which lags are not asked for; both over lags ± `_SEEN`.

    A shift and its opposite are the same, so only one of the two is asked for.
    """
    lag = np.arange(-_SEEN, _SEEN + 1)
    overlap = (_BLOCK - np.abs(lag)).astype(np.float32)
    yy, xx = lag[:, None], lag[None]
    reach = np.maximum(np.abs(yy), np.abs(xx))
    beyond = (reach < _LAGS[0]) | (reach > _LAGS[1]) | (yy < 0) | ((yy == 0) & (xx < 0))
    return 1 / np.outer(overlap, overlap), beyond


def _shifts(block: Plane) -> list[tuple[int, int]]:
    """The strongest peaks of a block's autocorrelation within the lags that are asked for."""
    import cv2
    from scipy.fft import irfft2, rfft2

    shared, beyond = _lags()
    spectrum = rfft2(block - block.mean(), (2 * _BLOCK, 2 * _BLOCK))
    correlation = irfft2(np.abs(spectrum) ** 2)
    near = np.arange(-_SEEN, _SEEN + 1)
    even = (correlation[near[:, None], near[None]] * shared).astype(np.float32)
    even /= max(1e-6, float(even[_SEEN, _SEEN]))
    even -= cv2.GaussianBlur(even, (0, 0), _BLUR)
    even[beyond] = -1
    found = []
    for _ in range(3):
        iy, ix = np.unravel_index(int(even.argmax()), even.shape)
        if even[iy, ix] < 0.08:
            break
        found.append((int(ix) - _SEEN, int(iy) - _SEEN))
        even[max(0, iy - 6) : iy + 7, max(0, ix - 6) : ix + 7] = -1
    return found


def _copied(grey: Plane, spread: Plane, place: tuple[int, int], shift: tuple[int, int]) -> float:
    """How exactly the block at ``place`` comes again at ``shift``: a low quantile of its windows' correlation."""
    import cv2

    (x, y), (dx, dy) = place, shift
    height, width = grey.shape
    y0, y1 = y, min(height, y + _BLOCK, height - dy)
    x0, x1 = max(x, -dx), min(x + _BLOCK, width - dx, width)
    if x1 - x0 < 80 or y1 - y0 < 80:
        return 0.0
    one, two = grey[y0:y1, x0:x1], grey[y0 + dy : y1 + dy, x0 + dx : x1 + dx]
    size = (33, 33)
    m1, m2 = cv2.blur(one, size), cv2.blur(two, size)
    v1, v2 = cv2.blur(one * one, size) - m1 * m1, cv2.blur(two * two, size) - m2 * m2
    both = cv2.blur(one * two, size) - m1 * m2
    textured = (spread[y0:y1, x0:x1] > 1.2) & (v1 > 9) & (v2 > 9) & _two_ways(one)
    if textured.mean() < 0.2:
        return 0.0
    ncc = both / np.sqrt(np.maximum(v1 * v2, 1e-3))
    return float(np.clip(np.quantile(ncc[textured], 0.5), 0, 1))


def _two_ways(grey: Plane) -> npt.NDArray[np.bool_]:
    """Where the picture varies in both directions: a straight edge comes again along itself and proves nothing."""
    import cv2

    gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    size = (33, 33)
    xx, yy, xy = cv2.blur(gx * gx, size), cv2.blur(gy * gy, size), cv2.blur(gx * gy, size)
    middle, apart = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    both: npt.NDArray[np.bool_] = middle - apart > 0.12 * (middle + apart)
    return both


# --------------------------------------------------------------------------------------------------------- framing


SEAM_BLOCK = 32
"""Columns or rows over which a step of brightness is averaged."""
SEAM_MARGIN = 20
"""px at the picture's edge where a step is a border rather than a seam."""
SEAM_STEPS = (0.7, 15.0)
"""Levels between which a step may lie: smaller ones nobody sees, larger ones are edges of things."""
SEAM_AGREE = 0.6
"""Share of the blocks across the picture that must step the same way and about as far."""
SEAM_ALONE = (3, 16)
"""px to either side within which no other step may lie: two close together are the sides of a joint or a rail."""
SEAM_BAND = 1.6
"""Levels up to which several steps are the bands of a smooth gradient, not seams."""


@dataclass(frozen=True, slots=True)
class Seam:
    """``strength``: the step over what such rows vary by; ``step`` in levels; ``box`` the strip it runs in, in px."""

    strength: float
    step: float
    box: Box


def seam(pixels: Pixels) -> Seam | None:
    """The clearest small step of brightness that runs straight across the whole picture; None where it is too small.

    Each row's change against its neighbours' is averaged over blocks, quiet blocks counting most; a seam is a row that
    differs from all others and does so in most of its blocks. The same for columns. Strength 0 where there is none.
    """
    grey = luma(pixels)
    if min(grey.shape) < 8 * SEAM_BLOCK:
        return None
    across, down = _step(grey), _step(np.ascontiguousarray(grey.T))
    turned = down.strength > across.strength
    best = down if turned else across
    x0, y0, x1, y1 = best.box
    return Seam(best.strength, best.step, (y0, x0, y1, x1) if turned else best.box)


def _step(grey: Plane) -> Seam:
    import cv2

    width = grey.shape[1]
    count = width // SEAM_BLOCK
    change = np.diff(grey[:, : count * SEAM_BLOCK], axis=0)
    alone = change[2:-2] - (change[:-4] + change[1:-3] + change[3:-1] + change[4:]) / 4
    blocks = alone.reshape(len(alone), count, SEAM_BLOCK)
    means = blocks.mean(2)
    weights = 1 / (cv2.blur((blocks**2).mean(2), (1, 15)) + 0.15)
    steps = (means * weights).sum(1) / weights.sum(1)
    usual = 1.4826 * float(np.median(np.abs(steps))) + 0.02
    size = np.abs(steps)[:, None]
    alike = (np.sign(means) == np.sign(steps)[:, None]) & (np.abs(means) > 0.4 * size) & (np.abs(means) < 3 * size)
    strength = np.abs(steps) / usual
    near, far = SEAM_ALONE
    around = np.pad(strength, far)
    beside = [np.roll(around, shift)[far:-far] for shift in (*range(-far, -near + 1), *range(near, far + 1))]
    crowded = np.max(beside, axis=0) > 0.4 * strength
    low, high = SEAM_STEPS
    strength[(np.abs(steps) < low) | (np.abs(steps) > high) | (alike.mean(1) < SEAM_AGREE) | crowded] = 0
    strength[: SEAM_MARGIN - 2] = 0
    strength[len(strength) - (SEAM_MARGIN - 2) :] = 0
    at = int(strength.argmax())
    if abs(steps[at]) < SEAM_BAND and (strength > 0.5 * strength[at]).sum() > 2:
        strength[:] = 0  # the bands of a smooth gradient in eight bits
    return Seam(float(strength[at]), float(steps[at]), (0.0, at - 4.0, float(width), at + 10.0))


DIAL_SIDE = 560
"""px of the longest side at which dials are looked for."""
DIAL_MOST = 25
"""Circles that are looked into."""
DIAL_MARKS = (9, 15)
"""How many marks round a dial count: twelve, and what a generator makes of twelve."""


@dataclass(frozen=True, slots=True)
class Dial:
    """``strength``: share of the changes round a ring that come 9 to 15 times; ``box`` in px, None without one."""

    strength: float
    box: Box | None


def dial(pixels: Pixels) -> Dial:
    """The circle that looks most like the face of a clock, by the marks or numerals round its rim.

    Circles by Hough's transform on gradients (Yuen, Princen, Illingworth and Kittler, 1990, in OpenCV's variant).
    """
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, DIAL_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = cv2.cvtColor(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    if min(grey.shape) < 64:
        return Dial(0.0, None)
    circles = cv2.HoughCircles(
        cv2.medianBlur(grey, 3), cv2.HOUGH_GRADIENT_ALT, 1.5, 16, param1=250, param2=0.75, minRadius=10,
        maxRadius=int(0.3 * min(grey.shape)),
    )  # fmt: skip
    best = Dial(0.0, None)
    for x, y, radius in [] if circles is None else circles[0][:DIAL_MOST].tolist():
        turned = cv2.warpPolar(grey, (64, 360), (x, y), 1.1 * radius, cv2.WARP_POLAR_LINEAR).astype(np.float32)
        rim = turned[:, 37:54]  # .64 to .92 of the radius
        marks = np.abs(rim - np.median(rim, 0)).mean(1)
        power = np.abs(np.fft.rfft(marks - marks.mean())) ** 2
        first, last = DIAL_MARKS
        again = power[first : last + 1].max() + power[2 * first : 2 * last + 1].max() / 2
        contrast = float(marks.std() / (turned.std() + 1e-6))
        inner = turned[:, 10:52]
        plain = float(np.median(np.abs(inner - np.median(inner))) / (turned.std() + 1e-6)) < 0.7
        strength = float(again / (power[3:61].sum() + 1e-6)) * min(1.0, contrast / 0.25) * (1.0 if plain else 0.5)
        if strength > best.strength:
            box = ((x - radius) / scale, (y - radius) / scale, (x + radius) / scale, (y + radius) / scale)
            best = Dial(strength, box)
    return best


SEVERED_FOOT, SEVERED_NEAR = 0.02, 0.04
"""Shares of the height: the picture's foot that must be plain, and how far above its end a figure's width counts."""
SEVERED_PLAIN = 12
"""Levels of 255 by which a plain colour may vary; a figure differs from it by twice as much."""


def headroom(face: Face) -> float:
    """How far the forehead's top lies under the picture's upper edge, in heights of the face.

    A skull rises about a quarter of the face's height above the point where the mesh's forehead ends.
    """
    _x0, y0, _x1, y1 = face.box
    return float((y0 + 0.5) / max(1.0, y1 - y0))


@dataclass(frozen=True, slots=True)
class Severed:
    """How much of a figure's width ends on one row, its width in widths of the face, and the box of that edge."""

    share: float
    width: float
    box: Box


def severed(pixels: Pixels, face: Box) -> Severed | None:
    """Whether a figure ends on a straight line above the frame, as one that was cut out of another picture.

    ``face`` is the figure's, px. None where the picture's foot is not of one plain colour, or the figure reaches it.
    """
    import cv2

    height = len(pixels)
    foot = pixels[-max(2, round(SEVERED_FOOT * height)) :].reshape(-1, 3)
    plain = np.median(foot, axis=0).astype(np.int16)
    if float((np.abs(foot - plain).max(1) <= SEVERED_PLAIN).mean()) < 0.95:
        return None
    drawn = (np.abs(pixels - plain).max(-1) > 2 * SEVERED_PLAIN).astype(np.uint8)
    parts = cv2.connectedComponents(drawn)[1]
    x0, y0, x1, y1 = (max(0, round(value)) for value in face)
    within = parts[y0:y1, x0:x1]
    if not within.any():
        return None
    figure = parts == np.bincount(within[within > 0]).argmax()
    if figure[-2:].any():
        return None
    last = np.where(figure.any(0), height - 1 - figure[::-1].argmax(0), -1)
    row = int(np.bincount(last[last >= max(0.0, last.max() - SEVERED_NEAR * height)]).argmax())
    ends = np.flatnonzero(np.abs(last - row) <= 1)
    around = int(figure[max(0, row - round(SEVERED_NEAR * height)) : row + 1].any(0).sum())
    box = float(ends[0]), row - SEVERED_NEAR * height, float(ends[-1] + 1), row + 0.02 * height
    return Severed(len(ends) / around, around / max(1, x1 - x0), box)


def separation(pixels: Pixels, matte: Floats) -> tuple[float, float] | None:
    """(Lab distance across the matte's edge, sharpness inside over outside), or None without a subject.

    Colours are the means of two bands along the edge, each a hundredth of the picture wide and a little off it.
    """
    import cv2

    inside = (matte > 0.6).astype(np.uint8)
    share = float(inside.mean())
    if not 0.02 < share < 0.95:
        return None
    scale = min(1.0, 512 / max(matte.shape))
    size = (max(1, round(matte.shape[1] * scale)), max(1, round(matte.shape[0] * scale)))
    small: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    solid = cv2.resize(inside, size, interpolation=cv2.INTER_NEAREST)
    near, far = 3, 12
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * near + 1,) * 2)
    wide = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * far + 1,) * 2)
    within = (cv2.erode(solid, disc) > 0) & (cv2.erode(solid, wide) == 0)
    beyond = (cv2.dilate(solid, disc) == 0) & (cv2.dilate(solid, wide) > 0)
    if within.sum() < 50 or beyond.sum() < 50:
        return None
    lab = lab_of(small)
    blurred_in, blurred_out = _local_mean(lab, within, far), _local_mean(lab, beyond, far)
    line = cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    known = line & np.isfinite(blurred_in[..., 0]) & np.isfinite(blurred_out[..., 0])
    if known.sum() < 50:
        return None
    contrast = float(np.quantile(np.linalg.norm(blurred_in[known] - blurred_out[known], axis=1), 0.3))
    grey = luma(pixels)
    detail = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.5))
    sharp = [float(np.quantile(detail[m], 0.95)) if m.any() else 0.0 for m in (matte > 0.8, matte < 0.1)]
    return contrast, sharp[0] / (sharp[1] + 0.5)


def _local_mean(lab: Floats, where: npt.NDArray[np.bool_], reach: int) -> Floats:
    import cv2

    weight = cv2.blur(where.astype(np.float32), (4 * reach + 1,) * 2)
    total = cv2.blur(lab * where[..., None].astype(np.float32), (4 * reach + 1,) * 2)
    mean: Floats = np.where(weight[..., None] > 1e-3, total / np.maximum(weight, 1e-3)[..., None], np.nan)
    return mean
