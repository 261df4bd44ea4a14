"""The frame of a file of codes, byte by byte; tests of compression damage whole files."""

import pytest

from isthmus.autoencoder.codes import frame, parse
from isthmus.errors import LimitExceededError, UnknownModelError

ID = bytes(range(8))


def test_a_file_by_the_byte() -> None:
    assert frame(ID, 200, b"abc") == bytes.fromhex("89494145 01 0001020304050607 c801 03 616263 accb181b")


@pytest.mark.parametrize("count", [1, 127, 128, 2**20])
@pytest.mark.parametrize("payload", [b"", b"abcd", bytes(300)])
def test_what_is_framed_comes_back(count: int, payload: bytes) -> None:
    assert parse(frame(ID, count, payload), ID, numbers=16) == (count, payload)


def test_what_the_samples_would_take_is_capped_before_they_are_decoded() -> None:
    assert parse(frame(ID, 2**20, b""), ID, numbers=2**8)[0] == 2**20
    with pytest.raises(LimitExceededError, match=f"expected at most {2**19}, got {2**20}"):
        parse(frame(ID, 2**20, b""), ID, numbers=2**9)


def test_another_model_is_named() -> None:
    with pytest.raises(UnknownModelError, match="expected 0000000000000000, got 0001020304050607"):
        parse(frame(ID, 1, b""), bytes(8), numbers=1)
