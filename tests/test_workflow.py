"""The whole walk, with the engine that holds the still, and what is left behind when it is broken off."""

from __future__ import annotations

import json
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stillwake import inspection, media, route, workflow
from stillwake.doctor import demo_drawing, demo_still
from stillwake.errors import (
    Cancelled,
    EngineUnavailableError,
    NotReadyError,
    OutputError,
    OutputExistsError,
    StillError,
    TranscriptError,
    UsageError,
)
from stillwake.types import SIGNS, Brief, RunRecord, Size


def a_picture(folder: Path, size: Size = (96, 64)) -> Path:
    """A PNG without a face: a gradient with a square."""
    from PIL import Image

    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(40, 200, width, dtype=np.uint8)
    pixels[..., 1] = np.linspace(60, 180, height, dtype=np.uint8)[:, None]
    pixels[height // 4 : height // 2, width // 4 : width // 2] = (200, 180, 40)
    path = folder / "square.png"
    Image.fromarray(pixels).save(path)
    return path


def a_tone(folder: Path, seconds: float = 0.5, rate: int = 16000) -> Path:
    """A WAV with a steady tone: nobody speaks in it."""
    path = folder / "tone.wav"
    samples = (8000 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture
def ingredients(tmp_path: Path) -> tuple[Path, Brief]:
    """A picture and a brief that echo can render in no time."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    return a_picture(inputs), Brief(sound=a_tone(inputs), engine="echo")


def left_behind(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if "inputs" not in path.parts)


# -------------------------------------------------------------------------------------------------- the whole walk


def test_the_walk_leaves_a_clip_and_its_record(ingredients: tuple[Path, Brief], tmp_path: Path) -> None:
    picture, brief = ingredients
    out = tmp_path / "out.mp4"
    record = workflow.animate(picture, brief, out)
    assert left_behind(tmp_path) == ["out.mp4", "out.mp4.json"]

    written = RunRecord.model_validate_json((tmp_path / "out.mp4.json").read_text())
    assert written == record
    assert tuple(sign.sign for sign in record.report.signs) == SIGNS
    assert record.report.still.name == "square.png"
    assert record.plan.shots[0].motion == "still"
    assert record.plan.shots[0].seconds == Fraction(1, 2)
    assert record.inspection.clip.name == "out.mp4"
    assert record.inspection.clip.frame_count == 13, "half a second at 25 frames a second, covered"
    assert 0 < record.seconds["before_first_frame"] < record.seconds["total"]
    assert record.versions["stillwake"]
    assert "missing" not in record.versions.values()

    clip = media.open_clip(out)
    assert (clip.info.width, clip.info.height) == (96, 64)
    frames = [frame.copy() for frame in media.read_frames(clip)]
    assert len(frames) == 13
    source = media.open_still(picture).pixels.astype(int)
    assert np.abs(frames[6].astype(int) - source).mean() < 3, "a held still, encoded"


def test_a_record_says_nothing_about_the_machine(ingredients: tuple[Path, Brief], tmp_path: Path) -> None:
    picture, brief = ingredients
    workflow.animate(picture, brief, tmp_path / "out.mp4")
    text = (tmp_path / "out.mp4.json").read_text()
    assert json.loads(text)["schema"] == "stillwake/record@1"
    assert json.loads(text)["brief"]["sound"] == "tone.wav"
    assert str(tmp_path) not in text


def test_lossless_frames_are_the_still_and_come_again(ingredients: tuple[Path, Brief], tmp_path: Path) -> None:
    picture, brief = ingredients
    for name in ("one", "two"):
        workflow.animate(picture, brief, tmp_path / name / "%05d.png")
    assert left_behind(tmp_path) == sorted(
        [f"{name}.json" for name in ("one", "two")]
        + ["one", "two"]
        + [f"{name}/{i:05d}.png" for name in ("one", "two") for i in range(13)]
        + [f"{name}/sound.wav" for name in ("one", "two")]
    )
    still = media.open_still(picture).pixels
    for i in (0, 12):
        first, second = (media.open_still(tmp_path / name / f"{i:05d}.png").pixels for name in ("one", "two"))
        assert np.array_equal(first, still)
        assert np.array_equal(second, still)


def test_a_sheet_comes_with_it(ingredients: tuple[Path, Brief], tmp_path: Path) -> None:
    picture, brief = ingredients
    workflow.animate(picture, brief, tmp_path / "out.mp4", sheet=tmp_path / "sheet.png")
    sheet = media.open_still(tmp_path / "sheet.png")
    assert sheet.size[0] >= 96
    assert sheet.pixels.std() > 5


def test_stages_are_told_in_order(ingredients: tuple[Path, Brief], tmp_path: Path) -> None:
    picture, brief = ingredients
    told: list[tuple[str, int, int]] = []
    workflow.animate(picture, brief, tmp_path / "out.mp4", on_progress=lambda *step: told.append(step))
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    assert stages[:3] == ["look", "listen", "ready"]
    assert "render" in stages
    assert all(0 <= done <= total for _, done, total in told)


def test_the_same_seed_gives_the_same_speaking_frames(tmp_path: Path) -> None:
    frames = []
    for name in ("one", "two"):
        workflow.animate(demo_still(), Brief(say="Mama."), tmp_path / name / "%05d.png")
        frames.append([path.read_bytes() for path in sorted((tmp_path / name).glob("*.png"))])
    assert len(frames[0]) > 5
    assert len(set(frames[0])) > 5, "the person moves"
    assert frames[0] == frames[1]


def test_without_words_a_still_becomes_a_silent_loop_that_starts_as_the_still_and_closes(
    mira: Path, tmp_path: Path
) -> None:
    from PIL import Image

    record = workflow.animate(mira, Brief(seconds=Fraction(5, 2)), tmp_path / "loop" / "%05d.png")
    (shot,) = record.plan.shots
    assert (shot.engine, shot.motion, shot.seconds) == ("animator", "live", Fraction(5, 2))
    findings = {finding.check: finding for finding in record.inspection.findings}
    assert findings["loop seam"].verdict == "pass"
    assert record.inspection.passed
    frames = [np.array(Image.open(path)) for path in sorted((tmp_path / "loop").glob("*.png"))]
    assert len(frames) == 63
    assert (frames[0] == np.array(Image.open(mira))).all()
    steps = [float(np.abs(a.astype(int) - b).mean()) for a, b in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert 0 < steps[-1] < 1.2 * max(steps[0], steps[-2])
    assert not (tmp_path / "loop" / "sound.wav").exists()


# ------------------------------------------------------------------------------------- formats, turns and size limits

SILENT = (".gif", ".webp", ".apng", ".avif")


@pytest.fixture(scope="module")
def mira(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our own drawing, small enough to be rendered often."""
    from PIL import Image

    path = tmp_path_factory.mktemp("mira") / "mira.png"
    Image.open(demo_drawing()).convert("RGB").resize((384, 512), Image.Resampling.LANCZOS).save(path)
    return path


QUICK = ("a.mp4", "a.gif")
"""A film, and one with a palette; frames alone are another test's, and the other formats are slow."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in [*(f"a{ending}" for ending in media.CLIP_ENDINGS), "a/%05d.png"]
    ],
)
def test_a_living_loop_in_every_format_passes_as_often_as_it_repeats(mira: Path, tmp_path: Path, name: str) -> None:
    told: dict[str, int] = {}
    record = workflow.animate(
        mira,
        Brief(seconds=Fraction(1), fps=Fraction(12), repeat=3),
        tmp_path / name,
        on_progress=lambda stage, done, total: told.update({stage: told.get(stage, 0) + (done == total)}),
    )
    (shot,) = record.plan.shots
    assert (shot.loop, shot.repeat, shot.frame_count) == (True, 3, 12)
    assert record.inspection.clip.frame_count == 36
    found = {finding.check: finding for finding in record.inspection.findings}
    for check in ("length", "frame times", "loop seam", "background raw"):
        assert found[check].verdict == "pass", (check, found[check].why)
    assert record.inspection.passed, [f.why for f in record.inspection.findings if f.verdict == "fail"]
    assert told.get("encode", 0) == (name == "a.gif")
    clip = media.open_clip(tmp_path / name)
    frames = [frame.astype(int) for frame in media.read_frames(clip)]
    assert len(frames) == 36
    assert np.abs(frames[0] - frames[5]).max() > 20, "it moves"
    for turn in (1, 2):
        assert np.abs(frames[5] - frames[12 * turn + 5]).mean() < 1.5, "and the turns are alike"
    data = (tmp_path / name).read_bytes() if name != "a/%05d.png" else b""
    if name == "a.gif":
        assert b"NETSCAPE2.0\x03\x01\0\0\0" in data, "for ever"


@pytest.mark.parametrize("ending", [".webm", pytest.param(".mov", marks=pytest.mark.slow)])
def test_speech_in_other_films_passes(tmp_path: Path, ending: str) -> None:
    record = workflow.animate(demo_still(), Brief(say="Mama, come home now."), tmp_path / f"a{ending}")
    found = {finding.check: finding for finding in record.inspection.findings}
    assert record.inspection.passed, [f.why for f in record.inspection.findings if f.verdict == "fail"]
    assert (found["sound length"].verdict, found["length"].verdict) == ("pass", "pass")
    assert not record.plan.shots[0].loop


@pytest.mark.parametrize("ending", SILENT)
@pytest.mark.parametrize("brief", [Brief(say="Hello."), Brief(sound=Path("no-such.wav"))])
def test_what_cannot_carry_the_sound_is_refused_before_any_work(tmp_path: Path, ending: str, brief: Brief) -> None:
    with pytest.raises(UsageError, match=r"cannot carry sound; end it with \.mp4, \.webm or \.mov"):
        workflow.animate(tmp_path / "no-such.png", brief, tmp_path / f"a{ending}")


@pytest.mark.parametrize(
    ("name", "brief", "words"),
    [
        ("a.gif", Brief(fps=Fraction(60)), "too fast for GIF"),
        ("a/%05d.png", Brief(max_mb=1.0), "no size limit"),
        ("a.mp4", Brief(say="Hello.", repeat=2), "leave out --repeat"),
        ("a.mp4", Brief(sound=Path("no-such.wav"), repeat=100), "leave out --repeat"),
        ("a.webp", Brief(seconds=Fraction(1, 2)), "1 to 60"),
    ],
)
def test_what_a_format_or_a_clip_cannot_do_is_refused_before_any_work(
    tmp_path: Path, name: str, brief: Brief, words: str
) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(UsageError, match=words):
        workflow.animate(tmp_path / "no-such.png", brief, tmp_path / name, overwrite=True)


def test_one_frame_is_refused_where_it_would_be_a_still(ingredients: tuple[Path, Brief], tmp_path: Path) -> None:
    picture, _ = ingredients
    with pytest.raises(UsageError, match="a still, not a clip"):
        workflow.animate(picture, Brief(engine="echo", seconds=Fraction(1), fps=Fraction(1)), tmp_path / "out.webp")
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    "ending", [".mp4", *(pytest.param(name, marks=pytest.mark.slow) for name in (".gif", ".webm", ".webp", ".avif"))]
)
def test_a_size_limit_is_met_or_said_in_a_sentence(mira: Path, tmp_path: Path, ending: str) -> None:
    brief = Brief(seconds=Fraction(1), fps=Fraction(8))
    out = tmp_path / f"free{ending}"
    workflow.animate(mira, brief, out)
    limit = 0.6 * out.stat().st_size / 1e6
    small = tmp_path / f"small{ending}"
    record = workflow.animate(mira, brief.model_copy(update={"max_mb": limit}), small)
    assert 0 < small.stat().st_size <= limit * 1e6
    assert any(reason.startswith("at most") for reason in record.plan.shots[0].reasons)
    with pytest.raises(OutputError) as caught:
        workflow.animate(mira, brief.model_copy(update={"max_mb": 0.001}), tmp_path / f"none{ending}")
    assert str(caught.value).count("\n") == 0
    assert "the limit is 1 KB" in str(caught.value)
    assert not list(tmp_path.glob("none*"))


# --------------------------------------------------------------------------------------------- nothing left behind


@pytest.mark.parametrize("stage", ["look", "listen", "ready", "render", "inspect"])
def test_stopping_in_any_stage_leaves_nothing(ingredients: tuple[Path, Brief], tmp_path: Path, stage: str) -> None:
    picture, brief = ingredients
    reached = []

    def stop(now: str, done: int, total: int) -> None:
        if now == stage:
            reached.append(now)
            raise Cancelled

    with pytest.raises(Cancelled):
        workflow.animate(picture, brief, tmp_path / "out.mp4", on_progress=stop, sheet=tmp_path / "sheet.png")
    assert reached
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("where", ["inspect", "contact_sheet"])
def test_a_fault_after_the_clip_takes_the_clip_away(
    ingredients: tuple[Path, Brief], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    picture, brief = ingredients

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(inspection, where, fail)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        workflow.animate(picture, brief, tmp_path / "out.mp4", sheet=tmp_path / "sheet.png")
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("stage", ["render", "inspect"])
def test_what_should_be_overwritten_stays_when_it_is_not(
    ingredients: tuple[Path, Brief], tmp_path: Path, stage: str
) -> None:
    picture, brief = ingredients
    for name in ("out.mp4", "out.mp4.json"):
        (tmp_path / name).write_text("mine")

    def stop(now: str, done: int, total: int) -> None:
        if now == stage:
            raise Cancelled

    with pytest.raises(Cancelled):
        workflow.animate(picture, brief, tmp_path / "out.mp4", overwrite=True, on_progress=stop)
    assert left_behind(tmp_path) == ["out.mp4", "out.mp4.json"]
    assert (tmp_path / "out.mp4").read_text() == (tmp_path / "out.mp4.json").read_text() == "mine"


def test_a_name_without_a_format_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.mp4"):
        workflow.animate(tmp_path / "no-such.png", Brief(say="Hello."), tmp_path / "out.xyz")


def test_a_clip_that_does_not_pass_is_kept_with_its_record(
    ingredients: tuple[Path, Brief], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, brief = ingredients
    real = inspection.inspect
    monkeypatch.setattr(
        inspection, "inspect", lambda *args, **kwargs: real(*args, **kwargs).model_copy(update={"passed": False})
    )
    record = workflow.animate(picture, brief, tmp_path / "out.mp4")
    assert not record.inspection.passed
    assert left_behind(tmp_path) == ["out.mp4", "out.mp4.json"]
    assert not RunRecord.model_validate_json((tmp_path / "out.mp4.json").read_text()).inspection.passed


def test_nothing_is_overwritten_unasked(ingredients: tuple[Path, Brief], tmp_path: Path) -> None:
    picture, brief = ingredients
    names = ("out.mp4", "out.mp4.json", "sheet.png")
    for there in names:
        (tmp_path / there).write_text("mine")
        with pytest.raises(OutputExistsError):
            workflow.animate(picture, brief, tmp_path / "out.mp4", sheet=tmp_path / "sheet.png")
        assert left_behind(tmp_path) == [there]
        assert (tmp_path / there).read_text() == "mine"
        (tmp_path / there).unlink()
    for there in names:
        (tmp_path / there).write_text("mine")
    workflow.animate(picture, brief, tmp_path / "out.mp4", sheet=tmp_path / "sheet.png", overwrite=True)
    assert all((tmp_path / there).read_bytes() != b"mine" for there in names)


def test_the_output_is_looked_at_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        workflow.animate(tmp_path / "no-such.png", Brief(say="Hello."), tmp_path / "nowhere" / "out.mp4")


# ---------------------------------------------------------------------------------------- briefs that cannot be met


@pytest.mark.parametrize(
    ("brief", "words"),
    [
        (Brief(voice="en-us"), "--say TEXT"),
        (Brief(say="Hello.", seconds=Fraction(3)), "leave out --seconds"),
        (Brief(seconds=Fraction(100)), "1 to 60"),
        (Brief(say="Hello.", repeat=2), "leave out --repeat"),
        (Brief(say="Hello.", sound=Path("tone.wav")), "either"),
        (Brief(sound=Path("tone.wav"), voice="en-us"), "--voice"),
        (Brief(say="Hello.", transcript="Hello."), "--sound"),
        (Brief(say="Hello.", engine="runway"), "--engine animator"),
        (Brief(prompt="  "), "leave out --prompt"),
        (Brief(engine="kling", ambient="snow"), "say it in --prompt"),
        (Brief(say="Hello.", still=("mouth",)), "leave out --still"),
        (Brief(depth=Path("no-such.png")), "leave out the depth"),
        (Brief(camera="orbit", depth=Path("a.png"), depth_model=Path("a.onnx")), "--depth or --depth-model"),
        (Brief(motion=()), "nothing is to move"),
        (Brief(engine="echo", camera="orbit"), "does not move anything"),
        (Brief(camera="orbbit"), "did you mean orbit"),
    ],
)
def test_a_brief_that_contradicts_itself_is_refused_before_any_work(brief: Brief, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        workflow.animate(tmp_path / "no-such.png", brief, tmp_path / "out.mp4")


def test_an_unknown_engine_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailableError):
        workflow.animate(tmp_path / "no-such.png", Brief(say="Hello.", engine="nonsense"), tmp_path / "out.mp4")


def test_a_picture_without_a_face_is_not_ready(tmp_path: Path) -> None:
    picture = a_picture(tmp_path, (320, 240))
    with pytest.raises(NotReadyError, match="face"):
        workflow.animate(picture, Brief(say="Hello."), tmp_path / "out.mp4")
    assert left_behind(tmp_path) == ["square.png"]


def test_an_empty_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError):
        workflow.animate(demo_still(), Brief(say="  "), tmp_path / "out.mp4")


def test_a_missing_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StillError, match=r"no-such\.png"):
        workflow.animate(tmp_path / "no-such.png", Brief(say="Hello."), tmp_path / "out.mp4")


# --------------------------------------------------------------------------------------------------------- the route


@pytest.mark.parametrize(
    ("still", "clip"),
    [
        ((512, 512), (512, 512)),
        ((1920, 1080), (1920, 1080)),
        ((1001, 701), (1000, 700)),
        ((3840, 2160), (1920, 1080)),
        ((3000, 4000), (1440, 1920)),
        ((4001, 3), (1920, 16)),
        ((1, 1), (16, 16)),
    ],
)
def test_a_clip_has_its_stills_own_size(still: Size, clip: Size) -> None:
    assert route.natural_size(still) == clip


@pytest.mark.parametrize("asked", [(640, 480), (641, 640), (2, 2), (5000, 5000), (0, 0)])
def test_sizes_that_distort_or_cannot_be_coded_are_refused_with_a_good_one(asked: Size) -> None:
    with pytest.raises(UsageError) as caught:
        route.size_for((512, 512), asked)
    width, height = map(int, caught.value.fix.removeprefix("try ").split("x"))
    assert route.size_for((512, 512), (width, height))[0] == (width, height)


@pytest.mark.parametrize(
    ("still", "asked"), [((512, 512), (1024, 1024)), ((1001, 701), (500, 350)), ((1000, 333), (600, 200))]
)
def test_sizes_of_the_stills_shape_are_taken(still: Size, asked: Size) -> None:
    assert route.size_for(still, asked)[0] == asked


def test_where_the_record_lies() -> None:
    assert workflow.record_path(Path("a/hello.mp4")) == Path("a/hello.mp4.json")
    assert workflow.record_path(Path("a/frames/%05d.png")) == Path("a/frames.json")
