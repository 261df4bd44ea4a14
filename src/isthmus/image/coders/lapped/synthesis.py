"""Latents to pixels: the decoded latents of a picture, continued beyond its edges, through the synthesis network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isthmus.coding.formats import MEAN_STEPS
from isthmus.coding.payload import decode_latents
from isthmus.image.box import Box
from isthmus.image.coders.lapped.analysis import Float32
from isthmus.image.coders.lapped.arrays import nominal_step_of, steps_of
from isthmus.image.coders.lapped.halo import halo_of
from isthmus.image.coders.protocol import Payloads, UInt8
from isthmus.image.coders.tiles import Whole, Window, compact
from isthmus.image.grid import BLOCK, Grid, blocks_of, is_reversed, mirrored
from isthmus.medium.setting import Setting
from isthmus.model.model import Model


class LappedSynthesis:
    """How the lapped coder makes pixels; see `isthmus.image.coders.tiles.Synthesis`.

    Args:
        setting: model, quality and threads.
        payloads: payloads(index) gives the payload of a tile.
        grid: where the tiles lie.
    """

    def __init__(self, setting: Setting, payloads: Payloads, grid: Grid):
        self._setting, self._payloads, self._grid = setting, payloads, grid

    def tile(self, index: int) -> Whole:
        sixteenths = decode_tile(self._setting, self._payloads(index), self._grid, index)
        sixteenths *= np.float32(MEAN_STEPS)
        return compact(sixteenths)

    def around(self, part: Box) -> Box:
        return blocks_of(part).grown(halo_of(self._setting.model))

    def pixels(self, window: Window, around: Box, part: Box) -> UInt8:
        latents = window.latents
        latents *= np.float32(1 / MEAN_STEPS)
        _negate(self._setting.model, latents, window.turned_rows, window.turned_columns)
        pixels = synthesise(self._setting, latents)
        blocks = blocks_of(part)
        covered = Box(blocks.top * BLOCK, blocks.left * BLOCK, *pixels.shape[:2])
        return pixels[part.within(covered).slices]


def decode_tile(setting: Setting, payload: bytes, grid: Grid, index: int) -> Float32:
    """Latents (h, w, C) float32 in steps, of one tile.

    Raises:
        CorruptError: the payload is damaged.
    """
    _, _, height, width = grid.latent_box(index)
    with setting.one_thread():
        return decode_latents(setting.model.entropy, payload, height, width, setting.quality.hundredths)


def synthesise(setting: Setting, latents: Float32) -> UInt8:
    """Pixels (16h, 16w, 3) uint8 of latents (h + 2 halo, w + 2 halo, C) in steps, the halo being that of the model."""
    cut = halo_of(setting.model) * BLOCK - BLOCK // 2
    return synthesise_all(setting, latents)[cut:-cut, cut:-cut]


def synthesise_all(setting: Setting, latents: Float32) -> UInt8:
    """Pixels (16(h-1), 16(w-1), 3) uint8 of latents (h, w, C): of all windows that are there, right or not."""
    pixels: UInt8 = setting.network("synthesis.onnx")(
        latents=latents, steps=steps_of(setting), nominal=nominal_step_of(setting), weights=setting.quality_weights
    )
    return pixels


def continued(model: Model, latents: Float32, box: Box, grid: Grid) -> Float32:
    """Latents (h, w, C) of a box, those outside the picture replaced by what the decoder takes for them.

    What a mirror shows must lie in the box as well.
    """
    rows, columns = np.arange(box.top, box.bottom), np.arange(box.left, box.right)
    at_rows = mirrored(rows, grid.latent_height) - box.top
    at_columns = mirrored(columns, grid.latent_width) - box.left
    out: Float32 = latents[np.ix_(at_rows, at_columns)]
    turned_rows = np.flatnonzero(is_reversed(rows, grid.latent_height))
    turned_columns = np.flatnonzero(is_reversed(columns, grid.latent_width))
    _negate(model, out, turned_rows, turned_columns)
    return out


def _negate(model: Model, latents: Float32, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> None:
    """Negates, in place, what a mirror image negates: its cosine coefficients of odd functions."""
    signs = np.where(model.arrays["parity"].astype(bool), np.float32(-1), np.float32(1))
    if len(rows):
        latents[rows] *= signs[:, 0]
    if len(columns):
        latents[:, columns] *= signs[:, 1]
