"""The promise every engine keeps, as checks that anybody can run over their own engine.

In a plugin's tests, with pytest or without::

    from stillwake.engines import conformance

    @pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.__name__)
    def test_the_promise(check):
        check(conformance.Case(MyEngine(), scene, conformance.a_shot(MyEngine(), scene), speech))

or, all at once: ``conformance.run(MyEngine(), scene, speech)``. A broken promise is an `AssertionError` that says
which one and where. The suite needs neither pytest nor anything beyond the package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from stillwake.engines import Engine, Performance, frames
from stillwake.errors import StillwakeError, UsageError
from stillwake.types import Pixels, Scene, Shot, Speech

__all__ = ["CHECKS", "Case", "Check", "a_shot", "run"]

SECONDS = Fraction(7, 5)
"""Length of the shot the suite asks for when there is no speech: not a whole number of frames at any common rate."""
FPS = Fraction(30000, 1001)
"""The frame rate it asks for: the one that is most often got wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """An engine with what it is asked to render; the scene is at the shot's size."""

    engine: Engine
    scene: Scene
    shot: Shot
    speech: Speech | None = None


Check = Callable[[Case], None]
"""Returns when the promise is kept, raises `AssertionError` when it is not."""


def a_shot(
    engine: Engine, scene: Scene, speech: Speech | None = None, *, motion: str | None = None, fps: Fraction = FPS
) -> Shot:
    """A shot of the scene that the engine should be able to render.

    Parameters
    ----------
    engine
        The engine that will be asked.
    scene
        What it will be asked to move.
    speech
        Gives the shot its length; without it the shot lasts `SECONDS`.
    motion
        One of the engine's motions; without it "talk" where there is speech to say and the engine can, else its
        first in alphabetical order.
    fps
        Frames per second.
    """
    if motion is None:
        motion = "talk" if speech is not None and "talk" in engine.motions else min(engine.motions)
    seconds = SECONDS if speech is None else speech.sound.seconds
    return Shot(
        family=engine.family,
        engine=engine.name,
        motion=motion,
        seconds=seconds,
        fps=fps,
        size=scene.still.size,
        seed=7,
    )


def run(engine: Engine, scene: Scene, speech: Speech | None = None) -> tuple[str, ...]:
    """The names of the promises kept, once for each motion of the engine.

    Motions that need speech are left out where there is none.

    Raises
    ------
    AssertionError
        A promise was broken; says which.
    """
    kept = []
    for motion in sorted(engine.motions):
        if motion == "talk" and speech is None:
            continue
        case = Case(engine, scene, a_shot(engine, scene, speech, motion=motion), speech)
        for check in CHECKS:
            check(case)
            kept.append(f"{motion}: {check.__name__}")
    return tuple(kept)


@contextmanager
def _performing(case: Case) -> Iterator[Performance]:
    with case.engine.prepare(case.scene, case.shot, case.speech) as performance:
        yield performance


def _some_indices(frame_count: int) -> list[int]:
    """At most nine frames, first and last among them."""
    return sorted({round(i * (frame_count - 1) / 8) for i in range(9)})


def says_what_it_is(case: Case) -> None:
    """An engine has a name, a family, at least one motion and one line about itself."""
    engine = case.engine
    assert engine.name, "the engine has no name"
    assert engine.name == engine.name.strip().lower(), f"the name {engine.name!r} is not plain lower case"
    assert engine.family in ("animator", "generator"), f"there is no family {engine.family!r}"
    assert engine.motions, "the engine has no motion"
    assert all(isinstance(motion, str) for motion in engine.motions), "a motion is a word"
    assert engine.summary, "the engine does not say what it is"
    assert "\n" not in engine.summary, "the summary is more than one line"
    assert engine.missing() is None, f"the engine says it cannot run here: {engine.missing()}"


