"""Camera moves in words and in key frames: what is understood, and what is refused in one sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwake.errors import UsageError
from stillwake.moves import _DIRECTIONS, _STRENGTHS, _WORDS, KINDS, camera_of, is_key_frame_file


def moves(text: str) -> list[tuple[str, float]]:
    record = camera_of(text)
    assert record is not None
    assert record.keys == ()
    return [(move.kind, round(move.strength, 3)) for move in record.moves]


def refusal(text: str) -> str:
    """The sentence with which it is refused."""
    with pytest.raises(UsageError) as caught:
        camera_of(text)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert sentence.isprintable(), "one line, without control characters"
    assert len(sentence) < 500
    assert caught.value.exit_status == 2
    return sentence


# ------------------------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize("kind", KINDS)
def test_every_move_is_reached_by_its_own_name(kind: str) -> None:
    for text in (kind, kind.replace("-", " "), kind.upper(), f"  {kind}. "):
        assert moves(text) == [(kind, 1.0)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("push", "push-in"), ("pull", "pull-out"), ("zoom", "zoom-in"), ("pan", "pan-right"), ("tilt", "tilt-up"),
        ("truck", "truck-right"), ("pedestal", "pedestal-up"), ("orbit", "orbit-right"),
    ],
)  # fmt: skip
def test_without_a_direction_it_goes_the_usual_way(text: str, kind: str) -> None:
    assert moves(text) == [(kind, 1.0)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("dolly in", "push-in"), ("dolly out", "pull-out"), ("push out", "pull-out"), ("pull in", "push-in"),
        ("dolly back", "pull-out"), ("pull away", "pull-out"), ("push closer", "push-in"), ("dollying in", "push-in"),
        ("track left", "truck-left"), ("slide right", "truck-right"), ("truck in", "push-in"),
        ("truck out", "pull-out"), ("crane down", "pedestal-down"), ("boom up", "pedestal-up"),
        ("rise", "pedestal-up"), ("rising", "pedestal-up"), ("arc left", "orbit-left"), ("pan up", "tilt-up"),
        ("pan down", "tilt-down"), ("tilts downwards", "tilt-down"), ("panning left", "pan-left"),
        ("tilted up", "tilt-up"), ("zooming out", "zoom-out"), ("dolly zoom", "dolly-zoom"),
        ("dollyzoom", "dolly-zoom"), ("vertigo", "dolly-zoom"), ("handheld", "hand-held"),
        ("hand held camera", "hand-held"), ("floating", "drift"), ("drifting", "drift"),
        ("orbit around the subject to the left", "orbit-left"), ("pan from left to right", "pan-right"),
        ("pan from right to left", "pan-left"), ("the camera pushes in towards the subject", "push-in"),
        ("push\nin", "push-in"), ("zoom_in", "zoom-in"),
    ],
)  # fmt: skip
def test_what_a_set_calls_it(text: str, kind: str) -> None:
    assert moves(text) == [(kind, 1.0)]


@pytest.mark.parametrize("adverb", _STRENGTHS)
def test_an_adverb_before_or_after_scales_the_move(adverb: str) -> None:
    share = _STRENGTHS[adverb]
    for text in (f"{adverb} push in", f"push in {adverb}", f"push {adverb} in"):
        assert moves(text) == [("push-in", round(share, 3))]


def test_adverbs_belong_to_the_move_they_lead_to() -> None:
    assert moves("slow push in, slight tilt up") == [("push-in", 0.6), ("tilt-up", 0.5)]
    assert moves("slow zoom out & pan right") == [("zoom-out", 0.6), ("pan-right", 1.0)]
    assert moves("push in slowly while tilting up") == [("push-in", 0.6), ("tilt-up", 1.0)]
    assert moves("push in slow tilt up") == [("push-in", 1.0), ("tilt-up", 0.6)]
    assert moves("fast push in; subtle drift + tiny orbit left") == [
        ("push-in", 1.5), ("drift", 0.4), ("orbit-left", 0.3),
    ]  # fmt: skip
    assert moves("very slow drift") == [("drift", 0.6)]


def test_strength_stays_within_what_a_move_may_have() -> None:
    assert moves("dramatic " * 9 + "push in") == [("push-in", 3.0)]
    assert moves("tiny " * 9 + "push in") == [("push-in", 0.05)]


@pytest.mark.parametrize("text", ["static", "still", "locked", "none", "the camera is still", "a static shot"])
def test_a_camera_that_stands_is_none(text: str) -> None:
    assert camera_of(text) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("push in and pull out", "undo each other"), ("push in, dolly out", "undo each other"),
        ("zoom in zoom out", "undo each other"), ("pan left, pan right", "undo each other"),
        ("tilt up and tilt down", "undo each other"), ("pan up, tilt down", "undo each other"),
        ("truck left; slide right", "undo each other"), ("rise, crane down", "undo each other"),
        ("orbit left + arc right", "undo each other"), ("pan left right", "two ways"), ("tilt up down", "two ways"),
        ("pan left up", "two ways"), ("zoom in out", "two ways"), ("push in, static", "stand still"),
        ("static push", "stand still"), ("push in, dolly in", "named twice"), ("drift, float", "named twice"),
        ("push in then pan left", "key frames"), ("tilt left", "up or down"), ("orbit up", "left or right"),
        ("zoom left", "in or out"), ("push up", "in or out"), ("pan in", "left or right"),
        ("pedestal left", "up or down"), ("left", "where to"), ("move in slowly", "where to"),
        ("", "no move was named"), ("  ...", "no move was named"), ("slowly", "no move was named"),
        ("the camera moves", "no move was named"), (",;+&", "no move was named"),
        ("push in, pan left, tilt up, orbit left, drift", "5 moves"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_or_says_nothing_is_refused(text: str, says: str) -> None:
    assert says in refusal(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("paan left", "did you mean pan"), ("obrit", "did you mean orbit"), ("push inn", "did you mean in"),
        ("slwo push in", "did you mean slow"), ("teleport", "moves are push-in"), ("推", "moves are push-in"),
        ("push in 20%", "moves are"), ("\x1b[31m", "moves are"), ("x" * 900, "moves are"),
    ],
)  # fmt: skip
def test_an_unknown_word_is_named_with_a_hint(text: str, hint: str) -> None:
    assert hint in refusal(text)


@given(st.lists(st.sampled_from([*_WORDS, *_STRENGTHS, *_DIRECTIONS, "and", ",", "to", "then", "wobble"]), max_size=9))
def test_any_words_are_a_camera_or_one_sentence(words: list[str]) -> None:
    text = " ".join(words)
    try:
        record = camera_of(text)
    except UsageError:
        refusal(text)
        return
    if record is None:
        assert {"still", "static", "locked", "none"} & set(words)
        return
    kinds = [move.kind for move in record.moves]
    assert 1 <= len(kinds) <= 4
    assert len(set(kinds)) == len(kinds)
    verbs = {_WORDS[word] for word in words if word in _WORDS}
    named = {kind.split("-")[0] for kind in kinds}
    assert len(named & {"pan", "tilt"}) >= ("pan" in verbs), "no verb is lost"
    assert ("zoom" in named) == ("zoom" in verbs)
    assert ("orbit" in named) == ("orbit" in verbs)


# -------------------------------------------------------------------------------------------------------- key frames


def written(folder: Path, content: Any, name: str = "moves.json") -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(path)


def keys(*times: Any, **more: Any) -> dict[str, Any]:
    return {"keys": [{"at": at, **more} for at in times]}


def test_a_file_of_key_frames_is_read(tmp_path: Path) -> None:
    text = written(tmp_path, {"keys": [{"at": 0}, {"at": 0.25, "push": 0.1, "roll": -3}, {"at": 1, "zoom": 1.2}]})
    assert is_key_frame_file(text)
    assert is_key_frame_file("Moves.JSON")
    assert not is_key_frame_file("push in")
    record = camera_of(text)
    assert record is not None
    assert record.moves == ()
    assert [(key.at, key.push, key.zoom, key.roll) for key in record.keys] == [
        (0.0, 0.0, 1.0, 0.0), (0.25, 0.1, 1.0, -3.0), (1.0, 0.0, 1.2, 0.0),
    ]  # fmt: skip
    again = written(tmp_path, record.to_json().encode(), "again.json")
    assert camera_of(again) == record, "what a record holds can be given back"
    assert camera_of(written(tmp_path, b"\xef\xbb\xbf" + json.dumps(keys(0, 1)).encode())) is not None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON"), (b"{", "not JSON"), (b"push in", "not JSON"), (b"[" * 100_000, "not JSON"),
        (b'{"keys": ' + b"1" * 5000 + b"}", "not JSON"), (b"\xff\xfe{", "not text"),
        (b"\x89PNG\r\n\x1a\n", "not text"),
        (b"[]", "the file"), (b"1", "the file"), (b"null", "the file"), (b'"push in"', "the file"),
        ({}, "from 0 to 1"), (keys(), "from 0 to 1"), (keys(0), "from 0 to 1"), (keys(0, 0.5), "from 0 to 1"),
        (keys(0.1, 1), "from 0 to 1"), (keys(0, 0.6, 0.4, 1), "from 0 to 1"), (keys(0, 0.5, 0.5, 1), "from 0 to 1"),
        (keys(1, 0), "from 0 to 1"), (keys(0, 2), "keys.1.at"), (keys(-1, 1), "keys.0.at"),
        (keys(0, float("nan")), "keys.1.at"), (keys(0, 1, push=float("nan")), "keys.0.push"),
        (b'{"keys": [{"at": 0}, {"at": 1e999}]}', "keys.1.at"), (keys(0, True), "keys.1.at"),
        (keys("0", 1), "keys.0.at"), ({"keys": [{}, {"at": 1}]}, "keys.0.at"), ({"keys": 3}, "keys"),
        (keys(0, 1, push=0.6), "keys.0.push"), (keys(0, 1, zoom=0), "keys.0.zoom"),
        (keys(0, 1, zoom=9), "keys.0.zoom"),
        (keys(0, 1, roll=90), "keys.0.roll"), (keys(0, 1, dolly=1), "keys.0.dolly"),
        ({**keys(0, 1), "speed": 2}, "speed"), ({**keys(0, 1), "schema": "stillwake/camera@2"}, "schema"),
        (keys(*(n / 100 for n in range(101))), "keys"), ({"moves": [{"kind": "drift"}]}, "words"),
        ({**keys(0, 1), "moves": [{"kind": "drift"}]}, "words"), ({"moves": [{"kind": "spin"}]}, "moves.0.kind"),
        ({"a\nb\x1b": 1}, "extra"), ({"k" * 5000: 1}, "extra"), (b" " * ((1 << 20) + 1), "larger than 1 MB"),
    ],
)  # fmt: skip
def test_key_frames_that_cannot_be_used_are_refused(tmp_path: Path, content: Any, says: str) -> None:
    sentence = refusal(written(tmp_path, content))
    assert says in sentence
    assert "moves.json" in sentence
    assert str(tmp_path) not in sentence


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(str(tmp_path / "missing.json"))
    assert "too long" in refusal(str(tmp_path / ("x" * 300 + ".json")))
    assert "no such file" in refusal("a\0.json")
    assert "no such file" in refusal("a\nb\x1b.json")
    (tmp_path / "folder.json").mkdir()
    assert "not a file" in refusal(str(tmp_path / "folder.json"))
    os.mkfifo(tmp_path / "pipe.json")
    assert "not a file" in refusal(str(tmp_path / "pipe.json"))
