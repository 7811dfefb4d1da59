"""A planned shot -> the performance that draws it, within what the clip shows of the still."""

from __future__ import annotations

import dataclasses

from stillwake.engines import Engine, Performance
from stillwake.types import Progress, Scene, Shot, Speech, Still, no_progress


def shown_scene(scene: Scene, shot: Shot) -> tuple[Scene, Shot]:
    """The scene as the clip shows it, at its size, and the shot with its face counted there."""
    from stillwake.perceive import faces_within, framed, scaled

    numbers = faces_within(scene, shot.crop)
    if shot.face in numbers:  # of those that are left in the picture
        shot = shot.model_copy(update={"face": numbers.index(shot.face) + 1})
    shown = scaled(framed(scene, shot.crop), shot.size)
    if scene.end is not None:
        shown = dataclasses.replace(shown, end=_ending(scene.end, shot) if shot.ends else None)
    return shown, shot


def _ending(end: Still, shot: Shot) -> Still:
    """The picture a shot ends on, at its size: the middle of it, in the shot's shape."""
    from stillwake.engines.generated import resized

    (width, height), (across, down) = end.size, shot.size
    scale = min(width / across, height / down)
    inner = max(1, round(across * scale)), max(1, round(down * scale))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    middle = end.pixels[top : top + inner[1], left : left + inner[0]]
    return dataclasses.replace(end, pixels=resized(middle, shot.size).copy(), alpha=None)


def readied(
    engine: Engine, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress
) -> tuple[Scene, Shot, Performance]:
    """`shown_scene` of both, and what the engine makes of them; where the still ends, nothing moves.

    Raises
    ------
    stillwake.errors.StillwakeError
        As the engine's ``prepare`` does.
    """
    from stillwake.engines.framed import perform
    from stillwake.perceive import place_of

    place = place_of(scene, shot.crop, shot.size)
    scene, shot = shown_scene(scene, shot)
    return scene, shot, perform(engine, scene, shot, speech, place, on_progress)
