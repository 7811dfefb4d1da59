"""How many stills become a clip that passes its own inspection, and what does the inspection say of the others?

    python -m benchmarks passing [--folder FOLDER] [--say TEXT | --sound FILE | --lives]

Every picture of the folder speaks one sentence or, with ``--lives``, breathes for six seconds, as ``stillwake animate
--force`` makes it. Stills that the five signs advise against are counted apart: their clips may be as bad as was said.
The folder is ``../shared/stills`` where it is there, else the demo's two stills. Nothing in these clips is broken on
purpose, so whatever the inspection finds is the animator's fault or its own.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from importlib.resources import files
from pathlib import Path

from benchmarks import PICTURES
from stillwake.errors import StillwakeError
from stillwake.types import Brief, RunRecord
from stillwake.workflow.making import animate

SHARED = Path(__file__).parents[2] / "shared" / "stills"
SENTENCE = "Hello, and welcome. How about five more apples, my friend? Wow, that was a wild and wide way to go."
"""Vowels that open wide, closures, a pause."""


def pictures(folder: Path | None) -> list[Path]:
    """Those of a folder and the ones in it; else the shared ones, else the demo's."""
    if folder is None:
        folder = SHARED if SHARED.is_dir() else Path(str(files("stillwake") / "stills"))
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)


def clip_of(still: Path, brief: Brief) -> RunRecord | None:
    """The record of the clip that a still becomes; None where it cannot be made."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return animate(still, brief, Path(folder) / "clip.mp4", force=True)
        except StillwakeError:
            return None


def main() -> None:
    """Print one line a clip that does not pass without a word, and how many there are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="pictures, in folders of it too")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--say", default=SENTENCE, help="what they say")
    what.add_argument("--sound", type=Path, help="a recording instead")
    what.add_argument("--lives", action="store_true", help="no words: a living loop")
    asked = parser.parse_args()
    brief = Brief(sound=asked.sound) if asked.sound else Brief() if asked.lives else Brief(say=asked.say)
    refused, verdicts, found = 0, {False: Counter[str](), True: Counter[str]()}, Counter[tuple[str, str]]()
    for still in pictures(asked.folder):
        record = clip_of(still, brief)
        if record is None:
            refused += 1
            continue
        forced = any(word.startswith("forced") for word in record.plan.warnings)
        wrong = [one for one in record.inspection.findings if one.verdict in ("fail", "warn")]
        worst = "fail" if not record.inspection.passed else "warn" if wrong else "pass"
        verdicts[forced][worst] += 1
        if not forced:
            found.update({(one.verdict, one.check) for one in wrong})
        for one in wrong:
            print(f"   {still.stem}{' (forced)' if forced else ''}: {one.verdict} {one.check}, {one.why}", flush=True)
    for forced, counted in verdicts.items():
        stills = "advised against, made all the same" if forced else "that nothing speaks against"
        said = ", ".join(f"{counted[word]} {word}" for word in ("pass", "warn", "fail"))
        print(f"{sum(counted.values())} stills {stills}: {said}")
    print(f"{refused} cannot be made")
    for (verdict, check), count in found.most_common():
        print(f"   {verdict} {check}: {count}")


if __name__ == "__main__":
    main()
