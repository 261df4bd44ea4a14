"""Pairs of channels, turned so that the first has most of both: an angle for each of a few ranges of bands.

Left and right are an angle of 0; the sum and the difference, one of a quarter pi. In between lie instruments that stand
in between.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isthmus.sound.layout import BAND, Layout
from isthmus.sound.mdct import Float64

Angles = npt.NDArray[np.uint8]
"""(frames, ranges): numbers of angles."""
ANGLES = 16
"""There are so many, a sixteenth of pi apart; they begin at minus a quarter."""
STRAIGHT = 4
"""The number of the angle 0: the channels as they are."""
PRICE_BITS = 12.0
"""Of a change from one frame to the next."""


def choose_angles(first: Float64, second: Float64, layout: Layout) -> Angles:
    """The angles that leave the least to code, by the power of what they give; changes have a price.

    Args:
        first, second: (frames, n), the coefficients of two channels.
    """
    starts = [band * BAND for band in layout.angle_bands()]
    theta = _theta(np.arange(ANGLES))[:, None, None]
    c, s = np.cos(theta), np.sin(theta)
    a, b, ab = (np.add.reduceat(one, starts, axis=1) for one in (first**2, second**2, first * second))
    # About half the logarithm of the power of a coefficient is bits; the ones below a level or so cost none.
    sizes = np.diff([*starts, first.shape[1]])
    major = np.maximum(c**2 * a + s**2 * b + 2 * c * s * ab, 0)
    minor = np.maximum(s**2 * a + c**2 * b - 2 * c * s * ab, 0)
    bits = sizes / 2 * (np.log2(1 + major / sizes) + np.log2(1 + minor / sizes))  # (ANGLES, frames, ranges)
    return _cheapest_path(bits)


def _cheapest_path(bits: Float64) -> Angles:
    """Viterbi's algorithm, over frames, for all ranges at once: stay, or jump to whatever is best."""
    angles, frames, ranges = bits.shape
    every = np.arange(angles)[:, None]
    total = bits[:, 0].copy()
    came_from = np.empty((frames, angles, ranges), np.uint8)
    for frame in range(1, frames):
        best = total.argmin(0)
        jump = total[best, np.arange(ranges)] + PRICE_BITS
        stays = total <= jump
        came_from[frame] = np.where(stays, every, best)
        total = np.where(stays, total, jump) + bits[:, frame]
    path = np.empty((frames, ranges), np.uint8)
    path[-1] = total.argmin(0)
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = came_from[frame][path[frame], np.arange(ranges)]
    return path


def turn(
    first: Float64, second: Float64, angles: Angles, layout: Layout, back: bool = False
) -> tuple[Float64, Float64]:
    """The coefficients (frames, n) of a pair, turned by the angles, or back."""
    sizes = np.diff([*(band * BAND for band in layout.angle_bands()), first.shape[1]])
    theta = np.repeat(_theta(angles), sizes, axis=1)
    c, s = np.cos(theta), np.sin(theta)
    if back:
        s = -s
    return c * first + s * second, c * second - s * first


def _theta(number: npt.NDArray[np.integer]) -> Float64:
    return (number.astype(np.float64) - STRAIGHT) * (np.pi / ANGLES)
