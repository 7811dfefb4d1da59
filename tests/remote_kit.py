"""What the tests of hosted engines share: a picture, shots, and a network that ends at this machine."""

from __future__ import annotations

import json
import socket
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stillwake.engines.remote import Pace, RemoteEngine
from stillwake.media import sound_from_samples
from stillwake.types import Scene, Shot, Speech, Still

FAST = Pace(scale=0.001, answer=20.0, patience=60.0)
ENGINES = ("runway", "kling", "luma", "did", "heygen", "vllm", "comfyui")
TALKERS = ("did", "heygen")

WORKFLOW = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "{image}"}, "_meta": {"title": "Load Image"}},
    "2": {
        "class_type": "WanImageToVideo",
        "inputs": {"width": "{width}", "height": "{height}", "length": "{frames}", "start_image": ["1", 0]},
    },
    "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "masterpiece, {prompt}", "clip": ["2", 0]}},
    "4": {"class_type": "KSampler", "inputs": {"seed": "{seed}", "model": ["3", 0]}},
    "5": {"class_type": "SaveVideo", "inputs": {"fps": "{fps}", "video": ["4", 0]}},
}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the house's own, but for servers on this machine: in place of it, by its name."""
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def near(self: socket.socket, address: Any) -> None:
        assert self.family == socket.AF_UNIX or address[0] == "127.0.0.1", f"a test reached for the network: {address}"
        connect(self, address)

    def known(host: Any, *args: Any, **kwargs: Any) -> Any:
        assert host in ("127.0.0.1", b"127.0.0.1"), f"a test reached for the network: {host!r}"
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", near)
    monkeypatch.setattr(socket, "getaddrinfo", known)


@pytest.fixture(autouse=True)
def house(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home of the test's own, and no key of anybody's."""
    home = tmp_path / "home"
    monkeypatch.setenv("STILLWAKE_HOME", str(home))
    for name in (
        "RUNWAYML_API_SECRET", "KLING_API_KEY", "KLING_ACCESS_KEY", "KLING_SECRET_KEY", "LUMA_AGENTS_API_KEY",
        "DID_API_KEY", "DID_KEY_ENCODING", "HEYGEN_API_KEY", "VLLM_BASE_URL", "COMFYUI_BASE_URL", "STILLWAKE_PACE",
        "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return home


@cache
def pixels(width: int = 480, height: int = 270) -> Any:
    """A smooth picture with something everywhere."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 80 * np.sin(x / a) * np.cos(y / b) for a, b in ((31, 23), (17, 41), (53, 13))]
    return np.ascontiguousarray(np.stack(waves, axis=2).astype(np.uint8))


def scene_of(width: int = 480, height: int = 270, **more: Any) -> Scene:
    return Scene(Still(pixels(width, height), "still.png", "0" * 64), "photo", (), (), None, {}, **more)


@cache
def voice(seconds: float = 3.0) -> Speech:
    """A tone as somebody's words."""
    samples = (8000 * np.sin(np.arange(round(16000 * seconds)) / 20)).astype(np.int16)
    return Speech(sound_from_samples(samples, 16000), "en", "voice", (), (), ())


def workflow(folder: Path) -> str:
    path = folder / "workflow.json"
    path.write_text(json.dumps(WORKFLOW))
    return str(path)


def shot_of(engine: str, folder: Path | None = None, **more: Any) -> Shot:
    """A shot that the engine can make."""
    talks = engine in TALKERS
    usual: dict[str, Any] = {
        "family": "animator" if talks else "generator", "engine": engine, "motion": "talk" if talks else "generate",
        "prompt": "" if talks else "a bird flies up", "seconds": Fraction(3 if talks else 5), "fps": Fraction(24),
        "size": (480, 270), "seed": 7,
    }  # fmt: skip
    if engine == "comfyui" and folder is not None:
        usual["model"] = workflow(folder)
    return Shot(**(usual | more))


def speech_of(engine: str) -> Speech | None:
    return voice() if engine in TALKERS else None


def engine_of(name: str, pace: Pace = FAST) -> RemoteEngine:
    return RemoteEngine(name, pace)
