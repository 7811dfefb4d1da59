"""Luma Agents, after its own SDK (luma-agents 0.5.0). What is marked unconfirmed is a guess."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from stillwake.testing import pictures
from stillwake.testing.clips import Order
from stillwake.testing.fields import (
    Problem,
    Table,
    anything,
    exactly_one,
    flag,
    group,
    one,
    problems,
    several,
    text,
    whole,
)
from stillwake.testing.pictures import Limits, Sent, UnfitError
from stillwake.testing.runway import stamp
from stillwake.testing.server import Answer, Api, Job, RefusedError, Request, Route, route

KEY = "luma-api-5a5a5a5a-5a5a"
ASPECTS = ("3:1", "2:1", "21:9", "16:9", "4:3", "3:2", "1:1", "3:4", "2:3", "9:16", "1:2", "1:3")
VIDEO_ASPECTS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")
"""Which of them a video may have: unconfirmed, Luma's own ComfyUI nodes offer these."""
TALL: Mapping[str, int] = {"360p": 360, "540p": 540, "720p": 720, "1080p": 1080}
DOLLARS: Mapping[str, float] = {"360p": 0.04, "540p": 0.06, "720p": 0.1, "1080p": 0.2}
"""Dollars a second: unconfirmed."""
LIMITS = Limits(most_bytes=20 * 2**20)
"""The size of a picture: unconfirmed."""
INLINE_BYTES = 20 * 2**20
"""What a form may hold: that there is a limit stands in the SDK, its size: unconfirmed."""
FPS = 24
FROM = ("url", "data", "generation_id", "file_id")

REFERENCE: Table = {
    "url": text(least=1).nullable,
    "data": text(least=1).nullable,
    "media_type": text(least=1).nullable,
    "generation_id": text(least=1).nullable,
    "file_id": text(least=1).nullable,
}
VIDEO: Table = {
    "resolution": one(*TALL).nullable,
    "duration": one("5s", "10s").nullable,
    "start_frame": group(REFERENCE).nullable,
    "end_frame": group(REFERENCE).nullable,
    "keyframes": several(group(REFERENCE), 64, 1).nullable,
    "keyframe_indexes": several(whole(0), 64, 1).nullable,
    "loop": flag().nullable,
    "hdr": flag().nullable,
    "exr_export": flag().nullable,
    "edit": anything().nullable,
    "source_position": anything().nullable,
}
BODY: Table = {
    "prompt": text(least=1).needed,
    "model": one("uni-1", "uni-1-max", "ray-3.2"),
    "type": one("image", "image_edit", "video", "video_edit", "video_reframe", "layering"),
    "aspect_ratio": one(*ASPECTS).nullable,
    "video": group(VIDEO).nullable,
    "image_ref": several(group(REFERENCE), 9),
    "source": group(REFERENCE).nullable,
    "layering": anything().nullable,
    "output_format": one("png", "jpeg").nullable,
    "style": one("auto", "manga"),
    "user_id": text().nullable,
    "web_search": flag(),
}
FILE: Table = {
    "mime_type": text(least=1).needed,
    "size_bytes": whole(1, 5 * 2**30).needed,
    "expires_at": text().nullable,
    "filename": text().nullable,
    "purpose": one("input", "reference"),
    "user_id": text().nullable,
}


