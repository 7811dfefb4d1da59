"""The file itself: what the container says, the encoder's blocks, how loud it is, which platforms take it."""

from __future__ import annotations

import io
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from stillwake.errors import ClipError
from stillwake.inspection import length
from stillwake.inspection.asked import Asked
from stillwake.inspection.file import (
    BLOCKY,
    LOUD,
    PLATFORMS,
    QUIET,
    TRUE_PEAK,
    Blockiness,
    Blocks,
    FileFacts,
    check,
    facts,
    grid_ratio,
    refused,
)
from stillwake.inspection.stream import Shown, Timing
from stillwake.inspection.view import View
from stillwake.media import open_clip, sound_from_samples, write_clip
from stillwake.media.loudness import REACH, Loudness, Meter, between_taps, k_weighting, loudness
from stillwake.types import Clip, ClipFinding, ClipInfo, Pixels

INFO = ClipInfo(
    name="a.mp4", sha256="0" * 64, width=1080, height=1920, fps=Fraction(30), frame_count=300, seconds=10.0,
    sound="aac, 48000 Hz, stereo",
)  # fmt: skip
HEARD = Loudness(-16.0, -2.0, -2.5, 0, 10.0, 48_000, 2)
GOOD = FileFacts(
    INFO, "film", 4_000_000, container="mp4", codec="h264", pixel_format="yuv420p", chroma="4:2:0", sounds=1,
    sound_codec="aac", sound_rate=48_000, sound_channels=2, loudness=HEARD, unheard="",
)  # fmt: skip
CLEAN = Blockiness(1.2, (0, 0, 0, 0), 20)


def found(facts: FileFacts, blocks: Blockiness | None = CLEAN) -> dict[str, ClipFinding]:
    return {finding.check: finding for finding in check(facts, blocks, Asked())}


def only_warns(facts: FileFacts, blocks: Blockiness | None = CLEAN) -> set[str]:
    findings = check(facts, blocks, Asked())
    for finding in findings:
        assert finding.verdict != "fail"
        assert bool(finding.fix) == (finding.verdict == "warn"), finding
    return {finding.check for finding in findings if finding.verdict == "warn"}


# ---------------------------------------------------------------------------------------------------- what is told


def test_a_plain_file_has_nothing_to_mend() -> None:
    assert only_warns(GOOD) == set()
    assert set(found(GOOD)) == {"pixel format", "blockiness", "loudness", "clipping", "platforms"}


@pytest.mark.parametrize(
    ("name", "changed", "word"),
    [
        ("pixel format", {"bits": 10}, "10 bits"),
        ("pixel format", {"chroma": "4:4:4"}, "4:4:4"),
        ("pixel format", {"chroma": "4:2:2"}, "4:2:2"),
        ("pixel format", {"hdr": "PQ", "bits": 10}, "HDR"),
        ("pixel format", {"wide": True}, "BT.2020"),
        ("pixel format", {"alpha": True}, "transparent"),
        ("interlaced", {"interlaced": True}, "half pictures"),
        ("rotated", {"rotation": 270}, "270°"),
        ("pixel shape", {"pixel_aspect": Fraction(64, 45)}, "not square"),
        ("tracks", {"sounds": 2}, "2 sounds"),
        ("tracks", {"films": 3}, "3 films"),
        ("sound format", {"sound_codec": "ac3"}, "ac3 in mp4"),
        ("sound format", {"sound_channels": 6}, "6 channels"),
        ("sound format", {"sound_rate": 96_000}, "96000 Hz"),
    ],
)
def test_what_is_odd_is_told_with_its_mend(name: str, changed: dict[str, Any], word: str) -> None:
    facts = replace(GOOD, **changed)
    assert only_warns(facts) - {"platforms"} == {name}
    assert word in found(facts)[name].why


@pytest.mark.parametrize(
    ("heard", "warned", "word"),
    [
        (replace(HEARD, integrated=QUIET - 1), {"loudness"}, "too quiet"),
        (replace(HEARD, integrated=LOUD + 1), {"loudness"}, "too loud"),
        (replace(HEARD, integrated=-math.inf), {"loudness"}, "silent throughout"),
        (replace(HEARD, true_peak=TRUE_PEAK + 0.5), {"clipping"}, "true peak"),
        (replace(HEARD, clipped=7), {"clipping"}, "7 places"),
    ],
)
def test_loudness_has_limits(heard: Loudness, warned: set[str], word: str) -> None:
    facts = replace(GOOD, loudness=heard)
    assert only_warns(facts) == warned
    assert word in found(facts)[warned.copy().pop()].why


