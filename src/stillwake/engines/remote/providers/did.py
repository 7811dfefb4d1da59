"""D-ID's talks: a face that speaks, with a recording or with one of its voices. After docs.d-id.com."""

from __future__ import annotations

import base64
import os
import re
from typing import Any, ClassVar

from stillwake.engines.remote.journal import Job
from stillwake.engines.remote.link import GarbledError, Link
from stillwake.engines.remote.order import (
    File,
    Order,
    Wire,
    even,
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
    Provider,
    Voice,
    Waiting,
    id_at,
    in_path,
    number_at,
    text_at,
    value_at,
)
from stillwake.errors import UsageError

__all__ = ["Did"]

SCRIPT = 40_000
"""Characters; not in the pages that could be read: a limit of ours."""
PICTURE, SOUND = 10_000_000, 14_000_000
"""Bytes; D-ID's pages name 10 MB for pictures and 15 MB for sound, which could not be confirmed."""
LONGEST = 300
"""Seconds; "up to 5 minutes" by third parties, not confirmed."""
PLAIN_VOICES = "Neural"
"""How voices of Microsoft's end; others are taken for ElevenLabs'."""


class Did(Provider):
    """``/talks``, ``/images``, ``/audios``, ``/credits``, ``/tts/voices``."""

    name: ClassVar[str] = "did"
    title: ClassVar[str] = "D-ID"
    base = ("DID_BASE_URL", "https://api.d-id.com")
    secret: ClassVar[str] = "DID_API_KEY"
    first: ClassVar[float] = 2.0
    most: ClassVar[float] = 8.0
    page: ClassVar[str] = "studio.d-id.com, in the library"

    def prepare(self, order: Order) -> Wire:
        """The body of ``POST /talks``, without the note that tells it from others."""
        allowed = maker_of("did").can
        if order.model not in ("", "talks"):
            raise UsageError("Cannot ask D-ID for this", f"{order.model!r} is none of its models", "leave --model out")
        refuse(order, allowed, model="talks")
        warnings = left_out(order, allowed, model="talks")
        if order.prompt:
            warnings.append("D-ID moves the face by the words alone: the prompt is left out")
        drawn, window, size = laid(order.still, (even(order.still_size, least=256, most=2048),))
        files = [picture(drawn, "still", PICTURE)]
        script: dict[str, Any]
        if order.voice:
            words = within(tidy(order.say), SCRIPT, "D-ID", "what is to be said")
            if not words:
                raise UsageError("Cannot ask D-ID to speak", "there are no words", "add --say TEXT")
            kind, voice = _voice(order.voice)
            script = {"type": "text", "input": words, "provider": {"type": kind, "voice_id": voice}}
        elif order.sound is not None:
            if order.sound.seconds > LONGEST:
                raise UsageError(
                    "Cannot ask D-ID to speak", f"{order.sound.name} is longer than {LONGEST} s", "give a shorter one"
                )
            files.append(voice_file(order.sound, SOUND))
            script = {"type": "audio", "audio_url": place(files[1], "upload")}
        else:
            raise UsageError(
                "Cannot ask D-ID to speak", "there is nothing to be heard", "add --say TEXT or --sound FILE"
            )
        config: dict[str, Any] = {"stitch": True, "result_format": "mp4"}  # stitched: the whole picture, not the face
        strength = round(order.strength, 3)
        if strength != 1:
            config["motion_factor"] = strength  # in their example's config; its range is unconfirmed
        if order.expression is not None:
            config["driver_expressions"] = {
                "expressions": [{"start_frame": 0, "expression": order.expression, "intensity": strength}]
            }
        body = {"source_url": place(files[0], "upload"), "script": script, "config": config}
        return Wire(
            "/talks", body, tuple(files), size, order.seconds, "talks", window=window, warnings=tuple(warnings)
        )

    def headers(self, key: str) -> dict[str, str]:
        """The key, as D-ID's pages show it; in base64 with DID_KEY_ENCODING=base64, as third parties have it."""
        coded = os.environ.get("DID_KEY_ENCODING", "").strip().lower()
        if coded not in ("", "raw", "base64"):
            raise UsageError("Cannot use DID_KEY_ENCODING", "it is neither raw nor base64", "set it to one of them")
        return {"Authorization": f"Basic {base64.b64encode(key.encode()).decode() if coded == 'base64' else key}"}

    def upload(self, link: Link, file: File) -> str:
        """``POST /images`` or ``POST /audios``; both are kept for a day or two."""
        picture = file.mime.startswith("image/")
        told = link.ask("POST", "/images" if picture else "/audios", form={"image" if picture else "audio": file}).body
        url = text_at(told, "url")
        if not url.startswith(("s3://", "https://")):
            raise GarbledError("its answer has no url that can be one")
        return url

    def create(self, link: Link, body: Any, job: Job) -> Accepted:
        """``POST /talks``; no idempotency key, but a note in ``user_data`` that `find` looks for."""
        told = link.ask("POST", job.request["path"], body={**body, "user_data": job.ask_key}, once=True).body
        return Accepted(id_at(told, "id"))

    def find(self, link: Link, job: Job) -> str | None:
        """The talk with our note among the newest of ``GET /talks`` (api-evangelist's OpenAPI of D-ID, 2026-06).

        That ``user_data`` comes back in the list could not be confirmed; what is found is certain, what is not found
        says nothing.
        """
        talks = value_at(link.ask("GET", "/talks", query={"limit": "100"}).body, "talks")
        for talk in talks if isinstance(talks, list) else []:
            if value_at(talk, "user_data") == job.ask_key:
                return id_at(talk, "id")
        return None

    def status(self, link: Link, provider_id: str) -> Waiting | Done | Ended:
        """``GET /talks/{id}``; ``pending_url`` is no result."""
        told = link.ask("GET", f"/talks/{in_path(provider_id)}").body
        match text_at(told, "status"):
            case "created":
                return Waiting(queued=True)
            case "started":
                return Waiting()
            case "done":
                return Done(text_at(told, "result_url"))
            case "error" | "rejected" as state:
                error = value_at(told, "error")
                words = " ".join(
                    part for part in (value_at(error, "description"), value_at(error, "kind")) if isinstance(part, str)
                )
                moderated = state == "rejected" or "moderation" in words.lower()
                return Ended("moderated" if moderated else "failed", link.clean(words))
        raise GarbledError("its answer has a status that nobody knows")

    def cancel(self, link: Link, provider_id: str) -> None:
        """``DELETE /talks/{id}``."""
        link.ask("DELETE", f"/talks/{in_path(provider_id)}", empty=True)

    def balance(self, link: Link) -> Balance | None:
        """``GET /credits``: what is left of a plan; a credit's price hangs on the plan, so no USD."""
        left = number_at(link.ask("GET", "/credits").body, "remaining")
        return None if left is None else Balance(None, left > 0, f"{left:g} credits")

    def voices(self, link: Link) -> list[Voice]:
        """``GET /tts/voices`` (a client of 2023; not confirmed today)."""
        told = link.ask("GET", "/tts/voices").body
        found = []
        for entry in told if isinstance(told, list) else []:
            kind, voice = value_at(entry, "provider"), value_at(entry, "id")
            if not isinstance(voice, str) or not voice:
                continue
            language = value_at(entry, "locale") or value_at(entry, "language")
            found.append(
                Voice(
                    f"{link.clean(kind)}:{voice}" if isinstance(kind, str) and kind else voice,
                    link.clean(value_at(entry, "name") or voice),
                    link.clean(language) if isinstance(language, str) else "",
                )
            )  # fmt: skip
        return found


def _voice(text: str) -> tuple[str, str]:
    """(provider, voice id) of "microsoft:en-US-JennyNeural", or of an id alone."""
    kind, _, voice = text.partition(":")
    if voice and re.fullmatch(r"[a-z][a-z0-9_-]*", kind):  # as `voices` lists them, whatever kinds there are
        return kind, voice
    return ("microsoft" if PLAIN_VOICES in text else "elevenlabs"), text
