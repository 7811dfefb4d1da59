"""Does the subject's face become another one? Its bones are measured apart from pose and expression.

A mesh regularises: of a jaw that grows by 15 % it shows about half. So the face is first drawn, by the mesh, into the
layout of a reference (the still, or the clip's first clear frame), and what the mesh missed is read there as optical
flow. The corrected points are turned to the front and reduced to ratios and local strains. Those follow pose and
expression too, but a morph is "the same pose and expression, another shape": every step in time that a morph could be
is fitted to every measure together with pose and expression, and counts by how far it goes beyond what real faces do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from stillwake.inspection.asked import Asked
from stillwake.inspection.view import View
from stillwake.types import Box, ClipFinding, Floats, Pixels, Size, Timeline

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# ------------------------------------------------------------------------------------------- what of the mesh is used

BONE = (
    33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 127, 356, 234, 454, 93, 323, 132, 361, 58, 288, 10, 151,
    9, 8, 109, 338, 67, 297, 103, 332, 54, 284, 21, 251, 162, 389, 55, 285, 107, 336, 116, 345, 123, 352, 50, 280, 101,
    330, 48, 278, 115, 344,
)  # fmt: skip
"""Points that hardly move with the mouth, the brows and the lids: the head's pose is read from them."""
_SOFT = (
    7, 163, 144, 145, 153, 154, 155, 173, 157, 158, 159, 160, 161, 246, 249, 390, 373, 374, 380, 381, 382, 398, 384,
    385, 386, 387, 388, 466, 61, 291, 0, 17, 13, 14, 37, 267, 84, 314, 78, 308, 82, 312, 87, 317, 172, 136, 150,
    149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 205, 425, 187, 411, 207, 427, 212, 432, 199, 200, 18, 70, 63,
    105, 66, 296, 334, 293, 300, 69, 299, 108, 337, 135, 364, 138, 367, 210, 430, 211, 431,
)  # fmt: skip
CONTROL = tuple(sorted({*BONE, *_SOFT}))
"""Points by which a frame is drawn into the reference's layout."""
KEPT = (
    33, 133, 159, 145, 362, 263, 386, 374, 168, 6, 4, 2, 48, 278, 98, 327, 234, 454, 93, 323, 132, 361, 58, 288, 172,
    397, 136, 365, 149, 378, 152, 10, 151, 109, 338, 54, 284, 21, 251, 50, 280, 205, 425, 187, 411, 116, 345, 199, 214,
    434, 210, 430, 107, 336, 110, 339, 61, 291, 17,
)  # fmt: skip
"""Points whose places are kept, to say which part of the face changed."""

PAIRS = {
    "left eye's width": (33, 133),
    "right eye's width": (362, 263),
    "inner eye distance": (133, 362),
    "outer eye distance": (33, 263),
    "nose's base": (98, 327),
    "nose's wings": (48, 278),
    "nose's length": (168, 2),
    "width at the ears": (234, 454),
    "width below the ears": (93, 323),
    "width at the mouth": (132, 361),
    "jaw's width": (58, 288),
    "lower jaw's width": (172, 397),
    "chin's flanks": (136, 365),
    "chin's width": (149, 378),
    "temples' width": (127, 356),
    "upper temples' width": (54, 284),
    "forehead's width": (103, 332),
    "cheekbones' width": (116, 345),
    "cheeks' width": (50, 280),
    "forehead's height": (168, 10),
    "eyes to chin": (168, 152),
    "nose to chin": (2, 152),
    "height": (10, 152),
    "eyes to nose": (168, 4),
}
"""Distances, in logarithms."""
SUMS: dict[str, dict[str, float]] = {
    "eyes' width": {"left eye's width": 0.5, "right eye's width": 0.5},
    "eyes' likeness": {"left eye's width": 1.0, "right eye's width": -1.0},
    "jaw against temples": {
        "width at the mouth": 0.25, "jaw's width": 0.25, "lower jaw's width": 0.25, "chin's flanks": 0.25,
        "temples' width": -0.5, "upper temples' width": -0.5,
    },
    "width over height": {
        "width at the ears": 1 / 3, "width below the ears": 1 / 3, "width at the mouth": 1 / 3, "height": -1.0,
    },
    "eyes over nose": {"outer eye distance": 1.0, "nose's length": -1.0},
}  # fmt: skip
"""Sums of such logarithms."""
SIDES = {
    "ears": (234, 454),
    "mouth's flanks": (132, 361),
    "lower jaw": (172, 397),
    "chin": (136, 365),
    "cheeks": (50, 280),
    "cheekbones": (116, 345),
}
"""Pairs whose middle may move off the nose, or which may tilt, both in distances of the pair."""
REGIONS: dict[str, tuple[tuple[int, ...], float]] = {
    "left eye": ((33, 133, 145), 0.13),
    "right eye": ((263, 362, 374), 0.13),
    "nose": ((4, 2, 98, 327), 0.16),
    "nose's bridge": ((6,), 0.13),
    "left cheek": ((50, 205), 0.15),
    "right cheek": ((280, 425), 0.15),
    "left jaw": ((172, 214), 0.15),
    "right jaw": ((397, 434), 0.15),
    "chin": ((199,), 0.16),
    "brow": ((9, 151), 0.16),
    "left temple": ((54, 71), 0.15),
    "right temple": ((284, 301), 0.15),
    "left side": ((234, 227), 0.15),
    "right side": ((454, 447), 0.15),
}
"""Round regions: their middle's points and their radius in face heights; each is fitted with an affine map."""
_STRAINS = ("moves sideways", "moves up or down", "widens", "lengthens", "shears")
NOSE = (168, 6, 197, 195, 5, 4, 1, 2)

MEASURES: tuple[str, ...] = (
    *PAIRS,
    *SUMS,
    *(f"{name}: {how}" for name in SIDES for how in ("off the middle", "tilt")),
    *(f"{name} {how}" for name in REGIONS for how in _STRAINS),
)
"""What each column of `Shape.measures` is."""
POSE = ("yaw", "pitch", "roll", "size")
EXPRESSION = ("mouth's opening", "mouth's width", "lids", "brows", "mouth's corners")
EASE = np.array([0.02, 0.02, 0.05, 0.03, 0.03, 0.03, 0.02, 0.03, 0.03, 0.02, 0.02, 0.02])
"""How far each of these, and yaw squared, pitch squared and yaw by pitch, has to vary in a clip before a measure is
believed to follow it: in radians, the size's logarithm, and halves of the face's width."""

