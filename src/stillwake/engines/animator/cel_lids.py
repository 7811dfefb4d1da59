"""A drawn blink: the lash line travels down in the artist's own colour and weight, skin behind it and hair in front.

The artist's lashes are lifted off and drawn anew as one tapered stroke: as thick at each place along the lid, and of
the colour there, as the band that was lifted off, its ends held in the eye's corners.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from stillwake.engines.animator.anatomy import Anatomy, Array, EyeLine, smoothstep
from stillwake.engines.animator.ink import apart, coverage, fill, measure_ink, over, skin_tone, stroke
from stillwake.engines.animator.parts import IntBox, Part, Pose, eyes_seen
from stillwake.types import Eye, Face, Floats, Pixels

DEPTH = 0.74
"""Where a closed lid's lashes lie in the middle, in heights of the open eye below its top. Set by eye."""
SAG = 0.10
"""How far a closed lid's middle hangs below its corners, in eye widths, at least."""
SMILING = 0.62
"""How much of its arch a lid that closes in a smile keeps, over the line between the corners."""
THINNEST, THICKEST = 0.025, 0.10
"""Half the lash band's thickness in heights of the open eye, at least and at most."""
GROWN = 0.12
"""How far above the band lashes grow, in heights of the open eye; what goes on higher up is hair or a crease."""
SHUT = 0.8
"""Weight of a closed lid's line over that of the band: nothing shows under it."""
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
CREASE = 0.1
"""Heights of the open eye above the band within which a lid's crease lies."""
COLOURS = 6
"""How many of the flat colours around an eye are looked at for what comes over it from the side or from below."""
FLAT = 3.0
"""How alike (`apart`) four fifths of a lock's pixels are to its colour, at most."""
LOCK = 0.25
"""Share of a lock from the side that lies outside the eye, at least: what lies less outside is the eye's own."""
GROWTH, GRADUAL = 14, 3.5
"""Rounds, of two px of the doubled still each, in which skin grows, and how far (`apart`) a step may be to count as
shading."""


@dataclass(frozen=True, slots=True, eq=False)
class _Cel:
    """One eye, every raster over its ``box`` at twice the still's size.

    ``own`` the still, ``skin`` the same with the eye filled in; covers 0..1: ``lifted`` the upper lash band and its
    soft edge, ``front`` what lies in front of the eye, ``inside`` what a closed lid covers; ``along``, ``below`` px
    of the still in the eye's frame; ``travel`` px that the lash line travels to close, ``above`` and ``under`` px from
    that line to the band's edges, all (128,) at `EyeLine.x`; ``colour`` (h, w, 3) of the lash by its place along the
    lid; ``soft`` sigma px of the stroke's edge.
    """

    eye: EyeLine
    box: IntBox
    own: Pixels
    skin: Floats
    lifted: Floats
    front: Floats
    inside: Floats
    along: Floats
    below: Floats
    travel: Array
    above: Array
    under: Array
    colour: Floats
    soft: float


