"""The sound of a joined film, held against its mix and against every recording in which somebody speaks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stillwake.assemble.edit import Edit, Track
from stillwake.assemble.findings import AGAIN, together
from stillwake.assemble.mix import STAYS, spoken
from stillwake.errors import ClipError
from stillwake.media import clip_sound
from stillwake.media.loudness import loudness as measured_loudness
from stillwake.media.sound import ANALYSIS_RATE
from stillwake.types import Clip, ClipFinding, Floats, Samples, Sound, Verdict

SEARCHED = 0.5
"""Seconds to either side within which speech is looked for."""
HEARD = 0.25
"""Correlation from which a recording is found in the film's sound."""
PIECES, PIECE = 4, 4.0
"""How many pieces of a recording are looked for, and how many seconds each is long at most."""
SHORTEST = 0.2
"""Seconds of speech that can be placed."""
IN_PLACE = 0.01
"""Seconds by which the film's sound may be off its place."""
AROUND = 0.06
"""Seconds to either side of a cut in which the sound is compared with the mix."""
MOMENT = 80
"""Samples at 16 kHz, 5 ms, whose power is compared."""
SAME = 7.0
"""dB by which such a moment may be louder or quieter; a gap of one moment is 10 dB. White noise after AAC reaches 2.3
(benchmarks/joining.py, 2026-11)."""
QUIET = 100.0
"""Power of the steps between samples at 16 kHz, under which the codec has more to say than the sound."""
TOO_LOUD, OFF = 0.5, 1.0
"""LU by which a film may differ from what was asked before it warns, and before it fails."""
TOLERANCE = 0.05
"""dB of true peak that two meters may differ by."""


