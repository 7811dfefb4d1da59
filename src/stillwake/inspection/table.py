"""Every finding of an inspection, what it means and its limit, as one page: ``docs/inspection.md`` is made from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from stillwake.inspection import (
    background,
    closures,
    continuity,
    file,
    folds,
    light,
    loop,
    morph,
    morph_drawn,
    morph_mesh,
    motion,
    moves,
    picture,
    prompt,
    rigid,
    start,
    sync,
)
from stillwake.makers import MAKERS


class Row(NamedTuple):
    """A check as the page tells of it: ``verdict`` the worst it gives, ``limit`` in words, with what decides it."""

    check: str
    means: str
    limit: str
    verdict: str


ROWS: dict[str, tuple[Row, ...]] = {
    "Lips and sound": (
        Row("sync", "lips and sound are apart, against the words the clip was made from, or else its own sound; warns "
            "at most where that offset hardly stands out over others",
            f"sound early by {sync.SOUND_EARLY[0]:g} ms, fails at {sync.SOUND_EARLY[1]:g}; late by "
            f"{sync.SOUND_LATE[0]:g}, fails at {sync.SOUND_LATE[1]:g}; a mouth drawn after the words: a frame, "
            f"{sync.FINEST_LIMIT:g} ms at least", "fail"),
        Row("sync heard", "the same against what is recognised in the clip's own sound, as a second witness",
            f"sound early by {sync.SOUND_EARLY[0]:g} ms, late by {sync.SOUND_LATE[0]:g}", "fail"),
        Row("sync drift", "lips and sound part, or meet, along the clip; unseen where that hangs on one part of it, "
            f"or where what is said is only heard, in under {sync.HEARD_SECONDS:g} s",
            f"{sync.HEARD_DRIFT:g} ms from beginning to end; a mouth drawn after the words: a frame; in under "
            f"{sync.SHORT:g} s beyond its own error", "fail"),
        Row("sound", "the clip's sound is shifted against the recording, or another one",
            f"{sync.SOUND_SHIFT:g} ms; correlation {sync.SOUND_ALIKE:g}", "fail"),
        Row("closures", "the mouth is open where an M, B or P shuts it; unseen in a photographed or painted mouth "
            f"under {closures.SMALL:g} px",
            f"{closures.SHUT_SHARE:.0%} shut, each to {closures.SHUT:g} mouth widths, or as shut lips look in the "
            f"still of a clip of ours; "
            f"where the words were only heard {closures.HEARD_SHARE:.0%}", "fail"),
        Row("silence", "the mouth moves while nobody speaks; in a clip of ours its picture must change too",
            f"{closures.STILL_RANGE:g} mouth widths; where pauses were only heard {closures.HEARD_RANGE:g}", "fail"),
        Row("still mouth", "the face stands quite still while words are spoken", f"{picture.FREEZE:g} s", "fail"),
        Row("teeth", "teeth flash or flicker while the mouth holds",
            f"{picture.TEETH_FLICKER:g} levels of 255 to and fro, {picture.TEETH_FILMED:g} in what a camera may have "
            f"filmed, {picture.TEETH_FLASH:g} once in a mouth of {picture.FLASH_MOUTH:g} px", "warn"),
    ),
    "The subject": (
        Row("morph", "the face becomes another one, pose and expression taken out, late or for a while",
            f"{morph_mesh.LIMIT:g} times the usual, fails at {morph_mesh.SURE:g}; a drawn face {morph_drawn.LIMIT:g} "
            f"and {morph_drawn.SURE:g}", "fail"),
        Row("subject colours", "skin or hair takes another colour and keeps it",
            f"skin {morph.COLOUR_LIMITS['skin']:g}, hair {morph.COLOUR_LIMITS['hair']:g} in Lab; drawn hair "
            f"{morph_drawn.HAIR:g}", "warn"),
    ),
    "The background": (
        Row("background", "the decoded background differs from the still, or from the first frame; unseen where the "
            "matte leaves out part of the face",
            f"{background.PSNR_LEAST:g} dB PSNR; in texture of {background.HIDES:g} levels it counts half", "fail"),
        Row("background raw", "a pixel outside what moves differs from the still in the raw frames; at rendering only",
            "no pixel", "fail"),
        Row("background shift", "a piece of background is displaced", f"{background.SHIFT_MOST:g} px", "fail"),
        Row("background ripple", "the brightness of a piece of background wanders",
            f"{background.RIPPLE_MOST:g} levels of 255", "fail"),
        Row("mask share", "the mask of what may move takes in much background; at rendering only",
            f"{background.MASK_SHARE:.0%} of the background", "warn"),
        Row("warp", "what should be rigid wobbles, beyond what the camera does; unseen where most of the "
            "background is plain",
            f"{rigid.WARP:g} px and more with the camera and the noise; fails at {rigid.WARP_FAILS:g}", "fail"),
        Row("texture", "texture or lettering boils or crawls where the picture holds still",
            f"{rigid.BOILS:.0%} of the places for {rigid.BOILS_FOR:g} s", "warn"),
        Row("folds", "the map that moves the picture folds over itself; at rendering only",
            f"{folds.FOLD_SHARE:g} of the pixels, {folds.LARGEST_GROUP} together at {folds.SHOWN} px", "fail"),
        Row("inverse", "that map is not what it should be; at rendering only", f"{folds.RESIDUAL:g} px", "fail"),
    ),
    "Light and colour": (
        Row("flicker", "the whole picture's light jumps from frame to frame",
            f"{light.FLICKER:g} %, {light.FLICKER_FILMED:g} in what a camera may have filmed; fails at "
            f"{light.FLICKER_FAIL:g}, there at {light.FILMED_FAIL['flicker']:g}", "fail"),
        Row("local flicker", "the light of a part of the picture does",
            f"{light.LOCAL_FLICKER:g} %, {light.LOCAL_FLICKER_FILMED:g} in what a camera may have filmed; fails at "
            f"{light.LOCAL_FLICKER_FAIL:g}, there at {light.FILMED_FAIL['local flicker']:g}", "fail"),
        Row("exposure breathing", "the exposure swings slowly, every "
            f"{light.BREATH_PERIODS[0]:g} to {light.BREATH_PERIODS[-1]:g} s, or is slowly set anew, which in what a "
            "camera may have filmed warns",
            f"{light.BREATH:g} % to either side; fails at {light.BREATH_FAIL:g}; "
            f"in what a camera may have filmed at {light.FILMED_FAIL['exposure breathing']:g}",
            "fail"),
        Row("colour drift", "the colours of most of what has one go elsewhere by the end",
            f"{light.DRIFT:g} ΔE; where a camera moves or may have filmed it {light.DRIFT_FILMED:g}", "warn"),
        Row("black", "frames are black, outside a fade", "no frame", "fail"),
        Row("fade", "the clip fades in or out; fails where, in what no camera may have filmed, it fades to one colour "
            "and back", "none", "fail"),
    ),
    "Motion": (
        Row("cut", "another scene comes in what should be one take: at once, in a dissolve, through a colour, or in a "
            "wipe or a slide, which in what a camera may have filmed warns", "none", "fail"),
        Row("jump", "the picture jumps", f"{continuity.JUMP[0]:g} times the change beside it; fails at "
            f"{continuity.JUMP_FAIL[0]:g}, in what a camera may have filmed at {continuity.JUMP_FILMED:g}", "fail"),
        Row("freeze", "the picture stands still while it should move; where little moves it only warns, and what was "
            "drawn at rest is none while it is rendered",
            f"{motion.FROZEN_STEPS + 1} frames", "fail"),
        Row("dropped frames", "a frame is missing or comes twice; unseen where too little moves evenly to show it",
            "none; in what a camera may have filmed it warns", "fail"),
        Row("motion", "nothing moves in it, nor in a face",
            f"{motion.NOTHING:g} levels of 255, {motion.LIVELY:g} of a face", "fail"),
        Row("camera", "the camera move that was asked for never happens, or goes the other way; an orbit before a "
            "plain wall is unseen",
            f"{motion.MOVED:.0%} of the picture, less of a slight one", "fail"),
        Row("prompt drift", "that move fades before the clip ends",
            f"{motion.FADED:.0%} of its speed in the first third is left in the last", "warn"),
        Row("prompt shown", "what the prompt names is in no frame, or not to the end; only a judge can tell "
            "(`--judge`), and where it finds nothing wrong this stays unseen",
            f"{prompt.LOOKS} frames along the clip; no, asked in {len(prompt.WORDINGS)} ways, in most of those after "
            "the last that shows it", "warn"),
        Row("loop seam", "the end does not meet the beginning",
            f"{loop.SEAM:g} ordinary steps along its way, {loop.ASTRAY:g} in all", "fail"),
        Row("loop speed", "the speed changes, or the motion turns round, at the seam",
            f"{loop.SPEED:g} times; likeness {loop.TURNS:g}", "fail"),
        Row("ping-pong", "the clip plays forwards and then backwards", f"{loop.MIRRORED:g} of the frames' difference",
            "warn"),
        Row("sharpness", "fine detail is lost, or made up, under a moving camera; at rendering only",
            f"{moves.SHARPNESS[0]:g} to {moves.SHARPNESS[1]:g} times the still's", "warn"),
        Row("sharpness pump", "sharpness comes and goes; at rendering only", f"{moves.PUMP:.0%}", "warn"),
    ),
    "The first frame": (
        Row("first frame", "it is not the still, or shows it larger, smaller or aside, beyond where our own camera "
            "begins",
            f"{start.SCALE[0]:.1%} of its size, {start.SHIFT[0]:.1%} of its width; fails at {start.SCALE[1]:.0%} and "
            f"{start.SHIFT[1]:.0%}", "fail"),
        Row("first colours", "its colours are not the still's",
            f"{start.COLOUR[0]:g} ΔE; fails at {start.COLOUR[1]:g}", "fail"),
    ),
    "The file": (
        Row("length", "there are more or fewer frames than were planned", "as planned", "fail"),
        Row("frame times", "frames do not come at a constant rate", "half a tick of the file's clock; a stranger's "
            "clip: a whole one", "fail"),
        Row("sound length", "sound and picture do not end together", "a frame", "fail"),
        Row("pixel format", "HDR, more than 8 bits, 4:2:2 or 4:4:4, transparency: players refuse it", "8 bits, 4:2:0",
            "warn"),
        Row("interlaced", "each frame holds two half pictures", "none", "warn"),
        Row("rotated", "the file asks to be turned", "0°", "warn"),
        Row("pixel shape", "its pixels are not square", "1:1", "warn"),
        Row("tracks", "it holds several films or sounds", "one of each", "warn"),
        Row("blockiness", "the encoder's blocks are to be seen", f"{file.BLOCKY:g} times as many steps on its grid; "
            "what the still has of them", "warn"),
        Row("black bars", "bars above and below or at the sides", f"{file.BARS:.0%} of the side", "warn"),
        Row("sound format", "a codec, channels or a rate that players refuse", f"stereo, {file.FASTEST_SOUND} Hz",
            "warn"),
        Row("loudness", "too quiet, too loud, or silent", f"{file.QUIET:g} to {file.LOUD:g} LUFS", "warn"),
        Row("clipping", "the sound clips", f"{file.TRUE_PEAK:g} dBTP", "warn"),
        Row("platforms", "a platform refuses it: " + ", ".join(each.name for each in file.PLATFORMS), "none", "warn"),
    ),
}  # fmt: skip
"""Group -> its checks."""

_HEAD = """# Inspection: is a clip clean?

