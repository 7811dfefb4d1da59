"""Which lever of which engine mends which fault: a fix that names what its maker can really turn.

The names of parameters are those of the makers' own interfaces and of diffusers' pipelines in November 2026. Where
nobody said who made a clip, a fix stays as its check gave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from stillwake.errors import UsageError
from stillwake.inspection.asked import Asked
from stillwake.makers import MAKERS, Ability, named, nearest
from stillwake.types import ClipFinding, Family

Fault = Literal[
    "identity", "background", "light", "colours", "seam", "stuck", "times", "cut", "still picture", "camera", "fading",
    "start", "sync", "mouth", "sharpness",
]  # fmt: skip
"""What goes wrong, as far as one lever mends it."""

FAULTS: Mapping[str, Fault] = {
    "morph": "identity", "subject colours": "identity",
    "warp": "background", "texture": "background", "background": "background", "background raw": "background",
    "background shift": "background", "mask share": "background",
    "flicker": "light", "local flicker": "light",
    "exposure breathing": "colours", "colour drift": "colours",
    "loop seam": "seam", "loop speed": "seam", "ping-pong": "seam",
    "freeze": "stuck", "dropped frames": "times", "frame times": "times",
    "cut": "cut", "jump": "cut", "fade": "cut",
    "motion": "still picture", "camera": "camera", "prompt drift": "fading",
    "first frame": "start", "first colours": "start", "black bars": "start",
    "sync": "sync", "sync heard": "sync", "sync drift": "sync", "sound": "sync",
    "closures": "mouth", "silence": "mouth", "still mouth": "mouth", "teeth": "mouth",
    "sharpness": "sharpness", "sharpness pump": "sharpness",
}  # fmt: skip
"""Check -> the fault it finds. A check that is not here is mended in the file, not in an engine."""


Levers = Mapping[Fault, str]
"""Fault -> what to turn against it, a clause."""

GENERAL: Mapping[Family, Levers] = {
    "animator": {
        "identity": "lower how far it moves the face, or give it a still that looks straight at us",
        "background": "let it move the face alone and paste that back into the still",
        "seam": "let it end in the pose it began in",
        "still picture": "raise how far it moves, or choose a livelier driver",
        "camera": "an animator's camera is made afterwards, by moving the picture's frame",
        "start": "give it the still in the shape and size it makes",
        "sync": "give it the recording itself, with its transcript, in pieces of at most 20 s",
        "mouth": "give it the recording itself, with its transcript",
    },
    "generator": {
        "identity": "raise its hold on the picture, in shorter segments of 3 s that each begin from the still; "
        "where only a face should move, use an animator: it moves what is in the picture",
        "background": "ask for a locked camera and a background that stands still; where only a face should "
        "move, use an animator: it leaves the background as it is",
        "light": "ask for steady light in the prompt, and use another seed",
        "colours": "shorter segments of 3 s, each begun from the still, their colours matched to it in CIELAB",
        "seam": "give it the still as the last frame too, or use an animator, whose loops close",
        "stuck": "no more frames than it was trained to make at once, and its own frame rate",
        "times": "write its frames at the rate it makes them at",
        "cut": "ask for one continuous take in the prompt",
        "still picture": "name in the prompt what moves and how, or raise its motion",
        "camera": "name one camera move alone, first in the prompt, and its direction",
        "fading": "shorter segments, each with the move in its words",
        "start": "give it the still in the shape and size it makes, and raise its hold on the picture",
        "sync": "a generator does not follow a sound: use an animator with the recording",
        "mouth": "a generator does not follow a sound: use an animator with the recording",
        "sharpness": "a larger resolution, or a smaller move",
    },
}
"""What holds for every engine of a family."""

LEVERS: Mapping[str, Levers] = {
    "animator": {
        "identity": "lower --strength, or put the face right by hand with --face-file",
        "background": "lower --strength, or hold it with --still background",
        "light": "it changes no light: look at --ambient, or at the encoder (--max-mb)",
        "colours": "it changes no colours: leave out --ambient",
        "seam": "say --loop, and leave out what cannot come back",
        "stuck": "raise --strength, or name more with --motion",
        "still picture": "raise --strength, or name more with --motion",
        "camera": "one move in --camera, as in 'push in', and --depth for one that shows depth",
        "start": "a --camera begins a little inside the still: without it, and without --aspect, it begins on the "
        "still itself",
        "sync": "give --transcript with --sound: the times are then aligned to its words",
        "mouth": "give --transcript with --sound; of a drawing, --smooth",
        "sharpness": "a gentler --camera, or a larger still",
    },
    "echo": {"still picture": "it holds the still: choose --engine animator"},
    "did": {
        "identity": "lower config.motion_factor, or driver_url bank://subtle",
        "background": "config.stitch true: the face is put back into the still",
        "still picture": "raise config.motion_factor, or driver_url bank://lively",
        "start": "config.stitch true, and a still with room around the head (config.align_expand_factor)",
        "sync": "give the recording as script.audio_url instead of text, config.pad_audio 0",
        "mouth": "give the recording as script.audio_url instead of text; config.sharpen true for teeth",
    },
    "heygen": {
        "identity": "expressiveness low",
        "background": "expressiveness low, and a motion_prompt that asks for nothing behind the person",
        "still picture": "expressiveness high, and say in motion_prompt what moves",
        "camera": "it has no camera: move the picture's frame afterwards",
        "start": "aspect_ratio that of the still, fit contain",
        "sync": "give audio_asset_id instead of a script, or take POST /v3/lipsyncs over the finished clip",
        "mouth": "take POST /v3/lipsyncs over the finished clip",
    },
    "runway": {
        "identity": "a shorter duration (2 to 5 s on gen4.5), each clip with its own promptImage; a face that "
        "speaks belongs to act_two (character_performance)",
        "background": "promptText 'locked camera, the background does not move', and a shorter duration",
        "colours": "a shorter duration, each clip with promptImage the still",
        "seam": "gen4 takes no last frame: kling2.5_turbo_pro or veo3.1 there take the still as first and last "
        "(promptImage with position)",
        "cut": "promptText 'one continuous shot', and no multiPrompt",
        "camera": "it has no camera field: name one move alone, first in promptText",
        "fading": "a shorter duration, the move in each promptText",
        "start": "ratio the nearest to the still's, and the still cut to it beforehand",
        "sync": "act_two (character_performance) or /v1/avatar_videos follow a sound, gen4 does not",
        "mouth": "act_two (character_performance) with a reference video of the words",
    },
    "kling": {
        "identity": "duration \"5\" instead of \"10\", mode pro, and image_tail the still again; cfg_scale down "
        "where the prompt pulls the face away (not on v2)",
        "background": "static_mask over all that must stand still (kling-v1), or negative_prompt 'moving "
        "background, warping'",
        "colours": "duration \"5\", with image_tail the still",
        "light": "negative_prompt 'flicker', mode pro",
        "seam": "image_tail the same picture as image: end frame = first frame",
        "cut": "multi_shot off, and negative_prompt 'cut, scene change'",
        "still picture": "name the movement in the prompt and raise cfg_scale (not on v2); on kling-v1 "
        "dynamic_masks with trajectories",
        "camera": "camera_control instead of words (kling-v1 to v1-5); later models: one move, first in the "
        "prompt",
        "fading": "raise cfg_scale (not on v2), or multi_prompt with the move in each part (v3)",
        "start": "an image of 16:9, 9:16 or 1:1, mode pro",
        "sync": "it does not follow a sound: use an animator with the recording",
    },
    "luma": {
        "identity": "duration \"5s\", with the still as start_frame and as end_frame (frame0 and frame1 in Dream "
        "Machine), or as further keyframes on the way",
        "background": "end_frame the still too, and a prompt that asks for a static shot",
        "colours": "duration \"5s\", keyframes the still along the way",
        "seam": "loop true (5 s, without keyframes)",
        "cut": "keyframes nearer to each other, of one scene",
        "camera": "a camera concept (concepts[{key}]) in Dream Machine instead of words; else one move, first in "
        "the prompt",
        "fading": "duration \"5s\", the move in each prompt",
        "start": "aspect_ratio that of the still",
    },
    "svd": {
        "identity": "raise the image conditioning weight: noise_aug_strength down (.02 and less), "
        "motion_bucket_id down, min_guidance_scale up; 14 or 25 frames, no more",
        "background": "motion_bucket_id down, noise_aug_strength down",
        "light": "decode_chunk_size up: frames that are decoded together flicker less",
        "colours": "no more frames than it was trained on (14, or 25 with xt), each clip begun from the still",
        "seam": "it takes no last frame: cross-fade the ends, or use an engine that does",
        "stuck": "motion_bucket_id up (127 is usual), fps 7",
        "times": "write its frames at the fps it was asked for (7)",
        "still picture": "motion_bucket_id up (127 is usual, 180 is lively)",
        "camera": "it takes no words and no camera: only motion_bucket_id; use another engine for a camera",
        "start": "noise_aug_strength down, and the still in 1024 x 576",
        "sharpness": "decode_chunk_size up, and the still in 1024 x 576",
    },
    "wan": {
        "identity": "num_frames 49 instead of 81, last_image the still, guidance_scale down; WanAnimate for a "
        "person",
        "background": "last_image the still too, negative_prompt 'camera movement, warping'",
        "light": "the VAE in float32, and no tiling of it",
        "colours": "num_frames at most 81, a new seed for each segment, colours matched to the still",
        "seam": "last_image = image: end frame = first frame",
        "stuck": "num_frames at most 81 at 16 fps: beyond it goes back to its start",
        "times": "write its frames at 16 fps (24 of TI2V-5B)",
        "cut": "num_frames at most 81, negative_prompt 'cut, scene change'",
        "still picture": "guidance_scale up, flow_shift up, and name the movement in the prompt",
        "camera": "a camera LoRA, or one move, first in the prompt",
        "fading": "num_frames at most 81, the move in the prompt of each segment",
        "start": "the still in 832 x 480 or 1280 x 720, the VAE in float32",
    },
    "ltx": {
        "identity": "condition strength 1, image_cond_noise_scale down (.15 is usual), further conditions with "
        "the still along the way",
        "colours": "adain_factor up (.25 is usual), cond_strength up",
        "seam": "the still as a condition at the last frame_index too",
        "still picture": "image_cond_noise_scale up; motion_speed up in LTX-2",
        "fading": "prompt_segments with the move in each",
        "start": "condition strength 1, image_cond_noise_scale down; LTX-2: image_crf down",
    },
    "framepack": {
        "identity": "sampling_type inverted_anti_drifting",
        "colours": "sampling_type inverted_anti_drifting",
        "seam": "last_image = image: end frame = first frame",
    },
    "veo": {
        "background": "negativePrompt 'camera movement, warping background'",
        "seam": "the still as first and as last frame",
        "cut": "negativePrompt 'cut, scene change'",
    },
}  # fmt: skip
"""What can be turned in an engine by its name in `stillwake.makers`; for the others their family's levers must do."""


