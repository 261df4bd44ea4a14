"""Real compression: codes are quantized, entropy coded and written to a file, and read back from it.

The file, all integers little-endian (varint: 7 bits a byte, least significant first, high bit set on all but the last)::

    89 49 41 45      magic
    01               version
    8 bytes          id of the model: the first bytes of the SHA-256 of its file
    varint           number of pictures
    varint           bytes of the payload
    payload          range-coded symbols, one code number of all pictures after another, each with its own integer table
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
from isthmus.autoencoder.coder import Tables, decode_symbols, encode_symbols, tables_of_counts
from isthmus.autoencoder.estimator import Autoencoder
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
from isthmus.files import atomic_output, read_capped

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


@dataclass(frozen=True)
class Compressor:
    """A fitted `Autoencoder` with what turns its codes into bytes: a step for every code number, and its table.

    ``centers`` and ``steps`` are ``(code_size,) float64``: symbol = round((code - center) / step).
    """

    model: Autoencoder
    centers: NDArray[np.float64]
    steps: NDArray[np.float64]
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
        size = codes.shape[1]
        if step is None:
            step = float(np.sqrt(12 * MSE_SHARE * -model.score(samples) / size))
        if not step > 0:
            raise InputError("step is too small", expected="a number above 0", got=step)
        centers, spread = codes.mean(axis=0), np.ptp(codes, axis=0)
        steps = step / np.maximum(_sensitivity(model, codes), 1e-12)
        # A number that never moves, or never matters, gets a step so wide that its symbol is always 0.
        steps = np.clip(steps, np.maximum(spread / MAX_RADIUS, 1e-6), np.maximum(4 * spread, 1e-3))
        symbols = np.rint((codes - centers) / steps).astype(np.int32)
        return cls(model, centers, steps, _count_tables(symbols))

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
                "quantizer.lows": self.tables.lows,
                "quantizer.sizes": self.tables.sizes,
                "quantizer.counts": self.tables.counts,
            },
        )

    def save(self, path: str | Path) -> int:
        """Write the model's file, which `Autoencoder.load` reads too, and return its size in bytes."""
        data = self.to_bytes()
        with atomic_output(Path(path), force=True) as stream:
            stream.write(data)
        return len(data)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file that `save` wrote; raises `ModelError` when it holds no quantizer."""
        model = Autoencoder()
        tensors = storage.load_into(model, Path(path))
        try:
            tables = Tables(*(tensors[f"quantizer.{name}"] for name in ("lows", "sizes", "counts")))
            compressor = cls(model, tensors["quantizer.centers"], tensors["quantizer.steps"], tables)
        except KeyError as error:
            raise ModelError(f"{path} has no quantizer", hint="Save it with Compressor.fit(model, X).save.") from error
        tables.check(model.network_.spec.code_size)
        return compressor

    def symbols(self, X: ArrayLike) -> NDArray[np.int32]:
        """Quantized codes ``(n, code_size) int32`` of samples ``(n, ...)``, clipped to what the tables can say."""
        codes = self.model.transform(X).astype(np.float64)
        wanted = np.rint((codes - self.centers) / self.steps)
        clipped: NDArray[np.int32] = np.clip(wanted, self.tables.lows, self.tables.highs).astype(np.int32)
        return clipped

    def samples(self, symbols: NDArray[np.int32]) -> NDArray[Any]:
        """Samples ``(n, ...)`` decoded from quantized codes ``(n, code_size)``; 8-bit where the training data was."""
        return self.model.as_pictures(self.model.inverse_transform(symbols * self.steps + self.centers))

    def code_bits(self, X: ArrayLike) -> NDArray[np.float64]:
        """Ideal code length of each sample in bits ``(n,)``: minus the log2 of its symbols' probabilities."""
        bits: NDArray[np.float64] = self.tables.bits(self.symbols(X)).sum(axis=1)
        return bits

    def compress(self, X: ArrayLike) -> bytes:
        """All samples ``(n, ...)`` as the bytes of one file."""
        symbols = self.symbols(X)
        payload = encode_symbols(symbols, self.tables)
        if not np.array_equal(decode_symbols(payload, len(symbols), self.tables), symbols):
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
        return self.samples(decode_symbols(payload, count, self.tables))

    def compress_to_file(self, X: ArrayLike, path: str | Path) -> int:
        """Write `compress` to a file and return its size in bytes."""
        data = self.compress(X)
        with atomic_output(Path(path), force=True) as stream:
            stream.write(data)
        return len(data)

    def expand_file(self, path: str | Path) -> NDArray[Any]:
        """Read a file that `compress_to_file` wrote."""
        with Path(path).open("rb") as stream:
            return self.expand(read_capped(stream, MAX_FILE_BYTES, str(path)))


def _sensitivity(model: Autoencoder, codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square change of a decoded sample per unit of each code number, ``(code_size,)``, by finite differences."""
    probes = codes[:: -(-len(codes) // PROBE_ROWS)]
    plain = model.inverse_transform(probes)
    nudges = np.maximum(0.25 * codes.std(axis=0), 1e-3)
    change = np.empty(len(nudges))
    for index, nudge in enumerate(nudges):
        moved = probes.copy()
        moved[:, index] += nudge
        change[index] = np.sqrt(np.mean((model.inverse_transform(moved) - plain) ** 2, dtype=np.float64)) / nudge
    return change


def _count_tables(symbols: NDArray[np.int32]) -> Tables:
    """Count each column of ``symbols (n, code_size)``, mixed with a normal distribution for what was seldom or never seen."""
    columns = []
    for column in symbols.T:
        low, high = int(column.min()), int(column.max())
        margin = 2 + (high - low) // 4
        low, high = low - margin, high + margin
        seen = np.bincount(column - low, minlength=high - low + 1).astype(np.float64)
        grid = np.arange(low, high + 1)
        deviation = max(float(column.std()), 0.5)
        smooth = np.exp(-0.5 * ((grid - column.mean()) / deviation) ** 2)
        columns.append((low, seen + PRIOR_COUNTS * smooth / smooth.sum()))
    return tables_of_counts(columns)


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
            "written with another model", expected=model_id.hex(), got=found_id.hex(), hint="Give the model that wrote it."
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
