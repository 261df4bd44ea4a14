"""The neural part: an RGB picture to one payload a tile, and back.

    pixels --analysis--> y --quantize, pass by pass, each predicted from the last--> symbols --range coder--> payload
    payload --> symbols + means = decoded latents --synthesis--> pixels

Tiles are coded independently of each other. The transforms are not cut at tile borders: analysis sees the pixels around
a tile, synthesis the latents of the tiles around it, so the result does not depend on how a picture is worked through.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from isthmus.engine import Engine
from isthmus.latents import decode_latents, encode_latents
from isthmus.model import Model

TILE = 1024
"""Side of a tile in pixels."""
BLOCK = 16
"""Pixels between latent positions."""
HALO = 4
"""Latent positions around a window within which the networks' zero padding can be felt."""

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
    y = _engine(model, "analysis.onnx", threads)(
        pixels=window[rows - y0][:, columns - x0],
        steps=model.steps(quality),
    )
    return y


def encode_tiles(
    model: Model,
    source: PixelSource,
    quality: int,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> Iterator[bytes]:
    """The payloads of all tiles, in row-major order.

    Args:
        model: the weights.
        source: where the pixels come from.
        quality: 0..10000, hundredths of the dial.
        threads: threads of the inference engine; None for all.
        progress: called with (tiles done, tiles in all).
    """
    grid = Grid(source.width, source.height)
    for index in range(grid.count):
        y = analyse(model, source, grid.latent_box(index), quality, threads)
        payload, _ = encode_latents(model, y, quality)
        yield payload
        if progress:
            progress(index + 1, grid.count)


def bits_map(model: Model, rgb: UInt8, quality: int, threads: int | None = None) -> Float32:
    """Bits that the entropy model spends on each 16x16 block: (ceil(H/16), ceil(W/16)) float32, rgb (H, W, 3) uint8."""
    source = ArraySource(rgb)
    grid = Grid(source.width, source.height)
    out = np.zeros((grid.latent_height, grid.latent_width), np.float32)
    for index in range(grid.count):
        top, left, height, width = grid.latent_box(index)
        y = analyse(model, source, (top, left, height, width), quality, threads)
        out[top : top + height, left : left + width] = encode_latents(model, y, quality)[1]
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
    """Decoded latents of a picture, tile by tile on demand, the latest few kept."""

    def __init__(self, model: Model, payloads: Payloads, grid: Grid, quality: int, keep: int):
        self._model, self._payloads, self._grid, self._quality = model, payloads, grid, quality
        self._kept: OrderedDict[int, Float32] = OrderedDict()
        self._keep = keep

    def _tile(self, index: int) -> Float32:
        if index not in self._kept:
            _, _, height, width = self._grid.latent_box(index)
            self._kept[index] = decode_latents(self._model, self._payloads(index), height, width, self._quality)
            while len(self._kept) > self._keep:
                self._kept.popitem(last=False)
        self._kept.move_to_end(index)
        return self._kept[index]

    def window(self, top: int, left: int, height: int, width: int) -> Float32:
        """Latents (height, width, C); outside the picture they are those of its mirror image."""
        rows = np.arange(top, top + height)
        columns = np.arange(left, left + width)
        grid, side = self._grid, TILE // BLOCK
        r, c = _mirror(rows, grid.latent_height), _mirror(columns, grid.latent_width)
        out = np.empty((height, width, self._model.latents), np.float32)
        for i in np.unique(r // side):
            for j in np.unique(c // side):
                tile = self._tile(int(i) * grid.columns + int(j))
                at_rows, at_columns = np.flatnonzero(r // side == i), np.flatnonzero(c // side == j)
                part = tile[np.ix_(r[at_rows] - i * side, c[at_columns] - j * side)]
                out[np.ix_(at_rows, at_columns)] = part
        # A mirror image has the same cosine coefficients, those of odd functions negated.
        parity = self._model.arrays["parity"].astype(bool)
        for axis, index, size in ((0, rows, grid.latent_height), (1, columns, grid.latent_width)):
            flipped = np.flatnonzero(np.mod(index, 2 * size) >= size)
            if len(flipped):
                sign = np.where(parity[:, axis], np.float32(-1), np.float32(1))
                if axis == 0:
                    out[flipped] *= sign
                else:
                    out[:, flipped] *= sign
        return out


def synthesise(model: Model, latents: Float32, quality: int, threads: int | None) -> UInt8:
    """Pixels (16h, 16w, 3) uint8 of latents (h + 2 HALO, w + 2 HALO, C) in steps."""
    pixels: UInt8 = _engine(model, "synthesis.onnx", threads)(
        latents=latents,
        steps=model.steps(quality),
        nominal=model.nominal_step(quality),
        weights=model.quality_weights(quality),
    )
    cut = HALO * BLOCK - BLOCK // 2
    return pixels[cut:-cut, cut:-cut]


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
    grid = Grid(width, height)
    x, y, w, h = box
    # Two rows of tiles at most are needed at once.
    latents = _Latents(model, payloads, grid, quality, keep=3 * (w // TILE + 3))
    out = np.empty((h, w, 3), np.uint8)
    for top in range(y // TILE * TILE, y + h, TILE):
        for left in range(x // TILE * TILE, x + w, TILE):
            y0, y1 = max(top, y), min(top + TILE, y + h)
            x0, x1 = max(left, x), min(left + TILE, x + w)
            row, column = y0 // BLOCK, x0 // BLOCK
            rows, columns = -(-y1 // BLOCK) - row, -(-x1 // BLOCK) - column
            around = latents.window(row - HALO, column - HALO, rows + 2 * HALO, columns + 2 * HALO)
            pixels = synthesise(model, around, quality, threads)
            dy, dx = y0 - row * BLOCK, x0 - column * BLOCK
            out[y0 - y : y1 - y, x0 - x : x1 - x] = pixels[dy : dy + y1 - y0, dx : dx + x1 - x0]
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
    latents = _Latents(model, payloads, grid, quality, keep=2 * grid.columns + 3)
    for row in range(grid.rows):
        top = row * TILE
        strip = np.empty((min(TILE, height - top), width, 3), np.uint8)
        for column in range(grid.columns):
            index = row * grid.columns + column
            y, x, h, w = grid.latent_box(index)
            around = latents.window(y - HALO, x - HALO, h + 2 * HALO, w + 2 * HALO)
            pixels = synthesise(model, around, quality, threads)
            left = x * BLOCK
            part = strip[:, left : left + w * BLOCK]
            part[:] = pixels[: part.shape[0], : part.shape[1]]
            if progress:
                progress(index + 1, grid.count)
        yield top, strip
