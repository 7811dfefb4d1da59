"""A take: a clip before it is encoded, with all that is known of it, and where it moves: read by no detector."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from stillwake.types import Clip, Floats, Inspection, Pixels, Plan, Samples, Scene, Shot, Sound, Speech, Still

Half = Literal["tune", "test"]
Mask = npt.NDArray[np.bool_]

SIZE, FPS = 640, Fraction(25)
"""Longest side in px, and frames a second, unless something else is said."""
SMALL = 160
"""Longest side in px of the grey pictures in which motion is measured."""
BLOCK = 8
"""Side in px of the blocks of those: a mouth that opens fills one, and changes the picture's mean by nothing."""
SUBJECT = 0.1
"""Matte from which a pixel may belong to a person."""


@dataclass(frozen=True, eq=False)
class Known:
    """What the engine says it drew in each frame of a talking face: ``openings`` (n,) px, ``lips`` (n, 2, k, 2) px."""

    openings: Floats
    lips: Floats


@dataclass(frozen=True, eq=False)
class Take:
    """A clip before encoding, and all that was known when it was made.

    ``source`` the picture, person or file that it shows, which decides its half; ``kind`` "talk", "voice", "long",
    "loop", "camera" for ours, "real" and "spoken" (known to be a talking face) for others'; ``faces`` (n, 4) boxes in
    px, or None; ``subject`` (H, W) bool, True where people are, or None; ``crf`` what it is encoded with.
    """

    name: str
    source: str
    kind: str
    frames: list[Pixels]
    fps: Fraction = FPS
    sound: Sound | None = None
    speech: Speech | None = None
    scene: Scene | None = None
    plan: Plan | None = None
    known: Known | None = None
    faces: Floats | None = None
    subject: Mask | None = None
    crf: int = 18
    performance: Any = field(default=None, repr=False)

    @property
    def ours(self) -> bool:
        """Whether stillwake drew it."""
        return self.plan is not None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in px."""
        return self.frames[0].shape[1], self.frames[0].shape[0]

    @property
    def seconds(self) -> float:
        """How long its picture is."""
        return float(len(self.frames) / self.fps)

    @property
    def loop(self) -> bool:
        """Whether its end flows into its beginning."""
        return self.plan is not None and self.plan.shots[0].loop

    @cached_property
    def small(self) -> Floats:
        """(n, h, w) grey, levels of 255."""
        import cv2

        scale = min(1.0, SMALL / max(self.size))
        size = tuple(max(BLOCK, round(side * scale)) for side in self.size)
        grey = [
            cv2.cvtColor(cv2.resize(f, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY) for f in self.frames
        ]
        return np.array(grey, np.float32)

    @cached_property
    def steps(self) -> Floats:
        """(n - 1,) by how many levels each frame differs from the one before, on average over the picture."""
        small = self.small
        return np.array([np.abs(b - a).mean() for a, b in pairwise(small)], np.float32)

    def apart(self, one: int, other: int) -> float:
        """By how many levels two frames differ in the block in which they differ most: what can be seen of it."""
        difference = np.abs(self.small[one] - self.small[other])
        height, width = (side // BLOCK * BLOCK for side in difference.shape)
        blocks = difference[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
        return float(blocks.mean((1, 3)).max())


def half_of(source: str) -> Half:
    """The half that a picture, a person or a file belongs to, by the hash of its name."""
    return "tune" if hashlib.sha1(source.encode()).digest()[0] % 2 else "test"


def seeded(*of: object) -> np.random.Generator:
    """Chance that is the same whenever the same is asked."""
    return np.random.default_rng(list(hashlib.sha1(repr(of).encode()).digest()[:8]))


def samples_of(sound: Sound) -> Samples:
    """All its samples, (n, channels) int16."""
    return np.concatenate(list(sound.blocks()))


def a_still() -> Still:
    """Scikit-image's astronaut: a photograph in the public domain that comes with the package."""
    import skimage.data

    pixels = np.ascontiguousarray(skimage.data.astronaut())
    return Still(pixels, "astronaut.png", hashlib.sha256(pixels.tobytes()).hexdigest())


