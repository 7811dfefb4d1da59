"""What moves in a clip: how much, where, and with which camera; what breaks in it is told by `continuity`.

Frames are compared as small, softened pictures with their common change of light taken out. Between two of them the
difference is, to first order, the picture's gradient times its motion.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stillwake.errors import UsageError
from stillwake.inspection.missing import AROUND, TILES, Step, missing, step_of
from stillwake.inspection.stream import lying_in
from stillwake.inspection.view import SMALL, fitted, median, resized
from stillwake.moves import camera_of
from stillwake.types import CameraRecord, ClipFinding, Floats, Pixels, Size, Timeline

if TYPE_CHECKING:
    from stillwake.inspection.asked import Asked
    from stillwake.inspection.view import View

Array = npt.NDArray[np.float64]

TOP = 8
"""So many tiles, those that change most, stand for what moves: an eye's blink is no larger."""
DARK = 8.0
"""Levels added before a logarithm, so that noise in the dark counts little."""
FITTED_EVERY = 8
"""Px of the small picture between the points at which the flow is read for the camera's motion."""
FOLLOWED_EVERY = 2
"""Frames between those in which the camera is followed."""
ROUNDS = 4
"""Rounds of reweighting in which the camera's motion is freed of what moves by itself."""

FROZEN_STEPS = 4
"""Steps over which a stretch must show no change to count as frozen: five frames that are the same."""
MOVING = 1.0
"""Levels of 255 from which a tile counts as changed."""
CUT = 0.8
"""Levels of 255 of the whole picture's change below which PySceneDetect's cut is none: it looks at hues too, and those
of greys leap where a flat drawing drifts by one level of colour, by .6 at most; 55 pairs of scenes were 30 apart and
more."""
NOTHING = 0.4
"""Levels of 255 below which even the largest steps change nothing: an encoder's own trembling reaches .3."""
LIVELY = 1.0
"""Levels of 255 that one in twenty frames changes a face by at least, if it moves: one that speaks in a picture so
large that `NOTHING` moves in it reached 2.7, another 4.4 (2026-12-01); a frozen one changes by .1."""
MOVED = 0.01
"""Picture widths, or ln of the scale, by which a camera must have moved at its furthest to have moved at all; of one
that was asked to move by less than usual as much less, squared: a slight pan beside a push-in showed .0047
(2026-12-01), a camera that stands shows `STANDS`."""
BACKDROP = 0.06
"""Share of the picture that must be textured and none of people for a move to show that keeps people in their place:
19 takes of ours before a plain wall had .04 at most, 8 before something .07 at least."""
STANDS = 0.0005
"""What a camera moves by, as `MOVED`, below which the picture stands still whatever is behind it: who only breathes
before a plain wall has .0011 and more."""
FADED = 0.25
"""Share of its speed in the first third below which a camera's move has faded in the last."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """What each step from one frame to the next looks like; entry k is the step from frame ``index[k]`` - 1 to it.

    ``time`` seconds, the middle of the frame stepped to; ``step`` levels of 255, mean change of the tiles that change
    most, and ``far`` the same since `FROZEN_STEPS` frames before; ``mean`` levels, of the whole picture; ``jump``
    how many times its neighbours' mean change its own is, ``jump_share`` 0..1 of the tiles that do so, ``jump_moved``
    0..1 of those that move; all nan where the neighbours are missing.
    ``camera`` (N, 4): the common motion as shift right and down in picture widths, ln of the
    scale, and rotation in radians clockwise; ``subject`` and
    ``around`` mean motion of people and of the rest once the camera's is taken out, picture widths a second;
    ``backdrop`` 0..1, the share of the picture that is none of people and textured enough to show that;
    ``spread`` 0..1 of the tiles that change; ``missing`` how much speaks for a frame that is missing before this one,
    and ``tells`` how much would if one were, as `missing` has them; ``cuts`` the frames that begin another scene, as
    PySceneDetect has it, where the picture's light changes at all.
    """

    index: npt.NDArray[np.int64]
    time: Array
    step: Array
    far: Array
    mean: Array
    jump: Array
    jump_share: Array
    jump_moved: Array
    camera: Array
    subject: Array
    around: Array
    backdrop: Array
    spread: Array
    missing: Array
    tells: Array
    cuts: tuple[int, ...]


class Watch:
    """Takes one frame after the other; a few differences are held, of all others only numbers."""

    def __init__(self, size: Size, fps: Fraction) -> None:
        import cv2
        from scenedetect.detectors import AdaptiveDetector

        self._fps = fps
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._scenes = AdaptiveDetector(min_scene_len=1)
        self._cuts: list[int] = []
        self._before: tuple[int, Floats, Floats] | None = None
        self._rows: list[tuple[float, ...]] = []
        self._anchor: tuple[int, Pixels] | None = None
        self._moved: dict[int, tuple[float, ...]] = {}
        self._past: deque[Floats] = deque(maxlen=FROZEN_STEPS)
        self._steps: deque[tuple[int, Floats]] = deque(maxlen=3)
        self._tiles: deque[_Tiles] = deque(maxlen=7)
        self._reach = max(5, round(AROUND * float(fps)))
        self._held: deque[Step] = deque(maxlen=2 * self._reach + 1)
        self._missing: dict[int, tuple[float, float]] = {}
        self._jumps: dict[int, tuple[float, float, float]] = {}

    def take(self, view: View) -> None:
        """Measure one frame."""
        import cv2

        self._detect_scene(view)
        soft = view.soft
        light = np.log(cv2.resize(soft, (16, 16), interpolation=cv2.INTER_AREA) + DARK)
        plain = soft.astype(np.uint8)
        before, self._before = self._before, (view.index, soft, light)
        if before is None or before[0] != view.index - 1:
            self._finish_held()
            self._steps.clear()
            self._tiles.clear()
            self._past.clear()
            self._past.append(soft)
            self._anchor = view.index, plain
            return
        gain = float(np.exp(-median((light - before[2]).ravel())))
        difference: Floats = (soft + DARK) * np.float32(gain) - np.float32(DARK) - before[1]
        tiles = cv2.resize(np.abs(difference), TILES, interpolation=cv2.INTER_AREA).ravel()
        self._steps.append((view.index, difference))
        mean = float(tiles.mean())
        self._tiles.append(_Tiles(view.index, tiles, mean))
        self._compare()
        top = _top(tiles)
        far = np.nan
        if len(self._past) == FROZEN_STEPS:
            # over several steps motion adds up and a codec's noise does not
            far = _top(cv2.resize(np.abs(soft - self._past[0]), TILES, interpolation=cv2.INTER_AREA).ravel())
        self._past.append(soft)
        self._rows.append((view.index, view.time, top, far, mean, float((tiles > MOVING).mean())))
        self._follow(view, plain)

    def _follow(self, view: View, plain: Pixels) -> None:
        """What the camera did since the last frame it was followed in, shared out over the steps between."""
        if self._anchor is None:
            self._anchor = view.index, plain
        elif (steps := view.index - self._anchor[0]) >= FOLLOWED_EVERY:
            moved = _camera(self._flow.calc(self._anchor[1], plain, None), self._anchor[1], view.people)
            each = (*(value / steps for value in moved[:6]), moved[6])
            self._moved.update((index, each) for index in range(self._anchor[0] + 1, view.index + 1))
            self._anchor = view.index, plain

    def _detect_scene(self, view: View) -> None:
        import cv2
        from scenedetect import FrameTimecode

        # Half as large tells the same in 27 films and 80 cuts between them (2026-11-29), in less than half the time.
        half = resized(view.small_rgb, fitted(view.size, SMALL // 2))
        picture = cv2.cvtColor(half, cv2.COLOR_RGB2BGR)
        found = self._scenes.process_frame(FrameTimecode(view.index, float(self._fps)), picture)
        self._cuts += [int(time.frame_num) for time in found]

    def _compare(self) -> None:
        """Hold the middle one of the last steps against its neighbours."""
        if len(self._steps) == 3:
            (_, before), (index, here), (_, after) = self._steps
            self._held.append(step_of(index, before, here, after))
            if len(self._held) > self._reach:
                self._look_for_missing(len(self._held) - 1 - self._reach)
        if len(self._tiles) >= 4:
            at = max(0, len(self._tiles) - 4)
            self._jumps[self._tiles[at].frame] = _jump(
                self._tiles[at], [one for k, one in enumerate(self._tiles) if k != at]
            )

    def _look_for_missing(self, at: int) -> None:
        """Note what one of the steps held says of a missing frame."""
        self._missing[self._held[at].frame] = missing(list(self._held), at)

    def _finish_held(self) -> None:
        """Note the same of the steps that nothing more follows."""
        for at in range(max(0, len(self._held) - self._reach), len(self._held)):
            self._look_for_missing(at)
        self._held.clear()

    def finish(self) -> Motion:
        """The numbers of all frames taken."""
        self._finish_held()
        for at in range(max(1, len(self._tiles) - 3), len(self._tiles)):
            others = [one for k, one in enumerate(self._tiles) if k != at and abs(k - at) <= 3]
            if len(others) >= 3:
                self._jumps[self._tiles[at].frame] = _jump(self._tiles[at], others)
        table = np.array(self._rows, np.float64).reshape(-1, 6)
        index = table[:, 0].astype(np.int64)
        jumps = np.array([self._jumps.get(int(k), (np.nan,) * 3) for k in index]).reshape(-1, 3)
        absent = np.array([self._missing.get(int(k), (0.0, 0.0)) for k in index], np.float64).reshape(-1, 2)
        rest = next(reversed(self._moved.values()), (0.0,) * 7)
        moved = np.array([self._moved.get(int(k), rest) for k in index]).reshape(-1, 7)
        rate = float(self._fps)
        return Motion(
            index=index,
            time=table[:, 1],
            step=table[:, 2],
            far=table[:, 3],
            mean=table[:, 4],
            jump=jumps[:, 0],
            jump_share=jumps[:, 1],
            jump_moved=jumps[:, 2],
            spread=table[:, 5],
            missing=absent[:, 0],
            tells=absent[:, 1],
            camera=moved[:, :4],
            subject=moved[:, 4] * rate,
            around=moved[:, 5] * rate,
            backdrop=moved[:, 6],
            cuts=tuple(cut for cut in self._cuts if not (table[index == cut, 4] < CUT).any()),
        )


def without(motion: Motion, spans: Sequence[tuple[int, int]]) -> Motion:
    """The same, where nothing is told of the steps in some frames, first to last: nan, and a camera that rests."""
    if not spans:
        return motion
    hidden = lying_in(motion.index, ((first - 1, last + 2) for first, last in spans))
    far = lying_in(motion.index, ((first, last + FROZEN_STEPS) for first, last in spans))
    cuts = np.array(motion.cuts, np.int64)
    cuts = cuts[~lying_in(cuts, ((first - 1, last + 2) for first, last in spans))]
    blank = {
        name: np.where(hidden, np.nan, getattr(motion, name))
        for name in ("step", "mean", "jump", "jump_share", "jump_moved")
    }
    return replace(
        motion,
        **blank,
        far=np.where(far, np.nan, motion.far),
        missing=np.where(hidden, 0.0, motion.missing),
        camera=np.where(hidden[:, None], 0.0, motion.camera),
        subject=np.where(hidden, 0.0, motion.subject),
        around=np.where(hidden, 0.0, motion.around),
        cuts=tuple(cuts.tolist()),
    )


def _top(tiles: Floats) -> float:
    """The mean of those that change most."""
    return float(np.partition(tiles, -TOP)[-TOP:].mean())


class _Tiles(NamedTuple):
    """How much a step changes: ``tiles`` (N,) levels, and their mean."""

    frame: int
    tiles: Floats
    mean: float


def _jump(step: _Tiles, others: list[_Tiles]) -> tuple[float, float, float]:
    """How far a step's tiles stand out from those of the steps around it: see `Motion`."""
    around = np.sort(np.stack([other.tiles for other in others]), 0)[-2]
    usual = sorted(other.mean for other in others)[-2]
    out = step.tiles > 2.5 * around + 0.5
    moving = step.tiles > 1.0
    return (
        step.mean / max(usual, 0.15),
        np.count_nonzero(out) / len(out),
        np.count_nonzero(out & moving) / max(8.0, np.count_nonzero(moving)),
    )


