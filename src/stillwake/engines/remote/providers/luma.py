"""Luma Agents, ray-3.2: a start frame, an end frame, a loop. After luma-agents 0.5.0's types."""

from __future__ import annotations

from typing import Any, ClassVar

from stillwake.engines.remote.journal import Job
from stillwake.engines.remote.link import AnsweredError, GarbledError, Link
from stillwake.engines.remote.order import (
    File,
    Order,
    Wire,
    laid,
    left_out,
    maker_of,
    model_of,
    picture,
    place,
    refuse,
    said,
    seconds_of,
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
    text_at,
    usual_meaning,
    value_at,
)
from stillwake.types import Size

__all__ = ["Luma"]

PROMPT = 5000
"""Not in the SDK, nor in the pages that could be read: a limit of ours."""
PICTURE = 7 << 20
"""Bytes; no limit is written for ``data``, and its failure code image_too_large says that there is one."""

RATIOS: dict[Size, str] = {
    (1280, 720): "16:9", (720, 1280): "9:16", (960, 720): "4:3", (720, 960): "3:4", (720, 720): "1:1",
    (1680, 720): "21:9",
}  # fmt: skip
"""At 720p. The SDK lists six more and says that the server has the last word: these are ray's since its first API."""


class Luma(Provider):
    """``POST /generations``, ``GET /generations/{id}``."""

    name: ClassVar[str] = "luma"
    title: ClassVar[str] = "Luma"
    base = ("LUMA_BASE_URL", "https://agents.lumalabs.ai/v1")
    secret: ClassVar[str] = "LUMA_AGENTS_API_KEY"
    first: ClassVar[float] = 4.0
    most: ClassVar[float] = 12.0
    page: ClassVar[str] = "agents.lumalabs.ai, under usage"

    def prepare(self, order: Order) -> Wire:
        """The body of ``POST /generations``."""
        model = model_of(order, ("ray-3.2",))
        allowed = maker_of("luma").can
        refuse(order, allowed, model=model)
        warnings = left_out(order, allowed, model=model)
        seconds = seconds_of(order, (5,) if order.loop else (5, 10))
        drawn, window, size = laid(order.still, tuple(RATIOS))
        files = [picture(drawn, "still", PICTURE)]
        video: dict[str, Any] = {
            "resolution": "720p", "duration": f"{seconds}s", "start_frame": _frame(files[0]),
        }  # fmt: skip
        if order.end is not None:
            files.append(picture(laid(order.end, (size,))[0], "end", PICTURE))
            video["end_frame"] = _frame(files[1])
        if order.loop:
            video["loop"] = True
        body = {
            "model": model, "type": "video", "prompt": said(order, PROMPT, needed=True), "aspect_ratio": RATIOS[size],
            "video": video,
        }  # fmt: skip
        return Wire(
            "/generations", body, tuple({file.id: file for file in files}.values()), size, order.seconds, model,
            window=window, warnings=tuple(warnings),
        )  # fmt: skip

    def create(self, link: Link, body: Any, job: Job) -> Accepted:
        """``POST /generations``; it has no idempotency key."""
        return Accepted(id_at(link.ask("POST", job.request["path"], body=body, once=True).body, "id"))

    def status(self, link: Link, provider_id: str) -> Waiting | Done | Ended:
        """``GET /generations/{id}``; it tells no progress."""
        told = link.ask("GET", f"/generations/{in_path(provider_id)}").body
        match text_at(told, "state"):
            case "queued":
                return Waiting(queued=True)
            case "processing":
                return Waiting()
            case "completed":
                output = value_at(told, "output")
                for index, entry in enumerate(output if isinstance(output, list) else []):
                    if value_at(entry, "type") == "video":
                        return Done(text_at(told, "output", index, "url"))
                return Done(text_at(told, "output", 0, "url"))
            case "failed":
                code, reason = value_at(told, "failure_code"), value_at(told, "failure_reason")
                words = link.clean(
                    " ".join(part for part in (reason, f"({code})" if code else "") if isinstance(part, str))
                )
                # Dream Machine gave failed jobs back; whether Agents does could not be confirmed.
                return Ended("moderated" if code == "content_moderated" else "failed", words)
        raise GarbledError("its answer has a state that nobody knows")

    def meaning(self, error: AnsweredError) -> Meaning:
        """By its failure codes, where an error has one; the JSON of its errors could not be confirmed."""
        text = f"{error.text} {value_at(error.body, 'failure_code')} {value_at(error.body, 'code')}".lower()
        if error.status in (400, 402, 403, 422):
            if "moderat" in text:
                return "moderated"
            if "budget_exhausted" in text or "insufficient" in text or "credit" in text:
                return "account"
        return usual_meaning(error)


def _frame(file: File) -> dict[str, Any]:
    """An ImageRef: exactly one of url, data, generation_id, file_id."""
    return {"data": place(file, "base64"), "media_type": file.mime}
