"""HEIC: read where pillow-heif is installed, and where it is not, the error says how to get it."""

import io
import sys
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from click.testing import CliRunner
from PIL import Image

from image.pngs import p3_profile
from isthmus.cli import main
from isthmus.errors import InputError, MissingExtraError, UnsupportedPictureError
from isthmus.image import heif
from isthmus.image.chunks import EXIF, ICC
from isthmus.image.files import open_picture
from isthmus.image.picture import as_picture
from isthmus.media import medium_of_name, why_unread
from pictures import photo, whole

PIP = r'pip install "isthmus\[heif\]"'


def heic(image: Image.Image, **options: object) -> bytes:
    heif.register()
    stream = io.BytesIO()
    image.save(stream, "HEIF", quality=90, **options)
    return stream.getvalue()


def smooth(width: int, height: int) -> Image.Image:
    return photo(8, 6).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture
def without_pillow_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    heif.register()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.delitem(Image.OPEN, heif.FORMAT)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != heif.FORMAT])
    for suffix in heif.SUFFIXES:
        monkeypatch.delitem(Image.EXTENSION, suffix)


def test_a_phones_photograph_is_turned_upright_once_and_keeps_its_blocks() -> None:
    exif = Image.Exif()
    exif[271], exif[274] = "A phone", 6
    image = smooth(96, 64)
    data = heic(image, exif=exif.tobytes(), icc_profile=p3_profile())
    upright = np.asarray(image.transpose(Image.Transpose.ROTATE_270)).astype(int)
    for picture in (open_picture(io.BytesIO(data)), as_picture(Image.open(io.BytesIO(data)))):
        assert (picture.width, picture.height, picture.mode) == (64, 96, "RGB")
        assert np.abs(whole(picture) - upright).mean() < 4
        assert picture.metadata[ICC] == p3_profile()
        assert b"A phone" in picture.metadata[EXIF]
        assert picture.notes == ()


def test_transparency() -> None:
    image = smooth(64, 48).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    picture = open_picture(io.BytesIO(heic(image)))
    assert picture.has_alpha
    assert np.abs(picture.alpha(0, 0, 48, 64).astype(int) - np.asarray(image)[..., 3]).max() < 8


def test_of_several_pictures_the_main_one_is_kept_and_that_is_said() -> None:
    burst = heic(smooth(64, 48), save_all=True, append_images=[smooth(48, 64)], primary_index=1)
    picture = open_picture(io.BytesIO(burst))
    assert (picture.width, picture.height) == (48, 64)
    assert picture.notes == ("only the main one of 2 pictures of the HEIC file is kept",)
    image = Image.open(io.BytesIO(burst))
    image.seek(0)
    assert as_picture(image).notes == ("only frame 0 of the 2 frames (0 to 1) is kept",)


def test_a_film_is_refused() -> None:
    film = heic(smooth(64, 48)).replace(b"ftypheic", b"ftyphevc", 1)
    with pytest.raises(UnsupportedPictureError, match="a sequence of pictures: expected a still picture"):
        open_picture(io.BytesIO(film))


def test_frames_of_avif_are_refused() -> None:
    stream = io.BytesIO()
    smooth(64, 48).save(stream, "AVIF", save_all=True, append_images=[smooth(64, 48).rotate(180)])
    with pytest.raises(UnsupportedPictureError, match="several frames or pages: expected 1, got 2"):
        open_picture(stream)


def test_ten_bits_are_refused() -> None:
    deep = np.asarray(smooth(64, 48)).astype(np.uint16) * 257
    stream = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (64, 48), deep.tobytes()).save(stream)
    with pytest.raises(UnsupportedPictureError, match="got 10 bits"):
        open_picture(stream)


def test_a_damaged_file() -> None:
    data = heic(smooth(64, 48))
    for cut in (20, 300, len(data) - 50):
        with pytest.raises(InputError):
            open_picture(io.BytesIO(data[:cut]))


@pytest.mark.usefixtures("without_pillow_heif")
def test_without_pillow_heif_the_error_says_how_to_get_it() -> None:
    still = b"\0\0\0\x1cftypheic" + bytes(40)
    with pytest.raises(MissingExtraError, match=PIP):
        open_picture(io.BytesIO(still))
    assert medium_of_name("IMG_1.HEIC") is None
    assert 'pip install "isthmus[heif]"' in why_unread("a/IMG_1.HEIC")


@pytest.mark.usefixtures("without_pillow_heif")
def test_folders_without_pillow_heif(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/IMG_1.HEIC").write_bytes(b"\0\0\0\x1cftypheic" + bytes(40))
    result = CliRunner().invoke(main, ["encode", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--dry-run"])
    assert result.exit_code == 1
    assert "IMG_1.HEIC: not encoded: a HEIC picture. Install what reads it: pip install" in result.stderr


def test_files_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/IMG_1.HEIC").write_bytes(heic(smooth(64, 48)))
    assert medium_of_name("in/IMG_1.HEIC") is not None
    assert why_unread("in/IMG_1.HEIC") == ""
    for command in (["in/IMG_1.HEIC", "-o", "one.isth"], ["in", "-o", "out", "--workers", "1"]):
        result = CliRunner().invoke(main, ["encode", *command])
        assert result.exit_code == 0, result.output
    assert Path("out/IMG_1.isth").read_bytes() == Path("one.isth").read_bytes()
