import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers import ALPHAS, HEADER, HEADER_LITERAL, META, TILES, chunk, finish, refused_with_any_bit_flipped
from isthmus.bitstream.head import MAGIC
from isthmus.bitstream.varint import write_varint
from isthmus.errors import (
    BitstreamError,
    CorruptError,
    IsthmusError,
    LimitExceededError,
    NotIsthmusError,
    TooNewError,
    TruncatedError,
)
from isthmus.image.chunks import ALPHA, EXIF, ICC, TILE, XMP
from isthmus.image.container import Container, assemble, parse
from isthmus.image.header import Header, pack_header
from isthmus.image.limits import Limits
from isthmus.image.modes import MODES
from isthmus.image.picture import as_picture
from isthmus.quality import Quality
from isthmus.tune import EYE, Tune

GOLDEN = Path(__file__).parents[1] / "golden"


def sample() -> bytes:
    return assemble(HEADER, META, ALPHAS, TILES)


def with_header(**changes: object) -> bytes:
    """The header of HEADER with raw fields changed and the CRC made good."""
    names = ["magic", "version", "length", "medium", "coder", "features", "width", "height", "channels", "mode"]
    names += ["quality", "model", "tile", "tiles", "tune"]
    layout = struct.Struct("<8sHHBBHIIBBH8sHIB")
    fields = dict(zip(names, layout.unpack(pack_header(HEADER)[:-4]), strict=True))
    head = layout.pack(*(fields | changes).values())
    return head + struct.pack("<I", zlib.crc32(head))


def test_literal_bytes() -> None:
    expected = HEADER_LITERAL + bytes.fromhex(
        "41 02 00ff a7db6a2c"  # alpha: opaque
        "41 02 0000 2a346801"  # alpha: transparent
        "54 03 6f6e65 1b6e299c"  # tile "one"
        "54 03 74776f 8c628ff7"  # tile "two"
        "5a 01 51 57221d9b"  # end, after 81 bytes
    )
    assert assemble(HEADER, {}, ALPHAS, TILES) == expected
    assert (GOLDEN / "container.isth").read_bytes() == expected


def test_the_golden_file_is_read() -> None:
    parsed = parse((GOLDEN / "container.isth").read_bytes())
    assert parsed.header == HEADER
    assert (parsed.alpha, parsed.tiles, parsed.metadata) == (ALPHAS, TILES, {})


def test_the_metadata_golden_file_is_read() -> None:
    # Written bytes may differ between versions of zlib; read ones may not.
    assert parse((GOLDEN / "metadata.isth").read_bytes()).metadata == META


def test_overhead_of_a_small_picture() -> None:
    header = Header(768, 512, "RGB", Quality(5000), bytes(8), 1024, coder=2, tune=EYE)
    assert len(assemble(header, {}, [], [bytes(5000)])) - 5000 == 62


def may_have_alpha(mode: str) -> list[bool]:
    """Both for palettes; else what the name says."""
    return [False, True] if mode == "P" else [mode in ("RGBA", "LA", "PA", "RGBa", "La")]


