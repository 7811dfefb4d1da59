"""Which injuries does the inspection catch, and what does it say of clean clips?

    python -m benchmarks.inspection [STILL ...] [--only NAME] [--clean]

Every still (by default scikit-image's astronaut) speaks `TEXT`. The raw frames and the sound are injured in a known
place by a known amount, encoded as any clip is, and inspected without the raw frames. An injury counts as caught
when the finding it should raise warns or fails, and no other finding does that the clean clip did not raise.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from stillwake.types import Clip, Inspection, Pixels, Plan, Samples, Scene, Shot, Sound, Speech, Still, Timed

TEXT = (
    "My mother baked a marvellous apple pie, but Bob ate five pieces of it before we came home. "
    "Nobody has seen him since. Please move the big blue boat, and have fun by the river."
)
FPS = Fraction(25)
SIZE = 640


@dataclass(frozen=True)
class Take:
    """A rendered clip before encoding: raw frames in memory, its sound, and all that was known when it was made."""

    frames: list[Pixels]
    sound: Sound
    speech: Speech
    scene: Scene
    plan: Plan
    performance: Any


Injury = Callable[[Take, float], Take]


def a_still() -> Still:
    """Scikit-image's astronaut: a photograph in the public domain that comes with the package."""
    import hashlib

    import skimage.data

    pixels = np.ascontiguousarray(skimage.data.astronaut())
    return Still(pixels, "astronaut.png", hashlib.sha256(pixels.tobytes()).hexdigest())


