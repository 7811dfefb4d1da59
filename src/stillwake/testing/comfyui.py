"""A ComfyUI server's own routes: any graph whose nodes are well formed makes a clip of the picture in it.

After ComfyUI's ``server.py`` and ``execution.py`` as they are commonly known; no version was at hand to check against.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar

from stillwake.testing import pictures
from stillwake.testing.clips import Order
from stillwake.testing.fields import Table, anything, flag, number, problems, several, text
from stillwake.testing.pictures import Limits, Sent, UnfitError
from stillwake.testing.server import Answer, Api, Job, RefusedError, Request, Route, ranged, route

LIMITS = Limits(mimes=("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp"), most_bytes=100 * 2**20)
OUTPUTS = ("Save", "Preview", "VHS_VideoCombine")
"""How the class of a node begins that writes something."""
FRAMES = ("length", "num_frames", "video_frames", "frames", "frames_number")
RATES = ("fps", "frame_rate")
BODY: Table = {
    "prompt": anything().needed,
    "client_id": text(),
    "prompt_id": text(least=1),
    "extra_data": anything(),
    "front": flag(),
    "number": number(),
    "partial_execution_targets": anything(),
}


class ComfyUi(Api):
    """``/upload/image``, ``/prompt``, ``/history``, ``/view``, ``/queue``, ``/interrupt``: no key, no bill."""

    name: ClassVar[str] = "comfyui"
    unknown: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "upload": ("wrong key",),
        "create": ("throttled", "moderated", "empty account", "wrong key"),
        "status": ("throttled", "moderated", "wrong key"),
        "fetch": ("expired link",),
        "cancel": ("wrong key", "gone"),
        "balance": ("*",),
    }
    own: ClassVar[Mapping[str, tuple[str, ...]]] = {"status": ("gone",)}

    def __init__(self, fake: Any) -> None:
        self.inputs: dict[tuple[str, str], Sent] = {}
        super().__init__(fake)

    def env(self) -> dict[str, str]:
        """The variable that stillwake reads."""
        return {"COMFYUI_BASE_URL": self.fake.url}

    def paths(self) -> list[Route]:
        """The routes."""
        return [
            route("POST", "/upload/image", "upload", self.upload),
            route("POST", "/prompt", "create", self.create),
            route("GET", "/history/{name}", "status", self.history),
            route("GET", "/view", "fetch", self.view),
            route("GET", "/queue", "", self.queue),
            route("POST", "/queue", "cancel", self.unqueue),
            route("POST", "/interrupt", "cancel", self.interrupt),
            route("GET", "/system_stats", "", self.stats),
        ]

    def guard(self, request: Request) -> None:
        """Nobody is asked for a key."""

    def error(self, status: int, message: str, code: str | int | None = None) -> Answer:
        """``{"error": {"type", "message", "details", "extra_info"}, "node_errors"}``."""
        told = {"type": code or "internal_error", "message": message, "details": message}
        return Answer(status, {"error": {**told, "extra_info": {}}, "node_errors": {}})

    # -------------------------------------------------------------------------------------------------- pictures

    def upload(self, request: Request, kind: str) -> Answer:
        """``POST /upload/image``."""
        try:
            parts = {part.name: part for part in request.form()}
        except ValueError as error:
            raise RefusedError(self.error(400, str(error))) from None
        if strange := set(parts) - {"image", "type", "subfolder", "overwrite"}:
            raise RefusedError(self.error(400, f"unknown part {sorted(strange)[0]}"))
        image = parts.get("image")
        if image is None or not image.filename:
            raise RefusedError(Answer(400, b"", mime="text/plain"))
        where = parts["type"].text if "type" in parts else "input"
        if where not in ("input", "temp", "output"):
            raise RefusedError(Answer(400, b"", mime="text/plain"))
        try:
            sent = pictures.picture(image.data, LIMITS)
        except UnfitError as error:
            raise RefusedError(self.error(400, str(error))) from None
        folder = parts["subfolder"].text if "subfolder" in parts else ""
        if ".." in folder or "/" in image.filename:
            raise RefusedError(Answer(400, b"", mime="text/plain"))
        over = "overwrite" in parts and parts["overwrite"].text in ("true", "1")
        name, number_ = image.filename, 1
        stem, dot, ending = name.rpartition(".")
        while not over and (folder, name) in self.inputs and self.inputs[folder, name].digest != sent.digest:
            name = f"{stem or ending} ({number_}){dot}{ending if stem else ''}"
            number_ += 1
        self.inputs[folder, name] = sent
        return Answer(200, {"name": name, "subfolder": folder, "type": where})

    # ------------------------------------------------------------------------------------------------------ jobs

    def create(self, request: Request, kind: str) -> Answer:
        """``POST /prompt``."""
        try:
            body = request.json
        except ValueError:
            raise RefusedError(self.error(400, "the body is not valid JSON")) from None
        found = list(problems(body, BODY))
        if found:
            raise RefusedError(self.error(400, f"{found[0].where}: {found[0].message}", "no_prompt"))
        prompt = body["prompt"]
        still = self.checked(prompt)
        frames, fps = int(_number(prompt, FRAMES, 25)), _number(prompt, RATES, 16)
        size = (int(_number(prompt, ("width",), 832)), int(_number(prompt, ("height",), 480)))
        order = Order(still, size, frames / fps, Fraction(fps).limit_denominator(1001))
        name = body.get("prompt_id") or str(uuid.uuid4())
        if name in self.fake.jobs:
            raise RefusedError(self.error(400, "prompt_id is taken", "invalid_prompt"))  # unconfirmed
        job = self.fake.accept(name, body, order, 0.0)
        return Answer(200, {"prompt_id": job.id, "number": job.number, "node_errors": {}})

    def checked(self, prompt: Any) -> Sent:
        """The picture of a graph that is well formed."""
        if not isinstance(prompt, dict) or not prompt:
            raise RefusedError(self.error(400, "Prompt has no outputs", "prompt_no_outputs"))
        still: Sent | None = None
        for node, told in prompt.items():
            if not isinstance(told, dict) or not isinstance(told.get("class_type"), str):
                raise RefusedError(self.error(400, f"Node ID '#{node}' has no class_type", "invalid_prompt"))
            if not isinstance(told.get("inputs"), dict) or set(told) - {"class_type", "inputs", "_meta"}:
                raise RefusedError(self.error(400, f"Node ID '#{node}' has no inputs, or more", "invalid_prompt"))
            for name, value in told["inputs"].items():
                if _is_link(value) and str(value[0]) not in prompt:
                    raise self.node_error(node, told, "bad_linked_input", f"{name} comes from {value[0]}")
            if told["class_type"] == "LoadImage":
                found = self.loaded(told["inputs"].get("image"))
                if found is None:
                    raise self.node_error(node, told, "custom_validation_failed", "Invalid image file")
                still = still or found
        if not any(told["class_type"].startswith(OUTPUTS) for told in prompt.values()):
            raise RefusedError(self.error(400, "Prompt has no outputs", "prompt_no_outputs"))
        return still or pictures.placeholder()

    def loaded(self, written: Any) -> Sent | None:
        """A picture by what a LoadImage says: ``name``, ``folder/name``, perhaps ``[input]`` behind it."""
        if not isinstance(written, str):
            return None
        path = written.removesuffix(" [input]")
        folder, _, name = path.rpartition("/")
        return self.inputs.get((folder, name))

    def node_error(self, node: str, told: Mapping[str, Any], kind: str, details: str) -> RefusedError:
        """A 400 about one node."""
        answer = self.error(400, "Prompt outputs failed validation", "prompt_outputs_failed_validation")
        fault = {"type": kind, "message": details, "details": details, "extra_info": {}}
        answer.body["node_errors"] = {
            node: {"errors": [fault], "dependent_outputs": [], "class_type": told["class_type"]}
        }
        return RefusedError(answer)

    def history(self, request: Request, kind: str, name: str) -> Answer:
        """``GET /history/{id}``: empty until it is done, and for what was never there."""
        job = self.fake.jobs.get(name)
        if job is None or job.end == "deleted":
            return Answer(200, {})
        if kind == "gone":  # a server that was started anew has forgotten all
            job.end = "deleted"
            return Answer(200, {})
        if kind in ("failed", "cancelled"):
            self.fake.finish(job, kind)
        self.fake.share(job)
        if not job.end:
            return Answer(200, {})
        return Answer(200, {job.id: self.shown(job)})

    def shown(self, job: Job) -> dict[str, Any]:
        """A job that has ended, as the history tells of it."""
        prompt = job.body["prompt"]
        writers = [node for node, told in prompt.items() if told["class_type"].startswith(OUTPUTS)]
        good = job.end == "succeeded"
        note: dict[str, Any] = {"prompt_id": job.id, "timestamp": round(job.created * 1000)}
        messages: list[list[Any]] = [["execution_start", note]]
        if good:
            messages.append(["execution_success", note])
        elif job.end == "cancelled":
            messages.append(["execution_interrupted", {**note, "node_id": writers[0], "executed": []}])
        else:
            wrong = {"exception_message": "CUDA out of memory", "exception_type": "torch.OutOfMemoryError"}
            messages.append(["execution_error", {**note, "node_id": writers[0], **wrong}])
        file = {"filename": f"stillwake_{job.number:05d}_.mp4", "subfolder": "video", "type": "output"}
        outputs = {
            node: {"gifs": [{**file, "format": "video/h264-mp4"}]}
            if prompt[node]["class_type"] == "VHS_VideoCombine"
            else {"images": [file], "animated": [True]}
            for node in writers
        }
        return {
            "prompt": [job.number, job.id, prompt, {"client_id": job.body.get("client_id", "")}, writers],
            "outputs": outputs if good else {},
            "status": {"status_str": "success" if good else "error", "completed": good, "messages": messages},
            "meta": {node: {"node_id": node, "display_node": node} for node in writers},
        }

    def view(self, request: Request, kind: str) -> Answer:
        """``GET /view?filename=&subfolder=&type=``."""
        name, folder = request.query.get("filename"), request.query.get("subfolder", "")
        where = request.query.get("type", "output")
        if name is None or ".." in folder:
            return Answer(400 if name else 404, b"", mime="text/plain")
        if where == "input" and (folder, name) in self.inputs:
            sent = self.inputs[folder, name]
            return Answer(200, sent.data, {}, sent.mime)
        for job in list(self.fake.jobs.values()):
            made = (f"stillwake_{job.number:05d}_.mp4", "video", "output")
            if job.end == "succeeded" and (name, folder, where) == made:
                return ranged(request, self.fake.studio.clip(job.order))
        return Answer(404, b"", mime="text/plain")

    # ----------------------------------------------------------------------------------------------------- queue

    def waiting(self) -> list[Job]:
        """The jobs that have not ended, oldest first; the first of them runs."""
        return [job for job in list(self.fake.jobs.values()) if not job.end]

    def queue(self, request: Request, kind: str) -> Answer:
        """``GET /queue``."""
        entries = [[job.number, job.id, job.body["prompt"], {}, []] for job in self.waiting()]
        return Answer(200, {"queue_running": entries[:1], "queue_pending": entries[1:]})

    def unqueue(self, request: Request, kind: str) -> Answer:
        """``POST /queue``: ``{"delete": [id]}`` or ``{"clear": true}``; what runs goes on."""
        body = self.small(request, {"delete": several(text(least=1)), "clear": flag()})
        for job in self.waiting()[1:]:
            if body.get("clear") or job.id in body.get("delete", []):
                job.end = "deleted"
        return Answer(200, b"")

    def interrupt(self, request: Request, kind: str) -> Answer:
        """``POST /interrupt``: what runs, or only this one if it runs."""
        body = self.small(request, {"prompt_id": text()}) if request.body else {}
        for job in self.waiting()[:1]:
            if body.get("prompt_id") in (None, "", job.id):
                self.fake.finish(job, "cancelled")
        return Answer(200, b"")

    def small(self, request: Request, table: Table) -> dict[str, Any]:
        """A small JSON body."""
        try:
            body = request.json
        except ValueError:
            raise RefusedError(self.error(400, "the body is not valid JSON")) from None
        if found := list(problems(body, table)):
            raise RefusedError(self.error(400, f"{found[0].where}: {found[0].message}"))
        assert isinstance(body, dict)
        return body

    def stats(self, request: Request, kind: str) -> Answer:
        """``GET /system_stats``."""
        return Answer(200, {"system": {"comfyui_version": "0.0-fake"}, "devices": []})


def _is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def _number(prompt: Mapping[str, Any], names: tuple[str, ...], usual: float) -> float:
    """The first number in the graph under one of these names."""
    for told in prompt.values():
        for name in names:
            value = told["inputs"].get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
                return value
    return usual
