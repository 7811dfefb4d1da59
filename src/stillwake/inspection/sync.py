"""Are lips and sound together? The mouth found in the decoded frames against what is said at that moment.

The opening and the width that a phoneme asks for are correlated with what was measured, over shifts of a fraction of a
frame, and over slow drifts. Three witnesses: the timeline the clip was made from; a timeline recognised afresh from
the clip's own sound; and the sound itself against the recording it should be. A positive offset means that the
picture comes after the sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stillwake.types import ClipFinding, Samples, Timed, Timeline, Verdict

if TYPE_CHECKING:
    from stillwake.inspection.evidence import Evidence
    from stillwake.inspection.stream import Span

Array = npt.NDArray[np.float64]

OPENNESS = {
    "rest": 0.0,
    "MBP": 0.0,
    "FV": 0.08,
    "TH": 0.25,
    "TDN": 0.25,
    "L": 0.38,
    "S": 0.15,
    "CH": 0.22,
    "K": 0.35,
    "R": 0.28,
    "W": 0.14,
    "AA": 1.0,
    "AE": 0.9,
    "AH": 0.65,
    "EH": 0.65,
    "IY": 0.35,
    "OW": 0.55,
    "UW": 0.25,
}
"""How far each mouth shape parts the lips, 0..1: vowels by their height, consonants by the jaw their place asks for.

After the order of phonetics textbooks, not after any engine's poses: a scale of lip opening, on which only the order
and the zeros matter for a correlation.
"""

WIDENESS = {
    "rest": 0.0,
    "MBP": 0.0,
    "FV": 0.0,
    "TH": 0.1,
    "TDN": 0.2,
    "L": 0.2,
    "S": 0.3,
    "CH": -0.3,
    "K": 0.2,
    "R": -0.3,
    "W": -1.0,
    "AA": 0.1,
    "AE": 0.5,
    "AH": 0.1,
    "EH": 0.5,
    "IY": 0.8,
    "OW": -0.7,
    "UW": -1.0,
}
"""How each mouth shape spreads the lips, up to 1, or rounds them, down to -1; likewise."""
WIDTH = 0.3
"""Weight of the width's correlation beside the opening's. By itself it times one of four films wrongly; with it the
opening stands out more."""

GRID = 200
"""Points a second at which the expected opening is laid out."""
COARTICULATION = 0.035
"""Standard deviation in seconds by which neighbouring shapes flow into each other."""
REFINEMENTS = 6
"""Rounds in which the first guess is refined, each with half the step: the last step is .3 ms."""
TREND = 0.7
"""Seconds over which the mean is removed from both curves: how lively somebody speaks is no shape of the lips.
Three real speakers, 58 overlapping pieces of 4 to 10 s: the right offset stands out by .30 over its rivals, by .24
where it is removed over 1.5 s; another speaker's words by the same .3 at most in one of twenty (2026-11-30)."""
WIDEST = 0.40
"""Largest offset searched, in seconds: SyncNet searches 10 to 15 frames at 25 fps."""
STEP = 0.010
"""Step of the first search in seconds; a finer one follows."""
LEAST_SPEECH = 1.5
"""Seconds of speech in which the mouth is seen, below which the offset is unseen."""
LEAST_FRAMES = 20
LEAST_CORRELATION = 0.2
"""Correlation at the best offset below which the mouth does not follow the words."""
LEAST_LEAD, LEAD_SECONDS, LEAD_BOUNDS = 0.15, 8.0, (0.1, 0.3)
"""By how much the best offset must beat its rivals where the mouth is seen for `LEAD_SECONDS`, and for others, since
chance does as much in a shorter clip. Overlapping pieces of 5 and 7 s of four films: 18 of 20 and 9 of 10 are timed
rightly, none wrongly; held against words that others say .12 of 436 and .12 of 206 are timed (2026-11-30)."""
SURE_LEAD = 1.7
"""Times as much from which a fault is told as one; below it only warns, for nothing says whose words are heard: of the
642 that are another's it leaves two."""
LEAD = 0.060
"""Seconds by which real lips come before the sound that a recogniser hears: the mouth opens and shuts before it is
heard, and a recogniser sets its bounds late. Four real speakers measured -.02, -.04, -.06 and -.08 (2026-11-30), so a
real offset is known to .03; lips that were drawn after a timeline -.01 to .02."""
CALM, LIVELY = 0.10, 0.20
"""How far a head wanders, in eye distances, up to which its lips are taken for an animator's and from which for a real
person's; between them the lead is allowed in part. Nine animated portraits wandered by .03 to .08, real speakers by
.29 to 2.3, one who listens by .04 to .11."""
DRAWN = 0.66
"""Correlation with the timeline from which lips were drawn after it, whatever the head does: 16 such clips had .69 to
.91, 62 overlapping pieces of 4 to 10 s of four films .64 at most (2026-11-30)."""
HEARD_DRIFT = 45.0
"""ms by which the offset may change along a clip whose words were only heard: 16 undrifted pieces of 20 s of one film
measured 41 at most, 29 of 32 that drift by 80 more than this (2026-11-28)."""
HEARD_SECONDS = 12.0
"""Seconds below which no drift is told of such a clip, nor looked for: a word that was misheard weighs too much. Real
speakers of 5.8 and 8.7 s seemed to drift by 439 and 229 ms (2026-11-30)."""
SHORT = 12.0
"""Seconds below which a drift that is not over the limit by more than its own error is none: a sentence of 4 s seemed
to drift by 41 to 46 ms, give or take 20, in seven clips of ours (2026-12-01)."""
VAGUE = 1.5
"""A drift is unseen when its standard error is over so many times the limit and it is not twice as large itself; the
error is an upper one: the pieces above scattered by 21 ms where it said 36."""
PARTS = 6
"""Parts of a clip that are left out one after the other, to see whether a drift hangs on one of them: a word that was
misheard pulls it. In 29 takes of ours of 6 to 8 s an invented drift of 50 to 220 ms scattered by 135 to 191 so, and
what the others had by 8 to 66 (2026-11-28)."""
NEAR = 4
"""Steps of the first search by which the middle may move when a drift is looked for that gains less."""
GAIN, ENOUGH = 0.02, 20.0
"""Correlation that a drift must gain over a steady offset in a clip of `ENOUGH` seconds; in a shorter one as much more
as it is shorter."""
RIVAL = 0.12
"""Seconds from the best offset from which on another is a rival of it and not its slope."""
EYES = 0.45
"""Distance of the eyes over the width of the face's box."""
PAUSE_EDGE = 0.1
"""Seconds at either end of a pause in which the lips still come from or go to a word."""
HELD, STIRS, PARTED = 0.2, 0.02, 0.12
"""Seconds for which an open mouth stands still in a frozen picture, how far it stirs there all the same, and how far
it is open, both in shares of its widest: such frames tell nothing of the sync. Encoded freezes stirred by .006, in
one take; the other two are choices. A mouth at rest is not open: where it rests in a pause tells much."""
UNSURE = 0.5
"""An offset is unseen when its standard error is over this share of the limit."""

