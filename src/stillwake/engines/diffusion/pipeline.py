"""Loading a pipeline, and running it: everything that touches torch and diffusers.

One pipeline is kept between takes, for they differ by their seed alone. Nothing here reaches the network: weights are
read from a folder, with ``local_files_only`` and with the hub switched off for as long as it lasts. The software's own
words (progress bars, notices about processors) are held back, and only here.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from stillwake.engines.diffusion.memory import Card, Kind, Placing, dtype_for, placed
from stillwake.engines.diffusion.table import Row
from stillwake.engines.diffusion.weights import Weights, mending
from stillwake.errors import EngineUnavailableError, ResultError
from stillwake.types import Pixels, Progress, Size

__all__ = ["Loaded", "alone", "card", "forget", "loaded", "looked_through", "rendered", "versions"]

BLACK = 3
"""Levels: a clip that is nowhere brighter than this is black."""


@dataclass(slots=True)
class Loaded:
    """A pipeline that is ready: the pipe itself, what it is of, and how it lies on which card."""

    pipe: Any
    key: tuple[object, ...]
    row: Row
    weights: Weights
    card: Card
    placing: Placing


def imported(name: str) -> Any:
    """A module of the extra's, which need not be installed where this is only looked at."""
    return import_module(name)


_kept: Loaded | None = None
alone = threading.RLock()
"""Held from loading to the last frame: one pipeline, one clip at a time."""


def forget() -> None:
    """Give back the pipeline that is kept, and its memory."""
    global _kept
    with alone:
        if _kept is not None:
            _kept.pipe = None
            _kept = None
            _tidy()


