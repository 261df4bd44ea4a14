"""Parts and previews of a picture from the command line, with the release weights."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageCms

from isthmus.cli import main
from pictures import photo


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    photo(90, 50).save("photo.png")
    assert run("encode", "photo.png").exit_code == 0


def run(*args: str) -> Result:
    return CliRunner().invoke(main, args)


def size(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_crop() -> None:
    result = run("decode", "photo.isth", "--crop", "10,5,33,21", "-o", "part.png")
    assert result.exit_code == 0, result.output
    assert "33x21 RGB" in result.stdout
    assert size("part.png") == (33, 21)


def test_preview() -> None:
    assert run("decode", "photo.isth", "--scale", "1/16", "-o", "small.png").exit_code == 0
    assert size("small.png") == (6, 4)


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["--crop", "10,5,33"], 2, "four whole numbers"),
        (["--crop", "1,2,3,x"], 2, "four whole numbers"),
        (["--crop", "80,40,20,20"], 1, "within 90x50"),
        (["--scale", "1/3"], 2, "expected 1/2, 1/4, 1/8, 1/16; --max-side reduces to any size"),
        (["--scale", "1/16", "--crop", "0,0,1,1"], 2, "exclude each other"),
    ],
)
def test_what_is_refused(args: list[str], status: int, message: str) -> None:
    result = run("decode", "photo.isth", "-o", "part.png", *args)
    assert result.exit_code == status
    assert message in " ".join(result.stderr.split())
    assert not Path("part.png").exists()


def test_strip_is_the_way_out_for_what_a_format_cannot_take() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010E] = "described"
    photo(90, 50).save("rich.webp", xmp=b"<x:xmpmeta>" + b" " * 70_000, icc_profile=profile, exif=exif)
    assert run("encode", "rich.webp").exit_code == 0
    refused = run("decode", "rich.isth", "-o", "rich.jpg")
    assert refused.exit_code == 1
    assert "--strip" in refused.stderr
    assert not Path("rich.jpg").exists()
    for name in ("rich.jpg", "rich.png", "rich.tif", "rich.avif"):
        assert run("decode", "rich.isth", "--strip", "-o", name).exit_code == 0
        with Image.open(name) as image:
            assert image.size == (90, 50)
            assert not {"icc_profile", "xmp", "exif"} & set(image.info)
            assert 0x010E not in image.getexif()
    assert run("decode", "rich.isth", "-o", "whole.png").exit_code == 0
    with Image.open("whole.png") as image:
        assert image.getexif()[0x010E] == "described"
        assert len(image.info["xmp"]) > 70_000


@pytest.mark.usefixtures("folders_in_threads")
def test_strip_of_a_folder() -> None:
    exif = Image.Exif()
    exif[0x010E] = "described"
    Path("many").mkdir()
    photo(40, 30).save("many/a.png", exif=exif)
    assert run("encode", "many", "-o", "small").exit_code == 0
    for strip, kept in (([], True), (["--strip"], False)):
        assert run("decode", "small", "-o", "back", "--force", *strip).exit_code == 0
        with Image.open("back/a.png") as image:
            assert (0x010E in image.getexif()) is kept
