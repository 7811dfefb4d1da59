"""Colours of a segment matched to those of the picture that it began from, in CIELAB."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from stillwake.types import Pixels

ALIKE = 0.8
"""Correlation of lightness, at a sixteenth of the size, above which a first frame shows the picture it began from."""
FURTHEST = 12.0
"""CIELAB units by which a mean may be moved: more is another light, which somebody asked for."""
SCALES = (0.75, 1.33)
"""Within which a spread may be scaled."""
UNSEEN = 0.4
"""CIELAB units below which nobody sees a shift, and every rounding makes one."""


def matched(frames: Iterator[Pixels], anchor: Pixels) -> Iterator[Pixels]:
    """The frames, (H, W, 3) uint8 RGB, with the colours that make the first one look like ``anchor``.

    Mean and spread of each CIELAB channel are carried over (Reinhard et al., Color transfer between images, 2001), the
    same for every frame, so that nothing flickers. Frames that begin with another picture stay as they are.
    """
    import cv2

    change: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None = None
    for index, frame in enumerate(frames):
        if index == 0:
            change = _change(frame, anchor)
        if change is None:
            yield frame
            continue
        scale, shift = change
        lab = cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) * scale + shift
        drawn = cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_LAB2RGB)
        yield np.clip(np.rint(drawn * 255), 0, 255).astype(np.uint8)


def _change(first: Pixels, anchor: Pixels) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None:
    """By what CIELAB is multiplied and what is added, (3,) each; None where nothing has to change."""
    import cv2

    size = (max(16, first.shape[1] // 16), max(16, first.shape[0] // 16))
    small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (first, anchor)]
    ours, theirs = (cv2.cvtColor(one.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3) for one in small)
    spread = ours.std(axis=0), theirs.std(axis=0)
    if min(spread[0][0], spread[1][0]) > 1 and np.corrcoef(ours[:, 0], theirs[:, 0])[0, 1] < ALIKE:
        return None
    scale = np.clip(spread[1] / np.maximum(spread[0], 1.0), *SCALES)
    scale = np.where(np.maximum(*spread) < 1.0, 1.0, scale)
    means = ours.mean(axis=0), theirs.mean(axis=0)
    if np.abs(means[1] - means[0]).max() < UNSEEN and np.abs(scale - 1).max() < 0.01:
        return None
    if np.abs(means[1] - means[0]).max() > FURTHEST:
        return None
    return scale.astype(np.float32), (means[1] - scale * means[0]).astype(np.float32)
