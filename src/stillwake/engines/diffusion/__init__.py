"""Local generators: image-to-video models through diffusers, on a card of one's own or, slowly, on the CPU.

What is asked of a shot is said to each pipeline in its own words (`stillwake.engines.diffusion.table`). What a
pipeline has no word for is a note, and where the clip would be another one without it, an error that names who can.
Importing this loads nothing heavy.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from stillwake.engines.diffusion import weights as at_hand
from stillwake.engines.diffusion.table import Row, row_of
from stillwake.engines.generated import Generated, Window, laid_in
from stillwake.errors import EngineUnavailableError, StillwakeError, UsageError
from stillwake.makers import MAKERS, Ability, Maker, takers
from stillwake.types import Family, Pixels, Progress, Scene, Shot, Size, Speech, no_progress

__all__ = ["Diffusion", "Made", "Window", "any_pipeline", "cogvideox", "framepack", "hunyuan", "ltx", "svd", "wan"]

SLOW = 0.5
"""Hours of the CPU's work from which on they are named."""


class Made(Generated):
    """A clip that a pipeline made; ``made_with`` is what it hangs on, for the record."""

    def __init__(self, frames: list[Pixels], *, made_with: dict[str, Any], **options: Any) -> None:
        super().__init__(lambda: iter(frames), count=len(frames), **options)
        self.made_with = made_with


class Diffusion:
    """The engine of that name: ``svd``, ``wan``, ..., or ``diffusion`` for the pipeline of any folder."""

    family: Family = "generator"
    motions = frozenset({"generate"})

    def __init__(self, name: str) -> None:
        self.name = name
        maker = MAKERS[name]
        self.summary = f"{maker.title} on this machine, by diffusers: {maker.model}"

    def missing(self, model: str = "") -> str | None:
        """None when it can run here, else the line that installs the software or fetches the weights; looks only."""
        return at_hand.missing(self.name, model)

    def facts(self, model: str) -> Maker:
        """What its folder says of a model, where it lies here: lengths, rate, what it takes; looks only."""
        maker = MAKERS[self.name]
        meant = at_hand.chosen(self.name, model)
        folder = at_hand.at(meant)
        if folder is None:
            return maker.of(model)
        try:
            row = row_of(folder, self.name, meant)
        except StillwakeError:  # prepare says what is wrong with it
            return maker.of(model)
        return row.facts(maker)

    def prepare(self, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress) -> Made:
        """The clip, made: every step is told as ("generate", done, total), and raising there stops it between two.

        Raises
        ------
        stillwake.errors.UsageError
            The shot asks for what this pipeline does not have: another motion, too many seconds, an end frame, a loop,
            how firmly it keeps to the picture; or the folder holds none that is known.
        stillwake.errors.EngineUnavailableError
            Weights are not here, damaged or pickles; the memory does not suffice; or the pipeline failed.
        stillwake.errors.ResultError
            What came is black, or no picture.
        """
        what = f"Cannot render with {self.name}"
        if shot.motion not in self.motions:
            raise UsageError(
                what, f"it cannot do the motion {shot.motion}", "ask for generate, or choose another engine"
            )
        folder, called = self._folder(shot.model, what)
        row = row_of(folder, self.name, called)
        notes = [*_refused(row, scene, shot, what)]
        seconds = shot.made or shot.seconds
        count = row.frames.least(math.ceil(seconds * row.fps))
        if count is None:
            raise UsageError(
                what,
                f"{row.title} makes at most {float(row.seconds):.3g} s, and {float(seconds):.3g} s were asked for",
                f"ask for --seconds {_down(row.seconds)}, or leave the length to the plan, which makes segments",
            )
        if line := at_hand.missing(self.name, shot.model):
            raise EngineUnavailableError(what, "something it needs is not here", f"run: {line}")
        from stillwake.engines.diffusion import pipeline

        with pipeline.alone:
            return self._made(scene, shot, row, folder, called, count, seconds, notes, on_progress)

    def _folder(self, model: str, what: str) -> tuple[Path, str]:
        """Where the weights lie, and the name they were asked for by."""
        meant = at_hand.chosen(self.name, model)
        if not meant:
            raise UsageError(what, "no model is named", "name a folder: --model FOLDER")
        folder = at_hand.at(meant)
        if folder is None:
            if at_hand.is_id(meant) and not Path(meant).is_absolute():
                line = at_hand.missing(self.name, model) or f"stillwake engines --download {self.name}"
                raise EngineUnavailableError(what, f"the weights of {meant} are not on this machine", f"run: {line}")
            raise UsageError(what, f"there is no folder {meant}", "name one that holds a model_index.json")
        return folder, folder.resolve().name if Path(meant).expanduser().is_dir() else meant

    def _made(
        self, scene: Scene, shot: Shot, row: Row, folder: Path, called: str, count: int, seconds: Fraction,
        notes: list[str], on_progress: Progress,
    ) -> Made:  # fmt: skip
        from stillwake.engines.diffusion import memory, pipeline

        what = f"Cannot render with {self.name}"
        here = pipeline.card()
        opened = pipeline.looked_through(row, folder) or at_hand.opened(row, folder, half=here.kind != "cpu")
        planned = row.size_for(scene.still.size) or scene.still.size
        ready = pipeline.loaded(row, opened, planned, count, on_progress, what)
        size = planned if row.sizes is not None else _bucket(ready.pipe, scene.still.size)
        first, window = laid_in(scene.still.pixels, size)
        last = _last(scene, shot, first, size)
        call, said = _call(row, shot, first, last, size, count, ready.placing.chunk)
        notes += said
        if cut := _too_long(ready.pipe, shot.prompt):
            notes.append(cut)
        guidance = row.usual_guidance if shot.guidance is None else shot.guidance
        steps = int(call[row.steps_as])
        placed = ready.placing
        why = placed.why
        if ready.card.kind == "cpu":
            hours = memory.estimate(
                opened.parameters("transformer", "unet"), size, count, steps, ready.card.threads,
                video_tokens=not hasattr(ready.pipe, "unet"),
            )  # fmt: skip
            if hours >= SLOW:
                long = f"some {hours:.0f} hours" if hours >= 1.5 else "about an hour"
                why += f": {long} for a clip of this size"
                on_progress(f"on the CPU: {long}", 0, steps)
        frames = pipeline.rendered(
            ready, call, seed=shot.seed, count=count,
            guidance=guidance if row.guidance == "guider" else None, black=int(first.max()) <= pipeline.BLACK,
            sections=(count - 1) // row.frames.step if row.frames.asked else 1, on_progress=on_progress, what=what,
        )  # fmt: skip
        notes.append(why[0].upper() + why[1:])
        if row.note:
            notes.append(f"{row.title}: {row.note}")
        made_with = {
            "pipeline": row.pipeline,
            "row": row.name,
            "model": called,
            "model_index_sha256": sha256((folder / "model_index.json").read_bytes()).hexdigest(),
            "variant": opened.variant,
            "size": list(size),
            "frames": count,
            "steps": steps,
            "guidance": guidance,
            "seed": shot.seed,
            "arguments": {name: value for name, value in call.items() if isinstance(value, bool | int | float)},
            "device": ready.card.kind,
            "card": ready.card.name,
            "dtype": placed.dtype,
            "placing": placed.where,
            "tiled": placed.tiled,
            "decode_chunk_size": placed.chunk,
            "threads": ready.card.threads,
            **pipeline.versions(),
        }
        # a loop's last frame is its first again: the frames before it fill the seconds exactly
        fps = (count - 1) / seconds if shot.loop and count > 1 else row.fps
        return Made(frames, made_with=made_with, fps=fps, shot=shot, window=window, notes=tuple(notes))


