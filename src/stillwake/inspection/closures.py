"""Are the lips really shut on M, B and P, and still where nobody speaks?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stillwake.speech.levels import HOP, RATE, levels, sounding
from stillwake.types import ClipFinding, Timed, Verdict

if TYPE_CHECKING:
    from stillwake.inspection.evidence import Evidence

Array = npt.NDArray[np.float64]

SHUT = 0.07
"""Opening in mouth widths up to which lips count as shut; benchmarks/inspection has the mesh's own error.

Lips that are shut read .00 to .03 in most clips, up to .054 in one of 60 (2026-12-01); lips open by .05 about .11.
"""
LOOKS_ALIKE = 0.3
"""Times what a mouth's picture usually changes by when it opens wide (90 %), up to which it looks as in the still: of
nine drawn mouths, five of which our reader sees now as shut and now as open, shut ones reached .22 in eight and .39 in
one, and those open by a tenth of their width had .35 and more (2026-12-01)."""
SMALL = 24.0
"""Px of a photographed or painted mouth's width below which nobody can say whether its lips meet: five shut ones of
13 to 20 px read up to .30 of it (2026-12-01)."""
SHUT_SHARE = 0.90
"""Share of the closures that must be shut."""
HEARD_SHARE = 0.3
"""The same where the phonemes were only heard: 79 clean takes of ours had .6 and more, four pieces of film .4 to .6
(2026-11-29); of the M, B and P that are heard without words a quarter are others, and a real mouth is a person's."""
LEAST_CLOSURES = 3
"""Closures below which a share says nothing."""
PAUSE = 0.30
"""Seconds of silence from which the mouth is expected to come to rest."""
LEAVE = 0.10
"""Seconds at the start of a pause in which the lips may still come to rest, and at its end may already begin."""
HEARD_LEAVE = 0.20
"""The same where the pause was only heard: lips open before a word that begins softly, by more than .1 s in one
clip of ours."""
LEAST_STILL = 3
"""Frames of a pause without which its stillness is unseen."""
STILL_RANGE = 0.05
"""Mouth widths by which the opening may wander within a pause; see benchmarks/inspection."""
HEARD_RANGE = 0.45
"""The same where the pauses were only heard: people swallow, smile and breathe in, and a recogniser misses words; nine
clean clips and pieces of film had up to .41."""


def check_closures(evidence: Evidence) -> list[ClipFinding]:
    """Share of the closures that are shut in the decoded frames, and the worst."""
    name, seen = "closures", evidence.seen
    if seen.no_face:
        return [ClipFinding.unseen(name, seen.no_face)]
    speech = evidence.speech or evidence.heard
    if speech is None:
        return [ClipFinding.unseen(name, evidence.unheard or "nobody knows what is said")]
    told = evidence.speech is not None and speech.source in ("voice", "aligned")
    half = 0.5 / float(evidence.fps)
    openings, likenesses, middles = [], [], []
    unlike = _changed(evidence)
    for viseme in speech.visemes:
        if viseme.label != "MBP":
            continue
        middle = (viseme.start + viseme.end) / 2
        # A closure shorter than a frame still owns the frame around its middle; a recognised one may lie beside it.
        reach = half if told else half + 2 * half
        first, last = min(viseme.start, middle - reach), max(viseme.end, middle + reach)
        inside = (seen.time >= first) & (seen.time <= last) & np.isfinite(seen.opening)
        if inside.any():
            openings.append(float(seen.opening[inside].min()))
            likenesses.append(float(unlike[inside].min()))
            middles.append(middle)
    if len(openings) < LEAST_CLOSURES:
        return [ClipFinding.unseen(name, f"there are only {len(openings)} closures in what was looked at")]
    if not seen.drawn and seen.unit < SMALL:
        return [ClipFinding.unseen(name, f"the mouth is only {seen.unit:.0f} px wide")]
    gaps, alike = np.array(openings), np.array(likenesses) <= LOOKS_ALIKE
    first, by_still = _drawn_at_first(evidence), _shut_in_the_still(evidence)
    shut = (gaps <= SHUT) | (alike if by_still else False)
    share, worst = float(shut.mean()), int(gaps.argmax())
    limit = SHUT_SHARE if told else HEARD_SHARE
    over = share < limit
    at = middles[worst]
    doubtful = by_still is None and first > SHUT and bool((gaps <= SHUT + first).all())
    doubt = "; so is the first frame, and whether that is shut only the still tells (--still)" if doubtful else ""
    fails = over and told and not doubtful
    verdict: Verdict = "fail" if fails else "warn" if over or (told and not shut.all()) else "pass"
    return [
        ClipFinding(
            check=name,
            verdict=verdict,
            measured=share,
            unit="share shut",
            limit=limit,
            start=at - half if verdict != "pass" else None,
            end=at + half if verdict != "pass" else None,
            why=f"{int(shut.sum())} of {len(gaps)} closures (M, B, P) are shut; "
            f"the widest is open by {gaps[worst]:.3f} mouth widths at {at:.2f} s{doubt}",
            fix=""
            if verdict == "pass"
            else "look whether the lips say these words; a sound recorded afresh is to be timed anew"
            if evidence.filmed
            else "use a still with a closed mouth, or lower the opening of the mouth",
        )
    ]


