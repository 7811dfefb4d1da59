"""Fingers counted, hands told from what only looks like one, hands cut by the picture's border.

    python -m benchmarks.hands [--weights FILE [FILE]] [--only digits|partial|drawn]
    python -m benchmarks.hands --folder FOLDER [--drawn] [--marks FILE]

Measured on the repositories of `training.hands.real.TEST`, with a digit more or less put into their clean hands.
Limits are taken on one half of these pictures and held against the other, both ways. A net that is to be measured must
not have learned from them (``python -m training.hands --without 1 2``). With two files, the first judges the first
half and has not learned from it, and so the second.

A hand that does not show its digits side by side takes no injection: `training.hands.real.inject` refuses by the
landmarks and the lines in the picture, before any net has seen it. How many are refused is told.

``--folder`` asks the same of the hands in other pictures, at the product's limits: pictures with sound hands that no
net has learned from; ``--drawn`` looks for them as in drawings and lets three digits side by side suffice. ``--marks``
counts how many hands are found at all, as ``--only drawn`` does in the shared drawings.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parents[1]))  # training lies beside benchmarks

from training.hands import real
from training.hands.folds import group_of

from benchmarks import PICTURES
from stillwake.perceive import hands
from stillwake.perceive.models import Crop
from stillwake.types import Floats, Hand, Pixels

Crops = npt.NDArray[np.uint8]
Judge = Callable[[real.Sample], None]
Score = Callable[[hands.Reading], float]
DRAWS = 4
"""Injections tried on each clean hand."""
OPEN = 3.0
"""Straight digits that the net must see before it may miss one."""
FEW = 4.5
"""Digits counted, below which a hand has too few; the product asks the net's own head instead."""
SEED = 13
LONGEST = 1600
"""px; pictures of a folder are made smaller than that before hands are looked for."""
CUTS = (0.1, 0.15)
"""Shares of a hand's length that lie beyond the border where its fingertips are cut."""
ROOMS = (0.06, 0.1, 0.2)
"""Room between fingertips and border in sizes of the hand where it is whole."""
DRAWN = frozenset({"Index-anisora", "see-through"})
SHARED = Path(__file__).parents[2] / "shared"
IN_DRAWINGS: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "drawn_13.jpg": ((0.27, 0.43, 0.42, 0.52), (0.17, 0.80, 0.27, 0.88)),
    "drawn_36.png": ((0.03, 0.48, 0.19, 0.58), (0.49, 0.45, 0.54, 0.51)),
    "drawn_37.png": ((0.03, 0.33, 0.16, 0.50),),
    "drawn_43.png": ((0.33, 0.63, 0.56, 0.90),),
    "drawn_46.png": ((0.29, 0.40, 0.46, 0.59),),
    "drawn_51.png": ((0.11, 0.42, 0.22, 0.68), (0.74, 0.62, 0.87, 0.78)),
    "drawn_53.png": ((0.20, 0.38, 0.29, 0.58), (0.59, 0.42, 0.68, 0.52)),
    "drawn_55.png": ((0.13, 0.63, 0.21, 0.75),),
    "drawn_60.png": ((0.00, 0.80, 0.21, 0.91),),
    "drawn_66.png": ((0.02, 0.25, 0.17, 0.43), (0.75, 0.42, 0.88, 0.52)),
    "drawn_78.png": ((0.34, 0.40, 0.41, 0.49),),
    "drawn_79.png": ((0.41, 0.43, 0.50, 0.60), (0.47, 0.43, 0.58, 0.60)),
    "drawn_80.png": ((0.31, 0.41, 0.41, 0.57),),
}
"""Hands of the shared drawings, (left, top, right, bottom) in shares of width and height, marked by eye: clasped ones
are one."""
DOUBTFUL = {
    "drawn_44.png": (0.15, 0.85, 0.40, 1.0),
    "drawn_48.png": (0.60, 0.60, 0.90, 0.90),
    "drawn_70.png": (0.10, 0.90, 0.30, 1.0),
    "drawn_75.jpg": (0.40, 0.30, 0.55, 0.60),
    "drawn_76.jpg": (0.30, 0.60, 0.70, 1.0),
    "drawn_77.png": (0.30, 0.33, 0.47, 0.46),
}
"""Where a hand may be: tiny, behind hair, half out of the frame. Finding one there counts neither way."""


def auc(good: Sequence[float], bad: Sequence[float]) -> float:
    """How often a bad one scores above a good one."""
    a, b = np.asarray(good)[:, None], np.asarray(bad)[None]
    return float((b > a).mean() + 0.5 * (b == a).mean())


