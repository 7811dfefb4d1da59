"""The still taken apart: the subject cut out with its own colours, and the plate behind it filled in.

A camera that moves, and hair that swings, uncover what the subject hides. The person's matte decides everything, so
it is made sharp first: GrabCut (Rother, Kolmogorov and Blake, 2004) moves its edge onto the picture's, and in the
band around it each pixel is written as a mixture of the two colours beside it, alpha = (I - B)·(F - B) / |F - B|².
Foreground colours without the background's light come from blur fusion (Forte, 2021). What the matte cannot be
trusted with is not moved apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator.anatomy import smoothstep
from stillwake.engines.animator.fill import fill_behind
from stillwake.engines.animator.filters import blurred, disc
from stillwake.engines.animator.ink import double
from stillwake.engines.animator.parts import IntBox
from stillwake.types import Floats, Pixels, Scene, Still

Mask = npt.NDArray[np.bool_]

_CUT_SIDE = 480
"""Px of the longer side at which GrabCut runs."""
_ROUNDS = 3
_BAND = 0.008
"""Half the width of the band around the matte's edge that is mended, as a share of the longer side."""
_FAR, _THIN = 9.0, 0.004
"""How far out a strand may lie, in halves of that width, and half its width, as a share of the longer side."""
_SMALLEST, _LARGEST = 0.02, 0.85
"""Share of the picture a subject may have."""
_MOST_MOVED = 0.25
"""GrabCut that moves more of the matte than this did not find the same thing."""
_ALIKE = (35.0, 90.0)
"""Levels by which the colours on both sides of the edge must differ: below nothing, from the second on everything of
the mixture is believed."""
_UNEXPLAINED = (15.0, 45.0)
"""Levels a pixel may lie off the line between both colours."""
_BEYOND = 1.8
_SOLID = 0.995
_GROWN, _GROWN_DRAWN = 0.007, 0.012
"""By how much what is filled reaches beyond the matte, as a share of the longer side: a drawing's strands end in lines
that are thinner than what a matte finds."""
_PROBE = (480, 640)
"""Rows and columns of the middle of the still that sharpness is measured on."""
_MOST_CRISP = 1.0
_LIMB_NEAR, _FINGER_NEAR = 0.02, 0.004
"""A joint, and a hand's landmark, this close to the matte, as a share of the longer side, is in it."""
_FINGERS_LOST = 3
"""So many of a hand's 21 landmarks outside the cut are a finger."""
_JOINT_SEEN = 0.6
_JOINTS = (*tuple(range(11, 23)), 25, 26, 27, 28)
"""Shoulders, elbows, wrists, hands, knees and ankles of MediaPipe's pose."""


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """The subject: ``alpha`` (H, W) float32 0..1, 1 on it; ``spill`` (H, W) bool where its colours reach further.

    ``moved`` share of the rough matte that the edges of the picture changed; ``unsure`` share of the rim where both
    sides look alike, so that the cut is a guess there.
    """

    alpha: Floats
    spill: Mask
    moved: float
    unsure: float


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """What is drawn, back to front: the plate, and the subject over it if it can be moved apart.

    ``plate`` (S H, S W, 3) uint8 and ``subject`` (S H, S W, 4) uint8, premultiplied, are ``scale`` S times as large
    with pixel S x being pixel x of the still; ``box`` px of the subject; ``alpha`` (H, W) float32; ``lost`` says why
    there is no subject, a clause, or is ""; ``cut`` is what it was judged by.
    """

    plate: Pixels
    subject: Pixels | None
    alpha: Floats | None
    box: IntBox
    cut: Cut | None
    lost: str
    scale: int


