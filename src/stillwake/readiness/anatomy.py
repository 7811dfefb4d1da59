"""Sign 2, anatomy: hands with their digits, at the ends of their arms, whole in the picture or whole out of it."""

from __future__ import annotations

import numpy as np

from stillwake.perceive.hands import EDGE as CUT
from stillwake.perceive.hands import EXTRA, EXTRA_DRAWN, MISSING, cut_off, margin_of
from stillwake.readiness.arms import BEND, SMALLEST, SPARE, SURE, WRISTS, spare_finding, wrists_finding
from stillwake.readiness.limits import Limit
from stillwake.readiness.unlooked import unseen
from stillwake.types import Body, Finding, Hand, Scene, Style

EDGE = Limit(CUT, None, "of the picture", "benchmarks/hands.py: fingertips cut by the frame; less for small hands")
DIGITS = Limit(
    EXTRA,
    None,
    "logit of a sixth",
    f"benchmarks/hands.py: 4 % alarms on hands of pictures not learned; {EXTRA_DRAWN:g} in drawings",
)
LIMITS = {"whole hands": EDGE, "digits": DIGITS, "wrists": BEND, "spare hand": SPARE}
_CHECKS = ("hands", "digits", "whole hands", "wrists", "spare hand")
_OPEN = 3.0
"""So many straight digits must be on view before a missing one can be told from a bent one."""
ON_VIEW = 1.5
"""So many straight digits must be on view before a sixth one is told, but in drawings, where they are read less
surely: a hand in a pocket was said to have it. Of 257 sixth digits that were put into hands of photographs not learned
and found there, none lies below 2.5 (2026-11-30)."""
_FOLDED = 0.3
"""Lengths of a forearm from its wrist to the other elbow within which the arms are folded, and the hand lies there."""


def anatomy_findings(scene: Scene) -> list[Finding]:
    """The findings about hands."""
    if not scene.looked_for("hands"):
        return [unseen(check, "nothing looked for hands") for check in _CHECKS]
    return [_hands(scene), _digits(scene), _whole(scene), wrists_finding(scene), spare_finding(scene)]


def extra_limit(style: Style) -> float:
    """The logit above which a hand in a still of this style has a digit too many."""
    return EXTRA_DRAWN if style == "drawn" else EXTRA


def outside(hand: Hand, size: tuple[int, int]) -> float:
    """How far a hand reaches over the picture's nearest edge, over its longer side; negative inside."""
    width, height = size
    x0, y0, x1, y1 = hand.box
    return max(-x0, -y0, x1 - width, y1 - height) / max(width, height)


def _hands(scene: Scene) -> Finding:
    count = len(scene.hands)
    if count:
        largest = scene.hands[0]
        if largest.size < SMALLEST:
            return unseen("hands", f"the largest hand is {largest.size:.0f} px, too small to see its fingers")
        return Finding(
            check="hands",
            verdict="pass",
            measured=count,
            unit="hands",
            box=largest.box,
            why=f"{count} hand{'s' if count > 1 else ''} found; resting hands are easier to move than spread ones",
        )
    if scene.style == "drawn":
        return unseen("hands", "drawn hands are missed too often to say that there are none")
    missed = _missed_wrists(scene)
    if missed:
        return unseen("hands", "a wrist is in the picture, but its hand is folded, covered or hard to make out")
    return Finding(
        check="hands", verdict="pass", measured=0, unit="hands", why="no hand is in the picture, which is fine"
    )


def _touching(hand: Hand, scene: Scene) -> bool:
    """Whether another hand's box meets this one's, so that its fingers may be counted here."""
    a = hand.box
    others = (other.box for other in scene.hands if other is not hand)
    return any(min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1]) for b in others)


