"""What travels with a picture: blocks byte for byte, and what a file says outside of them."""

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageFile, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from image.pngs import png
from isthmus.image.chunks import EXIF, XMP
from isthmus.image.exif import ARTIST, DESCRIPTION, ORIENTATION, bare, resolution_of
from isthmus.image.files import open_picture, save_picture
from isthmus.image.picture import as_picture
from pictures import photo

LATIN, UTF8 = "Grüße".encode("latin-1"), "日本語".encode()


def saved(name: str, **options: object) -> io.BytesIO:
    file = io.BytesIO()
    photo().save(file, name, **options)
    return file


def rich_block(orientation: int, order: str) -> bytes:
    """EXIF with text in two encodings, a maker's note of unknown tags, GPS, and a thumbnail."""
    exif = Image.Exif()
    exif.endian = order
    exif[ORIENTATION] = orientation
    exif[DESCRIPTION], exif[ARTIST] = LATIN, UTF8
    exif.get_ifd(0x8769)[0x927C] = bytes(range(256))
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0\xfc\xff"
    exif.get_ifd(0x8825)[1] = "N"
    return bare(exif.tobytes()) + b"no directory points here"


def text_of(exif: bytes, tag: int) -> bytes:
    loaded = Image.Exif()
    loaded.load(exif)
    return str(loaded[tag]).encode("latin-1")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_exif_is_carried_byte_for_byte(name: str, orientation: int, order: str) -> None:
    prefix = b"Exif\0\0" if name == "JPEG" else b""
    file = saved(name, exif=prefix + rich_block(orientation, order))
    found = open_picture(file).metadata[EXIF]
    assert found == rich_block(1, order)
    for suffix in ("JPEG", "PNG", "WEBP"):
        image, again = photo(), io.BytesIO()
        image.info["exif"] = found
        save_picture(image, again, suffix)
        assert open_picture(again).metadata[EXIF] == found


def test_text_of_a_tiff_in_any_encoding() -> None:
    image, file = photo(), io.BytesIO()
    image.info["exif"] = rich_block(1, "<")
    save_picture(image, file, "TIFF")
    picture = open_picture(file)
    assert text_of(picture.metadata[EXIF], DESCRIPTION) == LATIN
    assert text_of(picture.metadata[EXIF], ARTIST) == UTF8


def test_exif_in_the_text_of_old_png_files_byte_for_byte() -> None:
    block = rich_block(6, ">")
    info = PngInfo()
    info.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n")
    picture = open_picture(saved("PNG", pnginfo=info))
    assert picture.metadata == {EXIF: rich_block(1, ">")}
    assert picture.width == 9
    assert not any("not kept" in note for note in picture.notes)