def build_layers(scene: Scene, scale: int = 2, *, crisp: bool = False) -> Layers:
    """The layers of a scene at the size of the clip.

    ``scale`` is how many times larger they are kept: what is sampled in between of a larger one is sharper, for hardly
    more time. ``crisp`` sharpens them so that on average samples are as sharp as the still; at rest they then are not
    the still's own pixels any more.
    """
    still = scene.still
    cut, lost = _subject(scene)
    doubled = enlarged(still.pixels, scale)
    if crisp:
        doubled = _crisp(doubled, still.pixels, scale)
    if cut is None:
        return Layers(doubled, None, None, (0, 0, *still.size), None, lost, scale)
    alpha = cut.alpha
    rows, columns = np.flatnonzero((alpha > 0.004).any(1)), np.flatnonzero((alpha > 0.004).any(0))
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    plate, subject = _plate(scene, cut, doubled, scale), _lifted(scene, cut, doubled, box, scale)
    return Layers(plate, subject, alpha, box, cut, "", scale)


def stands_free(still: Still) -> bool:
    """Whether the still's own alpha cuts something out of it: one that is only faint is a picture like any other."""
    return still.alpha is not None and bool((still.alpha < 128).any() and (still.alpha > 128).any())


def _subject(scene: Scene) -> tuple[Cut | None, str]:
    still = scene.still
    if still.alpha is not None and stands_free(still):
        alpha = (still.alpha / np.float32(255)).astype(np.float32)
        return Cut(alpha, np.zeros(alpha.shape, bool), 0.0, 0.0), ""
    matte = scene.matte
    if matte is None or not _SMALLEST < float((matte > 0.5).mean()) < _LARGEST:
        return None, "no person stands apart from the background"
    cut = cut_out(still.pixels, matte, [hand.landmarks[:, :2] for hand in scene.hands])
    if cut is None or not _SMALLEST < float((cut.alpha > 0.5).mean()) < _LARGEST:
        return None, "the person cannot be told from the background"
    if cut.moved > _MOST_MOVED:
        return None, "the person's outline is not certain"
    if limb := lost_limb(scene, cut.alpha):
        return None, f"the cut-out loses {limb}"
    return cut, ""


