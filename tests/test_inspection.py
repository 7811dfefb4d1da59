from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwake.inspection import (
    CHECKS,
    background,
    closures,
    continuity,
    folds,
    inspect,
    length,
    light,
    loop,
    morph,
    morph_mesh,
    motion,
    picture,
    rigid,
    start,
    summary,
    sync,
)
from stillwake.inspection.asked import Asked
from stillwake.inspection.changes import Change
from stillwake.inspection.evidence import Evidence, Seen, without
from stillwake.inspection.file import BLOCKY, Blockiness, Blocks, FileFacts
from stillwake.inspection.stream import Shown, Timing, frames_within, timing
from stillwake.inspection.view import View
from stillwake.media import CLIP_ENDINGS, open_clip, write_clip
from stillwake.types import (
    VISEMES,
    Clip,
    ClipFinding,
    ClipInfo,
    Eye,
    Face,
    Inspection,
    Mouth,
    Plan,
    Scene,
    Shot,
    Sound,
    Speech,
    Still,
    Timed,
)

FPS = Fraction(25)


def a_timeline(seconds: float, seed: int = 0) -> tuple[Timed, ...]:
    """Somebody who says nonsense at about eleven sounds a second, with a pause now and then."""
    rng = np.random.default_rng(seed)
    out, at = [Timed(0.0, 0.4, "rest")], 0.4
    while at < seconds - 0.6:
        label, lasts = (
            ("rest", 0.5) if rng.random() < 0.05 else (VISEMES[rng.integers(1, 18)], rng.uniform(0.06, 0.13))
        )
        out.append(Timed(at, at + lasts, label))
        at += lasts
    return (*out, Timed(at, seconds, "rest"))


def a_mouth(visemes: tuple[Timed, ...], times: np.ndarray, late: Any = 0.0, tremble: float = 0.02) -> np.ndarray:
    """The opening of a mouth that says it ``late`` seconds after its time, found with a little tremble."""
    grid, wanted = sync.expected_opening(visemes, -1.0, times[-1] + 1.0)
    noise = np.random.default_rng(1).normal(0, tremble, len(times))
    return np.maximum(0, 0.3 * np.interp(times - late, grid, wanted) ** 0.8 + noise)


def middles(seconds: float, fps: float = 25.0) -> np.ndarray:
    return (np.arange(round(seconds * fps)) + 0.5) / fps


def a_speech(visemes: tuple[Timed, ...]) -> Speech:
    seconds = Fraction(visemes[-1].end).limit_denominator(1000)
    mono = np.zeros(int(seconds * 16000), np.int16)
    sound = Sound("voice", "", 16000, 1, seconds, mono, lambda: iter(()))
    return Speech(sound, "en", "voice", (), (), visemes)


def evidence(
    seconds: float = 10.0,
    *,
    visemes: tuple[Timed, ...] | None = None,
    opening: np.ndarray | None = None,
    teeth: np.ndarray | None = None,
    change: np.ndarray | None = None,
    no_face: str = "",
    drawn: bool = False,
    wander: float = 0.0,
    unit: float = 60.0,
    unlike: np.ndarray | None = None,
    **more: Any,
) -> Evidence:
    """What is known about a clip whose frames were never drawn."""
    count = round(seconds * 25)
    times = middles(seconds)
    visemes = visemes or a_timeline(seconds)
    flat = np.full(count, 1.0)
    seen = Seen(
        index=np.arange(count),
        time=times,
        opening=a_mouth(visemes, times) if opening is None else opening,
        width=flat,
        eyes=flat * 0.3,
        teeth=flat * np.nan if teeth is None else teeth,
        face=np.array([10.0, 10.0, 90.0, 90.0]) + np.outer(0.5 * wander * 36 * np.sin(times), [1, 0, 1, 0]),
        change=flat if change is None else change,
        unlike=flat * np.nan if unlike is None else unlike,
        unit=unit,
        spans=((0.0, seconds),),
        no_face=no_face,
        drawn=drawn,
    )
    info = ClipInfo(
        name="clip.mp4", sha256="", width=100, height=100, fps=FPS, frame_count=count, seconds=seconds, sound="aac"
    )
    size = (100, 100)
    known: dict[str, Any] = {
        "clip": Clip(Path("clip.mp4"), info),
        "asked": Asked.of(more.get("plan")),
        "timing": Timing(tuple(range(count)), 1 / FPS, direct=True),
        "still": None,
        "scene": None,
        "speech": a_speech(visemes),
        "performance": None,
        "plan": None,
        "sound": None,
        "heard": None,
        "heard_spans": ((0.0, seconds),),
        "unheard": "nothing was recognised",
        "seen": seen,
        "backgrounds": background.nothing_to_compare("no matte"),
        "light": light.Watch(size, FPS).finish(),
        "changes": (),
        "motion": motion.Watch(size, FPS).finish(),
        "shape": morph.Watch(morph_mesh.PHOTOGRAPHED, size, FPS, None, None).finish(),
        "rigid": rigid.Watch(size, FPS, None).finish(),
        "blocks": Blocks().finish(),
        "ends": loop.Watch().finish(),
        "facts": FileFacts(info, "film", 0),
    }
    return Evidence(**{**known, **more})


def only(findings: list[ClipFinding], check: str) -> ClipFinding:
    (found,) = [finding for finding in findings if finding.check == check]
    return found


# ------------------------------------------------------------------------------------------------------------ sync


@pytest.mark.parametrize("fps", [24.0, 25.0, 30000 / 1001])
@pytest.mark.parametrize("late", [-0.2, -0.04, 0.0, 0.013, 0.08, 0.2])
def test_an_offset_is_found_to_a_fraction_of_a_frame(late: float, fps: float) -> None:
    visemes, times = a_timeline(20.0), middles(20.0, fps)
    found = sync.measure_offset(times, a_mouth(visemes, times, late), visemes, ((0.0, 20.0),))
    assert not found.unseen
    assert found.middle == pytest.approx(late, abs=0.006)
    assert abs(found.drift) < 0.02


@pytest.mark.parametrize("drift", [-0.16, -0.08, 0.08, 0.16])
def test_a_drift_is_found_with_its_size(drift: float) -> None:
    visemes, times = a_timeline(20.0, seed=3), middles(20.0)
    late = drift * (times / 20.0 - 0.5)
    found = sync.measure_offset(times, a_mouth(visemes, times, late), visemes, ((0.0, 20.0),))
    assert found.drift == pytest.approx(drift, abs=0.03)
    assert found.end - found.start == pytest.approx(found.drift)


@pytest.mark.parametrize(("seconds", "drift"), [(13.0, 0.25), (14.0, -0.2), (20.0, 0.16)])
def test_a_drift_that_all_of_the_clip_shows_fails(seconds: float, drift: float) -> None:
    visemes, times = a_timeline(seconds, seed=3), middles(seconds)
    opening = a_mouth(visemes, times, drift * (times / seconds - 0.5))
    case = evidence(seconds, visemes=visemes, opening=opening, heard=a_speech(visemes), speech=None)
    assert only(sync.check(case), "sync drift").verdict == "fail"


