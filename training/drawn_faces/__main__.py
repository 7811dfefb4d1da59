"""Draw the faces and train both nets: ``python -m training.drawn_faces``.

Everything is drawn first, from fixed seeds, on every core, and then learned, on a CPU or a GPU. Nothing but these
drawings is learned from.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from pathlib import Path

import numpy as np
from training.drawn_faces.samples import BATCH, alone, faces_batch, scenes_batch

WEIGHTS = Path(__file__).parents[2] / "src" / "stillwake" / "perceive" / "weights"


def _drawn(pool: multiprocessing.pool.Pool, batch: object, count: int, what: str) -> list[np.ndarray]:
    start, made = time.monotonic(), []
    for part in pool.imap(batch, range(count // BATCH)):  # type: ignore[arg-type]
        made.append(part)
    print(f"{count} {what} drawn in {time.monotonic() - start:.0f} s", flush=True)
    return [np.concatenate([m[i] for m in made]) for i in range(len(made[0]))]


def main() -> None:
    """Draw, learn, export."""
    parser = argparse.ArgumentParser(prog="python -m training.drawn_faces", description=__doc__)
    parser.add_argument("--drawings", type=int, default=30000)
    parser.add_argument("--views", type=int, default=380_000, help="of faces")
    parser.add_argument("--scenes", type=int, default=20000)
    parser.add_argument("--scene-views", type=int, default=130_000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--after", type=Path, help="a reader (.onnx) to learn on from, instead of from nothing")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    wanted = parser.parse_args()
    from training.drawn_faces.learn import learn_finder, learn_reader

    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), alone) as pool:
        faces = _drawn(pool, faces_batch, wanted.drawings, "faces") if wanted.views else []
        scenes = _drawn(pool, scenes_batch, wanted.scenes, "scenes") if wanted.scene_views else []
    if faces:
        learn_reader(
            faces, wanted.views, wanted.batch, wanted.device, wanted.out / "drawn_face.onnx", after=wanted.after
        )
    if scenes:
        learn_finder(
            scenes[0],
            scenes[1],
            wanted.scene_views,
            max(16, wanted.batch // 2),
            wanted.device,
            wanted.out / "drawn_find.onnx",
        )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
