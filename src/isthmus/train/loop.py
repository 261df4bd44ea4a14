"""One training step: loss, optimizer, schedule, moving average; and the state that a checkpoint holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.image.coders.separable.transform import MIDDLE
from isthmus.image.grid import BLOCK
from isthmus.likeness import psnr_of_mse
from isthmus.train.config import TrainConfig
from isthmus.train.image.data import Batch
from isthmus.train.image.modules import Network
from isthmus.train.muon import Muon
from isthmus.train.parameters import follow, set_rate
from isthmus.train.workers import Workers


@dataclass(frozen=True)
class Progress:
    """What one step reports."""

    step: int
    loss: float
    """(bpp + weighted distortion) / `reference_bpp`, mean over the batch: comparable along a run and between runs."""
    bpp: float
    psnr_db: float


def reference_bpp(quality: Tensor) -> Tensor:
    """About the bits per pixel of a photograph at qualities (B,) in 0..1; the loss's unit, so it never changes."""
    return 0.1 + 0.07 * 60.0**quality


@dataclass(frozen=True)
class Losses:
    """Of a batch."""

    gradient: Tensor
    """Scalar whose gradient is followed: each picture's cost relative to its own rate."""
    cost: Tensor
    """(B,): bits per pixel, with the distortion that is worth as much."""
    bpp: Tensor
    """(B,): estimated bits per pixel."""
    mse: Tensor
    """(B,): mean squared error."""


def losses(network: nn.Module, batch: Batch, config: TrainConfig, dtype: torch.dtype) -> Losses:
    """Of all but the outer 16 pixels of the crops."""
    with torch.autocast(batch.pixels.device.type, dtype, enabled=dtype != torch.float32):
        output, bits, nominal = network(batch.coefficients, batch.quality, batch.tune)
    inner = batch.pixels[:, :, BLOCK:-BLOCK, BLOCK:-BLOCK].float() - MIDDLE
    mse = ((output - inner) ** 2).mean((1, 2, 3))
    bpp = bits.sum((1, 2, 3)) / (bits.shape[2] * bits.shape[3] * BLOCK**2)
    cost = bpp + config.distortion_weight * 3 * mse / nominal**2
    # Divided by the rate itself, so that high rates do not drown low ones.
    return Losses((cost / (bpp.detach() + 0.1)).mean(), cost, bpp, mse)


def learning_rate(progress: float, step: int, config: TrainConfig) -> float:
    """Warm-up by steps, then a cosine to zero as `progress` goes from 0 to 1."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    return config.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def make_optimizers(network: Network, config: TrainConfig, dtype: torch.dtype) -> list[torch.optim.Optimizer]:
    """Muon for the networks' matrices and dense convolutions, AdamW for everything else; the entropy model at a rate
    of its own.

    Args:
        dtype: what the hardware computes fast, for Muon.
    """
    matrices: list[dict[str, Any]] = []
    rest: list[dict[str, Any]] = []
    for scale, is_context in ((1.0, False), (config.context_rate, True)):
        own = [(name, one) for name, one in network.named_parameters() if name.startswith("context.") == is_context]
        by_muon = [one for name, one in own if config.muon and _is_matrix(name, one)]
        held = {id(one) for one in by_muon}
        matrices.append({"params": by_muon, "scale": scale})
        rest.append({"params": [one for _, one in own if id(one) not in held], "scale": scale})
    adam = torch.optim.AdamW(rest, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    return [adam, Muon(matrices, dtype, config.learning_rate)] if config.muon else [adam]


def _is_matrix(name: str, parameter: Tensor) -> bool:
    """Whether a parameter mixes what enters; the biases of the dials, by point, do not."""
    return parameter.ndim >= 2 and parameter.shape[1] > 1 and not name.endswith((".quality", ".tuned"))


class Trainer:
    """Network, its moving average and optimizer state; one object that is saved and resumed whole."""

    def __init__(self, config: TrainConfig, workers: Workers):
        torch.manual_seed(config.seed)
        self.config = config
        self.workers = workers
        self.network = Network(config.network).to(workers.device)
        self.average = Network(config.network).to(workers.device)
        self.average.requires_grad_(False)
        self.step = 0
        self.optimizers = make_optimizers(self.network, config, workers.dtype)
        self._wrapped: nn.Module | None = None

    def begin(self) -> None:
        """Sets the moving average to the network as it is, where training starts."""
        self.average.load_state_dict(self.network.state_dict())

    def set_costs(self, costs: Tensor) -> None:
        """Trains on other costs of symbols from now on."""
        for network in (self.network, self.average):
            network.context.costs.copy_(costs)

    def train_step(self, batch: Batch, progress: float) -> Progress:
        """One step of the optimizer.

        Raises:
            ArithmeticError: the loss is no number.
        """
        if self._wrapped is None:
            self._wrapped = self.workers.wrap(self.network)
        rate = learning_rate(progress, self.step, self.config)
        set_rate(self.optimizers, rate)
        batch = batch.to(self.workers.device)
        found = losses(self._wrapped, batch, self.config, self.workers.dtype)
        self.network.zero_grad(set_to_none=True)
        found.gradient.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        with torch.no_grad():
            loss = (found.cost / reference_bpp(batch.quality)).mean()
            numbers = torch.stack([norm, loss, found.bpp.mean(), found.mse.mean()]).float()
        norm_value, loss_value, bpp, mse = self.workers.mean(numbers).tolist()
        # A single bad batch is passed over; every worker comes to the same decision.
        if math.isfinite(norm_value):
            for optimizer in self.optimizers:
                optimizer.step()
        elif not math.isfinite(loss_value):
            raise ArithmeticError(f"step {self.step + 1}: the loss is {loss_value}")
        self.step += 1
        follow(self.average, self.network, min(self.config.ema, (1 + self.step) / (10 + self.step)))
        return Progress(self.step, loss_value, bpp, psnr_of_mse(max(mse, 1e-9)))

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs."""
        return {
            "config": self.config.as_dict(),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step = state["step"]
