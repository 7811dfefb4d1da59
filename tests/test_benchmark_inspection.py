"""The arithmetic of the inspection's benchmark: what counts as found, where, and how sure a share is."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks" / "inspection"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    name = "benchmarks_inspection"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="module")
def score(bench: ModuleType) -> ModuleType:
    return importlib.import_module(f"{bench.__name__}.score")


def row(check: str, verdict: str = "fail", **more: Any) -> dict[str, Any]:
    return {"check": check, "verdict": verdict, "measured": None, "unit": "", "limit": None, "start": None,
            "end": None, "box": None, **more}  # fmt: skip


def record(*rows: dict[str, Any], injury: str = "freezes", strength: float = 5, **truth: Any) -> dict[str, Any]:
    return {
        "take": "a", "mode": "told", "half": "test", "ours": True, "injury": injury, "strength": strength,
        "negative": injury == "clean", "answers": ["freeze"], "seconds": 6.0, "speaks": True, "findings": list(rows),
        "truth": {"start": 2.0, "end": 2.24, "box": None, "value": None, "edges": True, **truth},
    }  # fmt: skip


CLEAN = record(injury="clean")


def test_the_interval_of_a_share_is_wilsons(score: ModuleType) -> None:
    # Brown, Cai and DasGupta (2001): 0 of 10 gives 0 to .278; 9 of 10 gives .596 to .982
    assert score.wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-3)
    assert score.wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-3)
    assert score.wilson(0, 0) == (0, 1)


def test_boxes_overlap_by_their_common_part(score: ModuleType) -> None:
    assert score.overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert score.overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0


def test_an_alarm_at_the_place_finds_it(score: ModuleType) -> None:
    got = score.judged(record(row("freeze", start=2.1, end=2.3)), CLEAN)
    assert (got.found, got.failed, got.unseen, got.located) == (True, True, False, True)
    late = score.judged(record(row("freeze", start=2.1, end=2.9)), CLEAN)
    assert (late.found, late.timed) == (True, False)


def test_an_alarm_elsewhere_or_by_another_check_does_not(score: ModuleType) -> None:
    assert not score.judged(record(row("freeze", start=4.0, end=4.2)), CLEAN).found
    other = score.judged(record(row("sync")), CLEAN)
    assert (other.found, other.strays, other.unseen) == (False, ("sync",), True)


def test_an_alarm_that_the_clean_clip_raised_does_not_unless_it_is_worse_or_elsewhere(score: ModuleType) -> None:
    before = record(row("freeze", "warn", start=2.0, end=2.3), injury="clean")
    assert not score.judged(record(row("freeze", "warn", start=2.0, end=2.3)), before).found
    assert score.judged(record(row("freeze", "fail", start=2.0, end=2.3)), before).found
    elsewhere = record(row("freeze", "fail", start=5.0, end=5.3), injury="clean")
    assert score.judged(record(row("freeze", "fail", start=2.0, end=2.3)), elsewhere).found


def test_a_box_must_lie_where_it_was_done(score: ModuleType) -> None:
    truth = {"start": None, "end": None, "box": (0, 0, 100, 100)}
    assert score.judged(record(row("freeze", box=(0, 0, 60, 100)), **truth), CLEAN).located is True
    assert score.judged(record(row("freeze", box=(80, 80, 200, 200)), **truth), CLEAN).located is False
    assert score.judged(record(row("freeze"), **truth), CLEAN).located is False
    nowhere = {"start": None, "end": None, "box": None}
    assert score.judged(record(row("freeze"), **nowhere), CLEAN).located is None


def test_only_abstaining_is_unseen(score: ModuleType) -> None:
    assert score.judged(record(row("freeze", "unseen")), CLEAN).unseen
    assert not score.judged(record(row("freeze", "pass")), CLEAN).unseen


def test_offsets_are_compared_with_the_truth_and_abstentions_are_misses(score: ModuleType) -> None:
    def shifted(measured: float | None, verdict: str = "fail") -> dict[str, Any]:
        return record(row("sync", verdict, measured=measured), injury="sound_shifted", strength=80, value=-80.0)

    usual = record(row("sync", "pass", measured=12.0), injury="clean")
    near, far, none = (
        score.Case(r, score.judged(r, usual)) for r in (shifted(-60), shifted(-20), shifted(None, "unseen"))
    )
    assert (near.outcome.error, near.outcome.against) == (20, 8)
    assert str(score.precise([near, far, none])).startswith("0.33")
    assert score.precise_where_said([near, far, none]).count == 2


def test_the_report_counts_halves_apart_and_names_false_alarms(score: ModuleType) -> None:
    hit = record(row("freeze", start=2.0, end=2.24))
    missed = {**record(), "half": "tune"}
    clean = record(row("flicker", "fail", measured=3.0), injury="clean")
    lines = "\n".join(score.report([clean, {**clean, "half": "tune", "findings": []}, hit, missed]))
    assert "| a freeze of 5 frames | >= 0.98 | 0.00 [0.00, 0.79] of 1 | 1.00 [0.21, 1.00] of 1 |" in lines
    assert "**flicker** fail: 1 clean, 1 in all: a (3)" in lines
    assert "| clean: any check fails | <= 0.05 | 0.00 [0.00, 0.79] of 1 | 1.00 [0.21, 1.00] of 1 |" in lines


def test_a_source_lies_in_one_half_whatever_is_made_of_it(bench: ModuleType) -> None:
    takes = importlib.import_module(f"{bench.__name__}.takes")
    halves = [takes.half_of(f"still {k}") for k in range(200)]
    assert halves == [takes.half_of(f"still {k}") for k in range(200)]
    assert 70 < halves.count("test") < 130


def moving(bench: ModuleType, count: int = 60) -> Any:
    """A bright square that goes round on a grey ground, 2.4 s of it."""
    frames = []
    for k in range(count):
        frame = np.full((96, 128, 3), 90, np.uint8)
        x, y = int(50 + 40 * np.cos(2 * np.pi * k / 30)), int(36 + 30 * np.sin(2 * np.pi * k / 30))
        frame[y : y + 20, x : x + 24] = 220
        frames.append(frame)
    return bench.Take(name="square", source="square", kind="real", frames=frames)


def test_injuries_do_what_their_truth_says(bench: ModuleType) -> None:
    take = moving(bench)
    fps = float(take.fps)
    frozen = bench.injured(take, "freezes", 5)
    first, last = round(frozen.truth.start * fps), round(frozen.truth.end * fps)
    still = [np.array_equal(a, b) for a, b in zip(frozen.take.frames, frozen.take.frames[1:], strict=False)]
    assert [k for k, same in enumerate(still) if same] == list(range(first, last - 1))
    dropped = bench.injured(take, "frame_dropped", 1)
    at = round(dropped.truth.start * fps)
    assert len(dropped.take.frames) == len(take.frames) - 1
    assert np.array_equal(dropped.take.frames[at], take.frames[at + 1])
    assert np.array_equal(dropped.take.frames[at - 1], take.frames[at - 1])
    dark = bench.injured(take, "black_frames", 3)
    black = [k for k, frame in enumerate(dark.take.frames) if not frame.any()]
    assert (black[0] / fps, (black[-1] + 1) / fps) == pytest.approx((dark.truth.start, dark.truth.end))


def test_injuries_without_strength_change_nothing(bench: ModuleType) -> None:
    take = moving(bench)
    for name in ("no_flicker", "no_tint"):
        hurt = bench.injured(take, name, 0)
        assert hurt is not None
        changes = [np.abs(a.astype(int) - b).max() for a, b in zip(take.frames, hurt.take.frames, strict=True)]
        assert max(changes) <= 1, name


def test_the_place_is_chosen_by_chance_that_is_always_the_same(bench: ModuleType) -> None:
    take = moving(bench)
    one, other = (bench.injured(take, "frame_doubled", 1) for _ in range(2))
    assert one.truth == other.truth


def test_every_injury_has_checks_that_may_answer(bench: ModuleType) -> None:
    for injury in bench.INJURIES:
        assert bool(injury.answers) != injury.negative, injury.name
        assert injury.make.__doc__ or injury.name == "cut"


def test_how_much_of_a_flicker_is_left_is_told(bench: ModuleType) -> None:
    truth = importlib.import_module(f"{bench.__name__}.truth")

    before = np.full(20, 100.0) + np.arange(20)
    put = before * np.where(np.arange(20) % 2, 1.01, 1.0)
    assert truth.left_of((before, put), put) == pytest.approx(1)
    assert truth.left_of((before, put), before) == 0
    assert truth.left_of((before, put), (before + put) / 2) == pytest.approx(0.5, abs=0.01)