def _camera(flow: Any, picture: Pixels, people: Floats | None) -> tuple[float, ...]:
    """The similarity that most of the picture follows, and what moves besides.

    ``flow`` (h, w, 2) px; gives shift x, shift y in widths, ln scale, rotation, the mean motion of people
    and of the rest besides it in widths, and how much of the picture that rest is.
    """
    height, width = picture.shape
    half = FITTED_EVERY // 2
    grid = np.s_[half::FITTED_EVERY, half::FITTED_EVERY]
    u, v = flow[grid].reshape(-1, 2).T.astype(np.float64) / width
    texture = _texture(picture)[grid].ravel()
    person = np.zeros(len(u)) if people is None else people[grid].ravel()
    weight = np.minimum(texture / 8.0, 1.0) * np.where(person > 0.3, 0.1, 1.0)
    x, y, known = _places(height, width)
    products = np.concatenate([known, np.stack([u, v, x * u + y * v, x * v - y * u])])
    fit, across, down = np.zeros(4), u, v
    trust = weight
    for _ in range(ROUNDS):
        # as `@` these would wake the threads of BLAS, which then keep a core busy with waiting
        n, sx, sy, sr, *against = np.einsum("ij,j->i", products, trust).tolist()
        normal = [[n, 0, sx, -sy], [0, n, sy, sx], [sx, sy, sr, 0], [-sy, sx, 0, sr]]
        fit = np.linalg.solve(np.array(normal) + 1e-6 * np.eye(4), np.array(against))
        right, below, scale, turn = fit.tolist()
        across, down = u - (right + scale * x - turn * y), v - (below + scale * y + turn * x)
        trust = weight / (1 + (across**2 + down**2) / 0.0015**2)
    size = np.hypot(across, down)
    sure = texture > 4.0
    on, off = (person > 0.5) & sure, (person < 0.1) & sure
    return (
        float(fit[0]),
        float(fit[1]),
        float(np.log(max(0.1, 1 + fit[2]))),
        float(fit[3]),
        float(size[on].mean()) if on.any() else 0.0,
        float(size[off].mean()) if off.any() else 0.0,
        float(off.mean()),
    )