def test_a_short_clip_is_not_said_to_drift_by_what_is_heard() -> None:
    visemes, times = a_timeline(6.0, seed=3), middles(6.0)
    opening = a_mouth(visemes, times, 0.4 * (times / 6.0 - 0.5))
    case = evidence(6.0, visemes=visemes, opening=opening, heard=a_speech(visemes), speech=None)
    assert "too short" in only(sync.check(case), "sync drift").why
    told = only(sync.check(evidence(6.0, visemes=visemes, opening=opening)), "sync drift")
    assert told.verdict == "fail", "words that are known are no guess"


@pytest.mark.parametrize(
    ("drift", "seconds", "verdict"),
    [(42, 4.0, "pass"), (62, 4.0, "fail"), (42, 13.0, "warn"), (-42, 4.0, "pass"), (-42, 13.0, "warn")],
)
def test_a_short_clips_drift_must_clear_its_own_error(
    drift: float, seconds: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "parted_error", lambda *_: 0.0)
    offset = sync.Offset(0.0, 0.004, drift / 1000, 0.02, seconds, 0.8, 0.0, 100, "")
    case = evidence(seconds)
    found = sync._drift_finding(case, "sync drift", drift, offset, 0.0, 40.0, case.speech.visemes, case.seen.spans)
    assert found.verdict == verdict, found.why
    assert (found.start is not None) == (verdict != "pass")


def test_a_drift_that_hangs_on_one_word_is_unseen() -> None:
    """A recogniser that mishears sets its bounds amiss, and a short clip is drawn along."""
    times, verdicts = middles(12.5), []
    for seed in range(8):
        visemes = a_timeline(12.5, seed=seed)
        heard = tuple(Timed(v.start - d, v.end - d, v.label) for v in visemes for d in (0.3 if v.start > 9.0 else 0,))
        opening = a_mouth(visemes, times)
        assert not sync.measure_offset(times, opening, visemes, ((0.0, 12.5),)).unseen
        case = evidence(12.5, visemes=visemes, opening=opening, heard=a_speech(heard), speech=None)
        finding = only(sync.check(case), "sync drift")
        verdicts.append(finding.verdict if "too little is said" not in finding.why else "unsure")
    assert "fail" not in verdicts
    assert verdicts.count("unsure") >= 2


def test_the_errors_tell_the_truth() -> None:
    """In about two of three cases the offset lies within one standard error; allow for small numbers."""
    within = []
    for seed in range(12):
        visemes, times = a_timeline(8.0, seed), middles(8.0)
        noise = np.random.default_rng(seed + 50).normal(0, 0.05, len(times))
        found = sync.measure_offset(times, a_mouth(visemes, times) + noise, visemes, ((0.0, 8.0),))
        within.append(abs(found.middle) < 2 * found.middle_error)
    assert sum(within) >= 10


def test_windows_far_apart_give_one_line() -> None:
    visemes = a_timeline(600.0, seed=5)
    spans = ((0.0, 30.0), (285.0, 315.0), (570.0, 600.0))
    times = middles(600.0)
    times = times[np.any([(times >= start) & (times < end) for start, end in spans], axis=0)]
    late = 0.02 + 0.1 * times / 600.0
    found = sync.measure_offset(times, a_mouth(visemes, times, late), visemes, spans)
    assert found.start == pytest.approx(0.02, abs=0.012)
    assert found.end == pytest.approx(0.12, abs=0.012)


def test_a_mouth_that_says_something_else_is_unseen() -> None:
    times = middles(20.0)
    other = a_mouth(a_timeline(20.0, seed=8), times)
    assert sync.measure_offset(times, other, a_timeline(20.0, seed=9), ((0.0, 20.0),)).unseen


def test_too_little_speech_and_a_still_mouth_are_unseen() -> None:
    times = middles(20.0)
    hush = (Timed(0, 9, "rest"), Timed(9, 10, "AA"), Timed(10, 20, "rest"))
    assert "1.0 s of speech" in sync.measure_offset(times, a_mouth(hush, times), hush, ((0.0, 20.0),)).unseen
    still = np.full(len(times), 0.1)
    assert "does not move" in sync.measure_offset(times, still, a_timeline(20.0), ((0.0, 20.0),)).unseen


def test_what_is_said_while_no_mouth_is_seen_times_none() -> None:
    visemes, times = a_timeline(20.0), middles(20.0)
    opening = a_mouth(visemes, times)
    opening[times < 19.0] = np.nan
    assert "where the mouth is seen" in sync.measure_offset(times, opening, visemes, ((0.0, 20.0),)).unseen


def test_a_lost_mouth_costs_its_frames_only() -> None:
    visemes, times = a_timeline(20.0), middles(20.0)
    opening = a_mouth(visemes, times, 0.08)
    opening[100:160] = np.nan
    assert sync.measure_offset(times, opening, visemes, ((0.0, 20.0),)).middle == pytest.approx(0.08, abs=0.008)


@pytest.mark.parametrize("seed", range(4))
def test_a_picture_that_freezes_on_an_open_mouth_costs_its_frames_only(seed: int) -> None:
    visemes, times = a_timeline(5.0, seed=seed), middles(5.0)
    moving = a_mouth(visemes, times, tremble=0.002)
    first = int(np.argmax(moving[60:105])) + 60
    frozen = moving.copy()
    frozen[first : first + 15] = moving[first]
    without = moving.copy()
    without[first : first + 15] = np.nan
    found, wanted = (sync.measure_offset(times, one, visemes, ((0.0, 5.0),)) for one in (frozen, without))
    assert found.frames == pytest.approx(wanted.frames, abs=2)
    assert found.drift == pytest.approx(wanted.drift, abs=0.02)
    assert found.middle == pytest.approx(wanted.middle, abs=0.005)


def test_a_mouth_that_never_moves_is_said_not_to() -> None:
    visemes = tuple(Timed(0.1 * k, 0.1 * k + 0.1, ("AA", "MBP")[k % 2]) for k in range(60))
    times = middles(6.0)
    assert "does not move" in sync.measure_offset(times, np.full(len(times), 0.1), visemes, ((0.0, 6.0),)).unseen


@pytest.mark.parametrize(("late", "verdict"), [(0.0, "pass"), (0.02, "pass"), (0.08, "fail"), (-0.12, "fail")])
def test_one_frame_is_the_limit_against_the_own_timeline(late: float, verdict: str) -> None:
    visemes = a_timeline(10.0)
    findings = sync.check(evidence(visemes=visemes, opening=a_mouth(visemes, middles(10.0), late)))
    finding = only(findings, "sync")
    assert finding.verdict == verdict
    assert finding.measured == pytest.approx(late * 1000, abs=8)
    assert finding.limit == 40.0
    if late > 0.05:
        assert "after the sound" in finding.why
        assert "move the sound 8" in finding.fix
        assert "later" in finding.fix