def a_take(still: Still, speech: Speech, size: int = SIZE, fps: Fraction = FPS) -> Take:
    """The still says it: scene, raw frames and plan."""
    from stillwake.engines import frames, load_engine
    from stillwake.perceive import perceive, scaled

    scale = min(1.0, size / max(still.size))
    scene = scaled(perceive(still), tuple(int(side * scale) // 2 * 2 for side in still.size))
    shot = Shot(
        family="animator", engine="animator", motion="talk", seconds=speech.sound.seconds, fps=fps,
        size=scene.still.size, seed=1,
    )  # fmt: skip
    performance = load_engine("animator").prepare(scene, shot, speech)
    drawn = [frame.copy() for frame in frames(performance)]
    return Take(drawn, speech.sound, speech, scene, Plan(shots=(shot,)), performance)


def encoded(take: Take, folder: Path) -> Clip:
    """The take as a clip on disk."""
    from stillwake.media import write_clip

    size = (take.frames[0].shape[1], take.frames[0].shape[0])
    return write_clip(
        folder / "take.mp4", iter(take.frames), fps=take.plan.shots[0].fps, frame_count=len(take.frames), size=size,
        sound=take.sound, overwrite=True,
    )  # fmt: skip


def inspected(take: Take, folder: Path, raw: bool = False) -> Inspection:
    """The take encoded and inspected; the raw frames are shown only when asked."""
    from stillwake.inspection import inspect

    return inspect(
        encoded(take, folder), still=take.scene.still, scene=take.scene, speech=take.speech, plan=take.plan,
        performance=take.performance if raw else None,
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------- injuries


def _with_sound(take: Take, samples: Samples) -> Take:
    from stillwake.media import sound_from_samples

    return replace(take, sound=sound_from_samples(samples, take.sound.rate, take.sound.name))


def _samples(take: Take) -> Samples:
    return np.concatenate(list(take.sound.blocks()))


def sound_shifted(take: Take, ms: float) -> Take:
    """The sound comes ``ms`` later, silence before it; negative: earlier. Its length stays."""
    samples, count = _samples(take), round(abs(ms) / 1000 * take.sound.rate)
    quiet = np.zeros((count, samples.shape[1]), np.int16)
    moved = np.concatenate([quiet, samples[:-count]]) if ms > 0 else np.concatenate([samples[count:], quiet])
    return _with_sound(take, moved)


def sound_drifts(take: Take, ms: float) -> Take:
    """The sound runs slow, so that it lies ``ms`` behind at its end, which is cut off; negative: fast."""
    samples = _samples(take)
    seconds = len(samples) / take.sound.rate
    at = np.arange(len(samples)) * (1 - ms / 1000 / seconds)
    columns = [np.interp(at, np.arange(len(samples)), samples[:, c], right=0) for c in range(samples.shape[1])]
    return _with_sound(take, np.stack(columns, -1).astype(np.int16))


def words_moved(take: Take, ms: float) -> Take:
    """The mouth moves ``ms`` after its words: the picture is shifted, sound and timeline stay."""
    count = round(ms / 1000 * float(FPS))
    shifted = [take.frames[min(max(0, i - count), len(take.frames) - 1)] for i in range(len(take.frames))]
    return replace(take, frames=shifted)


def closures_open(take: Take, share: float) -> Take:
    """A share of the closures shows the nearest open mouth instead, every frame of them."""
    closures = [v for v in take.speech.visemes if v.label == "MBP"]
    chosen = [closures[int(k)] for k in np.linspace(0, len(closures) - 1, max(1, round(share * len(closures))))]
    frames, openings = list(take.frames), [take.performance.warp(i).opening for i in range(len(take.frames))]
    wide = 0.5 * float(np.percentile(openings, 90))
    for viseme in chosen:
        first, last = int(viseme.start * FPS) - 1, int(viseme.end * FPS) + 1
        near = [i for i in range(len(frames)) if openings[i] > wide and abs(i - (first + last) / 2) < 12]
        if near:
            donor = min(near, key=lambda i: abs(i - (first + last) / 2))
            for i in range(max(0, first), min(len(frames), last + 1)):
                frames[i] = take.frames[donor]
    return replace(take, frames=frames)


def moves_in_silence(take: Take, widths: float) -> Take:
    """In the longest pause the mouth opens by so many of its widths and shuts again."""
    index = _longest_pause(take)
    first, last = index
    openings = np.array([take.performance.warp(i).opening for i in range(len(take.frames))])
    mouth = take.scene.faces[0].mouth
    wide = float(np.linalg.norm(mouth.outer_upper[-1] - mouth.outer_upper[0]))
    donor = int(abs(openings - openings[first] - widths * wide).argmin())
    frames = list(take.frames)
    for i in range(first + (last - first) // 3, last - (last - first) // 3):
        frames[i] = take.frames[donor]
    return replace(take, frames=frames)


def _longest_pause(take: Take) -> tuple[int, int]:
    def length(viseme: Timed) -> float:
        return viseme.end - viseme.start

    pause = max((v for v in take.speech.visemes if v.label == "rest"), key=length)
    return int(pause.start * FPS) + 1, min(int(pause.end * FPS), len(take.frames)) - 1


def _background(take: Take) -> Pixels:
    import cv2

    return cv2.GaussianBlur((~take.performance.mask).astype(np.float32), (0, 0), 2)[..., None]


def background_wobbles(take: Take, px: float) -> Take:
    """Outside the motion mask the picture swings by ``px`` to either side, once in a second and a half."""
    import cv2

    share, frames = _background(take), []
    for i, frame in enumerate(take.frames):
        across = px * np.sin(2 * np.pi * i / (1.5 * float(FPS)))
        turn = np.array([[1, 0, across], [0, 1, 0]], np.float64)
        size = (frame.shape[1], frame.shape[0])
        moved = cv2.warpAffine(frame, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        frames.append(np.rint(moved * share + frame * (1 - share)).astype(np.uint8))
    return replace(take, frames=frames)


def light_flickers(take: Take, percent: float) -> Take:
    """Every other frame of one second in the middle is brighter by so many percent."""
    middle = len(take.frames) // 2
    frames = list(take.frames)
    for i in range(middle, middle + int(FPS), 2):
        frames[i] = np.clip(frames[i] * (1 + percent / 100), 0, 255).astype(np.uint8)
    return replace(take, frames=frames)


def teeth_flicker(take: Take, levels: float) -> Take:
    """What is light between the lips is brighter by so many levels in every other frame."""
    import cv2

    frames = list(take.frames)
    for i in range(0, len(frames), 2):
        drawn = take.performance.warp(i)
        upper, lower = drawn.lips
        if drawn.opening < 2:  # between lips that touch there is nothing to brighten but the lips
            continue
        inside = np.zeros(frames[i].shape[:2], np.uint8)
        cv2.fillPoly(inside, [np.round(np.concatenate([upper, lower[::-1]])).astype(np.int32)], 1)
        light = (inside > 0) & (frames[i].mean(2) > 90)
        frames[i] = frames[i].copy()
        frames[i][light] = np.clip(frames[i][light] + levels, 0, 255).astype(np.uint8)
    return replace(take, frames=frames)


def freezes(take: Take, frames: float) -> Take:
    """In the midst of speech one frame is shown for so many more."""
    at, shown = _busiest(take), list(take.frames)
    for i in range(at + 1, at + 1 + int(frames)):
        shown[i] = shown[at]
    return replace(take, frames=shown)


def _busiest(take: Take) -> int:
    """The frame around which the mouth moves most within half a second."""
    openings = np.array([take.performance.warp(i).opening for i in range(len(take.frames))])
    moves = np.convolve(abs(np.diff(openings)), np.ones(12), "valid")
    return int(moves.argmax())


def frames_dropped(take: Take, frames: float) -> Take:
    """So many frames are missing in the middle; the sound stays."""
    middle = len(take.frames) // 2
    return replace(take, frames=take.frames[:middle] + take.frames[middle + int(frames) :])


def black_frames(take: Take, frames: float) -> Take:
    """So many frames in the middle are black."""
    middle, shown = len(take.frames) // 2, list(take.frames)
    for i in range(middle, middle + int(frames)):
        shown[i] = np.zeros_like(shown[i])
    return replace(take, frames=shown)


INJURIES: tuple[tuple[Injury, str, tuple[float, ...], frozenset[str]], ...] = (
    (sound_shifted, "ms", (-200, -120, -80, -40, -20, 20, 40, 80, 120, 200), frozenset({"sound", "sync"})),
    (words_moved, "ms", (-120, -80, 80, 120, 200), frozenset({"sync", "closures", "freeze", "silence"})),
    (sound_drifts, "ms at the end", (-160, -80, -40, 40, 80, 160), frozenset({"sound", "sync", "sync drift"})),
    (closures_open, "share", (0.05, 0.15, 0.3), frozenset({"closures"})),
    (moves_in_silence, "mouth widths", (0.05, 0.1, 0.2), frozenset({"silence"})),
    (background_wobbles, "px", (0.25, 0.5, 1), frozenset({"background", "background shift", "background ripple"})),
    (light_flickers, "%", (1, 2, 4), frozenset({"flicker", "background", "background ripple", "teeth"})),
    (teeth_flicker, "levels", (10, 20, 40), frozenset({"teeth"})),
    (freezes, "frames", (3, 6, 12), frozenset({"freeze"})),
    (frames_dropped, "frames", (1, 2, 5), frozenset({"length", "sound length", "sync", "sync drift"})),
    (black_frames, "frames", (1, 3), frozenset({"black", "background", "background ripple", "flicker"})),
)
"""Each injury, its unit and strengths, and the findings that may follow from it: the first named must."""


def raised(inspection: Inspection) -> dict[str, str]:
    """The findings that warn or fail."""
    return {f.check: f.verdict for f in inspection.findings if f.verdict in ("warn", "fail")}


def told(inspection: Inspection, names: frozenset[str]) -> str:
    """What the findings of these names measured."""
    parts = []
    for finding in inspection.findings:
        if finding.check in names and finding.measured is not None:
            parts.append(f"{finding.check} {finding.measured:.3g}{'!' if finding.verdict in ('warn', 'fail') else ''}")
    return ", ".join(parts)


def mesh_error(take: Take, inspection_of: Clip) -> Iterator[str]:
    """How well the mouth is found again in the decoded frames, against what was drawn."""
    from stillwake.inspection.evidence import gather

    seen = gather(
        inspection_of, still=take.scene.still, scene=take.scene, speech=take.speech, performance=None, plan=take.plan,
        on_progress=lambda stage, done, total: None,
    ).seen  # fmt: skip
    mouth = take.scene.faces[0].mouth
    wide = float(np.linalg.norm(mouth.outer_upper[-1] - mouth.outer_upper[0]))
    drawn = np.array([take.performance.warp(int(i)).opening for i in seen.index]) / wide
    shut = drawn < 0.01
    gain = float((drawn * seen.opening).sum() / max(1e-9, (drawn**2).sum()))
    alike, left = np.corrcoef(drawn, seen.opening)[0, 1], np.std(seen.opening - gain * drawn)
    yield f"  found again: correlation {alike:.3f}, gain {gain:.2f}, residual {left:.3f}"
    if shut.any():
        found = seen.opening[shut]
        yield (
            f"  {int(shut.sum())} shut frames read as {found.mean():.3f} on average, "
            f"{np.percentile(found, 95):.3f} at 95 %, {found.max():.3f} at most"
        )


def main() -> None:
    """Run the injuries over the stills and print what was caught."""
    from stillwake.media import open_still
    from stillwake.speech import say

    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("stills", nargs="*", type=Path)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--clean", action="store_true", help="the clean clips alone")
    given = arguments.parse_args()
    speech = say(TEXT)
    for still in [open_still(path) for path in given.stills] or [a_still()]:
        with tempfile.TemporaryDirectory() as folder:
            take = a_take(still, speech)
            began = time.perf_counter()
            clean = inspected(take, Path(folder), raw=True)
            took = time.perf_counter() - began
            width, height = take.scene.still.size
            length = float(speech.sound.seconds)
            print(f"{still.name}: {width} x {height}, {length:.1f} s, encoded and inspected in {took:.1f} s")
            for finding in clean.findings:
                value = "" if finding.measured is None else f"{finding.measured:.4g} {finding.unit}"
                print(f"  {finding.verdict:<7}{finding.check:<20}{value:<24}{finding.why}")
            for line in mesh_error(take, encoded(take, Path(folder))):
                print(line)
            before = raised(clean)
            for injury, unit, strengths, follows in () if given.clean else INJURIES:
                if given.only not in injury.__name__:
                    continue
                for strength in strengths:
                    found = inspected(injury(take, strength), Path(folder))
                    new = {name for name, verdict in raised(found).items() if before.get(name) != verdict}
                    state = "CAUGHT" if new & follows else "missed"
                    stray = f"  STRAY: {', '.join(sorted(new - follows))}" if new - follows else ""
                    print(
                        f"  {state} {injury.__name__} {strength:g} {unit}: {told(found, follows)}{stray}", flush=True
                    )


if __name__ == "__main__":
    main()
