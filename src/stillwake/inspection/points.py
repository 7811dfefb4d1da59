"""Points of the background, followed from one reference frame through those that come after it.

Each is followed forth and back, is known by what surrounds it, and says how much it can show in which direction: an
edge shows only what goes across it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stillwake.inspection.view import median
from stillwake.types import Floats, Pixels

if TYPE_CHECKING:
    from stillwake.inspection.tiles import Tiles

Flags = npt.NDArray[np.bool_]

FEWEST = 12
"""Tracks below which no camera can be told from a warp."""
MOST = 96
"""Points followed from one reference."""
SPREAD = 12, 8
"""Cells across and down over which the points are spread."""
WINDOW = 15
"""Side of the window in px of the medium picture by which a point is followed."""
CORNER, EDGE = 5e-5, 0.03
"""Strength of a point to be followed: the lesser eigenvalue of its structure, as OpenCV scales it, and so much of the
greater one, for an edge shows what goes across it."""
FIRM = 2e-4
"""Eigenvalue at which half of a residual counts: a point on an edge says little about the way along it."""
BACK = 0.5
"""Px of the medium picture by which a point followed forth and back may miss itself."""
LIKE = 0.7
"""Correlation of a point's surroundings with the reference below which it is lost."""
COARSE = 4
"""How much smaller the picture is in which a place must look the same for its texture to be compared."""
HOLDS = 0.9
"""Correlation of the coarse surroundings with the reference from which on a place holds still."""
CHANGED = 0.7
"""Correlation of the fine surroundings with the reference below which their texture is another one."""
FIRM_CORNER = 0.3
"""Share that a corner must say about the direction in which it says less, to tell where the camera went."""
PATCH = 11
"""Side in px of the surroundings by which a point is known."""


@dataclass(slots=True, eq=False)
class Tracks:
    """The points of one reference: where they were in each looked-at frame, px of the medium picture."""

    picture: Pixels
    coarse: Pixels
    patches: Floats
    coarse_patches: Floats
    first: Floats
    trust: Floats
    corners: Flags
    last: Floats
    looks: list[int]
    at: list[Floats]
    seen: list[Flags]
    like: list[Floats]
    boils: list[Floats]
    began: float
    tiles: Tiles | None

    @property
    def stays(self) -> float:
        """Share of the points that were found again or, their texture being another one, at least hold still."""
        there = self.seen[-1] | np.isfinite(self.boils[-1])
        return float(there.mean()) if len(there) else 1.0

    @property
    def went(self) -> float:
        """Px of the medium picture by which most corners have gone; 0 where too few are seen."""
        seen = self.seen[-1] & self.corners
        if int(seen.sum()) < FEWEST:
            return 0.0
        return float(np.hypot(*median(self.at[-1][seen] - self.first[seen])))


