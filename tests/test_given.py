"""A face that a person put right: what the file may hold, and what becomes of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import wave
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillwake import workflow
from stillwake.errors import FaceError
from stillwake.perceive import GivenFace, open_face, perceive, record_of, text_of, written
from stillwake.perceive import given as by_hand
from stillwake.perceive import topology as at
from stillwake.perceive.faces import overlap
from stillwake.perceive.given import INDICES, put_right, require_for, told_style, with_given
from stillwake.types import Brief, Face, FaceRecord, Pixels, RunRecord, Scene, Still


@cache
def still() -> Still:
    """Eileen Collins, NASA, public domain; comes with scikit-image."""
    from skimage import data

    return Still(np.ascontiguousarray(data.astronaut()[0:320, 60:400]), "astronaut.png", "a" * 64)


@cache
def seen() -> Scene:
    return perceive(still())


def face() -> Face:
    return seen().faces[0]


def as_file(mesh: bool = False) -> dict[str, Any]:
    """What `stillwake perceive --face 1` prints, to be edited."""
    return json.loads(json.dumps(written(record_of(face(), still(), mesh=mesh))))


def righted(edited: dict[str, Any], like: Face | None) -> Face:
    one = GivenFace(FaceRecord.model_validate(edited), "FACE.json")
    require_for(one, still())
    return put_right(still().pixels, one, like, edited.get("kind", "photo"))


def moved(line: Sequence[Sequence[float]], x: float, y: float) -> list[list[float]]:
    return [[px + x, py + y] for px, py in line]


def a_drawn_face(x: float = 100, y: float = 80, side: float = 120, **more: Any) -> dict[str, Any]:
    """Every line of a face, drawn by nobody, in a box at (x, y)."""

    def line(*points: tuple[float, float]) -> list[list[float]]:
        return [[x + side * px, y + side * py] for px, py in points]

    def eye(left: float) -> dict[str, Any]:
        corners = (left, 0.5), (left + 0.24, 0.5)
        return {
            "upper_lid": line(corners[0], (left + 0.12, 0.42), corners[1]),
            "lower_lid": line(corners[0], (left + 0.12, 0.57), corners[1]),
            "brow": line((left, 0.34), (left + 0.12, 0.3), (left + 0.24, 0.34)),
            "iris": [x + side * (left + 0.12), y + side * 0.5, side * 0.06],
        }

    lips = {
        "outer_upper": line((0.4, 0.8), (0.5, 0.78), (0.6, 0.8)),
        "outer_lower": line((0.4, 0.8), (0.5, 0.84), (0.6, 0.8)),
        "inner_upper": line((0.41, 0.8), (0.5, 0.8), (0.59, 0.8)),
        "inner_lower": line((0.41, 0.8), (0.5, 0.8), (0.59, 0.8)),
    }
    return {
        "schema": "stillwake/face@1",
        "kind": "drawn",
        "box": [x, y, x + side, y + side],
        "yaw": 0.0,
        "pitch": 0.0,
        "roll": 0.0,
        "eyes": [eye(0.18), eye(0.58)],
        "mouth": lips,
        "jaw": line((0.05, 0.5), (0.2, 0.85), (0.5, 1.0), (0.8, 0.85), (0.95, 0.5)),
        "nose_tip": line((0.5, 0.68))[0],
        "chin": line((0.5, 1.0))[0],
        **more,
    }


# ------------------------------------------------------------------------------------------------- what is given back


def test_a_file_that_nobody_edited_changes_nothing() -> None:
    for mesh in (False, True):
        scene = perceive(still(), [GivenFace(FaceRecord.model_validate(as_file(mesh)))])
        (found,) = scene.faces
        assert scene.given == (1,)
        assert "face 1 given by hand" in scene.seen["faces"]
        assert scene.style == seen().style
        assert found.mesh is not None
        np.testing.assert_array_equal(found.mesh, face().mesh)
        assert (found.box, found.yaw, dict(found.confidence)) == (face().box, face().yaw, dict(face().confidence))


def test_a_mouth_that_was_moved_is_where_it_was_put_and_sure() -> None:
    edited = as_file()
    edited["mouth"] = {name: moved(line, 6, 5) for name, line in edited["mouth"].items()}
    del edited["confidence"]
    found = righted(edited, dataclasses.replace(face(), confidence={**face().confidence, "mouth": 0.2}))
    for name, line in edited["mouth"].items():
        np.testing.assert_allclose(getattr(found.mouth, name), line, atol=1e-4)
    assert found.confidence["mouth"] == 1
    assert face().mesh is not None
    assert found.mesh is not None
    step = (found.mesh - face().mesh)[:, :2]
    np.testing.assert_allclose(step[list(at.LIPS)], np.tile((6, 5), (len(at.LIPS), 1)), atol=0.02)
    for still_there in (at.EYES, at.JAW, (at.NOSE_TIP,), at.IRISES, at.OVAL):
        assert np.abs(step[list(still_there)]).max() < 0.5
    assert np.linalg.norm(step, axis=1).max() < 8, "no point flies further than the lips"
    between = step[164]  # under the nose: between what moved and what stayed
    assert 0.5 < np.linalg.norm(between) < 7.5
    np.testing.assert_array_equal(found.eyes[0].upper_lid, face().eyes[0].upper_lid)


def test_a_part_given_by_hand_is_sure_unless_the_file_says_otherwise() -> None:
    unsure = dataclasses.replace(face(), confidence=dict.fromkeys(face().confidence, 0.3))
    edited = as_file() | {"confidence": dict.fromkeys(face().confidence, 0.3)}
    assert dict(righted(edited, unsure).confidence) == dict(unsure.confidence)

    edited["eyes"][0]["upper_lid"][3][1] -= 2
    sure = righted(edited, unsure).confidence
    assert (sure["left eye"], sure["right eye"], sure["eyes"], sure["mouth"]) == (1, 0.3, 0.3, 0.3)

    edited["confidence"] |= {"left eye": 0.1, "mouth": 0.9}
    sure = righted(edited, unsure).confidence
    assert (sure["left eye"], sure["right eye"], sure["eyes"], sure["mouth"]) == (0.1, 0.3, 0.1, 0.9)

    del edited["confidence"]
    edited["box"][0] -= 3
    assert righted(edited, unsure).confidence["face"] == 1


def test_a_line_with_other_points_is_spread_along_the_mesh() -> None:
    edited = as_file()
    corners = edited["eyes"][1]["upper_lid"][0], edited["eyes"][1]["upper_lid"][-1]
    middle = [(corners[0][0] + corners[1][0]) / 2, corners[0][1] - 8]
    edited["eyes"][1]["upper_lid"] = [corners[0], middle, corners[1]]
    found = righted(edited, face())
    lid = found.eyes[1].upper_lid
    assert lid.shape == face().eyes[1].upper_lid.shape
    np.testing.assert_allclose(lid[[0, -1]], corners, atol=0.01)
    assert lid[:, 1].min() == pytest.approx(middle[1], abs=2.5)
    assert (np.diff(lid[:, 0]) > 0).all()


def test_an_iris_that_is_moved_takes_its_rim_along_and_one_that_is_not_seen_is_none() -> None:
    edited = as_file()
    x, y, _ = edited["eyes"][0]["iris"]
    edited["eyes"][0]["iris"] = [x + 2, y + 1, 6.0]
    edited["eyes"][1]["iris"] = None
    found = righted(edited, face())
    assert found.eyes[0].iris == (x + 2, y + 1, 6.0)
    assert found.eyes[1].iris is None
    assert found.mesh is not None
    rim = found.mesh[list(at.IRIS_RIMS[0]), :2] - found.mesh[at.IRISES[0], :2]
    assert np.linalg.norm(rim, axis=1).mean() == pytest.approx(6, abs=0.01)


def test_lines_that_all_moved_take_the_whole_mesh_along() -> None:
    """Shifted and a quarter larger: forehead and cheeks, on which no line lies, follow."""

    def larger(values: Any) -> Any:
        if isinstance(values, dict):
            return {key: larger(value) for key, value in values.items()}
        if len(values) == 3 and isinstance(values[0], float):
            return [*larger(values[:2]), values[2] * 1.25]
        if isinstance(values[0], float):
            return [v * 1.25 - 10 for v in values]
        return [larger(value) for value in values]

    edited = as_file()
    edited |= {name: larger(edited[name]) for name in ("box", "eyes", "mouth", "jaw", "nose_tip", "chin")}
    found = righted(edited, face())
    assert face().mesh is not None
    assert found.mesh is not None
    np.testing.assert_allclose(found.mesh[:, :2], face().mesh[:, :2] * 1.25 - 10, atol=0.2)
    np.testing.assert_allclose(found.mesh[:, 2], face().mesh[:, 2] * 1.25, atol=0.2)
    assert set(found.confidence.values()) == {1.0}


def test_a_box_alone_is_read() -> None:
    around = [round(v + d) for v, d in zip(face().box, (-9, 5, 4, -6), strict=True)]
    scene = perceive(still(), [GivenFace(FaceRecord.model_validate({"box": around, "roll": 8.0}))])
    (found,) = scene.faces
    assert overlap(found.box, face().box) > 0.9
    assert found.kind == "photo"
    assert found.confidence["face"] == 1
    assert found.confidence["mouth"] > 0.6
    apart = face().eyes[1].upper_lid.mean(0) - face().eyes[0].upper_lid.mean(0)
    off = np.abs(found.mouth.outer_upper - face().mouth.outer_upper).max()
    assert off < 0.05 * np.linalg.norm(apart)


def test_a_box_without_a_face_is_refused() -> None:
    with pytest.raises(FaceError, match=r"Cannot use FACE.json: no face is seen in its box; .*\."):
        righted({"box": [10, 200, 80, 280], "kind": "photo"}, None)


def test_a_box_alone_goes_to_the_reader_of_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def read(pixels: Pixels, box: Any, kind: str, roll: float) -> Face:
        asked.append((box, kind, roll))
        return dataclasses.replace(face(), kind="drawn", confidence=dict.fromkeys(face().confidence, 0.4), mesh=None)

    monkeypatch.setattr(by_hand, "read_face", read)
    mouth = {name: moved(line, 3, 3) for name, line in as_file()["mouth"].items()}
    found = righted({"box": [100, 60, 220, 190], "kind": "drawn", "roll": -12.0, "mouth": mouth}, face())
    assert asked == [((100, 60, 220, 190), "drawn", -12.0)]
    assert found.mesh is None
    np.testing.assert_allclose(found.mouth.inner_lower, mouth["inner_lower"], atol=1e-4)
    np.testing.assert_array_equal(found.jaw, face().jaw)
    assert found.confidence["mouth"] == 1
    assert found.confidence["eyes"] == 0.4

    def refuse(*_: Any) -> Face:
        raise FaceError("Cannot read it", "nobody can", "draw it anew")

    monkeypatch.setattr(by_hand, "read_face", refuse)
    with pytest.raises(FaceError, match=r"Cannot use FACE\.json: nobody can; draw it anew"):
        righted({"box": [100, 60, 220, 190], "kind": "drawn"}, None)


def test_a_drawn_face_that_nobody_found_is_added_with_all_its_lines() -> None:
    pixels = np.full((260, 300, 3), 236, np.uint8)
    record = FaceRecord.model_validate(a_drawn_face())
    scene = perceive(Still(pixels, "blank.png", "b" * 64), [GivenFace(record)])
    (found,) = scene.faces
    assert (scene.style, found.kind, found.mesh, scene.given) == ("drawn", "drawn", None, (1,))
    assert scene.seen["style"].startswith("given")
    assert found.box == record.box
    assert set(found.confidence) == {"face", "left eye", "right eye", "eyes", "mouth"}
    assert set(found.confidence.values()) == {1.0}
    assert record.mouth is not None
    np.testing.assert_allclose(found.mouth.outer_lower, record.mouth.outer_lower)
    assert not found.jaw.flags.writeable


@pytest.mark.parametrize("box", [[100, 80, 220, 200], [-100, -90, 330, 310]])
def test_a_photographed_face_that_nobody_finds_gets_a_mesh_that_lies_on_its_lines(box: list[float]) -> None:
    record = FaceRecord.model_validate(a_drawn_face() | {"kind": "photo", "box": box})
    noise = np.random.default_rng(1).integers(0, 256, (320, 340, 3)).astype(np.uint8)
    found = put_right(noise, GivenFace(record), None, "photo")
    assert found.mesh is not None
    (x, y) = record.chin or (0, 0)
    np.testing.assert_allclose(found.mesh[at.CHIN, :2], (x, y), atol=0.01)
    assert found.mouth.outer_upper.shape == (11, 2), "as many points as a mesh has"
    for name, indices in INDICES.items():
        np.testing.assert_allclose(by_hand._lines(found)[name], found.mesh[list(indices), :2], atol=0.01)
    assert np.ptp(found.mesh[list(at.OVAL), 0]) == pytest.approx(0.9 * 120, rel=0.15)
    assert set(found.confidence.values()) == {1.0}


def test_the_order_stays_by_size_and_the_given_one_is_known() -> None:
    small = dataclasses.replace(face(), box=(0, 0, 40, 40))
    large = dataclasses.replace(face(), box=(150, 20, 330, 220))
    given_face = GivenFace(FaceRecord.model_validate(a_drawn_face(40, 150, 100)))
    faces, numbers = with_given(still().pixels, [large, small], [given_face], "photo")
    assert [f.box[0] for f in faces] == [150, 40, 0]
    assert numbers == (2,)
    over = GivenFace(FaceRecord.model_validate(a_drawn_face(160, 30, 170)))
    faces, numbers = with_given(still().pixels, [large, small], [over], "photo")
    assert [f.box[0] for f in faces] == [160, 0], "it takes the place of the one it overlaps"
    assert numbers == (1,)


@pytest.mark.parametrize(
    ("kind", "read", "told"),
    [
        ("drawn", "photo", "drawn"),
        ("photo", "drawn", "photo"),
        ("photo", "painting", "painting"),
        (None, "drawn", "drawn"),
    ],
)
def test_the_kind_that_is_given_decides_the_style(kind: Any, read: Any, told: str) -> None:
    assert told_style([GivenFace(FaceRecord(box=(0, 0, 50, 50), kind=kind))], read) == told


# ------------------------------------------------------------------------------------------------------- the file


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    def write(content: Any) -> Path:
        path = tmp_path / "FACE.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return write


def test_what_is_written_is_what_is_read(write: Callable[[Any], Path]) -> None:
    for record in (record_of(face(), still(), mesh=True), record_of(face(), still())):
        text = text_of(record)
        assert open_face(write(b"\xef\xbb\xbf" + text.encode())).record == record
        assert ("mesh" in text) == (record.mesh is not None)
        assert sum(line.lstrip().startswith('"upper_lid": [[') for line in text.splitlines()) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not UTF-8"),
        ('{"schema": "stillwake/face@1"}'.encode("utf-16"), "not UTF-8"),
        (b"box: 1 2 3 4", "not JSON"),
        (b'{"schema": "stillwake/face@1",\n"box": [1, 2', "line 2"),
        (b"[" * 200_000, "not JSON"),
        (b"9" * 5000, "not JSON"),
        (b" " * (1 << 21), "the limit is 1 MB"),
        ([], "stillwake/face@1"),
        ({"box": [0, 0, 50, 50]}, "stillwake/face@1"),
        ({"schema": "stillwake/face@2", "box": [0, 0, 50, 50]}, "stillwake/face@1"),
        ({"schema": "stillwake/scene@1", "faces": []}, "whole scene"),
        ({"schema": "stillwake/face@1"}, "box: it is missing"),
        ({"schema": "stillwake/face@1", "box": [1, 2, 3]}, "box"),
        ({"schema": "stillwake/face@1", "box": ["1", 2, 3, 4]}, "box.0"),
        ({"schema": "stillwake/face@1", "box": [True, 2, 3, 4]}, "box.0"),
        ({"schema": "stillwake/face@1", "box": [0, 0, float("nan"), 50]}, "box.2: input should be a finite number"),
        ({"schema": "stillwake/face@1", "box": [0, 0, float("inf"), 50]}, "box.2: input should be a finite number"),
        ({"schema": "stillwake/face@1", "box": [0, 0, 10**400, 50]}, "box.2"),
        ({"schema": "stillwake/face@1", "box": [0, 0, 1e9, 50]}, "box.2: input should be less than"),
        ({"schema": "stillwake/face@1", "box": [0, 0, 50, 50], "kind": "statue"}, "kind"),
        ({"schema": "stillwake/face@1", "box": [0, 0, 50, 50], "\x1b[31m/\n": 1}, "a face has no such field"),
        ({"schema": "stillwake/face@1", "box": [0, 0, 50, 50], "\ud800": 1}, "a name in it: input should be a valid"),
        ({"schema": "stillwake/face@1", "box": [0, 0, 50, 50], "jaw": [[1, 2]]}, "jaw: tuple should have at least 3"),
        ({"schema": "stillwake/face@1", "box": [0, 0, 50, 50], "jaw": [[1, 2, 3]] * 4}, "jaw.0"),
        ({"schema": "stillwake/face@1", "box": [0, 0, 50, 50], "jaw": [[1, 2]] * 600}, "jaw"),
        ({"schema": "stillwake/face@1", "box": [0, 0, 50, 50], "confidence": {"nose": 1}}, "confidence.nose"),
        ({"schema": "stillwake/face@1", "box": [0, 0, 50, 50], "confidence": {"eyes": 2}}, "confidence.eyes"),
        (a_drawn_face(mesh=[[0, 0, 0]] * 9), "mesh"),
        (a_drawn_face(roll=400), "roll"),
    ],
)
def test_a_file_that_is_no_face_is_one_sentence(write: Callable[[Any], Path], content: Any, says: str) -> None:
    with pytest.raises(FaceError) as caught:
        open_face(write(content))
    sentence = str(caught.value)
    assert sentence.startswith("Cannot use FACE.json: ")
    assert says in sentence
    assert sentence.isprintable()
    assert len(sentence) < 400
    assert caught.value.exit_status == 3


def test_a_file_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.json", tmp_path):
        with pytest.raises(FaceError, match="Cannot use "):
            open_face(path)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda f: f.update(box=[400, 10, 460, 70]), "outside the picture"),
        (lambda f: f.update(box=[50, 50, 50, 120]), "its box has no size"),
        (lambda f: f.update(box=[90, 90, 20, 20]), "its box has no size"),
        (lambda f: f.update(box=[-900, -900, 1200, 1200]), "outside the picture"),
        (lambda f: f["eyes"].reverse(), "wrong order"),
        (lambda f: f["jaw"].reverse(), "jaw does not run from the viewer's left"),
        (lambda f: f.update(roll=180.0), "left to the right"),
        (lambda f: f["mouth"].update(outer_upper=moved(f["mouth"]["outer_upper"], 0, 40)), "meet in the corners"),
        (lambda f: f.update(chin=[5000, 5000]), "chin lies far from the box"),
        (lambda f: f.update(jaw=[[110, 100]] * 5), "jaw does not run"),
        (lambda f: f["eyes"][0]["iris"].__setitem__(2, 500), "an iris is larger"),
        (lambda f: f["eyes"][1].update(iris=[900, 900, 3]), "right eye's iris lies far"),
        (lambda f: f.update(mesh=[[150.0, 150.0, 9999.0]] * 478), "deeper"),
        (lambda f: f.update(mesh=[[0.0, 0.0, 0.0]] * 477 + [[-9999.0, 9999.0, 0.0]]), "the mesh lies far"),
    ],
)
def test_lines_that_make_no_face_are_refused(edit: Callable[[dict[str, Any]], None], says: str) -> None:
    drawn = a_drawn_face()
    edit(drawn)
    with pytest.raises(FaceError, match=f"^Cannot use FACE.json: .*({says}).*; .*\\.$"):
        righted(drawn, None)


def test_a_face_of_another_picture_is_refused_and_without_its_name_it_is_not() -> None:
    edited = as_file()
    edited["still"] |= {"sha256": "c" * 64, "name": "/home/me/other.png"}
    with pytest.raises(
        FaceError, match=r"made for other\.png, which is not the same file as astronaut\.png.*\"still\""
    ):
        perceive(still(), [GivenFace(FaceRecord.model_validate(edited))])
    del edited["still"]
    assert righted(edited, face()).box == face().box


# --------------------------------------------------------------------------------------------------------- the walk


def test_the_given_face_speaks_and_the_record_tells(tmp_path: Path, write: Callable[[Any], Path]) -> None:
    from PIL import Image

    picture = tmp_path / "two.png"
    pair = Image.new("RGB", (600, 320), (150, 160, 150))
    pair.paste(Image.fromarray(still().pixels), (0, 0))
    pair.paste(Image.fromarray(still().pixels).resize((238, 224)), (350, 60))
    pair.save(picture)
    scene, _ = workflow.look(picture)
    assert len(scene.faces) == 2
    file = write(text_of(record_of(scene.faces[1], scene.still)).encode())

    scene, report = workflow.look(picture, face_file=file)
    assert scene.given == (2,)
    told = next(f for f in report.gates["animator"].findings if f.check == "face size")
    assert told.box == scene.faces[1].box, "the report is about the face that speaks"

    sound = tmp_path / "tone.wav"
    with wave.open(str(sound), "wb") as tone:
        tone.setnchannels(1)
        tone.setsampwidth(2)
        tone.setframerate(16000)
        tone.writeframes((8000 * np.sin(np.arange(4000) / 6)).astype("<i2").tobytes())
    record = workflow.animate(picture, Brief(sound=sound, engine="echo", face_file=file), tmp_path / "out.mp4")
    assert record.plan.shots[0].face == 2
    assert any("FACE.json" in reason for reason in record.plan.shots[0].reasons)
    kept = RunRecord.model_validate_json((tmp_path / "out.mp4.json").read_text())
    assert kept.brief.face_file == Path("FACE.json")
    assert kept.face == open_face(file).record
    first = workflow.animate(picture, Brief(sound=sound, engine="echo", face_file=file, face=1), tmp_path / "b.mp4")
    assert first.plan.shots[0].face == 1


# ------------------------------------------------------------------------------------------------------------- fuzz

numbers = st.one_of(
    st.floats(width=32), st.integers(), st.floats(-50, 400), st.sampled_from([0, -1e5, 1e5, 1e-9, 10**400, None, "3"])
)
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.sampled_from(sorted(FaceRecord.model_fields)), inner, max_size=3),
    ),
    max_leaves=12,
)


@st.composite
def mangled(draw: st.DrawFn) -> dict[str, Any]:
    """A whole face with a few of its values changed, at any depth."""
    mangled = a_drawn_face() | {"kind": draw(st.sampled_from(["drawn", "photo"]))}
    for _ in range(draw(st.integers(0, 3))):
        at_last: Any = mangled
        while True:
            keys = list(at_last) if isinstance(at_last, dict) else list(range(len(at_last)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if not isinstance(at_last[key], dict | list) or draw(st.integers(0, 3)) == 0:
                at_last[key] = draw(numbers if isinstance(at_last[key], float | int) else junk)
                break
            at_last = at_last[key]
    return mangled


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=60), junk.map(lambda j: json.dumps(j).encode())))
def test_any_bytes_are_a_face_or_a_sentence(write: Callable[[Any], Path], content: bytes) -> None:
    with contextlib.suppress(FaceError):
        open_face(write(content))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=mangled(), beside=st.booleans())
def test_any_values_are_a_face_or_a_sentence(
    write: Callable[[Any], Path], content: dict[str, Any], beside: bool
) -> None:
    """What comes out is finite and near the box; ``beside`` a face with a mesh that has to follow."""
    pixels = np.full((320, 340, 3), 90, np.uint8)
    like = face() if beside or content.get("kind") != "drawn" else None
    try:
        one = open_face(write(content))
        require_for(one, still())
        record = one.record
        if not by_hand._complete(record) and (like is None or record.kind != like.kind):
            return  # it would be read from the picture
        found = put_right(pixels, one, like and dataclasses.replace(like, kind=record.kind or "photo"), "photo")
    except FaceError:
        return
    reach = 2 * max(found.box[2] - found.box[0], found.box[3] - found.box[1])
    for line in by_hand._lines(found).values():
        assert np.isfinite(line).all()
        assert np.abs(line - np.array(found.box[:2])).max() <= reach
    if found.mesh is not None:
        assert np.isfinite(found.mesh).all()
    assert all(0 <= value <= 1 for value in found.confidence.values())
    assert set(by_hand._lines(found)) == set(INDICES)
