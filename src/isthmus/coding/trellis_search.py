"""The best path through a trellis: the symbols of a pass whose errors and bits together cost least.

The Viterbi algorithm, in pieces of the sequence side by side. In which states the pieces meet is found first, from the
symbols around each joint alone: the code forgets.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isthmus.coding.trellis import FEEDBACK, FORWARD, MEMORY, SYMBOL_STEP

Float32 = npt.NDArray[np.float32]
Index = npt.NDArray[np.intp]

STATES = 1 << MEMORY
PIECE = 256
"""Symbols of a piece."""
AROUND = 48
"""Symbols before and behind a joint that say in which state the best path passes it."""
_STEP = np.float32(SYMBOL_STEP)


def _predecessors() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """(2, STATES): for an even and an odd symbol, the state from which it leads to each; and (STATES,) the quantizer
    of the state before, which both have."""
    state = np.arange(STATES)
    quantizer = state >> (MEMORY - 1)
    fed = state ^ quantizer * (FEEDBACK >> 1)
    before = np.stack([fed, fed ^ (FORWARD >> 1)])
    return before * 2 + quantizer, quantizer


_BEFORE, _QUANTIZER = _predecessors()
_HALF = STATES // 2
_NEVER = np.float32(1e30)


class Branches(NamedTuple):
    """What each symbol may become: the best even and the best odd one of either quantizer.

    Attributes:
        symbols: (2, 2, n) float32, by quantizer and parity.
        costs: (2, 2, n) float32, bits with what the error is worth.
        bits: (2, 2, n) float32.
    """

    symbols: Float32
    costs: Float32
    bits: Float32


def branches(x: Float32, scales: npt.NDArray[np.uint8], worth: Float32, bits: Float32) -> Branches:
    """The branches of latents x (n,), in steps from their means.

    Args:
        scales: (n,), their tables.
        worth: (n,), bits that a squared error of a step is worth.
        bits: (tables, 2m + 1): those of the symbols -m..m, about alike for a symbol and its negative.
    """
    n, most = len(x), bits.shape[1] // 2
    sign = np.copysign(np.float32(1), x)
    size = np.abs(x) / _STEP
    row = scales.astype(np.intp) * bits.shape[1] + most
    flat = bits.reshape(-1)
    symbols, costs, spent = (np.empty((2, 2, n), np.float32) for _ in range(3))
    zero_bits = flat.take(row)
    zero = zero_bits + worth * x * x
    for quantizer in range(2):
        # Of the second one symbol k has the value 2k - 1.
        shifted = size + np.float32(0.5 * quantizer)
        below = np.floor(shifted)
        odd_below = below.astype(np.int32) & 1
        for parity in range(2):
            k = below + (odd_below ^ parity)
            value = k - np.float32(0.5 * quantizer) * (k > 0)
            error = (size - value) * _STEP
            at = np.minimum(k, most).astype(np.intp)
            spent[quantizer, parity] = flat.take(row + at)
            costs[quantizer, parity] = spent[quantizer, parity] + worth * error * error
            symbols[quantizer, parity] = k * sign
        nothing = zero < costs[quantizer, 0]
        np.copyto(costs[quantizer, 0], zero, where=nothing)
        np.copyto(spent[quantizer, 0], zero_bits, where=nothing)
        symbols[quantizer, 0][nothing] = 0
    return Branches(symbols, costs, spent)


def _forward(costs: Float32, total: Float32) -> npt.NDArray[np.bool_]:
    """Goes on in all pieces at once; `total` (STATES, B) becomes the cost of the best path to each state.

    Args:
        costs: (steps, 2, 2, B), by parity and quantizer.

    Returns:
        Whether the best way to a state is an odd symbol, (steps, STATES, B).
    """
    pieces = total.shape[1]
    taken = np.empty((len(costs), STATES, pieces), np.bool_)
    ways = np.empty((2, STATES, pieces), np.float32)
    by_branch = ways.reshape(2, 2, _HALF, pieces)
    for step, branch in enumerate(costs[:, :, :, None]):
        total.take(_BEFORE, 0, out=ways, mode="clip")
        by_branch += branch
        np.less(ways[1], ways[0], out=taken[step])
        np.minimum(ways[0], ways[1], out=total)
    return taken


def _back(taken: npt.NDArray[np.bool_], state: Index) -> tuple[Index, Index]:
    """From the states (B,) at the end to the beginning: the states (steps + 1, B) passed, and the branches (steps, B)
    taken, as 2 * quantizer + parity."""
    pieces, steps = len(state), len(taken)
    column = np.arange(pieces)
    # A state of a piece is known by its place among all of all pieces.
    before = (_BEFORE[:, :, None] * pieces + column).reshape(-1)
    places, odd = np.empty((steps + 1, pieces), np.intp), np.empty((steps, pieces), np.intp)
    places[steps] = state * pieces + column
    for step in range(steps - 1, -1, -1):
        here = places[step + 1]
        odd[step] = taken[step].reshape(-1).take(here)
        before.take(here + odd[step] * (STATES * pieces), out=places[step], mode="clip")
    states = places // pieces
    return states, 2 * _QUANTIZER.take(states[1:]) + odd


def _joints(costs: Float32, begin: Index) -> Index:
    """(B - 1,): the states in which the best path begins all pieces but the first.

    Args:
        costs: (2, 2, n), by parity and quantizer.
        begin: (B,): where the pieces begin.
    """
    at = begin[1:] + np.arange(-AROUND, AROUND)[:, None]
    around = costs.take(at, 2, mode="clip").transpose(2, 0, 1, 3)
    total = np.zeros((STATES, len(begin) - 1), np.float32)
    taken = _forward(np.ascontiguousarray(around), total)
    states, _ = _back(taken[AROUND:], total.argmin(0))
    return np.asarray(states[0])


class Path(NamedTuple):
    """The best path.

    Attributes:
        symbols: (n,) float32.
        quantizers: (n,) uint8, which of the two each symbol has.
        bits: (n,) float32, what they cost.
        state: in which it ends.
    """

    symbols: Float32
    quantizers: npt.NDArray[np.uint8]
    bits: Float32
    state: int


def best_path(x: Float32, scales: npt.NDArray[np.uint8], worth: Float32, bits: Float32, state: int = 0) -> Path:
    """The symbols of latents whose errors and bits cost least together.

    Args:
        x: (n,), in steps, less their means.
        scales: (n,): the tables of their symbols.
        worth: (n,): bits that a squared error of one step is worth.
        bits: (tables, 2m + 1): bits of the symbols -m..m.
        state: in which the path begins.
    """
    n = len(x)
    if not n:
        nothing = np.empty(0, np.float32)
        return Path(nothing, np.empty(0, np.uint8), nothing, state)
    found = branches(x, scales, worth, bits)
    piece = min(n, PIECE)
    pieces = -(-n // piece)
    costs = np.zeros((2, 2, pieces * piece), np.float32)
    costs[:, :, :n] = found.costs.transpose(1, 0, 2)
    begin = np.arange(0, pieces * piece, piece)
    states = np.concatenate([[state], _joints(costs, begin)]) if pieces > 1 else np.array([state])
    total = np.full((STATES, pieces), _NEVER, np.float32)
    total[states, np.arange(pieces)] = 0
    taken = _forward(np.ascontiguousarray(costs.reshape(2, 2, pieces, piece).transpose(3, 0, 1, 2)), total)
    # Beyond the last symbol nothing costs anything, so the last piece ends where that symbol ends best.
    states, path = _back(taken, np.append(states[1:], total[:, -1].argmin()))
    branch = np.ascontiguousarray(path.T).reshape(-1)[:n]
    at = branch * n + np.arange(n)
    symbols, spent = (one.reshape(-1).take(at) for one in (found.symbols, found.bits))
    return Path(symbols, (branch >> 1).astype(np.uint8), spent, int(states[n - begin[-1], -1]))
