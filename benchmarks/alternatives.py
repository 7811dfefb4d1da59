"""Living stills against the obvious alternatives: flowing water, a moving camera, what lies behind the subject.

Water: our flow against a texture that is scrolled as fast and cross-faded into itself over the loop. Camera: our two
layers against one picture bent by the same nearness, as a depth-driven shader looks it up and as a mesh stretches it
(a rubber sheet), on composites whose background is known, so that what comes into view at the subject's rim can be
compared with the truth. Behind the subject: our fill against OpenCV's inpainting at full size, in silhouettes cut out
of pictures that are known.

Pictures are our own (``benchmarks/pictures.py``) and those in scikit-image's wheel; ``--stills ../shared/stills`` adds
that folder's. ``--sheet FILE.jpg`` writes the comparison as a picture. What we lose is printed as what we win is.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage import data

from benchmarks.pictures import SIZE, WATER, coast, room
from stillwake.doctor import demo_drawing
from stillwake.engines.animator.camera import plan_camera
from stillwake.engines.animator.compose import SCALE, STEP
from stillwake.engines.animator.fields import Grid, grid_over
from stillwake.engines.animator.fill import fill_behind
from stillwake.engines.animator.flow import Flow, build_flow
from stillwake.engines.animator.layers import Layers, build_layers
from stillwake.engines.animator.living import Living, Moving
from stillwake.engines.animator.nearness import carried, nearness, rim_nodes
from stillwake.engines.animator.warp import enlarge
from stillwake.media import open_still
from stillwake.moves import camera_of
from stillwake.perceive import open_strokes, perceive
from stillwake.types import Floats, Pixels, Size, Still, Strokes

COUNT, FPS = 100, 25
"""Frames of a loop, and how many a second."""
BAND = 12
"""Px beside the rim that are looked at: as far as a move uncovers."""
SHEET_ROW = 300
Rows = dict[str, dict[str, list[float]]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]
Fill = Callable[[Pixels, Mask], Pixels]


def as_rgb(pixels: Any) -> Pixels:
    """A picture of scikit-image's with three channels."""
    array = np.asarray(pixels)
    array = array[..., :3] if array.ndim == 3 else np.repeat(array[..., None], 3, 2)
    return np.ascontiguousarray(array, np.uint8)


def backgrounds(folder: Path | None) -> Iterator[tuple[str, Pixels]]:
    """Pictures to cut a silhouette out of, and to stand somebody before."""
    yield "coast", coast()
    yield "room", room()[0]
    for name in ("coffee", "chelsea", "rocket", "grass", "gravel", "brick"):
        yield name, as_rgb(getattr(data, name)())
    yield "motorcycle", as_rgb(data.stereo_motorcycle()[0])
    for path in (
        ()
        if folder is None
        else sorted(folder.glob("photo/photo_0[0-7].*")) + sorted(folder.glob("photo/photo_6[01].*"))
    ):
        yield path.stem, at_720(open_still(path).pixels)


