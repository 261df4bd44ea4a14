"""Pictures of 16 bits reduced to 8, and that what errors tell people to do about depth works."""

import io
import re
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from click.testing import CliRunner
from PIL import Image

import isthmus
import isthmus.pillow_plugin
from image.pngs import Chunk, chunk
from isthmus.cli import main
from isthmus.errors import InputError, UnsupportedPictureError
from isthmus.image.files import open_picture
from isthmus.image.picture import as_picture
from pictures import photo

RANDOM = np.random.default_rng(5)
NOTE = "reduced from 16 bits to 8 by rounding"


def rounded(samples: np.ndarray) -> np.ndarray:
    return np.round(samples / 257).astype(np.uint8)


def samples_of(channels: int, height: int = 300, width: int = 7) -> np.ndarray:
    return RANDOM.integers(0, 65536, (height, width, channels), dtype=np.uint16)


def png16(samples: np.ndarray, chunks: list[Chunk] | None = None) -> io.BytesIO:
    height, width, channels = samples.shape
    head = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples))
    parts = [(b"IHDR", head), *(chunks or []), (b"IDAT", data), (b"IEND", b"")]
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))


def tiff16(samples: np.ndarray, **options: object) -> io.BytesIO:
    stream = io.BytesIO()
    plain = samples[..., 0] if samples.shape[2] == 1 else samples
    tifffile.imwrite(stream, plain, photometric="minisblack" if plain.ndim == 2 else "rgb", **options)
    return stream


def as_read(samples: np.ndarray) -> np.ndarray:
    """(H, W, 3 or 4), as pictures are read."""
    channels = samples.shape[2]
    return samples[..., {1: [0, 0, 0], 2: [0, 0, 0, 1], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[channels]]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_is_rounded(channels: int) -> None:
    samples = samples_of(channels)
    for picture in (
        open_picture(png16(samples), depth=8),
        as_picture(Image.open(png16(samples)), depth=8),
    ):
        assert picture.notes == (NOTE,)
        assert picture.has_alpha == (channels in (2, 4))
        np.testing.assert_array_equal(picture.read(0, 0, 300, 7), as_read(rounded(samples)))


@pytest.mark.parametrize(
    "options",
    [{}, {"byteorder": ">"}, {"compression": "zlib"}, {"compression": "lzw", "byteorder": ">"}, {"tile": (16, 16)}],
    ids=str,
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_tiff_is_rounded(channels: int, options: dict[str, object]) -> None:
    samples = samples_of(channels)
    if channels == 4:
        options = options | {"extrasamples": ["unassalpha"]}
    picture = open_picture(tiff16(samples, **options), depth=8)
    assert picture.notes[-1] == NOTE
    np.testing.assert_array_equal(picture.read(0, 0, 300, 7), as_read(rounded(samples)))


def test_a_tiff_of_12_bits() -> None:
    samples = RANDOM.integers(0, 4096, (5, 8), dtype=np.uint16)
    tags = [(256, 8), (257, 5), (258, 12), (259, 1), (262, 1), (273, 200), (277, 1), (278, 5), (279, 60)]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 3, 1, value) for tag, value in tags)
    bits = np.unpackbits(samples.astype(">u2").view(np.uint8)).reshape(-1, 16)[:, 4:]
    data = (b"II*\0\x08\0\0\0" + directory).ljust(200, b"\0") + np.packbits(bits).tobytes()
    picture = open_picture(io.BytesIO(data), depth=8)
    assert picture.notes == ("reduced from 12 bits to 8 by rounding",)
    np.testing.assert_array_equal(picture.read(0, 0, 5, 8)[..., 0], np.round(samples.astype(float) * 255 / 4095))


def test_a_tiff_where_white_is_zero() -> None:
    samples = samples_of(1)
    stream = io.BytesIO()
    tifffile.imwrite(stream, samples[..., 0], photometric="miniswhite")
    picture = open_picture(stream, depth=8)
    np.testing.assert_array_equal(picture.read(0, 0, 300, 7)[..., 0], 255 - rounded(samples)[..., 0])


