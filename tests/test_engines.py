"""Every registered engine keeps its promise, and the suite that says so can tell when one does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stillwake.engines import conformance, engine_names, load_engine
from stillwake.engines.echo import Echo, Held
from stillwake.errors import EngineUnavailableError, UsageError
from stillwake.types import Pixels, Progress, Scene, Shot, Speech, Still, no_progress

DOCS = Path(__file__).parents[1] / "docs"


def a_scene(width: int = 64, height: int = 48) -> Scene:
    """A scene without a face, of noise that no two pixels share."""
    pixels = np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Scene(
        still=Still(pixels, "noise.png", "0" * 64),
        style="photo",
        faces=(),
        refused=(),
        matte=None,
        seen={"faces": "nobody looked"},
    )


def a_case(engine: Any, **changes: Any) -> conformance.Case:
    scene = a_scene()
    shot = conformance.a_shot(engine, scene)
    return conformance.Case(engine, scene, shot.model_copy(update=changes))


@pytest.fixture(scope="session")
def talking() -> tuple[Scene, Speech]:
    """A real photograph, small, and half a second of speech."""
    from stillwake.doctor import demo_still
    from stillwake.media import open_still
    from stillwake.perceive import perceive, scaled
    from stillwake.speech import say

    return scaled(perceive(open_still(demo_still())), (384, 384)), say("Mama, five.")


@pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ["animator", "echo"])  # the others: test_diffusion, test_remote
def test_the_promise_is_kept(name: str, check: conformance.Check, talking: tuple[Scene, Speech]) -> None:
    engine = load_engine(name)
    scene, speech = talking
    for motion in sorted(engine.motions):
        check(conformance.Case(engine, scene, conformance.a_shot(engine, scene, speech, motion=motion), speech))


def test_run_names_every_promise_of_every_motion() -> None:
    assert conformance.run(Echo(), a_scene()) == tuple(f"still: {check.__name__}" for check in conformance.CHECKS)


def test_ours_come_first() -> None:
    assert engine_names()[:2] == ("animator", "echo")


def test_an_unknown_engine_names_the_known_ones() -> None:
    with pytest.raises(EngineUnavailableError, match="choose one of animator, echo"):
        load_engine("no-such-engine")


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001), Fraction(240)])
@pytest.mark.parametrize("seconds", [Fraction(1, 1000), Fraction(1), Fraction(7, 5), Fraction(600)])
def test_echo_shows_the_still_as_long_as_the_shot_lasts(fps: Fraction, seconds: Fraction) -> None:
    case = a_case(Echo(), fps=fps, seconds=seconds)
    with case.engine.prepare(case.scene, case.shot, None) as performance:
        assert performance.frame_count / fps >= seconds > (performance.frame_count - 1) / fps
        assert not performance.mask.any()  # type: ignore[union-attr]
        for index in (0, performance.frame_count - 1):
            assert np.array_equal(performance.frame(index), case.scene.still.pixels)


def test_echo_refuses_to_talk() -> None:
    case = a_case(Echo(), motion="talk")
    with pytest.raises(UsageError, match="motion talk"):
        case.engine.prepare(case.scene, case.shot, None)


# ------------------------------------------------------------------------------------- engines that break a promise


class Faulty(Held):
    """A held still with one fault, given as a function from the index and the pixels to the frame."""

    def __init__(self, fault: Callable[[int, Pixels], Pixels], *args: Any) -> None:
        super().__init__(*args)
        self.fault = fault

    def frame(self, index: int) -> Pixels:
        return self.fault(index, self._pixels.copy())


class FaultyEcho(Echo):
    def __init__(self, fault: Callable[[int, Pixels], Pixels]) -> None:
        self.fault = fault

    def prepare(self, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress) -> Held:
        super().prepare(scene, shot, speech)
        return Faulty(self.fault, scene.still.pixels, shot.fps, shot.frame_count)


def one_bit_outside(index: int, pixels: Pixels) -> Pixels:
    pixels[5, 7, 1] ^= index == 0
    return pixels


CALLS = iter(range(10_000))


def depends_on_history(index: int, pixels: Pixels) -> Pixels:
    pixels[0, 0, 0] = next(CALLS) % 251
    return pixels


class TooFew(Echo):
    def prepare(self, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress) -> Held:
        super().prepare(scene, shot, speech)
        return Held(scene.still.pixels, shot.fps, shot.frame_count - 1)


class Rounded(Echo):
    def prepare(self, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress) -> Held:
        super().prepare(scene, shot, speech)
        return Held(scene.still.pixels, Fraction(round(shot.fps)), shot.frame_count)


class Obliging(Echo):
    def prepare(self, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress) -> Held:
        return Held(scene.still.pixels, shot.fps, shot.frame_count)


class Swallowing(Echo):
    class Held(Held):
        def __exit__(self, *args: object) -> bool:  # type: ignore[override]
            return True

    def prepare(self, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress) -> Held:
        super().prepare(scene, shot, speech)
        return self.Held(scene.still.pixels, shot.fps, shot.frame_count)


class Scribbling(Echo):
    def prepare(self, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress) -> Held:
        super().prepare(scene, shot, speech)
        scene.still.pixels.setflags(write=True)
        scene.still.pixels[0, 0] ^= 255
        return Held(scene.still.pixels, shot.fps, shot.frame_count)


class Nameless(Echo):
    summary = "two\nlines"


@pytest.mark.parametrize(
    ("engine", "broken"),
    [
        (FaultyEcho(one_bit_outside), "outside_the_mask_nothing_moves"),
        (FaultyEcho(depends_on_history), "same_seed_same_frames"),
        (FaultyEcho(depends_on_history), "any_order_same_frames"),
        (FaultyEcho(lambda index, pixels: pixels[:, ::-1, :1]), "gives_what_was_asked"),
        (FaultyEcho(lambda index, pixels: pixels.astype(np.uint16)), "gives_what_was_asked"),  # type: ignore[arg-type,return-value]
        (TooFew(), "gives_what_was_asked"),
        (Rounded(), "gives_what_was_asked"),
        (Obliging(), "wrong_motions_are_refused"),
        (Swallowing(), "lets_go"),
        (Scribbling(), "the_still_is_left_alone"),
        (Nameless(), "says_what_it_is"),
    ],
)
def test_a_broken_promise_is_found(engine: Any, broken: str) -> None:
    (check,) = [check for check in conformance.CHECKS if check.__name__ == broken]
    with pytest.raises(AssertionError):
        check(a_case(engine))


def test_one_fault_breaks_only_its_own_promise() -> None:
    case = a_case(FaultyEcho(one_bit_outside))
    for check in conformance.CHECKS:
        if check.__name__ != "outside_the_mask_nothing_moves":
            check(replace(case, scene=a_scene()))


def test_the_engine_of_the_docs_keeps_the_promise() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "engines.md").read_text(), flags=re.DOTALL)
    names: dict[str, Any] = {"scene": a_scene()}
    for block in blocks:
        exec(block, names)
    assert "FadeIn" in names
    shot = conformance.a_shot(names["FadeIn"](), a_scene())
    first = names["FadeIn"]().prepare(a_scene(), shot, None).frame(0)
    assert 0 < first.mean() < a_scene().still.pixels.mean() / 20
