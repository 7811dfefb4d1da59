"""What the checks look at, gathered once: one pass over the decoded frames, numbers kept, pictures not."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stillwake.inspection import changes, light, loop, morph, morph_drawn, morph_mesh, motion, mouth, rigid
from stillwake.inspection.asked import Asked
from stillwake.inspection.background import Backgrounds, Comparison, background_of, nothing_to_compare
from stillwake.inspection.changes import Change
from stillwake.inspection.file import Blockiness, Blocks, FileFacts, facts
from stillwake.inspection.light import Light
from stillwake.inspection.loop import Ends
from stillwake.inspection.morph import Shape
from stillwake.inspection.motion import Motion
from stillwake.inspection.rigid import Rigid
from stillwake.inspection.stream import Shown, Span, Timing, frames_within, lying_in, timing
from stillwake.inspection.view import Place, View
from stillwake.types import Box, Clip, Floats, Pixels, Plan, Progress, Scene, Sound, Speech, Still

if TYPE_CHECKING:
    from stillwake.engines import Performance
    from stillwake.perceive import MeshReader

log = logging.getLogger(__name__)

PEOPLE_EVERY = Fraction(1, 2)
"""Seconds between frames in which people are looked for."""
AHEAD = 6
"""Frames decoded ahead, in another thread."""
TRIES = 4
"""Frames, evenly spread, in which a face is looked for before the clip counts as one without."""
BACKGROUND_EVERY = 0.4
"""Seconds between frames whose background is kept for comparison."""
MOST_BACKGROUNDS = 60
LOST = 0.2
"""Seconds without a face after which it is looked for in the whole frame, and then again as often."""
STEADY = 25
"""Frames of whose eye distances the median is a drawn head's size: a blink takes 7, a camera moves in by little."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What each looked-at frame shows; every array has one entry a frame, in order.

    ``index`` the frame's number; ``time`` the middle of its time in seconds; ``opening`` and ``width`` of the mouth
    in mouth widths of this clip (its median), ``eyes`` lid gap over eye width, ``teeth`` by how many levels of 255
    the upper teeth became lighter since the frame before: nan where there is no face or no teeth; ``face`` (N, 4)
    px; ``change`` mean difference from the frame before within the face, 0..255, nan at the start; ``unlike`` levels
    of 255 by which the mouth's picture differs from the one in the first frame that shows it. ``unit`` px of a
    mouth width; ``spans`` what was looked at; ``no_face`` why no mouth was seen, or ""; ``drawn`` whether a drawn face
    was looked at.
    """

    index: npt.NDArray[np.int64]
    time: npt.NDArray[np.float64]
    opening: npt.NDArray[np.float64]
    width: npt.NDArray[np.float64]
    eyes: npt.NDArray[np.float64]
    teeth: npt.NDArray[np.float64]
    face: npt.NDArray[np.float64]
    change: npt.NDArray[np.float64]
    unlike: npt.NDArray[np.float64]
    unit: float
    spans: tuple[Span, ...]
    no_face: str
    drawn: bool

    @property
    def share(self) -> float:
        """Share of the looked-at frames in which a mouth was seen, 0..1."""
        return float(np.isfinite(self.opening).mean()) if len(self.opening) else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that is known about a clip when the checks begin.

    ``still`` (H, W, 3) uint8 at the clip's size, or None; ``heard`` the timeline that was recognised from the clip's
    own sound within ``heard_spans``, or None with the reason in ``unheard``; ``backgrounds`` how the background of
    a few decoded frames compares; ``changes`` the fades and dissolves that nobody asked for, in whose frames nothing
    else is looked at; ``light``, ``motion``, ``shape`` of the face, ``rigid`` background and ``blocks`` of
    the codec what each of their watches saw; ``ends`` the first and last frames; ``facts`` what the file says.
    """

    clip: Clip
    asked: Asked
    timing: Timing
    still: Pixels | None
    scene: Scene | None
    speech: Speech | None
    performance: Performance | None
    plan: Plan | None
    sound: Sound | None
    heard: Speech | None
    heard_spans: tuple[Span, ...]
    unheard: str
    seen: Seen
    backgrounds: Backgrounds
    light: Light
    changes: tuple[Change, ...]
    motion: Motion
    shape: Shape
    rigid: Rigid
    blocks: Blockiness
    ends: Ends
    facts: FileFacts

    @property
    def fps(self) -> Fraction:
        """Frames a second."""
        return self.clip.info.fps

    @property
    def changing(self) -> list[tuple[int, int]]:
        """The frames, first to last, in which the picture fades or becomes another, asked for or not."""
        return changes.frames(self.changes, self.asked)

    @property
    def scenes(self) -> list[tuple[int, int]]:
        """The frames, first to last, of each scene."""
        return changes.scenes(self.changes, self.asked, self.motion.cuts, self.clip.info.frame_count)

    @property
    def filmed(self) -> bool:
        """Whether a camera may have made it: no drawn face is seen, and nobody says from which still, or by whom."""
        made = replace(self.asked, frames=None, changes=())  # a film's edit does not say who made its shots
        return not self.seen.drawn and self.still is None and self.plan is None and made == Asked()

    @property
    def as_drawn(self) -> Callable[[int], Pixels] | None:
        """The frame of an index as our own animator drew it, of a loop in any of its rounds; None if not at hand."""
        performance = self.performance
        if performance is None or not self.asked.ours:
            return None
        return lambda index: performance.frame(index % performance.frame_count)

    @property
    def seconds(self) -> float:
        """Length of the picture."""
        return float(self.clip.info.frame_count / self.clip.info.fps)


