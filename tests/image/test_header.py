"""The header: which medium and coder, room for more fields, and the same care with damage as elsewhere."""

import io
import struct
import zlib
from dataclasses import replace

import pytest

import doubles
from containers import ALPHAS, HEADER, HEADER_LITERAL, TILES, chunk, finish, refused_with_any_bit_flipped
from isthmus.bitstream.head import MAGIC
from isthmus.errors import CorruptError, IsthmusError, TooNewError, TruncatedError
from isthmus.image.chunks import ALPHA, TILE
from isthmus.image.coders.table import CODERS
from isthmus.image.container import assemble, parse, read_front
from isthmus.image.header import pack_header
from isthmus.image.info import info_of
from isthmus.image.limits import Limits
from isthmus.tune import Tune

CODER = 255
PLAIN = replace(HEADER, coder=CODER, tune=None)
"""Of a coder without a second dial."""
BODY = b"".join([chunk(ALPHA, a) for a in ALPHAS] + [chunk(TILE, t) for t in TILES])
LITERAL = bytes.fromhex(
    "89 49535448 0d0a1a"  # magic
    "0200"  # version 2
    "2e00"  # 46 bytes of header
    "01"  # a picture
    "ff"  # by coder 255
    "0100"  # features: alpha
    "03000000 02000000"  # 3x2 pixels
    "03 03"  # three coded channels, mode LA
    "a113"  # quality 50.25
    "0123456789abcdef"  # model id
    "0200 02000000"  # tiles of 2 pixels, two of them
    "30eb6e12"  # CRC-32 of all that
    "41 02 00ff a7db6a2c"  # alpha: opaque
    "41 02 0000 2a346801"  # alpha: transparent
    "54 03 6f6e65 1b6e299c"  # tile "one"
    "54 03 74776f 8c628ff7"  # tile "two"
    "5a 01 50 c1121aec"  # end, after 80 bytes
)


@pytest.fixture(autouse=True)
def another_coder(monkeypatch: pytest.MonkeyPatch) -> None:
    coder = doubles.LosslessCoder(id=CODER)
    monkeypatch.setitem(CODERS, CODER, lambda: coder)


def with_header(added: bytes = b"", **changes: int) -> bytes:
    """The header of PLAIN with raw fields changed, bytes added behind the last, and the CRC made good."""
    fields = {"version": 2, "length": 46 + len(added), "medium": 1, "coder": CODER, "features": 1} | changes
    head = struct.pack("<8sHHBBH", MAGIC, *fields.values()) + pack_header(PLAIN)[16:-4] + added
    return head + struct.pack("<I", zlib.crc32(head))


def test_literal_bytes() -> None:
    assert assemble(PLAIN, {}, ALPHAS, TILES) == LITERAL
    parsed = parse(LITERAL)
    assert (parsed.header, parsed.version, parsed.header_bytes) == (PLAIN, 2, 46)
    assert (parsed.alpha, parsed.tiles, parsed.metadata) == (ALPHAS, TILES, {})


@pytest.mark.parametrize("coder", [0, 1])
def test_tiles_that_no_coder_wrote(coder: int) -> None:
    """Coder 1 was never released; without one, there are samples or a sharp layer."""
    with pytest.raises((CorruptError, TooNewError), match=r"without a coder: expected model 0+, and|coder is unknown"):
        parse(finish(with_header(coder=coder) + BODY))


def test_a_header_with_a_tune() -> None:
    assert pack_header(HEADER) == HEADER_LITERAL
    parsed = parse(finish(HEADER_LITERAL + BODY))
    assert (parsed.header, parsed.version, parsed.header_bytes) == (HEADER, 2, 47)
    assert info_of(parsed).tune == 0.37
    assert "quality 50.25, tune 0.37\n" in info_of(parsed).text()
    assert info_of(parse(LITERAL)).tune is None
    assert "tune" not in info_of(parse(LITERAL)).text()


