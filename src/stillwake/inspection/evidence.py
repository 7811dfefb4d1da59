"""What the checks look at, gathered once: one pass over the decoded frames, numbers kept, pictures not."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stillwake.inspection import mouth
from stillwake.inspection.background import Backgrounds, Comparison, background_of, nothing_to_compare
from stillwake.inspection.stream import Shown, Span, Timing, frames_within, timing
from stillwake.inspection.view import Place
from stillwake.types import Box, Clip, Floats, Pixels, Plan, Progress, Scene, Sound, Speech, Still

if TYPE_CHECKING:
    from stillwake.engines import Performance
    from stillwake.perceive import MeshReader

log = logging.getLogger(__name__)

WHOLE = 40.0
"""A clip of at most so many seconds is looked at whole; a longer one through windows."""
END_WINDOW = 15.0
"""Seconds looked at where the speech begins and where it ends: there a drift shows most."""
MIDDLE_WINDOWS, MIDDLE_WINDOW = 4, 10.0
"""How many windows lie between, evenly spread, and their seconds."""
TRIES = 4
"""Frames, evenly spread, in which a face is looked for before the clip counts as one without."""
BACKGROUND_EVERY = 0.4
"""Seconds between frames whose background is kept for comparison."""
MOST_BACKGROUNDS = 60
BLOCKS = 16
"""Brightness is read in this many blocks across and down."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What each looked-at frame shows; every array has one entry a frame, in order.

    ``index`` the frame's number; ``time`` the middle of its time in seconds; ``opening`` and ``width`` of the mouth
    in mouth widths of this clip (its median), ``eyes`` lid gap over eye width, ``teeth`` by how many levels of 255
    the upper teeth became lighter since the frame before: nan where there is no face or no teeth; ``face`` (N, 4)
    px; ``luma`` mean brightness 0..255; ``blocks`` (N, 16, 16) brightness of each block; ``change`` mean difference
    from the frame before within the face, 0..255, nan at the start of a span. ``spans`` what was looked at;
    ``no_face`` why no mouth was seen, or "".
    """

    index: npt.NDArray[np.int64]
    time: npt.NDArray[np.float64]
    opening: npt.NDArray[np.float64]
    width: npt.NDArray[np.float64]
    eyes: npt.NDArray[np.float64]
    teeth: npt.NDArray[np.float64]
    face: npt.NDArray[np.float64]
    luma: npt.NDArray[np.float64]
    blocks: npt.NDArray[np.float32]
    change: npt.NDArray[np.float64]
    spans: tuple[Span, ...]
    no_face: str

    @property
    def share(self) -> float:
        """Share of the looked-at frames in which a mouth was seen, 0..1."""
        return float(np.isfinite(self.opening).mean()) if len(self.opening) else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that is known about a clip when the checks begin.

    ``still`` (H, W, 3) uint8 at the clip's size, or None; ``heard`` the timeline that was recognised from the clip's
    own sound within ``heard_spans``, or None with the reason in ``unheard``; ``backgrounds`` how the background of
    a few decoded frames compares.
    """

    clip: Clip
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

    @property
    def fps(self) -> Fraction:
        """Frames a second."""
        return self.clip.info.fps

    @property
    def seconds(self) -> float:
        """Length of the picture."""
        return float(self.clip.info.frame_count / self.clip.info.fps)


