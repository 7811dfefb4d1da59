"""The command: which takes and which cases, in how many processes, and the report."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from . import cases, ours, real, score
from .sources import Source, some
from .takes import Take

HELP = """Which injuries does the inspection catch, where, and what does it say of clean clips?

Clean clips, ours and those of ``--real FOLDER``, are injured in a known place and time by a known amount, encoded as
a person's clip is, and inspected twice: by somebody who made them ("told": the still, the words and the plan are at
hand) and by a stranger who has the clip alone. What is injured, and where it moves, is read from the raw frames, from
the engine's own numbers and by OpenCV's cascade, never by the detectors under test.

Every case becomes a line of ``--out``, with all that the inspection measured; ``--resume`` goes on with such a file,
``--score FILE`` only reads it. Sources (a still's picture, a film's file) belong to one half each, "tune" or "test",
by the hash of their names: limits are set on the first, and the second counts.
"""
SHARED = Path(__file__).parents[3] / "shared"


def cache_folder() -> Path:
    """Where rendered takes lie unless somebody says otherwise."""
    from stillwake import __name__ as ours_name

    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / ours_name / "benchmarks" / "inspection"


def sources_of(given: argparse.Namespace, *, say: bool = True) -> list[Source]:
    """All takes there are, of the kinds and the half that were asked for."""
    found: list[Source] = []
    if given.kinds in ("ours", "all"):
        found += ours.sources(given.stills, given.speech, given.cache, fresh=given.fresh)
    if given.kinds in ("real", "all"):
        told = real.cuts_of(given.cuts)
        for kind, folders in (("real", given.real), ("spoken", given.talk)):
            for folder in folders:
                pieces = real.pieces(folder, given.cache, most=given.pieces, cuts=told, kind=kind)
                found += pieces.sources
                if say:
                    print(
                        f"   {len(pieces.sources)} pieces of others' clips, {pieces.cut} dropped for a cut in them",
                        flush=True,
                    )
                    for line in pieces.unreadable:
                        print(f"   left out: {line}", flush=True)
    if given.half != "both":
        found = [source for source in found if source.half == given.half]
    if given.take:
        found = [source for source in found if given.take in source.name]
    chosen = some(found, given.takes or None)
    if say and len(chosen) < len(found):
        print(f"   {len(chosen)} of {len(found)} takes; --takes 0 runs all", flush=True)
    return chosen


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks inspection", description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "--real",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="others' clean clips; may be given again",
    )
    parser.add_argument(
        "--talk",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="the same, all of them talking faces in sync",
    )
    parser.add_argument(
        "--cuts",
        type=Path,
        metavar="FILE",
        help="lines 'film.mp4 3.2 7.5': where the films are cut, instead of our guess",
    )
    parser.add_argument("--pieces", type=int, default=4, metavar="N", help="pieces of one film at most (default 4)")
    parser.add_argument("--stills", type=Path, default=SHARED / "stills", metavar="FOLDER")
    parser.add_argument("--speech", type=Path, default=SHARED / "speech", metavar="FOLDER")
    parser.add_argument(
        "--cache", type=Path, default=cache_folder(), metavar="FOLDER", help="where rendered takes are kept"
    )
    parser.add_argument("--fresh", action="store_true", help="render them again")
    parser.add_argument("--kinds", choices=("ours", "real", "all"), default="all")
    parser.add_argument("--half", choices=("tune", "test", "both"), default="both")
    parser.add_argument(
        "--takes", type=int, default=8, metavar="N", help="takes, each kind in its turn; 0: all (default 8)"
    )
    parser.add_argument("--take", metavar="WORDS", help="only takes with this in their names")
    parser.add_argument(
        "--per",
        type=int,
        default=6,
        metavar="N",
        help="takes of each half on which an injury is tried; 0: all (default 6)",
    )
    parser.add_argument(
        "--only", default="", metavar="NAME", help="only injuries with this in their names; 'clean': none"
    )
    parser.add_argument("--modes", choices=("told", "stranger", "both"), default="both")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the cases are written, a line of JSON each")
    parser.add_argument("--resume", action="store_true", help="leave out the cases that are in that file")
    parser.add_argument("--score", type=Path, metavar="FILE", help="run nothing, report what is in that file")
    parser.add_argument("--limits", action="store_true", help="also where limits might be, on the tune half")
    parser.add_argument("--render", action="store_true", help="only render what is not in the cache")
    return parser.parse_args(arguments)


_worker: dict[str, Any] = {}


def _begin(given: argparse.Namespace) -> None:
    """In a process of its own: know all takes, and take one thread."""
    import logging

    import cv2

    os.environ.setdefault("GLOG_minloglevel", "2")
    logging.disable(logging.INFO)
    if given.jobs > 1:
        cv2.setNumThreads(1)
    _worker["given"] = given
    _worker["sources"] = {source.name: source for source in sources_of(given, say=False)}


def _render(name: str) -> tuple[str, bool, float]:
    began = time.perf_counter()
    there = _worker["sources"][name].prepare()
    return name, there, time.perf_counter() - began


def _run(
    name: str, wanted: list[tuple[str, float]], done: set[cases.Key], donor: str, out: Path
) -> tuple[str, int, float]:
    from .injuries import injury_named

    given, sources = _worker["given"], _worker["sources"]
    held: list[Take | None] = []

    def other() -> Take | None:
        if not held:
            held.append(sources[donor].load() if donor != name else None)
        return held[0]

    began = time.perf_counter()
    number = cases.run_take(
        sources[name],
        [(injury_named(injury), strength) for injury, strength in wanted],
        modes_of(given),
        done,
        out,
        other,
    )
    return name, number, time.perf_counter() - began


def modes_of(given: argparse.Namespace) -> tuple[str, ...]:
    """The modes that were asked for."""
    return ("told", "stranger") if given.modes == "both" else (given.modes,)


def run(given: argparse.Namespace, out: Path) -> None:
    """Render what is missing, then run every case that is."""
    sources = sources_of(given)
    with ProcessPoolExecutor(given.jobs, get_context("spawn"), _begin, (given,)) as pool:
        began, usable = time.perf_counter(), []
        mine = [source for source in sources if source.ours]
        for future in as_completed([pool.submit(_render, source.name) for source in mine]):
            name, there, took = future.result()
            if there:
                usable.append(name)
            if took > 5 or not there:
                print(f"   {name}: {f'rendered in {took:.0f} s' if there else 'cannot be made'}", flush=True)
        usable = [source for source in sources if not source.ours or source.name in usable]
        print(
            f"   {len(usable)} takes, {sum(s.ours for s in usable)} of them ours, "
            f"ready after {time.perf_counter() - began:.0f} s",
            flush=True,
        )
        if given.render:
            return
        only = "no injury" if given.only == "clean" else given.only
        plan = cases.chosen(usable, given.per, only, modes_of(given))
        done = {cases.key_of(record) for record in cases.read(out)}
        order = [source.name for source in usable]
        futures, began, number = [], time.perf_counter(), 0
        for at, name in enumerate(order):
            of_take = {key for key in done if key[0] == name}
            donor = next(
                (s for s in order[at + 1 :] + order[:at] if s.split()[0] != name.split()[0] and " for long" not in s),
                name,
            )
            wanted = [(injury.name, strength) for injury, strength in plan[name]]
            futures.append(pool.submit(_run, name, wanted, of_take, donor, out))
        for count, future in enumerate(as_completed(futures), 1):
            name, inspections, took = future.result()
            number += inspections
            passed = time.perf_counter() - began
            print(
                f"   {count}/{len(order)} {name}: {inspections} inspections in {took:.0f} s; "
                f"{number} in {passed / 60:.1f} min",
                flush=True,
            )


def main(arguments: list[str] | None = None) -> None:
    """Run what is asked for and print the report."""
    given = parsed(arguments)
    with tempfile.TemporaryDirectory() as folder:
        out = given.score or given.out or Path(folder) / "cases.jsonl"
        if given.score is None:
            if out.is_file() and not given.resume:
                raise SystemExit(f"   {out} is there already: --resume goes on with it, --score reads it")
            out.parent.mkdir(parents=True, exist_ok=True)
            run(given, out)
            if given.render:
                return
        records = cases.read(out)
    if given.half != "both":
        records = [record for record in records if record["half"] == given.half]
    took = [record["took"] for record in records if "took" in record]
    long = [record["seconds"] for record in records if "took" in record]
    print(
        f"\n{datetime.now(UTC):%Y-%m-%d}: {len(took)} inspections, "
        f"{sum(took) / max(1e-9, sum(long)):.2f} s a second of clip"
    )
    for line in score.report(records):
        print(line)
    if given.limits:
        for line in score.separation(records):
            print(line)