class CelLids(Part):
    """The lids of a drawn face; ``boxes`` the px of the still that they are drawn in."""

    def __init__(self, source: Pixels, doubled: Pixels, face: Anatomy, contours: Face) -> None:
        smiling = _smiling(face)
        tone = skin_tone(source, face)
        soft = measure_ink(doubled, face, (_open(contours.eyes[0]), _open(contours.eyes[1]))).soft
        self._cels = [
            _cel(source, doubled, line, face.face_height, smiling, tone, soft)
            for line, eye, seen in zip(face.eyes, contours.eyes, eyes_seen(contours), strict=True)
            if seen and _open(eye)
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


def _cel(
    source: Pixels, doubled: Pixels, eye: EyeLine, height: float, smiling: bool, face_tone: Floats, soft: float
) -> _Cel:
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
    above, under, tones = _band(own, skin, eye, tall, x0, y0)
    band = float(np.median(above))
    front = np.maximum(
        _front(own, foreign, ball, upper, below, along, eye, tone, band),
        _beside(own, foreign, ball, upper, lower, below, along, eye, tone, band),
    )
    top, bottom = upper - _at(above, eye, along), upper + _at(under, eye, along)
    lifted = _lifted(own, skin, front, along, below, top, bottom, eye, tall) * (1 - front)
    inside = _inside(foreign, ball, front, along, below, top, lower, eye, tall)
    colour = np.stack([_at(tones[:, i], eye, along) for i in range(3)], -1)
    travel = _travel(eye, tall, smiling)
    return _Cel(eye, box, own, skin, lifted, front, inside, along, below, travel, above, under, colour, soft)


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
    top: Floats,
    lower: Floats,
    eye: EyeLine,
    tall: float,
) -> Floats:
    """What a closed lid covers, 0..1: the eye by its contours and what hangs on to it, where those are too narrow."""
    import cv2

    around = (along > -0.05 * eye.width) & (along < 1.05 * eye.width) & (below > top) & (below < lower + 0.35 * tall)
    things = ((foreign > 0.3) & around & (front < 0.3)).astype(np.uint8)
    _, labels = cv2.connectedComponents(things)
    seeds = (below > top) & (below < lower) & (along > 0.15 * eye.width) & (along < 0.85 * eye.width)
    kept = np.unique(labels[seeds])
    mask = np.isin(labels, kept[kept > 0]) | (ball & (below > top))
    mask = cv2.dilate(mask.astype(np.float32), np.ones((5, 5)))
    covered: Floats = cv2.GaussianBlur(mask, (0, 0), 1.0)
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


def _band(own: Pixels, skin: Floats, eye: EyeLine, tall: float, x0: int, y0: int) -> tuple[Array, Array, Array]:
    """The lash band along the lid: px from its line up and down to its edges, (128,) each, and its colour (128, 3)."""
    import cv2

    steps = np.arange(-(THICKEST + 0.1) * tall, (THICKEST + 0.1) * tall + 0.25, 0.25)
    line = eye.origin + eye.x[:, None] * eye.across + eye.upper[:, None] * eye.down
    at = (2 * (line[:, None] + steps[None, :, None] * eye.down - (x0, y0))).astype(np.float32)
    maps = at[..., 0].copy(), at[..., 1].copy()
    dark = ((skin - own) @ np.array([0.2126, 0.7152, 0.0722], np.float32)).astype(np.float32)
    depth = cv2.remap(dark, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    tones = cv2.remap(own, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    near = np.abs(steps) < 0.08 * tall + 0.5
    peak = np.where(near, depth, -np.inf).argmax(1)
    rows = np.arange(len(depth))
    full = depth[rows, peak]
    usual = float(np.percentile(full[(eye.x > 0.15 * eye.width) & (eye.x < 0.85 * eye.width)], 60))
    light = depth < 0.7 * np.maximum(full, 0.7 * usual)[:, None]
    column = np.arange(len(steps))
    upwards = np.where(light & (column < peak[:, None]), column, 0).max(1)
    downwards = np.where(light & (column > peak[:, None]), column, len(steps) - 1).min(1)
    low, high = THINNEST * tall + 0.3, THICKEST * tall
    above = np.clip(_smoothed(-steps[upwards]), low, high)
    under = np.clip(_smoothed(steps[downwards]), 0.5 * low, np.minimum(above, 0.7 * high))
    colours = tones[rows, peak]
    clear = full > 0.6 * usual
    if clear.any():  # where hair or a glint lies over the band its neighbours tell
        colours = np.stack([np.interp(eye.x, eye.x[clear], colours[clear, i]) for i in range(3)], 1)
    return above, under, np.stack([_smoothed(colours[:, i]) for i in range(3)], 1)


def _smoothed(values: Array) -> Array:
    """A curve along the lid without its outliers."""
    from scipy.ndimage import gaussian_filter1d, median_filter

    curve: Array = gaussian_filter1d(median_filter(values, 21, mode="nearest"), 5.0, mode="nearest")
    return curve


def _lifted(
    own: Pixels,
    skin: Floats,
    front: Floats,
    along: Floats,
    below: Floats,
    top: Floats,
    bottom: Floats,
    eye: EyeLine,
    tall: float,
) -> Floats:
    """Cover of the lash band and of what grows upwards out of it, with their soft edges, (h, w) 0..1."""
    import cv2

    dark = (skin - own) @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    within = (along > -0.05 * eye.width) & (along < 1.06 * eye.width)
    core = within & (below > top) & (below < bottom)
    full = float(np.percentile(dark[core], 60)) if core.any() else 60.0
    tone = _median(own, core & (dark > 0.8 * full))
    like = apart(own, np.broadcast_to(tone.astype(np.float32), own.shape)) < 26.0
    dark_above = within & (below > top - 3 * GROWN * tall - 1) & (below <= top) & (dark > 0.3 * full) & like
    _, labels = cv2.connectedComponents(dark_above.astype(np.uint8))
    high = np.unique(labels[dark_above & (below < top - GROWN * tall - 1)])  # goes on upwards: hair, no lash
    mask = core | (dark_above & ~np.isin(labels, high))
    thin = (dark > 0.12 * full) & (front < 0.3)
    taken = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))) > 0
    mask |= _crease(thin, taken, along, below, top, eye, tall)
    mask = mask.astype(np.uint8)
    lifted: Floats = cv2.GaussianBlur(cv2.dilate(mask, np.ones((5, 5))).astype(np.float32), (0, 0), 0.8)
    return lifted


