"""Is hair told from hats, clothes, arms and walls: places marked by hand, what the net says, what the animator moves.

    python -m benchmarks hair [FOLDER] [--weights FILE]

FOLDER holds stills (default: ``../shared/stills``, skipped where it is missing). On 61 of them places were marked
by eye that are hair of the first face, crown and tips, and places near it that are none: hats, ribbons, sleeves,
collars, skin, what lies behind.

They were marked before the net that is shipped was looked at; nets of earlier drawings had been seen on these stills,
and what they missed had a say in what is drawn.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.readiness import SHARED, interval
from stillwake.engines.animator.fields import grid_over
from stillwake.engines.animator.hair import find_hair
from stillwake.media import open_still
from stillwake.perceive import hair as net
from stillwake.perceive.look import perceive
from stillwake.readiness.character import length_name
from stillwake.readiness.hair import hair_of

MARKS = {
    "drawn_00": (".30 .20, .15 .50, .80 .40, .20 .85, .80 .85", ".50 .60, .05 .15"),
    "drawn_03": (".50 .33, .35 .60, .70 .65, .32 .72", ".40 .92, .60 .90, .57 .85, .50 .80"),
    "drawn_04": (".40 .40, .32 .60, .60 .25, .72 .70, .36 .60", ".35 .90, .55 .95, .45 .78, .68 .90"),
    "drawn_05": (".45 .30, .33 .55, .68 .60, .60 .80", ".40 .92, .75 .92, .50 .90"),
    "drawn_06": (".40 .25, .65 .50, .69 .40, .62 .75", ".25 .90, .50 .87, .70 .90"),
    "drawn_07": (".50 .30, .30 .60, .70 .65, .35 .85, .72 .85", ".50 .85, .22 .92, .60 .93"),
    "drawn_12": (".50 .10, .25 .40, .75 .40, .36 .65, .74 .65", ".18 .65, .40 .90, .85 .66, .85 .57"),
    "drawn_13": (".35 .25, .68 .30, .25 .45", ".45 .15, .80 .25, .85 .55, .45 .75, .25 .68"),
    "drawn_14": (".45 .15, .25 .45, .75 .25, .80 .55", ".60 .68, .75 .80, .35 .85, .10 .30"),
    "drawn_36": (".14 .40, .27 .44", ".20 .28, .30 .36, .15 .53, .30 .55, .20 .75"),
    "drawn_37": (".55 .10, .70 .20, .55 .60, .75 .40", ".30 .52, .10 .70, .72 .33, .35 .85"),
    "drawn_40": (".50 .10, .20 .50, .80 .60, .20 .80, .85 .85", ".50 .85, .65 .95"),
    "drawn_43": (".40 .10, .20 .40, .75 .30, .15 .80, .68 .68", ".05 .12, .45 .75, .60 .90, .20 .90, .90 .30"),
    "drawn_44": (".50 .10, .30 .25, .70 .40, .33 .45", ".50 .65, .20 .80, .62 .15, .60 .80"),
    "drawn_45": (".50 .13, .31 .40, .69 .40, .27 .65", ".30 .90, .75 .90, .50 .90, .10 .40"),
    "drawn_46": (".50 .08, .30 .20, .65 .30, .62 .50", ".40 .80, .25 .65, .60 .90, .75 .65"),
    "drawn_48": (".45 .33, .72 .25, .78 .50, .80 .65", ".55 .20, .45 .24, .60 .55, .56 .52"),
    "drawn_51": (".30 .20, .30 .40, .66 .33", ".50 .05, .60 .12, .65 .20, .50 .55, .40 .70"),
    "drawn_52": (".60 .15, .45 .25, .44 .55, .90 .15", ".50 .70, .20 .65, .55 .85, .93 .70"),
    "drawn_53": (".40 .20, .23 .35, .55 .35", ".40 .10, .55 .15, .40 .65, .20 .75"),
    "drawn_55": (".25 .40, .50 .30, .50 .75, .15 .80", ".35 .12, .33 .15, .35 .75, .60 .60, .40 .60"),
    "drawn_60": (".70 .20, .60 .35, .88 .30, .85 .45", ".82 .13, .40 .72, .72 .65, .85 .60"),
    "drawn_61": (".50 .15, .30 .25, .75 .35", ".50 .75, .40 .90, .70 .85, .15 .20, .95 .10"),
    "drawn_64": (".50 .20, .25 .50, .75 .50, .15 .80, .72 .70", ".50 .85, .85 .60, .90 .85"),
    "drawn_65": (".50 .20, .35 .35, .75 .35, .90 .60", ".40 .05, .80 .20, .90 .40, .70 .92, .25 .80"),
    "drawn_66": (".45 .20, .38 .35, .65 .30, .75 .35", ".35 .65, .45 .85, .10 .40, .50 .47, .70 .65"),
    "drawn_70": (".50 .22, .37 .50, .75 .40, .83 .60, .35 .75", ".42 .32, .65 .75, .70 .90"),
    "drawn_71": (".40 .20, .30 .45, .80 .30, .85 .55", ".50 .80, .35 .85, .80 .85"),
    "drawn_77": (".50 .18, .43 .30, .60 .40, .67 .50, .64 .55", ".50 .58, .40 .50, .55 .74"),
    "drawn_78": (".50 .18, .40 .25, .65 .35, .72 .45", ".50 .45, .45 .65, .38 .50, .60 .50"),
    "drawn_79": (".48 .18, .38 .30, .33 .60, .35 .70", ".45 .60, .50 .75, .47 .52"),
    "drawn_80": (".50 .18, .42 .33, .60 .30", ".50 .50, .45 .70, .72 .60, .38 .55"),
    "drawn_81": (".50 .18, .42 .35, .62 .40, .44 .48", ".50 .65, .65 .60, .45 .55"),
    "drawn_82": (".50 .15, .45 .20, .57 .20", ".45 .42, .50 .60, .40 .60, .60 .50"),
    "drawn_83": (".50 .14, .42 .25, .60 .20", ".40 .50, .50 .60, .60 .45"),
    "drawn_84": (".50 .16, .42 .25, .60 .25", ".40 .50, .50 .42, .60 .60"),
    "photo_00": (".40 .15, .30 .25, .85 .30, .60 .40", ".10 .30, .50 .97"),
    "photo_02": (".45 .10, .30 .20, .80 .30, .25 .40", ".05 .50"),
    "photo_03": (".40 .15, .20 .30, .85 .30", ".22 .55, .20 .95, .95 .60"),
    "photo_04": (".50 .10, .30 .30, .80 .40", ".82 .55, .10 .50, .50 .95"),
    "photo_05": (".50 .10, .30 .20, .75 .20", ".75 .85, .25 .55"),
    "photo_07": (".50 .20, .30 .35, .75 .35", ".35 .85, .50 .85, .65 .90"),
    "photo_11": (".50 .12, .42 .18, .62 .20", ".20 .45, .85 .50, .50 .60"),
    "photo_19": (".50 .10, .45 .15", ".50 .50, .70 .50, .50 .35"),
    "photo_22": (".50 .22, .35 .40, .75 .40, .30 .75, .80 .75", ".10 .40, .90 .40"),
    "photo_24": (".40 .20, .60 .20", ".70 .35, .15 .60, .40 .75"),
    "photo_27": (".50 .08, .30 .25, .70 .25, .75 .45", ".42 .15, .30 .85"),
    "photo_30": (".40 .15, .25 .30, .65 .20", ".50 .90, .70 .85, .52 .63"),
    "photo_31": (".50 .20, .20 .40, .80 .40, .25 .65", ".05 .50, .50 .95"),
    "photo_32": (".75 .15, .85 .25", ".50 .20, .85 .75, .80 .40"),
    "photo_36": (".25 .30, .20 .60, .65 .40, .20 .80", ".20 .10, .80 .10, .60 .70, .80 .85"),
    "photo_37": (".35 .15, .60 .10, .68 .20", ".28 .60, .70 .58, .20 .95, .70 .90"),
    "photo_38": (".50 .10, .25 .35, .80 .35, .25 .65", ".50 .90"),
    "photo_40": (".35 .20, .30 .50, .80 .20", ".50 .80, .70 .85, .10 .40"),
    "photo_41": (".50 .20, .40 .25, .27 .45, .75 .25", ".15 .80, .45 .70"),
    "photo_42": ("", ".40 .10, .50 .10, .30 .35, .35 .75, .20 .85"),
    "photo_53": (".40 .12, .35 .30, .38 .42", ".60 .35, .50 .50"),
    "photo_54": (".50 .12, .40 .25", ".50 .60, .40 .60, .65 .65"),
    "photo_55": (".40 .15, .25 .35, .80 .30", ".50 .85, .20 .90, .60 .75"),
    "photo_59": (".43 .50, .35 .50", ".40 .40, .20 .25, .40 .65, .60 .25"),
    "photo_61": (".36 .30, .38 .60, .37 .75", ".42 .75, .50 .90, .80 .30"),
}
"""By name of the still: hair, and what is near it and none, shares of width and height, marked by eye."""


LENGTHS = {
    "m": "d03 d04 d05 d06 d13 d14 d36 d66 d71 p38 p40 p41",
    "l": "d07 d37 d40 d43 d44 d45 d48 d53 d64 d70 d77 d78 d79 d81 p22 p36 p53 p61",
    "ml": "d12 d46 d65 p59",
    "sm": "d51 d52 d60 d80 p07 p27 p31 p54 p55",
    "s": "d61 d82 d83 d84 p00 p03 p04 p05 p11 p19 p30 p32 p37 p48",
}
"""Stills (d: drawn_, p: photo_) by how long the hair is to the eye: short, mid-length or long, or either of two."""


def points(text: str) -> list[tuple[float, float]]:
    """The places in one entry."""
    return [(float(x), float(y)) for x, y in (pair.split() for pair in text.split(",") if pair.strip())]


def main() -> None:
    """Print the share of places that are told right, by style, with the net and in what the animator moves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=SHARED)
    parser.add_argument("--weights", type=Path, default=net.WEIGHTS, help="another net")
    asked = parser.parse_args()
    if not asked.folder.is_dir():
        print(f"no stills at {asked.folder.name}: skipped")
        return
    net.WEIGHTS = asked.weights
    right: dict[tuple[str, str, str], list[tuple[str, bool]]] = defaultdict(list)
    folder = {"d": "drawn_", "p": "photo_"}
    length = {folder[name[0]] + name[1:]: letters for letters, names in LENGTHS.items() for name in names.split()}
    named: dict[str, int] = defaultdict(int)
    shares: dict[str, list[float]] = defaultdict(list)
    unmoved = 0
    for path in sorted(asked.folder.rglob("*")):
        if path.stem not in MARKS:
            continue
        scene = perceive(open_still(path))
        if not scene.faces or scene.matte is None:
            print(f"{path.stem}: no face, or nobody stands out")
            continue
        face, (width, height) = scene.faces[0], scene.still.size
        found = net.read_hair(scene.still.pixels, face, scene.matte)
        if path.stem in length and (hair := hair_of(scene.still.pixels, face, scene.matte)) is not None:
            word = length_name(hair)
            named["nothing" if not word else "rightly" if word[0] in length[path.stem] else "wrongly"] += 1
        grid = grid_over(np.array([[-8, -8], [width + 8, height + 8]]), 8, (width, height))
        moved, _ = find_hair(scene, face, grid, scene.matte)
        unmoved += moved is None
        for kind, text in zip(("hair", "no hair"), MARKS[path.stem], strict=True):
            for x, y in points(text):
                at = np.array([x * width, y * height])
                column, row = np.rint(np.linalg.solve(found.back[:, :2], at - found.back[:, 2])).astype(int)
                there = 0 <= column < found.hair.shape[1] and 0 <= row < found.hair.shape[0]
                share = float(found.hair[row, column]) if there else 0.0
                shares[kind].append(share)
                right["net", scene.style, kind].append((path.stem, (share > 0.5) == (kind == "hair")))
                if moved is not None:
                    mask = moved.mask[min(int(at[1]), height - 1), min(int(at[0]), width - 1)]
                    right["animator", scene.style, kind].append((path.stem, (mask > 0.5) == (kind == "hair")))
    for who in ("net", "animator"):
        for kind in ("hair", "no hair"):
            all_of = [told for style in ("drawn", "painting", "photo") for told in right[who, style, kind]]
            by = ", ".join(
                f"{style} {np.mean([hit for _, hit in right[who, style, kind]]):.2f} of {len(right[who, style, kind])}"
                for style in ("drawn", "painting", "photo")
                if right[who, style, kind]
            )
            hits = [hit for _, hit in all_of]
            wrong = sorted({name for name, hit in all_of if not hit})
            print(f"{who}: {kind} told right {np.mean(hits):.2f} {interval(hits, np.random.default_rng(0))}; {by}")
            print(f"  wrong in {len(wrong)}: {', '.join(wrong)}", flush=True)
    hair, none = (np.array(shares[kind]) for kind in ("hair", "no hair"))
    above = (hair[:, None] > none).mean() + (hair[:, None] == none).mean() / 2
    print(f"net: AUC {above:.3f} of {len(hair)} in hair and {len(none)} near it")
    print(f"how long the hair is: {dict(named)}")
    print(f"the animator moves the hair of all but {unmoved} (short, no face seen well, cannot be told)")


if __name__ == "__main__":
    main()
