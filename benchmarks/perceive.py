"""What perception sees, measured on a folder of pictures of your own.

    python -m benchmarks.perceive --stills FOLDER [--style] [--mouths] [--eyes] [--yaw] [--gate] [--speed]

FOLDER holds ``photo/`` and ``drawn/``; the pictures we measured with belong to others and are not part of the
project. Which of them are animals, paintings and so on is listed in LABELS below, by file name without its suffix.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stillwake.perceive import look, style
from stillwake.perceive.faces import candidates
from stillwake.types import Pixels

LABELS = {
    "animal": "13 17 20",
    "no face": "56 57 60",
    "painting": "03 04 11 19 24 27 30 31 32 36 37 38 40 41",
    # neither anime nor photograph: the mesh fits them, and either name is right
    "between": "00 05 06 07 45 83",
}


def labelled(kind: str, folder: str) -> set[str]:
    """The names of that label."""
    return {f"{folder}_{number}" for number in LABELS[kind].split()}


def stills(folder: Path, longest: int = 1200) -> Iterator[tuple[str, Pixels]]:
    """(name, pixels) of every picture, reduced to ``longest`` px."""
    import cv2
    from PIL import Image

    for path in sorted([*(folder / "photo").iterdir(), *(folder / "drawn").iterdir()]):
        pixels = np.array(Image.open(path).convert("RGB"))
        scale = longest / max(pixels.shape)
        if scale < 1:
            pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        yield path.stem, pixels


def variants(pixels: Pixels) -> Iterator[tuple[str, Pixels]]:
    """The picture as others might hand it in: grey, small, dark, over-compressed, noisy, soft, mirrored."""
    import cv2

    height, width = pixels.shape[:2]
    yield "plain", pixels
    yield "grey", np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    yield "half", cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    yield "dark", (pixels * 0.6).astype(np.uint8)
    compressed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    yield "jpeg 40", np.asarray(cv2.imdecode(compressed, cv2.IMREAD_COLOR), np.uint8)
    noise = np.random.default_rng(1).normal(0, 6, pixels.shape)
    yield "noise", np.clip(pixels + noise, 0, 255).astype(np.uint8)
    yield "soft", cv2.GaussianBlur(pixels, (0, 0), max(height, width) / 700)
    yield "mirrored", np.ascontiguousarray(pixels[:, ::-1])


def regression(
    table: npt.NDArray[np.float64], truth: npt.NDArray[np.float64], names: Sequence[str], ridge: float
) -> style.Logistic:
    """A logistic regression by Newton's method; both classes weigh the same."""
    mean, spread = table.mean(0), table.std(0) + 1e-6
    ones = np.c_[np.ones(len(table)), (table - mean) / spread]
    share = np.where(truth > 0, 1 / truth.sum(), 1 / (1 - truth).sum()) * 60
    weights = np.zeros(ones.shape[1])
    keep = ridge * np.r_[0, np.ones(len(weights) - 1)]
    for _ in range(60):
        p = 1 / (1 + np.exp(-ones @ weights))
        slope = ones.T @ ((p - truth) * share) + keep * weights
        curve = (ones * (p * (1 - p) * share)[:, None]).T @ ones + np.diag(keep + 1e-6)
        weights -= np.linalg.solve(curve, slope)
    terms = {
        name: (round(float(m), 4), round(float(s), 4), round(float(w), 3))
        for name, m, s, w in zip(names, mean, spread, weights[1:], strict=True)
    }
    return style.Logistic(round(float(weights[0]), 3), terms)


Rows = list[tuple[str, str, dict[str, float], bool]]
"""(picture, variant, features, truth)"""


def cross(rows: Rows, names: Sequence[str], ridge: float, title: str, limit: float = 0.5) -> style.Logistic:
    """Fit on half of the pictures, judge on the other half, both ways, five random splits; then fit on all."""
    table = np.array([[row[2][name] for name in names] for row in rows])
    truth = np.array([float(row[3]) for row in rows])
    pictures = np.array([row[0] for row in rows])
    plain = np.array([row[1] == "plain" for row in rows])
    random = np.random.default_rng(0)
    counts = np.zeros((2, 2, 2))
    wrong: dict[str, int] = {}
    for _ in range(5):
        half = set(random.permutation(np.unique(pictures))[::2].tolist())
        inside = np.array([name in half for name in pictures])
        for learn in (inside, ~inside):
            model = regression(table[learn], truth[learn], names, ridge)
            for i in np.flatnonzero(~learn):
                said = model.probability(dict(zip(names, table[i], strict=True))) > limit
                counts[0, int(truth[i]), int(said)] += plain[i]
                counts[1, int(truth[i]), int(said)] += 1
                if said != bool(truth[i]) and plain[i]:
                    wrong[pictures[i]] = wrong.get(pictures[i], 0) + 1
    print(f"\n{title}: {len(np.unique(pictures))} pictures, judged on the half not learnt from, 5 splits")
    for name, count in zip(("as they are", "with variants"), counts, strict=True):
        rates = count / count.sum(1, keepdims=True)
        print(f"  {name}: said no when no {rates[0, 0]:.3f}, said yes when yes {rates[1, 1]:.3f}")
    print("  wrong at least once:", ", ".join(f"{n} ({k} of 5)" for n, k in sorted(wrong.items())) or "none")
    whole = regression(table, truth, names, ridge)
    print(f"  {whole}")
    return whole


def measure_style(folder: Path) -> None:
    """The three decisions of `stillwake.perceive.style`, fitted and judged."""
    between = labelled("between", "drawn")
    painted = labelled("painting", "photo")
    faces: Rows = []
    pictures: Rows = []
    paint: Rows = []
    for name, pixels in stills(folder):
        for variant, drawn_over in variants(pixels):
            fits = [place.fit for place in candidates(drawn_over) if look.telling(place)]
            whole = style.picture_features(drawn_over)
            is_drawn = name.startswith("drawn")
            if name not in between:
                pictures.append((name, variant, whole, is_drawn))
            if not fits:
                continue
            face = style.face_features(drawn_over, fits[0])
            if name not in between:
                faces.append((name, variant, face, is_drawn))
            if not is_drawn:
                paint.append((name, variant, whole | face, name in painted))
    cross(
        faces,
        ["eyes wander", "outline wanders", "lines", "near white", "nose relief", "eyes to mouth"],
        1.0,
        "FACE_DRAWN: drawn, given a confirmed face",
    )
    cross(
        pictures,
        ["picture flatness", "picture contrast", "picture lines", "picture thin lines", "picture grain"],
        10.0,
        "PICTURE_DRAWN: drawn, from the whole picture",
        style.CLEARLY,
    )
    cross(
        paint,
        ["picture chroma", "nose shading", "picture thin lines", "picture grain"],
        3.0,
        "PAINTED: painting, given that it is not drawn",
    )


def main() -> None:
    """Run what is asked for; everything, if nothing is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stills", type=Path, required=True)
    parts: dict[str, Callable[[Path], None]] = {"style": measure_style}
    for part in parts:
        parser.add_argument(f"--{part}", action="store_true")
    chosen = parser.parse_args()
    asked = [part for part in parts if getattr(chosen, part)] or list(parts)
    for part in asked:
        start = time.perf_counter()
        parts[part](chosen.stills)
        print(f"  [{part}: {time.perf_counter() - start:.0f} s]")


if __name__ == "__main__":
    main()