WINDOW = 5.0
"""Seconds of each stretch whose offset is drawn along the clip, and `WINDOWS` how many at most."""
WINDOWS = 120

SOUND_EARLY = (45.0, 90.0)
"""ms by which the sound may come before the picture: noticed, no longer accepted (ITU-R BT.1359-1)."""
SOUND_LATE = (125.0, 185.0)
"""ms by which it may come after the picture, likewise."""
FINEST_LIMIT = 20.0
"""ms: at frame rates over 50 one frame is less than the eye's share of the error and than our own precision."""

SOUND_SHIFT = 10.0
"""ms by which the clip's sound may lie beside the recording: half a frame at 50 fps, an AAC frame being 21 ms."""
ENVELOPE = 1000
"""Values a second of a sound's envelope."""
SOUND_WINDOW, SOUND_WINDOWS = 2.0, 12
"""Seconds of each piece of sound that is compared with the recording, and how many at most; they may overlap."""
PLAIN = 0.02
"""Spread of an envelope over its mean below which nothing in it marks a time: a steady tone, silence."""
EQUAL, PEAK = 0.02, 30
"""Correlations that are equal for this purpose, and the reach in ms within which the peak itself is then taken."""
SOUND_ALIKE = 0.5
"""Correlation of the two sounds below which they are not the same recording."""


@dataclass(frozen=True, slots=True)
class Offset:
    """How far the picture lies behind the sound, seconds, with standard errors.

    ``middle`` at the middle of what was looked at, ``drift`` how much it grows over ``seconds``, the stretch from
    the first to the last frame looked at; ``correlation`` at that offset, and by how much it is the best, in what it
    must be (``lead``); ``frames`` how many spoke; ``unseen`` why there is no answer, or "".
    """

    middle: float = 0.0
    middle_error: float = np.inf
    drift: float = 0.0
    drift_error: float = np.inf
    seconds: float = 0.0
    correlation: float = 0.0
    lead: float = 0.0
    frames: int = 0
    unseen: str = ""

    @property
    def start(self) -> float:
        """The offset at the first frame looked at."""
        return self.middle - self.drift / 2

    @property
    def end(self) -> float:
        """The offset at the last one."""
        return self.middle + self.drift / 2


