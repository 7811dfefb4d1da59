"""Which cases are run, and running those of one take: injure, encode once, inspect in every mode, a line each."""

from __future__ import annotations

import fcntl
import json
import tempfile
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from stillwake.types import Inspection

from .injuries import CLEAN, INJURIES, Injury, injured
from .sources import Source, shuffled
from .takes import MODES, Take, encoded
from .truth import left_in

Key = tuple[str, str, float, str]
"""Take, injury, strength, mode: what a case is known by."""


def chosen(
    sources: list[Source], per: int, only: str, modes: tuple[str, ...]
) -> dict[str, list[tuple[Injury, float]]]:
    """Take -> its cases: every take is inspected clean, and each injury is tried on ``per`` takes of each half.

    As many of ours as of others' where there are as many, the same takes for every strength; 0 is all of them.
    """
    cases: dict[str, list[tuple[Injury, float]]] = {source.name: [(CLEAN, 0.0)] for source in sources}
    for injury in INJURIES:
        if only not in injury.name:
            continue
        for half in ("tune", "test"):
            fitting = [s for s in shuffled(sources, injury.name) if s.half == half and injury.fits(s)]
            if "stranger" in modes and injury.modes == ("told",) and "told" not in modes:
                continue
            for source in _alternating(fitting)[: per or None]:
                cases[source.name] += [(injury, float(strength)) for strength in injury.strengths]
    return cases


def _alternating(sources: Iterable[Source]) -> list[Source]:
    queues: dict[bool, list[Source]] = defaultdict(list)
    for source in sources:
        queues[source.ours].append(source)
    order: list[Source] = []
    while any(queues.values()):
        order += [queue.pop(0) for queue in queues.values() if queue]
    return order


def applicable(source: Source, injury: Injury, modes: tuple[str, ...]) -> tuple[str, ...]:
    """The modes in which a case is inspected: nobody was told anything of others' clips."""
    return tuple(mode for mode in modes if (mode in injury.modes) and (source.ours or mode == "stranger"))


def read(path: Path) -> list[dict[str, Any]]:
    """The records of a file; the last line may be half written."""
    found = []
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def key_of(record: dict[str, Any]) -> Key:
    """What the record's case is known by."""
    return record["take"], record["injury"], record["strength"], record["mode"]


def run_take(
    source: Source,
    cases: list[tuple[Injury, float]],
    modes: tuple[str, ...],
    done: set[Key],
    out: Path,
    donor: Callable[[], Take | None],
) -> int:
    """Run the take's cases that are not done; gives back how many inspections that took."""
    left = []
    for injury, strength in cases:
        wanted = [m for m in applicable(source, injury, modes) if (source.name, injury.name, strength, m) not in done]
        if wanted:
            left.append((injury, strength, wanted))
    take = source.load() if left else None
    if take is None:
        return 0
    number = 0
    for injury, strength, wanted in left:
        base = {
            "take": source.name, "source": source.source, "kind": source.kind, "ours": source.ours,
            "half": source.half, "speaks": source.face and source.sound, "injury": injury.name, "unit": injury.unit,
            "strength": strength, "negative": injury.negative, "answers": list(injury.answers), "size": take.size,
            "fps": str(take.fps),
        }  # fmt: skip
        hurt = injured(take, injury.name, strength, donor)
        if hurt is None:
            for mode in wanted:
                _append(out, {**base, "mode": mode, "inapplicable": True})
            continue
        truth = hurt.truth
        base["truth"] = {"start": truth.start, "end": truth.end, "box": truth.box, "value": truth.value,
                         "edges": truth.edges, "note": truth.note}  # fmt: skip
        base |= {"seconds": hurt.take.seconds, "crf": hurt.take.crf}
        with tempfile.TemporaryDirectory() as folder:
            clip = encoded(hurt.take, Path(folder))
            if (left := left_in(clip, truth)) is not None:
                base["truth"]["left"] = round(left, 3)
            for mode in wanted:
                began = time.perf_counter()
                error, rows = None, []
                try:
                    rows = rows_of(MODES[mode](hurt.take, clip))
                except Exception:  # whatever it is, it is a result: the inspection must take any clip
                    error = traceback.format_exc(limit=-2).strip().splitlines()[-1]
                took = round(time.perf_counter() - began, 2)
                _append(out, {**base, "mode": mode, "took": took, "error": error, "findings": rows})
                number += 1
    return number


def rows_of(inspection: Inspection) -> list[dict[str, Any]]:
    """The findings, as a record has them."""
    return [
        {k: getattr(f, k) for k in ("check", "verdict", "measured", "unit", "limit", "start", "end", "box")}
        for f in inspection.findings
    ]


def _append(out: Path, record: dict[str, Any]) -> None:
    """Write the record as a line of its own, whoever else is writing."""
    with out.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(record, default=float) + "\n")
