"""Models kept as their difference from another: exact, small, and refused where they do not fit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data

from isthmus import model as model_module
from isthmus.codec import Codec
from isthmus.difference import MAX_SYMBOL, SYMBOLS, TABLES, Part, pack, restore
from isthmus.errors import ModelError, UnknownModelError
from isthmus.model import FORMAT_DIFFERENCE, load_model, release_model, save_model

BASE = {
    "whole": np.array([[5, -7], [32000, -32000]], np.int16),
    "real": np.array([0.5, -0.25, 2.0], np.float32),
    "bytes": np.frombuffer(b"head" + np.array([1.0, -2.0], np.float16).tobytes() + b"tail", np.uint8),
    "tables": np.arange(4, dtype=np.int32),
}
PARTS = [
    Part("whole", "int16", 0, 4, 10.0),
    Part("real", "float32", 0, 3, 0.125),
    Part("bytes", "float16", 4, 2, 0.5),
]
MOVES = [[1, -1, 300, -300], [MAX_SYMBOL, -1, 0], [-2, 3]]


def packed() -> tuple[dict[str, Any], list[Any]]:
    return pack(PARTS, [np.array(moves, np.int16) for moves in MOVES], np.array([9, 8], np.int32))


def test_every_weight_is_base_and_symbol_times_step() -> None:
    found = restore(BASE, *packed())
    # Integers stop at the ends of their range, lest they wrap.
    assert found["whole"].tolist() == [[15, -17], [32767, -32767]]
    assert found["real"].tolist() == [0.5 + MAX_SYMBOL / 8, -0.375, 2.0]
    assert found["bytes"].tobytes() == b"head" + np.array([0.0, -0.5], np.float16).tobytes() + b"tail"
    assert found["tables"].tolist() == [9, 8]
    assert all(found[name].dtype == BASE[name].dtype for name in BASE)


@pytest.mark.parametrize(
    "wrong",
    [
        ["none", "int16", 0, 4, 1.0],
        ["whole", "int8", 0, 4, 1.0],
        ["whole", "int16", 0, 5, 1.0],
        ["whole", "int16", -2, 4, 1.0],
        ["whole", "int16", 0, 4, 0.5],
        ["whole", "int16", 0, 4, 0.0],
        ["whole", "int16", 0, 4, float("nan")],
        ["real", "float32", 0, 3.0, 1.0],
        ["real", "float32", 0, 3, "1"],
        ["real", "float32", 0, 3],
        "real",
        None,
    ],
)
def test_parts_that_do_not_fit(wrong: Any) -> None:
    arrays, _ = packed()
    with pytest.raises(ValueError, match="a part"):
        restore(BASE, arrays, [wrong])


def test_arrays_that_do_not_fit() -> None:
    arrays, listed = packed()
    with pytest.raises(ValueError, match="lacks its parts"):
        restore(BASE, {TABLES: arrays[TABLES]}, listed)
    with pytest.raises(ValueError, match="lacks its parts"):
        restore(BASE, arrays, None)
    with pytest.raises(ValueError, match="bytes, expected"):
        restore(BASE, arrays, listed[:2])
    with pytest.raises(ValueError, match="cannot be expanded"):
        restore(BASE, {**arrays, SYMBOLS: arrays[SYMBOLS][::-1]}, listed)
    with pytest.raises(ValueError, match="of 80 weights"):
        restore(BASE, arrays, [["whole", "int16", 0, 4, 1.0]] * 20)


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """A file that moves some weights of the context model of `best`."""
    base = release_model()
    name = "context.ac.1.0.spatial.bias"
    part = Part(name, "int16", 0, base.arrays[name].size, 3.0)
    arrays, listed = pack([part], [np.arange(part.count, dtype=np.int16) % 5 - 2], base.arrays["tables"])
    path = tmp_path / "moved.isthmodel"
    metadata = {**base.metadata, "format": FORMAT_DIFFERENCE, "name": "moved", "base": base.id.hex(), "parts": listed}
    save_model(path, arrays, metadata)
    return path


def test_it_is_a_model_like_any_other(moved: Path) -> None:
    base, model = release_model(), load_model(moved)
    assert moved.stat().st_size < 50_000
    assert model.name == "moved"
    assert model.id != base.id
    name = "context.ac.1.0.spatial.bias"
    expected = base.arrays[name] + 3 * (np.arange(base.arrays[name].size) % 5 - 2)
    assert np.array_equal(model.arrays[name], expected)
    assert all(np.array_equal(model.arrays[other], base.arrays[other]) for other in base.arrays if other != name)
    picture = data.astronaut()[:48, :64]
    written = Codec(model=moved).encode(picture)
    assert Codec(model=moved).decode(written).shape == picture.shape
    with pytest.raises(UnknownModelError, match=model.id.hex()):
        Codec().decode(written)


def test_its_base_must_be_installed(moved: Path, tmp_path: Path) -> None:
    metadata = load_model(moved).metadata
    lost = tmp_path / "lost.isthmodel"
    with pytest.raises(UnknownModelError, match="not installed: expected model 0000000000000000"):
        save_model(lost, packed()[0], {**metadata, "base": "00" * 8})
    for base in (None, "best", 7):
        with pytest.raises(ModelError, match="does not say what it differs from"):
            save_model(lost, packed()[0], {**metadata, "base": base})
    with pytest.raises(ModelError, match="does not fit best"):
        save_model(lost, packed()[0], {**metadata, "parts": [PARTS[0].as_list()]})


def test_a_chain_of_differences(moved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_module, "models_folder", lambda: tmp_path / "models")
    first = model_module.install_model(moved)
    name = "context.ac.1.0.spatial.bias"
    base = load_model(moved)
    part = Part(name, "int16", 0, base.arrays[name].size, 1.0)
    arrays, listed = pack([part], [np.full(part.count, 2, np.int16)], base.arrays["tables"])
    again = tmp_path / "again.isthmodel"
    metadata = {**base.metadata, "format": FORMAT_DIFFERENCE, "base": first.id.hex(), "parts": listed}
    save_model(again, arrays, metadata)
    assert np.array_equal(load_model(again).arrays[name], base.arrays[name] + 2)
    second = model_module.install_model(again)
    with pytest.raises(ModelError, match=f"needed by {second.id.hex()}"):
        model_module.remove_model(first.id.hex())
    model_module.remove_model(second.id.hex())
    assert model_module.remove_model(first.id.hex()) == first.id.hex()
