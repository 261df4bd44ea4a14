"""Trellis-coded quantization: the code is the one of the format, the path is a best one, and payloads come back."""

import dataclasses

import numpy as np
import pytest

from isthmus.bitstream.envelope import Front
from isthmus.coding import trellis_search
from isthmus.coding.payload import CHECK_BYTES, decode_first_groups, decode_latents, decode_sixteenths, encode_latents
from isthmus.coding.symbols import TRELLIS, Importance
from isthmus.coding.trellis import FEEDBACK, FIRST_SCALE, FORWARD, MEMORY, SYMBOL_STEP, UNIT, Trellis, values
from isthmus.coding.trellis_search import AROUND, BLOCK, COSTS_PER_BIT, MOST, NEVER, PIECE, STATES, best_path
from isthmus.errors import CorruptError
from isthmus.model.model import Model
from isthmus.model.registry import release_model
from isthmus.train.tables import laplace_tables

QUALITY = 6000


def states_of(symbols: np.ndarray, state: int = 0) -> list[int]:
    """The states before each symbol and after the last, as docs/format.md has them, from one on."""
    states = [state]
    for symbol in symbols.tolist():
        state = states[-1] >> 1
        if states[-1] & 1:
            state ^= FEEDBACK >> 1
        if symbol & 1:
            state ^= FORWARD >> 1
        states.append(state)
    return states


def test_quantizers_follow_the_states_however_symbols_are_divided(rng: np.random.Generator) -> None:
    symbols = rng.integers(-5, 6, 2000)
    expected = [state & 1 for state in states_of(symbols)[:-1]]
    for cuts in ([], [1], [0, 3, 70, 71, 71, 1500], [63, 126, 189]):
        code = Trellis()
        found = [code.quantizers(part) for part in np.split(symbols, cuts)]
        np.testing.assert_array_equal(np.concatenate(found), expected)


def test_literal_quantizers() -> None:
    symbols = np.array([1, 0, 0, 0, 2, -3, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0])
    assert "".join(map(str, Trellis().quantizers(symbols))) == "0011000100101111"


def test_values_of_both_quantizers() -> None:
    symbols = np.array([-2, -1, 0, 1, 2])
    assert values(symbols, np.zeros(5, np.uint8)).tolist() == [-4 * UNIT, -2 * UNIT, 0, 2 * UNIT, 4 * UNIT]
    assert values(symbols, np.ones(5, np.uint8)).tolist() == [-3 * UNIT, -UNIT, 0, UNIT, 3 * UNIT]


def bits_of_laplace() -> np.ndarray:
    return laplace_tables(True).bits


def case(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    scales = rng.integers(FIRST_SCALE, 40, n).astype(np.uint8)
    spread = 0.05 * (256 / 0.05) ** (scales / 63)
    return (rng.laplace(0, 1, n) * spread).astype(np.float32), scales, rng.uniform(4, 12, n).astype(np.float32)


def cost(
    x: np.ndarray, scales: np.ndarray, worth: np.ndarray, bits: np.ndarray, symbols: np.ndarray, quantizers: np.ndarray
) -> float:
    middle = bits.shape[1] // 2
    error = x - values(symbols, quantizers) / 16
    return float((bits[scales, symbols.astype(int) + middle] + worth * error**2).sum())


@pytest.mark.parametrize("n", [1, 2, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])
@pytest.mark.parametrize("state", [0, 1, STATES - 1])
def test_paths_are_ones_of_the_code(rng: np.random.Generator, n: int, state: int) -> None:
    """From whatever state one begins, its quantizers and its end are those that its parities make."""
    x, scales, worth = case(rng, n)
    path = best_path(x, scales, worth, bits_of_laplace(), state)
    passed = states_of(path.symbols.astype(int), state)
    np.testing.assert_array_equal(path.quantizers, [one & 1 for one in passed[:-1]])
    assert path.state == passed[-1]
    middle = bits_of_laplace().shape[1] // 2
    np.testing.assert_allclose(path.bits, bits_of_laplace()[scales, path.symbols.astype(int) + middle], rtol=1e-2)


def test_no_symbols_are_a_path() -> None:
    nothing = np.empty(0, np.float32)
    path = best_path(nothing, np.empty(0, np.uint8), nothing, bits_of_laplace(), 5)
    assert len(path.symbols) == 0
    assert path.state == 5


def test_short_paths_are_the_best_of_all(rng: np.random.Generator) -> None:
    """Of all paths of six symbols between -2 and 2 none costs less."""
    bits = bits_of_laplace()
    every = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 6, indexing="ij"), -1).reshape(-1, 6)
    for _ in range(3):
        x, scales, worth = case(rng, 6)
        x = np.clip(x, -1.5, 1.5)
        least = min(cost(x, scales, worth, bits, one, np.array(states_of(one)[:-1]) & 1) for one in every)
        path = best_path(x, scales, worth, bits)
        # Costs are rounded to 32nds of a bit.
        assert cost(x, scales, worth, bits, path.symbols, path.quantizers) <= least + 6 / COSTS_PER_BIT


