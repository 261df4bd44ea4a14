"""A picture's file taken apart and put together: its header, metadata, and a payload for each tile. Decodes nothing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from isthmus.bitstream import envelope
from isthmus.bitstream.envelope import Front
from isthmus.bitstream.head import Head, parse_head, read_head
from isthmus.errors import CorruptError, InputError
from isthmus.image.chunks import ALPHA, CHUNKS, PALETTE, SAMPLES, SHARP, TILE
from isthmus.image.coders.table import NO_CODER
from isthmus.image.header import Header, pack_header, parse_header
from isthmus.image.limits import Limits
from isthmus.text import counted

PLAUSIBLE_PIXELS_PER_BYTE = 1000
"""Photographs have at most some 200; files beyond this are checked to the last tile before any pixel is made."""


@dataclass(frozen=True)
class Container:
    """A whole file, taken apart.

    Attributes:
        header: what it says about the picture.
        metadata: uncompressed ICC, EXIF, XMP and palette blocks by chunk type.
        alpha: a payload for each tile, or nothing.
        tiles: a payload for each tile; of a lossless file, nothing.
        samples: a payload for each tile of a lossless file, or nothing.
        sharp: a payload for each tile of a file with a sharp layer, or nothing.
        chunk_bytes: bytes on disk by chunk type, framing included.
        version: of the format.
        header_bytes: size of the header in the file.
        size: bytes of the whole file.
        whole_tiles: how many payloads of tiles are whole, where the file ends early and was taken apart all the same;
            the next one is what there is of it, and those after it are empty. None of any other file.
    """

    header: Header
    metadata: dict[bytes, bytes]
    alpha: list[memoryview]
    tiles: list[memoryview]
    samples: list[memoryview]
    sharp: list[memoryview]
    chunk_bytes: dict[bytes, int]
    version: int
    header_bytes: int
    size: int
    whole_tiles: int | None = None

    @property
    def is_suspicious(self) -> bool:
        """Whether few bytes promise a huge picture: no memory should grow to it before every byte has been believed."""
        pixels, grid = self.header.width * self.header.height, self.header.grid
        return grid.count > 1 and pixels > PLAUSIBLE_PIXELS_PER_BYTE * self.size

    def tile(self, index: int) -> bytes:
        """The payload of a tile, as its own bytes."""
        if self.whole_tiles is not None and index >= self.whole_tiles:
            return Front(self.tiles[index])
        return bytes(self.tiles[index])

    @property
    def missing(self) -> str:
        """What is not there of a file that ends early, for people; else nothing."""
        whole, count = self.whole_tiles, self.header.grid.count
        if whole is None:
            return ""
        if whole == count:
            return "the file ends early, but after its last tile"
        there = len(self.tiles[whole])
        part = f", {there} bytes of the next" if there else ""
        return f"the file ends early: {whole} of {counted(count, 'tile')} whole{part}; the rest is made up or grey"


def assemble(
    header: Header,
    metadata: Mapping[bytes, bytes],
    alpha: Iterable[bytes] = (),
    tiles: Iterable[bytes] = (),
    samples: Iterable[bytes] = (),
    sharp: Iterable[bytes] = (),
) -> bytes:
    """The bytes of a file. The payloads may come from generators; they are taken in this order.

    Raises:
        LimitExceededError: a chunk or a side is beyond what the format can hold.
    """
    counts = _counts(header)
    given = {ALPHA: alpha, TILE: tiles, SAMPLES: samples, SHARP: sharp}
    payloads = {kind: _exactly(counts[kind], some) for kind, some in given.items()}
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
    _check_palette(header, found.metadata)
    alpha, tiles, samples, sharp = (found.payloads[kind] for kind in (ALPHA, TILE, SAMPLES, SHARP))
    sizes = (head.version, head.size, len(data))
    return Container(header, found.metadata, alpha, tiles, samples, sharp, found.chunk_bytes, *sizes)


def parse_cut(head: Head, data: bytes, limits: Limits) -> Container:
    """:func:`parse_behind` of a file that may end early, for what there is of it. A tile that is missing has an empty
    payload; transparency and the sharp layer have none there.

    Raises:
        InputError: nothing can be shown of a file without its end.
        CorruptError, TooNewError, LimitExceededError: what is there is damaged.
    """
    header = parse_header(head, limits)
    found, cut = envelope.parse_cut(data, head.size, CHUNKS, _counts(header), limits)
    tiles, whole = found.payloads[TILE], None
    if cut:
        if header.lossless or header.coder == NO_CODER:
            what = "a lossless file" if header.lossless else "a file without a photo layer"
            raise InputError(f"{what} that ends early", expected="the whole file")
        whole = len(tiles)
        if whole < header.grid.count:
            kind, front = cut
            first = memoryview(front if kind == TILE else b"")
            tiles = [*tiles, first, *[memoryview(b"")] * (header.grid.count - whole - 1)]
    else:
        _check_palette(header, found.metadata)
    sizes = (head.version, head.size, len(data), whole)
    return Container(
        header,
        found.metadata,
        found.payloads[ALPHA],
        tiles,
        found.payloads[SAMPLES],
        found.payloads[SHARP],
        found.chunk_bytes,
        *sizes,
    )


def read_front(stream: IO[bytes], limits: Limits) -> tuple[Header, dict[bytes, bytes]]:
    """The header and the metadata blocks from the front of a stream; what follows them is not read to its end.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError, LimitExceededError, OSError
    """
    header = parse_header(read_head(stream), limits)
    metadata = envelope.read_metadata(stream, CHUNKS, limits)
    _check_palette(header, metadata)
    return header, metadata


def _check_palette(header: Header, metadata: Mapping[bytes, bytes]) -> None:
    """Raise CorruptError unless there is a palette where there must be one: 1 to 256 colours."""
    palette, mode = metadata.get(PALETTE), header.palette_mode
    if (palette is None) != (mode is None):
        expected = "no palette" if mode is None else f"one of {mode}"
        raise CorruptError("the mode and the palette contradict each other", expected=expected)
    if palette is not None and mode is not None:
        entry = len(mode)
        if len(palette) % entry or not entry <= len(palette) <= 256 * entry:
            raise CorruptError("the palette's size", expected=f"1 to 256 times {entry} bytes", got=len(palette))


def _counts(header: Header) -> dict[bytes, int]:
    """Payloads by chunk type."""
    tiles, lossless = header.grid.count, header.lossless
    return {
        ALPHA: tiles if header.has_alpha and not lossless else 0,
        TILE: 0 if lossless else tiles,
        SAMPLES: tiles if lossless else 0,
        SHARP: tiles if header.sharp else 0,
    }


def _exactly(count: int, payloads: Iterable[bytes]) -> Iterator[bytes]:
    """The payloads, one by one. Our own bug if there are more or fewer: a reader insists on one a tile."""
    found = 0
    for payload in payloads:
        yield payload
        found += 1
    assert found == count
