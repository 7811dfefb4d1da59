"""The counting net: a small residual net with a dense map of digits that helps it see the lines between them."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

WIDTHS = (20, 32, 64, 112, 144)


def block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Convolution, normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """Two convolutions beside the way through."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            block(width, width), nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same shape."""
        return F.relu(x + self.inner(x))


class Net(nn.Module):
    """Crop (N, 3, 96, 96) -> count logits (N, 8), flags (N, 3), straight (N,), map (N, 2, 24, 24).

    The flags are logits: extra, missing, hand.
    """

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d, e = WIDTHS
        self.stages = nn.ModuleList(
            [
                nn.Sequential(block(3, a, 2), block(a, b, 2), Residual(b)),
                nn.Sequential(block(b, c, 2), Residual(c)),
                nn.Sequential(block(c, d, 2), Residual(d)),
                nn.Sequential(block(d, e, 2), Residual(e)),
            ]
        )
        self.sides = nn.ModuleList([nn.Conv2d(w, 32, 1) for w in (b, c, d, e)])
        self.dense = nn.Sequential(block(32, 32), nn.Conv2d(32, 2, 1))
        self.again = nn.Sequential(block(34, 56, 2), block(56, 88, 2), Residual(88))
        self.head = nn.Sequential(nn.Linear(2 * (e + 88), 160), nn.ReLU(), nn.Dropout(0.2), nn.Linear(160, 12))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """See the class."""
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        f = self.sides[3](levels[3])
        for level, side in zip(levels[2::-1], (self.sides[2], self.sides[1], self.sides[0]), strict=True):
            f = F.interpolate(f, size=level.shape[-2:], mode="bilinear", align_corners=False) + side(level)
        f = F.relu(f)
        dense = self.dense(f)
        again = self.again(torch.cat([f, torch.sigmoid(dense)], 1))
        pooled = [p for t in (levels[3], again) for p in (t.mean((2, 3)), t.amax((2, 3)))]
        out = self.head(torch.cat(pooled, 1))
        return out[:, :8], out[:, 8:11], out[:, 11], dense


class Deployed(nn.Module):
    """What is exported: views (N, 96, 96, 3) uint8 RGB -> count logits, flags, straight."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, views: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """See the class."""
        count, flags, straight, _ = self.net(views.permute(0, 3, 1, 2).float() / 255 - 0.5)
        return count, flags, straight
