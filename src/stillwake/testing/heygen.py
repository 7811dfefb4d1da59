"""HeyGen's third API, after its documentation and the schemas inside its own command line (heygen-com/heygen-cli).

What is marked unconfirmed was found nowhere and is a guess.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import Any, ClassVar

from stillwake.testing import pictures
from stillwake.testing.clips import Order
from stillwake.testing.fields import (
    Field,
    Problem,
    Table,
    anything,
    at_most_one,
    flag,
    group,
    number,
    one,
    problems,
    text,
)
from stillwake.testing.pictures import Limits, Sent, UnfitError
from stillwake.testing.server import Answer, Api, Job, RefusedError, Request, Route, route

KEY = "sk_5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
FILES = "https://files.heygen.com/asset/"
MOST_BYTES = 32 * 2**20
LIMITS = Limits(mimes=("image/jpeg", "image/png"), most_bytes=MOST_BYTES)
SCRIPT_LETTERS = 5000
"""Unconfirmed."""
SECONDS_A_LETTER = 0.06
DOLLARS_A_SECOND = 0.05
"""Of Avatar IV, by third parties."""
FPS = Fraction(25)
"""Unconfirmed."""
REPLAY_SECONDS = 24 * 3600
TALL: Mapping[str, int] = {"720p": 720, "1080p": 1080, "4k": 2160}
VOICES = (("1bd001e7e50f421d891986aad5158bc8", "Sara", "female"), ("077ab11b14f04ce0b49b5f6e5cc20979", "Paul", "male"))
AVATARS = ("Abigail_expressive_2024112501",)

ASSETS: Mapping[str, Table] = {
    "url": {"type": one("url").needed, "url": text(least=1).needed},
    "asset_id": {"type": one("asset_id").needed, "asset_id": text(least=1).needed},
    "base64": {"type": one("base64").needed, "media_type": text(least=1).needed, "data": text(least=1).needed},
}


def chosen(tables: Mapping[str, Table]) -> Field:
    """An object whose ``type`` says which fields it has."""

    def rule(value: Any, path: tuple[str | int, ...]) -> Iterator[Problem]:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in tables:
            yield Problem((*path, "type"), "value", f"must be one of {', '.join(tables)}")
        else:
            yield from problems(value, tables[kind], path)

    return Field(rule)


ASSET = chosen(ASSETS)
SPOKEN: Table = {
    "title": text().nullable,
    "resolution": one(*TALL).nullable,
    "aspect_ratio": one("16:9", "9:16", "4:5", "5:4", "1:1", "auto").nullable,
    "fit": one("contain", "cover").nullable,
    "output_format": one("mp4", "webm"),
    "background": group(
        {
            "type": one("color", "image").needed,
            "value": text().nullable,
            "url": text().nullable,
            "asset_id": text().nullable,
        }
    ).nullable,
    "remove_background": flag().nullable,
    "caption": group({"file_format": one("srt"), "style": one("default").nullable}).nullable,
    "script": text(SCRIPT_LETTERS, 1).nullable,
    "voice_id": text(least=1).nullable,
    "audio_url": text(least=1).nullable,
    "audio_asset_id": text(least=1).nullable,
    "voice_settings": group(
        {
            "speed": number(0.5, 1.5),
            "pitch": number(-50, 50),
            "volume": number(0, 1),
            "locale": text().nullable,
            "engine_settings": anything().nullable,
        }
    ).nullable,
    "motion_prompt": text().nullable,
    "expressiveness": one("high", "medium", "low").nullable,
    "brand_glossary_id": text().nullable,
    "callback_url": text().nullable,
    "callback_id": text().nullable,
    "watermark": anything().nullable,
    "folder_id": text().nullable,
}
VIDEOS: Mapping[str, Table] = {
    "image": {"type": one("image").needed, "image": ASSET.needed, **SPOKEN},
    "avatar": {
        "type": one("avatar").needed,
        "avatar_id": text(least=1).needed,
        "engine": chosen(
            {
                "avatar_v": {"type": one("avatar_v").needed, "reference_look_id": text().nullable},
                "avatar_iv": {"type": one("avatar_iv").needed},
                "avatar_iii": {"type": one("avatar_iii").needed},
            }
        ).nullable,
        **SPOKEN,
    },
}
"""Type -> fields. An image has no ``engine``; ``image_url`` and ``image_asset_id`` belonged to the second API."""
CLONE: Table = {
    "voice_name": text(least=1).needed,
    "audio": ASSET.needed,
    "language": text().nullable,
    "remove_background_noise": flag(),
}


@dataclass(slots=True)
class Kept:
    """What was answered to an Idempotency-Key."""

    digest: str
    until: float
    busy_until: float
    answer: Answer | None = None


class HeyGen(Api):
    """``/v3/assets``, ``/v3/videos``, ``/v3/voices``, ``/v3/users/me``."""

    name: ClassVar[str] = "heygen"
    unit: ClassVar[str] = "USD"
    funds: ClassVar[float] = 1000.0
    unknown: ClassVar[Mapping[str, tuple[str, ...]]] = {"status": ("throttled", "cancelled")}

    def __init__(self, fake: Any) -> None:
        self.assets: dict[str, Sent] = {}
        self.clones: dict[str, dict[str, Any]] = {}
        self.kept: dict[str, Kept] = {}
        self.keeping = threading.Lock()
        super().__init__(fake)

    def env(self) -> dict[str, str]:
        """The variables that stillwake reads."""
        return {"HEYGEN_API_KEY": KEY, "HEYGEN_BASE_URL": self.fake.url}

    def paths(self) -> list[Route]:
        """The routes."""
        return [
            route("POST", "/v3/videos", "create", self.create),
            route("GET", "/v3/videos/{name}", "status", self.status),
            route("DELETE", "/v3/videos/{name}", "cancel", self.delete),
            route("POST", "/v3/assets", "upload", self.upload),
            route("GET", "/v3/users/me", "balance", self.me),
            route("GET", "/v3/voices", "", self.list_voices),
            route("POST", "/v3/voices/clone", "", self.clone),
            route("GET", "/v3/voices/{name}", "", self.voice),
            route("DELETE", "/v3/voices/{name}", "", self.forget_voice),
        ]

    # ------------------------------------------------------------------------------------------------- manners

    def guard(self, request: Request) -> None:
        """The key in X-Api-Key, or as a Bearer."""
        given = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if given != KEY:
            raise RefusedError(self.error(401, "Invalid API key", "unauthorized"))

    def error(self, status: int, message: str, code: str | int | None = None) -> Answer:
        """``{"error": {"code", "message", "doc_url", "param"}}``; the codes of 401, 405 and 5xx: unconfirmed."""
        codes = {
            400: "invalid_parameter",
            401: "unauthorized",
            402: "insufficient_credit",
            404: "video_not_found",
            405: "method_not_allowed",
            429: "rate_limit_exceeded",
        }
        told = code or codes.get(status, "internal_error")
        docs = f"https://developers.heygen.com/docs/error-codes#{told}"
        return Answer(status, {"error": {"code": told, "message": message, "doc_url": docs, "param": None}})

    def invalid(self, param: str, message: str) -> RefusedError:
        """A 400 about one field."""
        answer = self.error(400, message)
        answer.body["error"]["param"] = param
        return RefusedError(answer)

    def body(self, request: Request) -> dict[str, Any]:
        """The body, an object."""
        if not request.is_json:
            raise RefusedError(self.error(400, "Content-Type must be application/json"))
        try:
            body = request.json
        except ValueError:
            raise RefusedError(self.error(400, "the body is not valid JSON")) from None
        if not isinstance(body, dict):
            raise RefusedError(self.error(400, "the body must be an object"))
        return body

    def once(self, request: Request, kind: str, make: Any) -> Answer:
        """The answer, or the one that this Idempotency-Key had already."""
        key = request.headers.get("idempotency-key")
        if key is None:
            made: Answer = make()
            return made
        if not 1 <= len(key) <= 255:  # unconfirmed
            raise self.invalid("Idempotency-Key", "must have 1 to 255 characters")
        digest = sha256(request.path.encode() + b"\n" + request.body).hexdigest()
        now = time.time()
        with self.keeping:
            kept = self.kept.get(key)
            if kept is not None and now < kept.until:
                if kept.answer is None or now < kept.busy_until:
                    raise RefusedError(self.error(409, "The first request is still going on", "request_in_progress"))
                if kept.digest != digest:
                    # Documented elsewhere in the trade; here unconfirmed.
                    raise RefusedError(self.error(409, "The key was used for another request", "idempotency_conflict"))
                return kept.answer
            self.kept[key] = kept = Kept(digest, now + REPLAY_SECONDS, now + request.seconds)
        try:
            kept.answer = make()
        except RefusedError:
            with self.keeping:
                del self.kept[key]
            raise
        return kept.answer

    def asset(self, reference: Mapping[str, Any], name: str, what: str) -> Sent | None:
        """What a reference means; None for what only the network has."""
        try:
            match reference["type"]:
                case "url":
                    if not re.match(r"https://[^/\s]+\.[a-z]", reference["url"], re.IGNORECASE):
                        raise UnfitError("must be a publicly accessible HTTPS URL")
                    own = reference["url"].removeprefix(FILES)
                    return self.uploaded(own, what) if own in self.assets else None
                case "asset_id":
                    return self.uploaded(reference["asset_id"], what)
                case _:
                    return self.looked(pictures.raw_base64(reference["data"]), what, reference["media_type"])
        except UnfitError as error:
            raise self.invalid(name, str(error)) from None

    def uploaded(self, name: str, what: str) -> Sent:
        """An asset that was uploaded."""
        sent = self.assets.get(name)
        if sent is None:
            raise RefusedError(self.error(404, f"No asset {name}", "asset_not_found"))
        if not sent.mime.startswith(what):
            raise UnfitError(f"{name} is {sent.mime}")
        return sent

    def looked(self, data: bytes, what: str, mime: str) -> Sent:
        """A file that came, really decoded."""
        sent = pictures.picture(data, LIMITS) if what == "image" else pictures.sound(data, MOST_BYTES)
        if sent.mime != mime.replace("audio/x-wav", "audio/wav").replace("audio/mp3", "audio/mpeg"):
            raise UnfitError(f"media_type says {mime}, the content is {sent.mime}")
        return sent

    def upload(self, request: Request, kind: str) -> Answer:
        """``POST /v3/assets``."""
        return self.once(request, kind, lambda: self._upload(request))

    def _upload(self, request: Request) -> Answer:
        try:
            parts = request.form()
        except ValueError as error:
            raise RefusedError(self.error(400, str(error))) from None
        if [part.name for part in parts] != ["file"]:
            raise self.invalid("file", "exactly one part, named file, is needed")
        data = parts[0].data
        if len(data) > MOST_BYTES:
            raise RefusedError(self.error(413, "The file exceeds 32 MB", "invalid_parameter"))
        try:
            sent = pictures.picture(data, LIMITS)
        except UnfitError as first:
            try:
                sent = pictures.sound(data, MOST_BYTES)
            except UnfitError:
                raise self.invalid("file", f"unsupported: {first}") from None
        name = f"ast_{uuid.uuid4().hex[:16]}"
        self.assets[name] = sent
        told = {
            "asset_id": name,
            "url": f"{FILES}{name}",
            "mime_type": sent.mime,
            "size_bytes": len(data),
        }
        return Answer(200, {"data": told})

    # ------------------------------------------------------------------------------------------------------ jobs

    def create(self, request: Request, kind: str) -> Answer:
        """``POST /v3/videos``."""
        if kind == "throttled":
            raise RefusedError(self.error(429, "Too many videos at once"))
        return self.once(request, kind, lambda: self._create(request, kind))

    def _create(self, request: Request, kind: str) -> Answer:
        body = self.body(request)
        table = VIDEOS.get(body["type"]) if isinstance(body.get("type"), str) else None
        if table is None:
            raise self.invalid("type", f"must be one of {', '.join(VIDEOS)}")
        found = list(problems(body, table)) or list(crossed(body))
        if found:
            raise self.invalid(found[0].where, found[0].message)
        if body["type"] == "avatar":
            if body["avatar_id"] not in AVATARS:
                raise RefusedError(self.error(404, f"No avatar {body['avatar_id']}", "avatar_not_found"))
            still = pictures.placeholder()
        else:
            still = self.asset(body["image"], "image", "image") or pictures.placeholder()
        if body.get("voice_id") and body["voice_id"] not in self.speakers():
            raise RefusedError(self.error(404, f"No voice {body['voice_id']}", "voice_not_found"))
        heard, tone = None, 0.0
        if body.get("audio_asset_id"):
            try:
                heard = self.uploaded(body["audio_asset_id"], "audio")
            except UnfitError as error:
                raise self.invalid("audio_asset_id", str(error)) from None
        elif body.get("audio_url"):
            heard = self.asset({"type": "url", "url": body["audio_url"]}, "audio_url", "audio")
            tone = 0.0 if heard else 3.0
        else:
            speed = (body.get("voice_settings") or {}).get("speed", 1)
            tone = max(1.0, SECONDS_A_LETTER * len(body["script"]) / speed)
        seconds = pictures.seconds_of(heard.data) if heard else tone
        running = sum(not job.end for job in list(self.fake.jobs.values()))
        most = self.fake.options.get("concurrency")
        if most is not None and running >= most:
            raise RefusedError(self.error(429, "Too many videos at once"))
        size = framed(body.get("aspect_ratio") or "16:9", TALL[body.get("resolution") or "720p"], still)
        order = Order(still, size, seconds, FPS, sound=heard, tone=tone)
        job = self.fake.accept(uuid.uuid4().hex, body, order, round(DOLLARS_A_SECOND * seconds, 4))
        if kind == "moderated":
            self.fake.finish(job, "input moderated", refund=True)
        return Answer(200, {"data": {"video_id": job.id, "status": "waiting", "output_format": "mp4"}})

    def speakers(self) -> set[str]:
        """The voices that can speak."""
        return {name for name, _, _ in VOICES} | {
            name for name, clone in self.clones.items() if clone["asked"] >= self.fake.polls
        }

    def found(self, name: str) -> Job:
        """The video of this name."""
        job = self.fake.jobs.get(name)
        if job is None or job.end == "deleted":
            raise RefusedError(self.error(404, f"No video {name}", "video_not_found"))
        return job

    def status(self, request: Request, kind: str, name: str) -> Answer:
        """``GET /v3/videos/{id}``."""
        job = self.found(name)
        if kind in ("failed", "moderated"):
            self.fake.finish(job, kind, refund=True)
        share = self.fake.share(job)
        running = "waiting" if share == 0 else "pending" if share < 0.5 else "processing"
        told: dict[str, Any] = {
            "id": job.id,
            "title": job.body.get("title"),
            "status": {"": running, "succeeded": "completed"}.get(job.end, "failed"),
            "created_at": int(job.created),
            "video_url": None,
            "thumbnail_url": None,
            "duration": None,
            "failure_code": None,
            "failure_message": None,
        }
        if job.end == "succeeded":
            told |= {"video_url": self.fake.link(job), "duration": round(job.order.seconds, 3)}
            told["completed_at"] = int(time.time())
        elif job.end:
            # The codes of failures: unconfirmed.
            code = "content_moderated" if "moderated" in job.end else "rendering_failed"
            told |= {"failure_code": code, "failure_message": "The video could not be made"}
        return Answer(200, {"data": told})

    def delete(self, request: Request, kind: str, name: str) -> Answer:
        """``DELETE /v3/videos/{id}``; whether it stops a render, and what it gives back: unconfirmed."""
        job = self.found(name)
        job.end = "deleted"
        return Answer(200, {"data": {"id": job.id}})

    # ------------------------------------------------------------------------------------------ account and voices

    def me(self, request: Request, kind: str) -> Answer:
        """``GET /v3/users/me``; what stands inside a wallet: unconfirmed."""
        left = 0.0 if kind == "empty account" else round(self.fake.balance - self.fake.spent, 4)
        told = {
            "username": "fake",
            "email": "fake@example.org",
            "billing_type": "wallet",
            "wallet": {"currency": "usd", "remaining_balance": left},
            "subscription": None,
            "usage_based": None,
        }
        return Answer(200, {"data": told})

    def list_voices(self, request: Request, kind: str) -> Answer:
        """``GET /v3/voices``."""
        if strange := set(request.query) - {"type", "engine", "language", "gender", "limit", "token"}:
            raise self.invalid(sorted(strange)[0], "unknown query")
        told = [
            {
                "voice_id": name,
                "name": shown,
                "language": "English",
                "gender": gender,
                "support_pause": True,
                "support_locale": False,
                "type": "public",
                "preview_audio_url": None,
            }
            for name, shown, gender in VOICES
            if request.query.get("type", "public") == "public" and request.query.get("gender", gender) == gender
        ]
        return Answer(200, {"data": told, "has_more": False, "next_token": None})

    def clone(self, request: Request, kind: str) -> Answer:
        """``POST /v3/voices/clone``."""
        return self.once(request, kind, lambda: self._clone(request))

    def _clone(self, request: Request) -> Answer:
        body = self.body(request)
        if found := list(problems(body, CLONE)):
            raise self.invalid(found[0].where, found[0].message)
        self.asset(body["audio"], "audio", "audio")
        name = uuid.uuid4().hex
        self.clones[name] = {"name": body["voice_name"], "created": int(time.time()), "asked": 0}
        return Answer(200, {"data": {"voice_clone_id": name}})

    def voice(self, request: Request, kind: str, name: str) -> Answer:
        """``GET /v3/voices/{id}``."""
        clone = self.clones.get(name)
        if clone is not None:
            done = clone["asked"] >= self.fake.polls
            clone["asked"] += 1
            told = {"voice_id": name, "name": clone["name"], "support_pause": False, "created_at": clone["created"]}
            return Answer(200, {"data": {**told, "status": "complete" if done else "processing"}})
        for voice, shown, gender in VOICES:
            if voice == name:
                told = {"voice_id": voice, "name": shown, "gender": gender, "support_pause": True}
                return Answer(200, {"data": {**told, "language": "English", "status": None}})
        raise RefusedError(self.error(404, f"No voice {name}", "voice_not_found"))

    def forget_voice(self, request: Request, kind: str, name: str) -> Answer:
        """``DELETE /v3/voices/{id}``."""
        if self.clones.pop(name, None) is None:
            raise RefusedError(self.error(404, f"No voice {name}", "voice_not_found"))
        return Answer(200, {"data": {"voice_id": name}})


def framed(aspect: str, short: int, still: Sent) -> tuple[int, int]:
    """(width, height) px with this shorter side; "auto" is the still's shape."""
    wide, tall = still.size if aspect == "auto" else map(int, aspect.split(":"))
    scale = short / min(wide, tall)
    return round(wide * scale), round(tall * scale)


