"""What is asked of a provider: an `Order`, and the `Wire` that a provider's pure half makes of it.

A body is plain JSON in which a picture or a sound stands as ``{"$file": id, "as": how}``, so that it can be hashed,
kept and read without its bytes. A file's id is the hash of its pixels or samples, never of their encoding: another
version of an encoder asks for the same job. Nothing here touches the network.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import itertools
import json
import math
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from stillwake.engines.generated import Window, best_size, laid_in, resized
from stillwake.errors import UsageError
from stillwake.makers import MAKERS, Ability, Maker, takers
from stillwake.types import CameraRecord, Expression, Floats, Pixels, Size, Sound, Strokes

__all__ = [
    "File", "Order", "Wire", "around_people", "camera_words", "fitted", "key_of", "maker_of", "model_of",
    "picture", "place", "placed", "said", "seconds_of", "utf16", "voice_file",
]  # fmt: skip

Way = Literal["data uri", "base64", "upload", "form"]
"""How a file goes: inside the JSON, or before it as an upload that it names, or as a part of a form."""


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """A picture or a sound to be sent: its ``id``, a ``name`` for the form, its type and its bytes."""

    id: str
    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """Everything a shot asks of a provider.

    ``still`` (H, W, 3) uint8 RGB is what the clip begins from, ``end`` what it ends on; ``strokes`` and ``pinned`` a
    motion brush, in px of the still; ``seconds`` how long; ``fps`` frames a second. ``hold``, ``guidance`` and
    ``steps`` None are the engine's own; ``strength`` 0..1 is how far everything moves. To talk, either ``voice`` says
    ``say``, or ``sound`` is heard.
    """

    engine: str
    still: Pixels
    seconds: Fraction
    fps: Fraction
    size: Size
    model: str = ""
    prompt: str = ""
    negative: str = ""
    seed: int = 0
    end: Pixels | None = None
    strokes: Strokes | None = None
    pinned: Any = None
    camera: CameraRecord | None = None
    hold: float | None = None
    guidance: float | None = None
    steps: int | None = None
    loop: bool = False
    strength: float = 1.0
    say: str = ""
    voice: str = ""
    sound: Sound | None = None
    expression: Expression | None = None

    @property
    def still_size(self) -> Size:
        """(width, height) px of the still."""
        return self.still.shape[1], self.still.shape[0]


@dataclass(frozen=True, slots=True, eq=False)
class Wire:
    """A request as it will be sent, but for its files' bytes.

    ``path`` at the provider; ``body`` as above, sent as JSON or, if ``form``, as multipart/form-data; ``size`` of the
    picture that is sent and ``window`` the part of it that is the still, None being all; ``seed`` the one that is
    sent, None where the provider takes none; ``warnings`` what was left out, in words.
    """

    path: str
    body: Mapping[str, Any]
    files: tuple[File, ...]
    size: Size
    seconds: Fraction
    model: str
    window: Window | None = None
    seed: int | None = None
    form: bool = False
    warnings: tuple[str, ...] = ()


def key_of(engine: str, wire: Wire, seed: int) -> str:
    """What makes a job this job, as a hash: the request, with its files by their ids, and the seed that was asked for.

    Two takes differ in their seeds even where the provider takes none.
    """
    text = json.dumps([engine, wire.path, wire.body, str(seed)], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


# ------------------------------------------------------------------------------------------------- files in a body


def place(file: File, way: Way) -> dict[str, str]:
    """What stands in a body for a file."""
    return {"$file": file.id, "as": way}


def placed(value: Any) -> Iterator[tuple[str, str]]:
    """(id, way) of every file in a body."""
    if isinstance(value, Mapping):
        if "$file" in value:
            yield value["$file"], value["as"]
        else:
            for inner in value.values():
                yield from placed(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from placed(inner)


def fitted(value: Any, files: Mapping[str, File], uploaded: Mapping[str, Any]) -> Any:
    """The body with its files in: as text, or as what their upload is called; a form's parts stay `File`s."""
    if isinstance(value, Mapping):
        if "$file" not in value:
            return {key: fitted(inner, files, uploaded) for key, inner in value.items()}
        file, way = files[value["$file"]], value["as"]
        if way == "form":
            return file
        if way == "upload":
            return uploaded[file.id]
        text = base64.b64encode(file.data).decode("ascii")
        return text if way == "base64" else f"data:{file.mime};base64,{text}"
    if isinstance(value, list | tuple):
        return [fitted(inner, files, uploaded) for inner in value]
    return value


