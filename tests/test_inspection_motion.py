from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import cv2
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from stillwake.inspection import changes, continuity, motion
from stillwake.inspection.asked import Asked
from stillwake.inspection.motion import Motion
from stillwake.inspection.stream import Shown
from stillwake.inspection.view import View
from stillwake.types import CameraMove, CameraRecord, ClipFinding, Floats, Move, Pixels

FPS = Fraction(25)
SIZE = 320, 180
COUNT = 60

Camera = Callable[[float], tuple[float, float, float]]
"""Where it looks at a time in frames: px right, px down, and how near."""


@lru_cache(maxsize=3)
def a_world(seed: int = 1) -> Floats:
    """Texture, (H, W) levels, three times as wide as the picture."""
    noise = np.random.default_rng(seed).standard_normal((3 * SIZE[1], 3 * SIZE[0])).astype(np.float32)
    coarse, fine = cv2.GaussianBlur(noise, (0, 0), 15), cv2.GaussianBlur(noise, (0, 0), 3.0)
    world: Floats = 85 + 15 * seed + 30 * coarse / coarse.std() + 20 * fine / fine.std()
    return world


@lru_cache(maxsize=1)
def a_sensor() -> Floats:
    """Its noise, (8, H, W) levels."""
    noise: Floats = np.random.default_rng(5).normal(0, 0.8, (8, SIZE[1], SIZE[0])).astype(np.float32)
    return noise


def panning(speed: float) -> Camera:
    return lambda at: (speed * at, 0.0, 1.0)


def still(_: float) -> tuple[float, float, float]:
    return 0.0, 0.0, 1.0