def crossed(body: Mapping[str, Any]) -> Iterator[Problem]:
    """What speaks against fields together."""
    sources = ("script", "audio_url", "audio_asset_id")
    yield from at_most_one(body, sources)
    if all(body.get(name) is None for name in sources):
        yield Problem(("script",), "missing", "script, audio_url or audio_asset_id is required")
    if body.get("script") and not body.get("voice_id") and body["type"] == "image":
        yield Problem(("voice_id",), "missing", "required when script is provided")
    background = body.get("background")
    if background:
        if body.get("output_format") == "webm":
            yield Problem(("background",), "custom", "rejected when output_format is webm")
        if background["type"] == "color" and not re.fullmatch(r"#[0-9a-fA-F]{6}", background.get("value") or ""):
            yield Problem(("background", "value"), "missing", "a hex colour is required when type is color")
        if background["type"] == "image" and bool(background.get("url")) == bool(background.get("asset_id")):
            yield Problem(("background", "url"), "custom", "exactly one of url and asset_id is required")
    engine = (body.get("engine") or {}).get("type")
    if engine in ("avatar_v", "avatar_iii") and body.get("expressiveness"):
        yield Problem(("expressiveness",), "custom", f"rejected when engine.type is {engine}")
    if engine == "avatar_iii" and body.get("motion_prompt"):
        yield Problem(("motion_prompt",), "custom", "not supported with avatar_iii")
