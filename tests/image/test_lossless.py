"""Lossless files: all samples of all modes come back, whole and in parts, and damage is an error."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

import isthmus
from containers import refused_with_any_bit_flipped
from isthmus.codec import Codec
from isthmus.errors import CorruptError, InputError, LimitExceededError, TooNewError, TruncatedError
from isthmus.image.chunks import PALETTE
from isthmus.image.container import assemble, parse
from isthmus.image.header import NO_MODEL, Header, pack_header
from isthmus.image.lossless import LosslessDecoder
from isthmus.image.picture import as_picture
from isthmus.image.samples import TILE, decode_samples, encode_samples
from isthmus.quality import Quality
from pictures import LOSSLESS, by_mode, photo

GOLDEN = Path(__file__).parents[1] / "golden"
MODES = tuple(by_mode())
HEADER = Header(3, 2, "P", Quality(10_000), NO_MODEL, TILE, lossless=True)


def colours(image: Image.Image) -> np.ndarray:
    return as_picture(image).read(0, 0, image.height, image.width)[..., :3]


def assert_same(found: Image.Image, wanted: Image.Image) -> None:
    assert (found.mode, found.size) == (wanted.mode, wanted.size)
    assert found.tobytes() == wanted.tobytes()
    if wanted.mode in ("P", "PA"):
        np.testing.assert_array_equal(np.asarray(found.convert("RGBA")), np.asarray(wanted.convert("RGBA")))


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("effort", [1, 2])
def test_every_mode_comes_back(name: str, effort: int) -> None:
    image = by_mode()[name]
    data = isthmus.encode(image, lossless=True, effort=effort)
    assert_same(isthmus.decode_image(data), image)
    np.testing.assert_array_equal(isthmus.decode(data), colours(image))
    info = isthmus.verify(data)
    assert (info.lossless, info.mode, info.restored_mode, info.model_id) == (True, image.mode, image.mode, "0" * 16)
    assert info.extent == "13x9, lossless"


@pytest.mark.parametrize("name", MODES)
def test_a_part_is_the_same_part_of_the_whole(name: str) -> None:
    image = by_mode()[name]
    data, box = isthmus.encode(image, lossless=True), (2, 3, 7, 5)
    assert_same(Codec().decode_image(data, box), image.crop((2, 3, 9, 8)))
    np.testing.assert_array_equal(isthmus.decode(data, box), colours(image)[3:8, 2:9])


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 1), (5, 6, 2), (5, 6, 3), (5, 6, 4)])
def test_arrays_come_back(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    array = rng.integers(0, 256, shape, dtype=np.uint8)
    data = isthmus.encode(array, lossless=True)
    np.testing.assert_array_equal(np.asarray(isthmus.decode_image(data)).reshape(shape), array)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_one_transparent_value_becomes_transparency(mode: str) -> None:
    image = photo().convert(mode)
    image.info["transparency"] = image.getpixel((3, 3))
    found = isthmus.decode_image(isthmus.encode(image, lossless=True))
    wanted = image.convert({"L": "LA", "RGB": "RGBA"}[mode])
    assert wanted.getpixel((3, 3))[-1] == 0
    assert_same(found, wanted)


@pytest.mark.parametrize("threads", [1, 3])
def test_tiles(threads: int) -> None:
    image = photo(2 * TILE + 5, 16)
    codec, done = Codec(threads=threads), []
    data = codec.encode(image, lossless=True, progress=lambda *at: done.append(at))
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert codec.inspect(data).tiles == 3
    assert_same(codec.decode_image(data), image)
    box = (TILE - 3, 3, TILE + 7, 10)
    np.testing.assert_array_equal(codec.decode(data, box), np.asarray(image)[3:13, TILE - 3 : 2 * TILE + 4])
    assert data == Codec(threads=1).encode(image, lossless=True)


def test_only_tiles_that_are_needed_are_decoded() -> None:
    parsed = parse(isthmus.encode(photo(TILE + 5, 9), lossless=True))
    parsed.samples[1] = memoryview(b"?")
    decoder = LosslessDecoder(parsed)
    assert decoder.decode((0, 0, TILE, 9)).shape == (9, TILE, 3)
    with pytest.raises(CorruptError) as caught:
        decoder.decode((0, 0, TILE + 1, 9))
    assert caught.value.__notes__ == ["in tile 1"]


def test_no_model_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise AssertionError("a model is looked for")

    for name in ("find_model", "release_model", "model_named"):
        monkeypatch.setattr(f"isthmus.codec.{name}", none)
    data = isthmus.encode(photo(), lossless=True)
    assert_same(isthmus.decode_image(data), photo())
    assert isthmus.preview(data).size == (1, 1)


@pytest.mark.parametrize("name", MODES)
def test_previews(name: str) -> None:
    image = by_mode()[name].resize((50, 40), Image.Resampling.NEAREST)
    preview = isthmus.preview(isthmus.encode(image, lossless=True))
    other = {"P": "RGB", "PA": "RGBA", "1": "L", "HSV": "RGB"}
    mode = "RGBA" if name.startswith("P+") else other.get(image.mode, image.mode)
    assert (preview.mode, preview.size) == (mode, (4, 3))
    wanted = np.asarray(image.convert(mode).reduce(16))
    np.testing.assert_array_equal(np.asarray(preview), wanted)


def test_metadata_comes_back_and_a_cmyk_profile_with_it() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = photo().convert("CMYK")
    image.info |= {"icc_profile": profile, "xmp": b"<x/>"}
    picture = as_picture(image)
    assert any("CMYK" in note for note in picture.notes)
    found = isthmus.decode_image(isthmus.encode(image, lossless=True))
    assert_same(found, image)
    assert (found.info["icc_profile"], found.info["xmp"]) == (profile, b"<x/>")
    # Without it, the numbers would mean other colours: they become sRGB first.
    bare = isthmus.decode_image(isthmus.encode(image, lossless=True, strip=True))
    assert bare.mode == "RGB"
    assert "icc_profile" not in bare.info


def test_notes_say_nothing_of_what_is_kept() -> None:
    from isthmus.image.lossless import as_lossless

    picture = as_picture(by_mode()["P"])
    assert picture.notes == ("mode P comes back as RGB",)
    assert as_lossless(picture).notes == ()


def test_stripping_keeps_palettes() -> None:
    image = by_mode()["P+table"]
    image.info["xmp"] = b"<x/>"
    found = isthmus.decode_image(isthmus.encode(image, lossless=True, strip=True))
    assert_same(found, image)
    assert "xmp" not in found.info


def test_a_reduced_picture_is_kept_as_it_was_reduced() -> None:
    image = by_mode()["P"]
    found = isthmus.decode_image(isthmus.encode(image, lossless=True, max_side=6))
    assert_same(found, image.convert("RGB").resize((6, 4), Image.Resampling.LANCZOS))


def test_deep_samples_are_reduced_first(rng: np.random.Generator) -> None:
    deep = rng.integers(0, 2**16, (4, 5), dtype=np.uint16)
    found = isthmus.decode(isthmus.encode(deep, lossless=True, depth=8))[..., 0]
    np.testing.assert_array_equal(found, np.rint(deep / 257))


@pytest.mark.parametrize("given", [{"quality": 50}, {"target_bytes": 500}, {"target_psnr": 40}])
def test_neither_quality_nor_target(given: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"expected lossless alone, got {next(iter(given))}"):
        isthmus.encode(photo(), lossless=True, **given)


def test_files(tmp_path: Path) -> None:
    by_mode()["P+one"].save(tmp_path / "a.png", transparency=5)
    isthmus.encode_file(tmp_path / "a.png", lossless=True)
    isthmus.decode_file(tmp_path / "a.isth", tmp_path / "b.png")
    with Image.open(tmp_path / "a.png") as before, Image.open(tmp_path / "b.png") as after:
        assert_same(after, before)


@pytest.mark.parametrize("kind", LOSSLESS)
def test_golden_files(kind: str) -> None:
    data = (GOLDEN / f"lossless_{kind}.isth").read_bytes()
    parsed = parse(data)
    assert [payload[0] for payload in parsed.samples] == {"vp8l": [1], "turned": [4], "lzma": [2], "constant": [0, 0]}[
        kind
    ]
    assert_same(isthmus.decode_image(data), LOSSLESS[kind]())


def test_literal_bytes() -> None:
    expected = bytes.fromhex(
        "89 49535448 0d0a1a"  # magic
        "0200"  # version 2
        "2e00"  # 46 bytes of header
        "01"  # a picture
        "00"  # by no coder
        "0200"  # features: lossless
        "03000000 02000000"  # 3x2 pixels
        "01 05"  # one sample a pixel, mode P
        "1027"  # quality 100
        "0000000000000000"  # no model
        "0008 01000000"  # tiles of 2048 pixels, one of them
        "e0a2b7d5"  # CRC-32 of all that
    )
    assert pack_header(HEADER)[:-4] == expected[:-4]
    data = assemble(HEADER, {PALETTE: b"abc"}, samples=[b"\0\0"])
    assert parse(data).header == HEADER
    assert data[-20:].startswith(bytes.fromhex("4c 02 0000")) or bytes.fromhex("4c 02 0000") in data


def test_flip_any_bit_and_cut_anywhere() -> None:
    data = isthmus.encode(by_mode()["P"], lossless=True)
    refused_with_any_bit_flipped(data)
    for end in range(len(data)):
        with pytest.raises(TruncatedError):
            parse(data[:end])


def with_header(**changes: int | bytes) -> bytes:
    """A small file with raw fields of its header changed, and the CRC made good."""
    data = assemble(HEADER, {PALETTE: b"abc"}, samples=[b"\0\0"])
    layout = struct.Struct("<8sHHBBHIIBBH8sHI")
    names = ["magic", "version", "length", "medium", "coder", "features", "width", "height", "channels", "mode"]
    names += ["quality", "model", "tile", "tiles"]
    fields = dict(zip(names, layout.unpack(data[:42]), strict=True))
    head = layout.pack(*(fields | changes).values())
    return head + struct.pack("<I", zlib.crc32(head)) + data[46:]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 3}, "channels is out of range: expected 1 to 1, got 3"),
        ({"quality": 9_999}, "neither quality nor coder: expected quality 100"),
        ({"model": b"12345678"}, "without a coder: expected model 0+, and samples or a sharp layer"),
        ({"features": 0, "channels": 3, "mode": 0}, "without a coder: expected model 0+, and samples or a sharp layer"),
        ({"mode": 2}, "mode and the palette contradict each other: expected no palette"),
        ({"mode": 1, "channels": 4}, "the mode RGBA and the alpha bit contradict"),
        ({"features": 3}, r"palette's size: expected 1 to 256 times 4 bytes, got 3"),
    ],
)
def test_headers_that_contradict_themselves(changes: dict[str, int | bytes], message: str) -> None:
    with pytest.raises(CorruptError, match=message):
        parse(with_header(**changes))


def test_palettes_that_are_none() -> None:
    with pytest.raises(CorruptError, match="expected one of RGB"):
        parse(assemble(HEADER, {}, samples=[b"\0\0"]))
    for size in (0, 2, 769):
        with pytest.raises(CorruptError, match="1 to 256 times 3 bytes"):
            parse(assemble(HEADER, {PALETTE: bytes(size)}, samples=[b"\0\0"]))


def test_tiles_of_another_size_are_not_known() -> None:
    with pytest.raises(TooNewError, match="tile size is unknown: expected 2048, got 1024"):
        isthmus.decode(with_header(tile=1024))


def test_a_huge_picture_of_few_bytes_is_checked_to_its_end_first() -> None:
    header = Header(16384, 16384, "L", Quality(10_000), NO_MODEL, TILE, lossless=True)
    black = encode_samples(np.zeros((TILE, TILE, 1), np.uint8))
    data = assemble(header, {}, samples=[*[black] * 63, b"?"])
    for decode in (isthmus.decode, isthmus.decode_image, isthmus.verify):
        with pytest.raises(CorruptError):
            decode(data)
    with pytest.raises(LimitExceededError):
        Codec(limits=isthmus.Limits(max_pixels=16384 * 16383)).verify(data)


def test_samples_are_what_is_in_the_file() -> None:
    image = by_mode()["PA"]
    parsed = parse(isthmus.encode(image, lossless=True))
    np.testing.assert_array_equal(decode_samples(parsed.samples[0], 9, 13, 2), np.asarray(image))
    assert len(parsed.metadata[PALETTE]) % 3 == 0
