"""A contact sheet: a clip's faults, and the moments that tell whether it is good, each as a face and as a mouth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stillwake.inspection import mouth
from stillwake.inspection.evidence import face_place, find_face
from stillwake.inspection.faults import EVERY_COLOUR, PAPER, Fault, cut, shown_faults
from stillwake.inspection.stream import Span, Timing, frames_within, timing
from stillwake.inspection.view import Place
from stillwake.types import VISEMES, Box, Clip, ClipFinding, Floats, Pixels, Scene, Speech, Timed, Timeline

if TYPE_CHECKING:
    from PIL.Image import Image

FACE, MOUTH_HEIGHT = 300, 190
"""Px across of a face and of the mouth beneath it, and the mouth's height."""
FACE_AROUND, MOUTH_AROUND = 0.22, 0.75
"""How much is shown around a face, in its longer side, and around a mouth, in its width."""
COLUMNS = 6
FAULT, HIGHEST, WORDS = 720, 480, 400
"""Longest side in px of a fault's frame, the height it keeps, and the width of the words beside it."""
MOST_FAULTS = 12
"""Faults that are drawn with pictures; the others have their words."""
GAP, MARGIN, HEADING, CAPTION = 16, 32, 92, 58
INK, FAINT, ACCENT = (28, 30, 33), (120, 124, 130), (170, 58, 44)
TAKES = 3
"""How many instances of a mouth shape are looked at before the one that shows it most is drawn."""
SEARCH = 8.0
"""Seconds from the start, or from where the speech begins, searched for a blink and, without speech, for shapes."""
CLOSED_EYES = 0.6
"""Share of the usual lid gap below which it is a blink."""

XSAMPA = {
    "ɑ": "A", "ɒ": "Q", "æ": "{", "ʌ": "V", "ə": "@", "ɐ": "6", "ɛ": "E", "ɜ": "3", "ɝ": "3`", "ɚ": "@`", "ɪ": "I",
    "ɔ": "O", "ʊ": "U", "ø": "2", "œ": "9", "ɹ": "r\\", "ɾ": "4", "ʁ": "R", "ʃ": "S", "ʒ": "Z", "θ": "T", "ð": "D",
    "ŋ": "N", "ɲ": "J", "ɡ": "g", "ɫ": "5", "ç": "C", "ɨ": "1", "ʉ": "}", "ʎ": "L", "ː": ":",
}  # fmt: skip
"""IPA in plain letters, for a font that has no IPA; a sound that is not here is shown by its mouth shape alone."""

