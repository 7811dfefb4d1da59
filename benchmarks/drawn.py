"""Drawn faces in numbers: rest, what moves though it is not seen, how crisp lines stay.

Pictures: those beside the checkout in ``../shared/stills/drawn``, or ``--stills FOLDER``, as far as perception finds
a drawn face with a mouth in them. An edge's width is its contrast over its steepest slope, measured on the frame at
twice its size: of the drawn mouths against the picture's own linework, and of lashes, brows and jaw where the head has
carried them against the same lines of the still. Ratios are medians.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from stillwake.engines.animator import warp
from stillwake.engines.animator.anatomy import dense
from stillwake.engines.animator.fields import COEFFICIENTS, EXPRESSION, LIMITS
from stillwake.engines.animator.ink import double, edge_widths
from stillwake.engines.animator.parts import Pose
from stillwake.engines.animator.render import Talk
from stillwake.engines.animator.rig import Rig, build_rig
from stillwake.engines.animator.tracks import Track, pose_table
from stillwake.types import VISEMES, Face, Scene

SHARED = Path(__file__).parents[2] / "shared" / "stills" / "drawn"
OPEN = ("AA", "EH", "IY", "OW", "UW", "S", "L")
SEEN = 0.5


def scenes(folder: Path) -> Iterator[tuple[str, Scene]]:
    """Every picture with a drawn face that can speak."""
    from stillwake.media import open_still
    from stillwake.perceive import perceive

    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        scene = perceive(open_still(path))
        if scene.faces and scene.faces[0].mesh is None and scene.faces[0].confidence.get("mouth", 0.0) >= SEEN:
            yield path.name, scene


def quiet(rig: Rig) -> Talk:
    """The face with nothing to do, to be posed."""
    zero = np.zeros(1, np.float32)
    return Talk(rig, Track(np.zeros((1, len(COEFFICIENTS)), np.float32), zero, zero), Fraction(25))


def lines(face: Face) -> list[np.ndarray]:
    """Lines of the drawing that only the head moves, (65, 2) px each."""
    drawn = [face.jaw, *(eye.brow for eye in face.eyes), *(eye.upper_lid for eye in face.eyes if eye.iris is not None)]
    return [dense(line.astype(np.float64)) for line in drawn]


def moved_ratio(rig: Rig, face: Face) -> float:
    """Edge widths of the lines where the head has carried them over those in the still; the head at its limits."""
    talk, height = quiet(rig), rig.face.face_height
    reach = max(2.0, 0.02 * height)
    before, after = [], []
    for phase in range(6):
        pose = np.zeros(len(COEFFICIENTS), np.float32)
        head = slice(len(EXPRESSION), len(COEFFICIENTS))
        pose[head] = LIMITS[head] * np.sin(1 + phase * (1 + 0.13 * np.arange(len(LIMITS[head]))))
        frame = double(talk.draw(pose))
        u = warp.displacement(rig.head, pose)
        for line in lines(face):
            normal = np.gradient(line, axis=0)[:, ::-1] * (-1, 1)
            normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
            carried = line + warp.sample(u, rig.head.grid, line)
            before.append(edge_widths(rig.doubled, line, normal, reach))
            after.append(edge_widths(frame, carried, normal, reach))
    return float(np.median(np.concatenate(after)) / np.median(np.concatenate(before)))


def mouth_ratio(rig: Rig) -> float:
    """Edge widths of the drawn mouths' upper lines over what the picture's own linework asks for."""
    talk, table = quiet(rig), pose_table(rig.face)[0]
    found = []
    for name in OPEN:
        pose = Pose(table[VISEMES.index(name)])
        bent = rig.mouth.bend(pose)
        upper = bent.lips[0].astype(np.float64)[8:-8] - rig.face.down * rig.mouth.ink.weight  # type: ignore[attr-defined]
        reach = max(2.0, 1.5 * rig.mouth.ink.weight)  # type: ignore[attr-defined]
        found.append(edge_widths(double(talk.draw(pose.coefficients)), upper, rig.face.down, reach))
    return float(np.median(np.concatenate(found)) / rig.mouth.ink.edge)  # type: ignore[attr-defined]


def unseen_moves(scene: Scene, face: Face) -> int:
    """Pixels that a blink changes around eyes which are not seen; the face with both eyes unseen as well."""
    count = 0
    for hidden in ({"left eye": 0.0, "right eye": 0.0, "eyes": 0.0}, {}):
        sure = {**face.confidence, **hidden}
        rig = build_rig(scene, replace(face, confidence=sure))
        changed = (quiet(rig).draw(np.zeros(len(COEFFICIENTS), np.float32), 1.0) != rig.source).any(2)
        for eye, name in zip(rig.face.eyes, ("left eye", "right eye"), strict=True):
            if sure.get(name, sure.get("eyes", 0.0)) < SEEN:
                x, y = (eye.origin + eye.across * eye.width / 2).astype(int)
                reach = int(0.4 * eye.width)
                count += int(changed[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach].sum())
    return count


def main() -> None:
    """Print one line a picture and the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stills", type=Path, default=SHARED)
    report(scenes(parser.parse_args().stills))


def report(found: Iterator[tuple[str, Scene]]) -> None:
    """The table of these scenes."""
    print("picture        face px  edge px  mouth / own  moved / still  rest differs  outside  unseen moves")
    rows = []
    for name, scene in found:
        face = scene.faces[0]
        rig = build_rig(scene, face)
        talk, table = quiet(rig), pose_table(rig.face)[0]
        outside = 0
        for number, pose in enumerate(table):
            pose[len(EXPRESSION) :] = LIMITS[len(EXPRESSION) :] * np.sin(number)
            outside += int(((talk.draw(pose, number % 3 / 2) != rig.source).any(2) & ~rig.mask).sum())
        rest = int((talk.draw(np.zeros(len(COEFFICIENTS), np.float32)) != rig.source).sum())
        row = (mouth_ratio(rig), moved_ratio(rig, face), rest, outside, unseen_moves(scene, face))
        rows.append(row)
        edge = rig.mouth.ink.edge  # type: ignore[attr-defined]
        print(
            f"{name:14s} {rig.face.face_height:7.0f} {edge:8.2f} {row[0]:12.3f} {row[1]:14.3f} {row[2]:13d}"
            f" {row[3]:8d} {row[4]:13d}",
            flush=True,
        )
    if rows:
        table = np.array(rows, float)
        print(f"median of {len(rows):3d} {'':16s} {np.median(table[:, 0]):12.3f} {np.median(table[:, 1]):14.3f}"
              f" {int(table[:, 2].sum()):13d} {int(table[:, 3].sum()):8d} {int(table[:, 4].sum()):13d}")  # fmt: skip
    print("bar                              0.9 to 1.1     0.9 to 1.1             0        0             0")


if __name__ == "__main__":
    main()
