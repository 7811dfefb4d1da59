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

from stillwake.perceive import agreement, look, style
from stillwake.perceive.faces import PRESENT, candidates, crop_for, overlap
from stillwake.types import Floats, Pixels

Placing = tuple[float, float, float, float]

LABELS = {
    "animal": "13 17 20",
    # two street scenes, whose passers-by have real faces of 30 px, and a head seen from behind
    "no face": "56 57 60",
    "painting": "03 04 11 19 24 27 30 31 32 36 37 38 40 41",
    # neither anime nor photograph: the mesh fits them, and either name is right
    "between": "00 05 06",
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
        style.ALONE,
    )
    cross(
        paint,
        ["picture chroma", "nose shading", "picture thin lines", "picture grain"],
        3.0,
        "PAINTED: painting, given that it is not drawn",
        style.PAINTED_CLEARLY,
    )


# ------------------------------------------------------------------------------------------------ covered mouths


def paste(pixels: Pixels, mesh: Floats, patch: Floats, alpha: Floats, where: Placing) -> Pixels:
    """``patch`` over the mouth; ``where`` is (across, down, width) in mouth widths and a turn in degrees."""
    import cv2

    across, down, width, turn = where
    left, right = mesh[61, :2].astype(float), mesh[291, :2].astype(float)
    size = float(np.linalg.norm(right - left))
    along = (right - left) / size
    below = np.array([-along[1], along[0]])
    centre = (left + right) / 2 + along * across * size + below * down * size
    angle = np.radians(turn) + np.arctan2(along[1], along[0])
    scale = width * size / patch.shape[1]
    move = np.array(
        [[np.cos(angle) * scale, -np.sin(angle) * scale, 0], [np.sin(angle) * scale, np.cos(angle) * scale, 0]]
    )
    move[:, 2] = centre - move[:, :2] @ (np.array(patch.shape[1::-1]) / 2)
    full = (pixels.shape[1], pixels.shape[0])
    over = cv2.warpAffine(patch.astype(np.float32), move, full, flags=cv2.INTER_AREA)
    share = cv2.warpAffine(alpha.astype(np.float32), move, full)[..., None]
    return np.clip(pixels * (1 - share) + over * share, 0, 255).astype(np.uint8)


def skin_of(pixels: Pixels, mesh: Floats) -> npt.NDArray[np.float64]:
    """The median colour of cheeks and nose."""
    height, width = pixels.shape[:2]
    xy = np.clip(mesh[[205, 425, 50, 280, 4], :2].round().astype(int), 0, [width - 1, height - 1])
    return np.median(pixels[xy[:, 1], xy[:, 0]], axis=0)


