"""A drawn blink: the artist's own lash band travels down, with skin behind it and hair in front."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from stillwake.engines.animator.anatomy import Anatomy, Array, EyeLine, smoothstep
from stillwake.engines.animator.ink import apart, fill, over, skin_tone
from stillwake.engines.animator.parts import IntBox, Part, Pose
from stillwake.types import Eye, Face, Floats, Pixels

SEEN = 0.5
"""Below this confidence an eye is left alone: hair lies over it, or it is not found."""
DEPTH = 0.72
"""Where a closed lid's lashes lie in the middle, in heights of the open eye below its top. Set by eye."""
ARC = 0.15
"""How far a closed lid's middle hangs below its ends, in eye widths."""
WING = 0.30
"""Where beyond a corner, in eye widths, the lashes stay in place."""
SMILING = 0.52
"""How far smiling lids travel, in heights of the open eye: the band keeps its own arch."""
FULL_SMILE, BROAD = 0.5, 1.3
"""An open mouth that smiles so much and is so many times wider than tall closes its eyes the smiling way."""
ANGRY = 0.12
"""A brow whose inner end lies lower than its outer one by so many eye widths is angry."""
KEPT = 16
"""Blinks kept drawn an eye; held shapes need three."""
NOT_SKIN = 11.0
WIDEST_STRAND = 0.22
"""Width in eye widths of a strand before an eye, at most: what is wider is shade, or the eye's own."""
HAIR, DISTINCT, STRANDS = 13.0, 17.0, 8
"""How alike (`apart`) the pixels of one strand are, how unlike lashes and iris, and how many strands are looked at."""
GROWTH, GRADUAL = 14, 3.5
"""Rounds, of two px of the doubled still each, in which skin grows, and how far (`apart`) a step may be to count as
shading."""


@dataclass(frozen=True, slots=True, eq=False)
class _Cel:
    """One eye, every raster over its ``box`` at twice the still's size.

    ``own`` the still, ``skin`` the same with the eye filled in; covers 0..1: ``lash`` the upper lash band, ``lifted``
    the same and its soft edge, ``front`` what lies in front of the eye, ``inside`` what a closed lid covers;
    ``along``, ``below`` px of the still in the eye's frame; ``travel`` (128,) px at `EyeLine.x` that the band travels
    to close.
    """

    eye: EyeLine
    box: IntBox
    own: Pixels
    skin: Floats
    lash: Floats
    lifted: Floats
    front: Floats
    inside: Floats
    along: Floats
    below: Floats
    travel: Array


class CelLids(Part):
    """The lids of a drawn face; ``boxes`` the px of the still that they are drawn in."""

    def __init__(self, source: Pixels, doubled: Pixels, face: Anatomy, contours: Face) -> None:
        smiling = _smiling(face)
        tone = skin_tone(source, face)
        both = contours.confidence.get("eyes", 0.0)
        self._cels = [
            _cel(source, doubled, line, face.face_height, smiling, tone)
            for line, eye, name in zip(face.eyes, contours.eyes, ("left eye", "right eye"), strict=True)
            if contours.confidence.get(name, both) >= SEEN and _open(eye)
        ]
        self.boxes = tuple(cel.box for cel in self._cels)
        self._drawn: list[OrderedDict[float, tuple[Pixels, Pixels]]] = [OrderedDict() for _ in self._cels]

    def redraw(self, picture: Pixels, pose: Pose) -> None:
        """Close the eyes that are seen by ``pose.blink``."""
        import cv2

        closed = round(min(1.0, max(0.0, pose.blink)), 2)
        if not closed:
            return
        for cel, drawn in zip(self._cels, self._drawn, strict=True):
            x0, y0, x1, y1 = (2 * v for v in cel.box)
            if closed not in drawn:
                shut = _close(cel, closed)
                drawn[closed] = shut, np.any(shut != cel.own, 2).astype(np.uint8)
                if len(drawn) > KEPT:
                    drawn.popitem(last=False)
            cv2.copyTo(*drawn[closed], picture[y0:y1, x0:x1])


def _smiling(face: Anatomy) -> bool:
    """Whether the eyes of this face would close in a smile."""
    slopes = [(eye.brow[96] - eye.brow[32]) / eye.width for eye in face.eyes]
    angry = min(slopes[0], -slopes[1]) > ANGRY
    return face.opened and face.smile >= FULL_SMILE and face.mouth_width >= BROAD * face.gap and not angry


def _open(eye: Eye) -> bool:
    return eye.iris is not None and bool(np.ptp(eye.upper_lid - eye.lower_lid, axis=0).max() > 1.0)


