"""How an inspection is asked for and shown: levers, the record beside a clip, the page, the sheet, the command."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from stillwake import inspection, workflow
from stillwake.errors import UsageError
from stillwake.inspection import Asked, Examination, contact_sheet
from stillwake.inspection.faults import LANES, ordered, shown_faults
from stillwake.inspection.levers import FAULTS, GENERAL, LEVERS, lever, made_by, with_lever
from stillwake.inspection.table import ROWS, inspection_page
from stillwake.makers import MAKERS
from stillwake.media import open_clip, write_clip
from stillwake.report import clip_page
from stillwake.report.lanes import COLUMNS, axis, lanes, ticks
from stillwake.types import Brief, Clip, ClipFinding, Inspection, Timeline

if TYPE_CHECKING:
    from conftest import Run

HOSTILE = "<img src=x onerror=alert(1)>&'\".mp4"
FPS = Fraction(25)


def frames(count: int = 40, size: tuple[int, int] = (160, 96)) -> Iterator[Any]:
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    for index in range(count):
        yield np.stack([(x + 3 * index) % 256, (2 * y + index) % 256, 255 - x % 256], -1).astype(np.uint8)


def a_clip(path: Path, count: int = 40, size: tuple[int, int] = (160, 96)) -> Clip:
    return write_clip(path, lambda: frames(count, size), fps=FPS, frame_count=count, size=size)


def fault(check: str, start: float | None = None, end: float | None = None, **more: Any) -> ClipFinding:
    given = {"verdict": "fail", "measured": 2.0, "unit": "px", "limit": 1.0, "why": f"{check} is wrong", "fix": "mend"}
    return ClipFinding(check=check, start=start, end=end, **given | more)


def a_line(name: str, count: int = 40, seconds: float = 1.6, limit: float | None = 1.0) -> Timeline:
    times = np.linspace(0, seconds, count, dtype=np.float32)
    return Timeline(name, "px", times, np.sin(times * 7).astype(np.float32) * 2, limit)


def examined(clip: Clip, *findings: ClipFinding, lines: tuple[Timeline, ...] = ()) -> Examination:
    passed = all(finding.verdict != "fail" for finding in findings)
    return Examination(Inspection(clip=clip.info, passed=passed, findings=findings), lines)


FAULTY = (
    ClipFinding(check="length", verdict="pass", measured=40, unit="frames", limit=40, why="the clip has 40 frames"),
    fault("warp", 0.4, 0.8, verdict="warn", box=(20.0, 10.0, 60.0, 50.0)),
    fault("flicker", 0.2, 0.5),
    fault("sync", limit=20.0, unit="ms"),
    ClipFinding(check="morph", verdict="unseen", why="no face was found in it"),
    ClipFinding(check="teeth", verdict="unseen", why="no face was found in it"),
)


class Page(HTMLParser):
    """What a page loads, and whether anything in it could run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


# ------------------------------------------------------------------------------------------------------ the levers


def test_every_lever_mends_a_fault_that_a_check_finds() -> None:
    told = {row.check for rows in ROWS.values() for row in rows}
    assert set(FAULTS) <= told
    assert set(LANES) <= told
    assert set(LEVERS) <= set(MAKERS)
    for levers in (*LEVERS.values(), *GENERAL.values()):
        assert set(levers) <= set(FAULTS.values())
        for words in levers.values():
            assert not words.endswith("."), words


@pytest.mark.parametrize(
    ("said", "engine", "family"),
    [
        ("animator", "animator", "animator"),
        ("echo", "echo", "animator"),
        ("Kling-v1-6", "kling", "generator"),
        ("gen4_turbo", "runway", "generator"),
        ("Ray-2", "luma", "generator"),
        ("stable-video-diffusion-img2vid-xt", "svd", "generator"),
        ("wan2.2-I2V-A14B", "wan", "generator"),
        ("D-ID", "did", "animator"),
        ("generator", "", "generator"),
    ],
)
def test_an_engine_is_known_by_the_names_people_use(said: str, engine: str, family: str) -> None:
    assert made_by(said) == (engine, family)


def test_an_engine_that_nobody_knows_is_a_sentence() -> None:
    with pytest.raises(UsageError, match="did you mean kling"):
        made_by("klign")
    with pytest.raises(UsageError, match="say generator or animator"):
        made_by("\x00" * 400)


