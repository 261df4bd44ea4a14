"""What the encoder says an error is worth, for a batch in PyTorch; no gradient passes through it.

See `isthmus.image.coders.masking`, and `importance_of` in `isthmus.image.coders.separable.analysis`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from isthmus.image.coders.masking import DC_CHANNELS, GAIN, PLAIN_WEIGHT, POWER, RDOQ_WEIGHT, SAMPLES, STRIKING_POWER


@torch.no_grad()
def importance(y: Tensor, steps: Tensor, nominal: Tensor, tune: Tensor, channels: Tensor) -> Tensor:
    """Bits that a squared error of one step is worth of latents (B, C, h, w); arguments as of
    `visibility`.

    Args:
        tune: (B,) in 0..1: to the squared error all places are alike, the eye sees errors where nothing hides them.
        channels: (C,), how much an error in each strikes the eye.
    """
    share = tune[:, None, None, None]
    places = (1 - share) * PLAIN_WEIGHT + share * RDOQ_WEIGHT * visibility(y, steps, nominal)
    return places * channels[:, None, None] ** (share * STRIKING_POWER)


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
