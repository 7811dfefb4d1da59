"""Runway, after its own SDK (runwayml 5.24.0), its documentation, and answers that others have recorded.

What is marked unconfirmed was found nowhere and is a guess.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from stillwake.testing import pictures
from stillwake.testing.clips import Order
from stillwake.testing.fields import (
    Field,
    Problem,
    Table,
    anything,
    either,
    flag,
    group,
    number,
    one,
    problems,
    several,
    text,
    utf16,
    whole,
)
from stillwake.testing.pictures import Limits, Sent, UnfitError
from stillwake.testing.server import Answer, Api, Job, RefusedError, Request, Route, route

VERSION = "2024-11-06"
KEY = "key_" + "5a" * 64
DOCS = "https://docs.dev.runwayml.com/api"
DATA_URI_BYTES, URL_LENGTH, UPLOAD_BYTES = 5 * 2**20, 2048, 200 * 2**20
LIMITS = Limits(most_bytes=UPLOAD_BYTES, most_side=8000, aspect=(0.5, 2.0))
"""Sides up to 8000 px and an aspect of .5 to 2, by the texts of its errors; whether every model keeps to them:
unconfirmed."""

GEN4 = ("1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672")
VEO = ("1280:720", "720:1280", "1080:1920", "1920:1080")
KLING3 = {
    "kling3.0_standard": ("1280:720", "720:1280", "960:960"),
    "kling3.0_pro": ("1920:1080", "1080:1920", "1440:1440"),
    "kling3.0_4k": ("3840:2160", "2160:3840", "2880:2880"),
}
SURCHARGE = {"mp4": 0, "prores": 5, "png_sequence": 5}
"""Credits a second for another output format; the ten-bit formats cost 20."""
TEN_BIT = ("hdr10", "hlg", "sdr_rec709_10bit", "hdr_pq_12bit_master", "hdr_prores", "hdr_png_sequence",
           "hdr_exr_sequence", "hdr_exr_acescg_sequence_1_3", "hdr_exr_acescg_sequence_2_0")  # fmt: skip

CREDITS: Mapping[str, float] = {
    "gen4_turbo": 5,
    "gen4.5": 12,
    "veo3.1": 40,
    "veo3.1_fast": 15,  # unconfirmed
    "kling2.5_turbo_pro": 7,  # unconfirmed, as all of Kling's here
    "kling3.0_standard": 17,
    "kling3.0_pro": 23,
    "kling3.0_4k": 42,
    "kling_4": 30,
}
"""Model -> credits a second; veo3.1 without sound costs 20."""


def still(*positions: str) -> Field:
    """A picture: its address alone, or a list of pictures with their positions."""
    entry = group({"uri": text(least=1).needed, "position": one(*positions).needed})
    return either(several(entry, len(positions), 1), text(least=1)).needed


PROMPT = text(1000, 1, count=utf16)
SEED = whole(0, 2**32 - 1)
MODERATION = group({"publicFigureThreshold": one("auto", "low")})
SHOTS = group(
    {
        "multiPrompt": several(group({"prompt": text(least=1).needed, "duration": whole(1, 15).needed}), least=1),
        "shotType": one("intelligence", "customize"),
    }
)

MODELS: Mapping[str, Table] = {
    "gen4_turbo": {
        "model": one("gen4_turbo").needed,
        "promptImage": still("first"),
        "ratio": one(*GEN4).needed,
        "promptText": PROMPT,
        "duration": whole(2, 10),  # the SDK says only int; the range: unconfirmed
        "seed": SEED,
        "contentModeration": MODERATION,
    },
    "gen4.5": {
        "model": one("gen4.5").needed,
        "promptImage": still("first"),
        "promptText": PROMPT.needed,
        "ratio": one(*GEN4).needed,
        "duration": whole(2, 10).needed,
        "seed": SEED,
        "contentModeration": MODERATION,
        "outputFormat": one(*SURCHARGE, *TEN_BIT),
        "proresProfile": one("422", "4444", "422 Proxy", "422 LT", "422 HQ", "4444 XQ"),
    },
    **{
        model: {
            "model": one(model).needed,
            "promptImage": still("first", "last"),
            "ratio": one(*VEO).needed,
            "promptText": PROMPT,
            "duration": one(4, 6, 8),
            "negativePrompt": text(),
            "seed": SEED,
            "audio": flag(),
        }
        for model in ("veo3.1", "veo3.1_fast")
    },
    "kling2.5_turbo_pro": {
        "model": one("kling2.5_turbo_pro").needed,
        "promptImage": still("first", "last"),
        "promptText": text(2500, 1).needed,  # the length: unconfirmed
        "duration": one(5, 10),
        "cfgScale": number(0, 1),
    },
    **{
        model: {
            "model": one(model).needed,
            "promptImage": still("first", "last"),
            "promptText": text(2500),  # the length: unconfirmed
            "duration": whole(3, 15),
            "ratio": one(*ratios),
            "audio": flag(),
            "cfgScale": number(0, 1),
            "providerSettings": SHOTS,
        }
        for model, ratios in KLING3.items()
    },
    "kling_4": {
        "model": one("kling_4").needed,
        # What an entry of the list holds is not in the SDK: position is a guess after the other models.
        "promptImage": either(several(anything(), 10, 1), text(least=1)).needed,
        "promptText": text(2500),  # the length: unconfirmed
        "duration": whole(3, 15),  # the range: unconfirmed
        "ratio": one("auto_720p", "auto_1080p"),
        "references": several(group({"uri": text(least=1).needed}), 10),
    },
}
"""Model -> its fields, as runwayml 5.24.0 declares them; the SDK's other models are refused as not known here."""