def gives_what_was_asked(case: Case) -> None:
    """Size, rate and number of frames are the shot's; a frame is (H, W, 3) uint8."""
    shot = case.shot
    with _performing(case) as performance:
        assert isinstance(performance, Performance), "what prepare returns is not a Performance"
        assert performance.size == shot.size, f"asked for {shot.size}, got {performance.size}"
        assert performance.fps == shot.fps, f"asked for {shot.fps} frames a second, got {performance.fps}"
        assert isinstance(performance.fps, Fraction), "fps is not exact"
        assert performance.frame_count == shot.frame_count, (
            f"{shot.seconds} s at {shot.fps} are {shot.frame_count} frames, got {performance.frame_count}"
        )
        count = 0
        for frame in frames(performance):
            assert frame.shape == (shot.size[1], shot.size[0], 3), f"frame {count} has shape {frame.shape}"
            assert frame.dtype == np.uint8, f"frame {count} is {frame.dtype}"
            count += 1
        assert count == shot.frame_count, f"{count} frames came"


def same_seed_same_frames(case: Case) -> None:
    """Prepared a second time, the same shot gives the same bytes."""
    with _performing(case) as first, _performing(case) as second:
        for index in _some_indices(case.shot.frame_count):
            assert np.array_equal(first.frame(index).copy(), second.frame(index)), f"frame {index} differs"


def any_order_same_frames(case: Case) -> None:
    """A frame does not depend on which frames were asked for before it."""
    indices = _some_indices(case.shot.frame_count)
    with _performing(case) as performance:
        in_order: dict[int, Pixels] = {index: performance.frame(index).copy() for index in indices}
        for index in [*reversed(indices), indices[len(indices) // 2]]:
            assert np.array_equal(performance.frame(index), in_order[index]), f"frame {index} differs out of order"


def outside_the_mask_nothing_moves(case: Case) -> None:
    """Where the mask is False, every frame is the still, to the last bit."""
    with _performing(case) as performance:
        mask = performance.mask
        if mask is None:
            return
        width, height = case.shot.size
        assert mask.shape == (height, width), f"the mask has shape {mask.shape}"
        assert mask.dtype == np.bool_, f"the mask is {mask.dtype}"
        outside = ~mask
        still = case.scene.still.pixels[outside]
        for index in _some_indices(case.shot.frame_count):
            changed = int((performance.frame(index)[outside] != still).any(axis=1).sum())
            assert changed == 0, f"{changed} px outside the mask differ in frame {index}"


def the_still_is_left_alone(case: Case) -> None:
    """Rendering writes neither into the scene nor into a frame handed out as the scene's own."""
    before = case.scene.still.pixels.copy()
    with _performing(case) as performance:
        for index in _some_indices(case.shot.frame_count):
            performance.frame(index)
    assert np.array_equal(case.scene.still.pixels, before), "the still was written to"
    assert not case.scene.still.pixels.flags.writeable, "the still was made writeable"


def wrong_motions_are_refused(case: Case) -> None:
    """A motion the engine does not have is a `UsageError`, before any work."""
    shot = case.shot.model_copy(update={"motion": "no such motion"})
    refusal: StillwakeError | None = None
    try:
        with _performing(replace(case, shot=shot)):
            pass
    except StillwakeError as error:
        refusal = error
    assert refusal is not None, "a motion that the engine does not have was accepted"
    assert isinstance(refusal, UsageError), f"a wrong motion is a {type(refusal).__name__}, not a UsageError"
    assert "no such motion" in str(refusal), f"the error does not name the motion: {refusal}"


def lets_go(case: Case) -> None:
    """Leaving early is allowed, an error inside passes through, and the engine can be used again."""

    class Stop(Exception):  # noqa: N818  not a fault
        pass

    try:
        with _performing(case) as performance:
            performance.frame(0)
            raise Stop
    except Stop:
        pass
    else:
        raise AssertionError("the performance swallowed an error")
    with _performing(case) as performance:
        performance.frame(performance.frame_count - 1)


CHECKS: tuple[Check, ...] = (
    says_what_it_is,
    gives_what_was_asked,
    same_seed_same_frames,
    any_order_same_frames,
    outside_the_mask_nothing_moves,
    the_still_is_left_alone,
    wrong_motions_are_refused,
    lets_go,
)
"""Every promise, each a function of a `Case`."""
