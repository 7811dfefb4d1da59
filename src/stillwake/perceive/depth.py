"""How near things are: a depth map that a person brings, or one that a model of theirs makes.

Either is brought to nearness, 0 far to 1 near, and looked at before it is believed: one that is the same everywhere,
lies upside down or is another picture's would move a camera through nonsense. A map that is white where things are far
is told by the person in the picture and turned round.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwake.errors import InputError
from stillwake.media.files import opened_input, shown
from stillwake.media.stills import MOST_PIXELS, damage, picture_errors, silence
from stillwake.types import Floats, Size, Still

LARGEST_MAP = 128 * 2**20
LARGEST_MODEL = 2 * 2**30
_ASPECT = 0.02
_FORMATS = ("PNG", "TIFF", "JPEG", "WEBP", "BMP")
_LEAST_RANGE = 0.02
"""A map that uses less than this share of its own scale says nothing."""
_COLOURED = 6.0
"""Levels by which the channels of a grey picture may differ."""
_LOOK = 192
"""Px of the longer side at which map and picture are compared."""
_BETTER, _LEAST_BETTER = 1.35, 1.25
"""How many times better the edges of a turned map must fit the picture than those of the map as it is, and how many
times better than chance."""
_MODEL_SIDE = 518
"""Px of the longer side a model of free size gets: what depth models are trained at, in their patches of 14."""
_PATCH = 14
_LARGEST_SIDE = 4096
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's mean and standard deviation: what depth models expect."""


def open_depth(path: Path, still: Still, matte: Floats | None) -> tuple[Floats, str]:
    """The nearness (H, W) float32 0..1 of a depth map, for that still, and what was changed in words or "".

    ``matte`` (H, W) tells near from far where a person is seen.

    Raises
    ------
    stillwake.errors.InputError
        It is no picture, has another shape, is the same everywhere, is in colour, or lies upside down.
    """
    what = f"Cannot use the depth map {shown(path)}"
    from PIL import Image

    with opened_input(path, what, InputError, LARGEST_MAP) as file, silence():
        try:
            with Image.open(file, formats=_FORMATS) as image:
                size = image.size
                if size[0] * size[1] > MOST_PIXELS:
                    raise InputError(what, f"it is {size[0]}×{size[1]} px", "make it as large as the picture")
                _require_shape(size, still.size, what)
                if image.mode.startswith(("I", "F")):
                    values = np.asarray(image, np.float32)
                else:
                    colours = np.asarray(image.convert("RGB"), np.float32)
                    if float((colours.max(2) - colours.min(2)).mean()) > _COLOURED:
                        raise InputError(
                            what, "it is in colour, and a depth map is grey", "export it without a colour scale"
                        )
                    values = colours.mean(2)
        except picture_errors() as error:
            raise InputError(what, damage(error), "export it as a grey PNG, white where things are near") from error
    return _believed(values, still, matte, what, "export it again")


def model_depth(path: Path, still: Still, matte: Floats | None) -> tuple[Floats, str]:
    """The nearness (H, W) float32 0..1 that an ONNX depth model sees in the still, and what was changed in words.

    The model takes one picture (1, 3, h, w) float32, normalised as ImageNet is, and gives a map with larger values
    nearer, or further: Depth Anything and MiDaS do. A free size is served at 518 px.

    Raises
    ------
    stillwake.errors.InputError
        It is no such model, or gives nothing that fits the picture.
    """
    import onnxruntime

    what = f"Cannot use the depth model {shown(path)}"
    with opened_input(path, what, InputError, LARGEST_MODEL):
        pass
    fix = "give an ONNX model that makes a depth map of a picture (1, 3, h, w), such as Depth Anything"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 2
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        (entry, *more) = session.get_inputs()
        if more or len(entry.shape) != 4 or entry.type != "tensor(float)" or entry.shape[1] not in (3, "3"):
            raise InputError(what, f"it takes {len(session.get_inputs())} inputs, the first {entry.shape}", fix)
        if any(isinstance(side, int) and side > _LARGEST_SIDE for side in entry.shape):
            raise InputError(what, f"it takes pictures of {entry.shape[3]}×{entry.shape[2]} px", fix)
        given = session.run(None, {entry.name: _prepared(still, entry.shape)})[0]
    except InputError:
        raise
    except Exception as error:  # onnxruntime's own exceptions have no common parent
        reason = " ".join(str(error).replace(str(path), shown(path)).split())[:160] or type(error).__name__
        raise InputError(what, f"it does not run ({reason})", fix) from error
    values = np.squeeze(np.asarray(given, np.float32))
    if values.ndim != 2:
        raise InputError(what, f"it gives an array of {np.asarray(given).shape}, not a map", fix)
    return _believed(values, still, matte, what, fix)


