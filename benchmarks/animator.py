"""The animator on every face it may have: rig time, motion mask, inverse, folds, closures.

Pictures: scikit-image's astronaut, and those beside the checkout in ``../shared/stills/photo`` where they are there.
Every viseme is posed with the head at its limits. Poses, halo and steps were chosen while looking at these same
pictures: expect somewhat worse on others.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from stillwake.engines.animator.fields import COEFFICIENTS, INDEX, LIMITS
from stillwake.engines.animator.render import Talk
from stillwake.engines.animator.rig import build_rig
from stillwake.engines.animator.tracks import Track, pose_table
from stillwake.types import VISEMES, Scene, Still

SHARED = Path(__file__).parents[2] / "shared" / "stills" / "photo"


def scenes(folder: Path) -> Iterator[tuple[str, Scene]]:
    """Every picture with a face that readiness lets through."""
    from skimage import data

    from stillwake.media import open_still
    from stillwake.perceive import perceive
    from stillwake.readiness import check

    stills = [lambda: Still(np.ascontiguousarray(data.astronaut()), "astronaut.png", "0" * 64)]
    stills += [lambda path=path: open_still(path) for path in sorted(folder.glob("*"))] if folder.is_dir() else []
    for still in stills:
        scene = perceive(still())
        if scene.faces and check(scene).gates["animator"].verdict != "fail":
            yield scene.still.name, scene


def worst_track(table: np.ndarray, tongue: np.ndarray) -> Track:
    """Every viseme, and halfway to the next, with the head swinging from limit to limit."""
    poses = np.concatenate([table, (table + np.roll(table, 1, 0)) / 2])
    at = np.arange(len(poses))
    for number, name in enumerate(("yaw", "pitch", "roll", "shift_x", "shift_y", "breath", "sway_cos", "sway_sin")):
        poses[:, INDEX[name]] = LIMITS[INDEX[name]] * np.sin(at * (1.0 + 0.13 * number))
    zero = np.zeros(len(poses), np.float32)
    return Track(poses.astype(np.float32), zero, np.concatenate([tongue, tongue]))


def main() -> None:
    """Print one line a picture and the worst of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stills", type=Path, default=SHARED)
    options = parser.parse_args()
    print("picture        face px  rig s  mask/bg  residual p99.9 px  folds      cluster  M open/MW  outside")
    rows = []
    for name, scene in scenes(options.stills):
        started = time.perf_counter()
        rig = build_rig(scene, scene.faces[0])
        rig_seconds = time.perf_counter() - started
        table, tongue = pose_table(rig.face)
        talk = Talk(rig, worst_track(table, tongue), Fraction(25))
        missed, folded, total, cluster, outside = [], 0, 0, 0, 0
        for index in range(talk.frame_count):
            changed = (talk.frame(index) != rig.source).any(2)
            outside += int((changed & ~rig.mask).sum())
            seen = talk.warp(index)
            missed.append(seen.residual)
            dx, dy = np.gradient(seen.map, axis=1), np.gradient(seen.map, axis=0)
            turned = (dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0] <= 0) & ~seen.cut
            folded, total = folded + int(turned.sum()), total + turned.size
            if turned.any():
                import cv2

                cluster = max(cluster, int(cv2.connectedComponentsWithStats(turned.astype(np.uint8))[2][1:, 4].max()))
        background = scene.matte < 0.5 if scene.matte is not None else np.ones(rig.mask.shape, bool)
        share = float((rig.mask & background).sum() / max(1, background.sum()))
        closed = np.zeros(len(COEFFICIENTS), np.float32) + table[VISEMES.index("MBP")]
        opening = Talk(rig, Track(closed[None], np.zeros(1), np.zeros(1)), Fraction(25)).warp(0).opening
        row = (rig_seconds, share, float(np.percentile(np.concatenate(missed), 99.9)), folded / total, cluster,
               opening / rig.face.mouth_width, outside)  # fmt: skip
        rows.append(row)
        print(
            f"{name:14s} {rig.face.face_height:7.0f} {row[0]:6.2f} {row[1]:8.3f} {row[2]:18.3f} {row[3]:10.1e}"
            f" {row[4]:8d} {row[5]:10.4f} {row[6]:8d}",
            flush=True,
        )
    worst = np.max(rows, 0)
    print(
        f"worst of {len(rows):4d}         {worst[0]:6.2f} {worst[1]:8.3f} {worst[2]:18.3f} {worst[3]:10.1e}"
        f" {int(worst[4]):8d} {worst[5]:10.4f} {int(worst[6]):8d}"
    )
    print("bar                     2.00    0.100              0.500    1.0e-06     none     0.0200        0")


if __name__ == "__main__":
    main()
