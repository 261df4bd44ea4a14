"""A delta: a model as what tuning changed in another, its base, in quantization steps.

Every weight is base + symbol x step, computed so that each machine gets the same bits. `docs/format.md` describes the
file, docs/adr/small-tuned-models.md what it costs and saves. `isthmus.train.delta` chooses the steps.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.formats import SCALES
from isthmus.coding.tables import MAX_RADIUS
from isthmus.coding.trellis import TRELLIS_TABLES

Arrays = dict[str, npt.NDArray[Any]]

SYMBOLS = "difference.symbols"
TABLES = "difference.tables"
DTYPES = ("int8", "int16", "int32", "float16", "float32")
MAX_SYMBOL = (1 << 15) - 1
MAX_STEP = 1 << 16
MAX_PARTS = 4096
MAX_TABLE_BYTES = 4 * (SCALES + TRELLIS_TABLES) * (2 * MAX_RADIUS + 3)
"""Of the largest radius for all, each table with its length before it."""
MAX_MEMORY = 1 << 28
"""Of the XZ decoder; preset 9 needs 65 MB."""
# Symbols are noise without context; literals that depend on nothing before them are coded best.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 0, "pb": 0}]


@dataclass(frozen=True)
class Part:
    """Weights that lie one after the other and share a step.

    Attributes:
        array: name of the array of the base that holds them.
        dtype: of the weights.
        offset: bytes before the first of them.
        count: how many.
        step: what a symbol of 1 adds; a whole number for integers.
    """

    array: str
    dtype: str
    offset: int
    count: int
    step: float

    @property
    def end(self) -> int:
        """Bytes to the last of them."""
        return self.offset + np.dtype(self.dtype).itemsize * self.count

    def weights(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(count,): a copy of the weights in the array that holds them."""
        return array.reshape(-1).view(np.uint8)[self.offset : self.end].copy().view(self.dtype)

    def moved(self, weights: npt.NDArray[Any], symbols: npt.NDArray[np.int16]) -> npt.NDArray[Any]:
        """(count,): weights + symbols x step, exactly alike everywhere; raises ValueError if one is not finite."""
        dtype = np.dtype(self.dtype)
        if dtype.kind == "i":
            limit = np.iinfo(dtype).max
            whole = weights.astype(np.int64) + symbols.astype(np.int64) * int(self.step)
            out: npt.NDArray[Any] = np.clip(whole, -limit, limit).astype(dtype)
            return out
        with np.errstate(all="ignore"):
            out = (weights.astype(np.float32) + symbols.astype(np.float32) * np.float32(self.step)).astype(dtype)
        if not np.isfinite(out).all():
            raise ValueError(f"weights of {self.array} that are not finite")
        return out


def pack(
    parts: list[Part], symbols: list[npt.NDArray[np.int16]], tables: npt.NDArray[np.int32]
) -> tuple[Arrays, list[Any]]:
    """The arrays of the file, and the list that its metadata holds as `parts`."""
    planes = _planes(np.concatenate(symbols))
    arrays = {SYMBOLS: _compressed(planes), TABLES: _compressed(tables.astype("<i4"))}
    return arrays, [list(astuple(part)) for part in parts]


def restore(base: Mapping[str, npt.NDArray[Any]], arrays: Mapping[str, npt.NDArray[Any]], listed: Any) -> Arrays:
    """All arrays of the model that `pack` described.

    Args:
        base: the arrays of the whole model that it changes.
        arrays: those of the file.
        listed: its metadata's `parts`.

    Raises:
        ValueError: they do not fit together.
    """
    if set(arrays) != {SYMBOLS, TABLES} or any(array.dtype != np.uint8 for array in arrays.values()):
        raise ValueError(f"a delta has the bytes {SYMBOLS} and {TABLES}, found {', '.join(sorted(arrays)[:9])}")
    parts = list(_parts(listed, base))
    symbols = _symbols(_expanded(arrays[SYMBOLS], 2 * sum(part.count for part in parts)))
    changed = {name: bytearray(base[name].tobytes()) for name in {part.array for part in parts}}
    begin = 0
    for part in parts:
        moved = part.moved(part.weights(base[part.array]), symbols[begin : begin + part.count])
        changed[part.array][part.offset : part.end] = moved.tobytes()
        begin += part.count
    out = dict(base)
    for name, data in changed.items():
        out[name] = np.frombuffer(bytes(data), base[name].dtype).reshape(base[name].shape)
    out["tables"] = _expanded(arrays[TABLES], None).view("<i4").astype(np.int32)
    return out


def _parts(listed: Any, base: Mapping[str, npt.NDArray[Any]]) -> Iterator[Part]:
    """The parts of a file's list; raises ValueError unless each lies in an array of the base, behind those before."""
    if not isinstance(listed, list) or len(listed) > MAX_PARTS:
        raise ValueError(f"a delta lists at most {MAX_PARTS} parts")
    ends: dict[str, int] = {}
    for index, values in enumerate(listed):
        try:
            part = Part(*values)
            kinds = [type(value) for value in values]
            fits = kinds[:4] == [str, str, int, int] and kinds[4] in (int, float) and part.dtype in DTYPES
            fits = fits and part.array != "tables" and part.count > 0
            fits = fits and ends.get(part.array, 0) <= part.offset and part.end <= base[part.array].nbytes
            fits = fits and 0 < part.step <= MAX_STEP and (part.dtype[0] == "f" or part.step == int(part.step))
        except (TypeError, KeyError):
            fits = False
        if not fits:
            raise ValueError(f"part {index} of a delta does not fit")
        ends[part.array] = part.end
        yield part


def _planes(symbols: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
    """(2n,): the low bytes of the symbols' numbers, then the high ones, most of them zero."""
    wide = symbols.astype(np.int32)
    numbers = (wide << 1 ^ wide >> 31).astype(np.uint16)
    return np.concatenate((numbers & 255, numbers >> 8)).astype(np.uint8)


def _symbols(planes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """What `_planes` took: numbers 0, 1, 2, 3, 4, ... stand for 0, -1, 1, -2, 2, ..."""
    low, high = planes.reshape(2, -1).astype(np.int32)
    numbers = high << 8 | low
    return (numbers >> 1 ^ -(numbers & 1)).astype(np.int16)


def _compressed(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(lzma.compress(values.tobytes(), lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=FILTERS), np.uint8)


def _expanded(data: npt.NDArray[Any], size: int | None) -> npt.NDArray[np.uint8]:
    """What `_compressed` took: so many bytes, or at most those of tables; no file makes it take more memory."""
    most = MAX_TABLE_BYTES if size is None else size
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_MEMORY)
    try:
        out = decompressor.decompress(data.tobytes(), most + 1)
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(f"a delta cannot be expanded: {error}") from error
    whole = decompressor.eof and not decompressor.unused_data
    if not whole or len(out) > most or size not in (None, len(out)):
        expected = "tables" if size is None else size
        raise ValueError(f"a delta expands to {len(out)} bytes or more, expected {expected}")
    if size is None and len(out) % 4:
        raise ValueError(f"tables of {len(out)} bytes")
    return np.frombuffer(out, np.uint8)
