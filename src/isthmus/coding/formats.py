"""The number formats of an entropy model: what is a multiple of what, and within which limits.

In either format every sum of products is exact, whatever the order of summation, so any two machines, engines and
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
"""Scale indices, each with a probability table of its own, or with another for symbols of a trellis."""
SLOPE = 0.125
"""Of the leaky rectifier for negative numbers: a power of two, so that products are exact."""


@dataclass(frozen=True)
class Format:
    """How weights, activations and features are stored and computed with.

    Attributes:
        name: stands in model files.
        dtype: of the arithmetic; its integers are exact up to 2**53 or 2**24.
        activation_bits: fraction bits of an activation.
        activation_low, activation_high: activations are clipped to this, in their units.
        feature_bits: fraction bits of a companded latent.
        feature_limit: companded latents are clipped to +-this, in their units.
        weight_bits: fraction bits of a weight; None where each output has a power of two of its own.
        weight_limit: largest magnitude of a weight in the file's units.
    """

    name: Literal["words", "bytes"]
    dtype: Literal["float64", "float32"]
    activation_bits: int
    activation_low: int
    activation_high: int
    feature_bits: int
    feature_limit: int
    weight_bits: int | None
    weight_limit: int


WORDS = Format("words", "float64", 8, -(2048 << 8), 2048 << 8, 8, 2048 << 8, 12, (8 << 12) - 1)
"""Weights of 16 bits, in units of 2**-12; activations of 20."""
BYTES = Format("bytes", "float32", 3, -128, 127, 4, 127, None, 63)
"""Weights of 7 bits, activations of 8: the largest sum of 1152 products stays below 2**24, where float32 is exact."""
FORMATS: dict[str, Format] = {one.name: one for one in (WORDS, BYTES)}

EXACT_SUM = {"float64": 2**53, "float32": 2**24}
"""Sums below this, in units of the smallest summand, are exact."""
