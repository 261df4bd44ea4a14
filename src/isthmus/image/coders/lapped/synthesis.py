"""Latents to pixels: the decoded latents of a picture, continued beyond its edges, through the synthesis network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from isthmus.coding.payload import decode_latents
from isthmus.image.box import Box
from isthmus.image.coders.lapped.analysis import Float32
from isthmus.image.coders.lapped.halo import halo_of
from isthmus.image.coders.protocol import Payloads, Setting, UInt8
from isthmus.image.grid import BLOCK, Grid, blocks_of, is_reversed, mirrored
from isthmus.model.model import Model


class DecodedLatents:
    """Decoded latents of a picture: a tile when it is first needed, until it is forgotten.

    Args:
        setting: model, quality and threads.
        payloads: payloads(index) gives the payload of a tile.
        grid: where the tiles lie.
    """

    def __init__(self, setting: Setting, payloads: Payloads, grid: Grid):
        self._setting, self._payloads, self._grid = setting, payloads, grid
        self._kept: dict[tuple[int, int], Float32] = {}

    def __len__(self) -> int:
        """How many tiles are kept."""
        return len(self._kept)

    def window(self, box: Box) -> Float32:
        """Latents (h, w, C) float32 in steps; outside the picture they are those of its mirror image.

        Raises:
            CorruptError: a payload is damaged.
        """
        rows, columns = np.arange(box.top, box.bottom), np.arange(box.left, box.right)
        grid, side = self._grid, self._grid.tile // BLOCK
        r, c = mirrored(rows, grid.latent_height), mirrored(columns, grid.latent_width)
        out = np.empty((box.height, box.width, self._setting.model.latents), np.float32)
        for i in np.unique(r // side):
            for j in np.unique(c // side):
                tile = self._tile(int(i), int(j))
                at_rows, at_columns = np.flatnonzero(r // side == i), np.flatnonzero(c // side == j)
                part = tile[np.ix_(r[at_rows] - i * side, c[at_columns] - j * side)]
                out[np.ix_(at_rows, at_columns)] = part
        _negate_reversed(self._setting.model, out, rows, columns, grid)
        return out

    def forget(self, row: int, column: int) -> None:
        """Lets go of a tile, if it was decoded."""
        self._kept.pop((row, column), None)

    def _tile(self, row: int, column: int) -> Float32:
        if (row, column) not in self._kept:
            index = row * self._grid.columns + column
            self._kept[row, column] = decode_tile(self._setting, self._payloads, self._grid, index)
        return self._kept[row, column]


def decode_tile(setting: Setting, payloads: Payloads, grid: Grid, index: int) -> Float32:
    """Latents (h, w, C) float32 in steps, of one tile.

    Raises:
        CorruptError: the payload is damaged.
    """
    _, _, height, width = grid.latent_box(index)
    with setting.limited_threads():
        return decode_latents(setting.model.entropy, payloads(index), height, width, setting.quality.hundredths)


def decode_box(setting: Setting, payloads: Payloads, grid: Grid, box: Box) -> Iterator[tuple[Box, UInt8]]:
    """(place in the picture, pixels (h, w, 3) uint8) of the part of each tile that lies in a box, row by row.

    Raises:
        CorruptError: a payload is damaged.
    """
    latents = DecodedLatents(setting, payloads, grid)
    halo = halo_of(setting.model)
    rows = range(box.top // grid.tile, (box.bottom - 1) // grid.tile + 1)
    columns = range(box.left // grid.tile, (box.right - 1) // grid.tile + 1)
    for i in rows:
        for j in columns:
            part = Box(i * grid.tile, j * grid.tile, grid.tile, grid.tile).shared(box)
            blocks = blocks_of(part)
            pixels = synthesise(setting, latents.window(blocks.grown(halo)))
            covered = Box(blocks.top * BLOCK, blocks.left * BLOCK, *pixels.shape[:2])
            yield part, pixels[part.within(covered).slices]
            # Synthesis looks one tile around: what lies further above, or to the left in the last row, is done with.
            done = {(i - 1, j - 1)}
            if i == rows[-1]:
                done |= {(i, j - 1), (i + 1, j - 1)}
            if j == columns[-1]:
                done |= {(i - 1, j), (i - 1, j + 1)}
            for tile in done:
                latents.forget(*tile)


def synthesise(setting: Setting, latents: Float32) -> UInt8:
    """Pixels (16h, 16w, 3) uint8 of latents (h + 2 halo, w + 2 halo, C) in steps, the halo being that of the model."""
    cut = halo_of(setting.model) * BLOCK - BLOCK // 2
    return synthesise_all(setting, latents)[cut:-cut, cut:-cut]


def synthesise_all(setting: Setting, latents: Float32) -> UInt8:
    """Pixels (16(h-1), 16(w-1), 3) uint8 of latents (h, w, C): of all windows that are there, right or not."""
    pixels: UInt8 = setting.network("synthesis.onnx")(
        latents=latents, steps=setting.steps, nominal=setting.nominal_step, weights=setting.quality_weights
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
    _negate_reversed(model, out, rows, columns, grid)
    return out


def _negate_reversed(
    model: Model, latents: Float32, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], grid: Grid
) -> None:
    """Negates, in place, what a mirror image negates: its cosine coefficients of odd functions."""
    parity = model.arrays["parity"].astype(bool)
    for axis, index, size in ((0, rows, grid.latent_height), (1, columns, grid.latent_width)):
        turned = np.flatnonzero(is_reversed(index, size))
        if len(turned):
            sign = np.where(parity[:, axis], np.float32(-1), np.float32(1))
            if axis == 0:
                latents[turned] *= sign
            else:
                latents[:, turned] *= sign