def begin(medium: Pixels, busy: Pixels, time: float, look: int) -> Tracks:
    """A new reference with corners spread over the background."""
    import cv2

    height, width = medium.shape
    structure = cv2.cornerEigenValsAndVecs(medium, 7, 3)
    one, other = structure[..., 0], structure[..., 1]
    strength = np.minimum(one, other) + EDGE * np.maximum(one, other)
    strength[busy > 0] = 0
    edge = WINDOW // 2 + 2
    for border in (np.s_[:edge], np.s_[-edge:], np.s_[:, :edge], np.s_[:, -edge:]):
        strength[border] = 0
    peak = (strength == cv2.dilate(strength, np.ones((9, 9), np.uint8))) & (strength > CORNER)
    y, x = np.nonzero(peak)
    strong = np.argsort(-strength[y, x], kind="stable")
    y, x = y[strong], x[strong]
    cell = (y * SPREAD[1] // height) * SPREAD[0] + x * SPREAD[0] // width
    # the best of every cell first, then every second best
    by_cell = np.argsort(cell, kind="stable")
    starts = np.flatnonzero(np.diff(cell[by_cell], prepend=-1))
    rank = np.empty(len(cell), np.int64)
    rank[by_cell] = np.arange(len(cell)) - np.repeat(starts, np.diff(np.append(starts, len(cell))))
    chosen = np.argsort(rank, kind="stable")[:MOST]
    points = np.stack([x[chosen], y[chosen]], -1).astype(np.float32)
    count = len(points)
    coarse = _coarse(medium)
    trust = _trust(structure[y[chosen], x[chosen]])
    return Tracks(
        picture=medium.copy(),
        coarse=coarse,
        patches=_patches(medium, points),
        coarse_patches=_patches(coarse, points / COARSE),
        first=points,
        trust=trust,
        corners=np.linalg.eigvalsh(trust)[:, 0] > FIRM_CORNER,
        last=points,
        looks=[look],
        at=[points],
        seen=[np.ones(count, bool)],
        like=[np.ones(count, np.float32)],
        boils=[np.zeros(count, np.float32)],
        began=time,
        tiles=None,
    )


def follow(tracks: Tracks, medium: Pixels, busy: Pixels, look: int) -> None:
    """Find the points of the reference in this frame."""
    import cv2

    tracks.looks.append(look)
    first, before = tracks.first, tracks.seen[-1]
    if not len(first):
        tracks.at.append(first)
        tracks.seen.append(before)
        tracks.like.append(tracks.like[-1])
        tracks.boils.append(tracks.boils[-1])
        return
    guess = tracks.last.copy()
    if before.any():
        guess[~before] = first[~before] + median(guess[before] - first[before])
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 12, 0.02)
    now, found, _ = cv2.calcOpticalFlowPyrLK(
        tracks.picture,
        medium,
        first,
        guess.copy(),
        winSize=(WINDOW, WINDOW),
        maxLevel=2,
        criteria=stop,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        minEigThreshold=1e-6,
    )
    back, returned, _ = cv2.calcOpticalFlowPyrLK(
        medium,
        tracks.picture,
        now,
        first + np.float32(0.7),
        winSize=(WINDOW, WINDOW),
        maxLevel=1,
        criteria=stop,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        minEigThreshold=1e-6,
    )
    height, width = medium.shape
    edge = WINDOW / 2
    inside = ((now > edge) & (now < np.array([width, height]) - edge)).all(1)
    x, y = np.clip(np.nan_to_num(now).round().astype(int), 0, [width - 1, height - 1]).T
    free = inside & (busy[y, x] == 0)
    like = _alike(_patches(medium, now), tracks.patches)
    missed = np.linalg.norm(np.einsum("nij,nj->ni", tracks.trust, back - first), axis=1)
    seen = (found[:, 0] > 0) & (returned[:, 0] > 0) & (missed < BACK) & free & (like > LIKE)
    tracks.last = np.where(seen[:, None], now, guess).astype(np.float32)
    tracks.at.append(now)
    tracks.seen.append(seen)
    tracks.like.append(np.where(free, like, np.nan).astype(np.float32))
    holds = _alike(_patches(_coarse(medium), first / COARSE), tracks.coarse_patches) > HOLDS
    x, y = first.round().astype(int).T
    holds &= busy[y, x] == 0
    here = np.fmax(like, _alike(_patches(medium, first), tracks.patches))
    tracks.boils.append(np.where(holds, here < CHANGED, np.nan).astype(np.float32))


def _patches(picture: Pixels, points: Floats) -> Floats:
    """The surroundings of points, (N, 121) float32 of mean 0 and deviation 1, or less where there is no texture."""
    import cv2

    count, area = len(points), PATCH * PATCH
    if not count:
        return np.zeros((0, area), np.float32)
    across, down = (points[:, k, None].astype(np.float32) + _AROUND[k] for k in (0, 1))
    cut = cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    cut -= np.einsum("ij->i", cut)[:, None] / np.float32(area)
    patches: Floats = cut / np.sqrt(_alike(cut, cut) + 1)[:, None]
    return patches


_AROUND = np.mgrid[-(PATCH // 2) : PATCH // 2 + 1, -(PATCH // 2) : PATCH // 2 + 1][::-1].reshape(2, 1, -1)
_AROUND = _AROUND.astype(np.float32)


def _alike(one: Floats, other: Floats) -> Floats:
    """The mean product of each row, (N,): of two surroundings their correlation."""
    products: Floats = np.einsum("ij,ij->i", one, other) / np.float32(one.shape[1])
    return products


def _trust(structure: Floats) -> Floats:
    """How much each point's place says, by direction: (N, 2, 2) float32, eigenvalues 0..1.

    ``structure`` (N, 6), as `cv2.cornerEigenValsAndVecs` has it.
    """
    found = structure.reshape(-1, 3, 2)
    values, first, second = found[:, 0], found[:, 1], found[:, 2]
    share = values / (values + FIRM)
    trust: Floats = (
        share[:, 0, None, None] * first[:, :, None] * first[:, None]
        + share[:, 1, None, None] * second[:, :, None] * second[:, None]
    ).astype(np.float32)
    return trust


def _coarse(medium: Pixels) -> Pixels:
    import cv2

    height, width = medium.shape
    small: Pixels = cv2.resize(medium, (width // COARSE, height // COARSE), interpolation=cv2.INTER_AREA)
    return small
