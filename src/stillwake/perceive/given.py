"""A face that a person put right: read from a file, checked, and laid over what was seen.

A face has lines, each an (N, 2) array in px under the name a sentence gives it ("left eye's upper_lid", "jaw"). Those
of the file that differ from what was seen are the person's; the rest stays as it was seen, so that a file that nobody
edited changes nothing. Where a face has a mesh, its points follow the lines, the nearest ones most.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from stillwake.errors import FaceError
from stillwake.media.files import opened_input, shown
from stillwake.perceive import topology as at
from stillwake.perceive.faces import MOST_FACES, overlap
from stillwake.perceive.read import face_of, fit_in, read_face
from stillwake.types import (
    Box,
    Eye,
    EyeRecord,
    Face,
    FaceRecord,
    Floats,
    Mouth,
    MouthRecord,
    Part,
    Pixels,
    Still,
    StillInfo,
    Style,
)

Points = npt.NDArray[np.float64]
Iris = tuple[float, float, float] | None
Kind = Literal["photo", "drawn"]

LARGEST_FILE = 1 << 20
"""bytes; a face with its mesh takes 20 000."""
SAME = 0.3
"""Intersection over union from which two boxes hold the same face."""
SMALLEST = 16.0
"""px; the shorter side of a box."""
LEAST_INSIDE = 0.25
"""The share of a box that must lie in the picture."""

_SHOWN = 0.011
"""px, degrees: records are rounded to a hundredth, so what is nearer is the same."""
_APART = 0.1
"""Lines that meet in the corners may miss each other by this share of their width."""

_SIDES: tuple[Part, Part] = ("left eye", "right eye")
_EYE_LINES = ("upper_lid", "lower_lid", "brow")
_LIPS = ("outer_upper", "outer_lower", "inner_upper", "inner_lower")
_ANGLES = ("yaw", "pitch", "roll")
INDICES: Mapping[str, tuple[int, ...]] = {
    **{
        f"{side}'s {line}": indices[i]
        for i, side in enumerate(_SIDES)
        for line, indices in zip(_EYE_LINES, (at.UPPER_LIDS, at.LOWER_LIDS, at.BROWS), strict=True)
    },
    **{
        f"mouth's {line}": indices
        for line, indices in zip(_LIPS, (at.OUTER_UPPER, at.OUTER_LOWER, at.INNER_UPPER, at.INNER_LOWER), strict=True)
    },
    "jaw": at.JAW,
    "nose_tip": (at.NOSE_TIP,),
    "chin": (at.CHIN,),
}
"""Every line of a face, and which points of the mesh make it."""


@dataclass(frozen=True, slots=True)
class GivenFace:
    """A face as a person gives it, and the name of its file for sentences."""

    record: FaceRecord
    name: str = "the face"

    @property
    def what(self) -> str:
        """How an error about it begins."""
        return f"Cannot use {self.name}"


# ------------------------------------------------------------------------------------------------------- the file


def open_face(path: str | os.PathLike[str]) -> GivenFace:
    """The face in a file that `stillwake perceive` wrote or a person did.

    Raises
    ------
    stillwake.errors.FaceError
        It is no such file.
    """
    name = shown(path)
    what = f"Cannot use {name}"
    with opened_input(path, what, FaceError, LARGEST_FILE) as file:
        data = file.read(LARGEST_FILE + 1)
    fix = "write one with: stillwake perceive STILL --face 1 -o FACE.json"
    try:
        seen = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FaceError(what, "it is not UTF-8 text", fix) from error
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise FaceError(what, f"it is not JSON{where}", "mend it, or " + fix) from error
    schema = seen.get("schema") if isinstance(seen, dict) else None
    if schema == "stillwake/scene@1":
        raise FaceError(what, "it is a whole scene", "cut one of its faces out, or " + fix)
    if schema != "stillwake/face@1":
        raise FaceError(what, 'it does not say "schema": "stillwake/face@1"', fix)
    try:
        return GivenFace(FaceRecord.model_validate(seen), name)
    except ValidationError as error:
        raise FaceError(what, _first_fault(error), "mend that, or " + fix) from error


def _first_fault(error: ValidationError) -> str:
    """Where in the file, and what is wrong with it there."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = shown(".".join(str(step) for step in first["loc"][:6]).replace("/", "_"))
    known = {"missing": "it is missing", "extra_forbidden": "a face has no such field"}
    words = known.get(first["type"], " ".join(first["msg"].split()))
    return f"{where or 'a name in it'}: {words[:1].lower()}{words[1:]}"


