"""From what was found in every case to the numbers of the report: nothing here looks at a clip."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from .injuries import INJURIES, answers

Record = dict[str, Any]
"""One case as a line of the file has it: see `benchmarks.inspection.cases`."""
Row = dict[str, Any]
"""One finding: check, verdict, measured, unit, limit, start, end, box."""

NEAR = 0.2
"""Seconds by which start and end may be off; also the slack with which a finding overlaps the injury."""
LEAST_OVERLAP = 0.3
"""Intersection over union from which a box is the right one."""
OFFSET_BAR = 40.0
"""ms by which the measured offset may be off."""
LEFT = 1 / 3
"""Share of a flicker that must be left in the file for it to be one: an encoder takes a percent off flat drawings."""
RANK = {"unseen": 0, "pass": 0, "warn": 1, "fail": 2}


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); 0 to 1 where nothing was tried."""
    if not count:
        return 0.0, 1.0
    share, square = hits / count, z * z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = z / (1 + square / count) * sqrt(share * (1 - share) / count + square / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def overlap(one: Iterable[float], other: Iterable[float]) -> float:
    """Intersection over union of two boxes."""
    ax, ay, bx, by = one
    cx, cy, dx, dy = other
    inside = max(0.0, min(bx, dx) - max(ax, cx)) * max(0.0, min(by, dy) - max(ay, cy))
    return inside / max(1e-9, (bx - ax) * (by - ay) + (dx - cx) * (dy - cy) - inside)


def meets(one: Row, other: Row, slack: float = NEAR) -> bool:
    """Whether two stretches of time overlap; one without a start is the whole clip."""
    if one.get("start") is None or other.get("start") is None:
        return True
    ends = [row["end"] if row.get("end") is not None else row["start"] for row in (one, other)]
    return bool(one["start"] <= ends[1] + slack and other["start"] <= ends[0] + slack)


def alarms(record: Record) -> list[Row]:
    """The findings that warn or fail."""
    return [row for row in record["findings"] if RANK[row["verdict"]]]


def new(record: Record, clean: Record) -> list[Row]:
    """The alarms that the clean take did not raise: not that check, as badly, at that time."""
    before = alarms(clean)
    return [
        row
        for row in alarms(record)
        if not any(
            old["check"] == row["check"] and RANK[old["verdict"]] >= RANK[row["verdict"]] and meets(old, row)
            for old in before
        )
    ]


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    ``found`` an answering check raises a new alarm that meets the injury; ``failed`` one that fails; ``unseen`` every
    answering check abstained, or there is none; ``timed``, ``placed`` whether the right start and end, the right box
    were said, None where there is nothing to say; ``error`` ms of a measured offset, ``against`` the same when the
    clean take's own offset counts as none; ``strays`` other checks that raised new alarms.
    """

    found: bool
    failed: bool
    unseen: bool
    timed: bool | None
    placed: bool | None
    error: float | None
    against: float | None
    strays: tuple[str, ...]

    @property
    def located(self) -> bool | None:
        """Whether everything that can be said of the place was right; None where there is nothing to say."""
        said = [part for part in (self.timed, self.placed) if part is not None]
        return all(said) if said else None


def offset_of(record: Record) -> float | None:
    """The offset that the inspection measured, ms: from the timeline it was told, else from the clip's own sound."""
    for name in ("sync", "sync heard"):
        for row in record["findings"]:
            if row["check"] == name and row["verdict"] != "unseen" and row["measured"] is not None:
                return float(row["measured"])
    return None


def judged(record: Record, clean: Record) -> Outcome:
    """What became of a case, against the clean take's."""
    truth, patterns = record["truth"], record["answers"]
    fresh = new(record, clean)
    answering = [row for row in fresh if answers(row["check"], patterns) and meets(row, truth)]
    asked = [row for row in record["findings"] if answers(row["check"], patterns)]
    timed = placed = None
    if answering and truth["start"] is not None and truth["edges"]:
        timed = any(
            row["start"] is not None
            and abs(row["start"] - truth["start"]) <= NEAR
            and abs((row["start"] if row["end"] is None else row["end"]) - truth["end"]) <= NEAR
            for row in answering
        )
    if answering and truth["box"] is not None:
        placed = any(
            row["box"] is not None and overlap(row["box"], truth["box"]) >= LEAST_OVERLAP for row in answering
        )
    error = against = None
    if record["injury"] == "sound_shifted":
        measured, usual = offset_of(record), offset_of(clean)
        if measured is not None:
            error = measured - truth["value"]
            against = error - usual if usual is not None else None
    return Outcome(
        found=bool(answering),
        failed=any(row["verdict"] == "fail" for row in answering),
        unseen=all(row["verdict"] == "unseen" for row in asked),
        timed=timed,
        placed=placed,
        error=error,
        against=against,
        strays=tuple(sorted({row["check"] for row in fresh if not answers(row["check"], patterns)})),
    )


@dataclass(frozen=True)
class Case:
    """A record and what became of it."""

    record: Record
    outcome: Outcome


def cases_of(records: Iterable[Record]) -> tuple[list[Case], list[Record]]:
    """The injured cases, judged, and the clean takes; what could not be injured is left out, what crashed is not."""
    kept = [record for record in records if not record.get("inapplicable")]
    clean = {(r["take"], r["mode"]): r for r in kept if r["injury"] == "clean"}
    nothing: Record = {"findings": []}
    cases = [
        Case(record, judged(record, clean.get((record["take"], record["mode"]), nothing)))
        for record in kept
        if not record["negative"]
    ]
    return cases, [record for record in kept if record["negative"]]


# ------------------------------------------------------------------------------------------------------ the bars


@dataclass(frozen=True)
class Share:
    """Hits of so many."""

    hits: int
    count: int

    @property
    def share(self) -> float:
        """0..1."""
        return self.hits / self.count if self.count else 0.0

    def __str__(self) -> str:
        if not self.count:
            return "-"
        low, high = wilson(self.hits, self.count)
        return f"{self.share:.2f} [{low:.2f}, {high:.2f}] of {self.count}"


Measure = Callable[[list[Case]], Share]


def recall_left(cases: list[Case]) -> Share:
    """Found, of those of whose flicker the encoder left `LEFT` in the file."""
    return recall([c for c in cases if c.record["truth"].get("left", 1.0) >= LEFT])


def recall(cases: list[Case]) -> Share:
    """Found, of all."""
    return Share(sum(c.outcome.found for c in cases), len(cases))


def fails(cases: list[Case]) -> Share:
    """Found by a check that fails, of all."""
    return Share(sum(c.outcome.failed for c in cases), len(cases))


def abstains(cases: list[Case]) -> Share:
    """Unseen, of all."""
    return Share(sum(c.outcome.unseen for c in cases), len(cases))


def located(cases: list[Case]) -> Share:
    """Said where and when, of those found for which there is something to say."""
    said = [c.outcome.located for c in cases if c.outcome.located is not None]
    return Share(sum(said), len(said))


def precise(cases: list[Case]) -> Share:
    """Offset within `OFFSET_BAR`, of all: an abstention is none."""
    return Share(sum(c.outcome.error is not None and abs(c.outcome.error) <= OFFSET_BAR for c in cases), len(cases))


def precise_where_said(cases: list[Case]) -> Share:
    """Offset within `OFFSET_BAR`, of those for which one was said."""
    said = [abs(c.outcome.error) <= OFFSET_BAR for c in cases if c.outcome.error is not None]
    return Share(sum(said), len(said))


@dataclass(frozen=True)
class Bar:
    """A line of the issue: which cases, what of them, and at least (or at most) which share."""

    name: str
    injuries: tuple[str, ...]
    strengths: tuple[float, ...] | None
    measure: Measure
    bar: float
    at_most: bool = False


_ALL = tuple(injury.name for injury in INJURIES if not injury.negative)
BARS = (
    Bar("sync error <= 40 ms", ("sound_shifted",), None, precise, 0.90),
    Bar("drift of 80 ms over 20 s", ("sound_drifts",), None, recall, 0.90),
    Bar("morph of 15 %", ("morph",), (15,), recall, 0.85),
    Bar("background warp of 2 px", ("background_warps",), (2,), recall, 0.90),
    Bar("background warp of 2 px: abstains", ("background_warps",), (2,), abstains, 0.35, at_most=True),
    Bar("flicker of 1 %", ("flicker_alternate", "flicker_random"), (1,), recall, 0.95),
    Bar("local flicker of 1 % in a quarter", ("local_quarter", "local_strip"), (1,), recall, 0.90),
    Bar("flicker of 1 %, a third left", ("flicker_alternate", "flicker_random"), (1,), recall_left, 0.95),
    Bar("local flicker of 1 %, a third left", ("local_quarter", "local_strip"), (1,), recall_left, 0.90),
    Bar("exposure breathing of 2 %", ("exposure_breathes",), (2,), recall, 0.90),
    Bar("loop jump of one step", ("loop_jumps",), (1,), recall, 0.95),
    Bar("reversed speed at the seam", ("ping_pong", "end_reversed"), None, recall, 0.95),
    Bar("a cut", ("cut", "jump_cut"), None, recall, 0.98),
    Bar("a freeze of 5 frames", ("freezes", "freezes_delayed"), (5,), recall, 0.98),
    Bar("a dropped frame", ("frame_dropped", "frame_dropped_cut"), (1,), recall, 0.98),
    Bar("localisation", _ALL, None, located, 0.90),
)
CLEAN_BAR, UNDRIFTED_BAR = 0.05, 0.95
"""Clean takes of which any check fails, at most; undrifted long ones without an alarm, at least."""


def picked(cases: Iterable[Case], mode: str, half: str | None = None, **same: Any) -> list[Case]:
    """The cases of a mode, of a half, and with these values in their records."""
    return [
        c
        for c in cases
        if c.record["mode"] == mode
        and half in (None, c.record["half"])
        and all(c.record[k] == v for k, v in same.items())
    ]


def of_bar(bar: Bar, cases: Iterable[Case]) -> list[Case]:
    """The cases that a bar is about."""
    return [
        c
        for c in cases
        if c.record["injury"] in bar.injuries and (bar.strengths is None or c.record["strength"] in bar.strengths)
    ]


def verdict(share: Share, bar: float, *, at_most: bool = False) -> str:
    """Whether a bar is met."""
    if not share.count:
        return "not run"
    return "met" if (share.share <= bar if at_most else share.share >= bar) else "MISSED"


def clean_shares(negatives: list[Record]) -> tuple[Share, Share]:
    """Clean takes of which a check fails, and of which one warns or fails."""
    failing = sum(any(row["verdict"] == "fail" for row in record["findings"]) for record in negatives)
    return Share(failing, len(negatives)), Share(sum(bool(alarms(record)) for record in negatives), len(negatives))


def undrifted(negatives: list[Record]) -> Share:
    """Long takes, clean, of which no check says that they drift."""
    patterns = next(injury for injury in INJURIES if injury.name == "sound_drifts").answers
    long = [r for r in negatives if r["injury"] == "clean" and r["seconds"] >= 20 and r["speaks"]]
    return Share(sum(not any(answers(row["check"], patterns) for row in alarms(r)) for r in long), len(long))


# ---------------------------------------------------------------------------------------------------- the report


def report(records: list[Record], *, names: bool = True) -> Iterator[str]:
    """The lines of the report, Markdown."""
    cases, negatives = cases_of(records)
    modes = [mode for mode in ("told", "stranger") if any(record["mode"] == mode for record in records)]
    crashed = [record for record in records if record.get("error")]
    for mode in modes:
        yield f"\n### Bars, {mode}\n"
        yield "| | bar | tune | test | ours, both | others', both | |"
        yield "|---|---|---|---|---|---|---|"
        for bar in BARS:
            about = of_bar(bar, cases)
            parts = [bar.measure(picked(about, mode, half)) for half in ("tune", "test")]
            parts += [bar.measure(picked(about, mode, ours=ours)) for ours in (True, False)]
            sign = "<=" if bar.at_most else ">="
            yield (
                f"| {bar.name} | {sign} {bar.bar:.2f} | {' | '.join(map(str, parts))} "
                f"| {verdict(parts[1], bar.bar, at_most=bar.at_most)} |"
            )
        plain = [r for r in negatives if r["mode"] == mode and r["injury"] == "clean"]
        sets = [[r for r in plain if r["half"] == half] for half in ("tune", "test")]
        sets += [[r for r in plain if r["ours"] is ours] for ours in (True, False)]
        parts = [undrifted(one) for one in sets]
        yield (
            f"| undrifted: no alarm of a drift | >= {UNDRIFTED_BAR:.2f} | {' | '.join(map(str, parts))} "
            f"| {verdict(parts[1], UNDRIFTED_BAR)} |"
        )
        parts = [clean_shares(one)[0] for one in sets]
        yield (
            f"| clean: any check fails | <= {CLEAN_BAR:.2f} | {' | '.join(map(str, parts))} "
            f"| {verdict(parts[1], CLEAN_BAR, at_most=True)} |"
        )
        parts = [clean_shares(one)[1] for one in sets]
        yield f"| clean: any check warns or fails | | {' | '.join(map(str, parts))} | |"
    for mode in modes:
        yield from _details(cases, mode)
    for mode in modes:
        yield from _false_alarms([r for r in negatives if r["mode"] == mode], mode, names=names)
    if crashed:
        yield "\n### Crashed\n"
        yield from (f"- {r['take']}, {r['injury']} {r['strength']:g}, {r['mode']}: {r['error']}" for r in crashed)


def _details(cases: list[Case], mode: str) -> Iterator[str]:
    yield f"\n### Every injury, {mode}\n"
    yield "| injury | half | found | fails | abstains | when and where | when | where | also raised |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for injury in INJURIES:
        for strength in () if injury.negative else injury.strengths:
            for half in ("tune", "test"):
                some = picked(cases, mode, half, injury=injury.name, strength=strength)
                if not some:
                    continue
                timed = [c.outcome.timed for c in some if c.outcome.timed is not None]
                placed = [c.outcome.placed for c in some if c.outcome.placed is not None]
                yield (
                    f"| {injury.name} {strength:g} {injury.unit} | {half} | {recall(some)} | {fails(some).share:.2f} "
                    f"| {abstains(some).share:.2f} | {located(some)} | {_plain(timed)} | {_plain(placed)} "
                    f"| {_counted(name for c in some for name in c.outcome.strays)} |"
                )
    shifts = picked(cases, mode, injury="sound_shifted")
    if shifts:
        yield f"\n#### Offsets, {mode}\n"
        yield "| shift, ms | half | within 40 ms | of those said | median error, ms | against the clean take's |"
        yield "|---|---|---|---|---|---|"
        for size in sorted({abs(c.record["strength"]) for c in shifts}):
            for half in ("tune", "test"):
                some = [c for c in picked(shifts, mode, half) if abs(c.record["strength"]) == size]
                if some:
                    errors = [abs(c.outcome.error) for c in some if c.outcome.error is not None]
                    against = [abs(c.outcome.against) for c in some if c.outcome.against is not None]
                    yield (
                        f"| {size:g} | {half} | {precise(some)} | {precise_where_said(some)} | {_median(errors)} "
                        f"| {_median(against)} |"
                    )


def _false_alarms(negatives: list[Record], mode: str, *, names: bool) -> Iterator[str]:
    yield f"\n### Clean takes and placebos, {mode}\n"
    yield "| | half | any fails | any warns or fails |"
    yield "|---|---|---|---|"
    for name in dict.fromkeys(record["injury"] for record in negatives):
        for half in ("tune", "test"):
            some = [r for r in negatives if r["injury"] == name and r["half"] == half]
            if some:
                failing, warning = clean_shares(some)
                yield f"| {name} | {half} | {failing} | {warning} |"
    raised: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in negatives:
        for row in alarms(record):
            value = "" if row["measured"] is None else f" ({row['measured']:.3g})"
            tag = "" if record["injury"] == "clean" else f", {record['injury']}"
            raised[row["check"], row["verdict"]].append(f"{record['take']}{tag}{value}")
    if raised and names:
        yield f"\n#### False alarms by check, {mode}\n"
        for (check, kind), where in sorted(raised.items(), key=lambda item: -len(item[1])):
            plain = [name for name in where if ", " not in name]
            yield f"- **{check}** {kind}: {len(plain)} clean, {len(where)} in all: {'; '.join(where[:30])}"


def _plain(hits: list[bool]) -> str:
    return f"{sum(hits)}/{len(hits)}" if hits else "-"


def _median(values: list[float]) -> str:
    return f"{float(np.median(values)):.0f}" if values else "-"


def _counted(names: Iterable[str]) -> str:
    count: dict[str, int] = defaultdict(int)
    for name in names:
        count[name] += 1
    return ", ".join(f"{name} {number}" for name, number in sorted(count.items(), key=lambda item: -item[1])[:6])


# --------------------------------------------------------------------------------------------- where limits might be


def separation(records: list[Record], half: str = "tune", alarms_allowed: float = 0.05) -> Iterator[str]:
    """For every injury and check that may answer: the limit at which so many clean takes alarm, and what it finds."""
    kept = [r for r in records if not r.get("inapplicable") and r["half"] == half]
    yield f"\n### Where limits might be, {half} half: at most {alarms_allowed:.0%} of clean takes over it\n"
    yield "| injury | mode | check | clean median | limit now | limit at that share | found by it alone | AUC |"
    yield "|---|---|---|---|---|---|---|---|"
    clean: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    limits: dict[tuple[str, str], float | None] = {}
    for record in kept:
        for check, row in _measured(record).items():
            limits.setdefault((record["mode"], check), row["limit"])
            if record["injury"] == "clean":
                clean[record["mode"], check][record["take"]] = row["measured"]
    groups: dict[tuple[str, float, str, str], list[float]] = defaultdict(list)
    for record in kept:
        if not record["negative"]:
            for check, row in _measured(record).items():
                if answers(check, record["answers"]):
                    groups[record["injury"], record["strength"], record["mode"], check].append(row["measured"])
    for (injury, strength, mode, check), values in sorted(groups.items()):
        good = np.array(list(clean[mode, check].values()))
        bad = np.array(values)
        if len(good) < 4:
            continue
        signed = (good < 0).any() or (bad < 0).any()
        good, bad = (np.abs(good), np.abs(bad)) if signed else (good, bad)
        rank = (bad[:, None] > good[None]).mean() + (bad[:, None] == good[None]).mean() / 2
        less = rank < 0.5  # some measures, such as PSNR, fall
        limit = float(np.quantile(good, alarms_allowed if less else 1 - alarms_allowed))
        hits = int((bad < limit).sum() if less else (bad > limit).sum())
        now = limits[mode, check]
        yield (
            f"| {injury} {strength:g} | {mode} | {check}{' (abs)' if signed else ''} | {np.median(good):.3g} "
            f"| {'-' if now is None else format(now, '.3g')} | {'< ' if less else ''}{limit:.3g} "
            f"| {Share(hits, len(bad))} | {max(rank, 1 - rank):.2f} |"
        )


def _measured(record: Record) -> dict[str, Row]:
    """Each check's worst finding with a number."""
    found: dict[str, Row] = {}
    for row in record["findings"]:
        if row["measured"] is not None and row["verdict"] != "unseen":
            old = found.get(row["check"])
            if old is None or abs(row["measured"]) > abs(old["measured"]):
                found[row["check"]] = row
    return found
