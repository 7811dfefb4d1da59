"""The arms of the most prominent person: which hand ends which, whether a wrist can do that, and who is left over.

A hand is told left from right by its palm, back and thumb, an arm by the whole body. Where the two disagree a
generator has put the wrong hand there; where a hand ends no arm at all, or is the third of one person, it has put one
there too many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from stillwake.readiness.limits import Limit
from stillwake.readiness.unlooked import unseen
from stillwake.types import Body, Finding, Hand, Scene

SMALLEST = 48.0
"""px; a smaller hand has fingers two or three pixels wide."""
WRISTS: Final = ((15, 13), (16, 14))
"""Wrist and elbow of the person's left and right arm, in mediapipe's order."""
SURE = 0.5
"""A joint that is seen less surely is a guess."""
BEND = Limit(
    100.0, None, "°", "benchmarks/arms.py: of 41 sound wrists none is seen to bend so far, 40 of them by 79 at most"
)
SPARE = Limit(
    1.5, None, "sizes of the hand", "benchmarks/arms.py: hands of sound people begin 1.1 at most from the nearer wrist"
)
_AT = 0.5
"""Sizes of the hand within which its wrist lies at the arm's: those of 40 that belonged there had .64 at most and all
but five under .4, somebody else's .92 and more."""
_APART = 1.0
"""The same for the other arm's wrist, beyond which it cannot be that one's hand; folded hands are left out so."""
_LONG = 0.8
"""A forearm shorter than this, in sizes of the hand, points at the viewer and has no direction to bend from: of three
shorter ones two were seen to bend by 70° and 75°."""
_SURELY = 0.85
"""How sure the detector must be that a hand is a left or a right one: at three of 44 sound arms it
was wrong, and less sure (``benchmarks/arms.py``)."""
_SIDES: Final = ("left", "right")


@dataclass(frozen=True, slots=True)
class Arm:
    """A forearm and the hand at its end: ``side`` the person's own.

    ``bend`` in degrees between the forearm and the hand, 0 straight on; None where the forearm is foreshortened.
    """

    side: Literal["left", "right"]
    hand: Hand
    bend: float | None


def arms_of(hands: tuple[Hand, ...], body: Body) -> list[Arm]:
    """The arms whose hands were found and can be no other arm's; an arm with two hands holds somebody's."""
    found = []
    for hand in hands:
        if hand.size < SMALLEST:
            continue
        away = [float(np.linalg.norm(body.joints[wrist] - hand.landmarks[0])) / hand.size for wrist, _ in WRISTS]
        which = int(np.argmin(away))
        wrist, elbow = WRISTS[which]
        if away[which] > _AT or away[1 - which] < _APART or min(body.seen[[wrist, elbow]]) < SURE:
            continue
        forearm = body.joints[wrist] - body.joints[elbow]
        ahead = hand.landmarks[[5, 9, 13, 17]].mean(0) - hand.landmarks[0]
        long = float(np.linalg.norm(forearm))
        bend = None
        if long > _LONG * hand.size:
            cosine = float(forearm @ ahead) / max(1e-6, long * float(np.linalg.norm(ahead)))
            bend = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
        found.append(Arm(_SIDES[which], hand, bend))
    sides = [arm.side for arm in found]
    return [arm for arm in found if sides.count(arm.side) == 1]


def wrists_finding(scene: Scene) -> Finding:
    """Whether the hands at the ends of the arms belong there, and bend as a wrist bends."""
    if scene.body is None:
        return unseen("wrists", "no arms were found")
    arms = arms_of(scene.hands, scene.body)
    if not arms:
        return unseen("wrists", "no hand was found at the end of an arm")
    other = [arm for arm in arms if arm.hand.handedness != arm.side and arm.hand.score > _SURELY]
    if other:
        arm = max(other, key=lambda arm: arm.hand.score)
        return Finding(
            check="wrists",
            verdict="warn",
            box=arm.hand.box,
            why=f"a {arm.hand.handedness} hand seems to sit on the {arm.side} arm: its thumb is on the wrong side",
            fix="look at that hand; inpaint it, or generate the still again",
        )
    bent = [(arm.bend, arm.hand.box) for arm in arms if arm.bend is not None]
    if not bent:
        return unseen("wrists", "the forearms point at the viewer, so it cannot be seen how the wrists bend")
    most, box = max(bent)
    return BEND.finding(
        "wrists",
        most,
        good="the hands sit on their arms as hands do",
        bad="a hand is bent further from its forearm than a wrist can",
        fix="look at that wrist; inpaint it, or generate the still again",
        box=box,
    )


def spare_finding(scene: Scene) -> Finding:
    """Whether one person has a hand too many: one that begins at neither wrist, or a third one."""
    if len(scene.faces) != 1:
        return unseen("spare hand", "whose hands they are can only be told where one face is seen")
    if scene.body is None:
        return unseen("spare hand", "no arms were found")
    hands = [hand for hand in scene.hands if hand.size >= SMALLEST]
    if not hands:
        return unseen("spare hand", "no hand was found that is large enough")
    wrists = [wrist for wrist, _ in WRISTS]
    away = [
        float(np.linalg.norm(scene.body.joints[wrists] - hand.landmarks[0], axis=1).min()) / hand.size
        for hand in hands
    ]
    furthest = int(np.argmax(away))
    fix = "if it is nobody else's, remove it by inpainting, or generate the still again"
    if len(hands) > len(WRISTS):
        return Finding(
            check="spare hand",
            verdict="warn",
            measured=len(hands),
            unit="hands",
            limit=len(WRISTS),
            box=hands[furthest].box,
            why="more than two hands are in the picture while one person's face is seen",
            fix=fix,
        )
    if min(scene.body.seen[wrists]) < SURE:
        return unseen("spare hand", "a wrist is hidden or outside the picture, and any hand may belong to it")
    return SPARE.finding(
        "spare hand",
        away[furthest],
        good="each hand begins where an arm ends",
        bad="a hand seems to end no arm while one person's face is seen",
        fix=fix,
        box=hands[furthest].box,
    )