def record_of(face: Face, still: Still, *, mesh: bool = False) -> FaceRecord:
    """The face as a file has it, rounded to a hundredth of a px."""
    lines = {name: _rounded(line) for name, line in _lines(face).items()}
    width, height = still.size
    return FaceRecord(
        still=StillInfo(name=still.name, sha256=still.sha256, width=width, height=height),
        kind=face.kind,
        box=_rounded(face.box),
        yaw=round(face.yaw, 2),
        pitch=round(face.pitch, 2),
        roll=round(face.roll, 2),
        confidence={part: round(float(value), 3) for part, value in face.confidence.items()},
        eyes=(_eye_record(lines, face, 0), _eye_record(lines, face, 1)),
        mouth=MouthRecord(**{line: lines[f"mouth's {line}"] for line in _LIPS}),
        jaw=lines["jaw"],
        nose_tip=lines["nose_tip"][0],
        chin=lines["chin"][0],
        mesh=_rounded(face.mesh) if mesh and face.mesh is not None else None,
    )


def _eye_record(lines: Mapping[str, Any], face: Face, side: int) -> EyeRecord:
    iris = face.eyes[side].iris
    return EyeRecord(
        **{line: lines[f"{_SIDES[side]}'s {line}"] for line in _EYE_LINES},
        iris=None if iris is None else _rounded(iris),
    )


def _rounded(values: Any) -> Any:
    """An array as nested tuples, rounded to a hundredth."""
    rounded = np.round(np.asarray(values, np.float64), 2).tolist()
    return tuple(tuple(row) if isinstance(row, list) else row for row in rounded)


def written(record: FaceRecord) -> dict[str, Any]:
    """The record as JSON has it; a mesh that is not there is not named."""
    return record.model_dump(mode="json", exclude={"mesh"} if record.mesh is None else None)


def text_of(record: FaceRecord) -> str:
    """The record as a person edits it: JSON with one line of the face on each line of text."""
    return _text(written(record), 0) + "\n"


def _text(value: Any, depth: int) -> str:
    pad = "  " * (depth + 1)
    if isinstance(value, dict) and value and depth < 3 and any(isinstance(v, dict | list) for v in value.values()):
        inner = [f"{pad}{json.dumps(key)}: {_text(held, depth + 1)}" for key, held in value.items()]
        return "{\n" + ",\n".join(inner) + "\n" + "  " * depth + "}"
    if isinstance(value, list) and any(isinstance(held, dict) for held in value):
        return "[\n" + ",\n".join(pad + _text(held, depth + 1) for held in value) + "\n" + "  " * depth + "]"
    return json.dumps(value, ensure_ascii=False)


# ------------------------------------------------------------------------------------------------- over what is seen


def require_for(one: GivenFace, still: Still) -> None:
    """Nothing, where the face can lie in this picture.

    Raises
    ------
    stillwake.errors.FaceError
        It was made for another picture, or its box is none or lies outside.
    """
    of = one.record.still
    if of is not None and of.sha256 != still.sha256:
        raise FaceError(
            one.what,
            f"it was made for {shown(of.name)}, which is not the same file as {shown(still.name)}",
            'write one for this picture, or, where a face lies in the same place in both, take "still" out of it',
        )
    x0, y0, x1, y1 = one.record.box
    width, height = still.size
    fix = f"write it as [left, top, right, bottom] in px of the picture, which is {width}×{height}"
    if min(x1 - x0, y1 - y0) < SMALLEST:
        raise FaceError(one.what, f"its box has no size, or less than {SMALLEST:.0f} px", fix)
    inside = max(0.0, min(x1, width) - max(x0, 0)) * max(0.0, min(y1, height) - max(y0, 0))
    if inside < LEAST_INSIDE * (x1 - x0) * (y1 - y0):
        raise FaceError(one.what, "its box lies outside the picture", fix)


def told_style(given: Sequence[GivenFace], read: Style) -> Style:
    """The style: what a given face says where it says it, else what was read."""
    kinds = {one.record.kind for one in given}
    if "drawn" in kinds:
        return "drawn"
    return "photo" if "photo" in kinds and read == "drawn" else read


