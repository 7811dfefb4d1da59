"""What a generator made, as the shot asks for it: size, rate, number of frames."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwake.engines.generated import Between, Generated, Window, best_size, laid_in, resized
from stillwake.errors import ResultError
from stillwake.types import Pixels, Shot, Size


def texture(size: Size) -> Pixels:
    """Something with edges and gradients everywhere."""
    rng = np.random.default_rng(3)
    small = rng.integers(0, 255, (size[1] // 12 + 1, size[0] // 12 + 1, 3), np.uint8)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def a_shot(seconds: Fraction | int = 2, fps: Fraction | int = 24, size: Size = (96, 64)) -> Shot:
    return Shot(
        family="generator", engine="wan", motion="generate", seconds=Fraction(seconds), fps=Fraction(fps), size=size,
        seed=0,
    )  # fmt: skip


def panned(count: int, pace: float, size: Size = (96, 64)) -> list[Pixels]:
    """Frames of a picture that moves ``pace`` px to the left with each."""
    wide = texture((size[0] * 3, size[1]))
    frames = []
    for index in range(count):
        shift = np.array([[1, 0, -pace * index], [0, 1, 0]], np.float64)
        frames.append(np.asarray(cv2.warpAffine(wide, shift, size, flags=cv2.INTER_CUBIC), np.uint8))
    return frames


# -------------------------------------------------------------------------------------------------------- the size


@pytest.mark.parametrize("still", [(1536, 1024), (1000, 1000), (600, 1400), (1280, 720), (1281, 719), (97, 65)])
def test_the_still_comes_back_out_of_any_size_whole(still: Size) -> None:
    pixels = texture(still)
    for size in [(1280, 720), (720, 1280), (960, 960), (832, 1104)]:
        drawn, window = laid_in(pixels, size)
        assert (drawn.shape[1], drawn.shape[0]) == size
        shot = a_shot(size=still)
        with Generated(lambda drawn=drawn: iter([drawn]), fps=Fraction(1, 2), count=1, shot=shot, window=window) as it:
            back = it.frame(0)
        expected = resized(resized(pixels, (window.width, window.height)), still)
        assert back.shape == pixels.shape
        assert np.abs(back.astype(int) - expected.astype(int)).mean() < 2, "nothing is cut off"


def test_the_size_that_keeps_most_of_the_still_is_taken() -> None:
    ratios = [(1280, 720), (720, 1280), (1104, 832), (832, 1104), (960, 960), (1584, 672)]
    assert best_size((1920, 1080), ratios) == (1280, 720)
    assert best_size((1024, 1024), ratios) == (960, 960)
    assert best_size((1000, 1300), ratios) == (832, 1104)
    assert best_size((2400, 1000), ratios) == (1584, 672)
    assert best_size((500, 1000), ratios) == (720, 1280)


# -------------------------------------------------------------------------------------------------------- the rate


def test_a_frame_between_two_lies_where_the_motion_puts_it() -> None:
    frames = panned(9, 4.0)
    for share in (0.25, 0.5, 0.75):
        true = panned(9, 4.0 * share)[1]
        drawn = Between(frames[0], frames[1]).at(share)
        inner = np.s_[8:-8, 12:-12]
        error = np.abs(drawn[inner].astype(int) - true[inner].astype(int)).mean()
        mixed = cv2.addWeighted(frames[0], 1 - share, frames[1], share, 0)
        worse = np.abs(mixed[inner].astype(int) - true[inner].astype(int)).mean()
        assert error < 2.5, f"{error:.2f} levels off at {share}"
        assert error < 0.5 * worse, f"{error:.2f} is no better than mixing, {worse:.2f}"


def test_at_a_cut_the_nearer_frame_is_taken() -> None:
    black, noise = np.zeros((64, 96, 3), np.uint8), 255 - texture((96, 64)) // 4
    between = Between(black, np.asarray(noise, np.uint8))
    assert np.array_equal(between.at(0.4), black)
    assert np.array_equal(between.at(0.6), noise)


@given(st.fractions(1, 60, max_denominator=1001), st.fractions(1, 60, max_denominator=1001), st.integers(1, 40))
def test_every_frame_has_a_place_whatever_the_rates(source: Fraction, target: Fraction, frames: int) -> None:
    made = [np.full((4, 4, 3), index, np.uint8) for index in range(frames)]
    shot = a_shot(Fraction(frames) / source, target, (4, 4))
    performance = Generated(lambda: iter(made), fps=source, count=frames, shot=shot)
    indices = {0, performance.frame_count // 2, performance.frame_count - 1}
    for index in sorted(indices):
        value = float(performance.frame(index).mean())
        assert abs(value - min(frames - 1, float(index / target * source))) <= 1


def test_at_the_same_rate_every_frame_is_its_own() -> None:
    made = panned(48, 1.0)
    with Generated(lambda: iter(made), fps=Fraction(24), count=48, shot=a_shot()) as performance:
        for index in range(48):
            assert np.array_equal(performance.frame(index), made[index])


def test_any_order_and_each_frame_is_read_once_in_order() -> None:
    made, reads = panned(20, 2.0), [0]

    def frames() -> Iterator[Pixels]:
        for frame in made:
            reads[0] += 1
            yield frame

    shot = a_shot(Fraction(20, 8), 24)
    with Generated(frames, fps=Fraction(8), count=20, shot=shot) as performance:
        first = [performance.frame(index).copy() for index in range(performance.frame_count)]
        assert reads[0] == 20
        for index in (59, 3, 30, 0):
            assert np.array_equal(performance.frame(index), first[index])


def test_a_clip_that_is_far_too_short_is_refused_and_a_frame_less_is_not() -> None:
    made = panned(20, 1.0)
    with pytest.raises(ResultError, match=r"2\.00 s were asked for"):
        Generated(lambda: iter(made), fps=Fraction(24), count=20, shot=a_shot(2, 24))
    short = Generated(lambda: iter(panned(47, 1.0)), fps=Fraction(24), count=47, shot=a_shot(2, 24))
    assert np.array_equal(short.frame(47), short.frame(46)), "the last one is held"


def test_what_is_shown_is_the_window_alone() -> None:
    frame = np.zeros((64, 96, 3), np.uint8)
    frame[8:56, 16:80] = 200
    shot = a_shot(1, 1, (64, 48))
    with Generated(lambda: iter([frame]), fps=Fraction(1), count=1, shot=shot, window=Window(16, 8, 64, 48)) as it:
        assert (it.frame(0) == 200).all()
