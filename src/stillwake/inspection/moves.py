"""Does a moving camera keep the picture sharp, evenly, and show nothing beyond its edges?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stillwake.types import ClipFinding, Pixels

if TYPE_CHECKING:
    from stillwake.inspection.evidence import Evidence

SAMPLES = 13
"""Raw frames drawn again, evenly spread."""
SHARPNESS = (0.75, 1.25)
"""Fine detail of a frame over the still's, once what the zoom takes is given back. 72 clean clips (24 stills, a
push-in, an orbit and a dolly zoom of each) read .81 to 1.12 (2026-11-28); clips' means: benchmarks/living.py."""
PUMP = 0.05
"""How much the sharpness of neighbouring samples may differ: more is seen to breathe. The same 72 clips read .041 at
most, half of them under .009."""


def check(evidence: Evidence) -> list[ClipFinding]:
    """Sharpness of raw frames against the still, and its change, for a clip whose camera moves."""
    performance, still, plan = evidence.performance, evidence.still, evidence.plan
    if plan is None or not plan.shots or plan.shots[0].camera is None or still is None or performance is None:
        return []
    indices = np.unique(np.linspace(0, performance.frame_count - 1, SAMPLES).round().astype(int))
    zooms = [_zoom(performance, int(index)) for index in indices]
    wanted = roughness(still)
    if wanted < 0.5:
        return [ClipFinding(check="sharpness", verdict="unseen", why="the still has no fine detail to keep")]
    sharp = np.array(
        [roughness(performance.frame(int(index))) * zoom / wanted for index, zoom in zip(indices, zooms, strict=True)]
    )
    worst = int(np.abs(np.log(np.maximum(sharp, 1e-3))).argmax())
    value = float(sharp[worst])
    steps = np.abs(np.diff(sharp)) / np.maximum(sharp[:-1], 1e-3)
    pump = float(steps.max(initial=0.0))
    soft, uneven = not SHARPNESS[0] <= value <= SHARPNESS[1], pump > PUMP
    at = float(indices[worst] / evidence.fps)
    return [
        ClipFinding(
            check="sharpness",
            verdict="warn" if soft else "pass",
            measured=round(value, 3),
            unit="times the still's",
            limit=SHARPNESS[0] if value < 1 else SHARPNESS[1],
            start=at if soft else None,
            end=at + float(1 / evidence.fps) if soft else None,
            why=f"its least like frame has {value:.2f} times the still's fine detail",
            fix="use a larger still, or a smaller move" if soft else "",
        ),
        ClipFinding(
            check="sharpness pump",
            verdict="warn" if uneven else "pass",
            measured=round(pump, 4),
            unit="share of itself",
            limit=PUMP,
            why=f"from one sample to the next sharpness changes by {pump:.1%} at most",
            fix="use a smaller move" if uneven else "",
        ),
    ]


def _zoom(performance: object, index: int) -> float:
    """How much larger things are in a frame than in the still, on average; 1 where nothing says."""
    warps = getattr(performance, "warps", None)
    if warps is None:
        return 1.0
    where = warps(index)[0].map
    across = float(np.median(where[:, 1:, 0] - where[:, :-1, 0]))
    return 1 / max(0.1, across)


def roughness(pixels: Pixels) -> float:
    """Root mean square Laplacian of the brightness, levels, of the picture but for its outer tenth.

    The mean instead would count the rounding of plain surfaces, and a frame around the picture leaves the view.
    """
    import cv2

    height, width = (side // 10 for side in pixels.shape[:2])
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    rough = cv2.Laplacian(grey, cv2.CV_32F)[height : -height or None, width : -width or None]
    return float(np.sqrt(np.square(rough).mean()))
