"""The neural part: an RGB picture to one payload a tile, and back.

    pixels --analysis--> y --quantize, pass by pass, each predicted from the last--> symbols --range coder--> payload
    payload --> symbols + means = decoded latents --synthesis--> pixels

Tiles are coded independently of each other. The transforms are not cut at tile borders: analysis sees the pixels around
a tile, synthesis the latents of the tiles around it, so the result does not depend on how a picture is worked through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from isthmus.coding.payload import decode_latents, encode_latents, latent_bits, quantized_latents
from isthmus.image.coders.masking import importance
from isthmus.model.engine import Engine, limit_threads
from isthmus.model.model import Model

TILE = 1024
"""Side of a tile in pixels."""
BLOCK = 16
"""Pixels between latent positions."""
HALO = 4
"""Latent positions around a window within which the networks' zero padding can be felt."""
MAX_EFFORT = 2
"""1: latents are coded as the analysis gives them; 2: after a second look."""

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]
Payloads = Callable[[int], bytes]
ProgressCallback = Callable[[int, int], None]


class PixelSource(Protocol):
    """Where the encoder gets its pixels: any window inside the picture."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    def __call__(self, top: int, left: int, height: int, width: int) -> UInt8:
        """(height, width, 3) uint8."""
        ...


@dataclass(frozen=True)
class Grid:
    """How a picture of width x height pixels splits into tiles, and those into latent positions."""

    width: int
    height: int

    @property
    def rows(self) -> int:
        return -(-self.height // TILE)

    @property
    def columns(self) -> int:
        return -(-self.width // TILE)

    @property
    def count(self) -> int:
        return self.rows * self.columns

    @property
    def latent_height(self) -> int:
        return -(-self.height // BLOCK)

    @property
    def latent_width(self) -> int:
        return -(-self.width // BLOCK)

    def latent_box(self, index: int) -> tuple[int, int, int, int]:
        """(top, left, height, width) of a tile in latent positions."""
        row, column = divmod(index, self.columns)
        side = TILE // BLOCK
        top, left = row * side, column * side
        return top, left, min(side, self.latent_height - top), min(side, self.latent_width - left)


@lru_cache(maxsize=8)
def _engine(model: Model, graph: str, threads: int | None) -> Engine:
    return Engine(model.arrays[graph], threads)


def _mirror(index: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Indices of an axis continued by mirroring at both ends, the edge sample repeated."""
    period = np.mod(index, 2 * size)
    return np.asarray(np.minimum(period, 2 * size - 1 - period))


