"""What the clip's own sound says, recognised afresh: a second witness that knows nothing of the plan."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock, Thread
from typing import Any

import numpy as np

from stillwake.inspection.stream import Span
from stillwake.speech.hear_worker import heard
from stillwake.speech.levels import RATE
from stillwake.types import Samples, Sound, Speech, Timed

log = logging.getLogger(__name__)

MARGIN = 0.4
"""Seconds of sound before and after a window that are heard with it: the shift is searched within them."""
ENOUGH = 20.0
"""Seconds that are heard at most where the timeline is known: more would tell the same."""
APART = 8.0
"""Seconds of sound from which a process of its own is worth its start."""
MEMORY, LONGEST = 16, 60.0
"""So many stretches are remembered, none longer than that in seconds: all takes of a shot have the same sound."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """The timeline recognised within ``spans`` of a clip's sound, or None and why there is none."""

    speech: Speech | None
    spans: tuple[Span, ...]
    why: str


class _Memory:
    """What was recognised lately in this process, by the samples and the language."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: dict[str, dict[str, Any]] = {}

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._answers.clear()

    def recall(self, keys: list[str]) -> list[dict[str, Any]] | None:
        """The answers to all of the stretches, or None."""
        with self._lock:
            if not all(key in self._answers for key in keys):
                return None
            return [self._answers[key] for key in keys]

    def keep(self, keys: list[str], answers: list[dict[str, Any]]) -> None:
        """Remember what was heard, not why nothing was: that may have been the machine's fault."""
        with self._lock:
            for key, answer in zip(keys, answers, strict=True):
                if key and "why" not in answer:
                    self._answers.pop(key, None)
                    self._answers[key] = answer
            for oldest in list(self._answers)[:-MEMORY]:
                del self._answers[oldest]


_memory = _Memory()


class Hearing:
    """A recogniser at work; `result` waits for it."""

    def __init__(self, sound: Sound | None, spans: tuple[Span, ...], told: Speech | None) -> None:
        self._sound, self._language = sound, told.language if told is not None else None
        self._stretches: list[tuple[Span, int, Samples]] = []
        mono = np.zeros(0, np.int16) if sound is None else sound.mono
        for start, end in _ends(spans) if told is not None else spans:
            first = max(0, round((start - MARGIN) * RATE))
            samples = mono[first : max(0, round((end + MARGIN) * RATE))]
            if len(samples) >= RATE // 2:
                self._stretches.append(((start, end), first, samples))
        self._keys = [self._key(samples) for _, _, samples in self._stretches]
        self._known = _memory.recall(self._keys)
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: Thread | None = None
        self._output = b""
        if self._known is None and sum(len(samples) for _, _, samples in self._stretches) >= APART * RATE:
            self._begin()

    def _key(self, samples: Samples) -> str:
        """By what a stretch is remembered; "" where it is too long for that."""
        if len(samples) > LONGEST * RATE:
            return ""
        return f"{sha256(np.ascontiguousarray(samples).data).hexdigest()} {self._language}"

    def _begin(self) -> None:
        command = [sys.executable, "-m", "stillwake.speech.hear_worker"]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            log.info("the recogniser stays in this process: %s", error)
            return
        lengths = [len(samples) for _, _, samples in self._stretches]
        header = json.dumps({"language": self._language, "lengths": lengths}).encode() + b"\n"
        data = np.concatenate([samples for _, _, samples in self._stretches]).astype("<i2").tobytes()
        self._thread = Thread(target=self._talk, args=(self._process, header + data), daemon=True)
        self._thread.start()

    def _talk(self, process: subprocess.Popen[bytes], data: bytes) -> None:
        self._output = process.communicate(data)[0]

    def _answers(self) -> list[dict[str, Any]]:
        if self._known is not None:
            return self._known
        answers = self._recognised()
        _memory.keep(self._keys, answers)
        return answers

    def _recognised(self) -> list[dict[str, Any]]:
        if self._thread is not None:
            self._thread.join()
            try:
                answers = json.loads(self._output)
            except ValueError:
                log.info("the recogniser's process gave no answer; it is asked again in this one")
            else:
                return list(answers)
        return [heard(samples, self._language) for _, _, samples in self._stretches]

    def result(self) -> Heard:
        """What was heard."""
        if self._sound is None:
            return Heard(None, (), "the clip has no sound")
        found, why = [], ""
        for (span, first, _), answer in zip(self._stretches, self._answers(), strict=True):
            if "why" in answer:
                why = answer["why"]
                log.info("nothing recognised from %.1f to %.1f s: %s", *span, why)
            else:
                found.append((span, first / RATE, answer))
        if not found:
            return Heard(None, (), why or "the sound is too short")
        speech = Speech(
            sound=self._sound,
            language=found[0][2]["language"],
            source=found[0][2]["source"],
            words=_joined(found, "words"),
            phonemes=_joined(found, "phonemes"),
            visemes=_joined(found, "visemes"),
            confidence=min(answer["confidence"] for _, _, answer in found),
        )
        return Heard(speech, tuple(span for span, _, _ in found), "")

    def close(self) -> None:
        """Stop it, if it is still at work."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        if self._thread is not None:
            self._thread.join()


@contextmanager
def hearing(sound: Sound | None, spans: tuple[Span, ...], told: Speech | None) -> Iterator[Hearing]:
    """A recogniser that begins at once, beside whatever the block does.

    ``told`` gives the language, not the words: the recogniser does not see them.
    """
    at_work = Hearing(sound, spans, told)
    try:
        yield at_work
    finally:
        at_work.close()


def _ends(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """What is heard of the spans: all of a short clip, else the beginning of the first and the end of the last."""
    if sum(end - start for start, end in spans) <= ENOUGH:
        return spans
    (start, first_end), (last_start, end) = spans[0], spans[-1]
    return (start, min(first_end, start + ENOUGH / 2)), (max(last_start, end - ENOUGH / 2), end)


def _joined(found: list[tuple[Span, float, dict[str, Any]]], kind: str) -> tuple[Timed, ...]:
    """All parts on the clip's clock, ordered; where two stretches overlap, the later begins where the first ends."""
    joined: list[Timed] = []
    for _, at, answer in found:
        for first, last, label in answer[kind]:
            start, end = first + at, last + at
            if joined and start < joined[-1].end:
                start = joined[-1].end
            if end > start:
                joined.append(Timed(start, end, label))
    return tuple(joined)
