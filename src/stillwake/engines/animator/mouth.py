"""The inside of the mouth: what nobody has photographed yet and the first thing a viewer looks at.

Upper teeth are fixed to the skull, lower teeth and tongue to the jaw, and the lips uncover them. Colours are read
from the still. Where the still shows teeth of its own, those are kept, glued to the skull, and none are painted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stillwake.engines.animator.anatomy import CHEEKS, Anatomy, Array, smoothstep
from stillwake.types import Floats, Pixels

CANVAS = 256
LEFT, TOP, SPAN = -0.6, -0.3, 1.2
"""A texture's square canvas in mouth units around the middle of the lip line at rest: x from -.6 to .6, y from
-.3 to .9. A mouth unit is half a mouth width and .15 face heights."""

OWN_TEETH_GAP = 0.06
"""A still whose mouth is open by more than this share of its width keeps what it shows inside."""

UPPER_TEETH = (0.088, 0.066, 0.074, 0.064, 0.060)
LOWER_TEETH = (0.054, 0.058, 0.064, 0.060, 0.060)
"""Widths of teeth from the middle outwards in mouth units, in the proportions of a dental arch seen from the front."""

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
SUBPIXEL_BITS = 8
GRAIN_AT = 110.0
"""The brightness, of 255, at which the grain is as strong as the still's; it is laid on as a share."""


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """``colour`` (h, w, 3) uint8 RGB and ``cover`` (h, w) uint8, 255 where it hides what lies behind."""

    colour: Pixels
    cover: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Interior:
    """Textures of 256 x 256 px, and the still's own teeth.

    ``cavity`` (3,) RGB; ``unit`` px of a mouth unit; ``own`` what the still shows, its top left corner at ``own_at``
    px, or None; ``painted`` 0..1 how much of the painted upper teeth is shown; ``grain`` (h, w) float32 noise like
    the still's, as a share of the brightness.
    """

    cavity: Floats
    upper_teeth: Texture
    lower_teeth: Texture
    tongue: Texture
    unit: float
    own: Texture | None
    own_at: tuple[int, int]
    painted: float
    grain: Floats


