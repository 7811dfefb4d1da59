"""The pure halves: what goes over the wire for a shot, to the letter, and what is refused before anything is sent."""

from __future__ import annotations

import io
import json
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.remote_kit import (
    ENGINES,
    WORKFLOW,
    house,
    offline,
    pixels,
    scene_of,
    shot_of,
    speech_of,
    voice,
    workflow,
)

from stillwake.engines.remote.engine import order_of, provider_of
from stillwake.engines.remote.order import Wire, around_people, fitted, key_of, picture, utf16, voice_file
from stillwake.engines.remote.providers.comfyui import filled_in
from stillwake.errors import UsageError
from stillwake.makers import MAKERS
from stillwake.types import CameraMove, CameraRecord, Scene, Shot, Still, Strokes

__all__ = ["house", "offline"]


def wire_of(name: str, scene: Scene | None = None, folder: Path | None = None, **more: Any) -> Wire:
    shot = shot_of(name, folder, **more)
    return provider_of(name).prepare(order_of(name, scene_of() if scene is None else scene, shot, speech_of(name)))


def told(wire: Wire) -> Any:
    """The body with "<name as way>" where a file stands."""
    names = {file.id: file.name for file in wire.files}

    def inner(value: Any) -> Any:
        if isinstance(value, dict):
            if "$file" in value:
                return f"<{names[value['$file']]} as {value['as']}>"
            return {key: inner(each) for key, each in value.items()}
        return [inner(each) for each in value] if isinstance(value, list) else value

    return inner(wire.body)


def camera(*kinds: str, strength: float = 1.0) -> CameraRecord:
    return CameraRecord(moves=tuple(CameraMove(kind=kind, strength=strength) for kind in kinds))  # type: ignore[arg-type]


def brush(*paths: list[tuple[float, float]], box: tuple[int, int, int, int] = (100, 50, 300, 200)) -> Strokes:
    mask = np.zeros((270, 480), np.float32)
    mask[box[1] : box[3], box[0] : box[2]] = 1
    return Strokes(mask, tuple(np.array(path, np.float32) for path in paths))


