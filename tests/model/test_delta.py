"""Models kept as a delta from another: exact, small, and refused where they do not fit."""

import lzma
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data

from isthmus.codec import Codec
from isthmus.errors import ModelError, UnknownModelError
from isthmus.model import registry
from isthmus.model.delta import MAX_SYMBOL, MAX_TABLE_BYTES, SYMBOLS, TABLES, Part, pack, restore
from isthmus.model.file import FORMAT_DELTA, parse_model, save_model
from isthmus.model.installed import install_model, installed_models
from isthmus.model.registry import find_model, load_model, packaged_bytes, release_model, releases

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
        ["whole", "int64", 0, 4, 1.0],
        ["whole", "int16", 0, 5, 1.0],
        ["whole", "int16", -2, 4, 1.0],
        ["whole", "int16", 0, 4, 0.5],
        ["whole", "int16", 0, 4, 0.0],
        ["whole", "int16", 0, 4, float("nan")],
        ["real", "float32", 0, 3.0, 1.0],
        ["real", "float32", 0, 3, "1"],
        ["real", "float32", 0, 3],
        ["real", "float32", 0, 0, 1.0],
        ["real", "float32", 0, 3, True],
        ["tables", "int32", 0, 4, 1.0],
        "real",
        None,
    ],
)
def test_parts_that_do_not_fit(wrong: Any) -> None:
    arrays, _ = packed()
    with pytest.raises(ValueError, match="part 0 of a delta"):
        restore(BASE, arrays, [wrong])


def test_lists_that_do_not_fit() -> None:
    arrays, listed = packed()
    for wrong in (None, {}, [listed[0]] * 5000):
        with pytest.raises(ValueError, match="at most 4096 parts"):
            restore(BASE, arrays, wrong)
    # One after the other, never over one another.
    with pytest.raises(ValueError, match="part 1 of"):
        restore(BASE, arrays, [["whole", "int16", 0, 2, 1.0], ["whole", "int16", 2, 2, 1.0]])


def test_arrays_that_do_not_fit() -> None:
    arrays, listed = packed()
    for wrong in ({TABLES: arrays[TABLES]}, {**arrays, "more": arrays[TABLES]}):
        with pytest.raises(ValueError, match=r"difference\.symbols and difference\.tables"):
            restore(BASE, wrong, listed)
    with pytest.raises(ValueError, match="has the bytes"):
        restore(BASE, {**arrays, SYMBOLS: arrays[SYMBOLS].astype(np.int16)}, listed)
    for symbols in (arrays[SYMBOLS][::-1], arrays[SYMBOLS][:0]):
        with pytest.raises(ValueError, match="expand"):
            restore(BASE, {**arrays, SYMBOLS: symbols}, listed)
    for symbols in (arrays[SYMBOLS][:-1], np.append(arrays[SYMBOLS], np.uint8(0))):
        with pytest.raises(ValueError, match="expands to 18 bytes or more, expected 18"):
            restore(BASE, {**arrays, SYMBOLS: symbols}, listed)
    with pytest.raises(ValueError, match="expands to 15 bytes or more, expected 14"):
        restore(BASE, arrays, listed[:2])


def test_streams_of_tables_that_grow_for_ever() -> None:
    arrays, listed = packed()
    bomb = np.frombuffer(lzma.compress(bytes(1 << 26)), np.uint8)
    assert bomb.size < 20_000
    with pytest.raises(ValueError, match=f"expands to {MAX_TABLE_BYTES + 1} bytes or more, expected tables"):
        restore(BASE, {**arrays, TABLES: bomb}, listed)


def test_weights_stay_finite() -> None:
    arrays, listed = pack([Part("bytes", "float16", 4, 2, 60000.0)], [np.array([2, 0], np.int16)], BASE["tables"])
    with pytest.raises(ValueError, match="not finite"):
        restore(BASE, arrays, listed)


def test_the_bytes_are_those_of_the_format() -> None:
    """Written by hand after docs/format.md."""
    low, high = bytes([0, 1, 2, 3, 0x00]), bytes([0, 0, 0, 0, 0x01])
    arrays = {
        SYMBOLS: np.frombuffer(lzma.compress(low + high), np.uint8),
        TABLES: np.frombuffer(lzma.compress(bytes([7, 0, 0, 0])), np.uint8),
    }
    base = {"x": np.zeros(6, np.int16), "tables": BASE["tables"]}
    found = restore(base, arrays, [["x", "int16", 2, 5, 3]])
    assert found["x"].tolist() == [0, 0, -3, 3, -6, 384]
    assert found["tables"].tolist() == [7]


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """A file that moves some weights of the context model of `best`."""
    base = release_model()
    name = "context.ac.1.0.spatial.bias"
    part = Part(name, "int32", 0, base.arrays[name].size, 3.0)
    arrays, listed = pack([part], [np.arange(part.count, dtype=np.int16) % 5 - 2], base.arrays["tables"])
    path = tmp_path / "moved.isthmodel"
    metadata = {**base.metadata, "format": FORMAT_DELTA, "name": "moved", "base": base.id.hex(), "parts": listed}
    save_model(path, arrays, metadata, find_model)
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
    for base in ("00" * 8, None, "best", 7, []):
        with pytest.raises(UnknownModelError, match="a delta from a model that is not installed"):
            save_model(lost, packed()[0], {**metadata, "base": base}, find_model)
    with pytest.raises(ModelError, match="does not fit best"):
        save_model(lost, packed()[0], {**metadata, "parts": [list(astuple(PARTS[0]))]}, find_model)
    assert not lost.exists()
    # Nor is it looked for where no function that finds models is given.
    with pytest.raises(UnknownModelError, match="a delta from a model that is not installed"):
        parse_model(moved.read_bytes())


def test_its_base_may_have_been_added(moved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an update that brings other weights."""
    monkeypatch.setattr(registry, "models_folder", lambda: tmp_path / "models")
    model, base = load_model(moved), release_model()
    kept = tmp_path / "kept.isthmodel"
    kept.write_bytes(packaged_bytes(base.id.hex()))
    monkeypatch.delitem(releases(), base.id.hex())
    with pytest.raises(UnknownModelError, match="isthmus models add"):
        load_model(moved)
    assert install_model(kept).id == base.id
    again = load_model(moved)
    assert all(np.array_equal(again.arrays[name], array) for name, array in model.arrays.items())
    # A delta is no base: no chains.
    monkeypatch.setattr(registry, "_added_model", lambda path: model)
    (tmp_path / "models" / f"{model.id.hex()}.isthmodel").write_bytes(moved.read_bytes())
    with pytest.raises(UnknownModelError, match="expected a whole model"):
        save_model(tmp_path / "chain.isthmodel", packed()[0], {**model.metadata, "base": model.id.hex()}, find_model)


def test_it_is_listed_with_its_base(moved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "models_folder", lambda: tmp_path / "models")
    assert install_model(moved).base == release_model().id.hex()
    *packaged, added = installed_models()
    assert added.as_dict()["base"] == release_model().id.hex()
    assert {model.base for model in packaged} == {None}