def paint_interior_textures(source: Pixels, face: Anatomy) -> Interior:
    """The textures for one face; ``source`` (H, W, 3) uint8 RGB."""
    reach = max(1, int(0.02 * face.face_height))
    cheeks = _patches(source, face.points[list(CHEEKS)], reach)
    lips = _patches(source, face.points[[84, 314, 17, 85, 315, 16]], max(1, reach // 2))
    skin, lip = np.median(cheeks, 0), np.median(lips, 0)
    light = float(np.percentile(_patches(source, face.points[[*CHEEKS, 36, 266]], reach) @ LUMA, 75))
    colourless = (skin.max() - skin.min()) / max(1.0, float(skin.max())) < 0.06
    tint = np.clip(skin / max(1.0, float(skin.mean())), 0.6, 1.5)
    if colourless:
        enamel, gum = np.full(3, min(230.0, light)), lip * 0.7
        cavity, flesh = lip * 0.14, lip * 0.5
    else:
        enamel = np.clip(light * 1.08 * (0.58 * np.array([1.0, 0.97, 0.91]) + 0.42 * tint), 0, 238)
        gum = lip * 0.7
        cavity, flesh = lip * np.array([0.21, 0.12, 0.12]), lip * np.array([0.86, 0.62, 0.62])
    own, own_at, kept = _own_teeth(source, face, float(enamel @ LUMA))
    return Interior(
        cavity=cavity.astype(np.float32),
        upper_teeth=_upper_teeth(enamel, gum),
        lower_teeth=_lower_teeth(enamel),
        tongue=_tongue(flesh),
        unit=0.5 * face.mouth_width + 0.15 * face.face_height,
        own=own,
        own_at=own_at,
        painted=1.0 - kept,
        grain=_grain(source, face),
    )


def _patches(source: Pixels, points: Array, reach: int) -> Floats:
    """Every pixel within ``reach`` of the points, (N, 3) float32."""
    height, width = source.shape[:2]
    found = []
    for x, y in points.astype(int):
        x, y = int(np.clip(x, 0, width - 1)), int(np.clip(y, 0, height - 1))
        found.append(source[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1].reshape(-1, 3))
    pixels: Floats = np.concatenate(found).astype(np.float32)
    return pixels


def _canvas() -> tuple[Array, Array]:
    ticks = np.linspace(0, SPAN, CANVAS)
    x, y = np.meshgrid(ticks + LEFT, ticks + TOP)
    return x, y


def _row_of_teeth(x: Array, widths: tuple[float, ...]) -> tuple[Array, Array, Array]:
    """Which tooth each x belongs to, whether to any, and the place within it, -1..1."""
    edges = np.r_[0.0, np.cumsum(widths)]
    number = np.searchsorted(edges, np.abs(x).ravel(), side="right").reshape(x.shape) - 1
    tooth = np.minimum(number, len(widths) - 1)
    middle, half = ((edges[:-1] + edges[1:]) / 2)[tooth], (np.diff(edges) / 2)[tooth]
    return tooth, number < len(widths), (np.abs(x) - middle) / half


def _texture(colour: Array, shade: Array, cover: Array) -> Texture:
    shaded = np.clip(colour * shade[..., None] + 0.5, 0, 255).astype(np.uint8)
    return Texture(shaded, (np.clip(cover, 0, 1) * 255 + 0.5).astype(np.uint8))


def _upper_teeth(enamel: Array, gum: Array) -> Texture:
    x, y = _canvas()
    soft = 1.5 * SPAN / CANVAS
    tooth, present, within = _row_of_teeth(x, UPPER_TEETH)
    length = np.array([0.066, 0.054, 0.060, 0.044, 0.030])[tooth]
    bottom = length - 0.12 * (x / 0.4) ** 2 - 0.010 * np.abs(within) ** 4
    between = 1 - 0.16 * np.clip((np.abs(within) - 0.88) / 0.12, 0, 1) * np.clip(1 - np.abs(x) / 0.4, 0, 1)
    to_corner = 1 - 0.66 * smoothstep(np.abs(x), 0.04, 0.34)
    edge = 0.84 + 0.16 * smoothstep(bottom - y, 0, 0.025)  # enamel is translucent at its edge
    root = 1 - 0.14 * smoothstep(bottom - y, 0.07, 0.2)
    gums = smoothstep(-y, 0.14, 0.17)[..., None]
    colour = enamel * (1 - gums) + gum * gums
    return _texture(colour, between * to_corner * edge * root, ((bottom - y) / soft + 0.5) * present)


def _lower_teeth(enamel: Array) -> Texture:
    x, y = _canvas()
    soft = 1.5 * SPAN / CANVAS
    _, present, within = _row_of_teeth(x, LOWER_TEETH)
    top = 0.05 * (x / 0.35) ** 2 + 0.008 * np.abs(within) ** 4
    between = 1 - 0.25 * np.clip((np.abs(within) - 0.88) / 0.12, 0, 1)
    to_corner = 1 - 0.78 * smoothstep(np.abs(x), 0.02, 0.26)
    alpha = np.clip((y - top) / soft + 0.5, 0, 1) * np.clip((0.15 - y) / 0.02, 0, 1) * present
    return _texture(np.broadcast_to(enamel, (*x.shape, 3)), between * to_corner * 0.52, alpha)


def _tongue(flesh: Array) -> Texture:
    x, y = _canvas()
    rise = y - (0.02 + 0.55 * (x / 0.36) ** 2)
    alpha = smoothstep(rise, -0.03, 0.07) * smoothstep(0.38 - np.abs(x), 0, 0.06)
    shade = (0.50 + 0.50 * smoothstep(rise, -0.02, 0.18)) * (1 - 0.12 * np.exp(-((x / 0.025) ** 2)))
    return _texture(np.broadcast_to(flesh, (*x.shape, 3)), shade, alpha)


def _own_teeth(source: Pixels, face: Anatomy, enamel: float) -> tuple[Texture | None, tuple[int, int], float]:
    """What the still shows between its lips, where that corner lies, and how surely it is teeth, 0..1."""
    import cv2

    if face.gap <= OWN_TEETH_GAP * face.mouth_width:
        return None, (0, 0), 0.0
    outline = np.concatenate([face.upper_line, face.lower_line[::-1]])
    pad = 2 + int(0.03 * face.mouth_width)
    x0, y0 = np.maximum(np.floor(outline.min(0)).astype(int) - pad, 0)
    x1, y1 = np.minimum(np.ceil(outline.max(0)).astype(int) + pad, (source.shape[1], source.shape[0]))
    shape = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillPoly(shape, [np.round(outline - (x0, y0)).astype(np.int32)], 255)
    grid = np.dstack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1))).astype(np.float64)
    along, below = face.local(grid)
    top = face.line_heights(along, face.upper_line)
    total = face.line_heights(along, face.lower_line) - top
    into_lip = np.clip((total - (below - top)) / (0.25 * np.maximum(total, 1.0)), 0, 1)  # fades before the lower lip
    alpha = (shape > 0) * into_lip * smoothstep(total, 0.02 * face.mouth_width, 0.06 * face.mouth_width)
    alpha = cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), max(0.8, 0.008 * face.mouth_width))
    crop = source[y0:y1, x0:x1].copy()
    inside = crop[alpha > 0.6]
    bright = float(np.percentile(inside @ LUMA, 80)) if len(inside) > 8 else 0.0
    kept = float(smoothstep(bright / max(1.0, enamel), 0.35, 0.6))
    return Texture(crop, (alpha * 255 + 0.5).astype(np.uint8)), (int(x0), int(y0)), kept


