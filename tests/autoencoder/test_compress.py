"""Compression into files: round trips, literal bytes, every kind of damage, and code lengths that add up."""

import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from isthmus.autoencoder import Autoencoder, Compressor, Data
from isthmus.autoencoder.quantizer import default_step
from isthmus.errors import (
    CorruptError,
    InputError,
    IsthmusError,
    LimitExceededError,
    ModelError,
    NotIsthmusError,
    TooNewError,
    TruncatedError,
    UnknownModelError,
)


def resealed(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body))


def test_a_file_gives_back_the_decoded_quantized_codes(compressor: Compressor, digits: Data) -> None:
    expanded = compressor.expand(compressor.compress(digits.test))
    assert_array_equal(expanded, compressor.samples(compressor.symbols(digits.test)))
    assert expanded.shape == digits.test.shape
    assert expanded.dtype == np.uint8


@pytest.mark.parametrize("count", [0, 1, 2, 200])
def test_any_number_of_pictures(count: int, compressor: Compressor, digits: Data) -> None:
    pictures = digits.test[:count] if count else None
    if pictures is None:
        with pytest.raises(ValueError, match="minimum of 1"):
            compressor.compress(digits.test[:0])
        return
    assert len(compressor.expand(compressor.compress(pictures))) == count


def test_the_file_by_the_byte(compressor: Compressor, digits: Data) -> None:
    data = compressor.compress(digits.test[:200])
    assert data[:5] == b"\x89IAE\x01"
    assert data[5:13] == compressor.id
    assert data[13:15] == b"\xc8\x01"  # 200 as a varint
    length = data[15] & 0x7F | data[16] << 7
    assert len(data) == 17 + length + 4
    assert length % 4 == 0
    assert struct.unpack("<I", data[-4:])[0] == zlib.crc32(data[:-4])


def test_same_input_same_bytes(compressor: Compressor, digits: Data, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    size = compressor.save(path)
    again = Compressor.load(path)
    assert size == path.stat().st_size
    assert again.id == compressor.id
    assert again.to_bytes() == path.read_bytes()
    assert again.compress(digits.test) == compressor.compress(digits.test)
    assert again.compress_to_file(digits.test, tmp_path / "codes") == (tmp_path / "codes").stat().st_size
    assert_array_equal(again.expand_file(tmp_path / "codes"), compressor.expand(compressor.compress(digits.test)))


def test_code_lengths_add_up_to_the_payload(compressor: Compressor, digits: Data) -> None:
    ideal = compressor.code_bits(digits.test).sum() / 8
    assert abs(len(compressor.compress(digits.test)) - ideal) < 0.01 * ideal + 32


def test_symbols_far_outside_the_tables_are_coded_too(compressor: Compressor, digits: Data) -> None:
    strange = Compressor(
        compressor.model, compressor.centers, compressor.steps / 5000, compressor.rows, compressor.tables
    )
    symbols = strange.symbols(digits.test[:5])
    assert np.abs(symbols).max() > strange.tables.radius.max()
    assert_array_equal(strange._decode(strange._encode(symbols), 5), symbols)
    expanded = strange.expand(strange.compress(digits.test[:5]))
    assert_array_equal(expanded, strange.samples(symbols))
    assert strange.code_bits(digits.test[:5]).min() > compressor.code_bits(digits.test[:5]).max()


def test_the_default_step_adds_a_twentieth_to_the_error(dense: Autoencoder, digits: Data) -> None:
    compressor = Compressor.fit(dense, digits.train)
    own = np.mean((dense.inverse_transform(dense.transform(digits.train)) - digits.train) ** 2)
    codes = compressor.symbols(digits.train) * compressor.steps + compressor.centers
    quantized = np.mean((dense.inverse_transform(codes) - digits.train) ** 2)
    assert 1.02 < quantized / own < 1.10


def test_larger_steps_make_smaller_files_and_larger_errors(dense: Autoencoder, digits: Data) -> None:
    base = default_step(dense, digits.train)
    sizes, errors = [], []
    for factor in (1, 3, 9):
        compressor = Compressor.fit(dense, digits.train, factor * base)
        data = compressor.compress(digits.test)
        sizes.append(len(data))
        errors.append(np.mean((compressor.expand(data) - digits.test.astype(float)) ** 2))
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)
    assert sizes[2] < 0.6 * sizes[0]
    with pytest.raises(InputError, match="step is too small"):
        Compressor.fit(dense, digits.train, 0)


def test_numbers_that_never_change_cost_nothing(digits: Data) -> None:
    model = Autoencoder(code_size=40, hidden=(8,), code_activation="relu", epochs=2, random_state=0).fit(digits.train)
    dead = model.transform(digits.train).std(axis=0) == 0
    assert dead.any()  # what this test is about
    compressor = Compressor.fit(model, digits.train)
    assert not compressor.symbols(digits.test)[:, dead].any()
    bits = -np.log2(
        [counts.max() / 65536 for counts, is_dead in zip(compressor.tables.counts, dead, strict=True) if is_dead]
    )
    assert bits.max() < 0.01


def test_long_codes_share_tables(digits: Data) -> None:
    model = Autoencoder(code_size=300, hidden=(8,), epochs=1, random_state=0).fit(digits.train[:100])
    compressor = Compressor.fit(model, digits.train[:100])
    assert len(compressor.tables) == 256
    expanded = compressor.expand(compressor.compress(digits.test[:9]))
    assert_array_equal(expanded, compressor.samples(compressor.symbols(digits.test[:9])))


