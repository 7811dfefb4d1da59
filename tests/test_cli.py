"""The command line: what it prints where, and with which exit status it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stillwake import __version__, cli, doctor, workflow
from stillwake.cli import asking
from stillwake.doctor import demo_still
from stillwake.errors import UsageError
from stillwake.perceive.strokes import BrushRecord
from stillwake.types import Brief, CameraKey, CameraRecord, FaceRecord, Inspection, Plan, Report, RunRecord
from stillwake.workflow import versions

if TYPE_CHECKING:
    from conftest import Run

ROOT = Path(__file__).parents[1]


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    import math
    import struct
    import wave

    path = tmp_path / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(b"".join(struct.pack("<h", round(8000 * math.sin(i / 6))) for i in range(8000)))
    return path


# ----------------------------------------------------------------------------------------------------- wrong usage


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("animat", 'did you mean "animate"'),
        ("animate", "stillwake animate --help"),
        ("animate still.png", "--out"),
        ("animate still.png -o out.mp4 --nonsense", "--nonsense"),
        ("animate still.png -o out.mp4 --seed x --say hi", "seed"),
        ("animate still.png -o out.mp4 --voice en-us", "--say TEXT"),
        ("animate still.png -o out.mp4 --seconds soon", "6 or 7.5"),
        ("animate still.png -o out.mp4 --seconds 0.5", "1 to 60"),
        ("animate still.png -o out.mp4 --say hi --seconds 5", "as long as what is said"),
        ("animate still.png -o out.mp4 --say hi --sound a.wav", "either"),
        ("animate still.png -o out.mp4 --say hi --fps fast", "29.97"),
        ("animate still.png -o out.mp4 --say hi --fps 0", "1 to 240"),
        ("animate still.png -o out.mp4 --say hi --fps 1/0", "not a number"),
        ("animate still.png -o out.mp4 --say hi --size big", "1280x720"),
        ("animate still.png -o out.mp4 --say hi --face 0", "--face"),
        ("animate still.png -o out.mp4 --say hi --seed -1", "seed"),
        ("animate still.png -o out.mp4 --aspect 2:3", "9:16"),
        ("animate still.png -o out.mp4 --aspect tall", "9:16"),
        ("animate still.png -o out.mp4 --repeat 0", "--repeat 0"),
        ("animate still.png -o out.mp4 --repeat 101", "--repeat 101"),
        ("animate still.png -o out.mp4 --say hi --repeat 2", "leave out --repeat"),
        ("animate still.png -o out.mp4 --max-mb 0", "--max-mb 0"),
        ("animate still.png -o out.mp4 --max-mb nan", "--max-mb nan"),
        ("animate still.png -o out.mp4 --max-mb inf", "--max-mb inf"),
        ("animate still.png -o out.mp4 --max-mb small", "max-mb"),
        ("animate still.png -o out.gif --say hi", "cannot carry sound"),
        ("animate still.png -o out.gif --fps 60", "too fast for GIF"),
        ("animate still.png -o out.mkv", ".webm"),
        ("animate still.png -o frames/%05d.png --max-mb 3", "no size limit"),
        ("plan still.png --language fr", "--say TEXT"),
        ("speech", "--say"),
        ("speech --say hi --format midi", "midi"),
        ("check", "STILL"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(run: Callable[..., Run], words: str, says: str) -> None:
    done = run(*words.split())
    assert done.status == 2
    assert says in done.sentence


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", Fraction(25)),
        ("12.5", Fraction(25, 2)),
        ("23.976", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
    ],
)
def test_rates_are_exact(text: str, rate: Fraction) -> None:
    assert asking.rate_of(text) == rate


@pytest.mark.parametrize("text", ["x", "12", "12x", "x12", "12x12x12", "-1x5", "1.5x2", "\u0661x\u0662", "9999999x1"])
def test_sizes_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="1280x720"):
        asking.size_of(text)


def test_sizes_are_read() -> None:
    assert asking.size_of("1280x720") == asking.size_of("1280X720") == asking.size_of("1280×720") == (1280, 720)


# ------------------------------------------------------------------------------------------- inputs and outputs


def test_a_transcript_is_words_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "line.txt").write_text("\ufeffWhat is said in it.\n", encoding="utf-8")
    assert asking.transcript_of(str(tmp_path / "line.txt")) == "What is said in it.\n"
    assert asking.transcript_of("What is said in it.") == "What is said in it."
    assert asking.transcript_of("word " * 3000) == "word " * 3000, "too long for a file's name, so it is words"
    assert asking.transcript_of(None) is None


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00w"), "UTF-8"),
        (lambda path: path.write_bytes(b"a" * (1 << 21)), "1 MiB"),
    ],
)
def test_a_transcript_that_cannot_be_read_is_status_3(
    run: Callable[..., Run], tone: Path, make: Callable[[Path], Any], says: str
) -> None:
    path = tone.with_name("line.txt")
    make(path)
    done = run("speech", tone, "--transcript", path)
    assert done.status == 3
    assert says in done.sentence


def test_an_output_that_exists_is_status_5_and_stays(run: Callable[..., Run], tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_text("mine")
    done = run("animate", demo_still(), "--say", "Hello.", "-o", out)
    assert done.status == 5
    assert "--overwrite" in done.sentence
    assert out.read_text() == "mine"


def test_a_folder_that_is_missing_is_status_5(run: Callable[..., Run], tmp_path: Path) -> None:
    done = run("animate", demo_still(), "--say", "Hello.", "-o", tmp_path / "nowhere" / "out.mp4")
    assert done.status == 5
    assert "nowhere" in done.sentence


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty.png"),
        (b"These are words.", "words.png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "drawing.svg"),
        (None, "missing.png"),
    ],
)
@pytest.mark.parametrize("verb", ["check", "perceive", "plan", "animate"])
def test_what_is_no_picture_is_status_3(
    run: Callable[..., Run], tmp_path: Path, verb: str, content: bytes | None, name: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    more = {"plan": ["--say", "Hello."], "animate": ["--say", "Hello.", "-o", tmp_path / "out.mp4"]}
    done = run(verb, path, *more.get(verb, []))
    assert done.status == 3
    assert name in done.sentence
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("content", [b"", b"no sound in here", None])
def test_what_is_no_sound_is_status_3(run: Callable[..., Run], tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "line.wav"
    if content is not None:
        path.write_bytes(content)
    assert "line.wav" in run("speech", path).sentence
    done = run("animate", demo_still(), "--sound", path, "-o", tmp_path / "out.mp4")
    assert done.status == 3
    assert "line.wav" in done.sentence


def test_an_empty_text_is_status_3(run: Callable[..., Run]) -> None:
    assert run("speech", "--say", " ").status == 3


def test_an_unknown_voice_and_an_unknown_engine_are_status_6(run: Callable[..., Run], tmp_path: Path) -> None:
    for options in (["--voice", "nobody"], ["--language", "xx-nowhere"], ["--engine", "nobody"]):
        done = run("animate", demo_still(), "--say", "Hello.", *options, "-o", tmp_path / "out.mp4")
        assert done.status == 6, done.err
        assert options[1] in done.sentence
    assert list(tmp_path.iterdir()) == []


def test_a_picture_without_a_face_is_status_4(run: Callable[..., Run], tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (320, 240), (90, 120, 60)).save(tmp_path / "meadow.png")
    done = run("animate", tmp_path / "meadow.png", "--say", "Hello.", "-o", tmp_path / "out.mp4")
    assert done.status == 4
    assert "face" in done.sentence
    checked = run("check", tmp_path / "meadow.png", "--for", "animator")
    assert checked.status == 4
    assert "for an animator: fail, no face was found in it" in checked.out
    assert checked.out.startswith("meadow.png: ready, but not for an animator (")
    assert run("check", tmp_path / "meadow.png", "--for", "generator").status == 0


def test_several_stills_are_all_checked(run: Callable[..., Run], tmp_path: Path) -> None:
    done = run("check", "--json", tmp_path / "missing.png", demo_still())
    assert done.status == 3
    assert "missing.png" in done.err
    assert Report.model_validate_json(done.out).ready


# ------------------------------------------------------------------------------------------------------ the verbs


def test_check_prints_the_five_signs(run: Callable[..., Run]) -> None:
    done = run("check", demo_still())
    assert done.status == 0
    assert done.out.startswith("astronaut.png: ready (photo, 512×512)")
    for sign in ("character", "anatomy", "expression", "framing", "background"):
        assert re.search(rf"^  {sign} +(pass|warn|fail|unseen)$", done.out, flags=re.MULTILINE)


def test_plan_says_why(run: Callable[..., Run]) -> None:
    done = run("plan", demo_still(), "--say", "Hello.", "--json", "--fps", "29.97", "--seed", "5")
    shot = Plan.model_validate_json(done.out).shots[0]
    assert (shot.engine, shot.motion, shot.fps, shot.seed) == ("animator", "talk", Fraction(30000, 1001), 5)
    assert shot.size == (512, 512)
    assert "talking portrait" in run("plan", demo_still(), "--say", "Hello.").out


def test_plan_names_the_turns_and_the_limit(run: Callable[..., Run]) -> None:
    done = run("plan", demo_still(), "--seconds", "2", "--repeat", "5", "--max-mb", "2.5")
    assert done.status == 0
    assert "live, 5 × 2.00 s" in done.out
    assert "5 times over, 10 s in all" in done.out
    assert "at most 2.5 MB" in done.out


def test_animate_prints_the_clip_and_says_the_rest(run: Callable[..., Run], tmp_path: Path, tone: Path) -> None:
    out = tmp_path / "out.mp4"
    words = ("animate", demo_still(), "--sound", tone, "--engine", "echo", "-o", out)
    done = run(*words)
    assert done.out == f"{out}\n"
    assert "first frame after" in done.err
    assert done.status == (0 if "did not pass" not in done.err else 4)
    again = run(*words, "--overwrite", "--json", "--quiet")
    record = RunRecord.model_validate_json(again.out)
    assert record.inspection.clip.name == "out.mp4"
    assert record.brief.sound == Path("tone.wav")


def test_a_clip_that_does_not_pass_is_status_4_with_a_sentence(
    run: Callable[..., Run], tmp_path: Path, tone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stillwake import inspection
    from stillwake.types import ClipFinding

    failed = ClipFinding(check="sync", verdict="fail", why="the lips come 90 ms late")
    real = inspection.inspect
    monkeypatch.setattr(
        inspection,
        "inspect",
        lambda *args, **kwargs: real(*args, **kwargs).model_copy(update={"passed": False, "findings": (failed,)}),
    )
    out = tmp_path / "out.mp4"
    done = run("animate", demo_still(), "--sound", tone, "--engine", "echo", "-o", out, "--quiet")
    assert done.status == 4
    assert "the lips come 90 ms late" in done.err
    assert done.err.count("\n") == 1
    assert out.exists()
    assert (tmp_path / "out.mp4.json").exists()


def test_inspect_takes_any_clip(run: Callable[..., Run], tmp_path: Path, tone: Path) -> None:
    out = tmp_path / "out.mp4"
    run("animate", demo_still(), "--sound", tone, "--engine", "echo", "-o", out, "--quiet")
    done = run("inspect", out, "--still", demo_still(), "--json")
    inspection = Inspection.model_validate_json(done.out)
    assert inspection.clip.frame_count == 13
    assert inspection.findings
    assert done.status == (0 if inspection.passed else 4)
    assert run("inspect", out).out.startswith("out.mp4: ")


def test_speech_writes_each_format(run: Callable[..., Run], tmp_path: Path) -> None:
    ours = json.loads(run("speech", "--say", "Mama.").out)
    assert ours["schema"] == "stillwake/speech@1"
    table = (ROOT / "docs" / "records.md").read_text().split("## stillwake/speech@1")[1].split("## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == set(ours)
    assert "MBP" in {timed["viseme"] for timed in ours["visemes"]}
    rhubarb = json.loads(run("speech", "--say", "Mama.", "--format", "rhubarb-json").out)
    assert {cue["value"] for cue in rhubarb["mouthCues"]} <= set("ABCDEFGHX")
    tsv = run("speech", "--say", "Mama.", "--format", "rhubarb-tsv").out
    assert re.fullmatch(r"(\d+\.\d+\t[A-HX]\n)+", tsv)
    assert run("speech", "--say", "Mama.", "--format", "rhubarb-xml").out.startswith("<?xml")
    out = tmp_path / "line.tsv"
    assert run("speech", "--say", "Mama.", "--format", "rhubarb-tsv", "-o", out).out == ""
    assert out.read_text() == tsv
    assert run("speech", "--say", "Mama.", "-o", out).status == 5


def test_speech_lists_the_voices(run: Callable[..., Run]) -> None:
    rows = [json.loads(line) for line in run("speech", "--voices", "--json").out.splitlines()]
    assert len(rows) > 50
    french = run("speech", "--voices", "--language", "fr").out.splitlines()
    assert 0 < len(french) < 10
    assert all(re.search(r"\bfr\b", line) for line in french)


def test_perceive_tells_what_was_seen(run: Callable[..., Run]) -> None:
    seen = json.loads(run("perceive", demo_still()).out)
    assert seen["schema"] == "stillwake/scene@1"
    (face,) = seen["faces"]
    x0, y0, x1, y1 = face["box"]
    x, y = face["nose_tip"]
    assert x0 < x < x1
    assert y0 < y < y1
    assert "mesh" not in face
    assert len(json.loads(run("perceive", demo_still(), "--mesh").out)["faces"][0]["mesh"]) == 478


def test_a_face_is_written_edited_and_given_back(run: Callable[..., Run], tmp_path: Path) -> None:
    file = tmp_path / "face.json"
    assert run("perceive", demo_still(), "--face", 1, "-o", file).out == ""
    assert run("perceive", demo_still(), "--face", 1, "-o", file).status == 5
    record = FaceRecord.model_validate_json(run("perceive", demo_still(), "--face", 1).out)
    assert record == FaceRecord.model_validate_json(file.read_text())
    face = json.loads(run("perceive", demo_still()).out)["faces"][0]
    assert FaceRecord.model_validate(face) == record, "a face cut out of the scene is such a file"

    face["chin"][1] += 2
    file.write_text(json.dumps(face))
    given = json.loads(run("perceive", demo_still(), "--face-file", file).out)
    assert given["given"] == [1]
    assert given["faces"][0]["chin"] == face["chin"]
    assert run("check", demo_still(), "--face-file", file).status == 0
    told = run("plan", demo_still(), "--say", "Hello.", "--face-file", file)
    assert "as face.json gives it" in told.out


@pytest.mark.parametrize("verb", ["check", "perceive", "plan", "animate"])
def test_what_is_no_face_file_is_status_3(run: Callable[..., Run], tmp_path: Path, verb: str) -> None:
    file = tmp_path / "face.json"
    more = {"plan": ["--say", "Hello."], "animate": ["--say", "Hello.", "-o", tmp_path / "out.mp4"]}
    for content in (None, "{", '{"schema": "stillwake/face@1", "box": [9, 9, 9, 9]}'):
        if content is not None:
            file.write_text(content)
        done = run(verb, demo_still(), "--face-file", file, *more.get(verb, []))
        assert done.status == 3
        assert done.sentence.startswith("Cannot use face.json: ")
    assert not (tmp_path / "out.mp4").exists()


def test_a_face_that_is_not_there_cannot_be_written(run: Callable[..., Run], tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (320, 240), (90, 120, 60)).save(tmp_path / "meadow.png")
    done = run("perceive", tmp_path / "meadow.png", "--face", 1)
    assert done.status == 3
    assert "--face-file" in done.sentence
    assert run("perceive", demo_still(), "--face", 2).status == 2
    done = run("check", demo_still(), demo_still(), "--face-file", tmp_path / "face.json")
    assert done.status == 2


def test_engines_are_listed(run: Callable[..., Run]) -> None:
    rows = [json.loads(line) for line in run("engines", "--json").out.splitlines()]
    assert [row["name"] for row in rows][:2] == ["animator", "echo"]
    assert [row["name"] for row in rows if row["available"]] == ["animator", "echo"]
    lacking = {row["name"]: row["fix"] for row in rows if not row["available"]}
    assert {"svd", "wan", "runway", "kling", "luma", "did", "heygen"} <= set(lacking), "what the door could also reach"
    assert all(fix.startswith("run: ") for fix in lacking.values()), "each says what would make it ready"
    assert "holds the still" in run("engines").out


def test_doctor_finds_this_machine_healthy(run: Callable[..., Run]) -> None:
    done = run("doctor")
    assert done.status == 0, done.out
    assert all(line.startswith("ok ") for line in done.out.splitlines())


def test_doctor_finds_what_is_missing(run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "PACKAGES", ("stillwake", "no-such-package"))

    def full() -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(doctor, "_temporary_folder", full)
    done = run("doctor")
    assert done.status == 6
    bad = [line for line in done.out.splitlines() if line.startswith("BAD")]
    assert any("no-such-package" in line for line in bad)
    assert any("No space left" in line and "TMPDIR" in line for line in bad)
    assert len(bad) == 2


def test_version_and_help(run: Callable[..., Run]) -> None:
    assert run("--version").out.strip() == __version__
    text = run("--help").out
    assert "Exit status" in text
    for verb in ("check", "plan", "animate", "inspect", "speech", "perceive", "engines", "doctor", "demo"):
        assert re.search(rf"\b{verb}\b", text)


# --------------------------------------------------------------------------------------------------- the bad moments


def test_our_own_fault_is_status_1_and_asks_for_a_report(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(workflow, "look", fail)
    done = run("check", "still.png")
    assert done.status == 1
    assert "ZeroDivisionError: division by zero" in done.sentence
    assert "-v" in done.sentence
    with pytest.raises(ZeroDivisionError):
        run("check", "still.png", "-v")


def test_verbose_shows_where_an_error_came_from(run: Callable[..., Run], tmp_path: Path) -> None:
    done = run("check", tmp_path / "missing.png", "-v")
    assert done.status == 3
    assert "Traceback" in done.err
    assert "Cannot open missing.png" in done.err.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_half_way_leaves_nothing(tmp_path: Path, tone: Path, number: signal.Signals) -> None:
    work = tmp_path / "work"
    work.mkdir()
    command = [sys.executable, "-m", "stillwake", "animate", str(demo_still()), "-o", str(work / "out.mp4")]
    command += ["--say", "A long story, told slowly. " * 40]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not any(work.iterdir()) and time.monotonic() < deadline:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            time.sleep(0.05)
        assert any(work.iterdir()), "the clip was begun"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert err.strip().endswith("start again.")
    assert list(work.iterdir()) == []


def test_a_terminal_without_the_letters_is_no_fault() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stillwake", "check", str(demo_still())],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"512?512" in done.stdout


def test_a_closed_pipe_is_no_fault() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "stillwake", "engines"],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(write)
    assert done.stderr == ""
    assert done.returncode == 0


# -------------------------------------------------------------------------------------------------------- the docs


def test_commands_in_the_docs_exist() -> None:
    verbs = {name for name in cli.app if not name.startswith("-")}
    assert verbs >= {"check", "animate"}
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = path.read_text()
        code = "\n".join([*re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S), *re.findall(r"^ {4}.*$", text, re.M)])
        for verb, rest in re.findall(r"^\s*stillwake ([a-z]+) (?!\|)(.*)$", code, flags=re.MULTILINE):
            assert verb in verbs, f"{path.name}: stillwake {verb}"
            for option in re.findall(r"--[a-z][a-z-]*", rest):
                text = help_of(verb)
                assert option in text, f"{path.name}: stillwake {verb} has no {option}"


@lru_cache
def help_of(verb: str) -> str:
    import io

    from rich.console import Console

    file = io.StringIO()
    cli.app([verb, "--help"], console=Console(file=file, width=200), result_action="return_value")
    return file.getvalue()


@pytest.mark.parametrize(
    ("heading", "fields"),
    [
        ("stillwake/report@1", Report.model_fields),
        ("A finding", __import__("stillwake").Finding.model_fields),
        ("stillwake/plan@1", Plan.model_fields),
        ("stillwake/inspection@1", Inspection.model_fields),
        ("stillwake/record@1", RunRecord.model_fields),
        ("## stillwake/face@1", FaceRecord.model_fields),
        ("## stillwake/camera@1", CameraRecord.model_fields),
        ("A key frame", CameraKey.model_fields),
        ("## stillwake/brush@1", BrushRecord.model_fields),
    ],
)
def test_the_docs_name_every_field_of_a_record(heading: str, fields: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "records.md").read_text()
    table = text.split(heading, 1)[1].split("\n\n| field | meaning |\n|---|---|\n", 1)[1].split("\n\n", 1)[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == {name.rstrip("_") for name in fields}


def test_the_docs_name_every_field_of_a_brief() -> None:
    text = (ROOT / "docs" / "records.md").read_text()
    (row,) = re.findall(r"^\| `brief` \| what was asked: .*$", text, flags=re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) - {"brief"} == set(Brief.model_fields)
