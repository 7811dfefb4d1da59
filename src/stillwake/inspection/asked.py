"""What a clip was meant to be: read from the plan it was made by, or told by whoever inspects it."""

from __future__ import annotations

from dataclasses import dataclass

from stillwake.types import Ambience, CameraRecord, Family, Plan

OURS = ("animator", "echo")
"""Engines of stillwake's own."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of whoever made the clip; a default means that nobody said.

    ``engine`` its name, ``family`` its kind; ``frames`` how many; ``face`` which one speaks, 1 being the largest;
    ``loop`` whether its end should flow into its beginning, ``repeat`` times over; ``still`` whether the background
    should stand still; ``camera`` how it should move; ``brush`` and ``ambient`` what moves besides; ``moving`` whether
    anything should; ``prompt`` the words given to a generator; ``changes`` the frames (first, last) in which a film
    was meant to fade or to dissolve, and (k, k) where frame k begins another picture.
    """

    family: Family | None = None
    engine: str = ""
    frames: int | None = None
    face: int = 1
    loop: bool | None = None
    repeat: int = 1
    still: bool = False
    camera: CameraRecord | None = None
    brush: bool = False
    ambient: Ambience | None = None
    moving: bool | None = None
    prompt: str = ""
    changes: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, plan: Plan | None) -> Asked:
        """What the plan says."""
        if plan is None or not plan.shots:
            return cls()
        shot = plan.shots[0]
        moves = shot.camera is not None or shot.brush or shot.ambient is not None
        return cls(
            family=shot.family,
            engine=shot.engine,
            frames=sum(one.frame_count * one.repeat for one in plan.shots),
            face=shot.face,
            loop=shot.loop or (None if shot.family == "generator" else False),
            repeat=shot.repeat,
            still=shot.family == "animator" and not moves,
            camera=shot.camera,
            brush=shot.brush,
            ambient=shot.ambient,
            moving=shot.motion != "still" or moves,
            prompt=shot.prompt if shot.family == "generator" else "",
        )

    @property
    def ours(self) -> bool:
        """Whether an engine of stillwake drew it, frame by frame from a timeline."""
        return self.family == "animator" and self.engine in OURS

    @property
    def everywhere(self) -> str:
        """Why no background can stand still, as a clause, or ""."""
        if self.camera is not None:
            return "the camera moves, and the background with it"
        return f"{self.ambient} drifts through all of the picture" if self.ambient is not None else ""
