"""Is the clip as long as it should be, picture and sound alike, and every frame on time?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillwake.media import CLIP_ENDINGS, carries_sound
from stillwake.types import ClipFinding

if TYPE_CHECKING:
    from stillwake.inspection.evidence import Evidence

_SOUNDING = tuple(ending for ending in CLIP_ENDINGS if carries_sound(f"clip{ending}"))


def check(evidence: Evidence) -> list[ClipFinding]:
    """Frame count, frame times, and the lengths of picture and sound."""
    return [_frame_count(evidence), _frame_times(evidence), _sound_length(evidence)]


def _frame_count(evidence: Evidence) -> ClipFinding:
    name, count = "length", len(evidence.timing.ticks)
    planned = _planned(evidence)
    if planned is None:
        if count != evidence.clip.info.frame_count:
            return _count(name, count, evidence.clip.info.frame_count, "its container says")
        return ClipFinding(check=name, verdict="unseen", why=f"no plan says whether {count} frames are right")
    return _count(name, count, planned, "the plan says")


def _planned(evidence: Evidence) -> int | None:
    if evidence.plan is not None and evidence.plan.shots:
        return sum(shot.frame_count * shot.repeat for shot in evidence.plan.shots)
    return evidence.performance.frame_count if evidence.performance is not None else None


def _count(name: str, count: int, wanted: int, who: str) -> ClipFinding:
    return ClipFinding(
        check=name,
        verdict="pass" if count == wanted else "fail",
        measured=float(count),
        unit="frames",
        limit=float(wanted),
        why=f"the clip has {count} frames" + ("" if count == wanted else f", {who} {wanted}"),
        fix="" if count == wanted else "render the clip again",
    )


def _frame_times(evidence: Evidence) -> ClipFinding:
    """Every frame at index / fps from 0, to within half a tick of the container's own clock.

    A stranger's rate was read from such rounded times itself: there a whole tick is allowed.
    """
    name, times = "frame times", evidence.timing
    if not times.ticks:
        return ClipFinding(check=name, verdict="fail", why="the clip has no frame", fix="render the clip again")
    worst, worst_index = times.worst(evidence.fps)
    ours = evidence.plan is not None or evidence.performance is not None
    limit = times.tick / 2 if ours else times.tick
    over = worst > limit
    at = float(worst_index / evidence.fps)
    return ClipFinding(
        check=name,
        verdict=("fail" if ours else "warn") if over else "pass",
        measured=float(worst) * 1000,
        unit="ms",
        limit=float(limit) * 1000,
        start=at if over else None,
        end=at if over else None,
        why=f"frame {worst_index} comes {float(worst) * 1000:.2f} ms off its place at {evidence.fps} frames a second"
        if over
        else f"all {len(times.ticks)} frames are on time",
        fix="write the clip at a constant frame rate from 0" if over else "",
    )


def _sound_length(evidence: Evidence) -> ClipFinding:
    """Sound and picture end within a frame of each other, and the sound is as long as the speech."""
    name, frame = "sound length", 1 / evidence.fps
    if evidence.sound is None:
        if evidence.speech is not None and evidence.clip.path.suffix.lower() in _SOUNDING:
            return ClipFinding(
                check=name, verdict="fail", why="the clip has no sound", fix="write the clip with its sound"
            )
        return ClipFinding(check=name, verdict="unseen", why="the clip has no sound")
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
