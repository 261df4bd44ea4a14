"""Symbols of a trellis in training: chosen as the encoder chooses them; gradients pass as through rounding."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, library

from isthmus.coding.formats import MEAN_STEPS
from isthmus.coding.trellis import FIRST_SCALE, SYMBOL_STEP, values
from isthmus.coding.trellis_search import best_path
from isthmus.train.quantization import COST_COLUMNS, Quantized, costs_around, rounded_means, scale_index, ste

LARGEST = 256
"""Symbols up to this have costs of their own in the search; those beyond cost as much as the next."""


@library.custom_op("isthmus::path", mutates_args=())
def _path(x: Tensor, scales: Tensor, worth: Tensor, costs: Tensor) -> tuple[Tensor, Tensor]:
    """Symbols of latents (B, C, H, W) less their means, and what they stand for in steps; 0 where no trellis is.

    Each batch is one sequence, crop by crop and channel by channel. The compiler takes it as it is.
    """
    of_trellis = (scales >= FIRST_SCALE).reshape(-1).nonzero()[:, 0]
    shifts, rows, worths = (one.reshape(-1)[of_trellis].float().cpu().numpy() for one in (x, scales, worth))
    path = best_path(shifts, rows.astype(np.uint8), worths, _bits(costs))
    found = path.symbols, values(path.symbols, path.quantizers).astype(np.float32) / MEAN_STEPS
    symbols, residuals = (
        x.new_zeros(x.numel()).index_copy(0, of_trellis, torch.from_numpy(one).to(x)).reshape(x.shape) for one in found
    )
    return symbols, residuals


@_path.register_fake
def _(x: Tensor, scales: Tensor, worth: Tensor, costs: Tensor) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape), x.new_empty(x.shape)


def along_trellis(
    y: Tensor, mean: Tensor, scale: Tensor, costs: Tensor, importance: Tensor, quantized: Quantized
) -> Quantized:
    """What `quantize` returned for the same arguments, but for the latents that are of a trellis."""
    mean = rounded_means(mean)
    with torch.no_grad():
        x = y - mean
        index = scale_index(scale)
        symbols, residuals = _path(x, index, importance.expand(x.shape).contiguous(), costs)
        magnitude = symbols.abs()
        inside = magnitude.clamp_max(COST_COLUMNS - 1)
        cost, low = costs_around(costs, scale)
        here_low, here_high = cost(inside)
        below_low, below_high = cost((inside - 1).clamp_min(0))
        slope = torch.lerp(here_low - below_low, here_high - below_high, scale - low)
        beyond = (magnitude - inside) * slope
        slope = slope * torch.sign(symbols) / SYMBOL_STEP
        of_trellis = index >= FIRST_SCALE
    bits = here_low + (here_high - here_low) * (scale - low) + beyond + slope * (y - mean - x)
    # As of latents that are rounded to zero, the gradient belongs to the mean.
    decoded = torch.where(symbols == 0, mean, ste(residuals + mean.detach(), y))
    found = (decoded, bits, symbols)
    return Quantized(*(torch.where(of_trellis, new, old) for old, new in zip(quantized, found, strict=True)))


def _bits(costs: Tensor) -> npt.NDArray[np.float32]:
    """(SCALES, 2 LARGEST + 1) float32: bits of the symbols -LARGEST..LARGEST."""
    known = costs.float().cpu().numpy()
    rest = np.arange(1, LARGEST + 2 - COST_COLUMNS, dtype=np.float32)
    line = known[:, -1:] + rest * (known[:, -1:] - known[:, -2:-1])
    half = np.concatenate([known, line], 1)
    return np.concatenate([half[:, :0:-1], half], 1)