def a_take(still: Still, speech: Speech | None, size: int = SIZE, fps: Fraction = FPS, **shot: Any) -> Take:
    """The still says it, or lives: scene, raw frames, plan, and the performance that drew them.

    ``shot`` are fields of the shot: ``motion``, ``seconds``, ``loop``, ``camera``.
    """
    from stillwake.engines import frames, load_engine

    scene = scene_of(still, size)
    shot.setdefault("motion", "live" if speech is None else "talk")
    if speech is not None:
        shot.setdefault("seconds", speech.sound.seconds)
    planned = Shot(family="animator", engine="animator", fps=fps, size=scene.still.size, seed=1, **shot)
    performance = load_engine("animator").prepare(scene, planned, speech)
    with performance:
        drawn = [frame.copy() for frame in frames(performance)]
    take = Take(
        name=still.name, source=still.name, kind="talk", frames=drawn, fps=fps, speech=speech,
        sound=None if speech is None else speech.sound, scene=scene, plan=Plan(shots=(planned,)),
        known=_known(performance, len(drawn)), performance=performance,
    )  # fmt: skip
    return with_places(take)


def _known(performance: Any, count: int) -> Known | None:
    if not hasattr(performance, "warp"):
        return None
    with performance:
        warps = [performance.warp(index) for index in range(count)]
    if any(len(w.lips[0]) != len(w.lips[1]) for w in warps):
        return None
    return Known(
        np.array([w.opening for w in warps], np.float32),
        np.array([[w.lips[0], w.lips[1]] for w in warps], np.float32),
    )


def with_places(take: Take) -> Take:
    """The take with what its scene says of the face and the people, which move by a few px at most."""
    from dataclasses import replace

    if take.scene is None or take.plan is None:
        return take
    moving = take.plan.shots[0].camera is not None
    faces = None
    if take.scene.faces and not moving:
        faces = np.repeat(np.array([take.scene.faces[0].box], np.float32), len(take.frames), 0)
    matte = take.scene.matte
    return replace(take, faces=faces, subject=None if matte is None else matte > SUBJECT)


def scene_of(still: Still, size: int) -> Scene:
    """What is seen in the still, no larger than that on its longest side; both sides even."""
    from stillwake.perceive import perceive, scaled

    scale = min(1.0, size / max(still.size))
    return scaled(perceive(still), (int(still.size[0] * scale) // 2 * 2, int(still.size[1] * scale) // 2 * 2))


def encoded(take: Take, folder: Path) -> Clip:
    """The take as a clip on disk."""
    from stillwake.media import write_clip

    return write_clip(
        folder / "take.mp4", iter(take.frames), fps=take.fps, frame_count=len(take.frames), size=take.size,
        sound=take.sound, overwrite=True, crf=take.crf,
    )  # fmt: skip


def inspected(take: Take, folder: Path, raw: bool = False) -> Inspection:
    """The take encoded and inspected with all that is known; the raw frames are shown only when asked."""
    return told(take, encoded(take, folder), raw)


def told(take: Take, clip: Clip, raw: bool = False) -> Inspection:
    """The clip inspected by somebody who made it."""
    from stillwake.inspection import inspect

    return inspect(
        clip, still=None if take.scene is None else take.scene.still, scene=take.scene, speech=take.speech,
        plan=take.plan, performance=take.performance if raw else None,
    )  # fmt: skip


def stranger(take: Take, clip: Clip) -> Inspection:
    """The clip inspected by somebody who has nothing else."""
    from stillwake.inspection import inspect

    return inspect(clip)


MODES: dict[str, Callable[[Take, Clip], Inspection]] = {"told": told, "stranger": stranger}
