"""The report: five signs, every check named, and gates that open and shut where they should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stillwake.doctor import demo_drawing
from stillwake.errors import NotReadyError, UsageError
from stillwake.media import open_still
from stillwake.perceive import perceive
from stillwake.readiness import CHECKS, advice, check, require_ready
from stillwake.readiness.character import character_findings
from stillwake.readiness.expression import expression_findings
from stillwake.readiness.table import LIMITS, checks_table
from stillwake.readiness.unlooked import ANIMATOR_CHECKS, FILE_CHECKS
from stillwake.readiness.views import Measures
from stillwake.types import SIGNS, Body, Box, Eye, Face, Finding, Floats, Mouth, Refused, Report, Scene, Still, Style


def line(*points: tuple[float, float]) -> Floats:
    return np.array(points, np.float32)


def a_face(box: Box = (100, 100, 300, 340), **changes: object) -> Face:
    """A face with its parts at the usual places of the box."""
    x0, y0, x1, y1 = box

    def at(x: float, y: float) -> tuple[float, float]:
        return x0 + x * (x1 - x0), y0 + y * (y1 - y0)

    def eye(x: float) -> Eye:
        corners = at(x - 0.1, 0.4), at(x + 0.1, 0.4)
        upper, lower = line(corners[0], at(x, 0.36), corners[1]), line(corners[0], at(x, 0.43), corners[1])
        return Eye(upper, lower, line(at(x - 0.12, 0.3), at(x + 0.12, 0.3)), (*at(x, 0.4), 0.05 * (x1 - x0)))

    def lip(y: float) -> Floats:
        return line(at(0.35, 0.77), at(0.5, y), at(0.65, 0.77))

    face = Face(
        box=box,
        eyes=(eye(0.3), eye(0.7)),
        mouth=Mouth(lip(0.73), lip(0.82), lip(0.77), lip(0.77)),
        jaw=line(at(0, 0.45), at(0.5, 1), at(1, 0.45)),
        nose_tip=at(0.5, 0.6),
        chin=at(0.5, 1),
        yaw=0.0,
        pitch=0.0,
        roll=0.0,
        kind="photo",
        confidence={"face": 1.0, "eyes": 0.9, "mouth": 0.9},
    )
    return replace(face, **{"confidence": dict(face.confidence), **changes})  # type: ignore[arg-type]


def a_scene(*faces: Face, style: Style = "photo", refused: tuple[Refused, ...] = ()) -> Scene:
    still = Still(np.full((480, 640, 3), 128, np.uint8), "hero.jpg", "0" * 64)
    return Scene(still, style, faces, refused, None, {"faces": "a builder"})


def everything(report: Report) -> list[Finding]:
    groups = [*report.signs, report.file, *report.gates.values()]
    return [found for group in groups for found in group.findings]


def finding(report: Report, name: str) -> tuple[str, float | None]:
    (found,) = [f for f in everything(report) if f.check == name]
    return found.verdict, found.measured


def test_no_shot_is_named_where_somebody_may_stand_turned_away() -> None:
    somebody = np.zeros((480, 640), np.float32)
    somebody[100:480, 200:400] = 1
    assert finding(check(a_scene()), "shot")[0] == "pass"
    assert finding(check(replace(a_scene(), matte=somebody)), "shot")[0] == "unseen"
    assert finding(check(replace(a_scene(a_face()), matte=somebody)), "shot")[0] == "pass"


def trusting(**parts: float) -> dict[str, float]:
    return {"face": 1.0, "eyes": 0.9, "mouth": 0.9} | parts


def test_five_signs_in_order_and_every_check_exactly_once() -> None:
    for scene in (a_scene(a_face()), a_scene(), a_scene(a_face(kind="drawn"), style="drawn")):
        report = check(scene)
        assert tuple(sign.sign for sign in report.signs) == SIGNS
        for sign in report.signs:
            assert [f.check for f in sign.findings] == list(CHECKS[sign.sign])
            assert all(f.why for f in sign.findings)


def test_the_table_of_checks_is_that_of_the_code() -> None:
    docs = Path(__file__).parents[1] / "docs" / "checks.md"
    assert docs.read_text() == checks_table(), "run make docs"
    checks = {check for group in (*CHECKS.values(), FILE_CHECKS, ANIMATOR_CHECKS) for check in group}
    assert {name.removesuffix(", drawn") for name in LIMITS} <= checks
    assert all(limit.source for limit in LIMITS.values())


def test_what_nobody_looked_at_is_unseen_and_says_why() -> None:
    report = check(a_scene(a_face()))
    looked = {"face", "face size", "yaw", "pitch", "roll", "face in the frame", "mouth uncovered", "eyes uncovered"}
    looked |= {
        "one picture",
        "borders",
        "one speaker",
        "one subject",
        "shot",
        "head in the frame",
        "lower edge",
        "seams",
        "clocks",
    }
    for sign in report.signs:
        for found in sign.findings:
            assert (found.verdict != "unseen") == (found.check in looked), found.check
            assert found.why
    judged = [*report.file.findings, *(f for s in report.signs for f in s.findings)]
    assert report.gates["generator"].verdict == "warn", "640 × 480 px are fewer than generators take"
    assert {f.check for f in judged if f.verdict == "warn"} == {"resolution", "aspect"}
    assert report.signs[1].verdict == "unseen"


def test_a_good_face_is_ready() -> None:
    report = check(a_scene(a_face()))
    assert report.ready
    assert report.gates["animator"].verdict == "pass"
    require_ready(report, "animator")
    require_ready(report, "generator")


@pytest.mark.parametrize(
    ("face", "name", "verdict"),
    [
        (a_face((100, 100, 163, 180)), "face size", "fail"),
        (a_face((100, 100, 164, 180)), "face size", "warn"),
        (a_face((100, 100, 200, 220)), "face size", "pass"),
        (a_face(yaw=20.0), "yaw", "pass"),
        (a_face(yaw=-29.9), "yaw", "warn"),
        (a_face(yaw=30.1), "yaw", "fail"),
        (a_face(yaw=-31.0), "yaw", "fail"),
        (a_face(pitch=35.0), "pitch", "fail"),
        (a_face(roll=-30.0), "roll", "warn"),
        (a_face(roll=88.0), "roll", "fail"),
        (a_face((-80, 100, 120, 340)), "face in the frame", "fail"),
        (a_face((100, -60, 300, 180)), "face in the frame", "warn"),
        (a_face((100, 300, 300, 540)), "face in the frame", "fail"),
        (a_face((0, 0, 640, 480)), "face in the frame", "pass"),
        (a_face(confidence=trusting(mouth=0.1)), "mouth uncovered", "fail"),
        (a_face(confidence=trusting(mouth=0.4)), "mouth uncovered", "warn"),
        (a_face(confidence=trusting(eyes=0.0)), "eyes uncovered", "warn"),
    ],
)
def test_each_limit_holds_where_it_says(face: Face, name: str, verdict: str) -> None:
    report = check(a_scene(face))
    assert finding(report, name)[0] == verdict
    apart = {name, "head in the frame"}  # a face at the picture's upper edge is part of a head cut there
    others = [f.verdict for s in report.signs for f in s.findings if f.check not in apart and f.verdict != "unseen"]
    assert set(others) <= {"pass"}
    assert report.gates["animator"].verdict == verdict
    stops = [finding(report, check)[0] for check in ("face in the frame", "head in the frame")]
    assert report.ready == ("fail" not in stops), "the rest stops an animator only"
    for found in everything(report):
        assert bool(found.fix) == (found.verdict in ("warn", "fail"))


def test_a_figure_that_hangs_in_the_air_is_told_from_feet_and_benches() -> None:
    def drawn(*parts: tuple[slice, slice]) -> Scene:
        scene = a_scene(a_face((260, 60, 340, 160)))
        pixels = np.full_like(scene.still.pixels, 250)
        for rows, columns in ((slice(50, 170), slice(255, 345)), *parts):
            pixels[rows, columns] = 90
        return replace(scene, still=replace(scene.still, pixels=pixels))

    bust = drawn((slice(170, 400), slice(200, 400)))
    report = check(bust)
    assert finding(report, "lower edge") == ("warn", 1.0)
    (found,) = [f for f in everything(report) if f.check == "lower edge"]
    assert found.box is not None
    assert found.box[1] < 400 < found.box[3]
    legs = drawn(
        (slice(170, 300), slice(200, 400)), (slice(300, 400), slice(240, 265)), (slice(300, 400), slice(320, 345))
    )
    bench = drawn((slice(170, 400), slice(200, 400)), (slice(360, 420), slice(20, 620)))
    below = drawn((slice(170, 480), slice(200, 400)))
    assert [finding(check(scene), "lower edge")[0] for scene in (legs, bench, below)] == ["pass"] * 3


def test_a_hand_in_the_other_elbow_is_not_cut_by_the_frame() -> None:
    def folded(other: tuple[float, float]) -> Scene:
        joints, seen = np.full((33, 2), 240, np.float32), np.zeros(33, np.float32)
        joints[[13, 14]], joints[[15, 16]] = [other, (180, 320)], [(230, 290), (600, 310)]
        seen[[13, 14, 15, 16]] = 1
        return replace(a_scene(a_face()), body=Body(joints, seen), seen={"faces": "", "body": "", "hands": ""})

    assert finding(check(folded((450, 200))), "whole hands")[0] == "warn"
    assert finding(check(folded((570, 310))), "whole hands")[0] == "unseen"


def standing(
    *, soles: float, hips: float = 200.0, knees: float = 300.0, sure: float = 0.95, shoulders: float = 60.0
) -> Body:
    """Somebody seen from the front, whose soles, hips and knees lie at these heights, px; ankles 20 px above."""
    joints = np.full((33, 2), 320.0, np.float32)
    for pair, y in (
        ((11, 12), shoulders),
        ((23, 24), hips),
        ((25, 26), knees),
        ((27, 28), soles - 20),
        ((29, 30), soles),
        ((31, 32), soles),
    ):
        joints[list(pair), 1] = y
    seen = np.ones(33, np.float32)
    seen[[25, 26]] = sure
    return Body(joints, seen)


@pytest.mark.parametrize(
    ("body", "verdict", "why"),
    [
        (standing(soles=440), "pass", "the feet are in the picture"),  # of 480 px
        (standing(soles=476), "warn", "the frame cuts the feet"),  # the net squeezes them in
        (standing(soles=500), "warn", "the frame cuts the feet"),
        (standing(soles=620, knees=440), "pass", "the shot ends at the shins"),
        (standing(soles=640, knees=490), "pass", "the shot ends above the knees, so the feet are left out on purpose"),
        (standing(soles=500, sure=0.6), "unseen", None),
        (standing(soles=500, hips=290), "unseen", None),  # who sits
        (standing(soles=500, shoulders=-80), "unseen", None),  # legs as short as the trunk, drawn into a robe
        (standing(soles=440, shoulders=-80), "pass", "the feet are in the picture"),
    ],
)
def test_feet_that_the_frame_cuts(body: Body, verdict: str, why: str | None) -> None:
    (found,) = [f for f in everything(check(replace(a_scene(a_face()), body=body))) if f.check == "feet"]
    assert found.verdict == verdict
    assert why is None or found.why == why
    assert (verdict != "warn") or (found.box is not None and found.box[3] == 480)
    small = a_face((280, 20, 360, 110))
    (shot,) = [f for f in everything(check(replace(a_scene(small), body=body))) if f.check == "shot"]
    assert ("but for the feet" in shot.why) == (verdict == "warn" and body.joints[27, 1] < 480)


def test_a_leg_that_is_hidden_leaves_the_other_one() -> None:
    def one(hidden: int, **heights: float) -> Body:
        body = standing(soles=500)
        joints, seen = body.joints.copy(), body.seen.copy()
        seen[25 + hidden] = 0.1
        for name, joint in (("ankle", 27), ("heel", 29), ("toe", 31)):
            joints[joint, 1] = heights[name]  # of the left one
        return Body(joints, seen)

    cut = one(0, ankle=450, heel=460, toe=460)
    whole = one(1, ankle=400, heel=420, toe=420)
    verdicts = [finding(check(replace(a_scene(a_face()), body=body)), "feet")[0] for body in (cut, whole)]
    assert verdicts == ["warn", "pass"]


def measures(**changes: object) -> Measures:
    """A face whose right eye is 1.3 times the left one, and whose left corner is lifted by .1."""
    odd = Measures(-0.16, 12.0, -0.27, 0.1, 0.0, 0.0, 0.3, (0.11, 0.12))
    return replace(odd, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("face", "seen", "corners", "size"),
    [
        (a_face(), measures(), "warn", "warn"),
        (a_face(yaw=17.0), measures(), "warn", "warn"),
        (a_face(yaw=-19.0), measures(), "unseen", "unseen"),  # a turn lifts a corner and shrinks an eye
        (a_face(), measures(lids=(0.06, 0.07)), "warn", "unseen"),  # who laughs shuts their eyes unlike
        (a_face((100, 100, 160, 162)), measures(), "unseen", "warn"),  # a px or two of a mouth
        (a_face(), measures(corners=-0.035), "pass", "warn"),  # as people smile
    ],
)
def test_a_crooked_mouth_and_an_odd_eye_are_asked_of_who_shows_them(
    face: Face, seen: Measures, corners: str, size: str
) -> None:
    scene = a_scene(face)
    pixels = scene.still.pixels.copy()
    chance = np.random.default_rng(0)
    for eye in face.eyes:  # both in the same light, and not covered
        x, y, _ = eye.iris or (0.0, 0.0, 0.0)
        pixels[int(y) - 8 : int(y) + 9, int(x) - 20 : int(x) + 21] = chance.integers(0, 255, (17, 1, 1))
    scene = replace(scene, still=replace(scene.still, pixels=pixels))
    found = {f.check: f.verdict for f in [*expression_findings(face, seen), *character_findings(scene, face, seen)]}
    assert (found["mouth corners"], found["eye size"]) == (corners, size)


def test_whose_hair_it_is_is_not_told_in_a_group() -> None:
    def tone(*faces: Face) -> str:
        (found,) = [f for f in everything(check(a_scene(*faces))) if f.check == "hair tone"]
        return found.why

    alone = a_face((100, 100, 200, 220))
    assert "others" not in tone(alone)
    assert "others" not in tone(alone, a_face((500, 100, 600, 220))), "far away"
    assert "others" not in tone(alone, a_face((250, 100, 290, 150))), "far behind"
    assert "others" in tone(alone, a_face((250, 110, 340, 220)))


def test_findings_carry_value_unit_limit_and_box() -> None:
    report = check(a_scene(a_face(yaw=-33.2)))
    (yaw,) = [f for f in report.gates["animator"].findings if f.check == "yaw"]
    assert (yaw.measured, yaw.unit, yaw.limit) == (33.2, "°", 30)
    assert yaw.box == (100, 100, 300, 340)
    assert "left by 33°" in yaw.why


def test_the_face_asked_for_is_the_one_judged() -> None:
    scene = a_scene(a_face(), a_face((350, 100, 410, 170)))
    assert check(scene).ready
    assert check(scene, 1).ready
    assert finding(check(scene), "one speaker") == ("warn", 2)
    second = check(scene, 2)
    assert second.gates["animator"].verdict == "fail"
    assert finding(second, "face size") == ("fail", 60)


@pytest.mark.parametrize(
    ("other", "verdict"), [((350, 100, 530, 320), "warn"), ((350, 100, 450, 220), "pass"), (None, "pass")]
)
def test_faces_of_a_size_rival_each_other(other: tuple[int, int, int, int] | None, verdict: str) -> None:
    others = () if other is None else (a_face(other),)
    assert finding(check(a_scene(a_face(), *others)), "one subject")[0] == verdict


@pytest.mark.parametrize(
    ("box", "shot"),
    [
        ((100, 100, 300, 380), "a close-up"),
        ((250, 60, 350, 190), "a bust"),
        ((280, 20, 340, 95), "a medium or a full"),
    ],
)
def test_the_shot_is_told_by_the_face_where_no_body_is_seen(box: tuple[int, int, int, int], shot: str) -> None:
    (found,) = [f for f in everything(check(a_scene(a_face(box)))) if f.check == "shot"]
    assert found.why.startswith(shot)


@pytest.mark.parametrize(("eyes_at", "verdict"), [(200, "pass"), (110, "warn"), (60, "fail")])
def test_a_frame_through_the_forehead_fails(eyes_at: int, verdict: str) -> None:
    scene = a_scene(a_face((100, eyes_at - 90, 300, eyes_at + 150)))
    assert finding(check(scene), "head in the frame")[0] == verdict


def test_a_tight_close_up_is_a_manner_of_framing() -> None:
    assert finding(check(a_scene(a_face((100, -30, 400, 330)))), "head in the frame")[0] == "warn"


def test_the_advice_names_the_signs_to_mend_and_never_a_prompt_as_the_way() -> None:
    assert advice(check(a_scene(a_face()))) == ""
    told = advice(check(a_scene(a_face((100, -30, 300, 210)), a_face((350, 100, 530, 320)))))
    assert told.startswith("mend framing in the still")
    assert "no prompt mends a picture" in told
    assert "this video $0.35" in advice(
        check(a_scene(a_face((100, -30, 300, 210)), a_face((350, 100, 530, 320)))), 0.35
    )


@pytest.mark.parametrize("number", [0, -1, 3])
def test_a_face_that_is_not_there_is_a_usage_error(number: int) -> None:
    scene = a_scene(a_face(), a_face((350, 100, 550, 340)))
    with pytest.raises(UsageError, match=r"it shows 2 faces; choose --face 1 to --face 2"):
        check(scene, number)


def test_a_number_for_a_picture_without_faces_is_left_to_the_gate() -> None:
    report = check(a_scene(), 2)
    with pytest.raises(NotReadyError, match="no face was found"):
        require_ready(report, "animator")


def test_no_face_says_why_in_the_words_of_what_was_refused() -> None:
    scene = a_scene(refused=(Refused((1, 2, 3, 4), "what looks like a face is an animal's"),))
    report = check(scene)
    assert report.gates["animator"].verdict == "fail"
    assert report.ready, "a generator needs no face"
    assert finding(report, "face")[0] == "fail"
    assert finding(report, "yaw")[0] == "unseen"
    with pytest.raises(NotReadyError) as caught:
        require_ready(report, "animator")
    assert caught.value.exit_status == 4
    assert str(caught.value) == (
        "Cannot make hero.jpg speak: what looks like a face is an animal's; "
        "choose a picture in which a face is seen from the front, or give the face with --face-file."
    )


def test_a_drawn_face_is_as_good_as_a_photograph() -> None:
    report = check(perceive(open_still(demo_drawing())))
    assert (report.ready, report.style, report.gates["animator"].verdict) == (True, "drawn", "pass")
    for name in ("face", "yaw", "roll", "mouth uncovered", "eyes uncovered", "eye colour", "mouth corners"):
        assert finding(report, name)[0] == "pass", name
    assert finding(report, "eye size")[0] == "unseen"
    (told,) = [f.why for f in everything(report) if f.check == "description"]
    assert "amber eyes" in told


def test_a_drawn_face_with_eyes_of_two_colours_is_warned_about_and_described_so() -> None:
    scene = perceive(open_still(demo_drawing()))
    iris = scene.faces[0].eyes[1].iris
    assert iris is not None
    x, y, radius = iris
    pixels = scene.still.pixels.copy()
    yy, xx = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    inside = np.hypot(xx - x, (yy - y) / 1.5) < radius
    pixels[inside] = pixels[inside][:, ::-1]  # amber becomes blue
    report = check(replace(scene, still=replace(scene.still, pixels=pixels)))
    assert finding(report, "eye colour")[0] == "warn"
    assert report.ready
    (told,) = [f.why for f in everything(report) if f.check == "description"]
    assert "one amber and one " in told
    assert "blue eye" in told


def test_a_drawn_face_whose_mouth_is_not_seen_is_refused() -> None:
    report = check(a_scene(a_face(kind="drawn", confidence=trusting(mouth=0.0)), style="drawn"))
    assert finding(report, "face")[0] == "pass"
    assert finding(report, "mouth uncovered")[0] == "fail"
    with pytest.raises(NotReadyError, match="the lips cannot be seen"):
        require_ready(report, "animator")


def test_all_faults_are_named_and_the_first_one_is_mended() -> None:
    report = check(a_scene(a_face((100, 100, 150, 160), yaw=50.0)))
    with pytest.raises(NotReadyError) as caught:
        require_ready(report, "animator")
    assert "too small" in caught.value.why
    assert "50°" in caught.value.why
    assert caught.value.fix == "crop to the face from a larger original"


def test_a_report_survives_its_json() -> None:
    for scene in (a_scene(a_face()), a_scene()):
        report = check(scene)
        again = Report.model_validate_json(report.to_json())
        assert again == report
        assert '"schema":"stillwake/report@1"' in report.to_json()


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("photo_13", "looks like a face"),
        ("photo_59", "too small"),
        ("photo_61", "turned to the right by"),
        ("drawn_75", "no person's"),
        pytest.param("photo_57", "too small", marks=pytest.mark.slow),
        pytest.param("photo_60", "no person's face from the front", marks=pytest.mark.slow),
    ],
)
def test_pictures_that_are_not_ready(
    shared: object, look: Callable[[object, str], Scene], name: str, why: str
) -> None:
    with pytest.raises(NotReadyError, match=why):
        require_ready(check(look(shared, name)), "animator")


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    [
        "photo_00",
        "photo_23",
        "photo_54",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("photo_05", "photo_30", "photo_41")),
    ],
)
def test_pictures_that_are_ready(shared: object, look: Callable[[object, str], Scene], name: str) -> None:
    report = check(look(shared, name))
    assert report.ready
    assert report.gates["animator"].verdict != "fail"


@pytest.fixture(name="look")
def _look() -> Callable[[object, str], Scene]:
    from PIL import Image

    from stillwake.perceive import perceive

    def see(folder: object, name: str) -> Scene:
        path = next(Path(str(folder)).glob(f"stills/*/{name}.*"))
        return perceive(Still(np.array(Image.open(path).convert("RGB")), path.name, "0" * 64))

    return see
