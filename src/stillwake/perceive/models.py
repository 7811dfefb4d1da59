"""The embedded models: nets inside mediapipe's wheel, run as small graphs of our own.

mediapipe's ready-made face mesh only looks where its short-range detector fires, and that one fires on dogs. Here
each net runs alone, on the crop it is given, and hands out its score. Loading is lazy, once per process; every
graph is deterministic (one thread, no state between two pictures).
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from stillwake.errors import StillwakeError
from stillwake.types import Box, Floats, Pixels

log = logging.getLogger(__name__)

MESH_SIDE = 192
"""Side of the mesh net's input in px."""
HAND_SIDE = 224
"""Side of the input in px of the net that puts landmarks on a hand."""

# The chatter of a graph that loads well; anything else that is written meanwhile is passed on.
_CHATTER = re.compile(
    rb"INFO: Created TensorFlow Lite XNNPACK delegate"
    rb"|All log messages before absl::InitializeLog"
    rb"|inference_feedback_manager\.cc"
    rb"|landmark_projection_calculator\.cc"
    rb"|gl_context(_egl)?\.cc"
)

# The graph runs in the thread that asks, and hands out plain numbers: another thread to wake and 478 messages to take
# apart cost about a tenth of a reading.
_MESH_GRAPH = """
executor { name: "" type: "ApplicationThreadExecutor" }
input_stream: "image"
input_stream: "roi"
output_stream: "numbers"
output_stream: "score"
node { calculator: "TfLiteCustomOpResolverCalculator" output_side_packet: "OP_RESOLVER:resolver" }
node { calculator: "ConstantSidePacketCalculator" output_side_packet: "PACKET:with_attention"
  options { [mediapipe.ConstantSidePacketCalculatorOptions.ext] { packet { bool_value: true } } } }
node { calculator: "FaceLandmarksModelLoader"
  input_side_packet: "WITH_ATTENTION:with_attention" output_side_packet: "MODEL:model" }
node { calculator: "ImageToTensorCalculator"
  input_stream: "IMAGE:image" input_stream: "NORM_RECT:roi" output_stream: "TENSORS:input"
  options { [mediapipe.ImageToTensorCalculatorOptions.ext] {
    output_tensor_width: 192 output_tensor_height: 192 output_tensor_float_range { min: 0 max: 1 } } } }
node { calculator: "InferenceCalculator"
  input_stream: "TENSORS:input" output_stream: "TENSORS:output"
  input_side_packet: "MODEL:model" input_side_packet: "OP_RESOLVER:resolver"
  options { [mediapipe.InferenceCalculatorOptions.ext] { delegate { xnnpack { num_threads: 1 } } } } }
node { calculator: "SplitTensorVectorCalculator"
  input_stream: "output" output_stream: "landmark_tensors" output_stream: "score_tensors"
  options { [mediapipe.SplitVectorCalculatorOptions.ext] {
    ranges { begin: 0 end: 6 } ranges { begin: 6 end: 7 } } } }
node { calculator: "TensorsToFaceLandmarksWithAttention"
  input_stream: "TENSORS:landmark_tensors" output_stream: "LANDMARKS:landmarks" }
node { calculator: "ImagePropertiesCalculator" input_stream: "IMAGE:image" output_stream: "SIZE:size" }
node { calculator: "LandmarksToTensorCalculator"
  input_stream: "NORM_LANDMARKS:landmarks" input_stream: "IMAGE_SIZE:size" output_stream: "TENSORS:places"
  options { [mediapipe.LandmarksToTensorCalculatorOptions.ext] { attributes: [X, Y, Z] } } }
node { calculator: "TensorsToFloatsCalculator" input_stream: "TENSORS:places" output_stream: "FLOATS:numbers" }
node { calculator: "TensorsToFloatsCalculator"
  input_stream: "TENSORS:score_tensors" output_stream: "FLOAT:score"
  options { [mediapipe.TensorsToFloatsCalculatorOptions.ext] { activation: SIGMOID } } }
"""

