"""What `isthmus.image.coders.masking` computes, for a batch in PyTorch; no gradient passes through it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from isthmus.image.coders.masking import DC_CHANNELS, GAIN, POWER, SAMPLES


@torch.no_grad()
def visibility(y: Tensor, steps: Tensor, nominal: Tensor) -> Tensor:
    """Weight of a squared error at each position.

    Args:
        y: latents (B, C, h, w) in steps.
        steps: (B, C), in grey levels.
        nominal: (B,), in grey levels.

    Returns:
        (B, 1, h, w) in 0..1.
    """
    grey = y[:, DC_CHANNELS:].float() * steps[:, DC_CHANNELS:, None, None]
    power = torch.log1p((grey**2).sum(1, keepdim=True) / SAMPLES)
    texture = torch.expm1(F.avg_pool2d(F.pad(power, (1, 1, 1, 1), mode="replicate"), 3, 1))
    return (1 + GAIN * texture / nominal[:, None, None, None] ** 2) ** -POWER