def test_without_a_sound_nothing_is_heard() -> None:
    facts = replace(GOOD, loudness=None, unheard="the clip has no sound")
    assert found(facts)["loudness"].verdict == "unseen"
    assert "clipping" not in found(facts)


def test_blocks_and_bars_are_told() -> None:
    assert only_warns(GOOD, replace(CLEAN, ratio=BLOCKY + 0.1)) == {"blockiness"}
    assert only_warns(GOOD, replace(CLEAN, bars=(0, 100, 0, 102))) == {"black bars"}
    assert found(GOOD, replace(CLEAN, bars=(0, 100, 0, 102)))["black bars"].box == (0, 100, 1080, 1818)
    assert only_warns(GOOD, replace(CLEAN, bars=(0, 0, 0, 300))) == set(), "a dark floor is no bar"
    assert found(GOOD, None)["blockiness"].verdict == "unseen"
    assert found(GOOD, Blockiness(math.nan, (0, 0, 0, 0), 3))["blockiness"].verdict == "unseen"


def test_blocks_that_the_still_has_are_not_the_encoders() -> None:
    chance = np.random.default_rng(0)
    flat = np.kron(chance.integers(60, 68, (24, 24, 1)), np.ones((8, 8, 3))).astype(np.uint8)
    own = grid_ratio(np.ascontiguousarray(flat[..., 0]))
    assert own > 2 * BLOCKY
    as_rough, rougher = replace(CLEAN, ratio=own - 1), replace(CLEAN, ratio=own + 1)
    (told,) = (f for f in check(GOOD, as_rough, Asked(), flat) if f.check == "blockiness")
    assert told.verdict == "pass"
    assert told.limit == pytest.approx(own)
    assert "the still has such blocks itself" in told.why
    smooth = np.full_like(flat, 64)
    for blocks, still in ((rougher, flat), (as_rough, smooth), (as_rough, None)):
        (told,) = (f for f in check(GOOD, blocks, Asked(), still) if f.check == "blockiness")
        assert told.verdict == "warn"


# ------------------------------------------------------------------------------------------------------- platforms


def test_every_platform_says_where_from_and_how_sure() -> None:
    assert len({platform.name for platform in PLATFORMS}) == 5
    assert all(platform.source and platform.sure for platform in PLATFORMS)


def info(**changed: Any) -> FileFacts:
    return replace(GOOD, info=INFO.model_copy(update=changed))


@pytest.mark.parametrize(
    ("facts", "refusing"),
    [
        (GOOD, set()),
        (info(seconds=2.0), {"TikTok", "Instagram Reels", "LinkedIn"}),
        (info(seconds=400.0), {"X"}),
        (info(fps=Fraction(12)), {"TikTok", "Instagram Reels"}),
        (info(width=320, height=320), {"TikTok"}),
        (info(width=2400, height=600), {"Instagram Reels", "X", "LinkedIn"}),
        (replace(GOOD, bytes=450_000_000), {"Instagram Reels"}),
        (replace(GOOD, codec="vp9", container="webm"), {"Instagram Reels", "X", "LinkedIn"}),
        (replace(GOOD, bits=10), {"Instagram Reels", "X"}),
        (replace(GOOD, kind="animation", container="gif"), {platform.name for platform in PLATFORMS}),
    ],
)
def test_platforms_refuse_what_their_pages_say(facts: FileFacts, refusing: set[str]) -> None:
    assert {platform.name for platform in PLATFORMS if refused(facts, platform)} == refusing
    finding = found(facts)["platforms"]
    assert (finding.measured, finding.verdict) == (len(refusing), "warn" if refusing else "pass")


def test_a_wide_clip_is_no_short_but_is_taken() -> None:
    finding = found(info(width=1920, height=1080))["platforms"]
    assert finding.verdict == "pass"
    assert "YouTube Shorts takes it as an ordinary video" in finding.why
    assert "shown at 9:16, cropped or with bars, by TikTok, Instagram Reels" in finding.why


# -------------------------------------------------------------------------------------------------------- the facts


def voice(rate: int = 24_000, seconds: float = 1.0) -> Any:
    wave = 9000 * np.sin(np.arange(int(rate * seconds)) * 2 * np.pi * 300 / rate)
    return sound_from_samples(wave.astype(np.int16), rate)


def frames(count: int = 10) -> Iterator[Pixels]:
    for number in range(count):
        yield np.full((64, 64, 3), 60 + 10 * number, np.uint8)


