"""How fast is an inspection, every check on, and does its memory stay the same in a long clip?

    python -m benchmarks.inspection_speed [--long 120]

The astronaut, cut to 1280 × 720, speaks for ten seconds at 25 frames a second; the long clip says it over and over.
Each is inspected in a process of its own on two cores, by somebody who has the still and the words and by somebody who
has the clip alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.inspection.ours import STORY
from benchmarks.inspection.takes import a_still, a_take, samples_of, told
from stillwake.types import Still, Timed

SPEED_BAR = 2.0
"""Times real time at 720p on two cores, at least."""
MEMORY_BAR = 1.10
"""Peak memory of the long clip over the short one's, at most: flat, but for what Python happens to keep."""
FPS, SHORT = Fraction(25), 10
CORES = 2


def wide_still() -> Still:
    """The astronaut's upper part, 1280 x 720."""
    import cv2

    large = cv2.resize(a_still().pixels, (1280, 1280), interpolation=cv2.INTER_CUBIC)
    pixels = np.ascontiguousarray(large[:720])
    return Still(pixels, "astronaut-wide.png", hashlib.sha256(pixels.tobytes()).hexdigest())


def write(folder: Path, times: int) -> None:
    """The short clip and the long one, with what is known of them beside them."""
    import pickle

    from stillwake.media import sound_from_samples, write_clip
    from stillwake.speech import say

    said = say(STORY)
    samples = samples_of(said.sound)[: SHORT * said.sound.rate]

    def until(timed: tuple[Timed, ...]) -> list[Timed]:
        return [Timed(t.start, min(t.end, SHORT), t.label) for t in timed if t.start < SHORT]

    for name, repeat in (("short", 1), ("long", times)):
        sound = sound_from_samples(np.tile(samples, (repeat, 1)), said.sound.rate)
        lines = {
            part: tuple(
                Timed(t.start + SHORT * k, t.end + SHORT * k, t.label)
                for k in range(repeat)
                for t in until(getattr(said, part))
            )
            for part in ("words", "phonemes", "visemes")
        }
        speech = replace(said, sound=sound, **lines)
        if repeat == 1:
            take = a_take(wide_still(), speech, 1280, FPS)
        write_clip(
            folder / f"{name}.mp4", take.frames.__iter__, fps=FPS, frame_count=len(take.frames), size=take.size,
            sound=sound, repeat=repeat,
        )  # fmt: skip
        assert take.plan is not None
        shot = take.plan.shots[0].model_copy(update={"seconds": Fraction(SHORT * repeat)})
        plan = take.plan.model_copy(update={"shots": (shot,)}).to_json()
        (folder / f"{name}.known").write_bytes(pickle.dumps((lines, samples, said.sound.rate, repeat, plan)))


def inspect_one(path: Path, mode: str) -> None:
    """Inspect one clip in this process and print how long that took, loading the models included."""
    import pickle

    from benchmarks.inspection.takes import Take, scene_of
    from stillwake.inspection import inspect
    from stillwake.media import open_clip, sound_from_samples
    from stillwake.types import Plan, Speech

    clip = open_clip(path)
    lines, samples, rate, repeat, plan = pickle.loads(path.with_suffix(".known").read_bytes())
    sound = sound_from_samples(np.tile(samples, (repeat, 1)), rate)
    speech = Speech(sound=sound, language="en-us", source="voice", **lines)
    take = Take("", "", "talk", [], speech=speech, sound=sound, scene=scene_of(wide_still(), 1280),
                plan=Plan.model_validate_json(plan))  # fmt: skip
    began = time.perf_counter()
    found = told(take, clip) if mode == "told" else inspect(clip)
    took = time.perf_counter() - began
    unseen = sum(f.verdict == "unseen" for f in found.findings)
    print(json.dumps({"took": took, "findings": len(found.findings), "unseen": unseen, "passed": found.passed}))


def measured(path: Path, mode: str) -> tuple[dict[str, float], float]:
    """What an inspection in a process of its own says, and its peak memory in MiB."""
    command = [sys.executable, "-m", "benchmarks.inspection_speed", "--one", str(path), "--mode", mode]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"   the inspection failed with status {process.returncode}")
    # ru_maxrss is in KiB on Linux and in bytes on macOS.
    peak = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return json.loads(said.strip().splitlines()[-1]), peak


def main() -> None:
    """Print seconds a second, and both peaks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--long", type=int, default=120, help="seconds of the long clip")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--mode", choices=("told", "stranger"), default="told", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        inspect_one(given.one, given.mode)
        return
    times = max(2, round(given.long / SHORT))
    if given.write is not None:
        write(given.write, times)
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # in a process of its own: a child's peak is never read as less than what its parent held when it began
        command = [sys.executable, "-m", "benchmarks.inspection_speed", "--write", name, "--long", str(given.long)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        for mode in ("told", "stranger"):
            peaks = []
            for clip, seconds in (("short", SHORT), ("long", times * SHORT)):
                said, peak = measured(folder / f"{clip}.mp4", mode)
                peaks.append(peak)
                speed = seconds / said["took"]
                state = "met" if speed >= SPEED_BAR else "MISSED"
                print(
                    f"   {mode}, {seconds} s of 1280 × 720 at 25: {said['took']:.1f} s, {speed:.2f} x real time "
                    f"(bar {SPEED_BAR:g}: {state}), peak {peak:.0f} MiB; {said['findings']} findings, "
                    f"{said['unseen']} unseen",
                    flush=True,
                )
            grown = peaks[1] / peaks[0]
            print(
                f"   {mode}: memory {grown:.2f} x (bar {MEMORY_BAR:g}: {'met' if grown <= MEMORY_BAR else 'MISSED'})"
            )


if __name__ == "__main__":
    main()
