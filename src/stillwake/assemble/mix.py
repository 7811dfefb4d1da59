"""All sounds of a film -> one, as loud as platforms play it, streamed: its length costs no memory.

Every recording is resampled once from its beginning and laid to the sample, so that one which is cut into pieces
goes on across the cuts as if it were whole. Loudness and true peak are those of the sound as it will be delivered:
after AAC, which takes a little away from the highest notes and adds a little to the peaks.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from stillwake.assemble.edit import Edit, Track
from stillwake.errors import SoundError
from stillwake.media import write_clip
from stillwake.media.loudness import OVERSAMPLED, REACH, Loudness, Meter, between_taps
from stillwake.media.loudness import loudness as measured_loudness
from stillwake.media.sound import ANALYSIS_RATE, BLOCK, RESAMPLER, as_frame
from stillwake.types import Floats, Pixels, Progress, Samples, Sound, no_progress

Array = npt.NDArray[np.float64]

RATE = 48_000
"""Hz, the rate of film."""

ATTACK, RELEASE = Fraction(1, 4), Fraction(1, 2)
"""Seconds in which a bed goes down before somebody speaks, and comes up again after."""
BREATH = 1.0
"""Seconds between words that a bed stays down: it would pump if it came up for each breath."""
LOOPED = Fraction(1, 2)
"""Seconds in which the end of a looping bed crosses into its beginning, or a quarter of it if that is less."""

MOST_GAIN = 20.0
"""dB by which a quiet mix is raised at most: beyond, what comes up is the noise of the room. A judgement."""
MOST_LIMITED = 12.0
"""dB by which the highest peak may be pressed down: more would be heard as pumping. A judgement."""
MARGIN = 0.3
"""dB under the peak's limit that is aimed at first; AAC's own overshoot is measured and added."""
NEAR = 0.1
"""LU within which the loudness counts as met."""
TRIES = 5
"""Encodings of the sound alone, at most, on the way there."""

LOOK_AHEAD = 240
"""Samples, 5 ms, in which the limiter goes down before a peak."""
RECOVERY = 0.1
"""Seconds in which it comes up again to a third (1/e) of the dB it had gone down."""
HALF = REACH
"""The limiter looks between samples as `media.loudness.Meter` does, with a filter of so many to either side."""

STAYS = "it plays at"
"""How the note begins that says why a mix is not as loud as it should be."""


def mixed(
    edit: Edit, *, loudness: float = -14.0, peak: float = -1.0, on_progress: Progress = no_progress
) -> Sound | None:
    """The film's sound, 48 kHz in stereo, exactly as long as the film; None where the edit has no track.

    Parameters
    ----------
    edit
        What lies where.
    loudness
        LUFS of the delivered film. A mix so quiet that this would only raise its noise, or with peaks so high that
        this would crush them, stays below, and `Sound.notes` says so.
    peak
        dB of full scale that the true peak of the delivered film stays under.
    on_progress
        Called as ``("mix", done, total)``; the sound is gone through several times, each time from 1 on.

    Raises
    ------
    stillwake.errors.SoundError
        A recording has changed, or cannot be read.
    """
    if not edit.tracks:
        return None
    mix = _Mix(edit)
    raw = mix.measure(on_progress)
    if raw.silent:
        return _Take(mix, _Level(0.0, None)).sound(("it is silent throughout",))
    ceiling = peak - MARGIN
    by_noise, by_peaks = MOST_GAIN, ceiling - raw.true_peak + MOST_LIMITED
    most = min(by_noise, by_peaks)
    wanted = loudness - raw.integrated
    tries: list[tuple[tuple[float, float], _Take, Loudness]] = []
    gain, before = min(wanted, most), None
    while True:
        take = _Take(mix, _Level(gain, ceiling if raw.true_peak + gain > ceiling else None))
        heard = take.delivered(on_progress)
        over, off = heard.true_peak - peak, loudness - heard.integrated
        # Where peaks are held down, a dB more makes it less than 1 LU louder: how much less, the last try has shown.
        yields = 1.0 if before is None else min(1.0, max(0.25, (heard.integrated - before[1]) / (gain - before[0])))
        step = min(off / yields, most - gain)
        tries.append(((max(0.0, over), min(abs(off), abs(step))), take, heard))
        if (over <= 0 and min(abs(off), abs(step)) <= NEAR) or len(tries) == TRIES:
            break
        before = (gain, heard.integrated) if abs(step) > NEAR else None
        gain += step
        if over > 0:
            ceiling -= over + 0.05
            most = min(by_noise, ceiling - raw.true_peak + MOST_LIMITED)
    _, take, heard = min(tries, key=lambda one: one[0])
    off = loudness - heard.integrated
    notes: tuple[str, ...] = ()
    if off > 0.5:
        why = (
            "raised further, its noise would come up" if by_noise <= by_peaks else "louder, its peaks would be crushed"
        )
        notes = (f"{STAYS} {heard.integrated:.1f} LUFS, not at {loudness:g}: {why}",)
    return take.sound(notes)


@dataclass(frozen=True, slots=True)
class _Level:
    """By how many dB a mix is raised, and the dB of full scale it is then held under, None where it stays there."""

    gain: float
    ceiling: float | None


# ------------------------------------------------------------------------------------------------------- the mix


class _Mix:
    """The sum of all tracks, before it is levelled."""

    def __init__(self, edit: Edit) -> None:
        self.samples = round(edit.seconds * RATE)
        self._plans = [plan for track in edit.tracks if (plan := _plan(edit, track, self.samples)) is not None]
        self._plans.sort(key=lambda plan: plan.first)

    def blocks(self) -> Iterator[Floats]:
        """All of it, (n, 2) float32, full scale at 1."""
        shelf: dict[tuple[object, ...], list[_Reader]] = {}
        waiting = list(reversed(self._plans))
        active: list[tuple[_Plan, _Source]] = []
        for at in range(0, self.samples, BLOCK):
            block = np.zeros((min(BLOCK, self.samples - at), 2), np.float32)
            kept: list[tuple[_Plan, _Source]] = []
            # In the order they begin: one that ends here lays its recording aside before the next goes on with it.
            while active or (waiting and waiting[-1].first < at + len(block)):
                plan, source = active.pop(0) if active else _opened(waiting.pop(), shelf)
                _add(block, at, plan, source)
                if plan.last > at + len(block):
                    kept.append((plan, source))
                elif isinstance(source, _Reader):
                    shelf.setdefault(source.key, []).append(source)
            active = kept
            yield block

    def measure(self, on_progress: Progress) -> Loudness:
        """How loud it is."""
        meter, total = Meter(RATE, (1.0, 1.0)), -(-self.samples // BLOCK)
        for number, block in enumerate(self.blocks(), 1):
            meter.add(block)
            on_progress("mix", number, total)
        return meter.finish()


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """A track in samples of the film: heard from ``first`` to ``last``; film sample i is its own sample i - ``shift``.

    ``gain`` times; fades in samples; ``ducked`` (N, 2) film sample and 0..1 how far it is down, or None.
    """

    track: Track
    first: int
    last: int
    shift: int
    gain: float
    fade_in: int
    fade_out: int
    ducked: Array | None


def _plan(edit: Edit, track: Track, samples: int) -> _Plan | None:
    """Where a track lies, or None where nothing of it is heard."""
    # One rounding for all pieces of a recording that goes on: then they are continuous whatever their cuts.
    shift = round((track.start - track.begin) * RATE)
    first = max(0, round(track.start * RATE))
    last = samples if track.loops else min(samples, round((track.start + track.end - track.begin) * RATE))
    if last <= first:
        return None
    ducked = _ducked(edit, track) if track.duck > 0 else None
    return _Plan(
        track, first, last, shift, 10 ** (track.gain / 20), round(track.fade_in * RATE), round(track.fade_out * RATE),
        ducked,
    )  # fmt: skip


def spoken(track: Track) -> list[tuple[float, float]]:
    """From when to when somebody speaks in a track, in seconds of the film."""
    if track.speech is None:
        return []
    told = track.speech.words or tuple(one for one in track.speech.visemes if one.label != "rest")
    begin, end, start = float(track.begin), float(track.end), float(track.start)
    return [
        (start + max(one.start, begin) - begin, start + min(one.end, end) - begin)
        for one in told
        if one.end > begin and one.start < end
    ]


def _ducked(edit: Edit, track: Track) -> Array | None:
    """The corners of the course of a bed under all speech but its own: (N, 2) film sample, 0 up to 1 down."""
    spans = sorted(span for other in edit.tracks if other is not track for span in spoken(other))
    joined: list[list[float]] = []
    for start, end in spans:
        if joined and start - joined[-1][1] < BREATH:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    corners: list[tuple[float, float]] = []
    for start, end in joined:
        corners += [(start - float(ATTACK), 0), (start, 1), (end, 1), (end + float(RELEASE), 0)]
    return np.array(corners, np.float64) * np.array([RATE, 1.0]) if corners else None


def _add(block: Floats, at: int, plan: _Plan, source: _Source) -> None:
    """Add what is heard of a track in a block that begins at film sample ``at``."""
    first, last = max(plan.first, at), min(plan.last, at + len(block))
    samples = source.read(last - first)
    place = np.arange(first, last)
    gain = np.full(len(place), plan.gain)
    if first < plan.first + plan.fade_in:
        gain *= np.sin(np.pi / 2 * np.clip((place - plan.first + 0.5) / plan.fade_in, 0, 1))
    if last > plan.last - plan.fade_out:
        gain *= np.sin(np.pi / 2 * np.clip((plan.last - place - 0.5) / max(1, plan.fade_out), 0, 1))
    if plan.ducked is not None:
        down = np.interp(place, plan.ducked[:, 0], plan.ducked[:, 1])
        gain *= 10 ** (-plan.track.duck / 20 * down**2 * (3 - 2 * down))
    block[first - at : last - at] += samples * gain[:, None].astype(np.float32)


# --------------------------------------------------------------------------------------------------- recordings


class _Source(Protocol):
    """Something that is read forward."""

    def read(self, count: int) -> Floats:
        """The next samples, (count, 2) float32; silence after its end."""


def _opened(plan: _Plan, shelf: dict[tuple[object, ...], list[_Reader]]) -> tuple[_Plan, _Source]:
    """The plan with its recording at its first sample; one laid aside goes on where it can."""
    track = plan.track
    if track.loops:
        return plan, _Looped(track)
    place, laid = plan.first - plan.shift, shelf.get(_key(track.sound), [])
    before = [reader for reader in laid if reader.place <= place]
    if before:
        reader = max(before, key=lambda one: one.place)
        laid.remove(reader)
    else:
        reader = _Reader(track.sound)
    reader.skip(place)
    return plan, reader


def _key(sound: Sound) -> tuple[object, ...]:
    return sound.sha256, sound.rate, sound.channels, sound.seconds


class _Reader:
    """A recording at 48 kHz in stereo; ``place`` is the sample it comes to next."""

    def __init__(self, sound: Sound) -> None:
        self.key, self.place = _key(sound), 0
        self._blocks = _at_film_rate(sound)
        self._rest: Floats = np.zeros((0, 2), np.float32)

    def read(self, count: int) -> Floats:
        """The next samples, (count, 2) float32; silence after its end."""
        parts, have = [self._rest], len(self._rest)
        while have < count:
            block = next(self._blocks, None)
            if block is None:
                block = np.zeros((count - have, 2), np.float32)
            parts.append(block)
            have += len(block)
        joined = np.concatenate(parts) if len(parts) > 1 else parts[0]
        self._rest = joined[count:]
        self.place += count
        return joined[:count]

    def skip(self, place: int) -> None:
        """Go on to that sample."""
        while self.place < place:
            self.read(min(BLOCK, place - self.place))


class _Looped:
    """A recording from its ``begin`` to its ``end`` again and again, its end crossing into its beginning."""

    def __init__(self, track: Track) -> None:
        begin, end = round(track.begin * RATE), round(track.end * RATE)
        cross = min(round(LOOPED * RATE), (end - begin) // 4)
        turn = np.sin(np.pi / 2 * (np.arange(cross) + 0.5) / max(1, cross)).astype(np.float32)[:, None]
        self._parts = self._round(track.sound, begin, end, cross, turn)
        self._rest: Floats = np.zeros((0, 2), np.float32)

    def _round(self, sound: Sound, begin: int, end: int, cross: int, turn: Floats) -> Iterator[Floats]:
        tail: Floats | None = None
        while True:
            reader = _Reader(sound)
            reader.skip(begin)
            head = reader.read(cross)
            yield head if tail is None else head * turn + tail * turn[::-1]
            left = end - begin - 2 * cross
            while left > 0:
                yield reader.read(min(BLOCK, left))
                left -= BLOCK
            tail = reader.read(cross)

    def read(self, count: int) -> Floats:
        """The next samples, (count, 2) float32."""
        parts, have = [self._rest], len(self._rest)
        while have < count:
            parts.append(next(self._parts))
            have += len(parts[-1])
        joined = np.concatenate(parts)
        self._rest = joined[count:]
        return joined[:count]


def _at_film_rate(sound: Sound) -> Iterator[Floats]:
    """A recording's samples, (n, 2) float32 at 48 kHz, in one course from its beginning."""
    import av

    if sound.rate == RATE:
        for block in sound.blocks():
            yield _stereo(block.astype(np.float32) / 32768)
        return
    layout = "mono" if sound.channels == 1 else "stereo"
    resampler = av.AudioResampler(format="flt", layout=layout, rate=RATE, options=RESAMPLER)

    def frames() -> Iterator[av.AudioFrame | None]:
        for block in sound.blocks():
            if len(block):
                yield as_frame(block, sound.rate)
        yield None

    for frame in frames():
        for part in resampler.resample(frame):
            yield _stereo(np.asarray(part.to_ndarray(), np.float32).reshape(-1, sound.channels))


