"""Samples of a block to what is coded of it: its shape (splits and angles), levels, and coefficients in steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isthmus.coding.symbols import Float32, Importance, Staged
from isthmus.quality import Quality
from isthmus.sound.envelope import latents_of_power, levels_of_latents, spread, steps
from isthmus.sound.layout import BAND, Layout
from isthmus.sound.mdct import Float64, Splits, analyse
from isthmus.sound.stereo import Angles, choose_angles, turn

PAIR = 2
"""Channels that are coded together; of a channel alone the second is silent."""
LATENTS = PAIR + PAIR * BAND
"""Of a position: the levels of both, then the even and the odd coefficients of the first, and those of the second."""
IMPORTANCE = 24.0
"""Bits that a squared error of one step is worth. More than finer steps would ask for: ears mind what becomes zero."""


@dataclass(frozen=True)
class Spectrum:
    """A block of a pair of channels after the transform.

    Attributes:
        coefficients: (2, frames, bands * BAND), in 16-bit levels, turned by the angles.
        splits: (frames,).
        angles: (frames, ranges).
    """

    coefficients: Float64
    splits: Splits
    angles: Angles


def spectrum_of(samples: Float64, splits: Splits, layout: Layout, before: int, after: int) -> Spectrum:
    """The spectrum of a block.

    Args:
        samples: (frames * n, 1 or 2) in 16-bit levels, of the block and of the frames around it that its borders share.
        splits: of all those frames.
        before, after: how many frames are around it, 0 or 1 each.
    """
    inside = slice(before, len(splits) - after)
    coded = layout.bands * BAND
    each = [analyse(np.ascontiguousarray(column), splits)[inside, :coded] for column in samples.T]
    if len(each) == PAIR:
        angles = choose_angles(each[0], each[1], layout)
        each = list(turn(each[0], each[1], angles, layout))
    else:
        angles = straight(each[0].shape[0], layout)
        each.append(np.zeros_like(each[0]))
    return Spectrum(np.stack(each), splits[inside], angles)


def straight(frames: int, layout: Layout) -> Angles:
    """The angles of a channel alone."""
    return np.zeros((frames, len(layout.angle_bands())), np.uint8)


def level_latents(coefficients: Float64, layout: Layout) -> Float32:
    """(frames, bands, 2) float32 latents of the levels."""
    power = (coefficients.reshape(PAIR, coefficients.shape[1], -1, BAND) ** 2).mean(3)
    return np.stack([latents_of_power(spread(one, layout.frame, layout.rate)) for one in power], 2).astype(np.float32)


def coefficient_latents(coefficients: Float64, step: Float64) -> Float32:
    """(frames, bands, 2 * BAND) float32: coefficients in steps (frames, bands), in the order of the latents."""
    pair, frames, _ = coefficients.shape
    scaled = coefficients.reshape(pair, frames, -1, BAND) / step[:, :, None]
    return np.concatenate([scaled[channel, :, :, half::2] for channel in range(PAIR) for half in (0, 1)], 2).astype(
        np.float32
    )


def latents_of(spectrum: Spectrum, layout: Layout, quality: Quality) -> Staged:
    """What the entropy coder codes: levels, and coefficients in the steps that follow from the decoded ones."""

    def rest(decoded: Float64) -> tuple[Float32, float]:
        step = steps(levels_of_latents(decoded), layout.frame, layout.rate, quality)
        return coefficient_latents(spectrum.coefficients, step), 1.0

    return Staged(level_latents(spectrum.coefficients, layout), rest)


def importance_of(frames: int, bands: int) -> Importance:
    """What an error counts: the same everywhere; steps say it all."""
    return Importance(np.full((frames, bands), IMPORTANCE))
