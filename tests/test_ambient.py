"""What drifts through a picture: it closes its loop, keeps behind the subject and fits every picture."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from stillwake.engines.animator.ambient import AMBIENTS, build_ambient
from stillwake.types import Pixels, Size

SIZE = (320, 180)


def blank(size: Size = SIZE, level: int = 60) -> Pixels:
    return np.full((size[1], size[0], 3), level, np.uint8)


def drawn(kind: str, index: int, count: int, *, size: Size = SIZE, seconds: float = 4.0, seed: int = 3) -> Pixels:
    frame = blank(size)
    build_ambient(kind, size, seconds, seed).draw(frame, index, count)
    return frame


@pytest.mark.parametrize("kind", AMBIENTS)
@pytest.mark.parametrize("seconds", [0.4, 4.0, 31.0])
def test_the_loop_closes_to_the_last_bit(kind: str, seconds: float) -> None:
    assert np.array_equal(drawn(kind, 0, 50, seconds=seconds), drawn(kind, 50, 50, seconds=seconds))
    assert np.array_equal(drawn(kind, 7, 50, seconds=seconds), drawn(kind, 107, 50, seconds=seconds))


@pytest.mark.parametrize("kind", ["snow", "petals", "dust", "embers"])
def test_the_step_over_the_seam_is_a_step_like_any_other(kind: str) -> None:
    ambient = build_ambient(kind, SIZE, 4.0, 1)
    frames = []
    for index in range(95, 106):
        frame = blank()
        ambient.draw(frame, index, 100)
        frames.append(frame.astype(int))
    steps = [np.abs(b - a).mean() for a, b in pairwise(frames)]
    assert max(steps) < 1.5 * min(steps)


@pytest.mark.parametrize("kind", AMBIENTS)
def test_something_is_there_and_it_moves(kind: str) -> None:
    first, second = drawn(kind, 0, 100), drawn(kind, 3, 100)
    assert 0.001 < (first != 60).any(2).mean() < 0.3
    assert (first != second).any()


@pytest.mark.parametrize("kind", AMBIENTS)
def test_the_seed_alone_decides_and_the_frame_rate_does_not(kind: str) -> None:
    assert np.array_equal(drawn(kind, 5, 100), drawn(kind, 5, 100))
    assert not np.array_equal(drawn(kind, 5, 100), drawn(kind, 5, 100, seed=4))
    assert np.array_equal(drawn(kind, 5, 100), drawn(kind, 15, 300))


@pytest.mark.parametrize("kind", AMBIENTS)
def test_the_far_plane_keeps_behind_the_subject(kind: str) -> None:
    ambient = build_ambient(kind, SIZE, 4.0, 2)
    far = ambient.swarms[0]
    assert far.far
    assert not any(swarm.far for swarm in ambient.swarms[1:])
    import dataclasses

    only_far = dataclasses.replace(ambient, swarms=(far,))
    behind = np.zeros((SIZE[1], SIZE[0]), np.float32)
    behind[40:, 80:240] = 1
    for index in range(0, 60, 6):
        frame = blank()
        only_far.draw(frame, index, 60, behind=behind)
        assert (frame[behind == 1] == 60).all()
    all_three = blank()
    ambient.draw(all_three, 6, 60, behind=np.ones_like(behind))
    assert (all_three != 60).any()  # the others pass in front


@pytest.mark.parametrize("kind", AMBIENTS)
@pytest.mark.parametrize("size", [(16, 16), (17, 333), (641, 16), (1280, 720)])
def test_any_size(kind: str, size: Size) -> None:
    ambient = build_ambient(kind, size, 3.0, 0, strength=2.0)
    frame = blank(size)
    for index in range(0, 12, 3):
        ambient.draw(frame, index, 12)
    assert frame.shape == (size[1], size[0], 3)


def test_particles_grow_with_the_picture() -> None:
    small, large = (build_ambient("snow", size, 4.0, 0).swarms[2].long.mean() for size in ((640, 360), (2560, 1440)))
    assert 3.9 < large / small < 4.1


def test_strength_is_how_many() -> None:
    def touched(strength: float) -> float:
        frame = blank((640, 360))
        build_ambient("snow", (640, 360), 4.0, 0, strength).draw(frame, 0, 100)
        return float((frame != 60).any(2).mean())

    assert touched(0.0) == 0
    assert touched(0.5) < touched(1.0) < touched(2.0)


def test_embers_only_add_light_and_snow_whitens() -> None:
    assert (drawn("embers", 4, 50) >= 60).all()
    embers = drawn("embers", 4, 50).astype(int).reshape(-1, 3).sum(0)
    assert embers[0] > embers[1] > embers[2]
    assert (drawn("snow", 4, 50) >= 60).all()


def test_an_edge_is_soft_and_places_are_finer_than_pixels() -> None:
    a, b = (drawn("snow", index, 4000) for index in (0, 1))
    assert (a != b).any()
    assert np.abs(a.astype(int) - b).max() < 40  # a hundredth of a pixel's step, no jump


def test_unknown_kinds_and_wrong_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="no ambient 'frogs'; there are snow"):
        build_ambient("frogs", SIZE, 4.0)
    with pytest.raises(ValueError, match="320x180"):
        build_ambient("snow", SIZE, 4.0).draw(blank((10, 10)), 0, 10)
