"""EXIF blocks as what they are, small TIFF files: single entries are read, changed and added; no other byte moves.

Text in any encoding, maker notes, thumbnails and directories inside stay where they are, so offsets among them hold.
"""

import re
import struct
from dataclasses import dataclass
from typing import Self

PREFIX = b"Exif\0\0"
"""What JPEG puts in front of a block."""
ORIENTATION = 0x0112
DESCRIPTION, SOFTWARE, ARTIST, COPYRIGHT = 0x010E, 0x0131, 0x013B, 0x8298
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128

# Exif 2.32, 4.6.8: not recorded beside compressed pixels; and what TIFF has besides.
_LAYOUT = frozenset({*range(254, 260), 262, 266, 273, 277, 278, 279, 284, 317, 320, *range(322, 326), 338, 339, 530})

ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 2, 3, 4, 5, 7
_INCH, _CENTIMETRE = 2, 3
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_EMPTY = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"
_BARE = re.compile(rb"^(?:Exif\0\0){1,2}")
_MAX_DENOMINATOR = 1000


@dataclass(frozen=True)
class Entry:
    """An entry of a directory.

    Attributes:
        tag, kind, count: as TIFF numbers them; `kind` is the type of the values.
        value: 4 bytes: the values, or the offset of where they stand.
        data: the bytes of the values, or None where they lie outside the block.
    """

    tag: int
    kind: int
    count: int
    value: bytes
    data: bytes | None


@dataclass(frozen=True)
class Directory:
    """The first directory of a block.

    Attributes:
        order: of bytes, as `struct` writes it: < or >.
        at: offset of its first entry.
        entries: as they stand.
        following: the offset of the next directory, 0 for none.
    """

    order: str
    at: int
    entries: tuple[Entry, ...]
    following: int

    @classmethod
    def of(cls, block: bytes) -> Self:
        """Read a block that starts with II or MM.

        Raises:
            ValueError: it is no such block.
        """
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
        if order is None:
            raise ValueError(f"no EXIF block: it starts with {block[:4].hex(' ')}")
        try:
            (start,) = struct.unpack_from(order + "I", block, 4)
            (count,) = struct.unpack_from(order + "H", block, start)
            entries = tuple(_entry(block, order, start + 2 + 12 * index) for index in range(count))
        except struct.error as error:
            raise ValueError(f"an EXIF block is cut off: {error}") from None
        end = block[start + 2 + 12 * count :][:4]
        following = struct.unpack(order + "I", end)[0] if len(end) == 4 else 0
        return cls(order, start + 2, entries, following)

    def get(self, tag: int) -> Entry | None:
        """The first entry of a tag."""
        return next((entry for entry in self.entries if entry.tag == tag), None)


def _entry(block: bytes, order: str, at: int) -> Entry:
    tag, kind, count, value = struct.unpack_from(order + "HHI4s", block, at)
    size = _TYPE_BYTES.get(kind, 0) * count
    begin = at + 8 if size <= 4 else struct.unpack(order + "I", value)[0]
    data = block[begin : begin + size]
    return Entry(tag, kind, count, value, data if len(data) == size and kind in _TYPE_BYTES else None)


def bare(block: bytes) -> bytes:
    """A block without what JPEG puts in front of it."""
    return _BARE.sub(b"", block)


def upright(block: bytes) -> bytes:
    """A block whose picture needs no turning: 12 bytes of it say so now, or it never said anything else.

    The thumbnail's own orientation stays: its pixels are as they were.
    """
    try:
        directory = Directory.of(block)
    except ValueError:
        return block
    changed = bytearray(block)
    for index, entry in enumerate(directory.entries):
        if entry.tag == ORIENTATION and entry.data is not None and entry.data.strip(b"\0") != b"\1":
            new = struct.pack(directory.order + "HHIHH", ORIENTATION, SHORT, 1, 1, 0)
            at = directory.at + 12 * index
            changed[at : at + 12] = new
    return bytes(changed)


