"""How far followed points wobble together with their neighbours, beyond what the camera does to them all.

A camera moves them all alike: a robust similarity takes that out, frame by frame. What a track does in step with the
camera's own course (depth, a lens, a slanted wall) is taken out track by track, never more than that course can bring
about. What is left is noise, which every track has for itself, or warping, which neighbours share: the measure is the
product of a track's residual and its neighbours' mean, in which noise cancels.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwake.inspection.points import FEWEST
from stillwake.inspection.tiles import medians

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SHORTEST = 1.2
"""Seconds of tracks below which they say nothing about a wobble."""
SURE = 3.0
"""How much the tracks must be able to show in every direction, in firm corners, for the camera to be known."""
NEAR, REACH = 0.06, 0.13
"""Share of the longest side within which neighbours count (deviation), and end."""
STEADY = 0.25
"""Seconds to either side over which a product of residuals is averaged."""
MOVING = 0.005
"""Share of the longest side by which a camera must move before a track may follow its course: a warp of 4 px seemed a
camera that moves by less."""
ASIDE = 0.05
"""Share of its main course that a second course of a camera must have: what is smaller may be the warp itself."""
FOLLOWS = 0.4
"""How much of the camera's movement may come back in a single track, by depth or by the lens."""
AWAY = 0.015
"""Share of the longest side beyond which a residual is something that moves by itself."""
AGREE = 0.45
"""Share of the residuals' energy that neighbours must have in common: noise has none."""
COMMON = 0.25
"""How much a place's tracks must be able to show in common: three firm neighbours do."""
STAYS = 0.5
"""Share of the points around that must stay: where most are lost something moves by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What the tracks of one reference did: F frames, N tracks.

    ``at`` (N, 2) px where they rest; ``together`` (F, N) px by which each wobbles with its neighbours, nan where
    unknown; ``camera`` (F,) px; ``count`` (F,) tracks; ``noise`` (F,) px that each has for itself; ``field`` (F, N) px
    by which it lies aside with its neighbours.
    """

    at: Array
    together: Array
    camera: Array
    count: npt.NDArray[np.int64]
    noise: Array
    field: Array


def measure(
    first: Array, at: Array, seen: Flags, hidden: Flags, trust: Array, step: float, longest: int
) -> Measured | None:
    """How far tracks wobble with their neighbours, beyond what the camera does.

    Parameters
    ----------
    first
        (N, 2) px where they began.
    at
        (F, N, 2) px where they were.
    seen
        (F, N) whether they were found.
    hidden
        (F, N) whether a person or the picture's edge hid them.
    trust
        (N, 2, 2) how much of a displacement each can show, by direction.
    step
        Seconds between two frames.
    longest
        Longest side of the clip, px.
    """
    if len(at) * step < SHORTEST:
        return None
    kept = seen.mean(0) >= 0.5
    if int(kept.sum()) < FEWEST:
        return None
    stays = _staying(first, kept, hidden.mean(0) < 0.3, longest)[kept]
    rest, at, seen, trust = first[kept], at[:, kept], seen[:, kept], trust[kept]
    weight = np.linalg.eigvalsh(trust)[:, 0]
    count = seen.sum(1)
    usable = np.flatnonzero((count >= FEWEST) & ((seen * weight).sum(1) >= SURE))
    if len(usable) * step < SHORTEST:
        return None
    residual = np.full(at.shape, np.nan)
    course = np.zeros((len(at), 4))
    for again in range(2):
        moved, course[usable] = _similar(rest, at[usable], seen[usable] * weight)
        residual[usable] = np.where(seen[usable][..., None], at[usable] - moved, np.nan)
        middle = _median(residual, 0)
        if not again:
            rest = rest + middle
    residual -= middle
    camera = np.hypot(course[:, 0], course[:, 1]) + np.hypot(course[:, 2], course[:, 3])
    residual = _without_camera(residual, course, longest)
    away = np.hypot(residual[..., 0], residual[..., 1]) > AWAY * longest
    residual[:, away.sum(0) > 2] = np.nan
    residual[away] = np.nan
    residual[:, stays < STAYS] = np.nan
    together, noise, aside = _together(residual, trust, rest, step, longest)
    return Measured(rest, together, camera, np.isfinite(residual[..., 0]).sum(1), noise, aside)


def _staying(first: Array, kept: Flags, free: Flags, longest: int) -> Array:
    """Share of the points around each that could be followed, of those that nothing hid: (N,) 0..1."""
    apart = np.hypot(*(first[:, None] - first[None]).transpose(2, 0, 1)) / longest
    near = np.exp(-(apart**2) / (2 * NEAR**2)) * (free | kept)
    staying: Array = near @ kept / np.maximum(near.sum(1), 1e-9)
    return staying


def _similar(rest: Array, at: Array, trust: Array) -> tuple[Array, Array]:
    """Where similarities take the points, (F, N, 2) px, and those similarities, (F, 4): shift, growth and turn in px.

    ``at`` (F, N, 2) px where they were in each frame, ``trust`` (F, N) how much each counts.
    """
    x, p = rest[:, 0] + 1j * rest[:, 1], at[..., 0] + 1j * at[..., 1]
    weight, seen = trust, trust > 0
    for _ in range(5):
        total = weight.sum(1)
        mx, mp = ((weight * one).sum(1) / total for one in (x, p))
        apart = x - mx[:, None]
        turned = (weight * np.conj(apart) * (p - mp[:, None])).sum(1)
        gain = turned / ((weight * np.abs(apart) ** 2).sum(1) + 1e-9)
        moved = mp[:, None] + gain[:, None] * apart
        off = np.abs(p - moved)
        scale = np.maximum(1.0, 1.48 * medians(off, seen))
        weight = trust / (1 + (off / scale[:, None]) ** 2)
    everywhere = x - x.mean()
    shift = (moved - x).mean(1)
    size = float(np.sqrt((np.abs(everywhere) ** 2).mean()))
    course = np.stack([shift.real, shift.imag, (gain.real - 1) * size, gain.imag * size], -1)
    return np.stack([moved.real, moved.imag], -1), course


