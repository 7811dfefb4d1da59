"""The judge: it can only lower a verdict, and nothing it or a picture says is obeyed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stillwake.errors import UsageError
from stillwake.readiness import EndpointJudge, check, judged
from stillwake.readiness.fake_judge import FakeJudge, Manner
from stillwake.readiness.judge import KEY, QUESTIONS, plain, questions
from stillwake.report import page
from stillwake.types import Finding, Floats, Hand, Report, Scene, Still, worst

RANK = {"pass": 0, "unseen": 0, "warn": 1, "fail": 2}


@pytest.fixture(name="scene", scope="module")
def _scene() -> Scene:
    from skimage import data

    from stillwake.perceive import perceive

    return perceive(Still(np.ascontiguousarray(data.astronaut()), "<b>astronaut</b>.png", "0" * 64))


@pytest.fixture(name="report", scope="module")
def _report(scene: Scene) -> Report:
    return check(scene)


def ask(scene: Scene, report: Report, fake: FakeJudge) -> Report:
    return judged(scene, report, EndpointJudge("http://judge/v1", "fake-vl", transport=fake.transport()))


def findings(report: Report) -> dict[str, Finding]:
    return {f.check: f for sign in report.signs for f in sign.findings}


def test_a_fault_lowers_its_check_to_warn_and_no_further(scene: Scene, report: Report) -> None:
    after = ask(scene, report, FakeJudge(seen="fault", about="collar"))
    clothing = findings(after)["clothing"]
    assert (findings(report)["clothing"].verdict, clothing.verdict) == ("unseen", "warn")
    assert "fake-vl" in clothing.why
    assert clothing.box is not None
    assert clothing.fix
    others = {check for check, f in findings(after).items() if f.verdict != findings(report)[check].verdict}
    assert others == {"clothing"}
    character = after.signs[0]
    assert character.verdict == worst([f.verdict for f in character.findings])


@pytest.mark.parametrize("seen", ["fault", "clean", "unsure"])
def test_it_never_lifts_a_verdict(scene: Scene, report: Report, seen: str) -> None:
    after = findings(ask(scene, report, FakeJudge(seen=seen)))
    for name, before in findings(report).items():
        assert RANK[after[name].verdict] >= RANK[before.verdict]
        assert not (before.verdict == "unseen" and after[name].verdict == "pass")
        assert after[name].verdict != "fail" or before.verdict == "fail"


def test_clean_leaves_it_unseen_with_a_note(scene: Scene, report: Report) -> None:
    after = findings(ask(scene, report, FakeJudge(seen="clean")))
    assert after["gaze"].verdict == "unseen"
    assert after["gaze"].why.endswith("saw nothing")


@pytest.mark.parametrize(
    ("manner", "note"),
    [("broken", "no JSON"), ("slow", "too long"), ("silent", "cannot be reached"), ("refusing", "answered 401")],
)
def test_a_judge_that_fails_changes_nothing_and_is_not_waited_for_again(
    scene: Scene, report: Report, manner: Manner, note: str
) -> None:
    fake = FakeJudge(seen="fault", manner=manner)
    after = ask(scene, report, fake)
    assert findings(after) == findings(report)
    assert after.judge is not None
    assert note in after.judge.note
    assert len(fake.asked) <= 2, "one question, asked again once at most"


def test_a_judge_that_sees_faults_in_decoys_is_not_believed(scene: Scene, report: Report) -> None:
    after = ask(scene, report, FakeJudge(seen="fault", decoys=True))
    assert findings(after) == findings(report)
    assert after.judge is not None
    assert not after.judge.trusted
    assert after.judge.decoys_fired == after.judge.decoys == 3


def test_a_box_that_misses_what_was_asked_discards_the_answer(scene: Scene, report: Report) -> None:
    after = ask(scene, report, FakeJudge(seen="fault", manner="elsewhere", about="collar"))
    assert findings(after)["clothing"] == findings(report)["clothing"]


def test_a_fence_around_the_json_is_understood(scene: Scene, report: Report) -> None:
    after = ask(scene, report, FakeJudge(seen="fault", manner="fenced", about="collar"))
    assert findings(after)["clothing"].verdict == "warn"


def test_what_it_says_is_data(scene: Scene, report: Report) -> None:
    fake = FakeJudge(seen="fault", manner="obeying", about="collar")
    after = ask(scene, report, fake)
    clothing = findings(after)["clothing"]
    assert clothing.verdict == "warn"
    assert "\x1b" not in clothing.why
    assert "\n" not in clothing.why
    assert len({body["messages"][0]["content"] for body in fake.asked}) == 1, "the rules are the same every time"
    assert all(body["temperature"] == 0 for body in fake.asked)
    assert after.model_validate_json(after.to_json()) == after


def test_every_hand_is_asked_about_by_itself(scene: Scene, report: Report) -> None:
    points = np.random.default_rng(0).uniform(50, 150, (21, 2)).astype(np.float32)

    def hand(at: Floats) -> Hand:
        (x0, y0), (x1, y1) = at.min(0).tolist(), at.max(0).tolist()
        return Hand(at, (x0, y0, x1, y1), "left", "left", 0.9, 1.0, 5.0, -4.0, 0.0, 5.0)

    two = Scene(scene.still, scene.style, (), (), None, {}, hands=(hand(points), hand(points + 200)))
    asked = [q for q in questions(two, report) if q.check == "digits"]
    assert len(asked) == 2
    assert asked[0].box != asked[1].box
    assert {q.check for q in questions(scene, report)} <= set(QUESTIONS)


@pytest.mark.parametrize(
    "url", ["", "localhost:11434", "ftp://judge/v1", "http://", "http://key@judge/v1", "file:///etc"]
)
def test_an_address_that_is_none_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="http://host:port/v1"):
        EndpointJudge(url, "fake-vl")


def test_the_key_travels_as_a_header_and_nowhere_else(
    scene: Scene, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "sk-secret")
    fake = FakeJudge(seen="fault", about="collar")
    judge = EndpointJudge("http://judge/v1", "fake-vl", transport=fake.transport())
    assert judge._client.headers["Authorization"] == "Bearer sk-secret"
    after = judged(scene, report, judge)
    assert "sk-secret" not in after.to_json()
    assert "sk-secret" not in str(fake.asked)


def test_plain_cuts_what_is_long() -> None:
    assert len(plain("x" * 500)) == 160
    assert plain("a\tb\u202e\x00c") == "a b c"


# ------------------------------------------------------------------------------------------------------- the page


def test_the_page_stands_alone_and_draws_every_finding(scene: Scene, report: Report) -> None:
    html = page(report, scene.still)
    assert "<script" not in html
    assert html.count("src=") == 1
    assert 'src="data:image/jpeg;base64,' in html
    assert "default-src &#39;none&#39;" in html or "default-src 'none'" in html
    faults = [
        f
        for s in (*report.signs, report.file, *report.gates.values())
        for f in s.findings
        if f.verdict in ("warn", "fail")
    ]
    assert html.count("<circle") == sum(f.box is not None for f in faults)
    assert html.index("<svg") < html.index("What to do"), "the picture comes before the words"
    for sign in report.signs:
        assert sign.sign in html


def test_the_page_escapes_strangers_words(scene: Scene, report: Report) -> None:
    html = page(report, scene.still)
    assert "<b>astronaut" not in html
    assert "&lt;b&gt;astronaut" in html


def test_check_writes_the_page_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from stillwake.cli import main
    from stillwake.doctor import demo_still

    out = tmp_path / "hero.html"
    assert main(["check", str(demo_still()), "--report", str(out)]) == 0
    assert out.read_text().startswith("<!doctype html>")
    assert main(["check", str(demo_still()), "--report", str(out)]) == 5
    assert main(["check", str(demo_still()), str(demo_still()), "--report", str(tmp_path / "two.html")]) == 2
    assert main(["check", str(demo_still()), "--judge", "http://judge/v1"]) == 2
    assert "both its address and its model" in capsys.readouterr().err
