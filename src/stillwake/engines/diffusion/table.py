"""Which diffusers pipelines are known, and how our words are said to each: one table, no module for each.

A row is what a pipeline takes and makes. It is found by what a folder says of itself (`row_of`): the class in its
``model_index.json``, and where several models share one class, a setting in one of its parts. What the rows say of
arguments is checked against the installed diffusers by a test; frame counts, rates and sizes are those of the models'
own pages and of the pipelines' defaults; gigabytes are rough, and asked again of the hub before anything is fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from stillwake.engines.generated import best_size
from stillwake.errors import UsageError
from stillwake.makers import HOLDS, Ability, Maker
from stillwake.types import Size

__all__ = [
    "ROWS",
    "Area",
    "Dial",
    "Frames",
    "Row",
    "at_home",
    "models_table",
    "row_of",
    "rows_for",
    "told",
    "with_models",
]

Tell = tuple[str, str, object]
"""(file, key, value): a setting by which a row is told from others of its class. A value of `ANY` asks only that it
is there and not null."""
ANY = "any"


@dataclass(frozen=True, slots=True)
class Frames:
    """How many frames a pipeline makes: ``step`` k + 1 up to ``most``, or one of ``counts``.

    Where its argument is not the number of frames that come: ``asked`` for each step, or ``lost``, so many more.
    """

    step: int = 0
    most: int = 0
    counts: tuple[int, ...] = ()
    asked: int = 0
    lost: int = 0

    @property
    def longest(self) -> int:
        """The largest number of frames."""
        return self.counts[-1] if self.counts else (self.most - 1) // self.step * self.step + 1

    def least(self, needed: int) -> int | None:
        """The smallest number it makes that is not less than ``needed``; None where that is too many."""
        if self.counts:
            return next((count for count in self.counts if count >= needed), None)
        count = max(1, -int(-(needed - 1) // self.step)) * self.step + 1
        return count if count <= self.longest else None

    def all(self) -> tuple[int, ...]:
        """Every number of frames it makes, rising."""
        return self.counts or tuple(range(self.step + 1, self.longest + 1, self.step))

    def argument(self, count: int) -> int:
        """What the pipeline is told, so that it makes ``count`` frames."""
        return (count - 1) // self.step * self.asked if self.asked else count + self.lost

    def __str__(self) -> str:
        if self.counts:
            return " or ".join(map(str, self.counts))
        return f"{self.step}k+1 up to {self.longest}"


@dataclass(frozen=True, slots=True)
class Area:
    """Any size of about ``width`` x ``height`` px in all, its sides multiples of ``multiple``."""

    width: int
    height: int
    multiple: int

    def nearest(self, still: Size) -> Size:
        """(width, height) px of that area, in the still's shape, which is kept within 1:2.5 and 2.5:1."""
        shape = min(2.5, max(0.4, still[0] / still[1]))
        area = self.width * self.height
        width = max(1, int((area * shape) ** 0.5 / self.multiple + 1e-6)) * self.multiple
        height = max(1, round((area / shape) ** 0.5 / self.multiple)) * self.multiple
        while width * height > area and height > self.multiple:
            height -= self.multiple
        return width, height


@dataclass(frozen=True, slots=True)
class Dial:
    """A number of ours, 0 to 1, as one of theirs: ``at_0``, ``at_1``, and how the way between them bends.

    ``power`` 1 is straight; 3 spends most of the way near ``at_1``. ``whole`` rounds.
    """

    argument: str
    at_0: float
    at_1: float
    power: float = 1.0
    whole: bool = False

    def of(self, ours: float) -> float:
        """Theirs; it never turns back."""
        value: float = self.at_1 + (self.at_0 - self.at_1) * (1.0 - ours) ** self.power
        return round(value) if self.whole else round(value, 6)


