"""Train the counting net and write its ONNX file: ``python -m training.hands``.

Everything is drawn and injected first, from fixed seeds, and then learned. ``--folds`` trains three further nets, each
without a third of the real pictures, so that thresholds can be taken where a net has not learned.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from pathlib import Path

import numpy as np
from training.hands import draw, real
from training.hands.folds import FOLDS, fold_of

WEIGHTS = Path(__file__).parents[2] / "src" / "stillwake" / "perceive" / "weights" / "digits.onnx"
_BATCH = 100


def truths(found: list[draw.Truth]) -> np.ndarray:
    """(N, 5) float32: hand, digits, extra, missing, straight; nan where unknown."""
    return np.array([[t.hand, t.digits, t.extra, t.missing, t.straight] for t in found], np.float32)


def drawn_batch(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pictures, maps, truths and folds (-1: belongs to none) of drawn hands."""
    rng = np.random.default_rng([1, seed])
    made = [draw.draw(rng) for _ in range(_BATCH)]
    return (
        np.stack([m[0] for m in made]),
        np.stack([m[1] for m in made]),
        truths([m[2] for m in made]),
        np.full(_BATCH, -1),
    )


_samples: list[real.Sample] = []


def real_batch(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same of real hands; one batch comes from one third of the pictures."""
    fold = seed % FOLDS
    rng = np.random.default_rng([2, seed])
    made = [real.variant(rng, [s for s in _samples if fold_of(s) == fold]) for _ in range(_BATCH)]
    nothing = np.zeros((_BATCH, draw.SIDE // 4, draw.SIDE // 4, 2), np.uint8)
    return np.stack([m[0] for m in made]), nothing, truths([m[1] for m in made]), np.full(_BATCH, fold)


def _alone() -> None:
    import cv2

    cv2.setNumThreads(1)


def make(drawn: int, injected: int, workers: int) -> list[np.ndarray]:
    """All training pictures."""
    time.monotonic()
    with multiprocessing.get_context("fork").Pool(workers, _alone) as pool:
        jobs = pool.map_async(real_batch, range(injected // _BATCH), chunksize=4)
        batches = pool.map(drawn_batch, range(drawn // _BATCH), chunksize=4) + jobs.get()
    return [np.concatenate([b[k] for b in batches]) for k in range(4)]


def main() -> int:
    """Train from the command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.hands", description=__doc__)
    parser.add_argument("--drawn", type=int, default=48_000, help="how many hands to draw")
    parser.add_argument("--injected", type=int, default=60_000, help="how many pictures to make of the real crops")
    parser.add_argument("--steps", type=int, default=5_241)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=1e9, help="stop learning after this long")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folds", type=int, default=0, choices=range(FOLDS + 1), help="nets for thresholds")
    parser.add_argument("--crops", type=Path, help="upright crops kept by --keep, for a machine without the detector")
    parser.add_argument("--keep", type=Path, help="only cut the upright crops and keep them here")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    given = parser.parse_args()
    if given.crops:
        samples = real.restore(given.crops)
    elif (real.FOLDER / "LABELS.tsv").is_file():
        samples = real.load()
    else:
        return 3
    if given.keep:
        real.save(samples, given.keep)
        return 0
    _samples[:] = [s for s in samples if s.repository not in real.TEST]

    import torch
    from training.hands.learn import learn, learn_from

    device = "cuda" if torch.cuda.is_available() else "cpu"
    data = make(given.drawn, given.injected, given.workers)
    ways = multiprocessing.get_context("spawn")
    runs = [(-1, given.out)]
    if given.folds:
        runs += [(k, given.out.with_name(f"{given.out.stem}_fold{k}.onnx")) for k in range(given.folds)]
    if len(runs) == 1:
        learn(data, -1, given.steps, given.seconds, device, given.batch, given.out)
        return 0
    # the nets learn beside each other; the pictures reach them through files
    place = given.out.parent / "pictures"
    place.mkdir(parents=True, exist_ok=True)
    for k, array in enumerate(data):
        np.save(place / f"{k}.npy", array)
    learners = [
        ways.Process(target=learn_from, args=(place, w, given.steps, given.seconds, device, given.batch, out))
        for w, out in runs
    ]
    for learner in learners:
        learner.start()
    for learner in learners:
        learner.join()
    for path in place.iterdir():
        path.unlink()
    place.rmdir()
    return max(abs(learner.exitcode or 0) for learner in learners)


if __name__ == "__main__":
    sys.exit(main())
