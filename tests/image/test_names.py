"""Which names are taken for pictures, of all that Pillow has a reader for."""

from PIL import Image

from isthmus.image.names import is_picture_suffix


def test_what_is_left_alone_of_all_that_pillow_opens() -> None:
    Image.init()
    opened = {suffix for suffix, name in Image.registered_extensions().items() if name in Image.OPEN}
    left = {suffix for suffix in opened if not is_picture_suffix(suffix)}
    videos, data = {".mpg", ".mpeg", ".fli", ".flc"}, {".h5", ".hdf", ".grib", ".bufr"}
    pages = {".eps", ".ps", ".wmf", ".emf"}
    assert left == videos | data | pages
    assert is_picture_suffix(".mpo")
    kept = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".avif", ".jp2", ".ppm", ".tga", ".ico"}
    assert kept | {".psd", ".fits", ".dds", ".pcx"} <= opened - left