def _cel(source: Pixels, doubled: Pixels, eye: EyeLine, height: float, smiling: bool, face_tone: Floats) -> _Cel:
    import cv2

    tall = float((eye.lower - eye.upper).max())
    box = _box(eye, tall, source)
    x0, y0, x1, y1 = box
    own = doubled[2 * y0 : 2 * y1, 2 * x0 : 2 * x1]
    grid = np.dstack(np.meshgrid(np.arange(own.shape[1]), np.arange(own.shape[0]))) / 2.0 + (x0, y0)
    offset = grid - eye.origin
    along = (offset @ eye.across).astype(np.float32)
    below = (offset @ eye.down).astype(np.float32)
    upper, lower = _at(eye.upper, eye, along), _at(eye.lower, eye, along)
    within = (along > -0.02 * eye.width) & (along < 1.02 * eye.width)
    reach = 0.22 * tall + 1
    ball = within & (below > upper - reach) & (below < lower + 0.12 * tall + 1)
    around = cv2.dilate(ball.astype(np.uint8), np.ones((2 * int(0.06 * height) + 3,) * 2)) - ball
    ring = own[around > 0][:, None]
    near = ring[apart(ring, np.broadcast_to(face_tone, ring.shape)) < 2 * NOT_SKIN]
    tone = np.median(near, 0).astype(np.float32) if len(near) > 20 else face_tone
    rough = apart(own, np.broadcast_to(tone, own.shape))
    known = _grown((~ball) & (rough < 1.2 * NOT_SKIN), ~ball & (rough < 2.4 * NOT_SKIN), own)
    skin = fill(own, cv2.erode(known.astype(np.float32), np.ones((3, 3))))
    foreign = np.clip((apart(own, skin) - 0.45 * NOT_SKIN) / NOT_SKIN, 0, 1).astype(np.float32)
    band = _band(own, skin, eye, tall, x0, y0)
    front = _front(own, foreign, ball, upper, below, along, eye, tone, band)
    lash = _lash(own, skin, along, below, upper, eye, band, reach) * (1 - front)
    inside = _inside(foreign, ball, front, along, below, upper, lower, eye, tall, band)
    lifted = cv2.GaussianBlur(cv2.dilate((lash > 0.08).astype(np.float32), np.ones((5, 5))), (0, 0), 0.8)
    return _Cel(eye, box, own, skin, lash, lifted, front, inside, along, below, _travel(eye, tall, smiling))


def _grown(known: Array, allowed: Array, own: Pixels) -> Array:
    """Skin grown into whatever it shades over to gradually; a line or a strand stops it."""
    import cv2

    colour = own.astype(np.float32)
    for _ in range(GROWTH):
        weight = cv2.blur(known.astype(np.float32), (5, 5))
        near = cv2.blur(colour * known[..., None], (5, 5)) / np.maximum(weight, 1e-6)[..., None]
        known = known | (allowed & (weight > 0.1) & (apart(own, near) < GRADUAL))
    return known


def _inside(
    foreign: Floats,
    ball: Array,
    front: Floats,
    along: Floats,
    below: Floats,
    upper: Floats,
    lower: Floats,
    eye: EyeLine,
    tall: float,
    band: float,
) -> Floats:
    """What a closed lid covers, 0..1: the eye by its contours and what hangs on to it, where those are too narrow."""
    import cv2

    around = (along > -0.05 * eye.width) & (along < 1.05 * eye.width) & (below > upper) & (below < lower + 0.35 * tall)
    things = ((foreign > 0.3) & around & (front < 0.3)).astype(np.uint8)
    _, labels = cv2.connectedComponents(things)
    seeds = (below > upper) & (below < lower) & (along > 0.15 * eye.width) & (along < 0.85 * eye.width)
    kept = np.unique(labels[seeds])
    mask = np.isin(labels, kept[kept > 0]) | (ball & (below > upper))
    mask = cv2.dilate(mask.astype(np.float32), np.ones((5, 5)))
    soft = cv2.GaussianBlur(mask, (0, 0), 1.0)
    shade = smoothstep(below, upper - band - 0.4 * tall, upper - 0.5 * band) * (1 - foreign)  # the lashes' own shade
    sides = smoothstep(along, -0.04 * eye.width, 0.1 * eye.width) * (
        1 - smoothstep(along, 0.9 * eye.width, 1.04 * eye.width)
    )
    covered: Floats = np.maximum(soft, shade * sides * (below < lower)).astype(np.float32)
    return covered