def test_a_fix_names_the_lever_of_the_engine_that_made_the_clip() -> None:
    seam = fault("loop seam")
    assert "image_tail" in with_lever(seam, Asked(engine="kling", family="generator")).fix
    assert "last_image" in with_lever(seam, Asked(engine="wan", family="generator")).fix
    assert with_lever(seam, Asked()).fix == "mend", "nobody said who made it"
    morph = with_lever(fault("morph"), Asked(engine="svd", family="generator")).fix
    assert morph.startswith("mend; in Stable Video Diffusion: ")
    assert "noise_aug_strength down" in morph
    assert "use an animator" in lever("morph", Asked(family="generator"))
    assert "in Pika: " in lever("sync", Asked(engine="pika", family="generator")), "its family's lever, its own name"
    assert lever("pixel format", Asked(engine="svd", family="generator")) == "", "a file is mended in the file"
    good = ClipFinding(check="morph", verdict="pass", why="the face keeps its shape")
    assert with_lever(good, Asked(engine="svd", family="generator")) is good
    once = with_lever(seam, Asked(engine="kling", family="generator"))
    assert with_lever(once, Asked(engine="kling", family="generator")) == once


def test_a_fix_names_our_own_option_where_we_drive_the_engine() -> None:
    assert "(stillwake animate: --loop)" in lever("loop seam", Asked(engine="kling", family="generator"))
    assert "--hold nearer to 1" in lever("morph", Asked(engine="svd", family="generator"))
    assert "--hold" not in lever("morph", Asked(engine="wan", family="generator")), "Wan takes none"
    assert "stillwake animate" not in lever("loop seam", Asked(engine="veo", family="generator")), "we do not drive it"
    assert "stillwake animate" not in lever("morph", Asked(engine="did", family="animator"))


# -------------------------------------------------------------------------------------------------------- the page


def test_the_page_stands_alone_and_escapes_what_strangers_wrote(tmp_path: Path) -> None:
    clip = a_clip(tmp_path / HOSTILE)
    evil = fault("<script>alert(1)</script>", 0.1, 0.2, why="</style><script>x</script>", fix="\"><b onclick='x'>")
    asked = Asked(engine="<b>", prompt="</title><script>alert(2)</script>")
    lines = (a_line("warp"), a_line("a\" onload='x"))
    page = clip_page(clip, examined(clip, evil, *FAULTY, lines=lines), asked=asked, notes=["<script>n</script>"])
    seen = Page(page)
    assert "script" not in seen.tags
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert "default-src 'none'" in page
    links = [value for name, value in seen.attributes if name in ("src", "href")]
    assert links
    for link in links:
        assert link.startswith(("data:image/jpeg;base64,", "#fault-")), link[:80]
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert seen.tags.count("title") >= 1
    assert seen.tags.count("style") == 1


def test_the_faults_come_first_numbered_by_what_fails_and_when(tmp_path: Path) -> None:
    clip = a_clip(tmp_path / "a.mp4")
    page = clip_page(clip, examined(clip, *FAULTY, lines=(a_line("warp"), a_line("sync"))))
    assert "Did not pass: 2 faults and 1 warning" in page
    places = [page.index(words) for words in ("flicker is wrong", "sync is wrong", "warp is wrong", "Along the clip")]
    assert places == sorted(places)
    assert page.index("the clip has 40 frames") > places[-1]
    (unseen,) = re.findall(r"<tr>.*no face was found in it.*</tr>", page)
    assert "morph, teeth" in unseen, "one reason is told once"
    assert [finding.check for finding in ordered(FAULTY)] == ["flicker", "sync", "warp"]
    card = page[page.index('id="fault-2"') : page.index('id="fault-3"')]
    assert "<svg" in card, "no frame shows a sync: its lane does"
    card = page[page.index('id="fault-3"') : page.index("Along the clip")]
    assert card.count("<img") == 3, "the frame, the region, and the region as it was before"
    assert "2 px (limit 1)" in card
    assert "0.40 to 0.80 s" in card


