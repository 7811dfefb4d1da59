from __future__ import annotations

import hashlib
import io
import struct
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from stillwake.errors import SoundError
from stillwake.media import open_sound, sound_from_samples
from stillwake.types import Samples, Sound

CLICKS = (0.5, 1.25, 1.9)


def clicks(rate: int, seconds: float = 2.0, channels: int = 1) -> Samples:
    """Short bursts at known times, half a millisecond long: codecs keep them, and their middle is sharp."""
    samples = np.zeros((int(seconds * rate), channels), np.int16)
    for time in CLICKS:
        start = round(time * rate)
        length = max(2, rate // 2000)
        samples[start : start + length] = 20_000
    return samples


def heard(mono: Samples) -> list[float]:
    """Seconds at which the clicks begin in a 16 kHz track."""
    found = []
    for time in CLICKS:
        window = np.abs(mono[round((time - 0.1) * 16000) : round((time + 0.1) * 16000)].astype(float))
        found.append(time - 0.1 + float(np.argmax(window > window.max() / 2)) / 16000)
    return found


def encoded(path: Path, container: str, codec: str, samples: Samples, rate: int, layout: str = "mono") -> Path:
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout=layout)
        for start in range(0, len(samples), 4096):
            block = samples[start : start + 4096]
            frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def wav(path: Path, samples: Samples, rate: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((samples.shape[1], 2, rate, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def film(path: Path, container: str, sound_starts: float | None, seconds: float = 2.0) -> Path:
    """A grey film whose sound, if any, begins ``sound_starts`` seconds after its picture."""
    with av.open(str(path), "w", format=container) as out:
        picture = out.add_stream("mpeg4", rate=25, width=64, height=64)
        rate = 48_000
        voice = out.add_stream("pcm_s16le", rate=rate, layout="mono") if sound_starts is not None else None
        for index in range(int(25 * seconds)):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
        if voice and sound_starts is not None:
            skipped = round(sound_starts * rate)
            samples = clicks(rate, seconds)[skipped:]
            for start in range(0, len(samples), 4096):
                block = np.ascontiguousarray(samples[start : start + 4096])
                sound = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout="mono")
                sound.sample_rate, sound.pts, sound.time_base = rate, start + skipped, Fraction(1, rate)
                out.mux(voice.encode(sound))
            out.mux(voice.encode(None))
    return path


def streamed(sound: Sound) -> Samples:
    return np.concatenate(list(sound.blocks()))


def refused(path: Path) -> SoundError:
    with pytest.raises(SoundError) as caught:
        open_sound(path)
    sentence = str(caught.value)
    assert sentence.startswith(f"Cannot open {path.name}: ")
    assert "\n" not in sentence
    return caught.value


# --------------------------------------------------------------------------------------------------------- opening


@pytest.mark.parametrize(
    ("container", "codec", "rate", "late"),
    [
        ("wav", "pcm_s16le", 8_000, 0.0),
        ("wav", "pcm_s24le", 48_000, 0.0),
        ("wav", "pcm_f32le", 96_000, 0.0),
        ("flac", "flac", 44_100, 0.0),
        ("mp3", "libmp3lame", 44_100, 0.0),
        ("mp3", "libmp3lame", 22_050, 0.0),
        ("ipod", "aac", 48_000, 0.0),
        ("ipod", "aac", 44_100, 0.0),
        ("mov", "alac", 48_000, 0.0),
        ("ogg", "libopus", 48_000, 0.0),
        ("webm", "libopus", 48_000, 0.0),
        ("matroska", "aac", 48_000, 0.0),
        ("aiff", "pcm_s16be", 44_100, 0.0),
        ("caf", "pcm_s16be", 44_100, 0.0),
        ("adts", "aac", 48_000, 1024 / 48_000),  # a bare stream has no place to say how late its encoder was
    ],
)
def test_sound_keeps_its_time_in_every_container(
    tmp_path: Path, container: str, codec: str, rate: int, late: float
) -> None:
    sound = open_sound(encoded(tmp_path / "line", container, codec, clicks(rate), rate))
    assert np.abs(np.array(heard(sound.mono)) - CLICKS - late).max() < 0.001
    assert (sound.rate, sound.channels, sound.name) == (rate, 1, "line")
    assert abs(sound.seconds - 2) <= (Fraction(1, 100) if container not in ("adts", "matroska") else Fraction(1, 20))
    assert len(sound.mono) == pytest.approx(sound.seconds * 16000, abs=2)
    assert sound.mono.dtype == np.int16
    assert not sound.mono.flags.writeable
    assert sound.notes == ()
    assert sound.sha256 == hashlib.sha256((tmp_path / "line").read_bytes()).hexdigest()


def test_lossless_samples_are_streamed_unchanged_and_as_often_as_asked(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).integers(-32768, 32768, (50_001, 2)).astype(np.int16)
    for sound in (
        open_sound(wav(tmp_path / "a.wav", samples, 44_100)),
        open_sound(encoded(tmp_path / "a.flac", "flac", "flac", samples, 44_100, "stereo")),
        sound_from_samples(samples, 44_100),
    ):
        assert (sound.rate, sound.channels, sound.seconds) == (44_100, 2, Fraction(50_001, 44_100))
        assert np.array_equal(streamed(sound), samples)
        assert np.array_equal(streamed(sound), samples)


def test_m4a_ends_where_its_container_says(tmp_path: Path) -> None:
    sound = open_sound(encoded(tmp_path / "a.m4a", "ipod", "aac", clicks(44_100), 44_100))
    assert sound.seconds == 2  # the decoder gives 888 samples more: the encoder's padding


def test_six_channels_become_two(tmp_path: Path) -> None:
    samples = np.zeros((48_000, 6), np.int16)
    t = np.arange(48_000) / 48_000
    samples[:, 2] = 10_000 * np.sin(2 * np.pi * 440 * t)  # the centre, where film dialogue is
    sound = open_sound(encoded(tmp_path / "a.wav", "wav", "pcm_s16le", samples, 48_000, "5.1"))
    assert (sound.channels, sound.rate) == (2, 48_000)
    left, right = streamed(sound).T.astype(float)
    assert np.array_equal(left, right)
    assert left.std() > 2000
    assert sound.mono.astype(float).std() == pytest.approx(left.std(), rel=0.02)


def test_the_analysis_track_holds_no_aliases(tmp_path: Path) -> None:
    t = np.arange(96_000) / 48_000
    for hertz, kept in ((1_000, True), (7_000, True), (9_000, False), (15_000, False)):
        tone = (10_000 * np.sin(2 * np.pi * hertz * t)).astype(np.int16)
        mono = sound_from_samples(tone, 48_000).mono[4000:-4000].astype(float)
        level = 20 * np.log10(mono.std() / (10_000 / np.sqrt(2)) + 1e-9)
        assert level > -0.3 if kept else level < -65


def test_the_sound_of_a_film_is_counted_from_its_picture(tmp_path: Path) -> None:
    together = open_sound(film(tmp_path / "a.mov", "mov", 0.0))
    later = open_sound(film(tmp_path / "b.mov", "mov", 0.3))
    for sound in (together, later):
        assert np.abs(np.array(heard(sound.mono)) - CLICKS).max() < 0.001
        assert sound.seconds == 2
    assert not later.mono[: int(0.29 * 16000)].any()


def test_holes_in_the_timestamps_are_silence(tmp_path: Path) -> None:
    rate = 48_000
    samples = clicks(rate)
    path = tmp_path / "live.mka"
    with av.open(str(path), "w", format="matroska") as out:
        stream = out.add_stream("pcm_s16le", rate=rate, layout="mono")
        for start in range(0, len(samples), 4800):
            if 14 <= start // 4800 < 17:
                continue  # 0.3 s never arrived
            frame = av.AudioFrame.from_ndarray(
                samples[start : start + 4800].reshape(1, -1), format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    sound = open_sound(path)
    assert sound.seconds == 2
    assert heard(sound.mono)[2] == pytest.approx(CLICKS[2], abs=0.001)


def test_a_file_that_changes_is_noticed(tmp_path: Path) -> None:
    sound = open_sound(wav(tmp_path / "a.wav", clicks(16_000), 16_000))
    wav(tmp_path / "a.wav", clicks(16_000, 3.0), 16_000)
    with pytest.raises(SoundError, match="has changed since"):
        streamed(sound)
    (tmp_path / "a.wav").unlink()
    with pytest.raises(SoundError, match="has changed since"):
        streamed(sound)


def test_memory_does_not_grow_with_blocks(tmp_path: Path) -> None:
    sound = open_sound(wav(tmp_path / "a.wav", np.zeros((16_000 * 60, 1), np.int16), 16_000))
    assert max(len(block) for block in sound.blocks()) <= 65_536


def test_a_name_that_looks_like_an_address_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("concat:a|b.wav", "pipe:0", "-", "data:audio,wav"):
        wav(tmp_path / name, clicks(16_000), 16_000)
        assert open_sound(name).seconds == 2


# -------------------------------------------------------------------------------------------------------- refusals


def test_what_is_no_sound_is_named(tmp_path: Path) -> None:
    for content, why in (
        (b"just words\n" * 30, "it is not a sound or video file"),
        (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", "it is a playlist"),
        (b"ffconcat version 1.0\nfile other.wav\n", "it is a playlist"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "it is a PNG picture"),
        (b"GIF89a" + bytes(50), "it is a GIF"),
        (b"ID3\4\0\0\0\0\0\x05hello", "ends before the sound begins"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "damaged or cut off"),
        (b"fLaC" + bytes(60), "damaged or cut off"),
    ):
        (tmp_path / "line.mp4").write_bytes(content)
        assert why in refused(tmp_path / "line.mp4").why


def test_a_playlist_with_a_sounds_beginning_opens_nothing_else(tmp_path: Path) -> None:
    wav(tmp_path / "other.wav", clicks(16_000), 16_000)
    (tmp_path / "line.mp3").write_bytes(b"ID3\4\0\0\0\0\0\x00#EXTM3U\n#EXTINF:2,\nother.wav\n#EXT-X-ENDLIST\n")
    refused(tmp_path / "line.mp3")


def test_a_sound_without_sound(tmp_path: Path) -> None:
    assert "without sound" in refused(film(tmp_path / "a.mov", "mov", None)).why
    assert "no length" in refused(wav(tmp_path / "a.wav", np.zeros((0, 1), np.int16), 16_000)).why
    assert "only 10 ms long" in refused(wav(tmp_path / "b.wav", np.zeros((160, 1), np.int16), 16_000)).why
    sound = open_sound(wav(tmp_path / "c.wav", np.zeros((16_000, 1), np.int16), 16_000))
    assert not sound.mono.any()  # silence is a sound


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("wav", "pcm_s16le", 16_000),
        ("flac", "flac", 16_000),
        ("mp3", "libmp3lame", 44_100),
        ("ipod", "aac", 48_000),
        ("matroska", "flac", 48_000),
        ("webm", "libopus", 48_000),
        ("ogg", "libopus", 48_000),
        ("aiff", "pcm_s16be", 16_000),
        ("au", "pcm_s16be", 16_000),
        ("caf", "pcm_s16be", 16_000),
        ("avi", "pcm_s16le", 16_000),
    ],
)
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_recording_cut_off_is_refused(tmp_path: Path, container: str, codec: str, rate: int, share: float) -> None:
    noise = np.random.default_rng(1).integers(-9000, 9000, (rate * 4, 1)).astype(np.int16)
    path = encoded(tmp_path / "line", container, codec, noise, rate)
    assert abs(open_sound(path).seconds - 4) < Fraction(1, 20)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share) - 1])
    assert "cut off" in refused(path).why