def test_our_own_clips_tell_their_facts(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", frames(), fps=Fraction(25), frame_count=10, size=(64, 64), sound=voice())
    told = facts(clip)
    assert (told.kind, told.container, told.codec, told.bits, told.chroma) == ("film", "mp4", "h264", 8, "4:2:0")
    assert (told.films, told.sounds, told.sound_codec) == (1, 1, "aac")
    assert (told.alpha, told.hdr, told.interlaced, told.rotation, told.pixel_aspect) == (False, "", False, 0, 1)
    assert told.bytes == clip.path.stat().st_size
    assert told.loudness is not None
    assert told.loudness.integrated == pytest.approx(20 * math.log10(9000 / 32768) + 0, abs=1.5)
    assert only_warns(told) == {"platforms"}


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.apng", "a.avif", "frames/%05d.png"])
def test_of_animations_and_folders_is_told_what_can_be(tmp_path: Path, name: str) -> None:
    sound = voice() if name.endswith("png") and "%" in name else None
    clip = write_clip(tmp_path / name, frames(), fps=Fraction(25), frame_count=10, size=(64, 64), sound=sound)
    told = facts(clip)
    assert told.kind == ("folder" if sound else "animation")
    assert told.bytes > 100
    assert found(told)["pixel format"].verdict == "unseen"
    assert (told.loudness is not None) == (sound is not None)
    assert found(told)["platforms"].verdict == ("unseen" if sound else "warn")


def test_transparency_is_seen_in_both_films_that_carry_it(tmp_path: Path) -> None:
    clear = [np.dstack([frame, np.full((64, 64), 128, np.uint8)]) for frame in frames(3)]
    for name in ("a.mov", "a.webm"):
        clip = write_clip(tmp_path / name, iter(clear), fps=Fraction(25), frame_count=3, size=(64, 64))
        assert facts(clip).alpha, name


def test_a_file_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", frames(), fps=Fraction(25), frame_count=10, size=(64, 64))
    clip.path.unlink()
    with pytest.raises(ClipError):
        facts(clip)


# ------------------------------------------------------------------------------------------------------- the blocks


def pictures(count: int = 12) -> list[Pixels]:
    """A photograph that pans slowly over 384 × 320 px."""
    from skimage import data

    whole = np.ascontiguousarray(data.astronaut())
    return [np.ascontiguousarray(whole[at : at + 320, at : at + 384]) for at in range(count)]


def encoded(drawn: list[Pixels], crf: int, **options: str) -> Iterator[Pixels]:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25, width=384, height=320, options={"crf": str(crf), **options})
        for number, picture in enumerate(drawn):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as back:
        for frame in back.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def looked(drawn: Any, every: float = 0.5) -> Blockiness:
    blocks = Blocks()
    for number, picture in enumerate(drawn):
        blocks.take(View(Shown(number, number * every, picture), None, None, None))
    return blocks.finish()


def test_blocks_are_seen_when_they_are_there() -> None:
    drawn = pictures()
    assert looked(encoded(drawn, 18)).ratio < BLOCKY
    assert looked(encoded(drawn, 28)).ratio < BLOCKY
    assert looked(encoded(drawn[:1] * 8, 44)).ratio > BLOCKY, "before a camera that stands still"
    assert looked(encoded(drawn[:1] * 8, 38, **{"x264-params": "no-deblock=1"})).ratio > BLOCKY, "unfiltered"


def test_edges_of_what_is_shown_are_no_blocks() -> None:
    stripes = np.repeat(np.where(np.arange(384) // 8 % 2, 40, 200).astype(np.uint8)[None], 320, 0)
    assert looked([np.dstack([stripes] * 3)]).ratio < BLOCKY
    assert math.isnan(looked([np.zeros((20, 20, 3), np.uint8)]).ratio)
    assert looked(pictures(20), every=0.1).looked == 4


def test_bars_are_black_straight_and_in_every_frame() -> None:
    drawn = [picture.copy() for picture in pictures(4)]
    for picture in drawn:
        picture[:40] = picture[-42:] = 3
    assert looked(drawn).bars == (0, 40, 0, 42)
    drawn[2][:20] = 90
    assert looked(drawn).bars == (0, 0, 0, 42)
    assert looked([np.zeros((128, 128, 3), np.uint8)]).bars == (0, 0, 0, 0)
    night = np.zeros((128, 128, 3), np.uint8)
    rows, columns = np.mgrid[:128, :128]
    night[(rows - 64) ** 2 + (columns - 64) ** 2 < 40**2] = 120
    assert looked([night]).bars == (0, 0, 0, 0), "a planet has no straight edge"


# --------------------------------------------------------------------------------------------------------- loudness


def tone(level: float, seconds: float, rate: int = 48_000, hertz: float = 1000, channels: int = 2) -> np.ndarray:
    """A sine whose peak is ``level`` dB below full scale, as EBU Tech 3341 wants it, (n, channels)."""
    wave = 10 ** (level / 20) * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, axis=1)


def measured(*parts: np.ndarray, rate: int = 48_000, weights: tuple[float, ...] = (1.0, 1.0)) -> Loudness:
    meter, whole = Meter(rate, weights), np.concatenate(parts)
    for at in range(0, len(whole), 7777):
        meter.add(whole[at : at + 7777])
    return meter.finish()


def test_the_filters_are_those_of_the_standard() -> None:
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585]
    cut = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    np.testing.assert_allclose(k_weighting(48_000), [shelf, cut], atol=1e-12)


