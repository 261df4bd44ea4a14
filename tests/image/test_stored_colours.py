"""What files say about their colours in places where Pillow does not look, or makes nothing of what it finds."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from image.pngs import p3_profile
from image.test_primaries import INSIDE, P3, P3_TO_SRGB, shown, srgb_curve
from isthmus.image.chunks import ICC
from isthmus.image.files import open_picture
from isthmus.image.picture import Picture
from pictures import photo, whole

# Of CSS Color 4, section 17: from linear Adobe RGB (1998) to linear sRGB.
ADOBE_TO_SRGB = np.array([[1.3983557, -0.3983557, 0.0], [0.0, 1.0, 0.0], [0.0, -0.0429290, 1.0429290]])


def bmp(
    colour_space: bytes, gammas: tuple[float, ...] = (0, 0, 0), wide: bool = False, profile: bytes = b""
) -> Picture:
    """The row INSIDE in a file with a header of version 5."""
    pixels = INSIDE[..., ::-1].tobytes()
    pixels += bytes(-len(pixels) % 4)
    ends = [0.0] * 9
    if wide:
        # Primaries in XYZ, each as bright as it is in white.
        xy = np.array([[x, y, 1 - x - y] for x, y in zip(P3[2::2], P3[3::2], strict=True)]).T
        white = np.array([P3[0] / P3[1], 1, (1 - P3[0] - P3[1]) / P3[1]])
        ends = (xy * np.linalg.solve(xy, white)).T.ravel().tolist()
    header = struct.pack("<IiiHHIIiiII", 124, INSIDE.shape[1], 1, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    header += bytes(16) + colour_space + struct.pack("<9i", *(round(value * 2**30) for value in ends))
    header += struct.pack("<3I", *(round(value * 2**16) for value in gammas))
    header += struct.pack("<IIII", 4, 124 + len(pixels) if profile else 0, len(profile), 0)
    assert len(header) == 124
    data = b"BM" + struct.pack("<IHHI", 138 + len(pixels) + len(profile), 0, 0, 138) + header + pixels + profile
    picture = open_picture(io.BytesIO(data))
    np.testing.assert_array_equal(whole(picture), INSIDE)
    return picture


def test_gamma_and_primaries_of_a_bmp_header() -> None:
    picture = bmp(bytes(4), gammas=(1.8, 1.8, 1.8), wide=True)
    wanted = 255 * srgb_curve((INSIDE / 255) ** 1.8 @ P3_TO_SRGB.T)
    assert abs(shown(picture.metadata[ICC], INSIDE) - wanted).max() <= 1.5
    assert "the colours described by the BMP header are kept as an ICC profile" in picture.notes


def test_the_profile_inside_a_bmp_file() -> None:
    assert bmp(b"DEBM", profile=p3_profile()).metadata[ICC] == p3_profile()


@pytest.mark.parametrize("colour_space", [b"BGRs", b" niW", bytes(4)], ids=["sRGB", "Windows", "left empty"])
def test_usual_bmp_files_say_nothing(colour_space: bytes) -> None:
    picture = bmp(colour_space)
    assert ICC not in picture.metadata
    assert not any("colours" in note for note in picture.notes)


def test_curves_of_a_bmp_file_that_differ_are_named() -> None:
    picture = bmp(bytes(4), gammas=(1.8, 2.2, 1.8), wide=True)
    assert ICC not in picture.metadata
    assert any(note.startswith("the colours described by the BMP header are taken for sRGB") for note in picture.notes)


def jpeg2000(colour_box: bytes) -> Picture:
    """A JP2 file whose colour box is another one."""
    file = io.BytesIO()
    photo(16, 16).save(file, "JPEG2000")
    data = file.getvalue()
    header, old = data.index(b"jp2h") - 4, data.index(b"colr") - 4
    (header_size,), (old_size,) = struct.unpack_from(">I", data, header), struct.unpack_from(">I", data, old)
    box = struct.pack(">I4s", 8 + len(colour_box), b"colr") + colour_box
    size = struct.pack(">I", header_size - old_size + len(box))
    return open_picture(
        io.BytesIO(data[:header] + size + data[header + 4 : old] + box + data[old + old_size :]),
    )


@pytest.mark.parametrize("method", [2, 3], ids=["restricted", "any"])
def test_the_profile_in_a_colour_box_of_jpeg_2000(method: int) -> None:
    assert jpeg2000(bytes([method, 0, 0]) + p3_profile()).metadata[ICC] == p3_profile()


def test_an_enumerated_colour_space_of_jpeg_2000_is_no_profile() -> None:
    assert ICC not in jpeg2000(bytes([1, 0, 0]) + struct.pack(">I", 16)).metadata


def of_camera(space: int, index: str | None, **options: object) -> Picture:
    """A JPEG file with the colour space of EXIF, and the index of DCF."""
    exif = Image.Exif()
    inner = exif.get_ifd(0x8769)
    inner[0xA001] = space
    if index is not None:
        inner[0xA005] = {1: index}
    file = io.BytesIO()
    Image.fromarray(INSIDE).save(file, "JPEG", exif=exif, **options)
    return open_picture(file)


def test_adobe_rgb_of_a_camera_that_gives_no_profile() -> None:
    picture = of_camera(0xFFFF, "R03")
    wanted = 255 * srgb_curve((INSIDE / 255) ** (563 / 256) @ ADOBE_TO_SRGB.T)
    assert abs(shown(picture.metadata[ICC], INSIDE) - wanted).max() <= 1.5
    assert "the colours described by EXIF (Adobe RGB) are kept as an ICC profile" in picture.notes


@pytest.mark.parametrize(("space", "index"), [(1, "R98"), (1, "R03"), (0xFFFF, "R98"), (0xFFFF, None)])
def test_other_cameras_say_srgb_or_nothing(space: int, index: str | None) -> None:
    assert ICC not in of_camera(space, index).metadata


def test_a_camera_that_gives_a_profile_keeps_it() -> None:
    assert of_camera(0xFFFF, "R03", icc_profile=p3_profile()).metadata[ICC] == p3_profile()


def tiff(**tags: object) -> Picture:
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for name, value in tags.items():
        directory[{"white": 318, "primaries": 319, "transfer": 301}[name]] = value
    file = io.BytesIO()
    Image.fromarray(INSIDE).save(file, "TIFF", tiffinfo=directory)
    return open_picture(file)


def test_primaries_of_a_tiff_file() -> None:
    wanted = 255 * srgb_curve((INSIDE / 255) ** 2.2 @ P3_TO_SRGB.T)
    for tags in ({"white": P3[:2], "primaries": P3[2:]}, {"primaries": P3[2:]}):
        assert abs(shown(tiff(**tags).metadata[ICC], INSIDE) - wanted).max() <= 1.5


def test_primaries_of_srgb_need_no_profile() -> None:
    assert ICC not in tiff(white=(0.3127, 0.329), primaries=(0.64, 0.33, 0.3, 0.6, 0.15, 0.06)).metadata


def test_a_transfer_function_is_named() -> None:
    picture = tiff(transfer=tuple(range(0, 65536, 256)) * 3)
    assert ICC not in picture.metadata
    assert any("TransferFunction are taken for sRGB" in note for note in picture.notes)