def test_what_was_recognised_is_held_to_what_people_notice() -> None:
    visemes = a_timeline(20.0)
    verdicts = {}
    for late in (-0.2, -0.15, -0.1, 0.02, 0.06, 0.12):
        opening = a_mouth(visemes, middles(20.0), late)
        case = evidence(20.0, visemes=visemes, opening=opening, heard=a_speech(visemes), speech=None)
        verdicts[late] = only(sync.check(case), "sync").verdict
    assert verdicts == {-0.2: "fail", -0.15: "warn", -0.1: "pass", 0.02: "pass", 0.06: "warn", 0.12: "fail"}


def test_without_a_face_sync_is_unseen_with_the_reason() -> None:
    for finding in sync.check(evidence(no_face="its face is drawn")):
        assert finding.verdict == "unseen"
        if finding.check != "sound":
            assert finding.why == "its face is drawn"


def a_real_mouth(visemes: tuple[Timed, ...], times: np.ndarray, late: float = 0.0) -> np.ndarray:
    """One that follows the words no more closely than a real one does, and comes before the sound as that does."""
    return a_mouth(visemes, times, late - sync.LEAD, tremble=0.10)


def test_the_witness_is_named_sync_unless_there_is_a_better_one() -> None:
    visemes = a_timeline(15.0)
    own = sync.check(evidence(15.0, visemes=visemes, heard=a_speech(visemes)))
    assert [finding.check for finding in own] == ["sound", "sync", "sync drift", "sync heard"]
    alone = sync.check(evidence(15.0, visemes=visemes, heard=a_speech(visemes), speech=None))
    assert [finding.check for finding in alone] == ["sync", "sync drift"]
    assert {finding.verdict for finding in alone} == {"pass"}
    deaf = sync.check(evidence(visemes=visemes, speech=None))
    assert [(finding.check, finding.verdict) for finding in deaf] == [("sync", "unseen"), ("sync drift", "unseen")]
    assert deaf[0].why == "nothing was recognised"


@pytest.mark.parametrize(("late", "verdict"), [(-0.24, "fail"), (-0.05, "pass"), (0.0, "pass"), (0.12, "fail")])
def test_real_lips_may_lead_what_is_heard(late: float, verdict: str) -> None:
    visemes = a_timeline(20.0)
    opening = a_real_mouth(visemes, middles(20.0), late)
    case = evidence(20.0, visemes=visemes, opening=opening, heard=a_speech(visemes), speech=None, wander=1.0)
    finding = only(sync.check(case), "sync")
    assert finding.verdict == verdict, finding.why
    assert finding.measured == pytest.approx(late * 1000, abs=12)
    ends = re.findall(r"[+-]\d+", only(sync.check(case), "sync drift").why)
    assert np.mean([int(end) for end in ends]) == pytest.approx(finding.measured, abs=2), "the same lead for both"


def test_lips_we_drew_may_not_lead() -> None:
    """The same mouth, under a plan of ours: then the timeline is what the lips were drawn after."""
    visemes = a_timeline(20.0)
    opening = a_real_mouth(visemes, middles(20.0))
    real = evidence(20.0, visemes=visemes, opening=opening, wander=1.0)
    assert only(sync.check(real), "sync").verdict == "pass"
    ours = evidence(20.0, visemes=visemes, opening=opening, plan=a_plan(500), wander=1.0)
    drawn = only(sync.check(ours), "sync")
    assert drawn.verdict in ("warn", "fail")
    assert drawn.limit == 40.0
    assert drawn.measured == pytest.approx(-1000 * sync.LEAD, abs=12)


@pytest.mark.parametrize(
    ("asked", "leads"),
    [
        (Asked(), True),
        (Asked(family="generator", engine="animator"), True),
        (Asked(family="animator", engine="somebody's"), True),
        (Asked(family="animator", engine="animator"), False),
        (Asked(family="animator", engine="echo"), False),
    ],
)
@given(correlation=st.floats(-1.0, 1.0), wander=st.floats(0.0, 3.0))
def test_the_lead_goes_with_how_real_the_head_is(asked: Asked, leads: bool, correlation: float, wander: float) -> None:
    seen = evidence(wander=wander).seen
    case = SimpleNamespace(asked=asked, seen=seen, scenes=[(0, len(seen.index) - 1)])
    lead = sync.natural_lead(sync.Offset(correlation=correlation), case)  # type: ignore[arg-type]
    assert 0.0 <= lead <= sync.LEAD
    if not leads or correlation >= sync.DRAWN or wander < 0.9 * sync.CALM:
        assert lead == 0.0
    elif wander > 1.2 * sync.LIVELY:
        assert lead == pytest.approx(sync.LEAD)


@pytest.mark.parametrize(("wander", "lead"), [(0.0, 0.0), (0.3, sync.LEAD)])
def test_a_cut_does_not_make_a_head_that_stands_still_a_real_ones(wander: float, lead: float) -> None:
    case = evidence(wander=wander)
    aside = np.where(case.seen.index[:, None] >= 80, [40.0, 0.0, 40.0, 0.0], 0.0)
    moved = replace(case.motion, cuts=(80,))
    case = replace(case, seen=replace(case.seen, face=case.seen.face + aside))
    told, cut = (sync.natural_lead(sync.Offset(correlation=0.4), one) for one in (case, replace(case, motion=moved)))
    assert told == pytest.approx(sync.LEAD), "in one scene it would have wandered"
    assert cut == pytest.approx(lead, abs=1e-3)


@given(st.floats(0.0, 1e4), st.floats(0.0, 1e4))
def test_the_longer_a_mouth_is_watched_the_less_its_offset_must_stand_out(one: float, other: float) -> None:
    short, long = sorted((one, other))
    low, high = sync.LEAD_BOUNDS
    assert low <= sync.least_lead(long) <= sync.least_lead(short) <= high


def test_how_far_an_offset_must_stand_out_is_what_was_measured() -> None:
    assert sync.least_lead(sync.LEAD_SECONDS) == pytest.approx(sync.LEAST_LEAD)
    assert sync.least_lead(5.0) == pytest.approx(0.19, abs=0.001)
    assert (sync.least_lead(2.0), sync.least_lead(600.0)) == sync.LEAD_BOUNDS[::-1]


def a_spread(visemes: tuple[Timed, ...], times: np.ndarray, late: float, tremble: float) -> np.ndarray:
    """How wide the mouth is that says it."""
    wanted = np.zeros(len(times))
    for viseme in visemes:
        wanted[(times - late >= viseme.start) & (times - late < viseme.end)] = sync.WIDENESS[viseme.label]
    return 1 + 0.1 * wanted + np.random.default_rng(3).normal(0, tremble, len(times))


