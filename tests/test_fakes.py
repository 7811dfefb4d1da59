"""The fakes of providers: strict as the real ones, driven by the official SDKs, and wrong exactly when told to be."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from stillwake.testing import FAULTS, FOREVER, MEANING, PROVIDERS, FakeProvider, Fault, faults_of

ROOT = Path(__file__).parents[1]
PLAIN: dict[str, Any] = {"trust_env": False, "verify": False}
"""Without a proxy, and without reading certificates, which takes longer than most of these tests."""


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this machine itself may be reached here."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connect_here(self: socket.socket, address: Any) -> None:
        assert self.family == socket.AF_UNIX or address[0] == "127.0.0.1", f"reached for {address}"
        connect(self, address)

    def look_up_here(host: Any, *rest: Any, **more: Any) -> Any:
        assert host in ("127.0.0.1", b"127.0.0.1"), f"looked up {host}"
        return look_up(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


# ------------------------------------------------------------------------------------------------------- material


@cache
def picture(width: int = 640, height: int = 480, kind: str = "PNG") -> bytes:
    from PIL import Image

    data = io.BytesIO()
    Image.radial_gradient("L").resize((width, height)).convert("RGB").save(data, kind)
    return data.getvalue()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def uri(data: bytes | None = None, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{b64(data or picture())}"


@cache
def recording(seconds: float = 0.8) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        tone = (8000 * np.sin(np.arange(round(seconds * 16000)) / 8)).astype(np.int16)
        out.writeframes(tone.tobytes())
    return data.getvalue()


GRAPH = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "still.png"}},
    "2": {
        "class_type": "WanImageToVideo",
        "inputs": {"start_image": ["1", 0], "width": 320, "height": 192, "length": 9},
    },
    "3": {"class_type": "CreateVideo", "inputs": {"images": ["2", 0], "fps": 16}},
    "4": {"class_type": "SaveVideo", "inputs": {"video": ["3", 0], "filename_prefix": "video/stillwake"}},
}  # fmt: skip

GOOD: dict[str, Callable[[], dict[str, Any]]] = {
    "runway": lambda: {
        "model": "gen4_turbo", "promptImage": uri(), "promptText": "slowly", "ratio": "1280:720", "duration": 2,
        "seed": 7,
    },
    "kling": lambda: {
        "model_name": "kling-v2-6", "image": b64(picture()), "prompt": "slowly", "duration": "5", "mode": "pro",
    },
    "luma": lambda: {
        "model": "ray-3.2", "type": "video", "prompt": "slowly", "aspect_ratio": "16:9",
        "video": {
            "resolution": "540p", "duration": "5s", "start_frame": {"data": b64(picture()), "media_type": "image/png"},
        },
    },
    "did": lambda: {
        "source_url": "https://example.org/a.jpg", "script": {"type": "text", "input": "Hello there."},
    },
    "heygen": lambda: {
        "type": "image", "image": {"type": "base64", "media_type": "image/png", "data": b64(picture())},
        "script": "Hello there.", "voice_id": "1bd001e7e50f421d891986aad5158bc8",
    },
    "vllm": lambda: {"prompt": "slowly", "width": "320", "height": "192", "num_frames": "9", "fps": "16"},
    "comfyui": lambda: {"prompt": json.loads(json.dumps(GRAPH))},
}  # fmt: skip

CREATE = {
    "runway": "/v1/image_to_video", "kling": "/v1/videos/image2video", "luma": "/v1/generations", "did": "/talks",
    "heygen": "/v3/videos", "vllm": "/v1/videos", "comfyui": "/prompt",
}  # fmt: skip
BALANCE = {
    "runway": "/v1/organization", "kling": "/account/costs?start_time=0&end_time=9999999999999", "did": "/credits",
    "heygen": "/v3/users/me",
}  # fmt: skip


class Player:
    """A client that knows each provider's way, as little as it can be done with."""

    def __init__(self, fake: FakeProvider, timeout: float = 10.0) -> None:
        self.fake, self.name = fake, fake.name
        env = fake.env
        self.headers: dict[str, str] = {
            "runway": lambda: {
                "Authorization": f"Bearer {env['RUNWAYML_API_SECRET']}", "X-Runway-Version": "2024-11-06",
            },
            "kling": lambda: {"Authorization": f"Bearer {env['KLING_API_KEY']}"},
            "luma": lambda: {"Authorization": f"Bearer {env['LUMA_AGENTS_API_KEY']}"},
            "did": lambda: {"Authorization": f"Basic {env['DID_API_KEY']}"},
            "heygen": lambda: {"X-Api-Key": env["HEYGEN_API_KEY"]},
        }.get(fake.name, dict)()  # fmt: skip
        self.http = httpx.Client(base_url=fake.url, timeout=timeout, **PLAIN)

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **more)

    def create(self, body: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        body = GOOD[self.name]() if body is None else body
        if self.name == "vllm":
            files = body.pop("files", {"input_reference": ("a.png", picture(), "image/png")})
            return self.ask("POST", CREATE["vllm"], data=body, files=files, **more)
        return self.ask("POST", CREATE[self.name], json=body, **more)

    def upload(self) -> httpx.Response:
        match self.name:
            case "runway":
                return self.ask("POST", "/v1/uploads", json={"filename": "a.png", "type": "ephemeral"})
            case "luma":
                files = {"file": ("a.png", picture(), "image/png")}
                data = {"mime_type": "image/png", "size_bytes": str(len(picture()))}
                return self.ask("POST", "/v1/files", data=data, files=files)
            case "did":
                return self.ask("POST", "/images", files={"image": ("a.png", picture(), "image/png")})
            case "heygen":
                return self.ask("POST", "/v3/assets", files={"file": ("a.png", picture(), "image/png")})
        return self.ask("POST", "/upload/image", files={"image": ("still.png", picture(), "image/png")})

    def named(self, answer: httpx.Response) -> str:
        told = answer.json()
        match self.name:
            case "kling":
                return str(told["data"]["task_id"])
            case "heygen":
                return str(told["data"]["video_id"])
            case "comfyui":
                return str(told["prompt_id"])
        return str(told["id"])

    def start(self) -> str:
        if self.name == "comfyui":
            assert self.upload().status_code == 200
        answer = self.create()
        assert answer.is_success, answer.text
        return self.named(answer)

    def status_path(self, job: str) -> str:
        paths = {"runway": "/v1/tasks/", "comfyui": "/history/"}
        return paths.get(self.name, f"{CREATE[self.name]}/") + job

    def status(self, job: str) -> httpx.Response:
        return self.ask("GET", self.status_path(job))

    def state(self, answer: httpx.Response) -> str:
        told = answer.json()
        match self.name:
            case "luma":
                return str(told["state"])
            case "kling":
                return str(told["data"]["task_status"])
            case "heygen":
                return str(told["data"]["status"])
            case "comfyui":
                return next((entry["status"]["status_str"] for entry in told.values()), "")
        return str(told["status"])

    def link(self, answer: httpx.Response) -> str:
        told = answer.json()
        match self.name:
            case "runway":
                return str(told["output"][0])
            case "kling":
                return str(told["data"]["task_result"]["videos"][0]["url"])
            case "luma":
                return str(told["output"][0]["url"])
            case "did":
                return str(told["result_url"])
            case "heygen":
                return str(told["data"]["video_url"])
            case "vllm":
                return f"{self.fake.url}/v1/videos/{told['id']}/content"
        (entry,) = told.values()
        file = entry["outputs"]["4"]["images"][0]
        return f"{self.fake.url}/view?{httpx.QueryParams(file)}"

    def finish(self, job: str) -> httpx.Response:
        for _ in range(6):
            answer = self.status(job)
            if self.state(answer) in DONE:
                return answer
        raise AssertionError(answer.text)

    def cancel(self, job: str) -> httpx.Response:
        if self.name == "comfyui":
            return self.ask("POST", "/interrupt", json={"prompt_id": job})
        return self.ask("DELETE", self.status_path(job))

    def balance(self) -> httpx.Response:
        return self.ask("GET", BALANCE[self.name])

    def fetch(self, link: str, **more: Any) -> httpx.Response:
        return self.http.get(link, **more)


DONE = {"SUCCEEDED", "succeed", "completed", "done", "success"}


@pytest.fixture(params=list(PROVIDERS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def error_of(answer: httpx.Response) -> str:
    """What a refusal says, whichever provider's; it is JSON in that provider's own shape."""
    told = answer.json()
    for key in ("error", "detail", "message", "description"):
        if key in told:
            inner = told[key]
            return json.dumps(told.get("issues", inner) if not isinstance(inner, str) else told)
    raise AssertionError(told)


# ----------------------------------------------------------------------------------------------- the official SDKs


@pytest.fixture
def runway_sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, FakeProvider]]:
    runwayml = pytest.importorskip("runwayml")
    with FakeProvider("runway") as fake:
        for key, value in fake.env.items():
            monkeypatch.setenv(key, value)
        with runwayml.RunwayML(max_retries=0) as client:
            yield client, fake


def test_runways_sdk_goes_from_the_upload_to_the_clip(runway_sdk: tuple[Any, FakeProvider]) -> None:
    client, fake = runway_sdk
    uploaded = client.uploads.create_ephemeral(file=("still.png", picture()))
    task = client.image_to_video.create(
        model="gen4.5", prompt_image=[{"uri": uploaded.uri, "position": "first"}], prompt_text="slowly",
        ratio="720:1280", duration=3,
    )  # fmt: skip
    assert task.estimated_cost.credits == 36
    seen = [client.tasks.retrieve(task.id) for _ in range(3)]
    assert [each.status for each in seen] == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert seen[1].progress == 0.5
    assert seen[2].cost.credits == 36
    size, frames, rate, _ = facts(httpx.get(seen[2].output[0], **PLAIN).content)
    assert (size, frames, rate) == ((180, 320), 72, 24)
    assert (fake.creates, fake.spent, fake.unit) == (1, 36, "credits")
    assert client.organization.retrieve().credit_balance == 10_000 - 36


@pytest.mark.parametrize(
    "body",
    [
        {"model": "gen4_turbo", "ratio": "1584:672"},
        {"model": "veo3.1", "ratio": "1080:1920", "duration": 4, "audio": False, "negative_prompt": "blur"},
        {"model": "kling2.5_turbo_pro", "prompt_text": "slowly", "duration": 10, "cfg_scale": 0.5},
        {"model": "kling3.0_pro", "ratio": "1440:1440", "duration": 3, "audio": True},
        {"model": "kling_4", "ratio": "auto_720p", "duration": 3},
    ],
    ids=lambda body: body["model"],
)
def test_runways_sdk_reaches_each_model(runway_sdk: tuple[Any, FakeProvider], body: dict[str, Any]) -> None:
    client, fake = runway_sdk
    task = client.image_to_video.create(prompt_image=uri(), **body)
    assert client.tasks.retrieve(task.id).status == "PENDING"
    client.tasks.delete(task.id)
    assert client.tasks.retrieve(task.id).status == "CANCELLED"
    assert fake.spent == 0, "cancelled before it ran"


def test_runways_sdk_clones_a_voice(runway_sdk: tuple[Any, FakeProvider]) -> None:
    client, _ = runway_sdk
    source = {"type": "audio", "audio": uri(recording(), "audio/wav")}
    voice = client.voices.create(name="mine", from_=source)
    assert [client.voices.retrieve(voice.id).status for _ in range(3)] == ["PROCESSING", "PROCESSING", "READY"]
    assert [each.name for each in client.voices.list(limit=5)] == ["mine"]
    client.voices.delete(voice.id)
    assert not list(client.voices.list(limit=5))


def test_runways_sdk_sees_refusals_as_its_own_errors(runway_sdk: tuple[Any, FakeProvider]) -> None:
    runwayml = pytest.importorskip("runwayml")
    client, fake = runway_sdk
    with pytest.raises(runwayml.BadRequestError, match="Validation of body failed"):
        client.image_to_video.create(model="gen4_turbo", prompt_image=uri(), ratio="16:9")
    with pytest.raises(runwayml.AuthenticationError):
        client.with_options(api_key="key_0").organization.retrieve()
    with pytest.raises(runwayml.NotFoundError):
        client.tasks.retrieve("17f20503-6c24-4c16-946b-35dbbce2af2f")
    fake.misbehave("create:429")
    with pytest.raises(runwayml.RateLimitError) as caught:
        client.image_to_video.create(model="gen4_turbo", prompt_image=uri(), ratio="1280:720")
    assert caught.value.response.headers["retry-after"] == "1"
    assert not fake.creates


def test_runways_sdk_pays_twice_when_it_tries_again_by_itself(runway_sdk: tuple[Any, FakeProvider]) -> None:
    """Why stillwake creates with max_retries=0."""
    client, fake = runway_sdk
    fake.misbehave("create:dropped after accepting")
    client.with_options(max_retries=1).image_to_video.create(
        model="gen4_turbo", prompt_image=uri(), ratio="1280:720", duration=2
    )
    assert (fake.creates, fake.spent) == (2, 20)


@pytest.fixture
def luma_sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, FakeProvider]]:
    luma_agents = pytest.importorskip("luma_agents")
    with FakeProvider("luma") as fake:
        for key, value in fake.env.items():
            monkeypatch.setenv(key, value)
        with luma_agents.Luma(max_retries=0) as client:
            yield client, fake