def _without_camera(residual: Array, course: Array, longest: int) -> Array:
    """The residual (F, N, 2) without what each track does in step with the camera's course (F, 4), or drifts."""
    frames = len(course)
    t = np.linspace(-1, 1, frames)
    line = np.stack([np.ones(frames), t], -1)
    centred = course - line @ np.linalg.lstsq(line, course, rcond=None)[0]
    along, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    sizes = sizes / np.sqrt(frames)
    travelled = float(np.sqrt((course.std(0) ** 2).sum()))
    kept = range(4) if sizes[0] > MOVING * longest else ()
    basis = [along[:, k] * np.sqrt(frames) for k in kept if sizes[k] > ASIDE * sizes[0]]
    if travelled > MOVING * longest:
        basis += [1.5 * t**2 - 0.5, 2.5 * t**3 - 1.5 * t]
    moves = np.stack(basis, -1) if basis else np.zeros((frames, 0))
    most = FOLLOWS * travelled
    out = residual.copy()
    when, which = np.unique(np.isfinite(residual[..., 0]), axis=1, return_inverse=True)
    for number, ok in enumerate(when.T):  # what was seen in the same frames is solved together
        tracks = np.flatnonzero(which.ravel() == number)
        if ok.sum() < 6:
            out[:, tracks] = np.nan
            continue
        b = np.concatenate([line[ok], moves[ok]], axis=1)
        seen = np.ix_(ok, tracks)
        solved = np.linalg.lstsq(b, residual[seen].reshape(len(b), -1), rcond=None)[0]
        rests, follows = ((b[:, part] @ solved[part]).reshape(len(b), -1, 2) for part in (np.s_[:2], np.s_[2:]))
        size = np.sqrt((follows**2).sum(-1).mean(0))
        out[seen] -= rests + follows * np.minimum(1.0, most / np.maximum(size, 1e-9))[:, None]
    return out


def _together(residual: Array, trust: Array, rest: Array, step: float, longest: int) -> tuple[Array, Array, Array]:
    """Px by which each track's surroundings wobble together, (F, N), nan where unknown; noise (F,); field (F, N).

    ``residual`` (F, N, 2) px is weighted by ``trust`` (N, 2, 2) on both sides of the product and the product by what
    two tracks can show in common, so that a place with few firm points is not thought to stand still.
    """
    apart = np.hypot(*(rest[:, None] - rest[None]).transpose(2, 0, 1)) / longest
    near = np.exp(-(apart**2) / (2 * NEAR**2)) * (apart < REACH)
    pairs = near.copy()
    np.fill_diagonal(pairs, 0)
    known = np.isfinite(residual[..., 0])
    shown = np.where(known[..., None], np.einsum("nij,tnj->tni", trust, np.nan_to_num(residual)), 0)
    around = np.einsum("ij,tjc->tic", pairs, shown)
    common = pairs * np.einsum("nij,mij->nm", trust, trust) / 2
    both = (shown * around).sum(-1)
    could = known * (known @ common)
    alone = (shown**2).sum(-1)
    could_alone = known * (np.einsum("nij,nij->n", trust, trust) / 2)
    half = max(1, round(STEADY / step))
    both, could, alone, could_alone = (steady(one, half) for one in (both, could, alone, could_alone))
    enough = known & (could > COMMON)
    shared = np.maximum(both, 0) / np.maximum(could, 1e-9)
    agree = shared @ near / ((alone / np.maximum(could_alone, 1e-9)) @ near + 1e-6)
    wobble = np.where(enough & (agree > AGREE), np.sqrt(2 * shared), 0.0)
    lower = np.full_like(wobble, np.nan)
    for i in range(len(rest)):
        beside = np.flatnonzero(pairs[i] > 0.2)
        if len(beside) >= 2:
            lower[:, i] = np.minimum(wobble[:, i], np.sort(wobble[:, beside], axis=1)[:, -2])
    lower[~enough] = np.nan
    apiece = np.where(known, alone / np.maximum(could_alone, 1e-9) - shared, np.nan)
    aside = np.hypot(*np.einsum("ij,tjc->cti", near, shown))
    aside /= np.maximum(known @ (near * np.einsum("nii->n", trust)[None] / 2).T, 0.1)
    return lower, np.sqrt(np.maximum(_median(apiece, 1), 0)), aside


def _median(values: Array, axis: int) -> Array:
    """The median of what is known, 0 where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a row of nan alone
        median: Array = np.nan_to_num(np.nanmedian(values, axis=axis))
    return median


def steady(values: Array, half: int) -> Array:
    """Mean over so many frames to either side."""
    sums = np.cumsum(np.concatenate([np.zeros((1, values.shape[1])), values]), axis=0)
    frames = np.arange(len(values))
    low, high = np.maximum(frames - half, 0), np.minimum(frames + half + 1, len(values))
    steady: Array = (sums[high] - sums[low]) / (high - low)[:, None]
    return steady
