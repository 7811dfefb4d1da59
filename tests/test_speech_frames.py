"""Closures and rest survive any frame rate, whatever the timeline."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwake.speech.frames import blend
from stillwake.speech.timeline import visemes
from stillwake.types import VISEMES, Timed

CLOSED = [VISEMES.index("MBP"), VISEMES.index("FV")]
REST = VISEMES.index("rest")
RATES = [Fraction(10), Fraction(12), Fraction(24000, 1001), Fraction(25), Fraction(60)]
LENGTHS = st.floats(0.03, 0.2)


def timeline(*pieces: tuple[str, float]) -> list[Timed]:
    found, now = [], 0.0
    for label, length in pieces:
        found.append(Timed(now, now + length, label))
        now += length
    return found


@st.composite
def talking(draw: st.DrawFn) -> list[Timed]:
    # between closures people need at least an opening
    pieces = [("rest", 0.2)]
    for _ in range(draw(st.integers(1, 12))):
        pieces.append((draw(st.sampled_from(["MBP", "FV"])), draw(LENGTHS)))
        pieces.append((draw(st.sampled_from(["AA", "IY", "TDN", "K", "OW"])), draw(LENGTHS)))
    return timeline(*pieces, ("rest", 0.3))


@settings(max_examples=150, deadline=None)
@given(talking(), st.sampled_from(RATES[2:]))
def test_every_closure_has_a_frame_and_every_row_sums_to_one(shapes: list[Timed], fps: Fraction) -> None:
    count = int(shapes[-1].end * fps) + 1
    weights = blend(shapes, fps, count)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    times = (np.arange(count) + 0.5) / float(fps)
    for shape in shapes:
        if shape.label in ("MBP", "FV"):
            near = (times > shape.start - 1 / fps) & (times < shape.end + 1 / fps)
            assert (weights[near, VISEMES.index(shape.label)] == 1).any()


@pytest.mark.parametrize("fps", RATES)
def test_papa_opens_between_its_closures(fps: Fraction) -> None:
    frame = 1 / float(fps)
    shapes = timeline(("rest", 0.33), ("MBP", 1.1 * frame), ("AA", 1.2 * frame), ("MBP", 1.1 * frame), ("AA", 0.3))
    closed = (blend(shapes, fps, 40)[:, CLOSED] == 1).any(axis=1).astype(int)
    assert np.count_nonzero(np.diff(closed) == 1) == 2


@pytest.mark.parametrize("fps", RATES)
def test_frames_inside_a_closure_are_exactly_closed_and_no_others(fps: Fraction) -> None:
    shapes = timeline(("AA", 0.5), ("MBP", 0.3), ("AA", 0.5))
    count = int(1.3 * fps)
    times = (np.arange(count) + 0.5) / float(fps)
    weights = blend(shapes, fps, count)
    np.testing.assert_array_equal(weights[:, CLOSED[0]] == 1, (times >= 0.5) & (times < 0.8))


def test_silence_is_rest_without_popping() -> None:
    shapes = timeline(("AA", 0.5), ("rest", 0.5), ("AA", 0.5))
    weights = blend(shapes, Fraction(60), 90)
    assert (weights[36:54, REST] == 1).all()
    # the mouth needs at least three frames at 60 fps from speech to rest
    assert np.abs(np.diff(weights[:, REST])).max() < 0.4


def test_beyond_the_timeline_the_last_shape_goes_on() -> None:
    weights = blend(timeline(("AA", 0.2), ("rest", 0.2)), Fraction(25), 50)
    assert (weights[10:, REST] == 1).all()


def test_an_empty_timeline_is_rest() -> None:
    assert (blend((), Fraction(25), 3)[:, REST] == 1).all()


def test_visemes_of_known_phonemes() -> None:
    phonemes = [Timed(0.2, 0.3, "p"), Timed(0.3, 0.5, "aɪ"), Timed(0.5, 0.6, "h"), Timed(0.6, 0.7, "u")]
    found = visemes(phonemes, 1.0)
    assert [v.label for v in found] == ["rest", "MBP", "AA", "IY", "UW", "rest"]
    assert found[1].end == pytest.approx(0.28)  # the last fifth of a p is its burst
    assert found[3].start == pytest.approx(0.42)  # 60 % of a diphthong is its first vowel
    assert found[4].start == pytest.approx(0.5)  # h has the mouth of what follows


def test_short_pauses_belong_to_their_neighbours() -> None:
    assert [v.label for v in visemes([Timed(0, 0.2, "a"), Timed(0.3, 0.5, "s")], 0.5)] == ["AA", "S"]
    assert [v.label for v in visemes([Timed(0, 0.2, "a"), Timed(0.4, 0.5, "s")], 0.5)] == ["AA", "rest", "S"]
