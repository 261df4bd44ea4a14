import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import CorruptError
from isthmus.image.mask import decode_mask, encode_mask, everywhere, pixels_of
from isthmus.image.sharp import AV1, EVERYWHERE, NOWHERE, SOMEWHERE, decode_sharp, encode_sharp, sharp_mask
from isthmus.likeness import psnr_db
from isthmus.quality import Quality
from pictures import text

PIXELS = np.asarray(text(100, 70))
MIDDLE = everywhere(70, 100, shown=False)
MIDDLE[1:4, 2:5] = True


@given(hnp.arrays(bool, st.tuples(st.integers(1, 64), st.integers(1, 64))), st.binary(max_size=20))
@settings(max_examples=60, deadline=None)
def test_masks_come_back(mask: np.ndarray, behind: bytes) -> None:
    data = encode_mask(mask)
    found, used = decode_mask(data + behind, 16 * mask.shape[0], 16 * mask.shape[1] - 15)
    np.testing.assert_array_equal(found, mask)
    assert used == len(data)


def test_masks_of_another_size_are_corrupt() -> None:
    data = encode_mask(np.ones((5, 7), bool))
    for size in ((5, 9), (4, 7), (10, 7)):
        with pytest.raises(CorruptError, match="mask"):
            decode_mask(data, 16 * size[0], 16 * size[1])
    for end in range(len(data)):
        with pytest.raises(CorruptError, match="mask"):
            decode_mask(data[:end], 80, 112)
    bomb = encode_mask(np.zeros((4000, 8000), bool))
    with pytest.raises(CorruptError, match="wrong size: expected 5 bytes, got 6"):
        decode_mask(bomb, 80, 112)


def test_a_mask_that_was_written_once_is_read_for_ever() -> None:
    mask, used = decode_mask(bytes.fromhex("63287878800100"), 70, 100)
    np.testing.assert_array_equal(mask, MIDDLE)
    assert used == 7


def test_a_mask_of_pixels() -> None:
    shown = pixels_of(MIDDLE, 70, 100)
    assert shown.shape == (70, 100)
    assert shown.sum() == 48 * 48
    assert shown[16:64, 32:80].all()


@pytest.mark.parametrize("percent", [0, 30, 50, 100])
def test_everywhere(percent: float) -> None:
    payload = encode_sharp(PIXELS, everywhere(70, 100), Quality.of(percent))
    tile = decode_sharp(payload, 70, 100)
    assert (payload[0], tile.kind) == (EVERYWHERE, EVERYWHERE)
    assert tile.pixels is not None
    assert psnr_db(PIXELS, tile.pixels) > 17 + percent / 5


def test_somewhere() -> None:
    payload = encode_sharp(PIXELS, MIDDLE, Quality.of(60))
    tile = decode_sharp(payload, 70, 100)
    assert (payload[0], tile.kind) == (SOMEWHERE, SOMEWHERE)
    below = np.full((70, 100, 3), 9, np.uint8)
    tile.shown_over(below, (slice(None), slice(None)))
    shown = pixels_of(MIDDLE, 70, 100)
    assert (below[~shown] == 9).all()
    assert psnr_db(PIXELS[16:64, 32:80], below[16:64, 32:80]) > 30
    part = np.full((20, 30, 3), 9, np.uint8)
    tile.shown_over(part, (slice(10, 30), slice(70, 100)))
    np.testing.assert_array_equal(part, below[10:30, 70:100])


def test_blocks_that_do_not_show_cost_next_to_nothing(rng: np.random.Generator) -> None:
    noisy = rng.integers(0, 256, PIXELS.shape, dtype=np.uint8)
    shown = pixels_of(MIDDLE, 70, 100)[..., None]
    noisy, calm = np.where(shown, PIXELS, noisy), np.where(shown, PIXELS, np.uint8(255))
    quality = Quality.of(60)
    assert encode_sharp(noisy, MIDDLE, quality) == encode_sharp(calm, MIDDLE, quality)
    assert len(encode_sharp(noisy, MIDDLE, quality)) < 0.6 * len(encode_sharp(PIXELS, everywhere(70, 100), quality))


def test_what_is_shorter_without_loss_is_kept_without() -> None:
    bars = np.zeros((64, 64, 3), np.uint8)
    bars[::2] = 255
    payload = encode_sharp(bars, everywhere(64, 64), Quality.of(10))
    assert payload[1] != AV1
    np.testing.assert_array_equal(decode_sharp(payload, 64, 64).pixels, bars)


def test_nowhere() -> None:
    tile = decode_sharp(bytes([NOWHERE]), 70, 100)
    assert (tile.kind, tile.pixels, tile.mask.any()) == (NOWHERE, None, False)
    below = np.full((70, 100, 3), 9, np.uint8)
    tile.shown_over(below, (slice(None), slice(None)))
    assert (below == 9).all()


@pytest.mark.parametrize(
    "payload", [b"", b"\0?", b"\x01", b"\x01\x03", b"\x02", b"\x02\x03\x03", b"\x03", b"\x01\x04abc"]
)
def test_nonsense_is_corrupt(payload: bytes) -> None:
    with pytest.raises(CorruptError):
        decode_sharp(payload, 70, 100)


def test_the_place_is_known_without_decoding() -> None:
    payload = encode_sharp(PIXELS, MIDDLE, Quality.of(60))
    mask, rest = sharp_mask(payload, 70, 100)
    np.testing.assert_array_equal(mask, MIDDLE)
    assert payload.endswith(rest)
    assert rest[0] == AV1