@lru_cache(maxsize=4)
def _places(height: int, width: int) -> tuple[Array, Array, Array]:
    """Where the points are, x and y (N,) in widths from the middle, and what a weighted sum is made of: (4, N)."""
    half = FITTED_EVERY // 2
    y, x = np.mgrid[half:height:FITTED_EVERY, half:width:FITTED_EVERY].reshape(2, -1).astype(np.float64)
    x, y = (x - width / 2) / width, (y - height / 2) / width
    return x, y, np.stack([np.ones_like(x), x, y, x**2 + y**2])


def _texture(picture: Pixels) -> Floats:
    """How steep the picture is around each pixel, levels a px, float32."""
    import cv2

    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(picture, cv2.CV_32F, 0, 1, scale=1 / 8)
    steep: Floats = cv2.blur(np.abs(across) + np.abs(down), (FITTED_EVERY + 1, FITTED_EVERY + 1))
    return steep


# ----------------------------------------------------------------------------------------------------- what is found


def check(motion: Motion, asked: Asked, face: Array | None = None) -> list[ClipFinding]:
    """How much moves, and whether the camera does what was asked for.

    ``face`` (N,) levels of 255 by which a face changes from frame to frame, where one was looked at.
    """
    if np.isfinite(motion.step).sum() < 6:
        return [ClipFinding.unseen("motion", "there are too few frames")]
    lively = face is not None and bool(np.isfinite(face).any()) and float(np.nanpercentile(face, 95)) >= LIVELY
    return [_amount(motion, asked, lively), *_camera_found(motion, asked)]


