"""The engines: from a shot to a `stillwake.engines.generated.Generated` that reads the kept clip."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from stillwake.engines.remote.driving import Task, drive, job_of
from stillwake.engines.remote.journal import Job, journal
from stillwake.engines.remote.link import Pace
from stillwake.engines.remote.order import Order, Wire, around_people, key_of, maker_of
from stillwake.engines.remote.provider import Provider
from stillwake.engines.remote.results import untouched
from stillwake.errors import EngineUnavailableError, NotReadyError, ResultError, UsageError
from stillwake.types import Family, Pixels, Progress, Scene, Shot, Sound, Speech, no_progress

if TYPE_CHECKING:
    from stillwake.engines.generated import Generated

__all__ = ["PROVIDERS", "RemoteEngine", "asked_for", "order_of", "provider_of"]

asked_for: ContextVar[str] = ContextVar("asked_for", default="")
"""The name of the clip that is being made, for the journal; set it around ``prepare`` and ``begin``."""

PROVIDERS = {
    "runway": ("runway", "Runway"), "kling": ("kling", "Kling"), "luma": ("luma", "Luma"), "did": ("did", "Did"),
    "heygen": ("heygen", "HeyGen"), "vllm": ("vllm", "Vllm"), "comfyui": ("comfyui", "ComfyUi"),
}  # fmt: skip
"""Engine -> module and class of its provider."""

SUMMARIES = {
    "runway": "Runway's models, and Kling's and Veo behind its key (hosted, costs money)",
    "kling": "Kling: motion brush, camera and end frame on the models that have them (hosted, costs money)",
    "luma": "Luma's ray-3.2: start and end frame, loops (hosted, costs money)",
    "did": "D-ID: a face that speaks, with your sound or its voices (hosted, costs money)",
    "heygen": "HeyGen: a picture that speaks, with your sound or its voices (hosted, costs money)",
    "vllm": "a vLLM-Omni server of your own",
    "comfyui": "a ComfyUI server of your own, with your workflow as --model",
}


def provider_of(engine: str) -> Provider:
    """The provider of an engine's name.

    Raises
    ------
    stillwake.errors.UsageError
        There is none.
    """
    from importlib import import_module

    if engine not in PROVIDERS:
        raise UsageError(f"Cannot ask {engine[:40]!r}", "it is no hosted engine", f"choose {', '.join(PROVIDERS)}")
    module, name = PROVIDERS[engine]
    found: type[Provider] = getattr(import_module(f"stillwake.engines.remote.providers.{module}"), name)
    return found()


def order_of(engine: str, scene: Scene, shot: Shot, speech: Speech | None) -> Order:
    """What a shot asks of a provider."""
    talks = shot.motion == "talk"
    strokes = scene.strokes if shot.brush else None
    return Order(
        engine=engine, still=scene.still.pixels, seconds=shot.seconds, fps=shot.fps, size=shot.size, model=shot.model,
        prompt=shot.prompt, negative=shot.negative, seed=shot.seed,
        end=scene.end.pixels if shot.ends and scene.end is not None else None,
        strokes=None if strokes is None else around_people(strokes, scene.matte),
        pinned=scene.pinned if shot.brush else None,
        camera=shot.camera, strength=shot.strength,
        hold=shot.hold, guidance=shot.guidance, steps=shot.steps, loop=shot.loop,
        say=shot.say if talks else "", voice=shot.voice if talks else "",
        sound=speech.sound if talks and speech is not None and not shot.voice else None, expression=shot.expression,
    )  # fmt: skip


@dataclass(slots=True)
class Asked:
    """A shot that is in the journal."""

    provider: Provider
    wire: Wire
    job: Job


class RemoteEngine:
    """An engine behind a wire.

    Parameters
    ----------
    name
        One of `PROVIDERS`.
    pace
        How time is spent; None is as the environment says.
    """

    def __init__(self, name: str, pace: Pace | None = None) -> None:
        self.name = name
        self.family: Family = maker_of(name).family
        self.motions = frozenset({"generate"} if self.family == "generator" else {"talk"})
        self.summary = SUMMARIES[name]
        self._pace = pace

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def pace(self) -> Pace:
        """How time is spent."""
        return Pace.of_environment() if self._pace is None else self._pace

    def missing(self, model: str = "") -> str | None:
        """None where it can be asked, else the order that makes it available: a key, or where the server is."""
        return provider_of(self.name).missing(model)

    def begin(self, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress) -> None:
        """Ask for the shot without waiting for it: it is written down, sent, and accepted when this returns.

        Raises
        ------
        stillwake.errors.StillwakeError
            As `prepare`, but for what comes after it was accepted.
        """
        self._driven(self._asked(scene, shot, speech), on_progress, until="running")

    def prepare(
        self, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress
    ) -> Generated:
        """The clip of the shot: out of the journal, or asked for and waited for.

        The performance has besides ``made_with``, a plain record of how it was made, and ``sound``, the provider's
        own where it spoke, else None; then its number of frames follows that sound.

        Raises
        ------
        stillwake.errors.UsageError
            The shot asks for what the provider does not have.
        stillwake.errors.EngineUnavailableError
            There is no key.
        stillwake.errors.ProviderError
            It did not do what was asked; each kind says what to do. The journal has the job.
        stillwake.errors.Cancelled
            The user stopped the waiting; the job goes on there.
        """
        asked = self._asked(scene, shot, speech)
        asked.job = self._driven(asked, on_progress, until="made")
        return _performed(asked, shot)

    def _asked(self, scene: Scene, shot: Shot, speech: Speech | None) -> Asked:
        what = f"Cannot render with {self.name}"
        if shot.motion not in self.motions:
            raise UsageError(
                what, f"it cannot do the motion {shot.motion}",
                f"ask for {' or '.join(sorted(self.motions))}, or choose another engine",
            )  # fmt: skip
        if self.family == "animator" and not shot.voice and speech is None:
            raise NotReadyError(what, "there is nothing to be heard", "add --say TEXT or --sound FILE")
        provider = provider_of(self.name)
        wire = provider.prepare(order_of(self.name, scene, shot, speech))
        key = key_of(self.name, wire, shot.seed)
        price = shot.price if shot.price else maker_of(self.name).of(shot.model).cost(shot.seconds)
        if (line := provider.missing(shot.model)) and not journal().knows(key):
            raise EngineUnavailableError(what, "something it needs is not here", f"run: {line}")
        job = journal().enter(key, wire, engine=self.name, name=asked_for.get(), price=price)
        return Asked(provider, wire, job)

    def _driven(self, asked: Asked, on_progress: Progress, until: str) -> Job:
        """The job, made; or accepted, where that is all."""
        if asked.job.state == "made" and untouched(asked.job.result, asked.job.sha256):
            return asked.job
        if line := asked.provider.missing(asked.job.model):
            raise EngineUnavailableError(
                f"Cannot render with {self.name}", "something it needs is not here", f"run: {line}"
            )
        link = asked.provider.link(self.pace)
        try:
            files = {file.id: file for file in asked.wire.files}
            task = Task(asked.job, asked.provider, link, journal(), self.pace, files=files, until=until)
            return job_of(drive([task], on_progress=on_progress)[0])
        finally:
            link.close()


def _performed(asked: Asked, shot: Shot) -> Generated:
    """The kept clip as the shot asks for it."""
    from stillwake.engines.generated import Generated, Window
    from stillwake.media import clip_sound, open_clip, read_frames

    job, wire = asked.job, asked.wire
    assert job.result is not None
    clip = open_clip(job.result)
    size = (clip.info.width, clip.info.height)
    notes = list(wire.warnings)
    window = wire.window
    shape = size[0] * wire.size[1] / (size[1] * wire.size[0])
    if abs(shape - 1) > 0.03:
        notes.append(f"{asked.provider.title} gave the clip another shape than was asked for: {size[0]}x{size[1]}")
    if window is not None and size != wire.size:
        across, down = size[0] / wire.size[0], size[1] / wire.size[1]
        left, top = round(window.left * across), round(window.top * down)
        window = Window(
            left,
            top,
            min(size[0] - left, round(window.width * across)),
            min(size[1] - top, round(window.height * down)),
        )
    sound: Sound | None = None
    if shot.motion == "talk" and shot.voice:
        sound = clip_sound(job.result)
        if sound is None:
            journal().note(job, state="failed", billed=1, error_kind="ResultError", error="it came without a sound")
            raise ResultError(
                f"Cannot use the clip of the job {job.id}", f"{asked.provider.title} sent it without a sound",
                f"ask for it again and pay again: stillwake jobs resend {job.id}",
            )  # fmt: skip
        shot = shot.model_copy(update={"seconds": Fraction(clip.info.frame_count) / clip.info.fps})

    def frames() -> Iterator[Pixels]:
        return read_frames(clip)

    performance = Generated(
        frames, fps=clip.info.fps, count=clip.info.frame_count, shot=shot, window=window, notes=tuple(notes)
    )
    told: Any = performance
    told.made_with, told.sound = _made_with(asked, clip.info.sha256), sound
    return performance


def _made_with(asked: Asked, sha256: str) -> dict[str, Any]:
    """How a clip was made, in plain values, for its record."""
    job = asked.job
    return {
        "provider": job.engine, "model": job.model, "job": job.id, "provider_job": job.provider_id,
        "seed": job.seed, "price": job.price, "cost": job.cost, "cost_told": job.cost_told,
        "path": job.request["path"], "request": _without_pictures(job.request["body"]), "clip_sha256": sha256,
    }  # fmt: skip


def _without_pictures(value: Any) -> Any:
    """A body with the hash of each file in its place."""
    if isinstance(value, dict):
        if "$file" in value:
            return f"sha256:{value['$file']}"
        return {key: _without_pictures(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_pictures(inner) for inner in value]
    return value
