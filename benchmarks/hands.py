"""Fingers counted, hands told from what only looks like one, hands cut by the picture's border.

    python -m benchmarks.hands [--weights FILE] [--held FILE]

Measured on the half of the labelled crops that was never trained on, with one digit more or less put into them. The
limits are frozen on the other half: with ``--held`` on the third of it that that net, trained alike, has not learned.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parents[1]))  # training lies beside benchmarks

from training.hands import real
from training.hands.folds import fold_of

from stillwake.perceive import hands
from stillwake.perceive.models import Crop

Numbers = npt.NDArray[np.float64]
DRAWS = 4
"""Injections tried on each clean hand."""
OPEN = 3
"""Straight digits by the landmarks from which on a digit may be missed."""
SHARED = Path(__file__).parents[2] / "shared"


def reading(pixels: npt.NDArray[np.uint8]) -> hands.Reading:
    """The net's reading of an upright crop."""
    middle = real.CANON / 2 - 0.5
    return hands.read(pixels, Crop(middle, middle, float(real.CANON)))


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


def injected(samples: list[real.Sample], what: str, seed: int) -> list[tuple[real.Sample, npt.NDArray[np.uint8]]]:
    """Up to DRAWS injections into each clean hand."""
    found = []
    for k, sample in enumerate(samples):
        for draw in range(DRAWS):
            for again in range(6):
                pixels = real.inject(np.random.default_rng([seed, k, draw, again]), sample, what)
                if pixels is not None:
                    found.append((sample, pixels))
                    break
    return found


def line(name: str, values: Sequence[float], pictures: Sequence[str], limits: dict[str, float], sign: int = 1) -> None:
    """Recall at each limit."""
    told = []
    for label, limit in limits.items():
        hits = [sign * v > sign * limit for v in values]
        low, high = interval(hits, pictures)
        told.append(f"at {label} {np.mean(hits):.3f} [{low:.2f}-{high:.2f}]")
    print(f"   {name}: {', '.join(told)} ({len(values)} of {len(set(pictures))} pictures)")


def digits(samples: list[real.Sample], judge: Callable[[real.Sample], None]) -> None:
    """Extra and missing digits, real defects, hand or not."""
    test = [s for s in samples if s.repository in real.TEST]
    rest = [s for s in samples if s.repository not in real.TEST]

    def clean(of: list[real.Sample]) -> list[real.Sample]:
        return [s for s in of if s.label == "clean_five" and s.points is not None]

    def negatives(of: list[real.Sample], seed: int) -> list[tuple[real.Sample, hands.Reading]]:
        out = []
        pairs = [(s, s.pixels) for s in clean(of)]
        pairs += [p for what in ("widen", "shift") for p in injected(clean(of), what, seed)[::DRAWS]]
        for s, pixels in pairs:
            judge(s)
            out.append((s, reading(pixels)))
        return out

    def straight(sample: real.Sample) -> int:
        return 0 if sample.points is None else int(real.straight(sample.points).sum())

    frozen = negatives(rest, 11)
    extra = [r.extra for _, r in frozen]
    limits = {"5 %": float(np.quantile(extra, 0.95)), "1 %": float(np.quantile(extra, 0.99))}
    lack = [r.digits for s, r in frozen if straight(s) >= OPEN]
    low = {"5 %": float(np.quantile(lack, 0.05)), "1 %": float(np.quantile(lack, 0.01))}
    print(
        f"   limits from the other half ({len(extra)} clean and placebo hands, {len(lack)} open): "
        f"extra {limits}, digits {low}"
    )
    gone = [r.missing for s, r in frozen if straight(s) >= OPEN]
    missing = {"5 %": float(np.quantile(gone, 0.95)), "1 %": float(np.quantile(gone, 0.99))}
    print(f"   missing, its own head: {missing}")
    held = negatives(test, 12)
    for group in ("all", *sorted({s.repository for s, _ in held})):
        chosen = [(s, r) for s, r in held if group in ("all", s.repository)]
        line(
            f"false alarms of extra, {group}, placebos too",
            [r.extra for _, r in chosen],
            [s.picture for s, _ in chosen],
            limits,
        )
    before = [(s, reading(s.pixels)) for s in clean(test)]
    line(
        "false alarms of extra, clean hands alone",
        [r.extra for _, r in before],
        [s.picture for s, _ in before],
        limits,
    )
    negative = [r.extra for _, r in held]
    own = {"5 % in-sample": float(np.quantile(negative, 0.95)), "1 % in-sample": float(np.quantile(negative, 0.99))}
    for what in ("extra", "paste"):
        pairs = injected(clean(test), what, 13)
        read = [(s, reading(p)) for s, p in pairs]
        values, names = [r.extra for _, r in read], [s.picture for s, _ in read]
        line(f"extra finger by {'fan warp' if what == 'extra' else what}", values, names, limits | own)
        print(
            f"      AUC {auc(negative, values):.3f}; six read as six or more "
            f"{np.mean([r.digits > 5.5 for _, r in read]):.2f}; abstained 0 of those; "
            f"hands that took no injection {len(clean(test)) - len({s.name for s, _ in read})} of "
            f"{len(clean(test))}"
        )
        for group in sorted({s.repository for s, _ in read}):
            line(
                f"   {group}",
                [r.extra for s, r in read if s.repository == group],
                [s.picture for s, _ in read if s.repository == group],
                limits,
            )
    opened = [s for s in clean(test) if straight(s) >= OPEN]
    print(f"   open hands (three straight digits by landmarks): {len(opened)} of {len(clean(test))}; the rest abstain")
    pairs = injected(opened, "missing", 14)
    read = [(s, reading(p)) for s, p in pairs]
    good = [r.digits for s, r in held if straight(s) >= OPEN]
    line("missing finger on open hands, count", [r.digits for _, r in read], [s.picture for s, _ in read], low, -1)
    print(
        f"      AUC {auc([-v for v in good], [-r.digits for _, r in read]):.3f}; "
        f"false alarms {np.mean([v < low['5 %'] for v in good]):.3f}"
    )
    line("missing finger on open hands, own head", [r.missing for _, r in read], [s.picture for s, _ in read], missing)
    none = [r.missing for s, r in held if straight(s) >= OPEN]
    print(
        f"      AUC {auc(none, [r.missing for _, r in read]):.3f}; "
        f"false alarms {np.mean([v > missing['5 %'] for v in none]):.3f}"
    )
    print(f"   exact counts on clean five: {np.mean([round(r.digits) == 5 for _, r in before]):.3f} of {len(before)}")
    for label in ("defect_extra", "defect_missing", "defect_fused", "defect_melt"):
        found = [(s, reading(s.pixels)) for s in test if s.label == label]
        caught = sum(r.extra > limits["5 %"] or (straight(s) >= OPEN and r.digits < low["5 %"]) for s, r in found)
        print(
            f"   real {label}: caught {caught} of {len(found)}: "
            + " ".join(f"{r.digits:.1f}/{r.extra:+.1f}" for _, r in found[:8])
        )
    for label in ("clean_five", "clean_holding", "two_hands", "ambiguous", "not_hand"):
        found = [reading(s.pixels) for s in test if s.label == label]
        print(
            f"   {label}: called a hand {np.mean([r.hand > hands.IS_HAND for r in found]):.3f} of "
            f"{len(found)}; extra alarms {np.mean([r.extra > limits['5 %'] for r in found]):.3f}"
        )
    start = time.perf_counter()
    for sample in test[:60]:
        reading(sample.pixels)
    print(f"   a crop, six views, one thread: {(time.perf_counter() - start) / 60 * 1e3:.1f} ms")