def _box(eye: EyeLine, tall: float, source: Pixels) -> IntBox:
    width = eye.width
    ends = [
        eye.origin + eye.across * a + eye.down * b
        for a in (-0.36 * width, 1.36 * width)
        for b in (float(eye.upper.min()) - 0.55 * tall, float(eye.lower.max()) + 0.45 * tall)
    ]
    low = np.maximum(np.floor(np.min(ends, 0)).astype(int), 0)
    high = np.minimum(np.ceil(np.max(ends, 0)).astype(int) + 1, (source.shape[1], source.shape[0]))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _at(curve: Array, eye: EyeLine, along: Floats) -> Floats:
    """A curve of the eye's at positions along it, px."""
    heights: Floats = np.interp(along, eye.x, curve).astype(np.float32)
    return heights


def _band(own: Pixels, skin: Floats, eye: EyeLine, tall: float, x0: int, y0: int) -> float:
    """Half the thickness of the lash band, px: from its middle line to where it ends above."""
    import cv2

    inner = (eye.x > 0.2 * eye.width) & (eye.x < 0.8 * eye.width)
    steps = np.arange(0.0, 0.35 * tall + 0.6, 0.25)
    line = eye.origin + eye.x[inner, None] * eye.across + eye.upper[inner, None] * eye.down
    at = (2 * (line[:, None] - steps[None, :, None] * eye.down - (x0, y0))).astype(np.float32)
    maps = at[..., 0].copy(), at[..., 1].copy()
    dark = (skin - own) @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    depth = cv2.remap(dark.astype(np.float32), *maps, cv2.INTER_LINEAR)
    over_half = depth > 0.5 * np.percentile(depth[:, :3], 75)
    runs = np.where(over_half.all(1), len(steps), over_half.argmin(1)) * 0.25
    return float(np.clip(np.median(runs), 0.03 * tall + 0.4, 0.16 * tall))


def _lash(
    own: Pixels, skin: Floats, along: Floats, below: Floats, upper: Floats, eye: EyeLine, band: float, reach: float
) -> Floats:
    """Cover of the lash band and what grows upwards out of it, (h, w) 0..1."""
    import cv2

    luma = np.array([0.2126, 0.7152, 0.0722], np.float32)
    dark = (skin - own) @ luma
    core = (np.abs(below - upper) < band) & (along > 0) & (along < eye.width)
    full = float(np.percentile(dark[core], 60)) if core.any() else 60.0
    cover = np.clip((dark - 0.12 * full) / max(8.0, 0.6 * full), 0, 1).astype(np.float32)
    under = smoothstep(upper + 0.95 * band - below, -0.4, 0.4)
    upper_half = (below > upper - band) & (below < upper) & core
    tone = np.median(own[upper_half].reshape(-1, 3), 0) if upper_half.any() else np.zeros(3)
    like = 1 - smoothstep(apart(own, np.broadcast_to(tone.astype(np.float32), own.shape)), 16.0, 30.0)
    under = under * np.where(below > upper, like, 1.0)  # the iris's own shade is no lash
    top = smoothstep(below - (upper - band - reach), 0.0, 0.5 * reach)
    beyond = np.maximum(np.maximum(-along, along - eye.width), 0) / eye.width
    sides = 1 - smoothstep(beyond, 0.17, 0.22)
    cover = (cover * under * top * sides).astype(np.float32)
    _, labels = cv2.connectedComponents((cover > 0.35).astype(np.uint8))
    kept = np.unique(labels[core & (cover > 0.35)])
    held = cv2.dilate(np.isin(labels, kept[kept > 0]).astype(np.uint8), np.ones((3, 3)))
    # what goes on and on beyond a corner is hair that the lashes touch
    wings = (cover > 0.35) & (beyond > 0.03)
    _, labels = cv2.connectedComponents(wings.astype(np.uint8))
    hair = np.unique(labels[wings & (beyond > 0.16)])
    strands = cv2.dilate(np.isin(labels, hair[hair > 0]).astype(np.uint8), np.ones((3, 3)))
    lash: Floats = cover * held * (1 - smoothstep(beyond, 0.0, 0.06) * strands)
    return lash.astype(np.float32)


