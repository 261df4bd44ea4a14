"""The shape of a block: a few bytes that come back, and errors for what is none."""

import numpy as np
import pytest

from isthmus.bitstream.chunks import deflate
from isthmus.bitstream.varint import write_varint
from isthmus.errors import CorruptError, IsthmusError
from isthmus.sound.shape import read_shape, write_shape


def shape_of(block: bytes) -> bytes:
    compressed = deflate(block)
    return write_varint(len(compressed)) + compressed


@pytest.mark.parametrize("ranges", [0, 7])
def test_there_and_back(ranges: int) -> None:
    random = np.random.default_rng(0)
    splits = random.integers(0, 4, 50).astype(np.uint8)
    angles = random.integers(0, 16, (50, ranges)).astype(np.uint8)
    found = read_shape(write_shape(splits, angles) + b"rest", 50, ranges)
    np.testing.assert_array_equal(found[0], splits)
    np.testing.assert_array_equal(found[1], angles)
    assert found[2] == b"rest"


def test_what_stays_costs_next_to_nothing() -> None:
    assert len(write_shape(np.zeros(256, np.uint8), np.full((256, 7), 8, np.uint8))) <= 30


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x80",
        b"\x05abc",
        write_varint(5) + b"hello",
        shape_of(bytes(9)),
        shape_of(bytes(11)),
        shape_of(bytes(4) + b"\x04" + bytes(5)),
        shape_of(bytes(9) + b"\x10"),
        write_shape(np.zeros(5, np.uint8), np.zeros((5, 1), np.uint8))[:-2],
    ],
)
def test_what_is_no_shape(payload: bytes) -> None:
    with pytest.raises(CorruptError):
        read_shape(payload, 5, 1)


def test_one_that_expands_without_end() -> None:
    with pytest.raises(IsthmusError):
        read_shape(shape_of(bytes(10**7)), 5, 1)
