"""Who makes clips: every engine that is known by name, ours or anybody's, what it can do and what it costs.

The table is dated. A price is that of the model named, at 720p and without sound, in USD; ``sure`` says who says so.
An engine that runs on one's own machine costs nothing but time.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from stillwake.types import Family

__all__ = ["HOLDS", "MAKERS", "TABLE_DATE", "Ability", "Maker", "Price", "known", "named", "nearest", "takers"]

TABLE_DATE = "2026-11-28"
"""When the prices and the abilities were read."""

HOLDS = Fraction(4)
"""Seconds for which generated motion keeps to its prompt, unless the engine says otherwise: 3 to 4, users report."""

SMOOTH = Fraction(24)
"""Frames a second from which on motion is seen as motion."""

Sure = Literal["first party", "third party", "derived"]
Ability = Literal[
    "prompt", "negative", "seed", "end frame", "loop", "camera", "brush", "conditioning", "guidance", "steps",
    "speech", "voices", "expression",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Price:
    """What a ``second`` costs in USD; begun steps of ``step`` seconds count whole; ``source`` is where it was read."""

    second: float
    step: Fraction
    source: str
    sure: Sure

    def of(self, seconds: Fraction) -> float:
        """USD for a clip of that many seconds."""
        steps = -int(-seconds // self.step)
        return self.second * float(steps * self.step)


@dataclass(frozen=True, slots=True)
class Maker:
    """An engine that is known by name.

    ``title`` in a sentence, with the ``model`` that the facts are of; ``family``; ``local`` runs on one's own machine.
    ``lengths`` the seconds a clip may have, rising, empty where any will do; ``holds`` for how long it keeps to its
    prompt; ``price`` None where nobody said; ``wait`` seconds for a second of clip, None where nobody said; ``can``
    what it takes besides a picture; ``fps`` the frames a second that it makes, None where nobody said.

    ``models`` are its others, by the names they are asked for with, each with facts of its own.
    """

    title: str
    family: Family
    model: str = ""
    local: bool = False
    lengths: tuple[Fraction, ...] = ()
    holds: Fraction = HOLDS
    price: Price | None = None
    wait: float | None = None
    can: frozenset[Ability] = frozenset()
    fps: Fraction | None = None
    models: Mapping[str, Maker] = field(default_factory=dict, hash=False)

    def of(self, model: str) -> Maker:
        """The engine with that model of its, "" being its usual one; of a model nobody knows no price is claimed."""
        if not model or model == self.model:
            return self
        shown = model.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]  # a folder's name, never where it lies
        return self.models.get(model) or replace(self, model=shown, price=None, wait=None)

    def fitting(self, needs: Collection[Ability]) -> str | None:
        """The first of its models that takes all of that, "" being the usual one; None where none does."""
        if self.can.issuperset(needs):
            return ""
        return next((name for name, model in self.models.items() if model.can.issuperset(needs)), None)

    @property
    def could(self) -> frozenset[Ability]:
        """What any of its models takes."""
        return self.can.union(*(model.can for model in self.models.values()))

    def caution(self) -> list[str]:
        """What to tell about its price before anything is spent, as sentences; none where it is free."""
        if self.local:
            return []
        if self.price is None:
            return [f"nobody knows what {self.title} costs: look it up before you spend"]
        return [f"prices are those of {TABLE_DATE} ({self.price.sure}: {self.price.source}): look before you spend"]

    def rate(self) -> Fraction | None:
        """The frames a second its clips should have: its own, so many times over that motion is smooth."""
        return None if self.fps is None else self.fps * -int(-SMOOTH // self.fps)

    def length_for(self, seconds: Fraction) -> Fraction:
        """The shortest clip it makes that is long enough, else its longest."""
        if not self.lengths:
            return seconds
        return next((length for length in self.lengths if length >= seconds), self.lengths[-1])

    def cost(self, seconds: Fraction) -> float | None:
        """USD for a clip of that many seconds; None where no price is known."""
        return 0.0 if self.local else None if self.price is None else self.price.of(seconds)


def known(engine: str, model: str = "") -> Maker | None:
    """What the table knows of an engine with that model; None of a stranger's."""
    return MAKERS[engine].of(model) if engine in MAKERS else None


def takers(ability: Ability) -> tuple[str, ...]:
    """The engines of the table that take it, by their titles."""
    return tuple(maker.title for maker in MAKERS.values() if maker.family == "generator" and ability in maker.could)


def _seconds(*values: int | str) -> tuple[Fraction, ...]:
    return tuple(Fraction(value) for value in values)


def _can(*abilities: Ability) -> frozenset[Ability]:
    return frozenset(abilities)