# ------------------------------------------------------------------------------------------------------------- limits

RATE = 15.0
"""Frames a second that are looked at."""
SIDE, GRID = 96, 25
"""Side in px of the layout in which flow is read, and nodes across it at which the mesh places a frame."""
LEAST_FACE = 48.0
"""Width of a face in px below which its shape is unseen."""
LEAST_TURN = np.radians(25.0)
"""Yaw in radians up to which a frame may be the reference."""
MISFIT = (1.8, 3.0)
"""A frame that fits the reference worse than so many times the clip's median plus so many levels is left out: a hand
lies over the face there, or it is blurred."""
MOST_TURN = 0.45
"""Radians from the clip's usual yaw beyond which a frame is left out: half of the cheek is hidden."""
LEAST_FRAMES = 25
"""Frames below which nothing can be told from pose and expression."""
LEAST_TOLD, LEAST_INSIDE = 0.25, 8
"""A step counts when so much of it is not explained by pose and expression, and so many frames lie on either side."""
EARLIEST, SHORTEST, STRIDE, RAMP = 0.5, 1.0, 0.25, 0.7
"""Seconds: when a step may begin, how long it lasts at least, between two tried ones, and from off to on."""
RAMPS, WIDER, NEARBY = (0.2, 0.4, 0.6, 0.8, 1.0, 1.4), 0.005, np.arange(-0.5, 0.51, 0.05)
"""Seconds from off to on of the steps with which a change is dated, how much more of it a wider one has to explain,
and the seconds around the step found at which they are tried. Start and end were within 0.2 s in 35 of 39 morphs by
15 % that came in 0.6 s (2026-11-29; 4 of 39 when the middle of the way was told)."""
ALIKE = np.array([0.15, 0.12, 0.15, 0.10, 0.15, 0.09, 0.03, 0.04, 0.06])
"""How far each of `POSE` and `EXPRESSION` has to differ to be another one."""
APART, NOISE, STRONGEST = 0.7, 1.7, 16
"""A change counts by the share that it explains, against the root of two squares: what is usual, the more the further
pose and expression are apart (from 1 / `APART` such differences on, with their square), and `NOISE` times what the
change leaves of the measure; a step counts by the mean of its `STRONGEST` measures. The best of 96 settings on the
clips of `USUAL` and 177 morphs put into them, each person scored with what is usual for the others."""
TRUSTED = 0.8
"""Seconds at the clip's beginning that show the true face: what changes back soon after them changes from there on."""
MOVED, MARGIN = 0.45, 0.08
"""The box holds the points that moved by that share of the furthest, and a margin in face widths."""
LIMIT, SURE = 1.0, 1.6
"""Times the usual from which a change warns, and from which it fails. Set on one half of the people: of the other
half's 37 clean clips that could be measured 2 went beyond the first, both of one take in which a hand comes to rest
on the chin, and of 70 morphs by 15 % 64 (2026-11-28; of all 96 morphs 26 are unseen, most of them in faces of about
50 px)."""
RESTLESS = 1.5
"""`NOISE` times what is left of the middle measure, in times the usual, from which nothing but a sure change is told:
somebody who weeps, hides behind a hand and laughs reached 3.0, a face of 50 px 1.5 to 2.05 (3 of 13 morphs by 15 %
were found in it), nine of ten other clips at most 1.3."""
COLOUR_LIMITS = {"skin": 4.0, "hair": 12.0}
"""How far each may go and stay, in Lab's a and b: in the clean clips above skin went up to 2.9, hair up to 9.8 (a head
that turns shows other hair)."""
USUAL: dict[str, float] = {
    "left eye's width": 0.0197,
    "right eye's width": 0.0197,
    "inner eye distance": 0.0136,
    "outer eye distance": 0.0081,
    "nose's base": 0.0417,
    "nose's wings": 0.0310,
    "nose's length": 0.0192,
    "width at the ears": 0.0091,
    "width below the ears": 0.0094,
    "width at the mouth": 0.0069,
    "jaw's width": 0.0121,
    "lower jaw's width": 0.0161,
    "chin's flanks": 0.0278,
    "chin's width": 0.0194,
    "temples' width": 0.0078,
    "upper temples' width": 0.0059,
    "forehead's width": 0.0079,
    "cheekbones' width": 0.0059,
    "cheeks' width": 0.0226,
    "forehead's height": 0.0155,
    "eyes to chin": 0.0172,
    "nose to chin": 0.0330,
    "height": 0.0145,
    "eyes to nose": 0.0183,
    "eyes' width": 0.0151,
    "eyes' likeness": 0.0379,
    "jaw against temples": 0.0221,
    "width over height": 0.0143,
    "eyes over nose": 0.0188,
    "ears: off the middle": 0.0152,
    "ears: tilt": 0.0136,
    "mouth's flanks: off the middle": 0.0122,
    "mouth's flanks: tilt": 0.0114,
    "lower jaw: off the middle": 0.0231,
    "lower jaw: tilt": 0.0220,
    "chin: off the middle": 0.0401,
    "chin: tilt": 0.0250,
    "cheeks: off the middle": 0.0167,
    "cheeks: tilt": 0.0127,
    "cheekbones: off the middle": 0.0162,
    "cheekbones: tilt": 0.0087,
    "left eye moves sideways": 0.0023,
    "left eye moves up or down": 0.0021,
    "left eye widens": 0.0212,
    "left eye lengthens": 0.0341,
    "left eye shears": 0.0129,
    "right eye moves sideways": 0.0023,
    "right eye moves up or down": 0.0021,
    "right eye widens": 0.0212,
    "right eye lengthens": 0.0341,
    "right eye shears": 0.0129,
    "nose moves sideways": 0.0034,
    "nose moves up or down": 0.0054,
    "nose widens": 0.0332,
    "nose lengthens": 0.0267,
    "nose shears": 0.0116,
    "nose's bridge moves sideways": 0.0029,
    "nose's bridge moves up or down": 0.0022,
    "nose's bridge widens": 0.0121,
    "nose's bridge lengthens": 0.0269,
    "nose's bridge shears": 0.0094,
    "left cheek moves sideways": 0.0030,
    "left cheek moves up or down": 0.0031,
    "left cheek widens": 0.0222,
    "left cheek lengthens": 0.0264,
    "left cheek shears": 0.0268,
    "right cheek moves sideways": 0.0030,
    "right cheek moves up or down": 0.0031,
    "right cheek widens": 0.0222,
    "right cheek lengthens": 0.0264,
    "right cheek shears": 0.0268,
    "left jaw moves sideways": 0.0054,
    "left jaw moves up or down": 0.0058,
    "left jaw widens": 0.0384,
    "left jaw lengthens": 0.0418,
    "left jaw shears": 0.0461,
    "right jaw moves sideways": 0.0054,
    "right jaw moves up or down": 0.0058,
    "right jaw widens": 0.0384,
    "right jaw lengthens": 0.0418,
    "right jaw shears": 0.0461,
    "chin moves sideways": 0.0070,
    "chin moves up or down": 0.0110,
    "chin widens": 0.0258,
    "chin lengthens": 0.0323,
    "chin shears": 0.0159,
    "brow moves sideways": 0.0021,
    "brow moves up or down": 0.0027,
    "brow widens": 0.0209,
    "brow lengthens": 0.0171,
    "brow shears": 0.0136,
    "left temple moves sideways": 0.0023,
    "left temple moves up or down": 0.0050,
    "left temple widens": 0.0419,
    "left temple lengthens": 0.0315,
    "left temple shears": 0.0333,
    "right temple moves sideways": 0.0023,
    "right temple moves up or down": 0.0050,
    "right temple widens": 0.0419,
    "right temple lengthens": 0.0315,
    "right temple shears": 0.0333,
    "left side moves sideways": 0.0025,
    "left side moves up or down": 0.0031,
    "left side widens": 0.0366,
    "left side lengthens": 0.0292,
    "left side shears": 0.0318,
    "right side moves sideways": 0.0025,
    "right side moves up or down": 0.0031,
    "right side widens": 0.0366,
    "right side lengthens": 0.0292,
    "right side shears": 0.0318,
}
"""How far each measure goes and stays in 9 of 10 clean clips, left and right alike: 33 takes of 5 real people and of
11 stills rendered by the animator, each encoded twice, 2026-11-28 (they are not part of the repository)."""


