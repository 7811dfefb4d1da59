"""A vLLM-Omni server's ``/v1/videos``, after its documentation and its source (protocol/videos.py)."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, ClassVar

from stillwake.testing import pictures
from stillwake.testing.clips import Order
from stillwake.testing.fields import Problem, Table, anything, flag, number, problems, text, whole
from stillwake.testing.pictures import Limits, UnfitError
from stillwake.testing.server import Answer, Api, Job, RefusedError, Request, Route, ranged, route

MODEL = "Wan-AI/Wan2.2-I2V-A14B-Diffusers"
LIMITS = Limits(most_bytes=100 * 2**20)
DEFAULT_FPS, DEFAULT_SIZE = 24, (832, 480)
"""The rate stands in the source; the size is the model's own."""

FIELDS: Table = {
    "prompt": text(least=1).needed,
    "model": text(),
    "seconds": text(),
    "size": text(),
    "user": text(),
    "image_reference": text(),
    "video_reference": text(),
    "audio_reference": text(),
    "width": whole(1),
    "height": whole(1),
    "num_frames": whole(1),
    "fps": whole(1),
    "negative_prompt": text(),
    "num_inference_steps": whole(1, 200),
    "guidance_scale": number(0, 20),
    "guidance_scale_2": number(0, 20),
    "boundary_ratio": number(0, 1),
    "flow_shift": number(),
    "true_cfg_scale": number(0, 20),
    "seed": whole(),
    "generate_sound": flag(),
    "sound_duration": number(0),
    "enable_frame_interpolation": flag(),
    "frame_interpolation_exp": whole(1),
    "frame_interpolation_scale": number(0),
    "frame_interpolation_model_path": text(),
    "lora": anything(),
    "extra_params": anything(),
}
"""The form's fields beside ``input_reference``; a real server ignores unknown ones, this one refuses them."""

WHOLE = ("width", "height", "num_frames", "fps", "num_inference_steps", "seed", "frame_interpolation_exp")
DECIMAL = ("guidance_scale", "guidance_scale_2", "boundary_ratio", "flow_shift", "true_cfg_scale", "sound_duration",
           "frame_interpolation_scale")  # fmt: skip
FLAGS = ("generate_sound", "enable_frame_interpolation")
OBJECTS = ("lora", "extra_params")


def _boolean(written: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[written.lower()]


def _object(written: str) -> dict[str, Any]:
    value = json.loads(written)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


PARSERS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(WHOLE, int),
    **dict.fromkeys(DECIMAL, float),
    **dict.fromkeys(FLAGS, _boolean),
    **dict.fromkeys(OBJECTS, _object),
}