class Ear:
    """The film's sound, held against the mix and against every recording in which somebody speaks."""

    def __init__(self, film: Clip, edit: Edit, sound: Sound | None) -> None:
        self.film, self.edit, self.mix = film, edit, sound
        self.sound = clip_sound(film.path) if film.info.sound is not None else None
        self.lags = {number: self.lag(track) for number, track in enumerate(edit.tracks) if track.speech is not None}

    def findings(self, loudness: float, peak: float) -> Iterator[ClipFinding]:
        """Length, place, loudness and peaks of the whole; the place of every speech."""
        yield self._length()
        if self.sound is None or self.mix is None:
            return
        yield self._whole()
        if len(self.edit.pictures) > 1:
            yield self._at_cuts()
        yield from self._level(loudness, peak)
        speeches = [self._speech(number) for number in self.lags]
        if speeches:
            yield from together("speech place", speeches)

    def _length(self) -> ClipFinding:
        name, frame = "sound length", 1 / self.edit.fps
        if self.sound is None or self.mix is None:
            bad = (self.sound is None) != (self.mix is None)
            why = (
                "the film has no sound"
                if self.sound is None
                else "the film has a sound that the edit knows nothing of"
            )
            return ClipFinding(check=name, verdict="fail" if bad else "unseen", why=why, fix=AGAIN if bad else "")
        apart = self.sound.seconds - self.edit.seconds
        over = abs(apart) > frame
        return ClipFinding(
            check=name, verdict="fail" if over else "pass", measured=float(apart) * 1000, unit="ms",
            limit=float(frame) * 1000,
            why=f"the sound ends {abs(float(apart)) * 1000:.0f} ms {'after' if apart > 0 else 'before'} the picture",
            fix=AGAIN if over else "",
        )  # fmt: skip

    def _whole(self) -> ClipFinding:
        """Whether the whole sound sits where it was mixed: pieces from its beginning to its end."""
        assert self.mix is not None
        name, mix = "film sound", self.mix.mono
        seconds = len(mix) / ANALYSIS_RATE
        length = min(PIECE, seconds)
        found = []
        for start in np.linspace(0, max(0.0, seconds - length), max(1, min(8, int(seconds / length)))):
            lag = self._found(mix, float(start), float(start), length)
            if lag is not None:
                found.append((float(start), lag))
        if not found:
            loud = float(np.abs(mix.astype(np.float32)).mean()) if len(mix) else 0.0
            return ClipFinding(
                check=name, verdict="fail" if loud > 50 else "unseen",
                why="what was mixed is not to be heard in it" if loud > 50 else "it is too quiet to be placed",
                fix=AGAIN if loud > 50 else "",
            )  # fmt: skip
        at, lag = max(found, key=lambda one: abs(one[1]))
        over = abs(lag) > IN_PLACE
        return ClipFinding(
            check=name, verdict="fail" if over else "pass", measured=round(1000 * lag, 2), unit="ms",
            limit=1000 * IN_PLACE, start=at if over else None, end=at + length if over else None,
            why=f"the sound comes {abs(lag) * 1000:.0f} ms {'late' if lag > 0 else 'early'} at {at:.1f} s"
            if over
            else f"the sound sits where it was mixed, in all {len(found)} places that were heard",
            fix=AGAIN if over else "",
        )  # fmt: skip

    def _at_cuts(self) -> ClipFinding:
        """Whether the sound goes on over the cuts of the picture as it was mixed."""
        assert self.sound is not None
        assert self.mix is not None
        name, reach = "sound at cuts", round(AROUND * ANALYSIS_RATE)
        found: list[tuple[float, float]] = []
        for picture in self.edit.pictures[1:]:
            at = float(picture.start / self.edit.fps)
            middle = round(at * ANALYSIS_RATE)
            meant, heard = (_power(one.mono, middle - reach, middle + reach) for one in (self.mix, self.sound))
            if float(meant.mean()) > QUIET:
                # A codec keeps how loud each moment is, though of a noise not its course; of a beat a little is heard
                # before it, so that a click must be louder than all that was mixed there.
                floor = 0.1 * float(meant.mean())
                less = 10 * float(np.log10((heard + floor) / (meant + floor)).min())
                louder = 10 * float(np.log10((heard.max() + floor) / (meant.max() + floor)))
                found.append((max(less, louder, key=abs), at))
        if not found:
            return ClipFinding(check=name, verdict="unseen", why="it is quiet where the picture cuts")
        apart_most, at = max(found, key=lambda one: abs(one[0]))
        over = abs(apart_most) > SAME
        return ClipFinding(
            check=name, verdict="fail" if over else "pass", measured=round(apart_most, 1), unit="dB", limit=SAME,
            start=at if over else None, end=at if over else None,
            why=f"the sound {'is gone' if apart_most < 0 else 'clicks'} for a moment around the cut at {at:.2f} s"
            if over
            else f"the sound goes on as it was mixed over all {len(found)} cuts where anything is heard",
            fix=AGAIN if over else "",
        )  # fmt: skip

    def _level(self, loudness: float, peak: float) -> Iterator[ClipFinding]:
        heard = measured_loudness(self.film.path, f"Cannot prove {self.film.info.name}", ClipError)
        assert self.mix is not None
        if heard is None or heard.silent:
            planned = any("silent" in note for note in self.mix.notes)
            yield ClipFinding(
                check="loudness", verdict="warn" if planned else "fail", why="the film's sound is silent throughout",
                fix="" if planned else AGAIN,
            )  # fmt: skip
            return
        apart = heard.integrated - loudness
        note = next((note for note in self.mix.notes if note.startswith(STAYS)), None)
        verdict: Verdict = "pass" if abs(apart) <= TOO_LOUD else "warn" if abs(apart) <= OFF else "fail"
        why = f"it plays at {heard.integrated:.1f} LUFS, {loudness:g} were asked for"
        if verdict == "fail" and apart < 0 and note is not None:
            verdict, why = "warn", note
        yield ClipFinding(
            check="loudness", verdict=verdict, measured=round(heard.integrated, 2), unit="LUFS", limit=loudness,
            why=why, fix="" if verdict == "pass" else "give a louder recording, or join the film again",
        )  # fmt: skip
        over = heard.true_peak > peak + TOLERANCE
        yield ClipFinding(
            check="true peak", verdict="fail" if over else "pass", measured=round(heard.true_peak, 2), unit="dBTP",
            limit=peak, why=f"its highest peak is at {heard.true_peak:.1f} dB of full scale",
            fix=AGAIN if over else "",
        )  # fmt: skip

    def _speech(self, number: int) -> ClipFinding:
        track, (lag, why) = self.edit.tracks[number], self.lags[number]
        name = "speech place"
        who = f"{track.sound.name} (shot {'?' if track.shot is None else track.shot + 1})"
        start, end = float(track.start), float(track.start + track.end - track.begin)
        if lag is None:
            verdict: Verdict = "unseen" if why else "fail"
            return ClipFinding(
                check=name, verdict=verdict, start=start, end=end,
                why=f"{who}: {why}" if why else f"{who} is not to be heard where it should be",
                fix="" if why else AGAIN,
            )  # fmt: skip
        limit = 1 / self.edit.fps
        over = abs(lag) > limit
        return ClipFinding(
            check=name, verdict="fail" if over else "pass", measured=round(1000 * lag, 2), unit="ms",
            limit=float(limit) * 1000, start=start, end=end,
            why=f"{who} is heard {abs(lag) * 1000:.1f} ms {'late' if lag > 0 else 'early'}"
            if abs(lag) >= 0.0005
            else f"{who} is heard where it should be",
            fix=AGAIN if over else "",
        )  # fmt: skip

    def lag(self, track: Track, span: tuple[float, float] | None = None) -> tuple[float | None, str]:
        """By how many seconds a speech is late, or None and why that cannot be told, "" where it is missing.

        ``span`` the seconds of the film in which it is listened to; all of it if None.
        """
        if self.sound is None:
            return None, "the film has no sound"
        first, last = (0.0, float(self.edit.seconds)) if span is None else span
        spans = [(max(first, start), min(last, end)) for start, end in spoken(track) if end > first and start < last]
        pieces = list(_pieces(spans))
        if not pieces:
            return None, "nobody speaks in it for long enough"
        own = track.sound.mono
        offset = float(track.begin - track.start)
        found = [lag for at, length in pieces if (lag := self._found(own, at, at + offset, length)) is not None]
        if found:
            return float(np.median(found)), ""
        in_mix = self.mix is not None and any(
            _correlated(self.mix.mono, own, at, at + offset, length) is not None for at, length in pieces
        )
        return None, "" if in_mix else "other sounds cover it"

    def _found(self, own: Samples, at: float, own_at: float, length: float) -> float | None:
        assert self.sound is not None
        return _correlated(self.sound.mono, own, at, own_at, length)