def _amount(motion: Motion, asked: Asked, lively: bool) -> ClipFinding:
    """How much moves, of the subject and around it, against what was asked; ``lively`` whether a face does."""
    told = np.isfinite(motion.step)
    most = float(np.percentile(motion.step[told], 99))
    subject, around = (float(np.mean(part[told])) for part in (motion.subject, motion.around))
    words = (
        f"people move by {subject:.1%} of the picture's width a second, the rest by {around:.1%}, "
        f"the camera by {float(np.hypot(*_path(motion)[:, :2].T).max()):.1%} in all"
    )
    nothing = most < NOTHING and not lively
    return ClipFinding(
        check="motion",
        verdict="pass" if not nothing or asked.moving is False else "fail" if asked.moving else "warn",
        measured=round(most, 3),
        unit="levels of 255",
        limit=NOTHING,
        why="nothing moves in it" if nothing else words,
        fix="ask for more motion, or raise its strength" if nothing and asked.moving is not False else "",
    )


def _path(motion: Motion) -> Array:
    """Where the picture's content has gone since the first frame, (N, 4) as `Motion.camera`, cuts left out."""
    path: Array = np.cumsum(_steps(motion), axis=0)
    return path


def _steps(motion: Motion) -> Array:
    """`Motion.camera` without the cuts, nor the steps beside them: a cut is shared out over those it is seen with."""
    cut = [np.abs(motion.index - index) < FOLLOWED_EVERY for index in motion.cuts]
    steps: Array = np.where(np.any(cut, axis=0)[:, None], 0.0, motion.camera) if cut else motion.camera
    return steps


