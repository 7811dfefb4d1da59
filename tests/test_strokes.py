"""Brush strokes: every kind of file that is read, and what is wrong with those that are not."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from stillwake.errors import InputError
from stillwake.perceive.strokes import BAND, BrushRecord, open_strokes
from stillwake.types import Strokes

SIZE = (320, 180)
ARROW = [100, 90, 200, 90]
SQUARE = [[80, 40], [240, 40], [240, 140], [80, 140]]


def save(path: Path, what: Any) -> Path:
    path.write_text(what if isinstance(what, str) else json.dumps(what))
    return path


def painted(path: Path, size: tuple[int, int] = SIZE, mode: str = "L") -> Path:
    """A mask that is white in its right half."""
    mask = np.zeros(size[::-1], np.uint8)
    mask[:, size[0] // 2 :] = 255
    Image.fromarray(mask).convert(mode).save(path)
    return path


def opened(folder: Path, what: Any) -> Strokes:
    return open_strokes(save(folder / "brush.json", what), SIZE)


def refused(folder: Path, what: Any) -> str:
    with pytest.raises(InputError) as caught:
        opened(folder, what)
    message = str(caught.value)
    assert message.startswith("Cannot use brush.json")
    assert message.count("\n") == 0
    assert len(message) < 400
    return message


# --------------------------------------------------------------------------------------------------- what is read


def test_polygons_and_arrows(tmp_path: Path) -> None:
    strokes = opened(
        tmp_path, {"schema": "stillwake/brush@1", "polygons": [SQUARE], "arrows": [ARROW], "speed": 40, "mode": "flow"}
    )
    assert strokes.mask.shape == (180, 320)
    assert strokes.mask.dtype == np.float32
    assert strokes.mask[90, 160] == 1
    assert strokes.mask[20, 160] == 0
    assert (strokes.mask > 0.5).sum() == pytest.approx(160 * 100, rel=0.03)
    assert np.array_equal(strokes.paths[0], [[100, 90], [200, 90]])
    assert (strokes.speed, strokes.mode, strokes.name) == (40, "flow", "brush.json")
    assert not strokes.mask.flags.writeable


def test_the_schema_need_not_be_said(tmp_path: Path) -> None:
    strokes = opened(tmp_path, {"polygons": [SQUARE], "arrows": [ARROW]})
    assert (strokes.speed, strokes.mode) == (None, None)


def test_shares_of_the_picture_said_or_seen(tmp_path: Path) -> None:
    shares = {"polygons": [[[0.25, 0], [1, 0], [1, 1], [0.25, 1]]], "arrows": [[0.5, 0.5, 0.75, 0.5]]}
    said, seen = opened(tmp_path, {**shares, "units": "share"}), opened(tmp_path, shares)
    assert np.array_equal(said.paths[0], [[159.5, 89.5], [239.5, 89.5]])
    assert np.array_equal(said.mask, seen.mask)
    assert said.mask[0, 0] == 0
    assert said.mask[179, 319] == 1


def test_the_studys_brush(tmp_path: Path) -> None:
    strokes = opened(
        tmp_path,
        {"polygon": [[0, 0.5], [1, 0.5], [1, 1], [0, 1]], "arrows": [[0.9, 0.8, 0.2, 0.8]], "speed": 28, "cycle": 2.0},
    )
    assert strokes.mask[:88].max() == 0
    assert strokes.mask[92:].min() == 1
    assert strokes.speed == 28
    assert strokes.paths[0][0, 0] > strokes.paths[0][1, 0]


def test_the_studys_own_file(shared: Path) -> None:
    strokes = open_strokes(shared / "study" / "brush_sea_61.json", (852, 480))
    assert 0.3 < strokes.mask.mean() < 0.5


def test_a_mask_beside_the_json(tmp_path: Path) -> None:
    painted(tmp_path / "where.png")
    strokes = opened(tmp_path, {"mask": "where.png", "paths": [[[200, 90], [250, 100], [300, 90]]]})
    assert strokes.mask[:, :160].max() == 0
    assert strokes.mask[:, 160:].min() == 1
    assert len(strokes.paths[0]) == 3


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
def test_masks_of_every_kind(tmp_path: Path, mode: str) -> None:
    if mode == "I;16":
        Image.fromarray((np.arange(320) >= 160)[None].repeat(180, 0).astype(np.uint16) * 65535).save(
            tmp_path / "m.png"
        )
    else:
        painted(tmp_path / "m.png", mode=mode)
    strokes = opened(tmp_path, {"mask": "m.png", "arrows": [ARROW]})
    assert strokes.mask[:, :160].max() < 0.01
    assert strokes.mask[:, 160:].min() > 0.99


@pytest.mark.parametrize("colour", [0, 255])
def test_strokes_on_a_transparent_layer(tmp_path: Path, colour: int) -> None:
    layer = np.full((180, 320, 4), colour, np.uint8)
    layer[..., 3] = 0
    layer[:, 160:, 3] = 255
    Image.fromarray(layer).save(tmp_path / "m.png")
    strokes = opened(tmp_path, {"mask": "m.png", "arrows": [ARROW]})
    assert strokes.mask[:, :160].max() == 0
    assert strokes.mask[:, 160:].min() == 1


def test_a_smaller_mask_of_the_same_shape_is_enlarged(tmp_path: Path) -> None:
    painted(tmp_path / "m.png", (160, 90))
    strokes = opened(tmp_path, {"mask": "m.png", "arrows": [ARROW]})
    assert strokes.mask.shape == (180, 320)
    assert (strokes.mask > 0.5).mean() == pytest.approx(0.5, abs=0.01)


def test_still_areas_are_taken_out(tmp_path: Path) -> None:
    strokes = opened(
        tmp_path, {"polygons": [SQUARE], "arrows": [ARROW], "still": [[[80, 40], [160, 40], [160, 140], [80, 140]]]}
    )
    assert strokes.mask[50:130, 85:155].max() == 0
    assert strokes.mask[50:130, 165:235].min() == 1


def test_a_path_alone_moves_a_soft_band(tmp_path: Path) -> None:
    for what in ({"paths": [[[40, 90], [280, 90]]]}, {"arrows": [[40, 90, 280, 90]]}):
        across = opened(tmp_path, what).mask[:, 160]
        assert across[90] == 1
        assert across[0] == 0
        assert (across > 0.5).sum() == pytest.approx(2 * BAND * 320, abs=3)
        assert ((across > 0.1) & (across < 0.9)).any()


LINE = [{"x": 40, "y": 90}, {"x": 160, "y": 100.5}, {"x": 280, "y": 90}]


@pytest.mark.parametrize("what", [LINE, [LINE, LINE], str(LINE), [LINE[:1] * 2 + LINE]], ids=str)
def test_splines_of_comfyui(tmp_path: Path, what: Any) -> None:
    strokes = opened(tmp_path, what)
    assert len(strokes.paths) == (2 if what == [LINE, LINE] else 1)
    assert strokes.paths[0].shape == (3, 2)
    assert strokes.mask[90, 50] == 1
    assert strokes.mask[0, 0] == 0


def test_points_of_comfyui_need_arrows(tmp_path: Path) -> None:
    points = {"positive": [{"x": 80, "y": 90}, {"x": 240, "y": 90}], "negative": [{"x": 240, "y": 90}]}
    assert "which way" in refused(tmp_path, points)
    assert '"arrows"' in refused(tmp_path, points)
    strokes = opened(tmp_path, {**points, "arrows": [ARROW]})
    assert strokes.mask[90, 80] == 1
    assert strokes.mask[90, 240] == 0


def test_a_bare_mask_asks_for_arrows(tmp_path: Path) -> None:
    mask = painted(tmp_path / "where.png")
    with pytest.raises(InputError, match=r"Cannot use where\.png: .*which way; write where\.json beside it"):
        open_strokes(mask, SIZE)
    save(tmp_path / "where.json", {"arrows": [ARROW], "speed": 10})
    strokes = open_strokes(mask, SIZE)
    assert strokes.speed == 10
    assert strokes.name == "where.png"
    assert (strokes.mask > 0.5).mean() == pytest.approx(0.5, abs=0.01)


def test_an_example_in_an_error_works(tmp_path: Path) -> None:
    BrushRecord.model_validate({"mask": "mask.png", "arrows": [ARROW], "speed": 12.5})
    record = BrushRecord.model_validate({"schema": "stillwake/brush@1", "arrows": [ARROW]})
    assert BrushRecord.model_validate_json(record.to_json()) == record


# --------------------------------------------------------------------------------------------------- what is refused

FAULTS: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", r"not JSON \(line 1\)"),
    "nothing in it": ("null", "neither an object nor a list"),
    "a number": (3, "neither an object nor a list"),
    "too deep": ("[" * 100_000, "not JSON"),
    "an empty list": ([], "path 1 has no point"),
    "an empty object": ({}, "which way"),
    "another schema": ({"schema": "stillwake/face@1", "arrows": [ARROW]}, "schema"),
    "an unknown field": ({"arrow": [ARROW]}, "no such field"),
    "no direction": ({"polygons": [SQUARE]}, "which way"),
    "an arrow of three numbers": ({"arrows": [[1, 2, 3]]}, r"arrows\.0"),
    "an arrow in words": ({"arrows": [["1", 2, 3, 4]]}, r"arrows\.0\.0"),
    "an arrow of truths": ({"arrows": [[True, 2, 3, 4]]}, r"arrows\.0\.0"),
    "no number": ('{"arrows": [[NaN, 2, 3, 4]]}', r"arrows\.0\.0.*finite"),
    "infinity": ('{"arrows": [[1e999, 2, 3, 4]]}', r"arrows\.0\.0.*finite"),
    "a huge whole number": ({"arrows": [[10**400, 2, 3, 4]]}, r"arrows\.0\.0"),
    "a huge number": ({"arrows": [[1e300, 2, 3, 4]]}, r"arrow 1 lies at 1e\+300, 2, outside.*320×180"),
    "an arrow outside": ({"arrows": [ARROW, [10, 10, 400, 90]]}, "arrow 2 lies at 400, 90, outside.*320×180 px"),
    "shares outside": ({"arrows": [[0.5, 0.5, 1.5, 0.5]], "units": "share"}, "arrow 1 lies at 479.5, 89.5"),
    "a path outside": ({"paths": [[[10, 10], [20, -50]]]}, "path 1 lies at 20, -50"),
    "an arrow without length": ({"arrows": [[90, 90, 90, 90]]}, "arrow 1 has no length"),
    "a path of one point": ({"paths": [[[90, 90]]]}, "path 1 has one point"),
    "a path on one spot": ({"paths": [[[90, 90]] * 5]}, "path 1 has no length"),
    "a spline of one point": ([{"x": 1, "y": 2}], "path 1 has one point"),
    "a spline of words": (["a", "b"], r"paths\.0\.0"),
    "a polygon of two corners": ({"polygons": [SQUARE[:2]], "arrows": [ARROW]}, "polygon 1 has fewer than three"),
    "a polygon far away": ({"polygons": [[[0, 0], [9e9, 0], [0, 9e9]]], "arrows": [ARROW]}, "polygon 1 .*far outside"),
    "a still area far away": ({"still": [[[0, 0], [9e9, 0], [0, 9e9]]], "arrows": [ARROW]}, "still area 1 .*far out"),
    "a flat polygon": ({"polygons": [[[9, 9], [90, 9], [9, 9]]], "arrows": [ARROW]}, "nothing in it moves"),
    "all still": ({"polygons": [SQUARE], "still": [SQUARE], "arrows": [ARROW]}, "still areas cover all"),
    "a standing speed": ({"arrows": [ARROW], "speed": 0}, "speed"),
    "a speed backwards": ({"arrows": [ARROW], "speed": -4}, "speed"),
    "a speed of light": ({"arrows": [ARROW], "speed": 3e8}, "speed"),
    "another mode": ({"arrows": [ARROW], "mode": "swirl"}, "mode"),
    "other units": ({"arrows": [ARROW], "units": "cm"}, "units"),
    "too many arrows": ({"arrows": [ARROW] * 1000}, "arrows"),
    "too many points": ({"paths": [[[1, 1]] * 5000]}, r"paths\.0"),
    "a mask that is not there": ({"mask": "nowhere.png", "arrows": [ARROW]}, "nowhere.png"),
    "a mask elsewhere": ({"mask": "../m.png", "arrows": [ARROW]}, "plain file name"),
    "a mask at the root": ({"mask": "/etc/passwd", "arrows": [ARROW]}, "plain file name"),
    "a mask in a Windows folder": ({"mask": "..\\m.png", "arrows": [ARROW]}, "plain file name"),
    "a mask without a name": ({"mask": "", "arrows": [ARROW]}, "plain file name"),
    "the folder itself": ({"mask": "..", "arrows": [ARROW]}, "plain file name"),
    "a mask with a zero byte": ({"mask": "m\0.png", "arrows": [ARROW]}, "plain file name"),
    "the JSON as its own mask": ({"mask": "brush.json", "arrows": [ARROW]}, "damaged"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_refused(tmp_path: Path, fault: str) -> None:
    what, why = FAULTS[fault]
    message = refused(tmp_path, what)
    assert re.search(why, message), message


def test_a_mask_of_another_shape(tmp_path: Path) -> None:
    painted(tmp_path / "m.png", (200, 200))
    message = refused(tmp_path, {"mask": "m.png", "arrows": [ARROW]})
    assert "200×200" in message
    assert "320×180" in message


def test_an_empty_mask(tmp_path: Path) -> None:
    Image.new("L", SIZE).save(tmp_path / "m.png")
    assert "nothing in it moves" in refused(tmp_path, {"mask": "m.png", "arrows": [ARROW]})


def test_a_damaged_mask(tmp_path: Path) -> None:
    data = painted(tmp_path / "m.png").read_bytes()
    (tmp_path / "m.png").write_bytes(data[: len(data) // 2])
    assert "m.png" in refused(tmp_path, {"mask": "m.png", "arrows": [ARROW]})


def test_files_that_are_too_large(tmp_path: Path) -> None:
    for name in ("brush.json", "m.png"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(100 * 2**20)
    with pytest.raises(InputError, match="limit"):
        open_strokes(tmp_path / "brush.json", SIZE)
    assert "limit" in refused(tmp_path, {"mask": "m.png", "arrows": [ARROW]})
    assert "limit" in refused(tmp_path, " " * (3 * 2**20) + json.dumps({"arrows": [ARROW]}))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        open_strokes(tmp_path / "nothing.json", SIZE)
    with pytest.raises(InputError):
        open_strokes(tmp_path, SIZE)
    (tmp_path / "picture.json").write_bytes(b"\xff\xd8\xff\xe0 a JPEG")
    with pytest.raises(InputError, match="neither a PNG nor"):
        open_strokes(tmp_path / "picture.json", SIZE)
    (tmp_path / "empty.json").write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        open_strokes(tmp_path / "empty.json", SIZE)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from([*BrushRecord.model_fields, "polygon", "x", "y"]), inner, max_size=4
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(what=VALUES)
def test_anything_is_read_or_refused(tmp_path: Path, what: Any) -> None:
    with contextlib.suppress(InputError):
        strokes = opened(tmp_path, what)
        assert strokes.mask.shape == SIZE[::-1]
        assert all(len(path) > 1 and np.isfinite(path).all() for path in strokes.paths)
