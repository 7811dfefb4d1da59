"""D-ID's talks, after its documentation, a client of 2023 and answers that others have recorded.

What is marked unconfirmed was found nowhere and is a guess.
"""

from __future__ import annotations

import base64
import json
import math
import re
import uuid
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, ClassVar

from stillwake.testing import pictures
from stillwake.testing.clips import Order
from stillwake.testing.fields import (
    Field,
    Problem,
    Table,
    anything,
    flag,
    group,
    number,
    one,
    problems,
    several,
    text,
    whole,
)
from stillwake.testing.pictures import Limits, Sent, UnfitError
from stillwake.testing.runway import stamp
from stillwake.testing.server import Answer, Api, Job, Part, RefusedError, Request, Route, route

KEY = "ZmFrZUBleGFtcGxlLm9yZw:5a5a5a5a5a5a5a5a"
LIMITS = Limits(mimes=("image/jpeg", "image/png"), most_bytes=10 * 2**20)
"""JPEG and PNG; the size: unconfirmed."""
SOUND_BYTES = 15 * 2**20
"""Unconfirmed."""
SECONDS_A_LETTER = 0.06
SECONDS_A_CREDIT = 15
"""Unconfirmed."""
FPS = Fraction(25)
"""Unconfirmed."""

EXPRESSIONS = group(
    {
        "expressions": several(
            group(
                {
                    "start_frame": whole(0).needed,
                    "expression": one("neutral", "happy", "surprise", "serious").needed,
                    "intensity": number(0, 1).needed,
                }
            )
        ).needed,
        "transition_frames": whole(0),
    }
)
CONFIG: Table = {
    "stitch": flag(),
    "fluent": flag(),
    "pad_audio": number(0, 60),
    "align_driver": flag(),
    "auto_match": flag(),
    "sharpen": flag(),
    "motion_factor": number(0, 1),
    "normalization_factor": number(0, 1),
    "align_expand_factor": number(0, 1),
    "result_format": one("mp4", "gif", "mov", ".mp4"),
    "logo": anything(),
    "driver_expressions": EXPRESSIONS,
}
PROVIDER = group(
    {
        "type": one("microsoft", "elevenlabs", "amazon").needed,
        "voice_id": text(least=1).needed,
        "voice_config": anything(),
        "language": text(),
    }
)
SCRIPTS: Mapping[str, Table] = {
    "text": {
        "type": one("text").needed,
        "input": text(least=1).needed,
        "ssml": flag(),
        "subtitles": flag(),
        "provider": PROVIDER,
    },
    "audio": {
        "type": one("audio").needed,
        "audio_url": text(least=1).needed,
        "reduce_noise": flag(),
        "subtitles": flag(),
    },
}


def _script() -> Field:
    def rule(value: Any, path: tuple[str | int, ...]) -> Iterator[Problem]:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in SCRIPTS:
            yield Problem((*path, "type"), "value", "must be one of text, audio")
        else:
            yield from problems(value, SCRIPTS[kind], path)

    return Field(rule)


BODY: Table = {
    "source_url": text(least=1).needed,
    "script": _script().needed,
    "driver_url": text(least=1),
    "config": group(CONFIG),
    "user_data": text(1000, 1),
    "name": text(),
    "webhook": text(),
    "result_url": text(),
    "persist": flag(),
    "face": anything(),
}
DRIVER = re.compile(r"bank://(lively|subtle)/(driver-0\d/?)?|bank://natural/?|https://\S+")


