"""The file itself: will players and platforms take it, and does the encoder show? Its sound: how loud it is.

`facts` asks the container and hears the sound once; `Blocks` looks at a few of the decoded frames; `check` turns both
into findings. None of them fails a clip: what a file should be is for whoever shows it to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from stillwake.errors import ClipError
from stillwake.inspection.asked import Asked
from stillwake.inspection.view import View
from stillwake.media.loudness import Loudness, loudness
from stillwake.types import Clip, ClipFinding, ClipInfo, Pixels, Verdict

if TYPE_CHECKING:
    import av

# ------------------------------------------------------------------------------------------------------- its limits

LOOK = 0.5
"""Seconds between frames whose blocks and bars are looked at."""
GRID = 8
"""px of the blocks that every common codec's transforms are made of, or multiples of."""
LOOKED = 400_000
"""Pixels that are looked at in each direction: of a larger picture every second, third, ... line."""
EDGE = 24
"""Levels of 255 above which a step is an edge of what is shown, not of a block."""
FAINT = 0.004
"""Share of steps that is added to both sides of the ratio: below it, in a drawing's flat fields, chance decides."""
BLOCKY = 2.2
"""How many times as often lone steps stand on the grid of 8 px as beside it. Measured 2026-11 on 27 clips of ours,
as they are and again by x264 at crf 18, 28, 40 and 46. Up to crf 28 the half that set the limit reached 1.91 and the
other half 2.09; above it were 9 of 27 at crf 40 and 22 at crf 46. Of 20 clips of others 4 are above it as they are,
old and thrifty ones whose blocks can be seen. x264's own filter and a camera that pans hide the rest: a pass is no
proof of quality."""

BLACK = 16
"""Levels of 255 up to which every pixel of a bar is black."""
BARS = 0.02
"""Share of the picture that two bars must take together."""
STRAIGHT = 0.5
"""Share of the line beside a bar that must be lit in some frame."""
EVEN_BARS = 0.02
"""Share of the picture by which the two bars may differ: a dark floor is no bar."""

QUIET, LOUD = -30.0, -9.0
"""LUFS. Streaming platforms play at about -14 (Spotify's and YouTube's pages for creators) and broadcasters at -23
(EBU R 128): 16 below the one is lost on a phone, 5 above is a square wave. A judgement, not a measurement."""
USUAL_LOUDNESS = -14.0
TRUE_PEAK = -1.0
"""dB of full scale between the samples: above, a player's converter or the next encoder clips (EBU R 128)."""
FASTEST_SOUND = 48_000
"""Hz; several platforms refuse more."""

_AGAIN = "ffmpeg -i CLIP -c:v libx264 -crf 18 -pix_fmt yuv420p -c:a aac -movflags +faststart OUT.mp4"


@dataclass(frozen=True, slots=True)
class Platform:
    """What a platform says it takes.

    ``containers`` and ``codecs`` as FFmpeg names them; ``fps``, ``seconds``, ``bytes``, ``aspect`` (width / height)
    from .. to; ``side`` px, the shorter side at least and the longer at most; ``width`` px at most; ``square``
    whether pixels must be square; ``plain`` whether the picture must be progressive and 4:2:0; ``shown`` the aspect
    it is shown in, or None; ``otherwise`` as what it takes a clip of another shape or length; ``source`` where that is
    said, and ``sure`` how sure we are of it.
    """

    name: str
    containers: tuple[str, ...]
    codecs: tuple[str, ...]
    fps: tuple[float, float] = (1, 240)
    seconds: tuple[float, float] = (0, math.inf)
    bytes: tuple[float, float] = (0, math.inf)
    aspect: tuple[float, float] = (0, math.inf)
    side: tuple[int, float] = (1, math.inf)
    width: float = math.inf
    square: bool = False
    plain: bool = False
    channels: int = 8
    shown: Fraction | None = None
    otherwise: str = ""
    source: str = ""
    sure: str = ""


