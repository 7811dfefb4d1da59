"""What moves when: talk, blink, breathe, sway and small head motion, one row of coefficients a frame."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from stillwake.engines.animator.anatomy import Anatomy, Array, smoothstep
from stillwake.engines.animator.fields import COEFFICIENTS, INDEX, JAW_DROP, LIMITS, LOWER_DROP, UPPER_RAISE
from stillwake.types import VISEMES, Floats, Motion, Speech

POSES: dict[str, dict[str, float]] = {
    "rest": {},
    "MBP": {"press": 1.0, "close": 1.0, "jaw": -0.02},
    "FV": {"jaw": 0.08, "tuck": 0.90, "upper": 0.42},
    "TH": {"jaw": 0.18, "lower": 0.50, "upper": 0.25, "tongue": 0.9},
    "TDN": {"jaw": 0.16, "lower": 0.45, "upper": 0.25, "tongue": 0.6},
    "L": {"jaw": 0.32, "lower": 0.35, "upper": 0.20, "wide": 0.15, "tongue": 0.9},
    "S": {"jaw": 0.10, "lower": 0.60, "upper": 0.30, "wide": 0.5},
    "CH": {"jaw": 0.14, "pucker": 0.6, "lower": 0.75, "upper": 0.45},
    "K": {"jaw": 0.28, "lower": 0.30, "upper": 0.15},
    "R": {"jaw": 0.22, "pucker": 0.5, "lower": 0.45, "upper": 0.20},
    "W": {"jaw": 0.12, "pucker": 1.1, "lower": 0.10},
    "AA": {"jaw": 0.80, "lower": 0.35, "upper": 0.25},
    "AE": {"jaw": 0.62, "lower": 0.45, "upper": 0.35, "wide": 0.45},
    "AH": {"jaw": 0.50, "lower": 0.40, "upper": 0.25, "wide": 0.1},
    "EH": {"jaw": 0.42, "lower": 0.45, "upper": 0.30, "wide": 0.55},
    "IY": {"jaw": 0.20, "lower": 0.50, "upper": 0.35, "wide": 0.9},
    "OW": {"jaw": 0.58, "pucker": 0.75, "lower": 0.20, "upper": 0.15},
    "UW": {"jaw": 0.26, "pucker": 1.05, "lower": 0.25, "upper": 0.15},
}
"""The face of each viseme at full strength, set by eye on contact sheets."""

GAIN = 0.80
"""Running speech undershoots its targets; closures do not."""
RELAX = 0.6
"""A broad smile gives way by this much while words are formed; no lip rounds an o between stretched corners."""
CLOSURES = ("press", "close", "tuck")
LEVEL = 0.17
"""Step between the opennesses of a held shape: soft, plain and loud."""
HALF_LIDS = 3
"""Drawings from an open eye to a closed one."""
BLINK_SECONDS = 0.30
BLINK_EVERY = (2.2, 5.2)
"""Seconds between blinks, drawn evenly; people in conversation blink 10 to 25 times a minute."""
SACCADE_SECONDS = 0.08
"""How long eyes take for a small jump; people take 20 to 80 ms."""
GAZE_EVERY, GAZE_RESTS, GAZE_REACH = (0.9, 2.2), (0.5, 1.1), (0.10, 0.20)
"""Seconds for which the eyes look ahead, and aside; how far aside, in iris radii. Set by eye."""
SETTLE = 0.6
"""Seconds in which head and chest leave the still at the start and return to it at the end."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """``poses`` (N, K) float32 coefficients, ``blink`` (N,) 0..1 closed, ``tongue`` (N,) 0..1 raised.

    ``gaze`` (N, 2) float32 how far the irises have moved, in their radii, or None.
    """

    poses: Floats
    blink: Floats
    tongue: Floats
    gaze: Floats | None = None

    def looks(self, index: int) -> Floats:
        """Where the eyes look in a frame, (2,)."""
        return np.zeros(2, np.float32) if self.gaze is None else self.gaze[index]


def pose_table(face: Anatomy) -> tuple[Floats, Floats]:
    """Coefficients (V, K) and tongue (V,) of every viseme on this face.

    A mouth that is open in the still starts from there: a viseme that opens further takes only the rest, one that
    opens less closes it by as much. So M, B and P close from a grin, and a rest stays the still's own expression.
    """
    table = np.zeros((len(VISEMES), len(COEFFICIENTS)), np.float32)
    tongue = np.zeros(len(VISEMES), np.float32)
    gap = face.gap / face.opening_unit if face.opened else 0.0
    relaxed = -RELAX * face.smile
    for row, viseme in enumerate(VISEMES):
        for name, value in POSES[viseme].items():
            if name == "tongue":
                tongue[row] = value
            else:
                table[row, INDEX[name]] = value * (1.0 if name in CLOSURES else GAIN)
        if viseme != "rest":
            table[row, INDEX["smile"]] += relaxed
        if not face.opened:
            table[row, INDEX["close"]] = 0.0
        elif viseme not in ("rest", "MBP"):
            jaw, lower, upper = (table[row, INDEX[name]] for name in ("jaw", "lower", "upper"))
            wanted = JAW_DROP * 1.02 * jaw + LOWER_DROP * lower + UPPER_RAISE * upper
            share = np.clip((wanted - gap) / max(wanted, 1e-6), 0.0, 1.0)
            for name in ("jaw", "lower", "upper"):
                table[row, INDEX[name]] *= share
            table[row, INDEX["close"]] = np.clip(1 - wanted / gap, 0.0, 1.0)
    return table, tongue


def talk_track(
    face: Anatomy,
    speech: Speech,
    fps: Fraction,
    frame_count: int,
    seed: int,
    blinks: bool,
    held: bool = False,
) -> Track:
    """The motion of somebody who says ``speech``.

    With ``blinks`` False the eyes stay as they are; with ``held`` mouth and lids take one shape at a time and hold it
    for two frames of film, as drawn ones do, while the head moves on every frame.
    """
    from stillwake.speech import raster

    table, tongue_table = pose_table(face)
    weights = raster(speech, fps, frame_count)
    twos = hold_frames(fps) if held else 1
    if held:
        weights = held_weights(weights, twos)
    poses = (weights @ table).astype(np.float32)
    tongue = (weights @ tongue_table).astype(np.float32)
    loudness = _loudness(speech, fps, frame_count)
    openness = 0.78 + 0.34 * loudness
    if held:
        openness = np.round(_hold(openness, twos) / LEVEL) * LEVEL
    for name in ("jaw", "lower", "upper"):
        poses[:, INDEX[name]] *= openness
    rng = np.random.default_rng(seed)
    times = np.arange(frame_count) / float(fps)
    _add_head(poses, times, loudness, rng)
    np.clip(poses, -LIMITS, LIMITS, out=poses)
    blink = _blink_curve(times, rng) if blinks else np.zeros(frame_count, np.float32)
    if held:
        blink = np.round(_hold(blink, twos) * HALF_LIDS) / np.float32(HALF_LIDS)
    return Track(poses, blink, tongue)


def live_track(fps: Fraction, frame_count: int, seed: int, blinks: bool, held: bool = False) -> Track:
    """The motion of somebody who only lives: breath, a little of the head, hair, blinks; a loop.

    Every motion has whole periods in the loop and is at rest in its first frame, so the frame after the last one is
    the first one, in position and in speed, and that is the still.
    """
    rng = np.random.default_rng(seed)
    seconds = frame_count / float(fps)
    turn = 2 * np.pi * np.arange(frame_count) / frame_count

    def wave(period: float) -> Array:
        swing: Array = np.sin(turn * max(1, round(seconds / period)))
        return swing

    poses: Array = np.zeros((frame_count, len(COEFFICIENTS)))
    side = rng.choice([-1.0, 1.0])
    poses[:, INDEX["yaw"]] = side * 0.045 * wave(5.7)
    poses[:, INDEX["pitch"]] = 0.022 * wave(4.3)
    poses[:, INDEX["roll"]] = side * 0.006 * wave(6.1)
    poses[:, INDEX["shift_x"]] = side * 0.004 * wave(5.7)
    poses[:, INDEX["breath"]] = 0.5 - 0.5 * np.cos(turn * max(1, round(seconds / 3.8)))
    poses[:, INDEX["sway_cos"]] = 0.3 * wave(2.9)
    poses[:, INDEX["sway_sin"]] = 0.3 * (1 - np.cos(turn * max(1, round(seconds / 2.9)))) / 2
    blink: Floats = np.zeros(frame_count, np.float32)
    if blinks:
        blink = _blink_curve(np.arange(frame_count) / float(fps), rng)
    if held:
        twos = hold_frames(fps)
        blink = (np.round(_hold(blink, twos) * HALF_LIDS) / HALF_LIDS).astype(np.float32)
    gaze = _gaze_curve(fps, frame_count, rng)
    if held:
        gaze = gaze[np.arange(frame_count) // hold_frames(fps) * hold_frames(fps)]
    return Track(np.clip(poses, -LIMITS, LIMITS).astype(np.float32), blink, np.zeros(frame_count, np.float32), gaze)


_OF_MOTION: dict[Motion, tuple[str, ...]] = {
    "breathe": ("breath",),
    "sway": ("yaw", "pitch", "roll", "shift_x", "shift_y"),
    "hair": ("sway_cos", "sway_sin"),
}


def chosen(track: Track, motions: tuple[Motion, ...], strength: float, *, hair: bool) -> Track:
    """The track with only those motions of the body, ``strength`` 0..1 far; lips and brows stay as they are.

    A blink shuts the eyes however small the strength is, but for none at all. ``hair`` says that hair is moved by
    itself, and not along with the head.
    """
    poses = track.poses.copy()
    for motion, names in _OF_MOTION.items():
        share = strength if motion in motions and not (hair and motion == "hair") else 0.0
        for name in names:
            poses[:, INDEX[name]] *= np.float32(share)
    blinks = "blink" in motions and strength > 0
    gaze = track.gaze * np.float32(strength) if track.gaze is not None and "gaze" in motions else None
    return Track(poses, track.blink if blinks else np.zeros_like(track.blink), track.tongue, gaze)


def hold_frames(fps: Fraction) -> int:
    """For how many frames a drawing stands: two of film's 24 a second."""
    return max(1, round(fps / 12))