def _prepared(still: Still, shape: Any) -> Floats:
    import cv2

    width, height = still.size
    rows, columns = (shape[k] if isinstance(shape[k], int) else None for k in (2, 3))
    scale = _MODEL_SIDE / max(width, height)
    size = (
        columns or max(_PATCH, round(width * scale / _PATCH) * _PATCH),
        rows or max(_PATCH, round(height * scale / _PATCH) * _PATCH),
    )
    small = cv2.resize(still.pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    normal = (small - np.array(_MEAN, np.float32)) / np.array(_SPREAD, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1)[None], np.float32)


def _require_shape(size: Size, still: Size, what: str) -> None:
    if abs(size[0] / size[1] / (still[0] / still[1]) - 1) > _ASPECT:
        raise InputError(
            what,
            f"it is {size[0]}×{size[1]} px and the picture {still[0]}×{still[1]} px, another shape",
            "make it for this picture",
        )


def _believed(values: Floats, still: Still, matte: Floats | None, what: str, fix: str) -> tuple[Floats, str]:
    """Nearness at the still's size, once the map has passed."""
    import cv2

    if not np.isfinite(values).all():
        raise InputError(what, "it holds values that are no numbers", fix)
    low, high = (float(v) for v in np.percentile(values, (0.5, 99.5)))
    scale = max(abs(float(values.max())), abs(float(values.min())), 1e-9)
    if high - low < _LEAST_RANGE * scale:
        raise InputError(what, "it is the same everywhere", fix)
    near = np.clip((values - low) / (high - low), 0, 1).astype(np.float32)
    smaller = near.shape[0] > still.size[1]
    near = cv2.resize(near, still.size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    if turned := _lies(near, still):
        raise InputError(what, f"it {turned}: turned, its edges fit the picture better", "turn it as the picture is")
    note = ""
    if matte is not None and (solid := matte > 0.6).mean() > 0.02:
        around = (matte < 0.05) & (cv2.dilate(solid.astype(np.uint8), np.ones((3, 3)), iterations=24) > 0)
        if around.any() and float(np.median(near[solid])) < float(np.median(near[around])) - 0.05:
            near, note = 1 - near, "the depth map is dark where things are near: it was turned round"
    return near.astype(np.float32), note


def _lies(near: Floats, still: Still) -> str:
    """How the map lies on the picture, in words, where its edges say that it is turned; "" where it fits."""
    import cv2

    scale = min(1.0, _LOOK / max(still.size))
    size = max(8, round(still.size[0] * scale)), max(8, round(still.size[1] * scale))
    grey = cv2.cvtColor(cv2.resize(still.pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    picture = _edges(grey.astype(np.float32))
    picture = np.minimum(picture, np.percentile(picture, 95))
    steps = _edges(cv2.resize(near, size, interpolation=cv2.INTER_AREA))
    strongest = steps >= max(float(np.percentile(steps, 95)), 1e-6)

    def fits(mask: npt.NDArray[np.bool_]) -> float:
        return float(picture[mask].mean() / max(1e-6, float(picture.mean()))) if mask.any() else 0.0

    here = fits(strongest)
    for turned, how in (
        (strongest[::-1], "lies upside down"),
        (strongest[:, ::-1], "is mirrored"),
        (strongest[::-1, ::-1], "is turned by half"),
    ):
        there = fits(turned)
        if there > _BETTER * here and there > _LEAST_BETTER:
            return how
    return ""


def _edges(field: Floats) -> Floats:
    import cv2

    soft = cv2.GaussianBlur(field, (0, 0), 1.2)
    across, down = (cv2.Sobel(soft, cv2.CV_32F, *axes, ksize=3) for axes in ((1, 0), (0, 1)))
    strength: Floats = np.hypot(across, down).astype(np.float32)
    return strength
