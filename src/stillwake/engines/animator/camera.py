"""A camera in front of a still: each layer's own map, and how far the move may go.

Nearness D is measured against the subject: 1 at its place, 0 infinitely far. A camera that has walked the share q of
the way to the subject, stands a = (ax, ay) px to the side (what it shifts at the subject's distance), turned by s px
and zoomed by K shows the point x of the still, counted from a pivot, at

    x' = K ((x - a (D - 1)) / (1 - q D) - s)

A frame needs the inverse. Within one layer D is smooth, so plain rounds of it settle quickly; layers have a D each,
carried on past their own edge, so nothing is stretched where they part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator.fields import Grid
from stillwake.types import CameraKey, CameraMove, CameraRecord, Floats, Size

Mask = npt.NDArray[np.bool_]

PUSH, DOLLY_ZOOM, ORBIT, PAN, TILT, TRUCK, ZOOM, DRIFT, HAND = 0.12, 0.13, 0.08, 0.06, 0.05, 0.05, 0.10, 0.03, 0.010
"""How far a move of strength 1 goes: shares of the subject's distance, or of the picture's width or height."""
ROUNDS = 3
"""Rounds of the inverse."""
PHASES, OFTEN = 13, 33
"""Moments of a move at which its limits are looked at, and at which its borders are."""
LEAST_OVERSCAN = 1.015
"""Nothing is shown at its own size: where all samples fall alike between pixels, each shift changes the sharpness."""
STEADY = 0.05
"""A loop begins where the speed changes by less than this share from frame to frame, not where it turns back."""
LEAST_AREA = 0.6
"""A piece of the picture may be stretched by the parallax to 1 / .6 of what the zoom alone makes of it."""
LARGEST_OVERSCAN = 1.25
"""How much of the picture's size may be cropped so that no edge comes into view."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the camera is. ``push`` q; ``truck_*`` and ``slide_*`` px; ``zoom`` K; ``roll`` radians.

    The camera looks at the pivot when all but ``zoom`` = 1 are 0.
    """

    push: float = 0.0
    truck_x: float = 0.0
    truck_y: float = 0.0
    slide_x: float = 0.0
    slide_y: float = 0.0
    zoom: float = 1.0
    roll: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A move that can be carried: ``path(u)``, its pose at u 0..1 of the clip, and the ``grid`` it is computed on.

    ``start`` is where on its path a loop begins; ``pivot`` (x, y) px; ``overscan`` the zoom that keeps the picture's
    edges out of view; ``amount`` 0..1, how much of the move that was asked for is made; ``uncovered`` px, the widest
    strip of background that comes into view; ``reasons`` what was changed, in words.
    """

    grid: Grid
    pivot: tuple[float, float]
    path: Callable[[float], Pose]
    loop: bool
    overscan: float
    amount: float
    uncovered: float
    reasons: tuple[str, ...]
    start: float = 0.0

    def pose(self, index: int, count: int) -> Pose:
        """The camera of frame ``index`` of ``count``; a loop's frame ``count`` is its frame 0."""
        if self.loop:
            return self.path(((index % count) / count + self.start) % 1)
        return self.path(index / max(1, count - 1))

    def where(self, nearness: Floats, pose: Pose) -> Floats:
        """(h, w, 2) float32 px: what each node of the grid shows of a layer whose ``nearness`` (h, w) that is."""
        return self.at(self.grid.nodes, nearness, pose)

    def at(self, nodes: Floats, nearness: Floats, pose: Pose) -> Floats:
        """The same for some positions (m, n, 2) px."""
        return _inverse(nodes, self.grid, nearness, pose, self.pivot, self.overscan)


def begins(record: CameraRecord, size: Size, *, loop: bool) -> tuple[float, float]:
    """How the whole of a move begins: how many times as large as the still, at the subject, and how many px aside.

    A loop may begin anywhere on its way, so the furthest counts; what is cropped for the edges comes on top.
    """
    path = _path(record, size, loop, 1.0)
    poses = [path(float(u)) for u in (np.linspace(0, 1, PHASES) if loop else (0.0,))]
    larger = max(max(1.0, pose.zoom / max(0.1, 1 - pose.push)) for pose in poses)
    return larger, max(float(np.hypot(pose.slide_x, pose.slide_y)) for pose in poses) * larger