def held_weights(weights: Floats, twos: int) -> Floats:
    """One viseme for each ``twos`` frames, (N, V) one-hot: what is there most; closures on their own frames alone."""
    held = np.zeros_like(weights)
    names = [VISEMES.index(name) for name in ("MBP", "FV")]
    for start in range(0, len(weights), twos):
        block = weights[start : start + twos]
        shut = block[:, names] > 0.99
        free = ~shut.any(1)
        shape = int(block[free].sum(0).argmax()) if free.any() else 0
        for at in range(len(block)):
            held[start + at, shape if free[at] else names[int(shut[at].argmax())]] = 1.0
    return held


def _hold(values: Array, twos: int) -> Array:
    """The largest value of each ``twos`` frames, for all of them; (N,)."""
    held: Array = np.maximum.reduceat(values, np.arange(0, len(values), twos)).repeat(twos)[: len(values)]
    return held


def _loudness(speech: Speech, fps: Fraction, frame_count: int) -> Array:
    """How loud the voice is around each frame, 0..1 of its own loud passages."""
    from scipy.ndimage import gaussian_filter1d

    samples = speech.sound.mono
    hop = 160  # 10 ms at 16 kHz
    whole = len(samples) // hop * hop
    if whole == 0:
        return np.zeros(frame_count)
    energy = np.sqrt((samples[:whole].reshape(-1, hop).astype(np.float32) ** 2).mean(1))
    energy = gaussian_filter1d(energy, 6.0)
    loud = max(1.0, float(np.percentile(energy, 90)))
    at = (np.arange(frame_count) + 0.5) / float(fps) * 100 - 0.5
    level: Array = np.clip(np.interp(at, np.arange(len(energy)), energy) / loud, 0, 1)
    return level


