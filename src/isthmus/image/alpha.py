"""Transparency, tile by tile and without loss: a plane <-> an alpha payload (docs/format.md, "Alpha").

A constant tile takes two bytes; any other is the VP8L bitstream of lossless WebP, which was 4 to 60 % smaller than
PNG, zlib and LZMA on mattes, antialiased edges and gradients, and comes with Pillow.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.errors import CorruptError
from isthmus.image.vp8l import decode_vp8l, encode_vp8l

CONSTANT, VP8L = 0, 1


def encode_alpha(plane: NDArray[np.uint8]) -> bytes:
    """The payload of one tile.

    Arguments:
        plane: (h, w) uint8, 0 transparent to 255 opaque, sides at most 16383.
    """
    if plane.min() == plane.max():
        return bytes([CONSTANT, plane[0, 0]])
    grey = Image.fromarray(plane)
    return bytes([VP8L]) + encode_vp8l(Image.merge("RGB", (grey, grey, grey)), quality=80, method=4)


def decode_alpha(payload: bytes | memoryview, height: int, width: int) -> NDArray[np.uint8]:
    """The (height, width) uint8 plane of a payload.

    Raises:
        CorruptError: the payload is not one that :func:`encode_alpha` makes for this size.
    """
    if len(payload) == 2 and payload[0] == CONSTANT:
        return np.full((height, width), payload[1], np.uint8)
    if len(payload) < 2 or payload[0] != VP8L:
        raise CorruptError("an alpha payload is of no known kind", got=bytes(payload[:8]).hex(" "))
    image = decode_vp8l(bytes(payload[1:]), height, width, "an alpha payload")
    return np.asarray(image.convert("RGB"))[..., 1]