PLATFORMS = (
    Platform(
        "TikTok",
        ("mp4", "mov", "webm"),
        ("h264", "hevc", "vp8", "vp9"),
        fps=(23, 60),
        seconds=(3, 600),
        bytes=(0, 4 * 2**30),
        side=(360, 4096),
        shown=Fraction(9, 16),
        source="developers.tiktok.com, Content Posting API, Media Transfer Guide",
        sure="numbers agree in three retellings; the 3 s are from schedulers' pages alone",
    ),
    Platform(
        "Instagram Reels",
        ("mp4", "mov"),
        ("h264", "hevc"),
        fps=(23, 60),
        seconds=(3, 15 * 60),
        bytes=(0, 300e6),
        aspect=(0.01, 10),
        width=1920,
        plain=True,
        channels=2,
        shown=Fraction(9, 16),
        source="developers.facebook.com, Instagram Platform, IG User Media, Reels specifications",
        sure="300 MB by newer retellings, 1 GB by older: the smaller is taken",
    ),
    Platform(
        "YouTube Shorts",
        ("mp4", "mov", "webm", "avi", "flv", "mpeg", "mpegts", "asf", "matroska"),
        ("h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "prores", "dnxhd", "mpeg2video", "mpeg1video", "wmv3"),
        seconds=(0, 180),
        bytes=(0, 256 * 2**30),
        aspect=(0, 1.0),
        shown=Fraction(9, 16),
        otherwise="an ordinary video",
        source="support.google.com/youtube/answer/15424877",
        sure="seconds and shape by YouTube's own page",
    ),
    Platform(
        "X",
        ("mp4", "mov"),
        ("h264",),
        fps=(1, 60),
        seconds=(0.5, 140),
        bytes=(0, 512 * 2**20),
        aspect=(1 / 3, 3),
        side=(32, 1920),
        square=True,
        plain=True,
        channels=2,
        source="docs.x.com, Media, Best practices",
        sure="without a subscription; the page names 1280 × 1024 px, 1920 are taken by all retellings of uploads",
    ),
    Platform(
        "LinkedIn",
        ("mp4",),
        ("h264", "hevc", "vp8", "vp9", "mpeg4"),
        fps=(10, 60),
        seconds=(3, 30 * 60),
        bytes=(75e3, 500e6),
        aspect=(1 / 2.4, 2.4),
        side=(144, 4096),
        source="learn.microsoft.com, LinkedIn Videos API (2026-05), and its help page",
        sure="seconds, bytes and MP4 agree everywhere; the codecs are an old list",
    ),
)
"""As looked up on 2026-11-28, from stored copies and retellings of these pages; what they do in fact may differ."""


# -------------------------------------------------------------------------------------------------------- the facts


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the file says of itself.

    ``kind`` a film, an animation (GIF, WebP, APNG, AVIF) or a folder of PNG pictures; ``bytes`` its size;
    ``container`` and ``codec`` as FFmpeg names them; ``pixel_format`` likewise, of ``bits`` a channel, with
    ``chroma`` "4:2:0", "4:2:2", "4:4:4", "RGB" or "grey"; ``alpha`` whether it is transparent somewhere; ``hdr`` "PQ",
    "HLG" or ""; ``wide`` whether its colours are BT.2020's; ``interlaced``; ``rotation`` degrees counterclockwise
    that set it upright; ``pixel_aspect`` width of a pixel over its height; ``films`` and ``sounds`` how many tracks;
    ``sound_codec``, ``sound_rate`` Hz, ``sound_channels``; ``loudness`` None where there is no sound, or none that
    can be measured, with the reason in ``unheard``. Of an animation and of a folder only what can be known is told.
    """

    info: ClipInfo
    kind: Literal["film", "animation", "folder"]
    bytes: int
    container: str = ""
    codec: str = ""
    pixel_format: str = ""
    bits: int = 8
    chroma: str = ""
    alpha: bool = False
    hdr: str = ""
    wide: bool = False
    interlaced: bool = False
    rotation: int = 0
    pixel_aspect: Fraction = Fraction(1)
    films: int = 1
    sounds: int = 0
    sound_codec: str = ""
    sound_rate: int = 0
    sound_channels: int = 0
    loudness: Loudness | None = None
    unheard: str = "the clip has no sound"


def facts(clip: Clip) -> FileFacts:
    """What a clip's file says of itself; decodes its first picture, and its sound once.

    Raises
    ------
    stillwake.errors.ClipError
        It cannot be read.
    """
    from stillwake.media import is_animation
    from stillwake.media.containers import foreign_errors, is_moving, opened_container
    from stillwake.media.files import SEQUENCE_SOUND
    from stillwake.media.video import film_stream

    what = f"Cannot inspect {clip.info.name}"
    if clip.path.is_dir() or "%" in clip.path.name:
        folder = clip.path if clip.path.is_dir() else clip.path.parent
        beside = folder / SEQUENCE_SOUND
        heard = loudness(beside, what, ClipError) if clip.info.sound is not None and beside.exists() else None
        size = sum(one.stat().st_size for one in folder.iterdir() if one.is_file())
        return FileFacts(
            clip.info, "folder", size, codec="png", sounds=int(beside.exists()), sound_channels=_channels(heard),
            sound_rate=heard.rate if heard else 0, loudness=heard, unheard=_unheard(clip, heard),
        )  # fmt: skip
    try:
        size = clip.path.stat().st_size
    except OSError as error:
        raise ClipError(what, f"the file does not open ({error.strerror})", "check the path") from error
    if is_animation(clip.path):
        return FileFacts(clip.info, "animation", size, container=clip.path.suffix.lower().lstrip("."))
    try:
        with opened_container(clip.path, what, ClipError, "a video", animated=True) as opened:
            container = opened.container
            stream = film_stream(opened, what)
            frame = next(container.decode(stream), None)
            if frame is None:
                raise ClipError(what, "there is no picture in it that can be decoded", "export it again")
            sound = next(iter(container.streams.audio), None)
            context = None if sound is None else sound.codec_context
            heard = loudness(clip.path, what, ClipError) if sound is not None else None
            bits, chroma, alpha = _layout(frame.format)
            return FileFacts(
                clip.info,
                "animation" if opened.format == "gif" else "film",
                size,
                container=_container(opened.format, container.format.name, clip),
                codec=_codec(stream.codec_context.name),
                pixel_format=frame.format.name,
                bits=bits,
                chroma=chroma,
                alpha=alpha or stream.metadata.get("alpha_mode") == "1",
                hdr={16: "PQ", 18: "HLG"}.get(int(frame.color_trc), ""),
                wide=int(frame.color_primaries) == 9,
                interlaced=bool(frame.interlaced_frame) or int(stream.codec_context.field_order or 0) > 1,
                rotation=round(frame.rotation / 90) % 4 * 90,
                pixel_aspect=_aspect(stream),
                films=sum(map(is_moving, container.streams.video)),
                sounds=len(container.streams.audio),
                sound_codec=_codec(context.name) if context is not None else "",
                sound_rate=context.sample_rate or 0 if context is not None else 0,
                sound_channels=context.channels if context is not None else 0,
                loudness=heard,
                unheard=_unheard(clip, heard),
            )
    except foreign_errors() as error:
        raise ClipError(what, "it is damaged or cut off", "export it again") from error


def _channels(heard: Loudness | None) -> int:
    return heard.channels if heard is not None else 0


def _unheard(clip: Clip, heard: Loudness | None) -> str:
    if heard is not None:
        return ""
    return "the clip has no sound" if clip.info.sound is None else "its sound cannot be measured"


def _codec(name: str) -> str:
    """The codec's name, not its decoder's."""
    found = name.removeprefix("lib").removesuffix("float")
    return {"dav1d": "av1", "vpx": "vp8", "vpx-vp9": "vp9"}.get(found, found.removesuffix("-av1"))


def _container(demuxer: str, names: str, clip: Clip) -> str:
    if demuxer == "mov":
        return "mov" if clip.path.suffix.lower() in (".mov", ".qt") else "mp4"
    if demuxer == "matroska":
        return "webm" if clip.path.suffix.lower() == ".webm" else "matroska"
    return demuxer or names


def _layout(form: av.VideoFormat) -> tuple[int, str, bool]:
    """Bits a channel, which chroma, and whether there is a channel for transparency."""
    if form.name == "pal8" or not form.components:
        return 8, "RGB", False
    bits = max(part.bits for part in form.components)
    alpha = any(part.is_alpha for part in form.components)
    if form.is_rgb:
        return bits, "RGB", alpha
    if len(form.components) - alpha < 3:
        return bits, "grey", alpha
    across, down = form.chroma_width(16), form.chroma_height(16)
    kinds = {(16, 16): "4:4:4", (8, 16): "4:2:2", (8, 8): "4:2:0", (4, 16): "4:1:1"}
    return bits, kinds.get((across, down), f"{16 // across} × {16 // down}"), alpha


def _aspect(stream: av.VideoStream) -> Fraction:
    aspect = stream.sample_aspect_ratio
    return Fraction(aspect.numerator, aspect.denominator) if aspect and aspect.denominator else Fraction(1)


# ------------------------------------------------------------------------------------------------------- the picture


@dataclass(frozen=True, slots=True)
class Blockiness:
    """What the looked-at frames show of the encoder.

    ``ratio`` how many times as often lone steps stand on the grid as beside it, the median of the ``looked`` frames
    that were large enough, nan for none; ``bars`` px of black at the (left, top, right, bottom) of every one of them.
    """

    ratio: float
    bars: tuple[int, int, int, int]
    looked: int


class Blocks:
    """Looks at a frame now and then for the edges of the encoder's blocks, and for black bars."""

    def __init__(self) -> None:
        self._next = -math.inf
        self._ratios: list[float] = []
        self._brightest: Pixels | None = None
        self._looked = 0

    def take(self, view: View) -> None:
        """Look at the frame if it is time."""
        if view.time < self._next:
            return
        self._next = view.time + LOOK
        self._looked += 1
        ratio = grid_ratio(view.grey)
        if math.isfinite(ratio):
            self._ratios.append(ratio)
        if self._brightest is None:
            self._brightest = view.grey.copy()
        else:
            np.maximum(self._brightest, view.grey, out=self._brightest)

    def finish(self) -> Blockiness:
        """What was seen."""
        bars = (0, 0, 0, 0) if self._brightest is None else black_bars(self._brightest)
        ratio = float(np.median(self._ratios)) if self._ratios else math.nan
        return Blockiness(ratio, bars, self._looked)


def grid_ratio(grey: npt.NDArray[np.uint8]) -> float:
    """How many times as often lone steps stand between blocks of 8 px as elsewhere, nan for a tiny picture.

    A lone step is larger than both its neighbours and no larger than `EDGE`. An edge of what is shown has no reason
    to prefer one of eight places, so it counts on both sides. ``grey`` (H, W) uint8.
    """
    height, width = grey.shape
    if min(height, width) < 8 * GRID:
        return math.nan
    every = max(1, round(grey.size / LOOKED))
    shares = np.zeros(GRID)
    for lines in (grey[::every], np.ascontiguousarray(grey[:, ::every].T)):
        shares += _lone_steps(lines) / 2
    beside = [place for place in range(GRID) if place not in (GRID - 1, GRID // 2 - 1)]  # there blocks of 4 px meet
    return float((shares[GRID - 1] + FAINT) / (np.median(shares[beside]) + FAINT))


def _lone_steps(lines: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Share of steps that stand alone, by their place modulo 8: at 7 lies the border between two blocks."""
    import cv2

    steps = cv2.absdiff(lines[:, 1:], lines[:, :-1])
    middle = steps[:, 1:-1]
    near = cv2.add(cv2.max(steps[:, :-2], steps[:, 2:]), (1, 0, 0, 0))
    # Where it is no larger than its neighbours, or an edge, the difference is 0 or the threshold takes it away.
    lone = cv2.bitwise_and(cv2.compare(middle, near, cv2.CMP_GT), cv2.compare(middle, EDGE, cv2.CMP_LE))
    share = cv2.reduce(lone, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)[0].astype(np.float64) / 255
    places = (np.arange(len(share)) + 1) % GRID
    found: npt.NDArray[np.float64] = np.bincount(places, share, GRID) / np.bincount(places, minlength=GRID)
    return found


def black_bars(brightest: npt.NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """How many px at the left, top, right and bottom are black, where a straight edge ends them.

    ``brightest`` (H, W) uint8 is the brightest each pixel became. A planet in the night ends at no straight edge.
    """
    lit = brightest > BLACK
    found = []
    for lines in (lit.T, lit, lit.T[::-1], lit[::-1]):
        first = int(lines.any(axis=1).argmax())
        inside = lines[min(first + 2, len(lines) - 1)]  # past what the encoder smears
        found.append(first if inside.mean() >= STRAIGHT else 0)
    left, top, right, bottom = found
    return left, top, right, bottom


# ------------------------------------------------------------------------------------------------------ the findings


def check(facts: FileFacts, blocks: Blockiness | None, asked: Asked, still: Pixels | None = None) -> list[ClipFinding]:
    """What players, platforms and ears will make of the file; ``blocks`` None where no frame was looked at.

    ``still`` (H, W, 3) uint8 at the clip's size is what it was made from, if that is known.
    """
    return [
        _pixel_format(facts),
        *_interlaced(facts),
        *_rotated(facts),
        *_pixel_shape(facts),
        *_tracks(facts),
        _blockiness(blocks, still),
        *_black_bars(facts, blocks),
        *_sound_format(facts),
        _loudness(facts),
        *_peaks(facts),
        _platforms(facts),
    ]


def _pixel_format(facts: FileFacts) -> ClipFinding:
    name = "pixel format"
    if facts.kind != "film":
        kind = "a folder of pictures" if facts.kind == "folder" else "an animation"
        return ClipFinding(check=name, verdict="unseen", why=f"{kind} has none that a player would refuse")
    odd: list[str] = []
    if facts.hdr:
        odd.append(f"it is HDR ({facts.hdr}): a common screen shows it grey or too dark, and so do most sites")
    elif facts.wide:
        odd.append("its colours are BT.2020's: a player that does not know them shows them pale")
    if facts.bits > 8:
        odd.append(
            f"it has {facts.bits} bits a colour: of H.264 no phone and no browser decodes that"
            if facts.codec == "h264"
            else f"it has {facts.bits} bits a colour: older phones and several platforms refuse that"
        )
    if facts.chroma not in ("4:2:0", "grey"):
        odd.append(f"its colours are {facts.chroma}: phones, QuickTime, Safari and Firefox refuse that in H.264")
    if facts.alpha:
        odd.append("it is transparent: most players and all platforms lay it on black or drop it")
    what = f"{facts.bits} bits, {facts.chroma} ({facts.pixel_format})"
    return ClipFinding(
        check=name,
        verdict="warn" if odd else "pass",
        measured=float(facts.bits),
        unit="bits",
        limit=8.0,
        why=f"{'; '.join(odd)} ({facts.pixel_format})" if odd else f"{what}: every player takes that",
        fix=f"keep it as a master, and for showing it: {_AGAIN}" if odd else "",
    )


def _interlaced(facts: FileFacts) -> Iterator[ClipFinding]:
    if facts.interlaced:
        yield ClipFinding(
            check="interlaced",
            verdict="warn",
            why="each frame holds two half pictures of different moments: what moves shows combs",
            fix=_AGAIN.replace("-c:v", "-vf bwdif -c:v"),
        )


def _rotated(facts: FileFacts) -> Iterator[ClipFinding]:
    if facts.rotation:
        yield ClipFinding(
            check="rotated",
            verdict="warn",
            measured=float(facts.rotation),
            unit="°",
            limit=0.0,
            why=f"the file asks to turn its frames by {facts.rotation}°: "
            "some editors and sites do not do so (it is inspected upright)",
            fix=f"write it upright: {_AGAIN}",
        )


def _pixel_shape(facts: FileFacts) -> Iterator[ClipFinding]:
    if facts.pixel_aspect != 1:
        shown = round(facts.info.width * facts.pixel_aspect), facts.info.height
        yield ClipFinding(
            check="pixel shape",
            verdict="warn",
            measured=float(facts.pixel_aspect),
            unit="width/height",
            limit=1.0,
            why=f"its pixels are not square: it is shown as {shown[0]} × {shown[1]} px where that is heeded, "
            "squeezed elsewhere (it is inspected as it is stored)",
            fix=_AGAIN.replace("-c:v", "-vf scale=iw*sar:ih,setsar=1 -c:v"),
        )


def _tracks(facts: FileFacts) -> Iterator[ClipFinding]:
    if facts.films > 1 or facts.sounds > 1:
        several = [
            f"{count} {noun}" for count, noun in ((facts.films, "films"), (facts.sounds, "sounds")) if count > 1
        ]
        yield ClipFinding(
            check="tracks",
            verdict="warn",
            measured=float(max(facts.films, facts.sounds)),
            unit="tracks",
            limit=1.0,
            why=f"the file holds {' and '.join(several)}: the first of each is inspected, "
            "and which one a player shows is its own choice",
            fix="keep one of each: ffmpeg -i CLIP -map 0:v:0 -map 0:a:0? -c copy OUT.mp4",
        )


def _blockiness(blocks: Blockiness | None, still: Pixels | None) -> ClipFinding:
    """Whether the encoder's blocks are to be seen; those of the still are its own, and an encoder keeps them."""
    import cv2

    name = "blockiness"
    if blocks is None or not math.isfinite(blocks.ratio):
        why = "no frame was looked at" if blocks is None or not blocks.looked else "the picture is too small for it"
        return ClipFinding(check=name, verdict="unseen", why=why)
    own = math.nan if still is None else grid_ratio(cv2.cvtColor(still, cv2.COLOR_RGB2GRAY))
    limit = own if own > BLOCKY else BLOCKY
    over = blocks.ratio > limit
    why = f"steps of brightness stand {blocks.ratio:.1f} times as often on the encoder's grid of {GRID} px as beside"
    if over:
        why += ": its blocks are to be seen"
    elif blocks.ratio > BLOCKY:
        why += f": the still has such blocks itself, {own:.1f} times"
    else:
        why += f" ({blocks.looked} frames)"
    return ClipFinding(
        check=name,
        verdict="warn" if over else "pass",
        measured=blocks.ratio,
        unit="times",
        limit=limit,
        why=why,
        fix="encode it from its source at a higher quality (crf 18 to 23), or with fewer pixels" if over else "",
    )


def _black_bars(facts: FileFacts, blocks: Blockiness | None) -> Iterator[ClipFinding]:
    if blocks is None:
        return
    left, top, right, bottom = blocks.bars
    width, height = facts.info.width, facts.info.height
    pairs = (top, bottom, height, "above and below"), (left, right, width, "at the sides")
    for first, second, whole, where in pairs:
        if first and second and first + second >= BARS * whole and abs(first - second) <= max(4, EVEN_BARS * whole):
            upright = where == "above and below"
            box = (0, first, width, whole - second) if upright else (first, 0, whole - second, height)
            crop = f"{box[2] - box[0]}:{box[3] - box[1]}:{box[0]}:{box[1]}"
            yield ClipFinding(
                check="black bars",
                verdict="warn",
                measured=100 * (first + second) / whole,
                unit="%",
                limit=100 * BARS,
                box=tuple(float(side) for side in box),
                why=f"black bars of {first} and {second} px {where} in every frame looked at",
                fix=_AGAIN.replace("-c:v", f"-vf crop={crop} -c:v") + "; the site adds its own where it needs them",
            )


def _sound_format(facts: FileFacts) -> Iterator[ClipFinding]:
    if not facts.sound_codec:
        return
    usual = {"mp4": ("aac",), "mov": ("aac",), "webm": ("opus", "vorbis")}
    odd: list[str] = []
    if facts.container in usual and facts.sound_codec not in usual[facts.container]:
        odd.append(f"{facts.sound_codec} in {facts.container}: not every player and platform decodes that")
    if facts.sound_channels > 2:
        odd.append(f"{facts.sound_channels} channels: platforms mix them down or refuse them")
    if facts.sound_rate > FASTEST_SOUND:
        odd.append(f"{facts.sound_rate} Hz: several platforms refuse more than {FASTEST_SOUND}")
    if odd:
        yield ClipFinding(
            check="sound format",
            verdict="warn",
            why="; ".join(odd),
            fix="ffmpeg -i CLIP -c:v copy -c:a aac -ac 2 -ar 48000 OUT.mp4",
        )


def _loudness(facts: FileFacts) -> ClipFinding:
    name, heard = "loudness", facts.loudness
    if heard is None:
        return ClipFinding(check=name, verdict="unseen", why=facts.unheard)
    if heard.silent:
        return ClipFinding(
            check=name,
            verdict="warn",
            why=f"its sound track is silent throughout ({heard.seconds:.1f} s)",
            fix="lay the right sound under it, or leave the track out: ffmpeg -i CLIP -an -c copy OUT.mp4",
        )
    quiet, loud = heard.integrated < QUIET, heard.integrated > LOUD
    limit = LOUD if loud else QUIET
    mend = f"ffmpeg -i CLIP -c:v copy -af loudnorm=I={USUAL_LOUDNESS:.0f}:TP=-1 OUT.mp4"
    verdict: Verdict = "warn" if quiet or loud else "pass"
    said = f"{heard.integrated:.1f} LUFS"
    return ClipFinding(
        check=name,
        verdict=verdict,
        measured=heard.integrated,
        unit="LUFS",
        limit=limit,
        why=f"{said}: too {'quiet' if quiet else 'loud'}; streaming platforms play at about {USUAL_LOUDNESS:.0f}"
        if verdict == "warn"
        else f"{said}, where streaming platforms play at about {USUAL_LOUDNESS:.0f}",
        fix=mend if verdict == "warn" else "",
    )


def _peaks(facts: FileFacts) -> Iterator[ClipFinding]:
    heard = facts.loudness
    if heard is None or heard.silent:
        return
    over = heard.true_peak > TRUE_PEAK
    clips = f", and it stays at full scale in {heard.clipped} places" if heard.clipped else ""
    yield ClipFinding(
        check="clipping",
        verdict="warn" if over or heard.clipped else "pass",
        measured=heard.true_peak,
        unit="dBTP",
        limit=TRUE_PEAK,
        why=f"its true peak is {heard.true_peak:.1f} dB of full scale{clips}"
        + (": players and the next encoder will clip it" if over else ""),
        fix="lower the sound before it is encoded: ffmpeg -i CLIP -c:v copy -af volume="
        f"{min(-0.5, TRUE_PEAK - heard.true_peak):.1f}dB OUT.mp4"
        if over
        else ("record it again at a lower level: what was cut away does not come back" if heard.clipped else ""),
    )


def _platforms(facts: FileFacts) -> ClipFinding:
    name = "platforms"
    if facts.kind == "folder":
        return ClipFinding(check=name, verdict="unseen", why="a folder of pictures is no file that a platform takes")
    refusals = {platform.name: why for platform in PLATFORMS if (why := refused(facts, platform))}
    takers = [platform for platform in PLATFORMS if platform.name not in refusals]
    shape = facts.info.width / facts.info.height * float(facts.pixel_aspect)
    said: list[str] = [f"{name} refuses it: {', '.join(why)}" for name, why in refusals.items()]
    said.append(f"taken by {', '.join(each.name for each in takers) or 'none of those known'}")
    other = [each for each in takers if each.otherwise and _misfit(facts, each)]
    said += [f"{each.name} takes it as {each.otherwise}: {', '.join(_misfit(facts, each))}" for each in other]
    boxed = [each.name for each in takers if each not in other and each.shown and abs(shape / each.shown - 1) > 0.02]
    said += [f"shown at 9:16, cropped or with bars, by {', '.join(boxed)}"] if boxed else []
    return ClipFinding(
        check=name,
        verdict="warn" if refusals else "pass",
        measured=float(len(refusals)),
        unit="refuse it",
        limit=0.0,
        why=f"{'; '.join(said)} (as their pages said in 2026-11)",
        fix="for those, change what they name, or render it again as .mp4 with --aspect 9:16" if refusals else "",
    )


def _misfit(facts: FileFacts, platform: Platform) -> list[str]:
    """What of its length and shape is beyond the platform's, in a few words each."""
    seconds, why = facts.info.seconds, []
    if seconds > platform.seconds[1]:
        why.append(f"{seconds:.0f} s are more than {platform.seconds[1]:g}")
    shape = facts.info.width / facts.info.height * float(facts.pixel_aspect)
    if not platform.aspect[0] * 0.99 <= shape <= platform.aspect[1] * 1.01:
        why.append(f"it is {'wider' if shape > platform.aspect[1] else 'narrower'} than it may be ({shape:.2f}:1)")
    return why


def refused(facts: FileFacts, platform: Platform) -> list[str]:
    """Why a platform would not take the file as it is meant there, in a few words each; empty if it would."""
    info = facts.info
    width, height = info.width, info.height
    seconds, fps = info.seconds, float(info.fps)
    why: list[str] = []
    if facts.kind == "animation" or facts.container not in platform.containers:
        why.append(f"it is {facts.container.upper() or 'an animation'}, not {platform.containers[0].upper()}")
    elif facts.codec not in platform.codecs:
        why.append(f"its picture is {facts.codec}")
    if seconds < platform.seconds[0]:
        why.append(f"{seconds:.1f} s are less than {platform.seconds[0]:g}")
    if not platform.otherwise:
        why += _misfit(facts, platform)
    if not platform.fps[0] - 0.05 <= fps <= platform.fps[1] + 0.05:
        why.append(f"{fps:.3g} frames a second, not {platform.fps[0]:g} to {platform.fps[1]:g}")
    if facts.bytes < platform.bytes[0]:
        why.append(f"{facts.bytes / 1e3:.0f} kB are less than {platform.bytes[0] / 1e3:.0f}")
    if facts.bytes > platform.bytes[1]:
        why.append(f"{facts.bytes / 1e6:.0f} MB are more than {platform.bytes[1] / 1e6:.0f}")
    if min(width, height) < platform.side[0]:
        why.append(f"{width} × {height} px: a side is below {platform.side[0]}")
    if max(width, height) > platform.side[1] or width > platform.width:
        why.append(f"{width} × {height} px are more than {min(platform.side[1], platform.width):g}")
    if platform.square and facts.pixel_aspect != 1:
        why.append("its pixels are not square")
    if platform.plain and (facts.interlaced or facts.bits > 8 or facts.chroma not in ("4:2:0", "")):
        why.append("its picture is not plain (8 bits, 4:2:0, progressive)")
    if facts.sound_channels > platform.channels:
        why.append(f"its sound has {facts.sound_channels} channels")
    return why
