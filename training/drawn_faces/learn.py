"""Train the reader and the finder, on a CPU or a GPU, and export them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from training.drawn_faces.face import MIRROR, POINTS
from training.drawn_faces.net import CELLS, Finder, FinderDeployed, Reader, ReaderDeployed
from training.drawn_faces.samples import FACE_SIDE, SCENE_SIDE

_WEIGHT = torch.ones(POINTS)
_WEIGHT[39:48], _WEIGHT[30:38], _WEIGHT[[13, 14, 28, 29]] = 0.4, 0.6, 0.5


def _train(
    net: nn.Module,
    loss_of: Callable[[torch.Tensor], torch.Tensor],
    count: int,
    views: int,
    batch: int,
    rate: float,
    device: str,
) -> nn.Module:
    """Learn with AdamW and a cosine; hand back the running mean of the weights."""
    mean = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.02)
    order = torch.Generator().manual_seed(3)
    steps, start, total = max(1, views // batch), time.monotonic(), 0.0
    at = torch.randperm(count, generator=order)
    for step in range(steps):
        now = min(1, (step + 1) / 200) * (0.5 + 0.5 * np.cos(np.pi * step / steps))
        optimiser.param_groups[0]["lr"] = rate * now + 1e-5
        if len(at) < batch:
            at = torch.cat([at, torch.randperm(count, generator=order)])
        some, at = at[:batch], at[batch:]
        loss = loss_of(some.to(device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        mean.update_parameters(net)
        total += (float(loss.detach()) - total) / min(step + 1, 200)
        if step % 200 == 199:
            print(
                f"   {(step + 1) * batch} views of {views}, {time.monotonic() - start:.0f} s, loss {total:.4f}",
                flush=True,
            )
    return mean.module.cpu().eval()


def learn_reader(
    data: list[np.ndarray],
    views: int,
    batch: int,
    device: str,
    out: Path,
    rate: float = 2e-3,
    after: Path | None = None,
) -> None:
    """Train the net that reads faces on pictures, points, visibilities and attributes, and export it.

    ``after`` an exported reader to learn on from, at a tenth of the rate.
    """
    torch.manual_seed(7)
    pictures, points, visible, attributes = (torch.from_numpy(d).to(device) for d in data)
    net = _begun(Reader(), after, device)
    rate /= 10 if after else 1
    chance = torch.Generator(device).manual_seed(5)
    weight, mirror = _WEIGHT.to(device), torch.from_numpy(MIRROR).to(device)
    flipped = torch.tensor([0, 2, 1, 3, 4, 6, 5, 7, 8], device=device)
    sign = torch.tensor([1, 1, 1, 1, 1, 1, 1, -1, 1], device=device)
    cells = net.cells

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=chance, device=device)

    def loss_of(at: torch.Tensor) -> torch.Tensor:
        n = len(at)
        x = pictures[at].permute(0, 3, 1, 2).float() / 255
        p, v, a = (points[at] + 0.5) / FACE_SIDE, visible[at], attributes[at]
        if float(torch.rand(1, generator=chance, device=device)) < 0.5:
            x, p, v, a = (
                x.flip(3),
                torch.stack([1 - p[..., 0], p[..., 1]], -1)[:, mirror],
                v[:, mirror],
                a[:, flipped] * sign,
            )
            for centre in (12, 27):  # what was the iris' right end is its left one now
                p[:, centre + 1] = 2 * p[:, centre] - p[:, centre + 1]
        turn, size, shift = normal(n) * 0.09, torch.exp(normal(n) * 0.07), normal(n, 2) * 0.03
        c, s = torch.cos(turn) * size, torch.sin(turn) * size
        way = torch.stack([torch.stack([c, -s, shift[:, 0]], 1), torch.stack([s, c, shift[:, 1]], 1)], 1)
        x = F.grid_sample(
            x, F.affine_grid(way, list(x.shape), align_corners=False), padding_mode="border", align_corners=False
        )
        q = 2 * p - 1 - shift[:, None]
        p = (torch.einsum("nij,nkj->nki", torch.linalg.inv(way[:, :, :2]), q) + 1) / 2
        v = torch.where(((p < 0) | (p > 1)).any(-1), -torch.ones_like(v), v)
        x = x * (1 + 0.10 * normal(n, 3, 1, 1)) + 0.05 * normal(n, 3, 1, 1) + 0.05 * normal(n, 1, 1, 1)
        r = torch.rand(n, generator=chance, device=device)
        x = torch.where((r < 0.08)[:, None, None, None], x[:, [2, 1, 0]], x)
        x = torch.where(((r > 0.08) & (r < 0.14))[:, None, None, None], x.mean(1, keepdim=True), x)
        box = torch.rand(n, 4, generator=chance, device=device)
        yy, xx = (
            torch.arange(FACE_SIDE, device=device)[:, None] / FACE_SIDE,
            torch.arange(FACE_SIDE, device=device)[None] / FACE_SIDE,
        )
        hole = ((yy - box[:, 0, None, None]).abs() < 0.04 + 0.1 * box[:, 2, None, None]) & (
            (xx - box[:, 1, None, None]).abs() < 0.04 + 0.1 * box[:, 3, None, None]
        )
        hole = hole & (r > 0.85)[:, None, None]
        x = torch.where(hole[:, None], torch.rand(n, 3, 1, 1, generator=chance, device=device), x).clamp(0, 1)
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device, torch.bfloat16):
            got, scale, said, logits, seen = net(x)
        scale, said, seen = scale.float().clamp(-6.5, 1), said.float(), seen.float()
        face = (a[:, 0] == 1).float()
        w = ((v == 1).float() + 0.35 * (v == 0).float()) * weight * face[:, None]
        total = w.sum().clamp(min=1)
        far = (got - p).abs().sum(-1)
        likely = ((far * torch.exp(-scale) + 2 * scale) * w).sum() / total
        near = (far * w).sum() / total
        gx = torch.exp(-((cells - p[..., 0:1]) ** 2) / (2 * 0.024**2))
        gy = torch.exp(-((cells - p[..., 1:2]) ** 2) / (2 * 0.024**2))
        gx, gy = gx / (gx.sum(-1, keepdim=True) + 1e-9), gy / (gy.sum(-1, keepdim=True) + 1e-9)
        logp = torch.log_softmax(logits.float(), -1).unflatten(2, (CELLS, CELLS))
        cross = -torch.einsum("nky,nkyx,nkx->nk", gy, logp, gx)
        cross = (cross * w).sum() / total
        known = torch.ones_like(a[:, :7])
        known[:, 1:] = face[:, None]
        known[:, 0] = (a[:, 0] >= 0).float()
        known[:, 3] *= (a[:, 4] > 0).float()
        each = F.binary_cross_entropy_with_logits(said[:, :7], a[:, :7].clamp(0, 1), reduction="none")
        about = (each * known).sum() / known.sum() + (((said[:, 7:] - a[:, 7:]) ** 2).sum(1) * face).mean()
        placed = (v >= 0).float() * face[:, None]
        each = F.binary_cross_entropy_with_logits(seen, (v == 1).float(), reduction="none")
        about = about + 0.5 * (each * placed).sum() / placed.sum().clamp(min=1)
        return 0.25 * likely + 20 * near + 0.5 * cross + 0.5 * about

    final = _train(net, loss_of, len(pictures), views, batch, rate, device)
    shown = torch.zeros(2, FACE_SIDE, FACE_SIDE, 3, dtype=torch.uint8)
    _export(ReaderDeployed(final), shown, out, ["points", "scale", "attributes", "visible"], {0: "n"})


def _begun(net: Reader | Finder, after: Path | None, device: str) -> nn.Module:
    """The net on its device, ready to learn from nothing or on from an exported one."""
    if after is not None:
        take_over(net, after)
    return net.to(device, memory_format=torch.channels_last).train(after is None)


def take_over(net: Reader | Finder, file: Path) -> None:
    """Put the weights of an exported reader or finder into a net.

    Export folds each normalisation into the convolution before it: what is left of it is the bias, so the net has to
    stay in `eval` while it learns on.
    """
    import onnx

    stored = {
        i.name: torch.from_numpy(onnx.numpy_helper.to_array(i).copy()) for i in onnx.load(file).graph.initializer
    }
    folded = iter([value for name, value in stored.items() if name.startswith("onnx::Conv")])
    prefix = type(net).__name__.lower()
    inside = {module for pair in _normalised(net) for module in pair}
    with torch.no_grad():
        for convolution, normalised in _normalised(net):
            convolution.weight.copy_(next(folded))
            normalised.bias.copy_(next(folded))
            normalised.weight.copy_(torch.sqrt(normalised.running_var + normalised.eps))
        for name, module in net.named_modules():
            if module not in inside:
                for own, value in module.named_parameters(recurse=False):
                    value.copy_(stored[f"{prefix}.{name}.{own}" if name else f"{prefix}.{own}"])


def _normalised(net: Reader | Finder) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Each convolution and the normalisation after it, in the order in which they run."""
    ran: list[nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda module, *_: ran.append(module))
        for module in net.modules()
        if isinstance(module, (nn.Conv2d, nn.BatchNorm2d))
    ]
    side = FACE_SIDE if isinstance(net, Reader) else SCENE_SIDE
    net.eval()(torch.zeros(1, 3, side, side))
    for hook in hooks:
        hook.remove()
    return [(a, b) for a, b in itertools.pairwise(ran) if isinstance(a, nn.Conv2d) and isinstance(b, nn.BatchNorm2d)]


