"""Latents of one tile to its payload and back, with the check that they came back.

payload = CRC-32 of the decoded latents (4 bytes), number of skipped scale indices (1 byte), range-coded words
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from isthmus.coding.entropy_model import EntropyModel
from isthmus.coding.fixed_point import Float64, ScaleIndices
from isthmus.coding.formats import MEAN_STEPS, SCALES
from isthmus.coding.range_coder import SymbolDecoder
from isthmus.coding.symbols import Float32, Index, choose
from isthmus.errors import CorruptError, SelfCheckError

CHECK_BYTES = 4
PREFIX_BYTES = CHECK_BYTES + 1


class _Reader:
    """Decodes the symbols of one tile, pass by pass."""

    def __init__(self, entropy: EntropyModel, payload: bytes):
        if len(payload) < PREFIX_BYTES:
            raise CorruptError("a tile is too short", expected=f"at least {PREFIX_BYTES} bytes", got=len(payload))
        self._skipped = payload[CHECK_BYTES]
        if self._skipped > SCALES:
            raise CorruptError(
                "a tile's number of skipped scale indices", expected=f"at most {SCALES}", got=self._skipped
            )
        self._decoder = SymbolDecoder(entropy.tables, payload[PREFIX_BYTES:])

    def __call__(self, channels: slice, at: Index, means: Float64, scales: ScaleIndices) -> Float64:
        """Decodes one pass; see `isthmus.coding.fixed_point.Code`."""
        coded = self._skipped <= scales.T
        symbols = np.zeros(coded.shape)
        symbols[coded] = self._decoder.decode(scales.T[coded])
        return np.asarray(symbols.T + means)

    def finished(self) -> bool:
        return self._decoder.finished()


def _check(decoded: Float64) -> bytes:
    sixteenths = (decoded * MEAN_STEPS).astype("<i4")
    return zlib.crc32(sixteenths.tobytes()).to_bytes(CHECK_BYTES, "little")


def decode_latents(entropy: EntropyModel, payload: bytes, height: int, width: int, quality: int) -> Float32:
    """Latents (h, w, C) float32 in steps from a tile's payload; the same on every machine.

    Raises:
        CorruptError: the payload is not one that an encoder writes.
    """
    reader = _Reader(entropy, payload)
    decoded = entropy.context.walk(height, width, quality, reader)
    check = _check(decoded)
    if check != payload[:CHECK_BYTES] or not reader.finished():
        raise CorruptError(
            "a tile's latents do not match their checksum",
            expected=payload[:CHECK_BYTES].hex(),
            got=check.hex(),
            hint="The file is damaged, or was written by a faulty encoder.",
        )
    return decoded.reshape(height, width, -1).astype(np.float32)


def decode_first_group(entropy: EntropyModel, payload: bytes, height: int, width: int, quality: int) -> Float32:
    """The first group of channels alone, (h, w, n) float32 in steps: the rest of the payload stays unread.

    The payload's own checksum covers all latents and so cannot be checked here; the chunk's CRC-32 was.

    Raises:
        CorruptError: the payload is not one that an encoder writes.
    """
    decoded = entropy.context.walk(height, width, quality, _Reader(entropy, payload), groups=1)
    return decoded.reshape(height, width, -1).astype(np.float32)


def quantized_latents(entropy: EntropyModel, y: Float32, quality: int, importance: npt.NDArray[np.float64]) -> Float32:
    """What the decoder would get for latents (h, w, C) in steps; nothing is written."""
    return choose(entropy, y, quality, importance)[1].reshape(y.shape).astype(np.float32)


def latent_bits(
    entropy: EntropyModel, y: Float32, quality: int, importance: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """(h, w): bits that the entropy model spends at each position of latents (h, w, C) in steps."""
    quantizer, _ = choose(entropy, y, quality, importance)
    return quantizer.spent.reshape(y.shape[:2])


def encode_latents(entropy: EntropyModel, y: Float32, quality: int, importance: npt.NDArray[np.float64]) -> bytes:
    """A tile's payload from its latents.

    The payload is decoded again before it is returned: what is written is known to be readable.

    Args:
        entropy: codes the latents.
        y: (h, w, C) float32, in steps.
        quality: 0..10000.
        importance: (h, w) float64, bits that a squared error of one step is worth at each position.

    Raises:
        SelfCheckError: the payload does not decode to what was encoded.
    """
    height, width, _ = y.shape
    quantizer, decoded = choose(entropy, y, quality, importance)
    payload = _check(decoded) + quantizer.finish()
    again = decode_latents(entropy, payload, height, width, quality)
    if not np.array_equal(again.reshape(decoded.shape), decoded.astype(np.float32)):
        raise SelfCheckError(
            "a tile did not decode to what was encoded; nothing was written",
            hint="Try again; if it happens again, this machine's memory or this version of isthmus is at fault.",
        )
    return payload
