from __future__ import annotations

import hashlib
import os
import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pytest
from hypothesis import settings

from stillwake.types import Scene, Still

if TYPE_CHECKING:
    import importlib.metadata

    from tests.toy import ToyGenerator

    from stillwake.perceive import GivenFace

MOST_LOOKS = 24
"""Scenes that are kept; each holds its picture and a matte."""

if "PYTEST_XDIST_WORKER" in os.environ:  # two at once: threads that wait for each other cost more than they do
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")

# The same cases every time: a run says something about the change in hand, not about luck.
settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The test material beside the checkout: other people's pictures and recordings, never part of the project."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the test material beside the checkout is missing")
    return folder


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What outlives a run is kept in a folder of the tests' own, and nobody's keys are theirs."""
    monkeypatch.setenv("STILLWAKE_HOME", str(tmp_path_factory.getbasetemp() / f"home-{uuid.uuid4().hex}"))
    for name in (
        "RUNWAYML_API_SECRET", "KLING_API_KEY", "KLING_ACCESS_KEY", "KLING_SECRET_KEY", "LUMA_AGENTS_API_KEY",
        "DID_API_KEY", "HEYGEN_API_KEY", "VLLM_BASE_URL", "COMFYUI_BASE_URL",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here ever needs the network: whatever asks for it fails."""

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError(f"a test reached for the network: {args[1:]}")

    connect = socket.socket.connect

    def connect_locally(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            refuse(self, address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_locally)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="session")
def _looks() -> dict[bytes, Scene]:
    return {}


@pytest.fixture(autouse=True)
def looked_at_once(monkeypatch: pytest.MonkeyPatch, _looks: dict[bytes, Scene]) -> None:
    """The commands look at each picture once a process: hundreds of tests begin with the demo's two stills.

    Tests that are about looking import `perceive` themselves, and have the real one.
    """
    import stillwake.perceive

    look = stillwake.perceive.perceive

    def remembered(still: Still, given: Sequence[GivenFace] = ()) -> Scene:
        if given:
            return look(still, given)
        key = hashlib.sha256(repr(still.pixels.shape).encode() + still.pixels.tobytes()).digest()
        if key not in _looks:
            if len(_looks) >= MOST_LOOKS:
                _looks.pop(next(iter(_looks)))
            _looks[key] = look(still)
        return replace(_looks[key], still=still)

    monkeypatch.setattr(stillwake.perceive, "perceive", remembered)


@pytest.fixture(scope="session")
def astronaut() -> Scene:
    """NASA's astronaut as it is perceived, 256 px."""
    from skimage import data

    from stillwake.perceive import perceive, scaled

    return scaled(perceive(Still(np.ascontiguousarray(data.astronaut()), "astronaut.png", "0" * 64)), (256, 256))


@pytest.fixture(scope="session")
def mira() -> Scene:
    """The demo's drawing as it is perceived, 256 px."""
    from stillwake.doctor import demo_drawing
    from stillwake.media import open_still
    from stillwake.perceive import perceive, scaled

    return scaled(perceive(open_still(demo_drawing())), (256, 256))


class Run:
    """What a command did."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def sentence(self) -> str:
        """The one line that an error is."""
        assert self.status != 0, self.err
        assert self.out == "", "an error leaves standard output empty"
        assert "Traceback" not in self.err
        (line,) = self.err.strip().splitlines()
        assert line.endswith("."), line
        return line


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    def run(*words: object) -> Run:
        capfd.readouterr()
        from stillwake import cli

        status = cli.main([str(word) for word in words])
        out, err = capfd.readouterr()
        return Run(status, out, err)

    return run


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> type[ToyGenerator]:
    """A generator to test with, registered as wan and as kling."""
    import importlib.metadata

    from tests.toy import ToyGenerator

    real = importlib.metadata.entry_points

    def points(**chosen: str) -> list[importlib.metadata.EntryPoint]:
        found = list(real(**chosen))
        if chosen.get("group") == "stillwake.engines":
            for name in ("wan", "kling"):  # one that is free, and one that costs money
                found.append(importlib.metadata.EntryPoint(name, "tests.toy:ToyGenerator", "stillwake.engines"))
        return found

    monkeypatch.setattr(importlib.metadata, "entry_points", points)
    for field, value in (
        ("flickers", frozenset()), ("firm", 0.0), ("warm", 0), ("dies_at", None), ("asked", []),
    ):  # fmt: skip
        monkeypatch.setattr(ToyGenerator, field, value)
    return ToyGenerator
