from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwake.inspection import loop
from stillwake.inspection.asked import Asked
from stillwake.inspection.loop import Ends
from stillwake.inspection.stream import Shown
from stillwake.inspection.view import View
from stillwake.types import ClipFinding, Floats, Pixels

FPS = Fraction(25)
SIZE = 128, 72
COUNT = 50
LOOP = Asked(loop=True)

Course = Callable[[float], tuple[float, float]]
"""Where something is at a share of the loop, px from its middle."""


@lru_cache(maxsize=1)
def a_texture() -> Floats:
    noise = np.random.default_rng(1).standard_normal((2 * SIZE[1], 2 * SIZE[0])).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    texture: Floats = 120 + 40 * smooth / smooth.std()
    return texture


def round_and_round(share: float) -> tuple[float, float]:
    return 9 * np.cos(2 * np.pi * share), 6 * np.sin(2 * np.pi * share)


def there_and_back(share: float) -> tuple[float, float]:
    return 40 * abs(2 * share - 1), 10 * abs(2 * share - 1)


def pendulum(share: float) -> tuple[float, float]:
    return 20 * np.cos(2 * np.pi * share), 0.0


def thrown(share: float) -> tuple[float, float]:
    """Up, slower and slower, and down; it bounces at the seam."""
    return 0.0, 80 * share * (1 - share)


def drawn(course: Course, share: float, noise: float = 0.6) -> Pixels:
    """A textured patch on texture, somewhere on its way."""
    x, y = course(share)
    frame = a_texture()[: SIZE[1], : SIZE[0]].copy()
    place = np.array([[1, 0, 45 + x], [0, 1, 18 + y]])
    mask = cv2.warpAffine(np.ones((36, 40), np.float32), place, SIZE)
    patch = cv2.warpAffine(np.ascontiguousarray(a_texture()[72:108, 128:168]), place, SIZE)
    frame = frame * (1 - mask) + (260 - patch) * mask
    frame += np.random.default_rng(round(1e6 * share)).normal(0, noise, frame.shape)
    grey: Pixels = np.clip(frame, 0, 255).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, 2)


def turns(course: Course, count: int = COUNT, **how: Any) -> list[Pixels]:
    return [drawn(course, index / count, **how) for index in range(count)]


def watched(frames: Iterable[Pixels]) -> Ends:
    watch = loop.Watch()
    for index, pixels in enumerate(frames):
        watch.take(View(Shown(index, (index + 0.5) / float(FPS), pixels), None, None, None))
    return watch.finish()


def found(frames: list[Pixels], asked: Asked = LOOP, **more: Any) -> dict[str, ClipFinding]:
    known = SimpleNamespace(
        asked=asked,
        ends=watched(frames),
        fps=FPS,
        clip=SimpleNamespace(info=SimpleNamespace(frame_count=len(frames))),
        **{"sound": None, "performance": None, **more},
    )
    return {finding.check: finding for finding in loop.check(known)}  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------------- the seam


def test_a_whole_loop_flows_into_itself() -> None:
    findings = found(turns(round_and_round))
    assert {name: finding.verdict for name, finding in findings.items()} == {"loop seam": "pass", "loop speed": "pass"}
    assert findings["loop seam"].measured == pytest.approx(1.0, abs=0.2)
    assert findings["loop speed"].measured > loop.TURNS / 2
    assert "if it is meant as a loop" not in findings["loop seam"].why


def test_a_loop_that_lacks_its_last_frame_jumps() -> None:
    findings = found(turns(round_and_round)[:-1])
    finding = findings["loop seam"]
    assert finding.verdict == "fail"
    assert finding.measured == pytest.approx(2.0, abs=0.3)
    assert finding.start == pytest.approx(1.92)
    assert finding.end == pytest.approx(1.96)
    assert finding.fix


def test_a_loop_that_has_its_first_frame_twice_still_flows() -> None:
    frames = turns(round_and_round)
    assert found([*frames, frames[0]])["loop seam"].verdict == "pass"