def interval(hits: Sequence[bool], pictures: Sequence[str], rounds: int = 2000) -> tuple[float, float]:
    """95 % bootstrap over source pictures."""
    rng = np.random.default_rng(0)
    names = sorted(set(pictures))
    each = {name: [h for h, p in zip(hits, pictures, strict=True) if p == name] for name in names}
    sums, counts = (np.array([f(each[n]) for n in names], float) for f in (sum, len))
    chosen = rng.integers(0, len(names), (rounds, len(names)))
    shares = sums[chosen].sum(1) / counts[chosen].sum(1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True)
class Case:
    """A hand as it was handed to the product: its crop, and the reading (None: no hand was found in the crop)."""

    sample: real.Sample
    reading: hands.Reading | None

    @property
    def half(self) -> int:
        """Which half of the pictures it belongs to, 1 or 2; 0 beyond the measured repositories."""
        return group_of(self.sample)


def look(pixels: Crops) -> hands.Reading | None:
    """Find the hand anew in an upright crop, as the product would, and read it."""
    middle = real.CANON / 2 - 0.5
    found = [points for points, *_ in hands._detect(np.ascontiguousarray(pixels), 0, 0)]
    found = [p for p in found if float(np.hypot(*(p.mean(0) - middle))) < 0.25 * real.CANON]
    if not found:
        return None
    seen = hands.read(pixels, hands.upright(max(found, key=lambda p: float(np.ptp(p)))))
    return seen if seen.hand >= hands.IS_HAND else None


def injected(samples: list[real.Sample], what: str, draws: int, least: int) -> Iterator[tuple[real.Sample, Crops]]:
    """Up to ``draws`` injections into each hand; "plain": each as it is, once."""
    for k, sample in enumerate(samples):
        if what == "plain":
            yield sample, sample.pixels
            continue
        for draw in range(draws):
            for again in range(4):
                rng = np.random.default_rng([SEED, k, draw, again, *what.encode()])
                pixels = real.inject(rng, sample, what, least)
                if pixels is not None:
                    yield sample, pixels
                    break


def cases(samples: list[real.Sample], what: str, draws: int, judge: Judge) -> list[Case]:
    """Up to ``draws`` injections into each hand, found again and read."""
    found = []
    for sample, pixels in injected(samples, what, draws, real.SHOWN):
        judge(sample)
        found.append(Case(sample, look(pixels)))
    return found


def halved(good: list[Case], bad: list[Case], score: Score, rate: float) -> tuple[list[bool], list[float]]:
    """Whether each bad one lies above the limit from the good ones of the other half, and both limits."""
    limits = {}
    for half in (1, 2):
        values = [score(c.reading) for c in good if c.half == 3 - half and c.reading]
        limits[half] = float(np.quantile(values, 1 - rate))
    return [bool(c.reading and score(c.reading) > limits[c.half]) for c in bad], [limits[1], limits[2]]


def told(name: str, good: list[Case], bad: list[Case], score: Score, shipped: float) -> None:
    """Recall and false alarms with the limits from the other half and the product's, and how far they lie apart."""
    if not bad:
        print(f"   {name}: none")
        return
    words = []
    for rate in (0.05, 0.01):
        hits, limits = halved(good, bad, score, rate)
        alarms, _ = halved(good, good, score, rate)
        low, high = interval(hits, [c.sample.picture for c in bad])
        few, many = interval(alarms, [c.sample.picture for c in good])
        words.append(
            f"at {rate:.0%}: {np.mean(hits):.2f} [{low:.2f}-{high:.2f}], "
            f"alarms {np.mean(alarms):.3f} [{few:.2f}-{many:.2f}], limits {limits[0]:.2f} {limits[1]:.2f}"
        )
    (caught, alarms) = ([bool(c.reading and score(c.reading) > shipped) for c in some] for some in (bad, good))
    low, high = interval(caught, [c.sample.picture for c in bad])
    few, many = interval(alarms, [c.sample.picture for c in good])
    words.append(
        f"at the product's {shipped:.2f}: {np.mean(caught):.2f} [{low:.2f}-{high:.2f}], "
        f"alarms {np.mean(alarms):.3f} [{few:.2f}-{many:.2f}]"
    )
    apart = auc([score(c.reading) for c in good if c.reading], [score(c.reading) for c in bad if c.reading])
    missed = np.mean([c.reading is None for c in bad])
    print(f"   {name}: AUC {apart:.3f}; {'; '.join(words)}; not found {missed:.2f}")
    held = {c.sample.name for c in bad}, {c.sample.picture for c in bad}
    print(f"      {len(bad)} of {len(held[0])} hands, {len(held[1])} pictures")