def partial() -> None:
    """Pictures re-framed so that the border runs through fingertips, against the same with the whole hand."""
    import cv2
    from PIL import Image

    cut_right, cut_all, unseen, whole_wrong, whole_all = 0, 0, 0, 0, 0
    for path in sorted((SHARED / "stills" / "photo").iterdir()):
        pixels = np.array(Image.open(path).convert("RGB"))
        shrink = 1400 / max(pixels.shape)
        if shrink < 1:
            pixels = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        height, width = pixels.shape[:2]
        for hand in hands.find_hands(pixels):
            if hands.cut_off(hand, (width, height)) or hand.size < 60:
                continue
            whole_all += 1
            x0, y0, x1, y1 = hand.box
            # the border that lies nearest to the fingertips takes 15 % of the hand
            tips, wrist = hand.landmarks[[8, 12, 16, 20]].mean(0), hand.landmarks[0]
            way = tips - wrist
            if abs(way[0]) > abs(way[1]):
                left, right = (
                    (round(x0 + 0.15 * (x1 - x0)), width) if way[0] < 0 else (0, round(x1 - 0.15 * (x1 - x0)))
                )
                top, bottom = 0, height
            else:
                top, bottom = (
                    (round(y0 + 0.15 * (y1 - y0)), height) if way[1] < 0 else (0, round(y1 - 0.15 * (y1 - y0)))
                )
                left, right = 0, width
            part = np.ascontiguousarray(pixels[top:bottom, left:right])
            # a re-framed picture with a margin in which the whole hand still lies must stay whole
            again = [
                h
                for h in hands.find_hands(part)
                if np.hypot(*(h.landmarks[0] + (left, top) - wrist)) < 0.5 * hand.size
            ]
            cut_all += 1
            if not again:
                unseen += 1
            else:
                cut_right += hands.cut_off(again[0], (part.shape[1], part.shape[0]))
            pad = round(0.04 * max(width, height)) + 8
            a, b = max(0, round(x0) - pad), max(0, round(y0) - pad)
            framed = np.ascontiguousarray(pixels[b : round(y1) + pad, a : round(x1) + pad * 3])
            for other in hands.find_hands(framed):
                near = np.hypot(*(other.landmarks[0] + (a, b) - wrist)) < 0.3 * hand.size
                whole_wrong += bool(near and hands.cut_off(other, (framed.shape[1], framed.shape[0])))
    print(
        f"   fingertips cut: called partial {cut_right} of {cut_all}, not found {unseen}; "
        f"whole hands called partial {whole_wrong} of {whole_all}"
    )


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=hands.WEIGHTS)
    parser.add_argument("--held", type=Path, help="digits_fold0.onnx of python -m training.hands --folds 1")
    given = parser.parse_args()
    if not (real.FOLDER / "LABELS.tsv").is_file():
        print("   skipped: the labelled crops of hands are not beside the checkout")
        return

    def judge(sample: real.Sample) -> None:
        wanted = given.weights if sample.repository in real.TEST or not given.held else given.held
        if wanted != hands.WEIGHTS:
            hands.WEIGHTS = wanted
            hands._session.cache_clear()

    hands.WEIGHTS = Path()
    samples = real.load()
    if not given.held:
        print(
            "   without --held the limits come from hands that the net has learned: they flatter it, "
            "alarms will be more"
        )
    digits([s for s in samples if s.repository in real.TEST or not given.held or fold_of(s) == 0], judge)
    partial()


if __name__ == "__main__":
    main()
