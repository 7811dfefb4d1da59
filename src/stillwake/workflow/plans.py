"""A plan as a file: written without the names of folders, edited by a person, read again with suspicion."""

from __future__ import annotations

from pathlib import Path

from stillwake.errors import InputError, UsageError
from stillwake.types import Brief, Plan
from stillwake.workflow.files import lies_here

LARGEST_PLAN = 4 << 20
"""bytes; a thousand segments need one."""
LONGEST_SHOT = 36_000
"""Seconds; ten hours, the longest sound that is opened."""

FILES = ("sound", "face_file", "brush", "depth", "depth_model", "still_mask", "end_frame")
"""The fields of a brief that name a file."""


def portable(brief: Brief) -> Brief:
    """The brief as a record keeps it: a file is a name, so that the record says nothing about the machine."""
    from stillwake.media.files import shown
    from stillwake.moves import is_key_frame_file

    files = {name: getattr(brief, name) for name in FILES}
    short: dict[str, Path | str] = {name: Path(shown(path)) for name, path in files.items() if path is not None}
    if brief.camera is not None and is_key_frame_file(brief.camera):
        short["camera"] = shown(Path(brief.camera))
    if brief.model is not None:
        short["model"] = portable_model(brief.model)
    return brief.model_copy(update=short)


def portable_model(model: str) -> str:
    """A model's name as a record keeps it: of one that lies in a folder or a file here, the last part."""
    from stillwake.media.files import shown

    return shown(Path(model)) if model and lies_here(Path(model)) else model


def portable_plan(plan: Plan) -> Plan:
    """The plan as a file keeps it."""
    shots = tuple(shot.model_copy(update={"model": portable_model(shot.model)}) for shot in plan.shots)
    brief = None if plan.brief is None else portable(plan.brief)
    return plan.model_copy(update={"brief": brief, "shots": shots})


def open_plan(path: Path) -> Plan:
    """The plan in a file; the files that it names lie where the command runs, or beside it.

    Raises
    ------
    stillwake.errors.InputError
        It cannot be read, or is none.
    stillwake.errors.UsageError
        A value in it cannot be used; the sentence names the field.
    """
    from pydantic import ValidationError

    from stillwake.media.files import opened_input, shown

    what = f"Cannot use the plan {shown(path)}"
    with opened_input(path, what, InputError, LARGEST_PLAN) as file:
        data = file.read(LARGEST_PLAN + 1)
    try:
        plan = Plan.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])[:80] or "the file"
        raise UsageError(
            what, f"{field}: {first['msg'][:1].lower() + first['msg'][1:]}"[:200], "mend it, or plan again"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(what, "it is damaged or no plan of stillwake's", "plan again") from error
    for number, shot in enumerate(plan.shots):
        field = f"shots.{number}"
        if any(side % 2 or not 16 <= side <= 4096 for side in shot.size):
            raise UsageError(what, f"{field}.size: sides are even, from 16 to 4096 px", "choose another size")
        if not 0 < shot.seconds <= LONGEST_SHOT:
            raise UsageError(
                what, f"{field}.seconds: it must lie above 0 and below ten hours", "choose another length"
            )
        if number == 0 and shot.anchor == "before":
            raise UsageError(what, f"{field}.anchor: there is no shot before the first", "say still there")
        if (shot.size, shot.fps) != (plan.shots[0].size, plan.shots[0].fps):
            raise UsageError(what, f"{field}: its size or fps is not the first shot's", "give all shots the same")
    brief = None if plan.brief is None else _found(plan.brief, path.parent)
    shots = tuple(shot.model_copy(update={"model": _model_found(shot.model, path.parent)}) for shot in plan.shots)
    return plan.model_copy(update={"brief": brief, "shots": shots})


def _model_found(model: str, folder: Path) -> str:
    """A model's name, or where it lies beside the plan."""
    beside = folder / model if model else folder
    return str(beside) if model and not lies_here(Path(model)) and lies_here(beside) else model


def _found(brief: Brief, folder: Path) -> Brief:
    """The brief with its files where they are: as named, else beside the plan."""
    places: dict[str, Path | str] = {}
    for name in FILES:
        file = getattr(brief, name)
        if file is not None and not file.is_file() and (folder / file).is_file():
            places[name] = folder / file
    if brief.model is not None:
        places["model"] = _model_found(brief.model, folder)
    return brief.model_copy(update=places)
