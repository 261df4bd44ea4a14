"""The number formats of the entropy model: what is a multiple of what, and within which limits.

Weights are multiples of 2**-12, activations multiples of 2**-8, all bounded, so every sum of products is exact in
float64 whatever the order of summation, and any two machines agree to the last bit.
"""

from __future__ import annotations

WEIGHT_BITS = 12
"""Fraction bits of a weight."""
WEIGHT_LIMIT = 8.0
"""Weights lie within +-this, 16 bits each; with `ACTIVATION_LIMIT` it keeps every sum below 2**53 units."""
ACTIVATION_BITS = 8
"""Fraction bits of an activation."""
ACTIVATION_LIMIT = 2048.0
"""Activations are clipped to +-this."""
MEAN_STEPS = 16
"""Means, and so decoded latents, are multiples of 1/16 of a quantization step."""
LATENT_LIMIT = 1 << 15
"""Decoded latents enter the networks clipped to +-this, in sixteenths."""
SCALES = 64
"""Scale indices, each with a probability table of its own."""
SLOPE = 0.125
"""Of the leaky rectifier for negative numbers: a power of two, so that products are exact."""
