"""Latents to pixels: the decoded latents of a picture, continued beyond its edges, through the synthesis network."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from isthmus.coding.formats import MEAN_STEPS
from isthmus.coding.payload import decode_latents
from isthmus.image.box import Box
from isthmus.image.coders.lapped.analysis import Float32
from isthmus.image.coders.lapped.arrays import nominal_step_of, steps_of
from isthmus.image.coders.lapped.halo import halo_of
from isthmus.image.coders.protocol import Payloads, UInt8
from isthmus.image.grid import BLOCK, Grid, blocks_of, is_reversed, mirrored
from isthmus.medium.crew import Crew, Pending
from isthmus.medium.setting import Setting
from isthmus.model.model import Model

Sixteenths = npt.NDArray[np.int16] | Float32
"""Decoded latents in sixteenths of a step, which are whole numbers."""


class DecodedLatents:
    """Decoded latents of a picture: a tile when it is first needed, until it is forgotten.

    Args:
        setting: model, quality and threads.
        payloads: payloads(index) gives the payload of a tile.
        grid: where the tiles lie.
        crew: who decodes the tiles.
    """

    def __init__(self, setting: Setting, payloads: Payloads, grid: Grid, crew: Crew):
        self._setting, self._payloads, self._grid, self._crew = setting, payloads, grid, crew
        self._kept: dict[tuple[int, int], Pending[Sixteenths]] = {}

    def __len__(self) -> int:
        """How many tiles are kept."""
        return len(self._kept)

    def prepare(self, box: Box) -> None:
        """Has the tiles decoded that the window of a box is going to ask for."""
        grid, side = self._grid, self._grid.tile // BLOCK
        rows = mirrored(np.arange(box.top, box.bottom), grid.latent_height) // side
        columns = mirrored(np.arange(box.left, box.right), grid.latent_width) // side
        for i in np.unique(rows):
            for j in np.unique(columns):
                self._tile(int(i), int(j))

    def window(self, box: Box) -> Callable[[], Float32]:
        """Puts latents (h, w, C) float32 in steps together; outside the picture they are those of its mirror image.

        What is returned waits for the tiles, in whatever thread, and raises CorruptError if a payload is damaged.
        """
        rows, columns = np.arange(box.top, box.bottom), np.arange(box.left, box.right)
        grid, side, model = self._grid, self._grid.tile // BLOCK, self._setting.model
        r, c = mirrored(rows, grid.latent_height), mirrored(columns, grid.latent_width)
        tiles = {(i, j): self._tile(int(i), int(j)) for i in np.unique(r // side) for j in np.unique(c // side)}

        def together() -> Float32:
            out = np.empty((box.height, box.width, model.latents), np.float32)
            for (i, j), tile in tiles.items():
                at_rows, at_columns = np.flatnonzero(r // side == i), np.flatnonzero(c // side == j)
                part = tile.result()[np.ix_(r[at_rows] - i * side, c[at_columns] - j * side)]
                out[np.ix_(at_rows, at_columns)] = part
            out *= np.float32(1 / MEAN_STEPS)
            _negate_reversed(model, out, rows, columns, grid)
            return out

        return together

    def forget(self, row: int, column: int) -> None:
        """Lets go of a tile, if it was decoded."""
        self._kept.pop((row, column), None)

    def _tile(self, row: int, column: int) -> Pending[Sixteenths]:
        if (row, column) not in self._kept:
            index = row * self._grid.columns + column
            decoding = self._crew.submit(_decode_compact, self._setting, self._payloads(index), self._grid, index)
            self._kept[row, column] = decoding
        return self._kept[row, column]


def decode_tile(setting: Setting, payload: bytes, grid: Grid, index: int) -> Float32:
    """Latents (h, w, C) float32 in steps, of one tile.

    Raises:
        CorruptError: the payload is damaged.
    """
    _, _, height, width = grid.latent_box(index)
    with setting.one_thread():
        return decode_latents(setting.model.entropy, payload, height, width, setting.quality.hundredths)


def _decode_compact(setting: Setting, payload: bytes, grid: Grid, index: int) -> Sixteenths:
    """`decode_tile` to be kept: nearly always as 16-bit integers, in half the memory."""
    sixteenths = decode_tile(setting, payload, grid, index)
    sixteenths *= np.float32(MEAN_STEPS)
    most = max(sixteenths.max(), -sixteenths.min())
    return sixteenths.astype(np.int16) if most <= np.iinfo(np.int16).max else sixteenths


def decode_box(setting: Setting, payloads: Payloads, grid: Grid, box: Box) -> Iterator[tuple[Box, UInt8]]:
    """(place in the picture, pixels (h, w, 3) uint8) of the part of each tile that lies in a box, row by row.

    Raises:
        CorruptError: a payload is damaged.
    """
    halo = halo_of(setting.model)
    rows = range(box.top // grid.tile, (box.bottom - 1) // grid.tile + 1)
    columns = range(box.left // grid.tile, (box.right - 1) // grid.tile + 1)
    places = [(i, j) for i in rows for j in columns]
    parts = [Box(i * grid.tile, j * grid.tile, grid.tile, grid.tile).shared(box) for i, j in places]
    with setting.crew(grid.count) as crew:
        latents = DecodedLatents(setting, payloads, grid, crew)

        def handed_out() -> Iterator[Pending[UInt8]]:
            """The syntheses of all parts, to come; the tiles for the next few are decoded meanwhile."""
            for index, (i, j) in enumerate(places):
                for part in parts[index : index + 1 + crew.ahead]:
                    latents.prepare(blocks_of(part).grown(halo))
                window = latents.window(blocks_of(parts[index]).grown(halo))
                # Synthesis looks one tile around: what lies further above, or left in the last row, is done with.
                done = {(i - 1, j - 1)}
                if i == rows[-1]:
                    done |= {(i, j - 1), (i + 1, j - 1)}
                if j == columns[-1]:
                    done |= {(i - 1, j), (i - 1, j + 1)}
                for tile in done:
                    latents.forget(*tile)
                # Work begins in the order of its submission: whoever waits for tiles here, others are decoding them.
                yield crew.submit(_synthesise_window, setting, window)

        for part, pixels in zip(parts, crew.in_order(handed_out()), strict=True):
            blocks = blocks_of(part)
            covered = Box(blocks.top * BLOCK, blocks.left * BLOCK, *pixels.shape[:2])
            yield part, pixels[part.within(covered).slices]


def _synthesise_window(setting: Setting, window: Callable[[], Float32]) -> UInt8:
    return synthesise(setting, window())


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