def test_a_clean_clip_says_so(tmp_path: Path) -> None:
    clip = a_clip(tmp_path / "a.mp4")
    page = clip_page(clip, examined(clip, FAULTY[0]))
    assert "Passed: nothing was found against it" in page
    assert "What is wrong" not in page


def test_the_region_is_drawn_where_it_is(tmp_path: Path) -> None:
    clip = a_clip(tmp_path / "a.mp4", size=(320, 192))
    found = fault("warp", 0.4, 0.8, box=(200.0, 40.0, 280.0, 120.0))
    (shown,) = shown_faults(clip, [found], [], longest=320, most=4)
    whole, place, before = shown.pictures
    assert whole.pixels.shape == (192, 320, 3)
    assert [picture.detail for picture in shown.pictures] == [False, True, True]
    red = (np.abs(whole.pixels.astype(int) - (209, 52, 56)).max(-1) < 12).nonzero()
    assert abs(red[1].min() - 200) <= 4
    assert abs(red[1].max() - 280) <= 4
    assert abs(red[0].min() - 40) <= 4
    assert abs(red[0].max() - 120) <= 4
    assert place.caption.startswith("the place")
    assert before.caption == "before, 0.10 s"


def test_a_fault_is_shown_at_its_worst(tmp_path: Path) -> None:
    clip = a_clip(tmp_path / "a.mp4")
    times = np.arange(40, dtype=np.float32) / 25 + 0.02
    line = Timeline("flicker", "%", times, np.where(np.arange(40) == 12, 5, 1).astype(np.float32), 0.3)
    (shown,) = shown_faults(clip, [fault("flicker", 0.2, 1.4)], [line], longest=160, most=4)
    assert [picture.caption for picture in shown.pictures] == ["0.50 s", "a frame earlier, 0.46 s"]
    (seam,) = shown_faults(clip, [fault("loop seam", 1.56, 1.6)], [], longest=160, most=4)
    assert [picture.caption for picture in seam.pictures] == ["the last frame", "the first frame again"]


def test_a_cut_is_shown_at_its_frame_and_a_dissolve_in_its_middle(tmp_path: Path) -> None:
    clip = a_clip(tmp_path / "clip.mp4")
    at_once, slow = shown_faults(clip, [fault("cut", 0.38, 0.42), fault("cut", 0.8, 1.2)], [], longest=160, most=2)
    assert [picture.caption for picture in at_once.pictures] == ["0.42 s", "a frame earlier, 0.38 s"]
    assert [picture.caption for picture in slow.pictures] == ["0.98 s", "before, 0.50 s"]


def test_an_amount_is_said_in_words() -> None:
    one = ClipFinding(check="dropped frames", verdict="warn", measured=1.0, unit="frames", limit=0.0, why="")
    assert one.amount == "1 frame (limit 0)"
    assert one.model_copy(update={"measured": 2.0, "limit": None}).amount == "2 frames"
    assert one.model_copy(update={"measured": None}).amount == ""
    assert "amount" not in one.model_dump()


@pytest.mark.parametrize(
    "found",
    [
        fault("warp", 99.0, 120.0, box=(-50.0, -50.0, 5000.0, 5000.0)),
        fault("warp", -3.0, -1.0, box=(9000.0, 9000.0, 9001.0, 9001.0)),
        fault("warp", 0.0, 1.6, box=(0.0, 0.0, 1.0, 1.0)),
        fault("jump", 0.0, 0.0),
        fault("exposure breathing", 0.1, 1.5),
        fault("a check of a later version", 0.3),
        fault("black bars", box=(0.0, 10.0, 160.0, 80.0), measured=None, limit=None, fix=""),
    ],
    ids=lambda found: f"{found.check} {found.start}",
)
def test_any_finding_can_be_shown(tmp_path: Path, found: ClipFinding) -> None:
    clip = a_clip(tmp_path / "a.mp4")
    nothing = Timeline("exposure", "%", np.zeros(0, np.float32), np.zeros(0, np.float32))
    page = clip_page(clip, examined(clip, found, lines=(nothing, a_line("warp", 3))))
    assert 'id="fault-1"' in page


def test_one_frame_is_a_clip_too(tmp_path: Path) -> None:
    clip = a_clip(tmp_path / "a.mp4", count=1)
    assert 'id="fault-2"' in clip_page(clip, examined(clip, fault("cut", 0.0, 0.04), fault("warp", 0.0, 0.04)))


