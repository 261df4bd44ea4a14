import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from image.pngs import Chunk, chromaticities, gamma, png
from isthmus.image.chunks import ICC
from isthmus.image.files import open_picture
from isthmus.image.picture import as_picture
from pictures import photo, whole

SRGB = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
P3 = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
# From linear display P3 to linear sRGB, of CSS Color 4, section 17.
P3_TO_SRGB = np.array([[1.2249402, -0.2249402, 0.0], [-0.0420570, 1.0420570, 0.0], [-0.0196376, -0.0786361, 1.0982736]])
INSIDE = np.array([[[120, 110, 100], [60, 90, 70], [200, 180, 190], [128, 128, 128], [30, 25, 20]]], np.uint8)


def srgb_curve(light: np.ndarray) -> np.ndarray:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


def srgb_light(value: np.ndarray) -> np.ndarray:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def shown(profile: bytes, pixels: np.ndarray, mode: str = "RGB") -> np.ndarray:
    """What a viewer that knows profiles shows on an sRGB display."""
    source, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(Image.fromarray(pixels), source, srgb, outputMode=mode)).astype(int)


@pytest.mark.parametrize("exponent", [1.0, 1.8, 2.2, 2.8])
@pytest.mark.parametrize("wide", [False, True])
def test_gamma_and_chromaticities_become_a_profile(exponent: float, wide: bool) -> None:
    picture = open_picture(
        png(INSIDE, colour_type=2, chunks=[gamma(1 / exponent), *([chromaticities(*P3)] if wide else [])])
    )
    if exponent == 2.2 and not wide:
        assert ICC not in picture.metadata
        return
    np.testing.assert_array_equal(whole(picture), INSIDE)
    light = (INSIDE / 255) ** exponent
    wanted = 255 * srgb_curve(light @ P3_TO_SRGB.T if wide else light)
    assert abs(shown(picture.metadata[ICC], INSIDE) - wanted).max() <= 1.5
    assert any("gAMA" in note and "ICC profile" in note for note in picture.notes)


def test_grey_has_a_curve_alone() -> None:
    stored = np.uint8([[0, 40, 128, 255]])
    profile = open_picture(png(stored, chunks=[gamma(1.0), chromaticities(*P3)])).metadata[ICC]
    assert profile[16:20] == b"GRAY"
    assert abs(shown(profile, stored)[..., 1] - 255 * srgb_curve(stored / 255)).max() <= 1.5


@pytest.mark.parametrize(
    ("points", "light_of"),
    [((12, 13), srgb_light), ((12, 8), lambda value: value), ((12, 4), lambda value: value**2.2)],
)
def test_code_points_become_a_profile(points: tuple[int, int], light_of: object) -> None:
    # What they say goes before gAMA.
    file = png(INSIDE, colour_type=2, chunks=[gamma(0.45455), (b"cICP", bytes([*points, 0, 1]))])
    picture = open_picture(file)
    wanted = 255 * srgb_curve(light_of(INSIDE / 255) @ P3_TO_SRGB.T)
    assert abs(shown(picture.metadata[ICC], INSIDE) - wanted).max() <= 1.5
    assert any(f"code points {points[0]} and {points[1]}" in note for note in picture.notes)


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [gamma(0.45455)],
        [gamma(0.45455), chromaticities(*SRGB)],
        [chromaticities(*SRGB)],
        [(b"sRGB", b"\0"), gamma(1.0)],
        [(b"cICP", b"\1\x0d\0\1"), gamma(1.0)],
        [(b"cICP", b"\2\2\0\1")],
    ],
)
def test_srgb_needs_no_profile(chunks: list[Chunk]) -> None:
    picture = open_picture(png(INSIDE, colour_type=2, chunks=chunks))
    assert picture.metadata == {}
    assert picture.notes == ()


@pytest.mark.parametrize(
    "chunks",
    [
        [(b"cICP", b"\x09\x10\0\1")],  # high dynamic range
        [(b"cICP", b"\x63\x0d\0\1")],
        [gamma(0.0)],
        [gamma(400.0)],
        [chromaticities(0.3127, 0.0, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)],
        [chromaticities(*[0.3] * 8)],
    ],
)
def test_what_no_profile_holds_is_said(chunks: list[Chunk]) -> None:
    picture = open_picture(png(INSIDE, colour_type=2, chunks=chunks))
    assert ICC not in picture.metadata
    assert any("taken for sRGB" in note for note in picture.notes)


def test_a_profile_of_the_file_stays() -> None:
    file = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo().save(file, "PNG", icc_profile=profile)
    image = Image.open(file)
    image.info["gamma"] = 1.0
    assert as_picture(image).metadata[ICC] == profile


def test_code_points_of_an_avif_file() -> None:
    file = io.BytesIO()
    photo().save(file, "AVIF")
    data = file.getvalue()
    at = data.index(b"nclx") + 4
    assert struct.unpack_from(">HH", data, at) == (1, 13)
    assert ICC not in open_picture(io.BytesIO(data)).metadata
    wide = data[:at] + struct.pack(">HH", 12, 13) + data[at + 4 :]
    light = srgb_light(INSIDE / 255) @ P3_TO_SRGB.T
    profile = open_picture(io.BytesIO(wide)).metadata[ICC]
    assert abs(shown(profile, INSIDE) - 255 * srgb_curve(light)).max() <= 1.5


@pytest.mark.parametrize("name", ["a.png", "a.avif"])
def test_code_points_of_a_file_that_was_loaded_before(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "a.png":
        path.write_bytes(png(INSIDE, colour_type=2, chunks=[(b"cICP", bytes([12, 13, 0, 1]))]).getvalue())
    else:
        photo(32, 32).save(path, advanced={"color-primaries": "12"})
        data = path.read_bytes()
        at = data.index(b"nclx") + 4
        path.write_bytes(data[:at] + struct.pack(">HH", 12, 13) + data[at + 4 :])
    wanted = open_picture(path).metadata[ICC]
    with Image.open(path) as image:
        image.load()
        assert as_picture(image).metadata[ICC] == wanted
    # Of a stream nothing is left to look at, and that is said.
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        image.load()
        picture = as_picture(image)
    assert ICC not in picture.metadata
    assert picture.notes == ("what the file said about its colours is not known: it was loaded before",)


def test_a_file_that_is_another_by_now_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(INSIDE, colour_type=2).getvalue())
    with Image.open(path) as image:
        image.load()
        path.write_bytes(b"something else")
        assert ICC not in as_picture(image).metadata
