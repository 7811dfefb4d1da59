"""Living stills: what every bar of loops, cameras and hair reads on all stills there are.

For each still at 720p: its living loop (frame N against frame 0, the step and the speed over the seam, pixels outside
the mask, edges of two colours, folds) and five cameras (sharpness against the still and its change, folds, what comes
into view at the subject's rim, the width of that rim, colours of the subject left in the plate). The worst of every
number is printed with its still. Pictures come from ``--stills FOLDER`` (with subfolders), or are the demo's photo.
With ``--sheets FOLDER`` a contact sheet of each move is written to be looked at.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks import PICTURES
from stillwake.engines.animator import Animator
from stillwake.engines.animator.living import Living
from stillwake.engines.animator.render import Talk
from stillwake.inspection.folds import folded
from stillwake.inspection.moves import roughness
from stillwake.media import open_still
from stillwake.moves import camera_of
from stillwake.perceive import perceive, scaled
from stillwake.types import MOTIONS, Pixels, Scene, Shot, Still

CAMERAS = ("orbit", "push in", "truck left", "dolly zoom", "hand-held")
FPS = Fraction(25)
SECONDS = Fraction(4)
Mask = npt.NDArray[np.bool_]


def scenes(folder: Path | None) -> Iterator[tuple[str, Scene]]:
    """Every still at 720p with what is seen in it."""
    if folder is None or not folder.is_dir():
        from skimage import data

        yield "astronaut", at_720(perceive(Still(np.ascontiguousarray(data.astronaut()), "astronaut.png", "0" * 64)))
        return
    for path in sorted(folder.glob("**/*.*")):
        if path.suffix.lower() in PICTURES:
            yield path.stem, at_720(perceive(open_still(path)))


def at_720(scene: Scene) -> Scene:
    """The scene within 1280 x 720, or as wide on its short side."""
    width, height = scene.still.size
    scale = min(1280 / max(width, height), 720 / min(width, height))
    return scaled(scene, (round(width * scale / 2) * 2, round(height * scale / 2) * 2))


def performed(scene: Scene, camera: str | None, *, faces: bool) -> Talk | Living | str:
    """The performance, or why there is none."""
    from stillwake.errors import StillwakeError

    shot = Shot(
        family="animator", engine="animator", motion="live", seconds=SECONDS, fps=FPS, size=scene.still.size, seed=0,
        loop=True, camera=None if camera is None else camera_of(camera), motions=MOTIONS if faces else (),
    )  # fmt: skip
    try:
        return Animator().prepare(scene, shot, None)
    except StillwakeError as error:
        return str(error)


def seam(performance: Talk | Living) -> tuple[float, float]:
    """Step and change of speed over the seam, times those beside it (1 is seamless)."""
    count = performance.frame_count
    around = [performance.frame(index % count).astype(np.int16) for index in range(count - 4, count + 4)]
    steps = [float(np.abs(b - a).mean()) for a, b in pairwise(around)]
    beside = (steps[2] + steps[4]) / 2
    bends = [abs(b - a) for a, b in pairwise(steps)]
    return steps[3] / max(beside, 1e-6), max(bends[2], bends[3]) / max(float(np.median(steps)), 1e-6)


def edges(pixels: Pixels, region: Mask) -> npt.NDArray[np.float32]:
    """Where strong edges lie in a region, (N, 2) px, at most 4000."""
    import cv2

    gx, gy = gradient(pixels)
    strength = np.hypot(gx, gy)
    inner = cv2.erode(region.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    y, x = np.nonzero((strength == cv2.dilate(strength, np.ones((3, 3)))) & inner & (strength > 12))
    chosen = np.random.default_rng(0).permutation(len(x))[:4000]
    return np.stack([x[chosen], y[chosen]], -1).astype(np.float32)


def gradient(pixels: Pixels) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Of the brightness, levels a px, (H, W) each."""
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8), cv2.Sobel(
        grey, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8
    )