def test_lumas_sdk_goes_from_the_file_to_the_clip(luma_sdk: tuple[Any, FakeProvider]) -> None:
    client, fake = luma_sdk
    made = client.files.create(mime_type="image/png", size_bytes=len(picture()), filename="still.png")
    put = httpx.put(made.upload.url, headers=made.upload.headers, content=picture(), **PLAIN)
    assert put.is_success
    assert client.files.complete(made.id).state == "pending"
    assert [client.files.get(made.id).state for _ in range(2)] == ["pending", "ready"]
    frames = {"keyframes": [{"file_id": made.id}, {"file_id": made.id}], "keyframe_indexes": [0, 240]}
    begun = client.generations.create(
        model="ray-3.2", type="video", prompt="slowly", aspect_ratio="9:16",
        video={"duration": "10s", "resolution": "360p", **frames},
    )  # fmt: skip
    seen = [client.generations.get(begun.id) for _ in range(3)]
    assert [begun.state, *(each.state for each in seen)] == ["queued", "queued", "processing", "completed"]
    assert seen[2].output[0].type == "video"
    size, count, rate, _ = facts(httpx.get(seen[2].output[0].url, **PLAIN).content)
    assert (size, count, rate) == ((180, 320), 240, 24)
    assert fake.creates == 1
    assert [each.id for each in client.files.list().data] == [made.id]
    client.files.delete(made.id)
    assert client.files.get(made.id).state == "deleted"


