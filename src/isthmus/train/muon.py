"""Muon: momentum whose update is orthogonalised, for weight matrices and convolutions.

Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024), its rate scaled as
in Liu et al., arXiv 2502.16982, so that one rate serves Muon and AdamW alike. PyTorch's own takes matrices only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


def orthogonalise(matrices: Tensor, dtype: torch.dtype) -> Tensor:
    """(N, m, n) -> the nearest semi-orthogonal matrices, roughly, by a quintic Newton-Schulz iteration in a dtype."""
    a, b, c = COEFFICIENTS
    x = matrices.to(dtype)
    wide = x.shape[1] > x.shape[2]
    if wide:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    result: Tensor = (x.mT if wide else x).float()
    return result


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; parameters of more than two dimensions are flattened to (out, rest).

    Args:
        dtype: what updates are computed in. bfloat16 is exact enough, but where hardware only emulates it, the updates
            take as long as the gradients.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter] | list[dict[str, Any]],
        dtype: torch.dtype,
        lr: float = 1e-3,
        momentum: float = 0.95,
    ):
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step; parameters of one shape are orthogonalised together."""
        for group in self.param_groups:
            shapes: dict[tuple[int, ...], list[tuple[nn.Parameter, Tensor]]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum: Tensor = state["momentum"]
                momentum.lerp_(parameter.grad, 1 - group["momentum"])
                update = parameter.grad.lerp(momentum, group["momentum"])
                shapes[tuple(update.flatten(1).shape)].append((parameter, update.flatten(1)))
            for shape, members in shapes.items():
                updates = orthogonalise(torch.stack([update for _, update in members]), self._dtype)
                scale = 0.2 * max(shape) ** 0.5
                for (parameter, _), update in zip(members, updates, strict=True):
                    parameter.sub_(update.reshape(parameter.shape), alpha=group["lr"] * scale)
