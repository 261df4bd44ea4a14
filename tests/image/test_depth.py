import io
import os
import struct

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from isthmus.errors import UnsupportedPictureError
from isthmus.image.depth import deep_samples
from isthmus.image.files import open_picture
from pictures import photo, whole


@pytest.mark.parametrize("magic", [b"P6", b"P3"])
def test_sixteen_bit_ppm_is_refused(magic: bytes) -> None:
    with pytest.raises(UnsupportedPictureError, match=r"8 bits a channel, got 16 bits.*magick"):
        open_picture(io.BytesIO(magic + b" 2 1 65535\n" + (b"\1\2" * 6 if magic == b"P6" else b"9 " * 6)))


def test_ppm_of_few_levels_is_fine() -> None:
    assert whole(open_picture(io.BytesIO(b"P6 2 1 3\n\0\1\2\3\3\3"))).tolist() == [[[0, 85, 170], [255, 255, 255]]]


@pytest.mark.parametrize(("codec_format", "depth"), [("jp2", 16), ("j2k", 16), ("jp2", 8), ("j2k", 8)])
def test_deep_jpeg_2000_is_refused(codec_format: str, depth: int) -> None:
    pixels = np.asarray(photo()).astype(f"u{depth // 8}")
    file = io.BytesIO(imagecodecs.jpeg2k_encode(pixels, level=0, codecformat=codec_format))
    if depth == 8:
        np.testing.assert_array_equal(whole(open_picture(file)), pixels)
        return
    with pytest.raises(UnsupportedPictureError, match="got 16 bits"):
        open_picture(file)


def test_deep_grey_jpeg_2000_is_refused() -> None:
    file = io.BytesIO()
    Image.new("I;16", (3, 3)).save(file, "JPEG2000")
    with pytest.raises(UnsupportedPictureError, match="got I;16"):
        open_picture(file)


@pytest.mark.parametrize("depth", [8, 10, 12])
def test_deep_avif_is_refused(depth: int) -> None:
    pixels = np.asarray(photo(32, 32)).astype("u2" if depth > 8 else "u1")
    file = io.BytesIO(imagecodecs.avif_encode(pixels, bitspersample=depth))
    if depth == 8:
        assert whole(open_picture(file)).shape == (32, 32, 3)
        return
    with pytest.raises(UnsupportedPictureError, match=f"got {depth} bits"):
        open_picture(file)


def box(kind: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I4s", 8 + len(body), kind) + body


@pytest.mark.parametrize(
    ("properties", "bits"),
    [
        (b"\x02\x02\x81", None),  # two essential or not: the second and the first
        (b"\x02\x02\x83", "10 bits"),
        (b"\x01\x02", "10 bits"),  # a grid has none of its own: the deepest of all
    ],
)
def test_only_the_primary_picture_of_an_avif_counts(properties: bytes, bits: str | None) -> None:
    """The first property has 8 bits; the third, 10: like that of a gain map beside a picture."""
    listed = box(b"ipco", box(b"av1C", b"\x81\0\0\0"), box(b"pixi", bytes(8)), box(b"av1C", b"\x81\0\x40\0"))
    items = box(b"ipma", bytes(4), struct.pack(">IHBBH", 2, 1, 1, 0x83, 7), properties)
    meta = box(b"meta", bytes(4), box(b"pitm", bytes(4), b"\0\x07"), box(b"iprp", listed, items))
    image = Image.new("RGB", (2, 2))
    image.format = "AVIF"
    image.fp = io.BytesIO(box(b"ftyp", b"avif") + meta)
    image.tile = [("raw", (0, 0, 2, 2), 0, "RGB")]
    image.fp.seek(5)
    assert deep_samples(image) == bits
    assert image.fp.tell() == 5


def test_sixteen_bit_planes_of_tiff_are_refused() -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((3, 4, 5), np.uint16), planarconfig="separate", photometric="rgb")
    with pytest.raises(UnsupportedPictureError, match="got 16 bits"):
        open_picture(file)


def test_sixteen_bit_sgi_is_refused() -> None:
    head = struct.pack(">hBBHHHH", 474, 0, 2, 3, 2, 1, 3).ljust(512, b"\0")
    with pytest.raises(UnsupportedPictureError, match="got 16 bits"):
        open_picture(io.BytesIO(head + bytes(12)))


def test_the_depth_of_what_cannot_be_sought_is_known() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "wb") as stream:
        stream.write(b"P6 2 1 65535\n" + bytes(12))
    with os.fdopen(read, "rb") as stream, pytest.raises(UnsupportedPictureError, match="got 16 bits"):
        open_picture(stream)