def test_lumas_sdk_reads_failures_and_refusals(luma_sdk: tuple[Any, FakeProvider]) -> None:
    luma_agents = pytest.importorskip("luma_agents")
    client, fake = luma_sdk
    still = {"start_frame": {"data": b64(picture()), "media_type": "image/png"}}
    fake.misbehave("status:moderated")
    begun = client.generations.create(model="ray-3.2", type="video", prompt="x", video={**still, "loop": True})
    ended = client.generations.get(begun.id)
    assert (ended.state, ended.failure_code) == ("failed", "content_moderated")
    with pytest.raises(luma_agents.UnprocessableEntityError, match="10s needs keyframes"):
        client.generations.create(model="ray-3.2", type="video", prompt="x", video={**still, "duration": "10s"})


# ------------------------------------------------------------------------------------------------------ strictness


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The body with one field set, or taken away where the value is ...; dots lead inside."""
    *outer, last = path.split(".")
    inner: Any = body
    for key in outer:
        inner = inner[key] if isinstance(inner, dict) else inner[int(key)]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return body


CAMERA = {"type": "simple", "config": {"zoom": 5}}
V1_5 = {"model_name": "kling-v1-5"}
BRUSH = [{"mask": b64(picture()), "trajectories": [{"x": 1, "y": 1}, {"x": 9, "y": 9}]}]

BAD: list[tuple[str, dict[str, Any], int, str]] = [
    ("runway", {"model": "gen3"}, 400, "model"),
    ("runway", {"ratio": "16:9"}, 400, "1280:720"),
    ("runway", {"ratio": ...}, 400, "ratio"),
    ("runway", {"ratio": "1920:1080"}, 400, "ratio"),
    ("runway", {"duration": "5"}, 400, "expected int, received string"),
    ("runway", {"duration": 5.0}, 400, "expected int, received number"),
    ("runway", {"duration": True}, 400, "received boolean"),
    ("runway", {"duration": 11}, 400, "too_big"),
    ("runway", {"duration": 1}, 400, "too_small"),
    ("runway", {"seed": 2**32}, 400, "seed"),
    ("runway", {"seed": -1}, 400, "seed"),
    ("runway", {"promptText": "x" * 1001}, 400, "too_big"),
    ("runway", {"promptText": "\U0001f600" * 501}, 400, "too_big"),
    ("runway", {"promptText": ""}, 400, "too_small"),
    ("runway", {"negativePrompt": "x"}, 400, "unrecognized_keys"),
    ("runway", {"prompt_text": "x"}, 400, "unrecognized_keys"),
    ("runway", {"promptImage": b64(picture())}, 400, "Invalid URL"),
    ("runway", {"promptImage": "http://example.org/a.png"}, 400, "Only HTTPS"),
    ("runway", {"promptImage": "https://11.22.33.44/a.png"}, 400, "domain"),
    ("runway", {"promptImage": "runway://nothing"}, 400, "does not exist"),
    ("runway", {"promptImage": "data:image/png;base64,AAAA"}, 400, "cannot be decoded"),
    ("runway", {"promptImage": uri(picture(640, 480, "JPEG"))}, 400, "its content is image/jpeg"),
    ("runway", {"promptImage": uri(picture(640, 480, "GIF"), "image/gif")}, 400, "Unsupported asset type"),
    ("runway", {"promptImage": uri(picture(400, 900))}, 400, "width / height ratio"),
    ("runway", {"promptImage": "data:image/png;base64," + "A" * 5 * 2**20}, 400, "exceeds 5MB"),
    ("runway", {"promptImage": [{"uri": uri(), "position": "last"}]}, 400, "promptImage"),
    ("runway", {"promptImage": [{"uri": uri()}]}, 400, "position"),
    ("runway", {"promptImage": [{"uri": uri(), "position": "first"}] * 2}, 400, "Too big"),
    ("runway", {"model": "gen4.5", "promptText": ...}, 400, "promptText"),
    ("runway", {"model": "gen4.5", "duration": ...}, 400, "duration"),
    ("runway", {"model": "gen4.5", "proresProfile": "422"}, 400, "only valid"),
    ("runway", {"model": "kling2.5_turbo_pro", "seed": ...}, 400, "ratio"),
    ("runway", {"model": "veo3.1", "duration": 5}, 400, "expected one of 4|6|8"),
    ("kling", {"duration": 5}, 400, "duration"),
    ("kling", {"duration": "5s"}, 400, "duration"),
    ("kling", {"duration": "7"}, 400, "does not support 7s"),
    ("kling", {"model_name": "kling-v9"}, 404, "model_name"),
    ("kling", {"image": uri()}, 400, "data: prefix"),
    ("kling", {"image": "not base64!"}, 400, "not base64"),
    ("kling", {"image": b64(picture(299, 299))}, 400, "dimensions"),
    ("kling", {"image": b64(picture(300, 800))}, 400, "aspect"),
    ("kling", {"image": b64(picture(640, 480, "WEBP"))}, 400, "Unsupported"),
    ("kling", {"image": ...}, 400, "cannot both be empty"),
    ("kling", {"prompt": "x" * 2501}, 400, "prompt"),
    ("kling", {"prompt": ...}, 400, "prompt"),
    ("kling", {"seed": 7}, 400, "seed"),
    ("kling", {"aspect_ratio": "16:9"}, 400, "aspect_ratio"),
    ("kling", {"cfg_scale": 0.5}, 400, "cfg_scale"),
    ("kling", {"mode": "fast"}, 400, "mode"),
    ("kling", {"sound": "on", "mode": "std"}, 400, "sound"),
    ("kling", {"sound": True}, 400, "sound"),
    ("kling", {"camera_control": CAMERA}, 400, "does not support camera_control"),
    ("kling", {**V1_5, "mode": "std", "camera_control": CAMERA}, 400, "in std mode"),
    ("kling", {**V1_5, "duration": "10", "camera_control": CAMERA}, 400, "with 10s"),
    ("kling", {**V1_5, "camera_control": {"type": "down_back"}}, 400, "simple only"),
    ("kling", {**V1_5, "camera_control": {"type": "simple", "config": {"zoom": 11}}}, 400, "zoom"),
    ("kling", {**V1_5, "camera_control": {"type": "simple", "config": {"zoom": 0}}}, 400, "exactly one"),
    ("kling", {**V1_5, "camera_control": {"type": "simple", "config": {"zoom": 1, "pan": 1}}}, 400, "exactly one"),
    ("kling", {"image_tail": b64(picture()), "mode": "std"}, 400, "image_tail"),
    ("kling", {"model_name": "kling-v2-master", "image_tail": b64(picture())}, 400, "image_tail"),
    ("kling", {**V1_5, "image_tail": b64(picture()), "camera_control": CAMERA}, 400, "cannot be used together"),
    ("kling", {**V1_5, "dynamic_masks": BRUSH, "image_tail": b64(picture())}, 400, "cannot be used together"),
    ("kling", {"dynamic_masks": BRUSH}, 400, "does not support dynamic_masks"),
    ("kling", {**V1_5, "dynamic_masks": [{**BRUSH[0], "mask": b64(picture(480, 480))}]}, 400, "aspect ratio"),
    ("kling", {**V1_5, "dynamic_masks": [{**BRUSH[0], "trajectories": [{"x": 1, "y": 1}]}]}, 400, "trajectories"),
    ("kling", {**V1_5, "dynamic_masks": [{**BRUSH[0], "trajectories": [{"x": 1, "y": 1}] * 78}]}, 400, "trajectories"),
    ("kling", {**V1_5, "dynamic_masks": [{**BRUSH[0], "trajectories": [{"x": 1.5, "y": 1}] * 2}]}, 400, "int"),
    ("kling", {"multi_shot": True, "shot_type": "intelligence"}, 400, "multi_shot"),
    ("kling", {"shot_type": "customize"}, 400, "multi_shot is false"),
    ("luma", {"prompt": ...}, 422, "prompt"),
    ("luma", {"prompt": ""}, 422, "prompt"),
    ("luma", {"model": "ray-2"}, 422, "model"),
    ("luma", {"seed": 1}, 422, "seed"),
    ("luma", {"duration": "5s"}, 422, "duration"),
    ("luma", {"video.duration": 5}, 422, "duration"),
    ("luma", {"video.duration": "5"}, 422, "duration"),
    ("luma", {"video.duration": "9s"}, 422, "duration"),
    ("luma", {"video.duration": "10s"}, 422, "keyframes"),
    ("luma", {"video.loop": "true"}, 422, "loop"),
    ("luma", {"video.resolution": "4k"}, 422, "resolution"),
    ("luma", {"video.start_frame.data": uri()}, 422, "data: prefix"),
    ("luma", {"video.start_frame.media_type": ...}, 422, "media_type"),
    ("luma", {"video.start_frame.media_type": "image/jpeg"}, 422, "media_type"),
    ("luma", {"video.start_frame.url": "https://example.org/a.png"}, 422, "cannot be used together"),
    ("luma", {"video.start_frame": {"url": "http://example.org/a.png"}}, 422, "https"),
    ("luma", {"video.start_frame": {"file_id": "nothing"}}, 422, "no such file"),
    ("luma", {"video.keyframes": [{"data": "AAAA"}]}, 422, "mutually exclusive"),
    ("luma", {"video": {"keyframes": [{"url": "https://e.org/a.png"}], "keyframe_indexes": [121]}}, 422, "0..120"),
    ("luma", {"video": {"keyframes": [{"url": "https://e.org/a.png"}]}}, 422, "match keyframes"),
    ("luma", {"aspect_ratio": "5:4"}, 422, "aspect_ratio"),
    ("did", {"source_url": ...}, 400, "source_url"),
    ("did", {"source_url": uri()}, 400, "source_url"),
    ("did", {"source_url": "http://example.org/a.jpg"}, 400, "source_url"),
    ("did", {"source_url": "s3://elsewhere/a.jpg"}, 400, "cannot validate"),
    ("did", {"script": ...}, 400, "body.script"),
    ("did", {"script.type": "song"}, 400, "script.type"),
    ("did", {"script.input": ""}, 400, "script.input"),
    ("did", {"script.audio_url": "https://example.org/a.mp3"}, 400, "audio_url"),
    ("did", {"script.provider": {"type": "acme", "voice_id": "x"}}, 400, "provider.type"),
    ("did", {"driver_url": "bank://wild"}, 400, "driver_url"),
    ("did", {"config": {"motion_factor": 2}}, 400, "motion_factor"),
    ("did", {"config": {"speed": 2}}, 400, "speed"),
    ("did", {"prompt": "x"}, 400, "prompt"),
    ("heygen", {"type": "photo"}, 400, "type"),
    ("heygen", {"image": ...}, 400, "image"),
    ("heygen", {"image_asset_id": "ast_1"}, 400, "image_asset_id"),
    ("heygen", {"image_url": "https://example.org/a.png"}, 400, "image_url"),
    ("heygen", {"image.data": uri()}, 400, "data: prefix"),
    ("heygen", {"image.media_type": "image/jpeg"}, 400, "media_type"),
    ("heygen", {"image": {"type": "asset_id", "asset_id": "ast_1"}}, 404, "asset_not_found"),
    ("heygen", {"audio_asset_id": "ast_1"}, 400, "cannot be used together"),
    ("heygen", {"script": ...}, 400, "script"),
    ("heygen", {"voice_id": ...}, 400, "voice_id"),
    ("heygen", {"voice_id": "nobody"}, 404, "voice_not_found"),
    ("heygen", {"voice_settings": {"speed": 2}}, 400, "speed"),
    ("heygen", {"resolution": "480p"}, 400, "resolution"),
    ("heygen", {"aspect_ratio": "4:3"}, 400, "aspect_ratio"),
    ("heygen", {"engine": {"type": "avatar_iv"}}, 400, "engine"),
    ("vllm", {"prompt": ...}, 422, "prompt"),
    ("vllm", {"width": "wide"}, 422, "width"),
    ("vllm", {"num_frames": "0"}, 422, "num_frames"),
    ("vllm", {"num_inference_steps": "201"}, 422, "num_inference_steps"),
    ("vllm", {"size": "320:192"}, 422, "size"),
    ("vllm", {"seconds": "five"}, 422, "seconds"),
    ("vllm", {"negative": "x"}, 422, "negative"),
    ("vllm", {"files": {"input_reference": ("a.png", b"no picture", "image/png")}}, 400, "input_reference"),
    ("vllm", {"extra_params": "[]"}, 422, "extra_params"),
    ("comfyui", {"prompt": {}}, 400, "prompt_no_outputs"),
    ("comfyui", {"prompt": ...}, 400, "prompt"),
    ("comfyui", {"prompt.2.class_type": ...}, 400, "no class_type"),
    ("comfyui", {"prompt.2.inputs": ...}, 400, "no inputs"),
    ("comfyui", {"prompt.4": ...}, 400, "prompt_no_outputs"),
    ("comfyui", {"prompt.3.inputs.images": ["9", 0]}, 400, "validation"),
    ("comfyui", {"prompt.1.inputs.image": "other.png"}, 400, "validation"),
    ("comfyui", {"workflow": {}}, 400, "workflow"),
]  # fmt: skip


def test_what_a_provider_does_not_take_is_refused_in_its_own_words() -> None:
    assert {provider for provider, *_ in BAD} == set(PROVIDERS)
    for provider in PROVIDERS:
        with FakeProvider(provider) as fake, Player(fake) as player:
            if provider == "comfyui":
                player.upload()
            for _, changes, status, words in (row for row in BAD if row[0] == provider):
                body = GOOD[provider]()
                for path, value in changes.items():
                    changed(body, path, value)
                answer = player.create(body)
                assert answer.status_code == status, (provider, list(changes), answer.text[:300])
                assert words in error_of(answer), (provider, list(changes), answer.text[:300])
            assert not fake.creates, "nothing refused is billed"
            assert player.create().is_success, "the body that all of these were made from is good"
            assert fake.creates == 1


ALSO_GOOD: list[tuple[str, dict[str, Any]]] = [
    ("runway", {"promptText": ..., "duration": ..., "seed": ...}),
    ("runway", {"promptImage": "https://example.org/a.png"}),
    ("runway", {"contentModeration": {"publicFigureThreshold": "low"}}),
    ("kling", {"callback_url": "", "external_task_id": "", "negative_prompt": ""}),
    ("kling", {**V1_5, "camera_control": CAMERA}),
    ("kling", {**V1_5, "dynamic_masks": BRUSH, "static_mask": b64(picture())}),
    ("kling", {"model_name": "kling-v1", "mode": "std", "image_tail": b64(picture()), "cfg_scale": 0.4}),
    ("kling", {**V1_5, "image": ..., "image_tail": b64(picture())}),
    ("kling", {"model_name": "kling-v3", "duration": "3", "sound": "on"}),
    ("kling", {
        "model_name": "kling-v3", "prompt": "", "multi_shot": True, "shot_type": "customize",
        "multi_prompt": [{"index": 1, "prompt": "a", "duration": "2"}, {"index": 2, "prompt": "b", "duration": "3"}],
    }),
    ("luma", {"video.loop": True, "aspect_ratio": None}),
    ("luma", {"video.end_frame": {"url": "https://example.org/b.png"}}),
    ("did", {"script": {"type": "audio", "audio_url": "https://example.org/a.mp3"}, "config": {"stitch": True}}),
    ("did", {"driver_url": "bank://subtle/driver-03", "user_data": "x"}),
    ("heygen", {"image": {"type": "url", "url": "https://example.org/a.png"}, "aspect_ratio": "auto"}),
    ("heygen", {"script": ..., "voice_id": ..., "audio_url": "https://example.org/a.mp3", "expressiveness": "high"}),
    ("vllm", {"size": "320x192", "seconds": "1", "seed": "7", "guidance_scale": "4.5"}),
    ("comfyui", {"client_id": "me", "prompt_id": "mine"}),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "changes"), ALSO_GOOD)
def test_what_the_documentation_allows_is_taken(provider: str, changes: dict[str, Any]) -> None:
    body = GOOD[provider]()
    for path, value in changes.items():
        changed(body, path, value)
    with FakeProvider(provider) as fake, Player(fake) as player:
        if provider == "comfyui":
            player.upload()
        answer = player.create(body)
        assert answer.is_success, answer.text
        assert fake.creates == 1


@pytest.mark.parametrize("provider", ["runway", "kling", "luma", "did", "heygen"])
def test_a_wrong_key_and_none_are_refused(provider: str) -> None:
    with FakeProvider(provider) as fake, Player(fake) as player:
        for headers in ({}, {key: f"{value[:-1]}0" for key, value in player.headers.items()}):
            player.headers = headers
            answer = player.create()
            assert answer.status_code == 401
            assert error_of(answer)
        assert not fake.creates


def test_runway_needs_its_version() -> None:
    with FakeProvider("runway") as fake, Player(fake) as player:
        for version in ("2024-09-13", "v1"):
            answer = player.create(headers={"X-Runway-Version": version})
            assert answer.status_code == 400
            assert "X-Runway-Version" in error_of(answer)
        del player.headers["X-Runway-Version"]
        assert player.create().status_code == 400


def jwt(env: dict[str, str], *, lasts: int = 1800, from_now: int = -5, **more: Any) -> str:
    def packed(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    now = int(time.time())
    claims = {"iss": env["KLING_ACCESS_KEY"], "exp": now + lasts, "nbf": now + from_now, **more}
    told = f"{packed({'alg': 'HS256', 'typ': 'JWT'})}.{packed(claims)}"
    mark = hmac.new(env["KLING_SECRET_KEY"].encode(), told.encode(), hashlib.sha256).digest()
    return f"{told}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


def test_kling_reads_tokens_to_the_letter() -> None:
    with FakeProvider("kling", jwt=True) as fake, httpx.Client(base_url=fake.url, **PLAIN) as http:
        good = jwt(fake.env)
        cases = {
            f"Bearer {good}": 0,
            "": 1001,
            good: 1002,
            "Bearer nonsense": 1002,
            f"Bearer {good[:-4]}AAAA": 1000,
            f"Bearer {jwt(fake.env, iss='somebody')}": 1000,
            f"Bearer {jwt(fake.env, lasts=-1)}": 1004,
            f"Bearer {jwt(fake.env, from_now=60)}": 1003,
        }
        for header, code in cases.items():
            headers = {"Authorization": header} if header else {}
            answer = http.get(BALANCE["kling"], headers=headers)
            assert (answer.json()["code"], answer.status_code) == (code, 401 if code else 200), header


def test_a_method_that_a_path_does_not_have_is_refused() -> None:
    for provider, status in (("kling", 404), ("runway", 405), ("heygen", 405)):
        with FakeProvider(provider) as fake, Player(fake) as player:
            answer = player.ask("PUT", player.status_path("x"))
            assert answer.status_code == status
            assert error_of(answer)
            assert player.ask("GET", "/nowhere").status_code == 404


def test_heygens_key_may_be_a_bearer() -> None:
    with FakeProvider("heygen") as fake, Player(fake) as player:
        player.headers = {"Authorization": f"Bearer {fake.env['HEYGEN_API_KEY']}"}
        assert player.balance().json()["data"]["wallet"]["remaining_balance"] == 1000


# ----------------------------------------------------------------------------------------------- states and clips

STATES = {
    "runway": ["PENDING", "RUNNING", "RUNNING", "SUCCEEDED"],
    "kling": ["submitted", "processing", "processing", "succeed"],
    "luma": ["queued", "processing", "processing", "completed"],
    "did": ["created", "started", "started", "done"],
    "heygen": ["waiting", "pending", "processing", "completed"],
    "vllm": ["queued", "in_progress", "in_progress", "completed"],
    "comfyui": ["", "", "", "success"],
}


def facts(data: bytes) -> tuple[tuple[int, int], int, Fraction, float]:
    """(size, frames, rate, seconds of sound) of a film."""
    import av

    with av.open(io.BytesIO(data), "r") as opened:
        stream = opened.streams.video[0]
        frames = sum(1 for _ in opened.decode(stream))
        size, rate = (stream.width, stream.height), Fraction(stream.average_rate or 0)
    with av.open(io.BytesIO(data), "r") as opened:
        if not opened.streams.audio:
            return size, frames, rate, 0.0
        heard = opened.streams.audio[0]
        return size, frames, rate, sum(frame.samples for frame in opened.decode(heard)) / heard.rate


def test_a_job_goes_through_its_providers_states_and_ends_with_a_real_clip(name: str) -> None:
    with FakeProvider(name, polls=3) as fake, Player(fake) as player:
        job = player.start()
        answers = [player.status(job) for _ in STATES[name]]
        assert [player.state(each) for each in answers] == STATES[name]
        assert list(fake.jobs) == [job]
        clip = player.fetch(player.link(answers[-1]))
        assert clip.headers["content-type"] == "video/mp4"
        size, frames, rate, sound = facts(clip.content)
        wanted = fake.jobs[job].order
        assert frames == round(wanted.seconds * wanted.fps)
        assert rate == wanted.fps
        assert max(size) <= 320
        assert size[0] / size[1] == pytest.approx(wanted.size[0] / wanted.size[1], rel=0.02)
        assert (sound > 0) == (name in ("did", "heygen"))
        steps = [request.step for request in fake.requests if request.step != "upload"]
        assert steps == ["create", *["status"] * 4, "fetch"]
        assert {request.status for request in fake.requests} <= {200, 201}


def test_a_clip_begins_with_the_still_and_moves(tmp_path: Path) -> None:
    from PIL import Image

    from stillwake.media import read_frames

    with FakeProvider("runway", polls=0) as fake, Player(fake) as player:
        clip = player.fetch(player.link(player.finish(player.start()))).content
    file = tmp_path / "clip.mp4"
    file.write_bytes(clip)
    frames = [frame.astype(int) for frame in read_frames(file)]
    with Image.open(io.BytesIO(picture())) as image:
        cut = image.convert("RGB").resize((320, 180), box=(0, 60, 640, 420))
    assert abs(frames[0] - np.asarray(cut, int)).mean() < 3
    assert abs(frames[-1] - frames[0]).mean() > 1


def test_the_size_that_was_asked_for_is_made_when_the_fake_is_told_to() -> None:
    with FakeProvider("vllm", polls=0, width=None) as fake, Player(fake) as player:
        body = {**GOOD["vllm"](), "width": "480", "height": "320", "num_frames": "5"}
        job = player.named(player.create(body))
        assert facts(player.fetch(player.link(player.finish(job))).content)[:2] == ((480, 320), 5)


def test_time_may_decide_in_place_of_questions() -> None:
    with FakeProvider("kling", seconds=2.0) as fake, Player(fake) as player:
        job = player.start()
        assert all(player.state(player.status(job)) != "succeed" for _ in range(4))
        time.sleep(2.1)
        assert player.state(player.status(job)) == "succeed"


@pytest.mark.parametrize("provider", ["did", "heygen"])
def test_who_talks_is_heard_for_as_long_as_the_words_or_the_recording_take(provider: str) -> None:
    with FakeProvider(provider, polls=0) as fake, Player(fake) as player:
        body = GOOD[provider]()
        words = "A sentence of some length, to be spoken aloud."
        changed(body, "script.input" if provider == "did" else "script", words)
        job = player.named(player.create(body))
        assert facts(player.fetch(player.link(player.finish(job))).content)[3] == pytest.approx(0.06 * 46, abs=0.1)
        body = GOOD[provider]()
        if provider == "did":
            sent = player.ask("POST", "/audios", files={"audio": ("a.wav", recording(), "audio/wav")}).json()
            assert sent["duration"] == pytest.approx(0.8)
            body["script"] = {"type": "audio", "audio_url": sent["url"]}
            image = player.upload().json()["url"]
            body["source_url"] = image
        else:
            files = {"file": ("a.wav", recording(), "audio/wav")}
            sent = player.ask("POST", "/v3/assets", files=files).json()["data"]
            assert sent["mime_type"] == "audio/wav"
            del body["script"], body["voice_id"]
            body["audio_asset_id"] = sent["asset_id"]
        job = player.named(player.create(body))
        _, frames, rate, sound = facts(player.fetch(player.link(player.finish(job))).content)
        assert sound == pytest.approx(0.8, abs=0.1)
        assert frames == 20
        assert rate == 25


def test_runways_form_must_hold_what_it_was_told() -> None:
    with FakeProvider("runway") as fake, Player(fake) as player:
        begun = player.upload().json()
        file = {"file": ("a.png", picture(), "image/png")}
        assert player.http.post(begun["uploadUrl"], files=file).status_code == 403
        assert player.ask("POST", begun["uploadUrl"], data=begun["fields"], files=file).status_code == 400
        body = {**GOOD["runway"](), "promptImage": begun["runwayUri"]}
        assert player.create(body).status_code == 400, "nothing has arrived there yet"
        assert player.http.post(begun["uploadUrl"], data=begun["fields"], files=file).status_code == 204
        assert player.create(body).status_code == 200


def test_heygen_clones_a_voice_that_can_speak_when_it_is_ready() -> None:
    with FakeProvider("heygen") as fake, Player(fake) as player:
        flat = {"voice_name": "mine", "audio_asset_id": "ast_1"}
        assert player.ask("POST", "/v3/voices/clone", json=flat).status_code == 400
        audio = {"type": "base64", "media_type": "audio/wav", "data": b64(recording())}
        sent = player.ask("POST", "/v3/voices/clone", json={"voice_name": "mine", "audio": audio})
        voice = sent.json()["data"]["voice_clone_id"]
        body = {**GOOD["heygen"](), "voice_id": voice}
        assert player.create(body).status_code == 404
        states = [player.ask("GET", f"/v3/voices/{voice}").json()["data"]["status"] for _ in range(3)]
        assert states == ["processing", "processing", "complete"]
        assert player.create(body).status_code == 200
        assert player.ask("GET", "/v3/voices?gender=female").json()["data"][0]["name"] == "Sara"


def test_comfyui_shows_its_queue_and_stops_what_runs() -> None:
    with FakeProvider("comfyui", polls=9) as fake, Player(fake) as player:
        jobs = [player.start() for _ in range(3)]
        shown = player.ask("GET", "/queue").json()
        assert [entry[1] for entry in (*shown["queue_running"], *shown["queue_pending"])] == jobs
        assert player.ask("POST", "/queue", json={"delete": [jobs[2]]}).status_code == 200
        assert player.cancel(jobs[0]).status_code == 200
        assert player.status(jobs[0]).json()[jobs[0]]["status"]["messages"][-1][0] == "execution_interrupted"
        assert [entry[1] for entry in player.ask("GET", "/queue").json()["queue_running"]] == [jobs[1]]


# --------------------------------------------------------------------------------------------------- idempotency


def test_heygen_answers_the_same_key_with_the_same_video() -> None:
    with FakeProvider("heygen", script=["create:dropped after accepting"]) as fake, Player(fake) as player:
        key = {"Idempotency-Key": "shot-1"}
        with pytest.raises(httpx.RemoteProtocolError):
            player.create(headers=key)
        assert fake.creates == 1
        first, second = (player.named(player.create(headers=key)) for _ in range(2))
        assert first == second == next(iter(fake.jobs))
        assert fake.creates == 1
        other = player.create({**GOOD["heygen"](), "title": "another"}, headers=key)
        assert other.status_code == 409
        assert player.named(player.create()) != first
        assert fake.creates == 2


def test_heygen_says_that_the_first_request_is_still_going_on() -> None:
    with FakeProvider("heygen", script=[Fault("create", "slow", seconds=0.4)]) as fake, Player(fake) as player:
        key = {"Idempotency-Key": "shot-1"}
        with ThreadPoolExecutor() as pool:
            first = pool.submit(player.create, headers=key)
            until = time.monotonic() + 5
            while not fake.creates and time.monotonic() < until:
                time.sleep(0.01)
            with Player(fake) as another:
                early = another.create(headers=key)
        assert early.status_code == 409
        assert early.json()["error"]["code"] == "request_in_progress"
        assert player.create(headers=key).json() == first.result().json()
        assert fake.creates == 1


def test_kling_finds_a_task_by_its_outer_name_and_refuses_a_second_one() -> None:
    with FakeProvider("kling", script=["create:dropped after accepting"]) as fake, Player(fake) as player:
        body = {**GOOD["kling"](), "external_task_id": "shot-1"}
        with pytest.raises(httpx.RemoteProtocolError):
            player.create(dict(body))
        again = player.create(dict(body))
        assert (again.status_code, again.json()["code"]) == (400, 1201)
        found = player.status("shot-1").json()["data"]
        assert found["task_id"] == next(iter(fake.jobs))
        assert found["task_info"] == {"external_task_id": "shot-1"}
        listed = player.ask("GET", "/v1/videos/image2video?pageNum=1&pageSize=30").json()["data"]
        assert [each["task_id"] for each in listed] == list(fake.jobs)
        assert fake.creates == 1


@pytest.mark.parametrize("provider", ["runway", "luma", "did", "vllm"])
def test_the_others_make_and_bill_a_second_job(provider: str) -> None:
    with FakeProvider(provider) as fake, Player(fake) as player:
        for _ in range(2):
            assert player.create(headers={"Idempotency-Key": "shot-1"}).is_success
        assert fake.creates == 2


# ----------------------------------------------------------------------------------------------------------- money


def test_an_account_runs_dry() -> None:
    told = {"runway": (25, 400), "kling": (6, 429), "luma": (0.7, 402), "did": (2, 402), "heygen": (0.12, 402)}
    for provider, (balance, status) in told.items():
        with FakeProvider(provider, balance=balance) as fake, Player(fake) as player:
            assert [player.create().is_success for _ in range(2)] == [True, True]
            answer = player.create()
            assert answer.status_code == status, provider
            assert error_of(answer)
            assert fake.creates == 2
            assert 0 < fake.spent <= balance


def test_what_failed_on_their_side_is_given_back() -> None:
    with FakeProvider("runway", script=["status:failed"]) as fake, Player(fake) as player:
        told = player.status(player.start()).json()
        assert (told["status"], told["failureCode"]) == ("FAILED", "INTERNAL.BAD_OUTPUT.CODE01")
        assert (told["cost"]["credits"], fake.spent) == (0, 0)


def test_runways_safety_refusal_is_not_given_back() -> None:
    with FakeProvider("runway", script=["create:moderated"]) as fake, Player(fake) as player:
        told = player.status(player.start()).json()
        assert told["failureCode"].startswith("SAFETY.INPUT")
        assert (told["cost"]["credits"], fake.spent) == (10, 10)


def test_more_jobs_than_run_at_once() -> None:
    with FakeProvider("runway", concurrency=1) as fake, Player(fake) as player:
        first, second = player.start(), player.start()
        assert player.status(second).json()["status"] == "THROTTLED"
        player.finish(first)
        assert player.status(second).json()["status"] == "PENDING"
    for provider, code in (("kling", 1303), ("heygen", "rate_limit_exceeded")):
        with FakeProvider(provider, concurrency=1) as fake, Player(fake) as player:
            player.start()
            answer = player.create()
            assert answer.status_code == 429
            told = answer.json()
            assert code in (told.get("code"), told.get("error", {}).get("code") if provider == "heygen" else None)
            assert fake.creates == 1


# ---------------------------------------------------------------------------------------------------------- faults


def do(player: Player, step: str, job: str, link: str) -> httpx.Response:
    match step:
        case "upload":
            return player.upload()
        case "create":
            return player.create()
        case "status":
            return player.status(job)
        case "fetch":
            return player.fetch(link)
        case "cancel":
            return player.cancel(job)
    return player.balance()


STATUS = {"429": 429, "500": 500, "502": 502, "503": 503, "redirect": 302, "wrong key": 401, "gone": 404}
NOTHING_ACCEPTED = {
    "429", "500", "502", "503", "silent", "drop", "html", "redirect", "throttled", "empty account", "wrong key",
}  # fmt: skip


@pytest.mark.parametrize("provider", list(PROVIDERS))
def test_every_fault_does_what_its_table_says(provider: str) -> None:
    with FakeProvider(provider, patience=0.05, polls=1) as fake, Player(fake) as player:
        if provider == "comfyui":
            player.upload()
        for step, kinds in faults_of(provider).items():
            for kind in kinds:
                fault_does(fake, player, step, kind)


def fault_does(fake: FakeProvider, player: Player, step: str, kind: str) -> None:
    where = f"{fake.name} {step} {kind}"
    job = player.start() if step in ("status", "fetch", "cancel") else ""
    link = player.link(player.finish(job)) if step == "fetch" else ""
    before, billed = fake.creates, fake.spent
    fake.misbehave(Fault(step, kind, seconds=0.03))
    if kind in ("drop", "silent", "dropped after accepting", "truncated file"):
        with pytest.raises(httpx.RemoteProtocolError):
            do(player, step, job, link)
    else:
        check(where, step, kind, player, do(player, step, job, link))
    if step == "create":
        refused = kind in NOTHING_ACCEPTED or (kind == "moderated" and fake.name in ("kling", "did"))
        assert fake.creates - before == (0 if refused else 1), where
        given_back = refused or not fake.unit or (kind == "moderated" and fake.name != "runway")
        assert (fake.spent > billed) != given_back, where
    assert not fake.strayed, where
    if kind == "expired link":
        assert player.fetch(link).status_code == 403, where
        link = player.link(player.status(job))
    ended = kind in ("gone", "failed", "cancelled", "moderated") or (step == "cancel" and kind == "slow")
    assert ended or do(player, step, job, link).is_success, f"{where}: once, and then no more"
    if fake.name == "comfyui":
        player.ask("POST", "/queue", json={"clear": True})
        player.ask("POST", "/interrupt")


def check(where: str, step: str, kind: str, player: Player, answer: httpx.Response) -> None:
    name = player.name
    match kind:
        case "gone" if name == "comfyui" and step == "status":
            assert answer.json() == {}, where
        case "throttled" if name == "runway":
            assert answer.json()["status"] == "THROTTLED", where
        case "throttled":
            assert answer.status_code == 429, where
        case "html":
            assert answer.status_code == (200 if step == "fetch" else 502), where
            assert answer.text.startswith("<html>"), where
        case "broken json":
            with pytest.raises(ValueError, match=r".*"):
                answer.json()
        case "wrong type":
            assert answer.is_success, where
            assert "many" in answer.text or "7" in answer.text, where
        case "slow":
            assert answer.is_success, where
            assert answer.elapsed.total_seconds() > 0.02, where
        case "damaged file":
            assert len(answer.content) == int(answer.headers["content-length"]), where
            assert answer.content != player.fetch(str(answer.url)).content, where
        case "expired link":
            assert answer.status_code == 403, where
        case "empty account" if step == "balance":
            assert answer.is_success, where
            assert any(zero in answer.text for zero in (": 0,", ":0,", ": 0.0", ":0.0", ":0}")), where
        case "empty account":
            assert answer.status_code == {"runway": 400, "kling": 429}.get(name, 402), where
        case "moderated" if step == "create" and name in ("kling", "did"):
            assert answer.status_code == {"kling": 400, "did": 451}[name], where
        case "moderated" if step == "create":
            ended = player.state(player.status(player.named(answer)))
            assert ended.lower() == "failed", where
        case "failed" | "moderated" | "cancelled":
            assert player.state(answer).lower() in ("failed", "error", "rejected", "cancelled"), where
        case _:
            assert answer.status_code == STATUS[kind], where
            if kind == "429":
                assert answer.headers["retry-after"] == "1", where
            if kind not in ("redirect", "gone") or step != "fetch":
                assert kind == "redirect" or error_of(answer), where


def test_a_key_must_not_travel_to_a_link() -> None:
    with FakeProvider("runway", polls=0) as fake, Player(fake) as player:
        link = player.link(player.finish(player.start()))
        assert player.ask("GET", link).status_code == 400
        assert player.fetch(link).status_code == 200
        assert player.fetch(link.replace("/results/", "/results/0")).status_code == 404
        part = player.fetch(link, headers={"Range": "bytes=100-"})
        assert part.status_code == 206
        assert part.content == player.fetch(link).content[100:]
        assert player.http.head(link).headers["content-length"] == str(len(part.content) + 100)


def test_a_link_dies_by_itself() -> None:
    with FakeProvider("luma", polls=0, link_seconds=0.05) as fake, Player(fake) as player:
        job = player.start()
        link = player.link(player.finish(job))
        time.sleep(0.1)
        assert player.fetch(link).status_code == 403
        assert player.fetch(player.link(player.status(job))).status_code == 200


def test_who_follows_a_redirect_with_a_key_is_caught() -> None:
    with FakeProvider("heygen", script=["create:redirect"]) as fake, Player(fake) as player:
        player.create(follow_redirects=True)
        (stray,) = fake.strayed
        assert stray.headers["x-api-key"] == fake.env["HEYGEN_API_KEY"]


def test_faults_come_in_order_and_as_often_as_they_were_told() -> None:
    script = ["create:503:2", Fault("create", "429"), f"status:500:{FOREVER}"]
    with FakeProvider("luma", script=script, retry_after=7) as fake, Player(fake) as player:
        answers = [player.create() for _ in range(4)]
        assert [answer.status_code for answer in answers] == [503, 503, 429, 201]
        assert answers[2].headers["retry-after"] == "7"
        job = player.named(answers[3])
        assert {player.status(job).status_code for _ in range(9)} == {500}
        fake.behave()
        assert player.status(job).status_code == 200


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ("acme", "create:429"),
        ("runway", "creation:429"),
        ("runway", "create:418"),
        ("runway", "create:429:0"),
        ("runway", "create:429:1:2:3"),
        ("kling", "cancel:429"),
        ("vllm", "create:wrong key"),
        ("luma", "status:throttled"),
    ],
)
def test_a_fault_that_does_not_exist_is_no_fault(provider: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"no fake|no step|no fault|at least 1|knows no|step:kind"):
        FakeProvider(provider, script=[words])


def test_the_tables_of_faults_fit_together() -> None:
    assert set(MEANING) == {kind for kinds in FAULTS.values() for kind in kinds}
    for provider in PROVIDERS:
        for step, kinds in faults_of(provider).items():
            assert kinds
            assert set(kinds) <= set(FAULTS[step])
    assert Fault.of("fetch:slow:forever:0.5") == Fault("fetch", "slow", FOREVER, 0.5)


# ------------------------------------------------------------------------------------------------------- the crowd


def test_two_hundred_jobs_at_once() -> None:
    with FakeProvider("kling", polls=1) as fake:
        headers = {"Authorization": f"Bearer {fake.env['KLING_API_KEY']}"}
        body = json.dumps({**GOOD["kling"](), "duration": "5"}).encode()
        gate = threading.Barrier(200)

        def one(number: int) -> int:
            with httpx.Client(base_url=fake.url, headers=headers, timeout=60, **PLAIN) as http:
                gate.wait(60)
                sent = http.post(CREATE["kling"], content=body, headers={"Content-Type": "application/json"})
                path = f"{CREATE['kling']}/{sent.json()['data']['task_id']}"
                while (told := http.get(path).json()["data"])["task_status"] != "succeed":
                    pass
                link = told["task_result"]["videos"][0]["url"]
            return len(httpx.get(link, timeout=60, **PLAIN).content)

        with ThreadPoolExecutor(200) as pool:
            sizes = set(pool.map(one, range(200)))
        assert len(sizes) == 1
        assert fake.creates == 200
        assert fake.spent == pytest.approx(200 * 2.5)
        assert len(fake._server.studio.made) == 1, "equal clips are made once"


# -------------------------------------------------------------------------------------------------- the front door


def test_the_package_is_light() -> None:
    code = "import stillwake.testing, stillwake.testing.server, sys; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "av", "PIL", "httpx", "pydantic", "cv2"}.intersection(loaded)


def test_one_command_starts_a_fake() -> None:
    command = [sys.executable, "-m", "stillwake.testing", "luma", "--fault", "create:429", "--polls", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout
        lines = [running.stdout.readline().strip() for _ in range(3)]
        url = lines[0]
        assert lines[2] == f"export LUMA_BASE_URL={url}/v1"
        key = lines[1].removeprefix("export LUMA_AGENTS_API_KEY=")
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, headers=headers, **PLAIN) as http:
            assert [http.post("/v1/generations", json=GOOD["luma"]()).status_code for _ in range(2)] == [429, 201]
        running.send_signal(signal.SIGINT)
        try:
            _, words = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == 0
    assert "1 jobs accepted" in words


def test_one_command_says_what_it_cannot_do() -> None:
    command = [sys.executable, "-m", "stillwake.testing", "luma", "--fault", "cancel:429"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "knows no fault" in done.stderr


def test_the_page_tells_of_every_fake_and_every_fault() -> None:
    page = (ROOT / "docs" / "fakes.md").read_text()
    for provider in PROVIDERS:
        assert f"`{provider}`" in page
        with FakeProvider(provider) as fake:
            for variable in fake.env:
                assert variable in page
    for kind, meaning in MEANING.items():
        assert f"| `{kind}` | {meaning} |" in page


def test_a_fake_takes_the_port_it_is_given_and_gives_it_back() -> None:
    with FakeProvider("runway") as fake:
        port = int(fake.url.rsplit(":", 1)[1])
        assert "FakeProvider runway" in repr(fake)
    with FakeProvider("runway", port=port) as fake:
        assert fake.url.endswith(f":{port}")
