"""The training loop: loss, optimizer, schedule, moving average and checkpoints that a later run resumes."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus.train.config import BLOCK, TrainConfig
from isthmus.train.modules import Network
from isthmus.train.muon import Muon

Pictures = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Progress:
    """What one step reports."""

    step: int
    loss: float
    bpp: float
    psnr_db: float
    seconds: float


def batches(pictures: Pictures, config: TrainConfig, seed: int) -> Iterator[Tensor]:
    """Endless batches (B, 3, crop+16, crop+16) float around 0 from pictures, a sequence of (3, H, W) uint8 arrays:
    random windows, each batch flipped and transposed at random."""
    random = np.random.default_rng(seed)
    size = config.crop + BLOCK
    while True:
        crops = []
        for index in random.integers(0, len(pictures), config.batch):
            _, height, width = pictures[index].shape
            top = int(random.integers(0, height - size + 1))
            left = int(random.integers(0, width - size + 1))
            crops.append(pictures[index][:, top : top + size, left : left + size])
        batch = torch.from_numpy(np.stack(crops))
        flips = [axis for axis in (2, 3) if random.random() < 0.5]
        batch = torch.flip(batch, flips)
        if random.random() < 0.5:
            batch = batch.transpose(2, 3)
        yield batch.contiguous().float() - 128


def losses(
    network: Network, pixels: Tensor, quality: Tensor, config: TrainConfig, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalised loss (scalar), bits per pixel (B,), mean squared error (B,) of a batch at given qualities (B,)."""
    with torch.autocast(pixels.device.type, dtype, enabled=dtype != torch.float32):
        output, bits, nominal = network(pixels, quality, config.distortion_weight, config.rdoq)
    inner = pixels[:, :, BLOCK:-BLOCK, BLOCK:-BLOCK]
    mse = ((output - inner) ** 2).mean((1, 2, 3))
    bpp = bits.sum((1, 2, 3)) / (bits.shape[2] * bits.shape[3] * BLOCK**2)
    distortion = config.distortion_weight * 3 * mse / nominal**2
    # Divided by the rate itself, so that high rates do not drown low ones.
    loss = ((bpp + distortion) / (bpp.detach() + 0.1)).mean()
    return loss, bpp, mse


def learning_rate(progress: float, step: int, config: TrainConfig) -> float:
    """Warm-up by steps, then a cosine to zero as `progress` goes from 0 to 1."""
    warm = min(1.0, (step + 1) / config.warmup_steps)
    return config.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def make_optimizers(network: Network, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """Muon for the networks' matrices and dense convolutions; AdamW for everything else, slowly for the transforms."""
    matrices, linear, rest = [], [], []
    for name, parameter in network.named_parameters():
        if name in ("analysis.linear.weight", "synthesis.linear.weight"):
            linear.append(parameter)
        elif (
            config.muon
            and parameter.ndim >= 2
            and parameter.shape[1] > 1
            and ".quality" not in name
            and name != "log_steps"
        ):
            matrices.append(parameter)
        else:
            rest.append(parameter)
    groups: list[dict[str, Any]] = [
        {"params": rest, "scale": 1.0},
        {"params": linear, "scale": config.linear_rate_scale},
    ]
    adam = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    if not config.muon:
        return [adam]
    return [adam, Muon([{"params": matrices, "scale": 1.0}], lr=config.learning_rate)]


class Trainer:
    """Network, its moving average and optimizer state; one object that is saved and resumed whole."""

    def __init__(self, config: TrainConfig, device: str = "cpu"):
        torch.manual_seed(config.seed)
        self.config = config
        self.device = device
        self.network = Network(config.network).to(device)
        self.average = Network(config.network).to(device)
        self.step = 0
        self.seconds = 0.0
        self.optimizers = make_optimizers(self.network, config)

    def start_average(self) -> None:
        """Sets the moving average to the network as it is."""
        self.average.load_state_dict(self.network.state_dict())

    def train_step(self, pixels: Tensor, quality: Tensor, progress: float) -> Progress:
        """One step of the optimizer on pixels (B, 3, H, W) and qualities (B,) in 0..1."""
        begun = time.perf_counter()
        dtype = torch.bfloat16
        rate = learning_rate(progress, self.step, self.config)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["scale"]
        loss, bpp, mse = losses(self.network, pixels, quality, self.config, dtype)
        self.network.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        if bool(torch.isfinite(norm)):
            for optimizer in self.optimizers:
                optimizer.step()
        self.step += 1
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            averaged: list[Tensor] = list(self.average.parameters())
            torch._foreach_lerp_(averaged, list(self.network.parameters()), 1 - decay)
        seconds = time.perf_counter() - begun
        self.seconds += seconds
        psnr = 10 * math.log10(255**2 / float(mse.detach().mean()))
        return Progress(self.step, float(loss.detach()), float(bpp.detach().mean()), psnr, seconds)

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs."""
        return {
            "config": self.config.as_dict(),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "seconds": self.seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.seconds = state["step"], state["seconds"]


def save_checkpoint(trainer: Trainer, path: Path) -> None:
    """Writes the trainer's state so that a kill at any moment leaves the old file or the new one whole."""
    partial = path.with_suffix(".partial")
    torch.save(trainer.state(), partial)
    os.replace(partial, path)