# ------------------------------------------------------------------------------------------------ pictures and sound


def laid(pixels: Pixels, sizes: Collection[Size]) -> tuple[Pixels, Window | None, Size]:
    """A picture laid whole into the size that suits it best; the window is None where it fills it."""
    size = best_size((pixels.shape[1], pixels.shape[0]), sizes)
    drawn, window = laid_in(pixels, size)
    return drawn, (None if (window.width, window.height) == size else window), size


MOST_ENCODED = 4
_ENCODED: dict[tuple[str, str, int], File] = {}
_ENCODING = threading.Lock()


def picture(pixels: Pixels, name: str, most_bytes: int) -> File:
    """A picture as a file: PNG, or where that is larger than ``most_bytes``, the best JPEG that is not.

    Raises
    ------
    stillwake.errors.UsageError
        Not even a poor JPEG is small enough.
    """
    pixels = np.ascontiguousarray(pixels)
    mark = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    asked = mark, name, most_bytes
    with _ENCODING:  # takes of a shot, and `begin` before `prepare`, send the same picture
        if asked not in _ENCODED:
            if len(_ENCODED) >= MOST_ENCODED:
                _ENCODED.pop(next(iter(_ENCODED)))
            _ENCODED[asked] = _encoded(pixels, mark, name, most_bytes)
        return _ENCODED[asked]


def _encoded(pixels: Pixels, mark: str, name: str, most_bytes: int) -> File:
    import cv2
    from PIL import Image

    turned = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".png", turned, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    assert done
    if len(data) <= most_bytes:
        return File(mark, f"{name}.png", "image/png", data.tobytes())
    for quality in (97, 94, 90, 85, 75, 60):
        held = io.BytesIO()
        Image.fromarray(pixels).save(held, "JPEG", quality=quality, subsampling=0)
        if held.tell() <= most_bytes:
            return File(mark, f"{name}.jpg", "image/jpeg", held.getvalue())
    raise UsageError(
        "Cannot send the picture",
        f"it is larger than {most_bytes / 2**20:.0f} MiB in every form",
        "give a smaller one",
    )


def voice_file(sound: Sound, most_bytes: int, least: Fraction = Fraction(0)) -> File:
    """What is to be heard, as a WAV file of one channel at its own rate; at 16 kHz where that is too large.

    Where it is shorter than ``least`` seconds silence follows it: a clip is cut to what was asked for anyway.

    Raises
    ------
    stillwake.errors.UsageError
        It is too long even so.
    """
    mono = [np.asarray(block.mean(axis=1).round(), np.int16) for block in sound.blocks()]
    samples, rate = (np.concatenate(mono) if mono else np.zeros(0, np.int16)), sound.rate
    if 2 * len(samples) + 44 > most_bytes:
        samples, rate = sound.mono, 16_000
    if (short := math.ceil(least * rate) - len(samples)) > 0:
        samples = np.concatenate([samples, np.zeros(short, np.int16)])
    if 2 * len(samples) + 44 > most_bytes:
        raise UsageError(
            f"Cannot send {sound.name}", f"it is larger than {most_bytes / 2**20:.0f} MiB", "give a shorter recording"
        )
    data = samples.tobytes()
    head = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    head += b"\x01\0\x01\0" + rate.to_bytes(4, "little") + (2 * rate).to_bytes(4, "little") + b"\x02\0\x10\0"
    head += b"data" + len(data).to_bytes(4, "little")
    mark = hashlib.sha256(b"sound" + str(rate).encode() + data).hexdigest()
    return File(mark, "voice.wav", "audio/wav", head + data)


