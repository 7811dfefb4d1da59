"""What the file itself allows: size, aspect, softness, compression."""

from __future__ import annotations

from stillwake.readiness import signals
from stillwake.readiness.limits import Limit
from stillwake.readiness.unlooked import unseen
from stillwake.types import Finding, Scene

_BENCH = "benchmarks/readiness.py, between the 5 % and 1 % thresholds of both halves"
RESOLUTION = Limit(720, None, "px", "generators take 1280 × 720 and up without enlarging; read in their manuals")
ASPECT = Limit(0.12, None, "of the picture", "16:9, 9:16 and 1:1 are what the engines take; a tenth can be cut unseen")
SOFTNESS = Limit(4.4, None, "ln", _BENCH)
BLOCKS = Limit(4.0, None, "ratio", "the roughest of 71 stills has 3.5")
BLENDED = Limit(0.85, None, "of the figure", "139 photographs of people reach .81, an oil painting .94")
LIMITS = {
    "resolution": RESOLUTION,
    "aspect": ASPECT,
    "softness": SOFTNESS,
    "compression": BLOCKS,
    "texture": BLENDED,
}
_CLEAN = 0.45
"""Share of blending below which a drawing is lines and blocks of colour; cel drawings have .19 to .45."""
ASPECTS = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0}


def file_findings(scene: Scene) -> list[Finding]:
    """The findings about the file."""
    return [
        _style(scene),
        _resolution(scene),
        _aspect(scene),
        _softness(scene),
        _compression(scene),
        _texture(scene),
    ]


def _style(scene: Scene) -> Finding:
    why = {"drawn": "it is drawn", "painting": "it is a painting", "photo": "it is a photograph, or painted like one"}
    return Finding(check="style", verdict="pass", why=why[scene.style])


def _resolution(scene: Scene) -> Finding:
    width, height = scene.still.size
    size = f"{width} × {height} px"
    return RESOLUTION.finding(
        "resolution",
        min(width, height),
        low=True,
        digits=0,
        good=size,
        bad=f"{size}: generators enlarge it first; the animator takes it as it is",
        fix="use the original, or generate the still again at 1280 × 720 and up",
    )


def _aspect(scene: Scene) -> Finding:
    width, height = scene.still.size
    ratio = width / height
    lost = {name: 1 - min(ratio / target, target / ratio) for name, target in ASPECTS.items()}
    name, value = min(lost.items(), key=lambda item: item[1])
    verdict, limit = ASPECT.high(value)
    return Finding(
        check="aspect",
        verdict=verdict,
        measured=round(value, 3),
        unit=ASPECT.unit,
        limit=limit,
        why=f"{name}, as the engines take it"
        if value < 0.01
        else f"{name} is nearest and cuts {value:.0%} of the picture; the others cut "
        + " and ".join(f"{v:.0%} ({n})" for n, v in lost.items() if n != name),
        fix="" if verdict == "pass" else f"crop or extend it to {name} yourself, before an engine does",
    )


def _softness(scene: Scene) -> Finding:
    value = signals.softness(scene.still.pixels)
    if value is None:
        return unseen("softness", "nothing in it has detail that could be soft")
    return SOFTNESS.finding(
        "softness",
        value,
        good="its edges are as sharp as its size allows",
        bad="it has been enlarged or smoothed: there is no detail at its own size, and soft edges shimmer in motion",
        fix="use the original before it was enlarged, or generate the still again larger",
    )


def _compression(scene: Scene) -> Finding:
    return BLOCKS.finding(
        "compression",
        signals.blockiness(scene.still.pixels),
        good="no blocks of compression are seen",
        bad="compression left blocks of 8 px",
        fix="use the original before it was compressed",
    )


def _texture(scene: Scene) -> Finding:
    if scene.style == "photo":
        return Finding(
            check="texture", verdict="pass", why="the texture of a photograph, or of what is painted like one"
        )
    value = signals.blended(scene.still.pixels, scene.matte)
    if value is None:
        return unseen("texture", "too little of a figure is seen")
    verdict, limit = BLENDED.high(value)
    return Finding(
        check="texture",
        verdict=verdict,
        measured=round(value, 2),
        unit=BLENDED.unit,
        limit=limit,
        why="clean lines and blocks of colour"
        if value < _CLEAN
        else "soft shading between its lines"
        if verdict == "pass"
        else "painterly blending all over: a generator paints its strokes anew from frame to frame",
        fix="" if verdict == "pass" else "keep the motion small, or generate the still again with cleaner surfaces",
    )
