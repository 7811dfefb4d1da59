"""Is the clip as long as it should be, picture and sound alike, and every frame on time?"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stillwake.media import CLIP_ENDINGS, carries_sound
from stillwake.types import ClipFinding, Verdict

if TYPE_CHECKING:
    from stillwake.inspection.evidence import Evidence

Array = npt.NDArray[np.float64]

ON_TIME = 0.05
"""Share of a frame's time by which a frame may be off its place and still be counted in the rate's grid."""

_CONSTANT = "write the clip at a constant frame rate from 0: ffmpeg -i CLIP -fps_mode cfr -c:a copy OUT.mp4"

_SOUNDING = tuple(ending for ending in CLIP_ENDINGS if carries_sound(f"clip{ending}"))


def check(evidence: Evidence) -> list[ClipFinding]:
    """Frame count, frame times, and the lengths of picture and sound."""
    return [_frame_count(evidence), _frame_times(evidence), _sound_length(evidence)]


def _frame_count(evidence: Evidence) -> ClipFinding:
    name, count = "length", len(evidence.timing.ticks)
    planned = _planned(evidence)
    if planned is None:
        return ClipFinding.unseen(name, f"no plan says whether {count} frames are right")
    return ClipFinding(
        check=name,
        verdict="pass" if count == planned else "fail",
        measured=float(count),
        unit="frames",
        limit=float(planned),
        why=f"the clip has {count} frames" + ("" if count == planned else f", the plan says {planned}"),
        fix="" if count == planned else "render the clip again",
    )


def _planned(evidence: Evidence) -> int | None:
    if evidence.plan is not None and evidence.plan.shots:
        return sum(shot.frame_count * shot.repeat for shot in evidence.plan.shots)
    return evidence.asked.frames if evidence.performance is None else evidence.performance.frame_count


def _frame_times(evidence: Evidence) -> ClipFinding:
    """Every frame at index / fps from 0, to within half a tick of the container's own clock.

    A stranger's rate was read from such rounded times itself: there a whole tick is allowed. Where they are not, the
    reason is told: frames that are missing from the rate, two at the same time, or no rate at all.
    """
    name, times, fps = "frame times", evidence.timing, evidence.fps
    if not times.ticks:
        return ClipFinding(check=name, verdict="fail", why="the clip has no frame", fix="render the clip again")
    ours = evidence.plan is not None or evidence.performance is not None
    limit = times.tick / 2 if ours else times.tick
    worst, worst_index = times.worst(fps)
    if worst <= limit:
        return ClipFinding(
            check=name,
            verdict="pass",
            measured=float(worst) * 1000,
            unit="ms",
            limit=float(limit) * 1000,
            why=f"all {len(times.ticks)} frames are on time",
        )
    verdict: Verdict = "fail" if ours else "warn"
    begin = np.array([tick - times.ticks[0] for tick in times.ticks], np.float64) * float(times.tick)
    steps = np.diff(begin)
    found = _missing(begin, fps, times.tick) or _uneven(begin, times.tick)
    if found is None:
        at = float(worst_index / fps)
        return ClipFinding(
            check=name,
            verdict=verdict,
            measured=float(worst) * 1000,
            unit="ms",
            limit=float(limit) * 1000,
            start=at,
            end=at,
            why=f"frame {worst_index} comes {float(worst) * 1000:.2f} ms off its place at {fps} frames a second",
            fix=_CONSTANT,
        )
    measured, unit, place, why = found
    return ClipFinding(
        check=name,
        verdict=verdict,
        measured=measured,
        unit=unit,
        limit=0.0,
        start=float(begin[place]),
        end=float(begin[place] + steps[place]),
        why=why,
        fix=_CONSTANT,
    )


def _missing(begin: Array, fps: Fraction, tick: Fraction) -> tuple[float, str, int, str] | None:
    """How many frames a constant rate lacks or has twice, the unit, after which frame first, and that in words."""
    exact = begin * float(fps)
    places = np.rint(exact)
    off = np.abs(exact - places)
    if (off > max(float(tick * fps) * 1.01, ON_TIME)).any():
        return None
    steps = np.diff(places)
    twice, gaps = np.flatnonzero(steps < 1), np.flatnonzero(steps > 1)
    if not len(twice) and not len(gaps):
        return None
    said: list[str] = []
    lost = int((steps[gaps] - 1).sum())
    if len(gaps):
        most = int(gaps[steps[gaps].argmax()])
        said.append(
            f"{lost} {'frame is' if lost == 1 else 'frames are'} missing in {len(gaps)} "
            f"{'place' if len(gaps) == 1 else 'places'}, the first after {begin[gaps[0]]:.2f} s, at most "
            f"{int(steps[most]) - 1} in a row after {begin[most]:.2f} s: the picture stands there"
        )
    if len(twice):
        said.append(
            f"{len(twice)} {'frame comes' if len(twice) == 1 else 'frames come'} at the time of the one before"
        )
    first = int(min([*gaps[:1], *twice[:1]]))
    return float(lost + len(twice)), "frames", first, f"{'; '.join(said)} (at {fps} frames a second)"


def _uneven(begin: Array, tick: Fraction) -> tuple[float, str, int, str] | None:
    """The share of frames that do not last as long as most do, "%", the one furthest from it, and that in words."""
    steps = np.diff(begin)
    if not len(steps):
        return None
    usual = float(np.median(steps))
    off = np.abs(steps - usual) > max(2 * float(tick), 0.1 * usual)
    if not off.any():
        return None
    share, furthest = 100 * float(off.mean()), int(np.abs(steps - usual).argmax())
    return (
        share,
        "%",
        furthest,
        f"the rate varies: {share:.0f} % of the frames do not last the usual {usual * 1000:.0f} ms, "
        f"one after {begin[furthest]:.2f} s lasts {steps[furthest] * 1000:.0f} ms",
    )


def _sound_length(evidence: Evidence) -> ClipFinding:
    """Sound and picture end within a frame of each other, and the sound is as long as the speech."""
    name, frame = "sound length", 1 / evidence.fps
    if evidence.sound is None:
        if evidence.speech is not None and evidence.clip.path.suffix.lower() in _SOUNDING:
            return ClipFinding(
                check=name, verdict="fail", why="the clip has no sound", fix="write the clip with its sound"
            )
        return ClipFinding.unseen(name, "the clip has no sound")
    sound = evidence.sound.seconds
    picture = evidence.timing.seconds(len(evidence.timing.ticks) - 1) + frame
    apart, who = sound - picture, "the picture"
    if evidence.speech is not None and abs(sound - evidence.speech.sound.seconds) > abs(apart):
        apart, who = sound - evidence.speech.sound.seconds, "the speech"
    over = abs(apart) > frame
    ours = evidence.speech is not None or evidence.plan is not None
    return ClipFinding(
        check=name,
        verdict=("fail" if ours else "warn") if over else "pass",
        measured=float(apart) * 1000,
        unit="ms",
        limit=float(frame) * 1000,
        start=float(min(sound, picture)) if over else None,
        end=float(max(sound, picture)) if over else None,
        why=f"the sound ends {abs(float(apart)) * 1000:.0f} ms {'after' if apart > 0 else 'before'} {who}",
        fix="cut or pad the sound to the picture's length" if over else "",
    )
