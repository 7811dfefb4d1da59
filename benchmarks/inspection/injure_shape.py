"""Faces that change their shape, and backgrounds that swim."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stillwake.types import Floats, Pixels

from .takes import Take
from .truth import Injured, Truth, box_of, ramp, with_frames

RISE = 0.6
"""Seconds in which a face changes."""
LEAST_BACKGROUND = 0.1
"""Share of the frame below which there is no background to injure."""
LOOKED_AT, SHOWN = 40, (8, 0.005)
"""Frames in which something of a warp has to show, at least: by how many levels a pixel becomes another one, and how
many of those that are moved do. Of plain ground nothing does, and there is no fault to be found."""


def morph(take: Take, percent: float, rng: np.random.Generator) -> Injured | None:
    """The jaw widens, eyes grow, the lower face lengthens, the most of them by so many percent; half return."""
    shares = rng.uniform(0.5, 1.0, 3)
    shares /= shares.max()
    return _morph(take, percent, dict(zip(("jaw", "eyes", "lower face"), shares, strict=True)), rng)


def morph_part(take: Take, percent: float, rng: np.random.Generator) -> Injured | None:
    """One part of the face alone changes by so many percent: one eye, the nose, the width, the length, a cheek."""
    return _morph(take, percent, {str(rng.choice(("eye", "nose", "width", "length", "cheek"))): 1.0}, rng)


def _morph(take: Take, percent: float, shares: dict[str, float], rng: np.random.Generator) -> Injured | None:
    import cv2

    if take.faces is None or take.seconds < 3:
        return None
    fps, count = float(take.fps), len(take.frames)
    returns, side_of = bool(rng.integers(2)), int(rng.choice((-1, 1)))
    first = round(rng.uniform(0.25, 0.4) * count)
    held = rng.uniform(0.8, max(0.9, take.seconds * 0.35))
    last = min(count - round(0.3 * fps), first + round((2 * RISE + held) * fps)) if returns else count
    amount = percent / 100 * ramp(take, first, last, RISE, returns=returns)
    frames, reached = list(take.frames), np.zeros(take.frames[0].shape[:2], bool)
    for i in np.flatnonzero(amount > 1e-4):
        x0, y0, x1, y1 = (float(v) for v in take.faces[i])
        side, middle = max(x1 - x0, y1 - y0), ((x0 + x1) / 2, (y0 + y1) / 2)
        ax, ay = (max(0, int(at - side)) for at in middle)
        bx, by = (min(most, int(at + side)) for at, most in zip(middle, take.size, strict=True))
        if bx - ax < 16 or by - ay < 16:
            continue
        y, x = np.mgrid[ay:by, ax:bx].astype(np.float32)
        moves = {part: float(amount[i]) * share for part, share in shares.items()}
        du, dv = came_from((x - middle[0]) / side, (y - middle[1]) / side, moves, side_of)
        where = np.stack([x - ax - du * side, y - ay - dv * side], -1).astype(np.float32)
        frames[i] = frames[i].copy()
        frames[i][ay:by, ax:bx] = cv2.remap(
            take.frames[i][ay:by, ax:bx], where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        )
        if amount[i] > 0.5 * amount.max():
            face = np.s_[max(0, int(y0)) : max(0, int(y1) + 1), max(0, int(x0)) : max(0, int(x1) + 1)]
            region = np.zeros_like(reached)
            region[ay:by, ax:bx] = np.hypot(du, dv) > 0.3 * np.hypot(du, dv).max()
            reached[face] |= region[face] | (len(shares) > 1)  # several parts: it is the face that changes
    if percent and not reached.any():
        return None
    parts = ", ".join(f"{part} {share:.2f}" for part, share in shares.items())
    note = f"{parts}, {'returns' if returns else 'stays'}"
    return Injured(with_frames(take, frames), Truth(first / fps, last / fps, box_of(reached), note=note))


def came_from(u: Floats, v: Floats, parts: dict[str, float], side: int) -> tuple[Floats, Floats]:
    """How far each place of a face has come, in sides of its box.

    ``u``, ``v`` from the middle of the box, -.5..5 within it: eyes at (+-.2, -.1), the mouth at .28, the chin at .47;
    ``parts`` by how much each grows; ``side`` -1 or 1: which of two.
    """
    fades = np.clip((0.9 - np.maximum(np.abs(u), np.abs(v))) / 0.4, 0, 1)  # nothing moves at the patch's edge
    fades = fades * fades * (3 - 2 * fades)
    du, dv = np.zeros_like(u), np.zeros_like(v)
    for part, grows in parts.items():
        share = 1 - 1 / (1 + grows)
        match part:
            case "jaw":
                du += u * share / (1 + np.exp(-(v - 0.18) / 0.06))
            case "lower face":
                dv += np.maximum(v - 0.05, 0) * share
            case "width":
                du += u * share
            case "length":
                dv += v * share
            case "cheek":
                near = np.exp(-(((u - 0.33 * side) / 0.2) ** 2 + ((v - 0.15) / 0.25) ** 2))
                du += side * 0.4 * share * near
            case _:
                places = {"nose": ((0.0, 0.09),), "eye": ((0.2 * side, -0.1),), "eyes": ((0.2, -0.1), (-0.2, -0.1))}
                for at, down in places[part]:
                    near = np.exp(-((((u - at) / 0.13) ** 2 + ((v - down) / 0.11) ** 2) ** 2))
                    du += (u - at) * share * near
                    dv += (v - down) * share * near
    return (du * fades).astype(np.float32), (dv * fades).astype(np.float32)


def background_warps(take: Take, px: float, rng: np.random.Generator) -> Injured | None:
    """Outside the people a smooth field wobbles: where it moves most (95th percentile) by so many px to either side.

    All of the background or a quarter of the frame, all along or for some seconds. None where the background is so
    plain that nothing of it shows.
    """
    import cv2

    if take.subject is None or take.seconds < 3:
        return None
    width, height = take.size
    grown = max(5, round(0.03 * max(width, height))) | 1
    allowed = cv2.dilate(take.subject.astype(np.uint8), np.ones((grown, grown), np.uint8)) == 0
    if allowed.mean() < LEAST_BACKGROUND:
        return None
    note = "all of it"
    if rng.uniform() < 1 / 3:
        best = _quarter(allowed, rng)
        if (allowed & best).mean() > 0.08:
            allowed, note = allowed & best, "a quarter of the frame"
    soft = cv2.GaussianBlur(allowed.astype(np.float32), (0, 0), grown / 3) * allowed
    fields = [cv2.GaussianBlur(rng.normal(size=(height, width)).astype(np.float32), (0, 0), 0.07 * max(width, height))
              for _ in range(4)]  # fmt: skip
    fields = [field / field.std() for field in fields]
    furthest = np.sqrt(sum(field**2 for field in fields)) * soft
    fields = [field * soft * (px / float(np.percentile(furthest[allowed], 95))) for field in fields]
    fps, count = float(take.fps), len(take.frames)
    period = rng.uniform(1.2, 2.4)
    share, truth = np.ones(count), Truth(box=box_of(allowed), note=note)
    if rng.uniform() < 0.5:
        length = min(rng.uniform(2, 3), take.seconds - 1)
        first = round((count - length * fps) * rng.uniform(0.3, 0.7))
        last = first + round(length * fps)
        share = ramp(take, first, last, 0.25)
        truth = Truth(first / fps, last / fps, box_of(allowed), note=note)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    frames = list(take.frames)
    for i in np.flatnonzero(share > 1e-3):
        turn = 2 * np.pi * i / fps / period
        along, aside = np.float32(share[i] * np.cos(turn)), np.float32(share[i] * np.sin(turn))
        dx, dy = fields[0] * along + fields[1] * aside, fields[2] * along + fields[3] * aside
        moved = cv2.remap(frames[i], x + dx, y + dy, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        frames[i] = np.where(allowed[..., None], moved, frames[i])
    if not _shows(take.frames, frames, allowed):
        return None
    return Injured(with_frames(take, frames), truth)


def _shows(before: Sequence[Pixels], after: Sequence[Pixels], where: np.ndarray) -> bool:
    """Whether anything of it is to be seen: some of these pixels become another colour at some time."""
    chosen = np.unique(np.linspace(0, len(before) - 1, LOOKED_AT).astype(int))
    most = np.max([np.abs(before[i].astype(np.int16) - after[i]).max(-1) for i in chosen], axis=0)
    return float((most[where] > SHOWN[0]).mean()) > SHOWN[1]


def _quarter(allowed: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The quarter of the frame with the most background of some at random."""
    height, width = allowed.shape
    best, most = np.zeros_like(allowed), -1.0
    for _ in range(8):
        x, y = int(rng.integers(0, width // 2 + 1)), int(rng.integers(0, height // 2 + 1))
        inside = allowed[y : y + height // 2, x : x + width // 2].mean()
        if inside > most:
            most, best = float(inside), np.zeros_like(allowed)
            best[y : y + height // 2, x : x + width // 2] = True
    return best
