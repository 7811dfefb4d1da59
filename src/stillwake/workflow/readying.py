"""A planned shot -> the performance that draws it, within what the clip shows of the still."""

from __future__ import annotations

from stillwake.engines import Engine, Performance
from stillwake.types import Progress, Scene, Shot, Speech, no_progress


def shown_scene(scene: Scene, shot: Shot) -> tuple[Scene, Shot]:
    """The scene as the clip shows it, at its size, and the shot with its face counted there."""
    from stillwake.perceive import faces_within, framed, scaled

    numbers = faces_within(scene, shot.crop)
    if shot.face in numbers:  # of those that are left in the picture
        shot = shot.model_copy(update={"face": numbers.index(shot.face) + 1})
    return scaled(framed(scene, shot.crop), shot.size), shot


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
