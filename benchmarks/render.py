"""Rendering and encoding together against encoding the same frames alone, at 720p and 1080p.

The still is scikit-image's astronaut, cropped so that the face is two fifths of the picture's height as in a talking
head, and enlarged; the words are our own. Both runs go through the same `write_clip`; the frames of the second one
were drawn before and wait in memory: a minute at 1080p takes 9 GiB. They alternate, so that a noisy machine hits both.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from stillwake.engines import frames
from stillwake.engines.animator import Animator
from stillwake.engines.animator.render import Talk
from stillwake.media import write_clip
from stillwake.perceive import perceive, scaled
from stillwake.speech import say
from stillwake.types import Scene, Shot, Size, Speech, Still

WORDS = (
    "Good morning. A minute ago I was a photograph, and photographs do not say much. Now my lips move, my eyes blink,"
    " and behind me nothing stirs at all. Both of these things were measured, and the numbers are printed below. "
)
SECONDS = 20


def talking_head(size: Size) -> Scene:
    """The astronaut as a talking head of that size."""
    from skimage import data

    whole = perceive(Still(np.ascontiguousarray(data.astronaut()), "astronaut.png", "0" * 64))
    face = whole.faces[0]
    height = (face.chin[1] - face.box[1]) * 2.5
    width = height * size[0] / size[1]
    x, y = face.nose_tip
    left = int(np.clip(x - width / 2, 0, max(0, 512 - width)))
    top = int(np.clip(y - height * 0.45, 0, 512 - height))
    crop = whole.still.pixels[top : top + int(height), left : left + int(width)]
    scene = perceive(Still(np.ascontiguousarray(crop), "head.png", "0" * 64))
    return scaled(scene, size)


def spoken(seconds: int) -> Speech:
    """About that many seconds of speech."""
    once = say(WORDS)
    return say(WORDS * max(1, round(seconds / float(once.sound.seconds))))


def prepared(scene: Scene, speech: Speech) -> Talk:
    """The clip ready to be drawn at 25 frames a second."""
    shot = Shot(family="animator", engine="animator", motion="talk", seconds=speech.sound.seconds, fps=Fraction(25),
                size=scene.still.size, seed=0)  # fmt: skip
    return Animator().prepare(scene, shot, speech)


def main() -> None:
    """Print the ratio, the rates and the time before the first frame."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    speech = spoken(options.seconds)
    for name, size in (("720p", (1280, 720)), ("1080p", (1920, 1080))):
        scene = talking_head(size)
        started = time.perf_counter()
        performance = prepared(scene, speech)
        performance.frame(0)
        first = time.perf_counter() - started
        count = performance.frame_count
        with tempfile.TemporaryDirectory() as folder, performance:
            path = Path(folder)
            drawn = np.empty((count, size[1], size[0], 3), np.uint8)  # a copy each: a performance reuses its buffer
            began = time.perf_counter()
            for index, pixels in enumerate(frames(performance)):
                drawn[index] = pixels
            render = count / (time.perf_counter() - began)
            together, alone = [], []
            for turn in range(options.rounds):
                for times, source in ((alone, iter(drawn)), (together, frames(performance))):
                    out = path / f"{turn}-{len(together)}-{len(alone)}.mp4"
                    wall, processor = time.perf_counter(), time.process_time()
                    write_clip(out, source, fps=Fraction(25), frame_count=count, size=size, sound=speech.sound)
                    times.append((time.perf_counter() - wall, time.process_time() - processor))
        ratios = [a[0] / b[0] for a, b in zip(together, alone, strict=True)]
        cpu = [a[1] / b[1] for a, b in zip(together, alone, strict=True)]
        rates = [count / min(t[0] for t in times) for times in (together, alone)]
        print(
            f"{name:5s} face {performance._rig.face.face_height:.0f} px, {count} frames: together / alone"
            f" {np.median(ratios):.3f} (rounds {', '.join(f'{r:.3f}' for r in ratios)}), processor time"
            f" {np.median(cpu):.3f}; {rates[0]:.1f} frames/s together, {rates[1]:.1f} alone,"
            f" {render:.1f} drawn alone; {first:.2f} s before the first frame",
            flush=True,
        )
    print("bar: ratio at most 1.25, at least 25 frames/s at 1080p on two cores")


if __name__ == "__main__":
    main()
