"""What was coded of a block to its coefficients, and the coefficients of a run of frames to samples."""

from __future__ import annotations

import numpy as np

from isthmus.coding.symbols import Float32
from isthmus.quality import Quality
from isthmus.sound import noise
from isthmus.sound.analysis import PAIR
from isthmus.sound.envelope import levels_of_latents, steps
from isthmus.sound.layout import BAND, Layout
from isthmus.sound.mdct import Float64, Splits, synthesise
from isthmus.sound.stereo import Angles, turn

SHRINK = 0.06
"""Steps that a coefficient is nearer to zero than its symbol says, in the mean of all that have the symbol."""


def coefficients_of(
    latents: Float32, splits: Splits, angles: Angles, layout: Layout, pair: int, first_frame: int, quality: Quality
) -> list[Float64]:
    """The coefficients (frames, n) of the channels of a pair, as of the encoder's transform, with noise."""
    levels = levels_of_latents(latents[:, :, :PAIR].astype(np.float64))
    step = steps(levels, layout.frame, layout.rate, quality)
    channels = range(layout.channels)[layout.channels_of(pair)]
    out = []
    for index, channel in enumerate(channels):
        symbols = _in_order(latents, index)
        decoded = (symbols - SHRINK * np.sign(symbols)) * np.repeat(step, BAND, 1)
        # Means are not whole: what is within half a step of zero was coded as nothing at all.
        coarse = np.where(np.abs(symbols) < 0.5, 0.0, symbols)
        out.append(noise.fill(coarse, decoded, levels[:, :, index], step, splits, first_frame, channel))
    if len(out) == PAIR:
        out = list(turn(out[0], out[1], angles, layout, back=True))
    return [np.pad(one, ((0, 0), (0, layout.frame - one.shape[1]))) for one in out]


def _in_order(latents: Float32, index: int) -> Float64:
    """(frames, bands * BAND): the coefficients of a channel, in steps, by frequency."""
    frames, bands, _ = latents.shape
    out = np.empty((frames, bands, BAND))
    start = PAIR + index * BAND
    out[:, :, 0::2] = latents[:, :, start : start + BAND // 2]
    out[:, :, 1::2] = latents[:, :, start + BAND // 2 : start + BAND]
    return out.reshape(frames, bands * BAND)


def samples_of(coefficients: list[Float64], splits: Splits) -> Float64:
    """(frames * n, channels) in 16-bit levels."""
    return np.stack([synthesise(one, splits) for one in coefficients], 1)