def with_given(
    pixels: Pixels, seen: Sequence[Face], given: Sequence[GivenFace], style: Style
) -> tuple[tuple[Face, ...], tuple[int, ...]]:
    """The faces with the given ones among them, largest first, and the given ones' numbers from 1.

    A given face takes the place of those it overlaps.

    Raises
    ------
    stillwake.errors.FaceError
        A given face cannot be read, or its lines make no face.
    """
    left, mine = list(seen), []
    for one in given:
        box = one.record.box
        like = max(left, key=lambda face: overlap(face.box, box), default=None)
        if like is not None and overlap(like.box, box) <= SAME:
            like = None
        face = put_right(pixels, one, like, one.record.kind or ("drawn" if style == "drawn" else "photo"))
        mine.append(face)
        left = [other for other in left if other is not like and overlap(other.box, face.box) <= SAME]
    faces = sorted([*mine, *left[: MOST_FACES - len(mine)]], key=lambda face: -face.size)
    return tuple(faces), tuple(next(n for n, f in enumerate(faces, 1) if f is face) for face in mine)


def put_right(pixels: Pixels, one: GivenFace, seen: Face | None, kind: Kind) -> Face:
    """The face that a record gives; ``seen`` is what perception found there, if anything.

    Raises
    ------
    stillwake.errors.FaceError
        It cannot be read, or its lines make no face.
    """
    record = one.record
    given, irises = _lines(record), _irises(record)
    base = _base(pixels, one, seen, kind, complete=_complete(record))
    if base is not None and not given and record.mesh is None:
        return dataclasses.replace(base, confidence=_confidence(record, base, {"face"} if base is not seen else set()))
    before = {} if base is None else _lines(base)
    changed = {name for name, line in given.items() if not _same(line, before.get(name))}
    seen_irises = {} if base is None else _irises(base)
    moved = {side for side, iris in irises.items() if not _same_iris(iris, seen_irises.get(side, (0.0, 0.0, 0.0)))}
    by_hand = _parts(changed, moved)
    box: Box = record.box if base is None or not _same(record.box, base.box) else base.box
    angles = {name: _angle(name, record, base) for name in _ANGLES}
    if base is None or box != base.box or any(angles[name] != getattr(base, name) for name in _ANGLES):
        by_hand.add("face")
    mesh = _mesh(one, base)
    if base is not None and mesh is base.mesh and not by_hand:
        return dataclasses.replace(base, confidence=_confidence(record, base, by_hand))
    lines = before | {name: given[name] for name in changed}
    lines = _joined(one, lines, angles["roll"])
    held = seen_irises | {side: irises[side] for side in moved}
    if mesh is not None:
        mesh = _followed(mesh, lines, changed, held)
        lines = {name: mesh[list(indices), :2] for name, indices in INDICES.items()}
    _require_near(one, {name: lines[name] for name in sorted(changed)}, held, mesh, box)
    _require_order(one, {name: lines[name] for name in sorted(changed)}, angles["roll"])
    return _face(lines, held, box, angles, kind, _confidence(record, base, by_hand), mesh)


def _complete(record: FaceRecord) -> bool:
    """Whether nothing has to be read from the picture."""
    return len(_lines(record)) == len(INDICES) and all(getattr(record, name) is not None for name in _ANGLES)


def _base(pixels: Pixels, one: GivenFace, seen: Face | None, kind: Kind, *, complete: bool) -> Face | None:
    """What stands where the record says nothing: what was seen, else what is read in the box; None: nothing needed."""
    record = one.record
    roll = record.roll or 0.0
    if seen is not None and seen.kind == kind and (complete or _same(record.box, seen.box)):
        return seen
    if complete and kind == "drawn":
        return None
    if complete:  # the lines say where the face is: the mesh only has to follow them
        return face_of(pixels, fit_in(pixels, record.box, roll), "photo")
    try:
        return read_face(pixels, record.box, kind, roll)
    except FaceError as error:
        raise FaceError(one.what, error.why, error.fix) from error


def _mesh(one: GivenFace, base: Face | None) -> Floats | None:
    """The mesh before it follows the lines: the record's where it has one that differs, else the base's."""
    if one.record.mesh is None:
        return None if base is None else base.mesh
    mesh = np.asarray(one.record.mesh, np.float32)
    _require_near(one, {}, {}, mesh, one.record.box)
    return base.mesh if base is not None and base.mesh is not None and _same(mesh, base.mesh) else mesh


def _angle(name: str, record: FaceRecord, base: Face | None) -> float:
    said: float | None = getattr(record, name)
    seen: float | None = None if base is None else getattr(base, name)
    if said is None or (seen is not None and abs(said - seen) < _SHOWN):
        return seen if seen is not None else 0.0
    return said


def _parts(changed: set[str], irises: set[str]) -> set[str]:
    """The parts of a face that lines belong to."""
    return {
        next((part for part in (*_SIDES, "mouth") if name.startswith(part)), "face") for name in (*changed, *irises)
    }