class Yardstick(NamedTuple):
    """By what a change counts: ``names`` (M,) of the measures and ``usual`` (M,) of how far each goes in clean clips.

    ``limit`` and ``sure`` times the usual from which a change warns and fails; ``restless`` as `RESTLESS`, and
    ``told`` times the usual from which a change is told of a restless face all the same; ``hair`` how far its colour
    may go, as `COLOUR_LIMITS`.
    """

    names: tuple[str, ...]
    usual: tuple[float, ...]
    limit: float
    sure: float
    restless: float
    told: float
    hair: float


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What each looked-at frame shows of the face's shape; every array has one entry a frame, in order.

    ``time`` the middle of the frame in seconds; ``measures`` (N, M) float32, logarithms and shares;
    ``nuisance`` (N, `POSE` and `EXPRESSION`) float32, radians and halves of the face's width; ``misfit`` how badly
    the frame, drawn into the reference's layout, fits it, in levels of 255; ``points`` (N, K, 2) float16 of the face
    turned to the front, in units of about half its width; ``back`` (N, 2, 4) float32, which take such a point
    (x, y, z, 1) to px of the frame; ``colours`` (N, 2, 3) float32 CIELAB of skin and hair; nan where no face was
    read. ``front`` (K, 3) the reference's points; ``width`` of the face in px, the median; ``seconds`` the length of
    what was looked at; ``unseen`` why nothing was measured, or ""; ``yardstick`` what the measures are.
    """

    time: Array
    measures: Floats
    nuisance: Floats
    misfit: Floats
    points: npt.NDArray[np.float16]
    back: Floats
    colours: Floats
    front: Floats
    width: float
    seconds: float
    unseen: str
    yardstick: Yardstick


class Look(NamedTuple):
    """One frame, as `Shape` keeps it: (M,), (`POSE` and `EXPRESSION`,), levels, (K, 2), (2, 4)."""

    measures: Floats
    nuisance: Floats
    misfit: float
    points: Floats
    back: Floats


class Reference(Protocol):
    """The face that all frames are compared with; ``kept`` (K, 3) its own `Shape.front`."""

    kept: Floats

    def look(self, grey: Pixels, mesh: Floats) -> Look:
        """What a frame (H, W) uint8 with this mesh (478, 3) px shows of the face's shape."""


class Kind(NamedTuple):
    """How a kind of face is measured: ``rate`` frames a second.

    ``begin`` makes a frame, grey, with its mesh the reference, or says None: it turns away too far; ``width`` of a
    mesh's face in px; ``places`` in a mesh where skin is, and where hair is, (N, 2) px each; ``unread`` what is said
    where no frame was measured.
    """

    rate: float
    begin: Callable[[Pixels, Floats], Reference | None]
    width: Callable[[Floats], float]
    places: Callable[[Floats], tuple[Floats, Floats]]
    yardstick: Yardstick
    unread: str


