"""A long clip: do picture and sound end together, and does memory stay the same?

    python -m benchmarks.long [--minutes 10]

The astronaut speaks for a tenth of the time and then for the whole of it, each in a process of its own, whose peak
memory is read when it ends. The ends are read from the finished file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEMORY_BAR = 1024
"""MiB; the project's own bar for the whole run, ten minutes of speech."""

STORY = (
    "Once there was a photograph on a wall, and it had been quiet for so long that nobody remembered its voice. "
    "People passed below it with cups of coffee, with wet umbrellas, with bad news and with very good news. "
    "It saw them all, and it kept what it thought to itself until the morning on which it finally spoke. "
)
SECONDS_OF_STORY = 19.5
"""How long the voice takes for it, about."""


def speak(still: Path, minutes: float, out: Path) -> tuple[dict[str, float], float, float]:
    """The record's times, peak memory in MiB, and by how many s the sound ends after the picture."""
    words = STORY * max(1, round(minutes * 60 / SECONDS_OF_STORY))
    command = [sys.executable, "-m", "stillwake", "animate", str(still), "--say", words, "-o", str(out)]
    process = subprocess.Popen([*command, "--quiet"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 4):
        raise SystemExit(f"   the command failed with status {process.returncode}")
    record = json.loads(out.with_name(out.name + ".json").read_text())
    # ru_maxrss is in KiB on Linux and in bytes on macOS.
    peak = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)

    import av

    with av.open(str(out)) as container:
        picture, sound = (
            stream.duration * stream.time_base for stream in (container.streams.video[0], container.streams.audio[0])
        )
    return record["seconds"], peak, float(sound - picture)


def main() -> None:
    """Print both runs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    minutes = parser.parse_args().minutes

    from stillwake.doctor import demo_still

    with tempfile.TemporaryDirectory() as folder:
        for length in (minutes / 10, minutes):
            start = time.perf_counter()
            seconds, peak, late = speak(demo_still(), length, Path(folder) / f"{length}.mp4")
            total = time.perf_counter() - start
            print(
                f"   {length:.1f} min: peak memory {peak:.0f} MiB (bar {MEMORY_BAR}), the sound ends "
                f"{late * 1000:+.0f} ms after the picture (bar 40), rendered in {seconds['render']:.0f} s, "
                f"inspected in {seconds['inspect']:.0f} s, {total:.0f} s in all",
                flush=True,
            )


if __name__ == "__main__":
    main()
