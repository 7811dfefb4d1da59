"""The whole walk with each engine of others: still, plan, their clip, its inspection, OUT.json, and what it cost."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Run
from tests.remote_kit import WORKFLOW, house, offline
from tests.test_diffusion import svd_folder, torch, wan_folder

from stillwake.engines import remote
from stillwake.testing import FakeProvider

__all__ = ["house", "offline", "svd_folder", "torch", "wan_folder"]

ASKED: dict[str, list[str]] = {
    "runway": ["--prompt", "the wind moves her hair", "--seconds", "3", "--takes", "2"],
    "kling": ["--prompt", "the wind moves her hair", "--negative", "blur", "--seconds", "5"],
    "luma": ["--prompt", "the wind moves her hair", "--loop"],
    "did": ["--say", "Mama, five.", "--expression", "happy"],
    "heygen": ["--say", "Mama, five."],
    "vllm": ["--prompt", "the wind moves her hair", "--seconds", "2", "--steps", "4"],
    "comfyui": ["--prompt", "the wind moves her hair", "--seconds", "2"],
}
TALKERS = ("did", "heygen")
QUICK = ("runway", "did", "comfyui")
"""One that makes pictures, one that makes a face talk, one of one's own; test_remote.py walks with all of them."""
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's photograph, small."""
    from stillwake.doctor import demo_still

    path = tmp_path_factory.mktemp("stills") / "portrait.png"
    Image.open(demo_still()).convert("RGB").resize((320, 320)).save(path)
    return path


@pytest.fixture
def fake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("STILLWAKE_PACE", "0.001")
    with FakeProvider(request.param) as server:
        for name, value in server.env.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.mark.parametrize(
    "fake",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ASKED],
    indirect=True,
)
def test_a_still_becomes_a_clip_with_its_record_and_again_costs_nothing(
    fake: Any, portrait: Path, tmp_path: Path, run: Callable[..., Run]
) -> None:
    out, words = tmp_path / "out.mp4", list(ASKED[fake.name])
    if fake.name == "comfyui":
        (tmp_path / "graph.json").write_text(json.dumps(WORKFLOW))
        words += ["--model", str(tmp_path / "graph.json")]
    command = ["animate", portrait, "--engine", fake.name, *words, "-o", out, "--force", "--overwrite"]
    done = run(*command, "--json")
    assert done.status in (0, 4), done.err  # what the fake makes of a talking still does not pass
    record = json.loads(done.out)
    assert record == json.loads(out.with_name("out.mp4.json").read_text())
    assert record["inspection"]["findings"]
    shot = record["plan"]["shots"][0]
    assert shot["engine"] == fake.name
    told = record["made_with"] if fake.name in TALKERS else record["takes"][0]["made_with"]
    assert told["provider"] == fake.name
    assert told["request"]
    takes = 1 if fake.name in TALKERS else len(record["takes"])
    assert fake.creates == takes == (2 if fake.name == "runway" else 1)
    assert {job.name for job in remote.jobs()} == {"out.mp4"}
    first = next(finding for finding in record["inspection"]["findings"] if finding["check"] == "first frame")
    assert first["verdict"] == "pass", "the clip begins with the still, whatever sizes the provider has"
    text = out.with_name("out.mp4.json").read_text() + done.err
    keys = [value for name, value in fake.env.items() if "KEY" in name or "SECRET" in name]
    assert not any(key in text for key in keys)
    assert str(tmp_path) not in out.with_name("out.mp4.json").read_text(), "nothing of the machine"

    for take in tmp_path.glob("out.takes/*"):
        take.unlink()
    assert run(*command).status == done.status
    assert fake.creates == takes, "the same command again asks for nothing"


