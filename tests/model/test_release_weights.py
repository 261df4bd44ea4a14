"""The script that puts weights into the package, on a copy of its table."""

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from isthmus.model.file import save_model
from isthmus.model.registry import INDEX, load_model, release_model, releases

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_weights", ROOT / "scripts" / "release_weights.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of models with the package's table, and none of its files."""
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(ROOT / "src" / "isthmus" / "models" / INDEX, folder)
    return folder


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    old, path = release_model(), tmp_path / "mine.isthmodel"
    save_model(path, old.arrays, {**old.metadata, "name": "mine", "changed": True})
    return path


def rows(models: Path) -> list[tuple[str, str]]:
    return [(row["id"], row["name"]) for row in json.loads((models / INDEX).read_text(encoding="utf-8"))]


def test_weights_get_a_row_and_keep_those_of_others(
    script: ModuleType, models: Path, weights: Path, tmp_path: Path
) -> None:
    identity = script.release(weights, "tiny", False, models, tmp_path)
    assert rows(models) == [*releases().items(), (identity, "tiny")]
    written = load_model(models / f"{identity}.isthmodel")
    assert written.id.hex() == identity
    assert (written.name, written.metadata["licence"]) == ("tiny", "Apache-2.0")


def test_only_weights_that_were_never_released_are_replaced(
    script: ModuleType, models: Path, weights: Path, tmp_path: Path
) -> None:
    old = release_model().id.hex()
    (models / f"{old}.isthmodel").write_bytes(b"")
    (tmp_path / f"photograph_{old}.png").write_bytes(b"")

    replaced = script.release(weights, "best", True, models, tmp_path)
    assert rows(models) == [row for row in [*releases().items(), (replaced, "best")] if row[0] != old]
    assert not (models / f"{old}.isthmodel").exists()
    assert not (tmp_path / f"photograph_{old}.png").exists()


def test_the_last_of_a_name_encodes(script: ModuleType, models: Path, weights: Path, tmp_path: Path) -> None:
    kept = script.release(weights, "best", False, models, tmp_path)
    assert rows(models) == [*releases().items(), (kept, "best")]


def test_the_same_command_again_drops_nothing(script: ModuleType, models: Path, weights: Path, tmp_path: Path) -> None:
    kept = script.release(weights, "best", False, models, tmp_path)
    assert script.release(weights, "best", True, models, tmp_path) == kept
    assert rows(models) == [*releases().items(), (kept, "best")]


def test_the_table_is_written_as_it_stands(script: ModuleType, models: Path, weights: Path, tmp_path: Path) -> None:
    before = (models / INDEX).read_text(encoding="utf-8").splitlines()
    script.release(weights, "tiny", False, models, tmp_path)
    after = (models / INDEX).read_text(encoding="utf-8").splitlines()
    assert len(after) == len(before) + 1
    assert after[: len(before) - 2] == before[:-2]
