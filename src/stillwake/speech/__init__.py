"""Words or sound -> samples and timed phonemes -> mouth shapes for every frame."""

from __future__ import annotations

from fractions import Fraction

from stillwake.speech.exports import FORMATS, export
from stillwake.speech.frames import blend
from stillwake.speech.listening import hear, listen
from stillwake.speech.timeline import bare_phonemes, visemes
from stillwake.speech.voice import Voice, speak, variants, voices
from stillwake.types import Floats, Speech

__all__ = ["FORMATS", "Voice", "export", "hear", "listen", "raster", "say", "variants", "voices"]


def say(text: str, voice: str | None = None, language: str | None = None) -> Speech:
    """The text as speech, with the synthesiser's own phoneme times.

    ``voice`` is one of `voices`, if wanted with one of `variants` after a plus ("en-us+f3"); ``language`` a BCP 47
    tag. Without either, the script of the text decides, and Latin letters are read as American English.

    Raises
    ------
    stillwake.errors.TranscriptError
        There is nothing to say, or more than an hour of it.
    stillwake.errors.VoiceUnavailableError
        The voice or the language does not exist, or espeak-ng is missing.
    stillwake.errors.UsageError
        The voice does not speak the language.
    """
    from stillwake.media import sound_from_samples

    spoken = speak(text, voice, language)
    sound = sound_from_samples(spoken.samples, spoken.rate, "voice")
    phonemes = bare_phonemes(spoken.phonemes)
    return Speech(
        sound=sound,
        language=spoken.language,
        source="voice",
        words=spoken.words,
        phonemes=phonemes,
        visemes=visemes(phonemes, float(sound.seconds)),
    )


def raster(speech: Speech, fps: Fraction, frame_count: int) -> Floats:
    """The mouth of every frame: weights of `stillwake.types.VISEMES`, (frame_count, 18) float32, rows summing to 1.

    Frame i stands for (i + 1/2) / fps seconds. Frames of a closure are exactly one-hot MBP or FV, and every closure
    has at least one; frames within silence are exactly one-hot "rest".
    """
    return blend(speech.visemes, Fraction(fps), frame_count)