def test_a_line_of_ten_minutes_keeps_its_peaks_in_a_small_page(tmp_path: Path) -> None:
    count = 15_000
    times = np.arange(count, dtype=np.float32) / 25
    values = np.zeros(count, np.float32)
    values[7_501] = 3.0
    values[3_000:3_500] = np.nan
    (lane,) = [lane for lane in lanes([Timeline("warp", "px", times, values, 1.0)], [], 600.0) if lane.path]
    assert len(lane.path) < 14 * 2 * COLUMNS
    assert lane.path.count("M") == 2, "it breaks where nothing was seen"
    heights = [float(y) for _, y in re.findall(r"([\d.]+) (-?[\d.]+)", lane.path)]
    assert min(heights) < lane.limits[0] < max(heights), "the peak of a single frame is still above the limit"
    assert lane.most == "at most 3 px"
    (label,) = {said for _, said in ticks(600.0) if said == "1:00"}
    assert label
    clip = a_clip(tmp_path / "a.mp4")
    lines = tuple(Timeline(name, "px", times, values, 1.0) for name in ("sync", "morph", "warp", "flicker", "motion"))
    many = [fault("warp", k / 20, k / 20 + 0.1, box=(10.0 + k, 10.0, 60.0 + k, 60.0)) for k in range(30)]
    page = clip_page(clip, examined(clip, *many, lines=lines))
    assert len(page) < 3_000_000
    assert page.count('class="fault') == 30


def test_a_page_of_noise_stays_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8, 540, 960, 3), np.uint8)
    clip = write_clip(tmp_path / "a.mp4", lambda: iter(noise), fps=FPS, frame_count=8, size=(960, 540))
    many = [fault("warp", k / 50, k / 50 + 0.02, box=(300.0, 100.0, 500.0, 300.0)) for k in range(14)]
    page = clip_page(clip, examined(clip, *many))
    assert page.count("<img") > 30
    assert len(page) < 3_000_000, "the noisiest clip there is"


def test_no_two_numbers_meet_on_the_axis() -> None:
    marks = axis([fault("warp", at, at + 0.1) for at in (0.0, 0.02, 0.04, 1.0)], 2.0)
    assert [mark.row for mark in marks] == [0, 1, 2, 0]
    assert marks[0].left == 0
    assert marks[-1].left == 50


def test_lanes_without_a_measure_tell_why(tmp_path: Path) -> None:
    found = lanes([], FAULTY, 1.6)
    assert [lane.name for lane in found] == ["sync", "morph", "warp", "flicker", "exposure", "motion", "mouth"]
    morph = found[1]
    assert morph.why == "no face was found in it"
    assert [mark.number for mark in found[3].marks] == [1]


# ------------------------------------------------------------------------------------------------------- the sheet


def test_the_sheet_begins_with_the_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    monkeypatch.setattr("stillwake.inspection.sheet.find_face", lambda clip, times: (None, None, ""))
    clip = a_clip(tmp_path / HOSTILE)
    plain = contact_sheet(clip, tmp_path / "plain.png")
    told = contact_sheet(clip, tmp_path / "told.png", findings=FAULTY, timelines=(a_line("warp"),))
    with Image.open(plain) as one, Image.open(told) as other:
        assert one.width == other.width
        assert other.height > one.height + 3 * 100
        below = np.asarray(one)[92:]
        assert np.array_equal(np.asarray(other)[-len(below) :], below), "the moments follow as they were"


# ----------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command asked an inspection for; the answer holds ``findings``."""
    asked: dict[str, Any] = {"findings": FAULTY}

    def fake(clip: Clip, **given: Any) -> Examination:
        asked.update(given)
        return examined(clip, *asked["findings"], lines=(a_line("warp"),))

    monkeypatch.setattr(inspection, "examine", fake)
    return asked


