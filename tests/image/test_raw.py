"""Camera raw that looks like a TIFF is not taken for its thumbnail."""

import io

import pytest
from PIL import Image, TiffImagePlugin

from isthmus.errors import UnsupportedPictureError
from isthmus.image.files import open_picture
from isthmus.image.raw import SUFFIXES
from isthmus.image.tiff import write_tiff
from isthmus.media import medium_of_name, why_unread
from pictures import photo


def tiff(**tags: int | bytes) -> io.BytesIO:
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for name, value in tags.items():
        directory[{"subfile": 254, "dng": 50706, "make": 271}[name]] = value
    stream = io.BytesIO()
    photo(16, 12).save(stream, "TIFF", tiffinfo=directory)
    return stream


def canons() -> io.BytesIO:
    """A page whose directory lies behind Canon's mark."""
    stream = io.BytesIO()
    write_tiff(photo(16, 12), stream, exif=b"II*\0\x10\0\0\0CR\2\0" + bytes(4) + bytes(6))
    return stream


@pytest.mark.parametrize("stream", [tiff(subfile=1), tiff(subfile=0, dng=b"\1\4\0\0"), canons()])
def test_its_first_page_is_no_picture(stream: io.BytesIO) -> None:
    with Image.open(stream) as image:
        assert image.size == (16, 12)
    with pytest.raises(UnsupportedPictureError, match=r"camera raw, or its first page a preview.*8-bit TIFF"):
        open_picture(stream)


def test_an_ordinary_page_is_read() -> None:
    assert open_picture(tiff(subfile=0, make="A scanner")).width == 16


def test_names() -> None:
    for suffix in SUFFIXES:
        name = f"trip/IMG_1{suffix.upper()}"
        assert medium_of_name(name) is None
        assert why_unread(name).startswith("camera raw. Develop it")
    for name in ("IMG_1.JPG", "._IMG_1.CR2", "IMG_1.xmp", "clip.mov", "run.h5", "notes", "IMG_1.AAE"):
        assert why_unread(name) == ""
