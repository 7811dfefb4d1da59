"""Does the clip show what its prompt asked for, to the end? Only a judge can tell, a vision-language model of yours.

It sees a few frames along the clip, one question a frame, under the rules of `stillwake.readiness.judge`: it warns at
most, and where it finds nothing wrong the finding stays ``unseen``. A "no" counts only if it comes again in other
words. What it says is believed if it does not see in the same frames what is surely not there, and sees in a drawn
face a face.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stillwake.inspection.faults import frames_at
from stillwake.types import Clip, ClipFinding, Pixels, Progress, no_progress

if TYPE_CHECKING:
    from stillwake.inspection.stream import Timing
    from stillwake.readiness import FrameJudge
    from stillwake.readiness.judge import Sight

CHECK = "prompt shown"
LOOKS = 5
"""Frames that are looked at: the first, a quarter on, the middle, three quarters on, the last."""
LONGEST = 768
"""px of a frame's longer side as it is kept for the judge."""

WORDINGS = (
    "Does this frame show what the words ask for?",
    "Compare this frame with the words. Are the things that they mainly name to be seen in it?",
)
"""The question, and the same in other words for whoever says no."""

DECOYS = (
    "a herd of elephants on a football pitch",
    "a red double-decker bus parked on the moon",
    "a penguin playing a grand piano under water",
    "a submarine among camels in a sandy desert",
    "a hot-air balloon inside a cathedral",
    "a dinosaur in a supermarket aisle",
)
"""What is surely in no frame; those that share a word with the prompt are left out."""
ASKED_DECOYS = 3
CONTROL = "a simple drawing of a face"
"""What `stillwake.readiness.judge.decoy` surely shows."""

UNASKED = "only a vision-language model can answer this: give one with --judge"


@dataclass(frozen=True, slots=True)
class _Look:
    """What the judge says of the frame at ``time``, in seconds."""

    time: float
    sight: Sight


def check(
    clip: Clip, times: Timing, asked: str, judge: FrameJudge | None, on_progress: Progress = no_progress
) -> list[ClipFinding]:
    """Whether frames along the clip show what was asked for; nothing where nothing was.

    Parameters
    ----------
    clip, times
        The clip, and when its frames are shown.
    asked
        The words that a generator was given.
    judge
        Who looks; without one it is unseen. It is sent `LOOKS` frames and no more of the clip.
    on_progress
        Called with "judge".
    """
    asked = asked.strip()
    if not asked:
        return []
    if judge is None:
        return [_unseen(UNASKED)]
    who = _who(judge)
    frames = _frames(clip, times)
    if not frames:
        return [_unseen("it has no frame")]
    doubt = _doubt(judge, asked, [pixels for _, pixels in frames], on_progress)
    if doubt:
        return [_unseen(f"{who} {doubt}")]
    looks = []
    before, total = ASKED_DECOYS + 1, ASKED_DECOYS + 1 + len(frames)
    for done, (time, pixels) in enumerate(frames):
        on_progress("judge", before + done, total)
        looks.append(_Look(time, _sight(judge, asked, pixels)))
    on_progress("judge", total, total)
    return [_told(looks, float(clip.info.frame_count / clip.info.fps), who)]


def prompt_sha256() -> str:
    """The hash of everything that a judge is asked, but for the prompt."""
    from stillwake.readiness.judge import SIGHT_RULES, SIGHT_SCHEMA

    told = [SIGHT_RULES, dict(SIGHT_SCHEMA), WORDINGS, DECOYS, CONTROL]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _who(judge: FrameJudge) -> str:
    """The judge as a finding names it: its model, and which version of the question it was asked."""
    from stillwake.readiness.judge import plain

    return f"the judge ({plain(judge.name)}, question {prompt_sha256()[:8]})"


