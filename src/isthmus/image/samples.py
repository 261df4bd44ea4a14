"""Samples of a tile without loss: an array <-> a payload (docs/format.md, "Samples").

Of what the standard library and Pillow can do, the shorter of VP8L and LZMA was never longer than an optimised PNG:
docs/adr/sharp-layer.md.
"""

import lzma
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.effort import Effort
from isthmus.errors import CorruptError
from isthmus.image.vp8l import decode_vp8l, encode_vp8l

TILE = 2048
"""Side of a tile in pixels: a coder of repetitions wants to see more of a picture than networks do."""

CONSTANT, VP8L, LZMA = 0, 1, 2

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""How Pillow calls so many samples a pixel, whatever they mean."""
_CHANNELS: dict[int, slice] = {1: slice(1, 2), 2: slice(1, 4, 2), 3: slice(3), 4: slice(4)}
"""Which of RGB or RGBA they are in a bitstream of VP8L: the first of one or two stands in all colours."""
_METHODS: dict[Effort, int] = {1: 4, 2: 6, 3: 6, 4: 6}
# Part of the format: a raw stream says nothing of them. Samples of different pixels are alike; positions are not.
_FILTERS: list[dict[str, Any]] = [
    {"id": lzma.FILTER_LZMA1, "preset": 9, "dict_size": 2**22, "lc": 4, "lp": 0, "pb": 0},
]


def encode_samples(samples: NDArray[np.uint8], effort: Effort = 1) -> bytes:
    """The payload of one tile.

    Arguments:
        samples: (h, w, n) uint8, n from 1 to 4, sides at most `TILE`.
        effort: 2 or more for some 3 to 15 % fewer bytes in ten times the time.
    """
    if (samples == samples[0, 0]).all():
        return bytes([CONSTANT, *samples[0, 0]])
    image = Image.frombytes(_MODES[samples.shape[2]], samples.shape[1::-1], samples.tobytes())
    colours = image.convert({"L": "RGB", "LA": "RGBA"}.get(image.mode, image.mode))
    webp = bytes([VP8L]) + encode_vp8l(colours, quality=100, method=_METHODS[effort])
    repeats: bytes = bytes([LZMA]) + lzma.compress(samples.tobytes(), lzma.FORMAT_RAW, filters=_FILTERS)
    return min(webp, repeats, key=len)


def decode_samples(payload: bytes | memoryview, height: int, width: int, count: int) -> NDArray[np.uint8]:
    """The (height, width, count) uint8 samples of a payload.

    Raises:
        CorruptError: the payload is not one that :func:`encode_samples` makes for this size.
    """
    kind, rest = bytes(payload[:1]), bytes(payload[1:])
    if kind == bytes([CONSTANT]) and len(rest) == count:
        return np.broadcast_to(np.frombuffer(rest, np.uint8), (height, width, count))
    if kind == bytes([VP8L]):
        return _from_vp8l(rest, height, width, count)
    if kind == bytes([LZMA]):
        return np.frombuffer(_from_lzma(rest, height * width * count), np.uint8).reshape(height, width, count)
    raise CorruptError("a payload of samples is of no known kind", got=bytes(payload[:8]).hex(" "))


def _from_vp8l(bitstream: bytes, height: int, width: int, count: int) -> NDArray[np.uint8]:
    image = decode_vp8l(bitstream, height, width, "a payload of samples")
    pixels = np.asarray(image.convert("RGB" if count in (1, 3) else "RGBA"))
    return pixels[..., _CHANNELS[count]]


def _from_lzma(stream: bytes, size: int) -> bytes:
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_FILTERS)
    try:
        # One byte more than there must be: its end comes behind the last sample, and nothing else may.
        raw = decompressor.decompress(stream, size + 1)
    except lzma.LZMAError as error:
        raise CorruptError("a payload of samples cannot be decompressed", got=str(error)) from None
    if len(raw) != size or not decompressor.eof or decompressor.unused_data:
        raise CorruptError("a payload of samples has the wrong size", expected=size, got=len(raw))
    return raw
