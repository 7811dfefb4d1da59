"""Where a pipeline's parts go: all on the card, one part after the other, layer by layer; and in which type.

Pure: it is told of a card and of weights, and says what to do and why. The working space is a judgement, kept large:
nobody loses a clip to a decoder that did not fit. It was made on no card; what the papers and pages claim stands in
docs/generators-local.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from stillwake.types import Size

__all__ = ["Card", "Kind", "Placing", "dtype_for", "estimate", "placed"]

Kind = Literal["cuda", "rocm", "mps", "cpu"]
Where = Literal["card", "parts", "layers"]

GIB = 1 << 30
ROOM = 0.92
"""Of what is free, what is used: the rest is the driver's, the desktop's and fragmentation's."""
LEAST = 2 * GIB
"""bytes any pipeline works in: latents, attention, the libraries' own buffers."""
A_PIXEL = 110
"""bytes of working space for each pixel of each frame while the clip is decoded whole."""
A_TILED_PIXEL = 40
"""The same, decoded in tiles."""
A_CHUNK = 5 * GIB / (8 * 1024 * 576)
"""bytes for each pixel of the frames that Stable Video Diffusion's decoder takes at once."""
SPEED = 15e9
"""Multiplications and additions a second that one thread of a CPU does: for an estimate of hours, not of minutes."""


@dataclass(frozen=True, slots=True)
class Card:
    """What there is to render on: its ``kind`` and ``name``, bytes in all and ``free`` on it, and free ``ram``.

    ``halves``, the 16-bit types that it computes in; ``threads`` of the CPU.
    """

    kind: Kind
    name: str
    total: int
    free: int
    ram: int
    halves: tuple[str, ...] = ()
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Placing:
    """What was decided: ``where`` the parts lie, the type (``dtype``), and ``why`` in a sentence.

    "card": everything on it; "parts": each is fetched for its turn; "layers": each layer is. ``tiled`` decodes in
    tiles; ``chunk`` is how many frames are decoded at once, None where the pipeline has no such choice.
    """

    where: Where
    dtype: str
    tiled: bool
    chunk: int | None
    why: str


def dtype_for(card: Card, published: str) -> str:
    """The type to compute in: what the weights were published for, if the card has it, else the next that it has."""
    if card.kind == "cpu":
        return "float32"
    for half in (published, "bfloat16", "float16"):
        if half in card.halves:
            return half
    return "float32"


def placed(
    card: Card, parts: Mapping[str, int], *, size: Size, count: int, dtype: str, chunked: bool = False
) -> Placing:
    """Where the parts go.

    Parameters
    ----------
    card
        What there is to render on.
    parts
        bytes of each component in the type it will be computed in.
    size, count
        px and frames of the clip.
    dtype
        That type.
    chunked
        Whether its decoder takes frames in chunks.

    Raises
    ------
    MemoryError
        It fits nowhere; the words say how much is needed and how much is free.
    """
    pixels = size[0] * size[1] * count
    whole, largest = sum(parts.values()), max(parts.values(), default=0)
    free, total = int(card.free * ROOM), int(card.total * ROOM)
    if card.kind == "cpu":
        if whole > free:
            raise MemoryError(f"it needs {_gb(whole)} of memory for its weights alone, and {_gb(free)} is free")
        tiled = LEAST + whole + 2 * A_PIXEL * pixels > total
        why = f"it was made on the CPU ({card.threads} thread{'' if card.threads == 1 else 's'}), which is slow"
        return Placing("card", dtype, tiled, min(count, 8) if chunked else None, why)

    # Tiles and chunks change the picture: they hang on the card, never on what else happens to lie on it now.
    one = size[0] * size[1] * A_CHUNK
    chunk = _chunk(total - LEAST - largest, one, count) if chunked else None
    if chunk is not None:
        tiled, work = False, LEAST + int(chunk * one)
    else:
        tiled = min(largest, max(0, total // 2)) + LEAST + A_PIXEL * pixels > total
        work = LEAST + (A_TILED_PIXEL if tiled else A_PIXEL) * pixels

    named = f"on {card.name} with {_gb(card.free)} free, in {dtype}"
    if whole + work <= free:
        tail = "its weights fit on it, and the clip was decoded in tiles" if tiled else "everything fits on it"
        return Placing("card", dtype, tiled, chunk, f"it was made {named}: {tail}")
    if whole > card.ram and card.kind != "mps":
        raise MemoryError(
            f"its weights are {_gb(whole)}, more than the {_gb(card.free)} free on {card.name} and than the"
            f" {_gb(card.ram)} free in the machine"
        )
    if largest + work <= free or card.kind == "mps":
        return Placing(
            "parts", dtype, tiled, chunk,
            f"it was made {named}: its weights of {_gb(whole)} do not fit on it at once, so each part was fetched for"
            " its turn, which is a little slower",
        )  # fmt: skip
    if work <= free:
        return Placing(
            "layers", dtype, tiled, chunk,
            f"it was made {named}: its largest part of {_gb(largest)} does not fit on it, so each layer was fetched"
            " for its turn, which is slow",
        )  # fmt: skip
    raise MemoryError(
        f"a clip of {count} frames of {size[0]} x {size[1]} px needs about {_gb(work)} beside the weights, and"
        f" {_gb(free)} can be used on {card.name}"
    )


def _chunk(free: int, one: float, count: int) -> int:
    """How many frames are decoded at once: all, 8, 4, 2 or 1, as there is room for ``one`` and more."""
    return next((some for some in (count, 8, 4, 2) if some <= count and some * one <= free), 1)


def estimate(parameters: int, size: Size, count: int, steps: int, threads: int, *, video_tokens: bool) -> float:
    """Hours that a CPU needs, roughly: two operations a parameter for every token, step and pass, twice for guidance.

    ``video_tokens``: the model sees 4 x 16 x 16 px at once, as transformers do, instead of 1 x 16 x 16.
    """
    tokens = max(1, count // 4 if video_tokens else count) * (size[0] // 16) * (size[1] // 16)
    return 2 * 2 * parameters * max(1, tokens) * steps / (SPEED * threads) / 3600


def _gb(amount: float) -> str:
    return f"{amount / 1e9:.1f} GB" if amount < 1e11 else f"{amount / 1e9:.0f} GB"
