"""SSIMULACRA2 2.1 in float32, with the edges of libjxl, as a metric of the bench.

The package of that name takes some five times as long, loads SciPy, and mirrors two of the four edges where libjxl,
whose scores others quote, takes zeros on all four: 0.5 to 1 point at usual qualities.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isthmus.bench.latest import Latest
from isthmus.model.engine import limit_threads
from isthmus.ssimulacra2.planes import MIN_SIDE, known_of
from isthmus.ssimulacra2.score import score

_KNOWN = Latest(known_of)


def ssimulacra2(original: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    """The score of a decoded picture: 100 is lossless, 90 cannot be told apart, 50 is medium.

    It is nan below 8 pixels a side.

    Args:
        original, decoded: (H, W, 3) uint8 of one shape.
    """
    if min(original.shape[:2]) < MIN_SIDE:
        return math.nan
    if np.array_equal(original, decoded):
        return 100.0
    # The products are too small to share: threads would spend more on waiting for each other than they save.
    with limit_threads(1):
        return score(_KNOWN.of(original), decoded)
