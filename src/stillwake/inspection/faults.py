"""A clip's faults as they are shown: in which order, at which moment, and cut out of its frames.

The page and the contact sheet both draw what stands here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwake.inspection.stream import Shown, Timing, frames_within, timing
from stillwake.types import Box, Clip, ClipFinding, Pixels, Size, Timeline

LANES: Mapping[str, str] = {
    "sync": "sync", "sync heard": "sync", "sync drift": "sync", "sound": "sync",
    "morph": "morph", "subject colours": "morph",
    "warp": "warp", "texture": "warp", "background": "warp", "background shift": "warp", "background ripple": "warp",
    "background raw": "warp", "folds": "warp",
    "flicker": "flicker", "local flicker": "flicker",
    "exposure breathing": "exposure", "colour drift": "exposure", "black": "exposure", "fade": "exposure",
    "first colours": "exposure",
    "motion": "motion", "cut": "motion", "jump": "motion", "freeze": "motion", "dropped frames": "motion",
    "frame times": "motion", "camera": "motion", "prompt drift": "motion", "prompt shown": "motion",
    "loop seam": "motion", "loop speed": "motion", "ping-pong": "motion", "first frame": "motion",
    "closures": "mouth", "silence": "mouth", "still mouth": "mouth", "teeth": "mouth",
}  # fmt: skip
"""Check -> the name of the timeline in which its faults are marked."""

SUDDEN = frozenset({"cut", "jump", "dropped frames", "flicker", "local flicker", "black", "frame times"})
"""Faults that show between one frame and the next."""
LASTING = frozenset({"freeze", "still mouth"})
"""Faults that show in how alike their ends are."""
DRIFTING = frozenset({"colour drift", "background", "subject colours", "prompt shown"})
"""Faults that show against the first frame."""
SEAMS = frozenset({"loop seam", "loop speed"})
HEARD = frozenset({"sync", "sync heard", "sync drift", "sound", "sound length", "loudness", "clipping"})
"""Faults that no single frame shows."""
SLOW = 0.15
"""Seconds from which another scene comes slowly, in a dissolve or a fade: its middle is shown."""
CALM = 0.3
"""Seconds before a fault, or after it, at which the same place is shown as it was."""
AROUND = 0.35
"""How much is shown around a region, in its longer side."""
WHOLE = 0.6
"""Share of the frame from which a region is no detail."""
PAPER = (250, 249, 246)
EVERY_COLOUR = {"fail": (209, 52, 56), "warn": (224, 138, 0)}
"""Of a region's outline, by the verdict."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What is shown of a fault: a caption and (H, W, 3) uint8; ``detail`` where it is a part of the frame."""

    caption: str
    pixels: Pixels
    detail: bool


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """A finding that warns or fails, with its number, from 1, and its pictures, if a frame shows it."""

    number: int
    finding: ClipFinding
    pictures: tuple[Picture, ...]


def ordered(findings: Sequence[ClipFinding]) -> list[ClipFinding]:
    """Those that warn or fail: what fails first, then by when it begins."""
    wrong = [finding for finding in findings if finding.verdict in ("fail", "warn")]
    return sorted(wrong, key=lambda f: (f.verdict != "fail", f.start is None, f.start or 0.0))


@dataclass(frozen=True, slots=True)
class _Want:
    """A picture of a fault: of which frame, of which part of it (None: all), and what to call it."""

    index: int
    part: Box | None
    mark: Box | None
    caption: str


def shown_faults(
    clip: Clip, findings: Sequence[ClipFinding], timelines: Sequence[Timeline], *, longest: int, most: int
) -> list[Fault]:
    """All faults in order; the first ``most`` that a frame shows with pictures, at most ``longest`` px across.

    Raises
    ------
    stillwake.errors.ClipError
        The clip cannot be decoded.
    """
    times = timing(clip)
    wrong = ordered(findings)
    size = (clip.info.width, clip.info.height)
    wants: list[list[_Want]] = []
    for finding in wrong:
        left = sum(bool(some) for some in wants) < most
        wants.append(_wanted(finding, timelines, times, clip, size) if left else [])
    pictures: dict[_Want, Pixels] = {}
    verdicts = {want: finding.verdict for finding, some in zip(wrong, wants, strict=True) for want in some}
    for shown in frames_at(clip, times, {want.index for want in verdicts}):
        for want, verdict in verdicts.items():
            if want.index == shown.index:
                pictures[want] = _drawn(shown.pixels, want, verdict, longest)
    return [
        Fault(
            number,
            finding,
            tuple(Picture(want.caption, pictures[want], want.part is not None) for want in some if want in pictures),
        )
        for number, (finding, some) in enumerate(zip(wrong, wants, strict=True), 1)
    ]