def drawn(at: float, camera: Camera, seed: int = 1, walks: bool = True) -> Pixels:
    """The world at a time in frames, with somebody who walks up and down in it."""
    right, down, near = camera(at)
    x, y = SIZE[0] / 2, SIZE[1] / 2
    matrix = np.array([[1 / near, 0, x * (2 - 1 / near) + right], [0, 1 / near, y * (2 - 1 / near) + down]])
    frame = cv2.warpAffine(a_world(seed), matrix, SIZE, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    if walks:
        place = np.array([[1, 0, 110 + 25 * np.sin(at / 14)], [0, 1, 35 + 5 * np.sin(at / 5)]])
        person, mask = a_world(3)[:110, :70], np.ones((110, 70), np.float32)
        person, mask = (cv2.warpAffine(np.ascontiguousarray(part), place, SIZE) for part in (person, mask))
        frame = frame * (1 - mask) + (255 - person) * mask
    frame = frame + a_sensor()[round(7 * at) % 8]
    tinted: Pixels = np.clip(frame[..., None] * np.float32([1.1, 1.0, 0.8]), 0, 255).round().astype(np.uint8)
    return tinted


def a_clip(times: Iterable[float] = range(COUNT), camera: Camera = still, walks: bool = True) -> list[Pixels]:
    """What is seen at those times, in frames."""
    return [drawn(at, camera, walks=walks) for at in times]


def watched(frames: Sequence[Pixels], people: Floats | None = None) -> Motion:
    watch = motion.Watch(SIZE, FPS)
    for index, pixels in enumerate(frames):
        watch.take(View(Shown(index, (index + 0.5) / float(FPS), pixels), None, None, people))
    return watch.finish()


def found(frames: Sequence[Pixels], asked: Asked | None = None) -> list[ClipFinding]:
    seen, asked = watched(frames), asked or Asked()
    return [*continuity.check(seen, asked, FPS), *motion.check(seen, asked)]


def wrong(findings: list[ClipFinding]) -> set[str]:
    return {finding.check for finding in findings if finding.verdict != "pass"}


def only(findings: list[ClipFinding], check: str) -> ClipFinding:
    (one,) = [finding for finding in findings if finding.check == check]
    return one


def asked_for(*kinds: Move, strength: float = 1.0) -> Asked:
    return Asked(camera=CameraRecord(moves=tuple(CameraMove(kind=kind, strength=strength) for kind in kinds)))


# ------------------------------------------------------------------------------------------------------ what is clean


@pytest.mark.parametrize("camera", [still, panning(1.5), panning(4.0), lambda t: (0.3 * t, 4 * np.sin(t / 7), 1.0)])
def test_an_even_take_is_clean(camera: Camera) -> None:
    findings = found(a_clip(camera=camera))
    assert wrong(findings) == set(), [f.why for f in findings if f.verdict != "pass"]
    assert [finding.check for finding in findings] == ["cut", "freeze", "dropped frames", "motion"]
    for finding in findings:
        assert finding.fix == ""
        assert finding.start is None


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("camera", [still, panning(2.0)])
def test_pictures_held_on_twos_and_threes_are_a_way_to_draw(times: int, camera: Camera) -> None:
    held = [frame for frame in a_clip(range(0, COUNT, times), camera) for _ in range(times)]
    findings = found(held)
    assert wrong(findings) == {"dropped frames"}, [f.why for f in findings if f.verdict != "pass"]
    assert only(findings, "dropped frames").verdict == "unseen", "one that is missing leaps no further than the others"


def test_a_cut_between_held_pictures_is_one() -> None:
    pictures = [*a_clip(range(0, 30, 2)), *(drawn(at, still, seed=2) for at in range(30, 60, 2))]
    findings = found([p for p in pictures for _ in range(2)])
    (finding,) = [one for one in findings if one.verdict not in ("pass", "unseen")]
    assert finding.check == "cut"
    assert finding.start == pytest.approx(29.5 / 25)


def test_a_clip_that_hardly_moves_shows_no_missing_frame() -> None:
    def breathing(at: float) -> tuple[float, float, float]:
        return 0.0, 0.5 * np.sin(at / 25), 1.0

    findings = found(a_clip(camera=breathing, walks=False))
    assert only(findings, "freeze").verdict == "unseen"
    assert only(findings, "dropped frames").verdict == "unseen"
    assert only(findings, "cut").verdict == "pass"


@pytest.mark.parametrize(("moving", "verdict"), [(None, "warn"), (True, "fail"), (False, "pass")])
def test_nothing_moves(moving: bool | None, verdict: str) -> None:
    frames = [drawn(0.0, still)] * 20
    finding = only(found(frames, Asked(moving=moving)), "motion")
    assert finding.verdict == verdict
    assert finding.why == "nothing moves in it"
    assert bool(finding.fix) == (verdict != "pass")
    assert finding.measured == 0.0


@pytest.mark.parametrize(("change", "verdict"), [(1.2, "pass"), (0.4, "fail"), (np.nan, "fail")])
def test_a_small_face_that_speaks_is_motion_enough(change: float, verdict: str) -> None:
    seen = watched([drawn(0.0, still)] * 20)
    findings = motion.check(seen, Asked(moving=True), np.full(20, change))
    assert only(findings, "motion").verdict == verdict


def test_the_words_tell_people_from_the_rest() -> None:
    people = np.zeros((SIZE[1], SIZE[0]), np.float32)
    people[20:160, 70:220] = 1.0
    seen = watched(a_clip(range(40)), people)
    assert seen.subject.mean() > 3 * seen.around.mean()
    assert "people move by" in only(motion.check(seen, Asked()), "motion").why


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_handful_of_frames_is_too_few(count: int) -> None:
    assert {finding.verdict for finding in found(a_clip(range(count)))} == {"unseen"}


# ------------------------------------------------------------------------------------------------------ cuts and jumps


@pytest.mark.parametrize("camera", [still, panning(2.0)])
def test_a_cut_is_found_at_its_frame(camera: Camera) -> None:
    frames = [*a_clip(range(40), camera), *(drawn(at, camera, seed=2) for at in range(40, 70))]
    findings = found(frames)
    assert wrong(findings) == {"cut"}
    finding = only(findings, "cut")
    assert finding.verdict == "fail"
    assert finding.start == pytest.approx(39.5 / 25)
    assert finding.end == pytest.approx(40.5 / 25)
    assert finding.why == "another scene begins at 1.60 s"


def test_a_grey_drawing_that_takes_one_level_of_colour_is_no_other_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = []
    for at in range(COUNT):
        grey = np.full((SIZE[1], SIZE[0], 3), 140, np.uint8)
        cv2.circle(grey, (100 + at, 90), 30, (90, 90, 90), -1)
        frames.append(grey + np.uint8([0, 1, 0]) if at >= 30 else grey)
    seen = watched(frames)
    assert seen.cuts == ()
    monkeypatch.setattr(motion, "CUT", 0.0)
    assert watched(frames).cuts == (30,), "the detector is led astray"


@pytest.mark.parametrize("at", [20, 38, 55])
def test_frames_left_out_of_a_take_are_a_jump(at: int) -> None:
    findings = found(a_clip([*range(at), *range(at + 12, COUNT + 12)], panning(0.7)))
    assert wrong(findings) <= {"jump", "cut"}
    (finding,) = [one for one in findings if one.verdict != "pass"]
    assert finding.start is not None
    assert finding.start == pytest.approx((at - 0.5) / 25, abs=0.05)


def test_a_camera_that_stutters_warns_where_nobody_says_that_the_clip_was_made() -> None:
    seen = watched(a_clip([*range(38), *range(50, COUNT + 12)], panning(0.7)))
    jump = seen.jump.copy()
    jump[jump > continuity.JUMP[0]] = 4.5
    one = replace(seen, jump=jump, cuts=())
    made, filmed = (only(continuity.check(one, Asked(), FPS, filmed=filmed), "jump") for filmed in (False, True))
    assert (made.verdict, filmed.verdict) == ("fail", "warn")
    jump[jump > continuity.JUMP[0]] = 9.0
    assert only(continuity.check(replace(one, jump=jump), Asked(), FPS, filmed=True), "jump").verdict == "fail"


def test_many_cuts_are_counted() -> None:
    frames = [drawn(at, still, seed=1 + at // 8 % 2) for at in range(64)]
    cuts = [one for one in found(frames) if one.check == "cut"]
    assert len(cuts) == changes.MOST_FINDINGS
    assert "2 more follow" in cuts[0].why
    assert all("more" not in one.why for one in cuts[1:])


# ---------------------------------------------------------------------------------------------------- frozen stretches


@pytest.mark.parametrize("how", ["caught up", "delayed"])
@pytest.mark.parametrize("camera", [still, panning(2.0)])
def test_five_frames_that_are_the_same_are_frozen(how: str, camera: Camera) -> None:
    after = range(35, COUNT) if how == "caught up" else range(31, COUNT - 4)
    findings = found(a_clip([*range(30), *[30] * 5, *after], camera))
    finding = only(findings, "freeze")
    assert finding.verdict == "fail"
    assert finding.start == pytest.approx(30 / 25, abs=0.05)
    assert finding.end == pytest.approx(35 / 25, abs=0.05)
    assert finding.measured == pytest.approx(0.2, abs=0.05)
    assert "5 frames" in finding.why
    assert only(findings, "dropped frames").verdict == "pass"


def test_a_long_freeze_is_one() -> None:
    finding = only(found(a_clip([*range(25), *[25] * 20, *range(45, 80)], panning(2.0))), "freeze")
    assert finding.start == pytest.approx(1.0, abs=0.05)
    assert finding.end == pytest.approx(1.8, abs=0.05)


def test_who_comes_to_rest_does_not_freeze() -> None:
    def resting(at: float) -> tuple[float, float, float]:
        return 30 * np.sin(at / 12), 0.0, 1.0

    assert only(found(a_clip(camera=resting, walks=False)), "freeze").verdict == "pass"


# ----------------------------------------------------------------------------------------- missing and repeated frames


def with_steps(steps: dict[int, float], far: dict[int, float], usual: float = 1.0) -> Motion:
    """A take whose every step changes by so many levels and every four by 3.5 times as much, but for those entries."""
    seen = watched(a_clip())
    step, four = (np.full(len(seen.index), times * usual) for times in (1.0, 3.5))
    for values, told in ((step, steps), (four, far)):
        values[list(told)] = list(told.values())
    spread, missing, tells = (np.full(len(seen.index), value) for value in (0.1, 0.0, 99.0))
    return replace(seen, step=step, far=four, spread=spread, missing=missing, tells=tells)


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        ((0.34, 0.36, 0.33, 0.34), "pass"),  # a head that turns slowly
        ((0.34, 0.12, 0.33, 0.20), "fail"),  # an encoder that polishes
        ((0.10, 0.11, 0.10, 0.11), "fail"),  # and one that hardly does
        ((0.0, 0.0, 0.0, 0.0), "fail"),
    ],
)
def test_what_goes_on_slowly_is_not_frozen(steps: tuple[float, ...], verdict: str) -> None:
    seen = with_steps(dict(enumerate(steps, 30)), {32: 2.0, 33: 0.73, 34: 1.5})
    finding = only(continuity.check(seen, Asked(), FPS), "freeze")
    assert finding.verdict == verdict, finding.why


@pytest.mark.parametrize(("whole", "verdict"), [(0.1, "pass"), (0.2, "fail")])
def test_who_slows_down_before_a_blink_does_not_freeze(whole: float, verdict: str) -> None:
    """``whole`` how much all of the picture changed just before, where .2 is usual: an eye may still have moved."""
    steps = {28: 0.6, 29: 1.2, 30: 0.4, 31: 0.3, 32: 0.15, 33: 0.15, 34: 0.3, 35: 2.2, 36: 12.0}
    seen = with_steps(steps, {33: 0.7, 34: 0.6, 35: 2.3})
    mean = np.full(len(seen.index), 0.2)
    mean[24:34] = whole
    finding = only(continuity.check(replace(seen, mean=mean), Asked(), FPS), "freeze")
    assert finding.verdict == verdict, finding.why


@pytest.mark.parametrize(("leap", "then", "verdict"), [(0.6, 0.2, "fail"), (0.4, 0.2, "pass"), (0.6, 0.5, "pass")])
def test_after_a_freeze_that_lost_frames_the_picture_leaps(leap: float, then: float, verdict: str) -> None:
    """``leap`` and ``then`` how much all of the picture changes after four steps that change nothing: .2 is usual."""
    steps = {29: 0.5, 30: 0.5, **dict.fromkeys(range(31, 35), 0.02), 35: 4.0}
    seen = with_steps(steps, {32: 2.0, 33: 1.0, 34: 0.1})
    mean = np.full(len(seen.index), 0.2)
    mean[29:31], mean[31:35], mean[35:37] = 0.1, 0.01, (leap, then)
    finding = only(continuity.check(replace(seen, mean=mean), Asked(), FPS), "freeze")
    assert finding.verdict == verdict, finding.why


@pytest.mark.parametrize(
    ("usual", "stops", "whole", "verdict"),
    [
        (0.4, 0.4, 0.1, "warn"),
        (0.4, 0.25, 0.1, "pass"),
        (0.4, 0.4, 0.45, "pass"),  # who rests between two sentences goes on breathing
        (0.3, 0.3, 0.1, "warn"),
        (0.2, 0.2, 0.1, "unseen"),
        (0.8, 0.8, 0.1, "fail"),
    ],
)
def test_in_a_clip_that_moves_little_a_freeze_warns(usual: float, stops: float, whole: float, verdict: str) -> None:
    """``usual`` levels that change in a step, and ``stops`` in the last before four that change little.

    ``whole`` how much all of the picture changes in those, where 1 is usual.
    """
    steps = {29: stops, 30: stops, **dict.fromkeys(range(31, 35), 0.1 * usual), 35: 4 * usual}
    far = {34: 0.7 * usual, 35: 4 * usual, **dict.fromkeys(range(31, 34), 1.5 * usual)}
    seen = with_steps(steps, far, usual=usual)
    mean = np.full(len(seen.index), 0.05)
    mean[31:35] *= whole
    finding = only(continuity.check(replace(seen, mean=mean), Asked(), FPS), "freeze")
    assert finding.verdict == verdict, finding.why
    if verdict in ("warn", "fail"):
        assert finding.start == pytest.approx(31 / 25, abs=0.05)
        assert finding.end == pytest.approx(36 / 25, abs=0.05)


@pytest.mark.parametrize(
    ("back", "whole", "verdict", "words"),
    [
        (0.46, 0.2, "pass", "no frame is seen"),  # the head goes on beside lips that turn round
        (0.46, 0.0, "warn", "shown twice at"),
        (1.2, 0.0, "fail", "one is lost"),
        (1.2, 0.2, "fail", "one is lost"),
    ],
)
def test_where_lips_meet_and_part_no_frame_is_lost(back: float, whole: float, verdict: str, words: str) -> None:
    """``back`` how far the picture lies from two frames before to two after, in the largest step there.

    ``whole`` how much all of the picture changes in the least one, where 1 is usual.
    """
    steps = {28: 6.0, 29: 9.0, 30: 0.3, 31: 8.0, 32: 3.0}
    seen = with_steps(steps, {32: back * 9.0}, usual=3.0)
    mean = np.full(len(seen.index), 1.0)
    mean[30] = whole
    finding = only(continuity.check(replace(seen, mean=mean), Asked(), FPS), "dropped frames")
    assert finding.verdict == verdict
    assert words in finding.why


@pytest.mark.parametrize("speed", [1.0, 1.8])
def test_a_frame_left_out_of_an_even_pan_is_missing(speed: float) -> None:
    findings = found(a_clip([*range(33), *range(34, COUNT)], panning(speed), walks=False))
    assert wrong(findings) == {"dropped frames"}
    finding = only(findings, "dropped frames")
    assert finding.verdict == "fail"
    assert finding.start == pytest.approx(32.5 / 25)
    assert finding.why == "a frame is missing at 1.32 s"
    seen = watched(a_clip([*range(33), *range(34, COUNT)], panning(speed), walks=False))
    filmed = only(continuity.check(seen, Asked(), FPS, filmed=True), "dropped frames")
    assert (filmed.verdict, filmed.start) == ("warn", finding.start)
    assert "webcams" in filmed.why


@pytest.mark.parametrize(
    ("times", "frames", "verdict"),
    [
        ([*range(33), *range(34, COUNT)], COUNT - 1, "pass"),  # it only moves so
        ([*range(33), *range(34, COUNT)], COUNT, "warn"),
        ([*range(33), 34, 34, *range(35, COUNT)], COUNT, "warn"),
    ],
)
def test_of_frames_that_were_counted_none_is_missing_unless_one_comes_twice(
    times: list[int], frames: int, verdict: str
) -> None:
    asked = Asked(family="animator", engine="animator", frames=frames)
    seen = watched(a_clip(times, panning(1.0), walks=False))
    assert only(continuity.check(seen, asked, FPS), "dropped frames").verdict == verdict
    other = replace(asked, family="generator", engine="kling")
    assert only(continuity.check(seen, other, FPS), "dropped frames").verdict in ("warn", "fail")


@pytest.mark.parametrize(("most", "verdict"), [(2.9, "pass"), (3.1, "warn"), (4.6, "fail")])
def test_how_much_speaks_for_a_missing_frame_decides(most: float, verdict: str) -> None:
    seen = with_steps({}, {})
    seen.missing[30:33] = (3.05, most, -1.0) if most > 3 else (1.0, most, -1.0)
    finding = only(continuity.check(seen, Asked(), FPS), "dropped frames")
    assert finding.verdict == verdict
    if verdict != "pass":
        assert finding.start == pytest.approx((seen.index[31] - 0.5) / 25)


@pytest.mark.parametrize(("share", "verdict"), [(0.4, "unseen"), (0.6, "pass")])
def test_where_a_missing_frame_would_not_show_nobody_knows(share: float, verdict: str) -> None:
    seen = with_steps({}, {})
    seen.tells[round(share * len(seen.tells)) :] = 5.0
    assert only(continuity.check(seen, Asked(), FPS), "dropped frames").verdict == verdict


def in_fits(at: int, beside: bool) -> Pixels:
    """An even pan and, over the lower part of it, or all of it, something that leaps about."""
    frame = drawn(at, panning(1.5), walks=False)
    rng = np.random.default_rng(at)
    leaping = drawn(float(rng.uniform(0, 8)), panning(1.5), seed=2, walks=False)
    frame[110 if beside else 0 :] = leaping[110 if beside else 0 :]
    return frame


@pytest.mark.parametrize("beside", [True, False])
def test_a_missing_frame_shows_beside_what_moves_in_fits(beside: bool) -> None:
    whole = only(found([in_fits(at, beside) for at in range(COUNT)]), "dropped frames")
    assert whole.verdict == ("pass" if beside else "unseen"), whole.why
    seen = watched([in_fits(at, beside) for at in range(COUNT) if at != 33])
    finding = only(continuity.check(seen, Asked(), FPS), "dropped frames")
    assert finding.verdict == ("fail" if beside else "unseen"), finding.why
    if beside:
        assert finding.start == pytest.approx(32.5 / 25)


@pytest.mark.parametrize(("after", "verdict", "word"), [(31, "warn", "twice"), (32, "fail", "one is lost")])
def test_a_frame_shown_twice(after: int, verdict: str, word: str) -> None:
    findings = found(a_clip([*range(31), 30, *range(after, COUNT)], panning(3.0)))
    assert wrong(findings) == {"dropped frames"}
    finding = only(findings, "dropped frames")
    assert finding.verdict == verdict
    assert word in finding.why
    assert finding.start == pytest.approx(30.5 / 25)


@pytest.mark.parametrize("shown", [[*range(30), *[30] * 5, *range(35, COUNT)], [*range(31), 30, *range(31, COUNT)]])
def test_what_was_drawn_at_rest_neither_froze_nor_came_twice(shown: list[int]) -> None:
    played = a_clip(shown, panning(3.0))
    meant = a_clip(camera=panning(3.0))
    seen, names = watched(played), ("freeze", "dropped frames")
    wrongly = wrong(continuity.check(seen, Asked(), FPS, drawn=lambda at: meant[min(at, COUNT - 1)]))
    assert len(wrongly) == 1
    assert wrongly <= set(names)
    rested = continuity.check(seen, Asked(), FPS, drawn=lambda at: played[at])
    assert not wrong(rested)
    assert {only(rested, name).verdict for name in names} == {"pass"}


@settings(max_examples=5, deadline=None, phases=[Phase.generate])
@given(st.integers(14, 45), st.floats(0.8, 1.8))
def test_wherever_it_is_missing_it_is_found(at: int, speed: float) -> None:
    findings = found(a_clip([*range(at), *range(at + 1, 60)], panning(speed), walks=False))
    assert wrong(findings) == {"dropped frames"}
    assert only(findings, "dropped frames").start == pytest.approx((at - 0.5) / 25)


# ---------------------------------------------------------------------------------------------------------- the camera


@pytest.mark.parametrize(
    ("kind", "camera"),
    [
        ("push-in", lambda at: (0.0, 0.0, 1 + 0.002 * at)),
        ("zoom-out", lambda at: (0.0, 0.0, 1.2 - 0.002 * at)),
        ("pan-right", panning(0.5)),
        ("truck-left", panning(-0.5)),
        ("tilt-down", lambda at: (0.0, 0.4 * at, 1.0)),
        ("pedestal-up", lambda at: (0.0, -0.4 * at, 1.0)),
    ],
)
def test_a_move_is_looked_for_in_the_picture(kind: Move, camera: Camera) -> None:
    seen = watched(a_clip(camera=camera))
    finding = only(motion.check(seen, asked_for(kind)), "camera")
    assert finding.verdict == "pass", finding.why
    right, down, near = (b - a for a, b in zip(camera(0), camera(COUNT - 1), strict=True))
    travelled = abs(right) / SIZE[0] + abs(down) / SIZE[0] + abs(float(np.log(camera(COUNT - 1)[2] / camera(0)[2])))
    assert near or right or down
    assert finding.measured == pytest.approx(travelled, rel=0.15)
    assert only(motion.check(seen, asked_for(kind)), "prompt drift").verdict == "pass"


@pytest.mark.parametrize(
    ("strength", "pans", "verdict"),
    [(0.5, 0.004, "pass"), (1.0, 0.004, "fail"), (2.0, 0.009, "fail"), (0.5, 0.002, "fail")],
)
def test_a_slight_move_is_held_to_less(strength: float, pans: float, verdict: str) -> None:
    """``pans`` how far, in picture widths, over 60 frames."""
    seen = watched(a_clip(camera=panning(pans * SIZE[0] / (COUNT - 1)), walks=False))
    finding = only(motion.check(seen, asked_for("pan-right", strength=strength)), "camera")
    assert finding.verdict == verdict, finding


@pytest.mark.parametrize(
    ("camera", "words"), [(still, "never happens"), (lambda at: (0.0, 0.0, 1.2 - 0.002 * at), "goes the other way")]
)
def test_a_push_in_that_is_not_there(camera: Camera, words: str) -> None:
    finding = only(found(a_clip(camera=camera), asked_for("push-in")), "camera")
    assert finding.verdict == "fail"
    assert words in finding.why
    assert finding.fix


@pytest.mark.parametrize(("camera", "verdict"), [(still, "fail"), (panning(0.6), "pass")])
def test_an_orbit_shows_as_any_motion(camera: Camera, verdict: str) -> None:
    asked = asked_for("orbit-left")
    assert only(found(a_clip(camera=camera, walks=False), asked), "camera").verdict == verdict


def before_a_plain_wall(seen: Motion, share: float) -> Motion:
    return replace(seen, backdrop=np.full(len(seen.index), share))


def test_before_a_plain_wall_an_orbit_does_not_show() -> None:
    """The camera goes round the subject, so that alone stays where it is; a picture that stands still does tell."""
    asked = asked_for("orbit-left")
    breathing = watched(a_clip(camera=lambda at: (0.5 * np.sin(at / 9), 0.0, 1.0), walks=False))
    assert only(motion.check(breathing, asked), "camera").verdict == "fail", "before a textured one it would show"
    plain = before_a_plain_wall(breathing, 0.02)
    finding = only(motion.check(plain, asked), "camera")
    assert finding.verdict == "unseen"
    assert "too plain" in finding.why
    frozen = replace(before_a_plain_wall(breathing, 0.02), camera=0 * breathing.camera, around=0 * breathing.around)
    assert only(motion.check(frozen, asked), "camera").verdict == "fail"
    assert only(motion.check(plain, asked_for("pan-left")), "camera").verdict == "fail", "a pan moves the subject"


def test_how_much_is_behind_people_is_seen() -> None:
    people = np.zeros(SIZE[::-1], np.float32)
    people[:, :160] = 1.0
    whole, half = (watched(a_clip(range(8)), mask).backdrop for mask in (None, people))
    assert (whole > 0.8).all()
    assert 0.35 < float(half.min()) < float(half.max()) < 0.55
    flat = [np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)] * 8
    assert (watched(flat).backdrop == 0).all()


