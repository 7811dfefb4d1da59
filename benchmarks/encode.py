"""The encoder alone, and with drawing beside it: frames a second at 720p and 1080p.

The frames are made here: a still background with the noise of a photograph, and in it a region the size of a face
that moves as a talking head does. "Alone" hands the encoder frames that lie ready (drawn beforehand, 2 seconds of
them, played forth and back); "with drawing" warps the face for every frame in the caller's thread. The ratio is what
drawing costs beyond encoding. Runs alternate and the best of each counts, so that a noisy machine hits both.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np

from stillwake.media import sound_from_samples, write_clip
from stillwake.types import Pixels, Size

FPS = Fraction(25)


class TalkingHead:
    """A synthetic face on a background, warped a little differently in each frame."""

    def __init__(self, size: Size) -> None:
        width, height = size
        chance = np.random.default_rng(0)
        scenery = cv2.GaussianBlur(chance.normal(128, 900, (height, width, 3)), (0, 0), 12)
        self.frame = np.clip(scenery + chance.normal(0, 2, scenery.shape), 0, 255).astype(np.uint8)
        side = self.side = height // 2
        self.left, self.top = (width - side) // 2, height // 4
        skin = cv2.GaussianBlur(chance.normal(128, 400, (side, side, 3)), (0, 0), 5)
        self.face = np.clip(skin + chance.normal(0, 3, skin.shape), 0, 255).astype(np.uint8)
        y, self.x = np.mgrid[0:side, 0:side].astype(np.float32)
        self.y = y
        self.window = np.clip(1.2 * (1 - np.hypot(self.x - side / 2, y - side / 2) / (side / 2)), 0, 1)
        mouth = (self.x - side / 2) ** 2 + (y - 0.7 * side) ** 2
        self.mouth = np.exp(-mouth / (2 * (side / 8) ** 2)) * self.window

    def draw(self, index: int) -> Pixels:
        """The frame of that index, in a buffer used again; the mouth opens four times a second."""
        t = float(index / FPS)
        sway, nod = 2.5 * np.sin(2.5 * t), 1.5 * np.sin(1.7 * t)
        opening = 4 * max(0.0, float(np.sin(8 * np.pi * t)))
        x = self.x + (sway * self.window).astype(np.float32)
        y = self.y + (nod * self.window + opening * self.mouth).astype(np.float32)
        part = self.frame[self.top : self.top + self.side, self.left : self.left + self.side]
        part[:] = cv2.remap(self.face, x, y, cv2.INTER_LINEAR)
        return self.frame


def timed(frames: Iterator[Pixels], size: Size, seconds: float, preset: str, crf: int) -> tuple[float, float, int]:
    """Frames a second of wall time, CPU milliseconds a frame, bytes of the file."""
    count = int(seconds * FPS)
    voice = (3000 * np.random.default_rng(1).standard_normal(int(seconds * 22_050))).astype(np.int16)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        wall, cpu = time.perf_counter(), time.process_time()
        write_clip(
            path, frames, fps=FPS, frame_count=count, size=size, sound=sound_from_samples(voice, 22_050),
            preset=preset, crf=crf,
        )  # fmt: skip
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return count / wall, cpu / count * 1000, path.stat().st_size


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--preset", default="medium")
    parser.add_argument("--crf", type=int, default=18)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    print(f"x264 {asked.preset}, crf {asked.crf}, {asked.seconds:g} s at {FPS} fps, best of {asked.rounds}")
    print("     size  alone fps (CPU ms)  with drawing fps (CPU ms)  ratio  drawing ms     MB")
    for size in ((1280, 720), (1920, 1080)):
        head = TalkingHead(size)
        count = int(asked.seconds * FPS)
        began = time.process_time()
        ready = [head.draw(index).copy() for index in range(50)]
        drawing = (time.process_time() - began) / 50 * 1000
        alone, both = [], []
        for _ in range(asked.rounds):
            still = islice(cycle(ready + ready[::-1]), count)
            alone.append(timed(still, size, asked.seconds, asked.preset, asked.crf))
            drawn = (head.draw(index) for index in range(count))
            both.append(timed(drawn, size, asked.seconds, asked.preset, asked.crf))
        fps, cpu, length = max(alone)
        drawn_fps, drawn_cpu, _ = max(both)
        print(
            f"{size[0]:>5}x{size[1]:<4} {fps:>9.1f} ({cpu:>5.1f}) {drawn_fps:>19.1f} ({drawn_cpu:>5.1f}) "
            f"{fps / drawn_fps:>8.2f} {drawing:>11.1f} {length / 2**20:>6.1f}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MB, with the frames that lay ready")


if __name__ == "__main__":
    main()
