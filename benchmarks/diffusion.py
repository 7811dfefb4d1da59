"""A clip through our engine against the bare diffusers call with the same settings, tiny weights of random numbers.

Both pipelines are loaded and warm. What is timed is a take: ours from the shot to the last frame as uint8, with all
its looking, laying in, checking and reading; theirs from the PIL picture to their own uint8 frames. They take turns
within one run, so that a noisy machine hits both. With weights this small our share is at its largest.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"
BAR = 1.05


def shots(folder: Path, engine: str, steps: int) -> tuple[Callable[[], int], Callable[[], int]]:
    """Ours and the bare call, each giving the number of its frames."""
    import diffusers
    import torch
    from PIL import Image
    from tests.test_diffusion import a_still

    from stillwake.engines import frames
    from stillwake.engines.diffusion import Diffusion
    from stillwake.types import Scene, Shot, Still

    width, height = size = (32, 24) if engine == "svd" else (64, 48)
    still: Still = a_still(size=size)
    scene = Scene(still=still, style="photo", faces=(), refused=(), matte=None, seen={"faces": "nobody looked"})
    count = 12 if engine == "svd" else 13
    shot = Shot(
        family="generator", engine=engine, model=str(folder), motion="generate", prompt="waves on the shore",
        seconds=Fraction(count, 8), fps=Fraction(8), size=still.size, seed=7, steps=steps,
    )  # fmt: skip
    kind = "StableVideoDiffusionPipeline" if engine == "svd" else "WanImageToVideoPipeline"
    pipe: Any = getattr(diffusers, kind).from_pretrained(folder, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    settings: dict[str, Any] = {"width": width, "height": height, "num_frames": count, "num_inference_steps": steps}
    if engine == "svd":
        settings |= {"fps": 8, "decode_chunk_size": 8}
    else:
        settings |= {"prompt": shot.prompt, "guidance_scale": 3.5}

    def ours() -> int:
        with Diffusion(engine).prepare(scene, shot, None) as clip:
            return sum(1 for _ in frames(clip))

    def bare() -> int:
        picture = Image.fromarray(still.pixels)
        generator = torch.Generator("cpu").manual_seed(shot.seed)
        made = pipe(picture, generator=generator, output_type="pil", **settings).frames[0]
        return len([np.asarray(frame) for frame in made])

    return ours, bare


def main() -> None:
    """Print the ratio of medians for both pipelines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, help="5 for svd, 20 for wan where it is not given")
    options = parser.parse_args()

    import torch
    from tests.test_diffusion import build, tiny_svd, tiny_wan

    from stillwake.engines.diffusion.pipeline import quietly

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, quietly():
        for engine, make, usual in (("svd", tiny_svd, 5), ("wan", tiny_wan, 20)):
            steps = options.steps or usual
            ours, bare = shots(build(make, Path(folder) / engine), engine, steps)
            assert ours() == bare()  # and both are warm
            times: dict[str, list[tuple[float, float]]] = {"ours": [], "bare": []}
            for turn in range(options.rounds):
                pair = [("ours", ours), ("bare", bare)]
                for name, run in pair if turn % 2 else pair[::-1]:
                    wall, processor = time.perf_counter(), time.process_time()
                    run()
                    times[name].append((time.perf_counter() - wall, time.process_time() - processor))
            medians = {name: np.median(np.array(values), axis=0) for name, values in times.items()}
            wall, processor = medians["ours"] / medians["bare"]
            print(
                f"{engine}: ours / bare {wall:.3f} of the wall's time, {processor:.3f} of the processor's;"
                f" {medians['ours'][0]:.2f} s against {medians['bare'][0]:.2f} s, {steps} steps,"
                f" {options.rounds} rounds; bar: at most {BAR}",
                flush=True,
            )


if __name__ == "__main__":
    main()
