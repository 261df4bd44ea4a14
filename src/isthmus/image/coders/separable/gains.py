"""Gains that follow texture: where it is strong, latents are coded in coarser steps, which the eye does not see there.

Texture is read off the second group of channels, low luma frequencies that are decoded before any latent that has a
gain, so a file says nothing of it. Everything is whole numbers, for the gains must be the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from isthmus.coding.formats import LATENT_LIMIT, MEAN_STEPS
from isthmus.coding.symbols import Float32, Latents, Staged
from isthmus.medium.setting import Setting

EIGHTHS = 8
"""Texture is measured in eighths of octaves of its power."""
STEPS = 4
"""Gains are multiples of a quarter of an octave."""
HUNDREDTHS_SQUARED = 100 * 100
"""Of power and of tune."""
LARGEST_FLOOR, LARGEST_POWER = (1 << 24) - 1, 100
"""Of a model."""
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Gains:
    """Latents that are coded relative to a gain, which decoder and encoder read off latents that are decoded before.

    Attributes:
        source: the channels that it is read off, a group that is decoded whole before the first of the others.
        first: the first channel that is coded relative to it; all after it are, too.
        of: decoded latents (P, n) float64 of the source, in steps -> gains (P,) float32.
    """

    source: slice
    first: int
    of: Callable[[npt.NDArray[np.float64]], Float32]


def gains_of(setting: Setting, height: int, width: int) -> Gains | None:
    """How the latents of a tile of so many positions are divided; None where no gain is anything but 1."""
    groups = setting.model.definition.groups
    if len(groups) < 3 or not setting.tune.hundredths or not setting.model.arrays["gains"][1]:
        return None
    first = groups[0] + groups[1]

    def of(decoded: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        sixteenths = np.rint(decoded.reshape(height, width, -1) * MEAN_STEPS).astype(np.int64)
        exponents = gain_exponents(setting, sixteenths)
        return as_factors(exponents).reshape(-1)

    return Gains(slice(groups[0], first), first, of)


def staged(y: Float32, gains: Gains | None) -> Latents:
    """Latents (h, w, C) in steps as they are coded: those that have a gain are divided by it once it can be read off.

    An error there is as many times larger as the gain, and hidden as well: the price of a squared one grows with the
    gain itself.
    """
    if gains is None:
        return y
    height, width, _ = y.shape

    def rest(decoded: npt.NDArray[np.float64]) -> tuple[Float32, Float32]:
        gain = gains.of(decoded[:, :, gains.source].reshape(height * width, -1)).reshape(height, width)
        return y[:, :, gains.first :] / gain[:, :, None], gain

    return Staged(y[:, :, : gains.first], rest)


def as_factors(exponents: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """Gains float32 from their exponents in quarters of an octave."""
    factors: npt.NDArray[np.float32] = np.exp2(exponents.astype(np.float32) / np.float32(STEPS))
    return factors


def gain_exponents(setting: Setting, sixteenths: npt.NDArray[np.integer]) -> Whole:
    """(h, w): the gain of each position of a tile in quarters of an octave, the mean of 3x3 positions' texture.

    Args:
        sixteenths: (h, w, n) decoded latents of the second group, in sixteenths of a step.
    """
    floor, power = (int(value) for value in setting.model.arrays["gains"])
    clipped = np.clip(sixteenths, -LATENT_LIMIT, LATENT_LIMIT).astype(np.int64)
    squares = floor + (clipped * clipped).sum(2)
    octaves = np.searchsorted(thresholds(floor), squares, side="right")
    height, width = octaves.shape
    padded = np.pad(octaves, 1, mode="edge")
    around = sum(padded[i : i + height, j : j + width] for i in range(3) for j in range(3))
    # In octaves: power of the texture's mean, a ninth of the sum in eighths. Rounded to quarters, halves up.
    whole = HUNDREDTHS_SQUARED * 9 * EIGHTHS
    return np.asarray((2 * STEPS * power * setting.tune.hundredths * around + whole) // (2 * whole), np.int64)


@lru_cache(maxsize=8)
def thresholds(floor: int) -> Whole:
    """(n,): the squares from which on texture is 1, 2, ... eighths of an octave above the floor, exactly."""
    most = floor + 4096 * LATENT_LIMIT**2
    found = []
    for eighths in range(1, EIGHTHS * 64):
        power = floor**EIGHTHS << eighths
        near = max(0, int(floor * 2.0 ** (eighths / EIGHTHS)) - 1)
        while near**EIGHTHS < power:
            near += 1
        if near > most:
            break
        found.append(near)
    return np.array(found, np.int64)
