"""Every injury: what it does, how strong it is made, on which takes, and which checks may answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from . import injure_light, injure_shape, injure_sound, injure_time
from .sources import Source
from .takes import Take, seeded
from .truth import Injured, Make, Truth

Fits = Callable[[Source], bool]


def _any(source: Source) -> bool:
    return True


def _speaks(source: Source) -> bool:
    return source.face and source.sound


def _speaks_briefly(source: Source) -> bool:
    return _speaks(source) and source.kind != "long"


def _speaks_long(source: Source) -> bool:
    return _speaks(source) and source.seconds >= 20


def _ours_talk(source: Source) -> bool:
    return source.kind in ("talk", "voice")


def _face(source: Source) -> bool:
    return source.face and source.kind != "long"


def _short(source: Source) -> bool:
    return source.kind != "long"


def _loop(source: Source) -> bool:
    return source.kind == "loop"


def _standing(source: Source) -> bool:
    return source.ours and source.kind in ("talk", "voice", "loop", "camera")


BOTH = ("told", "stranger")
TOLD = ("told",)


@dataclass(frozen=True)
class Injury:
    """One kind of fault.

    ``make`` does it; ``strengths`` in ``unit``; ``answers`` are patterns of the names of checks, any of which may find
    it (shell wildcards); ``fits`` says which takes it is tried on; ``modes`` whether also without knowing anything but
    the clip; ``negative`` that nothing is wrong: no check may answer.
    """

    name: str
    make: Make
    strengths: tuple[float, ...]
    unit: str
    answers: tuple[str, ...] = ()
    fits: Fits = _short
    modes: tuple[str, ...] = BOTH
    negative: bool = False

    def answered_by(self, check: str) -> bool:
        """Whether a finding of that check may answer."""
        return answers(check, self.answers)


def answers(check: str, patterns: tuple[str, ...] | list[str]) -> bool:
    """Whether one of the patterns names the check."""
    return any(fnmatchcase(check, pattern) for pattern in patterns)


SYNC = ("sync", "sync heard", "sound")
DRIFT = ("sync drift", "sound drift")
MORPH = ("morph", "subject*")
WARP = ("warp", "background*", "texture")
LIGHT = ("flicker", "local flicker")
BREATH = ("exposure breathing",)
COLOUR = ("colour drift", "subject colours")
SEAM = ("loop*", "ping-pong")
CUT = ("cut", "jump")
FADE = ("fade",)
STUCK = ("freeze", "dropped frames")
MISSING = ("dropped frames", "jump", "cut", "frame times", "length", "sound length")
FIRST = ("first *",)
BLOCKS = ("blockiness",)
"""Names of the checks, kept here alone: those that may answer the same fault."""

_SHIFTS = (-200.0, -120.0, -80.0, -40.0, 40.0, 80.0, 120.0, 200.0)

INJURIES: tuple[Injury, ...] = (
    Injury("sound_shifted", injure_sound.sound_shifted, _SHIFTS, "ms", SYNC, _speaks_briefly),
    Injury("words_moved", injure_sound.words_moved, (-120, 80, 120), "ms", SYNC, _ours_talk, TOLD),
    Injury("sound_drifts", injure_sound.sound_drifts, (-80, 80), "ms over 20 s", DRIFT, _speaks_long),
    Injury("closures_open", injure_sound.closures_open, (0.15, 0.3), "share", ("closures",), _ours_talk, TOLD),
    Injury("moves_in_silence", injure_sound.moves_in_silence, (0.1, 0.2), "mouth widths", ("silence",), _ours_talk,
           TOLD),
    Injury("teeth_flicker", injure_sound.teeth_flicker, (10, 20, 40), "levels", ("teeth",), _ours_talk),
    Injury("morph", injure_shape.morph, (6, 10, 15, 20), "%", MORPH, _face),
    Injury("morph_part", injure_shape.morph_part, (10, 20), "%", MORPH, _face),
    Injury("background_warps", injure_shape.background_warps, (1, 2, 4), "px", WARP, _short),
    Injury("flicker_alternate", injure_light.flicker_alternate, (1, 2), "%", LIGHT),
    Injury("flicker_random", injure_light.flicker_random, (1, 2), "%", LIGHT),
    Injury("local_quarter", injure_light.local_quarter, (1, 2), "%", LIGHT),
    Injury("local_strip", injure_light.local_strip, (1, 2), "%", LIGHT),
    Injury("exposure_breathes", injure_light.exposure_breathes, (2, 4), "%", BREATH),
    Injury("colour_drifts", injure_light.colour_drifts, (3, 6), "dE", COLOUR),
    Injury("black_frames", injure_light.black_frames, (1, 3), "frames", ("black",)),
    Injury("fades_in", injure_light.fades_in, (0.3, 0.8), "s", FADE),
    Injury("fades_out", injure_light.fades_out, (0.3, 0.8), "s", FADE),
    Injury("fades_through", injure_light.fades_through, (0.5, 1.5), "s", FADE),
    Injury("loop_jumps", injure_time.loop_jumps, (1, 2), "steps", SEAM, _loop, TOLD),
    Injury("ping_pong", injure_time.ping_pong, (1,), "time", SEAM, _loop, TOLD),
    Injury("end_reversed", injure_time.end_reversed, (8, 15), "frames", (*SEAM, *CUT), _loop, TOLD),
    Injury("cut", injure_time.cut_to(lambda: None), (1, 2), "cuts", CUT),
    Injury("dissolves", injure_time.dissolve_to(lambda: None), (0.4, 1), "s", CUT),
    Injury("wipes", injure_time.wipe_to(lambda: None), (0.3, 0.6), "s", CUT),
    Injury("jump_cut", injure_time.jump_cut, (12, 40), "frames", CUT),
    Injury("freezes", injure_time.freezes, (3, 5, 10), "frames", STUCK),
    Injury("freezes_delayed", injure_time.freezes_delayed, (5,), "frames", STUCK),
    Injury("frame_dropped", injure_time.frame_dropped, (1, 2), "frames", MISSING),
    Injury("frame_dropped_cut", injure_time.frame_dropped_cut, (1,), "frames", MISSING),
    Injury("frame_doubled", injure_time.frame_doubled, (1, 2), "frames", (*STUCK, "jump")),
    Injury("first_cropped", injure_light.first_cropped, (1, 3), "%", FIRST, _standing, TOLD),
    Injury("first_stretched", injure_light.first_stretched, (3,), "%", FIRST, _standing, TOLD),
    Injury("first_tinted", injure_light.first_tinted, (2, 4), "dE", (*FIRST, *COLOUR), _standing, TOLD),
    Injury("blocky", injure_light.blocky, (40, 45), "crf", BLOCKS),
    Injury("again", injure_light.encoded_again, (23,), "crf", fits=_any, negative=True),
    Injury("no_morph", injure_shape.morph, (0,), "", fits=_face, negative=True),
    Injury("no_warp", injure_shape.background_warps, (0,), "", negative=True),
    Injury("no_flicker", injure_light.flicker_random, (0,), "", negative=True),
    Injury("no_shift", injure_sound.sound_shifted, (0,), "", fits=_speaks_briefly, negative=True),
    Injury("no_tint", injure_light.colour_drifts, (0,), "", negative=True),
    Injury("loop_turned", injure_time.loop_untouched, (0,), "", fits=_loop, modes=TOLD, negative=True),
)  # fmt: skip
"""In the order of the report."""

TO_ANOTHER = {"cut": injure_time.cut_to, "dissolves": injure_time.dissolve_to, "wipes": injure_time.wipe_to}
"""Those that need another take, made with it."""

CLEAN = Injury("clean", lambda take, strength, rng: Injured(take, Truth()), (0,), "", fits=_any, negative=True)
"""The take as it is: what every other case of it is compared with."""


def injury_named(name: str) -> Injury:
    """The injury of that name.

    Raises
    ------
    KeyError
        There is none.
    """
    return {injury.name: injury for injury in (CLEAN, *INJURIES)}[name]


def injured(take: Take, name: str, strength: float, donor: Callable[[], Take | None] = lambda: None) -> Injured | None:
    """The take with that injury, put at a place by chance that is the same each time; None where it cannot be.

    ``donor`` gives the take that a cut, a dissolve or a wipe goes to. Every strength of an injury is put at the same
    place.
    """
    injury = injury_named(name)
    make = TO_ANOTHER[name](donor) if name in TO_ANOTHER else injury.make
    return make(take, strength, seeded(take.name, name))
