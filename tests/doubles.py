"""Stands in for the neural part: a coder that keeps tiles as zlib streams, and models that hold nothing.

Files of this coder have its number and so version 2 of the header; a test sees only the shell around it.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isthmus.effort import Effort
from isthmus.errors import CorruptError, ModelError, UnknownModelError
from isthmus.image.box import Box
from isthmus.image.coders.protocol import Payloads, PixelSource, UInt8
from isthmus.image.grid import Grid
from isthmus.medium.protocol import Progress
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.quality import Quality

MODEL_ID = bytes.fromhex("0123456789abcdef")


@dataclass
class FakeModel:
    id: bytes = MODEL_ID
    name: str = "double"
    medium: int = 1
    coder: int = 255
    metadata: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)


def find_model(model_id: bytes) -> FakeModel:
    if model_id != MODEL_ID:
        raise UnknownModelError("the model is not installed", expected=model_id.hex())
    return FakeModel()


@dataclass
class LosslessCoder:
    """A `Coder` without loss, with tiles of a size that suits the test."""

    tile: int = 32
    id: int = 255
    name: str = "lossless"
    needs: frozenset[str] = frozenset()
    efforts: list[int] = field(default_factory=list)
    """Of every call of `encode_tiles`."""

    def check_model(self, model: Model) -> None:
        if missing := self.needs - model.arrays.keys():
            raise ModelError(f"model {model.name} is incomplete", expected=", ".join(missing), got="nothing")

    def encode_tiles(
        self, setting: Setting, source: PixelSource, effort: Effort = 1, progress: Progress | None = None
    ) -> Iterator[bytes]:
        assert isinstance(setting.quality, Quality)
        self.efforts.append(effort)
        grid = Grid(source.width, source.height, self.tile)
        for index in range(grid.count):
            box = grid.tile_box(index)
            window = source(*box)
            assert window.shape == (box.height, box.width, 3)
            assert window.dtype == np.uint8
            yield zlib.compress(window.tobytes())
            if progress:
                progress(index + 1, grid.count)

    def decode_rows(
        self, setting: Setting, payloads: Payloads, grid: Grid, progress: Progress | None = None
    ) -> Iterator[tuple[int, UInt8]]:
        for start in range(0, grid.count, grid.columns):
            row = [self._decode(payloads, grid, index) for index in range(start, start + grid.columns)]
            yield grid.tile_box(start).top, np.concatenate(row, axis=1)

    def decode_window(self, setting: Setting, payloads: Payloads, grid: Grid, box: Box) -> UInt8:
        return np.concatenate([strip for _, strip in self.decode_rows(setting, payloads, grid)])[box.slices]

    def decode_scaled(self, setting: Setting, payloads: Payloads, grid: Grid, scale: int) -> UInt8:
        return self.decode_window(setting, payloads, grid, grid.box)[::scale, ::scale]

    def least_error(self, setting: Setting, source: PixelSource, box: Box) -> float:
        return 0.0

    def bits_map(self, setting: Setting, rgb: UInt8) -> np.ndarray:
        grid = Grid(rgb.shape[1], rgb.shape[0])
        return np.ones((grid.latent_height, grid.latent_width), np.float32)

    def check_tiles(self, setting: Setting, payloads: Payloads, grid: Grid) -> None:
        for index in range(grid.count):
            self._decode(payloads, grid, index)

    def _decode(self, payloads: Payloads, grid: Grid, index: int) -> UInt8:
        _, _, height, width = grid.tile_box(index)
        try:
            raw = zlib.decompressobj().decompress(payloads(index), height * width * 3 + 1)
        except zlib.error as error:
            raise CorruptError("a tile payload is damaged", got=error) from None
        if len(raw) != height * width * 3:
            raise CorruptError("a tile payload is damaged", expected=height * width * 3, got=len(raw))
        return np.frombuffer(raw, np.uint8).reshape(height, width, 3)
