"""Hair that sways: where it is, and a wave that travels from its roots to its tips and closes on itself.

Hair is looked for on an upright canvas on which every face has the same size, so nothing here depends on the picture's
resolution. What is certain (the crown above the forehead; the face, the neck) teaches GrabCut (Rother, Kolmogorov and
Blake, 2004) the colours of the rest, inside the person's matte only. The wave itself is four small fields, the cosine
and sine parts of one and two turns, so a frame costs four multiplications a node.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator.anatomy import Array, smoothstep
from stillwake.engines.animator.fields import Grid
from stillwake.engines.animator.filters import blurred, disc
from stillwake.engines.animator.parts import IntBox
from stillwake.types import Face, Floats, Pixels, Scene

Mask = npt.NDArray[np.bool_]

SECONDS_A_TURN = 2.9
"""About how long a wave takes to come back to where it was."""
STEEPEST = 0.35
"""The most any line in the hair is stretched or sheared, px per px: beyond it a collar under the hair bends along."""
AMPLITUDE = 0.030
"""How far the tips of hair as long as the face is high swing to either side, in face heights."""
SWELL = 0.3
"""By how much a breeze of several turns dies down between its two ends, so that no two turns are quite alike."""

_UNIT = 60
"""Px of the canvas in one face height, at most; a small face is not enlarged."""
_WINDOW = (2.2, 1.6, 3.0)
"""What the canvas holds around the face's middle, in face heights: to either side, above, below."""
_BELOW = 2.2
"""Where more than a few strands seem to hang further down, clothes were taken for hair."""
_EYES_TO_CHIN = {"photo": 0.60, "drawn": 0.53}
_SMALLEST_FACE = 40.0
"""Px of face height under which a sway is less than a pixel."""
_CROWN = (-0.95, -0.56, 0.42)
"""Sure hair: from and to down the face, and to either side; in face heights from its middle, as all below."""
_ALIKE = 9.0
"""Levels of Lab, lightness counting half, by which a strand differs from the crown at first sight."""
_ROOT = -0.25
"""Hair above this line that lies on the skull is held by it."""
_LEAST_SEED, _LEAST = 0.02, 0.10
"""Squares of the face's height of crown, and of hair, that must be seen."""
_MOST = 0.60
"""A larger share of what is seen of the person below the chin is not hair alone."""
_ON_CHEST = 0.5
"""Hair hangs down both sides of a chest; what covers more of its middle is a dress."""
_LEAST_REACH = 0.22
"""Hair whose tips are nearer to the roots has nothing to sway; nor has a cap, which ends at the roots."""
_SOFT = (0.12, 0.18, 0.25, 0.34)
"""Distances from what stands still over which the hair may come free: the one that lets most of it move is taken."""
_ON_CLOTHES = 0.25
"""How much of its swing is left to a lock that lies on clothes; they go along, a little."""
_NOTICEABLE = 0.04
"""Px of motion below which a node stands still."""


@dataclass(frozen=True, slots=True, eq=False)
class Hair:
    """The hair of one head and how it moves.

    ``mask`` (H, W) float32 0..1, the hair, also where it lies on the face; ``zone`` (x0, y0, x1, y1) px of the
    picture, outside of which nothing ever moves; ``basis`` (4, h, w, 2) float32 px on the grid's nodes, the
    parts that go with the cosine and sine of one and of two turns; ``reach`` the length of the hair below its roots
    in face heights.
    """

    mask: Floats
    zone: IntBox
    basis: Floats
    reach: float

    def __post_init__(self) -> None:
        self.mask.setflags(write=False)
        self.basis.setflags(write=False)

    def displacement(self, index: int, count: int, strength: float = 1.0, turns: int | None = None) -> Floats:
        """The map of frame ``index`` of a loop of ``count``: (h, w, 2) float32 px on the nodes of the grid.

        The position x of a frame shows the still at x + d(x). ``turns`` is how many whole waves pass in the loop
        (`whole_turns`; 1 if None). Frames ``index`` and ``index + count`` are the same to the last bit.
        """
        turns = 1 if turns is None else turns
        angle = 2 * np.pi * (index * turns % count) / count
        slow = 2 * np.pi * (index % count) / count
        gain = strength * (1.0 if turns < 2 else 1 - SWELL * (1 - np.cos(slow)) / 2)
        parts = gain * np.array([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)])
        moved: Floats = np.einsum("k,khwc->hwc", parts.astype(np.float32), self.basis)
        return moved


