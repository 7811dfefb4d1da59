"""Takes and segments: rendered, inspected, ranked, tried again with a lever turned, joined."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Run
from tests.toy import ToyGenerator

from stillwake import inspection, perceive, workflow
from stillwake.assemble.colour import matched
from stillwake.errors import UsageError
from stillwake.inspection.ranking import MENDS, fault_of, in_words, mended, ranked, severity
from stillwake.media import open_clip, read_frames
from stillwake.types import Brief, Clip, ClipFinding, ClipInfo, Inspection, Shot


@pytest.fixture
def coast(tmp_path: Path) -> Path:
    """A textured picture with nobody in it."""
    y, x = np.mgrid[0:240, 0:320].astype(np.float32)
    ground = 40 * np.sin(x / 9) * np.cos(y / 7) + 25 * np.sin(x / 3.1 + y / 4.3)
    picture = np.stack([110 + ground, 130 + 0.8 * ground, 150 - y / 4], -1)
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(tmp_path / "coast.png")
    return tmp_path / "coast.png"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An inspection that looks for flicker alone: what the takes do with its answer is asked here."""

    def look(clip: Clip, **_: object) -> Inspection:
        light = np.array([float(frame.mean()) for frame in read_frames(clip)])
        size = float(np.abs(np.diff(light, 2)).mean())
        verdict = "fail" if size > 2 else "pass"
        found = ClipFinding(check="flicker", verdict=verdict, measured=size, limit=2, why="the light goes up and down")
        return Inspection(clip=clip.info, passed=verdict == "pass", findings=(found,))

    monkeypatch.setattr(inspection, "inspect", look)


WAVES = "waves break on the rocks"
SHORT = Brief(prompt=WAVES, seconds=Fraction(2), fps=Fraction(16))


def test_takes_are_kept_ranked_and_the_best_is_the_clip(
    toy: type[ToyGenerator],
    coast: Path,
    tmp_path: Path,
) -> None:
    toy.flickers = frozenset({0})
    out = tmp_path / "out.mp4"
    brief = Brief(prompt=WAVES, seconds=Fraction(2), takes=2, fps=Fraction(16))
    record = workflow.animate(coast, brief, out, force=True)
    assert record.takes[0].seed == 1, "the one that does not flicker is first"
    assert [take.rank for take in record.takes] == [1, 2]
    assert [take.chosen for take in record.takes] == [True, False]
    assert record.inspection.passed, in_words(record.inspection)
    assert "flicker" in record.takes[-1].why, "and why the others are not"
    folder = tmp_path / "out.takes"
    assert {take.name for take in record.takes} == {path.name for path in folder.glob("*.mp4")}
    with Image.open(folder / "takes.png") as page:
        assert page.size[0] > 1000
    chosen = folder / record.takes[0].name
    shown = record.plan.shots[0].frame_count
    assert open_clip(out).info.frame_count == shown == 32
    assert open_clip(chosen).info.frame_count >= shown


@pytest.mark.usefixtures("quick")
def test_the_same_command_again_renders_no_take_again(
    toy: type[ToyGenerator],
    coast: Path,
    tmp_path: Path,
) -> None:
    brief, out = Brief(prompt=WAVES, seconds=Fraction(2), takes=3, fps=Fraction(16)), tmp_path / "out.mp4"
    toy.dies_at = 2
    with pytest.raises(KeyboardInterrupt):
        workflow.animate(coast, brief, out, force=True)
    assert not out.exists()
    toy.dies_at, made = None, len(toy.asked)
    run = workflow.broken_off()
    assert (run.picture, run.brief, run.out, run.force) == (coast, brief, out, True), "a run that broke off is known"
    record = workflow.animate(run.picture, run.brief, run.out, force=run.force)
    with pytest.raises(UsageError, match="no run was broken off"):
        workflow.broken_off()
    assert len(toy.asked) == made + 1, "two takes were there"
    assert sorted(take.reused for take in record.takes) == [False, True, True]
    (tmp_path / "out.takes" / record.takes[0].name).write_bytes(b"damaged")
    workflow.animate(coast, brief, out, force=True, overwrite=True)
    assert len(toy.asked) == made + 2, "a damaged one is made again"


