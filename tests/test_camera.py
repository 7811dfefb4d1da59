"""The camera in front of a still: its map, its path, its limits, and how near things are taken to be."""

from __future__ import annotations

import dataclasses
import itertools
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from stillwake.engines.animator import warp
from stillwake.engines.animator.camera import LARGEST_OVERSCAN, LEAST_AREA, LEAST_OVERSCAN, Camera, Pose, plan_camera
from stillwake.engines.animator.fields import Grid, grid_over
from stillwake.engines.animator.layers import Cut, Layers
from stillwake.engines.animator.nearness import carried, nearness, rim_nodes, subject_nodes
from stillwake.inspection.folds import folded
from stillwake.moves import KINDS
from stillwake.types import CameraKey, CameraMove, CameraRecord, Floats, Move, Pixels, Scene, Size, Still

WIDTH, HEIGHT = 480, 270
SIZE = (WIDTH, HEIGHT)
SMALL = (320, 180)
COUNT = 100
AT_REST = [kind for kind in KINDS if kind != "hand-held"]
"""A hand is never quite still."""


def grid(size: Size = SIZE) -> Grid:
    return grid_over(np.array([[-8.0, -8.0], [size[0] + 8, size[1] + 8]]), 8, size)


def bust(size: Size = SIZE, foot: float = 1.2) -> Floats:
    """A head on broad shoulders that the picture's lower edge cuts off, or, with a higher ``foot``, does not."""
    width, height = size
    alpha = np.zeros((height, width), np.uint8)
    head, body = (width // 2, int(0.35 * height)), (width // 2, int((foot - 0.3) * height))
    cv2.ellipse(alpha, head, (int(0.10 * width), int(0.22 * height)), 0, 0, 360, 255, -1, cv2.LINE_AA)
    cv2.ellipse(alpha, body, (int(0.25 * width), int(0.30 * height)), 0, 0, 360, 255, -1, cv2.LINE_AA)
    return alpha / np.float32(255)


def picture(size: Size = SIZE, rough: float = 0.0) -> Pixels:
    noise = np.random.default_rng(3).normal(size=(size[1], size[0], 1)) * rough
    return np.clip(128 + noise, 0, 255).repeat(3, 2).astype(np.uint8)


def parts(
    alpha: Floats | None, size: Size = SIZE, *, depth: Floats | None = None, rough: float = 0.0, unsure: float = 0.0
) -> tuple[Scene, Layers]:
    """A scene and its layers, as far as a camera asks for them."""
    pixels = picture(size, rough)
    scene = Scene(Still(pixels, "a.png", "0" * 64), "photo", (), (), alpha, {}, depth=depth)
    if alpha is None:
        return scene, Layers(pixels, None, None, (0, 0, *size), None, "no person stands apart", 1)
    cut = Cut(alpha, np.zeros(alpha.shape, bool), 0.0, unsure)
    return scene, Layers(pixels, np.zeros((*alpha.shape, 4), np.uint8), alpha, (0, 0, *size), cut, "", 1)


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """A camera with what it looks at."""

    camera: Camera
    planes: tuple[Floats, ...]
    limit: float
    alpha: Floats | None
    size: Size

    def drawn(self, plane: int, pose: Pose) -> Floats:
        """The map (H, W, 2) of a layer, as it is drawn."""
        where = self.camera.where(self.planes[plane], pose)
        return warp.enlarge(where, self.camera.grid, (0, 0, *self.size)).copy()


def view(record: CameraRecord, size: Size = SIZE, alpha: Floats | None = None, **more: Any) -> View:
    seen = {name: more.pop(name) for name in ("depth", "rough", "unsure") if name in more}
    scene, layers = parts(alpha, size, **seen)
    nodes = grid(size)
    planes = nearness(scene, layers, nodes)
    limit = more.pop("limit", carried(scene, layers)[0])
    more = {"loop": False, **more}
    camera = plan_camera(
        record, nodes, size, planes, rim_nodes(layers, nodes), limit, subject=subject_nodes(layers, nodes), **more
    )
    return View(camera, planes, limit, alpha, size)


def one(kind: Move | str, strength: float = 1.0) -> CameraRecord:
    return CameraRecord(moves=(CameraMove.model_validate({"kind": kind, "strength": strength}),))


@cache
def moving(kind: str, loop: bool = False) -> View:
    return view(one(kind), alpha=bust(), loop=loop)


def by_keys(*keys: dict[str, float]) -> CameraRecord:
    return CameraRecord(keys=tuple(CameraKey.model_validate(key) for key in keys))


KINDS_AND_LOOPS = pytest.mark.parametrize(("kind", "loop"), list(itertools.product(KINDS, (False, True))))


def table(camera: Camera, indices: Any, count: int = COUNT) -> Any:
    """Poses as rows, (n, 7), in px at the picture's edge."""
    reach = WIDTH / 2
    poses = [camera.pose(int(index), count) for index in indices]
    return np.array(
        [[p.push * reach, p.truck_x, p.truck_y, p.slide_x, p.slide_y, (p.zoom - 1) * reach, p.roll * reach]
         for p in poses]
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- the map


def shown_at(where: Floats, camera: Camera, near: Floats, pose: Pose) -> Any:
    """Where the formula of the module's docstring puts the points ``where`` (h, w, 2) px of the still."""
    at = (where.astype(np.float64) - camera.grid.origin) / camera.grid.step
    d = map_coordinates(near.astype(np.float64), [at[..., 1], at[..., 0]], order=1, mode="nearest")[..., None]
    point = where - np.array(camera.pivot)
    a, s = np.array([pose.truck_x, pose.truck_y]), np.array([pose.slide_x, pose.slide_y])
    moved = (point - a * (d - 1)) / (1 - pose.push * d) - s
    cos, sin = np.cos(pose.roll), np.sin(pose.roll)
    moved = moved @ np.array([[cos, sin], [-sin, cos]])
    return pose.zoom * camera.overscan * moved + np.array(camera.pivot)


@KINDS_AND_LOOPS
def test_the_inverse_inverts_the_formula(kind: str, loop: bool) -> None:
    seen = moving(kind, loop)
    nodes = seen.camera.grid.nodes
    assert seen.camera.amount == 1
    for index in range(0, COUNT, 9):
        pose = seen.camera.pose(index, COUNT)
        for near in seen.planes:
            forth = shown_at(seen.camera.where(near, pose), seen.camera, near, pose)
            assert np.abs(forth - nodes).max() < 0.02


def test_the_inverse_inverts_all_at_once() -> None:
    seen = view(by_keys({"at": 0}, {"at": 1, "push": 0.1, "truck": 0.03, "pedestal": 0.02, "roll": 4, "pan": 0.02,
                                   "tilt": -0.02, "zoom": 1.2}), alpha=bust())  # fmt: skip
    pose = seen.camera.pose(COUNT - 1, COUNT)
    assert pose.roll
    for near in seen.planes:
        where = seen.camera.where(near, pose)
        assert np.abs(shown_at(where, seen.camera, near, pose) - seen.camera.grid.nodes).max() < 0.02


def middle(seen: View, plane: int, index: int, at: tuple[float, float] = (WIDTH / 2, HEIGHT / 2)) -> Any:
    """What place of the still a frame shows there, (2,) px."""
    spot = np.array([[at]], np.float32)
    return seen.camera.at(spot, seen.planes[plane], seen.camera.pose(index, COUNT))[0, 0]


@pytest.mark.parametrize(
    ("kind", "axis", "way"),
    [
        ("pan-left", 0, -1), ("pan-right", 0, 1), ("tilt-up", 1, -1), ("tilt-down", 1, 1), ("truck-left", 0, -1),
        ("truck-right", 0, 1), ("pedestal-up", 1, -1), ("pedestal-down", 1, 1),
    ],
)  # fmt: skip
def test_it_looks_the_way_it_was_told(kind: str, axis: int, way: int) -> None:
    seen = moving(kind)
    first, last = (middle(seen, 1, index) for index in (0, COUNT - 1))
    assert way * (last - first)[axis] > 0.02 * seen.size[axis]
    assert abs((last - first)[1 - axis]) < 0.1


@pytest.mark.parametrize(("kind", "grows"), [("push-in", 1), ("pull-out", -1), ("zoom-in", 1), ("zoom-out", -1)])
def test_it_comes_closer_or_leaves(kind: str, grows: int) -> None:
    def scale(plane: int, index: int) -> float:
        seen = moving(kind)
        left, right = (middle(seen, plane, index, (WIDTH / 2 + side * 40, 100)) for side in (-1, 1))
        return float(80 / (right - left)[0])

    for plane in (0, 1):
        assert grows * (scale(plane, COUNT - 1) / scale(plane, 0) - 1) > 0.03
    apart = scale(1, COUNT - 1) / scale(1, 0) - scale(0, COUNT - 1) / scale(0, 0)
    assert (abs(apart) > 0.03) == kind.startswith("pu"), "a push grows what is near, a zoom everything alike"


@pytest.mark.parametrize("kind", ["truck-left", "truck-right", "pedestal-up", "orbit-left", "orbit-right", "drift"])
def test_what_is_far_moves_less_than_the_subject_or_the_other_way(kind: str) -> None:
    seen = moving(kind)
    far, near = (middle(seen, plane, COUNT - 1) - middle(seen, plane, 0) for plane in (0, 1))
    assert np.linalg.norm(far - near) > 4
    if kind.startswith("orbit"):
        assert np.linalg.norm(near) < 2, "the subject stays where it is"
    else:
        assert np.linalg.norm(near) > np.linalg.norm(far)


def test_an_orbit_goes_round_to_the_side_it_was_told() -> None:
    for kind, way in (("orbit-left", -1), ("orbit-right", 1)):
        seen = moving(kind)
        background = middle(seen, 0, COUNT - 1) - middle(seen, 0, 0)
        assert way * background[0] < -10, "the background goes where the camera goes"


@pytest.mark.parametrize("loop", [False, True])
def test_a_dolly_zoom_keeps_the_subjects_size(loop: bool) -> None:
    seen = moving("dolly-zoom", loop)
    sizes = []
    for index in range(0, COUNT + 1, 5):
        pose = seen.camera.pose(min(index, COUNT - 1), COUNT)
        drawn = cv2.remap(bust(), seen.drawn(1, pose), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        sizes.append(float(drawn[: HEIGHT // 2].sum(1).max()))  # the width of the head
    assert max(sizes) < 1.02 * min(sizes)
    edge = [middle(seen, 0, index, (40.0, 60.0)) for index in (0, COUNT // 2)]
    assert np.linalg.norm(edge[1] - edge[0]) > (2 if loop else 4), "and the background comes and goes"


# ---------------------------------------------------------------------------------------------------------- the edges


@pytest.mark.parametrize(("size", "loop"), [((307, 173), False), ((90, 160), True)])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_beyond_the_picture_is_shown(kind: str, loop: bool, size: Size) -> None:
    seen = view(one(kind), size, bust(size), loop=loop)
    last = np.array(size) - 1
    for index in range(0, COUNT, 11):
        pose = seen.camera.pose(index, COUNT)
        behind, front = seen.drawn(0, pose), seen.drawn(1, pose)
        assert behind.min() >= 0
        assert (behind <= last).all()
        beyond = (front < 0).any(-1) | (front > last).any(-1)
        on_it = cv2.remap(seen.alpha, front, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) > 0.004
        assert not (beyond & on_it).any(), "the subject does not come off the edge that cuts it off"


def test_it_crops_no_more_than_it_must() -> None:
    for kind in ("push-in", "zoom-in", "dolly-zoom"):
        assert moving(kind).camera.overscan < LEAST_OVERSCAN + 0.002
    for kind in KINDS:
        assert 1 < moving(kind).camera.overscan < 1.07
    calm = view(one("pan-left", 0.05), alpha=bust()).camera
    assert calm.overscan < moving("pan-left").camera.overscan - 0.04


@pytest.mark.parametrize("record", [one("pan-left", 3), one("tilt-up", 3), by_keys({"at": 0}, {"at": 1, "pan": 0.4}),
                                    by_keys({"at": 0, "zoom": 0.5}, {"at": 1}),
                                    by_keys({"at": 0}, {"at": 1, "push": -0.5})])  # fmt: skip
def test_a_move_that_would_leave_the_picture_is_made_smaller(record: CameraRecord) -> None:
    seen = view(record, alpha=bust())
    assert seen.camera.overscan <= LARGEST_OVERSCAN + 1e-6
    if seen.camera.amount < 1:
        (reason,) = seen.camera.reasons
        assert f"{seen.camera.amount:.0%} of the move" in reason
    for index in (0, COUNT // 2, COUNT - 1):
        where = seen.drawn(0, seen.camera.pose(index, COUNT))
        assert where.min() >= 0
        assert (where <= np.array(SIZE) - 1).all()


# -------------------------------------------------------------------------------------------------------------- loops


@pytest.mark.parametrize("kind", KINDS)
def test_a_loop_closes_and_its_seam_is_a_step_like_any_other(kind: str) -> None:
    camera = moving(kind, loop=True).camera
    assert camera.pose(COUNT, COUNT) == camera.pose(0, COUNT)
    assert camera.pose(3 + COUNT, COUNT) == camera.pose(3, COUNT)
    at = table(camera, range(-3, 4))
    steps = np.diff(at, axis=0)
    length = np.linalg.norm(steps, axis=1)
    seam = length[2]
    assert seam == pytest.approx((length[1] + length[3]) / 2, rel=0.2)
    assert seam > 0.02, "a loop does not begin where it turns back"
    bends = np.linalg.norm(np.diff(steps, axis=0), axis=1)
    assert bends.max() < 0.4 * length.mean(), "nor does it change its way there"


@pytest.mark.parametrize("kind", KINDS)
def test_a_loop_has_no_jerk_anywhere(kind: str) -> None:
    steps = np.diff(table(moving(kind, loop=True).camera, range(COUNT + 2)), axis=0)
    bends = np.linalg.norm(np.diff(steps, axis=0), axis=1)
    assert bends.max() < 0.55 * np.linalg.norm(steps, axis=1).max()


@pytest.mark.parametrize("kind", AT_REST)
def test_a_move_begins_and_ends_at_rest(kind: str) -> None:
    at = table(moving(kind).camera, range(COUNT))
    steps = np.linalg.norm(np.diff(at, axis=0), axis=1)
    assert steps[0] < 0.1 * steps.max()
    assert steps[-1] < 0.1 * steps.max()
    assert np.abs(np.diff(steps)).max() < 0.1 * steps.max(), "and never jerks"


def test_a_hand_is_never_still_and_never_far() -> None:
    at = table(moving("hand-held").camera, range(COUNT))
    steps = np.linalg.norm(np.diff(at, axis=0), axis=1)
    assert steps.min() > 0.02
    assert np.abs(at).max() < 0.04 * WIDTH


def test_moves_add_up() -> None:
    both = CameraRecord(moves=(CameraMove(kind="pan-left"), CameraMove(kind="zoom-in")))
    pose = view(both, alpha=bust()).camera.pose(COUNT - 1, COUNT)
    assert pose.slide_x == pytest.approx(moving("pan-left").camera.pose(COUNT - 1, COUNT).slide_x)
    assert pose.zoom == pytest.approx(moving("zoom-in").camera.pose(COUNT - 1, COUNT).zoom)


def test_a_clip_of_one_frame_has_a_camera() -> None:
    assert moving("push-in").camera.pose(0, 1) == moving("push-in").camera.path(0.0)
    assert isinstance(moving("push-in", loop=True).camera.pose(0, 1), Pose)


# ------------------------------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_into_view_stays_within_the_limit(kind: str) -> None:
    seen = view(one(kind), SMALL, bust(SMALL), loop="left" in kind, limit=2.0)
    assert seen.camera.uncovered <= 2.0
    rim = (seen.alpha > 0.05) & (seen.alpha < 0.95)
    widest = 0.0
    for index in range(0, COUNT, 9):
        pose = seen.camera.pose(index, COUNT)
        apart = np.linalg.norm(seen.drawn(0, pose) - seen.drawn(1, pose), axis=-1)
        widest = max(widest, float(apart[rim].max()))
    assert widest <= 2.0 + 0.4, "seen at the true rim, not at the nodes beside it"
    if seen.camera.amount < 1:
        assert seen.camera.uncovered > 1.7, "and as far as it may go"
        assert any("uncover more of the background" in reason for reason in seen.camera.reasons)


def test_a_busy_background_carries_less_than_a_plain_one() -> None:
    plain, textured, busy = (view(one("orbit-left"), alpha=bust(), rough=rough) for rough in (0.0, 2.5, 40.0))
    assert plain.limit > textured.limit > busy.limit > 0
    assert plain.camera.amount == 1
    assert plain.camera.reasons == ()
    assert busy.camera.amount < 0.8
    (reason,) = busy.camera.reasons
    assert reason.startswith(f"the camera makes {busy.camera.amount:.0%} of the move")
    assert view(one("orbit-left"), alpha=bust(), unsure=0.5).limit == pytest.approx(plain.limit / 2)


@pytest.mark.parametrize("depth", ["none", "steps", "noise"])
@pytest.mark.parametrize("kind", ["push-in", "truck-left", "pedestal-up", "orbit-right", "dolly-zoom", "hand-held"])
def test_nothing_folds(kind: str, depth: str) -> None:
    given = None
    if depth == "steps":
        given = np.full(SMALL[::-1], 0.1, np.float32)
        given[:, ::32] = 1.0
        given[60:120, 100:220] = 1.0
    elif depth == "noise":
        given = np.random.default_rng(0).random(SMALL[::-1]).astype(np.float32)
    for alpha in (bust(SMALL), None):
        if alpha is None and given is None:
            continue
        seen = view(one(kind, 2.0), SMALL, alpha, depth=given)
        for index in range(0, COUNT, 33):
            pose = seen.camera.pose(index, COUNT)
            for plane in range(len(seen.planes)):
                where = seen.drawn(plane, pose)
                right, down = where[:-1, 1:] - where[:-1, :-1], where[1:, :-1] - where[:-1, :-1]
                area = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
                assert area.min() > 0.8 * LEAST_AREA * np.median(area)
                assert not folded(where, np.zeros(where.shape[:2], bool)).any()


def test_strength_is_a_share_of_the_move() -> None:
    half = view(one("pan-left"), alpha=bust(), strength=0.5).camera
    assert half.pose(COUNT - 1, COUNT).slide_x == pytest.approx(
        moving("pan-left").camera.pose(COUNT - 1, COUNT).slide_x / 2
    )
    for loop in (False, True):
        none = view(one("dolly-zoom"), alpha=bust(), strength=0.0, loop=loop).camera
        assert all(none.pose(index, COUNT) == Pose() for index in range(0, COUNT, 10))
        assert none.reasons == ()


def test_a_push_leads_halfway_to_the_face() -> None:
    x, y = (WIDTH - 1) / 2, (HEIGHT - 1) / 2
    seen = view(one("push-in"), alpha=bust(), towards=(x + 60, y - 40)).camera
    assert seen.pivot == (x + 30, y - 20)
    assert view(one("pan-left"), alpha=bust(), towards=(x + 60, y - 40)).camera.pivot == (x, y)


# --------------------------------------------------------------------------------------------------------- flat stills


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("orbit-left", "pan-left"), ("orbit-right", "pan-right"), ("truck-left", "pan-left"),
        ("pedestal-up", "tilt-up"), ("pedestal-down", "tilt-down"), ("dolly-zoom", "push-in"),
    ],
)  # fmt: skip
def test_where_nothing_stands_apart_the_nearest_move_is_made_and_named(kind: str, other: str) -> None:
    flat = view(one(kind, 0.7), flat="no person stands apart").camera
    plain = view(one(other, 0.7)).camera
    assert [flat.pose(index, COUNT) for index in (0, 40, 99)] == [plain.pose(index, COUNT) for index in (0, 40, 99)]
    (reason,) = flat.reasons
    assert reason == f"{kind} becomes {other}: no person stands apart, so there is no depth to move in"
    assert flat.uncovered == 0


def test_a_move_that_is_there_already_is_not_made_twice() -> None:
    both = CameraRecord(moves=(CameraMove(kind="orbit-left"), CameraMove(kind="pan-left")))
    flat = view(both, flat="no person stands apart").camera
    assert flat.pose(99, COUNT) == view(one("pan-left")).camera.pose(99, COUNT)
    pair = CameraRecord(moves=(CameraMove(kind="orbit-left"), CameraMove(kind="truck-left")))
    flat = view(pair, flat="no person stands apart").camera
    assert flat.pose(99, COUNT) == view(one("pan-left")).camera.pose(99, COUNT)


def test_a_push_into_a_flat_still_says_that_it_only_enlarges() -> None:
    flat = view(one("push-in"), flat="no person stands apart").camera
    assert flat.reasons == ("the camera only enlarges: no person stands apart, so there is no depth to move in",)
    assert view(one("pan-left"), flat="no person stands apart").camera.reasons == ()


# ---------------------------------------------------------------------------------------------------------- key frames


KEYS = (
    {"at": 0.0, "pan": -0.02, "roll": 1.0},
    {"at": 0.3, "push": 0.05, "truck": 0.01, "zoom": 1.1},
    {"at": 0.55, "tilt": 0.02, "pedestal": -0.01, "roll": -2.0},
    {"at": 1.0, "push": 0.08, "pan": 0.01},
)


def pose_of(key: dict[str, float]) -> Pose:
    named = {"push": 0.0, "truck": 0.0, "pedestal": 0.0, "pan": 0.0, "tilt": 0.0, "zoom": 1.0, "roll": 0.0, **key}
    return Pose(
        push=named["push"], truck_x=named["truck"] * WIDTH, truck_y=-named["pedestal"] * HEIGHT,
        slide_x=(named["pan"] + named["truck"]) * WIDTH, slide_y=-(named["tilt"] + named["pedestal"]) * HEIGHT,
        zoom=named["zoom"], roll=np.radians(named["roll"]),
    )  # fmt: skip


def same(one: Pose, other: Pose) -> bool:
    return dataclasses.astuple(one) == pytest.approx(dataclasses.astuple(other), abs=1e-9)


def test_the_camera_passes_through_its_keys() -> None:
    camera = view(by_keys(*KEYS), alpha=bust()).camera
    assert camera.amount == 1
    for key in KEYS:
        assert same(camera.path(key["at"]), pose_of(key))
    assert same(camera.pose(COUNT - 1, COUNT), pose_of(KEYS[-1])), "the last frame is at the last key"
    assert same(camera.pose(0, COUNT), pose_of(KEYS[0]))


def test_between_keys_it_never_overshoots() -> None:
    camera = view(
        by_keys({"at": 0}, {"at": 0.4, "push": 0.1}, {"at": 0.6, "push": 0.1}, {"at": 1}), alpha=bust()
    ).camera
    pushes = np.array([camera.path(u).push for u in np.linspace(0, 1, 201)])
    assert pushes.max() <= 0.1 + 1e-9
    assert pushes.min() >= -1e-9
    assert np.abs(np.diff(pushes, 2)).max() < 1e-3


def test_between_two_keys_it_begins_and_ends_at_rest() -> None:
    camera = view(by_keys({"at": 0}, {"at": 1, "push": 0.1}), alpha=bust()).camera
    steps = np.diff([camera.pose(index, COUNT).push for index in range(COUNT)])
    assert steps[0] < 0.1 * steps.max()
    assert steps[-1] < 0.1 * steps.max()


@pytest.mark.parametrize("keys", [KEYS, ({"at": 0}, {"at": 1, "push": 0.1}), ({"at": 0, "pan": 0.02}, {"at": 1})])
def test_keys_as_a_loop_come_back_without_a_corner(keys: tuple[dict[str, float], ...]) -> None:
    camera = view(by_keys(*keys), alpha=bust(), loop=True).camera
    assert camera.pose(COUNT, COUNT) == camera.pose(0, COUNT)
    steps = np.diff(table(camera, range(-3, 5)), axis=0)
    length = np.linalg.norm(steps, axis=1)
    assert length[2] == pytest.approx((length[1] + length[3]) / 2, rel=0.2, abs=0.02)
    assert np.linalg.norm(np.diff(steps, axis=0), axis=1).max() < 0.3 * length.max()
    ends = [camera.path(u) for u in (0.0, 1.0)]
    assert same(ends[0], ends[1])
    assert same(ends[0], pose_of(keys[0]))


def test_keys_that_ask_too_much_are_followed_in_part() -> None:
    camera = view(by_keys({"at": 0}, {"at": 1, "truck": 0.3}), alpha=bust(), rough=40.0).camera
    assert camera.amount < 0.5
    assert camera.pose(COUNT - 1, COUNT).truck_x == pytest.approx(0.3 * WIDTH * camera.amount)
    assert any(f"{camera.amount:.0%}" in reason for reason in camera.reasons)


# ---------------------------------------------------------------------------------------------------- how near it is


def test_the_subject_is_at_one_and_everything_else_behind_it() -> None:
    scene, layers = parts(bust())
    back, front = nearness(scene, layers, grid())
    on = cv2.remap(bust(), grid().nodes, None, cv2.INTER_LINEAR) > 0.9
    assert np.median(front[on]) == pytest.approx(1, abs=0.05)
    assert (back < front - 0.3).all()
    assert back.dtype == front.dtype == np.float32
    assert back.shape == front.shape == grid().shape


def test_somebody_who_stands_on_the_ground_shares_it() -> None:
    standing = bust(foot=0.95)
    assert not standing[-8:].any()
    scene, layers = parts(standing)
    back, front = nearness(scene, layers, grid())
    rows = np.flatnonzero((standing > 0.5).any(1))
    foot, head = (int((row + 8) // 8) for row in (rows[-1], rows[0]))
    assert abs(back[foot].mean() - front[foot].mean()) < 0.15
    assert back[head].mean() < 0.4
    assert (np.diff(back.mean(1)) >= -1e-5).all(), "the ground comes nearer further down"


def test_nearness_is_smooth() -> None:
    for depth in (None, np.random.default_rng(0).random((HEIGHT, WIDTH)).astype(np.float32)):
        for near in nearness(*parts(bust(), depth=depth), grid()):
            assert np.abs(np.diff(near, axis=0)).max() < 0.2
            assert np.abs(np.diff(near, axis=1)).max() < 0.2


def test_what_a_person_gives_is_used_and_not_torn_at_the_rim() -> None:
    depth = np.where(bust() > 0.5, 0.9, 0.3).astype(np.float32)
    back, front = nearness(*parts(bust(), depth=depth), grid())
    assert np.allclose(front, 1, atol=0.05)
    assert np.allclose(back, 1 / 3, atol=0.05)
    (alone,) = nearness(*parts(None, depth=np.linspace(0, 1, WIDTH, dtype=np.float32)[None].repeat(HEIGHT, 0)), grid())
    assert alone[:, 2].mean() < 0.1
    assert alone[:, -2].mean() > 1.1


def test_a_flat_still_is_all_at_one() -> None:
    (alone,) = nearness(*parts(None), grid())
    assert (alone == 1).all()
    assert carried(*parts(None)) == (0.0, "none")
    assert rim_nodes(parts(None)[1], grid()) is None
    assert subject_nodes(parts(None)[1], grid()) is None


@pytest.mark.parametrize("size", [(64, 64), (1200, 90), (90, 1200), (33, 47)])
@pytest.mark.parametrize("kind", ["push-in", "orbit-left", "pedestal-up", "hand-held"])
def test_stills_of_any_shape_have_a_camera(size: Size, kind: str) -> None:
    for alpha in (bust(size), None):
        seen = view(one(kind), size, alpha)
        for index in (0, 50, 99):
            where = seen.drawn(0, seen.camera.pose(index, COUNT))
            assert np.isfinite(where).all()
            assert where.min() >= 0
            assert (where <= np.array(size) - 1).all()