def cut_out(pixels: Pixels, matte: Floats, hands: Sequence[Floats] = ()) -> Cut | None:
    """The matte (H, W) 0..1 drawn onto the picture's edges, or None where nothing in it is certain.

    ``hands`` (21, 2) px each belong to the person: mattes lose fingers and wrists.
    """
    import cv2

    height, width = matte.shape
    longer = max(height, width)
    scale = min(1.0, _CUT_SIDE / longer)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    rough = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    unit = max(size) / 640
    sure = cv2.erode((rough > 0.9).astype(np.uint8), disc(7 * unit))
    away = cv2.dilate((rough > 0.15).astype(np.uint8), disc(12 * unit)) == 0
    if not sure.any() or not away.any():
        return None
    labels = np.where(rough > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[sure > 0], labels[away] = cv2.GC_FGD, cv2.GC_BGD
    for hand in hands:
        _claim(labels, hand * scale)
    sure = (labels == cv2.GC_FGD).astype(np.uint8)
    cv2.setRNGSeed(0)
    cv2.grabCut(small, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    _, parts = cv2.connectedComponents(found)
    held = np.unique(parts[sure > 0])
    found = cv2.medianBlur(np.isin(parts, held[held > 0]).astype(np.uint8) * 255, 5)
    both, either = (found > 0) & (rough > 0.5), (found > 0) | (rough > 0.5)
    moved = 1 - both.sum() / max(1, either.sum())
    grown = cv2.resize(found, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    edge = smoothstep(blurred(grown, 0.5 / scale), 0.25, 0.75).astype(np.float32)
    alpha, spill, unsure = _mixtures(pixels, edge)
    return Cut(alpha, spill, float(moved), unsure)


_FINGERS = np.array([[0, 1, 2, 3, 4], [0, 5, 6, 7, 8], [0, 9, 10, 11, 12], [0, 13, 14, 15, 16], [0, 17, 18, 19, 20]])
"""Landmarks of a hand from its wrist to the tip of each finger."""


def _claim(labels: Pixels, hand: Floats) -> None:
    """Tell GrabCut that a hand's bones (21, 2) px are the person's, and what is around them perhaps."""
    import cv2

    bones = np.zeros_like(labels)
    cv2.polylines(bones, [np.round(hand[finger]).astype(np.int32) for finger in _FINGERS], isClosed=False, color=1)
    reach = 0.12 * float(np.ptp(hand, axis=0).max())
    around = cv2.dilate(bones, disc(reach)) > 0
    labels[around & (labels == cv2.GC_BGD)] = cv2.GC_PR_BGD
    labels[around & (labels == cv2.GC_PR_BGD)] = cv2.GC_PR_FGD
    labels[bones > 0] = cv2.GC_FGD


def _mixtures(pixels: Pixels, edge: Floats) -> tuple[Floats, Mask, float]:
    """Alpha (H, W), the spill, and the unsure share, from the colours on both sides of the edge."""
    import cv2

    from stillwake.perceive.matte import guided

    longer = max(edge.shape)
    band = _BAND * longer
    inside = (edge > 0.5).astype(np.uint8)
    out = cv2.distanceTransform(inside, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    near = np.abs(out) < 4 * band
    rows, columns = np.flatnonzero(near.any(1)), np.flatnonzero(near.any(0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    picture, distance = pixels[window], out[window]
    colours = picture.astype(np.float32)
    soft = guided(colours / 255, edge[window], max(3, int(0.005 * longer)), 1e-4)
    soft = smoothstep(soft, 0.12, 0.88).astype(np.float32)
    front = _beside(colours, distance > 0.7 * band, band)
    back = _beside(colours, distance < -1.3 * band, band)
    apart = front - back
    contrast = np.einsum("hwc,hwc->hw", apart, apart)
    from_back = colours - back
    mixed = np.einsum("hwc,hwc->hw", from_back, apart) / np.maximum(contrast, 1)
    # A drawing's outline is darker than what it encloses: it lies on the line of both colours, beyond the subject's.
    off = np.linalg.norm(from_back - np.clip(mixed, 0, _BEYOND)[..., None] * apart, axis=-1)
    mixed = np.clip(mixed, 0, 1)
    contrast = np.sqrt(contrast)
    trust = smoothstep(contrast, *_ALIKE) * (1 - smoothstep(off, *_UNEXPLAINED))
    mixed = smoothstep(mixed, 0.06, 0.94)
    share = trust * (1 - smoothstep(np.abs(distance), 0.9 * band, 1.6 * band))
    made = soft * (1 - share) + mixed * share
    made = np.where(distance > 1.6 * band, 1, np.where(distance < -1.6 * band, 0, made))
    alpha, spill = inside.astype(np.float32), np.zeros(edge.shape, bool)
    alpha[window] = np.clip(made, 0, 1)
    spill[window] = (mixed > 0.12) & (trust > 0.5) & (distance < 0) & (distance > -3.5 * band)
    strands = _strands((mixed > 0.5) & (trust > 0.5) & (distance < 0) & (distance > -_FAR * band), longer)
    spill[window] |= strands
    # What hangs on to the subject is a strand of its hair; what does not is only taken off the plate.
    _, parts = cv2.connectedComponents(strands.astype(np.uint8))
    hanging = np.unique(parts[(distance > -2) & strands])
    strand = strands & np.isin(parts, hanging[hanging > 0])
    alpha[window] = np.where(strand, np.maximum(alpha[window], mixed), alpha[window])
    rim = np.abs(distance) < 1.5
    unsure = float((contrast[rim] < _ALIKE[0]).mean()) if rim.any() else 1.0
    return alpha, spill, unsure


def _strands(alike: Mask, longer: int) -> Mask:
    """What of a mask (h, w) is thin, and a pixel around it."""
    import cv2

    small = alike.astype(np.uint8)
    thick = cv2.morphologyEx(small, cv2.MORPH_OPEN, disc(_THIN * longer))
    thin = small & ~cv2.dilate(thick, np.ones((5, 5), np.uint8))
    grown: Mask = cv2.dilate(thin, np.ones((3, 3), np.uint8)) > 0
    return grown


def _beside(colours: Floats, known: Mask, band: float) -> Floats:
    """The colours (h, w, 3) that are ``known``, carried on smoothly into where they are not."""
    import cv2

    height, width = known.shape
    small = max(1, width // 4), max(1, height // 4)
    weight = known.astype(np.float32)
    share = cv2.resize(weight, small, interpolation=cv2.INTER_AREA)
    sums = cv2.resize(colours * weight[..., None], small, interpolation=cv2.INTER_AREA)
    top, bottom = np.zeros_like(sums), np.full_like(share, 1e-7)
    for reach, gain in ((1.2, 1.0), (4.0, 1e-3)):
        top += gain * blurred(sums, reach * band / 4)
        bottom += gain * blurred(share, reach * band / 4)
    carried: Floats = cv2.resize(top / bottom[..., None], (width, height), interpolation=cv2.INTER_LINEAR)
    return carried


def _lifted(scene: Scene, cut: Cut, doubled: Pixels, box: IntBox, k: int) -> Pixels:
    """The subject's own colours, premultiplied, and its alpha: (k H, k W, 4) uint8."""
    import cv2

    height, width = cut.alpha.shape
    x0, y0, x1, y1 = (max(0, box[0] - 4), max(0, box[1] - 4), min(width, box[2] + 4), min(height, box[3] + 4))
    alpha = np.ascontiguousarray(cut.alpha[y0:y1, x0:x1])
    colours = scene.still.pixels[y0:y1, x0:x1].astype(np.float32)
    if not stands_free(scene.still):
        clean = _own_colours(colours, alpha, max(height, width))
    else:  # laid on white when it was opened, and taken off it here
        clean = 255 - (255 - colours) / np.maximum(alpha, 1 / 255)[..., None]
    cover = np.rint(_times(alpha, k) * 255).astype(np.uint8)
    share = cv2.merge([cover] * 3)
    own = cv2.multiply(np.ascontiguousarray(doubled[k * y0 : k * y1, k * x0 : k * x1]), share, scale=1 / 255)
    own = cv2.add(own, _times((clean - colours) * alpha[..., None], k), dtype=cv2.CV_8U)
    lifted = np.zeros((k * height, k * width, 4), np.uint8)
    lifted[k * y0 : k * y1, k * x0 : k * x1] = cv2.merge([*cv2.split(cv2.min(own, share)), cover])
    return lifted


def enlarged(pixels: Pixels, scale: int) -> Pixels:
    """A Lanczos copy 2 or 3 times as large in which pixel S x is pixel x of the source exactly."""
    import cv2

    if scale == 2:
        return double(pixels)
    grown: Pixels = _thrice(pixels, cv2.INTER_LANCZOS4)
    return grown


def _thrice(field: Any, interpolation: int) -> Any:
    """An array three times as large; a resize puts pixel x at 3 x + 1."""
    import cv2

    grown = cv2.resize(field, None, fx=3, fy=3, interpolation=interpolation)
    return cv2.copyMakeBorder(grown[1:, 1:], 0, 1, 0, 1, cv2.BORDER_REPLICATE)


def _times(field: Floats, scale: int) -> Floats:
    """A smooth field (h, w[, c]) 2 or 3 times as large, pixel S x being pixel x exactly."""
    import cv2

    if scale == 3:
        thrice: Floats = _thrice(field, cv2.INTER_LINEAR)
        return thrice
    grown: Floats = cv2.warpAffine(
        field,
        np.array([[1 / scale, 0, 0], [0, 1 / scale, 0]], np.float32),
        (scale * field.shape[1], scale * field.shape[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return grown


def _crisp(grown: Pixels, still: Pixels, scale: int) -> Pixels:
    """The enlarged still, sharpened by as much as sampling it in between softens it on average, no more."""
    import cv2

    soft = cv2.GaussianBlur(grown, (0, 0), scale / 2)
    high, wide = (min(side, most) for side, most in zip(still.shape, _PROBE, strict=False))
    top, left = (still.shape[0] - high) // 2, (still.shape[1] - wide) // 2
    window = np.s_[top * scale : (top + high) * scale, left * scale : (left + wide) * scale]
    wanted = _roughness(still[top : top + high, left : left + wide])

    def sampled(gain: float) -> float:
        part = cv2.addWeighted(grown[window], 1 + gain, soft[window], -gain, 0)
        moved = (
            np.array([[scale, 0, scale * at], [0, scale, scale * at]], np.float32) for at in (0.07, 0.19, 0.31, 0.44)
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return float(np.mean([_roughness(cv2.warpAffine(part, m, (wide, high), flags=flags)) for m in moved]))

    plain, more = sampled(0.0), sampled(_MOST_CRISP)
    if more - plain < 1e-6:
        return grown
    gain = float(np.clip(_MOST_CRISP * (wanted - plain) / (more - plain), -_MOST_CRISP, _MOST_CRISP))
    crisp: Pixels = cv2.addWeighted(grown, 1 + gain, soft, -gain, 0)
    return crisp


def _roughness(pixels: Pixels) -> float:
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return float(np.sqrt(np.square(cv2.Laplacian(grey, cv2.CV_32F)[2:-2, 2:-2]).mean()))


def _own_colours(colours: Floats, alpha: Floats, longer: int) -> Floats:
    """The foreground's colours (h, w, 3) by blur fusion in two rounds; where alpha is solid, the picture's."""
    import cv2

    soft = alpha[..., None]
    front = back = colours
    for radius in (max(3, longer // 14), max(3, longer // 200)):
        size = (2 * radius + 1,) * 2
        weight = cv2.blur(alpha, size)[..., None]
        front_near = cv2.blur(front * soft, size) / (weight + 1e-5)
        back_near = cv2.blur(back * (1 - soft), size) / (1 - weight + 1e-5)
        front = np.clip(front_near + soft * (colours - soft * front_near - (1 - soft) * back_near), 0, 255)
        back = back_near
    own: Floats = np.where(soft > _SOLID, colours, front).astype(np.float32)
    return own


def _plate(scene: Scene, cut: Cut, doubled: Pixels, k: int) -> Pixels:
    """The background (k H, k W, 3) with the subject, and what of its colours lies beside it, filled in."""
    import cv2

    height, width = cut.alpha.shape
    if stands_free(scene.still):
        return np.full_like(doubled, 255)
    longer = max(height, width)
    hidden = ((cut.alpha > 0.02) | cut.spill).astype(np.uint8)
    drawn = scene.style == "drawn"
    hole = cv2.dilate(hidden, disc((_GROWN_DRAWN if drawn else _GROWN) * longer)) > 0
    filled = fill_behind(scene.still.pixels, hole, drawn=drawn)
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    y0, y1 = max(0, int(rows[0]) - 4), min(height, int(rows[-1]) + 5)
    x0, x1 = max(0, int(columns[0]) - 4), min(width, int(columns[-1]) + 5)
    share = blurred(hole[y0:y1, x0:x1].astype(np.float32), 1.2)
    share2 = _times(share, k)
    filled2 = _times(np.ascontiguousarray(filled[y0:y1, x0:x1]), k)
    plate = doubled.copy()
    part = plate[k * y0 : k * y1, k * x0 : k * x1]
    part[:] = cv2.blendLinear(filled2, np.ascontiguousarray(part), share2, 1 - share2)
    return plate


def lost_limb(scene: Scene, alpha: Floats) -> str:
    """A hand or a joint that is seen in the picture but not in the cut-out, in words; "" where all are there."""
    import cv2

    height, width = alpha.shape
    cut = (alpha > 0.3).astype(np.uint8)
    near, nearer = (cv2.dilate(cut, disc(reach * max(height, width))) for reach in (_LIMB_NEAR, _FINGER_NEAR))

    def outside(points: Floats, near: Pixels) -> Mask:
        x, y = np.rint(points[:, 0]).astype(int), np.rint(points[:, 1]).astype(int)
        shown = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        missed = np.zeros(len(points), bool)
        missed[shown] = near[y[shown], x[shown]] == 0
        return missed

    for hand in scene.hands:
        if outside(hand.landmarks[:, :2], nearer).sum() >= _FINGERS_LOST:
            return "a hand"
    if scene.body is not None:
        joints = [joint for joint in _JOINTS if scene.body.seen[joint] >= _JOINT_SEEN]
        if joints and outside(scene.body.joints[joints, :2], near).sum() >= 2:
            return "an arm or a leg"
    return ""
