"""Frames that are missing, stand still or come twice; cuts; loops that jump or run backwards.

Each is put where there is something to see of it, which the raw frames say: their step is above the clip's median,
and across the fault the block that changes most changes by some levels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from stillwake.types import Pixels, Plan

from .takes import Take, samples_of
from .truth import Injured, Truth, with_frames

SEEN = 3.0
"""Levels by which the block that changes most must change for a fault to be visible."""
EDGE = 0.4
"""Seconds at either end where nothing is injured."""


def places(take: Take, span: int) -> list[int]:
    """Frames from which on, for ``span`` steps, there is motion above the clip's median that can be seen."""
    steps, edge = take.steps, round(EDGE * float(take.fps))
    usual = float(np.median(steps))
    windows = np.lib.stride_tricks.sliding_window_view(steps, span).mean(1)
    return [
        i for i in range(edge, len(take.frames) - edge - span) if windows[i] > usual and take.apart(i, i + span) > SEEN
    ]


def _one_of(found: list[int], rng: np.random.Generator) -> int | None:
    return int(rng.choice(found)) if found else None


def freezes(take: Take, frames: float, rng: np.random.Generator) -> Injured | None:
    """In the midst of motion one frame is shown for so many more; those it covers are lost."""
    more = int(frames)
    at = _one_of(places(take, more + 1), rng) if more else 0
    if at is None:
        return None
    shown = list(take.frames)
    for i in range(at + 1, at + 1 + more):
        shown[i] = shown[at]
    fps = float(take.fps)
    return Injured(with_frames(take, shown), Truth(at / fps, (at + 1 + more) / fps))


def freezes_delayed(take: Take, frames: float, rng: np.random.Generator) -> Injured | None:
    """In the midst of motion one frame is shown for so many more; later ones come later, the end is cut off."""
    more = int(frames)
    at = _one_of([i for i in places(take, 2) if i + more < len(take.frames) - 5], rng)
    if at is None:
        return None
    shown = [*take.frames[: at + 1], *[take.frames[at]] * more, *take.frames[at + 1 :]][: len(take.frames)]
    fps = float(take.fps)
    return Injured(with_frames(take, shown), Truth(at / fps, (at + 1 + more) / fps))


