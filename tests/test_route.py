"""The router: what a brief asks for, the table of rules, segments, prices, budgets, and what stands against a plan."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.briefs import CASES, Case
from tests.conftest import Run

from stillwake import route
from stillwake.errors import UsageError
from stillwake.makers import HOLDS, MAKERS, named
from stillwake.readiness import check
from stillwake.route.asks import asks_of
from stillwake.route.rules import RULES, decided
from stillwake.route.segments import beats, longest, segments_of
from stillwake.types import Brief, Gate, Report, Scene, Still

INSTALLED = ("animator", "echo", "wan")


@pytest.fixture(scope="session")
def seen(astronaut: Scene, mira: Scene) -> Callable[[str], tuple[Scene, Report]]:
    """The still of a case with its report: people's from the fixtures, the others drawn here."""
    y, x = np.mgrid[0:360, 0:480]
    hills = np.stack([90 + 60 * (y > 200 + 20 * np.sin(x / 50)), 120 + 0 * x, 200 - y // 3], -1).astype(np.uint8)
    nobody = Scene(Still(hills, "hills.png", "1" * 64), "photo", (), (), None, {"faces": "drawn here"})
    kinds = {"portrait": astronaut, "drawn": mira, "figure": astronaut}
    reports: dict[int, Report] = {}

    def of(kind: str) -> tuple[Scene, Report]:
        scene = kinds.get(kind, nobody)
        if id(scene) not in reports:
            report = check(scene)
            open_gate = Gate(verdict="pass", why="it is ready")
            gates = {"animator": report.gates["animator"] if not scene.faces else open_gate, "generator": open_gate}
            reports[id(scene)] = report.model_copy(update={"gates": gates})
        return scene, reports[id(scene)]

    return of


def brief_of(case: Case) -> Brief:
    asked = dict(case.brief)
    if asked.pop("brush", False):
        asked["brush"] = Path("water.json")
    return Brief(**asked)


# ------------------------------------------------------------------------------------------------- the right family


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.still} {case.brief}"[:90])
def test_the_right_family_for_each_brief(case: Case, seen: Callable[[str], tuple[Scene, Report]]) -> None:
    plan = route.plan(*seen(case.still), brief_of(case), None, installed=INSTALLED)
    assert "+".join(plan.families) == case.families
    assert plan.rule == case.rule
    reason = plan.shots[0].reasons[0]
    assert len(reason.split()) >= 5, "a reason is a sentence"
    if case.rule not in ("asked for", "living loop") and case.brief.get("prompt") and "speech" not in case.rule:
        assert "“" in reason or "you prefer" in reason or "takes" in reason, "the reason quotes what was said"


def test_every_rule_has_its_case_and_its_reason() -> None:
    assert {rule.name for rule in RULES} <= {case.rule for case in CASES}
    assert len(CASES) >= 60
    for rule in RULES:
        assert len(rule.reason) > 30, rule.name
        assert "{words}" in rule.reason or rule is RULES[-1]


@pytest.mark.parametrize("case", CASES[::7], ids=lambda case: f"{case.brief}"[:60])
def test_a_plan_is_the_same_every_time_and_comes_back_from_json(
    case: Case, seen: Callable[[str], tuple[Scene, Report]]
) -> None:
    plans = [route.plan(*seen(case.still), brief_of(case), None, installed=INSTALLED) for _ in range(3)]
    assert plans[0].to_json() == plans[1].to_json() == plans[2].to_json()
    assert type(plans[0]).model_validate_json(plans[0].to_json()) == plans[0]


def test_planning_costs_nothing_beyond_perception(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    scene, report = seen("portrait")
    large = dataclasses.replace(scene.still, pixels=np.zeros((2160, 3840, 3), np.uint8))
    scene = dataclasses.replace(scene, still=large, matte=np.zeros((2160, 3840), np.float32))
    took = []
    for _ in range(5):
        start = time.process_time()
        route.plan(scene, report, Brief(prompt="slow push in, waves breaking, then she turns", aspect="9:16"), None)
        took.append(time.process_time() - start)
    assert min(took) <= 0.4, "twice the bar, for busy machines: benchmarks routing measures it"


# ------------------------------------------------------------------------------------------------ what is asked for


def test_what_an_animator_can_do_of_a_prompt_it_does(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    plan = route.plan(*seen("drawn"), Brief(prompt="snow falls gently, slow dolly in, seamless loop"), None)
    (shot,) = plan.shots
    assert shot.ambient == "snow"
    assert shot.camera is not None
    assert [move.kind for move in shot.camera.moves] == ["push-in"]
    assert shot.camera.moves[0].strength < 1
    assert shot.loop


@pytest.mark.parametrize(
    ("prompt", "kinds"),
    [
        ("no zoom, no pan", []),
        ("don't zoom and pan", []),
        ("the background stands still, she blinks", ["small"]),
        ("static camera, waves crash on the rocks", ["environment"]),
        ("without moving the camera", []),
        ("she does not turn but she blinks", ["small"]),
        ("cinematic, 8k, masterpiece, golden hour, by the sea", []),
        ("", []),
        ("?!?,,;;", []),
    ],
)
def test_what_is_denied_or_only_described_asks_for_nothing(prompt: str, kinds: list[str]) -> None:
    assert [cue.kind for cue in asks_of(Brief(prompt=prompt)).cues] == kinds


@given(st.text(max_size=300))
def test_any_prompt_is_read(prompt: str) -> None:
    asks = asks_of(Brief(prompt=prompt))
    rule, why = decided(Brief(prompt=prompt), asks)
    assert rule in RULES
    assert why


@pytest.mark.timeout(20)
def test_a_hostile_prompt_costs_no_time() -> None:
    for piece in ("a ", "camera ", "no ", "keep the ", "zoom in, ", "((((", "then ", "not change the face "):
        asks_of(Brief(prompt=(piece * 5000)[:5000]))


def test_the_scene_comes_before_the_speech_where_the_prompt_says_so(
    seen: Callable[[str], tuple[Scene, Report]],
) -> None:
    def order(prompt: str) -> list[str]:
        return [shot.family for shot in route.plan(*seen("portrait"), Brief(say="Hi.", prompt=prompt), None).shots]

    assert order("drone shot over the city, then he speaks") == ["generator", "animator"]
    assert order("he speaks, then waves crash behind him") == ["animator", "generator"]


def test_a_prompt_that_nobody_understood_is_told(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    def warned(prompt: str) -> bool:
        plan = route.plan(*seen("portrait"), Brief(prompt=prompt), None, installed=INSTALLED)
        return any("understood" in warning for warning in plan.warnings)

    assert warned("ein Mann geht über die Straße")
    assert warned("cinematic, 8k")
    assert not warned("he blinks")


# ------------------------------------------------------------------------------------------------------- segments


def test_a_long_prompt_becomes_segments_that_an_engine_holds(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    prompt = "slow camera push forward, waves breaking in the foreground"
    plan = route.plan(*seen("coast"), Brief(prompt=prompt, seconds=Fraction(12)), None, installed=INSTALLED)
    assert plan.shots[0].fps == 32, "twice the 16 that Wan makes"
    assert sum(shot.frame_count for shot in plan.shots) == 12 * 32
    assert len(plan.shots) == 3
    assert [shot.anchor for shot in plan.shots] == ["still", "before", "before"]
    assert all(shot.seconds <= HOLDS and shot.made is not None and shot.made >= shot.seconds for shot in plan.shots)
    assert len({shot.seed for shot in plan.shots}) == 3, "each its own seed"
    assert all("waves breaking" in shot.prompt for shot in plan.shots), "what a prompt does not repeat is forgotten"


def test_takes_of_neighbouring_segments_share_no_seed(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    brief = Brief(prompt="waves break", seconds=Fraction(12), takes=5, seed=7)
    shots = route.plan(*seen("coast"), brief, None, installed=INSTALLED).shots
    seeds = [shot.seed + take for shot in shots for take in range(shot.takes)]
    assert len(set(seeds)) == len(seeds)


def test_a_face_that_must_stay_is_shown_again_in_every_segment(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    brief = Brief(prompt="she walks through the rain", keep_face=True, seconds=Fraction(10))
    plan = route.plan(*seen("figure"), brief, None, installed=INSTALLED)
    assert {shot.anchor for shot in plan.shots} == {"still"}
    assert any("look at the face" in warning for warning in plan.warnings)


def test_beats_are_what_follows_one_another() -> None:
    assert beats("She turns, then walks away; finally the door closes.") == (
        "She turns", "walks away", "the door closes"
    )  # fmt: skip
    assert beats("waves breaking in the foreground") == ("waves breaking in the foreground",)


@given(
    st.fractions(1, 600, max_denominator=50),
    st.sampled_from([Fraction(25), Fraction(24000, 1001), Fraction(60)]),
    st.sampled_from([name for name, maker in MAKERS.items() if maker.family == "generator"]),
    st.sampled_from(["waves", "she turns, then walks, then sits", "a; b; c; d; e; f; g"]),
)
def test_segments_cover_the_seconds_to_the_frame(seconds: Fraction, fps: Fraction, engine: str, prompt: str) -> None:
    segments = segments_of(prompt, seconds, fps, MAKERS[engine])
    assert sum(segment.frames for segment in segments) == -int(-seconds * fps // 1)
    for segment in segments:
        assert segment.frames / fps <= longest(MAKERS[engine]) + 1 / fps
        assert segment.prompt
        assert not MAKERS[engine].lengths or segment.made in MAKERS[engine].lengths


# ---------------------------------------------------------------------------------------------------- price, budget


def test_the_price_is_that_of_what_is_made_takes_included(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    brief = Brief(engine="kling", prompt="she turns and walks away", seconds=Fraction(4), takes=3)
    plan = route.plan(*seen("figure"), brief, None, installed=INSTALLED)
    assert plan.price == pytest.approx(3 * 5 * 0.042), "4 s are 5 there, three times"
    assert any("2026" in warning for warning in plan.warnings), "a price has its date"


def test_a_budget_refuses_before_anything_is_spent(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    brief = Brief(engine="runway", prompt="she turns and walks away", seconds=Fraction(4), takes=4, budget=0.5)
    plan = route.plan(*seen("figure"), brief, None, installed=(*INSTALLED, "runway"))
    (obstacle,) = plan.obstacles
    assert (obstacle.kind, obstacle.fix) == ("budget", "--takes 2 fits")
    fits = route.plan(*seen("figure"), brief.model_copy(update={"takes": 2}), None, installed=(*INSTALLED, "runway"))
    assert fits.obstacles == ()


def test_nothing_is_paid_for_unless_that_is_allowed(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    for installed in (("animator",), ("animator", "kling", "runway"), INSTALLED):
        plan = route.plan(*seen("figure"), Brief(prompt="he dances"), None, installed=installed)
        assert plan.price == 0
        assert MAKERS[plan.shots[0].engine].local
    paid = Brief(prompt="he dances", allow_paid=True)
    assert route.plan(*seen("figure"), paid, None, installed=("animator", "runway")).shots[0].engine == "runway"
    assert route.plan(*seen("figure"), paid, None, installed=INSTALLED).shots[0].engine == "wan", "free ones first"


def test_an_edited_plan_costs_what_it_now_asks_for(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    brief, installed = Brief(prompt="he dances", budget=0.5), (*INSTALLED, "kling")
    plan = route.plan(*seen("figure"), brief, None, installed=installed)
    assert plan.price == 0
    edited = plan.shots[0].model_copy(update={"engine": "kling", "takes": 4})
    again = route.against(*seen("figure"), plan.model_copy(update={"shots": (edited,)}), installed=installed)
    assert again.price == pytest.approx(4 * 5 * 0.042)
    assert [obstacle.kind for obstacle in again.obstacles] == ["budget"]


def test_a_budget_is_no_leave_to_spend_what_nobody_knows(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    brief = Brief(engine="seedance", prompt="he dances", budget=100)
    plan = route.plan(*seen("figure"), brief, None, installed=(*INSTALLED, "seedance"))
    assert [obstacle.kind for obstacle in plan.obstacles] == ["budget"]
    assert "nobody knows" in plan.obstacles[0].why


def test_a_segment_that_goes_on_is_made_a_frame_longer() -> None:
    for maker in (MAKERS["runway"], MAKERS["wan"]):
        for index, segment in enumerate(segments_of("waves", Fraction(12), Fraction(25), maker)):
            assert segment.made * 25 >= segment.frames + (1 if index else 0)


def test_every_price_names_its_source_and_every_engine_its_family() -> None:
    for name, maker in MAKERS.items():
        assert named(name) == name
        assert maker.family in ("animator", "generator")
        assert list(maker.lengths) == sorted(maker.lengths)
        if maker.price is not None:
            assert not maker.local, "what runs here costs nothing"
            assert len(maker.price.source) > 5
            assert maker.price.second > 0
    assert MAKERS["did"].cost(Fraction(5)) == pytest.approx(15 * 48 / 1800), "begun quarters of a minute count whole"


# ------------------------------------------------------------------------------------------- what stands against it


def shut(report: Report, family: str) -> Report:
    gates = {**report.gates, family: Gate(verdict="fail", why="six fingers on the left hand")}
    return report.model_copy(update={"gates": gates})


def test_a_still_that_is_not_ready_costs_nothing_without_force(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    scene, report = seen("figure")
    brief = Brief(prompt="he dances")
    stopped = route.plan(scene, shut(report, "generator"), brief, None, installed=INSTALLED)
    assert [obstacle.kind for obstacle in stopped.obstacles] == ["not ready"]
    assert "six fingers" in stopped.obstacles[0].why
    forced = route.plan(scene, shut(report, "generator"), brief, None, installed=INSTALLED, force=True)
    assert forced.obstacles == ()
    assert any("six fingers" in warning for warning in forced.warnings)


def test_speech_that_nobody_wrote_is_asked_for(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    plan = route.plan(*seen("portrait"), Brief(prompt="make him talk"), None)
    assert [obstacle.kind for obstacle in plan.obstacles] == ["no words"]
    assert "--say" in plan.obstacles[0].fix


def test_an_engine_that_is_not_here_is_told_with_what_to_do(seen: Callable[[str], tuple[Scene, Report]]) -> None:
    plan = route.plan(*seen("figure"), Brief(prompt="he dances"), None)
    assert [obstacle.kind for obstacle in plan.obstacles] == ["not here"]
    assert "assemble" in plan.obstacles[0].fix


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"engine": "runway", "say": "Hello."}, "follows no sound"),
        ({"engine": "kling", "ambient": "snow"}, "--ambient"),
        ({"engine": "echo", "prompt": "he dances"}, "does not move anything"),
        ({"prompt": " "}, "the prompt is empty"),
        ({"prompt": "waves", "seconds": Fraction(601)}, "1 to 600"),
        ({"say": "Hi.", "seconds": Fraction(4)}, "leave out --seconds"),
    ],
)
def test_a_brief_that_contradicts_itself_is_one_sentence(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        route.require_sense(Brief(**asked))


def test_words_longer_than_the_loop_are_no_contradiction() -> None:
    route.require_sense(Brief(say="Many words.", loop=True, seconds=Fraction(4)))


# ------------------------------------------------------------------------------------------------------ the command


def test_a_plan_is_printed_and_written_and_carried_out(run: Callable[..., Run], tmp_path: Path) -> None:
    from stillwake.doctor import demo_still

    still, plan, out = demo_still(), tmp_path / "plan.json", tmp_path / "out.mp4"
    done = run("plan", still, "--engine", "echo", "--seconds", "2", "-o", plan)
    assert done.status == 0, done.err
    assert "costs nothing" in done.out
    record = json.loads(plan.read_text())
    record["shots"][0]["size"] = [256, 256]
    plan.write_text(json.dumps(record))
    done = run("animate", still, "--plan", plan, "-o", out)
    assert done.status == 0, done.err
    made = json.loads((tmp_path / "out.mp4.json").read_text())
    assert made["plan"]["shots"][0]["size"] == [256, 256]
    assert made["brief"]["seconds"] == "2"


def test_a_dry_run_prints_the_plan_and_makes_nothing(run: Callable[..., Run], tmp_path: Path) -> None:
    from stillwake.doctor import demo_still

    out = tmp_path / "out.mp4"
    done = run("animate", demo_still(), "--prompt", "he dances", "--dry-run", "-o", out, "--json")
    assert done.status == 6, "the engine is not here"
    assert json.loads(done.out)["shots"][0]["family"] == "generator"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A plan as the command writes it."""
    from stillwake import cli
    from stillwake.doctor import demo_still

    path = tmp_path_factory.mktemp("plan") / "plan.json"
    assert cli.main(["plan", str(demo_still()), "--engine", "echo", "--say", "Hi.", "-o", str(path)]) == 0
    return path.read_text()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda plan: plan["shots"][0].update(size=[127, 128]), "sides are even"),
        (lambda plan: plan["shots"][0].update(seconds="0"), "above 0"),
        (lambda plan: plan["shots"][0].update(sedcons="1"), "sedcons"),
        (lambda plan: plan["shots"][0].update(takes=0), "takes"),
        (lambda plan: plan["shots"][0].update(price=-1), "price"),
        (lambda plan: plan["shots"].clear(), "shots"),
        (lambda plan: plan["shots"][0].update(anchor="before"), "no shot before"),
        (lambda plan: plan["still"].update(sha256="0" * 64), "another picture"),
        (lambda plan: plan["shots"][0].update(size=[256, 128]), "distort"),
        (lambda plan: plan["shots"][0].update(engine="nonsense"), "nonsense"),
        (lambda plan: plan["shots"][0].update(face=9), "face"),
    ],
)
def test_an_edited_plan_with_a_mistake_is_one_sentence(
    run: Callable[..., Run], tmp_path: Path, change: Callable[[dict[str, Any]], None], says: str, written: str
) -> None:
    from stillwake.doctor import demo_still

    plan = tmp_path / "plan.json"
    record = json.loads(written)
    change(record)
    plan.write_text(json.dumps(record))
    done = run("animate", demo_still(), "--plan", plan, "-o", tmp_path / "out.mp4")
    assert says in done.sentence
    assert sorted(tmp_path.iterdir()) == [plan]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\x00" * 100, b"[" * 100_000, b"[]", b"null", b'{"schema": "stillwake/plan@1"}']
)
def test_a_file_that_is_no_plan_is_one_sentence(run: Callable[..., Run], tmp_path: Path, data: bytes) -> None:
    from stillwake.doctor import demo_still

    plan = tmp_path / "plan.json"
    plan.write_bytes(data)
    done = run("animate", demo_still(), "--plan", plan, "-o", tmp_path / "out.mp4")
    assert done.status in (2, 3)
    assert "plan.json" in done.sentence


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--budget=-5USD"], "less than nothing"), (["--budget", "5EUR"], "USD alone"),
        (["--budget", "lots"], "amount"),
        (["--takes", "0"], "--takes 0"), (["--takes", "51"], "--takes 51"),
        (["--engine", "klign"], "did you mean kling"),
        (["--prefer", "chaos"], "--prefer"),
    ],
)  # fmt: skip
def test_wishes_that_nobody_can_fulfil_are_one_sentence(run: Callable[..., Run], words: list[str], says: str) -> None:
    from stillwake.doctor import demo_still

    assert says in run("plan", demo_still(), *words).sentence


# ------------------------------------------------------------------------------------------------ briefs of others


def test_briefs_of_people_who_had_not_seen_the_router() -> None:
    """Written without a look at the router, which first read 92 % of 120, 94 of 200, 93 of 150, then 95 of 120."""
    families = {"animator": "animator", "generator": "generator", "both": "both"}
    wrong = []
    for case in json.loads((Path(__file__).parent / "briefs_unseen.json").read_text(encoding="utf-8")):
        asked = dict(case["brief"])
        if asked.pop("sound", False):
            asked["sound"] = Path("song.wav")
        rule, _ = decided(brief := Brief(**asked), asks_of(brief))
        if rule.family != families[case["family"]]:
            wrong.append(f"{case['family']}, not {rule.family} ({rule.name}): {asked}")
    assert not wrong, "\n".join(wrong)


def test_the_tables_of_the_docs_are_the_codes() -> None:
    from stillwake.route.page import with_tables

    page = (Path(__file__).parents[1] / "docs" / "plan.md").read_text(encoding="utf-8")
    assert page == with_tables(page), "run make docs"
    for rule in RULES:
        assert f"| {rule.name} | {rule.family} |" in page