def test_inspect_writes_its_page_and_says_where(run: Callable[..., Run], told: dict[str, Any], tmp_path: Path) -> None:
    clip = a_clip(tmp_path / HOSTILE)
    page = tmp_path / "a.html"
    done = run("inspect", clip.path, "--report", page, "--engine", "kling-v2", "--loop", "--camera", "slow push in",
               "--prompt", "she walks", "--json")  # fmt: skip
    assert done.status == 4
    assert Inspection.model_validate_json(done.out).findings
    assert done.err.strip().endswith("a.html shows it.")
    assert "she walks" in page.read_text()
    asked = told["asked"]
    assert (asked.engine, asked.family, asked.loop, asked.prompt) == ("kling", "generator", True, "she walks")
    assert asked.camera.moves[0].kind == "push-in"
    assert asked.moving is True
    assert told["speech"] is None, "the clip's own sound is recognised once, by the inspection"
    told["findings"] = (FAULTY[0],)
    assert run("inspect", clip.path, "--quiet").status == 0


def test_nothing_is_overwritten_unasked(run: Callable[..., Run], told: dict[str, Any], tmp_path: Path) -> None:
    clip = a_clip(tmp_path / "a.mp4")
    page = tmp_path / "a.html"
    page.write_text("mine")
    done = run("inspect", clip.path, "--report", page)
    assert done.status == 5
    assert "--overwrite" in done.sentence
    assert page.read_text() == "mine"
    assert "asked" not in told, "it is said before any work"
    assert run("inspect", clip.path, "--report", page, "--overwrite").status == 4
    assert "<!doctype html>" in page.read_text()


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        (("--report", "{clip}", "--overwrite"), 2, "another name"),
        (("--sheet", "{clip}.json", "--overwrite"), 2, "another name"),
        (("--report", "{folder}/x", "--sheet", "{folder}/x"), 2, "another name"),
        (("--report", "{folder}/none/x.html"), 5, "folder"),
        (("--engine", "klign"), 2, "did you mean kling"),
        (("--camera", "sideways somehow"), 2, "camera"),
        (("--transcript", "Hello."), 2, "no sound"),
        (("--still", "{folder}/none.png"), 3, "no such file"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    run: Callable[..., Run], told: dict[str, Any], tmp_path: Path, words: tuple[str, ...], status: int, part: str
) -> None:
    clip = a_clip(tmp_path / "a.mp4")
    before = clip.path.read_bytes()
    done = run("inspect", clip.path, *(word.format(clip=clip.path, folder=tmp_path) for word in words))
    assert done.status == status
    assert part in done.sentence
    assert clip.path.read_bytes() == before
    assert "asked" not in told