def frames_at(clip: Clip, times: Timing, indices: Iterable[int]) -> Iterator[Shown]:
    """Those frames, in order; each is valid until the next is asked for."""
    middles = times.middles(clip.info.fps)
    tiny = 1e-6
    asked = sorted({index for index in indices if 0 <= index < len(middles)})
    yield from frames_within(clip, times, tuple((middles[index] - tiny, middles[index] + tiny) for index in asked))


def frame_at(times: Timing, clip: Clip, seconds: float) -> int:
    """The frame that is shown then."""
    middles = times.middles(clip.info.fps)
    at = bisect_left(middles, seconds)
    near = [index for index in (at - 1, at) if 0 <= index < len(middles)]
    return min(near, key=lambda index: abs(middles[index] - seconds), default=0)


def _worst(finding: ClipFinding, timelines: Sequence[Timeline]) -> float:
    """When, between its start and its end, the fault is at its worst; the middle where nothing tells."""
    start = finding.start or 0.0
    end = finding.end if finding.end is not None else start
    middle = (start + end) / 2
    if finding.check not in LANES or end - start < 0.2:
        return middle
    for line in timelines:
        if line.name == LANES[finding.check] == finding.check:
            inside = (line.times >= start) & (line.times <= end) & np.isfinite(line.values)
            if inside.any():
                return float(line.times[inside][np.abs(line.values[inside]).argmax()])
    return middle


def _wanted(finding: ClipFinding, timelines: Sequence[Timeline], times: Timing, clip: Clip, size: Size) -> list[_Want]:
    count, check, box = len(times.ticks), finding.check, _clipped(finding.box, size)
    if not count or check in HEARD or (finding.start is None and box is None):
        return []
    middles = times.middles(clip.info.fps)
    other: int | None
    if check in SEAMS:
        first, last = 0, count - 1
        return [_Want(last, None, box, "the last frame"), _Want(first, None, box, "the first frame again")]
    lane = next((line for line in timelines if line.name == LANES.get(check)), None)
    if finding.start is None:
        at, other, then = count // 2, None, ""
    elif check in LASTING and finding.end is not None:
        at, other = frame_at(times, clip, finding.start + 1e-3), frame_at(times, clip, finding.end - 1e-3)
        then = "still the same"
    elif check in DRIFTING and finding.start > CALM:
        at, other, then = frame_at(times, clip, finding.end or finding.start), 0, "the first frame"
    elif check == "exposure breathing" and lane is not None and finding.end is not None:
        inside = (lane.times >= finding.start) & (lane.times <= finding.end) & np.isfinite(lane.values)
        at, other = (
            frame_at(times, clip, float(lane.times[inside][most(lane.values[inside])])) if inside.any() else 0
            for most in (np.argmax, np.argmin)
        )
        then = "at its darkest"
    elif check in SUDDEN and not (check == "cut" and _lasts(finding)):
        edge = finding.end if check in ("cut", "jump") and finding.end is not None else _worst(finding, timelines)
        at = max(1, frame_at(times, clip, edge)) if count > 1 else 0
        other, then = (at - 1, "a frame earlier") if at else (None, "")
    else:
        at = frame_at(times, clip, _worst(finding, timelines))
        other, then = _calm(finding, times, clip)
    whole = _Want(at, None, box, f"{middles[at]:.2f} s")
    if box is None or (box[2] - box[0]) * (box[3] - box[1]) > WHOLE * size[0] * size[1]:
        again = [] if other is None else [_Want(other, None, box, f"{then}, {middles[other]:.2f} s")]
        return [whole, *again]
    again = [] if other is None else [_Want(other, box, None, f"{then}, {middles[other]:.2f} s")]
    return [whole, _Want(at, box, None, f"the place, {middles[at]:.2f} s"), *again]