@pytest.mark.parametrize("at", [29, 30])
def test_a_cut_is_not_the_cameras_way(at: int) -> None:
    """What seems to move between two scenes is not added up, whichever pair of frames is looked at."""
    seen = watched([*a_clip(range(at)), *(drawn(at, still, seed=2) for at in range(at, 60))])
    assert seen.cuts == (at,)
    assert np.abs(seen.camera).max() > motion.MOVED / 2
    assert np.abs(motion._path(seen)).max() < motion.MOVED
    assert only(motion.check(seen, asked_for("pan-left")), "camera").verdict == "fail"


@pytest.mark.parametrize(
    ("prompt", "kinds"),
    [
        ("a woman smiles, slow push in, soft light", {"push-in"}),
        ("The camera pans left. Wind in the trees.", {"pan-left"}),
        ("slow dolly out; golden hour", {"pull-out", "push-out"}),
        ("a man runs towards us", None),
        ("a shot of a kitchen at dawn", None),
        ("he pushes a heavy cart uphill", None),
        ("", None),
    ],
)
def test_the_camera_is_read_out_of_a_prompt(prompt: str, kinds: set[str] | None) -> None:
    record = motion.camera_in(prompt)
    assert (None if record is None else {move.kind for move in record.moves} <= (kinds or set())) == (
        None if kinds is None else True
    )