@given(
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    mode_alpha=st.sampled_from([(mode, alpha) for mode in MODES.values() for alpha in may_have_alpha(mode)]),
    quality=st.integers(0, 10000),
    tune=st.integers(0, 100),
    tile=st.sampled_from([8, 16, 1024]),
    metadata=st.dictionaries(st.sampled_from([ICC, EXIF, XMP]), st.binary(max_size=300)),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_round_trip(
    width: int,
    height: int,
    mode_alpha: tuple[str, bool],
    quality: int,
    tune: int,
    tile: int,
    metadata: dict[bytes, bytes],
    data: st.DataObject,
) -> None:
    mode, alpha = mode_alpha
    header = Header(width, height, mode, Quality(quality), b"12345678", tile, alpha, coder=2, tune=Tune(tune))
    payloads = data.draw(st.lists(st.binary(max_size=200), min_size=header.grid.count, max_size=header.grid.count))
    alphas = payloads[::-1] if alpha else []
    parsed = parse(assemble(header, metadata, alphas, payloads))
    assert parsed.header == header
    assert (parsed.metadata, parsed.alpha, parsed.tiles) == (metadata, alphas, payloads)
    assert sum(parsed.chunk_bytes.values()) + parsed.header_bytes == parsed.size


@pytest.mark.parametrize("end", range(len(sample())))
def test_cut_anywhere(end: int) -> None:
    with pytest.raises(TruncatedError):
        parse(sample()[:end])


def test_flip_any_bit() -> None:
    refused_with_any_bit_flipped(sample())


def test_change_any_byte_to_any_other() -> None:
    data = assemble(Header(1, 1, "L", Quality(0), bytes(8), 8, coder=2, tune=EYE), {}, [], [b"ab"])
    for position in range(len(data)):
        for value in range(256):
            if value != data[position]:
                damaged = data[:position] + bytes([value]) + data[position + 1 :]
                with pytest.raises(BitstreamError):
                    parse(damaged)


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_random_bytes_behind_a_good_header(tail: bytes) -> None:
    with pytest.raises(IsthmusError):
        parse(with_header() + tail)


@pytest.mark.parametrize(
    ("data", "error", "match"),
    [
        (b"", TruncatedError, "header"),
        (b"\x89IST", TruncatedError, "header"),
        (b"\xff\xd8\xff\xe0 not ours", NotIsthmusError, "ff d8 ff"),
        (MAGIC.replace(b"\r\n", b"\n") + bytes(60), CorruptError, "text mode"),
        (with_header(version=3) + b"?", TooNewError, "got 3"),
        (with_header(version=0) + bytes(40), CorruptError, "version is out of range: expected 2 to 2, got 0"),
        (with_header(version=1) + bytes(40), CorruptError, "version is out of range: expected 2 to 2, got 1"),
        (with_header(features=8) + bytes(40), TooNewError, "0x0008"),
        (with_header(width=0) + bytes(40), CorruptError, "width"),
        (with_header(height=0) + bytes(40), CorruptError, "height"),
        (with_header(width=2**24 + 1) + bytes(40), CorruptError, "width"),
        (with_header(channels=4) + bytes(40), CorruptError, "channels"),
        (with_header(mode=max(MODES) + 1) + bytes(40), CorruptError, "mode"),
        (with_header(quality=10001) + bytes(40), CorruptError, "quality"),
        (with_header(tile=0) + bytes(40), CorruptError, "tile size"),
        (with_header(tiles=3) + bytes(40), CorruptError, "tile count"),
        (
            with_header(width=2**15, height=2**15, tile=1024, tiles=1024),
            LimitExceededError,
            "32768x32768",
        ),
    ],
)
def test_bad_headers(data: bytes, error: type[IsthmusError], match: str) -> None:
    with pytest.raises(error, match=match):
        parse(data)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("number", MODES)
def test_the_mode_and_the_alpha_bit_agree(number: int, alpha: bool) -> None:
    head = with_header(mode=number, features=int(alpha), width=1, height=1, tiles=1)
    data = finish(head + (chunk(ALPHA, b"\0\xff") if alpha else b"") + chunk(TILE, b"one"))
    if alpha in may_have_alpha(MODES[number]):
        assert parse(data).header.has_alpha == alpha
        return
    with pytest.raises(CorruptError, match=f"mode {MODES[number]} and the alpha bit contradict"):
        parse(data)


ONE = with_header(features=0, mode=2, width=1, height=1, tiles=1)
T1 = chunk(TILE, b"one")
LARGE = zlib.compress(bytes(Limits().max_metadata_bytes + 1))


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (ONE + chunk(b"Z", b"\x2a"), "ends early|missing"),
        (ONE + T1 + T1, "too many tile"),
        (ONE + chunk(ALPHA, b"\0\0") + T1, "too many alpha"),
        (ONE + T1 + chunk(ICC, zlib.compress(b"x")), "out of order"),
        (ONE + chunk(ICC, zlib.compress(b"x")) * 2 + T1, "out of order"),
        (ONE + chunk(EXIF, zlib.compress(b"x")) + chunk(ICC, zlib.compress(b"x")) + T1, "order"),
        (ONE + chunk(b"Q", b"") + T1, "unknown chunk"),
        (ONE + chunk(b"\x01", b"") + T1, "unknown chunk"),
        (ONE + chunk(ICC, b"not zlib") + T1, "inflated"),
        (ONE + chunk(ICC, zlib.compress(b"x")[:-1]) + T1, "one whole zlib"),
        (ONE + chunk(ICC, zlib.compress(b"x") + b"y") + T1, "one whole zlib"),
        (ONE + chunk(TILE, b"one", length=b"\x83\x00"), "shortest form"),
        (ONE + chunk(TILE, b"one", length=b"\xff" * 9), "too long"),
        (with_header(features=0, mode=2) + T1 + chunk(b"q", b"filler"), "missing"),
    ],
)
def test_bad_chunks(body: bytes, match: str) -> None:
    with pytest.raises((CorruptError, TruncatedError), match=match):
        parse(finish(body))


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        # Each is wrong twice; the error is that of the earlier row of the table in docs/format.md.
        ((with_header(version=3)[:20],), TooNewError),
        ((with_header(version=1, length=0)[:20],), CorruptError),
        ((ONE, b"T\x83\x00"), CorruptError),
        ((ONE, b"T" + b"\xff" * 11), CorruptError),
        ((ONE, b"T\xff\xff\x03" + bytes(20)), TruncatedError),
        ((ONE, chunk(ICC, b"not zlib"), T1[:-1] + b"?" * 9), CorruptError),
        ((ONE, chunk(ICC, LARGE + b"?", length=write_varint(len(LARGE) + 1)), b"?" * 30), LimitExceededError),
        ((ONE, chunk(b"Q", b"")[:-1] + b"?", bytes(20)), CorruptError),
    ],
)
def test_the_order_of_checks(broken: tuple[bytes, ...], error: type[IsthmusError]) -> None:
    with pytest.raises(error):
        parse(b"".join(broken).ljust(60, b"?"))


