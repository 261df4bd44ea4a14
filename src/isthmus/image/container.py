"""A picture's file taken apart and put together: its header, metadata, and a payload for each tile. Decodes nothing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from isthmus.bitstream import envelope
from isthmus.bitstream.head import Head, parse_head, read_head
from isthmus.image.chunks import ALPHA, CHUNKS, TILE
from isthmus.image.header import Header, pack_header, parse_header
from isthmus.image.limits import Limits


@dataclass(frozen=True)
class Container:
    """A whole file, taken apart.

    Attributes:
        header: what it says about the picture.
        metadata: uncompressed ICC, EXIF and XMP blocks by chunk type.
        alpha: a payload for each tile, or nothing.
        tiles: a payload for each tile.
        chunk_bytes: bytes on disk by chunk type, framing included.
        version: of the format.
        header_bytes: size of the header in the file.
        size: bytes of the whole file.
    """

    header: Header
    metadata: dict[bytes, bytes]
    alpha: list[memoryview]
    tiles: list[memoryview]
    chunk_bytes: dict[bytes, int]
    version: int
    header_bytes: int
    size: int

    def tile(self, index: int) -> bytes:
        """The payload of a tile, as its own bytes."""
        return bytes(self.tiles[index])


def assemble(header: Header, metadata: Mapping[bytes, bytes], alpha: Iterable[bytes], tiles: Iterable[bytes]) -> bytes:
    """The bytes of a file. ``alpha`` and ``tiles`` may be generators; they are taken in this order.

    Raises:
        LimitExceededError: a chunk or a side is beyond what the format can hold.
    """
    counts = _counts(header)
    payloads = {ALPHA: _exactly(counts[ALPHA], alpha), TILE: _exactly(counts[TILE], tiles)}
    return envelope.assemble(pack_header(header), CHUNKS, metadata, payloads)


def parse(data: bytes, limits: Limits | None = None) -> Container:
    """Take a file apart, checking every byte of its structure; payloads are views, not copies.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError, LimitExceededError: in the order of docs/format.md.
    """
    return parse_behind(parse_head(data), data, limits or Limits())


def parse_behind(head: Head, data: bytes, limits: Limits) -> Container:
    """:func:`parse` of a file whose front is read already.

    Raises:
        TruncatedError, CorruptError, TooNewError, LimitExceededError: in the order of docs/format.md.
    """
    header = parse_header(head, limits)
    found = envelope.parse(data, head.size, CHUNKS, _counts(header), limits)
    alpha, tiles = found.payloads[ALPHA], found.payloads[TILE]
    return Container(header, found.metadata, alpha, tiles, found.chunk_bytes, head.version, head.size, len(data))


def read_front(stream: IO[bytes], limits: Limits) -> tuple[Header, dict[bytes, bytes]]:
    """The header and the metadata blocks from the front of a stream; what follows them is not read to its end.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError, LimitExceededError, OSError
    """
    header = parse_header(read_head(stream), limits)
    return header, envelope.read_metadata(stream, CHUNKS, limits)


def _counts(header: Header) -> dict[bytes, int]:
    return {ALPHA: header.grid.count if header.has_alpha else 0, TILE: header.grid.count}


def _exactly(count: int, payloads: Iterable[bytes]) -> Iterator[bytes]:
    """The payloads, one by one. Our own bug if there are more or fewer: a reader insists on one a tile."""
    found = 0
    for payload in payloads:
        yield payload
        found += 1
    assert found == count