CODES = {"missing": "invalid_type", "unknown": "unrecognized_keys", "type": "invalid_type", "value": "invalid_value",
         "large": "too_big", "small": "too_small", "custom": "custom"}  # fmt: skip


class Runway(Api):
    """``/v1/image_to_video``, ``/v1/tasks``, ``/v1/uploads``, ``/v1/organization``, ``/v1/voices``."""

    name: ClassVar[str] = "runway"
    unit: ClassVar[str] = "credits"
    unknown: ClassVar[Mapping[str, tuple[str, ...]]] = {"create": ("throttled",)}

    def __init__(self, fake: Any) -> None:
        self.uploads: dict[str, Sent | None] = {}
        self.voices: dict[str, dict[str, Any]] = {}
        super().__init__(fake)

    def env(self) -> dict[str, str]:
        """What the SDK reads."""
        return {"RUNWAYML_API_SECRET": KEY, "RUNWAYML_BASE_URL": self.fake.url}

    def paths(self) -> list[Route]:
        """The routes."""
        return [
            route("POST", "/v1/image_to_video", "create", self.create),
            route("GET", "/v1/tasks/{name}", "status", self.status),
            route("DELETE", "/v1/tasks/{name}", "cancel", self.cancel),
            route("POST", "/v1/uploads", "upload", self.begin_upload),
            route("POST", "/ephemeral/{token}", "upload", self.finish_upload),
            route("GET", "/v1/organization", "balance", self.organization),
            route("GET", "/v1/voices", "", self.list_voices),
            route("POST", "/v1/voices", "", self.clone),
            route("GET", "/v1/voices/{name}", "", self.voice),
            route("DELETE", "/v1/voices/{name}", "", self.forget_voice),
        ]

    # ------------------------------------------------------------------------------------------------- manners

    def guard(self, request: Request) -> None:
        """Key and version; neither belongs to the storage that takes uploads."""
        if request.path.startswith("/ephemeral/"):
            if "authorization" in request.headers:
                raise RefusedError(Answer(400, b"Only one auth mechanism allowed", mime="application/xml"))
            return
        given = request.headers.get("authorization", "")
        if given != f"Bearer {KEY}":
            # The words of a 401: unconfirmed.
            raise RefusedError(self.error(401, "You must provide a valid API key."))
        if request.headers.get("x-runway-version") != VERSION:
            told = "The API version that was provided in the X-Runway-Version header is not valid."
            raise RefusedError(self.error(400, told))
        if request.method == "POST" and not request.is_json:
            raise RefusedError(self.error(400, "Content-Type must be application/json"))  # unconfirmed

    def error(self, status: int, message: str, code: str | int | None = None) -> Answer:
        """``{"error", "docUrl"}``, as recorded answers have it."""
        return Answer(status, {"error": message, "docUrl": DOCS})

    def trouble(self, kind: str, step: str) -> Answer:
        """An empty account is a 400 here; the words are recorded ones."""
        if kind == "empty account":
            return self.error(400, "You do not have enough credits to run this task.")
        if kind == "429":
            return self.error(429, "You have exceeded your daily generation limit.")  # the words: unconfirmed
        return super().trouble(kind, step)

    def invalid(self, found: list[Problem]) -> RefusedError:
        """A 400 with every problem, as the validator lists them."""
        issues = [{"code": CODES[each.code], "path": list(each.path), "message": each.message} for each in found]
        return RefusedError(Answer(400, {"error": "Validation of body failed", "issues": issues, "docUrl": DOCS}))

    def body(self, request: Request) -> dict[str, Any]:
        """The body, an object."""
        try:
            body = request.json
        except ValueError:
            raise RefusedError(self.error(400, "The body is not valid JSON.")) from None
        if not isinstance(body, dict):
            raise self.invalid([Problem((), "type", "Invalid input: expected object")])
        return body

    # -------------------------------------------------------------------------------------------------- pictures

    def picture(self, uri: str, path: tuple[str | int, ...]) -> Sent:
        """What stands at an address."""
        try:
            if uri.startswith("runway://"):
                sent = self.uploads.get(uri)
                if sent is None:
                    raise UnfitError("The upload does not exist, has expired, or was never finished.")
                return pictures.picture(sent.data, LIMITS)
            if uri.startswith("data:"):
                if len(uri) > DATA_URI_BYTES:
                    raise UnfitError("Asset size exceeds 5MB")
                mime, data = pictures.data_uri(uri)
                sent = pictures.picture(data, LIMITS)
                if mime.replace("/jpg", "/jpeg") != sent.mime:
                    raise UnfitError(f"The data URI says {mime}, its content is {sent.mime}.")
                return sent
            if not re.match(r"[a-z][a-z0-9+.-]*://", uri, re.IGNORECASE):
                raise UnfitError("Invalid URL")
            if not uri.startswith("https://"):
                raise UnfitError("Only HTTPS URLs are allowed.")
            host = re.match(r"https://([^/:?#]*)", uri)
            if not host or not re.search(r"[a-z]", host[1], re.IGNORECASE) or "." not in host[1]:
                raise UnfitError("URLs must be hosted on a domain.")
            if len(uri) > URL_LENGTH:
                raise UnfitError(f"A URL must not exceed {URL_LENGTH} characters.")
            return pictures.placeholder()
        except UnfitError as error:
            raise self.invalid([Problem(path, "custom", str(error))]) from None

    # ------------------------------------------------------------------------------------------------------ jobs

    def create(self, request: Request, kind: str) -> Answer:
        """``POST /v1/image_to_video``."""
        body = self.body(request)
        model = body.get("model")
        if not isinstance(model, str) or model not in MODELS:
            raise self.invalid([Problem(("model",), "value", f"Invalid option: expected one of {'|'.join(MODELS)}")])
        found = list(problems(body, MODELS[model])) or list(crossed(body))
        if found:
            raise self.invalid(found)
        images = body["promptImage"]
        entries = [{"uri": images, "position": "first"}] if isinstance(images, str) else images
        stills = {
            entry["position"]: self.picture(
                entry["uri"], ("promptImage",) if isinstance(images, str) else ("promptImage", index, "uri")
            )
            for index, entry in enumerate(entries)
        }
        first = stills["first"]
        seconds = body.get("duration", 8 if model.startswith("veo") else 5)
        shots = body.get("providerSettings", {}).get("multiPrompt")
        if shots:
            seconds = sum(shot["duration"] for shot in shots)
        ratio = body.get("ratio", "")
        size = (int(ratio.split(":")[0]), int(ratio.split(":")[1])) if ":" in ratio else like(first, ratio)
        rate = CREDITS[model]
        if model == "veo3.1" and body.get("audio") is False:
            rate = 20
        rate += SURCHARGE.get(body.get("outputFormat", "mp4"), 20)
        job = self.fake.accept(
            str(uuid.uuid4()), body, Order(first, size, seconds, last=stills.get("last")), rate * seconds
        )
        if kind == "moderated":
            self.fake.finish(job, "input moderated")
        return Answer(200, {"id": job.id, "estimatedCost": {"credits": job.price}})

    def status(self, request: Request, kind: str, name: str) -> Answer:
        """``GET /v1/tasks/{id}``."""
        job = self.found(name)
        if kind in ("failed", "moderated", "cancelled"):
            self.fake.finish(job, kind, refund=kind != "cancelled")
        told: dict[str, Any] = {"id": job.id, "createdAt": stamp(job.created)}
        estimate = {"estimatedCost": {"credits": job.price}}
        if (kind == "throttled" and not job.end) or self.waits(job):
            return Answer(200, {**told, "status": "THROTTLED", **estimate})
        share = self.fake.share(job)
        cost = {"cost": {"credits": int(job.charged)}}
        match job.end:
            case "" if share == 0:
                return Answer(200, {**told, "status": "PENDING", **estimate})
            case "":
                return Answer(200, {**told, "status": "RUNNING", "progress": round(share, 3), **estimate})
            case "succeeded":
                return Answer(200, {**told, "status": "SUCCEEDED", "output": [self.fake.link(job)], **cost})
            case "cancelled" | "deleted":
                return Answer(200, {**told, "status": "CANCELLED", **cost})
        code, failure = {
            "failed": ("INTERNAL.BAD_OUTPUT.CODE01", "An unexpected error occurred."),
            "moderated": ("SAFETY.OUTPUT.VIDEO", "The output was flagged by our content moderation system."),
            "input moderated": ("SAFETY.INPUT.IMAGE", "The input was flagged by our content moderation system."),
        }[job.end]
        return Answer(200, {**told, "status": "FAILED", "failure": failure, "failureCode": code, **cost})

    def waits(self, job: Job) -> bool:
        """Whether more jobs run before this one than the tier lets run at once."""
        most = self.fake.options.get("concurrency")
        return most is not None and not job.end and sum(
            other.number < job.number and not other.end for other in list(self.fake.jobs.values())
        ) >= most  # fmt: skip

    def cancel(self, request: Request, kind: str, name: str) -> Answer:
        """``DELETE /v1/tasks/{id}``: cancels what runs, deletes what has ended; credits come back before RUNNING."""
        job = self.found(name)
        self.fake.finish(job, "cancelled", refund=job.polls <= 1)
        if job.end == "succeeded":
            job.end = "deleted"
        return Answer(204)

    def found(self, name: str) -> Job:
        """The job of this name."""
        if name not in self.fake.jobs:
            raise RefusedError(self.error(404, "Task not found."))  # the words: unconfirmed
        return self.fake.jobs[name]

    # --------------------------------------------------------------------------------------------------- uploads

    def begin_upload(self, request: Request, kind: str) -> Answer:
        """``POST /v1/uploads``: where the form goes."""
        table = {"filename": text(255, 1).needed, "type": one("ephemeral").needed, "metadata": anything()}
        body = self.body(request)
        if found := list(problems(body, table)):
            raise self.invalid(found)
        token = uuid.uuid4().hex
        self.uploads[f"runway://{token}"] = None
        fields = {"key": f"ephemeral/{token}/{body['filename']}", "policy": "cG9saWN5", "x-amz-signature": "5a" * 32}
        url = f"{self.fake.url}/ephemeral/{token}"
        return Answer(200, {"uploadUrl": url, "fields": fields, "runwayUri": f"runway://{token}"})

    def finish_upload(self, request: Request, kind: str, token: str) -> Answer:
        """The form: the fields as they were told, then the file."""
        uri = f"runway://{token}"
        if uri not in self.uploads:
            return Answer(404, b"NoSuchUpload", mime="application/xml")
        try:
            parts = request.form()
        except ValueError as error:
            return Answer(400, f"MalformedPOSTRequest: {error}".encode(), mime="application/xml")
        names = [part.name for part in parts]
        if names[-1:] != ["file"] or not {"key", "policy", "x-amz-signature"} <= set(names):
            return Answer(403, b"AccessDenied: the form lacks fields, or the file is not last", mime="application/xml")
        data = parts[-1].data
        if len(data) > UPLOAD_BYTES or len(data) < 512:  # the least: unconfirmed, Runway's documentation
            return Answer(400, b"EntityTooLarge or EntityTooSmall", mime="application/xml")
        self.uploads[uri] = Sent(data, parts[-1].mime)
        return Answer(204)

    # ------------------------------------------------------------------------------------------ account and voices

    def organization(self, request: Request, kind: str) -> Answer:
        """``GET /v1/organization``."""
        left = 0 if kind == "empty account" else int(self.fake.balance - self.fake.spent)
        most = self.fake.options.get("concurrency") or 200
        limits = {"maxConcurrentGenerations": most, "maxDailyGenerations": 10000}
        models = dict.fromkeys(MODELS, limits)
        today = {
            model: {"dailyGenerations": sum(job.body["model"] == model for job in list(self.fake.jobs.values()))}
            for model in MODELS
        }
        tier = {"maxMonthlyCreditSpend": 1_000_000, "models": models}
        return Answer(200, {"creditBalance": left, "tier": tier, "usage": {"models": today}})

    def list_voices(self, request: Request, kind: str) -> Answer:
        """``GET /v1/voices?limit=``."""
        limit = request.query.get("limit", "")
        if not limit.isdecimal() or not 1 <= int(limit) <= 100:  # the most: unconfirmed
            raise self.invalid([Problem(("limit",), "type", "Invalid input: expected number")])
        names = list(self.voices)
        start = names.index(request.query["cursor"]) if request.query.get("cursor") in names else 0
        page, rest = names[start : start + int(limit)], names[start + int(limit) :]
        return Answer(200, {"data": [self.told_voice(each) for each in page], "nextCursor": rest[0] if rest else None})

    def clone(self, request: Request, kind: str) -> Answer:
        """``POST /v1/voices``."""
        sources = either(
            group(
                {
                    "type": one("text").needed,
                    "prompt": text(least=20).needed,
                    "model": one("eleven_ttv_v3", "eleven_multilingual_ttv_v2").needed,
                }
            ),
            group({"type": one("audio").needed, "audio": text(least=1).needed}),
        )
        body = self.body(request)
        table = {"name": text(least=1).needed, "from": sources.needed, "description": text().nullable}
        if found := list(problems(body, table)):
            raise self.invalid(found)
        if body["from"]["type"] == "audio":
            self.sound(body["from"]["audio"])
        name = str(uuid.uuid4())
        self.voices[name] = {
            "id": name,
            "name": body["name"],
            "description": body.get("description"),
            "createdAt": stamp(datetime.now(UTC).timestamp()),
            "asked": 0,
        }
        return Answer(200, {"id": name})

    def sound(self, uri: str) -> Sent:
        """A sound by its address."""
        try:
            if uri.startswith("runway://"):
                sent = self.uploads.get(uri)
                if sent is None:
                    raise UnfitError("The upload does not exist, has expired, or was never finished.")
                return pictures.sound(sent.data, UPLOAD_BYTES)
            return pictures.sound(pictures.data_uri(uri)[1], 16 * 2**20)
        except UnfitError as error:
            raise self.invalid([Problem(("from", "audio"), "custom", str(error))]) from None

    def told_voice(self, name: str) -> dict[str, Any]:
        """A voice, ready after as many questions as a job takes."""
        voice = self.voices[name]
        shown = {key: value for key, value in voice.items() if key != "asked"}
        if voice["asked"] < self.fake.polls:
            return {**shown, "status": "PROCESSING"}
        return {**shown, "status": "READY", "previewUrl": None}

    def voice(self, request: Request, kind: str, name: str) -> Answer:
        """``GET /v1/voices/{id}``."""
        if name not in self.voices:
            raise RefusedError(self.error(404, "Voice not found."))
        told = self.told_voice(name)
        self.voices[name]["asked"] += 1
        return Answer(200, told)

    def forget_voice(self, request: Request, kind: str, name: str) -> Answer:
        """``DELETE /v1/voices/{id}``."""
        if self.voices.pop(name, None) is None:
            raise RefusedError(self.error(404, "Voice not found."))
        return Answer(204)


