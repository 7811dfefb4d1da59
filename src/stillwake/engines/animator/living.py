"""Everything that moves in one picture: camera, face, hair, brushed texture, what drifts through.

Every motion is a displacement on one common grid, and a layer's displacements are added up before it is sampled, so
each pixel of a frame is read once from each layer, always from the still. With a camera that stands, the still itself
is the ground: only what moves is laid over it, and everything else is the still to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from stillwake.engines.animator import warp
from stillwake.engines.animator.ambient import Ambient
from stillwake.engines.animator.camera import Camera
from stillwake.engines.animator.fields import Grid
from stillwake.engines.animator.filters import blurred
from stillwake.engines.animator.flow import Flow
from stillwake.engines.animator.gaze import Gaze
from stillwake.engines.animator.hair import Hair
from stillwake.engines.animator.layers import Layers
from stillwake.engines.animator.parts import IntBox
from stillwake.engines.animator.render import OneThread, Talk, Warp
from stillwake.engines.animator.ride import Patches, Ride
from stillwake.engines.animator.tracks import Track
from stillwake.types import Floats, Pixels, Samples, Size

Mask = npt.NDArray[np.bool_]

AT_REST = 3.0
"""Px: the nearer hair is to its place than this, the more is given back of what a layer's rim lacks of the still."""
SEEN = 0.004
"""How much of the subject there must be in a pixel for it to be seen."""
TONES = 0.003
"""Blur, as a share of the longer side, that tells the tones of a background from the strands before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Moving:
    """All that moves in a shot; what is None does not.

    ``grid`` the common one; ``layers`` the still taken apart; ``near`` the nearness (h, w) of each layer. A face is a
    ``ride`` in the map and, where the camera moves, ``patches`` on top of it and a ``gaze`` in the layer, by its
    ``track``; where the camera stands, ``talk`` draws it into the ground. ``hair`` makes ``turns`` of its wave in the
    clip, ``strength`` 1 far; what is ``pinned`` (H, W) bool stays the still's.
    ``see_through`` says that the still is, around the subject.
    """

    grid: Grid
    layers: Layers
    near: tuple[Floats, ...] = ()
    camera: Camera | None = None
    talk: Talk | None = None
    ride: Ride | None = None
    patches: Patches | None = None
    gaze: Gaze | None = None
    track: Track | None = None
    hair: Hair | None = None
    turns: int = 1
    strength: float = 1.0
    flow: Flow | None = None
    ambient: Ambient | None = None
    pinned: Mask | None = None
    see_through: bool = False


class Living(OneThread):
    """A performance of all that moves, drawn frame by frame when it is asked for."""

    def __init__(self, still: Pixels, moving: Moving, fps: Fraction, frame_count: int, notes: tuple[str, ...]) -> None:
        self.size: Size = (still.shape[1], still.shape[0])
        self.fps, self.frame_count = fps, frame_count
        self.notes = notes
        self._still, self.parts = still, moving
        self._grid = moving.grid
        self._out = np.ascontiguousarray(still).copy()
        self._room = np.empty((warp.BAND + 2) * 8 * (self.size[0] + 32) * 2, np.float32)
        layers = moving.layers
        self._extremes = None if layers.alpha is None else warp.coverage(layers.alpha, moving.grid)
        self._seen = np.zeros(still.shape[:2], np.float32) if moving.ambient is not None else None
        self._plate = still
        if moving.camera is None:
            self._plate = layers.plate[:: layers.scale, :: layers.scale].copy()
            if moving.hair is not None and layers.alpha is not None:
                self._plate = _with_tones(self._plate, still, layers.alpha)
        self._ground = self._plate.copy() if moving.camera is None and moving.flow is not None else self._plate
        self._calm = None if moving.hair is None else _calmest(moving, frame_count)
        self._zone = None
        if moving.camera is None and moving.hair is not None:
            self._zone = _zone(moving.hair, layers, self._plate, still, moving.grid)
            furthest = max(float(np.abs(self._swayed(int(at))).max()) for at in np.linspace(0, frame_count - 1, 24))
            self._rest = max(1e-3, min(AT_REST, furthest / 2))
        self._laid = None
        if layers.alpha is not None and moving.flow is not None:  # beside the subject, where the brush painted
            beside = 1 - np.clip(layers.alpha / 0.02, 0, 1)
            self._laid = (beside * (moving.flow.soft > 0)).astype(np.float32)
        self._unseen = np.ones(still.shape[:2], bool)  # what the hair's layer does not draw
        for box, share, _ in self._zone or ():
            self._unseen[box[1] : box[3], box[0] : box[2]] &= share <= 0
        self._cover = layers.subject[..., 3].copy() if moving.see_through and layers.subject is not None else None
        self._there = np.zeros(still.shape[:2], np.uint8)
        front = layers.plate if layers.subject is None else layers.subject
        self._eyes = front.copy() if moving.gaze is not None else front
        self.mask = self._mask()

    def frame(self, index: int) -> Pixels:
        """The frame of that index, (H, W, 3) uint8 RGB; valid until the next call."""
        if not 0 <= index < self.frame_count:
            raise IndexError(f"frame {index} of {self.frame_count}")
        if self.parts.camera is None:
            self._draw_standing(index)
        else:
            self._draw_moving(index, self.parts.camera)
        if self.parts.ambient is not None:
            self.parts.ambient.draw(self._out, index, self.frame_count, behind=self._seen)
        return self._out

    @property
    def layered(self) -> bool:
        """Whether something moves before a background that stands still itself: hair does."""
        return self._zone is not None

    def alpha(self, index: int) -> Pixels | None:
        """How much there is of each pixel of that frame, (H, W) uint8; None where the still is solid."""
        import cv2

        moving, layers = self.parts, self.parts.layers
        if self._cover is None:
            return None
        where = self._grid.nodes
        if moving.camera is not None:
            where = moving.camera.where(moving.near[-1], moving.camera.pose(index, self.frame_count))
        scaled = self._moved(where, index) * np.float32(layers.scale)
        for x0, y0, x1, y1 in warp.runs(self._grid, self.size, None):
            part = warp.enlarge(scaled, self._grid, (x0, y0, x1, y1), self._room)
            target = self._there[y0:y1, x0:x1]
            cv2.remap(self._cover, part, None, cv2.INTER_LINEAR, dst=target, borderMode=cv2.BORDER_REPLICATE)
        return self._there

    def warps(self, index: int) -> tuple[Warp, ...]:
        """How the frame of that index is drawn: the map of each layer that moves."""
        moving, count = self.parts, self.frame_count
        camera, nodes = moving.camera, self._grid.nodes
        drawn: tuple[Warp, ...] = () if moving.talk is None else moving.talk.warps(index)
        maps: list[tuple[Floats, Mask | None]] = []
        if camera is not None:
            pose = camera.pose(index, count)
            *behind, front = (camera.where(near, pose) for near in moving.near)
            maps += [(where, None) for where in behind]
            laid = None
            if moving.patches is not None:
                laid = moving.patches.covers(index, front, self._moved(front, index), self._grid, self.size)
                drawn += moving.patches.warps(index)
            maps.append((self._moved(front, index), laid))
        elif self._zone is not None:
            maps.append((self._moved(nodes, index), None if moving.talk is None else self._unseen))
        if moving.flow is not None:
            first, second, weight = moving.flow.maps(index, count)
            shares = [None, None] if weight is None else [weight, 1 - weight]
            for copy, share in zip((first, second), shares, strict=True):
                if copy is not None:  # a copy that is not seen jumps back
                    maps.append((nodes + copy, self._hidden(moving.flow, share)))
        return (*drawn, *(self._warp(where, cut) for where, cut in maps))

    def _hidden(self, flow: Flow, share: Floats | None) -> Mask:
        """Where nothing is seen of a copy of the flow, (H, W)."""
        hidden = flow.soft <= 0
        if share is not None:
            hidden = hidden | (
                warp.enlarge(np.stack([share, share], -1), self._grid, (0, 0, *self.size))[..., 0] < 0.02
            )
        return hidden

    def _warp(self, where: Floats, cut: Mask | None) -> Warp:
        """A map of the common grid, whose inverses settle to well below what matters (`camera.ROUNDS`)."""
        box = (0, 0, *self.size)
        line = np.zeros((0, 2), np.float32)
        cut = np.zeros(self.size[::-1], bool) if cut is None else cut
        return Warp(box, warp.enlarge(where, self._grid, box), np.zeros(0, np.float32), cut, (line, line), 0.0)

    # ------------------------------------------------------------------------------------------- the camera moves

    def _draw_moving(self, index: int, camera: Camera) -> None:
        moving, out = self.parts, self._out
        layers, pose = moving.layers, camera.pose(index, self.frame_count)
        if moving.gaze is not None and moving.track is not None:
            source = layers.plate if layers.subject is None else layers.subject
            moving.gaze.redraw(source, self._eyes, moving.track.looks(index))
        behind = camera.where(moving.near[0], pose)
        front = behind if layers.subject is None else camera.where(moving.near[1], pose)
        shown = self._moved(front, index)
        covers = None if layers.subject is None else self._covers(shown)
        hidden = None if covers is None else covers == 2
        if moving.flow is None:
            self._lay_plate(shown if covers is None else behind, hidden)
        else:
            flows = moving.flow.covers(behind) == 2
            self._lay_plate(shown if covers is None else behind, flows if hidden is None else flows | hidden)
            moving.flow.draw(out, index, self.frame_count, behind, hidden=hidden)
        if layers.subject is not None and covers is not None:
            self._lay_subject(layers.subject, layers.scale, shown, covers)
        if moving.patches is not None:
            moving.patches.lay(out, index, front, shown, self._grid)

    def _moved(self, where: Floats, index: int) -> Floats:
        """What the nodes show once the subject has moved by itself: of the head, then of the hair."""
        moving, grid = self.parts, self._grid
        if moving.ride is not None:
            where = where + moving.ride.back(index, where)
        if moving.hair is not None:
            where = where + warp.looked_up(self._swayed(index), grid, where)
        return where

    def _swayed(self, index: int) -> Floats:
        """The hair's displacement on the nodes, none in the first frame."""
        moving = self.parts
        assert moving.hair is not None
        assert self._calm is not None
        at, rest = self._calm
        swayed: Floats = moving.hair.displacement(index + at, self.frame_count, moving.strength, moving.turns) - rest
        return swayed

    def _lay_plate(self, where: Floats, hidden: Mask | None) -> None:
        """Draw the plate but for the cells (h, w) that are hidden."""
        import cv2

        layers, grid = self.parts.layers, self._grid
        scaled = where * np.float32(layers.scale)
        for box in warp.runs(grid, self.size, None if hidden is None else ~hidden):
            x0, y0, x1, y1 = box
            part = warp.enlarge(scaled, grid, box, self._room)
            cv2.remap(
                layers.plate,
                part,
                None,
                cv2.INTER_LINEAR,
                dst=self._out[y0:y1, x0:x1],
                borderMode=cv2.BORDER_REPLICATE,
            )

    def _lay_subject(self, subject: Pixels, scale: int, where: Floats, covers: npt.NDArray[np.uint8]) -> None:
        """Lay the subject over what is there."""
        import cv2

        grid, out = self._grid, self._out
        scaled = where * np.float32(scale)
        if self._seen is not None:
            self._seen[:] = 0
        for solid in (True, False):
            for box in warp.runs(grid, self.size, covers == (2 if solid else 1)):
                x0, y0, x1, y1 = box
                part = warp.enlarge(scaled, grid, box, self._room)
                seen = cv2.remap(subject, part, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                target = out[y0:y1, x0:x1]
                if solid:
                    cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB, dst=target)
                else:
                    _over(target, seen)
                if self._seen is not None:
                    self._seen[y0:y1, x0:x1] = seen[..., 3] * np.float32(1 / 255)

    def _covers(self, where: Floats) -> npt.NDArray[np.uint8]:
        """(h, w) uint8 for the cells of the grid: 0 the subject is not there, 2 it covers all, 1 in between."""
        import cv2

        at = (where - self._grid.origin) * np.float32(1 / self._grid.step)
        covers: npt.NDArray[np.uint8] = cv2.remap(
            self._extremes, at, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
        )
        # What is drawn in one go is solid only where all of it is.
        rows = covers[1 : 1 + -(-self.size[1] // self._grid.step)]
        starts = range(0, len(rows), warp.BAND)
        least, most = (pick.reduceat(rows, starts, axis=0) for pick in (np.minimum, np.maximum))
        bands = np.where(least == 2, 2, np.where(most == 0, 0, 1)).astype(np.uint8)
        rows[:] = np.repeat(bands, warp.BAND, axis=0)[: len(rows)]
        return covers

    # ------------------------------------------------------------------------------------------- the camera stands

    def _draw_standing(self, index: int) -> None:
        import cv2

        moving, out, layers = self.parts, self._out, self.parts.layers
        np.copyto(out, self._still if moving.talk is None else moving.talk.frame(index))
        ground = self._plate
        if moving.flow is not None and self._laid is None:
            moving.flow.draw(out, index, self.frame_count)
        elif moving.flow is not None and self._laid is not None:
            x0, y0, x1, y1 = moving.flow.box
            ground = self._ground
            ground[y0:y1, x0:x1] = self._plate[y0:y1, x0:x1]
            moving.flow.draw(ground, index, self.frame_count)
            share, target = self._laid[y0:y1, x0:x1], out[y0:y1, x0:x1]
            target[:] = cv2.blendLinear(ground[y0:y1, x0:x1].copy(), target.copy(), share, 1 - share)
        if self._zone is not None and layers.subject is not None:
            scaled = self._moved(self._grid.nodes, index) * np.float32(layers.scale)
            near = 1 - min(1.0, float(np.abs(self._swayed(index)).max()) / self._rest)
            for box, share, rim in self._zone:
                x0, y0, x1, y1 = box
                part = warp.enlarge(scaled, self._grid, box, self._room)
                seen = cv2.remap(layers.subject, part, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                laid = ground[y0:y1, x0:x1].copy()
                _over(laid, seen)
                if near > 0:
                    laid = cv2.add(laid, (rim * near).astype(np.int16), dtype=cv2.CV_8U)
                target = out[y0:y1, x0:x1]
                target[:] = cv2.blendLinear(laid, target.copy(), share, 1 - share)
        if moving.pinned is not None:
            np.copyto(out, self._still, where=moving.pinned[..., None])

    def _mask(self) -> Mask | None:
        """Where pixels may differ from the still; None where all may."""
        moving = self.parts
        if moving.camera is not None or moving.ambient is not None:
            return None
        mask = np.zeros(self._still.shape[:2], bool)
        if moving.talk is not None and moving.talk.mask is not None:
            mask |= moving.talk.mask
        if moving.flow is not None:
            mask |= moving.flow.soft > 0
        for box, share, _ in self._zone or ():
            mask[box[1] : box[3], box[0] : box[2]] |= share > 0
        if moving.pinned is not None:
            mask &= ~moving.pinned
        return mask


def _calmest(moving: Moving, count: int) -> tuple[int, Floats]:
    """The frame of the hair's wave with which a clip begins, and what is taken off to begin with the still itself.

    A travelling wave is never at rest everywhere; where it is most so, least is taken off.
    """
    assert moving.hair is not None
    frames = np.unique(np.linspace(0, max(0, count // moving.turns - 1), 48).round().astype(int))
    waves = [moving.hair.displacement(int(at), count, moving.strength, moving.turns) for at in frames]
    best = int(np.argmin([float((wave**2).sum()) for wave in waves]))
    return int(frames[best]), waves[best]


def _over(target: Pixels, seen: Pixels) -> None:
    """Lay premultiplied (h, w, 4) over (h, w, 3) in place."""
    import cv2

    rest = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(seen, 3)), cv2.COLOR_GRAY2RGB)
    below = cv2.multiply(target, rest, scale=1 / 255)
    cv2.add(below, cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB), dst=target)


def _with_tones(plate: Pixels, still: Pixels, alpha: Floats) -> Pixels:
    """The plate with the still's own tones wherever nothing of the subject is: it is filled in a little beyond that.

    Else they would come back each time the hair is at its place, and go again. Strands that the matte has missed are
    finer than these tones, and do not stand still in the plate.
    """
    free = (alpha <= SEEN).astype(np.float32)
    lacks = (still.astype(np.float32) - plate) * free[..., None]
    sigma = max(1.0, TONES * max(free.shape))
    share = blurred(free, sigma)
    tones = blurred(lacks, sigma) / np.maximum(share, 1e-3)[..., None] * np.minimum(1, 2 * share)[..., None]
    kept: Pixels = np.clip(np.rint(plate + tones), 0, 255).astype(np.uint8)
    return kept


def _zone(
    hair: Hair, layers: Layers, plate: Pixels, still: Pixels, grid: Grid
) -> list[tuple[IntBox, Floats, Samples]]:
    """The boxes px in which hair ever moves, how much of it is laid over the still there, and what its rim lacks.

    Where neither the subject ever comes nor anything was filled in behind it, the still stays as it is. The share is
    (h, w) float32, the lack (h, w, 3) int16: the still less the layers at rest.
    """
    import cv2

    size = still.shape[1], still.shape[0]
    strength = np.abs(hair.basis).sum((0, 3))
    moves = (strength > 0).astype(np.uint8)
    share = cv2.resize(moves.astype(np.float32), None, fx=grid.step, fy=grid.step, interpolation=cv2.INTER_LINEAR)
    share = np.ascontiguousarray(share[grid.step :, grid.step :][: size[1], : size[0]])
    if layers.alpha is None or layers.subject is None:
        return []
    reach = 2 * round(float(strength.max()) + 0.008 * max(size) + 3) + 1
    near = cv2.dilate((layers.alpha > SEEN).astype(np.uint8), np.ones((reach, reach), np.uint8))
    share *= np.minimum(1, cv2.blur(near.astype(np.float32), (5, 5)) * near)
    zone = []
    for box in warp.runs(grid, size, cv2.dilate(moves, np.ones((3, 3), np.uint8)) > 0):
        x0, y0, x1, y1 = box
        k = layers.scale
        whole = np.s_[y0 * k : y1 * k : k, x0 * k : x1 * k : k]
        laid = np.ascontiguousarray(plate[y0:y1, x0:x1])
        _over(laid, np.ascontiguousarray(layers.subject[whole]))
        rim = still[y0:y1, x0:x1].astype(np.int16) - laid
        zone.append((box, np.ascontiguousarray(share[y0:y1, x0:x1]), rim))
    return zone
