import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from isthmus.codec import Codec
from isthmus.image.exif import bare
from isthmus.image.files import open_picture, save_picture
from isthmus.image.tiff import write_tiff
from pictures import photo

STRUCTURE = {
    254: 1,
    256: 7,
    257: 5000,
    258: (16, 16, 16),
    259: 6,
    262: 0,
    266: 2,
    273: 8,
    274: 6,
    277: 1,
    278: 1,
    279: 99,
    284: 2,
    317: 2,
    320: (1, 2, 3),
    322: 16,
    323: 16,
    324: 8,
    325: 9,
    332: 1,
    338: 0,
    339: 3,
    347: b"tables",
    513: 8,
    514: 100,
    530: (2, 2),
    531: 2,
    50706: b"\1\4\0\0",
}
DESCRIPTION = {270: "what", 271: "Maker", 305: "by", 33432: "whose"}


def exif_with(tags: dict[int, object]) -> Image.Exif:
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    return exif


def reopened(image: Image.Image, **blocks: bytes) -> Image.Image:
    file = io.BytesIO()
    write_tiff(image, file, **blocks)
    file.seek(0)
    back = Image.open(file)
    back.load()
    return back


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1"])
@pytest.mark.parametrize("size", [(13, 9), (1, 1), (16, 600)])
def test_pixels_round_trip(mode: str, size: tuple[int, int], rng: np.random.Generator) -> None:
    image = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 4), np.uint8)).convert(mode)
    back = reopened(image)
    assert (back.mode, back.size) == (mode, size)
    assert back.tobytes() == image.tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tag", STRUCTURE)
def test_structure_of_another_file_stays_out(tag: int, order: str) -> None:
    exif = exif_with({tag: STRUCTURE[tag]} | DESCRIPTION)
    exif.endian = order
    back = reopened(photo(), exif=bare(exif.tobytes()))
    assert back.size == (13, 9)
    assert back.tobytes() == photo().tobytes()
    assert {tag: back.getexif()[tag] for tag in DESCRIPTION} == DESCRIPTION


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_block_stands_in_the_file_as_it_is(order: str) -> None:
    exif = exif_with(DESCRIPTION)
    exif.endian = order
    exif.get_ifd(0x8769)[0x927C] = b"a maker's note"
    exif.get_ifd(0x8825)[1] = "N"
    block = bare(exif.tobytes())
    file = io.BytesIO()
    write_tiff(photo(), file, block)
    assert file.getvalue()[8 : len(block)] == block[8:]
    with Image.open(file) as back:
        assert back.getexif().get_ifd(0x8769)[0x927C] == b"a maker's note"
        assert back.getexif().get_ifd(0x8825)[1] == "N"


def test_a_thumbnail_is_no_second_page() -> None:
    block = bare(exif_with({271: "Maker"}).tobytes())
    (count,) = struct.unpack_from(">H", block, 8)
    at = 10 + 12 * count
    block = block[:at] + struct.pack(">I", len(block)) + block[at + 4 :] + struct.pack(">HI", 0, 0)
    assert getattr(reopened(photo(), exif=block), "n_frames", 1) == 1


def test_values_that_lie_nowhere_are_left_out() -> None:
    block = b"MM\0*" + struct.pack(">IHHHIII", 8, 1, 270, 2, 1000, 20, 0)
    assert 270 not in reopened(photo(), exif=block).getexif()


def test_profile_and_packet() -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    back = reopened(photo(), icc=icc, xmp=b"<x:xmpmeta/>\xff")
    assert back.info["icc_profile"] == icc
    assert back.info["xmp"] == b"<x:xmpmeta/>\xff"


def test_what_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="mode CMYK"):
        write_tiff(photo().convert("CMYK"), io.BytesIO())
    with pytest.raises(ValueError, match="EXIF block"):
        write_tiff(photo(), io.BytesIO(), b"nonsense")


@pytest.mark.parametrize("source", ["x.jpg", "x.png", "x.webp"])
@pytest.mark.parametrize("box", [None, (2, 1, 5, 4)])
def test_a_tiff_shows_what_a_png_shows(
    lossless_codec: Codec, tmp_path: Path, source: str, box: tuple[int, int, int, int] | None
) -> None:
    photo().save(tmp_path / source, exif=exif_with({256: 13, 257: 9, 259: 6, 262: 6, 274: 6, 270: "what"}).tobytes())
    data = lossless_codec.encode(open_picture(tmp_path / source))
    shown = []
    for name in ("PNG", "TIFF"):
        file = io.BytesIO()
        save_picture(lossless_codec.decode_image(data, box), file, name)
        with Image.open(file) as back:
            assert back.getexif()[270] == "what"
            shown.append((back.size, back.tobytes()))
    assert shown[0] == shown[1]
    assert shown[0][0] == ((9, 13) if box is None else (5, 4))
