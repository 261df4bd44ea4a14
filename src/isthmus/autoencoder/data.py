"""Data to learn from: scikit-learn's digits, MNIST and Fashion-MNIST as idx files, folders of pictures, .npy arrays."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import urllib.error
import urllib.request
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from isthmus.errors import CorruptError, InputError
from isthmus.files import read_capped, write_atomic

MAX_BYTES = 4 << 30  # of one array in memory: a typing error in an idx header must not take the machine down
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
TEST_SHARE = 0.2  # of data that comes without a split of its own
DOWNLOAD_SECONDS = 60
GZIP_OVERHEAD = 1 << 16  # bytes that gzip may add to what it cannot pack


@dataclass(frozen=True)
class Data:
    """Pictures to train on and to measure on; labels where the source has them.

    ``train`` and ``test`` are ``(n, H, W) uint8`` or ``(n, H, W, 3) uint8``, any numbers ``(n, ...)`` of a .npy file;
    ``train_labels`` and ``test_labels`` are ``(n,) int64``, and ``name`` is the set's, for people.
    """

    name: str
    train: NDArray[Any]
    test: NDArray[Any]
    train_labels: NDArray[np.int64] | None = None
    test_labels: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class IdxFile:
    """One published idx file: its usual name without .gz, and size and SHA-256 of its content.

    Mirrors pack the same content with other gzip settings, so that only the content's checksum means anything.
    """

    name: str
    size_bytes: int
    sha256: str


IDX_SETS: dict[str, tuple[IdxFile, ...]] = {
    "mnist": (
        IdxFile(
            "train-images-idx3-ubyte", 47040016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
        ),
        IdxFile("train-labels-idx1-ubyte", 60008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        IdxFile("t10k-images-idx3-ubyte", 7840016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        IdxFile("t10k-labels-idx1-ubyte", 10008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ),
    "fashion-mnist": (
        IdxFile(
            "train-images-idx3-ubyte", 47040016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
        ),
        IdxFile("train-labels-idx1-ubyte", 60008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        IdxFile("t10k-images-idx3-ubyte", 7840016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        IdxFile("t10k-labels-idx1-ubyte", 10008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    ),
}
SOURCES = {
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "fashion-mnist": "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
}
USUAL_PLACES = {"fashion-mnist": Path("/usr/share/datasets/fashion-mnist")}  # Debian's dataset-fashion-mnist


def load_data(source: str, data_dir: str | Path | None = None, *, seed: int = 0) -> Data:
    """Load ``digits``, ``mnist``, ``fashion-mnist``, a folder of pictures or a .npy file.

    ``data_dir`` holds the idx files, plain or with .gz. Folders and arrays are split 4 to 1 into training and test with
    ``seed``; a folder's labels are the names of its subfolders, in order. Digits are stretched from 0..16 to 0..255.
    Raises `InputError` for what cannot be found or used, `CorruptError` for an idx file with the wrong content.
    """
    if source == "digits":
        from sklearn.datasets import load_digits

        bunch = load_digits()
        return _split(
            "digits", np.rint(bunch.images * (255 / 16)).astype(np.uint8), bunch.target.astype(np.int64), seed
        )
    if source in IDX_SETS:
        folder = Path(data_dir) if data_dir is not None else USUAL_PLACES.get(source, Path())
        images, labels, test_images, test_labels = (_read_published(source, folder, file) for file in IDX_SETS[source])
        return Data(source, images, test_images, labels.astype(np.int64), test_labels.astype(np.int64))
    path = Path(source)
    if path.is_dir():
        return _read_folder(path, seed)
    if path.suffix == ".npy" and path.is_file():
        return _read_npy(path, seed)
    raise InputError(
        f"no data at {source}", expected=f"digits, {', '.join(IDX_SETS)}, a folder of pictures or a .npy file"
    )


def read_idx(stream: BinaryIO, name: str = "idx file") -> NDArray[np.uint8]:
    """Read an uncompressed idx stream of bytes (LeCun's format) into ``(n, ...) uint8``; raises `CorruptError`."""
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] != 8 or not 1 <= head[3] <= 4:
        raise CorruptError(f"{name} is not an idx file of bytes", expected="00 00 08 and 1 to 4", got=head.hex(" "))
    sizes = stream.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise CorruptError(f"{name} ends in its header", expected=f"{head[3]} sizes")
    shape = struct.unpack(f">{head[3]}I", sizes)
    if prod(shape) > MAX_BYTES:
        raise CorruptError(f"{name} claims too much", expected=f"at most {MAX_BYTES} bytes", got=prod(shape))
    body = stream.read(prod(shape) + 1)
    if len(body) != prod(shape):
        raise CorruptError(
            f"{name} has the wrong length",
            expected=f"{prod(shape)} bytes",
            got="more" if len(body) > prod(shape) else f"{len(body)}",
        )
    return np.frombuffer(body, np.uint8).reshape(shape).copy()


