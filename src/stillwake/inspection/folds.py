"""Does the warp fold the picture over itself, and does its inverse hit?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stillwake.types import Box, ClipFinding, Floats

if TYPE_CHECKING:
    from stillwake.inspection.evidence import Evidence

SAMPLES = 24
"""Frames whose map is drawn again: evenly spread, and the widest openings and closures among what was seen."""
FOLD_SHARE = 1e-6
"""Largest share of mapped pixels that may be folded: one in a million, the project's own bar."""
LARGEST_GROUP, SHOWN = 4, 720
"""Folded pixels that may touch each other, in a picture of so many px on its longest side or less: a larger group is a
tear one can see. They lie in rows: in a larger picture, which is shown smaller, a row may be as much longer. Seven in
one of 1536 px could not be seen, fifteen in one of 508 px could (2026-12-01)."""
RESIDUAL = 0.5
"""Px, 99.9 % of the inverse's error where it is used: half a pixel cannot be seen (the project's own bar)."""


def folded(where: Floats, cut: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Where a map turns the picture over: the triangle to the right and below neighbour has no positive area.

    Parameters
    ----------
    where
        (h, w, 2) float32 px: the source of each pixel.
    cut
        (h, w) bool: pixels where a tear is wanted; a triangle that touches one does not count.
    """
    right = where[:-1, 1:] - where[:-1, :-1]
    down = where[1:, :-1] - where[:-1, :-1]
    area = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    wanted = cut[:-1, :-1] | cut[:-1, 1:] | cut[1:, :-1]
    result: npt.NDArray[np.bool_] = (area <= 0) & ~wanted
    return result


def check(evidence: Evidence) -> list[ClipFinding]:
    """Folded pixels and the residual of the inverse on a sample of frames."""
    performance = evidence.performance
    warps = getattr(performance, "warps", None)
    if performance is None:
        return _unseen("the maps are gone: only the run that renders a clip can look at them")
    if warps is None:
        return _unseen("the engine does not draw by a warp")
    import cv2

    count, pixels, largest = 0, 0, 0
    worst_residual, residual_at, folds_at, box = 0.0, 0, 0, None
    for index, drawn in ((at, one) for at in _indices(evidence) for one in warps(at)):
        turned = folded(drawn.map, drawn.cut)
        pixels += turned.size
        if turned.any():
            count += int(turned.sum())
            _, _, groups, _ = cv2.connectedComponentsWithStats(turned.astype(np.uint8), connectivity=8)
            group = 1 + int(groups[1:, cv2.CC_STAT_AREA].argmax())
            if groups[group, cv2.CC_STAT_AREA] > largest:
                largest, folds_at = int(groups[group, cv2.CC_STAT_AREA]), index
                box = _box(groups[group], drawn.box)
        if drawn.residual.size:
            residual = float(np.percentile(drawn.residual, 99.9))
            if residual > worst_residual:
                worst_residual, residual_at = residual, index
    share = count / max(1, pixels)
    longest = max(evidence.clip.info.width, evidence.clip.info.height)
    most = LARGEST_GROUP * max(1.0, longest / SHOWN)
    together = share <= FOLD_SHARE and largest > most
    over = share > FOLD_SHARE or together
    missed = worst_residual > RESIDUAL
    return [
        ClipFinding(
            check="folds",
            verdict="fail" if over else "pass",
            measured=float(largest) if together else share,
            unit="pixels together" if together else "share of pixels",
            limit=most if together else FOLD_SHARE,
            start=_start(evidence, folds_at) if over else None,
            end=_start(evidence, folds_at + 1) if over else None,
            box=box if over else None,
            why=f"{count} of {pixels} mapped pixels are folded, at most {largest} together",
            fix="report it, with the still: lips and jaw move as far whatever --strength says" if over else "",
        ),
        ClipFinding(
            check="inverse",
            verdict="fail" if missed else "pass",
            measured=worst_residual,
            unit="px",
            limit=RESIDUAL,
            start=_start(evidence, residual_at) if missed else None,
            end=_start(evidence, residual_at + 1) if missed else None,
            why=f"the inverse misses by {worst_residual:.2f} px (99.9 %) in its worst frame",
            fix="report it, with the still: lips and jaw move as far whatever --strength says" if missed else "",
        ),
    ]


def _indices(evidence: Evidence) -> list[int]:
    """Which frames are looked at: evenly spread, and those with the widest and the narrowest mouth."""
    count = evidence.performance.frame_count if evidence.performance is not None else 0
    chosen = set(np.linspace(0, count - 1, SAMPLES).round().astype(int).tolist())
    seen = evidence.seen
    order = np.argsort(np.nan_to_num(seen.opening, nan=0.0))
    chosen |= {int(seen.index[k]) for k in (*order[:4], *order[-8:])}
    return sorted(index for index in chosen if 0 <= index < count)


def _box(group: npt.NDArray[np.int32], box: tuple[int, int, int, int]) -> Box:
    x, y, width, height = (int(value) for value in group[:4])
    return float(box[0] + x), float(box[1] + y), float(box[0] + x + width), float(box[1] + y + height)


def _start(evidence: Evidence, index: int) -> float:
    return float(index / evidence.fps)


def _unseen(why: str) -> list[ClipFinding]:
    return [ClipFinding(check=name, verdict="unseen", why=why) for name in ("folds", "inverse")]