def _confidence(record: FaceRecord, base: Face | None, by_hand: set[str]) -> dict[str, float]:
    """The record's word where it differs from what was seen; else 1 for what a person gave, and what was seen."""
    was: Mapping[str, float] = {} if base is None else base.confidence

    def said(part: Part) -> float | None:
        word = record.confidence.get(part)
        return None if word is None or abs(word - was.get(part, -1.0)) < 0.001 else word

    sure = {}
    for part in ("face", "mouth", *_SIDES):
        word = said(part)
        if word is None and part in _SIDES:
            word = said("eyes")
        before = was.get(part, was.get("eyes", 1.0) if part in _SIDES else 1.0)
        sure[part] = word if word is not None else 1.0 if part in by_hand else before
    untouched = all(sure[side] == was.get(side) for side in _SIDES)
    eyes = was["eyes"] if untouched and "eyes" in was else min(sure[side] for side in _SIDES)
    return {"face": sure["face"], **{side: sure[side] for side in _SIDES}, "eyes": eyes, "mouth": sure["mouth"]}


# -------------------------------------------------------------------------------------------------------- the lines


def _lines(thing: Face | FaceRecord) -> dict[str, Floats]:
    """Every line that is there, (N, 2) float32 px."""
    return {name: np.asarray(line, np.float32).reshape(-1, 2) for name, line in _named(thing)}


def _named(thing: Face | FaceRecord) -> Iterator[tuple[str, Any]]:
    for side, eye in zip(_SIDES, thing.eyes, strict=True):
        if eye is not None:
            yield from ((f"{side}'s {line}", getattr(eye, line)) for line in _EYE_LINES)
    if thing.mouth is not None:
        yield from ((f"mouth's {line}", getattr(thing.mouth, line)) for line in _LIPS)
    for name in ("jaw", "nose_tip", "chin"):
        if getattr(thing, name) is not None:
            yield name, getattr(thing, name)


def _irises(thing: Face | FaceRecord) -> dict[str, Iris]:
    return {side: eye.iris for side, eye in zip(_SIDES, thing.eyes, strict=True) if eye is not None}


def _same(a: npt.ArrayLike, b: npt.ArrayLike | None) -> bool:
    """Whether two lines are the same but for the rounding of a record."""
    if b is None:
        return False
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return a.shape == b.shape and bool(np.abs(a - b).max() < _SHOWN)


def _same_iris(a: Iris, b: Iris) -> bool:
    return a == b if a is None or b is None else _same(a, b)


def _joined(one: GivenFace, lines: Mapping[str, Floats], roll: float) -> dict[str, Floats]:
    """The lines, those of an eye and of the lips meeting in the corners."""
    joined = dict(lines)
    pairs = [(f"{side}'s upper_lid", f"{side}'s lower_lid") for side in _SIDES]
    pairs += [(f"mouth's {where}_upper", f"mouth's {where}_lower") for where in ("outer", "inner")]
    for name, other in pairs:
        upper, lower = joined[name].copy(), joined[other].copy()
        width = np.linalg.norm(upper[-1] - upper[0])
        for end in (0, -1):
            if np.linalg.norm(upper[end] - lower[end]) > max(1.0, _APART * width):
                raise FaceError(
                    one.what, f"the {name} and {other} do not meet in the corners", "give both the same end points"
                )
            upper[end] = lower[end] = (upper[end] + lower[end]) / 2
        joined[name], joined[other] = upper, lower
    return joined


def _require_near(
    one: GivenFace, lines: Mapping[str, Floats], irises: Mapping[str, Iris], mesh: Floats | None, box: Box
) -> None:
    """Nothing, where all that a person gave lies no further from the box than it is long."""
    low, high = np.array(box[:2]), np.array(box[2:])
    reach = float((high - low).max())
    rings = {f"{side}'s iris": np.array([iris[:2]]) for side, iris in irises.items() if iris is not None}
    for name, line in {**lines, **rings, **({} if mesh is None else {"mesh": mesh[:, :2]})}.items():
        if ((line < low - reach) | (line > high + reach)).any():
            raise FaceError(one.what, f"the {name} lies far from the box", "put both where the face is")
    if any(iris is not None and iris[2] > reach / 2 for iris in irises.values()):
        raise FaceError(one.what, "an iris is larger than the face", "give it as [x, y, radius]")
    if mesh is not None and np.abs(mesh[:, 2]).max() > 2 * reach:
        raise FaceError(one.what, "the mesh is deeper than the face is large", 'leave "mesh" out')