def plan_camera(
    record: CameraRecord,
    grid: Grid,
    size: Size,
    planes: tuple[Floats, ...],
    rim: Mask | None,
    limit: float,
    *,
    loop: bool,
    strength: float = 1.0,
    towards: tuple[float, float] | None = None,
    flat: str = "",
    subject: Mask | None = None,
) -> Camera:
    """The camera that makes the move as far as depth and background can carry it.

    Parameters
    ----------
    planes
        The nearness (h, w) of each layer on the grid's nodes, back to front.
    rim
        (h, w) bool nodes at the edge of the subject, or None without one.
    limit
        Px of background that may come into view there.
    strength
        A share of the move that was asked for.
    towards
        Where a push leads to, px; the picture's middle if None.
    flat
        Why there is no depth to move in, a clause; "" where there is.
    subject
        (h, w) bool nodes on the front layer: where it reaches the picture's edge it must not come off it.
    """
    width, height = size
    middle = ((width - 1) / 2, (height - 1) / 2)
    record, reasons = _without_depth(record, flat) if flat else (record, [])
    pivot = middle
    if towards is not None and any(
        m.kind in ("push-in", "pull-out", "zoom-in", "zoom-out", "dolly-zoom") for m in record.moves
    ):
        pivot = ((middle[0] + towards[0]) / 2, (middle[1] + towards[1]) / 2)

    def camera(amount: float) -> Camera:
        path = _path(record, size, loop, amount * strength)
        made = Camera(grid, pivot, path, loop, 1.0, amount, 0.0, ())
        overscan = LEAST_OVERSCAN
        need = 2.0
        while need > 1.0005 and overscan <= LARGEST_OVERSCAN:  # what is enlarged is seen from further in
            need = _overscan(replace(made, overscan=overscan), planes, size, subject)
            overscan *= need
        return replace(made, overscan=overscan * 1.001)

    def carried(one: Camera) -> str:
        if one.overscan > LARGEST_OVERSCAN:
            return "more would crop too much of the picture"
        if rim is not None and len(planes) > 1 and _uncovered(one, planes, rim) > limit:
            return "more would uncover more of the background than can be filled in"
        if _least_area(one, planes) < LEAST_AREA:
            return "more would stretch the picture"
        return ""

    best = camera(1.0)
    if why := carried(best):
        low, high = 0.0, 1.0
        best = camera(0.0)
        for _ in range(7):
            trial = camera((low + high) / 2)
            if carried(trial):
                high = trial.amount
            else:
                low, best = trial.amount, trial
        reasons.append(f"the camera makes {best.amount:.0%} of the move: {why}")
    uncovered = 0.0 if rim is None or len(planes) < 2 else _uncovered(best, planes, rim)
    start = _steady(best, size) if loop else 0.0
    return replace(best, uncovered=uncovered, reasons=tuple(reasons), start=start)


def _steady(camera: Camera, size: Size) -> float:
    """The first place on a loop's path where it moves, and hardly faster or slower than just before and after."""
    u = np.arange(240) / 240
    poses = [camera.path(float(at)) for at in u]
    reach = max(size) / 2
    table = np.array(
        [[p.push * reach, p.truck_x, p.truck_y, p.slide_x, p.slide_y, p.zoom * reach, p.roll * reach] for p in poses]
    )
    speed = np.linalg.norm(np.roll(table, -1, 0) - table, axis=1)
    if speed.max() < 1e-9:
        return 0.0
    before, after = np.roll(speed, 1), np.roll(speed, -1)
    change = np.maximum(np.abs(after - speed), np.abs(speed - before)) / np.maximum(speed, 1e-9)
    good = (change < STEADY / 2) & (speed > 0.3 * speed.max())
    return float(u[int(good.argmax())]) if good.any() else 0.0


def _without_depth(record: CameraRecord, why: str) -> tuple[CameraRecord, list[str]]:
    """The same camera where nothing stands apart: moves that live by parallax become the nearest ones without."""
    instead = {
        "orbit-left": "pan-left", "orbit-right": "pan-right", "truck-left": "pan-left", "truck-right": "pan-right",
        "pedestal-up": "tilt-up", "pedestal-down": "tilt-down", "dolly-zoom": "push-in",
    }  # fmt: skip
    moves, reasons = [], []
    for move in record.moves:
        other = instead.get(move.kind)
        if other is None:
            moves.append(move)
            continue
        reasons.append(f"{move.kind} becomes {other}: {why}, so there is no depth to move in")
        if all(other != one.kind for one in (*moves, *record.moves)):
            moves.append(CameraMove.model_validate({"kind": other, "strength": move.strength}))
    if not reasons and any(move.kind in ("push-in", "pull-out") for move in moves):
        reasons.append(f"the camera only enlarges: {why}, so there is no depth to move in")
    return record.model_copy(update={"moves": tuple(moves)}), reasons


# ------------------------------------------------------------------------------------------------------- the path


