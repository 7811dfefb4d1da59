"""A vLLM-Omni server of one's own: ``/v1/videos``, after docs.vllm.ai. It costs nothing but its time."""

from __future__ import annotations

from typing import Any, ClassVar

from stillwake.engines.remote.journal import Job
from stillwake.engines.remote.link import GarbledError, Link
from stillwake.engines.remote.order import (
    Order,
    Wire,
    even,
    laid,
    left_out,
    maker_of,
    picture,
    place,
    refuse,
    said,
    tidy,
    within,
)
from stillwake.engines.remote.provider import (
    Accepted,
    Done,
    Ended,
    Provider,
    Waiting,
    id_at,
    in_path,
    share_at,
    text_at,
    value_at,
)
from stillwake.errors import UsageError

__all__ = ["Vllm"]

PROMPT = 5000
SIDE, STEP = 1280, 16
"""px; the longer side at most, and what both sides are multiples of (Wan's)."""
PICTURE = 32 << 20


class Vllm(Provider):
    """``/v1/videos``."""

    name: ClassVar[str] = "vllm"
    title: ClassVar[str] = "vLLM-Omni"
    base = ("VLLM_BASE_URL", "http://localhost:8091")
    secret: ClassVar[str] = ""
    first: ClassVar[float] = 1.0
    most: ClassVar[float] = 5.0
    page: ClassVar[str] = "GET /v1/videos of the server"

    def prepare(self, order: Order) -> Wire:
        """The form of ``POST /v1/videos``; every field is text."""
        allowed = maker_of("vllm").can
        refuse(order, allowed, model=order.model or "the server's model")
        warnings = left_out(order, allowed, model=order.model or "model")
        drawn, window, size = laid(order.still, (even(order.still_size, least=256, most=SIDE, step=STEP),))
        fps = max(1, round(order.fps))
        frames = 4 * -int(-(order.seconds * fps - 1) // 4) + 1  # Wan's 4k+1, never fewer than asked
        file = picture(drawn, "still", PICTURE)
        body: dict[str, Any] = {
            "prompt": said(order, PROMPT, needed=True), "width": str(size[0]), "height": str(size[1]),
            "num_frames": str(frames), "fps": str(fps), "seed": str(order.seed % 2**31),
        }  # fmt: skip
        if order.model:
            body["model"] = order.model
        if negative := tidy(order.negative):
            body["negative_prompt"] = within(negative, PROMPT, "vLLM-Omni", "the negative prompt")
        if order.steps is not None:
            body["num_inference_steps"] = str(order.steps)
        if order.guidance is not None:
            if not 0 <= order.guidance <= 20:
                raise UsageError("Cannot ask vLLM-Omni for this", "guidance is 0 to 20 there", "give a smaller one")
            body["guidance_scale"] = f"{order.guidance:g}"
        body["input_reference"] = place(file, "form")
        return Wire(
            "/v1/videos", body, (file,), size, order.seconds, order.model or "server", window=window,
            seed=order.seed % 2**31, form=True, warnings=tuple(warnings),
        )  # fmt: skip

    def missing(self, model: str = "") -> str | None:
        """None, or the order that says where the server is: it is not looked for."""
        import os

        return None if os.environ.get("VLLM_BASE_URL", "").strip() else "export VLLM_BASE_URL=http://localhost:8091"

    def create(self, link: Link, body: Any, job: Job) -> Accepted:
        """``POST /v1/videos``."""
        return Accepted(id_at(link.ask("POST", job.request["path"], form=body, once=True).body, "id"))

    def status(self, link: Link, provider_id: str) -> Waiting | Done | Ended:
        """``GET /v1/videos/{id}``."""
        told = link.ask("GET", f"/v1/videos/{in_path(provider_id)}").body
        match text_at(told, "status"):
            case "queued":
                return Waiting(queued=True)
            case "in_progress":
                return Waiting(share_at(told, "progress", of=100.0))
            case "completed":
                return Done(f"/v1/videos/{in_path(provider_id)}/content", own=True, cost=0.0)
            case "failed" | "cancelled" as state:
                words = value_at(told, "error", "message")
                why = link.clean(words) if isinstance(words, str) else ""
                return Ended("failed" if state == "failed" else "cancelled", why, billed=False, cost=0.0)
        raise GarbledError("its answer has a status that nobody knows")

    def cancel(self, link: Link, provider_id: str) -> None:
        """``DELETE /v1/videos/{id}``."""
        link.ask("DELETE", f"/v1/videos/{in_path(provider_id)}", empty=True)