_HAND_GRAPH = """
executor { name: "" type: "ApplicationThreadExecutor" }
input_stream: "image"
input_stream: "roi"
output_stream: "numbers"
output_stream: "score"
output_stream: "side"
node { calculator: "ImageToTensorCalculator"
  input_stream: "IMAGE:image" input_stream: "NORM_RECT:roi" output_stream: "TENSORS:input"
  options { [mediapipe.ImageToTensorCalculatorOptions.ext] {
    output_tensor_width: 224 output_tensor_height: 224 output_tensor_float_range { min: 0 max: 1 } } } }
node { calculator: "InferenceCalculator"
  input_stream: "TENSORS:input" output_stream: "TENSORS:output"
  options { [mediapipe.InferenceCalculatorOptions.ext] {
    model_path: "mediapipe/modules/hand_landmark/hand_landmark_full.tflite"
    delegate { xnnpack { num_threads: 1 } } } } }
node { calculator: "SplitTensorVectorCalculator"
  input_stream: "output" output_stream: "places" output_stream: "is_hand" output_stream: "is_right"
  options { [mediapipe.SplitVectorCalculatorOptions.ext] {
    ranges { begin: 0 end: 1 } ranges { begin: 1 end: 2 } ranges { begin: 2 end: 3 } } } }
node { calculator: "TensorsToFloatsCalculator" input_stream: "TENSORS:places" output_stream: "FLOATS:numbers" }
node { calculator: "TensorsToFloatsCalculator" input_stream: "TENSORS:is_hand" output_stream: "FLOAT:score" }
node { calculator: "TensorsToFloatsCalculator" input_stream: "TENSORS:is_right" output_stream: "FLOAT:side" }
"""

# Importing these registers the options that our graphs set.
_OPTIONS = (
    "calculators.core.constant_side_packet_calculator_pb2",
    "calculators.core.split_vector_calculator_pb2",
    "calculators.tensor.image_to_tensor_calculator_pb2",
    "calculators.tensor.inference_calculator_pb2",
    "calculators.tensor.landmarks_to_tensor_calculator_pb2",
    "calculators.tensor.tensors_to_floats_calculator_pb2",
    "modules.face_detection.face_detection_pb2",
    "python.solution_base",
)


class _Deferred(ModuleType):
    """A stand-in for a module that is imported when somebody first asks it for something."""

    def __init__(self, name: str, real: str) -> None:
        super().__init__(name)
        self.__dict__["_real"] = real

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self.__dict__["_real"]), attribute)


@contextlib.contextmanager
def _without_matplotlib() -> Iterator[None]:
    """Keeps pyplot out of the import, .5 s of 1.1 s: mediapipe's drawing helpers get it when they first draw."""
    if "matplotlib" in sys.modules:
        yield
        return
    pyplot = _Deferred("matplotlib.pyplot", "matplotlib.pyplot")
    package = _Deferred("matplotlib", "matplotlib")
    package.__dict__["pyplot"] = pyplot
    mine: dict[str, ModuleType] = {"matplotlib": package, "matplotlib.pyplot": pyplot}
    sys.modules.update(mine)
    try:
        yield
    finally:
        for name, module in mine.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """Native code writes its start-up chatter to file descriptor 2: hold it back, pass on all that is not chatter."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held.read().splitlines(keepends=True):
                if _CHATTER.search(line):
                    log.debug("mediapipe: %s", line.decode(errors="replace").rstrip())
                else:
                    os.write(2, line)


_loading = threading.RLock()


@lru_cache(maxsize=1)
def _mediapipe() -> Any:
    """The package ``mediapipe``, imported.

    Raises
    ------
    stillwake.errors.StillwakeError
        It cannot be imported, or is a release that carries no models.
    """
    with _without_matplotlib(), _without_chatter():
        try:
            import mediapipe

            for name in _OPTIONS:
                importlib.import_module(f"mediapipe.{name}")
        except (ImportError, AttributeError) as error:
            raise StillwakeError(
                "Cannot look at pictures",
                f"mediapipe 0.10.21, which carries the face models, does not import ({error})",
                "install stillwake again in a fresh environment with Python 3.11 or 3.12",
            ) from error
    return mediapipe


class Net:
    """One graph, started and warmed up; calls from several threads are taken one at a time.

    One that ``chatters`` writes to file descriptor 2 when it first finds something, too.
    """

    def __init__(self, warm: dict[str, Any], *, chatters: bool = False, **how: Any) -> None:
        self._chatters = chatters
        with _loading:
            _mediapipe()
            from mediapipe.python.solution_base import SolutionBase

            self._lock = threading.Lock()
            with _without_chatter():
                try:
                    self._graph = SolutionBase(**how)
                    self._graph.process(warm)
                except (RuntimeError, FileNotFoundError) as error:
                    raise StillwakeError(
                        "Cannot look at pictures",
                        f"a model of mediapipe does not start ({str(error).splitlines()[0]})",
                        "install mediapipe 0.10.21 again",
                    ) from error

    def run(self, **inputs: Any) -> Any:
        """The graph's answer, with its outputs as attributes."""
        with self._lock:
            if not self._chatters:
                return self._graph.process(inputs)
            with _loading, _without_chatter():
                return self._graph.process(inputs)


