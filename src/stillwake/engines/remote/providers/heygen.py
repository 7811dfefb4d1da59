"""HeyGen's v3: a picture that speaks, with a recording or with one of its voices. After developers.heygen.com.

Where HeyGen's own pages and Zapier's connector differ (``image`` as an object, or flat ``image_asset_id``), HeyGen's
are followed. v1 and v2 were promised until 2026-10-31 only and are not used.
"""

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
    picture,
    place,
    refuse,
    tidy,
    voice_file,
    within,
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
    text_at,
    usual_meaning,
    value_at,
)
from stillwake.errors import UsageError
from stillwake.types import Size

__all__ = ["HeyGen"]

SCRIPT, PROMPT = 5000, 1000
"""Characters; the script's by HeyGen's pages of v2, the motion prompt's a limit of ours; not confirmed for v3."""
FILE = 32_000_000
"""Bytes of an asset."""
RATIOS: dict[Size, str] = {
    (1280, 720): "16:9", (720, 1280): "9:16", (720, 720): "1:1", (720, 900): "4:5", (900, 720): "5:4",
}  # fmt: skip


class HeyGen(Provider):
    """``/v3/videos``, ``/v3/assets``, ``/v3/users/me``, ``/v3/voices``."""

    name: ClassVar[str] = "heygen"
    title: ClassVar[str] = "HeyGen"
    base = ("HEYGEN_BASE_URL", "https://api.heygen.com")
    secret: ClassVar[str] = "HEYGEN_API_KEY"
    makes_room: ClassVar[bool] = True
    idempotent: ClassVar[bool] = True  # by Idempotency-Key, for 24 h
    first: ClassVar[float] = 5.0
    most: ClassVar[float] = 20.0
    page: ClassVar[str] = "app.heygen.com, under projects"

    def prepare(self, order: Order) -> Wire:
        """The body of ``POST /v3/videos``, type "image"."""
        maker = maker_of("heygen")
        if order.model:
            raise UsageError(
                "Cannot ask HeyGen for this", f"{order.model!r} is none of its models", "leave --model out"
            )
        refuse(order, maker.can, model="Avatar IV")
        warnings = left_out(order, maker.can, model="Avatar IV")
        least, most = maker.lengths[0], maker.lengths[-1]
        drawn, window, size = laid(order.still, tuple(RATIOS))
        files = [picture(drawn, "still", FILE)]
        body: dict[str, Any] = {
            "type": "image", "image": {"type": "asset_id", "asset_id": place(files[0], "upload")},
            "resolution": "720p", "aspect_ratio": RATIOS[size], "fit": "cover", "output_format": "mp4",
        }  # fmt: skip
        if order.voice:
            words = within(tidy(order.say), SCRIPT, "HeyGen", "what is to be said")
            if not words:
                raise UsageError("Cannot ask HeyGen to speak", "there are no words", "add --say TEXT")
            body |= {"script": words, "voice_id": order.voice}
        elif order.sound is not None:
            if order.sound.seconds > most:
                raise UsageError(
                    "Cannot ask HeyGen to speak",
                    f"{order.sound.name} is {float(order.sound.seconds):.1f} s long, and at most {most} are taken",
                    "give a shorter recording",
                )
            files.append(voice_file(order.sound, FILE, least))
            body["audio_asset_id"] = place(files[1], "upload")
        else:
            raise UsageError(
                "Cannot ask HeyGen to speak", "there is nothing to be heard", "add --say TEXT or --sound FILE"
            )
        if order.strength != 1:  # three steps is all it has
            body["expressiveness"] = ("low", "medium", "high")[min(2, int(order.strength * 3))]
        if prompt := tidy(order.prompt):
            body["motion_prompt"] = within(prompt, PROMPT, "HeyGen", "the prompt")
        return Wire(
            "/v3/videos", body, tuple(files), size, order.seconds, "avatar-iv", window=window, warnings=tuple(warnings)
        )

    def headers(self, key: str) -> dict[str, str]:
        """The key in a header of its own."""
        return {"X-Api-Key": key}

    def upload(self, link: Link, file: File) -> str:
        """``POST /v3/assets``."""
        return id_at(link.ask("POST", "/v3/assets", form={"file": file}).body, "data", "asset_id")

    def create(self, link: Link, body: Any, job: Job) -> Accepted:
        """``POST /v3/videos`` with an Idempotency-Key: the same one again gives the same answer."""
        key = {"Idempotency-Key": job.ask_key}
        told = link.ask("POST", job.request["path"], body=body, headers=key, once=True).body
        return Accepted(id_at(told, "data", "video_id"))

    def status(self, link: Link, provider_id: str) -> Waiting | Done | Ended:
        """``GET /v3/videos/{id}``; it tells no progress."""
        told = value_at(link.ask("GET", f"/v3/videos/{in_path(provider_id)}").body, "data")
        match text_at(told, "status"):
            case "waiting" | "pending":
                return Waiting(queued=True)
            case "processing":
                return Waiting()
            case "completed":
                return Done(text_at(told, "video_url"))
            case "failed":
                code, message = value_at(told, "failure_code"), value_at(told, "failure_message")
                words = " ".join(part for part in (message, f"({code})" if code else "") if isinstance(part, str))
                moderated = "moderat" in words.lower() or "policy" in words.lower()
                return Ended("moderated" if moderated else "failed", link.clean(words))
        raise GarbledError("its answer has a status that nobody knows")

    def cancel(self, link: Link, provider_id: str) -> None:
        """``DELETE /v3/videos/{id}``; whether it stops a render that runs could not be confirmed."""
        link.ask("DELETE", f"/v3/videos/{in_path(provider_id)}", empty=True)

    def balance(self, link: Link) -> Balance | None:
        """``GET /v3/users/me``; only a wallet's amount is understood, and its inner names could not be confirmed."""
        data = value_at(link.ask("GET", "/v3/users/me").body, "data")
        wallet = value_at(data, "wallet")
        left = number_at(wallet, "remaining_balance")
        if left is None or value_at(wallet, "currency") not in (None, "usd", "USD"):
            return None
        return Balance(left, left > 0, f"${left:.2f}")

    def voices(self, link: Link) -> list[Voice]:
        """``GET /v3/voices``: the account's own, then the public ones."""
        found: list[Voice] = []
        for kind in ("private", "public"):
            token = ""
            for _ in range(20):
                query = {"type": kind, "limit": "100"} | ({"token": token} if token else {})
                told = link.ask("GET", "/v3/voices", query=query).body
                page = value_at(told, "data")
                for entry in page if isinstance(page, list) else []:
                    language = value_at(entry, "language")
                    voice = id_at(entry, "voice_id")
                    found.append(
                        Voice(
                            voice, link.clean(value_at(entry, "name") or voice),
                            link.clean(language) if isinstance(language, str) else "",
                        )
                    )  # fmt: skip
                following = value_at(told, "next_token")
                if value_at(told, "has_more") is not True or not isinstance(following, str) or not following:
                    break
                token = following
        return found

    def clone(self, link: Link, recording: File, name: str) -> str:
        """``POST /v3/voices/clone`` from an uploaded recording, in the shape that HeyGen's pages give pictures."""
        asset = self.upload(link, recording)
        body = {"voice_name": name, "audio": {"type": "asset_id", "asset_id": asset}}
        return id_at(link.ask("POST", "/v3/voices/clone", body=body, once=True).body, "data", "voice_clone_id")

    def cloned(self, link: Link, voice: str) -> bool | str:
        """``GET /v3/voices/{id}``."""
        told = value_at(link.ask("GET", f"/v3/voices/{in_path(voice)}").body, "data")
        state = value_at(told, "status")
        if state in ("failed", "error"):
            return link.clean(value_at(told, "failure_message") or "it says no more")
        return state in ("complete", "completed", None)

    def meaning(self, error: AnsweredError) -> Meaning:
        """By its own codes, then by the status."""
        code = value_at(error.body, "error", "code")
        if isinstance(code, str):
            if code in ("insufficient_credit", "quota_exceeded"):
                return "account"
            if code == "rate_limit_exceeded":
                return "busy"
            if code == "request_in_progress":
                return "taken"
            if "moderat" in code or "policy" in code:
                return "moderated"
            if code.endswith("_not_found") and error.status == 404:
                return "gone"
        return usual_meaning(error)
