"""Drawn faces: how many are found, and how far their landmarks lie from hand-made labels.

The labels (``drawn_landmarks.json``: "faces", and "other" by a second hand that did not see the first) are clicks of
our own on the drawings of ``../shared/stills``; nothing was ever learned from those pictures. The two hands lie 1.8 %
apart, each from itself .8 %. Errors are shares of the distance between the irises: the eleven points of a face are the
middles of its lids, its irises, the mouth's corners and the middles of its lips, and the chin. A part counts as usable
where its contours lie within 5 % of that distance, and as honest where stillwake itself calls it unseen.

    python -m benchmarks.drawn_faces [--folds] [--landmarks]     # even and odd faces apart; nothing but the landmarks
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
STILLS = HERE.parents[1] / "shared" / "stills"
LABELS = HERE / "drawn_landmarks.json"
USABLE = 0.05
SMALLEST = 48
Row = dict[str, Any]


def along(line: np.ndarray, count: int = 41) -> np.ndarray:
    """``count`` points at equal distances along a path (N, 2)."""
    steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    t = np.linspace(0, steps[-1], count)
    return np.stack([np.interp(t, steps, line[:, axis]) for axis in (0, 1)], 1)


def to_curve(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """The distance of each point (N, 2) to a path (M, 2)."""
    dense = along(line, 201)
    return np.linalg.norm(points[:, None] - dense[None], axis=-1).min(1)


def compared(face: Any, label: Row) -> dict[str, float]:
    """Errors of one face: name -> share of the iris distance; by curve where the name says so."""
    irises = [eye["iris"] for eye in label["eyes"]]
    middles = [
        np.mean(eye["upper"], 0) if eye["upper"] else np.array(eye["iris"] or [np.nan] * 2) for eye in label["eyes"]
    ]
    ends = [np.array(iris) if iris else middle for iris, middle in zip(irises, middles, strict=True)]
    unit = float(np.linalg.norm(ends[1] - ends[0]))
    if not np.isfinite(unit):  # one eye is hidden: the seen face's own distance
        eyes = [np.vstack([eye.upper_lid, eye.lower_lid]).mean(0) for eye in face.eyes]
        unit = float(np.linalg.norm(eyes[1] - eyes[0]))
    found: dict[str, float] = {}
    for side, eye, mark in zip(("left", "right"), face.eyes, label["eyes"], strict=True):
        if mark["upper"]:
            upper = np.array(mark["upper"])
            found[f"{side} upper lid"] = float(np.linalg.norm(along(eye.upper_lid, 3)[1] - along(upper, 3)[1])) / unit
            found[f"{side} upper lid, curve"] = float(to_curve(upper[1:-1], eye.upper_lid).mean()) / unit
        if mark["lower"]:
            lower = np.array(mark["lower"])
            found[f"{side} lower lid"] = float(np.linalg.norm(along(eye.lower_lid, 3)[1] - lower[1])) / unit
            found[f"{side} lower lid, curve"] = float(to_curve(lower, eye.lower_lid).mean()) / unit
        if mark["iris"] and eye.iris:
            found[f"{side} iris"] = float(np.linalg.norm(np.array(eye.iris[:2]) - mark["iris"])) / unit
    mouth = label["mouth"]
    if mouth["state"] in ("closed", "open"):
        m = face.mouth
        found["mouth left corner"] = float(np.linalg.norm(m.outer_upper[0] - mouth["left"])) / unit
        found["mouth right corner"] = float(np.linalg.norm(m.outer_upper[-1] - mouth["right"])) / unit
        found["mouth upper"] = float(np.linalg.norm(along(m.outer_upper, 3)[1] - mouth["upper"])) / unit
        found["mouth lower"] = float(np.linalg.norm(along(m.outer_lower, 3)[1] - mouth["lower"])) / unit
        ring = np.vstack([m.outer_upper, m.outer_lower[::-1]])
        marks = np.array([mouth[k] for k in ("left", "right", "upper", "lower")])
        found["mouth, curve"] = float(to_curve(marks, ring).mean()) / unit
    if label["chin"]:
        found["chin"] = float(np.linalg.norm(np.array(face.chin) - label["chin"])) / unit
    return found


def main() -> None:
    """Print what is found and how far off it is."""
    from stillwake.media import open_still
    from stillwake.perceive import perceive

    if not STILLS.is_dir():
        print("   skipped: there is no ../shared/stills")
        return
    hands = json.loads(LABELS.read_text())
    labels, others = hands["faces"], hands["other"]
    rows: list[Row] = []
    second: list[dict[str, float]] = []
    wanted = missed = false = small = 0
    for path in sorted((STILLS / "drawn").iterdir()):
        scene = perceive(open_still(path))
        faces = list(scene.faces)
        for label in labels.get(path.name, []):
            middle = _middle(label)
            marks = [
                p for eye in label["eyes"] for p in [*(eye["upper"] or []), *([eye["iris"]] if eye["iris"] else [])]
            ]
            wide = 2.2 * float(np.ptp(np.array(marks)[:, 0])) / 1.6
            near = [f for f in faces if f.box[0] < middle[0] < f.box[2] and f.box[1] < middle[1] < f.box[3]]
            small += wide < SMALLEST
            wanted += 1
            if not near:
                missed += 1
                print(f"   {path.name}: not found")
                continue
            faces.remove(near[0])
            errors = compared(near[0], label)
            rows.append({"name": path.name, "face": near[0], "errors": errors, "label": label})
            marked = [_middle(other) for other in others.get(path.name, [])]
            if marked:
                nearest = int(np.argmin([np.linalg.norm(m - middle) for m in marked]))
                second.append(compared(near[0], others[path.name][nearest]))
        false += len(faces)
        for face in faces:
            print(f"   {path.name}: a face where there is none, {[round(v) for v in face.box]}")
    print(
        f"   faces found {wanted - missed} of {wanted} ({small} of them under {SMALLEST} px), "
        f"{false} where there is none"
    )
    _summary("all", rows)
    every = [v for errors in second for k, v in errors.items() if "curve" not in k and k != "chin"]
    print(f"   against the second hand: lids, irises, mouth: mean {np.mean(every):.4f}, median {np.median(every):.4f}")
    if "--folds" in sys.argv:
        _summary("even", [row for i, row in enumerate(rows) if i % 2 == 0])
        _summary("odd", [row for i, row in enumerate(rows) if i % 2])
    for row in sorted(rows, key=lambda row: -_mean(row))[:10]:
        worst = sorted(((v, k) for k, v in row["errors"].items() if "curve" not in k), reverse=True)[:4]
        said = ", ".join(f"{part} {row['face'].confidence[part]:.2f}" for part in ("left eye", "right eye", "mouth"))
        kind = row["face"].kind
        print(
            f"   {row['name']} ({kind}) {_mean(row):.3f}: "
            + ", ".join(f"{k} {v:.3f}" for v, k in worst)
            + f" [{said}]"
        )
    if "--landmarks" not in sys.argv:
        _others()
        _speed()


def _middle(label: Row) -> np.ndarray:
    """The middle of a label's eyes in px."""
    marks = [p for eye in label["eyes"] for p in [*(eye["upper"] or []), *([eye["iris"]] if eye["iris"] else [])]]
    return np.mean(marks, 0)