@pytest.mark.parametrize("rate", [8_000, 48_000, 96_000])
def test_the_filters_do_what_scipys_do(rate: int) -> None:
    from scipy.signal import firwin, sosfilt

    samples = np.random.default_rng(rate).normal(0, 0.1, (3 * rate + 77, 2))
    meter = Meter(rate, (1.0, 1.0))
    weighted = np.concatenate([meter._weighted(part) for part in np.split(samples, [5, 900, rate])])
    np.testing.assert_allclose(weighted, sosfilt(k_weighting(rate), samples, axis=0), atol=1e-9)
    over = 2 if rate == 96_000 else 4
    taps = firwin(2 * REACH * over + 1, 1 / over, window=("kaiser", 6.0)) * over
    np.testing.assert_allclose(between_taps(over), taps, atol=1e-12)


def test_a_meter_needs_no_scipy() -> None:
    code = "import sys, numpy; from stillwake.media.loudness import Meter; m = Meter(48_000, (1.0,));"
    code += " m.add(numpy.ones((48_000, 1))); m.finish(); assert 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-23, 20)], -23.0),
        ([(-33, 20)], -33.0),
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
    ],
)
@pytest.mark.parametrize("rate", [24_000, 22_050])
def test_loudness_is_that_of_ebu_tech_3341(parts: list[tuple[float, float]], expected: float, rate: int) -> None:
    """Cases 1 to 5 of its table 1, to 0.1 LU."""
    assert measured(*(tone(*part, rate=rate) for part in parts), rate=rate).integrated == pytest.approx(
        expected, abs=0.1
    )


def test_loudspeakers_count_by_their_place() -> None:
    """Case 6 of Tech 3341: left and right -28, centre -24, surround -30 dB; a subwoofer is not counted at all."""
    five = np.concatenate([tone(level, 20, channels=1) for level in (-28, -28, -24, -30, -30)], axis=1)
    assert measured(five, weights=(1, 1, 1, 1.41, 1.41)).integrated == pytest.approx(-23.0, abs=0.1)
    assert measured(tone(-23, 5), weights=(1, 0)).integrated == pytest.approx(-26.0, abs=0.1)
    assert measured(tone(-23, 5, channels=1), weights=(1,)).integrated == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(
    ("part", "degrees", "peak", "expected"),
    [(4, 0, 0.5, -6.0), (4, 45, 0.5, -6.0), (6, 60, 0.5, -6.0), (8, 67.5, 0.5, -6.0), (4, 45, 1.41, 3.0)],
)
def test_true_peaks_are_those_of_ebu_tech_3341(part: int, degrees: float, peak: float, expected: float) -> None:
    """Cases 15 to 19: +0.2, -0.4 dB. The samples of most of them never reach the peak."""
    wave = peak * np.sin(2 * np.pi * np.arange(9600) / part + np.deg2rad(degrees))
    wave[:480] *= np.linspace(0, 1, 480)
    wave[-480:] *= np.linspace(1, 0, 480)
    heard = measured(np.repeat(wave[:, None], 2, axis=1))
    assert expected - 0.4 <= heard.true_peak <= expected + 0.2


def test_silence_and_clipping_are_heard() -> None:
    assert measured(np.zeros((48_000, 2))).silent
    assert measured(tone(-80, 2)).silent
    assert not measured(tone(-60, 2)).silent
    assert math.isinf(Meter(48_000, (1.0,)).finish().integrated)
    assert measured(tone(-23, 0.05)).integrated == pytest.approx(-23, abs=1.5)
    assert measured(tone(-1, 1)).clipped == 0
    loud = np.clip(tone(6, 1, hertz=100), -1, 1)
    assert measured(loud).clipped == 2 * 200, "each half wave of each channel once, whatever the blocks"