class Did(Api):
    """``/talks``, ``/images``, ``/audios``, ``/credits``, ``/tts/voices``."""

    name: ClassVar[str] = "did"
    unit: ClassVar[str] = "credits"
    funds: ClassVar[float] = 1000.0
    unknown: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "create": ("throttled",),
        "status": ("throttled", "cancelled"),
    }

    def __init__(self, fake: Any) -> None:
        self.held: dict[str, Sent] = {}
        super().__init__(fake)

    def env(self) -> dict[str, str]:
        """The variables that stillwake reads."""
        return {"DID_API_KEY": KEY, "DID_BASE_URL": self.fake.url}

    def paths(self) -> list[Route]:
        """The routes."""
        return [
            route("POST", "/talks", "create", self.create),
            route("GET", "/talks/{name}", "status", self.status),
            route("DELETE", "/talks/{name}", "cancel", self.delete),
            route("POST", "/images", "upload", self.image),
            route("POST", "/audios", "upload", self.audio),
            route("GET", "/credits", "balance", self.credits),
            route("GET", "/tts/voices", "", self.voices),
        ]

    # ------------------------------------------------------------------------------------------------- manners

    def guard(self, request: Request) -> None:
        """The key, as it is or in base64: the documentation and its readers differ."""
        good = {f"Basic {KEY}", f"Basic {base64.b64encode(KEY.encode()).decode()}"}
        if request.headers.get("authorization") not in good:
            raise RefusedError(self.error(401, "user unauthenticated"))
        if "x-api-key-external" in request.headers:
            try:
                keys = json.loads(request.headers["x-api-key-external"])
                assert isinstance(keys["elevenlabs"], str)
            except (ValueError, KeyError, TypeError, AssertionError):
                raise RefusedError(self.error(400, "x-api-key-external must be JSON with elevenlabs")) from None

    def error(self, status: int, message: str, code: str | int | None = None) -> Answer:
        """``{"kind", "description"}``; the kinds of 404, 429 and 5xx: unconfirmed."""
        kinds = {
            400: "BadRequestError",
            401: "AuthorizationError",
            402: "InsufficientCreditsError",
            404: "NotFoundError",
            405: "NotFoundError",
            429: "TooManyRequestsError",
            451: "ModerationError",
        }
        return Answer(status, {"kind": code or kinds.get(status, "InternalServerError"), "description": message})

    def trouble(self, kind: str, step: str) -> Answer:
        """An empty account is 402."""
        if kind == "empty account":
            return self.error(402, "not enough credits")
        return super().trouble(kind, step)

    def invalid(self, found: list[Problem]) -> RefusedError:
        """``ValidationError`` with every problem, as recorded."""
        details = {f"body.{each.where}": {"message": each.message} for each in found}
        body = {"kind": "ValidationError", "description": "validation failed", "details": details}
        return RefusedError(Answer(400, body))

    # --------------------------------------------------------------------------------------------------- uploads

    def part(self, request: Request, name: str) -> Part:
        """The one file of a form."""
        try:
            parts = request.form()
        except ValueError as error:
            raise RefusedError(self.error(400, str(error))) from None
        known = {name, "filename", "detect_faces", "source_url"}
        if strange := [part.name for part in parts if part.name not in known]:
            raise self.invalid([Problem((strange[0],), "unknown", f"'{strange[0]}' is not allowed")])
        chosen = next((part for part in parts if part.name == name), None)
        if chosen is None or chosen.filename is None:
            raise self.invalid([Problem((name,), "missing", f"'{name}' is required")])
        return chosen

    def image(self, request: Request, kind: str) -> Answer:
        """``POST /images``."""
        try:
            sent = pictures.picture(self.part(request, "image").data, LIMITS)
        except UnfitError as error:
            raise RefusedError(self.error(400, str(error))) from None
        return Answer(201, self.keep(sent, "img", "images"))

    def audio(self, request: Request, kind: str) -> Answer:
        """``POST /audios``."""
        try:
            sent = pictures.sound(self.part(request, "audio").data, SOUND_BYTES)
        except UnfitError as error:
            raise RefusedError(self.error(400, str(error))) from None
        told = self.keep(sent, "aud", "audios")
        return Answer(201, {**told, "duration": pictures.seconds_of(sent.data)})

    def keep(self, sent: Sent, prefix: str, bucket: str) -> dict[str, Any]:
        """A name and an address for what came."""
        name = f"{prefix}_{uuid.uuid4().hex[:21]}"
        url = f"s3://d-id-{bucket}-prod/fake/{name}/file"
        self.held[url] = sent
        return {"id": name, "url": url}

    def fetched(self, url: str, name: str, what: str) -> Sent | None:
        """What stands at an address; None for what only the network has."""
        if url.startswith("s3://"):
            sent = self.held.get(url)
            if sent is None or not sent.mime.startswith(what):
                raise RefusedError(self.error(400, f"cannot validate {url} - may be corrupted or does not exist"))
            return sent
        # That the name must end with .jpg, .jpeg or .png is documented for pictures: unconfirmed as a check.
        if not re.match(r"https://[^/\s]+\.[a-z]", url, re.IGNORECASE):
            raise self.invalid([Problem((name,), "value", "must be a valid https or s3 URL")])
        return None

    # ------------------------------------------------------------------------------------------------------ jobs

    def create(self, request: Request, kind: str) -> Answer:
        """``POST /talks``."""
        if not request.is_json:
            raise RefusedError(self.error(400, "Content-Type must be application/json"))
        try:
            body = request.json
        except ValueError:
            raise RefusedError(self.error(400, "the body is not valid JSON")) from None
        found = list(problems(body, BODY))
        if found:
            raise self.invalid(found)
        if "driver_url" in body and not DRIVER.fullmatch(body["driver_url"]):
            raise self.invalid([Problem(("driver_url",), "value", "no such driver")])
        still = self.fetched(body["source_url"], "source_url", "image") or pictures.placeholder()
        script = body["script"]
        heard, tone = None, 0.0
        if script["type"] == "audio":
            heard = self.fetched(script["audio_url"], "script.audio_url", "audio")
            tone = 0.0 if heard else 3.0
        else:
            tone = max(1.0, SECONDS_A_LETTER * len(script["input"]))
        if kind == "moderated":
            raise RefusedError(self.error(451, "The content was refused by moderation"))
        seconds = pictures.seconds_of(heard.data) if heard else tone
        side = 512
        stitched = body.get("config", {}).get("stitch", False)
        size = still.size if stitched else (side, side)  # what is not stitched is the face alone, square
        order = Order(still, size, seconds, FPS, sound=heard, tone=tone)
        job = self.fake.accept(
            f"tlk_{uuid.uuid4().hex[:21]}", body, order, float(math.ceil(seconds / SECONDS_A_CREDIT))
        )
        told = {"id": job.id, "object": "talk", "status": "created", "created_at": stamp(job.created)}
        return Answer(201, {**told, "created_by": "fake"})

    def found(self, name: str) -> Job:
        """The talk of this name."""
        job = self.fake.jobs.get(name)
        if job is None or job.end == "deleted":
            raise RefusedError(self.error(404, "not found"))
        return job

    def status(self, request: Request, kind: str, name: str) -> Answer:
        """``GET /talks/{id}``."""
        job = self.found(name)
        if kind in ("failed", "moderated"):
            self.fake.finish(job, kind, refund=True)  # unconfirmed
        share = self.fake.share(job)
        state = {"": "created" if share == 0 else "started", "succeeded": "done", "failed": "error"}
        told: dict[str, Any] = {
            "id": job.id,
            "object": "talk",
            "user_id": "fake",
            "source_url": job.body["source_url"],
            "status": state.get(job.end, "rejected"),
            "created_at": stamp(job.created),
            "created_by": "fake",
            "config": job.body.get("config", {}),
            "pending_url": f"s3://d-id-talks-prod/fake/{job.id}/file.mp4",
        }
        if "user_data" in job.body:
            told["user_data"] = job.body["user_data"]
        match job.end:
            case "succeeded":
                told |= {
                    "result_url": self.fake.link(job),
                    "duration": round(job.order.seconds, 3),
                    "metadata": {"num_frames": round(job.order.seconds * FPS), "resolution": list(job.order.size)},
                }
            case "failed":
                told["error"] = {"kind": "InternalError", "description": "the talk could not be rendered"}
            case "moderated":
                told["error"] = {"kind": "ModerationError", "description": "the content was refused by moderation"}
        return Answer(200, told)

    def delete(self, request: Request, kind: str, name: str) -> Answer:
        """``DELETE /talks/{id}`` (its answer: unconfirmed)."""
        job = self.found(name)
        job.end = "deleted"
        return Answer(200, {"id": job.id, "object": "talk", "status": "deleted"})

    # --------------------------------------------------------------------------------------------------- account

    def credits(self, request: Request, kind: str) -> Answer:
        """``GET /credits``."""
        left = 0 if kind == "empty account" else int(self.fake.balance - self.fake.spent)
        total = int(self.fake.balance)
        entry = {
            "owner_id": "fake",
            "created_at": "2026-11-01T00:00:00.000Z",
            "modified_at": "2026-11-01T00:00:00.000Z",
            "valid_from": "2026-11-01T00:00:00.000Z",
            "expire_at": "2036-11-01T00:00:00.000Z",
            "remaining": left,
            "total": total,
            "product_id": "fake",
        }
        return Answer(200, {"credits": [entry], "remaining": left, "total": total})

    def voices(self, request: Request, kind: str) -> Answer:
        """``GET /tts/voices``: a list, as the client of 2023 reads it (unconfirmed today)."""
        if strange := set(request.query) - {"provider", "access"}:
            raise RefusedError(self.error(400, f"unknown query: {', '.join(sorted(strange))}"))
        voices = [
            ("en-US-JennyNeural", "Jenny", "female", "en-US", "microsoft"),
            ("en-US-GuyNeural", "Guy", "male", "en-US", "microsoft"),
            ("21m00Tcm4TlvDq8ikWAM", "Rachel", "female", "en-US", "elevenlabs"),
        ]
        return Answer(
            200,
            [
                {
                    "id": voice,
                    "name": name,
                    "gender": gender,
                    "locale": locale,
                    "language": "English (United States)",
                    "access": "public",
                    "provider": provider,
                }
                for voice, name, gender, locale, provider in voices
                if request.query.get("provider", provider) == provider
            ],
        )