def _crease(line: Array, taken: Array, along: Floats, below: Floats, top: Floats, eye: EyeLine, tall: float) -> Array:
    """The thin lines just above the band that lie partly within what is taken away: they go with it, whole."""
    import cv2

    around = (along > -0.05 * eye.width) & (along < 1.06 * eye.width)
    brow = _at(eye.brow, eye, along)
    near = around & line & (below > np.maximum(top - CREASE * tall - 1, brow + 0.08 * tall)) & (below < top + 0.5)
    count, labels = cv2.connectedComponents(near.astype(np.uint8), connectivity=8)
    found = np.zeros(line.shape, bool)
    edge = near & (below < top - CREASE * tall)
    for label in range(1, count):
        one = labels == label
        if (one & taken).any() and (one & edge).sum() < 0.05 * one.sum():  # what goes on upwards is hair
            found |= one
    return found


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

    _, band_of, centre = _parts(upper, below, along, eye, tall)
    to_skin = apart_from(tone)
    to_lash = apart_from(_median(own, band_of))
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


def _parts(upper: Floats, below: Floats, along: Floats, eye: EyeLine, tall: float) -> tuple[Array, Array, Array]:
    """Where an eye's own colours are read: its middle without the corners, the lash band there, and the iris."""
    middle = (along > 0.2 * eye.width) & (along < 0.8 * eye.width)
    centre = (np.abs(below - (upper + 0.5 * tall)) < 0.2 * tall) & (np.abs(along - eye.width / 2) < 0.2 * eye.width)
    return middle, (np.abs(below - upper) < 0.05 * tall) & middle, centre


