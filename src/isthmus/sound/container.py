"""A sound's file taken apart and put together: its header, tags, and payloads. Decodes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from isthmus.bitstream import envelope
from isthmus.bitstream.head import Head
from isthmus.errors import CorruptError, LimitExceededError
from isthmus.plain import json_text
from isthmus.sound.chunks import BLOCK, CHUNKS, TAGS
from isthmus.sound.header import Header, pack_header, parse_header
from isthmus.sound.limits import SoundLimits

Tags = Mapping[str, str]
"""Title, artist and so on, by name."""


@dataclass(frozen=True)
class Container:
    """A whole file, taken apart.

    Attributes:
        header: what it says about the sound.
        tags: title, artist and so on.
        payloads: for each block, one for each pair of channels.
        chunk_bytes: bytes on disk by chunk type, framing included.
        version: of the format.
        header_bytes: size of the header in the file.
        size: bytes of the whole file.
    """

    header: Header
    tags: Tags
    payloads: list[memoryview]
    chunk_bytes: dict[bytes, int]
    version: int
    header_bytes: int
    size: int

    def payload(self, block: int, pair: int) -> bytes:
        """The payload of a block of a pair of channels, as its own bytes."""
        return bytes(self.payloads[block * self.header.layout.pairs + pair])


def assemble(header: Header, tags: Tags, payloads: Iterable[bytes], limits: SoundLimits) -> bytes:
    """The bytes of a file. ``payloads`` may be a generator.

    Raises:
        LimitExceededError: tags or a chunk are beyond what the format can hold.
    """
    metadata = {TAGS: json_text(dict(tags), sort_keys=True, ensure_ascii=False).encode()} if tags else {}
    for block in metadata.values():
        if len(block) > limits.max_metadata_bytes:
            raise LimitExceededError(
                "the tags are too large",
                expected=f"at most {limits.max_metadata_bytes} bytes",
                got=len(block),
                hint="Leave them out with --strip (strip=True).",
            )
    return envelope.assemble(pack_header(header), CHUNKS, metadata, {BLOCK: payloads})


def parse_behind(head: Head, data: bytes, limits: SoundLimits) -> Container:
    """Take a file apart whose front is read already, checking every byte of its structure.

    Raises:
        TruncatedError, CorruptError, TooNewError, LimitExceededError: in the order of docs/format.md.
    """
    header = parse_header(head, limits)
    found = envelope.parse(data, head.size, CHUNKS, {BLOCK: header.payloads}, limits)
    tags = _parsed_tags(found.metadata[TAGS]) if TAGS in found.metadata else {}
    return Container(header, tags, found.payloads[BLOCK], found.chunk_bytes, head.version, head.size, len(data))


def _parsed_tags(block: bytes) -> Tags:
    try:
        tags = json.loads(block)
    except (ValueError, RecursionError) as error:
        raise CorruptError("the tags are no JSON", got=str(error)) from None
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise CorruptError(
            "the tags are not what they should be", expected="an object of text", got=type(tags).__name__
        )
    return tags
