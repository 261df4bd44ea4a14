"""One chunk: type, length, payload, CRC-32; and the order in which chunks come. It does not know what payloads mean."""

import struct
import zlib
from dataclasses import dataclass, field

from isthmus.bitstream.varint import read_varint, write_varint
from isthmus.errors import CorruptError, LimitExceededError, TruncatedError

END = b"Z"

CRC = struct.Struct("<I")
MIN_CHUNK_BYTES = 1 + 1 + CRC.size
MAX_CHUNK_BYTES = 2**31 - 1
"""So that a length fits a signed 32-bit integer everywhere."""


@dataclass(frozen=True)
class ChunkTypes:
    """The chunk types of a medium: metadata, then its payloads, then the end; each by its name for messages.

    Attributes:
        metadata: of which there may be one each, compressed, in the order in which they come.
        payloads: of which there may be many, in the order in which they come.
    """

    metadata: dict[bytes, str]
    payloads: dict[bytes, str]
    _ranks: dict[bytes, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ranks = {kind: rank for rank, kind in enumerate((*self.metadata, *self.payloads, END))}
        object.__setattr__(self, "_ranks", ranks)

    def name(self, kind: bytes) -> str:
        """What messages call a type."""
        return (self.metadata | self.payloads | {END: "end"}).get(kind, repr(kind))

    def check_order(self, last: bytes, kind: bytes, position: int) -> None:
        """Raise CorruptError unless a chunk of this type may follow one of the type `last` (b"" at the beginning)."""
        if kind not in self._ranks:
            raise CorruptError(f"an unknown chunk at byte {position}", expected="a known type", got=kind)
        rank, last_rank = self._ranks[kind], self._ranks.get(last, -1)
        if rank < last_rank or (rank == last_rank and kind not in self.payloads):
            raise CorruptError(
                f"a chunk out of order at byte {position}", got=f"{self.name(kind)} after {self.name(last)}"
            )

    def write(self, kind: bytes, payload: bytes) -> bytes:
        """The bytes of a chunk.

        Raises:
            LimitExceededError: the payload is longer than the format can say.
        """
        if len(payload) > MAX_CHUNK_BYTES:
            raise LimitExceededError(
                f"the {self.name(kind)} chunk is too large",
                expected=f"at most {MAX_CHUNK_BYTES} bytes",
                got=len(payload),
            )
        body = kind + write_varint(len(payload)) + payload
        return body + CRC.pack(zlib.crc32(body))

    def read(self, view: memoryview, start: int) -> tuple[bytes, memoryview, int]:
        """(type, payload, position after the chunk); the CRC covers type, length and payload.

        Raises:
            TruncatedError, CorruptError: in the order of docs/format.md.
        """
        if start >= len(view):
            raise TruncatedError("the file ends before its end chunk", got=f"{len(view)} bytes")
        kind = bytes(view[start : start + 1])
        length, payload_start = read_varint(view, start + 1)
        payload_end = payload_start + length
        end = payload_end + CRC.size
        if length > MAX_CHUNK_BYTES or end > len(view):
            raise TruncatedError(
                f"the file ends inside its {self.name(kind)} chunk", expected=f"at least {end} bytes", got=len(view)
            )
        (stored,) = CRC.unpack_from(view, payload_end)
        check_crc(f"{self.name(kind)} chunk at byte {start}", view[start:payload_end], stored)
        if not kind.isalpha():
            raise CorruptError(f"an unknown chunk at byte {start}", expected="a letter", got=kind)
        return kind, view[payload_start:payload_end], end

    def front(self, view: memoryview, start: int) -> tuple[bytes, memoryview]:
        """Of a chunk that the file ends in: its type, empty where not even its length is there, and what there is of
        its payload."""
        try:
            length, begin = read_varint(view, start + 1)
        except TruncatedError:
            return b"", view[:0]
        return bytes(view[start : start + 1]), view[begin : begin + length]


def check_crc(what: str, covered: memoryview, stored: int) -> None:
    """Raise CorruptError unless the bytes have this CRC-32."""
    computed = zlib.crc32(covered)
    if computed != stored:
        raise CorruptError(f"the {what} is damaged", expected=f"CRC {stored:08x}", got=f"{computed:08x}")


def deflate(block: bytes) -> bytes:
    """The payload of a metadata chunk."""
    return zlib.compress(block, 9)


def inflate(name: str, payload: memoryview, max_bytes: int) -> bytes:
    """The block in the payload of a metadata chunk.

    Raises:
        CorruptError: the payload is not one whole zlib stream.
        LimitExceededError: the block is longer than `max_bytes`.
    """
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(payload, max_bytes + 1)
    except zlib.error as error:
        raise CorruptError(f"the {name} chunk cannot be inflated", got=str(error)) from None
    if len(raw) > max_bytes:
        raise LimitExceededError(
            f"the {name} block is too large",
            expected=f"at most {max_bytes} bytes",
            got="more",
            hint="Raise Limits.max_metadata_bytes if the file is trusted.",
        )
    if not stream.eof or stream.unused_data:
        raise CorruptError(f"the {name} chunk is not one whole zlib stream")
    return raw