def expected_opening(visemes: Iterable[Timed], start: float, end: float, rest: float = 0.0) -> tuple[Array, Array]:
    """How far the words ask the lips to part: times in seconds, `GRID` a second, and openings 0..1, smoothed.

    ``rest`` is how far they are parted when nobody speaks, for a face that smiles with its teeth.
    """
    return _laid_out(visemes, OPENNESS | {"rest": rest}, start, end)


def _laid_out(visemes: Iterable[Timed], asked: Mapping[str, float], start: float, end: float) -> tuple[Array, Array]:
    """What each viseme asks for, from ``start`` to ``end`` seconds: times, `GRID` a second, and values, smoothed."""
    times = np.arange(np.floor(start * GRID), np.ceil(end * GRID) + 1) / GRID
    opening = np.zeros(len(times))
    for viseme in visemes:
        first, last = np.searchsorted(times, (viseme.start, viseme.end))
        opening[first:last] = asked[viseme.label]
    reach = round(4 * COARTICULATION * GRID)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (COARTICULATION * GRID)) ** 2)
    return times, np.convolve(np.pad(opening, reach, mode="edge"), weights / weights.sum(), "valid")


@dataclass(frozen=True, slots=True)
class _Curve:
    """One thing that lips do: what was measured, (N,), mean 0 and spread 1; what was asked for; its weight."""

    seen: Array
    asked: Array
    weight: float


def measure_offset(
    times: Array,
    opening: Array,
    visemes: tuple[Timed, ...],
    spans: tuple[Span, ...],
    width: Array | None = None,
    *,
    drifts_from: float = 3.0,
) -> Offset:
    """The offset and drift of a measured mouth against a timeline.

    Parameters
    ----------
    times
        Middle of each frame's time, seconds, ordered.
    opening
        The mouth's opening in each, any unit; nan where none was seen.
    visemes
        What is said when.
    spans
        The stretches the frames come from; the trend is removed within each.
    width
        The mouth's width likewise, where it is to count too.
    drifts_from
        Seconds below which no drift is looked for.
    """
    spoken = _spoken(times, opening, visemes, spans)
    if spoken < LEAST_SPEECH:
        return Offset(unseen=f"only {spoken:.1f} s of speech lie where the mouth is seen")
    rest = _rest(times, opening, visemes)
    opening = _unfrozen(times, opening, rest)
    inside = [np.flatnonzero((times >= start) & (times < end) & np.isfinite(opening)) for start, end in spans]
    inside = [frames for frames in inside if len(frames) >= LEAST_FRAMES]
    if not inside:
        return Offset(unseen="the mouth was seen in too few frames")
    curves = []
    for measured, asked, weight in ((opening, OPENNESS | {"rest": rest}, 1.0), (width, WIDENESS, WIDTH)):
        if measured is None:
            continue
        grid, wanted = _laid_out(visemes, asked, spans[0][0] - 1.0, spans[-1][1] + 1.0)
        parts = []
        for frames in inside:
            rate = (len(frames) - 1) / max(times[frames[-1]] - times[frames[0]], 1e-6)
            parts.append(measured[frames] - moving_mean(measured[frames], TREND * rate))
        seen = np.concatenate(parts)
        if seen.std() >= 1e-9:
            curves.append(
                _Curve((seen - seen.mean()) / seen.std(), wanted - moving_mean(wanted, TREND * GRID), weight)
            )
        elif measured is opening:
            return Offset(unseen="the mouth does not move", frames=len(seen))
    return _search(times[np.concatenate(inside)], curves, grid, drifts_from)


def parted_error(
    times: Array, opening: Array, visemes: tuple[Timed, ...], spans: tuple[Span, ...], width: Array | None = None
) -> float:
    """The standard error of a drift by how it changes when a part of the clip is left out (the jackknife), seconds."""
    edges = np.linspace(times[0], times[-1] + 1e-6, PARTS + 1)
    drifts = []
    for first, last in pairwise(edges):
        kept = np.where((times >= first) & (times < last), np.nan, opening)
        drifts.append(measure_offset(times, kept, visemes, spans, width).drift)
    apart = np.array(drifts) - np.mean(drifts)
    return float(np.sqrt((PARTS - 1) / PARTS * (apart**2).sum()))


def _spoken(times: Array, opening: Array, visemes: tuple[Timed, ...], spans: tuple[Span, ...]) -> float:
    """Seconds of speech within the spans in which the mouth is seen."""
    seen = times[np.isfinite(opening) & _within(times, spans)]
    speaking = _within(seen, ((viseme.start, viseme.end) for viseme in visemes if viseme.label != "rest"))
    return float(speaking.sum()) * _apart(times)


