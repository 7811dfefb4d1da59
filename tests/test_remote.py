"""Hosted engines from a shot to a performance, against strict fakes; jobs and voices; keys; hostile answers."""

from __future__ import annotations

import base64
import io
import json
import logging
import pickle
import re
import subprocess
import sys
import threading
import time
import traceback
import wave
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.remote_kit import (
    ENGINES,
    FAST,
    TALKERS,
    engine_of,
    house,
    offline,
    pixels,
    scene_of,
    shot_of,
    speech_of,
    voice,
)

from stillwake.engines import remote
from stillwake.engines.remote import Pace
from stillwake.engines.remote.journal import journal
from stillwake.engines.remote.keys import EARLY, Key, KlingTokens, found
from stillwake.engines.remote.link import GarbledError, Link, LostError, NotSentError, base_url, plain, quoted
from stillwake.engines.remote.provider import id_at, number_at, text_at
from stillwake.errors import (
    AccountError,
    ConsentError,
    EngineUnavailableError,
    JobFailedError,
    JobUnsureError,
    NotReadyError,
    ProviderError,
    SoundError,
    StillwakeError,
    UsageError,
)
from stillwake.makers import MAKERS
from stillwake.testing import FakeProvider
from stillwake.types import Still

__all__ = ["house", "offline"]


def use(monkeypatch: pytest.MonkeyPatch, fake: FakeProvider) -> None:
    for variable, value in fake.env.items():
        monkeypatch.setenv(variable, value)


def keys_of(fake: FakeProvider) -> list[str]:
    return [value for variable, value in fake.env.items() if not variable.endswith("BASE_URL")]


# --------------------------------------------------------------------------------------------------- end to end


@pytest.mark.parametrize("name", ENGINES)
def test_end_to_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    with FakeProvider(name, polls=2, width=200) as fake:
        use(monkeypatch, fake)
        seen: list[tuple[str, int, int]] = []
        engine = engine_of(name)
        shot = shot_of(name, tmp_path)
        performance = engine.prepare(scene_of(), shot, speech_of(name), lambda *told: seen.append(told))
        with performance:
            assert performance.size == (480, 270)
            assert performance.frame_count == shot.frame_count
            assert performance.fps == 24
            first = performance.frame(0).copy()
            last = performance.frame(performance.frame_count - 1).copy()
            assert np.array_equal(performance.frame(0), first), "in any order"
        assert np.abs(first.astype(int) - pixels()).mean() < 6, "the first frame is the still"
        assert np.abs(last.astype(int) - pixels()).mean() > 6, "and then it moves"
        assert fake.creates == 1
        assert all(0 <= done <= total for _, done, total in seen)
        made = performance.made_with  # type: ignore[attr-defined]
        json.dumps(made)
        assert made["provider"] == name
        assert made["provider_job"] in fake.jobs
        assert len(json.dumps(made)) < 5000, "without the picture"
        assert performance.sound is None  # type: ignore[attr-defined]
        job = remote.jobs()[0]
        assert job.state == "made"
        assert job.result is not None
        assert job.price == pytest.approx(MAKERS[name].cost(shot.seconds), abs=0.01)
        if name == "runway":
            assert (job.cost, job.cost_told) == (0.25, "25 credits")


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("runway", (270, 480)),
        ("luma", (1000, 300)),
        *(
            pytest.param(name, size, marks=pytest.mark.slow)
            for name in ("runway", "kling", "luma", "heygen")
            for size in ((400, 400), (250, 600), (600, 250))
        ),
    ],
)
def test_the_window_that_was_laid_is_cut_out_again(
    monkeypatch: pytest.MonkeyPatch, name: str, size: tuple[int, int]
) -> None:
    with FakeProvider(name, polls=0, width=320) as fake:
        use(monkeypatch, fake)
        shot = shot_of(name, size=size)
        with engine_of(name).prepare(scene_of(*size), shot, speech_of(name)) as performance:
            frame = performance.frame(0)
            assert performance.notes == () or all("shape" not in note for note in performance.notes)
        assert frame.shape == (size[1], size[0], 3)
        assert np.abs(frame.astype(int) - pixels(*size)).mean() < 8


