"""The edit: where every picture and every sound of a film lies, known beforehand."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwake.assemble.edit import Edit, Picture, Track, changes, fits_its_film
from stillwake.assemble.laying import Heard, Laid, laid, window
from stillwake.assemble.storyboard import open_storyboard
from stillwake.errors import InputError
from stillwake.media import sound_from_samples, sound_part
from stillwake.types import Sound, Speech, Timed

RATE = 24_000


def counted(seconds: Fraction | int = 4, rate: int = RATE) -> Sound:
    """A sound whose every sample says its place."""
    return sound_from_samples(np.arange(round(seconds * rate), dtype=np.int64).astype(np.int16), rate)


def samples(sound: Sound) -> npt.NDArray[np.int16]:
    return np.concatenate(list(sound.blocks()))[:, 0]


# ------------------------------------------------------------------------------------------------ a part of a sound


@given(
    st.fractions(-1, 5, max_denominator=1001),
    st.fractions(Fraction(1, 100), 5, max_denominator=1001),
    st.sampled_from([8_000, 22_050, 48_000]),
)
def test_a_part_of_a_sound_has_its_samples_and_silence_beyond(begin: Fraction, length: Fraction, rate: int) -> None:
    whole = counted(1, rate)
    part = sound_part(whole, begin, begin + length)
    first, last = round(begin * rate), round((begin + length) * rate)
    places = np.arange(first, last)
    expected = np.where((places >= 0) & (places < rate), places, 0).astype(np.int16)
    np.testing.assert_array_equal(samples(part), expected)
    assert part.seconds == Fraction(last - first, rate)
    assert abs(len(part.mono) - part.seconds * 16_000) <= 1


def test_parts_that_follow_each_other_are_the_whole() -> None:
    whole = counted(2, 22_050)
    cuts = [Fraction(n, 25) for n in (0, 7, 8, 31, 50)]
    parts = [sound_part(whole, one, other) for one, other in pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate([samples(part) for part in parts]), samples(whole))
    assert len({part.sha256 for part in parts}) == len(parts)


def test_a_part_is_analysed_where_it_lies() -> None:
    tone = np.zeros(RATE * 2, np.int16)
    tone[RATE : RATE + RATE // 2] = 12_000
    mono = sound_part(sound_from_samples(tone, RATE), Fraction(-1, 2), Fraction(5, 2)).mono
    loud = np.flatnonzero(np.abs(mono) > 6_000) / 16_000
    assert loud.min() == pytest.approx(1.5, abs=0.001)
    assert loud.max() == pytest.approx(2.0, abs=0.001)


def test_a_part_without_a_sample_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="no sample"):
        sound_part(counted(), Fraction(1), Fraction(1))


# --------------------------------------------------------------------------------------------------------- the edit

F = Fraction


def speech(seconds: Fraction | int, rate: int = RATE, sound: Sound | None = None) -> Speech:
    """Somebody says "one two", each a third of the time, with a third of silence before."""
    sound = counted(seconds, rate) if sound is None else sound
    third = float(sound.seconds) / 3
    said = (Timed(third, 2 * third, "AA"), Timed(2 * third, 3 * third, "IY"))
    words = (Timed(third, 2 * third, "one"), Timed(2 * third, 3 * third, "two"))
    return Speech(sound, "en", "voice", words, said, (Timed(0, third, "rest"), *said))


def said(seconds: Fraction | int) -> Heard:
    return Heard(speech(seconds))


def recorded(source: Sound, begin: Fraction | int, end: Fraction | int) -> Heard:
    return Heard(speech(0, sound=sound_part(source, F(begin), F(end))), source, F(begin))


def lay(folder: Path, shots: str, *heard: Heard, head: str = "", bed: Sound | None = None) -> Laid:
    """The edit of shots, one a line; a line that begins with "talk" speaks."""
    for name in ("a.png", "b.mp4", "s.wav"):
        (folder / name).write_bytes(b"x")
    text = head
    for line in shots.strip().splitlines():
        kind, _, rest = line.strip().partition(" ")
        picture = 'clip = "b.mp4"' if "clip" in kind else 'still = "a.png"'
        spoken = {"talk": 'say = "x"\n', "take": 'sound = "s.wav"\n', "overclip": 'say = "x"\n'}.get(kind, "")
        text += f"[[shot]]\n{picture}\n{spoken}" + "\n".join(rest.split("; ")) + "\n"
    path = folder / "film.toml"
    path.write_text(text)
    return laid(open_storyboard(path), heard, bed)


def spans(film: Laid) -> list[tuple[int, int]]:
    return [(picture.start, picture.end) for picture in film.edit.pictures]


def voices(film: Laid) -> list[Track]:
    return [track for track in film.edit.tracks if track.speech is not None]


NONE = Heard()


def test_shots_follow_each_other_and_a_last_half_frame_is_a_whole_one(tmp_path: Path) -> None:
    film = lay(tmp_path, "talk\nlive seconds = 2\ntalk", said(F(101, 100)), NONE, said(1))
    assert spans(film) == [(0, 26), (26, 76), (76, 101)]
    assert [track.start for track in voices(film)] == [0, F(76, 25)]
    assert [(track.begin, track.end) for track in voices(film)] == [(0, F(101, 100)), (0, 1)]
    assert film.edit.frame_count == 101
    assert [None if part is None else float(part.sound.seconds) for part in film.followed] == [1.04, None, 1.0]


def test_a_tail_lets_a_speech_run_on_over_what_follows_which_lasts_as_long(tmp_path: Path) -> None:
    film = lay(tmp_path, "talk tail = 1.5\nlive\ntalk", said(4), NONE, said(1))
    assert spans(film) == [(0, 62), (62, 100), (100, 125)]  # 1.5 s are 37.5 frames: 38
    assert [track.start for track in voices(film)] == [0, 4]
    assert film.followed[0] is not None
    assert film.followed[0].sound.seconds == F(62, 25)


def test_a_lead_lets_a_speech_begin_over_what_goes_before(tmp_path: Path) -> None:
    film = lay(tmp_path, "talk\nlive\ntalk lead = 1", said(2), NONE, said(3))
    assert spans(film) == [(0, 50), (50, 75), (75, 125)]
    assert [track.start for track in voices(film)] == [0, 2]
    part = film.followed[2]
    assert part is not None
    assert samples(part.sound)[0] == RATE  # its lips begin where the film's sound is by then
    assert [word.label for word in part.words] == ["one", "two"]
    assert part.words[0].start == pytest.approx(0.0)
    film = lay(tmp_path, "talk tail = 1\nlive\ntalk lead = 1", said(2), NONE, said(3))
    assert spans(film) == [(0, 25), (25, 75), (75, 125)]
    film = lay(tmp_path, "talk\ntalk lead = 1", said(2), said(3))
    assert spans(film) == [(0, 75), (75, 125)], "who has spoken is seen listening"


def test_shots_share_the_time_that_a_speech_runs_over_them(tmp_path: Path) -> None:
    film = lay(tmp_path, "talk tail = 3\nlive\nlive\nlive seconds = 1\ntalk", said(4), NONE, NONE, NONE, said(1))
    assert spans(film) == [(0, 25), (25, 63), (63, 100), (100, 125), (125, 150)]
    film = lay(tmp_path, "talk tail = 3\nlive seconds = 1\nlive\ntalk", said(4), NONE, NONE, said(1))
    assert spans(film) == [(0, 25), (25, 50), (50, 100), (100, 125)]
    clip = Heard(seconds=F(1, 2))
    film = lay(tmp_path, "talk tail = 3\nclip\nlive\ntalk", said(4), clip, NONE, said(1))
    assert spans(film) == [(0, 25), (25, 37), (37, 100), (100, 125)], "a short clip leaves the rest to the next"


def test_without_speech_a_still_lives_for_six_seconds_and_a_clip_as_long_as_it_is(tmp_path: Path) -> None:
    film = lay(tmp_path, "live\nclip", NONE, Heard(seconds=F(301, 100)))
    assert spans(film) == [(0, 150), (150, 225)]


def test_a_dissolve_takes_its_frames_from_both_and_waits_for_the_words(tmp_path: Path) -> None:
    change = 'transition = "dissolve"; transition_seconds = 0.4'
    film = lay(tmp_path, f"talk\ntalk {change}\nlive {change}; seconds = 2", said(2), said(2), NONE)
    assert spans(film) == [(0, 60), (50, 120), (110, 160)]
    assert [picture.frames for picture in film.edit.pictures] == [0, 10, 10]
    assert [track.start for track in voices(film)] == [0, F(60, 25)]


def test_a_fade_is_dark_between_the_words(tmp_path: Path) -> None:
    film = lay(tmp_path, 'talk\ntalk transition = "fade"; transition_seconds = 0.8', said(2), said(2))
    assert spans(film) == [(0, 60), (60, 120)]
    assert film.edit.pictures[1].frames == 20
    assert [track.start for track in voices(film)] == [0, F(70, 25)]


def test_a_recording_over_several_shots_is_laid_once_and_lips_follow_it_to_the_sample(tmp_path: Path) -> None:
    source = counted(4, 8000)
    cuts = [F(0), F(123, 100), F(2171, 1000), F(31, 10)]
    heard = [recorded(source, one, other) for one, other in pairwise(cuts)]
    film = lay(tmp_path, "talk seconds = 1\n" + "take begin = 0\n" * 3, said(1), *heard)
    voice = voices(film)[1]
    assert len(voices(film)) == 2
    assert (voice.start, voice.begin, voice.end, voice.sound) == (1, 0, F(31, 10), source)
    assert voice.speech is not None
    assert [word.label for word in voice.speech.words] == ["one", "two"] * 3
    assert voice.speech.visemes[0].start == 0
    assert all(one.end == pytest.approx(other.start) for one, other in pairwise(voice.speech.visemes))
    for place, cut in enumerate(cuts[:-1]):
        start, end = spans(film)[place + 1]
        assert abs(F(start, 25) - 1 - cut) <= F(1, 50), "the frame nearest to where its part begins"
        part = film.followed[place + 1]
        assert part is not None
        assert part.sound.seconds == F(end - start, 25)
        heard_there = samples(part.sound)
        middle = len(heard_there) // 2
        assert heard_there[middle] == (F(start, 25) - 1) * 8000 + middle


def test_a_recording_goes_on_under_what_is_shown_between(tmp_path: Path) -> None:
    source = counted(5, 8000)
    one, other = recorded(source, 0, F(307, 100)), recorded(source, F(307, 100), 5)
    film = lay(tmp_path, "take begin = 0; tail = 1\nlive\ntake begin = 3.07; lead = 0.6", one, NONE, other)
    assert len(voices(film)) == 1
    assert spans(film) == [(0, 52), (52, 92), (92, 125)]
    film = lay(tmp_path, "take begin = 0; tail = 1\nlive seconds = 2\ntake begin = 3.07", one, NONE, other)
    assert [track.start for track in voices(film)] == [0, F(102, 25)], "a pause was asked for"
    film = lay(tmp_path, "take begin = 0\ntake begin = 3", one, recorded(source, 3, 5))
    assert len(voices(film)) == 2, "begun again, it is no longer the same"


def test_a_clips_own_sound_is_heard_where_it_is_kept(tmp_path: Path) -> None:
    own = counted(3)
    film = lay(tmp_path, "clip seconds = 2; keep_sound = true; gain = -6\nlive", Heard(seconds=F(3), own=own), NONE)
    (track,) = film.edit.tracks
    assert (track.shot, track.start, track.begin, track.end, track.gain) == (0, 0, 0, 2, -6)
    assert track.fade_in > 0
    assert lay(tmp_path, "clip seconds = 2\nlive", Heard(seconds=F(3)), NONE).edit.tracks == ()


def test_what_is_said_over_a_clip_is_nobodys_in_the_picture(tmp_path: Path) -> None:
    film = lay(tmp_path, "overclip", Heard(speech(2), seconds=F(9)))
    assert spans(film) == [(0, 50)]
    assert film.followed == (None,)
    assert len(voices(film)) == 1


def test_the_bed_lies_under_all_of_it(tmp_path: Path) -> None:
    head = '[sound]\nfile = "s.wav"\nfade_out = 9\nduck = 8\ngain = -10\n'
    (track,) = lay(tmp_path, "live seconds = 2", NONE, head=head, bed=counted(4)).edit.tracks
    assert (track.shot, track.start, track.end, track.fade_out) == (None, 0, 2, 2)
    (track,) = lay(tmp_path, "live seconds = 4", NONE, head=head + "loop = true\n", bed=counted(1)).edit.tracks
    assert (track.end, track.loops, track.duck, track.gain) == (1, True, 8, -10)


REFUSED = [
    ("talk tail = 1\ntalk", 7, "shot 2 (a): its speech would begin 1.00 s before that of shot 1 (a) has ended; "
     "leave out the tail of shot 1 (a), or put a shot"),
    ("talk tail = 1.5\nlive seconds = 1\ntalk", 10, "begin 0.52 s before that of shot 1 (a) has ended; lower the tail "
     "of shot 1 (a) to 0.98"),
    ("talk tail = 1\nlive seconds = 2\ntalk lead = 2", 11, "begin 1.00 s before that of shot 1 (a) has ended; lead by "
     "at most 1 s"),
    ("live seconds = 1\ntalk lead = 2", 7, "its speech would begin 1.00 s before the film; lead by at most 1.00 s"),
    ("talk tail = 3\nlive", 4, "would be gone before it is there"),
    ("talk tail = 1.5\nlive seconds = 1", 4, "would run on for 0.52 s after the film"),
    ("talk seconds = 1\nlive", 4, "what is said needs 2.00 s"),
    ('live seconds = 2\nlive seconds = 1; transition = "dissolve"; transition_seconds = 1.5', 8,
     "on screen for 1.00 s, and transitions take 1.52 s"),
    ('live seconds = 1\nlive seconds = 3; transition = "fade"; transition_seconds = 2', 8,
     "shot 1 (a) is on screen for 1.00 s"),
    ("clip seconds = 3\nlive", 3, "the clip has 1.00 s, and the seconds it is to last needs 3.00 s"),
    ("talk tail = 1.5\nclip\ntalk", 6, "the clip has 1.00 s, and what is said over it needs 1.52 s"),
]  # fmt: skip


@pytest.mark.parametrize(("shots", "line", "words"), REFUSED)
def test_what_does_not_fit_is_refused_with_its_line(tmp_path: Path, shots: str, line: int, words: str) -> None:
    heard = {"talk": said(2), "live": NONE, "clip": Heard(seconds=F(1))}
    with pytest.raises(InputError) as caught:
        lay(tmp_path, shots, *(heard[row.partition(" ")[0]] for row in shots.splitlines()))
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"Cannot use film.toml, line {line}: ")


_SHOTS = st.lists(
    st.tuples(
        st.sampled_from(["talk", "live", "clip"]),
        st.sampled_from(["", "seconds = 3", "tail = 0.77", "lead = 0.31"]),
        st.sampled_from(["", 'transition = "dissolve"', 'transition = "fade"; transition_seconds = 0.3']),
        st.fractions(1, 4, max_denominator=1001),
    ),
    min_size=1,
    max_size=7,
)


@given(_SHOTS, st.sampled_from(["25", "29.97", '"24000/1001"']))
def test_every_edit_is_whole(
    tmp_path_factory: pytest.TempPathFactory, shots: list[tuple[str, str, str, Fraction]], fps: str
) -> None:
    rows = []
    for place, (kind, length, change, _) in enumerate(shots):
        ends = (place == 0 and length.startswith("lead")) or (place == len(shots) - 1 and length.startswith("tail"))
        length = "" if ends or (kind != "talk" and length[:4] in ("lead", "tail")) else length
        change = "" if place == 0 and "dissolve" in change else change
        rows.append(f"{kind} {'; '.join(filter(None, (length, change)))}")
    heard = [
        said(long) if kind == "talk" else Heard(seconds=long + 3) if kind == "clip" else NONE
        for kind, *_, long in shots
    ]
    try:
        film = lay(tmp_path_factory.mktemp("film"), "\n".join(rows), *heard, head=f"fps = {fps}\n")
    except InputError:
        return
    edit = film.edit
    covered = np.zeros(edit.frame_count + 1, int)
    for picture in edit.pictures:
        covered[picture.start : picture.end] += 1
    assert set(covered[:-1]) <= {1, 2}
    assert covered[-1] == 0
    assert (covered == 2).sum() == sum(p.frames for p in edit.pictures if p.transition == "dissolve")
    for one, other in pairwise(voices(film)):
        assert one.start + one.end - one.begin <= other.start, "nobody speaks into another"
    for track in voices(film):
        assert track.start >= 0
        assert track.start + track.end - track.begin <= edit.seconds + 1 / edit.fps
        assert track.shot is not None
        part = film.followed[track.shot]
        assert part is not None
        assert -int(-part.sound.seconds * edit.fps // 1) == film.frames(track.shot)
        # A sample of what the lips follow is that of the film.
        middle = len(part.sound.mono) // 2 / 16_000
        film_second = edit.pictures[track.shot].start / edit.fps - track.start + F(middle)
        place = round(film_second * RATE)
        if 0 <= place < round(track.sound.seconds * RATE) and place < 32_000:
            assert abs(int(samples(part.sound)[round(middle * RATE)]) - place) <= 1


def test_a_window_of_a_speech_is_silent_where_it_does_not_reach() -> None:
    part = window(speech(3), F(-1, 2), F(4))
    assert part.sound.seconds == 4
    assert [(round(one.start, 3), round(one.end, 3), one.label) for one in part.visemes] == [
        (0, 1.5, "rest"), (1.5, 2.5, "AA"), (2.5, 3.5, "IY"), (3.5, 4, "rest"),
    ]  # fmt: skip
    assert not samples(part.sound)[: RATE // 2].any()
    assert not samples(part.sound)[-RATE // 2 :].any()


# ------------------------------------------------------------------------------------------- where pictures give way


def test_where_each_picture_gives_way_to_the_next() -> None:
    pictures = (
        Picture(0, "one", 0, 60, transition="fade", frames=10),
        Picture(1, "two", 50, 100, transition="dissolve", frames=10),
        Picture(2, "three", 100, 140),
        Picture(3, "four", 140, 200, transition="fade", frames=9),
    )
    assert changes(pictures) == ((0, 4), (50, 59), (100, 100), (136, 144))
    assert changes(pictures[2:3]) == ()
    edit = Edit(Fraction(25), (160, 90), 200, pictures, ())
    assert fits_its_film(edit)


@pytest.mark.parametrize(
    "picture",
    [
        Picture(1, "two", -5, 100),
        Picture(1, "two", 60, 60),
        Picture(1, "two", 60, 300),
        Picture(1, "two", 10, 50),
        Picture(1, "two", 60, 100, transition="fade", frames=10**9),
        Picture(1, "two", 60, 100, transition="dissolve", frames=-3),
    ],
)
def test_an_edit_that_somebody_made_up_does_not_fit(picture: Picture) -> None:
    assert not fits_its_film(Edit(Fraction(25), (160, 90), 200, (Picture(0, "one", 0, 60), picture), ()))