def _within(times: Array, spans: Iterable[Span]) -> npt.NDArray[np.bool_]:
    """Which times lie within any of the spans; ``times`` (N,) are in order."""
    inside = np.zeros(len(times), bool)
    for start, end in spans:
        inside[slice(*np.searchsorted(times, (start, end)))] = True
    return inside


def _apart(times: Array) -> float:
    """Seconds from one frame to the next."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def _rest(times: Array, opening: Array, visemes: tuple[Timed, ...]) -> float:
    """How far this mouth is parted in the middle of pauses, 0..1 of its widest; 0 where there is no pause."""
    quiet = np.zeros(len(times), bool)
    for viseme in visemes:
        if viseme.label == "rest":
            quiet |= (times > viseme.start + PAUSE_EDGE) & (times < viseme.end - PAUSE_EDGE)
    quiet &= np.isfinite(opening)
    widest = _widest(opening)
    if not quiet.any() or widest <= 0:
        return 0.0
    return float(np.clip(np.median(opening[quiet]) / widest, 0, 1))


def _widest(opening: Array) -> float:
    """How far the mouth opens, but for the widest twentieth of the frames; 0 where it is never seen."""
    return float(np.nanpercentile(opening, 95)) if np.isfinite(opening).any() else 0.0


def _unfrozen(times: Array, opening: Array, rest: float) -> Array:
    """The openings with nan where an open mouth stands still for `HELD` seconds, if it mostly moves.

    ``rest`` as `_rest` says it.
    """
    seen = np.flatnonzero(np.isfinite(opening))
    widest = _widest(opening)
    if widest <= 0:
        return opening
    level = opening[seen] / widest
    kept, first = opening.copy(), 0
    while first < len(seen):
        last = first + 1
        low = high = level[first]
        while last < len(seen):
            low, high = min(low, level[last]), max(high, level[last])
            if high - low > STIRS:
                break
            last += 1
        if times[seen[last - 1]] - times[seen[first]] >= HELD and level[first] > rest + PARTED:
            kept[seen[first:last]] = np.nan
            first = last
        else:
            first += 1
    mostly = 2 * np.isfinite(kept).sum() > len(seen)
    return kept if mostly else opening


def moving_mean(values: Array, length: float) -> Array:
    """Mean over a window around each entry, narrower at the ends."""
    half = max(1, round(length / 2))
    total = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, len(values))
    mean: Array = (total[high] - total[low]) / (high - low)
    return mean


def _search(t: Array, curves: Sequence[_Curve], grid: Array, drifts_from: float) -> Offset:
    centre, length = (t[0] + t[-1]) / 2, max(t[-1] - t[0], 1e-6)
    along = (t - centre) / length
    whole = sum(curve.weight for curve in curves)

    def scores_of(middle: float, drifts: Array) -> Array:
        """How well the curves fit so far off, with each of the drifts."""
        fits = np.zeros(len(drifts))
        at = t - middle - drifts[:, None] * along
        for curve in curves:
            asked = np.interp(at, grid, curve.asked)
            asked -= asked.mean(1, keepdims=True)
            norms = np.sqrt((asked**2).mean(1))
            fit = (asked * curve.seen).mean(1) / np.maximum(norms, 1e-9)
            fits += curve.weight / whole * np.where(norms > 1e-9, fit, 0.0)
        return fits

    def score(middle: float, drift: float) -> float:
        return float(scores_of(middle, np.array([drift]))[0])

    middles = np.arange(-WIDEST, WIDEST + STEP / 2, STEP)
    drifts = np.arange(-WIDEST, WIDEST + STEP, 2 * STEP) if length > drifts_from else np.zeros(1)
    scores = np.array([scores_of(middle, drifts) for middle in middles])
    # The steady offset first: a drift is believed only when it explains clearly more, else noise would invent one.
    steady = scores[:, len(drifts) // 2]
    best = int(steady.argmax())
    i, j = best, len(drifts) // 2
    if scores.max() > steady[best] + GAIN * max(1.0, ENOUGH / length):
        i, j = (int(k) for k in np.unravel_index(int(scores.argmax()), scores.shape))
    else:  # a small drift hardly gains anything, but the offset in the middle stays where it is
        first = max(0, best - NEAR)
        part = scores[first : best + NEAR + 1]
        i, j = (int(k) for k in np.unravel_index(int(part.argmax()), part.shape))
        i += first
    middle, drift = _refined(score, middles[i], drifts[j], len(drifts) > 1)
    top = score(middle, drift)
    away = np.abs(middles - middles[i]) > RIVAL
    rival = float(scores[away][:, max(0, j - 3) : j + 4].max()) if away.any() else 0.0
    lead = (top - rival) / least_lead(len(t) * _apart(t))
    unseen = ""
    if top < LEAST_CORRELATION:
        unseen = f"the mouth hardly follows the words (correlation {top:.2f})"
    elif lead < 1:
        unseen = f"two offsets fit almost equally well (correlation {top:.2f} and {rival:.2f})"
    elif abs(middle) > WIDEST - 1.5 * STEP:
        unseen = f"picture and sound are more than {WIDEST * 1000:.0f} ms apart, or have nothing to do with each other"
    both = len(drifts) > 1
    errors = np.array([_errors(t, along, curve, grid, middle, drift, both) for curve in curves])
    known = (1 / np.maximum(errors, 1e-9) ** 2).sum(0)  # of two curves each tells a part
    error, drift_error = (float(1 / np.sqrt(part)) if part > 0 else np.inf for part in known)
    return Offset(middle, error, drift, drift_error, length, top, lead, len(t), unseen)


def least_lead(seconds: float) -> float:
    """By how much an offset must beat its rivals to be believed: the longer a mouth is seen, the less."""
    return float(np.clip(LEAST_LEAD * np.sqrt(LEAD_SECONDS / max(seconds, 1e-6)), *LEAD_BOUNDS))


def _refined(score: Callable[[float, float], float], middle: float, drift: float, both: bool) -> tuple[float, float]:
    """The best offset and drift near a first guess, to well under a millisecond: parabolas with shrinking steps."""
    at, steps = [middle, drift], [STEP, 2 * STEP]
    for _ in range(REFINEMENTS):
        for axis in (0, 1) if both else (0,):
            around = [at.copy() for _ in range(3)]
            around[0][axis] -= steps[axis]
            around[2][axis] += steps[axis]
            left, top, right = (score(*point) for point in around)
            bend = left - 2 * top + right
            move = 0.5 * (left - right) / bend if bend < -1e-12 else float(np.sign(right - left))
            at[axis] += steps[axis] * float(np.clip(move, -1, 1))
        steps = [step / 2 for step in steps]
    return at[0], at[1]


def _errors(
    t: Array, along: Array, curve: _Curve, grid: Array, middle: float, drift: float, both: bool
) -> tuple[float, float]:
    """Standard errors of offset and drift: least squares at the optimum, widened for residuals that hang together."""
    slope = np.gradient(curve.asked, grid)
    at, y = t - middle - drift * along, curve.seen
    asked, steep = np.interp(at, grid, curve.asked), np.interp(at, grid, slope)
    columns = [asked, np.ones_like(asked), -steep] + ([-steep * along] if both else [])
    design = np.stack(columns, -1)
    weights, *_ = np.linalg.lstsq(design[:, :2], y, rcond=None)
    left = y - design[:, :2] @ weights
    gain = weights[0]
    if abs(gain) < 1e-9:
        return np.inf, np.inf
    design[:, 2:] *= gain
    near = float((left[1:] * left[:-1]).mean() / max(float((left**2).mean()), 1e-12))
    near = min(max(near, 0.0), 0.9)
    spread = np.linalg.pinv(design.T @ design) * float((left**2).mean()) * (1 + near) / (1 - near)
    deviations = np.sqrt(np.maximum(np.diag(spread), 0))
    return float(deviations[2]), float(deviations[3]) if both else np.inf


@dataclass(frozen=True, slots=True)
class Shift:
    """How far one sound lies behind another, seconds, and how alike they are there, -1..1."""

    late: float
    alike: float


def sound_shift(ours: Samples, theirs: Samples, rate: int, start: float, end: float) -> Shift | None:
    """How far ``ours`` lies behind ``theirs`` from ``start`` to ``end`` seconds; None where there is too little.

    Their envelopes are compared, not their waves: a sound that runs a little slow is still the same sound.
    """
    first, last = round(start * rate), min(round(end * rate), len(theirs))
    reach = round(WIDEST * rate)
    low = max(0, first - reach)
    wanted = _envelope(theirs[first:last], rate)
    given = _envelope(ours[low : last + reach], rate)
    finest, reach = rate // ENVELOPE, round(WIDEST * ENVELOPE)
    plain = min(float(sound.std() / max(sound.mean(), 1e-9)) for sound in (wanted, given))
    if (last - first) < rate or plain < PLAIN:
        return None
    wanted = wanted - wanted.mean()
    given = np.pad(given, (max(0, reach - first // finest), max(0, len(wanted) + 2 * reach - len(given))))
    products = _correlated(given, wanted)[: 2 * reach + 1]
    total, squares = (np.concatenate([[0.0], np.cumsum(given**power)]) for power in (1, 2))
    mean, square = ((sums[len(wanted) :] - sums[: -len(wanted)]) / len(wanted) for sums in (total, squares))
    spread = np.sqrt(np.maximum(square - mean**2, 1e-12))[: len(products)]
    alike = products / (len(wanted) * spread * wanted.std())
    # A hum is as much like itself at many shifts; of equals the nearest counts.
    equals = np.flatnonzero(alike >= alike.max() - EQUAL)
    near = int(equals[np.abs(equals - reach).argmin()])
    around = slice(max(0, near - PEAK), near + PEAK + 1)
    best = around.start + int(alike[around].argmax())
    at = float(best)
    if 0 < best < len(alike) - 1:
        left, top, right = (float(alike[best + step]) for step in (-1, 0, 1))
        at += 0.5 * (left - right) / min(left - 2 * top + right, -1e-12)
    return Shift((at - reach) / ENVELOPE, float(alike[best]))


def _correlated(given: Array, wanted: Array) -> Array:
    """The sum of products at every shift at which ``wanted`` lies wholly within ``given``."""
    length = len(given) + len(wanted)
    spectrum = np.fft.rfft(given, length) * np.conj(np.fft.rfft(wanted, length))
    products: Array = np.fft.irfft(spectrum, length)[: len(given) - len(wanted) + 1]
    return products


def _envelope(samples: Samples, rate: int) -> Array:
    """How loud a sound is, `ENVELOPE` values a second, its root so that loud vowels do not outweigh the rest."""
    step = rate // ENVELOPE
    whole = samples[: len(samples) // step * step].astype(np.float64).reshape(-1, step)
    power = (whole**2).mean(1)
    smooth = np.convolve(power, np.hanning(11) / np.hanning(11).sum(), "same")
    loud: Array = np.sqrt(np.sqrt(smooth))
    return loud


def check(evidence: Evidence) -> list[ClipFinding]:
    """Offset and drift of the mouth against the words, by every witness there is."""
    findings = []
    shifts = _shifts(evidence)
    if evidence.speech is not None:
        findings.append(_sound_finding(evidence, shifts))
        findings += _against_timeline(evidence, shifts)
    offset = _offset_heard(evidence)
    findings.append(_against_sound(evidence, offset))
    if evidence.speech is None:
        findings.append(_drift_heard(evidence, offset))
    return findings


def _shifts(evidence: Evidence) -> list[tuple[float, Shift]]:
    """How far the clip's sound lies behind the speech's, piece by piece, at the middle of each."""
    from stillwake.speech.levels import RATE

    speech, sound = evidence.speech, evidence.sound
    if speech is None or sound is None:
        return []
    found = []
    whole = min(float(speech.sound.seconds), evidence.seconds)
    length = min(SOUND_WINDOW, whole)
    count = int(np.clip(2 * whole // length - 1, 1, SOUND_WINDOWS))
    for first in np.linspace(0.0, whole - length, count):
        shift = sound_shift(sound.mono, speech.sound.mono, RATE, float(first), float(first) + length)
        if shift is not None:
            found.append((float(first) + length / 2, shift))
    return found


def _sound_line(shifts: list[tuple[float, Shift]]) -> tuple[float, float]:
    """The sound's own offset at 0 s, and how much it grows a second, both 0 where it cannot be compared."""
    good = [(at, shift.late) for at, shift in shifts if shift.alike >= SOUND_ALIKE]
    if not good:
        return 0.0, 0.0
    times, lates = np.array(good).T
    if len(good) < 3 or np.ptp(times) < SOUND_WINDOW:
        return float(np.median(lates)), 0.0
    slope, start = np.polyfit(times, lates, 1)
    return float(start), float(slope)


