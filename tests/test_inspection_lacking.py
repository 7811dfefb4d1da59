"""The one frame that a clip of ours lacks: where what moves, or the lips, say that it was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.test_inspection_motion import FPS, only, with_steps

from stillwake.inspection import Asked, continuity
from stillwake.inspection.lacking import a_frame_ahead, lacking, likeliest
from stillwake.inspection.motion import Motion
from stillwake.inspection.sync import expected_opening
from stillwake.types import Timed

COUNT, AT = 100, 40
FRAME = 1 / 25


def visemes() -> tuple[Timed, ...]:
    """Four seconds of open and shut mouths."""
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.08, 0.2, 60))
    shapes = rng.choice(["AA", "MBP", "IY", "S", "OW"], 59)
    return tuple(Timed(float(a), float(b), str(c)) for a, b, c in zip(times, times[1:], shapes, strict=False))


def lips(at: int | None, beside: float = 0.0, noise: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Times and openings of frames, one of which was left out before frame ``at``."""
    times = (np.arange(COUNT) + 0.5) * FRAME
    shown = times + (0 if at is None else FRAME * (np.arange(COUNT) >= at)) - beside
    opening = np.interp(shown, *expected_opening(visemes(), -1.0, 6.0))
    return times, 3 * opening + np.random.default_rng(1).normal(0, noise, COUNT)


@pytest.mark.parametrize("beside", [0.0, 0.04, -0.04])
@pytest.mark.parametrize("at", [25, AT, 70])
def test_lips_say_where_they_begin_to_be_a_frame_ahead(at: int, beside: float) -> None:
    times, opening = lips(at, beside)
    said = a_frame_ahead(times, opening, visemes(), FRAME)
    assert said.shape == (COUNT,)
    assert int(np.argmax(said)) == pytest.approx(at, abs=4)
    assert said.max() > 5


def test_lips_that_are_with_the_words_throughout_name_no_place() -> None:
    times, opening = lips(None)
    said = a_frame_ahead(times, opening, visemes(), FRAME)
    assert said.max() < max(said[0], said[-1]) + 1


def moved(missing: dict[int, float]) -> Motion:
    seen = with_steps({}, {})
    for frame, value in missing.items():
        seen.missing[frame - 1] = value
    return seen


@pytest.mark.parametrize(
    ("missing", "place"),
    [
        ({30: 2.5}, 30),
        ({30: 2.5, 50: 2.0}, None),  # either
        ({30: 2.5, 50: 1.2}, 30),
        ({30: 2.5, 33: 2.4}, 30),  # the same, as far as anybody sees
        ({1: 2.5}, None),  # nothing is known of the first
        ({}, None),
    ],
)
def test_the_place_must_stand_out(missing: dict[int, float], place: int | None) -> None:
    seen = moved(missing)
    assert likeliest(seen, np.zeros(int(seen.index[-1]) + 1), 25.0) == place


def test_lips_decide_between_two_places() -> None:
    seen = moved({30: 2.5, 50: 2.0})
    said = np.zeros(int(seen.index[-1]) + 1)
    said[45:] = 4.0
    assert likeliest(seen, said, 25.0) == 50


def made(motion: Motion, frames: int, **other: Any) -> Any:
    count = int(motion.index[-1]) + 1
    times, opening = lips(AT)
    mouth = SimpleNamespace(index=np.arange(count), time=times[:count], opening=opening[:count])
    asked = Asked(family="animator", engine="animator", frames=frames)
    speech = SimpleNamespace(visemes=visemes())
    return SimpleNamespace(**{"motion": motion, "asked": asked, "seen": mouth, "speech": speech, "fps": FPS} | other)


def test_it_is_looked_for_only_in_a_clip_of_ours_that_lacks_one() -> None:
    seen = moved({})
    count = int(seen.index[-1]) + 1
    assert lacking(made(seen, count + 1)) == pytest.approx(AT, abs=4)
    assert lacking(made(seen, count)) is None
    assert lacking(made(seen, count + 2)) is None
    theirs = Asked(family="generator", engine="kling", frames=count + 1)
    assert lacking(made(seen, 0, asked=theirs)) is None
    assert lacking(made(seen, count + 1, speech=None)) is None
    unseen = SimpleNamespace(index=np.arange(count), time=lips(AT)[0][:count], opening=np.full(count, np.nan))
    assert lacking(made(seen, count + 1, seen=unseen)) is None


def test_where_it_is_lacking_is_told_unless_the_motion_shows_it() -> None:
    asked = Asked(family="animator", engine="animator", frames=61)
    told = only(continuity.check(moved({}), asked, FPS, lacking=40), "dropped frames")
    assert (told.verdict, told.why) == ("warn", "a frame is missing, most likely at 1.60 s")
    assert told.start == pytest.approx(39.5 / 25)
    shown = only(continuity.check(moved({30: 9.0}), asked, FPS, lacking=30), "dropped frames")
    assert shown.why == "a frame is missing at 1.20 s"
