import copy
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image

import doubles
import isthmus
from isthmus.bitstream.head import pack_head
from isthmus.codec import DEFAULT_QUALITY, Codec
from isthmus.errors import (
    BitstreamError,
    CorruptError,
    InputError,
    LimitExceededError,
    ModelError,
    OutputExistsError,
    TooNewError,
    TruncatedError,
    UnknownModelError,
)
from isthmus.image import container
from isthmus.image.coders import table
from isthmus.image.limits import Limits
from isthmus.model.registry import load_model
from isthmus.tune import Tune, TuneLike
from pictures import photo

SIZES = [(1, 1), (1, 40), (40, 1), (31, 33), (32, 32), (65, 70)]


@pytest.mark.parametrize("size", SIZES)
def test_arrays_round_trip(lossless_codec: Codec, size: tuple[int, int], rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    decoded = lossless_codec.decode(lossless_codec.encode(pixels))
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, pixels)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1"])
@pytest.mark.parametrize("size", SIZES)
def test_modes_are_restored(lossless_codec: Codec, mode: str, size: tuple[int, int], rng: np.random.Generator) -> None:
    noise = Image.fromarray(rng.integers(0, 256, (*size, 4), dtype=np.uint8))
    image = noise.convert(mode)
    decoded = lossless_codec.decode_image(lossless_codec.encode(image))
    assert decoded.mode == mode
    found, wanted = np.array(decoded), np.array(image)
    if "A" in mode:
        np.testing.assert_array_equal(found[..., -1], wanted[..., -1])
        # Colours that nobody sees are the encoder's to choose.
        found[wanted[..., -1] == 0] = wanted[wanted[..., -1] == 0] = 0
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("mode", ["P", "PA", "CMYK", "YCbCr", "HSV", "RGBX"])
def test_other_modes_come_back_as_rgb(lossless_codec: Codec, mode: str) -> None:
    image = photo().convert("RGBA").convert(mode) if mode == "RGBX" else photo().convert("P" if mode == "PA" else mode)
    data = lossless_codec.encode(image.convert(mode))
    info = lossless_codec.inspect(data)
    decoded = lossless_codec.decode_image(data)
    assert info.mode == mode
    assert decoded.mode == info.restored_mode == ("RGBA" if mode == "PA" else "RGB")
    np.testing.assert_array_equal(np.asarray(decoded.convert("RGB")), np.asarray(image.convert("RGB")))


def test_metadata_comes_back(lossless_codec: Codec) -> None:
    image = photo()
    blocks = {"icc_profile": b"i" * 500, "exif": b"II*\0\x08\0\0\0\0\0\0\0\0\0", "xmp": b"<x/>"}
    image.info |= blocks
    decoded = lossless_codec.decode_image(lossless_codec.encode(image))
    assert {key: decoded.info[key] for key in blocks} == blocks
    stripped = lossless_codec.decode_image(lossless_codec.encode(image, strip=True))
    assert not set(blocks) & set(stripped.info)


def test_metadata_above_the_limit(lossless_coder: doubles.LosslessCoder) -> None:
    image = photo()
    image.info["icc_profile"] = bytes(100)
    codec = Codec(limits=Limits(max_metadata_bytes=99))
    with pytest.raises(LimitExceededError, match="--strip"):
        codec.encode(image)
    codec.encode(image, strip=True)


def test_a_window_equals_the_whole(lossless_codec: Codec, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (70, 90, 3), dtype=np.uint8)
    data = lossless_codec.encode(pixels)
    np.testing.assert_array_equal(lossless_codec.decode(data, box=(20, 30, 45, 40)), pixels[30:70, 20:65])


@pytest.mark.parametrize("box", [(-1, 0, 2, 2), (0, 0, 0, 1), (0, 0, 14, 9), (5, 5, 1, 5)])
def test_a_window_outside(lossless_codec: Codec, box: tuple[int, int, int, int]) -> None:
    with pytest.raises(InputError, match="within 13x9"):
        lossless_codec.decode(lossless_codec.encode(photo()), box=box)


