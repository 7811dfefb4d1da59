"""Is light that flickers by a percent found, and where, in what an encoder leaves of it? The light alone is looked at.

    python -m benchmarks.flicker [--takes 45] [--clean 60] [--films FOLDER]

Takes of ours, as `benchmarks.inspection` renders them, are encoded clean and with flickers of known place and time, of
the whole picture and of a quarter or a strip of it. ``--clean`` more takes are encoded clean alone. How much of each
flicker is left in the file is measured against the raw frames. ``--films`` are clean clips of others, which a camera
may have made. Nothing of an inspection runs but the light's watch and its checks.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.inspection import ours
from benchmarks.inspection.command import SHARED, cache_folder
from benchmarks.inspection.injure_light import flicker_alternate, flicker_random, local_quarter, local_strip
from benchmarks.inspection.score import LEAST_OVERLAP, LEFT, NEAR, Share, overlap
from benchmarks.inspection.sources import some
from benchmarks.inspection.takes import encoded, seeded
from benchmarks.inspection.truth import Make, Truth, left_in
from stillwake.types import Clip, ClipFinding

CASES: tuple[tuple[str, Make, float], ...] = (
    ("whole", flicker_alternate, 1.0),
    ("whole", flicker_random, 1.0),
    ("quarter", local_quarter, 1.0),
    ("strip", local_strip, 1.0),
    ("quarter", local_quarter, 2.0),
    ("strip", local_strip, 2.0),
)
NAMES = "flicker", "local flicker"


@dataclass(frozen=True)
class Found:
    """What became of one flicker: whether it was found, how much of it is left, whether edges and box are right."""

    found: bool
    left: float
    timed: bool
    placed: bool


def flickers(clip: Clip, *, filmed: bool = False) -> list[ClipFinding]:
    """The findings about flicker that do not pass."""
    from stillwake.inspection import light
    from stillwake.inspection.asked import Asked
    from stillwake.inspection.stream import frames_within, timing
    from stillwake.inspection.view import View

    fps, size = clip.info.fps, (clip.info.width, clip.info.height)
    watch, whole = light.Watch(size, fps), (0.0, float(clip.info.frame_count / fps))
    for shown in frames_within(clip, timing(clip), (whole,)):
        watch.take(View(shown, None, None, None))
    found = light.check(watch.finish(), Asked(), fps, filmed=filmed)
    return [one for one in found if one.check in NAMES and one.verdict in ("warn", "fail")]


def outcome(clip: Clip, truth: Truth) -> Found:
    """Held against the truth."""
    left = left_in(clip, truth)
    assert left is not None
    start, end = truth.start or 0.0, truth.end or 0.0
    told = [
        one for one in flickers(clip)
        if one.start is not None and one.end is not None and one.start <= end + NEAR and one.end >= start - NEAR
    ]  # fmt: skip
    return Found(
        found=bool(told),
        left=left,
        timed=any(abs((one.start or 0) - start) <= NEAR and abs((one.end or 0) - end) <= NEAR for one in told),
        placed=truth.box is None
        or any(one.box is not None and overlap(one.box, truth.box) >= LEAST_OVERLAP for one in told),
    )


def share(of: list[Found], what: Callable[[Found], bool]) -> Share:
    """How many of them are so."""
    return Share(sum(map(what, of)), len(of))


def main() -> None:
    """Print a line for each kind of flicker and half, and the alarms on clean clips."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--takes", type=int, default=45, help="takes that are injured (default 45)")
    parser.add_argument("--clean", type=int, default=60, help="more takes that are only encoded (default 60)")
    parser.add_argument("--films", type=Path, help="a folder of others' clean clips")
    given = parser.parse_args()
    takes = [s for s in ours.sources(SHARED / "stills", SHARED / "speech", cache_folder()) if s.kind != "long"]
    chosen = some(takes, given.takes + given.clean)
    results: dict[tuple[str, str], list[Found]] = defaultdict(list)
    alarms: dict[str, list[bool]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, source in enumerate(chosen):
            take = source.load()
            if take is None:
                continue
            told = flickers(encoded(take, folder))
            alarms[f"clean, {source.half}"].append(bool(told))
            if told:
                print(
                    f"   clean: {source.name}: {', '.join(f'{one.check} {one.measured:.2f}' for one in told)}",
                    flush=True,
                )
            for kind, make, percent in CASES if number < given.takes else ():
                injured = make(take, percent, seeded(source.name, kind, percent, make.__name__))
                if injured is not None:
                    found = outcome(encoded(injured.take, folder), injured.truth)
                    results[f"{make.__name__} of {percent:g} %", source.half].append(found)
        for path in sorted(given.films.glob("*")) if given.films else ():
            from stillwake.errors import StillwakeError
            from stillwake.media import open_clip

            try:
                told = flickers(open_clip(path), filmed=True)
            except StillwakeError as error:
                print(f"   left out: {path.name}: {error.why}")
                continue
            alarms["films"].append(bool(told))
            if told:
                print(
                    f"   film: {path.name}: {', '.join(f'{one.check} {one.measured:.2f}' for one in told)}", flush=True
                )
    for (what, half), of in sorted(results.items()):
        there = [one for one in of if one.left >= LEFT]
        seen = [one for one in of if one.found]
        print(
            f"   {what}, {half}: found {share(of, lambda one: one.found)}; where a third is left "
            f"{share(there, lambda one: one.found)}; start and end within {NEAR:g} s "
            f"{share(seen, lambda one: one.timed)}, box {share(seen, lambda one: one.placed)}"
        )
    for what, told_of in sorted(alarms.items()):
        print(f"   {what}: alarms {Share(sum(told_of), len(told_of))}")


if __name__ == "__main__":
    main()
