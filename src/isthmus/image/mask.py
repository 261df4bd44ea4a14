"""Which blocks of a tile show another layer: a mask <-> bytes (docs/format.md, "Sharp layer")."""

import zlib

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import CorruptError
from isthmus.image.grid import BLOCK

Mask = NDArray[np.bool_]
"""(ceil(h / 16), ceil(w / 16)), a block each."""
_RAW = -15  # deflate without a header, with its largest window


def encode_mask(mask: Mask) -> bytes:
    """The bytes of a mask."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, _RAW, 9)
    return deflate.compress(np.packbits(mask).tobytes()) + deflate.flush()


def decode_mask(data: bytes, height: int, width: int) -> tuple[Mask, int]:
    """The mask of a tile of height x width pixels, and how many bytes it took of those given.

    Raises:
        CorruptError: these are no bytes of a mask of this size.
    """
    shape = everywhere(height, width).shape
    count = shape[0] * shape[1]
    size = -(-count // 8)
    inflate = zlib.decompressobj(_RAW)
    try:
        packed = inflate.decompress(data, size + 1)
    except zlib.error as error:
        raise CorruptError("a mask cannot be inflated", got=str(error)) from None
    if len(packed) != size or not inflate.eof:
        raise CorruptError("a mask has the wrong size", expected=f"{size} bytes", got=len(packed))
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))
    if bits[count:].any():
        raise CorruptError("a mask is longer than its tile", expected=f"{count} blocks")
    return bits[:count].reshape(shape).astype(bool), len(data) - len(inflate.unused_data)


def everywhere(height: int, width: int, shown: bool = True) -> Mask:
    """The mask of a tile of height x width pixels that is the same in all its blocks."""
    return np.full((-(-height // BLOCK), -(-width // BLOCK)), shown)


def pixels_of(mask: Mask, height: int, width: int) -> Mask:
    """The mask of every pixel, (height, width)."""
    return mask.repeat(BLOCK, 0).repeat(BLOCK, 1)[:height, :width]