@given(st.text(max_size=60))
def test_no_prompt_breaks_the_reading(prompt: str) -> None:
    record = motion.camera_in(prompt)
    assert record is None or record.moves


def test_a_prompt_is_held_to_its_word() -> None:
    asked = Asked(family="generator", prompt="an old harbour, slow push in, mist")
    assert only(found(a_clip(), asked), "camera").verdict == "fail"
    pushed = found(a_clip(camera=lambda at: (0.0, 0.0, 1 + 0.002 * at)), asked)
    assert only(pushed, "camera").verdict == "pass"
    assert only(pushed, "prompt drift").verdict == "pass"


def test_a_move_that_stops_half_way_has_been_forgotten() -> None:
    def fading(at: float) -> tuple[float, float, float]:
        return 0.0, 0.0, 1 + 0.002 * min(at, 45.0)

    frames = a_clip(range(100), fading)
    asked = Asked(family="generator", prompt="slow push in")
    findings = found(frames, asked)
    assert only(findings, "camera").verdict == "pass"
    finding = only(findings, "prompt drift")
    assert finding.verdict == "warn"
    assert finding.measured < motion.FADED
    assert finding.start == pytest.approx(1.8, abs=0.4)
    assert finding.end == pytest.approx(3.96, abs=0.05)
    for other in (replace(asked, loop=True), replace(asked, family="animator")):
        assert "prompt drift" not in {one.check for one in found(frames, other)}


