"""Two hundred jobs at once at a hosted provider: memory, and our own time for each, against the fakes.

    python benchmarks/remote.py [--jobs 200] [--engine runway]

The fake runs in a process of its own. Our own time is the processor's: that of this process, divided by the jobs; what
the network and the provider take is waiting. A clip of 5 s is fetched, decoded to its last frame and kept for each.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

FAKE = """
import json, sys
from stillwake.testing import FakeProvider
with FakeProvider(sys.argv[1], polls=3, width=320) as fake:
    print(json.dumps(fake.env), flush=True)
    sys.stdin.readline()
    print(fake.creates, len(fake.requests), flush=True)
"""


def memory() -> float:
    """MiB resident now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def main() -> None:
    """Print the numbers."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--jobs", type=int, default=200)
    asked.add_argument("--engine", default="runway")
    told = asked.parse_args()

    import json

    import cv2
    import numpy as np

    from stillwake.engines.remote.driving import Task, drive
    from stillwake.engines.remote.engine import order_of, provider_of
    from stillwake.engines.remote.journal import Job, journal
    from stillwake.engines.remote.link import Pace
    from stillwake.engines.remote.order import key_of
    from stillwake.types import Scene, Shot, Still

    cv2.setNumThreads(1)
    fake = subprocess.Popen(
        [sys.executable, "-c", FAKE, told.engine], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert fake.stdout is not None
    assert fake.stdin is not None
    os.environ.update(json.loads(fake.stdout.readline()))
    with tempfile.TemporaryDirectory() as home:
        os.environ["STILLWAKE_HOME"] = home
        y, x = np.mgrid[0:1080, 0:1920]
        waves = [127 + 80 * np.sin(x / a) * np.cos(y / b) for a, b in ((31, 23), (17, 41), (53, 13))]
        still = Still(np.ascontiguousarray(np.stack(waves, axis=2).astype(np.uint8)), "still.png", "0" * 64)
        scene = Scene(still, "photo", (), (), None, {})
        provider, pace = provider_of(told.engine), Pace(scale=0.2)
        link = provider.link(pace)

        def task(seed: int) -> Task:
            shot = Shot(
                family="generator", engine=told.engine, motion="generate", prompt="a bird flies up",
                seconds=Fraction(5), fps=Fraction(24), size=(1920, 1080), seed=seed,
            )  # fmt: skip
            wire = provider.prepare(order_of(told.engine, scene, shot, None))
            job = journal().enter(key_of(told.engine, wire, seed), wire, engine=told.engine, name="", price=0.25)
            return Task(job, provider, link, journal(), pace, files={file.id: file for file in wire.files})

        (first,) = drive([task(0)])  # everything is loaded, and the fake has made its clip
        assert isinstance(first, Job), first
        began, before = memory(), time.process_time()
        start = time.perf_counter()
        tasks = [task(seed) for seed in range(1, told.jobs + 1)]
        prepared = time.process_time()
        peak = 0.0

        def watch(stage: str, done: int, total: int) -> None:
            nonlocal peak
            peak = max(peak, memory())

        ends = drive(tasks, on_progress=watch)
        took, spent = time.perf_counter() - start, time.process_time()
        assert all(isinstance(end, Job) and end.state == "made" for end in ends), ends[:3]
        link.close()
    fake.stdin.write("\n")
    fake.stdin.flush()
    creates, requests = map(int, fake.stdout.readline().split())
    fake.wait()
    print(f"{told.jobs} jobs at {told.engine}: {took:.1f} s, {creates} creates, {requests} requests")
    print(f"our own time: {1000 * (spent - before) / told.jobs:.1f} ms a job")
    print(f"  of it the picture and the request: {1000 * (prepared - before) / told.jobs:.1f} ms")
    print(f"memory: {began:.0f} MiB before, {peak:.0f} MiB with all of them at once")
    print(f"        {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB at most")


if __name__ == "__main__":
    main()