def download(name: str, data_dir: str | Path, *, base_url: str | None = None) -> list[Path]:
    """Fetch the idx files of ``mnist`` or ``fashion-mnist`` into a folder, checked before they appear there.

    Files that are there already are left alone. Returns their paths. Raises `InputError` without a network and
    `CorruptError` when a file's content is not the published one.
    """
    folder = Path(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    base = base_url or SOURCES[name]
    paths = []
    for file in IDX_SETS[name]:
        path = folder / f"{file.name}.gz"
        paths.append(path)
        if path.exists():
            continue
        url = f"{base.rstrip('/')}/{file.name}.gz"
        try:
            with urllib.request.urlopen(url, timeout=DOWNLOAD_SECONDS) as answer:
                packed = read_capped(answer, file.size_bytes + GZIP_OVERHEAD, url)
        except (urllib.error.URLError, TimeoutError) as error:
            raise InputError(
                f"cannot download {url}", got=str(error), hint="Give the files with --data-dir."
            ) from error
        _unpack(packed, file, url)
        write_atomic(path, packed, force=True)
    return paths


def _read_published(source: str, folder: Path, file: IdxFile) -> NDArray[np.uint8]:
    for path in (folder / file.name, folder / f"{file.name}.gz"):
        if path.is_file():
            with path.open("rb") as stream:
                data = read_capped(stream, file.size_bytes + GZIP_OVERHEAD, str(path))
            return read_idx(io.BytesIO(_unpack(data, file, str(path))), str(path))
    raise InputError(
        f"no {file.name}.gz in {folder.resolve()}",
        expected=f"the idx files of {source}",
        hint="Name their folder with --data-dir, fetch them with --download, or install Debian's dataset-fashion-mnist."
        if source == "fashion-mnist"
        else "Name their folder with --data-dir, or fetch them with --download.",
    )


def _unpack(data: bytes, file: IdxFile, name: str) -> bytes:
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(data)) as stream:
                data = stream.read(file.size_bytes + 1)  # one byte more than right: enough to see that it is wrong
        except (OSError, EOFError) as error:
            raise CorruptError(f"{name} cannot be unpacked", got=str(error)) from error
    found = hashlib.sha256(data).hexdigest()
    if found != file.sha256:
        raise CorruptError(f"{name} has the wrong content", expected=f"SHA-256 {file.sha256}", got=found)
    return data


def _read_folder(folder: Path, seed: int) -> Data:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    if len(paths) < 2:
        raise InputError(f"too few pictures in {folder}", expected="at least 2", got=len(paths))
    pictures: list[NDArray[np.uint8]] = []
    for path in paths:
        try:
            with Image.open(path) as image:
                picture = np.asarray(image if image.mode == "L" else image.convert("RGB"))
        except (UnidentifiedImageError, OSError) as error:
            raise InputError(f"cannot read {path}", got=str(error)) from error
        if pictures and picture.shape != pictures[0].shape:
            raise InputError(
                f"{path} differs from the others",
                expected=f"{pictures[0].shape} like {paths[0].name}",
                got=picture.shape,
                hint="A network of this room has one input size: crop or resize the pictures first.",
            )
        pictures.append(picture)
    parents = [str(path.parent.relative_to(folder)) for path in paths]
    names = sorted(set(parents))
    labels = np.array([names.index(parent) for parent in parents], dtype=np.int64) if len(names) > 1 else None
    return _split(folder.name, np.stack(pictures), labels, seed)


def _read_npy(path: Path, seed: int) -> Data:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"cannot read {path}", got=str(error)) from error
    if not 2 <= array.ndim <= 4 or array.dtype.kind not in "uif" or len(array) < 2:
        raise InputError(
            f"{path} is not an array of samples",
            expected="at least 2 samples, (n, features), (n, H, W) or (n, H, W, C), of numbers",
            got=f"{array.shape} {array.dtype}",
        )
    return _split(path.stem, array, None, seed)


def _split(name: str, samples: NDArray[Any], labels: NDArray[np.int64] | None, seed: int) -> Data:
    order = np.random.default_rng(seed).permutation(len(samples))
    held_out = max(1, round(TEST_SHARE * len(samples)))
    test, train = order[:held_out], order[held_out:]
    if labels is None:
        return Data(name, samples[train], samples[test])
    return Data(name, samples[train], samples[test], labels[train], labels[test])
