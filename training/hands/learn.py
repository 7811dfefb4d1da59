"""Train one net and export it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from training.hands.net import Deployed, Net


def learn(
    data: list[np.ndarray], without: int, steps: int, seconds: float, device: str, batch: int, out: Path
) -> None:
    """Train one net on all but the fold ``without`` and export it."""
    torch.manual_seed(7)
    if device == "cpu":
        torch.set_num_threads(1)
    kept = torch.from_numpy(np.flatnonzero(data[3] != without) if without >= 0 else np.arange(len(data[3])))
    pictures, dense, truth = (torch.from_numpy(d) for d in data[:3])
    pictures, dense, truth = pictures.to(device), dense.to(device), truth.to(device)
    is_drawn = torch.from_numpy(data[3] < 0).to(device)
    shares = torch.from_numpy(
        np.where(data[3] < 0, 0.5 / max(1, (data[3] < 0).sum()), 0.5 / max(1, (data[3] >= 0).sum()))
    )
    net = Net().to(device)
    mean = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.03)
    order = torch.Generator().manual_seed(3)
    chance = torch.Generator(device).manual_seed(5)
    start, step, done = time.monotonic(), 0, 0.0

    def uniform(n: int, low: float, high: float) -> torch.Tensor:
        return torch.rand(n, generator=chance, device=device) * (high - low) + low

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=chance, device=device)

    net.train()
    pool = kept[torch.multinomial(shares[kept], batch * 2000, replacement=True, generator=order)].to(device)
    while done < 1:
        done = max(step / steps, (time.monotonic() - start) / seconds)
        rate = 2e-3 * min(1, (step + 1) / 200) * (0.5 + 0.5 * np.cos(np.pi * min(1, done))) + 1e-5
        optimiser.param_groups[0]["lr"] = rate
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
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
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
        if step % 500 == 0 or (device == "cpu" and step % 50 == 0):
            pass
    final = mean.module.cpu().eval()
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        Deployed(final),
        (torch.zeros(6, 96, 96, 3, dtype=torch.uint8),),
        str(out),
        input_names=["views"],
        output_names=["count", "flags", "straight"],
        dynamic_axes={"views": {0: "n"}, "count": {0: "n"}, "flags": {0: "n"}, "straight": {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
    {"steps": step, "batch": batch, "seconds": round(time.monotonic() - start), "loss": round(float(loss), 4)}


def learn_from(place: Path, without: int, steps: int, seconds: float, device: str, batch: int, out: Path) -> None:
    """The same from files, for a process of its own."""
    learn([np.load(place / f"{k}.npy") for k in range(4)], without, steps, seconds, device, batch, out)
