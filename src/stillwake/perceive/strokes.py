"""Brush strokes that a person painted: where something in the picture moves, and which way.

Three kinds of file are read. Our own says it in full. A bare mask says where, not which way, so it needs a JSON beside
it. What ComfyUI's spline editor (KJNodes) writes are paths alone, and a band along each path then moves.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from stillwake.errors import InputError
from stillwake.media.files import opened_input, shown
from stillwake.media.stills import MOST_PIXELS, damage, picture_errors, silence
from stillwake.types import Floats, Record, Size, Strokes

LARGEST_FILE = 2 * 2**20
"""Bytes of a JSON file: a hundred thousand numbers."""
LARGEST_MASK = 32 * 2**20
"""Bytes of a mask."""
MOST_LINES = 256
MOST_POINTS = 4096
"""In one line; an editor samples a spline at a hundred or so."""
FASTEST = 5000.0
"""px/s; what is faster is a slip of the keyboard."""
BAND = 0.05
"""Half the width of the band along a path without a mask, as a share of the picture's longer side."""

_LEAST_AREA = 0.002
"""The share of the picture that must be left to move: a speck is a slip."""
_SHORTEST = 1.0
"""px; a shorter arrow has no direction."""
_ASPECT = 0.01
"""By how much a mask's aspect may differ from the picture's: whole pixels of a small mask are no closer."""
_FIX = 'write it as {"mask": "mask.png", "arrows": [[x0, y0, x1, y1]], "speed": px/s}'
_PNG = b"\x89PNG\r\n\x1a\n"

_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Point = tuple[_Number, _Number]
_Line = Annotated[tuple[_Point, ...], Field(max_length=MOST_POINTS)]
_Lines = Annotated[tuple[_Line, ...], Field(max_length=MOST_LINES)]


class BrushRecord(Record):
    """A brush as a file has it.

    The area that moves is the ``mask``, a PNG beside the file, and the ``polygons`` and ``positive`` points; where
    there is none of them, a band along the ``arrows`` and ``paths``. What lies in ``still`` polygons or at
    ``negative`` points stands still. ``units`` "share" counts 0..1 across and down the picture; where they are not
    given, lines that lie in 0..1 altogether are shares. ``speed`` is always in px/s of the picture.
    """

    schema_: Literal["stillwake/brush@1"] = Field("stillwake/brush@1", alias="schema")
    mask: Annotated[str, Field(max_length=255)] | None = None
    polygons: _Lines = ()
    arrows: Annotated[tuple[tuple[_Number, _Number, _Number, _Number], ...], Field(max_length=MOST_LINES)] = ()
    paths: _Lines = ()
    still: _Lines = ()
    positive: _Line = ()
    negative: _Line = ()
    speed: Annotated[float, Field(strict=True, gt=0, le=FASTEST, allow_inf_nan=False)] | None = None
    mode: Literal["flow", "wave"] | None = None
    units: Literal["px", "share"] | None = None


def open_strokes(path: str | os.PathLike[str], still_size: Size) -> Strokes:
    """The strokes in a file, for a picture of that size.

    Raises
    ------
    stillwake.errors.InputError
        It is no such file, or does not fit the picture.
    """
    path = Path(path)
    what = f"Cannot use {shown(path)}"
    with opened_input(path, what, InputError, LARGEST_MASK) as file:
        head = file.read(len(_PNG))
    if head != _PNG:
        return _strokes(_record(path, what), path, None, still_size)
    beside = path.with_suffix(".json")
    if not beside.is_file():
        raise InputError(
            what,
            "a mask says where, not which way",
            f'write {shown(beside)} beside it with {{"arrows": [[x0, y0, x1, y1]]}} in px, or give a JSON that names '
            f'it: {{"mask": "{shown(path)}", "arrows": [[x0, y0, x1, y1]]}}',
        )
    return _strokes(_record(beside, f"Cannot use {shown(beside)}"), beside, path, still_size)


def open_mask(path: str | os.PathLike[str], still_size: Size) -> npt.NDArray[np.bool_]:
    """What a mask paints white, (H, W) bool, for a picture of that size.

    Raises
    ------
    stillwake.errors.InputError
        It is no PNG, has another shape than the picture, or paints nothing.
    """
    path = Path(path)
    painted = _read_mask(path, f"Cannot use {shown(path)}", still_size) > 0.5
    if not painted.any():
        raise InputError(f"Cannot use {shown(path)}", "nothing in it is white", "paint white what is to stand still")
    return painted


# ------------------------------------------------------------------------------------------------------- the record


