"""Kling's own API: image to video, the account's costs.

After Kling's documentation as others have kept it (its pages "Image to Video", "Capability Map", "Error Code",
"Account Information Inquiry", Kling 3.0). What is marked unconfirmed stands nowhere there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, ClassVar

from stillwake.testing import pictures
from stillwake.testing.clips import Order
from stillwake.testing.fields import (
    Problem,
    Table,
    at_most_one,
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
from stillwake.testing.server import Answer, Api, Job, RefusedError, Request, Route, route

API_KEY, ACCESS_KEY, SECRET_KEY = "api-key-kling-5a5a5a5a", "AK5a5a5a5a", "SK5a5a5a5a5a5a5a5a"
LIMITS = Limits(mimes=("image/jpeg", "image/png"), least_side=300, aspect=(1 / 2.5, 2.5))
TAIL_LIMITS = Limits(mimes=("image/jpeg", "image/png"), least_side=300)
MASK_LIMITS = Limits(mimes=("image/jpeg", "image/png"))
AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
SHORT, LONG = ("5", "10"), tuple(str(seconds) for seconds in range(3, 16))

_ANY = ("std 5", "std 10", "pro 5", "pro 10")
_PRO = ("pro 5", "pro 10")

CAN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "kling-v1": {"tail": ("std 5", "pro 5"), "brush": ("std 5", "pro 5")},
    "kling-v1-5": {"tail": _PRO, "tail alone": _PRO, "brush": ("pro 5",), "camera": ("pro 5",)},
    "kling-v1-6": {"tail": _PRO, "tail alone": _PRO},
    "kling-v2-master": {},
    "kling-v2-1": {"tail": _PRO},
    "kling-v2-1-master": {},
    "kling-v2-5-turbo": {"tail": _PRO},
    "kling-v2-6": {"tail": _PRO, "sound": _PRO, "voices": _PRO},
    "kling-v3": {"tail": ("*",), "sound": ("*",), "shots": ("*",), "elements": ("*",)},
}
"""The capability map: model -> what it can beside a clip from a still -> at which "mode seconds"; * is any.

Sound of kling-v3 in std: unconfirmed."""

TALL: Mapping[str, tuple[int, int]] = {
    "kling-v1": (720, 720),
    "kling-v1-5": (720, 1080),
    "kling-v1-6": (720, 1080),
    "kling-v2-master": (720, 720),
    "kling-v2-1": (720, 1080),
    "kling-v2-1-master": (1080, 1080),
    "kling-v2-5-turbo": (720, 1080),
    "kling-v2-6": (720, 1080),
    "kling-v3": (720, 1080),
}
"""Model -> px of the shorter side in std and in pro; v2-5's std, v2-6 and v3: unconfirmed."""

THIRTY_FPS = ("kling-v1", "kling-v1-5", "kling-v1-6")
"""Models of 30 frames a second; the others have 24."""

UNITS: Mapping[str, tuple[float, float]] = {
    "kling-v1": (1.0, 3.5),
    "kling-v1-5": (2.0, 3.5),
    "kling-v1-6": (2.0, 3.5),
    "kling-v2-master": (10.0, 10.0),
    "kling-v2-1": (2.0, 3.5),
    "kling-v2-1-master": (10.0, 10.0),
    "kling-v2-5-turbo": (1.5, 2.5),
    "kling-v2-6": (1.5, 2.5),
    "kling-v3": (3.0, 4.0),
}
"""Model -> units for five seconds in std and in pro; all unconfirmed."""

IMAGE = text(least=1)
POINT = group({"x": whole().needed, "y": whole().needed})
BODY: Table = {
    "model_name": one(*CAN),
    "image": text(),
    "image_tail": text(),
    "multi_shot": flag(),
    "shot_type": one("customize", "intelligence"),
    "prompt": text(2500),
    "multi_prompt": several(
        group({"index": whole(1).needed, "prompt": text(512).needed, "duration": one(*map(str, range(1, 16))).needed}),
        6,
        1,
    ),
    "negative_prompt": text(2500),
    "element_list": several(group({"element_id": whole().needed}), 3),
    "voice_list": several(group({"voice_id": text(least=1).needed}), 2),
    "sound": one("on", "off"),
    "cfg_scale": number(0, 1),
    "mode": one("std", "pro"),
    "static_mask": text(),
    "dynamic_masks": several(
        group({"mask": IMAGE.needed, "trajectories": several(POINT, 77, 2).needed}),
        6,
        1,
    ),
    "camera_control": group(
        {
            "type": one("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward").needed,
            "config": group({axis: number(-10, 10) for axis in AXES}).nullable,
        }
    ),
    "duration": one(*LONG),
    "watermark_info": group({"enabled": flag().needed}),
    "callback_url": text(),
    "external_task_id": text(),
}  # fmt: skip
"""The fields of ``POST /v1/videos/image2video``; aspect_ratio, which text2video has, is not among them."""