def _emphasis(loudness: Array, times: Array) -> list[float]:
    """The times of stressed words: peaks of the loudness, at least .8 s apart, strongest first."""
    middle = loudness[1:-1]
    peaks = np.flatnonzero((middle >= loudness[:-2]) & (middle > loudness[2:]) & (middle > 0.75)) + 1
    chosen: list[float] = []
    for peak in sorted(peaks, key=lambda p: -loudness[p]):
        if all(abs(times[peak] - other) > 0.8 for other in chosen):
            chosen.append(float(times[peak]))
    return sorted(chosen)


def _add_head(poses: Array, times: Array, loudness: Array, rng: np.random.Generator) -> None:
    """Slow wander, nods and brows at emphasis, breath and sway; all zero in the first and the last frame."""
    from scipy.ndimage import gaussian_filter1d

    end = times[-1] if len(times) > 1 else 1.0
    settle = min(SETTLE, end / 3) or 1.0
    ease = smoothstep(times, 0, settle) * (1 - smoothstep(times, end - settle, end))
    rate = len(times) / max(end, 1e-6)
    lively = ease * (0.45 + 0.55 * np.clip(gaussian_filter1d(loudness, 0.5 * rate), 0, 1))

    def wander(*periods: float) -> Array:
        waves = [np.sin(2 * np.pi * times / period + rng.uniform(0, 2 * np.pi)) for period in periods]
        mixed: Array = np.sum(waves, 0) / len(periods)
        return mixed

    nod = np.zeros_like(times)
    for peak in _emphasis(loudness, times):
        strength = rng.uniform(0.6, 1.0)
        nod += strength * np.exp(-(((times - peak) / 0.18) ** 2))
    nod = np.clip(nod, 0, 1) * ease
    poses[:, INDEX["yaw"]] += 0.070 * wander(3.1, 5.3, 1.9) * lively
    poses[:, INDEX["pitch"]] += 0.040 * wander(2.3, 4.1) * lively + 0.040 * nod
    poses[:, INDEX["roll"]] += 0.009 * wander(3.7, 6.1) * lively
    poses[:, INDEX["shift_x"]] += 0.005 * wander(4.1, 7.3) * lively
    poses[:, INDEX["shift_y"]] += 0.003 * wander(1.9, 3.3) * lively + 0.005 * nod
    poses[:, INDEX["brow"]] += 0.7 * nod
    poses[:, INDEX["breath"]] += (0.5 - 0.5 * np.cos(2 * np.pi * times / 3.8)) * ease
    poses[:, INDEX["sway_cos"]] += 0.35 * wander(2.4) * ease
    poses[:, INDEX["sway_sin"]] += 0.35 * wander(2.4) * ease