@dataclass(frozen=True, slots=True)
class Row:
    """A pipeline, or a model of it that differs in what it makes.

    ``name`` ours for the row; ``engine`` under which it is asked for; ``title`` in a sentence; ``pipeline`` the
    diffusers class, and ``indexes`` the classes in a folder's index from which it can be loaded, its own first;
    ``tells`` what else a folder must say, ``called`` what its name must hold. ``hub`` id, ``licence`` ("" where
    only its page says), ``gigabytes`` on disk, about. ``parts`` come from elsewhere:
    component -> (hub id, subfolder, class).

    ``frames``, ``fps``, ``sizes`` (a list, an area, or None where the pipeline chooses by the picture's shape),
    ``steps`` and ``half``, the type it was published for, are its own.

    Then how things are said; an empty word: not at all. ``frames_as``, ``fps_as``, ``end`` ("conditions" is a list of
    pictures with their places); ``guidance`` ("guider" is set on the pipeline's guider); ``cfg`` another guidance,
    on which the ``negative`` hangs; ``motion`` and ``hold`` are dials; ``always`` goes with every call. ``needs_end``:
    it cannot do without an end frame.
    """

    name: str
    engine: str
    title: str
    pipeline: str
    hub: str
    licence: str
    gigabytes: float
    frames: Frames
    fps: Fraction
    sizes: tuple[Size, ...] | Area | None
    steps: int
    indexes: tuple[str, ...] = ()
    tells: tuple[Tell, ...] = ()
    called: str = ""
    parts: Mapping[str, tuple[str, str, str]] = field(default_factory=dict, hash=False)
    half: str = "bfloat16"
    image: str = "image"
    prompt: str = "prompt"
    negative: str = "negative_prompt"
    guidance: str = "guidance_scale"
    cfg: str = ""
    usual_guidance: float | None = None
    usual_cfg: float = 6.0
    steps_as: str = "num_inference_steps"
    frames_as: str = "num_frames"
    fps_as: str = ""
    end: str = ""
    needs_end: bool = False
    motion: Dial | None = None
    hold: Dial | None = None
    chunks: str = ""
    always: Mapping[str, object] = field(default_factory=dict, hash=False)
    note: str = ""

    @property
    def link(self) -> str:
        """Where the licence can be read."""
        return f"https://huggingface.co/{self.hub}"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of an index from which it can be loaded."""
        return self.indexes or (self.pipeline,)

    def size_for(self, still: Size) -> Size | None:
        """(width, height) px to make a still of that size in; None where the pipeline chooses."""
        if self.sizes is None:
            return None
        return self.sizes.nearest(still) if isinstance(self.sizes, Area) else best_size(still, self.sizes)

    @property
    def seconds(self) -> Fraction:
        """The longest clip it makes."""
        return self.frames.longest / self.fps

    def facts(self, maker: Maker) -> Maker:
        """What the planner has to know of it, as an entry of the table of makers: ``maker``'s, with its own."""
        lengths = [count / self.fps for count in self.frames.all()]
        taken: dict[Ability, object] = {
            "prompt": self.prompt, "negative": self.negative, "guidance": self.guidance, "steps": self.steps_as,
            "conditioning": self.hold, "end frame": self.end, "loop": self.end, "seed": True,
        }  # fmt: skip
        return replace(
            maker,
            title=self.title,
            model=self.name,
            lengths=tuple(length for length in lengths if length >= 1) or tuple(lengths[-1:]),
            holds=min(max(maker.holds, HOLDS), self.seconds),
            fps=self.fps,
            can=frozenset(ability for ability, has in taken.items() if has),
            models={},
        )

    def arguments(self) -> tuple[str, ...]:
        """Every argument that a call of its pipeline may be given."""
        dials = [dial.argument for dial in (self.motion, self.hold) if dial and "." not in dial.argument]
        words = [
            self.image, self.prompt, self.negative, self.cfg, self.steps_as, self.frames_as, self.fps_as, self.chunks,
            self.end, *dials, *self.always, "generator", "output_type",
        ]  # fmt: skip
        if self.guidance != "guider":
            words.append(self.guidance)
        if self.sizes is not None:
            words += ["width", "height"]
        return tuple(dict.fromkeys(word for word in words if word))


