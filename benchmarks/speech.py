# ruff: noqa: E501, RUF001  sentences; Chinese has its own commas
"""Mouth shapes from speech: accuracy at 25 frames a second, closures, time and memory for ten minutes.

Without arguments the labelled speech is synthesised: sentences of our own by several of espeak-ng's voices, whose
phoneme times are known. Synthetic speech flatters (no slurring, no breath, pauses of digital silence) and penalises:
a formant synthesiser is not what the acoustic model was trained on, its vowels and accents are not the dictionary's,
and its events give the silence before a burst to the sound before. Words without a transcript come out far worse
than for people. Only hand-labelled speech says how good it is. For that, give a folder:

    python -m benchmarks.speech FOLDER

FOLDER holds for each recording ``NAME.wav`` (or .flac, .mp3), ``NAME.tsv`` with one phone a line
(``start<TAB>end<TAB>phone``, seconds, ARPABET with or without stress digits, ``sil`` for silence; TIMIT's closures,
``bcl`` and so on, its reduced vowels and ``h#`` are understood) and ``NAME.txt`` with the words.

The score samples the exported Rhubarb cues at the middle of every frame. *strict*: the one shape of the phone.
*lenient*: any shape that Rhubarb's own rules allow for it. Releases of p and b, h and glottal stops are not scored.
*open/closed*: whether the mouth is closed (A, X) as it should be. *false closed*: speech frames that are not
bilabial but shown as A or X. *recall/precision*: closures that appear within 40 ms of where they should, and back.
*lost*: closures of the timeline itself without a frame of their own, at any of five frame rates.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stillwake.errors import StillwakeError
from stillwake.media import open_sound, sound_from_samples
from stillwake.speech import listen, raster, say
from stillwake.speech.exports import rhubarb_cues
from stillwake.speech.phones import RHUBARB_END, RHUBARB_OF, arpabet
from stillwake.types import VISEMES, Sound, Speech, Timed

FPS = 25
TOLERANCE_S = 0.04
SENTENCES = (
    "Maybe the best problem is the simple one, but nobody can prove it.",
    "Bring me the brown paper bag from behind the table, please.",
    "Her father took a very long walk along the river after supper.",
    "They finished the work by five, and everybody went home happy.",
    "I would rather have a cup of warm milk than a bowl of soup.",
    "Seven people from the village came to watch the old film again.",
    "The museum opens at nine; remember to bring your membership card.",
    "We found a small blue boat, filled with empty bottles and rope.",
    "Stop, think, and tell me what you would do with all that money.",
    "If the weather improves, Thomas might visit his grandmother in May.",
)
VOICES = (
    ("en-us", 160),
    ("en-us+f3", 175),
    ("en-us+m7", 150),
    ("en-gb", 165),
    ("en-us+f5", 190),
    ("en-gb-scotland", 155),
)
FOREIGN = (
    ("de", "Guten Morgen, meine Freunde. Heute probieren wir etwas Neues im Park."),
    ("fr", "Bonjour, mes amis. Nous avons beaucoup de pommes et un bon vin blanc."),
    ("es", "Buenos días. Mi primo compró un barco pequeño para viajar por el mundo."),
    ("it", "Buongiorno a tutti. Mia mamma prepara sempre una buona zuppa."),
    ("cmn", "大家好，我们明天一起去公园跑步吧。妈妈买了苹果和面包。"),
)  # fmt: skip

# what Rhubarb's rules (animationRules.cpp, 1.13) allow, next to the phone's own shape
_LENIENT = {
    "AH": "CD", "AX": "BC", "AY": "CD", "AW": "CDEF", "EY": "C", "OW": "EF", "OY": "E", "ER": "E", "T": "BF", "D": "BF",
    "K": "BCEFH", "G": "BCEFH", "CH": "BF", "JH": "BF", "TH": "BF", "DH": "BF", "S": "BF", "Z": "BF", "SH": "BF",
    "ZH": "BF", "N": "BCFH", "NG": "BCEF", "L": "BEFH", "R": "BEF", "Y": "BCF",
}  # fmt: skip
_LENIENT_END = {"AY": "B", "EY": "B", "OY": "B", "OW": "F", "AW": "EF"}
_TIMIT = {
    "AX": "AX", "AX-H": "AX", "IX": "IH", "AXR": "ER", "UX": "UW", "DX": "D", "NX": "N", "EN": "N", "EL": "L",
    "EM": "M", "ENG": "NG", "HV": "HH", "Q": "?", "PCL": "PCL", "BCL": "PCL", "TCL": "T", "DCL": "D", "KCL": "K",
    "GCL": "G", "H#": "SIL", "PAU": "SIL", "EPI": "SIL", "SIL": "SIL", "SP": "SIL", "": "SIL",
}  # fmt: skip


class Label(NamedTuple):
    """What should be seen from ``start`` to ``end``: a shape, the shapes allowed; nothing when not scored."""

    start: float
    end: float
    strict: str
    lenient: str


@dataclass(frozen=True, slots=True)
class Case:
    """A recording whose phones are known."""

    name: str
    sound: Sound
    transcript: str
    phones: tuple[Timed, ...]
    language: str | None = None


@dataclass(slots=True)
class Tally:
    """Counts, summed over recordings."""

    frames: int = 0
    strict: int = 0
    lenient: int = 0
    binary: int = 0
    speech: int = 0
    false: int = 0
    closures: int = 0
    recalled: int = 0
    shown: int = 0
    right: int = 0
    refused: int = 0
    lost: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    onsets: list[float] | None = None

    def line(self) -> str:
        """The numbers of a row, in per cent and milliseconds."""
        share = [100 * part / max(1, self.frames) for part in (self.strict, self.lenient, self.binary)]
        recall, precision = 100 * self.recalled / max(1, self.closures), 100 * self.right / max(1, self.shown)
        f1 = 2 * recall * precision / max(1e-9, recall + precision)
        onset = np.array(self.onsets or [np.nan]) * 1000
        return (
            f"{share[0]:6.1f} {share[1]:7.1f} {share[2]:8.1f} {100 * self.false / max(1, self.speech):7.2f} "
            f"{recall:6.1f}/{precision:5.1f} {f1:6.1f} {np.median(onset):+5.0f}/{np.median(np.abs(onset)):3.0f}/"
            f"{np.percentile(np.abs(onset), 90):3.0f} {self.lost:5d} {self.refused:7d} "
            f"{self.cpu / max(1e-9, self.seconds):6.3f}"
        )


HEADER = "strict lenient open/cls f.closed  rec/prec       F1  onset (ms)  lost refused  cpu/s"


def labels(phones: Iterable[Timed], seconds: float) -> list[Label]:
    """What should be seen for each phone (ARPABET or TIMIT's); the time between phones is silence."""
    found: list[Label] = []
    now = 0.0
    before = ""
    for phone in phones:
        name = re.sub(r"\d", "", phone.label).upper()
        name = _TIMIT.get(name, name)
        if phone.start > now + 1e-6:
            found.append(Label(now, phone.start, "X", "XA"))
        start, end = phone.start, phone.end
        now = end
        if name == "SIL":
            found.append(Label(start, end, "X", "XA"))
        elif name == "PCL":
            found.append(Label(start, end, "A", "A"))
        elif name in ("P", "B"):
            if before == "PCL":
                found.append(Label(start, end, "", ""))
            else:
                shut = start + 0.8 * (end - start)
                found += [Label(start, shut, "A", "A"), Label(shut, end, "", "")]
        elif name in ("HH", "?"):
            found.append(Label(start, end, "", ""))
        else:
            strict = RHUBARB_OF.get("AH" if name == "AX" else name, "B")
            allowed = _LENIENT.get(name, "") + strict
            if name in RHUBARB_END:
                turn = start + 0.6 * (end - start)
                found.append(Label(start, turn, strict, allowed))
                found.append(Label(turn, end, RHUBARB_END[name], _LENIENT_END[name] + RHUBARB_END[name]))
            else:
                found.append(Label(start, end, strict, allowed))
        before = name
    if now < seconds:
        found.append(Label(now, seconds, "X", "XA"))
    return found


def _runs(closed: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    runs: list[tuple[float, float]] = []
    for start, end in closed:
        if runs and start - runs[-1][1] < 1e-6:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs


def score(tally: Tally, speech: Speech, wanted: list[Label]) -> None:
    """Add one recording's result to the tally."""
    cues = rhubarb_cues(speech)
    count = int(float(speech.sound.seconds) * FPS)
    times = (np.arange(count) + 0.5) / FPS
    shown = [cues[i].value for i in np.searchsorted([cue.start / 100 for cue in cues], times + 1e-9, "right") - 1]
    truth = [wanted[i] for i in np.searchsorted([label.start for label in wanted], times + 1e-9, "right") - 1]
    for value, label in zip(shown, truth, strict=True):
        if not label.strict:
            continue
        tally.frames += 1
        tally.strict += value == label.strict
        tally.lenient += value in label.lenient
        tally.binary += (value in "AX") == (label.strict in "AX")
        if label.strict not in "AX":
            tally.speech += 1
            tally.false += value in "AX"
    real = _runs((label.start, label.end) for label in wanted if label.strict == "A")
    seen = _runs((t - 0.5 / FPS, t + 0.5 / FPS) for t, value in zip(times, shown, strict=True) if value == "A")
    cued = _runs((cue.start / 100, cue.end / 100) for cue in cues if cue.value == "A")
    tally.closures += len(real)
    tally.shown += len(seen)
    centres = times[[value == "A" for value in shown]]
    tally.onsets = tally.onsets if tally.onsets is not None else []
    for start, end in real:
        tally.recalled += bool(((centres > start - TOLERANCE_S) & (centres < end + TOLERANCE_S)).any())
        near = [other[0] - start for other in cued if other[1] > start - TOLERANCE_S and other[0] < end + TOLERANCE_S]
        if near:
            tally.onsets.append(min(near, key=abs))
    for start, end in seen:
        middle = (start + 0.5 / FPS, end - 0.5 / FPS)
        tally.right += any(middle[1] > a - TOLERANCE_S and middle[0] < b + TOLERANCE_S for a, b in real)
    tally.lost += lost(speech)


def lost(speech: Speech) -> int:
    """Closures without a frame of their own within one frame's length, over five frame rates."""
    missing = 0
    for fps in (Fraction(10), Fraction(12), Fraction(24000, 1001), Fraction(25), Fraction(60)):
        weights = raster(speech, fps, int(speech.sound.seconds * fps) + 1)
        times = (np.arange(len(weights)) + 0.5) / float(fps)
        for viseme in speech.visemes:
            if viseme.label in ("MBP", "FV"):
                near = (times > viseme.start - 1 / fps) & (times < viseme.end + 1 / fps)
                missing += not (weights[near, VISEMES.index(viseme.label)] == 1).any()
    return missing


# -------------------------------------------------------------------------------------------------- labelled speech


def _voiced(text: str, voice: str, words_per_minute: int = 165) -> tuple[Sound, tuple[Timed, ...]]:
    from stillwake.speech.voice import speak

    spoken = speak(text, voice, None, words_per_minute)
    phones: list[Timed] = []
    for one in spoken.phonemes:
        names = arpabet(one.label)
        step = (one.end - one.start) / max(1, len(names))
        phones += [Timed(one.start + i * step, one.start + (i + 1) * step, name) for i, name in enumerate(names)]
    return sound_from_samples(spoken.samples, spoken.rate, voice), tuple(phones)


def degraded(sound: Sound, noise_db: float | None, echo_s: float = 0.0) -> Sound:
    """The sound in a room of that reverberation time with white noise so far below its own level."""
    rng = np.random.default_rng(7)
    samples = sound.mono.astype(np.float64)
    if echo_s:
        tail = rng.normal(0, 1, round(echo_s * 16000)) * 10 ** (
            -3 * np.arange(round(echo_s * 16000)) / (echo_s * 16000)
        )
        tail[0] = 8
        samples = np.convolve(samples, tail)[: len(samples)]
        samples *= np.abs(sound.mono).max() / np.abs(samples).max()
    if noise_db is not None:
        power = (samples[np.abs(samples) > 100] ** 2).mean()
        samples += rng.normal(0, np.sqrt(power / 10 ** (noise_db / 10)), len(samples))
    return sound_from_samples(np.clip(np.rint(samples * 0.8), -32768, 32767).astype(np.int16), 16000, sound.name)


def synthetic(noise_db: float | None = None, echo_s: float = 0.0) -> Iterator[Case]:
    """Our sentences, two by two, by every voice."""
    for number, (voice, speed) in enumerate(VOICES):
        for pair in range(0, len(SENTENCES), 4):
            text = " ".join(SENTENCES[(pair + number + i) % len(SENTENCES)] for i in range(2))
            sound, phones = _voiced(text, voice, speed)
            if noise_db is not None or echo_s:
                sound = degraded(sound, noise_db, echo_s)
            yield Case(f"{voice} {pair}", sound, text, phones, "en")


def foreign() -> Iterator[Case]:
    """A few sentences in other languages."""
    for voice, text in FOREIGN:
        sound, phones = _voiced(text, voice)
        yield Case(voice, sound, text, phones, voice)


def labelled(folder: Path) -> Iterator[Case]:
    """The hand-labelled recordings of a folder."""
    for table in sorted(folder.glob("*.tsv")):
        rows = [line.split("\t")[:3] for line in table.read_text(encoding="utf-8").splitlines() if line[:1].isdigit()]
        sounds = [path for path in folder.glob(f"{table.stem}.*") if path.suffix.lower() not in (".tsv", ".txt")]
        words = table.with_suffix(".txt")
        transcript = words.read_text(encoding="utf-8") if words.is_file() else ""
        phones = tuple(Timed(float(start), float(end), phone) for start, end, phone in rows)
        yield Case(table.stem, open_sound(sounds[0]), transcript, phones, "en")


def measure(cases: Iterable[Case], with_transcript: bool, verbose: bool = False) -> Tally:
    """The tally over some recordings."""
    tally = Tally()
    for case in cases:
        began = time.process_time()
        try:
            speech = listen(case.sound, case.transcript if with_transcript else None, case.language)
        except StillwakeError as error:
            tally.refused += 1
            if verbose:
                print(f"   {case.name}: {error}")
            continue
        tally.cpu += time.process_time() - began
        tally.seconds += float(case.sound.seconds)
        score(tally, speech, labels(case.phones, float(case.sound.seconds)))
    return tally


# ---------------------------------------------------------------------------------------------------- ten minutes


def ten_minutes() -> None:
    """Align ten minutes of synthetic speech in this process and print time, memory and drift."""
    text = " ".join(SENTENCES)
    once = say(text)
    repeats = int(600 / float(once.sound.seconds)) + 1
    long = say(" ".join([text] * repeats))
    began, wall = time.process_time(), time.perf_counter()
    speech = listen(long.sound, " ".join([text] * repeats), "en")
    cpu, wall = time.process_time() - began, time.perf_counter() - wall
    count = int(long.sound.seconds * 60)
    begun = time.perf_counter()
    raster(speech, Fraction(60), count)
    rastered = time.perf_counter() - begun
    # the voice runs some words together ("was a"), so that its list is the shorter one: match by label and time
    apart = []
    starts = np.array([word.start for word in speech.words])
    for word in long.words:
        nearest = int(np.argmin(np.abs(starts - word.start)))
        if speech.words[nearest].label == word.label:
            apart.append((word.start, starts[nearest] - word.start))
    table = np.array(apart)
    begin, end = (table[table[:, 0] < 60, 1], table[table[:, 0] > table[-1, 0] - 60, 1])
    seconds = float(long.sound.seconds)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    first, final = 1000 * np.median(begin), 1000 * np.median(end)
    worst = 1000 * np.percentile(np.abs(table[:, 1]), 99)
    print(
        f"ten minutes ({seconds:.0f} s), with transcript: {cpu:.1f} s of cpu ({cpu / seconds:.3f} s per second, bar "
        f"0.2), {wall:.1f} s on the clock, {memory:.0f} MB at most (bar 1024)\n"
        f"  {len(table)} of {len(long.words)} words at their place; onsets {first:+.0f} ms in the first minute, "
        f"{final:+.0f} ms in the last; p99 {worst:.0f} ms\n"
        f"  raster of {count} frames at 60 fps: {rastered:.2f} s"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="hand-labelled recordings")
    parser.add_argument("--long", action="store_true", help="only the ten minutes")
    parser.add_argument("--text-only", action="store_true", help="only with transcripts")
    options = parser.parse_args()
    if options.long:
        ten_minutes()
        return
    print(f"{'':30s}{HEADER}")
    if options.folder:
        sets = [(options.folder.name, list(labelled(options.folder)))]
    else:
        sets = [
            ("synthetic", list(synthetic())),
            ("  in a room, noise 20 dB", list(synthetic(20, 0.3))),
            ("  noise 10 dB", list(synthetic(10))),
            ("other languages", list(foreign())),
        ]
    for name, cases in sets:
        print(f"{name[:24]:25s}text {measure(cases, True, True).line()}", flush=True)
        if not options.text_only:
            print(f"{name[:24]:25s}none {measure(cases, False, True).line()}", flush=True)
    if not options.folder:
        # a process of its own: its memory is the whole run's
        subprocess.run([sys.executable, "-m", "benchmarks.speech", "--long"], check=True)


if __name__ == "__main__":
    main()