@pytest.mark.usefixtures("quick")
def test_what_nobody_knows_the_price_of_is_not_tried_again_by_itself(
    toy: type[ToyGenerator], coast: Path, tmp_path: Path
) -> None:
    toy.flickers = frozenset({0})
    brief = Brief(
        engine="kling", model="kling-v2-6-pro", prompt=WAVES, seconds=Fraction(2), fps=Fraction(16), budget=None
    )
    record = workflow.animate(coast, brief, tmp_path / "o.mp4", force=True)
    assert [take.seed for take in record.takes] == [0]
    assert not record.inspection.passed


@pytest.mark.usefixtures("quick")
def test_a_take_that_fails_is_tried_again_with_a_lever_turned(
    toy: type[ToyGenerator],
    coast: Path,
    tmp_path: Path,
) -> None:
    toy.flickers = frozenset({0})
    record = workflow.animate(
        coast, Brief(prompt=WAVES, seconds=Fraction(2), fps=Fraction(16)), tmp_path / "o.mp4", force=True
    )
    assert [take.seed for take in record.takes] == [1, 0]
    assert "another seed" in record.takes[0].changed
    assert record.plan.shots[0].seed == 1, "the plan says what was made"
    assert record.inspection.passed


@pytest.mark.usefixtures("quick")
def test_levers_are_turned_twice_at_most(toy: type[ToyGenerator], coast: Path, tmp_path: Path) -> None:
    toy.flickers = frozenset(range(100))
    record = workflow.animate(
        coast, Brief(prompt=WAVES, seconds=Fraction(2), fps=Fraction(16)), tmp_path / "o.mp4", force=True
    )
    assert len(record.takes) == 3
    assert not record.inspection.passed


