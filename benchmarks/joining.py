"""Joined films: sound across cuts, picture at sound after 50 shots, loudness, ten minutes' memory and time.

    python -m benchmarks.joining [--minutes 10]

Everything is drawn and sounded here. What is said of a film is measured on the delivered file: its frames decoded,
its sound decoded after AAC. The long film is joined and proven in a process of its own, whose peak memory is read when
it ends; "encoding alone" hands the encoder frames of that same film which lie ready.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stillwake.assemble.captions import Caption
from stillwake.assemble.edit import Edit, Picture, Track
from stillwake.assemble.join import join
from stillwake.assemble.mix import RATE, mixed
from stillwake.assemble.proof import prove
from stillwake.errors import ClipError
from stillwake.media import clip_sound, open_clip, open_sound, read_frames, sound_from_samples, write_clip
from stillwake.media.loudness import loudness
from stillwake.types import Clip, Pixels, Sound, Speech, Timed

ZERO = Fraction(0)
MEMORY_BAR = 1536
"""MiB."""
SHOTS = 50


def verdict(well: bool) -> str:
    """A word for the table."""
    return "holds" if well else "MISSED"


def syllables(seconds: float, seed: int, level: float = 9000) -> npt.NDArray[np.int16]:
    """Noise that comes and goes eight times a second, as speech does."""
    chance = np.random.default_rng(seed)
    count = int(seconds * RATE)
    body = np.convolve(chance.standard_normal(count), np.ones(12) / 12, "same")
    steps = chance.uniform(0, 1, int(seconds * 8) + 2) ** 2
    course = np.interp(np.arange(count) / RATE * 8, np.arange(len(steps)), steps)
    samples: npt.NDArray[np.int16] = (level * body * course).clip(-32768, 32767).astype(np.int16)
    return samples


def heard(sound: Sound) -> npt.NDArray[np.int16]:
    """All samples of a sound."""
    return np.concatenate(list(sound.blocks()))


def told(sound: Sound) -> Speech:
    """A timeline: words of a third of a second, a breath every three seconds."""
    words = [Timed(at, at + 0.32, "word") for at in np.arange(0.1, float(sound.seconds) - 0.4, 0.33) if at % 3 < 2.6]
    return Speech(sound, "en", "voice", tuple(words), (), ())


# --------------------------------------------------------------------------------------------------------- 50 shots


BEAT = 8000 * np.sin(np.arange(4800) / 9) * np.exp(-np.arange(4800) / 1500)
"""A tenth of a second that is heard above the noise."""


def beaten(seconds: float, seed: int) -> tuple[npt.NDArray[np.int16], list[float]]:
    """A recording of noise with a beat now and then, and when each begins; no limiter has to touch it."""
    chance = np.random.default_rng(seed)
    samples = chance.normal(0, 2000, int(seconds * RATE))
    beats = np.cumsum(chance.uniform(0.35, 0.8, int(seconds / 0.6)))
    beats = beats[beats < seconds - 0.3]
    for beat in beats:
        first = round(beat * RATE)
        samples[first : first + len(BEAT)] += BEAT
    return samples.clip(-32768, 32767).astype(np.int16), beats.tolist()


def flashing(first: int, count: int, fps: Fraction, beats: list[float], shot: int) -> Iterator[Pixels]:
    """Frames of a shot in which a square lights up on the frame in whose time a beat begins."""
    chance = np.random.default_rng(shot)
    ground = chance.integers(30, 120, 3)
    lit = {int(beat * fps) for beat in beats}
    for index in range(first, first + count):
        frame = np.full((180, 320, 3), ground, np.uint8)
        x = 20 + (5 * index) % 260
        frame[140:165, x : x + 25] = 160
        frame[20:100, 100:220] = 235 if index in lit else 15
        yield frame


def fifty_shots(folder: Path) -> None:
    """One recording under 50 shots, at a rate that is no whole number."""
    fps = Fraction(30_000, 1001)
    chance = np.random.default_rng(7)
    lengths = chance.integers(20, 55, SHOTS)
    ends = np.cumsum(lengths).tolist()
    starts = [0, *ends[:-1]]
    seconds = float(ends[-1] / fps)
    samples, beats = beaten(seconds + 1, 3)
    recording = sound_from_samples(samples, RATE, "recording")
    clips: list[Clip | None] = []
    pictures = []
    for shot, (start, end) in enumerate(zip(starts, ends, strict=True)):
        frames = flashing(start, end - start, fps, beats, shot)
        path = folder / f"shot{shot:02}.mp4"
        clips.append(write_clip(path, frames, fps=fps, frame_count=end - start, size=(320, 180), preset="ultrafast"))
        pictures.append(Picture(shot, f"shot {shot + 1}", start, end))
    film_seconds = ends[-1] / fps
    whole = (Track(0, recording, ZERO, ZERO, film_seconds),)
    cuts = [start / fps for start in (*starts, ends[-1])]
    pieces = tuple(Track(shot, recording, cuts[shot], cuts[shot], cuts[shot + 1]) for shot in range(SHOTS))
    for name, tracks in (("laid once", whole), ("cut into 50 pieces", pieces)):
        edit = Edit(fps, (320, 180), ends[-1], tuple(pictures), tracks)
        sound = mixed(edit)
        assert sound is not None
        mix = heard(sound)[:, 0].astype(np.float64)
        own = samples[: len(mix)].astype(np.float64)
        gain = float((mix @ own) / (own @ own))
        off = np.abs(mix - gain * own)
        print(
            f"   {name:<20} {int((off > 1).sum())} of {len(mix)} samples are off the recording by more than a step of "
            f"16 bits (bar 0, {verdict(not (off > 1).any())}), raised by {20 * np.log10(gain):+.1f} dB"
        )
    film = join(edit, clips, folder / "fifty.mp4", sound=sound)
    delivered = clip_sound(film.path)
    assert delivered is not None
    after = heard(delivered)[:, 0].astype(np.float64)
    lags = [_lag(after, own, round(float(cut) * RATE)) for cut in cuts[1:-1]]
    worst = max(lags, key=abs)
    print(f"   delivered, at the 49 cuts the sound is off by at most {worst} samples (bar 0, {verdict(worst == 0)})")
    lit = [float(frame[30:90, 110:210].mean()) > 125 for frame in read_frames(film)]
    flashes = [k for k in range(1, len(lit)) if lit[k] and not lit[k - 1]]
    onsets = [_onset(after, round(beat * RATE)) / RATE for beat in beats if beat < seconds - 0.2]
    apart = [flash / float(fps) - onset for flash, onset in zip(flashes, onsets, strict=False)]
    frame = 1 / float(fps)
    # A frame that lights up in whose time the beat begins starts up to one frame before it.
    centred = [1000 * (value + frame / 2) for value in apart]
    well = len(flashes) == len(onsets) and all(abs(value) <= 1000 * frame for value in centred)
    print(
        f"   delivered, {len(flashes)} of {len(onsets)} flashes seen; the middle of their frame lies "
        f"{min(centred):+.1f} to {max(centred):+.1f} ms from the beat heard, in the last ten "
        f"{np.mean(centred[-10:]):+.1f} (bar {1000 * frame:.1f}, {verdict(well)})"
    )
    found = prove(film, edit, clips, sound)
    _said(found.passed, [f"{f.verdict} {f.check}: {f.why}" for f in found.findings if f.verdict != "pass"])


def _lag(after: npt.NDArray[np.float64], own: npt.NDArray[np.float64], middle: int) -> int:
    """By how many samples the delivered sound is late around a place."""
    from scipy.signal import correlate

    reach, length = 480, 9600
    first = max(reach, middle - length // 2)
    piece = own[first : first + length]
    around = after[first - reach : first + len(piece) + reach]
    return int(correlate(around, piece, mode="valid", method="fft").argmax()) - reach


def _onset(after: npt.NDArray[np.float64], near: int) -> int:
    """The sample on which a beat begins in the delivered sound, looked for within a fifth of a second."""
    first = max(0, near - RATE // 5)
    likeness = np.correlate(after[first : near + RATE // 5 + len(BEAT)], BEAT, "valid")
    return first + int(likeness.argmax())


def _said(passed: bool, why: list[str]) -> None:
    print(f"   the proof {'passes' if passed else 'FAILS'} it" + (": " + "; ".join(why[:4]) if why else ""))


# --------------------------------------------------------------------------------------------------------- loudness


def chords(seconds: float, level: float) -> npt.NDArray[np.int16]:
    """Music of a kind: chords with a drum, in stereo."""
    time = np.arange(int(seconds * RATE)) / RATE
    chance = np.random.default_rng(5)
    roots = 110 * 2 ** (chance.integers(0, 12, int(seconds) + 1) / 12)
    root = roots[time.astype(int)]
    phase = np.cumsum(root) / RATE
    tone = sum(np.sin(2 * np.pi * ratio * phase) / (k + 1) for k, ratio in enumerate((1, 1.26, 1.5, 2, 3)))
    drum = chance.standard_normal(len(time)) * np.exp(-(time % 0.5) * 30)
    left = tone + 1.5 * drum
    right = np.roll(tone, 500) + 1.2 * drum
    both = np.stack([left, right], 1)
    samples: npt.NDArray[np.int16] = (level * both / np.abs(both).max()).astype(np.int16)
    return samples


def levels(folder: Path) -> None:
    """Loudness and true peak of delivered films, and the gain each mix was given."""
    from stillwake.speech import say

    voice = say("The tide was out, and the harbour lay quiet under a sky the colour of slate. Nobody had come.").sound
    seconds = voice.seconds

    def laid(sound: Sound, **more: object) -> Track:
        return Track(0, sound, ZERO, ZERO, sound.seconds, **more)  # type: ignore[arg-type]

    spoken = laid(voice, speech=told(voice))
    music = sound_from_samples(chords(float(seconds), 20_000), RATE, "music")
    quiet = sound_from_samples((heard(voice) * 0.01).astype(np.int16), voice.rate, "quiet")
    clicks = syllables(8, 4, 300)
    clicks[RATE :: 2 * RATE] = 32_000
    mixes = {
        "speech": (spoken,),
        "music": (laid(music),),
        "speech over a bed": (spoken, Track(None, music, ZERO, ZERO, Fraction(5), gain=-12.0, duck=8.0, loops=True)),
        "white noise": (
            laid(sound_from_samples(np.random.default_rng(0).normal(0, 3000, 8 * RATE).astype(np.int16), RATE)),
        ),
        "speech at -40 dB": (laid(quiet),),
        "soft with clicks": (laid(sound_from_samples(clicks, RATE)),),
    }
    grey = write_clip(
        folder / "grey.mp4", (np.full((36, 64, 3), 90, np.uint8) for _ in range(1500)), fps=Fraction(25),
        frame_count=1500, size=(64, 36), preset="ultrafast",
    )  # fmt: skip
    print(f"   {'mix':<20} {'before':>16} {'delivered':>20}   bar -14 ± 0.3 LUFS, at most -1 dBTP")
    for name, tracks in mixes.items():
        count = int(max(track.end for track in tracks if track.shot is not None) * 25)
        edit = Edit(Fraction(25), (64, 36), count, (Picture(0, "grey", 0, count),), tracks)
        raw = edit_loudness(edit)
        start = time.perf_counter()
        sound = mixed(edit)
        took = time.perf_counter() - start
        assert sound is not None
        film = join(edit, [grey], folder / "level.mp4", sound=sound, overwrite=True)
        found = loudness(film.path, "Cannot hear", ClipError)
        assert found is not None
        well = abs(found.integrated + 14) <= 0.3 and found.true_peak <= -1.0
        word = "stays below, and says so" if sound.notes else verdict(well)
        print(
            f"   {name:<20} {raw[0]:>6.1f} LUFS {raw[1]:>5.1f}   {found.integrated:>6.2f} LUFS "
            f"{found.true_peak:>6.2f}   {word} ({took / count * 25:.2f} s a second of film)"
        )


def edit_loudness(edit: Edit) -> tuple[float, float]:
    """LUFS and true peak of a mix before it is levelled."""
    from stillwake.assemble.mix import _Mix
    from stillwake.types import no_progress

    found = _Mix(edit).measure(no_progress)
    return found.integrated, found.true_peak


# ------------------------------------------------------------------------------------------------------- ten minutes


def make_material(folder: Path, minutes: float) -> None:
    """Four clips of a head that talks, at 1280 x 720, a recording as long as the film, and a bed."""
    from benchmarks.encode import TalkingHead

    head = TalkingHead((1280, 720))
    tints = np.array([[1, 1, 1], [1, 0.85, 0.8], [0.8, 0.9, 1], [0.9, 1, 0.8]], np.float32)
    for number, tint in enumerate(tints):

        def frames(tint: npt.NDArray[np.float32] = tint, turn: int = 1 - 2 * (number % 2)) -> Iterator[Pixels]:
            for index in range(800):
                yield (head.draw(index) * tint).astype(np.uint8)[:, ::turn]

        write_clip(
            folder / f"head{number}.mp4", frames(), fps=Fraction(25), frame_count=800, size=(1280, 720),
            preset="ultrafast",
        )  # fmt: skip
    for name, samples, rate in (
        ("talk", syllables(minutes * 60, 1), 1),
        ("bed", chords(47, 9000), 2),
    ):
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((rate, 2, RATE, 0, "NONE", ""))
            file.writeframes(samples.tobytes())


def long_film(folder: Path, minutes: float) -> None:
    """Mix, join and prove it in this process; the times as JSON on standard output."""
    clips: list[Clip | None] = [open_clip(folder / f"head{number}.mp4") for number in range(4)]
    count, pictures, start = round(minutes * 60 * 25), [], 0
    while start < count:
        shot = len(pictures) % 4
        end = min(count, start + 750)
        kind = "dissolve" if len(pictures) % 5 == 4 else "cut"
        begin = start - 12 if kind == "dissolve" else start
        pictures.append(Picture(shot, f"head {shot}", begin, end, 20, kind, 12 if kind == "dissolve" else 0))  # type: ignore[arg-type]
        start = end
    talk, bed = open_sound(folder / "talk.wav"), open_sound(folder / "bed.wav")
    edit = Edit(
        Fraction(25), (1280, 720), count, tuple(pictures),
        (
            Track(0, talk, ZERO, ZERO, talk.seconds, speech=told(talk)),
            Track(None, bed, ZERO, ZERO, bed.seconds, gain=-14.0, duck=8.0, loops=True, fade_out=Fraction(2)),
        ),
    )  # fmt: skip
    captions = [
        Caption(Fraction(at), Fraction(at + 4), f"This is what is said\nafter {at} seconds of the film.")
        for at in range(0, count // 25 - 5, 5)
    ]
    times = [time.perf_counter()]
    sound = mixed(edit)
    times.append(time.perf_counter())
    film = join(edit, clips, folder / "long.mp4", sound=sound, captions=captions, overwrite=True)
    times.append(time.perf_counter())
    found = prove(film, edit, clips, sound)
    times.append(time.perf_counter())
    mix, joined, proven = np.diff(times).tolist()
    said = [f"{f.verdict} {f.check}: {f.why}" for f in found.findings if f.verdict != "pass"]
    print(
        json.dumps(
            {"mix": mix, "join": joined, "prove": proven, "passed": found.passed, "said": said, "peak": peak_memory()}
        )
    )


def peak_memory() -> float:
    """MiB that this process held at most.

    Linux counts into ``ru_maxrss`` what the process held that started this one: there the kernel's own mark is read.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        marks = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        if marks:
            return int(marks[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # in bytes on macOS


def encoding_alone(folder: Path) -> float:
    """Frames a second of the encoder with frames of the long film that lie ready."""
    ready = list(islice(read_frames(folder / "long.mp4"), 740, 890))
    frames = islice(cycle(ready + ready[-2:0:-1]), 1500)
    samples = sound_from_samples(syllables(60, 2), RATE)
    start = time.perf_counter()
    write_clip(
        folder / "alone.mp4",
        frames,
        fps=Fraction(25),
        frame_count=1500,
        size=(1280, 720),
        sound=samples,
        overwrite=True,
    )
    return 1500 / (time.perf_counter() - start)


def ten_minutes(folder: Path, minutes: float) -> None:
    """Peak memory of the process that makes it, and its time beside encoding alone."""
    make_material(folder, minutes)
    command = [sys.executable, "-m", "benchmarks.joining", "--minutes", str(minutes), "--make", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"   the long film failed with status {done.returncode}")
    told = json.loads(done.stdout)
    peak = told["peak"]
    count = minutes * 60 * 25
    alone = count / encoding_alone(folder)
    whole = told["mix"] + told["join"]
    well = verdict(peak < MEMORY_BAR)
    print(f"   {minutes:g} min at 1280 x 720: peak memory {peak:.0f} MiB (bar {MEMORY_BAR}, {well})")
    print(
        f"   mixed in {told['mix']:.0f} s, joined in {told['join']:.0f} s, encoding alone would take {alone:.0f} s: "
        f"the join {told['join'] / alone:.2f} times, with the mix {whole / alone:.2f} times; "
        f"proven in {told['prove']:.0f} s"
    )
    _said(told["passed"], told["said"])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=["shots", "levels", "long"])
    asked = parser.parse_args()
    if asked.make is not None:
        long_film(asked.make, asked.minutes)
        return
    for name, part in (("shots", fifty_shots), ("levels", levels)):
        if asked.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                part(Path(folder))
    if asked.only in (None, "long"):
        with tempfile.TemporaryDirectory() as folder:
            ten_minutes(Path(folder), asked.minutes)


if __name__ == "__main__":
    main()