class Vllm(Api):
    """``/v1/videos`` of a server of one's own: no key, no bill."""

    name: ClassVar[str] = "vllm"
    unknown: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "upload": ("*",),
        "create": ("throttled", "moderated", "empty account", "wrong key"),
        "status": ("throttled", "moderated", "cancelled", "wrong key"),
        "fetch": ("expired link",),
        "cancel": ("wrong key",),
        "balance": ("*",),
    }

    def env(self) -> dict[str, str]:
        """The variable that stillwake reads."""
        return {"VLLM_BASE_URL": self.fake.url}

    def paths(self) -> list[Route]:
        """The routes."""
        return [
            route("POST", "/v1/videos", "create", self.create),
            route("GET", "/v1/videos", "status", self.listed),
            route("GET", "/v1/videos/{name}", "status", self.status),
            route("GET", "/v1/videos/{name}/content", "fetch", self.content),
            route("DELETE", "/v1/videos/{name}", "cancel", self.delete),
            route("GET", "/v1/models", "", self.models),
            route("GET", "/health", "", self.health),
        ]

    def guard(self, request: Request) -> None:
        """Nobody is asked for a key."""

    def error(self, status: int, message: str, code: str | int | None = None) -> Answer:
        """``{"detail"}``, as FastAPI words it."""
        return Answer(status, {"detail": message})

    def invalid(self, found: list[Problem]) -> RefusedError:
        """A 422 with every problem, as FastAPI lists them."""
        detail = [{"type": each.code, "loc": ["body", *each.path], "msg": each.message} for each in found]
        return RefusedError(Answer(422, {"detail": detail}))

    def create(self, request: Request, kind: str) -> Answer:
        """``POST /v1/videos``."""
        try:
            parts = request.form()
        except ValueError as error:
            raise self.invalid([Problem((), "type", str(error))]) from None
        body: dict[str, Any] = {}
        for part in parts:
            if part.name in body:
                raise self.invalid([Problem((part.name,), "custom", "given twice")])
            if part.name == "input_reference":
                if part.filename is None:
                    raise self.invalid([Problem((part.name,), "type", "Expected UploadFile, received: <class 'str'>")])
                body[part.name] = part.data
                continue
            try:
                body[part.name] = PARSERS.get(part.name, str)(part.text)
            except (ValueError, KeyError):
                raise self.invalid([Problem((part.name,), "type", f"cannot read {part.text[:40]!r}")]) from None
        picture = body.pop("input_reference", None)
        found = list(problems(body, FIELDS))
        for name, pattern in (("seconds", lambda w: w.isdecimal() and int(w) > 0), ("size", _is_size)):
            if name in body and not found and not pattern(body[name]):
                found.append(Problem((name,), "value", "String should match its pattern"))
        if found:
            raise self.invalid(found)
        if "video_reference" in body or "audio_reference" in body:
            raise RefusedError(self.error(400, "this fake makes clips of a picture only"))
        if picture is None and "image_reference" not in body:
            raise RefusedError(self.error(400, "the model needs input_reference"))
        if picture is not None and "image_reference" in body:
            raise RefusedError(self.error(400, "input_reference and image_reference cannot be combined"))
        try:
            still = (
                pictures.picture(picture, LIMITS) if picture is not None else self.referred(body["image_reference"])
            )
        except UnfitError as error:
            raise RefusedError(self.error(400, f"Invalid input_reference: {error}")) from None
        size = (body.get("width") or DEFAULT_SIZE[0], body.get("height") or DEFAULT_SIZE[1])
        if "size" in body:
            wide, _, tall = body["size"].partition("x")
            size = (int(wide), int(tall))
        fps = body.get("fps") or DEFAULT_FPS
        frames = body.get("num_frames") or int(body.get("seconds", "4")) * fps
        order = Order(still, size, frames / fps, Fraction(fps))
        return Answer(200, self.shown(self.fake.accept(f"video_gen_{uuid.uuid4().hex}", body, order, 0.0), 0.0))

    def referred(self, written: str) -> Any:
        """The picture of ``image_reference``: JSON with ``image_url``, a data URI or an address."""
        try:
            reference = _object(written)
        except ValueError:
            raise UnfitError("image_reference is no JSON object") from None
        if set(reference) != {"image_url"} or not isinstance(reference["image_url"], str):
            raise UnfitError("image_reference needs image_url and nothing else")
        if reference["image_url"].startswith("data:"):
            return pictures.picture(pictures.data_uri(reference["image_url"])[1], LIMITS)
        return pictures.placeholder()

    def found(self, name: str) -> Job:
        """The job of this name."""
        job = self.fake.jobs.get(name)
        if job is None or job.end == "deleted":
            raise RefusedError(self.error(404, "Video not found"))
        return job

    def status(self, request: Request, kind: str, name: str) -> Answer:
        """``GET /v1/videos/{id}``."""
        job = self.found(name)
        if kind == "failed":
            self.fake.finish(job, "failed")
        return Answer(200, self.shown(job, self.fake.share(job)))

    def shown(self, job: Job, share: float) -> dict[str, Any]:
        """A job as the server tells of it."""
        running = "queued" if share == 0 else "in_progress"
        done = job.end == "succeeded"
        return {
            "id": job.id,
            "object": "video",
            "model": job.body.get("model", MODEL),
            "prompt": job.body["prompt"],
            "status": {"": running, "succeeded": "completed"}.get(job.end, "failed"),
            "size": f"{job.order.size[0]}x{job.order.size[1]}",
            "progress": 100 if done else round(100 * share) if not job.end else 0,
            "seconds": str(max(1, round(job.order.seconds))),
            "quality": "default",
            "created_at": int(job.created),
            "completed_at": int(time.time()) if done else None,
            "remixed_from_video_id": None,
            "error": {"code": "video_generation_failed", "message": "CUDA out of memory"}
            if job.end == "failed"
            else None,
            "media_type": "video/mp4",
            "expires_at": None,
            "file_name": f"{job.id}.mp4" if done else None,
            "inference_time_s": 1.5 if done else None,
            "stage_durations": {},
            "peak_memory_mb": 0.0,
        }

    def listed(self, request: Request, kind: str) -> Answer:
        """``GET /v1/videos``."""
        jobs = [self.shown(job, 1.0 if job.end else 0.5) for job in self.fake.jobs.values() if job.end != "deleted"]
        ends = {"first_id": jobs[0]["id"] if jobs else None, "last_id": jobs[-1]["id"] if jobs else None}
        return Answer(200, {"object": "list", "data": jobs, "has_more": False, **ends})

    def content(self, request: Request, kind: str, name: str) -> Answer:
        """``GET /v1/videos/{id}/content``; what comes before it is done: unconfirmed."""
        job = self.found(name)
        if job.end != "succeeded":
            raise RefusedError(self.error(404, "The video is not ready"))
        return ranged(request, self.fake.studio.clip(job.order))

    def delete(self, request: Request, kind: str, name: str) -> Answer:
        """``DELETE /v1/videos/{id}``: stops it and forgets it."""
        job = self.found(name)
        job.end = "deleted"
        return Answer(200, {"id": job.id, "deleted": True, "object": "video.deleted"})

    def models(self, request: Request, kind: str) -> Answer:
        """``GET /v1/models``."""
        return Answer(200, {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "vllm"}]})

    def health(self, request: Request, kind: str) -> Answer:
        """``GET /health``."""
        return Answer(200, b"")


def _is_size(written: str) -> bool:
    wide, cross, tall = written.partition("x")
    return bool(cross) and wide.isdecimal() and tall.isdecimal()