def _mean(row: Row) -> float:
    return float(np.mean([v for k, v in row["errors"].items() if "curve" not in k and k != "chin"]))


def _summary(what: str, rows: list[Row]) -> None:
    every = [v for row in rows for k, v in row["errors"].items() if "curve" not in k]
    inner = [v for row in rows for k, v in row["errors"].items() if "curve" not in k and k != "chin"]
    means = [_mean(row) for row in rows]
    print(
        f"   {what}: {len(rows)} faces, {len(every)} points: mean {np.mean(every):.4f}, median {np.median(every):.4f};"
    )
    print(f"      lids, irises and mouth alone: mean {np.mean(inner):.4f}, median {np.median(inner):.4f}")
    print(f"      means of faces: median {np.median(means):.4f}, under 5 %: {np.mean(np.array(means) < 0.05):.2f}")
    names = sorted({k.replace("left ", "").replace("right ", "") for row in rows for k in row["errors"]})
    for name in names:
        values = [
            v for row in rows for k, v in row["errors"].items() if k.replace("left ", "").replace("right ", "") == name
        ]
        print(f"      {name:<18} {np.mean(values):.4f} (median {np.median(values):.4f}, n {len(values)})")
    lids = [_usable(row, "eye") for row in rows]
    for row, answer in zip(rows, lids, strict=True):
        if answer == "wrong" and what == "all":
            off = {k: round(v, 3) for k, v in row["errors"].items() if "lid, curve" in k and v >= USABLE}
            print(f"      lids of {row['name']} are off: {off or 'an eye that is hidden'}")
    told = [_open_told_right(row) for row in rows if row["face"].kind == "drawn"]
    known = [right for right in told if right is not None]
    print(f"      drawn mouths rightly called open or shut: {sum(known)} of {len(known)}")
    mouths = [_usable(row, "mouth") for row in rows]
    for part, answers in (("lids", lids), ("mouth", mouths)):
        good, honest = sum(a == "good" for a in answers), sum(a == "unseen" for a in answers)
        print(f"      {part}: usable on {good} of {len(answers)}, said to be unseen {honest}, moved though wrong "
              f"{len(answers) - good - honest}: {(good + honest) / len(answers):.3f}")  # fmt: skip


