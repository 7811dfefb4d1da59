"""HDR and wide colours brought to sRGB, as a common screen would show them.

What is as bright as paper keeps its place and what is brighter is rolled off below white, so that a face looks as it
does on an HDR screen and not grey. The curves are those of ITU-R BT.2100-2 (PQ, HLG), the level of white 203 cd/m²
from ITU-R BT.2408-7, the matrix from ITU-R BT.2087-0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stillwake.types import Floats, Pixels

PQ, HLG = 16, 18
"""Transfer curves as ISO/IEC 23091-2 (H.273) numbers them."""
HDR = (PQ, HLG)
BT2020 = 9
"""Wide primaries, as H.273 numbers them."""
WHITE = 203.0
"""cd/m² of what becomes white: HDR's reference white."""
PEAK = 1000.0
"""cd/m² of the screen that HLG is shown on, with its system gamma of 1.2."""
KNEE = 0.8
"""Share of white up to which brightness is kept; above, it nears white and never passes it."""
HIGHEST = 4.0
"""Times white; what is brighter is white as well."""

_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
_LUMA = np.array([[0.2627, 0.6780, 0.0593]], np.float32)
_STEPS = 4096


class Wide:
    """Converts (H, W, 3) uint16 RGB of a ``transfer`` curve, of BT.2020's primaries if ``wide``, to uint8 sRGB."""

    def __init__(self, transfer: int, wide: bool) -> None:
        self.wide, self.hlg = wide, transfer == HLG
        code = np.linspace(0, 1, _STEPS)
        self.linear = {PQ: _pq, HLG: _hlg}.get(transfer, _srgb_to_linear)(code).astype(np.float32)
        shown = np.arange(_STEPS) / (_STEPS - 1)  # of the square root, so that the darks have steps enough
        rolled = _rolled(HIGHEST * shown**2) if transfer in HDR else np.minimum(1, HIGHEST * shown**2)
        self.shown = np.round(255 * _linear_to_srgb(rolled)).astype(np.uint8)

    def __call__(self, pixels: npt.NDArray[Any]) -> Pixels:
        """The picture as sRGB, (H, W, 3) uint8."""
        import cv2

        light: Floats = self.linear[pixels >> 4]
        if self.hlg:  # the curve gives the scene; a screen raises its brightness to the power of 1.2
            luma = cv2.transform(light, _LUMA)
            light *= cv2.pow(np.maximum(luma, 1e-6), 0.2)[..., None] * np.float32(PEAK / WHITE)
        if self.wide:
            light = cv2.transform(light, _TO_709)
        steps = cv2.sqrt(np.clip(light, 0, HIGHEST)) * np.float32((_STEPS - 1) / HIGHEST**0.5) + np.float32(0.5)
        shown: Pixels = self.shown[steps.astype(np.uint16)]
        return shown


def _pq(code: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Light in units of `WHITE` (BT.2100-2, table 4)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = code ** (1 / m2)
    light: npt.NDArray[np.float64] = 10_000 / WHITE * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return light


def _hlg(code: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Light of the scene, 0..1 (BT.2100-2, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)


def _srgb_to_linear(code: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def _linear_to_srgb(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _rolled(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(light <= KNEE, light, 1 - (1 - KNEE) * np.exp(-np.maximum(light - KNEE, 0) / (1 - KNEE)))
