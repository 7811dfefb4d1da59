"""Does the check of feet tell whole ones from cut ones?

    python -m benchmarks feet --folder FOLDER

FOLDER holds pictures of people who stand or walk, whole, and ``marks.json``: by name of the picture the y of the top
of the head and of the lower sole, px of the picture, marked by hand. Each picture is cropped at the bottom, so many
body heights above the sole: some room left, through the toes, through the ankles, above them, through the shins, above
the knees. The marks say where the frame runs; the check sees the crop alone.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks.readiness import interval
from stillwake.media import open_still
from stillwake.perceive.body import body_of
from stillwake.readiness.framing import framing_findings
from stillwake.types import Scene, Still

CUTS = {
    "room of .08 below": -0.08,
    "room of .03 below": -0.03,
    "through the toes": 0.02,
    "through the ankles": 0.04,
    "above the ankles": 0.08,
    "through the lower shin": 0.12,
    "through the shin": 0.20,
    "above the knees": 0.32,
    "through the thighs": 0.45,
}
"""Where the frame runs, in body heights above the sole."""


def main() -> None:
    """Print one line a cut."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="pictures and their marks; without it there is nothing to measure")
    asked = parser.parse_args()
    if asked.folder is None or not (asked.folder / "marks.json").is_file():
        print("no folder with pictures and a marks.json: skipped")
        return
    marks = asked.folder / "marks.json"
    told: dict[str, list[str]] = {name: [] for name in CUTS}
    for name, (top, sole) in sorted(json.loads(marks.read_text(encoding="utf-8")).items()):
        pixels = open_still(asked.folder / name).pixels
        for cut, share in CUTS.items():
            edge = min(len(pixels), round(sole - share * (sole - top)))
            part = np.ascontiguousarray(pixels[:edge])
            scene = Scene(Still(part, name, "0" * 64), "photo", (), (), None, {"body": "pose"}, body=body_of(part))
            (found,) = [f for f in framing_findings(scene, None) if f.check == "feet"]
            told[cut].append(found.verdict)
    for cut, verdicts in told.items():
        seen = [verdict == "warn" for verdict in verdicts if verdict != "unseen"]
        share = f"{np.mean(seen):.2f} {interval(seen, np.random.default_rng(0))}" if seen else "none"
        unseen = len(verdicts) - len(seen)
        print(f"{cut}: warned about {sum(seen)} of {len(seen)}, {share}; {unseen} unseen", flush=True)


if __name__ == "__main__":
    main()
