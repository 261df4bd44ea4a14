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


def _batches(
    indices: npt.NDArray[np.uint8], least: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64], list[tuple[int, int, int]]]:
    """What is coded, sorted by index: its order, how often each index occurs, and (index, begin, end) of each."""
    if least:
        some = np.flatnonzero(indices >= least)
        order = some.take(np.argsort(indices.take(some), kind="stable"))
    else:
        order = np.argsort(indices, kind="stable")
    counts = np.bincount(indices, minlength=1)
    counts[:least] = 0
    spans, begin = [], 0
    for index, end in enumerate(np.cumsum(counts).tolist()):
        if end > begin:
            spans.append((index, begin, end))
            begin = end
    return order, counts, spans


def _digit() -> Any:
    import constriction

    return constriction.stream.model.Uniform(1 << ESCAPE_BITS)


class SymbolEncoder:
    """Writes batches of symbols; `finish` returns the bytes."""

    def __init__(self, tables: Tables):
        import constriction

        self._tables = tables
        self._encoder = constriction.stream.queue.RangeEncoder()

    def encode(self, symbols: Int32, indices: npt.NDArray[np.uint8], least: int = 0) -> None:
        """Appends a batch: symbols (n,) int32 and the indices (n,) uint8 of their tables.

        Args:
            least: symbols of tables below this one are left out.

        Raises:
            ValueError: a symbol is outside -2**23 .. 2**23 - 1.
        """
        order, counts, spans = _batches(indices, least)
        symbols = symbols.take(order)
        radius = self._tables.radius[: len(counts)].repeat(counts)
        coded = symbols + radius
        # Beyond its radius on either side: negative numbers are the largest of all without a sign.
        escaped = coded.view(np.uint32) > (2 * radius).view(np.uint32)
        any_escaped = bool(escaped.any())
        if any_escaped:
            coded[escaped] = 2 * radius[escaped] + 1
        for index, begin, end in spans:
            self._encoder.encode(coded[begin:end], self._tables.model(index))
        if any_escaped:
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

    def decode(self, indices: npt.NDArray[np.uint8], least: int = 0) -> Int32:
        """The next batch (n,) int32, for the indices (n,) uint8 of its tables.

        Args:
            least: symbols of tables below this one were left out, and are zero.

        Raises:
            CorruptError: the bytes are not what an encoder writes.
        """
        order, counts, spans = _batches(indices, least)
        symbols = np.empty(len(order), np.int32)
        try:
            for index, begin, end in spans:
                symbols[begin:end] = self._decoder.decode(self._tables.model(index), end - begin)
            radius = self._tables.radius[: len(counts)].repeat(counts)
            symbols -= radius
            escaped = np.flatnonzero(symbols > radius)
            if len(escaped):
                digits = self._decoder.decode(_digit(), 2 * len(escaped)).reshape(-1, 2)
                values = (digits[:, 0].astype(np.int64) << ESCAPE_BITS) + digits[:, 1]
                symbols[escaped] = values - ESCAPE_LIMIT
        except AssertionError as error:
            raise CorruptError("coded latents: the bytes are not a valid code; the file is damaged") from error
        result = np.zeros(len(indices), np.int32)
        result[order] = symbols
        return result

    def finished(self) -> bool:
        """False if coded symbols are certainly left."""
        return bool(self._decoder.maybe_exhausted())