def _blink_curve(times: Array, rng: np.random.Generator) -> Floats:
    """0 open to 1 closed: shut within 90 ms, held a moment, opened more slowly."""
    blink = np.zeros(len(times), np.float32)
    end = times[-1] if len(times) else 0.0
    start = rng.uniform(0.6, 1.6)
    while start + BLINK_SECONDS < end:
        x = (times - start) / BLINK_SECONDS
        curve = smoothstep(x, 0, 0.30) * (1 - smoothstep(x, 0.45, 1.0)) * ((x > 0) & (x < 1))
        blink = np.maximum(blink, curve.astype(np.float32))
        start += rng.uniform(*BLINK_EVERY)
    return blink


def _gaze_curve(fps: Fraction, frame_count: int, rng: np.random.Generator) -> Floats:
    """Where the eyes look, (N, 2) iris radii: they rest, jump a little aside and come back, as they do in thought.

    They look straight ahead in the first frame and the last.
    """
    gaze = np.zeros((frame_count, 2))
    times = np.arange(frame_count) / float(fps)
    end = times[-1] if len(times) else 0.0
    start = rng.uniform(*GAZE_EVERY)
    while start + 2 * SACCADE_SECONDS + GAZE_RESTS[0] < end:
        stays = min(rng.uniform(*GAZE_RESTS), end - start - 2 * SACCADE_SECONDS)
        aside = rng.choice([-1.0, 1.0]) * rng.uniform(*GAZE_REACH), rng.uniform(-0.06, 0.06)
        back = start + SACCADE_SECONDS + stays
        away = smoothstep(times, start, start + SACCADE_SECONDS) - smoothstep(times, back, back + SACCADE_SECONDS)
        gaze += away[:, None] * aside
        start = back + SACCADE_SECONDS + rng.uniform(*GAZE_EVERY)
    return gaze.astype(np.float32)