def at_720(pixels: Pixels) -> Pixels:
    """The picture at 720p, where it is larger."""
    height, width = pixels.shape[:2]
    share = min(1.0, 1280 / max(width, height))
    size = round(width * share), round(height * share)
    return as_rgb(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def laplacian(pixels: Pixels) -> Floats:
    """Of the brightness, (h, w) levels."""
    fine: Floats = cv2.Laplacian(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.CV_32F)
    return fine


def rms(field: Floats, where: Mask) -> float:
    """The root of the mean square of a field there."""
    return float(np.sqrt((field[where].astype(np.float64) ** 2).mean()))


def common_grid(size: Size) -> Grid:
    """The grid that every motion of a picture lies on."""
    return grid_over(np.array([[-STEP, -STEP], [size[0] + STEP, size[1] + STEP]], float), STEP, size)


def note(rows: Rows, who: str, **values: float) -> None:
    """Keep the numbers of one picture."""
    for key, value in values.items():
        rows.setdefault(who, {}).setdefault(key.replace("_", " "), []).append(float(value))


# ------------------------------------------------------------------------------------------------------------- water


class Scrolled:
    """What is done first: the texture slides along, and the loop's two ends are cross-faded all the way."""

    def __init__(self, pixels: Pixels, mask: Floats, way: Floats, speed: float) -> None:
        self.pixels, self.mask, self.way = pixels, mask[..., None], way * speed / FPS

    def copies(self, index: int) -> tuple[Pixels, Pixels, Floats]:
        """Both copies of a frame, and the first one's weight."""
        height, width = self.pixels.shape[:2]
        moved = [
            cv2.warpAffine(
                self.pixels,
                np.array([[1, 0, -at * self.way[0]], [0, 1, -at * self.way[1]]], np.float32),
                (width, height),
                flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT_101,
            )
            for at in (index, index - COUNT)
        ]
        weight = np.full(self.mask.shape[:2], 1 - index / COUNT, np.float32)
        return moved[0], moved[1], weight

    def frame(self, index: int) -> Pixels:
        """The frame of that index."""
        first, second, weight = self.copies(index % COUNT)
        mean = first * weight[..., None] + second * (1 - weight[..., None])
        return np.clip(np.rint(self.pixels * (1 - self.mask) + mean * self.mask), 0, 255).astype(np.uint8)


class Ours:
    """Our flow, and its copies one by one."""

    def __init__(self, pixels: Pixels, flow: Flow, grid: Grid) -> None:
        self.pixels, self.flow, self.grid = pixels, flow, grid

    def copies(self, index: int) -> tuple[Pixels, Pixels, Floats] | None:
        """Both copies of a frame, and the first one's weight; a wave has one alone."""
        first, second, weight = self.flow.maps(index, COUNT)
        if second is None or weight is None:
            return None
        height, width = self.pixels.shape[:2]
        box = (0, 0, width, height)
        shown = [
            cv2.remap(self.flow.source, enlarge(2 * (self.grid.nodes + m), self.grid, box), None, cv2.INTER_LINEAR)
            for m in (first, second)
        ]
        share = enlarge(np.stack([weight, weight], -1), self.grid, box)[..., 0]
        return shown[0], shown[1], share

    def frame(self, index: int) -> Pixels:
        """The frame of that index."""
        out = self.pixels.copy()
        self.flow.draw(out, index % COUNT, COUNT)
        return out


def waters(folder: Path | None) -> Iterator[tuple[str, Pixels, Strokes]]:
    """Pictures with brushed water, or what stands in for it."""
    yield "coast", coast(), brush(WATER, SIZE)
    for name, arrow in (("gravel", [400, 300, 100, 300]), ("grass", [100, 350, 400, 330])):
        pixels = as_rgb(getattr(data, name)())
        area = [[40, 200], [470, 180], [470, 480], [40, 480]]
        yield name, pixels, brush({"units": "px", "polygons": [area], "arrows": [arrow], "speed": 20}, (512, 512))
    sea = None if folder is None else folder.parent / "study" / "brush_sea_61.json"
    if sea is not None and sea.is_file() and folder is not None:
        pixels = at_720(open_still(folder / "photo" / "photo_61.jpg").pixels)
        yield "photo_61", pixels, open_strokes(sea, (pixels.shape[1], pixels.shape[0]))


def brush(values: dict[str, Any], size: Size) -> Strokes:
    """The strokes of a brush that is not in a file."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "brush.json"
        path.write_text(json.dumps(values), encoding="utf-8")
        return open_strokes(path, size)


def water(folder: Path | None, sheet: list[Any]) -> Rows:
    """Sharpness over the still's and how it pulses, the seam, and how much is seen double."""
    rows: Rows = {}
    for name, pixels, strokes in waters(folder):
        grid = common_grid((pixels.shape[1], pixels.shape[0]))
        flow = build_flow(
            pixels, strokes, grid, keep_out=None, drawn=False, seconds=COUNT / FPS, loop=True, seed=0
        )  # fmt: skip
        line = strokes.paths[0]
        way = (line[-1] - line[0]) / np.linalg.norm(line[-1] - line[0])
        where = cv2.erode((flow.soft > 0.98).astype(np.uint8), np.ones((5, 5))) > 0
        wanted = rms(laplacian(pixels), where)
        for who, drawn in (
            ("ours", Ours(pixels, flow, grid)),
            ("cross-fade", Scrolled(pixels, flow.soft, way, flow.speed)),
        ):
            frames = [drawn.frame(index).copy() for index in range(0, COUNT, 4)]
            sharp = np.array([rms(laplacian(frame), where) / wanted for frame in frames])
            around = [drawn.frame(index % COUNT).astype(np.int16)[where] for index in range(COUNT - 3, COUNT + 3)]
            steps = [float(np.abs(b - a).mean()) for a, b in pairwise(around)]
            double = []
            for index in range(0, COUNT, 10):
                made = drawn.copies(index)
                if made is None:
                    double.append(0.0)
                    continue
                first, second, weight = made
                apart = np.abs(first.astype(np.float32) - second).max(2) * 2 * np.minimum(weight, 1 - weight)
                double.append(float(np.percentile(cv2.GaussianBlur(apart, (0, 0), 3)[where], 95)))
            note(
                rows, who, sharpness=sharp.mean(), least=sharp.min(), most=sharp.max(),
                pulse=(sharp.max() - sharp.min()) / sharp.mean(), seam_step=steps[2] / ((steps[1] + steps[3]) / 2),
                seen_double=np.mean(double), double_at_worst=np.max(double),
            )  # fmt: skip
            print(f"   {name:<14}{who:<13}{flow.mode}"
                  f"  sharpness {sharp.mean():.2f} ({sharp.min():.2f}..{sharp.max():.2f})"
                  f"  seam {steps[2] / ((steps[1] + steps[3]) / 2):.2f}  double {np.mean(double):.1f}"
                  f" (worst {np.max(double):.1f})")  # fmt: skip
            if name == "coast":
                x, y = 560, 330
                sheet.append((f"water, middle of the loop: {who}", drawn.frame(COUNT // 2)[y : y + 150, x : x + 380]))
        if name == "coast":
            sheet.insert(-2, ("water: the still", pixels[330:480, 560:940]))
    return rows


# ------------------------------------------------------------------------------------------------------------ camera


def people(folder: Path | None) -> Iterator[tuple[str, Pixels, Floats]]:
    """Somebody cut out: the pixels of their own picture, (h, w, 3), and how much there is of them, (h, w)."""
    stills = [("astronaut", Still(as_rgb(data.astronaut()), "astronaut.png", "0" * 64))]
    stills.append(("drawing", open_still(demo_drawing())))
    for name in () if folder is None else ("photo/photo_54.jpg", "photo/photo_61.jpg", "drawn/drawn_12.jpg"):
        stills.append((Path(name).stem, open_still(folder / name)))  # type: ignore[operator]
    for name, still in stills:
        scene = perceive(still)
        layers = build_layers(scene, 2)
        if layers.subject is None:
            print(f"   {name}: {layers.lost}")
            continue
        lifted = layers.subject[::2, ::2].astype(np.float32)
        alpha = lifted[..., 3] / 255
        yield name, np.clip(lifted[..., :3] / np.maximum(alpha, 1 / 255)[..., None], 0, 255).astype(np.uint8), alpha


def stood_before(person: Pixels, alpha: Floats, background: Pixels) -> tuple[Pixels, Pixels, Floats]:
    """Somebody before another picture: the whole, the person alone in its size, and how much there is of them."""
    height, width = background.shape[:2]
    share = 0.92 * height / person.shape[0]
    size = round(person.shape[1] * share), round(person.shape[0] * share)
    method = cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC
    x, y = (width - size[0]) // 2, height - size[1]
    placed, cover = np.zeros_like(background), np.zeros((height, width), np.float32)
    x0, x1 = max(0, x), min(width, x + size[0])
    placed[y:, x0:x1] = cv2.resize(person, size, interpolation=method)[:, x0 - x : x1 - x]
    cover[y:, x0:x1] = np.clip(cv2.resize(alpha, size, interpolation=method), 0, 1)[:, x0 - x : x1 - x]
    whole = background * (1 - cover[..., None]) + placed * cover[..., None]
    return np.clip(np.rint(whole), 0, 255).astype(np.uint8), placed, cover


def looked_up(alpha: Floats, maps: list[Floats]) -> Floats:
    """The map of a depth-driven shader: the depth at a place says where to look, and there again."""
    height, width = alpha.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    where = np.stack([x, y], -1)
    for _ in range(3):
        share = cv2.remap(alpha, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[..., None]
        where = maps[0] * (1 - share) + maps[1] * share
    return where


def rubber_sheet(alpha: Floats, maps: list[Floats]) -> Floats:
    """The map of a mesh over the depth: near covers far, and what nothing covers is stretched between the two."""
    there = [cv2.remap(alpha, one, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) > 0.5 for one in maps]
    front, back = there[1], ~there[0] & ~there[1]
    ends = []
    for known, one in ((back, maps[0]), (front, maps[1])):
        away, nearest = cv2.distanceTransformWithLabels(
            (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        places = np.zeros((int(nearest.max()) + 1, 2), np.float32)
        places[nearest[known]] = one[known]
        ends.append((away, places[nearest]))
    (far, from_back), (near, from_front) = ends
    share = (far / np.maximum(far + near, 1e-3))[..., None]
    where: Floats = np.where(front[..., None], maps[1], from_back * (1 - share) + from_front * share)
    where[back] = maps[0][back]
    return where.astype(np.float32)


def area_of(where: Floats, zoom: float) -> Floats:
    """By how much each place is stretched: the determinant of its map, 1 where it is rigid."""
    down, across = np.gradient(where, axis=(0, 1))
    area: Floats = (across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]) / zoom
    return area


def camera(folder: Path | None, sheet: list[Any]) -> Rows:
    """Errors at the subject's rim against the truth, how far the map stretches there, and over how much of it."""
    rows: Rows = {}
    scenes = dict(backgrounds(folder))
    for person, pixels, cover in people(folder):
        for name in ("coast", "room", "coffee", "rocket", "motorcycle"):
            if name == "motorcycle" and person == "drawing":
                continue
            whole, placed, truth_alpha = stood_before(pixels, cover, scenes[name])
            scene = perceive(Still(whole, f"{person}-{name}.png", "0" * 64))
            layers = build_layers(scene, SCALE, crisp=True)
            if layers.subject is None or layers.alpha is None:
                print(f"   {person} before {name}: {layers.lost}")
                continue
            compared(rows, sheet, f"{person} before {name}", (whole, scenes[name], placed, truth_alpha), scene, layers)
    return rows


def compared(rows: Rows, sheet: list[Any], name: str, truth: tuple[Any, ...], scene: Any, layers: Layers) -> None:
    """One composite under an orbit, at its furthest: ours, one layer, and what would be seen."""
    whole, background, placed, cover = truth
    size = scene.still.size
    grid, box = common_grid(size), (0, 0, *size)
    near = nearness(scene, layers, grid)
    limit, kind = carried(scene, layers)
    record = camera_of("orbit")
    assert record is not None
    assert layers.alpha is not None
    moved = plan_camera(record, grid, size, near, rim_nodes(layers, grid), limit, loop=False)
    ours = Living(whole, Moving(grid=grid, layers=layers, near=near, camera=moved), Fraction(FPS), COUNT, ())
    at = COUNT - 1
    pose = moved.pose(at, COUNT)
    behind, front = (enlarge(moved.where(plane, pose), grid, box) for plane in near)
    shown = cv2.remap(background, behind, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    there = cv2.remap(cover, front, None, cv2.INTER_LINEAR)
    over = cv2.remap(placed, front, None, cv2.INTER_CUBIC)
    wanted = shown * (1 - there[..., None]) + over * there[..., None]
    inside = (there > 0.5).astype(np.uint8)
    rim = (cv2.distanceTransform(inside, cv2.DIST_L2, 5) < BAND) & (
        cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5) < BAND
    )
    rim[:4] = rim[-4:] = rim[:, :4] = rim[:, -4:] = False
    outline = max(1, int((cv2.Canny(inside * 255, 50, 100) > 0).sum()))
    zoom = float(np.median(area_of(behind, 1.0)))
    least = min(float(np.percentile(area_of(one, zoom)[rim], 0.5)) for one in (behind, front))
    with ours:
        drawn = ours.frame(at).copy()
    results = [("two layers (ours)", drawn, least, 0.0)]
    for who, how in (("rubber sheet", rubber_sheet), ("depth shader", looked_up)):
        where = how(layers.alpha, [behind, front])
        seen = cv2.remap(whole, where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        area = area_of(where, zoom)
        area = np.abs(area)  # where one part passes before another the map jumps, and nothing is stretched
        stretched = float((rim & (area < 0.6)).sum() / outline)
        results.append((who, seen, float(np.percentile(area[rim], 0.5)), stretched))
    for who, seen, area_least, width in results:
        apart = np.abs(seen.astype(np.float32) - wanted).mean(2)[rim]
        note(
            rows, who, error_at_the_rim=apart.mean(), percent_over_25_levels=(apart > 25).mean() * 100,
            least_area=area_least, stretched_strip_px=width, filled_in_px=moved.uncovered if seen is drawn else 0.0,
        )  # fmt: skip
        print(f"   {name:<29}{who:<21}error {apart.mean():5.1f}  over 25 levels {(apart > 25).mean():5.1%}  "
              f"least area {area_least:5.2f}  stretched strip {width:4.1f} px")  # fmt: skip
    print(f"   {'':<29}{kind}: {moved.uncovered:.0f} px uncovered of {limit:.0f}, {moved.amount:.0%} of the move")
    if name == "astronaut before coast":
        for who, seen in [("truth", wanted), *((r[0], r[1]) for r in results)]:
            part = as_rgb(np.clip(np.rint(seen), 0, 255))[236:346, 650:810]
            sheet.append((f"camera at its furthest: {who}", part))


# -------------------------------------------------------------------------------------------------- behind the subject

FILLS: dict[str, Fill] = {
    "ours": lambda pixels, hole: fill_behind(pixels, hole, drawn=False),
    "Telea": lambda pixels, hole: cv2.inpaint(pixels, hole.astype(np.uint8), 5, cv2.INPAINT_TELEA),
    "Navier-Stokes": lambda pixels, hole: cv2.inpaint(pixels, hole.astype(np.uint8), 5, cv2.INPAINT_NS),
}


def behind(folder: Path | None, sheet: list[Any]) -> Rows:
    """Error and texture in what a move uncovers, and further in, and seconds."""
    rows: Rows = {}
    shapes = [cover for _, _, cover in people(None)]
    for number, (name, pixels) in enumerate(backgrounds(folder)):
        _, _, cover = stood_before(np.zeros((*shapes[number % len(shapes)].shape, 3), np.uint8),
                                   shapes[number % len(shapes)], pixels)  # fmt: skip
        hole = cover > 0.02
        inward = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
        bands = {"": (inward > 1) & (inward <= BAND), " deeper": (inward > BAND) & (inward <= 40)}
        blank = pixels.copy()
        blank[hole] = (255, 0, 255)  # what cannot be known is in no fill
        truth = laplacian(pixels)
        for who, fill in FILLS.items():
            began = time.perf_counter()
            filled = fill(blank, hole)
            seconds = time.perf_counter() - began
            fine = laplacian(filled)
            apart = np.abs(filled.astype(np.int16) - pixels).mean(2)
            numbers = {}
            for where, band in bands.items():
                numbers[f"error{where}"] = float(apart[band].mean())
                numbers[f"texture{where}"] = rms(fine, band) / max(0.3, rms(truth, band))
            note(rows, who, **numbers, seconds_a_megapixel=seconds / (hole.size / 1e6))
            print(
                f"   {name:<14}{who:<15}"
                + "  ".join(f"{k} {v:.2f}" for k, v in numbers.items())
                + f"  {seconds:.2f} s"
            )
            if name == "coast":
                top, left = hole.shape[0] // 2 - 60, max(0, int(np.flatnonzero(hole.any(0))[0]) - 60)
                part = np.s_[top : top + 200, left : left + 300]
                cover = np.where((inward > 32)[..., None], np.uint8((60, 56, 50)), filled)
                if who == "ours":
                    truly = np.where((inward > 32)[..., None], cover, pixels)
                    sheet.append(("32 px behind somebody: the truth", truly[part]))
                sheet.append((f"filled in: {who}", cover[part]))
    return rows


# -------------------------------------------------------------------------------------------------------------- shown


def show(title: str, rows: Rows) -> None:
    """A table of the means, one row a number."""
    print(f"\n   {title}\n   {'':<22}" + "".join(f"{who:>22}" for who in rows))
    for key in next(iter(rows.values())):
        cells = [rows[who].get(key, []) for who in rows]
        print(f"   {key:<22}" + "".join(f"{np.mean(cell):>22.2f}" for cell in cells))
    print(f"   {'pictures':<22}" + "".join(f"{len(next(iter(row.values()))):>22}" for row in rows.values()))


def write_sheet(path: Path, groups: list[list[Any]]) -> None:
    """The pictures beside each other, a row a question."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(17)
    wide, gap, strips = 1400, 8, []
    for cells in groups:
        each = (wide - gap * (len(cells) + 1)) / len(cells)
        height = round(min(each * cells[0][1].shape[0] / cells[0][1].shape[1], SHEET_ROW))
        strip = Image.new("RGB", (wide, height + 34), (251, 250, 246))
        pen = ImageDraw.Draw(strip)
        for number, (words, pixels) in enumerate(cells):
            size = (round(height * pixels.shape[1] / pixels.shape[0]), height)
            x = round(gap + number * (each + gap))
            strip.paste(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS), (x, 26))
            pen.text((x, 3), words, (60, 56, 50), font=font)
        strips.append(strip)
    sheet = Image.new("RGB", (wide, sum(strip.height for strip in strips)), (251, 250, 246))
    y = 0
    for strip in strips:
        sheet.paste(strip, (0, y))
        y += strip.height
    sheet.save(path, quality=88)


PARTS = {"water": water, "camera": camera, "behind": behind}


def main() -> None:
    """Print every comparison, and its means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stills", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    folder = options.stills if options.stills is not None and options.stills.is_dir() else None
    cv2.setNumThreads(1)
    groups = []
    for name, part in PARTS.items():
        if options.only in (None, name):
            cells: list[Any] = []
            rows = part(folder, cells)
            show({"water": "water", "camera": "a camera that moves", "behind": "behind the subject"}[name], rows)
            groups.append(cells)
    if options.sheet is not None:
        write_sheet(options.sheet, [cells for cells in groups if cells])


if __name__ == "__main__":
    main()
