"""Does the background stand still? On raw frames exactly, on decoded frames up to what the codec may lose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stillwake.types import Box, ClipFinding, Floats, Pixels, Scene

if TYPE_CHECKING:
    from stillwake.inspection.evidence import Evidence

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Region = npt.NDArray[np.bool_]

RAW_SAMPLES = 24
"""Raw frames drawn again, evenly spread with the first and the last, in a check of the mask's promise."""
MASK_SHARE = 0.10
"""Largest share of the background that may lie inside the motion mask: the project's own bar."""
PSNR_LEAST = 34.0
"""dB of the decoded background against the still, in its worst looked-at frame; see benchmarks/inspection.py."""
HIDES = 12.0
"""Levels of 255, the deviation of the texture around a pixel at which what is lost there counts half: leaves and lace
hide what an encoder takes of them, and of their colour (4:2:0). A drawing before fine foliage had 30 dB at crf 18
without this, and looked like its still; now it has 37; a pixel aside, 27, and drawn anew, 23 (2026-11-29)."""
BANDS = (0.0, 6.0, 12.0, 24.0, 48.0)
"""Deviations of texture, in levels, from which on pixels count alike: sums are taken a band at a time."""
SHIFT_MOST = 0.35
"""Px by which a textured piece of background may seem displaced after decoding; see benchmarks/inspection.py."""
RIPPLE_MOST = 6.0
"""Levels of 255 by which the brightness of an 8x8 block may wander over the clip; see benchmarks/inspection.py."""
TILE = 32
"""Side of the pieces whose displacement is measured, in px."""
LEAST_TEXTURE = 6.0
"""Root mean square gradient, levels a px, along a tile's strongest direction below which it shows no displacement."""
CAMERA = 0.004
"""Picture widths, or ln of the scale, by which the camera of a clip may have moved that nobody said would stand still:
beyond, its background is not compared with one picture."""
LEAST_BACKGROUND = 0.06
"""Share of the picture below which there is too little background to judge."""
WITHIN, HELD = 0.8, 0.9
"""A matte holds its face if it is there over `HELD` of the ellipse within `WITHIN` of the face's box: of 66 stills 65
have all of it there, and one whose figure was half taken for the wall has .59."""
SUBJECT_MARGIN = 0.04
"""By how much the subject is grown before the rest counts as background, in picture widths."""


@dataclass(frozen=True, slots=True, eq=False)
class Backgrounds:
    """How the background of some decoded frames differs from the reference.

    One entry a looked-at frame: ``time`` seconds, ``psnr`` dB, where what texture hides counts less, ``shift`` px of
    the most displaced tile with its ``where`` (N, 4) px; ``ripple`` levels, the widest swing of an 8x8 block over all
    frames. ``share`` of the picture that is background; ``tiles`` how many could show a displacement; ``against`` "the
    still" or "its first frame"; ``unseen`` why nothing could be compared, or "".
    """

    time: Floats
    psnr: Floats
    shift: Floats
    where: Floats
    ripple: float
    ripple_box: Box | None
    share: float
    tiles: int
    against: str
    unseen: str


