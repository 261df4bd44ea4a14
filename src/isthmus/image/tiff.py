"""TIFF files of decoded pictures: pixels and structure are the picture's own, the description is its EXIF block's.

The block stands at the front of the file, byte for byte, so that all its offsets hold: maker notes and directories
inside included. Only its first directory is written anew, with what describes the layout of the pixels taken out.
"""

import struct
from typing import IO

from PIL import Image

from isthmus.image.exif import LONG, ORIENTATION, SHORT, UNDEFINED, Directory

_XMP, _ICC = 700, 34675
_BYTE = 1
_ROWS = 256  # at a time, so that no large picture is copied whole
_LARGEST = 2**32 - 1
# Mode: bits of each sample, photometric interpretation, whether the last sample is alpha.
_MODES = {
    "1": ((1,), 1, False),
    "L": ((8,), 1, False),
    "LA": ((8, 8), 1, True),
    "RGB": ((8, 8, 8), 2, False),
    "RGBA": ((8, 8, 8, 8), 2, True),
}
_NO_DESCRIPTION = frozenset(
    {
        *range(254, 267),  # kind of page, size, bits, compression, photometric interpretation, fill order
        273,  # strip offsets
        ORIENTATION,
        *range(277, 282),  # samples a pixel, rows a strip, strip byte counts, least and largest values
        284,  # planar configuration
        *range(288, 294),  # free space, grey response, fax options
        301,  # transfer function: as many values as the samples have
        317,  # predictor
        *range(320, 331),  # colour map, halftones, tiles, fax lines, further directories
        332,  # inks
        *range(334, 337),
        *range(338, 348),  # extra samples, sample format, sample ranges, clip paths, JPEG tables
        *range(512, 522),  # old JPEG, and where a thumbnail lies
        *range(529, 533),  # YCbCr
        *range(32995, 32999),  # SGI's tiles
        *range(33421, 33423),  # a sensor's mosaic
        _XMP,
        _ICC,
        *range(50674, 50676),  # parameters of a compression
        *range(50706, 51200),  # digital negatives
    }
)
"""Tags that say how samples are stored, or that stand for a picture's own chunk: they never reach another file."""


def write_tiff(image: Image.Image, stream: IO[bytes], exif: bytes = b"", icc: bytes = b"", xmp: bytes = b"") -> None:
    """Write one uncompressed page.

    Args:
        image: in one of the modes that files decode to.
        stream: where to; it need not be seekable.
        exif: a block that starts with II or MM, or empty.
        icc, xmp: a profile and a packet, or empty.

    Raises:
        ValueError: the mode is another, the EXIF block is damaged, or the file would be 4 GiB or more.
        OSError: the stream cannot be written.
    """
    if image.mode not in _MODES:
        raise ValueError(f"mode {image.mode} is none of {', '.join(_MODES)}")
    bits, photometric, has_alpha = _MODES[image.mode]
    front = exif or b"II*\0\0\0\0\0"
    order = Directory.of(exif).order if exif else "<"
    front += b"\0" * (len(front) % 2)
    size = image.height * ((image.width * sum(bits) + 7) // 8)

    own: dict[int, tuple[int, bytes]] = {}

    def put(tag: int, kind: int, *values: int) -> None:
        own[tag] = (kind, struct.pack(f"{order}{len(values)}{'H' if kind == SHORT else 'I'}", *values))

    put(256, LONG, image.width)
    put(257, LONG, image.height)
    put(258, SHORT, *bits)
    put(259, SHORT, 1)  # no compression
    put(262, SHORT, photometric)
    put(273, LONG, 0)  # known below
    put(277, SHORT, len(bits))
    put(278, LONG, image.height)
    put(279, LONG, min(size, _LARGEST))
    put(284, SHORT, 1)  # the samples of a pixel lie together
    if has_alpha:
        put(338, SHORT, 2)  # and the colours are not multiplied by it
    if xmp:
        own[_XMP] = (_BYTE, xmp)
    if icc:
        own[_ICC] = (UNDEFINED, icc)

    described = _described(exif)
    beyond = len(front) + 2 + 12 * (len(own) + len(described)) + 4
    pixels_at = beyond + sum(_padded(data) for _, data in own.values() if len(data) > 4)
    if pixels_at + size > _LARGEST:
        raise ValueError("a TIFF file ends at 4 GiB")
    put(273, LONG, pixels_at)
    rows, tail = dict(described), b""
    for tag, (kind, data) in own.items():
        value = data.ljust(4, b"\0")
        if len(data) > 4:
            value = struct.pack(order + "I", beyond + len(tail))
            tail += data.ljust(_padded(data), b"\0")
        count = len(data) // {SHORT: 2, LONG: 4}.get(kind, 1)
        rows[tag] = struct.pack(order + "HHI4s", tag, kind, count, value)
    directory = struct.pack(order + "H", len(rows)) + b"".join(rows[tag] for tag in sorted(rows)) + bytes(4)
    stream.write(front[:4] + struct.pack(order + "I", len(front)) + front[8:] + directory + tail)
    for top in range(0, image.height, _ROWS):
        stream.write(image.crop((0, top, image.width, min(top + _ROWS, image.height))).tobytes())


def _padded(data: bytes) -> int:
    return len(data) + len(data) % 2


def _described(exif: bytes) -> dict[int, bytes]:
    """The entries, by tag, of a block's first directory that describe the picture; 12 bytes each."""
    if not exif:
        return {}
    directory = Directory.of(exif)
    return {
        e.tag: struct.pack(directory.order + "HHI4s", e.tag, e.kind, e.count, e.value)
        for e in directory.entries
        if e.tag not in _NO_DESCRIPTION and e.data is not None
    }
