"""What moves besides a mouth, from the command line to the record: what is refused, and what is left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

from stillwake import route, workflow
from stillwake.cli import asking
from stillwake.errors import NotReadyError, UsageError
from stillwake.inspection import moves as moves_check
from stillwake.media import open_still
from stillwake.readiness import check
from stillwake.types import MOTIONS, Brief, CameraMove, CameraRecord, Pixels, Report, RunRecord, Scene, Shot
from stillwake.workflow.proposing import painted_scene

if TYPE_CHECKING:
    from conftest import Run

WIDTH, HEIGHT = 240, 160


def hills() -> Pixels:
    """A grainy sky over a grainy meadow, nobody in it."""
    noise = cv2.GaussianBlur(np.random.default_rng(4).normal(size=(HEIGHT, WIDTH)), (0, 0), 1.0) * 40
    y = np.linspace(0, 1, HEIGHT)[:, None, None]
    return np.clip(np.where(y < 0.5, [120.0, 160.0, 220.0], [70.0, 110.0, 60.0]) + noise[..., None], 0, 255).astype(
        np.uint8
    )


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder with a picture and all that can be added to it."""
    folder = tmp_path / "secret inputs"
    folder.mkdir()
    Image.fromarray(hills()).save(folder / "hills.png")
    ramp = np.linspace(0, 255, HEIGHT).astype(np.uint8)[:, None].repeat(WIDTH, 1)
    Image.fromarray(ramp).save(folder / "depth.png")
    Image.new("L", (WIDTH, HEIGHT), 128).save(folder / "flat.png")
    Image.new("L", (HEIGHT, WIDTH), 255).save(folder / "tall.png")
    Image.new("L", (WIDTH, HEIGHT), 0).save(folder / "black.png")
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[100:120, 100:140] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    (folder / "moves.json").write_text('{"keys": [{"at": 0}, {"at": 1, "pan": 0.03}]}')
    (folder / "bad.json").write_text('{"keys": [{"at": 0}]}')
    (folder / "brush.json").write_text('{"arrows": [[40, 110, 200, 110]], "speed": 25}')
    return folder