@dataclass(frozen=True, slots=True)
class Detection:
    """A face as a detector boxes it: ``box`` in px, ``eyes`` (viewer's left, right) in px, ``score`` 0..1."""

    box: Box
    eyes: tuple[tuple[float, float], tuple[float, float]]
    score: float

    @property
    def size(self) -> float:
        """The longer side of the box in px."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


BLANK = np.zeros((64, 64, 3), np.uint8)


@lru_cache(maxsize=2)
def _detector(near: bool) -> Net:
    kind = "short" if near else "full"
    threshold = f"facedetection{kind}range__facedetection__TensorsToDetectionsCalculator.min_score_thresh"
    return Net(
        {"image": BLANK},
        binary_graph_path=f"mediapipe/modules/face_detection/face_detection_{kind}_range_cpu.binarypb",
        calculator_params={threshold: 0.1},
        outputs=["detections"],
    )


def detect(pixels: Pixels, *, near: bool = False) -> list[Detection]:
    """Faces with a score of at least .1, best first, by the full-range detector (or, ``near``, the short-range one).

    ``pixels`` (H, W, 3) uint8 RGB. The net sees 192 × 192 px (128 × 128 near): faces under about a thirtieth of the
    longer side are missed.
    """
    import cv2

    height, width = pixels.shape[:2]
    # the graph samples bilinearly: reduce by area first, or small faces alias away
    scale = min(1.0, 2 * MESH_SIDE / max(height, width))
    small = pixels
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    found = _detector(near).run(image=np.ascontiguousarray(small)).detections or []
    faces = []
    for item in found:
        area = item.location_data.relative_bounding_box
        x0, y0 = area.xmin * width - 0.5, area.ymin * height - 0.5
        eyes = [(p.x * width - 0.5, p.y * height - 0.5) for p in item.location_data.relative_keypoints[:2]]
        faces.append(
            Detection((x0, y0, x0 + area.width * width, y0 + area.height * height), (eyes[0], eyes[1]), item.score[0])
        )
    return sorted(faces, key=lambda face: -face.score)


SAMPLED = 1.2
"""How much smaller a picture may be drawn by sampling alone: beyond it fine texture would alias."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A turned square of the picture: centre in px, ``side`` in px, ``angle`` in degrees clockwise."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    def matrix(self, side: int) -> Floats:
        """(2, 3): from px of the picture to px of the crop drawn ``side`` px wide, both counted at pixel centres."""
        scale = side / self.side
        cos, sin = np.cos(np.radians(self.angle)) * scale, np.sin(np.radians(self.angle)) * scale
        middle = side / 2 - 0.5
        return np.array(
            [[cos, sin, middle - cos * self.x - sin * self.y], [-sin, cos, middle + sin * self.x - cos * self.y]],
            np.float32,
        )

    def cut(self, pixels: Pixels, side: int) -> Pixels:
        """The crop, (side, side, 3) uint8; beyond the picture its border goes on. Large crops are averaged first."""
        import cv2

        height, width = pixels.shape[:2]
        matrix = self.matrix(side)
        smaller = self.side / side
        if smaller > SAMPLED:
            # halved, then blurred a little: an area average by an odd factor takes ten times as long
            halvings = int(np.log2(smaller))
            whole = 2**halvings
            half = self.side * 0.71 + 2
            x0, x1 = (int(np.clip(v, 0, width)) for v in (self.x - half, self.x + half + 1))
            y0, y1 = (int(np.clip(v, 0, height)) for v in (self.y - half, self.y + half + 1))
            across, down = (x1 - x0) // whole, (y1 - y0) // whole
            if min(across, down) > 1:
                part = pixels[y0 : y0 + down * whole, x0 : x0 + across * whole]
                for _ in range(halvings):
                    size = part.shape[1] // 2, part.shape[0] // 2
                    part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
                rest = smaller / whole
                if rest > SAMPLED:
                    part = cv2.GaussianBlur(part, (3, 3), ((rest**2 - 1) / 12) ** 0.5)
                # px of the part -> px of the picture, at pixel centres
                middle = whole / 2 - 0.5
                back = np.array([[whole, 0, x0 + middle], [0, whole, y0 + middle], [0, 0, 1]], np.float64)
                matrix = (np.vstack([matrix, [0, 0, 1]]) @ back)[:2].astype(np.float32)
                pixels = part
        drawn: Pixels = cv2.warpAffine(
            pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return drawn


@lru_cache(maxsize=2)
def _on_crops(graph: str, side: int, outputs: tuple[str, ...]) -> tuple[Net, Any]:
    """A graph that is given crops of ``side`` px, and the region "all of it"."""
    _mediapipe()
    from google.protobuf import text_format  # type: ignore[import-untyped]  # its stubs are a package of their own
    from mediapipe.framework import calculator_pb2
    from mediapipe.framework.formats import rect_pb2

    whole = rect_pb2.NormalizedRect(x_center=0.5, y_center=0.5, width=1, height=1)
    net = Net(
        {"image": np.zeros((side, side, 3), np.uint8), "roi": whole},
        graph_config=text_format.Parse(graph, calculator_pb2.CalculatorGraphConfig()),
        outputs=list(outputs),
    )
    return net, whole


def _on_picture(flat: Floats, crop: Crop, side: int) -> Floats:
    """Points (N, 3) in px of a crop drawn ``side`` px wide, in px of the picture; z in px too."""
    flat = np.asarray(flat, np.float64).reshape(-1, 3) / side
    cos, sin = np.cos(np.radians(crop.angle)), np.sin(np.radians(crop.angle))
    u, v = (flat[:, 0] - 0.5) * crop.side, (flat[:, 1] - 0.5) * crop.side
    points = np.stack([crop.x + cos * u - sin * v, crop.y + sin * u + cos * v, flat[:, 2] * crop.side], 1)
    return np.asarray(points, np.float32)


def read_mesh(pixels: Pixels, crop: Crop) -> tuple[Floats, float]:
    """The 478 landmarks in the crop, (478, 3) float32 px of the picture, and the net's own score 0..1.

    z is in px too, negative towards the viewer. The net always answers, whatever lies in the crop.
    """
    net, whole = _on_crops(_MESH_GRAPH, MESH_SIDE, ("numbers", "score"))
    answer = net.run(image=crop.cut(pixels, MESH_SIDE), roi=whole)
    return _on_picture(np.array(answer.numbers), crop, MESH_SIDE), float(answer.score)


def read_hand(pixels: Pixels, crop: Crop) -> tuple[Floats, float, float]:
    """The 21 landmarks of the hand in the crop, (21, 2) float32 px of the picture; how likely it is one; a right one.

    Both are 0..1. The crop is upright, the fingers above, and about 1.5 times as long as the hand. The net always
    answers, whatever lies in the crop.
    """
    net, whole = _on_crops(_HAND_GRAPH, HAND_SIDE, ("numbers", "score", "side"))
    answer = net.run(image=crop.cut(pixels, HAND_SIDE), roi=whole)
    return _on_picture(np.array(answer.numbers), crop, HAND_SIDE)[:, :2], float(answer.score), float(answer.side)


@lru_cache(maxsize=2)
def _segmenter(model: int) -> Net:
    return Net(
        {"image": BLANK},
        binary_graph_path="mediapipe/modules/selfie_segmentation/selfie_segmentation_cpu.binarypb",
        side_inputs={"model_selection": model},
        outputs=["segmentation_mask"],
    )


def segment(pixels: Pixels, *, wide: bool = False) -> Floats:
    """How likely each pixel is a person, (H, W) float32 0..1.

    The net sees the picture squeezed to 256 × 256 px, the ``wide`` one to 256 × 144.
    """
    mask = _segmenter(int(wide)).run(image=np.ascontiguousarray(pixels)).segmentation_mask
    return np.clip(np.asarray(mask, np.float32), 0, 1)


@lru_cache(maxsize=8)
def own_net(weights: Path) -> Any:
    """A net of our own, loaded once a process: one thread, so that the same picture gives the same numbers."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
