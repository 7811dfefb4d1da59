"""Hosted engines, and servers of one's own: runway, kling, luma, did, heygen, vllm, comfyui.

A provider is a pure half, which makes the request of a shot and checks it, and a wire half, which asks one thing at a
time (`stillwake.engines.remote.provider`). Between them stands the journal: every job is written down before it is
asked for, so that nothing is paid twice and nothing paid is lost (`stillwake.engines.remote.driving` has the table of
states). Everything goes over plain httpx, never over the providers' SDKs: those repeat a create after a 5xx or a lost
connection without an idempotency key, and runwayml's own waiting does not see a cancelled job; they are used only to
hold the fakes of `stillwake.testing` against. docs/generators-hosted.md is the user's page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stillwake.engines.remote.desk import (
        adopt,
        cancel,
        clone_voice,
        forget,
        jobs,
        resend,
        resume,
        resume_all,
        voices,
    )
    from stillwake.engines.remote.engine import RemoteEngine, asked_for
    from stillwake.engines.remote.journal import Job
    from stillwake.engines.remote.link import Pace

__all__ = [
    "Job", "Pace", "RemoteEngine", "adopt", "asked_for", "cancel", "clone_voice", "comfyui", "did", "forget", "heygen",
    "jobs", "kling", "luma", "resend", "resume", "resume_all", "runway", "vllm", "voices",
]  # fmt: skip

_HOME = {
    **dict.fromkeys(
        ("adopt", "cancel", "clone_voice", "forget", "jobs", "resend", "resume", "resume_all", "voices"), "desk"
    ),
    "RemoteEngine": "engine", "asked_for": "engine", "Job": "journal", "Pace": "link",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def _engine(name: str) -> RemoteEngine:
    from stillwake.engines.remote.engine import RemoteEngine

    return RemoteEngine(name)


def runway() -> RemoteEngine:
    """The engine runway, at no cost."""
    return _engine("runway")


def kling() -> RemoteEngine:
    """The engine kling, at no cost."""
    return _engine("kling")


def luma() -> RemoteEngine:
    """The engine luma, at no cost."""
    return _engine("luma")


def did() -> RemoteEngine:
    """The engine did, at no cost."""
    return _engine("did")


def heygen() -> RemoteEngine:
    """The engine heygen, at no cost."""
    return _engine("heygen")


def vllm() -> RemoteEngine:
    """The engine vllm, at no cost."""
    return _engine("vllm")


def comfyui() -> RemoteEngine:
    """The engine comfyui, at no cost."""
    return _engine("comfyui")