def at_size(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """The picture at that size, itself where it has it already."""
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    import cv2

    smaller = size[0] < picture.shape[1]
    resized: Pixels = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    return resized


def gather(
    clip: Clip,
    *,
    still: Still | None,
    scene: Scene | None,
    speech: Speech | None,
    performance: Performance | None,
    plan: Plan | None,
    asked: Asked | None = None,
    on_progress: Progress,
) -> Evidence:
    """Look at a clip once, all of it; what could not be seen or heard is said.

    ``asked`` what the clip was meant to be, if no plan says it.

    Raises
    ------
    stillwake.errors.ClipError
        The clip cannot be decoded.
    """
    from stillwake.inspection.hearing import hearing
    from stillwake.media import clip_sound

    asked = asked or Asked.of(plan)
    times = timing(clip)
    size = (clip.info.width, clip.info.height)
    spans = ((0.0, float(clip.info.frame_count / clip.info.fps)),)
    sound = clip_sound(clip.path) if clip.info.sound is not None else None
    with hearing(sound, spans, speech) as ear:
        picture = still.pixels if still is not None else scene.still.pixels if scene is not None else None
        picture = None if picture is None else at_size(picture, size)
        place = face_place(scene, asked.face - 1, size)
        no_face = ""
        found = scene
        still_mesh = None if picture is None or place is None else mesh_of(picture, place)
        if place is None:
            found, place, no_face = find_face(clip, times)
        mask = None if performance is None else performance.mask
        comparison = asked.everywhere or _comparison(clip, times, picture, found, mask)
        watches = _Watches(clip, spans, place, no_face, comparison, picture, still_mesh)
        watches.look(times, on_progress)
        told = facts(clip)
        heard = ear.result()
    seen_light = watches.light.finish()
    changed = changes.unasked(changes.changes(seen_light), asked)
    hidden = changes.frames(changed, asked)
    moved = motion.without(watches.motion.finish(), hidden)
    scenes = changes.scenes(changed, asked, moved.cuts, clip.info.frame_count)
    faded = [_seconds(one, clip.info.fps) for one in hidden]
    if hidden:
        comparison = "the picture fades or becomes another"
    return Evidence(
        clip=clip,
        asked=asked,
        timing=times,
        still=picture,
        scene=scene,
        speech=speech,
        performance=performance,
        plan=plan,
        sound=sound,
        heard=heard.speech,
        heard_spans=heard.spans,
        unheard=heard.why,
        seen=without(watches.mouth.finish(), hidden),
        backgrounds=comparison.finish() if isinstance(comparison, Comparison) else nothing_to_compare(comparison),
        light=seen_light,
        changes=changed,
        motion=moved,
        shape=morph.within(watches.shape.finish(), [_seconds(one, clip.info.fps) for one in scenes], faded),
        rigid=rigid.without(watches.rigid.finish(), faded),
        blocks=watches.blocks.finish(),
        ends=watches.ends.finish(),
        facts=told,
    )


def without(seen: Seen, spans: Sequence[tuple[int, int]]) -> Seen:
    """The same, but for the mouth in some frames, first to last: there is none in the dark, and two in a dissolve."""
    hidden = lying_in(seen.index, spans)
    if not hidden.any():
        return seen
    return replace(
        seen,
        opening=np.where(hidden, np.nan, seen.opening),
        width=np.where(hidden, np.nan, seen.width),
        unlike=np.where(hidden, np.nan, seen.unlike),
        eyes=np.where(hidden, np.nan, seen.eyes),
        teeth=np.where(hidden, np.nan, seen.teeth),
        change=np.where(hidden, np.nan, seen.change),
    )


def _seconds(span: tuple[int, int], fps: Fraction) -> Span:
    """When the frames from the first to the last of a span are shown."""
    return float(span[0] / fps), float((span[1] + 1) / fps)


def _comparison(
    clip: Clip,
    times: Timing,
    picture: Pixels | None,
    scene: Scene | None,
    mask: npt.NDArray[np.bool_] | None,
) -> Comparison | str:
    """What compares the background, or why it cannot be."""
    region = background_of(scene, mask, (clip.info.width, clip.info.height))
    if region is None and scene is not None and scene.matte is not None:
        return "the matte leaves out part of the face, so it does not say where the background is"
    if region is None:
        return "no matte says where the background is"
    if picture is not None:
        return Comparison(picture, region, "the still")
    for shown in frames_within(clip, times, ((0.0, float(1 / clip.info.fps)),)):
        return Comparison(shown.pixels.copy(), region, "its first frame")
    return "it has no frame"


def face_place(scene: Scene | None, face: int, size: tuple[int, int]) -> Place | None:
    """Where the scene's face is in the clip."""
    if scene is None or face >= len(scene.faces):
        return None
    x, y = size[0] / scene.still.size[0], size[1] / scene.still.size[1]
    found = scene.faces[face]
    x0, y0, x1, y1 = found.box
    return Place((x0 * x, y0 * y, x1 * x, y1 * y), found.roll, found.kind)


def mesh_of(picture: Pixels, place: Place) -> Floats | None:
    """The mesh of the face in the still itself, (478, 3) px."""
    from stillwake.perceive import MeshReader

    with MeshReader() as reader:
        return reader.mesh(picture, place.box, roll=place.roll, kind=place.kind)


def find_face(clip: Clip, times: Timing) -> tuple[Scene | None, Place | None, str]:
    """The scene in one of a few frames, where its largest face is, or None and why."""
    from hashlib import sha256

    from stillwake.perceive import glance

    count = len(times.ticks)
    half = float(1 / clip.info.fps) / 4
    first = None
    for at in np.unique(np.linspace(0, count - 1, TRIES).round().astype(int)):
        middle = float(times.seconds(int(at))) + 2 * half
        for shown in frames_within(clip, times, ((middle - half, middle + half),)):
            pixels = shown.pixels.copy()
            scene = glance(Still(pixels, f"frame {shown.index}", sha256(pixels.tobytes()).hexdigest()))
            first = first or scene
            if scene.faces:
                face = scene.faces[0]
                return scene, Place(face.box, face.roll, face.kind), ""
    return first, None, "no face was found in it"


class _Watches:
    """Everything that looks at the frames, each frame once."""

    def __init__(
        self,
        clip: Clip,
        spans: tuple[Span, ...],
        place: Place | None,
        no_face: str,
        comparison: Comparison | str,
        still: Pixels | None,
        still_mesh: Floats | None,
    ) -> None:
        size, fps = (clip.info.width, clip.info.height), clip.info.fps
        self._clip, self._spans, self._place = clip, spans, place
        self._comparison = comparison if isinstance(comparison, Comparison) else None
        looked = sum(end - start for start, end in spans)
        self._every = max(BACKGROUND_EVERY, looked / MOST_BACKGROUNDS)
        self._compared = -self._every
        self._people: tuple[int, Floats] | None = None
        self._sought = 0
        """The frame in which the face was last seen or looked for."""
        drawn = place is not None and place.kind == "drawn"
        self.mouth = _Mouth(spans, no_face, drawn)
        self.light, self.motion = light.Watch(size, fps), motion.Watch(size, fps)
        self.shape = morph.Watch(morph_drawn.DRAWN if drawn else morph_mesh.PHOTOGRAPHED, size, fps, still, still_mesh)
        self.rigid = rigid.Watch(size, fps, still)
        self.blocks = Blocks()
        self.ends = loop.Watch()

    def look(self, times: Timing, on_progress: Progress) -> None:
        """Show them every frame."""
        from stillwake.perceive import MeshReader

        total = sum(int((end - start) * self._clip.info.fps) for start, end in self._spans)
        with MeshReader() as reader:
            views = (self.view(shown, reader) for shown in frames_within(self._clip, times, self._spans))
            for done, view in enumerate(_ahead(views)):
                self.take(view)
                on_progress("inspect", min(done + 1, total), total)

    def view(self, shown: Shown, reader: MeshReader) -> View:
        """One frame with its people and its face; in order, for each is looked for where the one before was."""
        place = self._place
        mesh = None
        if place is not None:
            mesh = reader.mesh(shown.pixels, place.box, roll=place.roll, kind=place.kind)
            if mesh is None and shown.index - self._sought >= LOST * self._clip.info.fps:
                self._sought = shown.index
                found = reader.look_for(shown.pixels, place.box, kind=place.kind)
                if found is not None:
                    place = Place(*found, place.kind)
                    mesh = reader.mesh(shown.pixels, place.box, roll=place.roll, kind=place.kind)
            if mesh is not None:
                self._place = place._replace(box=_followed(place.box, mouth.box_of(mesh)))
                self._sought = shown.index
        view = View(shown, mesh, place, None)
        view.people = self._look_for_people(view)
        view.draw()
        return view

    def take(self, view: View) -> None:
        """One frame, for all of them."""
        self.mouth.take(view)
        for watch in (self.light, self.motion, self.shape, self.rigid, self.blocks, self.ends):
            watch.take(view)
        if self._comparison is not None and view.time - self._compared >= self._every:
            self._comparison.take(view.time, view.pixels)
            self._compared = view.time

    def _look_for_people(self, view: View) -> Floats:
        from stillwake.perceive import people

        step = max(1, round(PEOPLE_EVERY * self._clip.info.fps))
        if self._people is None or view.index - self._people[0] >= step:
            self._people = view.index, people(view.small_rgb)
        return self._people[1]


def _ahead(frames: Iterator[View]) -> Iterator[View]:
    """The same frames, decoded and their faces found in another thread, a few ahead."""
    with ThreadPoolExecutor(1, "stillwake decoder") as decoder:
        waiting: deque[Future[View | None]] = deque(decoder.submit(next, frames, None) for _ in range(AHEAD))
        try:
            while (shown := waiting.popleft().result()) is not None:
                waiting.append(decoder.submit(next, frames, None))
                yield shown
        finally:
            for future in waiting:
                future.cancel()


class _Mouth:
    """Takes one frame after the other and keeps the numbers of its mouth."""

    def __init__(self, spans: tuple[Span, ...], no_face: str, drawn: bool) -> None:
        self.spans, self.no_face, self.drawn = spans, no_face, drawn
        self._rows: list[tuple[int, float, float, float, float, float, float, float, float]] = []
        self._first: mouth.Template | None = None
        self._scales: deque[float] = deque(maxlen=STEADY)
        self._faces: list[tuple[float, float, float, float]] = []
        self._before: tuple[int, Pixels] | None = None
        self._teeth: tuple[int, Floats] | None = None
        self._rest: tuple[float, float] | None = None

    def take(self, view: View) -> None:
        """Measure a frame."""
        import cv2

        nan = float("nan")
        gap, wide, lids, teeth, scale, unlike = nan, nan, nan, nan, nan, nan
        where = (nan, nan, nan, nan)
        mesh = view.mesh
        if mesh is not None:
            head = mouth.skull(mesh)
            gap, wide, lids = mouth.opening(mesh, head), mouth.width(mesh, head), mouth.eyes_open(mesh)
            scale = head.scale
            self._scales.append(scale)
            if self._first is None:
                self._first = mouth.Template.of(view.pixels, mesh, head)
            unlike = self._first.unlike(view.pixels, mesh, head, float(np.median(self._scales)))
            if self._rest is None:
                self._rest = mouth.upper_edge(mesh, head), wide
            patch = mouth.teeth_patch(view.pixels, mesh, head, *self._rest)
            if self._teeth is not None and self._teeth[0] == view.index - 1:
                teeth = mouth.teeth_step(self._teeth[1], patch)
            self._teeth = view.index, patch
            where = mouth.box_of(mesh)
        region = np.s_[:, :] if view.place is None else _slices(view.place.box, view.size)
        change = nan
        if self._before is not None and self._before[0] == view.index - 1:
            here, there = view.grey[region], self._before[1][region]
            change = cv2.norm(here, there, cv2.NORM_L1) / here.size if here.size else nan
        self._before = (view.index, view.grey)
        self._faces.append(where)
        self._rows.append((view.index, view.time, gap, wide, lids, teeth, change, scale, unlike))

    def finish(self) -> Seen:
        """All that was seen."""
        table = np.array(self._rows, np.float64).reshape(-1, 9)
        there = np.isfinite(table[:, 3])
        unit = float(np.median(table[there, 3])) if there.any() else 1.0
        no_face = self.no_face
        if not no_face and not there.any():
            no_face = "no mouth was found in its frames"
        return Seen(
            index=table[:, 0].astype(int),
            time=table[:, 1],
            opening=table[:, 2] / unit,
            width=table[:, 3] / unit,
            eyes=table[:, 4],
            teeth=table[:, 5],
            face=np.array(self._faces, np.float64).reshape(-1, 4),
            change=table[:, 6],
            unlike=table[:, 8],
            unit=float(np.median(table[there, 3] * table[there, 7])) if there.any() else 0.0,
            spans=self.spans,
            no_face=no_face,
            drawn=self.drawn,
        )


def _followed(box: Box, face: Box) -> Box:
    """Where to look next: the same box while the face stays in it, so that the crop does not jitter with the mesh."""
    side = max(box[2] - box[0], box[3] - box[1])
    apart = max(abs((box[0] + box[2]) - (face[0] + face[2])), abs((box[1] + box[3]) - (face[1] + face[3]))) / 2
    grown = max(face[2] - face[0], face[3] - face[1]) / max(side, 1e-6)
    return face if apart > 0.12 * side or not 0.75 < grown < 1.33 else box


def _slices(box: Box, size: tuple[int, int]) -> tuple[slice, slice]:
    x0, y0, x1, y1 = (round(value) for value in box)
    return slice(max(0, y0), max(1, min(size[1], y1))), slice(max(0, x0), max(1, min(size[0], x1)))
