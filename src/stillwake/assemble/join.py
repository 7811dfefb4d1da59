"""An edit and its clips -> the film: cuts, dissolves, fades, captions, one decoding and one encoding.

Frames stream from the clips into the encoder; no more than a few are held, however long the film is.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from stillwake.assemble.edit import Edit, Picture
from stillwake.assemble.lettering import Lettering, Overlay, require_letters
from stillwake.engines.generated import resized
from stillwake.errors import ClipError, UsageError
from stillwake.media import check_clip_output, read_frames, write_clip
from stillwake.media.files import shown
from stillwake.perceive.crop import BACKDROP_BLUR, BACKDROP_LIGHT
from stillwake.types import Clip, Pixels, Progress, Size, Sound, no_progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from stillwake.assemble.captions import Caption

FILMS = (".mp4", ".webm", ".mov")

ALIKE = 0.02
"""Share by which a clip's shape may differ from the film's and be cut to it; of any other the whole is shown."""


def join(
    edit: Edit,
    clips: Sequence[Clip | None],
    out: Path,
    *,
    sound: Sound | None,
    captions: Sequence[Caption] = (),
    crf: int = 18,
    overwrite: bool = False,
    on_progress: Progress = no_progress,
) -> Clip:
    """The finished film; the file is whole or not there at all.

    Parameters
    ----------
    edit
        What lies where.
    clips
        The shots' clips, in the order of the storyboard; None for a shot that is heard and not seen. One of another
        size is fitted and never stretched; of another rate, each frame of the film shows what is seen at its middle.
    out
        An MP4, WebM or QuickTime file.
    sound
        The film's, from `mixed`.
    captions
        Burnt in, in order.
    crf
        x264's, as `write_clip` takes it.
    overwrite
        Whether a file there may be replaced.
    on_progress
        Called as ``("join", done, total)`` after each frame.

    Raises
    ------
    stillwake.errors.UsageError
        The name is not a film's.
    stillwake.errors.ClipError
        A clip is missing, damaged, or ends before its picture does.
    stillwake.errors.UnavailableError
        No font here has a caption's letters.
    stillwake.errors.OutputError
        The film cannot be written.
    """
    if out.suffix.lower() not in FILMS:
        raise UsageError(
            f"Cannot write {shown(out)}", "a film with sound is .mp4, .webm or .mov", "end its name with .mp4"
        )
    check_clip_output(out, overwrite, fps=edit.fps, frame_count=edit.frame_count, sound=sound is not None)
    for picture in edit.pictures:
        clip_of(picture, clips, edit.fps)
    require_letters(caption.text for caption in captions)

    def tell(stage: str, done: int, total: int) -> None:
        on_progress("join", done, total)

    with ExitStack() as open_clips:
        frames = _captioned(_frames(edit, clips, open_clips), edit, captions)
        return write_clip(
            out, frames, fps=edit.fps, frame_count=edit.frame_count, size=edit.size, sound=sound,
            crf=crf, overwrite=overwrite, on_progress=tell,
        )  # fmt: skip


# ------------------------------------------------------------------------------------------------ which frame is seen


def clip_frame(picture: Picture, frame: int, fps: Fraction, clip: Clip) -> int:
    """Which frame of its clip a picture shows at a frame of the film: the one that is seen at that frame's middle."""
    exact = (frame - picture.start + Fraction(1, 2)) * clip.info.fps / fps
    return picture.first + math.ceil(exact) - 1


def clip_of(picture: Picture, clips: Sequence[Clip | None], fps: Fraction) -> Clip:
    """The picture's clip, which is long enough: it may lack the last frame, and then the one before is held.

    Raises
    ------
    stillwake.errors.ClipError
        There is none, or it is too short.
    """
    what = f"Cannot join shot {picture.shot + 1} ({picture.name})"
    clip = clips[picture.shot]
    if clip is None:
        raise ClipError(what, "it has no clip", "render it first")
    lacking = clip_frame(picture, picture.end - 1, fps, clip) - (clip.info.frame_count - 1)
    if lacking > 0 and clip_frame(picture, picture.end - 2, fps, clip) > clip.info.frame_count - 1:
        raise ClipError(
            what,
            f"{clip.info.name} ends {float(lacking / clip.info.fps):.2f} s before its picture does",
            "give the shot fewer seconds, or render it again",
        )
    return clip


