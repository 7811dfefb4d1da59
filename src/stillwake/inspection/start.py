"""Is the first frame the still? Cut, scaled, turned or tinted, an engine has begun from something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stillwake.inspection.view import MEDIUM, fitted, resized
from stillwake.types import ClipFinding, Floats, Pixels, Size, Verdict

if TYPE_CHECKING:
    from stillwake.inspection.asked import Asked
    from stillwake.inspection.evidence import Evidence

POINTS = 600
LEAST_POINTS = 25
"""Points found again in the first frame below which it shows something else; `LEAST_SHARE` of those looked for."""
LEAST_SHARE = 0.3
PLAIN = 40
"""Points of the still below which it is too plain to compare where things lie."""
SCALE = (0.008, 0.03)
"""How much the first frame may be larger or smaller: from here on it warns, and fails. An encoder's rounding of a size
to even numbers is .002 at most; a crop of 3 % is seen as a jump when the clip follows its still."""
SHIFT = (0.004, 0.02)
"""Picture widths by which it may lie beside the still, likewise."""
MARGIN = 0.12
"""How much nearer, and further aside, a clip whose camera moves may begin than its move itself does: our own crops for
the edges, and did by .016 (a pull-out) to .077 (an orbit)."""
COLOUR = (2.3, 6.0)
"""CIELAB units between them over most of the picture: 2.3 is just noticeable (Mahy et al. 1994); decoded first frames
of ours had .2 to .9."""


class Fit(NamedTuple):
    """How the still lies in the first frame.

    ``scale``, ``turn`` in degrees, ``shift`` of its middle in picture widths; ``share`` of the points found again,
    ``points`` how many were looked for; ``colour`` ΔE over most of the picture.
    """

    scale: float
    turn: float
    shift: tuple[float, float]
    share: float
    points: int
    colour: float


def fit(still: Pixels, first: Pixels) -> Fit:
    """Lay the still, (H, W, 3) uint8, over the first frame of the same size."""
    import cv2

    size = fitted((still.shape[1], still.shape[0]), MEDIUM)
    one, other = resized(still, size), resized(first, size)
    grey, seen = cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), cv2.cvtColor(other, cv2.COLOR_RGB2GRAY)
    points = cv2.goodFeaturesToTrack(grey, POINTS, 0.01, 5)
    count = 0 if points is None else len(points)
    matrix, share = np.eye(2, 3, dtype=np.float32), 0.0
    if points is not None and count >= PLAIN:
        matrix, share = _tracked(grey, seen, points)
        if share < LEAST_SHARE:
            matrix, share = _matched(grey, seen, matrix, share)
    turned = cv2.warpAffine(one, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    middle = np.array([size[0] / 2, size[1] / 2, 1.0])
    shift = (matrix @ middle - middle[:2]) / size[0]
    return Fit(
        scale=float(np.hypot(matrix[0, 0], matrix[1, 0])),
        turn=float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))),
        shift=(float(shift[0]), float(shift[1])),
        share=share,
        points=count,
        colour=_apart(turned, other),
    )


def _tracked(grey: Pixels, seen: Pixels, points: Floats) -> tuple[Floats, float]:
    import cv2

    moved, found, _ = cv2.calcOpticalFlowPyrLK(grey, seen, points, None, winSize=(21, 21), maxLevel=4)
    good = found.ravel() == 1
    return _similar(points.reshape(-1, 2)[good], moved.reshape(-1, 2)[good], len(points))


def _matched(grey: Pixels, seen: Pixels, matrix: Floats, share: float) -> tuple[Floats, float]:
    """By descriptors, which find a still again that lies far off; whichever of both explains more."""
    import cv2

    finder = cv2.ORB.create(1500)
    (keys, words), (others, other_words) = (finder.detectAndCompute(picture, None) for picture in (grey, seen))
    if words is None or other_words is None or len(keys) < LEAST_POINTS or len(others) < LEAST_POINTS:
        return matrix, share
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(words, other_words)
    if len(matches) < LEAST_POINTS:
        return matrix, share
    one = np.array([keys[match.queryIdx].pt for match in matches], np.float32)
    other = np.array([others[match.trainIdx].pt for match in matches], np.float32)
    found, held = _similar(one, other, len(matches))
    return (found, held) if held > share else (matrix, share)


def _similar(one: Floats, other: Floats, count: int) -> tuple[Floats, float]:
    import cv2

    if len(one) < LEAST_POINTS:
        return np.eye(2, 3, dtype=np.float32), 0.0
    matrix, inside = cv2.estimateAffinePartial2D(one, other, method=cv2.RANSAC, ransacReprojThreshold=1.5)
    if matrix is None or int(inside.sum()) < LEAST_POINTS:
        return np.eye(2, 3, dtype=np.float32), 0.0
    return matrix.astype(np.float32), float(inside.sum()) / count


def _apart(one: Pixels, other: Pixels) -> float:
    """ΔE (CIE 1976) between the medians of both pictures' blocks, the median over the blocks."""
    import cv2

    means = [cv2.resize(p.astype(np.float32) / 255, (24, 16), interpolation=cv2.INTER_AREA) for p in (one, other)]
    first, second = (cv2.cvtColor(mean, cv2.COLOR_RGB2LAB).reshape(-1, 3) for mean in means)
    return float(np.linalg.norm(np.median(second - first, axis=0)))