def _record(path: Path, what: str) -> BrushRecord:
    """The record of a JSON file of any of the kinds."""
    with opened_input(path, what, InputError, LARGEST_FILE) as file:
        data = file.read(LARGEST_FILE + 1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(what, "it is neither a PNG nor UTF-8 text", _FIX) from error
    if text.lstrip("[ \t\r\n").startswith("{'"):  # older spline editors write Python's quotes
        text = text.replace("'", '"')
    try:
        seen = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(what, f"it is not JSON{where}", "mend it, or " + _FIX) from error
    try:
        return BrushRecord.model_validate(_in_our_words(seen))
    except ValidationError as error:
        raise InputError(what, _first_fault(error), "mend that, or " + _FIX) from error


def _in_our_words(seen: Any) -> Any:
    """Other tools' files as a record of ours has it; what is none of them is left to the record to refuse."""
    if isinstance(seen, list):  # splines: px, and never shares
        lines = seen if seen and all(isinstance(line, list) for line in seen) else [seen]
        return {"paths": [[_pair(point) for point in line] for line in lines], "units": "px"}
    if not isinstance(seen, dict):
        return seen
    ours = dict(seen)
    for key in ("positive", "negative"):
        if isinstance(ours.get(key), list):
            ours[key] = [_pair(point) for point in ours[key]]
    if "polygon" in ours and "polygons" not in ours:  # the study's brush: one polygon, in shares
        ours["polygons"] = [ours.pop("polygon")]
        ours.pop("cycle", None)
        ours.setdefault("units", "share")
    return ours


def _pair(point: Any) -> Any:
    """A point {"x": .., "y": ..} as [x, y]."""
    return [point["x"], point["y"]] if isinstance(point, dict) and {"x", "y"} <= point.keys() else point


def _first_fault(error: ValidationError) -> str:
    """Where in the file, and what is wrong with it there."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = shown(".".join(str(step) for step in first["loc"][:6]).replace("/", "_")) if first["loc"] else ""
    known = {"missing": "it is missing", "extra_forbidden": "a brush has no such field"}
    known["model_type"] = "it is neither an object nor a list of points"
    words = known.get(first["type"], " ".join(first["msg"].split()).replace("tuple", "list"))
    return f"{where + ': ' if where else ''}{words[:1].lower()}{words[1:]}"


# ------------------------------------------------------------------------------------------------------ the strokes


def _strokes(record: BrushRecord, path: Path, mask_file: Path | None, size: Size) -> Strokes:
    """The strokes of a record; ``mask_file`` is a mask that it need not name."""
    what = f"Cannot use {shown(mask_file or path)}"
    paths = tuple(_paths(record, what, size))
    areas = [_in_px(line, record, size) for line in record.polygons]
    at_rest = [_in_px(line, record, size) for line in record.still]
    _require_areas(record, areas + at_rest, what, size)
    moving, resting = (_in_px(points, record, size) for points in (record.positive, record.negative))
    _require_inside({"positive": moving, "negative": resting}, what, size)
    if not paths:
        raise InputError(
            what,
            "nothing in it says which way",
            'add "arrows": [[x0, y0, x1, y1]], from where to where, or "paths"',
        )
    given = mask_file if mask_file is not None and record.mask is None else _beside(record.mask, path, what)
    if given is None and not areas and not len(moving):
        mask = _band(paths, size)
    else:
        mask = np.zeros(size[::-1], np.float32) if given is None else _read_mask(given, what, size)
        mask = np.maximum(mask, _filled(areas, moving, size))
    painted = _moves(mask)
    mask *= 1 - _filled(at_rest, resting, size)
    if not _moves(mask):
        why = "its still areas cover all that moves" if painted else "nothing in it moves, or a speck"
        raise InputError(what, why, "paint white what moves" if not painted else "make them smaller")
    return Strokes(mask.astype(np.float32), paths, record.speed, record.mode, shown(mask_file or path))


def _paths(record: BrushRecord, what: str, size: Size) -> Iterator[Floats]:
    """Every arrow and path, (N, 2) px."""
    lines: dict[str, tuple[_Point, ...]] = {
        **{f"arrow {n}": (arrow[:2], arrow[2:]) for n, arrow in enumerate(record.arrows, 1)},
        **{f"path {n}": line for n, line in enumerate(record.paths, 1)},
    }
    for name, line in lines.items():
        points = _in_px(line, record, size)
        if len(points) < 2:
            raise InputError(what, f"{name} has {_counted(len(points))}", "give it two at least, from where to where")
        _require_inside({name: points}, what, size)
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        if steps.sum() < _SHORTEST:
            raise InputError(what, f"{name} has no length", "draw it from where to where, over some px")
        yield points[np.concatenate([[True], steps > 0])].astype(np.float32)


def _counted(number: int) -> str:
    return "one point" if number == 1 else "no point"


def _in_px(points: Sequence[_Point], record: BrushRecord, size: Size) -> Any:
    """Points (N, 2) float64 px of the picture, whose top left pixel has its centre at 0, 0."""
    flat = np.array(points, np.float64).reshape(-1, 2)
    return flat * size - 0.5 if _in_shares(record) else flat


def _in_shares(record: BrushRecord) -> bool:
    if record.units is not None:
        return record.units == "share"
    numbers = [value for arrow in record.arrows for value in arrow]
    for lines in (record.polygons, record.paths, record.still, (record.positive, record.negative)):
        numbers += [value for line in lines for point in line for value in point]
    return bool(numbers) and min(numbers) >= 0 and max(numbers) <= 1


def _require_inside(lines: dict[str, Any], what: str, size: Size) -> None:
    """Nothing, where every point lies in the picture or on its edge."""
    for name, points in lines.items():
        outside = ((points < -1) | (points > size)).any(1)
        if outside.any():
            x, y = points[outside][0]
            raise InputError(
                what,
                f"a point of {name} lies at {x:.6g}, {y:.6g}, outside the picture",
                f"the picture is {size[0]}×{size[1]} px: keep within it"
                + (', or say "units": "px" or "share"' if max(abs(x), abs(y)) > 2 * max(size) else ""),
            )


def _require_areas(record: BrushRecord, areas: Sequence[Any], what: str, size: Size) -> None:
    """Nothing, where every polygon has a corner or three; it may reach over the picture's edge, but not far."""
    names = [f"polygon {n + 1}" for n in range(len(record.polygons))]
    names += [f"still area {n + 1}" for n in range(len(record.still))]
    for name, points in zip(names, areas, strict=True):
        if len(points) < 3:
            raise InputError(what, f"{name} has fewer than three points", "give it its corners, in their order")
        far = ((points < -np.array(size)) | (points > 2 * np.array(size))).any(1)
        if far.any():
            x, y = points[far][0]
            raise InputError(
                what,
                f"a point of {name} lies at {x:.6g}, {y:.6g}, far outside the picture",
                f"the picture is {size[0]}×{size[1]} px: keep within it",
            )


# --------------------------------------------------------------------------------------------------------- the mask


def _moves(mask: Floats) -> bool:
    return bool((mask > 0.5).mean() >= _LEAST_AREA)


def _beside(name: str | None, path: Path, what: str) -> Path | None:
    """The file of that name beside the JSON: a name alone, nothing that leads elsewhere."""
    if name is None:
        return None
    if name in ("", ".", "..") or name != Path(name).name or "\\" in name or "\0" in name:
        raise InputError(what, "its mask is not a plain file name", "put the mask beside it and give its name alone")
    return path.with_name(name)


def _read_mask(path: Path, what: str, size: Size) -> Floats:
    """A mask (H, W) 0..1 in the picture's size: how light it is, where it is not transparent."""
    from PIL import Image

    masked = f"{what}, its mask {shown(path)}" if shown(path) not in what else what
    with opened_input(path, masked, InputError, LARGEST_MASK) as file, silence():
        try:
            with Image.open(file, formats=("PNG",)) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    raise InputError(masked, f"it is {width}×{height} px", f"make it {size[0]}×{size[1]} px")
                if abs(width / height / (size[0] / size[1]) - 1) > _ASPECT:
                    raise InputError(
                        masked,
                        f"the mask is {width}×{height} px and the picture {size[0]}×{size[1]} px, another shape",
                        "export the mask in the picture's size",
                    )
                if image.mode.startswith("I"):  # 16 bit
                    return _resized(np.asarray(image, np.float32) / 65535, size)
                light, alpha = np.moveaxis(np.asarray(image.convert("LA"), np.float32) / 255, 2, 0)
        except picture_errors() as error:
            raise InputError(masked, damage(error), "export it as a PNG, white where it moves") from error
    covered = light * alpha
    if alpha.min() < 1 and not _moves(covered):  # black strokes on a transparent layer
        covered = alpha
    return _resized(covered, size)


def _resized(mask: Floats, size: Size) -> Floats:
    import cv2

    smaller = size[0] < mask.shape[1]
    resized: Floats = cv2.resize(mask, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return np.clip(resized, 0, 1)


def _filled(areas: Sequence[Any], points: Any, size: Size) -> Floats:
    """1 inside the polygons and near the points, (H, W)."""
    import cv2

    mask = np.zeros(size[::-1], np.uint8)
    for area in areas:
        cv2.fillPoly(mask, [np.round(area * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
    for x, y in points:
        cv2.circle(mask, (round(x), round(y)), max(2, round(BAND * max(size))), 255, -1, cv2.LINE_AA)
    return mask.astype(np.float32) / 255


def _band(paths: Sequence[Floats], size: Size) -> Floats:
    """1 along the paths, falling to 0 at the band's edge, (H, W)."""
    import cv2

    away = np.full(size[::-1], 255, np.uint8)
    lines = [np.round(path).astype(np.int32) for path in paths]
    cv2.polylines(away, lines, isClosed=False, color=0, thickness=1)
    share = cv2.distanceTransform(away, cv2.DIST_L2, 5) / np.float32(max(2.0, BAND * max(size)))
    t = np.clip((1.25 - share) / 0.5, 0, 1)
    band: Floats = (t * t * (3 - 2 * t)).astype(np.float32)
    return band
