"""How near things are, for a camera: 1 at the subject, 0 infinitely far, one smooth field for each layer.

A picture gives little of it away, and a moving camera needs little: a smooth field that is wrong costs a mild shear,
an edge in the wrong place costs a tear. So depth has edges only where the subject's matte has them. What a person
gives (`Scene.depth`) is used where it is trusted and carried on smoothly where a layer goes on behind another.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator.anatomy import smoothstep
from stillwake.engines.animator.fields import Grid
from stillwake.engines.animator.layers import Layers
from stillwake.types import Floats, Scene, Size

INFLATED = 0.10
"""How much nearer the middle of a subject is than its outline."""
_CUT_OFF = 0.985
"""A subject that reaches further down than this share of the picture stands on nothing that is seen."""
_HORIZON = 0.42
_PLAIN, _BUSY = 4.0, 15.0
"""Mean absolute Laplacian, levels, of a background that is out of focus, and of one that is all lines."""
_SHARES = {"plain": 0.04, "textured": 0.03, "busy": 0.015}
"""What may come into view at the subject's rim, as a share of the width: judged by eye on filled-in backgrounds."""
_COARSE = 240
"""Px of the shorter side at which nearness is worked out: it is smooth."""
_UNSURE, _MOVED = 0.2, 0.1
"""A rim that is a guess over more than this share, or a matte that had to be changed by more, carries half of it."""