def test_flat_numbers_compress_as_well(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 12)) + 5
    model = Autoencoder("linear", code_size=3, epochs=60, batch_size=32, learning_rate=0.01, random_state=0).fit(rows)
    compressor = Compressor.fit(model, rows, 0.05)
    expanded = compressor.expand(compressor.compress(rows))
    assert expanded.dtype == np.float64
    assert np.mean((expanded - rows) ** 2) < 0.01 * rows.var()


DAMAGE = {
    "empty": (lambda d: b"", NotIsthmusError),
    "another kind of file": (lambda d: b"\x89PNG" + d[4:], NotIsthmusError),
    "ends in the magic": (lambda d: d[:3], NotIsthmusError),
    "ends in the head": (lambda d: d[:9], TruncatedError),
    "ends in the count": (lambda d: d[:13], TruncatedError),
    "ends in the length": (lambda d: d[:16], TruncatedError),
    "ends in the payload": (lambda d: d[:40], TruncatedError),
    "ends in the checksum": (lambda d: d[:-1], TruncatedError),
    "has more": (lambda d: d + b"\0", CorruptError),
    "one bit flipped": (lambda d: d[:30] + bytes([d[30] ^ 4]) + d[31:], CorruptError),
    "newer": (lambda d: resealed(d[:4] + b"\x02" + d[5:-4]), TooNewError),
    "of another model": (lambda d: resealed(d[:5] + bytes(8) + d[13:-4]), UnknownModelError),
    "endless varint": (lambda d: resealed(d[:13] + b"\xff" * 6), CorruptError),
    "too many pictures": (lambda d: resealed(d[:13] + b"\xff\xff\xff\xff\x0f\x00"), LimitExceededError),
    "half a word": (lambda d: resealed(d[:13] + b"\x01\x02\0\0"), CorruptError),
    "symbols left over": (lambda d: resealed(d[:13] + b"\x01" + d[15:-4]), CorruptError),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_each_damage_has_its_error(name: str, compressor: Compressor, digits: Data) -> None:
    change, error = DAMAGE[name]
    with pytest.raises(error):
        compressor.expand(change(compressor.compress(digits.test[:200])))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_gives_pictures_without_an_error(compressor: Compressor, digits: Data, data: st.DataObject) -> None:
    whole = compressor.compress(digits.test[:20])
    position = data.draw(st.integers(0, len(whole) - 1))
    flip = data.draw(st.integers(1, 255))
    damaged = whole[:position] + bytes([whole[position] ^ flip]) + whole[position + 1 :]
    with pytest.raises(IsthmusError):
        compressor.expand(damaged)


def test_model_files_that_are_not_models_are_refused(
    tmp_path: Path, compressor: Compressor, dense: Autoencoder
) -> None:
    path = tmp_path / "model.safetensors"
    whole = compressor.to_bytes()
    for damaged in (b"", b"no model", whole[:1000], whole[:-1], whole + b"\0"):
        path.write_bytes(damaged)
        with pytest.raises(ModelError):
            Autoencoder.load(path)
    save_file({"a": np.zeros(3)}, path)
    with pytest.raises(ModelError, match="not a model"):
        Autoencoder.load(path)
    save_file({"a": np.zeros(3)}, path, {"isthmus.autoencoder": '{"version": 2}'})
    with pytest.raises(ModelError, match="another version: expected 1, got 2"):
        Autoencoder.load(path)
    save_file({"a": np.zeros(3)}, path, {"isthmus.autoencoder": '{"version": 1}'})
    with pytest.raises(ModelError, match="incomplete"):
        Autoencoder.load(path)
    dense.save(path)
    with pytest.raises(ModelError, match="has no quantizer"):
        Compressor.load(path)


@pytest.mark.parametrize(
    ("tensor", "value"),
    [
        ("quantizer.tables", np.array([4, 1, 1], np.uint16)),
        ("quantizer.tables", np.array([4, 1, 1, 1, 1], np.uint16)),
        ("quantizer.rows", np.full(8, 200, np.uint8)),
        ("quantizer.rows", np.zeros(7, np.uint8)),
        ("quantizer.steps", np.zeros(8)),
        ("quantizer.centers", np.zeros(9)),
    ],
)
def test_damaged_quantizers_are_refused(tensor: str, value: np.ndarray, compressor: Compressor, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    compressor.save(path)
    tensors = load_file(path)
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    save_file(tensors | {tensor: value}, path, metadata)
    with pytest.raises(ModelError, match=r"damaged tables|quantizer for another network"):
        Compressor.load(path)


@pytest.mark.parametrize("change", [{"code_size": 10**12}, {"hidden": [64, 64]}, {"kind": "x"}, {"shape": [8, 9]}])
def test_a_description_that_does_not_fit_the_weights_is_refused(
    change: dict, dense: Autoencoder, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    dense.save(path)
    with safe_open(path, "np") as file:
        about = json.loads(file.metadata()["isthmus.autoencoder"])
    about["spec"] |= change
    save_file(load_file(path), path, {"isthmus.autoencoder": json.dumps(about)})
    with pytest.raises(ModelError, match="incomplete"):
        Autoencoder.load(path)


def test_a_loaded_model_is_the_saved_one(dense: Autoencoder, digits: Data, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    assert dense.save(path) == path.stat().st_size
    again = Autoencoder.load(path)
    assert_array_equal(again.transform(digits.test), dense.transform(digits.test))
    assert_array_equal(again.reconstruct(digits.test), dense.reconstruct(digits.test))
    assert_array_equal(again.sample(3, random_state=0), dense.sample(3, random_state=0))
    assert again.history_ == replace(dense.history_, seconds=[])
    assert again.get_params()["code_size"] == 8
    assert_array_equal(again.fit(digits.train).transform(digits.test), dense.transform(digits.test))