class Luma(Api):
    """``/v1/generations`` and ``/v1/files``."""

    name: ClassVar[str] = "luma"
    unit: ClassVar[str] = "USD"
    funds: ClassVar[float] = 1000.0
    unknown: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "create": ("throttled",),
        "status": ("throttled", "cancelled"),
        "cancel": ("*",),
        "balance": ("*",),
    }

    def __init__(self, fake: Any) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.held: dict[str, bytes] = {}
        super().__init__(fake)

    def env(self) -> dict[str, str]:
        """What the SDK reads."""
        return {"LUMA_AGENTS_API_KEY": KEY, "LUMA_BASE_URL": f"{self.fake.url}/v1"}

    def paths(self) -> list[Route]:
        """The routes."""
        return [
            route("POST", "/v1/generations", "create", self.create),
            route("GET", "/v1/generations/{name}", "status", self.status),
            route("POST", "/v1/files", "upload", self.new_file),
            route("GET", "/v1/files", "", self.list_files),
            route("PUT", "/put/{name}", "upload", self.put),
            route("POST", "/v1/files/{name}/complete", "upload", self.complete),
            route("GET", "/v1/files/{name}", "", self.file),
            route("DELETE", "/v1/files/{name}", "", self.delete_file),
        ]

    # ------------------------------------------------------------------------------------------------- manners

    def guard(self, request: Request) -> None:
        """The key; not for the storage behind a presigned upload."""
        if request.path.startswith("/put/"):
            if "authorization" in request.headers:
                raise RefusedError(Answer(400, b"Only one auth mechanism allowed", mime="application/xml"))
            return
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise RefusedError(self.error(401, "Invalid API key"))

    def error(self, status: int, message: str, code: str | int | None = None) -> Answer:
        """``{"detail"}``: unconfirmed, as every status here but 401, 404 and 429."""
        return Answer(status, {"detail": message})

    def invalid(self, found: list[Problem]) -> RefusedError:
        """A 422 with every problem (the list's shape: unconfirmed)."""
        detail = [{"loc": ["body", *each.path], "msg": each.message, "type": each.code} for each in found]
        return RefusedError(Answer(422, {"detail": detail}))

    def body(self, request: Request, table: Table) -> dict[str, Any]:
        """A JSON body that its table takes."""
        if not request.is_json:
            raise RefusedError(self.error(415, "Content-Type must be application/json"))
        try:
            body = request.json
        except ValueError:
            raise RefusedError(self.error(400, "The body is not valid JSON")) from None
        if found := list(problems(body, table)):
            raise self.invalid(found)
        assert isinstance(body, dict)
        return body

    def picture(self, reference: Mapping[str, Any], path: tuple[str | int, ...]) -> Sent | Job:
        """What a reference means; a job, where it is an earlier one."""
        if found := list(exactly_one(reference, FROM, path)):
            raise self.invalid(found)
        try:
            if reference.get("generation_id"):
                job = self.fake.jobs.get(reference["generation_id"])
                if job is None or job.end != "succeeded":
                    raise UnfitError("no such generation, or it is not completed")
                return job
            if reference.get("file_id"):
                file = self.files.get(reference["file_id"])
                if file is None or file["state"] != "ready":
                    raise UnfitError("no such file, or it is not ready")
                return pictures.picture(self.held[file["id"]], LIMITS)
            if reference.get("url"):
                if not re.match(r"https://[^/]+\.[a-z]", reference["url"], re.IGNORECASE):
                    raise UnfitError("url must be a publicly accessible https address")
                return pictures.placeholder()
            if not reference.get("media_type"):
                raise UnfitError("media_type is required with data")
            sent = pictures.picture(pictures.raw_base64(reference["data"]), LIMITS)
            if sent.mime != reference["media_type"]:
                raise UnfitError(f"media_type says {reference['media_type']}, the content is {sent.mime}")
            return sent
        except UnfitError as error:
            raise self.invalid([Problem(path, "custom", str(error))]) from None

    # ------------------------------------------------------------------------------------------------------ jobs

    def create(self, request: Request, kind: str) -> Answer:
        """``POST /generations``."""
        body = self.body(request, BODY)
        video = body.get("video") or {}
        if found := list(crossed(body, video)):
            raise self.invalid(found)
        frames = {}
        for name in ("start_frame", "end_frame"):
            if video.get(name):
                frames[name] = self.picture(video[name], ("video", name))
        keys = [
            self.picture(each, ("video", "keyframes", index))
            for index, each in enumerate(video.get("keyframes") or [])
        ]
        if keys:
            placed = sorted(zip(video["keyframe_indexes"], keys, strict=True), key=lambda pair: pair[0])
            frames["start_frame"] = placed[0][1]
            if len(placed) > 1:
                frames["end_frame"] = placed[-1][1]
        stills = {name: each.order.still if isinstance(each, Job) else each for name, each in frames.items()}
        seconds = int((video.get("duration") or "5s").removesuffix("s"))
        resolution = video.get("resolution") or "720p"  # what it is when it is not said: unconfirmed
        still = stills.get("start_frame") or stills.get("end_frame") or pictures.placeholder()
        order = Order(
            still,
            framed(body.get("aspect_ratio") or "16:9", TALL[resolution]),
            seconds,
            last=stills.get("end_frame") if "start_frame" in stills else None,
            loop=bool(video.get("loop")),
        )
        job = self.fake.accept(str(uuid.uuid4()), body, order, DOLLARS[resolution] * seconds)
        if kind == "moderated":
            self.fake.finish(job, "input moderated", refund=True)
        return Answer(201, self.shown(job, 0.0))  # 200 or 201: unconfirmed

    def status(self, request: Request, kind: str, name: str) -> Answer:
        """``GET /generations/{id}``."""
        job = self.fake.jobs.get(name)
        if job is None:
            raise RefusedError(self.error(404, "Generation not found"))
        if kind in ("failed", "moderated"):
            self.fake.finish(job, kind, refund=True)  # unconfirmed for Agents
        return Answer(200, self.shown(job, self.fake.share(job)))

    def shown(self, job: Job, share: float) -> dict[str, Any]:
        """A generation as Luma tells of it."""
        state = {"": "queued" if share == 0 else "processing", "succeeded": "completed"}.get(job.end, "failed")
        failure = {
            "failed": ("generation_failed", "The generation failed"),
            "moderated": ("content_moderated", "The output was moderated"),
            "input moderated": ("content_moderated", "The input was moderated"),
        }.get(job.end, (None, None))
        done = job.end == "succeeded"
        return {
            "id": job.id,
            "type": "video",
            "model": "ray-3.2",
            "state": state if share or job.end != "input moderated" else "queued",
            "created_at": stamp(job.created),
            "failure_code": failure[0],
            "failure_reason": failure[1],
            "output": [{"type": "video", "url": self.fake.link(job)}] if done else [],
        }

    # ----------------------------------------------------------------------------------------------------- files

    def new_file(self, request: Request, kind: str) -> Answer:
        """``POST /files``: the bytes in a form, or a place to put them."""
        if request.is_json:
            body = self.body(request, FILE)
            told = self.kept(body)
            until = stamp(told["_until"])
            upload = {
                "method": "PUT",
                "url": f"{self.fake.url}/put/{told['id']}?X-Amz-Signature={'5a' * 16}",
                "headers": {"Content-Type": body["mime_type"]},
                "expires_at": until,
            }
            return Answer(201, {"id": told["id"], "state": "pending", "file": public(told), "upload": upload})
        try:
            parts = {part.name: part for part in request.form()}
        except ValueError as error:
            raise RefusedError(self.error(400, str(error))) from None
        file = parts.pop("file", None)
        fields: dict[str, Any] = {name: part.text for name, part in parts.items()}
        if file is None:
            raise self.invalid([Problem(("file",), "missing", "Field required")])
        if str(fields.get("size_bytes", "")).isdecimal():
            fields["size_bytes"] = int(fields["size_bytes"])
        fields.setdefault("mime_type", file.mime)
        fields.setdefault("size_bytes", len(file.data))
        fields.setdefault("filename", file.filename)
        if found := list(problems(fields, FILE)):
            raise self.invalid(found)
        if len(file.data) > INLINE_BYTES:
            raise RefusedError(self.error(413, "Use the presigned flow for files of this size"))
        if fields["size_bytes"] != len(file.data):
            raise self.invalid([Problem(("size_bytes",), "custom", "differs from the size of the file")])
        told = self.kept(fields)
        self.held[told["id"]] = file.data
        self.ingest(told)
        return Answer(201, {"id": told["id"], "state": "pending", "file": public(told), "upload": None})

    def kept(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A new file's record."""
        name = str(uuid.uuid4())
        told = {
            "id": name,
            "created_at": stamp(time.time()),
            "mime_type": fields["mime_type"],
            "purpose": fields.get("purpose") or "input",
            "size_bytes": fields["size_bytes"],
            "state": "pending",
            "filename": fields.get("filename"),
            "user_id": fields.get("user_id"),
            "expires_at": fields.get("expires_at"),
            "deleted_at": None,
            "failure_reason": None,
            "_until": time.time() + 3600,
            "_ingested": "",
        }
        self.files[name] = told
        return told

    def ingest(self, told: dict[str, Any]) -> None:
        """Look at what came; a file that is no picture fails."""
        try:
            sent = pictures.picture(self.held[told["id"]], LIMITS)
            if sent.mime != told["mime_type"]:
                raise UnfitError(f"mime_type says {told['mime_type']}, the content is {sent.mime}")
            told["_ingested"] = "ready"
        except UnfitError as error:
            told["_ingested"], told["failure_reason"] = "failed", str(error)

    def put(self, request: Request, kind: str, name: str) -> Answer:
        """The bytes, as a presigned address takes them."""
        told = self.files.get(name)
        if told is None:
            return Answer(403, b"SignatureDoesNotMatch", mime="application/xml")
        if request.headers.get("content-type") != told["mime_type"] or len(request.body) != told["size_bytes"]:
            return Answer(403, b"SignatureDoesNotMatch: other headers were signed", mime="application/xml")
        self.held[name] = request.body
        return Answer(200, b"")

    def complete(self, request: Request, kind: str, name: str) -> Answer:
        """``POST /files/{id}/complete``."""
        told = self.existing(name)
        if name not in self.held:
            raise RefusedError(self.error(409, "No bytes have been received"))
        self.ingest(told)
        return Answer(200, {**public(told), "failure_reason": None})

    def existing(self, name: str) -> dict[str, Any]:
        """The record of a file."""
        if name not in self.files:
            raise RefusedError(self.error(404, "File not found"))
        return self.files[name]

    def file(self, request: Request, kind: str, name: str) -> Answer:
        """``GET /files/{id}``: pending once more, then what it is."""
        told = self.existing(name)
        if name in self.held and told["state"] == "pending" and told["_ingested"]:
            shown = public(told)
            told["state"] = told["_ingested"]
            return Answer(200, {**shown, "failure_reason": None})
        return Answer(200, public(told))

    def list_files(self, request: Request, kind: str) -> Answer:
        """``GET /files``."""
        newest = list(reversed(self.files.values()))
        asked, cursor = request.query.get("limit", "25"), request.query.get("cursor", "0")
        if not (asked.isdecimal() and 1 <= int(asked) <= 100 and cursor.isdecimal()):
            raise self.invalid([Problem(("limit",), "value", "limit must be 1 to 100")])
        limit, start = int(asked), int(cursor)
        more = len(newest) > start + limit
        page = [public(each) for each in newest[start : start + limit]]
        return Answer(200, {"data": page, "has_more": more, "next_cursor": str(start + limit) if more else None})

    def delete_file(self, request: Request, kind: str, name: str) -> Answer:
        """``DELETE /files/{id}``."""
        self.existing(name)["state"] = "deleted"
        return Answer(204)


def public(told: Mapping[str, Any]) -> dict[str, Any]:
    """A file's record without what only we know."""
    return {name: value for name, value in told.items() if not name.startswith("_")}


def framed(aspect: str, short: int) -> tuple[int, int]:
    """(width, height) px with this shorter side."""
    wide, tall = map(int, aspect.split(":"))
    scale = short / min(wide, tall)
    return round(wide * scale), round(tall * scale)


def crossed(body: Mapping[str, Any], video: Mapping[str, Any]) -> Iterator[Problem]:
    """What speaks against fields together; only ``type: video`` of ``ray-3.2`` is made here."""
    if body.get("model") != "ray-3.2" or body.get("type") != "video":
        yield Problem(("type",), "custom", "this fake makes only type video of model ray-3.2")
        return
    for name in ("layering", "output_format", "style", "source", "image_ref", "web_search"):
        if body.get(name) is not None:
            yield Problem((name,), "custom", "not valid for type video")
    for name in ("edit", "source_position"):
        if video.get(name) is not None:
            yield Problem(("video", name), "custom", "not valid for type video")
    if body.get("aspect_ratio") and body["aspect_ratio"] not in VIDEO_ASPECTS:
        yield Problem(("aspect_ratio",), "value", f"a video takes one of {', '.join(VIDEO_ASPECTS)}")
    long, keys = video.get("duration") == "10s", video.get("keyframes")
    if keys is not None:
        for name in ("start_frame", "end_frame", "loop"):
            if video.get(name):
                yield Problem(("video", name), "custom", "mutually exclusive with keyframes")
        indexes = video.get("keyframe_indexes")
        if indexes is None or len(indexes) != len(keys):
            yield Problem(("video", "keyframe_indexes"), "custom", "must match keyframes in length")
        elif len(set(indexes)) != len(indexes):
            yield Problem(("video", "keyframe_indexes"), "custom", "must be unique")
        elif max(indexes) > FPS * (10 if long else 5):
            yield Problem(("video", "keyframe_indexes"), "custom", f"must lie within 0..{FPS * (10 if long else 5)}")
    elif video.get("keyframe_indexes") is not None:
        yield Problem(("video", "keyframe_indexes"), "custom", "needs keyframes")
    if video.get("loop") and (long or video.get("hdr")):
        yield Problem(("video", "loop"), "custom", "not supported with duration=10s or hdr=true")
    if long and (video.get("start_frame") or video.get("end_frame")):
        # The SDK says that keyframes, unlike start_frame and end_frame, support 10s and HDR.
        yield Problem(("video", "duration"), "custom", "10s needs keyframes in place of start_frame and end_frame")
    if video.get("hdr") and (video.get("start_frame") or video.get("end_frame")):
        yield Problem(("video", "hdr"), "custom", "hdr needs keyframes in place of start_frame and end_frame")
    if video.get("hdr") and video.get("resolution") == "360p":
        yield Problem(("video", "hdr"), "custom", "360p is SDR-only")
    if video.get("exr_export") and not video.get("hdr"):
        yield Problem(("video", "exr_export"), "custom", "requires hdr=true")