def even(size: Size, *, least: int = 2, most: int = 4096, step: int = 2) -> Size:
    """A size near this one whose sides are multiples of ``step`` within the limits; the shape stays."""
    scale = max(1.0, least / min(size))
    scale = min(scale, most / max(size))
    width, height = (max(step, round(side * scale / step) * step) for side in size)
    return width, height


def drawn_at(pixels: Pixels, size: Size) -> Pixels:
    """A picture at another size."""
    return resized(pixels, size)


def around_people(strokes: Strokes, matte: Floats | None) -> Strokes:
    """A brush without the people who stand before what it paints; all of it where its paths run over people.

    Who brushes the sea behind somebody draws over them, and does not mean them: our animator moves them on a layer of
    their own, a mask cannot. ``matte`` (H, W) float32, 1 on people, at the brush's size.
    """
    if matte is None or matte.shape != strokes.mask.shape:
        return strokes
    height, width = matte.shape
    people = matte > 0.5
    points = np.concatenate([np.linspace(a, b, 16) for path in strokes.paths for a, b in itertools.pairwise(path)])
    x, y = np.round(points).astype(int).T
    over = people[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)].mean()
    if over >= 0.5:
        return strokes
    return dataclasses.replace(strokes, mask=np.where(people, np.float32(0), strokes.mask))


def masks_of(strokes: Strokes, size: Size) -> list[tuple[Pixels, Floats]]:
    """One mask (H, W) uint8, 255 where it moves, and one path (N, 2) float32, for every path of a brush, at ``size``.

    A pixel of the brush's mask goes with the path that lies nearest.
    """
    import cv2

    height, width = strokes.mask.shape
    scale = np.array([size[0] / width, size[1] / height], np.float32)
    paths = [np.asarray(path * scale + (scale - 1) / 2, np.float32) for path in strokes.paths]
    grown = cv2.resize(np.asarray(strokes.mask, np.float32), size, interpolation=cv2.INTER_LINEAR)
    whole = np.asarray(np.where(grown >= 0.5, 255, 0), np.uint8)
    if len(paths) == 1:
        return [(whole, paths[0])]
    distances = []
    for path in paths:
        drawn = np.full((size[1], size[0]), 255, np.uint8)
        cv2.polylines(drawn, [np.round(path).astype(np.int32).reshape(-1, 1, 2)], False, 0)
        distances.append(cv2.distanceTransform(drawn, cv2.DIST_L2, 3))
    nearest = np.argmin(np.stack(distances), axis=0)
    return [(np.asarray(np.where(nearest == index, whole, 0), np.uint8), path) for index, path in enumerate(paths)]


# ----------------------------------------------------------------------------------------------- what may be asked


def maker_of(engine: str) -> Maker:
    """The table's entry of an engine."""
    return MAKERS[engine]


def model_of(order: Order, known: Collection[str]) -> str:
    """The model's name there; "" is the usual one, the first that is known.

    Raises
    ------
    stillwake.errors.UsageError
        Nobody here knows it.
    """
    model = order.model or next(iter(known))
    if model not in known:
        raise UsageError(
            f"Cannot ask {maker_of(order.engine).title} for {model!r}",
            "it is none of the models that stillwake knows there",
            f"choose one of {', '.join(known)}",
        )
    return model


def seconds_of(order: Order, lengths: Collection[int]) -> int:
    """The length in whole seconds, one that the provider has.

    Raises
    ------
    stillwake.errors.UsageError
        It has no such length.
    """
    if order.seconds.denominator == 1 and int(order.seconds) in lengths:
        return int(order.seconds)
    told = ", ".join(map(str, lengths))
    raise UsageError(
        f"Cannot ask {maker_of(order.engine).title} for {float(order.seconds):g} s",
        f"it makes clips of {told} s",
        "choose one of these lengths",
    )