def _sound_finding(evidence: Evidence, shifts: list[tuple[float, Shift]]) -> ClipFinding:
    name = "sound"
    if evidence.sound is None:
        return ClipFinding(check=name, verdict="unseen", why="the clip has no sound")
    if not shifts:
        return ClipFinding.unseen(name, "nothing in the sound marks a time: it is short, silent or a steady tone")
    alike = float(np.median([shift.alike for _, shift in shifts]))
    if alike < SOUND_ALIKE:
        return ClipFinding(
            check=name,
            verdict="fail",
            measured=alike,
            unit="correlation",
            limit=SOUND_ALIKE,
            why=f"the clip's sound is not the recording it was made from (correlation {alike:.2f})",
            fix="put the right recording under the picture",
        )
    at, worst = max(((at, shift) for at, shift in shifts if shift.alike >= SOUND_ALIKE), key=lambda x: abs(x[1].late))
    late = worst.late * 1000
    over = abs(late) > SOUND_SHIFT
    return ClipFinding(
        check=name,
        verdict="fail" if over else "pass",
        measured=late,
        unit="ms",
        limit=SOUND_SHIFT,
        start=at - SOUND_WINDOW / 2 if over else None,
        end=at + SOUND_WINDOW / 2 if over else None,
        why=f"the clip's sound lies {abs(late):.0f} ms {'after' if late > 0 else 'before'} the recording"
        if over
        else f"the clip's sound is the recording, {abs(late):.1f} ms beside it",
        fix="put picture and sound together again without an offset" if over else "",
    )