def test_the_width_of_a_mouth_tells_what_its_opening_leaves_open() -> None:
    """One that mumbles: its opening trembles as much as it moves."""
    alone, both, right = 0, 0, 0
    for seed in range(12):
        visemes, times = a_timeline(6.0, seed=seed), middles(6.0)
        opening = a_mouth(visemes, times, 0.08, tremble=0.3)
        first = sync.measure_offset(times, opening, visemes, ((0.0, 6.0),), drifts_from=9.0)
        width = a_spread(visemes, times, 0.08, 0.03)
        second = sync.measure_offset(times, opening, visemes, ((0.0, 6.0),), width, drifts_from=9.0)
        alone += not first.unseen
        both += not second.unseen
        right += not second.unseen and abs(second.middle - 0.08) < 0.04
    assert both >= alone + 2
    assert right == both


def test_an_offset_that_hardly_stands_out_warns_and_does_not_fail() -> None:
    offset = sync.Offset(0.3, 0.01, 0.0, 0.01, 6.0, 0.3, 1.2, 150)
    known = replace(offset, lead=2.0)
    limits = (*sync.SOUND_EARLY, *sync.SOUND_LATE)
    verdicts = [sync._offset_finding("sync", 300.0, 10.0, *limits, one, "it").verdict for one in (offset, known)]
    assert verdicts == ["warn", "fail"]


def test_a_mouth_that_follows_loosely_is_timed_in_a_long_stretch_only() -> None:
    visemes = a_timeline(20.0)
    times = middles(20.0)
    opening = a_mouth(visemes, times, tremble=0.18)
    whole = sync.measure_offset(times, opening, visemes, ((0.0, 20.0),))
    assert 0.25 < whole.correlation < 0.35
    assert not whole.unseen
    assert whole.middle == pytest.approx(0.0, abs=0.03)
    short = times < 6.0
    assert sync.measure_offset(times[short], opening[short], visemes, ((0.0, 6.0),)).unseen


def noise_bursts(seconds: float, rate: int = 16000) -> np.ndarray:
    rng = np.random.default_rng(2)
    samples = rng.normal(0, 1, int(seconds * rate))
    loud = np.repeat(rng.uniform(0, 1, int(seconds * 8)) ** 2, rate // 8)
    return (3000 * samples[: len(loud)] * loud).astype(np.int16)


@pytest.mark.parametrize("late_ms", [-200, -40, 0, 20, 120])
def test_a_shifted_sound_is_measured_to_the_millisecond(late_ms: int) -> None:
    original = noise_bursts(8.0)
    moved = np.roll(original, round(late_ms * 16))
    shift = sync.sound_shift(moved, original, 16000, 2.0, 6.0)
    assert shift is not None
    assert shift.late * 1000 == pytest.approx(late_ms, abs=1.0)
    assert shift.alike > 0.9


def test_another_sound_is_not_alike() -> None:
    other = np.random.default_rng(9).permutation(noise_bursts(8.0).reshape(-1, 400)).ravel()
    shift = sync.sound_shift(other, noise_bursts(8.0), 16000, 2.0, 6.0)
    assert shift is None or shift.alike < sync.SOUND_ALIKE


# --------------------------------------------------------------------------------------------- closures and silence


def a_babble() -> tuple[tuple[Timed, ...], np.ndarray, np.ndarray]:
    """Ten closures in ten seconds of open vowels; the middles of the frames, s, and in which of them lips are shut."""
    visemes = tuple(Timed(k * 0.5, k * 0.5 + (0.08 if k % 2 else 0.5), "MBP" if k % 2 else "AA") for k in range(20))
    times = middles(10.0)
    shut = np.any([(times >= v.start - 0.02) & (times < v.end + 0.02) for v in visemes if v.label == "MBP"], axis=0)
    return visemes, times, shut


def test_closures_that_stay_open_are_counted_and_the_worst_is_named() -> None:
    visemes, times, shut = a_babble()
    opening = np.where(shut, 0.01, 0.25)
    assert only(closures.check_closures(evidence(visemes=visemes, opening=opening)), "closures").verdict == "pass"
    one = np.where((times > 4.4) & (times < 4.7), 0.15, opening)
    finding = only(closures.check_closures(evidence(visemes=visemes, opening=one)), "closures")
    assert finding.verdict == "warn" or finding.measured == pytest.approx(0.9)
    assert finding.start is not None
    assert finding.start == pytest.approx(4.54, abs=0.06)
    half = np.where(times > 5, 0.15, opening)
    finding = only(closures.check_closures(evidence(visemes=visemes, opening=half)), "closures")
    assert finding.verdict == "fail"
    assert finding.measured == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("engine", "gap", "at_closures", "unlike", "verdict"),
    [
        ("animator", 0.0, 0.24, 3.0, "pass"),
        ("animator", 0.0, 0.35, 3.0, "pass"),  # our reader sees it now so, now so
        ("animator", 0.0, 0.24, 4.0, "fail"),  # it does not look as in the still any more
        ("animator", 3.0, 0.24, 3.0, "fail"),  # a mouth that is open in the still
        ("animator", None, 0.24, 3.0, "warn"),  # without the still nobody knows
        ("animator", None, 0.35, 3.0, "fail"),
        ("did", 0.0, 0.24, 3.0, "fail"),  # who knows whether that begins with the still
        ("did", None, 0.24, 3.0, "fail"),
    ],
)
def test_painted_lips_that_are_read_as_open_in_the_still_are_shut_where_they_look_the_same(
    engine: str, gap: float | None, at_closures: float, unlike: float, verdict: str
) -> None:
    visemes, _, shut = a_babble()
    opening = np.where(shut, at_closures, 0.8)
    opening[0] = 0.23
    line = np.stack([np.linspace(40, 60, 5), np.full(5, 70.0)], 1).astype(np.float32)
    eye = Eye(line, line, line, None)
    mouth = Mouth(line - 2, line + 2, line, line + np.float32([0, gap or 0]))
    face = Face((10, 10, 90, 90), (eye, eye), mouth, line, (50, 60), (50, 90), 0, 0, 0, "drawn", {})
    still = Still(np.zeros((100, 100, 3), np.uint8), "s.png", "0" * 64)
    scene = None if gap is None else Scene(still, "drawn", (face,), (), None, {})
    known = {"scene": scene, "asked": Asked(family="animator", engine=engine)}
    seen = {"opening": opening, "unlike": np.where(shut, unlike, 10.0), "drawn": True}
    found = closures.check_closures(evidence(visemes=visemes, **seen, **known))
    assert only(found, "closures").verdict == verdict


@pytest.mark.parametrize(
    ("at_closures", "unit", "drawn", "verdict"),
    [
        (0.07, 60.0, False, "pass"),
        (0.08, 60.0, False, "fail"),
        (0.08, 24.0, False, "fail"),
        (0.07, 23.9, False, "unseen"),
        (0.08, 23.9, True, "fail"),
    ],
)
def test_whether_lips_meet_is_told_of_mouths_that_are_large_enough(
    at_closures: float, unit: float, drawn: bool, verdict: str
) -> None:
    visemes, _, shut = a_babble()
    opening = np.where(shut, at_closures, 0.3)
    found = closures.check_closures(evidence(visemes=visemes, opening=opening, unit=unit, drawn=drawn))
    assert only(found, "closures").verdict == verdict