class Watch:
    """Takes one frame after the other and keeps its numbers.

    ``still`` (H, W, 3) uint8 RGB at the clip's size and ``still_mesh`` (478, 3) px in it are the reference; without
    them it is the first frame that may be one.
    """

    def __init__(self, kind: Kind, size: Size, fps: Fraction, still: Pixels | None, still_mesh: Floats | None) -> None:
        self.size = size
        self._kind = kind
        self._every = max(1, round(float(fps) / kind.rate))
        self._frame = 1 / float(fps)
        self._reference: Reference | None = None
        self._rows: list[tuple[float, Look, Floats, float]] = []
        self._last = 0.0
        self._small = False
        if still is not None and still_mesh is not None:
            self._begin(_grey(still), still_mesh)

    def _begin(self, grey: Pixels, mesh: Floats) -> None:
        self._small = self._kind.width(mesh) < LEAST_FACE
        self._reference = None if self._small else self._kind.begin(grey, mesh)

    def take(self, view: View) -> None:
        """Measure a frame."""
        self._last = view.time
        mesh = view.mesh
        if view.index % self._every or mesh is None:
            return
        if self._reference is None:
            self._begin(view.grey, mesh)
        if self._reference is None:
            return
        look = self._reference.look(view.grey, mesh)
        look = look._replace(points=look.points.astype(np.float16))
        self._rows.append((view.time, look, _colours(view, self._kind.places(mesh)), self._kind.width(mesh)))

    def finish(self) -> Shape:
        """All that was seen."""
        rows, yardstick = self._rows, self._kind.yardstick
        width = float(np.median([row[3] for row in rows])) if rows else 0.0
        unseen = "" if rows else self._kind.unread
        if (self._small and not rows) or 0 < width < LEAST_FACE:
            unseen = f"the face is less than {LEAST_FACE:.0f} px wide"
        count = len(rows)
        kept = np.zeros((0, 3), np.float32) if self._reference is None else self._reference.kept

        def all_of(part: str, *shape: int, kind: type = np.float32) -> Any:
            return np.array([getattr(row[1], part) for row in rows], kind).reshape(count, *shape)

        return Shape(
            time=np.array([row[0] for row in rows], np.float64),
            measures=all_of("measures", len(yardstick.names)),
            nuisance=all_of("nuisance", len(POSE) + len(EXPRESSION)),
            misfit=all_of("misfit"),
            points=all_of("points", len(kept), 2, kind=np.float16),
            back=all_of("back", 2, 4),
            colours=np.array([row[2] for row in rows], np.float32).reshape(count, 2, 3),
            front=kept,
            width=width,
            seconds=self._last + self._frame / 2,
            unseen=unseen,
            yardstick=yardstick,
        )


class Pose(NamedTuple):
    """Yaw, pitch and roll against the reference's front, in radians, and the size's logarithm."""

    yaw: float
    pitch: float
    roll: float
    size: float


