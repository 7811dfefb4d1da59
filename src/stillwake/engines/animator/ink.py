"""The artist's line, measured, and drawing with it; and skin where something was lifted off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stillwake.engines.animator.anatomy import Anatomy, Array
from stillwake.types import Floats, Pixels

SUPERSAMPLES = 2
"""Canvas pixels to a side of a pixel of the doubled still, so four to a side of the still's."""
SUBPIXEL_BITS = 6
STEEPEST = 70
"""The percentile of a face's edges that tells how crisp its linework is."""
MEASURING = 0.40
"""Sigma in px that `edge_widths` itself adds: what it finds at an edge whose pixels are exact shares of its sides."""
USUAL_WEIGHT = 0.006
"""Weight of a mouth's line in face heights: the median of 15 drawn stills."""
LEAST_CONTRAST = 0.45
"""How much darker than skin a line is at least, as a share of the skin's brightness."""


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """``colour`` (3,) RGB 0..255; ``weight`` px of the line; ``edge`` px its edges are wide, by `edge_widths`.

    ``soft`` is the sigma, px, of a Gaussian edge like that.
    """

    colour: Floats
    weight: float
    edge: float
    soft: float


def double(pixels: Pixels) -> Pixels:
    """A Lanczos copy at twice the size in which pixel 2x is source pixel x exactly, so rest is the source itself.

    Only what lies halfway between two pixels is filtered, first along the rows, then down the columns.
    """
    import cv2

    height, width, *channels = pixels.shape
    one = np.ones(1, np.float32)
    wide = np.empty((height, 2 * width, *channels), np.uint8)
    wide[:, 0::2] = pixels
    wide[:, 1::2] = cv2.sepFilter2D(pixels, -1, _HALFWAY, one, anchor=(3, 0), borderType=cv2.BORDER_REPLICATE)
    doubled = np.empty((2 * height, 2 * width, *channels), np.uint8)
    doubled[0::2] = wide
    doubled[1::2] = cv2.sepFilter2D(wide, -1, one, _HALFWAY, anchor=(0, 3), borderType=cv2.BORDER_REPLICATE)
    return doubled


def _lanczos(offsets: Array) -> Floats:
    """Weights of the Lanczos kernel of four lobes at those offsets in px, which sum to 1."""
    weights = np.sinc(offsets) * np.sinc(offsets / 4)
    normal: Floats = (weights / weights.sum()).astype(np.float32)
    return normal


_HALFWAY = _lanczos(np.arange(-3.5, 4))