def test_no_page_is_left_when_it_cannot_be_finished(
    run: Callable[..., Run], told: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = a_clip(tmp_path / "a.mp4")
    monkeypatch.setattr("pathlib.Path.write_text", lambda *a, **k: (_ for _ in ()).throw(OSError(28, "full")))
    done = run("inspect", clip.path, "--report", tmp_path / "a.html")
    assert done.status == 5
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


# ------------------------------------------------------------------------------------------------------ the record


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a still, a clip that speaks, and its record, as `stillwake animate` leaves them."""
    from PIL import Image

    from stillwake.doctor import demo_still

    folder = tmp_path_factory.mktemp("made")
    with Image.open(demo_still()) as picture:
        picture.resize((256, 256)).save(folder / "hero.png")
    workflow.animate(folder / "hero.png", Brief(say="Hello there.", engine="echo"), folder / "hello.mp4")
    return folder


@pytest.fixture
def ours(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "ours"))


def test_a_clip_of_ours_is_held_against_its_record(run: Callable[..., Run], told: dict[str, Any], ours: Path) -> None:
    done = run("inspect", ours / "hello.mp4", "--engine", "luma")
    assert done.err.count("\n") == 1, "all was found: nothing but the verdict is said"
    assert told["plan"].shots[0].engine == "echo"
    assert told["speech"].source == "voice"
    assert [word.label.lower().strip(".") for word in told["speech"].words] == ["hello", "there"]
    assert told["still"].size == (256, 256)
    assert told["scene"].faces
    assert told["asked"].engine == "luma", "what is given outranks the record"
    assert told["asked"].frames == told["plan"].shots[0].frame_count


def test_what_the_record_names_and_is_not_there_is_told(
    run: Callable[..., Run], told: dict[str, Any], ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stillwake import speech
    from stillwake.errors import VoiceUnavailableError

    def gone(*args: Any, **given: Any) -> Any:
        raise VoiceUnavailableError("Cannot speak", "there is no such voice", "install it")

    monkeypatch.setattr(speech, "say", gone)
    shutil.move(ours / "hero.png", ours / "hidden.png")
    done = run("inspect", ours / "hello.mp4")
    notes = done.err.strip().splitlines()
    assert len(notes) == 3
    assert "no such voice" in notes[0]
    assert "hero.png" in notes[1]
    assert told["speech"] is None
    assert told["still"] is None
    assert told["plan"] is not None
    (ours / "hero.png").write_bytes(b"no picture")
    assert "hero.png" in run("inspect", ours / "hello.mp4").err
    assert run("inspect", ours / "hello.mp4", "--quiet").err.count("\n") == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[" * 100_000,
        lambda text: json.dumps({"schema": "stillwake/record@1"}),
        lambda text: text.replace('"sha256": "', '"sha256": "f'),
        lambda text: "\x00\udcff",
    ],
    ids=["cut", "empty", "deep", "foreign", "another clip's", "no text"],
)
def test_a_record_that_is_no_use_is_told_and_left(
    run: Callable[..., Run], told: dict[str, Any], ours: Path, damage: Callable[[str], str]
) -> None:
    record = ours / "hello.mp4.json"
    record.write_bytes(damage(record.read_text()).encode("utf-8", "surrogateescape"))
    done = run("inspect", ours / "hello.mp4")
    note, verdict = done.err.strip().splitlines()
    assert note.startswith("hello.mp4.json ")
    assert note.endswith("the clip is inspected without it.")
    assert "did not pass" in verdict
    assert told["plan"] is None
    assert told["asked"] == Asked()


@pytest.mark.parametrize("name", ["../outside.png", "/etc/passwd", "", "..", "sub/hero.png", "a\x00b.png", "x" * 300])
def test_a_record_cannot_name_a_file_elsewhere(
    run: Callable[..., Run], told: dict[str, Any], ours: Path, name: str
) -> None:
    shutil.copy(ours / "hero.png", ours.parent / "outside.png")
    at = ours / "hello.mp4.json"
    record = json.loads(at.read_text())
    record["report"]["still"]["name"] = name
    record["brief"] |= {"say": None, "sound": name or "x"}
    at.write_text(json.dumps(record))
    assert len(run("inspect", ours / "hello.mp4").err.strip().splitlines()) == 3
    assert told["still"] is None
    assert told["speech"] is None


def test_the_records_recording_must_be_as_long_as_it_was(
    run: Callable[..., Run], told: dict[str, Any], ours: Path
) -> None:
    import wave

    at = ours / "hello.mp4.json"
    record = json.loads(at.read_text())
    seconds = Fraction(record["plan"]["shots"][0]["seconds"])
    record["brief"] |= {"say": None, "sound": "line.wav", "transcript": "Hello there."}
    at.write_text(json.dumps(record))

    def recording(length: float) -> None:
        with wave.open(str(ours / "line.wav"), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes(bytes(2 * round(length * 16000)))

    recording(float(seconds) + 1)
    assert "1 s" in (note := run("inspect", ours / "hello.mp4").err.splitlines()[0]) or "it was" in note
    assert told["speech"] is None


# -------------------------------------------------------------------------------------------------------- the docs


def test_the_page_of_the_docs_is_the_codes() -> None:
    docs = Path(__file__).parents[1] / "docs" / "inspection.md"
    assert docs.read_text() == inspection_page(), "run make docs"


def test_every_finding_that_a_check_can_give_is_in_the_docs() -> None:
    import ast

    told = {row.check for rows in ROWS.values() for row in rows}
    folder = Path(inspection.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ClipFinding":
                for word in node.keywords:
                    if word.arg == "check" and isinstance(word.value, ast.Constant):
                        assert word.value.value in told, f"{path.name}: {word.value.value}"


def test_a_picture_on_the_page_is_a_jpeg(tmp_path: Path) -> None:
    from PIL import Image

    clip = a_clip(tmp_path / "a.mp4")
    begin = time.perf_counter()
    page = clip_page(clip, examined(clip, *FAULTY))
    assert time.perf_counter() - begin < 20
    data = re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    with Image.open(io.BytesIO(base64.b64decode(data[0]))) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (160, 96)
    assert open_clip(clip.path).info.frame_count == 40
