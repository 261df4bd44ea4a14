"""The frame of any medium: payload types and their counts are given, their meaning is not."""

import io

import pytest

from isthmus.bitstream.chunks import ChunkTypes
from isthmus.bitstream.envelope import assemble, parse, read_metadata
from isthmus.bitstream.head import pack_head, parse_head, read_head
from isthmus.bitstream.limits import FileLimits
from isthmus.errors import CorruptError, InputError, TruncatedError

NAME = b"N"
TYPES = ChunkTypes({NAME: "name"}, {b"S": "segment", b"Q": "quiet"})
HEAD = pack_head(7, 3, 0x0102, b"fields")


def sample() -> bytes:
    return assemble(HEAD, TYPES, {NAME: b"a name"}, {b"S": [b"one", b"two"], b"Q": iter([b"three"])})


def test_the_header_of_another_medium() -> None:
    for head in (parse_head(HEAD), parse_head(sample()), read_head(io.BytesIO(sample()))):
        assert (head.version, head.medium, head.coder, head.features) == (2, 7, 3, 0x0102)
        assert (head.fields, head.size) == (b"fields", len(HEAD))


def test_payloads_come_back_by_type() -> None:
    counts = {b"S": 2, b"Q": 1}
    found = parse(sample(), len(HEAD), TYPES, counts, FileLimits())
    assert found.payloads == {b"S": [b"one", b"two"], b"Q": [b"three"]}
    assert found.metadata == {NAME: b"a name"}
    assert sum(found.chunk_bytes.values()) + len(HEAD) == len(sample())
    stream = io.BytesIO(sample())
    stream.seek(len(HEAD))
    assert read_metadata(stream, TYPES, FileLimits()) == {NAME: b"a name"}


@pytest.mark.parametrize(
    ("counts", "match"),
    [
        ({b"S": 1, b"Q": 1}, "too many segment chunks: expected 1"),
        ({b"S": 2, b"Q": 2}, "quiet chunks are missing: expected 2, got 1"),
    ],
)
def test_other_counts(counts: dict[bytes, int], match: str) -> None:
    with pytest.raises(CorruptError, match=match):
        parse(sample(), len(HEAD), TYPES, counts, FileLimits())


def test_more_payloads_than_there_are_bytes_for() -> None:
    with pytest.raises(TruncatedError, match=r"at least 6\d+ bytes"):
        parse(sample(), len(HEAD), TYPES, {b"S": 10**9, b"Q": 1}, FileLimits())


def test_types_of_another_medium_are_unknown() -> None:
    with pytest.raises(CorruptError, match="expected a known type, got b'N'"):
        parse(sample(), len(HEAD), ChunkTypes({}, {b"T": "tile"}), {b"T": 1}, FileLimits())


def test_names_are_no_bytes() -> None:
    with pytest.raises(InputError, match="got str"):
        parse_head("a.isth")  # type: ignore[arg-type]
