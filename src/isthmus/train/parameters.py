"""What a step of any training does beside the optimizers' own work: their rate, and the moving average."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def set_rate(optimizers: Iterable[torch.optim.Optimizer], rate: float) -> None:
    """Sets the learning rate of every group, relative to which each has a `scale`."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate * group["scale"]


def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Moves a moving average towards a network's parameters; buffers stay."""
    with torch.no_grad():
        averaged: list[Tensor] = list(average.parameters())
        torch._foreach_lerp_(averaged, list(network.parameters()), 1 - decay)
