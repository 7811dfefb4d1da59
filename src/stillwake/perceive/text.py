"""Lettering in the picture, read line by line by rapidocr, whose models come inside its wheel.

What is read is data and nothing else. The lines are found at a reduced size: the finder costs as much as all other
detectors together, and lettering too small for it is too small for a video to spoil.
"""

from __future__ import annotations

import contextlib
import logging
from functools import lru_cache
from typing import Any

import numpy as np

from stillwake.errors import StillwakeError
from stillwake.types import Pixels, Writing

_SIDE = 960
"""Longest side in px at which lines are looked for."""
_SURE_IT_IS_TEXT = 0.5
MOST_LINES = 40


@lru_cache(maxsize=1)
def _reader() -> Any:
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    try:
        with contextlib.suppress(Exception):
            import onnxruntime

            onnxruntime.set_default_logger_severity(3)
        from rapidocr import RapidOCR

        reader = RapidOCR(
            params={
                "Global.log_level": "error",
                "Det.limit_side_len": _SIDE,
                "Det.limit_type": "max",
                "Global.use_cls": False,
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise StillwakeError(
            "Cannot look for lettering",
            f"rapidocr, which carries the models that read it, does not start ({error})",
            "install stillwake again in a fresh environment",
        ) from error
    return reader


def writing_in(pixels: Pixels) -> tuple[Writing, ...]:
    """The lines of lettering in the picture, top to bottom; ``pixels`` (H, W, 3) uint8 RGB."""
    if min(pixels.shape[:2]) < 32:
        return ()
    answer = _reader()(np.ascontiguousarray(pixels[..., ::-1]), use_det=True, use_cls=False, use_rec=True,
                       text_score=0.0, box_thresh=_SURE_IT_IS_TEXT)  # fmt: skip
    if answer.boxes is None or answer.txts is None:
        return ()
    lines = []
    for corners, text, score in zip(answer.boxes, answer.txts, answer.scores, strict=True):
        (x0, y0), (x1, y1) = np.min(corners, 0), np.max(corners, 0)
        lines.append(Writing((float(x0), float(y0), float(x1), float(y1)), str(text), float(score)))
    return tuple(sorted(lines, key=lambda line: (line.box[1], line.box[0]))[:MOST_LINES])