def check(evidence: Evidence) -> list[ClipFinding]:
    """The first frame against the still, where one is given."""
    name, still, first = "first frame", evidence.still, evidence.ends.start
    if still is None:
        return [ClipFinding.unseen(name, "there is no still to compare with")]
    if first is None:
        return [ClipFinding.unseen(name, "the clip has no frame")]
    if evidence.changes and evidence.changes[0].first == 0:
        return [ClipFinding.unseen(name, "the clip fades in")]
    found = fit(still, first)
    frame = float(1 / evidence.fps)
    if found.points < PLAIN:
        return [ClipFinding.unseen(name, "the still is too plain to be found again"), _colours(found, frame)]
    if found.share < LEAST_SHARE:
        return [
            ClipFinding(
                check=name,
                verdict="fail",
                measured=round(found.share, 3),
                unit="share of points found again",
                limit=LEAST_SHARE,
                start=0.0,
                end=frame,
                why=f"the first frame is not the still: {found.share:.0%} of its points are found again",
                fix="give the still this clip was made from, or raise the engine's hold on its picture",
            )
        ]
    away = float(np.hypot(*found.shift))
    nearer, aside = _room(evidence.asked, (still.shape[1], still.shape[0]))
    beyond = found.scale - 1 - nearer if found.scale > 1 else 1 - found.scale - min(nearer, MARGIN)
    verdicts = [_verdict(max(0.0, beyond), SCALE), _verdict(max(0.0, away - aside), SHIFT)]
    verdict: Verdict = "fail" if "fail" in verdicts else "warn" if "warn" in verdicts else "pass"
    scaled = verdicts[0] != "pass"
    words = [
        f"{abs(found.scale - 1):.1%} {'larger' if found.scale > 1 else 'smaller'}" if scaled else "",
        f"{away:.1%} of its width aside" if verdicts[1] != "pass" else "",
    ]
    return [
        ClipFinding(
            check=name,
            verdict=verdict,
            measured=round(found.scale - 1 if scaled else away, 4),
            unit="of its size" if scaled else "of its width",
            limit=SCALE[0] if scaled else SHIFT[0],
            start=0.0 if verdict != "pass" else None,
            end=frame if verdict != "pass" else None,
            why="the first frame is the still"
            if verdict == "pass"
            else f"the first frame shows the still {' and '.join(word for word in words if word)}",
            fix=""
            if verdict == "pass"
            else "give the engine the still in the shape it makes: it need not cut it then",
        ),
        _colours(found, frame),
    ]


def _room(asked: Asked, size: Size) -> tuple[float, float]:
    """How much larger than the still the first frame may show it, and how many picture widths aside.

    A generator begins with the still whatever it was asked for; our own camera begins where its move does.
    """
    if asked.camera is None:
        return 0.0, 0.0
    if not asked.ours:
        return MARGIN, MARGIN
    from stillwake.engines.animator.camera import begins

    larger, aside = begins(asked.camera, size, loop=bool(asked.loop))
    return larger - 1 + MARGIN, aside / size[0] + MARGIN


def _verdict(value: float, limits: tuple[float, float]) -> Verdict:
    return "fail" if value > limits[1] else "warn" if value > limits[0] else "pass"


def _colours(found: Fit, frame: float) -> ClipFinding:
    verdict = _verdict(found.colour, COLOUR)
    over = verdict != "pass"
    return ClipFinding(
        check="first colours",
        verdict=verdict,
        measured=round(found.colour, 2),
        unit="ΔE",
        limit=COLOUR[0],
        start=0.0 if over else None,
        end=frame if over else None,
        why=f"the colours of the first frame lie {found.colour:.1f} ΔE from the still's",
        fix="match its colours to the still; look at the colour tags of the file first" if over else "",
    )
