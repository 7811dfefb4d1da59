"""A ComfyUI server of one's own, with a workflow of one's own as the model.

The workflow is a file in the API's format ("Save (API Format)"). In it, texts in braces are filled in: ``{image}``,
``{end}``, ``{prompt}``, ``{negative}``, ``{seed}``, ``{width}``, ``{height}``, ``{frames}``, ``{fps}``, ``{seconds}``,
``{steps}``, ``{guidance}``, ``{hold}``; a value that is nothing but such a text becomes a number where it is one. A
node whose title is one of these words is filled without braces.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from stillwake.engines.remote.journal import Job
from stillwake.engines.remote.link import AnsweredError, GarbledError, Link
from stillwake.engines.remote.order import (
    File,
    Order,
    Wire,
    even,
    laid,
    maker_of,
    picture,
    place,
    refuse,
    said,
    tidy,
    within,
)
from stillwake.engines.remote.provider import Accepted, Done, Ended, Provider, Waiting, id_at, in_path, value_at
from stillwake.errors import UsageError

__all__ = ["ComfyUi", "filled_in"]

PROMPT = 10_000
SIDE, STEP = 1280, 16
PICTURE = 32 << 20
LARGEST_WORKFLOW = 4 << 20
MOVIES = (".mp4", ".webm", ".mov", ".mkv", ".gif", ".webp")
"""Endings of what is taken for the clip, the better ones first."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "image": ("image",), "end": ("image",),
    "prompt": ("text", "prompt", "value"), "negative": ("text", "prompt", "value"),
    "seed": ("seed", "noise_seed", "value"), "width": ("width", "value"), "height": ("height", "value"),
    "frames": ("length", "num_frames", "frames", "value"), "fps": ("fps", "frame_rate", "value"),
    "seconds": ("seconds", "duration", "value"), "steps": ("steps", "value"), "guidance": ("cfg", "guidance", "value"),
    "hold": ("strength", "value"),
}  # fmt: skip
"""Word -> which input of a node with that title is filled, the first that it has."""
ALSO = {"positive": "prompt", "positive prompt": "prompt", "negative prompt": "negative", "still": "image",
        "start image": "image", "end image": "end", "length": "frames"}  # fmt: skip
"""Other titles for the same."""


