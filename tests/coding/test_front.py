"""The beginning of coded symbols: what it says for certain is right, and all that comes after is zero."""

import numpy as np
import pytest

from isthmus.coding.front import PIECE, FrontDecoder
from isthmus.coding.range_coder import SymbolEncoder
from isthmus.coding.tables import Tables
from isthmus.model.registry import model_named


@pytest.fixture(scope="module")
def tables() -> Tables:
    return model_named("fast").entropy.tables


def test_what_is_certain_is_right(tables: Tables) -> None:
    random = np.random.default_rng(3)
    indices = random.integers(0, 30, 5000).astype(np.uint8)
    symbols = np.rint(random.laplace(0, 1 + indices / 6)).astype(np.int32)
    symbols[::700] = 100_000  # escapes
    marks = random.random(900) < 0.1
    encoder = SymbolEncoder(tables)
    encoder.encode_marks(marks)
    encoder.encode(symbols, indices)
    encoder.encode(symbols[::-1].copy(), indices)
    coded = encoder.finish()
    certain = []
    for size in range(0, len(coded) + 1, 41):
        decoder = FrontDecoder(tables, coded[:size])
        found_marks = decoder.decode_marks(900)
        assert not (found_marks & ~marks).any()
        found = np.concatenate([decoder.decode(indices), decoder.decode(indices)])
        truth = np.concatenate([symbols, symbols[::-1]])
        wrong = found != truth
        assert not found[wrong & (np.abs(truth) < 1000)].any(), "a symbol that is not the coded one and not zero"
        certain.append(int((found == truth).sum()))
        assert decoder.ended or size > len(coded) - 8
    assert certain == sorted(certain)
    assert certain[-1] > len(symbols) * 2 - 2 * PIECE


def test_of_nothing_nothing_is_certain(tables: Tables) -> None:
    decoder = FrontDecoder(tables, b"abc")
    assert decoder.ended
    assert not decoder.decode_marks(10).any()
    assert not decoder.decode(np.full(10, 5, np.uint8)).any()