def extra(reading: hands.Reading) -> float:
    """How much speaks for a digit too many."""
    return reading.extra


def missing(reading: hands.Reading) -> float:
    """How much speaks for a digit too few."""
    return reading.missing


def fewer(reading: hands.Reading) -> float:
    """The same by the count."""
    return -reading.digits


def digits(samples: list[real.Sample], judge: Judge) -> None:
    """Extra and missing digits, real defects, hand or not."""
    test = [s for s in samples if s.repository in real.TEST]
    clean = [s for s in test if s.label == "clean_five" and s.points is not None]
    photo = [s for s in clean if s.repository not in DRAWN]
    fans = {s.name: real.fan_of(s.pixels, s.points) for s in photo if s.points is not None}
    shown = [s for s in photo if (fan := fans[s.name]) and fan.shown >= real.SHOWN]
    plain = cases(photo, "plain", 1, judge)
    moved = [c for what in ("widen", "shift") for c in cases(photo, what, 1, judge)]
    swapped = cases(photo, "swap", 1, judge)
    good = plain + moved
    print(
        f"   {len(photo)} clean photo hands of {len({s.picture for s in photo})} pictures, fingers on view on "
        f"{len(shown)} (the rest takes no digit more or less); {len(moved)} placebos, {len(swapped)} swapped; "
        f"not found {np.mean([c.reading is None for c in good]):.3f}"
    )
    for what in ("extra", "paste", "beside"):
        bad = cases(shown, what, DRAWS, judge)
        name = {"extra": "fan warp", "paste": "paste", "beside": "paste beside the little finger"}[what]
        told(f"extra finger, {name}", good, bad, extra, hands.EXTRA)
        told("   the same with swapped digits among the good ones", good + swapped, bad, extra, hands.EXTRA)
        for repository in sorted({c.sample.repository for c in bad}):
            some = [c for c in bad if c.sample.repository == repository]
            hits, _ = halved(good, some, extra, 0.05)
            low, high = interval(hits, [c.sample.picture for c in some])
            print(f"      {repository}: {np.mean(hits):.2f} [{low:.2f}-{high:.2f}] of {len(some)}")
        print(f"      read as six or more: {np.mean([c.reading.digits > 5.5 for c in bad if c.reading]):.2f}")
    for name, some in (("clean", plain), ("placebos", moved), ("swapped", swapped)):
        for repository in sorted({c.sample.repository for c in some}):
            these = [c for c in some if c.sample.repository == repository]
            print(f"   alarms at 5 %, {name}, {repository}: {np.mean(halved(good, these, extra, 0.05)[0]):.3f}")
    opened = [c for c in good if c.reading and c.sample in shown and c.reading.open >= OPEN]
    bad = cases(shown, "missing", DRAWS, judge)
    gated = [c for c in bad if c.reading and c.reading.open >= OPEN]
    print(f"   missing finger: {len(gated)} of {len(bad)} called open ({OPEN:.1f} straight digits)")
    told("missing finger on open hands, its own head", opened, gated, missing, hands.MISSING)
    told("missing finger on open hands, by the count", opened, gated, fewer, -FEW)
    told(
        "missing finger, not gated, its own head", [c for c in good if c.sample in shown], bad, missing, hands.MISSING
    )
    # what the product ships: limits over all measured pictures
    rates = (0.05, 0.02, 0.01)
    values = {"extra": [c.reading.extra for c in good if c.reading]}
    values["missing"] = [c.reading.missing for c in opened if c.reading]
    limits = {name: {rate: float(np.quantile(v, 1 - rate)) for rate in rates} for name, v in values.items()}
    print(f"   limits over both halves: {limits}")
    counted = [c.reading.digits for c in plain if c.reading and c.sample in shown]
    exact = np.mean([round(v) == 5 for v in counted])
    print(f"   exact counts on clean hands with fingers on view: {exact:.3f} of {len(counted)}")
    for label in ("defect_extra", "defect_missing", "defect_fused", "defect_melt"):
        found = []
        for s in test:
            if s.label == label:
                judge(s)
                found.append(look(s.pixels))
        seen = [r for r in found if r]
        caught = sum(
            r.extra > limits["extra"][0.05] or (r.open >= OPEN and r.missing > limits["missing"][0.05]) for r in seen
        )
        print(
            f"   real {label}: caught {caught} of {len(found)}: "
            + " ".join(f"{r.digits:.1f}/{r.extra:+.1f}/{r.missing:.2f}" for r in seen[:10])
        )
    for label in ("clean_five", "clean_holding", "two_hands", "ambiguous", "not_hand"):
        for s in (chosen := [s for s in test if s.label == label]):
            judge(s)
        middle = real.CANON / 2 - 0.5
        read = [hands.read(s.pixels, Crop(middle, middle, float(real.CANON))) for s in chosen]
        print(
            f"   {label}: called a hand {np.mean([r.hand > hands.IS_HAND for r in read]):.3f} of {len(read)}; "
            f"extra alarms {np.mean([r.extra > limits['extra'][0.05] for r in read]):.3f}"
        )
    drawn = [s for s in clean if s.repository in DRAWN]
    for what in ("plain", "extra"):
        scores = [round(c.reading.extra, 1) for c in cases(drawn, what, 2, judge) if c.reading]
        print(f"   drawn, {len(drawn)} hands, {what}: {scores}")
    start = time.perf_counter()
    for s in photo[:60]:
        middle = real.CANON / 2 - 0.5
        hands.read(s.pixels, Crop(middle, middle, float(real.CANON)))
    print(f"   a crop, all views, one thread: {(time.perf_counter() - start) / 60 * 1e3:.1f} ms")