def _stereo(samples: Floats) -> Floats:
    return np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples


# ---------------------------------------------------------------------------------------------------------- level


class _Take:
    """A mix at a level, as 16 bits; once gone through, its digest and its track for analysis are known."""

    def __init__(self, mix: _Mix, level: _Level) -> None:
        self.mix, self.level = mix, level
        self._digest, self._mono = "", np.zeros(0, np.int16)

    def blocks(self) -> Iterator[Samples]:
        """(n, 2) int16."""
        gain = np.float32(10 ** (self.level.gain / 20))
        raised = (block * gain for block in self.mix.blocks())
        held = raised if self.level.ceiling is None else limited(raised, self.level.ceiling)
        for block in held:
            yield np.clip(np.rint(block * 32768), -32768, 32767).astype(np.int16)

    def _watched(self) -> Iterator[Samples]:
        import av

        digest, analysed = hashlib.sha256(), bytearray()
        resampler = av.AudioResampler(format="s16", layout="mono", rate=ANALYSIS_RATE, options=RESAMPLER)
        for block in self.blocks():
            digest.update(block.tobytes())
            for part in resampler.resample(as_frame(block, RATE)):
                analysed += part.to_ndarray().tobytes()
            yield block
        for part in resampler.resample(None):
            analysed += part.to_ndarray().tobytes()
        self._digest, self._mono = digest.hexdigest(), np.frombuffer(bytes(analysed), np.int16)

    def delivered(self, on_progress: Progress) -> Loudness:
        """How loud it is once it has been through AAC."""
        what = "Cannot mix the sound"
        seconds = -(-self.mix.samples // RATE)

        def tell(stage: str, done: int, total: int) -> None:
            on_progress("mix", done, total)

        black: Pixels = np.zeros((16, 16, 3), np.uint8)
        with tempfile.TemporaryDirectory(prefix="stillwake-") as folder:
            path = Path(folder) / "sound.mp4"
            frames = (black for _ in range(seconds))
            write_clip(
                path, frames, fps=Fraction(1), frame_count=seconds, size=(16, 16),
                sound=self._as_sound(self._watched), on_progress=tell,
            )  # fmt: skip
            heard = measured_loudness(path, what, SoundError)
        if heard is None:
            raise SoundError(what, "what was mixed does not read back", "check the disk")
        return heard

    def sound(self, notes: tuple[str, ...]) -> Sound:
        """The finished sound."""
        if not self._digest:
            for _ in self._watched():
                pass
        return replace(self._as_sound(self.blocks), sha256=self._digest, mono=self._mono, notes=notes)

    def _as_sound(self, blocks: Callable[[], Iterator[Samples]]) -> Sound:
        return Sound(
            name="mix", sha256="", rate=RATE, channels=2, seconds=Fraction(self.mix.samples, RATE),
            mono=np.zeros(0, np.int16), blocks=blocks,
        )  # fmt: skip


def limited(blocks: Iterator[Floats], ceiling: float) -> Iterator[Floats]:
    """The same samples with their true peak held under ``ceiling`` dB of full scale; nothing is delayed.

    Where a peak would pass it, the level goes down beforehand within `LOOK_AHEAD` and comes up again slowly; both
    channels alike, so that nobody moves to the side.
    """
    limiter = _Limiter(ceiling)
    for block in blocks:
        yield limiter.take(block)
    yield limiter.take(np.zeros((0, 2), np.float32), last=True)


@dataclass(slots=True)
class _Limiter:
    """Takes blocks and gives back what is decided of them.

    ``_held`` the samples that are still needed, ``_down`` by how many dB each of them must be lower at least, as far
    as that is known; before the first of ``_given`` all have been given back.
    """

    ceiling: float
    _held: Floats = field(default_factory=lambda: np.zeros((LOOK_AHEAD + HALF, 2), np.float32))
    _down: Array = field(default_factory=lambda: np.zeros(LOOK_AHEAD + HALF))
    _given: int = LOOK_AHEAD + HALF

    def take(self, block: Floats, last: bool = False) -> Floats:
        """The samples that are decided now."""
        from scipy.ndimage import maximum_filter1d
        from scipy.signal.windows import hann

        self._held = np.concatenate([self._held, block])
        self._look(len(self._held) if last else len(self._held) - HALF)
        until = len(self._down) if last else len(self._down) - LOOK_AHEAD
        first = self._given
        if until <= first:
            return np.zeros((0, 2), np.float32)
        down = self._down[first - LOOK_AHEAD : until + LOOK_AHEAD]
        given = self._held[first:until]
        if down.any():
            down = np.concatenate([down, np.zeros(until - first + 2 * LOOK_AHEAD - len(down))])
            # At each sample the most of what is needed up to LOOK_AHEAD later, then the mean over as many before:
            # every value that is averaged knows of the peak, so the mean is no less than it needs.
            ahead = maximum_filter1d(down, LOOK_AHEAD + 1, origin=-(LOOK_AHEAD // 2), mode="constant")
            window = hann(LOOK_AHEAD + 3)[1:-1]
            smooth = np.convolve(ahead[: until - first + LOOK_AHEAD], window / window.sum(), "valid")
            given = (given * 10 ** (-smooth / 20)[:, None]).astype(np.float32)
        keep = until - LOOK_AHEAD - HALF
        self._held, self._down, self._given = self._held[keep:], self._down[keep:], until - keep
        return given

    def _look(self, until: int) -> None:
        """Learn by how much the samples up to ``until`` must go down."""
        known = len(self._down)
        if until <= known:
            return
        piece = self._held[known - HALF : until + HALF]
        piece = np.concatenate([piece, np.zeros((until - known + 2 * HALF - len(piece), 2), np.float32)])
        over = 20 * np.log10(np.maximum(_between(piece), 1e-9)) - self.ceiling
        # Exponential recovery: the most of all that was needed before, each decayed since. A running maximum of
        # logarithms does that without a loop.
        step = 1 / (RECOVERY * RATE)
        need = np.log(np.maximum(over, 1e-6)) + np.arange(len(over)) * step
        need[0] = max(need[0], math.log(max(self._down[-1], 1e-6)) - step)
        fallen = np.exp(np.maximum.accumulate(need) - np.arange(len(over)) * step)
        self._down = np.concatenate([self._down, np.where(fallen > 1e-3, fallen, 0.0)])


def _between(piece: Floats) -> Array:
    """The highest magnitude at and around each sample, in any channel, but for the ``HALF`` at either end."""
    from scipy.signal import upfirdn

    taps = between_taps(OVERSAMPLED)
    count = len(piece) - 2 * HALF
    own: Array = np.abs(piece[HALF : HALF + count]).max(axis=1).astype(np.float64)
    fine = np.abs(upfirdn(taps, piece.astype(np.float64), up=OVERSAMPLED, axis=0)).max(axis=1)
    # Sample k of the piece lies at OVERSAMPLED * (k + HALF) of what upfirdn gives.
    centre = OVERSAMPLED * 2 * HALF
    for step in range(1 - OVERSAMPLED, OVERSAMPLED):
        own = np.maximum(own, fine[centre + step :: OVERSAMPLED][:count])
    return own
