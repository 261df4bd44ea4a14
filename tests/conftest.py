"""Fixtures that several rooms share."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import doubles
from isthmus import codec as codec_module
from isthmus.bench import sweep
from isthmus.codec import Codec
from isthmus.image.coders import table
from isthmus.model import registry
from isthmus.model.file import save_model
from isthmus.model.registry import release_model

pytest_plugins = ["rules"]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def lock_folders(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Folders of a name, from then on, cannot be read: permissions alone do not stop an administrator."""
    scan = os.scandir

    def lock(locked: str) -> None:
        def refusing(path: str) -> object:
            if Path(path).name == locked:
                raise PermissionError(13, "Permission denied", str(path))
            return scan(path)

        monkeypatch.setattr(os, "scandir", refusing)

    return lock


@pytest.fixture
def folders_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders are worked on by threads of this process, which know what a test has registered, and begin at once."""
    monkeypatch.setattr("isthmus.batch.run.process_pool", ThreadPoolExecutor)


@pytest.fixture
def sweeps_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points are measured by threads of this process: what they are is the same, and processes load SciPy first."""
    sweep._loaded.cache_clear()
    monkeypatch.setattr(sweep, "process_pool", ThreadPoolExecutor)


@pytest.fixture
def lossless_coder(monkeypatch: pytest.MonkeyPatch) -> doubles.LosslessCoder:
    """A coder without loss, with tiles of 32 pixels, registered, and a model of it for the one that encodes."""
    coder = doubles.LosslessCoder()
    monkeypatch.setitem(table.CODERS, coder.id, lambda: coder)
    monkeypatch.setattr(codec_module, "release_model", lambda name: doubles.FakeModel())
    monkeypatch.setattr(codec_module, "find_model", doubles.find_model)
    return coder


@pytest.fixture
def lossless_codec(lossless_coder: doubles.LosslessCoder) -> Codec:
    return Codec()


@pytest.fixture
def no_tune(monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights have a second dial: those of a coder that knows none stand for it."""
    monkeypatch.setattr(table, "WITH_TUNE", frozenset[int]())


@pytest.fixture
def users_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this user's added models, apart from the real one; it does not exist yet."""
    folder = tmp_path / "user" / "models"
    monkeypatch.setattr(registry, "models_folder", lambda: folder)
    return folder


@pytest.fixture(scope="session")
def tuned_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of the coder of pictures, with its second dial, of a size that suits tests."""
    # Needs a package that only a few tests need.
    from tiny_separable import write_tiny_separable

    path = tmp_path_factory.mktemp("tuned") / "tiny.isthmodel"
    write_tiny_separable(path)
    return path


@pytest.fixture
def other_model(tmp_path: Path) -> Path:
    """A model file that is not the package's: the same weights under another name."""
    release = release_model()
    path = tmp_path / "other.isthmodel"
    save_model(path, release.arrays, {**release.metadata, "name": "other"})
    return path