PLAIN = str.maketrans({"×": "x", "±": "+-", "–": "-", "’": "'", "Δ": "d", "…": "..."})
"""What our own sentences hold that the font does not."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One looked-at frame: index, middle of its time in s, and its mesh (478, 3) px or None."""

    index: int
    time: float
    mesh: Floats | None

    @property
    def opening(self) -> float:
        """The mouth's opening in its own widths; 0 where no mouth was seen."""
        if self.mesh is None:
            return 0.0
        head = mouth.skull(self.mesh)
        return mouth.opening(self.mesh, head) / max(1e-6, mouth.width(self.mesh, head))

    @property
    def eyes(self) -> float:
        """Lid gap over eye width; nan where no eye was seen."""
        return float("nan") if self.mesh is None else mouth.eyes_open(self.mesh)


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A frame worth showing: what it shows in a word, and the phoneme there in plain letters, or ""."""

    look: Look
    title: str
    phoneme: str


def contact_sheet(
    clip: Clip,
    path: Path,
    *,
    scene: Scene | None = None,
    speech: Speech | None = None,
    face: int = 1,
    findings: Sequence[ClipFinding] = (),
    timelines: Sequence[Timeline] = (),
    overwrite: bool = False,
) -> Path:
    """A PNG with the first and the last frame, every mouth shape that occurs, closures, the widest mouth and a blink.

    Above these stand the faults that were found, each with its frame, the region drawn on it, and the region larger.

    Parameters
    ----------
    clip
        The clip; at most a few hundred of its frames are looked at, however long it is.
    path
        Where the sheet is written, a ``.png``.
    scene
        What was seen in the still; without it a face is looked for in the clip.
    speech
        What is said when; without it only first, last, widest, narrowest and a blink are shown.
    face
        Which face of the scene speaks, 1 being the largest.
    findings, timelines
        What an inspection found, and its measures along the clip.
    overwrite
        Whether ``path`` may be replaced.

    Raises
    ------
    stillwake.errors.ClipError
        The clip cannot be decoded.
    stillwake.errors.OutputError
        The sheet cannot be written.
    """
    from stillwake.media import check_output, whole_file

    check_output(path, overwrite)
    times = timing(clip)
    place = face_place(scene, face - 1, (clip.info.width, clip.info.height)) or find_face(clip, times)[1]
    moments = _moments(clip, times, speech, place)
    faults = shown_faults(clip, findings, timelines, longest=FAULT, most=MOST_FAULTS)
    sheet = _drawn(clip, times, moments, None if place is None else place.box, faults)
    with whole_file(path, overwrite) as beside:
        sheet.save(beside, format="PNG")
    return path


# ------------------------------------------------------------------------------------------------ which frames


def _moments(clip: Clip, times: Timing, speech: Speech | None, place: Place | None) -> list[Moment]:
    frame = float(1 / clip.info.fps)
    end = frame * len(times.ticks)
    takes = _takes(speech, end)
    asked = sorted({_at(clip, take.start, take.end) for shape in takes.values() for take in shape})
    begin = next((v.start for v in speech.visemes if v.label != "rest"), 0.0) if speech is not None else 0.0
    searched = (begin, min(end, begin + SEARCH))
    spans = [(0.0, frame), searched, (end - frame, end), *((t - frame / 2, t + frame / 2) for t in asked)]
    looks = _look(clip, times, _merged(spans), place)
    if not looks:
        return []
    chosen = [Moment(looks[0], "first", "")]
    for shape in VISEMES:
        chosen += _shape(shape, takes.get(shape, []), looks, speech, clip)
    seen = [look for look in looks if look.mesh is not None]
    if seen:
        widest = max(seen, key=lambda look: look.opening)
        chosen.append(Moment(widest, "widest", _phoneme(speech, widest.time)))
        if speech is None:
            chosen.append(Moment(min(seen, key=lambda look: look.opening), "narrowest", ""))
        lids = np.array([look.eyes for look in seen])
        if lids.min() < CLOSED_EYES * float(np.median(lids)):
            chosen.append(Moment(seen[int(lids.argmin())], "blink", ""))
    chosen.append(Moment(looks[-1], "last", ""))
    return chosen


def _at(clip: Clip, start: float, end: float) -> float:
    """Middle of the time of the frame that lies around the middle of a stretch."""
    index = min(int((start + end) / 2 * clip.info.fps), clip.info.frame_count - 1)
    return float((index + 0.5) / clip.info.fps)


def _takes(speech: Speech | None, end: float) -> dict[str, list[Timed]]:
    """For each mouth shape its longest instances within the clip."""
    if speech is None:
        return {}
    takes: dict[str, list[Timed]] = {}
    for shape in VISEMES:
        within = [v for v in speech.visemes if v.label == shape and v.end < end]
        takes[shape] = sorted(within, key=lambda v: v.start - v.end)[:TAKES]
    return takes


def _shape(shape: str, takes: list[Timed], looks: list[Look], speech: Speech | None, clip: Clip) -> list[Moment]:
    """The instance that shows a mouth shape most; of the closures the one that is shut least, which is the test."""
    found = []
    for take in takes:
        at = _at(clip, take.start, take.end)
        found.append(min(looks, key=lambda look: abs(look.time - at)))
    if not found:
        return []
    best = max(found, key=lambda look: look.opening) if shape != "rest" else found[0]
    return [Moment(best, shape, _phoneme(speech, best.time))]


def _phoneme(speech: Speech | None, time: float) -> str:
    """The phoneme that sounds at that time in plain letters, or ""."""
    if speech is None:
        return ""
    ipa = next((p.label for p in speech.phonemes if p.start <= time < p.end), "")
    plain = "".join(XSAMPA.get(letter, letter) for letter in ipa)
    return f"/{plain}/" if plain and plain.isascii() else ""


def _merged(spans: list[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _look(clip: Clip, times: Timing, spans: tuple[Span, ...], place: Place | None) -> list[Look]:
    from stillwake.perceive import MeshReader

    with MeshReader() as reader:
        return [
            Look(
                shown.index,
                shown.time,
                place and reader.mesh(shown.pixels, place.box, roll=place.roll, kind=place.kind),
            )
            for shown in frames_within(clip, times, spans)
        ]


# --------------------------------------------------------------------------------------------------- the drawing


WIDTH = 2 * MARGIN + COLUMNS * FACE + (COLUMNS - 1) * GAP


def _drawn(clip: Clip, times: Timing, moments: list[Moment], box: Box | None, faults: list[Fault]) -> Image:
    from PIL import Image, ImageDraw, ImageFont

    rows = max(1, -(-len(moments) // COLUMNS))
    mouths = any(moment.look.mesh is not None for moment in moments)
    tall = FACE + (MOUTH_HEIGHT + 4 if mouths else 0) + CAPTION
    wrong = [_fault(fault) for fault in faults]
    top = HEADING + sum(drawn.height + GAP for drawn in wrong)
    sheet = Image.new("RGB", (WIDTH, top + rows * (tall + GAP) + MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    info = clip.info
    big, plain, small = (ImageFont.load_default(size) for size in (30, 19, 16))
    pen.text((MARGIN, 24), _printable(info.name), INK, big)
    pen.text(
        (MARGIN, 62),
        f"{info.seconds:.2f} s, {info.frame_count} frames at {info.fps} a second, {info.width} x {info.height} px",
        FAINT,
        small,
    )
    at = HEADING
    for drawn in wrong:
        sheet.paste(drawn, (0, at))
        at += drawn.height + GAP
    half = float(1 / info.fps) / 4
    spans = _merged([(moment.look.time - half, moment.look.time + half) for moment in moments])
    pictures = {
        shown.index: _crops(shown.pixels, moments, shown.index, box) for shown in frames_within(clip, times, spans)
    }
    for place, moment in enumerate(moments):
        x = MARGIN + place % COLUMNS * (FACE + GAP)
        y = top + place // COLUMNS * (tall + GAP)
        face, lips = pictures[moment.look.index]
        sheet.paste(Image.fromarray(face), (x, y))
        y += FACE + 4
        if lips is not None:
            sheet.paste(Image.fromarray(lips), (x, y))
        y += MOUTH_HEIGHT + 8 if mouths else 6
        pen.text((x, y), moment.title, ACCENT, plain)
        if moment.phoneme:
            pen.text((x + pen.textlength(moment.title, plain) + 8, y), moment.phoneme, INK, plain)
        pen.text((x + FACE, y), f"{moment.look.time:.2f} s", INK, plain, anchor="ra")
        if moment.look.mesh is not None:
            pen.text((x, y + 24), f"open {moment.look.opening:.2f} of its width", FAINT, small)
    return sheet


def _crops(pixels: Pixels, moments: list[Moment], index: int, box: Box | None) -> tuple[Pixels, Pixels | None]:
    """The face in a square, and the mouth larger beneath it; the whole frame where there is no face."""
    height, width = pixels.shape[:2]
    look = next(moment.look for moment in moments if moment.look.index == index)
    if box is None:
        return cut(pixels, (width / 2, height / 2), float(max(width, height)), FACE, FACE), None
    side = max(box[2] - box[0], box[3] - box[1]) * (1 + 2 * FACE_AROUND)
    face = cut(pixels, ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), side, FACE, FACE)
    if look.mesh is None:
        return face, None
    lips = look.mesh[[61, 291, 0, 17], :2]
    across = float(np.linalg.norm(lips[1] - lips[0])) * (1 + MOUTH_AROUND)
    x, y = ((lips[0] + lips[1]) / 2 + (lips[2] + lips[3]) / 2) / 2
    return face, cut(pixels, (float(x), float(y)), across, FACE, MOUTH_HEIGHT)


def _fault(fault: Fault) -> Image:
    """A fault across the sheet: its number and words, and its pictures beside them."""
    from PIL import Image, ImageDraw, ImageFont

    finding = fault.finding
    plain, small = (ImageFont.load_default(size) for size in (19, 16))
    words = [f"{finding.why}."]
    if finding.measured is not None:
        limit = "" if finding.limit is None else f", limit {finding.limit:.3g}"
        words.append(f"{finding.measured:.3g} {finding.unit}{limit}")
    if finding.fix:
        words.append(f"What to do: {finding.fix}.")
    room = WORDS if fault.pictures else WIDTH - 2 * MARGIN - 44
    lines = [line for some in words for line in (*_wrapped(_printable(some), small, room), "")]
    pictures = _in_a_row([picture.pixels for picture in fault.pictures], WIDTH - 2 * MARGIN - 44 - WORDS - 32)
    high = max((picture.height for picture in pictures), default=0)
    drawn = Image.new("RGB", (WIDTH, max(68 + 22 * len(lines), high + 44 if high else 0)), PAPER)
    pen = ImageDraw.Draw(drawn)
    colour = EVERY_COLOUR[finding.verdict]
    pen.line((MARGIN, 1, WIDTH - MARGIN, 1), (220, 220, 216))
    pen.ellipse((MARGIN, 12, MARGIN + 28, 40), colour)
    pen.text((MARGIN + 14, 26), str(fault.number), (255, 255, 255), plain, anchor="mm")
    pen.text((MARGIN + 44, 14), _printable(finding.check), colour, plain)
    if finding.start is not None:
        until = "" if finding.end is None else f" to {finding.end:.2f}"
        pen.text((MARGIN + 44, 40), f"{finding.start:.2f}{until} s", INK, plain)
    for place, line in enumerate(lines):
        pen.text((MARGIN + 44, 70 + 22 * place), line, INK, small)
    x = WIDTH - MARGIN - sum(picture.width for picture in pictures) - GAP * max(0, len(pictures) - 1)
    x = min(x, MARGIN + 44 + WORDS + 32)
    for picture, told in zip(pictures, fault.pictures, strict=True):
        drawn.paste(picture, (x, 14))
        pen.text((x, 14 + picture.height + 5), told.caption, FAINT, small)
        x += picture.width + GAP
    return drawn


def _in_a_row(pictures: list[Pixels], width: int) -> list[Image]:
    """The pictures, made smaller where they are too wide together or too high."""
    from PIL import Image

    across = sum(picture.shape[1] for picture in pictures) + 1e-9
    scale = min(1.0, (width - GAP * (len(pictures) - 1)) / across)
    row = []
    for picture in pictures:
        fitting = min(scale, HIGHEST / picture.shape[0])
        size = (max(1, int(picture.shape[1] * fitting)), max(1, int(picture.shape[0] * fitting)))
        row.append(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
    return row


def _wrapped(words: str, font: Any, width: int) -> list[str]:
    """The words in lines that are no wider."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _printable(name: str) -> str:
    """A name the built-in font can draw."""
    return name.translate(PLAIN).encode("ascii", "replace").decode()
