"""The range coder: batches of symbols, each with the index of its table, to bytes and back.

Symbols of one batch are coded table by table (all symbols of the lowest index first), which keeps the loop over symbols
inside the coder. A symbol outside its table's range is coded as an escape, followed, after the batch, by its value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.tables import Tables
from isthmus.errors import CorruptError

ESCAPE_BITS = 12
"""An escaped symbol is written as two uniform digits of this many bits, offset to be non-negative."""
ESCAPE_LIMIT = 1 << (2 * ESCAPE_BITS - 1)
"""Symbols lie in -ESCAPE_LIMIT .. ESCAPE_LIMIT - 1."""

Int32 = npt.NDArray[np.int32]


def _batches(indices: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.intp], list[tuple[int, int, int]]]:
    """Order that sorts by index, and (index, begin, end) of each index present in that order."""
    order = np.argsort(indices, kind="stable")
    ends = np.cumsum(np.bincount(indices, minlength=1))
    starts = np.concatenate([[0], ends[:-1]])
    spans = [(int(k), int(starts[k]), int(ends[k])) for k in np.flatnonzero(ends > starts)]
    return order, spans


def _digit() -> Any:
    import constriction

    return constriction.stream.model.Uniform(1 << ESCAPE_BITS)


class SymbolEncoder:
    """Writes batches of symbols; `finish` returns the bytes."""

    def __init__(self, tables: Tables):
        import constriction

        self._tables = tables
        self._encoder = constriction.stream.queue.RangeEncoder()

    def encode(self, symbols: Int32, indices: npt.NDArray[np.uint8]) -> None:
        """Appends a batch: symbols (n,) int32 and the indices (n,) uint8 of their tables.

        Raises:
            ValueError: a symbol is outside -2**23 .. 2**23 - 1.
        """
        if not len(symbols):
            return
        order, spans = _batches(indices)
        symbols = symbols[order]
        radius = self._tables.radius[indices[order]]
        escaped = np.abs(symbols.astype(np.int64)) > radius
        coded = np.where(escaped, 2 * radius + 1, symbols + radius).astype(np.int32)
        for index, begin, end in spans:
            self._encoder.encode(coded[begin:end], self._tables.models[index])
        if escaped.any():
            values = symbols[escaped].astype(np.int64) + ESCAPE_LIMIT
            if values.min() < 0 or values.max() >= 2 * ESCAPE_LIMIT:
                raise ValueError(f"symbols must lie within +-{ESCAPE_LIMIT}")
            digits = np.stack([values >> ESCAPE_BITS, values & ((1 << ESCAPE_BITS) - 1)], 1)
            self._encoder.encode(digits.reshape(-1).astype(np.int32), _digit())

    def finish(self) -> bytes:
        """The bytes of everything encoded so far."""
        words: npt.NDArray[np.uint32] = self._encoder.get_compressed()
        return words.astype("<u4").tobytes()


class SymbolDecoder:
    """Reads back the batches that a `SymbolEncoder` wrote, in the same order and with the same indices."""

    def __init__(self, tables: Tables, data: bytes):
        """Raises CorruptError if data is no whole number of 32-bit words."""
        import constriction

        if len(data) % 4:
            raise CorruptError(f"coded latents: expected a multiple of 4 bytes, found {len(data)}; the file is damaged")
        self._tables = tables
        self._decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))

    def decode(self, indices: npt.NDArray[np.uint8]) -> Int32:
        """The next batch (n,) int32, for the indices (n,) uint8 of its tables.

        Raises:
            CorruptError: the bytes are not what an encoder writes.
        """
        if not len(indices):
            return np.zeros(0, np.int32)
        order, spans = _batches(indices)
        coded = np.empty(len(indices), np.int32)
        try:
            for index, begin, end in spans:
                coded[begin:end] = self._decoder.decode(self._tables.models[index], end - begin)
            radius = self._tables.radius[indices[order]]
            symbols = (coded - radius).astype(np.int32)
            escaped = coded == 2 * radius + 1
            if escaped.any():
                digits = self._decoder.decode(_digit(), 2 * int(escaped.sum())).reshape(-1, 2)
                values = (digits[:, 0].astype(np.int64) << ESCAPE_BITS) + digits[:, 1]
                symbols[escaped] = values - ESCAPE_LIMIT
        except AssertionError as error:
            raise CorruptError("coded latents: the bytes are not a valid code; the file is damaged") from error
        result = np.empty(len(indices), np.int32)
        result[order] = symbols
        return result

    def finished(self) -> bool:
        """False if coded symbols are certainly left."""
        return bool(self._decoder.maybe_exhausted())
