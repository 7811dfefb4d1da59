"""The clip's own sound, recognised in a process of its own or in this one: the same answer, and none left behind."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest

from stillwake.inspection import hearing as room
from stillwake.inspection.hearing import Heard, hearing
from stillwake.media import sound_from_samples
from stillwake.types import Sound, Speech


@pytest.fixture(autouse=True)
def forgetful() -> None:
    room._memory.clear()


@pytest.fixture(scope="module")
def spoken() -> Speech:
    from stillwake.speech import say

    return say("My mother baked an apple pie, and Bob ate it.")


def heard(sound: Sound | None, told: Speech | None = None) -> Heard:
    seconds = 1.0 if sound is None else float(sound.seconds)
    with hearing(sound, ((0.0, seconds),), told) as ear:
        return ear.result()


def test_a_process_of_its_own_hears_what_this_one_hears(spoken: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    here = heard(spoken.sound)
    room._memory.clear()
    monkeypatch.setattr(room, "APART", 0.5)
    monkeypatch.setattr(room, "heard", None)  # else this process would answer for one that fails
    there = heard(spoken.sound)
    assert here.speech is not None
    assert there.speech is not None
    assert there.speech.visemes == here.speech.visemes
    assert there.speech.words == here.speech.words
    assert there.spans == here.spans == ((0.0, float(spoken.sound.seconds)),)


def test_a_process_that_dies_is_done_without(spoken: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    here = heard(spoken.sound)
    monkeypatch.setattr(room, "APART", 0.5)
    for broken in ("/bin/false", "/no/such/python"):
        room._memory.clear()
        monkeypatch.setattr(sys, "executable", broken)
        found = heard(spoken.sound)
        assert found.speech is not None
        assert here.speech is not None
        assert found.speech.visemes == here.speech.visemes


def test_who_stops_waiting_leaves_no_process_behind(spoken: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "APART", 0.5)
    began = time.perf_counter()
    processes = []

    def interrupted() -> None:
        with hearing(spoken.sound, ((0.0, 2.0),), None) as ear:
            processes.append(ear._process)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    (process,) = processes
    assert process is not None
    assert process.poll() is not None
    assert time.perf_counter() - began < 5


def test_what_was_heard_lately_is_remembered(spoken: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    here = heard(spoken.sound)
    monkeypatch.setattr(room, "heard", None)
    assert here.speech is not None
    again = heard(spoken.sound).speech
    assert again is not None
    assert again.visemes == here.speech.visemes
    assert len(room._memory._answers) == 1
    for number in range(room.MEMORY + 3):
        room._memory.keep([f"sound {number}"], [{"words": []}])
    assert room._memory.recall(["sound 2"]) is None, "the oldest are forgotten"
    assert room._memory.recall([f"sound {room.MEMORY}"]) == [{"words": []}]
    room._memory.keep(["noise"], [{"why": "the machine was tired"}])
    assert room._memory.recall(["noise"]) is None
    assert room._memory.recall([""]) is None


def test_a_used_recogniser_hears_what_a_new_one_hears(spoken: Speech) -> None:
    from stillwake.speech import recognise

    loud = (np.random.default_rng(1).normal(0, 3000, 32000)).astype(np.int16)
    recognise._idle.clear()
    new = recognise.Recogniser().words(spoken.sound.mono)
    assert len(recognise._idle) == 1
    recognise.Recogniser().words(loud)
    assert recognise.Recogniser().words(spoken.sound.mono) == new
    assert len(recognise._idle) == 1


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_no_sound_and_hardly_any_are_told(seconds: float) -> None:
    assert heard(None).why == "the clip has no sound"
    short = sound_from_samples(np.zeros(int(16000 * seconds) or 1, np.int16), 16000, "short")
    assert heard(short).why == "the sound is too short"
    assert heard(short).speech is None


def test_of_a_long_clip_whose_words_are_known_the_ends_are_heard() -> None:
    assert room._ends(((0.0, 12.0),)) == ((0.0, 12.0),)
    first, last = room._ends(((0.0, 600.0),))
    assert first == (0.0, room.ENOUGH / 2)
    assert last == (600.0 - room.ENOUGH / 2, 600.0)


def test_stretches_that_overlap_are_joined_in_order() -> None:
    found = [
        ((0.0, 1.0), 0.0, {"visemes": [[0.0, 0.6, "AA"], [0.6, 1.2, "MBP"]]}),
        ((1.0, 2.0), 0.8, {"visemes": [[0.0, 0.3, "rest"], [0.3, 0.9, "IY"]]}),
    ]
    joined = room._joined(found, "visemes")
    assert [timed.label for timed in joined] == ["AA", "MBP", "IY"]
    assert all(one.end <= other.start for one, other in pairwise(joined))
    assert joined[-1].end == pytest.approx(1.7)


def test_the_recogniser_imports_only_what_it_needs() -> None:
    """Each inspection starts it anew: with the inspection's own imports it took a second instead of a half."""
    heavy = "{'av', 'cv2', 'scipy', 'stillwake.inspection', 'stillwake.perceive'}"
    code = f"import sys; import stillwake.speech.hear_worker; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
