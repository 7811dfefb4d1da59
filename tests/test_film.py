"""A storyboard becomes a film: planned first, rendered once, laid, joined, proved, written down."""

from __future__ import annotations

import json
import re
import shutil
import wave
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Run

from stillwake.errors import (
    Cancelled,
    InputError,
    NotReadyError,
    OutputError,
    OutputExistsError,
    StillwakeError,
    UnavailableError,
    UsageError,
)
from stillwake.media import open_clip, read_frames, write_clip
from stillwake.types import Brief, Clip, ClipInfo, Inspection, Progress, RunRecord, Scene, Sound, Speech, Still, Timed
from stillwake.workflow import examine, making
from stillwake.workflow import shots as shots_of
from stillwake.workflow.film import FilmRecord, assemble, plan_film

if TYPE_CHECKING:
    from tests.toy import ToyGenerator

    from conftest import Run

F = Fraction
BOARD = """\
title = "Four"
size = "160x90"
captions = "none"

[sound]
file = "bed.wav"
gain = -20
duck = 6
loop = true

[[shot]]
name = "one"
still = "red.png"
engine = "echo"
say = "Good morning to everybody out there."
tail = 0.8

[[shot]]
name = "two"
still = "green.png"
camera = "push in"
transition = "dissolve"
transition_seconds = 0.4

[[shot]]
name = "three"
clip = "blue.mp4"
keep_sound = true
seconds = 1

[[shot]]
name = "four"
still = "white.png"
engine = "echo"
seconds = 1
transition = "fade"
transition_seconds = 0.4
caption = "The end."
"""
COLOURS = {"red": (200, 40, 40), "green": (40, 170, 60), "blue": (40, 60, 200), "white": (225, 225, 220)}


def still(path: Path, colour: tuple[int, int, int]) -> None:
    """A picture of one colour with a grain, so that a camera's move is seen."""
    grain = np.random.default_rng(1).integers(-60, 60, (9, 16)).astype(np.float32)
    grain = np.asarray(Image.fromarray(grain).resize((320, 180), Image.Resampling.BICUBIC))[..., None]
    pixels = np.clip(np.array(colour) + grain, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path)


def tone(path: Path, seconds: float, hertz: float = 220) -> None:
    samples = np.sin(2 * np.pi * hertz * np.arange(round(16_000 * seconds)) / 16_000) * 8000
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from stillwake.media import open_sound

    folder = tmp_path_factory.mktemp("material")
    for name, colour in COLOURS.items():
        still(folder / f"{name}.png", colour)
    tone(folder / "bed.wav", 1.7)
    tone(folder / "own.wav", 2, 440)
    frames = (np.full((90, 160, 3), COLOURS["blue"], np.uint8) for _ in range(50))
    write_clip(
        folder / "blue.mp4",
        frames,
        fps=Fraction(25),
        frame_count=50,
        size=(160, 90),
        sound=open_sound(folder / "own.wav"),
    )
    (folder / "four.toml").write_text(BOARD)
    return folder


@pytest.fixture(autouse=True, scope="module")
def seen_once() -> Iterator[None]:
    """Each picture is looked at once, however many films are made of it."""
    import stillwake.perceive

    real, known = stillwake.perceive.perceive, {}

    def perceive(picture: Still, *more: Any) -> Scene:
        if picture.sha256 not in known:
            known[picture.sha256] = real(picture, *more)
        return known[picture.sha256]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stillwake.perceive, "perceive", perceive)
        yield


def waved_through(clip: Clip, *more: Any) -> Inspection:
    """No findings."""
    return Inspection(clip=clip.info, passed=True, findings=())


