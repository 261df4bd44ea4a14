"""What `isthmus.image.coders.separable.gains` computes, for a batch in PyTorch; no gradient passes through it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from isthmus.coding.formats import LATENT_LIMIT, MEAN_STEPS
from isthmus.image.coders.separable.gains import EIGHTHS, HUNDREDTHS_SQUARED, STEPS, thresholds
from isthmus.tune import WHOLE


def thresholds_of(floor: int) -> Tensor:
    """(n,) int64: the squares from which on texture is 1, 2, ... eighths of an octave above the floor."""
    return torch.from_numpy(thresholds(floor).copy())


@torch.no_grad()
def gain_octaves(decoded: Tensor, tune: Tensor, limits: Tensor, floor: int, power: int) -> Tensor:
    """The gain of each position in octaves, (B, 1, h, w) float32: multiples of a quarter.

    Args:
        decoded: (B, n, h, w) latents of the second group, in steps; multiples of 1/16.
        tune: (B,) in 0..1.
        limits: `thresholds_of` the floor.
        floor, power: as of `NetworkConfig`.
    """
    sixteenths = torch.round(decoded * MEAN_STEPS).clamp(-LATENT_LIMIT, LATENT_LIMIT).long()
    squares = floor + (sixteenths * sixteenths).sum(1, keepdim=True)
    eighths = torch.bucketize(squares, limits, right=True).double()
    # Sums of whole numbers: exact in float64.
    around = F.avg_pool2d(F.pad(eighths, (1, 1, 1, 1), mode="replicate"), 3, 1, divisor_override=1)
    hundredths = torch.round(WHOLE * tune).double()[:, None, None, None]
    whole = HUNDREDTHS_SQUARED * 9 * EIGHTHS
    quarters = torch.floor((2 * STEPS * power * hundredths * around + whole) / (2 * whole))
    return quarters.float() / STEPS
