"""A whole file: header, metadata blocks, payloads, end. It knows how many payloads there are, not what they hold.

docs/format.md is normative.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from os import SEEK_CUR
from typing import IO

from isthmus.bitstream.chunks import CRC, END, MIN_CHUNK_BYTES, ChunkTypes, deflate, inflate
from isthmus.bitstream.limits import FileLimits
from isthmus.bitstream.varint import MAX_VARINT_BYTES, read_varint, write_varint
from isthmus.errors import CorruptError, LimitExceededError, TruncatedError


@dataclass(frozen=True)
class Envelope:
    """What follows the header of a file.

    Attributes:
        metadata: uncompressed blocks by chunk type.
        payloads: views into the file's bytes, in order, by chunk type.
        chunk_bytes: bytes on disk by chunk type, framing included.
    """

    metadata: dict[bytes, bytes]
    payloads: dict[bytes, list[memoryview]]
    chunk_bytes: dict[bytes, int]


class Front(bytes):
    """The beginning of a payload whose rest is missing: nothing vouches for it, and what it says ends somewhere."""


def named_parts(header_bytes: int, chunk_bytes: Mapping[bytes, int], names: Mapping[bytes, str]) -> dict[str, int]:
    """Bytes on disk by part, in their order, under the names of a medium's parts or, of others, their letters."""
    return {"header": header_bytes} | {names.get(kind, kind.decode()): size for kind, size in chunk_bytes.items()}


def assemble(
    head: bytes, types: ChunkTypes, metadata: Mapping[bytes, bytes], payloads: Mapping[bytes, Iterable[bytes]]
) -> bytes:
    """The bytes of a file.

    Arguments:
        head: the header.
        types: the medium's chunk types.
        metadata: uncompressed blocks by chunk type.
        payloads: by chunk type; they may be generators, which are consumed in the order of the types.

    Raises:
        LimitExceededError: a chunk is longer than the format can say.
    """
    # A stream in memory gives its bytes away as they are: parts joined at the end would be held twice.
    file = BytesIO()
    file.write(head)
    for kind in types.metadata:
        if kind in metadata:
            file.write(types.write(kind, deflate(metadata[kind])))
    for kind in types.payloads:
        for payload in payloads[kind]:
            file.write(types.write(kind, payload))
    file.write(types.write(END, write_varint(file.tell())))
    return file.getvalue()


def parse(data: bytes, start: int, types: ChunkTypes, counts: Mapping[bytes, int], limits: FileLimits) -> Envelope:
    """Take a file apart, checking every byte of its structure; payloads are views, not copies.

    Arguments:
        data: the whole file.
        start: bytes of its header, which is checked already.
        types: the medium's chunk types.
        counts: how many payloads of each type the header announces.
        limits: what the file may ask for.

    Raises:
        TruncatedError, CorruptError, LimitExceededError: in the order of docs/format.md.
    """
    least = start + MIN_CHUNK_BYTES * (sum(counts.values()) + 1)
    if len(data) < least:
        raise TruncatedError("the file ends early", expected=f"at least {least} bytes", got=len(data))
    found = Envelope({}, {kind: [] for kind in types.payloads}, {})
    *_, (payload, end) = _chunks(memoryview(data), start, types, counts, limits, found)
    for kind, count in counts.items():
        if len(found.payloads[kind]) != count:
            raise CorruptError(f"{types.name(kind)} chunks are missing", expected=count, got=len(found.payloads[kind]))
    _check_end(payload, end - found.chunk_bytes[END])
    if end != len(data):
        raise CorruptError("bytes follow the end chunk", expected=f"{end} bytes", got=len(data))
    return found


def parse_cut(
    data: bytes, start: int, types: ChunkTypes, counts: Mapping[bytes, int], limits: FileLimits
) -> tuple[Envelope, tuple[bytes, Front] | None]:
    """What there is of a file that may end early: the chunks that are whole, and of the next one its type, empty where
    not even that is sure, and the beginning of its payload; None of a whole file. Arguments as of `parse`.

    Raises:
        CorruptError, LimitExceededError: what is there is damaged, or asks for too much.
    """
    view = memoryview(data)
    found = Envelope({}, {kind: [] for kind in types.payloads}, {})
    position = start
    try:
        for _, end in _chunks(view, start, types, counts, limits, found):
            position = end
    except TruncatedError:
        kind, front = types.front(view, position)
        return found, (kind, Front(front))
    return found, None


def _chunks(
    view: memoryview,
    position: int,
    types: ChunkTypes,
    counts: Mapping[bytes, int],
    limits: FileLimits,
    found: Envelope,
) -> Iterator[tuple[memoryview, int]]:
    """(payload, position after it) of the chunks from a position to the end chunk, each once it is in `found`."""
    last = kind = b""
    while kind != END:
        kind, payload, end = types.read(view, position)
        found.chunk_bytes[kind] = found.chunk_bytes.get(kind, 0) + end - position
        if not kind.islower():
            types.check_order(last, kind, position)
            last = kind
        if kind in types.metadata:
            found.metadata[kind] = inflate(types.name(kind), payload, limits.max_metadata_bytes)
        elif kind in found.payloads:
            found.payloads[kind].append(payload)
            if len(found.payloads[kind]) > counts[kind]:
                raise CorruptError(f"too many {types.name(kind)} chunks", expected=counts[kind], got="more")
        yield payload, end
        position = end


def read_metadata(stream: IO[bytes], types: ChunkTypes, limits: FileLimits) -> dict[bytes, bytes]:
    """The metadata blocks by chunk type, from a stream behind the header; what follows them is not read to its end.

    Raises:
        TruncatedError, CorruptError, LimitExceededError, OSError
    """
    metadata: dict[bytes, bytes] = {}
    while True:
        front = stream.read(1 + MAX_VARINT_BYTES)
        if not front:
            raise TruncatedError("the file ends before its end chunk", got="nothing but a front")
        kind = front[:1]
        # Metadata comes first; private chunks, which are lower-case, may stand between.
        if kind not in types.metadata and not kind.islower():
            return metadata
        length, start = read_varint(memoryview(front), 1)
        if kind not in types.metadata:
            stream.seek(start + length + CRC.size - len(front), SEEK_CUR)
            continue
        # zlib makes nothing longer by more than a fraction, so this cap costs no honest file anything.
        if length > 2 * limits.max_metadata_bytes:
            raise LimitExceededError(
                f"the {types.name(kind)} chunk is too large",
                expected=f"at most {2 * limits.max_metadata_bytes}",
                got=length,
            )
        data = front + stream.read(max(start + length + CRC.size - len(front), 0))
        _, payload, end = types.read(memoryview(data), 0)
        stream.seek(end - len(data), SEEK_CUR)
        metadata[kind] = inflate(types.name(kind), payload, limits.max_metadata_bytes)


def _check_end(payload: memoryview, position: int) -> None:
    """Raise CorruptError unless the end chunk's payload is the number of bytes before it."""
    try:
        before, used = read_varint(payload, 0)
    except TruncatedError as error:
        # Of the chunk, not of the file, which goes on.
        raise CorruptError("the end chunk holds no total length", got=bytes(payload)) from error
    if before != position or used != len(payload):
        raise CorruptError("the end chunk's total length is wrong", expected=position, got=before)
