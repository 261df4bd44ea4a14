"""The model file: the same bytes again, and damage that is noticed."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.errors import ModelError
from isthmus.model.file import parse_model, save_model
from isthmus.model.registry import load_model


def test_saving_is_deterministic(other_model: Path, tmp_path: Path) -> None:
    model = load_model(other_model)
    save_model(tmp_path / "again.isthmodel", model.arrays, model.metadata)
    assert (tmp_path / "again.isthmodel").read_bytes() == other_model.read_bytes()


def test_a_model_file_without_its_checksum_is_damaged(other_model: Path) -> None:
    data = other_model.read_bytes()
    assert data.count(b"sha256") == 1
    with pytest.raises(ModelError, match="is damaged"):
        parse_model(data.replace(b"sha256", b"sha257"))


def test_any_damage_to_a_model_file_is_noticed(other_model: Path, rng: np.random.Generator) -> None:
    whole = other_model.read_bytes()
    for at in [9, 100, 3000, *rng.integers(0, len(whole), 12)]:
        data = bytearray(whole)
        data[at] ^= 1
        with pytest.raises(ModelError):
            parse_model(bytes(data))