def fade_frames(edit: Edit) -> dict[int, float]:
    """How much light is left, 0..1, in each frame of the film that a fade darkens."""
    found: dict[int, float] = {}
    for place, picture in enumerate(edit.pictures):
        if picture.transition != "fade":
            continue
        for number in range(0 if place else picture.frames // 2, picture.frames):
            frame = picture.start - picture.frames // 2 + number
            # The two frames in the middle are black, or the one; the first is a little darker already.
            left = (abs(2 * number + 1 - picture.frames) - 1) / max(1, picture.frames - 1)
            found[frame] = min(max(0.0, left), found.get(frame, 1.0))
    return found


def dissolved(picture: Picture, frame: int) -> float:
    """How much of a picture that begins with a dissolve is seen at a frame of the film, 0..1."""
    return min(1.0, (frame - picture.start + 1) / (picture.frames + 1))


# ---------------------------------------------------------------------------------------------------------- frames


def _frames(edit: Edit, clips: Sequence[Clip | None], open_clips: ExitStack) -> Iterator[Pixels]:
    """Every frame of the film without its captions; valid until the next is asked for."""
    waiting = deque(edit.pictures)
    seen: list[tuple[Picture, _Frames]] = []
    laid: dict[int, _Frames] = {}
    fades = fade_frames(edit)
    for frame in range(edit.frame_count):
        for picture, reader in [one for one in seen if one[0].end <= frame]:
            seen.remove((picture, reader))
            if any(later.shot == picture.shot for later in waiting) and picture.shot not in laid:
                laid[picture.shot] = reader  # it goes on later
            else:
                reader.close()
        while waiting and waiting[0].start <= frame:
            picture = waiting.popleft()
            clip = clip_of(picture, clips, edit.fps)
            taken = laid.pop(picture.shot, None)
            if taken is not None and taken.place > clip_frame(picture, frame, edit.fps, clip):
                taken.close()
                taken = None
            if taken is None:
                taken = _Frames(clip, edit.size)
                open_clips.callback(taken.close)
            seen.append((picture, taken))
        shown_now = [reader.frame(clip_frame(picture, frame, edit.fps, reader.clip)) for picture, reader in seen]
        if not shown_now:
            raise ValueError(f"frame {frame} of the edit shows nothing")
        pixels = shown_now[0]
        for (picture, _), over in zip(seen[1:], shown_now[1:], strict=True):
            pixels = mixed_light(pixels, over, dissolved(picture, frame))
        if frame in fades:
            pixels = (pixels * np.float32(fades[frame]) + np.float32(0.5)).astype(np.uint8)
        yield pixels


class _Frames:
    """A clip read forward, fitted to a size; ``place`` is the frame that was read last, -1 at its beginning."""

    def __init__(self, clip: Clip, size: Size) -> None:
        self.clip, self.size, self.place = clip, size, -1
        self._frames = cast("Generator[Pixels, None, None]", read_frames(clip))
        self._shown: Pixels | None = None
        self._fitted = False

    def frame(self, index: int) -> Pixels:
        """That frame or, past the end, the last one; never one before the last that was asked for."""
        index = min(index, self.clip.info.frame_count - 1)
        while self.place < index:
            self._shown = next(self._frames)
            self._fitted = False
            self.place += 1
        assert self._shown is not None
        if not self._fitted:
            self._shown, self._fitted = fitted(self._shown, self.size), True
        return self._shown

    def close(self) -> None:
        """Let go of the file."""
        self._frames.close()
        self._shown = None


def fitted(pixels: Pixels, size: Size) -> Pixels:
    """A frame at a size, never stretched.

    Where the shapes are nearly alike it covers all of it; else it lies, whole, before itself: larger, blurred, darker.
    """
    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    across, down = size[0] / width, size[1] / height
    if abs(across / down - 1) < ALIKE:
        return _covering(pixels, size)
    import cv2

    scale = min(across, down)
    inner = min(size[0], round(width * scale)), min(size[1], round(height * scale))
    small = max(2, size[0] // 8), max(2, size[1] // 8)
    tiny = _covering(pixels, small).astype(np.float32) * BACKDROP_LIGHT
    tiny = cv2.GaussianBlur(tiny, (0, 0), max(0.8, BACKDROP_BLUR * max(small)), borderType=cv2.BORDER_REPLICATE)
    wide = cv2.resize(tiny, size, interpolation=cv2.INTER_CUBIC)
    canvas: Pixels = np.clip(wide + 0.5, 0, 255).astype(np.uint8)
    x, y = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas[y : y + inner[1], x : x + inner[0]] = resized(pixels, inner)
    return canvas


def _covering(pixels: Pixels, size: Size) -> Pixels:
    """The middle of a frame, as large as it can be, at a size of another shape."""
    height, width = pixels.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    large = max(size[0], round(width * scale)), max(size[1], round(height * scale))
    x, y = (large[0] - size[0]) // 2, (large[1] - size[1]) // 2
    return np.ascontiguousarray(resized(pixels, large)[y : y + size[1], x : x + size[0]])


# ----------------------------------------------------------------------------------------------------------- light


@cache
def _curves() -> tuple[npt.NDArray[np.uint16], Pixels]:
    """The light of sRGB's levels in 65,535ths, (256,), and the way back, (65536,)."""
    code = np.arange(256) / 255
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    steps = np.arange(65_536) / 65_535
    back = np.where(steps <= 0.0031308, 12.92 * steps, 1.055 * steps ** (1 / 2.4) - 0.055)
    return np.rint(65_535 * light).astype(np.uint16), np.rint(255 * back).astype(np.uint8)


def mixed_light(below: Pixels, above: Pixels, share: float) -> Pixels:
    """Two frames in each other, ``share`` 0..1 of the one above: their light is added, as in two projectors."""
    import cv2

    there, back = _curves()
    light = cv2.addWeighted(there[below], 1 - share, there[above], share, 0)
    shown: Pixels = back[light]
    return shown


# -------------------------------------------------------------------------------------------------------- captions


def _captioned(frames: Iterator[Pixels], edit: Edit, captions: Sequence[Caption]) -> Iterator[Pixels]:
    """The frames with what is to be read in each; those that begin or end within a frame take its middle."""
    lettering = Lettering(edit.size)
    waiting = deque(sorted(captions, key=lambda caption: caption.start))
    read: list[Caption] = []
    text, overlay = "", cast("Overlay | None", None)
    for index, pixels in enumerate(frames):
        middle = (index + Fraction(1, 2)) / edit.fps
        while waiting and waiting[0].start <= middle:
            read.append(waiting.popleft())
        read = [caption for caption in read if caption.end > middle]
        now = "\n".join(caption.text for caption in read)
        if now != text:
            text, overlay = now, lettering.overlay(now) if now.strip() else None
        yield pixels if overlay is None else overlay.lay(pixels)
