"""Every fault at every step of every provider: then the clip is there, or a clear error; and nothing is paid twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.remote_kit import ENGINES, engine_of, house, offline, scene_of, shot_of, speech_of

from stillwake.engines.remote import jobs, runway
from stillwake.errors import StillwakeError
from stillwake.testing import FakeProvider, faults_of

__all__ = ["house", "offline"]

NEVER = {("luma", "upload"), ("kling", "balance")}
"""Steps that stillwake does not take: Luma gets its picture inside the request, Kling is not asked for its packs."""
SAME = ("502", "503", "slow")
"""Faults that are met as 500 is, or hardly are any; they are tried with the slow tests."""
ALIKE = ("kling", "luma", "did", "heygen", "vllm", "comfyui")
"""Whose states and clips go through the same code as Runway's: their faults there are tried with the slow tests."""
OWN = ("moderated", "failed", "cancelled", "throttled", "wrong type", "gone")
LOST = {
    "500",
    "502",
    "503",
    "silent",
    "drop",
    "html",
    "redirect",
    "dropped after accepting",
    "broken json",
    "wrong type",
}
"""After these nobody can say whether a create was accepted, unless the provider can be asked."""
AT_ONCE = {"wrong key": "KeyRefusedError", "empty account": "AccountError", "moderated": "ModerationError"}

_seeds = iter(range(1, 10**6))


def cases() -> list[object]:
    found = []
    for name in ENGINES:
        for step, kinds in faults_of(name).items():
            if step == "cancel" or (name, step) in NEVER:
                continue
            for kind in kinds:
                for times in ("1", "forever"):
                    alike = name in ALIKE and step in ("status", "fetch", "balance", "upload") and kind not in OWN
                    slow = times == "forever" or kind in SAME or alike
                    marks = [pytest.mark.slow] if slow else []
                    found.append(
                        pytest.param(name, step, kind, times, marks=marks, id=f"{name}-{step}-{kind}-{times}")
                    )
    return found


@pytest.fixture(scope="module")
def fakes() -> Iterator[dict[str, FakeProvider]]:
    opened: dict[str, FakeProvider] = {}
    yield opened
    for fake in opened.values():
        fake.__exit__(None, None, None)


def fake_of(fakes: dict[str, FakeProvider], name: str) -> FakeProvider:
    if name not in fakes:
        fakes[name] = FakeProvider(name, polls=1, width=64, patience=0.1).__enter__()
    fakes[name].behave()
    return fakes[name]


def allowed(name: str, step: str, kind: str, times: str) -> set[str]:
    """How three tries of the same command may end."""
    if step == "create":
        if kind in LOST:
            if name in ("kling", "heygen"):  # asked again with the same key
                return {"clip"} if times == "1" else {"clip", "JobUnsureError"}
            if name == "comfyui":  # its queue tells
                return {"clip"} if times == "1" else {"clip", "UnreachableError"}
            return {"JobUnsureError"}
        if kind == "moderated":  # it may be a refusal, after which the same may be asked, or a job that ends so
            return {"ModerationError", "clip"} if times == "1" else {"ModerationError"}
        if times == "1" or kind == "slow":
            return {"clip"}
        return {AT_ONCE.get(kind, "BusyError")}
    if step == "status" and kind in ("moderated", "failed", "cancelled"):
        word = "ModerationError" if kind == "moderated" else "JobFailedError"
        return {word, "clip"} if times == "1" else {word}
    if times == "1" or kind == "slow" or (step == "balance" and kind not in AT_ONCE):
        return {"clip"}
    if kind in AT_ONCE:
        return {AT_ONCE[kind]}
    if step == "fetch":
        return {"ResultError"}
    if kind == "gone":
        return {"JobFailedError"}
    if kind == "throttled":  # waits for ever, as it should
        return {"BusyError"}
    return {"BusyError"} if kind == "429" else {"UnreachableError"}


@pytest.mark.parametrize(("name", "step", "kind", "times"), cases())
def test_fault(
    fakes: dict[str, FakeProvider], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, house: Path,
    name: str, step: str, kind: str, times: str,
) -> None:  # fmt: skip
    fake = fake_of(fakes, name)
    for variable, value in fake.env.items():
        monkeypatch.setenv(variable, value)
    if (name, step) == ("runway", "upload"):
        monkeypatch.setattr("stillwake.engines.remote.providers.runway.DATA_URI", 0)
    if (kind, times) == ("throttled", "forever"):
        monkeypatch.setenv("STILLWAKE_PATIENCE", "0.3")
    before = set(fake.jobs)
    fake.misbehave(f"{step}:{kind}:{times}:0.05")
    shot = shot_of(name, tmp_path, seed=next(_seeds))
    ends, errors = [], []
    for _ in range(3):
        try:
            with engine_of(name, pace_of()).prepare(scene_of(), shot, speech_of(name)) as performance:
                assert performance.frame(0).shape == (270, 480, 3)
            ends.append("clip")
            break
        except StillwakeError as error:
            ends.append(type(error).__name__)
            errors.append(error)
    assert ends[-1] in allowed(name, step, kind, times), f"{ends}: {errors[-1:]}"

    accepted = [job for mark, job in fake.jobs.items() if mark not in before]
    (told,) = jobs()
    known = {told.provider_id, *(mark for _, mark, _ in told.past)}
    lost = [job.id for job in accepted if job.id not in known]
    assert not lost or told.state == "unsure", "an accepted job is nowhere in the journal"
    assert sum(job.charged > 0 for job in accepted) <= 1, "paid twice"
    ended = sum(1 for _, mark, _ in told.past if mark is not None)
    assert len(accepted) <= 1 + ended, "asked anew before it was known that the last one had ended without a bill"
    assert not fake.strayed, "a redirect was followed"
    keys = [value for variable, value in fake.env.items() if not variable.endswith("BASE_URL")]
    for error in errors:
        assert 20 < len(str(error)) < 900, str(error)
        assert not any(key in str(error) or key in repr(error) for key in keys)
    for path in house.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(key.encode() in data for key in keys), path


def pace_of() -> object:
    from stillwake.engines.remote import Pace

    return Pace(scale=0.001, answer=20.0, patience=float(os.environ.get("STILLWAKE_PATIENCE", "60")))


def test_the_matrix_is_large_enough() -> None:
    assert len(cases()) >= 600
    assert sum(not param.marks for param in cases()) >= 150  # type: ignore[attr-defined]
    assert runway().name == "runway"


@pytest.mark.parametrize(("name", "anew"), [("kling", True), ("runway", True), ("luma", False), ("heygen", False)])
def test_a_failure_is_asked_anew_only_where_it_is_known_to_have_cost_nothing(
    name: str, anew: bool, house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider(name, polls=1, width=64, script=["status:failed"]) as fake:
        for variable, value in fake.env.items():
            monkeypatch.setenv(variable, value)
        made = []
        for _ in range(2):
            try:
                with engine_of(name).prepare(scene_of(), shot_of(name, tmp_path), speech_of(name)):
                    made.append(True)
            except StillwakeError:
                made.append(False)
        assert made == [False, anew]
        assert fake.creates == (2 if anew else 1)
        assert jobs()[0].state == ("made" if anew else "failed")