@pytest.mark.parametrize("fake", ["runway"], indirect=True)
def test_a_run_that_broke_off_goes_on(
    fake: Any, portrait: Path, tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.mp4"
    fake.misbehave("fetch:500:forever")
    monkeypatch.setenv("STILLWAKE_PATIENCE", "1")
    done = run("animate", portrait, "--engine", "runway", "--prompt", "waves", "--seconds", "3", "-o", out, "--force")
    assert done.status == 8
    assert "stillwake jobs resume" in done.sentence or "same command" in done.sentence
    assert not out.exists()
    listed = run("jobs")
    assert listed.status == 0
    assert "out.mp4" in listed.out
    fake.behave()
    monkeypatch.delenv("STILLWAKE_PATIENCE")
    done = run("animate", "--resume", "--json")
    assert done.status == 0, done.err
    assert out.exists()
    assert fake.creates == 1
    assert "no run was broken off" in run("animate", "--resume").sentence


@pytest.mark.parametrize("fake", ["heygen"], indirect=True)
def test_a_voice_of_theirs_says_the_words_and_gives_the_clip_its_length(
    fake: Any, portrait: Path, tmp_path: Path, run: Callable[..., Run]
) -> None:
    rows = [json.loads(line) for line in run("voices", "heygen", "--json").out.splitlines()]
    words = "These are some words, and a few more of them."
    done = run(
        "animate", portrait, "--engine", "heygen", "--say", words, "--voice", rows[0]["id"], "-o", tmp_path / "o.mp4",
        "--json", "--force",
    )  # fmt: skip
    assert done.status in (0, 4), done.err
    record = json.loads(done.out)
    assert record["plan"]["shots"][0]["voice"] == rows[0]["id"]
    body = next(request.json for request in fake.requests if request.path == "/v3/videos")
    assert (body["script"], body["voice_id"]) == (words, rows[0]["id"])
    clip = record["inspection"]["clip"]
    assert clip["frame_count"] == pytest.approx(0.06 * len(words) * 25, abs=2), "the fake's tone, .06 s a letter"


def write_tone(path: Path) -> None:
    """Six seconds of something, as a recording."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((9000 * np.sin(np.arange(16000 * 6) / 20)).astype("<i2").tobytes())


def examples() -> list[str]:
    """The commands of the pages that ask a hosted engine for something."""
    found = []
    for page in ("README.md", "docs/generators-hosted.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        lines = re.findall(
            r"^(?: {4})?(stillwake (?:animate|voices) .*)$|`(stillwake voices [^`]*)`", text, re.MULTILINE
        )
        found += [line for pair in lines for line in pair if line]
    return [line for line in dict.fromkeys(found) if any(name in line for name in ASKED) and "ENGINE" not in line]


def test_there_are_examples() -> None:
    assert len(examples()) >= 4


@pytest.mark.parametrize(
    "example",
    [one if at < 1 else pytest.param(one, marks=pytest.mark.slow) for at, one in enumerate(examples())],
)
def test_the_pages_examples_run(
    example: str, portrait: Path, tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = shlex.split(example, comments=True)[1:]
    name = next(name for name in ASKED if name in words)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STILLWAKE_PACE", "0.001")
    for word in words:
        if word.endswith(".png"):
            shutil.copy(portrait, word)
        elif word.endswith(".wav"):
            write_tone(Path(word))
    with FakeProvider(name) as server:
        for variable, value in server.env.items():
            monkeypatch.setenv(variable, value)
        done = run(*words, *(["--force"] if words[0] == "animate" else []))
    assert done.status == 0, done.err


@pytest.mark.parametrize("fake", ["heygen"], indirect=True)
def test_a_voice_is_copied_for_somebody_who_agreed(
    fake: Any, tmp_path: Path, run: Callable[..., Run], house: Path
) -> None:
    write_tone(tmp_path / "me.wav")
    refused = run("voices", "heygen", "--clone", tmp_path / "me.wav", "--name", "me")
    assert refused.status == 7
    assert "--consent" in refused.sentence
    assert not any(request.path == "/v3/voices/clone" for request in fake.requests)
    done = run("voices", "heygen", "--clone", tmp_path / "me.wav", "--name", "me", "--consent", "Ada L.", "--json")
    assert done.status == 0, done.err
    assert json.loads(done.out)["name"] == "me"
    assert any(b"Ada L." in path.read_bytes() for path in house.rglob("*") if path.is_file()), "it is written down"


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("engine", ["svd", pytest.param("wan", marks=pytest.mark.slow)])
def test_a_pipeline_of_ones_own_makes_the_clip(
    engine: str, portrait: Path, tmp_path: Path, run: Callable[..., Run], request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(f"{engine}_folder")
    out = tmp_path / "out.mp4"
    prompt = ["--prompt", "waves"] if engine == "wan" else []
    done = run(
        "animate", portrait, "--engine", engine, "--model", folder, *prompt, "--seconds", "1", "--fps", "8",
        "--steps", "2", "-o", out, "--force", "--json",
    )  # fmt: skip
    assert done.status in (0, 4), done.err  # random weights do not keep a face
    record = json.loads(done.out)
    assert record["takes"][0]["made_with"]["seed"] == record["takes"][0]["seed"]
    assert record["plan"]["price"] == 0
    assert any("CPU" in warning for warning in record["plan"]["warnings"]), "what it picked is said"
    assert str(folder) not in out.with_name("out.mp4.json").read_text()
    if engine == "wan":  # that its frames come again is a test of the engine's: tests/test_diffusion.py
        return
    first = record["inspection"]["clip"]["sha256"]
    again = json.loads(run(
        "animate", portrait, "--engine", engine, "--model", folder, *prompt, "--seconds", "1", "--fps", "8",
        "--steps", "2", "-o", tmp_path / "b.mp4", "--force", "--json",
    ).out)  # fmt: skip
    assert again["inspection"]["clip"]["sha256"] == first, "the same seed, the same bytes"