def covers(pixels: Pixels, mesh: Floats, seed: int) -> Iterator[tuple[str, Pixels]]:
    """The picture with the mouth covered, by things drawn in code: fingers, a fist, masks, microphones, a book."""
    import cv2

    random = np.random.default_rng(seed)
    skin = skin_of(pixels, mesh)
    y, x = np.mgrid[0:240, 0:240].astype(np.float32)

    hand, alpha = np.zeros((240, 240, 3), np.float32), np.zeros((240, 240), np.float32)
    for i in range(4):
        off = np.abs(y - (30 + 46 * i) - (x - 120) * 0.12) / 26
        finger = np.clip((1 - off) * 8, 0, 1) * np.clip((215 - 6 * i - x) / 12, 0, 1)
        tone = skin * (1 - 0.05 * i) * (1.05 - 0.35 * off[..., None] ** 2)
        hand = hand * (1 - finger[..., None]) + tone * finger[..., None]
        alpha = np.maximum(alpha, finger)
    yield "fingers", paste(pixels, mesh, hand, alpha, (0.1, 0.05, 1.9, random.uniform(-25, 25)))

    r = np.hypot(x - 120, y - 120) / 120
    shade = np.clip(1 - 0.6 * r**2 + 0.15 * (240 - x - y) / 240, 0, 1.2)[..., None]
    disc = np.clip((1 - r) * 20, 0, 1)
    balls = {"fist": (skin * 1.02, 0.15, 1.7), "microphone": (np.full(3, 46.0), 0.25, 1.25)}
    balls["grey microphone"] = (np.full(3, 122.0), 0.2, 1.15)
    for name, (tone, down, width) in balls.items():
        grain = random.normal(0, 5, (240, 240, 3))
        yield name, paste(pixels, mesh, tone * shade + grain, disc, (0.05, down, width, 0))

    for name, tone in {
        "blue mask": (150, 185, 215),
        "white mask": (228, 228, 225),
        "black mask": (30, 30, 34),
    }.items():
        cloth = np.array(tone, np.float32) * (1.05 - 0.35 * (np.abs(x - 120) / 120) ** 2)[..., None]
        for fold in (60, 120, 180):
            cloth[fold - 2 : fold + 2] *= 0.85
        shape = np.zeros((240, 240), np.float32)
        cv2.ellipse(shape, (120, 90), (118, 118), 0, 0, 180, 1.0, -1)
        shape[20:92, 5:235] = 1
        yield name, paste(pixels, mesh, cloth, cv2.GaussianBlur(shape, (0, 0), 1.5), (0, 0.05, 2.7, 0))

    book = np.kron(random.integers(40, 220, (10, 10, 3)), np.ones((24, 24, 1))).astype(np.float32)
    yield "book", paste(pixels, mesh, book, np.ones((240, 240), np.float32), (0, 0.1, 1.5, random.uniform(-20, 20)))


def photographs(folder: Path) -> Iterator[tuple[str, Pixels]]:
    """The pictures of people, photographed or painted."""
    without = labelled("animal", "photo") | labelled("no face", "photo")
    return ((name, pixels) for name, pixels in stills(folder) if name.startswith("photo") and name not in without)


def measure_mouths(folder: Path) -> None:
    """Mouths covered with things drawn in code, against the same pictures in eight variants."""
    rows: Rows = []
    lost: dict[str, list[bool]] = {}
    for seed, (name, pixels) in enumerate(photographs(folder)):
        for variant, changed in variants(pixels):
            for place in (c for c in candidates(changed) if not c.why):
                features = agreement.mouth_features(agreement.Upright.of(changed, place.fit), place.fit)
                rows.append((name, variant, features, True))
        for place in [c for c in candidates(pixels) if not c.why][:2]:
            for cover, covered in covers(pixels, place.fit.mesh, seed):
                again = [c for c in candidates(covered) if overlap(c.fit.box, place.fit.box) > 0.3]
                lost.setdefault(cover, []).append(not again or bool(again[0].why))
                if not again or again[0].fit.presence < PRESENT:
                    continue
                fitted = again[0].fit
                features = agreement.mouth_features(agreement.Upright.of(covered, fitted), fitted)
                rows.append((name, "plain", features, False))
    for cover, gone in lost.items():
        print(f"  {cover}: {len(gone)} covered, {sum(gone)} of them no longer taken for a face")
    cross(rows, MOUTH, 1.0, "MOUTH_SEEN: lips in plain view")


MOUTH = ["lips wander", "lips wander more than eyes", "line or opening", "redness"]


# --------------------------------------------------------------------------------------------- glasses, covered eyes

GLASSES = {"photo_07": (0,), "photo_32": (0,), "photo_48": (0, 4), "photo_59": (0,)}
"""Who wears glasses, by the face's rank."""


