"""Folders of .isth files as data sets: by number, through PyTorch's loader, and streamed by processes."""

from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import DataLoader

import isthmus
from batch.helpers import CUP
from isthmus.datasets import IsthFolder
from isthmus.errors import InputError, TruncatedError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of three pictures, 96x64, and one that lies in no folder."""
    folder = tmp_path_factory.mktemp("set")
    for number, name in enumerate(("cats/a", "cats/b", "cats/sub/c", "dogs/a", "dogs/b", "dogs/c", "none")):
        path = folder / f"{name}.isth"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(isthmus.encode(np.roll(CUP, number, axis=1), model="fast"))
    (folder / "cats/notes.txt").write_text("mine")
    return folder


def test_by_number(folder: Path) -> None:
    found = IsthFolder(str(folder))
    assert len(found) == 7
    assert found.classes == ["cats", "dogs"]
    assert [found.label(number) for number in range(7)] == [0, 0, 0, 1, 1, 1, -1]
    pixels, label = found[4]
    assert (found.names[4], label) == ("dogs/b.isth", 1)
    assert np.array_equal(pixels, isthmus.decode((folder / "dogs/b.isth").read_bytes()))
    with pytest.raises(IndexError):
        found[7]


def test_scale_crop_and_transform(folder: Path) -> None:
    whole = IsthFolder(str(folder))[0][0]
    assert IsthFolder(str(folder), scale=16)[0][0].shape == (4, 6, 3)
    assert np.array_equal(IsthFolder(str(folder), crop=(32, 20))[0][0], whole[22:42, 32:64])
    assert IsthFolder(str(folder), transform=np.mean)[0][0] == whole.mean()
    anywhere = IsthFolder(str(folder), crop=(8, 8), place="anywhere")
    windows = {anywhere[0][0].tobytes() for _ in range(6)}
    assert len(windows) > 1
    every = np.lib.stride_tricks.sliding_window_view(whole, (8, 8, 3)).reshape(-1, 8, 8, 3)
    assert windows <= {window.tobytes() for window in every}


def test_pytorchs_loader(folder: Path) -> None:
    loader = DataLoader(IsthFolder(str(folder)), batch_size=4, num_workers=0)
    shapes = [(tuple(pixels.shape), labels.tolist()) for pixels, labels in loader]
    assert shapes == [((4, 64, 96, 3), [0, 0, 0, 1]), ((3, 64, 96, 3), [1, 1, -1])]


def test_streamed_by_processes(folder: Path) -> None:
    found = IsthFolder(str(folder))
    expected = [found[number] for number in range(7)]
    streamed = list(found.stream(1))
    assert [label for _, label in streamed] == [label for _, label in expected]
    assert all(np.array_equal(one[0], other[0]) for one, other in zip(streamed, expected, strict=True))
    shuffled = [pixels.tobytes() for pixels, _ in found.stream(1, shuffle=1)]
    assert sorted(shuffled) == sorted(pixels.tobytes() for pixels, _ in expected)
    assert shuffled != [pixels.tobytes() for pixels, _ in expected]


def test_what_cannot_be_used(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.isth files"):
        IsthFolder(str(tmp_path))
    with pytest.raises(InputError, match="16 without a crop"):
        IsthFolder(str(folder), scale=16, crop=(8, 8))
    with pytest.raises(InputError, match="centre or anywhere"):
        IsthFolder(str(folder), place="left")
    with pytest.raises(InputError, match="expected 97x8 pixels, got 96x64"):
        IsthFolder(str(folder), crop=(97, 8))[0]
    (tmp_path / "cut.isth").write_bytes((folder / "none.isth").read_bytes()[:-9])
    with pytest.raises(TruncatedError):
        IsthFolder(str(tmp_path))[0]