def _rate(value: int) -> Fraction:
    return Fraction(value)


_SVD = Row(
    "svd", "svd", "Stable Video Diffusion", "StableVideoDiffusionPipeline",
    "stabilityai/stable-video-diffusion-img2vid", "Stable Video Diffusion Community License", 4.5,
    Frames(counts=(14,)), _rate(7), ((1024, 576), (576, 1024), (768, 768)), 25,
    half="float16", prompt="", negative="",
    guidance="max_guidance_scale", usual_guidance=3.0, fps_as="fps",
    motion=Dial("motion_bucket_id", 1, 127, whole=True), hold=Dial("noise_aug_strength", 0.5, 0.0, 3),
    chunks="decode_chunk_size",
)  # fmt: skip
_WAN = Row(
    "wan-2.2", "wan", "Wan", "WanImageToVideoPipeline", "Wan-AI/Wan2.2-I2V-A14B-Diffusers", "Apache-2.0", 126,
    Frames(4, 81), _rate(16), Area(832, 480, 16), 40, tells=(("transformer/config.json", "image_dim", None),),
    usual_guidance=3.5, end="last_image",
)  # fmt: skip
_LTX = Row(
    "ltx", "ltx", "LTX-Video", "LTXConditionPipeline", "Lightricks/LTX-Video-0.9.5",
    "LTX-Video Open Weights License", 26, Frames(8, 257), _rate(30), Area(768, 512, 32), 40,
    ("LTXConditionPipeline", "LTXPipeline", "LTXImageToVideoPipeline"), image="conditions", usual_guidance=3.0,
    fps_as="frame_rate", end="conditions", hold=Dial("conditions.strength", 0.0, 1.0),
)  # fmt: skip
_HUNYUAN = Row(
    "hunyuan", "hunyuan", "HunyuanVideo", "HunyuanVideoImageToVideoPipeline",
    "hunyuanvideo-community/HunyuanVideo-I2V", "Tencent Hunyuan Community License", 43,
    Frames(4, 129), _rate(24), Area(960, 544, 16), 50, cfg="true_cfg_scale", usual_guidance=6.0,
    note="its licence leaves out the European Union, the United Kingdom and South Korea",
)  # fmt: skip
_COGVIDEOX = Row(
    "cogvideox", "cogvideox", "CogVideoX", "CogVideoXImageToVideoPipeline", "THUDM/CogVideoX-5b-I2V",
    "CogVideoX License", 22, Frames(counts=(49,)), _rate(8), ((720, 480),), 50,
    tells=(("transformer/config.json", "patch_size_t", None),), usual_guidance=6.0, always={"use_dynamic_cfg": True},
)  # fmt: skip
_SKYREELS = Row(
    "skyreels-v2", "diffusion", "SkyReels V2", "SkyReelsV2ImageToVideoPipeline",
    "Skywork/SkyReels-V2-I2V-14B-540P-Diffusers", "Skywork License", 90, Frames(4, 97), _rate(24),
    Area(960, 544, 16), 50, usual_guidance=5.0,
)  # fmt: skip

