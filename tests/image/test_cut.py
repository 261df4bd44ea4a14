"""Files that end early, shown for what there is of them."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import isthmus
from isthmus.cli import main
from isthmus.codec import Codec
from isthmus.errors import CorruptError, InputError, IsthmusError, TruncatedError
from isthmus.image.coders.separable.coder import SeparableCoder
from isthmus.likeness import psnr_db
from pictures import photo


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec("fast", threads=1)


@pytest.fixture(scope="module")
def data(codec: Codec) -> bytes:
    return codec.encode(photo(300, 200), quality=60)


def test_more_bytes_are_a_better_picture(codec: Codec, data: bytes) -> None:
    whole = codec.decode(data)
    found = []
    for part in (0.1, 0.3, 0.6, 0.9):
        image, missing = codec.decode_cut(data[: int(part * len(data))])
        assert image.size == (300, 200)
        assert "0 of 1 tile whole" in missing
        found.append(psnr_db(whole, np.asarray(image)))
    assert found == sorted(found)
    assert found[0] > 11
    assert found[-1] > found[0] + 6


def test_every_cut_is_a_picture_or_an_error(codec: Codec) -> None:
    shown = 0
    data = codec.encode(photo(90, 60), quality=60)
    for size in [*range(0, 80), *range(80, len(data), 29)]:
        with pytest.raises(TruncatedError):
            codec.decode(data[:size])
        try:
            image, missing = codec.decode_cut(data[:size])
        except TruncatedError:
            assert size < 60
            continue
        shown += 1
        assert image.size == (90, 60)
        assert missing
    assert shown > 20


def test_a_whole_file_is_decoded_as_ever(codec: Codec, data: bytes) -> None:
    image, missing = codec.decode_cut(data)
    assert missing == ""
    np.testing.assert_array_equal(np.asarray(image), codec.decode(data))


def test_nothing_of_the_last_chunk_is_needed(codec: Codec, data: bytes) -> None:
    for less in (1, 5, 8):
        image, missing = codec.decode_cut(data[:-less])
        assert "after its last tile" in missing
        np.testing.assert_array_equal(np.asarray(image), codec.decode(data))


def test_damage_is_still_an_error(codec: Codec, data: bytes) -> None:
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    with pytest.raises(CorruptError):
        codec.decode_cut(bytes(flipped))
    flipped = bytearray(data)
    flipped[20] ^= 1
    with pytest.raises(IsthmusError):
        codec.decode_cut(bytes(flipped)[:-100])


def test_tiles_that_are_missing_are_grey(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    small = SeparableCoder(tile=64)
    for where in ("encoding", "decoding"):
        monkeypatch.setattr(f"isthmus.image.{where}.coder_of", lambda model: small)
    monkeypatch.setattr("isthmus.image.decoding.coder_with", lambda number: small)
    data = codec.encode(photo(128, 256).convert("RGBA"), quality=60)
    image, missing = codec.decode_cut(data[: len(data) * 3 // 4])
    whole = codec.decode_image(data)
    assert "of 8 tiles whole" in missing
    assert image.mode == whole.mode
    there, before = (np.asarray(one.convert("RGB")).astype(int) for one in (image, whole))
    np.testing.assert_array_equal(there[:32], before[:32])
    assert abs(there[-16:].mean() - 128) < 12
    assert there[-16:].std() < 12


def test_without_a_photo_layer_nothing_can_be_shown(codec: Codec) -> None:
    data = codec.encode(photo(60, 40), lossless=True)
    with pytest.raises(InputError, match="a lossless file that ends early"):
        codec.decode_cut(data[:-20])


def test_the_command(tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cut.isth").write_bytes(data[: len(data) // 2])
    without = CliRunner().invoke(main, ["decode", "cut.isth"])
    assert without.exit_code == 1
    assert "--partial" in without.output
    shown = CliRunner().invoke(main, ["decode", "cut.isth", "--partial"])
    assert shown.exit_code == 0, shown.output
    assert "note: the file ends early: 0 of 1 tile whole" in shown.output
    assert Path("cut.png").exists()
    Path("folder").mkdir()
    folder = CliRunner().invoke(main, ["decode", "folder", "-o", "out", "--partial"])
    assert folder.exit_code == 2
    assert isthmus.TruncatedError is TruncatedError