def known(samples: list[real.Sample], what: str, draws: int, least: int) -> list[Case]:
    """As `cases`, but read in the crop where the sound hand was found: the detector is not asked again."""
    middle = real.CANON / 2 - 0.5
    crop = Crop(middle, middle, float(real.CANON))
    return [Case(sample, hands.read(pixels, crop)) for sample, pixels in injected(samples, what, draws, least)]


def pictures_in(folder: Path) -> Iterator[tuple[str, Pixels]]:
    """Name and pixels of each picture of a folder, at most `LONGEST` px long."""
    import cv2

    from stillwake.media import open_still

    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURES):
        pixels = open_still(path).pixels
        shrink = LONGEST / max(pixels.shape)
        if shrink < 1:
            pixels = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        yield path.name, pixels


def elsewhere(folder: Path, *, drawn: bool) -> None:
    """Digits put into and taken from the hands of a folder of pictures, at the product's limits."""
    import cv2

    from stillwake.readiness.anatomy import ON_VIEW, SMALLEST, extra_limit

    samples, count = [], 0
    for count, (name, pixels) in enumerate(pictures_in(folder), 1):  # noqa: B007
        for k, hand in enumerate(hands.find_hands(pixels, drawn=drawn)):
            if hand.size < SMALLEST:
                continue
            matrix = hands.upright(hand.landmarks).matrix(real.CANON)
            size = (real.CANON, real.CANON)
            crop = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
            points = hand.landmarks @ matrix[:, :2].T + matrix[:, 2]
            samples.append(real.Sample(f"{name}:{k}", "clean_five", folder.name, name, crop, points))

    least = real.SHOWN - 1 if drawn else real.SHOWN
    limit, on_view = extra_limit("drawn" if drawn else "photo"), 0.0 if drawn else ON_VIEW
    plain = known(samples, "plain", 1, least)
    moved = [c for what in ("widen", "shift") for c in known(samples, what, 1, least)]
    print(f"   {len(samples)} hands in {count} pictures, {len(moved)} placebos")
    for name, good in (("as they are", plain), ("placebos", moved)):
        seen = [c.reading for c in good if c.reading]
        more = [r.extra > limit and r.open >= on_view for r in seen]
        fewer = [r.open >= OPEN and r.missing > hands.MISSING for r in seen]
        opened = sum(r.open >= OPEN for r in seen)
        print(
            f"   {name}: {sum(more)} of {len(seen)} alarm of a sixth digit; {sum(fewer)} of a missing one, "
            f"{opened} open"
        )
    for what in ("extra", "paste", "beside", "missing"):
        bad = known(samples, what, DRAWS, least)
        score, at, shown = (missing, hands.MISSING, 0.0) if what == "missing" else (extra, limit, on_view)
        if not bad:
            print(f"   {what}: no hand took one")
            continue
        hits = [bool(c.reading and score(c.reading) > at and c.reading.open >= shown) for c in bad]
        low, high = interval(hits, [c.sample.picture for c in bad])
        good = [score(c.reading) for c in plain + moved if c.reading]
        apart = auc(good, [score(c.reading) for c in bad if c.reading])
        held = {c.sample.name for c in bad}, {c.sample.picture for c in bad}
        print(
            f"   {what}: {np.mean(hits):.2f} [{low:.2f}-{high:.2f}] of {len(bad)} in {len(held[0])} hands of "
            f"{len(held[1])} pictures; AUC {apart:.3f}"
        )


