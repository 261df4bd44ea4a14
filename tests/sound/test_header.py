"""The header of a sound's file: its bytes, and what is refused."""

import struct

import pytest

from isthmus.bitstream.head import pack_head, parse_head
from isthmus.errors import CorruptError, LimitExceededError, TooNewError
from isthmus.quality import Quality
from isthmus.sound.header import MEDIUM, Header, pack_header, parse_header
from isthmus.sound.layout import Layout
from isthmus.sound.limits import SoundLimits

HEADER = Header(Layout(300_000, 44_100, 2), "24-bit", Quality(3350), bytes(range(8)))
FIELDS = "e093040000000000 44ac0000 02 02 160d 0001020304050607 0001 02000000"


def parsed(fields: bytes, coder: int = 1, features: int = 0, limits: SoundLimits | None = None) -> Header:
    return parse_header(parse_head(pack_head(MEDIUM, coder, features, fields)), limits or SoundLimits())


def test_its_bytes() -> None:
    data = pack_header(HEADER)
    assert data[:16].hex(" ") == "89 49 53 54 48 0d 0a 1a 02 00 32 00 02 01 00 00"
    assert data[16:-4] == bytes.fromhex(FIELDS)
    assert parse_header(parse_head(data), SoundLimits()) == HEADER


def test_fields_that_a_later_version_adds_are_passed_over() -> None:
    assert parsed(bytes.fromhex(FIELDS) + b"more") == HEADER


def test_what_is_too_new() -> None:
    for coder, features in ((2, 0), (1, 1)):
        with pytest.raises(TooNewError):
            parsed(bytes.fromhex(FIELDS), coder, features)


@pytest.mark.parametrize(
    ("offset", "form", "values"),
    [
        (0, "<Q", (0, 2**40 + 1)),
        (8, "<I", (999, 192_001)),
        (12, "<B", (0, 9)),
        (13, "<B", (0, 4)),
        (14, "<H", (10_001,)),
        (24, "<H", (255, 257)),
        (26, "<I", (0, 1, 3)),
    ],
)
def test_fields_out_of_range(offset: int, form: str, values: tuple[int, ...]) -> None:
    for value in values:
        fields = bytearray.fromhex(FIELDS)
        struct.pack_into(form, fields, offset, value)
        with pytest.raises(CorruptError):
            parsed(bytes(fields))


def test_too_few_fields() -> None:
    with pytest.raises(CorruptError, match="length"):
        parsed(bytes.fromhex(FIELDS)[:-1])


def test_too_many_samples() -> None:
    with pytest.raises(LimitExceededError, match="too long"):
        parsed(bytes.fromhex(FIELDS), limits=SoundLimits(max_samples=599_999))
    assert parsed(bytes.fromhex(FIELDS), limits=SoundLimits(max_samples=600_000)) == HEADER