def crossed(body: Mapping[str, Any]) -> Iterator[Problem]:
    """What speaks against fields together."""
    images = body["promptImage"]
    if isinstance(images, list):
        for index, entry in enumerate(images):
            if not isinstance(entry, dict) or not isinstance(entry.get("uri"), str):
                yield Problem(("promptImage", index), "type", "Invalid input: expected an object with a uri")
                return
        positions = [entry.get("position") for entry in images]
        if positions.count("first") != 1:
            yield Problem(("promptImage",), "custom", "exactly one image with the position first is required")
        if positions.count("last") > 1:
            yield Problem(("promptImage",), "custom", "only one image may have the position last")
    if "proresProfile" in body and body.get("outputFormat") not in ("prores", "hdr_prores"):
        yield Problem(("proresProfile",), "custom", "only valid when outputFormat is prores or hdr_prores")
    settings = body.get("providerSettings", {})
    if "multiPrompt" in settings:
        total = sum(shot["duration"] for shot in settings["multiPrompt"])
        if not 3 <= total <= 15:
            yield Problem(("providerSettings", "multiPrompt"), "custom", "the total must be 3 to 15 seconds")
    if settings.get("shotType") == "intelligence" and not body.get("promptText"):
        yield Problem(("promptText",), "missing", "required when shotType is intelligence")


def like(sent: Sent, ratio: str) -> tuple[int, int]:
    """The picture's own shape, 720 or 1080 px on its shorter side."""
    scale = (720 if ratio != "auto_1080p" else 1080) / min(sent.size)
    return round(sent.size[0] * scale), round(sent.size[1] * scale)


def stamp(seconds: float) -> str:
    """ISO 8601, as JavaScript writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
