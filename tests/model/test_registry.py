"""Models are found by id, name or file: those of the package, and those that a person added."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage import data

import isthmus
from isthmus.codec import Codec
from isthmus.errors import ModelError, UnknownModelError
from isthmus.model import registry
from isthmus.model.file import save_model
from isthmus.model.installed import install_model
from isthmus.model.registry import (
    DEFAULT,
    find_model,
    load_model,
    model_named,
    models_folder,
    release_model,
    releases,
)


def test_the_table_of_releases_is_true() -> None:
    assert release_model().name == release_model("release").name == DEFAULT
    for identity, name in releases().items():
        assert find_model(bytes.fromhex(identity)).name == name


def test_the_table_of_releases_is_read_when_it_is_needed() -> None:
    script = "import isthmus; from isthmus.model.registry import releases; print(releases.cache_info().currsize)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout.strip() == b"0"


def test_an_added_model_decodes_its_files(users_models: Path, other_model: Path) -> None:
    written = Codec(model=other_model).encode(data.astronaut()[:40, :50])
    identity = load_model(other_model).id
    with pytest.raises(UnknownModelError, match=identity.hex()):
        Codec().decode(written)
    with pytest.raises(UnknownModelError, match=f"another model than the one given.*{identity.hex()}.*got fast"):
        Codec(model="fast").decode(written)
    picture = isthmus.decode(written, model=other_model)
    assert np.array_equal(isthmus.decode_image(written, model=other_model), picture)
    assert isthmus.verify(written, model=other_model).width == 50
    assert install_model(other_model).id == identity
    other_model.unlink()
    assert Codec().decode(written).shape == (40, 50, 3)
    assert find_model(identity).name == release_model("other").name == "other"
    assert release_model(identity.hex()).id == identity


def test_a_changed_file_is_not_used(users_models: Path, other_model: Path) -> None:
    identity = install_model(other_model).id
    path = users_models / f"{identity.hex()}.isthmodel"
    release = release_model()
    save_model(path, release.arrays, {**release.metadata, "name": "changed"})
    registry._added_model.cache_clear()
    with pytest.raises(ModelError, match="has changed"):
        find_model(identity)


def test_names_that_are_none_or_several(users_models: Path, other_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"no model named 'other'.*best"):
        release_model("other")
    model = load_model(other_model)
    twin = tmp_path / "twin.isthmodel"
    save_model(twin, model.arrays, {**model.metadata, "twin": True})
    install_model(other_model)
    install_model(twin)
    with pytest.raises(UnknownModelError, match="2 models named 'other'"):
        release_model("other")


def test_the_packages_names_come_before_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fast").write_bytes(b"no model")
    assert model_named("fast") is release_model("fast")
    assert model_named(release_model("fast").id.hex()) is release_model("fast")
    with pytest.raises(ModelError, match="not a model file"):
        model_named("./fast")
    with pytest.raises(FileNotFoundError):
        model_named("typo.isthmodel")


def test_a_file_is_read_again_only_when_it_changes(other_model: Path) -> None:
    first = model_named(other_model)
    assert model_named(str(other_model)) is first
    save_model(other_model, first.arrays, {**first.metadata, "name": "changed"})
    assert model_named(other_model).name == "changed"


def test_where_added_models_lie() -> None:
    assert models_folder().parts[-2:] == ("isthmus", "models")
