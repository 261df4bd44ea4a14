"""Effort 2: the latents of a tile are refined by what their decoded pixels look like to the analysis."""

from __future__ import annotations

from isthmus.coding.payload import quantized_latents
from isthmus.image.box import Box
from isthmus.image.coders.lapped.analysis import Float32, analyse, importance_of, latents_of
from isthmus.image.coders.lapped.halo import halo_of
from isthmus.image.coders.lapped.synthesis import continued, synthesise_all
from isthmus.image.coders.protocol import PixelSource, Setting
from isthmus.image.grid import BLOCK, Grid


def refined_latents(setting: Setting, source: PixelSource, grid: Grid, tile: Box) -> Float32:
    """Latents (h, w, C) float32 in steps, of a tile, less what the synthesis network is going to add to them.

    The analysis inverts the linear part of the synthesis alone. Whatever the network adds to the decoded picture, seen
    through the analysis, is taken off before the latents are quantized again.

    Args:
        setting: model, quality and threads.
        source: where the pixels come from.
        grid: the picture's geometry.
        tile: where the tile lies, in latent positions.
    """
    halo = halo_of(setting.model)
    box = tile.grown(halo)
    around = analyse(setting, source, box)
    inner = tile.within(box).slices
    y = around[inner]
    with setting.limited_threads():
        decoded = quantized_latents(setting.model.entropy, y, setting.quality.hundredths, importance_of(setting, y))
    # What is decoded next to the tile is not known yet: its latents before quantization stand in for it.
    expected = around.copy()
    expected[inner] = decoded
    # A mirror shows nothing from outside the box: it is not wider than the tile, or the whole picture is inside.
    pixels = synthesise_all(setting, continued(setting.model, expected, box, grid))
    cut = halo * BLOCK - BLOCK
    return y + decoded - latents_of(setting, pixels[cut:-cut, cut:-cut])
