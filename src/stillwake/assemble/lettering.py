"""Captions drawn into frames: white, dark around, where no player lays its bar over them; and a font that has them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stillwake.errors import UnavailableError
from stillwake.types import Floats, Pixels, Size

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

TALL = 0.048
"""The letters' size as a share of the film's height: two lines of 42 letters fit into 16:9, as broadcasters ask."""
UPRIGHT = 1.3
"""Of a film that is higher than so many times its width, that height counts: it is held in a hand, and its lines are
short."""
SAFE = 0.9
"""The share of the width that lines may take, and the share of the height at which they end: SMPTE ST 2046-1's safe
title area, with five in a hundred left at each side."""
MOST_LINES = 3
"""Lines before the letters become smaller; a caption of two lines has more in an upright film."""
SMALLER = (1.0, 0.9, 0.8, 0.7, 0.6)
SPACING = 1.2
"""From line to line, in sizes of the letters."""
OUTLINE, SHADOW = 1 / 14, 1 / 9
"""The outline's width and the shadow's softness, in sizes of the letters."""
WHITE, DARK = 250.0, 14.0
"""Levels of 255."""

FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts", "/Library/Fonts",
    "/System/Library/Fonts", "~/Library/Fonts", "C:/Windows/Fonts",
)  # fmt: skip
"""Where systems keep their fonts."""
NO_LETTERS = ("lastresort", "adobeblank", "emoji", "symbol", "icon", "mono", "italic", "oblique")
"""Fonts of these names are not looked at: placeholders, pictures, or letters that nobody wants in a caption."""

WHAT = "Cannot draw the captions"


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """A caption as it lies on a frame: its corner in px, its light (h, w, 3), and what it leaves (h, w, 1) 0..1."""

    x: int
    y: int
    light: Floats
    left: Floats

    def lay(self, pixels: Pixels) -> Pixels:
        """A frame with the caption on it, of its own."""
        out = pixels.copy()
        height, width = self.left.shape[:2]
        part = out[self.y : self.y + height, self.x : self.x + width]
        part[:] = (part * self.left + self.light + 0.5).astype(np.uint8)
        return out


class Lettering:
    """Draws captions for films of a size."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.letters = max(9.0, TALL * min(size[1], UPRIGHT * size[0]))

    def overlay(self, text: str) -> Overlay:
        """The caption, its lines broken anew where they are too long.

        Raises
        ------
        stillwake.errors.UnavailableError
            No font here has all of its letters.
        """
        from PIL import Image, ImageDraw, ImageFilter

        text = _drawable(text)
        path = font_for(text)
        lines, font = self._lines(text, path)
        outline = max(1, round(font.size * OUTLINE))
        soft = font.size * SHADOW
        step = round(SPACING * font.size)
        reach = outline + round(2.5 * soft)
        boxes = [font.getbbox(line, anchor="ls", stroke_width=outline) for line in lines]
        top = max(0, -round(boxes[0][1])) + reach
        below = max(0, round(boxes[-1][3]))
        width = min(self.size[0], max(round(box[2] - box[0]) for box in boxes) + 2 * reach)
        height = top + step * (len(lines) - 1) + below + reach
        masks = []
        for stroke in (0, outline):
            mask = Image.new("L", (width, height), 0)
            pen = ImageDraw.Draw(mask)
            for number, line in enumerate(lines):
                pen.text((width / 2, top + step * number), line, 255, font, anchor="ms", stroke_width=stroke)
            masks.append(mask)
        fill, around, shadow = (
            np.asarray(mask, np.float32)[..., None] / 255
            for mask in (*masks, masks[1].filter(ImageFilter.GaussianBlur(soft)))
        )
        left = (1 - 0.75 * shadow) * (1 - 0.92 * around) * (1 - fill)
        light = DARK * 0.92 * around * (1 - fill) + WHITE * fill
        y = round(self.size[1] * (1 + SAFE) / 2) - height
        cut = max(0, -y)
        return Overlay((self.size[0] - width) // 2, max(0, y), light[cut:], left[cut:])

    def _lines(self, text: str, path: Path) -> tuple[list[str], FreeTypeFont]:
        """The lines and the font: as they are if they fit, else broken anew, in smaller letters if need be."""
        from PIL import ImageFont

        room = SAFE * self.size[0]
        given = [line for line in text.split("\n") if line.strip()] or [" "]
        font = ImageFont.truetype(str(path), round(self.letters))
        lines = given
        for share in SMALLER:
            font = ImageFont.truetype(str(path), max(7, round(self.letters * share)))
            lines = given if all(font.getlength(line) <= room for line in given) else list(_broken(given, font, room))
            if len(lines) <= max(MOST_LINES, len(given)):
                break
        return lines, font


def _drawable(text: str) -> str:
    """The text composed, and without what is not drawn."""
    composed = unicodedata.normalize("NFC", text).replace("\t", " ")
    return "".join(one for one in composed if one == "\n" or unicodedata.category(one) not in ("Cc", "Cs", "Co", "Cn"))


def _broken(given: list[str], font: FreeTypeFont, room: float) -> Iterator[str]:
    """The words in as few lines as they need, about equally long."""
    pieces = list(_pieces(" ".join(given), font, room))
    least = _filled(pieces, font, room)
    # The narrowest room that needs no more lines makes them alike.
    low, high = max(font.getlength(piece.strip()) for piece in pieces), room
    for _ in range(12):
        middle = (low + high) / 2
        if len(_filled(pieces, font, middle)) <= len(least):
            high = middle
        else:
            low = middle
    yield from _filled(pieces, font, high)


def _filled(pieces: list[str], font: FreeTypeFont, room: float) -> list[str]:
    lines: list[str] = []
    line = ""
    for piece in pieces:
        if line and font.getlength((line + piece).rstrip()) > room:
            lines.append(line.strip())
            line = ""
        line += piece
    return [*lines, line.strip()] if line.strip() else lines


def _pieces(text: str, font: FreeTypeFont, room: float) -> Iterator[str]:
    """What a line may be broken between: words with the space after them; wide letters, as Chinese has, each alone."""
    word = ""
    for letter in text:
        word += letter
        wide = unicodedata.east_asian_width(letter) in "WF" and not unicodedata.category(letter).startswith("P")
        if letter == " " or wide or font.getlength(word + "M") > room:
            yield word
            word = ""
    if word:
        yield word


# ----------------------------------------------------------------------------------------------------------- fonts


def font_for(text: str) -> Path:
    """The file of a font that has every letter of the text: DejaVu Sans, else one of the system's.

    Raises
    ------
    stillwake.errors.UnavailableError
        There is none, or its letters must be joined or ordered in a way that is not possible here.
    """
    wanted = frozenset(ord(one) for one in text if not one.isspace())
    _require_shaping(text)
    fonts, best = 0, frozenset[int]()
    for path in _fonts():
        fonts += 1
        has = _letters(path) & wanted
        if has == wanted:
            return path
        best = max(best, has, key=len)
    missing = "".join(dict.fromkeys(one for one in text if ord(one) in wanted - best))
    shown = missing if len(missing) <= 12 else f"{missing[:12]}…"
    raise UnavailableError(
        WHAT,
        f"no font here has {shown}" if fonts else "there is no font here",
        "install one that has (Noto Sans has nearly all), or write the captions beside the film",
    )


def require_letters(texts: Iterator[str]) -> None:
    """Nothing: returns when every text can be drawn, to say so before hours of work.

    Raises
    ------
    stillwake.errors.UnavailableError
        One cannot.
    """
    for text in texts:
        font_for(_drawable(text))


def _require_shaping(text: str) -> None:
    """Refuse letters that run to the left or change with their neighbours where Pillow cannot lay them out."""
    from PIL import features

    special = [
        one for one in text if unicodedata.bidirectional(one) in ("R", "AL") or unicodedata.category(one) == "Mc"
    ]
    if special and not (features.check("raqm") and features.check("fribidi")):
        raise UnavailableError(
            WHAT,
            f"{special[0]} and its like must be laid out by FriBiDi, which is not here",
            "install it (apt install libfribidi0), or write the captions beside the film",
        )


def _fonts() -> Iterator[Path]:
    """Fonts to look at, the best first."""
    if (carried := _carried_font()) is not None:
        yield carried
    yield from _system_fonts(FOLDERS)


def _carried_font() -> Path | None:
    """DejaVu Sans as matplotlib carries it, which comes with mediapipe; nothing is imported for it."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return path if path.is_file() else None


@lru_cache(maxsize=4)
def _system_fonts(folders: tuple[str, ...]) -> tuple[Path, ...]:
    found: set[Path] = set()
    for folder in folders:
        for where, _, names in os.walk(Path(folder).expanduser()):
            found |= {Path(where) / name for name in names if name.lower().endswith((".ttf", ".otf", ".ttc"))}

    def rank(path: Path) -> tuple[bool, bool, bool, str]:
        name = path.stem.lower().replace("-", "").replace("_", "")
        plain = "regular" in name or not any(kind in name for kind in ("bold", "light", "thin", "black", "medium"))
        return "sans" not in name, not plain, "noto" not in name, name

    kept = [path for path in found if not any(kind in path.stem.lower() for kind in NO_LETTERS)]
    return tuple(sorted(kept, key=lambda path: (rank(path), str(path))))


@lru_cache(maxsize=64)
def _letters(path: Path) -> frozenset[int]:
    """The code points that a font has; none if it is damaged."""
    from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]

    try:
        with TTFont(path, fontNumber=0, lazy=True) as font:
            return frozenset(font.getBestCmap() or ())
    except (OSError, TTLibError, ValueError, LookupError, AssertionError):
        return frozenset()
