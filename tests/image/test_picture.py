from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from isthmus.errors import InputError
from isthmus.image.modes import MODE_NUMBERS, as_mode, restored_mode
from isthmus.image.picture import as_picture
from pictures import photo, whole


def in_mode(mode: str) -> Image.Image:
    image = photo()
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        return ImageCms.applyTransform(image, ImageCms.buildTransform(srgb, lab, "RGB", "LAB"))
    if mode in ("La", "RGBa"):
        return image.convert(mode[:-1] + "A").convert(mode)
    if mode == "PA":
        return image.convert("P").convert("PA")
    if mode == "RGBX":
        return Image.frombytes("RGBX", image.size, image.convert("RGBA").tobytes())
    return image.convert(mode)


@pytest.mark.parametrize("mode", MODE_NUMBERS)
def test_every_mode_is_read_in_windows(mode: str) -> None:
    picture = as_picture(in_mode(mode))
    assert (picture.width, picture.height) == (13, 9)
    pixels = whole(picture)
    assert pixels.shape == (9, 13, 3)
    np.testing.assert_array_equal(picture(2, 3, 4, 5), pixels[2:6, 3:8])
    assert picture.has_alpha == (mode in ("RGBA", "LA", "PA", "RGBa", "La"))
    restored = restored_mode(picture.mode, picture.has_alpha)
    assert restored == mode or any(f"comes back as {restored}" in note for note in picture.notes)


def test_transparency_left_over_in_a_mode_that_has_none() -> None:
    image = photo().convert("CMYK")
    image.info["transparency"] = (0, 0, 0)
    assert not as_picture(image).has_alpha


@pytest.mark.parametrize(("mode", "close"), [("YCbCr", 2), ("LAB", 2), ("RGBa", 0), ("RGBX", 0)])
def test_colours_survive_the_conversion(mode: str, close: float) -> None:
    difference = whole(as_picture(in_mode(mode))).astype(int) - np.asarray(photo())
    assert abs(difference).mean() <= close


@pytest.mark.parametrize(
    ("shape", "mode", "has_alpha"),
    [
        ((4, 5), "L", False),
        ((4, 5, 1), "L", False),
        ((4, 5, 2), "LA", True),
        ((4, 5, 3), "RGB", False),
        ((4, 5, 4), "RGBA", True),
    ],
)
def test_arrays(shape: tuple[int, ...], mode: str, has_alpha: bool, rng: np.random.Generator) -> None:
    array = rng.integers(0, 256, shape, dtype=np.uint8)
    picture = as_picture(array)
    assert (picture.mode, picture.has_alpha) == (mode, has_alpha)
    channels = array.reshape(4, 5, -1)
    colours = channels[..., :3] if channels.shape[2] > 2 else channels[..., [0, 0, 0]]
    np.testing.assert_array_equal(whole(picture), colours)
    if has_alpha:
        np.testing.assert_array_equal(picture.alpha(1, 2, 3, 3), channels[1:4, 2:5, -1])


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.zeros((4, 4), np.uint16), "uint8.*uint16.*depth=8"),
        (np.zeros((4, 4, 3), np.float32), "float32"),
        (np.zeros((4, 4, 5), np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "shape"),
        (np.zeros(4, np.uint8), "shape"),
        (np.zeros((3, 40, 60), np.uint8), r"shape.*got \(3, 40, 60\)\. Channels come last: a\.transpose\(1, 2, 0\)"),
        (None, "expected a Pillow image or an array, got NoneType"),
        ("photo.jpg", "name.*got str.*encode_file"),
        (Path("photo.jpg"), "name.*got PosixPath.*encode_file"),
        (b"\x89PNG", "its bytes.*got bytes.*BytesIO"),
    ],
)
def test_unusable_arrays(array: np.ndarray, match: str) -> None:
    with pytest.raises(InputError, match=match):
        as_picture(array)


def test_grey_stays_grey(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    grey = as_mode(pixels, "L")
    assert (grey == grey[..., :1]).all()
    assert set(np.unique(as_mode(pixels, "1"))) <= {0, 255}
    assert as_mode(pixels, "RGB") is pixels
