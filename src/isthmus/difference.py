"""A model as its difference from another: what tuning changed, in quantization steps.

Every weight is base + symbol x step, computed so that each machine gets the same bits. `docs/format.md` describes the
file, docs/adr/small-tuned-models.md what it costs and saves.
"""

from __future__ import annotations

import lzma
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]

SYMBOLS = "difference.symbols"
TABLES = "difference.tables"
DTYPES = ("int16", "int32", "float16", "float32")
MAX_SYMBOL = (1 << 15) - 1
MAX_STEP = 1 << 16
MAX_TABLE_BYTES = 1 << 24
"""64 rows of at most 65536 counts of four bytes each."""
# Symbols are noise without context; literals that depend on nothing before them are coded best.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 0, "pb": 0}]


@dataclass(frozen=True)
class Part:
    """Weights that lie one after the other and share a step.

    Attributes:
        array: name of the array of the base that holds them.
        dtype: of the weights; an ONNX graph is an array of bytes that holds some.
        offset: bytes before the first of them.
        count: how many.
        step: what a symbol of 1 adds; a whole number for integers.
    """

    array: str
    dtype: str
    offset: int
    count: int
    step: float

    def as_list(self) -> list[Any]:
        """As it stands in the file."""
        return list(asdict(self).values())

    @staticmethod
    def from_list(values: Any, base: Mapping[str, npt.NDArray[Any]]) -> Part:
        """What `as_list` gave, checked against the base's arrays.

        Raises:
            ValueError: it does not fit.
        """
        try:
            part = Part(*values)
            size = base[part.array].nbytes
            whole = type(part.offset) is int and type(part.count) is int
            fits = part.dtype in DTYPES and whole and part.offset >= 0 and part.count >= 0
            fits = fits and part.offset + part.count * np.dtype(part.dtype).itemsize <= size
            fits = fits and 0 < part.step <= MAX_STEP and (part.dtype[0] == "f" or part.step == int(part.step))
        except (TypeError, KeyError) as error:
            raise ValueError(f"a part {values} of a difference") from error
        if not fits:
            raise ValueError(f"a part {values} of a difference")
        return part

    def weights(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(count,): a copy of the weights in the array that holds them."""
        end = self.offset + np.dtype(self.dtype).itemsize * self.count
        return array.reshape(-1).view(np.uint8)[self.offset : end].copy().view(self.dtype)

    def moved(self, weights: npt.NDArray[Any], symbols: npt.NDArray[np.int16]) -> npt.NDArray[Any]:
        """(count,): weights + symbols x step, exactly alike on every machine."""
        dtype = np.dtype(self.dtype)
        if dtype.kind == "i":
            limit = np.iinfo(dtype).max
            whole = weights.astype(np.int64) + symbols.astype(np.int64) * int(self.step)
            out: npt.NDArray[Any] = np.clip(whole, -limit, limit).astype(dtype)
        else:
            out = (weights.astype(np.float32) + symbols.astype(np.float32) * np.float32(self.step)).astype(dtype)
        return out


def pack(
    parts: list[Part], symbols: list[npt.NDArray[np.int16]], tables: npt.NDArray[np.int32]
) -> tuple[Arrays, list[Any]]:
    """The arrays of the file, and the list that its metadata holds as `parts`."""
    arrays = {SYMBOLS: _compressed(_planes(np.concatenate(symbols))), TABLES: _compressed(tables)}
    return arrays, [part.as_list() for part in parts]


def restore(base: Mapping[str, npt.NDArray[Any]], arrays: Mapping[str, npt.NDArray[Any]], listed: Any) -> Arrays:
    """All arrays of the model that `pack` described.

    Args:
        base: the arrays of the model that it differs from.
        arrays: those of the file.
        listed: its metadata's `parts`.

    Raises:
        ValueError: they do not fit together.
    """
    if not isinstance(listed, list) or SYMBOLS not in arrays or TABLES not in arrays:
        raise ValueError("a difference lacks its parts")
    parts = [Part.from_list(values, base) for values in listed]
    total = sum(part.count for part in parts)
    if total > sum(array.nbytes for array in base.values()):
        raise ValueError(f"a difference of {total} weights")
    symbols = _symbols(_expanded(arrays[SYMBOLS], 2 * total))
    changed = {name: bytearray(base[name].tobytes()) for name in {part.array for part in parts}}
    begin = 0
    for part in parts:
        moved = part.moved(part.weights(base[part.array]), symbols[begin : begin + part.count])
        changed[part.array][part.offset : part.offset + moved.nbytes] = moved.tobytes()
        begin += part.count
    out = dict(base)
    for name, data in changed.items():
        out[name] = np.frombuffer(bytes(data), base[name].dtype).reshape(base[name].shape)
    out["tables"] = _expanded(arrays[TABLES], None).view(np.int32)
    return out


def _planes(symbols: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
    """(2n,): the low bytes of 0, -1, 1, -2, ... numbered 0, 1, 2, 3, ..., then the high ones, most of them zero."""
    wide = symbols.astype(np.int32)
    numbers = (wide << 1 ^ wide >> 31).astype(np.uint16)
    return np.concatenate((numbers & 255, numbers >> 8)).astype(np.uint8)


def _symbols(planes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """What `_planes` took."""
    low, high = planes.reshape(2, -1).astype(np.int32)
    numbers = high << 8 | low
    return (numbers >> 1 ^ -(numbers & 1)).astype(np.int16)


def _compressed(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(lzma.compress(values.tobytes(), lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=FILTERS), np.uint8)


def _expanded(data: npt.NDArray[Any], size: int | None) -> npt.NDArray[np.uint8]:
    """What `_compressed` took: so many bytes, or at most those of tables; no file makes it take more memory."""
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=1 << 28)
    try:
        out = decompressor.decompress(data.tobytes(), (MAX_TABLE_BYTES if size is None else size) + 1)
    except lzma.LZMAError as error:
        raise ValueError(f"a difference cannot be expanded: {error}") from error
    if not decompressor.eof or (size is None and len(out) % 4) or size not in (None, len(out)):
        raise ValueError(f"a difference of {len(out)} bytes, expected {size or 'tables'}")
    return np.frombuffer(out, np.uint8)
