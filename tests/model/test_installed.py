"""Models are listed, added and removed; one that cannot be used hinders no other."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from isthmus.cli import main
from isthmus.errors import ModelError, UnknownModelError
from isthmus.model import registry
from isthmus.model.installed import install_model, installed_models, remove_model
from isthmus.model.registry import find_model, packaged_bytes, release_model, releases


def test_adding_twice_changes_nothing(users_models: Path, other_model: Path) -> None:
    first = install_model(other_model)
    assert install_model(other_model) == first
    assert len(list(users_models.glob("*.isthmodel"))) == 1
    assert [found.name for found in installed_models()] == [*releases().values(), "other"]


def test_adding_the_packages_own_model_copies_nothing(users_models: Path, tmp_path: Path) -> None:
    path = tmp_path / "release.isthmodel"
    path.write_bytes(packaged_bytes(release_model().id.hex()))
    assert install_model(path).origin == "in the package"
    assert not users_models.exists()


def test_origin_and_record_are_listed(users_models: Path, other_model: Path) -> None:
    install_model(other_model)
    *packaged, added = installed_models()
    assert {model.origin for model in packaged} == {"in the package"}
    assert str(other_model) in added.origin
    assert added.bytes == other_model.stat().st_size
    assert json.loads(json.dumps(added.as_dict()))["id"] == added.id.hex()


def test_a_model_that_cannot_be_used_hinders_no_other(users_models: Path, other_model: Path, tmp_path: Path) -> None:
    identity = install_model(other_model).id
    whole = other_model.read_bytes()
    (users_models / f"{identity.hex()}.isthmodel").write_bytes(whole[:-1])
    registry._added_model.cache_clear()
    *packaged, broken = installed_models()
    assert [model.error for model in packaged] == [None] * len(releases())
    assert "is not a model file, or is cut off" in str(broken.error)
    assert "cannot be used" in CliRunner().invoke(main, ["models"]).output
    with pytest.raises(UnknownModelError, match="no model named 'other'"):
        release_model("other")
    assert install_model(other_model).error is None
    assert release_model("other").id == identity
    (users_models / f"{identity.hex()}.isthmodel").write_bytes(b"")
    registry._added_model.cache_clear()
    assert remove_model(identity.hex()) == identity.hex()


def test_removing(users_models: Path, other_model: Path) -> None:
    identity = install_model(other_model).id
    assert remove_model(identity.hex()) == identity.hex()
    assert list(users_models.iterdir()) == []
    with pytest.raises(UnknownModelError, match=identity.hex()):
        find_model(identity)
    with pytest.raises(UnknownModelError, match="no added model"):
        remove_model(identity.hex())
    install_model(other_model)
    assert remove_model("other") == identity.hex()
    with pytest.raises(UnknownModelError, match=r"none was added.*Those of the package stay"):
        remove_model("best")


def test_no_model_file_is_no_model(users_models: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.isthmodel"
    path.write_bytes(b"\x10\0\0\0\0\0\0\0" + bytes(16))
    with pytest.raises(ModelError, match="not a model file"):
        install_model(path)
    assert not users_models.exists()