@pytest.mark.parametrize("name", TALKERS)
def test_a_voice_of_theirs_brings_its_own_sound_and_length(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with FakeProvider(name, polls=0, width=64) as fake:
        use(monkeypatch, fake)
        spoken = remote.voices(name, FAST)
        assert all(number and title for number, title, _ in spoken)
        shot = shot_of(name, voice=spoken[0][0], say="Hello there, and good morning to you.", seconds=Fraction(1))
        with engine_of(name).prepare(scene_of(), shot, None) as performance:
            sound = performance.sound  # type: ignore[attr-defined]
            assert sound is not None
            assert abs(performance.frame_count / performance.fps - sound.seconds) < Fraction(1, 10)
            assert performance.frame_count > 30, "as long as it speaks, not as long as was planned"
            performance.frame(performance.frame_count - 1)
        assert not [request for request in fake.requests if "audio" in request.path]


@pytest.mark.parametrize("name", TALKERS)
def test_somebody_must_be_heard(name: str) -> None:
    with pytest.raises(NotReadyError, match="there is nothing to be heard"):
        engine_of(name).prepare(scene_of(), shot_of(name), None)


def test_an_end_frame_and_a_loop_and_a_brush_reach_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    end = Still(np.ascontiguousarray(pixels()[::-1]), "end.png", "2" * 64)
    with FakeProvider("kling", polls=0, width=320) as fake:
        use(monkeypatch, fake)
        shot = shot_of("kling", model="kling-v2-1-pro", ends=True)
        with engine_of("kling").prepare(scene_of(end=end), shot, None) as performance:
            last = performance.frame(performance.frame_count - 1).astype(int)
        assert np.abs(last - end.pixels).mean() < 12
        from tests.test_remote_wires import brush

        strokes = brush([(120, 100), (200, 60)], [(280, 180), (250, 190)])
        shot = shot_of("kling", model="kling-v1", brush=True)
        engine_of("kling").prepare(scene_of(strokes=strokes), shot, None)
        assert fake.creates == 2


@pytest.mark.parametrize("name", ENGINES)
def test_its_door_opens_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    with FakeProvider(name, polls=0, width=64) as fake:
        use(monkeypatch, fake)
        engine = engine_of(name)
        assert (engine.family, bool(engine.motions), bool(engine.summary)) == (MAKERS[name].family, True, True)
        assert getattr(remote, name)().name == name
        assert getattr(remote, name)().name == name, "after its module was loaded, too"
        with engine.prepare(scene_of(), shot_of(name, tmp_path), speech_of(name)) as performance:
            assert performance.size == (480, 270)


def test_frames_are_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("luma", polls=0, width=64) as fake:
        use(monkeypatch, fake)
        with engine_of("luma").prepare(scene_of(), shot_of("luma"), None) as performance:
            held = [performance.frame(index) for index in range(3)]
            assert len(held) == 3
            assert performance._pair is not None, "two frames, no more"


def test_a_balance_that_is_not_enough_stops_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, balance, words in (
        ("runway", 10, r"10 credits, \$0.10"),
        ("did", 0, "0 credits"),
        ("heygen", 0.01, r"\$0.01"),
    ):
        with FakeProvider(name, polls=0, width=64, balance=balance) as fake:
            use(monkeypatch, fake)
            with pytest.raises(AccountError, match=words) as caught:
                engine_of(name).prepare(scene_of(), shot_of(name), speech_of(name))
            assert caught.value.exit_status == 8
            assert fake.creates == 0
            assert not [request for request in fake.requests if request.step in ("create", "upload")]


def test_more_at_once_than_the_account_may_wait_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("kling", "runway"):
        with FakeProvider(name, polls=1, width=64, concurrency=1) as fake:
            use(monkeypatch, fake)
            ends: list[object] = []

            def one(seed: int, name: str = name, ends: list[object] = ends) -> None:
                try:
                    engine_of(name, Pace(0.005)).prepare(scene_of(), shot_of(name, seed=seed), None)
                    ends.append("clip")
                except StillwakeError as error:
                    ends.append(error)

            threads = [threading.Thread(target=one, args=(seed,)) for seed in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert ends == ["clip"] * 3
            assert fake.creates == 3


# ------------------------------------------------------------------------------------------------------------ jobs


def test_resume_needs_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("runway", polls=2, width=64) as fake:
        use(monkeypatch, fake)
        engine_of("runway").begin(scene_of(), shot_of("runway"), None)
        (job,) = remote.jobs()
        assert job.state == "running"
        made = remote.resume(job.id[:5], pace=FAST)
        assert made.state == "made"
        with engine_of("runway").prepare(scene_of(), shot_of("runway"), None):
            pass
        assert fake.creates == 1


def test_a_job_that_was_never_sent_can_be_resumed_from_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("did", polls=0, width=64, script=["upload:500:forever"]) as fake:
        use(monkeypatch, fake)
        with pytest.raises(ProviderError):
            engine_of("did").prepare(scene_of(), shot_of("did"), voice())
        fake.behave()
        (job,) = remote.jobs()
        assert remote.resume(job.id, pace=FAST).state == "made"
        assert fake.creates == 1


def test_adopt_what_the_providers_page_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("luma", polls=0, width=64, script=["create:dropped after accepting"]) as fake:
        use(monkeypatch, fake)
        with pytest.raises(JobUnsureError):
            engine_of("luma").prepare(scene_of(), shot_of("luma"), None)
        (job,) = remote.jobs()
        with pytest.raises(ProviderError):
            remote.adopt(job.id, "no-such-generation", pace=FAST)
        for bad in ("", "../x", "a b", "x" * 300):
            with pytest.raises(UsageError, match="cannot be an id"):
                remote.adopt(job.id, bad, pace=FAST)
        (there,) = fake.jobs
        assert remote.adopt(job.id, there, pace=FAST).state == "running"
        assert remote.resume(job.id, pace=FAST).state == "made"
        assert fake.creates == 1
        with pytest.raises(UsageError, match="it is made"):
            remote.adopt(job.id, there, pace=FAST)


def test_resend_is_the_only_way_to_pay_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("luma", polls=0, width=64, script=["status:failed"]) as fake:
        use(monkeypatch, fake)
        for _ in range(2):
            with pytest.raises(JobFailedError, match="stillwake jobs resend"):
                engine_of("luma").prepare(scene_of(), shot_of("luma"), None)
        (job,) = remote.jobs()
        with pytest.raises(JobFailedError):
            remote.resume(job.id, pace=FAST)
        assert fake.creates == 1
        made = remote.resend(job.id, pace=FAST)
        assert made.state == "made"
        assert made.attempt == 2
        assert made.past[0][1] == job.provider_id, "what was paid for is not forgotten"
        assert fake.creates == 2
        with pytest.raises(UsageError, match="it is made"):
            remote.resend(job.id, pace=FAST)


@pytest.mark.parametrize("name", ["runway", "did", "heygen", "vllm", "comfyui"])
def test_cancel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    with FakeProvider(name, seconds=60.0, width=64, script=["cancel:503"]) as fake:
        use(monkeypatch, fake)
        engine_of(name).begin(scene_of(), shot_of(name, tmp_path), speech_of(name))
        (job,) = remote.jobs()
        stopped = remote.cancel(job.id, FAST)
        assert stopped.state == "cancelled"
        assert next(iter(fake.jobs.values())).end in ("cancelled", "deleted")
        with pytest.raises(UsageError, match="it is cancelled already"):
            remote.cancel(job.id, FAST)


@pytest.mark.parametrize("name", ["kling", "luma"])
def test_what_cannot_be_cancelled_says_so(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with FakeProvider(name, seconds=60.0, width=64) as fake:
        use(monkeypatch, fake)
        engine_of(name).begin(scene_of(), shot_of(name), None)
        (job,) = remote.jobs()
        with pytest.raises(UsageError, match="it has no way to"):
            remote.cancel(job.id, FAST)
        assert remote.jobs()[0].state == "running"


@pytest.mark.parametrize("name", ["runway", "comfyui"])
def test_what_is_done_there_is_not_cancelled_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    with FakeProvider(name, polls=0, width=64) as fake:
        use(monkeypatch, fake)
        engine_of(name).begin(scene_of(), shot_of(name, tmp_path), None)
        (job,) = remote.jobs()
        with pytest.raises(UsageError, match=f"stillwake jobs resume {job.id}"):
            remote.cancel(job.id, FAST)
        assert remote.jobs()[0].state == "running"
        assert remote.resume(job.id, pace=FAST).state == "made"


@pytest.mark.parametrize("key", ["key_\u201d", "key\nX-Evil: 1"])
def test_a_key_that_none_can_be_is_refused_before_anything(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    with FakeProvider("luma", polls=0) as fake:
        use(monkeypatch, fake)
        monkeypatch.setenv("LUMA_AGENTS_API_KEY", key)
        with pytest.raises(EngineUnavailableError, match="copy the key again") as told:
            engine_of("luma").prepare(scene_of(), shot_of("luma"), None)
        assert key not in str(told.value)
        assert fake.requests == []


def test_forget(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("runway", polls=0, width=64) as fake:
        use(monkeypatch, fake)
        engine_of("runway").begin(scene_of(), shot_of("runway"), None)
        (job,) = remote.jobs()
        with pytest.raises(UsageError, match="may be paid for"):
            remote.forget(job.id)
        made = remote.resume(job.id, pace=FAST)
        assert made.result is not None
        assert made.result.exists()
        remote.forget(job.id)
        assert remote.jobs() == ()
        assert not made.result.exists()


# ---------------------------------------------------------------------------------------------------------- voices


def recording(folder: Path) -> Path:
    path = folder / "ada.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes((9000 * np.sin(np.arange(32000) / 15)).astype(np.int16).tobytes())
    return path


@pytest.mark.parametrize("name", ["heygen", "runway"])
def test_a_voice_is_copied_only_where_somebody_agreed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    with FakeProvider(name, polls=1, width=64) as fake:
        use(monkeypatch, fake)
        with pytest.raises(ConsentError, match="nobody said whose it is") as caught:
            remote.clone_voice(name, recording(tmp_path), "Ada", "  ", FAST)
        assert caught.value.exit_status == 7
        assert not fake.requests
        copy = remote.clone_voice(name, recording(tmp_path), "Ada", "Ada Byron agreed on 2026-11-02", FAST)
        (told,) = journal().voices()
        assert (told["voice"], told["consent"], told["name"]) == (copy, "Ada Byron agreed on 2026-11-02", "Ada")
        import hashlib

        assert told["recording"] == hashlib.sha256(recording(tmp_path).read_bytes()).hexdigest()
        assert abs(told["made"] - time.time()) < 60
        if name == "runway":
            assert [(number, title) for number, title, _ in remote.voices(name, FAST)] == [(copy, "Ada")]


def test_who_cannot_copy_a_voice_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with FakeProvider("did", width=64) as fake:
        use(monkeypatch, fake)
        with pytest.raises(UsageError, match="choose heygen or runway"):
            remote.clone_voice("did", recording(tmp_path), "Ada", "Ada agreed", FAST)
        with pytest.raises(UsageError, match="it is no hosted engine"):
            remote.voices("wan", FAST)
        (tmp_path / "no.wav").write_bytes(b"no sound")
        with pytest.raises(SoundError):
            remote.clone_voice("heygen", tmp_path / "no.wav", "Ada", "Ada agreed", FAST)


# ------------------------------------------------------------------------------------------------------------ keys


def test_a_key_shows_itself_nowhere() -> None:
    key = Key("s3cret-of-mine")
    assert str(key) == repr(key) == f"{key}" == "(key)"
    assert "s3cret" not in repr({"a": key, "b": [key]})
    with pytest.raises(TypeError):
        pickle.dumps(key)
    assert key.reveal() == "s3cret-of-mine"


def test_keys_come_from_the_environment_then_from_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring

    asked = []

    def get(service: str, name: str) -> str | None:
        asked.append((service, name))
        if name == "HEYGEN_API_KEY":
            raise RuntimeError("the keyring is locked")
        return "from the ring" if name == "DID_API_KEY" else None

    monkeypatch.setattr(keyring, "get_password", get)
    monkeypatch.setenv("RUNWAYML_API_SECRET", "from the environment")
    assert remote.runway().missing() is None
    assert asked == [], "the keyring is asked only where the environment has nothing"
    ring = found("DID_API_KEY")
    assert ring is not None
    assert ring.reveal() == "from the ring"
    assert asked == [("stillwake", "DID_API_KEY")]
    assert remote.did().missing() is None
    assert remote.heygen().missing() == "export HEYGEN_API_KEY=YOUR_KEY"
    assert remote.luma().missing() == "export LUMA_AGENTS_API_KEY=YOUR_KEY"
    assert remote.kling().missing() == "export KLING_API_KEY=YOUR_KEY"
    assert remote.vllm().missing() == "export VLLM_BASE_URL=http://localhost:8091"
    assert remote.comfyui().missing() == "export COMFYUI_BASE_URL=http://localhost:8188"


@pytest.mark.parametrize("name", ENGINES)
def test_without_a_key_the_order_that_sets_one(name: str, tmp_path: Path) -> None:
    line = engine_of(name).missing()
    assert line is not None
    with pytest.raises(EngineUnavailableError, match=re.escape(line)) as caught:
        engine_of(name).prepare(scene_of(), shot_of(name, tmp_path), speech_of(name))
    assert caught.value.exit_status == 6
    assert remote.jobs() == ()


def test_kling_with_its_older_pair_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("kling", polls=0, width=64, jwt=True) as fake:
        use(monkeypatch, fake)
        assert "KLING_ACCESS_KEY" in fake.env
        with engine_of("kling").prepare(scene_of(), shot_of("kling"), None):
            pass
        assert fake.creates == 1


def test_tokens_are_made_anew_before_they_end() -> None:
    clock = [1000.0]
    tokens = KlingTokens(Key("AK"), Key("S" * 40), now=lambda: clock[0])
    first = tokens.token().reveal()
    claims = json.loads(base64.urlsafe_b64decode(first.split(".")[1] + "=="))
    assert claims == {"iss": "AK", "exp": 2800, "nbf": 995}
    clock[0] += 1800 - EARLY - 1
    assert tokens.token().reveal() == first
    clock[0] += 2
    assert tokens.token().reveal() != first
    assert first not in repr(tokens)


@pytest.mark.parametrize("name", ["runway", "kling", "luma", "did", "heygen"])
def test_no_key_leaks(
    monkeypatch: pytest.MonkeyPatch, house: Path, capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture, name: str,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    written = []
    with FakeProvider(name, polls=1, width=64, jwt=name == "kling") as fake:
        use(monkeypatch, fake)
        keys = keys_of(fake)
        for seed, fault in enumerate(
            ("create:wrong key", "create:500:forever", "status:html:forever", "status:failed", "")
        ):
            fake.behave()
            if fault:
                fake.misbehave(fault)
            try:
                with engine_of(name).prepare(scene_of(), shot_of(name, seed=seed), speech_of(name)) as performance:
                    written.append(json.dumps(performance.made_with))  # type: ignore[attr-defined]
            except StillwakeError as error:
                written += [str(error), repr(error), repr(error.args), "".join(traceback.format_exception(error))]
        tokens = [
            request.headers["authorization"].split()[-1]
            for request in fake.requests
            if "authorization" in request.headers
        ]
    out, err = capfd.readouterr()
    written += [out, err, caplog.text]
    written += [path.read_bytes().decode("latin-1") for path in house.rglob("*") if path.is_file()]
    assert any(job.id in text for job in remote.jobs() for text in written), "something was looked at"
    for secret in {*keys, *tokens, *(base64.b64encode(key.encode()).decode() for key in keys)}:
        assert len(secret) > 8
        assert not any(secret in text for text in written)
    assert not any(re.search(r"eyJ[\w-]{10,}\.[\w-]{10,}\.", text) for text in written), "a token"


def test_a_provider_that_repeats_the_key_is_not_quoted() -> None:
    key = Key("sk-live-1234567890")
    coded = base64.b64encode(b"sk-live-1234567890").decode()
    token = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJBSyJ9.c2lnbmF0dXJl"
    said = f"Incorrect API key sk-live-1234567890 ({coded}), token {token} \x1b[31m<b>bold</b>\n\nmore"
    told = quoted(said, (key,))
    assert "1234567890" not in told
    assert coded not in told
    assert token not in told
    assert told == "Incorrect API key (key) ((key)), token (key) [31m bold more"
    assert len(plain("x" * 10_000)) == 300


def test_the_key_goes_to_the_provider_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider("runway", polls=0, width=64) as fake:
        use(monkeypatch, fake)
        monkeypatch.setattr("stillwake.engines.remote.providers.runway.DATA_URI", 0)
        with engine_of("runway").prepare(scene_of(), shot_of("runway"), None):
            pass
        for request in fake.requests:
            own = request.path.startswith("/v1/")
            assert ("authorization" in request.headers) == own, request.path


# ------------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://x.example", "not the address"), ("https://", "not the address"),
        ("https://a:b@x.example", "not the address"),
        ("https://x.example:99999", "not the address"), ("https://x.example/?a=b", "not the address"),
        ("http://api.example.org", "readable for all"), ("http://8.8.8.8", "readable for all"),
        ("nonsense", "not the address"), ("http://[::1", "not the address"),
    ],
)  # fmt: skip
def test_addresses_that_are_refused(monkeypatch: pytest.MonkeyPatch, address: str, words: str) -> None:
    monkeypatch.setenv("RUNWAYML_BASE_URL", address)
    with pytest.raises(UsageError, match=words):
        base_url("RUNWAYML_BASE_URL", "https://api.dev.runwayml.com")


@pytest.mark.parametrize(
    "address",
    [
        "https://x.example/v1/", "http://localhost:8188", "http://127.0.0.1:1", "http://192.168.1.5:8091",
        "http://[::1]:80", "http://comfyui:8188", "http://box.local",
    ],
)  # fmt: skip
def test_addresses_that_are_taken(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("COMFYUI_BASE_URL", address)
    assert base_url("COMFYUI_BASE_URL", "http://localhost:8188") == address.rstrip("/")


def test_an_address_in_an_answer_is_looked_at() -> None:
    far = Link("https://api.example.org", {"Authorization": "x"}, FAST)
    for url in ("http://x.example/a.mp4", "file:///etc/passwd", "https://169.254.169.254/x", "https://localhost/x",
                "https://user@x.example/", "//x", "", "https://10.0.0.1/a", "https://127.1/a", "https://localhost./a",
                "https://0x7f000001/a", "https://x.example/\ud800"):  # fmt: skip
        with pytest.raises(GarbledError):
            far.fetch(url, io.BytesIO())
    far.close()


# ------------------------------------------------------------------------------------------------- hostile answers


class Hostile(BaseHTTPRequestHandler):
    """Says what its server was told to say."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.say(self)  # type: ignore[attr-defined]

    do_POST = do_GET  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hostile() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def answering(body: bytes, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Any:
    def say(handler: Hostile) -> None:
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return say


def endless(handler: Hostile) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        handler.close_connection = True


def link_to(server: ThreadingHTTPServer, pace: Pace = FAST) -> Link:
    return Link(f"http://127.0.0.1:{server.server_address[1]}", {}, pace)


HOSTILE = {
    "deep": b"[" * 200_000, "deep objects": b'{"a":' * 100_000, "nothing": b"", "a number": b"5", "text": b'"x"',
    "not utf-8": b'{"id": "\xff\xfe"}', "nan": b'{"id": NaN', "html": b"<html><title>Sign in</title>", "null": b"null",
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_answers_that_cannot_be_understood(hostile: ThreadingHTTPServer, kind: str) -> None:
    hostile.say = answering(HOSTILE[kind])  # type: ignore[attr-defined]
    link = link_to(hostile)
    with pytest.raises(GarbledError):
        link.ask("GET", "/")
    link.close()


def test_an_answer_without_end_fills_no_memory(hostile: ThreadingHTTPServer) -> None:
    hostile.say = endless  # type: ignore[attr-defined]
    link = link_to(hostile)
    with pytest.raises(GarbledError, match="longer than 4 MiB"):
        link.ask("GET", "/")
    link.close()


def test_a_bomb_of_zeros_fills_no_memory(hostile: ThreadingHTTPServer) -> None:
    import zlib

    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    hostile.say = answering(bomb, headers=(("Content-Encoding", "gzip"),))  # type: ignore[attr-defined]
    link = link_to(hostile)
    with pytest.raises(GarbledError, match="longer than 4 MiB"):
        link.ask("GET", "/")
    link.close()


def test_nobody_answers_in_time_or_nobody_is_there(hostile: ThreadingHTTPServer) -> None:
    hostile.say = lambda handler: time.sleep(0.6)  # type: ignore[attr-defined]
    link = link_to(hostile, Pace(answer=0.1))
    with pytest.raises(LostError, match=r"no answer came within 0\.1 s"):
        link.ask("POST", "/", body={}, once=True)
    link.close()
    nobody = Link("http://127.0.0.1:9", {}, FAST)
    with pytest.raises(NotSentError, match="cannot be reached"):
        nobody.ask("POST", "/", body={}, once=True)
    nobody.close()


@pytest.mark.parametrize(
    "body",
    [
        {"id": 7}, {"id": ""}, {"id": "../../etc"}, {"id": "a/b"}, {"id": "x" * 300}, {"id": ".."}, {}, [],
        {"id": None}, {"id": "a\n"},
    ],
)  # fmt: skip
def test_ids_that_cannot_be_one(body: Any) -> None:
    with pytest.raises(GarbledError):
        id_at(body, "id")


def test_numbers_and_texts_of_the_wrong_kind() -> None:
    for value in (True, "many", None, [], float("nan"), float("inf"), "1e999", 10**400, "9" * 50):
        assert number_at({"a": value}, "a") is None
    assert number_at({"a": "1.5"}, "a") == 1.5
    for value in (7, None, "", [], {}):
        with pytest.raises(GarbledError):
            text_at({"a": value}, "a")


@pytest.mark.parametrize("name", ENGINES)
def test_a_provider_that_answers_nonsense_to_everything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hostile: ThreadingHTTPServer, name: str
) -> None:
    from stillwake.engines.remote.engine import provider_of

    provider = provider_of(name)
    monkeypatch.setenv(provider.base[0], f"http://127.0.0.1:{hostile.server_address[1]}")
    if provider.secret:
        monkeypatch.setenv(provider.secret, "a-key-of-mine")
    for body in (b'{"id": {"id": []}, "data": 5, "code": 0, "status": [], "url": 3}', b"<p>"):
        hostile.say = answering(body)  # type: ignore[attr-defined]
        with pytest.raises(StillwakeError) as caught:
            engine_of(name).prepare(scene_of(), shot_of(name, tmp_path, seed=len(body)), speech_of(name))
        assert caught.value.exit_status == 8


# -------------------------------------------------------------------------------------------------------- the doors


def test_nothing_heavy_is_imported_with_the_engines() -> None:
    code = (
        "import sys; from stillwake.engines import remote; engines = [getattr(remote, n)() for n in "
        f"{ENGINES!r}]; remote.jobs(); "
        "print([m for m in ('httpx', 'cv2', 'av', 'PIL', 'jwt', 'keyring') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []


def test_paces_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLWAKE_PACE", "0.5")
    monkeypatch.setenv("STILLWAKE_PATIENCE", "60")
    assert Pace.of_environment() == Pace(0.5, 60.0, 60.0)
    for bad in ("fast", "-1", "nan", "1e12"):
        monkeypatch.setenv("STILLWAKE_PACE", bad)
        with pytest.raises(UsageError, match="it is no number"):
            Pace.of_environment()
