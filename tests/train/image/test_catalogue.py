"""Pictures of a tree: what is used, what is left out and counted, what is held out."""

import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from isthmus.errors import InputError
from isthmus.train.image.catalogue import look_through
from tiny_training import tiny_config


def test_what_cannot_be_used_is_counted_and_named(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    shutil.copytree(folder, root)
    whole = (root / "p0.png").read_bytes()
    (root / "notes.txt").write_text("no picture")
    (root / "empty.png").write_bytes(b"")
    (root / "copy.png").write_bytes(whole)
    Image.new("RGB", (9, 200)).save(root / "icon.png")
    (root / ".hidden.png").write_bytes(whole)
    found = look_through(root, None, tiny_config())
    (copy,) = found.skipped.pop("doubled")
    assert copy in ("copy.png", "p0.png")
    assert found.skipped == {"of other kinds": ("notes.txt",), "broken": ("empty.png",), "too small": ("icon.png",)}
    assert len(found.training) + len(found.held_out) == 13
    assert "1 broken (empty.png)" in found.describe()


def _png_of(width: int, height: int) -> bytes:
    """The beginning of a PNG file of this size, as far as readers look before they decode."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 4) + b"IDAT"


def test_sizes_are_limited_as_the_codec_limits_them(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    shutil.copytree(folder, root)
    # Pillow's own limit is 179 megapixels, the codec's 268.
    (root / "map.png").write_bytes(_png_of(16384, 16384))
    (root / "wall.png").write_bytes(_png_of(16385, 16384))
    found = look_through(root, folder, tiny_config())
    assert ("map.png", 16384, 16384) in found.training
    assert found.skipped["too large"] == ("wall.png",)


def test_a_folder_of_what_the_codec_refuses_says_why(tmp_path: Path) -> None:
    for side, name in enumerate("ab", 98):
        Image.fromarray(data.camera()[:side, :side].astype(np.uint16) * 257).save(tmp_path / f"{name}.png")
    with pytest.raises(InputError, match=r"2 of a kind that the codec refuses \(a.png, b.png\).*The first of them.*16"):
        look_through(tmp_path, None, tiny_config())


def test_held_out_folder(folder: Path) -> None:
    found = look_through(folder, folder / "below", tiny_config())
    assert len(found.held_out) == 8
    # The folder held out lies in the other: what is measured is not trained on, here as where nothing is named.
    assert len(found.training) == 5
    assert len(found.skipped["held out by name"]) == 8


def test_what_is_left_out_of_a_held_out_folder_is_named(folder: Path, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    (tmp_path / "torn.png").write_bytes(b"")
    assert look_through(folder, tmp_path, tiny_config()).skipped == {"broken": ("torn.png",)}


@pytest.mark.parametrize("name", ["missing", "empty", "single"])
def test_too_few_pictures_is_an_error(tmp_path: Path, name: str) -> None:
    if name != "missing":
        (tmp_path / name).mkdir()
    if name == "single":
        Image.new("RGB", (64, 64)).save(tmp_path / name / "a.png")
        (tmp_path / name / "torn.png").write_bytes(b"")
    message = r"1 broken \(torn.png\)" if name == "single" else "pictures"
    with pytest.raises(InputError, match=message):
        look_through(tmp_path / name, None, tiny_config())


def test_names_that_are_no_text_are_taken(folder: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    Image.fromarray(data.coffee()).save(tmp_path / "coffee.png")
    (tmp_path / "coffee.png").rename(tmp_path / name)
    trained_on = look_through(tmp_path, folder, tiny_config())
    assert [picture[0] for picture in trained_on.training] == [name]
    held_out = look_through(folder, tmp_path, tiny_config())
    assert held_out.held_out == (tmp_path / name,)
    assert trained_on.digest() != held_out.digest()
