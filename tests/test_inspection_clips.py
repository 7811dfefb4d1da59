"""Real clips of the demo's photograph, injured in a known place: the finding comes there, and only there."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from stillwake.inspection import contact_sheet, inspect
from stillwake.inspection.evidence import gather
from stillwake.types import ClipFinding, Inspection, Scene

TEXT = "Maybe my mother will bake a marvellous apple pie before Bob comes."


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """The injuries are the benchmark's own."""
    folder = Path(__file__).parents[1] / "benchmarks" / "inspection"
    spec = importlib.util.spec_from_file_location(
        "benchmarks_inspection", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def take(bench: ModuleType) -> Any:
    pytest.importorskip("skimage")
    from stillwake.speech import say

    # The photograph's own size: in a mouth under 40 px the mesh's error in a compressed clip reaches the limit.
    return bench.a_take(bench.a_still(), say(TEXT), 512)


@pytest.fixture(scope="module")
def clean(bench: ModuleType, take: Any, tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    found: Inspection = bench.inspected(take, tmp_path_factory.mktemp("clean"), raw=True)
    return found


def finding(inspection: Inspection, check: str) -> ClipFinding:
    (found,) = [finding for finding in inspection.findings if finding.check == check]
    return found


def raised(inspection: Inspection) -> set[str]:
    return {finding.check for finding in inspection.findings if finding.verdict in ("warn", "fail")}


def test_a_clean_clip_passes_and_every_check_has_spoken(clean: Inspection) -> None:
    assert clean.passed
    assert raised(clean) == set()
    seen = {finding.check for finding in clean.findings if finding.verdict == "pass"}
    assert seen >= {
        "length", "frame times", "sound length", "sound", "sync", "closures", "background raw", "mask share",
        "background", "background ripple", "folds", "inverse", "freeze", "black", "flicker",
    }  # fmt: skip
    assert abs(finding(clean, "sync").measured or 0) < 15
    assert finding(clean, "background raw").measured == 0


@pytest.mark.parametrize(
    ("injury", "strength", "must", "may"),
    [
        ("sound_shifted", 80, {"sound", "sync"}, {"sync heard"}),
        pytest.param("sound_shifted", -120, {"sound", "sync"}, {"sync heard"}, marks=pytest.mark.slow),
        pytest.param(
            "words_moved",
            120,
            {"sync"},
            {"closures", "freeze", "sync heard", "silence", "sync drift"},
            marks=pytest.mark.slow,
        ),
        pytest.param("sound_drifts", 480, {"sound", "sync drift"}, {"sync", "sync heard"}, marks=pytest.mark.slow),
        ("closures_open", 0.4, {"closures"}, {"freeze", "still mouth"}),
        ("background_warps", 2, {"background shift", "background ripple"}, {"background", "warp"}),
        ("teeth_flicker", 14, {"teeth"}, set()),
        ("freezes", 8, {"freeze"}, {"closures", "still mouth", "jump"}),
        ("fades_through", 0.8, {"fade"}, set()),
        pytest.param(
            "frame_dropped",
            2,
            {"length"},
            {"sound length", "sync", "sync drift", "closures", "dropped frames", "jump"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_an_injury_is_found_and_nothing_else(
    bench: ModuleType,
    take: Any,
    clean: Inspection,
    tmp_path: Path,
    injury: str,
    strength: float,
    must: set[str],
    may: set[str],
) -> None:
    hurt = bench.injured(take, injury, strength)
    found = bench.inspected(hurt.take, tmp_path)
    assert must <= raised(found), f"missed: {[f.why for f in found.findings if f.check in must]}"
    assert raised(found) <= must | may, f"stray: {raised(found) - must - may}"
    if injury == "sound_shifted":
        assert finding(found, "sync").measured == pytest.approx(
            (finding(clean, "sync").measured or 0) - strength, abs=6
        )
        assert finding(found, "sound").measured == pytest.approx(strength, abs=2)
        assert not found.passed
    if injury == "freezes":
        frozen = finding(found, "freeze")
        assert frozen.start == pytest.approx(hurt.truth.start, abs=0.12)
        assert frozen.measured == pytest.approx(9 / 25, abs=0.1)


def test_nothing_is_read_in_the_frames_of_a_fade(bench: ModuleType, take: Any, tmp_path: Path) -> None:
    hurt = bench.injured(take, "fades_through", 0.8)
    clip = bench.encoded(hurt.take, tmp_path)
    seen = gather(clip, still=None, scene=None, speech=None, performance=None, plan=None, on_progress=lambda *_: None)
    (fade,) = seen.changes
    assert fade.seconds(seen.fps) == (
        pytest.approx(hurt.truth.start, abs=0.12),
        pytest.approx(hurt.truth.end, abs=0.12),
    )
    within = (seen.seen.index >= fade.first) & (seen.seen.index <= fade.last)
    for part in (seen.seen.opening, seen.seen.width, seen.seen.change):
        assert np.isnan(part[within]).all()
        assert np.isfinite(part[~within]).mean() > 0.8
    start, end = fade.seconds(seen.fps)
    looks = (seen.rigid.times > start) & (seen.rigid.times < end)
    assert looks.any()
    for part in (seen.rigid.warp, seen.rigid.texture):
        assert np.isnan(part[looks]).all()


def test_a_warp_of_plain_ground_is_no_injury(bench: ModuleType, take: Any) -> None:
    plain = [np.full_like(frame, 90) for frame in take.frames]
    assert bench.injured(take, "background_warps", 2) is not None
    assert bench.injured(replace(take, frames=plain), "background_warps", 2) is None


def test_a_strangers_clip_is_inspected_from_its_own_sound(bench: ModuleType, take: Any, tmp_path: Path) -> None:
    clip = bench.encoded(bench.injured(take, "sound_shifted", -200).take, tmp_path)
    found = inspect(clip)
    heard = finding(found, "sync")
    assert heard.verdict in ("warn", "fail")
    assert heard.measured == pytest.approx(200, abs=40)
    for check in ("background raw", "folds", "inverse"):
        assert finding(found, check).verdict == "unseen"
        assert finding(found, check).why
    assert not {f.check for f in found.findings if f.verdict == "fail"} - {"sync"}


def test_a_clip_without_sound_or_face_is_unseen_not_passed(tmp_path: Path) -> None:
    from stillwake.media import write_clip

    rng = np.random.default_rng(0)
    frames = (rng.integers(0, 255, (96, 128, 3), np.uint8) for _ in range(20))
    clip = write_clip(tmp_path / "noise.mp4", frames, fps=Fraction(25), frame_count=20, size=(128, 96))
    verdicts = {finding.check: finding.verdict for finding in inspect(clip).findings}
    for check in ("length", "sound length", "sync", "sync drift", "closures", "silence", "teeth"):
        assert verdicts[check] == "unseen", check


@pytest.mark.parametrize("kind", ["photo", "drawn"])
def test_a_face_that_comes_back_elsewhere_is_found_again(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    import cv2

    from stillwake.inspection.evidence import gather
    from stillwake.media import write_clip

    scene: Scene = request.getfixturevalue("astronaut" if kind == "photo" else "mira")
    x0, y0, x1, y1 = (round(v) for v in scene.faces[0].box)
    reach = (x1 - x0) // 2
    face = scene.still.pixels[max(0, y0 - reach) : y1 + reach, max(0, x0 - reach) : x1 + reach]
    face = cv2.resize(face, None, fx=1.5, fy=1.5)
    height, width = face.shape[:2]
    frames = []
    for k in range(40):
        frame = np.full((2 * height, 3 * width, 3), 190, np.uint8)
        if k < 10:
            frame[:height, :width] = face
        elif k >= 20:  # gone for a while, then at the other end and smaller
            small = cv2.resize(face, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
            frame[-small.shape[0] :, -small.shape[1] :] = small
        frames.append(frame[: 2 * height // 2 * 2, : 3 * width // 2 * 2])
    size = frames[0].shape[1], frames[0].shape[0]
    clip = write_clip(tmp_path / "there.mp4", iter(frames), fps=Fraction(25), frame_count=40, size=size)
    nothing: dict[str, Any] = dict.fromkeys(("still", "scene", "speech", "performance", "plan"))
    seen = np.isfinite(gather(clip, **nothing, on_progress=lambda *_: None).seen.opening)
    assert seen[:10].all()
    assert not seen[10:20].any()
    assert seen[26:].all()


@pytest.mark.parametrize("which", [0, 1])
def test_of_two_faces_the_one_that_is_near_is_it_again(which: int, astronaut: Scene) -> None:
    from stillwake.perceive import MeshReader

    one = astronaut.still.pixels
    x0, y0, x1, y1 = astronaut.faces[0].box
    both = np.ascontiguousarray(np.hstack([one, one]))
    side = one.shape[1]
    with MeshReader() as reader:
        found = reader.look_for(both, (which * side + x0 - 40, y0 + 30, which * side + x1 - 40, y1 + 30))
        assert reader.look_for(np.full_like(one, 128), astronaut.faces[0].box) is None
    assert found is not None
    assert np.allclose(found[0], (which * side + x0, y0, which * side + x1, y1), atol=0.15 * (x1 - x0))


def test_the_sheet_shows_the_shapes_that_occur(bench: ModuleType, take: Any, tmp_path: Path) -> None:
    from PIL import Image

    clip = bench.encoded(replace(take, frames=take.frames[:60]), tmp_path)
    path = contact_sheet(clip, tmp_path / "sheet.png", scene=take.scene, speech=take.speech)
    with Image.open(path) as sheet:
        assert sheet.format == "PNG"
        pixels = np.asarray(sheet.convert("RGB"), np.float32)
    assert pixels.shape[1] > 1500
    first = pixels[92 : 92 + 300, 32 : 32 + 300]
    assert first.std() > 30, "the first face is not drawn"
    bare = contact_sheet(clip, tmp_path / "bare.png")
    assert bare.stat().st_size > 10_000