def whole_turns(seconds: float) -> int:
    """How many waves pass in a loop of ``seconds``: whole ones, at least one, none much faster than a breath."""
    return max(1, round(seconds / SECONDS_A_TURN))


def find_hair(scene: Scene, face: Face, grid: Grid, subject: Floats) -> tuple[Hair | None, str]:
    """The hair of ``face`` and "", or None and why none can be moved, a clause.

    ``grid`` covers the whole picture, ``subject`` (H, W) float32 0..1 is the person's matte there. Nothing inside the
    oval of the face moves; clothes under a lock go along a little. Beyond the silhouette the motion goes on and fades:
    hair that swings outwards is looked up there, so this map is for the subject's layer, not for what is behind it.
    """
    canvas = _canvas_for(scene, face, subject)
    if canvas.height < _SMALLEST_FACE:
        return None, "the face is too small for its hair to be seen"
    hair, why = _segmented(canvas)
    if hair is None:
        return None, why
    along, reach = _from_roots(canvas, hair)
    if reach < _LEAST_REACH:
        return None, "the hair is too short to sway, or under a hat"
    basis = _waves(canvas, grid, scene.still.size, hair, along, reach)
    moving = np.sqrt((basis**2).sum((0, 3))) > _NOTICEABLE
    basis[:, ~moving] = 0
    if not moving.any():
        return None, "no hair hangs free of face and clothes"
    rows, columns = np.nonzero(moving.any(1))[0], np.nonzero(moving.any(0))[0]
    x0, y0 = grid.nodes[rows[0], columns[0]] - 1.5 * grid.step
    x1, y1 = grid.nodes[rows[-1], columns[-1]] + 1.5 * grid.step
    width, height = scene.still.size
    zone = (max(0, int(x0)), max(0, int(y0)), min(width, int(np.ceil(x1)) + 1), min(height, int(np.ceil(y1)) + 1))
    mask = canvas.in_picture(blurred(hair.astype(np.float32), 0.012 * canvas.unit), (width, height))
    return Hair(np.clip(mask * np.minimum(1, 2 * subject), 0, 1).astype(np.float32), zone, basis, reach), ""


# --------------------------------------------------------------------------------------------------- the canvas


