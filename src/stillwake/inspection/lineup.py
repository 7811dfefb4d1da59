"""Takes beside one another: a row each, the best first, with what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stillwake.inspection.faults import PAPER
from stillwake.inspection.sheet import ACCENT, FAINT, GAP, INK, MARGIN, PLAIN
from stillwake.types import Clip, Pixels

COLUMNS, WIDTH = 6, 300
"""Frames of each take, evenly from its first to its last, and their width in px."""


@dataclass(frozen=True, slots=True)
class Row:
    """A take: its clip, its ``title`` and what is said of it; ``chosen`` is the one that was taken."""

    clip: Clip
    title: str
    words: str
    chosen: bool = False


def lineup(rows: Sequence[Row], path: Path, *, overwrite: bool = False) -> Path:
    """A PNG with a row for each take; at most a few frames of each are held.

    Raises
    ------
    stillwake.errors.ClipError
        A clip cannot be decoded.
    stillwake.errors.OutputError
        The sheet cannot be written.
    """
    from PIL import Image, ImageDraw, ImageFont

    from stillwake.media import whole_file

    first = rows[0].clip.info
    height = max(1, round(WIDTH * first.height / first.width))
    heading, step = 58, height + 58 + GAP
    size = (2 * MARGIN + COLUMNS * WIDTH + (COLUMNS - 1) * GAP, 2 * MARGIN + len(rows) * step)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(22), ImageFont.load_default(17)
    for number, row in enumerate(rows):
        top = MARGIN + number * step
        draw.text((MARGIN, top), row.title.translate(PLAIN), INK if not row.chosen else ACCENT, large)
        draw.text((MARGIN, top + 28), row.words.translate(PLAIN)[:190], FAINT, small)
        for column, frame in enumerate(_spread(row.clip)):
            picture = Image.fromarray(frame).resize((WIDTH, height), Image.Resampling.LANCZOS)
            sheet.paste(picture, (MARGIN + column * (WIDTH + GAP), top + heading))
        if row.chosen:
            draw.rectangle((MARGIN - 12, top, MARGIN - 7, top + heading + height), ACCENT)
    with whole_file(path, overwrite) as part:
        sheet.save(part, "PNG", compress_level=6)
    return path


def _spread(clip: Clip) -> list[Pixels]:
    from stillwake.media import read_frames

    last = clip.info.frame_count - 1
    wanted = [round(last * column / (COLUMNS - 1)) for column in range(COLUMNS)]
    kept = {}
    for index, frame in enumerate(read_frames(clip)):
        if index in wanted:
            kept[index] = frame.copy()
    return [kept[index] for index in wanted if index in kept]