def frames(hand: Hand, width: int, height: int) -> list[tuple[str, float, tuple[int, int, int, int]]]:
    """Frames (left, top, right, bottom) whose border near the fingertips takes a share of the hand, or leaves room."""
    x0, y0, x1, y1 = hand.box
    way = hand.landmarks[[8, 12, 16, 20]].mean(0) - hand.landmarks[0]
    across = abs(way[0]) > abs(way[1])
    low = way[0 if across else 1] < 0
    begin, end, full = (x0, x1, width) if across else (y0, y1, height)
    found = []
    for kind, amounts in (("cut", CUTS), ("whole", ROOMS)):
        for amount in amounts:
            inward = amount * (end - begin) if kind == "cut" else -amount * hand.size
            edge = begin + inward if low else end - inward
            one, two = (round(max(0.0, edge)), full) if low else (0, round(min(float(full), edge)))
            found.append((kind, amount, (one, 0, two, height) if across else (0, one, width, two)))
    return found


def partial() -> None:
    """Pictures re-framed so that the border runs through fingertips, against the same with room before them."""
    import cv2
    from PIL import Image

    def pictures() -> Iterator[tuple[str, str, Crops]]:
        for path in sorted((SHARED / "stills" / "photo").iterdir()):
            pixels = np.array(Image.open(path).convert("RGB"))
            shrink = 1400 / max(pixels.shape)
            if shrink < 1:
                pixels = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
            yield "stills", path.name, pixels
        for row in (SHARED / "hands" / "LABELS.tsv").read_text().splitlines()[1:]:
            name, label, repository, picture = row.split("\t")[:4]
            pixels = np.array(Image.open(SHARED / "hands" / name).convert("RGB"))
            filled = (np.abs(pixels.astype(int) - real.OUTSIDE).max(2) < 60).mean() > 0.01
            if label == "clean_five" and not filled and repository not in DRAWN | {"lab_anime"}:
                yield "crops", f"{repository}/{picture}", pixels

    counts: dict[tuple[str, str, float], list[tuple[str, str]]] = {}
    for source, picture, pixels in pictures():
        height, width = pixels.shape[:2]
        for hand in hands.find_hands(pixels):
            x0, y0, x1, y1 = hand.box
            if min(x0, y0, width - x1, height - y1) < 0.03 * hand.size or hand.size < 60:
                continue
            for kind, amount, (left, top, right, bottom) in frames(hand, width, height):
                framed = np.ascontiguousarray(pixels[top:bottom, left:right])
                corner = np.array([left, top])
                again = [
                    (float(np.abs(other.landmarks + corner - hand.landmarks).mean()), other)
                    for other in hands.find_hands(framed)
                ]
                distance, same = min(again, key=lambda one: one[0], default=(np.inf, None))
                if same is None or distance > 0.4 * hand.size:
                    said = "unseen"
                else:
                    said = "partial" if hands.cut_off(same, (right - left, bottom - top)) else "whole"
                counts.setdefault((kind, source, amount), []).append((said, picture))
    for kind in ("cut", "whole"):
        for source in ("crops", "stills"):
            for amount in CUTS if kind == "cut" else ROOMS:
                each = counts.get((kind, source, amount), [])
                said = [word for word, _ in each]
                words = ", ".join(f"{word} {said.count(word)}" for word in ("partial", "whole", "unseen"))
                print(f"   {kind} {amount:.2f} of the hand, {source}: {words} of {len(each)}")
        each = [one for (k, _, _), found in counts.items() if k == kind for one in found]
        low, high = interval([s == "partial" for s, _ in each], [p for _, p in each])
        share = np.mean([s == "partial" for s, _ in each])
        print(f"   {kind}: called partial {share:.3f} [{low:.2f}-{high:.2f}] of {len(each)}")


@dataclass(frozen=True)
class Marked:
    """A picture with hands marked by eye: (N, 3) x, y and size of each; (M, 3) the same of where one may be; px."""

    name: str
    pixels: Pixels
    sure: Floats
    doubtful: Floats