def _grain(source: Pixels, face: Anatomy) -> Floats:
    """Noise as strong as the still's own around the mouth, so that the interior is not smoother than the skin."""
    import cv2

    x, y = face.centre.astype(int)
    reach = int(face.mouth_width * 0.6)
    crop = source[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach]
    gray = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    strength = float(np.median(np.abs(gray - cv2.GaussianBlur(gray, (0, 0), 1.2))))
    side = int(2.4 * face.mouth_width) + 64
    noise = np.random.default_rng(7).standard_normal((side, side), np.float32)
    grain: Floats = noise * np.float32(min(strength, 3.0) / GRAIN_AT)
    return grain


def draw_interior(
    frame: Pixels,
    face: Anatomy,
    interior: Interior,
    lips: tuple[Floats, Floats],
    head: Array,
    roll: float,
    jaw: float,
    tongue: float,
    strength: float,
) -> None:
    """Paint the open mouth into ``frame`` (H, W, 3) uint8 RGB.

    ``lips`` the inner contours (65, 2) px in the frame; ``head`` (2,) px the skull's own motion and ``roll`` its
    turn in radians; ``jaw`` px the lower teeth have dropped; ``tongue`` 0..1 raised; ``strength`` 0..1 fades the
    whole in, so that nothing pops when the mouth starts to open.
    """
    import cv2

    upper, lower = lips
    outline = np.concatenate([upper, lower[::-1]])
    width = face.mouth_width
    pad = 4 + int(0.04 * width)
    x0, y0 = np.maximum(np.floor(outline.min(0)).astype(int) - pad, 0)
    x1, y1 = np.minimum(np.ceil(outline.max(0)).astype(int) + pad, (frame.shape[1], frame.shape[0]))
    columns, rows = int(x1 - x0), int(y1 - y0)
    if columns < 2 or rows < 2:
        return

    def blur(image: Array, sigma: float) -> Array:
        softened: Array = cv2.GaussianBlur(image, (0, 0), sigma)
        return softened

    cover = np.zeros((rows, columns), np.uint8)
    corners = np.round((outline - (x0, y0)) * 2**SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(cover, [corners], 255, lineType=cv2.LINE_AA, shift=SUBPIXEL_BITS)
    inside = cover.astype(np.float32) * np.float32(1 / 255)
    alpha: Floats = np.clip((blur(inside, max(0.5, 0.012 * width)) - 0.12) / 0.76, 0, 1)

    across = np.cos(roll) * face.across + np.sin(roll) * face.down
    down = np.array([-across[1], across[0]])
    unit = interior.unit
    skull = (face.upper_line[len(upper) // 2] + head).astype(np.float64)
    opening = float(np.max((lower - upper) @ down))

    def laid(texture: Texture, matrix: Array) -> tuple[Pixels, Floats]:
        """The texture where ``matrix`` (2, 3) takes frame to texture, and how much it covers, 0..1."""
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        colour = cv2.warpAffine(texture.colour, matrix, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        hides = cv2.warpAffine(texture.cover, matrix, (columns, rows), flags=flags)
        return colour, hides.astype(np.float32) * np.float32(1 / 255)

    def anchored(texture: Texture, anchor: Array) -> tuple[Pixels, Floats]:
        """The texture with the middle of the rest line at ``anchor`` px, turned with the head."""
        scale = CANVAS / (SPAN * unit)
        offset = np.array([x0, y0]) - anchor
        matrix = [
            [*(across * scale), offset @ across * scale - LEFT / SPAN * CANVAS],
            [*(down * scale), offset @ down * scale - TOP / SPAN * CANVAS],
        ]
        return laid(texture, np.array(matrix))

    def over(behind: Pixels, colour: Pixels, hides: Floats) -> Pixels:
        mixed: Pixels = cv2.blendLinear(colour, behind, hides, 1 - hides)
        return mixed

    def dimmed(image: Pixels, light: Floats) -> Pixels:
        return over(black, image, light)

    black = np.zeros((rows, columns, 3), np.uint8)
    rest_gap = max(0.0, float((face.lower_line - face.upper_line)[len(upper) // 2] @ face.down))
    lower_jaw = skull + down * (jaw + rest_gap)
    image = np.empty_like(black)
    image[:] = np.round(interior.cavity)
    reach = (0.42 + 0.35 * tongue) * opening
    image = over(image, *anchored(interior.tongue, lower_jaw - down * min(unit * (0.10 + 0.10 * tongue), reach)))
    image = over(image, *anchored(interior.lower_teeth, lower_jaw + down * unit * 0.035))
    if interior.painted > 0:
        teeth, hides = anchored(interior.upper_teeth, skull)
        hides = hides * np.float32(interior.painted)
        image = dimmed(image, 1 - 0.42 * blur(hides, max(1.0, 0.03 * width)))  # the upper teeth's own shadow
        image = over(image, teeth, hides)
    image = blur(image, max(0.5, 0.008 * width))
    shift = np.array([[1, 0, 0], [0, 1, max(1.0, 0.05 * width)]], np.float32)
    under_lip = blur(cv2.warpAffine(inside, shift, (columns, rows)), max(0.8, 0.03 * width))
    rim = blur(inside, max(0.8, 0.035 * width))
    light = (0.58 + 0.42 * under_lip) * (0.66 + 0.34 * np.minimum(rim * 1.15, 1))
    image = dimmed(image, np.clip(light * (1 + interior.grain[:rows, :columns]), 0, 1))
    if interior.own is not None:
        at = np.array([x0, y0]) - interior.own_at - head
        image = over(image, *laid(interior.own, np.array([[1, 0, at[0]], [0, 1, at[1]]])))
    target = frame[y0:y1, x0:x1]
    target[:] = over(target, image, alpha * np.float32(strength))
