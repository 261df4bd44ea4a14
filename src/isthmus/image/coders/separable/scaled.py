"""Pictures at 1/2, 1/4 and 1/8 of their size: low frequencies alone, from the first groups, and no network at all.

Of the frequencies that a smaller picture has, the later groups hold the faintest, colours above all. They are left out:
each group costs as much as all before it together.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from isthmus.coding.formats import MEAN_STEPS
from isthmus.coding.payload import decode_first_groups
from isthmus.image.box import Box
from isthmus.image.coders.protocol import Payloads, UInt8
from isthmus.image.coders.separable.arrays import mirror_signs, steps_of, transform_of
from isthmus.image.coders.separable.gains import gains_of
from isthmus.image.coders.separable.preview import decode_preview
from isthmus.image.coders.separable.synthesis import EDGE
from isthmus.image.coders.separable.transform import MIDDLE, LappedTransform
from isthmus.image.coders.tiles import Float32, Whole, Window, compact, decode_box
from isthmus.image.grid import BLOCK, MARGIN, Grid, blocks_of
from isthmus.medium.setting import Setting
from isthmus.model.model import Model

GROUPS = {2: 4, 4: 3, 8: 2}
"""How many groups a scale is decoded from, at most."""


def decode_scaled(setting: Setting, payloads: Payloads, grid: Grid, scale: int) -> UInt8:
    """The whole picture, (ceil(height / scale), ceil(width / scale), 3) uint8.

    Args:
        setting: model, quality, tune and threads.
        payloads: payloads(index) gives the payload of a tile.
        grid: where the tiles lie.
        scale: 2, 4, 8 or 16.

    Raises:
        CorruptError: a payload is damaged.
    """
    if scale not in GROUPS:
        return decode_preview(setting, payloads, grid)
    out = np.empty((-(-grid.height // scale), -(-grid.width // scale), 3), np.uint8)
    for part, pixels in decode_box(setting, _ScaledSynthesis(setting, payloads, grid, scale), grid, grid.box):
        top, left = part.top // scale, part.left // scale
        out[top : top + len(pixels), left : left + pixels.shape[1]] = pixels
    return out


@lru_cache(maxsize=16)
def _transform(model: Model, scale: int) -> tuple[LappedTransform, np.ndarray]:
    """The smaller inverse, and which of the channels that are decoded for it have a frequency that it knows."""
    count = sum(model.definition.groups[: GROUPS[scale]])
    whole = transform_of(model)
    first = LappedTransform(whole.forward, whole.inverse, whole.colour, whole.channels[:count])
    kept = np.flatnonzero((first.channels[:, 1:] < BLOCK // scale).all(1))
    return first.reduced(scale), kept


class _ScaledSynthesis:
    """How smaller pictures are made; see `isthmus.image.coders.tiles.Synthesis`. Parts are boxes of the whole picture,
    pixels those of the smaller one."""

    def __init__(self, setting: Setting, payloads: Payloads, grid: Grid, scale: int):
        self._setting, self._payloads, self._grid, self._scale = setting, payloads, grid, scale
        self._transform, self._kept = _transform(setting.model, scale)

    def tile(self, index: int) -> Whole:
        """Coefficients of the channels that are kept, in sixteenths of their steps, gains multiplied in."""
        setting, (_, _, height, width) = self._setting, self._grid.latent_box(index)
        dials = setting.quality.hundredths, GROUPS[self._scale], setting.tune.hundredths
        with setting.one_thread():
            decoded = decode_first_groups(setting.model.entropy, self._payloads(index), height, width, *dials)
        gains = gains_of(setting, height, width)
        if gains and decoded.shape[2] > gains.first:
            factors = gains.of(decoded[:, :, gains.source].reshape(height * width, -1).astype(np.float64))
            decoded[:, :, gains.first :] *= factors.reshape(height, width, 1)
        return compact(np.rint(decoded[:, :, self._kept] * np.float32(MEAN_STEPS)))

    def around(self, part: Box) -> Box:
        everything = Box(0, 0, self._grid.latent_height, self._grid.latent_width).grown(EDGE)
        return blocks_of(part).grown(EDGE).shared(everything)

    def pixels(self, window: Window, around: Box, part: Box) -> UInt8:
        coefficients: Float32 = window.latents
        for axis, turned in ((0, window.turned_rows), (1, window.turned_columns)):
            if len(turned):
                index = turned if axis == 0 else (slice(None), turned)
                coefficients[index] *= mirror_signs(self._setting.model, axis)[self._kept]
        coefficients *= steps_of(self._setting)[self._kept] / np.float32(MEAN_STEPS)
        with self._setting.one_thread():
            planes = self._transform.synthesise(coefficients)
        planes += np.float32(MIDDLE + 0.5)
        pixels = np.clip(planes, 0, 255, out=planes).astype(np.uint8)
        scale = self._scale
        top, left = (
            (part.top - around.top * BLOCK - MARGIN) // scale,
            (part.left - around.left * BLOCK - MARGIN) // scale,
        )
        height, width = -(-part.height // scale), -(-part.width // scale)
        return np.ascontiguousarray(pixels[top : top + height, left : left + width])