def windows(seconds: float, speech: Speech | None) -> tuple[Span, ...]:
    """Which stretches of a clip are looked at: all of a short one, else its ends and some between."""
    if seconds <= WHOLE:
        return ((0.0, seconds),)
    first, last = 0.0, seconds
    if speech is not None and (spoken := [v for v in speech.visemes if v.label != "rest"]):
        first = min(max(0.0, spoken[0].start - 1.0), seconds - END_WINDOW)
        last = max(min(seconds, spoken[-1].end + 1.0), first + END_WINDOW)
    starts = [first, last - END_WINDOW]
    inner = np.linspace(first + END_WINDOW, last - END_WINDOW - MIDDLE_WINDOW, MIDDLE_WINDOWS + 2)[1:-1]
    spans = sorted(
        [(float(start), float(start) + MIDDLE_WINDOW) for start in inner]
        + [(start, start + END_WINDOW) for start in starts]
    )
    return _joined(spans)


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


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
    on_progress: Progress,
) -> Evidence:
    """Look at a clip once; what could not be seen or heard is said.

    Raises
    ------
    stillwake.errors.ClipError
        The clip cannot be decoded.
    """
    from stillwake.inspection.hearing import hear
    from stillwake.media import clip_sound

    times = timing(clip)
    size = (clip.info.width, clip.info.height)
    seconds = float(clip.info.frame_count / clip.info.fps)
    spans = windows(seconds, speech)
    sound = clip_sound(clip.path) if clip.info.sound is not None else None
    picture = still.pixels if still is not None else scene.still.pixels if scene is not None else None
    face = plan.shots[0].face - 1 if plan is not None and plan.shots else 0
    picture = None if picture is None else at_size(picture, size)
    place = face_place(scene, face, size)
    no_face = ""
    found = scene
    if place is None:
        found, place, no_face = find_face(clip, times)
    comparison = _everywhere(plan) or _comparison(
        clip, times, picture, found, None if performance is None else performance.mask
    )
    seen = _look(clip, times, spans, place, no_face, comparison, on_progress)
    heard, heard_spans, unheard = hear(sound, spans, speech)
    return Evidence(
        clip=clip,
        timing=times,
        still=picture,
        scene=scene,
        speech=speech,
        performance=performance,
        plan=plan,
        sound=sound,
        heard=heard,
        heard_spans=heard_spans,
        unheard=unheard,
        seen=seen,
        backgrounds=comparison.finish() if isinstance(comparison, Comparison) else nothing_to_compare(comparison),
    )


def _everywhere(plan: Plan | None) -> str:
    """Why no background of the clip stands still, or "": the plan moves all of the picture."""
    shot = plan.shots[0] if plan is not None and plan.shots else None
    if shot is None:
        return ""
    if shot.camera is not None:
        return "the camera moves, and the background with it"
    return f"{shot.ambient} drifts through all of the picture" if shot.ambient is not None else ""


def _comparison(
    clip: Clip,
    times: Timing,
    picture: Pixels | None,
    scene: Scene | None,
    mask: npt.NDArray[np.bool_] | None,
) -> Comparison | str:
    """What compares the background, or why it cannot be."""
    region = background_of(scene, mask, (clip.info.width, clip.info.height))
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


def find_face(clip: Clip, times: Timing) -> tuple[Scene | None, Place | None, str]:
    """The scene in one of a few frames, where its largest face is, or None and why."""
    from hashlib import sha256

    from stillwake.perceive import perceive

    count = len(times.ticks)
    half = float(1 / clip.info.fps) / 4
    first = None
    for at in np.unique(np.linspace(0, count - 1, TRIES).round().astype(int)):
        middle = float(times.seconds(int(at))) + 2 * half
        for shown in frames_within(clip, times, ((middle - half, middle + half),)):
            pixels = shown.pixels.copy()
            scene = perceive(Still(pixels, f"frame {shown.index}", sha256(pixels.tobytes()).hexdigest()))
            first = first or scene
            if scene.faces:
                face = scene.faces[0]
                return scene, Place(face.box, face.roll, face.kind), ""
    return first, None, "no face was found in it"


