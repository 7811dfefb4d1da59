"""Living stills at 720p: rendering and encoding together against encoding alone, the build, and memory.

The still is skimage's astronaut as a talking head of 1280 x 720, or ``--still FILE``. The brush covers the background
beside the head. Frames that were drawn before are encoded alone; both runs go through the same `write_clip`, one after
the other, so that a noisy machine hits both.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.living import at_720
from benchmarks.render import talking_head
from stillwake.engines import frames
from stillwake.engines.animator import Animator
from stillwake.engines.animator.living import Living
from stillwake.engines.animator.render import Talk
from stillwake.media import open_still, write_clip
from stillwake.moves import camera_of
from stillwake.perceive import perceive
from stillwake.types import MOTIONS, Motion, Scene, Shot, Strokes

FPS = Fraction(25)
KINDS: dict[str, tuple[str | None, bool, tuple[Motion, ...]]] = {
    "camera": ("orbit", False, ()),
    "camera, push-in": ("push in", False, ()),
    "hair, blink, breath": (None, False, MOTIONS),
    "flow": (None, True, ()),
    "everything": ("orbit", True, MOTIONS),
}
"""Camera, brush and motions of what is measured."""


def brushed(scene: Scene) -> Scene:
    """The scene with the background beside the person brushed to flow to the left."""
    width, height = scene.still.size
    mask = np.ones((height, width), np.float32)
    mask[:, int(0.55 * width) :] = 0
    if scene.matte is not None:
        mask[scene.matte > 0.05] = 0
    path = np.array([[0.45 * width, 0.5 * height], [0.05 * width, 0.5 * height]], np.float32)
    return dataclasses.replace(scene, strokes=Strokes(mask, (path,), 30.0, "flow"), seen=dict(scene.seen))


def prepared(scene: Scene, kind: str, seconds: int) -> Talk | Living:
    """The performance of one kind."""
    camera, brush, motions = KINDS[kind]
    shot = Shot(
        family="animator", engine="animator", motion="live", seconds=Fraction(seconds), fps=FPS, size=scene.still.size,
        seed=0, loop=True, camera=None if camera is None else camera_of(camera), brush=brush, motions=motions,
    )  # fmt: skip
    return Animator().prepare(scene, shot, None)


def main() -> None:
    """Print rates, ratios and builds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--still", type=Path)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    scene = talking_head((1280, 720)) if options.still is None else at_720(perceive(open_still(options.still)))
    scene = brushed(scene)
    million = scene.still.size[0] * scene.still.size[1] / 1e6
    prepared(scene, "everything", 1)  # what is loaded once
    print(
        f"   {'':<22}{'build s':>8}{'per MP':>8}{'render ms':>11}{'encode fps':>12}{'whole fps':>11}"
        f"{'ratio':>8}{'CPU':>7}"
    )
    for kind in KINDS:
        began = time.perf_counter()
        performance = prepared(scene, kind, options.seconds)
        build = time.perf_counter() - began
        count = performance.frame_count
        with performance, tempfile.TemporaryDirectory() as folder:
            drawn = []
            began = time.perf_counter()
            for pixels in frames(performance):
                drawn.append(pixels.copy())
            render = (time.perf_counter() - began) / count
            walls: list[tuple[float, float]] = []
            works: list[tuple[float, float]] = []
            for round_ in range(options.rounds):
                pair = []
                for name, source in (("alone", drawn), ("whole", frames(performance))):
                    wall, work = time.perf_counter(), time.process_time()
                    write_clip(Path(folder) / f"{name}{round_}.mp4", iter(source), fps=FPS, frame_count=count,
                               size=performance.size)  # fmt: skip
                    pair.append((time.perf_counter() - wall, time.process_time() - work))
                walls.append((pair[0][0], pair[1][0]))
                works.append((pair[0][1], pair[1][1]))
        alone, whole = (min(pair[k] for pair in walls) for k in (0, 1))
        ratio = float(np.median([pair[1] / pair[0] for pair in walls]))
        work = float(np.median([pair[1] / pair[0] for pair in works]))
        print(
            f"   {kind:<22}{build:>8.2f}{build / million:>8.2f}{1e3 * render:>11.1f}{count / alone:>12.1f}"
            f"{count / whole:>11.1f}{ratio:>8.2f}{work:>7.2f}"
        )
    performance = prepared(scene, "everything", 60)
    with performance:
        for index in range(50):
            performance.frame(index)
        before = resident()
        for index in range(50, performance.frame_count):
            performance.frame(index)
    print(f"   memory from the 50th to the 1500th frame of everything: {resident() - before:+.1f} MiB")


def resident() -> float:
    """MiB that this process holds."""
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
