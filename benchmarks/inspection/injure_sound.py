"""Sound that comes early or late or runs away; mouths that do not do what is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stillwake.types import Samples, Timed

from .takes import Take, samples_of
from .truth import Injured, Truth, with_frames

DRIFT_OVER = 20.0
"""Seconds over which a drift's strength is meant."""


def _with_sound(take: Take, samples: Samples) -> Take:
    from stillwake.media import sound_from_samples

    assert take.sound is not None
    return replace(take, sound=sound_from_samples(samples, take.sound.rate, take.sound.name))


def sound_shifted(take: Take, ms: float, rng: np.random.Generator) -> Injured | None:
    """The sound comes ``ms`` later, silence before it; negative: earlier. Its length stays."""
    if take.sound is None:
        return None
    samples, count = samples_of(take.sound), round(abs(ms) / 1000 * take.sound.rate)
    quiet = np.zeros((count, samples.shape[1]), np.int16)
    moved = (
        np.concatenate([quiet, samples[: len(samples) - count]])
        if ms > 0
        else np.concatenate([samples[count:], quiet])
    )
    return Injured(_with_sound(take, moved), Truth(value=-ms))


def sound_drifts(take: Take, ms: float, rng: np.random.Generator) -> Injured | None:
    """The sound runs slow, so that it falls behind by ``ms`` within 20 s, its end cut off; negative: fast."""
    if take.sound is None:
        return None
    samples = samples_of(take.sound)
    at = np.arange(len(samples)) * (1 - ms / 1000 / DRIFT_OVER)
    columns = [np.interp(at, np.arange(len(samples)), samples[:, c], right=0) for c in range(samples.shape[1])]
    return Injured(_with_sound(take, np.stack(columns, -1).astype(np.int16)), Truth(value=-ms))


def words_moved(take: Take, ms: float, rng: np.random.Generator) -> Injured | None:
    """The mouth moves ``ms`` after its words: the picture is shifted, sound and timeline stay."""
    count, last = round(ms / 1000 * float(take.fps)), len(take.frames) - 1
    shifted = [take.frames[min(max(0, i - count), last)] for i in range(last + 1)]
    return Injured(with_frames(take, shifted), Truth(value=count / float(take.fps) * 1000))


def closures_open(take: Take, share: float, rng: np.random.Generator) -> Injured | None:
    """A share of the closures shows the nearest open mouth instead, every frame of them."""
    if take.speech is None or take.known is None:
        return None
    closures = [v for v in take.speech.visemes if v.label == "MBP"]
    if not closures:
        return None
    chosen = [closures[int(k)] for k in np.linspace(0, len(closures) - 1, max(1, round(share * len(closures))))]
    frames, openings = list(take.frames), take.known.openings
    wide = 0.5 * float(np.percentile(openings, 90))
    for viseme in chosen:
        first, last = int(viseme.start * take.fps) - 1, int(viseme.end * take.fps) + 1
        near = [i for i in range(len(frames)) if openings[i] > wide and abs(i - (first + last) / 2) < 12]
        if near:
            donor = min(near, key=lambda i: abs(i - (first + last) / 2))
            for i in range(max(0, first), min(len(frames), last + 1)):
                frames[i] = take.frames[donor]
    return Injured(with_frames(take, frames), Truth())


def moves_in_silence(take: Take, widths: float, rng: np.random.Generator) -> Injured | None:
    """In the longest pause the mouth opens by so many of its widths and shuts again."""
    if take.speech is None or take.known is None or take.scene is None:
        return None
    first, last = _longest_pause(take)
    if last - first < 0.4 * float(take.fps):
        return None
    openings = take.known.openings
    mouth = take.scene.faces[0].mouth
    wide = float(np.linalg.norm(mouth.outer_upper[-1] - mouth.outer_upper[0]))
    donor = int(abs(openings - openings[first] - widths * wide).argmin())
    if openings[donor] - openings[first] < 0.7 * widths * wide:
        return None
    frames = list(take.frames)
    opens, shuts = first + (last - first) // 3, last - (last - first) // 3
    for i in range(opens, shuts):
        frames[i] = take.frames[donor]
    fps = float(take.fps)
    return Injured(with_frames(take, frames), Truth(opens / fps, shuts / fps, edges=False))


def _longest_pause(take: Take) -> tuple[int, int]:
    def length(viseme: Timed) -> float:
        return viseme.end - viseme.start

    assert take.speech is not None
    pause = max((v for v in take.speech.visemes if v.label == "rest"), key=length, default=Timed(0, 0, "rest"))
    return int(pause.start * take.fps) + 1, min(int(pause.end * take.fps), len(take.frames)) - 1


def teeth_flicker(take: Take, levels: float, rng: np.random.Generator) -> Injured | None:
    """What is light between the lips is brighter by so many levels in every other frame."""
    import cv2

    if take.known is None:
        return None
    frames, touched = list(take.frames), 0
    for i in range(0, len(frames), 2):
        upper, lower = take.known.lips[i]
        if take.known.openings[i] < 2:  # between lips that touch there is nothing to brighten but the lips
            continue
        inside = np.zeros(frames[i].shape[:2], np.uint8)
        cv2.fillPoly(inside, [np.round(np.concatenate([upper, lower[::-1]])).astype(np.int32)], 1)
        light = (inside > 0) & (frames[i].mean(2) > 90)
        touched += int(light.sum() > 12)
        frames[i] = frames[i].copy()
        frames[i][light] = np.clip(frames[i][light] + levels, 0, 255).astype(np.uint8)
    return Injured(with_frames(take, frames), Truth()) if touched >= 8 else None