def _front(
    own: Pixels,
    foreign: Floats,
    ball: Array,
    upper: Floats,
    below: Floats,
    along: Floats,
    eye: EyeLine,
    tone: Array,
    band: float,
) -> Floats:
    """What lies in front of the eye, 0..1: strands that come from above it, of the hair's colour."""
    import cv2

    tall = float((eye.lower - eye.upper).max())
    outside = (foreign > 0.6) & ~ball
    between = (below < upper - 1.4 * band - 1) & (below > upper - 0.6 * tall - 1)  # lashes and brow
    high = outside & between

    def apart_from(colour: Array) -> Floats:
        return apart(own, np.broadcast_to(np.asarray(colour, np.float32), own.shape))

    middle = (along > 0.2 * eye.width) & (along < 0.8 * eye.width)
    to_skin = apart_from(tone)
    band_of = (np.abs(below - upper) < 0.05 * tall) & middle
    to_lash = apart_from(_median(own, band_of))
    centre = (np.abs(below - (upper + 0.5 * tall)) < 0.2 * tall) & (np.abs(along - eye.width / 2) < 0.2 * eye.width)
    to_iris = apart_from(_median(own, centre))
    inner = ball & (below > upper + 1.5 * band + 0.12 * tall)  # strands of hair go on over the eye
    inner &= (along > 0.08 * eye.width) & (along < 0.92 * eye.width)
    bridge = np.ones((2 * int(2 * band) + 7, 3), np.uint8)
    front = np.zeros(own.shape[:2], bool)
    count, sources, stats, _ = cv2.connectedComponentsWithStats(high.astype(np.uint8), connectivity=8)
    for source in 1 + np.argsort(-stats[1:count, cv2.CC_STAT_AREA])[:STRANDS]:
        root = sources == source
        like = apart_from(_median(own, root))
        if min(float(np.median(like[tone_of])) for tone_of in (band_of, centre) if tone_of.any()) < DISTINCT:
            continue  # as dark as the lashes, or like the iris: nothing tells them apart
        strand = (like < HAIR) & (like < to_skin) & (like < 0.7 * to_lash) & (like < 0.7 * to_iris)
        strand = cv2.morphologyEx(strand.astype(np.uint8), cv2.MORPH_OPEN, np.ones((4, 4))) > 0
        whole = cv2.morphologyEx((strand | root).astype(np.uint8), cv2.MORPH_CLOSE, bridge)
        _, labels = cv2.connectedComponents(whole, connectivity=8)
        kept = np.unique(labels[root])
        lock = np.isin(labels, kept[kept > 0]) & (strand | ((whole > 0) & (like < HAIR)))
        crossing = lock & inner
        widest = max(crossing.sum(1).max(), (lock & between).sum(1).max() / 1.4)
        if crossing.sum() > 8 and widest < 2 * WIDEST_STRAND * eye.width:
            columns = cv2.dilate(crossing.any(0).astype(np.uint8)[None], np.ones((1, 9), np.uint8)) > 0
            front |= lock & columns
    soft: Floats = cv2.GaussianBlur(cv2.dilate(front.astype(np.float32), np.ones((3, 3))), (0, 0), 0.7)
    return soft


def _median(own: Pixels, where: Array) -> Array:
    """The median colour there, (3,)."""
    colour: Array = np.median(own[where], 0) if where.any() else np.zeros(3)
    return colour


def _travel(eye: EyeLine, tall: float, smiling: bool) -> Array:
    """How far the band travels to close at each `EyeLine.x`, (128,) px: to a shallow arc, or arch and all."""
    share = np.clip(eye.x / eye.width, 0, 1)
    corner = float(np.interp(eye.width, eye.x, eye.upper))
    level = share * corner  # the corners need not lie level
    upper, lower = eye.upper - level, eye.lower - level
    beyond = np.maximum(np.maximum(-eye.x, eye.x - eye.width), 0) / eye.width
    ends = 1 - smoothstep(beyond, 0.12, WING)
    if smiling:
        smiled: Array = SMILING * tall * ends
        return smiled
    lowest = float(upper.min()) + DEPTH * tall
    arc = min(ARC * eye.width, max(lowest, 0.04 * eye.width))
    target = lowest - arc + arc * np.sin(np.pi * share) ** 0.8
    travelled: Array = np.clip(target - upper, 0, np.maximum(lower.max() - upper, 0)) * ends
    return travelled


def _close(cel: _Cel, closed: float) -> Pixels:
    """The eye closed by 0..1: what the lid has passed is skin, then the lash band, then what lies in front."""
    import cv2

    eye = cel.eye
    upper = _at(eye.upper, eye, cel.along)
    moved = _at(cel.travel * closed, eye, cel.along)
    passed = cel.inside * smoothstep(upper + moved - cel.below, -0.5, 0.5)
    shut = cel.inside * smoothstep(closed, 0.75, 0.95)
    hidden = np.maximum(np.maximum(passed, shut), cel.lifted).astype(np.float32) * (moved > 0.05)
    image = over(cel.own.astype(np.float32), cel.skin, hidden)
    x, y = np.meshgrid(np.arange(cel.own.shape[1], dtype=np.float32), np.arange(cel.own.shape[0], dtype=np.float32))
    down = (2 * eye.down).astype(np.float32)
    maps = x - moved * down[0], y - moved * down[1]
    lash = cv2.remap(cel.lash, *maps, cv2.INTER_LINEAR)
    own = cv2.remap(cel.own, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    image = over(image, own, lash)
    image = over(image, cel.own.astype(np.float32), cel.front)
    drawn: Pixels = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    return drawn