def test_few_closures_say_nothing() -> None:
    visemes = (Timed(0, 1, "AA"), Timed(1, 1.1, "MBP"), Timed(1.1, 10, "AA"))
    assert closures.check_closures(evidence(visemes=visemes))[0].verdict == "unseen"


def test_a_recognised_timeline_warns_of_closures_at_most() -> None:
    visemes = a_timeline(10.0)
    case = evidence(visemes=visemes, opening=np.full(250, 0.2), speech=None, heard=a_speech(visemes))
    assert closures.check_closures(case)[0].verdict == "warn"


def test_a_mouth_that_moves_in_a_pause_is_found_there() -> None:
    visemes = (Timed(0, 4, "AA"), Timed(4, 6, "rest"), Timed(6, 10, "AA"))
    times = middles(10.0)
    opening = np.where((times > 4) & (times < 6), 0.01, 0.2)
    assert closures.check_silence(evidence(visemes=visemes, opening=opening))[0].verdict == "pass"
    seeming = np.where((times > 4.5) & (times < 5.5), 0.2, opening)  # our reader sees some mouths now so, now so
    moves = np.where((times > 4) & (times < 6), 1.0, 10.0)
    for engine, unlike, verdict in (
        ("animator", moves, "pass"),
        ("animator", moves + 20 * seeming, "fail"),
        ("did", moves, "fail"),
    ):
        asked = Asked(family="animator", engine=engine)
        (finding,) = closures.check_silence(evidence(visemes=visemes, opening=seeming, unlike=unlike, asked=asked))
        assert finding.verdict == verdict
    stirred = opening + 0.15 * np.exp(-(((times - 5) / 0.15) ** 2))
    (finding,) = closures.check_silence(evidence(visemes=visemes, opening=stirred))
    assert finding.verdict == "fail"
    assert (finding.start, finding.end) == (4, 6)
    trembling = opening + np.where(np.arange(250) % 7 == 0, 0.06, 0.0)
    assert closures.check_silence(evidence(visemes=visemes, opening=trembling))[0].verdict == "pass"


def test_a_pause_that_is_only_heard_must_be_silent_and_lips_may_leave_it_early() -> None:
    visemes = (Timed(0, 4, "AA"), Timed(4, 6, "rest"), Timed(6, 10, "AA"))
    times = middles(10.0)
    stirred = np.where((times > 4) & (times < 6), 0.01, 0.2) + 0.6 * np.exp(-(((times - 5) / 0.3) ** 2))

    def silence(opening: np.ndarray, loud: tuple[float, float] = (0, 0)) -> ClipFinding:
        heard, at = a_speech(visemes), np.arange(160_000) / 16_000
        sounds = (at < 4) | ((at >= loud[0]) & (at < loud[1]))
        mono = np.where(sounds, 8000, 0) * (-1) ** np.arange(160_000)
        heard = replace(heard, sound=replace(heard.sound, mono=mono.astype(np.int16)))
        return only(closures.check_silence(evidence(opening=opening, speech=None, heard=heard)), "silence")

    assert silence(stirred).verdict == "warn"
    assert silence(stirred, (4.5, 5.5)).verdict == "unseen", "words were missed there"
    assert silence(stirred, (4.9, 4.95)).verdict == "warn", "a click is no word"
    early = np.where((times > 4) & (times < 5.82), 0.01, 0.6)
    assert silence(early).verdict == "pass"
    assert closures.check_silence(evidence(visemes=visemes, opening=early))[0].verdict == "fail"


# ----------------------------------------------------------------------------------------------------- the picture


def test_a_mouth_that_stands_still_while_it_should_speak_is_found_and_a_pause_is_not() -> None:
    visemes = (Timed(0, 4, "rest"), *[Timed(4 + k * 0.1, 4.1 + k * 0.1, "AA" if k % 2 else "S") for k in range(60)])
    change = np.ones(250)
    change[10:90] = 0.0
    assert only(picture.check_still_mouth(evidence(visemes=visemes, change=change)), "still mouth").verdict == "pass"
    change[150:160] = 0.0
    finding = only(picture.check_still_mouth(evidence(visemes=visemes, change=change)), "still mouth")
    assert finding.verdict == "fail"
    assert finding.measured == pytest.approx(0.44, abs=0.05)
    assert finding.start == pytest.approx(5.96, abs=0.05)


def test_teeth_that_flash_at_a_steady_opening_are_found() -> None:
    opening = np.full(250, 0.2)
    light = 150 + 10 * np.sin(np.arange(250) / 10)
    assert picture.check_teeth(evidence(opening=opening, teeth=np.diff(light, prepend=150)))[0].verdict == "pass"
    light[100] += 40
    (finding,) = picture.check_teeth(evidence(opening=opening, teeth=np.diff(light, prepend=150)))
    assert finding.verdict == "warn"
    assert finding.measured == pytest.approx(40, abs=1.5)
    assert finding.start == pytest.approx(4.0, abs=0.05)
    (small,) = picture.check_teeth(evidence(opening=opening, teeth=np.diff(light, prepend=150), unit=39.0))
    assert small.verdict == "pass", "a lip slides over a few pixels"
    a_still = np.zeros((100, 100, 3), np.uint8)
    flickering = np.diff(np.where(np.arange(250) % 4 == 0, 8.0, 0.0), prepend=0)
    (made,), (filmed,) = (
        picture.check_teeth(evidence(opening=opening, teeth=flickering, still=still)) for still in (a_still, None)
    )
    assert (made.verdict, filmed.verdict) == ("warn", "pass"), "a real head moves as it likes"
    assert made.measured == filmed.measured == pytest.approx(8.0)
    case = evidence(opening=opening, teeth=flickering, still=a_still)
    small = replace(case, seen=replace(case.seen, face=case.seen.face / 2))
    assert "px wide" in picture.check_teeth(small)[0].why
    moving = 0.2 + 0.1 * (np.arange(250) % 2)
    case = evidence(opening=moving, teeth=np.diff(light, prepend=150))
    assert picture.check_teeth(case)[0].verdict == "unseen"


def test_blocks_of_the_still_are_known_to_the_checks() -> None:
    chance = np.random.default_rng(0)
    still = np.kron(chance.integers(60, 68, (16, 16, 1)), np.ones((8, 8, 3))).astype(np.uint8)
    look = dict(CHECKS)["file"]
    for known, verdict in ((still, "pass"), (None, "warn")):
        case = evidence(still=known, blocks=Blockiness(2 * BLOCKY, (0, 0, 0, 0), 20))
        assert only(look(case), "blockiness").verdict == verdict


# ---------------------------------------------------------------------------------------------------------- length


def a_plan(frames: int) -> Plan:
    shot = Shot(
        family="animator", engine="echo", motion="still", seconds=frames / FPS, fps=FPS, size=(100, 100), seed=0
    )
    return Plan(shots=(shot,))


