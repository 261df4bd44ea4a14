"""Pixels to latents: windows with what a mirror shows beyond the edges, through the analysis network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isthmus.coding.payload import latent_bits
from isthmus.image.box import Box
from isthmus.image.coders.finest import is_lost, without_finest
from isthmus.image.coders.lapped.arrays import nominal_step_of, steps_of
from isthmus.image.coders.masking import importance
from isthmus.image.coders.protocol import PixelSource, UInt8
from isthmus.image.coders.windows import map_of, pixels_of
from isthmus.medium.setting import Setting

Float32 = npt.NDArray[np.float32]


def analyse(setting: Setting, source: PixelSource, box: Box) -> Float32:
    """Latents (h, w, C) float32 in steps, of a box in latent positions, which may lie outside the picture."""
    return latents_to_code(setting, pixels_of(source, box))


def latents_to_code(setting: Setting, pixels: UInt8) -> Float32:
    """`latents_of`, without what is nothing but detail that no latent brings back."""
    y = latents_of(setting, pixels)
    lost = is_lost(pixels)
    if lost.any():
        y = np.where(lost[:, :, None], latents_of(setting, without_finest(pixels)), y)
    return y


def latents_of(setting: Setting, pixels: UInt8) -> Float32:
    """Latents (h, w, C) float32 in steps, of pixels (16h + 16, 16w + 16, 3) uint8."""
    y: Float32 = setting.network("analysis.onnx")(pixels=pixels, steps=steps_of(setting))
    return y


def importance_of(setting: Setting, y: Float32) -> npt.NDArray[np.float64]:
    """(h, w) float64: bits that a squared error of one step is worth at each position of latents (h, w, C) in steps."""
    return importance(y, steps_of(setting), float(nominal_step_of(setting)[0]))


def bits_map(setting: Setting, rgb: UInt8) -> Float32:
    """Bits that the entropy model spends on each 16x16 block: (ceil(H/16), ceil(W/16)) float32, rgb (H, W, 3) uint8."""

    def bits(pixels: UInt8) -> npt.NDArray[np.float64]:
        y = latents_to_code(setting, pixels)
        with setting.one_thread():
            return latent_bits(setting.model.entropy, y, setting.quality.hundredths, importance_of(setting, y))

    return map_of(rgb, bits)
