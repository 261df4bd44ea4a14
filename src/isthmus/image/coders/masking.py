"""How much an error counts, place by place: less in texture, which hides it from the eye.

The encoder alone looks at this, when it weighs an error against the bits that would spare it. A file does not say, and
a decoder need not know.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isthmus.image.grid import BLOCK

DC_CHANNELS = 3
"""Channels of the first group: the DC coefficients of three colours, which are no texture."""
SAMPLES = 3 * BLOCK * BLOCK
"""Of a transform block: three colours, 16x16 pixels."""
GAIN = 50.0
"""Texture as strong as the nominal step begins to hide errors long before it is as strong: at 1/GAIN of its square."""
POWER = 0.25
"""Squared errors four times as large are weighed alike where the texture is 4**4 times as strong."""


PLAIN_WEIGHT = 7.5
"""Bits that a squared error of one nominal step is worth to the encoder where all errors count alike."""
RDOQ_WEIGHT = 28.0
"""Bits that a squared error of one step, of the channel's own, is worth to the encoder when it chooses between two
symbols, where nothing hides the error: three to ten in texture."""


STRIKING: tuple[tuple[tuple[float, float], ...], ...] = (
    ((0, 1.7), (1, 2.4), (1.8, 2.5), (2.7, 2.3), (3.6, 1.8), (4.7, 1.05), (6, 0.8), (7.7, 0.55), (16, 0.55)),
    ((0, 0.7), (1, 1.1), (1.8, 0.7), (3, 0.55), (5, 0.4), (16, 0.4)),
    ((0, 2.2), (1, 2.25), (1.8, 1.4), (3.2, 1.4), (5, 0.85), (16, 0.85)),
)
"""Of each colour, by frequency in half cycles a block: how much more than `importance` says an error counts in
SSIMULACRA2, measured by its gradient (docs/adr/channels-that-strike-the-eye.md)."""
STRIKING_POWER = 0.4
"""What of that the encoder follows when it chooses symbols; steps follow their part."""


def striking(channels: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """(C,) float64: how much an error in each channel strikes the eye, 1 on average.

    Args:
        channels: (C, 3), of each channel the colour and the vertical and the horizontal frequency.
    """
    frequency = np.hypot(channels[:, 1], channels[:, 2])
    curves = [np.interp(frequency, [x for x, _ in points], [y for _, y in points]) for points in STRIKING]
    return np.asarray(np.choose(channels[:, 0], curves))


def importance(y: npt.NDArray[np.float32], steps: npt.NDArray[np.float32], nominal: float) -> npt.NDArray[np.float64]:
    """(h, w): bits that a squared error of one step is worth at each position; arguments as of `visibility`."""
    return RDOQ_WEIGHT * visibility(y, steps, nominal)


def visibility(y: npt.NDArray[np.float32], steps: npt.NDArray[np.float32], nominal: float) -> npt.NDArray[np.float64]:
    """Weight of a squared error at each position, 1 where nothing hides it.

    Texture is the mean square of all but the DC coefficients, in grey levels, as a geometric mean over 3x3 positions.

    Args:
        y: latents (h, w, C) float32 in steps.
        steps: (C,) float32, in grey levels.
        nominal: the step that the quality stands for, in grey levels.

    Returns:
        (h, w) float64 in 0..1.
    """
    grey = y[:, :, DC_CHANNELS:] * steps[DC_CHANNELS:]
    power = np.log1p(np.einsum("hwc,hwc->hw", grey, grey).astype(np.float64) / SAMPLES)
    height, width = power.shape
    around = np.pad(power, 1, mode="edge")
    windows = [around[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    texture = np.expm1(sum(windows) / len(windows))
    return np.asarray((1 + GAIN * texture / nominal**2) ** -POWER)
