"""Without a profile, a picture shows the colours that it showed with it."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageCms

import isthmus
from image.pngs import gamma, p3_profile, png
from isthmus.cli import main
from isthmus.image.chunks import ICC
from isthmus.image.files import open_picture
from isthmus.image.picture import as_picture
from isthmus.image.srgb import in_srgb, stripped
from pictures import photo, whole

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GREY_LINEAR = open_picture(png(np.zeros((1, 1), np.uint8), chunks=[gamma(1.0)])).metadata[ICC]
NOTE = "the ICC profile: converted to sRGB"


def p3(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    image = photo(8, 6).resize((width, height), Image.Resampling.BICUBIC).convert(mode)
    image.info["icc_profile"] = p3_profile() if mode.startswith("RGB") else GREY_LINEAR
    return image


def shown(image: Image.Image) -> np.ndarray:
    """What a viewer that knows profiles shows of the colours on an sRGB display: the whole at once, by Pillow."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    grey = image.mode.startswith("L")
    plain = image.convert("L" if grey else "RGB")
    made = ImageCms.profileToProfile(plain, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return np.asarray(made)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
def test_pictures_and_images_show_the_same_colours_without_the_profile(mode: str) -> None:
    image = p3(700, 300, mode)
    wanted = shown(image)
    assert np.abs(wanted.astype(int) - np.asarray(image.convert("RGB"))).max() > 20
    picture = stripped(as_picture(image))
    assert picture.metadata == {}
    assert picture.notes == (NOTE,)
    np.testing.assert_array_equal(picture.read(0, 0, 300, 700)[..., :3], wanted)
    np.testing.assert_array_equal(picture.read(270, 511, 30, 100)[..., :3], wanted[270:, 511:611])
    assert stripped(picture).notes == picture.notes
    converted, _ = in_srgb(image)
    assert converted.mode == mode
    np.testing.assert_array_equal(np.asarray(converted.convert("RGB")), wanted)
    if mode.endswith("A"):
        assert converted.getchannel("A").tobytes() == image.getchannel("A").tobytes()


@pytest.mark.parametrize(("mode", "profile"), [("RGB", SRGB), ("L", SRGB), ("1", GREY_LINEAR)])
def test_what_is_srgb_already_keeps_its_numbers(mode: str, profile: bytes) -> None:
    image = photo(30, 20).convert(mode)
    image.info["icc_profile"] = profile
    picture = stripped(as_picture(image))
    assert (picture.metadata, picture.notes) == ({}, ())
    np.testing.assert_array_equal(whole(picture), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("profile", [b"damaged", GREY_LINEAR])
def test_a_profile_that_does_not_fit_is_named(profile: bytes) -> None:
    image = photo(30, 20)
    image.info["icc_profile"] = profile
    picture = stripped(as_picture(image))
    assert picture.metadata == {}
    assert "left out, it cannot be applied" in picture.notes[0]
    np.testing.assert_array_equal(whole(picture), np.asarray(photo(30, 20)))


def test_files_that_are_stripped_on_either_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    image = p3()
    image.save("p3.png", icc_profile=p3_profile())
    wanted = shown(image).astype(int)

    def run(*args: str) -> list[str]:
        result = CliRunner().invoke(main, [*args, "--json"])
        assert result.exit_code == 0, result.output
        return list(json.loads(result.stdout.splitlines()[0]).get("notes", []))

    assert run("encode", "p3.png", "-q", "95", "--strip", "-o", "srgb.isth") == [NOTE]
    assert run("decode", "srgb.isth", "-o", "srgb.png") == []
    assert run("encode", "p3.png", "-q", "95", "-o", "p3.isth") == []
    for name in ("a.png", "a.jpg", "a.webp", "a.tif", "a.bmp"):
        assert run("decode", "p3.isth", "--strip", "-o", name) == [NOTE]
    assert run("decode", "p3.isth", "-o", "b.bmp") == ["BMP holds no ICC profile: converted to sRGB"]
    for name in ("srgb.png", "a.png", "a.jpg", "a.webp", "a.tif", "a.bmp", "b.bmp"):
        with Image.open(name) as kept:
            assert "icc_profile" not in kept.info
            assert np.abs(np.asarray(kept.convert("RGB")).astype(int) - wanted).mean() < 3, name
    # The numbers as they were, without their profile, are no such picture.
    assert np.abs(np.asarray(image).astype(int) - wanted).mean() > 4.5


def test_targets_are_measured_on_what_is_encoded() -> None:
    data = isthmus.encode(p3(), target_psnr=38, strip=True)
    error = isthmus.decode(data).astype(float) - shown(p3())
    assert 10 * np.log10(255**2 / np.mean(error**2)) >= 38
    assert isthmus.inspect(data).parts.keys() == {"header", "latents", "end"}


@pytest.mark.usefixtures("folders_in_threads")
def test_folders(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    p3().save(tmp_path / "in/a.png", icc_profile=p3_profile())
    for verb, source, target in (("encode", "in", "out"), ("decode", "plain", "back")):
        args = [verb, str(tmp_path / source), "-o", str(tmp_path / target), "--strip", "--workers", "1"]
        if verb == "decode":
            kept = ["encode", str(tmp_path / "in"), "-o", str(tmp_path / "plain"), "--workers", "1"]
            assert CliRunner().invoke(main, kept).exit_code == 0
        result = CliRunner().invoke(main, args)
        assert result.exit_code == 0, result.output
        assert NOTE in result.stdout
