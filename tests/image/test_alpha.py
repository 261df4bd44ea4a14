import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings

from isthmus.errors import CorruptError
from isthmus.image.alpha import decode_alpha, encode_alpha

planes = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(planes)
@settings(max_examples=60, deadline=None)
def test_lossless(plane: np.ndarray) -> None:
    np.testing.assert_array_equal(decode_alpha(encode_alpha(plane), *plane.shape), plane)


def test_a_constant_plane_takes_two_bytes() -> None:
    assert encode_alpha(np.full((1024, 1024), 255, np.uint8)) == b"\x00\xff"


@pytest.mark.parametrize("size", [(7, 9), (8, 8), (9, 8), (1, 1)])
def test_another_size_is_corrupt(size: tuple[int, int], rng: np.random.Generator) -> None:
    payload = encode_alpha(rng.integers(0, 256, (9, 7), dtype=np.uint8))
    with pytest.raises(CorruptError):
        decode_alpha(payload, *size)


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x00ab", b"\x01", b"\x01\x2f", b"\x02ab", b"\x01" + bytes(40)])
def test_nonsense_is_corrupt(payload: bytes) -> None:
    with pytest.raises(CorruptError):
        decode_alpha(payload, 4, 4)


def test_a_cut_payload_is_never_a_crash(rng: np.random.Generator) -> None:
    plane = rng.integers(0, 256, (16, 16), dtype=np.uint8)
    payload = encode_alpha(plane)
    for end in range(len(payload)):
        # The chunk's CRC is what tells damage; here only crashes and other sizes are ruled out.
        try:
            decoded = decode_alpha(payload[:end], 16, 16)
        except CorruptError:
            continue
        assert decoded.shape == (16, 16)
