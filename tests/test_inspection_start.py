from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwake.inspection import start
from stillwake.inspection.asked import Asked
from stillwake.types import CameraMove, CameraRecord, ClipFinding, Floats, Move, Pixels

SIZE = 320, 200


@lru_cache(maxsize=3)
def a_still(seed: int = 1) -> Pixels:
    """Coloured shapes on texture, as a photograph has corners."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((SIZE[1], SIZE[0], 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 6)
    picture = np.clip(125 + 25 * smooth / smooth.std(), 0, 255).astype(np.uint8)
    for _ in range(60):
        x, y = int(rng.integers(0, SIZE[0])), int(rng.integers(0, SIZE[1]))
        w, h = (int(side) for side in rng.integers(6, 40, 2))
        cv2.rectangle(picture, (x, y), (x + w, y + h), [int(level) for level in rng.integers(40, 220, 3)], -1)
    return picture


def laid(scale: float = 1.0, right: float = 0.0, down: float = 0.0, turn: float = 0.0) -> Pixels:
    """The still, larger, turned in degrees and moved by shares of the width, about its middle."""
    matrix = cv2.getRotationMatrix2D((SIZE[0] / 2, SIZE[1] / 2), -turn, scale)
    matrix[:, 2] += (right * SIZE[0], down * SIZE[0])
    moved: Pixels = cv2.warpAffine(a_still(), matrix, SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return moved


def tinted(pixels: Pixels, shift: tuple[float, float, float]) -> Pixels:
    """The picture with its CIELAB values shifted."""
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) + np.float32(shift)
    rgb: Floats = 255 * cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    return np.clip(rgb, 0, 255).round().astype(np.uint8)


def found(
    first: Pixels | None, still: Pixels | None = None, camera: CameraRecord | None = None, **asked: Any
) -> dict[str, ClipFinding]:
    known = SimpleNamespace(
        changes=(),
        still=a_still() if still is None else still,
        ends=SimpleNamespace(start=first),
        fps=Fraction(25),
        asked=Asked(camera=camera, **asked),
    )
    return {finding.check: finding for finding in start.check(known)}  # type: ignore[arg-type]


def verdicts(findings: dict[str, ClipFinding]) -> tuple[str, str]:
    return findings["first frame"].verdict, findings["first colours"].verdict


def test_the_still_itself_is_the_still() -> None:
    findings = found(a_still())
    assert verdicts(findings) == ("pass", "pass")
    assert findings["first frame"].measured == pytest.approx(0.0, abs=0.0005)
    assert findings["first colours"].measured == pytest.approx(0.0, abs=0.05)
    assert findings["first frame"].start is None


def test_a_codec_does_not_make_it_another() -> None:
    noisy = a_still() + np.random.default_rng(3).normal(0, 4, (SIZE[1], SIZE[0], 3))
    soft = cv2.GaussianBlur(np.clip(noisy, 0, 255).astype(np.uint8), (0, 0), 0.8)
    assert verdicts(found(soft)) == ("pass", "pass")


@pytest.mark.parametrize(
    ("scale", "verdict", "words"),
    [
        (1.004, "pass", ""),
        (1.015, "warn", "1.5% larger"),
        (1 / 0.96, "fail", "4.2% larger"),
        (0.95, "fail", "smaller"),
    ],
)
def test_a_crop_is_a_larger_still(scale: float, verdict: str, words: str) -> None:
    findings = found(laid(scale))
    finding = findings["first frame"]
    assert verdicts(findings) == (verdict, "pass")
    assert words in finding.why
    if verdict != "pass":
        assert finding.measured == pytest.approx(scale - 1, abs=0.002)
        assert (finding.start, finding.end) == (0.0, pytest.approx(0.04))
        assert finding.fix


def test_a_crop_of_three_percent_is_seen() -> None:
    """As an engine crops: the middle is cut out and made as large as before."""
    x, y = (round(0.015 * side) for side in SIZE)
    cropped = cv2.resize(a_still()[y:-y, x:-x], SIZE, interpolation=cv2.INTER_CUBIC)
    finding = found(cropped)["first frame"]
    assert finding.verdict in ("warn", "fail")
    assert finding.measured == pytest.approx(0.031, abs=0.004)


@pytest.mark.parametrize(("right", "down", "verdict"), [(0.002, 0, "pass"), (0.01, 0, "warn"), (-0.02, 0.02, "fail")])
def test_a_shift_is_measured(right: float, down: float, verdict: str) -> None:
    findings = found(laid(right=right, down=down))
    assert verdicts(findings) == (verdict, "pass")
    assert findings["first frame"].measured == pytest.approx(np.hypot(right, down), abs=0.0008)
    if verdict != "pass":
        assert "aside" in findings["first frame"].why


@settings(max_examples=20, deadline=None)
@given(st.floats(0.88, 1.14), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05), st.floats(-4.0, 4.0))
def test_any_similarity_is_measured(scale: float, right: float, down: float, turn: float) -> None:
    fit = start.fit(a_still(), laid(scale, right, down, turn))
    assert fit.share > start.LEAST_SHARE
    assert fit.scale == pytest.approx(scale, abs=0.003)
    assert fit.turn == pytest.approx(turn, abs=0.15)
    assert fit.shift == pytest.approx((right, down), abs=0.002)
    assert fit.colour < 2.0


def test_a_still_that_lies_far_off_is_found_by_its_looks() -> None:
    fit = start.fit(a_still(), laid(0.7, 0.1, -0.05))
    assert fit.scale == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize(("size", "verdict"), [(1.0, "pass"), (4.0, "warn"), (8.0, "fail")])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_tint_is_measured(axis: int, size: float, verdict: str) -> None:
    shift = [0.0, 0.0, 0.0]
    shift[axis] = size
    findings = found(tinted(a_still(), (shift[0], shift[1], shift[2])))
    assert verdicts(findings) == ("pass", verdict)
    assert findings["first colours"].measured == pytest.approx(size, abs=0.5)


def test_a_camera_that_was_asked_for_may_begin_within_the_still() -> None:
    camera = CameraRecord(moves=(CameraMove(kind="truck-right"),))
    assert found(laid(1.06))["first frame"].verdict == "fail"
    assert found(laid(1.06), camera=camera)["first frame"].verdict == "pass"
    assert found(laid(1.2), camera=camera)["first frame"].verdict == "fail"


OURS: dict[str, Any] = {"family": "animator", "engine": "animator"}


@pytest.mark.parametrize(("kind", "begins"), [("pull-out", 1 / 0.88), ("zoom-out", 1.1)])
def test_a_camera_that_backs_off_begins_near(kind: Move, begins: float) -> None:
    camera = CameraRecord(moves=(CameraMove(kind=kind),))
    near = laid(1.016 * begins)
    assert found(near, camera=camera, **OURS)["first frame"].verdict == "pass"
    assert found(laid(begins + 0.16), camera=camera, **OURS)["first frame"].verdict == "fail", "nearer than it begins"
    assert found(laid(0.84), camera=camera, **OURS)["first frame"].verdict == "fail", "and never further off"
    push = CameraRecord(moves=(CameraMove(kind="push-in"),))
    assert found(laid(1.016 / 0.88), camera=push, **OURS)["first frame"].verdict == "fail", "a push begins far off"
    assert found(laid(1.016 / 0.88), camera=camera)["first frame"].verdict == "fail", (
        "a generator begins with the still"
    )


def test_a_wide_pan_begins_as_far_aside_as_it_goes() -> None:
    wide, usual = (CameraRecord(moves=(CameraMove(kind="pan-left", strength=s),)) for s in (3.0, 1.0))
    first = laid(1.2, right=0.16)
    assert found(first, camera=wide, **OURS)["first frame"].unit != "of its width"
    assert "aside" in found(first, camera=usual, **OURS)["first frame"].why


def test_a_tint_is_told_from_a_crop() -> None:
    findings = found(tinted(laid(1.05), (0.0, 4.0, 0.0)))
    assert verdicts(findings) == ("fail", "warn")
    assert findings["first colours"].measured == pytest.approx(4.0, abs=0.6)


def test_another_picture_is_another() -> None:
    findings = found(a_still(2))
    assert set(findings) == {"first frame"}, "the colours of another picture say nothing"
    assert findings["first frame"].verdict == "fail"
    assert "is not the still" in findings["first frame"].why


def test_a_plain_still_tells_of_its_colours_only() -> None:
    plain = np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)
    assert verdicts(found(plain, plain)) == ("unseen", "pass")
    assert verdicts(found(tinted(plain, (0.0, 0.0, 5.0)), plain)) == ("unseen", "warn")


def test_without_a_still_or_a_frame_nothing_is_compared() -> None:
    (finding,) = start.check(SimpleNamespace(changes=(), still=None, ends=SimpleNamespace(start=a_still()), fps=25))  # type: ignore[arg-type]
    assert finding.verdict == "unseen"
    assert found(None)["first frame"].verdict == "unseen"
