"""Clean clips of others: the videos of a folder, cut into pieces without a cut in them.

Faces are looked for by OpenCV's own cascade and cuts by a jump of the colours' histogram, or they are told: neither is
a detector of ours. What a file shows is written down in the cache, as it takes a while to look.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from stillwake.types import Box, Floats, Pixels

from .sources import Source
from .takes import Mask, Take, samples_of

VERSION = 1
LONGEST_WHOLE, PIECE = 12.0, 7.0
"""Seconds up to which a file is taken whole, and of the pieces of a longer one."""
SHORTEST = 2.0
CRF = 8
"""Of the pieces that are kept."""
LARGEST = 720
"""Longest side in px: others' clips are made smaller, so that a case takes seconds."""
FILMS = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v")
JUMP = 0.35
"""Bhattacharyya distance of neighbouring frames' histograms of hue and saturation, and"""
CHANGE = 12.0
"""levels by which they differ on average, and"""
UNUSUAL = 4.0
"""times the frames around them do so, from which on there is a cut between them."""
USUAL_RATES = tuple(Fraction(r) for r in ("24", "25", "30", "50", "60", "24000/1001", "30000/1001", "60000/1001"))
LEAST_FACES = 0.6
"""Share of the frames looked at in which the cascade must find a face."""


@dataclass(frozen=True)
class Pieces:
    """The pieces of a folder's films, and how many were dropped since there is a cut in them, or could not be read."""

    sources: tuple[Source, ...]
    cut: int
    unreadable: tuple[str, ...]


def cuts_of(file: Path | None) -> dict[str, list[float]]:
    """File name -> seconds of its cuts, from lines "name seconds [seconds ...]"; a name alone: there is none."""
    if file is None:
        return {}
    lines = (line.split() for line in file.read_text().splitlines() if line.strip() and not line.startswith("#"))
    return {words[0]: [float(word) for word in words[1:]] for words in lines}


def pieces(folder: Path, cache: Path, *, most: int, cuts: dict[str, list[float]], kind: str) -> Pieces:
    """The pieces of every film in a folder, at most so many of each, evenly spread over it."""
    from stillwake.errors import StillwakeError

    found: list[Source] = []
    dropped, unreadable = 0, []
    for path in sorted(p for p in folder.glob("**/*") if p.suffix.lower() in FILMS):
        try:
            seen = _seen(path, cache)
        except StillwakeError as error:
            unreadable.append(f"{path.name}: {error.why}")
            continue
        at = cuts.get(path.name, seen["cuts"])
        fps, count = Fraction(seen["fps"]), seen["frames"]
        whole = count / fps <= LONGEST_WHOLE
        number = 1 if whole else max(1, int(count / fps / Fraction(PIECE)))
        ends = np.linspace(0, count, number + 1).round().astype(int)
        clean = []
        for first, last in pairwise(ends):
            if any(float(first / fps) < cut < float(last / fps) for cut in at):
                dropped += 1
            elif (last - first) / fps >= SHORTEST:
                clean.append((int(first), int(last)))
        chosen = [clean[int(k)] for k in np.unique(np.linspace(0, len(clean) - 1, most).round())] if clean else []
        for first, last in chosen:
            start, end = float(first / fps), float(last / fps)
            name = path.stem if whole else f"{path.stem} {start:.1f} s"

            def load(
                path: Path = path, first: int = first, last: int = last, name: str = name, fps: Fraction = fps
            ) -> Take:
                return _loaded(path, first, last, name, kind, fps, cache)

            faces = [box for at, box in seen["faces"] if start <= at < end]
            face = kind == "spoken" or (
                bool(faces) and sum(box is not None for box in faces) >= LEAST_FACES * len(faces)
            )
            found.append(Source(name, path.stem, kind, face, seen["sound"], end - start, load))
    return Pieces(tuple(found), dropped, tuple(unreadable))


def _usual(fps: Fraction) -> Fraction:
    """The usual rate beside it, if one is that near."""
    near = min(USUAL_RATES, key=lambda rate: abs(rate - fps))
    return near if abs(near - fps) < Fraction(1, 500) * fps else fps


def _seen(path: Path, cache: Path) -> dict[str, Any]:
    """Rate, frames, cuts, sound, and where a face is, once a second."""
    import cv2

    from stillwake.media import open_clip, read_frames

    clip = open_clip(path)
    kept = cache / "seen" / f"{clip.info.sha256[:16]}-{VERSION}.json"
    if kept.is_file():
        read: dict[str, Any] = json.loads(kept.read_text())
        return read
    fps = clip.info.fps
    every = max(1, round(fps))
    histograms, changes, faces = [], [], []
    before: Pixels | None = None
    for index, frame in enumerate(read_frames(clip)):
        small = cv2.resize(frame, (96, 64), interpolation=cv2.INTER_AREA)
        histogram = cv2.calcHist([cv2.cvtColor(small, cv2.COLOR_RGB2HSV)], [0, 1], None, [16, 8], [0, 180, 0, 256])
        jump = cv2.compareHist(histograms[-1], histogram, cv2.HISTCMP_BHATTACHARYYA) if histograms else 0.0
        changes.append((jump, 0.0 if before is None else float(np.abs(small.astype(int) - before).mean())))
        histograms[:] = [histogram]
        before = small
        if index % every == 0:
            faces.append((float(index / fps), face_in(frame)))
    about = {
        "name": path.name, "fps": str(fps), "frames": len(changes), "sound": clip.info.sound is not None,
        "cuts": [float(i / fps) for i in cuts_in(np.array(changes))], "faces": faces,
    }  # fmt: skip
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(about))
    return about


