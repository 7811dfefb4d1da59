"""The formats a clip can be written in, by the ending of its name, and what each of them can carry."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from stillwake.errors import UsageError
from stillwake.media.files import as_sequence, check_output, shown


@dataclass(frozen=True, slots=True)
class ClipFormat:
    """What a format can carry.

    ``sound`` and ``alpha``: whether it can; ``even``: whether its sides must be even; ``shortest``: how many frames
    it needs at least; ``shrinks``: whether it has a setting that makes the file smaller.
    """

    sound: bool
    alpha: bool
    even: bool = False
    shortest: int = 1
    shrinks: bool = True


CLIP_FORMATS = {
    ".mp4": ClipFormat(sound=True, alpha=False, even=True),
    ".webm": ClipFormat(sound=True, alpha=True),
    ".mov": ClipFormat(sound=True, alpha=True, shrinks=False),
    ".gif": ClipFormat(sound=False, alpha=True),
    ".webp": ClipFormat(sound=False, alpha=True, shortest=2),
    ".apng": ClipFormat(sound=False, alpha=True, shortest=2, shrinks=False),
    ".avif": ClipFormat(sound=False, alpha=True, shortest=2),
}
"""By the ending, in small letters. One picture in WebP, PNG or AVIF is a still, which has no rate."""

CLIP_ENDINGS = tuple(CLIP_FORMATS)
"""The endings of the single files a clip can be written to; besides, there is ``/%05d.png`` for a sequence."""

SEQUENCE = ClipFormat(sound=True, alpha=True, shrinks=False)
"""A folder of PNG pictures."""

GIF_FASTEST = 50
"""Frames a second: GIF counts in hundredths, and browsers show a picture of one hundredth for ten."""

APNG_LARGEST = 65_535
"""APNG gives a frame's seconds as a ratio of two 16-bit numbers."""


def format_of(path: str | os.PathLike[str]) -> ClipFormat:
    """What a clip of that name can carry.

    Raises
    ------
    stillwake.errors.UsageError
        The name ends with nothing we write.
    """
    if as_sequence(path):
        return SEQUENCE
    suffix = Path(path).suffix
    found = CLIP_FORMATS.get(suffix.lower())
    if found is None:
        if suffix.lower() == ".png":
            why = "a .png of that name would hold one picture only"
        else:
            why = f"{suffix} is no format it writes" if suffix else "its name has no ending that tells the format"
        raise UsageError(
            f"Cannot write {shown(path)}",
            why,
            f"end it with {_listed(CLIP_ENDINGS)}, or with /%05d.png for a sequence of pictures",
        )
    return found


def carries_sound(path: str | os.PathLike[str]) -> bool:
    """Whether a clip of that name can hold sound; `format_of` says what it raises."""
    return format_of(path).sound


def carries_alpha(path: str | os.PathLike[str]) -> bool:
    """Whether a clip of that name can be transparent; `format_of` says what it raises."""
    return format_of(path).alpha


def check_clip_output(
    path: str | os.PathLike[str],
    overwrite: bool = False,
    *,
    fps: Fraction | None = None,
    frame_count: int | None = None,
    sound: bool = False,
    alpha: bool = False,
    max_bytes: int | None = None,
) -> None:
    """Nothing: returns when such a clip can be written there, to say what is wrong before hours of work.

    Parameters
    ----------
    path
        Where to.
    overwrite
        Whether a file there may be replaced.
    fps, frame_count
        How fast and how long, with its repetitions, where that is known.
    sound, alpha
        Whether it has sound, and whether its frames are transparent somewhere.
    max_bytes
        The largest file that will do.

    Raises
    ------
    stillwake.errors.UsageError
        The name ends with nothing we write, or that format cannot carry what is asked of it.
    stillwake.errors.OutputError
        As `check_output`.
    """
    kind = format_of(path)
    what = f"Cannot write {shown(path)}"
    suffix = Path(path).suffix.lower()
    if sound and not kind.sound:
        carriers = [ending for ending, other in CLIP_FORMATS.items() if other.sound]
        raise UsageError(
            what, f"{suffix} cannot carry sound", f"end it with {_listed(carriers)}, or leave the sound out"
        )
    if alpha and not kind.alpha:
        carriers = [ending for ending, other in CLIP_FORMATS.items() if other.alpha]
        raise UsageError(
            what, f"{suffix} cannot carry transparency", f"end it with {_listed(carriers)}, or lay it on a colour"
        )
    if frame_count is not None and frame_count < kind.shortest:
        raise UsageError(what, f"one frame in {suffix} is a still, not a clip", "make it longer, or write .mp4")
    if fps is not None and suffix == ".gif" and fps > GIF_FASTEST:
        raise UsageError(
            what,
            f"{float(fps):g} frames a second are too fast for GIF, whose shortest time is 2/100 of a second",
            f"take {GIF_FASTEST} a second or fewer, or end it with .webp",
        )
    if fps is not None and suffix == ".apng" and max(fps.numerator, fps.denominator) > APNG_LARGEST:
        raise UsageError(
            what,
            f"APNG cannot say {fps} frames a second, its numbers end at {APNG_LARGEST}",
            "take another rate, such as 24, 25 or 30000/1001",
        )
    if max_bytes is not None and kind is SEQUENCE:
        raise UsageError(what, "a sequence of pictures has no size limit", f"end it with {_listed(CLIP_ENDINGS)}")
    check_output(path, overwrite)


def _listed(endings: tuple[str, ...] | list[str]) -> str:
    """``.a, .b or .c``."""
    return f"{', '.join(endings[:-1])} or {endings[-1]}"