def _path(record: CameraRecord, size: Size, loop: bool, amount: float) -> Callable[[float], Pose]:
    """Where the camera is at u 0..1: at rest at both ends, or as a loop out and back without a corner."""
    if record.keys:
        return _key_path(record.keys, size, loop, amount)
    moves = [(move.kind, move.strength * amount) for move in record.moves]

    def pose(u: float) -> Pose:
        turn = 2 * np.pi * u
        if loop:
            out, side, ahead = 0.5 - 0.5 * np.cos(turn), np.sin(turn), np.cos(turn)
        else:
            out = u * u * (3 - 2 * u)
            side, ahead = 2 * out - 1, 0.0
        at = Pose()
        for kind, strength in moves:
            at = _added(at, _one(kind, strength, float(out), float(side), float(ahead), float(turn), loop, size))
        return at

    return pose


def _added(one: Pose, other: Pose) -> Pose:
    return Pose(
        one.push + other.push, one.truck_x + other.truck_x, one.truck_y + other.truck_y,
        one.slide_x + other.slide_x, one.slide_y + other.slide_y, one.zoom * other.zoom, one.roll + other.roll,
    )  # fmt: skip


def _one(
    kind: str, strength: float, out: float, side: float, ahead: float, turn: float, loop: bool, size: Size
) -> Pose:
    """One move: ``out`` goes from 0 to 1 (and back), ``side`` from -1 to 1 (and back), ``ahead`` a quarter later."""
    width, height = size
    verb, _, direction = kind.rpartition("-")
    way = -1.0 if direction in ("left", "up") else 1.0
    match verb or kind:
        case "push":
            return Pose(push=PUSH * strength * out)
        case "pull":
            return Pose(push=PUSH * strength * (1 - out))
        case "zoom":
            grown = out if direction == "in" else 1 - out
            return Pose(zoom=1 + ZOOM * strength * grown)
        case "dolly":
            q = -DOLLY_ZOOM * strength * out
            return Pose(push=q, zoom=1 - q)
        case "pan":
            return Pose(slide_x=way * PAN / 2 * strength * side * width)
        case "tilt":
            return Pose(slide_y=way * TILT / 2 * strength * side * height)
        case "truck":
            shift = way * TRUCK / 2 * strength * side * width
            return Pose(truck_x=shift, slide_x=shift)
        case "pedestal":
            shift = way * TRUCK / 2 * strength * side * height
            return Pose(truck_y=shift, slide_y=shift)
        case "orbit":
            reach = ORBIT / 2 * strength * width
            return Pose(push=0.10 * ORBIT * strength * ahead, truck_x=way * reach * side, truck_y=0.24 * reach * ahead)
    if kind == "drift":
        reach = DRIFT / 2 * strength
        return Pose(
            truck_x=reach * side * width, slide_x=0.6 * reach * side * width, slide_y=-0.4 * reach * side * height,
            push=0.3 * DRIFT * strength * out,
        )  # fmt: skip
    return _hand(strength, turn, size)


_BREATH = ((1, 0.55, 0.3), (2, 0.35, 1.9), (3, 0.30, 4.0), (5, 0.16, 0.9), (7, 0.10, 2.6))
"""Turns in a clip, share and phase of the waves a hand-held camera is made of: never still, never jerky."""


def _hand(strength: float, turn: float, size: Size) -> Pose:
    """A camera held by a hand: slow waves of several periods, each whole in the clip, in every direction."""
    x, y, z = (
        sum(share * np.sin(turns * turn + phase * (axis + 1)) for turns, share, phase in _BREATH) for axis in range(3)
    )
    reach = HAND * strength
    return Pose(
        truck_x=float(0.7 * reach * x * size[0]), truck_y=float(0.5 * reach * y * size[1]),
        slide_x=float(0.6 * reach * x * size[0]), slide_y=float(0.7 * reach * y * size[1]),
        push=float(0.5 * reach * z), roll=float(0.25 * reach * z),
    )  # fmt: skip


def _key_path(keys: tuple[CameraKey, ...], size: Size, loop: bool, amount: float) -> Callable[[float], Pose]:
    """A smooth curve through the key frames, without overshooting; a loop ends at its first key."""
    from scipy.interpolate import CubicSpline, PchipInterpolator

    width, height = size
    names = ("push", "truck", "pedestal", "pan", "tilt", "zoom", "roll")
    times = np.array([key.at for key in keys])
    table = np.array([[getattr(key, name) for name in names] for key in keys])
    if loop and len(keys) > 2:
        curve = CubicSpline(times, np.concatenate([table[:-1], table[:1]]), bc_type="periodic")
    elif loop:
        times, table = np.array([0, 0.5, 1.0]), np.stack([table[0], table[1], table[0]])
        curve = CubicSpline(times, table, bc_type="periodic")
    else:
        curve = PchipInterpolator(times, table)

    def pose(u: float) -> Pose:
        eased = u * u * (3 - 2 * u) if len(keys) == 2 and not loop else u
        push, truck, pedestal, pan, tilt, zoom, roll = (float(v) for v in curve(eased))
        return Pose(
            push=push * amount, truck_x=truck * width * amount, truck_y=-pedestal * height * amount,
            slide_x=(pan + truck) * width * amount, slide_y=-(tilt + pedestal) * height * amount,
            zoom=1 + (zoom - 1) * amount, roll=np.radians(roll) * amount,
        )  # fmt: skip

    return pose