END = Still(np.ascontiguousarray(pixels()[:, ::-1]), "end.png", "1" * 64)
GOLDEN: dict[str, tuple[dict[str, Any], Any]] = {
    "runway": (
        {},
        {
            "model": "gen4_turbo", "promptImage": "<still.png as data uri>", "promptText": "a bird flies up",
            "ratio": "1280:720", "duration": 5, "seed": 7,
        },
    ),
    "runway gen4.5": (
        {"model": "gen4.5", "seconds": Fraction(8), "size": (270, 480), "seed": 2**40 + 1},
        {
            "model": "gen4.5", "promptImage": "<still.png as data uri>", "promptText": "a bird flies up",
            "ratio": "1280:720", "duration": 8, "seed": 1,
        },
    ),
    "runway kling2.5_turbo_pro": (
        {"model": "kling2.5_turbo_pro", "ends": True, "guidance": 0.7, "seconds": Fraction(10)},
        {
            "model": "kling2.5_turbo_pro",
            "promptImage": [
                {"uri": "<still.png as data uri>", "position": "first"},
                {"uri": "<end.png as data uri>", "position": "last"},
            ],
            "promptText": "a bird flies up", "duration": 10, "cfgScale": 0.7,
        },
    ),
    "runway veo3.1": (
        {"model": "veo3.1", "seconds": Fraction(4), "negative": "blur", "loop": True},
        {
            "model": "veo3.1",
            "promptImage": [
                {"uri": "<still.png as data uri>", "position": "first"},
                {"uri": "<still.png as data uri>", "position": "last"},
            ],
            "promptText": "a bird flies up", "ratio": "1280:720", "duration": 4, "seed": 7, "negativePrompt": "blur",
            "audio": False,
        },
    ),
    "kling": (
        {"negative": "blur"},
        {
            "model_name": "kling-v2-5-turbo", "mode": "std", "duration": "5", "image": "<still.png as base64>",
            "prompt": "a bird flies up", "negative_prompt": "blur",
        },
    ),
    "kling kling-v2-5-turbo-pro": (
        {"model": "kling-v2-5-turbo-pro", "ends": True, "seconds": Fraction(10)},
        {
            "model_name": "kling-v2-5-turbo", "mode": "pro", "duration": "10", "image": "<still.png as base64>",
            "image_tail": "<end.png as base64>", "prompt": "a bird flies up",
        },
    ),
    "kling kling-v1-5-pro": (
        {"model": "kling-v1-5-pro", "camera": camera("tilt-up", strength=0.5), "guidance": 0.5},
        {
            "model_name": "kling-v1-5", "mode": "pro", "duration": "5", "image": "<still.png as base64>",
            "prompt": "a bird flies up", "cfg_scale": 0.5,
            "camera_control": {
                "type": "simple",
                "config": {"horizontal": 0, "vertical": 0, "pan": 2.5, "tilt": 0, "roll": 0, "zoom": 0},
            },
        },
    ),
    "luma": (
        {},
        {
            "model": "ray-3.2", "type": "video", "prompt": "a bird flies up", "aspect_ratio": "16:9",
            "video": {
                "resolution": "720p", "duration": "5s",
                "start_frame": {"data": "<still.png as base64>", "media_type": "image/png"},
            },
        },
    ),
    "luma end": (
        {"ends": True},
        {
            "model": "ray-3.2", "type": "video", "prompt": "a bird flies up", "aspect_ratio": "16:9",
            "video": {
                "resolution": "720p", "duration": "5s",
                "start_frame": {"data": "<still.png as base64>", "media_type": "image/png"},
                "end_frame": {"data": "<end.png as base64>", "media_type": "image/png"},
            },
        },
    ),
    "luma loop": (
        {"loop": True, "camera": camera("push-in")},
        {
            "model": "ray-3.2", "type": "video", "prompt": "push in, a bird flies up", "aspect_ratio": "16:9",
            "video": {
                "resolution": "720p", "duration": "5s",
                "start_frame": {"data": "<still.png as base64>", "media_type": "image/png"}, "loop": True,
            },
        },
    ),
    "did": (
        {"expression": "happy"},
        {
            "source_url": "<still.png as upload>", "script": {"type": "audio", "audio_url": "<voice.wav as upload>"},
            "config": {
                "stitch": True, "result_format": "mp4",
                "driver_expressions": {
                    "expressions": [{"start_frame": 0, "expression": "happy", "intensity": 1.0}]
                },
            },
        },
    ),
    "did voice": (
        {"voice": "en-US-JennyNeural", "say": "Hello."},
        {
            "source_url": "<still.png as upload>",
            "script": {
                "type": "text", "input": "Hello.",
                "provider": {"type": "microsoft", "voice_id": "en-US-JennyNeural"},
            },
            "config": {"stitch": True, "result_format": "mp4"},
        },
    ),
    "heygen": (
        {},
        {
            "type": "image", "image": {"type": "asset_id", "asset_id": "<still.png as upload>"}, "resolution": "720p",
            "aspect_ratio": "16:9", "fit": "cover", "output_format": "mp4", "audio_asset_id": "<voice.wav as upload>",
        },
    ),
    "heygen voice": (
        {"voice": "abc", "say": "Hello.", "prompt": "she nods"},
        {
            "type": "image", "image": {"type": "asset_id", "asset_id": "<still.png as upload>"}, "resolution": "720p",
            "aspect_ratio": "16:9", "fit": "cover", "output_format": "mp4", "script": "Hello.", "voice_id": "abc",
            "motion_prompt": "she nods",
        },
    ),
    "vllm": (
        {"guidance": 5, "steps": 20, "negative": "blur"},
        {
            "prompt": "a bird flies up", "width": "480", "height": "272", "num_frames": "121", "fps": "24",
            "seed": "7",
            "negative_prompt": "blur", "num_inference_steps": "20", "guidance_scale": "5",
            "input_reference": "<still.png as form>",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name: str, tmp_path: Path) -> None:
    more, expected = GOLDEN[name]
    wire = wire_of(name.split()[0], scene_of(end=END), tmp_path, **more)
    assert told(wire) == expected
    assert list(told(wire)) == list(expected), "in this order"
    json.dumps(wire.body)


def test_golden_comfyui(tmp_path: Path) -> None:
    wire = wire_of("comfyui", folder=tmp_path)
    graph = told(wire)["prompt"]
    assert graph["1"] == {
        "class_type": "LoadImage", "inputs": {"image": "<still.png as upload>"}, "_meta": {"title": "Load Image"},
    }  # fmt: skip
    assert graph["2"]["inputs"] == {"width": 480, "height": 272, "length": 121, "start_image": ["1", 0]}
    assert graph["3"]["inputs"]["text"] == "masterpiece, a bird flies up"
    assert graph["4"]["inputs"]["seed"] == 7
    assert graph["5"]["inputs"]["fps"] == 24


def test_golden_motion_brush() -> None:
    strokes = brush([(120, 100), (200, 60)], [(280, 180), (250, 190), (240, 195)])
    wire = wire_of("kling", scene_of(strokes=strokes), model="kling-v1", brush=True)
    body = told(wire)
    assert wire.size == (540, 304), "300 px at least"
    assert [entry["mask"] for entry in body["dynamic_masks"]] == ["<mask1.png as base64>", "<mask2.png as base64>"]
    scale = 540 / 480
    first = body["dynamic_masks"][0]["trajectories"]
    assert first[0] == {"x": round(120 * scale), "y": 303 - round(100 * 304 / 270)}, "the lowest row is y = 0"
    assert first[-1]["y"] > first[0]["y"], "upwards is more"
    masks = {file.name: file for file in wire.files if file.name.startswith("mask")}
    import cv2

    one, two = (
        cv2.imdecode(np.frombuffer(masks[name].data, np.uint8), cv2.IMREAD_UNCHANGED)
        for name in ("mask1.png", "mask2.png")
    )
    assert one.shape == two.shape == (304, 540)
    assert not (one & two).any(), "no pixel follows two paths"
    assert (one | two).sum() / 255 == pytest.approx(200 * 150 * scale**2, rel=0.03)


def test_a_stroke_has_at_most_77_points_and_stays_inside() -> None:
    path = [(float(x), 135 + 60 * float(np.sin(x / 9))) for x in range(100, 300)]
    wire = wire_of("kling", scene_of(strokes=brush(path)), model="kling-v1", brush=True)
    points = wire.body["dynamic_masks"][0]["trajectories"]
    assert 60 < len(points) <= 77
    outside = brush([(-50.0, -50.0), (900.0, 900.0)])
    points = wire_of("kling", scene_of(strokes=outside), model="kling-v1", brush=True).body["dynamic_masks"][0]
    assert all(0 <= p["x"] < 540 and 0 <= p["y"] < 304 for p in points["trajectories"])


# ------------------------------------------------------------------------------------------------ what is refused

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("runway", {"seconds": Fraction(11)}, "makes clips of 2, 3, 4, 5, 6, 7, 8, 9, 10 s"),
    ("runway", {"seconds": Fraction(9, 2)}, "makes clips of"),
    ("runway", {"model": "gen9"}, "choose one of gen4_turbo, gen4.5"),
    ("runway", {"ends": True}, "gen4_turbo cannot end on a picture; add --model kling2.5_turbo_pro"),
    ("runway", {"loop": True}, "cannot make a loop; add --model kling2.5_turbo_pro"),
    ("runway", {"brush": True}, "cannot follow a motion brush; choose Kling"),
    ("runway", {"hold": 0.5}, "how firmly to hold .* choose LTX-Video"),
    ("runway", {"model": "gen4.5", "prompt": ""}, "add --prompt"),
    ("runway", {"prompt": "x" * 1001}, "1001 characters long, and 1000"),
    ("runway", {"prompt": "\N{OWL}" * 501}, "1002 characters long, and 1000"),
    ("runway", {"model": "kling2.5_turbo_pro", "guidance": 3.0}, "0 to 1"),
    ("kling", {"seconds": Fraction(6)}, "makes clips of 5, 10 s"),
    ("kling", {"ends": True}, "cannot end on a picture; add --model kling-v2-5-turbo-pro"),
    ("kling", {"brush": True}, "motion brush; add --model kling-v1,"),
    ("kling", {"model": "kling-v3"}, "choose one of kling-v2-5-turbo"),
    ("kling", {"prompt": "x" * 2501}, "2500 are taken"),
    ("kling", {"model": "kling-v1", "brush": True, "ends": True}, "a motion brush or an end frame, not both"),
    ("kling", {"model": "kling-v1", "loop": True, "ends": True}, "a loop ends where it begins"),
    ("luma", {"seconds": Fraction(10), "loop": True}, "clips of 5 s"),
    ("luma", {"prompt": "  "}, "add --prompt"),
    ("luma", {"brush": True}, "motion brush"),
    ("luma", {"hold": 1.0}, "hold"),
    ("heygen", {"model": "avatar-9"}, "leave --model out"),
    ("heygen", {"voice": "abc", "say": " "}, "add --say"),
    ("did", {"voice": "abc", "say": ""}, "add --say"),
    ("did", {"model": "expressives"}, "leave --model out"),
    ("vllm", {"ends": True}, "cannot end on a picture"),
    ("vllm", {"guidance": 30.0}, "0 to 20"),
    ("comfyui", {"hold": 0.5}, r"write \{hold\}"),
    ("comfyui", {"ends": True}, r"write \{end\}"),
]


@pytest.mark.parametrize(("name", "more", "words"), REFUSED)
def test_refused(name: str, more: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        wire_of(name, scene_of(end=END, strokes=brush([(120, 100), (200, 60)])), tmp_path, **more)
    assert len(str(caught.value)) < 400


LEFT_OUT: list[tuple[str, dict[str, Any], str]] = [
    ("runway", {"negative": "blur"}, "Runway's gen4_turbo takes no negative prompt"),
    ("runway", {"guidance": 0.5}, "Runway's gen4_turbo takes no guidance"),
    ("runway", {"steps": 20}, "Runway's gen4_turbo takes no number of steps"),
    ("kling", {"guidance": 0.5}, "Kling's kling-v2-5-turbo takes no guidance"),
    ("kling", {}, "Kling's kling-v2-5-turbo takes no seed: every take differs, none can be made again"),
    ("luma", {"negative": "blur"}, "Luma's ray-3.2 takes no negative prompt"),
    ("heygen", {"expression": "happy"}, "HeyGen's Avatar IV takes no expression"),
    ("did", {"prompt": "she nods"}, "D-ID moves the face by the words alone: the prompt is left out"),
    ("comfyui", {"negative": "blur"}, "nothing in the workflow takes {negative}: it is left out"),
]


@pytest.mark.parametrize(("name", "more", "words"), LEFT_OUT)
def test_left_out_with_a_word(name: str, more: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert words in wire_of(name, folder=tmp_path, **more).warnings


@pytest.mark.parametrize("name", ENGINES)
def test_the_table_of_makers_and_the_wires_agree(name: str, tmp_path: Path) -> None:
    """What the table says a model takes is not refused; every length of it is taken."""
    maker = MAKERS[name]
    for model in ("", *maker.models):
        facts = maker.of(model)
        more: dict[str, Any] = {"model": workflow(tmp_path) if name == "comfyui" else model}
        for length in facts.lengths if facts.family == "generator" else ():
            wire_of(name, **more, seconds=length)
        if name == "comfyui":
            continue
        length = facts.lengths[0] if facts.lengths and facts.family == "generator" else Fraction(5)
        for ability, asked in (
            ("end frame", {"ends": True}), ("loop", {"loop": True}), ("brush", {"brush": True}),
            ("guidance", {"guidance": 0.5}), ("negative", {"negative": "blur"}),
            ("expression", {"expression": "happy"}),
        ):  # fmt: skip
            scene = scene_of(end=END, strokes=brush([(120, 100), (200, 60)]))
            if ability in facts.can:
                wire = wire_of(name, scene, **more, seconds=length, **asked)
                assert not any(word in " ".join(wire.warnings) for word in ("guidance", "negative", "expression"))


# ----------------------------------------------------------------------------------------------------- the camera


@pytest.mark.parametrize(
    ("kinds", "axis", "value"),
    [
        (["truck-left"], "horizontal", -5.0), (["pedestal-up"], "vertical", 5.0), (["tilt-down"], "pan", -5.0),
        (["pan-right"], "tilt", 5.0), (["zoom-in"], "zoom", -5.0), (["push-in"], None, 0),
        (["pan-left", "tilt-up"], None, 0), (["orbit-left"], None, 0),
    ],
)  # fmt: skip
def test_camera_control_moves_one_axis_or_is_told_in_words(kinds: list[str], axis: str | None, value: float) -> None:
    body = wire_of("kling", model="kling-v1-5-pro", camera=camera(*kinds)).body
    if axis is None:
        assert "camera_control" not in body
        assert body["prompt"] == f"{', '.join(kind.replace('-', ' ') for kind in kinds)}, a bird flies up"
    else:
        config = body["camera_control"]["config"]
        assert {name: each for name, each in config.items() if each} == {axis: value}
        assert body["prompt"] == "a bird flies up"


def test_the_camera_is_not_said_twice() -> None:
    for prompt in ("slow push in, a bird flies up", "pushing in on a bird"):
        assert wire_of("luma", camera=camera("push-in"), prompt=prompt).body["prompt"] == prompt


# ------------------------------------------------------------------------------------------------ pictures, sounds


@pytest.mark.parametrize("size", [(270, 480), (300, 300), (1000, 200), (200, 1000), (64, 64)])
@pytest.mark.parametrize("name", ENGINES)
def test_the_still_lies_whole_in_what_is_sent(name: str, size: tuple[int, int], tmp_path: Path) -> None:
    wire = wire_of(name, scene_of(*size), tmp_path)
    width, height = wire.size
    inner = (width, height) if wire.window is None else (wire.window.width, wire.window.height)
    assert inner[0] / inner[1] == pytest.approx(size[0] / size[1], rel=0.03)
    assert width % 2 == height % 2 == 0
    if name == "kling":
        assert min(width, height) >= 300
        assert 1 / 2.5 <= width / height <= 2.5
    if name in ("runway", "luma", "heygen"):
        assert min(width, height) >= 672


def test_a_picture_that_is_too_large_becomes_the_best_jpeg_that_fits() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (400, 600, 3), dtype=np.uint8)
    assert picture(noise, "still", 10**7).mime == "image/png"
    small = picture(noise, "still", 400_000)
    assert small.mime == "image/jpeg"
    assert 150_000 < len(small.data) <= 400_000
    assert small.id == picture(noise, "still", 10**7).id, "the id is the pixels'"
    with pytest.raises(UsageError, match="give a smaller one"):
        picture(noise, "still", 1000)


def test_a_sound_is_sent_as_wav() -> None:
    import io
    import wave

    sent = voice_file(voice().sound, 10**7)
    with wave.open(io.BytesIO(sent.data)) as opened:
        assert (opened.getnchannels(), opened.getframerate(), opened.getnframes()) == (1, 16000, 48000)
    with pytest.raises(UsageError, match="give a shorter recording"):
        voice_file(voice().sound, 1000)


def test_recordings_of_a_length_that_is_not_taken_are_refused() -> None:
    for name, seconds, words in (("heygen", 181.0, "at most 180"), ("did", 301.0, "longer than 300 s")):
        shot = shot_of(name)
        with pytest.raises(UsageError, match=words):
            provider_of(name).prepare(order_of(name, scene_of(), shot, voice(seconds)))


def test_a_brush_of_what_lies_behind_people_leaves_them_out() -> None:
    matte = np.zeros((40, 60), np.float32)
    matte[10:, 20:35] = 1
    paths = (np.array([[2, 30], [18, 30]], np.float32), np.array([[57, 32], [40, 32]], np.float32))
    strokes = Strokes(np.ones((40, 60), np.float32), paths)
    around = around_people(strokes, matte)
    assert not around.mask[matte > 0.5].any()
    assert (around.mask[matte == 0] == 1).all()
    over = Strokes(np.ones((40, 60), np.float32), (np.array([[28, 38], [28, 12]], np.float32),))
    assert around_people(over, matte) is over, "hair or a skirt is meant"
    assert around_people(strokes, None) is strokes


def test_a_short_line_is_followed_by_silence_where_more_is_wanted() -> None:
    wire = provider_of("heygen").prepare(order_of("heygen", scene_of(), shot_of("heygen"), voice(1.5)))
    with wave.open(io.BytesIO(wire.files[1].data)) as opened:
        samples = np.frombuffer(opened.readframes(opened.getnframes()), np.int16)
    assert len(samples) == 3 * 16000
    assert samples[: 24000 - 100].any()
    assert not samples[24000:].any()


def test_files_go_in_as_each_needs_them() -> None:
    wire = wire_of("kling")
    files = {file.id: file for file in wire.files}
    text = fitted(wire.body, files, {})["image"]
    assert not text.startswith("data:")
    uri = fitted(wire_of("runway").body, {file.id: file for file in wire_of("runway").files}, {})["promptImage"]
    assert uri.startswith("data:image/png;base64,iVBOR")
    assert utf16("a\N{OWL}") == 3


# ---------------------------------------------------------------------------------------------------------- the key


@pytest.mark.parametrize("name", ENGINES)
def test_what_makes_a_job_this_job(name: str, tmp_path: Path) -> None:
    def key(scene: Scene | None = None, **more: Any) -> str:
        shot = shot_of(name, tmp_path, **more)
        return key_of(name, wire_of(name, scene, tmp_path, **more), shot.seed)

    first = key()
    assert key() == first
    assert key(seed=8) != first, "another take"
    assert key(scene_of(480, 272)) != first, "another picture"
    if name not in ("did",):
        assert key(prompt="a bird dives") != first
    assert key(fps=Fraction(24), price=3.0, reasons=("so",)) == first, "what is not asked of the provider"


# ------------------------------------------------------------------------------------------------------- workflows


def test_a_node_is_filled_by_its_title() -> None:
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "x.png"}, "_meta": {"title": "Image"}},
        "2": {
            "class_type": "CLIPTextEncode", "inputs": {"text": "x", "clip": ["1", 0]},
            "_meta": {"title": "Negative Prompt"},
        },
        "3": {"class_type": "PrimitiveInt", "inputs": {"value": 1}, "_meta": {"title": "seed"}},
    }  # fmt: skip
    filled, used, unfilled = filled_in(graph, {"image": "a.png", "negative": "blur", "seed": 4})
    assert [node["inputs"] for node in filled.values()] == [
        {"image": "a.png"}, {"text": "blur", "clip": ["1", 0]}, {"value": 4},
    ]  # fmt: skip
    assert used == {"image", "negative", "seed"}
    assert unfilled == []