def test_the_transparent_value_of_a_png_is_compared_in_16_bits() -> None:
    samples = np.full((2, 3, 3), 1000, np.uint16)
    samples[0, 0] = 1001  # the same in 8 bits
    picture = open_picture(png16(samples, [(b"tRNS", struct.pack(">3H", 1001, 1001, 1001))]), depth=8)
    assert picture.has_alpha
    assert picture.alpha(0, 0, 2, 3).tolist() == [[0, 255, 255], [255, 255, 255]]
    grey = open_picture(png16(samples[..., :1], [(b"tRNS", struct.pack(">H", 1001))]), depth=8)
    assert grey.mode == "LA"
    assert grey.alpha(0, 0, 2, 3).tolist() == [[0, 255, 255], [255, 255, 255]]


@pytest.mark.parametrize("name", ["avif", "jp2", "heic", "ppm"])
def test_other_readers_reduce_by_themselves(name: str) -> None:
    pixels = np.asarray(photo(8, 6).resize((64, 48), Image.Resampling.BICUBIC))
    if name == "avif":
        data = imagecodecs.avif_encode(pixels.astype(np.uint16) * 4, bitspersample=10)
    elif name == "jp2":
        data = imagecodecs.jpeg2k_encode(pixels.astype(np.uint16) * 257, level=0, codecformat="jp2")
    elif name == "ppm":
        data = b"P6 64 48 65535\n" + (pixels.astype(">u2") * 257).astype(">u2").tobytes()
    else:
        stream = io.BytesIO()
        pillow_heif.from_bytes("RGB;16", (64, 48), (pixels.astype(np.uint16) * 257).tobytes()).save(stream)
        data = stream.getvalue()
    picture = open_picture(io.BytesIO(data), depth=8)
    assert re.fullmatch(r"reduced from 1[06] bits to 8 by the reader of (AVIF|JPEG2000|HEIF|PPM)", picture.notes[-1])
    assert np.abs(picture.read(0, 0, 48, 64).astype(int) - pixels).mean() < 4


def test_grey_of_a_pgm() -> None:
    samples = samples_of(1)
    picture = open_picture(io.BytesIO(b"P5 7 300 65535\n" + samples.astype(">u2").tobytes()), depth=8)
    assert picture.notes == (NOTE,)
    np.testing.assert_array_equal(picture.read(0, 0, 300, 7), as_read(rounded(samples)))


def test_a_turned_picture_and_one_of_8_bits() -> None:
    samples = samples_of(3)
    exif = Image.Exif()
    exif[274] = 6
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    picture = open_picture(png16(samples, [(b"eXIf", block)]), depth=8)
    assert picture.notes == (NOTE, "turned upright (EXIF orientation 6)")
    np.testing.assert_array_equal(picture.read(0, 0, 7, 300), np.rot90(rounded(samples), -1))
    plain = as_picture(photo(), depth=8)
    assert plain.notes == ()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("order", ["<", ">"])
def test_arrays(channels: int, order: str) -> None:
    samples = samples_of(channels).astype(f"{order}u2")
    picture = as_picture(samples, depth=8)
    assert picture.notes == (NOTE,)
    np.testing.assert_array_equal(picture.read(200, 2, 50, 4), as_read(rounded(samples))[200:250, 2:6])


@pytest.mark.parametrize("depth", [16, 0, "8 bits", True])
def test_other_depths_are_refused(depth: object) -> None:
    with pytest.raises(InputError, match="the depth: expected 8 or None"):
        as_picture(photo(), depth=depth)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_tiff_of_separate_planes(compression: str | None) -> None:
    samples = samples_of(3)
    stream = tiff16(np.moveaxis(samples, 2, 0), planarconfig="separate", compression=compression)
    if compression is None:
        # Pillow would take each byte for a sample.
        with pytest.raises(UnsupportedPictureError, match=r"channels apart and uncompressed.*magick"):
            open_picture(stream, depth=8)
        return
    picture = open_picture(stream, depth=8)
    assert picture.notes[-1] == "reduced from 16 bits to 8 by the reader of TIFF"
    assert np.abs(picture.read(0, 0, 300, 7).astype(int) - rounded(samples)).max() <= 1


