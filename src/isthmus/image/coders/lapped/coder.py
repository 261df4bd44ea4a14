"""Tiles to payloads and back by the lapped coder, as `isthmus.image.coders.protocol` asks of every coder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isthmus.coding.payload import encode_latents
from isthmus.image.box import Box
from isthmus.image.coders.lapped.analysis import analyse, importance_of
from isthmus.image.coders.lapped.preview import decode_preview
from isthmus.image.coders.lapped.refinement import refined_latents
from isthmus.image.coders.lapped.synthesis import decode_box, decode_tile
from isthmus.image.coders.protocol import Payloads, PixelSource, Progress, Setting, UInt8
from isthmus.image.grid import TILE, Grid


@dataclass(frozen=True)
class LappedCoder:
    """The coder of today's files; see `Coder` for its attributes and methods.

    Attributes:
        tile: side of a tile in pixels, a multiple of 16; files have `TILE`.
    """

    tile: int = TILE
    id: int = 1
    name: str = "lapped"
    max_effort: int = 2
    """1: latents are coded as the analysis gives them; 2: they are refined first."""
    needs: frozenset[str] = frozenset({"analysis.onnx", "synthesis.onnx", "steps.log", "steps.nominal", "parity"})

    def encode_tiles(
        self, setting: Setting, source: PixelSource, effort: int = 1, progress: Progress | None = None
    ) -> Iterator[bytes]:
        grid = Grid(source.width, source.height, self.tile)
        for index in range(grid.count):
            box = grid.latent_box(index)
            y = analyse(setting, source, box) if effort == 1 else refined_latents(setting, source, grid, box)
            with setting.limited_threads():
                payload = encode_latents(
                    setting.model.entropy, y, setting.quality.hundredths, importance_of(setting, y)
                )
            yield payload
            if progress:
                progress(index + 1, grid.count)

    def decode_rows(
        self, setting: Setting, payloads: Payloads, grid: Grid, progress: Progress | None = None
    ) -> Iterator[tuple[int, UInt8]]:
        for done, (part, pixels) in enumerate(decode_box(setting, payloads, grid, grid.box), 1):
            if part.left == 0:
                strip = np.empty((part.height, grid.width, 3), np.uint8)
            strip[:, part.left : part.right] = pixels
            if progress:
                progress(done, grid.count)
            if part.right == grid.width:
                yield part.top, strip

    def decode_window(self, setting: Setting, payloads: Payloads, grid: Grid, box: Box) -> UInt8:
        out = np.empty((box.height, box.width, 3), np.uint8)
        for part, pixels in decode_box(setting, payloads, grid, box):
            out[part.within(box).slices] = pixels
        return out

    def decode_preview(self, setting: Setting, payloads: Payloads, grid: Grid) -> UInt8:
        return decode_preview(setting, payloads, grid)

    def check_tiles(self, setting: Setting, payloads: Payloads, grid: Grid) -> None:
        for index in range(grid.count):
            decode_tile(setting, payloads, grid, index)