OPTIONS: Mapping[Fault, tuple[Ability, str]] = {
    "identity": ("conditioning", "--hold nearer to 1"),
    "start": ("conditioning", "--hold nearer to 1"),
    "still picture": ("conditioning", "--hold nearer to 0"),
    "background": ("negative", "--negative 'moving background, warping'"),
    "light": ("negative", "--negative flicker"),
    "cut": ("negative", "--negative 'cut, scene change'"),
    "seam": ("loop", "--loop"),
    "camera": ("camera", "--camera with one move alone"),
}
"""The same by our own options, for a generator that stillwake drives; each where a model of it takes that."""


def made_by(name: str) -> tuple[str, Family]:
    """The engine that a person means by a name, ours or anybody's, and its family.

    Raises
    ------
    stillwake.errors.UsageError
        Nobody knows it.
    """
    from stillwake.engines import engine_names, load_engine

    plain = name.strip().lower()
    if (known := named(plain)) is not None and plain not in set(engine_names()) - set(MAKERS):
        return known, MAKERS[known].family
    if plain in engine_names():
        return plain, load_engine(plain).family
    if plain == "generator":
        return "", "generator"
    near = nearest(plain)
    raise UsageError(
        f"Cannot use --engine {name[:40]}",
        "no engine of that name is known",
        f"did you mean {near}" if near else "leave it out, or say generator or animator",
    )


