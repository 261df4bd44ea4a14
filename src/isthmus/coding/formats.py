"""The number formats of an entropy model: what is a multiple of what, and within which limits.

Every sum of products is exact, whatever the order of summation, so any two machines, engines and
numbers of threads agree to the last bit: only rounding steps lose anything, and they are done one number at a time. The
idea is that of Ballé, Johnston and Minnen, "Integer networks for data compression with latent-variable models", ICLR
2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MEAN_STEPS = 16
"""Means, and so decoded latents, are multiples of 1/16 of a quantization step."""
LATENT_LIMIT = 1 << 15
"""Decoded latents enter the networks clipped to +-this, in sixteenths."""
SCALES = 64
"""Scale indices, each with a probability table of its own."""
SLOPE = 0.125
"""Of the leaky rectifier for negative numbers: a power of two, so that products are exact."""


@dataclass(frozen=True)
class Format:
    """How weights, activations and features are stored and computed with.

    Attributes:
        name: stands in model files.
        dtype: of the arithmetic; its integers are exact up to `EXACT_SUM`.
        activation_bits: fraction bits of an activation.
        activation_low, activation_high: activations are clipped to this, in their units.
        feature_bits: fraction bits of a companded latent.
        feature_limit: companded latents are clipped to +-this, in their units.
        weight_limit: largest magnitude of a weight, in units of a power of two that each output has of its own.
    """

    name: Literal["bytes"]
    dtype: Literal["float32"]
    activation_bits: int
    activation_low: int
    activation_high: int
    feature_bits: int
    feature_limit: int
    weight_limit: int


BYTES = Format("bytes", "float32", 3, -128, 127, 4, 127, 63)
"""Weights of 7 bits, activations of 8: the largest sum of 1152 products stays below 2**24, where float32 is exact."""
FORMATS: dict[str, Format] = {BYTES.name: BYTES}
"""By the name that stands in model files."""

EXACT_SUM = 2**24
"""Sums below this, in units of the smallest summand, are exact."""
LINEAR_BITS = 12
"""Fraction bits of the weights that lead from differences of latents straight to means, of 16 bits and in float64."""
LINEAR_LIMIT = (8 << LINEAR_BITS) - 1
"""Largest magnitude of one, in its units."""
