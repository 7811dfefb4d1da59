"""Depth maps and depth models that a person brings: which are believed, and how the others are refused."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from stillwake.errors import InputError
from stillwake.perceive import model_depth, open_depth, open_mask
from stillwake.types import Floats, Pixels, Size, Still

WIDTH, HEIGHT = 320, 240
SIZE = (WIDTH, HEIGHT)


def person(size: Size = SIZE) -> Floats:
    """Where somebody is who stands left of the middle and, being tall, above it: nothing here is symmetric."""
    width, height = size
    matte = np.zeros((height, width), np.uint8)
    cv2.ellipse(
        matte, (int(0.3 * width), int(0.3 * height)), (int(0.09 * width), int(0.15 * height)), 0, 0, 360, 255, -1
    )
    cv2.ellipse(
        matte, (int(0.3 * width), int(0.85 * height)), (int(0.2 * width), int(0.4 * height)), 0, 0, 360, 255, -1
    )
    return matte / np.float32(255)


def still(size: Size = SIZE) -> Still:
    ground = np.linspace(200, 90, size[1])[:, None, None] * np.array([0.8, 0.9, 1.0])
    pixels = np.where(person(size)[..., None] > 0.5, [190, 90, 60], ground)
    noise = np.random.default_rng(0).normal(size=(size[1], size[0], 1))
    return Still(np.clip(pixels + 3 * noise, 0, 255).astype(np.uint8), "a.png", "0" * 64)


def depth(size: Size = SIZE) -> Floats:
    """How near things are, 0 to 1: somebody before a ground that rises."""
    ground = np.linspace(0.05, 0.6, size[1], dtype=np.float32)[:, None].repeat(size[0], 1)
    return np.where(person(size) > 0.5, np.float32(0.9), ground)


def eight(values: Floats) -> Image.Image:
    return Image.fromarray(np.rint(values * 255).astype(np.uint8))


def sixteen(values: Floats) -> Image.Image:
    return Image.fromarray(np.rint(values * 65535).astype(np.uint16))


def saved(folder: Path, image: Image.Image, name: str = "depth.png") -> Path:
    path = folder / name
    image.save(path)
    return path


def refusal(path: Path, seen: Still | None = None, matte: Floats | None = None, read: Any = open_depth) -> str:
    """The sentence with which it is refused."""
    with pytest.raises(InputError) as caught:
        read(path, seen or still(), matte)
    sentence = str(caught.value)
    assert caught.value.exit_status == 3
    assert path.name in sentence
    assert str(path.parent) not in sentence
    assert sentence.isprintable()
    assert sentence.endswith(".")
    return sentence


# --------------------------------------------------------------------------------------------------------------- maps


@pytest.mark.parametrize(
    ("image", "name"),
    [
        (eight(depth()), "depth.png"), (sixteen(depth()), "depth.png"), (eight(depth()).convert("RGB"), "depth.png"),
        (eight(depth()).convert("RGBA"), "depth.png"), (eight(depth()), "depth.jpg"), (eight(depth()), "depth.tif"),
        (Image.fromarray(depth()), "depth.tif"), (Image.fromarray(depth() * 80 - 40), "depth.tif"),
        (eight(depth((640, 480))), "depth.png"), (eight(depth((80, 60))), "depth.png"),
        (eight(depth((318, 240))), "depth.png"), (eight(depth()).convert("P"), "depth.png"),
    ],
)  # fmt: skip
def test_a_map_of_any_kind_is_the_same_nearness(tmp_path: Path, image: Image.Image, name: str) -> None:
    near, note = open_depth(saved(tmp_path, image, name), still(), person())
    assert near.shape == (HEIGHT, WIDTH)
    assert near.dtype == np.float32
    assert near.min() >= 0
    assert near.max() <= 1
    wanted = (depth() - depth().min()) / np.ptp(depth())
    assert np.abs(near - wanted).mean() < 0.02
    assert note == ""


def test_a_map_that_is_white_where_things_are_far_is_turned_round(tmp_path: Path) -> None:
    path = saved(tmp_path, eight(1 - depth()))
    near, note = open_depth(path, still(), person())
    assert "turned round" in note
    assert np.abs(near - open_depth(saved(tmp_path, eight(depth()), "other.png"), still(), person())[0]).max() < 0.02
    without, note = open_depth(path, still(), None)
    assert note == "", "where nobody is seen it cannot be told"
    assert without[person() > 0.5].mean() < 0.1


@pytest.mark.parametrize("size", [(240, 320), (320, 200), (400, 240)])
def test_another_pictures_shape_is_refused(tmp_path: Path, size: Size) -> None:
    sentence = refusal(saved(tmp_path, eight(depth(size))))
    assert f"{size[0]}×{size[1]}" in sentence
    assert "320×240" in sentence


@pytest.mark.parametrize(
    ("turn", "says"),
    [
        (lambda near: near[::-1], "upside down"), (lambda near: near[:, ::-1], "mirrored"),
        (lambda near: near[::-1, ::-1], "turned by half"), (lambda near: 1 - near[::-1], "upside down"),
        (lambda near: 1 - near[:, ::-1], "mirrored"),
    ],
)  # fmt: skip
def test_a_map_that_lies_wrongly_is_refused(tmp_path: Path, turn: Any, says: str) -> None:
    assert says in refusal(saved(tmp_path, eight(np.ascontiguousarray(turn(depth())))), matte=person())


def test_a_map_that_says_little_is_not_called_turned(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None].repeat(WIDTH, 1)
    near, _ = open_depth(saved(tmp_path, eight(ramp)), still(), None)
    assert near[-1].mean() > near[0].mean()
    soft = cv2.GaussianBlur(depth(), (0, 0), 12)
    assert open_depth(saved(tmp_path, sixteen(soft)), still(), person())[1] == ""


@pytest.mark.parametrize(
    "image",
    [
        eight(np.full((HEIGHT, WIDTH), 0.5, np.float32)), eight(np.zeros((HEIGHT, WIDTH), np.float32)),
        sixteen(np.full((HEIGHT, WIDTH), 0.7, np.float32) + 0.001 * depth()),
        eight(np.eye(HEIGHT, WIDTH, dtype=np.float32)),
    ],
)  # fmt: skip
def test_a_map_that_is_the_same_everywhere_is_refused(tmp_path: Path, image: Image.Image) -> None:
    assert "same everywhere" in refusal(saved(tmp_path, image))


def test_a_map_in_colour_is_refused(tmp_path: Path) -> None:
    coloured = cv2.applyColorMap(np.rint(depth() * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    assert "in colour" in refusal(saved(tmp_path, Image.fromarray(np.ascontiguousarray(coloured))))
    assert "in colour" in refusal(saved(tmp_path, Image.fromarray(still().pixels)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_map_with_values_that_are_no_numbers_is_refused(tmp_path: Path, value: float) -> None:
    broken = depth().copy()
    broken[3, 4] = value
    assert "no numbers" in refusal(saved(tmp_path, Image.fromarray(broken), "depth.tif"))


@pytest.mark.parametrize("content", [b"", b"These are words.", b"\x89PNG\r\n\x1a\n", b"II*\0" + bytes(40), None])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "depth.png"
    if content is not None:
        path.write_bytes(content)
    refusal(path)


@pytest.mark.parametrize("name", ["depth.png", "depth.jpg", "depth.tif", "depth.webp", "depth.bmp"])
def test_a_map_that_is_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, eight(depth()), name)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    refusal(path)


def test_a_folder_and_a_picture_of_another_kind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "depth.png").mkdir()
    refusal(tmp_path / "depth.png")
    refusal(saved(tmp_path, eight(depth()), "depth.gif"))
    (tmp_path / "depth.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg' width='320' height='240'/>")
    refusal(tmp_path / "depth.svg")


@pytest.mark.parametrize("size", [(16, 16), (640, 16), (17, 401)])
def test_stills_of_any_shape_take_a_map(tmp_path: Path, size: Size) -> None:
    ramp = np.linspace(0, 1, size[0], dtype=np.float32)[None].repeat(size[1], 0)
    near, _ = open_depth(saved(tmp_path, eight(ramp)), still(size), None)
    assert near.shape == size[::-1]


# -------------------------------------------------------------------------------------------------------------- models
#
# The few fields of ONNX that a model of one or two nodes needs, as protobuf writes them (onnx/onnx.proto).


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor_type(name: str, shape: Iterable[int | str], kind: int = 1) -> bytes:
    sides = b"".join(field(1, field(1, side) if isinstance(side, int) else field(2, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, sides)))


def node(kind: str, inputs: Iterable[str], output: str, *attributes: bytes) -> bytes:
    names = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind)
    return names + b"".join(field(5, attribute) for attribute in attributes)


def ints(name: str, *values: int) -> bytes:
    return field(1, name) + b"".join(field(8, value) for value in values) + field(20, 7)


def number(name: str, value: float) -> bytes:
    return field(1, 1) + field(2, 1) + field(9, struct.pack("<f", value)) + field(8, name)


SHAPE: tuple[int | str, ...] = (1, 3, "height", "width")
MEAN = node("ReduceMean", ["image"], "mean", ints("axes", 1))


def model(
    folder: Path, *nodes: bytes, output: str, inputs: Iterable[bytes] = (), constants: Iterable[bytes] = ()
) -> Path:
    inputs = tuple(inputs) or (tensor_type("image", SHAPE),)
    graph = b"".join(field(1, one) for one in nodes) + field(2, "graph")
    graph += b"".join(field(5, one) for one in constants) + b"".join(field(11, one) for one in inputs)
    graph += field(12, field(1, output) + field(2, field(1, field(1, 1))))
    path = folder / "model.onnx"
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(2, 13)))
    return path


def bright(pixels: Pixels) -> Floats:
    grey = pixels.astype(np.float32).mean(2)
    return grey / grey.max()


@pytest.mark.parametrize("shape", [SHAPE, (1, 3, 96, 128), ("batch", 3, "height", "width"), (1, 3, 70, "width")])
def test_a_model_is_run(tmp_path: Path, shape: tuple[int | str, ...]) -> None:
    path = model(tmp_path, MEAN, output="mean", inputs=[tensor_type("image", shape)])
    near, note = model_depth(path, still(), None)
    assert near.shape == (HEIGHT, WIDTH)
    assert near.dtype == np.float32
    assert note == ""
    assert np.corrcoef(near.ravel(), bright(still().pixels).ravel())[0, 1] > 0.95, "it sees the picture, upright"
    assert np.array_equal(near, model_depth(path, still(), None)[0])


def test_a_model_whose_values_grow_with_distance_is_turned_round(tmp_path: Path) -> None:
    path = model(tmp_path, MEAN, output="mean")
    near, note = model_depth(path, still(), person())
    assert "turned round" in note, "the person is darker than what is around"
    assert near[person() > 0.5].mean() > near[person() < 0.5].mean()


@pytest.mark.parametrize("size", [(16, 16), (900, 30)])
def test_a_still_of_any_shape_is_looked_at(tmp_path: Path, size: Size) -> None:
    pixels = np.linspace(20, 230, size[0])[None, :, None].repeat(size[1], 0).repeat(3, 2).astype(np.uint8)
    near, _ = model_depth(model(tmp_path, MEAN, output="mean"), Still(pixels, "a.png", "0" * 64), None)
    assert near.shape == size[::-1]


def test_models_that_are_no_depth_models_are_refused(tmp_path: Path) -> None:
    def says(path: Path) -> str:
        return refusal(path, read=model_depth)

    two = [tensor_type("image", SHAPE), tensor_type("other", SHAPE)]
    adding = node("Add", ["image", "other"], "sum")
    assert "takes 2 inputs" in says(model(tmp_path, adding, output="sum", inputs=two))
    same = node("Identity", ["image"], "same")
    assert "not a map" in says(model(tmp_path, same, output="same"))
    assert "takes 1 inputs" in says(model(tmp_path, same, output="same", inputs=[tensor_type("image", (1, 3))]))
    grey = [tensor_type("image", (1, 1, 32, 32))]
    assert "takes 1 inputs" in says(model(tmp_path, same, output="same", inputs=grey))
    whole = [tensor_type("image", SHAPE, kind=7)]
    cast = node("Cast", ["image"], "same", field(1, "to") + field(3, 1) + field(20, 2))
    assert "takes 1 inputs" in says(model(tmp_path, cast, output="same", inputs=whole)), "whole numbers"
    huge = [tensor_type("image", (1, 3, 100_000, 100_000))]
    assert "100000×100000" in says(model(tmp_path, MEAN, output="mean", inputs=huge))
    one = node("ReduceMean", ["image"], "one", ints("axes", 1, 2, 3))
    assert "not a map" in says(model(tmp_path, one, output="one"))


def test_a_model_that_gives_nonsense_is_refused(tmp_path: Path) -> None:
    zero = node("Mul", ["mean", "zero"], "flat")
    flat = model(tmp_path, MEAN, zero, output="flat", constants=[number("zero", 0.0)])
    assert "same everywhere" in refusal(flat, read=model_depth)
    root = model(tmp_path, MEAN, node("Sqrt", ["mean"], "root"), output="root")
    dark = Still(still().pixels // 3, "dark.png", "0" * 64)
    assert "no numbers" in refusal(root, dark, read=model_depth)


@pytest.mark.parametrize("content", [b"", b"These are words.", b"\x08\x08", bytes(64), None])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)
    refusal(path, read=model_depth)


def test_a_model_that_is_cut_off_or_does_not_run_is_refused(tmp_path: Path) -> None:
    path = model(tmp_path, MEAN, output="mean")
    path.write_bytes(path.read_bytes()[:-30])
    refusal(path, read=model_depth)
    refusal(model(tmp_path, node("Nonsense", ["image"], "mean"), output="mean"), read=model_depth)
    refusal(model(tmp_path, MEAN, output="missing"), read=model_depth)
    shaped = node("Reshape", ["image", "shape"], "mean")
    five = field(1, 1) + field(2, 7) + field(7, 5) + field(8, "shape")
    assert "does not run" in refusal(model(tmp_path, shaped, output="mean", constants=[five]), read=model_depth)


# -------------------------------------------------------------------------------------------------------- a still mask


def test_a_mask_says_what_stands_still(tmp_path: Path) -> None:
    painted = np.zeros((HEIGHT, WIDTH), np.uint8)
    painted[40:90, 100:200] = 255
    path = tmp_path / "mask.png"
    Image.fromarray(painted).save(path)
    mask = open_mask(path, SIZE)
    assert mask.dtype == np.bool_
    assert np.array_equal(mask, painted > 0)
    Image.fromarray(painted).resize((640, 480)).save(path)
    assert (open_mask(path, SIZE) != (painted > 0)).mean() < 0.01, "another size of the same shape will do"
    Image.fromarray(np.dstack([np.zeros((HEIGHT, WIDTH, 3), np.uint8), painted])).save(path)
    assert np.array_equal(open_mask(path, SIZE), painted > 0), "black strokes on a transparent layer"


def test_a_mask_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    def says(path: Path) -> str:
        return refusal(path, read=lambda path, still, _: open_mask(path, still.size))

    path = tmp_path / "mask.png"
    assert "no such file" in says(path)
    Image.new("L", SIZE, 0).save(path)
    assert "nothing in it is white" in says(path)
    Image.new("L", (HEIGHT, WIDTH), 255).save(path)
    assert "another shape" in says(path)
    path.write_bytes(path.read_bytes()[:60])
    says(path)
    path.write_bytes(b"")
    says(path)
    Image.new("L", SIZE, 255).save(tmp_path / "mask.jpg")
    says(tmp_path / "mask.jpg")
