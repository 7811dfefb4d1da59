"""Draw the scenes and train the net that finds hands in drawings: ``python -m training.hands.finder``.

Everything is drawn first, from fixed seeds, on every core, and then learned, on a CPU or a GPU. Nothing but these
drawings is learned from. The net is that of drawn faces (`training.drawn_faces.net.Finder`).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
from training.hands.scenes import BATCH, batch

WEIGHTS = Path(__file__).parents[2] / "src" / "stillwake" / "perceive" / "weights" / "drawn_hands.onnx"


def main() -> None:
    """Draw, learn, export."""
    parser = argparse.ArgumentParser(prog="python -m training.hands.finder", description=__doc__)
    parser.add_argument("--scenes", type=int, default=18_500)
    parser.add_argument("--views", type=int, default=255_000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3, help="the highest learning rate")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--drawn", type=Path, help="a file for the scenes, drawn only where it is missing")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first fifty scenes")
    parser.add_argument("--after", type=Path, help="a finder (.onnx) to learn on from, instead of from nothing")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    wanted = parser.parse_args()
    from training.drawn_faces.learn import learn_finder

    if wanted.drawn and wanted.drawn.is_file():
        kept = np.load(wanted.drawn)
        scenes, places = kept["scenes"], kept["places"]
    else:
        began = time.monotonic()
        with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
            made = pool.map(batch, range(wanted.first, wanted.first - (-wanted.scenes // BATCH)), chunksize=2)
        print(f"{wanted.scenes} scenes drawn in {time.monotonic() - began:.0f} s", flush=True)
        scenes, places = (np.concatenate(part) for part in zip(*made, strict=True))
        if wanted.drawn:
            np.savez(wanted.drawn, scenes=scenes, places=places)
    learn_finder(scenes, places, wanted.views, wanted.batch, wanted.device, wanted.out, wanted.rate, wanted.after)


if __name__ == "__main__":
    main()