def _beside(
    own: Pixels,
    foreign: Floats,
    ball: Array,
    upper: Floats,
    lower: Floats,
    below: Floats,
    along: Floats,
    eye: EyeLine,
    tone: Array,
    band: float,
) -> Floats:
    """What comes over the eye from its side or from below, 0..1: locks of a flat colour, with their outline.

    A lock is a patch of one colour, neither skin nor the eye's own, that lies outside the eye and goes on into it.
    """
    import cv2

    tall = float((eye.lower - eye.upper).max())
    outside = (foreign > 0.6) & ~ball & ((along < 0) | (along > eye.width) | (below > lower + 0.2 * tall))
    middle, band_of, centre = _parts(upper, below, along, eye, tall)
    own_tones = [tone, _median(own, band_of), _median(own, centre)]
    white = ball & middle & (below > upper + 2 * band) & (own.min(axis=2) > 200)
    if white.sum() > 20:
        own_tones.append(_median(own, white))
    core = ball & (below > upper - band) & (below < lower) & (along > 0) & (along < eye.width)
    front = np.zeros(own.shape[:2], bool)
    left = outside.copy()
    for _ in range(COLOURS):
        if left.sum() < 4 * band * band:
            break
        bins = (own[left] // 16).astype(np.int32) @ np.array([256, 16, 1])
        common = np.bincount(bins).argmax()
        colour = np.median(own[left][bins == common], 0).astype(np.float32)
        like = apart(own, np.broadcast_to(colour, own.shape))
        left &= like >= HAIR
        if (
            min(float(apart(colour[None, None], np.asarray(one, np.float32)[None, None])[0, 0]) for one in own_tones)
            < HAIR
        ):
            continue
        patch = cv2.morphologyEx((like < HAIR).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(patch, connectivity=4)
        for label in range(1, count):
            lock = labels == label
            there = float((lock & outside).sum())
            if there < LOCK * stats[label, cv2.CC_STAT_AREA] or there <= 8 or (lock & ball).sum() <= 4:
                continue
            if float(np.percentile(like[lock], 80)) < FLAT:  # painted hair runs into lashes, and nothing parts them
                front |= lock
    if not front.any():
        return np.zeros(own.shape[:2], np.float32)
    edge = 2 * int(band) + 3
    outline = cv2.dilate(front.astype(np.uint8), np.ones((edge, edge))) > 0
    ink = apart(own, np.broadcast_to(np.asarray(own_tones[1], np.float32), own.shape)) < 1.5 * HAIR
    front |= outline & ink & ~(core & (below < upper + 1.2 * band))
    soft: Floats = cv2.GaussianBlur(front.astype(np.float32), (0, 0), 0.7)
    return soft


def _median(own: Pixels, where: Array) -> Array:
    """The median colour there, (3,)."""
    colour: Array = np.median(own[where], 0) if where.any() else np.zeros(3)
    return colour


def _travel(eye: EyeLine, tall: float, smiling: bool) -> Array:
    """How far the lash line travels to close at each `EyeLine.x`, (128,) px; the corners stay.

    To a shallow arc that hangs between the corners, or, smiling, to a flatter arch over them.
    """
    share = np.clip(eye.x / eye.width, 0, 1)
    level = share * float(np.interp(eye.width, eye.x, eye.upper))  # the corners need not lie level
    arc = np.sin(np.pi * share) ** 0.75
    highest = float((eye.upper - level).min())
    middle = SMILING * highest if smiling else max(highest + DEPTH * tall, SAG * eye.width)
    target = level + middle * arc
    travelled: Array = np.maximum(target - eye.upper, 0) * ((eye.x >= 0) & (eye.x <= eye.width))
    return travelled


def _close(cel: _Cel, closed: float) -> Pixels:
    """The eye closed by 0..1: what the lid has passed is skin, then the lash line, then what lies in front."""
    eye = cel.eye
    line = eye.upper + cel.travel * closed
    moved = _at(line, eye, cel.along)
    passed = cel.inside * smoothstep(moved - cel.below, -0.5, 0.5)
    shut = cel.inside * smoothstep(closed, 0.75, 0.95)
    hidden = np.maximum(np.maximum(passed, shut), cel.lifted).astype(np.float32)
    image = over(cel.own.astype(np.float32), cel.skin, hidden)
    image = over(image, cel.colour, _stroke(cel, line, 1 - (1 - SHUT) * closed))
    image = over(image, cel.own.astype(np.float32), cel.front)
    drawn: Pixels = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    return drawn


def _stroke(cel: _Cel, line: Array, weight: float) -> Floats:
    """Cover of the lash band drawn along a line of heights (128,) px, a little beyond the corners."""
    eye = cel.eye
    seen = (eye.x >= -0.03 * eye.width) & (eye.x <= 1.04 * eye.width)
    middle = line[seen] + (cel.under - cel.above)[seen] / 2
    path = eye.origin + eye.x[seen, None] * eye.across + middle[:, None] * eye.down
    first = 2 * (path - cel.box[:2])
    thick = 2 * weight * (cel.above + cel.under)[seen]
    return coverage(stroke(first, thick, 0.3), (cel.own.shape[0], cel.own.shape[1]), 2 * cel.soft)
