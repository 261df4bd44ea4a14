"""The range coder and its tables: what comes out, to the word, and what goes wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.coding.range_coder import SymbolDecoder, SymbolEncoder
from isthmus.coding.tables import TOTAL, Tables, counts_from_frequencies
from isthmus.errors import CorruptError

TABLES = Tables(
    [
        np.array([100, 65000, 400, 36], np.int64),
        counts_from_frequencies(np.exp(-np.abs(np.arange(-10, 12)) / 3.0)),
        np.array([65535, 1], np.int64),
    ]
)


GOLDEN_WORDS = [4238087755, 3858022421, 1198933036, 3945669893, 4236170857, 1974461925, 3572980976]


def roundtrip(symbols: np.ndarray, indices: np.ndarray) -> np.ndarray:
    encoder = SymbolEncoder(TABLES)
    encoder.encode(symbols, indices)
    decoder = SymbolDecoder(TABLES, encoder.finish())
    decoded = decoder.decode(indices)
    assert decoder.finished()
    return decoded


def test_words_are_the_same_for_ever() -> None:
    symbols = np.array([0, 1, -1, 0, 5, -10, 300, 0, -70000, 0, 0, 2], np.int32)
    indices = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 1, 0, 1], np.uint8)
    encoder = SymbolEncoder(TABLES)
    encoder.encode(symbols, indices)
    encoder.encode(symbols[::-1].copy(), indices[::-1].copy())
    words = np.frombuffer(encoder.finish(), "<u4").tolist()
    assert words == GOLDEN_WORDS


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-(1 << 23), (1 << 23) - 1) | st.integers(-12, 12), st.integers(0, 2)),
        max_size=80,
    )
)
def test_any_integers_come_back(pairs: list[tuple[int, int]]) -> None:
    symbols = np.array([s for s, _ in pairs], np.int32)
    indices = np.array([r for _, r in pairs], np.uint8)
    np.testing.assert_array_equal(roundtrip(symbols, indices), symbols)


def test_symbols_can_be_left_out(rng: np.random.Generator) -> None:
    indices = rng.integers(0, 3, 300).astype(np.uint8)
    symbols = np.where(indices < 1, 7, rng.integers(-20, 20, 300)).astype(np.int32)
    encoder, shorter = SymbolEncoder(TABLES), SymbolEncoder(TABLES)
    kept = indices >= 1
    encoder.encode(symbols, indices, kept)
    shorter.encode(symbols[kept], indices[kept])
    data = encoder.finish()
    assert data == shorter.finish()
    decoder = SymbolDecoder(TABLES, data)
    np.testing.assert_array_equal(decoder.decode(indices, kept), np.where(kept, symbols, 0))
    assert decoder.finished()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.3, 1.0])
def test_marks_come_back_for_what_they_say(rng: np.random.Generator, share: float) -> None:
    marks = rng.random(5000) < share
    encoder = SymbolEncoder(TABLES)
    encoder.encode_marks(marks)
    data = encoder.finish()
    decoder = SymbolDecoder(TABLES, data)
    np.testing.assert_array_equal(decoder.decode_marks(len(marks)), marks)
    assert decoder.finished()
    p = min(max(float(marks.mean()), 1e-9), 0.5)
    entropy = len(marks) * -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    # Powers of two are near enough; all of them marked costs a bit each.
    assert 8 * len(data) <= 1.06 * entropy + 64


def test_no_marks_cost_a_digit() -> None:
    encoder = SymbolEncoder(TABLES)
    for _ in range(16):
        encoder.encode_marks(np.zeros(1000, bool))
    assert len(encoder.finish()) <= 12


def test_size_is_near_the_entropy(rng: np.random.Generator) -> None:
    indices = rng.integers(0, 2, 20_000).astype(np.uint8)
    p = [count / TOTAL for count in TABLES.counts]
    symbols = np.empty(len(indices), np.int32)
    for index in (0, 1):
        n, m = int((indices == index).sum()), int(TABLES.radius[index])
        weights = p[index][:-1] / p[index][:-1].sum()
        symbols[indices == index] = rng.choice(np.arange(-m, m + 1), n, p=weights)
    encoder = SymbolEncoder(TABLES)
    encoder.encode(symbols, indices)
    most = int(TABLES.radius.max())
    ideal_bits = float(TABLES.bits[indices, symbols + most].sum())
    assert ideal_bits <= 8 * len(encoder.finish()) <= ideal_bits * 1.001 + 96


def test_symbols_beyond_the_escape_are_refused() -> None:
    with pytest.raises(ValueError, match="within"):
        SymbolEncoder(TABLES).encode(np.array([1 << 23], np.int32), np.array([0], np.uint8))


def test_half_a_word_is_corrupt() -> None:
    with pytest.raises(CorruptError, match="multiple of 4"):
        SymbolDecoder(TABLES, b"abc")


def test_noise_decodes_to_something_or_is_corrupt_but_never_crashes(rng: np.random.Generator) -> None:
    indices = rng.integers(0, 3, 500).astype(np.uint8)
    outcomes = set()
    for _ in range(30):
        decoder = SymbolDecoder(TABLES, rng.bytes(4 * int(rng.integers(0, 40))))
        try:
            outcomes.add(decoder.decode(indices).dtype.name)
        except CorruptError:
            outcomes.add("corrupt")
    assert outcomes
    assert outcomes <= {"int32", "corrupt"}


def test_savings_are_differences_of_bits() -> None:
    most = int(TABLES.radius.max())
    bits, savings = TABLES.bits, TABLES.savings
    assert savings.shape == (3, 2 * most + 3)
    for symbol in range(-most - 1, most + 2):
        smaller = symbol - (symbol > 0) + (symbol < 0)
        now, then = (min(max(s, -most), most) + most for s in (symbol, smaller))
        np.testing.assert_array_equal(savings[:, symbol + most + 1], bits[:, now] - bits[:, then])
    assert not savings[:, [0, most + 1, -1]].any()


def test_tables_survive_packing() -> None:
    again = Tables.unpack(TABLES.pack())
    assert len(again) == len(TABLES)
    for a, b in zip(again.counts, TABLES.counts, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "counts",
    [[TOTAL], [TOTAL, 0], [TOTAL - 1, 2], [1, 1, TOTAL - 2], [[1, 2], [3, 4]]],
    ids=["short", "zero", "sum", "odd", "matrix"],
)
def test_bad_tables_are_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="table 0"):
        Tables([np.array(counts, np.int64)])


@pytest.mark.parametrize("packed", [[5, 1, 2], [0], [-3, 1]], ids=["long", "empty", "negative"])
def test_bad_lengths_are_refused(packed: list[int]) -> None:
    with pytest.raises(ValueError, match="packed tables"):
        Tables.unpack(np.array(packed, np.int64))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=300).filter(lambda v: sum(v) > 1e-3))
def test_counts_sum_to_the_total(frequencies: list[float]) -> None:
    counts = counts_from_frequencies(np.array(frequencies))
    assert counts.sum() == TOTAL
    assert counts.min() >= 1