def test_the_plan_says_how_many_frames_there_are() -> None:
    assert only(length.check(evidence(plan=a_plan(250))), "length").verdict == "pass"
    finding = only(length.check(evidence(plan=a_plan(251))), "length")
    assert (finding.verdict, finding.measured, finding.limit) == ("fail", 250.0, 251.0)
    assert only(length.check(evidence()), "length").verdict == "unseen"
    turn = a_plan(50).shots[0].model_copy(update={"loop": True, "repeat": 5})
    assert only(length.check(evidence(plan=Plan(shots=(turn,)))), "length").verdict == "pass"


@pytest.mark.parametrize(("ticks", "verdict"), [(3600, "pass"), (3604, "fail")])
def test_frame_times_are_exact(ticks: int, verdict: str) -> None:
    times = Timing(tuple(k * ticks for k in range(250)), Fraction(1, 90000), direct=True)
    finding = only(length.check(evidence(timing=times, plan=a_plan(250))), "frame times")
    assert finding.verdict == verdict


def a_sound(seconds: Fraction) -> Sound:
    return Sound("clip", "", 48000, 1, seconds, np.zeros(10, np.int16), lambda: iter(()))


@pytest.mark.parametrize(
    ("seconds", "verdict"), [("10", "pass"), ("9.97", "pass"), ("10.03", "pass"), ("9.9", "fail")]
)
def test_sound_and_picture_end_together(seconds: str, verdict: str) -> None:
    case = evidence(sound=a_sound(Fraction(seconds)), plan=a_plan(250))
    assert only(length.check(case), "sound length").verdict == verdict


def test_a_silent_clip_of_speech_fails() -> None:
    assert only(length.check(evidence()), "sound length").verdict == "fail"
    for name, verdict in (("clip.webm", "fail"), ("clip.MOV", "fail"), ("clip.gif", "unseen"), ("clip", "unseen")):
        case = evidence()
        case = replace(case, clip=Clip(Path(name), case.clip.info))
        assert only(length.check(case), "sound length").verdict == verdict, name


# ---------------------------------------------------------------------------------------------------------- folds


def a_warp(fold: int = 0, residual: float = 0.1, cut: bool = False) -> SimpleNamespace:
    y, x = np.mgrid[0:60, 0:80].astype(np.float32)
    where = np.dstack([x, y])
    if fold:
        where[20 : 20 + fold, 30 : 30 + fold, 0] = 70 - where[20 : 20 + fold, 30 : 30 + fold, 0]
    cut_mask = np.zeros((60, 80), bool)
    if cut:
        cut_mask[15:40, 25:50] = True
    return SimpleNamespace(
        box=(10, 20, 90, 80),
        map=where,
        residual=np.full(100, residual, np.float32),
        cut=cut_mask,
        lips=None,
        opening=0.0,
    )


def a_performance(warp: SimpleNamespace) -> SimpleNamespace:
    return SimpleNamespace(frame_count=250, warps=lambda index: (warp,))


def test_a_fold_is_found_where_it_is_and_a_cut_is_none() -> None:
    clean = folds.check(evidence(performance=a_performance(a_warp())))
    assert [finding.verdict for finding in clean] == ["pass", "pass"]
    finding = only(folds.check(evidence(performance=a_performance(a_warp(fold=5)))), "folds")
    assert finding.verdict == "fail"
    assert finding.box is not None
    x0, y0, x1, y1 = finding.box
    assert x0 == pytest.approx(40, abs=3)
    assert y0 == pytest.approx(40, abs=3)
    assert x1 - x0 <= 8
    assert y1 - y0 <= 8
    assert only(folds.check(evidence(performance=a_performance(a_warp(fold=5, cut=True)))), "folds").verdict == "pass"


def test_a_row_of_folded_pixels_is_a_tear_and_may_be_longer_in_a_larger_picture() -> None:
    y, x = np.mgrid[0:800, 0:800].astype(np.float32)
    straight, cut = np.dstack([x, y]), np.zeros((800, 800), bool)

    def told(pixels: int, longest: int) -> ClipFinding:
        torn = straight.copy()
        torn[20, 30 : 31 + pixels, 0] = torn[20, 30 : 31 + pixels, 0][::-1]
        assert int(folds.folded(torn, cut).sum()) == pixels

        def warps(index: int) -> tuple[SimpleNamespace]:
            where = torn if index == 0 else straight
            return (SimpleNamespace(box=(0, 0, 800, 800), map=where, residual=np.zeros(1, np.float32), cut=cut),)

        case = evidence(performance=SimpleNamespace(frame_count=250, warps=warps))
        info = case.clip.info.model_copy(update={"height": longest})
        return only(folds.check(replace(case, clip=replace(case.clip, info=info))), "folds")

    most, shown = folds.LARGEST_GROUP, folds.SHOWN
    for pixels, longest in ((most, shown), (2 * most, 2 * shown)):
        assert told(pixels, longest).verdict == "pass"
        over = told(pixels + 1, longest)
        assert (over.verdict, over.measured, over.unit, over.limit) == ("fail", pixels + 1, "pixels together", pixels)
    share = told(2 * most, 2 * shown)
    assert share.unit == "share of pixels"
    assert share.measured is not None
    assert 0 < share.measured < folds.FOLD_SHARE
    assert [told(pixels, shown // 2).verdict for pixels in (most, most + 1)] == ["pass", "fail"]


def test_the_inverse_must_hit_within_half_a_pixel() -> None:
    findings = folds.check(evidence(performance=a_performance(a_warp(residual=0.6))))
    assert only(findings, "inverse").verdict == "fail"
    assert only(findings, "inverse").measured == pytest.approx(0.6)


def test_without_a_warp_folds_are_unseen() -> None:
    for performance in (None, SimpleNamespace(frame_count=250)):
        assert {finding.verdict for finding in folds.check(evidence(performance=performance))} == {"unseen"}


# ------------------------------------------------------------------------------------------------------ background


def a_scene_of_lines(shift: float = 0.0) -> np.ndarray:
    x, y = np.meshgrid(np.arange(160) - shift, np.arange(128))
    grey = 120 + 50 * np.sin(x / 5) + 40 * np.sin(y / 7)
    return np.repeat(grey[..., None], 3, 2).round().astype(np.uint8)


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5, 1.0])
def test_a_shifted_background_is_measured_in_px(shift: float) -> None:
    comparison = background.Comparison(a_scene_of_lines(), np.ones((128, 160), bool), "the still")
    comparison.take(0.5, a_scene_of_lines(shift))
    found = comparison.finish()
    assert float(found.shift.max()) == pytest.approx(shift, abs=0.12)
    verdicts = {f.check: f.verdict for f in background.check_decoded(evidence(backgrounds=found))}
    assert verdicts["background shift"] == ("fail" if shift >= 0.5 else "pass")