# ------------------------------------------------------------------------------------------------- how little is kept


def test_the_timeline_has_an_entry_a_step() -> None:
    seen = watched(a_clip(range(30)))
    (line,) = motion.timelines(seen)
    assert (line.name, len(line.times)) == ("motion", 29)
    assert line.times[0] == pytest.approx(0.06)


def test_between_two_windows_there_is_no_step() -> None:
    watch = motion.Watch(SIZE, FPS)
    for index in (*range(10), *range(200, 210)):
        watch.take(View(Shown(index, index / 25, drawn(index % 200, still, seed=1 + index // 200)), None, None, None))
    seen = watch.finish()
    assert seen.index.tolist() == [*range(1, 10), *range(201, 210)]
    assert seen.mean.max() < 10


def test_little_is_kept_of_a_frame() -> None:
    watch, frames = motion.Watch(SIZE, FPS), a_clip(range(30))

    def take(first: int, last: int) -> None:
        for index in range(first, last):
            pixels = frames[abs(index % 58 - 29)]
            watch.take(View(Shown(index, index / 25, pixels), None, None, None))

    tracemalloc.start()
    take(0, 40)
    held = tracemalloc.get_traced_memory()[0]
    take(40, 240)
    kept = tracemalloc.get_traced_memory()[0] - held
    tracemalloc.stop()
    assert kept / 200 < 1200