def _quick(take: Take) -> list[int]:
    """The quarter of the places for one missing frame where there is most to see of it."""
    found = sorted(places(take, 2), key=lambda i: take.apart(i, i + 2))
    return found[-max(1, len(found) // 4) :] if found else []


def _shortened(take: Take, frames: list[Pixels]) -> Take:
    return with_frames(take, frames)


def frame_dropped(take: Take, frames: float, rng: np.random.Generator) -> Injured | None:
    """So many frames in the midst of motion are missing; the sound goes on to its end."""
    at = _one_of(_quick(take), rng)
    if at is None:
        return None
    shown = take.frames[: at + 1] + take.frames[at + 1 + int(frames) :]
    when = (at + 1) / float(take.fps)
    return Injured(_shortened(take, shown), Truth(when, when))


def frame_dropped_cut(take: Take, frames: float, rng: np.random.Generator) -> Injured | None:
    """So many frames in the midst of motion are missing; the sound ends with the picture."""
    from stillwake.media import sound_from_samples

    injured = frame_dropped(take, frames, rng)
    if injured is None or injured.take.sound is None:
        return injured
    sound = injured.take.sound
    kept = samples_of(sound)[: round(len(injured.take.frames) / take.fps * sound.rate)]
    return Injured(replace(injured.take, sound=sound_from_samples(kept, sound.rate, sound.name)), injured.truth)


def frame_doubled(take: Take, frames: float, rng: np.random.Generator) -> Injured | None:
    """A frame in the midst of motion is shown so many times more, which covers those after it."""
    at = _one_of(_quick(take), rng)
    if at is None:
        return None
    shown, more = list(take.frames), int(frames)
    for i in range(at + 1, at + 1 + more):
        shown[i] = shown[at]
    fps = float(take.fps)
    return Injured(with_frames(take, shown), Truth(at / fps, (at + 1 + more) / fps, edges=False))


def jump_cut(take: Take, frames: float, rng: np.random.Generator) -> Injured | None:
    """So many frames are left out, with their sound; only where that can be seen: thrice the usual step at least."""
    from stillwake.media import sound_from_samples

    out, edge = int(frames), round(EDGE * float(take.fps))
    usual = float(np.median([take.apart(i, i + 1) for i in range(0, len(take.frames) - 1, 2)]))
    found = [
        i
        for i in range(edge, len(take.frames) - edge - out - 1)
        if take.apart(i, i + out + 1) > max(2 * SEEN, 3 * usual)
    ]
    at = _one_of(found, rng)
    if at is None:
        return None
    shown = take.frames[: at + 1] + take.frames[at + 1 + out :]
    sound = take.sound
    if sound is not None:
        samples = samples_of(sound)
        first, last = (round(i / take.fps * sound.rate) for i in (at + 1, at + 1 + out))
        sound = sound_from_samples(np.concatenate([samples[:first], samples[last:]]), sound.rate, sound.name)
    when = (at + 1) / float(take.fps)
    return Injured(replace(with_frames(take, shown), sound=sound), Truth(when, when))


def _as_large(other: Take, size: tuple[int, int]) -> Callable[[int], Pixels]:
    """A frame of that take by its number, over and over, as large as (W, H) and cut to it."""
    import cv2

    width, height = size
    scale = max(width / other.size[0], height / other.size[1])
    larger = (max(width, round(other.size[0] * scale)), max(height, round(other.size[1] * scale)))
    x, y = (larger[0] - width) // 2, (larger[1] - height) // 2

    def frame(number: int) -> Pixels:
        picture = cv2.resize(other.frames[number % len(other.frames)], larger, interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(picture[y : y + height, x : x + width])

    return frame


def cut_to(donor: Callable[[], Take | None]) -> Callable[[Take, float, np.random.Generator], Injured | None]:
    """`cut` to the frames of that other take."""

    def cut(take: Take, shots: float, rng: np.random.Generator) -> Injured | None:
        """Another clip's frames from some moment on: for a second if ``shots`` is 2, else to the end."""
        other = donor()
        if other is None:
            return None
        fps, count = float(take.fps), len(take.frames)
        first = round(rng.uniform(0.3, 0.6) * count)
        last = min(count - 5, first + round(fps)) if shots == 2 else count
        shown, of_other = list(take.frames), _as_large(other, take.size)
        for i in range(first, last):
            shown[i] = of_other(i - first)
        when = first / fps
        # one cut each way: a finding at the first of them will do
        return Injured(with_frames(take, shown), Truth(when, when, note=f"to {other.name}"))

    return cut


def _to_another(
    donor: Callable[[], Take | None], between: Callable[[Pixels, Pixels, float], Pixels]
) -> Callable[[Take, float, np.random.Generator], Injured | None]:
    """What changes to another take; ``between`` draws each frame on the way, 0..1."""

    def change(take: Take, seconds: float, rng: np.random.Generator) -> Injured | None:
        """Another clip's frames come within so many seconds, drawn as ``between`` has it, and stay."""
        other = donor()
        if other is None:
            return None
        fps, count = float(take.fps), len(take.frames)
        steps = max(2, round(seconds * fps))
        first = round(rng.uniform(0.3, 0.6) * (count - steps))
        shown, of_other = list(take.frames), _as_large(other, take.size)
        for i in range(first, count):
            share = min(1.0, (i - first + 1) / (steps + 1))
            shown[i] = between(shown[i], of_other(i - first), share)
        truth = Truth(first / fps, (first + steps) / fps, note=f"to {other.name}")
        return Injured(with_frames(take, shown), truth)

    return change


def dissolve_to(donor: Callable[[], Take | None]) -> Callable[[Take, float, np.random.Generator], Injured | None]:
    """`dissolve` into the frames of that other take: they come through evenly."""

    def mixed(one: Pixels, other: Pixels, share: float) -> Pixels:
        return np.rint(one * np.float32(1 - share) + other * np.float32(share)).astype(np.uint8)

    return _to_another(donor, mixed)


def wipe_to(donor: Callable[[], Take | None]) -> Callable[[Take, float, np.random.Generator], Injured | None]:
    """`wipe` to the frames of that other take: they push the picture out at one side."""

    def pushed(one: Pixels, other: Pixels, share: float) -> Pixels:
        edge = round(one.shape[1] * share)
        return np.concatenate([one[:, edge:], other[:, :edge]], axis=1)

    return _to_another(donor, pushed)


# ------------------------------------------------------------------------------------------------------- loops


def _turned(take: Take) -> Take | None:
    """The loop begun anew at a place where it moves, so that there is something to see at its seam."""
    if len(take.frames) < 30:
        return None
    steps = np.append(take.steps, np.abs(take.small[0] - take.small[-1]).mean())
    usual = float(np.median(steps))
    count = len(steps)
    if steps[-1] >= usual and steps[-2] >= usual:
        return take
    found = [k for k in range(count) if min(steps[k - 1], steps[k - 2], steps[k]) >= usual]
    if not found:
        return None
    at = min(found, key=lambda k: min(k, count - k))
    return with_frames(take, take.frames[at:] + take.frames[:at])


def _planned(take: Take, count: int) -> Take:
    """The take's plan asking for so many frames: nobody shall find the fault by counting."""
    assert take.plan is not None
    shot = take.plan.shots[0]
    seconds = Fraction(count) / shot.fps
    return replace(take, plan=Plan(shots=(shot.model_copy(update={"seconds": seconds}),)))


def loop_jumps(take: Take, steps: float, rng: np.random.Generator) -> Injured | None:
    """The loop's last frames are missing, so that over its seam it moves so many steps more than anywhere else."""
    turned = _turned(take) if take.loop else None
    if turned is None:
        return None
    count = len(turned.frames) - int(steps)
    if turned.apart(count - 1, 0) < 1.0:  # a living still moves by less than a talking mouth
        return None
    end = count / float(take.fps)
    return Injured(_planned(with_frames(turned, turned.frames[:count]), count), Truth(end, end))


def loop_untouched(take: Take, steps: float, rng: np.random.Generator) -> Injured | None:
    """No injury: the loop begun anew at another place."""
    turned = _turned(take) if take.loop else None
    return None if turned is None else Injured(turned, Truth())


def ping_pong(take: Take, half: float, rng: np.random.Generator) -> Injured | None:
    """The second half is the first one backwards: the place is right at every turn, the speed is not."""
    turned = _turned(take)
    if turned is None:
        return None
    middle = len(turned.frames) // 2
    shown = turned.frames[: middle + 1] + turned.frames[middle - 1 : 0 : -1]
    if max(turned.apart(i, i + 1) for i in (0, middle - 1)) < 0.5:
        return None
    shown = shown[: len(turned.frames)]
    injured = with_frames(turned, shown)
    return Injured(_planned(injured, len(shown)) if take.plan is not None else injured, Truth(edges=False))


def end_reversed(take: Take, frames: float, rng: np.random.Generator) -> Injured | None:
    """The loop's last frames come from the other side: over the seam the place is right and the speed reversed."""
    turned = _turned(take) if take.loop else None
    back, count = int(frames), len(take.frames)
    if turned is None or count < 4 * back or turned.apart(0, 3) < 1.0:
        return None
    shown = turned.frames[: count - back] + turned.frames[back:0:-1]
    fps = float(take.fps)
    return Injured(with_frames(turned, shown), Truth((count - back) / fps, count / fps, edges=False))