def nearness(scene: Scene, layers: Layers, grid: Grid) -> tuple[Floats, ...]:
    """The nearness (h, w) float32 on the grid's nodes of each layer, back to front."""
    import cv2

    scale = max(1, round(min(scene.still.size) / _COARSE))
    size = (max(1, scene.still.size[0] // scale), max(1, scene.still.size[1] // scale))
    width, height = size

    def small(field: Floats) -> Floats:
        shrunk: Floats = cv2.resize(field, size, interpolation=cv2.INTER_AREA)
        return shrunk

    depth = None if scene.depth is None else small(scene.depth)
    if layers.alpha is None:
        if depth is None:
            return (np.ones(grid.shape, np.float32),)
        scaled = depth / max(1e-3, float(np.percentile(depth, 80)))
        return (_on(grid, cv2.GaussianBlur(scaled.astype(np.float32), (0, 0), 0.012 * width), scene.still.size),)
    alpha = small(layers.alpha)
    solid = alpha > 0.5
    if depth is not None:
        depth = depth / max(1e-3, float(np.percentile(depth[solid], 60)))
        core = cv2.erode(solid.astype(np.uint8), np.ones((3, 3))) > 0
        back = _carried_on(depth, cv2.dilate((alpha > 0.02).astype(np.uint8), np.ones((3, 3))) == 0, 0.012 * width)
        front = _carried_on(depth, core if core.any() else solid, 0.02 * width)
        return (
            _on(grid, np.minimum(back, 1.5), scene.still.size),
            _on(grid, np.clip(front, 0.5, 1.6), scene.still.size),
        )
    inside = cv2.distanceTransform(solid.astype(np.uint8), cv2.DIST_L2, 5)
    dome = np.sqrt(inside / max(1.0, float(inside.max())))
    dome = cv2.GaussianBlur(dome.astype(np.float32), (0, 0), 0.02 * width)
    front = _carried_on((1 + INFLATED * (dome - 0.5)).astype(np.float32), solid, 0.02 * width)
    rows = np.flatnonzero(solid.any(1))
    foot, y = float(rows[-1] + 1) / height, np.linspace(0, 1, height)[:, None]
    if foot > _CUT_OFF:
        ramp = 0.40 + 0.18 * smoothstep(y, _HORIZON, 1.05)  # nothing is known: a gentle slope that never reaches it
    else:
        horizon = _horizon(scene, float(rows[0]) / height, foot)
        ramp = 0.12 + 0.88 * np.clip((y - horizon) / max(0.15, foot - horizon), 0, 1.5)  # the ground, up to its feet
    back = cv2.GaussianBlur(np.repeat(ramp, width, 1).astype(np.float32), (0, 0), 0.03 * height)
    return _on(grid, back, scene.still.size), _on(grid, front, scene.still.size)


def _horizon(scene: Scene, top: float, foot: float) -> float:
    """Where the ground ends, as a share of the height: at the eyes of somebody who stands."""
    if scene.faces and foot - top > 0.55:
        eyes = [float(eye.upper_lid[:, 1].mean()) for eye in scene.faces[0].eyes]
        return float(np.clip(np.mean(eyes) / scene.still.size[1], 0.2, min(0.6, foot - 0.15)))
    return min(_HORIZON, foot - 0.15)


def carried(scene: Scene, layers: Layers) -> tuple[float, str]:
    """Px of background that may come into view at the subject's rim, and the kind of background in a word."""
    import cv2

    if layers.alpha is None or layers.cut is None:
        return 0.0, "none"
    width = scene.still.size[0]
    hidden = (layers.alpha > 0.02).astype(np.uint8)
    ring = (cv2.dilate(hidden, _square(0.04 * width)) > 0) & (cv2.dilate(hidden, _square(0.012 * width)) == 0)
    kind = "plain"
    if ring.any():
        grey = cv2.cvtColor(scene.still.pixels, cv2.COLOR_RGB2GRAY)
        rough = float(np.abs(cv2.Laplacian(grey, cv2.CV_16S))[ring].mean())
        kind = "plain" if rough < _PLAIN else "textured" if rough < _BUSY else "busy"
    share = _SHARES[kind] * (0.5 if layers.cut.unsure > _UNSURE or layers.cut.moved > _MOVED else 1.0)
    return share * width, kind


def rim_nodes(layers: Layers, grid: Grid) -> npt.NDArray[np.bool_] | None:
    """The nodes (h, w) at the subject's outline, or None without one."""
    if layers.alpha is None:
        return None
    alpha = _on(grid, layers.alpha, (layers.alpha.shape[1], layers.alpha.shape[0]))
    rim: npt.NDArray[np.bool_] = (alpha > 0.05) & (alpha < 0.95)
    rim[[0, -1]] = rim[:, [0, -1]] = False
    return rim


def subject_nodes(layers: Layers, grid: Grid) -> npt.NDArray[np.bool_] | None:
    """The nodes (h, w) in whose cells, or next to them, the subject is, or None without one."""
    import cv2

    if layers.alpha is None:
        return None
    there = cv2.dilate((layers.alpha > 0.02).astype(np.float32), np.ones((2 * grid.step + 1,) * 2, np.uint8))
    nodes: npt.NDArray[np.bool_] = _on(grid, there, (there.shape[1], there.shape[0])) > 0
    return nodes


def _on(grid: Grid, field: Floats, size: Size) -> Floats:
    """A field (h, w) over a picture of ``size`` at the nodes of the grid, carried on beyond it."""
    import cv2

    share = np.array([field.shape[1] / size[0], field.shape[0] / size[1]], np.float32)
    at = (grid.nodes + np.float32(0.5)) * share - np.float32(0.5)
    sampled: Floats = cv2.remap(field, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return sampled


def _carried_on(field: Floats, known: npt.NDArray[np.bool_], sigma: float) -> Floats:
    """The field (H, W) smoothed where it is ``known`` and carried on from there, nearest first."""
    import cv2

    height, width = known.shape
    scale = max(1, round(sigma / 4))
    small = max(1, width // scale), max(1, height // scale)
    weight = known.astype(np.float32)
    share = cv2.resize(weight, small, interpolation=cv2.INTER_AREA)
    sums = cv2.resize(field * weight, small, interpolation=cv2.INTER_AREA)
    top, bottom = np.zeros_like(sums), np.full_like(share, 1e-9)
    for reach, gain in ((1, 1.0), (3, 0.02), (9, 4e-4), (30, 1e-6)):
        blur = reach * sigma / scale
        top += gain * cv2.GaussianBlur(sums, (0, 0), blur)
        bottom += gain * cv2.GaussianBlur(share, (0, 0), blur)
    smooth: Floats = cv2.resize(top / bottom, (width, height), interpolation=cv2.INTER_LINEAR)
    return smooth


def _square(side: float) -> npt.NDArray[np.uint8]:
    n = 2 * max(1, round(side)) + 1
    return np.ones((n, n), np.uint8)
