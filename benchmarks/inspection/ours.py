"""Clean clips of ours: stills that talk, live or are filmed by a moving camera; rendered once, then read from disk.

What is kept: the frames as H.264 of such a quality that nobody can see it (`CRF`), the samples of the sound, the
timeline of what is said, the plan, and what was drawn of the mouth. The scene is perceived anew when a take is loaded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import PICTURES
from stillwake.types import Plan, Samples, Sound, Speech, Still, Timed

from .sources import Source
from .takes import Known, Take, a_still, a_take, samples_of, scene_of, with_places

VERSION = 2
"""Goes up when takes are rendered differently, so that old ones are not read."""
CRF = 4
"""At 10 the step over a loop's seam, from a predicted frame to one that is not, read 2.04 instead of its own 1.4."""
TEXTS = (
    "My mother baked a marvellous apple pie, but Bob ate five pieces of it before we came home.",
    "Please move the big blue boat, and have fun by the river. Nobody has seen him since.",
    "Maybe we should open the window. It was warm all morning, and by noon the maps began to move.",
    "Every Monday the baker puffs up the mountain, and below him the valley wakes up with a smile.",
)
STORY = (
    "Once there was a photograph on a wall, and it had been quiet for so long that nobody remembered its voice. "
    "People passed below it with cups of coffee, with wet umbrellas, with bad news and with very good news. "
    "It saw them all, and it kept what it thought to itself until the morning on which it finally spoke. "
    "Nobody moved, but everybody believed it, and from then on they paid for a bigger frame. "
)
CAMERAS = ("push in", "orbit", "pan left", "dolly zoom", "truck right", "pull out")
SIZES = (512, 640, 720)
RATES = (Fraction(25), Fraction(30), Fraction(24), Fraction(30000, 1001))
SHORT, LONG = 8.0, 23.0
"""Seconds of a recording at most, and of a long one."""


def stills(folder: Path) -> list[tuple[str, Path | None]]:
    """Name and file of every still there is, in an order of its own: the two that everybody has come first."""
    from stillwake.doctor import demo_drawing

    try:
        import skimage.data  # noqa: F401 - only whether it is there

        always: list[tuple[str, Path | None]] = [("astronaut", None), ("mira", demo_drawing())]
    except ImportError:
        always = [("mira", demo_drawing())]
    found = [p for p in sorted(folder.glob("**/*")) if p.suffix.lower() in PICTURES] if folder.is_dir() else []
    return always + sorted(((p.stem, p) for p in found), key=lambda s: hashlib.sha1(s[0].encode()).digest())


def sources(stills_in: Path, speech_in: Path, cache: Path, *, fresh: bool = False) -> Iterator[Source]:
    """Every take of ours that can be made here."""
    recordings = sorted(p for p in speech_in.glob("*") if p.suffix.lower() in (".flac", ".wav", ".mp3"))
    for number, (name, path) in enumerate(stills(stills_in)):
        for kind, recipe in _recipes(number, recordings):
            title = f"{name} {recipe['title']}"

            about = _About(title, name, kind, recipe, path, cache)
            talks = kind in ("talk", "voice", "long")
            yield Source(title, name, kind, kind != "camera", talks, LONG if kind == "long" else 6.0, about.load,
                         partial(about.prepare, fresh=fresh))  # fmt: skip