def test_pieces_cost_hardly_more_than_the_whole(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    x, scales, worth = case(rng, 20 * PIECE)
    bits = bits_of_laplace()
    pieces = best_path(x, scales, worth, bits)
    monkeypatch.setattr(trellis_search, "PIECE", len(x))
    whole = best_path(x, scales, worth, bits)
    in_pieces, at_once = (cost(x, scales, worth, bits, one.symbols, one.quantizers) for one in (pieces, whole))
    assert 0.9999 * at_once <= in_pieces < 1.003 * at_once


def test_a_trellis_errs_less_for_its_bits(rng: np.random.Generator) -> None:
    """Bits and errors of Laplace distributions cost less than symbols chosen one by one do, by the tables of each."""
    x, scales, _ = case(rng, 20_000)
    worth = np.full(len(x), 7.5, np.float32)
    bits = bits_of_laplace()
    path = best_path(x, scales, worth, bits)
    together = cost(x, scales, worth, bits, path.symbols, path.quantizers)
    plain = laplace_tables().bits
    middle = plain.shape[1] // 2
    options = np.rint(x)[:, None] - np.sign(x)[:, None] * [0, 1] * (np.rint(x) != 0)[:, None]
    each = plain[scales[:, None], options.astype(int) + middle] + 7.5 * (x[:, None] - options) ** 2
    assert together < 0.98 * float(each.min(1).sum())


@pytest.fixture(scope="module")
def model() -> Model:
    found = release_model()
    assert found.trellis is not None
    return found


def latents(model: Model, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    spread = np.geomspace(20, 0.05, model.latents)
    return (rng.laplace(0, 1, (height, width, model.latents)) * spread).astype(np.float32)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (12, 17)])
def test_payloads_come_back(model: Model, rng: np.random.Generator, size: tuple[int, int]) -> None:
    y = latents(model, rng, *size)
    payload = encode_latents(model.entropy, y, QUALITY, Importance(np.full(size, 7.5)))
    assert payload[CHECK_BYTES] & TRELLIS
    decoded = decode_latents(model.entropy, payload, *size, QUALITY)
    assert np.abs(decoded - y).max() < 2 * SYMBOL_STEP
    first = decode_first_groups(model.entropy, payload, *size, QUALITY, 3)
    np.testing.assert_array_equal(first, decoded[:, :, : first.shape[2]])


def test_latents_beyond_every_table_come_back(model: Model, rng: np.random.Generator) -> None:
    """Their symbols are escapes; the largest are beyond what float32 holds of what they stand for."""
    y = (rng.uniform(0.9, 1, (3, 3, model.latents)) * rng.choice([-1, 1], (3, 3, model.latents)) * 3.5e6).astype(
        np.float32
    )
    payload = encode_latents(model.entropy, y, QUALITY, Importance(np.full((3, 3), 7.5)))
    assert np.abs(decode_latents(model.entropy, payload, 3, 3, QUALITY) - y).max() < 2 * SYMBOL_STEP


