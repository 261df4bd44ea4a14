"""The training loop: gradient descent over rows in memory, full batch, mini-batch or one sample at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import cos, isfinite, pi
from typing import Any, get_args

import torch
from torch import Tensor
from torch.nn import functional

from isthmus.autoencoder.augmentation import augment
from isthmus.autoencoder.choices import Loss, Schedule
from isthmus.autoencoder.networks import Network
from isthmus.errors import InputError

LOSSES: tuple[str, ...] = get_args(Loss)
SCHEDULES: tuple[str, ...] = get_args(Schedule)
LBFGS_INNER_STEPS = 10

Optimizers = dict[str, Callable[["TrainingConfig", list[Tensor]], torch.optim.Optimizer]]
OPTIMIZERS: Optimizers = {
    "sgd": lambda c, p: torch.optim.SGD(p, c.learning_rate, momentum=c.momentum, weight_decay=c.weight_decay),
    "nesterov": lambda c, p: torch.optim.SGD(
        p, c.learning_rate, momentum=c.momentum or 0.9, weight_decay=c.weight_decay, nesterov=True
    ),
    # Fused: of networks this small, a step operation by operation takes as long as the gradient.
    "adam": lambda c, p: torch.optim.Adam(p, c.learning_rate, weight_decay=c.weight_decay, fused=True),
    "adamw": lambda c, p: torch.optim.AdamW(p, c.learning_rate, weight_decay=c.weight_decay, fused=True),
    "rmsprop": lambda c, p: torch.optim.RMSprop(p, c.learning_rate, momentum=c.momentum, weight_decay=c.weight_decay),
    "adagrad": lambda c, p: torch.optim.Adagrad(p, c.learning_rate, weight_decay=c.weight_decay),
    "lbfgs": lambda c, p: torch.optim.LBFGS(
        p, c.learning_rate, max_iter=LBFGS_INNER_STEPS, history_size=20, line_search_fn="strong_wolfe"
    ),
}


@dataclass(frozen=True)
class TrainingConfig:
    """How to descend; the names and defaults are those of `Autoencoder`."""

    loss: str = "mse"  # "mse" or "bce" (binary cross-entropy, for rows in 0..1 and a sigmoid output)
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: str = "constant"  # "cosine" lets the rate fall to zero over the planned steps
    batch_size: int | None = 256  # None: full batch; 1: one sample at a time
    epochs: int = 10
    max_steps: int | None = None  # stop after so many gradient steps, epochs or not
    stop_loss: float | None = None  # stop after the first epoch whose mean loss is at or under this
    shuffle: bool = True
    noise: float = 0.0  # deviation of the noise on the input, in scaled units; the target stays clean
    beta: float = 0.1  # weight of the variational term
    augmentation: tuple[str, ...] = ()


@dataclass
class History:
    """What happened, one entry an epoch; `loss` is the mean over the epoch's batches, each taken before its step."""

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # since the start of training
    steps: int = 0
    stopped_by: str = "epochs"  # "epochs", "max_steps" or "stop_loss"


def objective(network: Network, x: Tensor, target: Tensor, config: TrainingConfig) -> Tensor:
    """The loss to descend: mean over samples and features, so that it does not grow with the picture.

    A variational network adds beta times the Kullback-Leibler divergence of its code from a standard normal
    (Kingma and Welling 2014), divided by the features like the rest.
    """
    if network.spec.kind != "variational":
        return reconstruction_loss(network, network.encode(x), target, config.loss)
    mean, log_variance = network.moments(x)
    code = mean + torch.randn_like(mean) * (log_variance / 2).exp()
    divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()
    reconstruction = reconstruction_loss(network, code, target, config.loss)
    return reconstruction + config.beta * divergence / target.shape[1]


def reconstruction_loss(network: Network, code: Tensor, target: Tensor, loss: str) -> Tensor:
    """Mean squared error or binary cross-entropy of what the decoder makes of ``code (n, code_size)``."""
    if loss == "bce":  # from the logits: log(sigmoid) by hand would lose digits at both ends
        return functional.binary_cross_entropy_with_logits(network.logits(code), target)
    return functional.mse_loss(network.decode(code), target)


def train(
    network: Network,
    rows: Tensor,
    config: TrainingConfig,
    *,
    validation: Tensor | None = None,
    epochs: Callable[[int], Iterator[int]] = lambda count: iter(range(count)),
) -> History:
    """Fit ``network`` in place to scaled rows ``(n, features)``; draws from torch's global generator.

    ``epochs`` turns the number of epochs into an iterator over them: a progress bar's place.
    Raises `InputError` when the loss stops being a finite number.
    """
    optimizer = OPTIMIZERS[config.optimizer](config, list(network.parameters()))
    size = len(rows) if config.batch_size is None else min(config.batch_size, len(rows))
    planned = config.epochs * -(-len(rows) // size)
    if config.max_steps is not None:
        planned = min(planned, config.max_steps)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, _schedule(config.schedule, planned))
    history, start = History(), time.perf_counter()
    network.train()
    for epoch in epochs(config.epochs):
        total = torch.zeros((), dtype=rows.dtype)
        seen = 0
        for batch in _batches(rows, size, config.shuffle):
            total += _step(network, optimizer, batch, config) * len(batch)
            seen += len(batch)
            history.steps += 1
            if config.schedule != "constant":
                rate.step()
            if history.steps == config.max_steps:
                break
        loss = float(total) / seen
        if not isfinite(loss):
            raise InputError(
                f"training diverged in epoch {epoch + 1}",
                expected="a finite loss",
                got=loss,
                hint=f"Lower the learning rate (now {config.learning_rate:g}) or scale the data.",
            )
        history.loss.append(loss)
        if validation is not None:
            with torch.no_grad():
                history.validation_loss.append(float(objective(network, validation, validation, config)))
        history.seconds.append(time.perf_counter() - start)
        if config.stop_loss is not None and loss <= config.stop_loss:
            history.stopped_by = "stop_loss"
            break
        if history.steps == config.max_steps:
            history.stopped_by = "max_steps"
            break
    network.eval()
    return history


def _step(network: Network, optimizer: torch.optim.Optimizer, batch: Tensor, config: TrainingConfig) -> Tensor:
    target = augment(batch, network.spec.shape, config.augmentation) if config.augmentation else batch
    x = target + config.noise * torch.randn_like(target) if config.noise else target

    def closure() -> Any:  # L-BFGS asks for the loss several times a step; the others once
        optimizer.zero_grad(set_to_none=True)
        loss = objective(network, x, target, config)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    return torch.as_tensor(optimizer.step(closure)).detach()


def _batches(rows: Tensor, size: int, shuffle: bool) -> Iterator[Tensor]:
    if size == len(rows):  # the order within one batch changes nothing
        yield rows
        return
    order = torch.randperm(len(rows)) if shuffle else torch.arange(len(rows))
    for start in range(0, len(rows), size):
        yield rows[order[start : start + size]]


def _schedule(name: str, planned: int) -> Callable[[int], float]:
    if name == "constant":
        return lambda step: 1.0
    return lambda step: 0.5 * (1 + cos(pi * min(step, planned) / planned))
