"""Latents of one plane to its payload and back, with the check that they came back.

payload = CRC-32 of the decoded latents (4 bytes), number of skipped scale indices, with 128 added where positions that
skip none are marked, and 64 where symbols are of a trellis (1 byte), range-coded words
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.bitstream.envelope import Front
from isthmus.coding.entropy_model import EntropyModel
from isthmus.coding.fixed_point import ScaleIndices
from isthmus.coding.formats import MEAN_STEPS
from isthmus.coding.front import FrontDecoder
from isthmus.coding.range_coder import Int32, SymbolDecoder
from isthmus.coding.symbols import (
    MARKED,
    TRELLIS,
    Coded,
    Float32,
    Importance,
    Index,
    Latents,
    Quantizer,
    by_channel,
    choose,
    is_coded,
)
from isthmus.coding.trellis import Trellis, residuals
from isthmus.errors import CorruptError, SelfCheckError

CHECK_BYTES = 4
PREFIX_BYTES = CHECK_BYTES + 1


class _Reader:
    """Decodes the symbols of one plane, pass by pass."""

    def __init__(self, entropy: EntropyModel, payload: bytes):
        if len(payload) < PREFIX_BYTES and not isinstance(payload, Front):
            raise CorruptError("a payload is too short", expected=f"at least {PREFIX_BYTES} bytes", got=len(payload))
        how = payload[CHECK_BYTES] if len(payload) >= PREFIX_BYTES else 0
        self._skipped, self._marked = how & ~(MARKED | TRELLIS), bool(how & MARKED)
        self._trellis = Trellis() if how & TRELLIS else None
        tables = entropy.trellis if self._trellis else entropy.tables
        if tables is None:
            raise CorruptError("a payload's symbols", expected="none of a trellis, for which the model has no tables")
        decoder = FrontDecoder if isinstance(payload, Front) else SymbolDecoder
        self._decoder = decoder(tables, payload[PREFIX_BYTES:])

    def __call__(self, channels: slice, at: Index, means: Int32, scales: ScaleIndices) -> Int32:
        """Decodes one pass; see `isthmus.coding.fixed_point.Code`."""
        return self.residuals(scales).reshape(scales.shape[::-1]).T + means

    def residuals(self, scales: ScaleIndices) -> Int32:
        """What the symbols of one pass stand for, in sixteenths, (n * P,) channel by channel; scale indices (P, n)."""
        marks = self._decoder.decode_marks(len(scales)) if self._marked else np.zeros(len(scales), bool)
        ordered = by_channel(scales)
        symbols = self._decoder.decode(ordered, is_coded(scales, marks, self._skipped))
        return residuals(symbols, ordered, self._trellis)

    def finished(self) -> bool:
        return self._decoder.finished()


def _check(sixteenths: Int32) -> bytes:
    return zlib.crc32(sixteenths.astype("<i4", copy=False).data).to_bytes(CHECK_BYTES, "little")


def _in_steps(sixteenths: Int32) -> Float32:
    return np.multiply(sixteenths, np.float32(1 / MEAN_STEPS), dtype=np.float32)


def decode_sixteenths(
    entropy: EntropyModel, payload: bytes, height: int, width: int, quality: int, tune: int = 0
) -> Int32:
    """Latents (h, w, C) int32 in sixteenths of a step, as they were coded, of a plane; the same on every machine.

    Of a payload that is a `Front`: where nothing is certain any more, what is predicted; nothing checks it.

    Raises:
        CorruptError: the payload is not one that an encoder writes.
    """
    if isinstance(payload, Front) and len(payload) < PREFIX_BYTES:
        return np.zeros((height, width, sum(entropy.context.definition.groups)), np.int32)
    reader = _Reader(entropy, payload)
    sixteenths = entropy.context.walk(height, width, quality, reader, tune=tune)
    if isinstance(payload, Front):
        return sixteenths.reshape(height, width, -1)
    check = _check(sixteenths)
    if check != payload[:CHECK_BYTES] or not reader.finished():
        raise CorruptError(
            "decoded latents do not match their checksum",
            expected=payload[:CHECK_BYTES].hex(),
            got=check.hex(),
            hint="The file is damaged, or was written by a faulty encoder.",
        )
    return sixteenths.reshape(height, width, -1)


def decode_latents(
    entropy: EntropyModel, payload: bytes, height: int, width: int, quality: int, tune: int = 0
) -> Float32:
    """`decode_sixteenths` as (h, w, C) float32 in steps."""
    return _in_steps(decode_sixteenths(entropy, payload, height, width, quality, tune))


def decode_first_groups(
    entropy: EntropyModel, payload: bytes, height: int, width: int, quality: int, groups: int, tune: int = 0
) -> Float32:
    """The first groups of channels alone, (h, w, n) float32 in steps: the rest of the payload stays unread.

    The payload's own checksum covers all latents and so cannot be checked here; the chunk's CRC-32 was.

    Raises:
        CorruptError: the payload is not one that an encoder writes.
    """
    decoded = entropy.context.walk(height, width, quality, _Reader(entropy, payload), groups, tune)
    return _in_steps(decoded.reshape(height, width, -1))


@dataclass(frozen=True)
class Trial:
    """What latents of a plane would become, before anything is written.

    Attributes:
        decoded: (h, w, C) float32 in steps, what a decoder would get.
        bits: about how many they cost.
        payload: payload() writes them; raises SelfCheckError if that does not decode to what was encoded.
    """

    decoded: Float32
    bits: float
    payload: Callable[[], bytes]


def trial(
    entropy: EntropyModel,
    y: Latents,
    quality: int,
    importance: Importance,
    tune: int = 0,
) -> Trial:
    """The symbols of latents (h, w, C) in steps are chosen, and coded when `Trial.payload` is asked for; arguments as
    of `encode_latents`."""
    quantizer, decoded = choose(entropy, y, quality, importance, tune)
    shaped = decoded.reshape(*importance.places.shape, -1)
    return Trial(_in_steps(shaped), float(quantizer.spent.sum()), lambda: _written(entropy, quantizer, decoded))


def latent_bits(
    entropy: EntropyModel,
    y: Latents,
    quality: int,
    importance: Importance,
    tune: int = 0,
) -> npt.NDArray[np.float64]:
    """(h, w): bits that the entropy model spends at each position of latents (h, w, C) in steps."""
    quantizer, _ = choose(entropy, y, quality, importance, tune)
    return quantizer.spent.reshape(importance.places.shape)


def encode_latents(
    entropy: EntropyModel,
    y: Latents,
    quality: int,
    importance: Importance,
    tune: int = 0,
) -> bytes:
    """The payload of a plane from its latents.

    The payload's symbols are decoded again before it is returned: what is written is known to be readable.

    Args:
        entropy: codes the latents.
        y: (h, w, C), in steps.
        quality: 0..10000.
        importance: what errors in them are worth.
        tune: 0..100, of a tuned definition.

    Raises:
        SelfCheckError: the payload does not decode to what was encoded.
    """
    return _written(entropy, *choose(entropy, y, quality, importance, tune))


def _written(entropy: EntropyModel, quantizer: Quantizer, decoded: Int32) -> bytes:
    payload = _check(decoded) + quantizer.finish()
    if not _comes_back(entropy, payload, quantizer.coded):
        raise SelfCheckError(
            "a payload did not decode to what was encoded; nothing was written",
            hint="Try again; if it happens again, this machine's memory or this version of isthmus is at fault.",
        )
    return payload


def _comes_back(entropy: EntropyModel, payload: bytes, passes: Sequence[Coded]) -> bool:
    """Whether a payload decodes to the residuals of all passes, and ends with them.

    Means and scale indices are those that the encoder predicted: a decoder walks the same networks on the same numbers,
    and their sums are exact.
    """
    try:
        reader = _Reader(entropy, payload)
        same = all(np.array_equal(reader.residuals(one.scales), one.residuals) for one in passes)
    except CorruptError:
        return False
    return same and reader.finished()