_SENSE: dict[str, tuple[int, float]] = {
    "push-in": (2, 1), "zoom-in": (2, 1), "pull-out": (2, -1), "zoom-out": (2, -1), "pan-left": (0, 1),
    "truck-left": (0, 1), "pan-right": (0, -1), "truck-right": (0, -1), "tilt-up": (1, 1), "pedestal-up": (1, 1),
    "tilt-down": (1, -1), "pedestal-down": (1, -1),
}  # fmt: skip
"""Along which column of `Motion.camera` a move shows, and which way the content goes."""


def _camera_found(motion: Motion, asked: Asked) -> list[ClipFinding]:
    """Whether the camera moves as it was asked to, and goes on doing so to the end."""
    wanted = asked.camera or camera_in(asked.prompt)
    if wanted is None:
        return []
    path, name = _path(motion), "camera"
    kinds = {one.kind: min(1.0, one.strength) for one in wanted.moves if one.kind in _SENSE}
    if not kinds:
        amount = float(np.ptp(path[:, :3], axis=0).max()) + float(np.mean(motion.around))
        over = amount < MOVED / 2
        if over and amount >= STANDS and float(np.median(motion.backdrop)) < BACKDROP:
            return [
                ClipFinding.unseen(
                    name, "the background is too plain to show a camera that keeps the subject in its place"
                )
            ]
        return [
            ClipFinding(
                check=name,
                verdict="fail" if over else "pass",
                measured=round(amount, 4),
                unit="picture widths",
                limit=MOVED / 2,
                why="the camera move that was asked for never happens" if over else "the camera moves",
                fix="ask for it in plainer words, or more strongly" if over else "",
            )
        ]
    found = []
    for kind, strength in sorted(kinds.items()):
        axis, sense = _SENSE[kind]
        course = sense * path[:, axis]
        there = float(course.max() - min(0.0, course[: max(1, int(course.argmax()))].min(initial=0.0)))
        wrong = float(-course.min())
        limit = MOVED * strength**2
        over = there < limit
        turned = over and wrong > 2 * MOVED
        found.append(
            ClipFinding(
                check=name,
                verdict="fail" if over else "pass",
                measured=round(there, 4),
                unit="picture widths" if axis < 2 else "ln of the scale",
                limit=limit,
                why=f"the {kind} goes the other way"
                if turned
                else f"the {kind} that was asked for never happens"
                if over
                else f"the {kind} moves the picture by {there:.1%}",
                fix="ask for it in plainer words, or more strongly" if over else "",
            )
        )
        if not over and not asked.loop and asked.family != "animator":
            found += _fading(motion, sense * _steps(motion)[:, axis], kind)
    return found


def _fading(motion: Motion, steps: Array, kind: str) -> list[ClipFinding]:
    """Whether a generator forgets the move it was asked for before the clip ends."""
    third = len(steps) // 3
    if third < 8:
        return []
    first, last = float(steps[:third].mean()), float(steps[-third:].mean())
    kept = last / first if first > 1e-6 else 1.0
    over = kept < FADED
    reach = max(3, third // 3)
    smooth = np.convolve(steps, np.ones(reach) / reach, "same")
    late = np.flatnonzero(smooth > 0.5 * max(first, 1e-6))
    return [
        ClipFinding(
            check="prompt drift",
            verdict="warn" if over else "pass",
            measured=round(kept, 3),
            unit="of the beginning's speed",
            limit=FADED,
            start=float(motion.time[late[-1]]) if over and len(late) else None,
            end=float(motion.time[-1]) if over else None,
            why=f"the {kind} fades: in the last third it goes at {max(0.0, kept):.0%} of its speed in the first"
            if over
            else f"the {kind} goes on to the end",
            fix="make shorter segments, each with the move in its words" if over else "",
        )
    ]


def camera_in(prompt: str) -> CameraRecord | None:
    """The camera move that a prompt speaks of, if it does in words that are known."""
    for part in re.split(r"[,;.\n]", prompt):
        if re.search(r"\b(camera|shot|dolly|zoom|pan|tilt|truck|pedestal|orbit|push|pull)", part, re.IGNORECASE):
            try:
                return camera_of(part)
            except UsageError:
                continue
    return None


def timelines(motion: Motion) -> list[Timeline]:
    """How much changes from frame to frame."""
    return [Timeline("motion", "levels of 255", motion.time.astype(np.float32), motion.step.astype(np.float32))]


def runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, last + 1) of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
