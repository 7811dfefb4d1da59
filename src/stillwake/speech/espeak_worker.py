"""espeak-ng in a process of its own: what it is asked on stdin, the answer on stdout.

Run as a script, with the standard library alone, by `stillwake.speech.voice`. The synthesiser keeps global
state and is written in C: a process of its own makes it safe to call from any thread, and a text that brings it
down brings down nothing else.

stdin holds one JSON object (``do`` is "voices", "say" or "pronounce"). stdout is a run of packets: a letter, the
payload's length (4 bytes, little-endian), the payload. ``S`` int16 samples, ``E`` a JSON list of events
``[kind, sample, text_position, length, label]``, ``J`` the JSON answer, ``F`` a JSON failure ``{"why": ...}``.
"""

from __future__ import annotations

import ctypes
import json
import struct
import sys

SYNCHRONOUS = 2
PHONEME_EVENTS, PHONEME_IPA, DO_NOT_EXIT = 1, 2, 0x8000
UTF8 = 1
END_OF_LIST, WORD, SENTENCE, END, PHONEME = 0, 1, 2, 5, 7
RATE_PARAMETER, PITCH_PARAMETER = 1, 3


class _Label(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Label),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Failure(Exception):  # noqa: N818  the packet is called so too
    """espeak-ng answered with an error code; the message says which call."""


def send(letter: bytes, payload: bytes) -> None:
    """Write one packet."""
    sys.stdout.buffer.write(letter + struct.pack("<I", len(payload)) + payload)


def send_json(letter: bytes, thing: object) -> None:
    """Write one packet of JSON."""
    send(letter, json.dumps(thing).encode())


def text_of(raw: bytes | None) -> str:
    """The text of a C string; what is cut within a character is dropped."""
    return (raw or b"").decode("utf-8", errors="ignore")


class Espeak:
    """The library, initialised; ``rate`` is its sample rate in Hz."""

    def __init__(self, library: str, data: str) -> None:
        self._lib = ctypes.CDLL(library)
        self._lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._lib.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
        options = PHONEME_EVENTS | PHONEME_IPA | DO_NOT_EXIT
        self.rate = self._lib.espeak_Initialize(SYNCHRONOUS, 0, data.encode(), options)
        if self.rate <= 0:
            raise Failure(f"espeak_Initialize answered {self.rate}")
        # breathy voices draw noise, by default seeded from the clock
        self._check("espeak_ng_SetRandSeed", self._lib.espeak_ng_SetRandSeed(1))

    def _check(self, call: str, code: int) -> None:
        if code != 0:
            raise Failure(f"{call} answered {code}")

    def voices(self) -> list[dict[str, object]]:
        """Every voice, and the variants (their language is "variant")."""
        found = []
        for wanted in (None, _Voice(languages=ctypes.cast(ctypes.c_char_p(b"variant"), ctypes.c_void_p))):
            listed = self._lib.espeak_ListVoices(ctypes.byref(wanted) if wanted else None)
            index = 0
            while listed[index]:
                voice = listed[index].contents
                found.append(
                    {
                        "name": text_of(voice.name),
                        "languages": self._languages(voice.languages),
                        "identifier": text_of(voice.identifier),
                        "gender": voice.gender,
                    }
                )
                index += 1
        return found

    @staticmethod
    def _languages(address: int | None) -> list[tuple[int, str]]:
        # a list of (priority byte, name, NUL), ended by a priority of 0; low numbers come first
        names: list[tuple[int, str]] = []
        while address and (priority := ctypes.c_ubyte.from_address(address).value):
            raw = ctypes.string_at(address + 1)
            names.append((priority, text_of(raw)))
            address += len(raw) + 2
        return names

    def choose(self, identifier: str) -> None:
        """Speak with this voice from now on; a failure would leave the old voice in place."""
        self._check("espeak_SetVoiceByName", self._lib.espeak_SetVoiceByName(identifier.encode()))

    def say(self, text: str, words_per_minute: int, pitch: int) -> None:
        """Synthesise, sending samples and events as they come."""

        def heard(samples: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
            if count > 0 and samples:
                send(b"S", ctypes.string_at(samples, 2 * count))
            batch = []
            index = 0
            while events[index].type != END_OF_LIST:
                event = events[index]
                if event.type in (WORD, SENTENCE, END, PHONEME):
                    label = text_of(event.id.string) if event.type == PHONEME else ""
                    batch.append([event.type, event.sample, event.text_position, event.length, label])
                index += 1
            if batch:
                send_json(b"E", batch)
            return 0

        callback = _CALLBACK(heard)
        self._lib.espeak_SetSynthCallback(callback)
        self._check("espeak_SetParameter", self._lib.espeak_SetParameter(RATE_PARAMETER, words_per_minute, 0))
        self._check("espeak_SetParameter", self._lib.espeak_SetParameter(PITCH_PARAMETER, pitch, 0))
        raw = text.encode("utf-8", errors="replace") + b"\0"
        self._check("espeak_Synth", self._lib.espeak_Synth(raw, len(raw), 0, 0, 0, UTF8, None, None))
        self._check("espeak_Synchronize", self._lib.espeak_Synchronize())

    def pronounce(self, text: str) -> str:
        """The IPA of a text, clause after clause, words apart by spaces."""
        raw = ctypes.create_string_buffer(text.encode("utf-8", errors="replace"))
        rest = ctypes.c_void_p(ctypes.addressof(raw))
        clauses = []
        while rest.value:
            before = rest.value
            clauses.append(text_of(self._lib.espeak_TextToPhonemes(ctypes.byref(rest), UTF8, PHONEME_IPA)))
            if rest.value == before:
                break
        return " ".join(clause.strip() for clause in clauses if clause.strip())


def main() -> int:
    """Answer the one question on stdin."""
    asked = json.loads(sys.stdin.buffer.read())
    try:
        espeak = Espeak(asked["library"], asked["data"])
        if asked["do"] == "voices":
            send_json(b"J", espeak.voices())
        else:
            espeak.choose(asked["voice"])
            if asked["do"] == "say":
                espeak.say(asked["text"], asked["words_per_minute"], asked["pitch"])
                send_json(b"J", {"rate": espeak.rate})
            else:
                send_json(b"J", [espeak.pronounce(text) for text in asked["texts"]])
    except (Failure, OSError) as failure:
        send_json(b"F", {"why": str(failure)})
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
