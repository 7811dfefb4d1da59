"""Draw the people and train the net that tells hair: ``python -m training.hair``.

Everything is drawn first, from fixed seeds, on every core, and then learned, on a CPU. Nothing but these drawings is
learned from.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
from training.hair.draw import BATCH, batch

WEIGHTS = Path(__file__).parents[2] / "src" / "stillwake" / "perceive" / "weights" / "hair.onnx"


def main() -> None:
    """Draw, learn, export."""
    parser = argparse.ArgumentParser(prog="python -m training.hair", description=__doc__)
    parser.add_argument("--drawings", type=int, default=11_000)
    parser.add_argument("--steps", type=int, default=4200)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--keep", type=Path, help="write the drawings to this .npz file too")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    wanted = parser.parse_args()
    from training.hair.learn import HELD, learn

    if wanted.drawings < 2 * HELD:
        parser.error(f"--drawings {wanted.drawings}: at least {2 * HELD}, of which {HELD} are held back")
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        made = pool.map(batch, range(-(-wanted.drawings // BATCH)), chunksize=2)
    print(f"{wanted.drawings} people drawn in {time.monotonic() - began:.0f} s", flush=True)
    lab, flags = (np.concatenate(part) for part in zip(*made, strict=True))
    if wanted.keep:
        np.savez(wanted.keep, lab=lab, flags=flags)
    learn(lab, flags, wanted.steps, wanted.batch, wanted.rate, wanted.out)


if __name__ == "__main__":
    main()