def wearing(pixels: Pixels, mesh: Floats, seed: int) -> Iterator[tuple[str, Pixels]]:
    """The picture with glasses, dark glasses, a bar or fingers over the eyes, drawn in code."""
    import cv2

    random = np.random.default_rng(seed)
    left, right = mesh[468, :2].astype(float), mesh[473, :2].astype(float)
    apart = float(np.linalg.norm(right - left))
    along = (right - left) / apart
    below = np.array([-along[1], along[0]])
    turn = float(np.degrees(np.arctan2(along[1], along[0])))
    ears = mesh[127, :2].astype(float), mesh[356, :2].astype(float)
    tones = {"black": (25, 25, 28), "brown": (95, 60, 40), "gold": (190, 150, 80), "silver": (175, 178, 182)}
    four = 4  # drawn on a picture four times as large, then reduced, so that thin wire stays thin

    def at(point: npt.NDArray[np.float64]) -> tuple[int, int]:
        return round((point[0] + 0.5) * four), round((point[1] + 0.5) * four)

    for name, tone in tones.items():
        large = cv2.resize(pixels, None, fx=four, fy=four, interpolation=cv2.INTER_LINEAR)
        thick = max(1, round(four * apart * random.uniform(0.02, 0.06)))
        wide, high, drop = random.uniform(0.36, 0.45), random.uniform(0.26, 0.4), random.uniform(0.02, 0.1)
        for eye, ear, side in ((left, ears[0], -1), (right, ears[1], 1)):
            middle = eye + below * drop * apart + along * side * 0.03 * apart
            if name in ("black", "gold"):
                size = (round(wide * apart * four), round(high * apart * four))
                cv2.ellipse(large, at(middle), size, turn, 0, 360, tone, thick, cv2.LINE_AA)
            else:
                corners = [
                    (-1, -0.8),
                    (-0.8, -1),
                    (0.8, -1),
                    (1, -0.8),
                    (0.85, 0.8),
                    (0.6, 1),
                    (-0.6, 1),
                    (-0.85, 0.8),
                ]
                frame = [at(middle + along * x * wide * apart + below * y * high * apart) for x, y in corners]
                cv2.polylines(large, [np.array(frame)], True, tone, thick, cv2.LINE_AA)
            cv2.line(large, at(middle + along * side * wide * apart), at(ear), tone, thick, cv2.LINE_AA)
        inner = [
            eye + below * drop * apart - along * side * (wide - 0.03) * apart for eye, side in ((left, -1), (right, 1))
        ]
        cv2.line(large, at(inner[0]), at(inner[1]), tone, thick, cv2.LINE_AA)
        yield f"{name} glasses", cv2.resize(large, pixels.shape[1::-1], interpolation=cv2.INTER_AREA)

    dark = pixels.copy()
    for eye in (left, right):
        centre = tuple(int(v) for v in np.round(eye + below * 0.06 * apart))
        cv2.ellipse(
            dark, centre, (round(0.42 * apart), round(0.34 * apart)), turn, 0, 360, (22, 20, 24), -1, cv2.LINE_AA
        )
    middle = [tuple(int(v) for v in np.round(point)) for point in (left, right)]
    cv2.line(dark, middle[0], middle[1], (22, 20, 24), max(1, round(0.05 * apart)), cv2.LINE_AA)
    yield "dark glasses", dark
    bar = pixels.copy()
    ends = [tuple(int(v) for v in np.round(p + along * s * 0.6 * apart)) for p, s in ((left, -1), (right, 1))]
    cv2.line(bar, ends[0], ends[1], (40, 30, 30), max(2, round(0.42 * apart)), cv2.LINE_AA)
    yield "bar", bar
    tone = skin_of(pixels, mesh)
    y = np.mgrid[0:240, 0:240][0].astype(np.float32)
    off = np.abs((y % 60) - 30) / 30
    hand = tone * (1.05 - 0.35 * off[..., None] ** 2)
    size = float(np.linalg.norm(mesh[291, :2] - mesh[61, :2]))
    centre = (left + right) / 2 - (mesh[61, :2] + mesh[291, :2]) / 2
    place = (float(centre @ along) / size, float(centre @ below) / size, 2.2 * apart / size, 0.0)
    alpha = np.zeros((240, 240), np.float32)
    alpha[70:170] = 1
    yield "fingers over the eyes", paste(pixels, mesh, hand, alpha, place)


