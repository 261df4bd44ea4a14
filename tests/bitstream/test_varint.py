import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.bitstream.varint import MAX_VARINT_BYTES, read_varint, write_varint
from isthmus.errors import CorruptError, TruncatedError


@pytest.mark.parametrize(
    ("value", "spelling"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "80 01"), (300, "ac 02"), (2**31 - 1, "ff ff ff ff 07")],
)
def test_literal_bytes(value: int, spelling: str) -> None:
    assert write_varint(value).hex(" ") == spelling
    assert read_varint(memoryview(b"?" + write_varint(value) + b"?"), 1) == (value, 1 + len(write_varint(value)))


@given(st.integers(0, 2**56 - 1))
def test_round_trip(value: int) -> None:
    data = write_varint(value)
    assert len(data) <= MAX_VARINT_BYTES
    assert read_varint(memoryview(data), 0) == (value, len(data))
    for end in range(len(data)):
        with pytest.raises(TruncatedError):
            read_varint(memoryview(data[:end]), 0)


@pytest.mark.parametrize(("data", "match"), [("80 00", "shortest"), ("ff 80 00", "shortest"), ("80" * 8, "too long")])
def test_other_spellings(data: str, match: str) -> None:
    with pytest.raises(CorruptError, match=match):
        read_varint(memoryview(bytes.fromhex(data) + b"\1"), 0)