class ComfyUi(Provider):
    """``/upload/image``, ``/prompt``, ``/history``, ``/queue``, ``/view``, ``/interrupt``."""

    name: ClassVar[str] = "comfyui"
    title: ClassVar[str] = "ComfyUI"
    base = ("COMFYUI_BASE_URL", "http://localhost:8188")
    secret: ClassVar[str] = ""
    lists: ClassVar[bool] = True
    first: ClassVar[float] = 1.0
    most: ClassVar[float] = 5.0
    page: ClassVar[str] = "the server's page"

    def prepare(self, order: Order) -> Wire:
        """The body of ``POST /prompt``, without ids."""
        graph = _workflow(order.model)
        refuse(order, maker_of("comfyui").can, model="the workflow")
        drawn, window, size = laid(order.still, (even(order.still_size, least=256, most=SIDE, step=STEP),))
        still = picture(drawn, "still", PICTURE)
        fps = max(1, round(order.fps))
        files = [still]
        values: dict[str, Any] = {
            "image": place(still, "upload"), "prompt": said(order, PROMPT, needed=False),
            "negative": within(tidy(order.negative), PROMPT, "ComfyUI", "the negative prompt"),
            "seed": order.seed, "width": size[0], "height": size[1],
            "frames": 4 * -int(-(order.seconds * fps - 1) // 4) + 1, "fps": fps, "seconds": float(order.seconds),
        }  # fmt: skip
        if order.end is not None:
            files.append(picture(laid(order.end, (size,))[0], "end", PICTURE))
            values["end"] = place(files[1], "upload")
        elif order.loop:
            values["end"] = values["image"]
        asked: dict[str, Any] = {"steps": order.steps, "guidance": order.guidance, "hold": order.hold}
        values |= {name: value for name, value in asked.items() if value is not None}
        prompt, used, unfilled = filled_in(graph, values)
        what = f"Cannot use the workflow {Path(order.model).name}"
        if "image" not in used:
            raise UsageError(
                what,
                "nothing in it takes the picture",
                "write {image} where LoadImage has its file, or title that node image",
            )
        if unfilled:
            raise UsageError(
                what, f"it wants {{{unfilled[0]}}}, and that was not given",
                {"end": "add --end-frame PICTURE", "steps": "add --steps N", "guidance": "add --guidance N",
                 "hold": "add --hold 0..1"}.get(unfilled[0], "take it out"),
            )  # fmt: skip
        if "end" in values and "end" not in used:
            raise UsageError(what, "nothing in it takes the picture to end on", "write {end} where it belongs")
        if "hold" in values and "hold" not in used:
            raise UsageError(what, "nothing in it takes how firmly to hold on", "write {hold} where it belongs")
        missed = {"prompt": order.prompt, "negative": order.negative, "steps": order.steps, "guidance": order.guidance,
                  "seed": True}  # fmt: skip
        warnings = [
            f"nothing in the workflow takes {{{name}}}: it is left out"
            for name, value in missed.items()
            if value and name not in used
        ]
        return Wire(
            "/prompt", {"prompt": prompt}, tuple(files), size, order.seconds, Path(order.model).name, window=window,
            seed=order.seed if "seed" in used else None, warnings=tuple(warnings),
        )  # fmt: skip

    def missing(self, model: str = "") -> str | None:
        """None, or the order that says where the server is: it is not looked for."""
        return (
            None if os.environ.get("COMFYUI_BASE_URL", "").strip() else "export COMFYUI_BASE_URL=http://localhost:8188"
        )

    def upload(self, link: Link, file: File) -> str:
        """``POST /upload/image``, under a name that is its content's, so that it may be written over."""
        ending = file.name.rpartition(".")[2]
        named = File(file.id, f"stillwake-{hashlib.sha256(file.data).hexdigest()[:20]}.{ending}", file.mime, file.data)
        told = link.ask("POST", "/upload/image", form={"image": named, "type": "input", "overwrite": "true"}).body
        name, folder = value_at(told, "name"), value_at(told, "subfolder")
        if not isinstance(name, str) or not name:
            raise GarbledError("its answer has no name")
        return f"{folder}/{name}" if isinstance(folder, str) and folder else name

    def create(self, link: Link, body: Any, job: Job) -> Accepted:
        """``POST /prompt`` with an id of ours, which newer servers keep and older ones replace."""
        asked = {**body, "client_id": job.ask_key, "prompt_id": _own_id(job)}
        return Accepted(id_at(link.ask("POST", job.request["path"], body=asked, once=True).body, "prompt_id"))

    def find(self, link: Link, job: Job) -> str | None:
        """Ours in the queue or in the history: what is in neither was never accepted."""
        own = _own_id(job)
        queue = link.ask("GET", "/queue").body
        for part in ("queue_running", "queue_pending"):
            entries = value_at(queue, part)
            for entry in entries if isinstance(entries, list) else []:
                if value_at(entry, 1) == own or value_at(entry, 3, "client_id") == job.ask_key:
                    return id_at(entry, 1)
        return own if value_at(link.ask("GET", f"/history/{own}").body, own) is not None else None

    def status(self, link: Link, provider_id: str) -> Waiting | Done | Ended:
        """``GET /history/{id}``, and while that is empty ``GET /queue``."""
        entry = value_at(link.ask("GET", f"/history/{in_path(provider_id)}").body, provider_id)
        if entry is None:
            queue = link.ask("GET", "/queue").body
            for part in ("queue_running", "queue_pending"):
                entries = value_at(queue, part)
                if not isinstance(entries, list):
                    raise GarbledError(f"its answer has no {part}")
                if any(value_at(each, 1) == provider_id for each in entries):
                    return Waiting(queued=part == "queue_pending")
            raise AnsweredError(404, {}, "the server does not know it any more")
        state = value_at(entry, "status")
        if not isinstance(value_at(state, "status_str"), str) or not isinstance(value_at(state, "completed"), bool):
            raise GarbledError("its answer has no status that can be one")
        if value_at(state, "status_str") == "error" or value_at(state, "completed") is False:
            return _ended(link, value_at(state, "messages"))
        return _made(value_at(entry, "outputs"))

    def cancel(self, link: Link, provider_id: str) -> None:
        """Out of the queue, and interrupted if it runs."""
        link.ask("POST", "/queue", body={"delete": [provider_id]}, empty=True)
        link.ask("POST", "/interrupt", body={"prompt_id": provider_id}, empty=True)


def _own_id(job: Job) -> str:
    return str(uuid.UUID(hashlib.sha256(job.ask_key.encode()).hexdigest()[:32]))


def _ended(link: Link, messages: Any) -> Ended:
    for message in messages if isinstance(messages, list) else []:
        if value_at(message, 0) == "execution_interrupted":
            return Ended("cancelled", "", billed=False, cost=0.0)
        if value_at(message, 0) == "execution_error":
            words = value_at(message, 1, "exception_message")
            return Ended("failed", link.clean(words) if isinstance(words, str) else "", billed=False, cost=0.0)
    return Ended("failed", "", billed=False, cost=0.0)


def _made(outputs: Any) -> Done | Ended:
    """The clip among a workflow's outputs: kept ones before previews, films before animations, the last of them."""
    if not isinstance(outputs, dict) or not all(isinstance(node, dict) for node in outputs.values()):
        raise GarbledError("its answer has no outputs that can be some")
    best: tuple[tuple[int, int], dict[str, str], str] | None = None
    for node in outputs.values():
        for files in node.values():
            for file in files if isinstance(files, list) else []:
                name, kind = value_at(file, "filename"), value_at(file, "type")
                if not isinstance(name, str) or not name.lower().endswith(MOVIES):
                    continue
                ending = next(each for each in MOVIES if name.lower().endswith(each))
                rank = (int(kind == "output"), -MOVIES.index(ending))
                folder = value_at(file, "subfolder")
                query = {
                    "filename": name, "subfolder": folder if isinstance(folder, str) else "",
                    "type": kind if isinstance(kind, str) else "output",
                }  # fmt: skip
                if best is None or rank >= best[0]:
                    best = (rank, query, ending)
    if best is None:
        return Ended("failed", "the workflow wrote no film", billed=False, cost=0.0)
    return Done(f"/view?{urlencode(best[1])}", own=True, cost=0.0, ending=best[2])


def _workflow(model: str) -> dict[str, Any]:
    """The graph in a file.

    Raises
    ------
    stillwake.errors.UsageError
        It is none in the API's format.
    """
    if not model:
        raise UsageError(
            "Cannot ask ComfyUI for a clip", "it has no workflow of its own", "give --model workflow.json (API format)"
        )
    what = f"Cannot use the workflow {tidy(Path(model).name)[:80]}"
    try:
        with Path(model).open("rb") as file:
            data = file.read(LARGEST_WORKFLOW + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it cannot be read"
        raise UsageError(what, why.lower(), "check the path") from error
    try:
        graph = json.loads(data, parse_constant=_refuse) if len(data) <= LARGEST_WORKFLOW else None
    except (ValueError, RecursionError):
        graph = None
    if isinstance(graph, dict) and "nodes" in graph:
        raise UsageError(what, "it is saved for the page, not for the API", 'save it with "Export (API)"')
    nodes = graph if isinstance(graph, dict) else {}
    if not nodes or not all(isinstance(value_at(node, "inputs"), dict) for node in nodes.values()):
        raise UsageError(what, "it is no workflow in the API's format", 'save it with "Export (API)"')
    return nodes


def _refuse(constant: str) -> Any:
    """NaN and Infinity are no JSON, and no server takes them."""
    raise ValueError(constant)


def filled_in(graph: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Any, set[str], list[str]]:
    """A workflow with the values in it, which of them were used, and the words in it that have none."""
    used: set[str] = set()
    unfilled: list[str] = []
    words = "|".join(FIELDS)

    def is_text(word: str) -> bool:
        return isinstance(values.get(word), str | int | float)

    def inner(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: inner(each) for key, each in value.items()}
        if isinstance(value, list):
            return [inner(each) for each in value]
        if not isinstance(value, str):
            return value
        if alone := re.fullmatch(rf"\{{({words})\}}", value):
            return take(alone[1], value)
        return re.sub(
            rf"\{{({words})\}}",
            lambda found: str(take(found[1], found[0])) if is_text(found[1]) else found[0],
            value,
        )

    def take(word: str, kept: Any) -> Any:
        if word not in values:
            unfilled.append(word)
            return kept
        used.add(word)
        return values[word]

    filled = {}
    for name, node in graph.items():
        inputs = {key: inner(each) for key, each in node["inputs"].items()}
        title = value_at(node, "_meta", "title")
        title = title.strip().lower() if isinstance(title, str) else ""
        word = ALSO.get(title, title)
        if word in values and node["inputs"] == inputs:
            field = next(
                (each for each in FIELDS.get(word, ()) if each in inputs and not isinstance(inputs[each], list)), ""
            )
            if field:
                inputs[field] = take(word, inputs[field])
        filled[name] = {**node, "inputs": inputs}
    return filled, used, unfilled
