"""How alike two pictures are, by the mean squared error; NumPy is enough."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from isthmus.errors import InputError

PEAK = 255
"""The largest 8-bit level."""
_ROWS = 256  # at a time, so that no large picture is widened as a whole


def mse(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    """Mean squared error over all samples of two uint8 arrays of one shape, in squared 8-bit levels.

    Raises:
        InputError: they are not uint8, differ in shape, or are empty.
    """
    for array in (a, b):
        if array.dtype != np.uint8:
            raise InputError("the type of a picture to compare", expected="uint8", got=array.dtype)
    if a.shape != b.shape or a.size == 0:
        raise InputError("two pictures to compare", expected="one shape, not empty", got=f"{a.shape} and {b.shape}")
    total = 0
    # Integers: the sum is exact, in whatever order it is taken.
    for start in range(0, len(a), _ROWS):
        difference = a[start : start + _ROWS].astype(np.int32) - b[start : start + _ROWS]
        total += int(np.sum(difference * difference, dtype=np.int64))
    return total / a.size


def psnr_of_mse(error: float) -> float:
    """PSNR in dB of a mean squared error in squared 8-bit levels; infinite for zero."""
    return math.inf if error == 0 else 10 * math.log10(PEAK**2 / error)


def psnr_db(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 arrays of one shape, over all samples; infinite where equal.

    Raises:
        InputError: they are not uint8, differ in shape, or are empty.
    """
    return psnr_of_mse(mse(a, b))