def _recipes(number: int, recordings: list[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is made of the still of that number: everybody talks; others live, move, or talk for long."""
    common = {"size": SIZES[number % 3], "fps": str(RATES[number % 4]), "seed": number}
    text = TEXTS[number // 2 % len(TEXTS)]
    recorded = bool(recordings) and number % 2 == 0
    if recorded:
        file = recordings[number // 2 % len(recordings)]
        yield "talk", {**common, "title": f"says {file.stem}", "files": [str(file)], "most": SHORT}
    else:
        yield "voice", {**common, "title": f"says text {TEXTS.index(text)}", "say": text}
    if number % 3 != 1:
        yield "loop", {**common, "title": "lives", "seconds": 4 + number % 3}
    if number % 3 != 0:
        camera = CAMERAS[(number // 3 * 2 + number % 3) % len(CAMERAS)]
        yield "camera", {**common, "title": f"camera {camera}", "camera": camera, "seconds": 4 + number % 3}
    if number % 4 < 2:
        english = [str(p) for p in recordings if "RD_Radio" in p.stem or "hallo" in p.stem][::-1]
        if number % 4 == 0 and len(english) > 1:
            yield "long", {**common, "size": 512, "title": "speaks for long", "files": english, "most": LONG}
        else:
            yield "long", {**common, "size": 512, "title": "tells for long", "say": STORY, "most": LONG}


@dataclass(frozen=True)
class _About:
    """A take of ours: of which still it is made, how, and where it lies."""

    title: str
    name: str
    kind: str
    recipe: dict[str, Any]
    path: Path | None
    cache: Path

    @property
    def folder(self) -> Path:
        """Where it lies; another one whenever it would be made differently."""
        from stillwake import __version__

        key = json.dumps([VERSION, __version__, self.name, self.recipe], sort_keys=True)
        return self.cache / f"{self.title.replace(' ', '-')}-{hashlib.sha1(key.encode()).hexdigest()[:8]}"

    def still(self) -> Still:
        """The still."""
        from stillwake.media import open_still

        return a_still() if self.path is None else open_still(self.path)

    def prepare(self, *, fresh: bool = False) -> bool:
        """Render it unless it lies there; whether it can be made at all."""
        from stillwake.errors import StillwakeError

        facts, refused = self.folder / "facts.npz", self.folder / "refused.txt"
        if fresh or not (facts.is_file() or refused.is_file()):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                _render(self.still(), self.recipe, facts, self.folder / "frames.mp4")
            except StillwakeError as error:
                refused.write_text(str(error))
        return facts.is_file()

    def load(self) -> Take | None:
        """The take; None where it cannot be made."""
        from stillwake.media import read_frames, sound_from_samples

        if not self.prepare():
            return None
        with np.load(self.folder / "facts.npz") as kept:
            about = json.loads(str(kept["about"]))
            known = Known(kept["openings"], kept["lips"]) if "openings" in kept else None
            sound = sound_from_samples(kept["samples"], about["rate"], about["sound"]) if "samples" in kept else None
        speech = None if about["speech"] is None or sound is None else _speech(about["speech"], sound)
        number = int(hashlib.sha1(self.title.encode()).hexdigest(), 16)
        return with_places(
            Take(
                name=self.title,
                source=self.name,
                kind=self.kind,
                frames=list(read_frames(self.folder / "frames.mp4")),
                fps=Fraction(self.recipe["fps"]),
                sound=sound,
                speech=speech,
                scene=scene_of(self.still(), self.recipe["size"]),
                plan=Plan.model_validate_json(about["plan"]),
                known=known,
                crf=23 if number % 4 == 0 else 18,
            )
        )


def _render(still: Still, recipe: dict[str, Any], facts: Path, film: Path) -> None:
    """Write the take's frames and what is known of it; the facts last, so that they stand for both."""
    from stillwake.media import write_clip
    from stillwake.moves import camera_of

    speech = _spoken(recipe)
    shot: dict[str, Any] = {}
    if speech is None:
        camera = camera_of(recipe["camera"]) if "camera" in recipe else None
        shot = {"seconds": Fraction(recipe["seconds"]), "loop": camera is None, "camera": camera}
    take = a_take(still, speech, recipe["size"], Fraction(recipe["fps"]), **shot)
    write_clip(
        film, iter(take.frames), fps=take.fps, frame_count=len(take.frames), size=take.size, overwrite=True,
        preset="veryfast", crf=CRF,
    )  # fmt: skip
    assert take.plan is not None
    about: dict[str, Any] = {"plan": take.plan.to_json(), "speech": None}
    arrays: dict[str, Any] = {}
    if take.known is not None:
        arrays = {"openings": take.known.openings, "lips": take.known.lips}
    if speech is not None:
        arrays["samples"] = samples_of(speech.sound)
        about |= {"rate": speech.sound.rate, "sound": speech.sound.name, "speech": _kept(speech)}
    part = facts.with_name("part.npz")
    np.savez_compressed(part, about=np.array(json.dumps(about)), **arrays)
    part.replace(facts)


def _spoken(recipe: dict[str, Any]) -> Speech | None:
    from stillwake.media import open_sound, sound_from_samples
    from stillwake.speech import listen, say

    if "say" in recipe:
        speech = say(recipe["say"])
        if "most" not in recipe:
            return speech
        rate, most = speech.sound.rate, recipe["most"]
        return _cut(speech, samples_of(speech.sound)[: int(most * rate)], float(most))
    if "files" not in recipe:
        return None
    parts: list[Samples] = []
    rate, left = 0, 0
    for file in recipe["files"]:
        sound = open_sound(file)
        samples = _mono(samples_of(sound))
        if not rate:
            rate, left = sound.rate, int(recipe["most"] * sound.rate)
        if sound.rate != rate:
            samples = _resampled(samples, sound.rate, rate)
        parts.append(samples[:left])
        left -= len(parts[-1])
    return listen(sound_from_samples(np.concatenate(parts), rate, Path(recipe["files"][0]).name))


def _mono(samples: Samples) -> Samples:
    return samples.mean(1).astype(np.int16)


def _resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    from scipy.signal import resample_poly

    return np.clip(resample_poly(samples.astype(np.float64), wanted, rate), -32768, 32767).astype(np.int16)


def _cut(speech: Speech, samples: Samples, seconds: float) -> Speech:
    from stillwake.media import sound_from_samples

    def until(timed: tuple[Timed, ...]) -> tuple[Timed, ...]:
        return tuple(Timed(t.start, min(t.end, seconds), t.label) for t in timed if t.start < seconds)

    sound = sound_from_samples(samples, speech.sound.rate, speech.sound.name)
    return replace(
        speech, sound=sound, words=until(speech.words), phonemes=until(speech.phonemes), visemes=until(speech.visemes)
    )


def _kept(speech: Speech) -> dict[str, Any]:
    timed = {n: [[t.start, t.end, t.label] for t in getattr(speech, n)] for n in ("words", "phonemes", "visemes")}
    return {"language": speech.language, "source": speech.source, "confidence": speech.confidence, **timed}


def _speech(kept: dict[str, Any], sound: Sound) -> Speech:
    timed = {n: tuple(Timed(*t) for t in kept[n]) for n in ("words", "phonemes", "visemes")}
    return Speech(
        sound=sound, language=kept["language"], source=kept["source"], confidence=kept["confidence"], **timed
    )
