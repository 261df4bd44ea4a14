"""Thumbnails for file managers, with the release weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageCms

import isthmus
from isthmus import codec as codec_module
from isthmus.cli import main
from isthmus.image.decoding import PictureDecoder
from pictures import photo


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photo.isth").write_bytes(isthmus.encode(photo(300, 200)))


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["thumbnail", *args])


def opened(path: str) -> Image.Image:
    with Image.open(path) as image:
        image.load()
    return image


@pytest.mark.parametrize(("side", "size"), [(10, (10, 7)), (18, (18, 12)), (128, (128, 85)), (1000, (300, 200))])
def test_sizes(side: int, size: tuple[int, int]) -> None:
    result = run("photo.isth", "small", str(side))
    assert result.exit_code == 0, result.output
    assert result.stdout == f"photo.isth -> small: {size[0]}x{size[1]} RGB\n"
    assert (opened("small").format, opened("small").size) == ("PNG", size)


@pytest.mark.parametrize(("side", "scales"), [(18, [16]), (37, [8]), (75, [4]), (128, [2]), (151, [])])
def test_the_smallest_scale_that_has_enough_pixels(
    side: int, scales: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    preview = PictureDecoder.preview

    def noted(decoder: PictureDecoder, scale: int = 16) -> Image.Image:
        asked.append(scale)
        return preview(decoder, scale)

    monkeypatch.setattr(PictureDecoder, "preview", noted)
    assert run("photo.isth", "small.png", str(side)).exit_code == 0
    assert asked == scales


def test_the_file_is_taken_apart_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    parse = codec_module.parse

    def noted(data: bytes, *rest: Any) -> Any:
        seen.append(len(data))
        return parse(data, *rest)

    monkeypatch.setattr(codec_module, "parse", noted)
    assert run("photo.isth", "small.png", "64").exit_code == 0
    assert seen == [Path("photo.isth").stat().st_size]


@pytest.mark.parametrize("axis", [0, 1])
def test_it_shows_the_picture_where_it_is(axis: int) -> None:
    assert run("photo.isth", "small.png", "100").exit_code == 0
    found = np.asarray(opened("small.png"), np.float64)
    expected = np.asarray(photo(300, 200).convert("RGB").resize((100, 67), Image.Resampling.LANCZOS), np.float64)

    def apart(shift: int) -> float:
        inside = (slice(2, -2), slice(2, -2))
        return float(np.square(np.roll(found, shift, axis)[inside] - expected[inside]).mean())

    assert apart(0) < min(apart(-1), apart(1))
    assert apart(0) < np.square(expected - expected.mean((0, 1))).mean() / 4


def test_what_is_there_is_replaced() -> None:
    Path("small.png").write_bytes(b"")
    assert run("photo.isth", "small.png", "32").exit_code == 0
    assert opened("small.png").size == (32, 21)


@pytest.mark.parametrize(
    ("mode", "side", "shown"),
    [("P", 50, "RGB"), ("P", 500, "RGB"), ("1", 500, "RGB"), ("CMYK", 50, "RGB"), ("L", 50, "RGB"), ("LA", 50, "RGBA")],
)
def test_every_mode_becomes_colours(mode: str, side: int, shown: str) -> None:
    image = photo(300, 200).convert("RGB")
    picture = image.convert("L").convert(mode) if mode == "LA" else image.convert(mode)
    Path("other.isth").write_bytes(isthmus.encode(picture, lossless=True))
    assert run("other.isth", "small.png", str(side)).exit_code == 0
    assert opened("small.png").mode == shown


def test_colours_become_srgb_and_metadata_stay_behind() -> None:
    image = photo(300, 200)
    image.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010E] = "a title"
    image.info["exif"] = exif.tobytes()
    Path("titled.isth").write_bytes(isthmus.encode(image))
    assert run("titled.isth", "small.png", "64").exit_code == 0
    assert not {"icc_profile", "exif", "xmp"} & opened("small.png").info.keys()


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["absent.isth", "small.png", "64"], 1, "absent.isth"),
        (["photo.isth", "photo.isth", "64"], 2, "would overwrite itself"),
        (["photo.isth", "small.png", "0"], 2, "SIZE"),
    ],
)
def test_what_is_refused(args: list[str], status: int, message: str) -> None:
    result = run(*args)
    assert result.exit_code == status
    assert message in result.stderr
    assert not Path("small.png").exists()


def test_a_damaged_file_leaves_nothing() -> None:
    data = bytearray(Path("photo.isth").read_bytes())
    data[-20] ^= 1
    Path("photo.isth").write_bytes(data)
    assert run("photo.isth", "small.png", "64").exit_code == 1
    assert not Path("small.png").exists()