def refuse(order: Order, allowed: Collection[Ability], *, model: str) -> None:
    """Refuse what cannot be left out quietly: an end frame, a loop, a brush, how firmly to hold.

    Raises
    ------
    stillwake.errors.UsageError
        That is asked and the model does not have it; the sentence names those that do.
    """
    title = maker_of(order.engine).title
    asked: tuple[tuple[Ability, str, bool], ...] = (
        ("end frame", "end on a picture", order.end is not None),
        ("loop", "make a loop", order.loop),
        ("brush", "follow a motion brush", order.strokes is not None),
        ("conditioning", "be told how firmly to hold on to the picture", order.hold is not None),
    )
    for ability, words, wanted in asked:
        if wanted and ability not in allowed:
            maker = maker_of(order.engine)
            one = next((name for name, facts in maker.models.items() if ability in facts.can and name != model), None)
            others = " or ".join(takers(ability)) or "the animator"
            hint = f"choose {others}" if one is None else f"add --model {one}"
            called = model if model.startswith("the ") else f"its model {model}"
            raise UsageError(f"Cannot ask {title} for this", f"{called} cannot {words}", f"{hint}, or leave it out")
    if order.end is not None and order.loop:
        raise UsageError(f"Cannot ask {title} for this", "a loop ends where it begins", "leave the end frame out")


def left_out(order: Order, allowed: Collection[Ability], *, model: str) -> list[str]:
    """Sentences about what is asked, not taken, and does no harm when it is left out."""
    title, talks = maker_of(order.engine).title, bool(order.say) or order.sound is not None
    asked: tuple[tuple[Ability, str, bool], ...] = (
        ("negative", "negative prompt", bool(order.negative)),
        ("guidance", "guidance", order.guidance is not None),
        ("steps", "number of steps", order.steps is not None),
        ("seed", "seed: every take differs, none can be made again", order.seed != 0 and not talks),
        ("expression", "expression", order.expression is not None),
    )
    told = [
        f"{title}'s {model} takes no {words}" for ability, words, wanted in asked if wanted and ability not in allowed
    ]
    if order.strength != 1 and not talks:
        told.append(f"{title}'s {model} takes no strength of motion: say it in the prompt")
    return told


def utf16(text: str) -> int:
    """A text's length as the providers count it, in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def said(order: Order, most: int, *, needed: bool, camera: bool = True) -> str:
    """The prompt, with the camera's words before it where it does not have them.

    Parameters
    ----------
    order
        What is asked.
    most
        UTF-16 code units.
    needed
        Whether there must be one.
    camera
        Whether the camera is to be told in words.

    Raises
    ------
    stillwake.errors.UsageError
        It is too long, or there must be one.
    """
    prompt = tidy(order.prompt)
    words = camera_words(order.camera, prompt) if camera else ""
    prompt = ", ".join(part for part in (words, prompt) if part)
    title = maker_of(order.engine).title
    if needed and not prompt:
        raise UsageError(f"Cannot ask {title} for a clip", "it wants to be told what happens", "add --prompt TEXT")
    return within(prompt, most, title, "the prompt")


def within(text: str, most: int, title: str, what: str) -> str:
    """The text, no longer than that.

    Raises
    ------
    stillwake.errors.UsageError
        It is longer.
    """
    if utf16(text) > most:
        raise UsageError(
            f"Cannot ask {title} for this",
            f"{what} is {utf16(text)} characters long, and {most} are taken",
            "shorten it",
        )
    return text


def tidy(text: str) -> str:
    """A text without control characters and lone surrogates, its white space single."""
    kept = "".join(letter if letter.isprintable() or letter.isspace() else " " for letter in text)
    return re.sub(r"\s+", " ", kept).strip()


def camera_words(camera: CameraRecord | None, prompt: str) -> str:
    """The moves in words, as far as the prompt does not speak of them: "push in, tilt up"."""
    if camera is None:
        return ""
    spoken = prompt.lower()
    moves = [move.kind.replace("-", " ") for move in camera.moves]
    return ", ".join(move for move in moves if not re.search(rf"\b{re.escape(move.split()[0])}", spoken))