# ------------------------------------------------------------------------------------------------------- wrong usage


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--motion wink", "did you mean blink"), ("--motion blnk", "mean blink"),
        ("--motion none", "nothing is to move"), ("--motion none,blink", "none stands alone"),
        ("--motion ,", "choose from blink"), ("--motion run,jump", "--motion run"),
        ("--still nose --camera pan", "no such part"), ("--still hnds", "did you mean hands"),
        ("--still none", "no such part"), ("--still face,one.png,two.png", "two masks"), ("--still ,", "no such part"),
        ("--still face --say hi", "it is to speak"), ("--still mouth --say hi", "it is to speak"),
        ("--strength 2", "--strength 2"), ("--strength -0.5", "--strength -0.5"), ("--strength nan", "--strength nan"),
        ("--strength inf", "--strength inf"), ("--strength much", "--strength"), ("--ambient fog", '"snow"'),
        ("--camera teleport", "'teleport'"), ("--camera left", "where to"), ("--camera missing.json", "missing.json"),
        ("--camera bad.json", "from 0 to 1"), ("--depth depth.png", "give a --camera"),
        ("--depth-model model.onnx", "give a --camera"), ("--depth depth.png --camera static", "give a --camera"),
        ("--depth depth.png --depth-model model.onnx --camera pan", "two answers"),
        ("--camera pan --engine echo", "echo does not move"), ("--brush brush.json --engine echo", "echo does not"),
        ("--ambient snow --engine echo", "echo does not"), ("--camera pan --seconds 0", "not a length"),
        ("--camera pan --seconds 0.5", "1 to 60"), ("--camera pan --seconds 10000", "1 to 60"),
        ("--camera pan --seconds 1e9", "not a length"), ("--camera pan --seconds nan", "not a length"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_sentence_and_leaves_nothing(
    run: Callable[..., Run], inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, says: str
) -> None:
    monkeypatch.chdir(inputs)
    before = sorted(inputs.iterdir())
    for verb in (["animate", "hills.png", "-o", tmp_path / "out.mp4"], ["plan", "hills.png"]):
        done = run(*verb, *words.split())
        assert done.status == 2, done.err
        assert says in done.sentence
    assert sorted(inputs.iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == [inputs.name]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--still missing.png", "missing.png"), ("--still tall.png --camera pan", "another shape"),
        ("--still black.png --camera pan", "nothing in it is white"), ("--brush missing.json", "missing.json"),
        ("--brush moves.json", "moves.json"), ("--brush mask.png", "not which way"),
        ("--brush hills.png", "not which way"), ("--depth missing.png --camera pan", "missing.png"),
        ("--depth flat.png --camera pan", "same everywhere"), ("--depth tall.png --camera pan", "another shape"),
        ("--depth hills.png --camera pan", "in colour"), ("--depth moves.json --camera pan", "moves.json"),
        ("--depth-model missing.onnx --camera pan", "missing.onnx"),
        ("--depth-model depth.png --camera pan", "does not run"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_status_3_and_leaves_nothing(
    run: Callable[..., Run],
    inputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seen: Scene,
    words: str,
    says: str,
) -> None:
    from stillwake import perceive

    monkeypatch.setattr(perceive, "perceive", lambda still, given=(): seen)
    monkeypatch.chdir(inputs)
    done = run("animate", "hills.png", "-o", tmp_path / "out.mp4", *words.split())
    assert done.status == 3, done.err
    assert says in done.sentence
    assert str(inputs) not in done.err
    assert [path.name for path in tmp_path.iterdir()] == [inputs.name]


def test_lists_are_read_with_blanks_capitals_and_doubles() -> None:
    assert asking.Moves(motion=" Blink, HAIR ,blink").asked()["motion"] == ("blink", "hair")
    assert asking.Moves(motion="none").asked()["motion"] == ()
    assert asking.Moves().asked()["motion"] is None
    asked = asking.Moves(still="Face, a mask.PNG ,hands").asked()
    assert asked["still"] == ("face", "hands")
    assert asked["still_mask"] == Path("a mask.PNG")
    assert asking.Moves(still="mask.png").asked()["still"] == ()
    assert asking.Moves().asked()["still_mask"] is None


# ----------------------------------------------------------------------------------------------------------- the route


@pytest.fixture(scope="module")
def seen() -> Scene:
    """The hills as they are perceived."""
    from stillwake.perceive import perceive
    from stillwake.types import Still

    return perceive(Still(hills(), "hills.png", "0" * 64))


@pytest.fixture(scope="module")
def report(seen: Scene) -> Report:
    return check(seen)


def test_a_still_without_a_person_moves_by_something_else_or_not_at_all(seen: Scene, report: Report) -> None:
    for brief in (Brief(camera="pan"), Brief(brush=Path("b.json")), Brief(ambient="snow")):
        assert route.motions_of(seen, report, brief) == ()
    for brief in (Brief(), Brief(say="hi"), Brief(motion=("blink",), camera="pan")):
        with pytest.raises(NotReadyError):
            route.motions_of(seen, report, brief)
    assert route.motions_of(seen, report, Brief(engine="echo")) == ()


def with_gate(report: Report, verdict: str) -> Report:
    gate = report.gates["animator"].model_copy(update={"verdict": verdict})
    return report.model_copy(update={"gates": {**report.gates, "animator": gate}})


def test_a_person_moves_as_asked(astronaut: Scene) -> None:
    ready, shut = (with_gate(check(astronaut), verdict) for verdict in ("pass", "fail"))
    assert route.motions_of(astronaut, ready, Brief()) == MOTIONS
    assert route.motions_of(astronaut, ready, Brief(motion=("hair",))) == ("hair",)
    assert route.motions_of(astronaut, ready, Brief(motion=(), camera="pan")) == ()
    assert route.motions_of(astronaut, shut, Brief()) == route.WITHOUT_FACE, "the face stands still, the rest moves"
    with pytest.raises(NotReadyError):
        route.motions_of(astronaut, shut, Brief(say="hi"))
    with pytest.raises(NotReadyError):
        route.motions_of(astronaut, shut, Brief(motion=("blink",)))


@pytest.mark.parametrize(
    ("brief", "loop", "seconds"),
    [
        (Brief(camera="pan left"), False, 6), (Brief(camera="pan left", loop=True), True, 6),
        (Brief(ambient="snow"), True, 6), (Brief(camera="static", ambient="snow", seconds=Fraction(2)), True, 2),
    ],
)  # fmt: skip
def test_a_camera_goes_one_way_unless_it_is_told_to_loop(
    seen: Scene, report: Report, brief: Brief, loop: bool, seconds: int
) -> None:
    (shot,) = route.plan(seen, report, brief, None).shots
    assert shot.loop == loop
    assert shot.seconds == seconds
    assert shot.motions == ()


def test_a_plan_says_what_moves(seen: Scene, report: Report) -> None:
    brief = Brief(
        camera="slow push in, tilt up", brush=Path("a/b.json"), ambient="snow", strength=0.5, still=("hands",),
        still_mask=Path("a/m.png"), loop=True,
    )  # fmt: skip
    plan = route.plan(seen, report, brief, None)
    (shot,) = plan.shots
    said = "; ".join(shot.reasons)
    for words in ("push-in, tilt-up, out and back", "b.json", "snow drifts", "50% as far", "hands, m.png"):
        assert words in said
    assert "a/" not in said
    assert shot.camera is not None
    assert [move.kind for move in shot.camera.moves] == ["push-in", "tilt-up"]
    assert (shot.brush, shot.ambient, shot.strength, shot.held) == (True, "snow", 0.5, ("hands",))


def test_key_frames_are_kept_in_the_plan(seen: Scene, report: Report, inputs: Path) -> None:
    brief = Brief(camera=str(inputs / "moves.json"))
    (shot,) = route.plan(seen, report, brief, None).shots
    assert shot.camera is not None
    assert shot.camera.keys[1].pan == 0.03
    with pytest.raises(UsageError):
        route.require_moves(Brief(camera=str(inputs / "bad.json")))


# ---------------------------------------------------------------------------------------------------------- the walk


def test_everything_at_once_from_the_command_line_to_the_record(
    run: Callable[..., Run], inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["--camera", inputs / "moves.json", "--brush", inputs / "brush.json", "--ambient", "snow", "--loop"]
    asked += ["--depth", inputs / "depth.png", "--still", f"hands,{inputs / 'mask.png'}", "--strength", "0.8"]
    asked += ["--seconds", "1", "--fps", "12"]
    done = run("animate", inputs / "hills.png", "-o", "out.mp4", *asked, "--json", "-q")
    assert done.status in (0, 4), done.err
    record = RunRecord.model_validate_json(done.out)
    text = (tmp_path / "out.mp4.json").read_text()
    assert str(tmp_path) not in text
    assert inputs.name not in text, "a record says nothing about the machine"
    brief = json.loads(text)["brief"]
    names = {name: brief[name] for name in ("camera", "brush", "depth", "still_mask", "still", "ambient", "loop")}
    assert names == {
        "camera": "moves.json", "brush": "brush.json", "depth": "depth.png", "still_mask": "mask.png",
        "still": ["hands"], "ambient": "snow", "loop": True,
    }  # fmt: skip
    (shot,) = record.plan.shots
    assert shot.camera is not None
    assert len(shot.camera.keys) == 2
    assert record.inspection.clip.frame_count == 12
    assert {"sharpness", "folds"} <= {finding.check for finding in record.inspection.findings}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "out.mp4.json", inputs.name]


def test_the_same_command_gives_the_same_frames(inputs: Path, tmp_path: Path) -> None:
    brief = Brief(camera="drift", ambient="dust", seconds=Fraction(1), fps=Fraction(8), seed=5)
    for name in ("one", "two"):
        workflow.animate(inputs / "hills.png", brief, tmp_path / name / "%05d.png")
    for index in (0, 7):
        one, two = (open_still(tmp_path / name / f"{index:05d}.png").pixels for name in ("one", "two"))
        assert np.array_equal(one, two)
    assert not np.array_equal(one, open_still(tmp_path / "one" / "00000.png").pixels)


def test_what_is_added_is_seen_in_the_scene(inputs: Path, seen: Scene) -> None:
    from stillwake.perceive import open_mask, open_strokes

    strokes = open_strokes(inputs / "brush.json", (WIDTH, HEIGHT))
    pinned = open_mask(inputs / "mask.png", (WIDTH, HEIGHT))
    scene, note = painted_scene(seen, Brief(depth=inputs / "depth.png", camera="pan"), strokes, pinned)
    assert note == ""
    assert scene.depth is not None
    assert scene.depth.shape == (HEIGHT, WIDTH)
    assert scene.strokes is strokes
    assert scene.pinned is pinned
    assert scene.seen["depth"] == "a map given by hand"
    assert seen.depth is None
    assert painted_scene(seen, Brief(), None, None)[0] is seen


# ----------------------------------------------------------------------------------------------- is it sharp and even?


class Playing:
    """A performance of given frames."""

    def __init__(self, draw: Callable[[int], Pixels], count: int = 26) -> None:
        self.frame, self.frame_count = draw, count


def sharpness(draw: Callable[[int], Pixels], still: Pixels | None = None, camera: bool = True) -> dict[str, Any]:
    shot = Shot(
        family="animator", engine="animator", motion="live", seconds=Fraction(1), fps=Fraction(26),
        size=(WIDTH, HEIGHT), seed=0, camera=CameraRecord(moves=(CameraMove(kind="drift"),)) if camera else None,
    )  # fmt: skip
    evidence = SimpleNamespace(
        performance=Playing(draw), still=hills() if still is None else still, plan=SimpleNamespace(shots=(shot,)),
        fps=Fraction(26),
    )  # fmt: skip
    return {finding.check: finding for finding in moves_check.check(evidence)}  # type: ignore[arg-type]


def test_frames_as_sharp_as_the_still_pass() -> None:
    found = sharpness(lambda index: np.roll(hills(), index, 1))
    assert {name: finding.verdict for name, finding in found.items()} == {
        "sharpness": "pass",
        "sharpness pump": "pass",
    }
    assert found["sharpness"].measured == pytest.approx(1, abs=0.02)


def test_soft_frames_warn_and_so_does_a_sharpness_that_comes_and_goes() -> None:
    soft = cv2.GaussianBlur(hills(), (0, 0), 1.2)
    found = sharpness(lambda index: soft)
    assert found["sharpness"].verdict == "warn"
    assert found["sharpness"].measured < 0.75
    assert found["sharpness pump"].verdict == "pass"
    mixed = cv2.addWeighted(hills(), 0.85, soft, 0.15, 0)
    found = sharpness(lambda index: mixed if index > 12 else hills())
    assert found["sharpness pump"].verdict == "warn"
    assert found["sharpness pump"].fix


def test_what_cannot_be_measured_is_said_or_left_out() -> None:
    assert sharpness(lambda index: hills(), camera=False) == {}
    plain = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    assert sharpness(lambda index: plain, plain)["sharpness"].verdict == "unseen"