@settings(max_examples=10, deadline=None)
@given(st.integers(0, COUNT - 1))
def test_a_loop_may_begin_anywhere(first: int) -> None:
    frames = turns(round_and_round)
    frames = frames[first:] + frames[:first]
    assert {finding.verdict for finding in found(frames).values()} == {"pass"}
    assert found(frames[:-1])["loop seam"].verdict == "fail"
    assert found(frames[1:])["loop seam"].verdict == "fail"


def test_the_seam_of_a_repeated_loop_is_that_of_one_turn() -> None:
    frames = turns(round_and_round)[:-1] * 2
    finding = found(frames, replace(LOOP, repeat=2))["loop seam"]
    assert finding.verdict == "fail"
    assert finding.start == pytest.approx(1.92)
    assert finding.end == pytest.approx(1.96)


def test_nobody_asked_for_a_loop() -> None:
    whole, short, cut = turns(round_and_round), turns(round_and_round)[:-1], turns(round_and_round)[:-12]
    seems = found(whole, Asked())
    assert {finding.verdict for finding in seems.values()} == {"pass"}
    assert seems["loop seam"].why.endswith("if it is meant as a loop")
    assert found(short, Asked())["loop seam"].verdict == "warn"
    assert found(cut, Asked()) == {}, "a clip that ends elsewhere was never meant as a loop"
    assert found(cut)["loop seam"].verdict == "fail"


@pytest.mark.parametrize(
    ("asked", "sound", "looked"),
    [
        (Asked(), None, True),
        (Asked(), "aac", False),
        (Asked(loop=False), None, False),
        (Asked(loop=True), "aac", True),
    ],
)
def test_who_speaks_does_not_go_round_unless_asked_to(asked: Asked, sound: str | None, looked: bool) -> None:
    assert bool(found(turns(round_and_round), asked, sound=sound)) is looked


# --------------------------------------------------------------------------------------------------------- the speed


def test_a_motion_that_turns_round_at_the_seam() -> None:
    findings = found(turns(thrown))
    assert findings["loop seam"].verdict == "pass"
    finding = findings["loop speed"]
    assert finding.verdict == "fail"
    assert finding.measured < loop.TURNS
    assert "turns round" in finding.why
    assert finding.start == pytest.approx(1.92)
    assert finding.end == pytest.approx(2.0)
    assert found(turns(thrown), Asked())["loop speed"].verdict == "warn"
    assert "ping-pong" not in findings, "it comes to rest where it turns in between"


def test_a_speed_that_changes_over_the_seam() -> None:
    def hurrying(share: float) -> tuple[float, float]:
        return round_and_round(0.55 * share + 0.45 * share**2.2)

    finding = found(turns(hurrying, 80))["loop speed"]
    assert finding.verdict == "warn"
    assert finding.unit == "times as fast"
    assert finding.measured > loop.SPEED


def test_what_drifts_through_begins_anew() -> None:
    assert "loop speed" not in found(turns(thrown), replace(LOOP, ambient="snow"))


# --------------------------------------------------------------------------------------------------------- ping-pong


def test_there_and_back_is_named() -> None:
    findings = found(turns(there_and_back))
    assert findings["loop speed"].verdict == "fail"
    finding = findings["ping-pong"]
    assert finding.verdict == "warn"
    assert finding.measured < loop.MIRRORED
    assert finding.start == pytest.approx(0.96, abs=0.05)
    assert finding.end == pytest.approx(1.04, abs=0.05)
    assert "backwards" in finding.why