def _refused(row: Row, scene: Scene, shot: Shot, what: str) -> list[str]:
    """Notes on what changes nothing; what the clip would be another one without is an error.

    Raises
    ------
    stillwake.errors.UsageError
        An end frame, a loop or a hold that it does not have, or an end frame that it needs.
    """
    asked: list[tuple[bool, Ability, str]] = [
        (shot.ends and not row.end, "end frame", "takes no end frame"),
        (shot.loop and not row.end, "loop", "cannot end where it began"),
        (shot.hold is not None and not row.hold, "conditioning", "has no number for how it keeps to the picture"),
    ]  # fmt: skip
    for refused, ability, why in asked:
        if refused:
            others = [title for title in takers(ability) if title != "diffusers"]
            raise UsageError(what, f"{row.title} {why}", f"leave it out, or use {_or(others)}")
    if shot.ends and scene.end is None:
        raise UsageError(what, "it is to end on a picture, and there is none", "name one with --end-frame")
    if row.needs_end and not (shot.ends or shot.loop):
        raise UsageError(
            what,
            "this model goes from one picture to another",
            "name the last one with --end-frame, or ask for --loop",
        )
    notes = []
    if shot.prompt.strip() and not row.prompt:
        notes.append(f"{row.title} takes no prompt: the words change nothing")
    if shot.negative.strip() and not row.negative:
        notes.append(f"{row.title} takes no negative prompt: it changes nothing")
    if shot.guidance is not None and not row.guidance:
        notes.append(f"{row.title} has no guidance: the number changes nothing")
    if shot.strength < 1 and row.motion is None:
        notes.append(f"{row.title} has no number for how much moves: --strength changes nothing, say it in the prompt")
    return notes