def _power(mono: Samples, first: int, last: int) -> Floats:
    """The power of the steps between samples in each moment from ``first`` to ``last``; silence beyond the ends."""
    samples = np.zeros(last - first + 1, np.float64)
    there = mono[max(0, first) : last + 1]
    samples[max(0, -first) : max(0, -first) + len(there)] = there
    power: Floats = (
        (np.diff(samples).astype(np.float32) ** 2)[: (last - first) // MOMENT * MOMENT]
        .reshape(-1, MOMENT)
        .mean(axis=1)
    )
    return power


def _pieces(spans: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """(start, length) of pieces of speech, in seconds of the film, spread over all of it."""
    joined: list[list[float]] = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] < SHORTEST:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    cut = [(at, min(PIECE, end - at)) for start, end in joined for at in np.arange(start, end, PIECE).tolist()]
    long = [piece for piece in cut if piece[1] >= SHORTEST]
    longest = sorted(long, key=lambda piece: -piece[1])[: 4 * PIECES]
    longest.sort()
    step = max(1, len(longest) // PIECES)
    yield from longest[::step][: PIECES + 1]


def _correlated(film: Samples, own: Samples, at: float, own_at: float, length: float) -> float | None:
    """By how many seconds a piece of a recording comes late in the film, None where it is not found.

    ``at`` where it should be, and ``own_at`` where it is in the recording, both in seconds. Differences of samples are
    correlated: low notes, in which all sounds are alike, count less.
    """
    from scipy.signal import correlate

    first, own_first = round(at * ANALYSIS_RATE), round(own_at * ANALYSIS_RATE)
    piece = own[max(0, own_first) : own_first + round(length * ANALYSIS_RATE)].astype(np.float64)
    reach = round(SEARCHED * ANALYSIS_RATE)
    around = np.zeros(len(piece) + 2 * reach)
    begin = first - reach
    there = film[max(0, begin) : begin + len(around)]
    around[max(0, -begin) : max(0, -begin) + len(there)] = there
    if len(piece) < SHORTEST * ANALYSIS_RATE:
        return None
    piece, around = np.diff(piece), np.diff(around)
    energy = np.concatenate([[0.0], np.cumsum(around**2)])
    energy = energy[len(piece) :] - energy[: -len(piece)]
    own_energy = float((piece**2).sum())
    if own_energy < len(piece) * 4:
        return None
    likeness = correlate(around, piece, mode="valid", method="fft")
    likeness = likeness / np.sqrt(np.maximum(energy[: len(likeness)], 1e-3 * own_energy) * own_energy)
    best = int(likeness.argmax())
    return (best - reach) / ANALYSIS_RATE if likeness[best] >= HEARD else None
