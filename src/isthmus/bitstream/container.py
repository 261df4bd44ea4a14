"""The .isth bitstream: header, chunks, CRC-32 and caps. Knows nothing of pixels or models.

docs/format.md is normative; every field of it appears here once.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from os import SEEK_CUR
from typing import IO

from isthmus.errors import CorruptError, InputError, LimitExceededError, NotIsthmusError, TooNewError, TruncatedError

MAGIC = b"\x89ISTH\r\n\x1a"
VERSION = 1
COLOUR_CHANNELS = 3
FEATURE_ALPHA = 1 << 0
KNOWN_FEATURES = FEATURE_ALPHA
MAX_QUALITY = 10_000

# The mode of the picture that was encoded, by permanent number. Never renumber, only append.
MODES = {
    0: "RGB",
    1: "RGBA",
    2: "L",
    3: "LA",
    4: "1",
    5: "P",
    6: "PA",
    7: "CMYK",
    8: "YCbCr",
    9: "LAB",
    10: "HSV",
    11: "RGBX",
    12: "RGBa",
    13: "La",
}
# Modes whose files all have the alpha bit, and those that may; the others never have it.
ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")
ALPHA_OPTIONAL_MODES = ("P",)
MODE_NUMBERS = {name: number for number, name in MODES.items()}

ICC, EXIF, XMP = b"I", b"E", b"X"
METADATA = (ICC, EXIF, XMP)
ALPHA, TILE, END = b"A", b"T", b"Z"
# Chunks come in this one order; of the repeated ones there is one for each tile.
_RANK = {kind: rank for rank, kind in enumerate((*METADATA, ALPHA, TILE, END))}
_REPEATED = (ALPHA, TILE)

_PREFIX = struct.Struct("<8sH")  # magic, version: the same in every version, for ever
_FIELDS = struct.Struct("<HIIBBH8sHI")  # features, width, height, channels, mode, quality, model, tile, tiles
_CRC = struct.Struct("<I")
HEADER_BYTES = _PREFIX.size + _FIELDS.size + _CRC.size
MIN_CHUNK_BYTES = 1 + 1 + _CRC.size
MAX_CHUNK_BYTES = 2**31 - 1  # so that a length fits a signed 32-bit integer everywhere
MAX_VARINT_BYTES = 8  # 56 bits: more than any length or offset, less than a signed 64-bit integer
MAX_SIDE = 2**24  # so that tile offsets and row bytes stay far below 2**31 in every library under us


@dataclass(frozen=True)
class Limits:
    """What a file may ask for before anything is allocated; raise a limit for files you trust.

    Attributes:
        max_pixels: width times height. 16384 squared, the default of libavif.
        max_file_bytes: size of one compressed file.
        max_metadata_bytes: size of one uncompressed ICC, EXIF or XMP block; real ones stay below 4 MiB.
    """

    max_pixels: int = 16384**2
    max_file_bytes: int = 2**30
    max_metadata_bytes: int = 2**24


@dataclass(frozen=True)
class Header:
    """The fixed-width header: all that can be said about a file without its weights.

    Attributes:
        width, height: pixels.
        mode: Pillow's name of the mode of the picture that was encoded.
        quality: 0 to 10000, hundredths.
        model_id: 8 bytes, the start of the SHA-256 of the model file.
        tile_size: side of a tile in pixels.
        has_alpha: whether alpha chunks follow; the mode says whether they must.
    """

    width: int
    height: int
    mode: str
    quality: int
    model_id: bytes
    tile_size: int
    has_alpha: bool = False

    @property
    def tile_columns(self) -> int:
        return -(-self.width // self.tile_size)

    @property
    def tile_rows(self) -> int:
        return -(-self.height // self.tile_size)

    @property
    def tile_count(self) -> int:
        return self.tile_columns * self.tile_rows

    def tile_box(self, index: int) -> tuple[int, int, int, int]:
        """(top, left, height, width) of a tile in pixels; tiles count row by row."""
        row, column = divmod(index, self.tile_columns)
        top, left = row * self.tile_size, column * self.tile_size
        return top, left, min(self.tile_size, self.height - top), min(self.tile_size, self.width - left)


@dataclass(frozen=True)
class Container:
    """A whole file, taken apart.

    Attributes:
        header: the header.
        metadata: uncompressed ICC, EXIF and XMP blocks by chunk type.
        alpha: a payload for each tile, or nothing.
        tiles: a payload for each tile.
        chunk_bytes: bytes on disk by chunk type, framing included.
        size: bytes of the whole file.
    """

    header: Header
    metadata: dict[bytes, bytes]
    alpha: list[memoryview]
    tiles: list[memoryview]
    chunk_bytes: dict[bytes, int]
    size: int

    def tile(self, index: int) -> bytes:
        """The payload of a tile, as its own bytes."""
        return bytes(self.tiles[index])


def assemble(header: Header, metadata: dict[bytes, bytes], alpha: Iterable[bytes], tiles: Iterable[bytes]) -> bytes:
    """The bytes of a file. ``alpha`` and ``tiles`` may be generators; they are taken in this order.

    Raises:
        LimitExceededError: a chunk or a side is beyond what the format can hold.
    """
    parts = [pack_header(header)]
    for kind in METADATA:
        if kind in metadata:
            parts.append(_chunk(kind, zlib.compress(metadata[kind], 9)))
    alpha_parts = [_chunk(ALPHA, payload) for payload in alpha]
    tile_parts = [_chunk(TILE, payload) for payload in tiles]
    # Our own bug if not: the reader insists on one payload a tile.
    assert len(tile_parts) == header.tile_count
    assert len(alpha_parts) == (header.tile_count if header.has_alpha else 0)
    parts += alpha_parts + tile_parts
    parts.append(_chunk(END, _varint(sum(map(len, parts)))))
    return b"".join(parts)


def parse(data: bytes, limits: Limits | None = None) -> Container:
    """Take a file apart, checking every byte of its structure; payloads are views, not copies.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError, LimitExceededError: in the order of docs/format.md.
    """
    limits = limits or Limits()
    header = parse_header(data, limits)
    view = memoryview(data)
    least = HEADER_BYTES + MIN_CHUNK_BYTES * (header.tile_count * (2 if header.has_alpha else 1) + 1)
    if len(data) < least:
        raise TruncatedError("the file ends early", expected=f"at least {least} bytes", got=len(data))
    metadata: dict[bytes, bytes] = {}
    payloads: dict[bytes, list[memoryview]] = {ALPHA: [], TILE: []}
    chunk_bytes: dict[bytes, int] = {}
    counts = {ALPHA: header.tile_count if header.has_alpha else 0, TILE: header.tile_count}
    last = b""
    position = HEADER_BYTES
    while True:
        kind, payload, end = _read_chunk(view, position)
        chunk_bytes[kind] = chunk_bytes.get(kind, 0) + end - position
        if not kind.islower():
            _check_order(last, kind, position)
            last = kind
        if kind in METADATA:
            metadata[kind] = _inflate(kind, payload, limits.max_metadata_bytes)
        elif kind in payloads:
            payloads[kind].append(payload)
            if len(payloads[kind]) > counts[kind]:
                raise CorruptError(f"too many {_name(kind)} chunks", expected=counts[kind], got="more")
        elif kind == END:
            break
        position = end
    for kind, count in counts.items():
        if len(payloads[kind]) != count:
            raise CorruptError(f"{_name(kind)} chunks are missing", expected=count, got=len(payloads[kind]))
    try:
        before, used = _read_varint(payload, 0)
    except TruncatedError as error:
        # Of the chunk, not of the file, which goes on.
        raise CorruptError("the end chunk holds no total length", got=bytes(payload)) from error
    if before != position or used != len(payload):
        raise CorruptError("the end chunk's total length is wrong", expected=position, got=before)
    if end != len(data):
        raise CorruptError("bytes follow the end chunk", expected=f"{end} bytes", got=len(data))
    return Container(header, metadata, payloads[ALPHA], payloads[TILE], chunk_bytes, len(data))


def read_head(stream: IO[bytes], limits: Limits) -> tuple[Header, dict[bytes, bytes]]:
    """The header and the metadata blocks from the front of a stream; what follows them is not read to its end.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError, LimitExceededError
    """
    header = parse_header(stream.read(HEADER_BYTES), limits)
    metadata: dict[bytes, bytes] = {}
    while True:
        head = stream.read(1 + MAX_VARINT_BYTES)
        if not head:
            raise TruncatedError("the file ends before its end chunk", got="nothing but a front")
        kind = head[:1]
        # Metadata comes first; private chunks, which are lower-case, may stand between.
        if kind not in METADATA and not kind.islower():
            return header, metadata
        length, start = _read_varint(memoryview(head), 1)
        if kind not in METADATA:
            stream.seek(start + length + _CRC.size - len(head), SEEK_CUR)
            continue
        # zlib makes nothing longer by more than a fraction, so this cap costs no honest file anything.
        if length > 2 * limits.max_metadata_bytes:
            raise LimitExceededError(
                f"the {_name(kind)} chunk is too large", expected=f"at most {2 * limits.max_metadata_bytes}", got=length
            )
        data = head + stream.read(max(start + length + _CRC.size - len(head), 0))
        _, payload, end = _read_chunk(memoryview(data), 0)
        stream.seek(end - len(data), SEEK_CUR)
        metadata[kind] = _inflate(kind, payload, limits.max_metadata_bytes)


def pack_header(header: Header) -> bytes:
    """The 42 bytes of a header."""
    features = FEATURE_ALPHA if header.has_alpha else 0
    head = _PREFIX.pack(MAGIC, VERSION) + _FIELDS.pack(
        features,
        header.width,
        header.height,
        COLOUR_CHANNELS,
        MODE_NUMBERS[header.mode],
        header.quality,
        header.model_id,
        header.tile_size,
        header.tile_count,
    )
    return head + _CRC.pack(zlib.crc32(head))


def parse_header(data: bytes, limits: Limits) -> Header:
    """Read and check the header: magic, version, CRC, features, ranges, limits, in this order.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError, LimitExceededError
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InputError(
            "bytes of a file are decoded, not its name",
            expected="bytes",
            got=type(data).__name__,
            hint="decode_file takes a file's name.",
        )
    _check_magic(data)
    if len(data) < _PREFIX.size:
        raise TruncatedError("the file ends in its header", expected=f"{HEADER_BYTES} bytes", got=len(data))
    _, version = _PREFIX.unpack_from(data)
    if version > VERSION:
        raise TooNewError(
            "the file's format version is too new",
            expected=f"at most {VERSION}",
            got=version,
            hint="Update isthmus.",
        )
    if len(data) < HEADER_BYTES:
        raise TruncatedError("the file ends in its header", expected=f"{HEADER_BYTES} bytes", got=len(data))
    (stored,) = _CRC.unpack_from(data, HEADER_BYTES - _CRC.size)
    _check_crc("header", zlib.crc32(memoryview(data)[: HEADER_BYTES - _CRC.size]), stored)
    features, width, height, channels, mode, quality, model_id, tile_size, tile_count = _FIELDS.unpack_from(
        data, _PREFIX.size
    )
    if unknown := features & ~KNOWN_FEATURES:
        raise TooNewError(
            "the file needs features that this version lacks",
            expected=f"bits within {KNOWN_FEATURES:#06x}",
            got=f"{unknown:#06x}",
            hint="Update isthmus.",
        )
    _check_range("version", version, 1, VERSION)
    _check_range("width", width, 1, MAX_SIDE)
    _check_range("height", height, 1, MAX_SIDE)
    _check_range("channels", channels, COLOUR_CHANNELS, COLOUR_CHANNELS)
    _check_range("mode", mode, 0, max(MODES))
    _check_range("quality", quality, 0, MAX_QUALITY)
    _check_range("tile size", tile_size, 1, 2**16 - 1)
    header = Header(width, height, MODES[mode], quality, model_id, tile_size, bool(features & FEATURE_ALPHA))
    if header.has_alpha != (header.mode in ALPHA_MODES) and header.mode not in ALPHA_OPTIONAL_MODES:
        expected = "the alpha bit" if header.mode in ALPHA_MODES else "no alpha bit"
        raise CorruptError(f"the mode {header.mode} and the alpha bit contradict each other", expected=expected)
    if tile_count != header.tile_count:
        raise CorruptError("the tile count does not fit the size", expected=header.tile_count, got=tile_count)
    check_pixels(width, height, limits)
    # Each costs memory before any is decoded; real tiles have a million pixels, and 256 are one latent.
    if tile_count > max(1, limits.max_pixels // 256):
        raise LimitExceededError("the picture has too many tiles", expected=limits.max_pixels // 256, got=tile_count)
    return header


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Raise :class:`LimitExceededError` if the picture is larger than the format or the limits allow."""
    if max(width, height) > MAX_SIDE:
        raise LimitExceededError(
            "the picture is too long", expected=f"at most {MAX_SIDE} pixels a side", got=f"{width}x{height}"
        )
    if width * height > limits.max_pixels:
        raise LimitExceededError(
            "the picture is too large",
            expected=f"at most {limits.max_pixels} pixels",
            got=f"{width}x{height} = {width * height}",
            hint="Raise the limit (--max-pixels, Limits.max_pixels) if the file is trusted.",
        )


def _check_order(last: bytes, kind: bytes, position: int) -> None:
    if kind not in _RANK:
        raise CorruptError(f"an unknown chunk at byte {position}", expected="a known type", got=kind)
    rank, last_rank = _RANK[kind], _RANK.get(last, -1)
    if rank < last_rank or (rank == last_rank and kind not in _REPEATED):
        raise CorruptError(f"a chunk out of order at byte {position}", got=f"{_name(kind)} after {_name(last)}")


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


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise CorruptError(f"the header's {name} is out of range", expected=f"{low} to {high}", got=value)


def _check_crc(what: str, computed: int, stored: int) -> None:
    if computed != stored:
        raise CorruptError(f"the {what} is damaged", expected=f"CRC {stored:08x}", got=f"{computed:08x}")


def _name(kind: bytes) -> str:
    names = {ICC: "ICC", EXIF: "EXIF", XMP: "XMP", ALPHA: "alpha", TILE: "tile", END: "end"}
    return names.get(kind, repr(kind))


def _chunk(kind: bytes, payload: bytes) -> bytes:
    if len(payload) > MAX_CHUNK_BYTES:
        raise LimitExceededError(
            f"the {_name(kind)} chunk is too large", expected=f"at most {MAX_CHUNK_BYTES} bytes", got=len(payload)
        )
    body = kind + _varint(len(payload)) + payload
    return body + _CRC.pack(zlib.crc32(body))


def _read_chunk(view: memoryview, start: int) -> tuple[bytes, memoryview, int]:
    """(type, payload, position after the chunk); the CRC covers type, length and payload."""
    if start >= len(view):
        raise TruncatedError("the file ends before its end chunk", got=f"{len(view)} bytes")
    kind = bytes(view[start : start + 1])
    length, payload_start = _read_varint(view, start + 1)
    payload_end = payload_start + length
    end = payload_end + _CRC.size
    if length > MAX_CHUNK_BYTES or end > len(view):
        raise TruncatedError(
            f"the file ends inside its {_name(kind)} chunk", expected=f"at least {end} bytes", got=len(view)
        )
    (stored,) = _CRC.unpack_from(view, payload_end)
    _check_crc(f"{_name(kind)} chunk at byte {start}", zlib.crc32(view[start:payload_end]), stored)
    if not kind.isalpha():
        raise CorruptError(f"an unknown chunk at byte {start}", expected="a letter", got=kind)
    return kind, view[payload_start:payload_end], end


def _varint(value: int) -> bytes:
    """LEB128: seven bits a byte, lowest first, the top bit set on all but the last."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(view: memoryview, start: int) -> tuple[int, int]:
    """(value, position after it); only the shortest form is legal, so that a value has one spelling."""
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


def _inflate(kind: bytes, payload: memoryview, max_bytes: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(payload, max_bytes + 1)
    except zlib.error as error:
        raise CorruptError(f"the {_name(kind)} chunk cannot be inflated", got=str(error)) from None
    if len(raw) > max_bytes:
        raise LimitExceededError(
            f"the {_name(kind)} block is too large",
            expected=f"at most {max_bytes} bytes",
            got="more",
            hint="Raise Limits.max_metadata_bytes if the file is trusted.",
        )
    if not stream.eof or stream.unused_data:
        raise CorruptError(f"the {_name(kind)} chunk is not one whole zlib stream")
    return raw
