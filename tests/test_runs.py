"""Runs that ask others for work are written down, and gone on with."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from tests.conftest import Run as Done

from stillwake.errors import (
    AccountError,
    Cancelled,
    ModerationError,
    OutputError,
    StillwakeError,
    UnreachableError,
    UsageError,
)
from stillwake.home import home
from stillwake.types import Brief, Plan, Shot
from stillwake.workflow.runs import Run, broken_off, written_down


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("STILLWAKE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def a_plan(engine: str = "kling", family: str = "generator") -> Plan:
    shot = Shot(
        family=family, engine=engine, motion="generate", seconds=Fraction(5), fps=Fraction(24), size=(64, 64), seed=0
    )  # type: ignore[arg-type]
    return Plan(shots=(shot,))


def a_run(name: str = "a.png") -> Run:
    return Run(picture=Path(name), brief=Brief(prompt="waves", end_frame=Path("end.png")), out=Path("o.mp4"))


@pytest.mark.parametrize("error", [Cancelled(), UnreachableError("a", "b", "c"), KeyboardInterrupt(), OSError()])
def test_a_run_that_breaks_off_is_kept_and_named_in_full(at_home: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), written_down(a_run(), a_plan()):
        raise error
    run = broken_off()
    assert run.picture == Path("a.png").absolute()
    assert run.brief.end_frame == Path("end.png").absolute()


@pytest.mark.parametrize(
    "error", [ModerationError("a", "b", "c"), AccountError("a", "b", "c"), UsageError("a", "b", "c")]
)
def test_a_run_that_will_never_do_is_not_kept(at_home: Path, error: StillwakeError) -> None:
    with pytest.raises(type(error)), written_down(a_run(), a_plan()):
        raise error
    with pytest.raises(UsageError, match="no run was broken off"):
        broken_off()


def test_a_run_that_ends_well_is_forgotten_and_the_last_one_goes_first(at_home: Path) -> None:
    for name in ("first.png", "second.png"):
        with pytest.raises(Cancelled), written_down(a_run(name), a_plan()):
            raise Cancelled
    assert broken_off().picture.name == "second.png"
    with written_down(a_run("second.png"), a_plan()):
        assert broken_off().picture.name == "second.png", "it is there while it runs"
    assert broken_off().picture.name == "first.png"


def test_what_this_machine_does_at_once_is_not_written_down(at_home: Path) -> None:
    with written_down(a_run(), a_plan("animator", "animator")):
        assert not at_home.exists()
    with written_down(a_run(), a_plan("heygen", "animator")):
        assert list((at_home / "runs").iterdir())


def test_a_home_that_cannot_be_written_stops_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STILLWAKE_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="STILLWAKE_HOME"), written_down(a_run(), a_plan()):
        raise AssertionError("the block ran")


def test_nobody_else_reads_the_home(at_home: Path) -> None:
    folder = home("runs")
    if os.name == "posix":
        assert stat.S_IMODE(at_home.stat().st_mode) == stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_damaged_run_is_passed_over(at_home: Path) -> None:
    with pytest.raises(Cancelled), written_down(a_run(), a_plan()):
        raise Cancelled
    (home("runs") / "99999999999999999999-1.json").write_text("{")
    assert broken_off().picture.name == "a.png"


def test_resume_needs_a_run_and_nothing_else(at_home: Path, run: Callable[..., Done]) -> None:
    done = run("animate", "--resume")
    assert (done.status, "no run was broken off" in done.sentence) == (2, True)
    done = run("animate", "a.png", "--resume")
    assert (done.status, "say --resume alone" in done.sentence) == (2, True)
