from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stillwake.errors import OutputError, OutputExistsError, StillError
from stillwake.media import check_output, open_still, whole_file, write_text
from stillwake.media.files import as_sequence, shown, whole_folder
from stillwake.media.kinds import kind_of


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_appears_whole_and_only_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with whole_file(target) as part:
        part.write_text("half")
        assert not target.exists()
        assert part.parent == tmp_path
        part.write_text("whole")
    assert target.read_text() == "whole"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("failure", [RuntimeError("x"), KeyboardInterrupt(), OSError(errno.EIO, "x")])
def test_a_failure_leaves_nothing_and_passes_through(tmp_path: Path, failure: BaseException) -> None:
    with pytest.raises(type(failure)), whole_file(tmp_path / "a.txt") as part:  # noqa: PT012  the block is under test
        part.write_text("half")
        raise failure
    assert names(tmp_path) == []


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), whole_file(target, overwrite=True) as part:  # noqa: PT012  the block is under test
        part.write_text("new")
        raise RuntimeError
    assert target.read_text() == "old"
    write_text(target, "new", overwrite=True)
    assert target.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def test_what_is_there_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(OutputExistsError, match=r"already there.*--overwrite"), whole_file(tmp_path / "a.txt"):
        pytest.fail("the block must not run")
    assert (tmp_path / "a.txt").read_text() == "old"


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_what_comes_meanwhile_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:

        def link(*_: object) -> None:
            raise PermissionError(errno.EPERM, "no links on this disk")

        monkeypatch.setattr(os, "link", link)
    with pytest.raises(OutputExistsError), whole_file(tmp_path / "a.txt") as part:  # noqa: PT012  the block is under test
        part.write_text("ours")
        (tmp_path / "a.txt").write_text("theirs")
    assert (tmp_path / "a.txt").read_text() == "theirs"
    write_text(tmp_path / "b.txt", "ours")
    assert (tmp_path / "b.txt").read_text() == "ours"
    assert names(tmp_path) == ["a.txt", "b.txt"]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_text(tmp_path / "link.txt", "new", overwrite=True)
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_the_usual_permissions_are_given(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(old)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_text_is_utf8_as_it_is(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "ein\r\nBild – ɪ\n")
    assert (tmp_path / "a.txt").read_bytes() == "ein\r\nBild – ɪ\n".encode()


def test_outputs_that_cannot_be_are_refused_early(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    for path, why in (
        (tmp_path / "missing" / "a.mp4", "there is no folder missing"),
        (tmp_path / "file" / "a.mp4", "file is a file, not a folder"),
        (tmp_path / "folder", "it is a folder"),
        (tmp_path / "pipe", "pipe or a device"),
        (Path("/dev/null"), "pipe or a device"),
        (tmp_path / ("x" * 300), "too long"),
        (Path("a\0b.mp4"), "zero byte"),
    ):
        with pytest.raises(OutputError, match=why) as caught:
            check_output(path, overwrite=True)
        assert not isinstance(caught.value, OutputExistsError)
    check_output(tmp_path / "folder" / "a.mp4")
    assert names(tmp_path / "folder") == []


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    access = os.access  # the tests may run as root, who may write anywhere
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path and access(path, mode))
    with pytest.raises(OutputError, match="not allowed to write into"):
        check_output(tmp_path / "a.mp4")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS])
def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError) as caught:
        write_text(tmp_path / "a.txt", "x")
    assert caught.value.what == "Cannot write a.txt"
    assert str(caught.value).count(". ") == 0
    assert names(tmp_path) == []


def test_a_file_past_the_systems_limit_is_removed(tmp_path: Path) -> None:
    code = (
        "import resource, sys\n"
        "from stillwake.errors import OutputError\n"
        "from stillwake.media import write_text\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    write_text(sys.argv[1], 'x' * 5000)\n"
        "except OutputError as error:\n    print(error)\n"
    )
    assert resource.RLIMIT_FSIZE is not None
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.txt")], capture_output=True, text=True, check=True
    )
    assert "grows past the size the system allows" in done.stdout
    assert names(tmp_path) == []


# ------------------------------------------------------------------------------------------------------- sequences