def cuts_in(changes: np.ndarray) -> list[int]:
    """The frames before which there is a cut, from (n, 2): each frame's jump of histogram and change in levels."""
    found = []
    for index in np.flatnonzero((changes[:, 0] > JUMP) & (changes[:, 1] > CHANGE)):
        around = np.delete(changes[max(0, index - 6) : index + 7, 1], min(6, index))
        if changes[index, 1] > UNUSUAL * max(1.0, float(np.median(around))):
            found.append(int(index))
    return found


_cascades: list[Any] = []


def face_in(frame: Pixels) -> Box | None:
    """The largest face that OpenCV's cascade finds, or None."""
    import cv2

    if not _cascades:
        _cascades.append(cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml"))
    height, width = frame.shape[:2]
    scale = min(1.0, 320 / max(height, width))
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    least = max(22, round(0.12 * min(grey.shape)))
    found = _cascades[0].detectMultiScale(grey, 1.15, 5, minSize=(least, least))
    if not len(found):
        return None
    x, y, w, h = (float(v) / scale for v in max(found, key=lambda b: b[2] * b[3]))
    return (x, y, x + w, y + h)


def face_track(frames: list[Pixels], every: int = 5) -> Floats | None:
    """(n, 4) where the face is in every frame, smooth; None where the cascade does not find it often enough."""
    from scipy.ndimage import gaussian_filter1d

    at = np.unique([*range(0, len(frames), every), len(frames) - 1])
    boxes = [face_in(frames[int(i)]) for i in at]
    there = np.array([box is not None for box in boxes])
    if there.mean() < LEAST_FACES:
        return None
    seen = np.array([box for box in boxes if box is not None], np.float64)
    centres, sides = (seen[:, :2] + seen[:, 2:]) / 2, seen[:, 2] - seen[:, 0]
    side = float(np.median(sides))
    near = (np.abs(np.log(sides / side)) < 0.4) & (np.abs(centres - np.median(centres, 0)).max(1) < 1.2 * side)
    if near.mean() < 0.8:
        return None
    columns = [np.interp(np.arange(len(frames)), at[there][near], seen[near][:, c]) for c in range(4)]
    smooth: Floats = gaussian_filter1d(np.stack(columns, -1), 6, axis=0, mode="nearest").astype(np.float32)
    return smooth


def people(faces: Floats, size: tuple[int, int]) -> Mask:
    """(H, W) bool: generously, head and body below each place of the face."""
    width, height = size
    region = np.zeros((height, width), bool)
    for x0, y0, x1, y1 in faces[:: max(1, len(faces) // 20)]:
        side, middle = x1 - x0, (x0 + x1) / 2
        top = max(0, int(y0 - 0.7 * side))
        region[top : max(0, int(y1 + 0.2 * side)), max(0, int(x0 - 0.6 * side)) : max(0, int(x1 + 0.6 * side))] = True
        below = max(0, int(y1 - 0.1 * side))
        region[below:, max(0, int(middle - 1.9 * side)) : max(0, int(middle + 1.9 * side))] = True
    return region


def _loaded(path: Path, first: int, last: int, name: str, kind: str, fps: Fraction, cache: Path) -> Take:
    from stillwake.media import read_frames, sound_from_samples

    rate = _usual(fps)
    stamp = [VERSION, path.name, path.stat().st_size, first, last]
    folder = cache / "pieces" / f"{name.replace(' ', '-')}-{hashlib.sha1(repr(stamp).encode()).hexdigest()[:8]}"
    heard, film = folder / "sound.npz", folder / "frames.mp4"
    if not heard.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _keep(path, first, last, fps, film, heard)
    frames = list(read_frames(film))
    sound = None
    with np.load(heard) as kept:
        if "samples" in kept:
            sound = sound_from_samples(kept["samples"], int(kept["rate"]), path.name)
    faces = face_track(frames)
    number = int(hashlib.sha1(name.encode()).hexdigest(), 16)
    return Take(
        name=name, source=path.stem, kind=kind, frames=frames, fps=rate, sound=sound, faces=faces,
        subject=None if faces is None else people(faces, (frames[0].shape[1], frames[0].shape[0])),
        crf=23 if number % 4 == 0 else 18,
    )  # fmt: skip


def _keep(path: Path, first: int, last: int, fps: Fraction, film: Path, heard: Path) -> None:
    """Write the piece's frames, and its sound last: to come to a place, a film is decoded from its beginning."""
    import cv2

    from stillwake.media import clip_sound, read_frames, write_clip

    frames = []
    for frame in islice(read_frames(path), first, last):
        scale = min(1.0, LARGEST / max(frame.shape[:2]))
        width, height = (int(side * scale) // 2 * 2 for side in (frame.shape[1], frame.shape[0]))
        if scale < 1:
            frames.append(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA))
        else:
            frames.append(np.ascontiguousarray(frame[:height, :width]))
    size = (frames[0].shape[1], frames[0].shape[0])
    write_clip(
        film, iter(frames), fps=_usual(fps), frame_count=len(frames), size=size, overwrite=True, preset="veryfast",
        crf=CRF,
    )  # fmt: skip
    arrays: dict[str, Any] = {}
    sound = clip_sound(path)
    if sound is not None:
        samples = samples_of(sound)[slice(*(round(index / fps * sound.rate) for index in (first, last)))]
        wanted = round(len(frames) / _usual(fps) * sound.rate)
        samples = np.pad(samples, ((0, max(0, wanted - len(samples))), (0, 0)))[:wanted]
        arrays = {"samples": samples, "rate": sound.rate}
    part = heard.with_name("part.npz")
    np.savez_compressed(part, **arrays)
    part.replace(heard)