def without_layout(block: bytes) -> bytes:
    """A block without the tags that would lay out the samples of another file, if somebody copied them into one.

    EXIF beside compressed pixels has none by its own rules: most blocks stay as they are. Nothing else moves.
    """
    try:
        directory = Directory.of(block)
    except ValueError:
        return block
    kept = [index for index, entry in enumerate(directory.entries) if entry.tag not in _LAYOUT]
    dropped = len(directory.entries) - len(kept)
    if not dropped:
        return block
    rows = b"".join(block[directory.at + 12 * index :][:12] for index in kept)
    new = struct.pack(directory.order + "H", len(kept)) + rows + struct.pack(directory.order + "I", directory.following)
    end = directory.at + 12 * len(directory.entries) + 4
    return (block[: directory.at - 2] + new).ljust(end, b"\0") + block[end:]


def with_entries(block: bytes, added: dict[int, tuple[int, bytes]]) -> bytes:
    """A block with more entries in its first directory, which moves to the end; nothing else does.

    Args:
        block: starting with II or MM, or empty.
        added: (type, values in big endian or text) by tag; tags that are there already are left as they are.

    Raises:
        ValueError: the block is none.
    """
    if not added:
        return block
    directory = Directory.of(block or _EMPTY)
    there = {entry.tag for entry in directory.entries}
    new = {tag: values for tag, values in added.items() if tag not in there}
    if not new:
        return block
    block = block or _EMPTY[:8]
    block += b"\0" * (len(block) % 2)
    order = directory.order
    start = len(block)
    beyond = start + 2 + 12 * (len(directory.entries) + len(new)) + 4
    rows = [(e.tag, struct.pack(order + "HHI4s", e.tag, e.kind, e.count, e.value)) for e in directory.entries]
    tail = b""
    for tag, (kind, data) in new.items():
        data = _in_order(data, kind, order)
        value = data.ljust(4, b"\0")
        if len(data) > 4:
            value = struct.pack(order + "I", beyond + len(tail))
            tail += data + b"\0" * (len(data) % 2)
        rows.append((tag, struct.pack(order + "HHI4s", tag, kind, len(data) // _TYPE_BYTES[kind], value)))
    rows.sort(key=lambda row: row[0])
    listed = struct.pack(order + "H", len(rows)) + b"".join(row for _, row in rows)
    listed += struct.pack(order + "I", directory.following)
    return block[:4] + struct.pack(order + "I", start) + block[8:] + listed + tail


def _in_order(data: bytes, kind: int, order: str) -> bytes:
    letter = {SHORT: "H", LONG: "I", RATIONAL: "I"}.get(kind)
    if letter is None or order == ">":
        return data
    count = len(data) // struct.calcsize(letter)
    return struct.pack(f"<{count}{letter}", *struct.unpack(f">{count}{letter}", data))


def text_entry(text: bytes) -> tuple[int, bytes]:
    """A line of text as `with_entries` takes it."""
    return ASCII, text.rstrip(b"\0") + b"\0"


def resolution_entries(dpi: tuple[float, float]) -> dict[int, tuple[int, bytes]]:
    """Pixels an inch, across and down, as `with_entries` takes them."""
    across, down = (struct.pack(">II", round(value * _MAX_DENOMINATOR), _MAX_DENOMINATOR) for value in dpi)
    return {
        X_RESOLUTION: (RATIONAL, across),
        Y_RESOLUTION: (RATIONAL, down),
        RESOLUTION_UNIT: (SHORT, struct.pack(">H", _INCH)),
    }


def resolution_of(block: bytes) -> tuple[float, float] | None:
    """Pixels an inch, across and down, where a block says so."""
    try:
        directory = Directory.of(block)
    except ValueError:
        return None
    found = [directory.get(tag) for tag in (X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT)]
    data = [entry.data if entry else None for entry in found]
    if data[0] is None or data[1] is None or len(data[0]) != 8 or len(data[1]) != 8:
        return None
    order = directory.order
    unit = struct.unpack_from(order + "H", data[2])[0] if data[2] and len(data[2]) >= 2 else _INCH
    inch = {_INCH: 1.0, _CENTIMETRE: 2.54}.get(unit)
    (a, b), (c, d) = struct.unpack(order + "II", data[0]), struct.unpack(order + "II", data[1])
    if inch and a and b and c and d:
        return a / b * inch, c / d * inch
    return None