def _against_timeline(evidence: Evidence, shifts: list[tuple[float, Shift]]) -> list[ClipFinding]:
    name, seen, speech = "sync", evidence.seen, evidence.speech
    if speech is None:
        return []
    if seen.no_face:
        return [ClipFinding.unseen(name, seen.no_face), ClipFinding.unseen(f"{name} drift", seen.no_face)]
    offset = measure_offset(seen.time, seen.opening, speech.visemes, seen.spans, seen.width)
    if offset.unseen:
        return [ClipFinding.unseen(name, offset.unseen), ClipFinding.unseen(f"{name} drift", offset.unseen)]
    start, slope = _sound_line(shifts)
    middle = float(seen.time[0] + seen.time[-1]) / 2
    frame = 1000 / float(evidence.fps)
    limit = max(frame, FINEST_LIMIT)
    lead = natural_lead(offset, evidence)
    real = lead > 0
    late, error = (offset.middle + lead - (start + slope * middle)) * 1000, offset.middle_error * 1000
    drift = (offset.drift - slope * offset.seconds) * 1000
    return [
        _offset_finding(name, late, error, *SOUND_EARLY, *SOUND_LATE, offset, "what is said")
        if real
        else _offset_finding(name, late, error, limit, limit, limit, limit, offset, "the timeline it was made from"),
        _drift_finding(
            evidence, f"{name} drift", drift, offset, late, HEARD_DRIFT if real else limit, speech.visemes, seen.spans
        ),
    ]