@pytest.mark.parametrize("tune", [0, 100])
def test_both_ends_of_the_dial(tune: int) -> None:
    assert parse(finish(with_header(bytes([tune]), coder=2) + BODY)).header.tune == Tune(tune)


def test_a_tune_that_is_none() -> None:
    with pytest.raises(CorruptError, match="tune is out of range: expected 0 to 100, got 101"):
        parse(finish(with_header(bytes([101]), coder=2) + BODY))
    with pytest.raises(CorruptError, match="length is out of range: expected 47 to 65535, got 46"):
        parse(finish(with_header(coder=2) + BODY))
    # Behind the tune, as behind the last field of others, a later version may add some.
    assert parse(finish(with_header(b"\x25more", coder=2) + BODY)).header == HEADER


@pytest.mark.parametrize("end", range(len(LITERAL)))
def test_cut_anywhere(end: int) -> None:
    with pytest.raises(TruncatedError):
        parse(LITERAL[:end])


def test_flip_any_bit() -> None:
    refused_with_any_bit_flipped(LITERAL)


@pytest.mark.parametrize("added", [b"?", bytes(1000), bytes(65535 - 46)], ids=["1", "1000", "all there is room for"])
def test_fields_of_later_versions_are_passed_over(added: bytes) -> None:
    head = with_header(added)
    data = finish(head + BODY)
    parsed = parse(data)
    assert (parsed.header, parsed.tiles, parsed.header_bytes) == (PLAIN, TILES, len(head))
    assert read_front(io.BytesIO(data), Limits()) == (PLAIN, {})
    for cut in (13, len(head) - len(added), len(head) - 1):
        with pytest.raises(TruncatedError, match=f"{len(head)} bytes"):
            parse(data[:cut])


@pytest.mark.parametrize(
    ("head", "error", "match"),
    [
        (with_header(medium=0), TooNewError, "medium is unknown: expected medium 1, got 0"),
        (with_header(medium=2), TooNewError, "medium is unknown: expected medium 1, got 2"),
        (with_header(coder=1), TooNewError, "coder is unknown: expected coder 0 or 2 or 255, got 1"),
        (with_header(coder=254), TooNewError, "coder is unknown: expected coder 0 or 2 or 255, got 254"),
        (with_header(features=9), TooNewError, "0x0008"),
        (with_header(length=0), CorruptError, "length is out of range: expected 20"),
        (with_header(length=19), CorruptError, "length is out of range: expected 20"),
        (with_header(length=45), CorruptError, "header is damaged"),
        (with_header(length=47), CorruptError, "header is damaged"),
        # Each is wrong twice; the error is that of the earlier row of the table in docs/format.md.
        (with_header(version=3, length=0), TooNewError, "version"),
        (with_header(medium=9, coder=9), TooNewError, "medium"),
        (with_header(coder=9, features=8), TooNewError, "coder"),
    ],
)
def test_bad_headers(head: bytes, error: type[IsthmusError], match: str) -> None:
    with pytest.raises(error, match=match):
        parse(head + bytes(100))
    with pytest.raises(error, match=match):
        read_front(io.BytesIO(head + bytes(100)), Limits())


def test_a_header_too_short_for_a_picture() -> None:
    for fields in (b"", bytes(25)):
        head = struct.pack("<8sHHBBH", MAGIC, 2, 20 + len(fields), 1, 255, 0) + fields
        head += struct.pack("<I", zlib.crc32(head))
        with pytest.raises(CorruptError, match=f"length is out of range: expected 46 to 65535, got {len(head)}"):
            parse(head + bytes(100))


@pytest.mark.parametrize("end", range(len(LITERAL)))
def test_a_front_of_a_stream(end: int) -> None:
    stream = io.BytesIO(LITERAL[:end])
    if end <= 46:
        with pytest.raises(TruncatedError):
            read_front(stream, Limits())
    else:
        assert read_front(stream, Limits()) == (PLAIN, {})
