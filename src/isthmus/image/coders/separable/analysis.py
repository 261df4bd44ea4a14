"""Pixels to latents in steps, and what an error in them is worth to the encoder."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isthmus.coding.payload import latent_bits
from isthmus.coding.symbols import Importance
from isthmus.image.coders.finest import is_lost, without_finest
from isthmus.image.coders.masking import PLAIN_WEIGHT, STRIKING_POWER, importance, striking
from isthmus.image.coders.protocol import UInt8
from isthmus.image.coders.separable.arrays import Float32, nominal_step_of, steps_of, transform_of
from isthmus.image.coders.separable.gains import gains_of, staged
from isthmus.image.coders.separable.transform import MIDDLE
from isthmus.image.coders.windows import map_of
from isthmus.image.grid import BLOCK, MARGIN
from isthmus.medium.setting import Setting


def latents_to_code(setting: Setting, pixels: UInt8) -> Float32:
    """`latents_of`, without what is nothing but detail that no latent brings back."""
    y = latents_of(setting, pixels)
    lost = is_lost(pixels)
    if lost.any():
        y = np.where(lost[:, :, None], latents_of(setting, without_finest(pixels)), y)
    return y


def latents_of(setting: Setting, pixels: UInt8) -> Float32:
    """Latents (h, w, C) float32 in steps, before any gain, of pixels (16h + 16, 16w + 16, 3) uint8."""
    with setting.one_thread():
        coefficients = transform_of(setting.model).analyse(pixels)
    coefficients *= 1 / steps_of(setting)
    return coefficients


def least_error(setting: Setting, pixels: UInt8) -> float:
    """The mean squared error of samples that the frequencies without a latent make: of pixels (16h + 16, 16w + 16, 3)
    uint8 but for a block at each edge."""
    transform = transform_of(setting.model)
    with setting.one_thread():
        errors = transform.synthesise(transform.analyse(pixels)) + np.float32(MIDDLE)
    errors -= pixels[BLOCK:-BLOCK, BLOCK:-BLOCK]
    return float((errors[MARGIN:-MARGIN, MARGIN:-MARGIN] ** 2).mean())


def importance_of(setting: Setting, y: Float32) -> Importance:
    """What an error is worth in latents (h, w, C) in steps.

    To the squared error all places and channels are alike; the eye sees errors where nothing hides them, and in some
    channels sooner than in others.
    """
    share = setting.tune.share
    plain = np.full(y.shape[:2], PLAIN_WEIGHT)
    if not share:
        return Importance(plain)
    seen = importance(y, np.abs(steps_of(setting)), float(nominal_step_of(setting)[0]))
    channels = striking(transform_of(setting.model).channels) ** (share * STRIKING_POWER)
    return Importance((1 - share) * plain + share * seen, channels)


def bits_map(setting: Setting, rgb: UInt8) -> Float32:
    """Bits that the entropy model spends on each 16x16 block: (ceil(H/16), ceil(W/16)) float32, rgb (H, W, 3) uint8."""

    def bits(pixels: UInt8) -> npt.NDArray[np.float64]:
        y = latents_to_code(setting, pixels)
        latents = staged(y, gains_of(setting, *y.shape[:2]))
        dials = setting.quality.hundredths, importance_of(setting, y), setting.tune.hundredths
        with setting.one_thread():
            return latent_bits(setting.model.entropy, latents, *dials)

    return map_of(rgb, bits)