def _changed(evidence: Evidence) -> Array:
    """How far the mouth's picture is from the first of a clip of ours, which is its still; 1 where it is wide open.

    In any other clip inf: who knows what that first one shows.
    """
    unlike = evidence.seen.unlike
    if not evidence.asked.ours or not np.isfinite(unlike).any():
        return np.full(len(unlike), np.inf)
    changed: Array = np.nan_to_num(unlike, nan=np.inf) / max(1e-6, float(np.nanpercentile(unlike, 90)))
    return changed


def _drawn_at_first(evidence: Evidence) -> float:
    """The drawn mouth's opening in the first frame of a clip of ours, which is its still, mouth widths; else 0."""
    opening = evidence.seen.opening[:1]
    known = evidence.asked.ours and evidence.seen.drawn and np.isfinite(opening).any()
    return float(opening[0]) if known else 0.0


def _shut_in_the_still(evidence: Evidence) -> bool | None:
    """Whether the mouth is, as painted lips may be that the clip's frames show as open; None without the still."""
    face = evidence.asked.face - 1
    if evidence.scene is None or face >= len(evidence.scene.faces):
        return None
    mouth = evidence.scene.faces[face].mouth
    return bool(np.all(mouth.inner_upper == mouth.inner_lower))


def pauses(visemes: tuple[Timed, ...], seconds: float) -> list[tuple[float, float]]:
    """The stretches of at least `PAUSE` seconds in which nobody speaks."""
    found: list[tuple[float, float]] = []
    end = 0.0
    for viseme in visemes:
        if viseme.label == "rest":
            continue
        if viseme.start - end >= PAUSE:
            found.append((end, viseme.start))
        end = max(end, viseme.end)
    if seconds - end >= PAUSE:
        found.append((end, seconds))
    return found


def check_silence(evidence: Evidence) -> list[ClipFinding]:
    """How far the mouth moves in the pauses."""
    name, seen = "silence", evidence.seen
    if seen.no_face:
        return [ClipFinding.unseen(name, seen.no_face)]
    speech = evidence.speech or evidence.heard
    if speech is None:
        return [ClipFinding.unseen(name, evidence.unheard or "nobody knows when somebody speaks")]
    told = evidence.speech is not None
    leave = LEAVE if told else HEARD_LEAVE
    loud = np.zeros(0, bool) if told else sounding(levels(speech.sound.mono))
    looked, worst, where = 0, 0.0, (0.0, 0.0)
    changed = _changed(evidence)
    wide = float(np.nanpercentile(seen.opening, 90)) if np.isfinite(seen.opening).any() else 0.0
    for start, end in pauses(speech.visemes, evidence.seconds):
        # Before the first word and after the last there is nothing to come from or to go to.
        first = start + (leave if start > 0 else 0)
        last = end - (leave if end < evidence.seconds else 0)
        if loud[round(first * RATE / HOP) : round(last * RATE / HOP)].sum() > LEAVE * RATE / HOP:
            continue  # it is not silent: words were missed
        inside = (seen.time >= first) & (seen.time <= last) & np.isfinite(seen.opening)
        if inside.sum() < LEAST_STILL:
            continue
        looked += 1
        moved = _wandered(seen.opening[inside])
        if np.isfinite(changed[inside]).all():  # the picture must move too: our reader sees some mouths now so, now so
            moved = min(moved, wide * _wandered(changed[inside]))
        if moved > worst:
            worst, where = moved, (start, end)
    if not looked:
        return [ClipFinding.unseen(name, f"there is no pause of {PAUSE:.1f} s in what was looked at")]
    limit = STILL_RANGE if told else HEARD_RANGE
    over = worst > limit
    return [
        ClipFinding(
            check=name,
            verdict="pass" if not over else "fail" if told else "warn",
            measured=worst,
            unit="mouth widths",
            limit=limit,
            start=where[0] if over else None,
            end=where[1] if over else None,
            why=f"in {looked} pause{'s' if looked > 1 else ''} the mouth opens or shuts by at most {worst:.3f} widths",
            fix="take the sound's noise away before animating, or give a transcript" if over else "",
        )
    ]


def _wandered(values: Array) -> float:
    """Between the largest and the smallest; the mesh trembles, the median of three neighbours does not."""
    steady = np.median(np.stack([values[:-2], values[1:-1], values[2:]]), axis=0)
    return float(steady.max() - steady.min())