def _kling(model: str, second: float | None, *abilities: Ability, lengths: tuple[int, ...] = (5, 10)) -> Maker:
    source = "fal.ai, the list price of its platform"
    price = None if second is None else Price(second, Fraction(5), source, "third party")
    can = _can("prompt", "negative", *abilities)
    return Maker(
        "Kling", "generator", model, lengths=_seconds(*lengths), price=price, wait=30, fps=Fraction(24), can=can
    )


_KLING: Mapping[str, Maker] = {
    "kling-v2-5-turbo-pro": _kling("v2.5 turbo, pro", 0.07, "end frame", "loop"),
    "kling-v2-6-pro": _kling("v2.6, pro", None, "end frame", "loop"),
    "kling-v2-1": _kling("v2.1, std", 0.056),
    "kling-v2-1-pro": _kling("v2.1, pro", 0.098, "end frame", "loop"),
    "kling-v1-6-pro": _kling("v1.6, pro", 0.098, "end frame", "loop", "guidance"),
    "kling-v1-5-pro": _kling("v1.5, pro", 0.098, "camera", "end frame", "loop", "guidance", lengths=(5,)),
    "kling-v1": _kling("v1, std", 0.045, "brush", "end frame", "loop", "guidance", lengths=(5,)),
}
"""Kling's models, a mode behind the name; masks, camera and end frame as ComfyUI's nodes and Kling's pages say it."""

_RUNWAY: Mapping[str, Maker] = {
    "gen4.5": Maker(
        "Runway", "generator", "gen4.5", lengths=_seconds(*range(2, 11)), wait=12, fps=Fraction(24),
        price=Price(0.12, Fraction(1), "12 credits a second at $0.01, docs.dev.runwayml.com", "first party"),
        can=_can("prompt", "seed"),
    ),
    "kling2.5_turbo_pro": Maker(
        "Runway", "generator", "Kling 2.5 turbo pro there", lengths=_seconds(5, 10), fps=Fraction(24),
        can=_can("prompt", "end frame", "loop", "guidance"),
    ),
    "veo3.1": Maker(
        "Runway", "generator", "Veo 3.1 there", lengths=_seconds(4, 6, 8), fps=Fraction(24),
        price=Price(0.20, Fraction(2), "20 credits a second without sound, the runwayml SDK", "first party"),
        can=_can("prompt", "negative", "seed", "end frame", "loop"),
    ),
}  # fmt: skip
"""What Runway's key also reaches."""