def _lasts(finding: ClipFinding) -> bool:
    """Whether a fault takes longer than from one frame to the next, as a dissolve does."""
    return finding.start is not None and finding.end is not None and finding.end - finding.start >= SLOW


def _calm(finding: ClipFinding, times: Timing, clip: Clip) -> tuple[int | None, str]:
    """A frame outside the fault, and how to call it; None where the fault fills the clip."""
    seconds = float(clip.info.frame_count / clip.info.fps)
    start = finding.start or 0.0
    end = finding.end if finding.end is not None else start
    if start >= CALM / 2:
        return frame_at(times, clip, max(0.0, start - CALM)), "before"
    if end <= seconds - CALM / 2:
        return frame_at(times, clip, min(seconds, end + CALM)), "afterwards"
    return None, ""


def _clipped(box: Box | None, size: Size) -> Box | None:
    """The part of a box that lies in the frame, at least 1 px each way."""
    if box is None or not np.isfinite(box).all():
        return None
    x0, y0 = min(max(box[0], 0.0), size[0] - 1.0), min(max(box[1], 0.0), size[1] - 1.0)
    return x0, y0, max(x0 + 1, min(box[2], size[0])), max(y0 + 1, min(box[3], size[1]))


# ---------------------------------------------------------------------------------------------------- the drawing


def _drawn(pixels: Pixels, want: _Want, verdict: str, longest: int) -> Pixels:
    if want.part is not None:
        return _detail(pixels, want.part, longest)
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(width, height))
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    frame = cut(pixels, (width / 2, height / 2), float(width), across, down)
    return frame if want.mark is None else _marked(frame, want.mark, across / width, verdict)


def _detail(pixels: Pixels, part: Box, longest: int) -> Pixels:
    """The part, with a little around it, larger."""
    wide, high = part[2] - part[0], part[3] - part[1]
    margin = AROUND * max(wide, high)
    wide, high = wide + margin, high + margin
    shape = min(1.6, max(0.75, wide / high))
    across = max(wide, high * shape, 24.0)
    height, width = pixels.shape[:2]
    tall = min(0.62 * longest, max(240.0, height * min(1.0, longest / max(width, height))))
    window = across, across / shape
    middle = [(part[0] + part[2]) / 2, (part[1] + part[3]) / 2]
    for axis, side in enumerate((width, height)):  # within the frame, where it fits into it
        half = min(window[axis], side) / 2
        middle[axis] = min(max(middle[axis], half), side - half)
    return cut(pixels, (middle[0], middle[1]), across, round(tall * shape), round(tall))


def _marked(frame: Pixels, box: Box, scale: float, verdict: str) -> Pixels:
    """The frame with the region drawn on it."""
    from PIL import Image, ImageDraw

    height, width = frame.shape[:2]
    thick = max(2, round(max(width, height) / 240))
    x0, y0, x1, y1 = (round(value * scale) for value in box)
    inner = (max(0, x0 - thick), max(0, y0 - thick), min(width - 1, x1 + thick), min(height - 1, y1 + thick))
    inner = (inner[0], inner[1], max(inner[0] + 2 * thick, inner[2]), max(inner[1] + 2 * thick, inner[3]))
    image = Image.fromarray(frame)
    pen = ImageDraw.Draw(image)
    outer = (inner[0] - 1, inner[1] - 1, inner[2] + 1, inner[3] + 1)
    pen.rectangle(outer, outline=(255, 255, 255), width=thick + 2)
    pen.rectangle(inner, outline=EVERY_COLOUR[verdict], width=thick)
    return np.asarray(image)


def cut(pixels: Pixels, middle: tuple[float, float], across: float, width: int, height: int) -> Pixels:
    """A window ``across`` px wide around a point, resized; what lies outside the picture is paper."""
    import cv2

    scale = width / across
    turn = np.array([[scale, 0, width / 2 - scale * middle[0]], [0, scale, height / 2 - scale * middle[1]]])
    # Pixels' middles lie at half px on both sides of the scaling, not at whole ones.
    turn[:, 2] += (scale - 1) / 2
    source: npt.NDArray[Any] = pixels
    if scale < 0.7:
        source = cv2.GaussianBlur(pixels, (0, 0), 0.42 / scale)
    window: Pixels = cv2.warpAffine(
        source, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=PAPER
    )
    return window
