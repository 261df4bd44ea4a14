"""The header as every medium has it: magic, version, medium, coder, features, the medium's own fields, CRC-32.

It says how long it is, so that fields can be added behind those that a reader knows.
"""

import struct
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import IO

from isthmus.bitstream.chunks import CRC, check_crc
from isthmus.errors import CorruptError, InputError, NotIsthmusError, TooNewError, TruncatedError

MAGIC = b"\x89ISTH\r\n\x1a"
VERSION = 2
"""Of the format. There was a version 1 before the first release, which nobody reads."""

_PREFIX = struct.Struct("<8sH")  # magic, version: the same in every version, for ever
_LENGTH = struct.Struct("<H")
_IDENTITY = struct.Struct("<BBH")  # medium, coder, features

_BEFORE_FIELDS = _PREFIX.size + _LENGTH.size + _IDENTITY.size
MIN_HEADER_BYTES = _BEFORE_FIELDS + CRC.size
_ENOUGH = _PREFIX.size + _LENGTH.size  # to know how long the header is


@dataclass(frozen=True)
class Head:
    """The header of any file.

    Attributes:
        version: of the format.
        medium: permanent number of what the file holds.
        coder: permanent number, within the medium, of what its payloads were made by.
        features: required-feature bits, whose meaning is the medium's.
        fields: the medium's own fields, and whatever a later version added to them.
        size: bytes of the header in the file.
    """

    version: int
    medium: int
    coder: int
    features: int
    fields: bytes
    size: int

    def check_medium(self, known: Collection[int]) -> None:
        """Raise TooNewError unless the medium is one of these."""
        _check_known("medium", self.medium, known)

    def check_coder(self, known: Collection[int]) -> None:
        """Raise TooNewError unless the coder is one of these."""
        _check_known("coder", self.coder, known)

    def check_features(self, known: int) -> None:
        """Raise TooNewError if a bit outside `known` is set."""
        if unknown := self.features & ~known:
            raise TooNewError(
                "the file needs features that this version lacks",
                expected=f"bits within {known:#06x}",
                got=f"{unknown:#06x}",
                hint="Update isthmus.",
            )


def pack_head(medium: int, coder: int, features: int, fields: bytes) -> bytes:
    """The bytes of a header."""
    length = MIN_HEADER_BYTES + len(fields)
    head = _PREFIX.pack(MAGIC, VERSION) + _LENGTH.pack(length) + _IDENTITY.pack(medium, coder, features) + fields
    return head + CRC.pack(zlib.crc32(head))


def parse_head(data: bytes) -> Head:
    """Read the header from the front of a file: magic, version, length, CRC, in this order.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError
        InputError: this is no bytes at all.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InputError(
            "decode takes the bytes of a file",
            expected="bytes",
            got=type(data).__name__,
            hint="decode_file takes a file's name; `read` of a stream gives its bytes.",
        )
    size = _header_bytes(data)
    _check_size(data, size)
    covered = memoryview(data)[: size - CRC.size]
    (stored,) = CRC.unpack_from(data, len(covered))
    check_crc("header", covered, stored)
    _, version = _PREFIX.unpack_from(data)
    medium, coder, features = _IDENTITY.unpack_from(data, _ENOUGH)
    return Head(version, medium, coder, features, bytes(covered[_BEFORE_FIELDS:]), size)


def read_head(stream: IO[bytes]) -> Head:
    """:func:`parse_head` of a stream, which is read to the header's end and no further.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError, OSError
    """
    data = stream.read(_ENOUGH)
    return parse_head(data + stream.read(max(_header_bytes(data) - len(data), 0)))


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Raise CorruptError unless a field of the header lies in low..high."""
    if not low <= value <= high:
        raise CorruptError(f"the header's {name} is out of range", expected=f"{low} to {high}", got=value)


def _header_bytes(data: bytes) -> int:
    """How long the header is, from its first 12 bytes."""
    _check_magic(data)
    _check_size(data, _PREFIX.size, MIN_HEADER_BYTES)
    _, version = _PREFIX.unpack_from(data)
    if version > VERSION:
        raise TooNewError(
            "the file's format version is too new",
            expected=f"at most {VERSION}",
            got=version,
            hint="Update isthmus.",
        )
    check_range("version", version, VERSION, VERSION)
    _check_size(data, _ENOUGH, MIN_HEADER_BYTES)
    (length,) = _LENGTH.unpack_from(data, _PREFIX.size)
    check_range("length", length, MIN_HEADER_BYTES, 2**16 - 1)
    return int(length)


def _check_size(data: bytes, needed: int, least: int = 0) -> None:
    """Raise TruncatedError unless so many bytes are there; `least` is what a message says of a whole header."""
    if len(data) < needed:
        expected, hint = f"{max(needed, least)} bytes", "There is nothing to show: get it again."
        raise TruncatedError("the file ends in its header", expected=expected, got=len(data), hint=hint)


def _check_magic(data: bytes) -> None:
    found = bytes(data[: len(MAGIC)])
    if MAGIC.startswith(found):
        return
    if found[:5] == MAGIC[:5]:
        raise CorruptError(
            "the file was changed by a transfer in text mode",
            expected=MAGIC.hex(" "),
            got=found.hex(" "),
            hint="Transfer it again in binary mode.",
        )
    raise NotIsthmusError("not an .isth file", expected=f"the magic {MAGIC.hex(' ')}", got=found.hex(" "))


def _check_known(what: str, found: int, known: Collection[int]) -> None:
    if found not in known:
        raise TooNewError(
            f"the file's {what} is unknown",
            expected=f"{what} {' or '.join(map(str, known))}",
            got=found,
            hint="Update isthmus.",
        )
