"""The clips that a fake makes: the sent still, slowly nearer and a little to the side, as a real H.264 MP4."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

    from stillwake.testing.pictures import Sent
    from stillwake.types import Pixels, Sound

ZOOM, PAN = 0.06, 0.02
"""How much nearer the last frame is, and how far to the side, as shares of the width."""


@dataclass(frozen=True, slots=True)
class Order:
    """A clip to be made.

    Parameters
    ----------
    still
        What was sent.
    size
        (width, height) px that were asked for; the clip is a smaller one of that shape, unless the fake was told else.
    seconds
        How long.
    fps
        Frames a second.
    last
        What the last frame shows; the picture dissolves into it.
    loop
        Whether the last frame flows into the first.
    sound
        A sound that was sent; the clip lasts as long as it does.
    tone
        Seconds of a tone, for words that were sent.
    """

    still: Sent
    size: tuple[int, int]
    seconds: float
    fps: Fraction = Fraction(24)
    last: Sent | None = None
    loop: bool = False
    sound: Sent | None = None
    tone: float = 0.0

    @property
    def key(self) -> tuple[object, ...]:
        """The same for orders whose clips are the same."""
        last, sound = (part.digest if part else "" for part in (self.last, self.sound))
        return self.still.digest, self.size, self.seconds, self.fps, last, self.loop, sound, self.tone


def shrunk(size: tuple[int, int], width: int | None) -> tuple[int, int]:
    """An even size of the same shape whose longer side is about ``width``; None: the size itself, made even."""
    scale = 1.0 if width is None else min(1.0, width / max(size))
    return max(2, round(size[0] * scale / 2) * 2), max(2, round(size[1] * scale / 2) * 2)


class Studio:
    """Makes clips and keeps them: equal orders are encoded once, however many ask at once.

    Parameters
    ----------
    width
        Pixels of the clips' longer side, or None for the size that was asked.
    """

    def __init__(self, width: int | None = 320) -> None:
        self.width = width
        self.made: dict[tuple[object, ...], bytes] = {}
        self.lock = threading.Lock()

    def clip(self, order: Order) -> bytes:
        """The MP4's bytes."""
        with self.lock:  # one encoder at a time: the machine is small, and most orders are equal
            if order.key not in self.made:
                self.made[order.key] = _encoded(order, shrunk(order.size, self.width))
            return self.made[order.key]


def _encoded(order: Order, size: tuple[int, int]) -> bytes:
    from stillwake.media import write_clip

    with tempfile.TemporaryDirectory(prefix="stillwake-fake-") as folder:
        heard, seconds = _sound(order, Path(folder))
        count = max(1, round((seconds or order.seconds) * order.fps))
        path = Path(folder) / "clip.mp4"
        write_clip(
            path,
            _frames(order, size, count),
            fps=order.fps,
            frame_count=count,
            size=size,
            sound=heard,
            preset="veryfast",
            crf=23,
        )
        return path.read_bytes()


def _sound(order: Order, folder: Path) -> tuple[Sound | None, float]:
    import numpy as np

    from stillwake.media import open_sound, sound_from_samples

    if order.sound is not None:
        path = folder / "sound"
        path.write_bytes(order.sound.data)
        heard = open_sound(path)
        return heard, float(heard.seconds)
    if order.tone:
        rate = 24000
        times = np.arange(round(order.tone * rate)) / rate
        samples = 8000 * np.sin(2 * np.pi * 220 * times) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * times))
        return sound_from_samples(samples.astype(np.int16), rate), order.tone
    return None, 0.0


def _frames(order: Order, size: tuple[int, int], count: int) -> Iterator[Pixels]:
    import numpy as np
    from PIL import Image

    width, height = size
    still = _fitted(order.still, size)
    last = _fitted(order.last, size) if order.last else None
    for index in range(count):
        share = index / max(1, count - 1)
        if order.loop:
            share = 1 - abs(1 - 2 * index / count)
        near = 1 - ZOOM * share
        left = ((1 - near) / 2 + PAN * share * (1 - near)) * width
        top = (1 - near) / 2 * height
        box = (left, top, left + near * width, top + near * height)
        frame: Any = still.resize(size, Image.Resampling.BILINEAR, box=box)
        if last is not None:
            frame = Image.blend(frame, last, share)
        yield np.asarray(frame)


def _fitted(sent: Sent, size: tuple[int, int]) -> Image:
    """The picture in this size, RGB: cut to the shape about its middle, never stretched."""
    import io

    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(sent.data)) as image:
        image.draft("RGB", size)
        upright = ImageOps.exif_transpose(image)
        return ImageOps.fit(upright.convert("RGB"), size, Image.Resampling.LANCZOS)
