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
from stillwake.engines.diffusion.table import ROWS, Area, Dial, Frames, Row, row_of, rows_for, told
from stillwake.engines.generated import best_size
from stillwake.errors import (
    Cancelled, ConsentError, EngineUnavailableError, OutputError, ResultError, UnreachableError, UsageError,
)  # fmt: skip
from stillwake.makers import MAKERS
from stillwake.types import Scene, Shot, Still, no_progress

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
        AutoencoderKLTemporalDecoder, EulerDiscreteScheduler, StableVideoDiffusionPipeline,
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
        )  # fmt: skip
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
    return said(folder, frames=[4, 12], sizes=[[64, 48]], fps=8, steps=2)


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
        )  # fmt: skip
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


def test_the_same_seed_gives_the_same_bytes(svd_folder: Path, wan_folder: Path) -> None:
    for engine, folder in (("svd", svd_folder), ("wan", wan_folder)):
        first, again = hashed(made(engine, folder)), hashed(made(engine, folder))
        assert first == again
        assert first != hashed(made(engine, folder, seed=8))
