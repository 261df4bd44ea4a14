"""Effort 2: the latents of a tile are refined by what their decoded pixels look like to the analysis."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isthmus.coding.formats import MEAN_STEPS
from isthmus.coding.payload import quantized_latents
from isthmus.image.box import Box
from isthmus.image.coders.protocol import PixelSource, UInt8
from isthmus.image.coders.separable.analysis import importance_of, latents_of, latents_to_code
from isthmus.image.coders.separable.arrays import Float32
from isthmus.image.coders.separable.gains import as_factors, gains_of, staged
from isthmus.image.coders.separable.synthesis import EDGE, halo_of, synthesise, with_gains
from isthmus.image.coders.windows import pixels_of
from isthmus.image.grid import BLOCK, Grid
from isthmus.medium.setting import Setting


def _around(setting: Setting, grid: Grid, tile: Box) -> Box:
    """The latent positions that the decoder sees around a tile, and one more, whose windows its pixels are in."""
    everything = Box(0, 0, grid.latent_height, grid.latent_width).grown(EDGE)
    return tile.grown(halo_of(setting.model) + 1).shared(everything)


def pixels_around(setting: Setting, source: PixelSource, grid: Grid, tile: Box) -> UInt8:
    """What the refinement of a tile of (h, w) latent positions sees, (H, W, 3) uint8."""
    return pixels_of(source, _around(setting, grid, tile))


def refined_latents(setting: Setting, pixels: UInt8, grid: Grid, tile: Box) -> Float32:
    """Latents (h, w, C) float32 in steps, of a tile, less what the networks are going to add to them.

    Analysis inverts the transform alone. Whatever the networks add to the decoded picture, seen through the analysis,
    is taken off before the latents are quantized again.

    Args:
        setting: model, quality, tune and threads.
        pixels: `pixels_around` the tile.
        grid: the picture's geometry.
        tile: where the tile lies, in latent positions.
    """
    box = _around(setting, grid, tile)
    around = latents_to_code(setting, pixels)
    inner = tile.within(box).slices
    y = around[inner]
    gains = gains_of(setting, tile.height, tile.width)
    dials = setting.quality.hundredths, importance_of(setting, y), setting.tune.hundredths
    with setting.one_thread():
        coded = quantized_latents(setting.model.entropy, staged(y, gains), *dials)
    # What is decoded next to the tile is not known yet: its latents before quantization stand in for it.
    expected = with_gains(setting, _sixteenths(around)).astype(np.float32)
    expected[inner] = with_gains(setting, _sixteenths(coded))
    decoded = coded
    if gains:
        outside = np.ones(expected.shape[:2], bool)
        outside[inner] = False
        expected[outside, gains.first : -1] /= as_factors(expected[outside, -1:])
        decoded = coded.copy()
        decoded[:, :, gains.first :] *= as_factors(expected[inner][:, :, -1:])
    shown = synthesise(setting, expected)
    # Pixels begin half a block after the first position, and the analysis of a position half a block before it.
    rows, columns = inner
    seen = shown[_seen(rows, shown.shape[0]), _seen(columns, shown.shape[1])]
    return y + decoded - latents_of(setting, seen)


def _sixteenths(latents: Float32) -> npt.NDArray[np.int32]:
    return np.rint(latents * MEAN_STEPS).astype(np.int32)


def _seen(positions: slice, size: int) -> slice:
    """Of decoded pixels those that the analysis of some of the window's positions sees."""
    begin, end = (positions.start - 1) * BLOCK, (positions.stop) * BLOCK
    assert begin >= 0
    assert end <= size
    return slice(begin, end)