def learn_finder(
    scenes: np.ndarray,
    faces: np.ndarray,
    views: int,
    batch: int,
    device: str,
    out: Path,
    rate: float = 2e-3,
    after: Path | None = None,
) -> None:
    """Train the net that finds faces on scenes (N, 320, 320, 3) and their faces (N, M, 4), and export it.

    ``after`` an exported finder to learn on from, at a quarter of the rate. Hands are found in the same way.
    """
    torch.manual_seed(8)
    pictures, places = torch.from_numpy(scenes).to(device), torch.from_numpy(faces).to(device)
    net = _begun(Finder(), after, device)
    rate /= 4 if after else 1
    chance = torch.Generator(device).manual_seed(6)
    cells = SCENE_SIDE // 8
    at_cell = (torch.arange(cells, device=device) + 0.5) * 8 - 0.5

    def loss_of(at: torch.Tensor) -> torch.Tensor:
        n = len(at)
        x = pictures[at].permute(0, 3, 1, 2).float() / 255
        f = places[at].clone()
        if float(torch.rand(1, generator=chance, device=device)) < 0.5:
            x = x.flip(3)
            f[..., 0], f[..., 3] = SCENE_SIDE - 1 - f[..., 0], -f[..., 3]
        tone = (
            torch.randn(n, 3, 1, 1, generator=chance, device=device),
            torch.randn(n, 3, 1, 1, generator=chance, device=device),
        )
        x = (x * (1 + 0.1 * tone[0]) + 0.05 * tone[1]).clamp(0, 1).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device, torch.bfloat16):
            y = net(x)
        y = y.float()
        side = f[..., 2].abs().clamp(min=1)
        dx = (at_cell[None, None, None, :] - f[..., 0, None, None]) / side[..., None, None]
        dy = (at_cell[None, None, :, None] - f[..., 1, None, None]) / side[..., None, None]
        dx, dy = torch.broadcast_tensors(dx, dy)
        far = dx**2 + dy**2
        spread = torch.maximum(torch.full_like(side, 0.06), 3.5 / side)[..., None, None]
        bell = torch.exp(-far / (2 * spread**2)) * (f[..., 2] > 0)[..., None, None]
        target = bell.amax(1)
        ignored = ((far < 0.16) & (f[..., 2] < 0)[..., None, None]).any(1)
        # the one cell at the centre is the positive one; around it negatives count less, the nearer the less
        cx = ((f[..., 0] + 0.5) / 8).long().clamp(0, cells - 1)
        cy = ((f[..., 1] + 0.5) / 8).long().clamp(0, cells - 1)
        real = (
            (f[..., 2] > 0) & (f[..., 0] >= 0) & (f[..., 0] < SCENE_SIDE) & (f[..., 1] >= 0) & (f[..., 1] < SCENE_SIDE)
        )
        which = torch.arange(n, device=device)[:, None].expand_as(cx)
        logit = y[:, 0]
        p = torch.sigmoid(logit)
        negative = -((1 - target) ** 4) * p**2 * F.logsigmoid(-logit)
        negative = (negative * ~ignored).sum()
        at_centre = logit[which[real], cy[real], cx[real]]
        positive = -((1 - torch.sigmoid(at_centre)) ** 2 * F.logsigmoid(at_centre)).sum()
        count = real.sum().clamp(min=1)
        # size, place and roll are learnt in every cell near a centre
        owner = bell.argmax(1)
        near = (target > 0.5).float()
        pick = [torch.gather(f[..., i], 1, owner.flatten(1)).unflatten(1, owner.shape[1:]) for i in range(4)]
        ox, oy = (pick[0] - at_cell[None, None, :]) / 8, (pick[1] - at_cell[None, :, None]) / 8
        size = torch.log(pick[2].abs().clamp(min=1) / 64)
        wanted = torch.stack([ox, oy, size, torch.cos(pick[3]), torch.sin(pick[3])], 1)
        weights = torch.tensor([0.3, 0.3, 2.0, 1.0, 1.0], device=device)[None, :, None, None]
        off = F.smooth_l1_loss(y[:, 1:], wanted, reduction="none", beta=0.1) * weights * near[:, None]
        return (negative + positive) / count + off.sum() / near.sum().clamp(min=1)

    final = _train(net, loss_of, len(pictures), views, batch, rate, device)
    shown = torch.zeros(1, SCENE_SIDE, SCENE_SIDE, 3, dtype=torch.uint8)
    _export(FinderDeployed(final), shown, out, ["cells"], {0: "n", 1: "h", 2: "w"})


def _export(net: nn.Module, shown: torch.Tensor, out: Path, names: list[str], free: dict[int, str]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    axes = {"pictures": free} | {name: ({0: "n"} if len(free) == 1 else {0: "n", 2: "y", 3: "x"}) for name in names}
    torch.onnx.export(
        net.eval(), (shown,), str(out), input_names=["pictures"], output_names=names,
        dynamic_axes=axes, opset_version=17, dynamo=False,
    )  # fmt: skip