def test_the_meter_keeps_nothing_but_its_blocks() -> None:
    import tracemalloc

    meter, block = Meter(48_000, (1.0, 1.0)), tone(-20, 1)
    meter.add(block)
    tracemalloc.start()
    for _ in range(30):
        meter.add(block)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 400_000, "half a minute is 23 MB of samples"


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.m4a", "aac"), ("a.mka", "flac")])
def test_a_files_loudness_is_its_samples(tmp_path: Path, name: str, codec: str) -> None:
    with av.open(str(tmp_path / name), "w", format="mp4" if codec == "aac" else None) as out:
        stream = out.add_stream(codec, rate=48_000, layout="stereo")
        whole = (32_768 * tone(-20, 3)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(whole).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    heard = loudness(tmp_path / name, "Cannot inspect a", ClipError)
    assert heard is not None
    assert heard.integrated == pytest.approx(-20.0, abs=0.1)
    assert heard.seconds == pytest.approx(3.0, abs=0.05)


def test_what_has_no_sound_has_no_loudness(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", frames(), fps=Fraction(25), frame_count=10, size=(64, 64))
    assert loudness(clip.path, "Cannot inspect a.mp4", ClipError) is None
    assert found(facts(clip))["loudness"].verdict == "unseen"


# ------------------------------------------------------------------------------------------------------ frame times


def on_time(times: Timing, *, ours: bool = False, fps: int = 25) -> ClipFinding:
    clip = Clip(Path("a.mp4"), INFO.model_copy(update={"fps": Fraction(fps), "frame_count": len(times.ticks)}))
    evidence: Any = SimpleNamespace(
        clip=clip, timing=times, fps=Fraction(fps), plan=None, performance=object() if ours else None, speech=None,
        sound=None,
    )  # fmt: skip
    return length._frame_times(evidence)


def ticks(*numbers: int) -> Timing:
    return Timing(numbers, Fraction(1, 1000), direct=True, even=False)


@pytest.mark.parametrize("ours", [False, True])
def test_a_missing_frame_is_told_where_it_is(ours: bool) -> None:
    finding = on_time(ticks(*(40 * k for k in range(50) if k not in (20, 30, 31))), ours=ours)
    assert finding.verdict == ("fail" if ours else "warn")
    assert (finding.measured, finding.unit) == (3, "frames")
    assert (finding.start, finding.end) == (pytest.approx(0.76), pytest.approx(0.84))
    assert "3 frames are missing in 2 places, the first after 0.76 s, at most 2 in a row after 1.16 s" in finding.why


def test_two_frames_at_one_time_are_told() -> None:
    finding = on_time(ticks(0, 40, 80, 80, 120, 160, 200))
    assert (finding.verdict, finding.measured) == ("warn", 1)
    assert "at the time of the one before" in finding.why
    assert finding.start == pytest.approx(0.08)


def test_a_rate_that_varies_is_told_with_its_worst_place() -> None:
    chance = np.random.default_rng(3)
    steps = np.where(chance.random(100) < 0.3, chance.integers(28, 55, 100), 40)
    steps[70] = 130
    finding = on_time(ticks(0, *np.cumsum(steps).tolist()))
    assert (finding.verdict, finding.unit) == ("warn", "%")
    assert 10 < finding.measured < 35
    assert finding.start == pytest.approx(steps[:70].sum() / 1000)
    assert "lasts 130 ms" in finding.why
    shorter = on_time(ticks(*range(0, 4000, 42), *range(4023, 5000, 33)))
    assert "the usual 42 ms" in shorter.why
    assert "lasts 33 ms" in shorter.why


def test_frames_on_time_pass() -> None:
    assert on_time(ticks(*(40 * k for k in range(50))), ours=True).verdict == "pass"
    thirds = Timing(tuple(round(1000 * k / 30) for k in range(90)), Fraction(1, 1000), direct=True)
    assert on_time(thirds, fps=30).verdict == "pass"
    assert on_time(Timing((), Fraction(1), direct=True)).verdict == "fail"


def test_a_strangers_missing_frames_are_found_in_the_file(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=25, width=64, height=64)
        for number in (*range(12), *range(14, 30)):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 5 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    from stillwake.inspection.stream import timing

    clip = open_clip(tmp_path / "a.mp4")
    evidence: Any = SimpleNamespace(clip=clip, timing=timing(clip), fps=clip.info.fps, plan=None, performance=None)
    finding = length._frame_times(evidence)
    assert (finding.measured, finding.start) == (2, pytest.approx(11 / 25))
