"""Levels of bands, and the steps of their coefficients, which follow from the levels that the decoder has.

A level is the root of a band's mean power, smoothed over what one ear's filter hears at once. Errors are masked by
what is near in frequency: a step is a power of the level around it, so loud bands have larger ones, but less than in
proportion. Nothing but the quality is sent for that. What is quantized to zero comes back as noise of the right level.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from isthmus.quality import Quality
from isthmus.sound.layout import BAND
from isthmus.sound.mdct import Float64

LEVEL_STEP = 0.5
"""Steps of the levels, in octaves of amplitude: 3 dB."""
LEVEL_ZERO = 6.0
"""The latent 0 of a level, in octaves above a 16-bit level."""
LEVEL_FLOOR = -16.0
"""The latent of silence, which is a quarter of a 16-bit level, or less."""
MASKING = 0.65
"""The power of levels that steps follow."""
FULL_STEP_HZ, LEAST_STEP_HZ, STEP_SLOPE = 2000.0, 500.0, 0.3
"""Steps are a power of the frequency as well, down to the second of these."""
STEP_OCTAVES = ((0.0, 5.0), (50.0, 1.5), (100.0, -5.0))
"""The dial: at these qualities, the step where the level is 1 and the frequency `FULL_STEP_HZ`, in octaves."""


@lru_cache(maxsize=8)
def _spreading(bands: int, band_hz: float) -> Float64:
    """(bands, bands): the weights of a mean around each band, as wide as the ear's filter there.

    Glasberg and Moore, "Derivation of auditory filter shapes from notched-noise data", 1990.
    """
    middle = np.arange(bands) + 0.5
    width = np.maximum(1.0, 24.7 * (4.37 * middle * band_hz / 1000 + 1) / band_hz)
    weights = np.clip((width[:, None] + 1) / 2 - np.abs(middle[:, None] - middle), 0, 1)
    return np.asarray(weights / weights.sum(1, keepdims=True))


def band_hz(frame: int, rate: int) -> float:
    """Width of a band in Hz."""
    return BAND * rate / (2 * frame)


def spread(power: Float64, frame: int, rate: int) -> Float64:
    """(frames, bands): the mean of power (frames, bands) around each band."""
    return np.asarray(power @ _spreading(power.shape[1], band_hz(frame, rate)).T)


def latents_of_power(power: Float64) -> Float64:
    """Latents of the levels with this mean power of a coefficient, in steps."""
    octaves = np.log2(np.maximum(power, 1e-9)) / 2
    return np.maximum((octaves - LEVEL_ZERO) / LEVEL_STEP, LEVEL_FLOOR)


def levels_of_latents(latents: Float64) -> Float64:
    """Levels, in 16-bit levels; 0 for silence."""
    # So far up no sound is: a damaged file could be.
    octaves = np.minimum(latents, 64) * LEVEL_STEP + LEVEL_ZERO
    return np.where(latents < LEVEL_FLOOR + 1, 0.0, np.exp2(octaves))


def steps(levels: Float64, frame: int, rate: int, quality: Quality) -> Float64:
    """(frames, bands): the steps of coefficients, the same for both channels of a pair.

    Args:
        levels: (frames, bands, channels), decoded.
    """
    around = np.sqrt(spread((levels**2).sum(2), frame, rate))
    return np.asarray(
        step_at_one(quality) * _slope(levels.shape[1], band_hz(frame, rate)) * np.maximum(around, 1) ** MASKING
    )


def step_at_one(quality: Quality) -> float:
    """The step where the level is 1 and the frequency `FULL_STEP_HZ`."""
    at, octaves = zip(*STEP_OCTAVES, strict=True)
    return float(2.0 ** np.interp(quality.hundredths / 100, at, octaves))


def _slope(bands: int, hz: float) -> npt.NDArray[np.float64]:
    frequency = np.maximum((np.arange(bands) + 0.5) * hz, LEAST_STEP_HZ)
    return np.asarray((frequency / FULL_STEP_HZ) ** STEP_SLOPE)
