"""Light that flickers, breathes or drifts; black frames; colours and framing not the still's; a poor encode."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stillwake.types import Floats, Pixels

from .takes import Take
from .truth import Injured, Truth, box_of, in_the_middle, light_of, with_frames

PERIOD = 2.0
"""Seconds of one breath of the exposure."""


def lit(frame: Pixels, gain: float | Floats) -> Pixels:
    """The frame, brighter by a gain."""
    return np.clip(np.rint(frame.astype(np.float32) * gain), 0, 255).astype(np.uint8)


def _gains(count: int, percent: float, rng: np.random.Generator, *, alternate: bool) -> np.ndarray:
    """One gain a frame, ``percent`` from the least to the most."""
    if alternate:
        return 1 + percent / 100 * (np.arange(count) % 2)
    gains = rng.uniform(-0.5, 0.5, count)
    gains = (gains - gains.min()) / max(np.ptp(gains), 1e-9) - 0.5
    return 1 + percent / 100 * gains


def _flicker(take: Take, percent: float, rng: np.random.Generator, *, alternate: bool) -> Injured | None:
    where = in_the_middle(take, rng.uniform(1, 2), rng)
    if where is None:
        return None
    first, last = where
    frames = list(take.frames)
    for i, gain in zip(range(first, last), _gains(last - first, percent, rng, alternate=alternate), strict=True):
        frames[i] = lit(frames[i], float(gain))
    fps = float(take.fps)
    lights = light_of(take.frames[first:last], None), light_of(frames[first:last], None)
    return Injured(with_frames(take, frames), Truth(first / fps, last / fps, lights=lights))


def flicker_alternate(take: Take, percent: float, rng: np.random.Generator) -> Injured | None:
    """Every other frame of one to two seconds in the middle is brighter by so many percent."""
    return _flicker(take, percent, rng, alternate=True)


def flicker_random(take: Take, percent: float, rng: np.random.Generator) -> Injured | None:
    """Each frame of one to two seconds has its own gain, so many percent from the least to the most."""
    return _flicker(take, percent, rng, alternate=False)


def _local(take: Take, percent: float, rng: np.random.Generator, *, strip: bool) -> Injured | None:
    import cv2

    where = in_the_middle(take, rng.uniform(1, 2), rng)
    if where is None:
        return None
    first, last = where
    width, height = take.size
    wide, high = (width, height // 4) if strip else (width // 2, height // 2)
    x, y = int(rng.integers(0, width - wide + 1)), int(rng.integers(0, height - high + 1))
    region = np.zeros((height, width), bool)
    region[y : y + high, x : x + wide] = True
    if float(take.frames[first][region].mean()) < 25:  # a percent of black is nothing
        return None
    soft = cv2.GaussianBlur(region.astype(np.float32), (0, 0), 2)[..., None]
    alternate = bool(rng.integers(2))
    frames = list(take.frames)
    for i, gain in zip(range(first, last), _gains(last - first, percent, rng, alternate=alternate), strict=True):
        frames[i] = lit(frames[i], 1 + soft * np.float32(gain - 1))
    fps = float(take.fps)
    note, box = "alternate" if alternate else "random", box_of(region)
    lights = light_of(take.frames[first:last], box), light_of(frames[first:last], box)
    return Injured(with_frames(take, frames), Truth(first / fps, last / fps, box, note=note, lights=lights))


def local_quarter(take: Take, percent: float, rng: np.random.Generator) -> Injured | None:
    """The light flickers by so many percent in a rectangle of half the width and half the height."""
    return _local(take, percent, rng, strip=False)


def local_strip(take: Take, percent: float, rng: np.random.Generator) -> Injured | None:
    """The light flickers by so many percent in a strip as wide as the picture and a quarter as high."""
    return _local(take, percent, rng, strip=True)


def exposure_breathes(take: Take, percent: float, rng: np.random.Generator) -> Injured | None:
    """The exposure swells and falls, once in two seconds, so many percent from trough to crest, all along."""
    if take.seconds < 2 * PERIOD - 0.5:
        return None
    phase = rng.uniform(0, 2 * np.pi)
    at = np.arange(len(take.frames)) / float(take.fps)
    gains = 1 + percent / 200 * np.sin(2 * np.pi * at / PERIOD + phase)
    return Injured(with_frames(take, [lit(f, float(g)) for f, g in zip(take.frames, gains, strict=True)]), Truth())


def _tinted(frame: Pixels, a: float, b: float) -> Pixels:
    """The frame moved in CIE Lab."""
    import cv2

    lab = cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    lab[..., 1] += a
    lab[..., 2] += b
    return np.clip(np.rint(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB) * 255), 0, 255).astype(np.uint8)


def colour_drifts(take: Take, de: float, rng: np.random.Generator) -> Injured | None:
    """All colours drift towards one, by that Delta E (1976) from the first frame to the last."""
    turn, count = rng.uniform(0, 2 * np.pi), len(take.frames)
    a, b = de * np.cos(turn), de * np.sin(turn)
    drifted = [_tinted(f, a * i / (count - 1), b * i / (count - 1)) for i, f in enumerate(take.frames)]
    return Injured(with_frames(take, drifted), Truth(note=f"towards {np.degrees(turn):.0f} degrees"))


def first_tinted(take: Take, de: float, rng: np.random.Generator) -> Injured | None:
    """The whole clip has another tint than the still, by that Delta E (1976)."""
    turn = rng.uniform(0, 2 * np.pi)
    a, b = de * np.cos(turn), de * np.sin(turn)
    return Injured(with_frames(take, [_tinted(f, a, b) for f in take.frames]), Truth(edges=False))


def first_cropped(take: Take, percent: float, rng: np.random.Generator) -> Injured | None:
    """The whole clip is enlarged, so that so many percent of width and height are lost, at random sides."""
    return _reframed(take, percent, percent, rng)


def first_stretched(take: Take, percent: float, rng: np.random.Generator) -> Injured | None:
    """The whole clip is stretched sideways, so that so many percent of its width are lost."""
    return _reframed(take, percent, 0.0, rng)


def _reframed(take: Take, across: float, down: float, rng: np.random.Generator) -> Injured:
    import cv2

    width, height = take.size
    wide, high = width * (1 - across / 100), height * (1 - down / 100)
    x, y = rng.uniform(0, width - wide), rng.uniform(0, height - high)
    turn = np.array([[wide / width, 0, x], [0, high / height, y]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    frames = [
        cv2.warpAffine(f, turn, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE) for f in take.frames
    ]
    return Injured(with_frames(take, frames), Truth(edges=False))


def black_frames(take: Take, frames: float, rng: np.random.Generator) -> Injured | None:
    """So many frames in the middle are black."""
    where = in_the_middle(take, frames / float(take.fps), rng)
    if where is None:
        return None
    shown = list(take.frames)
    for i in range(*where):
        shown[i] = np.zeros_like(shown[i])
    fps = float(take.fps)
    return Injured(with_frames(take, shown), Truth(where[0] / fps, where[1] / fps))


def _faded(take: Take, lit_by: np.ndarray, seconds: tuple[float, float]) -> Injured:
    """The take with so much of its light left, (N,) 0..1, and when that is less than all."""
    frames = [lit(frame, float(gain)) for frame, gain in zip(take.frames, lit_by, strict=True)]
    return Injured(with_frames(take, frames), Truth(*seconds))


def fades_in(take: Take, seconds: float, rng: np.random.Generator) -> Injured | None:
    """It comes out of black within so long."""
    at, steps = np.arange(len(take.frames)), max(2, round(seconds * float(take.fps)))
    return _faded(take, np.minimum(at / steps, 1), (0.0, steps / float(take.fps)))


def fades_out(take: Take, seconds: float, rng: np.random.Generator) -> Injured | None:
    """It goes into black within so long."""
    count, steps = len(take.frames), max(2, round(seconds * float(take.fps)))
    left = np.minimum((count - 1 - np.arange(count)) / steps, 1)
    return _faded(take, left, ((count - steps) / float(take.fps), count / float(take.fps)))


def fades_through(take: Take, seconds: float, rng: np.random.Generator) -> Injured | None:
    """About the middle it goes into black and comes back, within so long."""
    where = in_the_middle(take, seconds, rng)
    if where is None:
        return None
    first, last = where
    middle, half = (first + last - 1) / 2, (last - first) / 2
    left = np.clip((np.abs(np.arange(len(take.frames)) - middle) - 0.5) / half, 0, 1)
    return _faded(take, left, (first / float(take.fps), last / float(take.fps)))


def blocky(take: Take, crf: float, rng: np.random.Generator) -> Injured | None:
    """Encoded with that CRF."""
    return Injured(replace(take, crf=int(crf)), Truth())


def encoded_again(take: Take, crf: float, rng: np.random.Generator) -> Injured | None:
    """No injury: encoded with that CRF, or a better one where that is the take's own."""
    return Injured(replace(take, crf=int(crf) if take.crf != int(crf) else 18), Truth())
