"""Products of 8 bits in differentiable form: weights of 7 bits with a unit for each output, activations of 8 in steps
that are learned.

Source: Esser et al., "Learned step size quantization", ICLR 2020.
"""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.image.coders.separable.networks import LARGEST
from isthmus.train.quantization import ste

SIGNED, POSITIVE = (-128, 127), (0, 255)
"""What activations may be, in steps."""
LEAST = 1e-6
"""Of the largest weight of an output: where all are as good as zero, biases would be too large in its unit."""


def unit_of(weight: Tensor) -> Tensor:
    """(outputs,): what a weight of 1 counts for each output, for weights (outputs, ...)."""
    return weight.detach().flatten(1).abs().amax(1).clamp_min(LEAST) / LARGEST


def rounded_weight(weight: Tensor) -> Tensor:
    """Weights (outputs, ...) as they will be stored; gradients pass as if unrounded."""
    unit = unit_of(weight).reshape(-1, *[1] * (weight.ndim - 1))
    return ste(torch.round(weight / unit) * unit, weight)


def rounded(layer: nn.Module, x: Tensor, step: Tensor | None = None) -> Tensor:
    """What a convolution makes of x, its weights rounded as they will be stored.

    Args:
        step: (B, 1, 1, 1), of x, where the layer adds whole numbers alone.
    """
    conv = cast(nn.Conv2d, layer)
    weight, padding = rounded_weight(conv.weight), cast(tuple[int, int], conv.padding)
    if step is None:
        return F.conv2d(x, weight, conv.bias, padding=padding, groups=conv.groups)
    bias = cast(Tensor, conv.bias)[:, None, None]
    unit = step.detach() * unit_of(conv.weight)[:, None, None]
    return F.conv2d(x, weight, padding=padding, groups=conv.groups) + ste(torch.round(bias / unit) * unit, bias)


class Activation(nn.Module):
    """Rounds to 8 bits, in a step for each quality point: what flows grows as the quantization steps shrink.

    Args:
        first: (points,) logarithms of the steps that training starts from.
        limits: `SIGNED`, or `POSITIVE`, which rectifies.
    """

    def __init__(self, first: Tensor, limits: tuple[int, int] = SIGNED):
        super().__init__()
        self.limits = limits
        # As logarithms they stay positive.
        self.log_steps = nn.Parameter(first.clone())

    def step(self, quality: Tensor) -> Tensor:
        """(B, 1, 1, 1): the step, for weights (B, points) of the quality points."""
        with torch.autocast(quality.device.type, enabled=False):
            return torch.exp(quality.float() @ self.log_steps)[:, None, None, None]

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        """(B, C, H, W), and weights (B, points) of the quality points -> alike, multiples of the step; gradients stop
        where they are clipped."""
        low, high = self.limits
        # All activations of a picture pull at one step: their gradient is weighed as one of theirs.
        share = 1 / math.sqrt(x[0].numel() * high)
        step = self.step(quality)
        step = ste(step, step * share)
        whole = (x.float() / step).clamp(low, high)
        return ste(torch.round(whole), whole) * step