def _require_order(one: GivenFace, lines: Mapping[str, Floats], roll: float) -> None:
    """Nothing, where the lines that a person gave run from the viewer's left to the right, and the eyes stand so."""
    across = np.array([np.cos(np.radians(roll)), np.sin(np.radians(roll))])
    for name, line in lines.items():
        if len(line) > 1 and (line[-1] - line[0]) @ across < 1:
            raise FaceError(
                one.what,
                f"the {name} does not run from the viewer's left to the right",
                "give its points in that order, with roll being how far the face tilts clockwise",
            )
    left, right = (lines.get(f"{side}'s upper_lid") for side in _SIDES)
    if left is not None and right is not None and (right.mean(0) - left.mean(0)) @ across < 1:
        raise FaceError(one.what, "the eyes stand in the wrong order", "give the viewer's left one first")


def _resampled(line: Floats, like: Floats) -> Floats:
    """A line with as many points as ``like``, spread along it as those are."""
    if len(line) == len(like):
        return line

    def along(points: Floats) -> Points:
        steps = np.linalg.norm(np.diff(points.astype(np.float64), axis=0), axis=1)
        run = np.concatenate([[0.0], np.cumsum(steps)])
        return run / run[-1] if run[-1] > 0 else np.linspace(0, 1, len(points))

    at_points, run = along(like), along(line)
    return np.stack([np.interp(at_points, run, line[:, axis]) for axis in (0, 1)], axis=1).astype(np.float32)


def _followed(mesh: Floats, lines: Mapping[str, Floats], changed: set[str], irises: Mapping[str, Iris]) -> Floats:
    """The mesh, (478, 3) px, with its points on the lines and all others moved along with those near them."""
    targets: dict[int, Floats] = {}
    for name in sorted(INDICES, key=lambda name: name in changed):  # where lines share a point, the person's wins
        line = _resampled(lines[name], mesh[list(INDICES[name]), :2])
        targets.update(zip(INDICES[name], line, strict=True))
    where = list(targets)
    to = np.stack([targets[index] for index in where]).astype(np.float64)
    points = mesh[:, :2].astype(np.float64)
    turn = 1.0
    if len(changed) > len(INDICES) / 2:  # first all together: shifted, turned and scaled as the lines ask on the whole
        flat, there = points @ (1, 1j), to @ (1, 1j)
        turn, shift = np.linalg.lstsq(np.stack([flat[where], np.ones(len(where))], axis=1), there, rcond=None)[0]
        flat = turn * flat + shift
        points = np.stack([flat.real, flat.imag], axis=1)
    # then what is left, each point as those near it: weights fall with the fourth power of the distance
    between = max(1.0, float(np.linalg.norm(points[at.IRISES[0]] - points[at.IRISES[1]])))
    square = ((points[:, None] - points[None, where]) ** 2).sum(-1) / between**2
    weights = 1 / (square + 1e-4) ** 2
    points += weights @ (to - points[where]) / weights.sum(1, keepdims=True)
    points[where] = to
    for side, centre, rim in zip(_SIDES, at.IRISES, at.IRIS_RIMS, strict=True):
        iris = irises.get(side)
        if iris is not None:
            spread = points[list(rim)] - points[centre]
            spread *= iris[2] / max(1e-6, float(np.linalg.norm(spread, axis=1).mean()))
            points[centre] = iris[:2]
            points[list(rim)] = iris[:2] + spread
    followed: Floats = np.concatenate([points, mesh[:, 2:] * abs(turn)], axis=1).astype(np.float32)
    return followed


def _face(
    lines: Mapping[str, Floats],
    irises: Mapping[str, Iris],
    box: Box,
    angles: Mapping[str, float],
    kind: Kind,
    confidence: Mapping[str, float],
    mesh: Floats | None,
) -> Face:
    def eye(side: str) -> Eye:
        upper, lower, brow = (np.array(lines[f"{side}'s {line}"], np.float32) for line in _EYE_LINES)
        return Eye(upper, lower, brow, irises.get(side))

    def point(name: str) -> tuple[float, float]:
        x, y = lines[name][0]
        return float(x), float(y)

    return Face(
        box=box,
        eyes=(eye(_SIDES[0]), eye(_SIDES[1])),
        mouth=Mouth(*(np.array(lines[f"mouth's {line}"], np.float32) for line in _LIPS)),
        jaw=np.array(lines["jaw"], np.float32),
        nose_tip=point("nose_tip"),
        chin=point("chin"),
        yaw=angles["yaw"],
        pitch=angles["pitch"],
        roll=angles["roll"],
        kind=kind,
        confidence=dict(confidence),
        mesh=mesh,
    )
