"""A drawn mouth: lifted off the still once, and drawn anew in every shape it takes.

At rest, and wherever the lips touch in a mouth that is closed in the still, the artist's own mouth stays as it is.
A plain line opens into a shape drawn with the picture's own ink, and so does a little hole, which has nothing to
stretch. A mouth with more to it, lips or an open mouth with teeth and tongue, is laid anew from the artist's own
pixels: rims keep their thickness, only what is between stretches.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from stillwake.engines.animator.anatomy import LINE_POINTS, Anatomy, Array, dense
from stillwake.engines.animator.fields import INDEX, JAW_DROP, LOWER_DROP, UPPER_RAISE
from stillwake.engines.animator.ink import Ink, apart, coverage, double, fill, measure_ink, over, stroke
from stillwake.engines.animator.parts import Bent, IntBox, MouthPart, Pose
from stillwake.types import Face, Floats, Mouth, Pixels

KEPT = 64
"""Shapes kept drawn: more than a clip in held shapes has."""
LIPS = 0.14
"""A closed mouth with outer contours further apart than this share of its width, and another colour than skin, has
painted lips."""
NOT_SKIN = 11.0
"""Distance (`apart`) from the skin of what belongs to a mouth or lies in front of it."""
WIDEN, NARROW = 0.20, 0.36
"""Shares of the width at full scale of ``wide`` and ``pucker``. Set by eye."""
SLIT = 0.42
"""An open mouth narrower than this share of its own height is drawn anew: squeezed rims would show as hooks."""
CLOSED_SHARE = 0.16
"""An open mouth that closes to less than this share of its own height is a line."""

LITTLE = 0.08
"""An open mouth narrower than this share of the face's height is a little hole: of 30 drawn open ones two have .02
and .06, the others .11 and more."""

T = np.linspace(-1.0, 1.0, LINE_POINTS)


@dataclass(frozen=True, slots=True)
class Shape:
    """A mouth's shape.

    ``height`` px between its lines, ``width`` as a share of the still's, ``round`` 0..1 an o, ``teeth`` 0..1 a strip
    of them, ``tongue`` 0..1 raised.
    """

    height: float
    width: float
    round: float
    teeth: float
    tongue: float


class CelMouth(MouthPart):
    """The mouth of a drawn face; ``box`` the px of the still that it is drawn in."""

    def __init__(self, source: Pixels, doubled: Pixels, face: Anatomy, contours: Face) -> None:
        self.face = face
        seen = tuple(eye.iris is not None for eye in contours.eyes)
        self.ink = measure_ink(doubled, face, (seen[0], seen[1]))
        self.box = _box(face, source)
        self.boxes = (self.box,)
        self._turn = float(np.radians(np.clip(contours.yaw, -60, 60)))
        x0, y0, x1, y1 = self.box
        self._own = doubled[2 * y0 : 2 * y1, 2 * x0 : 2 * x1]
        self._x, self._upper = face.local(face.upper_line.astype(np.float64))
        self._lower = face.local(face.lower_line.astype(np.float64))[1]
        outer = _outer(face, contours.mouth)
        plate, self._free, skin, lipped = _lift_off(source, self.box, face, outer, self.ink)
        self._outer = outer if lipped else (self._upper, self._lower)
        self._stretches = face.opened and face.mouth_width >= LITTLE * face.face_height
        self._relaid = lipped or self._stretches
        self._lipped = lipped
        self._plate = _doubled_plate(plate, source, doubled, self.box)
        self._colours = self._own_colours(_colours(skin, self.ink))
        self._cels: OrderedDict[Shape, tuple[Pixels, Pixels]] = OrderedDict()

    def _own_colours(self, made: _Colours) -> _Colours:
        """The colour inside a mouth that is open in the still and no little hole; else those that were made."""
        if not self._stretches:
            return made
        inset = slice(LINE_POINTS // 5, -(LINE_POINTS // 5))
        third = (self._lower - self._upper) / 3
        outline = [
            self._canvas(self._x[inset], (self._upper + third)[inset]),
            self._canvas(self._x[inset], (self._lower - third)[inset])[::-1],
        ]
        inside = self._own[self._cover(np.concatenate(outline), 0.0) > 0.9]
        if not len(inside):
            return made
        colour = np.median(inside, 0).astype(np.float32)
        return _Colours(colour, colour, made.teeth)

    # ---------------------------------------------------------------------------------------- what Talk asks for

    def redraw(self, picture: Pixels, pose: Pose) -> None:
        """Lay the cel of the pose's shape into the doubled still."""
        import cv2

        x0, y0, x1, y1 = self.box
        shape = self.shape(pose)
        if shape is not None:
            cv2.copyTo(*self._cel(shape), picture[2 * y0 : 2 * y1, 2 * x0 : 2 * x1])

    def bend(self, pose: Pose) -> Bent:
        """The mouth rides on the head; only its lines are of interest."""
        shape = self.shape(pose)
        if shape is None:
            lips = self.face.upper_line, self.face.lower_line
            return Bent(None, self.box, lips, self.face.gap)
        x, upper, lower = self._lines(shape)
        lines = (self._place(x, upper).astype(np.float32), self._place(x, lower).astype(np.float32))
        return Bent(None, self.box, lines, shape.height)

    def shape(self, pose: Pose) -> Shape | None:
        """The mouth's shape in a pose; None where it is the still's own."""
        face = self.face
        value = {name: float(pose.coefficients[INDEX[name]]) for name in INDEX}
        added = JAW_DROP * value["jaw"] + LOWER_DROP * value["lower"] + UPPER_RAISE * value["upper"]
        height = face.opening_unit * max(0.0, added) + face.gap * (1 - min(1.0, value["close"]))
        width = 1 + WIDEN * value["wide"] - NARROW * value["pucker"]
        if face.opened:
            like_own = abs(height - face.gap) < 0.12 * face.gap and abs(width - 1) < 0.06
            height = 0.0 if height < CLOSED_SHARE * face.gap else height
        else:
            like_own = height < max(1.2 * self.ink.weight, 0.012 * face.face_height)
        if not self._stretches:
            width *= _widening(face) ** min(1.0, height / (0.25 * face.mouth_width + 1e-6))
        if like_own:
            return None
        return Shape(
            height=round(2 * height) / 2,
            width=round(width, 2),
            round=round(min(1.0, max(0.0, value["pucker"])), 1),
            teeth=round(min(1.0, max(0.0, max(value["wide"] - 0.2, value["tuck"] - 0.3) / 0.2)), 1),
            tongue=round(pose.tongue, 1),
        )

    # ------------------------------------------------------------------------------------------------- drawing

    def _cel(self, shape: Shape) -> tuple[Pixels, Pixels]:
        """The box with the mouth in that shape, and where it differs from the still, 0 or 1."""
        cel = self._cels.get(shape)
        if cel is None:
            drawn = self._drawn(shape)
            cel = drawn, np.any(drawn != self._own, 2).astype(np.uint8)
            self._cels[shape] = cel
            if len(self._cels) > KEPT:
                self._cels.popitem(last=False)
        return cel

    def _drawn(self, shape: Shape) -> Pixels:
        if shape.height == 0.0:
            drawn = self._draw_line(shape)
        elif self._relaid and not (self._stretches and shape.height < SLIT * self.face.gap):
            drawn = self._relay(shape)
        else:
            drawn = self._draw_open(shape)
        free = self._free[..., None]
        mixed: Pixels = np.clip(self._own + (drawn - self._own) * free + 0.5, 0, 255).astype(np.uint8)
        return mixed

    def _lines(self, shape: Shape) -> tuple[Array, Array, Array]:
        """Positions along the face and heights of the upper and the lower line, (65,) px each, from ``centre``."""
        own_gap = self._lower - self._upper
        x = self._widened(shape.width)
        if self._stretches:
            gap = own_gap * (shape.height / max(self.face.gap, 1e-6))
            upper = self._upper + 0.35 * (own_gap - gap)
            if shape.height < SLIT * self.face.gap:  # no room for the artist's bends
                upper = 0.7 * np.polyval(np.polyfit(self._x, upper, 2), self._x) + 0.3 * upper.mean()
            return x, upper, upper + gap
        own = (self._upper + self._lower) / 2
        wide_open = min(1.0, shape.height / (0.5 * self.face.mouth_width))
        plain = np.polyval(np.polyfit(self._x, own, 2), self._x) * 0.4
        bow = own + (plain - own) * min(1.0, 1.6 * wide_open)
        deep = np.clip(1 - np.abs(T) ** (2.6 - 0.6 * shape.round), 0, 1) ** 0.62
        shallow = np.clip(1 - T**2, 0, 1) ** (0.8 - 0.25 * shape.round)
        rise = 0.12 + 0.26 * shape.round
        return x, bow - rise * shape.height * shallow, bow + (1 - rise) * shape.height * deep

    def _widened(self, share: float) -> Array:
        """The mouth's own positions for a mouth so many times as wide, (65,) px, foreshortened on a round face."""
        radius, sine = 0.5 * self.face.face_height, np.sin(self._turn)
        angle = np.arcsin(np.clip(self._x / radius + sine, -0.98, 0.98)) - self._turn
        widened: Array = self._x + radius * (np.sin(self._turn + angle * share) - np.sin(self._turn + angle))
        return widened

    def _place(self, x: Array, y: Array) -> Array:
        """Local positions in the still, (N, 2) px."""
        placed: Array = self.face.centre + x[:, None] * self.face.across + y[:, None] * self.face.down
        return placed

    def _canvas(self, x: Array, y: Array) -> Array:
        """Local positions in the doubled box, (N, 2) px."""
        canvas: Array = 2 * (self._place(x, y) - self.box[:2])
        return canvas

    def _cover(self, outline: Array, soft: float | None = None) -> Floats:
        rows, columns = self._own.shape[:2]
        return coverage(outline, (rows, columns), 2 * (self.ink.soft if soft is None else soft))

    def _draw_line(self, shape: Shape) -> Floats:
        """The closed mouth of a face whose mouth is open in the still."""
        x, upper, _ = self._lines(shape)
        curve = np.polyval(np.polyfit(x, upper, 2), x)
        middle = float(curve.mean())
        line = self._canvas(0.8 * x, middle + 0.7 * (curve - middle))
        return over(self._plate, self.ink.colour, self._cover(stroke(line, 2 * self.ink.weight)))

    def _draw_open(self, shape: Shape) -> Floats:
        """A plain line's open mouth: inside, tongue, teeth, and the outline in the picture's own ink."""
        x, upper, lower = self._lines(shape)
        image = self._inside(self._plate, shape, x, upper, lower)
        weight = 2 * self.ink.weight
        image = over(image, self.ink.colour, self._cover(stroke(self._canvas(x, lower), 0.75 * weight, 0.6)))
        return over(image, self.ink.colour, self._cover(stroke(self._canvas(x, upper), 1.1 * weight, 0.5)))

    def _inside(self, image: Floats, shape: Shape, x: Array, upper: Array, lower: Array) -> Floats:
        """What is seen between two lines, laid over ``image`` (h, w, 3)."""
        colours = self._colours
        outline = np.concatenate([self._canvas(x, upper), self._canvas(x, lower)[::-1]])
        inside = self._cover(outline)
        image = over(image, colours.cavity, inside)
        width, height = float(x[-1] - x[0]), float((lower - upper).max())
        middle = float(x.mean())
        turn = np.linspace(0, 2 * np.pi, 48)
        floor, top = float(lower[LINE_POINTS // 2]), float(upper[LINE_POINTS // 2])
        tall = height * (0.42 + 0.22 * shape.tongue)
        tongue = self._canvas(middle + 0.36 * width * np.cos(turn), floor + 0.25 * tall + tall * np.sin(turn))
        if height > 3 * self.ink.weight:
            image = over(image, colours.tongue, inside * self._cover(tongue))
        if shape.teeth > 0 and height > 2 * self.ink.weight:
            deep = min(0.42 * height, 0.13 * width, 0.05 * self.face.face_height) * shape.teeth
            strip = np.concatenate([self._canvas(x, upper - 1), self._canvas(x, upper + deep)[::-1]])
            image = over(image, colours.teeth, inside * self._cover(strip))
        shade = self._cover(np.concatenate([self._canvas(x, upper), self._canvas(x, upper + 0.2 * height)[::-1]]))
        dim = 1 - 0.12 * inside * shade * (top < floor)
        dimmed: Floats = image * dim[..., None]
        return dimmed

    def _relay(self, shape: Shape) -> Floats:
        """The artist's own mouth in another shape: rims keep their thickness, what is between them stretches."""
        import cv2

        face, (x0, y0) = self.face, self.box[:2]
        rows, columns = self._own.shape[:2]
        grid = np.dstack(np.meshgrid(np.arange(columns), np.arange(rows))) / 2.0 + (x0, y0)
        along, below = face.local(grid)
        x, upper, lower = self._lines(shape)
        rim_above, rim_below = self._rims()
        outer_upper, outer_lower = upper - (self._upper - self._outer[0]), lower + (self._outer[1] - self._lower)
        beyond = along - np.clip(along, x[0], x[-1])
        own_x = np.interp(along, x, self._x) + beyond

        def at(values: Array) -> Array:
            heights: Array = np.interp(own_x, self._x, values)
            return heights

        top, bottom = at(outer_upper), at(outer_lower)
        own_top, own_bottom = at(self._outer[0]), at(self._outer[1])
        above, under = at(rim_above), at(rim_below)
        share = np.minimum(1.0, (bottom - top) / np.maximum(above + under, 1e-6))  # rims give way to a narrow mouth
        above, under = above * share, under * share
        between = np.maximum(bottom - under - top - above, 1e-6)
        own_between = np.maximum(own_bottom - under - own_top - above, 0.0)
        middle = own_top + above + (below - top - above) * own_between / between
        own_y = np.where(below < top + above, own_top + below - top, middle)
        own_y = np.where(below > bottom - under, own_bottom + below - bottom, own_y)
        source = face.centre + own_x[..., None] * face.across + own_y[..., None] * face.down
        maps = (2 * (source - (x0, y0))).astype(np.float32)
        own = cv2.remap(self._own, maps, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        margin = max(1.5, 1.6 * self.ink.weight) + (0.25 * float((above + under).mean()) if self._lipped else 0.0)
        hull = np.concatenate(
            [
                self._canvas(x * (1 + margin / abs(x[0])), outer_upper - margin),
                self._canvas(x * (1 + margin / abs(x[0])), outer_lower + margin)[::-1],
            ]
        )
        image = over(self._plate, own, self._cover(hull, max(self.ink.soft, 0.5 * margin)))
        if self._lipped and not face.opened:
            inner_upper, inner_lower = outer_upper + rim_above, outer_lower - rim_below
            inset = slice(3, -3)
            image = self._inside_between(image, shape, x[inset], inner_upper[inset], inner_lower[inset])
        return image

    def _inside_between(self, image: Floats, shape: Shape, x: Array, upper: Array, lower: Array) -> Floats:
        lower = np.maximum(lower, upper)
        ticks = np.linspace(x[0], x[-1], LINE_POINTS)
        return self._inside(image, shape, ticks, np.interp(ticks, x, upper), np.interp(ticks, x, lower))

    def _rims(self) -> tuple[Array, Array]:
        """How much of the upper and the lower edge keeps its thickness, (65,) px each."""
        if self._lipped:
            return self._upper - self._outer[0], self._outer[1] - self._lower
        gap = self._lower - self._upper
        rim = np.minimum(1.5 * self.ink.weight, 0.4 * gap)
        return rim, rim


@dataclass(frozen=True, slots=True, eq=False)
class _Colours:
    """RGB 0..255 of what is seen in an open mouth, (3,) each."""

    cavity: Floats
    tongue: Floats
    teeth: Floats


def _colours(skin: Floats, ink: Ink) -> _Colours:
    """The inside in the picture's own light: skin, redder and darker; in a colourless picture tones of its ink."""
    spread = max(float(np.ptp(skin)), float(np.ptp(ink.colour)))
    if spread < 12:
        cavity, tongue = 0.75 * ink.colour + 0.25 * skin, 0.4 * ink.colour + 0.6 * skin
    else:
        cavity, tongue = skin * np.array([0.66, 0.34, 0.36]), skin * np.array([0.92, 0.56, 0.57])
    light = min(250.0, 1.1 * float(skin.mean()) + 12)
    teeth = 0.65 * light + 0.35 * np.minimum(skin * 1.08, 252)
    return _Colours(*(np.asarray(c, np.float32) for c in (cavity, tongue, teeth)))


def _widening(face: Anatomy) -> float:
    """How much wider than its line a tiny mouth opens."""
    return float(np.clip(0.15 * face.face_height / face.mouth_width, 0.8, 2.2))


def _outer(face: Anatomy, mouth: Mouth) -> tuple[Array, Array]:
    """Heights of the outer contours at the still's own lines' places, never inside of those, (65,) px each."""
    x, upper = face.local(face.upper_line.astype(np.float64))
    lower = face.local(face.lower_line.astype(np.float64))[1]
    above = face.local(dense(mouth.outer_upper.astype(np.float64)))
    below = face.local(dense(mouth.outer_lower.astype(np.float64)))
    return np.minimum(upper, np.interp(x, *above)), np.maximum(lower, np.interp(x, *below))


def _box(face: Anatomy, source: Pixels) -> IntBox:
    """The px the widest shape and the lifted mouth may need."""
    half = 0.5 * face.mouth_width * max(1.0, _widening(face)) * (1 + WIDEN * 1.2) + 0.07 * face.face_height
    widest = 1.15 * face.opening_unit * 0.36
    corners = np.array(
        [
            face.centre + face.across * a + face.down * b
            for a in (-half, half)
            for b in (
                -0.45 * widest - 0.5 * face.gap - 0.07 * face.face_height,
                widest + 0.5 * face.gap + 0.07 * face.face_height,
            )
        ]
    )
    low = np.maximum(np.floor(corners.min(0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(0)).astype(int) + 1, (source.shape[1], source.shape[0]))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _lift_off(
    source: Pixels, box: IntBox, face: Anatomy, outer: tuple[Array, Array], ink: Ink
) -> tuple[Floats, Floats, Floats, bool]:
    """The box without its mouth, and what became known on the way.

    Returns the plate (h, w, 3); how free its doubled pixels are to draw on, 0..1; the skin's colour (3,); and whether
    the mouth has painted lips.
    """
    import cv2

    x0, y0, x1, y1 = box
    crop = source[y0:y1, x0:x1]
    x = face.local(face.upper_line.astype(np.float64))[0]

    def hull(above: Array, below: Array, grow: float, sideways: float = 0.0) -> Array:
        stretch = 1 + (grow + sideways) / max(1.0, abs(x[0]))
        outline = [
            face.centre + np.outer(x * stretch, face.across) + np.outer(y, face.down)
            for y in (above - grow, below + grow)
        ]
        mask = np.zeros(crop.shape[:2], np.uint8)
        at = np.concatenate([outline[0], outline[1][::-1]]) - (x0, y0)
        cv2.fillPoly(mask, [np.round(at * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
        return mask

    height = face.face_height
    inner = hull(*outer, ink.weight)
    near = hull(*outer, max(2.0, 0.012 * height + ink.weight))
    wide = hull(*outer, max(2.0, 0.012 * height + ink.weight), 0.08 * height)
    around = hull(*outer, max(4.0, 0.05 * height))
    skin = np.median(crop[(around > 0) & (near == 0)].reshape(-1, 3), 0).astype(np.float32)
    rough = apart(crop, np.broadcast_to(skin, crop.shape))
    base = fill(crop, ((near == 0) & (rough < 2.5 * NOT_SKIN)).astype(np.float32))
    foreign = (apart(crop, base) > NOT_SKIN).astype(np.uint8)
    # Hair, a hand, the chin come from outside and stay; a line that goes on beyond the contour belongs to the mouth.
    strangers = cv2.connectedComponents(np.where(inner > 0, 0, foreign).astype(np.uint8))[1]
    border = np.unique(np.r_[strangers[0], strangers[-1], strangers[:, 0], strangers[:, -1]])
    stranger = np.isin(strangers, border[border > 0])
    labels = cv2.connectedComponents(np.where((wide > 0) & ~stranger, foreign, 0).astype(np.uint8))[1]
    touching = np.unique(labels[(near > 0) & (labels > 0)])
    taken = np.isin(labels, touching) & (labels > 0) | (inner > 0)
    taken = cv2.dilate(taken.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=4)
    taken[stranger & (inner == 0)] = 0
    free = (~stranger).astype(np.float32)
    known = ((taken == 0) & ~stranger & (rough < 1.6 * NOT_SKIN)).astype(np.float32)
    plate = fill(crop, known)
    soft = cv2.GaussianBlur((taken > 0).astype(np.float32), (0, 0), 0.8)[..., None]
    plate = crop * (1 - soft) + plate * soft
    tone = np.median(plate[(near > 0)].reshape(-1, 3), 0).astype(np.float32)
    free = cv2.resize(cv2.GaussianBlur(free, (0, 0), 0.6), None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    return plate, free, tone, _has_lips(crop, plate, hull, outer, face)


def _has_lips(crop: Pixels, plate: Floats, hull: object, outer: tuple[Array, Array], face: Anatomy) -> bool:
    """Whether what lies between the outer contours and the lines is painted."""
    thick = float(np.median((outer[1] - outer[0])[LINE_POINTS // 3 : -LINE_POINTS // 3])) - face.gap
    if face.opened or thick < LIPS * face.mouth_width:
        return False
    inner = hull(outer[0], outer[1], -0.15 * thick) > 0  # type: ignore[operator]
    return float(np.median(apart(crop, plate)[inner])) > 0.7 * NOT_SKIN if inner.any() else False


def _doubled_plate(plate: Floats, source: Pixels, doubled: Pixels, box: IntBox) -> Floats:
    """The plate at twice its size: the doubled still itself wherever nothing was lifted off."""
    import cv2

    x0, y0, x1, y1 = box
    whole = np.clip(plate + 0.5, 0, 255).astype(np.uint8)
    changed = np.any(whole != source[y0:y1, x0:x1], 2).astype(np.uint8)
    rings = cv2.dilate(changed, np.ones((9, 9), np.uint8)).astype(np.float32)  # as far as a line rings in the doubling
    share = cv2.resize(cv2.GaussianBlur(rings, (0, 0), 1.0), None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    clean = double(whole).astype(np.float32)
    return over(doubled[2 * y0 : 2 * y1, 2 * x0 : 2 * x1].astype(np.float32), clean, share)
