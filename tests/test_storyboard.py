"""A storyboard is read exactly, and whatever is wrong with it is one sentence: the line, the field, the fix."""

from __future__ import annotations

import os
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwake.assemble.lines import Lines, Unreadable
from stillwake.assemble.storyboard import Board, Storyboard, brief_of, open_storyboard
from stillwake.errors import EngineUnavailableError, InputError, StillError, UsageError

GOOD = """\
title = "Launch"            # line 1
size = "1280x720"
fps = 29.97
captions = "burn"

[sound]
file = "bed.wav"            # 7
gain = -12.5
duck = 9

[[shot]]                    # 11
name = "hello"
still = "ada.png"
say = "Good morning."       # 14
tail = 1.2

[[shot]]                    # 17
still = "coast.png"
camera = "slow push in"     # 19
transition = "dissolve"
caption = "The coast."

[[shot]]                    # 23
still = "ada.png"
sound = "talk.wav"
begin = 0
end = 2.5                   # 27
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ada.png", "coast.png", "talk.wav", "bed.wav", "film.mp4", "words.txt"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def read(folder: Path, text: str) -> Board:
    path = folder / "launch.toml"
    path.write_text(text, encoding="utf-8")
    return open_storyboard(path)


def told(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, text)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert str(folder) not in sentence
    return sentence


def test_everything_is_read_and_numbers_are_exact(folder: Path) -> None:
    board = read(folder, GOOD)
    film = board.record
    assert (film.title, film.picture, film.fps) == ("Launch", (1280, 720), Fraction(30000, 1001))
    assert film.sound is not None
    assert (film.sound.gain, film.sound.duck) == (-12.5, 9.0)
    assert [shot.speaks for shot in film.shots] == [True, False, True]
    assert film.shots[0].tail == Fraction(6, 5)
    assert film.shots[1].change == Fraction(1, 2)
    assert film.shots[2].end == Fraction(5, 2)
    assert board.label(1) == "shot 2 (coast)"
    assert read(folder, GOOD.replace('"hello"', '"a/b\\u0007"')).label(0) == "shot 1 (a/b\N{REPLACEMENT CHARACTER})"
    assert board.file(Path("ada.png")) == folder / "ada.png"


def test_a_record_of_it_survives_json(folder: Path) -> None:
    film = read(folder, GOOD).record
    text = film.to_json()
    assert '"schema":"stillwake/storyboard@1"' in text
    assert '"tail":"6/5"' in text
    assert Storyboard.model_validate_json(text).to_json() == text


@pytest.mark.parametrize(
    ("text", "rate"),
    [("25", 25), ("23.976", Fraction(24000, 1001)), ("59.94", Fraction(60000, 1001)), ("12.5", Fraction(25, 2)),
     ('"24000/1001"', Fraction(24000, 1001)), ('"29.97"', Fraction(30000, 1001))],
)  # fmt: skip
def test_a_rate_is_what_everybody_means_by_it(folder: Path, text: str, rate: Fraction) -> None:
    assert read(folder, GOOD.replace("fps = 29.97", f"fps = {text}")).record.fps == rate


@pytest.mark.parametrize(
    ("aspect", "size"), [("9:16", (1080, 1920)), ("1:1", (1080, 1080)), ("4:5", (1080, 1350)), ("16:9", (1920, 1080))]
)
def test_an_aspect_has_its_usual_size(folder: Path, aspect: str, size: tuple[int, int]) -> None:
    film = read(folder, GOOD.replace('size = "1280x720"', f'aspect = "{aspect}"')).record
    assert (film.picture, film.shape) == (size, aspect)


def swapped(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


FAULTS = [
    # what is written, the line, and what the sentence must hold
    (swapped("still =", "stil ="), 13, ("shot 1 (hello)", "'stil'", "did you mean still")),
    (swapped("transition =", "transitoin ="), 20, ("shot 2 (coast)", "'transitoin'", "did you mean transition")),
    (swapped('"dissolve"', '"disolve"'), 20, ("transition is 'disolve'", "did you mean dissolve")),
    (swapped("duck = 9", "dukc = 9"), 9, ("the film's sound", "did you mean duck")),
    (swapped('captions = "burn"', 'captions = "burned"'), 4, ("captions is 'burned'", "did you mean burn")),
    (swapped("title =", "titel ="), 1, ("'titel'", "did you mean title")),
    (swapped('"coast.png"', '"cost.png"'), 18, ("shot 2", "no file 'cost.png'", "did you mean coast.png")),
    (swapped('"coast.png"', '"a\\u0000b.png"'), 18, ("no file 'a\N{REPLACEMENT CHARACTER}b.png'",)),
    (swapped('"talk.wav"', '"speech.wav"'), 25, ("shot 3", "no file 'speech.wav'")),
    (swapped('"bed.wav"', '"bad.wav"'), 7, ("the film's sound", "did you mean bed.wav")),
    (swapped('camera = "slow push in"', 'camera = "keys.json"'), 19, ("no file 'keys.json'",)),
    (swapped("tail = 1.2", "seconds = 0"), 15, ("seconds is 0", "greater than 0")),
    (swapped("tail = 1.2", "seconds = -1.5"), 15, ("seconds is -1.5", "greater than 0")),
    (swapped("tail = 1.2", "tail = nan"), 15, ("ordinary number",)),
    (swapped("tail = 1.2", "tail = 1e400"), 15, ("ordinary number",)),
    (swapped("tail = 1.2", "tail = true"), 15, ("tail is true", "should be a number")),
    (swapped("tail = 1.2", 'tail = "1.2"'), 15, ("tail is '1.2'", "without quotes")),
    (swapped("tail = 1.2", "tail = 1.2\nseconds = 4"), 15, ("tail and seconds", "leave one of them out")),
    (swapped("tail = 1.2", "lead = 1"), 15, ("nothing goes before the first shot", "leave out lead")),
    (swapped("end = 2.5", "end = 2.5\ntail = 1"), 28, ("nothing follows the last shot", "leave out tail")),
    (swapped("tail = 1.2", 'transition = "dissolve"'), 15, ("nothing goes before", "fade")),
    (swapped("tail = 1.2", "transition_seconds = 1"), 15, ("a cut takes no time",)),
    (swapped("tail = 1.2", 'sound = "talk.wav"'), 15, ("both words to say and a sound", "leave one of them out")),
    (swapped("tail = 1.2", 'clip = "film.mp4"'), 15, ("both a still and a clip",)),
    (swapped('still = "ada.png"\nsay = "Good morning."       # 14\ntail = 1.2', ""), 12,
     ("no picture", "give its still")),
    (swapped('"Good morning."', '"  "'), 14, ("nothing to say",)),
    (swapped('caption = "The coast."', "caption = true"), 21, ("a text, or false",)),
    (swapped('caption = "The coast."', "lead = 1"), 21, ("lead belongs to a speech",)),
    (swapped('caption = "The coast."', 'transcript = "x"'), 21, ("transcript belongs to a recording",)),
    (swapped('caption = "The coast."', "keep_sound = true"), 21, ("only a clip has a sound of its own",)),
    (swapped('"coast.png"', '"coast.png"\nvoice = "en"'), 19, ("a voice says words",)),
    (swapped('still = "coast.png"', 'clip = "film.mp4"'), 19,
     ("a finished clip is shown as it is", "leave out camera")),
    (swapped("end = 2.5", "end = 0"), 27, ("let it end after it begins",)),
    (swapped('size = "1280x720"', 'size = "1280x721"'), 2, ("both sides must be even",)),
    (swapped('size = "1280x720"', 'size = "1024x768"'), 2, ("a film is 16:9, 9:16", "try ")),
    (swapped('size = "1280x720"', 'size = "8000x4500"'), 2, ("sides run from 16 to 4096",)),
    (swapped('size = "1280x720"', 'size = "1280 by 720"'), 2, ("a width and a height",)),
    (swapped('size = "1280x720"', 'size = "1280x720"\naspect = "16:9"'), 2, ("both a size and an aspect",)),
    (swapped("fps = 29.97", "fps = 0"), 3, ("a rate from 1 to 240",)),
    (swapped("fps = 29.97", 'fps = "1/0"'), 3, ("a rate",)),
    (swapped("fps = 29.97", "fps = 25.000001"), 3, ("a rate",)),
    (swapped("[[shot]]                    # 17", "[shot]"), 17, ("it is not TOML",)),
    (swapped('name = "hello"', 'name = "hello'), 12, ("it is not TOML",)),
    (swapped('name = "hello"', "name = hello"), 12, ("it is not TOML", "text stands in quotes")),
    (swapped('name = "hello"', 'name = "hello"\nname = "again"'), 13, ("it is not TOML",)),
    (swapped('name = "hello"', 'name = ["hello"]'), 12, ("name is ['hello']", "valid string")),
    (swapped('name = "hello"', "seed = 1.5"), 12, ("seed is 1.5",)),
    (swapped('name = "hello"', 'name = ""'), 12, ("name is ''",)),
    ("title = 'x'\n", 1, ("it has no shot", "[[shot]]")),
    ("shot = 3\n", 1, ("a shot is a table",)),
    ("shot = [3]\n", 1, ("a shot is a table",)),
    ('sound = "bed.wav"\n[[shot]]\nstill = "ada.png"\n', 1, ("a table of its own",)),
    ('schema = "stillwake/storyboard@2"\n[[shot]]\nstill = "ada.png"\n', 1, ("did you mean stillwake/storyboard@1",)),
    ("[[shot]]\n" * 501, 1, ("more than 500 shots",)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "words"), FAULTS)
def test_a_fault_names_its_line_and_the_fix(folder: Path, text: str, line: int, words: tuple[str, ...]) -> None:
    sentence = told(folder, text)
    assert sentence.startswith(f"Cannot use launch.toml, line {line}: "), sentence
    for word in words:
        assert word in sentence


def test_a_line_counts_on_through_texts_of_several_lines(folder: Path) -> None:
    text = GOOD.replace('"Good morning."', '"""\nGood\n[[shot]]\nmorning = "x".\n"""').replace(
        "end = 2.5", "edn = 2.5"
    )
    assert told(folder, text).startswith("Cannot use launch.toml, line 31: ")
    text = '[[shot]]\nstill = "ada.png"\nmotion = [\n  "blink",  # ]\n  "gaze",\n]\nsmoth = true\n'
    assert "line 7: shot 1 (ada): there is no field 'smoth'; did you mean smooth" in told(folder, text)


def test_a_file_that_is_no_storyboard_is_refused(folder: Path) -> None:
    path = folder / "launch.toml"
    path.write_bytes(b'title = "a"\nname = "\xff"\n')
    with pytest.raises(InputError, match="line 2: it is not UTF-8 text"):
        open_storyboard(path)
    path.write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(InputError, match="the limit is 1 MB"):
        open_storyboard(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="the file is empty"):
        open_storyboard(path)
    with pytest.raises(InputError, match="no such file"):
        open_storyboard(folder / "lunch.toml")
    with pytest.raises(InputError, match="it is a folder"):
        open_storyboard(folder)
    pipe = folder / "pipe.toml"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="a pipe or a device"):
        open_storyboard(pipe)


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 400_000 + "=1",
        "x=" + "[" * 900_000,
        "x=" + "{a=" * 300_000,
        "x=" + "9" * 900_000,
        "[" + "a." * 400_000,
        "x=1e999999999",
        'x="""' + '\\"""' * 200_000,
        '"' * 999_999,
        "[[shot]]\n" * 110_000,
        "=" * 999_999,
        "\n" * 999_999,
        "x=[" + "1," * 490_000 + "]",
    ],
    ids=lambda text: text[:12],
)
def test_a_trap_is_refused_at_once(folder: Path, text: str) -> None:
    start = time.perf_counter()
    told(folder, text)
    assert time.perf_counter() - start < 10  # 2 s the slowest where it was written


@given(st.lists(st.sampled_from([*"\"'[]{}=.,#\n\\ a1", '"""', "'''", "[[shot]]", "still"]), max_size=60))
def test_lines_are_found_of_any_text(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        found = list(Lines.of(text).at.values())
    except Unreadable as error:
        found = [error.line]
    assert all(1 <= line <= text.count("\n") + 1 for line in found)


def test_an_error_of_a_shot_says_where_and_in_the_words_of_a_storyboard(folder: Path) -> None:
    board = read(folder, GOOD)
    error = board.told(UsageError("Cannot move it", "no move was named", "write it like --camera 'push in'"), 1)
    assert str(error) == (
        "Cannot move it (launch.toml, line 19, shot 2 (coast)): no move was named; write it like camera 'push in'."
    )
    assert error.exit_status == 2
    assert "line 13" in str(board.told(StillError("Cannot open ada.png", "it is cut off", "export it again"), 0))
    assert "line 18" in str(board.told(EngineUnavailableError("Cannot render", "none", "choose one"), 1))


def test_a_generated_shot_asks_what_the_command_line_asks(folder: Path) -> None:
    (folder / "graph.json").write_text("{}")
    board = read(
        folder,
        'size = "1280x720"\n[[shot]]\nstill = "ada.png"\nengine = "comfyui"\nmodel = "graph.json"\nprompt = "waves"\n'
        'negative = "blur"\nend_frame = "coast.png"\nconditioning = 0.7\nguidance = 6\nsteps = 20\nseconds = 4\n'
        '[[shot]]\nstill = "ada.png"\nengine = "heygen"\nsay = "Hello."\nvoice = "en"\n'
        '[[shot]]\nstill = "ada.png"\nengine = "wan"\nmodel = "Wan-AI/Wan2.2"\nprompt = "waves"\n',
    )
    first = brief_of(board, 0, (1280, 720), Fraction(4))
    assert (first.model, first.end_frame) == (str(folder / "graph.json"), folder / "coast.png")
    assert (first.negative, first.hold, first.guidance, first.steps) == ("blur", 0.7, 6, 20)
    second = brief_of(board, 1, (1280, 720), None)
    assert second.voice is None, "the film's sound is followed: a hosted engine does not speak with a voice of its own"
    assert brief_of(board, 2, (1280, 720), None).model == "Wan-AI/Wan2.2"
    with pytest.raises(InputError, match=r"line 4: .*conditioning"):
        read(folder, 'size = "1280x720"\n[[shot]]\nstill = "ada.png"\nconditioning = 7\n')
