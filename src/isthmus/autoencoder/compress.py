"""Real compression: codes are quantized, entropy coded and written to a file, and read back from it.

The file; all integers are little-endian (a varint has 7 bits a byte, the lowest first, the high bit set on all but the
last byte)::

    89 49 41 45      magic
    01               version
    8 bytes          id of the model: the first bytes of the SHA-256 of its file
    varint           number of pictures
    varint           bytes of the payload
    payload          symbols as `isthmus.entropy` codes them, table by table, within a table picture by picture
    4 bytes          CRC-32 of everything before
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.autoencoder import storage
from isthmus.autoencoder.estimator import Autoencoder
from isthmus.coding.range_coder import SymbolDecoder, SymbolEncoder
from isthmus.coding.tables import TOTAL, Tables, counts_from_frequencies
from isthmus.errors import (
    CorruptError,
    InputError,
    LimitExceededError,
    ModelError,
    NotIsthmusError,
    TooNewError,
    TruncatedError,
    UnknownModelError,
)
from isthmus.files import read_capped, write_atomic

MAGIC = b"\x89IAE"
VERSION = 1
HEAD = struct.Struct("<4sB8s")
CRC = struct.Struct("<I")
MAX_NUMBERS = 1 << 28  # codes or pixels of one file: a gigabyte of float32
MAX_FILE_BYTES = 1 << 30

PROBE_ROWS = 256  # pictures that the decoder's sensitivity is measured on
FIT_ROWS = 10_000  # pictures that the tables are counted on
MSE_SHARE = 0.05  # of the model's own error that quantizing may add, where no step is given
PRIOR_COUNTS = 32.0  # pseudo-pictures of a smooth distribution mixed into the counts
MAX_RADIUS = 500  # symbols to each side of the mean, far beyond any useful step
MAX_TABLES = 256  # the coder names a table with one byte; longer codes share tables between numbers of like spread
ESCAPE_COST_BITS = 24  # what the coder writes after an escape
SYMBOL_LIMIT = (1 << 23) - 1  # of the coder


@dataclass(frozen=True)
class Compressor:
    """A fitted `Autoencoder` with what turns its codes into bytes: a step for every code number, and its table.

    ``centers`` and ``steps`` are ``(code_size,) float64``: symbol = round((code - center) / step). ``rows``
    ``(code_size,) uint8`` names the table of each code number.
    """

    model: Autoencoder
    centers: NDArray[np.float64]
    steps: NDArray[np.float64]
    rows: NDArray[np.uint8]
    tables: Tables

    @classmethod
    def fit(cls, model: Autoencoder, X: ArrayLike, step: float | None = None) -> Self:
        """Choose steps and count tables on training samples ``(n, ...)``.

        ``step`` is the change, root mean square over the sample in units of the data, that one step of any single code
        number makes: sensitive numbers get fine steps. Quantizing then adds about code_size * step^2 / 12 to the mean
        squared error; without a ``step`` that is a twentieth of the model's own error.
        """
        samples = np.asarray(X)
        samples = samples[:: -(-len(samples) // FIT_ROWS)]
        codes = model.transform(samples).astype(np.float64)
        if step is None:
            step = default_step(model, samples)
        if not step > 0:
            raise InputError("step is too small", expected="a number above 0", got=step)
        centers, spread = codes.mean(axis=0), np.ptp(codes, axis=0)
        steps = step / np.maximum(_sensitivity(model, codes), 1e-12)
        # A number that never moves, or never matters, gets a step so wide that its symbol is always 0.
        steps = np.clip(steps, np.maximum(spread / MAX_RADIUS, 1e-6), np.maximum(4 * spread, 1e-3))
        symbols = np.rint((codes - centers) / steps).astype(np.int32)
        rows = _share_tables(symbols)
        return cls(model, centers, steps, rows, _count_tables(symbols, rows))

    @cached_property
    def id(self) -> bytes:
        """The 8 bytes by which files name this model: the beginning of the SHA-256 of `to_bytes`."""
        return storage.file_id(self.to_bytes())

    def to_bytes(self) -> bytes:
        """The model's file: the estimator's, with the quantizer's tensors added."""
        return storage.to_bytes(
            self.model,
            {
                "quantizer.centers": self.centers,
                "quantizer.steps": self.steps,
                "quantizer.rows": self.rows,
                "quantizer.tables": self.tables.pack().astype(np.uint16),
            },
        )

    def save(self, path: str | Path) -> int:
        """Write the model's file, which `Autoencoder.load` reads too, and return its size in bytes."""
        return write_atomic(Path(path), self.to_bytes(), force=True)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file that `save` wrote; raises `ModelError` when it holds no quantizer."""
        model = Autoencoder()
        tensors = storage.load_into(model, Path(path))
        size = model.network_.spec.code_size
        try:
            centers, steps, rows = (tensors[f"quantizer.{name}"] for name in ("centers", "steps", "rows"))
            tables = Tables.unpack(tensors["quantizer.tables"].astype(np.int64))
        except KeyError as error:
            raise ModelError(f"{path} has no quantizer", hint="Save it with Compressor.fit(model, X).save.") from error
        except ValueError as error:
            raise ModelError(f"{path} has damaged tables", got=str(error)) from error
        shapes = (centers.shape, steps.shape, rows.shape)
        if shapes != ((size,),) * 3 or rows.dtype != np.uint8 or rows.max() >= len(tables) or not np.all(steps > 0):
            raise ModelError(f"{path} has a quantizer for another network", expected=f"{size} numbers", got=shapes)
        return cls(model, centers, steps, rows, tables)

    def symbols(self, X: ArrayLike) -> NDArray[np.int32]:
        """Quantized codes ``(n, code_size) int32`` of samples ``(n, ...)``."""
        codes = self.model.transform(X).astype(np.float64)
        wanted = np.rint((codes - self.centers) / self.steps)
        return np.clip(wanted, -SYMBOL_LIMIT, SYMBOL_LIMIT).astype(np.int32)

    def samples(self, symbols: NDArray[np.int32]) -> NDArray[Any]:
        """Samples ``(n, ...)`` decoded from quantized codes ``(n, code_size)``; 8-bit where the training data was."""
        return self.model.as_pictures(self.model.inverse_transform(symbols * self.steps + self.centers))

    def code_bits(self, X: ArrayLike) -> NDArray[np.float64]:
        """Ideal code length of each sample in bits ``(n,)``: minus the log2 of its symbols' probabilities."""
        symbols, costs = self.symbols(X), self.tables.bits
        most = costs.shape[1] // 2
        bits = costs[self.rows, np.clip(symbols, -most, most) + most].astype(np.float64)
        # Past the longest table every symbol is an escape, which is what a symbol past its own table costs too.
        escape = np.log2([TOTAL / counts[-1] for counts in self.tables.counts]) + ESCAPE_COST_BITS
        total: NDArray[np.float64] = np.where(np.abs(symbols) > most, escape[self.rows], bits).sum(axis=1)
        return total

    def compress(self, X: ArrayLike) -> bytes:
        """All samples ``(n, ...)`` as the bytes of one file."""
        symbols = self.symbols(X)
        payload = self._encode(symbols)
        if not np.array_equal(self._decode(payload, len(symbols)), symbols):
            raise AssertionError("the entropy coder did not return what it was given")
        body = HEAD.pack(MAGIC, VERSION, self.id) + _varint(len(symbols)) + _varint(len(payload)) + payload
        return body + CRC.pack(zlib.crc32(body))

    def expand(self, data: bytes) -> NDArray[Any]:
        """Samples ``(n, ...)`` from the bytes of a file.

        Raises `NotIsthmusError`, `TooNewError`, `TruncatedError`, `CorruptError`, `UnknownModelError` (the file was
        written with another model) or `LimitExceededError`.
        """
        spec = self.model.network_.spec
        count, payload = _parse(data, self.id, max(spec.code_size, spec.features))
        return self.samples(self._decode(payload, count))

    def _encode(self, symbols: NDArray[np.int32]) -> bytes:
        encoder = SymbolEncoder(self.tables)
        encoder.encode(symbols.reshape(-1), np.tile(self.rows, len(symbols)))
        return encoder.finish()

    def _decode(self, payload: bytes, count: int) -> NDArray[np.int32]:
        decoder = SymbolDecoder(self.tables, payload)
        symbols = decoder.decode(np.tile(self.rows, count)).reshape(count, len(self.rows))
        if not decoder.finished():
            raise CorruptError("symbols are left in the payload", expected=f"{count} pictures", got="more")
        return symbols

    def compress_to_file(self, X: ArrayLike, path: str | Path) -> int:
        """Write `compress` to a file and return its size in bytes."""
        return write_atomic(Path(path), self.compress(X), force=True)

    def expand_file(self, path: str | Path) -> NDArray[Any]:
        """Read a file that `compress_to_file` wrote."""
        with Path(path).open("rb") as stream:
            return self.expand(read_capped(stream, MAX_FILE_BYTES, str(path)))


