"""An inspected clip as one page: the verdict, each fault with its frame, the measures over one time axis, the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stillwake.inspection import Asked, Examination
from stillwake.inspection.faults import LANES, Fault, cut, frame_at, frames_at, shown_faults
from stillwake.inspection.stream import Timing, timing
from stillwake.makers import MAKERS
from stillwake.media import as_jpeg
from stillwake.report.lanes import HIGH, WIDE, Lane, axis, lanes, ticks
from stillwake.report.parts import address, template
from stillwake.types import Clip, ClipFinding, ClipInfo, Pixels

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LONGEST = 760
"""Longest side in px of a fault's frame."""
MOST = 12
"""Faults that have pictures; the page stays below 3 MB."""
HEAVIEST = 56_000
"""Bytes of one picture; a noisy one gives up quality."""
STRIP, STRIP_HEIGHT = 900, 56
"""How wide and how high the strip of frames is, px."""
FEWEST_THUMBS, MOST_THUMBS = 5, 24


@dataclass(frozen=True, slots=True)
class _Shown:
    """A fault as the page has it: (caption, address, width, height, whether it is a detail) of each picture."""

    number: int
    finding: ClipFinding
    when: str
    value: str
    pictures: tuple[tuple[str, str, int, int, bool], ...]
    lane: Lane | None


def clip_page(clip: Clip, examination: Examination, *, asked: Asked | None = None, notes: Sequence[str] = ()) -> str:
    """The examination of a clip as one self-contained HTML page.

    Parameters
    ----------
    clip
        The clip, from which the frames at the faults are taken.
    examination
        What was found in it.
    asked
        What was meant, which is told beside the facts.
    notes
        What could not be found or used, in sentences.

    Raises
    ------
    stillwake.errors.ClipError
        The clip cannot be decoded.
    """
    inspection, timelines = examination.inspection, examination.timelines
    findings, info = inspection.findings, clip.info
    seconds = max(float(info.frame_count / info.fps), 1e-6)
    faults = shown_faults(clip, findings, timelines, longest=LONGEST, most=MOST)
    drawn = lanes(timelines, findings, seconds)
    counts = {verdict: sum(f.verdict == verdict for f in findings) for verdict in ("fail", "warn", "pass", "unseen")}
    marks = axis(findings, seconds)
    return template("clip.html").render(
        inspection=inspection,
        clip=info,
        facts=_facts(info),
        meant=_meant(asked or Asked()),
        notes=notes,
        verdict="fail" if counts["fail"] else "warn" if counts["warn"] else "pass",
        words=_verdict(counts),
        counts=counts,
        faults=[_shown(fault, drawn) for fault in faults],
        lanes=drawn,
        marks=marks,
        rows=1 + max((mark.row for mark in marks), default=0),
        ticks=ticks(seconds),
        thumbs=_thumbs(clip, timing(clip)),
        passed=[finding for finding in findings if finding.verdict == "pass"],
        unseen=_unseen(findings),
        wide=WIDE,
        high=HIGH,
    )


def _verdict(counts: dict[str, int]) -> str:
    warnings = f"{counts['warn']} {'warning' if counts['warn'] == 1 else 'warnings'}"
    if counts["fail"]:
        faults = f"{counts['fail']} {'fault' if counts['fail'] == 1 else 'faults'}"
        return f"Did not pass: {faults}" + (f" and {warnings}" if counts["warn"] else "")
    if counts["warn"]:
        return f"Passed, with {warnings}"
    return "Passed: nothing was found against it" if counts["pass"] else "Nothing could be seen"


def _facts(info: ClipInfo) -> list[tuple[str, str]]:
    rate = f"{float(info.fps):.3f}".rstrip("0").rstrip(".")
    return [
        ("length", f"{info.seconds:.2f} s"),
        ("frames", f"{info.frame_count} at {rate} a second"),
        ("size", f"{info.width} × {info.height} px"),
        ("sound", info.sound or "none"),
    ]


def _meant(asked: Asked) -> list[tuple[str, str]]:
    """What was asked of the clip, as far as it is known."""
    maker = MAKERS.get(asked.engine)
    rows = [("made by", maker.title if maker is not None else asked.engine or (asked.family or ""))]
    if asked.camera is not None:
        moves = ", ".join(move.kind for move in asked.camera.moves) or f"{len(asked.camera.keys)} key frames"
        rows.append(("camera", moves))
    rows += [
        ("loop", f"yes{f', {asked.repeat} times over' if asked.repeat > 1 else ''}" if asked.loop else ""),
        ("drifting", asked.ambient or ""),
        ("prompt", asked.prompt[:200]),
    ]
    return [(name, words) for name, words in rows if words]


def _shown(fault: Fault, drawn: Sequence[Lane]) -> _Shown:
    finding = fault.finding
    lane = next((one for one in drawn if one.name == LANES.get(finding.check) and one.path), None)
    return _Shown(
        number=fault.number,
        finding=finding,
        when=when(finding),
        value=finding.amount,
        pictures=tuple(
            (p.caption, _picture(p.pixels, LONGEST, 84), p.pixels.shape[1], p.pixels.shape[0], p.detail)
            for p in fault.pictures
        ),
        lane=None if fault.pictures else lane,
    )


def when(finding: ClipFinding) -> str:
    """The seconds that a finding lasts, in words."""
    if finding.start is None:
        return "the whole clip"
    if finding.end is None or finding.end - finding.start < 0.005:
        return f"at {finding.start:.2f} s"
    return f"{finding.start:.2f} to {finding.end:.2f} s"


def _picture(pixels: Pixels, longest: int, quality: int) -> str:
    """The picture as an address, no heavier than it may be."""
    jpeg = as_jpeg(pixels, longest=longest, quality=quality)
    while len(jpeg) > HEAVIEST and (quality > 45 or longest > 320):
        quality, longest = max(45, quality - 13), longest if quality > 45 else int(longest * 0.8)
        jpeg = as_jpeg(pixels, longest=longest, quality=quality)
    return address(jpeg)


def _thumbs(clip: Clip, times: Timing) -> list[str]:
    """Frames evenly along the clip, for the strip over the axis; each stands for the time around it."""
    count, shape = len(times.ticks), clip.info.width / clip.info.height
    if not count:
        return []
    number = min(count, MOST_THUMBS, max(FEWEST_THUMBS, round(STRIP / (STRIP_HEIGHT * shape))))
    seconds = float(clip.info.frame_count / clip.info.fps)
    wanted = [frame_at(times, clip, (place + 0.5) / number * seconds) for place in range(number)]
    held: dict[int, str] = {}
    high = 2 * STRIP_HEIGHT
    for shown in frames_at(clip, times, wanted):
        held[shown.index] = address(as_jpeg(_small(shown.pixels, high), quality=72))
    return [held[index] for index in wanted if index in held]


def _small(pixels: npt.NDArray[np.uint8], high: int) -> Pixels:
    height, width = pixels.shape[:2]
    high = min(high, height)
    across = max(1, round(width * high / height))
    return cut(pixels, (width / 2, height / 2), float(width), min(across, 4 * high), high)


def _unseen(findings: Sequence[ClipFinding]) -> list[tuple[str, str]]:
    """Reason by reason, the checks that could not be made for it."""
    reasons: dict[str, list[str]] = {}
    for finding in findings:
        if finding.verdict == "unseen" and finding.check not in reasons.setdefault(finding.why, []):
            reasons[finding.why].append(finding.check)
    return [(", ".join(checks), why) for why, checks in reasons.items()]