ROWS: tuple[Row, ...] = (
    replace(_SVD, tells=(("unet/config.json", "num_frames", 14),)),
    replace(
        _SVD, name="svd-xt", hub="stabilityai/stable-video-diffusion-img2vid-xt", frames=Frames(counts=(14, 25)),
    ),
    replace(
        _WAN, name="wan-2.2-5b", hub="Wan-AI/Wan2.2-TI2V-5B-Diffusers", gigabytes=34, frames=Frames(4, 121),
        fps=_rate(24), sizes=Area(1280, 704, 32), steps=50, indexes=("WanImageToVideoPipeline", "WanPipeline"),
        tells=(("model_index.json", "expand_timesteps", True),), usual_guidance=5.0, end="",
    ),
    replace(
        _WAN, name="wan-flf2v", hub="Wan-AI/Wan2.1-FLF2V-14B-720P-diffusers", gigabytes=90, sizes=Area(1280, 720, 16),
        steps=50, tells=(("transformer/config.json", "pos_embed_seq_len", ANY),), usual_guidance=5.5, needs_end=True,
    ),
    replace(
        _WAN, name="wan-2.1-720p", hub="Wan-AI/Wan2.1-I2V-14B-720P-Diffusers", gigabytes=90,
        sizes=Area(1280, 720, 16), steps=50, tells=(("transformer/config.json", "image_dim", ANY),), called="720p",
        usual_guidance=5.0, end="",
    ),
    replace(
        _WAN, name="wan-2.1", hub="Wan-AI/Wan2.1-I2V-14B-480P-Diffusers", gigabytes=90, steps=50,
        tells=(("transformer/config.json", "image_dim", ANY),), usual_guidance=5.0, end="",
    ),
    _WAN,
    replace(
        _LTX, name="ltx-0.9", pipeline="LTXImageToVideoPipeline", hub="Lightricks/LTX-Video",
        fps=_rate(25), frames=Frames(8, 161), indexes=("LTXImageToVideoPipeline", "LTXPipeline"),
        tells=(("vae/config.json", "down_block_types", "LTXVideoDownBlock3D"),), image="image", end="", hold=None,
        steps=50,
    ),
    _LTX,
    replace(
        _LTX, name="ltx-2", title="LTX-2", pipeline="LTX2ConditionPipeline", hub="Lightricks/LTX-2",
        licence="LTX-2 Community License", gigabytes=90, frames=Frames(8, 241), fps=_rate(24), steps=30,
        indexes=("LTX2ConditionPipeline", "LTX2Pipeline", "LTX2ImageToVideoPipeline"),
        motion=Dial("motion_speed", 0.2, 1.0), note="the sound that it also makes is left out",
    ),
    _COGVIDEOX,
    replace(
        _COGVIDEOX, name="cogvideox-1.5", hub="THUDM/CogVideoX1.5-5B-I2V", frames=Frames(counts=(81, 161)),
        fps=_rate(16), sizes=Area(1360, 768, 16), tells=(("transformer/config.json", "patch_size_t", ANY),),
    ),
    replace(
        _HUNYUAN, name="hunyuan-33ch", hub="hunyuanvideo-community/HunyuanVideo-I2V-33ch", usual_guidance=1.0,
        frames=Frames(4, 125, lost=4), tells=(("transformer/config.json", "image_condition_type", "latent_concat"),),
    ),
    _HUNYUAN,
    replace(
        _HUNYUAN, name="hunyuan-skyreels", title="SkyReels V1", pipeline="HunyuanSkyreelsImageToVideoPipeline",
        hub="Skywork/SkyReels-V1-Hunyuan-I2V", frames=Frames(4, 97), cfg="", guidance="true_cfg_scale",
        usual_guidance=6.0,
    ),
    replace(
        _HUNYUAN, name="hunyuan-1.5", title="HunyuanVideo 1.5", pipeline="HunyuanVideo15ImageToVideoPipeline",
        hub="hunyuanvideo-community/HunyuanVideo-1.5-Diffusers-480p_i2v", gigabytes=40, frames=Frames(4, 121),
        sizes=None, cfg="", guidance="guider",
    ),
    Row(
        "framepack", "framepack", "FramePack", "HunyuanVideoFramepackPipeline", "hunyuanvideo-community/HunyuanVideo",
        "Tencent Hunyuan Community License and FLUX.1 dev Non-Commercial License", 43,
        Frames(36, 1801, asked=33), _rate(30),
        Area(640, 640, 16), 30, ("HunyuanVideoFramepackPipeline", "HunyuanVideoPipeline"),
        parts={
            "transformer": ("lllyasviel/FramePackI2V_HY", "", "HunyuanVideoFramepackTransformer3DModel"),
            "image_encoder": ("lllyasviel/flux_redux_bfl", "image_encoder", "SiglipVisionModel"),
            "feature_extractor": ("lllyasviel/flux_redux_bfl", "feature_extractor", "SiglipImageProcessor"),
        },
        usual_guidance=9.0, cfg="true_cfg_scale", end="last_image",
        note="its licence leaves out the European Union, the United Kingdom and South Korea; its image encoder has"
        " the second of the two",
    ),
    Row(
        "kandinsky-5", "diffusion", "Kandinsky 5", "Kandinsky5I2VPipeline",
        "kandinskylab/Kandinsky-5.0-I2V-Lite-5s-Diffusers", "MIT", 24, Frames(4, 121), _rate(24),
        ((768, 512), (512, 768), (512, 512)), 50, usual_guidance=5.0,
    ),
    _SKYREELS,
    replace(
        _SKYREELS, name="skyreels-v2-df", pipeline="SkyReelsV2DiffusionForcingImageToVideoPipeline",
        hub="Skywork/SkyReels-V2-DF-14B-540P-Diffusers", fps_as="fps", sizes=Area(960, 544, 16),
        indexes=("SkyReelsV2DiffusionForcingImageToVideoPipeline", "SkyReelsV2DiffusionForcingPipeline"),
    ),
    Row(
        "sana", "diffusion", "Sana Video", "SanaImageToVideoPipeline",
        "Efficient-Large-Model/SANA-Video_2B_480p_diffusers", "", 15,
        Frames(4, 81), _rate(16), ((832, 480), (480, 832)), 50,
        ("SanaImageToVideoPipeline", "SanaVideoPipeline"), usual_guidance=6.0, frames_as="frames",
        always={"use_resolution_binning": False},
    ),
    Row(
        "motif", "diffusion", "Motif Video", "MotifVideoImage2VideoPipeline", "Motif-Technologies/Motif-Video-2B",
        "", 15, Frames(4, 121), _rate(24), ((1280, 736), (736, 1280)), 50, guidance="guider",
    ),
)  # fmt: skip
"""Every pipeline that is known. Of rows whose class and tells both fit a folder, the first is taken."""

