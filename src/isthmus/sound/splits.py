"""The choice of splits: into how many blocks each frame is cut, by what its coefficients would cost."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isthmus.sound.envelope import spread
from isthmus.sound.layout import BAND
from isthmus.sound.mdct import MAX_SPLIT, Float64, Splits, analyse

MORE_BITS = np.array([0.0, 10.0, 20.0, 20.0])
"""What a split must gain: it is coded, and its neighbours' slopes become steeper."""
STEP = 0.25
"""Of a quantizer that stands for all of them, at the mean level of a frame."""
SHARE = 0.7
"""Of a band's logarithmic level above the mean one that the step follows."""
QUIET = 0.3
"""Added to levels: below, nothing is heard."""


def choose_splits(samples: Float64, frame: int, rate: int) -> Splits:
    """(frames,): the splits of all frames, each by its own samples and those of its neighbours alone.

    Args:
        samples: (frames * frame, channels) in 16-bit levels.
        frame: samples in a frame.
        rate: samples a second.
    """
    count, channels = len(samples) // frame, samples.shape[1]
    columns = [np.ascontiguousarray(samples[:, channel]) for channel in range(channels)]
    whole = [analyse(column, np.zeros(count, np.uint8)) for column in columns]
    power = sum((one.reshape(count, -1, BAND) ** 2).mean(2) for one in whole)
    level = np.sqrt(spread(np.asarray(power), frame, rate)) + QUIET
    mean = np.exp(np.log(level).mean(1, keepdims=True))
    step = np.repeat(STEP * level**SHARE * mean ** (1 - SHARE), BAND, 1)
    costs = np.empty((MAX_SPLIT + 1, count))
    for split in range(MAX_SPLIT + 1):
        each = whole if split == 0 else [analyse(one, np.full(count, split, np.uint8)) for one in columns]
        costs[split] = MORE_BITS[split] + sum(_bits(one, step) for one in each)
    return np.asarray(costs.argmin(0), np.uint8)


def _bits(coefficients: Float64, step: Float64) -> npt.NDArray[np.float64]:
    """(frames,): about what coefficients (frames, n) cost."""
    return np.asarray(np.log2(1 + np.abs(coefficients) / step).sum(1))