class Comparison:
    """Compares frames with a reference where nothing should move, one after the other, keeping only numbers."""

    def __init__(self, reference: Pixels, region: npt.NDArray[np.bool_], against: str) -> None:
        import cv2

        self.against = against
        self.region = region
        self.share = float(region.mean())
        self._reference = reference
        self._bands = _by_texture(reference, region)
        self._smooth = _softened(reference)
        height, width = region.shape
        self._rows_of_tiles, self._columns, self._across, self._weight = self._textured_tiles(
            cv2.Sobel(self._smooth, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8),
            cv2.Sobel(self._smooth, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8),
        )
        self._rest = self._cut(self._smooth)
        whole = np.s_[: height // 8 * 8, : width // 8 * 8]
        self._whole = whole
        self._block_inside = _blocks(region[whole].astype(np.float32)) == 1
        self._low = np.full(self._block_inside.shape, np.inf, np.float32)
        self._high = np.full(self._block_inside.shape, -np.inf, np.float32)
        self._rows: list[tuple[float, float, float, float, float, float, float]] = []

    def _textured_tiles(self, gx: Floats, gy: Floats) -> tuple[Places, Places, Floats, Array]:
        """Tiles that lie wholly in the background and have texture: their row and column, counted in tiles.

        And of each the gradient along its strongest direction, (tiles, `TILE`, `TILE`) of mean 0, and the inverse of
        its energy, 0 where that direction shows too little.
        """
        places: list[tuple[int, int]] = []
        across: list[Floats] = []
        weights: list[float] = []
        height, width = self.region.shape
        for row in range(height // TILE):
            for column in range(width // TILE):
                at = np.s_[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
                if not self.region[at].all():
                    continue
                a, b, c = (float((p[at] * q[at]).mean()) for p, q in ((gx, gx), (gx, gy), (gy, gy)))
                values, vectors = np.linalg.eigh(np.array([[a, b], [b, c]]))
                if np.sqrt(values[1]) < LEAST_TEXTURE:
                    continue
                x, y = vectors[:, 1].astype(np.float32)
                along = x * gx[at] + y * gy[at]
                along -= along.mean()
                energy = float((along**2).mean())
                places.append((row, column))
                across.append(along)
                weights.append(0.0 if energy < LEAST_TEXTURE**2 / 4 else 1 / max(energy, float(values[1]) / 4))
        rows, columns = np.array(places, np.int64).reshape(-1, 2).T
        return rows, columns, np.array(across, np.float32).reshape(-1, TILE, TILE), np.array(weights, np.float64)

    def _cut(self, grey: Floats) -> Floats:
        """The tiles out of a picture, (tiles, `TILE`, `TILE`)."""
        height, width = (side // TILE * TILE for side in grey.shape)
        tiles: Floats = grey[:height, :width].reshape(height // TILE, TILE, width // TILE, TILE)[
            self._rows_of_tiles, :, self._columns
        ]
        return tiles

    def take(self, time: float, pixels: Pixels) -> None:
        """Compare one frame."""
        import cv2

        if self.share < LEAST_BACKGROUND:
            return
        squares = (weight * cv2.norm(pixels, self._reference, cv2.NORM_L2SQR, mask) for weight, mask in self._bands)
        square = sum(squares) / (3 * max(1, int(self.region.sum())))
        psnr = 99.0 if square == 0 else min(99.0, 10 * np.log10(255**2 / square))
        grey = _softened(pixels)
        blocks = _blocks(grey[self._whole])
        self._low, self._high = np.minimum(self._low, blocks), np.maximum(self._high, blocks)
        worst, where = 0.0, (0.0, 0.0, 0.0, 0.0)
        if len(self._rest):
            moved = self._displacements(grey)
            most = int(moved.argmax())
            if moved[most] > 0:
                y, x = float(TILE * self._rows_of_tiles[most]), float(TILE * self._columns[most])
                worst, where = float(moved[most]), (x, y, x + TILE, y + TILE)
        self._rows.append((time, psnr, worst, *where))

    def _displacements(self, grey: Floats) -> Array:
        """Px by which each tile has moved along its strongest gradient, to first order; its brightness may change."""
        apart = self._cut(grey) - self._rest
        apart -= apart.reshape(len(apart), -1).mean(1)[:, None, None]
        moved: Array = np.abs((self._across * apart).reshape(len(apart), -1).mean(1)) * self._weight
        return moved

    def finish(self) -> Backgrounds:
        """The numbers of all frames taken."""
        table = np.array(self._rows, np.float32).reshape(-1, 7)
        unseen = ""
        if self.share < LEAST_BACKGROUND:
            unseen = f"only {self.share:.0%} of the picture is background"
        swing = np.where(self._block_inside, self._high - self._low, 0)
        swing[~np.isfinite(swing)] = 0
        y, x = (8.0 * int(k) for k in np.unravel_index(int(swing.argmax()), swing.shape)) if swing.size else (0.0, 0.0)
        return Backgrounds(
            time=table[:, 0],
            psnr=table[:, 1],
            shift=table[:, 2],
            where=table[:, 3:],
            ripple=float(swing.max()) if swing.size else 0.0,
            ripple_box=(x, y, x + 8, y + 8),
            share=self.share,
            tiles=len(self._rest),
            against=self.against,
            unseen=unseen,
        )


def nothing_to_compare(why: str) -> Backgrounds:
    """What is known when there is no background to compare, and why."""
    empty = np.zeros(0, np.float32)
    return Backgrounds(empty, empty, empty, np.zeros((0, 4), np.float32), 0.0, None, 0.0, 0, "", why)


def _by_texture(picture: Pixels, region: Region) -> list[tuple[float, Pixels]]:
    """How much pixels count, 0..1, the less, the more texture is there; and which do, (H, W) uint8 0 or 1."""
    import cv2

    plain = picture.astype(np.float32)
    variance = cv2.blur(plain * plain, (9, 9)) - cv2.blur(plain, (9, 9)) ** 2
    spread = np.sqrt(np.maximum(variance.mean(-1), 0))
    found = []
    for low, high in zip(BANDS, (*BANDS[1:], 2 * BANDS[-1]), strict=True):
        mask = (region & (spread >= low) & ((spread < high) | (high > BANDS[-1]))).astype(np.uint8)
        if mask.any():
            found.append((1 / (1 + ((low + high) / 2 / HIDES) ** 2), mask))
    return found


def _softened(pixels: Pixels) -> Floats:
    """Brightness with the codec's finest noise taken off."""
    import cv2

    grey: Floats = cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.5)
    return grey


def _blocks(grey: Floats) -> Floats:
    """Mean of each 8x8 block."""
    import cv2

    height, width = grey.shape
    means: Floats = cv2.resize(grey, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
    return means


def background_of(scene: Scene | None, mask: Region | None, size: tuple[int, int]) -> Region | None:
    """Where nothing should move, (H, W) bool at ``size``: outside the motion mask, else well outside the people."""
    import cv2

    if mask is not None and (mask.shape[1], mask.shape[0]) == size:
        # The codec smears a moving block's edge over its neighbours: keep one macroblock away.
        grown = cv2.dilate(mask.astype(np.uint8), np.ones((33, 33), np.uint8))
        outside: Region = grown == 0
        return outside
    if scene is None or scene.matte is None or not holds_face(scene):
        return None
    matte = cv2.resize(scene.matte, size, interpolation=cv2.INTER_LINEAR)
    side = 2 * max(1, round(SUBJECT_MARGIN * size[0])) + 1
    free: Region = cv2.dilate((matte > 0.1).astype(np.uint8), np.ones((side, side), np.uint8)) == 0
    return free


def holds_face(scene: Scene) -> bool:
    """Whether the matte takes in the largest face, without which it does not say where the background is."""
    import cv2

    if scene.matte is None or not scene.faces:
        return scene.matte is not None
    face, at = scene.faces[0], scene.matte.shape[1] / scene.still.size[0]
    x0, y0, x1, y1 = (value * at for value in face.box)
    inside = np.zeros(scene.matte.shape, np.uint8)
    half = (max(1, round(WITHIN * (x1 - x0) / 2)), max(1, round(WITHIN * (y1 - y0) / 2)))
    cv2.ellipse(inside, (round((x0 + x1) / 2), round((y0 + y1) / 2)), half, face.roll, 0, 360, 1, -1)
    return not inside.any() or float((scene.matte[inside > 0] > 0.1).mean()) >= HELD


def check_raw(evidence: Evidence) -> list[ClipFinding]:
    """Are raw frames identical to the still wherever the engine promised not to draw?"""
    performance, still = evidence.performance, evidence.still
    name = "background raw"
    if performance is None:
        return [ClipFinding.unseen(name, "the raw frames are gone: only the run that renders a clip can compare them")]
    if still is None:
        return [ClipFinding.unseen(name, "there is no still to compare with")]
    shot = evidence.plan.shots[0] if evidence.plan is not None and evidence.plan.shots else None
    if performance.mask is None and shot is not None and (shot.camera is not None or shot.ambient is not None):
        return [ClipFinding.unseen(name, "all of the picture moves, as was asked for")]
    if performance.mask is None:
        return [ClipFinding.unseen(name, f"the engine promises nothing about {evidence.clip.info.name}'s background")]
    outside = ~performance.mask
    held = still[outside]
    count = performance.frame_count
    worst, worst_index, samples = 0, 0, np.unique(np.linspace(0, count - 1, RAW_SAMPLES).round().astype(int))
    for index in samples:
        apart = np.abs(performance.frame(int(index))[outside].astype(np.int16) - held)
        if apart.size and int(apart.max()) > worst:
            worst, worst_index = int(apart.max()), int(index)
    at = float(worst_index / evidence.fps)
    return [
        ClipFinding(
            check=name,
            verdict="fail" if worst else "pass",
            measured=float(worst),
            unit="levels of 255",
            limit=0.0,
            start=at if worst else None,
            end=at + float(1 / evidence.fps) if worst else None,
            why=(
                f"outside the motion mask a pixel differs from the still by {worst} levels"
                if worst
                else f"outside the motion mask {len(samples)} raw frames are identical to the still"
            ),
            fix="report this: the engine breaks its promise" if worst else "",
        ),
        _mask_share(evidence, performance.mask),
    ]


def _mask_share(evidence: Evidence, mask: npt.NDArray[np.bool_]) -> ClipFinding:
    name = "mask share"
    scene, plan = evidence.scene, evidence.plan
    if plan is not None and plan.shots and plan.shots[0].brush:
        return ClipFinding.unseen(name, "a brush moves the background, as was asked for")
    if getattr(evidence.performance, "layered", False):
        return ClipFinding.unseen(name, "hair moves before the background, which itself stands still")
    if scene is None or scene.matte is None or scene.matte.shape != mask.shape or not holds_face(scene):
        return ClipFinding.unseen(name, "no matte says where the background is")
    free = 1.0 - scene.matte
    total = float(free.sum())
    if total < LEAST_BACKGROUND * free.size:
        return ClipFinding.unseen(name, "there is hardly any background in the still")
    share = float(free[mask].sum()) / total
    over = share > MASK_SHARE
    return ClipFinding(
        check=name,
        verdict="warn" if over else "pass",
        measured=share,
        unit="share of the background",
        limit=MASK_SHARE,
        why=f"{share:.1%} of the background lies where the motion may reach",
        fix="give the head more room in the picture, or choose a plainer background" if over else "",
    )


def check_decoded(evidence: Evidence) -> list[ClipFinding]:
    """Does the background of the decoded clip stay what the still, or else its first frame, shows?"""
    seen = evidence.backgrounds
    name = "background"
    if seen.unseen or not len(seen.time):
        return [ClipFinding.unseen(name, seen.unseen or "no frame could be compared")]
    if not evidence.asked.still:
        if evidence.asked.family == "generator":
            return [ClipFinding.unseen(name, "a generator draws the background anew; warp and texture look at it")]
        travelled = float(np.abs(np.cumsum(evidence.motion.camera, axis=0)).max(initial=0.0))
        if travelled > CAMERA:
            return [
                ClipFinding.unseen(
                    name, f"the camera moves, by {travelled:.1%}; warp and texture look at the background"
                )
            ]
    certain = seen.against == "the still"
    worst = int(seen.psnr.argmin())
    quality = float(seen.psnr[worst])
    findings = [
        _finding(
            evidence,
            name,
            quality < PSNR_LEAST,
            certain,
            quality,
            "dB PSNR",
            PSNR_LEAST,
            float(seen.time[worst]),
            None,
            f"the decoded background agrees with {seen.against} to {quality:.1f} dB at its worst",
            "encode with a higher quality, or keep the background out of the motion",
        )
    ]
    if not seen.tiles:
        findings.append(ClipFinding.unseen("background shift", "the background is too plain to show a displacement"))
    else:
        most = int(seen.shift.argmax())
        moved = float(seen.shift[most])
        x0, y0, x1, y1 = (float(value) for value in seen.where[most])
        findings.append(
            _finding(
                evidence,
                "background shift",
                moved > SHIFT_MOST,
                certain,
                moved,
                "px",
                SHIFT_MOST,
                float(seen.time[most]),
                (x0, y0, x1, y1),
                f"a piece of background lies {moved:.2f} px from where {seen.against} has it",
                "use an engine that leaves the background alone, or mask the motion",
            )
        )
    findings.append(
        _finding(
            evidence,
            "background ripple",
            seen.ripple > RIPPLE_MOST,
            certain,
            seen.ripple,
            "levels of 255",
            RIPPLE_MOST,
            None,
            seen.ripple_box,
            f"the brightness of a piece of background wanders by {seen.ripple:.1f} levels",
            "use an engine that leaves the background alone, or encode with a higher quality",
        )
    )
    return findings


def _finding(
    evidence: Evidence,
    name: str,
    over: bool,
    certain: bool,
    measured: float,
    unit: str,
    limit: float,
    at: float | None,
    box: Box | None,
    why: str,
    fix: str,
) -> ClipFinding:
    """Without the still it may be the camera that moves: then it is a warning at most."""
    return ClipFinding(
        check=name,
        verdict=("fail" if certain else "warn") if over else "pass",
        measured=measured,
        unit=unit,
        limit=limit,
        box=box if over else None,
        start=at if over else None,
        end=at + float(1 / evidence.fps) if over and at is not None else None,
        why=why,
        fix=fix if over else "",
    )
