"""A float32 plane blurred and halved, as the metrics that compare local means want it. The blur is matrix products.

A filter of few taps is a banded matrix. Cut into blocks it is a batch of small products, which the library of linear
algebra runs several times faster than a filter that walks along the samples. It knows no metric.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""(H, W): metrics work on one at a time, which stays in the cache where all three would not."""

SIGMA = 1.5
RADIUS = 5
_BLOCK = 32  # samples that one product yields: more waste multiplications on zeros, fewer lose to overhead


@cache
def _band() -> Plane:
    """The matrix from the samples of a block and of its surroundings to the block: (BLOCK + 2 RADIUS, BLOCK)."""
    taps = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * SIGMA**2))
    band = np.zeros((_BLOCK + 2 * RADIUS, _BLOCK), np.float32)
    for column in range(_BLOCK):
        band[column : column + 2 * RADIUS + 1, column] = taps / taps.sum()
    return band


def blur(plane: Plane) -> Plane:
    """A plane of `(H, W) float32` through a Gaussian of 11 taps, sigma 1.5, with zeros beyond the edges."""
    height, width = plane.shape
    down, across = (-(-side // _BLOCK) for side in plane.shape)
    padded = np.zeros((height, across * _BLOCK + 2 * RADIUS), np.float32)
    padded[:, RADIUS : RADIUS + width] = plane
    row, sample = padded.strides
    windows = as_strided(padded, (across, height, _BLOCK + 2 * RADIUS), (_BLOCK * sample, row, sample))

    halfway = np.zeros((down * _BLOCK + 2 * RADIUS, across * _BLOCK), np.float32)
    rows = halfway[RADIUS : RADIUS + height]
    row, sample = rows.strides
    np.matmul(windows, _band(), out=as_strided(rows, (across, height, _BLOCK), (_BLOCK * sample, row, sample)))

    windows = as_strided(halfway, (down, _BLOCK + 2 * RADIUS, across * _BLOCK), (_BLOCK * row, row, sample))
    blurred: Plane = np.matmul(_band().T, windows).reshape(down * _BLOCK, across * _BLOCK)
    return blurred[:height, :width]


def halve(plane: Plane) -> Plane:
    """The means of 2x2 samples of a plane whose sides are even."""
    rows = plane[::2] + plane[1::2]
    halved: Plane = rows[:, ::2] + rows[:, 1::2]
    halved /= 4
    return halved