def natural_lead(offset: Offset, evidence: Evidence) -> float:
    """Seconds by which these lips may come before what is heard: `LEAD` for a real person's, 0 for an animator's."""
    if offset.correlation >= DRAWN or evidence.asked.ours:
        return 0.0
    return LEAD * float(np.clip((_usual_travel(evidence) - CALM) / (LIVELY - CALM), 0, 1))


def _usual_travel(evidence: Evidence) -> float:
    """How far heads wander in the middle one of a clip's scenes, by their frames: a cut takes no head anywhere."""
    index, face = evidence.seen.index, evidence.seen.face
    rows = [slice(*np.searchsorted(index, (first, last + 1)).tolist()) for first, last in evidence.scenes]
    travels = sorted((_travel(face[row]), row.stop - row.start) for row in rows if row.stop > row.start)
    frames = np.cumsum([count for _, count in travels])
    return travels[int(np.searchsorted(frames, frames[-1] / 2))][0] if travels else 0.0


def _travel(face: Array) -> float:
    """How far a head wanders, in eye distances: ``face`` (N, 4) px, boxes, nan where none was seen."""
    seen = face[np.isfinite(face[:, 0])]
    if len(seen) < LEAST_FRAMES:
        return 0.0
    # the chin falls with every vowel: the top of the face stands for its height
    places = np.stack([(seen[:, 0] + seen[:, 2]) / 2, seen[:, 1]])
    reach = np.ptp(np.percentile(places, (5, 95), axis=1), axis=0).max()
    return float(reach / (EYES * np.median(seen[:, 2] - seen[:, 0])))


def _offset_heard(evidence: Evidence) -> Offset:
    """The offset against what is recognised in the clip's own sound."""
    seen, heard = evidence.seen, evidence.heard
    if seen.no_face or heard is None:
        return Offset(unseen=seen.no_face or evidence.unheard)
    return measure_offset(
        seen.time, seen.opening, heard.visemes, evidence.heard_spans, seen.width, drifts_from=HEARD_SECONDS
    )


def _against_sound(evidence: Evidence, offset: Offset) -> ClipFinding:
    name = "sync" if evidence.speech is None else "sync heard"
    if offset.unseen:
        return ClipFinding.unseen(name, offset.unseen)
    late, error = (offset.middle + natural_lead(offset, evidence)) * 1000, offset.middle_error * 1000
    return _offset_finding(name, late, error, *SOUND_EARLY, *SOUND_LATE, offset, "what its own sound says")


