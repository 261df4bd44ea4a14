"""Trellis-coded quantization: two quantizers, each with twice the step of their union, and a code that chooses one.

The parities of the symbols before it decide which quantizer a symbol has, so nothing is written for it. The encoder
sees all symbols of a pass at once, and takes the path of least cost: `isthmus.coding.trellis_search`.

Source: Marcellin and Fischer, "Trellis coded quantization of memoryless and Gauss-Markov sources", IEEE Transactions on
Communications 38, 1990; the quantizers are those of Schwarz et al., "Quantization and entropy coding in the Versatile
Video Coding (VVC) standard", IEEE TCSVT 31, 2021; the code is Ungerboeck's of 64 states, "Channel coding with
multilevel/phase signals", IEEE Transactions on Information Theory 28, 1982.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.formats import MEAN_STEPS, SCALES

Bits = npt.NDArray[np.uint8]
"""Zeros and ones."""
Int32 = npt.NDArray[np.int32]

FIRST_SCALE = 10
"""Symbols from this scale index on are of a trellis; those below are nearly all zero, and have steps of 1."""
TRELLIS_TABLES = SCALES - FIRST_SCALE
"""Of probabilities, which a model has beside the others for symbols of a trellis."""
UNIT = 10
"""Sixteenths of a step: one quantizer has the even multiples, the other the odd ones and zero."""
SYMBOL_STEP = 2 * UNIT / MEAN_STEPS
"""Steps from one value of a quantizer to the next."""
MEMORY = 6
"""Bits of a state."""
FEEDBACK = 0b1000011
"""The denominator 1 + D + D^6 of the code, a coefficient a bit."""
FORWARD = 0b010100
"""Its numerator, D^2 + D^4."""
PERIOD = (1 << MEMORY) - 1
"""1 + D^PERIOD is a multiple of the denominator."""


def _delays() -> list[int]:
    """How far back the parities lie whose sum, with the quantizer PERIOD symbols before, is a symbol's quantizer.

    From denominator q = numerator p follows (1 + D^PERIOD) q = numerator (1 + D^PERIOD) / denominator p."""
    quotient, rest = 0, 1 | 1 << PERIOD
    while rest.bit_length() > MEMORY:
        shift = rest.bit_length() - 1 - MEMORY
        quotient |= 1 << shift
        rest ^= FEEDBACK << shift
    assert not rest
    product = 0
    for shift in range(MEMORY + 1):
        if FORWARD >> shift & 1:
            product ^= quotient << shift
    return [delay for delay in range(product.bit_length()) if product >> delay & 1]


DELAYS = _delays()


class Trellis:
    """Says of each symbol of a plane which quantizer it has, in the order of coding."""

    def __init__(self) -> None:
        self._parities = np.zeros(max(DELAYS), np.uint8)
        self._quantizers = np.zeros(PERIOD, np.uint8)

    def quantizers(self, symbols: npt.NDArray[Any]) -> Bits:
        """(n,): which quantizers the next symbols (n,) have."""
        n, behind = len(symbols), len(self._parities)
        parities = np.concatenate([self._parities, (symbols & 1).astype(np.uint8)])
        found = np.zeros(-(-(PERIOD + n) // PERIOD) * PERIOD, np.uint8)
        found[:PERIOD] = self._quantizers
        own = found[PERIOD : PERIOD + n]
        for delay in DELAYS:
            own ^= parities[behind - delay : behind - delay + n]
        np.bitwise_xor.accumulate(found.reshape(-1, PERIOD), 0, out=found.reshape(-1, PERIOD))
        self._parities = parities[n:]
        self._quantizers = found[n : n + PERIOD].copy()
        return own


def values(symbols: npt.NDArray[Any], quantizers: Bits) -> npt.NDArray[Any]:
    """(n,), in sixteenths: what symbols (n,) stand for.

    Even multiples of `UNIT` by the first quantizer, odd ones and zero by the second.
    """
    return np.asarray(UNIT * (2 * symbols - quantizers * np.sign(symbols)))


def residuals(symbols: Int32, scales: npt.NDArray[np.uint8], trellis: Trellis | None) -> Int32:
    """(n,), in sixteenths of a step: what the symbols (n,) of a pass stand for.

    Args:
        scales: (n,), in the order of coding, too.
        trellis: where it stands; None if no symbol is of one.
    """
    found = symbols * np.int32(MEAN_STEPS)
    if trellis is not None:
        places = np.flatnonzero(scales >= FIRST_SCALE)
        own = symbols.take(places)
        found[places] = values(own, trellis.quantizers(own))
    return found
