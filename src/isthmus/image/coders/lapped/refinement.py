"""Effort 2: the latents of a tile are refined by what their decoded pixels look like to the analysis."""

from __future__ import annotations

from isthmus.coding.payload import quantized_latents
from isthmus.image.box import Box
from isthmus.image.coders.lapped.analysis import Float32, importance_of, latents_of, latents_to_code
from isthmus.image.coders.lapped.halo import halo_of
from isthmus.image.coders.lapped.synthesis import continued, synthesise_all
from isthmus.image.coders.protocol import PixelSource, UInt8
from isthmus.image.coders.windows import pixels_of
from isthmus.image.grid import BLOCK, Grid
from isthmus.medium.setting import Setting


def pixels_around(setting: Setting, source: PixelSource, tile: Box) -> UInt8:
    """What the refinement of a tile of (h, w) latent positions sees: (16 (h + 2 halo) + 16, ..., 3) uint8."""
    return pixels_of(source, tile.grown(halo_of(setting.model)))


def refined_latents(setting: Setting, pixels: UInt8, grid: Grid, tile: Box) -> Float32:
    """Latents (h, w, C) float32 in steps, of a tile, less what the synthesis network is going to add to them.

    The analysis inverts the linear part of the synthesis alone. Whatever the network adds to the decoded picture, seen
    through the analysis, is taken off before the latents are quantized again.

    Args:
        setting: model, quality and threads.
        pixels: `pixels_around` the tile.
        grid: the picture's geometry.
        tile: where the tile lies, in latent positions.
    """
    halo = halo_of(setting.model)
    box = tile.grown(halo)
    around = latents_to_code(setting, pixels)
    inner = tile.within(box).slices
    y = around[inner]
    with setting.one_thread():
        decoded = quantized_latents(setting.model.entropy, y, setting.quality.hundredths, importance_of(setting, y))
    # What is decoded next to the tile is not known yet: its latents before quantization stand in for it.
    expected = around.copy()
    expected[inner] = decoded
    # A mirror shows nothing from outside the box: it is not wider than the tile, or the whole picture is inside.
    shown = synthesise_all(setting, continued(setting.model, expected, box, grid))
    cut = halo * BLOCK - BLOCK
    return y + decoded - latents_of(setting, shown[cut:-cut, cut:-cut])