CODES: Mapping[int, tuple[int, str]] = {
    1000: (401, "Authentication failed"),
    1001: (401, "Authorization is empty"),
    1002: (401, "Authorization is invalid"),
    1003: (401, "Authorization is not yet valid"),
    1004: (401, "Authorization has expired"),
    1102: (429, "Account balance not enough"),
    1200: (400, "Invalid request parameters"),
    1201: (400, "Invalid parameters"),
    1202: (404, "The requested method is invalid"),
    1203: (404, "The requested resource does not exist"),
    1301: (400, "Trigger the content security policy of the platform"),
    1302: (429, "The API request is too fast, exceeding the platform's rate limit"),
    1303: (429, "parallel task over resource pack limit"),
    5000: (500, "Server internal error"),
    5001: (503, "Server temporarily unavailable"),
    5002: (504, "Server internal timeout"),
}
"""Code -> HTTP status and words. An empty resource pack is a 429: waiting does not help."""


class Kling(Api):
    """``/v1/videos/image2video`` and ``/account/costs``."""

    name: ClassVar[str] = "kling"
    unit: ClassVar[str] = "units"
    unknown: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "upload": ("*",),
        "cancel": ("*",),
        "status": ("throttled", "cancelled"),
    }

    def __init__(self, fake: Any) -> None:
        self.names: dict[str, str] = {}
        self.creating = threading.Lock()
        super().__init__(fake)

    def env(self) -> dict[str, str]:
        """A plain API key, or the two keys that a JWT is made of."""
        base = {"KLING_BASE_URL": self.fake.url}
        if self.fake.options.get("jwt"):
            return {"KLING_ACCESS_KEY": ACCESS_KEY, "KLING_SECRET_KEY": SECRET_KEY, **base}
        return {"KLING_API_KEY": API_KEY, **base}

    def paths(self) -> list[Route]:
        """The routes."""
        return [
            route("POST", "/v1/videos/image2video", "create", self.create),
            route("GET", "/v1/videos/image2video", "status", self.listed),
            route("GET", "/v1/videos/image2video/{name}", "status", self.status),
            route("GET", "/account/costs", "balance", self.costs),
        ]

    # ------------------------------------------------------------------------------------------------- manners

    def guard(self, request: Request) -> None:
        """The key, plain or as a JWT."""
        given = request.headers.get("authorization", "")
        if not given:
            raise RefusedError(self.coded(1001))
        if not given.startswith("Bearer "):
            raise RefusedError(self.coded(1002))
        token = given.removeprefix("Bearer ")
        if token != API_KEY and (code := self.jwt_fault(token)):
            raise RefusedError(self.coded(code))
        if request.method == "POST" and not request.is_json:
            raise RefusedError(self.coded(1200, "Content-Type must be application/json"))

    @staticmethod
    def jwt_fault(token: str) -> int:
        """The code that speaks against a JWT; 0 for none."""
        try:
            head, payload, signature = token.split(".")
            header, claims = (json.loads(_unpacked(part)) for part in (head, payload))
            signed = hmac.new(SECRET_KEY.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
            good = header == {"alg": "HS256", "typ": "JWT"} and claims["iss"] == ACCESS_KEY
            if not good or not hmac.compare_digest(signed, _unpacked(signature)):
                return 1000
            expires, begins = claims["exp"], claims["nbf"]
            if not isinstance(expires, int) or not isinstance(begins, int):
                return 1002
        except (ValueError, KeyError, TypeError, binascii.Error):
            return 1002
        now = time.time()
        return 1004 if now > expires else 1003 if now < begins else 0

    def error(self, status: int, message: str, code: str | int | None = None) -> Answer:
        """``{"code", "message", "request_id"}``."""
        known = {404: 1203, 405: 1202, 429: 1302, 500: 5000, 502: 5000, 503: 5001, 401: 1000}
        number = code if isinstance(code, int) else known.get(status, 1200)
        status = 404 if status == 405 else status
        return Answer(status, {"code": number, "message": message, "request_id": str(uuid.uuid4())})

    def coded(self, code: int, message: str = "") -> Answer:
        """The error of a code."""
        status, words = CODES[code]
        return self.error(status, message or words, code)

    def trouble(self, kind: str, step: str) -> Answer:
        """An empty account is 1102."""
        if kind == "empty account":
            return self.coded(1102)
        return super().trouble(kind, step)

    def told(self, data: Any) -> Answer:
        """An answer in Kling's envelope."""
        return Answer(200, {"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4()), "data": data})

    def picture(self, value: str, name: str, limits: Limits) -> Sent:
        """A picture: raw base64, or an address."""
        try:
            if value.startswith(("http://", "https://")):
                return pictures.placeholder()
            return pictures.picture(pictures.raw_base64(value), limits)
        except UnfitError as error:
            raise RefusedError(self.coded(1201, f"{name}: {error}")) from None

    # ------------------------------------------------------------------------------------------------------ jobs

    def create(self, request: Request, kind: str) -> Answer:
        """``POST /v1/videos/image2video``."""
        if kind == "throttled":
            raise RefusedError(self.coded(1303))
        try:
            body = request.json
        except ValueError:
            raise RefusedError(self.coded(1200, "the body is not valid JSON")) from None
        found = list(problems(body, BODY))
        # An empty string stands for nothing: the documentation's own examples send some.
        asked = {key: value for key, value in body.items() if value != ""} if isinstance(body, dict) else {}
        found = found or list(crossed(asked))
        if found:
            code = 1203 if found[0].path == ("model_name",) else 1201
            raise RefusedError(self.coded(code, f"{found[0].where}: {found[0].message}"))
        first = self.picture(asked["image"], "image", LIMITS) if "image" in asked else None
        tail = self.picture(asked["image_tail"], "image_tail", TAIL_LIMITS) if "image_tail" in asked else None
        self.check_masks(asked, first)
        if kind == "moderated":
            raise RefusedError(self.coded(1301))
        shown = first or tail
        assert shown
        model, pro = asked.get("model_name", "kling-v1"), asked.get("mode") == "pro"
        seconds = int(asked.get("duration", "5"))
        scale = TALL[model][pro] / min(shown.size)
        size = (round(shown.size[0] * scale), round(shown.size[1] * scale))
        order = Order(shown, size, seconds, Fraction(30 if model in THIRTY_FPS else 24), tail if first else None,
                      tone=float(seconds) if asked.get("sound") == "on" else 0.0)  # fmt: skip
        outer = asked.get("external_task_id", "")
        with self.creating:
            if outer and outer in self.names:
                # That it must be unique is documented; how a second one is refused: unconfirmed.
                raise RefusedError(self.coded(1201, "external_task_id already exists"))
            running = sum(not job.end for job in self.fake.jobs.values())
            most = self.fake.options.get("concurrency")
            if most is not None and running >= most:
                raise RefusedError(self.coded(1303))
            job = self.fake.accept(
                str(850_000_000_000_000_000 + len(self.fake.jobs)), asked, order, UNITS[model][pro] * seconds / 5
            )
            if outer:
                self.names[outer] = job.id
        return self.told({key: value for key, value in self.shown(job, 0.0).items() if key in _AT_FIRST})

    def check_masks(self, asked: Mapping[str, Any], first: Sent | None) -> None:
        """All masks of one size, of the picture's shape; every point inside it."""
        masks = [
            (f"dynamic_masks.{index}.mask", entry["mask"])
            for index, entry in enumerate(asked.get("dynamic_masks", []))
        ]
        if "static_mask" in asked:
            masks.append(("static_mask", asked["static_mask"]))
        sizes = {}
        for name, value in masks:
            mask = self.picture(value, name, MASK_LIMITS)
            sizes[mask.size] = name
            if first is None or abs(mask.size[0] / mask.size[1] - first.size[0] / first.size[1]) > 0.01:
                raise RefusedError(self.coded(1201, f"{name}: its aspect ratio must match the image's"))
        if len(sizes) > 1:
            raise RefusedError(self.coded(1201, "the resolution of static_mask and dynamic_masks must be identical"))
        for index, entry in enumerate(asked.get("dynamic_masks", [])):
            for point in entry["trajectories"]:
                assert first
                # Whether a point outside is refused: unconfirmed.
                if not (0 <= point["x"] <= first.size[0] and 0 <= point["y"] <= first.size[1]):
                    raise RefusedError(self.coded(1201, f"dynamic_masks.{index}.trajectories: outside the image"))

    def status(self, request: Request, kind: str, name: str) -> Answer:
        """``GET /v1/videos/image2video/{id}``, by Kling's name or by one's own."""
        job = self.fake.jobs.get(self.names.get(name, name))
        if job is None:
            raise RefusedError(self.coded(1203, "task not found"))  # the code: unconfirmed
        if kind in ("failed", "moderated"):
            self.fake.finish(job, kind, refund=True)  # that a failed task costs nothing: unconfirmed
        return self.told(self.shown(job, self.fake.share(job)))

    def listed(self, request: Request, kind: str) -> Answer:
        """``GET /v1/videos/image2video?pageNum=1&pageSize=30``, newest first (the order: unconfirmed)."""
        page, size = (request.query.get(key, usual) for key, usual in (("pageNum", "1"), ("pageSize", "30")))
        if not (page.isdecimal() and 1 <= int(page) <= 1000 and size.isdecimal() and 1 <= int(size) <= 500):
            raise RefusedError(self.coded(1201, "pageNum must be 1 to 1000, pageSize 1 to 500"))
        jobs = list(reversed(self.fake.jobs.values()))
        chosen = jobs[(int(page) - 1) * int(size) : int(page) * int(size)]
        return self.told([self.shown(job, 1.0 if job.end else 0.5) for job in chosen])

    def shown(self, job: Job, share: float) -> dict[str, Any]:
        """A task as Kling tells of it."""
        status = {"": "submitted" if share == 0 else "processing", "succeeded": "succeed"}.get(job.end, "failed")
        words = {"moderated": "Failure to pass the risk control system", "failed": "Service busy"}.get(job.end, "")
        told: dict[str, Any] = {
            "task_id": job.id,
            "task_status": status,
            "task_status_msg": words,
            "task_info": {"external_task_id": job.body["external_task_id"]}
            if job.body.get("external_task_id")
            else {},
            "created_at": round(job.created * 1000),
            "updated_at": round(time.time() * 1000),
        }
        if job.end == "succeeded":
            video = {
                "id": str(uuid.UUID(int=job.number)),
                "url": self.fake.link(job),
                "duration": f"{job.order.seconds:g}",
            }
            if job.body.get("watermark_info", {}).get("enabled"):
                video["watermark_url"] = self.fake.link(job)
            told["task_result"] = {"videos": [video]}
        if job.end:
            told["final_unit_deduction"] = f"{job.charged:g}"
        return told

    def costs(self, request: Request, kind: str) -> Answer:
        """``GET /account/costs?start_time=&end_time=``, in milliseconds."""
        for key in ("start_time", "end_time"):
            if not request.query.get(key, "").isdecimal():
                raise RefusedError(self.coded(1201, f"{key} is required, in milliseconds"))
        left = 0.0 if kind == "empty account" else self.fake.balance - self.fake.spent
        now = round(time.time() * 1000)
        pack = {
            "resource_pack_name": "Video Generation - 10,000 entries",
            "resource_pack_id": "509f3fd3d4ab4a3f9eec5db27aa44f27",
            "resource_pack_type": "decreasing_total",
            "total_quantity": float(self.fake.balance),
            "remaining_quantity": float(left),
            "purchase_time": now - 86_400_000,
            "effective_time": now - 86_400_000,
            "invalid_time": now + 80 * 86_400_000,
            "status": "online" if left > 0 else "runOut",
        }
        within = int(request.query["start_time"]) <= now - 86_400_000 <= int(request.query["end_time"])
        return self.told({"code": 0, "msg": "success", "resource_pack_subscribe_infos": [pack] if within else []})


_AT_FIRST = ("task_id", "task_status", "task_info", "created_at", "updated_at")


def crossed(asked: Mapping[str, Any]) -> Iterator[Problem]:
    """What speaks against fields together, by the capability map and the notes on each field."""
    model, mode, seconds = asked.get("model_name", "kling-v1"), asked.get("mode", "std"), asked.get("duration", "5")
    can, here = CAN[model], f"{mode} {seconds}"

    def allowed(what: str) -> bool:
        return here in can.get(what, ()) or "*" in can.get(what, ())

    if model != "kling-v3" and seconds not in SHORT:
        yield Problem(("duration",), "value", f"{model} does not support {seconds}s")
    if "image" not in asked and "image_tail" not in asked:
        yield Problem(("image",), "missing", "image and image_tail cannot both be empty")
    shots = asked.get("multi_shot") is True
    if not asked.get("prompt") and (not shots or asked.get("shot_type") == "intelligence"):
        yield Problem(("prompt",), "missing", "must not be empty")
    if "cfg_scale" in asked and model.startswith("kling-v2"):
        yield Problem(("cfg_scale",), "unknown", f"{model} does not support this parameter")
    used = {
        "image_tail": "image_tail" in asked,
        "dynamic_masks/static_mask": "dynamic_masks" in asked or "static_mask" in asked,
        "camera_control": "camera_control" in asked,
    }
    yield from at_most_one({name: True for name, there in used.items() if there}, list(used))
    needs = (
        ("tail" if "image" in asked else "tail alone", "image_tail", "image_tail" in asked),
        ("brush", "dynamic_masks", "dynamic_masks" in asked),
        ("brush", "static_mask", "static_mask" in asked),
        ("camera", "camera_control", "camera_control" in asked),
        ("sound", "sound", asked.get("sound") == "on"),
        ("voices", "voice_list", "voice_list" in asked),
        ("elements", "element_list", "element_list" in asked),
        ("shots", "multi_shot", shots),
    )
    for what, name, there in needs:
        if there and not allowed(what):
            yield Problem((name,), "custom", f"{model} does not support {name} in {mode} mode with {seconds}s")
    if asked.get("sound") == "on" and "image_tail" in asked and model == "kling-v2-6":
        yield Problem(("sound",), "custom", "start & end frame only without audio")
    if "voice_list" in asked and asked.get("sound") != "on":
        yield Problem(("sound",), "custom", "must be on when a voice is specified")
    yield from at_most_one(asked, ("element_list", "voice_list"))
    yield from _camera(asked.get("camera_control"), model)
    yield from _shots(asked, shots, seconds)


def _camera(camera: Mapping[str, Any] | None, model: str) -> Iterator[Problem]:
    if camera is None:
        return
    config = camera.get("config")
    if camera["type"] != "simple":
        if config:
            yield Problem(("camera_control", "config"), "custom", "must be empty unless type is simple")
        if model == "kling-v1-5":
            yield Problem(("camera_control", "type"), "custom", "kling-v1-5 supports simple only")
    elif not config or sum(value != 0 for value in config.values()) != 1:
        yield Problem(("camera_control", "config"), "custom", "exactly one parameter must be non-zero")


def _shots(asked: Mapping[str, Any], shots: bool, seconds: str) -> Iterator[Problem]:
    if not shots:
        for name in ("shot_type", "multi_prompt"):
            if name in asked:
                yield Problem((name,), "custom", "invalid when multi_shot is false")
        return
    if "image_tail" in asked:
        yield Problem(("image_tail",), "custom", "not supported with multi_shot")
    if "shot_type" not in asked:
        yield Problem(("shot_type",), "missing", "required when multi_shot is true")
    elif asked["shot_type"] == "customize":
        entries = asked.get("multi_prompt")
        if not entries:
            yield Problem(("multi_prompt",), "missing", "required when shot_type is customize")
        elif sum(int(entry["duration"]) for entry in entries) != int(seconds):
            yield Problem(("multi_prompt",), "custom", "the sum of all durations must equal the duration of the task")


def _unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