MAKERS: Mapping[str, Maker] = {
    "animator": Maker("stillwake's animator", "animator", local=True, can=_can("speech", "camera", "brush", "loop")),
    "echo": Maker("stillwake's echo", "animator", local=True),
    "did": Maker(
        "D-ID", "animator", "talks, Pro plan: 30 min for $48",
        price=Price(48 / 1800, Fraction(15), "d-id.com/pricing; the plan by api-evangelist", "third party"),
        wait=4, can=_can("speech", "voices", "expression"),
    ),
    "heygen": Maker(
        "HeyGen", "animator", "Avatar IV", lengths=_seconds(*range(3, 181)),
        price=Price(0.05, Fraction(1), "developers.heygen.com/docs/pricing, no rounding named", "first party"),
        can=_can("speech", "voices"),
    ),
    "wan": Maker(
        "Wan", "generator", "2.2 I2V, 81 frames at 16 a second", local=True,
        lengths=_seconds("33/16", "49/16", "65/16", "81/16"), wait=110, fps=Fraction(16),
        can=_can("prompt", "negative", "seed", "end frame", "loop", "guidance", "steps"),
    ),
    "ltx": Maker(
        "LTX-Video", "generator", "0.9.6, up to 257 frames at 30 a second", local=True,
        lengths=_seconds(*(f"{frames}/30" for frames in range(65, 258, 8))), wait=15, fps=Fraction(30),
        can=_can("prompt", "negative", "seed", "end frame", "loop", "conditioning", "guidance", "steps"),
    ),
    "svd": Maker(
        "Stable Video Diffusion", "generator", "14 or 25 frames at 7 a second", local=True,
        lengths=_seconds(2, "25/7"), holds=Fraction(25, 7), wait=50, fps=Fraction(7),
        can=_can("seed", "conditioning", "guidance", "steps"),
    ),
    "framepack": Maker(
        "FramePack", "generator", "built in sections against drift, up to 60 s", local=True,
        holds=Fraction(60), wait=75, fps=Fraction(30),
        can=_can("prompt", "negative", "seed", "end frame", "loop", "guidance", "steps"),
    ),
    "cogvideox": Maker(
        "CogVideoX", "generator", "5B I2V, 49 frames at 8 a second", local=True, lengths=_seconds("49/8"), wait=30,
        fps=Fraction(8), can=_can("prompt", "negative", "seed", "guidance", "steps"),
    ),
    "hunyuan": Maker(
        "HunyuanVideo", "generator", "I2V, 129 frames at 24 a second", local=True,
        lengths=_seconds("129/24"), wait=350, fps=Fraction(24),
        can=_can("prompt", "negative", "seed", "guidance", "steps"),
    ),
    "kling": Maker(
        "Kling", "generator", "v2.5 turbo, std", lengths=_seconds(5, 10),
        price=Price(0.042, Fraction(5), "fal.ai; Kling's own units at list price agree", "third party"), wait=30,
        fps=Fraction(24), can=_can("prompt", "negative"), models=_KLING,
    ),
    "runway": Maker(
        "Runway", "generator", "gen4_turbo", lengths=_seconds(*range(2, 11)),
        price=Price(0.05, Fraction(1), "5 credits a second at $0.01, docs.dev.runwayml.com", "first party"), wait=6,
        fps=Fraction(24), can=_can("prompt", "seed"), models=_RUNWAY,
    ),
    "luma": Maker(
        "Luma", "generator", "ray-3.2", lengths=_seconds(5),
        price=Price(0.06, Fraction(5), "$0.30 a clip of 5 s, docs.comfy.org and runware.ai", "third party"),
        fps=Fraction(24), can=_can("prompt", "end frame", "loop"),
    ),
    "pika": Maker(
        "Pika", "generator", "2.2", lengths=_seconds(5, 10),
        price=Price(0.04, Fraction(5), "$0.20 a clip of 5 s, fal.ai", "third party"),
        can=_can("prompt", "negative", "seed"),
    ),
    "hailuo": Maker(
        "Hailuo", "generator", "MiniMax 02, 768P", lengths=_seconds(6, 10),
        price=Price(0.28 / 6, Fraction(1), "$0.28 a clip of 6 s, docs.comfy.org", "third party"), wait=22,
        can=_can("prompt", "end frame"),
    ),
    "veo": Maker(
        "Veo", "generator", "3.1, with sound", lengths=_seconds(4, 6, 8),
        price=Price(0.40, Fraction(2), "ai.google.dev, as quoted on 2026-10-07", "first party"), wait=20,
        can=_can("prompt", "negative", "seed", "end frame"),
    ),
    "vllm": Maker(
        "vLLM-Omni", "generator", "a server of one's own", local=True,
        can=_can("prompt", "negative", "seed", "guidance", "steps"),
    ),
    "comfyui": Maker(
        "ComfyUI", "generator", "a server of one's own, with a workflow", local=True,
        can=_can("prompt", "negative", "seed", "guidance", "steps", "end frame", "loop", "conditioning"),
    ),
    "diffusion": Maker(
        "diffusers", "generator", "any image-to-video pipeline in a folder (--model)", local=True,
        can=_can("prompt", "negative", "seed", "end frame", "loop", "conditioning", "guidance", "steps"),
    ),
    **{
        name: Maker(title, "generator", local=name != "sora" and name != "seedance")
        for name, title in (
            ("kandinsky", "Kandinsky"), ("seedance", "Seedance"), ("sora", "Sora"), ("cosmos", "Cosmos"),
            ("skyreels", "SkyReels"), ("anisora", "AniSora"),
        )
    },
    **{
        name: Maker(title, "animator", local=name in ("liveportrait", "sadtalker", "wav2lip"))
        for name, title in (
            ("liveportrait", "LivePortrait"), ("sadtalker", "SadTalker"), ("wav2lip", "Wav2Lip"), ("hedra", "Hedra"),
            ("synthesia", "Synthesia"),
        )
    },
}  # fmt: skip
"""Every engine that is known by name; among those that could do a thing, the first is taken."""

_OTHER_NAMES = {
    "gen3": "runway", "gen4": "runway", "dreammachine": "luma", "ray2": "luma", "ray3": "luma", "rayflash": "luma",
    "stablevideodiffusion": "svd", "stability": "svd", "cogvideo": "cogvideox", "minimax": "hailuo",
}  # fmt: skip
"""What else an engine is called; the beginning of a name is enough, so that a model's number may follow."""


def named(name: str) -> str | None:
    """The engine of the table that a person means by a name, or None: "gen4_turbo" is Runway's."""
    plain = name.strip().lower()
    if plain in MAKERS:
        return plain
    letters = re.sub(r"[^a-z0-9]", "", plain)
    known = {**{key: key for key in MAKERS if key not in ("animator", "echo")}, **_OTHER_NAMES}
    return next((known[begin] for begin in sorted(known, key=len, reverse=True) if letters.startswith(begin)), None)


def nearest(name: str) -> str | None:
    """The engine of the table whose name looks most like it, for a question."""
    letters = re.sub(r"[^a-z0-9]", "", name.lower())[:80]
    near = difflib.get_close_matches(letters, [*MAKERS, *_OTHER_NAMES], 1)
    return (_OTHER_NAMES.get(near[0], near[0])) if near else None
