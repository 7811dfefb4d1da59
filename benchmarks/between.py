"""Frames between a generator's own: moved along the flow, mixed, or held, against the true ones that were left out.

    python -m benchmarks between [FILM ...] [--of 3]

Of every ``--of`` frames of a film one is kept, and those between are made again. Without a film, one of our own: the
demo's photograph under an orbit, drawn on the spot. Films of others are better material: give some.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from stillwake.engines.generated import Between, resized
from stillwake.types import Pixels

MOST = 61
"""Frames of a film that are looked at."""
SIDE = 720
"""px; the larger side at which they are."""


def ours() -> Iterator[Pixels]:
    """The demo's photograph under an orbit, at 24 frames a second."""
    from benchmarks.render import talking_head
    from stillwake.engines import frames
    from stillwake.engines.animator import Animator
    from stillwake.moves import camera_of
    from stillwake.types import Shot

    scene = talking_head((1280, 720))
    shot = Shot(
        family="animator", engine="animator", motion="live", seconds=Fraction(3), fps=Fraction(24),
        size=scene.still.size, seed=0, camera=camera_of("orbit"),
    )  # fmt: skip
    with Animator().prepare(scene, shot, None) as performance:
        yield from (frame.copy() for frame in frames(performance))


def of_film(path: Path) -> Iterator[Pixels]:
    """Its first frames."""
    from stillwake.media import open_clip, read_frames

    yield from read_frames(open_clip(path))


def small(frames: Iterator[Pixels]) -> list[Pixels]:
    """The first of them, small."""
    found = []
    for frame, _ in zip(frames, range(MOST), strict=False):
        scale = min(1.0, SIDE / max(frame.shape[:2]))
        found.append(resized(frame, (round(frame.shape[1] * scale), round(frame.shape[0] * scale))).copy())
    return found


def psnr(made: Pixels, true: Pixels) -> float:
    """dB, at most 60."""
    error = float(np.mean((made.astype(np.float32) - true.astype(np.float32)) ** 2))
    return min(60.0, 10 * float(np.log10(255**2 / max(error, 1e-9))))


def main() -> None:
    """Print, for each film, the dB of each way, and what moving costs."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("films", nargs="*", type=Path)
    asked.add_argument("--of", type=int, default=3)
    told = asked.parse_args()
    gains = []
    for name, source in [(path.name, of_film(path)) for path in told.films] or [("our orbit", ours())]:
        frames = small(source)
        ways: dict[str, list[float]] = {"moved": [], "mixed": [], "held": []}
        spent = 0.0
        for first in range(0, len(frames) - told.of, told.of):
            before, after = frames[first], frames[first + told.of]
            between = Between(before, after)
            for step in range(1, told.of):
                share, true = step / told.of, frames[first + step]
                started = time.perf_counter()
                moved = between.at(share)
                spent += time.perf_counter() - started
                mixed = np.asarray(cv2.addWeighted(before, 1 - share, after, share, 0), np.uint8)
                held = before if share < 0.5 else after
                for way, made in (("moved", moved), ("mixed", mixed), ("held", held)):
                    ways[way].append(psnr(made, true))
        mean = {way: float(np.mean(values)) for way, values in ways.items()}
        gains.append(mean["moved"] - mean["mixed"])
        words = ", ".join(f"{way} {value:.1f}" for way, value in mean.items())
        count = len(ways["moved"])
        print(f"{name}: {words} dB over {count} frames; {1000 * spent / count:.0f} ms each")
    print(f"moved over mixed: {np.mean(gains):+.1f} dB on average, {min(gains):+.1f} to {max(gains):+.1f}")


if __name__ == "__main__":
    main()
