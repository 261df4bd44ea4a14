"""Stands in for the neural part: tiles kept as zlib streams, so that a test sees only the shell around it."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isthmus.errors import CorruptError, UnknownModelError

MODEL_ID = bytes.fromhex("0123456789abcdef")


@dataclass
class FakeModel:
    id: bytes = MODEL_ID
    name: str = "double"
    metadata: dict[str, Any] = field(default_factory=dict)


def find_model(model_id: bytes) -> FakeModel:
    if model_id != MODEL_ID:
        raise UnknownModelError("the model is not installed", expected=model_id.hex())
    return FakeModel()


class FakeTiles:
    """The functions of isthmus.image.coders.lapped, without loss, with tiles of a size that suits the test."""

    MAX_EFFORT = 2

    def __init__(self, tile: int = 1024) -> None:
        self.TILE = tile
        self.efforts: list[int] = []
        """Of every call of `encode_tiles`."""

    def _boxes(self, width: int, height: int) -> list[tuple[int, int, int, int]]:
        return [
            (top, left, min(self.TILE, height - top), min(self.TILE, width - left))
            for top in range(0, height, self.TILE)
            for left in range(0, width, self.TILE)
        ]

    def encode_tiles(
        self, model: Any, source: Any, quality: int, threads: Any = None, progress: Any = None, effort: int = 1
    ) -> Iterator[bytes]:
        assert 0 <= quality <= 10000
        self.efforts.append(effort)
        boxes = self._boxes(source.width, source.height)
        for index, box in enumerate(boxes):
            window = source(*box)
            assert window.shape == (*box[2:], 3)
            assert window.dtype == np.uint8
            yield zlib.compress(window.tobytes())
            if progress:
                progress(index + 1, len(boxes))

    def _decode(self, payload: bytes, height: int, width: int) -> np.ndarray:
        try:
            raw = zlib.decompressobj().decompress(payload, height * width * 3 + 1)
        except zlib.error as error:
            raise CorruptError("a tile payload is damaged", got=error) from None
        if len(raw) != height * width * 3:
            raise CorruptError("a tile payload is damaged", expected=height * width * 3, got=len(raw))
        return np.frombuffer(raw, np.uint8).reshape(height, width, 3)

    def decode_rows(
        self,
        model: Any,
        payloads: Callable[[int], bytes],
        width: int,
        height: int,
        quality: int,
        threads: Any = None,
        progress: Any = None,
    ) -> Iterator[tuple[int, np.ndarray]]:
        boxes = self._boxes(width, height)
        columns = -(-width // self.TILE)
        for start in range(0, len(boxes), columns):
            row = [self._decode(payloads(index), *boxes[index][2:]) for index in range(start, start + columns)]
            yield boxes[start][0], np.concatenate(row, axis=1)

    def decode_window(
        self,
        model: Any,
        payloads: Callable[[int], bytes],
        width: int,
        height: int,
        quality: int,
        box: tuple[int, int, int, int],
        threads: Any = None,
    ) -> np.ndarray:
        rows = self.decode_rows(model, payloads, width, height, quality)
        x, y, w, h = box
        return np.concatenate([strip for _, strip in rows])[y : y + h, x : x + w]

    def check_tiles(
        self, model: Any, payloads: Callable[[int], bytes], width: int, height: int, quality: int, threads: Any = None
    ) -> None:
        for index, (_, _, h, w) in enumerate(self._boxes(width, height)):
            self._decode(payloads(index), h, w)
