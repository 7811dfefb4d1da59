"""Kling: image to video with a motion brush, a camera and an end frame, each on the models that have it.

The body is v1-v3's, after vercel/ai's klingai and ComfyUI's API nodes; Kling's own pages could not be read for it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from stillwake.engines.remote.journal import Job
from stillwake.engines.remote.keys import Key, KlingTokens, found
from stillwake.engines.remote.link import AnsweredError, GarbledError, Link, Pace, base_url
from stillwake.engines.remote.order import (
    Order,
    Wire,
    drawn_at,
    even,
    laid,
    left_out,
    maker_of,
    masks_of,
    model_of,
    picture,
    place,
    refuse,
    said,
    seconds_of,
    tidy,
    within,
)
from stillwake.engines.remote.provider import (
    Accepted,
    Done,
    Ended,
    Meaning,
    Provider,
    Waiting,
    id_at,
    in_path,
    number_at,
    text_at,
    usual_meaning,
    value_at,
)
from stillwake.errors import EngineUnavailableError, UsageError
from stillwake.types import CameraRecord, Floats, Size

__all__ = ["Kling"]

USUAL = "kling-v2-5-turbo"
PROMPT = 2500
PICTURE = 10_000_000
"""Bytes; "<= 10 MB"."""
LEAST_SIDE, MOST_SHAPE = 300, 2.5
MASKS, POINTS = 6, 77
"""At most, for 5 s; a trajectory has two at least."""

CAMERA: dict[str, tuple[str, int]] = {
    "truck-left": ("horizontal", -1), "truck-right": ("horizontal", 1), "pedestal-down": ("vertical", -1),
    "pedestal-up": ("vertical", 1), "tilt-down": ("pan", -1), "tilt-up": ("pan", 1), "pan-left": ("tilt", -1),
    "pan-right": ("tilt", 1), "zoom-in": ("zoom", -1), "zoom-out": ("zoom", 1),
}  # fmt: skip
"""Our moves -> the axis and its sign. Kling's "pan" turns about the x axis, up and down, its "tilt" about the y axis,
left and right; a negative zoom narrows the view (tooltips of ComfyUI's Kling nodes, 2025-10). It has no dolly: a
push-in is told in words."""
AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
USUAL_MOVE = 5.0
"""Of -10..10, at strength 1; a judgement."""


class Kling(Provider):
    """``/v1/videos/image2video``."""

    name: ClassVar[str] = "kling"
    title: ClassVar[str] = "Kling"
    base = ("KLING_BASE_URL", "https://api-singapore.klingai.com")
    secret: ClassVar[str] = "KLING_API_KEY"
    makes_room: ClassVar[bool] = True
    idempotent: ClassVar[bool] = True  # by external_task_id, unique within an account
    first: ClassVar[float] = 5.0
    most: ClassVar[float] = 20.0
    page: ClassVar[str] = "klingai.com, in the developer console"

    def prepare(self, order: Order) -> Wire:
        """The body of ``POST /v1/videos/image2video``, without the task id of ours."""
        maker = maker_of("kling")
        named = model_of(order, (USUAL, *maker.models))
        facts = maker if named == USUAL else maker.of(named)
        model, mode = (named.removesuffix("-pro"), "pro") if named.endswith("-pro") else (named, "std")
        refuse(order, facts.can, model=named)
        warnings = left_out(order, facts.can, model=named)
        seconds = seconds_of(order, tuple(int(length) for length in facts.lengths))
        size = _sent_size(order.still_size)
        drawn, window, size = laid(order.still, (size,))
        files = [picture(drawn, "still", PICTURE)]
        body: dict[str, Any] = {"model_name": model, "mode": mode, "duration": str(seconds)}
        body["image"] = place(files[0], "base64")  # raw base64: a data: prefix is refused
        ends = order.end is not None or order.loop
        if ends:
            tail = files[0] if order.end is None else picture(laid(order.end, (size,))[0], "end", PICTURE)
            files.append(tail)
            body["image_tail"] = place(tail, "base64")
        control = _camera(order.camera) if "camera" in facts.can and not ends and order.strokes is None else None
        prompt = said(order, PROMPT, needed=False, camera=control is None)
        if prompt:
            body["prompt"] = prompt
        if order.negative:
            body["negative_prompt"] = within(tidy(order.negative), PROMPT, "Kling", "the negative prompt")
        if order.guidance is not None and "guidance" in facts.can:
            if not 0 <= order.guidance <= 1:
                raise UsageError(
                    "Cannot ask Kling for this",
                    f"its guidance is 0 to 1, not {order.guidance:g}",
                    "give --guidance 0.5",
                )
            body["cfg_scale"] = order.guidance
        if order.strokes is not None:
            if ends:  # "tail, masks and camera mutually exclusive": as ComfyUI's nodes have it, not confirmed by Kling
                raise UsageError(
                    "Cannot ask Kling for this", "it takes a motion brush or an end frame, not both", "leave one out"
                )
            files += _brush(order, size, window, body)
        if control is not None:
            body["camera_control"] = control
        return Wire(
            "/v1/videos/image2video", body, tuple({file.id: file for file in files}.values()), size, order.seconds,
            named, window=window, warnings=tuple(warnings),
        )  # fmt: skip

    # -------------------------------------------------------------------------------------------------- the wire

    def missing(self, model: str = "") -> str | None:
        """None, or the order that makes it available."""
        if found(self.secret) is not None:
            return None
        if found("KLING_ACCESS_KEY") is not None and found("KLING_SECRET_KEY") is not None:
            from importlib.util import find_spec

            return None if find_spec("jwt") else "pip install 'stillwake[remote]'"
        return f"export {self.secret}=YOUR_KEY"

    def link(self, pace: Pace) -> Link:
        """The connection: with the key, or with tokens out of the older pair."""
        key = found(self.secret)
        if key is not None:
            return _KlingLink(base_url(*self.base), self.headers(key.reveal()), pace, (key,))
        access, secret = found("KLING_ACCESS_KEY"), found("KLING_SECRET_KEY")
        if access is None or secret is None:
            raise EngineUnavailableError(
                "Cannot ask Kling", "there is no key for it", f"run: export {self.secret}=YOUR_KEY"
            )
        link = _KlingLink(base_url(*self.base), {}, pace, (access, secret))
        link.tokens = KlingTokens(access, secret)
        self.refresh(link)
        return link

    def refresh(self, link: Link) -> None:
        """A token that is good for a while yet."""
        if isinstance(link, _KlingLink) and link.tokens is not None:
            link.also({"Authorization": f"Bearer {link.tokens.token().reveal()}"})

    def create(self, link: Link, body: Any, job: Job) -> Accepted:
        """``POST /v1/videos/image2video`` with our own id for it."""
        told = _yes(
            link, link.ask("POST", job.request["path"], body={**body, "external_task_id": job.ask_key}, once=True).body
        )
        return Accepted(id_at(told, "data", "task_id"))

    def find(self, link: Link, job: Job) -> str | None:
        """The task of our own id: asked for by it, then looked for among the newest.

        That ``external_task_id`` may stand in the path is what several copies of Kling's page say (kapon.cloud,
        kkiai.com: "either of the two ids"); the list is older and surer.
        """
        try:
            told = _yes(link, link.ask("GET", f"{job.request['path']}/{in_path(job.ask_key)}").body)
            if value_at(told, "data", "task_info", "external_task_id") == job.ask_key:
                return id_at(told, "data", "task_id")
        except (AnsweredError, GarbledError) as error:
            if isinstance(error, AnsweredError) and self.meaning(error) in ("key", "busy", "server"):
                raise
        for page in range(1, 4):
            try:
                told = _yes(
                    link, link.ask("GET", job.request["path"], query={"pageNum": str(page), "pageSize": "500"}).body
                )
            except AnsweredError as error:
                if self.meaning(error) in ("gone", "refused"):
                    return None
                raise
            tasks = value_at(told, "data")
            if not isinstance(tasks, list) or not tasks:
                return None
            for task in tasks:
                if value_at(task, "task_info", "external_task_id") == job.ask_key:
                    return id_at(task, "task_id")
        return None

    def status(self, link: Link, provider_id: str) -> Waiting | Done | Ended:
        """``GET /v1/videos/image2video/{task_id}``; it tells no progress."""
        told = _yes(link, link.ask("GET", f"/v1/videos/image2video/{in_path(provider_id)}").body)
        units = value_at(told, "data", "final_unit_deduction")
        words = f"{link.clean(units)} units" if isinstance(units, str) and units else ""
        match text_at(told, "data", "task_status"):
            case "submitted":
                return Waiting(queued=True)
            case "processing":
                return Waiting()
            case "succeed":  # so they write it
                return Done(text_at(told, "data", "task_result", "videos", 0, "url"), cost_told=words)
            case "failed":
                why = value_at(told, "data", "task_status_msg")
                why = link.clean(why) if isinstance(why, str) else ""
                moderated = any(word in why.lower() for word in ("risk", "policy", "sensitive", "moderation"))
                spent = number_at(told, "data", "final_unit_deduction")
                billed = None if spent is None else spent > 0  # "final", by its name; where it is missing, unknown
                return Ended("moderated" if moderated else "failed", why, billed, cost_told=words)
        raise GarbledError("its answer has a task_status that nobody knows")

    def meaning(self, error: AnsweredError) -> Meaning:
        """By its own codes, then by the status."""
        code = value_at(error.body, "code")
        if isinstance(code, int):
            if 1000 <= code <= 1004:
                return "key"
            if 1100 <= code <= 1103:
                return "account"
            if code in (1302, 1303):
                return "busy"
            if code in (1300, 1301):
                return "moderated"
            if code == 1304:
                return "key"
            if code in (1202, 1203):
                return "gone"
            if 5000 <= code <= 5002:
                return "server"
            if code in (1200, 1201) and "external_task_id" in error.text.lower():
                return "taken"
        return usual_meaning(error)


class _KlingLink(Link):
    tokens: KlingTokens | None = None

    def clean(self, text: str) -> str:
        token: tuple[Key, ...] = () if self.tokens is None or self.tokens._token is None else (self.tokens._token,)
        for key in token:
            text = str(text).replace(key.reveal(), "(key)")
        return super().clean(text)


def _yes(link: Link, body: Any) -> Any:
    """An answer whose own code says yes; one that says no with a 200 is a refusal all the same."""
    code = value_at(body, "code")
    if isinstance(code, int) and not isinstance(code, bool) and code != 0:
        # 1303 and its like have a status of their own by Kling's table; behind a 200 they mean the same.
        raise AnsweredError({1302: 429, 1303: 429, 1304: 403}.get(code, 500 if code >= 5000 else 400), body,
                            link.clean(str(value_at(body, "message") or f"code {code}")))  # fmt: skip
    if code != 0:
        raise GarbledError("its answer has no code")
    return body


def _sent_size(size: Size) -> Size:
    """The still's own size, within what is taken: sides of 300 px at least, no longer than 2.5:1."""
    width, height = size
    if width > MOST_SHAPE * height:
        height = -int(-width // MOST_SHAPE)
    elif height > MOST_SHAPE * width:
        width = -int(-height // MOST_SHAPE)
    return even((width, height), least=LEAST_SIDE + 4, most=1920)


def _camera(camera: CameraRecord | None) -> dict[str, Any] | None:
    """One axis that moves; None where words have to say it."""
    if camera is None or len(camera.moves) != 1 or camera.moves[0].kind not in CAMERA:
        return None
    axis, sign = CAMERA[camera.moves[0].kind]
    strength = min(10.0, max(0.5, round(USUAL_MOVE * camera.moves[0].strength, 1)))
    return {"type": "simple", "config": {name: sign * strength if name == axis else 0 for name in AXES}}


def _brush(order: Order, size: Size, window: Any, body: dict[str, Any]) -> list[Any]:
    """Masks and paths of the motion brush, in px of the sent picture, y upwards from its lowest row."""
    assert order.strokes is not None
    if len(order.strokes.paths) > MASKS:
        raise UsageError(
            "Cannot ask Kling for this", f"the brush has {len(order.strokes.paths)} strokes, and {MASKS} are taken",
            "draw fewer",
        )  # fmt: skip
    inner = size if window is None else (window.width, window.height)
    left, top = (0, 0) if window is None else (window.left, window.top)
    files, moved = [], []
    for index, (mask, path) in enumerate(masks_of(order.strokes, inner)):
        whole = np.zeros((size[1], size[0]), np.uint8)
        whole[top : top + inner[1], left : left + inner[0]] = mask
        if not whole.any():
            continue
        # White on black: which colour means "moves" is not written where we could read it; ComfyUI sends it so.
        file = picture(whole, f"mask{index + 1}", PICTURE)
        files.append(file)
        moved.append({"mask": place(file, "base64"), "trajectories": _trajectory(path, (left, top), size)})
    if not moved:
        raise UsageError("Cannot ask Kling for this", "the brush's mask is empty", "draw where it is to move")
    body["dynamic_masks"] = moved
    if order.pinned is not None and np.any(order.pinned):
        whole = np.zeros((size[1], size[0]), np.uint8)
        pinned = np.asarray(np.where(order.pinned, 255, 0), np.uint8)
        whole[top : top + inner[1], left : left + inner[0]] = np.where(drawn_at(pinned, inner) >= 128, 255, 0)
        file = picture(whole, "pinned", PICTURE)
        files.append(file)
        body["static_mask"] = place(file, "base64")
    return files


def _trajectory(path: Floats, corner: tuple[int, int], size: Size) -> list[dict[str, int]]:
    """At most 77 points along a path, evenly spaced; the origin is the lowest left pixel: y' = height - 1 - y."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    if len(path) > POINTS:
        at = np.linspace(0, along[-1], POINTS)
        path = np.stack([np.interp(at, along, path[:, 0]), np.interp(at, along, path[:, 1])], axis=1).astype(
            np.float32
        )
    points: list[dict[str, int]] = []
    for x, y in path:
        point = {
            "x": int(np.clip(round(float(x) + corner[0]), 0, size[0] - 1)),
            "y": int(np.clip(size[1] - 1 - round(float(y) + corner[1]), 0, size[1] - 1)),
        }
        if not points or points[-1] != point:
            points.append(point)
    if len(points) < 2:
        raise UsageError("Cannot ask Kling for this", "a stroke of the brush goes nowhere", "draw it longer")
    return points
