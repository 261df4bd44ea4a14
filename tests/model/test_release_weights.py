"""The script that puts weights into the package, on a copy of the table."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from isthmus.model.file import RELEASES, load_model, release_model, save_model

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
def table(tmp_path: Path) -> Path:
    copy = tmp_path / "model.py"
    copy.write_bytes((ROOT / "src" / "isthmus" / "model.py").read_bytes())
    return copy


def changed_weights(folder: Path) -> Path:
    old, weights = release_model(), folder / "mine.isthmodel"
    save_model(weights, old.arrays, {**old.metadata, "name": "mine", "changed": True})
    return weights


def rows(table: Path) -> dict[str, str]:
    scope: dict[str, dict[str, str]] = {}
    text = table.read_text()
    begin = text.index("RELEASES: dict")
    exec(text[begin : text.index("}\n", begin) + 1].replace(": dict[str, str]", ""), scope)
    return scope["RELEASES"]


def test_weights_get_a_row_and_keep_those_of_others(script: ModuleType, table: Path, tmp_path: Path) -> None:
    weights = changed_weights(tmp_path)

    identity = script.release(weights, "tiny", False, tmp_path, table, tmp_path)
    assert rows(table) == {**RELEASES, identity: "tiny"}
    written = load_model(tmp_path / f"{identity}.isthmodel")
    assert written.id.hex() == identity
    assert (written.name, written.metadata["licence"]) == ("tiny", "Apache-2.0")


def test_only_weights_that_were_never_released_are_replaced(script: ModuleType, table: Path, tmp_path: Path) -> None:
    old, weights = release_model(), changed_weights(tmp_path)

    kept = script.release(weights, "best", False, tmp_path, table, tmp_path)
    assert rows(table) == {**RELEASES, kept: "best"}
    replaced = script.release(weights, "best", True, tmp_path, table, tmp_path)
    assert replaced == kept
    assert replaced in rows(table)
    assert old.id.hex() not in rows(table)


def test_the_same_command_again_drops_nothing(
    script: ModuleType, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = changed_weights(tmp_path)
    kept = script.release(weights, "best", False, tmp_path, table, tmp_path)
    # As a new process finds it.
    monkeypatch.setattr(script, "RELEASES", rows(table))
    assert script.release(weights, "best", True, tmp_path, table, tmp_path) == kept
    assert rows(table) == {**RELEASES, kept: "best"}
