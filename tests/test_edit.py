"""The edit: where every picture and every sound of a film lies, known beforehand."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwake.media import sound_from_samples, sound_part
from stillwake.types import Sound

RATE = 24_000


def counted(seconds: Fraction | int = 4, rate: int = RATE) -> Sound:
    """A sound whose every sample says its place."""
    return sound_from_samples(np.arange(round(seconds * rate), dtype=np.int64).astype(np.int16), rate)


def samples(sound: Sound) -> npt.NDArray[np.int16]:
    return np.concatenate(list(sound.blocks()))[:, 0]


# ------------------------------------------------------------------------------------------------ a part of a sound


@given(
    st.fractions(-1, 5, max_denominator=1001),
    st.fractions(Fraction(1, 100), 5, max_denominator=1001),
    st.sampled_from([8_000, 22_050, 48_000]),
)
def test_a_part_of_a_sound_has_its_samples_and_silence_beyond(begin: Fraction, length: Fraction, rate: int) -> None:
    whole = counted(1, rate)
    part = sound_part(whole, begin, begin + length)
    first, last = round(begin * rate), round((begin + length) * rate)
    places = np.arange(first, last)
    expected = np.where((places >= 0) & (places < rate), places, 0).astype(np.int16)
    np.testing.assert_array_equal(samples(part), expected)
    assert part.seconds == Fraction(last - first, rate)
    assert abs(len(part.mono) - part.seconds * 16_000) <= 1


def test_parts_that_follow_each_other_are_the_whole() -> None:
    whole = counted(2, 22_050)
    cuts = [Fraction(n, 25) for n in (0, 7, 8, 31, 50)]
    parts = [sound_part(whole, one, other) for one, other in pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate([samples(part) for part in parts]), samples(whole))
    assert len({part.sha256 for part in parts}) == len(parts)


def test_a_part_is_analysed_where_it_lies() -> None:
    tone = np.zeros(RATE * 2, np.int16)
    tone[RATE : RATE + RATE // 2] = 12_000
    mono = sound_part(sound_from_samples(tone, RATE), Fraction(-1, 2), Fraction(5, 2)).mono
    loud = np.flatnonzero(np.abs(mono) > 6_000) / 16_000
    assert loud.min() == pytest.approx(1.5, abs=0.001)
    assert loud.max() == pytest.approx(2.0, abs=0.001)


def test_a_part_without_a_sample_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="no sample"):
        sound_part(counted(), Fraction(1), Fraction(1))