_USUAL = {
    "svd": "svd-xt", "wan": "wan-2.2", "ltx": "ltx", "framepack": "framepack", "cogvideox": "cogvideox",
    "hunyuan": "hunyuan",
}  # fmt: skip
"""The row that an engine means without a model."""


def rows_for(engine: str) -> tuple[Row, ...]:
    """The rows of an engine, its usual one first; of "diffusion" all of them."""
    if engine == "diffusion":
        return ROWS
    return tuple(sorted((row for row in ROWS if row.engine == engine), key=lambda row: row.name != _USUAL.get(engine)))


def models_table() -> str:
    """The rows as a table in Markdown, for docs/generators-local.md."""
    lines = [
        "| engine | model | frames | at most | size | takes | licence | on disk, about |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for engine in (*_USUAL, "diffusion"):
        for row in [row for row in rows_for(engine) if row.engine == engine]:
            usual = " (the usual one)" if row.name == _USUAL.get(engine) else ""
            lines.append(
                f"| `{engine}` | `{row.hub}`{usual} | {row.frames} at {row.fps} a second |"
                f" {float(row.seconds):.3g} s | {_sizes(row)} | {', '.join(_takes(row))} |"
                f" [{row.licence or 'see its page'}]({row.link}) | {row.gigabytes:g} GB |"
            )
    return "\n".join(lines) + "\n"


def with_models(page: str) -> str:
    """The page with its table as the rows have it now, between the two comments that name it."""
    return re.sub(
        r"(<!-- models:.*?-->\n).*?(<!-- /models -->)", rf"\g<1>{models_table()}\g<2>", page, flags=re.DOTALL
    )


def _sizes(row: Row) -> str:
    if row.sizes is None:
        return "by the picture's shape"
    if isinstance(row.sizes, Area):
        return f"any shape of {row.sizes.width}×{row.sizes.height} px in all"
    return ", ".join(f"{width}×{height}" for width, height in row.sizes)


def _takes(row: Row) -> list[str]:
    """What it takes besides a picture and a seed, in the words of the command line."""
    has = {
        "prompt": row.prompt, "negative": row.negative and (not row.cfg or "negative (twice the time)"),
        "guidance": row.guidance, "steps": row.steps_as, "hold": row.hold, "strength": row.motion,
        "end frame": row.end and (not row.needs_end or "end frame (needed)"), "loop": row.end,
    }  # fmt: skip
    return [value if isinstance(value, str) and " (" in value else name for name, value in has.items() if value]


def at_home(folder: Path, name: str, limit: int = 4_000_000) -> Mapping[str, Any]:
    """A JSON object in a folder of weights; empty where there is none, or what is there is none."""
    path = folder / name
    try:
        if not path.is_file() or path.stat().st_size > limit:
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _fits(row: Row, folder: Path, called: str) -> bool:
    if row.called and row.called not in called.lower():
        return False
    for name, key, value in row.tells:
        found = at_home(folder, name).get(key)
        if value is ANY:
            ok = found is not None
        elif isinstance(found, list):
            ok = value in found
        else:
            ok = found == value
        if not ok:
            return False
    return True


def row_of(folder: Path, engine: str, called: str) -> Row:
    """The row that a folder of weights is of, with what the folder says of itself (`told`).

    ``called`` is the name or the hub id under which it was asked for.

    Raises
    ------
    stillwake.errors.UsageError
        No row fits, or only one of another engine.
    """
    index = str(at_home(folder, "model_index.json").get("_class_name", ""))
    fitting = [row for row in ROWS if index in row.classes and _fits(row, folder, called)]
    ours = [row for row in fitting if engine in ("diffusion", row.engine)]
    if ours:
        return told(ours[0], at_home(folder, "stillwake.json"))
    what, plain = f"Cannot render with {called or folder.name}", re.sub(r"[^\w.]", "", index)[:80]
    if fitting:
        raise UsageError(what, f"it is {fitting[0].title}", f"ask for --engine {fitting[0].engine}")
    if plain and any(index in row.classes for row in ROWS):
        raise UsageError(
            what, f"a {plain} with these settings makes no clip of a picture", "choose an image-to-video model"
        )
    classes = sorted({name for row in rows_for(engine) for name in row.classes})
    why = f"its class {plain} is none that is known" if plain else "it has no model_index.json that names a class"
    raise UsageError(what, why, f"choose a folder of one of {', '.join(classes)}")


def told(row: Row, said: Mapping[str, Any]) -> Row:
    """A row with what ``stillwake.json`` in a folder says: a fine-tuned or distilled model has habits of its own.

    ``frames`` is a list of counts, ``sizes`` one of [width, height] in px; ``fps``, ``steps`` and ``guidance`` are a
    number each.

    Raises
    ------
    stillwake.errors.UsageError
        It says something that is not known, or cannot be.
    """
    changes: dict[str, Any] = {}
    try:
        for key, value in said.items():
            if key == "frames":
                changes["frames"] = replace(row.frames, counts=tuple(sorted(_whole(count, 2000) for count in value)))
            elif key == "sizes":
                changes["sizes"] = tuple((_whole(width, 8192), _whole(height, 8192)) for width, height in value)
            elif key == "fps":
                changes["fps"] = Fraction(_whole(value, 240))
            elif key == "steps":
                changes["steps"] = _whole(value, 500)
            elif key == "guidance":
                if isinstance(value, bool) or not 0 <= float(value) <= 50:  # nan is not
                    raise ValueError(f"{key} {value}")
                changes["usual_guidance"] = float(value)
            else:
                raise ValueError(key)
        if any(key in changes and not (changes[key].counts if key == "frames" else changes[key])
               for key in ("frames", "sizes")):  # fmt: skip
            raise ValueError("frames and sizes need one each")
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"Cannot use {row.title}",
            f"its stillwake.json says {str(error)[:80]!r}",
            "it may hold frames, fps, sizes, steps and guidance",
        ) from error
    return replace(row, **changes)


def _whole(value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{value!r} for a whole number from 1 to {most}")
    return value