def test_a_background_is_compared_where_it_should_stand_still() -> None:
    comparison = background.Comparison(a_scene_of_lines(), np.ones((128, 160), bool), "its first frame")
    comparison.take(0.5, a_scene_of_lines(1.0))
    found, empty = comparison.finish(), evidence().motion
    moving = replace(empty, camera=np.tile([0.001, 0.0, 0.0, 0.0], (20, 1)))

    def verdicts(asked: Asked, seen: motion.Motion) -> set[str]:
        return {f.verdict for f in background.check_decoded(evidence(backgrounds=found, motion=seen, asked=asked))}

    assert "warn" in verdicts(Asked(), empty)
    assert verdicts(Asked(), moving) == {"unseen"}
    assert verdicts(Asked(family="generator"), empty) == {"unseen"}
    assert "warn" in verdicts(Asked(family="generator", still=True), moving)


def test_only_the_background_is_compared() -> None:
    region = np.ones((128, 160), bool)
    region[:, 64:] = False
    comparison = background.Comparison(a_scene_of_lines(), region, "the still")
    frame = a_scene_of_lines()
    frame[:, 80:] = 0
    comparison.take(0.0, frame)
    found = comparison.finish()
    assert found.psnr[0] == 99.0
    assert found.ripple == 0.0


def test_a_changing_light_in_the_background_is_a_ripple() -> None:
    comparison = background.Comparison(a_scene_of_lines(), np.ones((128, 160), bool), "the still")
    brighter = a_scene_of_lines().astype(int)
    brighter[40:60, 40:60] += 12
    comparison.take(0.0, a_scene_of_lines())
    comparison.take(0.4, np.clip(brighter, 0, 255).astype(np.uint8))
    finding = only(background.check_decoded(evidence(backgrounds=comparison.finish())), "background ripple")
    assert finding.verdict == "fail"
    assert finding.measured == pytest.approx(12, abs=2)


def test_raw_frames_are_held_to_the_mask() -> None:
    still = a_scene_of_lines()
    mask = np.zeros((128, 160), bool)
    mask[30:60, 30:60] = True

    def performance(stray: bool) -> SimpleNamespace:
        def frame(index: int) -> np.ndarray:
            out = still.copy()
            out[40, 40] = 255
            if stray and index == 249:
                out[100, 100] += 1
            return out

        return SimpleNamespace(frame_count=250, mask=mask, frame=frame)

    assert only(
        background.check_raw(evidence(still=still, performance=performance(False))), "background raw"
    ).verdict == ("pass")
    finding = only(background.check_raw(evidence(still=still, performance=performance(True))), "background raw")
    assert (finding.verdict, finding.measured) == ("fail", 1.0)
    assert finding.start == pytest.approx(249 / 25)


# --------------------------------------------------------------------------------------------------- the whole room


def test_a_check_that_breaks_is_unseen_and_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import logging

    import stillwake.inspection as room
    from stillwake.inspection import evidence as gathering

    def breaks(_: Evidence) -> list[ClipFinding]:
        raise ZeroDivisionError("nothing there")

    logging.getLogger("stillwake.inspection").setLevel(logging.CRITICAL)
    monkeypatch.setattr(gathering, "gather", lambda clip, **_: evidence())
    monkeypatch.setattr(room, "CHECKS", (("teeth", breaks), *(check for check in CHECKS if check[0] == "light")))
    found = inspect(evidence().clip)
    assert found.findings[0].verdict == "unseen"
    assert "ZeroDivisionError: nothing there" in found.findings[0].why
    assert found.findings[1].check == "flicker"
    assert found.passed
    logging.getLogger("stillwake.inspection").setLevel(logging.NOTSET)


def test_the_summary_names_what_is_wrong_first() -> None:
    findings = (
        ClipFinding(check="length", verdict="pass", why="250 frames"),
        ClipFinding(check="teeth", verdict="unseen", why="no teeth show"),
        ClipFinding(check="sync", verdict="fail", why="80 ms", fix="move the sound", start=1.25),
    )
    lines = list(summary(Inspection(clip=evidence().clip.info, passed=False, findings=findings)))
    assert lines[0] == "FAIL   sync: 80 ms (at 1.25 s) -> move the sound"
    assert [line.split()[0] for line in lines] == ["FAIL", "ok", "unseen"]