# -------------------------------------------------------------------------------------------------------- the map


def _inverse(
    nodes: Floats, grid: Grid, nearness: Floats, pose: Pose, pivot: tuple[float, float], overscan: float
) -> Floats:
    import cv2

    zoom = np.float32(1 / (pose.zoom * overscan))
    across = (nodes[..., 0] - np.float32(pivot[0])) * zoom
    down = (nodes[..., 1] - np.float32(pivot[1])) * zoom
    if pose.roll:
        cos, sin = np.float32(np.cos(pose.roll)), np.float32(np.sin(pose.roll))
        across, down = cos * across + sin * down, cos * down - sin * across
    across += np.float32(pose.slide_x)
    down += np.float32(pose.slide_y)
    off_x, off_y = (np.float32(pivot[k] - grid.origin[k]) for k in (0, 1))
    step = np.float32(1 / grid.step)
    push, truck_x, truck_y = np.float32(pose.push), np.float32(pose.truck_x), np.float32(pose.truck_y)
    x, y = across, down
    if push or truck_x or truck_y:
        for _ in range(ROUNDS):
            d = cv2.remap(
                nearness, (x + off_x) * step, (y + off_y) * step, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            shrunk = 1 - push * d
            d -= 1
            x, y = across * shrunk + truck_x * d, down * shrunk + truck_y * d
    where: Floats = cv2.merge([x + np.float32(pivot[0]), y + np.float32(pivot[1])])
    return where


def _phases(camera: Camera, number: int = PHASES) -> list[Pose]:
    return [camera.path(float(u)) for u in np.linspace(0, 1, number)]


def _overscan(camera: Camera, planes: tuple[Floats, ...], size: Size, subject: Mask | None) -> float:
    """By how much more the picture must be enlarged so that no sample lies outside it.

    The back layer is seen along all of the frame's edges, the subject where it is cut off by the picture's.
    """
    import cv2

    need = 1.0
    (x0, y0), (right, bottom), step = camera.pivot, (size[0] - 1, size[1] - 1), camera.grid.step
    across, down = (np.linspace(0, last, last // step + 2, dtype=np.float32) for last in (right, bottom))
    border = np.concatenate(
        [np.stack([across, np.full_like(across, y)], -1) for y in (0, bottom)]
        + [np.stack([np.full_like(down, x), down], -1) for x in (0, right)]
    )[None]
    there = None if subject is None or len(planes) < 2 else subject.astype(np.uint8)
    for pose in _phases(camera, OFTEN):
        seen = camera.at(border, planes[0], pose)[0]
        if there is not None:
            front = camera.at(border, planes[-1], pose)
            at = (front - camera.grid.origin) * np.float32(1 / step)
            cut = cv2.remap(there, at, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)[0] > 0
            seen = np.concatenate([seen, front[0][cut]])
        for axis, (middle, last) in enumerate(((x0, right), (y0, bottom))):
            low, high = float(seen[:, axis].min()), float(seen[:, axis].max())
            need = max(need, (middle - low) / max(1.0, middle), (high - middle) / max(1.0, last - middle))
    return need


def _uncovered(camera: Camera, planes: tuple[Floats, ...], rim: Mask) -> float:
    """Px by which the layers part at the subject's rim, at most."""
    widest = 0.0
    nodes = camera.grid.nodes[rim][None]
    if not nodes.size:
        return 0.0
    for pose in _phases(camera):
        apart = camera.at(nodes, planes[0], pose) - camera.at(nodes, planes[-1], pose)
        widest = max(widest, float(np.linalg.norm(apart, axis=-1).max()))
    return widest


def _least_area(camera: Camera, planes: tuple[Floats, ...]) -> float:
    """The smallest determinant of any layer's map over what zoom and push alone give; 1 is rigid."""
    least = np.inf
    for pose in _phases(camera)[::2]:
        for nearness in planes:
            where = camera.where(nearness, pose)
            dy, dx = where[1:, :-1] - where[:-1, :-1], where[:-1, 1:] - where[:-1, :-1]
            area = dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0]
            least = min(least, float(area.min() / max(1e-6, np.median(area))))
    return least