@pytest.mark.parametrize("quality", [-0.01, 100.01, float("nan"), float("inf")])
def test_quality_out_of_range(lossless_codec: Codec, quality: float) -> None:
    with pytest.raises(InputError, match="0 to 100"):
        lossless_codec.encode(photo(), quality)


def test_quality_travels_in_hundredths(lossless_codec: Codec) -> None:
    assert lossless_codec.inspect(lossless_codec.encode(photo(), 33.337)).quality == 33.34
    assert lossless_codec.inspect(lossless_codec.encode(photo())).quality == DEFAULT_QUALITY


def test_info(lossless_codec: Codec) -> None:
    image = photo(40, 33).convert("RGBA")
    image.info["icc_profile"] = b"i" * 50
    data = lossless_codec.encode(image, 12.5)
    info = lossless_codec.inspect(data)
    assert (info.width, info.height, info.mode, info.restored_mode) == (40, 33, "RGBA", "RGBA")
    assert (info.model_id, info.tiles, info.tile_size) == ("0123456789abcdef", 4, 32)
    assert set(info.parts) == {"header", "icc", "alpha", "latents", "end"}
    assert sum(info.parts.values()) == info.bytes == len(data)
    assert info.bpp == 8 * len(data) / (40 * 33)
    assert lossless_codec.verify(data) == info