def _look(
    clip: Clip,
    times: Timing,
    spans: tuple[Span, ...],
    place: Place | None,
    no_face: str,
    comparison: Comparison | str,
    on_progress: Progress,
) -> Seen:
    from stillwake.perceive import MeshReader

    watch = _Watch(clip, spans, no_face, comparison if isinstance(comparison, Comparison) else None)
    total = sum(int((end - start) * clip.info.fps) for start, end in spans)
    with MeshReader() as reader:
        for done, shown in enumerate(frames_within(clip, times, spans)):
            place = watch.take(shown, reader, place)
            on_progress("inspect", min(done + 1, total), total)
    return watch.finish()


class _Watch:
    """Takes one frame after the other and keeps its numbers."""

    def __init__(self, clip: Clip, spans: tuple[Span, ...], no_face: str, comparison: Comparison | None) -> None:
        self.spans, self.no_face, self._comparison = spans, no_face, comparison
        self.size = (clip.info.width, clip.info.height)
        looked = sum(end - start for start, end in spans)
        self._every = max(BACKGROUND_EVERY, looked / MOST_BACKGROUNDS)
        self._compared = -self._every
        self._rows: list[tuple[int, float, float, float, float, float, float, float, float]] = []
        self._faces: list[tuple[float, float, float, float]] = []
        self._blocks: list[Floats] = []
        self._before: tuple[int, Pixels] | None = None
        self._teeth: tuple[int, Floats] | None = None
        self._rest: tuple[float, float] | None = None

    def take(self, shown: Shown, reader: MeshReader, place: Place | None) -> Place | None:
        """Measure a frame; gives back where the face is looked for in the next one."""
        import cv2

        grey = cv2.cvtColor(shown.pixels, cv2.COLOR_RGB2GRAY)
        self._blocks.append(cv2.resize(grey, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA).astype(np.float32))
        mesh = None if place is None else reader.mesh(shown.pixels, place.box, roll=place.roll, kind=place.kind)
        nan = float("nan")
        gap, wide, lids, teeth = nan, nan, nan, nan
        where = (nan, nan, nan, nan)
        if mesh is not None:
            gap, wide, lids = mouth.opening(mesh), mouth.width(mesh), mouth.eyes_open(mesh)
            if self._rest is None:
                self._rest = mouth.upper_edge(mesh), wide
            patch = mouth.teeth_patch(shown.pixels, mesh, *self._rest)
            if self._teeth is not None and self._teeth[0] == shown.index - 1:
                teeth = mouth.teeth_step(self._teeth[1], patch)
            self._teeth = shown.index, patch
            where = mouth.box_of(mesh)
            place = Place(where, 0.0) if place is None else place._replace(box=_followed(place.box, where))
        region = np.s_[:, :] if place is None else _slices(place.box, self.size)
        change = nan
        if self._before is not None and self._before[0] == shown.index - 1:
            change = float(cv2.absdiff(grey, self._before[1])[region].mean())
        self._before = (shown.index, grey)
        self._faces.append(where)
        self._rows.append((shown.index, shown.time, gap, wide, lids, teeth, float(grey.mean()), change, 0.0))
        if self._comparison is not None and shown.time - self._compared >= self._every:
            self._comparison.take(shown.time, shown.pixels)
            self._compared = shown.time
        return place

    def finish(self) -> Seen:
        """All that was seen."""
        table = np.array(self._rows, np.float64).reshape(-1, 9)
        seen_width = table[:, 3][np.isfinite(table[:, 3])]
        unit = float(np.median(seen_width)) if len(seen_width) else 1.0
        no_face = self.no_face
        if not no_face and not len(seen_width):
            no_face = "no mouth was found in its frames"
        return Seen(
            index=table[:, 0].astype(int),
            time=table[:, 1],
            opening=table[:, 2] / unit,
            width=table[:, 3] / unit,
            eyes=table[:, 4],
            teeth=table[:, 5],
            face=np.array(self._faces, np.float64).reshape(-1, 4),
            luma=table[:, 6],
            blocks=np.array(self._blocks, np.float32).reshape(-1, BLOCKS, BLOCKS),
            change=table[:, 7],
            spans=self.spans,
            no_face=no_face,
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