def _digits(scene: Scene) -> Finding:
    if not scene.hands:
        return unseen("digits", "no hand was found")
    drawn = scene.style == "drawn"
    limit = extra_limit(scene.style)
    counted = [hand for hand in scene.hands if hand.size >= SMALLEST and not _touching(hand, scene)]
    counted = [hand for hand in counted if outside(hand, scene.still.size) < 0]
    if not counted:
        return unseen("digits", "the hands are too small, cut by the frame, or touch each other")
    showing = [hand for hand in counted if drawn or hand.open >= ON_VIEW]
    most = max(showing or counted, key=lambda hand: hand.extra)
    fewest = max(counted, key=lambda hand: hand.missing if hand.open >= _OPEN else 0.0)
    more = bool(showing) and most.extra > limit
    if more:
        hand, why = most, f"a hand seems to have more than five digits ({most.digits:.1f} counted)"
        fix = "look at that hand; inpaint it, or generate the still again"
    elif drawn:
        return unseen(
            "digits", "no sixth digit is seen, but every other one is missed in drawings; lacking ones are not told"
        )
    elif fewest.open >= _OPEN and fewest.missing > MISSING:
        hand, why = fewest, f"an open hand seems to lack a digit ({fewest.digits:.1f} counted)"
        fix = "if nothing hides that finger, inpaint it, or generate the still again"
    elif most.open < _OPEN:
        return unseen("digits", "the hands are closed, hold something or are seen from the side")
    else:
        return Finding(
            check="digits",
            verdict="pass",
            measured=round(most.extra, 2),
            unit=DIGITS.unit,
            limit=limit,
            box=most.box,
            why="nothing speaks for a sixth digit or a missing one; one in four is still missed, so look yourself",
        )
    return Finding(
        check="digits",
        verdict="warn",
        measured=round(hand.extra if more else hand.missing, 2),
        unit=DIGITS.unit if more else "probability of a missing one",
        limit=limit if more else MISSING,
        box=hand.box,
        why=why,
        fix=fix,
    )


def _missed_wrists(scene: Scene) -> list[int]:
    """Wrists of the body that are clearly in the picture while no hand was found there."""
    body, (width, height) = scene.body, scene.still.size
    if body is None:
        return []
    missed = []
    for wrist, elbow in WRISTS:
        x, y = body.joints[wrist]
        arm = float(np.linalg.norm(body.joints[wrist] - body.joints[elbow]))
        inside = 0 <= x < width and 0 <= y < height
        near = any(np.linalg.norm(hand.landmarks[0] - body.joints[wrist]) < 0.6 * arm for hand in scene.hands)
        if body.seen[wrist] > SURE and inside and not near:
            missed.append(wrist)
    return missed


def _crosses(body: Body, wrist: int, elbow: int, size: tuple[int, int]) -> bool:
    """Whether a hand that goes on from the forearm would cross the picture's edge; one in the other elbow does not."""
    arm = body.joints[wrist] - body.joints[elbow]
    (other,) = (end for _, end in WRISTS if end != elbow)
    if np.linalg.norm(body.joints[wrist] - body.joints[other]) < _FOLDED * np.linalg.norm(arm):
        return False
    tip = body.joints[wrist] + 0.4 * arm
    return bool((tip < 0).any() or tip[0] >= size[0] or tip[1] >= size[1])


def _whole(scene: Scene) -> Finding:
    size = scene.still.size
    cut = [hand for hand in scene.hands if cut_off(hand, size)]
    if cut:
        hand = max(cut, key=lambda h: outside(h, size))
        x0, y0, x1, y1 = hand.box
        return Finding(
            check="whole hands",
            verdict="warn",
            measured=round(outside(hand, size), 3),
            unit=EDGE.unit,
            limit=-round(margin_of(hand, size) / max(size), 4),
            box=(max(x0, -0.5), max(y0, -0.5), min(x1, size[0]), min(y1, size[1])),
            why="the frame cuts a hand",
            fix="extend the picture there (outpaint), or crop it so that the whole hand is out",
        )
    body = scene.body
    if body is not None:
        for wrist, elbow in WRISTS:
            if wrist in _missed_wrists(scene) and _crosses(body, wrist, elbow, size):
                x, y = (float(v) for v in body.joints[wrist])
                reach = 0.5 * float(np.linalg.norm(body.joints[wrist] - body.joints[elbow]))
                return Finding(
                    check="whole hands",
                    verdict="warn",
                    box=(max(-0.5, x - reach), max(-0.5, y - reach), min(size[0], x + reach), min(size[1], y + reach)),
                    why="a wrist is in the picture, and its hand goes over the edge",
                    fix="extend the picture there (outpaint), or crop it so that the whole hand is out",
                )
    if not scene.hands:
        return unseen("whole hands", "no hand was found")
    nearest = max(scene.hands, key=lambda hand: outside(hand, size))
    return Finding(
        check="whole hands",
        verdict="pass",
        measured=round(outside(nearest, size), 3),
        unit=EDGE.unit,
        limit=-round(margin_of(nearest, size) / max(size), 4),
        box=nearest.box,
        why="every hand that was found lies whole in the picture",
    )