def test_a_sequence_is_told_by_its_counter() -> None:
    sequence = as_sequence("frames/a%05d.png")
    assert sequence is not None
    assert (sequence.folder, sequence.name(7)) == (Path("frames"), "a00007.png")
    assert [sequence.index(name) for name in ("a00007.png", "a7.png", "b00007.png", "a123456.png", "a.png")] == [
        7,
        None,
        None,
        123456,
        None,
    ]
    assert as_sequence("frames/%d.PNG") is not None
    for path in ("a.mp4", "%05d.jpg", "%s.png", "%05d%05d.png", "100%.png"):
        assert as_sequence(path) is None


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    pattern = tmp_path / "frames" / "%02d.png"
    with pytest.raises(RuntimeError), whole_folder(pattern) as part:  # noqa: PT012  the block is under test
        (part / "00.png").write_text("x")
        raise RuntimeError
    assert names(tmp_path) == []
    with whole_folder(pattern) as part:
        for name in ("00.png", "01.png", "02.png"):
            (part / name).write_text("first")
    with pytest.raises(OutputExistsError), whole_folder(pattern):
        pytest.fail("the block must not run")
    with whole_folder(pattern, overwrite=True) as part:
        (part / "00.png").write_text("second")
    assert names(tmp_path / "frames") == ["00.png"]  # nothing of the longer run before
    assert (tmp_path / "frames" / "00.png").read_text() == "second"
    assert names(tmp_path) == ["frames"]


def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "thesis.txt").write_text("years")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"holds other files \(thesis.txt\)"):
            check_output(tmp_path / "frames" / "%05d.png", overwrite)
    (tmp_path / "empty").mkdir()
    with whole_folder(tmp_path / "empty" / "%05d.png") as part:
        (part / "00000.png").write_text("x")
    assert names(tmp_path / "empty") == ["00000.png"]
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(OutputError, match="a folder of their own"):
        check_output("%05d.png", overwrite=True)


# ---------------------------------------------------------------------------------------------------------- inputs


def test_inputs_that_are_no_files_never_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "circle.png").symlink_to("circle.png")
    for path, why in (
        (tmp_path / "pipe.png", "pipe or a device"),
        (Path("/dev/zero"), "pipe or a device"),
        (tmp_path / "empty.png", "the file is empty"),
        (tmp_path / "folder.png", "it is a folder"),
        (tmp_path / "missing.png", "there is no such file"),
        (tmp_path / "empty.png" / "a.png", "is a file, not a folder"),
        (tmp_path / "circle.png", "circle"),
        (tmp_path / ("x" * 300), "too long"),
        (Path("a\0b.png"), "zero byte"),
    ):
        with pytest.raises(StillError, match=why):
            open_still(path)


def test_a_file_nobody_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"x")

    def refuse(*_: Any, **__: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # the tests may run as root, who may read anything
    with pytest.raises(StillError, match="not allowed to read it"):
        open_still(tmp_path / "a.png")


def test_names_are_shown_without_folders_and_tricks() -> None:
    assert shown("/home/me/a\x1b[31m.png") == "a�[31m.png"
    assert shown("a" * 200 + ".png") == "a" * 38 + "…" + "a" * 34 + ".png"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"GIF89a", "a GIF"),
        (b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg">', "an SVG drawing"),
        (b"\xef\xbb\xbf  <svg>", "an SVG drawing"),
        (b"<!doctype html><body><svg>", "a web page"),
        (b"#EXTM3U\n#EXT-X-VERSION:3", "a playlist"),
        (b"ffconcat version 1.0", "a playlist"),
        (b"\0\0\0\x20ftypisom", "a video"),
        (b"\0\0\0\x20ftypM4A ", "a sound"),
        (b"\0\0\0\x20ftypavif", "an AVIF picture"),
        (b"\0\0\0\x20ftypheic", "a HEIC picture"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a sound"),
        (b"\xff\xfb\x90\x64", "a sound"),
        (b"%PDF-1.7", "a PDF document"),
        (b"hello", None),
    ],
)
def test_files_are_told_by_their_first_bytes(head: bytes, kind: str | None) -> None:
    assert kind_of(head) == kind
