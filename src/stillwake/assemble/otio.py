"""The edit for an editor's program: an OpenTimelineIO timeline of the shots' clips and the sounds themselves.

A dissolve's cut lies in its middle, as editors have it; before and after it the clips reach under each other. Sounds
have the ranges of their own files, in their own samples. What a timeline has no words for, as how far a bed goes down
while somebody speaks, stands in the metadata under "stillwake".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from stillwake.assemble.captions import Caption
from stillwake.assemble.edit import Edit, Picture, Track
from stillwake.types import Clip

if TYPE_CHECKING:
    from opentimelineio import opentime, schema

MILLISECONDS = 1000
FADE = "fade through black"


def timeline_of(
    edit: Edit,
    *,
    title: str,
    clips: Sequence[Clip],
    clip_urls: Sequence[str],
    sound_urls: Sequence[str],
    captions: Iterable[Caption] = (),
) -> str:
    """The timeline as JSON.

    Parameters
    ----------
    edit
        What lies where.
    title
        The film's.
    clips, clip_urls
        For each shot its clip, and where it lies, relative to the timeline's own folder.
    sound_urls
        Likewise for each track of the edit.
    captions
        Become markers.
    """
    from opentimelineio import schema

    video = schema.Track(name="Picture", kind=schema.TrackKind.Video)
    video.extend(_pictures(edit, clips, clip_urls))
    timeline = schema.Timeline(name=title, global_start_time=_time(Fraction(0), edit.fps))
    timeline.tracks.append(video)
    named = sorted(
        zip(edit.tracks, sound_urls, strict=True), key=lambda one: (one[0].speech is None, one[0].shot is None)
    )
    lanes: list[tuple[str, Fraction, schema.Track]] = []
    for track, url in named:
        kind = "Speech" if track.speech is not None else "Bed" if track.shot is None else "Clips"
        place = next((n for n, lane in enumerate(lanes) if lane[0] == kind and lane[1] <= track.start), len(lanes))
        if place == len(lanes):
            lanes.append((kind, Fraction(0), schema.Track(name=kind, kind=schema.TrackKind.Audio)))
        _, now, lane = lanes[place]
        if track.start > now:
            lane.append(schema.Gap(source_range=_range(Fraction(0), track.start - now, Fraction(track.sound.rate))))
        lane.extend(_heard(track, url, edit))
        lanes[place] = (kind, _ends(track, edit), lane)
    timeline.tracks.extend(lane for _, _, lane in lanes)
    for caption in captions:
        timeline.tracks.markers.append(
            schema.Marker(
                name=" ".join(caption.text.split("\n")),
                marked_range=_range(caption.start, caption.end - caption.start, Fraction(MILLISECONDS)),
                color=schema.MarkerColor.GREEN,
                metadata={"stillwake": {"caption": caption.text}},
            )
        )
    return str(timeline.to_json_string(indent=2)) + "\n"


def _pictures(edit: Edit, clips: Sequence[Clip], urls: Sequence[str]) -> list[Any]:
    """Clips and the transitions between them."""
    from opentimelineio import schema

    found: list[Any] = []
    cuts = [picture.start + _before(picture, place) for place, picture in enumerate(edit.pictures)]
    for place, picture in enumerate(edit.pictures):
        before = _before(picture, place)
        if picture.transition != "cut":
            dissolve = picture.transition == "dissolve"
            leading = before if dissolve else picture.frames // 2 if place else 0
            following = picture.frames - before if dissolve else picture.frames // 2
            found.append(
                schema.Transition(
                    name="dissolve" if dissolve else FADE,
                    transition_type=schema.TransitionTypes.SMPTE_Dissolve
                    if dissolve
                    else schema.TransitionTypes.Custom,
                    in_offset=_time(leading / edit.fps, edit.fps),
                    out_offset=_time(following / edit.fps, edit.fps),
                    metadata={"stillwake": {"transition": picture.transition}},
                )
            )
        until = cuts[place + 1] if place + 1 < len(cuts) else picture.end
        info, rate = clips[picture.shot].info, clips[picture.shot].info.fps
        begin = picture.first / rate + before / edit.fps
        found.append(
            schema.Clip(
                name=picture.name,
                media_reference=schema.ExternalReference(
                    target_url=urls[picture.shot], available_range=_range(Fraction(0), info.frame_count / rate, rate)
                ),
                source_range=_range(begin, (until - cuts[place]) / edit.fps, rate),
                metadata={"stillwake": {"shot": picture.shot + 1, "sha256": info.sha256}},
            )
        )
    return found


def _before(picture: Picture, place: int) -> int:
    """Frames of a picture that lie before the cut to it: half of a dissolve."""
    return picture.frames // 2 if picture.transition == "dissolve" and place else 0


def _heard(track: Track, url: str, edit: Edit) -> list[schema.Clip]:
    """A track's clip, or as many as a bed that loops needs."""
    from opentimelineio import schema

    rate, left = Fraction(track.sound.rate), _ends(track, edit) - track.start
    manner = {
        "gain": track.gain,
        "fade_in": float(track.fade_in),
        "fade_out": float(track.fade_out),
        "duck": track.duck,
    }
    found = []
    while left > 0:
        length = min(left, track.end - track.begin)
        found.append(
            schema.Clip(
                name=track.sound.name,
                media_reference=schema.ExternalReference(
                    target_url=url, available_range=_range(Fraction(0), track.sound.seconds, rate)
                ),
                source_range=_range(track.begin, length, rate),
                metadata={"stillwake": manner},
            )
        )
        left -= length
    return found


def _ends(track: Track, edit: Edit) -> Fraction:
    """The second of the film at which a track is over."""
    return edit.seconds if track.loops else track.start + track.end - track.begin


def _time(seconds: Fraction, rate: Fraction) -> opentime.RationalTime:
    from opentimelineio import opentime

    return opentime.RationalTime(float(seconds * rate), float(rate))


def _range(begin: Fraction, length: Fraction, rate: Fraction) -> opentime.TimeRange:
    from opentimelineio import opentime

    return opentime.TimeRange(_time(begin, rate), _time(length, rate))
