"""Noise in place of what was quantized to zero: as much as the level of a band says is missing.

In a split frame it rises and falls with what was coded of each of its blocks, so that there is none before an attack.
"""

from __future__ import annotations

import numpy as np

from isthmus.sound.layout import BAND
from isthmus.sound.mdct import Float64, Splits

SHARE = 0.8
"""Of the missing amplitude: noise is heard more than what it stands for."""
MOST = 0.45
"""Of a step: a larger coefficient would not have become zero."""
ATTACK_FLOOR = 0.02
"""Power, of a frame's mean, that a block of a split frame has at least."""


def fill(
    symbols: Float64, decoded: Float64, levels: Float64, steps: Float64, splits: Splits, first_frame: int, channel: int
) -> Float64:
    """Coefficients (frames, bands * BAND): the decoded ones, and noise where the symbols are zero.

    Args:
        symbols: (frames, bands * BAND), of which zeros are filled.
        decoded: the same as coefficients.
        levels, steps: (frames, bands).
        splits: (frames,).
        first_frame, channel: what the noise is told apart by.
    """
    frames, bands = levels.shape
    zero = symbols == 0
    shape = _shape_in_time(symbols, splits)
    zeros = (zero * shape**2).reshape(frames, bands, BAND).sum(2)
    missing = np.maximum(BAND * levels**2 - (np.where(zero, 0, decoded) ** 2).reshape(frames, bands, BAND).sum(2), 0)
    amplitude = SHARE * np.minimum(np.sqrt(missing / np.maximum(zeros, 1e-6)), MOST * steps)
    noise = np.repeat(amplitude, BAND, 1) * shape * _noise(frames, bands * BAND, first_frame, channel)
    return np.where(zero, noise, decoded)


def _shape_in_time(symbols: Float64, splits: Splits) -> Float64:
    """(frames, n): amplitudes, of mean power 1 in a frame, of the blocks that coefficients belong to."""
    shape = np.ones_like(symbols)
    for split in range(1, int(splits.max(initial=0)) + 1):
        which = np.flatnonzero(splits == split)
        if not len(which):
            continue
        power = (symbols[which] ** 2).reshape(len(which), -1, 1 << split).sum(1)
        mean = power.mean(1, keepdims=True)
        relative = np.where(mean > 0, np.maximum(power / np.maximum(mean, 1e-9), ATTACK_FLOOR), 1)
        relative /= relative.mean(1, keepdims=True)
        shape[which] = np.tile(np.sqrt(relative), (1, symbols.shape[1] >> split))
    return shape


def _noise(frames: int, count: int, first_frame: int, channel: int) -> Float64:
    """(frames, count): noise of power 1, evenly distributed, the same wherever a decoder begins.

    The mixing is that of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
    """
    frame = np.arange(first_frame, first_frame + frames, dtype=np.uint64)[:, None]
    place = np.asarray((frame * 8 + channel) * 65_536 + np.arange(count, dtype=np.uint64), np.uint64)
    state = np.asarray(place * np.uint64(0x9E3779B97F4A7C15), np.uint64)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    unit = (state >> np.uint64(33)).astype(np.float64) * 2.0**-30 - 1
    return np.asarray(unit * np.sqrt(3.0))
