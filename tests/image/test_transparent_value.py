import numpy as np
import pytest
from PIL import Image

from image.pngs import png
from isthmus.image.files import open_picture
from isthmus.image.picture import as_picture


def samples(bits: int) -> np.ndarray:
    return np.arange(2**bits, dtype=np.uint8).reshape(2, -1)


@pytest.mark.parametrize(("bits", "value"), [(1, 0), (1, 1), (2, 0), (2, 1), (2, 3), (4, 1), (4, 5), (4, 15), (8, 200)])
@pytest.mark.parametrize("high", [0, 1 << 8])
def test_the_transparent_grey(bits: int, value: int, high: int) -> None:
    if bits == 1:
        high = 0  # Pillow makes 255 of any value but 0
    stored = samples(bits)
    file = png(stored, bits, chunks=[(b"tRNS", (value + high).to_bytes(2))])
    picture = open_picture(file)
    assert picture.has_alpha
    np.testing.assert_array_equal(picture.alpha(0, 0, *stored.shape), np.where(stored == value, 0, 255))
    greys = picture.read(0, 0, *stored.shape)[..., 0]
    np.testing.assert_array_equal(greys, stored.astype(int) * 255 // (2**bits - 1))


@pytest.mark.parametrize(("bits", "value"), [(2, 1), (2, 3), (4, 1), (4, 14)])
def test_of_an_image_that_was_loaded_before(bits: int, value: int) -> None:
    stored = samples(bits)
    with Image.open(png(stored, bits, chunks=[(b"tRNS", value.to_bytes(2))])) as image:
        image.load()
        for loaded in (image.copy(), image):
            alpha = as_picture(loaded).alpha(0, 0, *stored.shape)
            np.testing.assert_array_equal(alpha, np.where(stored == value, 0, 255))


def test_dark_greys_of_eight_bits_are_taken_as_they_are() -> None:
    stored = np.uint8([[0, 3, 85, 170]])
    with Image.open(png(stored, chunks=[(b"tRNS", b"\0\3")])) as image:
        image.load()
        assert as_picture(image).alpha(0, 0, 1, 4).tolist() == [[255, 0, 255, 255]]


def test_the_transparent_colour() -> None:
    stored = np.uint8([[[1, 2, 3], [1, 2, 4]]])
    picture = open_picture(png(stored, colour_type=2, chunks=[(b"tRNS", bytes([9, 1, 9, 2, 9, 3]))]))
    assert picture.alpha(0, 0, 1, 2).tolist() == [[0, 255]]