@dataclass(frozen=True, slots=True, eq=False)
class _Canvas:
    """The head upright and of one size.

    ``lab`` (h, w, 3) uint8; masks (h, w) of the ``person``, the ``oval`` of the face and ``others``, the boxes of
    other faces; ``u`` (1, w) and ``v`` (h, 1) across and down the face from its middle in face heights; ``unit`` px
    of the canvas and ``height`` px of the picture in a face height; ``there`` (2, 3) maps the picture onto the canvas.
    """

    lab: Pixels
    person: Mask
    oval: Mask
    others: Mask
    u: Array
    v: Array
    unit: float
    height: float
    across: Array
    down: Array
    there: Array

    def in_picture(self, field: Floats, size: tuple[int, int]) -> Floats:
        """A field (h, w) of the canvas as (H, W) px of the picture, 0 beyond the canvas."""
        import cv2

        placed: Floats = cv2.warpAffine(field, self.there, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return placed

    def at(self, field: Floats, points: Array) -> Floats:
        """A field (h, w) of the canvas at points (..., 2) px of the picture, 0 beyond the canvas."""
        import cv2

        on = (points @ self.there[:, :2].T + self.there[:, 2]).astype(np.float32)
        sampled: Floats = cv2.remap(field, on, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        return sampled


def _canvas_for(scene: Scene, face: Face, subject: Floats) -> _Canvas:
    import cv2

    roll = np.radians(face.roll)
    across = np.array([np.cos(roll), np.sin(roll)])
    down = np.array([-across[1], across[0]])
    eyes = np.mean([(eye.upper_lid.mean(0) + eye.lower_lid.mean(0)) / 2 for eye in face.eyes], 0)
    chin = np.array(face.chin, np.float64)
    height = float(max((chin - eyes) @ down / _EYES_TO_CHIN[face.kind], face.size, 1.0))
    # Where the head is turned its outline, not its chin, tells where the skull is.
    ends = face.jaw[[0, -1]].astype(np.float64)
    middle = (ends.mean(0) + eyes) / 2
    middle = middle + down * float((chin - down * height / 2 - middle) @ down)
    unit = min(float(_UNIT), height)
    side, above, below = (round(reach * unit) for reach in _WINDOW)
    shape = (above + below + 1, 2 * side + 1)
    turn = np.stack([across, down]) * (unit / height)
    there = np.concatenate([turn, (np.array([side, above]) - turn @ middle)[:, None]], 1)
    pixels = scene.still.pixels
    shown = cv2.GaussianBlur(pixels, (0, 0), 0.35 * height / unit) if height > 1.5 * unit else pixels
    shown = cv2.warpAffine(shown, there, shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    person = cv2.warpAffine(subject.astype(np.float32), there, shape[::-1]) > 0.5
    arc = np.linspace(0, np.pi, 14)[1:-1, None]
    over = ends.mean(0) + (ends[1] - ends[0]) / 2 * np.cos(arc) - down * 0.45 * height * np.sin(arc)
    outline = np.concatenate([face.jaw.astype(np.float64), over]) @ there[:, :2].T + there[:, 2]
    oval = np.zeros(shape, np.uint8)
    cv2.fillPoly(oval, [np.round(outline).astype(np.int32)], 1)
    others = np.zeros(shape, np.uint8)
    for other in scene.faces:
        x0, y0, x1, y1 = other.box
        if other is not face and not x0 < middle[0] < x1:
            corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) @ there[:, :2].T + there[:, 2]
            cv2.fillPoly(others, [np.round(corners).astype(np.int32)], 1)
    return _Canvas(
        lab=cv2.cvtColor(shown, cv2.COLOR_RGB2LAB), person=person | (oval > 0), oval=oval > 0, others=others > 0,
        u=(np.arange(shape[1])[None] - side) / unit, v=(np.arange(shape[0])[:, None] - above) / unit,
        unit=unit, height=height, across=across, down=down, there=there,
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------- the mask


def _segmented(canvas: _Canvas) -> tuple[Mask | None, str]:
    """The hair (h, w) on the canvas, or None and why."""
    import cv2

    unit, u, v, person = canvas.unit, canvas.u, canvas.v, canvas.person
    side = np.abs(u)
    crown = person & ~canvas.oval & (v > _CROWN[0]) & (v < _CROWN[1]) & (side < _CROWN[2])
    if crown.sum() < _LEAST_SEED * unit**2:
        return None, "no hair seen above the forehead"
    core = cv2.erode(canvas.oval.astype(np.uint8), disc(0.06 * unit)) > 0
    cv2.setRNGSeed(0)
    to_hair = _distance(canvas.lab, crown, 4)
    to_skin = _distance(canvas.lab, core & (v > -0.1) & (v < 0.3), 1)
    alike = person & ~core & (to_hair < _ALIKE) & (to_hair < to_skin) & (v < _BELOW)
    alike = _held_by(cv2.morphologyEx((alike | crown).astype(np.uint8), cv2.MORPH_OPEN, disc(1)), crown)
    labels = np.full(person.shape, cv2.GC_PR_BGD, np.uint8)
    labels[person & ~canvas.oval & (v < 0.15) & (side < 1.1)] = cv2.GC_PR_FGD
    labels[alike] = cv2.GC_PR_FGD
    labels[crown] = cv2.GC_FGD
    labels[core & (v > -0.22)] = cv2.GC_BGD
    labels[person & (side < 0.22) & (v > 0.52) & (v < 0.85)] = cv2.GC_BGD  # the neck
    # What lies behind the person is one flat colour and no hair. It stays in the sum: the more of it there is, the
    # less any colour of skin or clothes weighs against the crown's.
    shown = canvas.lab.copy()
    shown[~person] = (0, 255, 0)
    labels[~person | canvas.others] = cv2.GC_BGD
    cv2.grabCut(shown, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    found = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)) & person
    hair = _held_by(cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, disc(1)), crown)
    if hair.sum() < _LEAST * unit**2:
        return None, "too little hair is seen"
    body = person & (v > 0.6)
    too_much = body.sum() > 0.3 * unit**2 and (hair & body).sum() > _MOST * body.sum()
    chest = person & (side < 0.3) & (v > 0.9) & (v < 1.5)
    too_much = too_much or (chest.sum() > 0.1 * unit**2 and (hair & chest).sum() > _ON_CHEST * chest.sum())
    if too_much or (hair & (v > _BELOW)).sum() > 0.3 * unit**2:
        return None, "hair and clothes cannot be told apart"
    return hair, ""


def _distance(lab: Pixels, sample: Mask, count: int) -> Floats:
    """How far each colour (h, w, 3) is from the nearest of ``count`` in a sample; lightness counts half."""
    import cv2

    scaled = lab.astype(np.float32) * np.array([0.5, 1, 1], np.float32)
    colours = scaled[sample]
    if len(colours) < count:
        return np.full(lab.shape[:2], np.inf, np.float32)
    rule = (cv2.TERM_CRITERIA_COUNT, 6, 0.0)
    _, _, centres = cv2.kmeans(colours, count, None, rule, 1, cv2.KMEANS_PP_CENTERS)
    nearest: Floats = np.sqrt(np.min([((scaled - centre) ** 2).sum(2) for centre in centres], 0))
    return nearest


def _held_by(mask: Pixels, seed: Mask) -> Mask:
    """Those parts of a mask that hang together with the seed."""
    import cv2

    _, parts = cv2.connectedComponents(mask, connectivity=8)
    own = np.unique(parts[seed])
    held: Mask = np.isin(parts, own[own > 0])
    return held


# ------------------------------------------------------------------------------------------------------ the wave


def _from_roots(canvas: _Canvas, hair: Mask) -> tuple[Floats, float]:
    """How far along the hair each place lies, 0 at the roots and 1 at the tips, (h, w); and the tips' distance.

    Measured through the hair, not through the air, then carried on smoothly beyond it. Distances are in face heights.
    """
    import cv2

    unit = canvas.unit
    skull = (canvas.u / 0.78) ** 2 + ((canvas.v + 0.15) / 0.72) ** 2 < 1
    front = (hair & (canvas.v < _ROOT) & skull).astype(np.uint8)
    inside, cross, square = cv2.dilate(hair.astype(np.uint8), disc(1)), disc(1), np.ones((3, 3), np.uint8)
    away = np.where(front > 0, 0, np.inf).astype(np.float32)
    for step in range(1, 8 * _UNIT):  # a cross and a square by turns are near enough to a circle
        grown = cv2.dilate(front, cross if step % 2 else square) & inside
        fresh = grown > front
        if not fresh.any():
            break
        away[fresh], front = step, grown
    reached = hair & np.isfinite(away)
    if not reached.any():
        return np.zeros_like(away), 0.0
    tips = float(np.percentile(away[reached], 98))
    share = np.minimum(np.where(reached, away, 0) / max(tips, 0.5 * unit), 1.1).astype(np.float32)
    top, under = np.zeros_like(share), np.full_like(share, 1e-9)
    # Near places decide; far ones count where there are no near ones.
    for sigma, weight in ((0.035, 1.0), (0.12, 0.02), (0.4, 4e-4)):
        top += weight * blurred(share * reached, sigma * unit)
        under += weight * blurred(reached.astype(np.float32), sigma * unit)
    return top / under, tips / unit


def _clearance(canvas: _Canvas, hair: Mask) -> tuple[Floats, Floats, Floats]:
    """Distance from faces and ears, from all of the person but hair, and from the hair: (h, w), in face heights."""
    import cv2

    unit = canvas.unit
    closed = cv2.morphologyEx(hair.astype(np.uint8), cv2.MORPH_CLOSE, disc(0.03 * unit)) > 0
    fixed = (canvas.person & ~closed).astype(np.uint8)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(fixed, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < 0.03 * unit**2  # a ribbon goes with the hair
    small[0] = True
    beside = (canvas.v > -0.2) & (canvas.v < 0.35) & (np.abs(canvas.u) < 0.75)
    faces = canvas.oval | canvas.others | ((fixed > 0) & beside)
    stands = faces | ~small[parts]
    from_faces, from_all, from_hair = (
        cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) / np.float32(unit)
        for mask in (faces, stands, closed)
    )
    return from_faces, from_all, from_hair


def _waves(canvas: _Canvas, grid: Grid, size: tuple[int, int], hair: Mask, along: Floats, reach: float) -> Floats:
    """The four parts of the wave, (4, h, w, 2) float32 px on the grid's nodes."""
    nodes = grid.nodes.astype(np.float64)
    rho = canvas.at(along, nodes).astype(np.float64)
    faces, far, out = (canvas.at(field, nodes).astype(np.float64) for field in _clearance(canvas, hair))
    on = nodes @ canvas.there[:, :2].T + canvas.there[:, 2]
    u = (on[..., 0] - (canvas.u.shape[1] - 1) / 2) / canvas.unit
    swing = AMPLITUDE * canvas.height * float(np.clip(1.15 * reach, 0.7, 1.8)) * np.clip(rho, 0, 1) ** 1.15
    swing *= 1 - smoothstep(out, 0.08, 0.35)
    first, second, third = 0.9 * u - 2.6 * rho, 1 - 1.7 * u - 4.4 * rho, 0.9 * u - 2.6 * rho + 1.3
    # sin(t + p) = cos(t) sin(p) + sin(t) cos(p)
    sideways = np.stack([np.sin(first), np.cos(first), 0.38 * np.sin(second), 0.38 * np.cos(second)])
    level = np.zeros_like(u)
    lengthways = 0.30 * np.stack([np.sin(third), np.cos(third), level, level])
    whole = -swing[..., None] * (sideways[..., None] * canvas.across + lengthways[..., None] * canvas.down)
    # Nothing is known beyond the picture's edge, so nothing comes in from there.
    for axis in (0, 1):
        inside = np.minimum(nodes[..., axis], size[axis] - 1 - nodes[..., axis])
        whole[..., axis] *= smoothstep(inside, 0.0, 0.15 * canvas.height)
    margin = 1.5 * grid.step / canvas.height  # so that what is interpolated on the face is 0 too
    best, most = np.zeros(whole.shape, np.float32), 0.0
    for soft in _SOFT:
        free = smoothstep(far, margin, margin + soft)
        free += (1 - free) * _ON_CLOTHES * (1 - smoothstep(out, 0, 0.18))
        basis = whole * (free * smoothstep(faces, margin, margin + soft))[..., None]
        basis *= min(1.0, STEEPEST / max(1e-9, _steepest(basis, grid.step)))
        moved = float((basis**2).sum())
        if moved > most:
            best, most = basis.astype(np.float32), moved
    return best


def _steepest(basis: Array, step: int) -> float:
    """The largest derivative, px per px, of any component along any axis at any time."""
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    times = np.stack([np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)], 1)
    worst = 0.0
    for axis in (1, 2):
        slopes = np.diff(basis, axis=axis) / step
        flat = slopes.reshape(4, -1)
        flat = flat[:, (np.abs(flat).sum(0) > 0.02)]
        if flat.size:
            worst = max(worst, float(np.abs(times @ flat).max()))
    return worst
