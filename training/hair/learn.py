"""How the net learns: drawn people, lit, tinted, dyed and cropped anew each time they are shown."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Thread

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from training.drawn_faces.paint import noise
from training.hair.draw import FACE_BIT, HAIR_BIT, PERSON_BIT
from training.hair.net import Deployed, Net, scaled

from stillwake.perceive.hair import MIDDLE, SCALE, SIZE

HELD = 256
"""Drawings that are not learned from, but tell how well it went."""


def shown(rng: np.random.Generator, lab: np.ndarray, flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One drawing as it is shown, and its truth.

    ``lab`` (H, W, 3) and ``flags`` (H, W) uint8 -> (H, W, 5) uint8, as the net takes it, and (H, W) uint8, 1 where
    hair is. What is dyed, bleached or in shade stays hair.
    """
    u = rng.uniform
    if rng.random() < 0.5:
        lab, flags = lab[:, ::-1], flags[:, ::-1]
    lab = lab.astype(np.float32)
    hair, person, face = (flags & bit > 0 for bit in (HAIR_BIT, PERSON_BIT, FACE_BIT))
    if rng.random() < 0.4:  # another tint
        turn, more = (u(0, 2 * np.pi) if rng.random() < 0.4 else rng.normal(0, 0.3)), u(0.5, 1.3)
        c, s = math.cos(turn) * more, math.sin(turn) * more
        lab[..., 1:] = (lab[..., 1:] - 128) @ np.array([[c, -s], [s, c]], np.float32) + 128
    if hair.sum() > 200:
        soft = cv2.GaussianBlur(hair.astype(np.float32), (0, 0), u(0.4, 1.5))
        if rng.random() < 0.35:
            lab[..., 0] += _ends(rng, hair) * soft * u(-45, 45)
        if rng.random() < 0.4:
            _shift(lab, _ends(rng, hair) * soft, u(5, 30), u(0, 2 * np.pi))
    if rng.random() < 0.3 and person.any():  # clothes and skin of another hue in a spot
        _shift(lab, _ends(rng, person) * ~hair, u(5, 30), u(0, 2 * np.pi))
    lab = np.clip(np.round(_roughened(rng, lab)), 0, 255)
    outside = _outside(rng)
    lab[outside] = (0, 128, 128)
    return np.dstack([lab, person & ~outside, face]).astype(np.uint8), (hair & ~outside).astype(np.uint8)


def _outside(rng: np.random.Generator) -> np.ndarray:
    """(H, W) bool, what lies beyond the picture: at times it ends beside the face, as in a portrait."""
    (width, height), (x, y) = SIZE, MIDDLE
    left, right, top, bottom = (
        reach * (1 - rng.uniform(0, 1) * (1 - 0.6 * SCALE / reach)) if rng.random() < 0.4 else reach
        for reach in (x, width - x, y, height - y)
    )
    beyond = np.ones((height, width), bool)
    beyond[round(y - top) : round(y + bottom), round(x - left) : round(x + right)] = False
    return beyond


def _roughened(rng: np.random.Generator, lab: np.ndarray) -> np.ndarray:
    """The drawing as no drawing of ours looks: other tones, clutter, texture, softer or sharper, noisy."""
    u, (h, w) = rng.uniform, lab.shape[:2]
    if rng.random() < 0.3:
        lab[..., 0] = (np.clip(lab[..., 0], 0, 255) / 255) ** math.exp(rng.normal(0, 0.35)) * 255
    if rng.random() < 0.25:
        lab[..., 0] = (lab[..., 0] - 128) * u(0.4, 1.4) + 128 + rng.normal(0, 15)
    if rng.random() < 0.3:  # light and texture that know nothing of what they lie on
        for cell in (u(20, 90), u(4, 20), u(1.5, 4)):
            if rng.random() < 0.6:
                grain = noise(rng, h, w, cell) - 0.5
                lab[..., 0] *= 1 + grain * u(0, 0.5)
                if rng.random() < 0.3:
                    _shift(lab, grain, u(0, 16), u(0, 2 * np.pi))
    way = rng.random()
    if way < 0.3:
        lab = cv2.GaussianBlur(lab, (0, 0), u(0.4, 2.2))
    elif way < 0.4:
        lab = cv2.medianBlur(np.clip(lab, 0, 255).astype(np.uint8), int(rng.choice([3, 5]))).astype(np.float32)
    elif way < 0.55:
        lab = lab + (lab - cv2.GaussianBlur(lab, (0, 0), u(0.8, 3))) * u(0.2, 1.2)
    if rng.random() < 0.3:
        lab = lab + rng.normal(0, u(0, 5), lab.shape).astype(np.float32) * np.array([1, 0.4, 0.4], np.float32)
    return lab


