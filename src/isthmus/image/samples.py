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
TURNED = 4
"""VP8L of the samples in another order; 3 stands for AV1 in the sharp layer."""
_COLUMNS, _ROWS, _COLOURS = 1, 2, 4
"""What is back to front: bits of an order. Of the colours, the first and the third change places."""

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""How Pillow calls so many samples a pixel, whatever they mean."""
_CHANNELS: dict[int, slice] = {1: slice(1, 2), 2: slice(1, 4, 2), 3: slice(3), 4: slice(4)}
"""Which of RGB or RGBA they are in a bitstream of VP8L: the first of one or two stands in all colours."""
# Method and quality of libwebp. Method 6 at quality 100 makes the bytes of 5 in five times the time, but for a
# photograph in five, of which it saves a hundredth.
_FIRST, _OTHER, _LAST = (5, 100), (6, 75), (6, 100)
_ENOUGH = 48
"""Bytes that are to be saved over WebP: the header and the chunks of a file take 45 more than WebP's."""
# Part of the format: a raw stream says nothing of them. Samples of different pixels are alike; positions are not.
_FILTERS: list[dict[str, Any]] = [
    {"id": lzma.FILTER_LZMA1, "preset": 9, "dict_size": 2**22, "lc": 4, "lp": 0, "pb": 0},
]


def encode_samples(samples: NDArray[np.uint8], effort: Effort | None = None) -> bytes:
    """The payload of one tile.

    Arguments:
        samples: (h, w, n) uint8, n from 1 to 4, sides at most `TILE`.
        effort: 1 to try other orders of the samples until a file is shorter than WebP's, more to try all, and
            libwebp's own last effort; None for none.
    """
    if (samples == samples[0, 0]).all():
        return bytes([CONSTANT, *samples[0, 0]])
    first = _vp8l(samples, 0, _FIRST)
    repeats: bytes = bytes([LZMA]) + lzma.compress(samples.tobytes(), lzma.FORMAT_RAW, filters=_FILTERS)
    best = min(first, repeats, key=len)
    if effort is None:
        return best
    orders = range(8 if samples.shape[2] > 2 else 4)
    for order, way in [(0, _OTHER), *((order, _FIRST) for order in orders[1:])]:
        if effort == 1 and len(best) <= len(first) - _ENOUGH:
            break
        best = min(best, _vp8l(samples, order, way), key=len)
    if effort > 1:
        # As it is, so that nothing is longer than WebP's own last effort, and in the order that was best.
        for order in sorted({0, best[1] if best[0] == TURNED else 0}):
            best = min(best, _vp8l(samples, order, _LAST), key=len)
    return best


def quick_size(samples: NDArray[np.uint8]) -> int:
    """About how many bytes `encode_samples` would make, or up to twice as many, in little time."""
    return len(_vp8l(samples, 0, (0, 0)))


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
    if kind == bytes([TURNED]) and rest and 0 < rest[0] < (8 if count > 2 else 4):
        return _turned(_from_vp8l(rest[1:], height, width, count), rest[0])
    if kind == bytes([LZMA]):
        return np.frombuffer(_from_lzma(rest, height * width * count), np.uint8).reshape(height, width, count)
    raise CorruptError("a payload of samples is of no known kind", got=bytes(payload[:8]).hex(" "))


def _vp8l(samples: NDArray[np.uint8], order: int, way: tuple[int, int]) -> bytes:
    """A payload of VP8L; way is method and quality."""
    turned = np.ascontiguousarray(_turned(samples, order))
    image = Image.frombytes(_MODES[samples.shape[2]], samples.shape[1::-1], turned.tobytes())
    colours = image.convert({"L": "RGB", "LA": "RGBA"}.get(image.mode, image.mode))
    method, quality = way
    front = bytes([TURNED, order] if order else [VP8L])
    return front + encode_vp8l(colours, quality=quality, method=method)


def _turned(samples: NDArray[np.uint8], order: int) -> NDArray[np.uint8]:
    """Samples (h, w, n) in another order, or back from it."""
    if order & _COLUMNS:
        samples = samples[:, ::-1]
    if order & _ROWS:
        samples = samples[::-1]
    if order & _COLOURS:
        samples = samples[..., [2, 1, 0, 3][: samples.shape[2]]]
    return samples


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
