"""The two nets: one reads a framed face, the other finds faces in a picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from training.drawn_faces.face import POINTS
from training.drawn_faces.samples import FACE_SIDE

CELLS = FACE_SIDE // 4
ATTRIBUTES = 9


def _conv(i: int, o: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(i, o, size, stride, size // 2, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True)
    )


class _Residual(nn.Module):
    def __init__(self, c: int, middle: int) -> None:
        super().__init__()
        self.a, self.b, self.n = _conv(c, middle), nn.Conv2d(middle, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.n(self.b(self.a(x))))


class Reader(nn.Module):
    """A framed face (n, 3, 160, 160) BGR 0..1 -> points in 0..1, the log of their error, attributes, maps, visibility.

    A map for each point over 40 x 40 cells, whose expectation is the point; what is said of a point (its scale,
    whether it is seen) and of a part (whether the mouth is open) is read from the features at the points.
    """

    def __init__(self) -> None:
        super().__init__()
        self.s0 = _conv(3, 20, 2, 5)
        self.s1 = nn.Sequential(_conv(20, 40, 2), _conv(40, 40))
        self.s2 = nn.Sequential(_conv(40, 72, 2), _Residual(72, 64))
        self.s3 = nn.Sequential(_conv(72, 128, 2), _Residual(128, 96))
        self.s4 = nn.Sequential(_conv(128, 192, 2), _Residual(192, 96), _Residual(192, 96))
        self.u3, self.l3 = nn.Conv2d(192, 128, 1), _conv(128, 128, size=3)
        self.u2, self.l2 = nn.Conv2d(128, 72, 1), _conv(72, 72)
        self.u1, self.k1, self.l1 = nn.Conv2d(72, 56, 1), nn.Conv2d(40, 56, 1), _conv(56, 56)
        self.maps = nn.Conv2d(56, POINTS, 1)
        self.all_over = nn.Sequential(nn.Linear(192, 96), nn.ReLU(inplace=True))
        self.attributes = nn.Linear(96 + 3 * 56, ATTRIBUTES)
        self.scale_all, self.scale_here = nn.Linear(96, POINTS), nn.Parameter(torch.zeros(POINTS, 56))
        self.seen_here, self.seen_bias = nn.Parameter(torch.zeros(POINTS, 56)), nn.Parameter(torch.zeros(POINTS))
        self.register_buffer("cells", (torch.arange(CELLS) + 0.5) / CELLS)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """As the class says; attributes and visibility are logits."""
        a = self.s1(self.s0((x - 0.5) * 4))
        b = self.s2(a)
        c = self.s3(b)
        d = self.s4(c)
        c = self.l3(c + F.interpolate(self.u3(d), scale_factor=2, mode="nearest"))
        b = self.l2(b + F.interpolate(self.u2(c), scale_factor=2, mode="nearest"))
        a = self.l1(self.k1(a) + F.interpolate(self.u1(b), scale_factor=2, mode="nearest"))
        logits = self.maps(a).float().flatten(2)
        share = torch.softmax(logits, -1)
        grid = share.unflatten(2, (CELLS, CELLS))
        across, down = grid.sum(2), grid.sum(3)
        x0, y0 = (across * self.cells).sum(-1), (down * self.cells).sum(-1)
        spread = (across * (self.cells - x0[..., None]) ** 2).sum(-1) + (down * (self.cells - y0[..., None]) ** 2).sum(
            -1
        )
        here = torch.bmm(share, a.float().flatten(2).transpose(1, 2))  # the features at each point
        everywhere = self.all_over(d.mean((2, 3))).float()
        parts = [here[:, 0:15].mean(1), here[:, 15:30].mean(1), here[:, 48:66].mean(1)]
        attributes = self.attributes(torch.cat([everywhere, *parts], 1))
        seen = (here * self.seen_here).sum(-1) + self.seen_bias
        scale = self.scale_all(everywhere) + (here * self.scale_here).sum(-1) + 0.5 * torch.log(spread + 1e-5)
        return torch.stack([x0, y0], -1), scale, attributes, logits, seen


class ReaderDeployed(nn.Module):
    """uint8 pictures (n, 160, 160, 3) BGR -> points px, scale px, attributes, visible."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """As the class says."""
        points, scale, attributes, _, seen = self.reader(pictures.permute(0, 3, 1, 2).float() / 255)
        said = torch.cat([torch.sigmoid(attributes[:, :7]), attributes[:, 7:]], 1)
        return points * FACE_SIDE - 0.5, torch.exp(scale) * FACE_SIDE, said, torch.sigmoid(seen)


class Finder(nn.Module):
    """A picture (n, 3, h, w) BGR 0..1, sides multiples of 32 -> (n, 6, h/8, w/8).

    For each cell of 8 px: the logit that a face's frame is centred in it, the centre's offset in cells (2), the log
    of the side in units of 64 px, cosine and sine of the roll.
    """

    def __init__(self) -> None:
        super().__init__()
        self.s0 = _conv(3, 12, 2, 5)
        self.s1 = nn.Sequential(_conv(12, 24, 2), _conv(24, 24))
        self.s2 = nn.Sequential(_conv(24, 48, 2), _Residual(48, 48))
        self.s3 = nn.Sequential(_conv(48, 80, 2), _Residual(80, 64), _Residual(80, 64))
        self.s4 = nn.Sequential(_conv(80, 112, 2), _Residual(112, 80), _Residual(112, 80))
        self.s5 = nn.Sequential(_conv(112, 112, 2), _Residual(112, 64))
        self.u4, self.u3, self.u2 = nn.Conv2d(112, 112, 1), nn.Conv2d(112, 80, 1), nn.Conv2d(80, 48, 1)
        self.l4, self.l3, self.l2 = _conv(112, 112, size=3), _conv(80, 80), _conv(48, 64)
        self.out = nn.Sequential(_conv(64, 64), nn.Conv2d(64, 6, 1))
        nn.init.constant_(self.out[1].bias, 0.0)
        with torch.no_grad():
            self.out[1].bias[0] = -5.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As the class says."""
        b = self.s2(self.s1(self.s0((x - 0.5) * 4)))
        c = self.s3(b)
        d = self.s4(c)
        e = self.s5(d)
        d = self.l4(d + F.interpolate(self.u4(e), scale_factor=2, mode="nearest"))
        c = self.l3(c + F.interpolate(self.u3(d), scale_factor=2, mode="nearest"))
        b = self.l2(b + F.interpolate(self.u2(c), scale_factor=2, mode="nearest"))
        return self.out(b)


class FinderDeployed(nn.Module):
    """A uint8 picture (n, h, w, 3) BGR, sides multiples of 64 -> (n, 6, h/8, w/8), the first a probability."""

    def __init__(self, finder: Finder) -> None:
        super().__init__()
        self.finder = finder

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """As the class says."""
        y = self.finder(pictures.permute(0, 3, 1, 2).float() / 255)
        return torch.cat([torch.sigmoid(y[:, :1]), y[:, 1:]], 1)
