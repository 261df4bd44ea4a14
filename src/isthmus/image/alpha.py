"""Transparency, tile by tile and without loss: a plane <-> an alpha payload (docs/format.md, "Alpha").

A constant tile takes two bytes; any other is the VP8L bitstream of lossless WebP, which was 4 to 60 % smaller than
PNG, zlib and LZMA on mattes, antialiased edges and gradients, and comes with Pillow.
"""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.errors import CorruptError

CONSTANT, VP8L = 0, 1
_RIFF = struct.Struct("<4sI4s4sI")  # "RIFF", bytes that follow, "WEBP", "VP8L", bytes of the bitstream
_VP8L = struct.Struct("<BI")  # signature 0x2f; 14 bits width - 1, 14 bits height - 1, 4 bits of flags
_VP8L_SIGNATURE = 0x2F


def encode_alpha(plane: NDArray[np.uint8]) -> bytes:
    """The payload of one tile.

    Arguments:
        plane: (h, w) uint8, 0 transparent to 255 opaque, sides at most 16383.
    """
    if plane.min() == plane.max():
        return bytes([CONSTANT, plane[0, 0]])
    grey = Image.fromarray(plane)
    file = io.BytesIO()
    Image.merge("RGB", (grey, grey, grey)).save(file, "WEBP", lossless=True, quality=80, method=4)
    size = _RIFF.unpack_from(file.getbuffer())[-1]
    # The RIFF wrapping says nothing that the chunk does not.
    return bytes([VP8L]) + file.getvalue()[_RIFF.size : _RIFF.size + size]


def decode_alpha(payload: bytes | memoryview, height: int, width: int) -> NDArray[np.uint8]:
    """The (height, width) uint8 plane of a payload.

    Raises:
        CorruptError: the payload is not one that :func:`encode_alpha` makes for this size.
    """
    if len(payload) == 2 and payload[0] == CONSTANT:
        return np.full((height, width), payload[1], np.uint8)
    if len(payload) <= 1 + _VP8L.size or payload[0] != VP8L:
        raise CorruptError("an alpha payload is of no known kind", got=bytes(payload[:8]).hex(" "))
    bitstream = bytes(payload[1:])
    signature, bits = _VP8L.unpack_from(bitstream)
    found = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    # Checked here, so that the decoder never allocates for another size than ours.
    if signature != _VP8L_SIGNATURE or found != (width, height):
        raise CorruptError("an alpha payload has the wrong size", expected=f"{width}x{height}", got=found)
    padding = b"\0" * (len(bitstream) % 2)
    riff = _RIFF.pack(b"RIFF", _RIFF.size - 8 + len(bitstream) + len(padding), b"WEBP", b"VP8L", len(bitstream))
    try:
        with Image.open(io.BytesIO(riff + bitstream + padding), formats=["WEBP"]) as image:
            plane = np.asarray(image.convert("RGB"))[..., 1]
    except (OSError, ValueError, SyntaxError) as error:
        raise CorruptError("an alpha payload cannot be decoded", got=str(error)) from None
    if plane.shape != (height, width):
        raise CorruptError("an alpha payload has the wrong size", expected=(height, width), got=plane.shape)
    return plane
