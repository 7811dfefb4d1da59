"""Measures along a clip as lanes over one time axis, drawn as paths: min and max of every pixel column, however long.

All lanes are `WIDE` x `HIGH` units, stretched to the page: x is the share of the clip, y the value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwake.inspection.faults import LANES, ordered
from stillwake.types import ClipFinding, Timeline, Verdict

WIDE, HIGH = 1000, 64
COLUMNS = 500
"""Columns in which a longer line keeps its least and its largest value."""
FEW = 80
"""Values below which each is also a dot."""
ROWS = 6
"""Rows of bars on the axis; what does not fit lies on the last."""
APART = 3.2
"""Percent of the axis that a bar's number takes."""
STEPS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
TICKS = 10

TITLES = {
    "sync": ("sync", "the lips come after the sound (+) or before it"),
    "morph": ("morph", "the face's shape, pose and expression taken out"),
    "warp": ("warp", "points of the background that wobble together"),
    "flicker": ("flicker", "light that jumps from frame to frame"),
    "exposure": ("exposure", "the light of the whole picture against the first frame"),
    "motion": ("motion", "how much changes from frame to frame"),
    "mouth": ("mouth", "how far it is open"),
}
"""Name of a timeline -> its title and what it shows, in the order of the lanes."""
_SIGNED = frozenset({"sync", "exposure"})
_CHECKS = {"sync": ("sync", "sync heard"), "exposure": ("exposure breathing",), "mouth": ("still mouth",)}
"""Which check says why a lane is empty, where it is not the lane's own name."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mark:
    """A fault on a lane or on the axis: from ``left``, ``width`` long, in percent; ``row`` on the axis."""

    number: int
    verdict: Verdict
    left: float
    width: float
    words: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class Lane:
    """A measure, drawn.

    ``path`` and ``dots`` are SVG; ``limits`` the heights of its limit lines; ``over`` (y, height) of what lies beyond
    them; ``why`` the reason where there is nothing to draw.
    """

    name: str
    title: str
    about: str
    unit: str
    path: str = ""
    dots: str = ""
    zero: float | None = None
    limits: tuple[float, ...] = ()
    over: tuple[tuple[float, float], ...] = ()
    limit: str = ""
    most: str = ""
    marks: tuple[Mark, ...] = ()
    why: str = ""


def lanes(timelines: Sequence[Timeline], findings: Sequence[ClipFinding], seconds: float) -> list[Lane]:
    """One lane for each measure that is known, drawn or empty with the reason."""
    drawn = {line.name: line for line in timelines}
    found = []
    for name in [*TITLES, *(name for name in drawn if name not in TITLES)]:
        title, about = TITLES.get(name, (name, ""))
        marks = tuple(
            mark
            for finding, mark in _marks(findings, seconds)
            if LANES.get(finding.check) == name and mark is not None
        )
        line = drawn.get(name)
        if line is None or not np.isfinite(line.values).any():
            found.append(Lane(name, title, about, "", marks=marks, why=_why(name, findings)))
        else:
            found.append(_lane(line, title, about, seconds, marks))
    return found


def axis(findings: Sequence[ClipFinding], seconds: float) -> list[Mark]:
    """Every fault that has a time, in rows in which no two meet."""
    ends: list[float] = []
    placed = []
    marks = [mark for _, mark in _marks(findings, seconds) if mark is not None]
    for mark in sorted(marks, key=lambda one: one.left):
        middle = mark.left + mark.width / 2
        begin, end = min(mark.left, middle - APART / 2), max(mark.left + mark.width, middle + APART / 2)
        row = next((row for row, taken in enumerate(ends) if taken <= begin), len(ends))
        row = min(row, ROWS - 1)
        ends[row : row + 1] = [end]
        placed.append(Mark(mark.number, mark.verdict, mark.left, mark.width, mark.words, row))
    return placed


def ticks(seconds: float) -> list[tuple[float, str]]:
    """Where the axis has its ticks, in percent, and what stands there."""
    step = next((step for step in STEPS if seconds / step <= TICKS), STEPS[-1])
    return [(100 * at / seconds, _clock(at, step, seconds)) for at in np.arange(0.0, seconds - step * 0.35, step)]


def _clock(at: float, step: float, seconds: float) -> str:
    if seconds >= 120:
        return f"{int(at) // 60}:{int(at) % 60:02d}"
    return f"{at:.2f}" if step < 0.1 else f"{at:.1f}" if step < 1 else f"{at:.0f}"


def _marks(findings: Sequence[ClipFinding], seconds: float) -> Iterator[tuple[ClipFinding, Mark | None]]:
    for number, finding in enumerate(ordered(findings), 1):
        if finding.start is None:
            yield finding, None
            continue
        end = finding.end if finding.end is not None else finding.start
        left = min(100.0, max(0.0, 100 * finding.start / seconds))
        width = max(0.0, min(100.0, 100 * end / seconds) - left)
        yield finding, Mark(number, finding.verdict, left, width, f"{number}. {finding.check}: {finding.why}")


def _why(name: str, findings: Sequence[ClipFinding]) -> str:
    checks = _CHECKS.get(name, (name,))
    return next((f.why for f in findings if f.check in checks and f.verdict == "unseen"), "nothing was measured")


def _lane(line: Timeline, title: str, about: str, seconds: float, marks: tuple[Mark, ...]) -> Lane:
    times, values = line.times.astype(np.float64), line.values.astype(np.float64)
    known = values[np.isfinite(values)]
    signed = line.name in _SIGNED or bool((known < 0).any())
    top = _top(np.abs(known), line.limit)

    def height(value: Array | float) -> Array:
        share = np.asarray(value, np.float64) / top
        y: Array = HIGH / 2 * (1 - share) if signed else HIGH * (1 - share)
        return np.clip(y, -4, HIGH + 4)

    x = np.clip(WIDE * times / max(seconds, 1e-9), 0, WIDE)
    few = len(values) <= FEW
    shown_x, shown_y = (x, height(values)) if len(values) <= 2 * COLUMNS else _columns(x, height(values))
    limits: tuple[float, ...] = ()
    over: tuple[tuple[float, float], ...] = ()
    if line.limit is not None:
        up = float(height(line.limit))
        limits, over = (up,), ((-4.0, up + 4),)
        if signed:
            down = float(height(-line.limit))
            limits, over = (up, down), (*over, (down, HIGH + 4 - down))
    return Lane(
        name=line.name,
        title=title,
        about=about,
        unit=line.unit,
        path=_path(shown_x, shown_y),
        dots="".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(shown_x, shown_y, strict=True) if few and np.isfinite(b)),
        zero=float(height(0.0)) if signed else None,
        limits=limits,
        over=over,
        limit="" if line.limit is None else f"limit {'±' if signed else ''}{line.limit:.3g}",
        most=f"at most {known[np.abs(known).argmax()]:{'+' if signed else ''}.3g} {line.unit}",
        marks=marks,
    )


def _top(sizes: Array, limit: float | None) -> float:
    """The value at the lane's edge: a lone peak may be cut, the limit never is."""
    largest, usual = float(sizes.max()), float(np.percentile(sizes, 97))
    if limit is None or limit <= 0:
        return max(1e-6, min(1.08 * largest, 3 * usual) if usual > 0 else 1.08 * largest)
    return max(1.5 * limit, min(1.08 * largest, max(4 * limit, 1.5 * usual)))


def _columns(x: Array, y: Array) -> tuple[Array, Array]:
    """The least and the largest y of each column, in turn, with nan where a column has none."""
    column = np.minimum((x / WIDE * COLUMNS).astype(int), COLUMNS - 1)
    finite = np.isfinite(y)
    low, high = np.full(COLUMNS, np.inf), np.full(COLUMNS, -np.inf)
    np.minimum.at(low, column[finite], y[finite])
    np.maximum.at(high, column[finite], y[finite])
    low[~np.isfinite(low)] = high[~np.isfinite(high)] = np.nan
    middle = (np.arange(COLUMNS) + 0.5) * WIDE / COLUMNS
    # Up in one column and down in the next, so that the line fills what it passes over.
    pairs = np.where(np.arange(COLUMNS)[:, None] % 2 == 0, np.stack([low, high], 1), np.stack([high, low], 1))
    return np.repeat(middle, 2), pairs.reshape(-1)


def _path(x: Array, y: Array) -> str:
    """An SVG path that breaks where a value is missing."""
    parts, down = [], False
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        if b != b:
            down = False
            continue
        parts.append(f"{'L' if down else 'M'}{a:.1f} {b:.1f}")
        down = True
    return "".join(parts)
