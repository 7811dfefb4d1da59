"""Hands that no arm can end in: a left one on the right arm, a wrist bent too far.

    python -m benchmarks arms [--folder FOLDER]

Pictures of sound people: the shared stills and those of ``--folder``. Asked of each as it is, and after one hand of it
was mirrored in its place or turned about its wrist. A hand takes an injection where an arm was found to end in it, and
the picture is looked at anew afterwards, so that what is no longer found is missed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.hands import interval, pictures_in
from stillwake.perceive.look import _perceived
from stillwake.readiness.arms import arms_of, wrists_finding
from stillwake.types import Finding, Hand, Pixels, Scene, Still

STILLS = [Path(__file__).parents[2] / "shared" / "stills" / style for style in ("photo", "drawn")]
TURNS = (-170.0, -140.0, 140.0, 170.0)
"""Degrees by which a hand is turned about its wrist."""


def scene_of(pixels: Pixels, name: str) -> Scene:
    """What the product sees in it."""
    return _perceived(Still(np.ascontiguousarray(pixels), name, "0" * 64), ())


def _mask(hand: Hand, shape: tuple[int, ...], wide: float) -> np.ndarray:
    """(H, W) 0 to 1: the hand's landmarks and so many hand sizes around them, soft at the rim."""
    mask = np.zeros(shape[:2], np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(hand.landmarks).astype(np.int32)), 1.0)
    reach = max(3, round(2 * wide * hand.size) | 1)
    mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    return cv2.GaussianBlur(mask, (0, 0), max(1.0, 0.02 * hand.size))


def _moved(pixels: Pixels, hand: Hand, matrix: np.ndarray) -> Pixels:
    """The hand under an affine map (2, 3), its old place painted over."""
    height, width = pixels.shape[:2]
    mask = _mask(hand, pixels.shape, 0.1)
    ground = cv2.inpaint(pixels, (mask > 0.02).astype(np.uint8), 5, cv2.INPAINT_TELEA)
    put = cv2.warpAffine(mask, matrix, (width, height))[..., None]
    copy = cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.clip(ground * (1 - put) + copy * put, 0, 255).astype(np.uint8)


def mirrored(pixels: Pixels, hand: Hand) -> Pixels:
    """The hand mirrored about the line from its wrist to its knuckles."""
    wrist = hand.landmarks[0].astype(float)
    ahead = hand.landmarks[[5, 9, 13, 17]].mean(0) - wrist
    angle = 2 * np.arctan2(ahead[1], ahead[0])
    turn = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
    return _moved(pixels, hand, np.c_[turn, wrist - turn @ wrist])


def turned(pixels: Pixels, hand: Hand, degrees: float) -> Pixels:
    """The hand turned about its wrist."""
    x, y = hand.landmarks[0].tolist()
    return _moved(pixels, hand, cv2.getRotationMatrix2D((x, y), degrees, 1.0))


def injected(scene: Scene) -> Iterator[tuple[str, Pixels]]:
    """The injuries that this picture takes."""
    pixels = scene.still.pixels
    if scene.body is None:
        return
    for arm in arms_of(scene.hands, scene.body):
        yield "mirrored", mirrored(pixels, arm.hand)
        if arm.bend is not None:
            for degrees in TURNS:
                yield f"turned by {abs(degrees):.0f} °", turned(pixels, arm.hand, degrees)


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="further pictures of sound people")
    parser.add_argument("--sheet", type=Path, help="a folder for the injured pictures, to look at them")
    given = parser.parse_args()
    folders = [folder for folder in (*STILLS, given.folder) if folder and folder.is_dir()]
    clean: list[tuple[str, Finding]] = []
    arms = other = 0
    told: dict[str, list[tuple[str, bool]]] = {}
    for name, pixels in (picture for folder in folders for picture in pictures_in(folder)):
        scene = scene_of(pixels, name)
        clean.append((name, wrists_finding(scene)))
        for arm in arms_of(scene.hands, scene.body) if scene.body is not None else ():
            arms += 1
            other += arm.hand.handedness != arm.side
        for what, changed in injected(scene):
            after = wrists_finding(scene_of(changed, name))
            told.setdefault(what, []).append((name, after.verdict == "warn"))
            if given.sheet:
                given.sheet.mkdir(parents=True, exist_ok=True)
                file = f"{after.verdict} {what} {Path(name).stem} {len(told[what])}.jpg"
                cv2.imwrite(str(given.sheet / file), changed[..., ::-1])
    if not clean:
        print("   skipped: there are no pictures of people")
        return
    seen = [(name, f) for name, f in clean if f.verdict != "unseen"]
    alarms = [f"{name}: {f.why}" for name, f in seen if f.verdict == "warn"]
    print(f"   {len(clean)} pictures as they are: {len(alarms)} of {len(seen)} with an arm and its hand warn {alarms}")
    print(f"   the hand is read as the other one at the ends of {other} of {arms} arms, surely or not")
    for what, answers in sorted(told.items()):
        hits = [hit for _, hit in answers]
        names = [name for name, _ in answers]
        low, high = interval(hits, names)
        print(f"   {what}: {np.mean(hits):.2f} [{low:.2f}-{high:.2f}] of {len(hits)} in {len(set(names))} pictures")


if __name__ == "__main__":
    main()