def _open_told_right(row: Row) -> bool | None:
    """Whether the mouth is open as labelled; None where the label does not say."""
    state, mouth = row["label"]["mouth"]["state"], row["face"].mouth
    if state not in ("open", "closed"):
        return None
    return bool(np.any(mouth.inner_upper != mouth.inner_lower)) == (state == "open")


def _usable(row: Row, part: str) -> str:
    """Whether every seen contour of the part lies within 5 %; "unseen" where stillwake would not move it."""
    face, errors = row["face"], row["errors"]
    if part == "mouth":
        if face.confidence["mouth"] < 0.5 or "mouth, curve" not in errors:
            return "unseen"
        return "good" if errors["mouth, curve"] < USABLE else "wrong"
    worst = ["unseen"]
    for side in ("left", "right"):
        if face.confidence[f"{side} eye"] < 0.5:
            continue
        off = [errors.get(f"{side} {lid} lid, curve") for lid in ("upper", "lower")]
        worst.append("wrong" if any(v is None or v >= USABLE for v in off) else "good")
    return "wrong" if "wrong" in worst else "good" if "good" in worst else "unseen"


def _others() -> None:
    """Which photographs and paintings are called drawn."""
    from stillwake.media import open_still
    from stillwake.perceive import perceive

    wrong = [p.name for p in sorted((STILLS / "photo").iterdir()) if perceive(open_still(p)).style == "drawn"]
    print(f"   photographs and paintings called drawn: {len(wrong)} {' '.join(wrong)}")
    wrong = [
        f"{p.name} ({scene.style})"
        for p in sorted((STILLS / "drawn").iterdir())
        if (scene := perceive(open_still(p))).style != "drawn"
    ]
    print(f"   drawings called otherwise: {len(wrong)} {' '.join(wrong)}")


def _speed() -> None:
    """Finder on 1 MP, reader on a face, one thread."""
    from stillwake.media import open_still
    from stillwake.perceive import drawn

    pixels = open_still(sorted((STILLS / "drawn").iterdir())[6]).pixels
    crop = drawn.places(pixels)[0][0]
    for what, work in (
        ("finder", lambda: drawn.places(pixels)),
        ("reader, two rounds", lambda: drawn.read(pixels, crop)),
    ):
        taken = []
        for _ in range(15):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
        print(f"   {what}: {1e3 * np.median(taken):.1f} ms ({pixels.shape[1]} x {pixels.shape[0]} px)")


if __name__ == "__main__":
    main()
