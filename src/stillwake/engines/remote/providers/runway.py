"""Runway: its own models, and Kling's and Google's behind the same key. After runwayml 5.24.0's types."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from stillwake.engines.remote.journal import Job
from stillwake.engines.remote.link import AnsweredError, GarbledError, Link
from stillwake.engines.remote.order import (
    File,
    Order,
    Wire,
    even,
    laid,
    left_out,
    maker_of,
    model_of,
    picture,
    place,
    refuse,
    said,
    seconds_of,
    utf16,
)
from stillwake.engines.remote.provider import (
    Accepted,
    Balance,
    Done,
    Ended,
    Meaning,
    Provider,
    Voice,
    Waiting,
    id_at,
    in_path,
    number_at,
    share_at,
    text_at,
    usual_meaning,
    value_at,
)
from stillwake.errors import UsageError
from stillwake.types import Size

__all__ = ["Runway"]

VERSION = "2024-11-06"
CREDIT = 0.01
"""USD; 5 credits a second of gen4_turbo are $0.05 (litellm's table; docs.dev.runwayml.com)."""
DATA_URI = 5_000_000
"""Characters of a data URI at most: "up to 5MB" (runwayml 5.24.0)."""
UPLOAD = 16 << 20
"""Bytes. An upload may have 200 MB; 16 is what an image by address may have, and enough (runwayml/skills)."""

GEN4: tuple[Size, ...] = ((1280, 720), (720, 1280), (1104, 832), (832, 1104), (960, 960))
"""1584:672 is left out: pictures wider than 2:1 are refused (recorded error texts; not in the SDK)."""
VEO: tuple[Size, ...] = ((1280, 720), (720, 1280))
KLING3: tuple[Size, ...] = ((1280, 720), (720, 1280), (960, 960))

KINDS: dict[str, Literal["gen4_turbo", "gen4.5", "veo", "kling2", "kling3"]] = {
    "gen4_turbo": "gen4_turbo", "gen4.5": "gen4.5", "kling2.5_turbo_pro": "kling2", "veo3.1": "veo",
    "veo3.1_fast": "veo", "kling3.0_standard": "kling3",
}  # fmt: skip


class Runway(Provider):
    """``/v1/image_to_video``, ``/v1/tasks/{id}``, ``/v1/uploads``, ``/v1/organization``, ``/v1/voices``."""

    name: ClassVar[str] = "runway"
    title: ClassVar[str] = "Runway"
    base = ("RUNWAYML_BASE_URL", "https://api.dev.runwayml.com")
    secret: ClassVar[str] = "RUNWAYML_API_SECRET"
    first: ClassVar[float] = 5.0  # "poll no more than every 5 s" is the SDK's own pace, with jitter
    most: ClassVar[float] = 10.0
    page: ClassVar[str] = "dev.runwayml.com, under usage"

    def prepare(self, order: Order) -> Wire:
        """The body of ``POST /v1/image_to_video``."""
        model = model_of(order, KINDS)
        kind = KINDS[model]
        allowed = (
            maker_of("runway").of(model).can if model in ("gen4_turbo", *maker_of("runway").models) else ABLE[kind]
        )
        refuse(order, allowed, model=model)
        warnings = left_out(order, allowed, model=model)
        lengths = {"veo": (4, 6, 8), "kling2": (5, 10), "kling3": tuple(range(3, 16))}.get(kind, tuple(range(2, 11)))
        seconds = seconds_of(order, lengths)
        if kind == "kling2":  # no ratio: the clip has the picture's shape, which must lie between 1:2 and 2:1
            shape = order.still_size[0] / order.still_size[1]
            own = even(order.still_size, least=320, most=1920)
            sizes: tuple[Size, ...] = (own,) if 0.5 <= shape <= 2 else GEN4
        else:
            sizes = {"veo": VEO, "kling3": KLING3}.get(kind, GEN4)
        drawn, window, size = laid(order.still, sizes)
        files = [picture(drawn, "still", UPLOAD)]
        if order.end is not None:
            files.append(picture(laid(order.end, (size,))[0], "end", UPLOAD))
        elif order.loop:
            files.append(files[0])
        ways = [place(file, "data uri" if _as_uri(file) <= DATA_URI else "upload") for file in files]
        body: dict[str, Any] = {"model": model}
        if len(ways) == 1:
            body["promptImage"] = ways[0]
        else:
            body["promptImage"] = [
                {"uri": way, "position": position} for way, position in zip(ways, ("first", "last"), strict=True)
            ]
        prompt = said(order, 1000, needed=kind in ("gen4.5", "kling2"))
        if prompt:
            body["promptText"] = prompt
        if kind != "kling2":
            body["ratio"] = f"{size[0]}:{size[1]}"
        body["duration"] = seconds
        seed = None
        if "seed" in allowed:
            seed = body["seed"] = order.seed % 2**32
        if order.negative and "negative" in allowed:
            body["negativePrompt"] = order.negative
        if order.guidance is not None and "guidance" in allowed:
            if not 0 <= order.guidance <= 1:
                raise UsageError(
                    "Cannot ask Runway for this", f"guidance of {model} is 0 to 1, not {order.guidance:g}",
                    "give --guidance 0.5",
                )  # fmt: skip
            body["cfgScale"] = order.guidance
        if kind in ("veo", "kling3"):
            body["audio"] = False  # nobody asked for any, and it costs
        return Wire(
            "/v1/image_to_video", body, tuple({file.id: file for file in files}.values()), size, order.seconds, model,
            window=window, seed=seed, warnings=tuple(warnings),
        )  # fmt: skip

    def headers(self, key: str) -> dict[str, str]:
        """Key and version."""
        return {"Authorization": f"Bearer {key}", "X-Runway-Version": VERSION}

    def upload(self, link: Link, file: File) -> str:
        """An ephemeral upload: where to, the form without our key, and what it is called from then on."""
        told = link.ask("POST", "/v1/uploads", body={"filename": file.name, "type": "ephemeral"}).body
        fields = value_at(told, "fields")
        if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
            raise GarbledError("its answer has no fields")
        uri = text_at(told, "runwayUri")
        if not uri.startswith("runway://"):
            raise GarbledError("its answer has no runwayUri")
        link.put(text_at(told, "uploadUrl"), form={**fields, "file": file})  # the file goes last, as S3 wants it
        return uri

    def create(self, link: Link, body: Any, job: Job) -> Accepted:
        """``POST /v1/image_to_video``; it has no idempotency key."""
        told = link.ask("POST", job.request["path"], body=body, once=True).body
        credits = number_at(told, "estimatedCost", "credits")
        return Accepted(id_at(told, "id"), None if credits is None else credits * CREDIT)

    def status(self, link: Link, provider_id: str) -> Waiting | Done | Ended:
        """``GET /v1/tasks/{id}``."""
        told = link.ask("GET", f"/v1/tasks/{in_path(provider_id)}").body
        state = text_at(told, "status")
        credits = number_at(told, "cost", "credits")
        cost = None if credits is None else credits * CREDIT
        words = "" if credits is None else f"{credits:g} credits"
        match state:
            case "PENDING" | "THROTTLED":
                return Waiting(queued=True)
            case "RUNNING":
                return Waiting(share_at(told, "progress"))
            case "SUCCEEDED":
                return Done(text_at(told, "output", 0), cost=cost, cost_told=words)
            case "CANCELLED":
                return Ended("cancelled", "", None if credits is None else credits > 0, cost, words)
            case "FAILED":
                code = value_at(told, "failureCode")
                code = code if isinstance(code, str) else ""
                failure = value_at(told, "failure")
                why = link.clean(
                    " ".join(part for part in (failure, f"({code})" if code else "") if isinstance(part, str))
                )
                moderated = code.startswith("SAFETY.")
                # SAFETY.INPUT.* is not given back (runwayml/skills); otherwise what the task says it cost counts.
                billed = True if code.startswith("SAFETY.INPUT") else None if credits is None else credits > 0
                return Ended("moderated" if moderated else "failed", why, billed, cost, words)
        raise GarbledError("its answer has a status that nobody knows")

    def cancel(self, link: Link, provider_id: str) -> None:
        """``DELETE /v1/tasks/{id}``; nothing comes back once it runs."""
        link.ask("DELETE", f"/v1/tasks/{in_path(provider_id)}", empty=True)

    def balance(self, link: Link) -> Balance | None:
        """``GET /v1/organization``."""
        credits = number_at(link.ask("GET", "/v1/organization").body, "creditBalance")
        if credits is None:
            return None
        return Balance(credits * CREDIT, credits > 0, f"{credits:g} credits, ${credits * CREDIT:.2f}")

    def voices(self, link: Link) -> list[Voice]:
        """``GET /v1/voices``: the account's own."""
        found: list[Voice] = []
        cursor = ""
        for _ in range(20):
            told = link.ask("GET", "/v1/voices", query={"limit": "50"} | ({"cursor": cursor} if cursor else {})).body
            page = value_at(told, "data")
            for entry in page if isinstance(page, list) else []:
                if value_at(entry, "status") == "READY":
                    found.append(Voice(id_at(entry, "id"), link.clean(text_at(entry, "name")), ""))
            following = value_at(told, "nextCursor")
            if not isinstance(following, str) or not following:
                break
            cursor = following
        return found

    def clone(self, link: Link, recording: File, name: str) -> str:
        """``POST /v1/voices`` from an uploaded recording."""
        uri = self.upload(link, recording)
        body = {"name": name, "from": {"type": "audio", "audio": uri}}
        return id_at(link.ask("POST", "/v1/voices", body=body, once=True).body, "id")

    def cloned(self, link: Link, voice: str) -> bool | str:
        """``GET /v1/voices/{id}``."""
        told = link.ask("GET", f"/v1/voices/{in_path(voice)}").body
        state = text_at(told, "status")
        if state == "FAILED":
            return link.clean(value_at(told, "failureReason") or "it says no more")
        return state == "READY"

    def meaning(self, error: AnsweredError) -> Meaning:
        """An empty account is a 400 here (recorded answers; the SDK does not say)."""
        if error.status == 400 and "credits" in error.text.lower() and "enough" in error.text.lower():
            return "account"
        if error.status == 400 and "moderation" in error.text.lower():
            return "moderated"
        return usual_meaning(error)


ABLE: dict[str, Any] = {
    "veo": frozenset({"prompt", "negative", "seed", "end frame", "loop"}),
    "kling3": frozenset({"prompt", "end frame", "loop", "guidance"}),
}
"""What models take that the table of makers does not list by itself: veo3.1_fast as veo3.1, kling3.0_standard."""


def _as_uri(file: File) -> int:
    """Characters of a file as a data URI."""
    return utf16(f"data:{file.mime};base64,") + 4 * -(-len(file.data) // 3)
