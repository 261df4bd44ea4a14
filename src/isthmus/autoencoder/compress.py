"""Real compression: codes are quantized, entropy coded and written to a file, and read back from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.autoencoder import storage
from isthmus.autoencoder.codes import frame, parse
from isthmus.autoencoder.estimator import Autoencoder
from isthmus.autoencoder.quantizer import count_tables, default_step, sensitivity, share_tables
from isthmus.coding.range_coder import SymbolDecoder, SymbolEncoder
from isthmus.coding.tables import TOTAL, Tables
from isthmus.errors import CorruptError, InputError, ModelError
from isthmus.files import read_capped, write_atomic

MAX_FILE_BYTES = 1 << 30
FIT_ROWS = 10_000  # pictures that the tables are counted on
MAX_RADIUS = 500  # symbols to each side of the mean, far beyond any useful step
ESCAPE_COST_BITS = 24  # what the coder writes after an escape
SYMBOL_LIMIT = (1 << 23) - 1  # of the coder


@dataclass(frozen=True)
class Compressor:
    """A fitted `Autoencoder` with what turns its codes into bytes: a step for every code number, and its table.

    ``model`` is the autoencoder. ``centers`` and ``steps`` are ``(code_size,) float64``: symbol = round((code - center)
    / step). ``rows`` ``(code_size,) uint8`` names the table of each code number among ``tables``.
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
        steps = step / np.maximum(sensitivity(model, codes), 1e-12)
        # A number that never moves, or never matters, gets a step so wide that its symbol is always 0.
        steps = np.clip(steps, np.maximum(spread / MAX_RADIUS, 1e-6), np.maximum(4 * spread, 1e-3))
        symbols = np.rint((codes - centers) / steps).astype(np.int32)
        rows = share_tables(symbols)
        return cls(model, centers, steps, rows, count_tables(symbols, rows))

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
        return frame(self.id, len(symbols), payload)

    def expand(self, data: bytes) -> NDArray[Any]:
        """Samples ``(n, ...)`` from the bytes of a file.

        Raises `NotIsthmusError`, `TooNewError`, `TruncatedError`, `CorruptError`, `UnknownModelError` (the file was
        written with another model) or `LimitExceededError`.
        """
        spec = self.model.network_.spec
        count, payload = parse(data, self.id, max(spec.code_size, spec.features))
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