def lever(check: str, asked: Asked) -> str:
    """What to turn on the engine that was asked against a fault of that check, in words, or ""."""
    fault = FAULTS.get(check)
    if fault is None:
        return ""
    maker = MAKERS.get(asked.engine)
    if words := LEVERS.get(asked.engine, {}).get(fault, ""):
        return f"in {MAKERS[asked.engine].title}: {words}{_by_ours(asked.engine, fault)}"
    family = maker.family if maker is not None else asked.family
    if family is None or asked.engine in ("animator", "echo"):
        return ""
    title = maker.title if maker is not None else {"animator": "an animator", "generator": "a generator"}[family]
    words = GENERAL[family].get(fault, "")
    return words and f"in {title}: {words}{_by_ours(asked.engine, fault)}"


def _by_ours(engine: str, fault: Fault) -> str:
    """How stillwake asks that engine for it, in brackets, or ""."""
    from stillwake.engines import engine_names

    ability, option = OPTIONS.get(fault, ("prompt", ""))
    if not option or engine not in engine_names() or ability not in MAKERS[engine].could:
        return ""
    return f" (stillwake animate: {option})"


def with_lever(finding: ClipFinding, asked: Asked) -> ClipFinding:
    """The finding; if it is a fault, its fix names the lever of the engine that made the clip."""
    if finding.verdict not in ("warn", "fail"):
        return finding
    words = lever(finding.check, asked)
    if not words or words in finding.fix:
        return finding
    return finding.model_copy(update={"fix": f"{finding.fix}; {words}" if finding.fix else words})