BAD_WORKFLOWS: list[tuple[str, str]] = [
    ("", "it is no workflow in the API's format"), ("[" * 100_000, "it is no workflow"), ("{}", "it is no workflow"),
    ('{"nodes": [], "links": []}', "saved for the page"), ('{"1": 5}', "it is no workflow"),
    ('{"1": {"class_type": "X", "inputs": {}}}', "nothing in it takes the picture"),
    ('{"1": {"class_type": "X", "inputs": {"a": "{image}", "b": "{steps}"}}}', "add --steps"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), BAD_WORKFLOWS)
def test_a_workflow_that_cannot_be_used(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        wire_of("comfyui", model=str(path))


def test_no_workflow_at_all(tmp_path: Path) -> None:
    for model, words in (("", "give --model workflow.json"), (str(tmp_path / "none.json"), "no such file")):
        with pytest.raises(UsageError, match=words):
            wire_of("comfyui", model=model)
    assert json.dumps(WORKFLOW)


def test_shots_that_are_not_its_own_are_refused() -> None:
    from tests.remote_kit import engine_of

    for name in ENGINES:
        engine = engine_of(name)
        shot = Shot(
            family="generator",
            engine=name,
            motion="live",
            seconds=Fraction(5),
            fps=Fraction(24),
            size=(480, 270),
            seed=0,
        )
        with pytest.raises(UsageError, match="it cannot do the motion live"):
            engine.prepare(scene_of(), shot, None)


# ------------------------------------------------------------------------------------- held against the official SDKs


def declared(kind: Any) -> tuple[dict[str, Any], set[str]]:
    """(field as it goes over the wire -> its type, those that must be there) of a TypedDict of the SDKs."""
    import typing

    fields, needed = {}, set()
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        wire_name, required = name, False
        queue = [hint]
        while queue:
            at = queue.pop()
            if (typing.get_origin(at) or at) is not None and str(typing.get_origin(at)).endswith("Required"):
                required = True
                queue.append(typing.get_args(at)[0])
            elif hasattr(at, "__metadata__"):
                wire_name = next((m.alias for m in at.__metadata__ if getattr(m, "alias", None)), wire_name)
                hint = at.__origin__
                queue.append(hint)
            else:
                hint = at
        fields[wire_name] = hint
        if required:
            needed.add(wire_name)
    return fields, needed


def chosen(hint: Any) -> tuple[Any, ...]:
    """The values of a Literal, wherever it stands in a type; none for other types."""
    import typing

    if typing.get_origin(hint) is typing.Literal:
        return typing.get_args(hint)
    return tuple(value for each in typing.get_args(hint) for value in chosen(each))


@pytest.mark.parametrize(
    ("model", "kind", "more"),
    [
        ("gen4_turbo", "Gen4Turbo", {}), ("gen4.5", "Gen4_5", {}), ("veo3.1", "Veo3_1", {"seconds": Fraction(8)}),
        ("veo3.1_fast", "Veo3_1Fast", {"seconds": Fraction(8), "ends": True, "negative": "blur"}),
        ("kling2.5_turbo_pro", "Kling2_5TurboPro", {"guidance": 0.5, "loop": True}),
        ("kling3.0_standard", "Kling3_0Standard", {"guidance": 0.5, "ends": True}),
    ],
)  # fmt: skip
def test_runways_own_sdk_knows_every_field(model: str, kind: str, more: dict[str, Any]) -> None:
    params = pytest.importorskip("runwayml.types.image_to_video_create_params")
    fields, needed = declared(getattr(params, kind))
    for size in ((480, 270), (270, 480), (400, 400)):
        body = told(wire_of("runway", scene_of(*size, end=END), model=model, **more))
        assert needed <= set(body) <= set(fields)
        for name in ("model", "ratio", "duration"):
            values = chosen(fields[name]) if name in body else ()
            assert not values or body[name] in values
        assert type(body["duration"]) is int


def test_lumas_own_sdk_knows_every_field() -> None:
    create = pytest.importorskip("luma_agents.types.generation_create_params")
    from luma_agents.types.image_ref_param import ImageRefParam
    from luma_agents.types.model import Model
    from luma_agents.types.video_duration import VideoDuration
    from luma_agents.types.video_options_param import VideoOptionsParam
    from luma_agents.types.video_resolution import VideoResolution

    fields, needed = declared(create.GenerationCreateParams)
    options, _ = declared(VideoOptionsParam)
    references, _ = declared(ImageRefParam)
    for size in ((480, 270), (270, 480), (300, 300), (1000, 300), (400, 300), (300, 400)):
        for more in ({}, {"ends": True}, {"loop": True}, {"seconds": Fraction(10)}):
            body = told(wire_of("luma", scene_of(*size, end=END), **more))
            assert needed <= set(body) <= set(fields)
            assert set(body["video"]) <= set(options)
            assert set(body["video"]["start_frame"]) <= set(references)
            assert body["aspect_ratio"] in chosen(fields["aspect_ratio"])
            assert body["model"] in chosen(Model)
            assert body["video"]["duration"] in chosen(VideoDuration)
            assert body["video"]["resolution"] in chosen(VideoResolution)


def test_a_workflow_with_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text('{"1": {"class_type": "A", "inputs": {"image": "{image}"}, "is_changed": [NaN]}}')
    with pytest.raises(UsageError, match="API's format"):
        provider_of("comfyui").prepare(
            order_of(
                "comfyui", scene_of(), shot_of("comfyui").model_copy(update={"model": str(tmp_path / "w.json")}), None
            )
        )


@pytest.mark.parametrize(
    ("voice_id", "sent"),
    [
        ("microsoft:en-US-JennyNeural", ("microsoft", "en-US-JennyNeural")),
        ("google:en-US-Wavenet-A", ("google", "en-US-Wavenet-A")),
        ("en-US-JennyNeural", ("microsoft", "en-US-JennyNeural")),
        ("21m00Tcm4TlvDq8ikWAM", ("elevenlabs", "21m00Tcm4TlvDq8ikWAM")),
    ],
)
def test_a_voice_goes_to_whom_it_belongs(voice_id: str, sent: tuple[str, str]) -> None:
    from stillwake.engines.remote.providers.did import _voice

    assert _voice(voice_id) == sent


def test_how_much_moves_is_said_where_there_is_a_number_for_it() -> None:
    def body(name: str, strength: float) -> Any:
        shot = shot_of(name).model_copy(
            update={"strength": strength, "expression": "happy" if name == "did" else None}
        )
        return provider_of(name).prepare(order_of(name, scene_of(), shot, voice()))

    gentle = body("did", 0.4).body["config"]
    assert gentle["motion_factor"] == 0.4
    assert gentle["driver_expressions"]["expressions"][0]["intensity"] == 0.4
    assert "motion_factor" not in body("did", 1.0).body["config"]
    steps = [body("heygen", strength).body.get("expressiveness") for strength in (0, 0.5, 0.9, 1)]
    assert steps == ["low", "medium", "high", None]
    wire = provider_of("runway").prepare(
        order_of("runway", scene_of(), shot_of("runway").model_copy(update={"strength": 0.3}), None)
    )
    assert any("strength of motion" in warning for warning in wire.warnings)
