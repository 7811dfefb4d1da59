"""What the clip's own sound says, recognised afresh: a second witness that knows nothing of the plan."""

from __future__ import annotations

import logging
from dataclasses import replace

from stillwake.errors import StillwakeError
from stillwake.inspection.stream import Span
from stillwake.types import Sound, Speech, Timed

log = logging.getLogger(__name__)

RATE = 16_000
MARGIN = 0.4
"""Seconds of sound before and after a window that are heard with it: the shift is searched within them."""


ENOUGH = 20.0
"""Seconds that are heard at most where the timeline is known: the recogniser takes a sixth of real time."""


def hear(
    sound: Sound | None, spans: tuple[Span, ...], told: Speech | None
) -> tuple[Speech | None, tuple[Span, ...], str]:
    """The timeline recognised in the spans of a clip's sound and where it holds, or None, no span and why.

    ``told`` gives the language, not the words: the recogniser does not see them.
    """
    from stillwake.media import sound_from_samples
    from stillwake.speech import listen

    if sound is None:
        return None, (), "the clip has no sound"
    language = told.language if told is not None else None
    if told is not None:
        spans = _ends(spans)
    heard: list[tuple[float, Speech]] = []
    where: list[Span] = []
    why = ""
    for start, end in spans:
        first = max(0, round((start - MARGIN) * RATE))
        samples = sound.mono[first : max(0, round((end + MARGIN) * RATE))]
        if len(samples) < RATE // 2:
            continue
        try:
            heard.append((first / RATE, listen(sound_from_samples(samples, RATE, sound.name), None, language)))
            where.append((start, end))
        except StillwakeError as error:
            why = f"{error.what}: {error.why}"
            log.info("nothing recognised from %.1f to %.1f s: %s", start, end, error)
    if not heard:
        return None, (), why or "the sound is too short"
    first_heard = heard[0][1]
    return (
        replace(
            first_heard,
            sound=sound,
            words=_moved([(at, speech.words) for at, speech in heard]),
            phonemes=_moved([(at, speech.phonemes) for at, speech in heard]),
            visemes=_moved([(at, speech.visemes) for at, speech in heard]),
            confidence=min(speech.confidence for _, speech in heard),
            notes=(),
        ),
        tuple(where),
        "",
    )


def _ends(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """What is heard of the spans: all of a short clip, else the beginning of the first and the end of the last."""
    if sum(end - start for start, end in spans) <= ENOUGH:
        return spans
    (start, first_end), (last_start, end) = spans[0], spans[-1]
    return (start, min(first_end, start + ENOUGH / 2)), (max(last_start, end - ENOUGH / 2), end)


def _moved(parts: list[tuple[float, tuple[Timed, ...]]]) -> tuple[Timed, ...]:
    """All parts on the clip's clock, ordered; where two windows overlap, the later one begins where the first ends."""
    joined: list[Timed] = []
    for at, timed in parts:
        for item in timed:
            start, end = item.start + at, item.end + at
            if joined and start < joined[-1].end:
                start = joined[-1].end
            if end > start:
                joined.append(Timed(start, end, item.label))
    return tuple(joined)
