"""Does the router choose the right family of engine, and what does a plan cost in time?"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
PLAN_BAR = 0.2
"""s; the project's own bar for a plan of a 4K still, beyond perception."""


def _brief(asked: dict[str, Any]) -> Any:
    from stillwake.types import Brief

    asked = dict(asked)
    if asked.pop("sound", False):
        asked["sound"] = Path("song.wav")
    if asked.pop("brush", False):
        asked["brush"] = Path("water.json")
    return Brief(**asked)


def family(asked: dict[str, Any]) -> tuple[str, str]:
    """The family that a brief goes to ("animator", "generator", "both"), and the rule that says so."""
    from stillwake.route import asks_of, decided

    brief = _brief(asked)
    rule, _ = decided(brief, asks_of(brief))
    return rule.family, rule.name


def score(cases: list[dict[str, Any]], title: str) -> None:
    """Print how many of the cases go where they should, and which do not."""
    wrong = [case for case in cases if family(case["brief"])[0] != case["family"]]
    print(f"   {title}: {len(cases) - len(wrong)} of {len(cases)} right (bar: all)")
    for case in wrong[:40]:
        print(f"      {case['family']}, not {family(case['brief'])[0]} ({family(case['brief'])[1]}): {case['brief']}")


def plan_time() -> None:
    """Print how long a plan of a 4K still takes, at its worst."""
    from stillwake import route
    from stillwake.doctor import demo_still
    from stillwake.media import open_still
    from stillwake.perceive import perceive
    from stillwake.readiness import check

    scene = perceive(open_still(demo_still()))
    report = check(scene)
    rng = np.random.default_rng(0)
    size = (2160, 3840)
    for what, pixels in (
        ("plain, the dearest", np.full((*size, 3), 90, np.uint8)),
        ("of noise", rng.integers(0, 256, (*size, 3), np.uint8)),
    ):
        still = dataclasses.replace(scene.still, pixels=pixels)
        large = dataclasses.replace(scene, still=still, matte=np.zeros(size, np.float32))
        for asked in (
            {"say": "Hi."},
            {"prompt": "slow push in, waves breaking, then she turns", "seconds": 30},
            {"prompt": "slow push in, waves breaking", "aspect": "9:16"},
        ):
            took = []
            plans = set()
            for _ in range(5):
                start = time.perf_counter()
                plans.add(route.plan(large, report, _brief(asked), None).to_json())
                took.append(time.perf_counter() - start)
            same = "the same five times" if len(plans) == 1 else "NOT THE SAME"
            print(f"   a plan for a 4K still {what}, {asked}: {min(took):.3f} s (bar {PLAN_BAR} s), {same}")


def main() -> None:
    """Print the score of each table of briefs, and the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--briefs", type=Path, help="another table: a JSON list of {brief, family}")
    given = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from tests.briefs import CASES

    families = {"animator": "animator", "generator": "generator", "animator+generator": "both"}
    own = [{"brief": case.brief, "family": families[case.families]} for case in CASES if "engine" not in case.brief]
    score(own, "written down before the router")
    unseen = json.loads((ROOT / "tests" / "briefs_unseen.json").read_text(encoding="utf-8"))
    score(unseen, "written by others without a look at it; mended on since")
    if given.briefs is not None:
        score(json.loads(given.briefs.read_text(encoding="utf-8")), given.briefs.name)
    plan_time()


if __name__ == "__main__":
    main()
