"""Data: idx files by the byte, checksums, downloads from a local server, folders and arrays, and what is refused."""

import gzip
import hashlib
import http.server
import io
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from isthmus.autoencoder import data as data_module
from isthmus.autoencoder import load_data
from isthmus.autoencoder.data import IDX_SETS, IdxFile, download, read_idx
from isthmus.errors import CorruptError, InputError, LimitExceededError

IMAGES = np.arange(3 * 2 * 4, dtype=np.uint8).reshape(3, 2, 4)
LABELS = np.array([1, 0, 1], dtype=np.uint8)


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A published set of four tiny files under the name mnist; returns their contents by name."""
    contents = {
        "train-images-idx3-ubyte": idx(IMAGES),
        "train-labels-idx1-ubyte": idx(LABELS),
        "t10k-images-idx3-ubyte": idx(IMAGES[:1]),
        "t10k-labels-idx1-ubyte": idx(LABELS[:1]),
    }
    files = tuple(IdxFile(name, len(body), hashlib.sha256(body).hexdigest()) for name, body in contents.items())
    monkeypatch.setitem(IDX_SETS, "mnist", files)
    return contents


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server on this machine: its address and the folder it serves."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}", folder
        running.shutdown()
        thread.join()


def test_digits_are_8_bit_pictures_with_classes_split_four_to_one() -> None:
    found = load_data("digits")
    assert found.train.shape == (1438, 8, 8)
    assert found.test.shape == (359, 8, 8)
    assert (found.train.dtype, int(found.train.max()), int(found.train.min())) == (np.uint8, 255, 0)
    assert set(found.test_labels) == set(range(10))
    assert_array_equal(load_data("digits").test, found.test)
    assert not np.array_equal(load_data("digits", seed=1).test, found.test)


def test_idx_by_the_byte() -> None:
    assert_array_equal(
        read_idx(io.BytesIO(bytes.fromhex("00000802 00000002 00000003 010203040506"))), [[1, 2, 3], [4, 5, 6]]
    )
    assert_array_equal(read_idx(io.BytesIO(idx(IMAGES))), IMAGES)


@pytest.mark.parametrize(
    ("hexadecimal", "message"),
    [
        ("", "not an idx file"),
        ("000008", "not an idx file"),
        ("01000801 00000000", "not an idx file"),
        ("00000d01 00000000", "not an idx file"),  # floats
        ("00000800", "not an idx file"),
        ("00000805 0000000000000000000000000000000000000000", "not an idx file"),
        ("00000802 00000002", "ends in its header"),
        ("00000803 ffffffff ffffffff ffffffff", "claims too much"),
        ("00000801 00000003 0102", "expected 3 bytes, got 2"),
        ("00000801 00000003 01020304", "expected 3 bytes, got more"),
    ],
)
def test_damaged_idx_files_are_refused(hexadecimal: str, message: str) -> None:
    with pytest.raises(CorruptError, match=message):
        read_idx(io.BytesIO(bytes.fromhex(hexadecimal)))


@pytest.mark.parametrize("packed", [True, False])
def test_published_files_are_read_packed_or_not(packed: bool, tiny: dict[str, bytes], tmp_path: Path) -> None:
    for name, body in tiny.items():
        (tmp_path / f"{name}{'.gz' * packed}").write_bytes(gzip.compress(body, 1) if packed else body)
    found = load_data("mnist", tmp_path)
    assert_array_equal(found.train, IMAGES)
    assert_array_equal(found.train_labels, LABELS)
    assert_array_equal(found.test, IMAGES[:1])


def test_wrong_content_is_refused_even_if_well_formed(tiny: dict[str, bytes], tmp_path: Path) -> None:
    for name, body in tiny.items():
        (tmp_path / name).write_bytes(body)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS[::-1]))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.array([0, 0, 0], np.uint8)))
    with pytest.raises(CorruptError, match="wrong content: expected SHA-256"):
        load_data("mnist", tmp_path)


def test_a_gzip_bomb_is_cut_short(tiny: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Packed it is smaller than the limit on the file; unpacked it would be a thousand times the published size.
    name = "train-images-idx3-ubyte"
    files = tuple(IdxFile(f.name, 20_000, f.sha256) if f.name == name else f for f in IDX_SETS["mnist"])
    monkeypatch.setitem(IDX_SETS, "mnist", files)
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(bytes(10_000_000)))
    with pytest.raises(CorruptError, match="wrong content"):
        load_data("mnist", tmp_path)


def test_truncated_gzip_is_refused(tiny: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(tiny["train-images-idx3-ubyte"])[:-9])
    with pytest.raises(CorruptError, match="cannot be unpacked"):
        load_data("mnist", tmp_path)


def test_missing_files_name_the_ways_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--data-dir, or fetch them with --download"):
        load_data("mnist", tmp_path)
    with pytest.raises(InputError, match="dataset-fashion-mnist"):
        load_data("fashion-mnist", tmp_path)


def test_published_checksums_and_sizes_are_those_of_60000_and_10000_pictures() -> None:
    for files in IDX_SETS.values():
        assert [file.size_bytes for file in files] == [16 + 60000 * 784, 8 + 60000, 16 + 10000 * 784, 8 + 10000]
        assert all(len(bytes.fromhex(file.sha256)) == 32 for file in files)


def test_download_fetches_checks_and_keeps(tiny: dict[str, bytes], server: tuple[str, Path], tmp_path: Path) -> None:
    url, served = server
    for name, body in tiny.items():
        (served / f"{name}.gz").write_bytes(gzip.compress(body))
    target = tmp_path / "new" / "folder"
    paths = download("mnist", target, base_url=url)
    assert [path.name for path in paths] == [f"{name}.gz" for name in tiny]
    assert_array_equal(load_data("mnist", target).train, IMAGES)
    for path in served.iterdir():
        path.unlink()
    assert download("mnist", target, base_url=url) == paths  # nothing is fetched twice


@pytest.mark.parametrize("change", ["other content", "not gzip", "too long"])
def test_a_bad_download_leaves_no_file(
    change: str, tiny: dict[str, bytes], server: tuple[str, Path], tmp_path: Path
) -> None:
    url, served = server
    body = {
        "other content": gzip.compress(idx(IMAGES + 1)),
        "not gzip": b"<html>",
        "too long": bytes(1_000_000),
    }[change]
    (served / "train-images-idx3-ubyte.gz").write_bytes(body)
    with pytest.raises((CorruptError, LimitExceededError)):
        download("mnist", tmp_path / "data", base_url=url)
    assert list((tmp_path / "data").iterdir()) == []


def test_no_network_says_so(tiny: dict[str, bytes], server: tuple[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot download .* Give the files with --data-dir"):
        download("mnist", tmp_path, base_url=server[0])  # the server has no such file


def test_a_folder_of_folders_gives_pictures_and_classes(tmp_path: Path, rng: np.random.Generator) -> None:
    pictures = rng.integers(0, 256, (6, 5, 7, 3), dtype=np.uint8)
    for index, picture in enumerate(pictures):
        folder = tmp_path / ("cats" if index < 4 else "dogs")
        folder.mkdir(exist_ok=True)
        Image.fromarray(picture).save(folder / f"{index}.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    found = load_data(str(tmp_path))
    assert (found.train.shape, found.test.shape) == ((5, 5, 7, 3), (1, 5, 7, 3))
    for picture, label in zip(found.train, found.train_labels, strict=True):
        index = next(i for i in range(6) if np.array_equal(pictures[i], picture))
        assert label == (0 if index < 4 else 1)


def test_grey_pictures_stay_grey_and_have_no_classes(tmp_path: Path) -> None:
    for index in range(3):
        Image.fromarray(np.full((4, 4), index, np.uint8)).save(tmp_path / f"{index}.png")
    found = load_data(str(tmp_path))
    assert found.train.shape == (2, 4, 4)
    assert found.train_labels is None


def test_folders_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too few pictures"):
        load_data(str(tmp_path))
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    Image.new("L", (4, 5)).save(tmp_path / "b.png")
    with pytest.raises(InputError, match=r"b\.png differs .* one input size"):
        load_data(str(tmp_path))
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"cannot read .*b\.png"):
        load_data(str(tmp_path))


def test_arrays_of_numbers_are_read_and_others_refused(tmp_path: Path) -> None:
    path = tmp_path / "samples.npy"
    np.save(path, np.arange(40.0).reshape(10, 4))
    found = load_data(str(path))
    assert (found.train.shape, found.test.shape, found.name) == ((8, 4), (2, 4), "samples")
    assert_array_equal(np.sort(np.concatenate([found.train, found.test])[:, 0]), np.arange(0.0, 40, 4))
    for bad in (np.zeros(3), np.zeros((1, 3)), np.array([["a"], ["b"]]), np.zeros((2, 2), complex)):
        np.save(path, bad)
        with pytest.raises(InputError, match="not an array of samples"):
            load_data(str(path))
    np.save(path, np.array([[{}], [{}]], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot read"):  # a pickle is never loaded
        load_data(str(path))


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(InputError, match="no data at cifar: expected digits, mnist"):
        load_data("cifar")


def test_debians_folder_is_where_fashion_mnist_is_looked_for() -> None:
    assert str(data_module.USUAL_PLACES["fashion-mnist"]) == "/usr/share/datasets/fashion-mnist"
