"""Lengths as LEB128: seven bits a byte, lowest first, the top bit set on all bytes but the last."""

from isthmus.errors import CorruptError, TruncatedError

MAX_VARINT_BYTES = 8
"""56 bits: more than any length or offset, less than a signed 64-bit integer."""


def write_varint(value: int) -> bytes:
    """The shortest form of an integer of at least 0."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(view: memoryview, start: int) -> tuple[int, int]:
    """(value, position after it); only the shortest form is legal, so that a value has one spelling.

    Raises:
        TruncatedError: the bytes end inside it.
        CorruptError: it is not in its shortest form, or too long.
    """
    value = 0
    for index in range(MAX_VARINT_BYTES):
        if start + index >= len(view):
            raise TruncatedError("the file ends inside a length", got=f"{len(view)} bytes")
        byte = view[start + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if byte == 0 and index:
                raise CorruptError(f"a length at byte {start} is not in its shortest form")
            return value, start + index + 1
    raise CorruptError(f"a length at byte {start} is too long", expected=f"at most {MAX_VARINT_BYTES} bytes")
