"""The net that tells hair from what is none, cell by cell."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


def _conv(i: int, o: int, stride: int = 1, size: int = 3, wide: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(i, o, size, stride, wide * (size // 2), dilation=wide, bias=False),
        nn.BatchNorm2d(o),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    def __init__(self, c: int, wide: int = 1) -> None:
        super().__init__()
        self.a, self.b, self.n = _conv(c, c, wide=wide), nn.Conv2d(c, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.n(self.b(self.a(x))))


class Net(nn.Module):
    """Lab and masks of person and face (n, 5, 256, 208), each about -1..1 -> logits (n, 1, 128, 104)."""

    def __init__(self) -> None:
        super().__init__()
        self.s0 = nn.Sequential(_conv(5, 24, 2, 5), _conv(24, 24))
        self.s1 = nn.Sequential(_conv(24, 48, 2), _Residual(48))
        self.s2 = nn.Sequential(_conv(48, 80, 2), _Residual(80), _Residual(80))
        self.s3 = nn.Sequential(_conv(80, 128, 2), _Residual(128), _Residual(128, 2), _Residual(128, 4))
        self.all_over = nn.Linear(128, 128)
        self.u2, self.u1, self.u0 = nn.Conv2d(128, 80, 1), nn.Conv2d(80, 48, 1), nn.Conv2d(48, 32, 1)
        self.k0 = nn.Conv2d(24, 32, 1)
        self.l2, self.l1, self.l0 = _conv(80, 80), _conv(48, 48), _conv(32, 32)
        self.out = nn.Conv2d(32, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As the class says."""
        a = self.s0(x)
        b = self.s1(a)
        c = self.s2(b)
        d = self.s3(c)
        d = d + F.relu(self.all_over(d.mean((2, 3))))[..., None, None]
        c = self.l2(c + F.interpolate(self.u2(d), scale_factor=2, mode="nearest"))
        b = self.l1(b + F.interpolate(self.u1(c), scale_factor=2, mode="nearest"))
        a = self.l0(self.k0(a) + F.interpolate(self.u0(b), scale_factor=2, mode="nearest"))
        return self.out(a)


class Deployed(nn.Module):
    """uint8 (n, 256, 208, 5): 8-bit Lab of OpenCV, person and face 0 or 1 -> probabilities (n, 128, 104)."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """As the class says."""
        return torch.sigmoid(self.net(scaled(pictures.permute(0, 3, 1, 2).float())))[:, 0]


def scaled(x: torch.Tensor) -> torch.Tensor:
    """Lab of 8 bits and masks, (n, 5, H, W), as the net takes them."""
    lab = torch.cat([(x[:, :1] - 128) / 64, (x[:, 1:3] - 128) / 24], 1)
    return torch.cat([lab, x[:, 3:] * 2 - 1], 1)
