"""A film on one page: the middle frame of every shot, with its name and when it is seen."""

from __future__ import annotations

from pathlib import Path

from stillwake.assemble.edit import Edit
from stillwake.inspection.faults import PAPER
from stillwake.inspection.sheet import FAINT, GAP, INK, MARGIN
from stillwake.inspection.stream import frames_within, timing
from stillwake.media import whole_file
from stillwake.types import Clip, Pixels

COLUMNS, WIDE = 4, 440
"""Pictures in a row, and their width in px."""
HEADING, WORDS = 76, 34


def film_sheet(film: Clip, edit: Edit, path: Path, *, title: str = "", overwrite: bool = False) -> None:
    """Write the page, a PNG, whole or not at all.

    Raises
    ------
    stillwake.errors.ClipError, OutputError
        The film cannot be read; the page cannot be written.
    """
    import cv2
    from PIL import Image, ImageDraw, ImageFont

    tall = round(WIDE * edit.size[1] / edit.size[0])
    middles = sorted({(picture.start + picture.end) // 2 for picture in edit.pictures})
    spans = tuple((float(at / edit.fps), float((at + 1) / edit.fps)) for at in middles)
    seen: dict[int, Pixels] = {}
    for shown in frames_within(film, timing(film), spans):
        seen[shown.index] = cv2.resize(shown.pixels, (WIDE, tall), interpolation=cv2.INTER_AREA)
    columns = min(COLUMNS, len(edit.pictures))
    rows = -(-len(edit.pictures) // columns)
    page = Image.new(
        "RGB", (2 * MARGIN + columns * (WIDE + GAP) - GAP, HEADING + rows * (tall + WORDS + GAP) + MARGIN), PAPER
    )
    pen = ImageDraw.Draw(page)
    big, small = ImageFont.load_default(28), ImageFont.load_default(17)
    info = film.info
    pen.text((MARGIN, 18), _plain(title or info.name), INK, big)
    pen.text(
        (MARGIN, 52),
        f"{info.seconds:.2f} s, {info.frame_count} frames at {info.fps} a second, {info.width} x {info.height} px",
        FAINT,
        small,
    )
    for place, picture in enumerate(edit.pictures):
        x = MARGIN + place % columns * (WIDE + GAP)
        y = HEADING + place // columns * (tall + WORDS + GAP)
        frame = seen.get((picture.start + picture.end) // 2)
        if frame is not None:
            page.paste(Image.fromarray(frame), (x, y))
        times = f"{float(picture.start / edit.fps):.2f} - {float(picture.end / edit.fps):.2f} s"
        pen.text((x, y + tall + 6), _plain(f"{picture.shot + 1}  {picture.name[:24]}   {times}"), INK, small)
    with whole_file(path, overwrite) as part:
        page.save(part, "PNG")


def _plain(text: str) -> str:
    """What the font has letters for."""
    return "".join(letter if letter.isprintable() and ord(letter) < 0x250 else "?" for letter in text)