def profiles(image: Pixels, line: Array, normal: Array, reach: float) -> Floats:
    """Brightness across a line, (N, M) every quarter px from -reach to reach; ``normal`` (2,) or (N, 2)."""
    import cv2

    offsets = np.arange(-reach, reach + 0.125, 0.25)
    at = line[:, None] + offsets[None, :, None] * np.broadcast_to(normal, line.shape)[:, None]
    at = (2 * at).astype(np.float32)
    across = cv2.remap(image, at[..., 0].copy(), at[..., 1].copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    light: Floats = (across.astype(np.float32) @ np.array([0.2126, 0.7152, 0.0722], np.float32)).astype(np.float32)
    return light


def edge_widths(image: Pixels, line: Array, normal: Array, reach: float) -> Floats:
    """Contrast over the steepest slope across a line, px, where it has an edge; ``image`` is at twice its size."""
    light = profiles(image, line, normal, reach)
    slope = np.abs(light[:, 2:] - light[:, :-2]) / 0.5
    contrast = light.max(1) - light.min(1)
    clear = contrast > 25
    widths: Floats = contrast[clear] / np.maximum(slope[clear].max(1), 1e-3)
    return widths


def measure_ink(doubled: Pixels, face: Anatomy, eyes: tuple[bool, bool]) -> Ink:
    """The ink of the mouth's upper line and the crispness of mouth and lashes; ``eyes`` which of them are seen."""
    height = face.face_height
    reach = max(2.0, 0.03 * height)
    line = face.upper_line.astype(np.float64)
    widths = [edge_widths(doubled, line, face.down, reach)]
    for eye, seen in zip(face.eyes, eyes, strict=True):
        if seen:
            inner = (eye.x > 0.1 * eye.width) & (eye.x < 0.9 * eye.width)
            lash = eye.origin + eye.x[inner, None] * eye.across + eye.upper[inner, None] * eye.down
            widths.append(edge_widths(doubled, lash, eye.down, max(2.0, 0.12 * eye.width)))
    crisp = float(np.percentile(np.concatenate(widths), 100 - STEEPEST)) if sum(map(len, widths)) else 2.0
    variance = crisp**2 / (2 * np.pi) - MEASURING**2
    soft = float(np.clip(np.sqrt(max(0.0, variance)), 0.25, 0.02 * height + 0.5))
    return _line_ink(doubled, line, face, reach, crisp, soft)


def _line_ink(doubled: Pixels, line: Array, face: Anatomy, reach: float, edge: float, soft: float) -> Ink:
    """Weight is the line's width at half its depth, colour what its darkest places have, made as dark as a line is."""
    import cv2

    usual = max(0.8, USUAL_WEIGHT * face.face_height)
    middle = line[len(line) // 5 : -len(line) // 5]
    light = profiles(doubled, middle, face.down, reach)
    lowest = light.argmin(1)
    rows = np.arange(len(light))
    outer = np.minimum(light[:, :3].mean(1), np.percentile(light, 85, axis=1))
    inner = np.where(np.arange(light.shape[1]) > lowest[:, None], light, 0).max(1)
    base = np.minimum(outer, inner) if face.opened else outer
    dark = light < (base + light[rows, lowest])[:, None] / 2
    gaps = ~dark
    before = np.where(gaps & (np.arange(light.shape[1]) < lowest[:, None]), np.arange(light.shape[1]), -1).max(1)
    after = np.where(gaps & (np.arange(light.shape[1]) > lowest[:, None]), np.arange(light.shape[1]), 9999).min(1)
    wide = float(np.median(np.minimum(after - before - 1, light.shape[1]))) * 0.25
    clear = float(np.median(base - light[rows, lowest])) > 12  # else the inside is as dark as its outline
    weight = float(np.clip(wide, 0.6 * usual, 1.5 * usual)) if clear else 1.2 * usual
    at = middle + face.down * (lowest * 0.25 - reach)[:, None]
    colours = cv2.remap(doubled, *_split(2 * at), cv2.INTER_LINEAR)[:, 0].astype(np.float32)
    depths = light[rows, lowest]
    colour = np.median(colours[depths <= np.percentile(depths, 30)], 0)
    edges = cv2.remap(doubled, *_split(2 * (middle - face.down * reach)), cv2.INTER_LINEAR)[:, 0]
    return Ink(_firm(colour, np.median(edges, 0)), weight, edge, soft)


def _split(points: Array) -> tuple[Floats, Floats]:
    """Points (N, 2) as the two maps `cv2.remap` asks for."""
    at = points.astype(np.float32)
    return at[:, 0].copy(), at[:, 1].copy()


def _firm(colour: Array, skin: Array) -> Floats:
    """A line's colour no fainter than `LEAST_CONTRAST` of the skin's brightness: skin shines through a thin one."""
    luma = np.array([0.2126, 0.7152, 0.0722])
    most = (1 - LEAST_CONTRAST) * float(skin @ luma)
    light = float(colour @ luma)
    if light <= most:
        return colour.astype(np.float32)
    warm = colour + (skin - colour) * 0.5
    warm = warm * (np.array([1.3, 0.9, 0.86]) if np.ptp(skin) > 12 else 1.0)
    firm: Floats = np.clip(warm * most / float(warm @ luma), 0, 255).astype(np.float32)
    return firm


# ------------------------------------------------------------------------------------------------- the canvas


def coverage(outline: Array, shape: tuple[int, int], soft: float) -> Floats:
    """How much of each pixel a polygon covers, ``shape`` float32 0..1, its edge as soft as a Gaussian of ``soft`` px.

    ``outline`` (N, 2) in pixels of that raster, the first one's centre at 0.
    """
    import cv2

    k = SUPERSAMPLES
    big = np.zeros((shape[0] * k, shape[1] * k), np.uint8)
    at = (outline + 0.5) * k - 0.5
    cv2.fillPoly(big, [np.round(at * 2**SUBPIXEL_BITS).astype(np.int32)], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    small = cv2.resize(big, (shape[1], shape[0]), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    rest = np.sqrt(max(0.0, soft**2 - 1 / 12))
    covered: Floats = cv2.GaussianBlur(small, (0, 0), rest) if rest > 0.2 else small
    return covered


def stroke(line: Array, weight: Array | float, taper: float = 0.25) -> Array:
    """The outline (2 N, 2) of a pen's stroke along a line (N, 2): full weight in the middle, ``taper`` at its ends."""
    direction = np.gradient(line, axis=0)
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-6)
    normal = np.stack([-direction[:, 1], direction[:, 0]], 1)
    ends = taper + (1 - taper) * np.clip(1 - np.linspace(-1, 1, len(line)) ** 2, 0, 1) ** 0.4
    half = (np.asarray(weight) / 2 * ends)[:, None]
    return np.concatenate([line - normal * half, (line + normal * half)[::-1]])


def over(behind: Floats, colour: Array, cover: Floats) -> Floats:
    """``colour`` (3,) or (h, w, 3) laid over (h, w, 3) as far as it covers."""
    mixed: Floats = behind + (np.asarray(colour, np.float32) - behind) * cover[..., None]
    return mixed


# --------------------------------------------------------------------------------------------------- the skin


def skin_tone(source: Pixels, face: Anatomy) -> Floats:
    """The face's skin (3,) RGB: the cheeks, between the eyes and the corners of the mouth."""
    reach = max(1, int(0.03 * face.face_height))
    patches = []
    for eye, corner in zip(face.eyes, face.upper_line[[0, -1]], strict=True):
        for share in (0.45, 0.65):
            x, y = (1 - share) * (eye.origin + eye.across * eye.width / 2) + share * corner
            x0, y0 = max(0, int(x) - reach), max(0, int(y) - reach)
            patches.append(source[y0 : int(y) + reach + 1, x0 : int(x) + reach + 1].reshape(-1, 3))
    tones = np.concatenate(patches).astype(np.float32)
    light = tones @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    tone: Floats = np.median(tones[light >= np.median(light)], 0).astype(np.float32)
    return tone


def fill(pixels: Pixels, known: Floats) -> Floats:
    """The picture with what is not known made from what is, near before far: smooth, and following every gradient.

    ``pixels`` (h, w, 3); ``known`` (h, w) float32 0..1.
    """
    import cv2

    colour = pixels.astype(np.float32)
    pyramid = [(colour * known[..., None], known.astype(np.float32))]
    while min(pyramid[-1][1].shape) > 2:
        pyramid.append((cv2.pyrDown(pyramid[-1][0]), cv2.pyrDown(pyramid[-1][1])))
    total, weight = pyramid[-1]
    below = total / np.maximum(weight, 1e-6)[..., None]
    for total, weight in reversed(pyramid[:-1]):
        up = cv2.pyrUp(below, dstsize=weight.shape[::-1])
        share = np.clip(weight, 0, 1)[..., None]
        below = total / np.maximum(weight, 1e-6)[..., None] * share + up * (1 - share)
    hole = (1 - known)[..., None]
    for _ in range(40):  # what is left of the pyramid's steps relaxes into a membrane
        below = below * (1 - hole) + cv2.blur(below, (3, 3)) * hole
    filled: Floats = colour * known[..., None] + below * hole
    return filled


def apart(pixels: Array, skin: Array) -> Floats:
    """How far colours are from the skin's, in units of Lab with lightness counted .6; both 0..255 RGB, (h, w, 3)."""
    import cv2

    lab = [cv2.cvtColor((np.clip(p, 0, 255) / 255).astype(np.float32), cv2.COLOR_RGB2LAB) for p in (pixels, skin)]
    difference = (lab[0] - lab[1]) * np.array([0.6, 1.0, 1.0], np.float32)
    distance: Floats = np.sqrt((difference**2).sum(-1))
    return distance