def default_step(model: Autoencoder, X: ArrayLike) -> float:
    """The step at which quantizing adds a twentieth to the model's mean squared error on samples ``(n, ...)``."""
    return float(np.sqrt(12 * MSE_SHARE * -model.score(X) / model.network_.spec.code_size))


def _sensitivity(model: Autoencoder, codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square change of a decoded sample per unit of each code number ``(code_size,)``: finite differences."""
    probes = codes[:: -(-len(codes) // PROBE_ROWS)]
    plain = model.inverse_transform(probes)
    nudges = np.maximum(0.25 * codes.std(axis=0), 1e-3)
    change = np.empty(len(nudges))
    for index, nudge in enumerate(nudges):
        moved = probes.copy()
        moved[:, index] += nudge
        change[index] = np.sqrt(np.mean((model.inverse_transform(moved) - plain) ** 2, dtype=np.float64)) / nudge
    return change


def _share_tables(symbols: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The table of each column of ``symbols (n, code_size)``: its own, or one for several columns of like spread."""
    size = symbols.shape[1]
    if size <= MAX_TABLES:
        return np.arange(size, dtype=np.uint8)
    rank = np.argsort(np.argsort(symbols.std(axis=0), kind="stable"), kind="stable")
    rows: NDArray[np.uint8] = (rank * MAX_TABLES // size).astype(np.uint8)
    return rows


def _count_tables(symbols: NDArray[np.int32], rows: NDArray[np.uint8]) -> Tables:
    """Count the symbols of each table, mixed with a normal distribution for what was seldom or never seen."""
    counts = []
    for row in range(int(rows.max()) + 1):
        column = symbols[:, rows == row].reshape(-1)
        radius = 1 + int(np.abs(column).max()) * 5 // 4
        seen = np.bincount(column + radius, minlength=2 * radius + 1).astype(np.float64)
        grid = np.arange(-radius, radius + 1)
        deviation = max(float(column.std()), 0.5)
        smooth = np.exp(-0.5 * ((grid - column.mean()) / deviation) ** 2)
        counts.append(counts_from_frequencies(np.append(seen + PRIOR_COUNTS * smooth / smooth.sum(), 0.0)))
    return Tables(counts)


def _parse(data: bytes, model_id: bytes, numbers: int) -> tuple[int, bytes]:
    if data[:4] != MAGIC:
        raise NotIsthmusError("not a file of codes", expected=MAGIC.hex(" "), got=data[:4].hex(" "))
    if len(data) < HEAD.size:
        raise TruncatedError("the file ends in its header", expected=f"{HEAD.size} bytes", got=len(data))
    _, version, found_id = HEAD.unpack_from(data)
    if version != VERSION:
        raise TooNewError("unknown version", expected=VERSION, got=version, hint="Update isthmus.")
    count, position = _read_varint(data, HEAD.size)
    length, position = _read_varint(data, position)
    expected = position + length + CRC.size
    if len(data) < expected:
        raise TruncatedError("the file ends too early", expected=f"{expected} bytes", got=len(data))
    if len(data) > expected:
        raise CorruptError("the file does not end where it should", expected=f"{expected} bytes", got=len(data))
    if zlib.crc32(data[: -CRC.size]) != CRC.unpack(data[-CRC.size :])[0]:
        raise CorruptError("the checksum does not fit", got="damaged bytes")
    if found_id != model_id:
        raise UnknownModelError(
            "written with another model",
            expected=model_id.hex(),
            got=found_id.hex(),
            hint="Give the model that wrote it.",
        )
    if count * numbers > MAX_NUMBERS:
        raise LimitExceededError("too many pictures", expected=f"at most {MAX_NUMBERS // numbers}", got=count)
    return count, data[position : position + length]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 35, 7):  # five bytes hold any 32-bit number
        if position >= len(data):
            raise TruncatedError("the file ends in its header")
        number |= (data[position] & 0x7F) << shift
        position += 1
        if data[position - 1] < 0x80:
            return number, position
    raise CorruptError("a length in the header is too long", expected="at most 5 bytes")