def _shift(lab: np.ndarray, weight: np.ndarray, strength: float, turn: float) -> None:
    """Move a and b in place, by ``strength`` in the direction ``turn``, radians."""
    lab[..., 1:] += weight[..., None] * strength * np.array([math.cos(turn), math.sin(turn)], np.float32)


def _ends(rng: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """(H, W) float32 0..1: what lies beyond a line, of which down is; on both sides, on one, or around one place."""
    y, x = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]].astype(np.float32)
    ys, xs = np.nonzero(mask)
    turn = rng.normal(np.pi / 2, 0.5)
    along = x * math.cos(turn) + y * math.sin(turn)
    limit = np.quantile(along[ys, xs], 1 - math.exp(rng.uniform(math.log(0.03), math.log(0.6))))
    weight = 1 / (1 + np.exp(-np.clip((along - limit) / rng.uniform(0.3, 8), -30, 30)))
    way = rng.random()
    if way < 0.3:
        weight *= (x < mask.shape[1] / 2) == (rng.random() < 0.5)
    elif way < 0.5:
        k = rng.choice(np.nonzero(along[ys, xs] >= limit)[0])
        weight = np.exp(-0.5 * (((x - xs[k]) ** 2 + (y - ys[k]) ** 2) / rng.uniform(6, 30) ** 2) ** 2)
    return weight.astype(np.float32)


Pair = tuple[torch.Tensor, torch.Tensor]


def _batch(rng: np.random.Generator, lab: np.ndarray, flags: np.ndarray, at: np.ndarray) -> Pair:
    made = [shown(rng, lab[i], flags[i]) for i in at]
    x, y = (torch.from_numpy(np.stack(part)).float() for part in zip(*made, strict=True))
    return scaled(x.permute(0, 3, 1, 2)), F.avg_pool2d(y[:, None], 2)


def _ahead(rng: np.random.Generator, lab: np.ndarray, flags: np.ndarray, size: int) -> Iterator[Pair]:
    """Batches, three of them made ahead by a thread."""
    made: Queue[Pair] = Queue(3)

    def make() -> None:
        while True:
            made.put(_batch(rng, lab, flags, rng.integers(HELD, len(lab), size)))

    Thread(target=make, daemon=True).start()
    while True:
        yield made.get()


def learn(lab: np.ndarray, flags: np.ndarray, steps: int, size: int, rate: float, out: Path) -> None:
    """Learn from drawings (N, 256, 208, 3), (N, 256, 208) uint8; write the ONNX file every 400 steps and at the end.

    ``size`` drawings a step; ``rate`` the highest learning rate, which falls along a cosine. What is written is the
    running mean of the weights, its normalisation measured afresh: one step's own are up to a half worse.
    """
    torch.manual_seed(7)
    net = Net().to(memory_format=torch.channels_last)
    mean = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.995))
    optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=1e-3)
    losses: list[float] = []
    batches = _ahead(np.random.default_rng(3), lab, flags, size)
    for step in range(1, steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, step / 100) * (0.5 + 0.5 * math.cos(math.pi * step / steps)) + 1e-6
        x, y = next(batches)
        with torch.autocast("cpu", torch.bfloat16):
            answer = net(x.to(memory_format=torch.channels_last)).float()
        loss = F.binary_cross_entropy_with_logits(answer, y)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        mean.update_parameters(net)
        losses.append(float(loss.detach()))
        if step % 100 == 0:
            print(f"{step}: loss {np.mean(losses[-100:]):.4f}", flush=True)
        if step % 400 == 0 or step == steps:
            _settle(mean.module, batches)
            export(mean.module, out)
            overlap = held(mean.module, lab, flags)
            print(f"intersection over union {overlap:.3f} on {HELD} drawings not learned from", flush=True)


def _settle(net: Net, batches: Iterator[Pair]) -> None:
    """Measure the normalisation's means and variances afresh, over 30 batches."""
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
    net.train()
    with torch.no_grad():
        for _ in range(30):
            net(next(batches)[0].to(memory_format=torch.channels_last))
    net.eval()


def held(net: Net, lab: np.ndarray, flags: np.ndarray) -> float:
    """Intersection over union on the drawings that were not learned from."""
    both, either, rng = 0, 0, np.random.default_rng(11)
    net.eval()
    with torch.no_grad():
        for first in range(0, HELD, 32):
            x, y = _batch(rng, lab, flags, np.arange(first, first + 32))
            said, true = net(x) > 0, y > 0.5
            both, either = both + int((said & true).sum()), either + int((said | true).sum())
    return both / max(either, 1)


def export(net: Net, out: Path) -> None:
    """The net as ONNX."""
    torch.onnx.export(
        Deployed(net.eval()), (torch.zeros(1, SIZE[1], SIZE[0], 5, dtype=torch.uint8),), str(out),
        input_names=["pictures"], output_names=["shares"], dynamic_axes={"pictures": {0: "n"}, "shares": {0: "n"}},
        opset_version=17, dynamo=False,
    )  # fmt: skip
