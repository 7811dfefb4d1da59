"""Faults of a speaking face: it stands still while words ask it to move; its teeth flash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stillwake.inspection.motion import runs
from stillwake.inspection.sync import GRID, expected_opening
from stillwake.types import ClipFinding

if TYPE_CHECKING:
    from stillwake.inspection.evidence import Evidence

Array = npt.NDArray[np.float64]

FREEZE = 0.32
"""Seconds without any change of the face, while somebody speaks, that count as frozen: a drawn mouth that holds its
shapes on twos stood for .27 in one of 12 clips (2026-11-28); shorter freezes are `motion`'s."""
FROZEN = 0.10
"""Mean change of the face in levels of 255 below which two decoded frames show the same picture: the encoder goes on
polishing a frozen one by up to .08, a talking face changed by .35 in 95 of 100 frames (benchmarks/inspection.py)."""
BUSY = 0.10
"""Change of the opening that the words ask for within the freeze, 0..1, so that a held vowel is none."""
TEETH_FLICKER = 4.4
"""Levels of 255 by which teeth may jump to and fro in one of ten frames: of 121 clean clips of ours seven reached
3.1 to 4.2, of 21 whose teeth flicker by 10 levels and more 20 reach 4.7 and the last 3.4 (2026-12-01)."""
TEETH_FILMED = 8.0
"""The same in a clip that a camera may have made, whose head moves as it likes: two real speakers reached 4.2 and 5.2
(2026-11-29)."""
TEETH_FACE = 76.0
"""Width of a face in px below which its teeth are a few pixels, and the mesh's own trembling moves them: two such real
speakers reached 10 and 14."""
TEETH_FLASH, FLASH_MOUTH = 32.0, 40.0
"""Levels of 255 by which they may jump in a single frame, in a mouth of so many px and more: a lip that slides over
them reached 29, in mouths of 33 and 38 px 40 and 43 (2026-12-01)."""
ALIKE = 0.04
"""Openings, in mouth widths, within which neighbouring frames show the same teeth."""
LEAST_TEETH = 6
"""Triples of frames with teeth below which their brightness says nothing."""


def check_teeth(evidence: Evidence) -> list[ClipFinding]:
    """How far the upper teeth's brightness jumps to and fro while the opening hardly changes."""
    name, seen = "teeth", evidence.seen
    if seen.no_face:
        return [ClipFinding.unseen(name, seen.no_face)]
    wide = seen.face[:, 2] - seen.face[:, 0]
    if np.isfinite(wide).any() and float(np.nanmedian(wide)) < TEETH_FACE:
        return [ClipFinding.unseen(name, f"the face is less than {TEETH_FACE:.0f} px wide")]
    jump, limit = _to_and_fro(seen.teeth), TEETH_FILMED if evidence.filmed else TEETH_FLICKER
    opening = seen.opening
    near = np.full(len(opening), False)
    if len(opening) > 2:
        triples = np.stack([opening[:-2], opening[1:-1], opening[2:]])
        near[1:-1] = np.ptp(triples, axis=0) < ALIKE
    usable = near & np.isfinite(jump)
    if int(usable.sum()) < LEAST_TEETH:
        return [ClipFinding.unseen(name, f"teeth show steadily in only {int(usable.sum())} frames")]
    often = float(np.percentile(jump[usable], 90))
    jump = np.where(usable, jump, 0.0)
    worst = int(jump.argmax())
    flash = float(jump[worst])
    flickers = often > limit
    over = flickers or (flash > TEETH_FLASH and seen.unit >= FLASH_MOUTH)
    at = float(seen.time[worst])
    x0, y0, x1, y1 = (float(value) for value in seen.face[worst])
    return [
        ClipFinding(
            check=name,
            verdict="warn" if over else "pass",
            measured=often if flickers or not over else flash,
            unit="levels of 255",
            limit=limit if flickers or not over else TEETH_FLASH,
            start=at - 0.5 / float(evidence.fps) if over else None,
            end=at + 0.5 / float(evidence.fps) if over else None,
            box=(x0, (y0 + y1) / 2, x1, y1) if over else None,
            why=f"the brightness of the teeth jumps to and fro by {often:.1f} levels in one of ten frames, "
            f"by {flash:.1f} at most ({int(usable.sum())} frames)",
            fix="look at the mouth there; a still with a closed mouth gets steadier teeth" if over else "",
        )
    ]


def _to_and_fro(steps: Array) -> Array:
    """How far each frame stands out from both its neighbours on the same side, from the steps to each frame."""
    out = np.full(len(steps), np.nan)
    to, fro = steps[1:-1], -steps[2:]
    out[1:-1] = np.where(to * fro > 0, np.minimum(abs(to), abs(fro)), 0.0 * (to + fro))
    return out


def check_still_mouth(evidence: Evidence) -> list[ClipFinding]:
    """The longest time the face stands quite still while words ask it to move."""
    name, seen = "still mouth", evidence.seen
    speech = evidence.speech or evidence.heard
    if seen.no_face:
        return [ClipFinding.unseen(name, seen.no_face)]
    if speech is None:
        return [ClipFinding.unseen(name, evidence.unheard or "nobody knows when somebody speaks")]
    grid, wanted = expected_opening(speech.visemes, 0.0, evidence.seconds)
    longest, where = 0.0, (0.0, 0.0)
    frame = 1 / float(evidence.fps)
    still = np.isfinite(seen.opening) & (np.nan_to_num(seen.change, nan=np.inf) < FROZEN)
    for first, last in runs(still):
        start, end = float(seen.time[first]) - 1.5 * frame, float(seen.time[last - 1]) + frame / 2
        inside = (grid >= start) & (grid <= end)
        asked = float(np.ptp(wanted[inside])) if inside.sum() > GRID * frame else 0.0
        if asked > BUSY and end - start > longest:
            longest, where = end - start, (max(0.0, start), end)
    over = longest > FREEZE
    return [
        ClipFinding(
            check=name,
            verdict="pass" if not over else "fail" if evidence.speech is not None else "warn",
            measured=longest,
            unit="s",
            limit=FREEZE,
            start=where[0] if over else None,
            end=where[1] if over else None,
            why=f"the face stands still for {longest:.2f} s while somebody speaks"
            if longest
            else "the face never freezes",
            fix="render the clip again" if over else "",
        )
    ]
