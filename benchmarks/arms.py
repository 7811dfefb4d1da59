"""Hands that no arm can end in: a left one on the right arm, a wrist bent too far, one that is nobody's.

    python -m benchmarks arms [--folder FOLDER]

Pictures of sound people: the shared stills and those of ``--folder``. Asked of each as it is, and after one hand of it
was mirrored in its place, turned about its wrist, or copied to where no hand is. A hand takes the first two where an
arm was found to end in it; it is copied where one face is seen and no hand is too many already. The picture is looked
at anew afterwards, so that what is no longer found is missed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.hands import interval, pictures_in
from stillwake.perceive.hands import shared_part
from stillwake.perceive.look import _perceived
from stillwake.readiness.arms import SMALLEST, WRISTS, arms_of, spare_finding, wrists_finding
from stillwake.types import Box, Finding, Floats, Hand, Pixels, Scene, Still

STILLS = [Path(__file__).parents[2] / "shared" / "stills" / style for style in ("photo", "drawn")]
TURNS = (-170.0, -140.0, 140.0, 170.0)
"""Degrees by which a hand is turned about its wrist."""
COPIES = 2
"""Copies of a hand that are tried, each in a picture of its own."""
POINTS = 0.3
"""A warning points at the injury from this overlap with it, in the smaller box."""
_TRIES = 400


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


def copied(scene: Scene, hand: Hand, rng: np.random.Generator) -> tuple[Pixels, Box] | None:
    """The hand once more, turned and perhaps mirrored, in reach of the body and away from face, wrists and hands.

    Where it was put is told with it; None where there is no room.
    """
    assert scene.body is not None
    pixels, size = scene.still.pixels, hand.size
    height, width = pixels.shape[:2]
    face = np.array(scene.faces[0].box).reshape(2, 2)
    middle, long = face.mean(0), float(np.ptp(face, axis=0).max())
    around = np.array(hand.box).reshape(2, 2).mean(0)
    for _ in range(_TRIES):
        at = np.array([rng.uniform(0.7 * size, width - 0.7 * size), rng.uniform(0.7 * size, height - 0.7 * size)])
        from_face = float(np.hypot(*(at - middle)))
        hands = [(np.array(o.box).reshape(2, 2).mean(0), o.size) for o in scene.hands]
        if (
            0.7 * long + 0.6 * size < from_face < 4 * long
            and all(np.hypot(*(at - scene.body.joints[wrist])) > 2 * size for wrist, _ in WRISTS)
            and all(np.hypot(*(at - where)) > 1.2 * (size + other) for where, other in hands)
        ):
            break
    else:
        return None
    x, y = around.tolist()
    put = cv2.getRotationMatrix2D((x, y), float(rng.uniform(-180, 180)), float(rng.uniform(0.85, 1.15)))
    if rng.random() < 0.5:
        put = put @ np.array([[-1, 0, 2 * x], [0, 1, 0], [0, 0, 1.0]])
    put[:, 2] += at - around
    mask = cv2.warpAffine(_mask(hand, pixels.shape, 0.1), put, (width, height))[..., None]
    copy = cv2.warpAffine(pixels, put, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.clip(pixels * (1 - mask) + copy * mask, 0, 255).astype(np.uint8), _box(hand.landmarks, put)


def _box(landmarks: Floats, put: np.ndarray) -> Box:
    """The box around a hand's landmarks under an affine map (2, 3)."""
    moved = landmarks @ put[:, :2].T + put[:, 2]
    (x0, y0), (x1, y1) = moved.min(0).tolist(), moved.max(0).tolist()
    return x0, y0, x1, y1


@dataclass(frozen=True)
class Injury:
    """What was done to a picture, where it lies, and the check that should see it."""

    what: str
    pixels: Pixels
    box: Box
    check: Callable[[Scene], Finding]


def injected(scene: Scene) -> Iterator[Injury]:
    """The injuries that this picture takes."""
    pixels = scene.still.pixels
    if scene.body is None:
        return
    for arm in arms_of(scene.hands, scene.body):
        yield Injury("mirrored", mirrored(pixels, arm.hand), arm.hand.box, wrists_finding)
        if arm.bend is not None:
            for degrees in TURNS:
                x, y = arm.hand.landmarks[0].tolist()
                box = _box(arm.hand.landmarks, cv2.getRotationMatrix2D((x, y), degrees, 1.0))
                what = f"turned by {abs(degrees):.0f} °"
                yield Injury(what, turned(pixels, arm.hand, degrees), box, wrists_finding)
    rng = np.random.default_rng([ord(letter) for letter in scene.still.name])
    alone = len(scene.faces) == 1 and spare_finding(scene).verdict != "warn"
    for hand in scene.hands if alone else ():
        for _ in range(COPIES if hand.size >= SMALLEST else 0):
            if (changed := copied(scene, hand, rng)) is not None:
                yield Injury("copied to where none is", *changed, spare_finding)


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="further pictures of sound people")
    parser.add_argument("--sheet", type=Path, help="a folder for the injured pictures, to look at them")
    given = parser.parse_args()
    folders = [folder for folder in (*STILLS, given.folder) if folder and folder.is_dir()]
    clean: dict[str, list[tuple[str, Finding]]] = {"an arm and its hand": [], "one face, arms and hands": []}
    arms = other = 0
    told: dict[str, list[tuple[str, bool, bool]]] = {}
    for name, pixels in (picture for folder in folders for picture in pictures_in(folder)):
        scene = scene_of(pixels, name)
        for of_it, check in zip(clean.values(), (wrists_finding, spare_finding), strict=True):
            of_it.append((name, check(scene)))
        for arm in arms_of(scene.hands, scene.body) if scene.body is not None else ():
            arms += 1
            other += arm.hand.handedness != arm.side
        for injury in injected(scene):
            after = injury.check(scene_of(injury.pixels, name))
            points = after.box is not None and shared_part(after.box, injury.box) >= POINTS
            told.setdefault(injury.what, []).append((name, after.verdict == "warn", points))
            if given.sheet:
                given.sheet.mkdir(parents=True, exist_ok=True)
                file = f"{after.verdict} {injury.what} {Path(name).stem} {len(told[injury.what])}.jpg"
                cv2.imwrite(str(given.sheet / file), injury.pixels[..., ::-1])
    if not any(clean.values()):
        print("   skipped: there are no pictures of people")
        return
    for what, findings in clean.items():
        seen = [(name, f) for name, f in findings if f.verdict != "unseen"]
        alarms = [f"{name}: {f.why}" for name, f in seen if f.verdict == "warn"]
        print(f"   {len(findings)} pictures as they are: {len(alarms)} of {len(seen)} with {what} warn {alarms}")
    print(f"   the hand is read as the other one at the ends of {other} of {arms} arms, surely or not")
    for what, answers in sorted(told.items()):
        hits = [hit for _, hit, _ in answers]
        names = [name for name, *_ in answers]
        low, high = interval(hits, names)
        print(f"   {what}: {np.mean(hits):.2f} [{low:.2f}-{high:.2f}] of {len(hits)} in {len(set(names))} pictures")
        print(f"      points there: {sum(points for _, hit, points in answers if hit)} of {sum(hits)}")


if __name__ == "__main__":
    main()
