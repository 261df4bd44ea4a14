import lzma

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import CorruptError
from isthmus.image import samples as samples_module
from isthmus.image.samples import CONSTANT, LZMA, TURNED, VP8L, decode_samples, encode_samples, quick_size
from pictures import photo, text

shapes = st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(1, 4))


@given(hnp.arrays(np.uint8, shapes), st.sampled_from([None, 1, 2]))
@settings(max_examples=60, deadline=None)
def test_the_same_samples_come_back(samples: np.ndarray, effort: int | None) -> None:
    np.testing.assert_array_equal(decode_samples(encode_samples(samples, effort), *samples.shape), samples)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_both_coders_hold_any_number_of_samples(count: int, rng: np.random.Generator) -> None:
    smooth = np.asarray(photo(64, 48).convert("RGBA"))[..., :count].copy()
    smooth[..., -1] += np.arange(64, dtype=np.uint8)
    repeating = np.tile(rng.integers(0, 256, (1, 7, count), dtype=np.uint8), (60, 9, 1))
    kinds = set()
    for samples in (smooth, repeating):
        payload = encode_samples(samples)
        kinds.add(payload[0])
        np.testing.assert_array_equal(decode_samples(payload, *samples.shape), samples)
    assert kinds <= {VP8L, LZMA}
    assert payload[0] == LZMA


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_another_order_comes_back(count: int, rng: np.random.Generator) -> None:
    samples = rng.integers(0, 9, (7, 5, count), dtype=np.uint8)
    for order in range(1, 8 if count > 2 else 4):
        payload = samples_module._vp8l(samples, order, (0, 0))
        assert payload[:2] == bytes([TURNED, order])
        np.testing.assert_array_equal(decode_samples(payload, 7, 5, count), samples)
    for order in (0, 8, 255, *((4,) if count < 3 else ())):
        with pytest.raises(CorruptError, match="of no known kind"):
            decode_samples(bytes([TURNED, order]) + payload[2:], 7, 5, count)


def test_an_order_that_was_written_once_is_read_for_ever() -> None:
    payload = bytes.fromhex("04072f014000001fa010400014341d500820000a9af98ffcdec32e44f43f02")
    samples = [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]]
    np.testing.assert_array_equal(decode_samples(payload, 2, 2, 3), samples)


def test_harder_is_never_longer() -> None:
    picture = np.asarray(text(96, 64))
    first, shorter, shortest = (len(encode_samples(picture, effort)) for effort in (None, 1, 2))
    assert first >= shorter >= shortest
    assert quick_size(picture) >= shortest


def test_what_is_transparent_is_kept() -> None:
    samples = np.asarray(photo(64, 48).convert("RGBA")).copy()
    samples[10:, :, 3] = 0
    payload = encode_samples(samples)
    assert payload[0] == VP8L
    np.testing.assert_array_equal(decode_samples(payload, 48, 64, 4), samples)


def test_a_constant_tile_takes_a_byte_more_than_a_pixel() -> None:
    assert encode_samples(np.full((2048, 2048, 3), 7, np.uint8)) == bytes([CONSTANT, 7, 7, 7])


@pytest.mark.parametrize("shape", [(8, 8, 3), (9, 8, 3), (1, 1, 3), (9, 7, 1), (9, 7, 4)])
def test_lzma_of_another_size_is_corrupt(shape: tuple[int, int, int]) -> None:
    payload = bytes([LZMA]) + _stream(bytes(range(189)))
    assert decode_samples(payload, 9, 7, 3).tobytes() == bytes(range(189))
    with pytest.raises(CorruptError):
        decode_samples(payload, *shape)


def _stream(data: bytes) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 2**22, "lc": 4, "lp": 0, "pb": 0}]
    compressed: bytes = lzma.compress(data, lzma.FORMAT_RAW, filters=filters)
    return compressed


def test_a_stream_that_would_fill_the_memory_is_cut_short() -> None:
    bomb = bytes([LZMA]) + _stream(bytes(2**25))
    assert len(bomb) < 6_000
    with pytest.raises(CorruptError, match="wrong size: expected 48, got 49"):
        decode_samples(bomb, 4, 4, 3)


def test_bytes_behind_the_stream_are_corrupt() -> None:
    with pytest.raises(CorruptError, match="wrong size"):
        decode_samples(bytes([LZMA]) + _stream(bytes(48)) + b"?", 4, 4, 3)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00",
        b"\x00ab",
        b"\x00abcd",
        b"\x01",
        b"\x01\x2f",
        b"\x02",
        b"\x02ab",
        b"\x03abc",
        b"\x04",
        b"\x04\x01",
        b"\x01" * 40,
    ],
)
def test_nonsense_is_corrupt(payload: bytes) -> None:
    with pytest.raises(CorruptError):
        decode_samples(payload, 4, 4, 3)


@pytest.mark.parametrize("kind", [VP8L, LZMA])
def test_a_cut_or_changed_payload_is_never_a_crash(kind: int, rng: np.random.Generator) -> None:
    picture = np.asarray(photo(32, 24)) if kind == VP8L else np.tile(rng.integers(0, 9, (4, 4, 3), np.uint8), (6, 8, 1))
    payload = encode_samples(picture)
    assert payload[0] == kind
    changed = [payload[:end] for end in range(len(payload))]
    changed += [payload[:at] + bytes([payload[at] ^ 1 << at % 8]) + payload[at + 1 :] for at in range(len(payload))]
    for damaged in changed:
        # The chunk's CRC is what tells damage; here only crashes and other sizes are ruled out.
        try:
            decoded = decode_samples(damaged, 24, 32, 3)
        except CorruptError:
            continue
        assert decoded.shape == (24, 32, 3)