def _pixel_axis(begin: int, end: int, size: int) -> npt.NDArray[np.int64]:
    """Picture rows (or columns) for begin..end: filled up to whole blocks by mirroring, then mirrored there again."""
    whole = -(-size // BLOCK) * BLOCK
    return _mirror(_mirror(np.arange(begin, end), whole), size)


def analyse(
    model: Model, source: PixelSource, box: tuple[int, int, int, int], quality: int, threads: int | None
) -> Float32:
    """Latents (h, w, C) float32 in steps, of a box (top, left, h, w) in latent positions."""
    top, left, height, width = box
    rows = _pixel_axis(top * BLOCK - BLOCK // 2, (top + height) * BLOCK + BLOCK // 2, source.height)
    columns = _pixel_axis(left * BLOCK - BLOCK // 2, (left + width) * BLOCK + BLOCK // 2, source.width)
    y0, x0 = int(rows.min()), int(columns.min())
    window = source(y0, x0, int(rows.max()) + 1 - y0, int(columns.max()) + 1 - x0)
    return _latents_of(model, window[rows - y0][:, columns - x0], quality, threads)


def _latents_of(model: Model, pixels: UInt8, quality: int, threads: int | None) -> Float32:
    """Latents (h, w, C) of pixels (16h + 16, 16w + 16, 3)."""
    y: Float32 = _engine(model, "analysis.onnx", threads)(pixels=pixels, steps=model.steps(quality))
    return y


def encode_tiles(
    model: Model,
    source: PixelSource,
    quality: int,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
    effort: int = 1,
) -> Iterator[bytes]:
    """The payloads of all tiles, in row-major order.

    Args:
        model: the weights.
        source: where the pixels come from.
        quality: 0..10000, hundredths of the dial.
        threads: threads of the inference engine and of NumPy's matrix products; None for all.
        progress: called with (tiles done, tiles in all).
        effort: 1, or 2 for a second look (`_second_look`).
    """
    grid = Grid(source.width, source.height)
    for index in range(grid.count):
        y = _tile_latents(model, source, grid, index, quality, threads, effort)
        with limit_threads(threads):
            payload = encode_latents(model.entropy, y, quality, _importance(model, y, quality))
        yield payload
        if progress:
            progress(index + 1, grid.count)


def _importance(model: Model, y: Float32, quality: int) -> npt.NDArray[np.float64]:
    return importance(y, model.steps(quality), float(model.nominal_step(quality)[0]))


def _tile_latents(
    model: Model, source: PixelSource, grid: Grid, index: int, quality: int, threads: int | None, effort: int
) -> Float32:
    top, left, height, width = grid.latent_box(index)
    if effort == 1:
        return analyse(model, source, (top, left, height, width), quality, threads)
    around = (top - HALO, left - HALO, height + 2 * HALO, width + 2 * HALO)
    return _second_look(model, analyse(model, source, around, quality, threads), around, grid, quality, threads)


def _second_look(
    model: Model, around: Float32, box: tuple[int, int, int, int], grid: Grid, quality: int, threads: int | None
) -> Float32:
    """Latents of a tile less what the synthesis network is going to add to them.

    The analysis inverts the linear part of the synthesis alone. Whatever the network adds to the decoded picture, seen
    through the analysis, is taken off before the latents are quantized again.

    Args:
        around: latents of the tile and `HALO` around it, of the picture and its mirror images.
        box: where they lie.
    """
    _, _, height, width = box
    inner = (slice(HALO, height - HALO), slice(HALO, width - HALO))
    y = around[inner]
    with limit_threads(threads):
        decoded = quantized_latents(model.entropy, y, quality, _importance(model, y, quality))
    # What is decoded next to the tile is not known yet: its latents before quantization stand in for it.
    expected = around.copy()
    expected[inner] = decoded
    expected = _continued(model, expected, box, grid)
    pixels = _synthesised(model, expected, quality, threads)
    cut = HALO * BLOCK - BLOCK
    return y + decoded - _latents_of(model, pixels[cut:-cut, cut:-cut], quality, threads)


def _continued(model: Model, latents: Float32, box: tuple[int, int, int, int], grid: Grid) -> Float32:
    """Latents (h, w, C) of a box, those outside the picture replaced by what the decoder takes for them."""
    top, left, height, width = box
    rows, columns = np.arange(top, top + height), np.arange(left, left + width)
    # What a mirror shows lies in the box as well: the halo is not wider than the tile, or the whole picture is inside.
    out: Float32 = latents[np.ix_(_mirror(rows, grid.latent_height) - top, _mirror(columns, grid.latent_width) - left)]
    _flip(model, out, rows, columns, grid)
    return out


def _flip(
    model: Model, latents: Float32, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], grid: Grid
) -> None:
    """Negates, in place, what a mirror image negates: its cosine coefficients of odd functions."""
    parity = model.arrays["parity"].astype(bool)
    for axis, index, size in ((0, rows, grid.latent_height), (1, columns, grid.latent_width)):
        flipped = np.flatnonzero(np.mod(index, 2 * size) >= size)
        if len(flipped):
            sign = np.where(parity[:, axis], np.float32(-1), np.float32(1))
            if axis == 0:
                latents[flipped] *= sign
            else:
                latents[:, flipped] *= sign


def bits_map(model: Model, rgb: UInt8, quality: int, threads: int | None = None) -> Float32:
    """Bits that the entropy model spends on each 16x16 block: (ceil(H/16), ceil(W/16)) float32, rgb (H, W, 3) uint8."""
    source = ArraySource(rgb)
    grid = Grid(source.width, source.height)
    out = np.zeros((grid.latent_height, grid.latent_width), np.float32)
    for index in range(grid.count):
        top, left, height, width = grid.latent_box(index)
        y = analyse(model, source, (top, left, height, width), quality, threads)
        with limit_threads(threads):
            bits = latent_bits(model.entropy, y, quality, _importance(model, y, quality))
        out[top : top + height, left : left + width] = bits
    return out


@dataclass(frozen=True)
class ArraySource:
    """Pixels from an array (H, W, 3) uint8."""

    rgb: UInt8

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    def __call__(self, top: int, left: int, height: int, width: int) -> UInt8:
        return self.rgb[top : top + height, left : left + width]


class _Latents:
    """Decoded latents of a picture: a tile when it is first needed, until it is forgotten."""

    def __init__(self, model: Model, payloads: Payloads, grid: Grid, quality: int, threads: int | None):
        self._model, self._payloads, self._grid, self._quality = model, payloads, grid, quality
        self._threads = threads
        self._kept: dict[tuple[int, int], Float32] = {}

    def _tile(self, row: int, column: int) -> Float32:
        if (row, column) not in self._kept:
            index = row * self._grid.columns + column
            _, _, height, width = self._grid.latent_box(index)
            with limit_threads(self._threads):
                tile = decode_latents(self._model.entropy, self._payloads(index), height, width, self._quality)
            self._kept[row, column] = tile
        return self._kept[row, column]

    def forget(self, row: int, column: int) -> None:
        """Lets go of a tile, if it was decoded."""
        self._kept.pop((row, column), None)

    def window(self, top: int, left: int, height: int, width: int) -> Float32:
        """Latents (height, width, C); outside the picture they are those of its mirror image."""
        rows = np.arange(top, top + height)
        columns = np.arange(left, left + width)
        grid, side = self._grid, TILE // BLOCK
        r, c = _mirror(rows, grid.latent_height), _mirror(columns, grid.latent_width)
        out = np.empty((height, width, self._model.latents), np.float32)
        for i in np.unique(r // side):
            for j in np.unique(c // side):
                tile = self._tile(int(i), int(j))
                at_rows, at_columns = np.flatnonzero(r // side == i), np.flatnonzero(c // side == j)
                part = tile[np.ix_(r[at_rows] - i * side, c[at_columns] - j * side)]
                out[np.ix_(at_rows, at_columns)] = part
        _flip(self._model, out, rows, columns, grid)
        return out


def synthesise(model: Model, latents: Float32, quality: int, threads: int | None) -> UInt8:
    """Pixels (16h, 16w, 3) uint8 of latents (h + 2 HALO, w + 2 HALO, C) in steps."""
    cut = HALO * BLOCK - BLOCK // 2
    return _synthesised(model, latents, quality, threads)[cut:-cut, cut:-cut]


def _synthesised(model: Model, latents: Float32, quality: int, threads: int | None) -> UInt8:
    """Pixels (16(h-1), 16(w-1), 3) uint8 of latents (h, w, C): of all windows that are there, right or not."""
    pixels: UInt8 = _engine(model, "synthesis.onnx", threads)(
        latents=latents,
        steps=model.steps(quality),
        nominal=model.nominal_step(quality),
        weights=model.quality_weights(quality),
    )
    return pixels


def _decode_box(
    model: Model,
    payloads: Payloads,
    grid: Grid,
    quality: int,
    box: tuple[int, int, int, int],
    threads: int | None,
) -> Iterator[tuple[int, int, UInt8]]:
    """Yields (top, left, pixels) of the part of each tile inside box (x, y, w, h), row by row."""
    x, y, w, h = box
    latents = _Latents(model, payloads, grid, quality, threads)
    rows = range(y // TILE, (y + h - 1) // TILE + 1)
    columns = range(x // TILE, (x + w - 1) // TILE + 1)
    for i in rows:
        for j in columns:
            y0, y1 = max(i * TILE, y), min((i + 1) * TILE, y + h)
            x0, x1 = max(j * TILE, x), min((j + 1) * TILE, x + w)
            row, column = y0 // BLOCK, x0 // BLOCK
            height, width = -(-y1 // BLOCK) - row, -(-x1 // BLOCK) - column
            around = latents.window(row - HALO, column - HALO, height + 2 * HALO, width + 2 * HALO)
            pixels = synthesise(model, around, quality, threads)
            dy, dx = y0 - row * BLOCK, x0 - column * BLOCK
            yield y0, x0, pixels[dy : dy + y1 - y0, dx : dx + x1 - x0]
            # Synthesis looks one tile around: what lies further above, or to the left in the last row, is done with.
            done = {(i - 1, j - 1)}
            if i == rows[-1]:
                done |= {(i, j - 1), (i + 1, j - 1)}
            if j == columns[-1]:
                done |= {(i - 1, j), (i - 1, j + 1)}
            for tile in done:
                latents.forget(*tile)


def decode_window(
    model: Model,
    payloads: Payloads,
    width: int,
    height: int,
    quality: int,
    box: tuple[int, int, int, int],
    threads: int | None = None,
) -> UInt8:
    """The part (h, w, 3) uint8 inside box (x, y, w, h) of a picture; decodes only the tiles that it needs.

    Raises:
        CorruptError: a payload is damaged.
    """
    x, y, w, h = box
    out = np.empty((h, w, 3), np.uint8)
    for top, left, pixels in _decode_box(model, payloads, Grid(width, height), quality, box, threads):
        out[top - y : top - y + pixels.shape[0], left - x : left - x + pixels.shape[1]] = pixels
    return out


def decode_rows(
    model: Model,
    payloads: Payloads,
    width: int,
    height: int,
    quality: int,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> Iterator[tuple[int, UInt8]]:
    """Yields (top, strip) in order; the strips (h, width, 3) uint8 cover the picture once.

    Raises:
        CorruptError: a payload is damaged.
    """
    grid = Grid(width, height)
    boxes = _decode_box(model, payloads, grid, quality, (0, 0, width, height), threads)
    for done, (top, left, pixels) in enumerate(boxes, 1):
        if left == 0:
            strip = np.empty((pixels.shape[0], width, 3), np.uint8)
        strip[:, left : left + pixels.shape[1]] = pixels
        if progress:
            progress(done, grid.count)
        if left + pixels.shape[1] == width:
            yield top, strip


def check_tiles(
    model: Model, payloads: Payloads, width: int, height: int, quality: int, threads: int | None = None
) -> None:
    """Decodes the latents of every tile and keeps none: a check that takes no memory for the picture.

    Raises:
        CorruptError: a payload is damaged.
    """
    grid = Grid(width, height)
    for index in range(grid.count):
        _, _, rows, columns = grid.latent_box(index)
        with limit_threads(threads):
            decode_latents(model.entropy, payloads(index), rows, columns, quality)