def test_every_way_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    samples = samples_of(3, 40, 50)
    Path("in").mkdir()
    Path("in/deep.png").write_bytes(png16(samples).getvalue())
    wanted = isthmus.encode(rounded(samples))

    def run(*args: str) -> str:
        result = CliRunner().invoke(main, ["encode", *args])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert f"  note: {NOTE}" in run("in/deep.png", "--depth", "8", "-o", "one.isth")
    assert f"deep.png: {NOTE}" in run("in", "--depth", "8", "-o", "out", "--workers", "1")
    isthmus.encode_file("in/deep.png", "two.isth", depth=8)
    isthmus.Codec().encode_file("in/deep.png", "three.isth", depth=8)
    for name in ("one.isth", "out/deep.isth", "two.isth", "three.isth"):
        assert Path(name).read_bytes() == wanted, name
    assert isthmus.encode(samples, depth=8) == isthmus.Codec().encode(samples, depth=8) == wanted
    grey = np.ascontiguousarray(samples[..., 0])
    with pytest.raises(OSError, match="depth=8"):
        Image.fromarray(grey).save("four.isth")
    Image.fromarray(grey).save("four.isth", depth=8)
    assert Path("four.isth").read_bytes() == isthmus.encode(rounded(grey))
    refused = CliRunner().invoke(main, ["encode", "in/deep.png", "-o", "five.isth"])
    assert refused.exit_code == 1
    assert "`isthmus encode --depth 8` (depth=8 in Python)" in refused.stderr


GREY = np.linspace(0, 1, 64 * 48).reshape(48, 64)
ARRAYS = {
    "bool": GREY > 0.5,
    "0 and 1": (GREY > 0.5).astype(np.int64),
    "float of 0 to 1": GREY,
    "half of 0 to 1": GREY.astype(np.float16),
    "float of 0 to 255": GREY * 255,
    "int of 0 to 255": (GREY * 255).astype(np.int32),
    "16 bits": (GREY * 65535).astype(np.uint16),
    "other end": (GREY * 65535).astype(">u2"),
    "int of 16 bits": (GREY * 65535).astype(np.int32),
    "signed": (GREY * 255 - 128).astype(np.int8),
    "32 bits": (GREY * (2**32 - 1)).astype(np.uint32),
    "of -1 to 1": (GREY * 2 - 1).astype(np.float32),
    "not all finite": np.where(GREY > 0.99, np.inf, np.where(GREY < 0.01, np.nan, GREY)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_the_remedy_for_an_array_works_to_the_letter(name: str) -> None:
    a, options = ARRAYS[name], {}
    for _ in range(3):
        try:
            picture = as_picture(a, **options)
            break
        except UnsupportedPictureError as error:
            if error.hint.startswith("depth=8 "):
                options = {"depth": 8}
            else:
                a = eval(re.search(r": (.*)\.$", error.hint)[1])
    shown = picture.read(0, 0, 48, 64)[..., 0].astype(float) / 255
    wanted = GREY > 0.5 if name in ("bool", "0 and 1") else GREY
    seen = np.isfinite(ARRAYS[name].astype(float))
    assert np.abs(shown - wanted)[seen].max() < 0.006


@pytest.mark.parametrize("mode", ["F", "I"])
def test_the_remedy_for_an_image_without_a_known_white_works(mode: str) -> None:
    image = Image.fromarray(GREY.astype(np.float32) * 1e6).convert(mode)
    with pytest.raises(UnsupportedPictureError) as refused:
        as_picture(image, depth=8)
    expression = re.search(r"then (.*)\.$", refused.value.hint)[1]
    remedied = eval(expression, {"np": np, "a": np.asarray(image)})
    shown = as_picture(remedied).read(0, 0, 48, 64)[..., 0] / 255
    assert np.abs(shown - GREY).max() < 0.003
