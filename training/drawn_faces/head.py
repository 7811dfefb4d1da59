"""The geometry of a drawn head: a turned shell with features on it, and where they fall in the picture.

Lengths are half widths of the face; u runs to the viewer's right, v down, z towards the viewer; the eyes lie about
v = 0. Every row of the head is an ellipse that narrows, and moves forward, towards the chin, so outlines are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Head:
    """The shell and its place in the picture.

    ``chin``, ``cheek`` and ``top`` heights v of the chin, of the widest row below the eyes and of the crown;
    ``round`` and ``taper`` the jaw's shape; ``depth`` of the shell; ``bump`` how far the far cheek stands out over
    the socket when turned; ``yaw``, ``pitch``, ``roll`` in radians; ``scale`` px a unit; ``at`` (2,) px of the origin.
    """

    chin: float
    cheek: float
    top: float
    round: float
    taper: float
    depth: float
    bump: float
    yaw: float
    pitch: float
    roll: float
    scale: float = 1.0
    at: np.ndarray = field(default_factory=lambda: np.zeros(2))

    def rows(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Half width, half depth and forward shift of the rows at heights v."""
        t = np.clip((v - self.cheek) / (self.chin - self.cheek), 0, 1)
        up = np.clip((self.cheek - v) / (self.cheek - self.top), 0, 1)
        wide = (1 - t**self.round) ** self.taper * np.sqrt(1 - 0.98 * up**2.6)
        deep = self.depth * np.sqrt(np.clip(1 - t**1.8, 0, 1)) * np.sqrt(1 - 0.98 * up**2.6)
        front = self.depth * (1 - 0.12 * t**2)
        return wide, deep, np.where(t > 0, front - deep, 0.0)

    def turned(self, u: np.ndarray, v: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Points of the head's own space (N,) each in px of the picture (N, 2)."""
        x = u * math.cos(self.yaw) + z * math.sin(self.yaw)
        ahead = z * math.cos(self.yaw) - u * math.sin(self.yaw)
        y = v * math.cos(self.pitch) + (ahead - 0.5 * self.depth) * math.sin(self.pitch)
        return self.placed(np.stack(np.broadcast_arrays(x, y), -1))

    def placed(self, flat: np.ndarray) -> np.ndarray:
        """Points of the turned plane in px."""
        c, s = math.cos(self.roll) * self.scale, math.sin(self.roll) * self.scale
        return flat @ np.array([[c, s], [-s, c]]) + self.at

    def on(self, points: np.ndarray, out: float | np.ndarray = 0.0) -> np.ndarray:
        """Points (N, 2) of the face's surface, lifted by ``out``, in px."""
        p = np.asarray(points, float)
        u, v = p[..., 0], p[..., 1]
        wide, deep, shift = self.rows(np.clip(v, self.top + 0.02, self.chin - 0.02))
        z = shift + deep * np.sqrt(np.clip(1 - (u / np.maximum(1.12 * wide, 0.05)) ** 2, 0.0, 1))
        return self.turned(u, v, z + out)

    def outline(self, from_v: float, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
        """The face's left and right outline in px, each (count, 2) from the height ``from_v`` down to the chin."""
        t = np.sin(np.linspace(0, np.pi / 2, count))
        v = from_v + (self.chin - from_v) * t
        wide, deep, shift = self.rows(v)
        reach = np.sqrt((wide * math.cos(self.yaw)) ** 2 + (deep * math.sin(self.yaw)) ** 2)
        middle = shift * math.sin(self.yaw)
        ahead = shift * math.cos(self.yaw)
        y = v * math.cos(self.pitch) + (ahead - 0.5 * self.depth) * math.sin(self.pitch)
        dip = self.bump * abs(math.sin(self.yaw)) * np.exp(-(((v - 0.02) / 0.2) ** 2))
        far_right = self.yaw > 0  # the side the face turns to
        left = middle - reach + (0 if far_right else dip)
        right = middle + reach - (dip if far_right else 0)
        return self.placed(np.stack([left, y], 1)), self.placed(np.stack([right, y], 1))

    def shell(self, wider: float, top: float, from_v: float, count: int = 30) -> np.ndarray:
        """The outline of a ``wider`` shell, from its left side at ``from_v`` over the crown to its right."""
        turn = np.linspace(0, np.pi, count)
        u = -wider * np.cos(turn)
        v = from_v + (top - from_v) * np.sin(turn) ** 0.8
        y = v * math.cos(self.pitch) - 0.5 * self.depth * math.sin(self.pitch) * np.sin(turn) * 0.3
        return self.placed(np.stack([u, y], 1))