Made by `make docs` out of the code; a test keeps them alike.

`stillwake inspect` says of any clip, whoever made it, whether it can be delivered, and where it cannot: the second,
the place, the size of the fault, and what to do.

```
stillwake inspect clip.mp4                                      # what the clip alone shows
stillwake inspect clip.mp4 --still hero.png --sound line.wav    # against what it was made from
stillwake inspect clip.mp4 --engine kling --camera "slow push in" --report clip.html --sheet clip.png
stillwake inspect hello.mp4                                     # one of ours: hello.mp4.json says what was meant
```

| option | what it adds |
|---|---|
| `--still FILE` | the first frame, the background and the subject are held against the still |
| `--sound FILE` | the recording the clip should follow; its own sound if not given |
| `--transcript TEXT\\|FILE`, `--language CODE` | what is said: lips are held against the words |
| `--loop` | the end must flow into the beginning |
| `--engine NAME` | who made it; each fix then names what can be turned there |
| `--camera WORDS`, `--prompt TEXT` | the move that was asked for, or the words a generator was given |
| `--judge URL`, `--judge-model NAME` | a vision-language model of yours sees a few frames: do they show what \
`--prompt` names? |
| `--report page.html` | one self-contained page: each fault with its frame, the measures over one time axis |
| `--sheet sheet.png` | the faults and the telling moments as one picture |
| `--json` | the record `stillwake/inspection@1`, for scripts |
| `--overwrite` | the page and the sheet may replace what is there |

The exit status is 4 if a finding fails. A warning does not stop a clip. What could not be seen is `unseen`, with the
reason, and never counts as good.

A clip that `stillwake animate` made is held against its record, `hello.mp4.json` beside `hello.mp4`, if it is the
record of exactly this file: its plan, its words spoken again by the same voice, its recording and its still, where
these lie beside it under their names. What is not found is told on standard error and left out. What you say yourself
outranks the record. A film that `stillwake assemble` made is held against its edit: another
picture may come where it was meant to, and there alone.

Engines known by name: """

_MIDDLE = """. Any other: say `generator`.

## Every finding

"At worst" is the worst verdict it can give. A camera may have filmed what nothing says to be made: no still, engine,
plan or prompt is given, and no drawn face is seen. How well each finds its fault is measured by
`python -m benchmarks.inspection`.

"""


def inspection_page() -> str:
    """The page, in Markdown."""
    names = ", ".join(f"`{name}`" for name in MAKERS)
    return _HEAD + names + _MIDDLE + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "| about | finding | what it means | limit | at worst |"
    yield "|---|---|---|---|---|"
    for group, rows in ROWS.items():
        for row in rows:
            yield f"| {group} | {row.check} | {row.means} | {row.limit} | {row.verdict} |"