def measure_eyes(folder: Path) -> None:
    """Glasses and covers drawn in code, and the few real glasses, against bare faces."""
    rows: Rows = []
    for seed, (name, pixels) in enumerate(photographs(folder)):
        for variant, changed in variants(pixels):
            for rank, place in enumerate(c for c in candidates(changed) if not c.why):
                worn = rank in GLASSES.get(name, ())
                if name == "photo_48" and variant != "plain":
                    continue  # five faces of nearly one size: their ranks change
                features = agreement.eye_features(agreement.Upright.of(changed, place.fit), place.fit)
                rows.append((name, variant, features, worn))
        for rank, place in enumerate([c for c in candidates(pixels) if not c.why][:2]):
            if rank in GLASSES.get(name, ()):
                continue
            for _, worn_over in wearing(pixels, place.fit.mesh, seed):
                again = [c for c in candidates(worn_over) if overlap(c.fit.box, place.fit.box) > 0.3]
                if not again or again[0].fit.presence < PRESENT:
                    continue
                fitted = again[0].fit
                features = agreement.eye_features(agreement.Upright.of(worn_over, fitted), fitted)
                rows.append((name, "plain", features, True))
    cross(rows, sorted(rows[0][2]), 1.0, "GLASSES: the eyes are not bare")


# ------------------------------------------------------------------------------------------------- gate, yaw, speed


def measure_gate(folder: Path) -> None:
    """The three values of the gate, people against everything else that a detector boxed."""
    without = {name: kind for kind in ("animal", "no face") for name in labelled(kind, "photo")}
    values: dict[str, list[tuple[str, float, float, float]]] = {}
    for name, pixels in stills(folder):
        kind = "drawn" if name.startswith("drawn") else without.get(name, "people")
        for variant, changed in variants(pixels):
            places = candidates(changed)
            if kind == "people" and not any(not place.why for place in places):
                print(f"  lost: {name} {variant}: {places[0].why if places else 'nothing boxed'}")
            if kind in ("animal", "no face") and any(not place.why for place in places):
                print(f"  let through: {name} {variant}")
            for place in places if kind != "people" else [p for p in places if not p.why]:
                fitted = place.fit
                values.setdefault(kind, []).append((name, fitted.presence, fitted.confirmed, fitted.unsteady))
    for kind, rows in values.items():
        print(f"  {kind}: {len(rows)} places")
        for column, title in ((1, "presence"), (2, "confirmed"), (3, "unsteady")):
            ranks = np.percentile([row[column] for row in rows], [0, 5, 50, 95, 100])
            print(f"    {title}: least, 5, 50, 95 %, most:", " ".join(f"{value:.3f}" for value in ranks))


def measure_yaw(folder: Path) -> None:
    """Frontal portraits turned in 3-D about their own depth by a known angle and read again, uncalibrated."""
    import cv2
    from scipy.interpolate import LinearNDInterpolator
    from scipy.ndimage import distance_transform_edt

    side = 320
    read: dict[int, list[float]] = {}
    for name, pixels in photographs(folder):
        places = [c for c in candidates(pixels) if not c.why][:1]
        if name not in FRONTAL or not places:
            continue
        mesh = places[0].fit.mesh
        crop = crop_for(mesh, 1.75)
        turn = crop.matrix(side).astype(float)
        cut = crop.cut(pixels, side)
        points = mesh[:468, :2] @ turn[:, :2].T + turn[:, 2]
        # the net draws frontal faces 7 % deeper than an average head is
        z = mesh[:468, 2] * side / crop.side * 0.936
        rows, columns = np.mgrid[0:side, 0:side]
        depth = LinearNDInterpolator(points, z)(columns, rows)
        beyond = np.isnan(depth)
        distance, nearest = distance_transform_edt(beyond, return_indices=True)
        width = float(np.linalg.norm(points[454] - points[234]))
        depth = np.where(beyond, depth[nearest[0], nearest[1]] + np.minimum(1.2 * distance, width / 2), depth)
        depth = cv2.GaussianBlur(depth.astype(np.float32), (0, 0), 2) - float(z[[234, 454]].mean())
        start = raw_yaw(mesh)
        for angle in range(-50, 51, 10):
            fine = np.mgrid[0:side:0.5, 0:side:0.5].astype(np.float32)
            here = cv2.remap(depth, fine[1], fine[0], cv2.INTER_LINEAR)
            colour = cv2.remap(cut, fine[1], fine[0], cv2.INTER_LINEAR)
            cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
            x = np.round((fine[1] - side / 2) * cos - here * sin + side / 2).astype(int)
            y = np.round(fine[0]).astype(int)
            far = (fine[1] - side / 2) * sin + here * cos
            inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
            order = np.argsort(-far[inside])
            drawn, filled = np.full((side, side, 3), 128, np.uint8), np.zeros((side, side), np.uint8)
            drawn[y[inside][order], x[inside][order]] = colour[inside][order]
            filled[y[inside][order], x[inside][order]] = 1
            drawn = cv2.inpaint(drawn, 1 - filled, 2, cv2.INPAINT_TELEA)
            seen = [c.fit for c in candidates(np.asarray(drawn, np.uint8)) if c.fit.presence >= PRESENT][:1]
            for fitted in seen:
                read.setdefault(angle, []).append(raw_yaw(fitted.mesh) - start)
    for angle, turns in sorted(read.items()):
        print(f"  turned {angle:+d}: read {np.median(turns):+.1f}, spread {np.std(turns):.1f}, {len(turns)} portraits")


