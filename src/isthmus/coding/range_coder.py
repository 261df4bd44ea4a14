"""The range coder: batches of symbols, each with the row of its table, to bytes and back.

Symbols of one batch are coded row by row (all symbols of the lowest row first), which keeps the loop over symbols
inside the coder. A symbol outside its row's range is coded as an escape, followed, after the batch, by its value.
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


def _batches(rows: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.intp], list[tuple[int, int, int]]]:
    """Order that sorts by row, and (row, begin, end) of each row present in that order."""
    order = np.argsort(rows, kind="stable")
    ends = np.cumsum(np.bincount(rows, minlength=1))
    starts = np.concatenate([[0], ends[:-1]])
    spans = [(int(r), int(starts[r]), int(ends[r])) for r in np.flatnonzero(ends > starts)]
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

    def encode(self, symbols: Int32, rows: npt.NDArray[np.uint8]) -> None:
        """Appends a batch: symbols (n,) int32 and their table rows (n,) uint8.

        Raises:
            ValueError: a symbol is outside -2**23 .. 2**23 - 1.
        """
        if not len(symbols):
            return
        order, spans = _batches(rows)
        symbols = symbols[order]
        radius = self._tables.radius[rows[order]]
        escaped = np.abs(symbols.astype(np.int64)) > radius
        index = np.where(escaped, 2 * radius + 1, symbols + radius).astype(np.int32)
        for row, begin, end in spans:
            self._encoder.encode(index[begin:end], self._tables.models[row])
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
    """Reads back the batches that a `SymbolEncoder` wrote, in the same order and with the same rows."""

    def __init__(self, tables: Tables, data: bytes):
        """Raises CorruptError if data is no whole number of 32-bit words."""
        import constriction

        if len(data) % 4:
            raise CorruptError(f"coded latents: expected a multiple of 4 bytes, found {len(data)}; the file is damaged")
        self._tables = tables
        self._decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))

    def decode(self, rows: npt.NDArray[np.uint8]) -> Int32:
        """The next batch (n,) int32, for its table rows (n,) uint8.

        Raises:
            CorruptError: the bytes are not what an encoder writes.
        """
        if not len(rows):
            return np.zeros(0, np.int32)
        order, spans = _batches(rows)
        index = np.empty(len(rows), np.int32)
        try:
            for row, begin, end in spans:
                index[begin:end] = self._decoder.decode(self._tables.models[row], end - begin)
            radius = self._tables.radius[rows[order]]
            symbols = (index - radius).astype(np.int32)
            escaped = index == 2 * radius + 1
            if escaped.any():
                digits = self._decoder.decode(_digit(), 2 * int(escaped.sum())).reshape(-1, 2)
                values = (digits[:, 0].astype(np.int64) << ESCAPE_BITS) + digits[:, 1]
                symbols[escaped] = values - ESCAPE_LIMIT
        except AssertionError as error:
            raise CorruptError("coded latents: the bytes are not a valid code; the file is damaged") from error
        result = np.empty(len(rows), np.int32)
        result[order] = symbols
        return result

    def finished(self) -> bool:
        """False if coded symbols are certainly left."""
        return bool(self._decoder.maybe_exhausted())