def test_small_damage_is_silent_and_noted_and_large_damage_refused(tmp_path: Path) -> None:
    rate = 48_000
    noise = np.random.default_rng(1).integers(-9000, 9000, (rate * 6, 1)).astype(np.int16)
    path = encoded(tmp_path / "line.mka", "matroska", "flac", noise, rate)
    whole = path.read_bytes()
    with av.open(io.BytesIO(whole)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux() if packet.size]

    def spoiled(numbers: Iterator[int]) -> None:
        data = bytearray(whole)
        for number in numbers:
            place, size = packets[number]
            at = data.index(b"\xff\xf8", place)
            data[at : at + size - 8] = bytes(size - 8)
        path.write_bytes(data)

    spoiled(iter(range(20, 23)))
    sound = open_sound(path)
    assert sound.seconds == 6
    assert "cannot be decoded and are silent" in sound.notes[0]
    silent = np.flatnonzero(np.abs(sound.mono.astype(int)) < 2)
    assert 0.2 < len(silent) / 16000 < 0.4
    spoiled(iter(range(10, 40)))
    assert "it is damaged" in refused(path).why


def test_a_claimed_length_is_not_believed(tmp_path: Path) -> None:
    data = bytearray(wav(tmp_path / "a.wav", clicks(16_000), 16_000).read_bytes())
    data[40:44] = struct.pack("<I", 0x7FFFFFFF)  # what a pipe's writer leaves
    (tmp_path / "a.wav").write_bytes(data)
    assert open_sound(tmp_path / "a.wav").seconds == 2
    data = bytearray(encoded(tmp_path / "a.au", "au", "pcm_s16be", clicks(16_000), 16_000).read_bytes())
    data[8:12] = struct.pack(">I", 0x7FFFFFF0)
    (tmp_path / "a.au").write_bytes(data)
    assert "longer than 2 hours" in refused(tmp_path / "a.au").why


def test_a_rate_nobody_records_at_is_refused(tmp_path: Path) -> None:
    assert "100 Hz" in refused(wav(tmp_path / "a.wav", clicks(100, 60), 100)).why


def test_two_hours_are_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    seconds = 7_300
    header = wav(path, np.zeros((1, 1), np.int16), 4_000).read_bytes()[:40]
    with path.open("wb") as file:  # a hole in the file, not 58 MB of zeros
        file.write(header + struct.pack("<I", seconds * 4_000 * 2))
        file.truncate(44 + seconds * 4_000 * 2)
    assert "longer than 2 hours" in refused(path).why


def test_samples_must_be_what_they_say() -> None:
    for samples in (np.zeros(10, np.float32), np.zeros((10, 3), np.int16), np.zeros(0, np.int16)):
        with pytest.raises(ValueError, match="samples must be"):
            sound_from_samples(samples, 16_000)  # type: ignore[arg-type]
