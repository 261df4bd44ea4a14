"""Rounding and its costs in differentiable form: what a symbol costs, which one is chosen, how gradients pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from isthmus.coding.formats import MEAN_STEPS, SCALES
from isthmus.coding.trellis import FIRST_SCALE, SYMBOL_STEP

SCALE_MIN, SCALE_MAX = 0.05, 256.0
LOG2_E = math.log2(math.e)
COST_COLUMNS = 16
"""Symbols 0 to 15 have costs of their own in training; beyond, a straight line."""


def laplace_costs(trellis: bool = False) -> Tensor:
    """(SCALES, COST_COLUMNS) bits of the symbols 0, 1, ... under Laplace densities of log-spaced scales; with a trellis
    those of its symbols, where it has some."""
    index = torch.arange(SCALES, dtype=torch.float64)
    if trellis:
        # Its symbols lie farther apart, as if the densities were narrower.
        index[FIRST_SCALE:] -= math.log(SYMBOL_STEP) * (SCALES - 1) / math.log(SCALE_MAX / SCALE_MIN)
    return laplace_bits(torch.arange(COST_COLUMNS), index[:, None]).float()


def laplace_scale(index: Tensor) -> Tensor:
    """The scales, in steps, of scale indices on the continuous scale."""
    return SCALE_MIN * torch.exp(index * (math.log(SCALE_MAX / SCALE_MIN) / (SCALES - 1)))


def laplace_bits(symbols: Tensor, index: Tensor) -> Tensor:
    """Bits of whole symbols under Laplace densities around zero, whose scale indices are broadcast to them."""
    inverse = 1 / laplace_scale(index)
    half = torch.exp(-0.5 * inverse)
    zero = -torch.log2(-torch.expm1(-0.5 * inverse))  # P(0) = 1 - half
    first = zero + 1 + inverse * (0.5 * LOG2_E) - torch.log2(1 + half)  # P(1) = half (1 - half) (1 + half) / 2
    magnitude = symbols.abs()
    return torch.where(magnitude < 0.5, zero, first + inverse * LOG2_E * (magnitude - 1))


def compand(x: Tensor) -> Tensor:
    """Signed logarithm, the form in which decoded latents enter the networks."""
    return torch.sign(x) * torch.log2(1 + x.abs())


def ste(hard: Tensor, soft: Tensor) -> Tensor:
    """`hard` in value, `soft` in gradient."""
    return soft + (hard - soft).detach()


class Quantized(NamedTuple):
    """What latents become, each (B, C, H, W).

    Attributes:
        decoded: latents as they are decoded.
        bits: what they cost.
        symbols: what is coded.
    """

    decoded: Tensor
    bits: Tensor
    symbols: Tensor


def rounded_means(mean: Tensor) -> Tensor:
    """Means as they are decoded, in sixteenths; the gradient passes straight through."""
    return ste(torch.round(mean * MEAN_STEPS) / MEAN_STEPS, mean)


def costs_around(costs: Tensor, scale: Tensor) -> tuple[Callable[[Tensor], tuple[Tensor, Tensor]], Tensor]:
    """cost(magnitudes below COST_COLUMNS) -> their bits at the scale indices below and above, and those below."""
    flat = costs.reshape(-1)
    low = scale.floor().clamp_max(SCALES - 2)
    row = (low * COST_COLUMNS).to(torch.int32)

    def cost(magnitude: Tensor) -> tuple[Tensor, Tensor]:
        at = row + magnitude.to(torch.int32)
        return flat[at], flat[at + COST_COLUMNS]

    return cost, low


def quantize(y: Tensor, mean: Tensor, scale: Tensor, costs: Tensor, importance: Tensor | None) -> Quantized:
    """Decoded latents, bits and symbols; gradients pass straight through the rounding.

    Args:
        costs: (SCALES, COST_COLUMNS) bits of the symbols of magnitude 0, 1, ... for each scale index; interpolated
            between indices, and continued in a straight line beyond the last column.
        importance: bits that a squared error of one is worth, to be broadcast to y. With it a symbol is moved one
            step towards zero where that saves more bits than it costs, as the encoder does; None for plain rounding.
    """
    mean = rounded_means(mean)
    x = y - mean
    last = COST_COLUMNS - 1
    with torch.no_grad():
        r = torch.round(x)
        magnitude = r.abs()
        cost, low = costs_around(costs, scale)
        part = scale - low
        inside = magnitude.clamp_max(last)
        below = (inside - 1).clamp_min(0)
        here_low, here_high = cost(inside)
        below_low, below_high = cost(below)
        here = torch.lerp(here_low, here_high, part)
        slope = here - torch.lerp(below_low, below_high, part)
        if importance is not None:
            change = importance * (2 * (x - r) * torch.sign(r) + 1)
            smaller = slope > change
            r = torch.where(smaller, r - torch.sign(r), r)
            inside = torch.where(smaller & (magnitude <= last), below, inside)
            here_low = torch.where(smaller, below_low, here_low)
            here_high = torch.where(smaller, below_high, here_high)
        beyond = (r.abs() - inside) * slope
        slope = slope * torch.sign(r)
    bits = here_low + (here_high - here_low) * (scale - low) + beyond + slope * (x - x.detach())
    # The gradient of a latent that rounds to zero belongs to its mean: nothing that the encoder does to it, short of
    # another symbol, changes the picture.
    return Quantized(torch.where(r == 0, mean, ste(r + mean.detach(), y)), bits, r)


def scale_index(scale: Tensor) -> Tensor:
    """The scale index that the coder takes for one on the continuous scale."""
    return torch.floor(scale + 0.5)