def test_unknown_lower_case_chunks_are_passed_over() -> None:
    parsed = parse(finish(ONE + chunk(b"q", b"?") + T1 + chunk(b"q", b"!")))
    assert parsed.tiles == [b"one"]


@pytest.mark.parametrize("end", [b"\x00", b"\x36", b"\x39", b"\x38\x00", b""])
def test_a_wrong_total_length(end: bytes) -> None:
    body = ONE + T1
    assert len(body) == 0x38
    parse(body + chunk(b"Z", b"\x38"))
    with pytest.raises(CorruptError):
        parse(body + chunk(b"Z", end))


def test_trailing_bytes() -> None:
    with pytest.raises(CorruptError, match="follow the end chunk"):
        parse(sample() + b"\0")


def test_limits_are_adjustable() -> None:
    header = Header(100, 100, "RGB", Quality(0), bytes(8), 1024, coder=2, tune=EYE)
    data = assemble(header, {ICC: bytes(1000)}, [], [b""])
    parse(data, Limits(max_pixels=10_000, max_metadata_bytes=1000))
    with pytest.raises(LimitExceededError, match="pixels"):
        parse(data, Limits(max_pixels=9_999))
    with pytest.raises(LimitExceededError, match="ICC"):
        parse(data, Limits(max_metadata_bytes=999))


def test_a_huge_tile_count_allocates_nothing() -> None:
    data = with_header(features=0, mode=2, width=2**14, height=2**14, tile=16, tiles=2**20)
    with pytest.raises(TruncatedError, match="ends early"):
        parse(data + bytes(958))
    # Where the file is as long as it must be, every tile would cost memory.
    data = with_header(features=0, mode=2, width=2**14, height=2**14, tile=1, tiles=2**28)
    with pytest.raises(LimitExceededError, match="too many tiles"):
        parse(data + bytes(958))


def test_what_no_reader_takes_is_not_written() -> None:
    for shape in ((1, 2**24 + 1), (2**24 + 1, 1)):
        with pytest.raises(LimitExceededError, match="at most 16777216 pixels a side"):
            as_picture(np.zeros(shape, np.uint8))


def test_the_same_input_gives_the_same_bytes() -> None:
    assert sample() == sample()
    assert isinstance(parse(sample()), Container)