def test_frames_come_from_any_window_of_a_film(tmp_path: Path) -> None:
    from stillwake.media import write_clip

    frames = (np.full((48, 64, 3), 20 + k // 2, np.uint8) for k in range(400))
    clip = write_clip(tmp_path / "clip.mp4", frames, fps=FPS, frame_count=400, size=(64, 48))
    times = timing(clip)
    assert times.direct
    assert times.worst(FPS)[0] == 0
    spans = ((0.4, 0.8), (14.0, 14.2), (15.8, 99.0))
    shown = [(s.index, s.time, float(s.pixels.mean())) for s in frames_within(clip, times, spans)]
    assert [index for index, _, _ in shown] == [*range(10, 20), *range(350, 355), *range(395, 400)]
    for index, time, grey in shown:
        assert time == pytest.approx((index + 0.5) / 25)
        assert grey == pytest.approx(20 + index // 2, abs=2)


def test_frames_come_from_a_sequence_too(tmp_path: Path) -> None:
    from stillwake.media import write_clip

    frames = (np.full((48, 64, 3), 10 * k, np.uint8) for k in range(10))
    clip = write_clip(tmp_path / "out" / "%05d.png" if (tmp_path / "out").mkdir() is None else tmp_path, frames,
                      fps=FPS, frame_count=10, size=(64, 48))  # fmt: skip
    shown = [(s.index, int(s.pixels[0, 0, 0])) for s in frames_within(clip, timing(clip), ((0.08, 0.16), (0.32, 9.0)))]
    assert shown == [(2, 20), (3, 30), (8, 80), (9, 90)]


@pytest.mark.parametrize("name", [f"a{ending}" for ending in CLIP_ENDINGS] + ["a/%05d.png"])
@pytest.mark.parametrize("rate", ["25", "30000/1001"])
def test_every_format_is_looked_through_and_its_frames_are_on_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, rate: str
) -> None:
    """Only what a format itself cannot carry is unseen; a square moves, and one frame is like the one before."""

    def at(index: int) -> int:
        return 8 * (index - (index > 4))

    from stillwake.inspection import evidence as gathering

    # nobody is in it, and looking for them takes longer than all the rest
    monkeypatch.setattr(gathering, "find_face", lambda *_: (None, None, "no face was found in it"))
    (tmp_path / "a").mkdir()
    y, x = np.mgrid[0:96, 0:128]
    still = np.dstack([60 + x, 200 - y, 90 + (x + y) // 2]).astype(np.uint8)

    def frames() -> Iterator[np.ndarray]:
        for index in range(12):
            frame = still.copy()
            frame[40:64, at(index) : at(index) + 24] = (220, 160, 140)
            yield frame

    fps = Fraction(rate)
    write_clip(tmp_path / name, frames, fps=fps, frame_count=12, size=(128, 96), loop=True)
    clip = open_clip(tmp_path / name)
    if name in ("a.gif", "a.webp") and rate != "25":
        assert clip.info.fps == pytest.approx(fps, rel=0.02)
    else:
        assert clip.info.fps == fps
    found = {finding.check: finding for finding in inspect(clip).findings}
    assert found["frame times"].verdict == "pass", found["frame times"].why
    assert found["black"].verdict == "pass"
    times = timing(clip)
    assert len(times.ticks) == 12
    for shown in frames_within(clip, times, ((0.0, 9.0),)):
        inside = at(shown.index) + 12
        assert np.abs(shown.pixels[52, inside].astype(int) - (220, 160, 140)).max() < 24, shown.index
        assert np.abs(shown.pixels[20, inside].astype(int) - still[20, inside]).max() < 24


def test_a_steady_tone_marks_no_time() -> None:
    tone = (8000 * np.sin(np.arange(16000 * 3) * 2 * np.pi * 440 / 16000)).astype(np.int16)
    assert sync.sound_shift(tone, tone, 16000, 0.0, 2.0) is None


def test_a_face_that_rests_with_its_teeth_is_expected_to() -> None:
    times = np.arange(100) / 25
    visemes = (Timed(0.0, 2.0, "rest"), Timed(2.0, 4.0, "AA"))
    opening = np.where(times < 2.0, 0.12, 0.24)
    assert sync._rest(times, opening, visemes) == pytest.approx(0.5)
    assert sync._rest(times, np.where(times < 2.0, 0.0, 0.24), visemes) == 0
    grid, wanted = sync.expected_opening(visemes, 0.0, 4.0, rest=0.5)
    assert wanted[np.abs(grid - 1.0).argmin()] == pytest.approx(0.5, abs=0.01)
    assert wanted[np.abs(grid - 3.0).argmin()] == pytest.approx(1.0, abs=0.01)


def test_a_leaning_face_is_read_upright() -> None:
    """Shut lips of a head that leans by 3 degrees read up to .05 in a level crop, .03 in an upright one."""
    from stillwake.inspection.evidence import _Watches
    from stillwake.inspection.stream import Shown
    from stillwake.inspection.view import Place

    asked: list[tuple[Any, float]] = []

    class Reader:
        def mesh(self, pixels: Any, box: Any, *, roll: float = 0.0, kind: str = "photo") -> None:
            asked.append((box, roll, kind))

    place = Place((10.0, 10.0, 40.0, 40.0), 21.0, "drawn")
    watches = _Watches(evidence().clip, ((0.0, 1.0),), place, "", "no matte", None, None)
    reader: Any = Reader()
    for index in range(2):
        watches.take(watches.view(Shown(index, index / 25, np.zeros((100, 100, 3), np.uint8)), reader))
    assert asked == [((10.0, 10.0, 40.0, 40.0), 21.0, "drawn")] * 2


def test_what_texture_hides_of_the_background_counts_less() -> None:
    rng = np.random.default_rng(3)
    busy = np.clip(120 + rng.normal(0, 40, (128, 160, 3)), 0, 255).astype(np.uint8)
    plain = np.full_like(busy, 120)
    noise = rng.normal(0, 7, busy.shape)

    def quality(still: npt.NDArray[np.uint8], frame: npt.NDArray[np.float64]) -> float:
        comparison = background.Comparison(still, np.ones((128, 160), bool), "the still")
        comparison.take(0.0, np.clip(frame, 0, 255).astype(np.uint8))
        return float(comparison.finish().psnr[0])

    assert quality(plain, plain + noise) < background.PSNR_LEAST
    assert quality(busy, busy + noise) > background.PSNR_LEAST + 3
    assert quality(busy, np.roll(busy, 1, axis=1).astype(float)) < background.PSNR_LEAST - 3


# ------------------------------------------------------------------------------------------------- fades and dissolves


def test_no_mouth_is_read_in_the_frames_of_a_change() -> None:
    seen = evidence().seen
    hidden = without(seen, [(10, 14)])
    for part in ("opening", "width", "eyes", "change"):
        values = getattr(hidden, part)
        assert np.isnan(values[10:15]).all(), part
        np.testing.assert_array_equal(np.delete(values, range(10, 15)), np.delete(getattr(seen, part), range(10, 15)))
    assert without(seen, []) is seen


def test_a_films_edit_does_not_say_who_made_its_shots() -> None:
    assert evidence().filmed
    assert evidence(asked=Asked(frames=200, changes=((40, 52),))).filmed
    assert not evidence(asked=Asked(frames=200, changes=((40, 52),), engine="kling")).filmed


def test_no_camera_filmed_a_drawn_face() -> None:
    assert not evidence(seen=replace(evidence().seen, drawn=True)).filmed


def test_the_first_frame_of_a_clip_that_fades_in_is_not_held_against_the_still() -> None:
    still = np.full((100, 100, 3), 90, np.uint8)
    fades = Change(0, 14, "in", "black", False, 2)
    (told,) = start.check(evidence(still=still, ends=replace(loop.Watch().finish(), start=still), changes=(fades,)))
    assert (told.verdict, told.why) == ("unseen", "the clip fades in")
    later = replace(fades, first=60, last=80, kind="through")
    found = start.check(evidence(still=still, ends=replace(loop.Watch().finish(), start=still), changes=(later,)))
    assert all(finding.why != "the clip fades in" for finding in found)


def test_what_is_drawn_is_at_hand_for_clips_of_ours_in_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [np.full((4, 4, 3), k, np.uint8) for k in range(3)]
    performance = SimpleNamespace(frame=frames.__getitem__, frame_count=3)
    ours, others = (Asked(family="animator", engine=engine) for engine in ("animator", "did"))
    drawn = evidence(performance=performance, asked=ours).as_drawn
    assert drawn is not None
    assert [int(drawn(index)[0, 0, 0]) for index in (0, 2, 3, 7)] == [0, 2, 0, 1]
    told: list[Any] = []
    monkeypatch.setattr(continuity, "check", lambda *_, **known: told.append(known["drawn"]) or [])
    dict(CHECKS)["continuity"](evidence(performance=performance, asked=ours))
    assert int(told[0](4)[0, 0, 0]) == 1
    assert evidence(performance=performance, asked=others).as_drawn is None
    assert evidence(asked=ours).as_drawn is None


@pytest.mark.parametrize(("change", "verdict"), [(1.2, "pass"), (0.2, "fail")])
def test_a_face_that_moves_is_asked_when_nothing_else_does(change: float, verdict: str) -> None:
    watch = motion.Watch((100, 100), FPS)
    for index in range(12):
        shown = Shown(index, (index + 0.5) / 25, np.full((100, 100, 3), 90, np.uint8))
        watch.take(View(shown, None, None, None))
    seen = {"motion": watch.finish(), "change": np.full(250, change), "asked": Asked(moving=True)}
    assert only(dict(CHECKS)["motion"](evidence(**seen)), "motion").verdict == verdict