def test_the_front_of_a_payload_shows_what_is_certain(model: Model, rng: np.random.Generator) -> None:
    """Whole passes are as they were; those that are missing are predicted."""
    y = latents(model, rng, 8, 8)
    payload = encode_latents(model.entropy, y, QUALITY, Importance(np.full((8, 8), 7.5)))
    whole = decode_sixteenths(model.entropy, payload, 8, 8, QUALITY)
    found = decode_sixteenths(model.entropy, Front(payload[: 2 * len(payload) // 3]), 8, 8, QUALITY)
    first = model.definition.groups[0] + model.definition.groups[1]
    np.testing.assert_array_equal(found[:, :, :first], whole[:, :, :first])
    assert (found != whole).any()


def test_models_without_its_tables(model: Model, rng: np.random.Generator) -> None:
    """They write symbols that are chosen one by one, read what they wrote, and refuse a payload of a trellis."""
    plain = dataclasses.replace(model, arrays={**model.arrays, "tables": model.tables.pack().astype(np.int32)})
    assert plain.trellis is None
    y = latents(model, rng, 4, 4)
    importance = Importance(np.full((4, 4), 7.5))
    payload = encode_latents(plain.entropy, y, QUALITY, importance)
    assert not payload[CHECK_BYTES] & TRELLIS
    decoded = decode_latents(plain.entropy, payload, 4, 4, QUALITY)
    # Tables for both are in a model with a trellis.
    np.testing.assert_array_equal(decode_latents(model.entropy, payload, 4, 4, QUALITY), decoded)
    of_trellis = encode_latents(model.entropy, y, QUALITY, importance)
    with pytest.raises(CorruptError, match="trellis"):
        decode_latents(plain.entropy, of_trellis, 4, 4, QUALITY)


def test_what_pieces_need() -> None:
    """A joint's surroundings lie within the pieces on its two sides, and each is long enough to reach any state."""
    assert MEMORY < AROUND <= PIECE
    assert AROUND % BLOCK == PIECE % BLOCK == BLOCK % 2 == 0


def test_costs_of_a_block_fit_beside_its_path() -> None:
    """From the cheapest state any other is reached by `MEMORY` symbols, and so are all states from the first one."""
    assert MEMORY * MOST < NEVER
    assert NEVER + BLOCK * MOST < 1 << (32 - MEMORY - BLOCK)


@pytest.mark.parametrize("worth", [0, 1e-3, 49, 1e4, 1e9])
def test_however_much_errors_are_worth(rng: np.random.Generator, worth: float) -> None:
    """The path stays one of the code."""
    x, scales, _ = case(rng, 3 * PIECE)
    path = best_path(x, scales, np.full(len(x), worth, np.float32), bits_of_laplace(), 9)
    passed = states_of(path.symbols.astype(int), 9)
    np.testing.assert_array_equal(path.quantizers, [one & 1 for one in passed[:-1]])
    assert path.state == passed[-1]


def test_each_path_is_the_best_for_what_errors_are_worth(rng: np.random.Generator) -> None:
    """No path that is found for another worth costs less, whatever the units that a search counts in."""
    x, scales, _ = case(rng, 40 * PIECE)
    bits = bits_of_laplace()
    worths = [np.full(len(x), worth, np.float32) for worth in (7.5, 12, 17, 24, 34, 40, 48, 56, 80, 1e3, 1.3e3)]
    paths = [best_path(x, scales, worth, bits) for worth in worths]
    for worth, own in zip(worths, paths, strict=True):
        costs = [cost(x, scales, worth, bits, one.symbols, one.quantizers) for one in paths]
        assert cost(x, scales, worth, bits, own.symbols, own.quantizers) < 1.001 * min(costs)