@pytest.mark.parametrize("xmp", [b"<x:xmpmeta/>\xff\xfe", "<x:xmpmeta/>".encode("utf-16")])
def test_xmp_in_any_encoding(xmp: bytes) -> None:
    image, file = photo(), io.BytesIO()
    image.info["xmp"] = xmp
    save_picture(image, file, "PNG")
    assert open_picture(file).metadata[XMP] == xmp


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "rotate": lambda image: image.rotate(-90, expand=True),
    "transpose": lambda image: image.transpose(Image.Transpose.ROTATE_270),
    "crop": lambda image: image.crop((0, 0, 9, 13)),
    "resize": lambda image: image.resize((9, 13)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
def test_an_image_that_was_worked_on_is_not_turned(name: str, change: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image = CHANGES[change](Image.open(saved(name, exif=exif)))
    picture = as_picture(image)
    assert (picture.width, picture.height) == (9, 13)
    assert text_of(picture.metadata[EXIF], ORIENTATION) == b"1"
    assert picture.read(0, 0, 13, 9).tobytes() == image.tobytes()
    assert any("left alone" in note for note in picture.notes)


def test_an_opened_image_is_turned_once() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image = Image.open(saved("PNG", exif=exif))
    for _ in range(2):
        picture = as_picture(image)
        assert (picture.width, picture.height) == (9, 13)
    assert isinstance(image, ImageFile.ImageFile)
    assert image.size == (13, 9)


@pytest.mark.parametrize(
    ("name", "options"),
    [("PNG", {"dpi": (300, 300)}), ("JPEG", {"dpi": (300, 300)}), ("BMP", {"dpi": (300, 300)})],
)
@pytest.mark.parametrize("target", ["PNG", "JPEG", "TIFF"])
def test_resolution(name: str, options: dict[str, object], target: str) -> None:
    picture = open_picture(saved(name, **options))
    assert resolution_of(picture.metadata[EXIF]) == pytest.approx((300, 300), abs=0.02)
    image, file = photo(), io.BytesIO()
    image.info["exif"] = picture.metadata[EXIF]
    save_picture(image, file, target)
    with Image.open(file) as back:
        assert back.info["dpi"] == pytest.approx((300, 300), abs=0.02)


def test_resolution_joins_the_exif_that_is_there() -> None:
    block = rich_block(1, ">")
    found = open_picture(saved("PNG", dpi=(300, 150), exif=block)).metadata[EXIF]
    assert found[8 : len(block)] == block[8:]
    assert resolution_of(found) == pytest.approx((300, 150), abs=0.02)
    assert text_of(found, DESCRIPTION) == LATIN


@pytest.mark.parametrize("options", [{}, {"dpi": (72, 72)}])
def test_no_resolution_is_made_up(options: dict[str, object]) -> None:
    for name in ("JPEG", "PNG"):
        assert open_picture(saved(name, **options)).metadata == {}


@pytest.mark.parametrize(
    ("keyword", "tag"), [("Title", DESCRIPTION), ("Author", ARTIST), ("Copyright", 33432), ("Software", 305)]
)
@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt"])
def test_text_of_png(keyword: str, tag: int, kind: str) -> None:
    info = PngInfo()
    if kind == "iTXt":
        info.add_itxt(keyword, "Grüße 日本語")
        wanted = "Grüße 日本語".encode()
    else:
        info.add_text(keyword, LATIN, zip=kind == "zTXt")
        wanted = "Grüße".encode()
    picture = open_picture(saved("PNG", pnginfo=info))
    assert text_of(picture.metadata[EXIF], tag) == wanted
    assert picture.notes == ()


def test_text_that_has_no_place_is_named() -> None:
    info = PngInfo()
    info.add_text("parameters", "a cat")
    info.add_text("Title", "first")
    info.add_text("Comment", "second")
    info.add_text("Author", "x" * 100_000)
    picture = open_picture(saved("PNG", pnginfo=info))
    assert text_of(picture.metadata[EXIF], DESCRIPTION) == b"first"
    (note,) = picture.notes
    assert "not kept" in note
    assert [name in note for name in ("parameters", "Comment", "Author", "Title")] == [True, True, True, False]


@pytest.mark.parametrize("name", ["JPEG", "GIF", "JPEG2000"])
def test_comments(name: str) -> None:
    picture = open_picture(saved(name, comment=UTF8))
    assert text_of(picture.metadata[EXIF], DESCRIPTION) == UTF8
    if name == "JPEG":
        taken = open_picture(saved(name, comment=UTF8, exif=b"Exif\0\0" + rich_block(1, "<")))
        assert text_of(taken.metadata[EXIF], DESCRIPTION) == LATIN
        assert any("the comment" in note for note in taken.notes)


def test_damaged_exif_and_a_comment() -> None:
    picture = open_picture(saved("JPEG", comment=b"words", dpi=(300, 300), exif=b"Exif\0\0" + struct.pack(">I", 7)))
    assert picture.metadata[EXIF] == struct.pack(">I", 7)
    assert sum("not kept" in note for note in picture.notes) == 2
    assert any("EXIF block is damaged: it is kept" in note for note in picture.notes)


@pytest.mark.parametrize("name", ["GIF", "MPO", "WEBP", "TIFF", "PNG"])
@pytest.mark.parametrize("frame", [0, 1, 2])
def test_the_frame_that_was_chosen(name: str, frame: int) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "white")]
    file = io.BytesIO()
    frames[0].save(file, name, save_all=True, append_images=frames[1:])
    image = Image.open(file)
    image.seek(frame)
    picture = as_picture(image)
    wanted = frames[frame].getpixel((0, 0))
    assert picture(3, 4, 1, 1)[0, 0].tolist() == pytest.approx(wanted, abs=8)
    assert any("of 3" in note or "of the 3" in note for note in picture.notes)


def with_segment(number: int, data: bytes) -> io.BytesIO:
    """A JPEG file with one more segment, APP of that number."""
    file = io.BytesIO()
    photo().save(file, "JPEG")
    jpeg = file.getvalue()
    return io.BytesIO(jpeg[:2] + struct.pack(">BBH", 0xFF, 0xE0 + number, len(data) + 2) + data + jpeg[2:])


def with_tag_of_iptc() -> io.BytesIO:
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory[33723] = b"\x1c\x02\x78\x00\x02Hi"
    file = io.BytesIO()
    photo().save(file, "TIFF", tiffinfo=directory)
    return file


IPTC = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\x08" + b"\x1c\x02\x78\x00\x02Hi\0"


@pytest.mark.parametrize(
    ("file", "what"),
    [
        (with_segment(13, IPTC), "IPTC captions"),
        (with_tag_of_iptc(), "IPTC captions"),
        (with_segment(11, b"JP\0\1\0\0\0\1" + bytes(20)), "content credentials"),
        (png(np.zeros((1, 1), np.uint8), chunks=[(b"caBX", bytes(20))]), "content credentials"),
        (with_segment(1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(50)), "the extended part of XMP"),
        (png(np.zeros((1, 1), np.uint8), chunks=[(b"pHYs", struct.pack(">IIB", 2, 1, 0))]), "the shape of pixels, 1:2"),
    ],
    ids=["IPTC of JPEG", "IPTC of TIFF", "C2PA of JPEG", "C2PA of PNG", "extended XMP", "aspect"],
)
def test_what_has_no_place_is_named(file: io.BytesIO, what: str) -> None:
    assert f"not kept: {what}" in open_picture(file).notes


def test_usual_segments_are_not_named() -> None:
    assert open_picture(with_segment(13, b"Photoshop 3.0\0")).notes == ()
    assert open_picture(with_segment(2, b"FPXR\0" + bytes(20))).notes == ()
    assert open_picture(png(np.zeros((1, 1), np.uint8), chunks=[(b"pHYs", struct.pack(">IIB", 1, 1, 0))])).notes == ()