def shared_drawings() -> Iterator[Marked]:
    """The shared drawings, by `IN_DRAWINGS` and `DOUBTFUL`."""
    from stillwake.media import open_still

    def circle(box: tuple[float, float, float, float], size: tuple[int, int]) -> list[float]:
        low, high = np.array(box).reshape(2, 2) * size
        return [*((low + high) / 2), float((high - low).max())]

    for path in sorted(p for p in (SHARED / "stills" / "drawn").iterdir() if p.suffix in (".png", ".jpg")):
        still = open_still(path)
        sure = [circle(box, still.size) for box in IN_DRAWINGS.get(path.name, ())]
        doubtful = [circle(DOUBTFUL[path.name], still.size)] if path.name in DOUBTFUL else []
        yield Marked(path.name, still.pixels, *(np.array(v, np.float32).reshape(-1, 3) for v in (sure, doubtful)))


def marked_in(folder: Path, marks: Path) -> Iterator[Marked]:
    """The pictures of a folder that a file of marks names.

    ``{name: {"hands": [[x, y, size], ..], "doubtful": [..]}}``, in shares of the picture's longer side.
    """
    told = json.loads(marks.read_text())
    for name, pixels in pictures_in(folder):
        if name in told:
            sure, doubtful = (
                np.array(told[name].get(kind, []), np.float32).reshape(-1, 3) * max(pixels.shape)
                for kind in ("hands", "doubtful")
            )
            yield Marked(name, pixels, sure, doubtful)


def finding(pictures: Iterable[Marked], *, drawn: bool) -> None:
    """How many marked hands are found, and what else is: by mediapipe's detector alone, and with our own finder."""
    pictures = list(pictures)
    shipped = hands.FAINT
    for faint in (2.0, shipped):  # nothing is surer than 1
        hands.FAINT = faint
        found, others, start = [], [], time.perf_counter()
        for one in pictures:
            hits = np.zeros(len(one.sure), bool)
            for hand in hands.find_hands(one.pixels, drawn=drawn):
                middle = np.array(hand.box).reshape(2, 2).mean(0)
                apart = np.hypot(*(one.sure[:, :2] - middle).T)
                near = (apart < 0.6 * one.sure[:, 2]) & (np.abs(np.log(hand.size / one.sure[:, 2])) < 0.92)
                hits |= near
                if not near.any() and not (np.hypot(*(one.doubtful[:, :2] - middle).T) < one.doubtful[:, 2] / 2).any():
                    others.append(f"{one.name} at {middle.round().tolist()}")
            found += [(bool(hit), one.name) for hit in hits]
        low, high = interval([hit for hit, _ in found], [name for _, name in found])
        print(
            f"   {'mediapipe alone' if faint > 1 else 'with our own finder'}: {sum(hit for hit, _ in found)} of "
            f"{len(found)} hands found, {np.mean([hit for hit, _ in found]):.2f} [{low:.2f}-{high:.2f}], in "
            f"{len({name for hit, name in found if hit})} of {len({name for _, name in found})} pictures; elsewhere "
            f"in {len(pictures)} pictures {len(others)} {others}; "
            f"{(time.perf_counter() - start) / len(pictures):.2f} s a picture"
        )
    hands.FAINT = shipped


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, nargs="+", default=[hands.WEIGHTS])
    parser.add_argument("--only", choices=("digits", "partial", "drawn"))
    parser.add_argument("--folder", type=Path, help="pictures with sound hands that no net has learned from")
    parser.add_argument("--drawn", action="store_true", help="they are drawings")
    parser.add_argument("--marks", type=Path, help="where the hands of that folder are: how many of them are found")
    given = parser.parse_args()
    if given.marks and not given.folder:
        parser.error("--marks names the hands of a folder: name it with --folder")
    if given.folder:
        hands.WEIGHTS = given.weights[0]
        if given.marks:
            finding(marked_in(given.folder, given.marks), drawn=given.drawn)
        else:
            elsewhere(given.folder, drawn=given.drawn)
        return
    if not (real.FOLDER / "LABELS.tsv").is_file():
        print("   skipped: the labelled crops of hands are not beside the checkout")
        return

    def judge(sample: real.Sample) -> None:
        hands.WEIGHTS = given.weights[(group_of(sample) - 1) % len(given.weights)]

    if given.only in (None, "drawn"):
        finding(shared_drawings(), drawn=True)
    if given.only in (None, "digits"):
        if hands.WEIGHTS in given.weights:
            print("   the shipped net has learned from these pictures: numbers flatter it, name others with --weights")
        digits(real.load(), judge)
    if given.only in (None, "partial"):
        partial()


if __name__ == "__main__":
    main()
