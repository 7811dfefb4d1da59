"""A sheet to look at: every face that may speak, in every viseme and blinking. Writes out/look_N.png.

A number cannot say whether a mouth is torn or a lash streaked; this sheet can. Pictures: scikit-image's astronaut, and
those beside the checkout in ``../shared/stills/photo`` where they are there, or ``--stills FOLDER``. ``--drawn`` takes
the drawn faces instead, in ``../shared/stills/drawn``.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import drawn
from benchmarks.animator import SHARED, scenes
from stillwake.engines.animator.fields import COEFFICIENTS
from stillwake.engines.animator.render import Talk
from stillwake.engines.animator.rig import build_rig
from stillwake.engines.animator.tracks import Track, pose_table
from stillwake.types import VISEMES, Pixels, Scene

SHOWN = ("rest", "AA", "EH", "IY", "OW", "UW", "MBP", "FV", "S", "L", "CH", "W")
BLINKS = (0.3, 0.6, 1.0)


def crop(pixels: Pixels, centre: Any, reach: float, side: int) -> Pixels:
    """A square around a point, black beyond the picture, ``side`` px wide."""
    import cv2

    around = int(reach)
    x, y = (round(float(v)) for v in centre)
    padded = cv2.copyMakeBorder(pixels, around, around, around, around, cv2.BORDER_CONSTANT)
    square = padded[y : y + 2 * around, x : x + 2 * around]
    method = cv2.INTER_AREA if 2 * around > side else cv2.INTER_CUBIC
    resized: Pixels = cv2.resize(square, (side, side), interpolation=method)
    return resized


def labelled(cell: Pixels, text: str) -> Pixels:
    """The cell with its name in the corner."""
    import cv2

    cell = cell.copy()
    for colour, weight in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(cell, text, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, weight, cv2.LINE_AA)
    return cell


def row(name: str, scene: Scene, side: int, shown: tuple[str, ...]) -> Pixels:
    """One face: the still, the mouth in each viseme, the eyes in a blink."""
    rig = build_rig(scene, scene.faces[0])
    face = rig.face
    empty = np.zeros(1, np.float32)
    talk = Talk(rig, Track(np.zeros((1, len(COEFFICIENTS)), np.float32), empty, empty), Fraction(25))
    table, tongue = pose_table(face)
    is_drawn = face.mesh is None
    mouth = face.centre + face.down * 0.06 * face.face_height
    near = (0.22 if is_drawn else 0.36) * face.face_height
    eyes = np.mean([eye.origin + eye.across * eye.width / 2 for eye in face.eyes], 0)
    cells = [labelled(crop(rig.source, (face.chin + 2 * eyes) / 3, 0.75 * face.face_height, side), name)]
    if is_drawn:
        cells += [labelled(crop(rig.source, mouth, near, side), "still")]
    for viseme in shown:
        number = VISEMES.index(viseme)
        posed = talk.draw(table[number], 0.0, float(tongue[number]))
        cells.append(labelled(crop(posed, mouth, near, side), viseme))
    for closed in BLINKS:
        posed = talk.draw(np.zeros(len(COEFFICIENTS), np.float32), closed)
        cells.append(labelled(crop(posed, eyes, 0.36 * face.face_height, side), f"blink {closed}"))
    return np.hstack(cells)


def main() -> None:
    """Write the sheets and say where they lie."""
    import cv2

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drawn", action="store_true", help="the drawn faces")
    parser.add_argument("--stills", type=Path)
    parser.add_argument("--side", type=int, default=170)
    parser.add_argument("--rows", type=int, default=9, help="faces on one sheet")
    parser.add_argument("--visemes", nargs="+", default=SHOWN, choices=VISEMES)
    parser.add_argument("--out", type=Path, default=Path("out"))
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    found = drawn.scenes(options.stills or drawn.SHARED) if options.drawn else scenes(options.stills or SHARED)
    rows = [row(name, scene, options.side, tuple(options.visemes)) for name, scene in found]
    for number, start in enumerate(range(0, len(rows), options.rows), 1):
        path = options.out / f"look_{number}.png"
        cv2.imwrite(str(path), np.vstack(rows[start : start + options.rows])[..., ::-1])
        print(f"{len(rows[start : start + options.rows])} faces in {path}")


if __name__ == "__main__":
    main()
