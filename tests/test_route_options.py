"""What is asked of a generator beyond its prompt: given where it is taken, refused with who takes it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stillwake import route
from stillwake.errors import UsageError
from stillwake.makers import MAKERS, Ability, takers
from stillwake.readiness import check
from stillwake.route.segments import longest, segments_of
from stillwake.types import Brief, Gate, Plan, Report, Scene, Still

READY = Gate(verdict="pass", why="it is ready")
END = Path("end.png")
GENERATORS = [name for name, maker in MAKERS.items() if maker.family == "generator" and maker.can]


@pytest.fixture(scope="module")
def coast() -> tuple[Scene, Report]:
    y, x = np.mgrid[0:360, 0:480]
    hills = np.stack([90 + 60 * (y > 200 + 20 * np.sin(x / 50)), 120 + 0 * x, 200 - y // 3], -1).astype(np.uint8)
    scene = Scene(Still(hills, "hills.png", "1" * 64), "photo", (), (), None, {"faces": "drawn here"})
    return scene, check(scene).model_copy(update={"gates": {"animator": READY, "generator": READY}})


def planned(seen: tuple[Scene, Report], **brief: Any) -> Plan:
    asked = Brief(**brief)
    installed = ("animator", "echo", *([asked.engine] if asked.engine else ["wan", "svd"]))
    return route.plan(*seen, asked, None, installed=installed)


OPTIONS: tuple[tuple[Ability, str, dict[str, Any]], ...] = (
    ("end frame", "--end-frame", {"end_frame": END}),
    ("conditioning", "--hold", {"hold": 0.7}),
    ("brush", "--brush", {"brush": Path("water.json")}),
)


@pytest.mark.parametrize("engine", GENERATORS)
@pytest.mark.parametrize(("ability", "option", "asked"), OPTIONS, ids=[row[1] for row in OPTIONS])
def test_each_engine_takes_it_or_says_who_does(
    engine: str, ability: Ability, option: str, asked: dict[str, Any], coast: tuple[Scene, Report]
) -> None:
    brief = {"engine": engine, "prompt": "waves", **asked}
    maker = MAKERS[engine]
    if ability in maker.could:
        (shot, *_) = planned(coast, **brief).shots
        assert ability in maker.of(shot.model).can, "with a model that takes it"
        assert shot.hold == asked.get("hold")
        assert shot.brush == ("brush" in asked)
        assert planned(coast, **brief).shots[-1].ends == ("end_frame" in asked)
    else:
        with pytest.raises(UsageError) as told:
            planned(coast, **brief)
        assert option in str(told.value)
        assert maker.title in str(told.value)
        if ability != "brush":  # asked before the table of engines
            assert all(title in str(told.value) for title in takers(ability))


def test_a_model_that_is_named_keeps_its_name_and_its_own_facts(coast: tuple[Scene, Report]) -> None:
    (shot,) = planned(coast, engine="runway", model="gen4.5", prompt="waves", seconds=Fraction(4)).shots
    assert (shot.model, shot.price) == ("gen4.5", pytest.approx(4 * 0.12))
    with pytest.raises(UsageError, match=r"choose --model kling2\.5_turbo_pro"):
        planned(coast, engine="runway", model="gen4.5", prompt="waves", end_frame=END)
    plan = planned(coast, engine="runway", model="gen9", prompt="waves")
    assert plan.price == 0
    assert any("nobody knows what Runway costs" in warning for warning in plan.warnings)
    broke = planned(coast, engine="runway", model="gen9", prompt="waves", budget=1.0)
    assert [obstacle.kind for obstacle in broke.obstacles] == ["budget"], "a budget is no leave to spend the unknown"


def test_an_end_frame_is_a_generators_and_of_the_last_segment_alone(coast: tuple[Scene, Report]) -> None:
    plan = planned(coast, end_frame=END, seconds=Fraction(11), prompt="the tide comes in")
    assert plan.rule == "end frame"
    assert [shot.engine for shot in plan.shots] == ["wan"] * len(plan.shots)
    assert [shot.ends for shot in plan.shots] == [False] * (len(plan.shots) - 1) + [True]
    for brief in ({"engine": "animator"}, {"say": "Good morning."}):
        with pytest.raises(UsageError, match="--end-frame"):
            planned(coast, end_frame=END, **brief)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"negative": "blur"}, "takes no --negative"),
        ({"guidance": 6.0}, "takes no --guidance"),
        ({"steps": 20}, "takes no --steps"),
        ({"seed": 3}, "takes no seed"),
    ],
)
def test_what_does_no_harm_when_left_out_is_a_warning(
    asked: dict[str, Any], says: str, coast: tuple[Scene, Report]
) -> None:
    assert any(says in warning for warning in planned(coast, engine="luma", prompt="waves", **asked).warnings)


def test_a_face_that_must_stay_is_held_where_that_can_be_told(coast: tuple[Scene, Report]) -> None:
    holds = {name: planned(coast, engine=name, prompt="waves", keep_face=True).shots[0].hold for name in GENERATORS}
    assert {name for name, hold in holds.items() if hold} == {"ltx", "svd", "comfyui", "diffusion"}


def test_a_generator_alone_has_its_own_rate_and_smooth_motion(coast: tuple[Scene, Report]) -> None:
    rates = {name: planned(coast, engine=name).shots[0].fps for name in ("svd", "wan", "cogvideox", "ltx")}
    assert rates == {"svd": 28, "wan": 32, "cogvideox": 24, "ltx": 30}
    assert planned(coast, engine="svd", fps=Fraction(25)).shots[0].fps == 25
    both = planned(coast, say="Good morning.", prompt="she speaks, then the waves break over the rocks")
    assert {shot.fps for shot in both.shots} == {25}, "beside an animator's shot it has that one's"


def test_a_clip_that_is_made_whole_anyway_is_not_split() -> None:
    for name in ("kling", "luma", "hailuo"):
        maker = MAKERS[name]
        assert longest(maker) == maker.lengths[0] > maker.holds
        (segment,) = segments_of("waves", maker.lengths[0], Fraction(24), maker)
        assert segment.made == maker.lengths[0]


def test_a_camera_needs_a_camera_or_words(coast: tuple[Scene, Report]) -> None:
    with pytest.raises(UsageError, match="neither a camera nor words"):
        planned(coast, engine="svd", camera="slow push in")
    (shot,) = planned(coast, engine="kling", camera="slow push in", model="kling-v1-5-pro", seconds=Fraction(5)).shots
    assert shot.camera is not None
    assert shot.prompt.startswith("slow push in")


def test_what_is_sent_away_is_said(coast: tuple[Scene, Report]) -> None:
    away = planned(coast, engine="kling", prompt="waves", end_frame=END).shots[0].reasons
    assert any("the still, the end frame and the words are sent there" in reason for reason in away)
    here = planned(coast, engine="wan", prompt="waves").shots[0].reasons
    assert not any("sent there" in reason for reason in here)


@pytest.mark.parametrize(
    ("brief", "says"),
    [
        ({"model": "gen4.5"}, "does not say whose"),
        ({"engine": "heygen"}, "there is nothing to say"),
        ({"engine": "heygen", "say": "Hello.", "expression": "happy"}, "choose --engine did"),
        ({"say": "Hello.", "expression": "happy"}, "our animator"),
    ],
)
def test_briefs_that_ask_the_wrong_engine(brief: dict[str, Any], says: str, coast: tuple[Scene, Report]) -> None:
    with pytest.raises(UsageError, match=says):
        planned(coast, **brief)
