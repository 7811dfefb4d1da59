"""A report as one page: the still with every finding drawn on it, before any number; or a clip with its faults.

The page stands alone: picture and style lie inside it, no script runs, and its policy forbids everything else. What
strangers wrote (file names, a judge's words) is escaped.
"""

from __future__ import annotations

from stillwake.media import as_jpeg
from stillwake.readiness import advice
from stillwake.report.clip import clip_page
from stillwake.report.parts import RANK, address, template
from stillwake.types import Box, Finding, Report, Still, Verdict

__all__ = ["clip_page", "page"]

_LONGEST = 1600


def page(report: Report, still: Still) -> str:
    """The report on a still as one self-contained HTML page."""
    width, height = still.size
    groups: list[tuple[str, Verdict, tuple[Finding, ...]]] = [(s.sign, s.verdict, s.findings) for s in report.signs]
    groups.append(("file", report.file.verdict, report.file.findings))
    animator = report.gates["animator"]
    groups.append(("for an animator", animator.verdict, animator.findings))
    marks = []
    numbers: dict[str, int] = {}
    for name, _, findings in groups:
        for finding in findings:
            if finding.verdict in ("fail", "warn"):
                numbers[finding.check] = len(numbers) + 1
                if finding.box is not None:
                    marks.append((numbers[finding.check], finding, _shown(finding.box, width, height), name))
    return template("page.html").render(
        report=report,
        advice=advice(report),
        groups=[(n, v, sorted(f, key=lambda x: RANK[x.verdict])) for n, v, f in groups],
        marks=marks,
        numbers=numbers,
        faults=[f for _, _, findings in groups for f in findings if f.verdict in ("fail", "warn")],
        unit=max(width, height) / 100,
        picture=address(as_jpeg(still.pixels, longest=_LONGEST)),
    )


def _shown(box: Box, width: int, height: int) -> Box:
    """The part of a box that lies in the picture: (x, y, width, height), at least 1 px each way."""
    x0, y0 = min(max(box[0], 0.0), width - 1.0), min(max(box[1], 0.0), height - 1.0)
    return x0, y0, max(1.0, min(box[2], width) - x0), max(1.0, min(box[3], height) - y0)
