"""Latents of one plane to its payload and back, with the check that they came back.

payload = CRC-32 of the decoded latents (4 bytes), number of skipped scale indices (1 byte), range-coded words
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from isthmus.coding.entropy_model import EntropyModel
from isthmus.coding.fixed_point import Float64, ScaleIndices
from isthmus.coding.formats import MEAN_STEPS, SCALES
from isthmus.coding.range_coder import Int32, SymbolDecoder
from isthmus.coding.symbols import Coded, Float32, Index, Latents, by_channel, choose
from isthmus.errors import CorruptError, SelfCheckError

CHECK_BYTES = 4
PREFIX_BYTES = CHECK_BYTES + 1


class _Reader:
    """Decodes the symbols of one plane, pass by pass."""

    def __init__(self, entropy: EntropyModel, payload: bytes):
        if len(payload) < PREFIX_BYTES:
            raise CorruptError("a payload is too short", expected=f"at least {PREFIX_BYTES} bytes", got=len(payload))
        self._skipped = payload[CHECK_BYTES]
        if self._skipped > SCALES:
            raise CorruptError(
                "a payload's number of skipped scale indices", expected=f"at most {SCALES}", got=self._skipped
            )
        self._decoder = SymbolDecoder(entropy.tables, payload[PREFIX_BYTES:])

    def __call__(self, channels: slice, at: Index, means: Float64, scales: ScaleIndices) -> Float64:
        """Decodes one pass; see `isthmus.coding.fixed_point.Code`."""
        symbols = self.symbols(scales)
        return np.asarray(symbols.reshape(scales.shape[::-1]).T + means)

    def symbols(self, scales: ScaleIndices) -> Int32:
        """The symbols of one pass, (n * P,) channel by channel, for scale indices (P, n)."""
        return self._decoder.decode(by_channel(scales), self._skipped)

    def finished(self) -> bool:
        return self._decoder.finished()


def _check(decoded: Float64) -> bytes:
    sixteenths = (decoded * MEAN_STEPS).astype("<i4")
    return zlib.crc32(sixteenths.tobytes()).to_bytes(CHECK_BYTES, "little")


def decode_latents(entropy: EntropyModel, payload: bytes, height: int, width: int, quality: int) -> Float32:
    """Latents (h, w, C) float32 in steps from the payload of a plane; the same on every machine.

    Raises:
        CorruptError: the payload is not one that an encoder writes.
    """
    reader = _Reader(entropy, payload)
    decoded = entropy.context.walk(height, width, quality, reader)
    check = _check(decoded)
    if check != payload[:CHECK_BYTES] or not reader.finished():
        raise CorruptError(
            "decoded latents do not match their checksum",
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


def encode_latents(entropy: EntropyModel, y: Latents, quality: int, importance: npt.NDArray[np.float64]) -> bytes:
    """The payload of a plane from its latents.

    The payload's symbols are decoded again before it is returned: what is written is known to be readable.

    Args:
        entropy: codes the latents.
        y: (h, w, C), in steps.
        quality: 0..10000.
        importance: (h, w) float64, bits that a squared error of one step is worth at each position.

    Raises:
        SelfCheckError: the payload does not decode to what was encoded.
    """
    quantizer, decoded = choose(entropy, y, quality, importance)
    payload = _check(decoded) + quantizer.finish()
    if not _comes_back(entropy, payload, quantizer.coded):
        raise SelfCheckError(
            "a payload did not decode to what was encoded; nothing was written",
            hint="Try again; if it happens again, this machine's memory or this version of isthmus is at fault.",
        )
    return payload


def _comes_back(entropy: EntropyModel, payload: bytes, passes: Sequence[Coded]) -> bool:
    """Whether a payload decodes to the symbols of all passes, and ends with them.

    Means and scale indices are those that the encoder predicted: a decoder walks the same networks on the same numbers,
    and their sums are exact.
    """
    try:
        reader = _Reader(entropy, payload)
        same = all(np.array_equal(reader.symbols(one.scales), one.symbols) for one in passes)
    except CorruptError:
        return False
    return same and reader.finished()