@pytest.mark.parametrize("ends", [0, 1, 2])
def test_frames_played_backwards_are_named_however_they_are_joined(ends: int) -> None:
    """The turning frames shown once, or twice at the seam, or at both."""
    there = turns(lambda share: (60 * share - 25, 12 * np.sin(9 * share)), 26)
    back = there[::-1]
    frames = there + {0: back[1:-1], 1: back[1:], 2: back}[ends]
    found_turn = loop.mirrored(watched(frames).thumbs)
    assert found_turn is not None
    value, turn = found_turn
    assert value < loop.MIRRORED
    assert turn == pytest.approx(25.5, abs=1)


def test_a_pendulum_is_no_ping_pong() -> None:
    findings = found(turns(pendulum))
    assert {finding.verdict for finding in findings.values()} == {"pass"}
    assert findings["loop speed"].why == "it comes to rest at the seam"
    assert loop.mirrored(watched(turns(pendulum)).thumbs) is None


def test_what_goes_round_is_no_ping_pong() -> None:
    wide = turns(lambda share: (18 * np.cos(2 * np.pi * share), 12 * np.sin(2 * np.pi * share)))
    mirrored = loop.mirrored(watched(wide).thumbs)
    assert mirrored is not None
    assert mirrored[0] > 2 * loop.MIRRORED


# ------------------------------------------------------------------------------------------- what cannot be seen, raw


@pytest.mark.parametrize("frames", [turns(lambda _: (0.0, 0.0), noise=0.0), turns(round_and_round)[:10], []])
def test_too_little_to_see_a_seam(frames: list[Pixels]) -> None:
    (finding,) = found(frames).values()
    assert (finding.check, finding.verdict) == ("loop seam", "unseen")
    assert found(frames, Asked()) == {}


def test_raw_frames_tell_where_the_decoded_ones_are_noise() -> None:
    """A codec that keeps its noise from frame to frame hides the seam of a clip that hardly moves."""

    def quiet(share: float) -> tuple[float, float]:
        return 1.5 * np.cos(2 * np.pi * share), 0.0

    def decoded(count: int) -> list[Pixels]:
        noise = np.random.default_rng(3).normal(0, 4, (2, SIZE[1], SIZE[0], 1))
        frames = [drawn(quiet, index / COUNT, noise=0.1) for index in range(count)]
        return [np.clip(f + noise[int(k > count // 2)], 0, 255).astype(np.uint8) for k, f in enumerate(frames)]

    def performance(count: int) -> Any:
        return SimpleNamespace(frame_count=count, frame=lambda index: drawn(quiet, index / COUNT, noise=0.0))

    assert found(decoded(50))["loop seam"].verdict == "unseen"
    assert found(decoded(50), performance=performance(50))["loop seam"].verdict == "pass"
    assert found(decoded(40), performance=performance(40))["loop seam"].verdict == "fail"


def test_a_bar_that_goes_round_is_held_to_its_raw_frames() -> None:
    def turning(share: float) -> Any:
        """A bright bar that goes round ``share`` of the picture in a loop."""

        def frame(index: int) -> Pixels:
            at = 32 * share * index / 250
            ramp = np.clip(255 - 40 * np.abs((np.arange(32) - at + 16) % 32 - 16), 0, 255)
            return np.tile(ramp.astype(np.uint8)[None, :, None], (32, 1, 3))

        return SimpleNamespace(frame_count=250, frame=frame)

    def seam(performance: Any) -> ClipFinding:
        frames = [performance.frame(index) for index in range(250)]
        return found(frames, performance=performance)["loop seam"]

    whole, broken = seam(turning(1.0)), seam(turning(0.8))
    assert (whole.verdict, broken.verdict) == ("pass", "fail")
    assert whole.measured == pytest.approx(1.0, abs=0.2)
    assert broken.start == pytest.approx(9.96)


def test_only_the_ends_and_thumbnails_are_kept() -> None:
    ends = watched(turns(round_and_round))
    assert ends.count == COUNT
    assert len(ends.first) == len(ends.last) == loop.KEPT
    assert ends.thumbs.shape == (COUNT, 18, 32)
    assert ends.start is not None
    assert (ends.start == drawn(round_and_round, 0.0)).all()
