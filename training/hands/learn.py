"""Train one net and export it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from training.hands.net import Deployed, Net


def take_over(net: Net, path: Path, pictures: torch.Tensor) -> None:
    """Fill the net with the weights of an exported one, whose normalisations lie folded in its convolutions.

    ``pictures`` (N, 3, 96, 96) give the normalisations their mean and spread back, so that learning goes on alike.
    """
    graph = onnx.load(str(path)).graph
    kept = {t.name: torch.from_numpy(onnx.numpy_helper.to_array(t).copy()) for t in graph.initializer}
    folded = iter([[kept[i] for i in node.input[1:]] for node in graph.node if node.op_type in ("Conv", "Gemm")])
    norms = {}
    for module in net.modules():
        if isinstance(module, nn.Sequential):
            for one, two in itertools.pairwise(module):
                if isinstance(two, nn.BatchNorm2d):
                    norms[one] = two
    met: list[nn.Module] = []
    hooks = [
        m.register_forward_hook(lambda m, *_: met.append(m))
        for m in net.modules()
        if isinstance(m, nn.Conv2d | nn.Linear)
    ]
    net.eval()
    with torch.no_grad():
        net(pictures[:2])
        for hook in hooks:
            hook.remove()
        for layer in met:
            weight, bias = next(folded)
            layer.weight.copy_(weight)
            if layer in norms:
                norm = norms[layer]
                norm.running_mean.zero_()
                norm.running_var.fill_(1 - norm.eps)
                norm.weight.fill_(1)
                norm.bias.copy_(bias)
            else:
                layer.bias.copy_(bias)
        seen: dict[nn.Module, torch.Tensor] = {}
        hooks = [n.register_forward_hook(lambda m, x, _: seen.__setitem__(m, x[0])) for n in norms.values()]
        net(pictures)
        for hook in hooks:
            hook.remove()
        for norm, x in seen.items():
            mean, spread = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            norm.bias.add_(mean)
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(spread)
            norm.weight.copy_(torch.sqrt(spread + norm.eps))
    net.train()


def learn(
    data: list[np.ndarray],
    without: Sequence[int],
    steps: int,
    seconds: float,
    device: str,
    batch: int,
    out: Path,
    *,
    rate: float = 2e-3,
    real: float = 0.5,
    after: Path | None = None,
) -> None:
    """Train one net on all but the groups ``without`` and export it; ``real`` is the share of the real hands."""
    torch.manual_seed(7)
    halved = device == "cuda"
    if device == "cpu":
        torch.set_num_threads(1)
        halved = bool(torch.cpu.get_capabilities().get("amx_bf16"))  # takes a third of the time there
    kept = torch.from_numpy(np.flatnonzero(~np.isin(data[3], list(without))))
    pictures, dense, truth = (torch.from_numpy(d) for d in data[:3])
    pictures, dense, truth = pictures.to(device), dense.to(device), truth.to(device)
    is_drawn = torch.from_numpy(data[3] < 0).to(device)
    one_drawn, one_real = (float(max(1, (is_drawn.cpu()[kept] == flag).sum())) for flag in (True, False))
    shares = torch.from_numpy(np.where(data[3] < 0, (1 - real) / one_drawn, real / one_real))
    net = Net()
    if after is not None:
        some = pictures[kept[torch.linspace(0, len(kept) - 1, 512).long()]].permute(0, 3, 1, 2).float() / 255 - 0.5
        take_over(net, after, F.interpolate(some.cpu(), size=(96, 96), mode="area"))
    net = net.to(device, memory_format=torch.channels_last)
    mean = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998 if batch > 128 else 0.999), use_buffers=True
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.03)
    order = torch.Generator().manual_seed(3)
    chance = torch.Generator(device).manual_seed(5)
    start, step, done, total = time.monotonic(), 0, 0.0, 0.0

    def uniform(n: int, low: float, high: float) -> torch.Tensor:
        return torch.rand(n, generator=chance, device=device) * (high - low) + low

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=chance, device=device)

    net.train()
    pool = kept[torch.multinomial(shares[kept], batch * 2000, replacement=True, generator=order)].to(device)
    while done < 1:
        done = max(step / steps, (time.monotonic() - start) / seconds)
        now = min(1, (step + 1) / 200) * (0.5 + 0.5 * np.cos(np.pi * min(1, done)))
        optimiser.param_groups[0]["lr"] = rate * now + 1e-5
        if step and step % 2000 == 0:
            pool = kept[torch.multinomial(shares[kept], batch * 2000, replacement=True, generator=order)].to(device)
        at = pool[step % 2000 * batch : (step % 2000 + 1) * batch]
        t, n = truth[at], batch
        x = pictures[at].permute(0, 3, 1, 2).float() / 255 - 0.5
        m = dense[at].permute(0, 3, 1, 2).float() / 255
        turn, size, flip = normal(n) * 0.22, uniform(n, 0.88, 1.12), torch.where(uniform(n, 0, 1) < 0.5, -1.0, 1.0)
        way = torch.zeros(n, 2, 3, device=device)
        way[:, 0, 0], way[:, 0, 1] = torch.cos(turn) * size * flip, -torch.sin(turn) * size
        way[:, 1, 0], way[:, 1, 1] = torch.sin(turn) * size * flip, torch.cos(turn) * size
        way[:, :, 2] = normal(n, 2) * 0.05
        x = F.grid_sample(
            x, F.affine_grid(way, [n, 3, 96, 96], align_corners=False), padding_mode="reflection", align_corners=False
        )
        m = F.grid_sample(m, F.affine_grid(way, [n, 2, 24, 24], align_corners=False), align_corners=False)
        x = x * uniform(n, 0.6, 1.3)[:, None, None, None] + normal(n, 1, 1, 1) * 0.1 + normal(n, 3, 1, 1) * 0.04
        soft = F.interpolate(F.avg_pool2d(x, 2), scale_factor=2, mode="bilinear", align_corners=False)
        x = torch.where((uniform(n, 0, 1) < 0.3)[:, None, None, None], soft, x)
        x = torch.where((uniform(n, 0, 1) < 0.12)[:, None, None, None], x.mean(1, keepdim=True), x)
        x = (x + normal(*x.shape) * uniform(n, 0, 0.04)[:, None, None, None]).clamp(-0.75, 0.75)
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device, torch.bfloat16, enabled=halved):
            count, flags, straight, found = net(x)
        count, flags, straight, found = count.float(), flags.float(), straight.float(), found.float()
        known = ~torch.isnan(t)
        digits = torch.where(known[:, 1], t[:, 1], torch.full_like(t[:, 1], -100)).long()
        loss = F.cross_entropy(count, digits, ignore_index=-100, label_smoothing=0.03)
        for flag, column, weight in ((0, 2, 1.0), (1, 3, 0.7), (2, 0, 0.7)):
            each = F.binary_cross_entropy_with_logits(flags[:, flag], torch.nan_to_num(t[:, column]), reduction="none")
            loss = loss + weight * (each * known[:, column]).sum() / known[:, column].sum().clamp(min=1)
        each = F.smooth_l1_loss(straight, torch.nan_to_num(t[:, 4]), reduction="none")
        loss = loss + 0.15 * (each * known[:, 4]).sum() / known[:, 4].sum().clamp(min=1)
        each = F.binary_cross_entropy_with_logits(found, m, reduction="none").mean((1, 2, 3))
        loss = loss + 1.5 * (each * is_drawn[at]).sum() / is_drawn[at].sum().clamp(min=1)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        mean.update_parameters(net)
        step += 1
        total += (float(loss.detach()) - total) / min(step, 200)
        if step % 200 == 0:
            print(f"   step {step}, {time.monotonic() - start:.0f} s, loss {total:.4f}", flush=True)
    final = mean.module.cpu().to(memory_format=torch.contiguous_format).eval()
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        Deployed(final),
        (torch.zeros(4, 96, 96, 3, dtype=torch.uint8),),
        str(out),
        input_names=["views"],
        output_names=["count", "flags", "straight"],
        dynamic_axes={"views": {0: "n"}, "count": {0: "n"}, "flags": {0: "n"}, "straight": {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