def _frames(clip: Clip, times: Timing) -> list[tuple[float, Pixels]]:
    """(seconds, pixels) of the frames that are looked at, in order."""
    from stillwake.inspection.evidence import at_size

    indices = np.unique(np.linspace(0, len(times.ticks) - 1, LOOKS).round().astype(int)) if times.ticks else ()
    kept: list[tuple[float, Pixels]] = []
    for shown in frames_at(clip, times, (int(index) for index in indices)):
        height, width = shown.pixels.shape[:2]
        scale = min(1.0, LONGEST / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        kept.append((shown.time, at_size(shown.pixels, size).copy()))
    return kept


def _doubt(judge: FrameJudge, asked: str, frames: list[Pixels], on_progress: Progress) -> str:
    """Why the judge is not to be believed, as a predicate, or "": asked for what is not there, and for what is."""
    from stillwake.readiness.judge import decoy

    absent = decoys(asked)
    fired = 0
    for number, words in enumerate(absent):
        on_progress("judge", number, ASKED_DECOYS + 1 + len(frames))
        answer = judge.sight(WORDINGS[0], words, frames[number * (len(frames) - 1) // max(1, len(absent) - 1)])
        if isinstance(answer, str):
            return f"gave no usable answer: {answer}"
        fired += answer.shows == "yes"
    if fired:
        return f"says yes to {fired} of {len(absent)} things that are surely not there, so it is not believed"
    answer = judge.sight(WORDINGS[0], CONTROL, decoy(0))
    if isinstance(answer, str):
        return f"gave no usable answer: {answer}"
    return "" if answer.shows == "yes" else "does not see a face in a drawing of one, so it is not believed"


def decoys(asked: str) -> tuple[str, ...]:
    """What is surely not in a clip that those words ask for."""
    named = _nouns(asked)
    apart = [words for words in DECOYS if not _nouns(words) & named]
    return tuple((apart or DECOYS)[:ASKED_DECOYS])


def _nouns(words: str) -> set[str]:
    """The words of four letters and more, cut where a plural begins."""
    return {word.rstrip("s") for word in re.findall(r"[a-z]{4,}", words.lower())}


def _sight(judge: FrameJudge, asked: str, pixels: Pixels) -> Sight:
    """What it sees; no is unsure unless it is no in other words too, and so is no answer."""
    from stillwake.readiness.judge import Sight, plain

    first = judge.sight(WORDINGS[0], asked, pixels)
    if isinstance(first, str):
        return Sight("unsure", f"no answer: {first}")
    if first.shows != "no":
        return Sight(first.shows, plain(first.evidence))
    again = judge.sight(WORDINGS[1], asked, pixels)
    if isinstance(again, str):
        return Sight("unsure", f"no answer: {again}")
    if again.shows != "no":
        return Sight("unsure", f"it says no, and {again.shows} in other words")
    return Sight("no", plain(again.evidence))


def _told(looks: list[_Look], seconds: float, who: str) -> ClipFinding:
    shown = [at for at, look in enumerate(looks) if look.sight.shows == "yes"]
    unlike = [at for at, look in enumerate(looks) if look.sight.shows == "no"]
    last = shown[-1] if shown else -1
    lost = [look for look in looks[last + 1 :] if look.sight.shows == "no"]
    most = 2 * len(lost) > len(looks) - last - 1  # of the frames after the last that shows it
    share = round(len(shown) / max(1, len(shown) + len(unlike)), 2)
    if not shown and most:
        return ClipFinding(
            check=CHECK, verdict="warn", measured=0.0, unit="of the frames looked at", start=0.0, end=seconds,
            why=f"{who} sees what was asked for in none of {len(looks)} frames{_quoted(lost[0])}",
            fix="look yourself; if it is so, name it first in the prompt, or begin from a still that shows it",
        )  # fmt: skip
    if shown and most:
        gone = " and ".join(f"{look.time:.2f}" for look in lost)
        return ClipFinding(
            check=CHECK, verdict="warn", measured=share, unit="of the frames looked at", start=looks[last].time,
            end=seconds,
            why=f"{who} sees what was asked for until {looks[last].time:.2f} s, not at {gone} s{_quoted(lost[0])}",
            fix="look yourself; if it is so, make shorter segments, each with all the words",
        )  # fmt: skip
    if last == len(looks) - 1:
        return _unseen(
            f"{who} saw nothing wrong: what was asked for is in {len(shown)} of {len(looks)} frames, the last too"
        )
    unsure = [look for look in looks if look.sight.shows == "unsure"]
    return _unseen(f"{who} cannot tell in {len(unsure)} of {len(looks)} frames{_quoted(unsure[0])}")


def _quoted(look: _Look) -> str:
    return f" (at {look.time:.2f} s: “{look.sight.evidence}”)" if look.sight.evidence else ""


def _unseen(why: str) -> ClipFinding:
    return ClipFinding(check=CHECK, verdict="unseen", why=why)