@pytest.mark.usefixtures("quick")
def test_segments_begin_where_the_one_before_ends(
    toy: type[ToyGenerator],
    coast: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out.mp4"
    record = workflow.animate(coast, Brief(prompt=WAVES, seconds=Fraction(6), fps=Fraction(16)), out, force=True)
    assert len(record.plan.shots) == 2
    assert sum(shot.frame_count for shot in record.plan.shots) == 96
    assert open_clip(out).info.frame_count == 96
    (_, still), (_, anchor) = toy.asked
    assert not np.array_equal(still, anchor)
    frames = [frame.astype(np.float32) for frame in read_frames(open_clip(out))]
    steps = [float(np.abs(b - a).mean()) for a, b in pairwise(frames)]
    seam = record.plan.shots[0].frame_count - 1
    assert steps[seam] < 2.5 * float(np.median(steps)), "nobody sees the cut"
    assert steps[seam] > 0.2 * float(np.median(steps)), "and no frame stands twice"


@pytest.mark.usefixtures("quick")
def test_speech_and_scene_are_joined_with_the_sound_in_its_place(
    toy: type[ToyGenerator],
    tmp_path: Path,
) -> None:
    from stillwake.doctor import demo_still

    out = tmp_path / "out.mp4"
    brief = Brief(say="Mama, come home now.", prompt="he speaks, then waves crash behind him", size=(256, 256))
    record = workflow.animate(demo_still(), brief, out, force=True)
    assert [shot.family for shot in record.plan.shots] == ["animator", "generator"]
    checks = {finding.check: finding.verdict for finding in record.inspection.findings}
    assert checks["joined sync"] == "pass", record.inspection.findings
    assert record.inspection.clip.sound is not None
    spoken = record.plan.shots[0].frame_count
    assert record.inspection.clip.frame_count == spoken + record.plan.shots[1].frame_count


def test_several_shots_are_no_gif(
    toy: type[ToyGenerator],
    coast: Path,
    tmp_path: Path,
    run: Callable[..., Run],
) -> None:
    done = run("animate", coast, "--prompt", WAVES, "--seconds", 9, "--force", "-o", tmp_path / "out.gif")
    assert done.status == 2
    assert ".mp4" in done.sentence
    assert not (tmp_path / "out.takes").exists()


@pytest.mark.usefixtures("quick")
def test_one_take_may_be_a_gif(toy: type[ToyGenerator], coast: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.gif"
    record = workflow.animate(coast, Brief(prompt=WAVES, seconds=Fraction(2), fps=Fraction(10)), out, force=True)
    assert record.inspection.clip.frame_count == 20
    assert json.loads((tmp_path / "out.gif.json").read_text())["takes"][0]["chosen"]


# ------------------------------------------------------------------------------------------------ ranks and levers


def inspected(*findings: tuple[str, str, float, float]) -> Inspection:
    info = ClipInfo(name="a.mp4", sha256="0" * 64, width=64, height=64, fps=Fraction(25), frame_count=50, seconds=2.0)
    found = tuple(
        ClipFinding(check=check, verdict=verdict, measured=measured, limit=limit, why="it is so")  # type: ignore[arg-type]
        for check, verdict, measured, limit in findings
    )
    return Inspection(clip=info, passed=all(f.verdict != "fail" for f in found), findings=found)


def test_takes_are_ranked_by_failures_then_by_how_far_they_go() -> None:
    clean = inspected(("morph", "pass", 0.01, 0.1))
    warned = inspected(("flicker", "warn", 0.2, 0.17))
    little = inspected(("morph", "fail", 0.12, 0.1))
    much = inspected(("morph", "fail", 0.4, 0.1))
    both = inspected(("morph", "fail", 0.11, 0.1), ("flicker", "fail", 0.2, 0.17))
    assert ranked([both, much, warned, little, clean]) == [4, 2, 3, 1, 0]
    assert ranked([clean, clean]) == [0, 1], "equals keep their order"
    assert severity(clean) == (0, 0, 0, 0)
    assert in_words(clean) == "nothing was found against it"
    assert in_words(both).startswith("morph fails (0.11)")


A_SHOT = Shot(
    family="generator", engine="wan", motion="generate", seconds=Fraction(4), fps=Fraction(25), size=(64, 64), seed=3,
    takes=2, price=1.0, prompt="waves",
)  # fmt: skip


def test_each_fault_turns_its_lever() -> None:
    assert fault_of(inspected(("morph", "fail", 0.4, 0.1), ("flicker", "fail", 0.18, 0.17))) == "identity"
    assert fault_of(inspected(("morph", "warn", 0.4, 0.1))) is None
    assert fault_of(inspected(("platforms", "fail", 3, 0))) is None, "no lever mends a file"
    held = A_SHOT.model_copy(update={"engine": "ltx"})
    ((more,), words) = mended(held, "identity", 9) or ((), "")
    assert (more.hold, more.seed, more.takes, more.price) == (0.75, 9, 1, 0.5)
    assert "0.5 to 0.75" in words
    ((first, second), _) = mended(A_SHOT, "fading", 9) or ((), "")
    assert first.frame_count + second.frame_count == A_SHOT.frame_count
    assert (second.anchor, second.prompt) == ("before", "waves")
    assert mended(held.model_copy(update={"hold": 1.0}), "identity", 9) is None, "it is at its end"
    ((half, _), _) = mended(A_SHOT, "identity", 9) or ((), "")
    assert (half.hold, half.seconds) == (None, 2), "Wan cannot be told how firmly to hold: shorter segments instead"
    ((other,), _) = mended(A_SHOT, "still picture", 9) or ((), "")
    assert (other.hold, other.seed) == (None, 9)
    assert mended(A_SHOT.model_copy(update={"seconds": Fraction(2)}), "colours", 9) is None
    for fault in MENDS:
        assert mended(A_SHOT, fault, 9) is not None


# ------------------------------------------------------------------------------------------------------- colours


def test_a_segments_colours_are_those_it_began_from() -> None:
    rng = np.random.default_rng(0)
    anchor = (rng.random((12, 16, 3)) * 150 + 50).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    shifted = np.clip(anchor.astype(np.float32) * [1.04, 1.0, 0.96] + 4, 0, 255).astype(np.uint8)
    brighter = np.clip(shifted.astype(np.float32) + 10, 0, 255).astype(np.uint8)
    first, second = matched(iter([shifted, brighter]), anchor)
    off = [float(np.abs(one.astype(float) - anchor).mean()) for one in (first, shifted)]
    assert off[0] < 0.4 * off[1]
    assert second.mean() - first.mean() == pytest.approx(10, abs=1.5), "what changes afterwards is kept"


def test_another_picture_keeps_its_colours() -> None:
    rng = np.random.default_rng(0)
    one, other = ((rng.random((96, 128, 3)) * 255).astype(np.uint8) for _ in range(2))
    one = np.asarray(Image.fromarray(one).resize((16, 12)).resize((512, 384)))
    other = np.asarray(Image.fromarray(other).resize((16, 12)).resize((512, 384)))
    (kept,) = matched(iter([one]), other)
    assert np.array_equal(kept, one)


# ----------------------------------------------------------------------------------------- what was asked of the clip


@pytest.mark.usefixtures("quick")
def test_takes_of_lossless_frames_lie_beside_their_folder(
    toy: type[ToyGenerator], coast: Path, tmp_path: Path
) -> None:
    record = workflow.animate(coast, SHORT, tmp_path / "frames" / "%05d.png", force=True)
    assert len(list((tmp_path / "frames").glob("*.png"))) == record.plan.shots[0].frame_count
    assert [path.name for path in (tmp_path / "frames.takes").glob("*.mp4")] == [record.takes[0].name]


@pytest.mark.usefixtures("quick")
def test_a_generated_clip_meets_its_size_limit(toy: type[ToyGenerator], coast: Path, tmp_path: Path) -> None:
    free, small = tmp_path / "free.mp4", tmp_path / "small.mp4"
    workflow.animate(coast, SHORT, free, force=True)
    limit = free.stat().st_size / 2e6
    workflow.animate(coast, SHORT.model_copy(update={"max_mb": limit}), small, force=True)
    assert small.stat().st_size <= limit * 1e6 < free.stat().st_size


@pytest.mark.usefixtures("quick")
def test_beyond_the_still_nothing_moves_in_a_plan_of_several_shots_either(
    toy: type[ToyGenerator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stillwake.doctor import demo_still

    monkeypatch.setattr(perceive, "place_of", lambda *_: (100.0, 0.0, 348.0, 252.0))
    brief = Brief(
        say="Mama.", prompt="he speaks, then waves crash behind him", aspect="16:9", size=(448, 252), camera="pan left"
    )
    workflow.animate(demo_still(), brief, tmp_path / "out.mp4", force=True)
    (spoken,) = (tmp_path / "out.takes").glob("01-*.mp4")
    frames = [frame.astype(int) for frame in read_frames(open_clip(spoken))]
    edge = [frame[:, :20] for frame in frames]
    assert max(float(np.abs(one - edge[0]).mean()) for one in edge) < 1, "a codec's own changes, no more"
    assert max(float(np.abs(one - frames[0]).mean()) for one in frames) > 0.2, "somebody speaks in the middle"


def test_what_is_made_shorter_is_paid_for_as_such() -> None:
    shot = A_SHOT.model_copy(
        update={"engine": "runway", "seconds": Fraction(8), "made": Fraction(8), "price": 0.8, "takes": 2}
    )
    ((first, second), _) = mended(shot, "fading", 9) or ((), "")
    assert (first.made, second.made) == (4, 4)
    assert first.price == second.price == pytest.approx(0.2)