def _drift_heard(evidence: Evidence, offset: Offset) -> ClipFinding:
    name, heard = "sync drift", evidence.heard
    if offset.unseen or heard is None:
        return ClipFinding.unseen(name, offset.unseen)
    if offset.seconds < HEARD_SECONDS:
        return ClipFinding.unseen(name, f"{offset.seconds:.1f} s are too short to tell a drift by what is heard")
    late = (offset.middle + natural_lead(offset, evidence)) * 1000
    return _drift_finding(
        evidence, name, offset.drift * 1000, offset, late, HEARD_DRIFT, heard.visemes, evidence.heard_spans
    )


def _offset_finding(
    name: str,
    late: float,
    error: float,
    early_warn: float,
    early_fail: float,
    late_warn: float,
    late_fail: float,
    offset: Offset,
    against: str,
) -> ClipFinding:
    """``late`` ms is how far the picture comes after the sound, so the sound is early when it is positive."""
    warn, fail = (early_warn, early_fail) if late > 0 else (late_warn, late_fail)
    if error > UNSURE * fail:
        return ClipFinding.unseen(name, f"the offset is too uncertain ({late:+.0f} ± {error:.0f} ms)")
    size = abs(late)
    verdict: Verdict = "fail" if size > fail else "warn" if size > warn else "pass"
    if verdict == "fail" and (size - error <= fail or offset.lead < SURE_LEAD):
        verdict = "warn"
    order = "after" if late > 0 else "before"
    return ClipFinding(
        check=name,
        verdict=verdict,
        measured=late,
        unit="ms",
        limit=warn,
        why=f"the lips come {size:.0f} ± {error:.0f} ms {order} the sound, measured against {against} "
        f"(correlation {offset.correlation:.2f})",
        fix="" if verdict == "pass" else f"move the sound {size:.0f} ms {'later' if late > 0 else 'earlier'}",
    )


def _drift_finding(
    evidence: Evidence,
    name: str,
    drift: float,
    offset: Offset,
    late: float,
    limit: float,
    visemes: tuple[Timed, ...],
    spans: tuple[Span, ...],
) -> ClipFinding:
    error = offset.drift_error * 1000
    if abs(drift) > limit:
        seen = evidence.seen
        error = max(error, 1000 * parted_error(seen.time, seen.opening, visemes, spans, seen.width))
    if error > VAGUE * limit and abs(drift) < 2 * error:
        return ClipFinding.unseen(name, f"too little is said to tell a drift ({drift:+.0f} ± {error:.0f} ms)")
    surely = abs(drift) - error > limit
    over = abs(drift) > limit and (surely or offset.seconds >= SHORT)
    verdict: Verdict = "pass" if not over else "fail" if surely else "warn"
    first, last = float(evidence.seen.time[0]), float(evidence.seen.time[-1])
    return ClipFinding(
        check=name,
        verdict=verdict,
        measured=drift,
        unit="ms",
        limit=limit,
        start=first if over else None,
        end=last if over else None,
        why=f"the offset goes from {late - drift / 2:+.0f} to {late + drift / 2:+.0f} ms (± {error:.0f}) "
        f"in {offset.seconds:.0f} s",
        fix="check that picture and sound were made at the frame rate and sample rate they say" if over else "",
    )


def timelines(evidence: Evidence) -> list[Timeline]:
    """How far the lips lie behind the sound in windows along the clip, and how far the mouth is open."""
    seen = evidence.seen
    if seen.no_face:
        return []
    time = seen.time.astype(np.float32)
    lines = [Timeline("mouth", "mouth widths", time, seen.opening.astype(np.float32))]
    speech = evidence.speech or evidence.heard
    if speech is None:
        return lines
    times: list[float] = []
    lates: list[float] = []
    whole = measure_offset(seen.time, seen.opening, speech.visemes, seen.spans, seen.width)
    lead = natural_lead(whole, evidence)
    step = max(WINDOW / 2, evidence.seconds / WINDOWS)
    for start in np.arange(0.0, max(1e-6, evidence.seconds - WINDOW / 2), step):
        inside = (seen.time >= start) & (seen.time < start + WINDOW)
        within = ((start, start + WINDOW),)
        offset = measure_offset(
            seen.time[inside], seen.opening[inside], speech.visemes, within, seen.width[inside], drifts_from=WINDOW
        )
        times.append(min(start + WINDOW / 2, evidence.seconds))
        lates.append(np.nan if offset.unseen else (offset.middle + lead) * 1000)
    limit = max(1000 / float(evidence.fps), FINEST_LIMIT) if evidence.speech is not None else SOUND_EARLY[0]
    along, late = np.array(times, np.float32), np.array(lates, np.float32)
    return [Timeline("sync", "ms", along, late, limit), *lines]
