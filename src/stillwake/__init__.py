"""stillwake brings a still to life: check it, animate it, prove that the clip is clean.

The public names are loaded when they are first used; importing stillwake loads nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for editors and type checkers: the same names as in _PUBLIC, kept the same by a test
    from stillwake.engines import Engine as Engine
    from stillwake.engines import Performance as Performance
    from stillwake.engines import engine_names as engine_names
    from stillwake.engines import load_engine as load_engine
    from stillwake.errors import AccountError as AccountError
    from stillwake.errors import BudgetError as BudgetError
    from stillwake.errors import BusyError as BusyError
    from stillwake.errors import Cancelled as Cancelled
    from stillwake.errors import ClipError as ClipError
    from stillwake.errors import ConsentError as ConsentError
    from stillwake.errors import EngineUnavailableError as EngineUnavailableError
    from stillwake.errors import FaceError as FaceError
    from stillwake.errors import InputError as InputError
    from stillwake.errors import JobFailedError as JobFailedError
    from stillwake.errors import JobUnsureError as JobUnsureError
    from stillwake.errors import KeyRefusedError as KeyRefusedError
    from stillwake.errors import ModerationError as ModerationError
    from stillwake.errors import NotReadyError as NotReadyError
    from stillwake.errors import OutputError as OutputError
    from stillwake.errors import OutputExistsError as OutputExistsError
    from stillwake.errors import ProviderError as ProviderError
    from stillwake.errors import ResultError as ResultError
    from stillwake.errors import SoundError as SoundError
    from stillwake.errors import StillError as StillError
    from stillwake.errors import StillwakeError as StillwakeError
    from stillwake.errors import TranscriptError as TranscriptError
    from stillwake.errors import UnavailableError as UnavailableError
    from stillwake.errors import UnreachableError as UnreachableError
    from stillwake.errors import UsageError as UsageError
    from stillwake.errors import VoiceUnavailableError as VoiceUnavailableError
    from stillwake.inspection import inspect as inspect
    from stillwake.media import open_clip as open_clip
    from stillwake.media import open_sound as open_sound
    from stillwake.media import open_still as open_still
    from stillwake.media import read_frames as read_frames
    from stillwake.media import write_clip as write_clip
    from stillwake.readiness import EndpointJudge as EndpointJudge
    from stillwake.readiness import check as check
    from stillwake.readiness import judged as judged
    from stillwake.report import page as page
    from stillwake.route import plan as plan
    from stillwake.speech import export as export
    from stillwake.speech import listen as listen
    from stillwake.speech import say as say
    from stillwake.speech import voices as voices
    from stillwake.types import VISEMES as VISEMES
    from stillwake.types import Brief as Brief
    from stillwake.types import Clip as Clip
    from stillwake.types import Face as Face
    from stillwake.types import Finding as Finding
    from stillwake.types import Inspection as Inspection
    from stillwake.types import Plan as Plan
    from stillwake.types import Progress as Progress
    from stillwake.types import Report as Report
    from stillwake.types import RunRecord as RunRecord
    from stillwake.types import Scene as Scene
    from stillwake.types import Shot as Shot
    from stillwake.types import Sound as Sound
    from stillwake.types import Speech as Speech
    from stillwake.types import Still as Still
    from stillwake.types import Take as Take
    from stillwake.workflow import animate as animate
    from stillwake.workflow import examine as examine
    from stillwake.workflow import look as look
    from stillwake.workflow import propose as propose

__version__ = "0.1.0"

_PUBLIC: dict[str, tuple[str, ...]] = {
    "engines": ("Engine", "Performance", "engine_names", "load_engine"),
    "errors": (
        "AccountError",
        "BudgetError",
        "BusyError",
        "Cancelled",
        "ClipError",
        "ConsentError",
        "EngineUnavailableError",
        "FaceError",
        "InputError",
        "JobFailedError",
        "JobUnsureError",
        "KeyRefusedError",
        "ModerationError",
        "NotReadyError",
        "OutputError",
        "OutputExistsError",
        "ProviderError",
        "ResultError",
        "SoundError",
        "StillError",
        "StillwakeError",
        "TranscriptError",
        "UnavailableError",
        "UnreachableError",
        "UsageError",
        "VoiceUnavailableError",
    ),
    "inspection": ("inspect",),
    "media": ("open_clip", "open_sound", "open_still", "read_frames", "write_clip"),
    "readiness": ("EndpointJudge", "check", "judged"),
    "report": ("page",),
    "route": ("plan",),
    "speech": ("export", "listen", "say", "voices"),
    "types": (
        "VISEMES",
        "Brief",
        "Clip",
        "Face",
        "Finding",
        "Inspection",
        "Plan",
        "Progress",
        "Report",
        "RunRecord",
        "Scene",
        "Shot",
        "Sound",
        "Speech",
        "Still",
        "Take",
    ),
    "workflow": ("animate", "examine", "look", "propose"),
}
"""Module -> the public names it gives. ``perceive`` and ``assemble`` are rooms' names: the one function is
imported from its room, the other from ``stillwake.workflow``."""

_HOME = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"stillwake.{_HOME[name]}"), name)
    raise AttributeError(f"module 'stillwake' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
