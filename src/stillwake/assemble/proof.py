"""Is the joined film what the edit says? Seen and heard in the delivered file alone, one pass, memory flat.

The film's frames are held against those of the shots' clips, made small, and its sound against the recordings.
What cannot be told (a still picture sits nowhere in particular) is "unseen", never a pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stillwake.assemble.edit import Edit
from stillwake.assemble.findings import AGAIN, named, together
from stillwake.assemble.heard import Ear
from stillwake.assemble.mix import spoken
from stillwake.assemble.seen import Look
from stillwake.types import Clip, ClipFinding, Inspection, Progress, Sound, no_progress


def prove(
    film: Clip,
    edit: Edit,
    clips: Sequence[Clip | None],
    sound: Sound | None,
    on_progress: Progress = no_progress,
    *,
    loudness: float = -14.0,
    peak: float = -1.0,
) -> Inspection:
    """Whether a joined film is what its edit says.

    A shot's clip was drawn to what is heard while it is seen, so picture and speech must both be where the edit says:
    the sync after joining is by how much more the one is off its place than the other.

    Parameters
    ----------
    film
        The delivered file.
    edit, clips, sound
        What it was joined from, as `join` took them.
    on_progress
        Called as ``("prove", done, total)`` after each frame; raise `stillwake.errors.Cancelled` inside it to stop.
    loudness, peak
        LUFS and dB of full scale that were asked for.

    Raises
    ------
    stillwake.errors.ClipError
        The film or a clip cannot be decoded.
    """
    look = Look(film, edit, clips)
    look.through(on_progress)
    ear = Ear(film, edit, sound)
    findings = [
        *_measures(film, edit),
        *look.black(),
        *look.cuts(),
        *look.turns(),
        *look.places(),
        *ear.findings(loudness, peak),
        *_sync(edit, look, ear),
    ]
    return Inspection(
        clip=film.info, passed=all(finding.verdict != "fail" for finding in findings), findings=tuple(findings)
    )


def _measures(film: Clip, edit: Edit) -> Iterator[ClipFinding]:
    """Frame count, size and rate."""
    info = film.info
    right = info.frame_count == edit.frame_count
    yield ClipFinding(
        check="film length", verdict="pass" if right else "fail", measured=float(info.frame_count), unit="frames",
        limit=float(edit.frame_count), why=f"the film has {info.frame_count} frames"
        + ("" if right else f", the edit {edit.frame_count}"), fix="" if right else AGAIN,
    )  # fmt: skip
    size = (info.width, info.height)
    yield ClipFinding(
        check="film size", verdict="pass" if size == edit.size else "fail",
        why=f"the film is {size[0]} × {size[1]} px"
        + ("" if size == edit.size else f", the edit {edit.size[0]} × {edit.size[1]}"),
        fix="" if size == edit.size else AGAIN,
    )  # fmt: skip
    yield ClipFinding(
        check="frame rate", verdict="pass" if info.fps == edit.fps else "fail", measured=float(info.fps),
        unit="frames a second", limit=float(edit.fps), why=f"the film shows {info.fps} frames a second"
        + ("" if info.fps == edit.fps else f", the edit {edit.fps}"), fix="" if info.fps == edit.fps else AGAIN,
    )  # fmt: skip


def _sync(edit: Edit, look: Look, ear: Ear) -> list[ClipFinding]:
    """By how much each picture that is seen while somebody speaks is late against what is said, after joining."""
    name, fps = "joined sync", edit.fps
    found = []
    for place in look.placed:
        picture = place.picture
        start, end = float(picture.start / fps), float(picture.end / fps)
        for track in edit.tracks:
            if not any(a < end and b > start for a, b in spoken(track)):
                continue
            lag, why = ear.lag(track, (start, end))
            if place.shift is None or lag is None:
                if track.shot == picture.shot:
                    why = place.why or why or "its speech is not there"
                    found.append(
                        ClipFinding(check=name, verdict="unseen", start=start, end=end, why=f"{named(picture)}: {why}")
                    )
                continue
            apart = float(place.shift / fps) - lag
            over = abs(apart) > 1 / fps
            found.append(
                ClipFinding(
                    check=name, verdict="fail" if over else "pass", measured=round(1000 * apart, 2), unit="ms",
                    limit=float(1000 / fps), start=start, end=end,
                    why=f"{named(picture)}: the picture comes {abs(apart) * 1000:.0f} ms "
                    f"{'before' if apart < 0 else 'after'} what is said",
                    fix=AGAIN if over else "",
                )
            )  # fmt: skip
    return together(name, found) if found else []
