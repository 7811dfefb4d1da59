"""Pictures of our own to try living stills on: a coast with a brush for its water, and a room with its depth.

``python -m benchmarks.pictures FOLDER`` writes ``coast.jpg`` and ``water.json``, ``room.jpg``, ``room-depth.png`` and
``moves.json``, key frames of a camera. Nothing in them is anybody else's: formulas and noise.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from stillwake.types import Floats, Pixels

SIZE = (1280, 720)
"""Width and height in px."""
HORIZON = 0.40
WATER: dict[str, Any] = {
    "schema": "stillwake/brush@1",
    "units": "share",
    "polygons": [[[0.0, 0.655], [0.16, 0.585], [0.30, 0.505], [0.33, 0.425], [1.0, 0.425], [1.0, 1.0], [0.0, 1.0]]],
    "arrows": [[0.85, 0.62, 0.55, 0.62], [0.95, 0.90, 0.35, 0.88]],
    "still": [[[0.632, 0.585], [0.632, 0.552], [0.655, 0.488], [0.668, 0.488], [0.689, 0.552], [0.689, 0.585]]],
    "speed": 26,
}
"""The brush for the coast's water, a `stillwake/brush@1`: the boat stands still."""
MOVES: dict[str, Any] = {
    "keys": [
        {"at": 0.0, "zoom": 1.05},
        {"at": 0.5, "push": 0.06, "truck": 0.02, "zoom": 1.05},
        {"at": 1.0, "push": 0.1, "truck": -0.02, "zoom": 1.05, "roll": 0.5},
    ]
}
"""A camera in key frames, a `stillwake/camera@1`."""
Array = npt.NDArray[np.float64]


def noise(rng: np.random.Generator, x: Array, y: Array, octaves: int, gain: float = 0.55) -> Array:
    """Smooth noise of several octaves at places counted in the coarsest one's knots, about -1..1."""
    total, share, norm = np.zeros(x.shape), 1.0, 0.0
    for octave in range(octaves):
        table = rng.uniform(-1, 1, (256, 256)).astype(np.float32)
        at = [(axis * 2**octave % 255).astype(np.float32) for axis in (x, y)]
        total += share * cv2.remap(table, *at, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)
        norm += share
        share *= gain
    return total / norm


def mixed(one: Array, other: Any, share: Array) -> Array:
    """Two pictures blended, ``share`` (h, w) of the second."""
    return one + (np.asarray(other, np.float64) - one) * share[..., None]


def coast() -> Pixels:
    """A bay under soft clouds, with a cliff to the left and a small boat, (720, 1280, 3) uint8 RGB."""
    rng = np.random.default_rng(61)
    width, height = SIZE
    y, x = np.mgrid[:height, :width] / height
    picture = mixed(np.full((height, width, 3), (120.0, 160, 205)), (238, 226, 205), np.clip(y / HORIZON, 0, 1))
    far = np.clip(HORIZON - y, 0.015, None)
    clouds = noise(rng, 0.5 * (x - 0.9) / (far + 0.25) + 9, 0.55 / (far + 0.1), 5)
    picture = mixed(picture, (250, 246, 240), np.clip(0.25 + 1.7 * clouds, 0, 0.8) * (y < HORIZON))
    near = np.clip(y - HORIZON, 0.004, None)
    across, away = (x - 0.9) / (near + 0.06), 1 / (near + 0.06)
    swell = noise(rng, 1.8 * across + 60, 7.0 * away + 40, 5, 0.7)
    chop = noise(rng, 9 * across + 20, 22 * away + 11, 3, 0.75)
    light = 0.55 * swell + 0.45 * chop
    sea = mixed(np.full((height, width, 3), (30.0, 74, 92)), (98, 150, 160), np.clip(0.45 + 1.3 * light, 0, 1))
    sea = mixed(sea, (205, 216, 214), np.clip(3.2 * light - 0.95, 0, 0.8))
    sea = mixed(sea, (168, 190, 200), np.clip(1 - 4.5 * near, 0, 1) * 0.7)
    picture = np.where((y >= HORIZON)[..., None], sea, picture)
    edge = 0.34 + 0.42 * (y - 0.18) + 0.05 * noise(rng, y * 9 + 3, y * 0 + 5, 4) + 0.02 * noise(rng, y * 40, y * 0, 2)
    top = 0.17 + 0.10 * x + 0.02 * noise(rng, x * 12 + 1, x * 0 + 9, 4)
    cliff = (x < edge) & (y > top) & (y < 0.62 - 0.30 * x + 0.012 * noise(rng, x * 20 + 5, x * 0 + 2, 3))
    rock = noise(rng, x * 9 + 0.3 * y, y * 26 + 5 * x, 6, 0.72)
    stone = mixed(np.full((height, width, 3), (74.0, 64, 56)), (172, 152, 126), np.clip(0.5 + 1.1 * rock, 0, 1))
    grass = np.clip((top + 0.045 + 0.03 * rock - y) * 40, 0, 1)
    stone = mixed(stone, (84, 104, 54), grass * np.clip(0.75 + 0.5 * rock, 0, 1))
    soft = cv2.GaussianBlur(cliff.astype(np.float64), (0, 0), 0.8)
    picture = mixed(picture, stone, soft)
    canvas = np.ascontiguousarray(np.clip(np.rint(picture), 0, 255).astype(np.uint8))
    return _boat(canvas, np.array([0.66 * width, 0.56 * height]), 30.0)


