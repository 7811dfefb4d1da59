"""The edit: which picture and which sounds stand at which moment of a film, exactly.

Pictures begin and end on frames of the film; sounds begin where a `Fraction` of a second says, to the sample. A cut
of the picture never moves a sound: a recording that runs on under several shots is laid once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from stillwake.types import Rate, Record, Seconds, Size, Sound, Speech

Transition = Literal["cut", "dissolve", "fade"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A shot's picture in the film.

    Film frames ``start`` up to, not including, ``end`` show its clip's frames from ``first`` on. ``shot`` counts the
    storyboard's shots from 0. ``transition`` says how it begins: a "cut"; a "dissolve", whose ``frames`` it shares
    with the picture before, so that it starts before that one ends; a "fade" through black, half of whose ``frames``
    lie at the end of the picture before and half at its own beginning.
    """

    shot: int
    name: str
    start: int
    end: int
    first: int = 0
    transition: Transition = "cut"
    frames: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A sound in the film: from its own second ``begin`` to ``end``, heard from the film's second ``start`` on.

    ``shot`` is the one whose speech it is, or whose clip it came with; None is the bed of the whole film. ``gain`` dB;
    ``fade_in`` and ``fade_out`` seconds; ``duck`` dB by which it goes down while somebody speaks; ``loops`` until the
    film ends. ``speech`` is its timeline, in the sound's own seconds, where somebody speaks in it.
    """

    shot: int | None
    sound: Sound
    start: Fraction
    begin: Fraction
    end: Fraction
    gain: float = 0.0
    fade_in: Fraction = Fraction(0)
    fade_out: Fraction = Fraction(0)
    duck: float = 0.0
    loops: bool = False
    speech: Speech | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """A film before it is joined: ``frame_count`` frames of ``size`` px at ``fps``; pictures in order; all sounds.

    Every frame of the film is covered by one picture, or by two in a dissolve.
    """

    fps: Fraction
    size: Size
    frame_count: int
    pictures: tuple[Picture, ...]
    tracks: tuple[Track, ...]

    @property
    def seconds(self) -> Fraction:
        """How long the film is."""
        return self.frame_count / self.fps


def changes(pictures: Sequence[Picture | PictureRecord]) -> tuple[tuple[int, int], ...]:
    """The film frames, first to last, in which each picture but the first gives way to the next; of a cut its first.

    A first picture that fades in gives the frames of that.
    """
    found: list[tuple[int, int]] = []
    for place, picture in enumerate(pictures):
        if picture.transition == "cut":
            found += [(picture.start, picture.start)] if place else []
            continue
        first = picture.start - (picture.frames // 2 if picture.transition == "fade" else 0)
        found.append((max(0, first), first + picture.frames - 1))
    return tuple(found)


def fits_its_film(edit: Edit | EditRecord) -> bool:
    """Whether all pictures lie in the film, one after the other: a record may have been written by anybody."""
    pictures: Sequence[Picture | PictureRecord] = edit.pictures
    ends = [picture.end for picture in pictures]
    return all(
        0 <= picture.start < picture.end <= edit.frame_count
        and 0 <= picture.frames <= edit.frame_count
        and picture.end > before
        for picture, before in zip(pictures, [0, *ends], strict=False)
    )


# ------------------------------------------------------------------------------------------------------ as a record


class PictureRecord(Record):
    """A `Picture` as a file has it; ``shot`` counts from 1."""

    shot: int
    name: str
    start: int
    end: int
    first: int
    transition: Transition
    frames: int


class TrackRecord(Record):
    """A `Track` as a file has it; ``shot`` counts from 1, ``sound`` and ``sha256`` are its file's."""

    shot: int | None
    sound: str
    sha256: str
    start: Seconds
    begin: Seconds
    end: Seconds
    gain: float
    fade_in: Seconds
    fade_out: Seconds
    duck: float
    loops: bool


class EditRecord(Record):
    """An `Edit` as a file has it: frames are counted from 0, seconds are exact."""

    fps: Rate
    size: Size
    frame_count: int
    pictures: tuple[PictureRecord, ...]
    tracks: tuple[TrackRecord, ...]


def record_of(edit: Edit) -> EditRecord:
    """The edit to be written down."""
    return EditRecord(
        fps=edit.fps,
        size=edit.size,
        frame_count=edit.frame_count,
        pictures=tuple(
            PictureRecord(**{name: getattr(one, name) for name in PictureRecord.model_fields} | {"shot": one.shot + 1})
            for one in edit.pictures
        ),
        tracks=tuple(
            TrackRecord(
                **{name: getattr(one, name, None) for name in TrackRecord.model_fields}
                | {
                    "shot": None if one.shot is None else one.shot + 1,
                    "sound": one.sound.name,
                    "sha256": one.sound.sha256,
                }
            )
            for one in edit.tracks
        ),
    )
