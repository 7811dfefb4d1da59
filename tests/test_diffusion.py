"""Local generators through diffusers, with tiny models of random weights on the CPU."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stillwake.engines import conformance, frames
from stillwake.engines.diffusion import Diffusion, Made, memory, svd, wan, weights
from stillwake.engines.diffusion.table import ROWS, Area, Frames, Row, models_table, row_of, rows_for, told
from stillwake.engines.generated import best_size
from stillwake.errors import (
    Cancelled,
    ConsentError,
    EngineUnavailableError,
    OutputError,
    ResultError,
    UnreachableError,
    UsageError,
)  # fmt: skip
from stillwake.makers import MAKERS
from stillwake.types import Scene, Shot, Still

SIZE = (64, 48)


def a_still(seed: int = 3, size: tuple[int, int] = SIZE) -> Still:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Still(np.kron(small, np.ones((size[1] // 6, size[0] // 8, 1), np.uint8)), "noise.png", "0" * 64)


def a_scene(**more: Any) -> Scene:
    return Scene(
        still=a_still(), style="photo", faces=(), refused=(), matte=None, seen={"faces": "nobody looked"}, **more
    )


def a_shot(engine: str, model: object = "", **changes: Any) -> Shot:
    shot = Shot(
        family="generator", engine=engine, model=str(model), motion="generate", prompt="", seconds=Fraction(1, 2),
        fps=Fraction(8), size=SIZE, seed=7,
    )  # fmt: skip
    return shot.model_copy(update=changes)


def made(engine: str, model: Path, scene: Scene | None = None, **changes: Any) -> Made:
    return Diffusion(engine).prepare(scene or a_scene(), a_shot(engine, model, **changes), None)


def hashed(clip: Made) -> str:
    return sha256(b"".join(np.ascontiguousarray(frame).tobytes() for frame in frames(clip))).hexdigest()


# ------------------------------------------------------------------------------------------------- tiny models


def tiny_svd(folder: Path) -> Path:
    import torch
    from diffusers import (
        AutoencoderKLTemporalDecoder,
        EulerDiscreteScheduler,
        StableVideoDiffusionPipeline,
        UNetSpatioTemporalConditionModel,
    )  # fmt: skip
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(0)
    unet = UNetSpatioTemporalConditionModel(
        sample_size=32, in_channels=8, out_channels=4, block_out_channels=(32, 64), layers_per_block=1,
        num_attention_heads=2, cross_attention_dim=32, addition_time_embed_dim=32,
        projection_class_embeddings_input_dim=96,
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
    )  # fmt: skip
    vae = AutoencoderKLTemporalDecoder(
        latent_channels=4, block_out_channels=(32, 64), down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D")
    )
    clip = CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            image_size=224,
            patch_size=32,
            hidden_size=32,
            projection_dim=32,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
        )
    )
    euler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction",
        interpolation_type="linear", use_karras_sigmas=True, sigma_min=0.002, sigma_max=700.0, steps_offset=1,
        timestep_spacing="leading", timestep_type="continuous",
    )  # fmt: skip
    StableVideoDiffusionPipeline(
        vae=vae, image_encoder=clip, unet=unet, scheduler=euler,
        feature_extractor=CLIPImageProcessor(crop_size=224, size=224),
    ).save_pretrained(folder)  # fmt: skip
    return said(folder, frames=[4, 12], sizes=[[32, 24]], fps=8, steps=2)


def byte_tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    ids = {"<pad>": 0, "</s>": 1, "<unk>": 2}
    for char in sorted(pre_tokenizers.ByteLevel.alphabet()):
        ids[char] = len(ids)
    core = Tokenizer(models.BPE(vocab=ids, merges=[], unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    core.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=512
    )


def tiny_wan(folder: Path) -> Path:
    import torch
    from diffusers import AutoencoderKLWan, FlowMatchEulerDiscreteScheduler, WanImageToVideoPipeline
    from diffusers import WanTransformer3DModel as Dit
    from transformers import UMT5Config, UMT5EncoderModel

    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    text = UMT5EncoderModel(
        UMT5Config(
            vocab_size=len(tokenizer),
            d_model=32,
            d_kv=8,
            d_ff=37,
            num_layers=2,
            num_heads=4,
            feed_forward_proj="gated-gelu",
        )
    ).eval()
    vae = AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    dit = Dit(
        patch_size=(1, 2, 2), in_channels=36, out_channels=16, num_layers=2, num_attention_heads=2,
        attention_head_dim=12, text_dim=32, freq_dim=256, ffn_dim=32, cross_attn_norm=True,
        qk_norm="rms_norm_across_heads", rope_max_seq_len=1024,
    )  # fmt: skip
    WanImageToVideoPipeline(
        tokenizer=tokenizer, text_encoder=text, vae=vae, transformer=dit, transformer_2=None, image_encoder=None,
        image_processor=None, scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
    ).save_pretrained(folder)  # fmt: skip
    return said(folder, frames=[5, 9, 13], sizes=[[64, 48]], fps=8, steps=2)


def tiny_ltx(folder: Path) -> Path:
    import torch
    from diffusers import (
        AutoencoderKLLTXVideo,
        FlowMatchEulerDiscreteScheduler,
        LTXConditionPipeline,
        LTXVideoTransformer3DModel,
    )  # fmt: skip
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    text = T5EncoderModel(
        T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4)
    ).eval()
    dit = LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, patch_size=1, patch_size_t=1, num_attention_heads=4, attention_head_dim=8,
        cross_attention_dim=32, num_layers=1, caption_channels=32,
    )  # fmt: skip
    vae = AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, True, False), decoder_spatio_temporal_scaling=(True, True, True, False),
        decoder_inject_noise=(False,) * 5, upsample_residual=(False,) * 4, upsample_factor=(1,) * 4,
        timestep_conditioning=False, patch_size=4, patch_size_t=1, encoder_causal=True, decoder_causal=False,
    )  # fmt: skip
    LTXConditionPipeline(
        tokenizer=tokenizer, text_encoder=text, vae=vae, transformer=dit, scheduler=FlowMatchEulerDiscreteScheduler()
    ).save_pretrained(folder)
    return said(folder, frames=[9, 17], sizes=[[64, 32]], fps=8, steps=3)


def tiny_framepack(folder: Path) -> Path:
    import torch
    from diffusers import (
        AutoencoderKLHunyuanVideo,
        FlowMatchEulerDiscreteScheduler,
        HunyuanVideoFramepackPipeline,
        HunyuanVideoFramepackTransformer3DModel,
    )  # fmt: skip
    from transformers import (
        CLIPTextConfig,
        CLIPTextModel,
        LlamaConfig,
        LlamaModel,
        SiglipImageProcessor,
        SiglipVisionConfig,
        SiglipVisionModel,
    )  # fmt: skip

    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    dit = HunyuanVideoFramepackTransformer3DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=10, num_layers=1,
        num_single_layers=1, num_refiner_layers=1, patch_size=2, patch_size_t=1, guidance_embeds=True,
        text_embed_dim=16, pooled_projection_dim=8, rope_axes_dim=(2, 4, 4), image_condition_type=None,
        has_image_proj=True, image_proj_dim=32, has_clean_x_embedder=True,
    )  # fmt: skip
    vae = AutoencoderKLHunyuanVideo(
        latent_channels=4, down_block_types=("HunyuanVideoDownBlock3D",) * 4,
        up_block_types=("HunyuanVideoUpBlock3D",) * 4, block_out_channels=(8, 8, 8, 8), layers_per_block=1,
        norm_num_groups=4, scaling_factor=0.476986, mid_block_add_attention=True,
    )  # fmt: skip
    sizes: dict[str, Any] = {
        "intermediate_size": 37, "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": len(tokenizer),
        "hidden_act": "gelu", "bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 0,
    }  # fmt: skip
    HunyuanVideoFramepackPipeline(
        transformer=dit, vae=vae, scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0), tokenizer=tokenizer,
        text_encoder=LlamaModel(LlamaConfig(hidden_size=16, **sizes)),
        text_encoder_2=CLIPTextModel(CLIPTextConfig(hidden_size=8, projection_dim=32, **sizes)),
        tokenizer_2=byte_tokenizer(),
        feature_extractor=SiglipImageProcessor(size={"height": 30, "width": 30}),
        image_encoder=SiglipVisionModel(
            SiglipVisionConfig(
                hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4, image_size=30,
                patch_size=2,
            )
        ),
    ).save_pretrained(folder)  # fmt: skip
    return said(folder, sizes=[[32, 32]], steps=1)


def said(folder: Path, **what: Any) -> Path:
    (folder / "stillwake.json").write_text(json.dumps(what))
    return folder


@pytest.fixture(scope="session")
def torch() -> Iterator[Any]:
    module = pytest.importorskip("torch")
    for name in ("diffusers", "transformers", "accelerate", "safetensors"):
        pytest.importorskip(name)
    before = module.get_num_threads()
    module.set_num_threads(1)  # the same bytes, and far faster where others compute too
    yield module
    module.set_num_threads(before)
    from stillwake.engines.diffusion import pipeline

    pipeline.forget()


def build(make: Callable[[Path], Path], folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from stillwake.engines.diffusion.pipeline import quietly

        with quietly():
            return make(folder)


@pytest.fixture(scope="session")
def svd_folder(torch: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tiny_svd, tmp_path_factory.mktemp("models") / "svd")


@pytest.fixture(scope="session")
def wan_folder(torch: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tiny_wan, tmp_path_factory.mktemp("models") / "wan")


@pytest.fixture(scope="session")
def ltx_folder(torch: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tiny_ltx, tmp_path_factory.mktemp("models") / "ltx")


# ------------------------------------------------------------------------------------------------- the table


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_table_fits_the_installed_diffusers(row: Row, torch: Any) -> None:
    import inspect

    from stillwake.engines.diffusion.pipeline import quietly

    with quietly():
        import diffusers

        taken = inspect.signature(getattr(diffusers, row.pipeline).__call__).parameters
        assert [name for name in row.arguments() if name not in taken] == []
        assert [name for name in row.classes if not hasattr(diffusers, name)] == []
    if row.guidance == "guider":
        assert "guider" in inspect.signature(getattr(diffusers, row.pipeline).__init__).parameters


def test_every_row_has_a_name_of_its_own_and_every_engine_a_usual_one() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    for engine in ("svd", "wan", "ltx", "framepack", "cogvideox", "hunyuan"):
        assert rows_for(engine)[0].engine == engine
    assert rows_for("svd")[0].name == "svd-xt"
    assert rows_for("wan")[0].name == "wan-2.2"


@pytest.mark.parametrize("engine", ["svd", "wan", "ltx", "framepack", "cogvideox", "hunyuan"])
def test_the_usual_row_is_what_the_makers_table_says(engine: str) -> None:
    row, maker = rows_for(engine)[0], MAKERS[engine]
    assert row.fps == maker.fps
    for length in maker.lengths:
        assert row.frames.least(int(length * row.fps)) == length * row.fps
    said = {
        "prompt": bool(row.prompt), "negative": bool(row.negative), "end frame": bool(row.end), "loop": bool(row.end),
        "conditioning": row.hold is not None, "guidance": bool(row.guidance), "steps": bool(row.steps_as),
    }  # fmt: skip
    assert {ability for ability, has in said.items() if has} == maker.can - {"seed"}


def test_frames_are_the_least_that_cover() -> None:
    wan, svd = Frames(4, 81), Frames(counts=(14, 25))
    assert [wan.least(n) for n in (1, 5, 6, 32, 33, 80, 81, 82)] == [5, 5, 9, 33, 33, 81, 81, None]
    assert [svd.least(n) for n in (1, 14, 15, 25, 26)] == [14, 14, 25, 25, None]
    framepack = Frames(36, 1801, asked=33)
    assert [(framepack.least(n), framepack.argument(framepack.least(n) or 0)) for n in (1, 37, 38, 1801)] == [
        (37, 33), (37, 33), (73, 66), (1801, 1650),
    ]  # fmt: skip
    assert Frames(4, 125, lost=4).argument(125) == 129
    assert (str(wan), str(svd)) == ("4k+1 up to 81", "14 or 25")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_frames_sizes_and_dials_of_every_row(row: Row) -> None:
    longest = row.frames.longest
    for needed in range(1, longest + 1, 7):
        count = row.frames.least(needed)
        assert count is not None
        assert needed <= count <= longest
        assert row.frames.least(count) == count
    assert row.frames.least(longest) == longest
    assert row.frames.least(longest + 1) is None
    for still in ((1000, 1000), (1920, 1080), (1080, 1920), (4000, 300), (300, 4000), (64, 48)):
        if (size := row.size_for(still)) is not None:
            assert size[0] % 8 == size[1] % 8 == 0
            if isinstance(row.sizes, Area):
                assert size[0] % row.sizes.multiple == size[1] % row.sizes.multiple == 0
                assert 0.6 < size[0] * size[1] / (row.sizes.width * row.sizes.height) <= 1
    for dial in (row.motion, row.hold):
        if dial is not None:
            values = [dial.of(share / 20) for share in range(21)]
            assert values == sorted(values, reverse=dial.at_1 < dial.at_0)
            assert (values[0], values[-1]) == (dial.at_0, dial.at_1)


def test_the_page_shows_the_table() -> None:
    page = (Path(__file__).parents[1] / "docs" / "generators-local.md").read_text()
    assert models_table() in page


def test_an_area_keeps_the_shape() -> None:
    area = Area(832, 480, 16)
    assert area.nearest((1920, 1080)) == (832, 480)
    assert area.nearest((832, 480)) == (832, 480)
    assert area.nearest((480, 832)) == (480, 832)
    assert area.nearest((1000, 1000)) == (624, 624)
    assert best_size((1080, 1920), ((1024, 576), (576, 1024))) == (576, 1024)


def a_folder(at: Path, kind: str, **configs: dict[str, Any]) -> Path:
    at.mkdir(parents=True, exist_ok=True)
    index = {"_class_name": kind, **configs.pop("index", {})}
    (at / "model_index.json").write_text(json.dumps(index))
    for part, config in configs.items():
        (at / part).mkdir(exist_ok=True)
        (at / part / "config.json").write_text(json.dumps(config))
    return at


WAN = "WanImageToVideoPipeline"
LTX095 = {"down_block_types": ["LTXVideo095DownBlock3D"]}
LTX09 = {"down_block_types": ["LTXVideoDownBlock3D"]}


@pytest.mark.parametrize(
    ("name", "kind", "configs", "called"),
    [
        ("svd", "StableVideoDiffusionPipeline", {"unet": {"num_frames": 14}}, ""),
        ("svd-xt", "StableVideoDiffusionPipeline", {"unet": {"num_frames": 25}}, ""),
        ("wan-2.2", WAN, {"transformer": {"image_dim": None}, "index": {"boundary_ratio": 0.9}}, ""),
        ("wan-2.2-5b", "WanPipeline", {"index": {"expand_timesteps": True}}, ""),
        ("wan-2.1", WAN, {"transformer": {"image_dim": 1280}}, "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers"),
        ("wan-2.1-720p", WAN, {"transformer": {"image_dim": 1280}}, "Wan-AI/Wan2.1-I2V-14B-720P-Diffusers"),
        ("wan-flf2v", WAN, {"transformer": {"image_dim": 1280, "pos_embed_seq_len": 514}}, ""),
        ("ltx", "LTXPipeline", {"vae": LTX095}, ""),
        ("ltx", "LTXConditionPipeline", {"vae": LTX095}, ""),
        ("ltx-0.9", "LTXPipeline", {"vae": LTX09}, ""),
        ("cogvideox", "CogVideoXImageToVideoPipeline", {"transformer": {"patch_size_t": None}}, ""),
        ("cogvideox-1.5", "CogVideoXImageToVideoPipeline", {"transformer": {"patch_size_t": 2}}, ""),
        (
            "hunyuan",
            "HunyuanVideoImageToVideoPipeline",
            {"transformer": {"image_condition_type": "token_replace"}},
            "",
        ),
        ("kandinsky-5", "Kandinsky5I2VPipeline", {}, ""),
    ],
)
def test_a_folder_says_which_row_it_is(
    name: str, kind: str, configs: dict[str, Any], called: str, tmp_path: Path
) -> None:
    folder = a_folder(tmp_path, kind, **configs)
    assert row_of(folder, "diffusion", called).name == name


def test_a_folder_of_another_engine_or_of_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"it is Wan; ask for --engine wan"):
        row_of(a_folder(tmp_path / "a", WAN), "svd", "a")
    with pytest.raises(UsageError, match=r"its class FluxPipeline is none that is known; .*StableVideoDiffusion"):
        row_of(a_folder(tmp_path / "b", "FluxPipeline"), "diffusion", "b")
    with pytest.raises(UsageError, match="makes no clip of a picture"):
        row_of(a_folder(tmp_path / "c", "WanPipeline"), "wan", "c")
    with pytest.raises(UsageError, match=r"no model_index\.json that names a class"):
        row_of(tmp_path, "diffusion", "d")
    (tmp_path / "model_index.json").write_text("[" * 10_000)
    with pytest.raises(UsageError, match=r"no model_index\.json that names a class"):
        row_of(tmp_path, "diffusion", "d")


def test_a_folder_may_say_what_its_model_is_used_to(tmp_path: Path) -> None:
    row = told(rows_for("svd")[0], {"frames": [16, 8], "sizes": [[512, 320]], "fps": 8, "steps": 4, "guidance": 1})
    assert (row.frames.counts, row.sizes, row.fps, row.steps, row.usual_guidance) == ((8, 16), ((512, 320),), 8, 4, 1)
    for wrong in ({"frames": []}, {"frames": [0]}, {"sizes": [[64]]}, {"fps": "8"}, {"steps": True}, {"what": 1}):
        with pytest.raises(UsageError, match=r"stillwake\.json"):
            told(rows_for("svd")[0], wrong)


# ------------------------------------------------------------------------------------------------- memory

GB = 10**9
BIG = {"transformer": 28 * GB, "transformer_2": 28 * GB, "text_encoder": 11 * GB, "vae": GB}
SVD = {"unet": 3 * GB, "image_encoder": GB, "vae": GB // 4}


def a_card(kind: memory.Kind, free: float, ram: float = 128, halves: tuple[str, ...] = ("bfloat16", "float16")) -> Any:
    return memory.Card(kind, "a card", int(free * GB), int(free * GB), int(ram * GB), halves, 8)


@pytest.mark.parametrize(
    ("card", "parts", "size", "count", "chunked", "where", "tiled", "chunk"),
    [
        (a_card("cuda", 140), BIG, (832, 480), 81, False, "card", False, None),
        (a_card("cuda", 48), BIG, (832, 480), 81, False, "parts", False, None),
        (a_card("cuda", 24), BIG, (832, 480), 81, False, "layers", False, None),
        (a_card("rocm", 8), BIG, (832, 480), 81, False, "layers", True, None),
        (a_card("cuda", 80), SVD, (1024, 576), 25, True, "card", False, 25),
        (a_card("cuda", 16), SVD, (1024, 576), 25, True, "card", False, 8),
        (a_card("cuda", 12), SVD, (1024, 576), 25, True, "parts", False, 8),
        (a_card("cuda", 8), SVD, (1024, 576), 25, True, "parts", False, 2),
        (a_card("mps", 20, 20), SVD, (1024, 576), 14, True, "card", False, 14),
        (a_card("cpu", 64, 64, ()), SVD, (1024, 576), 14, True, "card", False, 8),
    ],
)
def test_where_the_parts_go(
    card: Any, parts: dict[str, int], size: tuple[int, int], count: int, chunked: bool, where: str, tiled: bool,
    chunk: int | None,
) -> None:  # fmt: skip
    placing = memory.placed(card, parts, size=size, count=count, dtype="bfloat16", chunked=chunked)
    assert (placing.where, placing.tiled, placing.chunk) == (where, tiled, chunk)
    assert placing.why
    assert "\n" not in placing.why


def test_what_fits_nowhere_says_how_much_is_needed() -> None:
    with pytest.raises(MemoryError, match=r"81 frames of 1280 x 720 px needs about .* GB beside the weights"):
        memory.placed(a_card("cuda", 4), BIG, size=(1280, 720), count=81, dtype="bfloat16")
    with pytest.raises(MemoryError, match=r"68\.0 GB of memory for its weights alone"):
        memory.placed(a_card("cpu", 16, 16), BIG, size=(832, 480), count=81, dtype="float32")
    with pytest.raises(MemoryError, match=r"than the 16\.0 GB free in the machine"):
        memory.placed(a_card("cuda", 24, 16), BIG, size=(832, 480), count=81, dtype="bfloat16")


def test_more_memory_is_never_used_worse() -> None:
    order = ["layers", "parts", "card"]
    for parts, chunked in ((BIG, False), (SVD, True)):
        ranks: list[tuple[int, int]] = []
        for free in range(4, 160):
            try:
                placing = memory.placed(
                    a_card("cuda", free, 200), parts, size=(832, 480), count=25, dtype="bfloat16", chunked=chunked
                )
            except MemoryError:
                ranks.append((-1, -1))
            else:
                ranks.append((placing.chunk or 0, order.index(placing.where)))
        assert ranks == sorted(ranks)


def test_what_changes_the_picture_hangs_on_the_card_and_not_on_what_is_free() -> None:
    """Or the same seed would give another clip while a browser is open."""
    for parts, chunked, total in ((BIG, False, 24), (SVD, True, 24), (SVD, True, 12)):
        seen = set()
        for free in range(4, total + 1):
            card = memory.Card("cuda", "a card", total * GB, free * GB, 128 * GB, ("bfloat16",), 8)
            try:
                found = memory.placed(card, parts, size=(832, 480), count=25, dtype="bfloat16", chunked=chunked)
            except MemoryError:
                continue
            seen.add((found.tiled, found.chunk))
        assert len(seen) == 1


def test_the_type_is_one_that_the_card_has() -> None:
    assert memory.dtype_for(a_card("cuda", 8), "float16") == "float16"
    assert memory.dtype_for(a_card("cuda", 8, halves=("float16",)), "bfloat16") == "float16"
    assert memory.dtype_for(a_card("mps", 8, halves=()), "bfloat16") == "float32"
    assert memory.dtype_for(a_card("cpu", 8), "bfloat16") == "float32"


def test_a_large_model_on_a_cpu_takes_hours() -> None:
    hours = memory.estimate(14 * GB, (832, 480), 81, 40, 16, video_tokens=True)
    assert 10 < hours < 1000


# ------------------------------------------------------------------------------------------------- weights


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The software is here, and the hub's cache is empty."""
    import importlib.util

    real = importlib.util.find_spec
    heavy = ("torch", "diffusers", "transformers", "accelerate", "safetensors")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, package=None: object() if name in heavy else real(name, package)
    )
    for name in [name for name in os.environ if name.startswith(("HF_", "HUGGINGFACE_", "STILLWAKE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "hf" / "hub"


def in_cache(hub: Path, name: str) -> Path:
    kept = hub / f"models--{name.replace('/', '--')}"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("abc123")
    (kept / "snapshots" / "abc123").mkdir(parents=True)
    return kept / "snapshots" / "abc123"


def test_without_the_software_the_line_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None)
    assert Diffusion("svd").missing() == "pip install 'stillwake[diffusion]'"


def test_without_weights_the_line_fetches_them(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert svd().missing() == "stillwake engines --download svd"
    assert wan().missing("Wan-AI/Wan2.2-TI2V-5B-Diffusers") == (
        "stillwake engines --download wan --model Wan-AI/Wan2.2-TI2V-5B-Diffusers"
    )
    assert "--model FOLDER" in (Diffusion("diffusion").missing() or "")
    assert svd().missing(str(tmp_path)) is None, "a folder is looked into when it is opened"
    monkeypatch.setenv("STILLWAKE_SVD_MODEL", str(tmp_path))
    assert svd().missing() is None
    monkeypatch.delenv("STILLWAKE_SVD_MODEL")
    index = {"unet": ["diffusers", "UNetSpatioTemporalConditionModel"], "scheduler": ["diffusers", "Euler"]}
    snapshot = in_cache(installed, rows_for("svd")[0].hub)
    assert svd().missing() == "stillwake engines --download svd", "it broke off before the index came"
    a_folder(snapshot, "StableVideoDiffusionPipeline", index=index)
    assert svd().missing() == "stillwake engines --download svd", "and before the parts came"
    (snapshot / "unet").mkdir()
    (snapshot / "scheduler").mkdir()
    assert svd().missing() is None


def test_framepack_needs_its_other_parts_too(installed: Path) -> None:
    snapshot = in_cache(installed, "hunyuanvideo-community/HunyuanVideo")
    a_folder(snapshot, "HunyuanVideoPipeline", index={"transformer": ["diffusers", "X"], "vae": ["diffusers", "Y"]})
    (snapshot / "vae").mkdir()
    engine = Diffusion("framepack")
    assert engine.missing() == "stillwake engines --download framepack"
    in_cache(installed, "lllyasviel/FramePackI2V_HY")
    redux = in_cache(installed, "lllyasviel/flux_redux_bfl")
    (redux / "image_encoder").mkdir()
    (redux / "feature_extractor").mkdir()
    assert engine.missing() is None


def test_looking_imports_nothing_heavy() -> None:
    import subprocess

    words = (
        "import sys; from stillwake.engines.diffusion import svd, wan; svd().missing(); wan().missing('a/b');"
        "heavy = ('torch', 'diffusers', 'transformers', 'huggingface_hub', 'cv2', 'PIL');"
        "print(*(name for name in heavy if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def tensors(file: Path, cut: int = 0, kind: str = "F32", **shapes: list[int]) -> Path:
    """A safetensors file of zeros, its last bytes cut off."""
    width = {"F32": 4, "F16": 2, "BF16": 2}[kind]
    header, at = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape)) * width
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    data = len(text).to_bytes(8, "little") + text + bytes(at)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data[: len(data) - cut])
    return file


ONE_PART = {"unet": ["diffusers", "UNetSpatioTemporalConditionModel"], "scheduler": ["diffusers", "EulerScheduler"]}


def test_weights_are_measured_by_their_headers(tmp_path: Path) -> None:
    row = rows_for("svd")[0]
    folder = a_folder(tmp_path, row.pipeline, index=ONE_PART)
    tensors(folder / "unet" / "diffusion_pytorch_model.safetensors", a=[10, 20], b=[5])
    tensors(folder / "unet" / "diffusion_pytorch_model.fp16.safetensors", a=[10, 20], b=[5], kind="F16")
    whole, half = weights.opened(row, folder, half=False), weights.opened(row, folder, half=True)
    assert (whole.variant, half.variant) == (None, "fp16")
    assert whole.parameters() == half.parameters("unet") == 205
    assert half.bytes_in("float16") == {"unet": 410}
    assert half.bytes_in("bfloat16", ("unet",)) == {"unet": 820}


def test_damaged_weights_are_found_before_they_are_loaded(tmp_path: Path) -> None:
    row = rows_for("svd")[0]
    folder = a_folder(tmp_path, row.pipeline, index=ONE_PART)
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"

    def why() -> str:
        with pytest.raises(EngineUnavailableError) as caught:
            weights.opened(row, folder, half=False)
        return str(caught.value)

    assert "its part unet is missing; copy it here again, or choose another --model" in why()
    file.parent.mkdir()
    assert "its part unet has no weights" in why()
    tensors(file, cut=100, a=[10, 20])
    assert "is damaged (it ends after" in why()
    file.write_bytes(b"\xff" * 64)
    assert "is damaged (it is 64 bytes long and has no header)" in why()
    file.write_bytes((8).to_bytes(8, "little") + b"not json")
    assert "its header cannot be read" in why()
    file.unlink()
    index = {"weight_map": {"a": "m-00001-of-00002.safetensors", "b": "../m-00002-of-00002.safetensors"}}
    (file.parent / "m.safetensors.index.json").write_text(json.dumps(index))
    tensors(file.parent / "m-00001-of-00002.safetensors", a=[4])
    assert "1 of 2 files of its part unet are missing" in why()
    tensors(file.parent / "m-00002-of-00002.safetensors", b=[4])
    assert weights.opened(row, folder, half=False).parameters() == 8


def test_what_broke_off_in_the_cache_is_fetched_again(installed: Path) -> None:
    row = rows_for("svd")[0]
    usual = a_folder(in_cache(installed, row.hub), row.pipeline, index=ONE_PART)
    with pytest.raises(EngineUnavailableError, match=r"fetch it again: stillwake engines --download svd\.$"):
        weights.opened(row, usual, half=False)
    other = a_folder(in_cache(installed, "a/b--c"), row.pipeline, index=ONE_PART)
    with pytest.raises(EngineUnavailableError, match=r"--download svd --model a/b--c\.$"):
        weights.opened(row, other, half=False)


@pytest.mark.parametrize("name", ["diffusion_pytorch_model.bin", "model.ckpt", "unet.pt"])
def test_pickles_are_refused(name: str, tmp_path: Path) -> None:
    row = rows_for("svd")[0]
    folder = a_folder(tmp_path, row.pipeline, index=ONE_PART)
    (folder / "unet").mkdir()
    (folder / "unet" / name).write_bytes(b"anything")
    with pytest.raises(EngineUnavailableError, match=rf"are a pickle \({name}\), which may run anything when opened"):
        weights.opened(row, folder, half=False)


def test_code_beside_weights_is_refused(tmp_path: Path) -> None:
    row = rows_for("svd")[0]
    folder = a_folder(tmp_path, row.pipeline, index={"unet": ["my_unet", "MyUnet"]})
    (folder / "unet").mkdir()
    (folder / "unet" / "my_unet.py").write_text("raise SystemExit")
    with pytest.raises(EngineUnavailableError, match="code of its own, which is never run"):
        weights.opened(row, folder, half=False)


def test_what_is_fetched_of_a_repository() -> None:
    files = [
        ".gitattributes", "README.md", "model_index.json", "svd_xt.safetensors", "svd.ckpt", "comparison.png",
        "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "unet/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.fp16.safetensors", "tokenizer/spiece.model", "tokenizer/merges.txt",
        "unet/deep/x.json", "vae/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.fp16.safetensors",
    ]  # fmt: skip
    assert weights.wanted(files) == (
        "model_index.json", "tokenizer/merges.txt", "tokenizer/spiece.model", "unet/config.json",
        "unet/diffusion_pytorch_model.fp16.safetensors", "vae/diffusion_pytorch_model.fp16.safetensors",
    )  # fmt: skip
    mixed = weights.wanted([name for name in files if name != "vae/diffusion_pytorch_model.fp16.safetensors"])
    assert [name for name in mixed if name.endswith(".safetensors")] == [
        "unet/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors",
    ], "one variant for all, or none"  # fmt: skip
    assert "unet/diffusion_pytorch_model.safetensors" in weights.wanted(files, half=False)
    assert "unet/diffusion_pytorch_model.fp16.safetensors" not in weights.wanted(files, half=False)
    assert not any(name.startswith("unet") for name in weights.wanted(files, without=("unet",)))
    assert weights.wanted(["config.json", "model-00001-of-00002.safetensors"]) == (
        "config.json", "model-00001-of-00002.safetensors",
    )  # fmt: skip


class FakeHub:
    """The hub, as far as a download asks it."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, hub: Path, licence: str = "apache-2.0", megabytes: int = 5
    ) -> None:
        import huggingface_hub
        from huggingface_hub import constants

        self.hub, self.licence, self.megabytes = hub, licence, megabytes
        self.asked: list[tuple[str, list[str]]] = []
        self.fails: BaseException | None = None
        monkeypatch.setattr(huggingface_hub, "HfApi", lambda: self)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", self.snapshot_download)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)

    def model_info(self, name: str, files_metadata: bool) -> Any:
        from types import SimpleNamespace as Plain

        assert files_metadata
        sizes = {"model_index.json": 10, "unet/x.safetensors": self.megabytes * 10**6, "unet/x.bin": 10**12}
        if name.startswith("lllyasviel/FramePack"):
            sizes = {"config.json": 1, "m.safetensors": 10**6}
        siblings = [Plain(rfilename=file, size=size) for file, size in sizes.items()]
        return Plain(siblings=siblings, sha="abc123", card_data=Plain(license=self.licence, license_name=None))

    def snapshot_download(self, name: str, *, cache_dir: Path, allow_patterns: list[str], tqdm_class: Any) -> str:
        self.asked.append((name, allow_patterns))
        if self.fails is not None:
            raise self.fails
        written, came = (tqdm_class(total=0, unit="B", unit_scale=True) for _ in range(2))
        for bar in (written, came):
            bar.update(2_000_000)
            bar.update(3_000_000)
        tqdm_class(total=2, desc="files").update(1)
        return str(in_cache(cache_dir, name))


def test_nothing_is_fetched_before_somebody_agreed(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    hub = FakeHub(monkeypatch, installed)
    with pytest.raises(ConsentError) as caught:
        weights.download("svd")
    words = str(caught.value)
    assert "stabilityai/stable-video-diffusion-img2vid-xt" in words
    assert "about 4.5 GB" in words
    assert "Stable Video Diffusion Community License (https://huggingface.co/stabilityai/" in words
    assert '--accept-licence "Stable Video Diffusion Community License"' in words
    with pytest.raises(ConsentError):
        weights.download("wan", accept_licence="MIT")
    assert hub.asked == []
    told: list[tuple[str, int, int]] = []
    folder = weights.download("wan", accept_licence="apache 2.0", on_progress=lambda *words: told.append(words))
    assert folder.name == "abc123"
    assert hub.asked == [("Wan-AI/Wan2.2-I2V-A14B-Diffusers", ["model_index.json", "unet/x.safetensors"])]
    assert told == [("download", 0, 5), ("download", 2, 5), ("download", 5, 5), ("download", 5, 5)]


def test_a_model_of_anybodys_has_the_licence_of_its_page(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    hub = FakeHub(monkeypatch, installed, licence="openrail++")
    with pytest.raises(ConsentError, match=r"some/tune: 0\.005 GB, licence openrail\+\+"):
        weights.download("svd", "some/tune")
    assert weights.download("svd", "some/tune", "OpenRAIL++").is_dir()
    assert hub.asked[0][0] == "some/tune"


def test_framepack_is_fetched_from_three_places(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    hub = FakeHub(monkeypatch, installed)
    weights.download("framepack", accept_licence=rows_for("framepack")[0].licence)
    assert [name for name, _ in hub.asked] == [
        "hunyuanvideo-community/HunyuanVideo", "lllyasviel/FramePackI2V_HY", "lllyasviel/flux_redux_bfl",
    ]  # fmt: skip
    assert hub.asked[1][1] == ["config.json", "m.safetensors"]


def test_what_can_go_wrong_with_a_download(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    import errno
    import shutil
    from types import SimpleNamespace as Plain

    hub = FakeHub(monkeypatch, installed)
    agreed = {"accept_licence": "Apache-2.0"}
    hub.fails = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OutputError, match="the disk is full"):
        weights.download("wan", **agreed)
    hub.fails = ConnectionResetError("gone")
    with pytest.raises(UnreachableError, match=r"did not give it \(ConnectionResetError\)"):
        weights.download("wan", **agreed)
    hub.fails = None

    def stop(stage: str, done: int, total: int) -> None:
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        weights.download("wan", **agreed, on_progress=stop)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Plain(free=1000))
    with pytest.raises(OutputError, match=r"it is 0\.005 GB, and 1e-06 GB are free"):
        weights.download("wan", **agreed)
    with pytest.raises(UsageError, match="Cannot download animator: it has no weights of this kind"):
        weights.download("animator", **agreed)
    for model in ("./folder", "name", "a/b/c"):
        with pytest.raises(UsageError, match="it is no id on the hub"):
            weights.download("wan", model, **agreed)


# ------------------------------------------------------------------------------------------------- rendering


@pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("engine", ["svd", "wan"])
def test_the_promise_is_kept(
    engine: str, check: conformance.Check, svd_folder: Path, wan_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"STILLWAKE_{engine.upper()}_MODEL", str(svd_folder if engine == "svd" else wan_folder))
    shot = conformance.a_shot(Diffusion(engine), a_scene()).model_copy(update={"seconds": Fraction(9, 20), "steps": 1})
    check(conformance.Case(Diffusion(engine), a_scene(), shot))


def test_the_frames_are_those_of_a_bare_call(svd_folder: Path, torch: Any) -> None:
    from stillwake.engines.diffusion import pipeline

    with pipeline.quietly():
        from diffusers import StableVideoDiffusionPipeline
        from PIL import Image

        small = a_still(size=(32, 24))
        scene = Scene(still=small, style="photo", faces=(), refused=(), matte=None, seen={"faces": "nobody looked"})
        clip = made("svd", svd_folder, scene, size=small.size)
        pipe = StableVideoDiffusionPipeline.from_pretrained(svd_folder, local_files_only=True)
        pipe.set_progress_bar_config(disable=True)
        bare = pipe(
            Image.fromarray(small.pixels), height=24, width=32, num_frames=4, num_inference_steps=2, fps=8,
            decode_chunk_size=4, generator=torch.Generator("cpu").manual_seed(7),
        ).frames[0]  # fmt: skip
    for mine, theirs in zip(frames(clip), bare, strict=True):
        assert np.array_equal(mine, np.asarray(theirs))


def test_what_it_was_made_with_is_said(wan_folder: Path) -> None:
    clip = made("wan", wan_folder, prompt="waves")
    said = clip.made_with
    assert said["pipeline"] == "WanImageToVideoPipeline"
    assert (said["row"], said["model"], said["frames"], said["size"], said["steps"]) == (
        "wan-2.2", "wan", 5, [64, 48], 2,
    )  # fmt: skip
    assert (said["seed"], said["device"], said["dtype"], said["threads"]) == (7, "cpu", "float32", 1)
    assert said["model_index_sha256"] == sha256((wan_folder / "model_index.json").read_bytes()).hexdigest()
    assert {"torch", "diffusers", "transformers", "numpy"} <= set(said)
    assert said["arguments"] == {
        "num_frames": 5, "num_inference_steps": 2, "width": 64, "height": 48, "guidance_scale": 3.5,
    }  # fmt: skip
    assert json.loads(json.dumps(said)) == said
    assert clip.notes == ("It was made on the CPU (1 thread), which is slow",)


def test_svd_hears_its_own_numbers(svd_folder: Path) -> None:
    plain = hashed(made("svd", svd_folder, steps=1))
    changed = [
        hashed(made("svd", svd_folder, **{"steps": 1, **change}))
        for change in ({"strength": 0.2}, {"hold": 0.0}, {"hold": 1.0}, {"guidance": 1.0}, {"steps": 2}, {"seed": 8})
    ]
    assert len({plain, *changed}) == 7
    told = made("svd", svd_folder, steps=1, strength=0.5, hold=0.5).made_with["arguments"]
    assert (told["motion_bucket_id"], told["noise_aug_strength"], told["fps"]) == (64, 0.0625, 8)
    clip = made("svd", svd_folder, steps=1, prompt="she turns", negative="blur")
    assert hashed(clip) == plain
    assert "Stable Video Diffusion takes no prompt: the words change nothing" in clip.notes
    assert "Stable Video Diffusion takes no negative prompt: it changes nothing" in clip.notes


def test_wan_hears_its_own_words(wan_folder: Path) -> None:
    scene = a_scene(end=a_still(9))
    plain = hashed(made("wan", wan_folder, prompt="a"))
    changed = [
        hashed(made("wan", wan_folder, scene, **{"prompt": "a", **change}))
        for change in ({"prompt": "b"}, {"negative": "c"}, {"guidance": 1.0}, {"ends": True})
    ]
    assert len({plain, *changed}) == 5
    long = made("wan", wan_folder, prompt="wave " * 400)
    assert any("this model reads 512: its end changes nothing" in note for note in long.notes)
    assert any("--strength changes nothing" in note for note in made("wan", wan_folder, strength=0.5).notes)


def test_ltx_hears_how_firmly_it_is_to_hold(ltx_folder: Path) -> None:
    scene = a_scene(end=a_still(9))
    plain = hashed(made("ltx", ltx_folder))
    changed = [hashed(made("ltx", ltx_folder, scene, **c)) for c in ({"hold": 0.3}, {"ends": True}, {"loop": True})]
    assert len({plain, *changed}) == 4
    assert hashed(made("ltx", ltx_folder, hold=1.0)) == plain


@pytest.mark.slow
def test_framepack_makes_whole_sections(torch: Any, tmp_path: Path) -> None:
    folder = build(tiny_framepack, tmp_path / "framepack")
    told: list[tuple[str, int, int]] = []
    for seconds, count in ((Fraction(1), 37), (Fraction(2), 73), (Fraction(3), 109)):
        shot = a_shot("framepack", folder, seconds=seconds)
        clip = Diffusion("framepack").prepare(a_scene(), shot, None, lambda *words: told.append(words))
        assert clip.made_with["frames"] == count
    assert told[-4:] == [("generate", done, 3) for done in range(4)]
    assert len(told) > 4


def test_any_folder_finds_its_row(wan_folder: Path) -> None:
    assert hashed(made("diffusion", wan_folder)) == hashed(made("wan", wan_folder))


def test_a_clip_ends_on_its_end_frame_and_a_loop_on_its_first(
    wan_folder: Path, ltx_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read from the call: the tiny decoder hardly sees its last picture."""
    from stillwake.engines.diffusion import pipeline

    class Enough(Exception):  # noqa: N818  not a fault
        pass

    def spy(ready: Any, call: dict[str, Any], **_: Any) -> None:
        calls.append(call)
        raise Enough

    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(pipeline, "rendered", spy)
    scene = a_scene(end=a_still(9))
    for engine, folder in (("wan", wan_folder), ("ltx", ltx_folder)):
        for change in ({"ends": True}, {"loop": True}):
            with pytest.raises(Enough):
                made(engine, folder, scene, **change)
    of_wan, of_ltx = calls[:2], calls[2:]
    assert np.array_equal(of_wan[0]["last_image"], a_still(9).pixels)
    assert np.array_equal(of_wan[1]["last_image"], a_still(3).pixels)
    for call, seed in zip(of_ltx, (9, 3), strict=True):
        first, last = call["conditions"]
        assert (first.frame_index, last.frame_index, last.strength) == (0, 8, 1.0)
        assert last.image.size == first.image.size == (64, 32)
        assert np.array_equal(last.image, first.image) == (seed == 3)


def test_a_loop_closes_within_its_seconds(wan_folder: Path) -> None:
    clip = made("wan", wan_folder, loop=True, seconds=Fraction(1, 2), fps=Fraction(8))
    assert clip.made_with["frames"] == 5  # the last is the first again: four of them are shown
    assert clip.frame_count == 4
    longer = made("wan", wan_folder, loop=True, seconds=Fraction(3, 4), fps=Fraction(8))
    assert (longer.made_with["frames"], longer.frame_count) == (9, 6)


@pytest.mark.parametrize(
    ("engine", "change", "words"),
    [
        ("svd", {"ends": True}, "takes no end frame; leave it out, or use Wan, LTX-Video"),
        ("svd", {"loop": True}, "cannot end where it began; leave it out, or use"),
        ("wan", {"hold": 0.5}, "has no number for how it keeps to the picture; leave it out, or use LTX-Video"),
        ("svd", {"seconds": Fraction(2)}, r"makes at most 1\.5 s, and 2 s were asked for; ask for --seconds 1\.5"),
        ("wan", {"ends": True}, "it is to end on a picture, and there is none"),
        ("wan", {"motion": "talk"}, "it cannot do the motion talk"),
    ],
)
def test_what_it_cannot_do_is_refused_before_any_work(
    engine: str, change: dict[str, Any], words: str, svd_folder: Path, wan_folder: Path
) -> None:
    told: list[str] = []
    shot = a_shot(engine, svd_folder if engine == "svd" else wan_folder, **change)
    with pytest.raises(UsageError, match=words):
        Diffusion(engine).prepare(a_scene(), shot, None, lambda stage, done, total: told.append(stage))
    assert told == []


def test_a_model_that_is_not_here(installed: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no folder \./nowhere"):
        Diffusion("svd").prepare(a_scene(), a_shot("svd", "./nowhere"), None)
    with pytest.raises(EngineUnavailableError, match=r"run: stillwake engines --download svd --model a/b\."):
        Diffusion("svd").prepare(a_scene(), a_shot("svd", "a/b"), None)
    with pytest.raises(UsageError, match="no model is named"):
        Diffusion("diffusion").prepare(a_scene(), a_shot("diffusion"), None)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_stopping_comes_out_unchanged_and_leaves_the_pipeline_usable(at: int, wan_folder: Path) -> None:
    from stillwake.engines.diffusion import pipeline

    whole = hashed(made("wan", wan_folder))
    kept = pipeline._kept
    reason = Cancelled("Enough")

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "generate" and done == at:
            raise reason

    with pytest.raises(Cancelled) as caught:
        Diffusion("wan").prepare(a_scene(), a_shot("wan", wan_folder), None, stop)
    assert caught.value is reason
    assert pipeline._kept is kept
    assert kept is not None
    assert "progress_bar" not in vars(kept.pipe)
    assert hashed(made("wan", wan_folder)) == whole


def test_every_step_is_told(svd_folder: Path) -> None:
    told: list[tuple[str, int, int]] = []
    Diffusion("svd").prepare(a_scene(), a_shot("svd", svd_folder, steps=3), None, lambda *words: told.append(words))
    assert [words for words in told if words[0] == "generate"] == [("generate", done, 3) for done in range(4)]


def test_hours_on_a_cpu_are_said_before_they_pass(wan_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SPEED", 1.0)
    told: list[str] = []
    clip = Diffusion("wan").prepare(
        a_scene(), a_shot("wan", wan_folder), None, lambda stage, done, total: told.append(stage)
    )
    stages = list(dict.fromkeys(told))
    assert stages[-1] == "generate"
    assert "on the CPU: some" in stages[-2]
    assert "which is slow: some" in clip.notes[-1]


def test_weights_are_loaded_as_safetensors_offline_and_nothing_else(
    svd_folder: Path, monkeypatch: pytest.MonkeyPatch, torch: Any
) -> None:
    import diffusers
    from huggingface_hub import constants

    from stillwake.engines.diffusion import pipeline

    seen: list[dict[str, Any]] = []
    real = diffusers.StableVideoDiffusionPipeline.from_pretrained

    def spy(folder: Any, **options: Any) -> Any:
        seen.append({**options, "offline": constants.HF_HUB_OFFLINE})
        return real(folder, **options)

    monkeypatch.setattr(diffusers.StableVideoDiffusionPipeline, "from_pretrained", spy)
    pipeline.forget()
    made("svd", svd_folder, steps=1)
    (options,) = seen
    assert options["use_safetensors"] is True
    assert options["local_files_only"] is True
    assert options["offline"]
    assert "trust_remote_code" not in options


def test_parts_from_elsewhere_are_safetensors_too(monkeypatch: pytest.MonkeyPatch, torch: Any) -> None:
    from types import SimpleNamespace as Plain

    from stillwake.engines.diffusion import pipeline

    row = rows_for("framepack")[0]
    diffusers = pipeline.imported("diffusers")
    getattr(diffusers, row.pipeline)  # transformers puts another module in its own place when it is first asked
    transformers = pipeline.imported("transformers")
    seen: dict[str, dict[str, Any]] = {}

    def spied(name: str) -> Any:
        return Plain(from_pretrained=lambda folder, **options: seen.setdefault(name, options))

    for _, _, of in row.parts.values():
        monkeypatch.setattr(diffusers if hasattr(diffusers, of) else transformers, of, spied(of))
    monkeypatch.setattr(
        diffusers, row.pipeline, Plain(from_pretrained=lambda folder, **options: (_ for _ in ()).throw(OSError("no")))
    )
    held: Any = Plain(
        folder=Path("x"), variant="fp16", parts={name: (Path("y"), of) for name, (_, _, of) in row.parts.items()}
    )
    placing: Any = Plain(dtype="float32")
    with pytest.raises(EngineUnavailableError):
        pipeline._opened(row, held, placing, "Cannot render")
    assert len(seen) == 3
    for name, options in seen.items():
        assert options["local_files_only"] is True
        if "Processor" not in name:
            assert (options["use_safetensors"], options["variant"]) == (True, "fp16")


def test_a_folders_own_counts_are_said_as_its_pipeline_wants_them() -> None:
    (row,) = rows_for("framepack")
    assert told(row, {"frames": [37]}).frames.argument(37) == row.frames.argument(37) == 33
    for wrong in (True, float("nan"), -1, 51):
        with pytest.raises(UsageError, match="guidance"):
            told(row, {"guidance": wrong})


def test_a_licence_is_accepted_by_its_own_name() -> None:
    assert weights._agreed("OpenRAIL++", "openrail++")
    assert not weights._agreed("openrail", "openrail++")
    assert not weights._agreed("", "")
    assert "FLUX.1" in rows_for("framepack")[0].licence, "its image encoder has one of its own"


def test_one_pipeline_is_kept(svd_folder: Path, wan_folder: Path, torch: Any) -> None:
    from stillwake.engines.diffusion import pipeline

    made("svd", svd_folder, steps=1)
    first = pipeline._kept
    made("svd", svd_folder, steps=1, seed=9)
    assert pipeline._kept is first
    assert first is not None
    made("wan", wan_folder)
    assert pipeline._kept is not first
    assert first.pipe is None
    pipeline.forget()
    assert pipeline._kept is None


def test_the_callers_random_numbers_are_left_alone(svd_folder: Path, torch: Any) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    made("svd", svd_folder, steps=1)
    assert torch.equal(torch.random.get_rng_state(), before)


def broken(svd_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, what: Callable[..., Any]) -> str:
    """The sentence that comes where a method of the pipeline does that; it is usable afterwards."""
    from stillwake.engines.diffusion import pipeline

    if pipeline._kept is None or pipeline._kept.row.engine != "svd":
        made("svd", svd_folder, steps=1)
    assert pipeline._kept is not None
    holder = pipeline._kept.pipe
    for part in name.split(".")[:-1]:
        holder = getattr(holder, part)
    monkeypatch.setattr(holder, name.rpartition(".")[2], what)
    with pytest.raises((EngineUnavailableError, ResultError)) as caught:
        made("svd", svd_folder, steps=1)
    monkeypatch.undo()
    return str(caught.value)


def test_what_is_no_picture_is_said(svd_folder: Path, monkeypatch: pytest.MonkeyPatch, torch: Any) -> None:
    black = torch.zeros(1, 4, 3, 24, 32)
    name = "video_processor.postprocess_video"
    assert "every frame is black" in broken(svd_folder, monkeypatch, name, lambda **_: black)
    assert "the numbers overflowed" in broken(svd_folder, monkeypatch, name, lambda **_: black / 0)
    assert "made 3 frames and was asked for 4" in broken(svd_folder, monkeypatch, name, lambda **_: black[:, :3] + 0.5)


def test_too_little_memory_and_other_failures_are_said(
    svd_folder: Path, monkeypatch: pytest.MonkeyPatch, torch: Any
) -> None:
    def out(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    def wrong(*_: Any, **__: Any) -> None:
        raise RuntimeError("size mismatch")

    assert "the memory of the CPU did not suffice" in broken(svd_folder, monkeypatch, "unet.forward", out)
    assert "the pipeline failed (RuntimeError: size mismatch)" in broken(
        svd_folder, monkeypatch, "unet.forward", wrong
    )


def test_a_folder_that_does_not_load_is_said(svd_folder: Path, tmp_path: Path, torch: Any) -> None:
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(svd_folder, folder)
    (folder / "unet" / "config.json").write_text(json.dumps({"_class_name": "UNetSpatioTemporalConditionModel"}))
    with pytest.raises(EngineUnavailableError, match=r"copy does not load \("):
        made("svd", folder)


class FakePipe:
    """A pipeline that only notes where it is laid."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.components: dict[str, Any] = {}
        self._exclude_from_cpu_offload: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *words, **options: self.done.append((name, *words, *options.items()))


@pytest.mark.parametrize(
    ("kind", "where", "called"),
    [
        ("cuda", "card", "to"),
        ("cuda", "parts", "enable_model_cpu_offload"),
        ("cuda", "layers", "enable_group_offload"),
        ("rocm", "layers", "enable_sequential_cpu_offload"),
        ("mps", "parts", "enable_model_cpu_offload"),
        ("cpu", "card", None),
    ],
)
def test_parts_are_laid_where_it_was_decided(kind: memory.Kind, where: Any, called: str | None, torch: Any) -> None:
    from stillwake.engines.diffusion import pipeline

    pipe = FakePipe()
    pipe.components = {"image_encoder": torch.nn.MultiheadAttention(2, 1), "unet": torch.nn.Linear(1, 1)}
    pipeline._put(pipe, a_card(kind, 8), memory.Placing(where, "float32", False, None, ""))
    assert [name for name, *_ in pipe.done] == ([called] if called else [])
    if called == "enable_group_offload":
        assert ("exclude_modules", ["image_encoder"]) in pipe.done[0]
    if called == "enable_sequential_cpu_offload":
        assert pipe._exclude_from_cpu_offload == ["image_encoder"]