def _call(
    row: Row, shot: Shot, first: Pixels, last: Pixels | None, size: Size, count: int, chunk: int | None
) -> tuple[dict[str, Any], list[str]]:
    """The arguments of the pipeline's call, all but seed and output, and what is to be said of them."""
    from PIL import Image

    notes = []
    picture = Image.fromarray(first)
    call: dict[str, Any] = {
        row.frames_as: row.frames.argument(count), row.steps_as: shot.steps or row.steps, **row.always,
    }  # fmt: skip
    if row.sizes is not None:
        call |= {"width": size[0], "height": size[1]}
    if row.fps_as:
        call[row.fps_as] = int(row.fps)
    if row.prompt:
        call[row.prompt] = shot.prompt
    if row.negative and shot.negative.strip():
        call[row.negative] = shot.negative
    guidance = row.usual_guidance if shot.guidance is None else shot.guidance
    if row.guidance not in ("", "guider") and guidance is not None:
        call[row.guidance] = guidance
        if row.guidance == "max_guidance_scale":
            call["min_guidance_scale"] = min(1.0, guidance)
        if row.guidance == "true_cfg_scale":
            call.setdefault(row.negative, "")  # without a negative prompt it is not applied
    if row.cfg and shot.negative.strip():
        call[row.cfg] = row.usual_cfg if shot.guidance is None else max(shot.guidance, 1.01)
        if shot.guidance is not None and row.usual_guidance is not None:
            call[row.guidance] = row.usual_guidance
        notes.append(f"{row.title} is asked twice at every step for a negative prompt, which takes twice as long")
    elif row.negative and shot.negative.strip() and guidance is not None and guidance <= 1:
        notes.append("a guidance of 1 or less leaves the negative prompt out")
    if row.motion is not None and shot.strength < 1:
        call[row.motion.argument] = row.motion.of(shot.strength)
    hold = None if shot.hold is None or row.hold is None else row.hold.of(shot.hold)
    if row.chunks and chunk is not None:
        call[row.chunks] = chunk
    if row.image == "conditions":
        call["conditions"] = _conditions(row, picture, last, count, 1.0 if hold is None else hold)
    else:
        call[row.image] = picture
        if last is not None:
            call[row.end] = Image.fromarray(last)
        if row.hold is not None and hold is not None:
            call[row.hold.argument] = hold
    return call, notes


def _conditions(row: Row, first: Any, last: Pixels | None, count: int, hold: float) -> list[Any]:
    """The pictures with the frames at which they stand, as LTX takes them."""
    from PIL import Image

    if row.pipeline == "LTXConditionPipeline":
        from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

        of: Any = partial(LTXVideoCondition)
        names = ("image", "frame_index")
    else:
        from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

        of, names = partial(LTX2VideoCondition), ("frames", "index")
    pictures = [(first, 0)] if last is None else [(first, 0), (Image.fromarray(last), count - 1)]
    return [of(**{names[0]: picture, names[1]: at, "strength": hold}) for picture, at in pictures]


def _last(scene: Scene, shot: Shot, first: Pixels, size: Size) -> Pixels | None:
    """The picture it is to end on, laid into the clip's size as the first one is; of a loop, the first itself."""
    if shot.loop:
        return first
    if not shot.ends or scene.end is None:
        return None
    return laid_in(scene.end.pixels, size)[0]


def _bucket(pipe: Any, still: Size) -> Size:
    """(width, height) px that a pipeline chooses for a picture of that shape."""
    height, width = pipe.video_processor.calculate_default_height_width(still[1], still[0], pipe.target_size)
    return int(width), int(height)


def _too_long(pipe: Any, prompt: str) -> str | None:
    """A note where the end of the prompt is not read."""
    import inspect

    most = inspect.signature(type(pipe).__call__).parameters.get("max_sequence_length")
    tokenizer = getattr(pipe, "tokenizer", None)
    if most is None or tokenizer is None or not prompt:
        return None
    tokens = len(tokenizer(prompt, truncation=False).input_ids)
    if tokens <= most.default:
        return None
    return f"the prompt is {tokens} tokens long, and this model reads {most.default}: its end changes nothing"


def _or(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _down(seconds: Fraction) -> str:
    return f"{math.floor(seconds * 100) / 100:g}"


svd = partial(Diffusion, "svd")
wan = partial(Diffusion, "wan")
ltx = partial(Diffusion, "ltx")
framepack = partial(Diffusion, "framepack")
cogvideox = partial(Diffusion, "cogvideox")
hunyuan = partial(Diffusion, "hunyuan")
any_pipeline = partial(Diffusion, "diffusion")
"""One for each entry point: called without arguments, as every engine's constructor is."""
