"""Latents of one tile to its payload and back: the choice of symbols, their coding, and the check that they came back.

payload = CRC-32 of the decoded latents (4 bytes), number of silent rows (1 byte), range-coded words
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from isthmus.coding.fixed_point import MEAN_STEPS, ROWS, Float64, Rows
from isthmus.coding.range_coder import SymbolDecoder, SymbolEncoder
from isthmus.errors import CorruptError, SelfCheckError
from isthmus.image.coders.masking import visibility
from isthmus.model.file import Model

Float32 = npt.NDArray[np.float32]
Index = npt.NDArray[np.intp]

RDOQ_WEIGHT = 28.0
"""Bits that a squared error of one step, of the channel's own, is worth to the encoder when it chooses between two
symbols, where nothing hides the error: three to ten in texture (`isthmus.image.coders.masking`)."""
SILENT_ROWS = 4
"""Symbols of the lowest rows are almost surely zero, and most symbols are theirs: not coded where that pays."""
LOST_BITS, LOST_SHARE = 100.0, 0.005
"""Silent rows are given up where they have lost this much in one 16x16 block after any pass, or in the end this share
of the whole tile."""
CHECK_BYTES = 4
PREFIX_BYTES = CHECK_BYTES + 1


class _TooMuchHidden(Exception):
    """The silent rows would lose so much in one place that there is no need to look at the rest of the tile."""


class Quantizer:
    """Chooses the symbols of one tile, pass by pass, by rate and distortion, and codes them.

    Args:
        y: latents (h, w, C) in steps.
        quality: 0..10000.
        silent: rows below this are not coded; their symbols are zero.
    """

    def __init__(self, model: Model, y: Float32, quality: int, silent: int = SILENT_ROWS):
        self._y = y.reshape(-1, y.shape[2]).astype(np.float64)
        visible = visibility(y, model.steps(quality), float(model.nominal_step(quality)[0]))
        self._weight = RDOQ_WEIGHT * visible.reshape(-1)
        self._encoder = SymbolEncoder(model.tables)
        self._bits = model.tables.bits
        self._radius = self._bits.shape[1] // 2
        self._zero_bits = self._bits[:, self._radius]
        self._silent = silent
        self.spent = np.zeros(len(self._y))
        """Bits by position, by the tables."""
        self.lost = np.zeros(len(self._y))
        """Bits, by position, that coding the silent rows would have been worth, less what it would have cost."""

    def __call__(self, channels: slice, at: Index, means: Float64, rows: Rows) -> Float64:
        """Codes one pass; see `isthmus.coding.fixed_point.Code`.

        Raises:
            _TooMuchHidden: there are silent rows, and they will not do.
        """
        x = self._y[at, channels] - means
        symbols = np.rint(x)
        bits = self._zero_bits[rows]
        # Most symbols are zero already, and there is nothing to choose.
        some = np.nonzero(symbols)
        weight = self._weight[at][some[0]]
        symbols[some], bits[some] = self._chosen(x[some], symbols[some], rows[some], weight)
        silent = rows < self._silent
        if silent.any():
            hidden = silent[some]
            where = (some[0][hidden], some[1][hidden])
            worth = np.where(silent, -bits, np.float32(0))
            worth[where] += weight[hidden] * (x[where] ** 2 - (x[where] - symbols[where]) ** 2)
            self.lost[at] += worth.sum(1)
            # Most tiles that show this do so in the first passes. Silent zeros of later ones win back a bit or two.
            if self.lost[at].max() > LOST_BITS:
                raise _TooMuchHidden
            symbols[silent] = 0
            bits[silent] = 0
        self.spent[at] += bits.sum(1)
        coded = ~silent.T
        # Every channel in turn: neighbours in the picture stay neighbours in the stream.
        self._encoder.encode(symbols.T[coded].astype(np.int32), rows.T[coded])
        return np.asarray(symbols + means)

    def _chosen(self, x: Float64, symbols: Float64, rows: Rows, weight: Float64) -> tuple[Float64, Float32]:
        """The better of each symbol and the next one towards zero, and its bits; all (n,), none of the symbols 0."""
        smaller = symbols - np.sign(symbols)
        before, after = self._cost(symbols, rows), self._cost(smaller, rows)
        better = before - after > weight * ((x - smaller) ** 2 - (x - symbols) ** 2)
        return np.where(better, smaller, symbols), np.where(better, after, before)

    def _cost(self, symbols: Float64, rows: Rows) -> Float32:
        index = np.clip(symbols, -self._radius, self._radius).astype(np.int64) + self._radius
        return np.asarray(self._bits[rows, index])

    def hides_everywhere(self) -> bool:
        """True if the silent rows hide a little everywhere of what should be seen."""
        return bool(self.lost.sum() > LOST_SHARE * self.spent.sum())

    def finish(self) -> bytes:
        """The coded words and the byte before them."""
        return bytes([self._silent]) + self._encoder.finish()


class _Reader:
    """Decodes the symbols of one tile, pass by pass."""

    def __init__(self, model: Model, payload: bytes):
        if len(payload) < PREFIX_BYTES:
            raise CorruptError("a tile is too short", expected=f"at least {PREFIX_BYTES} bytes", got=len(payload))
        self._silent = payload[CHECK_BYTES]
        if self._silent > ROWS:
            raise CorruptError("a tile's number of silent rows", expected=f"at most {ROWS}", got=self._silent)
        self._decoder = SymbolDecoder(model.tables, payload[PREFIX_BYTES:])

    def __call__(self, channels: slice, at: Index, means: Float64, rows: Rows) -> Float64:
        """Decodes one pass; see `isthmus.coding.fixed_point.Code`."""
        coded = self._silent <= rows.T
        symbols = np.zeros(coded.shape)
        symbols[coded] = self._decoder.decode(rows.T[coded])
        return np.asarray(symbols.T + means)

    def finished(self) -> bool:
        return self._decoder.finished()


def _check(decoded: Float64) -> bytes:
    sixteenths = (decoded * MEAN_STEPS).astype("<i4")
    return zlib.crc32(sixteenths.tobytes()).to_bytes(CHECK_BYTES, "little")


def decode_latents(model: Model, payload: bytes, height: int, width: int, quality: int) -> Float32:
    """Latents (h, w, C) float32 in steps from a tile's payload; the same on every machine.

    Raises:
        CorruptError: the payload is not one that an encoder writes.
    """
    reader = _Reader(model, payload)
    decoded = model.context.walk(height, width, quality, reader)
    check = _check(decoded)
    if check != payload[:CHECK_BYTES] or not reader.finished():
        raise CorruptError(
            "a tile's latents do not match their checksum",
            expected=payload[:CHECK_BYTES].hex(),
            got=check.hex(),
            hint="The file is damaged, or was written by a faulty encoder.",
        )
    return decoded.reshape(height, width, -1).astype(np.float32)


def decode_dc(model: Model, payload: bytes, height: int, width: int, quality: int) -> Float32:
    """The DC latents alone, (h, w, 3) float32 in steps: they come first, and the rest of the payload stays unread.

    The payload's own checksum covers all latents and so cannot be checked here; the chunk's CRC-32 was.

    Raises:
        CorruptError: the payload is not one that an encoder writes.
    """
    decoded = model.context.walk_dc(height, width, quality, _Reader(model, payload))
    return decoded.reshape(height, width, -1).astype(np.float32)


def _choose(model: Model, y: Float32, quality: int) -> tuple[Quantizer, Float64]:
    height, width, _ = y.shape
    quantizer = Quantizer(model, y, quality)
    try:
        decoded = model.context.walk(height, width, quality, quantizer)
        if not quantizer.hides_everywhere():
            return quantizer, decoded
    except _TooMuchHidden:
        pass
    # An unusual picture: what the silent rows would hide is worth its bits.
    quantizer = Quantizer(model, y, quality, silent=0)
    return quantizer, model.context.walk(height, width, quality, quantizer)


def quantized_latents(model: Model, y: Float32, quality: int) -> Float32:
    """What the decoder would get for latents (h, w, C) in steps; nothing is written."""
    return _choose(model, y, quality)[1].reshape(y.shape).astype(np.float32)


def encode_latents(model: Model, y: Float32, quality: int) -> tuple[bytes, npt.NDArray[np.float64]]:
    """A tile's payload from its latents (h, w, C) in steps, and the bits spent at each position (h, w).

    The payload is decoded again before it is returned: what is written is known to be readable.

    Raises:
        SelfCheckError: the payload does not decode to what was encoded.
    """
    height, width, _ = y.shape
    quantizer, decoded = _choose(model, y, quality)
    payload = _check(decoded) + quantizer.finish()
    again = decode_latents(model, payload, height, width, quality)
    if not np.array_equal(again.reshape(decoded.shape), decoded.astype(np.float32)):
        raise SelfCheckError(
            "a tile did not decode to what was encoded; nothing was written",
            hint="Try again; if it happens again, this machine's memory or this version of isthmus is at fault.",
        )
    return payload, quantizer.spent.reshape(height, width)