@pytest.fixture
def uninspected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shots are rendered and not inspected."""
    monkeypatch.setattr(making, "_inspect", waved_through)


@pytest.fixture(scope="module")
def film(material: Path) -> tuple[Path, FilmRecord]:
    """The film, made once, with everything that can be written beside it; its shots are rendered and not inspected."""
    out = material / "four.mp4"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "_inspect", waved_through)
        record = assemble(
            material / "four.toml",
            out,
            captions=material / "four.srt",
            otio=material / "four.otio",
            sheet=material / "four.jpg.png",
        )
    return out, record


@pytest.fixture
def again(film: tuple[Path, FilmRecord], tmp_path: Path) -> Path:
    """A folder of its own with the same storyboard and the shots that were rendered."""
    for one in film[0].parent.iterdir():
        if one.is_dir():
            shutil.copytree(one, tmp_path / one.name)
        elif not one.name.startswith("four.") or one.suffix == ".toml":
            shutil.copy(one, tmp_path / one.name)
    return tmp_path


@pytest.fixture
def rendered(film: tuple[Path, FilmRecord], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the clips that are rendered from here on, by a stand-in that needs no look at anything."""
    folder = film[0].parent / "four.shots"
    like = RunRecord.model_validate_json((folder / "04-four.mp4.json").read_text())
    names: list[str] = []

    def rendering(picture: Path, brief: Brief, out: Path, *, on_progress: Progress, **more: Any) -> RunRecord:
        count = max(1, round((brief.seconds or 2) * brief.fps))
        frame = np.asarray(Image.open(picture).convert("RGB").resize(brief.size or (64, 36)))
        clip = write_clip(
            out, iter([frame] * count), fps=brief.fps, frame_count=count, size=brief.size or (64, 36),
            overwrite=True, on_progress=on_progress,
        )  # fmt: skip
        inspection = like.inspection.model_copy(update={"clip": clip.info})
        record = like.model_copy(update={"brief": brief, "inspection": inspection})
        out.with_name(f"{out.name}.json").write_text(record.model_dump_json())
        names.append(out.name)
        return record

    monkeypatch.setattr(shots_of, "animate", rendering)
    return names


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the stills before they are rendered."""
    plan = SimpleNamespace(warnings=(), price=0.0)
    monkeypatch.setattr(shots_of, "proposed", lambda *a, **k: SimpleNamespace(plan=plan))


# ------------------------------------------------------------------------------------------------------- the film


def test_the_film_is_what_the_storyboard_says(film: tuple[Path, FilmRecord]) -> None:
    out, record = film
    assert record.inspection.passed, [f for f in record.inspection.findings if f.verdict == "fail"]
    clip = open_clip(out)
    edit = record.edit
    assert clip.info.sha256 == record.inspection.clip.sha256
    assert (clip.info.frame_count, clip.info.fps) == (edit.frame_count, 25)
    assert (clip.info.width, clip.info.height) == (160, 90)
    means = [frame.mean((0, 1)) for frame in read_frames(clip)]
    for picture, colour in zip(edit.pictures, COLOURS.values(), strict=True):
        middle = (picture.start + picture.end) // 2
        np.testing.assert_allclose(means[middle], colour, atol=12)
    fade = edit.pictures[3].start
    assert max(means[fade]) < 40, "a fade goes through black"
    one, two = edit.pictures[:2]
    assert (two.start, two.frames) == (one.end - 10, 10)
    between = means[two.start + 5]
    assert COLOURS["red"][0] > between[0] > COLOURS["green"][0], "a dissolve has something of both"


def test_a_film_beside_its_record_is_inspected_by_its_edit(film: tuple[Path, FilmRecord], tmp_path: Path) -> None:
    out, record = film
    notes: list[str] = []
    told = examine(out, on_note=notes.append)
    changing = {"cut", "fade", "black", "flicker", "exposure breathing", "jump", "length"}
    verdicts = {finding.check: finding.verdict for finding in told.findings if finding.check in changing}
    assert notes == []
    assert {"cut": "pass", "fade": "pass", "length": "pass"}.items() <= verdicts.items()
    assert not {"warn", "fail"} & set(verdicts.values())
    alone = Path(shutil.copy(out, tmp_path))
    assert any(finding.check == "cut" and finding.verdict == "fail" for finding in examine(alone).findings)
    other = record.model_copy(update={"inspection": told.model_copy(update={"clip": made_up(told)})})
    (tmp_path / f"{out.name}.json").write_text(other.model_dump_json(by_alias=True))
    examine(alone, on_note=notes.append)
    beyond = record.edit.pictures[-1].model_copy(update={"end": 10**9})
    wrong = record.edit.model_copy(update={"pictures": (*record.edit.pictures[:-1], beyond)})
    other = record.model_copy(update={"edit": wrong})
    (tmp_path / f"{out.name}.json").write_text(other.model_dump_json(by_alias=True))
    examine(alone, on_note=notes.append)
    assert [note.split(" is ", 1)[1][:27] for note in notes] == ["the record of another clip,"] * 2


def made_up(inspection: Inspection) -> ClipInfo:
    """The facts of a file that is another one."""
    return inspection.clip.model_copy(update={"sha256": "0" * 64})


def test_what_is_said_runs_on_over_the_next_picture(film: tuple[Path, FilmRecord]) -> None:
    edit = film[1].edit
    voice, own, bed = edit.tracks
    assert (voice.shot, voice.sound, voice.start) == (1, "voice", 0)
    assert voice.end == pytest.approx(edit.pictures[0].end / 25 + 0.8, abs=0.04)
    assert edit.pictures[1].end == -(-voice.end * 25 // 1), "and that lasts as long"
    assert (own.shot, own.sound, own.end) == (3, "blue.mp4", 1)
    assert (bed.shot, bed.sound, bed.loops) == (None, "bed.wav", True)


def test_the_record_is_whole_and_says_nothing_of_the_machine(film: tuple[Path, FilmRecord]) -> None:
    out, record = film
    text = out.with_name("four.mp4.json").read_text()
    assert FilmRecord.model_validate_json(text) == record
    assert json.loads(text)["schema"] == "stillwake/film@1"
    assert str(out.parent) not in text
    assert [shot.clip for shot in record.shots] == ["01-one.mp4", "02-two.mp4", "blue.mp4", "04-four.mp4"]
    assert [shot.line for shot in record.shots] == [11, 18, 25, 31]
    assert [shot.passed is None for shot in record.shots] == [False, False, True, False]
    for shot in record.shots:
        if shot.record is not None:
            assert (out.parent / "four.shots" / shot.record).is_file()
    assert {"plan", "shots", "mix", "join", "prove", "total"} <= set(record.seconds)


def test_shots_are_made_at_the_films_size_and_finely(film: tuple[Path, FilmRecord]) -> None:
    folder = film[0].parent / "four.shots"
    clip = open_clip(folder / "02-two.mp4")
    assert (clip.info.width, clip.info.height, clip.info.fps) == (160, 90, 25)
    run = RunRecord.model_validate_json((folder / "02-two.mp4.json").read_text())
    assert run.brief.size == (160, 90)
    assert b"crf=12.0" in (folder / "02-two.mp4").read_bytes()


def test_captions_are_written_beside_it(film: tuple[Path, FilmRecord]) -> None:
    import pysubs2

    out, record = film
    file = pysubs2.load(str(out.with_suffix(".srt")))
    assert [event.plaintext for event in file] == ["Good morning to everybody out there.", "The end."]
    assert [one.text for one in record.captions] == [event.plaintext for event in file]
    assert file[1].start >= 1000 * record.edit.pictures[3].start / 25


def test_an_editors_program_finds_every_clip_and_sound(film: tuple[Path, FilmRecord]) -> None:
    import opentimelineio as otio

    out, record = film
    timeline = otio.adapters.read_from_file(str(out.with_suffix(".otio")))
    video, *sounds = timeline.tracks
    assert video.duration().to_seconds() == pytest.approx(float(Fraction(record.edit.frame_count, 25)))
    clips = [child for child in video if isinstance(child, otio.schema.Clip)]
    assert [clip.name for clip in clips] == ["one", "two", "three", "four"]
    turns = [child for child in video if isinstance(child, otio.schema.Transition)]
    assert [turn.name for turn in turns] == ["dissolve", "fade through black"]
    # Half of the dissolve lies on either side of its cut, and both clips reach under it.
    one, two = clips[:2]
    assert one.duration().to_frames() == record.edit.pictures[1].start + 5
    assert two.source_range.start_time.to_frames() == 5
    assert one.available_range().duration.to_frames() >= record.edit.pictures[0].end
    names = {track.name: [c for c in track if isinstance(c, otio.schema.Clip)] for track in sounds}
    assert list(names) == ["Speech", "Clips", "Bed"]
    assert sum(c.duration().to_seconds() for c in names["Bed"]) == pytest.approx(record.edit.frame_count / 25)
    for child in [*clips, *(c for some in names.values() for c in some)]:
        url = child.media_reference.target_url
        assert (out.parent / url).is_file(), url
    markers = timeline.tracks.markers
    assert [marker.name for marker in markers] == [one.text for one in record.captions]
    assert markers[0].marked_range.start_time.to_seconds() == pytest.approx(float(record.captions[0].start))


def test_a_sheet_shows_every_shot(film: tuple[Path, FilmRecord]) -> None:
    page = np.asarray(Image.open(film[0].parent / "four.jpg.png").convert("RGB")).astype(int)
    for colour in COLOURS.values():
        assert (np.abs(page - colour).max(2) < 45).mean() > 0.08, colour


# --------------------------------------------------------------------------------------------- what is used again


def test_what_is_rendered_is_used_again(again: Path, rendered: list[str], film: tuple[Path, FilmRecord]) -> None:
    record = assemble(again / "four.toml", again / "four.mp4")
    assert rendered == []
    assert [shot.reused for shot in record.shots] == [True, True, False, True]
    assert [shot.sha256 for shot in record.shots] == [shot.sha256 for shot in film[1].shots]
    assert (record.edit, record.captions) == (film[1].edit, film[1].captions)


@pytest.mark.usefixtures("unseen")
def test_only_what_changed_is_rendered_wherever_it_moves(again: Path, rendered: list[str]) -> None:
    new = '[[shot]]\nname = "new"\nstill = "white.png"\nengine = "echo"\nseconds = 1.5\n\n'
    text = BOARD.replace("[[shot]]", new + "[[shot]]", 1)
    (again / "four.toml").write_text(text.replace('camera = "push in"', 'camera = "pull out"'))
    record = assemble(again / "four.toml", again / "four.mp4")
    assert rendered == ["01-new.mp4", "03-two.mp4"]
    assert [shot.clip for shot in record.shots] == [
        "01-new.mp4", "02-one.mp4", "03-two.mp4", "blue.mp4", "05-four.mp4",
    ]  # fmt: skip
    for shot in record.shots:
        if shot.record is not None:
            clip = open_clip(again / "four.shots" / shot.clip)
            assert clip.info.sha256 == shot.sha256
            run = RunRecord.model_validate_json((again / "four.shots" / shot.record).read_text())
            assert run.inspection.clip.sha256 == shot.sha256


@pytest.mark.usefixtures("unseen")
def test_shots_may_change_places(again: Path, rendered: list[str]) -> None:
    folder = again / "four.shots"
    before = {name: open_clip(folder / f"{name}.mp4").info.sha256 for name in ("01-one", "04-four")}
    a = '[[shot]]\nname = "{}"\nstill = "white.png"\nengine = "echo"\nseconds = 1\n'.format
    (again / "four.toml").write_text('size = "160x90"\n' + a("x") + a("y").replace("white", "red"))
    assemble(again / "four.toml", again / "four.mp4")
    assert rendered == ["02-y.mp4"], "the fourth shot of before is the first one now"
    rendered.clear()
    (again / "four.toml").write_text('size = "160x90"\n' + a("y").replace("white", "red") + a("x"))
    record = assemble(again / "four.toml", again / "four.mp4", overwrite=True)
    assert rendered == []
    assert [shot.clip for shot in record.shots] == ["01-y.mp4", "02-x.mp4"]
    assert record.shots[1].sha256 == before["04-four"]


@pytest.mark.usefixtures("unseen")
def test_a_damaged_shot_is_rendered_again(again: Path, rendered: list[str]) -> None:
    clip = again / "four.shots" / "04-four.mp4"
    clip.write_bytes(clip.read_bytes()[:-100])
    (again / "four.shots" / "01-one.mp4.json").write_text("{}")
    assemble(again / "four.toml", again / "four.mp4")
    assert rendered == ["01-one.mp4", "04-four.mp4"]


@pytest.mark.usefixtures("unseen")
def test_a_changed_still_is_another_shot(again: Path, rendered: list[str]) -> None:
    still(again / "green.png", (60, 150, 60))
    assemble(again / "four.toml", again / "four.mp4")
    assert rendered == ["02-two.mp4"]


@pytest.mark.usefixtures("unseen")
def test_a_shot_that_fails_loses_no_other(
    material: Path, tmp_path: Path, rendered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("red", "green", "white"):
        shutil.copy(material / f"{name}.png", tmp_path)
    shot = '[[shot]]\nstill = "{}.png"\nengine = "echo"\nseconds = 1\n'.format
    (tmp_path / "b.toml").write_text('size = "64x36"\n' + shot("red") + shot("green") + shot("white") + shot("red"))
    real = shots_of.animate

    def failing(picture: Path, brief: Brief, out: Path, **more: Any) -> RunRecord:
        if picture.name == "white.png":
            raise NotReadyError("Cannot animate white.png", "it is too white", "choose another with --still")
        return real(picture, brief, out, **more)

    monkeypatch.setattr(shots_of, "animate", failing)
    with pytest.raises(NotReadyError) as caught:
        assemble(tmp_path / "b.toml", tmp_path / "b.mp4")
    assert str(caught.value) == (
        "Cannot animate white.png (b.toml, line 11, shot 3 (white)): it is too white; choose another with hold."
    )
    assert rendered == ["01-red.mp4", "02-green.mp4"]
    assert not list(tmp_path.glob("b.mp4*"))

    def stopping(stage: str, done: int, total: int) -> None:
        if stage == "shots" and done > 60:  # in the midst of the third
            raise Cancelled

    monkeypatch.setattr(shots_of, "animate", real)
    with pytest.raises(Cancelled):
        assemble(tmp_path / "b.toml", tmp_path / "b.mp4", on_progress=stopping)
    assert not list((tmp_path / "b.shots").glob("03*"))
    rendered.clear()
    record = assemble(tmp_path / "b.toml", tmp_path / "b.mp4")
    assert rendered == ["03-white.mp4"]
    assert record.shots[3].clip == "01-red.mp4", "a shot that comes twice is rendered once"


@pytest.mark.parametrize(
    ("picture", "size"),
    [((1920, 1080), (1280, 720)), ((512, 512), (1280, 720)), ((1366, 768), (1280, 720)), ((1920, 1084), (1280, 724))],
)
def test_a_still_of_nearly_the_films_shape_is_shown_whole_and_never_stretched(
    picture: tuple[int, int], size: tuple[int, int]
) -> None:
    from stillwake.route import size_for

    assert shots_of.size_of(picture, (1280, 720), "16:9") == size
    if picture != (512, 512):
        assert size_for(picture, size)[0] == size, "the router takes it so"


# ------------------------------------------------------------------------------------------------- told beforehand


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"push in"', '"puhs in"', "line 20, shot 2 (two)): 'puhs' is not a word for a move; did you mean push"),
        ("seconds = 1\ntransition", "seconds = 1\ndepth = \"red.png\"\ntransition", "shot 4 (four)"),
        ('engine = "echo"\nseconds', 'engine = "ecko"\nseconds', "line 34, shot 4 (four)): no engine of that name"),
        ("seconds = 1\n\n", "seconds = 3\n\n", "line 29: shot 3 (three): the clip has 2.00 s"),
        ('say = "Good', 'voice = "nobody"\nsay = "Good', "shot 1 (one)"),
        ('engine = "echo"\nseconds', 'say = "Hello."\n#', "four.toml, line 33, shot 4 (four)): "),
        ('camera = "push in"', 'say = "Hello."', "line 21: shot 2 (two): its speech would begin"),
        ('camera = "push in"', 'sound = "bed.wav"\nbegin = 9', "line 22: shot 2 (two): it is to be heard from 9"),
        ('camera = "push in"', 'sound = "bed.wav"\nend = 9', "line 22: shot 2 (two): end is 9, and bed.wav has 1.7"),
        ('file = "bed.wav"', 'file = "red.png"', "line 6: the film's sound: "),
        ('still = "white.png"', 'still = "bed.wav"', "line 33, shot 4 (four))"),
    ],
)  # fmt: skip
def test_a_fault_of_any_shot_is_told_before_one_is_rendered(
    material: Path, tmp_path: Path, rendered: list[str], old: str, new: str, words: str
) -> None:
    for one in (*material.glob("*.png"), *material.glob("*.wav"), material / "blue.mp4"):
        shutil.copy(one, tmp_path)
    assert old in BOARD
    (tmp_path / "four.toml").write_text(BOARD.replace(old, new, 1))
    with pytest.raises(StillwakeError) as caught:
        assemble(tmp_path / "four.toml", tmp_path / "four.mp4")
    assert words in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert rendered == []
    assert not (tmp_path / "four.mp4").exists()


@pytest.mark.usefixtures("unseen")
def test_letters_that_no_font_has_are_told_before_a_shot_is_rendered(again: Path, rendered: list[str]) -> None:
    text = BOARD.replace('captions = "none"', 'captions = "burn"').replace(
        "The end.", "\N{DESERET SMALL LETTER BEE}" * 5
    )
    (again / "four.toml").write_text(text.replace("push in", "pull out"), encoding="utf-8")
    with pytest.raises(UnavailableError, match="captions"):
        assemble(again / "four.toml", again / "four.mp4")
    assert rendered == []


def test_nothing_is_written_over(again: Path) -> None:
    board = again / "four.toml"
    (again / "there.mp4").write_bytes(b"x")
    with pytest.raises(OutputExistsError):
        assemble(board, again / "there.mp4")
    with pytest.raises(OutputExistsError):
        assemble(board, again / "four.mp4", captions=again / "there.mp4.srt", otio=_made(again / "x.otio"))
    for more in (
        {"captions": again / "a.txt"},
        {"otio": again / "a.json"},
        {"sheet": again / "a.jpg"},
    ):
        with pytest.raises(UsageError):
            assemble(board, again / "four.mp4", **more)
    with pytest.raises(UsageError, match="a film with sound is"):
        assemble(board, again / "four.gif")
    with pytest.raises(UsageError, match="the film is made of it"):
        assemble(board, again / "blue.mp4", overwrite=True)
    with pytest.raises(UsageError, match="another output has that name"):
        assemble(board, again / "four.mp4", otio=again / "four.mp4", overwrite=True)
    assert (again / "there.mp4").read_bytes() == b"x"
    (again / "five.shots").write_bytes(b"x")
    with pytest.raises(OutputError, match="a file has that name"):
        assemble(board, again / "five.mp4")


def _made(path: Path) -> Path:
    path.write_bytes(b"x")
    return path


# ------------------------------------------------------------------------------------------------------ recordings


@pytest.mark.usefixtures("unseen")
def test_a_recording_over_several_shots_is_listened_to_as_a_whole(
    material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import stillwake.speech

    heard: list[float] = []

    def listen(sound: Sound, transcript: str | None = None, language: str | None = None) -> Speech:
        seconds = float(sound.seconds)
        heard.append(seconds)
        words = tuple(Timed(at / 2, at / 2 + 0.45, f"w{at}") for at in range(int(seconds * 2)))
        shapes = (Timed(0, seconds, "AA"),)
        return Speech(sound, "en", "recognised", words, words, shapes)

    monkeypatch.setattr(stillwake.speech, "listen", listen)
    tone(tmp_path / "talk.wav", 4)
    shutil.copy(material / "red.png", tmp_path)
    shot = '[[shot]]\nstill = "red.png"\nengine = "echo"\nsound = "talk.wav"\nbegin = {}\nend = {}\n'.format
    (tmp_path / "b.toml").write_text('size = "64x36"\n' + shot(1, 2.2) + shot(2.2, 3.5) + shot(0, 1))
    plan = plan_film(tmp_path / "b.toml")
    assert heard == [2.5, 1.0]
    one, other = plan.laid.edit.tracks
    assert (one.start, one.begin, one.end) == (0, 1, F(7, 2))
    assert one.speech is not None
    assert [word.label for word in one.speech.words] == ["w0", "w1", "w2", "w3", "w4"]
    assert other.start == F(5, 2) + F(1, 50), "the last half frame is a whole one"
    assert [" ".join(word.label for word in spoken.speech.words) for spoken in plan.laid.spoken] == [
        "w0 w1", "w2 w3 w4", "w0 w1",
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------- the page

PAGE = Path(__file__).parents[1] / "docs" / "assemble.md"


def test_the_page_tells_every_field_and_no_other() -> None:
    from stillwake.assemble.storyboard import Bed, Storyboard, StoryShot

    text = PAGE.read_text(encoding="utf-8")
    _, film, shot = re.split(r"^## (?:The film|A shot)$", text.partition("\n## Captions")[0], flags=re.MULTILINE)
    head, bed = film.split("### `[sound]`")

    def told(part: str) -> set[str]:
        return set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE))

    assert told(head) == {info.alias or name for name, info in Storyboard.model_fields.items()}
    assert told(bed) == set(Bed.model_fields)
    listed = shot.partition("under the same names")[2].partition("[living.md]")[0]
    assert told(shot) | set(re.findall(r"`(\w+)`", listed)) - {"still"} == set(StoryShot.model_fields)


@pytest.mark.usefixtures("uninspected")
def test_the_pages_example_makes_its_film(
    tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code, "assemble.md", "exec"), {})
    (board,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    Path("hills.toml").write_text(board.replace("640x360", "160x90"))
    (command,) = re.findall(r"^    stillwake (assemble hills.*)$", text, re.MULTILINE)
    done = run(*command.split())
    assert done.status == 0, done.err
    record = FilmRecord.model_validate_json(Path("hills.mp4.json").read_text())
    assert record.passed
    assert [one.text for one in record.captions] == [
        "In the morning the hills are green.", "Tomorrow it begins again.",
    ]  # fmt: skip
    _, two, three = record.edit.pictures
    first, second = record.edit.tracks
    assert (first.start + first.end) * 25 == pytest.approx(two.end, abs=1), "the sentence runs on over the second shot"
    assert second.start == F(three.start, 25)
    assert Path("hills.srt").read_text().count("-->") == 2


# ------------------------------------------------------------------------------------------------ the command line


def test_the_command_says_what_it_made(again: Path, run: Callable[..., Run]) -> None:
    done = run("assemble", again / "four.toml", "-o", again / "four.mp4")
    assert done.status == 0, done.err
    assert done.out.strip() == str(again / "four.mp4")
    assert "shot 2 (two): 02-two.mp4, passed, rendered before" in done.err
    done = run("assemble", again / "four.toml", "-o", again / "four.mp4", "--overwrite", "--json", "-q")
    assert json.loads(done.out)["schema"] == "stillwake/film@1"
    assert "did not pass" not in done.err
    assert run("assemble", again / "four.toml", "-o", again / "four.mp4").status == OutputExistsError.exit_status


def test_a_dry_run_prints_the_edit_and_renders_nothing(
    again: Path, run: Callable[..., Run], rendered: list[str]
) -> None:
    done = run("assemble", again / "four.toml", "-o", again / "four.mp4", "--dry-run")
    assert done.status == 0
    assert "shot 2 (two): " in done.out
    assert "dissolve of 10 frames" in done.out
    assert "caption: " in done.out
    done = run("assemble", again / "four.toml", "--dry-run", "--json")
    assert [picture["name"] for picture in json.loads(done.out)["pictures"]] == ["one", "two", "three", "four"]
    assert not (again / "four.mp4").exists()
    assert rendered == []


def test_a_fault_is_one_sentence(again: Path, run: Callable[..., Run]) -> None:
    assert "-o OUT.mp4" in run("assemble", again / "four.toml").sentence
    (again / "four.toml").write_text(BOARD.replace("say =", "sya ="))
    done = run("assemble", again / "four.toml", "-o", again / "four.mp4")
    assert done.status == InputError.exit_status
    assert done.sentence == "Cannot use four.toml, line 15: shot 1 (one): there is no field 'sya'; did you mean say."


def test_a_film_that_fails_is_kept_with_status_4(
    again: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from stillwake.assemble import proof
    from stillwake.types import ClipFinding

    def failing(clip: Any, *more: Any, **named: Any) -> Inspection:
        bad = ClipFinding(check="joined sync", verdict="fail", why="the lips are late", fix="join the film again")
        return Inspection(clip=clip.info, passed=False, findings=(bad,))

    monkeypatch.setattr(proof, "prove", failing)
    done = run("assemble", again / "four.toml", "-o", again / "four.mp4", "-q")
    assert done.status == 4
    assert "four.mp4 did not pass its inspection: joined sync: the lips are late" in done.err
    assert (again / "four.mp4").is_file()
    assert FilmRecord.model_validate_json((again / "four.mp4.json").read_text()).passed is False


def test_a_films_budget_refuses_before_anything_is_rendered(
    toy: type[ToyGenerator], material: Path, tmp_path: Path, run: Callable[..., Run]
) -> None:
    board = tmp_path / "paid.toml"
    shot = f'[[shot]]\nstill = "{material / "red.png"}"\nengine = "kling"\nprompt = "waves break"\nseconds = 3\n'
    board.write_text(f'size = "320x180"\nbudget = 0.4\n{shot}takes = 2\n{shot}prefer = "range"\n')
    done = run("assemble", board, "-o", tmp_path / "film.mp4")
    assert done.status == 7
    assert "line 2" in done.sentence
    assert "$0.63" in done.sentence, "three clips of 5 s, of which 3 are used"
    assert toy.asked == []
    board.write_text(board.read_text().replace("0.4", "-1"))
    assert "budget" in run("assemble", board, "--dry-run").sentence
