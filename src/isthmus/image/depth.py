"""How deep the samples of a file are where Pillow makes 8 bits of them without a word. Reads headers, not pixels."""

import re
import struct
from collections.abc import Callable, Iterator
from os import SEEK_CUR
from typing import IO, Any

from PIL import Image

from isthmus.files import position_kept

# Raw modes such as RGB;16B; but BGR;16 has 16 bits a pixel, not a channel. BC6H is half floats.
_DEEP = re.compile(r"^(?!BGR).*;(10|12|16|32)|^[IF]$|^BC6H")
_TIFF_BITS_PER_SAMPLE = 258
# Metadata boxes of real files stay below a mebibyte; this is only so that a length in a file allocates little.
MAX_BOX_BYTES = 2**24


def deep_samples(image: Image.Image) -> str | None:
    """What is deeper than 8 bits a channel in an image, for people; None if nothing is known to be.

    Most can be said only of a file that Pillow has opened and not loaded.
    """
    if image.format == "HEIF" and (bits := image.info.get("bit_depth", 8)) > 8:
        return f"{bits} bits"
    tiles: list[Any] = getattr(image, "tile", [])
    names = [image.mode, *(arg for tile in tiles for arg in _arguments(tile) if isinstance(arg, str))]
    if deep := next(filter(_DEEP.search, names), None):
        return deep
    bits = max([*_tiff_bits(image), *map(_tile_bits, tiles), _header_bits(image) if tiles else 0])
    return f"{bits} bits" if bits > 8 else None


def _arguments(tile: Any) -> tuple[Any, ...]:
    return tile[3] if isinstance(tile[3], tuple) else (tile[3],)


def _tile_bits(tile: Any) -> int:
    if tile[0] == "SGI16":
        return 16
    # The decoders of PPM take the largest value.
    return int(tile[3][1]).bit_length() if tile[0] in ("ppm", "ppm_plain") else 0


def _tiff_bits(image: Image.Image) -> tuple[int, ...]:
    # The raw modes of a TIFF whose channels lie apart say nothing of their depth.
    bits = getattr(image, "tag_v2", {}).get(_TIFF_BITS_PER_SAMPLE, ())
    return bits if isinstance(bits, tuple) else (bits,)


def _header_bits(image: Image.Image) -> int:
    read = _READERS.get(image.format or "")
    stream: IO[bytes] | None = getattr(image, "fp", None)
    if read is None or stream is None:
        return 0
    try:
        with position_kept(stream):
            return read(stream)
    except (OSError, ValueError, LookupError, struct.error):
        return 0  # damaged, which its decoder says better


def _jpeg2000_bits(stream: IO[bytes]) -> int:
    """The deepest component in the SIZ marker (ISO 15444-1, A.5.1) of a codestream, bare or in a box."""
    stream.seek(0)
    head = stream.read(64)
    if not head.startswith(b"\xff\x4f\xff\x51"):
        head = top_box(stream, b"jp2c", 64)
    (count,) = struct.unpack_from(">H", head, 40)
    # Of each component: depth less one and a sign, and two steps. Pillow opens at most four components.
    return max((depth & 0x7F) + 1 for depth in head[42 : 42 + 3 * count : 3])


def _avif_bits(stream: IO[bytes]) -> int:
    """The depth in the av1C property of the primary item; a grid has none, and the items' own are taken."""
    meta = dict(boxes(top_box(stream, b"meta", MAX_BOX_BYTES)[4:]))
    properties = dict(boxes(meta[b"iprp"]))
    listed = list(boxes(properties[b"ipco"]))
    (primary,) = struct.unpack_from(">I" if meta[b"pitm"][0] else ">H", meta[b"pitm"], 4)
    own = [listed[number - 1] for number in _associated(properties[b"ipma"], primary) if number]
    configurations = [[body for kind, body in held if kind == b"av1C"] for held in (own, listed)]
    return max(_av1_bits(body) for body in configurations[0] or configurations[1])


def _av1_bits(configuration: bytes) -> int:
    flags = configuration[2]
    return (12 if flags & 0x20 else 10) if flags & 0x40 else 8


def _associated(ipma: bytes, wanted: int) -> list[int]:
    """Numbers, from 1, of an item's properties (ISO 23008-12, 9.3)."""
    item, number = struct.Struct(">I" if ipma[0] else ">H"), struct.Struct(">H" if ipma[3] & 1 else ">B")
    (entries,) = struct.unpack_from(">I", ipma, 4)
    at = 8
    for _ in range(entries):
        (found,) = item.unpack_from(ipma, at)
        at += item.size
        end = at + 1 + ipma[at] * number.size
        if found == wanted:
            # The top bit says that a reader must know the property.
            return [value & (2 ** (8 * number.size - 1) - 1) for (value,) in number.iter_unpack(ipma[at + 1 : end])]
        at = end
    return []


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, contents) of boxes that follow each other (ISO 14496-12, 4.2)."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8:
            raise ValueError("a long or endless box inside another")
        yield kind, data[at + 8 : at + size]
        at += size


def top_box(stream: IO[bytes], wanted: bytes, max_bytes: int) -> bytes:
    """The start of the contents of a file's first box of a type; boxes before it are passed over."""
    stream.seek(0)
    while True:
        size, kind = struct.unpack(">I4s", stream.read(8))
        left = size - 8
        if size == 1:
            left = struct.unpack(">Q", stream.read(8))[0] - 16
        if kind == wanted:
            return stream.read(min(left, max_bytes) if size else max_bytes)
        if left < 0:
            raise ValueError("the last box, or a damaged one")
        stream.seek(left, SEEK_CUR)


_READERS: dict[str, Callable[[IO[bytes]], int]] = {"JPEG2000": _jpeg2000_bits, "AVIF": _avif_bits}