def test_an_unknown_model_is_named(lossless_codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Codec(model=doubles.FakeModel(id=b"\xff" * 8)).encode(photo())  # type: ignore[arg-type]
    with pytest.raises(UnknownModelError, match="ffffffffffffffff"):
        lossless_codec.decode(data)
    assert lossless_codec.inspect(data).model_id == "ff" * 8


def test_a_chosen_model_does_not_hide_the_installed_ones(lossless_codec: Codec) -> None:
    other = Codec(model=doubles.FakeModel(id=b"\xff" * 8))  # type: ignore[arg-type]
    np.testing.assert_array_equal(other.decode(lossless_codec.encode(photo())), np.asarray(photo()))
    np.testing.assert_array_equal(other.decode(other.encode(photo())), np.asarray(photo()))


def test_another_tile_size_is_too_new(lossless_coder: doubles.LosslessCoder) -> None:
    data = Codec().encode(photo())
    lossless_coder.tile = 64
    with pytest.raises(TooNewError, match="tile size"):
        Codec().decode(data)


def test_an_unknown_coder_is_too_new(lossless_codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    data = lossless_codec.encode(photo())
    assert lossless_codec.inspect(data).format_version == 2
    monkeypatch.delitem(table.CODERS, 255)
    for method in (Codec().decode, Codec().decode_image, Codec().preview, Codec().verify, Codec().inspect):
        with pytest.raises(TooNewError, match="coder is unknown: expected coder 0 or 2, got 255"):
            method(data)


def test_another_medium_is_too_new(lossless_codec: Codec) -> None:
    data = pack_head(9, 1, 0, b"?") + bytes(100)
    for method in (lossless_codec.decode, lossless_codec.verify, lossless_codec.inspect):
        with pytest.raises(TooNewError, match="medium is unknown: expected medium 1 or 2, got 9"):
            method(data)


def test_a_model_of_another_coder(lossless_coder: doubles.LosslessCoder) -> None:
    data = Codec().encode(photo())
    lossless_coder.needs = frozenset({"networks"})
    for attempt in (lambda: Codec().encode(photo()), lambda: Codec().decode(data)):
        with pytest.raises(ModelError, match="double is incomplete: expected networks"):
            attempt()


def test_a_preview_is_the_coders(lossless_codec: Codec) -> None:
    image = photo(70, 40).convert("RGBA")
    image.putalpha(200)
    preview = lossless_codec.preview(lossless_codec.encode(image))
    assert (preview.size, preview.mode) == ((5, 3), "RGBA")
    np.testing.assert_array_equal(np.asarray(preview)[..., :3], np.asarray(image)[::16, ::16, :3])
    assert (np.asarray(preview)[..., 3] == 200).all()


def damaged_sample(codec: Codec) -> bytes:
    image = photo(40, 33).convert("LA")
    image.putalpha(Image.linear_gradient("L").resize((40, 33)))
    image.info["xmp"] = b"<x/>"
    return codec.encode(image)


def test_cut_at_every_offset(lossless_codec: Codec) -> None:
    data = damaged_sample(lossless_codec)
    for end in range(len(data)):
        with pytest.raises(TruncatedError):
            lossless_codec.decode(data[:end])


def test_flip_bits_everywhere(lossless_codec: Codec) -> None:
    data = damaged_sample(lossless_codec)
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(BitstreamError):
            lossless_codec.decode_image(bytes(damaged))


def test_damage_behind_good_checksums_is_found(lossless_codec: Codec) -> None:
    parsed = container.parse(damaged_sample(lossless_codec))
    payloads = {"alpha": [bytes(p) for p in parsed.alpha], "tiles": [bytes(p) for p in parsed.tiles]}
    for part, good in payloads.items():
        for index in range(len(good)):
            # Nothing at all, and a tile of another size.
            for broken in (b"", payloads["tiles"][index - 1]):
                changed = payloads | {part: [*good[:index], broken, *good[index + 1 :]]}
                with pytest.raises(CorruptError):
                    lossless_codec.verify(container.assemble(parsed.header, {}, **changed))


def test_pixels_above_the_limit(lossless_codec: Codec) -> None:
    data = lossless_codec.encode(photo())
    small = Codec(limits=Limits(max_pixels=100))
    with pytest.raises(LimitExceededError, match="13x9"):
        small.decode(data)
    with pytest.raises(LimitExceededError, match="13x9"):
        small.encode(photo())


def test_files(lossless_codec: Codec, tmp_path: Path) -> None:
    photo().save(tmp_path / "a.png")
    compressed = lossless_codec.encode_file(tmp_path / "a.png")
    assert compressed == tmp_path / "a.isth"
    with pytest.raises(OutputExistsError):
        lossless_codec.decode_file(compressed)
    back = lossless_codec.decode_file(compressed, tmp_path / "b.webp")
    with Image.open(back) as image:
        assert image.format == "WEBP"
        np.testing.assert_array_equal(np.asarray(image), np.asarray(photo()))
    assert lossless_codec.decode_file(compressed, force=True) == tmp_path / "a.png"
    with pytest.raises(LimitExceededError):
        Codec(limits=Limits(max_file_bytes=10)).decode_file(compressed, force=True)


def test_a_pipe_is_encoded_as_the_file_is(lossless_codec: Codec, tmp_path: Path) -> None:
    photo().save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "pipe.png")
    thread = Thread(target=(tmp_path / "pipe.png").write_bytes, args=((tmp_path / "a.png").read_bytes(),))
    thread.start()
    encoded = lossless_codec.encode_file(tmp_path / "pipe.png")
    thread.join()
    assert encoded.read_bytes() == lossless_codec.encode_file(tmp_path / "a.png").read_bytes()


def test_a_failed_decode_leaves_no_file(lossless_codec: Codec, tmp_path: Path) -> None:
    (tmp_path / "a.isth").write_bytes(lossless_codec.encode(photo())[:-1])
    with pytest.raises(TruncatedError):
        lossless_codec.decode_file(tmp_path / "a.isth")
    assert [path.name for path in tmp_path.iterdir()] == ["a.isth"]


def test_the_functions_are_the_codec(lossless_codec: Codec, tmp_path: Path) -> None:
    data = isthmus.encode(photo(), quality=20)
    assert data == lossless_codec.encode(photo(), 20)
    np.testing.assert_array_equal(isthmus.decode(data), np.asarray(photo()))
    assert isthmus.decode_image(data).mode == "RGB"
    assert isthmus.verify(data) == isthmus.inspect(data)
    (tmp_path / "a.isth").write_bytes(data)
    png = isthmus.decode_file(tmp_path / "a.isth")
    assert isthmus.encode_file(png, quality=20, force=True).read_bytes() == data


def through_a_pickle(codec: Codec) -> Codec:
    return pickle.loads(pickle.dumps(codec))  # type: ignore[no-any-return]


@pytest.mark.parametrize("copied", [through_a_pickle, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("model", [None, "fast", "file", "loaded"])
def test_a_codec_that_was_used_can_be_copied(
    copied: Callable[[Codec], Codec], model: str | None, other_model: Path
) -> None:
    """With all that it holds by then, and without the file that its weights came from."""
    chosen = {"file": other_model, "loaded": load_model(other_model)}.get(str(model), model)
    codec = Codec(chosen, threads=1, effort=2, limits=Limits(max_pixels=10_000))
    picture = np.tile(np.arange(32, dtype=np.uint8)[:, None] * 8, (1, 32))
    data = codec.encode(picture)
    codec.decode(data)
    other_model.unlink()
    found = copied(codec)
    assert found.encode(picture) == data
    np.testing.assert_array_equal(found.decode(data), codec.decode(data))
    assert (found.threads, found.effort, found.limits) == (1, 2, Limits(max_pixels=10_000))
    assert len(pickle.dumps(codec)) < 1000 or model in ("file", "loaded")


def test_a_codec_in_a_pool_of_threads_leaves_numpy_its_threads() -> None:
    from threadpoolctl import ThreadpoolController

    def blas_threads() -> list[int]:
        return [found["num_threads"] for found in ThreadpoolController().info() if found["user_api"] == "blas"]

    codec = Codec("fast", threads=1)
    picture = np.zeros((64, 64, 3), np.uint8)
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        before = blas_threads()
    # In a thread that ends, so that nobody owns the setting.
    thread = Thread(target=lambda: ThreadpoolController().limit(limits=2, user_api="blas"))
    thread.start()
    thread.join()
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(lambda _: codec.encode(picture), range(12)))
    assert len(set(files)) == 1
    assert blas_threads() == before
    assert set(before) == {2}


def test_threads_are_at_least_one() -> None:
    with pytest.raises(InputError, match="threads"):
        Codec(threads=0)


CRAFTED = """
import pathlib, resource, sys
import numpy as np
from isthmus.image import container
from isthmus.image.header import Header
from isthmus.quality import Quality
from isthmus.coding import payload as latents
from isthmus.codec import Codec
from isthmus.coding.range_coder import SymbolEncoder
from isthmus.errors import IsthmusError
from isthmus.model.registry import find_model
from isthmus.tune import EYE

def peak_mb():
    # Not ru_maxrss where it can be helped: on Linux a child starts with its parent's.
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

def crafted(width, height, tile):
    header = Header(width, height, "RGB", Quality(5000), MODEL, 1024, coder=2, tune=EYE)
    return container.assemble(header, {}, [], [tile] * header.grid.count)

MODEL = bytes.fromhex(sys.argv[1])
rng = np.random.default_rng(0)
for tile in (b"", b"\\0" * 4, bytes(rng.integers(0, 256, 4, dtype=np.uint8))):
    for width, height in ((16384, 6000), (16384, 5), (5, 16384), (2**24, 1)):
        for method in ("decode", "decode_image", "verify"):
            data = crafted(width, height, tile)
            try:
                getattr(Codec(threads=1), method)(data[:1000])
                raise SystemExit(f"{method} accepted {width}x{height} of {tile!r}")
            except IsthmusError as error:
                pass
            try:
                getattr(Codec(threads=1), method)(data)
                raise SystemExit(f"{method} accepted {width}x{height} of {tile!r}")
            except IsthmusError as error:
                pass
# All tiles valid, and nearly without bytes, but for the last.
model = find_model(MODEL)
decoded = model.context.walk(64, 64, 5000, lambda channels, at, means, rows: means, tune=100)
valid = latents._check(decoded) + bytes([63]) + SymbolEncoder(model.tables).finish()
latents.decode_latents(model.entropy, valid, 64, 64, 5000, 100)
header = Header(2048, 2048, "RGB", Quality(5000), MODEL, 1024, coder=2, tune=EYE)
data = container.assemble(header, {}, [], [valid] * 3 + [bytes(5)])
assert len(data) < 1000, len(data)
for method in ("decode", "decode_image", "verify"):
    try:
        getattr(Codec(threads=1), method)(data)
        raise SystemExit(f"{method} accepted a damaged last tile")
    except IsthmusError:
        pass
print(peak_mb())
"""


def test_a_crafted_file_takes_little_memory() -> None:
    from isthmus.model.registry import release_model

    result = subprocess.run(
        [sys.executable, "-c", CRAFTED, release_model("fast").id.hex()], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert float(result.stdout) < 300


def test_the_functions_take_model_and_effort(lossless_coder: doubles.LosslessCoder, tmp_path: Path) -> None:
    picture = np.zeros((4, 5, 3), np.uint8)
    isthmus.encode(picture, effort=2)
    Image.fromarray(picture).save(tmp_path / "a.png")
    isthmus.encode_file(tmp_path / "a.png", effort=2)
    assert lossless_coder.efforts == [2, 2]
    model = doubles.FakeModel(bytes(8))
    assert isthmus.inspect(isthmus.encode(picture, model=model)).model_id == "0" * 16
    with pytest.raises(UnknownModelError, match="no model named 'none'"):
        isthmus.encode(picture, model="none")


@pytest.mark.parametrize("effort", [0, 5, 1.5])
def test_other_efforts_are_refused(effort: int) -> None:
    with pytest.raises(InputError, match="effort: expected 1 to 4"):
        Codec(effort=effort)


def test_a_name_is_not_decoded(lossless_codec: Codec) -> None:
    with pytest.raises(InputError, match=r"got str\. decode_file"):
        lossless_codec.decode("photo.isth")


@pytest.fixture(scope="module")
def tuned(tuned_model: Path) -> Codec:
    """Of a model that has a second dial."""
    return Codec(tuned_model, threads=1)


@pytest.mark.parametrize(("tune", "place"), [(None, 1), ("eye", 1), ("psnr", 0), (0.37, 0.37), (np.float32(0.5), 0.5)])
def test_the_second_dial(tuned: Codec, tune: TuneLike | None, place: float) -> None:
    data = tuned.encode(photo(), 60, tune=tune)
    info = tuned.inspect(data)
    assert (info.quality, info.tune) == (60, place)
    assert info.as_dict()["tune"] == place
    assert f"quality 60, tune {Tune.of(place).text}\n" in info.text()
    assert data == tuned.encode(photo(), 60, tune=place)
    assert tuned.verify(data) == info
    assert tuned.decode(data).shape == (photo().height, photo().width, 3)


def test_the_second_dial_turns_bytes_and_pixels(tuned: Codec, tmp_path: Path) -> None:
    found = [tuned.encode(photo(), 60, tune=tune) for tune in (0, 0.5, 1)]
    assert len(set(found)) == 3
    assert len({tuned.decode(data).tobytes() for data in found}) == 3
    photo().save(tmp_path / "a.png")
    path = tuned.encode_file(tmp_path / "a.png", quality=60, tune="psnr")
    assert path.read_bytes() == found[0]


@pytest.mark.parametrize("tune", ["ssim", 1.5, -1, math.nan, True, "0.5"])
def test_a_tune_that_is_none(tuned: Codec, tune: TuneLike) -> None:
    with pytest.raises(InputError, match="the tune: expected psnr or eye, or a number from 0 to 1, got"):
        tuned.encode(photo(), tune=tune)


@pytest.mark.parametrize("tune", ["psnr", "eye", 1])
def test_a_tune_is_for_models_that_have_the_dial(lossless_codec: Codec, tmp_path: Path, tune: TuneLike) -> None:
    match = r"the model double has no second dial, the tune: got (psnr|eye)\. Leave the tune out"
    with pytest.raises(InputError, match=match):
        lossless_codec.encode(photo(), tune=tune)
    photo().save(tmp_path / "a.png")
    with pytest.raises(InputError, match=match):
        lossless_codec.encode_file(tmp_path / "a.png", tune=tune)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    # Not asked for, it is no matter.
    info = lossless_codec.inspect(lossless_codec.encode(photo()))
    assert (info.tune, info.as_dict()["tune"]) == (None, None)
    assert "tune" not in info.text()
