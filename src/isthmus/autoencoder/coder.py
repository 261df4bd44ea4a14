"""Integer tables for codes, and symbols to bytes and back with them; no float decides anything when decoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import constriction
import numpy as np
from numpy.typing import NDArray

from isthmus.errors import CorruptError, ModelError

TOTAL = 1 << 16  # counts of every table add up to this
MAX_SIZE = 4096


@dataclass(frozen=True)
class Tables:
    """One table for each code number: symbol ``low + i`` of table t has the probability ``counts_t[i] / TOTAL``.

    ``lows (T,) int32``, ``sizes (T,) int32``, and ``counts (sum of sizes,) uint16``, the tables one after another.
    """

    lows: NDArray[np.int32]
    sizes: NDArray[np.int32]
    counts: NDArray[np.uint16]

    @property
    def highs(self) -> NDArray[np.int32]:
        """The largest symbol of each table, ``(T,) int32``."""
        return self.lows + self.sizes - 1

    @cached_property
    def rows(self) -> list[NDArray[np.uint16]]:
        """The counts of each table by itself."""
        return np.split(self.counts, np.cumsum(self.sizes)[:-1])

    def check(self, tables: int) -> None:
        """Raise `ModelError` unless these are ``tables`` valid tables: they come from a file."""
        kinds = (self.lows.dtype, self.sizes.dtype, self.counts.dtype)
        if kinds != (np.int32, np.int32, np.uint16) or self.lows.shape != (tables,) or self.sizes.shape != (tables,):
            raise ModelError("the model's tables have the wrong form", expected=f"{tables} tables", got=self.lows.shape)
        sizes_fit = self.sizes.min() >= 2 and self.sizes.max() <= MAX_SIZE and self.sizes.sum() == self.counts.size
        if not sizes_fit or any(row.sum(dtype=np.int64) != TOTAL or row.min() < 1 for row in self.rows):
            raise ModelError("the model's tables contradict themselves", expected=f"counts that add up to {TOTAL}")

    def bits(self, symbols: NDArray[np.int32]) -> NDArray[np.float64]:
        """Ideal length in bits of every symbol of ``symbols (n, T)``, same shape."""
        starts = np.cumsum(self.sizes) - self.sizes
        chosen = self.counts[starts + (symbols - self.lows)]
        bits: NDArray[np.float64] = -np.log2(chosen / TOTAL)
        return bits


def tables_of_counts(columns: Sequence[tuple[int, NDArray[np.float64]]]) -> Tables:
    """Tables from the lowest symbol and the weights of each: rounded so that all are possible and the sum is exact."""
    rows = []
    for _, weights in columns:
        room = TOTAL - len(weights)
        counts = 1 + np.floor(weights / weights.sum() * room).astype(np.int64)
        counts[np.argmax(counts)] += TOTAL - counts.sum()
        rows.append(counts.astype(np.uint16))
    lows = np.array([low for low, _ in columns], dtype=np.int32)
    return Tables(lows, np.array([len(row) for row in rows], dtype=np.int32), np.concatenate(rows))


def encode_symbols(symbols: NDArray[np.int32], tables: Tables) -> bytes:
    """Bytes of ``symbols (n, T) int32``, each column with its table, one column after another."""
    encoder = constriction.stream.queue.RangeEncoder()
    for column, low, row in zip(symbols.T, tables.lows, tables.rows, strict=True):
        encoder.encode(np.ascontiguousarray(column - low, dtype=np.int32), _model(row))
    data: bytes = encoder.get_compressed().astype("<u4").tobytes()
    return data


def decode_symbols(data: bytes, count: int, tables: Tables) -> NDArray[np.int32]:
    """The symbols ``(count, T) int32`` that `encode_symbols` turned into ``data``; raises `CorruptError`."""
    if len(data) % 4:
        raise CorruptError("the payload is not whole words", expected="a multiple of 4 bytes", got=len(data))
    decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))
    out = np.empty((count, len(tables.lows)), dtype=np.int32)
    try:
        for index, (low, row) in enumerate(zip(tables.lows, tables.rows, strict=True)):
            out[:, index] = decoder.decode(_model(row), count) + low
    except AssertionError as error:  # how constriction reports bytes that no encoder writes
        raise CorruptError("the payload cannot be decoded", got=str(error)) from error
    return out


def _model(row: NDArray[np.uint16]) -> Any:
    # Multiples of 2^-16 are exact in float64, so that the coder's own integers follow from ours alone.
    return constriction.stream.model.Categorical(row / TOTAL, lazy=False, perfect=False)