class _Reference:
    """The face that all frames are compared with: its layout, its picture in it, its shape turned to the front."""

    def __init__(self, grey: Pixels, mesh: Floats) -> None:
        import cv2

        self.shape = _frontal(mesh)
        self.kept: Floats = self.shape[list(KEPT)]
        level = mesh[:468, :2] @ _level(mesh).T
        low, high = level.min(0), level.max(0)
        self._at = ((level - (low + high) / 2) * (SIDE * 0.86 / (high - low).max()) + SIDE / 2).astype(np.float32)
        self._eyes = float(np.linalg.norm(self._at[33] - self._at[263]))
        self._spread = _spread(self._at[list(CONTROL)])
        nodes = np.linspace(0, GRID - 1, SIDE, dtype=np.float32)
        self._nodes = np.meshgrid(nodes, nodes)
        place = np.arange(SIDE, dtype=np.float32)
        self._places = np.meshgrid(place, place)
        mask = np.zeros((SIDE, SIDE), np.uint8)
        cv2.fillConvexPoly(mask, cv2.convexHull(self._at).astype(np.int32), 1)
        self._inside = mask > 0
        self._flow = flow_between(refinements=2)
        self._regions = _region_fits(self.shape)
        self._picture = self._drawn(grey, mesh)[0]

    def _drawn(self, grey: Pixels, mesh: Floats) -> tuple[Pixels, Floats]:
        """The frame drawn into the layout, its contrast evened out, and where each of its px lies in the frame."""
        import cv2

        nodes = (self._spread @ mesh[list(CONTROL), :2]).astype(np.float32).reshape(GRID, GRID, 2)
        where = cv2.remap(nodes, self._nodes[0], self._nodes[1], cv2.INTER_LINEAR)
        scale = float(np.linalg.norm(mesh[33, :2] - mesh[263, :2])) / self._eyes
        flat = nodes.reshape(-1, 2)
        x0, y0 = np.maximum(np.floor(flat.min(0)).astype(int) - 2, 0)
        x1, y1 = np.maximum(np.ceil(flat.max(0)).astype(int) + 3, 0)
        cut = grey[y0:y1, x0:x1]
        if min(cut.shape) < 2:
            return np.zeros((SIDE, SIDE), np.uint8), where
        at = where - np.array([x0, y0], np.float32)
        if scale > 1.5:
            small = max(8, round(cut.shape[1] / scale)), max(8, round(cut.shape[0] / scale))
            share = np.array([small[0] / cut.shape[1], small[1] / cut.shape[0]], np.float32)
            cut, at = cv2.resize(cut, small, interpolation=cv2.INTER_AREA), (at + 0.5) * share - 0.5
        light = cv2.remap(
            cut, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.float32)  # fmt: skip
        light -= cv2.GaussianBlur(light, (0, 0), SIDE / 12)
        contrast = np.sqrt(cv2.GaussianBlur(light * light, (0, 0), SIDE / 8) + 9)
        return np.clip(128 + 40 * light / contrast, 0, 255).astype(np.uint8), where

    def look(self, grey: Pixels, mesh: Floats) -> Look:
        """What a frame (H, W) uint8 with this mesh (478, 3) px shows of the face's shape."""
        corrected, misfit = self.correct(grey, mesh)
        front, back, _ = self.front(corrected)
        raw, _, pose = self.front(mesh[:468])
        return Look(self.measure(front), _nuisance(raw, pose), misfit, front[list(KEPT), :2], back)

    def correct(self, grey: Pixels, mesh: Floats) -> tuple[Floats, float]:
        """The mesh (468, 3) px moved to where the reference's face really is; how badly the two pictures fit."""
        import cv2

        picture, where = self._drawn(grey, mesh)
        flow = cv2.GaussianBlur(self._flow.calc(self._picture, picture, None), (0, 0), 2)
        back = cv2.remap(
            picture, self._places[0] + flow[..., 0], self._places[1] + flow[..., 1], cv2.INTER_LINEAR
        )  # fmt: skip
        misfit = float(cv2.absdiff(back, self._picture)[self._inside].mean())
        at = self._at
        moved = at + cv2.remap(flow, at[:, 0], at[:, 1], cv2.INTER_LINEAR)[:, 0]
        to, fro = (
            cv2.remap(where, p[:, 0], p[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]
            for p in (moved, at)
        )
        corrected = mesh[:468].copy()
        corrected[:, :2] += to - fro
        return corrected, misfit

    def front(self, mesh: Floats) -> tuple[Floats, Floats, Pose]:
        """Points (N, 3) px turned to the front, the way back (2, 4), and the pose: a rigid fit of the bones."""
        bones = list(BONE)
        points = mesh.astype(np.float64)
        middle, goal = points[bones].mean(0), self.shape[bones].mean(0)
        away, wanted = points[bones] - middle, self.shape[bones] - goal
        u, s, vt = np.linalg.svd(away.T @ wanted)
        sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
        turn = (u * sign) @ vt
        scale = float((s * sign).sum() / (away**2).sum())
        front = scale * (points - middle) @ turn + goal
        back = np.empty((2, 4))
        back[:, :3] = (turn / scale)[:2]
        back[:, 3] = middle[:2] - back[:, :3] @ goal
        pose = Pose(
            float(np.arcsin(np.clip(turn[2, 0], -1, 1))),
            float(np.arctan2(turn[2, 1], turn[2, 2])),
            float(np.arctan2(turn[1, 0], turn[0, 0])),
            -float(np.log(scale)),
        )
        return front.astype(np.float32), back.astype(np.float32), pose

    def measure(self, front: Floats) -> Floats:
        """`MEASURES` of points (468, 3) turned to the front."""
        flat = front[:, :2].astype(np.float64)
        pairs, sums, sides = _tables()
        logs = np.log(np.linalg.norm(flat[pairs[:, 0]] - flat[pairs[:, 1]], axis=1) + 1e-9)
        left, right = flat[sides[:, 0]], flat[sides[:, 1]]
        apart = np.linalg.norm(left - right, axis=1) + 1e-9
        middle = flat[list(NOSE), 0].mean()
        off = (left[:, 0] + right[:, 0] - 2 * middle) / apart
        tilt = (right[:, 1] - left[:, 1]) / apart
        fits, goal, height = self._regions
        affine = (fits @ flat).reshape(len(REGIONS), 3, 2)
        strains = np.stack(
            [
                (affine[:, 0, 0] - goal[:, 0]) / height,
                (affine[:, 0, 1] - goal[:, 1]) / height,
                np.log(np.maximum(affine[:, 1, 0], 0.1)),
                np.log(np.maximum(affine[:, 2, 1], 0.1)),
                (affine[:, 1, 1] + affine[:, 2, 0]) / 2,
            ],
            1,
        )
        parts = [logs, sums @ logs, np.stack([off, tilt], 1).ravel(), strains.ravel()]
        measured: Floats = np.concatenate(parts).astype(np.float32)
        return measured


def flow_between(*, refinements: int) -> Any:
    """Dense inverse search for layouts of a hundred px or so (Kroeger et al., 2016, in OpenCV).

    At a quarter of the layout, as the preset has it, eyes that grow by 15 % are found half as often; fewer turns and
    patches take half the time and find as much (91 clips).
    """
    import cv2

    # The stubs of cv2 do not know it.
    flow: Any = getattr(cv2, "DISOpticalFlow_create")(cv2.DISOPTICAL_FLOW_PRESET_FAST)  # noqa: B009
    flow.setFinestScale(0)
    flow.setGradientDescentIterations(8)
    flow.setPatchStride(5)
    flow.setVariationalRefinementIterations(refinements)
    return flow


def _grey(pixels: Pixels) -> Pixels:
    import cv2

    grey: Pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return grey


def _level(mesh: Floats) -> Array:
    """The turn (2, 2) that makes the line of the eyes horizontal."""
    x, y = mesh[[263, 362], :2].mean(0) - mesh[[33, 133], :2].mean(0)
    angle = np.arctan2(y, x)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _axes(mesh: Floats) -> Array:
    """The head's own axes (3, 3) in the frame, as rows: along the eyes, down the nose's root, away from the camera."""
    points = mesh.astype(np.float64)
    across = points[263] - points[33]
    across /= np.linalg.norm(across)
    down = points[2] - points[168]
    down -= across * (across @ down)
    down /= np.linalg.norm(down)
    return np.stack([across, down, np.cross(across, down)])


def _turn(mesh: Floats) -> float:
    """Yaw of a mesh in radians."""
    across = _axes(mesh)[0]
    return float(np.arctan2(across[2], np.hypot(across[0], across[1])))


def _frontal(mesh: Floats) -> Floats:
    """The mesh's 468 points turned to the front, centred, its bones at a mean square distance of 1."""
    points = mesh[:468].astype(np.float64)
    points = (points - points[list(BONE)].mean(0)) @ _axes(mesh).T
    shape: Floats = (points / np.sqrt((points[list(BONE)] ** 2).sum(1).mean())).astype(np.float32)
    return shape


def _spread(at: Floats) -> Array:
    """The matrix (nodes, points) of the thin plate that goes through values at points (N, 2) px of the layout."""
    count = len(at)
    points = at.astype(np.float64) / SIDE
    line = np.arange(GRID) / (GRID - 1) * (SIDE - 1) / SIDE
    nodes = np.stack([axis.ravel() for axis in np.meshgrid(line, line)], 1)

    def bend(a: Array, b: Array) -> Array:
        square = ((a[:, None] - b[None]) ** 2).sum(-1)
        bent: Array = square * np.log(square + 1e-12)
        return bent

    plane = np.c_[np.ones(count), points]
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = bend(points, points) + 1e-3 * np.eye(count)
    system[:count, count:], system[count:, :count] = plane, plane.T
    basis = np.c_[bend(nodes, points), np.ones(len(nodes)), nodes]
    spread: Array = basis @ np.linalg.inv(system)[:, :count]
    return spread


def _region_fits(shape: Floats) -> tuple[Array, Array, float]:
    """(3 regions, 468), which gives each region's place and affine map; the places (regions, 2); the face's height."""
    flat = shape[:, :2].astype(np.float64)
    height = float(np.linalg.norm(flat[10] - flat[152]))
    fits = np.zeros((len(REGIONS), 3, len(flat)))
    places = np.zeros((len(REGIONS), 2))
    for row, (middle, radius) in enumerate(REGIONS.values()):
        near = np.flatnonzero(np.linalg.norm(flat - flat[list(middle)].mean(0), axis=1) < radius * height)
        places[row] = flat[near].mean(0)
        fits[row][:, near] = np.linalg.pinv(np.c_[np.ones(len(near)), flat[near] - places[row]])
    return fits.reshape(-1, len(flat)), places, height


@lru_cache(maxsize=1)
def _tables() -> tuple[npt.NDArray[np.int64], Array, npt.NDArray[np.int64]]:
    """`PAIRS` and `SIDES` as indices, `SUMS` as a matrix."""
    names = list(PAIRS)
    sums = np.zeros((len(SUMS), len(PAIRS)))
    for row, terms in enumerate(SUMS.values()):
        for name, share in terms.items():
            sums[row, names.index(name)] = share
    return np.array(list(PAIRS.values())), sums, np.array(list(SIDES.values()))


def _nuisance(front: Floats, pose: Pose) -> Floats:
    """Pose and expression of one frame, from the mesh alone, turned to the front."""
    flat = front[:, :2]

    def apart(a: int, b: int) -> float:
        return float(np.linalg.norm(flat[a] - flat[b]))

    lids = (apart(159, 145) + apart(386, 374)) / 2
    brows = float(flat[[105, 334, 66, 296], 1].mean() - flat[[33, 263], 1].mean())
    corners = float(flat[[61, 291], 1].mean() - flat[[13, 14], 1].mean())
    return np.array([*pose, apart(13, 14), apart(61, 291), lids, brows, corners], np.float32)


def _places(mesh: Floats) -> tuple[Floats, Floats]:
    """Where skin and hair are, (N, 2) px each."""
    top, chin = mesh[10, :2], mesh[152, :2]
    up = top - chin
    hair = np.concatenate(
        [mesh[[109, 10, 338], :2] + up * share for share in (0.10, 0.14, 0.18)]
        + [mesh[[67, 297], :2] + up * share for share in (0.08, 0.12)]
    )
    return mesh[[50, 280, 101, 330, 205, 425, 151, 108, 337, 117, 346], :2], hair


def _colours(view: View, places: Sequence[Floats]) -> Floats:
    """CIELAB of skin and hair, (2, 3): the medians over some points (N, 2) px of each, in the small picture."""
    import cv2

    picture = view.small_rgb
    scale = picture.shape[1] / view.pixels.shape[1]
    found = []
    for points in places:
        at = ((points + 0.5) * scale - 0.5).astype(np.float32)
        rgb = cv2.remap(picture, at[:, 0], at[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        found.append(np.median(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3), 0))
    return np.array(found, np.float32)


def _width(mesh: Floats) -> float:
    return float(np.ptp(mesh[:468, 0]))


def _begun(grey: Pixels, mesh: Floats) -> _Reference | None:
    return _Reference(grey, mesh) if abs(_turn(mesh)) < LEAST_TURN else None


PHOTOGRAPHED = Kind(
    RATE,
    _begun,
    _width,
    _places,
    Yardstick(MEASURES, tuple(USUAL.values()), LIMIT, SURE, RESTLESS, SURE, COLOUR_LIMITS["hair"]),
    "no face looks towards the camera in it",
)
"""A face that the mesh reads: photographs and paintings."""


# -------------------------------------------------------------------------------------------------------- what changed


class Fit(NamedTuple):
    """Every step in time that a morph could be, fitted to every measure together with pose and expression.

    ``change`` (S, M) how far each measure goes; ``share`` (S, M) how much it explains of what pose and expression
    leave, 0..1; ``rest`` (S, M) what it leaves; ``spans`` (S, 2) seconds; ``steps`` (S, N) 0..1; ``apart`` (S,) how
    far pose and expression within the step differ from those outside it; ``used`` (F,) which frames; ``known`` (N, K)
    what pose and expression explain with, and ``solved`` (K, N) by how much.
    """

    change: Array
    share: Array
    rest: Array
    spans: Array
    steps: Array
    apart: Array
    used: Flags
    known: Array
    solved: Array


def fit(shape: Shape) -> Fit | None:
    """All steps fitted; None where there are too few frames, or none of another pose could tell a step from a move."""
    away = shape.nuisance.astype(np.float64)
    away -= np.median(away, 0)
    used = (shape.misfit < MISFIT[0] * np.median(shape.misfit) + MISFIT[1]) & (abs(away[:, 0]) < MOST_TURN)
    if int(used.sum()) < LEAST_FRAMES:
        return None
    measures, away, time = _calmed(shape.measures[used].astype(np.float64)), _calmed(away[used]), shape.time[used]
    known = np.c_[away, away[:, 0] ** 2, away[:, 1] ** 2, away[:, 0] * away[:, 1]]
    known = np.c_[np.ones(len(away)), known - known.mean(0)]
    ease = np.diag(np.r_[0.0, EASE**2])
    solved = np.linalg.solve(known.T @ known / len(known) + ease, known.T / len(known))
    steps, spans = _steps(time, shape.seconds)
    left = steps - (steps @ solved.T) @ known.T
    energy, inside = (left * steps).sum(1), steps.sum(1)
    outside = len(time) - inside
    told = energy > LEAST_TOLD * inside * outside / len(time)
    told &= np.minimum(inside, outside) >= LEAST_INSIDE
    if not told.any():
        return None
    steps, spans, left, energy, inside, outside = (a[told] for a in (steps, spans, left, energy, inside, outside))
    change = left @ measures / energy[:, None]
    total = np.maximum((measures * (measures - known @ (solved @ measures))).sum(0), 1e-12)
    explained = change**2 * energy[:, None]
    differ = steps @ away / inside[:, None] - (1 - steps) @ away / outside[:, None]
    return Fit(
        change=change,
        share=np.clip(explained / total, 0, 1),
        rest=np.sqrt(np.maximum(total - explained, 0) / len(time)),
        spans=spans,
        steps=steps,
        apart=np.sqrt(((differ / ALIKE) ** 2).sum(1)),
        used=used,
        known=known,
        solved=solved,
    )


def _calmed(values: Array) -> Array:
    """The median of each three frames."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    calmed: Array = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), 0)
    return calmed


def _step(time: Array, start: Array, end: Array, ramp: float, seconds: float) -> Array:
    """0..1 (S, T): on from ``start`` to ``end`` (S,), each at half height there; a last end has no way down."""
    up = np.clip((time[None] - start[:, None]) / ramp + 0.5, 0, 1)
    down = np.where(end[:, None] >= seconds, 1.0, np.clip((end[:, None] - time[None]) / ramp + 0.5, 0, 1))
    least = np.minimum(up, down)
    smooth: Array = least * least * (3 - 2 * least)
    return smooth


def _steps(time: Array, seconds: float) -> tuple[Array, Array]:
    """Steps (S, T) and their spans (S, 2)."""
    starts = np.arange(EARLIEST, seconds - SHORTEST + 1e-6, STRIDE)
    spans = [
        (start, end) for start in starts for end in (*np.arange(start + SHORTEST, seconds - 0.4, STRIDE), seconds)
    ]
    pairs = np.array(spans, np.float64).reshape(-1, 2)
    return _step(time, pairs[:, 0], pairs[:, 1], RAMP, seconds), pairs


class Morph(NamedTuple):
    """The step that stands out most.

    ``score`` by how many times what is usual; ``span`` seconds, from where it begins to where it is over; ``measure``
    which one stands out most, ``change`` by how much; ``box`` px of the clip; ``line`` (N,) that measure's change
    along the used frames, ``time`` theirs; ``restless`` how far the face moves besides, as `RESTLESS` counts it.
    """

    score: float
    span: tuple[float, float]
    measure: str
    change: float
    box: Box
    line: Array
    time: Array
    restless: float


def scores(found: Fit, usual: Array) -> tuple[Array, Array]:
    """(S, M) by how many times each change exceeds the usual, and (S,) the mean of the `STRONGEST` of each step."""
    wide = usual[None] * np.hypot(1.0, (APART * found.apart) ** 2)[:, None]
    times = np.abs(found.change) * found.share / np.hypot(wide, NOISE * found.rest)
    return times, np.sort(times, 1)[:, -STRONGEST:].mean(1)


def morph(shape: Shape) -> Morph | None:
    """The step that stands out most; None where none could be told from a move."""
    found = fit(shape)
    if found is None:
        return None
    usual = np.array(shape.yardstick.usual)
    times, total = scores(found, usual)
    best = int(total.argmax())
    top = int(times[best].argmax())
    strongest = np.argsort(times[best])[-STRONGEST:]
    measures = _calmed(shape.measures[found.used].astype(np.float64))
    freed = measures - found.known @ (found.solved @ measures)
    time = shape.time[found.used]
    # All that changed in one line, each measure as far as it is above its noise.
    weights = found.change[best, strongest] / (found.rest[best, strongest] ** 2 + 1e-6)
    start, end = (float(value) for value in found.spans[best])
    if start < TRUSTED and end < shape.seconds - SHORTEST:
        start, end = end, shape.seconds
    span, step = _sharpened(freed[:, strongest] @ weights, time, (start, end), shape.seconds, found)
    line = freed[:, top] * np.sign(found.change[best, top])
    line -= np.median(line[step < 0.5]) if (step < 0.5).any() else 0.0
    return Morph(
        score=float(total[best]),
        span=span,
        measure=shape.yardstick.names[top],
        change=float(found.change[best, top]),
        box=_where(shape, found, step),
        line=line,
        time=time,
        restless=float(np.median(NOISE * found.rest[best] / usual)),
    )


def _sharpened(
    line: Array, time: Array, span: tuple[float, float], seconds: float, found: Fit
) -> tuple[tuple[float, float], Array]:
    """When a line (N,), freed of pose and expression, begins to change and has changed back, s, and the step it takes.

    Of the steps near the span and as steep as any of `RAMPS` it is the one that explains the line best; a wider ramp
    has to explain more by `WIDER`.
    """
    ends = np.array([seconds]) if span[1] >= seconds else np.minimum(span[1] + NEARBY, seconds - 0.05)
    starts = np.maximum(span[0] + NEARBY, 0.1)
    pairs = np.array([(a, b) for a in starts for b in ends if b - a > 0.5])
    most, best = 0.0, (span, np.zeros(len(time)))
    for ramp in RAMPS:
        steps = _step(time, pairs[:, 0], pairs[:, 1], ramp, seconds)
        left = steps - (steps @ found.solved.T) @ found.known.T
        explained = (left @ line) ** 2 / np.maximum((left * steps).sum(1), 1e-9)
        at = int(explained.argmax())
        if explained[at] > (1 + WIDER) * most:
            most = float(explained[at])
            start, end = (float(value) for value in pairs[at])
            wide = max(0.0, start - ramp / 2), seconds if end >= seconds else min(seconds, end + ramp / 2)
            best = (wide, steps[at])
    return best


def _where(shape: Shape, found: Fit, step: Array) -> Box:
    """The box in px around the points that moved most against the others, in the middle of the step."""
    points = _calmed(shape.points[found.used].astype(np.float64).reshape(len(step), -1))
    left = step - found.known @ (found.solved @ step)
    moved = (left @ points / max(float(left @ step), 1e-9)).reshape(-1, 2)
    flat = shape.front[:, :2].astype(np.float64)
    plane = np.zeros((2 * len(flat), 4))
    plane[0::2, 0] = plane[1::2, 1] = 1
    plane[0::2, 2:], plane[1::2, 2:] = flat, np.stack([flat[:, 1], -flat[:, 0]], 1)
    weights = np.ones(len(flat))
    own = moved
    for _ in range(8):
        root = np.repeat(np.sqrt(weights), 2)
        fitted = np.linalg.lstsq(plane * root[:, None], moved.ravel() * root, rcond=None)[0]
        own = moved - (plane @ fitted).reshape(-1, 2)
        size = np.linalg.norm(own, axis=1)
        weights = 1 / (1 + (size / max(float(np.median(size)), 1e-6)) ** 2)
    size = np.linalg.norm(own, axis=1)
    much = np.flatnonzero(size > MOVED * size.max())
    rows = np.flatnonzero(found.used)
    on = rows[step > 0.5] if (step > 0.5).any() else rows
    back = shape.back[on[len(on) // 2]].astype(np.float64)
    spots = np.c_[shape.front[much], np.ones(len(much))] @ back.T
    low, high = spots.min(0), spots.max(0)
    margin = MARGIN * shape.width
    return float(low[0]) - margin, float(low[1]) - margin, float(high[0]) + margin, float(high[1]) + margin


# ----------------------------------------------------------------------------------------------------------- findings


def check(shape: Shape, asked: Asked) -> list[ClipFinding]:
    """Whether the face's shape changes, and whether its colours or the hair's do."""
    del asked  # nothing that can be asked for lets a face change
    return [_check_shape(shape), _check_colours(shape)]


def _check_shape(shape: Shape) -> ClipFinding:
    name = "morph"
    if shape.unseen:
        return ClipFinding(check=name, verdict="unseen", why=shape.unseen)
    found = morph(shape)
    if found is None:
        return ClipFinding(check=name, verdict="unseen", why=_untold(shape))
    yardstick = shape.yardstick
    if found.score <= yardstick.told and found.restless > yardstick.restless:
        return ClipFinding(
            check=name,
            verdict="unseen",
            why="the face is too small, or moves and changes its expression too much, to compare its shape",
        )
    over = found.score > yardstick.limit
    part = f"{found.measure} changes by {100 * abs(found.change):.0f} %"
    if ":" in found.measure or "moves" in found.measure:
        part = f"{found.measure} by {100 * abs(found.change):.1f} % of the face"
    elif found.measure.endswith(_STRAINS[2:]):
        part = f"{_turned(found.measure, found.change)} by {100 * abs(found.change):.0f} %"
    return ClipFinding(
        check=name,
        verdict=("fail" if found.score > yardstick.sure else "warn") if over else "pass",
        measured=found.score,
        unit="times the usual",
        limit=yardstick.limit,
        start=found.span[0] if over else None,
        end=found.span[1] if over else None,
        box=found.box if over else None,
        why="with the same pose and expression the face is another one "
        f"from {found.span[0]:.1f} to {found.span[1]:.1f} s: {part}"
        if over
        else "the face keeps its shape",
        fix="the face was not held: cut the clip before it changes, or render it shorter or with another seed"
        if over
        else "",
    )


def _turned(measure: str, change: float) -> str:
    """The measure's words, the other way round where it shrinks."""
    if change >= 0:
        return measure
    return measure.replace(" widens", " narrows").replace(" lengthens", " shortens")


def _untold(shape: Shape) -> str:
    if len(shape.time) < LEAST_FRAMES:
        return f"the face is seen in only {len(shape.time)} of the frames looked at"
    return "the head turns, or something covers the face, too much of the time to compare its shape"


def _check_colours(shape: Shape) -> ClipFinding:
    name = "subject colours"
    if shape.unseen:
        return ClipFinding(check=name, verdict="unseen", why=shape.unseen)
    if len(shape.time) < LEAST_FRAMES:
        return ClipFinding(check=name, verdict="unseen", why=_untold(shape))
    limits = {**COLOUR_LIMITS, "hair": shape.yardstick.hair}
    parts = [(part, _drift(shape, row), limit) for row, (part, limit) in enumerate(limits.items())]
    part, (amount, start, end), limit = max(parts, key=lambda one: one[1][0] / one[2])
    over = amount > limit
    row = int(np.argmin(np.abs(shape.time - (start + end) / 2)))
    return ClipFinding(
        check=name,
        verdict="warn" if over else "pass",
        measured=amount,
        unit="Lab",
        limit=limit,
        start=start if over else None,
        end=end if over else None,
        box=_part_box(shape, row, part) if over else None,
        why=f"the colour of the {part} drifts by {amount:.1f} in Lab from {start:.1f} to {end:.1f} s"
        if over
        else f"skin and hair keep their colours, within {amount:.1f} in Lab",
        fix="look at the colours there; render it shorter or with another seed" if over else "",
    )


def _drift(shape: Shape, row: int) -> tuple[float, float, float]:
    """The furthest that a colour goes and stays: its distance in a and b, and when, in seconds."""
    lab = shape.colours[:, row, 1:].astype(np.float64)
    steps, spans = _steps(shape.time, shape.seconds)
    inside = steps.sum(1)
    told = np.minimum(inside, len(lab) - inside) >= LEAST_INSIDE
    if not told.any():
        return 0.0, 0.0, shape.seconds
    steps, spans, inside = steps[told], spans[told], inside[told]
    calm = _calmed(lab)
    centred = steps - (inside / len(lab))[:, None]
    energy = (centred * steps).sum(1)
    change = centred @ calm / energy[:, None]
    total = np.maximum(((calm - calm.mean(0)) ** 2).sum(0), 1e-9)
    share = np.clip((change**2).sum(1) * energy / total.sum(), 0, 1)
    size = np.linalg.norm(change, axis=1) * share
    best = int(size.argmax())
    return float(size[best]), float(spans[best, 0]), float(spans[best, 1])


def _part_box(shape: Shape, row: int, part: str) -> Box:
    """The box in px of the skin or the hair in one frame."""
    spots = np.c_[shape.front, np.ones(len(shape.front))] @ shape.back[row].astype(np.float64).T
    low, high = spots.min(0), spots.max(0)
    if part == "hair":
        low, high = np.array([low[0], low[1] - 0.25 * (high[1] - low[1])]), np.array([high[0], low[1] + 1])
    return float(low[0]), float(low[1]), float(high[0]) + 1, float(high[1]) + 1


def timelines(shape: Shape) -> list[Timeline]:
    """How far the measure that stands out most has gone, in per cent, along the clip."""
    found = None if shape.unseen else morph(shape)
    if found is None:
        return []
    return [
        Timeline(
            name="morph",
            unit="%",
            times=found.time.astype(np.float32),
            values=(100 * found.line).astype(np.float32),
        )
    ]