def widths(pixels: Pixels, points: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Px from 10 to 90 % of the edges at points (N, 2) px; nan where no two plain colours meet."""
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    gx, gy = (cv2.remap(g, points[None], None, cv2.INTER_LINEAR)[0] for g in gradient(pixels))
    across = np.stack([gx, gy], -1) / np.maximum(np.hypot(gx, gy), 1e-6)[:, None]
    offsets = np.arange(-5, 5.01, 0.25)
    at = (points[:, None] + offsets[None, :, None] * across[:, None]).astype(np.float32)
    profile = cv2.remap(grey, at, None, cv2.INTER_CUBIC)
    low, high = profile[:, :8], profile[:, -8:]
    apart = high.mean(1) - low.mean(1)
    plain = (np.maximum(low.std(1), high.std(1)) < 0.05 * apart) & (apart > 30)
    share = (profile - low.mean(1)[:, None]) / np.maximum(apart, 1)[:, None]
    first = (share > 0.1).argmax(1)
    last = share.shape[1] - 1 - (share < 0.9)[:, ::-1].argmax(1)
    return np.where(plain, (last - first + 1) * 0.25, np.nan)


def edge_ratio(performance: Talk | Living, index: int, still: Pixels) -> float:
    """How wide edges of two colours are in a frame, times those they come from; nan where there are too few."""
    frame = performance.frame(index).copy()
    ratios = []
    for drawn in performance.warps(index):
        x0, y0, x1, y1 = drawn.box
        moved = np.hypot(
            *np.moveaxis(drawn.map - np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), -1), 2, 0)
        )
        region = np.zeros(still.shape[:2], bool)
        region[y0:y1, x0:x1] = (moved > 0.3) & ~drawn.cut
        if performance.mask is not None:
            region &= performance.mask
        points = edges(frame, region)
        if len(points) < 40:
            continue
        source = drawn.map[points[:, 1].astype(int) - y0, points[:, 0].astype(int) - x0].astype(np.float32)
        ratio = widths(frame, points) / widths(still, source)
        ratios.append(ratio[np.isfinite(ratio)])
    together = np.concatenate(ratios) if ratios else np.zeros(0)
    return float(np.median(together)) if len(together) >= 20 else float("nan")


def folds(performance: Talk | Living, indices: npt.NDArray[np.int64]) -> int:
    """Folded pixels in the maps of those frames."""
    return sum(int(folded(drawn.map, drawn.cut).sum()) for index in indices for drawn in performance.warps(int(index)))


def measure(name: str, scene: Scene, sheets: Path | None) -> dict[str, float]:
    """Every number of one still."""
    rows: dict[str, float] = {}
    began = time.perf_counter()
    living = performed(scene, None, faces=True)
    if isinstance(living, str):
        living = None
    else:
        rows["loop: build, s"] = time.perf_counter() - began
        with living:
            rows.update(loop_numbers(living, scene))
        if sheets is not None:
            write_sheet(sheets / f"{name}_loop.png", living)
    for camera in CAMERAS:
        began = time.perf_counter()
        faces = bool(scene.faces) and living is not None and camera == "orbit"
        moving = performed(scene, camera, faces=faces)
        if isinstance(moving, str):
            print(f"   {name} {camera}: {moving}")
            continue
        rows[f"{camera}: build, s"] = time.perf_counter() - began
        with moving:
            rows.update(camera_numbers(moving, scene, camera))
        if sheets is not None:
            write_sheet(sheets / f"{name}_{camera.replace(' ', '-')}.png", moving)
    return rows


def loop_numbers(living: Talk | Living, scene: Scene) -> dict[str, float]:
    """The bars of a loop whose camera stands."""
    rows: dict[str, float] = {}
    still, count = scene.still.pixels, living.frame_count
    step, speed = seam(living)
    rows["loop: seam step, ratio"], rows["loop: seam speed, change"] = step, speed
    first = living.frame(0).copy()
    living.frame(count // 2)
    rows["loop: frame 0 drawn again, levels"] = float(np.abs(living.frame(0).astype(int) - first).max())
    indices = np.linspace(0, count - 1, 9).astype(np.int64)
    mask = living.mask if living.mask is not None else np.ones(still.shape[:2], bool)
    outside, ratios = 0, []
    for index in indices:
        drawn = living.frame(int(index))
        outside = max(outside, int(np.abs(drawn.astype(np.int16) - still)[~mask].max(initial=0)))
        ratios.append(edge_ratio(living, int(index), still))
    rows["loop: outside the mask, levels"] = float(outside)
    seen = [ratio for ratio in ratios if np.isfinite(ratio)]
    rows["loop: edge width, ratio"] = float(np.mean(seen)) if seen else float("nan")
    rows["loop: folded pixels"] = float(folds(living, indices))
    rows["loop: hair"] = float(isinstance(living, Living) and living.parts.hair is not None)
    return rows


def camera_numbers(moving: Talk | Living, scene: Scene, camera: str) -> dict[str, float]:
    """The bars of a moving camera."""
    import cv2

    assert isinstance(moving, Living)
    rows: dict[str, float] = {}
    parts = moving.parts
    assert parts.camera is not None
    wanted = roughness(scene.still.pixels)
    count = moving.frame_count
    indices = np.arange(0, count, 4)
    sharp = []
    for index in indices:
        where = moving.warps(int(index))[0].map
        zoom = 1 / float(np.median(where[:, 1:, 0] - where[:, :-1, 0]))
        sharp.append(roughness(moving.frame(int(index))) * zoom / max(0.3, wanted))
    rows[f"{camera}: sharpness, mean"] = float(np.mean(sharp))
    rows[f"{camera}: pump"] = float(np.std(sharp) / np.mean(sharp))
    rows[f"{camera}: folded pixels"] = float(folds(moving, indices[::3]))
    step, _ = seam(moving)
    rows[f"{camera}: seam step, ratio"] = step
    rows[f"{camera}: amount"] = parts.camera.amount
    rows[f"{camera}: overscan"] = parts.camera.overscan
    beyond, last = 0.0, np.array(scene.still.size) - 1
    across, down = np.linspace(0, last[0], 200), np.linspace(0, last[1], 200)
    edges_of = [(across, 0 * across), (across, 0 * across + last[1]), (0 * down, down), (0 * down + last[0], down)]
    border = np.concatenate([np.stack(edge, -1) for edge in edges_of])[None].astype(np.float32)
    for index in indices:
        where = parts.camera.at(border, parts.near[0], parts.camera.pose(int(index), count))[0]
        low, high = where.min(0), where.max(0) - last
        beyond = max(beyond, float(-low.min()), float(high.max()))
    rows[f"{camera}: beyond the picture, px"] = beyond
    if camera == CAMERAS[0] and parts.layers.alpha is not None:
        alpha = parts.layers.alpha
        outline = cv2.Canny((alpha > 0.5).astype(np.uint8) * 255, 50, 100) > 0
        rows["layers: soft rim, px"] = float(((alpha > 0.05) & (alpha < 0.95)).sum() / max(1, outline.sum()))
    rows[f"{camera}: parallax"] = float(parts.layers.alpha is not None)
    return rows


def write_sheet(path: Path, performance: Talk | Living) -> None:
    """Five frames beside each other."""
    import cv2

    with performance:
        frames = [performance.frame(int(i)).copy() for i in np.linspace(0, performance.frame_count - 1, 5)]
    small = [cv2.resize(f, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for f in frames]
    cv2.imwrite(str(path), cv2.cvtColor(np.hstack(small), cv2.COLOR_RGB2BGR))


LEAST = ("sharpness, mean", "amount")


def main() -> None:
    """Print the mean and the worst of every number."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stills", type=Path, default=Path("../shared/stills"))
    parser.add_argument("--only", default="", help="names that begin with this")
    parser.add_argument("--sheets", type=Path)
    options = parser.parse_args()
    if options.sheets is not None:
        options.sheets.mkdir(parents=True, exist_ok=True)
    table: dict[str, list[tuple[float, str]]] = defaultdict(list)
    number = 0
    for name, scene in scenes(options.stills):
        if not name.startswith(options.only):
            continue
        number += 1
        for key, value in measure(name, scene, options.sheets).items():
            if np.isfinite(value):
                table[key].append((value, name))
    print(f"   {number} stills\n   {'':<38}{'mean':>9}{'least':>10}{'most':>10}")
    for key, values in table.items():
        least, most = min(values), max(values)
        mean = float(np.mean([value for value, _ in values]))
        print(f"   {key:<38}{mean:>9.3f}{least[0]:>10.3f}{most[0]:>10.3f}   {least[1]}, {most[1]}  ({len(values)})")


if __name__ == "__main__":
    main()