FRONTAL = {f"photo_{number}" for number in ["02", "05", "11", "22", "27", "37", "42", "53", "54", "55"]}


def raw_yaw(mesh: Floats) -> float:
    """What the depth of the mesh says, before calibration."""
    ears = mesh[454] - mesh[234]
    return float(np.degrees(np.arctan2(ears[2], np.hypot(ears[0], ears[1]))))


def measure_speed(folder: Path) -> None:
    """Seconds of a first look in a fresh process, of a second look, and of a mesh; the jitter of a still frame."""
    import subprocess
    import sys

    from stillwake.perceive import MeshReader, perceive
    from stillwake.types import Still

    _, pixels = next(photographs(folder))
    script = (
        "import time; start = time.perf_counter()\n"
        "import numpy as np\nfrom stillwake.perceive import perceive\nfrom stillwake.types import Still\n"
        "pixels = np.load({path!r}); perceive(Still(pixels, 'a', '0')); print(time.perf_counter() - start)\n"
    )
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        path = str(Path(place) / "pixels.npy")
        np.save(path, pixels)
        runs = [
            float(subprocess.run([sys.executable, "-c", script.format(path=path)], capture_output=True).stdout)
            for _ in range(3)
        ]
    print(
        f"  first look in a fresh process, imports included, {pixels.shape[1]} x {pixels.shape[0]}: {min(runs):.2f} s"
    )
    still = Still(pixels, "a", "0")
    perceive(still)
    start = time.perf_counter()
    face = perceive(still).faces[0]
    print(f"  second look: {time.perf_counter() - start:.2f} s")
    random = np.random.default_rng(0)
    noisy = [np.clip(pixels + random.normal(0, 2, pixels.shape), 0, 255).astype(np.uint8) for _ in range(20)]
    with MeshReader() as reader:
        start, cpu = time.perf_counter(), time.process_time()
        meshes = [reader.mesh(frame, face.box, roll=face.roll) for frame in noisy]
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(f"  mesh of a frame: {50 * wall:.1f} ms, CPU {50 * cpu:.1f} ms")
    lips = np.stack([mesh[[13, 14], :2] for mesh in meshes if mesh is not None])
    gap = np.linalg.norm(lips[:, 0] - lips[:, 1], axis=1)
    width = np.linalg.norm(face.mouth.outer_upper[0] - face.mouth.outer_upper[-1])
    print(f"  mouth opening under noise of 2 levels: spread {gap.std() / width:.4f} of the mouth's width")


def main() -> None:
    """Run what is asked for; everything, if nothing is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stills", type=Path, required=True)
    parts: dict[str, Callable[[Path], None]] = {
        "style": measure_style,
        "mouths": measure_mouths,
        "eyes": measure_eyes,
        "gate": measure_gate,
        "yaw": measure_yaw,
        "speed": measure_speed,
    }
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
