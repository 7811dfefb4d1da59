"""Train the counting net and write its ONNX file: ``python -m training.hands``.

Everything is drawn and injected first, from fixed seeds, and then learned, on one thread of a CPU or on a GPU.
``--without 1 2`` leaves out the repositories that `benchmarks.hands` measures on; ``--after FILE`` goes on from the
weights of an earlier net instead of starting anew.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from pathlib import Path

import numpy as np
from training.hands import draw, real
from training.hands.folds import GROUPS, group_of

WEIGHTS = Path(__file__).parents[2] / "src" / "stillwake" / "perceive" / "weights" / "digits.onnx"
_BATCH = 100
_SHARES = (2, 1, 1)
"""Batches of each group in turn."""
Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def truths(found: list[draw.Truth]) -> np.ndarray:
    """(N, 5) float32: hand, digits, extra, missing, straight; nan where unknown."""
    return np.array([[t.hand, t.digits, t.extra, t.missing, t.straight] for t in found], np.float32)


def drawn_batch(seed: int) -> Batch:
    """Pictures, maps, truths and groups (-1: belongs to none) of drawn hands."""
    rng = np.random.default_rng([1, seed])
    made = [draw.draw(rng, _grounds) for _ in range(_BATCH)]
    return (
        np.stack([m[0] for m in made]),
        np.stack([m[1] for m in made]),
        truths([m[2] for m in made]),
        np.full(_BATCH, -1),
    )


_samples: list[real.Sample] = []
_grounds: list[np.ndarray] = []
"""Of group 0 alone, so that a drawn hand shows nothing of what is measured."""


def real_batch(job: tuple[int, int]) -> Batch:
    """The same of real hands: (seed, group), one batch out of one group of the pictures."""
    seed, group = job
    rng = np.random.default_rng([2, seed, group])
    chosen = [s for s in _samples if group_of(s) == group]
    made = [real.variant(rng, chosen) for _ in range(_BATCH)]
    nothing = np.zeros((_BATCH, draw.SIDE // 4, draw.SIDE // 4, 2), np.uint8)
    return np.stack([m[0] for m in made]), nothing, truths([m[1] for m in made]), np.full(_BATCH, group)


def _alone() -> None:
    import cv2

    cv2.setNumThreads(1)


def make(drawn: int, injected: int, workers: int) -> list[np.ndarray]:
    """All training pictures, of every group."""
    turns = [group for group in range(GROUPS) for _ in range(_SHARES[group])]
    jobs = [(seed, turns[seed % len(turns)]) for seed in range(injected // _BATCH)]
    with multiprocessing.get_context("fork").Pool(workers, _alone) as pool:
        later = pool.map_async(real_batch, jobs, chunksize=4)
        batches = pool.map(drawn_batch, range(drawn // _BATCH), chunksize=4) + later.get()
    return [np.concatenate([b[k] for b in batches]) for k in range(4)]


def main() -> int:
    """Train from the command line; the exit status: 3 where the labelled crops are not beside the checkout."""
    parser = argparse.ArgumentParser(prog="python -m training.hands", description=__doc__)
    parser.add_argument("--drawn", type=int, default=24_000, help="how many hands to draw")
    parser.add_argument("--injected", type=int, default=40_000, help="how many pictures to make of the real crops")
    parser.add_argument("--steps", type=int, default=14_000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3, help="the highest learning rate")
    parser.add_argument("--real", type=float, default=0.5, help="share of the real hands in what is learned")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop learning after this long")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--without", type=int, nargs="*", default=(), choices=range(GROUPS), help="groups to leave out"
    )
    parser.add_argument("--after", type=Path, help="go on from this net")
    parser.add_argument("--crops", type=Path, help="upright crops kept by --keep, for a machine without the detector")
    parser.add_argument("--keep", type=Path, help="only cut the upright crops and keep them here")
    parser.add_argument("--pictures", type=Path, help="a file for the pictures, made only where it is missing")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    given = parser.parse_args()
    if given.pictures and given.pictures.is_file():
        kept = np.load(given.pictures)
        data = [kept[f"arr_{k}"] for k in range(4)]
    else:
        if given.crops:
            samples = real.restore(given.crops)
        elif (real.FOLDER / "LABELS.tsv").is_file():
            samples = real.load()
        else:
            return 3
        if given.keep:
            real.save(samples, given.keep)
            return 0
        _samples[:] = samples
        _grounds[:] = real.grounds([s for s in samples if group_of(s) == 0])
        data = make(given.drawn, given.injected, given.workers)
        if given.pictures:
            np.savez(given.pictures, *data)

    import torch
    from training.hands.learn import learn

    device = "cuda" if torch.cuda.is_available() else "cpu"
    learn(
        data, given.without, given.steps, given.seconds, device, given.batch, given.out,
        rate=given.rate, real=given.real, after=given.after,
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