def _boat(canvas: Pixels, at: Array, length: float) -> Pixels:
    def fill(points: list[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        px = np.round((np.array(points) * length + at) * 16).astype(np.int32)
        cv2.fillPoly(canvas, [px], colour, lineType=cv2.LINE_AA, shift=4)

    fill([(-1.0, 0.0), (1.05, 0.0), (0.75, 0.34), (-0.8, 0.34)], (118, 38, 34))
    fill([(-0.02, -1.5), (0.05, -1.5), (0.05, 0.0), (-0.02, 0.0)], (60, 44, 36))
    fill([(0.09, -1.42), (0.85, -0.12), (0.09, -0.12)], (244, 238, 224))
    fill([(-0.08, -1.30), (-0.62, -0.12), (-0.08, -0.12)], (232, 222, 204))
    return canvas


def room() -> tuple[Pixels, Floats]:
    """A room seen along a long wall, (720, 1280, 3) uint8 RGB, and its nearness, (720, 1280) 0..1."""
    rng = np.random.default_rng(57)
    width, height = SIZE
    y, x = np.mgrid[:height, :width] / height
    vx, vy = 0.84, 0.46
    sides = np.stack([(vy - y) / vy, (y - vy) / (1 - vy), (vx - x) / vx, (x - vx) / (width / height - vx)])
    which, near = sides.argmax(0), np.maximum(sides.max(0), 1e-4)
    back = near < 0.30
    near = np.where(back, 0.30, near)
    depth = 1 / near
    along = np.where(which < 2, (x - vx) / near, (y - vy) / near)
    picture = np.zeros((height, width, 3))
    boards = noise(rng, depth * 1.2 + 2, np.floor(along * 6) * 7.3 + 40, 3) + 0.4 * noise(
        rng, depth * 9, along * 60 + 90, 3
    )
    gaps = np.abs(along * 6 % 1 - 0.5) > 0.47
    floor = mixed(np.full_like(picture, (112, 74, 46)), (178, 130, 88), np.clip(0.5 + boards, 0, 1))
    floor = mixed(floor, (58, 38, 24), gaps * 0.8)
    paper = noise(rng, depth * 30, along * 30 + 50, 3, 0.8)
    wall = mixed(np.full_like(picture, (196, 186, 164)), (222, 214, 196), np.clip(0.5 + paper, 0, 1))
    stripe = (np.abs(depth * 4 % 1 - 0.5) < 0.08) & ((y - vy) / near < 0.75)
    wall = mixed(wall, (150, 164, 150), 0.6 * stripe)
    wall = mixed(wall, (236, 232, 222), np.asarray((y - vy) / near > 0.44, float))
    window = (which == 2) & (np.abs(depth - 1.75) < 0.42) & (np.abs((y - vy) / near + 0.10) < 0.26)
    light = noise(rng, x * 8, y * 8 + 30, 4)
    wall = mixed(wall, (226, 238, 248), window * 1.0)
    wall = mixed(wall, (150, 180, 140), window * np.clip(1.5 * light, 0, 0.8))
    bars = window & ((np.abs(depth - 1.75) < 0.012) | (np.abs((y - vy) / near + 0.10) < 0.012))
    wall = mixed(wall, (246, 244, 238), bars * 1.0)
    ceiling = np.full_like(picture, (228, 224, 214))
    end = mixed(np.full_like(picture, (168, 154, 136)), (186, 172, 152), np.clip(0.5 + 0.6 * light, 0, 1))
    door = (np.abs(x - vx + 0.01) < 0.055) & (y > vy - 0.08)
    end = mixed(end, (96, 66, 48), door * 1.0)
    for face, part in enumerate((ceiling, floor, wall, wall)):
        picture = np.where((which == face)[..., None], part, picture)
    picture = np.where(back[..., None], end, picture)
    picture *= (0.50 + 0.5 * np.clip(near, 0, 1) ** 0.5)[..., None]
    grain = rng.normal(0, 2.0, (height, width, 1))
    pixels = np.clip(np.rint(cv2.GaussianBlur(picture, (0, 0), 0.6) + grain), 0, 255).astype(np.uint8)
    return pixels, (near / near.max()).astype(np.float32)


def write(folder: Path) -> None:
    """Write every picture and what belongs to it into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    inside, near = room()
    for name, pixels in (("coast.jpg", coast()), ("room.jpg", inside)):
        cv2.imwrite(str(folder / name), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 94])
    cv2.imwrite(str(folder / "room-depth.png"), np.rint(near * 255).astype(np.uint8))
    for name, values in (("water.json", WATER), ("moves.json", MOVES)):
        (folder / name).write_text(json.dumps(values) + "\n", encoding="utf-8")
    print(f"coast.jpg, water.json, room.jpg, room-depth.png and moves.json lie in {folder}")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
