"""What an output format cannot hold is converted and said, or refused."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from isthmus.errors import InputError
from isthmus.image.saving import write_picture
from pictures import photo


def written(image: Image.Image, format_name: str, quality: int | None = None) -> tuple[Image.Image, str]:
    stream = io.BytesIO()
    notes = write_picture(image, stream, format_name, quality)
    return Image.open(stream), "; ".join(notes)


def see_through(low: int = 0) -> Image.Image:
    image = photo(30, 20).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size).point(lambda value: max(value, low)))
    return image


@pytest.mark.parametrize("name", ["PNG", "TIFF", "TGA", "QOI", "SGI", "PCX", "BMP", "PPM", "ICO", "JPEG2000"])
def test_what_is_held_is_held_without_a_word(name: str) -> None:
    kept, notes = written(photo(30, 20), name)
    assert notes == ""
    np.testing.assert_array_equal(np.asarray(kept.convert("RGB")), np.asarray(photo(30, 20)))


@pytest.mark.parametrize(("name", "size"), [("ICO", "256x192"), ("ICNS", "1024x1024")])
def test_a_size_that_cannot_be_held_is_refused(name: str, size: str) -> None:
    with pytest.raises(InputError, match=f"of this size: expected {size}, got 400x300.*--max-side"):
        written(photo(400, 300), name)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("name", ["BMP", "DIB", "PPM", "GIF", "JPEG"])
def test_transparency_that_cannot_be_held_is_refused(name: str, mode: str) -> None:
    stream = io.BytesIO()
    with pytest.raises(InputError, match=r"cannot hold .*\.webp"):
        write_picture(see_through().convert(mode), stream, name)
    assert stream.getvalue() == b""


def test_colours_that_are_approximate_are_said() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    _, notes = written(Image.fromarray(colours), "GIF")
    assert notes == "GIF holds this picture in its 256 colours only approximately"


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_profile_of_srgb_is_left_out(mode: str) -> None:
    image = photo(30, 20).convert(mode)
    image.info["icc_profile"] = SRGB
    kept, notes = written(image, "BMP")
    assert notes == "BMP holds no ICC profile: left out, the colours are those of sRGB without it"
    np.testing.assert_array_equal(np.asarray(kept), np.asarray(image))


@pytest.mark.parametrize(("name", "transparent"), [("BMP", False), ("TGA", True)])
def test_a_profile_of_other_colours_is_applied(name: str, transparent: bool) -> None:
    image = see_through() if transparent else photo(30, 20)
    # Red and green change places: what sRGB calls (r, g, b) is (g, r, b) here.
    image.info["icc_profile"] = SRGB.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")
    kept, notes = written(image, name)
    assert notes == f"{name} holds no ICC profile: converted to sRGB"
    swapped = np.asarray(image)[..., [1, 0, 2, 3][: 4 if transparent else 3]]
    assert np.abs(np.asarray(kept).astype(int) - swapped).max() <= 2
    if transparent:
        assert kept.getchannel("A").tobytes() == image.getchannel("A").tobytes()


def test_a_profile_that_cannot_be_applied_is_named() -> None:
    image = photo(30, 20)
    image.info["icc_profile"] = b"damaged"
    _, notes = written(image, "BMP")
    assert notes.startswith("BMP holds no ICC profile: left out, it cannot be applied")
    assert image.info["icc_profile"] == b"damaged"


def test_metadata_that_is_lost_is_named() -> None:
    image = photo(30, 20)
    exif = Image.Exif()
    exif[0x010E] = "described"
    image.info |= {"exif": exif.tobytes(), "xmp": b"<x/>"}
    _, notes = written(image, "BMP")
    assert notes == "BMP holds no EXIF and no XMP: left out"


def test_the_quality_of_an_output() -> None:
    _, notes = written(photo(64, 64), "JPEG", 30)
    assert notes == ""
    with pytest.raises(InputError, match=r"for AVIF, JPEG and WebP.*got PNG"):
        written(photo(), "PNG", 30)
    with pytest.raises(InputError, match="1 to 100"):
        written(photo(), "JPEG", 0)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF", "BMP"])
def test_metadata_is_left_out_where_that_is_asked_for(name: str) -> None:
    image = photo(30, 20)
    exif = Image.Exif()
    exif[0x010E] = "described"
    image.info |= {"icc_profile": SRGB, "exif": exif.tobytes(), "xmp": b"<x/>"}
    stream = io.BytesIO()
    assert write_picture(image, stream, name, strip=True) == ()
    with Image.open(stream) as kept:
        assert not {"icc_profile", "exif", "xmp"} & set(kept.info)
        assert 0x010E not in kept.getexif()
        if name == "JPEG":
            plain, _ = written(photo(30, 20), name)
            np.testing.assert_array_equal(np.asarray(kept), np.asarray(plain))
        else:
            np.testing.assert_array_equal(np.asarray(kept), np.asarray(image))
    assert image.info["xmp"] == b"<x/>"
