"""A missing frame: what each place of the picture says of it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from stillwake.inspection import missing
from stillwake.inspection.missing import Step
from stillwake.types import Floats

PLACES = missing.TILES[0] * missing.TILES[1]
COUNT, AT = 13, 6


def steps(size: Callable[[int], Floats], spread: float = 0.05) -> list[Step]:
    """Steps of places that move by so much each, seen with some noise; what they are beside their neighbours."""
    rng = np.random.default_rng(4)
    sizes = [np.asarray(size(k), np.float32) * np.ones(PLACES, np.float32) for k in range(-1, COUNT + 1)]
    made = []
    for k in range(COUNT):
        mean = (sizes[k] + sizes[k + 2]) / 2
        gain = sizes[k + 1] / np.maximum(mean, 1e-3) + rng.normal(0, spread, PLACES).astype(np.float32)
        made.append(Step(k, sizes[k + 1], gain, np.full(PLACES, 0.9, np.float32)))
    return made


def evenly(_: int) -> Floats:
    return np.float32([1.0])


def left_out(at: int) -> Floats:
    return np.float32([2.0 if at == AT else 1.0])


def test_a_step_twice_as_long_speaks_for_a_missing_frame_and_an_even_one_against_it() -> None:
    (one, would), (none, _) = (missing.missing(steps(size), AT) for size in (left_out, evenly))
    assert one == pytest.approx(would, rel=0.2)
    assert one > 50
    assert none < -50


def test_what_stays_out_of_step_says_less_the_more_it_does() -> None:
    said = [missing.missing(steps(left_out, spread), AT)[0] for spread in (0.05, 0.2, 0.6)]
    assert said == sorted(said, reverse=True)
    assert said[-1] < said[0] / 5


def test_who_sets_off_leaves_no_frame_out() -> None:
    def sets_off(at: int) -> Floats:
        return np.float32([0.1 if at < AT else 1.0 if at == AT else 0.9])

    leap = steps(sets_off)
    assert leap[AT].gain.mean() == pytest.approx(2, abs=0.05)
    assert missing.missing(leap, AT)[0] <= 0


def test_places_that_never_stray_are_believed_within_bounds() -> None:
    assert np.isfinite(missing.missing(steps(left_out, 0.0), AT)).all()


@pytest.mark.parametrize("places", [8, 9])
def test_a_few_places_do_not_say_it(places: int) -> None:
    def few(at: int) -> Floats:
        size = np.zeros(PLACES, np.float32)
        size[:places] = left_out(at)
        return size

    said, would = missing.missing(steps(few), AT)
    assert (said > 3) == (would > 3) == (places == 9)


def test_what_moves_in_fits_says_nothing() -> None:
    unlike = [one._replace(likeness=np.full(PLACES, 0.3, np.float32)) for one in steps(left_out)]
    assert missing.missing(unlike, AT) == (0.0, 0.0)


@pytest.mark.parametrize("at", [0, 1, COUNT - 2, COUNT - 1])
def test_at_either_end_too_little_is_known(at: int) -> None:
    assert missing.missing(steps(left_out), at) == (0.0, 0.0)


def test_a_step_is_held_against_the_mean_of_its_neighbours() -> None:
    rng = np.random.default_rng(2)
    moving = cv2.GaussianBlur(rng.normal(0, 30, (180, 320)).astype(np.float32), (0, 0), 3)
    one = missing.step_of(7, moving, 2 * moving, moving)
    assert one.frame == 7
    assert one.size.shape == one.gain.shape == one.likeness.shape == (PLACES,)
    np.testing.assert_allclose(one.gain, 2, rtol=1e-4)
    np.testing.assert_allclose(one.likeness, 1, rtol=1e-4)
    still = missing.step_of(7, moving, 0 * moving, moving)
    assert np.abs(still.gain).max() == np.abs(still.likeness).max() == 0
