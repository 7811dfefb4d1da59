"""How long stillwake takes to answer --help, and a command to its first frame and to its end."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HELP_BAR = 0.5
"""s; the project's own bar for ``stillwake --help``."""
FIRST_FRAME_BAR = 6.0
"""s; the project's own bar from the command to the first frame, 1 MP still, 10 s of text, models loaded anew."""

TEN_SECONDS = (
    "Good morning. A minute ago I was a photograph, and now I can tell you about the weather. It rains in the "
    "mountains, but by the sea the sun is out, and people are already swimming."
)


def best_of(count: int, command: list[str]) -> float:
    """The shortest of some runs in s: what the machine needs when nothing disturbs it."""
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    """Print the times beside their bars."""
    stillwake = [sys.executable, "-m", "stillwake"]
    print(f"   --help: {best_of(5, [*stillwake, '--help']):.2f} s (bar {HELP_BAR} s), best of five")

    from PIL import Image

    from stillwake.doctor import demo_still

    with tempfile.TemporaryDirectory() as folder:
        still, out = Path(folder) / "still.png", Path(folder) / "out.mp4"
        with Image.open(demo_still()) as photograph:
            photograph.resize((1024, 1024), Image.Resampling.LANCZOS).save(still)
        words = [*stillwake, "animate", str(still), "--say", TEN_SECONDS, "-o", str(out)]
        start = time.time()
        done = subprocess.run([*words, "--json", "--quiet"], capture_output=True, text=True, check=False)
        total = time.time() - start
        record = json.loads(done.stdout)
        within = record["seconds"]
        # The walk's own clock starts after Python and the command line have; the difference counts for the user.
        before = total - within["total"]
        first = before + within["before_first_frame"]
        spoken = record["inspection"]["clip"]["seconds"]
        print(
            f"   first frame: {first:.2f} s from the command (bar {FIRST_FRAME_BAR} s), 1 MP, {spoken:.1f} s of speech"
        )
        print("   of it: " + ", ".join(f"{name} {s:.2f} s" for name, s in within.items()))
        print(f"   the whole command: {total:.1f} s, exit status {done.returncode}")


if __name__ == "__main__":
    main()