def versions() -> dict[str, str | None]:
    """What a clip hangs on: the versions of the software that made it; None where it is not installed."""
    found: dict[str, str | None] = {}
    for name in ("torch", "diffusers", "transformers", "accelerate", "numpy", "ftfy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """The hub is off and the software keeps its remarks to itself for as long as this lasts."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    with warnings.catch_warnings():
        # torch.jit, pynvml and the like: of their makers' doing, and nothing a user of ours can act on
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        warnings.filterwarnings("ignore", module=r"(torch|diffusers|transformers|accelerate|huggingface_hub)(\.|$)")
        constants = imported("huggingface_hub.constants")
        before = constants.HF_HUB_OFFLINE
        constants.HF_HUB_OFFLINE = True
        try:
            of_diffusers, of_transformers = imported("diffusers.utils.logging"), imported("transformers.utils.logging")
            levels = of_diffusers.get_verbosity(), of_transformers.get_verbosity()
            bars = of_diffusers.is_progress_bar_enabled(), of_transformers.is_progress_bar_enabled()
            of_diffusers.set_verbosity_error()
            of_transformers.set_verbosity_error()
            of_diffusers.disable_progress_bar()
            of_transformers.disable_progress_bar()
            try:
                yield
            finally:
                of_diffusers.set_verbosity(levels[0])
                of_transformers.set_verbosity(levels[1])
                if bars[0]:
                    of_diffusers.enable_progress_bar()
                if bars[1]:
                    of_transformers.enable_progress_bar()
        finally:
            constants.HF_HUB_OFFLINE = before


# ------------------------------------------------------------------------------------------------- on what it runs


def card() -> Card:
    """What there is to render on: the first CUDA or ROCm card, Apple's, or the CPU (also by STILLWAKE_DEVICE=cpu)."""
    torch = imported("torch")
    machine = imported("psutil").virtual_memory()
    ram = machine.available
    threads = torch.get_num_threads()
    named = os.environ.get("STILLWAKE_DEVICE", "").strip().lower()
    if named != "cpu" and torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        halves = ("bfloat16", "float16") if torch.cuda.is_bf16_supported(including_emulation=False) else ("float16",)
        kind: Kind = "rocm" if torch.version.hip else "cuda"
        return Card(kind, torch.cuda.get_device_name(), total, free, ram, halves, threads)
    if named != "cpu" and torch.backends.mps.is_available():
        total = torch.mps.recommended_max_memory()
        free = max(0, total - torch.mps.driver_allocated_memory())
        halves = ("bfloat16", "float16") if torch.backends.mps.is_macos_or_newer(14, 0) else ("float16",)
        return Card("mps", "this Mac", total, min(free, ram), ram, halves, threads)
    return Card("cpu", "the CPU", machine.total, ram, ram, (), threads)


def _device(kind: str) -> str:
    return "cuda" if kind == "rocm" else kind


def _tidy() -> None:
    torch = imported("torch")
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


# ------------------------------------------------------------------------------------------------- loading


def loaded(
    row: Row, weights: Weights, size: Size, count: int, on_progress: Progress, what: str, here: Card | None = None
) -> Loaded:
    """The pipeline of those weights, ready for a clip of that size and number of frames.

    Raises
    ------
    stillwake.errors.EngineUnavailableError
        It does not load, or does not fit.
    """
    global _kept
    with alone:
        key = (row.name, row.pipeline, str(weights.folder.resolve()), weights.variant, _stamp(weights))
        kept = _kept
        if kept is not None and kept.key != key:
            forget()
            kept = None
        if kept is None:
            _tidy()
        base = here or (kept.card if kept is not None else card())
        dtype = dtype_for(base, row.half)
        parts = weights.bytes_in(dtype, ("vae",) if _exact_vae(row) else ())
        try:
            placing = placed(base, parts, size=size, count=count, dtype=dtype, chunked=bool(row.chunks))
        except MemoryError as error:
            raise EngineUnavailableError(
                what, str(error), "close what else uses it, ask for fewer seconds, or for a smaller --model"
            ) from error
        if kept is not None and kept.placing.where == placing.where and kept.placing.dtype == placing.dtype:
            _tile(kept.pipe, placing)
            kept.placing, kept.row = placing, row
            return kept
        forget()
        on_progress("load", 0, 1)
        pipe = _opened(row, weights, placing, what)
        try:
            _put(pipe, base, placing)
        except Exception as error:
            del pipe
            _tidy()
            raise _failed(what, error, base) from error
        _tile(pipe, placing)
        _kept = Loaded(pipe, key, row, weights, base, placing)
        on_progress("load", 1, 1)
        return _kept


def looked_through(row: Row, folder: Path) -> Weights | None:
    """The weights of the pipeline that is kept, where it is that folder's and nothing there has changed since."""
    kept = _kept
    if kept is None or kept.weights.folder != folder or kept.row.name != row.name:
        return None
    with contextlib.suppress(OSError):
        if kept.key[-1] == _stamp(kept.weights):
            return kept.weights
    return None


def _stamp(weights: Weights) -> tuple[tuple[str, int, int], ...]:
    """By which it is seen that the folder is another one by now."""
    files = [weights.folder / "model_index.json", *(file for part in weights.components for file in part.files)]
    stats = [(file.name, file.stat()) for file in files]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def _exact_vae(row: Row) -> bool:
    """Whether its decoder has to stay in float32: Wan's, which loses detail otherwise."""
    return row.engine == "wan" or row.name.startswith("skyreels-v2")


def _opened(row: Row, weights: Weights, placing: Placing, what: str) -> Any:
    torch = imported("torch")
    with quietly():
        try:
            diffusers = imported("diffusers")
            kind = getattr(diffusers, row.pipeline)
            dtype: Any = getattr(torch, placing.dtype)
            if _exact_vae(row):
                dtype = {"default": dtype, "vae": torch.float32}
            options: dict[str, Any] = {
                "dtype": dtype, "local_files_only": True, "use_safetensors": True, "variant": weights.variant,
            }  # fmt: skip
            for name, (folder, of) in weights.parts.items():
                library = diffusers if hasattr(diffusers, of) else imported("transformers")
                weighs = {
                    "dtype": getattr(torch, placing.dtype), "use_safetensors": True, "variant": weights.variant,
                }  # fmt: skip
                kwargs = {} if "Processor" in of else weighs
                options[name] = getattr(library, of).from_pretrained(folder, local_files_only=True, **kwargs)
            pipe = kind.from_pretrained(weights.folder, **options)
        except Exception as error:
            missing = isinstance(error, ImportError)
            raise EngineUnavailableError(
                what,
                f"{weights.folder.name} does not load ({_words(error)})",
                "install what it names" if missing else mending(row.engine, weights.folder),
            ) from error  # fmt: skip
    for component in pipe.components.values():
        if isinstance(component, torch.nn.Module):
            component.eval()
    _mend_ftfy(pipe)
    return pipe


def _mend_ftfy(pipe: Any) -> None:
    """Let a prompt through as it is where ftfy, which mends garbled letters, is not installed.

    diffusers 0.42.1 imports it only where it is there, and calls it in Wan's pipelines all the same: a NameError.
    """
    module = sys.modules[type(pipe).__module__]
    if hasattr(module, "is_ftfy_available") and not module.is_ftfy_available() and not hasattr(module, "ftfy"):
        module.ftfy = SimpleNamespace(fix_text=str)  # type: ignore[attr-defined]


def _put(pipe: Any, here: Card, placing: Placing) -> None:
    """Lay the parts where they were decided to lie."""
    device = _device(here.kind)
    if here.kind == "cpu":
        return
    torch = imported("torch")
    # torch's own attention reads its weights without calling the layer that holds them, so nothing fetches them
    modules = {name: part for name, part in pipe.components.items() if isinstance(part, torch.nn.Module)}
    attention = torch.nn.MultiheadAttention
    whole = [name for name, part in modules.items() if any(isinstance(layer, attention) for layer in part.modules())]
    if placing.where == "card":
        pipe.to(device)
    elif placing.where == "parts":
        pipe.enable_model_cpu_offload(device=device)
    elif here.kind == "cuda":
        pipe.enable_group_offload(
            onload_device=torch.device(device), offload_type="leaf_level", use_stream=True, low_cpu_mem_usage=True,
            exclude_modules=whole,
        )  # fmt: skip
    else:
        pipe._exclude_from_cpu_offload = [*pipe._exclude_from_cpu_offload, *whole]
        pipe.enable_sequential_cpu_offload(device=device)


def _tile(pipe: Any, placing: Placing) -> None:
    vae = getattr(pipe, "vae", None)
    for kind in ("tiling", "slicing"):
        switch = getattr(vae, f"{'enable' if placing.tiled else 'disable'}_{kind}", None)
        if switch is not None:
            with contextlib.suppress(NotImplementedError):  # a decoder that has no such thing
                switch()


# ------------------------------------------------------------------------------------------------- running


class _Steps:
    """The pipeline's progress bar: tells how far it is, and lets through unchanged what is raised there.

    A pipeline that works in ``sections`` has one bar for each.
    """

    def __init__(self, on_progress: Progress, sections: int) -> None:
        self.on_progress, self.sections = on_progress, sections
        self.done = self.total = 0
        self.raised: BaseException | None = None

    def __call__(self, iterable: Any = None, total: int | None = None) -> Any:
        self.total = max(self.total, self.done + (total or 0), (total or 0) * self.sections)
        if iterable is not None:
            return self._counted(iterable)
        return self

    def _counted(self, iterable: Any) -> Iterator[Any]:
        for item in iterable:
            yield item
            self.update()

    def __enter__(self) -> _Steps:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def set_postfix(self, *_: object, **__: object) -> None:
        """Nothing: some pipelines say how large their loss is."""

    def update(self, n: int = 1) -> None:
        """One step is done."""
        self.done += n
        self.tell()

    def tell(self) -> None:
        """Say so."""
        try:
            self.on_progress("generate", min(self.done, self.total), max(1, self.total))
        except BaseException as error:
            self.raised = error
            raise


def rendered(
    ready: Loaded,
    call: Mapping[str, Any],
    *,
    seed: int,
    count: int,
    guidance: float | None,
    black: bool,
    sections: int,
    on_progress: Progress,
    what: str,
) -> list[Pixels]:
    """The frames of one call, (H, W, 3) uint8 each, in order.

    ``guidance`` for a pipeline that has a guider; ``black`` where the still itself is.

    Raises
    ------
    stillwake.errors.EngineUnavailableError
        The memory does not suffice, or the pipeline failed.
    stillwake.errors.ResultError
        What came is no picture: not a number, black, or of another length.
    """  # fmt: skip
    torch = imported("torch")
    pipe = ready.pipe
    steps = _Steps(on_progress, sections)
    before = torch.random.get_rng_state()
    guider = getattr(pipe, "guider", None)
    options = dict(call, generator=torch.Generator("cpu").manual_seed(seed), output_type="pt")
    output: Any = None
    with quietly():
        pipe.progress_bar = steps
        try:
            torch.default_generator.manual_seed(seed)  # for what draws from it behind the generator's back
            if guidance is not None and guider is not None:
                pipe.guider = guider.new(guidance_scale=guidance)
            steps.total = int(call.get("num_inference_steps", 1)) * sections
            steps.tell()
            output = pipe(**options).frames[0]
            frames = [_pixels(frame) for frame in output]
        except BaseException as error:
            traceback.clear_frames(error.__traceback__)  # what they held goes now, not when somebody drops the error
            output = None
            _tidy()
            if error is steps.raised:
                raise
            if _kept is ready:  # who knows in which state: half in another type, half on the card
                forget()
            if not isinstance(error, Exception):
                raise
            if isinstance(error, FloatingPointError):
                raise ResultError(what, "the numbers overflowed: it is no picture", _overflow(ready)) from error
            raise _failed(what, error, ready.card) from error
        finally:
            del pipe.progress_bar
            if guider is not None:
                pipe.guider = guider
            torch.random.set_rng_state(before)
            del options
            with contextlib.suppress(Exception):
                pipe.maybe_free_model_hooks()
    if len(frames) != count:
        raise ResultError(
            what, f"the pipeline made {len(frames)} frames and was asked for {count}", "this model is not supported so"
        )
    if not black and max(int(frame.max()) for frame in frames) <= BLACK:
        raise ResultError(
            what, f"every frame is black: the numbers overflowed in {ready.placing.dtype}", _overflow(ready)
        )
    return frames


def _pixels(frame: Any) -> Pixels:
    """A frame as it comes, (3, H, W) of 0..1 on any device, as (H, W, 3) uint8.

    Raises
    ------
    FloatingPointError
        It is not a number somewhere.
    """
    torch = imported("torch")
    if not bool(torch.isfinite(frame).all()):
        raise FloatingPointError("not a number")
    levels = (frame.permute(1, 2, 0).float() * 255).round_().clamp_(0, 255).to(torch.uint8)
    return np.ascontiguousarray(levels.cpu().numpy())


def _overflow(ready: Loaded) -> str:
    if ready.placing.dtype == "float16":
        return "use a card that has bfloat16, or another --model"
    return "try another --seed, a lower --guidance, or another --model"


def _failed(what: str, error: Exception, here: Card) -> EngineUnavailableError:
    torch = imported("torch")
    words = str(error).lower()
    if (
        isinstance(error, MemoryError | torch.OutOfMemoryError)
        or "out of memory" in words
        or "can't allocate" in words
    ):
        return EngineUnavailableError(
            what,
            f"the memory of {here.name} did not suffice ({here.free / 1e9:.1f} GB were free)",
            "close what else uses it, ask for fewer seconds, or for a smaller --model",
        )
    return EngineUnavailableError(
        what, f"the pipeline failed ({_words(error)})", "check that --model is whole and fits the engine"
    )


def _words(error: BaseException) -> str:
    line = " ".join(str(error).split())
    return f"{type(error).__name__}: {line[:200]}" if line else type(error).__name__
