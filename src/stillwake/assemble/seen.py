"""One pass over a joined film's frames: black ones, cuts, dissolves, fades, and where each picture sits."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Protocol

import numpy as np

from stillwake.assemble.edit import Edit
from stillwake.assemble.findings import AGAIN, MOST_FINDINGS, more, together
from stillwake.assemble.join import fade_frames
from stillwake.assemble.placing import DARK, LIT, Place, Sources, Turn, alone, runs
from stillwake.inspection.stream import frames_within, timing
from stillwake.inspection.view import fitted as fitted_size
from stillwake.types import Clip, ClipFinding, Pixels, Progress

LONGEST = 128
"""Longest side in px of the pictures that are compared."""
OWN = 0.4
"""Share of a step in the film that the clip itself makes there, from which a cut is the clip's own."""


class _Watcher(Protocol):
    """Something that looks at some of the film's frames."""

    @property
    def first(self) -> int:
        """The first of them."""

    @property
    def last(self) -> int:
        """The one after the last."""

    def take(self, frame: int, thumb: Pixels) -> None:
        """Look at one of them."""

    def finish(self) -> None:
        """Judge what was seen, and let go of it."""


class Look:
    """One pass over the film's frames."""

    def __init__(self, film: Clip, edit: Edit, clips: Sequence[Clip | None]) -> None:
        self.film, self.edit = film, edit
        self.sources = Sources(edit, clips, fitted_size(edit.size, LONGEST))
        self.fades = fade_frames(edit)
        self._steps: list[float] = []
        self._dark: list[int] = []
        self._found_cuts: list[int] = []
        pictures = edit.pictures
        follows = [*pictures[1:], None]
        self.placed = [
            Place(self.sources, picture, alone(picture, after, self.fades))
            for picture, after in zip(pictures, follows, strict=True)
        ]
        self.turned = [
            Turn(self.sources, before, picture, self.fades)
            for before, picture in zip([None, *pictures], pictures, strict=False)
            if before is not None or picture.transition == "fade"
        ]

    def through(self, on_progress: Progress) -> None:
        """Look at every frame of the film."""
        import cv2
        from scenedetect import FrameTimecode
        from scenedetect.detectors import AdaptiveDetector

        watchers: list[_Watcher] = [*self.placed, *self.turned]
        waiting = deque(sorted(watchers, key=lambda one: one.first))
        active: list[_Watcher] = []
        scenes, rate = AdaptiveDetector(min_scene_len=1), float(self.edit.fps)
        size, total = self.sources.size, self.film.info.frame_count
        before: Pixels | None = None
        times = timing(self.film)
        for shown in frames_within(self.film, times, ((-1.0, float("inf")),)):
            index = shown.index
            thumb: Pixels = cv2.resize(shown.pixels, size, interpolation=cv2.INTER_AREA)
            found = scenes.process_frame(FrameTimecode(index, rate), cv2.cvtColor(thumb, cv2.COLOR_RGB2BGR))
            self._found_cuts += [int(time.frame_num) for time in found]
            self._steps.append(0.0 if before is None else float(cv2.absdiff(thumb, before).mean()))
            before = thumb
            if is_dark(thumb):
                self._dark.append(index)
            while waiting and waiting[0].first <= index:
                active.append(waiting.popleft())
            for watcher in active:
                if index < watcher.last:
                    watcher.take(index, thumb)
                if index >= watcher.last - 1:
                    watcher.finish()
            active = [watcher for watcher in active if index < watcher.last - 1]
            on_progress("prove", min(index + 1, total), total)
        for watcher in [*active, *waiting]:  # the film ends before they do
            watcher.finish()

    def black(self) -> list[ClipFinding]:
        """Frames that are black and were not planned so."""
        name, fps = "black", self.edit.fps
        dark = [frame for frame in self._dark if self.fades.get(frame, 1.0) > 0.5]
        bad = [
            (first, last)
            for first, last in runs(dark)
            if not any(is_dark(thumb, LIT) for thumb in self.sources.seen([first, last - 1]))
        ]
        if not bad:
            return [
                ClipFinding(
                    check=name, verdict="pass", measured=0.0, unit="frames", limit=0.0,
                    why="no frame is black but those of its fades" if self.fades else "no frame is black",
                )
            ]  # fmt: skip
        return [
            ClipFinding(
                check=name, verdict="fail", measured=float(last - first), unit="frames", limit=0.0,
                start=float(first / fps), end=float(last / fps),
                why=f"{last - first} {'frame is' if last - first == 1 else 'frames are'} black at "
                f"{float(first / fps):.2f} s and no fade was planned there" + more(bad, place),
                fix=AGAIN,
            )
            for place, (first, last) in enumerate(bad[:MOST_FINDINGS])
        ]  # fmt: skip

    def cuts(self) -> list[ClipFinding]:
        """Cuts where none was planned."""
        name, fps = "stray cuts", self.edit.fps
        planned = {
            frame
            for picture in self.edit.pictures
            for frame in range(picture.start - picture.frames // 2 - 1, picture.start + picture.frames + 2)
        }
        stray = [cut for cut in self._found_cuts if cut not in planned and not self._is_own(cut)]
        if not stray:
            return [
                ClipFinding(
                    check=name, verdict="pass", measured=0.0, unit="cuts", limit=0.0,
                    why="nothing cuts but where it was planned",
                )
            ]  # fmt: skip
        return [
            ClipFinding(
                check=name, verdict="fail", measured=float(len(stray)), unit="cuts", limit=0.0,
                start=float((cut - Fraction(1, 2)) / fps), end=float((cut + Fraction(1, 2)) / fps),
                why=f"the film cuts at {float(cut / fps):.2f} s, and neither the edit nor the shot's clip does"
                + more(stray, place),
                fix=AGAIN,
            )
            for place, cut in enumerate(stray[:MOST_FINDINGS])
        ]  # fmt: skip

    def _is_own(self, cut: int) -> bool:
        """Whether the clip itself leaps there, or within two frames of it: where it is, `places` tells."""
        steps = [0.0]
        for picture in self.edit.pictures:
            if picture.start < cut < picture.end:
                thumbs = self.sources.thumbs(picture, range(cut - 3, cut + 3))
                course = [thumbs[frame].astype(np.int16) for frame in sorted(thumbs)]
                steps += [float(np.abs(after - before).mean()) for before, after in pairwise(course)]
        return cut < len(self._steps) and max(steps) > OWN * self._steps[cut]

    def turns(self) -> list[ClipFinding]:
        """Planned cuts, dissolves and fades."""
        kinds = {"cut": "planned cuts", "dissolve": "dissolves", "fade": "fades"}
        found: list[ClipFinding] = []
        for kind, name in kinds.items():
            turned = [turn for turn in self.turned if turn.picture.transition == kind]
            if turned:
                found += together(name, [turn.finding(name, self.edit.fps) for turn in turned])
        return found

    def places(self) -> list[ClipFinding]:
        """Whether each picture sits where it should."""
        return together("picture place", [place.finding(self.edit.fps) for place in self.placed])


def is_dark(thumb: Pixels, limit: float = DARK) -> bool:
    """Whether nine in ten pixels are darker."""
    return float((thumb <= limit).mean()) >= 0.9
