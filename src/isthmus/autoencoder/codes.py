"""A file of codes: how symbols of many samples are framed, and what is refused of a file. It knows no networks.

All integers are little-endian (a varint has 7 bits a byte, the lowest first, the high bit set on all but the
last byte)::

    89 49 41 45      magic
    01               version
    8 bytes          id of the model: the first bytes of the SHA-256 of its file
    varint           number of pictures
    varint           bytes of the payload
    payload          symbols as `isthmus.coding` codes them, table by table, within a table picture by picture
    4 bytes          CRC-32 of everything before
"""

from __future__ import annotations

import struct
import zlib

from isthmus.errors import (
    CorruptError,
    LimitExceededError,
    NotIsthmusError,
    TooNewError,
    TruncatedError,
    UnknownModelError,
)

MAGIC = b"\x89IAE"
VERSION = 1
HEAD = struct.Struct("<4sB8s")
CRC = struct.Struct("<I")
MAX_NUMBERS = 1 << 28  # codes or pixels of one file: a gigabyte of float32


def frame(model_id: bytes, count: int, payload: bytes) -> bytes:
    """The file of ``count`` samples' payload, written with the model of this id (8 bytes)."""
    body = HEAD.pack(MAGIC, VERSION, model_id) + _varint(count) + _varint(len(payload)) + payload
    return body + CRC.pack(zlib.crc32(body))


def parse(data: bytes, model_id: bytes, numbers: int) -> tuple[int, bytes]:
    """The number of samples of a file, and its payload.

    Args:
        data: the whole file.
        model_id: of the model that is to decode it.
        numbers: that one sample takes in memory, as code or decoded, whichever are more.

    Raises:
        NotIsthmusError, TooNewError, TruncatedError, CorruptError: the file is none, or damaged.
        UnknownModelError: it was written with another model.
        LimitExceededError: it holds too many samples.
    """
    if data[:4] != MAGIC:
        raise NotIsthmusError("not a file of codes", expected=MAGIC.hex(" "), got=data[:4].hex(" "))
    if len(data) < HEAD.size:
        raise TruncatedError("the file ends in its header", expected=f"{HEAD.size} bytes", got=len(data))
    _, version, found_id = HEAD.unpack_from(data)
    if version != VERSION:
        raise TooNewError("unknown version", expected=VERSION, got=version, hint="Update isthmus.")
    count, position = _read_varint(data, HEAD.size)
    length, position = _read_varint(data, position)
    expected = position + length + CRC.size
    if len(data) < expected:
        raise TruncatedError("the file ends too early", expected=f"{expected} bytes", got=len(data))
    if len(data) > expected:
        raise CorruptError("the file does not end where it should", expected=f"{expected} bytes", got=len(data))
    if zlib.crc32(data[: -CRC.size]) != CRC.unpack(data[-CRC.size :])[0]:
        raise CorruptError("the checksum does not fit", got="damaged bytes")
    if found_id != model_id:
        raise UnknownModelError(
            "written with another model",
            expected=model_id.hex(),
            got=found_id.hex(),
            hint="Give the model that wrote it.",
        )
    if count * numbers > MAX_NUMBERS:
        raise LimitExceededError("too many pictures", expected=f"at most {MAX_NUMBERS // numbers}", got=count)
    return count, data[position : position + length]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 35, 7):  # five bytes hold any 32-bit number
        if position >= len(data):
            raise TruncatedError("the file ends in its header")
        number |= (data[position] & 0x7F) << shift
        position += 1
        if data[position - 1] < 0x80:
            return number, position
    raise CorruptError("a length in the header is too long", expected="at most 5 bytes")
