"""A small container that tests take apart, and chunks made by hand."""

import struct
import zlib

import pytest

from isthmus.bitstream.varint import write_varint
from isthmus.errors import BitstreamError
from isthmus.image.chunks import EXIF, ICC, XMP
from isthmus.image.container import parse
from isthmus.image.header import Header
from isthmus.quality import Quality
from isthmus.tune import Tune

HEADER = Header(3, 2, "LA", Quality(5025), bytes.fromhex("0123456789abcdef"), 2, has_alpha=True, coder=2, tune=Tune(37))
HEADER_LITERAL = bytes.fromhex(
    "89 49535448 0d0a1a"  # magic
    "0200"  # version 2
    "2f00"  # 47 bytes of header
    "01"  # a picture
    "02"  # by coder 2
    "0100"  # features: alpha
    "03000000 02000000"  # 3x2 pixels
    "03 03"  # three coded channels, mode LA
    "a113"  # quality 50.25
    "0123456789abcdef"  # model id
    "0200 02000000"  # tiles of 2 pixels, two of them
    "25"  # tune 0.37
    "8adadcc4"  # CRC-32 of all that
)
META = {ICC: b"profile", EXIF: b"II*\0", XMP: b"<x/>"}
TILES = [b"one", b"two"]
ALPHAS = [b"\0\xff", b"\0\x00"]


def chunk(kind: bytes, payload: bytes, length: bytes | None = None) -> bytes:
    """A chunk whose CRC is right, whatever its length says."""
    body = kind + (bytes([len(payload)]) if length is None else length) + payload
    return body + struct.pack("<I", zlib.crc32(body))


def finish(body: bytes) -> bytes:
    """A file of a header and chunks, with its end chunk."""
    return body + chunk(b"Z", total := write_varint(len(body)), bytes([len(total)]))


def refused_with_any_bit_flipped(data: bytes) -> None:
    """Check that no bit of a file can change without an error."""
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises(BitstreamError):
                parse(bytes(damaged))
