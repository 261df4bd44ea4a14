"""The range coder: batches of symbols, each with the index of its table, to bytes and back.

Symbols of one batch are coded table by table (all symbols of the lowest index first), which keeps the loop over symbols
inside the coder. A symbol outside its table's range is coded as an escape, followed, after the batch, by its value.
Marks are coded by how rare they are: a digit says that, and each mark then costs what it should.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.tables import Tables
from isthmus.errors import CorruptError

ESCAPE_BITS = 12
"""An escaped symbol is written as two uniform digits of this many bits, offset to be non-negative."""
ESCAPE_LIMIT = 1 << (2 * ESCAPE_BITS - 1)
"""Symbols lie in -ESCAPE_LIMIT .. ESCAPE_LIMIT - 1."""

RARITY_BITS = 4
"""Of the digit that says how rare marks are."""

Int32 = npt.NDArray[np.int32]


def _batches(
    indices: npt.NDArray[np.uint8], kept: npt.NDArray[np.bool_] | None
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64], list[tuple[int, int, int]]]:
    """What is coded, sorted by index: its order, how often each index occurs, and (index, begin, end) of each."""
    if kept is None:
        order = np.argsort(indices, kind="stable")
        counts = np.bincount(indices, minlength=1)
    else:
        some = np.flatnonzero(kept)
        of_some = indices.take(some)
        order = some.take(np.argsort(of_some, kind="stable"))
        counts = np.bincount(of_some, minlength=1)
    spans, begin = [], 0
    for index, end in enumerate(np.cumsum(counts).tolist()):
        if end > begin:
            spans.append((index, begin, end))
            begin = end
    return order, counts, spans


def _digit(bits: int = ESCAPE_BITS) -> Any:
    import constriction

    return constriction.stream.model.Uniform(1 << bits)


@cache
def _mark(rarity: int) -> Any:
    """A mark that one in 2**rarity has."""
    import constriction

    # Dyadic probabilities are exact floats, so every machine builds the same model from them.
    return constriction.stream.model.Bernoulli(2.0**-rarity, perfect=False)


def _rarity(marked: int, count: int) -> int:
    """1 to 15, which makes so many marks of so many cheapest; 0 for none."""
    if not marked:
        return 0
    rarity = np.arange(1, 1 << RARITY_BITS)
    costs = marked * rarity - (count - marked) * np.log2(1 - 0.5**rarity)
    return int(rarity[costs.argmin()])


def _corrupt() -> CorruptError:
    return CorruptError("coded latents: the bytes are not a valid code; the file is damaged")


class SymbolEncoder:
    """Writes batches of symbols; `finish` returns the bytes."""

    def __init__(self, tables: Tables):
        import constriction

        self._tables = tables
        self._encoder = constriction.stream.queue.RangeEncoder()

    def encode_marks(self, marks: npt.NDArray[np.bool_]) -> None:
        """Appends marks (n,)."""
        rarity = _rarity(int(marks.sum()), len(marks))
        self._encoder.encode(np.array([rarity], np.int32), _digit(RARITY_BITS))
        if rarity:
            self._encoder.encode(marks.astype(np.int32), _mark(rarity))

    def encode(self, symbols: Int32, indices: npt.NDArray[np.uint8], kept: npt.NDArray[np.bool_] | None = None) -> None:
        """Appends a batch: symbols (n,) int32 and the indices (n,) uint8 of their tables.

        Args:
            kept: (n,), which symbols are coded; None for all.

        Raises:
            ValueError: a symbol is outside -2**23 .. 2**23 - 1.
        """
        order, counts, spans = _batches(indices, kept)
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

    def decode_marks(self, count: int) -> npt.NDArray[np.bool_]:
        """The next marks (count,); raises CorruptError if the bytes are not what an encoder writes."""
        try:
            marks = np.zeros(count, bool)
            for rarity in self._next(_digit(RARITY_BITS), 1).tolist():
                if rarity:
                    found = self._next(_mark(rarity), count)
                    marks[: len(found)] = found
            return marks
        except AssertionError as error:
            raise _corrupt() from error

    def decode(self, indices: npt.NDArray[np.uint8], kept: npt.NDArray[np.bool_] | None = None) -> Int32:
        """The next batch (n,) int32, for the indices (n,) uint8 of its tables.

        Args:
            kept: (n,), which symbols were coded, the others being zero; None for all.

        Raises:
            CorruptError: the bytes are not what an encoder writes.
        """
        order, counts, spans = _batches(indices, kept)
        radius = self._tables.radius[: len(counts)].repeat(counts)
        symbols = radius.astype(np.int32)
        try:
            for index, begin, end in spans:
                found = self._next(self._tables.model(index), end - begin)
                symbols[begin : begin + len(found)] = found
            symbols -= radius
            escaped = np.flatnonzero(symbols > radius)
            if len(escaped):
                digits = self._next(_digit(), 2 * len(escaped)).reshape(-1, 2)
                values = (digits[:, 0].astype(np.int64) << ESCAPE_BITS) + digits[:, 1]
                symbols[escaped] = 0
                symbols[escaped[: len(values)]] = values - ESCAPE_LIMIT
        except AssertionError as error:
            raise _corrupt() from error
        result = np.zeros(len(indices), np.int32)
        result[order] = symbols
        return result

    def _next(self, model: Any, count: int) -> Int32:
        """The next so many numbers of a model, or as many of them as are known; AssertionError if they are none."""
        numbers: Int32 = self._decoder.decode(model, count)
        return numbers

    def finished(self) -> bool:
        """False if coded symbols are certainly left."""
        return bool(self._decoder.maybe_exhausted())
